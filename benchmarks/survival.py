"""Kaplan-Meier with log-log limits and log-rank of two groups, as ratios to statsmodels in the same run.

Run: ``.venv/bin/python benchmarks/survival.py [n]`` (a million patients by default); CPU time, median of five, interleaved.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

import cohortstats as cs


def cohort(n: int, *, whole_days: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(20180101)
    group = random.integers(0, 2, n)
    time_ = random.exponential(400 + 100 * group)
    event = random.random(n) < 0.7
    return (np.ceil(time_) if whole_days else time_), event, group


def ours(time_: np.ndarray, event: np.ndarray, group: np.ndarray) -> float:
    events = cs.EventTable.from_arrays(time_, event, group=group)
    cs.kaplan_meier(events, ci="log-log")
    return cs.log_rank_test(events).p_value


def with_statsmodels(time_: np.ndarray, event: np.ndarray, group: np.ndarray) -> float:
    for value in (0, 1):
        SurvfuncRight(time_[group == value], event[group == value])
    return float(survdiff(time_, event, group)[1])


def cpu(job: Callable[[], object]) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for whole_days in (True, False):
        data = cohort(n, whole_days=whole_days)
        taken: dict[str, list[float]] = {"cohortstats": [], "statsmodels": []}
        for _ in range(5):
            taken["cohortstats"].append(cpu(lambda data=data: ours(*data)))
            taken["statsmodels"].append(cpu(lambda data=data: with_statsmodels(*data)))
        middle = {name: statistics.median(values) for name, values in taken.items()}
        kind = "whole days" if whole_days else "continuous"
        print(
            f"n = {n:,}, {kind}: cohortstats {middle['cohortstats']:.4f} s, statsmodels {middle['statsmodels']:.4f} s, "
            f"{middle['statsmodels'] / middle['cohortstats']:.1f} times as fast"
        )


if __name__ == "__main__":
    main()
