"""The whole paper from a cold start: our report against the same outputs made with tableone, lifelines and pyplot.

Both are new processes that read the shipped study's two tables and write Tables 1 to 5 (HTML, LaTeX, Markdown, CSV, Word)
and Figure 1 (SVG, PDF, PNG at 300 dpi). The peer writes no methods text, ledger, notes or manifest and checks nothing.
Interleaved, processor time of the child, median of five. Bar: at most half the peer's time. It is not reached: loading
pandas, matplotlib, scipy.stats and python-docx takes half the peer's time before a number is computed, and the second
engine, the page with its two drawings, methods, ledger and checklist are work that the peer does not do.

Run: ``pip install --no-deps --target peers tableone tabulate``, then ``.venv/bin/python benchmarks/paper.py peers``
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TURNS = 5
STUDY = Path(__file__).parents[1] / "data" / "raw" / "sakai2018"
OURS = """
import sys, cohortstats as cs
cs.write_report(sys.argv[1], sys.argv[2], formats=("html", "docx", "latex", "md", "csv"))
"""
PEER = """
import sys
from pathlib import Path
import docx, pandas as pd, matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
from lifelines import KaplanMeierFitter
from lifelines.plotting import add_at_risk_counts
from lifelines.statistics import logrank_test
from scipy.stats import fisher_exact
from tableone import TableOne

study, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)
patients, ctdna = pd.read_csv(study / "patients.csv"), pd.read_csv(study / "ctdna.csv")
data = patients.merge(ctdna, on="patient", how="left")
data["amplified"] = (data.her2_ratio > 1.25).where(data.her2_ratio.notna())
mutant = data[["e542k_mut", "e545k_mut", "h1047r_mut"]].max(axis=1)
data["mutated"] = (mutant > 3).where(mutant.notna())
data["early"] = data.prior_lines.isin(["0", "1"])
data["resistant"] = data.best_response == "PD"
listed = ["stage", "pathology", "her2_ihc", "hr_positive_table1", "adjuvant_regimen", "adjuvant_endocrine", "prior_lines",
    *[name for name in data if name.startswith("prior_") and name != "prior_lines"]]
table1 = TableOne(data, columns=["age", *listed], categorical=listed, continuous=["age"], nonnormal=["age"])
rows = []
for name in ["stage", "hr_positive", "early", "prior_anthracycline", "prior_pertuzumab", "prior_lapatinib", "amplified",
             "mutated"]:
    counts = pd.crosstab(data[name], data.resistant)
    rows.append({"row": name, "p": fisher_exact(counts.to_numpy()).pvalue})
tested = data[data.her2_ratio.notna()]
frames = {
    "table1": table1.tableone.reset_index(),
    "table2": data.best_response.value_counts().rename_axis("response").reset_index(),
    "table3": ctdna,
    "table4": pd.DataFrame(rows),
    "table5": tested.loc[tested.resistant, ["hr_positive", "amplified", "mutated"]],
}
word = docx.Document()
for name, frame in frames.items():
    (out / f"{name}.html").write_text(frame.to_html(index=False))
    (out / f"{name}.md").write_text(frame.to_markdown(index=False))
    (out / f"{name}.csv").write_text(frame.to_csv(index=False))
    lines = [" & ".join(map(str, line)) + r" \\\\\\\\" for line in frame.itertuples(index=False)]
    (out / f"{name}.tex").write_text("\\n".join(lines))
    table = word.add_table(rows=0, cols=frame.shape[1])
    for line in [list(frame.columns), *frame.itertuples(index=False)]:
        cells = table.add_row().cells
        for cell, value in zip(cells, line):
            cell.text = str(value)
good = (tested.hr_positive == "yes") & ~tested.amplified.astype(bool)
figure, axes = plt.subplots(figsize=(7, 5))
fits = []
for label, chosen in (("ER/PR positive, not amplified", good), ("All others", ~good)):
    part = tested[chosen]
    fit = KaplanMeierFitter().fit(part.ttp_days, part.progressed == "yes", label=label)
    fit.plot_survival_function(ax=axes, show_censors=True)
    fits.append(fit)
add_at_risk_counts(*fits, ax=axes)
test = logrank_test(tested.ttp_days[good], tested.ttp_days[~good], tested.progressed[good] == "yes",
                    tested.progressed[~good] == "yes")
axes.set_title(f"P = {test.p_value:.4f}")
for kind in ("svg", "pdf", "png"):
    figure.savefig(out / f"figure1.{kind}", dpi=300, bbox_inches="tight")
word.add_picture(str(out / "figure1.png"))
word.save(out / "report.docx")
"""


def processor_seconds(code: str, folder: Path, path: str) -> float:
    """Processor time of a new process that runs ``code``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": path} if path else dict(os.environ)
    command = [sys.executable, "-W", "ignore", "-c", code, str(STUDY), str(folder)]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(peers: str) -> None:
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as name:
        for turn in range(TURNS + 1):
            taken = processor_seconds(OURS, Path(name) / "ours", "")
            peer = processor_seconds(PEER, Path(name) / "peer", peers)
            if turn:  # the first fills the caches of both
                ours.append(taken)
                theirs.append(peer)
    first, second = statistics.median(ours), statistics.median(theirs)
    print(f"whole paper, cold: ours {first:.2f} s, tableone + lifelines + pyplot {second:.2f} s")
    print(f"ratio {first / second:.2f}  bar 0.5")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
