"""Draw a forest plot: a row an estimate on a logarithmic axis, with its label at the left and its numbers at the right.

Every part has a column and a line of its own, so that no text can touch another text or an interval; where the figure
is too narrow for three columns, labels stand above their intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import exp, isinf, isnan, log, sqrt
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon

from cohortstats.errors import InputError
from cohortstats.figures.fonts import line_width, quiet_defaults, text_width
from cohortstats.figures.forest_picture import ForestEstimate, ForestPicture, ForestRow
from cohortstats.figures.ink import Pen, QuietFigure
from cohortstats.figures.layout import LEADING, shade, wrapped
from cohortstats.figures.placement import Box
from cohortstats.figures.trial_forest import TimeUnit, trial_picture
from cohortstats.figures.words import Line, clean

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["axis_range", "axis_ticks", "draw_forest"]

_LABEL, _NUMBER, _AXIS, _STAMP = 8.5, 8.0, 8.5, 7.0
_MARGIN, _GAP, _INDENT, _INSET = 6.0, 12.0, 10.0, 9.0
_LINE = 13.0  # distance of two estimates of one row
_FIRST = 5.8  # from the top of a row to its first estimate, so that label and numbers share a baseline
_BETWEEN, _ABOVE_VARIABLE = 3.0, 3.0
_SAMPLE = 24.0
_LEAST_PLOT = 130.0
_LEAST_LABEL = 0.2  # of the width, where labels may be broken into more lines
_LARGEST, _SMALLEST = 11.0, 2.0  # edge of the square of the heaviest trial, and of the lightest that is seen
_DIAMOND = 4.2  # half its height
_REACH = 10.0  # an interval may stretch the axis this many times beyond the outermost estimate
_MARKERS = ("s", "o", "D")
_MANTISSAS = ((1, 1.5, 2, 3, 4, 5, 7), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,))
_MOST_TICKS = 9


def draw_forest(
    picture: ForestPicture | pd.DataFrame, *, width_inches: float = 7.2, unit: TimeUnit | None = None
) -> Figure:
    """Draw estimates with their limits on a logarithmic axis, a line at 1, labels and numbers.

    An interval that leaves the axis ends in an arrowhead; an estimate that is not defined has its words and no mark.
    Series differ in marker and colour, and each stands on a line of its own.

    Parameters
    ----------
    picture
        What is drawn; or a frame of trials, as `cohortstats.read_trials` makes it: squares by weight, the printed
        strings beside them, a mark where ratio, interval and P cannot all be right.
    unit
        Convert the medians of a frame to days, weeks or months of 30.4375 days; left out, each row keeps its unit.
    width_inches
        Width of the figure. Type keeps its size in points; at about 5 inches and below, labels stand above their
        intervals. The height follows from the rows.

    Returns
    -------
    matplotlib.figure.Figure
        One Axes with ratios across. `figure_bytes` and `inline_svg` write it.

    Raises
    ------
    InputError
        For a width below 2.5 inches, which leaves no room for words; a frame without the columns of a trial.

    Examples
    --------
    >>> from cohortstats.figures import ForestEstimate, ForestRow
    >>> row = ForestRow(label="Age", estimates=(ForestEstimate(value=2.0, ci_lower=0.9, ci_upper=4.0, texts=("2",)),))
    >>> figure = draw_forest(ForestPicture(rows=(row,), columns=("HR",), x_label="Hazard ratio"))
    >>> sorted(text.get_text() for text in figure.texts)
    ['1', '1.5', '2', '2', '3', '4', 'Age', 'HR', 'Hazard ratio']
    """
    if not width_inches >= 2.5:
        raise InputError(f"width_inches must be at least 2.5, so that words have room; it is {width_inches!r}.")
    if not isinstance(picture, ForestPicture):
        picture = trial_picture(picture, unit=unit)
    elif unit is not None:
        raise InputError("unit is for a frame of trials; a picture has its texts already.")
    with quiet_defaults():
        plan = _Plan(picture, 72 * width_inches)
        figure = QuietFigure(figsize=(plan.width / 72, plan.height / 72), dpi=100, facecolor=shade("paper"))
        FigureCanvasAgg(figure)
        pen = Pen(figure)
        axes = _axes(figure, plan)
        _rules(plan, axes)
        _axis(plan, axes, pen)
        _heads(plan, axes, pen)
        for place in plan.places:
            _row(plan, place, axes, pen)
        pen.block(plan.stamp, plan.stamp_box, _STAMP, "muted")
    return figure


# ---------------------------------------------------------------------------------------------------------------------
# The axis
# ---------------------------------------------------------------------------------------------------------------------


def axis_range(picture: ForestPicture) -> tuple[float, float]:
    """Ends of the axis: 1, every estimate, and limits that do not reach too far beyond the outermost estimate.

    Examples
    --------
    >>> wide = ForestEstimate(value=2.0, ci_lower=0.5, ci_upper=900.0)
    >>> axis_range(ForestPicture(rows=(ForestRow(label="A", estimates=(wide,)),), columns=(), x_label=""))
    (0.5, 20.0)
    """
    estimates = [estimate for row in picture.rows for estimate in row.estimates if not isnan(estimate.value)]
    values = [1.0, *(estimate.value for estimate in estimates)]
    low, high = min(values), max(values)
    lower = [estimate.ci_lower for estimate in estimates if estimate.ci_lower > 0]
    upper = [estimate.ci_upper for estimate in estimates if estimate.ci_upper < float("inf")]
    low = min(low, max(min(lower, default=low), low / _REACH))
    high = max(high, min(max(upper, default=high), high * _REACH))
    return min(low, 0.8), max(high, 1.25)


def axis_ticks(low: float, high: float, room: float) -> tuple[float, ...]:
    """Ticks 1, 2, 5 and their like between the ends, 1 among them, as many as stand apart on `room` points.

    Examples
    --------
    >>> axis_ticks(0.4, 6.0, 180.0), axis_ticks(0.001, 2000.0, 180.0)
    ((0.5, 1.0, 2.0, 3.0, 5.0), (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0))
    """
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    ways = [(mantissas, 1) for mantissas in _MANTISSAS] + [((1,), every) for every in range(2, last - first + 2)]
    for mantissas, every in ways:
        # Whole decades are counted from 1, so that 1 stays a tick.
        powers = [power for power in range(first, last + 1) if power % every == 0]
        ticks = [tick for power in powers for one in mantissas if low <= (tick := float(f"{one}e{power}")) <= high]
        scale = room / log(high / low)
        apart = all(
            log(later / earlier) * scale > (_tick_width(earlier) + _tick_width(later)) / 2 + 6
            for earlier, later in pairwise(ticks)
        )
        if apart and len(ticks) <= _MOST_TICKS:
            return tuple(ticks)
    return (1.0,)


def _tick_text(tick: float) -> str:
    return np.format_float_positional(tick, trim="-")


def _tick_width(tick: float) -> float:
    return text_width(_tick_text(tick), _AXIS)


# ---------------------------------------------------------------------------------------------------------------------
# Where everything stands, in points from the lower left corner
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A row: its label and the height of its first estimate."""

    row: ForestRow
    label: tuple[Line, ...]
    box: Box
    first: float
    rule: float | None


