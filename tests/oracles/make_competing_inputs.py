"""Cohorts with competing causes for the R oracle; one seed, so a second run writes the same bytes."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SEED = 19880903
PER_KIND = 30

Rng = np.random.Generator
Columns = tuple[np.ndarray, np.ndarray, int]  # time, cause, number of groups


def size(rng: Rng) -> int:
    return int(rng.integers(6, 41))


def causes(rng: Rng, n: int, shares: tuple[float, float, float]) -> np.ndarray:
    return rng.choice(3, n, p=shares)


def no_ties(rng: Rng) -> Columns:
    n = size(rng)
    return np.round(rng.exponential(200, n), 6) + 0.001, causes(rng, n, (0.3, 0.4, 0.3)), 2


def whole_weeks(rng: Rng) -> Columns:
    n = size(rng)
    return 7 * rng.integers(1, 9, n), causes(rng, n, (0.3, 0.4, 0.3)), 2


def whole_days(rng: Rng) -> Columns:
    n = size(rng)
    return rng.integers(1, 300, n), causes(rng, n, (0.3, 0.4, 0.3)), 2


def times_at_zero(rng: Rng) -> Columns:
    n = size(rng)
    return rng.integers(0, 7, n), causes(rng, n, (0.3, 0.4, 0.3)), 2


def near_ties(rng: Rng) -> Columns:
    n = size(rng)
    return rng.integers(1, 12, n) * 0.1 + rng.choice([0.0, 1e-9, 1e-7], n), causes(rng, n, (0.2, 0.5, 0.3)), 2


def heavy_censoring(rng: Rng) -> Columns:
    n = size(rng)
    return rng.integers(1, 100, n), causes(rng, n, (0.7, 0.2, 0.1)), 2


def no_censoring(rng: Rng) -> Columns:
    n = size(rng)
    return rng.integers(1, 60, n), causes(rng, n, (0.0, 0.6, 0.4)), 2


def three_groups(rng: Rng) -> Columns:
    n = int(rng.integers(15, 41))
    return rng.integers(1, 60, n), causes(rng, n, (0.2, 0.5, 0.3)), 3


KINDS: tuple[Callable[[Rng], Columns], ...] = (
    no_ties, whole_weeks, whole_days, times_at_zero, near_ties, heavy_censoring, no_censoring, three_groups,
)  # fmt: skip


def main() -> None:
    rng = np.random.default_rng(SEED)
    lines, number = ["cohort,kind,time,cause,group,x"], 0
    for kind in KINDS:
        for _ in range(PER_KIND):
            number += 1
            time, cause, n_groups = kind(rng)
            group = rng.integers(0, n_groups, time.size)
            group[:n_groups] = range(n_groups)
            x = rng.integers(-8, 9, time.size) / 4
            columns = zip(time, cause, group, x, strict=True)
            lines += [f"{number},{kind.__name__},{float(t).hex()},{c},{g},{z}" for t, c, g, z in columns]
    (HERE / "competing.csv.gz").write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))


if __name__ == "__main__":
    main()
