"""The table of events: per group, at each distinct time, how many are at risk, have the event, are censored."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.engines import TableName, ask_rows
from cohortstats.stats.doors import number_text, refuse
from cohortstats.stats.event_counts import (
    BLOCK,
    at_risk,
    count_patients,
    freeze,
    frozen,
    merge_near_ties,
    with_late_entries,
)
from cohortstats.stats.event_door import read_counts, read_labels, read_patients, read_times, refuse_entries
from cohortstats.stats.query_door import read_query
from cohortstats.stats.results import RichResult

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EventTable", "RiskSets"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COUNTS = ("n_at_risk", "n_event", "n_censored")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskSets:
    """At risk and events at each event time of one stratum: one row a time, one column a group."""

    time: Floats
    at_risk: Floats
    n_event: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class EventTable(RichResult):
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
        object.__setattr__(self, "time", frozen(np.asarray(self.time)))
        for name in ("stratum", "group", "n_at_risk", "n_event", "n_censored"):
            object.__setattr__(self, name, frozen(np.asarray(getattr(self, name)), np.int64))

    @property
    def n(self) -> Ints:
        """Patients in each group, strata together."""
        return self._by_group(self.n_event) + self._by_group(self.n_censored)

    @property
    def n_events(self) -> Ints:
        """Events in each group, strata together."""
        return self._by_group(self.n_event)

    @property
    def delayed_entry(self) -> bool:
        """Whether anyone enters later than the first time of their group."""
        for _, _, rows in self.cells():
            risk = self.n_at_risk[rows]
            # With nobody entering, who is at risk at a row and does not leave at it is at risk at the next.
            stay = risk - self.n_event[rows]
            stay -= self.n_censored[rows]
            if stay[-1] or (stay[:-1] != risk[1:]).any():
                return True
        return False

    def _by_group(self, counts: Ints) -> Ints:
        totals = np.zeros(len(self.groups), dtype=np.int64)
        for _, group, rows in self.cells():
            totals[group] += counts[rows].sum()
        return totals

    def cells(self) -> Iterator[tuple[int, int, slice]]:
        """Each stratum and group that has rows, as positions of their names, with the rows."""
        cell = self.stratum * len(self.groups) + self.group if self.strata else self.group
        ends = np.searchsorted(cell, np.arange(len(self.strata or ("all",)) * len(self.groups)), side="right")
        starts = np.concatenate([[0], ends[:-1]])
        for code in np.flatnonzero(ends > starts).tolist():
            yield code // len(self.groups), code % len(self.groups), slice(int(starts[code]), int(ends[code]))

    def reversed(self) -> EventTable:
        """Table in which follow-up ends are the events, and events censor: nobody else changes.

        At a tie the follow-up that ends now comes first, so who had the event at t is at risk at t.

        Raises
        ------
        InputError
            With late entries, when a group has no row at a time at which another group's follow-up ends: a test of
            the groups would need one, and only the patients know who was at risk then.

        Notes
        -----
        R: ``Surv(time, 1 - event)``.

        Examples
        --------
        >>> EventTable.from_arrays([20, 36, 42, 42, 70], [1, 1, 1, 0, 0]).reversed().to_frame()
          group  time  n_at_risk  n_event  n_censored
        0   all  20.0          5        0           1
        1   all  36.0          4        0           1
        2   all  42.0          3        1           1
        3   all  70.0          1        1           0
        """
        if self.delayed_entry:
            refuse(self._rows_a_test_would_lack())
        return self.with_event_reversed()

    def with_event_reversed(self) -> EventTable:
        return dataclasses.replace(self, n_event=self.n_censored, n_censored=self.n_event)

    def _rows_a_test_would_lack(self) -> list[str]:
        """A sentence about the first group without a row at a time at which another group's follow-up ends."""
        for stratum in range(len(self.strata or ("all",))):
            rows = slice(*np.searchsorted(self.stratum, [stratum, stratum + 1]))
            ends = np.unique(self.time[rows][self.n_censored[rows] > 0])
            for _, group, mine in (cell for cell in self.cells() if cell[0] == stratum):
                time = self.time[mine]
                lacking = ends[(ends <= time[-1]) & ~np.isin(ends, time)]
                if lacking.size:
                    return [
                        f"with late entries the table does not say who of group '{self.groups[group]}' is at risk at "
                        f"{number_text(lacking[0])}; make it from the patients, with the event reversed."
                    ]
        return []

    def risk_sets(self) -> Iterator[RiskSets]:
        """Risk sets at the event times, one a stratum: all that a comparison of the groups is a function of."""
        late = self.delayed_entry
        for stratum in range(len(self.strata or ("all",))):
            rows = slice(*np.searchsorted(self.stratum, [stratum, stratum + 1]))
            yield self._sets_with_late_entries(rows) if late else self._sets_by_merging(rows)

    def _sets_by_merging(self, rows: slice) -> RiskSets:
        """Rows of all groups in one order of time; who has left before a time is counted along it."""
        time, group = self.time[rows], self.group[rows]
        n_event, n_censored = self.n_event[rows], self.n_censored[rows]
        # Each group is one run of times in order, and a stable sort merges runs in linear time.
        order = np.argsort(time, kind="stable")
        at_most, n_groups = np.count_nonzero(n_event), len(self.groups)
        moments, (at_risk, died) = np.empty(at_most), (np.empty((at_most, n_groups), order="F") for _ in range(2))
        ends = np.searchsorted(group, np.arange(n_groups + 1))
        remaining = [int(n_event[i:j].sum() + n_censored[i:j].sum()) for i, j in pairwise(ends)]
        start = filled = 0
        while start < order.size:  # a block of times at a time, which stays in the cache
            stop = min(start + BLOCK, order.size)
            while stop < order.size and time[order[stop]] == time[order[stop - 1]]:
                stop += 1  # a time is never cut in two
            block = order[start:stop]
            t, g, d = time[block], group[block], n_event[block]
            leaving = n_censored[block] + d
            first = np.append(0, np.flatnonzero(t[1:] != t[:-1]) + 1)
            beyond = np.append(first[1:], t.size)
            happened, left = _before(d), _before(leaving)
            event = np.flatnonzero(happened[beyond] > happened[first])
            first, beyond = first[event], beyond[event]
            into = slice(filled, filled + event.size)
            moments[into] = t[first]
            # The last group is what the others leave of everyone; whole numbers, so nothing is rounded.
            died[into, -1], at_risk[into, -1] = happened[beyond] - happened[first], sum(remaining) - left[first]
            remaining[-1] -= int(left[-1])
            for code in range(n_groups - 1):
                mine = g == code
                happened, left = _before(d * mine), _before(leaving * mine)
                died[into, code] = happened[beyond] - happened[first]
                at_risk[into, code] = remaining[code] - left[first]
                died[into, -1] -= died[into, code]
                at_risk[into, -1] -= at_risk[into, code]
                remaining[code] -= int(left[-1])
                remaining[-1] += int(left[-1])
            start, filled = stop, into.stop
        return RiskSets(time=moments[:filled], at_risk=at_risk[:filled], n_event=died[:filled])

    def _sets_with_late_entries(self, rows: slice) -> RiskSets:
        time, group, n_event = self.time[rows], self.group[rows], self.n_event[rows]
        moments = np.unique(time[n_event > 0])
        shape = moments.size, len(self.groups)
        at_risk, died = np.zeros(shape, order="F"), np.zeros(shape, order="F")
        for code in range(len(self.groups)):
            mine = slice(*np.searchsorted(group, [code, code + 1]))
            own, d = time[mine], n_event[mine]
            # At risk at t are those of the group's first row at or after t; past its last row nobody is.
            at_risk[:, code] = np.append(self.n_at_risk[rows][mine], 0)[np.searchsorted(own, moments)]
            died[np.searchsorted(moments, own[d > 0]), code] = d[d > 0]
        return RiskSets(time=moments, at_risk=at_risk, n_event=died)

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
            Merge times that differ by rounding only, as `from_arrays` does: a ``GROUP BY`` keeps them apart. Of rows
            merged, those at risk are at risk at the first.

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
        n_event, n_censored = ordered["n_event"], ordered["n_censored"]
        distinct, place = np.unique(time, return_inverse=True)
        merged = merge_near_ties(distinct) if timefix else None
        if merged is not None:
            time = merged[place]
            first = np.flatnonzero(np.append(True, (np.diff(cell) != 0) | (np.diff(time) != 0)))
            n_event, n_censored = np.add.reduceat(n_event, first), np.add.reduceat(n_censored, first)
            cell, time, n_at_risk = cell[first], time[first], n_at_risk[first]
        return cls(
            groups=group.names,
            strata=stratum.names if "stratum" in frame else None,
            stratum=cell // len(group.names),
            group=cell % len(group.names),
            time=time,
            n_at_risk=n_at_risk,
            n_event=n_event,
            n_censored=n_censored,
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
        groups, strata_names = patients.group.names, patients.stratum.names if patients.stratum else ("all",)
        if patients.weights is not None and not patients.weights.all():
            patients = patients.take(np.flatnonzero(patients.weights))  # a row of weight 0 stands for nobody
        times, entries, cell = patients.time, patients.entry, patients.group.codes
        if patients.stratum:
            cell = cell + patients.stratum.codes * len(groups)
        if entries is not None and timefix:
            times, entries = _merge_together(times, entries)
        # Who enters before anyone has left was there from the start: then the plain table is the right one.
        late = entries is not None and bool(entries.max() >= times.min())
        n_cells = len(groups) * len(strata_names)
        rows = count_patients(times, patients.event, cell, n_cells, patients.weights, timefix and entries is None)
        if entries is not None and late:
            rows, n_at_risk = with_late_entries(rows, entries, cell, patients.weights, len(groups))
        else:
            n_at_risk = at_risk(rows.cell, rows.n_leaving)
        del patients, times, entries, cell
        n_event, n_censored = rows.n_event, rows.n_leaving
        n_censored -= n_event
        stratum, code = (
            np.divmod(rows.cell, len(groups)) if strata is not None else (np.zeros_like(rows.cell), rows.cell)
        )
        return cls(
            groups=groups,
            strata=strata_names if strata is not None else None,
            stratum=freeze(stratum),
            group=freeze(code),
            time=freeze(rows.time),
            n_at_risk=freeze(n_at_risk),
            n_event=freeze(n_event),
            n_censored=freeze(n_censored),
            timefix=timefix,
        )

    @classmethod
    def from_sql(
        cls,
        connection: Any,
        *,
        table: TableName,
        time: str,
        event: str,
        group: str | None = None,
        strata: str | None = None,
        entry: str | None = None,
        weights: str | None = None,
        where: str = "",
        timefix: bool = True,
    ) -> EventTable:
        """Table from one row a patient in a database, by one ``GROUP BY``: the same table as from the arrays.

        Parameters
        ----------
        connection
            An open DuckDB, SQLite or PostgreSQL connection, a Spark session, or a connection of any DB-API driver.
        table
            Its name; ``schema.name``, or the parts as a tuple when there are other signs in them. With DuckDB also a
            file or pattern of Parquet or CSV, such as ``visits/*.parquet``; with Spark of Parquet.
        time, event, entry
            Columns as in `from_arrays`, or expressions of the study file, such as ``days(start, last_seen)`` and
            ``status == 'dead'``.
        group, strata
            Columns of labels: those of an enumerated type in its order, others sorted.
        weights
            Column of whole numbers: patients that a row stands for.
        where
            An expression of the study file, such as ``stage in ['III', 'IV'] and age >= 18``: patients for whom it is
            yes count; those for whom it is no or missing do not.
        timefix
            As in `from_arrays`.

        Raises
        ------
        InputError
            Everything that is wrong with the names and expressions, or else with the values, one sentence each.

        Notes
        -----
        Whole-number times are counted by the engine, and only the counts leave it. Where the first times are not
        whole numbers hardly two patients share one; then the columns themselves are fetched.

        Examples
        --------
        >>> import duckdb
        >>> with duckdb.connect() as connection:
        ...     _ = connection.execute("CREATE TABLE cohort (days INTEGER, died BOOLEAN)")
        ...     _ = connection.execute("INSERT INTO cohort VALUES (20, true), (36, true), (36, false)")
        ...     table = EventTable.from_sql(connection, table="cohort", time="days", event="died")
        >>> table.to_frame()
          group  time  n_at_risk  n_event  n_censored
        0   all  20.0          3        1           0
        1   all  36.0          2        1           1
        """
        rows = ask_rows(
            connection,
            table=table,
            values={
                "time": (time, "number"),
                "event": (event, "yes/no"),
                "entry": (entry, "number"),
                "weights": (weights, "number"),
            },
            labels={"group": group, "strata": strata},
            shared=("time", "entry"),
            where=where,
        )
        one_each = weights is None and bool((rows.n_rows == 1).all())
        patients = read_query(rows)
        return cls.from_arrays(
            patients["time"],
            patients["event"],
            group=patients.get("group"),
            strata=patients.get("strata"),
            entry=patients.get("entry"),
            weights=None if one_each else patients["patients"],
            timefix=timefix,
        )


def _before(counts: Ints) -> Ints:
    """Sum of the counts before each position, and at the end of all."""
    total = np.zeros(counts.size + 1, dtype=np.int64)
    np.cumsum(counts, out=total[1:])
    return total


def _merge_together(time: Floats, entry: Floats) -> tuple[Floats, Floats]:
    """Times and entries with near ties merged among them all; an entry that then meets its exit is refused."""
    distinct, position = np.unique(np.concatenate([time, entry]), return_inverse=True)
    merged = merge_near_ties(distinct)
    if merged is None:
        return time, entry
    time, entry = np.split(merged[position], [time.size])
    refuse_entries(time, entry)
    return time, entry
