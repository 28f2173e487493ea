"""Workbooks: the stored value of each cell, and everything that makes a cell doubtful."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Font
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from cohortstats.errors import DataError, Problem
from cohortstats.loaders import TextTable, read_table
from cohortstats.loaders.read import scan_table
from cohortstats.study import DataTable


def options(**keys: object) -> DataTable:
    fields = {"name": "patients", "file": "cases.xlsx", "id": "id", "rows": "one per patient", **keys}
    return DataTable(**fields)  # type: ignore[arg-type]


def sheet_of(rows: list[list[Any]]) -> tuple[openpyxl.Workbook, Any]:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    return book, book.active


def read(book: openpyxl.Workbook, folder: Path, **keys: object) -> TextTable:
    path = folder / "cases.xlsx"
    book.save(path)
    return read_table(path, options(**keys))


def problems(book: openpyxl.Workbook, folder: Path, **keys: object) -> list[Problem]:
    path = folder / "cases.xlsx"
    book.save(path)
    try:
        return list(scan_table(path, options(**keys)).problems)
    except DataError as error:
        return list(error.problems)


def with_cached_value(path: Path, cell: str, value: str) -> None:
    """Give a formula the value that Excel would have stored beside it."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    name = "xl/worksheets/sheet1.xml"
    start = parts[name].index(f'<c r="{cell}"'.encode())
    end = parts[name].index(b"</c>", start)
    body = parts[name][start:end].replace(b"<v></v>", b"").replace(b"<v />", b"").replace(b"<v/>", b"")
    if value == "<v></v>":  # an empty text is a text, and Excel says so
        body = body.replace(f'<c r="{cell}"'.encode(), f'<c r="{cell}" t="str"'.encode())
    parts[name] = parts[name][:start] + body + value.encode() + parts[name][end:]
    with zipfile.ZipFile(path, "w") as new:
        for part, content in parts.items():
            new.writestr(part, content)


def test_values_become_their_shortest_text(tmp_path: Path) -> None:
    book, _ = sheet_of(
        [["id", "x"], ["a", 1.1], ["b", 3.0], ["c", True], ["d", " 12.50"], ["e", None], ["f", dt.datetime(2016, 3, 4)]]
    )
    table = read(book, tmp_path)
    assert table.cells["x"].tolist() == ["1.1", "3", "TRUE", " 12.50", "", "2016-03-04"]
    assert table.rows.tolist() == [2, 3, 4, 5, 6, 7]
    assert (table.source.kind, table.source.sheet, table.source.epoch) == ("xlsx", "Sheet", 1900)


def test_the_day_count_is_the_workbooks_own(tmp_path: Path) -> None:
    book, _ = sheet_of([["id", "x"], ["a", dt.datetime(2016, 3, 4)]])
    book.epoch = CALENDAR_MAC_1904
    table = read(book, tmp_path)
    assert table.cells["x"].tolist() == ["2016-03-04"]
    assert table.source.epoch == 1904


def test_an_empty_second_sheet_does_not_count(tmp_path: Path) -> None:
    book, _ = sheet_of([["id"], ["a"]])
    book.create_sheet("Sheet2")
    assert read(book, tmp_path).sheet == "Sheet"


def test_two_sheets_with_data_need_a_name(tmp_path: Path) -> None:
    book, _ = sheet_of([["id"], ["a"]])
    book.create_sheet("Data").append(["id"])
    found = problems(book, tmp_path)
    assert [str(problem) for problem in found] == [
        "error   cases.xlsx: cases.xlsx has 2 sheets with data: Sheet, Data. Name one in sheet."
    ]
    assert found[0].code == "sheet-unclear"
    assert problems(book, tmp_path, sheet="Shet")[0].mend == "Did you mean Sheet?"
    assert read(book, tmp_path, sheet="Sheet").cells["id"].tolist() == ["a"]


def test_a_hidden_sheet_is_read_only_when_named(tmp_path: Path) -> None:
    book, _ = sheet_of([["id"], ["a"]])
    other = book.create_sheet("Old")
    other.append(["id"])
    other.append(["b"])
    other.sheet_state = "hidden"
    assert read(book, tmp_path).cells["id"].tolist() == ["a"]
    assert read(book, tmp_path, sheet="Old").cells["id"].tolist() == ["b"]


