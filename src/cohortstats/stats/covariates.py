"""Reading covariates: a frame at the door, a matrix of numbers inside, one name for every coefficient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.doors import (
    check_length,
    check_present,
    length_of,
    read_column,
    read_numbers,
    sentence_of_values,
)

__all__ = ["Design", "read_design"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAME = 1e-10  # part of a column, in its own spread, that other columns may leave unexplained and still hold it whole


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """Covariates as numbers.

    ``matrix`` has a row a patient and a column a coefficient; ``names`` and ``reference`` have one text a coefficient
    (the reference is empty for a number), ``terms`` one name a covariate, and ``assign`` the position of the term of
    each coefficient.
    """

    matrix: Floats
    names: tuple[str, ...]
    terms: tuple[str, ...]
    assign: Ints
    reference: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Term:
    columns: Floats
    names: tuple[str, ...]
    reference: str = ""
    notes: tuple[str, ...] = ()


def read_design(covariates: Any, first: str, n: int | None, problems: list[str]) -> Design | None:
    """Matrix of the covariates of ``n`` patients, or None after sentences about what cannot be used.

    ``first`` is the name of the column whose length the covariates must have.
    """
    columns = _columns(covariates, problems)
    if not columns:
        return None
    before = len(problems)
    names = [name for name, _ in columns]
    problems += [f"covariate '{name}' appears twice." for name in dict.fromkeys(names) if names.count(name) > 1]
    read = [(name, _read_term(name, values, first, n, problems)) for name, values in columns]
    terms = [(name, term) for name, term in read if term is not None]
    if len(problems) > before or len(terms) < len(columns) or n is None:
        return None
    matrix = np.column_stack([term.columns for _, term in terms])
    assign = np.repeat(np.arange(len(terms)), [len(term.names) for _, term in terms])
    problems += _repeats(matrix, assign, names)
    if len(problems) > before:
        return None
    return Design(
        matrix=matrix,
        names=tuple(name for _, term in terms for name in term.names),
        terms=tuple(names),
        assign=assign,
        reference=tuple(term.reference for _, term in terms for _ in term.names),
        notes=tuple(note for _, term in terms for note in term.notes),
    )


def _columns(covariates: Any, problems: list[str]) -> list[tuple[str, Any]]:
    """Names and columns of a frame, a dictionary, or one column."""
    if hasattr(covariates, "columns") and hasattr(covariates, "iloc"):
        found = [(str(name), covariates.iloc[:, at]) for at, name in enumerate(covariates.columns)]
    elif hasattr(covariates, "keys") and not hasattr(covariates, "array"):
        found = [(str(name), covariates[name]) for name in covariates]
    else:
        if np.ndim(getattr(covariates, "dtype", 0)) == 0 and (shape := np.shape(_bare(covariates))) and len(shape) > 1:
            problems.append(f"covariates must be a frame or one column; they have shape {shape}.")
            return []
        name = getattr(covariates, "name", None)
        found = [("x" if name is None else str(name), covariates)]
    if not found:
        problems.append("there are no covariates.")
    return found


def _bare(values: Any) -> Any:
    """What numpy can ask for its shape; ragged rows have none."""
    try:
        return np.asarray(values)
    except ValueError:
        return values


def _read_term(name: str, values: Any, first: str, n: int | None, problems: list[str]) -> _Term | None:
    label = f"covariate '{name}'"
    values = getattr(values, "array", values)  # the array inside a pandas column
    if n is not None and (size := length_of(values)) is not None and (wrong := check_length(first, n, label, size)):
        problems += wrong
        return None
    if hasattr(values, "categories") and hasattr(values, "codes"):
        return _read_categories(name, values, problems)
    array = read_column(label, values, problems)
    if array is None:
        return None
    if array.dtype.kind in "USO" and any(isinstance(value, str | bytes) for value in array.tolist()):
        problems.append(f"{label} holds text; declare its levels.")
        return None
    numbers = read_numbers(label, array, problems, dates="give numbers")
    if numbers is None or not numbers.size:
        return None
    if infinite := sentence_of_values(label, numbers, np.isinf(numbers), "give finite values."):
        problems += infinite
        return None
    if numbers.min() == numbers.max():
        problems.append(f"{label} has one value.")
        return None
    return _Term(columns=numbers[:, None], names=(name,))


def _read_categories(name: str, values: Any, problems: list[str]) -> _Term | None:
    """0/1 columns against the first level that anyone has."""
    codes = np.asarray(values.codes, dtype=np.int64)
    if missing := check_present(f"covariate '{name}'", codes < 0):
        problems += missing
        return None
    if not codes.size:
        return None
    levels = [str(level) for level in values.categories]
    seen = np.bincount(codes, minlength=len(levels)) > 0
    present = np.flatnonzero(seen)
    if present.size < 2:
        problems.append(f"covariate '{name}' has one value.")
        return None
    absent = [level for level, has in zip(levels, seen, strict=True) if not has]
    notes = [f"{name}: the reference is {levels[present[0]]}."]
    if absent:
        notes.append(f"{name}: nobody has {' or '.join(absent)}.")
    return _Term(
        columns=(codes[:, None] == present[1:]).astype(np.float64),
        names=tuple(f"{name}={levels[code]}" for code in present[1:]),
        reference=levels[present[0]],
        notes=tuple(notes),
    )


def _repeats(matrix: Floats, assign: Ints, names: list[str]) -> list[str]:
    """One sentence for each covariate that says again what those before it have said."""
    centred = matrix - matrix.mean(axis=0)
    centred = centred / np.abs(centred).max(axis=0)
    kept: list[int] = []
    sentences: dict[str, str] = {}
    for column in range(centred.shape[1]):
        if kept:
            earlier = centred[:, kept]
            weight = np.linalg.lstsq(earlier, centred[:, column], rcond=None)[0]
            left = centred[:, column] - earlier @ weight
            if np.abs(left).max() <= SAME * np.sqrt(centred.shape[0]):
                name = names[assign[column]]
                told = dict.fromkeys(names[assign[at]] for at, w in zip(kept, weight, strict=True) if abs(w) > SAME)
                others = " and ".join(f"'{other}'" for other in told if other != name)
                sentences.setdefault(name, f"'{name}' repeats {others or 'itself'}.")
                continue
        kept.append(column)
    return list(sentences.values())
