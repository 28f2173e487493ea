"""A table by its name, and its columns by theirs: only names that the engine itself lists ever reach a query."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cohortstats.engines.dialects import Engine, engine_of
from cohortstats.engines.fragments import Fragment
from cohortstats.errors import InputError, did_you_mean
from cohortstats.expressions import ColumnKind, resolve

__all__ = ["Column", "Table", "TableName", "open_table"]

TableName = str | Path | Sequence[str]

_DOTTED = re.compile(r"\w+(\.\w+){1,2}")
_FILE = re.compile(r"\.(parquet|pq|csv|tsv|txt)(\.gz|\.zst)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as the engine describes it; ``kind`` is None where expressions cannot read its type."""

    name: str
    kind: ColumnKind | None
    type_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of an engine."""

    engine: Engine
    name: str
    source: Fragment
    columns: Mapping[str, Column]

    def find(self, name: str) -> str | None:
        """The column that is meant: the same text; else the same but for width, space or, where one fits, case."""
        found = resolve(name, self.columns)
        if found is None:
            near = [column for column in self.columns if column.casefold() == name.casefold()]
            found = near[0] if len(near) == 1 else None
        return found

    def missing(self, name: str) -> str:
        """The sentence about a column that is not there."""
        near = did_you_mean(name, self.columns)
        return f"{self.name} has no column '{name}'{f'; did you mean {near!r}?' if near else '.'}"


def open_table(connection: Any, table: TableName) -> Table:
    """A table of a connection.

    Parameters
    ----------
    connection
        See `engine_of`.
    table
        Its name. ``schema.name`` of plain words is a table in a schema; any other text is one name, and a tuple spells
        the parts, whatever signs are in them. With DuckDB and Spark also a file of Parquet, or a pattern such as
        ``visits/*.parquet``; with DuckDB also of CSV.
    """
    engine = engine_of(connection)
    if isinstance(table, Path) or (isinstance(table, str) and _FILE.search(table)):
        source = engine.file(str(table))
    else:
        parts = table.split(".") if isinstance(table, str) and _DOTTED.fullmatch(table) else table
        parts = (parts,) if isinstance(parts, str) or not isinstance(parts, Sequence) else tuple(parts)
        if not parts or not all(isinstance(part, str) and part for part in parts):
            raise InputError(f"table is {table!r}; give the name of a table.")
        source = engine.table(parts)
    columns = {
        name: Column(name=name, kind=kind, type_name=type_name) for name, kind, type_name in engine.describe(source)
    }
    name = table if isinstance(table, str) else ".".join(_parts(table))
    return Table(engine=engine, name=name, source=source, columns=columns)


def _parts(table: TableName) -> Iterator[str]:
    yield from (str(table),) if isinstance(table, Path) else table