class _Plan:
    """Places of all parts of one picture at one width."""

    def __init__(self, picture: ForestPicture, width: float) -> None:
        self.picture, self.width = picture, width
        self.columns = self._columns()
        self.heads = [
            wrapped(head, column.x1 - column.x0 + 0.5, _NUMBER, bold=True, max_lines=3)
            for head, column in zip(picture.columns, self.columns, strict=True)
        ]
        right = self.columns[0].x0 - _GAP if self.columns else width - _MARGIN
        widest = max(self._label_width(row) for row in picture.rows)
        room = min(widest, 0.36 * width)
        if picture.narrow_labels:
            room = min(room, max(right - _MARGIN - _GAP - _LEAST_PLOT - 1, _LEAST_LABEL * width))
        room += 0.5
        self.stacked = right - (_MARGIN + room + _GAP) < _LEAST_PLOT
        self.right_of_labels = width - _MARGIN if self.stacked else _MARGIN + room
        left = _MARGIN if self.stacked else _MARGIN + room + _GAP
        self.key = self._key()
        self._set_heights(left, right)
        self.low, self.high = axis_range(picture)
        self.heaviest = max((one.weight for row in picture.rows for one in row.estimates), default=0.0)
        self.ticks = axis_ticks(self.low, self.high, right - left - 2 * _INSET)

    def _label_width(self, row: ForestRow) -> float:
        return row.indent * _INDENT + max(
            (line_width(line, _LABEL, self._bold(row)) for line in wrapped(row.label, 1e6, _LABEL)), default=0.0
        )

    def _bold(self, row: ForestRow) -> bool:
        return not row.indent

    def _columns(self) -> list[Box]:
        """The columns of numbers from the right edge, as boxes without height."""
        picture = self.picture
        widths = []
        for place, head in enumerate(picture.columns):
            cells = [estimate.texts[place] for row in picture.rows for estimate in row.estimates]
            cells += [row.text for row in picture.rows] if place == 0 else []
            widest = max((text_width(clean(cell), _NUMBER) for cell in cells), default=0.0)
            lines = wrapped(head, max(widest, 42.0), _NUMBER, bold=True, max_lines=3)
            widths.append(max([widest, *(line_width(line, _NUMBER, True) for line in lines)]) + 0.5)
        # Where the numbers would take the whole figure, the widest columns give way.
        most = 0.6 * self.width - _GAP * len(widths)
        while sum(widths) > most:
            widest = max(widths)
            widths[widths.index(widest)] = max(widest * 0.9, 1.0)
        boxes: list[Box] = []
        right = self.width - _MARGIN
        for width in reversed(widths):
            boxes.insert(0, Box(right - width, 0.0, right, 0.0))
            right -= width + _GAP
        return boxes

    def _key(self) -> list[tuple[int, float, int, tuple[Line, ...]]]:
        """Series, left end, line and words of each entry of the key; none for a single series."""
        if len(self.picture.series) < 2:
            return []
        entries, x, row = [], _MARGIN, 0
        for series, name in enumerate(self.picture.series, start=1):
            lines = wrapped(name, self.width - 2 * _MARGIN - _SAMPLE - 6, _LABEL, bold=True, max_lines=1)
            wide = _SAMPLE + 6 + max((line_width(line, _LABEL, True) for line in lines), default=0.0)
            if x > _MARGIN and x + wide > self.width - _MARGIN:
                x, row = _MARGIN, row + 1
            entries.append((series, x, row, lines))
            x += wide + 16
        return entries

    def _set_heights(self, left: float, right: float) -> None:
        """From the top down; the figure is as high as its parts, so that heights are known last."""
        picture = self.picture
        key_rows = max((row for _, _, row, _ in self.key), default=-1) + 1
        head_lines = max((len(lines) for lines in self.heads), default=0)
        heads = 4 + 15 * key_rows
        top = heads + LEADING * _NUMBER * head_lines + 4
        down = top
        found: list[tuple[ForestRow, tuple[Line, ...], float, float, float | None]] = []
        for number, row in enumerate(picture.rows):
            rule = down + 1 if not row.indent and number else None
            down += _ABOVE_VARIABLE if not row.indent and number else 0.0
            # Stacked, the numbers of a row stand under its label; words without an interval need no line of their own.
            stacked = self.stacked and bool(row.estimates)
            room = self.columns[0].x0 - _GAP if row.text and self.columns and not stacked else self.right_of_labels
            room = min(room, self.right_of_labels) - _MARGIN - row.indent * _INDENT
            label = wrapped(row.label, room, _LABEL, bold=self._bold(row), max_lines=4)
            tall = LEADING * _LABEL * len(label)
            first = down + _FIRST + (tall if stacked else 0.0)
            found.append((row, label, down, first, rule))
            own = _LINE * max(len(row.estimates), 1 if row.text else 0)
            down += (tall + own if stacked else max(tall, own)) + _BETWEEN
        stamp_width = right - left - 2 * _INSET
        self.stamp = wrapped(picture.stamp, stamp_width, _STAMP, max_lines=6) if clean(picture.stamp) else ()
        stamp_top = down + (4 if self.stamp else 0)
        bottom = stamp_top + LEADING * _STAMP * len(self.stamp) + 5
        self.title = wrapped(picture.x_label, self.width - 2 * _MARGIN, _AXIS, max_lines=3)
        self.height = bottom + 4 + 1.05 * _AXIS + 6 + LEADING * _AXIS * len(self.title) + 4
        height = self.height
        self.frame = Box(left, height - bottom, right, height - top)
        self.heads_top = height - heads
        self.stamp_box = Box(
            left + _INSET,
            height - stamp_top - LEADING * _STAMP * len(self.stamp),
            left + _INSET + stamp_width,
            height - stamp_top,
        )
        self.rows_end = height - down
        self.places = [
            _Place(
                row=row,
                label=label,
                box=Box(
                    _MARGIN + row.indent * _INDENT,
                    height - above - LEADING * _LABEL * len(label),
                    self.right_of_labels,
                    height - above,
                ),
                first=height - first,
                rule=None if rule is None else height - rule,
            )
            for row, label, above, first, rule in found
        ]

    @property
    def _scale(self) -> float:
        return (self.frame.x1 - self.frame.x0 - 2 * _INSET) / log(self.high / self.low)

    def x(self, ratio: float) -> float:
        """Points across of a ratio."""
        return self.frame.x0 + _INSET + log(ratio / self.low) * self._scale

    def ratio(self, x: float) -> float:
        """The ratio that a point stands for, the reverse of `x`."""
        return self.low * exp((x - self.frame.x0 - _INSET) / self._scale)

    def reference_pieces(self) -> list[tuple[float, float]]:
        """Heights between which the line at 1 is drawn: not through the labels of a stacked plot."""
        if not self.stacked:
            return [(self.rows_end + 1, self.frame.y1)]
        return [
            (place.first - _LINE * (len(place.row.estimates) - 1) - _LINE / 2, place.first + _LINE / 2 - 1)
            for place in self.places
            if place.row.estimates
        ]


