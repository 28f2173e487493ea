"""The numbers of a table of characteristics, from rows in memory or from a database: the same, whichever it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.engines import LabelColumn, TableName, ask_tallies
from cohortstats.stats.doors import check_present, refuse
from cohortstats.stats.event_door import Labels
from cohortstats.stats.query_door import label_names, missing_in_rows
from cohortstats.stats.results import RichResult
from cohortstats.stats.summary import Ordered, QuantileType, quantile_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ColumnSummary", "SummaryRow"]

Ints = NDArray[np.int64]
QUARTILES = {"q1": 0.25, "median": 0.5, "q3": 0.75}


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow:
    """One level of one column in one group, or one column of numbers in one group (``level`` is empty)."""

    variable: str
    level: str
    group: str
    n: int
    total: int
    n_missing: int
    min: float = math.nan
    q1: float = math.nan
    median: float = math.nan
    q3: float = math.nan
    max: float = math.nan
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ColumnSummary(RichResult):
    """Patients by level, and quantiles of numbers, for many columns by group: what a table of characteristics prints.

    Everything in it is a count or a value that some patient has (between two of them at most), so it does not depend
    on the order in which an engine adds up: rows in memory and any database give the same numbers to the last bit.
    That is why there is no mean and no standard deviation in it.

    Parameters
    ----------
    groups
        Names in order; ``all`` without ``by``.
    rows
        By column, level and group.
    quartiles
        Type of the quartiles, see `sample_quantile`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"stage": ["IV", "IV", "III", None], "age": [62, 50, 71, 38]})
    >>> found = ColumnSummary.from_frame(frame, levels=["stage"], numbers=["age"])
    >>> found.to_frame()[["variable", "level", "n", "total", "n_missing", "median"]]
      variable level  n  total  n_missing  median
    0    stage   III  1      3          1     NaN
    1    stage    IV  2      3          1     NaN
    2      age        4      4          0    56.0
    """

    groups: tuple[str, ...]
    rows: tuple[SummaryRow, ...]
    quartiles: int

    def to_frame(self) -> pd.DataFrame:
        """variable, level, group, n, total, n_missing, min, q1, median, q3, max, reason; ``total`` counts the known."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows], columns=list(SummaryRow.__slots__))

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        levels: Sequence[str] = (),
        numbers: Sequence[str] = (),
        by: str | None = None,
        quartiles: QuantileType = 7,
    ) -> ColumnSummary:
        """Summary of one row a patient.

        Parameters
        ----------
        frame
            One row a patient.
        levels
            Columns that are counted by level: in their categorical order, else sorted. Missing is no level.
        numbers
            Columns of numbers; missing values are left out and counted.
        by
            Column of groups; nothing may be missing in it.
        quartiles
            7 (R) or 2 (SAS), see `sample_quantile`.

        Raises
        ------
        InputError
            Columns that are not there or hold no numbers, groups that are missing: one sentence each.
        """
        problems = _choices(quartiles)
        wanted = dict.fromkeys([*levels, *numbers, *([] if by is None else [by])])
        problems += [f"the frame has no column '{name}'." for name in wanted if name not in frame]
        for name in numbers:
            kind = frame[name].dtype.kind if name in frame else "f"
            if kind not in "iuf":
                word = {"b": " (yes/no)", "M": " (date)", "O": " (text)"}.get(kind, "")
                problems.append(f"{name} holds no numbers{word}; name it in levels.")
        group = None if by is None or by not in frame else _frame_labels(frame[by])
        if group is not None:
            problems += check_present("by", group.codes < 0)
        refuse(problems + ([] if len(frame) else ["there are no patients."]))
        found = Labels(names=("all",), codes=np.zeros(len(frame), dtype=np.int64))
        if group is not None:
            found = label_names("by", group)
        rows: list[SummaryRow] = []
        for name in levels:
            column = _frame_labels(frame[name])
            labels = label_names(name, column)
            known = column.codes >= 0
            counts = np.zeros((len(found.names), len(labels.names)), dtype=np.int64)
            np.add.at(counts, (found.codes[known], labels.codes[known]), 1)
            missing = np.bincount(found.codes[~known], minlength=len(found.names))
            rows += _level_rows(name, labels.names, found.names, counts, missing)
        for name in numbers:
            values = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
            for code, label in enumerate(found.names):
                mine = values[found.codes == code]
                ordered = np.sort(mine[~np.isnan(mine)])
                ends = (float(ordered[0]), float(ordered[-1])) if ordered.size else (math.nan, math.nan)
                rows.append(_number_row(name, label, ordered, mine.size, ends, quartiles))
        return cls(groups=found.names, rows=tuple(rows), quartiles=quartiles)

    @classmethod
    def from_sql(
        cls,
        connection: Any,
        *,
        table: TableName,
        levels: Sequence[str] = (),
        numbers: Sequence[str] = (),
        by: str | None = None,
        quartiles: QuantileType = 7,
        where: str = "",
    ) -> ColumnSummary:
        """Summary of one row a patient in a database: the same frame, and only counts and quantiles leave the engine.

        Parameters
        ----------
        connection, table
            As in `EventTable.from_sql`.
        levels, numbers, by, quartiles
            As in `from_frame`; levels of an enumerated type in its order.
        where
            An expression of the study file: patients for whom it is yes count.

        Raises
        ------
        InputError
            Columns that are not there or hold no numbers, groups that are missing, every fault of the expression.

        Notes
        -----
        All levels are counted in one pass with a grouping set a column (SQLite has none, there each column is a query
        of its own); each column of numbers is sorted once by the engine, which answers with the values at the ranks
        that the quantiles need.

        Examples
        --------
        >>> import duckdb
        >>> with duckdb.connect() as connection:
        ...     _ = connection.execute("CREATE TABLE cohort (stage TEXT, age INTEGER)")
        ...     _ = connection.execute("INSERT INTO cohort VALUES ('IV', 62), ('IV', 50), ('III', 71), (NULL, 38)")
        ...     found = ColumnSummary.from_sql(connection, table="cohort", levels=["stage"], numbers=["age"])
        >>> [(row.variable, row.level, row.n, row.median) for row in found.rows]
        [('stage', 'III', 1, nan), ('stage', 'IV', 2, nan), ('age', '', 4, 56.0)]
        """
        refuse(_choices(quartiles))
        asked = ask_tallies(connection, table=table, levels=levels, numbers=numbers, by=by, where=where)
        sizes = [size for size in asked.group_sizes(numbers) if size[1]]
        refuse([] if sizes else ["there are no patients."])
        if by is None:
            groups: tuple[str, ...] = ("all",)
            place: dict[Any, int] = {None: 0, 0: 0}
        else:
            refuse(missing_in_rows("by", sum(n for label, n, _ in sizes if label is None or label != label)))
            groups, place = _names("by", [label for label, *_ in sizes], asked.declared.get(by, ()))
        rows: list[SummaryRow] = []
        counted = asked.level_counts(levels)
        for name in dict.fromkeys(levels):
            mine = [(place[of], level, n) for column, of, level, n in counted if column == name]
            known = [(code, level, n) for code, level, n in mine if not (level is None or level != level)]
            names, code_of = _names(name, [level for _, level, _ in known], asked.declared.get(name, ()))
            counts = np.zeros((len(groups), len(names)), dtype=np.int64)
            for code, level, n in known:
                counts[code, code_of[level]] += n
            totals = np.zeros(len(groups), dtype=np.int64)
            for code, _, n in mine:
                totals[code] += n
            rows += _level_rows(name, names, groups, counts, totals - counts.sum(axis=1))
        for at, name in enumerate(numbers):
            known_in = {place[of]: (cells[at], n) for of, n, cells in sizes}
            wanted = {code: _ranks(cell[0], quartiles) for code, (cell, _) in known_in.items()}
            runs = [
                (place[of], value, first, last)
                for of, value, first, last in asked.at_ranks(
                    name, [rank for ranks in wanted.values() for rank in ranks]
                )
            ]
            for code, label in enumerate(groups):
                (n_known, low, high), n = known_in.get(code, ((0, None, None), 0))
                values = {
                    rank: value
                    for of, value, first, last in runs
                    if of == code
                    for rank in wanted.get(code, ())
                    if first <= rank <= last
                }
                ends = (float(low), float(high)) if n_known else (math.nan, math.nan)
                rows.append(_number_row(name, label, _Ranked(n_known, values), n, ends, quartiles))
        return cls(groups=groups, rows=tuple(rows), quartiles=quartiles)


