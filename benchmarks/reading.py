"""Reading of large tables, beside ``pandas.read_csv(dtype=str)`` on the same file in the same run, median of three.

CSV of 200,000 rows and 60 columns (10 dates, 20 numbers, 29 categories, an id), plain and with every cell in quotes, and
Excel of 20,000 rows; each also typed by a study file. Bars: reading at most 6 times pandas; CSV read and typed in 20 s
and 1 GB, Excel in 60 s.
Run: ``.venv/bin/python benchmarks/reading.py``
"""

from __future__ import annotations

import csv
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd

import cohortstats as cs
from cohortstats.files import read_table

SEED = 20160304
N_CSV, N_EXCEL, TURNS = 200_000, 20_000, 3
STUDY = """
cohortstats = 1
[study]
id = "large"
title = "Large"
conventions = "r"
missing = [""]
[data.patients]
file = "{file}"
id = "id"
rows = "one per patient"
[columns.patients]
{columns}
"""


def frame(n: int) -> pd.DataFrame:
    draw = np.random.default_rng(SEED)
    data: dict[str, object] = {"id": [f"P{number:06d}" for number in range(n)]}
    for place in range(10):
        data[f"date_{place}"] = (np.datetime64("2010-01-01") + draw.integers(0, 3000, n)).astype(str)
    for place in range(20):
        data[f"number_{place}"] = draw.normal(50, 10, n).round(2 if place < 10 else 12)
    for place in range(29):
        data[f"category_{place}"] = draw.choice(["CR", "PR", "SD", "PD", "unknown", ""], n)
    return pd.DataFrame(data)


def study(folder: Path, file: str, names: list[str]) -> Path:
    kinds = {"date": "date", "number": "number", "category": "category"}
    columns = [f'{name} = {{ type = "{kinds[name.partition("_")[0]]}" }}' for name in names if name != "id"]
    path = folder / f"{Path(file).stem}.toml"
    path.write_text(STUDY.format(file=file, columns="\n".join(columns)), encoding="utf-8")
    return path


def seconds(job: object) -> float:
    start = time.perf_counter()
    job()  # type: ignore[operator]
    return time.perf_counter() - start


def validated(path: Path) -> tuple[float, float]:
    """Seconds and peak gigabytes of a process that reads and types the table of a study."""
    done = subprocess.run([sys.executable, __file__, str(path)], check=True, capture_output=True, text=True)
    taken, peak = done.stdout.split()
    return float(taken), float(peak)


def alone(path: str) -> None:
    taken = seconds(lambda: cs.load_cohort(path))
    # Not ru_maxrss: a child begins with what its parent had.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    print(taken, int(status.partition("VmHWM:")[2].split()[0]) / 1e6)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large = frame(N_CSV)
        large.to_csv(folder / "plain.csv", index=False)
        large.to_csv(folder / "quoted.csv", index=False, quoting=csv.QUOTE_ALL)
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("Data")
        small = large.head(N_EXCEL)
        sheet.append(list(small.columns))
        for row in small.itertuples(index=False):
            sheet.append([value if value != "" else None for value in row])
        book.save(folder / "excel.xlsx")

        for file in ("plain.csv", "quoted.csv"):
            path = folder / file
            peer, ours = [], []
            for _ in range(TURNS):
                peer.append(seconds(lambda path=path: pd.read_csv(path, dtype=str, keep_default_na=False)))
                ours.append(seconds(lambda path=path: read_table(path)))
            ratio = statistics.median(ours) / statistics.median(peer)
            print(f"{file:12} read      {statistics.median(ours):6.2f} s  ratio {ratio:5.2f}  bar 6")
            taken, peak = validated(study(folder, file, list(large.columns)))
            print(f"{file:12} validated {taken:6.2f} s  {peak:.2f} GB  bar 20 s, 1 GB")
        path = folder / "excel.xlsx"
        print(f"excel.xlsx   read      {seconds(lambda: read_table(path)):6.2f} s")
        taken, peak = validated(study(folder, "excel.xlsx", list(large.columns)))
        print(f"excel.xlsx   validated {taken:6.2f} s  {peak:.2f} GB  bar 60 s")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        alone(sys.argv[1])
    else:
        main()