# ---------------------------------------------------------------------------------------------------------------------
# Drawing
# ---------------------------------------------------------------------------------------------------------------------


def _axes(figure: Figure, plan: _Plan) -> Axes:
    """Axes with ratios across and points up, without matplotlib's own ticks and spines."""
    frame = plan.frame
    across, up = (frame.x1 - frame.x0) / plan.width, (frame.y1 - frame.y0) / plan.height
    axes = figure.add_axes((frame.x0 / plan.width, frame.y0 / plan.height, across, up))
    axes.set_xscale("log")
    axes.set_xlim(plan.ratio(frame.x0), plan.ratio(frame.x1))
    axes.set_ylim(frame.y0, frame.y1)
    axes.set_axis_off()
    return axes


def _stroke(axes: Axes, xs: list[float], ys: list[float], role: str, width: float, *, zorder: float) -> None:
    line = Line2D(xs, ys, color=shade(role), linewidth=width, solid_capstyle="butt", zorder=zorder, clip_on=False)
    axes.add_line(line)


def _mark(
    axes: Axes, x: float, y: float, marker: str, role: str, size: float, *, hollow: bool = False, edge: float = 1.2
) -> None:
    line = Line2D(
        [x],
        [y],
        linestyle="none",
        marker=marker,
        markersize=size,
        markerfacecolor=shade("paper" if hollow else role),
        markeredgecolor=shade(role),
        markeredgewidth=edge,
        zorder=4.6,
        clip_on=False,
    )
    axes.add_line(line)


