"""Draw a Kaplan-Meier picture with matplotlib's object interface; no global state is read or left changed."""

from __future__ import annotations

from math import nan

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from cohortstats.errors import InputError
from cohortstats.figures.arrange import Arrangement, arrange
from cohortstats.figures.canvas import fill
from cohortstats.figures.fonts import quiet_defaults
from cohortstats.figures.ink import Pen, QuietFigure
from cohortstats.figures.layout import KEY_GAP, KEY_LINE, LEADING, SIZES, Layout, number_text, shade
from cohortstats.figures.picture import CurveGroup, KaplanMeierPicture
from cohortstats.figures.placement import Box
from cohortstats.figures.risk_rows import draw_risk_rows
from cohortstats.figures.room import CENSOR_HALF
from cohortstats.figures.steps import Point, band_pieces, curve_end, curve_marks, level_at, step_line

__all__ = ["draw_kaplan_meier"]

_MARKERS = ("o", "s", "^", "D", "v", "P")
_BAND = 0.13
_VEIL = 0.9


def draw_kaplan_meier(
    picture: KaplanMeierPicture, *, width_inches: float = 7.2, height_inches: float | None = None
) -> Figure:
    """Draw curves, bands, censor ticks, medians, labels and numbers at risk.

    Curves are solid steps to the last observation of each group, with a step-wise band; groups are named beside their
    curves.  No text touches a curve, a median line, a tick, another text or the frame: a search finds the places, and
    where the plot is too full the names move to a key outside it.

    Parameters
    ----------
    picture
        What is drawn.
    width_inches
        Width of the figure.  Type keeps its size in points, so about 3.7 is right for a narrow screen.
    height_inches
        Height of the figure, without which the plot has a pleasant shape and the numbers at risk add to it.  A
        height that leaves no room for the plot is exceeded.

    Returns
    -------
    matplotlib.figure.Figure
        One Axes, in the unit of time and in proportions.  `figure_bytes` and `inline_svg` write it.

    Raises
    ------
    InputError
        For a width below 2.5 inches, which leaves no room for words.

    Examples
    --------
    >>> from cohortstats.figures import CurveGroup
    >>> group = CurveGroup(name="a", label="All patients", times=(0.0, 3.0), survival=(1.0, 0.5),
    ...                    ci_lower=(1.0, 0.1), ci_upper=(1.0, 0.8), end=5.0, median=3.0, median_text="3 d")
    >>> picture = KaplanMeierPicture(groups=(group,), x_label="Days", y_label="Progression-free", x_max=5.0,
    ...                              ticks=(0.0, 2.0, 4.0))
    >>> figure = draw_kaplan_meier(picture)
    >>> sorted(text.get_text() for text in figure.texts)
    ['0', '0%', '100%', '2', '25%', '3 d', '4', '50%', '75%', 'All patients', 'Days', 'Progression-free']
    """
    if not width_inches >= 2.5:
        raise InputError(f"width_inches must be at least 2.5, so that words have room; it is {width_inches!r}.")
    with quiet_defaults():
        plan = arrange(picture, width=72 * width_inches, height=None if height_inches is None else 72 * height_inches)
        layout = plan.layout
        figure = QuietFigure(figsize=(layout.width / 72, layout.height / 72), dpi=100, facecolor=shade("paper"))
        FigureCanvasAgg(figure)
        pen = Pen(figure)
        axes = _axes(figure, layout)
        _frame(picture, layout, axes, pen)
        _medians(picture, axes)
        for index in range(len(picture.groups)):
            _curve(picture, index, layout, axes)
        _words(plan, axes, pen)
        _key(picture, layout, axes, pen)
        if picture.risk_table is not None:
            draw_risk_rows(picture, picture.risk_table, layout, pen)
    return figure


def _axes(figure: Figure, layout: Layout) -> Axes:
    """Axes whose data coordinates agree with the layout, without matplotlib's own ticks and spines."""
    frame = layout.frame
    axes = figure.add_axes(
        (
            frame.x0 / layout.width,
            frame.y0 / layout.height,
            (frame.x1 - frame.x0) / layout.width,
            (frame.y1 - frame.y0) / layout.height,
        )
    )
    left, bottom = layout.data(frame.x0, frame.y0)
    right, top = layout.data(frame.x1, frame.y1)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_axis_off()
    return axes


