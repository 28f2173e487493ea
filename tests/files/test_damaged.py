"""Ten real files, really damaged: a code, a sentence that names the place, exit 3, nothing written, no traceback.

The workbook is the shipped one, dressed as a hospital's; the tables are the subjects of the CDISC pilot as pharmaverse
prepared them, and the shipped rebuilt cohort, which are here without the other.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
import pytest
import xlwt
from openpyxl.worksheet.worksheet import Worksheet

import cohortstats as cs
from cohortstats.cli import main

Table = list[list[str]]
Shared = Callable[[str], Path]


def check(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Lines of ``report``, which must refuse: exit 3, nothing written, no traceback; ``check`` says the same."""
    before = sorted(path.name for path in folder.iterdir())
    assert main(["report", str(folder), "-o", str(folder / "out")]) == 3
    shown = capsys.readouterr()
    assert sorted(path.name for path in folder.iterdir()) == before
    assert main(["check", str(folder)]) == 3
    said = capsys.readouterr()
    for text in (shown.out, shown.err, said.out, said.err):
        assert "Traceback" not in text
        assert "unexpected failure" not in text
    lines = [line for line in said.out.splitlines() if line.startswith("error ")]
    assert [line for line in shown.err.splitlines() if line.startswith("error ")] == lines
    return lines


def codes(folder: Path) -> set[tuple[str, int | None]]:
    with pytest.raises(cs.DataError) as error:
        cs.load_cohort(folder)
    return {(problem.code, problem.row) for problem in error.value.problems if problem.level == "error"}


# ---------------------------------------------------------------------------------------------------------------------
# The workbook
# ---------------------------------------------------------------------------------------------------------------------

BOOK = "症例一覧.xlsx"


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    for path in cs.shipped_study("example").iterdir():
        if path.suffix in (".csv", ".toml", ".xlsx"):
            shutil.copy(path, tmp_path)
    return tmp_path


def line_of(folder: Path, start: str) -> int:
    """Line of the study file that begins so."""
    lines = (folder / "study.toml").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if line.startswith(start))


def test_the_controls(hospital: Path) -> None:
    assert [problem for problem in cs.load_cohort(hospital).problems if problem.level == "error"] == []
    assert cs.load_cohort(cs.shipped_study("sakai2018")).n == 34


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_workbook(hospital: Path, capsys: pytest.CaptureFixture[str], share: float) -> None:
    content = (hospital / BOOK).read_bytes()
    (hospital / BOOK).write_bytes(content[: int(share * len(content))])
    assert codes(hospital) == {("format-unsupported", None)}
    assert check(hospital, capsys) == [
        f"error   {BOOK}: {BOOK} is a damaged workbook. Open it in Excel and save it again."
    ]


