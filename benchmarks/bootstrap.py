"""10,000 bootstrap medians of 34 patients, as a ratio to refitting the curve with scikit-survival.

Run: ``python benchmarks/bootstrap.py`` in an environment that has scikit-survival; CPU time, interleaved, median of five.
scikit-survival refits 1,000 samples; its time is multiplied by ten.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

import cohortstats as cs

N, DRAWS, PART, REPEATS = 34, 10_000, 1_000, 5


def cohort() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(20180101)
    return np.ceil(random.exponential(200, N)), random.random(N) < 0.7


def with_scikit_survival(time_: np.ndarray, event: np.ndarray) -> np.ndarray:
    from sksurv.nonparametric import kaplan_meier_estimator

    random = np.random.default_rng(1)
    medians = np.full(PART, np.inf)
    for draw in range(PART):
        rows = random.integers(0, N, N)
        if event[rows].any():
            times, survival = kaplan_meier_estimator(event[rows], time_[rows])
            below = np.flatnonzero(survival <= 0.5)
            medians[draw] = times[below[0]] if below.size else np.inf
    return medians


def measure() -> list[dict[str, object]]:
    time_, event = cohort()
    events = cs.EventTable.from_arrays(time_, event)
    ours: list[float] = []
    theirs: list[float] = []
    cs.bootstrap_median(events, draws=999, seed=1)
    with_scikit_survival(time_, event)
    for _ in range(REPEATS):
        start = time.process_time()
        found = cs.bootstrap_median(events, draws=DRAWS, seed=1)
        ours.append(time.process_time() - start)
        start = time.process_time()
        medians = with_scikit_survival(time_, event)
        theirs.append((time.process_time() - start) * DRAWS / PART)
        # Two samplings of one distribution, but for the rule at flat pieces: as many medians lie beyond the estimate.
        beyond = [
            np.mean(np.nan_to_num(some, nan=np.inf) > found.estimate[0]) for some in (medians, found.medians[:, 0])
        ]
        assert abs(beyond[0] - beyond[1]) < 0.1, beyond
    return [
        {
            "job": f"{DRAWS:,} bootstrap medians, n = {N}",
            "ours": statistics.median(ours),
            "against": "scikit-survival",
            "theirs": statistics.median(theirs),
            "goal": 50,
        }
    ]


if __name__ == "__main__":
    for row in measure():
        print(row)