class _Ranked:
    """An ordered sample of which only some values are known: those that a quantile asks for."""

    def __init__(self, size: int, values: Mapping[int, float]) -> None:
        self.size = size
        self.values = values  # by rank, from 1

    def __getitem__(self, place: int) -> float:
        return self.values[place + 1]


class _Asked(_Ranked):
    """A sample that notes which of its values it is asked for."""

    def __init__(self, size: int) -> None:
        super().__init__(size, {})
        self.ranks: set[int] = set()

    def __getitem__(self, place: int) -> float:
        self.ranks.add(place + 1)
        return 0.0


def _ranks(n: int, quartiles: QuantileType) -> set[int]:
    asked = _Asked(n)
    for p in QUARTILES.values():
        quantile_of(asked, p, quartiles)
    return asked.ranks


def _number_row(
    name: str, group: str, ordered: Ordered, n: int, ends: tuple[float, float], quartiles: QuantileType
) -> SummaryRow:
    return SummaryRow(
        variable=name,
        level="",
        group=group,
        n=ordered.size,
        total=ordered.size,
        n_missing=n - ordered.size,
        min=ends[0],
        max=ends[1],
        reason="" if ordered.size else "no patients",
        **{word: quantile_of(ordered, p, quartiles) for word, p in QUARTILES.items()},
    )


def _level_rows(
    name: str, levels: Sequence[str], groups: Sequence[str], counts: Ints, missing: Ints
) -> list[SummaryRow]:
    totals = counts.sum(axis=1)
    return [
        SummaryRow(
            variable=name,
            level=level,
            group=group,
            n=int(counts[of, at]),
            total=int(totals[of]),
            n_missing=int(missing[of]),
            reason="" if totals[of] else "no patients",
        )
        for at, level in enumerate(levels)
        for of, group in enumerate(groups)
    ]


def _names(name: str, found: Sequence[Any], declared: tuple[str, ...]) -> tuple[tuple[str, ...], dict[Any, int]]:
    """Names in order, and the place of each label among them."""
    labels = tuple(dict.fromkeys(found))
    codes = np.arange(len(labels), dtype=np.int64)
    read = label_names(name, LabelColumn(labels=labels, codes=codes, levels=declared))
    return read.names, dict(zip(labels, read.codes.tolist(), strict=True))


def _frame_labels(column: pd.Series) -> LabelColumn:
    """A column of a frame as labels, each once."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        names = tuple(str(level) for level in column.cat.categories)
        codes: Ints = np.asarray(column.cat.codes, dtype=np.int64)
        return LabelColumn(labels=names, codes=codes, levels=names)
    places, labels = pd.factorize(column)
    return LabelColumn(labels=tuple(np.asarray(labels).tolist()), codes=places.astype(np.int64))


def _choices(quartiles: int) -> list[str]:
    return [] if quartiles in (2, 7) else [f"quartiles is {quartiles}; give 2 or 7."]
