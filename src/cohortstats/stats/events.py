"""The table of events: per group, at each distinct time, how many are at risk, have the event, are censored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.doors import number_text, refuse
from cohortstats.stats.event_counts import at_risk, count_patients, merge_near_ties, with_late_entries
from cohortstats.stats.event_door import read_counts, read_labels, read_patients, read_times, refuse_entries
from cohortstats.stats.results import read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EventTable"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COUNTS = ("n_at_risk", "n_event", "n_censored")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventTable:
    """At risk, events and censored, by stratum and group, at each distinct time: what every curve is a function of.

    One row per stratum, group and distinct time at which anyone of it has an event or is censored; with delayed entry
    also at the other groups' event times of that stratum. Rows are ordered by stratum, group and time. At a tie the
    event comes first: who is censored at t is at risk at t. At risk at t = #{entry < t ≤ time}.

    Parameters
    ----------
    groups
        Names in order; a declared level with nobody in it stays, without rows.
    strata
        Names in order, or None when the table has no strata.
    stratum, group
        For each row, the position of its name in ``strata`` and ``groups``.
    time, n_at_risk, n_event, n_censored
        One value a row; counts are patients.
    timefix
        Whether near ties were merged when the table was made.

    Examples
    --------
    >>> table = EventTable.from_arrays([20, 36, 42, 42, 70], [1, 1, 1, 1, 0])
    >>> table.to_frame()
      group  time  n_at_risk  n_event  n_censored
    0   all  20.0          5        1           0
    1   all  36.0          4        1           0
    2   all  42.0          3        2           0
    3   all  70.0          1        0           1
    """

    groups: tuple[str, ...]
    strata: tuple[str, ...] | None
    stratum: Ints
    group: Ints
    time: Floats
    n_at_risk: Ints
    n_event: Ints
    n_censored: Ints
    timefix: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "time", read_only(self.time))
        for name in ("stratum", "group", "n_at_risk", "n_event", "n_censored"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.int64))

    @property
    def n(self) -> Ints:
        """Patients in each group, strata together."""
        return self._by_group(self.n_event + self.n_censored)

    @property
    def n_events(self) -> Ints:
        """Events in each group, strata together."""
        return self._by_group(self.n_event)

    @property
    def delayed_entry(self) -> bool:
        """Whether anyone enters later than the first time of their group."""
        cell = self.stratum * len(self.groups) + self.group
        return bool((at_risk(cell, self.n_event + self.n_censored) != self.n_at_risk).any())

    def _by_group(self, counts: Ints) -> Ints:
        return np.bincount(self.group, counts, len(self.groups)).astype(np.int64)

    def to_frame(self) -> pd.DataFrame:
        """[stratum,] group, time, n_at_risk, n_event, n_censored; names are categories, so empty groups are kept."""
        import pandas as pd

        columns: dict[str, Any] = {}
        if self.strata is not None:
            columns["stratum"] = pd.Categorical.from_codes(self.stratum, categories=pd.Index(self.strata))
        columns["group"] = pd.Categorical.from_codes(self.group, categories=pd.Index(self.groups))
        return pd.DataFrame(columns | {name: getattr(self, name) for name in ("time", *COUNTS)})

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, timefix: bool = True) -> EventTable:
        """Table from a frame as `to_frame` gives it, or as ``GROUP BY`` in a database gives it.

        Parameters
        ----------
        frame
            Columns ``time``, ``n_event``, ``n_censored``, and where they apply ``stratum``, ``group`` and
            ``n_at_risk``. Without ``n_at_risk`` nobody enters late. Rows come in any order, each time once a group.
        timefix
            Whether near ties were merged when the rows were made; it is only recorded.

        Raises
        ------
        InputError
            Columns or values missing, times that repeat, counts that are no counts or exceed those at risk.

        Examples
        --------
        >>> table = EventTable.from_arrays([20, 36, 42, 42, 70], [1, 1, 1, 1, 0])
        >>> EventTable.from_frame(table.to_frame()).n_at_risk
        array([5, 4, 3, 1])
        """
        needed = ("time", "n_event", "n_censored")
        refuse([f"the frame has no column '{name}'." for name in needed if name not in frame])
        refuse([] if len(frame) else ["there are no patients."])
        problems: list[str] = []
        time = read_times("time", frame["time"], problems)
        counts = {
            name: read_counts(name, frame[name], problems, f"{name} must be whole numbers ≥ 0")
            for name in COUNTS
            if name in frame
        }
        group = read_labels("group", frame.get("group"), len(frame), problems)
        stratum = read_labels("stratum", frame.get("stratum"), len(frame), problems)
        refuse(problems)
        assert time is not None
        cell = stratum.codes * len(group.names) + group.codes
        order = np.lexsort((time, cell))
        cell, time = cell[order], time[order]
        ordered = {name: column[order] for name, column in counts.items() if column is not None}
        leaving = ordered["n_event"] + ordered["n_censored"]
        n_at_risk = ordered["n_at_risk"] if "n_at_risk" in ordered else at_risk(cell, leaving)
        again = np.flatnonzero((np.diff(cell) == 0) & (np.diff(time) == 0))
        problems += [f"time {number_text(t)} appears twice in one group." for t in time[again]]
        short = np.flatnonzero(leaving > n_at_risk)
        problems += [f"more patients leave at time {number_text(t)} than are at risk." for t in time[short]]
        refuse(problems)
        return cls(
            groups=group.names,
            strata=stratum.names if "stratum" in frame else None,
            stratum=cell // len(group.names),
            group=cell % len(group.names),
            time=time,
            n_at_risk=n_at_risk,
            n_event=ordered["n_event"],
            n_censored=ordered["n_censored"],
            timefix=timefix,
        )

    @classmethod
    def from_arrays(
        cls,
        time: Any,
        event: Any,
        group: Any = None,
        strata: Any = None,
        entry: Any = None,
        weights: Any = None,
        timefix: bool = True,
    ) -> EventTable:
        """Table from one value a patient.

        Parameters
        ----------
        time
            Follow-up from time 0, any unit, 0 or above; shape (n,). Nothing may be missing here or below.
        event
            Booleans or 0/1: whether the event happened at ``time``.
        group
            Labels in their categorical order, else sorted; None makes one group ``all``.
        strata
            Labels like ``group``; tests then compare within strata.
        entry
            Time at which each patient comes under observation, before ``time``; None is from the start.
        weights
            Patients that each row stands for, whole numbers.
        timefix
            Merge times that differ by rounding only, as R does: neighbours among the distinct times of the whole
            input whose gap is at most 2^−26, absolutely or relative to the mean, take the first value of their run.

        Raises
        ------
        InputError
            Everything that is wrong with the arrays, one sentence each.

        Notes
        -----
        R: ``survfit(Surv(time, event) ~ group)`` holds the same counts; ``aeqSurv`` merges the near ties.

        Examples
        --------
        >>> table = EventTable.from_arrays([0.3, 0.1 + 0.2, 0.5], [True, True, False], group=["a", "a", "b"])
        >>> table.groups, table.time, table.n_event
        (('a', 'b'), array([0.3, 0.5]), array([2, 0]))
        """
        patients = read_patients(time, event, group, strata, entry, weights)
        times, entries, codes = patients.time, patients.entry, patients.group.codes
        groups, strata_names = patients.group.names, patients.stratum.names if patients.stratum else ("all",)
        if patients.stratum:
            codes = codes + patients.stratum.codes * len(groups)
        if entries is not None and timefix:
            times, entries = _merge_together(times, entries)
        # Who enters before anyone has left was there from the start: then the plain table is the right one.
        late = entries is not None and bool(entries.max() >= times.min())
        n_cells = len(groups) * len(strata_names)
        rows = count_patients(times, patients.event, codes, n_cells, patients.weights, timefix and entries is None)
        if entries is not None and late:
            rows, n_at_risk = with_late_entries(rows, entries, codes, patients.weights, len(groups))
        else:
            n_at_risk = at_risk(rows.cell, rows.n_leaving)
        return cls(
            groups=groups,
            strata=patients.stratum.names if patients.stratum else None,
            stratum=rows.cell // len(groups),
            group=rows.cell % len(groups),
            time=rows.time,
            n_at_risk=n_at_risk,
            n_event=rows.n_event,
            n_censored=rows.n_leaving - rows.n_event,
            timefix=timefix,
        )


def _merge_together(time: Floats, entry: Floats) -> tuple[Floats, Floats]:
    """Times and entries with near ties merged among them all; an entry that then meets its exit is refused."""
    distinct, position = np.unique(np.concatenate([time, entry]), return_inverse=True)
    merged = merge_near_ties(distinct)
    if merged is None:
        return time, entry
    time, entry = np.split(merged[position], [time.size])
    refuse_entries(time, entry)
    return time, entry
