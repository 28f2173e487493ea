"""What a forest plot shows, as plain values: rows of estimates with limits and with the words beside them.

Whoever has the estimates (a regression, a table of trials, a notebook) writes them into these values; drawing reads
them and computes no statistic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, isinf, isnan, nan

from cohortstats.errors import InputError

__all__ = ["MAX_SERIES", "ForestEstimate", "ForestPicture", "ForestRow"]

MAX_SERIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestEstimate:
    """One ratio with its limits.

    Parameters
    ----------
    value
        The ratio, above 0; ``nan`` where it is not defined, and then nothing is drawn but its words.
    ci_lower, ci_upper
        Limits; 0 and ``inf`` are open ends, ``nan`` is none.
    texts
        What stands in the columns beside the plot, one text a column of the picture.
    series
        Which of the picture's series it belongs to, from 1.
    weight
        Above 0, the mark is a square whose area stands to that of the heaviest as the weights do; 0 is a mark of one
        size.
    pooled
        Draw a diamond from limit to limit instead of a mark.

    Examples
    --------
    >>> ForestEstimate(value=0.59, ci_lower=0.42, ci_upper=0.82, texts=("0.59 (0.42–0.82)", "0.0015")).series
    1
    """

    value: float
    ci_lower: float = nan
    ci_upper: float = nan
    texts: tuple[str, ...] = ()
    series: int = 1
    weight: float = 0.0
    pooled: bool = False

    def __post_init__(self) -> None:
        problems = []
        if not isnan(self.value) and not (isfinite(self.value) and self.value > 0):
            problems.append(f"value must be a number above 0, or nan; it is {self.value!r}")
        if self.ci_lower < 0 or isinf(self.ci_lower):
            problems.append(f"ci_lower must be 0 or more; it is {self.ci_lower!r}")
        if self.ci_lower > self.value or self.value > self.ci_upper:
            problems.append("value must lie between ci_lower and ci_upper")
        if not 1 <= self.series <= MAX_SERIES:
            problems.append(f"series must be 1 to {MAX_SERIES}")
        if not (self.weight >= 0 and isfinite(self.weight)):
            problems.append(f"weight must be 0 or more; it is {self.weight!r}")
        if problems:
            raise InputError([f"ForestEstimate: {problem}." for problem in problems])


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestRow:
    """A label, and below or beside it one line for each estimate.

    Parameters
    ----------
    label
        ``*word*`` is italic; nothing else is markup.
    estimates
        None makes the row a heading.
    indent
        1 for a level under its heading.
    text
        Words in the first column of a row without an estimate, such as ``"1 (reference)"``.

    Examples
    --------
    >>> ForestRow(label="Cell type").estimates
    ()
    """

    label: str
    estimates: tuple[ForestEstimate, ...] = ()
    indent: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestPicture:
    """All that is drawn: rows, axis, words.

    Parameters
    ----------
    rows
        From top to bottom.
    columns
        Headings of the texts beside the plot.
    x_label
        Title of the axis.
    series
        Names of the series; with one, no key is drawn.
    stamp
        Label of a synthetic study, written inside the plot area; empty for none.
    point
        Decimal point of the numbers on the axis.
    narrow_labels
        Break labels into more lines before they are put above their intervals.

    Examples
    --------
    >>> row = ForestRow(label="Age, per 10 years", estimates=(ForestEstimate(value=1.2, texts=("1.20",)),))
    >>> ForestPicture(rows=(row,), columns=("Hazard ratio",), x_label="Hazard ratio").series
    ('',)
    """

    rows: tuple[ForestRow, ...]
    columns: tuple[str, ...]
    x_label: str
    series: tuple[str, ...] = ("",)
    stamp: str = ""
    point: str = "."
    narrow_labels: bool = False

    def __post_init__(self) -> None:
        problems = []
        if not self.rows:
            problems.append("there is no row")
        if not 1 <= len(self.series) <= MAX_SERIES:
            problems.append(f"1 to {MAX_SERIES} series can be drawn, not {len(self.series)}")
        for row in self.rows:
            for estimate in row.estimates:
                if len(estimate.texts) != len(self.columns):
                    problems.append(f"row {row.label!r} needs one text per column")
                if estimate.series > len(self.series):
                    problems.append(f"row {row.label!r} has series {estimate.series} of {len(self.series)}")
        if problems:
            raise InputError([f"ForestPicture: {problem}." for problem in dict.fromkeys(problems)])

    def words(self) -> Iterator[str]:
        """Every text of the picture."""
        yield from (*self.columns, self.x_label, *self.series, self.stamp)
        for row in self.rows:
            yield from (row.label, row.text)
            for estimate in row.estimates:
                yield from estimate.texts
