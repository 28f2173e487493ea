"""Patients as rows of a query: each combination of values once, with the number of rows that have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.engines.columns import Column, Table, TableName, open_table
from cohortstats.engines.dialects import DuckDB
from cohortstats.engines.fragments import Fragment, bound, joined, sql, verbatim
from cohortstats.engines.where import expression_as_sql
from cohortstats.errors import InputError
from cohortstats.expressions import ExpressionError, Kind, parse_expression
from cohortstats.expressions.tree import Name

__all__ = ["LabelColumn", "QueryRows", "ask_rows"]

SEEN_FIRST = 1000  # rows whose times say whether patients share them
FEW_LABELS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelColumn:
    """A column of labels: each label once, and for each row the place of its own, -1 where there is none.

    ``levels`` are the names in order where the column's type lists them; else the door sorts ``labels``.
    """

    labels: tuple[Any, ...]
    codes: NDArray[np.int64]
    levels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRows:
    """Answer of one query: by name, a column of values; ``n_rows`` counts the rows of the table behind each."""

    columns: Mapping[str, Any]
    n_rows: NDArray[np.int64]


def ask_rows(
    connection: Any,
    *,
    table: TableName,
    values: Mapping[str, tuple[str | None, Kind]],
    labels: Mapping[str, str | None],
    shared: tuple[str, ...],
    where: str = "",
) -> QueryRows:
    """The patients that count, by ``GROUP BY`` where they share their times, else one by one.

    Parameters
    ----------
    connection, table
        As in `open_table`.
    values
        Name -> a column or an expression of that kind, or None.
    labels
        Name -> a column of labels, or None.
    shared
        The names among ``values`` that decide: where their first values are not whole numbers, hardly two patients
        are the same, and each is fetched.
    where
        An expression; patients for whom it is yes count.

    Raises
    ------
    InputError
        Columns that are not there, and every fault of the expressions.
    """
    opened = open_table(connection, table)
    problems: list[str] = []
    asked: dict[str, Fragment] = {}
    for name, (text, kind) in values.items():
        if text is not None:
            asked[name] = _value(name, text, kind, opened, problems)
    named: dict[str, Column] = {}
    for name, text in labels.items():
        found = None if text is None else opened.find(text)
        if found is not None:
            named[name] = opened.columns[found]
            asked[name] = opened.engine.label(found, named[name].kind)
        elif text is not None:
            problems.append(opened.missing(text))
    condition = None
    if where.strip():
        try:
            condition = expression_as_sql(where, opened, want="yes/no")
        except InputError as error:
            problems += [f"where: {sentence}" for sentence in error.problems]
    if problems:
        raise InputError(problems)
    source = sql("{}", opened.source) if condition is None else sql("{} WHERE {}", opened.source, condition)
    if any(_differ(opened, values[name][0], asked[name], source) for name in shared if name in asked):
        return _one_by_one(opened, asked, named, source)
    return _counted(opened, asked, named, source)


def _value(name: str, text: str, kind: Kind, table: Table, problems: list[str]) -> Fragment:
    column = table.find(text)
    if column is not None:
        return verbatim(table.engine.quoted(column))
    try:
        is_name = isinstance(parse_expression(text).tree, Name)
    except ExpressionError:
        is_name = True
    if is_name:
        problems.append(table.missing(text))
        return verbatim("NULL")
    try:
        return expression_as_sql(text, table, want=kind)
    except InputError as error:
        problems += [f"{name}: {sentence}" for sentence in error.problems]
        return verbatim("NULL")


def _differ(table: Table, name: str | None, value: Fragment, source: Fragment) -> bool:
    """Whether the first values are not whole."""
    column = table.columns.get(table.find(name or "") or "")
    if column is not None and table.engine.is_whole(column.type_name):
        return False
    limit = table.engine.limit.format(n=SEEN_FIRST)
    return any(
        _parted(first) for (first,) in table.engine.rows(sql(f"SELECT {{}} AS c0 FROM {{}} {limit}", value, source))
    )


def _parted(value: object) -> bool:
    try:
        return value is not None and value % 1 != 0  # type: ignore[operator]
    except (TypeError, ArithmeticError):
        return False  # text and dates are for the door


def _selected(asked: Mapping[str, Fragment]) -> Fragment:
    return joined(", ", [sql(f"{{}} AS c{place}", part) for place, part in enumerate(asked.values())])


def _counted(table: Table, asked: Mapping[str, Fragment], named: Mapping[str, Column], source: Fragment) -> QueryRows:
    keys = joined(", ", asked.values())
    if keys.has_values:
        keys = verbatim(", ".join(str(place) for place, _ in enumerate(asked, 1)))
    statement = sql(f"SELECT {{}}, COUNT(*) AS c{len(asked)} FROM {{}} GROUP BY {{}}", _selected(asked), source, keys)
    rows = table.engine.rows(statement)
    *columns, counts = zip(*rows, strict=True) if rows else [()] * (len(asked) + 1)
    made = {
        name: _labelled(column, named[name]) if name in named else list(column)
        for name, column in zip(asked, columns, strict=True)
    }
    return QueryRows(columns=made, n_rows=np.array(counts, dtype=np.int64))


def _one_by_one(
    table: Table, asked: Mapping[str, Fragment], named: Mapping[str, Column], source: Fragment
) -> QueryRows:
    parts = dict(asked)
    words: dict[str, list[tuple[Any, str]]] = {}
    if isinstance(table.engine, DuckDB):
        # A label a patient is an object a patient; its place in a list is a number.
        for name in named:
            pairs = table.engine.rows(
                sql("SELECT DISTINCT {} AS c0, CAST({} AS VARCHAR) AS c1 FROM {}", asked[name], asked[name], source)
            )
            if len(pairs) <= FEW_LABELS:
                words[name] = [(label, word) for label, word in pairs if word is not None]
                parts[name] = sql("list_position({}, CAST({} AS VARCHAR))", _list(words[name]), asked[name])
    columns = table.engine.columns(sql("SELECT {} FROM {}", _selected(parts), source), len(parts))
    made: dict[str, Any] = {}
    for name, column in zip(parts, columns, strict=True):
        if name in words:
            made[name] = LabelColumn(
                labels=tuple(label for label, _ in words[name]),
                codes=np.ma.filled(np.ma.asarray(column).astype(np.int64), 0) - 1,
                levels=_levels(named[name]),
            )
        elif name in named:
            made[name] = _labelled(column, named[name])
        else:
            made[name] = column
    return QueryRows(columns=made, n_rows=np.ones(len(columns[0]), dtype=np.int64))


def _list(pairs: list[tuple[Any, str]]) -> Fragment:
    return sql("CAST({} AS VARCHAR[])", bound([word for _, word in pairs]))


def _levels(column: Column) -> tuple[str, ...]:
    return column.kind.levels if column.kind is not None else ()


def _labelled(column: Iterable[Any], described: Column) -> LabelColumn:
    cells = list(column)
    distinct = dict.fromkeys(cells)
    labels = [label for label in distinct if not _absent(label)]
    places = dict.fromkeys(distinct, -1) | {label: place for place, label in enumerate(labels)}
    codes = np.array([places[label] for label in cells], dtype=np.int64)
    return LabelColumn(labels=tuple(labels), codes=codes, levels=_levels(described))


def _absent(label: object) -> bool:
    return label is None or label is np.ma.masked or label != label
