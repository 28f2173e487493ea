"""What comes through the door of an event table: one value a patient, read, checked, and named by whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.doors import (
    SHOWN,
    check_length,
    check_present,
    length_of,
    missing_rows,
    number_text,
    read_column,
    read_numbers,
    refuse,
    sentence_of_values,
)

__all__ = [
    "YES_NO", "Labels", "PatientArrays", "event_sentence", "read_counts", "read_labels", "read_patients", "read_times",
    "refuse_entries",
]  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

YES_NO = "give booleans or 0/1"
MANY_VALUES = 5  # more different values than this in an event column look like durations


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """A column of names: the names in order, and for each row the position of its name."""

    names: tuple[str, ...]
    codes: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientArrays:
    """Checked arrays of one length."""

    time: Floats
    event: NDArray[Any]
    group: Labels
    stratum: Labels | None
    entry: Floats | None
    weights: Ints | None

    def take(self, rows: NDArray[Any]) -> PatientArrays:
        """The patients of some rows; names stay as they are."""

        def labels(column: Labels) -> Labels:
            return Labels(names=column.names, codes=column.codes[rows])

        return PatientArrays(
            time=self.time[rows],
            event=self.event[rows],
            group=labels(self.group),
            stratum=None if self.stratum is None else labels(self.stratum),
            entry=None if self.entry is None else self.entry[rows],
            weights=None if self.weights is None else self.weights[rows],
        )


def read_patients(time: Any, event: Any, group: Any, strata: Any, entry: Any, weights: Any) -> PatientArrays:
    """Checked arrays, or one InputError with everything that is wrong with them."""
    problems: list[str] = []
    n = length_of(time)
    columns = {"event": event, "group": group, "strata": strata, "entry": entry, "weights": weights}
    for name, column in columns.items():
        if n is not None and (length := length_of(column)) is not None:
            problems += check_length("time", n, name, length)
    if n == 0:
        refuse([*problems, "there are no patients."])
    lengths_agree = not problems
    times = read_times("time", time, problems)
    events = _read_events(event, problems)
    groups = read_labels("group", group, n or 0, problems)
    stratum = None if strata is None else read_labels("stratum", strata, n or 0, problems)
    entries = None if entry is None else read_times("entry", entry, problems)
    if times is not None and entries is not None and lengths_agree:
        problems += _entry_problems(times, entries)
    patients = None if weights is None else _read_weights(weights, problems)
    refuse(problems)
    assert times is not None
    assert events is not None
    return PatientArrays(time=times, event=events, group=groups, stratum=stratum, entry=entries, weights=patients)


def read_times(name: str, values: Any, problems: list[str]) -> Floats | None:
    """Times from 0 up, finite, in any unit."""
    times = _ready(values)
    if times is None:
        times = read_numbers(name, values, problems, dates="subtract the start date")
    if times is None or not times.size:
        return times
    first, last = times.min(), times.max()
    if first < 0:
        plural = {"time": "times", "entry": "entries"}.get(name, name)
        problems += sentence_of_values(name, times, times < 0, f"{plural} start at 0.")
    if last == np.inf:
        problems += sentence_of_values(name, times, times == np.inf, "give finite values.")
    return times if first > 0 else times + 0.0  # in a copy −0 is 0


def _ready(values: Any) -> Floats | None:
    """A column of floats without a gap as it is: the common case, in which nothing is copied."""
    if isinstance(values, np.ma.MaskedArray):
        return None  # its gaps are found the slow way
    values = getattr(values, "array", values)  # the array inside a pandas column
    if type(values).__name__ == "NumpyExtensionArray":
        values = values.to_numpy()
    if not isinstance(values, np.ndarray) or values.dtype != np.float64 or values.ndim != 1 or not values.size:
        return None
    column = np.ascontiguousarray(values)
    return None if np.isnan(column.min()) else column


def _read_events(values: Any, problems: list[str]) -> NDArray[Any] | None:
    array = read_column("event", values, problems)
    if array is None or array.dtype.kind == "b":
        return array
    numbers = read_numbers("event", array, problems, dates=YES_NO, text=YES_NO)
    if numbers is None:
        return None
    bad = np.flatnonzero((numbers != 0) & (numbers != 1))
    if bad.size:
        first = f"{number_text(numbers[bad[0]])} (position {bad[0] + 1})"
        problems.append(event_sentence("event", numbers, first))
    return np.asarray(numbers == 1)


def event_sentence(name: str, numbers: Floats, first: str) -> str:
    """The sentence about a column that is not 0 and 1; ``first`` names a value that is neither, and where it stands."""
    distinct = np.unique(numbers)
    if distinct.tolist() == [1, 2]:
        return f"{name} holds 1 and 2; {YES_NO} (if 2 is the event: `{name} == 2`)."
    if distinct.size > MANY_VALUES:
        swapped = " Are time and event swapped?" if name == "event" else ""
        return f"{name} holds {distinct.size} different values; it looks like a time column.{swapped}"
    return f"{name} holds {first}; {YES_NO}."


def read_labels(name: str, values: Any, n: int, problems: list[str]) -> Labels:
    """Names in their categorical order, else sorted; without a column everyone is in ``all``."""
    if values is None:
        return Labels(names=("all",), codes=np.zeros(n, dtype=np.int64))
    values = getattr(values, "array", values)  # the array inside a pandas column
    if hasattr(values, "categories") and hasattr(values, "codes"):
        codes = np.asarray(values.codes, dtype=np.int64)
        problems += check_present(name, codes < 0)
        return Labels(names=tuple(str(label) for label in values.categories), codes=codes)
    array = read_column(name, values, problems)
    missing = np.zeros(0, dtype=bool) if array is None else missing_rows(array)
    problems += check_present(name, missing)
    if array is None or missing.any() or not array.size:
        return Labels(names=(), codes=np.zeros(n, dtype=np.int64))
    distinct, codes = _factorise(array)
    names = [f"{label:.15g}" if array.dtype.kind == "f" else str(label) for label in distinct]
    return Labels(names=tuple(names), codes=codes)


def _factorise(array: NDArray[Any]) -> tuple[NDArray[Any], Ints]:
    """Sorted distinct values, and the position of each row's value among them."""
    if array.dtype.kind in "bui" and array.size:
        lowest, highest = int(array.min()), int(array.max())
        if highest - lowest < max(1_000, array.size):
            # Small whole numbers are counted, not sorted.
            codes = array.astype(np.int64)
            codes -= lowest
            if highest - lowest <= 1:  # 0 and 1, or only one of them: both ends are there
                present = np.arange(highest - lowest + 1)
            else:
                counts = np.bincount(codes)
                present = np.flatnonzero(counts)
                codes = codes if present.size == counts.size else (np.cumsum(counts > 0) - 1)[codes]
            return (present + lowest).astype(array.dtype), codes
    if array.dtype.kind == "O" and len({type(label) for label in array.tolist()}) > 1:
        array = array.astype(str)  # mixed types have no order
    distinct, codes = np.unique(array, return_inverse=True)
    return distinct, codes.astype(np.int64)


