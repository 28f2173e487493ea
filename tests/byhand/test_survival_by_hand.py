"""Cohorts small enough for pencil and paper; the algebra stands in each docstring, in fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from cohortstats.stats.events import EventTable
from cohortstats.stats.follow_up import follow_up
from cohortstats.stats.kaplan_meier import KaplanMeier, kaplan_meier
from cohortstats.stats.log_rank import log_rank_test
from cohortstats.stats.restricted_mean import rmst, rmst_difference, survival_difference

EXACT = {"rel": 1e-14}


def survival(km: KaplanMeier) -> list[Fraction]:
    """Survival as the nearest fraction with a small denominator, which the tests pin exactly."""
    return [Fraction(value).limit_denominator(1000) for value in km.survival]


def fractions(text: str) -> list[Fraction]:
    return [Fraction(part) for part in text.split()]


def test_cohort_a() -> None:
    """20, 36, 42, 42, 56, 57, 70+, 112, 180, 240+, 310.

    At risk 11, 10, 9, 7, 6, 5, 4, 3, 2, 1. S: 10/11; · 9/10 = 9/11; · 7/9 = 7/11; · 6/7 = 6/11; · 5/6 = 5/11; censored;
    · 3/4 = 15/44; · 2/3 = 5/22; censored; · 0/1 = 0.
    G without censoring before t telescopes to 1/(n S) − 1/n: at 42 it is 1/7 − 1/11 = 4/77, so the standard error is
    7/11 · sqrt(4/77). At 112 a term 1/(4 · 3) is added to 1/5 − 1/11 = 6/55.
    The first S below 1/2 is 5/11 at 57: the median. Both quartiles: first S ≤ 3/4 at 42 (7/11), first ≤ 1/4 at 180.
    """
    km = kaplan_meier(
        EventTable.from_arrays([20, 36, 42, 42, 56, 57, 70, 112, 180, 240, 310], [1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1])
    )
    assert km.n_at_risk.tolist() == [11, 10, 9, 7, 6, 5, 4, 3, 2, 1]
    assert survival(km) == fractions("10/11 9/11 7/11 6/11 5/11 5/11 15/44 5/22 5/22 0")
    assert km.std_error[2] == pytest.approx(7 / 11 * math.sqrt(4 / 77), **EXACT)
    assert km.std_error[6] == pytest.approx(15 / 44 * math.sqrt(6 / 55 + 1 / 12), **EXACT)
    assert math.isnan(km.std_error[9])
    assert km.quantile([0.25, 0.5, 0.75])["estimate"].tolist() == [42, 57, 180]


@pytest.mark.parametrize(("times", "median"), [([36, 50, 63, 70], 56.5), ([10, 20, 30, 40], 25)])
def test_cohorts_b_and_c(times: list[int], median: float) -> None:
    """B: 36, 50, 63, 70; C: 10, 20, 30, 40.

    S = 3/4, 1/2, 1/4, 0. S is 1/2 from the second time to the third: the median is their midpoint, (50 + 63)/2 = 56.5
    and (20 + 30)/2 = 25. So is every quartile: S = 3/4 from the first to the second.
    """
    km = kaplan_meier(EventTable.from_arrays(times, [1] * 4))
    assert survival(km) == fractions("3/4 1/2 1/4 0")
    assert km.quantile()["estimate"].tolist() == [median]
    # Greenwood telescopes to (1 − S)/(n S): standard error sqrt(S(1 − S)/n).
    assert km.std_error[:3] == pytest.approx([math.sqrt(s * (1 - s) / 4) for s in (0.75, 0.5, 0.25)], **EXACT)


def test_cohort_d() -> None:
    """1, 2, 3+, 4+. S = 3/4, 1/2, 1/2, 1/2: no drop ends the flat piece. First time at 1/2: 2; its middle: (2 + 4)/2."""
    km = kaplan_meier(EventTable.from_arrays([1, 2, 3, 4], [1, 1, 0, 0]))
    assert survival(km) == fractions("3/4 1/2 1/2 1/2")
    assert km.quantile()["estimate"].tolist() == [2]
    assert km.quantile(rule="quantile")["estimate"].tolist() == [3]


def test_cohort_e() -> None:
    """3+, 5+, 7+. No event: S = 1 throughout, no median under either rule."""
    km = kaplan_meier(EventTable.from_arrays([3, 5, 7], [0, 0, 0]))
    assert survival(km) == fractions("1 1 1")
    assert km.std_error.tolist() == [0, 0, 0]
    assert np.isnan(km.quantile()["estimate"]).all()


def test_cohort_p() -> None:
    """Group 0: 36, 50, 63, 70. Group 1: 42, 63+, 70, 120+, 150, 180+.

    Events, with n0 of n at risk: 36: 4/10; 42: 3/9; 50: 3/8; 63: 2/7; 70: 1/5, two events; 150: 0/2.
    E0 = 4/10 + 3/9 + 3/8 + 2/7 + 2/5 + 0 = 1507/840 (1.794...), O0 = 4.
    V = 4/10·6/10 + 3/9·6/9 + 3/8·5/8 + 2/7·5/7 + 2·3/4·(1/5)(4/5).
    ρ = 1 weighs by the pooled S just before: 1, 9/10, 8/10, 7/10, 3/5, 9/25 · ... : S falls 9/10, 8/10, 7/10, 6/10 and,
    one of seven censored at 63 after the event, 6/10 · 3/5 = 9/25. O0 = 1 + .8 + .7 + .6 = 3.1; O1 = .9 + .6 + .36 = 1.86.
    """
    time, event = [36, 50, 63, 70, 42, 63, 70, 120, 150, 180], [1, 1, 1, 1, 1, 0, 1, 0, 1, 0]
    table = EventTable.from_arrays(time, event, group=[0] * 4 + [1] * 6)
    f = Fraction
    expected = f(4, 10) + f(3, 9) + f(3, 8) + f(2, 7) + f(2, 5)
    variance = f(4, 10) * f(6, 10) + f(3, 9) * f(6, 9) + f(3, 8) * f(5, 8) + f(2, 7) * f(5, 7) + 2 * f(3, 4) * f(4, 25)
    assert expected == f(1507, 840)
    test = log_rank_test(table)
    assert (test.observed[0], test.expected[0]) == (4, pytest.approx(float(expected), **EXACT))
    np.testing.assert_allclose(test.variance, float(variance) * np.array([[1, -1], [-1, 1]]), rtol=1e-14)
    assert test.statistic == pytest.approx(float((4 - expected) ** 2 / variance), **EXACT)

    weights = fractions("1 9/10 8/10 7/10 6/10 9/25")
    risk = [(4, 10, 1), (3, 9, 1), (3, 8, 1), (2, 7, 1), (1, 5, 2), (0, 2, 1)]
    peto = log_rank_test(table, rho=1)
    assert peto.observed == pytest.approx([3.1, 1.86], **EXACT)
    weighted = sum(w * d * f(k, n) for w, (k, n, d) in zip(weights, risk, strict=True))
    spread = sum(
        w**2 * d * f(n - d, n - 1) * f(k, n) * (1 - f(k, n)) for w, (k, n, d) in zip(weights, risk, strict=True)
    )
    assert (weighted, spread) == (f(144, 100), f(7564, 10000))
    assert (peto.expected[0], peto.variance[0, 0]) == pytest.approx((1.44, 0.7564), **EXACT)


def test_cohort_with_late_entries() -> None:
    """Entry 0, 15, 0, 30, 25, 0; time 20, 40, 35+, 60, 90, 100+.

    At risk: at 20 four (not those who enter at 25 and 30); at 35 five; at 40 four; then 3, 2, 1.
    S = 3/4; 3/4; · 3/4 = 9/16; · 2/3 = 3/8; · 1/2 = 3/16; 3/16. G = 1/12 at 20, 1/6 at 40, 1/3 at 60, 5/6 at 90.
    """
    km = kaplan_meier(
        EventTable.from_arrays([20, 40, 35, 60, 90, 100], [1, 1, 0, 1, 1, 0], entry=[0, 15, 0, 30, 25, 0])
    )
    assert km.n_at_risk.tolist() == [4, 5, 4, 3, 2, 1]
    assert survival(km) == fractions("3/4 3/4 9/16 3/8 3/16 3/16")
    g = [1 / 12, 1 / 12, 1 / 6, 1 / 3, 5 / 6, 5 / 6]
    assert (km.std_error / km.survival) == pytest.approx(np.sqrt(g), **EXACT)


def test_log_rank_with_late_entries() -> None:
    """Entry 0, 15, 0, 30, 25, 0, 5, 0; time 20, 40, 35+, 60, 90, 100+, 50, 45; group 1, 0, 1, 1, 0, 0, 1, 0.

    Events with n1 of n at risk: 20: 3/6; 40: 2/6; 45: 2/5; 50: 2/4; 60: 1/3; 90: 0/2.
    E1 = 1/2 + 1/3 + 2/5 + 1/2 + 1/3 = 31/15; V = 1/4 + 2/9 + 6/25 + 1/4 + 2/9 = 533/450; O1 = 3.
    """
    table = EventTable.from_arrays(
        [20, 40, 35, 60, 90, 100, 50, 45],
        [1, 1, 0, 1, 1, 0, 1, 1],
        [1, 0, 1, 1, 0, 0, 1, 0],
        entry=[0, 15, 0, 30, 25, 0, 5, 0],
    )
    test = log_rank_test(table)
    assert test.observed.tolist() == [3, 3]
    assert test.expected == pytest.approx([59 / 15, 31 / 15], **EXACT)
    assert test.variance[0, 0] == pytest.approx(533 / 450, **EXACT)
    assert test.statistic == pytest.approx(float((3 - Fraction(31, 15)) ** 2 / Fraction(533, 450)), **EXACT)


def test_cohort_with_time_zero() -> None:
    """0, 0+, 3, 5, 5+, 8, 9+; groups 0, 1, 0, 1, 1, 0, 1.

    S = 6/7; · 4/5 = 24/35; · 3/4 = 18/35; · 1/2 = 9/35; 9/35. The first S ≤ 1/2 is at 8.
    Events with n0 of n: 0: 3/7; 3: 2/5; 5: 1/4; 8: 1/2. E0 = 3/7 + 2/5 + 1/4 + 1/2 = 221/140; O0 = 3.
    V = 12/49 + 6/25 + 3/16 + 1/4.
    """
    time, event, group = [0, 0, 3, 5, 5, 8, 9], [1, 0, 1, 1, 0, 1, 0], [0, 1, 0, 1, 1, 0, 1]
    km = kaplan_meier(EventTable.from_arrays(time, event))
    assert survival(km) == fractions("6/7 24/35 18/35 9/35 9/35")
    median = km.quantile().iloc[0]
    assert (median.estimate, median.ci_lower) == (8, 0)
    assert math.isnan(median.ci_upper)
    test = log_rank_test(EventTable.from_arrays(time, event, group))
    variance = Fraction(12, 49) + Fraction(6, 25) + Fraction(3, 16) + Fraction(1, 4)
    assert test.statistic == pytest.approx(float((3 - Fraction(221, 140)) ** 2 / variance), **EXACT)
    assert test.statistic == pytest.approx(2.190441949223, rel=1e-12)
    assert log_rank_test(EventTable.from_arrays(time, event, group), rho=1).statistic == pytest.approx(2.384397163121)


def test_cohort_with_near_ties() -> None:
    """.3, .1 + .2, .5, .7+, .3, .9; groups 0, 1, 1, 0, 0, 1.

    Merged: three events at .3 among 3 of 6, E0 = 3/2 and V = 3 · 3/5 · 1/4 = 9/20; at .5 1 of 3: E0 = 1/3, V = 2/9; at .9
    0 of 1. E0 = 11/6, O0 = 2, V = 121/180: χ² = (1/6)² · 180/121 = 5/121.
    Literally: two events at .3, E0 = 1, V = 2 · 4/5 · 1/4 = 2/5; at .30000000000000004 1 of 4: E0 = 1/4, V = 3/16; then the
    same: E0 = 19/12, V = 2/5 + 3/16 + 2/9 = 583/720: χ² = (5/12)² · 720/583 = 125/583.
    """
    arrays = [0.3, 0.1 + 0.2, 0.5, 0.7, 0.3, 0.9], [1, 1, 1, 0, 1, 1], [0, 1, 1, 0, 0, 1]
    merged = log_rank_test(EventTable.from_arrays(*arrays))
    assert merged.statistic == pytest.approx(5 / 121, rel=1e-13)
    assert merged.p_value == pytest.approx(0.838917041080, rel=1e-11)
    literal = log_rank_test(EventTable.from_arrays(*arrays, timefix=False))
    assert literal.statistic == pytest.approx(125 / 583, rel=1e-13)
    assert literal.p_value == pytest.approx(0.643333999545, rel=1e-11)
    assert literal.method == "log-rank, near ties kept"


def test_restricted_means_of_cohort_p() -> None:
    """Up to 70. Group 0: 36 · 1 + 14 · 3/4 + 13 · 1/2 + 7 · 1/4 = 219/4.

    Areas from each event to 70: from 36 14 · 3/4 + 13 · 1/2 + 7 · 1/4 = 75/4; from 50 33/4; from 63 7/4. Terms d/(n(n − d)):
    1/12, 1/6, 1/2. Variance (75/4)²/12 + (33/4)²/6 + (7/4)²/2 = 2699/64.
    Group 1: 42 + 28 · 5/6 = 196/3; from 42 28 · 5/6 = 70/3, term 1/30: variance (70/3)²/30 = 490/27.
    """
    f = Fraction
    first = f(75, 4) ** 2 / 12 + f(33, 4) ** 2 / 6 + f(7, 4) ** 2 / 2
    second = f(70, 3) ** 2 / 30
    assert (36 + 14 * f(3, 4) + 13 * f(1, 2) + 7 * f(1, 4), 42 + 28 * f(5, 6)) == (f(219, 4), f(196, 3))
    assert (first, second) == (f(2699, 64), f(490, 27))
    time, event = [36, 50, 63, 70, 42, 63, 70, 120, 150, 180], [1, 1, 1, 1, 1, 0, 1, 0, 1, 0]
    table = EventTable.from_arrays(time, event, group=[0] * 4 + [1] * 6)
    found = rmst(table, tau=70)
    assert found["estimate"].tolist() == pytest.approx([219 / 4, 196 / 3], **EXACT)
    assert found["std_error"].tolist() == pytest.approx([math.sqrt(first), math.sqrt(second)], **EXACT)
    (difference,) = rmst_difference(table, tau=70).itertuples()
    assert difference.estimate == pytest.approx(float(f(219, 4) - f(196, 3)), **EXACT)
    assert difference.std_error == pytest.approx(math.sqrt(first + second), **EXACT)


def test_restricted_mean_with_late_entries() -> None:
    """The cohort with late entries up to 100; at risk 4, 5, 4, 3, 2, 1.

    20 · 1 + 20 · 3/4 (20 to 40) + 20 · 9/16 + 30 · 3/8 + 10 · 3/16 = 475/8 = 59.375.
    Areas from the events at 20, 40, 60, 90: 315/8, 195/8, 105/8, 15/8; terms 1/12, 1/12, 1/6, 1/2.
    """
    f = Fraction
    areas, terms = fractions("315/8 195/8 105/8 15/8"), fractions("1/12 1/12 1/6 1/2")
    assert 20 + 20 * f(3, 4) + 20 * f(9, 16) + 30 * f(3, 8) + 10 * f(3, 16) == f(475, 8)
    assert [areas[k] - areas[k + 1] for k in range(3)] == [20 * f(3, 4), 20 * f(9, 16), 30 * f(3, 8)]
    variance = sum(area**2 * term for area, term in zip(areas, terms, strict=True))
    events = EventTable.from_arrays([20, 40, 35, 60, 90, 100], [1, 1, 0, 1, 1, 0], entry=[0, 15, 0, 30, 25, 0])
    (found,) = rmst(events, tau=100).itertuples()
    assert (found.estimate, found.std_error) == pytest.approx((59.375, math.sqrt(variance)), **EXACT)


def test_restricted_mean_from_time_zero() -> None:
    """0, 0+, 3, 5, 5+, 8, 9+ up to 4: S falls to 6/7 at once, to 24/35 at 3: 3 · 6/7 + 1 · 24/35 = 114/35.

    Areas from 0 and from 3: 114/35 and 24/35; terms 1/42 and 1/20. Variance (114/35)²/42 + (24/35)²/20.
    """
    (found,) = rmst(EventTable.from_arrays([0, 0, 3, 5, 5, 8, 9], [1, 0, 1, 1, 0, 1, 0]), tau=4).itertuples()
    variance = Fraction(114, 35) ** 2 / 42 + Fraction(24, 35) ** 2 / 20
    assert (found.estimate, found.std_error) == pytest.approx((114 / 35, math.sqrt(variance)), **EXACT)


def test_cohort_with_weights() -> None:
    """2 of 6 die at 3, 1 is censored at 5, 3 die at 8 and 0 at 6: rows of weight 2, 1, 3 and 0.

    At risk 6, 4, 3. S = 4/6; 4/6; 0. G at 3 is 2/(6 · 4) = 1/12. The median: 2/3 > 1/2 ≥ 0 at 8. Up to 8:
    3 · 1 + 5 · 2/3 = 19/3; variance (10/3)² / 12 + 0.
    """
    events = EventTable.from_arrays([3, 5, 8, 6], [1, 0, 1, 1], weights=[2, 1, 3, 0])
    km = kaplan_meier(events)
    assert (km.n.tolist(), km.n_events.tolist(), km.n_at_risk.tolist()) == ([6], [5], [6, 4, 3])
    assert survival(km) == fractions("2/3 2/3 0")
    assert km.std_error[:2] == pytest.approx([2 / 3 * math.sqrt(1 / 12)] * 2, **EXACT)
    assert km.quantile()["estimate"].tolist() == [8]
    (mean,) = rmst(events).itertuples()
    assert (mean.estimate, mean.std_error) == pytest.approx((19 / 3, 10 / 3 / math.sqrt(12)), **EXACT)


def test_follow_up_of_cohort_a() -> None:
    """Cohort A reversed: 20+, 36+, 42+, 42+, 56+, 57+, 70, 112+, 180+, 240, 310+.

    The end of follow-up at 70 is one of 5 at risk, at 240 one of 2: S = 4/5 from 70, 2/5 from 240, never 0. Median 240.
    G = 1/20 at 70, 1/20 + 1/2 = 11/20 at 240.
    """
    events = EventTable.from_arrays([20, 36, 42, 42, 56, 57, 70, 112, 180, 240, 310], [1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1])
    found = follow_up(events)
    assert survival(found) == fractions("1 1 1 1 1 4/5 4/5 4/5 2/5 2/5")
    assert found.std_error[-1] == pytest.approx(2 / 5 * math.sqrt(11 / 20), **EXACT)
    assert found.quantile()["estimate"].tolist() == [240]
    assert (found.n_events.tolist(), found.n.tolist()) == ([2], [11])


def test_survival_difference_of_cohort_p() -> None:
    """At 65: group 0 1/4 (three of four, G = 3/4), group 1 5/6 (one of six, G = 1/30).

    Difference −7/12; variances 1/16 · 3/4 = 3/64 and 25/36 · 1/30 = 5/216, together 121/1728; z² = 49/144 · 1728/121 =
    588/121.
    """
    time, event = [36, 50, 63, 70, 42, 63, 70, 120, 150, 180], [1, 1, 1, 1, 1, 0, 1, 0, 1, 0]
    table = EventTable.from_arrays(time, event, group=[0] * 4 + [1] * 6)
    (found,) = survival_difference(kaplan_meier(table), times=65).itertuples()
    assert Fraction(3, 64) + Fraction(5, 216) == Fraction(121, 1728)
    assert found.estimate == pytest.approx(-7 / 12, **EXACT)
    assert found.std_error == pytest.approx(math.sqrt(121 / 1728), **EXACT)
    assert found.statistic == pytest.approx(-math.sqrt(588 / 121), **EXACT)
