"""Draw a swimmer plot: a bar a patient, an arrow where it goes on, and a sign for everything that happened.

Numbers stand left of the bars, words in the key above and below the axis, so that no text can touch a bar or a sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cohortstats.figures.canvas import (
    KeyEntry,
    axes_in,
    check_width,
    fill,
    flow_of_entries,
    mark,
    new_figure,
    nice_ticks,
    stroke,
)
from cohortstats.figures.fonts import line_width, quiet_defaults, text_width
from cohortstats.figures.ink import Pen
from cohortstats.figures.layout import LEADING, number_text, wrapped
from cohortstats.figures.placement import Box
from cohortstats.figures.swimmer_picture import SwimmerBar, SwimmerPicture

__all__ = ["draw_swimmer"]

_AXIS, _NUMBER, _KEY, _STAMP = 8.5, 8.0, 8.5, 7.0
_MARGIN, _GAP, _KEY_ROW = 6.0, 7.0, 15.0
_TALLEST, _LOWEST, _PLOT = 14.0, 3.0, 620.0  # height of a row, and what all rows may take before they shrink
_ARROW = 6.0
_SIGN_SAMPLE, _BAR_SAMPLE = 14.0, 24.0
# Bars of groups differ in colour and in how full they are; green is the colour of a response.
_SLOTS = (1, 2, 4, 6, 5, 3)
_FILLS = (0.28, 0.0, 0.12, 0.45, 0.0, 0.12)
# Kind of mark -> sign, role, hollow, size beside the largest.
_SIGNS = {
    "response": ("^", "group-3", False, 1.0),
    "PD": ("s", "group-2", False, 0.86),
    "new therapy": ("D", "ink-2", True, 0.8),
    "death": ("x", "ink", False, 1.0),
    "plasma": ("o", "group-1", True, 0.86),
}


def draw_swimmer(picture: SwimmerPicture, *, width_inches: float = 7.2) -> Figure:
    """Draw a bar a patient with its marks, longest on top as the picture orders them.

    Groups differ in colour and in how their bars are filled, kinds of marks in shape. A bar that goes on ends in an
    arrowhead. Marks may stand beyond the end of their bar, or before its start.

    Parameters
    ----------
    picture
        What is drawn.
    width_inches
        Width of the figure. Type keeps its size in points; the height follows from the number of bars.

    Returns
    -------
    matplotlib.figure.Figure
        One Axes with time across. `figure_bytes` and `inline_svg` write it.

    Raises
    ------
    InputError
        For a width below 2.5 inches, which leaves no room for words.

    Examples
    --------
    >>> from cohortstats.figures import SwimmerBar, SwimmerMark
    >>> bar = SwimmerBar(order=1, length=90.0, ongoing=True, marks=(SwimmerMark(time=42.0, kind=1),))
    >>> figure = draw_swimmer(SwimmerPicture(bars=(bar,), kinds=(("PD", "Progression"),), x_label="Days"))
    >>> sorted(text.get_text() for text in figure.texts)
    ['0', '1', '20', '40', '60', '80', 'Days', 'Ongoing', 'Progression']
    """
    width = check_width(width_inches)
    with quiet_defaults():
        plan = _Plan(picture, width)
        figure, pen = new_figure(width, plan.height)
        axes = axes_in(figure, plan.frame, (plan.low, plan.high), (plan.frame.y0, plan.frame.y1))
        _key(plan, axes, pen)
        _axis(plan, axes, pen)
        _bars(plan, axes, pen)
        _marks(plan, axes)
        pen.block(plan.stamp, plan.stamp_box, _STAMP, "muted")
    return figure


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """What an entry of the key shows: a group, a kind of mark, or the arrow (both 0)."""

    name: str
    group: int = 0
    kind: int = 0


class _Plan:
    """Places of all parts at one width, in points from the lower left corner."""

    def __init__(self, picture: SwimmerPicture, width: float) -> None:
        self.picture, self.width = picture, width
        self.row = min(_TALLEST, max(_LOWEST, _PLOT / len(picture.bars)))
        self.samples = [_Sample(name=name, group=place) for place, name in enumerate(picture.groups, start=1)]
        self.samples += [_Sample(name=label, kind=place) for place, (_, label) in enumerate(picture.kinds, start=1)]
        if any(bar.ongoing for bar in picture.bars):
            self.samples.append(_Sample(name=picture.ongoing_label))
        self.key = self._key_entries()
        # A number is written in front of each bar, or of every fifth, tenth ... where bars are low.
        apart = LEADING * _NUMBER * 0.86
        self.every = next(every for every in (1, 5, 10, 20, 50, 100, 10**9) if every * self.row >= apart)
        widest = max(text_width(str(bar.order), _NUMBER) for bar in picture.bars)
        left, right = _MARGIN + widest + _GAP, width - _MARGIN - _ARROW
        times = [mark.time for bar in picture.bars for mark in bar.marks]
        self.low = min(0.0, *times, 0.0)
        top_time = max([bar.length for bar in picture.bars] + times)
        self.high = top_time if top_time > self.low else self.low + 1.0
        inset = self.sign / 2 + 1
        # Time is scaled so that signs at both ends stay inside.
        per_point = (self.high - self.low) / max(right - left - 2 * inset, 1.0)
        self.low, self.high = self.low - inset * per_point, self.high + inset * per_point
        rows = max((entry.row for entry in self.key), default=-1) + 1
        top = 4 + _KEY_ROW * rows + (4 if rows else 0)
        down = top + self.row * len(picture.bars)
        self.stamp = wrapped(picture.stamp, right - left, _STAMP, max_lines=8) if picture.stamp else ()
        stamp_top = down + 4
        bottom = stamp_top + LEADING * _STAMP * len(self.stamp) + (3 if self.stamp else 0)
        self.title = wrapped(picture.x_label, width - 2 * _MARGIN, _AXIS, max_lines=3)
        self.height = bottom + 4 + 1.05 * _AXIS + 5 + LEADING * _AXIS * len(self.title) + 4
        self.frame = Box(left, self.height - bottom, right, self.height - top)
        self.stamp_box = Box(left, self.height - bottom, right, self.height - stamp_top)
        self.rows_end = self.height - down if self.stamp else self.frame.y0
        self.ticks = self._ticks(right - left)

    @property
    def sign(self) -> float:
        """Size of the largest sign: it stays within its row."""
        return min(7.0, max(2.4, 0.66 * self.row))

    def _key_entries(self) -> list[KeyEntry]:
        # Groups have rows of their own, so that bars and signs do not mix.
        entries: list[KeyEntry] = []
        row = 0
        for sample, of_group in ((_BAR_SAMPLE + 6, True), (_SIGN_SAMPLE + 3, False)):
            names = [one.name for one in self.samples if bool(one.group) == of_group]
            found = flow_of_entries(names, self.width, sample=sample, size=_KEY, margin=_MARGIN)
            entries += [KeyEntry(x=one.x, row=one.row + row, lines=one.lines) for one in found]
            row = max((entry.row for entry in entries), default=-1) + 1
        return entries

    def _ticks(self, room: float) -> tuple[float, ...]:
        wanted = tuple(tick for tick in self.picture.ticks if self.low <= tick <= self.high)
        for most in range(9, 1, -1):
            ticks = wanted[:: -(-len(wanted) // most)] if wanted else nice_ticks(self.low, self.high, most)
            widest = max((text_width(number_text(tick), _AXIS) for tick in ticks), default=0.0)
            steps = [later - earlier for earlier, later in pairwise(ticks)]
            if not steps or min(steps) / (self.high - self.low) * room > widest + 6:
                return ticks
        return ticks[:1]

    def x(self, time: float) -> float:
        return self.frame.x0 + (time - self.low) / (self.high - self.low) * (self.frame.x1 - self.frame.x0)

    def time(self, x: float) -> float:
        return self.low + (x - self.frame.x0) / (self.frame.x1 - self.frame.x0) * (self.high - self.low)

    def middle(self, place: int) -> float:
        return self.frame.y1 - self.row * (place + 0.5)


def _role(group: int) -> str:
    return f"group-{_SLOTS[max(group - 1, 0)]}"


def _bar_box(plan: _Plan, x0: float, x1: float, middle: float) -> Box:
    half = 0.29 * plan.row
    return Box(x0, middle - half, x1, middle + half)


def _draw_bars(axes: Axes, boxes: list[Box], group: int, row: float) -> None:
    role = _role(group)
    fill(axes, boxes, role, zorder=2, alpha=_FILLS[max(group - 1, 0)])
    xs: list[float] = []
    ys: list[float] = []
    for box in boxes:
        xs += [box.x0, box.x1, box.x1, box.x0, box.x0, float("nan")]
        ys += [box.y0, box.y0, box.y1, box.y1, box.y0, float("nan")]
    stroke(axes, xs, ys, role, 0.8 if row > 7 else 0.4, zorder=2.2)


def _key(plan: _Plan, axes: Axes, pen: Pen) -> None:
    for sample, entry in zip(plan.samples, plan.key, strict=True):
        middle = plan.height - 4 - _KEY_ROW * entry.row - 7
        left = entry.x
        if sample.group:
            box = Box(plan.time(left), middle - 3.6, plan.time(left + _BAR_SAMPLE), middle + 3.6)
            _draw_bars(axes, [box], sample.group, _TALLEST)
        elif sample.kind:
            _sign(axes, [plan.time(left + _SIGN_SAMPLE / 2)], [middle], plan.picture.kinds[sample.kind - 1][0], 6.2)
        else:
            stroke(axes, [plan.time(left), plan.time(left + 8)], [middle, middle], "ink-2", 1.2, zorder=3)
            mark(axes, [plan.time(left + 10)], [middle], ">", "ink-2", 4.0)
        words_at = left + (_BAR_SAMPLE + 6 if sample.group else _SIGN_SAMPLE + 3)
        role = f"{_role(sample.group)}-text" if sample.group else "ink"
        for line in entry.lines:
            pen.line(line, words_at, middle - 0.36 * _KEY, _KEY, role)


def _sign(axes: Axes, xs: list[float], ys: list[float], kind: str, size: float) -> None:
    marker, role, hollow, factor = _SIGNS[kind]
    mark(axes, xs, ys, marker, role, size * factor, hollow=hollow)


def _axis(plan: _Plan, axes: Axes, pen: Pen) -> None:
    frame = plan.frame
    stroke(axes, [plan.low, plan.high], [frame.y0, frame.y0], "ink-2", 0.8, zorder=2.5)
    stroke(axes, [0.0, 0.0], [plan.rows_end, frame.y1], "ink-2", 0.8, zorder=2.5)
    low = frame.y0 - 4 - 1.05 * _AXIS
    for tick in plan.ticks:
        stroke(axes, [tick, tick], [frame.y0 - 3.5, frame.y0], "ink-2", 0.8, zorder=2.5)
        pen.text(number_text(tick, plan.picture.point), plan.x(tick), low, _AXIS, "ink-2", align="center")
    for row, line in enumerate(plan.title):
        half = line_width(line, _AXIS) / 2 + _MARGIN
        middle = min(max((frame.x0 + frame.x1) / 2, half), plan.width - half)
        pen.line(line, middle, low - 3 - LEADING * _AXIS * (row + 1), _AXIS, "ink", align="center")


def _bars(plan: _Plan, axes: Axes, pen: Pen) -> None:
    by_group: dict[int, list[Box]] = {}
    heads: tuple[list[float], list[float]] = ([], [])
    stems: tuple[list[float], list[float]] = ([], [])
    for place, bar in enumerate(plan.picture.bars):
        middle = plan.middle(place)
        by_group.setdefault(bar.group, []).append(_bar_box(plan, 0.0, bar.length, middle))
        if bar.ongoing:
            _arrow(plan, bar, middle, heads, stems)
        if place == 0 or bar.order % plan.every == 0:
            pen.text(str(bar.order), plan.frame.x0 - _GAP, middle - 0.36 * _NUMBER, _NUMBER, "muted", align="right")
    for group, boxes in sorted(by_group.items()):
        _draw_bars(axes, boxes, group, plan.row)
    if heads[0]:
        stroke(axes, *stems, "ink-2", 1.2, zorder=3)
        mark(axes, *heads, ">", "ink-2", min(4.0, 0.5 * plan.row))


def _arrow(
    plan: _Plan,
    bar: SwimmerBar,
    middle: float,
    heads: tuple[list[float], list[float]],
    stems: tuple[list[float], list[float]],
) -> None:
    end = plan.x(bar.length)
    heads[0].append(plan.time(end + _ARROW))
    heads[1].append(middle)
    stems[0].extend([bar.length, plan.time(end + _ARROW), float("nan")])
    stems[1].extend([middle, middle, float("nan")])


def _marks(plan: _Plan, axes: Axes) -> None:
    found: dict[int, tuple[list[float], list[float]]] = {}
    for place, bar in enumerate(plan.picture.bars):
        for one in bar.marks:
            xs, ys = found.setdefault(one.kind, ([], []))
            xs.append(one.time)
            ys.append(plan.middle(place))
    for kind, (xs, ys) in sorted(found.items()):
        _sign(axes, xs, ys, plan.picture.kinds[kind - 1][0], plan.sign)
