"""The audit of the printed paper in the shipped report: the findings of `audit`, on the page, in Word and as a file."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

import cohortstats as cs


def test_page_word_and_file_have_the_findings_of_the_audit(report: cs.Report) -> None:
    found = cs.audit(cs.shipped_study("sakai2018"))
    page = report.files["report.html"].decode()
    section = page[page.index('<section id="audit"') : page.index('<section id="methods"')]
    word = zipfile.ZipFile(io.BytesIO(report.files["report.docx"])).read("word/document.xml").decode()
    rows = list(csv.DictReader(io.StringIO(report.files["audit.csv"].decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == [item.id for item in found.items]
    assert {row["id"] for row in rows if row["verdict"] == "cannot hold"} == {
        "figure1/yes/median",  # whole days give x.0 or x.5, the paper prints 56.6
        "text/reference35/percent",  # 10 of 34 is 29.4 %, the paper prints 43
    }
    assert len(re.findall("<tr>", section)) == len(found.shown) + 1
    for item in found.shown:
        for text in (item.printed, item.recomputed):
            assert f"<td>{text}</td>" in section
            assert f">{text}</w:t>" in word or not text
    assert found.summary in section.replace("&#39;", "'")


def test_a_study_without_print_has_no_such_section(tmp_path: Path) -> None:
    report = cs.write_report(cs.shipped_study("example"), tmp_path / "example", formats=["html", "docx"])
    assert "audit.csv" not in report.files
    assert 'id="audit"' not in report.files["report.html"].decode()
