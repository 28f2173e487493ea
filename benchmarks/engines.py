"""Tables of ten million patients from Parquet through DuckDB, beside the bare read of the same columns.

Two bare reads, since there are two things to compare with: the engine reads every value and gives one number (the sum of
the hashes of each column: no column can be skipped or answered from the file's statistics), and the columns are read into
arrays (what a program does that counts in Python). The first is the harder one.

Run: ``.venv/bin/python benchmarks/engines.py [n]``: ratios of wall time, best of five, interleaved. The file is made in a
temporary folder and removed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

import cohortstats as cs

PATIENTS = """
COPY (
  SELECT CAST(ceil(-ln(1 - random()) * 400) AS INTEGER) AS days,
         -ln(1 - random()) * 400.0 AS followed,
         random() < 0.7 AS died,
         CASE WHEN random() < 0.5 THEN 'T-DM1' ELSE 'lapatinib' END AS arm,
         CASE WHEN random() < 0.1 THEN NULL ELSE 'stage ' || CAST(floor(random() * 4) AS INTEGER) END AS stage,
         CAST(30 + floor(random() * 60) AS INTEGER) AS age
  FROM range({n})
) TO '{file}'
"""


def best(jobs: dict[str, Callable[[], object]], rounds: int = 5) -> dict[str, float]:
    taken = dict.fromkeys(jobs, float("inf"))
    for _ in range(rounds):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            taken[name] = min(taken[name], time.perf_counter() - start)
    return taken


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        file = Path(folder) / "cohort.parquet"
        connection.execute("SELECT setseed(0.2018)")
        connection.execute(PATIENTS.format(n=n, file=file))
        print(
            f"{n:,} patients, {file.stat().st_size / 1e6:.0f} MB of Parquet, {connection.execute('SELECT current_setting($$threads$$)').fetchall()[0][0]} threads"
        )

        def hashes(*columns: str) -> Callable[[], object]:
            sums = ", ".join(f"sum(hash({column}))" for column in columns)
            return lambda: connection.execute(f"SELECT {sums} FROM read_parquet('{file}')").fetchall()

        def arrays(*columns: str) -> Callable[[], object]:
            return lambda: connection.execute(f"SELECT {', '.join(columns)} FROM read_parquet('{file}')").fetchnumpy()

        def events(**columns: str) -> Callable[[], object]:
            return lambda: cs.EventTable.from_sql(connection, table=file, event="died", group="arm", **columns)

        jobs = {
            "whole days: from_sql": events(time="days"),
            "whole days: bare read in the engine": hashes("days", "died", "arm"),
            "whole days: bare read into arrays": arrays("days", "died", "arm"),
            "whole days, where: from_sql": events(time="days", where="age >= 50 and stage != 'stage 0'"),
            "whole days, where: bare read in the engine": hashes("days", "died", "arm", "age", "stage"),
            "continuous: from_sql": events(time="followed"),
            "continuous: bare read in the engine": hashes("followed", "died", "arm"),
            "continuous: bare read into arrays": arrays("followed", "died", "arm"),
            "counts: from_sql": lambda: cs.CountTable.from_sql(connection, table=file, outcome="died", group="arm"),
            "counts: bare read in the engine": hashes("died", "arm"),
            "three columns of levels, one of numbers: from_sql": lambda: cs.ColumnSummary.from_sql(
                connection, table=file, levels=["stage", "died"], numbers=["age"], by="arm"
            ),
            "three columns of levels, one of numbers: bare read in the engine": hashes("stage", "died", "age", "arm"),
        }
        taken = best(jobs)
        for name, seconds in taken.items():
            work, _, what = name.partition(": ")
            if what == "from_sql":
                ratios = [
                    f"{seconds / other:.2f} x the {name_other.partition(': ')[2]}"
                    for name_other, other in taken.items()
                    if name_other.startswith(f"{work}: bare")
                ]
                print(f"{work}: {seconds:.3f} s, {', '.join(ratios)}")


if __name__ == "__main__":
    main()
