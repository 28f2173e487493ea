"""Tables small enough for pencil and paper; the algebra stands in each docstring, in fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from cohortstats.stats.chi_square import chi_square
from cohortstats.stats.counts import CountTable
from cohortstats.stats.exact import attainable_p, fisher_exact, fisher_exact_rxc
from cohortstats.stats.fisher_power import fisher_power
from cohortstats.stats.mid_p import fisher_midp
from cohortstats.stats.multiplicity import adjust_p, tarone
from cohortstats.stats.unconditional import barnard, boschloo

EXACT = {"rel": 1e-14}


def two(x1: int, n1: int, x2: int, n2: int) -> CountTable:
    return CountTable(groups=("mutant", "wild-type"), events=(x1, x2), totals=(n1, n2))


def test_pik3ca() -> None:
    """2 of 2 against 2 of 14.

    Given 4 events in 16 patients the mutant group has x of them in w(x) = C(2, x) C(14, 4 − x) ways: 1001, 728, 91 of
    C(16, 4) = 1820. P(2) = 91/1820 = 1/20 is the rarest table and the observed one: p = 1/20, not below 0.05, and no
    table could have gone lower. P(1) = 2/5 comes next: 9/20. Mid-p: half of 1/20; twice the smaller half-tail is 1/20.
    Odds ratio: x = 2 is the top of the support, so ∞. Lower central limit: P_θ(2) = 91 θ²/(1001 + 728 θ + 91 θ²) =
    θ²/(11 + 8 θ + θ²) = 1/40: 39 θ² − 8 θ − 11 = 0, θ = (8 + sqrt(1780))/78. The mid-p limit has half of P_θ(2) at
    1/40, P_θ(2) = 1/20: 19 θ² − 8 θ − 11 = 0, θ = 1.
    """
    counts = two(2, 2, 2, 14)
    found, mid = fisher_exact(counts), fisher_midp(counts)
    assert (found.p_exact, found.min_attainable_exact, found.significant(0.05)) == (
        Fraction(1, 20),
        Fraction(1, 20),
        False,
    )
    assert attainable_p(counts) == (Fraction(1, 20), Fraction(9, 20), Fraction(1))
    assert (mid.p_exact, fisher_midp(counts, two_sided="central").p_exact) == (Fraction(1, 40), Fraction(1, 20))
    assert (found.odds_ratio, found.ci_upper) == (math.inf, math.inf)
    assert found.ci_lower == pytest.approx((8 + math.sqrt(1780)) / 78, **EXACT)
    assert mid.ci_lower == pytest.approx(1, **EXACT)


def test_one_patient_against_one() -> None:
    """1 of 1 against 0 of 1.

    Fisher: one event in two patients, either may have it: p = 1. Boschloo orders by that p, and every table has p = 1:
    P = 1. Barnard: z² is 2 here and in 0/1 v 1/1, and 0 in the two others: P(π) = 2 π (1 − π), at most 1/2 at π = 1/2.
    Central: one of the two, π (1 − π), at most 1/4, twice that.
    """
    counts = two(1, 1, 0, 1)
    assert fisher_exact(counts).p_exact == boschloo(counts).p_value == 1
    for two_sided in ("minlike", "central"):
        found = barnard(counts, two_sided=two_sided)  # type: ignore[arg-type]
        assert (found.p_value, found.nuisance) == (0.5, 0.5)
    assert barnard(counts).statistic == pytest.approx(math.sqrt(2), **EXACT)


def test_two_patients_against_two() -> None:
    """2 of 2 against 0 of 2.

    Fisher: w = 1, 4, 1 of C(4, 2) = 6: p = 1/3, and no other table of two and two has p below 1: with one or three
    events both tables are equally likely. Boschloo: P(π) = 2 π² (1 − π)², largest at 1/2: 1/8. Barnard orders it first as
    well (z² = 4): 1/8. Pearson: X² = 4 (2 · 2 − 0)²/(2 · 2 · 2 · 2) = 4; N − 1: 3; Yates: 4 (4 − 2)²/16 = 1.
    """
    counts = two(2, 2, 0, 2)
    assert fisher_exact(counts).p_exact == Fraction(1, 3)
    for test in (boschloo, barnard):
        found = test(counts)
        assert (found.p_value, found.nuisance) == pytest.approx((1 / 8, 1 / 2), **EXACT)
        assert found.min_attainable_p == found.p_value
    statistics = [chi_square(counts, correction=c).statistic for c in ("none", "n-1", "yates")]  # type: ignore[arg-type]
    assert statistics == [4, 3, 1]


def test_tied_weights() -> None:
    """1 of 7 against 1 of 3: k = 2, w(0) = C(3, 2) = 3, w(1) = 7 · 3 = 21, w(2) = C(7, 2) = 21 of C(10, 2) = 45.

    x = 1 and x = 2 are tied: p = 45/45 for both. x = 0: 3/45 = 1/15. Mid-p at x = 1: 3/45 + half of 42/45 = 24/45; with
    only the observed table halved it would be 34.5/45. Central at x = 1: below 3 + 10.5, above 21 + 10.5, twice the
    smaller: 27/45 = 3/5.
    """
    assert fisher_exact(two(1, 7, 1, 3)).p_exact == fisher_exact(two(2, 7, 0, 3)).p_exact == 1
    assert fisher_exact(two(0, 7, 2, 3)).p_exact == Fraction(1, 15)
    assert fisher_midp(two(1, 7, 1, 3)).p_exact == Fraction(24, 45)
    assert fisher_midp(two(1, 7, 1, 3), two_sided="central").p_exact == Fraction(3, 5)


def test_diagonal() -> None:
    """[[3, 0, 0], [0, 3, 0], [0, 0, 3]]: P ∝ 1/Π x_ij!; nobody else has three cells of 3 but its row permutations.

    Ways to deal 9 patients into three columns of 3: 9!/(3! 3! 3!) = 1680. The diagonal table is one way, and so is each
    of its 3! arrangements: p = 6/1680 = 1/280.
    """
    assert fisher_exact_rxc([[3, 0, 0], [0, 3, 0], [0, 0, 3]]).p_exact == Fraction(1, 280)


def test_power_of_three_against_three() -> None:
    """Groups of 3 and 3. The lowest p is that of 3/3 v 0/3: 2/C(6, 3) = 1/10. At α = 0.05 nothing is ever rejected.

    At α = 0.2 only the two tables fully apart are (3/3 v 1/3 has p = 2 · 3/15 = 2/5): power at rates 9/10 and 1/10 is
    (9/10)^3 (9/10)^3 + (1/10)^3 (1/10)^3 = 531441/10^6 + 1/10^6. At α = 0.1 none is: 1/10 is not below 0.1.
    """
    assert fisher_power((0.9, 0.1), (3, 3)) == 0
    assert fisher_power((0.9, 0.1), (3, 3), alpha=0.2) == pytest.approx(0.531442, **EXACT)
    assert fisher_power((0.9, 0.1), (3, 3), alpha=0.1) == 0


def test_discrete_families() -> None:
    """p = 1/20 beside a test that can have 1/30, 1/15 and 1, and one that can have 1 only.

    Bonferroni counts three tests: 3/20. The first gives 1/20, the second at most 1/30, the third nothing: 1/12.
    Tarone at 0.05: at k = 1 two tests can reach 1/20, which is more than 1; at k = 2 one can reach 1/40, or none: 1/30
    is above 1/40. So K = 2 and no test is made.
    """
    family = [[Fraction(1, 20), Fraction(1)], [Fraction(1, 30), Fraction(1, 15), Fraction(1)], [Fraction(1)]]
    p = [Fraction(1, 20), Fraction(1, 15), Fraction(1)]
    assert adjust_p(p, method="bonferroni").tolist()[0] == pytest.approx(3 / 20, **EXACT)
    adjusted = adjust_p(p, method="discrete-bonferroni", attainable=family).tolist()
    assert adjusted == [float(Fraction(1, 12)), float(Fraction(1, 20) + Fraction(1, 15)), 1]
    found = tarone(p, min_attainable=[every[0] for every in family])
    assert (found.k, found.tested) == (2, (False, False, False))
