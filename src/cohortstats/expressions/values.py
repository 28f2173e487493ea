"""What a column is, and columns of data with a mask of what is missing."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Cells", "ColumnKind", "Kind", "Records", "Rows", "Run", "Step", "Values", "fold_name", "resolve"]

Kind = Literal["number", "date", "yes/no", "ordered", "category", "text"]
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnKind:
    """What a column is, without its data.

    Parameters
    ----------
    kind
        One of the six kinds.
    levels
        Levels of an ordered column, in order; of a category, when they are known.
    unit
        Unit of a number.
    table
        Table of a column with many rows per patient; empty for one value a patient.
    """

    kind: Kind
    levels: tuple[str, ...] = ()
    unit: str = ""
    table: str = ""

    @property
    def level_names(self) -> tuple[str, ...]:
        """Levels as a table shows them: a yes/no column has yes, then no.

        Examples
        --------
        >>> ColumnKind(kind="yes/no").level_names
        ('yes', 'no')
        """
        return ("yes", "no") if self.kind == "yes/no" else self.levels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Records:
    """Which record of a table with many rows per patient belongs to whom, and where it stands among his.

    Parameters
    ----------
    table
        Name of the table.
    patient
        Place of each record's patient, never falling: the records of a patient stand together.
    rank
        Position of each record on the scale of the table's order, such as its date; equal where two records stand at
        the same point. -1 where it is not known; these are the last of their patient.

    Examples
    --------
    >>> visits = Records(table="visits", patient=np.array([0, 0, 2]), rank=np.array([4, 7, 4]))
    >>> len(visits)
    3
    """

    table: str
    patient: npt.NDArray[np.int64]
    rank: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.patient)


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """One column, or the result of an expression.

    Parameters
    ----------
    kind
        One of the six kinds.
    data
        One element a patient: float64 for a number, datetime64[D] for a date, bool for yes/no, integer positions in
        ``levels`` for an ordered column, ``str`` objects for a category or text. What stands where ``missing`` is true
        has no meaning.
    missing
        True where the value is not known.
    levels, unit
        As in :class:`ColumnKind`.
    records
        Of a column with many rows per patient: ``data`` has one element a record.
    """

    kind: Kind
    data: Array
    missing: npt.NDArray[np.bool_]
    levels: tuple[str, ...] = ()
    unit: str = ""
    records: Records | None = None

    @property
    def column_kind(self) -> ColumnKind:
        """The kind, levels, unit and table without the data."""
        table = "" if self.records is None else self.records.table
        return ColumnKind(kind=self.kind, levels=self.levels, unit=self.unit, table=table)

    def __len__(self) -> int:
        return len(self.missing)


@dataclass(frozen=True, slots=True)
class Cells:
    """Data and mask on their way through a plan."""

    data: Array
    missing: npt.NDArray[np.bool_]


@dataclass(slots=True)
class Rows:
    """What a plan runs on, and what it noticed on the way.

    Inside a function over records, ``n`` counts records and ``parent`` has the patients they belong to.
    """

    columns: Mapping[str, Values]
    n: int
    zero_divisions: int = 0
    records: Records | None = None
    parent: Rows | None = None

    def of(self, records: Records) -> Rows:
        """The same columns, one row a record."""
        return Rows(columns=self.columns, n=len(records), records=records, parent=self)

    def divided_by_zero(self, where: npt.NDArray[np.bool_]) -> None:
        """Count the patients, also of records, whose division has no result."""
        if self.parent is not None and self.records is not None:
            marked = np.zeros(self.parent.n, dtype=bool)
            marked[self.records.patient[where]] = True
            self.parent.divided_by_zero(marked)
        else:
            self.zero_divisions += int(np.count_nonzero(where))


Run = Callable[[Rows], Cells]
Step = Callable[[Rows, Cells, Cells], Cells]


def fold_name(name: str) -> str:
    """A column name as names are compared: full-width and half-width forms are one, outer space does not count.

    Examples
    --------
    >>> fold_name("ＥＲ（％） ")
    'ER(%)'
    """
    return unicodedata.normalize("NFKC", name).strip()


def resolve(name: str, columns: Mapping[str, Any]) -> str | None:
    """The column that ``name`` means: the same text, or the same after folding width and outer space.

    Examples
    --------
    >>> resolve("ＥＲ", {"ER": None, "PgR": None})
    'ER'
    """
    if name in columns:
        return name
    folded = fold_name(name)
    return next((column for column in columns if fold_name(column) == folded), None)
