"""Times from dates: which event came first, what ended follow-up before it, and where the others are censored.

Every rule works on all patients at once. A time is a pair of dates, and the record of the later one is kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.cohort import Cohort, Variable
from cohortstats.derivations.findings import Findings
from cohortstats.derivations.occasions import Dated, Dates, Ints, Mask, Occasions, imputed_bounds, is_level
from cohortstats.derivations.response_rules import tell_irecist
from cohortstats.derivations.visits import is_irecist
from cohortstats.expressions import resolve
from cohortstats.study import (
    CUTOFF,
    LAST_ASSESSMENT,
    Assessments,
    CensorDate,
    EventDate,
    StopDate,
    TimeToEventEndpoint,
)

__all__ = ["DAYS_IN", "causes", "scan_interval", "times_from_dates"]

DAYS_IN = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}
"""Days in a unit; a month is a twelfth of 365.25 days."""

CAUSES = ("censored", "event", "death")
"""What ended the time, the censored first, as for a cumulative incidence."""

DEATH = "death"
DEATH_WORDS = (DEATH, "died", "死亡")
NEVER = np.datetime64("NaT", "D")


def times_from_dates(cohort: Cohort, endpoint: TimeToEventEndpoint, found: Findings) -> pd.DataFrame | None:
    """Times of an endpoint that is declared by dates; None when one of them is no date."""
    if not _are_dates(cohort, endpoint, found):
        return None
    return _Dating(cohort, endpoint, found).frame()


def _are_dates(cohort: Cohort, endpoint: TimeToEventEndpoint, found: Findings) -> bool:
    before = len(found.problems)
    key = f"endpoints.{endpoint.name}"
    named = {role: getattr(endpoint, role) for role in ("start", "event", "censor", "entry", "death")}
    for word in ("events", "censors", "stops"):
        named |= {f"{word}[{place}].date": entry.date for place, entry in enumerate(getattr(endpoint, word))}
    for role, name in named.items():
        column = resolve(name, cohort.variables) if name else None
        if column is not None and cohort.variables[column].kind != "date":
            word = role.partition(".")[0]
            message = f"{column} is a {cohort.variables[column].kind}; with start, {word} is a date."
            found.study("key-type", f"{key}.{role}", message)
    return len(found.problems) == before


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """An entry of the declaration, its dates from the start on, and its key in the study file."""

    entry: EventDate | CensorDate | StopDate
    occasions: Occasions
    key: str


class _Dating:
    """One endpoint of one cohort, from dates to times."""

    def __init__(self, cohort: Cohort, endpoint: TimeToEventEndpoint, found: Findings) -> None:
        self.cohort, self.endpoint, self.found = cohort, endpoint, found
        self.key = f"endpoints.{endpoint.name}"
        self.n = cohort.n
        self.start_name = cohort.variable(endpoint.start).name
        self.beginning = Occasions.of(cohort, self.start_name).first(self.n)
        self.start = self.beginning.date
        self.cutoff = np.full(self.n, np.datetime64(endpoint.cutoff or cohort.study.cutoff or "NaT", "D"))
        self.checked: set[str] = set()
        # The event happened, nobody knows when; a death does not make another event of the patient unknown.
        self.lost = np.zeros(self.n, dtype=bool)
        self.died = np.zeros(self.n, dtype=bool)

    def frame(self) -> pd.DataFrame:
        endpoint, n = self.endpoint, self.n
        events = [self._source(entry, word) for word, entry in self._events()]
        stops = [self._source(entry, word) for word, entry in self._stops()]
        censors = [self._source(entry, word) for word, entry in self._censors()]
        visits = self._visits()

        stop_dates = [self._first(source) for source in stops]
        stop = Dated.earliest(stop_dates, n)
        event_dates = [self._first(source) for source in events]
        event = Dated.earliest(event_dates, n)
        stopped = self._stopped(event, stops, stop_dates)
        happened = event.known & ~stopped
        self._impute_decides([*event_dates, *stop_dates])

        ended_by_stop = self._ends(stop, stops, stop_dates, visits, ~happened)
        end = event.where(happened, ended_by_stop.where(stop.known, self._censored(censors, visits)))
        death = np.zeros(n, dtype=bool)
        if endpoint.deaths == "competing":
            death = ~happened & stop.known & (stop.reason == DEATH) & (stop.date == stop_dates[-1].date)
        rewound = ~happened & stop.known & (ended_by_stop.date < stop.date)
        if endpoint.gaps is not None:
            late, at = self._late(event, happened, visits)
            end = at.called(endpoint.gaps.reason).where(late, end)
            happened, rewound = happened & ~late, rewound | late
        return self._times(end, happened, death, rewound)

    # ---- the dates of the declaration

    def _events(self) -> Iterator[tuple[str, EventDate]]:
        if self.endpoint.events:
            yield from ((f"events[{place}].date", entry) for place, entry in enumerate(self.endpoint.events))
        else:
            yield from (("event", entry) for entry in self.endpoint.event_entries)

    def _censors(self) -> Iterator[tuple[str, CensorDate]]:
        if self.endpoint.censors:
            yield from ((f"censors[{place}].date", entry) for place, entry in enumerate(self.endpoint.censors))
        else:
            words = ("censor", "event") if self.endpoint.censor else ("event",)
            yield from zip(words, self.endpoint.censor_entries, strict=False)

    def _stops(self) -> Iterator[tuple[str, StopDate]]:
        yield from ((f"stops[{place}].date", entry) for place, entry in enumerate(self.endpoint.stops))
        if self.endpoint.deaths:
            # A death ends the follow-up for the event, and an event on the day of death was before it.
            at: str = LAST_ASSESSMENT if self.endpoint.deaths == "censor at last assessment" else "date"
            yield "death", StopDate(date=self.endpoint.death, reason=DEATH, at=at, same_day="event")  # type: ignore[arg-type]

    def _source(self, entry: EventDate | CensorDate | StopDate, word: str) -> _Source:
        key = f"{self.key}.{word}"
        if isinstance(entry, CensorDate) and entry.date in (LAST_ASSESSMENT, CUTOFF):
            return _Source(entry=entry, occasions=Occasions.of(self.cohort, self.start_name), key=key)
        variable = self.cohort.variable(entry.date)
        occasions = Occasions.of(self.cohort, variable.name, entry.where)
        if isinstance(entry, EventDate) and entry.status:
            occasions = self._with_status(entry, occasions, key)
        if not occasions.many and isinstance(entry, CensorDate) and self.endpoint.censors:
            return _Source(entry=entry, occasions=occasions, key=key)  # told when it is known whether it counts
        if not occasions.many:
            self._refuse_before_start(variable, occasions, key)
            return _Source(entry=entry, occasions=occasions, key=key)
        early = int((occasions.date < self.start[occasions.patient]).sum())
        if early and isinstance(entry, EventDate):
            rows = "1 row" if early == 1 else f"{early} rows"
            left = "is" if early == 1 else "are"
            message = (
                f"{rows} of {variable.table} with {entry.reason} before {self.start_name} {left} no event of "
                f"{self.endpoint.name}."
            )
            self.found.study("date-before-start", key, message, level="warning")
        return _Source(entry=entry, occasions=occasions.from_(self.start), key=key)

    def _refuse_before_start(
        self, variable: Variable, occasions: Occasions, key: str, instead: Mask | None = None
    ) -> None:
        """Dates before the start are errors, but for patients who have another date instead."""
        if variable.name in self.checked:
            return  # an event after the cut-off is a proof of observation too, and is told once
        self.checked.add(variable.name)
        start = self.cohort.variables[self.start_name]
        early = occasions.keep(occasions.date < self.start[occasions.patient])
        for patient, date in zip(early.patient.tolist(), early.date, strict=True):
            other = bool(instead is not None and instead[patient])
            self.found.patient(
                "date-before-start",
                patient,
                variable.name,
                f"{date} is before {start.name} ({self.start[patient]}).",
                "Another entry of censors counts." if other else "Correct one of the two dates.",
                key=key,
                because=start.given_names | variable.given_names,
                level="warning" if other else "error",
            )

    def _with_status(self, entry: EventDate, occasions: Occasions, key: str) -> Occasions:
        """A status of yes without a date leaves the patient out; a status of no with a date is a contradiction."""
        name = self.cohort.variable(entry.status).name
        status = self.cohort.known(name)
        here = status.data[~status.missing]
        if status.kind == "number" and not np.isin(here.astype(float), (0.0, 1.0)).all():
            message = f"Events must be yes/no or 0/1, found other numbers in {name}."
            self.found.study("event-coding", key.replace(".date", ".status"), message)
            return occasions
        happened = ~status.missing & (np.where(status.missing, 0, status.data).astype(float) == 1.0)
        dated = np.zeros(self.n, dtype=bool)
        dated[occasions.patient] = True
        undated = happened & ~dated
        if undated.any():
            count = int(undated.sum())
            who = "1 patient has" if count == 1 else f"{count} patients have"
            left = "is" if count == 1 else "are"
            message = f"{who} {entry.reason} without {entry.date} and {left} left out of {self.endpoint.name}."
            self.found.study("event-date-missing", key, message, level="warning")
            if entry.reason.casefold() in DEATH_WORDS:
                self.died |= undated
            else:
                self.lost |= undated
        denied = ~status.missing & ~happened & dated
        variable = self.cohort.variable(entry.date)
        for patient in np.flatnonzero(denied):
            self.found.patient(
                "event-coding",
                int(patient),
                name,
                f"{name} is no, and {variable.name} has a date.",
                "Correct one of the two.",
                key=key,
                because=self.cohort.variables[name].given_names | variable.given_names,
            )
        return occasions

    def _first(self, source: _Source) -> Dated:
        """The earliest date that was known at the cut-off."""
        return source.occasions.until(self.cutoff).first(self.n, source.entry.reason)

    # ---- visits

    def _visits(self) -> Occasions | None:
        """Adequate assessments from the start on, known at the cut-off; None where nothing tells of them."""
        declared = self.endpoint.assessments
        if declared is None:
            name = self.endpoint.only_assessment
            visits = Occasions.of(self.cohort, name, self._stand_in_where(name)) if name else None
        else:
            table = self.cohort.study.data[declared.table]
            name = _column(self.cohort, declared.date or table.order, table.name)
            visits = Occasions.of(self.cohort, name, declared.where, level=declared.response)
            if declared.response:
                self._refuse_irecist(declared)
                visits = visits.keep((visits.level != "") & ~np.isin(visits.level.astype(str), declared.not_adequate))
        return None if visits is None else visits.from_(self.start).until(self.cutoff)

    def _refuse_irecist(self, declared: Assessments) -> None:
        """A code of iRECIST would count as a visit without progression, unless the endpoint says what it is."""
        if any(is_irecist(word) for word in (*declared.not_adequate, *declared.progression)):
            return
        response = self.cohort.variable(declared.response).name
        counts = np.ones(len(self.cohort.data[response]), dtype=bool)
        for column, levels in declared.where.items():
            counts &= is_level(self.cohort.data[self.cohort.variable(column).name], levels)
        tell_irecist(self.found, response, counts, f"{self.key}.assessments.response")

    def _stand_in_where(self, name: str) -> dict[str, tuple[str, ...]]:
        first = next((entry for entry in self.endpoint.censor_entries if entry.date == name), None)
        return dict(first.where) if first else {}

    def _last_before(self, limit: Dates, visits: Occasions | None, asked: Mask, *, same_day: bool) -> Dated:
        """The last adequate assessment before a date, or also on it; the start where there is none."""
        if visits is None:
            return self.beginning
        if self.endpoint.assessments is None and not visits.many:
            self._tell_unclear(limit, visits, asked, same_day=same_day)
        end = limit[visits.patient]
        on_it = (visits.date == end) & same_day
        if self.endpoint.assessments is not None and self.endpoint.assessments.response:
            on_it &= ~np.isin(visits.level.astype(str), self.endpoint.assessments.progression)
        last = visits.keep((visits.date < end) | on_it).last(self.n)
        return last.where(last.known, self.beginning)

    def _tell_unclear(self, limit: Dates, visits: Occasions, asked: Mask, *, same_day: bool) -> None:
        """One date a patient does not tell of the assessments before it."""
        name = self.endpoint.only_assessment
        end = limit[visits.patient]
        later = (visits.date > end) if same_day else (visits.date >= end)
        variable = self.cohort.variable(name)
        for patient, date in zip(visits.patient[later].tolist(), visits.date[later], strict=True):
            if asked[patient]:
                message = f"{date} is not before {limit[patient]}, and of earlier assessments nothing is known."
                self.found.patient(
                    "assessment-unclear",
                    patient,
                    variable.name,
                    message,
                    "Declare assessments, the table of all visits.",
                    key=f"{self.key}.assessments",
                    because=variable.given_names,
                )

    # ---- the rules

    def _stopped(self, event: Dated, stops: Sequence[_Source], dates: Sequence[Dated]) -> Mask:
        """Whose event came after a stop, or on its day where the stop counts then."""
        stopped = np.zeros(self.n, dtype=bool)
        for source, stop in zip(stops, dates, strict=True):
            assert isinstance(source.entry, StopDate)
            stopped |= stop.date < event.date
            if source.entry.same_day == "stop":
                stopped |= stop.date == event.date
        return stopped

    def _ends(
        self, stop: Dated, stops: Sequence[_Source], dates: Sequence[Dated], visits: Occasions | None, asked: Mask
    ) -> Dated:
        """Where the first stop ends the time of those asked for: on its day, or at the assessment before it."""
        end, open_ = stop, stop.known & asked
        for source, one in zip(stops, dates, strict=True):
            assert isinstance(source.entry, StopDate)
            mine = open_ & (one.date == stop.date)
            open_ &= ~mine
            if source.entry.at == LAST_ASSESSMENT and mine.any():
                last = self._last_before(one.date, visits, mine, same_day=source.entry.same_day == "event")
                end = last.called(source.entry.reason).where(mine, end)
        return end

    def _late(self, event: Dated, happened: Mask, visits: Occasions | None) -> tuple[Mask, Dated]:
        """Events that came too long after the last assessment before them, and that assessment."""
        gaps = self.endpoint.gaps
        assert gaps is not None
        # A visit on the day of the event counts where its response shows that the event was not found at it.
        responses = self.endpoint.assessments is not None and bool(self.endpoint.assessments.response)
        last = self._last_before(event.date, visits, happened, same_day=responses)
        days = _days(event.date, last.date)
        return happened & (days > gaps.missed * gaps.interval + gaps.tolerance), last

    def _censored(self, censors: Sequence[_Source], visits: Occasions | None) -> Dated:
        """Where those end who had no event: at the latest date, else at the cut-off where that is declared."""
        some, cut = [], Dated.never(self.n)
        at_cutoff = dataclasses.replace(cut, date=self.cutoff)
        for source in censors:
            assert isinstance(source.entry, CensorDate)
            reason = source.entry.reason
            if source.entry.date == CUTOFF:
                cut = cut.where(cut.known, at_cutoff.called(reason))
                continue
            if source.entry.date == LAST_ASSESSMENT:
                some.append((visits.last(self.n) if visits is not None else Dated.never(self.n)).called(reason))
                continue
            known = source.occasions.from_(self.start).until(self.cutoff).last(self.n, reason)
            if source.entry.after_cutoff == CUTOFF:
                after = np.zeros(self.n, dtype=bool)
                late = source.occasions.date > self.cutoff[source.occasions.patient]
                after[source.occasions.patient[late]] = True
                known = at_cutoff.called(reason).where(after, known)
            some.append(known)
        latest = Dated.latest(some, self.n)
        censored = latest.where(latest.known, cut)
        if self.endpoint.censors:
            for source in censors:
                if source.entry.date not in (LAST_ASSESSMENT, CUTOFF) and not source.occasions.many:
                    variable = self.cohort.variable(source.entry.date)
                    self._refuse_before_start(variable, source.occasions, source.key, censored.known)
        return censored

    def _impute_decides(self, some: Sequence[Dated]) -> None:
        """An imputed date may not decide in silence which of two came first."""
        unsure = np.zeros(self.n, dtype=bool)
        first = Dated.earliest([one.called(str(place)) for place, one in enumerate(some)], self.n)
        low, high = imputed_bounds(first.date, first.imputed)
        for place, one in enumerate(some):
            other_low, other_high = imputed_bounds(one.date, one.imputed)
            imputed = (first.imputed != "") | (one.imputed != "")
            unsure |= (first.reason != str(place)) & imputed & (low <= other_high) & (other_low <= high)
        if unsure.any():
            count = int(unsure.sum())
            patients = "1 patient" if count == 1 else f"{count} patients"
            message = f"In {patients} a part of a date that was put in decides which came first."
            self.found.study("impute-decides", self.key, message, level="warning")

    # ---- from dates to times

    def _times(self, end: Dated, happened: Mask, death: Mask, rewound: Mask) -> pd.DataFrame:
        endpoint = self.endpoint
        per_unit = DAYS_IN[endpoint.unit]
        reason = end.reason.copy()
        absent = np.zeros(self.n, dtype=bool)

        def leave(mask: Mask, why: str) -> None:
            reason[mask] = why
            absent[mask] = True

        leave(~end.known, "no last observation")
        leave(self.lost | (self.died & ~happened), "event without a date")
        entry = self._entry(leave)
        leave(self.start > self.cutoff, "start after cut-off")
        leave(~self.beginning.known, "no start")
        days = _days(end.date, self.start) + int(endpoint.plus_one)
        if endpoint.entry:
            unseen = ~absent & (days <= entry)
            # Who is censored at an assessment before entry, or ends on the first day, was never at risk.
            leave(unseen & (rewound | (entry == 0)), "no time after entry")
            self._refuse_late_entries(unseen & ~absent, entry, days)
        time = np.where(absent, np.nan, days / per_unit)
        happened = happened & ~absent
        cause = np.where(happened, 1, np.where(death, 2, 0))
        known = ~absent & (end.row >= 0)
        return pd.DataFrame(
            {
                "time": time,
                "event": pd.arrays.BooleanArray(happened, absent.copy()),
                "reason": reason,
                "date": pd.Series(np.where(absent, NEVER, end.date)).astype("datetime64[ns]").array,
                "table": np.where(absent, "", end.table),
                "row": pd.arrays.IntegerArray(np.where(known, end.row, 0).astype(np.int64), ~known),
                "entry": np.where(absent, np.nan, entry / per_unit),
                "imputed": np.where(absent, "", end.imputed),
                "cause": causes(np.where(absent, -1, cause)),
            },
            index=self.cohort.index,
        )

    def _entry(self, leave: Callable[[Mask, str], None]) -> npt.NDArray[np.float64]:
        """Days from the start to coming under observation; 0 for who was there from the start."""
        if not self.endpoint.entry:
            return np.zeros(self.n)
        came = Occasions.of(self.cohort, self.cohort.variable(self.endpoint.entry).name).first(self.n)
        leave(~came.known, "no entry")
        leave(came.date > self.cutoff, "entry after cut-off")
        later = came.date > self.start
        return np.where(later, _days(came.date, self.start) + int(self.endpoint.plus_one), 0.0)

    def _refuse_late_entries(self, late: Mask, entry: npt.NDArray[np.float64], days: Ints) -> None:
        variable = self.cohort.variable(self.endpoint.entry)
        parts = [
            self.cohort.variable(name).given_names for name in self.endpoint.parts if name in self.cohort.variables
        ]
        for patient in np.flatnonzero(late):
            self.found.patient(
                "entry-after-time",
                int(patient),
                variable.name,
                f"entry {entry[patient]:g} is not before {self.endpoint.name} {days[patient]:g}, in days.",
                "Who had the event, or was last seen, before coming under observation is not part of the analysis.",
                key=f"{self.key}.entry",
                because=variable.given_names.union(*parts),
            )


def _column(cohort: Cohort, name: str, table: str) -> str:
    """A column of a table, by its name in the study or, without the table in front, in the file."""
    return name if name in cohort.variables else f"{table}.{name}"


def _days(end: Dates, start: Dates) -> Ints:
    """Days between two dates; 0 where one is not known, which no time is made from."""
    length = (end - start).astype("timedelta64[D]")
    return np.where(np.isnat(length), 0, length.astype(np.int64))


def causes(code: npt.NDArray[np.int_]) -> pd.Categorical:
    """What ended the time as a categorical, from its position; -1 is missing."""
    return pd.Categorical.from_codes(code.tolist(), categories=pd.Index(CAUSES, dtype=object))


def scan_interval(cohort: Cohort, endpoint: TimeToEventEndpoint) -> float:
    """Days between assessments: as declared in gaps, else the median distance of visits; nan where none is known."""
    if endpoint.gaps is not None:
        return endpoint.gaps.interval
    visits = _Dating(cohort, endpoint, Findings(cohort, {}))._visits()
    if visits is None or not len(visits):
        return float("nan")
    pairs = np.unique(np.rec.fromarrays([visits.patient, visits.date.astype(np.int64)]))
    patient, day = pairs["f0"], pairs["f1"]
    distance = np.diff(day)[np.diff(patient) == 0]
    return float(np.median(distance)) if distance.size else float("nan")
