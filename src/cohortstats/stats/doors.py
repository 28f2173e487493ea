"""Checks at the door that every statistic shares: one sentence a fault, all faults of a call together.

A check returns its sentences as a list; the caller adds the lists up and hands them to `refuse` once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import InputError, did_you_mean

__all__ = [
    "check_choice",
    "check_fraction",
    "check_length",
    "check_present",
    "length_of",
    "missing_rows",
    "number_text",
    "read_column",
    "read_numbers",
    "refuse",
    "sentence_of_values",
]

SHOWN = 10  # positions or values that one sentence lists before it says how many more there are


def refuse(problems: Sequence[str]) -> None:
    """Raise one InputError with every sentence, or return when there is none."""
    if problems:
        raise InputError(problems)


def number_text(value: float) -> str:
    """Number as the sentences write it: no trailing zero, a real minus sign."""
    return f"{value:.15g}".replace("-", "−")


def check_choice(name: str, value: object, choices: Iterable[str]) -> list[str]:
    """Refuse a word outside a closed list, with the nearest spelling or else the list."""
    known = list(choices)
    if value in known:
        return []
    near = did_you_mean(str(value), known)
    advice = f"did you mean '{near}'?" if near else f"choose {' or '.join([', '.join(known[:-1]), known[-1]])}."
    return [f"{name} '{value}' is not known; {advice}"]


def check_fraction(name: str, value: float | Fraction, example: str) -> list[str]:
    """Refuse a level outside the open interval (0, 1)."""
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction | np.floating | np.integer):
        return [f"{name} is {value!r}; give a fraction, such as {example}."]
    return [] if 0 < value < 1 else [f"{name} is {number_text(float(value))}; give a fraction, such as {example}."]


def length_of(values: Any) -> int | None:
    """Rows of a column; None for what has none, such as an array without dimensions."""
    try:
        return len(values)
    except TypeError:
        return None


def check_length(first: str, n_first: int, name: str, n: int) -> list[str]:
    """Refuse a column that is not as long as the first one."""
    return [] if n == n_first else [f"{first} has {n_first} values, {name} has {n}."]


def sentence_of_values(name: str, values: NDArray[Any], bad: NDArray[np.bool_], advice: str) -> list[str]:
    """One sentence that names each bad value with its position, counted from 1."""
    where = np.flatnonzero(bad)
    if not where.size:
        return []
    listed = ", ".join(f"{number_text(values[row])} at position {row + 1}" for row in where[:SHOWN])
    more = f" and {where.size - SHOWN} more" if where.size > SHOWN else ""
    return [f"{name} is {listed}{more}; {advice}"]


def missing_rows(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Rows without a value: nan, NaT, None or a missing scalar of pandas."""
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    if values.dtype.kind in "mM":
        return np.asarray(np.isnat(values))
    if values.dtype.kind != "O":
        return np.zeros(values.shape[0], dtype=bool)
    # Comparing pandas.NA gives NA, which has no truth value, so it is known by the name of its type.
    return np.array([v is None or type(v).__name__ == "NAType" or bool(v != v) for v in values], dtype=bool)


def check_present(name: str, missing: NDArray[np.bool_]) -> list[str]:
    """Refuse missing values: a statistic never drops a patient in silence."""
    where = np.flatnonzero(missing) + 1
    if not where.size:
        return []
    listed = ", ".join(str(row) for row in where[:SHOWN])
    more = f" and {where.size - SHOWN} more" if where.size > SHOWN else ""
    one = where.size == 1
    noun, whom = ("position", "this patient") if one else ("positions", "these patients")
    return [f"{name} is missing at {noun} {listed}{more}; exclude or complete {whom} first."]


def read_column(name: str, values: object, problems: list[str]) -> NDArray[Any] | None:
    """Values as a one-dimensional array, or None after a sentence about their shape."""
    if isinstance(values, np.ma.MaskedArray):  # a mask is a gap, which a plain array would fill
        gaps, values = np.ma.getmaskarray(values), np.asarray(values.data, dtype=object).copy()
        values[gaps] = None
    try:
        array = np.asarray(values)
    except ValueError:  # ragged rows have no shape
        problems.append(f"{name} must be one column; its rows differ in length.")
        return None
    if array.ndim != 1:
        problems.append(f"{name} must be one column; it has shape {array.shape}.")
        return None
    return array


def read_numbers(
    name: str, values: object, problems: list[str], *, dates: str = "give numbers", text: str = "give numbers"
) -> NDArray[np.float64] | None:
    """Values as floats without a gap, or None after a sentence about what they hold instead.

    ``dates`` and ``text`` are the advice for a column of dates and of text.
    """
    array = read_column(name, values, problems)
    if array is None:
        return None
    missing = missing_rows(array)
    if missing.any():
        problems.extend(check_present(name, missing))
        array = array[~missing]
    kinds = {type(value).__name__ for value in array} if array.dtype.kind == "O" else set()
    if array.dtype.kind == "c" or kinds & {"complex", "complex64", "complex128"}:
        problems.append(f"{name} holds complex numbers; {text}.")
        return None
    if array.dtype.kind == "M" or kinds & {"date", "datetime", "Timestamp", "datetime64"}:
        problems.append(f"{name} holds dates; {dates}.")
        return None
    if array.dtype.kind == "m" or kinds & {"timedelta", "Timedelta", "timedelta64"}:
        problems.append(f"{name} holds durations; divide by one day.")
        return None
    if array.dtype.kind in "US" or "str" in kinds:
        first = next(str(value) for value in array if isinstance(value, str | bytes))
        problems.append(f"{name} holds text ('{first}'); {text}.")
        return None
    try:
        numbers = array.astype(np.float64)
    except OverflowError:
        problems.append(f"{name} holds a number too large to count with; {text}.")
        return None
    except (TypeError, ValueError):
        problems.append(f"{name} holds {min(kinds)} objects; {text}.")
        return None
    return None if missing.any() else numbers
