"""Exact tests of counts: Fisher's test of two groups, Freeman and Halton's of any table, the P values they can have."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.counts import CountTable, check_two_groups, check_whole_numbers, proportion_ci
from cohortstats.stats.doors import check_choice, check_fraction, refuse
from cohortstats.stats.freeman_halton import estimated_steps, exact_sum, sampled_hits, table_weight
from cohortstats.stats.hypergeometric import Margins
from cohortstats.stats.results import RichResult, as_row

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FisherTest",
    "FreemanHaltonTest",
    "attainable_p",
    "fisher_exact",
    "fisher_exact_rxc",
    "is_significant",
    "no_likelier",
    "rarest_end",
    "tied",
    "total_of",
]

Alternative = Literal["two-sided", "less", "greater"]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Row = tuple[int, ...]
Matrix = tuple[Row, ...]

INTEGERS_UP_TO = 10_000  # patients; beyond it integers grow too long and weights relative to the largest take over
NEAR = 1e-10  # relative gap below which two relative weights are compared by integers instead
MAX_STEPS = 2e8
MIN_DRAWS = 999
MONTE_CARLO_LEVEL = 0.99


def is_significant(p_exact: Fraction | None, p_value: float, alpha: float) -> bool:
    """p < alpha on rationals, alpha read from its decimal text: Fraction(0.05) itself is larger than 1/20."""
    refuse(check_fraction("alpha", alpha, "0.05"))
    level = Fraction(str(alpha))
    return (Fraction(p_value) if p_exact is None else p_exact) < level


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FisherTest(RichResult):
    """Result of `fisher_exact`.

    ``p_exact`` and ``min_attainable_exact`` are None above 10,000 patients. ``ci_method`` names the interval, which
    may disagree with p: the central one inverts twice the smaller one-sided p.
    """

    p_value: float
    p_exact: Fraction | None
    odds_ratio: float
    ci_lower: float
    ci_upper: float
    ci_level: float
    ci_method: str
    min_attainable_p: float
    min_attainable_exact: Fraction | None
    alternative: str
    method: str
    reason: str
    counts: CountTable

    def significant(self, alpha: float = 0.05) -> bool:
        """p < alpha, decided on rationals: 1/20 is not below 0.05."""
        return is_significant(self.p_exact, self.p_value, alpha)

    def to_frame(self) -> pd.DataFrame:
        """One row: odds_ratio, ci_lower, ci_upper, ci_level, ci_method, p_value, min_attainable_p, alternative, ..."""
        effect = ("odds_ratio", "ci_lower", "ci_upper", "ci_level", "ci_method")
        return as_row(self, (*effect, "p_value", "min_attainable_p", "alternative", "method", "reason"))


def fisher_exact(
    counts: CountTable,
    *,
    alternative: Alternative = "two-sided",
    ci: Literal["central", "minlike"] = "central",
    ci_level: float = 0.95,
) -> FisherTest:
    """Fisher's exact test of two groups, with the conditional odds ratio.

    Parameters
    ----------
    counts
        Two groups; the odds ratio is that of the first over the second.
    alternative
        ``two-sided``: minimum likelihood, p = Σ{w(x) : w(x) ≤ w(x1)} / C(N, k) with w(x) = C(n1, x) C(n2, k − x).
        Ties are decided on integers. ``less`` and ``greater``: Σ over x ≤ x1 and x ≥ x1; greater means odds ratio > 1.
    ci
        ``central`` (what R prints): P_θ(X ≥ x1) = α/2 and P_θ(X ≤ x1) = α/2; ``minlike`` inverts the two-sided p,
        the hull of {θ : p_θ ≥ α}. One-sided tests have one-sided limits, at α.
    ci_level
        Between 0 and 1.

    Returns
    -------
    FisherTest
        When the margins leave one table only: p 1, odds ratio nan with ``variance is zero``, limits 0 and ∞.

    Raises
    ------
    InputError
        Other than two groups, an unknown choice, a level outside (0, 1).

    Notes
    -----
    R: ``fisher.test(matrix)``, whose odds ratio and limits carry 3 to 4 digits and whose p counts tables within a
    relative 1e-7 as ties. Fisher 1935, Journal of the Royal Statistical Society 98:39. Minlike interval: Fay 2010,
    Biostatistics 11:373.

    Examples
    --------
    >>> hr = fisher_exact(CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17)))
    >>> hr.p_exact, round(hr.odds_ratio, 8)
    (Fraction(13007, 29667), 2.47583507)
    >>> pik3ca = fisher_exact(CountTable(groups=("mutant", "wild-type"), events=(2, 2), totals=(2, 14)))
    >>> pik3ca.p_exact, pik3ca.significant(0.05), pik3ca.min_attainable_exact
    (Fraction(1, 20), False, Fraction(1, 20))
    """
    problems = check_two_groups("fisher_exact", counts, instead="fisher_exact_rxc")
    problems += check_choice("alternative", alternative, ("two-sided", "less", "greater"))
    refuse(problems + check_choice("ci", ci, ("central", "minlike")) + check_fraction("ci_level", ci_level, "0.95"))
    (n1, n2), x = counts.totals, counts.events[0]
    margins = Margins(n1=n1, n2=n2, k=sum(counts.events))
    tails = _integer_tails if n1 + n2 <= INTEGERS_UP_TO else _relative_tails
    p_value, attainable = tails(margins, x, alternative)
    lower, upper = _limits(margins, x, alternative, ci, 1 - ci_level)
    return FisherTest(
        p_value=float(p_value),
        p_exact=p_value if isinstance(p_value, Fraction) else None,
        odds_ratio=margins.conditional_odds_ratio(x),
        ci_lower=lower,
        ci_upper=upper,
        ci_level=ci_level,
        ci_method=ci,
        min_attainable_p=float(attainable),
        min_attainable_exact=attainable if isinstance(attainable, Fraction) else None,
        alternative=alternative,
        method="fisher two-sided minlike" if alternative == "two-sided" else f"fisher {alternative}",
        reason="variance is zero" if margins.low == margins.high else "",
        counts=counts,
    )


def _integer_tails(margins: Margins, x: int, alternative: Alternative) -> tuple[Fraction, Fraction]:
    """p and the smallest attainable two-sided p as exact rationals."""
    weights, at = margins.integer_weights(), x - margins.low
    extreme = {
        "two-sided": sum(weight for weight in weights if weight <= weights[at]),
        "less": sum(weights[: at + 1]),
        "greater": sum(weights[at:]),
    }
    # Weights rise to one mode and fall again, so the rarest table is at an end, or at both.
    rarest = min(weights)
    total = math.comb(margins.n1 + margins.n2, margins.k)
    return Fraction(extreme[alternative], total), Fraction(rarest * weights.count(rarest), total)


def _relative_tails(margins: Margins, x: int, alternative: Alternative) -> tuple[float, float]:
    """The same from weights relative to the largest, summed smallest first."""
    weights, at = margins.relative_weights(), x - margins.low
    total = total_of(weights)
    if alternative == "two-sided":
        extreme = total_of(weights[no_likelier(margins, weights, x)])
    else:
        extreme = total_of(weights[: at + 1] if alternative == "less" else weights[at:])
    return extreme / total, total_of(weights[no_likelier(margins, weights, rarest_end(margins))]) / total


def no_likelier(margins: Margins, weights: Floats, x: int) -> Mask:
    """Tables with w ≤ w(x); where floats are too close to tell, integers decide."""
    inside = weights <= weights[x - margins.low]
    for near in _near(weights, x - margins.low):
        inside[near] = margins.compare(near + margins.low, x) <= 0
    return np.asarray(inside)


def tied(margins: Margins, weights: Floats, x: int) -> Mask:
    """Tables with w = w(x), decided by integers."""
    equal = np.zeros(weights.size, dtype=bool)
    for near in _near(weights, x - margins.low):
        equal[near] = margins.compare(near + margins.low, x) == 0
    return equal


def _near(weights: Floats, at: int) -> list[int]:
    # Weights that underflow are all 0 and all near: none of them can be told from the others, nor does any count.
    if not weights[at]:
        return [at]
    return [int(place) for place in np.flatnonzero(np.abs(weights - weights[at]) < NEAR * weights[at])]


def rarest_end(margins: Margins) -> int:
    """Table with the smallest weight: weights rise to one mode and fall again, so it is at an end."""
    return margins.low if margins.compare(margins.low, margins.high) <= 0 else margins.high


def total_of(values: Floats) -> float:
    """Sum of floats, rounded once."""
    return math.fsum(np.sort(values).tolist())


def _limits(
    margins: Margins, x: int, alternative: Alternative, ci: Literal["central", "minlike"], alpha: float
) -> tuple[float, float]:
    if margins.low == margins.high or alternative == "less":
        return 0.0, margins.upper_limit(x, alpha)
    if alternative == "greater":
        return margins.lower_limit(x, alpha), math.inf
    if ci == "central":
        return margins.lower_limit(x, alpha / 2), margins.upper_limit(x, alpha / 2)
    return margins.minlike_lower_limit(x, alpha), margins.minlike_upper_limit(x, alpha)


def attainable_p(counts: CountTable) -> tuple[Fraction | float, ...]:
    """Every two-sided P value that Fisher's test can have, given group sizes and events in all.

    Parameters
    ----------
    counts
        Two groups; only their sizes and the sum of their events matter.

    Returns
    -------
    tuple of Fraction
        Each value once, rising, the last one 1. Floats above 10,000 patients.

    Raises
    ------
    InputError
        Other than two groups.

    Notes
    -----
    What a discrete adjustment needs: ``adjust_p(p, method="discrete-bonferroni", attainable=[...])`` and `tarone`.
    R: the distinct values of ``fisher.test`` over all tables with these margins.

    Examples
    --------
    >>> attainable_p(CountTable(groups=("mutant", "wild-type"), events=(2, 2), totals=(2, 14)))
    (Fraction(1, 20), Fraction(9, 20), Fraction(1, 1))
    """
    refuse(check_two_groups("attainable_p", counts, instead="fisher_exact_rxc"))
    (n1, n2), k = counts.totals, sum(counts.events)
    margins = Margins(n1=n1, n2=n2, k=k)
    if n1 + n2 > INTEGERS_UP_TO:
        return _relative_attainable(margins)
    # Equal weights share the sum up to the last of them.
    ranked = sorted(margins.integer_weights())
    up_to = dict(zip(ranked, accumulate(ranked), strict=True))
    return tuple(Fraction(extreme, math.comb(n1 + n2, k)) for extreme in up_to.values())


def _relative_attainable(margins: Margins) -> tuple[float, ...]:
    weights = margins.relative_weights()
    order = np.argsort(weights, kind="stable")
    ranked = weights[order]
    sums = np.cumsum(ranked)
    last = np.ones(weights.size, dtype=bool)  # of each run of equal weights
    for place in np.flatnonzero(ranked[1:] - ranked[:-1] < NEAR * ranked[1:]):
        first, second = (int(order[i]) + margins.low for i in (place, place + 1))
        last[place] = margins.compare(first, second) != 0
    return tuple((sums[last & (ranked > 0)] / sums[-1]).tolist())


# ---------------------------------------------------------------------------------------------------- any table


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FreemanHaltonTest(RichResult):
    """Result of `fisher_exact_rxc`.

    ``n_tables`` counts the tables with the observed margins. A Monte Carlo result has none; it has ``draws``, the
    ``hits`` among them and a 99 % interval of the exact P instead, and ``p_exact`` is its P as a rational.
    """

    p_value: float
    p_exact: Fraction
    n_tables: int | None
    draws: int | None
    hits: int | None
    ci_lower: float | None
    ci_upper: float | None
    method: str
    reason: str
    matrix: Matrix

    def significant(self, alpha: float = 0.05) -> bool:
        """p < alpha, decided on rationals."""
        return is_significant(self.p_exact, self.p_value, alpha)

    def to_frame(self) -> pd.DataFrame:
        """One row: p_value, ci_lower, ci_upper, n_tables, draws, method, reason."""
        return as_row(self, ("p_value", "ci_lower", "ci_upper", "n_tables", "draws", "method", "reason"))


def fisher_exact_rxc(
    matrix: Any,
    *,
    method: Literal["exact", "monte-carlo"] = "exact",
    draws: int | None = None,
    seed: int | None = None,
) -> FreemanHaltonTest:
    """Freeman and Halton's exact test of independence in an r x c table.

    Parameters
    ----------
    matrix
        Rows of counts: nested sequences, an array, or a frame. Rows and columns of zeros are dropped.
    method
        ``exact``: every table counts. ``monte-carlo``: tables with the same margins are drawn at random; never done
        unless asked for.
    draws, seed
        Of ``monte-carlo``: number of tables, 999 or more, and the seed of the generator. The same seed gives the same
        result.

    Returns
    -------
    FreemanHaltonTest
        p = Σ P(table) over tables with the same margins and P(table) ≤ P(observed), P ∝ 1/Π x_ij!; ties are decided
        on integers. Monte Carlo: p = (1 + hits)/(1 + draws), with the 99 % Clopper-Pearson interval of hits among
        draws. With one row or column left p is 1, reason ``variance is zero``.

    Raises
    ------
    InputError
        A ragged matrix, cells that are no counts, no patients, more than 2e8 steps of work for the exact test,
        estimated beforehand; draws without a seed, or too few.

    Notes
    -----
    R: ``fisher.test(M, workspace=2e7)`` and ``fisher.test(M, simulate.p.value=TRUE, B=draws)``. Freeman and Halton
    1951, Biometrika 38:141.

    Examples
    --------
    >>> test = fisher_exact_rxc([[3, 1, 2], [1, 4, 3]])
    >>> test.p_exact, test.n_tables
    (Fraction(1003, 3003), 23)
    >>> sampled = fisher_exact_rxc([[3, 1, 2], [1, 4, 3]], method="monte-carlo", draws=9_999, seed=1)
    >>> sampled.method, sampled.ci_lower < test.p_value < sampled.ci_upper
    ('freeman-halton Monte Carlo, 9999 draws, seed 1', True)
    """
    given = _rows(matrix)
    problems = check_choice("method", method, ("exact", "monte-carlo"))
    refuse(problems + (_check_draws(method, draws, seed) if not problems else []) + _check_matrix(given))
    cells = tuple(tuple(int(cell) for cell in row) for row in given)
    rows = [row for row in cells if any(row)]
    columns = [column for column in zip(*rows, strict=True) if any(column)]
    rows = [tuple(row) for row in zip(*columns, strict=True)]
    # The state of the sum is a total per row, so the shorter side is made the rows; small columns go first.
    if len(rows) > len(columns):
        rows, columns = columns, rows
    columns = sorted(columns, key=sum)
    if draws is None or seed is None:
        return _enumerated(cells, rows, columns)
    return _sampled(cells, rows, columns, int(draws), seed)


def _enumerated(cells: Matrix, rows: Sequence[Row], columns: Sequence[Row]) -> FreemanHaltonTest:
    row_totals, column_totals = ([sum(line) for line in lines] for lines in (rows, columns))
    steps = estimated_steps(row_totals, column_totals)
    if steps > MAX_STEPS:
        size = f"{len(cells)} x {len(cells[0])}"
        power = f"{steps:.0e}".replace("e+0", "e").replace("e+", "e")
        refuse(
            [
                f"the exact test of this {size} table with {sum(row_totals)} patients needs about {power} steps "
                '(limit 2e8); merge levels, or ask for method="monte-carlo" with draws and a seed.'
            ]
        )
    p_exact, n_tables = exact_sum(row_totals, column_totals, table_weight(columns))
    return FreemanHaltonTest(
        p_value=float(p_exact),
        p_exact=p_exact,
        n_tables=n_tables,
        draws=None,
        hits=None,
        ci_lower=None,
        ci_upper=None,
        method="freeman-halton exact",
        reason="variance is zero" if len(rows) == 1 else "",
        matrix=cells,
    )


def _sampled(cells: Matrix, rows: Sequence[Row], columns: Sequence[Row], draws: int, seed: int) -> FreemanHaltonTest:
    row_totals, column_totals = ([sum(line) for line in lines] for lines in (rows, columns))
    hits = sampled_hits(row_totals, column_totals, columns, draws, seed)
    interval = proportion_ci(hits, draws, method="clopper-pearson", ci_level=MONTE_CARLO_LEVEL)
    p_exact = Fraction(1 + hits, 1 + draws)
    return FreemanHaltonTest(
        p_value=float(p_exact),
        p_exact=p_exact,
        n_tables=None,
        draws=draws,
        hits=hits,
        ci_lower=interval.ci_lower,
        ci_upper=interval.ci_upper,
        method=f"freeman-halton Monte Carlo, {draws} draws, seed {seed}",
        reason="variance is zero" if len(rows) == 1 else "",
        matrix=cells,
    )


def _check_draws(method: str, draws: int | None, seed: int | None) -> list[str]:
    if method == "exact":
        given = [f"{name} is {value}" for name, value in (("draws", draws), ("seed", seed)) if value is not None]
        return [f"{' and '.join(given)}; the exact test draws nothing, ask for method 'monte-carlo'."] if given else []
    if draws is None:
        return ["method 'monte-carlo' needs draws; use at least 999, and give a seed."]
    if draws != int(draws) or draws < MIN_DRAWS or seed is None:
        return [f"draws is {draws}; use at least 999, and give a seed."]
    return []


def _rows(matrix: Any) -> list[tuple[Any, ...]]:
    # A frame would give its column names when walked through, so it is made an array first.
    to_numpy: Callable[[], Any] = getattr(matrix, "to_numpy", lambda: matrix)
    return [tuple(row) for row in to_numpy()]


def _check_matrix(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    width = len(rows[0]) if rows else 0
    problems = [
        f"row {i} has {len(row)} cells, row 1 has {width}." for i, row in enumerate(rows, 1) if len(row) != width
    ]
    for i, row in enumerate(rows, 1):
        problems += check_whole_numbers("cells", ((f"row {i}, column {j}", cell) for j, cell in enumerate(row, 1)))
    if not problems and not sum(map(sum, rows)):
        problems.append("there are no patients.")
    return problems
