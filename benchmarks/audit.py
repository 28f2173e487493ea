"""Audit of the shipped paper, after import, as a ratio to ``import pandas``; and of papers with more patients.

Bars: below 1 second, and below 3 times ``import pandas``. New processes, interleaved, median of seven; the child reports
the seconds of the audit alone, its first and so with every module of the solver to load.

Run: ``.venv/bin/python benchmarks/audit.py``
"""

from __future__ import annotations

import statistics
import subprocess
import sys

import cohortstats as cs

TURNS = 7
CLOCK = "import time; start = time.perf_counter(); {job}; print(time.perf_counter() - start)"
PAPER = str(cs.shipped_study("sakai2018"))
JOBS = {
    "import pandas": CLOCK.format(job="import pandas"),
    "audit, shipped paper": f"import pandas, cohortstats as cs; cs.audit; {CLOCK.format(job=f'cs.audit({PAPER!r})')}",
    "audit, solver loaded": (
        f"import pandas, scipy.optimize, cohortstats as cs; cs.audit; {CLOCK.format(job=f'cs.audit({PAPER!r})')}"
    ),
}
BAR_SECONDS, BAR_RATIO = 1.0, 3.0


def seconds(code: str) -> float:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    taken: dict[str, list[float]] = {name: [] for name in JOBS}
    for turn in range(TURNS + 1):
        for name, code in JOBS.items():
            elapsed = seconds(code)
            if turn:  # the first turn warms the disk
                taken[name].append(elapsed)
    peer = statistics.median(taken["import pandas"])
    for name, values in taken.items():
        middle = statistics.median(values)
        bar = "" if name == "import pandas" else f"  bars {BAR_SECONDS} s, ratio {BAR_RATIO}"
        print(f"{name:22} {middle:6.3f} s  ratio {middle / peer:5.2f}{bar}")


if __name__ == "__main__":
    main()
