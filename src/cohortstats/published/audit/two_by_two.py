"""Tests of a printed table of counts: which of them print a P value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from cohortstats.errors import InputError
from cohortstats.stats.chi_square import chi_square
from cohortstats.stats.counts import CountTable
from cohortstats.stats.exact import attainable_p, fisher_exact, fisher_exact_rxc
from cohortstats.stats.mid_p import fisher_midp
from cohortstats.stats.unconditional import barnard, boschloo

__all__ = ["NAMES", "ORDER", "least_attainable", "p_of_matrix", "p_of_two_groups", "test_name"]

Table = tuple[tuple[int, int], tuple[int, int]]
"""Two groups, each as patients with the event and patients in all."""

LARGEST_SEARCH = 100_000  # tables of two groups that a search over the common rate may visit

NAMES: Mapping[str, str] = {
    "fisher": "fisher",
    "fisher exact": "fisher",
    "fisher's": "fisher",
    "fisher's exact": "fisher",
    "freeman-halton": "fisher",
    "fisher-freeman-halton": "fisher",
    "exact": "fisher",
    "fisher-midp": "mid-p",
    "chi2-n1": "n-1",
    "mid-p": "mid-p",
    "midp": "mid-p",
    "fisher mid-p": "mid-p",
    "boschloo": "boschloo",
    "barnard": "barnard",
    "pearson": "pearson",
    "chi-square": "pearson",
    "chi-squared": "pearson",
    "chi square": "pearson",
    "chi squared": "pearson",
    "chi2": "pearson",
    "chisq": "pearson",
    "χ2": "pearson",
    "n-1": "n-1",
    "n - 1": "n-1",
    "chi-square n-1": "n-1",
    "yates": "yates",
    "chi-square yates": "yates",
    "chi-square, yates": "yates",
    "continuity-corrected chi-square": "yates",
    "log-likelihood": "log-likelihood",
    "likelihood ratio": "log-likelihood",
    "g": "log-likelihood",
    "one-sided fisher": "one-sided fisher",
    "fisher one-sided": "one-sided fisher",
}
"""Words of papers -> name of the test."""


def test_name(words: str) -> str:
    """Name of a test in words of a paper; empty when it is none of these.

    Examples
    --------
    >>> test_name("Fisher's exact test"), test_name("chi-squared test"), test_name("Wilcoxon")
    ('fisher', 'pearson', '')
    """
    text = words.casefold().replace("’", "'").replace("−", "-").replace("–", "-").strip()
    text = text.removesuffix("test").strip()
    return NAMES.get(text, "")


test_name.__test__ = False  # type: ignore[attr-defined]  # a function about tests, not one


def _counts(table: Table) -> CountTable:
    (a, n1), (b, n2) = table
    return CountTable(groups=("1", "2"), events=(a, b), totals=(n1, n2))


def _fisher(table: Table) -> Fraction | float:
    test = fisher_exact(_counts(table))
    return test.p_value if test.p_exact is None else test.p_exact


def _mid_p(table: Table) -> Fraction | float:
    test = fisher_midp(_counts(table))
    return test.p_value if test.p_exact is None else test.p_exact


def _searched(test: Callable[..., object]) -> Callable[[Table], float]:
    def p(table: Table) -> float:
        if (table[0][1] + 1) * (table[1][1] + 1) > LARGEST_SEARCH:
            return math.nan
        return float(test(_counts(table)).p_value)  # type: ignore[attr-defined]

    return p


def _n_minus_1(table: Table) -> float:
    """Also where an expected count is below 1: a paper may have printed it."""
    from scipy.special import chdtrc

    pearson, n = chi_square(_counts(table)), table[0][1] + table[1][1]
    return math.nan if math.isnan(pearson.statistic) else float(chdtrc(1, pearson.statistic * (n - 1) / n))


def _log_likelihood(table: Table) -> Fraction | float:
    (a, n1), (b, n2) = table
    return p_of_matrix(((a, n1 - a), (b, n2 - b)), "log-likelihood")


def _one_sided(table: Table) -> Fraction | float:
    """The smaller of the two, which is the one that is printed."""
    counts = _counts(table)
    sides = [fisher_exact(counts, alternative="less"), fisher_exact(counts, alternative="greater")]
    return min(test.p_value if test.p_exact is None else test.p_exact for test in sides)


TESTS: Mapping[str, Callable[[Table], Fraction | float]] = {
    "fisher": _fisher,
    "mid-p": _mid_p,
    "boschloo": _searched(boschloo),
    "barnard": _searched(barnard),
    "pearson": lambda table: chi_square(_counts(table)).p_value,
    "n-1": _n_minus_1,
    "yates": lambda table: chi_square(_counts(table), correction="yates").p_value,
    "log-likelihood": _log_likelihood,
    "one-sided fisher": _one_sided,
}
ORDER = tuple(TESTS)
"""The tests in the order in which they are tried."""


def p_of_two_groups(table: Table, test: str) -> Fraction | float:
    """Two-sided P of a test; nan where it does not exist or the table is too large for a search.

    Examples
    --------
    >>> table = ((6, 17), (3, 17))
    >>> [float(f"{float(p_of_two_groups(table, name)):.4f}") for name in ORDER]
    [0.4384, 0.278, 0.277, 0.2796, 0.2435, 0.2506, 0.4369, 0.2401, 0.2192]
    """
    return TESTS[test](table)


def least_attainable(table: Table) -> Fraction | float:
    """Smallest two-sided P that Fisher's test can have with these margins.

    Examples
    --------
    >>> least_attainable(((2, 2), (2, 14)))
    Fraction(1, 20)
    """
    return min(attainable_p(_counts(table)))


def p_of_matrix(rows: Sequence[Sequence[int]], test: str) -> Fraction | float:
    """P of a test of an r by c table of counts; nan where it does not exist or the exact sum is too long.

    Examples
    --------
    >>> p_of_matrix([[3, 1, 2], [1, 4, 3]], "fisher")
    Fraction(1003, 3003)
    >>> f"{p_of_matrix([[3, 1, 2], [1, 4, 3]], 'pearson'):.6f}"
    '0.250220'
    """
    if test == "fisher":
        try:
            return fisher_exact_rxc(rows).p_exact
        except InputError:
            return math.nan
    if test not in ("pearson", "log-likelihood"):
        return math.nan
    from scipy.special import chdtrc

    kept = [row for row in rows if any(row)]
    columns = [column for column in zip(*kept, strict=True) if any(column)]
    if len(kept) < 2 or len(columns) < 2:
        return math.nan
    total = sum(map(sum, columns))
    sums, heights = [sum(row) for row in kept], [sum(column) for column in columns]
    df = (len(kept) - 1) * (len(columns) - 1)
    cells = [
        (column[i], Fraction(sums[i] * height, total))
        for column, height in zip(columns, heights, strict=True)
        for i in range(len(kept))
    ]
    if test == "pearson":
        statistic = float(sum((observed - expected) ** 2 / expected for observed, expected in cells))
    else:
        statistic = 2 * math.fsum(observed * math.log(observed / expected) for observed, expected in cells if observed)
    return float(chdtrc(df, max(statistic, 0.0)))
