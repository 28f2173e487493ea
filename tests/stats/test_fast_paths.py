"""Fast paths against plain ones: whole days against sorting, packed sorts, sums in blocks, ranks, bootstrap samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cohortstats as cs
from cohortstats.stats import event_counts, log_rank
from cohortstats.stats.bootstrap_median import bootstrap_median, medians_of_counts
from cohortstats.stats.event_counts import TIE
from cohortstats.stats.summary import order_summary, sample_summary

COLUMNS = ("stratum", "group", "time", "n_at_risk", "n_event", "n_censored")


def same(one: cs.EventTable, other: cs.EventTable) -> None:
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def patients(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.exponential(200, n), random.random(n) < 0.6, random.integers(0, 3, n)


@pytest.mark.parametrize("n", [1, 30, 2_000])
def test_whole_days_are_counted_as_they_would_be_sorted(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    time, event, group = patients(n, n)
    counted = cs.EventTable.from_arrays(np.floor(time), event, group=group)
    monkeypatch.setattr(event_counts, "WHOLE_UP_TO", 0)
    same(counted, cs.EventTable.from_arrays(np.floor(time), event, group=group))


@pytest.mark.parametrize("make", ["continuous", "ties", "tiny", "one value", "wide"])
def test_packed_sorts_are_those_of_the_plain_order(make: str, monkeypatch: pytest.MonkeyPatch) -> None:
    time, event, group = patients(3_000, 1)
    time = {
        "continuous": time,
        "ties": np.floor(time * 4) / 7,
        "tiny": time * 1e-300,
        "one value": np.full(time.size, 0.1),
        "wide": np.where(np.arange(time.size) % 2, time * 1e300, time * 1e-300),  # its bits do not fit
    }[make]
    plain = cs.EventTable.from_arrays(time, event, group=group, weights=np.ones(time.size))  # by argsort
    same(plain, cs.EventTable.from_arrays(time, event, group=group))
    monkeypatch.setattr(event_counts, "MANY", 1)  # by the highest bits first
    same(plain, cs.EventTable.from_arrays(time, event, group=group))


def test_many_patients_by_their_highest_bits() -> None:
    random = np.random.default_rng(2)
    for numbers in (
        random.integers(0, 2**60, 60_000),
        random.integers(0, 3, 60_000),
        random.integers(0, 2**17, 60_000),
    ):
        bits = int(numbers.max()).bit_length()
        np.testing.assert_array_equal(event_counts._sorted_whole(numbers.copy(), bits), np.sort(numbers))


@pytest.mark.parametrize("weighting", ["log-rank", "peto-peto", "gehan", "tarone-ware", "peto-prentice"])
def test_sums_in_blocks_are_those_of_the_matrix_formula(weighting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    time, event, group = patients(700, 3)
    table = cs.EventTable.from_arrays(np.ceil(time), event, group=group)
    (sets,) = table.risk_sets()
    n, d = sets.at_risk.sum(axis=1), sets.n_event.sum(axis=1)
    surviving = np.cumprod(1 - d / n)
    w = {
        "log-rank": np.ones(n.size),
        "peto-peto": np.append(1.0, surviving[:-1]),
        "gehan": n,
        "tarone-ware": np.sqrt(n),
        "peto-prentice": np.cumprod(1 - d / (n + 1)),
    }[weighting]
    # V = Σ w² d (n − d)/(n − 1) (diag(n_k/n) − n_k n_l/n²), one term a time.
    variance = np.zeros((3, 3))
    for j in np.flatnonzero(n > 1):
        share = sets.at_risk[j] / n[j]
        variance += w[j] ** 2 * d[j] * (n[j] - d[j]) / (n[j] - 1) * (np.diag(share) - np.outer(share, share))
    for block in (7, 131_072):
        monkeypatch.setattr(log_rank, "BLOCK", block)
        test = cs.log_rank_test(table, weighting=weighting)
        np.testing.assert_allclose(test.observed, w @ sets.n_event, rtol=1e-12)
        np.testing.assert_allclose(test.expected, (w * d) @ (sets.at_risk / n[:, None]), rtol=1e-12)
        np.testing.assert_allclose(test.variance, variance, rtol=1e-12, atol=1e-12 * variance.max())


@pytest.mark.parametrize("quartiles", [2, 7])
def test_ranks_alone_are_those_of_the_whole_order(quartiles: int) -> None:
    random = np.random.default_rng(4)
    for n in (0, 1, 2, 7, 1_000, 1_001, 1_002, 1_003, 1_004, 5_000):
        for values in (random.normal(size=n), random.integers(0, 9, n).astype(float)):
            some, every = order_summary(values, quartiles=quartiles), sample_summary(values, quartiles=quartiles)
            for name in ("n", "min", "q1", "median", "q3", "max"):
                one, other = getattr(some, name), getattr(every, name)
                assert one == other or (math.isnan(one) and math.isnan(other))


# ---- bootstrap


def test_medians_of_samples_are_those_of_refitted_curves() -> None:
    random = np.random.default_rng(5)
    for n in (3, 8, 34):
        for scale in (3, 100):
            time, event = np.ceil(random.exponential(scale, n)), random.random(n) < 0.7
            distinct, place = np.unique(time, return_inverse=True)
            for _ in range(60):
                rows = random.integers(0, n, n)
                died = np.bincount(place[rows], event[rows], distinct.size)
                left = np.bincount(place[rows], ~event[rows], distinct.size)
                found = medians_of_counts(distinct, died[None, :], left[None, :]).item()
                curve = cs.kaplan_meier(cs.EventTable.from_arrays(time[rows], event[rows]))
                expected = curve.quantile(0.5)["estimate"].item()
                assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_three_patients_have_the_bootstrap_that_can_be_counted() -> None:
    # Of 27 samples of 1, 2, 3 without censoring the median is the middle value: 1 in 7, 2 in 13, 3 in 7 of them.
    found = cs.bootstrap_median(cs.EventTable.from_arrays([1, 2, 3], [1, 1, 1]), draws=20_000, seed=1)
    values, counts = np.unique(found.medians, return_counts=True)
    assert values.tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(counts / 20_000, [7 / 27, 13 / 27, 7 / 27], atol=4 * math.sqrt(0.25 / 20_000))
    assert (found.estimate.item(), found.ci_lower.item(), found.ci_upper.item()) == (2.0, 1.0, 3.0)


def test_drawing_patients_and_drawing_counts_is_one_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    time, event, _ = patients(400, 6)
    events = cs.EventTable.from_arrays(np.ceil(time / 40), event)  # many patients a time: multinomial counts
    assert events.time.size * 8 < 400
    counted = cs.bootstrap_median(events, draws=20_000, seed=1).medians
    # The same patients by a plain loop.
    random = np.random.default_rng(9)
    looped = []
    for _ in range(400):
        rows = random.integers(0, 400, 400)
        curve = cs.kaplan_meier(cs.EventTable.from_arrays(np.ceil(time / 40)[rows], event[rows]))
        looped.append(curve.quantile(0.5)["estimate"].item())
    values = np.unique(looped)
    for value in values:
        share = np.mean(np.array(looped) <= value)
        assert abs(np.mean(counted <= value) - share) < 4 * math.sqrt(0.25 / 400)


def test_what_is_not_reached_is_beyond_all() -> None:
    events = cs.EventTable.from_arrays([1, 2, 3, 4, 5, 6], [1, 0, 0, 0, 0, 0], group=["a", "a", "a", "b", "b", "b"])
    found = cs.bootstrap_median(events, draws=999, seed=1)
    assert np.isnan(found.estimate).all()
    assert found.reason == ("not reached", "not reached")
    assert np.isnan(found.ci_upper).all()
    assert found.n_not_reached.tolist()[1] == 999
    # Patient 1 of three is drawn at least twice in 7 of 27 samples: only then the curve of group a reaches one half,
    # or once with nobody else at risk, which cannot be.
    assert abs(found.n_not_reached[0] / 999 - 20 / 27) < 4 * math.sqrt(0.25 / 999)
    assert list(found.to_frame()["reason"]) == ["not reached", "not reached"]


def test_the_door_of_the_bootstrap() -> None:
    strata = cs.EventTable.from_arrays([1, 2, 3], [1, 1, 1], strata=["a", "b", "b"])
    with pytest.raises(cs.InputError, match="draws is 100; use at least 999, and give a seed"):
        bootstrap_median(strata, draws=100, seed=1)
    with pytest.raises(cs.InputError, match="2 strata"):
        bootstrap_median(strata, draws=999, seed=1)
    late = cs.EventTable.from_arrays([20, 40, 35], [1, 1, 0], entry=[0, 25, 0])
    with pytest.raises(cs.InputError, match="takes no late entries"):
        bootstrap_median(late, draws=999, seed=1)


def test_rounding_of_half_is_no_drop() -> None:
    # 1/3 steps leave 0.5000000000000001 at S = 1/2, which counts as one half.
    died, left = np.array([[1, 1, 1, 0, 1]]), np.array([[0, 0, 0, 1, 1]])
    time = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    curve = cs.kaplan_meier(cs.EventTable.from_arrays([1, 2, 3, 4, 5, 5], [1, 1, 1, 0, 1, 0]))
    assert abs(curve.survival[2] - 0.5) < TIE
    assert medians_of_counts(time, died, left).item() == curve.quantile(0.5)["estimate"].item() == 4.0
