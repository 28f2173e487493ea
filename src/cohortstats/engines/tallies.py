"""Columns counted where they are: patients by level, and the values that stand at given ranks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cohortstats.engines.columns import Table, TableName, open_table
from cohortstats.engines.fragments import Fragment, joined, sql, verbatim
from cohortstats.engines.where import expression_as_sql
from cohortstats.errors import InputError

__all__ = ["ColumnTallies", "ask_tallies"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnTallies:
    """The columns that are asked about, and the patients that count.

    ``names`` has, for every column asked about, its name in the engine; ``declared`` the levels of enumerated types.
    """

    table: Table
    names: Mapping[str, str]
    by: str | None
    declared: Mapping[str, tuple[str, ...]]
    source: Fragment

    def level_counts(self, names: Sequence[str]) -> list[tuple[str, Any, Any, int]]:
        """Column, group, level, patients: by one query with a grouping set a column, where the engine has them."""
        engine = self.table.engine
        labels = [self._label(self.names[name]) for name in names]
        group = verbatim("0") if self.by is None else self._label(self.by)
        if not labels or not engine.grouping_sets:
            return [
                (name, of, level, int(n))
                for name, label in zip(names, labels, strict=True)
                for of, level, n in engine.rows(self._one_column(group, label))
            ]
        columns = [f"c{place}" for place, _ in enumerate(labels)]
        inner = joined(
            ", ", [sql("{} AS g", group), *(sql(f"{{}} AS {c}", x) for c, x in zip(columns, labels, strict=True))]
        )
        sets = ", ".join(f"(g, {column})" for column in columns)
        marks = ", ".join(f"GROUPING({column}) AS m{place}" for place, column in enumerate(columns))
        statement = sql(
            f"SELECT g, {', '.join(columns)}, {marks}, COUNT(*) AS n FROM (SELECT {{}} FROM {{}}) AS q "
            f"GROUP BY GROUPING SETS ({sets})",
            inner,
            self.source,
        )
        counted = []
        for of, *cells, n in engine.rows(statement):
            place = cells.index(0, len(names)) - len(names)  # the one column that is not summed over
            counted.append((names[place], of, cells[place], int(n)))
        return counted

    def _one_column(self, group: Fragment, label: Fragment) -> Fragment:
        keys = label if self.by is None else joined(", ", [group, label])
        return sql("SELECT {} AS g, {} AS c0, COUNT(*) AS n FROM {} GROUP BY {}", group, label, self.source, keys)

    def group_sizes(self, names: Sequence[str]) -> list[tuple[Any, int, list[tuple[int, Any, Any]]]]:
        """Group, patients, and for each column of numbers: known, smallest, largest."""
        numbers = [self._number(name) for name in names]
        parts = [sql("COUNT({}), MIN({}), MAX({})", x, x, x) for x in numbers]
        selected = joined(", ", [verbatim("COUNT(*)"), *parts])
        engine = self.table.engine
        if self.by is None:
            rows = [(None, *row) for row in engine.rows(sql("SELECT {} FROM {}", selected, self.source))]
        else:
            group = self._label(self.by)
            rows = engine.rows(sql("SELECT {} AS g, {} FROM {} GROUP BY {}", group, selected, self.source, group))
        return [
            (of, int(n), [(int(cells[at]), cells[at + 1], cells[at + 2]) for at in range(0, len(cells), 3)])
            for of, n, *cells in rows
        ]

    def at_ranks(self, name: str, ranks: Iterable[int]) -> list[tuple[Any, float, int, int]]:
        """Group, value, and the first and last rank of the value in its group, for values at one of the ranks."""
        wanted = sorted({int(rank) for rank in ranks})
        if not wanted:
            return []
        group = verbatim("0") if self.by is None else self._label(self.by)
        inside = " OR ".join(f"({rank} > upto - n AND {rank} <= upto)" for rank in wanted)
        statement = sql(
            "SELECT g, v, upto - n + 1 AS first_rank, upto FROM ("
            "SELECT g, v, n, SUM(n) OVER (PARTITION BY g ORDER BY v) AS upto FROM ("
            "SELECT g, v, COUNT(*) AS n FROM (SELECT {} AS g, {} AS v FROM {}) AS patients "
            f"WHERE v IS NOT NULL GROUP BY g, v) AS counted) AS ranked WHERE {inside}",
            group,
            self._number(name),
            self.source,
        )
        return [(of, float(v), int(first), int(last)) for of, v, first, last in self.table.engine.rows(statement)]

    def _label(self, column: str) -> Fragment:
        return self.table.engine.label(column, self.table.columns[column].kind)

    def _number(self, name: str) -> Fragment:
        return self.table.engine.number(verbatim(self.table.engine.quoted(self.names[name])))


def ask_tallies(
    connection: Any,
    *,
    table: TableName,
    levels: Sequence[str],
    numbers: Sequence[str],
    by: str | None,
    where: str = "",
) -> ColumnTallies:
    """The columns of a table that are asked about, checked.

    Raises
    ------
    InputError
        Columns that are not there or hold no numbers, and every fault of the expression.
    """
    opened = open_table(connection, table)
    engine, problems = opened.engine, list[str]()
    names: dict[str, str] = {}
    for name in dict.fromkeys([*levels, *numbers, *([] if by is None else [by])]):
        found = opened.find(name)
        if found is None:
            problems.append(opened.missing(name))
        else:
            names[name] = found
    for name in numbers:
        if name in names and engine.speaks_expressions:
            kind, misfit = engine.misfits(opened.source, names[name], opened.columns[names[name]].kind)
            if misfit:
                problems.append(misfit)
            elif kind is None or kind.kind != "number":
                problems.append(f"{name} holds no numbers{f' ({kind.kind})' if kind else ''}; name it in levels.")
    condition = None
    if where.strip():
        try:
            condition = expression_as_sql(where, opened, want="yes/no")
        except InputError as error:
            problems += [f"where: {sentence}" for sentence in error.problems]
    if problems:
        raise InputError(problems)
    source = opened.source if condition is None else sql("{} WHERE {}", opened.source, condition)
    declared = {
        name: kind.levels for name, column in names.items() if (kind := opened.columns[column].kind) is not None
    }
    return ColumnTallies(
        table=opened, names=names, by=None if by is None else names[by], declared=declared, source=source
    )
