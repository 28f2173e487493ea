"""The shipped example: files as a hospital hands them over, read as they are; and damaged copies of them.

Every expected value is read off the files by hand (open them beside this page) or found in them with plain Python.
"""

from __future__ import annotations

import csv
import datetime as dt
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

import cohortstats as cs

WORKBOOK, VISITS, REGIMENS, PLATE, SAMPLES = (
    "症例一覧.xlsx",
    "画像評価.csv",
    "治療歴.csv",
    "ddPCR_plate1.csv",
    "検体一覧.csv",
)


@pytest.fixture(scope="module")
def cohort() -> cs.Cohort:
    return cs.load_cohort(cs.shipped_study("example"))


def lines_of(name: str, encoding: str) -> list[dict[str, str]]:
    with (cs.shipped_study("example") / name).open(encoding=encoding, newline="") as stream:
        return list(csv.DictReader(stream))


def test_dates_in_every_form_are_dates(cohort: cs.Cohort) -> None:
    # 2014/5/16 as text, a date cell, the serial number 42084, 2015年3月29日, H27.5.11; rows 3, 4, 8, 10, 11.
    starts = cohort.values("tdm1_start")
    expected = {
        "架空001": dt.date(2014, 5, 16),
        "架空002": dt.date(2014, 5, 19),
        "架空006": dt.date(2015, 3, 21),
        "架空008": dt.date(2015, 3, 29),
        "架空009": dt.date(2015, 5, 11),
    }
    assert {patient: starts[patient].date() for patient in expected} == expected
    assert cohort.values("death")["架空009"].date() == dt.date(2015, 9, 17)  # H27.9.17


def test_full_width_digits_signs_limits_and_percents(cohort: cs.Cohort) -> None:
    assert cohort.values("age")["架空004"] == 39  # ３９
    assert cohort.values("pgr_percent")["架空003"] == 70  # ７０
    assert cohort.values("er_percent")["架空005"] == 0  # 0%
    assert cohort.values("er_percent")["架空003"] == 0.5  # ＜１, half of the limit
    assert cohort.levels("er_percent_beyond")["架空003"] == "<"
    assert cohort.levels("her2_ihc")["架空010"] == "2+"  # 2＋
    assert cohort.values("pgr_percent").isna()["架空009"]  # 不明
    assert cohort.n == 52


def test_receptors_and_lines(cohort: cs.Cohort) -> None:
    # ER 5 %, PgR 10 %: positive from 10 % on. ER 0, PgR 5: negative. ER 0, PgR not known: not known.
    status = cohort.levels("hr_positive")
    assert [status[patient] for patient in ("架空001", "架空004")] == ["yes", "no"]
    assert status.isna()["架空009"]
    # HER2 3+ is positive without FISH, 2+ with it.
    assert cohort.levels("her2")["架空010"] == "positive"
    # 架空001: [AC] and [H] before relapse, then the lines that 治療歴.csv shows; written down by hand from its rows.
    taken = {line["症例番号"]: [] for line in lines_of(REGIMENS, "utf-8-sig")}
    for line in lines_of(REGIMENS, "utf-8-sig"):
        taken[line["症例番号"]].append((line["レジメン"], bool(line["PD日"])))
    one = next(patient for patient, regimens in taken.items() if ("H+P+DTX", False) in regimens and len(regimens) < 7)
    before = taken[one][: [drugs for drugs, _ in taken[one]].index("T-DM1")]
    metastatic = [entry for entry in before if entry[0] not in ("AC", "AI")]
    metastatic = [entry for place, entry in enumerate(metastatic) if place or entry[0] != "H"]
    assert cohort.values("prior_lines")[one] == sum(progressed for _, progressed in metastatic)
    assert cohort.values("prior_lines_index")[one] == cohort.values("prior_lines")[one] + 1


def test_visits_become_responses_and_times(cohort: cs.Cohort) -> None:
    """Of every patient the first PD of the treating physician, found with plain Python, is the event."""
    visits = [line for line in lines_of(VISITS, "cp932") if line["判定者"] == "主治医"]
    first: dict[str, dt.date] = {}
    for line in visits:
        if line["総合判定"] == "PD":
            year, month, day = map(int, line["評価日"].split("/"))
            first.setdefault(line["症例番号"], dt.date(year, month, day))
    times = cohort.endpoint("ttp")
    late = times["reason"] == "missed visits"
    assert set(first) == {patient for patient in times.index if times["event"][patient] or late[patient]}
    starts = cohort.values("tdm1_start")
    for patient, day in first.items():
        if times["event"][patient]:
            assert times["time"][patient] == (day - starts[patient].date()).days
    # 架空001: SD, SD or PR … PD; the best before progression, from day 35 on.
    responses = [line["総合判定"] for line in visits if line["症例番号"] == "架空001"][1:]
    assert cohort.levels("best_response")["架空001"] == min(responses, key=["CR", "PR", "SD", "PD"].index)


