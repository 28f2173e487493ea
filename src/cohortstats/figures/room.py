"""The plot area with all that words must keep clear of, and the search for a place for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from cohortstats.figures.fonts import line_width
from cohortstats.figures.layout import LEADING, SIZES, Layout, name_of, wrapped
from cohortstats.figures.picture import KaplanMeierPicture
from cohortstats.figures.placement import Box, Floats, clear_of, cover, distances, free_places, stair_boxes
from cohortstats.figures.steps import band_boxes, curve_end, curve_marks, step_line
from cohortstats.figures.words import Line, clean, runs_of

__all__ = ["Room", "Words"]

CENSOR_HALF = 4.0
_MARK_HALF = 3.4
_FAR = 20.0
_APART = 8.0
_AIR = 0.2 * LEADING * SIZES.label
Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A block of lines in a box, in one size and role."""

    lines: tuple[Line, ...]
    box: Box
    size: float
    role: str
    bold: bool = False
    align: Side = "left"


class Places(NamedTuple):
    """Free places for one way to break a text: lower left corners with their cost."""

    lines: tuple[Line, ...]
    width: float
    height: float
    x: Floats
    y: Floats
    cost: Floats


class Room:
    """Obstacles of one layout, in points; answers where words can stand."""

    def __init__(self, picture: KaplanMeierPicture, layout: Layout, *, medians_with_names: bool) -> None:
        self.picture, self.layout = picture, layout
        self.names = [name_of(group, medians_with_names) for group in picture.groups]
        # Words of the strip above the curves stay alone there.
        self.inside = layout.frame.grown(-3)._replace(y1=min(layout.frame.y1 - 3, layout.top + 3))
        self.curves: list[list[Box]] = []
        self.bands: list[list[Box]] = []
        marks: list[Box] = []
        for index, group in enumerate(picture.groups):
            stop = curve_end(group, layout)
            line = step_line(group, 0.0, stop, layout.resolution)
            self.curves.append(stair_boxes([layout.point(*corner) for corner in line], 1.1))
            corners = band_boxes(group, 0.0, stop, layout.x_max / 40)
            self.bands.append([Box(*layout.point(a, low), *layout.point(b, high)) for a, low, b, high in corners])
            censored = zip(group.censor_times, group.censor_survival, strict=True)
            ticks = [layout.point(*place) for place in censored if place[0] <= layout.x_max]
            marks += [Box(x, y, x, y).grown(1, CENSOR_HALF) for x, y in ticks]
            points = [layout.point(*mark) for mark in curve_marks(picture, index, layout)]
            marks += [Box(x, y, x, y).grown(_MARK_HALF) for x, y in points]
        self.marks = _merged(marks)
        half = layout.y(0.5)
        reached = [layout.x(median) for median in picture.medians if median is not None]
        self.medians = [Box(x, layout.frame.y0, x, half).grown(0.6) for x in reached]
        if reached:
            self.medians.append(Box(layout.zero, half, max(reached), half).grown(0.6))

    def obstacles(self) -> list[Box]:
        """All that is drawn in the plot apart from words and bands."""
        return [*(box for curve in self.curves for box in curve), *self.marks, *self.medians]

    def place_medians(self) -> tuple[Words, ...] | None:
        """Each median's text close to the foot of its line; ``None`` when one of them has no such place."""
        placed: list[Words] = []
        for index, (group, median) in enumerate(zip(self.picture.groups, self.picture.medians, strict=True)):
            text = clean(group.median_text)
            if median is None or not text:
                continue
            found = self._median_place(text, self.layout.x(median), [*self.obstacles(), *(w.box for w in placed)])
            if found is None:
                return None
            role = f"group-{self.picture.slot(index)}-text"
            placed.append(Words(lines=(runs_of(text),), box=found[0], size=SIZES.median, role=role, align=found[1]))
        return tuple(placed)

    def _median_place(self, text: str, at: float, obstacles: list[Box]) -> tuple[Box, Side] | None:
        width, height = line_width(runs_of(text), SIZES.median), LEADING * SIZES.median
        sides: tuple[tuple[float, Side], ...] = ((at + 3, "left"), (at - 3 - width, "right"))
        low = self.layout.frame.y0 + 1.5
        while low + height < self.layout.y(0.5):
            for left, align in sides:
                box = Box(left, low, left + width, low + height)
                inside = self.inside.x0 <= box.x0 and box.x1 <= self.inside.x1
                if inside and not any(box.grown(1.2, 0).touches(other) for other in obstacles):
                    return box, align
            low += 3
        return None

    def place_all(
        self, medians: tuple[Words, ...], strip: tuple[Words, ...], *, in_strip: bool, with_labels: bool
    ) -> tuple[Words, ...] | None:
        """All words, or ``None`` when some find no place; labels choose before the stamp where that is possible."""
        before = (*medians, *strip)
        if not in_strip:
            p_text = self._place_p(before)
            if p_text is None:
                return None
            before += p_text
        labels = [self._label_places(index, before) for index in range(len(self.names))] if with_labels else []
        stamps = [] if in_strip else self._stamp_places(before)
        for stamp_first in (False, True):
            stamp: tuple[Words, ...] | None = ()
            if stamp_first and not in_strip:
                stamp = self._stamp(stamps, ())
            names = None if stamp is None else self._labels(labels, stamp)
            if names is not None and not stamp_first and not in_strip:
                stamp = self._stamp(stamps, names)
            if stamp is not None and names is not None:
                return (*before, *names, *stamp)
        return None

    def _place_p(self, placed: tuple[Words, ...]) -> tuple[Words, ...] | None:
        """P near the upper right corner, in one line."""
        if not clean(self.picture.p_text):
            return ()
        lines = (runs_of(self.picture.p_text),)
        width, height = _size(lines, SIZES.axis, bold=False)
        x, y = self._free(width, height, placed)
        away = (self.inside.x1 - x - width) + 1.5 * (self.inside.y1 - y - height)
        near = away <= 0.3 * (self.inside.x1 - self.inside.x0)
        if not near.any():
            return None
        chosen = _cheapest([Places(lines, width, height, x[near], y[near], away[near])], ())
        return None if chosen is None else (self._words(chosen, SIZES.axis, "ink", bold=False),)

    def _stamp_places(self, placed: tuple[Words, ...]) -> list[Places]:
        """Places for the stamp: few lines, off the bands, towards the right end."""
        if not clean(self.picture.stamp):
            return []
        bands = [box for band in self.bands for box in band]
        found = []
        for lines in _ways(self.picture.stamp, SIZES.stamp, 0.8 * self._across, range(1, 8), bold=False):
            width, height = _size(lines, SIZES.stamp, bold=False)
            x, y = self._free(width, height, placed)
            cost = 40 * np.minimum(cover(x, y, width, height, bands), 1.5) + 4 * abs(len(lines) - 3)
            cost += 0.1 * (self.inside.x1 - x - width)
            cost += 0.1 * np.minimum(self.inside.y1 - y - height, y - self.inside.y0)
            found.append(Places(lines, width, height, x, y, cost))
        return found

    def _stamp(self, places: list[Places], names: tuple[Words, ...]) -> tuple[Words, ...] | None:
        if not clean(self.picture.stamp):
            return ()
        chosen = _cheapest(places, names, room=14.0)
        return None if chosen is None else (self._words(chosen, SIZES.stamp, "muted", bold=False),)

    def _label_places(self, index: int, placed: tuple[Words, ...]) -> list[Places]:
        """Places beside a group's own curve, clearly nearer to it than to any other."""
        if not clean(self.names[index]):
            return []
        others = [box for place, curve in enumerate(self.curves) if place != index for box in curve]
        foreign = [box for place, band in enumerate(self.bands) if place != index for box in band]
        found = []
        for lines in _ways(self.names[index], SIZES.label, 0.7 * self._across, range(1, 5), bold=True):
            width, height = _size(lines, SIZES.label, bold=True)
            x, y = self._free(width, height, placed)
            # What is near is the letters, not the air above and below them.
            near = distances(x, y + _AIR, width, height - 2 * _AIR, self.curves[index])
            x, y, near = x[near <= _FAR], y[near <= _FAR], near[near <= _FAR]
            other = distances(x, y + _AIR, width, height - 2 * _AIR, others)
            keep = near <= 0.7 * other
            x, y, near, other = x[keep], y[keep], near[keep], np.minimum(other[keep], 30)
            # A label above its curve reads as the curve's name; below it, it may be taken for the next curve's.
            cost = np.abs(near - 5 - _AIR) + 4.0 * self._below(index, x + width / 2, y + height / 2)
            cost += 3.0 * (len(lines) - 1) + 0.3 * (30 - other) + 0.02 * (self.inside.x1 - x - width)
            cost += 8 * np.minimum(cover(x, y, width, height, foreign), 1)
            cost += 2 * np.minimum(cover(x, y, width, height, self.bands[index]), 1)
            found.append(Places(lines, width, height, x, y, cost))
        return found

    def _below(self, index: int, x: Floats, y: Floats) -> Floats:
        """Whether points lie lower than the group's curve, or than its last level beyond its end."""
        group = self.picture.groups[index]
        steps = [self.layout.x(time) for time in group.times]
        levels = np.array([self.layout.y(level) for level in group.survival])
        place = np.clip(np.searchsorted(steps, x, side="right") - 1, 0, None)
        return np.asarray(y < levels[place], dtype=float)

    def _labels(self, places: list[list[Places]], placed: tuple[Words, ...]) -> tuple[Words, ...] | None:
        """Every group's label; of a few orders in which they may choose, the one with the least total cost."""
        count = len(places)
        by_end = sorted(range(count), key=lambda index: self.picture.groups[index].survival[-1])
        by_choice = sorted(range(count), key=lambda index: sum(way.x.size for way in places[index]))
        best: tuple[Words, ...] | None = None
        least = np.inf
        for order in dict.fromkeys((tuple(by_choice), tuple(by_end), tuple(reversed(by_end)))):
            found: tuple[Words, ...] = ()
            total = 0.0
            for index in order:
                if not clean(self.names[index]):
                    continue
                chosen = _cheapest(places[index], (*placed, *found), room=8.0)
                if chosen is None:
                    break
                total += float(chosen.cost[0])
                role = f"group-{self.picture.slot(index)}-text"
                found += (self._words(chosen, SIZES.label, role, bold=True),)
            else:
                if total < least:
                    best, least = found, total
        return best

    @property
    def _across(self) -> float:
        return self.inside.x1 - self.inside.x0

    def _free(self, width: float, height: float, placed: tuple[Words, ...]) -> tuple[Floats, Floats]:
        return free_places(self.inside, width, height, [*self.obstacles(), *map(_surroundings, placed)])

    def _words(self, chosen: Places, size: float, role: str, *, bold: bool) -> Words:
        left, low = float(chosen.x[0]), float(chosen.y[0])
        box = Box(left, low, left + chosen.width, low + chosen.height)
        # Lines of a block at the right end are flush with that end; names of curves begin where the curve is.
        right = not bold and box.x0 + box.x1 > self.inside.x0 + self.inside.x1
        align: Side = "right" if right else "left"
        return Words(lines=chosen.lines, box=box, size=size, role=role, bold=bold, align=align)


