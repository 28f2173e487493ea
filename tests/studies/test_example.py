"""The shipped example: an invented cohort in a messy Japanese workbook, read as it is; and a damaged copy of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

import cohortstats as cs

FILE = "症例一覧.xlsx"


@pytest.fixture(scope="module")
def cohort() -> cs.Cohort:
    return cs.load_cohort(cs.shipped_study("example"))


def test_dates_in_every_form_are_dates(cohort: cs.Cohort) -> None:
    # Rows 3, 4, 5 and 10 of the workbook: a serial number (41775), a date cell, text 2014/7/30, and H27.3.29.
    starts = cohort.values("tdm1_start")
    expected = {
        "架空001": dt.date(2014, 5, 16),
        "架空002": dt.date(2014, 5, 19),
        "架空003": dt.date(2014, 7, 30),
        "架空008": dt.date(2015, 3, 29),
    }
    assert {patient: starts[patient].date() for patient in expected} == expected
    progressed = cohort.values("progression")
    assert progressed["架空001"].date() == dt.date(2014, 12, 28)  # 2014年12月28日
    assert progressed["架空002"].date() == dt.date(2014, 7, 22)  # H26.7.22


def test_full_width_digits_and_signs(cohort: cs.Cohort) -> None:
    assert cohort.values("age")["架空004"] == 77  # ７７
    assert cohort.levels("er")["架空001"] == "no"  # U+2212
    assert cohort.levels("pgr")["架空009"] == "yes"  # ＋
    assert cohort.levels("prior_lines")["架空011"] == "4"  # ４


def test_missing_codes_are_as_declared(cohort: cs.Cohort) -> None:
    assert cohort.levels("best_response").isna()["架空004"]  # NE
    assert cohort.n == 52
    assert cohort.study.missing["NE"] == "評価不能"


def test_it_is_labelled_invented() -> None:
    folder = cs.shipped_study("example")
    assert "INVENTED" in (folder / "README.md").read_text(encoding="utf-8")
    assert "架空" in cs.Study.read(folder).title


def test_the_workbook_is_made_by_its_script(tmp_path: Path) -> None:
    folder = cs.shipped_study("example")
    for name in ("make_example.py", "study.toml"):
        shutil.copy(folder / name, tmp_path)
    subprocess.run([sys.executable, "make_example.py"], cwd=tmp_path, check=True, capture_output=True)
    made, shipped = ((place / FILE).read_bytes() for place in (tmp_path, folder))
    assert hashlib.sha256(made).hexdigest() == hashlib.sha256(shipped).hexdigest()


def test_its_report_is_japanese(cohort: cs.Cohort, tmp_path: Path) -> None:
    report = cs.write_report(cohort.study, tmp_path / "report")
    page = report.files["report.html"].decode()
    assert '<html lang="ja">' in page
    assert "リスク集合" in page
    assert "架空001" not in page
    assert "ログランク検定" in report.files["methods.md"].decode()


# cell -> what is typed there, and the code and start of the message that must come back.
MISTAKES = {
    "H21": ("2016/13/4", "date-invalid", "'2016/13/4' is not a date"),
    "B5": (500, "out-of-range", "'500' is outside 18 to 110"),
    "B6": ("五十", "number-invalid", "'五十' is not a number"),
    "C7": ("再 発", "level-unknown", "'再 発' differs from '再発' only in case or space"),
    "D8": ("±", "yes-no-invalid", "'±' is neither yes nor no here"),
    "I9": ("ＰＲＲ", "level-unknown", "'PRR' is not among CR, PR, SD, PD"),
    "A10": ("架空007", "id-duplicate", "'架空007' is in rows 9, 10"),
    "A11": (None, "id-missing", "Row 11 has no 症例番号"),
    "J12": (dt.datetime(2001, 1, 1), "date-before-start", "2001-01-01 is before tdm1_start"),
    "K13": ("=K12+7", "formula-uncached", "K13 holds a formula without a value"),
    "F14": ("#N/A", "cell-error", "F14 shows #N/A"),
}


def test_all_mistakes_of_a_damaged_copy_come_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "example"
    shutil.copytree(cs.shipped_study("example"), folder)
    book = openpyxl.load_workbook(folder / FILE)
    sheet = book["症例一覧"]
    for cell, (value, _, _) in MISTAKES.items():
        sheet[cell] = value
    book.save(folder / FILE)
    with pytest.raises(cs.DataError) as caught:
        cs.load_cohort(folder)
    errors = [problem for problem in caught.value.problems if problem.level == "error"]
    for cell, (_, code, message) in MISTAKES.items():
        row = sheet[cell].row
        alike = [p for p in errors if p.code == code and p.row == row and p.message.startswith(message)]
        assert len(alike) == 1, (cell, [str(problem) for problem in errors])
        assert alike[0].file == FILE
        assert alike[0].mend
    assert len(errors) == len(MISTAKES), "and nothing else is blamed"
    frame = caught.value.failures
    assert list(frame.columns)[:3] == ["level", "code", "file"]
    assert len(frame) == len(caught.value.problems)
