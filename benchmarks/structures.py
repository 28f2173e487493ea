"""Orders of times that print a figure, and ranges over cohorts, as times and ratios within one run.

Run: ``.venv/bin/python benchmarks/structures.py``; wall time, median of five. The bars: all orders of one group size in
less than 5 s, facts about single patients in less than 10 s.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import cohortstats as cs
from cohortstats.printed import Printed
from cohortstats.published.structures.orders import SurvivalSpec, first_structure, structures

SAKAI = Path(__file__).parents[1] / "data" / "raw" / "sakai2018"
REPEATS = 5


def seconds(job: Callable[[], object], repeats: int = REPEATS) -> float:
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    printed = Printed.read(SAKAI)
    spec = SurvivalSpec.of(printed, "figure1")
    visited = 0
    every = 0.0
    for n in range(4, 12):
        taken = seconds(lambda n=n: structures(spec, (n, 16 - n)))  # type: ignore[misc]
        found = structures(spec, (n, 16 - n))
        infinite = int(np.isinf(found.hazard_ratio).sum())
        print(f"n = {n:2d}: {len(found):5d} orders, {infinite:4d} without a finite ratio  {taken:6.3f} s")
        visited += len(found)
        every += taken
    print(f"all sizes: {visited} orders in {every:.2f} s ({5 / every:.0f} x faster than 5 s for one)")
    print(f"first order of 13 + 12 patients: {seconds(lambda: first_structure(spec, (13, 12), seed=1)):.3f} s")
    plain = seconds(lambda: cs.bounds(printed, "count(hr_positive)"))
    print(f"one count: {plain:.2f} s")
    for statistic in ("fisher(adjuvant_trastuzumab; primary_resistance)", "hr(figure1)", "patients"):
        taken = seconds(lambda statistic=statistic: cs.bounds(printed, statistic), 3)  # type: ignore[misc]
        print(f"{statistic}: {taken:.2f} s, {taken / plain:.1f} x one count")


if __name__ == "__main__":
    main()
