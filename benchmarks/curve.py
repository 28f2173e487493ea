"""From a clicked curve to patients, as a ratio to R in the same run, and the lattice by itself.

One arm of 213 patients with 144 clicks and six numbers at risk, drawn at random and clicked on a picture. The peer is
``IPDfromKM::getIPD`` without its tests when it is installed, else Guyot's algorithm in R written from the paper
(``curve_guyot.R``), which is some twenty times faster than the package's 13 ms on its own example of this size; both
time themselves, so that R's start is not counted. The lattice has 404 patients and 184 steps.
Bars: at least 50 times IPDfromKM; lattice at most 15 ms. CPU time, median of nine.

Run: ``.venv/bin/python benchmarks/curve.py``
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
from cohortstats.published.curve.at_risk import RiskTable
from cohortstats.published.curve.guyot import rebuild_guyot
from cohortstats.published.curve.lattice import Lattice
from cohortstats.published.curve.levels import sigma_of_digits
from cohortstats.published.curve.refine import refine_path
from cohortstats.published.curve.repairs import Curve
from cohortstats.published.curve.steps import find_steps

HERE = Path(__file__).parent
REPEATS, RUNS = 9, 200
IPDFROMKM = """
if (!requireNamespace("IPDfromKM", quietly = TRUE)) quit(status = 3)
suppressPackageStartupMessages(library(IPDfromKM))
a <- commandArgs(trailingOnly = TRUE); clicks <- read.csv(a[1]); risk <- read.csv(a[2]); runs <- as.integer(a[3])
p <- preprocess(dat = clicks, trisk = risk$time, nrisk = risk$n_at_risk, maxy = 1)
out <- getIPD(prep = p, armID = 1)$IPD
taken <- system.time(for (run in seq_len(runs)) getIPD(prep = p, armID = 1))
cat(1000 * (taken[["user.self"]] + taken[["sys.self"]]) / runs, nrow(out), sum(out$status), "\\n")
"""


def milliseconds(job: Callable[[], object], runs: int) -> float:
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        for _ in range(runs):
            job()
        taken.append((time.process_time() - start) / runs * 1000)
    return statistics.median(taken)


def arm(n: int, clicks: int, pixels: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A random arm clicked at regular times."""
    random = np.random.default_rng(20120201)
    time, censored = random.exponential(25, n), random.uniform(20, 65, n)
    event, time = time <= censored, np.minimum(time, censored)
    km = cs.kaplan_meier(cs.EventTable.from_arrays(time, event)).to_frame()
    at = np.linspace(0, 58, clicks)
    level = np.append(1, km.survival)[np.searchsorted(km.time, at, side="right")]
    ticks = np.arange(0, 51, 10.0)
    risk = pd.DataFrame({"time": ticks, "n_at_risk": [int((time >= tick).sum()) for tick in ticks]})
    return pd.DataFrame({"time": at, "survival": np.rint(level * pixels) / pixels}), risk


def with_r(script: Path, clicks: Path, risk: Path) -> tuple[float, int, int] | None:
    if shutil.which("Rscript") is None:
        return None
    words = ["Rscript", "--vanilla", str(script), str(clicks), str(risk), "20"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode == 3:
        return None
    done.check_returncode()
    taken, rows, events = done.stdout.split()[-3:]
    return float(taken), int(rows), int(events)


def lattice_steps() -> tuple[Curve, RiskTable]:
    """404 patients whose curve has 184 steps, to four decimals."""
    random = np.random.default_rng(404)
    time, censored = np.ceil(random.exponential(8, 404) * 60) / 60, random.uniform(4, 16, 404)
    event, time = time <= censored, np.minimum(time, censored)
    km = cs.kaplan_meier(cs.EventTable.from_arrays(time, event)).to_frame()
    km = km[km.n_event > 0].head(184)
    level = np.floor(np.append(1, km.survival) * 1e4 + 0.5) / 1e4
    ticks = np.arange(0, float(km.time.max()), 2.0)
    numbers = np.array([int((time >= tick).sum()) for tick in ticks])
    return Curve(time=np.append(0, km.time), survival=level, clicked=np.ones(len(level), bool)), RiskTable(
        time=ticks, n=numbers
    )


def main() -> None:
    clicks, risk = arm(213, 144, 190)
    curve = Curve(
        time=clicks.time.to_numpy(),
        survival=np.minimum.accumulate(clicks.survival.to_numpy()),
        clicked=np.ones(len(clicks), dtype=bool),
    )
    table = RiskTable(time=risk.time.to_numpy(), n=risk.n_at_risk.to_numpy())
    rebuilt = rebuild_guyot(curve, table)
    ours = milliseconds(lambda: rebuild_guyot(curve, table), RUNS)
    whole = milliseconds(lambda: cs.reconstruct_curve(clicks, risk, method="guyot"), RUNS)
    print(f"Guyot, 213 patients, 144 clicks: {ours:.3f} ms ({rebuilt.n} rows, {int(rebuilt.event.sum())} events)")
    print(f"  with reading, mending and checking: {whole:.3f} ms")
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "clicks.csv", Path(folder) / "risk.csv", Path(folder) / "ipdfromkm.R"
        clicks.to_csv(files[0], index=False)
        risk.to_csv(files[1], index=False)
        files[2].write_text(IPDFROMKM, encoding="utf-8")
        for name, script in (("IPDfromKM", files[2]), ("Guyot in R, from the paper", HERE / "curve_guyot.R")):
            found = with_r(script, files[0], files[1])
            if found is None:
                print(f"  {name}: not installed")
                continue
            taken, rows, events = found
            print(f"  {name}: {taken:.2f} ms ({rows} rows, {events} events), ratio {taken / ours:.0f}")
    steps = find_steps(*lattice_steps(), None)
    sigma = sigma_of_digits(1e-4)
    taken = milliseconds(lambda: Lattice.solve(steps, sigma).best(), 5)

    def levels_too() -> object:
        lattice = Lattice.solve(steps, sigma)
        return refine_path(lattice, lattice.best())

    both = milliseconds(levels_too, 5)
    print(
        f"Lattice, {steps.n} patients, {steps.number} steps: {taken:.1f} ms (bar 15), all levels given back: {both:.1f} ms"
    )


if __name__ == "__main__":
    main()
