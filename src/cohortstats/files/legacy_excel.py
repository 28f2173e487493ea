"""Workbooks of Excel 97 to 2003 (.xls), by the rules of every other sheet."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

from cohortstats.cohort import Source
from cohortstats.errors import DataError
from cohortstats.files.native import text_of
from cohortstats.files.sheet import (
    ERROR,
    NUMBER,
    PERCENT,
    STRUCK,
    Area,
    Grid,
    Line,
    choose_sheet,
    date_text,
    read_grid,
)
from cohortstats.files.table import Findings, TextTable
from cohortstats.study import DataTable

__all__ = ["read_legacy_workbook"]


def read_legacy_workbook(content: bytes, options: DataTable, source: Source, found: Findings) -> TextTable:
    """Cells of one sheet of an .xls workbook.

    Parameters
    ----------
    content
        The file.
    options
        ``sheet``, ``header``, ``merged`` and ``hidden`` of the study file.
    source
        Facts known so far.
    found
        Takes the problems.
    """
    try:
        import xlrd
    except ImportError:
        message = f"Reading an old workbook (.xls) needs pip install 'cohortstats[xls]': {found.file}."
        raise found.stop("reader-missing", message, "Install it, or save the file as xlsx or csv.") from None
    try:
        book = xlrd.open_workbook(file_contents=content, formatting_info=True, logfile=io.StringIO())
        grid = _read(xlrd, book, options, found)
    except DataError:
        raise
    # A damaged file makes the library stumble in many ways.
    except Exception as error:
        if "encrypted" in str(error).lower():
            raise found.stop(
                "file-encrypted", f"{found.file} is protected by a password.", "Save an open copy."
            ) from None
        message = f"{found.file} is a damaged old workbook (.xls)."
        raise found.stop("format-unsupported", message, "Open it in Excel and save it again.") from error
    return read_grid(grid, options, replace(source, kind="xls"), found)


def _read(xlrd: Any, book: Any, options: DataTable, found: Findings) -> Grid:
    sheets = {sheet.name: sheet for sheet in book.sheets()}
    empty = (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK)
    full = {
        name: any(kind not in empty for row in range(sheet.nrows) for kind in sheet.row_types(row))
        for name, sheet in sheets.items()
    }
    title = choose_sheet({name: sheet.visibility == 0 for name, sheet in sheets.items()}, full, options, found)
    sheet = sheets[title]
    epoch = 1904 if book.datemode else 1900
    marks, elapsed = _formats(book)
    lines: dict[int, Line] = {}
    for row in range(sheet.nrows):
        line = Line()
        for place, cell in enumerate(sheet.row(row)):
            if cell.ctype in empty or cell.value == "":
                continue
            mark = marks[cell.xf_index]
            line.put(place, *_cell(xlrd, cell, mark, epoch, elapsed=elapsed[cell.xf_index]))
        if line.texts:
            lines[row + 1] = line
    return Grid(
        title=title,
        epoch=epoch,
        lines=lines,
        merged=tuple(
            Area(top=top + 1, left=left + 1, bottom=bottom, right=right)
            for top, bottom, left, right in sheet.merged_cells
        ),
        hidden_rows=frozenset(row + 1 for row, facts in sheet.rowinfo_map.items() if facts.hidden),
        hidden_columns=frozenset(column + 1 for column, facts in sheet.colinfo_map.items() if facts.hidden),
    )


def _formats(book: Any) -> tuple[list[int], list[bool]]:
    from openpyxl.styles.numbers import is_timedelta_format

    marks, elapsed = [], []
    for style in book.xf_list:
        known = book.format_map.get(style.format_key)
        code = known.format_str if known is not None else "General"
        struck = book.font_list[style.font_index].struck_out
        marks.append((PERCENT if "%" in code else 0) | (STRUCK if struck else 0))
        elapsed.append(bool(is_timedelta_format(code)))
    return marks, elapsed


def _cell(xlrd: Any, cell: Any, mark: int, epoch: int, *, elapsed: bool) -> tuple[str, int]:
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        return text_of(cell.value), mark | NUMBER
    mark &= STRUCK
    if cell.ctype == xlrd.XL_CELL_DATE:
        return date_text(cell.value, epoch, elapsed=elapsed), mark
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return ("TRUE" if cell.value else "FALSE"), mark
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#ERROR"), mark | ERROR
    return str(cell.value), mark
