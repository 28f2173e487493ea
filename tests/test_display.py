"""What results show of themselves in a shell and in a notebook: their frame, and no number that it lacks."""

from __future__ import annotations

import inspect
import math
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.report.manuscript.check import Unmatched

COUNTS = cs.CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
TIME = [4, 5, 8, 9, 6, 7, 11, 12, 10, 13, 14, 15]
EVENT = [1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1]
GROUP = ["a"] * 4 + ["b"] * 4 + ["c"] * 4
EVENTS = cs.EventTable.from_arrays(TIME, EVENT, group=GROUP)
CAUSE = [1, 2, 1, 0, 1, 1, 0, 1, 1, 2, 1, 1]
X = {"x": [0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0]}
REGIMENS = pd.DataFrame(
    {
        "id": ["a", "a", "b"],
        "start": pd.to_datetime(["2015-01-05", "2016-02-01", "2016-01-04"]),
        "drugs": ["PTX+H", "T-DM1", "T-DM1"],
        "pd": pd.to_datetime(["2015-09-28", None, None]),
    }
)


# Steps and numbers at risk of eleven patients, and two trials of a review (Pondé et al. 2018).
FIGURE = Path(__file__).parents[1] / "reports" / "sakai2018" / "figures" / "figure1.svg"
STEPS = {
    "time": [20, 36, 42, 56, 57, 112, 180, 310],
    "survival": [10 / 11, 9 / 11, 7 / 11, 6 / 11, 5 / 11, 15 / 44, 5 / 22, 0],
}
AT_RISK = pd.DataFrame({"time": [0, 50, 100, 150, 200, 250], "n_at_risk": [11, 7, 4, 3, 2, 1]})
TRIALS = pd.DataFrame(
    {
        "trial": ["EMILIA", "TH3RESA"],
        "endpoint": ["OS", "OS"],
        "arm_1": ["T-DM1", "T-DM1"],
        "arm_2": ["lapatinib + capecitabine", "physician's choice"],
        "hr": [0.68, 0.552],
        "ci_lower": [0.55, 0.369],
        "ci_upper": [0.85, 0.826],
    }
)


def results() -> dict[str, Any]:
    """One result of every kind that a public function gives, by the name of its class."""
    markers = {"m1": [1, 0, 1, 0, 1, 0], "m2": [1, 1, 0, 0, 1, 1]}
    cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    clicks = pd.DataFrame(STEPS).round(6)
    curve = cs.reconstruct_curve(clicks, at_risk=AT_RISK, n=11)
    made = [
        COUNTS,
        EVENTS,
        cs.kaplan_meier(EVENTS),
        cs.log_rank_test(EVENTS),
        cs.log_rank_trend(EVENTS),
        cs.log_rank_exact(TIME[:8], EVENT[:8], GROUP[:8]),
        cs.maxstat(TIME[:7], TIME[:7], EVENT[:7], min_fraction=0),
        cs.cox(TIME, [1] * 12, X),
        cs.gray_test(TIME, CAUSE, X["x"]),
        cs.fisher_exact(COUNTS),
        cs.fisher_midp(COUNTS),
        cs.fisher_exact_rxc([[3, 1, 2], [1, 4, 3]]),
        cs.barnard(COUNTS),
        cs.chi_square(COUNTS),
        cs.detectable_rate(3 / 17, (17, 17)),
        cs.proportion_ci(9, 34),
        cs.risk_difference(COUNTS),
        cs.tarone([0.08, 0.02, 0.3], min_attainable=[0.05, 0.005, 0.01]),
        cs.selection_adjusted_p(markers, [1, 0, 1, 0, 1, 0]),
        cs.droplet_concentration(7, 15050, droplet_volume_nl=0.85),
        cs.copy_ratio(461, 318, 14000),
        cs.linked_copies(10940, 11037, 5944, 20486),
        cs.limit_of_blank(0, 10),
        cs.limit_of_blank_ep17([0, 0, 1.6, 0, 0, 1.5, 0, 3.1, 0, 0], method="rank"),
        cs.limit_of_detection(1),
        cs.pool_wells([120, 180, 150], [15000, 15200, 14800]),
        cs.call_count([2, 1, 0], 14000, limit_of_blank=1, lod_vaf=0.01, analysed_copies=[523, 2549, 92]),
        cs.lines_of_therapy(REGIMENS, patient="id", start="start", drugs="drugs", progression="pd", index="T-DM1"),
        cs.hormone_receptor_status([0.5, 1, 9], guideline="ASCO/CAP 2020"),
        cs.her2_status(["2+", "3+"], ratio=[2.1, 2.5], copies=[3.5, 6.5], guideline="2018"),
        cs.missingness(cohort, variables=["pik3ca_mutated"], outcome="primary_resistance"),
        cs.selection_check(cohort, population="ctdna_tested", outcome="primary_resistance"),
        cs.reproduce(),
        cs.audit(cs.shipped_study("sakai2018")),
        cs.rebuild(cs.shipped_study("sakai2018")),
        curve,
        cs.read_vector_curve(FIGURE, x=((43.300703, 0), (417.074035, 360)), y=((253.16, 0), (24.88, 1)), path="19"),
        cs.compare_arms(curve, pd.DataFrame({"time": TIME, "event": EVENT}), early=10),
        cs.pool_trials(TRIALS),
        cs.screen(pd.DataFrame({**markers, "y": [1, 0, 1, 0, 1, 0]}), markers=["m1", "m2"], outcome="y"),
        cs.bootstrap_median(EVENTS, draws=999, seed=1),
        cs.ManuscriptCheck(checked=2, matched=1, unmatched=(Unmatched(text="9/35", where="Table 4"),)),
        cs.make_exhibit(cohort, cohort.study.exhibit("table4")),
        cs.compare_conventions(cohort, cohort.study.exhibit("table4")),
    ]
    return {type(result).__name__: result for result in made}


