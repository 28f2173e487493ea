"""A second covariate and a cluster for the two-group cohorts that the Cox models of the R oracle are fitted to.

Run after make_inputs.py has written cohorts.csv.gz; one seed, so a second run writes the same bytes.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SEED = 19720101
PER_KIND = 32
KINDS = (
    "no_ties", "whole_weeks", "whole_days", "times_at_zero", "near_ties", "all_censored", "one_event",
    "heavy_censoring", "last_is_event", "last_is_censored", "strata", "delayed_entry",
)  # fmt: skip


def main() -> None:
    rng = np.random.default_rng(SEED)
    with gzip.open(HERE / "cohorts.csv.gz", "rt", encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    chosen: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for row in rows:
        kind, cohort = row["kind"], row["cohort"]
        if kind in chosen and cohort not in chosen[kind] and len(chosen[kind]) < PER_KIND:
            chosen[kind].append(cohort)
    wanted = {cohort for cohorts in chosen.values() for cohort in cohorts}
    lines = [",".join([*rows[0], "x", "cluster"])]
    # Quarters are exact in both programs; a wide spread makes some of the fits nearly monotone.
    lines += [
        f"{','.join(row.values())},{rng.integers(-8, 9) / 4},{rng.integers(1, 6)}"
        for row in rows
        if row["cohort"] in wanted
    ]
    (HERE / "regression_cohorts.csv.gz").write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))


if __name__ == "__main__":
    main()
