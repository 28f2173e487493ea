"""Exact and Monte Carlo permutation log-rank tests of 17 against 17 patients, as ratios to coin in the same run.

Run: ``.venv/bin/python benchmarks/exact_log_rank.py``; CPU time, median of nine, interleaved, on one cohort. coin runs in
R, whose start is not counted: it times itself. Without Rscript or coin it is left out, by name.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

import cohortstats as cs

DRAWS = 100_000
REPEATS = 9

PEER = """
if (!requireNamespace("coin", quietly = TRUE)) quit(status = 3)
suppressPackageStartupMessages({{library(survival); library(coin)}})
d <- data.frame(time = c({time}), event = c({event}), group = factor(c({group})))
distribution <- {distribution}
test <- function() pvalue(logrank_test(Surv(time, event) ~ group, d, distribution = distribution))
set.seed(1)
invisible(test())
taken <- system.time(p <- test())
cat(taken[["user.self"]] + taken[["sys.self"]], p)
"""


def cohort(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(20180101)
    return np.ceil(random.exponential(200, n)), random.random(n) < 0.7, np.arange(n) % 2


def cpu(job: Callable[[], float]) -> tuple[float, float]:
    start = time.process_time()
    p = job()
    return time.process_time() - start, p


def with_coin(data: tuple[np.ndarray, np.ndarray, np.ndarray], distribution: str) -> tuple[float, float] | None:
    """Seconds and p, or None when R or coin is not installed."""
    if shutil.which("Rscript") is None:
        return None
    columns = (",".join(f"{value:g}" for value in column) for column in data)
    script = PEER.format(**dict(zip(("time", "event", "group"), columns, strict=True)), distribution=distribution)
    done = subprocess.run(["Rscript", "-"], input=script, capture_output=True, text=True, check=False)
    if done.returncode == 3:
        return None
    done.check_returncode()
    seconds, p = map(float, done.stdout.split())
    return seconds, p


def main() -> None:
    measure()


def measure() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    data = cohort(34)
    jobs: dict[str, tuple[Callable[[], float], str]] = {
        "exact": (lambda: cs.log_rank_exact(*data).p_value, '"exact"'),
        f"{DRAWS:,} permutations": (
            lambda: cs.log_rank_exact(*data, draws=DRAWS, seed=1).p_value,
            f"approximate(nresample = {DRAWS})",
        ),
    }
    for name, (ours, distribution) in jobs.items():
        ours()  # tables that one process makes once
        mine, theirs = [], []
        for _ in range(REPEATS):
            mine.append(cpu(ours))
            peer = with_coin(data, distribution)
            if peer is None:
                break
            theirs.append(peer)
        seconds, p = statistics.median(taken for taken, _ in mine), mine[0][1]
        line = f"n = 34, {name}: cohortstats {seconds:.4f} s (P = {p:.6f})"
        row = {
            "job": f"{name} log-rank, n = 34",
            "ours": seconds,
            "against": f"coin {'exact' if name == 'exact' else 'approximate'}",
        }
        peer_seconds = statistics.median(taken for taken, _ in theirs) if theirs else None
        rows.append(row | {"theirs": peer_seconds, "goal": 15 if name == "exact" else 3})
        if peer_seconds is None:
            print(f"{line}; coin is not installed, not compared", file=sys.stderr)
            continue
        faster = f"{peer_seconds / seconds:.1f} times as fast"
        print(f"{line}, coin {peer_seconds:.4f} s (P = {theirs[0][1]:.6f}), {faster}", file=sys.stderr)
    return rows


if __name__ == "__main__":
    main()
