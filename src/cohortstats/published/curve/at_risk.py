"""Numbers at risk under a curve, and the censor marks on it, arm by arm."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.published.curve.clicks import ARM_NAMES, TIME_NAMES, Clicks, arm_rows
from cohortstats.published.curve.columns import Columns, Faults, fold, read_columns
from cohortstats.published.curve.repairs import CLICK, Curve
from cohortstats.stats.doors import number_text

__all__ = ["RiskTable", "check_risk", "lists_steps", "marks_of_arms", "risk_of_arms"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RISK_NAMES = ("n_at_risk", "nrisk", "n_risk", "at_risk", "number_at_risk", "risk", "n")
_PREFIX = re.compile(r"^(n_at_risk|number_at_risk|at_risk|nrisk|n_risk|risk|n)_+", re.IGNORECASE)
UNITS_APART = 3.0  # how much longer than the curve a risk table may be before the units are in doubt
FEW_DECIMALS = 3  # levels to at least so many decimals are a list of steps, whose end may lie before that of follow-up


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskTable:
    """Patients at risk just before some times, from time 0 on.

    Parameters
    ----------
    time, n
        Times in order, and numbers that do not rise.
    name, is_file, lines
        Where they came from.
    """

    time: Floats
    n: Ints
    name: str = "at_risk"
    is_file: bool = False
    lines: Ints | None = None

    def tell(self, found: Faults, code: str, message: str, mend: str = "") -> None:
        """Note what is wrong with the numbers."""
        found.add(code, message, mend, name=self.name, is_file=self.is_file)


def risk_of_arms(at_risk: Any, arms: Sequence[Clicks], arm: str | None, found: Faults) -> dict[str, RiskTable]:
    """Numbers at risk of each curve, by its name.

    Parameters
    ----------
    at_risk
        Path, frame or dictionary: ``time, n_at_risk[, arm]``, or ``time`` and a column an arm; None for none. A
        dictionary of arm -> any of these is read, too.
    arms
        The curves.
    arm
        Which arm's numbers a curve without a name takes, when there are several.
    found
        Takes the faults.
    """
    if at_risk is None:
        return {}
    if isinstance(at_risk, Mapping) and any(isinstance(v, str | Path) or hasattr(v, "items") for v in at_risk.values()):
        tables: dict[str, RiskTable] = {}
        for name, source in at_risk.items():
            tables |= {str(name): table for table in risk_of_arms(source, [_nameless(arms[0])], arm, found).values()}
        return _matched(tables, arms, arm, "at_risk", found)
    columns = read_columns(at_risk, "at_risk", found, headless=("time", "n_at_risk"))
    if columns is None:
        return {}
    time, group, single = (columns.find(names) for names in (TIME_NAMES, ARM_NAMES, RISK_NAMES))
    if time is None:
        there = ", ".join(columns.names)
        columns.tell(found, "column-missing", f"there is no column time; columns are {there}.")
        return {}
    wide = [name for name in columns.names if name not in (time, group)]
    if single is None and (group is not None or not wide):
        there = ", ".join(columns.names)
        columns.tell(found, "column-missing", f"there is no column n_at_risk; columns are {there}.")
        return {}
    if single is not None:
        pieces = [(name, single, rows) for name, rows in arm_rows(columns, group)]
    else:
        pieces = [(_PREFIX.sub("", name), name, slice(None)) for name in wide]
        if len(pieces) == 1 and all(not one.arm for one in arms):
            pieces = [("", wide[0], slice(None))]
    tables = {}
    for name, column, rows in pieces:
        table = _table(columns, time, column, rows, found)
        if table is not None:
            tables[name] = table
    return _matched(tables, arms, arm, columns.name, found)


def _nameless(one: Clicks) -> Clicks:
    import dataclasses

    return dataclasses.replace(one, arm="")


def _table(columns: Columns, time: str, column: str, rows: Any, found: Faults) -> RiskTable | None:
    """Numbers of one arm; an empty cell at the end of a column is no number."""
    problems = len(found.problems) + len(found.sentences)
    times, numbers = columns.numbers(time, found)[rows], columns.numbers(column, found, gaps=True)[rows]
    if len(found.problems) + len(found.sentences) > problems:
        return None
    there = np.isfinite(numbers)
    times, numbers = times[there], numbers[there]
    lines = None if columns.lines is None else columns.lines[rows][there]
    for value in numbers[(numbers < 0) | (numbers != np.floor(numbers))][:5]:
        message = f"{number_text(value)} is no number of patients."
        columns.tell(found, "number-not-integer", message, column=column)
        return None
    for value in times[times < 0][:5]:
        columns.tell(found, "time-negative", f"time is {number_text(value)}; times start at 0.", column=time)
        return None
    order = np.argsort(times, kind="stable")
    return RiskTable(
        time=times[order],
        n=numbers[order].astype(np.int64),
        name=columns.name,
        is_file=columns.is_file,
        lines=None if lines is None else lines[order],
    )


def _matched(
    tables: dict[str, RiskTable], arms: Sequence[Clicks], arm: str | None, name: str, found: Faults
) -> dict[str, RiskTable]:
    """The table of each curve, by the name of the curve."""
    matched = {}
    for one in arms:
        wanted = arm if arm is not None and not one.arm else one.arm
        near = [key for key in tables if fold(key) == fold(wanted)]
        if near:
            matched[one.arm] = tables[near[0]]
        elif len(tables) == 1 and (not wanted or "" in tables) and len(arms) == 1:
            matched[one.arm] = next(iter(tables.values()))
        elif not wanted and (part := _named_by_file(one, tables)):
            matched[one.arm] = tables[part]
        elif tables:
            held = ", ".join(key or "no name" for key in tables)
            what = f"numbers at risk are those of {held}; "
            whose = f"none of them is {wanted}." if wanted else "name the one of this curve with arm."
            source = next(iter(tables.values()))
            found.add("column-missing", what + whose, name=name, is_file=source.is_file)
    return matched


def _named_by_file(one: Clicks, tables: Mapping[str, RiskTable]) -> str:
    """The arm whose name is a word of the file's name, when exactly one is."""
    words = set(re.split(r"[^0-9a-z]+", Path(one.name).stem.casefold())) if one.is_file else set()
    named = [key for key in tables if key.casefold() in words]
    return named[0] if len(named) == 1 else ""


