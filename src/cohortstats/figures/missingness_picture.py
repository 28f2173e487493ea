"""What a picture of missing values shows, as plain values: who lacks each variable, and what is missing together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cohortstats.errors import InputError

__all__ = ["MissingnessPattern", "MissingnessPicture", "MissingnessRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingnessRow:
    """One variable.

    Parameters
    ----------
    label
        ``*word*`` is italic; nothing else is markup.
    n_missing
        Patients without a value.
    text
        How that is printed beside the bar.

    Examples
    --------
    >>> MissingnessRow(label="Ki-67", n_missing=3, text="3 (8.8)").n_missing
    3
    """

    label: str
    n_missing: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingnessPattern:
    """Patients who lack the same variables.

    Parameters
    ----------
    n
        How many they are.
    missing
        For each row of the picture, whether they lack it.

    Examples
    --------
    >>> MissingnessPattern(n=18, missing=(True, False)).n
    18
    """

    n: int
    missing: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingnessPicture:
    """All that is drawn.

    Parameters
    ----------
    rows
        From top to bottom.
    n
        All patients: the full length of a bar.
    patterns
        From left to right, the most frequent first; those that do not fit are left out by the drawing.
    missing_label, patterns_label
        Headings of bars and patterns.
    stamp
        Label of a synthetic study; empty for none.

    Examples
    --------
    >>> row = MissingnessRow(label="Ki-67", n_missing=3, text="3 (8.8)")
    >>> patterns = (MissingnessPattern(n=31, missing=(False,)), MissingnessPattern(n=3, missing=(True,)))
    >>> MissingnessPicture(rows=(row,), n=34, patterns=patterns, missing_label="Missing", patterns_label="Patients").n
    34
    """

    rows: tuple[MissingnessRow, ...]
    n: int
    patterns: tuple[MissingnessPattern, ...]
    missing_label: str
    patterns_label: str
    stamp: str = ""

    def __post_init__(self) -> None:
        problems = []
        if not self.rows:
            problems.append("there is no row")
        if self.n < 1:
            problems.append("there is no patient")
        problems += [
            f"row {row.label!r} lacks {row.n_missing} of {self.n} patients"
            for row in self.rows
            if not 0 <= row.n_missing <= self.n
        ]
        if any(len(pattern.missing) != len(self.rows) for pattern in self.patterns):
            problems.append("each pattern needs one answer per row")
        if sum(pattern.n for pattern in self.patterns) > self.n:
            problems.append("patterns hold more patients than there are")
        if problems:
            raise InputError([f"MissingnessPicture: {problem}." for problem in problems])

    def words(self) -> Iterator[str]:
        """Every text of the picture."""
        yield from (self.missing_label, self.patterns_label, self.stamp)
        for row in self.rows:
            yield from (row.label, row.text)
