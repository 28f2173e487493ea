"""Bad input on the command line: one clear sentence, exit 3, no traceback, nothing written."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pytest

import cohortstats as cs
from cohortstats.cli import main

CASES = {
    "status coded 1/2": (
        "patients.csv",
        "CR,no,372,yes",
        "CR,no,372,1",
        "error   patients.csv row 2 (1), progressed: '1' is neither yes nor no here. "
        "Declare yes and no, or add it to study.missing.",
    ),
    "negative time": (
        "patients.csv",
        "CR,no,372,yes",
        "CR,no,-372,yes",
        "error   patients.csv row 2 (1), ttp_days: '-372' is outside 0 to 4000. Correct the cell, or the range.",
    ),
    "duplicate id": (
        "patients.csv",
        "\n2,50",
        "\n1,50",
        "error   patients.csv row 3 (1), patient: '1' is in rows 2, 3. Keep one row a patient.",
    ),
    "orphan ctDNA row": (
        "ctdna.csv",
        "\n16,1.14",
        "\n99,1.14",
        "error   ctdna.csv row 17 (99), patient: '99' of ctdna.csv is not in patients.csv. "
        'Add the patient, or set orphans = "drop".',
    ),
    "unknown level": (
        "patients.csv",
        "\n2,50,Recurrent",
        "\n2,50,Recurent",
        "error   patients.csv row 3 (2), stage: 'Recurent' is not among Stage IV, Recurrent. Did you mean 'Recurrent'?",
    ),
    "missing column": (
        "patients.csv",
        "best_response",
        "best_respose",
        "error   study.toml line 49: column 'best_response' is not in patients.csv. Did you mean 'best_respose'?",
    ),
    "unknown study key": (
        "study.toml",
        "effect  =",
        "effekt  =",
        "error   study.toml line 123: [[association]] effekt is not a known key. Did you mean 'effect'?",
    ),
    "wrong n": (
        "study.toml",
        "n           = 34",
        "n           = 35",
        "error   study.toml line 7: study.n is 35, patients.csv has 34 patients. Correct n, or the file.",
    ),
    "unknown responses and no rule": (
        "study.toml",
        'unknown = "not an event"',
        "# no rule",
        'error   study.toml line 70: [endpoints.primary_resistance] needs unknown = "not an event", "event" or "exclude".',
    ),
    "response and recorded outcome differ": (
        "patients.csv",
        "PD,yes,36",
        "PD,no,36",
        "error   patients.csv row 6 (5), primary_resistance: primary_resistance is yes by its definition, "
        "resistance_recorded says no. Correct the one that is wrong.",
    ),
    "name in an expression": (
        "study.toml",
        "her2_ratio > 1.25",
        "her2_ratoi > 1.25",
        "error   study.toml line 65: [derive.her2_amplified] when: her2_ratoi is no column or derived name. "
        "Did you mean her2_ratio?",
    ),
    "level in an expression": (
        "study.toml",
        "best_response == 'PD'",
        "best_response == 'PDD'",
        "error   study.toml line 72: [endpoints.primary_resistance] when: 'PDD' is not among the levels of best_response: "
        "'CR', 'PR', 'SD', 'PD', 'Unknown'. Did you mean 'PD'?",
    ),
    "group that does not exist": (
        "study.toml",
        'groups     = "risk_group"',
        'groups     = "risk_grup"',
        "error   study.toml line 139: [[time_to_event]] groups: risk_grup is no column or derived name. "
        "Did you mean risk_group?",
    ),
    "endpoint that does not exist": (
        "study.toml",
        'endpoint   = "ttp"',
        'endpoint   = "tpt"',
        "error   study.toml line 138: [[time_to_event]] endpoint: tpt is no time to event endpoint. Did you mean ttp?",
    ),
    "broken TOML": (
        "study.toml",
        "[study]",
        "[study",
        "error   study.toml line 4: Expected ']' at the end of a table declaration at character 7.",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_sentence(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, old, new, sentence = CASES[name]
    folder = tmp_path / "study"
    shutil.copytree(cs.shipped_study("sakai2018"), folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) >= 1
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    assert main(["check", str(folder)]) == 3
    out = capsys.readouterr().out
    assert sentence in out.splitlines()
    assert "Traceback" not in out
    assert main(["report", str(folder), "-o", str(tmp_path / "out")]) == 3
    captured = capsys.readouterr()
    assert sentence in captured.err.splitlines()
    assert not captured.out
    assert not (tmp_path / "out").exists()


WORKBOOK = """
cohortstats = 1
[study]
id = "dates"
title = "Dates"
conventions = "ezr"
alpha = 0.05
missing = [""]
[data.patients]
file = "cases.xlsx"
id = "id"
rows = "one per patient"
[columns.patients]
start = { type = "date" }
progression = { type = "date" }
last_seen = { type = "date" }
age = { type = "number" }
[endpoints.ttp]
kind = "time to event"
start = "start"
event = "progression"
censor = "last_seen"
unknown = "exclude"
"""


@pytest.mark.parametrize(
    ("cell", "value", "sentence"),
    [
        ("C3", "2016-01-01", "progression: 2016-01-01 is before start (2016-03-04). Correct one of the two dates."),
        ("B3", "2016/13/4", "start: '2016/13/4' is not a date. Correct the cell, or add it to study.missing."),
        ("E3", "=20+30", "age: E3 holds a formula without a value. Open the file in Excel and save it."),
    ],
)
def test_excel_cells(cell: str, value: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["id", "start", "progression", "last_seen", "age"])
    sheet.append(["A", "2016-03-04", "2016-04-04", "2016-04-04", 50])
    sheet.append(["B", "2016-03-04", "", "2016-05-04", 60])
    sheet[cell] = value
    book.save(tmp_path / "cases.xlsx")
    (tmp_path / "study.toml").write_text(WORKBOOK, encoding="utf-8")
    assert main(["check", str(tmp_path)]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert any(
        line.startswith("error   cases.xlsx") and "row 3 (B)" in line and line.endswith(sentence) for line in lines
    ), lines
