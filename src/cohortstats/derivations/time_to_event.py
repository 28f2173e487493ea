"""Time-to-event endpoints, from a time and a status or from dates.

Nobody is dropped: who has no time keeps a row with the reason. A date before the start, a negative time and a status
coded 1/2 are errors at this door.
"""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.cohort import Cohort, level_codes
from cohortstats.derivations.findings import Findings
from cohortstats.expressions import Values, resolve
from cohortstats.study import TimeToEventEndpoint

__all__ = ["DAYS_IN", "time_to_event"]

DAYS_IN = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}
"""Days in a unit; a month is a twelfth of 365.25 days."""

Mask = npt.NDArray[np.bool_]


def time_to_event(cohort: Cohort, endpoint: TimeToEventEndpoint, found: Findings) -> pd.DataFrame | None:
    """Times and statuses of an endpoint.

    Parameters
    ----------
    cohort
        With every variable that the endpoint names.
    endpoint
        The declaration: ``time`` and ``event`` (form a), or ``start``, ``event`` and ``censor`` (form b).
    found
        Takes the problems.

    Returns
    -------
    DataFrame or None
        Index patient id; ``time`` in the unit of the endpoint, ``event`` boolean, ``reason``. None when the endpoint
        cannot be made.

    Notes
    -----
    Form b: the event counts if its date is on or before the data cut-off of the endpoint, else of the study. Otherwise
    the patient is censored at the censor date or the cut-off, whichever is earlier; an event after the cut-off proves
    observation up to it. A start after the cut-off leaves the analysis. ``time = end - start``, plus one with
    ``plus_one``, divided by 7, 30.4375 or 365.25.
    """
    names = [endpoint.start, endpoint.event, endpoint.censor] if endpoint.start else [endpoint.time, endpoint.event]
    if not all(resolve(name, cohort.variables) for name in names if name):
        return None
    if endpoint.start:
        return _from_dates(cohort, endpoint, found)
    return _from_times(cohort, endpoint, found)


def _frame(cohort: Cohort, time: npt.NDArray[np.float64], event: Mask, reason: Any) -> pd.DataFrame:
    absent = np.isnan(time)
    return pd.DataFrame(
        {
            "time": time,
            "event": pd.arrays.BooleanArray(event & ~absent, absent.copy()),
            "reason": np.asarray(reason, dtype=object),
        },
        index=cohort.index,
    )


def _known(cohort: Cohort, name: str) -> tuple[str, Values]:
    column = cohort.variable(name).name
    return column, cohort.known(column)


# ---------------------------------------------------------------------------------------------------------------------
# Form a: a time and a status
# ---------------------------------------------------------------------------------------------------------------------


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
    negative = ~times.missing & (np.where(times.missing, 0.0, times.data) < 0)
    for patient in np.flatnonzero(negative):
        message = f"{times.data[patient]:g} is negative; a time is 0 or more."
        found.patient(
            "time-negative",
            int(patient),
            time_name,
            message,
            "Correct the cell.",
            key=f"{key}.time",
            because=cohort.variables[time_name].given_names,
        )
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
    return _frame(cohort, time, status & ~absent, reason)


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


# ---------------------------------------------------------------------------------------------------------------------
# Form b: dates
# ---------------------------------------------------------------------------------------------------------------------


def _from_dates(cohort: Cohort, endpoint: TimeToEventEndpoint, found: Findings) -> pd.DataFrame | None:
    key = f"endpoints.{endpoint.name}"
    declared = {"start": endpoint.start, "event": endpoint.event, "censor": endpoint.censor}
    dates: dict[str, Values] = {}
    names: dict[str, str] = {}
    for role, name in declared.items():
        if not name:
            continue
        names[role], dates[role] = _known(cohort, name)
        if dates[role].kind != "date":
            message = f"{names[role]} is a {dates[role].kind}; with start, {role} is a date."
            found.study("key-type", f"{key}.{role}", message)
    if any(values.kind != "date" for values in dates.values()):
        return None
    never = np.full(cohort.n, np.datetime64("NaT"), dtype="datetime64[D]")
    days = {
        role: np.where(values.missing, np.datetime64("NaT"), values.data).astype("datetime64[D]")
        for role, values in dates.items()
    }
    start, event = days["start"], days["event"]
    censor = days.get("censor", never)
    for role in ("event", "censor"):
        if role in days:
            _refuse_before_start(cohort, names["start"], names[role], start, days[role], f"{key}.{role}", found)

    declared_cutoff = endpoint.cutoff or cohort.study.cutoff
    cutoff = np.datetime64(declared_cutoff or "NaT", "D")
    happened = ~np.isnat(event)
    if declared_cutoff:
        late = happened & (event > cutoff)
        happened = happened & ~late
        censor = np.where(late, cutoff, np.where(censor > cutoff, cutoff, censor))
    end = np.where(happened, event, censor)
    reason = np.where(happened, "event", "censored").astype(object)
    reason[np.isnat(end)] = "no last observation"
    if declared_cutoff:
        reason[start > cutoff] = "start after cut-off"
    reason[np.isnat(start)] = "no start"
    absent = ~np.isin(reason, ("event", "censored"))
    length = (end - start).astype("timedelta64[D]").astype(np.int64) + int(endpoint.plus_one)
    time = np.where(absent, np.nan, length / DAYS_IN[endpoint.unit])
    return _frame(cohort, time, happened & ~absent, reason)


def _refuse_before_start(
    cohort: Cohort,
    start_name: str,
    name: str,
    start: npt.NDArray[Any],
    end: npt.NDArray[Any],
    key: str,
    found: Findings,
) -> None:
    given = cohort.variables[start_name].given_names | cohort.variables[name].given_names
    for patient in np.flatnonzero(end < start):  # NaT is before nothing
        message = f"{end[patient]} is before {start_name} ({start[patient]})."
        found.patient(
            "date-before-start", int(patient), name, message, "Correct one of the two dates.", key=key, because=given
        )
