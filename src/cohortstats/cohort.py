"""Cohort: an immutable set of linked tables, one row a patient.

A cohort holds what was read (the text of every cell), what it means (typed values), what was derived from it, and a
count of everybody who was left out on the way. Methods give copies; :meth:`Cohort.where` gives another cohort.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.errors import InputError, Problem, did_you_mean
from cohortstats.expressions import Values, parse_expression, resolve
from cohortstats.study import Study

__all__ = ["Cohort", "FlowStep", "LinkedTable", "Source", "Variable"]

YES_NO_LEVELS = ("yes", "no")
YES_NO_LABELS = {"en": ("Yes", "No"), "ja": ("あり", "なし")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a table came from and how it was read; goes into the manifest.

    Parameters
    ----------
    table
        Name of the table in the study file.
    file
        File name, without its folder.
    kind
        ``"csv"`` for every delimited text, ``"xlsx"`` for every workbook.
    encoding, newline, delimiter
        What a text file turned out to be, such as ``"cp932"``, ``"CRLF"``, ``","``; empty for a workbook.
    sheet, epoch
        The sheet read and the first year of the workbook's day count; empty and 0 for a text file.
    n_rows, n_columns, n_columns_unused
        Rows of data, columns, and columns that the study does not name.
    n_fields_dropped
        Extra empty fields at the ends of records, which were dropped.
    sha256, n_bytes
        Of the file as it was read.
    """

    table: str
    file: str
    kind: str
    encoding: str = ""
    newline: str = ""
    delimiter: str = ""
    sheet: str = ""
    epoch: int = 0
    n_rows: int = 0
    n_columns: int = 0
    n_columns_unused: int = 0
    n_fields_dropped: int = 0
    sha256: str = ""
    n_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What a name of the cohort means: a column, a derived variable or a binary endpoint.

    Parameters
    ----------
    name, kind
        ``kind`` is number, date, yes/no, ordered, category or text.
    table
        Table of the study; empty for what is derived.
    label
        Name in tables; the name itself when none is declared.
    levels, labels
        Levels in their order (yes/no: ``yes`` first) and how tables call them.
    unit, note, unknown, keep_digits, formed, cutoff
        As declared in the study file.
    given_names
        Columns it is made from, through all steps; a column is made from itself.
    """

    name: str
    kind: str
    table: str = ""
    label: str = ""
    levels: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    unit: str = ""
    note: str = ""
    unknown: tuple[str, ...] = ()
    keep_digits: bool = False
    formed: str = ""
    cutoff: str = ""
    given_names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One line of the flow of patients: ``n_before - n_out - n_missing == n_after``."""

    step: str
    reason: str
    n_before: int
    n_out: int
    n_missing: int
    n_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedTable:
    """One file of the study, in the order of its rows, and which row belongs to which patient.

    Parameters
    ----------
    file
        File name, for messages.
    id_column
        The column that identifies the patient, as the file names it.
    rows
        Row numbers as the user's own program counts them.
    text
        Column of the file -> cells as read.
    values
        Column of the study -> typed values.
    sources
        Column of the study -> column of the file.
    position
        For each patient of the cohort the row that is his, or -1.
    """

    name: str
    file: str
    sheet: str = ""
    id_column: str
    rows: npt.NDArray[np.int64]
    text: Mapping[str, npt.NDArray[np.object_]]
    values: Mapping[str, Values]
    sources: Mapping[str, str]
    position: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Cohort:
    """Patients of a study: records, derived variables and endpoints.

    Made by :func:`cohortstats.loaders.load_cohort`. Nothing in it changes; every frame is a copy.

    Parameters
    ----------
    study
        The protocol.
    ids
        Patient ids as written in the first table, in its order.
    variables
        Name -> what it means: columns of all tables, derived variables, binary endpoints.
    data
        Name -> values, one a patient. Levels declared ``unknown`` are levels here; expressions see them as missing.
    tables
        Name -> the file.
    endpoints
        Name -> frame, one row a patient.
    steps, sources, problems
        The flow, the files, and the warnings that reading gave.

    Examples
    --------
    >>> import cohortstats as cs
    >>> cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    >>> len(cohort), len(cohort.where("ctdna_tested")), cohort.levels("pik3ca_mutated").value_counts().to_dict()
    (34, 16, {'no': 14, 'yes': 2})
    """

    study: Study
    ids: tuple[str, ...]
    variables: Mapping[str, Variable]
    data: Mapping[str, Values]
    tables: Mapping[str, LinkedTable]
    endpoints: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    steps: tuple[FlowStep, ...] = ()
    sources: tuple[Source, ...] = ()
    problems: tuple[Problem, ...] = ()

    # --- size and names ----------------------------------------------------------------------------------------------

    @property
    def n(self) -> int:
        """Number of patients."""
        return len(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self.variables)

    def __contains__(self, name: object) -> bool:
        return name in self.variables

    def __getitem__(self, name: str) -> pd.Series[Any]:
        return self.values(name)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.variables)

    def __repr__(self) -> str:
        tables = "1 table" if len(self.tables) == 1 else f"{len(self.tables)} tables"
        patients = "1 patient" if self.n == 1 else f"{self.n} patients"
        text = f"Cohort {self.study.id}: {patients}, {tables}, {len(self.variables)} variables"
        if self.endpoints:
            text += f"; endpoints {', '.join(self.endpoints)}"
        if self.study.synthetic:
            text += f" ({self.study.synthetic})"
        return text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude  # both texts are short
        return {"text/plain": repr(self), "text/markdown": repr(self).replace("*", r"\*").replace("_", r"\_")}

    def variable(self, name: str) -> Variable:
        """Meaning of a name.

        Raises
        ------
        InputError
            When the cohort has no such name; the message gives the nearest.
        """
        found = resolve(name, self.variables)
        if found is None:
            near = did_you_mean(name, self.variables)
            raise InputError(f"{name} is no column or derived name." + (f" Did you mean {near}?" if near else ""))
        return self.variables[found]

    # --- values ------------------------------------------------------------------------------------------------------

    @property
    def index(self) -> pd.Index[Any]:
        """Patient ids, named as the id column of the first table."""
        base = next(iter(self.tables.values()))
        ids: pd.Index[Any] = pd.Index(np.asarray(self.ids, dtype=object), name=base.id_column)
        return ids

    def values(self, name: str) -> pd.Series[Any]:
        """Values of one variable.

        Returns
        -------
        Series
            Index patient id. Numbers are float64, dates datetime64, yes/no ``boolean``, levels a categorical, text
            object.
        """
        name = self.variable(name).name
        return _series(self.data[name], self.index, name)

    def levels(self, name: str) -> pd.Series[Any]:
        """Levels of one variable as a categorical of strings; yes/no as ``"yes"`` and ``"no"``.

        Levels declared ``unknown`` stay levels; a missing value is missing.
        """
        variable = self.variable(name)
        if not variable.levels:
            raise InputError(f"{name} is a {variable.kind}; only yes/no, ordered and category have levels.")
        values = self.data[variable.name]
        codes = np.where(values.data, 0, 1) if values.kind == "yes/no" else level_codes(values)
        codes = np.where(values.missing, -1, codes)
        return pd.Series(
            _categorical(codes, variable.levels, ordered=variable.kind == "ordered"), index=self.index, name=name
        )

    def text(self, name: str) -> pd.Series[Any]:
        """Cells of a column as they were read, for digits that must not change; None where a table has no row."""
        variable = self.variable(name)
        if not variable.table:
            raise InputError(f"{name} is derived; only columns of a file have text.")
        table = self.tables[variable.table]
        return pd.Series(
            _at(table.text[table.sources[variable.name]], table.position), index=self.index, name=name, dtype=object
        )

    def frame(self) -> pd.DataFrame:
        """All variables, one row a patient."""
        index = self.index
        columns = {name: _series(self.data[name], index, name) for name in self.variables}
        return pd.DataFrame(columns, index=index)

    def table(self, name: str) -> pd.DataFrame:
        """One file, typed: a row for each patient who has one."""
        table = self._table(name)
        here = table.position >= 0
        index = self.index[here]
        rows = table.position[here]
        columns = {column: _series(_take(values, rows), index, column) for column, values in table.values.items()}
        return pd.DataFrame(columns, index=index)

    def cells(self) -> pd.DataFrame:
        """Text as read, one row a patient, columns named as in the files.

        An empty cell is ``""``; where a patient has no row in a table it is None. The id columns of further tables are
        left out; a name that an earlier table has already is written ``table.column``.
        """
        columns: dict[str, npt.NDArray[np.object_]] = {}
        for number, table in enumerate(self.tables.values()):
            for column, cells in table.text.items():
                if number and column == table.id_column:
                    continue
                columns[f"{table.name}.{column}" if column in columns else column] = _at(cells, table.position)
        return pd.DataFrame(columns, index=self.index, dtype=object)

    def endpoint(self, name: str) -> pd.DataFrame:
        """An endpoint, one row a patient.

        Returns
        -------
        DataFrame
            Binary: ``event`` (boolean, after the rule for unknown outcomes) and ``recorded`` (before it). Time to
            event: ``time``, ``event`` and ``reason`` (``event``, ``censored``, or why there is no time).
        """
        if name not in self.endpoints:
            near = did_you_mean(name, self.endpoints)
            raise InputError(f"{name} is no endpoint." + (f" Did you mean {near}?" if near else ""))
        return self.endpoints[name].copy()

    # --- expressions -------------------------------------------------------------------------------------------------

    def evaluate(self, expression: str) -> Values:
        """Value of an expression for every patient; levels declared ``unknown`` are missing in it."""
        parsed = parse_expression(expression)
        names = (resolve(name, self.variables) for name in sorted(parsed.names))
        return parsed.evaluate({name: self.known(name) for name in names if name is not None}, self.n)

    def known(self, name: str) -> Values:
        """Values as expressions see them: levels declared ``unknown`` are missing."""
        variable = self.variable(name)
        values = self.data[variable.name]
        if not variable.unknown:
            return values
        unknown = [values.levels.index(level) for level in variable.unknown if level in values.levels]
        return dataclasses.replace(values, missing=values.missing | np.isin(level_codes(values), unknown))

    def where(self, expression: str, *, step: str = "") -> Cohort:
        """Those for whom the expression is yes.

        No and missing both leave, and are counted apart in :attr:`flow`.

        Parameters
        ----------
        expression
            A yes/no expression of the study file's language; a name of a yes/no variable is one.
        step
            Name of the step in the flow; the expression when empty.
        """
        answer = self.evaluate(expression)
        if answer.kind != "yes/no":
            raise InputError(f"{expression} is a {answer.kind}; a population needs yes or no.")
        keep = answer.data.astype(bool) & ~answer.missing
        n_missing = int(answer.missing.sum())
        counted = FlowStep(
            step=step or expression,
            reason=expression,
            n_before=self.n,
            n_out=self.n - int(keep.sum()) - n_missing,
            n_missing=n_missing,
            n_after=int(keep.sum()),
        )
        return self.take(keep, counted)

    def take(self, keep: npt.NDArray[np.bool_], step: FlowStep) -> Cohort:
        """The patients marked in ``keep``, with one more step in the flow."""
        rows = np.flatnonzero(keep)
        return dataclasses.replace(
            self,
            ids=tuple(self.ids[row] for row in rows),
            data={name: _take(values, rows) for name, values in self.data.items()},
            tables={
                name: dataclasses.replace(table, position=table.position[rows]) for name, table in self.tables.items()
            },
            endpoints={name: frame.iloc[rows].copy() for name, frame in self.endpoints.items()},
            steps=(*self.steps, step),
        )

    @property
    def flow(self) -> pd.DataFrame:
        """Who left and why: step, reason, n_before, n_out, n_missing, n_after."""
        columns = [item.name for item in dataclasses.fields(FlowStep)]
        return pd.DataFrame([dataclasses.asdict(step) for step in self.steps], columns=columns)

    def _table(self, name: str) -> LinkedTable:
        if name not in self.tables:
            near = did_you_mean(name, self.tables)
            raise InputError(f"{name} is no table of the study." + (f" Did you mean {near}?" if near else ""))
        return self.tables[name]