RESULTS = results()
# An Analysis writes its table in the style of the study, by rules that have tests of their own.
FRAMES = {
    name: result
    for name, result in RESULTS.items()
    if name not in {"Analysis", "ConventionsComparison", "Agreement", "AuditResult", "Rebuilt", "ManuscriptCheck"}
}


def test_every_kind_of_result_is_here() -> None:
    kinds = set()
    for name in cs.__all__:
        function = getattr(cs, name)
        if inspect.isfunction(function):
            given = getattr(sys.modules[function.__module__], str(function.__annotations__.get("return")), None)
            if inspect.isclass(given) and given.__module__.startswith("cohortstats") and hasattr(given, "to_frame"):
                kinds.add(given.__name__)
    assert kinds <= set(RESULTS)
    assert len(kinds) > 25


def numbers(text: str) -> list[str]:
    """Numbers of a text, but for those inside words such as ``fisher_2`` or ``m1``."""
    return re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.])", text)


def plain_of_html(html: str) -> str:
    body = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", "\n", body)


def unknown_numbers(text: str, frame: pd.DataFrame) -> list[str]:
    """Numbers of a text that are no value of a frame, to the digits that are printed."""
    if frame.index.names != [None]:
        frame = frame.reset_index()
    cells = [cell for row in frame.to_numpy(dtype=object).tolist() for cell in row]
    values = [float(cell) for cell in cells if isinstance(cell, (int, float, np.number)) and math.isfinite(cell)]
    said = " ".join(str(cell) for cell in [*cells, *frame.columns] if not isinstance(cell, float))

    def held(number: str) -> bool:
        mantissa, _, power = number.partition("e")
        digits = len(mantissa.partition(".")[2])
        half = 0.5000001 * 10.0 ** (int(power or 0) - digits)
        return number in said or any(abs(float(number) - value) <= half for value in values)

    return [number for number in numbers(text) if not held(number)]


@pytest.mark.parametrize("name", FRAMES)
def test_nothing_is_shown_that_the_frame_lacks(name: str) -> None:
    result = FRAMES[name]
    frame = result.to_frame()
    texts = [repr(result)]
    if hasattr(result, "_repr_mimebundle_"):
        bundle = result._repr_mimebundle_()
        texts += [bundle["text/plain"], bundle["text/markdown"], plain_of_html(bundle["text/html"])]
    for text in texts:
        assert numbers(text), "the result shows its numbers"
        assert unknown_numbers(text, frame) == []


