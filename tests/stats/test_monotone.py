"""Whether a likelihood has a maximum: the linear program against all pairs at once, and against a direct search."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from scipy.optimize import linprog
from surpyval import CoxPH

from cohortstats.stats.moments import event_moments, merge_times
from cohortstats.stats.monotone import flat_directions, monotone_direction

N_RANDOM = 300


def random_cohort(seed: int, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Few patients and few values, so that about half have no maximum: time, event, x, entry, stratum."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 12))
    time = rng.integers(1, 7, n).astype(float)
    event = rng.random(n) < 0.6
    event[int(rng.integers(n))] = True
    x = rng.integers(0, 3, (n, k)).astype(float)
    entry = np.floor(time * rng.random(n) * (rng.random(n) < 0.5))
    return time, event, x, np.where(entry < time, entry, 0.0), rng.integers(0, 2, n)


def pairs(
    time: np.ndarray, event: np.ndarray, entry: np.ndarray, stratum: np.ndarray, discrete: bool
) -> list[tuple[int, int]]:
    """Patient with the event, other patient at risk at that time."""
    found = []
    for i, j in itertools.product(np.flatnonzero(event), range(time.size)):
        tied = event[j] and time[j] == time[i]
        if i != j and stratum[i] == stratum[j] and entry[j] < time[i] <= time[j] and not (discrete and tied):
            found.append((int(i), int(j)))
    return found


def decided_by_all_pairs(x: np.ndarray, compared: list[tuple[int, int]]) -> bool:
    if not compared:
        return False
    rows = np.array([x[i] - x[j] for i, j in compared])
    solved = linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1), method="highs")
    return bool(-solved.fun > 1e-7)


@pytest.mark.parametrize("discrete", [False, True])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_against_all_pairs(k: int, discrete: bool) -> None:
    endless = 0
    for seed in range(N_RANDOM):
        time, event, x, entry, stratum = random_cohort(seed, k)
        compared = pairs(time, event, entry, stratum, discrete)
        risk = event_moments(time, event, entry, stratum)
        rows = np.array([x[i] - x[j] for i, j in compared]) if compared else np.zeros((1, k))
        spread = [x[i] - x[j] for i, j in pairs(time, event, entry, stratum, False)]
        if discrete:  # patients tied with the event differ from each other, where somebody else is at risk
            alone = {i for i, _ in compared}
            spread = [x[i] - x[j] for i, j in pairs(time, event, entry, stratum, False) if i in alone]
        rank = np.linalg.matrix_rank(np.array(spread)) if spread else 0
        assert flat_directions(risk, x, discrete=discrete) == (rank < k)
        if rank < k:
            continue
        direction = monotone_direction(risk, x, discrete=discrete)
        assert (direction is not None) == decided_by_all_pairs(x, compared)
        if direction is not None:
            endless += 1
            centred = np.abs(x - x.mean(axis=0)).max(axis=0)
            slack = (rows / centred) @ direction
            assert slack.min() >= -1e-7
            assert slack.max() > 1e-7
    assert 20 < endless < N_RANDOM - 20


def test_against_surpyval() -> None:
    """Another library that decides this from the data; it knows neither late entries nor exact ties."""
    found = []
    for seed in range(80):
        time, event, x, _, _ = random_cohort(seed, 2)
        risk = event_moments(time, event, None, None)
        if flat_directions(risk, x):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of what is asked here
            theirs = CoxPH.fit(x=time, Z=x, c=(~event).astype(int), center=True).maximum == "no finite maximum"
        assert (monotone_direction(risk, x) is not None) == theirs
        found.append(theirs)
    assert 10 < sum(found) < len(found) - 10


def test_rounding_noise_decides_nothing() -> None:
    # At 0.3 the patients with x = 1 and x = 0 have the event together; taken literally one of them is the first.
    time = np.array([0.3, 0.1 + 0.2, 0.5, 0.7])
    event, x = np.array([True, True, False, False]), np.array([[1.0], [0], [0], [0]])
    literal = event_moments(time, event, None, None)
    assert monotone_direction(literal, x) is not None
    merged = event_moments(merge_times(time, None)[0], event, None, None)
    assert monotone_direction(merged, x) is None


def test_many_patients() -> None:
    rng = np.random.default_rng(7)
    n = 20_000
    time, event, x = rng.exponential(1, n), rng.random(n) < 0.5, rng.normal(size=(n, 4))
    risk = event_moments(time, event, None, None)
    assert not flat_directions(risk, x)
    assert monotone_direction(risk, x) is None
    x[:, 2] = -np.argsort(np.argsort(time))  # whoever has the event is the highest of those at risk
    direction = monotone_direction(event_moments(time, event, None, None), x)
    assert direction is not None
    assert np.argmax(np.abs(direction)) == 2


def test_one_who_never_meets_an_event() -> None:
    # x differs in one patient only, who is censored before the first event.
    risk = event_moments(np.array([1.0, 2, 3, 4]), np.array([False, True, True, False]), None, None)
    assert flat_directions(risk, np.array([[1.0], [0], [0], [0]]))
    assert not flat_directions(risk, np.array([[1.0], [0], [1], [0]]))


def test_strata_are_not_compared() -> None:
    # Between the strata x and time go together; within them nobody differs.
    time, event = np.array([1.0, 2, 3, 4]), np.array([True] * 4)
    x, stratum = np.array([[1.0], [1], [0], [0]]), np.array([0, 0, 1, 1])
    assert monotone_direction(event_moments(time, event, None, None), x) is not None
    assert flat_directions(event_moments(time, event, None, stratum), x)
