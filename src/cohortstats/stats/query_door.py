"""What comes through the door from a database: values with the number of rows behind each, read and checked.

The sentences are those for arrays; where those name positions, these count rows, since a query has no order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.engines import LabelColumn, QueryRows
from cohortstats.stats.doors import SHOWN, missing_rows, number_text, read_numbers, refuse
from cohortstats.stats.event_door import YES_NO, Labels, event_sentence, read_labels

__all__ = ["CategoricalColumn", "QueryPatients", "label_names", "missing_in_rows", "read_query"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class CategoricalColumn:
    """Names in order and the place of each row's name: what the door for arrays takes a categorical column for."""

    __slots__ = ("categories", "codes")

    def __init__(self, labels: Labels) -> None:
        self.categories, self.codes = labels.names, labels.codes

    def __len__(self) -> int:
        return len(self.codes)


QueryPatients = dict[str, Any]  # name -> checked values, or names as a CategoricalColumn; "patients" counts them


def read_query(rows: QueryRows) -> QueryPatients:
    """Checked columns of a query, and how many patients each row stands for; or one InputError."""
    if not rows.n_rows.size:
        refuse(["there are no patients."])
    problems: list[str] = []
    read: QueryPatients = {}
    for name, column in rows.columns.items():
        if isinstance(column, LabelColumn):
            problems += missing_in_rows(name, int(rows.n_rows[column.codes < 0].sum()))
            read[name] = CategoricalColumn(label_names(name, column))
            continue
        array, absent = _values(column)
        problems += missing_in_rows(name, int(rows.n_rows[absent].sum()))
        n_rows = rows.n_rows[~absent] if absent.any() else rows.n_rows
        array = array[~absent] if absent.any() else array
        if name in ("event", "outcome"):
            read[name] = _events(name, array, n_rows, problems)
        elif name == "weights":
            read[name] = _weights(array, n_rows, problems)
        else:
            read[name] = _times(name, array, n_rows, problems)
    if not problems and "entry" in read:
        problems = _entries(read["time"], read["entry"], rows.n_rows)
    refuse(problems)
    weights = read.pop("weights", None)
    read["patients"] = rows.n_rows if weights is None else rows.n_rows * weights
    return read


def _values(column: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """A column as an array without mask, and where it has no value."""
    if isinstance(column, np.ma.MaskedArray):
        data = np.asarray(column.data)
        return data, np.ma.getmaskarray(column) | (missing_rows(data) if data.dtype.kind in "fmM" else False)
    array = np.asarray(column)
    if array.ndim != 1:  # cells that hold lists
        array = np.empty(len(column), dtype=object)
        array[:] = [str(cell) for cell in column]
    return array, missing_rows(array)


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n:,} rows"


def missing_in_rows(name: str, n: int) -> list[str]:
    """Refuse missing values of ``n`` rows."""
    whom = "this patient" if n == 1 else "these patients"
    return [f"{name} is missing in {_rows(n)}; exclude or complete {whom} first."] if n else []


def label_names(name: str, column: LabelColumn) -> Labels:
    """Levels of the column's type in their order, else the labels sorted."""
    if column.levels:
        place = {level: code for code, level in enumerate(column.levels)}
        found = np.array([place[str(label)] for label in column.labels], dtype=np.int64)
        names = column.levels
    else:
        labels = read_labels(name, list(column.labels), len(column.labels), [])
        found, names = labels.codes, labels.names
    codes = found[column.codes] if found.size else np.zeros(len(column), dtype=np.int64)
    return Labels(names=names, codes=codes)


def _times(name: str, array: NDArray[Any], n_rows: Ints, problems: list[str]) -> Floats | None:
    times = read_numbers(name, array, problems, dates="subtract the start date")
    if times is None or not times.size:
        return times
    plural = {"time": "times", "entry": "entries"}[name]
    if times.min() < 0:
        problems += _listed(name, times, times < 0, n_rows, f"{plural} start at 0.")
    if times.max() == np.inf:
        problems += _listed(name, times, times == np.inf, n_rows, "give finite values.")
    return times


def _listed(name: str, values: Floats, bad: NDArray[np.bool_], n_rows: Ints, advice: str) -> list[str]:
    distinct, place = np.unique(values[bad], return_inverse=True)
    counts = np.bincount(place, n_rows[bad]).astype(np.int64)
    shown = [f"{number_text(value)} in {_rows(int(n))}" for value, n in zip(distinct, counts, strict=True)][:SHOWN]
    more = f" and {distinct.size - SHOWN} other values" if distinct.size > SHOWN else ""
    return [f"{name} is {', '.join(shown)}{more}; {advice}"]


def _events(name: str, array: NDArray[Any], n_rows: Ints, problems: list[str]) -> NDArray[Any] | None:
    if array.dtype.kind == "b":
        return array
    numbers = read_numbers(name, array, problems, dates=YES_NO, text=YES_NO)
    if numbers is None:
        return None
    bad = (numbers != 0) & (numbers != 1)
    if bad.any():
        first = numbers[bad].min()
        problems.append(
            event_sentence(name, numbers, f"{number_text(first)} ({_rows(int(n_rows[numbers == first].sum()))})")
        )
    return np.asarray(numbers == 1)


def _weights(array: NDArray[Any], n_rows: Ints, problems: list[str]) -> Ints | None:
    numbers = read_numbers("weights", array, problems)
    if numbers is None or not numbers.size:
        return None
    rule = "weights must be counts of patients"
    bad = ~((numbers >= 0) & (numbers == np.floor(numbers)) & np.isfinite(numbers))
    if bad.any():
        first = numbers[bad].min()
        problems.append(f"{rule}; {number_text(first)} stands in {_rows(int(n_rows[numbers == first].sum()))}.")
        return None
    if float((numbers * n_rows).sum()) >= 2**62:
        problems.append("weights add up to more patients than there can be; were they counted in another unit?")
        return None
    if not numbers.any():
        problems.append(f"{rule}; all are 0.")
    return numbers.astype(np.int64)


def _entries(time: Floats, entry: Floats, n_rows: Ints) -> list[str]:
    late = np.flatnonzero(entry >= time)
    problems = [
        f"entry {number_text(entry[row])} is not before time {number_text(time[row])} in {_rows(int(n_rows[row]))}."
        for row in sorted(late, key=lambda row: (time[row], entry[row]))[:SHOWN]
    ]
    if late.size > SHOWN:
        problems.append(f"entry is not before time in {_rows(int(n_rows[late].sum()))} altogether.")
    if late.size and entry.max() > 10 * time.max():
        problems.append(
            f"entry reaches {entry.max():,.15g} while time reaches {time.max():,.15g}; are the units the same?"
        )
    return problems
