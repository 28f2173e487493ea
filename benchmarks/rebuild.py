"""Conflicts, rebuilding and ranges of counts on the shipped paper, in seconds and as ratios to loading pandas.

Run: ``.venv/bin/python benchmarks/rebuild.py``; processor time, median of five. Bars: all conflicts with their
corrections in less than 10 s, a rebuilt table in less than 5 s.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import cohortstats as cs
from cohortstats.printed import Printed
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.conflict_sets import find_conflicts
from cohortstats.shipped import shipped_study

REPEATS = 5
CONTRADICTED = ("text/evaluable", "text/received_tdm1")


def cpu(job: Callable[[], object]) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


def loading_pandas() -> float:
    code = "import time; start = time.process_time(); import pandas; print(time.process_time() - start)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    path = shipped_study("sakai2018") / "published.toml"
    printed = Printed.read(path)
    model = CohortModel.of(printed, ("published", "derived"), CONTRADICTED)
    jobs: dict[str, tuple[Callable[[], object], float | None]] = {
        "all conflicts": (lambda: find_conflicts(printed), 10),
        "rebuild": (lambda: cs.rebuild(path, seed=1), 5),
        "range of one count": (lambda: model.range_of("primary_resistance and prior_taxane"), None),
    }
    print(f"model: {model.n_variables} variables, {model.n_rows} rows")
    for job, _ in jobs.values():
        job()
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    pandas: list[float] = []
    for _ in range(REPEATS):
        pandas.append(loading_pandas())
        for name, (job, _) in jobs.items():
            taken[name].append(cpu(job))
    base = statistics.median(pandas)
    for name, (_, bar) in jobs.items():
        seconds = statistics.median(taken[name])
        said = "" if bar is None else f"; bar {bar} s, {'reached' if seconds < bar else 'NOT reached'}"
        print(f"{name}: {seconds:.2f} s, {seconds / base:.1f} times `import pandas`{said}")


if __name__ == "__main__":
    main()