def level_codes(values: Values) -> npt.NDArray[np.int64]:
    """Position of each value in ``values.levels``; -1 where missing."""
    if values.data.dtype == object:
        places = {level: place for place, level in enumerate(values.levels)}
        return np.array([places.get(level, -1) for level in values.data], dtype=np.int64)
    return np.where(values.missing, -1, values.data.astype(np.int64))


def _take(values: Values, rows: npt.NDArray[np.int64]) -> Values:
    return dataclasses.replace(values, data=values.data[rows], missing=values.missing[rows])


def _at(cells: npt.NDArray[np.object_], position: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    found = np.empty(len(position), dtype=object)
    here = position >= 0
    found[here] = cells[position[here]]
    return found


def _categorical(codes: npt.NDArray[np.int64], levels: tuple[str, ...], *, ordered: bool) -> Any:
    return pd.Categorical.from_codes(codes, categories=pd.Index(levels, dtype=object), ordered=ordered)


def _series(values: Values, index: pd.Index[Any], name: str) -> pd.Series[Any]:
    missing = values.missing
    content: Any
    if values.kind == "number":
        content = np.where(missing, np.nan, values.data.astype(float))
    elif values.kind == "date":
        content = np.where(missing, np.datetime64("NaT"), values.data).astype("datetime64[ns]")
    elif values.kind == "yes/no":
        content = pd.arrays.BooleanArray(values.data.astype(bool) & ~missing, missing.copy())
    elif values.kind in ("ordered", "category"):
        codes = np.where(missing, -1, level_codes(values))
        content = _categorical(codes, values.levels, ordered=values.kind == "ordered")
    else:
        content = values.data.astype(object)
        content[missing] = None
    return pd.Series(content, index=index, name=name)
