"""Tables to one cohort by patient id: nobody is matched by guess, nobody leaves unsaid."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.cohort import Cohort, FlowStep, LinkedTable, Variable
from cohortstats.derivations.derive import level_labels
from cohortstats.errors import Problem
from cohortstats.expressions import Records, Values
from cohortstats.files.folding import fold, fold_id
from cohortstats.loaders.droplet_table import DropletTable
from cohortstats.loaders.typed import TypedTable
from cohortstats.loaders.values import column_kind
from cohortstats.study import Column, Study
from cohortstats.study.references import order_column

__all__ = ["join_tables"]

_LISTED = 10  # rows named in one message


def join_tables(study: Study, tables: Sequence[TypedTable]) -> tuple[Cohort, Mapping[str, Any], list[Problem]]:
    """Link every table to the first, which lists the patients; a table may have one row of each, or many.

    Parameters
    ----------
    study
        The protocol.
    tables
        As the study file orders them; the first is the base, each of its patients is in the cohort.

    Returns
    -------
    cohort
        Typed columns, nothing derived.
    doubtful
        Column -> patients whose cell has an error.
    problems
        Of ids and joins.
    """
    problems: list[Problem] = []
    for table in tables:
        problems += _check_ids(table)
    base = tables[0]
    places = _first_rows(base)
    rows = np.fromiter(places.values(), dtype=np.int64, count=len(places))
    problems += _check_n(study, base, len(places))
    steps = [_read_step(base, len(rows))]
    positions = {base.table.name: rows}
    inner: list[TypedTable] = []
    for table in tables[1:]:
        own = _first_rows(table)
        position = np.array([own.get(key, -1) for key in places], dtype=np.int64)
        positions[table.table.name] = position
        if isinstance(table, DropletTable):
            steps += table.steps
        elif _many(table):
            problems += _repeated_rows(table)
            steps.append(_rows_step(table))
        found, step = _orphans(table, base, places)
        problems += found
        steps += step
        if table.table.join == "required":
            problems += _absent(table, base, rows, position)
        elif table.table.join == "inner":
            inner.append(table)

    cohort = _cohort(study, tables, positions, places, rows, steps)
    doubtful = {
        name: _spread(spoilt, cohort.tables[table.table.name])
        for table in tables
        for name, spoilt in table.spoilt.items()
        if spoilt.any()
    }
    for table in inner:
        name = table.table.name
        # Tables are taken in order, so that a patient who lacks two of them is counted once.
        keep = cohort.tables[name].patients()
        step_out = FlowStep(
            step=name,
            reason=f"no row in {table.text.source.file}",
            n_before=cohort.n,
            n_out=int((~keep).sum()),
            n_missing=0,
            n_after=int(keep.sum()),
        )
        cohort = cohort.take(keep, step_out)
        doubtful = {column: marks[keep] for column, marks in doubtful.items()}
    return cohort, doubtful, problems


# ---------------------------------------------------------------------------------------------------------------------
# Ids
# ---------------------------------------------------------------------------------------------------------------------


def _many(table: TypedTable) -> bool:
    return table.table.rows == "many per patient"


def _first_rows(table: TypedTable) -> dict[str, int]:
    """Folded id -> first row that has it; rows without an id have none."""
    spelled = _spelled(table, fold)
    places: dict[str, int] = {}
    for row, patient in enumerate(table.ids):
        if patient:
            places.setdefault(spelled[patient], row)
    return places


def _spelled(table: TypedTable, how: Callable[[str], str]) -> dict[str, str]:
    """Id -> its comparable spelling; an id that many rows repeat is folded once."""
    return {patient: how(patient) for patient in dict.fromkeys(table.ids)}


def _id_problem(table: TypedTable, code: str, message: str, mend: str, row: int | None, value: str = "") -> Problem:
    source = table.text.source
    place = {"file": source.file, "sheet": source.sheet} if row is None else table.text.where(row)
    return Problem(
        code=code,
        message=message,
        mend=mend,
        **place,
        column=table.id_column,
        patient=value,
        value=value,
        study_key=f"data.{table.table.name}.id",
    )


def _listed(table: TypedTable, rows: Sequence[int]) -> str:
    """Row numbers; with the file where a table is made of several."""
    places = [table.text.where(row) for row in rows[:_LISTED]]
    named = [f"{place['row']} of {place['file']}" if table.text.starts else str(place["row"]) for place in places]
    return ", ".join(named) + (f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else "")


def _check_ids(table: TypedTable) -> list[Problem]:
    if not table.id_column:
        return []
    problems: list[Problem] = []
    same: defaultdict[str, list[int]] = defaultdict(list)
    near: defaultdict[str, list[int]] = defaultdict(list)
    loose = _spelled(table, fold_id)
    if len(set(loose.values())) == len(table.ids) and "" not in loose:
        return []  # each row has an id of its own
    for row, patient in enumerate(table.ids):
        if (row, table.id_column) in table.text.spoilt:
            continue
        if not patient:
            message = f"Row {table.text.rows[row]} has no {table.id_column}."
            problems.append(_id_problem(table, "id-missing", message, "Give the id, or delete the row.", row))
            continue
        same[patient].append(row)
        near[loose[patient]].append(row)
    for patient, rows in same.items():
        if len(rows) > 1 and not _many(table):
            listed = _listed(table, rows)
            message = f"'{patient}' is in rows {listed}."
            problems.append(_id_problem(table, "id-duplicate", message, "Keep one row a patient.", rows[1], patient))
    for rows in near.values():
        if len(rows) == 1:
            continue
        spellings = list(dict.fromkeys(table.ids[row] for row in rows))
        for other in spellings[1:]:
            row = next(row for row in rows if table.ids[row] == other)
            message = f"'{spellings[0]}' and '{other}' differ only in width, case or space."
            mend = "Correct one, or make them differ."
            problems.append(_id_problem(table, "id-near-duplicate", message, mend, row, other))
    return problems


def _check_n(study: Study, base: TypedTable, n_patients: int) -> list[Problem]:
    if study.n is None or study.n in (n_patients, len(base.ids)):
        return []
    message = f"study.n is {study.n}, {base.text.source.file} has {n_patients} patients."
    return [study.problem("study.n", "n-mismatch", message, mend="Correct n, or the file.")]


def _read_step(base: TypedTable, n_patients: int) -> FlowStep:
    skipped = base.text.n_hidden_skipped
    read = len(base.ids) + skipped
    return FlowStep(
        step="read",
        reason=f"rows of {base.text.source.file}" + (", hidden rows left out" if skipped else ""),
        n_before=read,
        n_out=read - n_patients,
        n_missing=0,
        n_after=n_patients,
    )


def _orphans(table: TypedTable, base: TypedTable, places: Mapping[str, int]) -> tuple[list[Problem], list[FlowStep]]:
    spelled = _spelled(table, fold)
    rows = [row for row, patient in enumerate(table.ids) if patient and spelled[patient] not in places]
    if not rows or not table.id_column or not base.id_column:
        return [], []
    file, base_file = table.text.source.file, base.text.source.file
    steps = []
    if isinstance(table, DropletTable):
        others = [row for row in rows if not table.controls[row]]
        if len(others) < len(rows):
            why = f"rows of {file} that are positive controls"
            steps.append(_left_out(table, why, len(table.ids), len(rows) - len(others)))
        rows = others
        if not rows:
            return [], steps
    if table.table.orphans == "drop":
        word = "1 row of a patient who is" if len(rows) == 1 else f"{len(rows)} rows of patients who are"
        problem = _id_problem(table, "id-orphan", f"{word} not in {base_file} left out.", "", None)
        why = f"rows of {file} whose patient is not in {base_file}"
        steps.append(_left_out(table, why, steps[-1].n_after if steps else len(table.ids), len(rows)))
        return [dataclasses.replace(problem, level="warning", column="")], steps
    problems = []
    # Only an id that is the same but for width, case or space is proposed: one digit off is another patient.
    loose = {fold_id(patient): patient for patient in base.ids}
    told: set[str] = set()
    for row in rows:
        patient = table.ids[row]
        if _many(table) and patient in told:
            continue
        told.add(patient)
        near = loose.get(fold_id(patient))
        control = " name the sample in ntc," if isinstance(table, DropletTable) else ""
        mend = f"Did you mean '{near}'?" if near else f'Add the patient,{control} or set orphans = "drop".'
        message = f"'{patient}' of {file} is not in {base_file}."
        problems.append(_id_problem(table, "id-orphan", message, mend, row, patient))
    return problems, steps


def _left_out(table: TypedTable, reason: str, n_before: int, n_out: int) -> FlowStep:
    """A line of the flow about rows of a table."""
    return FlowStep(
        step=table.table.name, reason=reason, n_before=n_before, n_out=n_out, n_missing=0, n_after=n_before - n_out
    )


def _repeated_rows(table: TypedTable) -> list[Problem]:
    """Rows of a table with many per patient that say the same in every column; they stay, and are told."""
    cells = pd.DataFrame(dict(table.text.cells))
    if cells.empty:
        return []
    groups = cells.groupby(list(cells.columns), sort=False).ngroup().to_numpy()
    same: defaultdict[int, list[int]] = defaultdict(list)
    repeated = pd.Series(groups).duplicated(keep=False).to_numpy()
    for row in np.flatnonzero(repeated):
        same[int(groups[row])].append(int(row))
    problems = []
    for rows in same.values():
        message = f"Rows {_listed(table, rows)} are equal in every column."
        mend = "All are kept; delete those that were entered twice."
        problem = _id_problem(table, "row-duplicate", message, mend, rows[1], table.ids[rows[1]])
        problems.append(
            dataclasses.replace(problem, level="warning", column="", value="", study_key=f"data.{table.table.name}")
        )
    return problems


def _rows_step(table: TypedTable) -> FlowStep:
    """Rows of a table with many per patient, which the base table's first line does not count."""
    skipped = table.text.n_hidden_skipped
    read = len(table.ids) + skipped
    return FlowStep(
        step=table.table.name,
        reason=f"rows of {table.text.source.file}" + (", hidden rows left out" if skipped else ""),
        n_before=read,
        n_out=skipped,
        n_missing=0,
        n_after=read - skipped,
    )


