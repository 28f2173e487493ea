"""Trials and curves of others as exhibits of a study: every file, every number with its result, both languages."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.report.write import make_report

HERE = Path(__file__).parent
KM = HERE.parent / "data" / "km"


def _neighbour(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_of_evidence_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


REVIEW = _neighbour(HERE / "test_trials.py").REVIEW
trace = _neighbour(HERE.parent / "report" / "test_trace.py")


def quoted(text: str) -> list[str]:
    """Numbers of a text but bounds, also one that opens it."""
    return [
        found[0]
        for found in trace.NUMBER.finditer(text)
        if found[0] and text[max(found.start() - 1, 0) : found.start()] not in ("<", ">")
    ]


STUDY = """cohortstats = 1
[study]
id = "evidence"
title = "A cohort and what others printed"
conventions = "r"
{study}
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
age = {{ type = "number", unit = "years", label = "Age" }}
[[characteristics]]
id = "table1"
title = "Patients"
rows = ["age"]
[[trials]]
id = "table2"
title = "Trials of T-DM1"
file = "review.toml"
rows = {rows}
{trials}
[[curves]]
id = "figure1"
title = "T-DM1 in third and in first line"
early = 2
arms = [
  {{ label = "TH3RESA T-DM1", curve = "th3resa.csv", risk = "th3resa_risk.csv", n = 404 }},
  {{ label = "MARIANNE T-DM1", curve = "marianne.csv", risk = "marianne_risk.csv", n = 367 }},
]
{curves}
[report]
{report}
"""
FORMATS = 'formats = ["html"]\nfigures = ["svg"]'
EVERY = 'formats = ["html", "docx", "latex", "md", "csv"]\nfigures = ["svg", "pdf", "png"]'
PFS_4 = '["lapcape_ttp", "emilia_pfs", "th3resa_pfs", "double_pfs"]'


def arm_files(folder: Path, name: str, rows: pd.DataFrame, ticks: range) -> None:
    km = cs.kaplan_meier(cs.EventTable.from_arrays(rows["time"], rows["event"]))
    drops = km.n_event > 0
    clicks = pd.DataFrame({"time": km.time[drops], "survival": [f"{level:.4f}" for level in km.survival[drops]]})
    clicks.to_csv(folder / f"{name}.csv", index=False)
    risk = pd.DataFrame({"time": list(ticks), "n_at_risk": [int((rows["time"] >= tick).sum()) for tick in ticks]})
    risk.to_csv(folder / f"{name}_risk.csv", index=False)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    third, first = (pd.read_csv(KM / f"kmdata_{name}.csv.gz") for name in ("TH3RESA_2A", "MARIANNEa_2A"))
    arm_files(folder, "th3resa", third[third["arm"] == "trastuzumab_emtansine"], range(0, 13, 2))
    arm_files(folder, "choice", third[third["arm"] == "physicians_choice"], range(0, 13, 2))
    arm_files(folder, "marianne", first[first["arm"] == "t-dm1"], range(0, 41, 5))
    (folder / "review.toml").write_text(REVIEW, encoding="utf-8")
    (folder / "patients.csv").write_text("id,age\n" + "".join(f"p{n},{50 + n}\n" for n in range(12)))
    return folder


def write_study(files: Path, folder: Path, **parts: str) -> Path:
    fields = {"study": "", "rows": PFS_4, "trials": "", "curves": "", "report": FORMATS} | parts
    folder.mkdir(exist_ok=True)
    for file in files.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "study.toml").write_text(STUDY.format(**fields), encoding="utf-8")
    return folder


SECOND = """[[curves]]
id = "figure2"
title = "TH3RESA"
arms = [
  { label = "T-DM1", trial = "TH3RESA", curve = "th3resa.csv", risk = "th3resa_risk.csv" },
  { label = "Choice", trial = "TH3RESA", curve = "choice.csv", risk = "choice_risk.csv" },
]"""
POOLED = 'method = "dersimonian-laird"\nallow_conflicts = true'


@pytest.fixture(scope="module")
def folder(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(files, tmp_path_factory.mktemp("studies") / "evidence", trials=POOLED, curves=SECOND)


@pytest.fixture(scope="module")
def traced(folder: Path) -> Any:
    return trace.Traced(str(folder))  # an absolute folder stands for itself


def analysis(folder: Path, name: str) -> cs.Analysis:
    cohort = cs.load_cohort(folder)
    return cs.make_exhibit(cohort, cohort.study.exhibit(name))


def number(found: cs.Analysis, row: str, statistic: str, group: str = "") -> Any:
    (record,) = [r for r in found.records if (r.row, r.group, r.statistic) == (row, group, statistic)]
    return record


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(cs.DataError) as caught:
        cs.Study.read(folder)
    return [problem.message for problem in caught.value.problems]


# ---- the page and its files


def test_each_cell_says_the_results_that_it_names_and_leads_to_them(
    traced: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "quoted", quoted)
    trace.test_each_cell_says_the_results_that_it_names(traced)
    trace.test_each_cell_leads_to_the_line_of_its_result(traced)


def test_no_number_in_words_is_without_a_result(traced: Any) -> None:
    trace.test_no_number_in_words_is_without_a_result(traced)


def test_every_result_has_an_id_a_method_and_an_origin(traced: Any) -> None:
    trace.test_every_result_has_an_id_a_method_and_an_origin(traced)
    trace.test_manifest_names_every_file_and_no_place(traced)
    origins = {entry["origin"] for key, entry in traced.results.items() if key.startswith(("table2", "figure1"))}
    assert origins == {"printed", "from printed", "data"}  # numbers at risk are those of the rebuilt rows


def test_everything_is_written_in_every_format(files: Path, tmp_path: Path) -> None:
    report = cs.write_report(write_study(files, tmp_path / "all", trials=POOLED, report=EVERY), tmp_path / "out")
    names = set(report.files)
    for exhibit in ("table2", "figure1"):
        assert {f"tables/{exhibit}.{kind}" for kind in ("csv", "md", "tex")} <= names
        assert {f"figures/{exhibit}.{kind}" for kind in ("svg", "pdf", "png")} <= names
    caveat = "Rebuilt from published curves; unadjusted; not randomised against each other"
    with zipfile.ZipFile(tmp_path / "out" / "report.docx") as word:
        assert caveat in word.read("word/document.xml").decode()
    for name in ("report.html", "tables/figure1.md", "tables/figure1.tex"):
        assert caveat in report.files[name].decode()
    manifest = json.loads(report.files["manifest.json"])
    assert {"review.toml", "th3resa.csv", "th3resa_risk.csv", "marianne.csv"} <= set(manifest["inputs"])


def test_two_runs_write_the_same_bytes(folder: Path) -> None:
    first, second = (make_report(cs.load_cohort(folder)).files for _ in range(2))
    assert first == second


def test_the_report_in_japanese(files: Path, tmp_path: Path) -> None:
    study = write_study(files, tmp_path / "ja", trials=POOLED, report='lang = "ja"\n' + FORMATS)
    report = make_report(cs.load_cohort(study))
    page = report.files["report.html"].decode()
    assert "掲載された曲線からの復元であり、調整されておらず、互いに無作為化されておらず" in page
    assert "比較が異なるため、統合値に臨床的な意味はない。" in page
    assert "対数尺度の逆分散法で統合した" in "".join(report.methods)


def test_methods_say_what_ran_and_nothing_else(folder: Path, files: Path, tmp_path: Path) -> None:
    text = " ".join(make_report(cs.load_cohort(folder)).methods)
    assert "pooled by inverse variance on the log scale (random effects by DerSimonian and Laird's method" in text
    assert "Arms of published Kaplan-Meier curves were rebuilt patient by patient" in text
    plain = " ".join(make_report(cs.load_cohort(write_study(files, tmp_path / "plain"))).methods)
    assert "pooled" not in plain


# ---- trials


def test_trials_are_printed_as_they_were_printed(folder: Path) -> None:
    found = cs.trials(cs.load_cohort(folder), cs.Study.read(folder).exhibit("table2"))
    lines = found.table.strings()
    assert lines[0] == ["Trial", "n", "Median, months", "Median, weeks", "HR (95% CI)", "*P*", "Weight %"]
    assert ["T-DM1 v physician's choice", "602", "6.2 v 3.3", "", "0.528 (0.422–0.661)", "<0.0001", "26.8"] in lines
    marked = next(line for line in lines if line[0] == "trastuzumab + lapatinib v lapatinib" and line[4])
    assert marked[2:6] == ["", "12.0 v 8.1", "0.73 (0.57–0.93)", "0.08 ✗"]
    assert number(found, "th3resa_pfs", "hr").value == 0.528
    bound = number(found, "th3resa_pfs", "p_value")
    assert math.isnan(bound.p_value) and bound.reason == "printed as <0.0001"
    assert number(found, "double_pfs", "p_value").p_value == 0.08


def test_the_pooled_ratio_is_that_of_the_rows(folder: Path) -> None:
    # metafor, DerSimonian and Laird, all four rows.
    found = analysis(folder, "table2")
    pooled = number(found, "pooled", "hr")
    ratio = (pooled.value, pooled.ci_lower, pooled.ci_upper)
    assert ratio == pytest.approx((0.60749607, 0.51707431, 0.71373005), abs=6e-9)
    assert number(found, "pooled", "i2").value == pytest.approx(45.825519, abs=6e-7)
    prediction = number(found, "pooled", "prediction")
    assert (prediction.ci_lower, prediction.ci_upper) == pytest.approx((0.33614187, 1.09790390), abs=6e-9)
    weights = [number(found, row, "weight").value for row in ("lapcape_ttp", "emilia_pfs", "th3resa_pfs", "double_pfs")]
    assert sum(weights) == pytest.approx(100)
    notes = " ".join(found.table.footnotes)
    assert "Different comparisons: the pooled value has no clinical meaning." in notes
    assert "Pooled although ratio, interval and P cannot all be right: double_pfs." in notes


def test_rows_that_cannot_be_pooled_cost_no_report(files: Path, tmp_path: Path) -> None:
    found = analysis(write_study(files, tmp_path / "refused", trials='method = "fixed"'), "table2")
    assert not [record for record in found.records if record.row == "pooled"]
    assert any(note.startswith("Not pooled: trial double_pfs: ratio, interval and P") for note in found.table.footnotes)
    two = write_study(files, tmp_path / "two", rows='["emilia_pfs", "emilia_os"]', trials='method = "fixed"')
    assert any("not independent" in note for note in analysis(two, "table2").table.footnotes)


def test_medians_are_converted_only_when_asked(files: Path, tmp_path: Path) -> None:
    found = analysis(write_study(files, tmp_path / "months", trials='unit = "months"'), "table2")
    head = found.table.strings()[0]
    assert "Median, months" in head and "Median, weeks" not in head
    median = number(found, "double_pfs", "median", "lapatinib")
    assert median.value == pytest.approx(1.9)  # 8.1 weeks are 56.7 days, 1.863 months
    assert "Medians are in months, a month being 30.4375 days." in found.table.footnotes


def test_the_file_of_the_study_itself_is_read_when_none_is_named(files: Path, tmp_path: Path) -> None:
    study = write_study(files, tmp_path / "own", study='published = "review.toml"', rows="[]")
    text = (study / "study.toml").read_text(encoding="utf-8").replace('file = "review.toml"\n', "")
    (study / "study.toml").write_text(text, encoding="utf-8")
    found = analysis(study, "table2")
    assert len({record.row for record in found.records if record.statistic == "hr"}) == 7  # those with a ratio


# ---- curves


def test_arms_are_set_side_by_side(folder: Path) -> None:
    # R of the rows that the curves were drawn from: medians, shares, ratio.
    found = cs.curves(cs.load_cohort(folder), cs.Study.read(folder).exhibit("figure1"))
    assert number(found, "arm", "n", "TH3RESA T-DM1").value == 404
    assert number(found, "arm", "events", "TH3RESA T-DM1").value == 221
    assert number(found, "arm", "median", "TH3RESA T-DM1").value == pytest.approx(6.305591, abs=1e-4)
    assert number(found, "arm", "event_by_2", "MARIANNE T-DM1").value == pytest.approx(4.9627, abs=0.01)
    pair = "TH3RESA T-DM1 v MARIANNE T-DM1"
    assert number(found, pair, "hr").value == pytest.approx(2.307505, rel=0.005)
    assert number(found, pair, "p_value").value == pytest.approx(61.983776, rel=0.01)
    low, high = (number(found, pair, name).value for name in ("p_lowest", "p_highest"))
    assert low <= number(found, pair, "p_value").p_value <= high
    assert found.picture is not None
    assert found.table.label == "rebuilt from published curves, not patient records"


def test_arms_of_one_trial_have_the_shorter_sentence(folder: Path) -> None:
    found = analysis(folder, "figure2")
    assert "Rebuilt from published curves; unadjusted." in found.table.footnotes
    assert not any("not randomised" in note for note in found.table.footnotes)
    assert number(found, "T-DM1 v Choice", "hr").value == pytest.approx(0.524549, rel=0.005)


def test_three_arms_are_compared_in_pairs_and_one_arm_is_alone(files: Path, tmp_path: Path) -> None:
    more = """[[curves]]