def read_counts(name: str, values: Any, problems: list[str], rule: str) -> Ints | None:
    """Whole numbers from 0 up; ``rule`` opens the sentence about the first one that is not."""
    numbers = read_numbers(name, values, problems)
    if numbers is None:
        return None
    bad = np.flatnonzero(~((numbers >= 0) & (numbers == np.floor(numbers)) & np.isfinite(numbers)))
    if bad.size:
        problems.append(f"{rule}; position {bad[0] + 1} holds {number_text(numbers[bad[0]])}.")
        return None
    return numbers.astype(np.int64)


def _read_weights(values: Any, problems: list[str]) -> Ints | None:
    rule = "weights must be counts of patients"
    weights = read_counts("weights", values, problems, rule)
    if weights is not None and weights.size and float(weights.astype(np.float64).sum()) >= 2**62:
        problems.append("weights add up to more patients than there can be; were they counted in another unit?")
        return None
    if weights is not None and weights.size and not weights.any():
        problems.append(f"{rule}; all are 0.")
    return weights


def _entry_problems(time: Floats, entry: Floats) -> list[str]:
    late = np.flatnonzero(entry >= time)
    problems = [
        f"entry {number_text(entry[row])} is not before time {number_text(time[row])} at position {row + 1}."
        for row in late[:SHOWN]
    ]
    if late.size > SHOWN:
        problems.append(f"entry is not before time at {late.size - SHOWN} more positions.")
    if late.size and entry.max() > 10 * time.max():
        problems.append(
            f"entry reaches {entry.max():,.15g} while time reaches {time.max():,.15g}; are the units the same?"
        )
    return problems


def refuse_entries(time: Floats, entry: Floats) -> None:
    """Refuse patients whose time under observation has no length."""
    refuse(_entry_problems(time, entry))
