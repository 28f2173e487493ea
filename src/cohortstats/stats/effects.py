"""Effects of two groups: risk difference, risk ratio and odds ratio, first group against second, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cohortstats.stats.counts import CountTable, Limits, check_two_groups, proportion_ci
from cohortstats.stats.doors import check_choice, check_fraction, number_text, refuse
from cohortstats.stats.hypergeometric import Margins
from cohortstats.stats.results import RichResult, as_row, normal_quantile
from cohortstats.stats.score_limits import koopman_limits, miettinen_nurminen_limits

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Effect", "odds_ratio", "risk_difference", "risk_ratio"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Effect(RichResult):
    """First group against second: difference or ratio, with its interval and the counts that it came from."""

    estimate: float
    ci_lower: float
    ci_upper: float
    ci_level: float
    method: str
    reason: str
    counts: CountTable

    def to_frame(self) -> pd.DataFrame:
        """One row: estimate, ci_lower, ci_upper, ci_level, method, reason."""
        return as_row(self, ("estimate", "ci_lower", "ci_upper", "ci_level", "method", "reason"))


def _open_door(name: str, counts: CountTable, method: str, methods: Sequence[str], ci_level: float) -> None:
    problems = check_two_groups(name, counts) + check_choice("method", method, methods)
    refuse(problems + check_fraction("ci_level", ci_level, "0.95"))


def _effect(
    counts: CountTable, method: str, ci_level: float, estimate: float, limits: Limits, reason: str = ""
) -> Effect:
    if 0 in counts.totals:
        estimate, limits, reason = math.nan, (math.nan, math.nan), "no patients"
    return Effect(
        estimate=estimate,
        ci_lower=limits[0],
        ci_upper=limits[1],
        ci_level=ci_level,
        method=method,
        reason=reason,
        counts=counts,
    )


def _exp_limits(estimate: float, variance: float, z: float) -> Limits:
    """estimate · exp(±z sqrt(variance)): limits that are symmetric on the log scale."""
    return estimate * math.exp(-z * math.sqrt(variance)), estimate * math.exp(z * math.sqrt(variance))


UNDEFINED = (math.nan, math.nan)


def risk_difference(
    counts: CountTable,
    *,
    method: Literal["newcombe", "miettinen-nurminen"] = "newcombe",
    ci_level: float = 0.95,
) -> Effect:
    """Difference of two rates, first minus second, D = p1 − p2.

    Parameters
    ----------
    counts
        Two groups. With an empty group the result is nan, reason ``no patients``.
    method
        ``newcombe``: D − sqrt((p1 − l1)² + (u2 − p2)²) to D + sqrt((u1 − p1)² + (p2 − l2)²) with Wilson limits l, u;
        ``miettinen-nurminen``: all D0 with |D − D0| ≤ z sqrt(V(D0)). Both are defined at zero cells.
    ci_level
        Between 0 and 1.

    Returns
    -------
    Effect
        Fractions from −1 to 1.

    Raises
    ------
    InputError
        Other than two groups, an unknown method, a level outside (0, 1).

    Notes
    -----
    R: ``ratesci::scoreci(x1, n1, x2, n2, skew=FALSE)`` for Miettinen-Nurminen. Newcombe 1998, Statistics in Medicine
    17:873, methods 10 and 2; Miettinen and Nurminen 1985, Statistics in Medicine 4:213.

    Examples
    --------
    >>> hr = CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
    >>> effect = risk_difference(hr)
    >>> round(effect.estimate, 6), round(effect.ci_lower, 6), round(effect.ci_upper, 6)
    (0.176471, -0.118517, 0.437058)
    """
    _open_door("risk_difference", counts, method, ("newcombe", "miettinen-nurminen"), ci_level)
    (x1, x2), (n1, n2), (p1, p2) = counts.events, counts.totals, counts.rates
    if 0 in counts.totals:
        limits = UNDEFINED
    elif method == "newcombe":
        one, two = proportion_ci(x1, n1, ci_level=ci_level), proportion_ci(x2, n2, ci_level=ci_level)
        down, up = math.hypot(p1 - one.ci_lower, two.ci_upper - p2), math.hypot(one.ci_upper - p1, p2 - two.ci_lower)
        limits = (max(p1 - p2 - down, -1.0), min(p1 - p2 + up, 1.0))
    else:
        limits = miettinen_nurminen_limits(x1, n1, x2, n2, normal_quantile(ci_level))
    return _effect(counts, method, ci_level, p1 - p2, limits)


def risk_ratio(
    counts: CountTable,
    *,
    method: Literal["score", "log"] = "score",
    ci_level: float = 0.95,
) -> Effect:
    """Ratio of two rates, first over second, p1/p2.

    Parameters
    ----------
    counts
        Two groups. With an empty group the result is nan, reason ``no patients``.
    method
        ``score`` (Koopman): all θ with (p1 − θ p2)² ≤ z² (r1(1 − r1)/n1 + θ² r2(1 − r2)/n2), r the most likely rates
        with r1 = θ r2; ``log`` (Katz): exp(log RR ± z sqrt(1/x1 − 1/n1 + 1/x2 − 1/n2)), undefined at a zero cell.
    ci_level
        Between 0 and 1.

    Returns
    -------
    Effect
        With events in the first group only the ratio is ∞; with none in either it is nan, reason ``zero cell``, and
        the score limits are 0 and ∞.

    Raises
    ------
    InputError
        Other than two groups, an unknown method, a level outside (0, 1).

    Notes
    -----
    R: ``ratesci::scoreci(x1, n1, x2, n2, contrast="RR", skew=FALSE, bcf=FALSE)``. Koopman 1984, Biometrics 40:513;
    Katz et al. 1978, Biometrics 34:469.

    Examples
    --------
    >>> hr = CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
    >>> effect = risk_ratio(hr)
    >>> round(effect.estimate, 9), round(effect.ci_lower, 9), round(effect.ci_upper, 9)
    (2.0, 0.651035932, 6.522071695)
    """
    _open_door("risk_ratio", counts, method, ("score", "log"), ci_level)
    (x1, x2), (n1, n2) = counts.events, counts.totals
    if 0 in counts.totals:
        return _effect(counts, method, ci_level, math.nan, UNDEFINED)
    z = normal_quantile(ci_level)
    estimate = _ratio(x1 * n2, x2 * n1)
    if method == "score":
        return _effect(counts, method, ci_level, estimate, koopman_limits(x1, n1, x2, n2, z), _undefined(estimate))
    if 0 in (x1, x2):
        return _effect(counts, method, ci_level, estimate, UNDEFINED, "zero cell")
    return _effect(counts, method, ci_level, estimate, _exp_limits(estimate, 1 / x1 - 1 / n1 + 1 / x2 - 1 / n2, z))


def odds_ratio(
    counts: CountTable,
    *,
    method: Literal["conditional", "sample"] = "conditional",
    add: float = 0,
    ci_level: float = 0.95,
) -> Effect:
    """Ratio of two odds, first over second.

    Parameters
    ----------
    counts
        Two groups. With an empty group the result is nan, reason ``no patients``.
    method
        ``conditional``: the θ with E_θ[X] = x1 given all margins, with the central exact interval
        P_θ(X ≥ x1) = α/2 and P_θ(X ≤ x1) = α/2, as ``fisher.test`` prints; ``sample``: ad/bc with Woolf limits
        exp(log OR ± z sqrt(1/a + 1/b + 1/c + 1/d)), whose limits a zero cell leaves undefined.
    add
        Added to all four cells before the sample odds ratio; 0.5 is the usual correction. Nothing is added unasked,
        and what is added stands in ``method``.
    ci_level
        Between 0 and 1.

    Returns
    -------
    Effect
        0 or ∞ with one zero cell; nan with ``zero cell`` or, for the conditional one, with ``variance is zero`` when
        the margins leave one table only.

    Raises
    ------
    InputError
        Other than two groups, an unknown method, a level outside (0, 1), ``add`` below 0 or with ``conditional``.

    Notes
    -----
    R: ``fisher.test(matrix)$estimate`` and ``$conf.int``, which carry 3 to 4 digits; ours 9 or more. Cornfield 1956
    (exact limits); Woolf 1955, Annals of Human Genetics 19:251 (limits of the sample odds ratio).

    Examples
    --------
    >>> hr = CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
    >>> effect = odds_ratio(hr)
    >>> round(effect.estimate, 8), round(effect.ci_lower, 9), round(effect.ci_upper, 7)
    (2.47583507, 0.41231686, 18.8679079)
    >>> round(odds_ratio(hr, method="sample").estimate, 9)
    2.545454545
    """
    _open_door("odds_ratio", counts, method, ("conditional", "sample"), ci_level)
    if add < 0 or (add and method == "conditional"):
        refuse([f"add is {number_text(add)}; give a number ≥ 0, with method 'sample' only."])
    if 0 in counts.totals:
        return _effect(counts, method, ci_level, math.nan, UNDEFINED)
    if method == "conditional":
        margins, tail = Margins(n1=counts.totals[0], n2=counts.totals[1], k=sum(counts.events)), (1 - ci_level) / 2
        limits = margins.lower_limit(counts.events[0], tail), margins.upper_limit(counts.events[0], tail)
        reason = "variance is zero" if margins.low == margins.high else ""
        return _effect(counts, method, ci_level, margins.conditional_odds_ratio(counts.events[0]), limits, reason)
    (a, c), (b, d) = ((cell + add for cell in cells) for cells in (counts.events, counts.non_events))
    named = f"sample, {number_text(add)} added to each cell" if add else "sample"
    estimate = _ratio(a * d, b * c)
    if 0 in (a, b, c, d):
        return _effect(counts, named, ci_level, estimate, UNDEFINED, "zero cell")
    limits = _exp_limits(estimate, 1 / a + 1 / b + 1 / c + 1 / d, normal_quantile(ci_level))
    return _effect(counts, named, ci_level, estimate, limits)


def _ratio(above: float, below: float) -> float:
    """above / below, ∞ over zero, nan when both are zero."""
    return above / below if below else (math.inf if above else math.nan)


def _undefined(estimate: float) -> str:
    return "zero cell" if math.isnan(estimate) else ""
