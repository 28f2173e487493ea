"""Excel workbooks: the cells of a sheet as they are stored, with everything that a value alone would hide.

The sheet is read as a stream, once: the stored number (a date is a number with a format), the formula beside its value,
hidden rows, merged areas. What the sheets share (texts, formats, names) openpyxl reads.
"""

from __future__ import annotations

import io
import posixpath
import warnings
import zipfile
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from xml.etree import ElementTree

import openpyxl
from openpyxl.cell.text import Text
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils import column_index_from_string
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.datetime import CALENDAR_MAC_1904, from_ISO8601

from cohortstats.cohort import Source
from cohortstats.errors import DataError
from cohortstats.files.native import text_of
from cohortstats.files.sheet import (
    ERROR,
    MAX_ROWS,
    NUMBER,
    PERCENT,
    STRUCK,
    UNCACHED,
    Area,
    Grid,
    Line,
    choose_sheet,
    date_text,
    read_grid,
)
from cohortstats.files.table import Findings, TextTable
from cohortstats.study import DataTable

__all__ = ["read_workbook"]

_DIGITS = "0123456789"
_BOOK, _RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"


def read_workbook(content: bytes, options: DataTable, source: Source, found: Findings) -> TextTable:
    """Cells of one sheet of an .xlsx or .xlsm workbook.

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
        grid = _read(content, options, found)
    except DataError:
        raise
    # openpyxl meets a damaged part with whatever it stumbles over.
    except Exception as error:
        message = f"{found.file} is a damaged workbook."
        raise found.stop("format-unsupported", message, "Open it in Excel and save it again.") from error
    return read_grid(grid, options, replace(source, kind="xlsx"), found)


def _read(content: bytes, options: DataTable, found: Findings) -> Grid:
    with warnings.catch_warnings():
        # openpyxl warns of drop-down lists and the like, which hold no data.
        warnings.simplefilter("ignore")
        workbook: Any = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        _refuse_lost_sheets(archive)
        paths = {sheet.title: sheet._worksheet_path for sheet in workbook.worksheets}
        visible = {sheet.title: sheet.sheet_state == "visible" for sheet in workbook.worksheets}
        full = {
            title: not options.sheet and shown and _has_cells(archive, paths[title]) for title, shown in visible.items()
        }
        title = choose_sheet(visible, full, options, found)
        epoch = 1904 if workbook.epoch == CALENDAR_MAC_1904 else 1900
        reader = _Reader(title, epoch, workbook[title]._shared_strings, _styles(workbook), found)
        with archive.open(paths[title]) as stream:
            return reader.read(stream)


def _refuse_lost_sheets(archive: zipfile.ZipFile) -> None:
    """A sheet that the workbook lists and the archive lacks; openpyxl passes over it."""
    parts = frozenset(archive.namelist())
    if not {_BOOK, _RELATIONS} <= parts:
        return
    targets = {part.get("Id"): part.get("Target", "") for part in ElementTree.fromstring(archive.read(_RELATIONS))}
    for sheet in ElementTree.fromstring(archive.read(_BOOK)).iter():
        if _local(sheet.tag) == "sheet":
            key = next((value for name, value in sheet.attrib.items() if _local(name) == "id"), "")
            target = targets.get(key, "")
            path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
            if path not in parts:
                raise KeyError(path)


@cache
def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _has_cells(archive: zipfile.ZipFile, path: str) -> bool:
    with archive.open(path) as stream:
        for _, element in ElementTree.iterparse(stream):
            name = _local(element.tag)
            if name in ("f", "is") or (name == "v" and element.text):
                return True
            if name == "row":
                element.clear()
    return False


@dataclass(frozen=True, slots=True)
class _Style:
    """What a format means for the number under it."""

    date: bool = False
    elapsed: bool = False
    mark: int = 0


def _styles(workbook: Any) -> list[_Style]:
    styles = []
    for style in workbook._cell_styles:
        custom = style.numFmtId - 164
        numbers = workbook._number_formats
        code = numbers[custom] if 0 <= custom < len(numbers) else BUILTIN_FORMATS.get(style.numFmtId, "General")
        struck = bool(workbook._fonts[style.fontId].strike)
        elapsed = bool(is_timedelta_format(code))
        styles.append(
            _Style(
                date=elapsed or bool(is_date_format(code)),
                elapsed=elapsed,
                mark=(PERCENT if "%" in code else 0) | (STRUCK if struck else 0),
            )
        )
    return styles or [_Style()]


class _Reader:
    """One pass over the XML of a sheet."""

    def __init__(self, title: str, epoch: int, texts: Any, styles: list[_Style], found: Findings) -> None:
        self.title = title
        self.epoch = epoch
        self.texts = texts
        self.styles = styles
        self.found = found
        self.lines: dict[int, Line] = {}
        self.hidden_rows: set[int] = set()
        self.hidden_columns: set[int] = set()
        self.merged: list[Area] = []
        self.columns: dict[str, int] = {}
        self.numbers: dict[str, str] = {}
        self.row = 0

    def read(self, stream: Any) -> Grid:
        data = None
        for event, element in ElementTree.iterparse(stream, events=("start", "end")):
            if event == "start":
                if data is None and _local(element.tag) == "sheetData":
                    data = element
                continue
            name = _local(element.tag)
            if name in ("c", "v"):
                continue
            if name == "row":
                self._row(element)
                if data is not None:
                    data.clear()
            elif name == "col" and _true(element.get("hidden")):
                first, last = int(element.get("min", 1)), int(element.get("max", 1))
                self.hidden_columns.update(range(first, min(last, 16_384) + 1))
            elif name == "mergeCell":
                left, top, right, bottom = range_boundaries(element.get("ref", ""))
                self.merged.append(Area(top=top or 1, left=left or 1, bottom=bottom or MAX_ROWS, right=right or 16_384))
        return Grid(
            title=self.title,
            epoch=self.epoch,
            lines=self.lines,
            merged=tuple(self.merged),
            hidden_rows=frozenset(self.hidden_rows),
            hidden_columns=frozenset(self.hidden_columns),
        )

    def _row(self, element: ElementTree.Element) -> None:
        self.row = int(element.get("r") or self.row + 1)
        if self.row > MAX_ROWS:
            message = f"{self.found.file} has {self.row} rows, the limit is {MAX_ROWS}."
            raise self.found.stop("file-too-large", message)
        if _true(element.get("hidden")):
            self.hidden_rows.add(self.row)
        line = Line()
        place = -1
        for cell in element:
            place = self._place(cell.get("r"), place)
            text, mark = self._cell(cell)
            if text or mark & UNCACHED:
                line.put(place, text, mark)
        if line.texts:
            self.lines[self.row] = line

    def _place(self, reference: str | None, before: int) -> int:
        """Column of a cell, counted from 0; a cell without an address follows the one before it."""
        if not reference:
            return before + 1
        letters = reference.rstrip(_DIGITS)
        place = self.columns.get(letters)
        if place is None:
            place = self.columns[letters] = column_index_from_string(letters) - 1
        return place

    def _cell(self, cell: ElementTree.Element) -> tuple[str, int]:
        kind = cell.get("t", "n")
        stored, formula, inline = "", False, None
        for part in cell:
            name = _local(part.tag)
            if name == "v":
                stored = part.text or ""
            elif name == "f":
                formula = True
            elif name == "is":
                inline = part
        if inline is not None and len(inline) == 1 and _local(inline[0].tag) == "t":
            return inline[0].text or "", self._style(cell).mark & STRUCK
        if inline is not None:
            rich: Any = Text.from_tree(inline)  # type: ignore[arg-type]  # the stubs know no element of the library
            return rich.content, self._style(cell).mark & STRUCK
        if not stored:
            # A result that is empty text says so in its type; programs that write files leave an empty value behind.
            return "", UNCACHED if formula and kind != "str" else 0
        if kind == "n":
            return self._number(stored, self._style(cell))
        mark = self._style(cell).mark & STRUCK
        if kind == "s":
            return self.texts[int(stored)], mark
        if kind == "b":
            return ("TRUE" if _true(stored) else "FALSE"), mark
        if kind == "e":
            return stored, mark | ERROR
        if kind == "d":
            return text_of(from_ISO8601(stored)), mark  # type: ignore[no-untyped-call]
        return stored, mark

    def _style(self, cell: ElementTree.Element) -> _Style:
        place = int(cell.get("s") or 0)
        return self.styles[place] if place < len(self.styles) else self.styles[0]

    def _number(self, stored: str, style: _Style) -> tuple[str, int]:
        if style.date:
            return date_text(float(stored), self.epoch, elapsed=style.elapsed), style.mark & STRUCK
        text = self.numbers.get(stored)
        if text is None:
            text = text_of(int(stored) if stored.isdecimal() else float(stored))
            if len(self.numbers) < 100_000:
                self.numbers[stored] = text
        return text, style.mark | NUMBER


def _true(text: str | None) -> bool:
    return text in ("1", "true", "on")
