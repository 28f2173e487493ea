"""A numeric column cut where print can tell values apart: at the ends of printed sets, at thresholds of rules."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cohortstats.expressions.tree import Comparison, ListTest, Name, Negative, Node, Number, parts_of

__all__ = ["Cut", "Region", "pairs_around", "regions_of", "thresholds"]

Cut = tuple[Fraction, int]
"""A number, and whether the cut lies just before it (0) or just after it (1)."""


@dataclass(frozen=True, slots=True)
class Region:
    """The values between two neighbouring cuts.

    Parameters
    ----------
    lower, upper
        The cuts; None where there is none.
    whole
        Whether only whole numbers count.
    """

    lower: Cut | None
    upper: Cut | None
    whole: bool

    @property
    def first(self) -> int | None:
        """The smallest whole number in it."""
        if self.lower is None:
            return None
        return math.floor(self.lower[0]) + 1 if self.lower[1] else math.ceil(self.lower[0])

    @property
    def last(self) -> int | None:
        """The largest whole number in it."""
        if self.upper is None:
            return None
        return math.floor(self.upper[0]) if self.upper[1] else math.ceil(self.upper[0]) - 1

    @property
    def empty(self) -> bool:
        return self.whole and self.first is not None and self.last is not None and self.first > self.last

    @property
    def example(self) -> str:
        """A number in it, as text that has no more digits than it needs.

        Examples
        --------
        >>> Region((Fraction(62), 0), (Fraction(62), 1), whole=False).example
        '62'
        """
        if self.whole:
            inside = self.first if self.first is not None else self.last
            return str(0 if inside is None else inside)
        if self.lower is None:
            return "0" if self.upper is None else _text(self.upper[0] - 1)
        if self.upper is None:
            return _text(self.lower[0] + 1)
        return _text((self.lower[0] + self.upper[0]) / 2)

    def holds(self, text: str) -> bool:
        """Whether a number, as text, lies in it."""
        value = Fraction(text)
        above = self.lower is None or (value > self.lower[0] if self.lower[1] else value >= self.lower[0])
        below = self.upper is None or (value <= self.upper[0] if self.upper[1] else value < self.upper[0])
        return above and below

    def below(self, cut: Cut) -> bool:
        """Whether all of it lies before a cut."""
        return self.upper is not None and self.upper <= cut

    def from_(self, cut: Cut) -> bool:
        """Whether all of it lies behind a cut."""
        return self.lower is not None and self.lower >= cut

    def steps(self, step: Fraction) -> tuple[int, int]:
        """First and last multiple of a step in it; far away where it is open."""
        low = -FAR if self.lower is None else _from(self.lower, step)
        high = FAR if self.upper is None else _to(self.upper, step)
        return low, high


FAR = 10**9


def _from(cut: Cut, step: Fraction) -> int:
    steps = cut[0] / step
    return math.floor(steps) + 1 if cut[1] else math.ceil(steps)


def _to(cut: Cut, step: Fraction) -> int:
    steps = cut[0] / step
    return math.floor(steps) if cut[1] else math.ceil(steps) - 1


MOST_PAIRS = 6


def pairs_around(
    regions: Sequence[Region], low: Fraction, high: Fraction, step: Fraction
) -> list[tuple[Region, Region]]:
    """Pairs of regions, one below and one above, with values that average to one in ``[low, high)``; nearest first.

    Examples
    --------
    >>> below, above = regions_of([(Fraction(56), 1), (Fraction(57), 0)], whole=True)
    >>> len(pairs_around((below, above), Fraction(5645, 100), Fraction(5655, 100), Fraction(1)))  # 56 and 57
    1
    """
    least, most = _from((2 * low, 0), step), _to((2 * high, 0), step)
    found = []
    for i, left in enumerate(regions):
        for j, right in enumerate(regions):
            if not (left.below((low, 0)) and right.from_((high, 0))):
                continue
            (a, b), (c, d) = left.steps(step), right.steps(step)
            if a <= b and c <= d and max(least, a + c) <= min(most, b + d):
                found.append((j - i, i, left, right))
    return [(left, right) for _, _, left, right in sorted(found, key=lambda some: some[:2])[:MOST_PAIRS]]


def _text(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    return repr(float(value))


def regions_of(cuts: Iterable[Cut], *, whole: bool) -> tuple[Region, ...]:
    """Regions between cuts, those without a value left out.

    Examples
    --------
    >>> [region.example for region in regions_of([(Fraction(65), 1), (Fraction(131, 2), 0)], whole=True)]
    ['65', '66']
    """
    ends: list[Cut | None] = [None, *sorted(set(cuts)), None]
    found = [Region(low, high, whole) for low, high in itertools.pairwise(ends)]
    return tuple(region for region in found if not region.empty)


def thresholds(node: Node, *, deep: bool = True) -> dict[str, set[Cut]]:
    """Numbers that a name is compared with, as cuts; those of the part itself only when not ``deep``."""
    found: dict[str, set[Cut]] = {}
    stack = [node]
    while stack:
        part = stack.pop()
        if deep:
            stack.extend(parts_of(part))
        name, numbers = "", []
        if isinstance(part, Comparison):
            sides = (part.left, part.right)
            for side, other in (sides, sides[::-1]):
                value = _number(other)
                if isinstance(side, Name) and value is not None:
                    name, numbers = side.name, [value]
        elif isinstance(part, ListTest) and isinstance(part.part, Name):
            values = [_number(choice) for choice in part.choices]
            name, numbers = part.part.name, [value for value in values if value is not None]
            if len(numbers) != len(values):
                name = ""
        if name:
            found.setdefault(name, set()).update((value, side) for value in numbers for side in (0, 1))
    return found


def _number(node: Node) -> Fraction | None:
    if isinstance(node, Number):
        return Fraction(repr(node.value))
    if isinstance(node, Negative):
        inner = _number(node.part)
        return None if inner is None else -inner
    return None
