"""Draw a waterfall plot: bars of best changes, guides at +20 and −30, and a line of signs for each response.

The response of a patient is the line in which the sign under the bar stands: it needs no colour and no text on a bar,
so that bars may be as many as there are patients.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cohortstats.figures.canvas import axes_in, check_width, fill, mark, new_figure, stroke
from cohortstats.figures.fonts import line_width, quiet_defaults, text_width
from cohortstats.figures.ink import Pen
from cohortstats.figures.layout import LEADING, number_text, wrapped
from cohortstats.figures.placement import Box
from cohortstats.figures.waterfall_picture import WaterfallPicture

__all__ = ["draw_waterfall", "percent_range"]

_AXIS, _NUMBER, _STAMP = 8.5, 8.0, 7.0
_MARGIN, _GAP, _ROW = 6.0, 6.0, 12.0
_WIDEST = 26.0  # room of one bar: few bars do not fill the page
_MARK_ROOM = 8.0


def draw_waterfall(picture: WaterfallPicture, *, width_inches: float = 7.2) -> Figure:
    """Draw best changes as bars, in the order of the picture.

    Guides are dotted and named at the right. A bar that is cut ends in an arrowhead; a change of 0 is a short line.

    Parameters
    ----------
    picture
        What is drawn.
    width_inches
        Width of the figure. Type keeps its size in points.

    Returns
    -------
    matplotlib.figure.Figure
        One Axes with patients across, the first bar from 0 to 1, and percent up. `figure_bytes` and `inline_svg` write
        it.

    Raises
    ------
    InputError
        For a width below 2.5 inches, which leaves no room for words.

    Examples
    --------
    >>> from cohortstats.figures import WaterfallBar
    >>> bars = (WaterfallBar(order=1, change=12.0, response=1), WaterfallBar(order=2, change=-55.0))
    >>> picture = WaterfallPicture(bars=bars, y_label="Best change, %", x_label="Patient", responses=("SD",))
    >>> sorted(text.get_text() for text in draw_waterfall(picture).texts)
    ['+20', '0', '1', '2', '50', 'Best change, %', 'Patient', 'SD', '−100', '−30', '−50']
    """
    width = check_width(width_inches)
    with quiet_defaults():
        plan = _Plan(picture, width)
        figure, pen = new_figure(width, plan.height)
        axes = axes_in(figure, plan.frame, (0.0, plan.across), (plan.low, plan.high))
        _scale(plan, axes, pen)
        _bars(plan, axes)
        _responses(plan, axes, pen)
        pen.block(plan.stamp, plan.stamp_box, _STAMP, "muted")
    return figure


def percent_range(picture: WaterfallPicture) -> tuple[float, float]:
    """Ends of the axis: whole fifties that hold every bar and every guide.

    Examples
    --------
    >>> from cohortstats.figures import WaterfallBar
    >>> bars = (WaterfallBar(order=1, change=61.0), WaterfallBar(order=2, change=-20.0))
    >>> percent_range(WaterfallPicture(bars=bars, y_label="", x_label=""))
    (-50.0, 100.0)
    """
    ends = [picture.shown(bar) for bar in picture.bars] + list(picture.guides) + [0.0]
    step = 50.0 if max(ends) <= 400 else 100.0 * max(1.0, max(ends) // 800)
    return step * (min(ends) // step), -step * (-max(ends) // step)


def _signed(percent: float) -> str:
    return f"+{number_text(percent)}" if percent > 0 else number_text(percent)


class _Plan:
    """Places of all parts at one width, in points from the lower left corner."""

    def __init__(self, picture: WaterfallPicture, width: float) -> None:
        self.picture, self.width = picture, width
        low, high = percent_range(picture)
        self.ticks = self._ticks(low, high)
        ticks = max(text_width(number_text(tick), _AXIS) for tick in self.ticks)
        self.names = [wrapped(name, 0.26 * width, _NUMBER, max_lines=2) for name in picture.responses]
        named = max((line_width(line, _NUMBER) for lines in self.names for line in lines), default=0.0)
        left = _MARGIN + max(ticks + 6, named + _GAP)
        guides = max((text_width(_signed(guide), _NUMBER) for guide in picture.guides), default=0.0)
        right = width - _MARGIN - guides - (4 if guides else 0)
        whole = right
        right = min(right, left + len(picture.bars) * _WIDEST)
        self.across = float(len(picture.bars))
        self.y_title = wrapped(picture.y_label, width - 2 * _MARGIN, _AXIS, max_lines=2)
        self.x_title = wrapped(picture.x_label, width - 2 * _MARGIN, _AXIS, max_lines=2)
        stamp = wrapped(picture.stamp, whole - left - 4, _STAMP, max_lines=8) if picture.stamp else ()
        self.stamp = stamp
        plot = max(150.0, (0.40 if width > 400 else 0.62) * width)
        above = 4 + LEADING * _AXIS * len(self.y_title) + 6
        # Points for the stamp lie below the lowest percent, those for arrowheads above the highest.
        stamped = LEADING * _STAMP * len(stamp) + (6 if stamp else 0)
        headroom = _MARK_ROOM if any(bar.capped for bar in picture.bars) else 3.0
        self.rows = [_ROW * max(len(lines), 1) for lines in self.names]
        under = 4 + sum(self.rows) + LEADING * _NUMBER + 4 + LEADING * _AXIS * len(self.x_title) + 3
        self.height = above + headroom + plot + stamped + under
        self.frame = Box(left, under, right, self.height - above)
        per_point = (high - low) / plot
        self.least, self.most = low, high
        self.low, self.high = low - (stamped + 2) * per_point, high + headroom * per_point
        self.stamp_box = Box(left + 4, under + 2, whole, under + 2 + LEADING * _STAMP * len(stamp))
        self.bar_width = (right - left) / self.across

    @staticmethod
    def _ticks(low: float, high: float) -> tuple[float, ...]:
        step = 50.0
        while (high - low) / step > 8:
            step *= 2
        first, last = int(-(-low // step)), int(high // step)
        return tuple(step * place for place in range(first, last + 1))

    def y(self, percent: float) -> float:
        return self.frame.y0 + (percent - self.low) / (self.high - self.low) * (self.frame.y1 - self.frame.y0)

    def percent(self, y: float) -> float:
        return self.low + (y - self.frame.y0) / (self.frame.y1 - self.frame.y0) * (self.high - self.low)

    def x(self, place: float) -> float:
        return self.frame.x0 + place * self.bar_width

    def patients(self, x: float) -> float:
        return (x - self.frame.x0) / self.bar_width


def _scale(plan: _Plan, axes: Axes, pen: Pen) -> None:
    """The axis of percent, the line at 0, guides and titles."""
    frame, edge = plan.frame, 0.0
    stroke(axes, [edge, edge], [plan.least, plan.most], "ink-2", 0.8, zorder=2.5)
    for tick in plan.ticks:
        stroke(axes, [plan.patients(frame.x0 - 3.5), edge], [tick, tick], "ink-2", 0.8, zorder=2.5)
        at = plan.y(tick) - 0.36 * _AXIS
        pen.text(number_text(tick), frame.x0 - 6, at, _AXIS, "ink-2", align="right")
    stroke(axes, [0.0, plan.across], [0.0, 0.0], "ink-2", 0.8, zorder=3)
    for guide in plan.picture.guides:
        stroke(axes, [0.0, plan.across], [guide, guide], "muted", 0.9, zorder=3, dotted=True)
        pen.text(_signed(guide), frame.x1 + 4, plan.y(guide) - 0.36 * _NUMBER, _NUMBER, "muted")
    top = plan.height - 4
    for row, line in enumerate(plan.y_title):
        pen.line(line, _MARGIN, top - LEADING * _AXIS * (row + 0.8), _AXIS, "ink")


def _bars(plan: _Plan, axes: Axes) -> None:
    picture = plan.picture
    gap = 0.14 if plan.bar_width > 5 else 0.08
    boxes, flat = [], []
    for place, bar in enumerate(picture.bars):
        end = picture.shown(bar)
        if bar.change == 0:
            flat.append(place)
        boxes.append(Box(place + gap, min(end, 0.0), place + 1 - gap, max(end, 0.0)))
    fill(axes, [box for box in boxes if box.y0 < box.y1], "group-1", zorder=2)
    for place in flat:
        stroke(axes, [place + gap, place + 1 - gap], [0.0, 0.0], "group-1", 2.4, zorder=3.1)
    tips = [place + 0.5 for place, bar in enumerate(picture.bars) if bar.capped]
    size = min(5.0, max(2.0, 0.6 * plan.bar_width))
    over = plan.percent(plan.y(picture.cap or 0.0) + size / 2 + 1.5)
    mark(axes, tips, [over] * len(tips), "^", "group-1", size)


def _responses(plan: _Plan, axes: Axes, pen: Pen) -> None:
    """A line of signs for each response, then the numbers of the bars and the title."""
    picture = plan.picture
    down = plan.frame.y0 - 4
    size = min(5.2, max(1.6, 0.55 * plan.bar_width))
    for number, (lines, tall) in enumerate(zip(plan.names, plan.rows, strict=True), start=1):
        middle = down - tall / 2
        for row, line in enumerate(lines):
            baseline = down - _ROW * (row + 0.5) - 0.36 * _NUMBER
            pen.line(line, plan.frame.x0 - _GAP, baseline, _NUMBER, "ink-2", align="right")
        at = plan.percent(middle)
        end = plan.percent(down - tall)
        stroke(axes, [0.0, plan.across], [end, end], "hairline", 0.75, zorder=1)
        xs = [place + 0.5 for place, bar in enumerate(picture.bars) if bar.response == number]
        mark(axes, xs, [at] * len(xs), "s", "group-1", size)
        down -= tall
    widest = max(text_width(str(bar.order), _NUMBER) for bar in picture.bars)
    every = next(step for step in (1, 2, 5, 10, 20, 50, 100, 10**9) if step * plan.bar_width > widest + 3)
    baseline = down - LEADING * _NUMBER * 0.86
    for place, bar in enumerate(picture.bars):
        if every == 1 or bar.order % every == 0 or (place == 0 and every > 2):
            pen.text(str(bar.order), plan.x(place + 0.5), baseline, _NUMBER, "muted", align="center")
    for row, line in enumerate(plan.x_title):
        half = line_width(line, _AXIS) / 2 + _MARGIN
        middle = plan.frame.x0 + len(picture.bars) * plan.bar_width / 2
        middle = min(max(middle, half), plan.width - half)
        pen.line(line, middle, baseline - 3 - LEADING * _AXIS * (row + 0.9), _AXIS, "ink", align="center")
