"""Step functions as drawn: the polyline of a curve, the outline of a band, where the marks of a curve stand."""

from __future__ import annotations

from bisect import bisect_right
from math import isnan

from cohortstats.figures.layout import Layout
from cohortstats.figures.picture import CurveGroup, KaplanMeierPicture

__all__ = [
    "Point",
    "band_boxes",
    "band_pieces",
    "curve_end",
    "curve_marks",
    "kept_times",
    "level_at",
    "step_line",
]

Point = tuple[float, float]


def kept_times(group: CurveGroup, resolution: float) -> list[int]:
    """Positions of the steps to draw: all of them, unless several fall within one `resolution` of time.

    Of those the last is kept, so that a curve of a hundred thousand steps makes a file of a few hundred, and no drawn
    step is off by more than `resolution`.

    Examples
    --------
    >>> group = CurveGroup(name="a", label="A", times=(0.0, 1.0, 1.01, 2.0), survival=(1.0, 0.9, 0.8, 0.7),
    ...                    ci_lower=(1.0,) * 4, ci_upper=(1.0,) * 4, end=2.0)
    >>> kept_times(group, 0.1)
    [0, 2, 3]
    """
    kept: dict[int, int] = {}
    for place, time in enumerate(group.times):
        if place:
            kept[int(time / resolution)] = place
    return [0, *sorted(kept.values())]


def level_at(group: CurveGroup, time: float) -> float:
    """Height of the curve at a time; at a step, its lower end.

    Examples
    --------
    >>> group = CurveGroup(name="a", label="A", times=(0.0, 3.0), survival=(1.0, 0.5), ci_lower=(1.0, 0.1),
    ...                    ci_upper=(1.0, 0.8), end=5.0)
    >>> level_at(group, 2.9), level_at(group, 3.0)
    (1.0, 0.5)
    """
    return group.survival[max(bisect_right(group.times, time) - 1, 0)]


def step_line(group: CurveGroup, start: float, stop: float, resolution: float) -> list[Point]:
    """Corners of the curve between two times.

    Examples
    --------
    >>> group = CurveGroup(name="a", label="A", times=(0.0, 3.0), survival=(1.0, 0.5), ci_lower=(1.0, 0.1),
    ...                    ci_upper=(1.0, 0.8), end=5.0)
    >>> step_line(group, 0.0, 5.0, 0.01)
    [(0.0, 1.0), (3.0, 1.0), (3.0, 0.5), (5.0, 0.5)]
    """
    if stop < start:
        return []
    level = level_at(group, start)
    points = [(start, level)]
    for place in kept_times(group, resolution):
        time = group.times[place]
        if start < time <= stop and group.survival[place] != level:
            points.append((time, level))
            level = group.survival[place]
            points.append((time, level))
    if points[-1][0] < stop:
        points.append((stop, level))
    return points


def band_pieces(group: CurveGroup, start: float, stop: float, resolution: float) -> list[list[Point]]:
    """Outlines of the band between two times: one for each stretch on which both limits are defined.

    Examples
    --------
    >>> group = CurveGroup(name="a", label="A", times=(0.0, 3.0, 4.0), survival=(1.0, 0.5, 0.0),
    ...                    ci_lower=(1.0, 0.1, float("nan")), ci_upper=(1.0, 0.8, float("nan")), end=5.0)
    >>> band_pieces(group, 0.0, 5.0, 0.01)
    [[(3.0, 0.8), (4.0, 0.8), (4.0, 0.1), (3.0, 0.1)]]
    """
    kept = kept_times(group, resolution)
    bounds = [*(group.times[place] for place in kept[1:]), group.end]
    pieces: list[list[Point]] = []
    upper: list[Point] = []
    lower: list[Point] = []
    for place, until in zip(kept, bounds, strict=True):
        low, high = group.ci_lower[place], group.ci_upper[place]
        left, right = max(group.times[place], start), min(until, stop)
        if right > left and not (isnan(low) or isnan(high)) and high > low:
            upper += [(left, high), (right, high)]
            lower += [(left, low), (right, low)]
        elif upper and right > left:
            pieces.append([*upper, *reversed(lower)])
            upper, lower = [], []
    if upper:
        pieces.append([*upper, *reversed(lower)])
    return pieces


def band_boxes(
    group: CurveGroup, start: float, stop: float, resolution: float
) -> list[tuple[float, float, float, float]]:
    """The band as upright boxes: from, lower limit, until, upper limit."""
    boxes = []
    for piece in band_pieces(group, start, stop, resolution):
        half = len(piece) // 2
        upper, lower = piece[:half], piece[: half - 1 : -1]
        for (left, high), (right, _), (_, low) in zip(upper[::2], upper[1::2], lower[::2], strict=True):
            boxes.append((left, low, right, high))
    return boxes


def curve_end(group: CurveGroup, layout: Layout) -> float:
    """Where the drawn curve ends: at the last observation, or at the end of the axis."""
    return min(group.end, layout.x_max)


def curve_marks(picture: KaplanMeierPicture, index: int, layout: Layout) -> list[Point]:
    """Times and levels of a curve's markers, from three groups on; the groups take turns along the axis.

    A curve that ends before its turn has one marker in its middle.
    """
    if len(picture.groups) < 3:
        return []
    group = picture.groups[index]
    spacing = 66.0 / (layout.last - layout.zero) * layout.x_max
    time = spacing * (0.4 + index / len(picture.groups))
    end = curve_end(group, layout)
    if time >= end:
        return [(end / 2, level_at(group, end / 2))]
    marks = []
    while time < end:
        marks.append((time, level_at(group, time)))
        time += spacing
    return marks