def _polyline(axes: Axes, points: list[Point], role: str, width: float, *, zorder: float, dotted: bool = False) -> None:
    line = Line2D(
        [x for x, _ in points],
        [y for _, y in points],
        color=shade(role),
        linewidth=width,
        linestyle=(0, (1.2, 2.2)) if dotted else "-",
        solid_joinstyle="miter",
        solid_capstyle="butt",
        dash_capstyle="butt",
        zorder=zorder,
        clip_on=False,
    )
    axes.add_line(line)


def _frame(picture: KaplanMeierPicture, layout: Layout, axes: Axes, pen: Pen) -> None:
    """Both axes with their ticks, numbers and titles."""
    frame = layout.frame

    def stroke(*points: Point) -> None:
        _polyline(axes, [layout.data(x, y) for x, y in points], "ink-2", 0.8, zorder=2.5)

    stroke((frame.x0, layout.top), (frame.x0, frame.y0), (frame.x1, frame.y0))
    low = frame.y0 - 4 - 1.05 * SIZES.axis
    for level, percent, fraction in (
        (0, "0%", "0"),
        (25, "25%", "0.25"),
        (50, "50%", "0.5"),
        (75, "75%", "0.75"),
        (100, "100%", "1"),
    ):
        y = layout.y(level / 100)
        stroke((frame.x0 - 3.5, y), (frame.x0, y))
        text = percent if picture.percent_axis else fraction.replace(".", picture.point)
        pen.text(text, frame.x0 - 6, y - 0.36 * SIZES.axis, SIZES.axis, "ink-2", align="right")
    for tick in layout.ticks:
        stroke((layout.x(tick), frame.y0 - 3.5), (layout.x(tick), frame.y0))
        pen.text(number_text(tick, picture.point), layout.x(tick), low, SIZES.axis, "ink-2", align="center")
    middle = (layout.zero + layout.last) / 2
    for row, line in enumerate(layout.x_title):
        pen.line(line, middle, low - 3 - LEADING * SIZES.axis * (row + 1), SIZES.axis, "ink", align="center")
    top = frame.y1 + 5 + LEADING * SIZES.axis * len(layout.y_title)
    for row, line in enumerate(layout.y_title):
        pen.line(line, 6, top - LEADING * SIZES.axis * (row + 0.8), SIZES.axis, "ink")


def _medians(picture: KaplanMeierPicture, axes: Axes) -> None:
    """Dotted lines from one half down to each median."""
    reached = []
    for index, median in enumerate(picture.medians):
        if median is not None:
            reached.append(median)
            role = f"group-{picture.slot(index)}"
            _polyline(axes, [(median, 0.5), (median, 0.0)], role, 0.9, zorder=2, dotted=True)
    if reached:
        _polyline(axes, [(0.0, 0.5), (max(reached), 0.5)], "muted", 0.9, zorder=2, dotted=True)


def _curve(picture: KaplanMeierPicture, index: int, layout: Layout, axes: Axes) -> None:
    """One group: band, steps, markers, censor ticks; grey after the time when too few remain."""
    group = picture.groups[index]
    role = f"group-{picture.slot(index)}"
    stop = curve_end(group, layout)
    cut = picture.min_at_risk_time[index] if picture.min_at_risk_time else None
    grey_from = stop if cut is None else min(max(cut, 0.0), stop)
    step = layout.resolution
    width = _line_width(picture, index)
    for start, end, colour in ((0.0, grey_from, role), (grey_from, stop, "muted")):
        if end <= start and start > 0:
            continue
        _band(axes, band_pieces(group, start, end, step), colour)
        _polyline(axes, step_line(group, start, end, step), colour, width, zorder=4)
        _censor_ticks(group, layout, axes, start, end, colour)
    marks = curve_marks(picture, index, layout)
    for colour, some in (
        (role, [mark for mark in marks if mark[0] <= grey_from]),
        ("muted", [mark for mark in marks if mark[0] > grey_from]),
    ):
        if some:
            _markers(axes, some, index, colour)


def _line_width(picture: KaplanMeierPicture, index: int) -> float:
    """From three groups on, wide and narrow lines take turns: colour alone does not tell them apart."""
    if len(picture.groups) < 3:
        return 1.9
    return 2.1 if index % 2 == 0 else 1.4


