"""Pearson's chi-square test of groups by outcome, with the corrections that are in use for two groups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from cohortstats.stats.counts import CountTable, check_two_groups
from cohortstats.stats.doors import check_choice, refuse
from cohortstats.stats.results import RichResult, as_row, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ChiSquareTest", "chi_square"]

Correction = Literal["none", "yates", "n-1"]
NAMES = {"none": "pearson chi-square", "yates": "chi-square, Yates", "n-1": "chi-square, N − 1"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ChiSquareTest(RichResult):
    """Result of `chi_square`; ``expected`` has a row a group, with and without the event."""

    statistic: float
    df: int
    p_value: float
    expected: NDArray[np.float64]
    method: str
    reason: str
    counts: CountTable

    def to_frame(self) -> pd.DataFrame:
        """One row: statistic, df, p_value, method, reason."""
        return as_row(self, ("statistic", "df", "p_value", "method", "reason"))


def chi_square(counts: CountTable, *, correction: Correction = "none") -> ChiSquareTest:
    """Chi-square test of no association between group and outcome.

    Parameters
    ----------
    counts
        Two groups, or with ``none`` any number of them. Groups without patients are left out of the test.
    correction
        ``none`` (Pearson): X² = Σ (O − E)²/E, for two groups N (ad − bc)² / (n1 n2 k (N − k)); ``yates``: with
        |ad − bc| − N/2 in place of ad − bc, not below 0; ``n-1``: (N − 1)/N times Pearson's, only where every expected
        count is at least 1. Chosen beforehand, never after a look at P.

    Returns
    -------
    ChiSquareTest
        df is one less than the number of groups with patients. Without variation in group or outcome statistic and P
        are nan, reason ``variance is zero``; ``n-1`` with an expected count below 1: ``expected counts below 1``.

    Raises
    ------
    InputError
        An unknown correction, or a correction with other than two groups.

    Notes
    -----
    R: ``chisq.test(matrix, correct=FALSE)``; ``correct=TRUE`` for Yates, which is floored at 0 there as well. Pearson
    1900; Yates 1934, Supplement to the Journal of the Royal Statistical Society 1:217; N − 1: Campbell 2007, Statistics
    in Medicine 26:3661.

    Examples
    --------
    >>> counts = CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
    >>> [float(f"{chi_square(counts, correction=c).p_value:.12f}") for c in ("none", "yates", "n-1")]
    [0.24353748159, 0.436887276103, 0.250592050686]
    """
    problems = check_choice("correction", correction, NAMES)
    if correction != "none" and not problems:
        problems = check_two_groups(f"chi_square with correction '{correction}'", counts)
    refuse(problems)
    total, k = sum(counts.totals), sum(counts.events)
    groups = sum(n > 0 for n in counts.totals)
    expected = [(n * k / total, n * (total - k) / total) if total else (math.nan, math.nan) for n in counts.totals]
    reason = ""
    if groups < 2 or k in (0, total):
        reason = "variance is zero"
    elif correction == "n-1" and min(counts.totals) * min(k, total - k) < total:
        reason = "expected counts below 1"
    statistic = math.nan if reason else float(_statistic(counts, k, total, correction))
    df = max(groups - 1, 0)
    return ChiSquareTest(
        statistic=statistic,
        df=df,
        p_value=math.nan if reason else float(chdtrc(df, statistic)),
        expected=read_only(expected),
        method=NAMES[correction],
        reason=reason,
        counts=counts,
    )


def _statistic(counts: CountTable, k: int, total: int, correction: Correction) -> Fraction:
    """X² as a rational: rounded once, however large the counts."""
    if correction == "yates":
        (x1, x2), (n1, n2) = counts.events, counts.totals
        # 2 |ad − bc| − N, in integers; ad − bc = x1 n2 − x2 n1.
        doubled = max(2 * abs(x1 * n2 - x2 * n1) - total, 0)
        return Fraction(total * doubled * doubled, 4 * n1 * n2 * k * (total - k))
    # With and without the event O − E differs in sign only, so a group gives (O − E)² (1/E + 1/(n − E)), E = n k/N.
    squares = sum(
        Fraction((x * total - n * k) ** 2, n * k * (total - k))
        for x, n in zip(counts.events, counts.totals, strict=True)
        if n
    )
    return Fraction(squares) * (Fraction(total - 1, total) if correction == "n-1" else 1)
