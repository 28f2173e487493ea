"""Folders: whole, reproducible, and never somebody else's."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs

ROOT = Path(__file__).parents[2]
COLUMNS = "study,exhibit,row,group,statistic,value,ci_lower,ci_upper,ci_level,p_value,method,n,reason".split(",")


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_bytes_from_two_processes(tmp_path: Path) -> None:
    """Every format that the study asks for, Word and LaTeX among them; the locale and the user differ, too."""
    for name, seed, zone, locale in (("a", "1", "Asia/Tokyo", "C"), ("b", "77", "America/Lima", "C.UTF-8")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale, "USER": name}
        command = [
            sys.executable,
            "-m",
            "cohortstats",
            "report",
            str(cs.shipped_study("sakai2018")),
            "-o",
            str(tmp_path / name),
        ]
        subprocess.run(command, check=True, capture_output=True, env=environment)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


def test_files_of_the_contract(report: cs.Report) -> None:
    names = set(report.files)
    assert {"report.html", "results.csv", "results.json", "agreement.csv", "methods.md", "manifest.json"} <= names
    assert {f"tables/table{n}.{kind}" for n in range(1, 6) for kind in ("csv", "md", "tex")} <= names
    assert {"report.docx", "tables.tex", "tables/figure1.tex", "checklist.csv"} <= names
    assert {f"figures/figure1.{kind}" for kind in ("svg", "pdf", "png")} <= names
    assert {path.relative_to(report.folder).as_posix() for path in report.written} == names


def test_results_have_the_columns_of_the_contract(report: cs.Report) -> None:
    rows = list(csv.reader(io.StringIO(report.files["results.csv"].decode().removeprefix("\ufeff"))))
    assert rows[0] == COLUMNS
    assert all(len(row) == len(COLUMNS) for row in rows)
    by_address = {tuple(row[1:5]): dict(zip(COLUMNS, row, strict=True)) for row in rows[1:]}
    assert len(by_address) == len(rows) - 1, "every address occurs once"
    p = by_address[("table4", "pik3ca_mutated", "", "p_value")]
    assert (p["p_value"], p["method"], p["n"]) == ("0.05", "fisher two-sided minlike", "16")
    percent = by_address[("table4", "hr_positive", "yes", "percent")]
    assert float(percent["value"]) == pytest.approx(100 * 6 / 17, rel=1e-15)
    median = by_address[("figure1", "ttp", "yes", "median")]
    assert (median["value"], median["ci_lower"], median["ci_upper"]) == ("56.5", "36.0", "nan")


def test_committed_report_is_of_this_code(report: cs.Report) -> None:
    committed = ROOT / "reports" / "sakai2018"
    for name in ("results.csv", "results.json", "agreement.csv", "tables/table4.md", "tables/table1.csv"):
        assert (committed / name).read_bytes() == report.files[name], f"run make report: {name} is older"


def test_manifest(report: cs.Report) -> None:
    manifest = json.loads(report.files["manifest.json"])
    assert set(manifest) == {"study", "conventions", "inputs", "outputs", "second_engine", "versions"}
    assert set(manifest["inputs"]) == {"study.toml", "published.toml", "patients.csv", "ctdna.csv"}
    assert manifest["inputs"]["patients.csv"]["encoding"] == "utf-8"
    for name, facts in manifest["outputs"].items():
        assert hashlib.sha256(report.files[name]).hexdigest() == facts["sha256"]
    assert "python" in manifest["versions"]
    assert str(ROOT) not in json.dumps(manifest)


def test_methods_paragraph(report: cs.Report) -> None:
    text = report.files["methods.md"].decode()
    for clause in (
        "Rates of primary resistance to T-DM1 (progressive disease at the first evaluation (RECIST 1.1)) were compared "
        "with Fisher's exact test (two-sided, tables no more likely than the observed one).",
        "Three patients with unknown outcome were counted as not having the event.",
        "Rates have Wilson, differences Newcombe 95% confidence intervals.",
        "Time to progression, in days from the first T-DM1 dose to objective progression, was estimated by the "
        "Kaplan-Meier method with log-log confidence limits (median: midpoint where the curve is flat at 0.5) and compared "
        "with an unstratified log-rank test.",
        "was considered significant; P values of 8 comparisons were not adjusted.",
        "The grouping of Figure 1 was formed after the outcome was known.",
        "conventions ezr",
    ):
        assert clause in text
    assert "Freeman-Halton" not in text


def test_a_second_run_replaces_the_report_and_keeps_other_files(tmp_path: Path) -> None:
    target = tmp_path / "out"
    cs.write_report(cs.shipped_study("sakai2018"), target)
    (target / "my notes.txt").write_text("mine")
    (target / "report.html").write_text("spoilt")
    report = cs.write_report(cs.shipped_study("sakai2018"), target, formats=["html"])
    assert (target / "my notes.txt").read_text() == "mine"
    assert (target / "report.html").read_bytes() == report.files["report.html"]
    assert not list((target / "tables").glob("*")) if (target / "tables").exists() else True
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_foreign_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not lose me")
    with pytest.raises(cs.InputError) as caught:
        cs.write_report(cs.shipped_study("sakai2018"), tmp_path)
    assert caught.value.problems == (f"{tmp_path} holds other files and no report; name another folder, or empty it.",)
    assert (tmp_path / "thesis.txt").read_text() == "do not lose me"


def test_nothing_is_written_when_the_data_have_errors(study_copy: Callable[..., Path], tmp_path: Path) -> None:
    folder = study_copy(patients={"1,68,Recurrent": "1,68,Recurent"})
    with pytest.raises(cs.DataError):
        cs.write_report(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_ids_are_in_no_output(study_copy: Callable[..., Path], tmp_path: Path) -> None:
    folder = study_copy(study={'ids        = "show"': 'ids        = "hide"'})
    for name in ("patients.csv", "ctdna.csv"):
        path = folder / name
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([head, *(f"KINDAI-{line}" for line in lines)]) + "\n", encoding="utf-8")
    report = cs.write_report(folder, tmp_path / "out")
    for name, content in report.files.items():
        assert b"KINDAI-" not in content, name
    assert b"contains no patient identifiers" in report.files["report.html"]


def test_letters_that_no_font_draws_are_said(report: cs.Report, monkeypatch: pytest.MonkeyPatch) -> None:
    from cohortstats.report import write

    assert not report.messages
    monkeypatch.setattr(write, "missing_glyphs", lambda picture: "中央値")
    (message,) = write.make_report(report.cohort).messages
    assert message == (
        "figure1: no font on this machine draws 中央値; its png and pdf show boxes. "
        "Install a font such as Noto Sans CJK and run again."
    )


def test_an_id_in_a_label_takes_back_the_promise(study_copy: Callable[..., Path], tmp_path: Path) -> None:
    folder = study_copy(
        study={'ids        = "show"': 'ids        = "hide"', 'label = "Pathology"': 'label = "Pathology of KINDAI-7"'}
    )
    for name in ("patients.csv", "ctdna.csv"):
        path = folder / name
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([head, *(f"KINDAI-{line}" for line in lines)]) + "\n", encoding="utf-8")
    report = cs.write_report(folder, tmp_path / "out", formats=["html"])
    assert b"contains no patient identifiers" not in report.files["report.html"]
