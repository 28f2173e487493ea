"""Time-to-event endpoints, from a time and a status or from dates.

Nobody is dropped: who has no time keeps a row with the reason. A date before the start, a negative time and a status
coded 1/2 are errors at this door.
"""

from __future__ import annotations

import dataclasses
import unicodedata

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.cohort import Cohort, Variable, level_codes
from cohortstats.derivations.event_dates import DAYS_IN, causes, times_from_dates
from cohortstats.derivations.findings import Findings
from cohortstats.derivations.occasions import Mask
from cohortstats.errors import InputError
from cohortstats.expressions import Values, resolve
from cohortstats.study import TimeToEventEndpoint

__all__ = ["DAYS_IN", "competing_events", "time_to_event"]


def time_to_event(cohort: Cohort, endpoint: TimeToEventEndpoint, found: Findings) -> pd.DataFrame | None:
    """Times and statuses of an endpoint.

    Parameters
    ----------
    cohort
        With every variable that the endpoint names.
    endpoint
        The declaration: ``time`` and ``event`` (form a), or ``start`` and dates (form b). ``event`` and ``censor`` are
        short for one entry of ``events`` and of ``censors``.
    found
        Takes the problems.

    Returns
    -------
    DataFrame or None
        Index patient id; ``time`` in the unit of the endpoint, ``event`` boolean, ``reason``; the ``date`` that ended
        the time, ``table`` and ``row`` of the record it stands in (the cut-off stands in none) and the part of it that
        was ``imputed``; ``entry``, the time of coming under observation, 0 for the start; ``cause``, a categorical of
        ``censored``, ``event`` and ``death``, the last where deaths are competing. None when the endpoint cannot be
        made.

    Notes
    -----
    Form b: the event is the earliest of ``events``, on or before the data cut-off of the endpoint, else of the study,
    and before the first of ``stops``; of two on one day the entry that stands first. Without event the time ends at the
    first stop, or at the last adequate assessment before it; else at the latest of ``censors``, on or before the
    cut-off; else at the cut-off where an entry of ``censors`` says so. With ``gaps`` an event more than missed x
    interval + tolerance days after the last adequate assessment before it (the start where there is none) is not known
    to be on time: the time ends at that assessment. A start after the cut-off leaves the analysis.

    The short form takes an event or a last observation after the cut-off for a proof of observation up to it.

    ``time = end - start``, plus one with ``plus_one``, divided by 7, 30.4375 or 365.25. Time 0 stays 0.
    """
    if not all(resolve(name, cohort.variables) for name in endpoint.parts):
        return None  # what it needs has a problem of its own
    return times_from_dates(cohort, endpoint, found) if endpoint.start else _from_times(cohort, endpoint, found)


def competing_events(cohort: Cohort, endpoint: TimeToEventEndpoint) -> pd.DataFrame:
    """Time and cause with deaths as a competing event, whatever the endpoint makes of them.

    For the cumulative incidence beside an endpoint that has ``deaths``: a patient who died without the event has the
    day of death.

    Returns
    -------
    DataFrame
        Index patient id, those with a time; ``time`` and ``cause``, as `time_to_event` gives them.

    Notes
    -----
    R: ``survfit(Surv(time, cause) ~ 1)`` with a factor whose first level is censored.
    """
    competing = dataclasses.replace(endpoint, deaths="competing")
    frame = time_to_event(cohort, competing, Findings(cohort, {}))
    if frame is None:
        raise InputError(f"{endpoint.name} has no times.")
    return frame.loc[frame["time"].notna(), ["time", "cause"]]


# ---------------------------------------------------------------------------------------------------------------------
# Form a: a time and a status
# ---------------------------------------------------------------------------------------------------------------------


def _known(cohort: Cohort, name: str) -> tuple[str, Values]:
    column = cohort.variable(name).name
    return column, cohort.known(column)