def _surroundings(words: Words) -> Box:
    """Where no other words may begin or end: a name right before the P reads as one sentence with it."""
    return words.box.grown(_APART, 0)


def _cheapest(places: Sequence[Places], placed: tuple[Words, ...], *, room: float = 0.0) -> Places | None:
    """The one cheapest place that keeps clear of words placed meanwhile, dearer within `room` of them."""
    boxes = [_surroundings(words) for words in placed]
    best: Places | None = None
    for way in places:
        clear = clear_of(way.x, way.y, way.width, way.height, boxes)
        x, y = way.x[clear], way.y[clear]
        if not x.size:
            continue
        cost = way.cost[clear]
        if boxes and room:
            cost = cost + np.maximum(room - distances(x, y, way.width, way.height, boxes), 0)
        at = int(np.argmin(cost))
        if best is None or cost[at] < best.cost[0]:
            one = slice(at, at + 1)
            best = way._replace(x=x[one], y=y[one], cost=cost[one])
    return best


def _ways(label: str, size: float, widest: float, counts: Iterable[int], *, bold: bool) -> list[tuple[Line, ...]]:
    """Ways to break a label: for each number of lines the narrowest block, if it is no wider than `widest`."""
    whole = line_width(runs_of(label), size, bold)
    ways: list[tuple[Line, ...]] = []
    for count in counts:
        for stretch in (1.0, 1.06, 1.15, 1.3, 1.5):
            width = whole / count * stretch + 0.5
            if width > widest:
                break
            lines = wrapped(label, width, size, bold=bold, max_lines=count + 1)
            if len(lines) <= count:
                if lines not in ways:
                    ways.append(lines)
                break
    return ways


def _size(lines: tuple[Line, ...], size: float, *, bold: bool) -> tuple[float, float]:
    return max(line_width(line, size, bold) for line in lines), LEADING * size * len(lines)


def _merged(boxes: list[Box], most: int = 120) -> list[Box]:
    """Fewer, larger boxes where very many marks stand close together."""
    if len(boxes) <= most:
        return boxes
    cells: dict[tuple[int, int], Box] = {}
    for box in boxes:
        key = (int(box.x0 // 8), int(box.y0 // 8))
        old = cells.get(key, box)
        cells[key] = Box(min(old.x0, box.x0), min(old.y0, box.y0), max(old.x1, box.x1), max(old.y1, box.y1))
    return [cells[key] for key in sorted(cells)]
