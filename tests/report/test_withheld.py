"""A rebuilt cohort shows nothing that the paper does not determine."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from pathlib import Path

import cohortstats as cs
from cohortstats.study import Association

TEXT_FILES = {".html", ".md", ".csv", ".json", ".svg"}
# Of the shipped rows, by R: Cox hazard ratio and its limits, the log-rank statistic and its parts. None is printed.
NOT_PRINTED = ["12.24", "102.05", "1.4687", "8.4188", "3.0750"]


def outputs(report: cs.Report) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in report.written if path.suffix in TEXT_FILES}


def results(report: cs.Report) -> list[dict[str, str]]:
    text = report.files["results.csv"].decode().removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text)))


def test_no_rebuilt_number_is_written(report: cs.Report) -> None:
    content = json.loads(report.files["results.json"])
    origins = {entry["origin"] for entry in content["results"]}
    assert origins <= {"printed", "from printed", "withheld"}
    for entry in content["results"]:
        if entry["origin"] == "withheld":
            assert entry.get("value", entry.get("p_value")) == "nan"
            assert entry["reason"] == "not printed by the paper and not determined by it"
            assert not {"ci_lower", "ci_upper", "n", "text"} & set(entry)


def test_sizes_and_events_of_figure_1_are_in_no_file(report: cs.Report) -> None:
    for row in results(report):
        if row["exhibit"] == "figure1":
            if row["statistic"] in ("n", "events"):
                assert row["value"] == "nan"
            assert row["n"] == ""
    table = outputs(report)["figure1.csv"]
    assert not re.search(r"(?<![\d.])8(?![\d.])", table)
    page = outputs(report)["report.html"]
    figure = page[page.index('<section id="figure1"') : page.index('<section id="ledger"')]
    visible = re.sub(r"<style>.*?</style>|<[^>]+>", " ", figure, flags=re.DOTALL)
    assert not re.search(r"n\s*=\s*\d|at risk\s+\d|events\s+\d", visible, re.IGNORECASE)


def test_hazard_ratio_and_test_statistic_are_in_no_file(report: cs.Report) -> None:
    for name, text in outputs(report).items():
        words = re.sub(r'(?:\bd|points)="[^"]*"', "", text)  # coordinates of drawings
        for number in NOT_PRINTED:
            assert number not in words, (name, number)


def test_landmarks_are_withheld(report: cs.Report, tmp_path: Path) -> None:
    study = report.cohort.study
    entry = study.exhibit("figure1")
    landmark = dataclasses.replace(entry, at=(180.0,))
    analysis = cs.time_to_event(report.cohort, landmark)
    shown = [record for record in analysis.records if record.statistic == "survival_180"]
    assert len(shown) == 2
    assert all(record.withheld and record.value != record.value and record.ci_lower is None for record in shown)
    assert "0.4" not in repr(analysis)


def test_label_stands_everywhere(report: cs.Report) -> None:
    label = "rebuilt from published aggregates, not patient records"
    files = outputs(report)
    assert json.loads(files["results.json"])["synthetic"] == label
    page = files["report.html"]
    assert page.count(label) >= len(report.analyses) + 2
    for analysis in report.analyses:
        assert label in files[f"{analysis.id}.md"]
    stamp = re.sub(r"<[^>]+>", " ", files["figure1.svg"])
    assert "not patient records" in re.sub(r"\s+", " ", stamp)
    assert re.search(r"rebuilt\s+from", stamp)


def test_show_and_notebook_obey_the_same_rule(report: cs.Report) -> None:
    figure1 = next(analysis for analysis in report.analyses if analysis.id == "figure1")
    bundle = figure1._repr_mimebundle_()
    for kind in ("text/plain", "text/html", "text/markdown"):
        assert "—" in bundle[kind]
    frame = figure1.to_frame()
    assert frame["n"].isna().all()
    assert frame["events"].isna().all()


def test_a_population_of_its_own_is_not_the_printed_cohort(report: cs.Report) -> None:
    entry = report.cohort.study.exhibit("table4")
    assert isinstance(entry, Association)
    older = cs.association(report.cohort, dataclasses.replace(entry, population="age >= 65"))
    whole = {record.statistic: record for record in older.records if record.row == "all"}
    assert whole["total"].withheld
    table4 = cs.association(report.cohort, entry)
    assert next(r for r in table4.records if r.row == "all" and r.statistic == "total").value == 34
