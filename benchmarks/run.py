"""All speed goals in one run, written to ``benchmarks/RESULTS.md``: what ``make bench`` does.

Each benchmark runs in a process of its own, on one thread, so that CPU time is time; the peers run in the same process,
interleaved, but for R, which times itself. Run: ``python benchmarks/run.py [NAME ...]``; with names the table is printed
and the file is left as it is.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent
ALL = ("survival", "screens", "exact_log_rank", "bootstrap", "table1")
PACKAGES = ("cohortstats", "numpy", "scipy", "pandas", "statsmodels", "scikit-survival", "tableone")
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")

Row = dict[str, object]


def one(name: str) -> None:
    """Rows of one benchmark as JSON, with the peak memory of the process."""
    sys.path.insert(0, str(HERE))
    try:
        rows = importlib.import_module(name).measure()
    except ImportError as error:
        print(json.dumps([{"job": name, "skipped": f"{error.name} is not installed"}]))
        return
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([row | {"peak": peak} for row in rows]))


def rows_of(name: str) -> list[Row]:
    words = [sys.executable, __file__, "--one", name]
    done = subprocess.run(words, env=os.environ | ONE_THREAD, stdout=subprocess.PIPE, text=True, check=True)
    rows: list[Row] = json.loads(done.stdout.splitlines()[-1])
    return rows


def line(row: Row) -> str:
    if "skipped" in row:
        return f"| {row['job']} | | | | | skipped: {row['skipped']} | |"
    ours, theirs, goal = row["ours"], row["theirs"], row["goal"]
    assert isinstance(ours, float)
    if theirs is None:
        return f"| {row['job']} | {ours:.4g} | {row['against']}: not installed | | ≥ {goal:g} | not compared | {memory(row)} |"
    assert isinstance(theirs, float)
    assert isinstance(goal, int | float)
    ratio = theirs / ours
    verdict = "reached" if ratio >= goal else "MISSED"
    return f"| {row['job']} | {ours:.4g} | {row['against']}: {theirs:.4g} | {ratio:.1f} | ≥ {goal:g} | {verdict} | {memory(row)} |"


def memory(row: Row) -> str:
    above = row.get("above")
    if isinstance(above, dict):
        return ", ".join(f"{name} {value:.0f}" for name, value in above.items()) + " above the data"
    return f"{row['peak']:.0f}, both programs"


def machine() -> str:
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        text = Path("/proc/cpuinfo").read_text()
        model = next(
            (one.partition(":")[2].strip() for one in text.splitlines() if one.startswith("model name")), model
        )
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def versions() -> list[str]:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    if shutil.which("Rscript") is None:
        return [*found, "R not installed"]
    script = 'cat(as.character(getRversion())); for (p in c("survival", "coin")) if (requireNamespace(p, quietly = TRUE)) cat(",", p, as.character(packageVersion(p)))'
    done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=True)
    return [*found, f"R {done.stdout}"]


HEAD = "| job | cohortstats, s | peer, s | ratio | goal | verdict | peak memory, MB |\n|---|---|---|---|---|---|---|"
NOTES = HERE / "NOTES.md"


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2])
        return
    lines = []
    for name in sys.argv[1:] or ALL:
        for row in rows_of(name):
            lines.append(line(row))
            print(lines[-1], flush=True)
    if sys.argv[1:]:
        return
    text = (
        "# Speed beside the peers\n\n"
        "Written by `make bench`. CPU seconds on one thread, interleaved with the peer in the same run, median of at least "
        "five; the ratio is what counts, seconds depend on the machine. What is compared, what is scaled up, "
        "and what is slower than these rows, stands below the table.\n\n"
        f"Machine: {machine()}. Versions: {', '.join(versions())}.\n\n"
        f"{HEAD}\n" + "\n".join(lines) + "\n\n" + NOTES.read_text(encoding="utf-8")
    )
    (HERE / "RESULTS.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