def _absent(
    table: TypedTable, base: TypedTable, rows: npt.NDArray[np.int64], position: npt.NDArray[np.int64]
) -> list[Problem]:
    problems = []
    for row in rows[position < 0]:
        patient = base.ids[row]
        message = f"'{patient}' has no row in {table.text.source.file}, which is required."
        problems.append(
            _id_problem(base, "id-orphan", message, 'Add the row, or set join = "left".', int(row), patient)
        )
    return [dataclasses.replace(problem, study_key=f"data.{table.table.name}.join") for problem in problems]


# ---------------------------------------------------------------------------------------------------------------------
# One row a patient, or many
# ---------------------------------------------------------------------------------------------------------------------


def _spread(marks: npt.NDArray[np.bool_], table: LinkedTable) -> npt.NDArray[np.bool_]:
    """Patients with a marked row."""
    spread = np.zeros(len(table.position), dtype=bool)
    if table.records is not None and table.places is not None:
        spread[table.records.patient[marks[table.places]]] = True
        return spread
    here = table.position >= 0
    spread[here] = marks[table.position[here]]
    return spread


def _records(table: TypedTable, places: Mapping[str, int]) -> tuple[Records, npt.NDArray[np.int64]]:
    """Rows of the cohort's patients, by patient, then by the declared order, then as the file has them."""
    numbers = {key: number for number, key in enumerate(places)}
    spelled = {patient: numbers.get(key, -1) for patient, key in _spelled(table, fold).items() if patient}
    patient = np.array([spelled.get(name, -1) for name in table.ids], dtype=np.int64)
    rank = np.full(len(patient), -1, dtype=np.int64)
    column = order_column(table.table, table.values)
    if column is not None:
        values = table.values[column]
        known = ~values.missing
        rank[known] = np.unique(values.data[known], return_inverse=True)[1]
    last = np.where(rank < 0, np.iinfo(np.int64).max, rank)
    rows = np.lexsort((last, patient))
    rows = rows[patient[rows] >= 0]
    return Records(table=table.table.name, patient=patient[rows], rank=rank[rows]), rows


