"""Text cells of one export, from its header row on: CSV in any dress, or a sheet of a workbook."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import warnings
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cohortstats.cohort import Source
from cohortstats.ctdna.formats import FIELDS, fold_header, is_amplitude_header, is_well_header
from cohortstats.errors import DataError, InputError
from cohortstats.files.delimited import decode_text, name_newline, split_records
from cohortstats.files.folding import fold
from cohortstats.files.numbers import NumberRules, parse_number
from cohortstats.files.read import refuse_others, scan_table
from cohortstats.files.table import Cells, Fault, Findings, TextTable, check_names
from cohortstats.study import DataTable

__all__ = ["Paths", "list_files", "read_amplitude_cells", "read_numbers", "read_well_cells"]

Paths = str | Path | list[str] | list[Path] | list[str | Path]

_PROBE = 60  # rows among which the header must stand
_DELIMITERS = (",", ";", "\t", "|")
_ZIP = b"PK\x03\x04"
_GIB = 1 << 30
_SUFFIXES = frozenset({".csv", ".txt", ".tsv", ".xlsx", ".xlsm"})
_AMPLITUDE_FILE = re.compile(r"_Amplitude\.csv$", re.IGNORECASE)
_NOT_A_FORMAT = "not a known export: "
_ADVICE = "Give the table that QuantaSoft or QX Manager exports, or a part of it with its column names."
# What a short record may lack: columns that say nothing of the counts.
_NEEDED = frozenset(key for field, keys in FIELDS.items() if field != "merged_from" for key in keys)
_ABSENT = frozenset({"", "no call", "nocall", "nan", "n/a", "na", "none"})
_INFINITE = frozenset({"inf", "infinity", "∞"})
_PLAIN_WHOLES = re.compile(r"(?:[0-9]+\n)*")
_PLAIN_NUMBERS = re.compile(r"(?:[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\n)*")


def list_files(path: Paths, *, amplitudes: bool) -> list[Path]:
    """Files that a path, a folder, a pattern or a list of them stands for, in the order given, sorted within each."""
    given = path if isinstance(path, list | tuple) else [path]
    wrong = [item for item in given if not isinstance(item, str | Path)]
    if wrong or not given:
        what = f"path holds {type(wrong[0]).__name__} objects" if wrong else "path is an empty list"
        raise InputError(f"{what}; give a file, a folder, a pattern such as 'plates/*.csv', or a list of these.")
    files: list[Path] = []
    for item in given:
        place = Path(item)
        if place.is_dir():
            inside = (
                file
                for file in sorted(place.iterdir())
                if file.suffix.lower() in _SUFFIXES and not file.name.startswith((".", "~$"))
            )
            files += [file for file in inside if bool(_AMPLITUDE_FILE.search(file.name)) == amplitudes]
        elif any(sign in place.name for sign in "*?[") and not place.exists():
            files += sorted(file for file in place.parent.glob(place.name) if file.is_file())
        else:
            files.append(place)
    if not files:
        kind = "amplitudes" if amplitudes else "exports"
        found = Findings(file=", ".join(str(Path(item).name) for item in given))
        raise found.stop("file-missing", f"{found.file} holds no {kind}.", "Name the files.")
    return files


def read_well_cells(path: Path, *, sheet: str, encoding: str, found: Findings) -> TextTable:
    """Cells of a table of wells."""
    options = DataTable(name="", file=path.name, id="", rows="one per patient", sheet=sheet, encoding=encoding)
    table = _read_text(path, options, is_well_header, found, wrong=is_amplitude_header)
    if table is not None:
        return table
    title, header = _peek(path, sheet)
    if header:
        options = replace(options, header=header, sheet=title)
    table = scan_table(path, options)
    found.problems.extend(table.problems)
    found.sheet = table.source.sheet
    if not is_well_header({fold_header(name) for name in table.columns}):
        raise found.stop("ddpcr-format", f"{path.name} is {_NOT_A_FORMAT}no row names Well.", _ADVICE)
    return table


def read_amplitude_cells(path: Path, found: Findings) -> TextTable:
    """Cells of a file of amplitudes."""
    options = DataTable(name="", file=path.name, id="", rows="one per patient")
    table = _read_text(path, options, is_amplitude_header, found, wrong=is_well_header)
    if table is not None:
        return table
    table = scan_table(path, options)
    found.problems.extend(table.problems)
    if not is_amplitude_header([fold_header(name) for name in table.columns]):
        message = f"{path.name} is {_NOT_A_FORMAT}no row names Ch1 Amplitude."
        raise found.stop("ddpcr-format", message, "Give the file that the instrument's software wrote.")
    return table


def _peek(path: Path, sheet: str) -> tuple[str, int]:
    """Sheet and row of the only header in a workbook; 0 when there is none, or no single one."""
    content = path.read_bytes() if path.is_file() and path.stat().st_size <= _GIB else b""
    if not content.startswith(_ZIP):
        return sheet, 0
    import openpyxl

    headers: list[tuple[str, int]] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of drop-down lists and the like, which hold no data
            workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except Exception:
        return sheet, 0  # the reader of workbooks says what is wrong with it
    for page in workbook.worksheets:
        if sheet and fold(page.title) != fold(sheet):
            continue
        if not sheet and page.sheet_state != "visible":
            continue
        for number, row in enumerate(page.iter_rows(max_row=_PROBE, values_only=True), start=1):
            if is_well_header({fold_header(str(cell)) for cell in row if cell is not None}):
                headers.append((page.title, number))
                break
    workbook.close()
    if len(headers) == 1:
        return headers[0]
    return (sheet, headers[0][1]) if headers else (sheet, 0)


def _read_text(
    path: Path,
    options: DataTable,
    is_header: Callable[[Collection[str]], bool],
    found: Findings,
    *,
    wrong: Callable[[Collection[str]], bool],
) -> TextTable | None:
    """Table of a text file from its header on; None when it is no text, or when no row is the header."""
    if not path.is_file() or path.stat().st_size > _GIB:
        return None
    content = path.read_bytes()
    if not content.strip() or content.startswith(_ZIP):
        return None
    attempt = Findings(file=path.name)
    try:
        text, encoding = decode_text(content, options, attempt)
    except DataError:
        return None
    place = _find_header(text, is_header)
    if place is None:
        other = _find_header(text, wrong)
        if other is None:
            if "\x00" in text:
                return None
            refuse_others(path, content, found)
            sought, advice = "Ch1 Amplitude", "Give the file that the instrument's software wrote."
            if wrong is is_amplitude_header:
                sought, advice = "Well", _ADVICE
            raise found.stop("ddpcr-format", f"{path.name} is {_NOT_A_FORMAT}no row names {sought}.", advice)
        holds, reader = "amplitudes of droplets", "read_amplitudes"
        if wrong is is_well_header:
            holds, reader = "a table of wells", "read_ddpcr"
        message = f"{path.name} is {_NOT_A_FORMAT}it holds {holds}."
        raise found.stop("ddpcr-format", message, f"Use {reader}.", row=other[1])
    found.problems.extend(attempt.problems)
    if "\x00" in text:
        row = len(text[: text.index("\x00")].splitlines()) or 1
        message = f"{found.file} has a NUL byte at row {row}."
        raise found.stop("nul-byte", message, "Save the file again as CSV.", row=row)
    start, row, delimiter = place
    records, rows = split_records(text[start:], delimiter, row, found)
    if not records:
        raise DataError(found.problems)
    source = Source(
        table="",
        file=path.name,
        kind="csv",
        encoding=encoding,
        newline=name_newline(text, delimiter),
        delimiter=delimiter,
        sha256=hashlib.sha256(content).hexdigest(),
        n_bytes=len(content),
    )
    return _tabulate(records, rows, source, found)


def _find_header(text: str, is_header: Callable[[Collection[str]], bool]) -> tuple[int, int, str] | None:
    """Where the header starts, its row and its delimiter: the one that splits it into most cells."""
    start = 0
    for row, line in enumerate(io.StringIO(text, newline=""), start=1):
        best: tuple[int, str] | None = None
        for delimiter in _DELIMITERS:
            if delimiter not in line:
                continue
            try:
                cells = next(csv.reader([line], delimiter=delimiter), [])
            except csv.Error:  # a cell without end
                continue
            if is_header({fold_header(cell) for cell in cells}) and (best is None or len(cells) > best[0]):
                best = len(cells), delimiter
        if best is not None:
            return start, row, best[1]
        start += len(line)
        if row == _PROBE:
            break
    return None


def _tabulate(records: list[list[str]], rows: list[int], source: Source, found: Findings) -> TextTable:
    """Records as columns of the header: empty fields behind it are dropped; a short record is filled when the file
    leaves out the same fields everywhere and none of them counts anything."""
    names = [name.strip() for name in records[0]]
    while names and not names[-1]:
        names.pop()
    width = len(names)
    keys = [fold_header(name) for name in names]
    body = list(zip(records[1:], rows[1:], strict=True))
    while body and not any(cell.strip() for cell in body[-1][0]):
        body.pop()
    lengths = [len(record) for record, _ in body if any(cell.strip() for cell in record)]
    usual = max(set(lengths), key=lengths.count, default=width)
    full: list[list[str]] = []
    full_rows: list[int] = []
    n_dropped = 0
    for record, row in body:
        if not any(map(str.strip, record)):
            found.warn("row-empty", f"Row {row} is empty.", "Delete it.", row=row)
            continue
        if len(record) != width:
            absent = keys[len(record) :]
            known = len(record) == usual or absent == ["mergedwells"]
            if any(cell.strip() for cell in record[width:]) or (absent and (not known or _lose_counts(absent))):
                message = f"Row {row} has {len(record)} fields, the header {width}."
                found.add("row-ragged", message, "Correct the row; quote cells that hold the delimiter.", row=row)
                continue
            n_dropped += max(0, len(record) - width)
            record = record[:width] + [""] * (width - len(record))
        full.append(record)
        full_rows.append(row)
    if not full and not any(problem.level == "error" for problem in found.problems):
        raise found.stop("file-empty", f"{found.file} has no rows.", "Check that the right file was saved.")
    columns = [np.array(column, dtype=object) for column in zip(*full, strict=True)]
    if not full:
        columns = [np.array([], dtype=object)] * width
    check_names(names, [bool(np.any(column != "")) for column in columns], found, rows[0])
    cells: dict[str, Cells] = {}
    for name, column in zip(names, columns, strict=True):
        if name:
            cells.setdefault(name, column)
    return TextTable(
        columns=tuple(cells),
        cells=cells,
        rows=np.array(full_rows, dtype=np.int64),
        source=replace(source, n_rows=len(full), n_columns=width, n_fields_dropped=n_dropped),
        problems=tuple(found.problems),
    )


def _lose_counts(keys: list[str]) -> bool:
    return any(key in _NEEDED or key in {"count", "clusterid"} or is_amplitude_header([key]) for key in keys)


def read_numbers(
    table: TextTable, column: str, found: Findings, *, whole: bool = False, decimal: str = "", infinite: bool = False
) -> NDArray[np.float64]:
    """Numbers of a column; what the vendor writes for no value is nan, anything else that is no number is a problem."""
    cells = table.cells[column]
    plain = _PLAIN_WHOLES if whole else _PLAIN_NUMBERS
    if not decimal and plain.fullmatch("\n".join(cells) + "\n"):
        return cells.astype(np.float64)
    rules = NumberRules(integer=whole, decimal=decimal)
    numbers = np.full(len(cells), np.nan)
    for place, cell in enumerate(cells):
        text = fold(cell)
        word = text.casefold()
        if word in _ABSENT:
            continue
        if infinite and word in _INFINITE:
            numbers[place] = np.inf
            continue
        value = parse_number(text, rules)
        if isinstance(value, Fault):
            row = int(table.rows[place])
            found.add(value.code, value.message, "Correct the cell.", row=row, column=column, value=cell)
        else:
            numbers[place] = value
    return numbers
