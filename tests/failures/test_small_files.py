"""Inputs that must stop the run: one fault each, its code, its place and its whole sentence.

The control, the same file without the fault, gives no problem at all.
"""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

import cohortstats as cs

STUDY = """
cohortstats = 1
[study]
id = "small"
title = "Small"
n = 3
conventions = "r"
missing = [""]
[data.patients]
file = "FILE"
id = "id"
rows = "one per patient"
[columns.patients]
age = { type = "number", unit = "years", range = [18, 110] }
dead = { type = "yes/no" }
best = { order = ["CR", "PR", "PD"] }
start = { type = "date" }
end = { type = "date" }
[endpoints.os]
kind = "time to event"
start = "start"
event = "end"
unknown = "exclude"
"""
GOOD = """id,age,dead,best,start,end
P1,60,yes,CR,2016/3/4,2016/5/4
P2,61,no,PR,2016/3/5,2016/5/5
P3,62,yes,PD,2016/3/6,2016/5/6
"""

# name -> text replaced, replacement, code, the printed line.
TEXT_FAULTS = {
    "status 1/2": (
        GOOD,
        GOOD.replace(",yes,", ",2,").replace(",no,", ",1,"),
        "yes-no-invalid",
        "error   cases.csv row 2 (P1), dead: '2' is neither yes nor no here. "
        'Declare yes = ["2"], no = ["1"], or the reverse.',
    ),
    "event before start": (
        "2016/5/5",
        "2016/3/1",
        "date-before-start",
        "error   cases.csv row 3 (P2), end: 2016-03-01 is before start (2016-03-05). Correct one of the two dates.",
    ),
    "duplicate id": (
        "P3,",
        "P2,",
        "id-duplicate",
        "error   cases.csv row 4 (P2), id: 'P2' is in rows 3, 4. Keep one row a patient.",
    ),
    "no id": (
        "P3,",
        ",",
        "id-missing",
        "error   cases.csv row 4, id: Row 4 has no id. Give the id, or delete the row.",
    ),
    "ids alike": (
        "P3,",
        "ｐ２,",
        "id-near-duplicate",
        "error   cases.csv row 4 (ｐ２), id: 'P2' and 'ｐ２' differ only in width, case or space. "
        "Correct one, or make them differ.",
    ),
    "unknown level": (
        "CR",
        "cr",
        "level-unknown",
        "error   cases.csv row 2 (P1), best: 'cr' differs from 'CR' only in case or space. "
        'Correct the cell, or add values = { "cr" = "CR" }.',
    ),
    "missing column": (
        "best",
        "bset",
        "column-missing",
        "error   study.toml line 16: column 'best' is not in cases.csv. Did you mean 'bset'?",
    ),
    "missing id column": (
        "id,",
        "identifier,",
        "column-missing",
        "error   study.toml line 11: column 'id' is not in cases.csv. It has identifier, age, dead, best, start, end.",
    ),
    "wrong n": (
        "P3,62,yes,PD,2016/3/6,2016/5/6\n",
        "",
        "n-mismatch",
        "error   study.toml line 6: study.n is 3, cases.csv has 2 patients. Correct n, or the file.",
    ),
    "month 13": (
        "2016/3/4",
        "2016/13/4",
        "date-invalid",
        "error   cases.csv row 2 (P1), start: '2016/13/4' is not a date. Correct the cell, or add it to study.missing.",
    ),
    "month or day first": (
        "2016/3/4",
        "3/4/2016",
        "date-order",
        "error   cases.csv row 2 (P1), start: '3/4/2016' could be 2016-03-04 or 2016-04-03. "
        'Declare date_order = "mdy" or "dmy".',
    ),
    "day number": (
        "2016/3/4",
        "42433",
        "date-serial",
        "error   cases.csv row 2 (P1), start: '42433' is a number, not a date. "
        "Declare epoch = 1900 or 1904, or write the date.",
    ),
    "no day": (
        "2016/3/4",
        "2016/3",
        "date-partial",
        "error   cases.csv row 2 (P1), start: '2016/3' lacks its day. Correct the cell, declare impute, or add it to study.missing.",
    ),
    "letter O": (
        "60",
        "6O",
        "number-invalid",
        "error   cases.csv row 2 (P1), age: '6O' is not a number. Correct the cell, or add it to study.missing.",
    ),
    "limit": (
        "60",
        ">=60",
        "number-inequality",
        "error   cases.csv row 2 (P1), age: '>=60' is a limit, not a number. "
        "Correct the cell, declare beyond, or add it to study.missing.",
    ),
    "interval": (
        "60",
        "60-65",
        "number-range",
        "error   cases.csv row 2 (P1), age: '60-65' is an interval, not a number. "
        "Correct the cell, declare interval, or add it to study.missing.",
    ),
    "comma": (
        "60",
        '"6,000"',
        "number-comma",
        "error   cases.csv row 2 (P1), age: '6,000' could be 6000 or 6.000. Declare thousands or decimal.",
    ),
    "unit": (
        "60",
        "60歳",
        "unit-mismatch",
        "error   cases.csv row 2 (P1), age: '60歳' is in 歳, expected years. Correct the cell, or the unit.",
    ),
    "out of range": (
        "60",
        "600",
        "out-of-range",
        "error   cases.csv row 2 (P1), age: '600' is outside 18 to 110. Correct the cell, or the range.",
    ),
    "ragged row": (
        "61,no",
        "61,no,no",
        "row-ragged",
        "error   cases.csv row 3: Row 3 has 7 fields, the header 6. "
        "Correct the row; quote cells that hold the delimiter.",
    ),
    "open quote": (
        "P3,62",
        'P3,"62',
        "quote-open",
        "error   cases.csv row 4: A quote opened at row 4 never closes. Close it, or delete it.",
    ),
    "repeated name": (
        "dead,best",
        "best,best",
        "column-duplicate",
        "error   cases.csv row 1, best: Column best occurs 2 times. Give each its own name.",
    ),
    "title": (
        "id,",
        "Our cases\nid,",
        "header-unclear",
        "error   cases.csv row 1: Row 1 of cases.csv looks like a title. Set header = 2.",
    ),
}