def marks_of_arms(censor_marks: Any, arms: Sequence[Clicks], found: Faults) -> dict[str, Floats]:
    """Times of the censor marks of each curve, by its name: path, frame, dictionary, or times of the only curve."""
    if censor_marks is None:
        return {}
    if not isinstance(censor_marks, str | Path) and not hasattr(censor_marks, "items"):
        censor_marks = {"time": np.atleast_1d(np.asarray(censor_marks))}
    columns = read_columns(censor_marks, "censor_marks", found, headless=("time",))
    if columns is None:
        return {}
    time, group = columns.find(TIME_NAMES), columns.find(ARM_NAMES)
    if time is None:
        columns.tell(found, "column-missing", f"there is no column time; columns are {', '.join(columns.names)}.")
        return {}
    values = columns.numbers(time, found)
    if (values < 0).any():
        message = f"a censor mark stands at {number_text(float(values.min()))}; times start at 0."
        columns.tell(found, "time-negative", message)
    by_name = {fold(name): np.sort(values[rows]) for name, rows in arm_rows(columns, group)}
    if group is None and len(arms) > 1:
        columns.tell(
            found, "column-missing", f"there are {len(arms)} curves; a column arm must say whose marks these are."
        )
    return {one.arm: by_name.get(fold(one.arm), by_name.get("", np.zeros(0))) for one in arms}


def check_risk(
    table: RiskTable | None, n: int | None, curve: Curve, digits: int, clicks: Clicks, found: Faults
) -> tuple[RiskTable, list[str]] | None:
    """Numbers that start at time 0 and fit the axis of the curve, with what was taken for granted; None after a fault.

    Parameters
    ----------
    table
        What was read, or None.
    n
        Patients, when said beside the table.
    curve
        The mended curve.
    digits
        Decimals of its levels.
    clicks
        Its source.
    found
        Takes the faults.
    """
    if table is None or not table.time.size:
        if n is None:
            clicks.tell(found, "n-mismatch", "the number of patients is not known.", "Give n, or the numbers at risk.")
            return None
        return RiskTable(time=np.zeros(1), n=np.array([n], dtype=np.int64)), []
    time, numbers = table.time, table.n
    before = len(found.problems) + len(found.sentences)
    for at in np.flatnonzero(np.diff(numbers) > 0)[:20].tolist():
        then, now = (f"{numbers[row]} at {number_text(time[row])}" for row in (at, at + 1))
        table.tell(found, "n-mismatch", f"{now} after {then}.", "Numbers at risk cannot rise.")
    twice = np.flatnonzero((np.diff(time) == 0) & (np.diff(numbers) != 0))
    for at in twice[:20].tolist():
        table.tell(found, "n-mismatch", f"{numbers[at]} and {numbers[at + 1]} both stand at {number_text(time[at])}.")
    # Ticks are read from an axis: one a hair beside 0 is that of all patients.
    starts = time[0] <= CLICK * max(curve.end, float(time[-1]))
    if starts and n is not None and numbers[0] != n:
        table.tell(found, "n-mismatch", f"starts with {numbers[0]}, {'--n' if table.is_file else 'n'} says {n}.")
    if not starts and n is None:
        message = f"starts at {number_text(time[0])}; how many there were at 0 is not known."
        table.tell(found, "n-mismatch", message, "Give n, or the number at 0.")
    if not starts and n is not None and numbers[0] > n:
        table.tell(found, "n-mismatch", f"{numbers[0]} at {number_text(time[0])}, n says {n}.", "Numbers cannot rise.")
    notes = _check_axis(table, curve, digits, found)
    if len(found.problems) + len(found.sentences) > before:
        return None
    if starts:
        time = np.append(0.0, time[1:])
    else:
        assert n is not None
        time, numbers = np.append(0.0, time), np.append(n, numbers)
    kept = np.append(True, np.diff(time) > 0)
    return RiskTable(time=time[kept], n=numbers[kept], name=table.name, is_file=table.is_file), notes


def lists_steps(curve: Curve, digits: int) -> bool:
    """Whether a curve is a list of exact steps rather than clicks on a picture."""
    return curve.located or digits >= FEW_DECIMALS


def _check_axis(table: RiskTable, curve: Curve, digits: int, found: Faults) -> list[str]:
    """Refuse numbers at risk where there is no curve; a list of steps may end before follow-up does."""
    last = float(table.time[-1])
    if curve.end <= 0:
        return []
    if last > UNITS_APART * curve.end or 0 < last < curve.end / 12:
        ends = f"last click {number_text(curve.end)}, last risk time {number_text(last)}: units differ?"
        table.tell(found, "unit-mismatch", ends)
        return []
    beyond = (table.time > curve.end) & (table.n > 0)
    if not beyond.any():
        return []
    if curve.ends_open and lists_steps(curve, digits):
        return ["curve drawn on to the last number at risk"]
    at = int(np.flatnonzero(beyond)[0])
    message = f"{table.n[at]} at {number_text(table.time[at])}, the curve ends at {number_text(curve.end)}."
    table.tell(found, "unit-mismatch", message)
    return []
