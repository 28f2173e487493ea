"""Best responses of 200,000 visits, and responses of 600,000 lesions, as ratios to sorting the same frame with pandas.

Bar: 200,000 visits in less than 5 seconds. Run: ``.venv/bin/python benchmarks/responses.py``
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

import cohortstats as cs

N = 40_000
BAR = 5.0


def seconds(job: Callable[[], object]) -> float:
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        job()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    rng = np.random.default_rng(1)
    words = np.array(["CR", "SD", "NON-CR/NON-PD", "PD", "NE"], dtype=object)
    visits = pd.DataFrame({"patient": np.repeat(np.arange(N), 5), "date": np.tile(np.arange(1, 6) * 42, N)})
    visits["response"] = words[rng.integers(0, len(words), len(visits))]
    visits = visits.sample(frac=1, random_state=1)
    lesions = pd.DataFrame({"patient": np.repeat(np.arange(N), 15), "visit": np.tile(np.repeat(np.arange(5), 3), N)})
    lesions["lesion"], lesions["role"] = np.tile(["T1", "T2", "T3"], 5 * N), "target"
    lesions["size"] = rng.integers(0, 1000, len(lesions)) / 10
    lesions = lesions.sample(frac=1, random_state=1)
    for name, frame, keys, job in (
        ("best response", visits, ["patient", "date"], lambda: cs.best_response(visits, min_sd=42, confirmed=True)),
        ("response of lesions", lesions, ["patient", "visit"], lambda: cs.timepoint_response(lesions)),
    ):
        peer, ours = seconds(lambda frame=frame, keys=keys: frame.sort_values(keys)), seconds(job)  # type: ignore[misc]
        verdict = "" if ours < BAR else f", MORE THAN {BAR:g} s"
        print(f"{name:20s} {len(frame):8,d} rows  {ours:6.2f} s  {ours / peer:6.1f} x sort_values{verdict}")


if __name__ == "__main__":
    main()
