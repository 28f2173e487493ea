"""A text table and its declared columns to a typed table, with the place of every fault."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cohortstats.errors import Problem, did_you_mean
from cohortstats.expressions import Values
from cohortstats.files.folding import fold_id, fold_name
from cohortstats.files.table import Fault, TextTable
from cohortstats.loaders.values import type_column
from cohortstats.study import Column, DataTable, Study

__all__ = ["TypedTable", "type_table"]

# What the last row of a sheet is called when it sums up the others, without width, case and space.
_TOTALS = frozenset({"total", "totals", "sum", "mean", "median", "average", "合計", "総計", "計", "平均", "中央値"})
_BELOW = 5  # rows at the end that are looked at
# The key of a column that a fault is about; others are about the column as a whole.
_KEYS = {
    "out-of-range": "range",
    "date-order": "date_order",
    "date-serial": "epoch",
    "level-unknown": "order",
    "yes-no-invalid": "yes",
    "value-unused": "values",
    "number-comma": "thousands",
    "number-unit": "unit",
    "unit-mismatch": "unit",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedTable:
    """One file, typed.

    Parameters
    ----------
    table, text
        The declaration and the cells.
    id_column
        The id column as the file names it; empty when the file has none.
    ids
        Id of each row, outer space removed.
    values
        Column of the study -> values in row order.
    sources
        Column of the study -> column of the file.
    spoilt
        Column of the study -> rows whose cell has an error.
    problems
        Of this file, those of reading included.
    """

    table: DataTable
    text: TextTable
    id_column: str
    ids: tuple[str, ...]
    values: Mapping[str, Values]
    sources: Mapping[str, str]
    spoilt: Mapping[str, npt.NDArray[np.bool_]]
    problems: tuple[Problem, ...]


def type_table(text: TextTable, table: DataTable, study: Study) -> TypedTable:
    """Type every declared column of a file."""
    columns = study.columns.get(table.name, {})
    problems: list[Problem] = []
    id_column = text.find(table.id)
    if id_column is None:
        problems.append(_column_missing(study, f"data.{table.name}.id", table.id, text))
    ids = tuple(cell.strip() for cell in text.cells[id_column]) if id_column is not None else ("",) * len(text)
    problems += [_with_patient(problem, text, ids) for problem in text.problems]
    problems += _totals(table, text, id_column, ids)

    values: dict[str, Values] = {}
    sources: dict[str, str] = {}
    spoilt: dict[str, npt.NDArray[np.bool_]] = {}
    for name, column in columns.items():
        source = text.find(column.source or name)
        if source is None:
            key = f"columns.{table.name}.{name}"
            problems.append(_column_missing(study, key, column.source or name, text))
            continue
        sources[name] = source
        typed = type_column(text.cells[source], column, tuple(study.missing), text.source.epoch)
        values[name], spoilt[name], found = _place(typed.values, typed.faults, column, source, text, ids)
        problems += found
        problems += [_problem(note, column, source, text) for note in typed.notes]

    used = {*sources.values(), id_column}
    unused = sum(column not in used for column in text.columns)
    text = dataclasses.replace(text, source=dataclasses.replace(text.source, n_columns_unused=unused))
    return TypedTable(
        table=table,
        text=text,
        id_column=id_column or "",
        ids=ids,
        values=values,
        sources=sources,
        spoilt=spoilt,
        problems=tuple(problems),
    )


def _totals(table: DataTable, text: TextTable, id_column: str | None, ids: tuple[str, ...]) -> list[Problem]:
    """A sum below the patients would be counted as one more."""
    return [
        Problem(
            code="row-total",
            message=f"'{patient}' is a sum, not a patient.",
            mend="Delete the row.",
            **text.where(row),
            column=id_column or "",
            value=patient,
            study_key=f"data.{table.name}.id",
        )
        for row, patient in enumerate(ids[-_BELOW:], start=max(len(ids) - _BELOW, 0))
        if fold_id(patient) in _TOTALS
    ]


def _place(
    values: Values,
    faults: tuple[tuple[int, str, Fault], ...],
    column: Column,
    source: str,
    text: TextTable,
    ids: tuple[str, ...],
) -> tuple[Values, npt.NDArray[np.bool_], list[Problem]]:
    """Faults with their places; a cell that reading complained about is not told twice."""
    bad = np.zeros(len(text), dtype=bool)
    already = [row for row, name in text.spoilt if name == source]
    bad[already] = True
    problems: list[Problem] = []
    told: set[str] = set()
    for row, shown, fault in faults:
        if bad[row] or (fault.code == "time-dropped" and fault.code in told):
            continue
        told.add(fault.code)
        if fault.level == "error":
            bad[row] = True
        place = {**text.where(row), "patient": ids[row], "value": shown}
        problems.append(dataclasses.replace(_problem(fault, column, source, text), **place))
    return dataclasses.replace(values, missing=values.missing | bad), bad, problems


def _problem(fault: Fault, column: Column, source: str, text: TextTable) -> Problem:
    key = f"columns.{column.table}.{column.name}"
    return Problem(
        level=fault.level,
        code=fault.code,
        message=fault.message,
        mend=fault.mend,
        file=text.source.file,
        sheet=text.source.sheet,
        column=source,
        study_key=f"{key}.{_KEYS[fault.code]}" if fault.code in _KEYS else key,
    )


def _column_missing(study: Study, key: str, name: str, text: TextTable) -> Problem:
    folded = {fold_name(column): column for column in text.columns}
    near = folded.get(did_you_mean(fold_name(name), folded), "")
    mend = f"Did you mean '{near}'?" if near else f"It has {', '.join(text.columns[:20])}."
    return study.problem(key, "column-missing", f"column '{name}' is not in {text.source.file}.", mend=mend)


def _with_patient(problem: Problem, text: TextTable, ids: tuple[str, ...]) -> Problem:
    if problem.row is None or problem.patient:
        return problem
    place = text.place_of(problem.file, problem.row)
    return problem if place is None else dataclasses.replace(problem, patient=ids[place])
