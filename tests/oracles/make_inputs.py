"""Inputs of the R oracle of survival: cohorts. One seed, so a second run writes the same bytes.

Times are hexadecimal floats: R and Python then read the same bits, which near ties need.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SEED = 20180412
PER_KIND = 67

Rng = np.random.Generator
Cohort = dict[str, np.ndarray]


def cohort(time: np.ndarray, event: np.ndarray, **columns: np.ndarray) -> Cohort:
    n = len(time)
    blank = {"group": np.zeros(n, int), "stratum": np.zeros(n, int), "entry": np.zeros(n)}
    return {"time": np.asarray(time, float), "event": np.asarray(event, int), **blank, **columns}


def two_groups(rng: Rng, n: int) -> np.ndarray:
    group = rng.integers(0, 2, n)
    group[:2] = 0, 1
    return group


def size(rng: Rng) -> int:
    return int(rng.integers(4, 61))


def no_ties(rng: Rng) -> Cohort:
    n = size(rng)
    return cohort(rng.exponential(200, n), rng.random(n) < 0.7, group=two_groups(rng, n))


def whole_weeks(rng: Rng) -> Cohort:
    n = size(rng)
    return cohort(7 * rng.integers(1, 9, n), rng.random(n) < 0.6, group=two_groups(rng, n))


def whole_days(rng: Rng) -> Cohort:
    n = size(rng)
    return cohort(rng.integers(1, 400, n), rng.random(n) < 0.6, group=two_groups(rng, n))


def times_at_zero(rng: Rng) -> Cohort:
    n = size(rng)
    return cohort(rng.integers(0, 6, n), rng.random(n) < 0.6, group=two_groups(rng, n))


def near_ties(rng: Rng) -> Cohort:
    n = size(rng)
    steps = rng.choice([0.0, 1e-9, 1e-7, 5.5e-17], n)
    return cohort(rng.integers(1, 12, n) * 0.1 + steps, rng.random(n) < 0.7, group=two_groups(rng, n))


def all_censored(rng: Rng) -> Cohort:
    n = size(rng)
    return cohort(rng.integers(1, 50, n), np.zeros(n, int), group=two_groups(rng, n))


def single_group(rng: Rng) -> Cohort:
    n = int(rng.integers(1, 61))
    return cohort(rng.integers(1, 100, n), rng.random(n) < 0.6)


def one_event(rng: Rng) -> Cohort:
    n = size(rng)
    event = np.zeros(n, int)
    event[rng.integers(n)] = 1
    return cohort(rng.integers(1, 60, n), event, group=two_groups(rng, n))


def heavy_censoring(rng: Rng) -> Cohort:
    n = size(rng)
    return cohort(rng.integers(1, 200, n), rng.random(n) < 0.2, group=two_groups(rng, n))


def last_is_event(rng: Rng) -> Cohort:
    made = whole_days(rng)
    made["event"][np.argmax(made["time"])] = 1
    return made


def last_is_censored(rng: Rng) -> Cohort:
    made = whole_days(rng)
    made["event"][np.argmax(made["time"])] = 0
    return made


def several_groups(rng: Rng) -> Cohort:
    n, k = int(rng.integers(12, 61)), int(rng.integers(3, 6))
    group = rng.integers(0, k, n)
    group[:k] = range(k)
    # A declared level with nobody in it: the codes jump over 2.
    return cohort(rng.integers(1, 150, n), rng.random(n) < 0.7, group=np.where(group >= 2, group + 1, group))


def strata(rng: Rng) -> Cohort:
    n = int(rng.integers(10, 61))
    stratum = rng.integers(0, 4, n)
    group = np.where(stratum == 3, 1, two_groups(rng, n))  # one stratum holds one group
    return cohort(rng.integers(1, 100, n), rng.random(n) < 0.7, group=group, stratum=stratum)


def delayed_entry(rng: Rng) -> Cohort:
    n = int(rng.integers(8, 61))
    time = rng.integers(10, 100, n)
    return cohort(
        time,
        rng.random(n) < 0.6,
        group=two_groups(rng, n),
        entry=np.floor(time * rng.random(n) * (rng.random(n) < 0.6)),
    )


def plateaux(rng: Rng) -> Cohort:
    n = int(rng.choice([2, 4, 6, 8]))
    event = np.ones(n, int)
    event[n // 2 :] = rng.integers(0, 2, n - n // 2)
    return cohort(np.sort(rng.choice(np.arange(1, 40), n, replace=False)), event)


KINDS: tuple[Callable[[Rng], Cohort], ...] = (
    no_ties, whole_weeks, whole_days, times_at_zero, near_ties, all_censored, single_group, one_event, heavy_censoring,
    last_is_event, last_is_censored, several_groups, strata, delayed_entry, plateaux,
)  # fmt: skip


def write(name: str, header: str, lines: list[str]) -> None:
    text = "\n".join([header, *lines]) + "\n"
    (HERE / name).write_bytes(gzip.compress(text.encode(), mtime=0))


def main() -> None:
    rng = np.random.default_rng(SEED)
    lines, number = [], 0
    for kind in KINDS:
        for _ in range(PER_KIND):
            number += 1
            made = kind(rng)
            for time, event, group, stratum, entry in zip(*made.values(), strict=True):
                times = f"{float(time).hex()},{event},{group},{stratum},{float(entry).hex()}"
                lines.append(f"{number},{kind.__name__},{times}")
    write("cohorts.csv.gz", "cohort,kind,time,event,group,stratum,entry", lines)


if __name__ == "__main__":
    main()