def test_a_workbook_that_lost_its_end_but_not_its_list(hospital: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A download that was resumed at the wrong place: the list of parts is whole, the parts are not.
    content = bytearray((hospital / BOOK).read_bytes())
    content[2000:4000] = bytes(2000)
    (hospital / BOOK).write_bytes(bytes(content))
    lines = check(hospital, capsys)
    assert lines == [f"error   {BOOK}: {BOOK} is a damaged workbook. Open it in Excel and save it again."]


def encrypted(content: bytes) -> bytes:
    """A compound file with a stream EncryptedPackage, as Excel writes a workbook under a password."""
    book = xlwt.Workbook()
    book.add_sheet("x").write(0, 0, content.hex()[:30000])
    out = io.BytesIO()
    book.save(out)
    whole = out.getvalue()
    old, new = "Workbook".encode("utf-16-le"), "EncryptedPackage".encode("utf-16-le")
    place = whole.index(old + bytes(2))
    entry = new + bytes(64 - len(new)) + (len(new) + 2).to_bytes(2, "little")
    return whole[:place] + entry + whole[place + 66 :]


@pytest.mark.parametrize("name", [BOOK, "症例一覧.xls"])
def test_a_workbook_under_a_password(hospital: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    content = encrypted((hospital / BOOK).read_bytes())
    (hospital / BOOK).unlink()
    (hospital / name).write_bytes(content)
    study = hospital / "study.toml"
    study.write_text(study.read_text(encoding="utf-8").replace(f'"{BOOK}"', f'"{name}"'), encoding="utf-8")
    assert codes(hospital) == {("file-encrypted", None)}
    assert check(hospital, capsys) == [f"error   {name}: {name} is protected by a password. Save an open copy."]


def test_a_web_page_called_xls(hospital: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = openpyxl.load_workbook(hospital / BOOK).worksheets[0].iter_rows(values_only=True)
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    page = f'<html xmlns:x="urn:schemas-microsoft-com:office:excel"><body><table>{cells}</table></body></html>'
    (hospital / BOOK).unlink()
    (hospital / "list.xls").write_text(page, encoding="utf-8")
    study = hospital / "study.toml"
    study.write_text(study.read_text(encoding="utf-8").replace(f'"{BOOK}"', '"list.xls"'), encoding="utf-8")
    assert codes(hospital) == {("format-unsupported", None)}
    assert check(hospital, capsys) == [
        "error   list.xls: list.xls is a web page saved as .xls. Open it in Excel and save it as xlsx."
    ]


def place_of(sheet: Worksheet, name: str) -> str:
    """Letter of a column of the hospital's workbook."""
    return next(cell.column_letter for cell in sheet[2] if cell.value == name)


def test_merged_cells_in_the_data(hospital: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = openpyxl.load_workbook(hospital / BOOK)
    stage, start = (place_of(book.worksheets[0], name) for name in ("病期", "T-DM1開始日"))
    areas = f"{stage}10:{stage}12", f"{start}20:{start}21"
    for area in areas:
        book.worksheets[0].merge_cells(area)
    book.save(hospital / BOOK)
    assert codes(hospital) == {("cell-merged", 10), ("cell-merged", 20)}
    mend = 'Unmerge and fill the cells, or set merged = "fill".'
    assert check(hospital, capsys) == [
        f"error   {BOOK} row 10 (架空008), 病期: {areas[0]} lies in a merged area. {mend}",
        f"error   {BOOK} row 20 (架空018), T-DM1開始日: {areas[1]} lies in a merged area. {mend}",
    ]


def test_two_header_rows_of_a_workbook(hospital: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = openpyxl.load_workbook(hospital / BOOK)
    sheet = book.worksheets[0]
    sheet.insert_rows(3)
    for name, english in (("症例番号", "ID"), ("年齢", "Age"), ("T-DM1開始日", "Start")):
        sheet[f"{place_of(sheet, name)}3"] = english
    book.save(hospital / BOOK)
    lines = check(hospital, capsys)
    mend = "Correct the cell, or add it to study.missing."
    assert f"error   {BOOK} row 3 (ID), 年齢: 'Age' is not a number. {mend}" in lines
    assert f"error   {BOOK} row 3 (ID), T-DM1開始日: 'Start' is not a date. {mend}" in lines


def test_a_total_below_the_patients(hospital: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = openpyxl.load_workbook(hospital / BOOK)
    book.worksheets[0].append(["合計", 61.5])
    book.save(hospital / BOOK)
    assert codes(hospital) == {("row-total", 55), ("n-mismatch", line_of(hospital, "n "))}
    assert f"error   {BOOK} row 55, 症例番号: '合計' is a sum, not a patient. Delete the row." in check(
        hospital, capsys
    )


# ---------------------------------------------------------------------------------------------------------------------
# Text tables: the same damage to two of them
# ---------------------------------------------------------------------------------------------------------------------

ADSL = "pharmaverseadam_adsl.csv"
STUDY = """
cohortstats = 1
[study]
id = "adsl"
title = "Subjects"
n = 306
conventions = "sas"
missing = ["NA"]
[data.patients]
file = "pharmaverseadam_adsl.csv"
id = "USUBJID"
rows = "one per patient"
[columns.patients]
RFSTDTC = { type = "date" }
AGE = { type = "number", range = [18, 110] }
SEX = { order = ["F", "M"] }
ARMCD = { order = ["Pbo", "Xan_Hi", "Xan_Lo", "Scrnfail"] }
RANDDT = { type = "date" }
"""


@dataclass(frozen=True)
class Case:
    """A folder with a study, the table to damage, and its columns: id, a number, and one with levels."""

    folder: Path
    name: str
    id: str
    number: str
    level: str
    n: int
    table: Table = field(default_factory=list)

    def __post_init__(self) -> None:
        text = (self.folder / self.name).read_text(encoding="utf-8")
        self.table.extend(csv.reader(io.StringIO(text, newline="")))

    def at(self, column: str) -> int:
        return self.table[0].index(column)

    def write(self, table: Table | bytes) -> None:
        buffer = io.StringIO(newline="")
        if not isinstance(table, bytes):
            csv.writer(buffer, lineterminator="\n").writerows(table)
            table = buffer.getvalue().encode()
        (self.folder / self.name).write_bytes(table)

    def patient(self, row: int) -> str:
        return self.table[row - 1][self.at(self.id)]


@pytest.fixture(params=["rebuilt", "pilot"])
def case(request: pytest.FixtureRequest, tmp_path: Path, shared: Shared) -> Case:
    if request.param == "rebuilt":
        for path in cs.shipped_study("sakai2018").glob("*.*"):
            if path.suffix in (".csv", ".toml"):
                shutil.copy(path, tmp_path)
        return Case(tmp_path, "patients.csv", "patient", "age", "best_response", 34)
    shutil.copy(shared(f"data/adam/{ADSL}"), tmp_path)
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    return Case(tmp_path, ADSL, "USUBJID", "AGE", "SEX", 306)


def test_the_tables_before_the_damage(case: Case) -> None:
    case.write(case.table)
    assert cs.load_cohort(case.folder).n == case.n


def test_letters_replaced_in_the_whole_file(tmp_path: Path, shared: Shared, capsys: pytest.CaptureFixture[str]) -> None:
    # Meant for the column SEX, done to every F of the file: names of columns changed with it.
    text = shared(f"data/adam/{ADSL}").read_text(encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    (tmp_path / ADSL).write_text(text.replace("F", "Female"), encoding="utf-8")
    found = codes(tmp_path)
    assert ("column-missing", 14) in found
    assert {row for code, row in found if code == "level-unknown"} == {
        row for row, line in enumerate(csv.reader(io.StringIO(text)), start=1) if line[14] == "F"
    }
    lines = check(tmp_path, capsys)
    assert f"error   study.toml line 14: column 'RFSTDTC' is not in {ADSL}. Did you mean 'RFemaleSTDTC'?" in lines
    assert (
        f"error   {ADSL} row 2 (01-701-1015), SEX: 'Female' is not among F, M. "
        "Correct the cell, or add it to study.missing."
    ) in lines


@pytest.mark.parametrize("row", [2, 9, 30])
def test_a_row_shifted_to_the_left(case: Case, capsys: pytest.CaptureFixture[str], row: int) -> None:
    table = [list(cells) for cells in case.table]
    lost = table[row - 1].pop(case.at(case.number))
    table[row - 1].append("")
    case.write(table)
    found = codes(case.folder)
    assert {number for _, number in found} == {row}
    assert {code for code, _ in found} & {"number-invalid", "number-inequality", "unit-mismatch"}
    moved = table[row - 1][case.at(case.number)]
    assert moved != lost
    lines = check(case.folder, capsys)
    assert all(line.startswith(f"error   {case.name} row {row} ({case.patient(row)}), ") for line in lines)
    assert any(f", {case.number}: '{moved}'" in line for line in lines)


def test_a_cell_deleted_from_a_row(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    table = [list(cells) for cells in case.table]
    del table[4][case.at(case.number)]
    width = len(case.table[0])
    case.write(table)
    assert codes(case.folder) == {("row-ragged", 5)}
    assert check(case.folder, capsys) == [
        f"error   {case.name} row 5: Row 5 has {width - 1} fields, the header {width}. "
        "Correct the row; quote cells that hold the delimiter."
    ]


def test_every_row_shifted_under_the_names(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    table = [list(cells) for cells in case.table]
    del table[0][case.at(case.number)]
    case.write(table)
    found = codes(case.folder)
    # A row whose last cell is empty ends where the names end: its cells are in the wrong columns, and do not fit.
    ragged = {row for row, cells in enumerate(case.table, start=1) if row > 1 and cells[-1]}
    assert {row for code, row in found if code == "row-ragged"} == ragged
    lines = check(case.folder, capsys)
    assert any(re.search(r" row 2: Row 2 has [0-9]+ fields, the header [0-9]+\.", line) for line in lines)


def test_two_header_rows(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.write([case.table[0], case.table[0], *case.table[1:]])
    found = codes(case.folder)
    assert ("number-invalid", 2) in found
    assert ("level-unknown", 2) in found
    lines = check(case.folder, capsys)
    assert (
        f"error   {case.name} row 2 ({case.id}), {case.number}: '{case.number}' is not a number. "
        "Correct the cell, or add it to study.missing."
    ) in lines
    assert (
        f"error   study.toml line {line_of(case.folder, 'n ')}: study.n is {case.n}, {case.name} has {case.n + 1} patients. "
        in "\n".join(lines)
    )


@pytest.mark.parametrize("odd", [3, 20])
def test_two_encodings_in_one_file(case: Case, capsys: pytest.CaptureFixture[str], odd: int) -> None:
    # Rows typed by hand at the hospital, pasted into a file that another program had written.
    table = [[*cells, "備考" if not row else "再発、肝転移"] for row, cells in enumerate(case.table)]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(table)
    lines = buffer.getvalue().split("\n")
    for inner, outer in (("utf-8", "cp932"), ("cp932", "utf-8")):
        content = b"\n".join(line.encode(inner if row == odd else outer) for row, line in enumerate(lines, start=1))
        case.write(content)
        assert codes(case.folder) == {("encoding-unknown", odd)}
        first, second = (odd, 1) if inner == "utf-8" else (1, odd)
        assert check(case.folder, capsys) == [
            f"error   {case.name} row {odd}: {case.name} is in two encodings: row {first} is UTF-8, "
            f"row {second} is not. Save it again in one."
        ]
    case.write("\n".join(lines).encode("cp932"))
    assert cs.load_cohort(case.folder).n == case.n


def test_a_row_of_units_below_the_names(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    units = ["" for _ in case.table[0]]
    units[case.at(case.number)] = "years"
    case.write([case.table[0], units, *case.table[1:]])
    found = codes(case.folder)
    assert {("id-missing", 2), ("number-invalid", 2)} <= found
    lines = check(case.folder, capsys)
    assert f"error   {case.name} row 2, {case.id}: Row 2 has no {case.id}. Give the id, or delete the row." in lines
    assert (
        f"error   {case.name} row 2, {case.number}: 'years' is not a number. "
        "Correct the cell, or add it to study.missing."
    ) in lines


@pytest.mark.parametrize("word", ["Total", "Ｔｏｔａｌ ", "mean"])
def test_a_total_below(case: Case, capsys: pytest.CaptureFixture[str], word: str) -> None:
    total = ["NA" for _ in case.table[0]]
    total[case.at(case.id)], total[case.at(case.number)] = word, "61.5"
    case.write([*case.table, total])
    row = case.n + 2
    assert ("row-total", row) in codes(case.folder)
    assert (
        f"error   {case.name} row {row}, {case.id}: '{word.strip()}' is a sum, not a patient. Delete the row."
    ) in check(case.folder, capsys)
