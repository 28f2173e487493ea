"""What is mended in a clicked curve, each repair counted; a fault that no click explains is refused."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cohortstats.published.curve.clicks import Clicks
from cohortstats.published.curve.columns import Faults
from cohortstats.stats.doors import number_text

__all__ = ["Curve", "Repair", "mend_clicks"]

Floats = NDArray[np.float64]

CLICK = 0.01  # how far off a click may be, as a share of its axis
ABOVE_ONE = 1.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One kind of change to the input.

    Parameters
    ----------
    what
        What was done.
    count
        How often.
    where
        Times or lines of the first few.

    Examples
    --------
    >>> repair = Repair(what="(0, 1) added", count=1, where="0")
    >>> repair["count"], repair.as_dict()
    (1, {'what': '(0, 1) added', 'count': 1, 'where': '0'})
    """

    what: str
    count: int
    where: str

    def as_dict(self) -> dict[str, object]:
        """Fields in the order in which they are printed."""
        return {"what": self.what, "count": self.count, "where": self.where}

    def __getitem__(self, name: str) -> object:
        return self.as_dict()[name]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """A curve that starts at (0, 1) and falls: at a time that stands twice, first the level before, then the one after.

    Parameters
    ----------
    time, survival
        One value a point.
    clicked
        Whether the point was clicked; (0, 1) may be ours.
    located, unit
        As in `Clicks`.
    """

    time: Floats
    survival: Floats
    clicked: NDArray[np.bool_]
    unit: float = 0.0
    located: bool = False

    @property
    def end(self) -> float:
        """Last time of the curve."""
        return float(self.time[-1])

    @property
    def ends_open(self) -> bool:
        """Whether the last point is a drop above 0: a list of steps does not say how long who is left was followed."""
        return bool(0 < self.survival[-1] < self.survival[-2])

    def drawn_on(self, end: float) -> Curve:
        """The same curve, level to a later end."""
        return dataclasses.replace(
            self,
            time=np.append(self.time, end),
            survival=np.append(self.survival, self.survival[-1]),
            clicked=np.append(self.clicked, False),
        )

    def steps(self) -> tuple[Floats, Floats]:
        """Times at which the curve falls, and the level after each."""
        lower = np.flatnonzero(self.survival[1:] < self.survival[:-1]) + 1
        time, level = self.time[lower], self.survival[lower]
        last = np.append(time[1:] > time[:-1], True) if time.size else np.zeros(0, dtype=bool)
        return time[last], level[last]


def mend_clicks(clicks: Clicks, last_time: float, found: Faults) -> tuple[Curve, list[Repair]] | None:
    """A curve to compute with, and what was mended; None after a fault.

    Parameters
    ----------
    clicks
        What was clicked.
    last_time
        Last time of the numbers at risk, or 0: the axis is at least so long.
    found
        Takes the faults.
    """
    n = len(clicks.time)
    if n < 2:
        clicks.tell(found, "file-empty", f"{n} click{'' if n == 1 else 's'}; a curve needs at least 2.")
        return None
    time, level = clicks.time + 0.0, clicks.survival  # -0 is 0
    repairs: list[Repair] = []
    if not _in_range(clicks, time, level, last_time, found):
        return None
    early, above = time < 0, level > 1
    if early.any():
        repairs.append(_repair("time below 0 moved to 0", np.flatnonzero(early), time))
        time = np.where(early, 0.0, time)
    if above.any():
        repairs.append(_repair("level above 1 lowered to 1", np.flatnonzero(above), time))
        level = np.minimum(level, 1.0)
    rows = np.arange(n)
    if (np.diff(time) < 0).any() or ((np.diff(time) == 0) & (np.diff(level) > 0)).any():
        moved = _out_of_order(time, level)
        repairs.append(_repair("click out of order sorted", moved, time))
        rows = np.lexsort((-level, time))
        time, level = time[rows], level[rows]
    clicked = np.ones(n, dtype=bool)
    if time[0] > 0 or level[0] < 1:
        repairs.append(Repair(what="(0, 1) added", count=1, where="0"))
        time, level, rows = (np.append(first, rest) for first, rest in ((0.0, time), (1.0, level), (-1, rows)))
        clicked = np.append(False, clicked)
    inner = np.zeros(time.size, dtype=bool)
    inner[1:-1] = (time[1:-1] == time[:-2]) & (time[1:-1] == time[2:])
    if inner.any():
        repairs.append(_repair("click between two at the same time left out", np.flatnonzero(inner), time))
        time, level, clicked, rows = time[~inner], level[~inner], clicked[~inner], rows[~inner]
    lowest = np.minimum.accumulate(level)
    rise = level - lowest
    if rise.any():
        worst = np.flatnonzero(rise > CLICK / 2 + 1e-12)
        if worst.size:
            at = int(worst[0])
            before, after, when = number_text(lowest[at]), number_text(level[at]), number_text(time[at])
            message = f"survival rises from {before} to {after} at {when}; more than a click."
            clicks.tell(found, "curve-rises", message, "Is this another arm?", row=int(rows[at]))
            return None
        repairs.append(_repair("rise of at most half a click flattened", np.flatnonzero(rise > 0), time))
        level = lowest
    return Curve(time=time, survival=level, clicked=clicked, unit=clicks.unit, located=clicks.located), repairs


def _in_range(clicks: Clicks, time: Floats, level: Floats, last_time: float, found: Faults) -> bool:
    """Whether all clicks are where a click can be."""
    axis = max(float(time.max()), last_time)
    before = len(found.problems) + len(found.sentences)
    for row in np.flatnonzero((time < 0) & (time <= -CLICK * axis))[:20].tolist():
        clicks.tell(found, "time-negative", f"time is {number_text(time[row])}; times start at 0.", row=row)
    for row in np.flatnonzero(level > ABOVE_ONE)[:20].tolist():
        message = f"survival is {number_text(level[row])}; it is at most 1."
        clicks.tell(found, "out-of-range", message, "Percent are read as such when a value is above 1.5.", row=row)
    for row in np.flatnonzero(level < 0)[:20].tolist():
        clicks.tell(found, "out-of-range", f"survival is {number_text(level[row])}; it is at least 0.", row=row)
    return len(found.problems) + len(found.sentences) == before


def _out_of_order(time: Floats, level: Floats) -> NDArray[np.intp]:
    """Clicks that stand behind a later one, or under a lower one of the same time."""
    late = time < np.maximum.accumulate(time)
    late[1:] |= (time[1:] == time[:-1]) & (level[1:] > level[:-1])
    return np.flatnonzero(late)


def _repair(what: str, rows: NDArray[np.intp], time: Floats) -> Repair:
    shown = ", ".join(number_text(time[row]) for row in rows[:5])
    return Repair(what=what, count=int(rows.size), where=f"{shown}, …" if rows.size > 5 else shown)
