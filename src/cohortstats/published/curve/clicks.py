"""A clicked curve as it came from a digitiser: times and levels, arm by arm, nothing mended yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.published.curve.columns import Columns, Faults, read_columns
from cohortstats.stats.results import RichResult

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ARM_NAMES", "TIME_NAMES", "Clicks", "arm_rows", "read_clicks"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TIME_NAMES = ("time", "t", "x", "trisk", "times", "months", "month", "days", "day", "weeks", "week", "years", "year")
LEVEL_NAMES = ("survival", "surv_pct", "surv", "s", "y", "survival_pct", "surv_percent", "percent", "probability")
ARM_NAMES = ("arm", "group", "treatment", "strata", "curve")
PERCENT_FROM = 1.5  # a level above it can be no share


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Clicks(RichResult):
    """Clicks of one curve.

    Parameters
    ----------
    arm
        Name of the curve; empty when there is one curve without a name.
    time, survival
        One value a click, survival as a share, in the order of the source.
    name, is_file, lines
        The file or argument that they came from, and the line of each; None counts rows from 1.
    unit
        Smallest difference of levels that the source can show, as a share; 0 when only the digits tell.
    located
        Whether each step is known to be one, as the corners of a vector path are.

    Examples
    --------
    >>> curve = Clicks(arm="", time=np.array([0.0, 20.0]), survival=np.array([1.0, 0.9]), name="curve")
    >>> curve.to_frame()
       time  survival
    0   0.0       1.0
    1  20.0       0.9
    """

    arm: str
    time: Floats
    survival: Floats
    name: str
    is_file: bool = False
    lines: Ints | None = None
    unit: float = 0.0
    located: bool = False

    def to_frame(self) -> pd.DataFrame:
        """time, survival, and arm where the curve has a name."""
        import pandas as pd

        frame = pd.DataFrame({"time": self.time, "survival": self.survival})
        return frame.assign(arm=self.arm) if self.arm else frame

    def tell(self, found: Faults, code: str, message: str, mend: str = "", *, row: int | None = None) -> None:
        """Note what is wrong with a click, or with the curve."""
        line = None if row is None else (row + 1 if self.lines is None else int(self.lines[row]))
        found.add(code, message, mend, name=self.name, is_file=self.is_file, line=line)


def read_clicks(curve: Any, found: Faults, *, rising: bool) -> list[Clicks]:
    """The curves of a source: one, one an arm by a column ``arm``, or one for each entry of a dictionary.

    Parameters
    ----------
    curve
        Path, frame, dictionary of columns, `Clicks`, or a dictionary of arm -> any of these.
    found
        Takes the faults.
    rising
        The levels count up, as cumulative incidence does.
    """
    if isinstance(curve, Clicks):
        return [_counted_down(curve, found, rising)]
    if isinstance(curve, Mapping) and any(_is_source(value) for value in curve.values()):
        several: list[Clicks] = []
        for arm, source in curve.items():
            several += [_named(one, str(arm), found) for one in read_clicks(source, found, rising=rising)]
        return several
    columns = read_columns(curve, "curve", found, headless=("time", "survival"))
    return [] if columns is None else _split(columns, found, rising)


def _is_source(value: object) -> bool:
    return isinstance(value, str | Clicks) or hasattr(value, "items") or hasattr(value, "__fspath__")


def _named(clicks: Clicks, arm: str, found: Faults) -> Clicks:
    if clicks.arm and clicks.arm != arm:
        clicks.tell(found, "key-conflict", f"the curve of arm {arm} holds the arm {clicks.arm}, too.")
    return _with(clicks, arm=arm)


def _with(clicks: Clicks, **changes: Any) -> Clicks:
    import dataclasses

    return dataclasses.replace(clicks, **changes)


def _split(columns: Columns, found: Faults, rising: bool) -> list[Clicks]:
    time, level, arm = (columns.find(names) for names in (TIME_NAMES, LEVEL_NAMES, ARM_NAMES))
    for wanted, name in (("time", time), ("survival", level)):
        if name is None:
            there = ", ".join(columns.names) or "none"
            message = f"there is no column {wanted}; columns are {there}."
            columns.tell(found, "column-missing", message, f"Name the column {wanted}.")
    if time is None or level is None:
        return []
    times, levels = columns.numbers(time, found), columns.numbers(level, found)
    if found:
        return []
    if levels.size and levels.max() > PERCENT_FROM:
        levels = levels / 100
    curves = []
    for name, rows in arm_rows(columns, arm):
        lines = None if columns.lines is None else columns.lines[rows]
        if lines is None and arm is not None:
            lines = np.arange(1, len(times) + 1)[rows]
        one = Clicks(
            arm=name,
            time=times[rows],
            survival=levels[rows],
            name=columns.name,
            is_file=columns.is_file,
            lines=lines,
        )
        curves.append(_counted_down(one, found, rising))
    return curves


def arm_rows(columns: Columns, arm: str | None) -> list[tuple[str, Any]]:
    """Rows of each arm, in categorical order or else sorted; all rows under no name without such a column."""
    if arm is None:
        return [("", slice(None))]
    labels = columns.cells[arm]
    names = np.array([str(label).strip() for label in labels], dtype=object)
    there = set(names.tolist())
    order = [level for level in columns.orders.get(arm, ()) if level in there] or sorted(there)
    return [(name, np.flatnonzero(names == name)) for name in order]


def _counted_down(clicks: Clicks, found: Faults, rising: bool) -> Clicks:
    """Survival, whichever way the curve counts; a curve that goes the other way than it is said to is told."""
    level = clicks.survival
    if len(level) < 2:
        return _with(clicks, survival=1 - level) if rising else clicks
    order = np.argsort(clicks.time, kind="stable")
    first, last = float(level[order[0]]), float(level[order[-1]])
    if rising:
        if last < first:
            message = f"curve starts at {first:g} and falls to {last:g}, so it counts down."
            clicks.tell(found, "curve-rises", message, "Leave --rising out.")
        return _with(clicks, survival=1 - level)
    if first < 0.5 and last > first:
        message = f"curve starts at {first:g} and rises: cumulative incidence? use --rising."
        clicks.tell(found, "curve-rises", message)
    return clicks
