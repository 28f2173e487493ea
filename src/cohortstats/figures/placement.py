"""Where words can stand: a search over the free places of a plot, in points.

Everything in a Kaplan-Meier plot is made of horizontal and vertical pieces, so that each obstacle is a box and the
question "does this text touch anything" is one comparison of boxes.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Box", "Floats", "clear_of", "cover", "distances", "free_places", "stair_boxes"]

Floats = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]


class Box(NamedTuple):
    """A rectangle in points: left, bottom, right, top."""

    x0: float
    y0: float
    x1: float
    y1: float

    def grown(self, x: float, y: float | None = None) -> Box:
        """The box with a margin on all sides."""
        y = x if y is None else y
        return Box(self.x0 - x, self.y0 - y, self.x1 + x, self.y1 + y)

    def touches(self, other: Box) -> bool:
        """Whether the two share any area."""
        return self.x0 < other.x1 and other.x0 < self.x1 and self.y0 < other.y1 and other.y0 < self.y1


def stair_boxes(points: Iterable[tuple[float, float]], half_width: float, *, most: int = 90) -> list[Box]:
    """Boxes that cover a line of horizontal and vertical pieces.

    A curve of thousands of steps is covered by columns of 3 points: coarser, never smaller than the line.
    """
    path = list(points)
    boxes = [Box(min(a, c), min(b, d), max(a, c), max(b, d)).grown(half_width) for (a, b), (c, d) in pairwise(path)]
    if len(boxes) <= most:
        return boxes
    columns: dict[int, Box] = {}
    wide = []
    for box in boxes:
        if box.x1 - box.x0 > 12:
            wide.append(box)
            continue
        for key in range(int(box.x0 // 3), int(box.x1 // 3) + 1):
            old = columns.get(key, Box(3.0 * key, box.y0, 3.0 * key + 3, box.y1))
            columns[key] = Box(old.x0, min(old.y0, box.y0), old.x1, max(old.y1, box.y1))
    return [*wide, *(columns[key] for key in sorted(columns))]


def distances(x: Floats, y: Floats, width: float, height: float, boxes: list[Box]) -> Floats:
    """Distance from each text box, given by its lower left corners, to the nearest of the `boxes`."""
    nearest = np.full(x.shape, np.inf)
    for box in boxes:
        across = np.maximum(np.maximum(box.x0 - x - width, x - box.x1), 0)
        along = np.maximum(np.maximum(box.y0 - y - height, y - box.y1), 0)
        np.minimum(nearest, np.hypot(across, along), out=nearest)
    return nearest


def free_places(
    frame: Box, width: float, height: float, obstacles: list[Box], *, gap: float = 2.0, step: float = 2.5
) -> tuple[Floats, Floats]:
    """Lower left corners, on a grid, at which a text box stays in `frame` and keeps `gap` to all `obstacles`."""
    across, along = frame.x1 - frame.x0 - width, frame.y1 - frame.y0 - height
    if across < 0 or along < 0:
        return np.empty(0), np.empty(0)
    columns = np.append(np.arange(0, across, step), across) + frame.x0
    rows = np.append(np.arange(0, along, step), along) + frame.y0
    free = np.ones((rows.size, columns.size), dtype=bool)
    if obstacles:
        left, low, right, high = np.array([box.grown(gap) for box in obstacles]).T
        # On the grid each obstacle rules out one rectangle of lower left corners.
        first, last = np.searchsorted(columns, left - width, side="right"), np.searchsorted(columns, right)
        lowest, highest = np.searchsorted(rows, low - height, side="right"), np.searchsorted(rows, high)
        for x0, x1, y0, y1 in zip(first, last, lowest, highest, strict=True):
            free[y0:y1, x0:x1] = False
    at_row, at_column = np.nonzero(free)
    return columns[at_column], rows[at_row]


def clear_of(x: Floats, y: Floats, width: float, height: float, boxes: Iterable[Box], *, gap: float = 2.0) -> Mask:
    """Which of the text boxes keep `gap` to all `boxes`."""
    clear = np.ones(x.shape, dtype=bool)
    for box in boxes:
        near = box.grown(gap)
        clear &= (x >= near.x1) | (x + width <= near.x0) | (y >= near.y1) | (y + height <= near.y0)
    return clear


def cover(x: Floats, y: Floats, width: float, height: float, boxes: Iterable[Box]) -> Floats:
    """Part of each text box that lies on the `boxes`; more than 1 where those overlap one another."""
    area = np.zeros(x.shape)
    for box in boxes:
        across = np.minimum(x + width, box.x1) - np.maximum(x, box.x0)
        along = np.minimum(y + height, box.y1) - np.maximum(y, box.y0)
        area += np.maximum(across, 0) * np.maximum(along, 0)
    return area / (width * height)
