"""TextTable: the cells of one file as text, and where each stood."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cohortstats.cohort import Source
from cohortstats.errors import DataError, Problem
from cohortstats.files.folding import fold_name

__all__ = ["Fault", "Findings", "TextTable"]

Cells = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """A table as read: text cells in columns, nothing interpreted.

    Parameters
    ----------
    columns
        Names as the file writes them, outer space removed.
    cells
        Name -> text of each row; an empty cell is ``""``.
    rows
        Row numbers as the user's own program counts them: the header counts, Excel starts at 1, a record of a text file
        has the line on which it starts. A file without a header line (SAS, SPSS, Parquet, SQL) counts records from 1.
    source
        How the file was read.
    problems
        What reading found; with an error among them the table is read as far as it could be.
    spoilt
        ``(place in rows, column)`` of cells that have a problem already.
    n_hidden_skipped
        Hidden rows that were left out because the study file says so.
    labels
        Column -> what the file calls it in words, where the format has such labels.
    starts
        Of a table made of several files: the place in ``rows`` at which each begins, in the order of ``source.parts``.
    absent
        Of a table made of several files: column -> files that do not have it; its cells there are empty.
    """

    columns: tuple[str, ...]
    cells: Mapping[str, Cells]
    rows: npt.NDArray[np.int64]
    source: Source
    problems: tuple[Problem, ...] = ()
    spoilt: frozenset[tuple[int, str]] = frozenset()
    n_hidden_skipped: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    starts: tuple[int, ...] = ()
    absent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def sheet(self) -> str:
        """Sheet of a workbook; empty for a text file."""
        return self.source.sheet

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, place: int) -> Source:
        """The file that the row at ``place`` came from."""
        if not self.starts:
            return self.source
        return self.source.parts[bisect.bisect_right(self.starts, place) - 1]

    def where(self, place: int) -> dict[str, Any]:
        """``file``, ``sheet`` and ``row`` of the row at ``place``, named as in a problem."""
        part = self.part(place)
        return {"file": part.file, "sheet": part.sheet, "row": int(self.rows[place])}

    def place_of(self, file: str, row: int) -> int | None:
        """The place in ``rows`` of a row of a file, or None when that row is no record."""
        for place in np.flatnonzero(self.rows == row):
            if self.part(int(place)).file == file:
                return int(place)
        return None

    def find(self, name: str) -> str | None:
        """The column called ``name``: exactly, or, if only one, after folding widths and space."""
        if name in self.cells:
            return name
        near = [column for column in self.columns if fold_name(column) == fold_name(name)]
        return near[0] if len(near) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with the text of a cell, before it is known in which cells it stands."""

    code: str
    message: str
    mend: str = ""
    level: Literal["error", "warning"] = "error"


class Findings:
    """Problems of one file, collected while it is read.

    The only mutable thing of the loaders: readers add to it and go on, so that one pass finds everything.
    """

    def __init__(self, *, file: str, table: str = "", sheet: str = "") -> None:
        self.file = file
        self.table = table
        self.sheet = sheet
        self.problems: list[Problem] = []

    def add(self, code: str, message: str, mend: str = "", *, key: str = "", **place: Any) -> None:
        """Note an error; ``key`` is the key of ``[data.NAME]`` that would mend it."""
        study_key = f"data.{self.table}.{key}" if key and self.table else ""
        self.problems.append(
            Problem(
                code=code, message=message, mend=mend, file=self.file, sheet=self.sheet, study_key=study_key, **place
            )
        )

    def warn(self, code: str, message: str, mend: str = "", *, key: str = "", **place: Any) -> None:
        """Note a warning."""
        self.add(code, message, mend, key=key, level="warning", **place)

    def stop(self, code: str, message: str, mend: str = "", *, key: str = "", **place: Any) -> DataError:
        """The error to raise when there is no table to go on with."""
        self.add(code, message, mend, key=key, **place)
        return DataError(self.problems)


def check_names(names: list[str], filled: list[bool], found: Findings, row: int | None) -> None:
    """Refuse empty and repeated column names; ``filled`` says whether a column holds anything."""
    for place, name in enumerate(names, start=1):
        if not name and filled[place - 1]:
            found.add("column-unnamed", f"Column {place} has no name.", "Name it, or delete it.", row=row)
    folded: dict[str, list[str]] = {}
    for name in names:
        if name:
            folded.setdefault(fold_name(name), []).append(name)
    for same in folded.values():
        if len(same) > 1:
            message = f"Column {same[0]} occurs {len(same)} times."
            found.add("column-duplicate", message, "Give each its own name.", row=row, column=same[0])
