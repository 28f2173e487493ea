"""Problems that derivations find, with the place in the file or in the study file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from cohortstats.cohort import Cohort, LinkedTable
from cohortstats.errors import Problem

__all__ = ["Doubtful", "Findings"]

Doubtful = Mapping[str, npt.NDArray[np.bool_]]
"""Column -> patients whose cell has an error already."""


class Findings:
    """Collects problems; ``cohort`` is the cohort as far as it is made."""

    def __init__(self, cohort: Cohort, doubtful: Doubtful) -> None:
        self.cohort = cohort
        self.doubtful = doubtful
        self.problems: list[Problem] = []
        self.told: set[tuple[str, str, int, str, str]] = set()  # records, which several rules may read

    def study(
        self, code: str, key: str, message: str, mend: str = "", level: Literal["error", "warning"] = "error"
    ) -> None:
        """Note a problem of a key of the study file."""
        self.problems.append(self.cohort.study.problem(key, code, message, mend=mend, level=level))

    def patient(
        self,
        code: str,
        patient: int,
        name: str,
        message: str,
        mend: str = "",
        *,
        key: str,
        because: Iterable[str],
        level: Literal["error", "warning"] = "error",
    ) -> None:
        """Note a problem of one patient, unless a column it follows from has an error in his row already."""
        if self._follows(because, patient):
            return
        variable = self.cohort.variables.get(name)
        tables = self.cohort.tables
        table = tables[variable.table] if variable and variable.table else next(iter(tables.values()))
        place = int(table.position[patient])
        column = table.sources.get(name, name) if variable else name
        value = str(table.text[column][place]).strip() if variable and variable.table and place >= 0 else ""
        problem = Problem(level=level, code=code, message=message, mend=mend, value=value, study_key=key)
        self._note(problem, table, patient, place, column)

    def record(
        self,
        code: str,
        patient: int,
        place: int,
        name: str,
        message: str,
        mend: str = "",
        *,
        key: str,
        because: Iterable[str] = (),
        level: Literal["error", "warning"] = "error",
    ) -> None:
        """Note a problem of one record of a table with many rows per patient.

        ``name`` is a column of the table and ``place`` the row of its file, counted from 0. As in :meth:`patient`, what
        follows from a cell that has an error is not told; and what several rules find in one record is told once.
        """
        if self._follows(because, patient):
            return
        table = self.cohort.tables[self.cohort.variables[name].table]
        column = table.sources[name]
        same = (code, table.name, place, column, message)
        if same in self.told:
            return
        self.told.add(same)
        value = str(table.text[column][place]).strip()
        problem = Problem(level=level, code=code, message=message, mend=mend, value=value, study_key=key)
        self._note(problem, table, patient, place, column)

    def _follows(self, because: Iterable[str], patient: int) -> bool:
        """Whether one of these columns has an error of its own for the patient."""
        return any(self.doubtful[column][patient] for column in because if column in self.doubtful)

    def _note(self, problem: Problem, table: LinkedTable, patient: int, place: int, column: str) -> None:
        self.problems.append(
            dataclasses.replace(
                problem,
                file=table.file,
                sheet=table.sheet,
                row=int(table.rows[place]) if place >= 0 else None,
                column=column,
                patient=self.cohort.ids[patient],
            )
        )

    def table(self, name: str, problem: Problem) -> None:
        """Note a problem of the file that holds a column."""
        table = self.cohort.tables[self.cohort.variables[name].table]
        self.problems.append(dataclasses.replace(problem, file=table.file, sheet=table.sheet))
