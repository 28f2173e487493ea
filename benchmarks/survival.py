"""Kaplan-Meier with log-log limits and log-rank of two groups: speed beside statsmodels, and the memory of a large cohort.

Run: ``.venv/bin/python benchmarks/survival.py [n]`` (a million patients by default): CPU time as a ratio to statsmodels in
the same run, median of five, interleaved. ``.venv/bin/python benchmarks/survival.py memory [n]`` (ten million by default):
CPU time and peak memory of table, curves and test together, each kind of times in a process of its own.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
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
    if whole_days:
        np.ceil(time_, out=time_)
    return time_, event, group


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


def peak_megabytes() -> float:
    """Largest resident size of this process so far; Linux counts in kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_memory(n: int, kind: str) -> None:
    data = cohort(n, whole_days=kind == "whole")
    before, start = peak_megabytes(), time.process_time()
    events = cs.EventTable.from_arrays(data[0], data[1], group=data[2])
    table = peak_megabytes()
    curves = cs.kaplan_meier(events, ci="log-log")
    drawn = peak_megabytes()
    test = cs.log_rank_test(events)
    taken = time.process_time() - start
    print(
        f"n = {n:,}, {kind} times: {curves.time.size:,} rows, {taken:.2f} s; peak {before:.0f} MB with the patients, "
        f"{table:.0f} MB with the table, {drawn:.0f} MB with the curves, {peak_megabytes():.0f} MB with the test "
        f"(chi-square {test.statistic:.6g})"
    )


def main() -> None:
    if sys.argv[1:2] == ["memory"]:
        n = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
        if len(sys.argv) > 3:
            in_memory(n, sys.argv[3])
            return
        for kind in ("whole", "continuous"):
            subprocess.run([sys.executable, __file__, "memory", str(n), kind], check=True)
        return
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)


def measure(n: int = 1_000_000) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
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
            f"{middle['statsmodels'] / middle['cohortstats']:.1f} times as fast",
            file=sys.stderr,
        )
        rows.append(
            {
                "job": f"Kaplan-Meier + log-rank, {n:,}, {kind}, 2 groups",
                "ours": middle["cohortstats"],
                "against": "statsmodels",
                "theirs": middle["statsmodels"],
                "goal": 20 if whole_days else 1.8,
            }
        )
    return rows


if __name__ == "__main__":
    main()
