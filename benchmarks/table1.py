"""Table 1 of a million patients and 51 variables, as a ratio to tableone in the same run, and the memory that each takes.

Run: ``python benchmarks/table1.py [n]`` in an environment that has tableone; CPU time, interleaved, each measurement in a
process of its own, so that peak memory is that of one program. 17 variables are numbers (median and range), 17 yes/no, 17
ordered with four levels; 5 % of each are missing. ``text`` as second word makes the ordered ones text.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

LEVELS = ("I", "II", "III", "IV")
REPEATS = 5

STUDY = """
cohortstats = 1
[study]
id = "million"
title = "A million patients"
n = 4
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
{columns}
[[characteristics]]
id = "table1"
title = "Characteristics"
rows = [{rows}]
"""


def data(n: int) -> dict[str, np.ndarray]:
    """Number, yes/no or place of a level, with the 5 % that are missing as a second array."""
    random = np.random.default_rng(20180101)
    made: dict[str, np.ndarray] = {}
    for i in range(17):
        made[f"number{i}"] = random.normal(60, 10, n)
        made[f"yes{i}"] = random.random(n) < 0.3
        made[f"level{i}"] = random.integers(0, len(LEVELS), n)
    return made | {f"{name} missing": random.random(n) < 0.05 for name in list(made)}


def cohort(columns: dict[str, np.ndarray], n: int, kind: str):  # type: ignore[no-untyped-def]
    """A cohort of these arrays; a study of four patients lends the protocol."""
    import cohortstats as cs
    from cohortstats.expressions.values import Values

    names = [name for name in columns if " " not in name]
    kinds = {
        "number": '{ type = "number", unit = "" }',
        "yes": '{ type = "yes/no" }',
        "level": '{ type = "category" }' if kind == "text" else '{ order = ["I", "II", "III", "IV"] }',
    }
    cells = {"number": ["1", "2", "3", "4"], "yes": ["yes", "no", "yes", "no"], "level": list(LEVELS)}
    with tempfile.TemporaryDirectory() as folder:
        stem = [name.rstrip("0123456789") for name in names]
        declared = "\n".join(f"{name} = {kinds[one]}" for name, one in zip(names, stem, strict=True))
        rows = ", ".join(f'"{name}"' for name in names)
        (Path(folder) / "study.toml").write_text(STUDY.format(columns=declared, rows=rows))
        small = pd.DataFrame({"id": ["a", "b", "c", "d"]} | {n: cells[s] for n, s in zip(names, stem, strict=True)})
        small.to_csv(Path(folder) / "patients.csv", index=False)
        few = cs.load_cohort(folder)
    held = {}
    for name, one in zip(names, stem, strict=True):
        values, missing = columns[name], columns[f"{name} missing"]
        if one == "level" and kind == "text":
            values = np.array(LEVELS, dtype=object)[values]
        held[name] = Values(kind=few.data[name].kind, data=values, missing=missing, levels=few.data[name].levels)
    return dataclasses.replace(few, ids=tuple(map(str, range(n))), data=held, tables={})


def frame(columns: dict[str, np.ndarray]) -> pd.DataFrame:
    made = {}
    for name in (name for name in columns if " " not in name):
        missing = columns[f"{name} missing"]
        if name.startswith("number"):
            made[name] = np.where(missing, np.nan, columns[name])
        else:
            levels = ("no", "yes") if name.startswith("yes") else LEVELS
            made[name] = pd.Categorical.from_codes(np.where(missing, -1, columns[name].astype(int)), levels)
    return pd.DataFrame(made)


def one_run(program: str, n: int, kind: str) -> None:
    """CPU seconds, and peak memory above the data in MB."""
    warnings.simplefilter("ignore")
    columns = data(n)
    if program == "cohortstats":
        import cohortstats as cs

        patients = cohort(columns, n, kind)
        entry = patients.study.exhibit("table1")
        cs.characteristics  # noqa: B018 - imported before the clock starts

        def job() -> object:
            return cs.characteristics(patients, entry)
    else:
        from tableone import TableOne

        table = frame(columns)
        numbers = [name for name in table if name.startswith("number")]
        others = [name for name in table if not name.startswith("number")]

        def job() -> object:
            return TableOne(
                table, columns=list(table), categorical=others, nonnormal=numbers, min_max=numbers, pval=False
            )

    del columns
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    job()
    taken = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": taken, "megabytes": (peak - before) / 1024}))


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    kind = sys.argv[2] if len(sys.argv) > 2 else "ordered"
    if len(sys.argv) > 3:
        one_run(sys.argv[3], n, kind)
        return
    measure(n, kind)


def measure(n: int = 1_000_000, kind: str = "ordered") -> list[dict[str, object]]:
    taken: dict[str, list[dict[str, float]]] = {"cohortstats": [], "tableone": []}
    for _ in range(REPEATS):
        for program, runs in taken.items():
            words = [sys.executable, __file__, str(n), kind, program]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            runs.append(json.loads(done.stdout))
    seconds = {name: statistics.median(run["seconds"] for run in runs) for name, runs in taken.items()}
    memory = {name: max(run["megabytes"] for run in runs) for name, runs in taken.items()}
    print(
        f"n = {n:,} x 51, {kind}: cohortstats {seconds['cohortstats']:.3f} s and {memory['cohortstats']:.0f} MB above the "
        f"data, tableone {seconds['tableone']:.3f} s and {memory['tableone']:.0f} MB, "
        f"{seconds['tableone'] / seconds['cohortstats']:.1f} times as fast",
        file=sys.stderr,
    )
    return [
        {
            "job": f"Table 1, {n:,} x 51",
            "ours": seconds["cohortstats"],
            "against": "tableone",
            "theirs": seconds["tableone"],
            "goal": 50,
            "above": memory,
        }
    ]


if __name__ == "__main__":
    main()
