"""What a swimmer plot shows, as plain values: a bar a patient, and what happened when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from cohortstats.errors import InputError

__all__ = ["MARK_KINDS", "MAX_BARS", "SwimmerBar", "SwimmerMark", "SwimmerPicture"]

MARK_KINDS = ("response", "PD", "new therapy", "death", "plasma")
MAX_GROUPS = 6
MAX_BARS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class SwimmerMark:
    """Something that happened to one patient.

    Parameters
    ----------
    time
        On the axis of the bars; before the start it is negative.
    kind
        Which entry of the picture's ``kinds`` it is, from 1.

    Examples
    --------
    >>> SwimmerMark(time=42.0, kind=1).time
    42.0
    """

    time: float
    kind: int

    def __post_init__(self) -> None:
        if not isfinite(self.time):
            raise InputError(f"SwimmerMark: time must be a number; it is {self.time!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SwimmerBar:
    """One patient.

    Parameters
    ----------
    order
        Number in front of the bar; never an id.
    length
        End of the bar, which starts at 0.
    ongoing
        Whether the bar goes on: it ends in an arrow.
    group
        Which of the picture's groups, from 1; 0 for none.
    marks
        In the order of time.

    Examples
    --------
    >>> SwimmerBar(order=1, length=90.0, ongoing=True).marks
    ()
    """

    order: int
    length: float
    ongoing: bool = False
    group: int = 0
    marks: tuple[SwimmerMark, ...] = ()

    def __post_init__(self) -> None:
        if not (isfinite(self.length) and self.length >= 0):
            raise InputError(f"SwimmerBar {self.order}: length must be 0 or more; it is {self.length!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SwimmerPicture:
    """All that is drawn: bars, marks, axis, words.

    Parameters
    ----------
    bars
        From top to bottom.
    kinds
        Kinds of marks that occur: one of `MARK_KINDS`, which chooses the sign, and its words in the key.
    groups
        Names of the groups; without any, all bars are alike.
    x_label
        Title of the axis, with the unit.
    ticks
        Ticks asked for; without any, the drawing chooses them.
    ongoing_label
        Words for the arrow in the key.
    stamp
        Label of a synthetic study, written inside the plot area; empty for none.
    point
        Decimal point of the numbers on the axis.

    Examples
    --------
    >>> bar = SwimmerBar(order=1, length=90.0, marks=(SwimmerMark(time=42.0, kind=1),))
    >>> SwimmerPicture(bars=(bar,), kinds=(("PD", "Progression"),), x_label="Days").groups
    ()
    """

    bars: tuple[SwimmerBar, ...]
    x_label: str
    kinds: tuple[tuple[str, str], ...] = ()
    groups: tuple[str, ...] = ()
    ticks: tuple[float, ...] = ()
    ongoing_label: str = "Ongoing"
    stamp: str = ""
    point: str = "."

    def __post_init__(self) -> None:
        problems = []
        if not self.bars:
            problems.append("there is no bar")
        if len(self.bars) > MAX_BARS:
            problems.append(f"at most {MAX_BARS} bars can be told apart, not {len(self.bars)}")
        if len(self.groups) > MAX_GROUPS:
            problems.append(f"at most {MAX_GROUPS} groups can be drawn, not {len(self.groups)}")
        unknown = [kind for kind, _ in self.kinds if kind not in MARK_KINDS]
        problems += [f"{kind!r} is no kind of mark; there are {', '.join(MARK_KINDS)}" for kind in unknown]
        if any(not 0 <= bar.group <= len(self.groups) for bar in self.bars):
            problems.append("a bar has a group that the picture lacks")
        if any(not 1 <= mark.kind <= len(self.kinds) for bar in self.bars for mark in bar.marks):
            problems.append("a mark has a kind that the picture lacks")
        if problems:
            raise InputError([f"SwimmerPicture: {problem}." for problem in problems])

    def words(self) -> Iterator[str]:
        """Every text of the picture."""
        yield from (self.x_label, self.ongoing_label, self.stamp, *self.groups)
        for _, label in self.kinds:
            yield label
