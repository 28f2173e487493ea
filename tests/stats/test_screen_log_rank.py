"""The screen of log-rank tests against one test at a time, and against R by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cohortstats as cs
from cohortstats.stats.screen_log_rank import MarkerRanks, log_rank_screen, one_step_hazard_ratios, rank_patients

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def cohort(random: np.random.Generator, n: int, kind: str) -> Arrays:
    """Times, events and markers, some of them not known."""
    time = random.exponential(60, n)
    if kind != "continuous":
        time = np.ceil(time / (1 if kind == "days" else 30))
    markers = (random.random((40, n)) < random.uniform(0.02, 0.6, 40)[:, None]).astype(np.int8)
    markers[::2][random.random((20, n)) < 0.1] = -1
    return time, random.random(n) < 0.5, markers


def single(time: np.ndarray, event: np.ndarray, marker: np.ndarray, strata: np.ndarray | None = None):
    known = marker >= 0
    events = cs.EventTable.from_arrays(
        time[known], event[known], group=marker[known], strata=None if strata is None else strata[known]
    )
    return cs.log_rank_test(events)


@pytest.mark.parametrize("kind", ["continuous", "days", "months"])
@pytest.mark.parametrize("n", [6, 40, 150])
@pytest.mark.parametrize("stratified", [False, True])
def test_each_marker_is_that_of_the_single_test(kind: str, n: int, stratified: bool) -> None:
    random = np.random.default_rng([n, len(kind)])
    time, event, markers = cohort(random, n, kind)
    strata = random.integers(0, 3, n) if stratified else None
    found = log_rank_screen(markers, rank_patients(time, event, strata))
    for row, marker in enumerate(markers):
        if not (marker >= 0).any():
            assert found.reason[row] == "no patients"
            continue
        test = single(time, event, marker, strata)
        assert found.reason[row] == test.reason
        assert found.p_value[row] == pytest.approx(test.p_value, rel=1e-10, nan_ok=True)
        if len(test.groups) == 2:
            assert found.observed[row] == test.observed[1]
            assert found.expected[row] == pytest.approx(test.expected[1], rel=1e-12)
            assert found.expected_without[row] == pytest.approx(test.expected[0], rel=1e-12)
            assert found.variance[row] == pytest.approx(test.variance[1, 1], rel=1e-12, abs=1e-15)
            assert found.statistic[row] == pytest.approx(test.statistic, rel=1e-10, abs=1e-12, nan_ok=True)
            assert (found.n2[row], found.n1[row]) == tuple(test.n)


def by_hand(marker: list[int], event: list[int] | None = None) -> MarkerRanks:
    """Times 36, 50, 63, 70 and 42, 63+, 70, 120+, 150, 180+."""
    time = np.array([36, 50, 63, 70, 42, 63, 70, 120, 150, 180.0])
    happened = np.array(event or [1, 1, 1, 1, 1, 0, 1, 0, 1, 0], dtype=bool)
    return log_rank_screen(np.array([marker], dtype=np.int8), rank_patients(time, happened))


def test_sums_by_hand() -> None:
    # O, E, V and χ² of this cohort by R 4.2.2, survdiff(Surv(time, event) ~ group).
    found = by_hand([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    assert found.observed.item() == 4
    assert found.expected.item() == pytest.approx(1.79404761905, rel=1e-11)
    assert found.variance.item() == pytest.approx(1.14067885488, rel=1e-11)
    assert found.statistic.item() == pytest.approx(4.26607882335, rel=1e-11)
    assert found.p_value.item() == pytest.approx(0.0388805534686, rel=1e-11)
    estimate, lower, upper = one_step_hazard_ratios(found, 0.95)
    log_ratio, reach = (4 - 1.79404761905) / 1.14067885488, 1.959963984540054 / math.sqrt(1.14067885488)
    assert estimate.item() == pytest.approx(math.exp(log_ratio), rel=1e-10)
    assert (lower.item(), upper.item()) == pytest.approx((math.exp(log_ratio - reach), math.exp(log_ratio + reach)))


@pytest.mark.parametrize(
    ("marker", "event", "reason"),
    [
        ([1] * 10, None, "one group"),
        ([0] * 10, None, "one group"),
        ([-1] * 10, None, "no patients"),
        ([1, 0] * 5, [0] * 10, "no events"),
        ([1, 1, 1, 1, 1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "groups never at risk together"),
    ],
)
def test_no_test_has_a_reason(marker: list[int], event: list[int] | None, reason: str) -> None:
    found = by_hand(marker, event)
    assert found.reason.item() == reason
    assert math.isnan(found.p_value.item())
    assert math.isnan(found.statistic.item())
    assert all(math.isnan(limit.item()) for limit in one_step_hazard_ratios(found, 0.95))


def test_how_many_are_tested_at_a_time_changes_no_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    time, event, markers = cohort(random, 300, "days")
    ranked = rank_patients(time, event, random.integers(0, 2, 300))
    whole = log_rank_screen(markers, ranked)
    for cells in (1, 700, 900, 4_000):  # one, two, three, thirteen markers
        monkeypatch.setattr("cohortstats.stats.screen_log_rank.CELLS", cells)
        parts = log_rank_screen(markers, ranked)
        for name in ("observed", "expected", "expected_without", "variance", "statistic", "p_value"):
            np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_times_that_differ_by_rounding_are_one_time() -> None:
    # χ² of these times by R 4.2.2, which merges .3 and .1 + .2.
    time = np.array([0.3, 0.1 + 0.2, 0.5, 0.7, 0.3, 0.9])
    ranked = rank_patients(time, np.array([1, 1, 1, 0, 1, 1], dtype=bool))
    found = log_rank_screen(np.array([[0, 1, 1, 0, 0, 1]], dtype=np.int8), ranked)
    assert found.statistic.item() == pytest.approx(0.0413223140496, rel=1e-11)


def test_no_markers() -> None:
    found = log_rank_screen(np.zeros((0, 3), dtype=np.int8), rank_patients(np.arange(3.0), np.ones(3, dtype=bool)))
    assert found.p_value.size == 0
