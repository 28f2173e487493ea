"""The rules of a sheet, whichever program wrote it: header, merged and hidden cells, and what makes a cell doubtful."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from cohortstats.cohort import Source
from cohortstats.errors import did_you_mean
from cohortstats.files.folding import fold_name
from cohortstats.files.native import same_column, text_of
from cohortstats.files.table import Cells, Findings, TextTable, check_names
from cohortstats.study import DataTable

__all__ = [
    "ERROR",
    "MAX_ROWS",
    "NUMBER",
    "PERCENT",
    "STRUCK",
    "UNCACHED",
    "Area",
    "Grid",
    "Line",
    "choose_sheet",
    "date_text",
    "read_grid",
]

MAX_ROWS = 1_048_576
# What a cell is beside its text; marks add up.
NUMBER, ERROR, UNCACHED, PERCENT, STRUCK = 1, 2, 4, 8, 16


@dataclass(slots=True)
class Line:
    """One row of a sheet: a text and a mark for each column from A on."""

    texts: list[str] = field(default_factory=list)
    marks: bytearray = field(default_factory=bytearray)

    def put(self, place: int, text: str, mark: int) -> None:
        """Fill the cell of a column, counted from 0; what is skipped is empty."""
        if place > len(self.texts):
            blank = place - len(self.texts)
            self.texts += [""] * blank
            self.marks += bytes(blank)
        if place == len(self.texts):
            self.texts.append(text)
            self.marks.append(mark)
        else:
            self.texts[place], self.marks[place] = text, mark


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Area:
    """A merged area; rows and columns are counted from 1, the last ones included."""

    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        return f"{get_column_letter(self.left)}{self.top}:{get_column_letter(self.right)}{self.bottom}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A sheet as stored.

    Parameters
    ----------
    title
        Name of the sheet.
    epoch
        First year of the workbook's day count.
    lines
        Row number -> its cells; rows without any have none.
    merged
        Merged areas.
    hidden_rows, hidden_columns
        Numbers, counted from 1.
    """

    title: str
    epoch: int
    lines: Mapping[int, Line]
    merged: tuple[Area, ...] = ()
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()


def choose_sheet(sheets: Mapping[str, bool], full: Mapping[str, bool], options: DataTable, found: Findings) -> str:
    """The sheet to read: the named one, else the only visible one with cells.

    Parameters
    ----------
    sheets
        Name -> whether it is visible, in the order of the workbook.
    full
        Name -> whether it has cells; asked for visible sheets only.
    options, found
        ``sheet`` of the study file; takes the problems.
    """
    if options.sheet:
        same = [title for title in sheets if fold_name(title) == fold_name(options.sheet)]
        if options.sheet in sheets or len(same) == 1:
            return options.sheet if options.sheet in sheets else same[0]
        near = did_you_mean(options.sheet, sheets)
        mend = f"Did you mean {near}?" if near else f"Sheets: {', '.join(sheets)}."
        raise found.stop("sheet-missing", f"{found.file} has no sheet {options.sheet}.", mend, key="sheet")
    # A hidden sheet is read only when it is named.
    filled = [title for title, visible in sheets.items() if visible and full[title]]
    if not filled:
        raise found.stop("file-empty", f"{found.file} has no rows.", "Check that the right file was saved.")
    if len(filled) > 1:
        message = f"{found.file} has {len(filled)} sheets with data: {', '.join(filled)}."
        raise found.stop("sheet-unclear", message, "Name one in sheet.", key="sheet")
    return filled[0]


def date_text(serial: float, epoch: int, *, elapsed: bool = False) -> str:
    """Text of a cell with a date format, by the workbook's epoch.

    The day count of 1900 has a 29 February that never was: its number stays a number, so that the cell is no date.

    Examples
    --------
    >>> date_text(59, 1900), date_text(60, 1900), date_text(61, 1900), date_text(40971, 1904)
    ('1900-02-28', '60', '1900-03-01', '2016-03-04')
    """
    if epoch == 1900 and not elapsed and 60 <= serial < 61:
        return text_of(serial)
    try:
        value = from_excel(serial, CALENDAR_MAC_1904 if epoch == 1904 else CALENDAR_WINDOWS_1900, timedelta=elapsed)
    except (ValueError, OverflowError):
        return text_of(serial)
    return text_of(value)


def read_grid(grid: Grid, options: DataTable, source: Source, found: Findings) -> TextTable:
    """The table of a sheet.

    Parameters
    ----------
    grid
        The cells.
    options
        ``header``, ``merged``, ``hidden`` and ``id`` of the study file.
    source
        Facts known so far.
    found
        Takes the problems.
    """
    found.sheet = grid.title
    return _Sheet(grid, options, found).read(replace(source, sheet=grid.title, epoch=grid.epoch))


