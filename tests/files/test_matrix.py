"""One table of 40 patients in every dress that it may come in: the cells, and the cohort, are one and the same."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import re
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pyreadstat
import pytest
import xlwt
from openpyxl.utils.datetime import CALENDAR_MAC_1904

import cohortstats as cs
from cohortstats.files import TextTable, read_table
from cohortstats.files.read import scan_source
from cohortstats.study import DataTable

NAMES = ["id", "age", "ratio", "start", "response", "note"]


def _row(number: int) -> list[Any]:
    return [
        f"{number:03d}",
        None if number % 9 == 4 else 40 + number,
        float(f"{1.1 * number:.2f}") if number % 2 else number / 4,
        dt.date(2016, 3, 4) + dt.timedelta(days=17 * number),
        ["CR", "PR", "SD", "PD"][number % 4],
        ["", "不明", "a, b; c|d", 'said "no"', "two\nlines", "NA"][number % 6],
    ]


TYPED = [_row(number) for number in range(1, 41)]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else repr(value)
    return str(value)


TEXT = [[_text(value) for value in row] for row in TYPED]
EXPECTED = {name: [row[place] for row in TEXT] for place, name in enumerate(NAMES)}


def options(file: str, **keys: Any) -> DataTable:
    return DataTable(name="patients", file=file, id="id", rows="one per patient", **keys)


def check(table: TextTable) -> None:
    assert table.columns == tuple(NAMES)
    assert {name: cells.tolist() for name, cells in table.cells.items()} == EXPECTED
    assert [problem for problem in table.problems if problem.level == "error"] == []


# ---------------------------------------------------------------------------------------------------------------------
# Text
# ---------------------------------------------------------------------------------------------------------------------

# How the bytes are made, and what the study file must say of it.
ENCODINGS: dict[str, tuple[Callable[[str], bytes], str]] = {
    "utf-8": (lambda text: text.encode(), ""),
    "utf-8 with mark": (lambda text: text.encode("utf-8-sig"), ""),
    "utf-16 little": (lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"), ""),
    "utf-16 big": (lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"), ""),
    "utf-16 little, no mark": (lambda text: text.encode("utf-16-le"), ""),
    "utf-16 big, no mark": (lambda text: text.encode("utf-16-be"), ""),
    "cp932": (lambda text: text.encode("cp932"), ""),
    "euc-jp, declared": (lambda text: text.encode("euc-jp"), "euc-jp"),
}
QUOTING = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]


def dressed(delimiter: str, newline: str, quoting: int) -> str:
    # The writer quotes a line end in a cell only where it knows it, so each record is written with both of its signs.
    records = []
    for row in [NAMES, *TEXT]:
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter, lineterminator="\r\n", quoting=quoting).writerow(row)  # type: ignore[arg-type]
        records.append(out.getvalue().removesuffix("\r\n"))
    return newline.join([*records, ""])


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_text_in_every_dress(tmp_path: Path, encoding: str, newline: str) -> None:
    encode, declared = ENCODINGS[encoding]
    path = tmp_path / "cases.csv"
    for delimiter in ",;\t|":
        for quoting in QUOTING:
            text = dressed(delimiter, newline, quoting)
            path.write_bytes(encode(text))
            table = read_table(path, options("cases.csv", encoding=declared))
            check(table)
            assert table.source.delimiter == delimiter
            # A record stands where it starts; the note of every sixth patient takes two lines.
            starts = [2 + place + sum("\n" in row[5] for row in TEXT[:place]) for place in range(40)]
            assert table.rows.tolist() == starts


def test_text_with_declared_blanks_and_with_a_line_that_names_the_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "cases.txt"
    path.write_text(dressed(" ", "\n", csv.QUOTE_ALL), encoding="utf-8", newline="")
    check(read_table(path, options("cases.txt", delimiter=" ")))
    path.write_text("sep=;\n" + dressed(";", "\n", csv.QUOTE_MINIMAL), encoding="utf-8", newline="")
    check(read_table(path))


# ---------------------------------------------------------------------------------------------------------------------
# Workbooks
# ---------------------------------------------------------------------------------------------------------------------


def _typed(value: Any, place: int) -> Any:
    return value


def _as_text(value: Any, place: int) -> Any:
    return _text(value) or None


def _mixed(value: Any, place: int) -> Any:
    return _as_text(value, place) if place % 3 else value


def workbook(path: Path, cell: Callable[[Any, int], Any], *, epoch_1904: bool = False, title: bool = False) -> None:
    book = openpyxl.Workbook()
    if epoch_1904:
        book.epoch = CALENDAR_MAC_1904
    sheet: Any = book.active
    if title:
        sheet.append(["Patients of the cohort"])
        sheet.merge_cells("A1:F1")
    sheet.append(NAMES)
    for place, row in enumerate(TYPED):
        sheet.append([cell(value, place) if value != "" else None for value in row])
    book.create_sheet("Sheet2")
    book.save(path)


_INLINE = re.compile(rb'(<c r="[A-Z]+[0-9]+"(?: s="[0-9]+")?) t="inlineStr"><is>(<t[^>]*>.*?</t>)</is></c>', re.DOTALL)


def share_texts(path: Path) -> None:
    """Put the texts where Excel itself keeps them: each once, and their numbers in the cells."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    texts: dict[bytes, int] = {}

    def number(found: re.Match[bytes]) -> bytes:
        place = texts.setdefault(found[2], len(texts))
        return b'%b t="s"><v>%d</v></c>' % (found[1], place)

    name = "xl/worksheets/sheet1.xml"
    parts[name] = _INLINE.sub(number, parts[name])
    assert texts
    assert b"inlineStr" not in parts[name]
    items = b"".join(b"<si>%b</si>" % text for text in texts)
    opening = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    parts["xl/sharedStrings.xml"] = opening + items + b"</sst>"
    part = b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    part += b'spreadsheetml.sharedStrings+xml"/></Types>'
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(b"</Types>", part)
    with zipfile.ZipFile(path, "w") as new:
        for part_name, content in parts.items():
            new.writestr(part_name, content)