def _by_patient(values: Values, position: npt.NDArray[np.int64]) -> Values:
    here = position >= 0
    if not len(values.data):
        blank = {"number": np.nan, "date": np.datetime64("NaT"), "yes/no": False, "ordered": -1}.get(values.kind, "")
        data = np.full(len(position), blank, dtype=values.data.dtype)
        return dataclasses.replace(values, data=data, missing=np.ones(len(position), dtype=bool))
    at = np.where(here, position, 0)
    return dataclasses.replace(values, data=values.data[at], missing=values.missing[at] | ~here)


def variable_of(column: Column, values: Values, study: Study, *, many: bool = False) -> Variable:
    """What a column of a file means."""
    kind = column_kind(column)
    levels = ("yes", "no") if kind == "yes/no" else values.levels
    labels = column.labels if len(column.labels) == len(levels) else level_labels(study, levels, kind)
    return Variable(
        name=column.name,
        kind=kind,
        table=column.table,
        many=many,
        label=column.label or column.name,
        levels=levels,
        labels=labels,
        unit=column.unit,
        note=column.note,
        unknown=column.unknown,
        keep_digits=column.keep_digits,
        known=column.known,
        given_names=frozenset({column.name}),
    )


def _cohort(
    study: Study,
    tables: Sequence[TypedTable],
    positions: Mapping[str, npt.NDArray[np.int64]],
    places: Mapping[str, int],
    rows: npt.NDArray[np.int64],
    steps: Sequence[FlowStep],
) -> Cohort:
    variables: dict[str, Variable] = {}
    data: dict[str, Values] = {}
    linked: dict[str, LinkedTable] = {}
    for table in tables:
        name = table.table.name
        records, at = _records(table, places) if _many(table) else (None, None)
        for column, values in () if isinstance(table, DropletTable) else table.values.items():
            variables[column] = variable_of(study.columns[name][column], values, study, many=records is not None)
            if records is None or at is None:
                data[column] = _by_patient(values, positions[name])
            else:
                data[column] = dataclasses.replace(
                    values, data=values.data[at], missing=values.missing[at], records=records
                )
        linked[name] = LinkedTable(
            name=name,
            file=table.text.source.file,
            sheet=table.text.source.sheet,
            id_column=table.id_column,
            rows=table.text.rows,
            text=table.text.cells,
            values=table.values,
            sources=table.sources,
            position=positions[name] if records is None else np.full(len(rows), -1, dtype=np.int64),
            records=records,
            places=at,
        )
    return Cohort(
        study=study,
        ids=tuple(tables[0].ids[row] for row in rows),
        variables=variables,
        data=data,
        tables=linked,
        steps=tuple(steps),
        sources=tuple(table.text.source for table in tables),
    )
