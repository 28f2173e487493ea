"""What every picture of boxes and bars begins with: a figure, axes in it, strokes, fills and marks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from cohortstats.errors import InputError
from cohortstats.figures.fonts import line_width
from cohortstats.figures.ink import Pen, QuietFigure
from cohortstats.figures.layout import shade, wrapped
from cohortstats.figures.placement import Box
from cohortstats.figures.words import Line

__all__ = [
    "KeyEntry",
    "axes_in",
    "check_width",
    "fill",
    "flow_of_entries",
    "mark",
    "new_figure",
    "nice_ticks",
    "stroke",
]

LEAST_INCHES = 2.5


def check_width(width_inches: float) -> float:
    """Width in points; a width that leaves no room for words is refused."""
    if not width_inches >= LEAST_INCHES:
        raise InputError(f"width_inches must be at least 2.5, so that words have room; it is {width_inches!r}.")
    return 72 * width_inches


def new_figure(width: float, height: float) -> tuple[Figure, Pen]:
    """An empty figure of this size in points, with what writes on it."""
    figure = QuietFigure(figsize=(width / 72, height / 72), dpi=100, facecolor=shade("paper"))
    FigureCanvasAgg(figure)
    return figure, Pen(figure)


def axes_in(figure: Figure, frame: Box, x: tuple[float, float], y: tuple[float, float]) -> Axes:
    """Axes on a part of the figure, without matplotlib's own ticks and spines."""
    width, height = (72 * float(side) for side in figure.get_size_inches())
    across, up = (frame.x1 - frame.x0) / width, (frame.y1 - frame.y0) / height
    axes = figure.add_axes((frame.x0 / width, frame.y0 / height, across, up))
    axes.set_xlim(*x)
    axes.set_ylim(*y)
    axes.set_axis_off()
    return axes


def stroke(
    axes: Axes,
    xs: Sequence[float],
    ys: Sequence[float],
    role: str,
    width: float,
    *,
    zorder: float,
    dotted: bool = False,
) -> None:
    """A line through points; ``nan`` lifts the pen."""
    line = Line2D(
        list(xs),
        list(ys),
        color=shade(role),
        linewidth=width,
        linestyle=(0, (1.2, 2.2)) if dotted else "-",
        solid_capstyle="butt",
        solid_joinstyle="miter",
        dash_capstyle="butt",
        zorder=zorder,
        clip_on=False,
    )
    axes.add_line(line)


def fill(axes: Axes, boxes: Iterable[Box], role: str, *, zorder: float, alpha: float = 1.0) -> None:
    """Rectangles of one colour as one element of the file, in the coordinates of the axes."""
    outlines = [
        Path([(b.x0, b.y0), (b.x1, b.y0), (b.x1, b.y1), (b.x0, b.y1), (b.x0, b.y0)], closed=True) for b in boxes
    ]
    if not outlines or not alpha:
        return
    patch = PathPatch(
        Path.make_compound_path(*outlines),
        facecolor=shade(role),
        edgecolor="none",
        alpha=None if alpha == 1.0 else alpha,
        linewidth=0,
        zorder=zorder,
    )
    patch.set_clip_on(False)
    axes.add_patch(patch)


def mark(
    axes: Axes,
    xs: Sequence[float],
    ys: Sequence[float],
    marker: str,
    role: str,
    size: float,
    *,
    zorder: float = 4.6,
    hollow: bool = False,
) -> None:
    """Marks of one kind as one element of the file."""
    if not len(xs):
        return
    line = Line2D(
        list(xs),
        list(ys),
        linestyle="none",
        marker=marker,
        markersize=size,
        markerfacecolor=shade("paper" if hollow else role),
        markeredgecolor=shade(role),
        markeredgewidth=1.2,
        zorder=zorder,
        clip_on=False,
    )
    axes.add_line(line)


def nice_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten between two ends, at most so many.

    Examples
    --------
    >>> nice_ticks(0, 430, 6), nice_ticks(-14, 100, 6)
    ((0.0, 100.0, 200.0, 300.0, 400.0), (0.0, 20.0, 40.0, 60.0, 80.0, 100.0))
    """
    if not high > low:
        return (float(low),)
    raw = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    for factor in (1, 2, 2.5, 5, 10, 20):
        step = factor * power
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if 0 < last - first + 1 <= most:
            return tuple(float(f"{place * step:.12g}") for place in range(first, last + 1))
    return (0.0,) if low <= 0 <= high else (float(low),)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """One entry of a key: where it stands, from the left edge and by row, and its words."""

    x: float
    row: int
    lines: tuple[Line, ...]


def flow_of_entries(names: Sequence[str], width: float, *, sample: float, size: float, margin: float) -> list[KeyEntry]:
    """Entries of a key one behind the other, going on in the next row where there is no more room."""
    entries: list[KeyEntry] = []
    x, row = margin, 0
    for name in names:
        lines = wrapped(name, width - 2 * margin - sample, size, max_lines=1)
        wide = sample + max((line_width(line, size) for line in lines), default=0.0)
        if x > margin and x + wide > width - margin:
            x, row = margin, row + 1
        entries.append(KeyEntry(x=x, row=row, lines=lines))
        x += wide + 14
    return entries
