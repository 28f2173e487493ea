"""The table that says which patient's the sample of a well is, and when it was drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.cohort import Source
from cohortstats.ctdna.formats import plain_well
from cohortstats.ctdna.read import COLUMNS
from cohortstats.errors import DataError, Problem, did_you_mean
from cohortstats.expressions import Values
from cohortstats.files.folding import fold, fold_name
from cohortstats.files.read import scan_table
from cohortstats.files.table import TextTable
from cohortstats.loaders.values import TypedColumn, type_column
from cohortstats.study import Column, DataTable, Study

__all__ = ["SampleMap", "read_map"]

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Key = tuple[str, str]  # file, or nothing; and well, or sample

_LISTED = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleMap:
    """Rows of a map, found by well or by sample.

    Parameters
    ----------
    file, source, rows
        The file, how it was read, and the row of each entry.
    by_well
        Whether wells are looked up, else samples.
    by_file
        Whether each entry is about one plate.
    places
        Plate and well or sample -> entry.
    patients, samples
        Of each entry; ``samples`` is empty where the map has no such column.
    order_name, order
        Column that orders the samples of a patient, and its values.
    id_column, key
        Name of the column of patients, and the key of the study file.
    problems
        What reading found.
    """

    file: str
    source: Source
    rows: npt.NDArray[np.int64]
    by_well: bool
    by_file: bool
    places: Mapping[Key, int]
    patients: tuple[str, ...]
    samples: tuple[str, ...]
    order_name: str
    order: Values | None
    id_column: str
    key: str
    problems: tuple[Problem, ...]

    @property
    def matched(self) -> str:
        """Column of the wells that is looked up."""
        return "well" if self.by_well else "sample"

    def find(self, frame: pd.DataFrame) -> Places:
        """Entry of each row of the wells, -1 where there is none."""
        names = [fold(name) for name in frame[self.matched]]
        files = frame["file"] if self.by_file else [""] * len(frame)
        return np.array([self.places.get(key, -1) for key in zip(files, names, strict=True)], dtype=np.int64)

    def check(self, frame: pd.DataFrame, at: Places, used: Mask) -> list[Problem]:
        """What map and wells contradict each other in; ``used`` marks the wells of patients."""
        problems = list(self.problems)
        several = len(set(frame["file"])) > 1
        if self.by_well and several and not self.by_file:
            message = f"{self.file} names wells, and there are several plates."
            problems.append(self._problem("column-missing", message, "Add a column file.", column="file"))
        idle = sorted(set(range(len(self.rows))) - set(at.tolist()))
        if idle:
            listed = ", ".join(str(self.rows[entry]) for entry in idle[:_LISTED])
            listed += f" and {len(idle) - _LISTED} more" if len(idle) > _LISTED else ""
            word = "Row" if len(idle) == 1 else "Rows"
            message = f"{word} {listed} of {self.file} {'has' if len(idle) == 1 else 'have'} no well in the exports."
            problems.append(self._problem("ddpcr-map", message, level="warning", row=int(self.rows[idle[0]])))
        for entry in dict.fromkeys(at[used & (at >= 0)].tolist()):
            if not self.patients[entry]:
                row = int(self.rows[entry])
                message = f"Row {row} has no {self.id_column}."
                mend = "Give the id, or name the sample in ntc."
                problems.append(self._problem("id-missing", message, mend, row=row, column=self.id_column))
        if self.by_well and self.samples:
            problems += self._other_names(frame, at, used)
        return problems

    def _other_names(self, frame: pd.DataFrame, at: Places, used: Mask) -> list[Problem]:
        """Wells whose sample is called otherwise in the export."""
        problems = []
        told: set[tuple[str, str]] = set()
        for row in np.flatnonzero(used & (at >= 0)):
            here, there = str(frame["sample"].iloc[row]), self.samples[at[row]]
            well = str(frame["file"].iloc[row]), str(frame["well"].iloc[row])
            if not here or not there or fold(here) == fold(there) or well in told:
                continue
            told.add(well)
            message = f"Well {well[1]} of {well[0]} has another sample in {self.file}."
            mend = "Correct the one that is wrong."
            at_row = int(self.rows[at[row]])
            problems.append(self._problem("ddpcr-map", message, mend, row=at_row, column="sample", value=there))
        return problems

    def _problem(self, code: str, message: str, mend: str = "", **place: object) -> Problem:
        return Problem(code=code, message=message, mend=mend, file=self.file, study_key=self.key, **place)  # type: ignore[arg-type]

    def attached(self, frame: pd.DataFrame, at: Places) -> pd.DataFrame:
        """The wells with ``patient``, ``specimen`` and ``point``."""
        here = at >= 0
        patients = np.array([self.patients[entry] if entry >= 0 else "" for entry in at], dtype=object)
        samples = frame["sample"].to_numpy(dtype=object)
        if self.samples:
            named = np.array([self.samples[entry] if entry >= 0 else "" for entry in at], dtype=object)
            samples = np.where(named == "", samples, named)
        specimens = np.where(samples == "", patients, samples)
        points = np.full(len(frame), np.nan)
        if self.order is not None:
            dates = self.order.kind == "date"
            days = self.order.data.astype("datetime64[D]").astype(np.float64) if dates else self.order.data
            points[here] = np.where(self.order.missing, np.nan, days)[at[here]]
            # Two spellings of a day are one day.
            said = [str(day.astype("datetime64[D]")) if dates else f"{day:g}" for day in self.order.data]
            told = [", " + text if known else "" for text, known in zip(said, ~self.order.missing, strict=True)]
            specimens = specimens + np.array([told[entry] if entry >= 0 else "" for entry in at], dtype=object)
        return frame.assign(patient=patients, specimen=np.where(here, specimens, ""), point=points)

    def order_of(self, at: Places) -> dict[str, Values]:
        """What orders the samples, as a column of the wells."""
        if self.order is None:
            return {}
        return {
            self.order_name: dataclasses.replace(self.order, data=self.order.data[at], missing=self.order.missing[at])
        }


def read_map(study: Study, table: DataTable, files: tuple[str, ...]) -> SampleMap:
    """The map of a table of droplets.

    Parameters
    ----------
    study, table
        The protocol, and the section that has ``map``.
    files
        Names of the exports.

    Raises
    ------
    DataError
        When the file cannot be read, or lacks a column.
    """
    options = DataTable(name=table.name, file=table.map, id=table.id, rows="many per patient")
    text = scan_table(study.folder / table.map, options)
    columns = {fold_name(column).casefold(): column for column in text.columns}
    well, sample = columns.get("well", ""), columns.get("sample", "")
    plate = columns.get("file") or columns.get("plate", "")
    patient, order = text.find(table.id), text.find(table.order) if table.order else None
    problems = list(text.problems)
    if not well and not sample:
        message = f"{text.source.file} has neither a column well nor sample."
        problems.append(study.problem(f"data.{table.name}.map", "column-missing", message))
    for word, name, found in (("id", table.id, patient), ("order", table.order, order)):
        if name and found is None:
            near = did_you_mean(name, text.columns)
            mend = f"Did you mean '{near}'?" if near else f"It has {', '.join(text.columns[:20])}."
            message = f"column '{name}' is not in {text.source.file}."
            problems.append(study.problem(f"data.{table.name}.{word}", "column-missing", message, mend=mend))
    if table.order in COLUMNS:
        message = f"[data.{table.name}] order: the wells have a column {table.order} of their own."
        mend = f"Give it another name in {text.source.file}."
        problems.append(study.problem(f"data.{table.name}.order", "key-conflict", message, mend))
    if patient is None or any(problem.level == "error" for problem in problems):
        raise DataError(problems)
    key = f"data.{table.name}.map"
    places, found_problems = _places(text, plate, well, sample, patient, order or "", files, key)
    problems += found_problems
    typed = _order(text, order, study, key, problems) if order else None
    return SampleMap(
        file=text.source.file,
        source=dataclasses.replace(text.source, table=table.name),
        rows=text.rows,
        by_well=bool(well),
        by_file=bool(plate),
        places=places,
        patients=tuple(cell.strip() for cell in text.cells[patient]),
        samples=tuple(cell.strip() for cell in text.cells[sample]) if sample else (),
        order_name=table.order,
        order=typed,
        id_column=patient,
        key=key,
        problems=tuple(problems),
    )


def _places(
    text: TextTable, plate: str, well: str, sample: str, patient: str, order: str, files: tuple[str, ...], key: str
) -> tuple[dict[Key, int], list[Problem]]:
    """Entry of each well or sample; what two entries say of one must be the same."""
    plates = {fold(name).casefold(): name for name in files}
    plates |= {fold(name.rpartition(".")[0]).casefold(): name for name in files}
    places: dict[Key, int] = {}
    problems = []

    def tell(entry: int, code: str, message: str, mend: str, column: str, value: str) -> None:
        row = int(text.rows[entry])
        file = text.source.file
        problems.append(
            Problem(
                code=code, message=message, mend=mend, file=file, row=row, column=column, value=value, study_key=key
            )
        )

    matched = well or sample
    said = [name for name in (patient, order, sample) if name]
    for entry in range(len(text)):
        cell = text.cells[matched][entry].strip()
        name = (plain_well(cell) if well else fold(cell)) or ""
        if not name:
            fact = f"'{cell}' is not a well." if cell else f"Row {text.rows[entry]} has no {matched}."
            tell(entry, "ddpcr-map", fact, "Write it as A01." if well else "Give it, or delete the row.", matched, cell)
            continue
        file = plates.get(fold(text.cells[plate][entry]).casefold(), "") if plate else ""
        if plate and not file:
            continue  # of a plate that is not among the exports
        other = places.setdefault((file, name), entry)
        if other != entry and any(text.cells[column][entry] != text.cells[column][other] for column in said):
            fact = f"Rows {text.rows[other]} and {text.rows[entry]} are about one {matched}, and differ."
            tell(entry, "ddpcr-map", fact, "Keep the one that is right.", matched, cell)
    return places, problems


def _order(text: TextTable, column: str, study: Study, key: str, problems: list[Problem]) -> Values:
    """Dates where all cells are dates, else numbers."""
    missing = (*study.missing, "")
    read: list[TypedColumn] = []
    for kind in ("date", "number"):
        declared = Column(name=column, table="", type=kind)
        read.append(type_column(text.cells[column], declared, missing, text.source.epoch))
    best = min(read, key=lambda typed: sum(fault.level == "error" for _, _, fault in typed.faults))
    for row, shown, fault in best.faults:
        problems.append(
            Problem(
                level=fault.level,
                code=fault.code,
                message=fault.message,
                mend=fault.mend,
                **text.where(row),
                column=column,
                value=shown,
                study_key=key.replace(".map", ".order"),
            )
        )
    bad = np.zeros(len(text), dtype=bool)
    bad[[row for row, _, fault in best.faults if fault.level == "error"]] = True
    return dataclasses.replace(best.values, missing=best.values.missing | bad)