@pytest.mark.parametrize("cell", [_typed, _as_text, _mixed], ids=["typed", "text", "mixed"])
@pytest.mark.parametrize("epoch_1904", [False, True], ids=["1900", "1904"])
@pytest.mark.parametrize("title", [False, True], ids=["", "merged title"])
@pytest.mark.parametrize("shared_texts", [False, True], ids=["", "shared texts"])
def test_excel_in_every_dress(
    tmp_path: Path, cell: Callable[[Any, int], Any], epoch_1904: bool, title: bool, shared_texts: bool
) -> None:
    path = tmp_path / "cases.xlsx"
    workbook(path, cell, epoch_1904=epoch_1904, title=title)
    if shared_texts:
        share_texts(path)
    table = read_table(path, options("cases.xlsx", header=1 + title))
    check(table)
    assert table.rows.tolist() == list(range(2 + title, 42 + title))
    assert table.source.epoch == (1904 if epoch_1904 else 1900)


def test_excel_with_hidden_and_filtered_rows(tmp_path: Path) -> None:
    path = tmp_path / "cases.xlsx"
    workbook(path, _typed)
    book = openpyxl.load_workbook(path)
    sheet: Any = book.active
    sheet.auto_filter.ref = "A1:F41"
    for row in (5, 6, 7):
        sheet.row_dimensions[row].hidden = True
    book.save(path)
    table = read_table(path)
    check(table)
    assert [problem.message for problem in table.problems] == ["3 hidden rows were read: 5, 6, 7."]


def legacy(path: Path, cell: Callable[[Any, int], Any], *, epoch_1904: bool = False, title: bool = False) -> None:
    book = xlwt.Workbook()
    book.dates_1904 = epoch_1904
    sheet = book.add_sheet("Data")
    day = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    if title:
        sheet.write_merge(0, 0, 0, 5, "Patients of the cohort")
    for place, name in enumerate(NAMES):
        sheet.write(title, place, name)
    for number, row in enumerate(TYPED):
        for place, raw in enumerate(row):
            value = cell(raw, number)
            if value not in (None, ""):
                style = (day,) if isinstance(value, dt.date) else ()
                sheet.write(number + 1 + title, place, value, *style)
    book.add_sheet("Sheet2")
    book.save(str(path))


