"""Dates of patients with the record that each came from: one a patient, or many, first and last of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cohortstats.cohort import Cohort, level_codes
from cohortstats.expressions import Values

__all__ = ["Dated", "Dates", "Ints", "Mask", "Occasions", "imputed_bounds", "is_level", "level_texts"]

Dates = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NEVER = np.datetime64("NaT", "D")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dated:
    """One date a patient.

    Parameters
    ----------
    date
        ``NaT`` where there is none.
    table, row
        The record: table of the study and row of its file as the user counts it, -1 where it is not known.
    imputed
        The part of the date that was put in: ``day``, ``month`` or empty.
    reason
        What the date is.
    """

    date: Dates
    table: npt.NDArray[np.object_]
    row: Ints
    imputed: npt.NDArray[np.object_]
    reason: npt.NDArray[np.object_]

    @classmethod
    def never(cls, n: int) -> Dated:
        """No date for anybody."""
        empty = np.full(n, "", dtype=object)
        return cls(date=np.full(n, NEVER), table=empty, row=np.full(n, -1, dtype=np.int64), imputed=empty, reason=empty)

    def where(self, mask: Mask, other: Dated) -> Dated:
        """These where ``mask`` is true, the other ones elsewhere."""
        return Dated(
            date=np.where(mask, self.date, other.date),
            table=np.where(mask, self.table, other.table),
            row=np.where(mask, self.row, other.row),
            imputed=np.where(mask, self.imputed, other.imputed),
            reason=np.where(mask, self.reason, other.reason),
        )

    def called(self, reason: str) -> Dated:
        """The same dates for another reason."""
        return dataclasses.replace(self, reason=np.full(len(self.date), reason, dtype=object))

    @property
    def known(self) -> Mask:
        """Who has a date."""
        return ~np.isnat(self.date)

    @staticmethod
    def earliest(some: Sequence[Dated], n: int) -> Dated:
        """The earliest of several; of two on one day the one that stands first."""
        best = Dated.never(n)
        for one in some:
            best = one.where(one.known & (~best.known | (one.date < best.date)), best)
        return best

    @staticmethod
    def latest(some: Sequence[Dated], n: int) -> Dated:
        """The latest of several; of two on one day the one that stands first."""
        best = Dated.never(n)
        for one in some:
            best = one.where(one.known & (~best.known | (one.date > best.date)), best)
        return best


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Occasions:
    """Known dates of a variable, one element a date; a patient has none, one or many.

    Parameters
    ----------
    patient
        Place of the patient in the cohort.
    date, table, row, imputed
        As in `Dated`, one element a date.
    level
        Response at the visit; empty where none is read.
    many
        Whether the variable has many rows per patient.
    """

    patient: Ints
    date: Dates
    table: npt.NDArray[np.object_]
    row: Ints
    imputed: npt.NDArray[np.object_]
    level: npt.NDArray[np.object_]
    many: bool

    def __len__(self) -> int:
        return len(self.patient)

    @classmethod
    def of(
        cls, cohort: Cohort, name: str, where: Mapping[str, Sequence[str]] | None = None, *, level: str = ""
    ) -> Occasions:
        """All known dates of a variable, whose records have one of the wanted levels.

        A derived date has the record of the column that it is equal to.
        """
        variable = cohort.variable(name)
        values = cohort.data[variable.name]
        records = values.records
        keep = ~values.missing
        for column, levels in (where or {}).items():
            keep = keep & is_level(cohort.data[cohort.variable(column).name], levels)
        here = np.flatnonzero(keep)
        patient = here.astype(np.int64) if records is None else records.patient[here]
        date = values.data[here].astype("datetime64[D]")
        found = (
            _records(cohort, variable.name, here)
            if variable.table
            else _traced(cohort, variable.given_names, patient, date)
        )
        texts = level_texts(cohort.data[cohort.variable(level).name])[here] if level else np.full(len(here), "", object)
        return cls(patient=patient, date=date, level=texts, many=records is not None, **found)

    def keep(self, mask: Mask) -> Occasions:
        """Those marked."""
        return Occasions(
            patient=self.patient[mask],
            date=self.date[mask],
            table=self.table[mask],
            row=self.row[mask],
            imputed=self.imputed[mask],
            level=self.level[mask],
            many=self.many,
        )

    def from_(self, start: Dates) -> Occasions:
        """Those on or after a date of each patient."""
        return self.keep(self.date >= start[self.patient])

    def until(self, end: Dates) -> Occasions:
        """Those on or before a date of each patient; all of them where it is not known."""
        limit = end[self.patient]
        return self.keep(np.isnat(limit) | (self.date <= limit))

    def before(self, end: Dates) -> Occasions:
        """Those before a date of each patient; none of them where it is not known."""
        return self.keep(self.date < end[self.patient])

    def first(self, n: int, reason: str = "") -> Dated:
        """The earliest of each patient; of two on one day the upper row."""
        order = np.lexsort((self.row, self.date, self.patient))
        patients, place = np.unique(self.patient[order], return_index=True)
        return self._dated(n, patients, order[place], reason)

    def last(self, n: int, reason: str = "") -> Dated:
        """The latest of each patient; of two on one day the upper row."""
        order = np.lexsort((-self.row, self.date, self.patient))[::-1]
        patients, place = np.unique(self.patient[order], return_index=True)
        return self._dated(n, patients, order[place], reason)

    def _dated(self, n: int, patients: Ints, chosen: Ints, reason: str) -> Dated:
        made = Dated.never(n)
        date, table, row = made.date.copy(), made.table.copy(), made.row.copy()
        imputed, reasons = made.imputed.copy(), made.reason.copy()
        date[patients], table[patients], row[patients] = self.date[chosen], self.table[chosen], self.row[chosen]
        imputed[patients], reasons[patients] = self.imputed[chosen], reason
        return Dated(date=date, table=table, row=row, imputed=imputed, reason=reasons)


def is_level(values: Values, levels: Sequence[str]) -> Mask:
    """Which values are one of the levels; what is missing is none."""
    found: Mask = np.isin(level_texts(values).astype(str), list(levels)) & ~values.missing
    return found


def level_texts(values: Values) -> npt.NDArray[np.object_]:
    """Levels as texts, empty where missing."""
    if values.kind == "yes/no":
        texts = np.where(values.data.astype(bool), "yes", "no").astype(object)
    elif values.kind == "ordered":
        names = np.asarray([*values.levels, ""], dtype=object)
        texts = names[np.where(values.missing, -1, level_codes(values))]
    else:
        texts = values.data.astype(object)
    return np.where(values.missing, "", texts)


def imputed_bounds(date: Dates, imputed: npt.NDArray[np.object_]) -> tuple[Dates, Dates]:
    """First and last day that each date may be: that of a date with an imputed part is not known."""
    low, high = date.copy(), date.copy()
    units = (("day", "M"), ("month", "Y"))
    for part, unit in units:
        here = (imputed == part) & ~np.isnat(date)
        first = date[here].astype(f"datetime64[{unit}]")
        low[here] = first.astype("datetime64[D]")
        high[here] = (first + 1).astype("datetime64[D]") - 1
    return low, high


def _records(cohort: Cohort, column: str, here: Ints) -> dict[str, Any]:
    """Table, row and imputed part of some values of a column; ``here`` are patients, or records where they are many."""
    table = cohort.tables[cohort.variables[column].table]
    place = (table.position if table.places is None else table.places)[here]
    flag = f"{column}_imputed"
    parts = level_texts(cohort.data[flag])[here] if flag in cohort.data else np.full(len(here), "", dtype=object)
    return {
        "table": np.full(len(here), table.name, dtype=object),
        "row": np.where(place >= 0, table.rows[place] if len(table.rows) else -1, -1).astype(np.int64),
        "imputed": parts,
    }


def _traced(cohort: Cohort, given_names: frozenset[str], patient: Ints, date: Dates) -> dict[str, Any]:
    """Records that derived dates are equal to: of the first column that has the date, and there the upper row."""
    table = np.full(len(patient), "", dtype=object)
    row = np.full(len(patient), -1, dtype=np.int64)
    imputed = np.full(len(patient), "", dtype=object)
    for column in (name for name in cohort.variables if name in given_names):
        if cohort.variables[column].kind != "date" or not cohort.variables[column].table:
            continue
        source = Occasions.of(cohort, column)
        wanted = np.full(cohort.n, NEVER)
        wanted[patient] = date
        same = source.keep(source.date == wanted[source.patient]).first(cohort.n)
        new = same.known[patient] & (row < 0)
        table = np.where(new, same.table[patient], table)
        imputed = np.where(new, same.imputed[patient], imputed)
        row = np.where(new, same.row[patient], row)
    return {"table": table, "row": row, "imputed": imputed}