def _band(axes: Axes, pieces: list[list[Point]], role: str) -> None:
    if pieces:
        outlines = [Path([*piece, piece[0]], closed=True) for piece in pieces]
        patch = PathPatch(
            Path.make_compound_path(*outlines), facecolor=shade(role), edgecolor="none", alpha=_BAND, zorder=1
        )
        patch.set_clip_on(False)
        axes.add_patch(patch)


def _censor_ticks(group: CurveGroup, layout: Layout, axes: Axes, start: float, end: float, role: str) -> None:
    """All ticks of a stretch as one broken line, so that a thousand of them stay one element of the file."""
    half = CENSOR_HALF / (layout.top - layout.frame.y0)
    points: list[Point] = []
    seen: set[int] = set()
    for time, level in zip(group.censor_times, group.censor_survival, strict=True):
        place = int(3 * layout.x(time))
        if (start < time <= end or (time == start == 0)) and place not in seen:
            seen.add(place)
            points += [(time, level - half), (time, level + half), (nan, nan)]
    if points:
        _polyline(axes, points, role, 1.3, zorder=4.5)


def _markers(axes: Axes, points: list[Point], index: int, role: str) -> None:
    line = Line2D(
        [x for x, _ in points],
        [y for _, y in points],
        linestyle="none",
        marker=_MARKERS[index % len(_MARKERS)],
        markersize=5.2,
        markerfacecolor=shade("paper"),
        markeredgecolor=shade(role),
        markeredgewidth=1.2,
        zorder=4.6,
        clip_on=False,
    )
    axes.add_line(line)


def _words(plan: Arrangement, axes: Axes, pen: Pen) -> None:
    """Words on paper that a band hardly tints: muted and orange words are legible on paper, not on six bands."""
    corners = [
        (plan.layout.data(box.x0, box.y0), plan.layout.data(box.x1, box.y1)) for box in (w.box for w in plan.words)
    ]
    fill(axes, [Box(*low, *high) for low, high in corners], "paper", zorder=1.5, alpha=_VEIL)
    for words in plan.words:
        pen.block(words.lines, words.box, words.size, words.role, bold=words.bold, align=words.align)


def _key(picture: KaplanMeierPicture, layout: Layout, axes: Axes, pen: Pen) -> None:
    """Names outside the plot, highest curve first, each with a piece of its line."""
    area = layout.key_box
    if area is None:
        return
    order = sorted(range(len(picture.groups)), key=lambda place: -_last_level(picture.groups[place], layout))
    heights = [LEADING * SIZES.label * len(layout.key[index]) for index in order]
    # Beside the plot each name stands as near as may be to the level at which its curve ends.
    beside = area.x0 > layout.frame.x1
    ends = [layout.y(_last_level(picture.groups[index], layout)) if beside else area.y1 for index in order]
    wishes = [end + height / 2 for end, height in zip(ends, heights, strict=True)]
    for index, height, top in zip(order, heights, _stacked(wishes, heights, area), strict=True):
        slot = picture.slot(index)
        middle = top - LEADING * SIZES.label / 2
        sample = [layout.data(area.x0 + part * KEY_LINE, middle) for part in (0, 0.5, 1)]
        _polyline(axes, sample, f"group-{slot}", _line_width(picture, index), zorder=4)
        if len(picture.groups) > 2:
            _markers(axes, sample[1:2], index, f"group-{slot}")
        box = Box(area.x0 + KEY_LINE + 6, top - height, area.x1, top)
        pen.block(layout.key[index], box, SIZES.label, f"group-{slot}-text", bold=True)


def _last_level(group: CurveGroup, layout: Layout) -> float:
    return level_at(group, curve_end(group, layout))


def _stacked(wishes: list[float], heights: list[float], area: Box) -> list[float]:
    """Upper edges as near to the wished ones as a stack without overlaps allows, inside the area."""
    tops: list[float] = []
    ceiling = area.y1
    for wish, height in zip(wishes, heights, strict=True):
        tops.append(min(wish, ceiling))
        ceiling = tops[-1] - height - KEY_GAP
    floor = area.y0
    for place in reversed(range(len(tops))):
        tops[place] = max(tops[place], floor + heights[place])
        floor = tops[place] + KEY_GAP
    return tops
