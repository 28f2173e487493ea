"""Maximally selected rank statistics: the best cut of a marker, with a p that pays for the search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import InputError
from cohortstats.stats.doors import check_length, length_of, number_text, read_numbers, refuse, sentence_of_values
from cohortstats.stats.event_door import read_patients
from cohortstats.stats.log_rank_exact import places_in_time
from cohortstats.stats.permutations import Orders, Scores, check_draws, log_rank_scores, monte_carlo_p
from cohortstats.stats.results import RichResult, as_row

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MaximallySelected", "maxstat"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_DRAWS = 999


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MaximallySelected(RichResult):
    """Result of `maxstat`. ``p_value`` allows for the search over ``n_cuts`` cuts; the p of the chosen cut is not held.

    ``statistic`` is M; the lower side of the cut are the ``n_lower`` patients with marker ≤ ``cut_point``. ``p_exact``
    is None with Monte Carlo, where the limits hold the exact p with 99 %.
    """

    statistic: float
    cut_point: float
    n_lower: int
    n_upper: int
    n_cuts: int
    p_value: float
    p_exact: Fraction | None
    n_arrangements: int
    n_extreme: int
    ci_lower: float
    ci_upper: float
    draws: int | None
    seed: int | None
    method: str
    reason: str

    def to_frame(self) -> pd.DataFrame:
        """One row: statistic, cut_point, n_lower, n_upper, n_cuts, p_value, ci_lower, ci_upper, method, reason."""
        names = ("statistic", "cut_point", "n_lower", "n_upper", "n_cuts", "p_value", "ci_lower", "ci_upper")
        return as_row(self, (*names, "method", "reason"))


def maxstat(
    marker: Any,
    time: Any,
    event: Any,
    *,
    min_fraction: float = 0.1,
    draws: int | None = None,
    seed: int | None = None,
) -> MaximallySelected:
    """Test whether any cut of a marker separates outcomes, with a p that allows for having looked at every cut.

    Parameters
    ----------
    marker
        One number a patient, nothing missing.
    time, event
        As in `EventTable.from_arrays`. ``time=None`` for a yes/no outcome without follow-up, given as ``event``.
    min_fraction
        Cuts leave at least this fraction of the patients on each side; 0 looks at all cuts.
    draws, seed
        Used where the scores can fall on the patients in more than 1,000,000 orders that can be told apart: then so
        many random ones, at least 999.

    Returns
    -------
    MaximallySelected
        M = max over k of \\|Σ_{first k} a\\|/sqrt(k(n − k)/(n(n − 1)) Σ a²), patients in order of the marker, k between
        distinct values of it, a the log-rank scores e_i − Σ d_j/n_j over t_j ≤ t_i (yes/no: 1 or 0 less the mean).
        p = #{orders with M at least as large}/#{orders}, compared in whole numbers; Monte Carlo p = (1 + hits)/(1 +
        draws). nan with ``no events``, ``variance is zero`` (all scores alike) or ``no variation`` (no cut).

    Raises
    ------
    InputError
        Arrays that `EventTable.from_arrays` refuses, a marker that is no number, ``min_fraction`` outside [0, 0.5),
        too many orders without draws and a seed.

    Notes
    -----
    R: ``maxstat::maxstat.test(Surv(time, event) ~ marker, smethod = "LogRank", pmethod = "condMC")``; its scores treat
    ties otherwise, and it rounds the fraction down to whole patients. Lausen and Schumacher 1992, Biometrics 48:73;
    Hothorn and Lausen 2003, Computational Statistics and Data Analysis 43:121.

    Examples
    --------
    >>> best = maxstat([2, 1, 4, 3, 6, 5, 7], [3, 5, 8, 11, 14, 20, 26], [1, 1, 1, 0, 1, 1, 0], min_fraction=0)
    >>> round(best.statistic, 12), best.cut_point, best.p_exact, best.n_arrangements
    (1.857838125349, 6.0, Fraction(11, 28), 5040)
    """
    problems: list[str] = []
    if not 0 <= min_fraction < 0.5:
        advice = "give a fraction from 0 to below 0.5, such as 0.1."
        problems.append(f"min_fraction is {number_text(min_fraction)}; {advice}")
    problems += check_draws(draws, seed, LEAST_DRAWS)
    outcome = event if time is None else time
    sizes = length_of(marker), length_of(outcome)
    if sizes[0] is not None and sizes[1] is not None:
        problems += check_length("marker", sizes[0], "event" if time is None else "time", sizes[1])
    values = read_numbers("marker", marker, problems)
    if values is not None:
        problems += sentence_of_values("marker", values, ~np.isfinite(values), "give finite values.")
    try:
        patients = read_patients(np.zeros(len(event)) if time is None else time, event, None, None, None, None)
    except InputError as error:
        refuse([*problems, *error.problems])
        raise
    refuse(problems)
    assert values is not None
    happened = np.asarray(patients.event, dtype=bool)
    n = happened.size
    order = np.argsort(values, kind="stable")
    values, happened = values[order], happened[order]
    if time is None:
        scores = Scores.of_whole_numbers(n * happened.astype(np.int64) - int(happened.sum()), n)
    else:
        scores = log_rank_scores(places_in_time(patients.time[order]), happened)
    steps = np.flatnonzero(values[1:] > values[:-1]) + 1
    fraction = Fraction(str(min_fraction))  # read from its decimal text: 0.1 of 30 is 3
    cuts = [k for k in steps.tolist() if min(k, n - k) >= fraction * n]
    orders = Orders(scores, draws, seed)
    reason = _reason(happened, scores, cuts)
    refuse([] if reason else orders.check())
    best, square, extreme = 0, Fraction(0), 0
    p_value, lower, upper, p_exact = math.nan, math.nan, math.nan, None
    if not reason:
        best, square = _largest(scores, cuts)
        extreme = _extreme(scores, orders, cuts, best)
        if orders.all:
            p_exact = Fraction(extreme, orders.n)
            p_value = float(p_exact)
        else:
            extreme -= 1  # the observed order is the first one looked at
            p_value, lower, upper = monte_carlo_p(extreme, orders.n - 1)
    return MaximallySelected(
        statistic=math.nan if reason else math.sqrt(square),
        cut_point=math.nan if reason else float(values[best - 1]),
        n_lower=best,
        n_upper=0 if reason else n - best,
        n_cuts=len(cuts),
        p_value=p_value,
        p_exact=p_exact,
        n_arrangements=orders.possible,
        n_extreme=extreme,
        ci_lower=lower,
        ci_upper=upper,
        draws=orders.draws,
        seed=orders.seed,
        method=f"maximally selected {'proportions' if time is None else 'log-rank'}, {orders.method}",
        reason=reason,
    )


def _reason(happened: NDArray[np.bool_], scores: Scores, cuts: Sequence[int]) -> str:
    if not happened.any():
        return "no events"
    if not scores.numerators.any():
        return "variance is zero"
    return "" if cuts else "no variation"


def _largest(scores: Scores, cuts: Sequence[int]) -> tuple[int, Fraction]:
    """The cut with the largest M, the first of equals, and M²."""
    n, numerators = scores.n, scores.numerators
    sums = np.cumsum(numerators)
    best = max(cuts, key=lambda k: Fraction(int(sums[k - 1]) ** 2, k * (n - k)))
    squares = int((numerators * numerators).sum())
    return best, Fraction(int(sums[best - 1]) ** 2 * n * (n - 1), best * (n - best) * squares)


def _extreme(scores: Scores, orders: Orders, cuts: Sequence[int], best: int) -> int:
    """Orders in which the sum up to any cut is as far out as the observed largest one.

    |Σ_k| / sqrt(k(n − k)) ≥ |Σ_best| / sqrt(best(n − best)) is a limit for the sum up to each cut: a whole number where
    scores are whole numbers, so no square root enters the decision.
    """
    n, denominator = scores.n, 1 if scores.exact else scores.whole[1]
    observed = sum(scores.whole[0][:best])
    far, weight = observed * observed, best * (n - best)
    limits = np.array(
        [
            _root_above(-(-far * k * (n - k) // weight)) if scores.exact
            else math.sqrt(Fraction(far * k * (n - k), weight * denominator * denominator))
            for k in cuts
        ],
        dtype=np.float64,
    )  # fmt: skip
    columns, extreme = np.array(cuts) - 1, 0
    for codes in orders.blocks():
        sums = np.cumsum(orders.values[codes], axis=1)[:, columns]
        if scores.exact:
            extreme += int(np.count_nonzero((np.abs(sums) >= limits).any(axis=1)))
            continue
        reached = np.zeros(codes.shape[0], dtype=bool)
        for column, k in enumerate(cuts):
            reached |= _reached(scores, orders, codes, sums[:, column], float(limits[column]), k, far, weight)
        extreme += int(np.count_nonzero(reached))
    return extreme


def _reached(
    scores: Scores, orders: Orders, codes: NDArray[np.intp], sums: Floats, limit: float, k: int, far: int, weight: int
) -> NDArray[np.bool_]:
    """The same for one cut, where whole numbers have to decide close calls."""

    def numerators(rows: Ints) -> NDArray[Any]:
        return np.asarray(orders.numerators[codes[rows, :k]].sum(axis=1))

    def decide(whole: NDArray[Any]) -> NDArray[np.bool_]:
        return np.asarray(whole * whole * weight >= far * k * (scores.n - k), dtype=bool)

    return scores.reaching(sums, limit, numerators, decide)


def _root_above(square: int) -> int:
    """Smallest whole number whose square is at least ``square``."""
    return 0 if square <= 0 else math.isqrt(square - 1) + 1
