"""Unconditional exact tests of two groups: only the group sizes are fixed, and P is the worst over the common rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cohortstats.stats.counts import CountTable, check_two_groups
from cohortstats.stats.doors import check_choice, refuse
from cohortstats.stats.exact import is_significant
from cohortstats.stats.results import RichResult, as_row
from cohortstats.stats.two_binomials import Tail, TwoBinomials, check_tables, supremum

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["UnconditionalTest", "barnard", "boschloo"]

TwoSided = Literal["minlike", "central"]
SIDES = ("minlike", "central")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class UnconditionalTest(RichResult):
    """Result of `boschloo` and `barnard`.

    ``statistic`` is what tables are ordered by: Fisher's P value for Boschloo, the pooled z for Barnard. ``nuisance``
    is the smallest common rate at which P is reached. ``min_attainable_p`` is that of the two groups fully apart.
    """

    p_value: float
    statistic: float
    nuisance: float
    min_attainable_p: float
    method: str
    reason: str
    counts: CountTable

    def significant(self, alpha: float = 0.05) -> bool:
        """p < alpha."""
        return is_significant(None, self.p_value, alpha)

    def to_frame(self) -> pd.DataFrame:
        """One row: statistic, nuisance, p_value, min_attainable_p, method, reason."""
        return as_row(self, ("statistic", "nuisance", "p_value", "min_attainable_p", "method", "reason"))


Answer = tuple[float, float, float]  # P, nuisance rate, statistic
OneTail = Callable[[TwoBinomials, int, int, Tail], Answer]


def boschloo(counts: CountTable, *, two_sided: TwoSided = "minlike") -> UnconditionalTest:
    """Boschloo's exact unconditional test of two groups: Fisher's P value as the statistic.

    Parameters
    ----------
    counts
        Two groups.
    two_sided
        ``minlike``: tables ordered by Fisher's two-sided P, so the result is never above that of `fisher_exact`;
        ``central``: twice the smaller of the two one-sided results, at most 1.

    Returns
    -------
    UnconditionalTest
        P = sup over π of P_π(tables of these group sizes with a Fisher P at most the observed one). Fisher's P values
        are compared as rationals. With one possible table given the margins P is 1, reason ``variance is zero``.

    Raises
    ------
    InputError
        Other than two groups, an unknown choice, more than a million tables.

    Notes
    -----
    The supremum is searched on a grid of 2,000 rates or more, dense near 0 and 1, and refined by bisection of the
    slope. R: ``exact2x2::boschloo(x1, n1, x2, n2, tsmethod="minlike")``, whose grid of rates costs it digits.
    Boschloo 1970, Statistica Neerlandica 24:1.

    Examples
    --------
    >>> counts = CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
    >>> float(f"{boschloo(counts).p_value:.12f}")
    0.277035973714
    """
    return _test("boschloo", "boschloo", counts, two_sided, _boschloo_tail)


def barnard(counts: CountTable, *, two_sided: TwoSided = "minlike") -> UnconditionalTest:
    """Barnard's exact unconditional test of two groups, with the pooled z as the statistic.

    Parameters
    ----------
    counts
        Two groups.
    two_sided
        ``minlike``: tables ordered by z²; ``central``: twice the smaller of the two one-sided results, at most 1.

    Returns
    -------
    UnconditionalTest
        P = sup over π of P_π(tables of these group sizes with z² at least the observed one), z² proportional to
        (x1 n2 − x2 n1)² / (k (N − k)), 0 when nobody or everybody has the event. Compared as integers.

    Raises
    ------
    InputError
        Other than two groups, an unknown choice, more than a million tables.

    Notes
    -----
    R: ``exact2x2::uncondExact2x2(x1, n1, x2, n2, method="score")``. scipy's ``barnard_exact`` takes columns as groups,
    loses tables whose z is tied with the observed one, and may stop below the supremum. Barnard 1947, Biometrika
    34:123; pooled z: Suissa and Shuster 1985, Journal of the Royal Statistical Society A 148:317.

    Examples
    --------
    >>> counts = CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
    >>> float(f"{barnard(counts).p_value:.12f}")
    0.279560427239
    """
    return _test("barnard", "barnard pooled z", counts, two_sided, _barnard_tail)


def _boschloo_tail(tables: TwoBinomials, x1: int, x2: int, tail: Tail) -> Answer:
    bound = tables.fisher_p(x1, x2, tail)
    return *supremum(tables.by_events(tables.fisher_region(bound, tail))), float(bound)


def _barnard_tail(tables: TwoBinomials, x1: int, x2: int, tail: Tail) -> Answer:
    z = _pooled_z(tables.n1, tables.n2, x1, x2)
    return *supremum(tables.by_events(tables.pooled_z_region(x1, x2, tail))), z


def _pooled_z(n1: int, n2: int, x1: int, x2: int) -> float:
    spread = n1 * n2 * (x1 + x2) * (n1 + n2 - x1 - x2)
    return (x1 * n2 - x2 * n1) * math.sqrt((n1 + n2) / spread) if spread else 0.0


def _test(name: str, method: str, counts: CountTable, two_sided: TwoSided, one_tail: OneTail) -> UnconditionalTest:
    problems = check_two_groups(name, counts, instead="fisher_exact_rxc")
    problems += check_choice("two_sided", two_sided, SIDES)
    if len(counts.groups) == 2:
        problems += check_tables(name, _pair(counts.totals), instead="fisher_midp or chi2-n1")
    refuse(problems)
    (n1, n2), (x1, x2) = counts.totals, counts.events
    single = 0 in (n1, n2, x1 + x2, n1 + n2 - x1 - x2)
    tables = None if 0 in (n1, n2) else TwoBinomials.of(n1, n2)
    p, nuisance, statistic = (
        (1.0, math.nan, _at_rest(name))
        if single or tables is None
        else (_two_tails(tables, x1, x2, two_sided, one_tail))
    )
    # The groups fully apart are the most extreme table of either order.
    attainable = 1.0 if tables is None else _two_tails(tables, n1, 0, two_sided, one_tail)[0]
    return UnconditionalTest(
        p_value=p,
        statistic=statistic,
        nuisance=nuisance,
        min_attainable_p=attainable,
        method=f"{method} two-sided {two_sided}",
        reason="variance is zero" if single else "",
        counts=counts,
    )


def _at_rest(name: str) -> float:
    return 1.0 if name == "boschloo" else 0.0


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    return values[0], values[1]


def _two_tails(tables: TwoBinomials, x1: int, x2: int, two_sided: TwoSided, one_tail: OneTail) -> Answer:
    if two_sided == "minlike":
        return one_tail(tables, x1, x2, "two-sided")
    sides: tuple[Any, ...] = ("less", "greater")
    p, nuisance, statistic = min((one_tail(tables, x1, x2, side) for side in sides), key=lambda answer: answer[0])
    return min(1.0, 2 * p), nuisance, statistic
