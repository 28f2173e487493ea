"""Cohorts whose rows stand for several patients: whole-number weights, 0 among them. One seed, so two runs agree.

Times are hexadecimal floats: R and Python then read the same bits, which near ties need.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SEED = 20180906
PER_KIND = 22


def cohort(rng: np.random.Generator, kind: str) -> list[tuple[float, int, int, float, int]]:
    n = int(rng.integers(4, 31))
    time = {
        "whole days": lambda: rng.integers(1, 60, n).astype(float),
        "fractions": lambda: rng.exponential(20, n),
        "near ties": lambda: rng.integers(1, 9, n) * 0.1 + rng.choice([0.0, 1e-9, 5.5e-17], n),
        "late entries": lambda: rng.integers(10, 60, n).astype(float),
    }[kind]()
    entry = np.floor(time * rng.random(n) * (rng.random(n) < 0.6)) if kind == "late entries" else np.zeros(n)
    event, group = (rng.random(n) < 0.7).astype(int), rng.integers(0, 2, n)
    weight = rng.integers(0, 6, n)
    group[:2], weight[:2] = (0, 1), (1, 2)  # each group has somebody
    return list(zip(time, event, group, entry, weight, strict=True))


def main() -> None:
    rng = np.random.default_rng(SEED)
    lines, number = ["cohort,kind,time,event,group,entry,weight"], 0
    for kind in ("whole days", "fractions", "near ties", "late entries"):
        for _ in range(PER_KIND):
            number += 1
            for time, event, group, entry, weight in cohort(rng, kind):
                lines.append(f"{number},{kind},{float(time).hex()},{event},{group},{float(entry).hex()},{weight}")
    (HERE / "weights_cohorts.csv.gz").write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))


if __name__ == "__main__":
    main()
