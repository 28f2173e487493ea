"""Workbooks: the stored value of each cell, and everything that makes a cell doubtful."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt
from openpyxl.styles import Font
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from cohortstats.errors import DataError, Problem
from cohortstats.files import TextTable, read_table
from cohortstats.files.read import scan_table
from cohortstats.loaders import load_cohort
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


def raw_sheet(path: Path, rows: str, *, epoch_1904: bool = False, texts: str = "") -> None:
    """A workbook whose sheet is this XML, as Excel stores it; style 1 is a date, style 2 a length of time."""
    book, sheet = sheet_of([["id", "x"], ["a", dt.datetime(2016, 3, 4)], ["b", dt.timedelta(hours=30)]])
    sheet["B2"].number_format, sheet["B3"].number_format = "yyyy/m/d", "[h]:mm"
    if epoch_1904:
        book.epoch = CALENDAR_MAC_1904
    book.save(path)
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    name = "xl/worksheets/sheet1.xml"
    head, _, rest = parts[name].partition(b"<sheetData>")
    parts[name] = head + b"<sheetData>" + rows.encode() + b"</sheetData>" + rest.partition(b"</sheetData>")[2]
    if texts:
        opening = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        parts["xl/sharedStrings.xml"] = opening + texts.encode() + b"</sst>"
        part = b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        part += b'spreadsheetml.sharedStrings+xml"/></Types>'
        parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(b"</Types>", part)
    with zipfile.ZipFile(path, "w") as new:
        for part, content in parts.items():
            new.writestr(part, content)


HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="B1" t="inlineStr"><is><t>x</t></is></c></row>'


def numbered(cells: list[str]) -> str:
    """Rows below the header: an id, then this cell."""
    rows = [
        f'<row r="{row}"><c r="A{row}" t="inlineStr"><is><t>p{row}</t></is></c>{cell.replace("@", f"B{row}")}</row>'
        for row, cell in enumerate(cells, start=2)
    ]
    return HEADER + "".join(rows)


@pytest.mark.parametrize(
    ("serial", "text"),
    [
        ("42433", "2016-03-04"),
        ("59", "1900-02-28"),
        ("60", "60"),  # 29 February 1900, which never was
        ("60.5", "60.5"),
        ("61", "1900-03-01"),
        ("42433.4375", "2016-03-04 10:30:00"),
        ("0.5", "12:00:00"),
        ("1E+300", "1e+300"),
    ],
)
def test_dates_are_made_from_the_stored_number(tmp_path: Path, serial: str, text: str) -> None:
    raw_sheet(tmp_path / "cases.xlsx", numbered([f'<c r="@" s="1"><v>{serial}</v></c>']))
    assert read_table(tmp_path / "cases.xlsx").cells["x"].tolist() == [text]


def test_the_day_that_never_was_is_no_date_of_a_cohort(tmp_path: Path) -> None:
    raw_sheet(tmp_path / "cases.xlsx", numbered(['<c r="@" s="1"><v>59</v></c>', '<c r="@" s="1"><v>60</v></c>']))
    (tmp_path / "study.toml").write_text(
        'cohortstats = 1\n[study]\nid = "a"\ntitle = "A"\nconventions = "r"\n[data.patients]\nfile = "cases.xlsx"\n'
        'id = "id"\nrows = "one per patient"\n[columns.patients]\nx = { type = "date" }\n'
    )
    with pytest.raises(DataError) as error:
        load_cohort(tmp_path)
    assert [(p.code, p.row, p.value) for p in error.value.problems] == [("date-invalid", 3, "60")]


def test_a_length_of_time_is_no_date(tmp_path: Path) -> None:
    raw_sheet(tmp_path / "cases.xlsx", numbered(['<c r="@" s="2"><v>1.25</v></c>']))
    assert read_table(tmp_path / "cases.xlsx").cells["x"].tolist() == ["1 day, 6:00:00"]


def test_every_kind_of_stored_cell(tmp_path: Path) -> None:
    texts = (
        "<si><t>plain</t></si>"
        "<si><r><t>T-</t></r><r><rPr><b/></rPr><t>DM1</t></r></si>"  # bold in part
        '<si><t>山田</t><rPh sb="0" eb="2"><t>ヤマダ</t></rPh></si>'  # how it is spoken is no part of it
    )
    cells = [
        '<c r="@" t="s"><v>0</v></c>',
        '<c r="@" t="s"><v>1</v></c>',
        '<c r="@" t="s"><v>2</v></c>',
        '<c r="@" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>',
        '<c r="@" t="str"><f>A1&amp;"x"</f><v>idx</v></c>',
        '<c r="@" t="b"><v>1</v></c>',
        '<c r="@" t="d"><v>2016-03-04</v></c>',
        '<c r="@"><v>1.1000000000000001</v></c>',
        '<c r="@"><v>12345678901234567</v></c>',
        '<c r="@"><v>-3</v></c>',
        '<c r="@"><f>1/8</f><v>0.125</v></c>',
        '<c r="@" t="str"><f>""</f></c>',
        "",
    ]
    raw_sheet(tmp_path / "cases.xlsx", numbered(cells), texts=texts)
    assert read_table(tmp_path / "cases.xlsx").cells["x"].tolist() == (
        ["plain", "T-DM1", "山田", "ab", "idx", "TRUE", "2016-03-04", "1.1", "12345678901234567", "-3", "0.125", "", ""]
    )


def test_cells_without_an_address_follow_one_another(tmp_path: Path) -> None:
    bare = "<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>"
    raw_sheet(tmp_path / "cases.xlsx", HEADER + bare)
    table = read_table(tmp_path / "cases.xlsx")
    assert [cells.tolist() for cells in table.cells.values()] == [["1", "3"], ["2", ""]]
    assert table.rows.tolist() == [2, 3]


def test_rows_that_have_a_format_only_are_no_rows(tmp_path: Path) -> None:
    # A column formatted down to the last row of the sheet: a million cells to some readers.
    far = '<row r="1048576"><c r="B1048576" s="1"/></row>'
    raw_sheet(tmp_path / "cases.xlsx", numbered(['<c r="@"><v>1</v></c>']) + far)
    table = read_table(tmp_path / "cases.xlsx")
    assert (len(table), table.problems) == (1, ())
    raw_sheet(tmp_path / "cases.xlsx", HEADER + '<row r="1048577"><c r="A1048577"><v>1</v></c></row>')
    with pytest.raises(DataError) as error:
        read_table(tmp_path / "cases.xlsx")
    assert error.value.problems[0].code == "file-too-large"


def test_hidden_columns_are_read_and_named(tmp_path: Path) -> None:
    book, sheet = sheet_of([["id", "x", "y"], ["a", "1", "2"]])
    sheet.column_dimensions["B"].hidden = True
    table = read(book, tmp_path)
    assert table.cells["x"].tolist() == ["1"]
    assert [problem.message for problem in table.problems] == ["1 hidden column was read: x."]


def test_a_column_without_a_name_but_with_cells(tmp_path: Path) -> None:
    book, _ = sheet_of([["id", None], ["a", None], ["b", 3]])
    assert [(p.code, p.message) for p in problems(book, tmp_path)] == [("column-unnamed", "Column 2 has no name.")]


# ---------------------------------------------------------------------------------------------------------------------
# Excel 97 to 2003
# ---------------------------------------------------------------------------------------------------------------------


def old_sheet(path: Path, fill: Callable[[Any, Any], None]) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    for row, values in enumerate([("id", "x"), ("a", 1.5), ("b", 2), ("c", True)]):
        for place, value in enumerate(values):
            sheet.write(row, place, value)
    fill(book, sheet)
    book.save(str(path))
    return path


def test_an_old_sheet_obeys_the_same_rules(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write(4, 0, 5)
        sheet.write(4, 1, 0.125, xlwt.easyxf(num_format_str="0.0%"))
        sheet.write(5, 0, "e", xlwt.easyxf("font: struck_out on"))
        sheet.write(5, 1, 60, xlwt.easyxf(num_format_str="YYYY/M/D"))
        sheet.write(6, 0, "f")
        sheet.write(6, 1, 59, xlwt.easyxf(num_format_str="YYYY/M/D"))
        sheet.row(2).hidden = True
        sheet.col(1).hidden = True

    path = old_sheet(tmp_path / "cases.xls", fill)
    table = read_table(path, options(file="cases.xls"))
    assert table.cells["x"].tolist() == ["1.5", "2", "TRUE", "0.125", "60", "1900-02-28"]
    assert [(problem.code, problem.row) for problem in table.problems] == [
        ("rows-hidden", 3),
        ("rows-hidden", None),
        ("percent-format", 5),
        ("id-numeric", None),
        ("cell-struck", None),
    ]
    skipped = read_table(path, options(file="cases.xls", hidden="skip"))
    assert (skipped.rows.tolist(), skipped.n_hidden_skipped) == ([2, 4, 5, 6, 7], 1)


def test_an_old_sheet_with_merged_cells_and_errors(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_merge(4, 5, 1, 1, "PR")
        sheet.write(4, 0, "d")
        sheet.write(5, 0, "e")
        sheet.write(6, 0, "f")
        sheet.row(6).set_cell_error(1, 42)  # the number of #N/A

    path = old_sheet(tmp_path / "cases.xls", fill)
    found = scan_table(path, options(file="cases.xls")).problems
    assert [(p.code, p.row, p.message) for p in found] == [
        ("cell-merged", 5, "B5:B6 lies in a merged area."),
        ("cell-error", 7, "B7 shows #N/A."),
    ]
    filled = scan_table(path, options(file="cases.xls", merged="fill"))
    assert filled.cells["x"].tolist() == ["1.5", "2", "TRUE", "PR", "PR", "#N/A"]


def test_an_old_workbook_with_two_sheets(tmp_path: Path) -> None:
    path = old_sheet(tmp_path / "cases.xls", lambda book, sheet: book.add_sheet("More").write(0, 0, "id"))
    with pytest.raises(DataError) as error:
        read_table(path)
    assert [problem.code for problem in error.value.problems] == ["sheet-unclear"]
    hidden = old_sheet(
        tmp_path / "cases.xls", lambda book, sheet: setattr(book.add_sheet("More"), "visibility", 1) or None
    )
    assert read_table(hidden).sheet == "Data"