id = "three"
title = "Three"
arms = [
  { label = "A", curve = "th3resa.csv", risk = "th3resa_risk.csv" },
  { label = "B", curve = "choice.csv", risk = "choice_risk.csv" },
  { label = "C", curve = "marianne.csv", risk = "marianne_risk.csv" },
]
[[curves]]
id = "alone"
title = "One"
arms = [{ label = "A", curve = "th3resa.csv", risk = "th3resa_risk.csv" }]"""
    study = write_study(files, tmp_path / "three", curves=more)
    three, alone = analysis(study, "three"), analysis(study, "alone")
    assert {r.row for r in three.records if r.statistic == "hr"} == {"A v B", "A v C", "B v C"}
    assert three.picture is not None and not three.picture.p_text  # type: ignore[union-attr]
    assert len(alone.table.columns) == 5
    assert not [r for r in alone.records if r.statistic == "hr"]


def test_small_cells_hide_patients_of_the_study_and_not_those_of_others(files: Path, tmp_path: Path) -> None:
    privacy = FORMATS + "\nprivacy = { min_cell = 5 }"
    study = write_study(files, tmp_path / "small", trials=POOLED, report=privacy)
    page = make_report(cs.load_cohort(study)).files["report.html"].decode()
    assert "0.528 (0.422–0.661)" in re.sub(r"<[^>]+>", "", page)
    assert number(analysis(study, "figure1"), "arm", "n", "TH3RESA T-DM1").value == 404


def test_a_rebuilt_cohort_withholds_nothing_that_others_printed(files: Path, tmp_path: Path) -> None:
    study = write_study(files, tmp_path / "rebuilt", study='synthetic = "rebuilt from aggregates"', trials=POOLED)
    report = make_report(cs.load_cohort(study))
    table = next(a for a in report.analyses if a.id == "table2")
    assert table.table.label == ""
    assert not any(record.withheld for record in table.records)
    assert "One of many cohorts" not in report.files["report.html"].decode()


# ---- what a study file may say


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"rows": '["emilia_pf"]'}, "[[trials]] rows: 'emilia_pf' is no trial of review.toml."),
        ({"rows": '["emilia_os", "emilia_os"]'}, "[[trials]] rows names emilia_os twice."),
        ({"trials": 'method = "dl"'}, "[[trials]] method must be"),
        ({"curves": "accept_por = true"}, "[[curves]] accept_por is not a known key."),
        ({"curves": 'ticks = -1\nunit = "days"'}, "[[curves]] ticks must be 0 or more, not -1."),
    ],
)
def test_slips_of_the_study_file_are_told(files: Path, tmp_path: Path, parts: dict[str, str], sentence: str) -> None:
    messages = problems_of(write_study(files, tmp_path / "slip", **parts))
    assert any(message.startswith(sentence) for message in messages), messages


def test_files_that_are_not_there_or_outside_are_told(files: Path, tmp_path: Path) -> None:
    study = write_study(files, tmp_path / "absent")
    text = (study / "study.toml").read_text(encoding="utf-8")
    text = text.replace('"review.toml"', '"../review.toml"').replace('"marianne.csv"', '"mariane.csv"')
    (study / "study.toml").write_text(text, encoding="utf-8")
    with pytest.raises(cs.DataError) as caught:
        cs.Study.read(study)
    messages = [problem.message for problem in caught.value.problems]
    assert "../review.toml leaves the study folder." in messages
    assert any("mariane.csv" in message for message in messages)
    assert caught.value.missing_file


def test_arms_and_numbers_that_cannot_be_are_told(files: Path, tmp_path: Path) -> None:
    more = """[[curves]]
