"""Functions over the records of a patient: ``any_of``, ``count_of``, ``first``, ``min_of`` and their like.

Each has a question or a value for every record and, optionally, a condition that says which records count. A record
whose condition is missing may count or not: the result is missing unless both ways agree. The records of all patients
are worked through at once; a patient is a run of equal places in ``records.patient``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from cohortstats.expressions.values import Array, Cells, Records, Rows, Run

__all__ = ["over_records", "spread_to_records"]

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


def spread_to_records(part: Run) -> Run:
    """A value of the patient, repeated for each of his records."""

    def run(rows: Rows) -> Cells:
        assert rows.parent is not None and rows.records is not None
        cells = part(rows.parent)
        return Cells(cells.data[rows.records.patient], cells.missing[rows.records.patient])

    return run


def over_records(name: str, value: Run, condition: Run | None, records_of: Callable[[Rows], Records]) -> Run:
    """One value a patient from the values of his records.

    Parameters
    ----------
    name
        Name of the function.
    value
        Its first argument, for every record.
    condition
        Its second argument, yes/no: which records count; without it, all.
    records_of
        The table's records among the columns.
    """

    def run(rows: Rows) -> Cells:
        records = records_of(rows)
        inner = rows.of(records)
        cells = value(inner)
        certain = possible = np.ones(inner.n, dtype=bool)
        if condition is not None:
            test = condition(inner)
            certain = np.asarray(test.data, dtype=bool) & ~test.missing
            possible = certain | test.missing
        return _FUNCTIONS[name](_Given(cells, certain, possible, records, rows.n))

    return run


class _Given:
    """Values of all records, those that count for certain, and those that may count (the certain ones among them)."""

    __slots__ = ("certain", "data", "missing", "n", "patient", "possible", "rank")

    def __init__(self, cells: Cells, certain: Mask, possible: Mask, records: Records, n: int) -> None:
        self.data, self.missing = cells.data, cells.missing
        self.certain, self.possible = certain, possible
        self.patient, self.rank = records.patient, records.rank
        self.n = n

    def has(self, marks: Mask) -> Mask:
        """Patients with at least one marked record."""
        found = np.zeros(self.n, dtype=bool)
        found[self.patient[marks]] = True
        return found

    def smallest(self, keys: Array, marks: Mask) -> Places:
        """Of each patient the marked record with the smallest key; 0 stands where there is none."""
        places = np.flatnonzero(marks)
        order = places[np.lexsort((keys[places], self.patient[places]))]
        heads = np.flatnonzero(np.diff(self.patient[order], prepend=-1))
        best = np.zeros(self.n, dtype=np.int64)
        best[self.patient[order[heads]]] = order[heads]
        return best

    def at(self, data: Array, places: Places) -> Array:
        """Elements at some records; without any record there is nothing to point at, and all of it is masked."""
        return data[places] if len(data) else np.zeros(self.n, dtype=data.dtype)


def _any_of(given: _Given) -> Cells:
    """Whether a record that counts is yes; missing for a patient without a record that counts."""
    yes = np.asarray(given.data, dtype=bool) & ~given.missing
    found = given.has(given.certain & yes)
    # The answer is no only if a record counts for certain, and none that may count may be yes.
    ruled_out = given.has(given.certain) & ~given.has(given.possible & (yes | given.missing))
    return Cells(found, ~found & ~ruled_out)


def _all_of(given: _Given) -> Cells:
    """Whether every record that counts is yes; missing for a patient without a record that counts."""
    given.data = ~np.asarray(given.data, dtype=bool)
    exception = _any_of(given)
    return Cells(~exception.data, exception.missing)


def _count_of(given: _Given) -> Cells:
    """How many records that count are yes: 0 without a record, missing if one may or may not be."""
    yes = np.asarray(given.data, dtype=bool) & ~given.missing
    counted = given.certain & yes
    unclear = given.possible & (yes | given.missing) & ~counted
    number = np.bincount(given.patient[counted], minlength=given.n).astype(np.float64)
    return Cells(number, given.has(unclear))


def _extreme(given: _Given, sign: int) -> Cells:
    """Smallest (1) or largest (-1) value of the records that count; missing if one of them has no value."""
    keys = given.data.astype(np.int64) if given.data.dtype.kind == "M" else given.data
    known = ~given.missing
    best = given.smallest(sign * keys, given.certain & known)
    rival = given.smallest(sign * keys, given.possible & known)
    # A record that may or may not count changes nothing where it lies on the inner side of the one found.
    open_ = given.at(keys, best) != given.at(keys, rival)
    missing = ~given.has(given.certain & known) | open_ | given.has(given.possible & ~known)
    return Cells(given.at(given.data, best), missing)


def _end(given: _Given, sign: int) -> Cells:
    """Value of the first (1) or last (-1) record that counts, in the order of the table.

    Missing where that record has no value, and where another that says something else could stand in its place: one at
    the same point of the order, one further out that may count, or one whose place in the order is not known.
    """
    placed = given.rank >= 0
    ranks = np.where(placed, sign * given.rank, np.iinfo(np.int64).max)
    best = given.smallest(ranks, given.certain)
    found = given.has(given.certain)
    missing = ~found
    if len(ranks):
        own = best[given.patient]
        rivals = given.possible & (~placed | (ranks <= ranks[own]))
        same = (given.data == given.data[own]) & ~given.missing & ~given.missing[own]
        missing = missing | given.missing[best] | given.has(rivals & ~same & (np.arange(len(own)) != own))
    return Cells(given.at(given.data, best), missing)


_FUNCTIONS: Mapping[str, Callable[[_Given], Cells]] = {
    "any_of": _any_of,
    "all_of": _all_of,
    "count_of": _count_of,
    "first": lambda given: _end(given, 1),
    "last": lambda given: _end(given, -1),
    "min_of": lambda given: _extreme(given, 1),
    "max_of": lambda given: _extreme(given, -1),
}
