"""Fisher's test with the mid-p: half of the probability of the observed table is counted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np

from cohortstats.stats.counts import CountTable, Limits, check_two_groups
from cohortstats.stats.doors import check_choice, check_fraction, refuse
from cohortstats.stats.exact import INTEGERS_UP_TO, is_significant, no_likelier, rarest_end, tied, total_of
from cohortstats.stats.hypergeometric import Margins
from cohortstats.stats.results import RichResult, as_row

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FisherMidP", "fisher_midp"]

TwoSided = Literal["minlike", "central"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FisherMidP(RichResult):
    """Result of `fisher_midp`.

    ``p_exact`` and ``min_attainable_exact`` are None above 10,000 patients; both are of the mid-p itself. The interval
    is the central mid-p one under either choice of ``two_sided``, so it may disagree with a minlike P.
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
    method: str
    reason: str
    counts: CountTable

    def significant(self, alpha: float = 0.05) -> bool:
        """p < alpha, decided on rationals."""
        return is_significant(self.p_exact, self.p_value, alpha)

    def to_frame(self) -> pd.DataFrame:
        """One row: odds_ratio, ci_lower, ci_upper, ci_level, ci_method, p_value, min_attainable_p, method, reason."""
        effect = ("odds_ratio", "ci_lower", "ci_upper", "ci_level", "ci_method")
        return as_row(self, (*effect, "p_value", "min_attainable_p", "method", "reason"))


def fisher_midp(counts: CountTable, *, two_sided: TwoSided = "minlike", ci_level: float = 0.95) -> FisherMidP:
    """Fisher's test of two groups with the mid-p, which is less conservative and no longer exact in level.

    Parameters
    ----------
    counts
        Two groups; the odds ratio is that of the first over the second.
    two_sided
        ``minlike``: P(w < w(x1)) + ½ P(w = w(x1)), all tables tied with the observed one halved, so never above the P
        of `fisher_exact`; ``central``: twice the smaller of P(X < x1) + ½ P(x1) and P(X > x1) + ½ P(x1).
    ci_level
        Between 0 and 1.

    Returns
    -------
    FisherMidP
        Interval: P_θ(X > x1) + ½ P_θ(x1) = α/2 and P_θ(X < x1) + ½ P_θ(x1) = α/2, 0 and ∞ at the ends of the support.
        When the margins leave one table only, p is 1, odds ratio nan with ``variance is zero``, limits 0 and ∞.

    Raises
    ------
    InputError
        Other than two groups, an unknown choice, a level outside (0, 1).

    Notes
    -----
    R: ``exact2x2::exact2x2(matrix, tsmethod="minlike", midp=TRUE)``, whose limits carry 3 to 4 digits. Lancaster 1961,
    Journal of the American Statistical Association 56:223; Hirji, Tan and Elashoff 1991, Statistics in Medicine
    10:1137.

    Examples
    --------
    >>> hr = fisher_midp(CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17)))
    >>> hr.p_exact, float(f"{hr.ci_lower:.10f}"), float(f"{hr.ci_upper:.8f}")
    (Fraction(2749, 9889), 0.4978523113, 14.59028079)
    """
    problems = check_two_groups("fisher_midp", counts, instead="fisher_exact_rxc")
    problems += check_choice("two_sided", two_sided, ("minlike", "central"))
    refuse(problems + check_fraction("ci_level", ci_level, "0.95"))
    (n1, n2), x = counts.totals, counts.events[0]
    margins = Margins(n1=n1, n2=n2, k=sum(counts.events))
    single = margins.low == margins.high
    one = Fraction(1)
    mid_p = _integer_mid_p if n1 + n2 <= INTEGERS_UP_TO else _relative_mid_p
    p_value, attainable = (one, one) if single else mid_p(margins, x, two_sided)
    lower, upper = _limits(margins, x, (1 - ci_level) / 2)
    return FisherMidP(
        p_value=float(p_value),
        p_exact=p_value if isinstance(p_value, Fraction) else None,
        odds_ratio=margins.conditional_odds_ratio(x),
        ci_lower=lower,
        ci_upper=upper,
        ci_level=ci_level,
        ci_method="central mid-p",
        min_attainable_p=float(attainable),
        min_attainable_exact=attainable if isinstance(attainable, Fraction) else None,
        method=f"fisher mid-p {two_sided}",
        reason="variance is zero" if single else "",
        counts=counts,
    )


def _limits(margins: Margins, x: int, tail: float) -> Limits:
    # At an end of the support the halved table alone would give a limit on the wrong side: there is none.
    return margins.lower_limit(x, tail, share=0.5), margins.upper_limit(x, tail, share=0.5)


def _integer_mid_p(margins: Margins, x: int, two_sided: TwoSided) -> tuple[Fraction, Fraction]:
    """Mid-p and the smallest attainable one, in twice the integer weights."""
    weights, at = margins.integer_weights(), x - margins.low
    total = math.comb(margins.n1 + margins.n2, margins.k)
    observed, rarest = weights[at], min(weights)
    if two_sided == "minlike":
        doubled = sum((2 if weight < observed else 1) * weight for weight in weights if weight <= observed)
        return Fraction(doubled, 2 * total), Fraction(rarest * weights.count(rarest), 2 * total)
    below = 2 * sum(weights[:at]) + observed
    return Fraction(min(below, 2 * total - below), total), Fraction(rarest, total)


def _relative_mid_p(margins: Margins, x: int, two_sided: TwoSided) -> tuple[float, float]:
    """The same from weights relative to the largest, summed smallest first."""
    weights, at = margins.relative_weights(), x - margins.low
    total, rarest = total_of(weights), rarest_end(margins)
    if two_sided == "central":
        below, above = total_of(weights[:at]), total_of(weights[at + 1 :])
        p_value = (2 * min(below, above) + float(weights[at])) / total
        return min(p_value, 1.0), float(weights[rarest - margins.low]) / total

    def halved(table: int) -> float:
        """P(w < w(table)) + ½ P(w = w(table))."""
        share = np.where(tied(margins, weights, table), 0.5, 1.0)
        return total_of((share * weights)[no_likelier(margins, weights, table)]) / total

    return halved(x), halved(rarest)
