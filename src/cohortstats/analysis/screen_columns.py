"""Columns of a screen: markers with two levels as whole numbers, yes/no outcomes, times, levels to screen by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import InputError, did_you_mean
from cohortstats.stats.doors import check_present, missing_rows, number_text
from cohortstats.stats.event_door import read_labels, read_patients

__all__ = ["Fault", "Markers", "choose_markers", "read_event", "read_levels", "read_markers", "read_survival"]

Codes = NDArray[np.int8]

TOGETHER = 10_000_000  # cells taken out of a frame at a time
SHOWN = 10  # markers that are told of one by one
WITHOUT = frozenset(
    {"0", "0.0", "no", "n", "false", "f", "negative", "neg", "-", "−", "absent", "none", "wild-type", "wild type"}
    | {"wildtype", "wt"}
)
"""Words for a patient who does not have the marker, or not had the event."""
WITH = frozenset({"1", "1.0", "yes", "y", "true", "t"})


class Fault(NamedTuple):
    """What is wrong with a column: a stable code, the column, one sentence."""

    code: str
    column: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Markers:
    """Markers as whole numbers.

    ``codes`` has one row a marker and one column a patient: 1 with the marker, 0 without, −1 not known. ``levels``
    says which value of the column is 1; empty where nobody has it.
    """

    names: tuple[str, ...]
    levels: tuple[str, ...]
    codes: Codes


def choose_markers(columns: Sequence[str], pattern: str, taken: Sequence[str] = ()) -> list[str]:
    """Columns whose name matches a pattern such as ``mut_*``; several patterns are divided by commas.

    Columns that have another part in the screen are left out.

    Examples
    --------
    >>> choose_markers(["id", "mut_kras", "mut_tp53", "days"], "mut_*")
    ['mut_kras', 'mut_tp53']
    """
    patterns = [part.strip() for part in pattern.split(",")]
    matches = re.compile("|".join(translate(one) for one in patterns)).match
    plain = set(patterns)  # a name may hold brackets
    chosen = [name for name in columns if (matches(name) or name in plain) and name not in taken]
    if not chosen:
        listed = ", ".join(columns[:SHOWN]) + (f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN else "")
        near = did_you_mean(pattern.strip("*?"), columns)
        advice = f"did you mean '{near}'?" if near else f"columns are {listed}."
        raise InputError(f"no column matches '{pattern}'; {advice}")
    return chosen


def read_markers(table: Any, names: Sequence[str], missing: frozenset[str], faults: list[Fault]) -> Markers:
    """Markers with two levels; the others are told of in ``faults``."""
    codes = np.empty((len(names), _length(table, names)), dtype=np.int8)
    levels: list[str] = []
    bad: list[Fault] = []
    step = max(1, TOGETHER // max(1, codes.shape[1]))
    for start in range(0, len(names), step):
        some = names[start : start + step]
        rows = codes[start : start + len(some)]
        read = _read_together(table, some, rows)
        if read is None:
            read = [_read_marker(name, table[name], row, missing, bad) for name, row in zip(some, rows, strict=True)]
        levels += read
    faults += bad[:SHOWN]
    if len(bad) > SHOWN:
        more = f"{len(bad) - SHOWN} more markers have more than 2 levels, or none that can be told."
        faults.append(Fault("levels-many", "", more))
    return Markers(names=tuple(names), levels=tuple(levels), codes=codes)


def _length(table: Any, names: Sequence[str]) -> int:
    return len(table[names[0]]) if names else 0


def _read_together(table: Any, names: Sequence[str], codes: Codes) -> list[str] | None:
    """Levels of columns that all hold truth values, or all 0, 1 and nothing else; None where they do not."""
    if isinstance(table, Mapping):  # text
        return None
    some = table[list(names)]
    kinds = set(some.dtypes.tolist())
    if len(kinds) != 1 or not all(isinstance(kind, np.dtype) and kind.kind in "buif" for kind in kinds):
        return None
    values = some.to_numpy().T
    if values.dtype.kind == "b":
        codes[:] = values
        return ["yes"] * len(names)
    with np.errstate(invalid="ignore"):  # not known: 0 here, −1 below
        codes[:] = values
    absent = np.isnan(values) if values.dtype.kind == "f" else np.zeros((1, 1), dtype=bool)
    if not (((codes == 0) | (codes == 1)) & (codes == values) | absent).all():
        return None
    if absent.any():
        codes[absent] = -1
    return ["1"] * len(names)


def _read_marker(name: str, values: Any, codes: Codes, missing: frozenset[str], faults: list[Fault]) -> str:
    """Fill in the codes of one marker, and give the level that is 1."""
    array, distinct, absent = _distinct(values, missing)
    codes[:] = 0
    codes[absent] = -1
    if len(distinct) > 2:
        listed = ", ".join(_text(level) for level in distinct[:SHOWN]) + (", …" if len(distinct) > SHOWN else "")
        message = f"marker '{name}' has {len(distinct)} levels ({listed}); a screen compares two, so recode it first."
        faults.append(Fault("levels-many", name, message))
        return ""
    level = _with_marker(distinct)
    if level is None:
        return ""
    codes[(array == level) & ~absent] = 1
    return "yes" if isinstance(level, bool | np.bool_) else _text(level)


def _distinct(values: Any, missing: frozenset[str]) -> tuple[NDArray[Any], list[Any], NDArray[np.bool_]]:
    """Values as an array, those that differ in order, and where there is none."""
    if hasattr(values, "cat"):
        seen = values.cat.categories[np.unique(values.cat.codes[values.cat.codes >= 0])]
        absent = np.asarray(values.isna())
        array = np.array(values, dtype=object)
        array[absent] = None
        return array, list(seen), absent
    array = np.asarray(values)
    if array.dtype.kind in "OUS":
        array = array.astype(object)
        found = set(array.tolist())
        plain = all(type(value) is str for value in found)
        gaps = [text for text in found if text in missing] if plain else []
        absent = np.zeros(array.size, dtype=bool)
        if not plain:
            absent = missing_rows(array) | np.array([type(v) is str and v in missing for v in array], dtype=bool)
            array[absent] = None  # what pandas calls NA cannot be compared
            found = set(array[~absent].tolist())
        for gap in gaps:
            absent |= array == gap
        kinds = {type(value) for value in found}
        return array, sorted(found - set(gaps), key=None if len(kinds) == 1 else str), absent
    absent = missing_rows(array)
    return array, np.unique(array[~absent]).tolist(), absent


def _with_marker(distinct: Sequence[Any]) -> Any:
    """The level of those who have the marker: not that which says that they do not, else the later one."""
    has = [level for level in distinct if _text(level).strip().casefold() not in WITHOUT]
    if len(distinct) == 2:
        return has[0] if len(has) == 1 else distinct[1]
    return has[0] if has else None


def _text(level: Any) -> str:
    return number_text(level) if isinstance(level, float) else str(level)


def read_event(
    name: str, values: Any, missing: frozenset[str], faults: list[Fault], level: str = ""
) -> NDArray[np.bool_] | None:
    """A yes/no outcome: booleans, 0/1, or words for yes and no; with ``level`` those who have this value."""
    array, distinct, absent = _distinct(values, missing)
    if absent.any():
        faults += [Fault("missing-many", name, sentence) for sentence in check_present(name, absent)]
        return None
    if not array.size:
        faults.append(Fault("file-empty", name, "there are no patients."))
        return None
    texts = [_text(one) for one in distinct]
    if level:
        if level not in texts:
            near = did_you_mean(level, texts)
            advice = f"did you mean '{near}'?" if near else f"it holds {', '.join(texts[:SHOWN])}."
            faults.append(Fault("level-unknown", name, f"{name} has no level '{level}'; {advice}"))
            return None
        return np.asarray(array == distinct[texts.index(level)], dtype=bool)
    folded = [text.strip().casefold() for text in texts]
    if all(text in WITH or text in WITHOUT for text in folded) and len(distinct) <= 2:
        yes = [one for one, text in zip(distinct, folded, strict=True) if text in WITH]
        if len(yes) + sum(text in WITHOUT for text in folded) == len(distinct) and len(yes) <= 1:
            return np.asarray(array == yes[0], dtype=bool) if yes else np.zeros(array.size, dtype=bool)
    faults.append(Fault("event-coding", name, _not_yes_no(name, texts, array, distinct)))
    return None


def _not_yes_no(name: str, texts: Sequence[str], array: NDArray[Any], distinct: Sequence[Any]) -> str:
    if texts in (["1", "2"], ["1.0", "2.0"]):
        return f"{name} holds 1 and 2; give booleans or 0/1 (if 2 is the event: `{name} == 2`)."
    if len(texts) > 2:
        return f"{name} has {len(texts)} levels; say which is the event."
    if len(texts) == 2 and not any(isinstance(one, int | float) for one in distinct):
        return f"{name} holds {texts[0]} and {texts[1]}; say which is the event."
    bad = next(one for one, text in zip(distinct, texts, strict=True) if text.casefold() not in WITH | WITHOUT)
    first = int(np.flatnonzero(array == bad)[0]) + 1
    return f"{name} holds {_text(bad)} (position {first}); give booleans or 0/1."


def read_survival(
    name: str, values: Any, event: NDArray[np.bool_] | None, missing: frozenset[str], faults: list[Fault]
) -> NDArray[np.float64] | None:
    """Times from 0 up, one a patient; numbers, or text that holds numbers."""
    array, _, absent = _distinct(values, missing)
    if absent.any():
        faults += [Fault("missing-many", name, sentence) for sentence in check_present(name, absent)]
        return None
    if array.dtype == object:
        numbers = np.empty(array.size)
        for place, text in enumerate(array.tolist()):
            try:
                numbers[place] = float(text)
            except (TypeError, ValueError):
                message = f"{name} holds text ('{text}') at position {place + 1}; give numbers."
                faults.append(Fault("number-invalid", name, message))
                return None
        array = numbers
    try:
        given = np.zeros(array.size, dtype=bool) if event is None else event
        return read_patients(array, given, None, None, None, None).time
    except InputError as error:
        sentences = [f"{name}{line[4:]}" if line.startswith("time ") else line for line in error.problems]
        faults += [Fault("time-negative", name, sentence) for sentence in sentences]
        return None


def read_levels(
    name: str, values: Any, missing: frozenset[str], faults: list[Fault]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Levels in categorical order, else sorted, and each patient's place among them."""
    array, _, absent = _distinct(values, missing)
    if absent.any():
        faults += [Fault("missing-many", name, sentence) for sentence in check_present(name, absent)]
        return (), np.zeros(array.size, dtype=np.int64)
    problems: list[str] = []
    labels = read_labels(name, values if hasattr(values, "cat") else array, array.size, problems)
    faults += [Fault("missing-many", name, sentence) for sentence in problems]
    return labels.names, labels.codes
