"""What a column is, and columns of data with a mask of what is missing."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Cells", "ColumnKind", "Kind", "Rows", "Run", "Step", "Values", "fold_name", "resolve"]

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
    """

    kind: Kind
    levels: tuple[str, ...] = ()
    unit: str = ""

    @property
    def level_names(self) -> tuple[str, ...]:
        """Levels as a table shows them: a yes/no column has yes, then no.

        Examples
        --------
        >>> ColumnKind(kind="yes/no").level_names
        ('yes', 'no')
        """
        return ("yes", "no") if self.kind == "yes/no" else self.levels


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
    """

    kind: Kind
    data: Array
    missing: npt.NDArray[np.bool_]
    levels: tuple[str, ...] = ()
    unit: str = ""

    @property
    def column_kind(self) -> ColumnKind:
        """The kind, levels and unit without the data."""
        return ColumnKind(kind=self.kind, levels=self.levels, unit=self.unit)

    def __len__(self) -> int:
        return len(self.missing)


@dataclass(frozen=True, slots=True)
class Cells:
    """Data and mask on their way through a plan."""

    data: Array
    missing: npt.NDArray[np.bool_]


@dataclass(slots=True)
class Rows:
    """What a plan runs on, and what it noticed on the way."""

    columns: Mapping[str, Values]
    n: int
    zero_divisions: int = 0


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
