"""Cells to values: strip, fold, missing, type, range, level, in this order, once for each distinct text.

What a cell means is said by the study file alone. Missing is what it lists; everything else is a value, and a value
that does not fit its type is a problem with the place of every cell that holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.cohort import YES_NO_LEVELS
from cohortstats.errors import did_you_mean
from cohortstats.expressions import Values
from cohortstats.files.dates import DateRules, imputed_part, parse_date
from cohortstats.files.folding import fold, fold_id
from cohortstats.files.numbers import NumberRules, is_plain_number, parse_with_flags
from cohortstats.files.table import Cells, Fault
from cohortstats.study import Column

__all__ = ["TypedColumn", "column_kind", "type_column"]

_ADD = "Correct the cell, or add it to study.missing."
_MANY_LEVELS = 20
Reading = tuple[Any, Fault | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedColumn:
    """One column, typed, and what is wrong with its cells.

    Parameters
    ----------
    values
        One value a row; a cell with an error is missing here.
    faults
        ``(row place, text, fault)``, in row order, at most one a cell.
    notes
        Faults of the column as a whole, such as a key of ``values`` that never occurs.
    """

    values: Values
    faults: tuple[tuple[int, str, Fault], ...] = ()
    notes: tuple[Fault, ...] = ()


def column_kind(column: Column) -> str:
    """number, date, yes/no, ordered, category or text: the declared type, or what ``order`` says."""
    if column.type == "integer" and not column.flag:
        return "number"
    return column.type or ("ordered" if column.order else "category")


def type_column(cells: Cells, column: Column, missing: Sequence[str], epoch: int = 0) -> TypedColumn:
    """Type the cells of a column.

    Parameters
    ----------
    cells
        Text as read.
    column
        The declaration.
    missing
        Texts that the study reads as missing; those of the column come on top.
    epoch
        First year of the day count of the workbook; 0 for a text file.

    Examples
    --------
    >>> cells = np.array(["62", "６３", "不明", "6O"], dtype=object)
    >>> typed = type_column(cells, Column(name="age", table="patients", type="number"), ["不明"])
    >>> typed.values.data.tolist(), typed.values.missing.tolist()
    ([62.0, 63.0, nan, nan], [False, False, True, True])
    >>> [(row, fault.code) for row, text, fault in typed.faults]
    [(3, 'number-invalid')]
    """
    codes, distinct = pd.factorize(cells)
    texts = [str(text) for text in distinct]
    folded = [text.strip() if text.isascii() else fold(text) for text in texts]
    absent = {fold(text) for text in (*missing, *column.missing)}
    kind = column_kind(column)
    present = [text not in absent for text in folded]
    quick = _plain_numbers(folded, present, column) if kind == "number" and not column.flag and len(cells) else None
    if quick is not None:
        empty = ~np.array(present, dtype=bool)
        values = Values(kind="number", data=quick[codes], missing=empty[codes], levels=(), unit=column.unit)
        return TypedColumn(values=values, notes=_notes(column, kind, set(folded), ()))
    reader, levels = _reader(kind, column, epoch, [f for f, here in zip(folded, present, strict=True) if here], texts)
    readings: list[Reading] = [
        reader(text) if here else (None, None) for text, here in zip(folded, present, strict=True)
    ]
    values = _collect(kind, readings, codes, levels, column.unit)
    marked = np.array([fault is not None for _, fault in readings], dtype=bool)
    rows = np.flatnonzero(marked[codes]) if len(cells) else np.array([], dtype=np.int64)
    faults = tuple((int(row), texts[codes[row]].strip(), _fault(readings[codes[row]])) for row in rows)
    return TypedColumn(values=values, faults=faults, notes=_notes(column, kind, set(folded), levels))


def _plain_numbers(folded: list[str], present: list[bool], column: Column) -> npt.NDArray[np.float64] | None:
    """All texts at once where each is a plain number in range; None where a rule or a fault wants them one by one."""
    if column.decimal or column.thousands or column.footnotes or column.type == "integer":
        return None
    here = [text for text, known in zip(folded, present, strict=True) if known]
    if not all(map(is_plain_number, here)):
        return None
    numbers = np.array(list(map(float, here)), dtype=np.float64)
    low, high = column.range or (-np.inf, np.inf)
    if not (np.isfinite(numbers) & (low <= numbers) & (numbers <= high)).all():
        return None
    data = np.full(len(folded), np.nan)
    data[np.array(present, dtype=bool)] = numbers
    return data


def _fault(reading: Reading) -> Fault:
    assert reading[1] is not None
    return reading[1]


def _reader(
    kind: str, column: Column, epoch: int, folded: list[str], texts: list[str]
) -> tuple[Callable[[str], Reading], tuple[str, ...]]:
    if column.flag:
        return _flag_reader(column, folded)
    if kind == "number":
        return _number_reader(column), ()
    if kind == "date":
        rules = DateRules(order=column.date_order, epoch=epoch or column.epoch, impute=column.impute)
        return (lambda text: parse_date(text, rules)), ()
    if kind == "yes/no":
        return _yes_no_reader(column, folded), YES_NO_LEVELS
    if kind == "ordered":
        return _order_reader(column), column.order
    if kind == "category" and column.order:
        place = _order_reader(column)

        def level(text: str) -> Reading:
            found, fault = place(text)
            return (None if found is None else column.order[found]), fault

        return level, column.order
    if kind == "category":
        return _category_reader(column, folded, texts)
    written = {fold(text): text.strip() for text in reversed(texts)}
    return (lambda text: (written[text], None)), ()


# ---------------------------------------------------------------------------------------------------------------------
# One reader a type: folded text -> value, fault
# ---------------------------------------------------------------------------------------------------------------------


def _number_rules(column: Column) -> NumberRules:
    return NumberRules(
        integer=column.type == "integer",
        unit=column.unit,
        thousands=column.thousands,
        decimal=column.decimal,
        units=column.units,
        beyond=column.beyond,
        interval=column.interval,
        footnotes=column.footnotes,
    )


def _flag_reader(column: Column, folded: list[str]) -> tuple[Callable[[str], Reading], tuple[str, ...]]:
    """What a rule of the column changed in a cell; missing where it changed nothing. Faults are told with the value."""
    rules = _number_rules(column)

    def flag(text: str) -> str | None:
        if column.flag == "imputed":
            return imputed_part(text) or None
        found = parse_with_flags(text, rules)
        return None if isinstance(found, Fault) else found.flags.get(column.flag)

    levels = tuple(sorted({found for text in folded if (found := flag(text)) is not None}))
    return (lambda text: (flag(text), None)), levels


def _number_reader(column: Column) -> Callable[[str], Reading]:
    rules = _number_rules(column)

    def read(text: str) -> Reading:
        found = parse_with_flags(text, rules)
        if isinstance(found, Fault):
            return None, found
        value = found.value
        if value is None:
            return None, None
        if column.range is not None and not column.range[0] <= value <= column.range[1]:
            low, high = (f"{bound:g}" for bound in column.range)
            fault = Fault(
                code="out-of-range",
                message=f"'{text}' is outside {low} to {high}.",
                mend="Correct the cell, or the range.",
                level="warning" if column.range_action == "warn" else "error",
            )
            return (value if fault.level == "warning" else None), fault
        return value, None

    return read


def _yes_no_reader(column: Column, folded: list[str]) -> Callable[[str], Reading]:
    words = {fold(word): True for word in column.yes} | {fold(word): False for word in column.no}
    words |= {fold(raw): level == "yes" for raw, level in column.values.items()}
    mend = _yes_no_mend(column, set(folded))

    def read(text: str) -> Reading:
        if text in words:
            return words[text], None
        lower = text.casefold()
        if lower in YES_NO_LEVELS:
            return lower == "yes", None
        if text in ("TRUE", "FALSE"):  # what Excel shows for its own booleans
            return text == "TRUE", None
        return None, Fault(code="yes-no-invalid", message=f"'{text}' is neither yes nor no here.", mend=mend)

    return read


def _yes_no_mend(column: Column, texts: set[str]) -> str:
    if not (column.yes or column.no or column.values):
        if texts <= {"1", "2"}:
            return 'Declare yes = ["2"], no = ["1"], or the reverse.'
        if texts <= {"0", "1"}:
            return 'Declare yes = ["1"], no = ["0"].'
        return "Declare yes and no, or add it to study.missing."
    return "Correct the cell, or add it to yes, no or study.missing."


def _order_reader(column: Column) -> Callable[[str], Reading]:
    renamed = {fold(raw): level for raw, level in column.values.items()}
    places = {fold(level): place for place, level in enumerate(column.order)}
    exact = {level: place for place, level in enumerate(column.order)}

    def read(text: str) -> Reading:
        level = renamed.get(text, text)
        place = exact.get(level, places.get(fold(level)))
        return (place, None) if place is not None else (None, _unknown_level(text, column.order))

    return read


def _unknown_level(text: str, levels: Sequence[str]) -> Fault:
    message = f"'{text}' is not among {', '.join(levels)}."
    same = next((level for level in levels if fold_id(level) == fold_id(text)), "")
    if same:
        message = f"'{text}' differs from '{same}' only in case or space."
        return Fault(
            code="level-unknown", message=message, mend=f'Correct the cell, or add values = {{ "{text}" = "{same}" }}.'
        )
    near = did_you_mean(text, levels)
    return Fault(code="level-unknown", message=message, mend=f"Did you mean '{near}'?" if near else _ADD)


def _category_reader(
    column: Column, folded: list[str], texts: list[str]
) -> tuple[Callable[[str], Reading], tuple[str, ...]]:
    """Levels are what occurs, sorted; of several spellings of one level the first in the sort is shown."""
    renamed = {fold(raw): level for raw, level in column.values.items()}
    written: dict[str, str] = {}
    for text in sorted(texts, reverse=True):
        written[fold(text)] = text.strip()
    names = {text: renamed.get(text, written.get(text, text)) for text in folded}
    levels = tuple(sorted({*names.values(), *column.unknown}))
    return (lambda text: (names[text], None)), levels


# ---------------------------------------------------------------------------------------------------------------------
# Distinct readings back to rows
# ---------------------------------------------------------------------------------------------------------------------

_DTYPES: Mapping[str, tuple[Any, Any]] = {
    "number": (np.float64, np.nan),
    "date": ("datetime64[D]", np.datetime64("NaT")),
    "yes/no": (np.bool_, False),
    "ordered": (np.int64, -1),
    "category": (object, ""),
    "text": (object, ""),
}


def _collect(
    kind: str, readings: list[Reading], codes: npt.NDArray[np.intp], levels: tuple[str, ...], unit: str
) -> Values:
    dtype, blank = _DTYPES[kind]
    absent = np.array([value is None for value, _ in readings], dtype=bool)
    distinct = np.array([blank if value is None else value for value, _ in readings], dtype=dtype)
    if not len(codes):
        return Values(kind=_kind(kind), data=np.array([], dtype=dtype), missing=np.array([], dtype=bool), unit=unit)
    shown = levels if kind in ("ordered", "category") else ()
    return Values(kind=_kind(kind), data=distinct[codes], missing=absent[codes], levels=shown, unit=unit)


def _kind(kind: str) -> Any:
    return kind


def _notes(column: Column, kind: str, occurring: set[str], levels: tuple[str, ...]) -> tuple[Fault, ...]:
    notes = [
        Fault(
            code="value-unused",
            message=f"values names '{raw}', which never occurs.",
            mend="Delete it, or correct its spelling.",
            level="warning",
        )
        for raw in column.values
        if fold(raw) not in occurring
    ]
    if kind == "category" and not (column.order or column.flag) and len(levels) > _MANY_LEVELS:
        mend = 'Declare type = "text", or merge levels with values.'
        notes.append(
            Fault(code="levels-many", message=f"{column.name} has {len(levels)} levels.", mend=mend, level="warning")
        )
    return tuple(notes)
