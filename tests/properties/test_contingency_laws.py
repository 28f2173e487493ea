"""Laws of tables of counts that no example can show. Deterministic: the same cases in every run."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cohortstats.stats.chi_square import chi_square
from cohortstats.stats.counts import CountTable
from cohortstats.stats.exact import attainable_p, fisher_exact, fisher_exact_rxc
from cohortstats.stats.fisher_power import detectable_rate, fisher_power
from cohortstats.stats.mid_p import fisher_midp
from cohortstats.stats.multiplicity import adjust_p, tarone
from cohortstats.stats.unconditional import barnard, boschloo

LAW = settings(derandomize=True, deadline=None, max_examples=60, database=None)
SIDES = st.sampled_from(["minlike", "central"])


@st.composite
def tables(draw: st.DrawFn, most: int = 18) -> CountTable:
    totals = draw(st.tuples(st.integers(1, most), st.integers(1, most)))
    events = tuple(draw(st.integers(0, total)) for total in totals)
    return CountTable(groups=("first", "second"), events=events, totals=totals)


def groups_swapped(counts: CountTable) -> CountTable:
    return CountTable(groups=counts.groups[::-1], events=counts.events[::-1], totals=counts.totals[::-1])


def events_swapped(counts: CountTable) -> CountTable:
    return CountTable(groups=counts.groups, events=counts.non_events, totals=counts.totals)


def transposed(counts: CountTable) -> CountTable:
    totals = (sum(counts.events), sum(counts.non_events))
    return CountTable(groups=("events", "others"), events=(counts.events[0], counts.non_events[0]), totals=totals)


@LAW
@given(tables(), SIDES)
def test_mid_p_is_the_same_from_every_side(counts: CountTable, two_sided: Any) -> None:  # law 18
    p = fisher_midp(counts, two_sided=two_sided).p_exact
    for other in (groups_swapped(counts), events_swapped(counts), transposed(counts)):
        assert fisher_midp(other, two_sided=two_sided).p_exact == p


@LAW
@given(tables())
def test_attainable_p_is_the_same_from_every_side(counts: CountTable) -> None:  # law 18
    every = attainable_p(counts)
    assert every == attainable_p(groups_swapped(counts)) == attainable_p(events_swapped(counts))
    found = fisher_exact(counts)
    assert every[0] == found.min_attainable_exact
    assert every[-1] == 1
    assert found.p_exact in every


@LAW
@given(tables(), SIDES, st.sampled_from([boschloo, barnard]))
def test_unconditional_tests_are_the_same_from_either_side(counts: CountTable, two_sided: Any, test: Any) -> None:
    found = test(counts, two_sided=two_sided)
    for other in (groups_swapped(counts), events_swapped(counts)):  # law 18, of the supremum
        twin = test(other, two_sided=two_sided)
        assert twin.p_value == pytest.approx(found.p_value, rel=1e-12)
        assert twin.min_attainable_p == pytest.approx(found.min_attainable_p, rel=1e-12)


@LAW
@given(tables(), st.sampled_from(["none", "yates", "n-1"]))
def test_chi_square_is_the_same_from_every_side(counts: CountTable, correction: Any) -> None:
    found = chi_square(counts, correction=correction)
    for other in (groups_swapped(counts), events_swapped(counts), transposed(counts)):
        twin = chi_square(other, correction=correction)
        assert twin.reason == found.reason
        assert twin.statistic == found.statistic or math.isnan(found.statistic)
    if not found.reason and correction != "none":
        assert found.statistic <= chi_square(counts).statistic


@LAW
@given(tables())
def test_mid_p_interval_inverts(counts: CountTable) -> None:  # law 19
    one, two = fisher_midp(counts), fisher_midp(groups_swapped(counts))
    for ours, theirs in ((one.ci_lower, two.ci_upper), (one.ci_upper, two.ci_lower)):
        np.testing.assert_allclose(ours, math.inf if theirs == 0 else 1 / theirs, rtol=1e-9)
    wide = fisher_exact(counts)
    assert wide.ci_lower * (1 - 1e-12) <= one.ci_lower <= one.ci_upper <= wide.ci_upper * (1 + 1e-12)


@LAW
@given(tables(), SIDES)
def test_mid_p_and_boschloo_are_at_most_fisher(counts: CountTable, two_sided: Any) -> None:  # law 20
    found = fisher_exact(counts)
    assert found.p_exact is not None
    mid = fisher_midp(counts)
    assert mid.p_exact is not None
    assert mid.min_attainable_exact is not None
    assert mid.min_attainable_exact <= mid.p_exact <= found.p_exact
    assert boschloo(counts).p_value <= found.p_value * (1 + 1e-12)
    # One side at a time the same holds of the doubled one-sided tests.
    sides = [fisher_exact(counts, alternative=side).p_value for side in ("less", "greater")]  # type: ignore[arg-type]
    assert boschloo(counts, two_sided="central").p_value <= min(1, 2 * min(sides)) * (1 + 1e-12)
    for test in (boschloo, barnard):
        one = test(counts, two_sided=two_sided)
        assert one.min_attainable_p <= one.p_value * (1 + 1e-12)
        assert 0 < one.p_value <= 1


@LAW
@given(tables(), st.sampled_from([Fraction(1, 20), Fraction(1, 10), Fraction(1, 3)]))
def test_mid_p_interval_excludes_one_as_its_test_does(counts: CountTable, alpha: Fraction) -> None:  # law 21
    central = fisher_midp(counts, two_sided="central", ci_level=float(1 - alpha))
    assume(central.p_exact != alpha)
    assert central.p_exact is not None
    assert (central.ci_lower > 1 or central.ci_upper < 1) == (central.p_exact < alpha)


@LAW
@given(st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=2, max_size=3), st.integers(0, 9))
def test_monte_carlo_p_is_a_rational_near_the_exact_one(matrix: list[list[int]], seed: int) -> None:  # law 24
    assume(any(map(any, matrix)))
    exact = fisher_exact_rxc(matrix)
    sampled = fisher_exact_rxc(matrix, method="monte-carlo", draws=999, seed=seed)
    assert 0 < sampled.p_exact <= 1
    assert (sampled.p_exact * 1_000).denominator == 1
    assert abs(sampled.p_value - exact.p_value) < 0.08  # five standard errors at the most


FAMILIES = st.lists(st.floats(0, 1), min_size=1, max_size=30)
METHODS = ["bonferroni", "holm", "hochberg", "hommel", "BH", "BY"]


@LAW
@given(FAMILIES, st.randoms(use_true_random=False))
def test_adjusted_p(p: list[float], random: Any) -> None:  # law 25
    found = {method: adjust_p(p, method=method) for method in METHODS}  # type: ignore[arg-type]
    order = random.sample(range(len(p)), len(p))
    slack = 1e-12
    for method, adjusted in found.items():
        assert (adjusted >= np.array(p) * (1 - slack)).all()
        assert (adjusted <= 1).all()
        assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= -slack).all()
        np.testing.assert_array_equal(adjust_p([p[i] for i in order], method=method), adjusted[order])  # type: ignore[arg-type]
    for less, more in (
        ("hommel", "hochberg"),
        ("hochberg", "holm"),
        ("holm", "bonferroni"),
        ("BH", "BY"),
        ("BH", "hommel"),
    ):
        assert (found[less] <= found[more] * (1 + slack)).all()


@LAW
@given(st.lists(tables(), min_size=1, max_size=8))
def test_discrete_families(family: list[CountTable]) -> None:  # law 25
    tests = [fisher_exact(counts) for counts in family]
    p = [Fraction(test.p_exact or 0) for test in tests]
    every = [attainable_p(counts) for counts in family]
    adjusted = adjust_p(p, method="discrete-bonferroni", attainable=every)
    assert (adjusted >= np.array([float(value) for value in p])).all()
    assert (adjusted <= adjust_p(p, method="bonferroni") * (1 + 1e-12)).all()
    assert (np.diff(adjusted[np.argsort([float(value) for value in p], kind="stable")]) >= 0).all()
    found = tarone(p, min_attainable=[values[0] for values in every])
    assert 1 <= found.k <= len(family)
    assert sum(found.tested) <= found.k
    for test, rejected in zip(tests, found.rejected, strict=True):
        assert test.significant(0.05) or not rejected
    bonferroni = [value < Fraction(1, 20) / len(p) for value in p]
    assert all(ours or not theirs for ours, theirs in zip(found.rejected, bonferroni, strict=True))


@LAW
@given(st.tuples(st.integers(1, 20), st.integers(1, 20)), st.floats(0, 1), st.sampled_from([0.01, 0.05, 0.2]))
def test_power_at_equal_rates_is_at_most_alpha(totals: tuple[int, int], rate: float, alpha: float) -> None:  # law 28
    size = fisher_power((rate, rate), totals, alpha=alpha)
    assert 0 <= size <= alpha
    # Swapping groups, or events with others, is the same experiment.
    assert fisher_power((rate, rate), totals[::-1], alpha=alpha) == pytest.approx(size, abs=1e-14)
    assert fisher_power((1 - rate, 1 - rate), totals, alpha=alpha) == pytest.approx(size, abs=1e-12)


@LAW
@given(st.tuples(st.integers(1, 20), st.integers(1, 20)), st.floats(0, 1), st.sampled_from([0.5, 0.8]))
def test_detectable_rate_is_the_first_with_enough_power(totals: tuple[int, int], rate: float, power: float) -> None:
    found = detectable_rate(rate, totals, power=power)
    if found.reason:
        assert math.isnan(found)
        assert found.power == fisher_power((rate, 1), totals)
        assert found.power < power or rate == 1
    else:
        assert rate < found <= 1
        assert found.power >= power
        assert fisher_power((rate, rate + (found - rate) * 0.999), totals) < power
