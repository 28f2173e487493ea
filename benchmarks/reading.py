"""Reading of large tables, beside ``pandas.read_csv(dtype=str)`` on the same file in the same run, median of three.

CSV of 200,000 rows and 60 columns (10 dates, 20 numbers, 29 categories, an id), plain and with every cell in quotes, and
Excel of 20,000 rows; each also typed by a study file. An export of 96 wells with two targets, and the best response of
200,000 visits. Bars: reading at most 6 times pandas; CSV read and typed in 20 s and 1 GB, Excel in 60 s, the export in
0.5 s, the visits in 5 s. Beside the clock stands the time of the processor, which a busy machine does not stretch.
Run: ``.venv/bin/python benchmarks/reading.py``
"""

from __future__ import annotations

import csv
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd

import cohortstats as cs
from cohortstats.files import read_table

SEED = 20160304
N_CSV, N_EXCEL, N_VISITS, TURNS = 200_000, 20_000, 200_000, 3
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


def seconds(job: Callable[[], object]) -> tuple[float, float]:
    """By the clock, and of the processor."""
    start, busy = time.perf_counter(), time.process_time()
    job()
    return time.perf_counter() - start, time.process_time() - busy


def validated(path: Path) -> tuple[float, float, float]:
    """Seconds, those of the processor, and peak gigabytes of a process that reads and types the table of a study."""
    done = subprocess.run([sys.executable, __file__, str(path)], check=True, capture_output=True, text=True)
    taken, busy, peak = map(float, done.stdout.split())
    return taken, busy, peak


def alone(path: str) -> None:
    taken, busy = seconds(lambda: cs.load_cohort(path))
    # Not ru_maxrss: a child begins with what its parent had.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    print(taken, busy, int(status.partition("VmHWM:")[2].split()[0]) / 1e6)


def plate(path: Path) -> None:
    """96 wells with two targets, concentrations printed in full."""
    draw = np.random.default_rng(SEED)
    lines = ["Well,Sample,Target,Concentration,Positives,Negatives,AcceptedDroplets"]
    for well in range(96):
        name, accepted = f"{'ABCDEFGH'[well // 12]}{well % 12 + 1:02d}", int(draw.integers(11_000, 19_000))
        for target in ("HER2", "EFTUD2"):
            k = int(draw.integers(50, 900))
            copies = -1000 * np.log1p(-k / accepted) / 0.91
            lines.append(f"{name},S{well // 2},{target},{copies:.12g},{k},{accepted - k},{accepted}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def visit_frame(n: int) -> pd.DataFrame:
    """Ten visits a patient, six weeks apart."""
    draw = np.random.default_rng(SEED)
    start = np.datetime64("2012-01-01") + draw.integers(0, 1500, n // 10).repeat(10)
    return pd.DataFrame(
        {
            "patient": [f"P{number:06d}" for number in range(n // 10) for _ in range(10)],
            "start": start,
            "date": start + np.tile(np.arange(1, 11) * 42, n // 10) + draw.integers(-3, 4, n),
            "response": draw.choice(["PR", "SD", "PD", "NE"], n, p=[0.4, 0.4, 0.1, 0.1]),
        }
    )


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
            (taken, busy), (theirs, their_busy) = (
                map(statistics.median, zip(*times, strict=True)) for times in (ours, peer)
            )
            ratios = f"{taken / theirs:5.2f}, processor {busy / their_busy:5.2f}"
            print(f"{file:12} read      {taken:6.2f} s, processor {busy:6.2f} s  ratio {ratios}  bar 6")
            taken, busy, peak = validated(study(folder, file, list(large.columns)))
            print(f"{file:12} validated {taken:6.2f} s, processor {busy:6.2f} s  {peak:.2f} GB  bar 20 s, 1 GB")
        path = folder / "excel.xlsx"
        taken, busy = seconds(lambda: read_table(path))
        print(f"excel.xlsx   read      {taken:6.2f} s, processor {busy:6.2f} s")
        taken, busy, peak = validated(study(folder, "excel.xlsx", list(large.columns)))
        print(f"excel.xlsx   validated {taken:6.2f} s, processor {busy:6.2f} s  {peak:.2f} GB  bar 60 s")

        plate(folder / "plate.csv")
        cs.read_ddpcr(folder / "plate.csv")  # what is loaded once does not count
        taken, busy = seconds(lambda: cs.read_ddpcr(folder / "plate.csv"))
        print(f"96 wells     read      {taken:6.2f} s, processor {busy:6.2f} s  bar 0.5 s")
        visits = visit_frame(N_VISITS)
        words = {"patient": "patient", "date": "date", "response": "response", "start": "start", "min_sd": 42}
        taken, busy = seconds(lambda: cs.best_response(visits, **words, confirmed=True))
        print(f"200,000 visits, best   {taken:6.2f} s, processor {busy:6.2f} s  bar 5 s")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        alone(sys.argv[1])
    else:
        main()