id = "bad"
title = "Bad"
early = 0
arms = [
  { label = "A", curve = "th3resa.csv", n = 0 },
  { label = "A", curve = "choice.csv", events = -1 },
]"""
    assert problems_of(write_study(files, tmp_path / "bad", curves=more)) == [
        "[[curves]] early must be above 0, not 0.",
        "[[curves]] arms: n must be 1 or more, not 0.",
        "[[curves]] arms: label 'A' is used twice.",
        "[[curves]] arms: events must be 0 or more, not -1.",
    ]


def test_a_flow_chart_leaves_out_what_is_not_made_of_patients(files: Path, tmp_path: Path) -> None:
    flow = '[[flow]]\nid = "flow"\ntitle = "Flow"'
    found = analysis(write_study(files, tmp_path / "flow", curves=flow), "flow")
    assert not any("Figure 1" in cell for line in found.table.strings() for cell in line)
    named = write_study(files, tmp_path / "named", curves=flow + '\nexhibits = ["table2"]')
    assert "[[flow]] exhibits: table2 is not made of the patients of this study." in problems_of(named)


def test_another_kind_of_section_is_refused(folder: Path) -> None:
    cohort = cs.load_cohort(folder)
    with pytest.raises(cs.InputError, match=r"table1 is a \[\[characteristics\]\] exhibit, not \[\[trials\]\]"):
        cs.trials(cohort, cohort.study.exhibit("table1"))
