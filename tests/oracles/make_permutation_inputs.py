"""Inputs of the R oracle of permutation tests: small cohorts of two groups, and markers to be cut.

One seed, so a second run writes the same bytes. Times are hexadecimal floats: R and Python then read the same bits.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SEED = 20180517
PER_KIND = 40
N_LARGER = 20
N_MARKERS = 40

Rng = np.random.Generator
Times = tuple[np.ndarray, np.ndarray]


def no_ties(rng: Rng, n: int) -> Times:
    return rng.exponential(100, n), rng.random(n) < 0.7


def ties(rng: Rng, n: int) -> Times:
    return rng.integers(1, 6, n) * 7.0, rng.random(n) < 0.7


def all_events(rng: Rng, n: int) -> Times:
    return rng.integers(1, 30, n) * 1.0, np.ones(n, dtype=bool)


def heavy_censoring(rng: Rng, n: int) -> Times:
    event = rng.random(n) < 0.25
    event[0] = True
    return rng.integers(0, 60, n) * 1.0, event


def near_ties(rng: Rng, n: int) -> Times:
    return rng.integers(1, 8, n) * 0.1 + rng.choice([0.0, 1e-9, 5.5e-17], n), rng.random(n) < 0.7


KINDS: tuple[Callable[[Rng, int], Times], ...] = (no_ties, ties, all_events, heavy_censoring, near_ties)


def group_of(rng: Rng, n: int) -> np.ndarray:
    group = rng.permutation(np.arange(n) % 2 if rng.random() < 0.5 else (np.arange(n) < rng.integers(2, n - 1)) * 1)
    return np.asarray(group)


def write(name: str, header: str, lines: list[str]) -> None:
    text = "\n".join([header, *lines]) + "\n"
    (HERE / name).write_bytes(gzip.compress(text.encode(), mtime=0))


def main() -> None:
    rng = np.random.default_rng(SEED)
    lines, number = [], 0
    sizes = [(kind, (5, 13), PER_KIND) for kind in KINDS] + [(kind, (24, 37), N_LARGER // 2) for kind in KINDS[:2]]
    for kind, (least, below), times in sizes:
        for _ in range(times):
            number += 1
            n = int(rng.integers(least, below))
            time, event = kind(rng, n)
            for t, e, g in zip(time, event, group_of(rng, n), strict=True):
                lines.append(f"{number},{kind.__name__},{float(t).hex()},{int(e)},{g}")
    write("permutation_cohorts.csv.gz", "cohort,kind,time,event,group", lines)

    lines = []
    for number in range(1, N_MARKERS + 1):
        n = int(rng.choice([10, 20, 30]))
        time, event = no_ties(rng, n)
        marker = rng.integers(0, 12, n) if number % 2 else rng.permutation(n)
        for m, t, e in zip(marker, time, event, strict=True):
            lines.append(f"{number},{m},{float(t).hex()},{int(e)}")
    write("permutation_markers.csv.gz", "set,marker,time,event", lines)


if __name__ == "__main__":
    main()
