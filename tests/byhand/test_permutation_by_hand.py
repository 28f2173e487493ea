"""Permutation log-rank tests small enough for pencil and paper; the algebra stands in each docstring, in fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from cohortstats.stats.log_rank_exact import log_rank_exact, places_in_time
from cohortstats.stats.maximally_selected import maxstat
from cohortstats.stats.permutations import log_rank_scores
from cohortstats.stats.selection import selection_adjusted_p


def scores(time: list[float], event: list[int]) -> list[Fraction]:
    numerators, denominator = log_rank_scores(places_in_time(np.array(time, float)), np.array(event, bool)).whole
    return [Fraction(numerator, denominator) for numerator in numerators]


def fractions(text: str) -> list[Fraction]:
    return [Fraction(part) for part in text.split()]


def test_l1() -> None:
    """1, 2, 3 (first group), 4, 5, 6 (second); all events.

    At risk 6, 5, 4, 3, 2, 1; Σ d/n runs 1/6, 11/30, 37/60, 19/20, 29/20, 49/20, so a = 5/6, 19/30, 23/60, 1/20,
    −9/20, −29/20; their sum is 0. O − E = 5/6 + 19/30 + 23/60 = 37/20: the three largest scores, so no other labelling
    has a larger sum, and only the other three patients have one as small: 2 of 20.
    V = Σ m(n − m)/n² over the times with n > 1, m = 3, 2, 1, 0, ... : 9/36 + 6/25 + 3/16 = 271/400.
    """
    assert scores([1, 2, 3, 4, 5, 6], [1] * 6) == fractions("5/6 19/30 23/60 1/20 -9/20 -29/20")
    group = ["a"] * 3 + ["b"] * 3
    score = log_rank_exact([1, 2, 3, 4, 5, 6], [1] * 6, group)
    assert score.p_exact == Fraction(2, 20)
    assert score.statistic == pytest.approx(37 / 20, rel=1e-14)
    studentised = log_rank_exact([1, 2, 3, 4, 5, 6], [1] * 6, group, statistic="studentised")
    assert studentised.p_exact == Fraction(2, 20)
    assert studentised.statistic == pytest.approx((37 / 20) ** 2 / (271 / 400), rel=1e-14)


def test_l5() -> None:
    """2+, 3, 3 (first group), 5, 7+, 9 (second).

    Events: two of five at 3, one of three at 5, one of one at 9. Σ d/n: 2/5, 11/15, 26/15. a = 0 (2+), 3/5, 3/5, 4/15,
    −11/15 (7+), −11/15. O − E = 0 + 3/5 + 3/5 = 6/5.
    Three of the six with |sum| ≥ 6/5: {2+, 3, 3} 6/5; {3, 3, 5} 22/15; and their complements −6/5, −22/15: 4 of 20.
    V: at 3, 2 · 3/4 · m(5 − m)/25 with m of five in the group; at 5, m(3 − m)/9 · 1. In {2+, 3, 3}: m = 2, 0:
    3/2 · 6/25 = 9/25, χ² = 36/25 · 25/9 = 4. In {3, 3, 5}: m = 3 and 1: 3/2 · 6/25 + 2/9 = 131/225, χ² = (22/15)² ·
    225/131 = 484/131 < 4. So only the labelling and its complement are left: 2 of 20.
    """
    time, event, group = [2, 3, 3, 5, 7, 9], [0, 1, 1, 1, 0, 1], list("aaabbb")
    assert scores([2, 3, 3, 5, 7, 9], event) == fractions("0 3/5 3/5 4/15 -11/15 -11/15")
    assert log_rank_exact(time, event, group).p_exact == Fraction(4, 20)
    studentised = log_rank_exact(time, event, group, statistic="studentised")
    assert studentised.p_exact == Fraction(2, 20)
    assert studentised.statistic == pytest.approx(4, rel=1e-14)
    other = log_rank_exact(time, event, list("baaabb"), statistic="studentised")
    assert other.statistic == pytest.approx(484 / 131, rel=1e-14)


def test_variance_of_other_labellings() -> None:
    """1+ and 2 against 3+ and 4.

    Events: one of three at 2, one of one at 4. a = 0, 2/3, −1/3, −1/3. O − E = 2/3.
    V = m(3 − m)/9, m of the last three in the group: in {1+, x} m = 1, in {x, y} m = 2: always 2/9.
    |sum| ≥ 2/3: {1+, 2} 2/3 and {3+, 4} −2/3; {2, 3+} is 1/3, {1+, 4} −1/3: 2 of 6, by either statistic.
    """
    for statistic in ("score", "studentised"):
        test = log_rank_exact([1, 2, 3, 4], [0, 1, 0, 1], list("aabb"), statistic=statistic)  # type: ignore[arg-type]
        assert test.p_exact == Fraction(2, 6)


def test_labelling_without_variance_is_not_extreme() -> None:
    """1+, 1+ and 2, 3; group a is {1+, 2}.

    Events: one of two at 2, one of one at 3. a = 0, 0, 1/2, −1/2. O − E = 1/2. V = m(2 − m)/4: 1/4, χ² = 1.
    Groups of two: {1+, 1+} and {2, 3} have m = 0 and 2, sum 0, V = 0: not counted. The four others have |sum| 1/2,
    V = 1/4: counted. So 4 of 6, by the score as well.
    """
    for statistic in ("score", "studentised"):
        test = log_rank_exact([1, 1, 2, 3], [0, 0, 1, 1], list("abab"), statistic=statistic)  # type: ignore[arg-type]
        assert test.p_exact == Fraction(4, 6)


def test_best_cut_of_three() -> None:
    """Markers 1, 2, 3 with events at 1, 2, 3.

    a = 2/3, 1/6, −5/6; Σ a² = 7/6. M² of the cut after k: (Σ_k)² · 3 · 2/(k(3 − k) Σ a²): k = 1: 4/9 · 3 · 6/7 = 8/7;
    k = 2: 25/36 · 3 · 6/7 = 25/14. M = sqrt(25/14), cut at 2.
    Of the six orders, −5/6 at an end (first or last) gives a side of one patient with 25/36: four orders. With −5/6 in
    the middle the ends hold 2/3 and 1/6, sides of one with 4/9 at most: 4/6.
    """
    best = maxstat([1, 2, 3], [1, 2, 3], [1, 1, 1], min_fraction=0)
    assert best.statistic == pytest.approx(math.sqrt(25 / 14), rel=1e-14)
    assert (best.cut_point, best.n_lower, best.n_upper, best.n_cuts) == (2, 2, 1, 2)
    assert best.p_exact == Fraction(4, 6)


def test_best_of_two_markers() -> None:
    """Four patients, two of them with the outcome; marker A on patient 1, B on 1 and 2; outcome 1 and 2.

    Singles: A has 1 of 1: Fisher p of 1/1 v 1/3 is 1 (weights 3, 3 of 6). B has 2 of 2: weights 1, 4, 1 of 6, p = 2/6.
    T = 1/3. Of the 6 pairs with the outcome, A never reaches it; B does with {1, 2} and {3, 4}: 2/6.
    With pairs, "A− and B+" (patient 2) has the margins of A, so nothing changes but the number of groupings, 3.
    """
    markers = {"A": [1, 0, 0, 0], "B": [1, 1, 0, 0]}
    for family, size in (("singles", 2), ("pairs", 3)):
        chosen = selection_adjusted_p(markers, [1, 1, 0, 0], family=family)  # type: ignore[arg-type]
        assert (chosen.best, len(chosen.family)) == ("B+", size)
        assert (chosen.p_raw_exact, chosen.p_adjusted_exact) == (Fraction(1, 3), Fraction(1, 3))