def write(folder: Path, text: str | bytes, name: str = "cases.csv") -> Path:
    content = text.encode() if isinstance(text, str) else text
    (folder / name).write_bytes(content)
    (folder / "study.toml").write_text(STUDY.replace("FILE", name), encoding="utf-8")
    return folder


def failures(folder: Path) -> tuple[list[str], list[str]]:
    with pytest.raises(cs.DataError) as error:
        cs.load_cohort(folder)
    return [problem.code for problem in error.value.problems], str(error.value).splitlines()


def test_the_control(tmp_path: Path) -> None:
    assert cs.load_cohort(write(tmp_path, GOOD)).problems == ()


@pytest.mark.parametrize("name", TEXT_FAULTS)
def test_one_fault_of_a_text_file(tmp_path: Path, name: str) -> None:
    old, new, code, sentence = TEXT_FAULTS[name]
    assert old in GOOD
    codes, lines = failures(write(tmp_path, GOOD.replace(old, new, 1)))
    assert code in codes
    assert sentence in lines


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "error   cases.csv: cases.csv has no rows. Check that the right file was saved."),
        (
            GOOD.replace("P1", "é").encode("latin-1").replace(b"\xe9", b"\xfd\xff"),
            "error   cases.csv: cases.csv is neither UTF-8, UTF-16 nor cp932. Declare encoding.",
        ),
        (
            GOOD.replace("P2", "P\x002").encode(),
            "error   cases.csv row 3: cases.csv has a NUL byte at row 3. Save the file again as CSV.",
        ),
        (
            b"a,b;c,d;e\n1,2;3,4;5\n",
            "error   cases.csv: cases.csv: comma and semicolon both split it evenly. Declare delimiter.",
        ),
    ],
)
def test_a_file_that_is_no_table(tmp_path: Path, content: bytes, sentence: str) -> None:
    assert failures(write(tmp_path, content))[1] == [sentence]


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    (tmp_path / "cases.csv").rename(tmp_path / "case.csv")
    assert failures(tmp_path)[1] == [
        "error   cases.csv: cases.csv is not there. Files beside the study: case.csv. Did you mean case.csv?"
    ]


def workbook(folder: Path) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    for line in GOOD.splitlines():
        book.active.append(line.split(","))
    return book


@pytest.mark.parametrize(
    ("cell", "value", "sentence"),
    [
        ("B2", "=30+30", "row 2 (P1), age: B2 holds a formula without a value. Open the file in Excel and save it."),
        ("B2", "#DIV/0!", "row 2 (P1), age: B2 shows #DIV/0!. Correct the cell, or empty it."),
        (
            "E2",
            60,
            "row 2 (P1), start: '60' is not a date. Correct the cell, or add it to study.missing.",
        ),
    ],
)
def test_a_cell_of_a_workbook(tmp_path: Path, cell: str, value: object, sentence: str) -> None:
    write(tmp_path, b"", "cases.xlsx")
    book = workbook(tmp_path)
    book.active[cell] = value
    book.save(tmp_path / "cases.xlsx")
    lines = failures(tmp_path)[1]
    assert len(lines) == 1
    assert lines[0].startswith("error   cases.xlsx")
    assert lines[0].endswith(sentence)


def test_a_merged_title_above_the_names(tmp_path: Path) -> None:
    write(tmp_path, b"", "cases.xlsx")
    book = workbook(tmp_path)
    book.active.insert_rows(1)
    book.active["A1"] = "Our cases"
    book.active.merge_cells("A1:F1")
    book.save(tmp_path / "cases.xlsx")
    lines = failures(tmp_path)[1]
    assert len(lines) == 1
    assert lines[0].endswith("row 1: Row 1 of cases.xlsx looks like a title. Set header = 2.")


def test_everything_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("60", "6O").replace("CR", "cr").replace("2016/5/5", "2016/3/1").replace("no", "2")
    codes, _ = failures(write(tmp_path, text.replace("P3", "P1")))
    assert sorted(codes) == ["date-before-start", "id-duplicate", "level-unknown", "number-invalid", "yes-no-invalid"]
