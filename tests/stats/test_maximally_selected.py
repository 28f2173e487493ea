"""Known answers in whole numbers; brute force over every order, one by one, on tiny cohorts."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from cohortstats.errors import InputError
from cohortstats.stats.log_rank_exact import log_rank_exact, places_in_time
from cohortstats.stats.maximally_selected import MaximallySelected, maxstat
from cohortstats.stats.permutations import log_rank_scores

MARKER, TIME, EVENT = [2, 1, 4, 3, 6, 5, 7], [3, 5, 8, 11, 14, 20, 26], [1, 1, 1, 0, 1, 1, 0]


def test_seven_patients() -> None:
    best = maxstat(MARKER, TIME, EVENT, min_fraction=0)
    assert best.statistic == pytest.approx(1.857838125349, abs=1e-12)
    assert best.p_exact == Fraction(1980, 5040)
    assert (best.n_arrangements, best.n_extreme, best.n_cuts, best.reason) == (5040, 1980, 6, "")
    assert best.method == "maximally selected log-rank, exact by enumeration"
    assert not hasattr(best, "cut_p_value")
    # One seventh is more than 10 %, so all cuts are looked at by default as well; 30 % leaves those from 3 to 4.
    assert maxstat(MARKER, TIME, EVENT).p_exact == best.p_exact
    assert maxstat(MARKER, TIME, EVENT, min_fraction=0.3).n_cuts == 2


def squares(order: tuple[Fraction, ...], cuts: list[int]) -> Fraction:
    n = len(order)
    return max(sum(order[:k]) ** 2 / (k * (n - k)) for k in cuts)


def test_brute_force() -> None:
    random = np.random.default_rng(1)
    for round_ in range(8):
        n = int(random.integers(4, 7))
        marker, time = random.integers(0, 4 if round_ % 2 else 99, n), random.integers(1, 9, n)
        event = random.random(n) < 0.8
        best = maxstat(marker, time, event, min_fraction=0)
        if best.reason:
            continue
        numerators, denominator = log_rank_scores(places_in_time(time * 1.0), event).whole
        scores = [Fraction(numerators[i], denominator) for i in np.argsort(marker, kind="stable")]
        ranked = np.sort(marker)
        cuts = [k for k in range(1, n) if ranked[k - 1] < ranked[k]]
        observed = squares(tuple(scores), cuts)
        values = [squares(order, cuts) for order in itertools.permutations(scores)]
        assert best.p_exact == Fraction(sum(value >= observed for value in values), len(values))
        total = sum(score * score for score in scores)
        assert best.statistic == pytest.approx(math.sqrt(observed * n * (n - 1) / total), rel=1e-13)
        assert best.n_cuts == len(cuts)
        k = best.n_lower
        assert best.cut_point == ranked[k - 1] < ranked[k]


def test_one_cut_is_the_permutation_log_rank_test() -> None:
    time, event = [4, 5, 8, 10, 12, 15, 18, 21], [1, 1, 0, 1, 1, 1, 0, 1]
    marker = [0, 1, 0, 0, 1, 1, 0, 1]
    best = maxstat(marker, time, event, min_fraction=0)
    assert best.n_cuts == 1
    assert best.p_exact == log_rank_exact(time, event, marker).p_exact


def test_yes_no_outcome() -> None:
    # Marker 1 to 6, outcome on the three highest: the cut in the middle is perfect. Of the 20 sets of three, M is as
    # large for the three highest and the three lowest only.
    best = maxstat([1, 2, 3, 4, 5, 6], None, [0, 0, 0, 1, 1, 1], min_fraction=0)
    assert best.p_exact == Fraction(2, 20)
    assert (best.cut_point, best.n_arrangements) == (3, 20)
    assert best.statistic == pytest.approx(math.sqrt(5))  # sqrt(n − 1) times a correlation of 1
    assert best.method == "maximally selected proportions, exact by enumeration"


def test_monte_carlo() -> None:
    random = np.random.default_rng(2)
    marker, time, event = random.random(40), random.integers(1, 50, 40), random.random(40) < 0.7
    best = maxstat(marker, time, event, draws=9_999, seed=5)
    assert best.method == "maximally selected log-rank, Monte Carlo, 9999 draws, seed 5"
    assert best.p_value == (1 + best.n_extreme) / 10_000 == maxstat(marker, time, event, draws=9_999, seed=5).p_value
    assert (best.p_exact, best.draws, best.seed) == (None, 9_999, 5)
    assert best.ci_lower < best.p_value < best.ci_upper
    assert min(best.n_lower, best.n_upper) >= 4
    assert best.n_lower == np.count_nonzero(marker <= best.cut_point)


def test_close_calls_are_decided_in_whole_numbers() -> None:
    # 60 distinct times: sums of scores are no exact floats. A marker of two values leaves one cut, whose p is that of
    # the permutation log-rank test; both are drawn.
    random = np.random.default_rng(3)
    time, marker = random.permutation(60) + 1, np.arange(60) % 2
    assert not log_rank_scores(places_in_time(time * 1.0), np.ones(60, dtype=bool)).exact
    best = maxstat(marker, time, np.ones(60), draws=9_999, seed=1)
    drawn = log_rank_exact(time, np.ones(60), marker, draws=99_999, seed=1)
    assert best.ci_lower < drawn.p_value < best.ci_upper


@pytest.mark.parametrize(
    ("marker", "time", "event", "reason"),
    [
        ([1, 2, 3], [1, 2, 3], [0, 0, 0], "no events"),
        ([1, 2, 3], [2, 2, 2], [1, 1, 1], "variance is zero"),
        ([1, 1, 1], [1, 2, 3], [1, 1, 1], "no variation"),
        ([1, 2, 3], None, [1, 1, 1], "variance is zero"),
        ([1, *[2] * 19], range(20), [1] * 20, "no variation"),  # the only cut leaves 5 % on one side
    ],
)
def test_reasons(marker: list[int], time: object, event: list[int], reason: str) -> None:
    best = maxstat(marker, time, event)
    assert best.reason == reason
    assert math.isnan(best.p_value)  # never 1 for what cannot be computed
    assert math.isnan(best.statistic)


def problems_of(*columns: object, **options: object) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        maxstat(*columns, **options)  # type: ignore[arg-type]
    return caught.value.problems


def test_door() -> None:
    assert problems_of([1, 2], TIME, EVENT) == ("marker has 2 values, time has 7.",)
    assert problems_of([1, 2, 3], None, [1, 0]) == ("marker has 3 values, event has 2.",)
    assert problems_of([1, math.nan, 3], [1, 2, 3], [1, 1, 1]) == (
        "marker is missing at position 2; exclude or complete this patient first.",
    )
    assert problems_of([1, math.inf, 3], [1, 2, 3], [1, 1, 1]) == ("marker is inf at position 2; give finite values.",)
    assert problems_of(["low", "high", "low"], [1, 2, 3], [1, 1, 1]) == ("marker holds text ('low'); give numbers.",)
    assert problems_of(MARKER, TIME, [1, 2, 1, 1, 1, 1, 1], min_fraction=0.5, draws=10, seed=1) == (
        "min_fraction is 0.5; give a fraction from 0 to below 0.5, such as 0.1.",
        "draws is 10; use at least 999, and give a seed.",
        "event holds 1 and 2; give booleans or 0/1 (if 2 is the event: `event == 2`).",
    )
    n = 20
    assert problems_of(np.arange(n), np.arange(n), np.ones(n)) == (
        "20 patients have 2.4e18 orderings; give draws and a seed.",
    )


def test_frame() -> None:
    best = maxstat(MARKER, TIME, EVENT)
    assert isinstance(best, MaximallySelected)
    assert list(best.to_frame().columns) == [
        "statistic", "cut_point", "n_lower", "n_upper", "n_cuts", "p_value", "ci_lower", "ci_upper", "method", "reason",
    ]  # fmt: skip
