"""Excel workbooks: the stored values, as text, and every sign that a cell is not what it seems."""

from __future__ import annotations

import datetime as dt
import io
import posixpath
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import openpyxl
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from cohortstats.cohort import Source
from cohortstats.errors import did_you_mean
from cohortstats.loaders.folding import fold_name
from cohortstats.loaders.table import Cells, Findings, TextTable, check_names
from cohortstats.study import DataTable

__all__ = ["read_workbook"]

_MAX_ROWS = 1_048_576
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read_workbook(content: bytes, options: DataTable, source: Source, found: Findings) -> TextTable:
    """Cells of one sheet.

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
        with warnings.catch_warnings():
            # openpyxl warns of drop-down lists and the like, which hold no data.
            warnings.simplefilter("ignore")
            workbook = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    except Exception as error:
        message = f"{found.file} is a damaged workbook ({type(error).__name__})."
        raise found.stop("format-unsupported", message, "Open it in Excel and save it again.") from error
    sheet = _choose_sheet(workbook, options, found)
    found.sheet = sheet.title
    epoch = 1904 if workbook.epoch == CALENDAR_MAC_1904 else 1900
    uncached = _uncached_formulas(content, sheet.title)
    return _Sheet(sheet, options, found, uncached).read(
        replace(source, kind="xlsx", sheet=sheet.title, epoch=epoch), _has_strike(workbook)
    )


def _choose_sheet(workbook: Any, options: DataTable, found: Findings) -> Any:
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    if options.sheet:
        same = [title for title in sheets if fold_name(title) == fold_name(options.sheet)]
        if options.sheet in sheets or len(same) == 1:
            return sheets[options.sheet if options.sheet in sheets else same[0]]
        near = did_you_mean(options.sheet, sheets)
        mend = f"Did you mean {near}?" if near else f"Sheets: {', '.join(sheets)}."
        raise found.stop("sheet-missing", f"{found.file} has no sheet {options.sheet}.", mend, key="sheet")
    # A hidden sheet is read only when it is named.
    full = [title for title, sheet in sheets.items() if sheet.sheet_state == "visible" and _has_cells(sheet)]
    if not full:
        raise found.stop("file-empty", f"{found.file} has no rows.", "Check that the right file was saved.")
    if len(full) > 1:
        message = f"{found.file} has {len(full)} sheets with data: {', '.join(full)}."
        raise found.stop("sheet-unclear", message, "Name one in sheet.", key="sheet")
    return sheets[full[0]]


def _has_cells(sheet: Any) -> bool:
    return any(value is not None for row in sheet.iter_rows(values_only=True) for value in row)


def _has_strike(workbook: Any) -> bool:
    return any(font.strike for font in getattr(workbook, "_fonts", ()))


def _uncached_formulas(content: bytes, title: str) -> frozenset[str]:
    """Cells with a formula that no program has calculated.

    openpyxl gives None for these and for a formula whose result is empty text alike, so the sheet itself is asked.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        try:
            book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
            relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        except (KeyError, ElementTree.ParseError):
            return frozenset()
        keys = {sheet.get("name"): sheet.get(_RELATION) for sheet in book.iter(f"{_MAIN}sheet")}
        targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
        target = targets.get(keys.get(title), "")
        path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
        if path not in archive.namelist():
            return frozenset()
        xml = archive.read(path)
    if b"<f" not in xml:
        return frozenset()
    cells = set()
    for _, element in ElementTree.iterparse(io.BytesIO(xml)):
        if element.tag == f"{_MAIN}c":
            stored = element.findtext(f"{_MAIN}v")
            # A result that is empty text says so in its type; programs that write files leave an empty value behind.
            if element.find(f"{_MAIN}f") is not None and not stored and element.get("t") != "str":
                cells.add(element.get("r", ""))
            element.clear()
    return frozenset(cells)


