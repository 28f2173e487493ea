"""Columns of a file or of a frame, and what is wrong with them, under the name that the user knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import DataError, InputError, Problem
from cohortstats.stats.doors import missing_rows

__all__ = ["Columns", "Faults", "fold", "read_columns"]

Floats = NDArray[np.float64]

_NUMBER = re.compile(r"[+−-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+−-]?\d+,\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A table as it came: text cells of a file, or the columns of a frame.

    Parameters
    ----------
    name
        Name of the file, or of the argument.
    is_file
        Whether lines are those of a file; rows of a frame are counted from 1.
    cells
        Column -> its cells, in the order of the table.
    lines
        Line of each row, or None where rows are counted from 1.
    orders
        Column -> its levels in their order, where the column is categorical.
    """

    name: str
    is_file: bool
    cells: Mapping[str, NDArray[Any]]
    lines: NDArray[np.int64] | None = None
    orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.cells)

    def find(self, known: Iterable[str]) -> str | None:
        """The first column that bears one of these names, whatever its case and spaces."""
        folded = {fold(name): name for name in reversed(self.names)}
        return next((folded[name] for name in known if name in folded), None)

    def line(self, row: int) -> int:
        """The number under which the user finds a row."""
        return row + 1 if self.lines is None else int(self.lines[row])

    def numbers(self, column: str, found: Faults, *, gaps: bool = False) -> Floats:
        """The column as floats; a cell that is none is noted, and is nan. ``gaps`` allows empty cells."""
        cells = self.cells[column]
        if cells.dtype.kind in "fiu":
            values = np.asarray(cells, dtype=np.float64)
            if not gaps or not self.is_file:
                self._tell_gaps(column, ~np.isfinite(values) & ~(np.isnan(values) & gaps), found)
            return values
        values = np.full(len(cells), np.nan)
        missing = missing_rows(cells) | np.array([str(cell).strip() == "" for cell in cells], dtype=bool)
        for row in np.flatnonzero(~missing).tolist():
            text = str(cells[row]).strip().removesuffix("%").rstrip().replace("−", "-")
            if self.is_file and _COMMA.fullmatch(text):
                text = text.replace(",", ".")
            if isinstance(cells[row], bool | np.bool_) or not (
                _NUMBER.fullmatch(text) or (not self.is_file and _is_number(cells[row]))
            ):
                self.tell(found, "number-invalid", f"'{cells[row]}' is not a number.", row=row, column=column)
                continue
            values[row] = float(text)
        if not gaps:
            self._tell_gaps(column, missing, found)
        return values

    def _tell_gaps(self, column: str, gap: NDArray[np.bool_], found: Faults) -> None:
        for row in np.flatnonzero(gap)[:20].tolist():
            self.tell(found, "number-invalid", f"{column} is missing.", "Complete the row.", row=row, column=column)

    def tell(
        self, found: Faults, code: str, message: str, mend: str = "", *, row: int | None = None, column: str = ""
    ) -> None:
        """Note what is wrong with a row, or with the whole table."""
        line = None if row is None else self.line(row)
        found.add(code, message, mend, name=self.name, is_file=self.is_file, line=line, column=column)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float | np.number) and bool(np.isfinite(float(cell)))


class _LineProblem(Problem):
    """A problem of a text file that is typed or exported by hand: its rows are lines."""

    __slots__ = ()

    def __str__(self) -> str:
        return Problem.__str__(self).replace(f"{self.file} row ", f"{self.file} line ", 1)


class Faults:
    """What is wrong with all inputs of a call, collected; raised together."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.sentences: list[str] = []

    def add(
        self,
        code: str,
        message: str,
        mend: str = "",
        *,
        name: str = "",
        is_file: bool = False,
        line: int | None = None,
        column: str = "",
    ) -> None:
        """Note one; of a file it is a problem with a code, else a sentence."""
        if is_file:
            self.problems.append(
                _LineProblem(code=code, message=message, mend=mend, file=name, row=line, column=column)
            )
            return
        place = f"{name} row {line}" if line is not None else name
        sentence = f"{message} {mend}".strip()
        self.sentences.append(f"{place}: {sentence}" if place else sentence)

    def __bool__(self) -> bool:
        return bool(self.problems or self.sentences)

    def refuse(self) -> None:
        """Raise them all: a fault of a file is a DataError, one of an argument an InputError."""
        if self.problems:
            raise DataError([*self.problems, *(Problem(code="out-of-range", message=s) for s in self.sentences)])
        if self.sentences:
            raise InputError(self.sentences)


@lru_cache(maxsize=1024)
def fold(name: str) -> str:
    """A column name without case and with one sign for spaces and points.

    Examples
    --------
    >>> fold(" N at.risk ")
    'n_at_risk'
    """
    return re.sub(r"[\s.\-]+", "_", name.strip().casefold())


def read_columns(source: Any, name: str, found: Faults, *, headless: Sequence[str] = ()) -> Columns | None:
    """Columns of a CSV file (or any table that can be read), a frame, or a dictionary of columns.

    Parameters
    ----------
    source
        Path, frame or mapping.
    name
        What a frame is called in sentences.
    found
        Takes the faults.
    headless
        Names of the columns of a file whose first row holds numbers, as many digitisers write it.
    """
    if isinstance(source, str | Path):
        return _read_file(Path(source), headless)
    if not hasattr(source, "items"):
        found.add("", f"{name} is {type(source).__name__}; give a path, a frame or a dictionary of columns.")
        return None
    cells = {str(column): np.asarray(values) for column, values in source.items()}
    if len({array.shape for array in cells.values()}) > 1 or any(array.ndim != 1 for array in cells.values()):
        found.add("", f"{name} must have columns of one length.")
        return None
    orders = {
        str(column): tuple(str(level) for level in values.cat.categories)
        for column, values in source.items()
        if getattr(values, "dtype", None) == "category"
    }
    return Columns(name=name, is_file=False, cells=cells, orders=orders)


def _read_file(path: Path, headless: Sequence[str]) -> Columns:
    from cohortstats.files import read_table

    table = read_table(path)
    cells = {column: table.cells[column] for column in table.columns}
    lines = table.rows
    heads = [column.replace(",", ".") for column in table.columns]
    if headless and len(heads) <= len(headless) and all(_NUMBER.fullmatch(head) for head in heads):
        first = int(lines[0]) - 1 if len(lines) else 1
        cells = {
            name: np.concatenate([np.array([head], dtype=object), column])
            for name, head, column in zip(headless, heads, cells.values(), strict=False)
        }
        lines = np.concatenate([[first], lines])
    return Columns(name=path.name, is_file=True, cells=cells, lines=np.asarray(lines, dtype=np.int64))
