"""The test of one row of Table 4, as the study file names it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from cohortstats.errors import InputError
from cohortstats.stats.chi_square import chi_square
from cohortstats.stats.counts import CountTable
from cohortstats.stats.exact import fisher_exact, fisher_exact_rxc
from cohortstats.stats.mid_p import fisher_midp
from cohortstats.stats.unconditional import barnard, boschloo
from cohortstats.tables.numbers import Number, exact

__all__ = ["LevelTest", "compare_levels", "least_expected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelTest:
    """P of one comparison, a rational where the test is exact, and the least P that its margins allow."""

    p: Number
    attainable: Number | None
    method: str
    reason: str

    @property
    def defined(self) -> bool:
        return not (isinstance(self.p, float) and math.isnan(self.p))

    def significant(self, alpha: float) -> bool:
        """p < alpha, decided on rationals: 1/20 is not below 0.05."""
        return self.defined and exact(self.p) < Fraction(str(alpha))


def compare_levels(counts: CountTable, test: str) -> LevelTest:
    """The test of the study file for two levels; Freeman and Halton's exact test for more."""
    if len(counts.groups) != 2:
        return _many_levels(counts)
    if test == "chi2-n1":
        chi2 = chi_square(counts, correction="n-1")
        return LevelTest(p=chi2.p_value, attainable=None, method=chi2.method, reason=chi2.reason)
    if test in ("fisher", "fisher-midp"):
        found = fisher_exact(counts) if test == "fisher" else fisher_midp(counts)
        least = found.min_attainable_exact
        return LevelTest(
            p=found.p_value if found.p_exact is None else found.p_exact,
            attainable=found.min_attainable_p if least is None else least,
            method=found.method,
            reason=found.reason,
        )
    try:
        supremum = boschloo(counts) if test == "boschloo" else barnard(counts)
    except InputError as refusal:  # one table too large for the test must not cost the report
        return LevelTest(p=math.nan, attainable=None, method=test, reason=refusal.problems[0])
    return LevelTest(p=supremum.p_value, attainable=None, method=supremum.method, reason=supremum.reason)


def _many_levels(counts: CountTable) -> LevelTest:
    method = "freeman-halton exact"
    if not sum(counts.totals):
        return LevelTest(p=math.nan, attainable=None, method=method, reason="no patients")
    try:
        found = fisher_exact_rxc([[e, t - e] for e, t in zip(counts.events, counts.totals, strict=True)])
    except InputError as refusal:
        return LevelTest(p=math.nan, attainable=None, method=method, reason=refusal.problems[0])
    assert found.p_exact is not None  # it was not resampled
    return LevelTest(p=found.p_exact, attainable=None, method=found.method, reason=found.reason)


def least_expected(counts: CountTable) -> float:
    """Smallest expected count of the table under independence."""
    patients, events = sum(counts.totals), sum(counts.events)
    if not patients:
        return 0.0
    return min(counts.totals) * min(events, patients - events) / patients
