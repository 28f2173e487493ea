"""Cold starts as ratios to ``import pandas`` in the same environment, median of seven, interleaved.

Bars: ``cohortstats --help`` at most 0.5, ``import cohortstats`` at most 1.5, ``check`` of the shipped study at most 2.
Run: ``.venv/bin/python benchmarks/startup.py``
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import cohortstats as cs

PEER = "import pandas"
JOBS = {
    PEER: ["-c", "import pandas"],
    "cohortstats --help": ["-m", "cohortstats", "--help"],
    "import cohortstats": ["-c", "import cohortstats"],
    "cohortstats check": ["-m", "cohortstats", "check", str(cs.shipped_study("sakai2018"))],
    "cohortstats reproduce": ["-m", "cohortstats", "reproduce"],
}
BARS = {"cohortstats --help": 0.5, "import cohortstats": 1.5, "cohortstats check": 2.0}


def seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    taken: dict[str, list[float]] = {name: [] for name in JOBS}
    for turn in range(8):
        for name, arguments in JOBS.items():
            elapsed = seconds(arguments)
            if turn:  # the first turn warms the disk
                taken[name].append(elapsed)
    peer = statistics.median(taken[PEER])
    for name, values in taken.items():
        middle = statistics.median(values)
        bar = f"  bar {BARS[name]}" if name in BARS else ""
        print(f"{name:24} {middle:6.3f} s  ratio {middle / peer:5.2f}{bar}")


if __name__ == "__main__":
    main()