def _from_times(cohort: Cohort, endpoint: TimeToEventEndpoint, found: Findings) -> pd.DataFrame | None:
    key = f"endpoints.{endpoint.name}"
    time_name, times = _known(cohort, endpoint.time)
    event_name, events = _known(cohort, endpoint.event)
    status = _status(events, event_name, key, found)
    if times.kind != "number":
        found.study("key-type", f"{key}.time", f"{time_name} is a {times.kind}; a time is a number.")
        return None
    if status is None:
        return None
    unit = cohort.variables[time_name].unit
    if unit and _same(unit) != _same(endpoint.unit):
        message = f"{time_name} is in {unit}, expected {endpoint.unit}."
        found.study("unit-mismatch", f"{key}.unit", message, "Correct one of the two.")
        return None
    _refuse_negative(cohort, time_name, times, f"{key}.time", found)
    absent = times.missing | events.missing
    lost = times.missing & ~events.missing & status
    if lost.any():
        n = int(lost.sum())
        who = "1 patient with the event has" if n == 1 else f"{n} patients with the event have"
        message = f"{who} no {time_name} and {'is' if n == 1 else 'are'} left out of {endpoint.name}."
        found.study("event-date-missing", f"{key}.time", message, level="warning")
    reason = np.where(status, "event", "censored").astype(object)
    reason[events.missing] = "no status"
    reason[times.missing] = "no time"
    time = np.where(absent, np.nan, times.data.astype(float))
    entry = np.zeros(cohort.n)
    if endpoint.entry:
        entry_name, entries = _known(cohort, endpoint.entry)
        if entries.kind != "number":
            message = f"{entry_name} is a {entries.kind}; with time, entry is a number."
            found.study("key-type", f"{key}.entry", message)
            return None
        _refuse_negative(cohort, entry_name, entries, f"{key}.entry", found)
        reason[entries.missing & ~absent] = "no entry"
        absent = absent | entries.missing
        entry = np.where(entries.missing, np.nan, entries.data.astype(float))
        reason[~absent & (time == 0) & (entry == 0)] = "no time after entry"
        absent = absent | ((time == 0) & (entry == 0))
        for patient in np.flatnonzero(~absent & (entry >= time) & (entry >= 0) & (time >= 0)):
            found.patient(
                "entry-after-time",
                int(patient),
                entry_name,
                f"entry {entry[patient]:g} is not before {time_name} {time[patient]:g}.",
                "Who had the event, or was last seen, before coming under observation is not part of the analysis.",
                key=f"{key}.entry",
                because=cohort.variables[entry_name].given_names | cohort.variables[time_name].given_names,
            )
    return _frame(cohort, np.where(absent, np.nan, time), status & ~absent, reason, entry, cohort.variables[time_name])


def _refuse_negative(cohort: Cohort, name: str, values: Values, key: str, found: Findings) -> None:
    negative = ~values.missing & (np.where(values.missing, 0.0, values.data) < 0)
    for patient in np.flatnonzero(negative):
        found.patient(
            "time-negative",
            int(patient),
            name,
            f"{values.data[patient]:g} is negative; a time is 0 or more.",
            "Correct the cell.",
            key=key,
            because=cohort.variables[name].given_names,
        )


def _frame(
    cohort: Cohort,
    time: npt.NDArray[np.float64],
    event: Mask,
    reason: npt.NDArray[np.object_],
    entry: npt.NDArray[np.float64],
    source: Variable,
) -> pd.DataFrame:
    """The frame of an endpoint without dates; its records are those of the time."""
    absent = np.isnan(time)
    table = cohort.tables.get(source.table)
    position = np.full(cohort.n, -1, dtype=np.int64) if table is None else table.position
    known = ~absent & (position >= 0)
    rows = np.zeros(cohort.n, dtype=np.int64)
    if table is not None:
        rows[known] = table.rows[position[known]]
    return pd.DataFrame(
        {
            "time": time,
            "event": pd.arrays.BooleanArray(event & ~absent, absent.copy()),
            "reason": reason,
            "date": np.full(cohort.n, np.datetime64("NaT", "ns")),
            "table": np.where(known, source.table, "").astype(object),
            "row": pd.arrays.IntegerArray(rows, ~known),
            "entry": np.where(absent, np.nan, entry),
            "imputed": np.full(cohort.n, "", dtype=object),
            "cause": causes(np.where(absent, -1, event.astype(int))),
        },
        index=cohort.index,
    )


def _same(unit: str) -> str:
    return unicodedata.normalize("NFKC", unit).strip().casefold()


def _status(events: Values, name: str, key: str, found: Findings) -> Mask | None:
    """Yes/no as it is, numbers if they are 0 and 1 only; anything else is refused with the words found."""
    if events.kind == "yes/no":
        return events.data.astype(bool) & ~events.missing
    here = events.data[~events.missing]
    if events.kind == "number":
        if np.isin(here.astype(float), (0.0, 1.0)).all():
            happened: Mask = (np.where(events.missing, 0.0, events.data) == 1.0) & ~events.missing
            return happened
        words = [f"{value:g}" for value in sorted(set(here.astype(float).tolist()))]
    elif events.levels:
        codes = level_codes(events)
        words = [level for place, level in enumerate(events.levels) if (codes == place).any()]
    else:
        words = sorted({str(value) for value in here.tolist()})
    shown = ", ".join(words[:6]) + (" and more" if len(words) > 6 else "")
    mend = f'Declare type = "yes/no" with yes and no for {name}.'
    if set(words) <= {"1", "2"}:
        mend = f'Declare type = "yes/no", yes = ["2"], no = ["1"] for {name}, or the reverse.'
    found.study("event-coding", f"{key}.event", f"Events must be yes/no or 0/1, found {shown} in {name}.", mend)
    return None
