"""Cohort: an immutable set of linked tables, one id; one row a patient, or many.

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
from cohortstats.expressions import Records, Values, parse_expression, resolve
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
        File name, without its folder; the names when there are several; what was asked when it is a connection.
    kind
        ``"csv"`` for every delimited text, ``"xlsx"`` or ``"xls"`` for a workbook, ``"xpt"``, ``"sas7bdat"``,
        ``"sav"``, ``"parquet"``; ``"sqlite"``, ``"duckdb"`` or ``"sql"`` for the answer of a database.
    encoding, newline, delimiter
        What a text file turned out to be, such as ``"cp932"``, ``"CRLF"``, ``","``; empty for a workbook.
    sheet, epoch
        The sheet read and the first year of the workbook's day count; empty and 0 for a text file.
    n_rows, n_columns, n_columns_unused
        Rows of data, columns, and columns that the study does not name.
    n_fields_dropped
        Extra empty fields at the ends of records, which were dropped.
    sha256, n_bytes
        Of the file as it was read; for a database, of the rows that it answered with.
    compression
        ``"gzip"`` when the file was packed.
    query
        The SELECT that a database was asked.
    format, volume_nl, volume_origin
        Of an export of droplets: its generation, the volume of a droplet (0 where none was needed), and what tells it.
    parts
        Of a table made of several files, each of them.
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
    compression: str = ""
    query: str = ""
    format: str = ""
    volume_nl: float = 0.0
    volume_origin: str = ""
    parts: tuple[Source, ...] = ()


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
    many
        A column of a table with many rows per patient: it has records, not one value a patient.
    unit, note, unknown, keep_digits, known, formed, cutoff
        As declared in the study file.
    given_names
        Columns it is made from, through all steps; a column is made from itself.
    """

    name: str
    kind: str
    table: str = ""
    many: bool = False
    label: str = ""
    levels: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    unit: str = ""
    note: str = ""
    unknown: tuple[str, ...] = ()
    keep_digits: bool = False
    known: str = ""
    formed: str = ""
    cutoff: str = ""
    given_names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One line of the flow: ``n_before - n_out - n_missing == n_after``.

    Lines of a table (its name is the step) count rows of its file, all others patients.
    """

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
        For each patient of the cohort the row that is his, or -1; in a table with many rows per patient always -1.
    records, places
        Of a table with many rows per patient: the records of the cohort's patients, each patient's together and in the
        order that the study declares, and the row of each.
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
    records: Records | None = None
    places: npt.NDArray[np.int64] | None = None

    def patients(self) -> npt.NDArray[np.bool_]:
        """Which patients of the cohort have a row here."""
        here = self.position >= 0
        if self.records is not None:
            here[self.records.patient] = True
        return here


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
        Name -> values, one a patient; of a column with many rows per patient, one a record. Levels declared ``unknown``
        are levels here; expressions see them as missing.
    tables
        Name -> the file.
    endpoints
        Name -> frame, one row a patient.
    evidence
        Name of a rule of ``[derive]`` -> frame, one row a patient: ``value``; ``date``, ``table`` and ``row`` of the
        record that it came from, the row as the user's own program counts it; and what the rule left out. Name of an
        entry of ``[ctdna]`` -> the droplets, limits, flags and reason behind each call.
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
    evidence: Mapping[str, pd.DataFrame] = field(default_factory=dict)
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

    def single(self, name: str) -> Variable:
        """Meaning of a name that has one value a patient.

        Raises
        ------
        InputError
            No such name, or a column with many rows per patient.
        """
        variable = self.variable(name)
        if variable.many:
            fact = f"{variable.name} has many rows per patient; use records('{variable.table}'), or derive one value."
            raise InputError(fact)
        return variable

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

        Raises
        ------
        InputError
            No such name, or a column with many rows per patient, which :meth:`records` gives.
        """
        name = self.single(name).name
        return _series(self.data[name], self.index, name)

    def levels(self, name: str) -> pd.Series[Any]:
        """Levels of one variable as a categorical of strings; yes/no as ``"yes"`` and ``"no"``.

        Levels declared ``unknown`` stay levels; a missing value is missing.
        """
        variable = self.single(name)
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
        variable = self.single(name)
        if not variable.table:
            raise InputError(f"{name} is derived; only columns of a file have text.")
        table = self.tables[variable.table]
        return pd.Series(
            _at(table.text[table.sources[variable.name]], table.position), index=self.index, name=name, dtype=object
        )

    def frame(self) -> pd.DataFrame:
        """All variables with one value a patient, one row a patient."""
        index = self.index
        columns = {
            name: _series(self.data[name], index, name)
            for name, variable in self.variables.items()
            if not variable.many
        }
        return pd.DataFrame(columns, index=index)

    def table(self, name: str) -> pd.DataFrame:
        """One file, typed: the rows of the cohort's patients, index patient id.

        A table with one row per patient is in the order of the patients. In one with many the id is repeated; the
        records of a patient stand together, in the order that the study declares, and those at the same point of it as
        the file has them.
        """
        table = self._table(name)
        who, rows = self._rows(table)
        index = self.index[who]
        columns = {column: _series(_take(values, rows), index, column) for column, values in table.values.items()}
        return pd.DataFrame(columns, index=index)

    def records(self, name: str) -> pd.DataFrame:
        """One file, typed, with the place of each record.

        Returns
        -------
        DataFrame
            As :meth:`table`, with ``row`` in front: the row of the file as the user's own program counts it.
        """
        table = self._table(name)
        if "row" in table.values:
            raise InputError(f"{name} has a column named row, which is the number of the record's row here.")
        frame = self.table(name)
        frame.insert(0, "row", table.rows[self._rows(table)[1]])
        return frame

    def cells(self) -> pd.DataFrame:
        """Text as read, one row a patient, columns named as in the files.

        An empty cell is ``""``; where a patient has no row in a table it is None. The id columns of further tables are
        left out; a name that an earlier table has already is written ``table.column``. Tables with many rows per
        patient have no place here.
        """
        columns: dict[str, npt.NDArray[np.object_]] = {}
        for number, table in enumerate(self.tables.values()):
            if table.records is not None:
                continue
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
        """Value of an expression for every patient; levels declared ``unknown`` are missing in it.

        Examples
        --------
        >>> import cohortstats as cs
        >>> cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
        >>> answer = cohort.evaluate("hr_positive and not her2_amplified")
        >>> int(answer.data.sum()), int(answer.missing.sum())
        (8, 7)
        """
        parsed = parse_expression(expression)
        names = (resolve(name, self.variables) for name in sorted(parsed.names))
        return parsed.evaluate({name: self.known(name) for name in names if name is not None}, self.n)

    def answer(self, expression: str, word: str) -> Values:
        """As :meth:`evaluate`, of an expression that must be yes or no; ``word`` says what for, in the message."""
        answer = self.evaluate(expression)
        if answer.kind != "yes/no":
            article = "an" if word[0] in "aeiou" else "a"
            raise InputError(f"{expression} is a {answer.kind}; {article} {word} needs yes or no.")
        return answer

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
        answer = self.answer(expression, "population")
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
        """The patients marked in ``keep`` and their records, with one more step in the flow."""
        rows = np.flatnonzero(keep)
        tables: dict[str, LinkedTable] = {}
        kept: dict[str, npt.NDArray[np.int64]] = {}  # table with many rows -> records that stay
        for name, table in self.tables.items():
            changed = dataclasses.replace(table, position=table.position[rows])
            if table.records is not None and table.places is not None:
                kept[name] = np.flatnonzero(keep[table.records.patient])
                number = np.cumsum(keep, dtype=np.int64) - 1
                records = Records(
                    table=name,
                    patient=number[table.records.patient[kept[name]]],
                    rank=table.records.rank[kept[name]],
                )
                changed = dataclasses.replace(changed, records=records, places=table.places[kept[name]])
            tables[name] = changed
        data = {}
        for name, values in self.data.items():
            many = values.records
            data[name] = (
                _take(values, rows)
                if many is None
                else dataclasses.replace(_take(values, kept[many.table]), records=tables[many.table].records)
            )
        return dataclasses.replace(
            self,
            ids=tuple(self.ids[row] for row in rows),
            data=data,
            tables=tables,
            endpoints={name: frame.iloc[rows].copy() for name, frame in self.endpoints.items()},
            evidence={name: frame.iloc[rows].copy() for name, frame in self.evidence.items()},
            steps=(*self.steps, step),
        )

    @property
    def flow(self) -> pd.DataFrame:
        """Who left and why: step, reason, n_before, n_out, n_missing, n_after."""
        columns = [item.name for item in dataclasses.fields(FlowStep)]
        return pd.DataFrame([dataclasses.asdict(step) for step in self.steps], columns=columns)

    def _rows(self, table: LinkedTable) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Patient and row of everything the cohort has of a table."""
        if table.records is not None and table.places is not None:
            return table.records.patient, table.places
        here = np.flatnonzero(table.position >= 0)
        return here, table.position[here]

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
