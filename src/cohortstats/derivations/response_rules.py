"""Rules over visits with a response: the visits of a cohort that count, and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.cohort import Cohort, LinkedTable
from cohortstats.derivations.best_response import best_of_visits
from cohortstats.derivations.findings import Findings
from cohortstats.derivations.first_evaluation import BASES, first_of_visits
from cohortstats.derivations.made import with_made
from cohortstats.derivations.occasions import (
    Dated,
    Dates,
    Ints,
    Mask,
    Occasions,
    imputed_bounds,
    is_level,
    level_texts,
)
from cohortstats.derivations.visits import NE, RESPONSES, Visits, is_irecist, response_codes
from cohortstats.errors import did_you_mean
from cohortstats.expressions import Values
from cohortstats.study import BestResponse, FirstEvaluation, VisitRule

__all__ = ["best_response_rule", "first_evaluation_rule", "tell_irecist"]

NEVER = np.datetime64("NaT", "D")


def best_response_rule(cohort: Cohort, rule: BestResponse, found: Findings) -> Cohort | None:
    """Best overall response of each patient; the visit that it came from is its date and its evidence."""
    read = _Reading(cohort, rule, found).read()
    best = best_of_visits(
        read.visits,
        min_sd=rule.min_sd,
        confirmed=rule.confirmed,
        confirm=rule.confirm,
        max_ne=rule.max_ne,
        accept_sd=rule.accept_sd,
    )
    turned = best.visits.source[best.visits.partial_after_complete()]
    for place in [] if read.mixed else turned.tolist():
        read.tell("response-order", place, "PR after CR is not possible.", "Ask the reader.", level="warning")
    record, confirmed = read.record(best.visits, best.visit), read.record(best.visits, best.confirmed_by)
    code = np.where((best.code < 0) & (rule.none == "NE"), NE, best.code)
    missing = (code < 0) | ~read.started
    # The levels may be fewer than all responses; those that the visits cannot have have no place among them.
    places = np.array([rule.kind.levels.index(level) if level in rule.kind.levels else 0 for level in RESPONSES])
    values = {
        rule.name: Values(
            kind="ordered", data=np.where(missing, 0, places[code]), missing=missing, levels=rule.kind.levels
        ),
        f"{rule.name}_date": Values(kind="date", data=record.date, missing=~record.known),
    }
    beside = {
        "confirmed_date": pd.Series(confirmed.date).astype("datetime64[ns]").array,
        "confirmed_row": pd.arrays.IntegerArray(np.maximum(confirmed.row, 0), confirmed.row < 0),
        "n_visits": best.visits.count(),
        "n_after_progression": best.n_later,
        **read.left_out(),
    }
    return with_made(cohort, rule, values, record, beside)


def first_evaluation_rule(cohort: Cohort, rule: FirstEvaluation, found: Findings) -> Cohort | None:
    """Whether the first evaluation found progression; the visit, or the event before it, is the evidence."""
    read = _Reading(cohort, rule, found).read()
    event = _before_scan(read, rule)
    since = (event.date - read.start).astype("timedelta64[D]")
    day = np.where(np.isnat(since), -1, since.astype(np.int64))
    first = first_of_visits(read.visits, evaluation=rule.evaluation, before_scan=rule.before_scan, event_day=day)
    missing = first.missing | ~read.started
    early = first.basis >= BASES.index("before scan")
    record = event.where(early, read.record(read.visits, first.visit))
    basis = np.where(read.started, np.asarray(BASES, dtype=object)[first.basis], "")
    values = {
        rule.name: Values(kind="yes/no", data=first.progressed & ~missing, missing=missing),
        f"{rule.name}_date": Values(kind="date", data=record.date, missing=~record.known),
        f"{rule.name}_basis": Values(kind="category", data=basis, missing=~read.started, levels=BASES),
    }
    beside = {"basis": basis, "n_visits": read.visits.count(), **read.left_out()}
    return with_made(cohort, rule, values, record, beside)


def _before_scan(read: _Read, rule: FirstEvaluation) -> Dated:
    """Death or clinical progression of each patient, the earlier; not those after the cut-off."""
    cohort, some = read.cohort, []
    for word in ("death", "clinical_progression"):
        if not getattr(rule, word):
            continue
        variable = cohort.variable(getattr(rule, word))
        dates = Occasions.of(cohort, variable.name)
        early = dates.keep(dates.date < read.start[dates.patient])
        for patient, date in zip(early.patient.tolist(), early.date, strict=True):
            read.found.patient(
                "date-before-start",
                patient,
                variable.name,
                f"{date} is before {rule.start} ({read.start[patient]}).",
                "Correct one of the two dates.",
                key=f"{read.key}.{word}",
                because=cohort.variable(rule.start).given_names | variable.given_names,
            )
        some.append(dates.until(np.full(cohort.n, read.cutoff)).first(cohort.n, word))
    return Dated.earliest(some, cohort.n)


# ---------------------------------------------------------------------------------------------------------------------
# The visits that count
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Read:
    """The visits of a rule.

    Parameters
    ----------
    visits
        ``source`` is the place among ``patient``, ``date`` and so on.
    patient, date, place, imputed
        Of every record that counts: whose it is, when, the row of the file counted from 0, the part of the date that
        was put in.
    start, cutoff
        From when and until when.
    n_undated, n_after_cutoff
        Responses of each patient that were left out.
    mixed
        Whether they are of several readers, which is an error; then two of them may well differ.
    """

    cohort: Cohort
    rule: VisitRule
    found: Findings
    visits: Visits
    patient: Ints
    date: Dates
    place: Ints
    imputed: npt.NDArray[np.object_]
    start: Dates
    cutoff: np.datetime64
    n_undated: Ints
    n_after_cutoff: Ints
    mixed: bool

    @property
    def key(self) -> str:
        return f"derive.{self.rule.name}"

    @property
    def table(self) -> LinkedTable:
        return self.cohort.tables[self.rule.table]

    @property
    def started(self) -> Mask:
        """Patients whose start is known."""
        return ~np.isnat(self.start)

    def tell(
        self, code: str, source: int, message: str, mend: str, level: Literal["error", "warning"] = "error"
    ) -> None:
        """Note a problem of the response of one record."""
        response = self.cohort.variable(self.rule.response).name
        self.found.record(
            code,
            int(self.patient[source]),
            int(self.place[source]),
            response,
            message,
            mend,
            key=f"{self.key}.response",
            because={response, self.cohort.variable(self.rule.date).name},
            level=level,
        )

    def record(self, visits: Visits, chosen: Ints) -> Dated:
        """The records of one visit a patient; -1 is none."""
        some = chosen >= 0
        source = visits.source[chosen[some]]
        never = Dated.never(self.cohort.n)
        date, table, row, imputed = never.date, never.table.copy(), never.row.copy(), never.imputed.copy()
        date[some], table[some] = self.date[source], self.rule.table
        row[some], imputed[some] = self.table.rows[self.place[source]], self.imputed[source]
        return Dated(date=date, table=table, row=row, imputed=imputed, reason=never.reason)

    def left_out(self) -> dict[str, Any]:
        """Columns of the evidence: what does not count, and why there is no value."""
        none = np.where(self.visits.count() == 0, "no visit", "")
        return {
            "n_undated": self.n_undated,
            "n_after_cutoff": self.n_after_cutoff,
            "reason": np.where(self.started, none, "no start").astype(object),
        }


class _Reading:
    """The visits of a rule on their way from the cohort."""

    def __init__(self, cohort: Cohort, rule: VisitRule, found: Findings) -> None:
        self.cohort, self.rule, self.found = cohort, rule, found
        self.key = f"derive.{rule.name}"
        self.response, self.date = cohort.variable(rule.response), cohort.variable(rule.date)
        self.table = cohort.tables[rule.table]
        start = cohort.data[cohort.variable(rule.start).name]
        self.start = np.where(start.missing, NEVER, start.data.astype("datetime64[D]"))
        self.start_from = cohort.variable(rule.start).given_names
        records = cohort.data[self.response.name].records
        assert records is not None and self.table.places is not None
        self.patient, self.place = records.patient, self.table.places
        self.mixed = False

    def read(self) -> _Read:
        """Visits that count; every fault of one is told with its row."""
        rule, cohort = self.rule, self.cohort
        words = level_texts(cohort.data[self.response.name])
        counts = self._streams(words)
        codes = self._codes(words, counts)
        answered = counts & (codes >= 0)
        dates = cohort.data[self.date.name]
        when = np.where(dates.missing, NEVER, dates.data.astype("datetime64[D]"))
        undated = answered & dates.missing
        self._tell_undated(undated)
        cutoff = np.datetime64(rule.cutoff or cohort.study.cutoff or "NaT", "D")
        late = answered & (when > cutoff)
        since = (when - self.start[self.patient]).astype("timedelta64[D]")
        early = answered & (since < np.timedelta64(0, "D"))
        self._tell_early(early, when)
        here = np.flatnonzero(answered & ~late & ~early & ~np.isnat(since))
        patient, day, code = self.patient[here], since[here].astype(np.int64), codes[here]
        if rule.duplicates != "worst" and not self.mixed:
            self._tell_clashes(here[Visits.clashes(patient, day, code)], when, codes)
        flag = f"{self.date.name}_imputed"
        imputed = level_texts(cohort.data[flag])[here] if flag in cohort.data else np.full(len(here), "", dtype=object)
        visits = Visits.of(cohort.n, patient, day, code)
        self._impute_decides(visits, when[here], imputed)
        return _Read(
            cohort=cohort,
            rule=rule,
            found=self.found,
            visits=visits,
            patient=patient,
            date=when[here],
            place=self.place[here],
            imputed=imputed,
            start=self.start,
            cutoff=cutoff,
            n_undated=np.bincount(self.patient[undated], minlength=cohort.n).astype(np.int64),
            n_after_cutoff=np.bincount(self.patient[late], minlength=cohort.n).astype(np.int64),
            mixed=self.mixed,
        )

    def _streams(self, words: npt.NDArray[np.object_]) -> Mask:
        """Records of the reader, or of the adjudicated stream, that is asked for."""
        rule, cohort = self.rule, self.cohort
        counts = np.ones(len(words), dtype=bool)
        for name, levels in rule.where.items():
            counts &= is_level(cohort.data[cohort.variable(name).name], levels)
        if rule.accepted:
            return counts & is_level(cohort.data[cohort.variable(rule.accepted).name], ("yes",))
        if not rule.readers:
            return counts
        readers = cohort.variable(rule.readers).name
        who = level_texts(cohort.data[readers])
        names = sorted(set(who[counts & (words != "")].tolist()) - {""})
        if not rule.reader and len(names) > 1:
            message = f"{len(names)} readers in {readers} of {self.table.file}; name one."
            listed = ", ".join(f"'{name}'" for name in names)
            self.mixed = True
            self.found.study("readers-many", self.key, message, f'Add reader = "…": {listed}.')
        elif rule.reader and rule.reader not in names and names:
            near = did_you_mean(rule.reader, names)
            listed = ", ".join(f"'{name}'" for name in names)
            message = f"reader: '{rule.reader}' is not among {listed}."
            mend = f"Did you mean '{near}'?" if near else ""
            self.found.study("level-unknown", f"{self.key}.reader", message, mend)
        return counts & (who == rule.reader) if rule.reader else counts

    def _codes(self, words: npt.NDArray[np.object_], counts: Mask) -> Ints:
        """Responses as numbers; words that are none are told."""
        codes = response_codes(words, self.response.unknown)
        tell_irecist(self.found, self.response.name, counts, f"{self.key}.response")
        for record in np.flatnonzero(counts & (codes == -2)).tolist():
            word = str(words[record])
            if is_irecist(word):
                continue
            near = did_you_mean(word, RESPONSES) or did_you_mean(word.upper(), RESPONSES)
            advice = (
                f'Did you mean \'{near}\'? Then add values = {{ "{word}" = "{near}" }}' if near else "Map it in values"
            )
            self.found.record(
                "response-unknown",
                int(self.patient[record]),
                int(self.place[record]),
                self.response.name,
                f"'{word}' is not a RECIST 1.1 response.",
                f"{advice}, or name it in unknown.",
                key=f"{self.key}.response",
            )
        return codes

    def _tell_undated(self, undated: Mask) -> None:
        for record in np.flatnonzero(undated).tolist():
            self.found.record(
                "visit-date-missing",
                int(self.patient[record]),
                int(self.place[record]),
                self.date.name,
                f"A response without {self.date.name} does not count.",
                "Give the date of the visit.",
                key=f"{self.key}.date",
                because={self.date.name},
                level="warning",
            )

    def _tell_early(self, early: Mask, when: Dates) -> None:
        start = self.cohort.variable(self.rule.start).name
        for record in np.flatnonzero(early).tolist():
            patient = int(self.patient[record])
            self.found.record(
                "visit-before-start",
                patient,
                int(self.place[record]),
                self.date.name,
                f"Visit {when[record]} is before {start} ({self.start[patient]}).",
                "Correct one of the two dates, or leave the response of a visit at baseline empty.",
                key=f"{self.key}.start",
                because={self.date.name, *self.start_from},
            )

    def _tell_clashes(self, pairs: Ints, when: Dates, codes: Ints) -> None:
        rows = self.table.rows[self.place]
        for pair in pairs:
            one, two = sorted(pair.tolist(), key=lambda record: int(self.place[record]))
            answers = f"{RESPONSES[codes[one]]} and {RESPONSES[codes[two]]}"
            self.found.record(
                "visit-duplicate",
                int(self.patient[two]),
                int(self.place[two]),
                self.response.name,
                f"Two responses on {when[two]}: {answers}, in rows {rows[one]} and {rows[two]}.",
                'Correct one, name the reader, or set duplicates = "worst".',
                key=f"{self.key}.duplicates",
                because={self.response.name, self.date.name},
            )

    def _impute_decides(self, visits: Visits, when: Dates, imputed: npt.NDArray[np.object_]) -> None:
        """An imputed date may not decide in silence which of two visits, or of a visit and the start, came first."""
        if not (imputed != "").any():
            return
        low, high = imputed_bounds(when, imputed)
        source = visits.source
        one, two = source[:-1], source[1:]
        turned = (visits.patient[:-1] == visits.patient[1:]) & (low[two] <= high[one])
        unsure = set(visits.patient[1:][turned].tolist())
        unsure |= set(visits.patient[low[source] < self.start[visits.patient]].tolist())
        if unsure:
            patients = "1 patient" if len(unsure) == 1 else f"{len(unsure)} patients"
            message = f"In {patients} a part of a date that was put in decides which came first."
            self.found.study("impute-decides", self.key, message, level="warning")


def tell_irecist(found: Findings, response: str, counts: Mask, key: str) -> None:
    """Note every iRECIST code among the responses that count, also where the cell is no level of the column."""
    cohort = found.cohort
    values = cohort.data[response]
    table = cohort.tables[cohort.variables[response].table]
    records, places = values.records, table.places
    if records is None or places is None:
        return
    words = level_texts(values)
    raw = table.text[table.sources[response]][places]
    shown = np.where(values.missing, raw, words)
    number, texts = pd.factorize(shown)
    codes = np.array([is_irecist(str(text)) for text in texts] + [False], dtype=bool)[number]
    for record in np.flatnonzero(counts & codes).tolist():
        found.record(
            "response-irecist",
            int(records.patient[record]),
            int(places[record]),
            response,
            f"'{str(shown[record]).strip()}' is an iRECIST code; this rule reads RECIST 1.1.",
            "Give the response by RECIST 1.1; progression that is not confirmed (iUPD) is not PD.",
            key=key,
        )