class _Sheet:
    """One pass over the cells of a sheet."""

    def __init__(self, sheet: Any, options: DataTable, found: Findings, uncached: frozenset[str]) -> None:
        self.sheet = sheet
        self.options = options
        self.found = found
        self.uncached = uncached
        self.spoilt: set[tuple[int, str]] = set()
        self.percent: dict[str, tuple[int, str]] = {}
        self.numeric_ids = 0
        self.struck = 0

    def read(self, source: Source, has_strike: bool) -> TextTable:
        if self.sheet.max_row > _MAX_ROWS:
            message = f"{self.found.file} has {self.sheet.max_row} rows, the limit is {_MAX_ROWS}."
            raise self.found.stop("file-too-large", message)
        header = self.options.header
        grid = [list(row) for row in self.sheet.iter_rows()]
        names = self._names(grid, header)
        filled = [
            any(row[place].value is not None for row in grid[header:] if place < len(row))
            for place in range(len(names))
        ]
        check_names(names, filled, self.found, header)
        places = {name: place for place, name in reversed(list(enumerate(names))) if name}
        places = {name: places[name] for name in dict.fromkeys(names) if name}
        merged = self._merged(header, places)
        hidden = [number for number in self._rows(grid, header) if self.sheet.row_dimensions[number].hidden]
        skip = frozenset(hidden) if self.options.hidden == "skip" else frozenset()
        self._warn_hidden(hidden, places)

        records: list[list[str]] = []
        rows: list[int] = []
        empty: list[int] = []
        for number in self._rows(grid, header):
            if number in skip:
                continue
            line = grid[number - 1]
            record = [self._text(line[place], name, len(records), number, merged) for name, place in places.items()]
            if not any(cell.strip() for cell in record) and not any(row == len(records) for row, _ in self.spoilt):
                empty.append(number)
                continue
            for blank in empty:
                self.found.warn("row-empty", f"Row {blank} is empty.", "Delete it.", row=blank)
            empty = []
            records.append(record)
            rows.append(number)
            if has_strike:
                self.struck += sum(
                    bool(cell.has_style and cell.font.strike and cell.value is not None) for cell in line
                )
        if not records and not any(problem.level == "error" for problem in self.found.problems):
            raise self.found.stop(
                "file-empty", f"{self.found.file} has no rows.", "Check that the right file was saved."
            )
        self._warn_cells()
        columns = [np.array(column, dtype=object) for column in zip(*records, strict=True)]
        if not records:
            columns = [np.array([], dtype=object) for _ in places]
        cells: dict[str, Cells] = dict(zip(places, columns, strict=True))
        return TextTable(
            columns=tuple(cells),
            cells=cells,
            rows=np.array(rows, dtype=np.int64),
            source=replace(source, n_rows=len(rows), n_columns=len(cells)),
            problems=tuple(self.found.problems),
            spoilt=frozenset(self.spoilt),
            n_hidden_skipped=len(skip),
        )

    def _rows(self, grid: list[list[Any]], header: int) -> Iterator[int]:
        return iter(range(header + 1, len(grid) + 1))

    def _names(self, grid: list[list[Any]], header: int) -> list[str]:
        if len(grid) < header:
            message = f"Sheet {self.sheet.title} of {self.found.file} has no row {header}."
            raise self.found.stop("file-empty", message, "Correct header.", key="header")
        names = [_plain(cell.value).strip() for cell in grid[header - 1]]
        filled = sum(bool(name) for name in names)
        below = [sum(cell.value is not None for cell in line) for line in grid[header : header + 5]]
        wide_title = header == 1 and any(
            area.min_row == 1 and area.max_col > area.min_col for area in self.sheet.merged_cells.ranges
        )
        following = next((place for place, count in enumerate(below, start=1) if count), 0)
        if following and (wide_title or filled < 0.5 * below[following - 1]):
            message = f"Row {header} of {self.found.file} looks like a title."
            mend = f"Set header = {header + following}."
            raise self.found.stop("header-unclear", message, mend, row=header, key="header")
        return names

    def _merged(self, header: int, places: dict[str, int]) -> dict[tuple[int, int], Any]:
        """Cells of merged areas in the data, with the cell that each shows; None where that is refused."""
        shown: dict[tuple[int, int], Any] = {}
        last = max(places.values(), default=-1) + 1
        for area in sorted(self.sheet.merged_cells.ranges, key=lambda area: (area.min_row, area.min_col)):
            if area.max_row <= header or area.min_col > last:
                continue
            fill = self.options.merged == "fill"
            top = self.sheet.cell(area.min_row, area.min_col) if fill else None
            for row in range(area.min_row, area.max_row + 1):
                for place in range(area.min_col, area.max_col + 1):
                    shown[row, place] = top
            if not fill:
                name = next((name for name, place in places.items() if place == area.min_col - 1), "")
                message = f"{area.coord} lies in a merged area."
                mend = 'Unmerge and fill the cells, or set merged = "fill".'
                self.found.add("cell-merged", message, mend, row=area.min_row, column=name, key="merged")
        return shown

    def _text(self, cell: Any, name: str, place: int, row: int, merged: dict[tuple[int, int], Any]) -> str:
        if merged and (row, cell.column) in merged:
            top = merged[row, cell.column]
            if top is None:
                self.spoilt.add((place, name))
                return "" if cell.value is None else _plain(cell.value)
            cell = top
        value = cell.value
        if value is None:
            if self.uncached and cell.coordinate in self.uncached:
                self.spoilt.add((place, name))
                message = f"{cell.coordinate} holds a formula without a value."
                self.found.add("formula-uncached", message, "Open the file in Excel and save it.", row=row, column=name)
            return ""
        if cell.data_type == "e":
            self.spoilt.add((place, name))
            mend = "Correct the cell, or empty it."
            message = f"{cell.coordinate} shows {value}."
            self.found.add("cell-error", message, mend, row=row, column=name, value=str(value))
            return str(value)
        if cell.data_type == "n" and not isinstance(value, bool):
            if name == self.options.id:
                self.numeric_ids += 1
            if "%" in cell.number_format and isinstance(value, int | float):
                self.percent.setdefault(name, (row, repr(value)))
        return _plain(value)

    def _warn_hidden(self, hidden: list[int], places: dict[str, int]) -> None:
        columns = [
            name for name, place in places.items() if self.sheet.column_dimensions[get_column_letter(place + 1)].hidden
        ]
        read = "left out" if self.options.hidden == "skip" else "read"
        if hidden:
            rows = f"{len(hidden)} hidden {'row was' if len(hidden) == 1 else 'rows were'} {read}"
            mend = "" if read == "left out" else 'Show them, or set hidden = "skip".'
            self.found.warn("rows-hidden", f"{rows}: {_listed(hidden)}.", mend, row=hidden[0], key="hidden")
        if columns:
            word = "column was" if len(columns) == 1 else "columns were"
            self.found.warn("rows-hidden", f"{len(columns)} hidden {word} read: {', '.join(columns)}.")

    def _warn_cells(self) -> None:
        for name, (row, stored) in self.percent.items():
            shown = f"{float(stored) * 100:g}%"
            message = f"A cell is shown as {shown}, stored as {stored}; the stored number is read."
            self.found.warn("percent-format", message, 'Declare unit = "fraction".', row=row, column=name)
        if self.numeric_ids:
            message = "Ids are stored as numbers; leading zeros may be lost."
            self.found.warn("id-numeric", message, "Store ids as text.", column=self.options.id, key="id")
        if self.struck:
            cells = "1 cell is" if self.struck == 1 else f"{self.struck} cells are"
            self.found.warn(
                "cell-struck", f"{cells} struck through; they are read as any other.", "Delete what is void."
            )


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:10]))
    return f"{shown} and {len(numbers) - 10} more" if len(numbers) > 10 else shown


def _plain(value: Any) -> str:
    """Text of a stored value: numbers in their shortest form, dates as ISO."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        at_midnight = value.time() == dt.time()
        return value.date().isoformat() if at_midnight else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)