def test_a_plate_becomes_ratios_and_calls(cohort: cs.Cohort) -> None:
    """Droplets of both wells of PL-001, read off the export; controls and blanks are nobody's."""
    wells = [line for line in lines_of(PLATE, "utf-8") if line["Sample description 1"] == "PL-001"]
    counts = {
        target: [sum(int(line[name]) for line in wells if line["Target"] == target) for name in ("Positives",)]
        for target in ("HER2", "EFTUD2")
    }
    accepted = sum(int(line["Accepted Droplets"]) for line in wells if line["Target"] == "HER2")
    owner = next(line["症例番号"] for line in lines_of(SAMPLES, "utf-8") if line["sample"] == "PL-001")
    ratio = cs.copy_ratio(counts["HER2"][0], counts["EFTUD2"][0], accepted)
    assert cohort.values("her2_ratio")[owner] == pytest.approx(float(ratio.ratio), rel=1e-12)
    assert cohort.values("her2_ratio").notna().sum() == 24
    evidence = cohort.evidence["e545k"].loc[owner]
    blanks = [line for line in lines_of(PLATE, "utf-8") if line["Sample description 1"].startswith("健常")]
    false = sum(int(line["Positives"]) for line in blanks if line["Target"] == "PIK3CA E545K")
    assert evidence["limit_of_blank"] == cs.limit_of_blank(false, 10).droplets


def test_it_is_labelled_invented() -> None:
    folder = cs.shipped_study("example")
    assert "INVENTED" in (folder / "README.md").read_text(encoding="utf-8")
    assert "架空" in cs.Study.read(folder).title


def test_the_files_are_made_by_their_script(tmp_path: Path) -> None:
    folder = cs.shipped_study("example")
    shutil.copy(folder / "make_example.py", tmp_path)
    subprocess.run([sys.executable, "make_example.py"], cwd=tmp_path, check=True, capture_output=True)
    for name in (WORKBOOK, VISITS, REGIMENS, PLATE, SAMPLES):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_its_report_is_japanese(cohort: cs.Cohort, tmp_path: Path) -> None:
    report = cs.write_report(cohort.study, tmp_path / "report")
    page = report.files["report.html"].decode()
    assert '<html lang="ja">' in page
    assert "リスク集合" in page
    assert "架空001" not in page
    assert "PL-001" not in page
    assert "ログランク検定" in report.files["methods.md"].decode()


# cell -> what is typed there, and the code and start of the message that must come back.
MISTAKES = {
    "J21": ("2016/13/4", "date-invalid", "'2016/13/4' is not a date"),
    "B5": (500, "out-of-range", "'500' is outside 18 to 110"),
    "B6": ("五十", "number-invalid", "'五十' is not a number"),
    "C7": ("再 発", "level-unknown", "'再 発' differs from '再発' only in case or space"),
    "H8": ("±", "yes-no-invalid", "'±' is neither yes nor no here"),
    "F9": ("４＋", "level-unknown", "'4+' is not among 2+, 3+"),
    "A10": ("架空007", "id-duplicate", "'架空007' is in rows 9, 10"),
    "A11": (None, "id-missing", "Row 11 has no 症例番号"),
    "D12": ("10 mg", "unit-mismatch", "'10 mg' is in mg"),
    "L13": ("=L12+7", "formula-uncached", "L13 holds a formula without a value"),
    "H14": ("#N/A", "cell-error", "H14 shows #N/A"),
    "L15": (dt.datetime(2001, 1, 1), "date-before-start", "2001-01-01 is before tdm1_start"),
}


def test_all_mistakes_of_a_damaged_workbook_come_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "example"
    shutil.copytree(cs.shipped_study("example"), folder)
    book = openpyxl.load_workbook(folder / WORKBOOK)
    sheet = book["症例一覧"]
    for cell, (value, _, _) in MISTAKES.items():
        sheet[cell] = value
    book.save(folder / WORKBOOK)
    with pytest.raises(cs.DataError) as caught:
        cs.load_cohort(folder)
    errors = [problem for problem in caught.value.problems if problem.level == "error"]
    for cell, (_, code, message) in MISTAKES.items():
        row = sheet[cell].row
        alike = [p for p in errors if p.code == code and p.row == row and p.message.startswith(message)]
        assert len(alike) == 1, (cell, [str(problem) for problem in errors])
        assert alike[0].file == WORKBOOK
        assert alike[0].mend
    # The two ids that are lost leave their visits and treatments behind, and row 15 breaks a rule of the study too.
    more = [problem for problem in errors if problem.code in ("id-orphan", "check-failed")]
    assert {problem.value for problem in more} == {"架空008", "架空009", ""}
    assert len(more) == 5
    assert len(errors) == len(MISTAKES) + len(more), "and nothing else is blamed"
    frame = caught.value.failures
    assert list(frame.columns)[:3] == ["level", "code", "file"]
    assert len(frame) == len(caught.value.problems)


def test_mistakes_of_the_other_files_come_with_their_rows(tmp_path: Path) -> None:
    folder = tmp_path / "example"
    shutil.copytree(cs.shipped_study("example"), folder)
    visits = (folder / VISITS).read_text(encoding="cp932").splitlines()
    visits[2] = visits[2].replace(",SD,", ",iUPD,").replace(",PR,", ",iUPD,")
    visits.insert(4, visits[3])
    (folder / VISITS).write_text("\n".join(visits), encoding="cp932")
    plate = (folder / PLATE).read_text(encoding="utf-8").splitlines()
    cells = plate[1].split(",")
    cells[20] = str(int(cells[20]) + 7)  # accepted droplets
    plate[1] = ",".join(cells)
    (folder / PLATE).write_text("\n".join(plate), encoding="utf-8")
    with pytest.raises(cs.DataError) as caught:
        cs.load_cohort(folder)
    found = {(p.file, p.row, p.code) for p in caught.value.problems if p.level == "error"}
    assert (PLATE, 2, "ddpcr-counts") in found
    assert (VISITS, 3, "response-irecist") in found