def test_an_exhibit_shows_nothing_that_its_results_lack() -> None:
    analysis = RESULTS["Analysis"]
    addresses = {record.address for record in analysis.records}
    shown = [cell for group in analysis.table.groups for row in group.rows for cell in row.cells[1:]]
    written = [cell for cell in shown if re.search(r"\d", analysis.table.text(cell))]
    assert len(written) > 50
    assert all(cell.results and set(cell.results) <= addresses for cell in written)


@pytest.mark.parametrize("name", [name for name in RESULTS if name != "DetectableRate"])
def test_bundles_have_the_three_texts(name: str) -> None:
    bundle = RESULTS[name]._repr_mimebundle_()
    assert {"text/plain", "text/markdown", "text/html"} <= set(bundle)
    assert bundle["text/plain"] == repr(RESULTS[name])
    html = bundle["text/html"]
    # Styles reach this table only, and take the colours of the notebook, which may be dark.
    rules = re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL)
    assert rules
    for rule in rules:
        selectors = re.findall(r"([^{}]+)\{", rule)
        assert all(part.strip().startswith(".cohortstats-") for each in selectors for part in each.split(","))
        assert not re.search(r"#[0-9a-f]{3,6}\b|rgb|white|black", rule)


def test_exhibits_with_a_picture_show_it() -> None:
    cohort = cs.load_cohort(cs.shipped_study("example"))
    for exhibit in cohort.study.exhibits:
        analysis = cs.make_exhibit(cohort, exhibit)
        bundle = analysis._repr_mimebundle_()
        if analysis.picture is not None:
            assert bundle["image/svg+xml"].lstrip().startswith("<?xml")
            assert bundle["image/png"].startswith(b"\x89PNG")


def test_droplets_show_their_picture_and_not_themselves() -> None:
    frame = pd.DataFrame({"well": "A01", "droplet": [1, 2, 3], "ch1": [900.0, 5200.0, 3000.0]})
    picture = cs.droplet_picture(frame, threshold_ch1=3000.0)
    assert repr(picture) == "DropletPicture of A01: 3 droplets"
    assert set(picture._repr_mimebundle_()) == {"text/plain", "image/svg+xml", "image/png"}


def test_long_frames_show_their_ends() -> None:
    curve = cs.kaplan_meier(cs.EventTable.from_arrays(range(1, 101), [1] * 100))
    for text in (repr(curve), curve._repr_mimebundle_()["text/markdown"]):
        assert len(text.splitlines()) < 30
        assert re.search(r"\b1\.0\b", text)
        assert re.search(r"\b100\.0\b", text)
    html = curve._repr_mimebundle_()["text/html"]
    assert html.count("<tr") < 30


def test_words_of_the_data_are_no_markup() -> None:
    counts = cs.CountTable(groups=("<script>", "a|b_c"), events=(1, 2), totals=(3, 4))
    bundle = counts._repr_mimebundle_()
    assert "<script>" not in bundle["text/html"]
    assert r"| a\|b\_c |" in bundle["text/markdown"]
    assert r"\<script>" in bundle["text/markdown"]


def test_a_study_says_what_it_is_in_one_line() -> None:
    study = cs.Study.read(cs.shipped_study("sakai2018"))
    assert repr(study).startswith("Study sakai2018: Primary resistance to T-DM1")
    assert repr(study).endswith("(rebuilt from published aggregates, not patient records)")
    assert "table4" in repr(study)


def test_names_of_a_cohort_complete_in_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    interactive = pytest.importorskip("IPython.core.interactiveshell", reason="extra 'notebook' is not installed")
    cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    assert set(cohort._ipython_key_completions_()) == set(cohort.variables)
    completer = pytest.importorskip("IPython.core.completer")
    shell = interactive.InteractiveShell()
    shell.user_ns.update(cohort=cohort, cs=cs)
    shell.Completer.use_jedi = False

    def completed(line: str) -> set[str]:
        with completer.provisionalcompleter():
            return {found.text for found in shell.Completer.completions(line, len(line))}

    assert any("prior_lapatinib" in text for text in completed('cohort["prior_la'))
    found = {text.rpartition(".")[2] for text in completed("cs.log_rank_")}
    assert found >= {"log_rank_exact", "log_rank_test", "log_rank_trend"}
