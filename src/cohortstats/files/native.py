"""Stored values to text: one spelling for a number, a date or a yes wherever it was stored."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from cohortstats.cohort import Source
from cohortstats.files.folding import fold_name
from cohortstats.files.table import Cells, Findings, TextTable, check_names

__all__ = ["MIDNIGHT", "column_of", "digest", "is_nested", "tabulate", "text_of"]

MIDNIGHT = dt.time()


def text_of(value: Any) -> str:
    """Text of a stored value: numbers in their shortest form, dates as ISO, nothing as empty text.

    Examples
    --------
    >>> text_of(1.1), text_of(3.0), text_of(True), text_of(None), text_of(float("nan"))
    ('1.1', '3', 'TRUE', '', '')
    >>> text_of(np.float32(0.1)), text_of(Decimal("12.50")), text_of(dt.datetime(2016, 3, 4))
    ('0.1', '12.50', '2016-03-04')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value, repr(float(value)))
    if isinstance(value, np.floating):
        return _number(float(value), str(value))
    if isinstance(value, dt.datetime):
        if value.time() == MIDNIGHT and value.tzinfo is None:
            return value.date().isoformat()
        exact = "microseconds" if value.microsecond else "seconds"
        return value.isoformat(sep=" ", timespec=exact)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal) and not value.is_finite():
        return "" if value.is_nan() else str(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _number(value: float, shortest: str) -> str:
    if value != value:
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else shortest


def is_nested(value: object) -> bool:
    """Whether a cell holds more than one value, or bytes."""
    return isinstance(value, list | tuple | set | frozenset | Mapping | bytes | bytearray | memoryview | np.ndarray)


def column_of(values: Iterable[Any]) -> Cells:
    """The cells of a column; equal values of one type are spelt once.

    Examples
    --------
    >>> column_of([1, 1.0, True, None, "x"]).tolist()
    ['1', '1', 'TRUE', '', 'x']
    """
    memo: dict[Any, str] = {}
    cells: list[str] = []
    for value in values:
        kind = type(value)
        if kind is str:
            cells.append(memo.setdefault(value, value))
            continue
        known = memo.get((kind, value))
        if known is None:
            known = memo[kind, value] = text_of(value)
        cells.append(known)
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return column


def digest(columns: Sequence[str], cells: Mapping[str, Cells]) -> tuple[str, int]:
    """A fingerprint of rows that stand in no file: SHA-256 and length of the table as tab-delimited text.

    Examples
    --------
    >>> cells = {"id": np.array(["1", "2"], dtype=object)}
    >>> digest(["id"], cells)[0] == hashlib.sha256(b"id\\n1\\n2\\n").hexdigest()
    True
    """
    lines = itertools.chain([tuple(columns)], zip(*(cells[name] for name in columns), strict=True))
    content = "".join("\t".join(line) + "\n" for line in lines).encode("utf-8", "surrogatepass")
    return hashlib.sha256(content).hexdigest(), len(content)


def tabulate(
    names: Sequence[str],
    columns: Sequence[Cells],
    source: Source,
    found: Findings,
    *,
    labels: Mapping[str, str] | None = None,
    spoilt: frozenset[tuple[int, str]] = frozenset(),
) -> TextTable:
    """A table from whole columns; its records are counted from 1."""
    stripped = [name.strip() for name in names]
    check_names(stripped, [True] * len(stripped), found, None)
    n_rows = len(columns[0]) if columns else 0
    if not n_rows and not any(problem.level == "error" for problem in found.problems):
        raise found.stop("file-empty", f"{found.file} has no rows.", "Check that the right file was saved.")
    cells: dict[str, Cells] = {}
    for name, column in zip(stripped, columns, strict=True):
        if name:
            cells.setdefault(name, column)
    return TextTable(
        columns=tuple(cells),
        cells=cells,
        rows=np.arange(1, n_rows + 1, dtype=np.int64),
        source=replace(source, n_rows=n_rows, n_columns=len(stripped)),
        problems=tuple(found.problems),
        spoilt=spoilt,
        labels=dict(labels or {}),
    )


def same_column(name: str, wanted: str) -> bool:
    """Whether two column names are one, widths and space aside."""
    return bool(wanted) and fold_name(name) == fold_name(wanted)
