"""Screens of 20,000 markers on 1,000 patients: Fisher's test as a ratio to R, log-rank as a ratio to statsmodels.

Run: ``python benchmarks/screens.py``; CPU time, interleaved, median of five. Both programs start from the columns of the
markers: `cs.screen` gives counts, P, adjusted P, attainable P and risk differences with limits, the peers P alone. R tests
2,000 of the markers in a loop of ``fisher.test(marker, outcome, conf.int = FALSE)`` and times itself, without its start;
statsmodels 2,000 in a loop of ``survdiff``; their times are multiplied by ten. A second row compares P alone, R being
handed all 20,000 tables already counted. Without Rscript it is left out, by name.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import cohortstats as cs
from cohortstats.stats.screen_fisher import MarkerCounts, count_markers, fisher_p_values

N, MARKERS, PART, REPEATS = 1_000, 20_000, 2_000, 5

COUNTED = """
m <- as.matrix(read.csv("{file}", header = FALSE))
taken <- system.time(p <- apply(m, 1, function(x) fisher.test(matrix(x, 2), conf.int = FALSE)$p.value))
cat(taken[["user.self"]] + taken[["sys.self"]], sum(p))
"""
COLUMNS = """
m <- matrix(readBin("{file}", "integer", {n} * ({part} + 1), size = 1), {n})
y <- m[, 1]
m <- m[, -1]
taken <- system.time(p <- apply(m, 2, function(x) fisher.test(x, y, conf.int = FALSE)$p.value))
cat(taken[["user.self"]] + taken[["sys.self"]], sum(p))
"""


def patients() -> pd.DataFrame:
    random = np.random.default_rng(20180101)
    markers = random.random((N, MARKERS)) < random.uniform(0.02, 0.5, MARKERS)
    frame = pd.DataFrame(markers, columns=[f"m{i}" for i in range(MARKERS)])
    outcome = {"resistant": random.random(N) < 0.3, "event": random.random(N) < 0.6}
    return pd.concat([frame, pd.DataFrame(outcome | {"days": np.ceil(random.exponential(300, N))})], axis=1)


def cpu(job: Callable[[], object]) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


def in_r(script: str) -> tuple[float, float]:
    """Seconds and the sum of all P."""
    done = subprocess.run(["Rscript", "-"], input=script, capture_output=True, text=True, check=True)
    seconds, total = map(float, done.stdout.split())
    return seconds, total


def scripts(frame: pd.DataFrame, counts: MarkerCounts, folder: str) -> tuple[str, str]:
    """What R is to run, on files in the folder: on counted tables, and on columns."""
    tables, columns = Path(folder) / "tables.csv", Path(folder) / "columns.bin"
    cells = [counts.x1, counts.n1 - counts.x1, counts.x2, counts.n2 - counts.x2]
    np.savetxt(tables, np.stack(cells, axis=1), fmt="%d", delimiter=",")
    names = ["resistant", *(f"m{i}" for i in range(PART))]
    columns.write_bytes(np.ascontiguousarray(frame[names].to_numpy().T).astype(np.int8).tobytes())
    return COUNTED.format(file=tables), COLUMNS.format(file=columns, n=N, part=PART)


def with_statsmodels(frame: pd.DataFrame) -> float:
    from statsmodels.duration.survfunc import survdiff

    time_, event = frame["days"].to_numpy(), frame["event"].to_numpy()
    return sum(float(survdiff(time_, event, frame[f"m{i}"].to_numpy())[1]) for i in range(PART))


def measure() -> list[dict[str, object]]:
    frame = patients()
    names = [f"m{i}" for i in range(MARKERS)]
    found = cs.screen(frame, markers="m*", outcome="resistant").to_frame()  # also what is made once
    tested = cs.screen(frame, markers="m*", time="days", event="event").to_frame()
    counts = count_markers(frame[names].to_numpy().T.astype(np.int8), frame["resistant"].to_numpy())
    ours: dict[str, list[float]] = {"screen": [], "counted": [], "log-rank": []}
    theirs: dict[str, list[float]] = {"screen": [], "counted": [], "log-rank": []}
    has_r, p = shutil.which("Rscript") is not None, found["p_value"].to_numpy()
    with tempfile.TemporaryDirectory() as folder:
        counted, columns = scripts(frame, counts, folder)
        for _ in range(REPEATS):
            ours["screen"].append(cpu(lambda: cs.screen(frame, markers="m*", outcome="resistant")))
            ours["counted"].append(cpu(lambda: fisher_p_values(counts)))
            if has_r:
                seconds, total = in_r(columns)
                theirs["screen"].append(seconds * MARKERS / PART)
                assert abs(total / p[:PART].sum() - 1) < 1e-6
                seconds, total = in_r(counted)
                theirs["counted"].append(seconds)
                assert abs(total / p.sum() - 1) < 1e-6
            ours["log-rank"].append(cpu(lambda: cs.screen(frame, markers="m*", time="days", event="event")))
            start = time.process_time()
            total = with_statsmodels(frame)
            theirs["log-rank"].append((time.process_time() - start) * MARKERS / PART)
            assert abs(total / tested["p_value"][:PART].sum() - 1) < 1e-9
    size = f"{MARKERS:,} x {N:,}"
    rows = [
        ("screen", f"Fisher screen {size}, from the columns", "R fisher.test", 100),
        ("counted", f"Fisher screen {size}, P of counted tables", "R fisher.test", 100),
        ("log-rank", f"log-rank screen {size}", "statsmodels", 9),
    ]
    return [
        {
            "job": name,
            "ours": statistics.median(ours[key]),
            "against": against,
            "theirs": statistics.median(theirs[key]) if theirs[key] else None,
            "goal": goal,
        }
        for key, name, against, goal in rows
    ]


if __name__ == "__main__":
    for row in measure():
        print(row)