def _rules(plan: _Plan, axes: Axes) -> None:
    """Hairlines between variables, the line at 1."""
    ends = [plan.ratio(_MARGIN), plan.ratio(plan.width - _MARGIN)]
    rules = [place.rule for place in plan.places if place.rule is not None]
    for height in (plan.frame.y1 + 1.5, *rules):
        _stroke(axes, ends, [height, height], "hairline", 0.75, zorder=1)
    for low, high in plan.reference_pieces():
        _stroke(axes, [1.0, 1.0], [low, high], "muted", 0.9, zorder=2)


def _axis(plan: _Plan, axes: Axes, pen: Pen) -> None:
    frame = plan.frame
    _stroke(axes, [plan.ratio(frame.x0), plan.ratio(frame.x1)], [frame.y0, frame.y0], "ink-2", 0.8, zorder=2.5)
    low = frame.y0 - 4 - 1.05 * _AXIS
    for tick in plan.ticks:
        _stroke(axes, [tick, tick], [frame.y0 - 3.5, frame.y0], "ink-2", 0.8, zorder=2.5)
        pen.text(_tick_text(tick).replace(".", plan.picture.point), plan.x(tick), low, _AXIS, "ink-2", align="center")
    for row, line in enumerate(plan.title):
        baseline = low - 3 - LEADING * _AXIS * (row + 1)
        # Under the middle of the axis, or as near to it as the edges of the figure allow.
        half = line_width(line, _AXIS) / 2 + _MARGIN
        middle = min(max((frame.x0 + frame.x1) / 2, half), plan.width - half)
        pen.line(line, middle, baseline, _AXIS, "ink", align="center")