def test_a_merged_title_asks_for_the_header(tmp_path: Path) -> None:
    book, sheet = sheet_of([["A title", None], ["id", "x"], ["a", "1"]])
    sheet.merge_cells("A1:B1")
    found = problems(book, tmp_path)
    assert [(problem.code, problem.mend) for problem in found] == [("header-unclear", "Set header = 2.")]
    assert read(book, tmp_path, header=2).columns == ("id", "x")


def test_a_formula_that_nobody_calculated(tmp_path: Path) -> None:
    book, _ = sheet_of([["id", "x"], ["a", "=1+1"], ["b", 2]])
    found = problems(book, tmp_path)
    assert [(p.code, p.row, p.column, p.message) for p in found] == [
        ("formula-uncached", 2, "x", "B2 holds a formula without a value.")
    ]


@pytest.mark.parametrize(("stored", "text"), [("<v>2</v>", "2"), ("<v></v>", "")])
def test_a_calculated_formula_is_its_value(tmp_path: Path, stored: str, text: str) -> None:
    # =IF(A1="","",A1) stores an empty text: calculated, and empty.
    book, _ = sheet_of([["id", "x"], ["a", "=1+1"], ["b", 2]])
    path = tmp_path / "cases.xlsx"
    book.save(path)
    with_cached_value(path, "B2", stored)
    assert read_table(path, options()).cells["x"].tolist() == [text, "2"]


def test_an_error_value_is_never_missing(tmp_path: Path) -> None:
    book, sheet = sheet_of([["id", "x"], ["a", 1]])
    sheet["B2"].value = "#N/A"
    sheet["B2"].data_type = "e"
    assert [(p.code, p.message, p.value) for p in problems(book, tmp_path)] == [
        ("cell-error", "B2 shows #N/A.", "#N/A")
    ]


def test_merged_cells_in_the_data(tmp_path: Path) -> None:
    book, sheet = sheet_of([["id", "x"], ["a", "1"], ["b", None], ["c", "2"]])
    sheet.merge_cells("B2:B3")
    assert [(p.code, p.row, p.message) for p in problems(book, tmp_path)] == [
        ("cell-merged", 2, "B2:B3 lies in a merged area.")
    ]
    assert read(book, tmp_path, merged="fill").cells["x"].tolist() == ["1", "1", "2"]


def test_hidden_rows_are_read_and_told_or_left_out_and_counted(tmp_path: Path) -> None:
    book, sheet = sheet_of([["id", "x"], ["a", "1"], ["b", "2"]])
    sheet.row_dimensions[3].hidden = True
    table = read(book, tmp_path)
    assert table.cells["id"].tolist() == ["a", "b"]
    assert [(p.level, p.code, p.message) for p in table.problems] == [
        ("warning", "rows-hidden", "1 hidden row was read: 3.")
    ]
    table = read(book, tmp_path, hidden="skip")
    assert table.cells["id"].tolist() == ["a"]
    assert table.n_hidden_skipped == 1


def test_percent_formats_numeric_ids_and_struck_cells_are_told(tmp_path: Path) -> None:
    book, sheet = sheet_of([["id", "x"], [1, 0.125], [2, 0.5]])
    sheet["B2"].number_format = "0.0%"
    sheet["A3"].font = Font(strike=True)
    table = read(book, tmp_path)
    assert table.cells["x"].tolist() == ["0.125", "0.5"]
    assert {problem.code for problem in table.problems} == {"percent-format", "id-numeric", "cell-struck"}


def test_empty_rows_end_the_table_or_are_told(tmp_path: Path) -> None:
    book, _ = sheet_of([["id", "x"], ["a", "1"], [None, None], ["b", "2"], [None, " "]])
    table = read(book, tmp_path)
    assert table.rows.tolist() == [2, 4]
    assert [(problem.code, problem.row) for problem in table.problems] == [("row-empty", 3)]


def test_files_that_are_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "cases.xlsx"
    for content, code in [
        (b"PK\x03\x04 broken", "format-unsupported"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"), "file-encrypted"),
    ]:
        path.write_bytes(content)
        with pytest.raises(DataError) as error:
            read_table(path, options())
        assert error.value.problems[0].code == code
    for part, kind in [("xl/workbook.bin", "xlsb"), ("a.txt", "zip archive")]:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(part, "x")
        with pytest.raises(DataError, match=kind):
            read_table(path, options())


def test_content_tells_the_kind_not_the_name(tmp_path: Path) -> None:
    book, _ = sheet_of([["id"], ["a"]])
    path = tmp_path / "cases.csv"
    book.save(path)
    assert read_table(path).source.kind == "xlsx"