class _Sheet:
    """One pass over the cells of a sheet."""

    def __init__(self, grid: Grid, options: DataTable, found: Findings) -> None:
        self.grid = grid
        self.options = options
        self.found = found
        self.last = max(grid.lines, default=0)
        self.width = max((len(line.texts) for line in grid.lines.values()), default=0)
        self.spoilt: set[tuple[int, str]] = set()
        self.percent: dict[str, tuple[int, str]] = {}
        self.numeric_ids = 0
        self.struck = 0

    def read(self, source: Source) -> TextTable:
        header = self.options.header
        names = self._names(header)
        below = [line for number, line in self.grid.lines.items() if number > header]
        filled = [
            bool(name) or any(place < len(line.texts) and line.texts[place].strip() for line in below)
            for place, name in enumerate(names)
        ]
        check_names(names, filled, self.found, header)
        places: dict[str, int] = {}
        for place, name in enumerate(names):
            if name:
                places.setdefault(name, place)
        merged = self._merged(header, places)
        hidden = sorted(number for number in self.grid.hidden_rows if header < number <= self.last)
        skip = frozenset(hidden) if self.options.hidden == "skip" else frozenset()
        self._warn_hidden(hidden, places)

        records: list[list[str]] = []
        rows: list[int] = []
        empty: list[int] = []
        wanted = list(places.items())
        nothing = Line()
        id_place = next((place for name, place in wanted if same_column(name, self.options.id)), self.width)
        for number in range(header + 1, self.last + 1):
            if number in skip:
                continue
            line = self.grid.lines.get(number, nothing)
            at = len(records)
            record = [line.texts[place] if place < len(line.texts) else "" for _, place in wanted]
            if id_place < len(line.marks) and line.marks[id_place] & NUMBER:
                self.numeric_ids += 1
            told = False
            if merged or max(line.marks, default=0) > NUMBER:  # most cells are no more than their text
                told = self._marked(record, line, wanted, at, number, merged)
            if not told and not any(cell.strip() for cell in record):
                empty.append(number)
                continue
            for blank in empty:
                self.found.warn("row-empty", f"Row {blank} is empty.", "Delete it.", row=blank)
            empty = []
            records.append(record)
            rows.append(number)
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

    def _names(self, header: int) -> list[str]:
        if self.last < header:
            message = f"Sheet {self.grid.title} of {self.found.file} has no row {header}."
            raise self.found.stop("file-empty", message, "Correct header.", key="header")
        written = self.grid.lines.get(header, Line()).texts
        names = [name.strip() for name in written] + [""] * (self.width - len(written))
        filled = sum(bool(name) for name in names)
        wide_title = header == 1 and any(area.top == 1 and area.right > area.left for area in self.grid.merged)
        for number in range(header + 1, header + 6):
            line = self.grid.lines.get(number)
            below = sum(bool(text) for text in line.texts) if line else 0
            if below:
                if wide_title or filled < 0.5 * below:
                    message = f"Row {header} of {self.found.file} looks like a title."
                    mend = f"Set header = {number}."
                    raise self.found.stop("header-unclear", message, mend, row=header, key="header")
                break
        return names

    def _merged(self, header: int, places: dict[str, int]) -> dict[tuple[int, int], tuple[int, int] | None]:
        """Cells of merged areas in the data, with the cell that each shows; None where that is refused."""
        shown: dict[tuple[int, int], tuple[int, int] | None] = {}
        last = max(places.values(), default=-1) + 1
        fill = self.options.merged == "fill"
        for area in sorted(self.grid.merged):
            if area.bottom <= header or area.left > last:
                continue
            for row in range(area.top, min(area.bottom, self.last) + 1):
                for place in range(area.left, min(area.right, last) + 1):
                    shown[row, place - 1] = (area.top, area.left - 1) if fill else None
            if not fill:
                name = next((name for name, place in places.items() if place == area.left - 1), "")
                message = f"{area} lies in a merged area."
                mend = 'Unmerge and fill the cells, or set merged = "fill".'
                self.found.add("cell-merged", message, mend, row=area.top, column=name, key="merged")
        return shown

    def _marked(
        self,
        record: list[str],
        line: Line,
        wanted: list[tuple[str, int]],
        at: int,
        number: int,
        merged: dict[tuple[int, int], tuple[int, int] | None],
    ) -> bool:
        """See to the cells of a row that are more than their text; whether one of them has a problem."""
        told = False
        self.struck += sum(
            bool(mark & STRUCK) and bool(text) for mark, text in zip(line.marks, line.texts, strict=True)
        )
        for index, (name, place) in enumerate(wanted):
            mark = line.marks[place] if place < len(line.marks) else 0
            row, column = number, place
            if (number, place) in merged:
                top = merged[number, place]
                if top is None:
                    self.spoilt.add((at, name))
                    told = True
                    continue
                row, column = top
                first = self.grid.lines.get(row, Line())
                record[index] = first.texts[column] if column < len(first.texts) else ""
                mark = first.marks[column] if column < len(first.marks) else 0
            if not mark:
                continue
            if mark & (UNCACHED | ERROR):
                told = True
                self.spoilt.add((at, name))
                self._doubtful(mark, f"{get_column_letter(column + 1)}{row}", record[index], number, name)
            if mark & PERCENT:
                self.percent.setdefault(name, (number, record[index]))
        return told

    def _doubtful(self, mark: int, cell: str, text: str, row: int, name: str) -> None:
        if mark & UNCACHED:
            message = f"{cell} holds a formula without a value."
            self.found.add("formula-uncached", message, "Open the file in Excel and save it.", row=row, column=name)
        else:
            message = f"{cell} shows {text}."
            self.found.add("cell-error", message, "Correct the cell, or empty it.", row=row, column=name, value=text)

    def _warn_hidden(self, hidden: list[int], places: dict[str, int]) -> None:
        columns = [name for name, place in places.items() if place + 1 in self.grid.hidden_columns]
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