def _heads(plan: _Plan, axes: Axes, pen: Pen) -> None:
    """The key of the series, and the headings of the numbers."""
    for series, left, row, lines in plan.key:
        middle = plan.height - 4 - 15 * row - 6
        _stroke(axes, [plan.ratio(left), plan.ratio(left + _SAMPLE)], [middle, middle], _role(series), 1.5, zorder=4)
        _mark(axes, plan.ratio(left + _SAMPLE / 2), middle, _MARKERS[series - 1], _role(series), 5.2, hollow=series > 1)
        role = f"group-{series}-text"
        for line in lines:
            pen.line(line, left + _SAMPLE + 6, middle - 0.36 * _LABEL, _LABEL, role, bold=True)
    deepest = max((len(lines) for lines in plan.heads), default=0)
    for column, lines in zip(plan.columns, plan.heads, strict=True):
        for row, line in enumerate(lines):
            # Headings of fewer lines stand on the lowest ones.
            down = LEADING * _NUMBER * (row + deepest - len(lines) + 0.8)
            pen.line(line, column.x1, plan.heads_top - down, _NUMBER, "ink", bold=True, align="right")


def _role(series: int) -> str:
    return f"group-{series}"


def _row(plan: _Plan, place: _Place, axes: Axes, pen: Pen) -> None:
    row = place.row
    pen.block(place.label, place.box, _LABEL, "ink", bold=not row.indent)
    if row.text and not row.estimates and plan.columns:
        _number(plan, 0, row.text, place.first, "muted", pen)
    for position, estimate in enumerate(row.estimates):
        middle = place.first - _LINE * position
        _interval(plan, estimate, middle, axes)
        role = "ink" if len(plan.picture.series) == 1 else f"group-{estimate.series}-text"
        for column, text in enumerate(estimate.texts):
            _number(plan, column, text, middle, role, pen)


def _number(plan: _Plan, column: int, text: str, middle: float, role: str, pen: Pen) -> None:
    box = plan.columns[column]
    for line in wrapped(text, box.x1 - box.x0, _NUMBER, max_lines=1):
        pen.line(line, box.x1, middle - 0.36 * _NUMBER, _NUMBER, role, align="right")


def _interval(plan: _Plan, estimate: ForestEstimate, middle: float, axes: Axes) -> None:
    """The mark and its interval, with an arrowhead where the interval leaves the axis."""
    if isnan(estimate.value):
        return
    if estimate.pooled:
        _diamond(plan, estimate, middle, axes)
        return
    role = _role(estimate.series)
    ends = []
    for limit, leaves, edge, marker in (
        (estimate.ci_lower, estimate.ci_lower < plan.low, plan.frame.x0 + 3.5, "<"),
        (estimate.ci_upper, estimate.ci_upper > plan.high, plan.frame.x1 - 3.5, ">"),
    ):
        if leaves:
            _mark(axes, plan.ratio(edge), middle, marker, role, 4.4)
        ends.append(plan.ratio(edge) if leaves else estimate.value if isnan(limit) or isinf(limit) else limit)
    _stroke(axes, ends, [middle, middle], role, 1.5, zorder=4)
    if estimate.weight:
        size = max(_LARGEST * sqrt(estimate.weight / plan.heaviest), _SMALLEST)
        _mark(axes, estimate.value, middle, "s", role, size, edge=0.0)
        return
    marker = _MARKERS[estimate.series - 1]
    _mark(axes, estimate.value, middle, marker, role, 5.2, hollow=estimate.series > 1)


def _diamond(plan: _Plan, estimate: ForestEstimate, middle: float, axes: Axes) -> None:
    """A pooled estimate: its limits are the ends of a diamond, cut where it leaves the axis."""
    low, high = plan.ratio(plan.frame.x0), plan.ratio(plan.frame.x1)
    ends = [
        estimate.value if isnan(limit) else min(max(limit, low), high)
        for limit in (estimate.ci_lower, estimate.ci_upper)
    ]
    corners = [
        (ends[0], middle),
        (estimate.value, middle + _DIAMOND),
        (ends[1], middle),
        (estimate.value, middle - _DIAMOND),
    ]
    role = shade(_role(estimate.series))
    axes.add_patch(Polygon(corners, closed=True, facecolor=role, edgecolor=role, zorder=4.6, clip_on=False))