@pytest.mark.parametrize("cell", [_typed, _as_text, _mixed], ids=["typed", "text", "mixed"])
@pytest.mark.parametrize("epoch_1904", [False, True], ids=["1900", "1904"])
@pytest.mark.parametrize("title", [False, True], ids=["", "merged title"])
def test_old_excel_in_every_dress(
    tmp_path: Path, cell: Callable[[Any, int], Any], epoch_1904: bool, title: bool
) -> None:
    path = tmp_path / "cases.xls"
    legacy(path, cell, epoch_1904=epoch_1904, title=title)
    table = read_table(path, options("cases.xls", header=1 + title))
    check(table)
    assert table.rows.tolist() == list(range(2 + title, 42 + title))
    assert (table.source.kind, table.source.epoch) == ("xls", 1904 if epoch_1904 else 1900)


# ---------------------------------------------------------------------------------------------------------------------
# SAS, SPSS, Parquet, databases
# ---------------------------------------------------------------------------------------------------------------------


def frame() -> pd.DataFrame:
    table = pd.DataFrame(TYPED, columns=NAMES)
    table["age"] = table["age"].astype(float)
    return table


def query(sql: str) -> dict[str, str]:
    return {"sql": sql}


def write_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE cases (id TEXT, age INTEGER, ratio REAL, start TEXT, response TEXT, note TEXT)"
        )
        rows = [[value.isoformat() if isinstance(value, dt.date) else value for value in row] for row in TYPED[::-1]]
        connection.executemany("INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.close()


def write_duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE cases (id VARCHAR, age INTEGER, ratio DOUBLE, start DATE, response VARCHAR, note VARCHAR)"
        )
        connection.executemany("INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?)", TYPED[::-1])


def write_parquet(path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE cases (id VARCHAR, age INTEGER, ratio DOUBLE, start DATE, response VARCHAR, note VARCHAR)"
        )
        connection.executemany("INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?)", TYPED)
        connection.execute(f"COPY cases TO '{path}' (FORMAT parquet)")


WRITERS: dict[str, Callable[[Path], None]] = {
    "cases.csv": lambda path: path.write_bytes(dressed(",", "\r\n", csv.QUOTE_MINIMAL).encode("cp932")) and None,
    "cases.xlsx": lambda path: workbook(path, _typed),
    "cases.xls": lambda path: legacy(path, _typed),
    "cases.xpt": lambda path: pyreadstat.write_xport(frame(), path, file_format_version=5),
    "cases8.xpt": lambda path: pyreadstat.write_xport(frame(), path, file_format_version=8),
    "cases.sav": lambda path: pyreadstat.write_sav(frame(), path),
    "cases.zsav": lambda path: pyreadstat.write_sav(frame(), path, compress=True),
    "cases.parquet": write_parquet,
    "cases.sqlite": write_sqlite,
    "cases.duckdb": write_duckdb,
}


def section(name: str) -> DataTable:
    if name.endswith(("sqlite", "duckdb")):
        return options("", sql="SELECT * FROM cases", database=name)
    return options(name)


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_one_table(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    table = scan_source(tmp_path, section(name))
    check(table)
    assert table.problems == ()
    first = 2 if (name.startswith("cases.x") and name != "cases.xpt") or name == "cases.csv" else 1
    assert table.rows[0] == first


STUDY = """
cohortstats = 1
[study]
id = "matrix"
title = "Matrix"
n = 40
conventions = "r"
missing = [""]
[data.patients]
{source}
id = "id"
rows = "one per patient"
[columns.patients]
age = {{ type = "integer" }}
ratio = {{ type = "number" }}
start = {{ type = "date" }}
response = {{ order = ["CR", "PR", "SD", "PD"] }}
note = {{ type = "text" }}
"""


@pytest.mark.parametrize("name", list(WRITERS)[1:])
def test_every_format_gives_one_cohort(tmp_path: Path, name: str) -> None:
    cohorts = []
    for file in ("cases.csv", name):
        WRITERS[file](tmp_path / file)
        chosen = section(file)
        source = f'sql = "{chosen.sql}"\ndatabase = "{file}"' if chosen.sql else f'file = "{file}"'
        (tmp_path / "study.toml").write_text(STUDY.format(source=source), encoding="utf-8")
        cohorts.append(cs.load_cohort(tmp_path))
    assert cohorts[0].n == 40
    pd.testing.assert_frame_equal(cohorts[0].frame(), cohorts[1].frame())
