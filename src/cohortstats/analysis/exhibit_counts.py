"""Every count that exhibits print, as a count of patients: exhibit by exhibit, cells, sentences, boxes and curves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cohortstats.analysis.exhibit import exhibit_population
from cohortstats.analysis.flow import flow_boxes
from cohortstats.analysis.missingness import missingness
from cohortstats.analysis.patient_counts import EVERYBODY, KNOWN, MISSING, Condition, PatientCounts, Patients
from cohortstats.analysis.regression import model_rows
from cohortstats.analysis.results import Analysis, Result
from cohortstats.analysis.time_to_event import SurvivalData, event_table
from cohortstats.expressions import resolve
from cohortstats.figures.picture import KaplanMeierPicture
from cohortstats.stats.kaplan_meier import kaplan_meier
from cohortstats.study import (
    AnyRow,
    Association,
    Characteristics,
    Flow,
    Listing,
    Measurements,
    Missingness,
    Regression,
    Response,
    Swimmer,
    TimeToEvent,
    Waterfall,
)
from cohortstats.tables.language import sentence_values

__all__ = ["PATIENT_ROWS", "CountReader", "ExhibitCounts", "Made", "address_of"]

Records = Mapping[str, Result]
"""``row/group/statistic`` -> result of one exhibit."""

PATIENT_ROWS = (Listing, Measurements, Swimmer, Waterfall)

# Footnotes with a number of patients that the sums know.
COUNTED = (
    "response_missing",
    "unknown_in_denominator",
    "unknown_not_in_denominator",
    "row_denominator",
    "outcome_unknown_not_an_event",
    "outcome_unknown_event",
    "outcome_unknown_exclude",
    "without_time",
    "without_group",
    "missing_n",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a result is: a count, or made of counts; ``n`` are the patients behind it."""

    count: Patients | None = None
    n: Patients | None = None
    needs: tuple[Patients, ...] = ()


@dataclass(slots=True, kw_only=True)
class ExhibitCounts:
    """What was found in one exhibit."""

    made: dict[str, Made] = field(default_factory=dict)
    notes: dict[str, tuple[Patients, ...]] = field(default_factory=dict)
    heads: dict[int, Patients] = field(default_factory=dict)
    boxes: list[tuple[Patients, list[tuple[str, Patients]]]] = field(default_factory=list)
    risk: list[list[list[Patients]]] = field(default_factory=list)
    ends: dict[str, float | None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class CountReader(PatientCounts):
    """Takes every printed count of all exhibits into one system of sums."""

    def read(self, analysis: Analysis) -> ExhibitCounts:
        """Take an exhibit in."""
        found = ExhibitCounts()
        entry = analysis.entry
        if isinstance(entry, PATIENT_ROWS):
            return found
        records = {address_of(record): record for record in analysis.records if not record.withheld}
        readers: dict[type, Any] = {
            Characteristics: self._characteristics,
            Response: self._response,
            Association: self._association,
            TimeToEvent: self._time_to_event,
            Regression: self._regression,
            Flow: self._flow,
            Missingness: self._missingness,
        }
        readers[type(entry)](entry, records, found, analysis)
        for made in found.made.values():
            if made.count is not None:
                self.show(made.count)
            if made.n is not None:
                self.show(made.n)
        return found

    def _characteristics(
        self, entry: Characteristics, records: Records, found: ExhibitCounts, analysis: Analysis
    ) -> None:
        population = self.narrowed(entry.population)
        columns: list[tuple[str, Patients]] = []
        if entry.by:
            self.divide(population, f"variable {entry.by}")
            levels = self.cohort.variables[entry.by].levels
            columns = [(level, self.patients((f"variable {entry.by}", level), of=population)) for level in levels]
        columns.append(("all", population))
        for place, (_, part) in enumerate(columns, start=1):
            found.heads[place] = self.show(part)
        named: list[tuple[str, str]] = []  # variable, and the level when only one is of interest
        for item in entry.rows:
            if isinstance(item, AnyRow):
                named += [(name, "yes") for name in item.any]
            else:
                named.append((item if isinstance(item, str) else item.variable, ""))
        for name, only in dict.fromkeys(named):
            divider = f"variable {name}"
            levels = self.cohort.variables[name].levels
            if entry.by:
                self.cross(population, divider, f"variable {entry.by}")
            for group, part in columns:
                self.divide(part, divider)
                known, missing = self.patients((divider, KNOWN), of=part), self.patients((divider, MISSING), of=part)
                row_of_missing = f"{name}/{MISSING}/{group}/n"
                in_denominator = entry.missing == "in denominator" and not only
                total = part if in_denominator else known
                for level in levels:
                    count = self.patients((divider, level), of=part)
                    self.protect(count)
                    found.made[f"{name}/{level}/{group}/n"] = Made(count=count, n=total)
                    found.made[f"{name}/{level}/{group}/percent"] = Made(n=total, needs=(count, total))
                if row_of_missing in records:
                    found.made[row_of_missing] = Made(count=missing, n=part)
                    found.made[f"{name}/{MISSING}/{group}/percent"] = Made(n=part, needs=(missing, part))
                elif not only:  # no line says that nobody is missing
                    self.show(missing, alone=True) if not self.value(missing) else None
                for statistic in ("median", "min", "max", "q1", "q3", "mean", "sd"):
                    found.made[f"{name}/{group}/{statistic}"] = Made(n=known)
        found.made = {address: made for address, made in found.made.items() if address in records}

    def _response(
        self, entry: Response, records: Mapping[str, Result], found: ExhibitCounts, analysis: Analysis
    ) -> None:
        population = self.narrowed(entry.population)
        divider = f"variable {entry.variable}"
        variable = self.cohort.variables[entry.variable]
        self.divide(population, divider)
        counted = [lv for lv in variable.levels if entry.unknown == "in denominator" or lv not in variable.unknown]
        total = self._sum(population, divider, counted, "total")
        parts = {level: self.patients((divider, level), of=population) for level in counted}
        parts |= {name: self._sum(population, divider, levels, name) for name, levels in entry.sums.items()}
        for name, count in parts.items():
            found.made[f"{entry.variable}/{name}/all/n"] = Made(count=count, n=total)
            found.made[f"{entry.variable}/{name}/all/percent"] = Made(n=total, needs=(count, total))
        found.made["all/all/total"] = Made(count=total, n=total)
        found.made = {address: made for address, made in found.made.items() if address in records}
        missing = self.patients((divider, MISSING), of=population)
        unknown = self._sum(population, divider, variable.unknown, "unknown") if variable.unknown else None
        for note in analysis.table.footnotes:
            if self._is(note, "response_missing"):
                self._note(note, (missing,), found)
            elif unknown is not None and self._is(note, "unknown_in_denominator", "unknown_not_in_denominator"):
                self._note(note, (unknown,), found)

    def _sum(self, part: Patients, divider: str, levels: Sequence[str], name: str) -> Patients:
        """Patients with one of several levels."""
        below = [self.patients((divider, level), of=part) for level in levels]
        everybody = [level for level in self.partition(divider) if level != MISSING]
        if len(below) == 1:
            return below[0]
        if sorted(levels) == sorted(everybody):
            return self.patients((divider, KNOWN), of=part)
        label = f"sum {divider}: {' + '.join(sorted(levels))}"
        parts = self.partition(divider)
        inside = np.any([parts[level] for level in levels], axis=0) if levels else np.zeros(self.cohort.n, dtype=bool)
        self._partitions[label] = {"yes": inside, "no": ~inside}
        whole = self.patients((label, "yes"), of=part)
        self.counts.relate(self.place(whole), [self.place(one) for one in below])
        return whole

    def _association(
        self, entry: Association, records: Mapping[str, Result], found: ExhibitCounts, analysis: Analysis
    ) -> None:
        outcome = f"outcome {entry.outcome}"
        population = self.narrowed(entry.population)
        self.divide(population, outcome)
        everyone = self.patients((outcome, KNOWN), of=population)

        def line(row: str, group: str, total: Patients) -> tuple[Patients, Patients]:
            self.divide(total, outcome)
            count = self.patients((outcome, "yes"), of=total)
            self.protect(self.patients((outcome, "no"), of=total))
            found.made[f"{row}/{group}/total"] = Made(count=total, n=total)
            found.made[f"{row}/{group}/n"] = Made(count=count, n=total)
            found.made[f"{row}/{group}/percent"] = Made(n=total, needs=(count, total))
            return count, total

        line("all", "all", everyone)
        family: list[Patients] = []
        valued: dict[str, Patients] = {}
        for name in entry.rows:
            divider = f"variable {name}"
            self.cross(everyone, divider, outcome)
            needs = [
                key
                for level in self.cohort.variables[name].levels
                for key in line(name, level, self.patients((divider, level), of=everyone))
            ]
            family += needs
            known = self.patients((divider, KNOWN), of=everyone)
            valued[entry.labels.get(name, self.cohort.variables[name].label)] = known
            for address in records:
                if address.startswith(f"{name}//") and not address.endswith("/p_adjusted"):
                    found.made[address] = Made(n=known, needs=tuple(needs))
        for name in entry.rows:
            known = self.patients((f"variable {name}", KNOWN), of=everyone)
            found.made[f"{name}//p_adjusted"] = Made(n=known, needs=tuple(family))
        found.made = {address: made for address, made in found.made.items() if address in records}
        recorded = f"recorded {entry.outcome}"
        self.divide(EVERYBODY, recorded)
        unknown = self.patients((recorded, "no"))
        for note in analysis.table.footnotes:
            rows = self._is(note, "row_denominator")
            if rows:
                keys = [key for label, key in valued.items() if label in rows["variables"]]
                self._note(note, tuple(keys), found)
            elif self._is(note, *(key for key in COUNTED if key.startswith("outcome_unknown"))):
                self._note(note, (unknown,), found)

    def _at_start(self, entry: TimeToEvent | Regression) -> Patients:
        """Patients of a survival analysis before groups or covariates."""
        part = self.narrowed(entry.population)
        if isinstance(entry, TimeToEvent) and entry.landmark:
            name = f"landmark {entry.endpoint} {entry.landmark!r}"
            self.divide(part, name)
            part = self.patients((name, "yes"), of=part)
        self.divide(part, f"time {entry.endpoint}")
        part = self.patients((f"time {entry.endpoint}", "any"), of=part)
        if entry.strata:
            name = f"{'values' if isinstance(entry, Regression) else 'variable'} {entry.strata}"
            self.divide(part, name)
            part = self.patients((name, "yes" if isinstance(entry, Regression) else KNOWN), of=part)
        return part

    def _time_to_event(self, entry: TimeToEvent, records: Records, found: ExhibitCounts, analysis: Analysis) -> None:
        part, event = self._at_start(entry), f"event {entry.endpoint}"
        divider = f"variable {entry.groups}"
        groups = {"all": part}
        everyone = part
        if entry.groups:
            self.cross(part, divider, event)
            everyone = self.patients((divider, KNOWN), of=part)
            groups = {
                level: self.patients((divider, level), of=part) for level in self.cohort.variables[entry.groups].levels
            }
        self.divide(everyone, event)
        needs: list[Patients] = []
        for group, n in groups.items():
            self.divide(n, event)
            events = self.patients((event, "yes"), of=n)
            self.protect(self.patients((event, "no"), of=n))
            needs += [n, events]
            address = f"{entry.endpoint}/{group}"
            found.made[f"{address}/n"] = Made(count=n, n=n)
            found.made[f"{address}/events"] = Made(count=events, n=n)
            for known in records:
                if known.startswith(f"{address}/") and known not in found.made:
                    # Survival at a time has those at risk then behind it, and its steps tell of how many they are.
                    found.made[known] = Made(needs=(n,)) if "/survival_" in known else Made(n=n)
        for known, record in records.items():
            if known not in found.made and record.group not in groups:
                pair = [group for group in groups if group in record.group.split(" v ")]
                which = [key for group in pair for key in needs if key >= groups[group]] if len(pair) == 2 else needs
                found.made[known] = Made(n=everyone if record.n is not None else None, needs=tuple(which))
        found.made = {address: made for address, made in found.made.items() if address in records}
        population = self.narrowed(entry.population)
        for note in analysis.table.footnotes:
            if self._is(note, "without_time") and not entry.landmark:
                self._note(note, (self.patients((f"time {entry.endpoint}", MISSING), of=population),), found)
            elif self._is(note, "without_group") and entry.groups and not entry.strata:
                self._note(note, (self.patients((divider, MISSING), of=part),), found)
        self._curves(entry, analysis, groups, event, found)

    def _curves(
        self, entry: TimeToEvent, analysis: Analysis, groups: Mapping[str, Patients], event: str, found: ExhibitCounts
    ) -> None:
        """Where each curve ends, and the numbers under the plot."""
        data = SurvivalData.of(exhibit_population(self.cohort, entry), entry)
        if data.frame.empty:
            return
        events = event_table(data.frame.drop(columns="stratum", errors="ignore"))
        steps = kaplan_meier(events).to_frame()
        for group in groups:
            own = steps[steps["group"] == group]
            at_risk, times = own["n_at_risk"].to_numpy(), own["time"].to_numpy(dtype=float)
            enough = np.flatnonzero(at_risk >= self.k)
            # With late entries few may be at risk early, too: there is no such curve then.
            whole = enough.size and (at_risk[: enough[-1] + 1] >= self.k).all()
            found.ends[group] = float(times[enough[-1]]) if whole else None
        picture = analysis.picture
        if not isinstance(picture, KaplanMeierPicture) or picture.risk_table is None:
            return
        late = "entry" in data.frame
        for drawn, rows in zip(picture.groups, picture.risk_table.rows, strict=True):
            end = found.ends[drawn.name]
            keys: list[list[Patients]] = [[], [], []]
            before: list[Patients] = []
            for place, tick in enumerate(picture.risk_table.ticks):
                here = [
                    self.free(frozenset({(f"{word} {entry.id} {drawn.name}", str(place))}), int(row[place]))
                    for word, row in zip(("risk", "events", "censored"), rows, strict=True)
                ]
                if end is None or tick > end:
                    self.counts.add(here[0], int(rows[0][place]), shown=True, end=True)
                for key, list_of in zip(here, keys, strict=True):
                    self.show(key)
                    list_of.append(key)
                if not late:
                    self.counts.relate(self.place(groups[drawn.name]), [self.place(key) for key in here])
                for row in (1, 2):  # both only grow
                    if before:
                        self._grows(before[row], here[row])
                before = here
            if before:
                for row, level in ((1, "yes"), (2, "no")):
                    total = self.patients((event, level), of=groups[drawn.name])
                    if not late:
                        self._grows(before[row], total)
            found.risk.append(keys)

    def _grows(self, earlier: Patients, later: Patients) -> None:
        """Note that a count is another one and some more."""
        more = frozenset({("more", repr((sorted(earlier), sorted(later))))})
        self.free(more, self.value(later) - self.value(earlier))
        self.counts.relate(self.place(later), [self.place(earlier), self.place(more)])

    def _regression(
        self, entry: Regression, records: Mapping[str, Result], found: ExhibitCounts, analysis: Analysis
    ) -> None:
        start, event = self._at_start(entry), f"event {entry.endpoint}"
        for model in model_rows(self.cohort, entry):
            group = model.group
            part = start
            lacking = [f"values {one}" for one in model.covariates if self.partition(f"values {one}")["no"].any()]
            if len(lacking) == 1:
                part = self.patients((lacking[0], "yes"), of=start)
            elif lacking:
                name = f"complete {', '.join(sorted(lacking))}"
                complete = np.logical_and.reduce([self.partition(one)["yes"] for one in lacking])
                self._partitions[name] = {"yes": complete, "no": ~complete}
                part = self.patients((name, "yes"), of=start)
                for one in lacking:
                    nobody = self.patients((one, "no"), of=part)
                    self.counts.add(nobody, 0, fixed=True)
            self.divide(part, event)
            whole_events = self.patients((event, "yes"), of=part)
            self.protect(self.patients((event, "no"), of=part))
            of_model: list[Patients] = [part, whole_events]
            for covariate, levels in zip(model.covariates, model.levels, strict=True):
                needs: list[Patients] = [part, whole_events]
                if levels:
                    self.cross(part, f"variable {covariate}", event)
                for level in levels:
                    n = self.patients((f"variable {covariate}", level), of=part)
                    n_events = self.patients((event, "yes"), of=n)
                    self.protect(self.patients((event, "no"), of=n))
                    needs += [n, n_events]
                    found.made[f"{covariate}/{level}/{group}/n"] = Made(count=n, n=n)
                    found.made[f"{covariate}/{level}/{group}/n_events"] = Made(count=n_events, n=n)
                if not levels or len(model.covariates) == 1:
                    found.made[f"{covariate}/{group}/n"] = Made(count=part, n=part)
                    found.made[f"{covariate}/{group}/n_events"] = Made(count=whole_events, n=part)
                of_model += needs
                for address in records:
                    own = address.startswith(
                        (f"{covariate}/{group}/", *(f"{covariate}/{lv}/{group}/" for lv in levels))
                    )
                    if own and address not in found.made:
                        found.made[address] = Made(n=part, needs=tuple(dict.fromkeys(needs)))
            row = f"{entry.endpoint}/{group}"
            if group == "multivariable":
                found.made[f"{row}/n"] = Made(count=part, n=part)
                found.made[f"{row}/n_events"] = Made(count=whole_events, n=part)
                for address in records:
                    if address.startswith(f"{row}/") and address not in found.made:
                        found.made[address] = Made(n=part, needs=tuple(dict.fromkeys(of_model)))
        found.made = {address: made for address, made in found.made.items() if address in records}

    def _flow(self, entry: Flow, records: Records, found: ExhibitCounts, analysis: Analysis) -> None:
        say, study = self.say, self.cohort.study
        exhibits = {exhibit.id: exhibit for exhibit in study.exhibits}
        for box in flow_boxes(self.cohort, entry):
            parent = found.boxes[box.parent][0] if box.parent >= 0 else None
            key = frozenset({(f"box {entry.id}", box.row)})
            within = box.parent > 0
            exhibit = exhibits.get(box.row)
            when = re.sub(r" \(\d+\)$", "", box.row)
            narrows = within and exhibit is None and box.row != "cohort" and box.row.partition("/")[0] not in exhibits
            if box.row == "cohort":
                key = EVERYBODY
            elif exhibit is not None and not box.out and parent is not None:
                key = parent
            elif isinstance(exhibit, Association) and parent is not None:
                self.divide(parent, f"outcome {exhibit.outcome}")
                key = self.patients((f"outcome {exhibit.outcome}", KNOWN), of=parent)
            elif (
                isinstance(exhibit, TimeToEvent) and not exhibit.landmark and not exhibit.strata and parent is not None
            ):
                self.divide(parent, f"time {exhibit.endpoint}")
                key = self.patients((f"time {exhibit.endpoint}", "any"), of=parent)
                if exhibit.groups:
                    self.divide(key, f"variable {exhibit.groups}")
                    key = self.patients((f"variable {exhibit.groups}", KNOWN), of=key)
            elif narrows and parent is not None and self._narrows(when):
                key = self.narrowed(when, of=parent)
            elif "/" in box.row and parent is not None:
                above = exhibits.get(box.row.partition("/")[0])
                name = box.row.partition("/")[2]
                if isinstance(above, Association) and name in self.cohort.variables:
                    self.divide(parent, f"variable {name}")
                    key = self.patients((f"variable {name}", KNOWN), of=parent)
            # What the words do not tell apart, the number may.
            if key not in self.counts.places or self.value(key) != box.n:
                key = self.free(frozenset({(f"box {entry.id}", box.row)}), box.n)
            out = []
            for text, n in box.out:
                left = frozenset({(f"out {entry.id} {box.row}", text)})
                if narrows and parent is not None and self._narrows(when):
                    divider, yes = self._one_answer(when)
                    self.divide(parent, divider)
                    level = MISSING if text == say("flow_unknown") else "yes" if yes == "no" else "no"
                    semantic = self.patients((divider, level), of=parent)
                    left = semantic if self.value(semantic) == n else left
                self.counts.add(left, n)
                out.append((text, left))
                found.made[f"{box.row}/{text}/n_out"] = Made(count=left, n=parent)
            if parent is not None:
                self.counts.relate(self.place(parent), [self.place(key), *(self.place(one) for _, one in out)])
            found.made[f"{box.row}/all/n"] = Made(count=key, n=key)
            found.boxes.append((key, out))
        found.made = {address: made for address, made in found.made.items() if address in records}

    def _one_answer(self, expression: str) -> Condition:
        """What an expression asks, and the answer for which it is yes: a yes/no variable where it is one by itself."""
        alone = re.fullmatch(r"\s*(not\s+)?`?([^`]+?)`?\s*", expression)
        name = resolve(alone[2], self.cohort.variables) if alone is not None else None
        if alone is None or name is None or self.cohort.variables[name].kind != "yes/no":
            return f"answer {expression}", "yes"
        return f"variable {name}", "no" if alone[1] else "yes"

    def _narrows(self, expression: str) -> bool:
        try:
            self.partition(f"answer {expression}")
        except ValueError:
            return False
        return True

    def _missingness(
        self, entry: Missingness, records: Mapping[str, Result], found: ExhibitCounts, analysis: Analysis
    ) -> None:
        population = self.narrowed(entry.population)
        self.show(population)
        inside = exhibit_population(self.cohort, entry)
        variables = list(dict.fromkeys(record.row for record in records.values() if record.statistic == "n_known"))
        parts: list[tuple[str, str, str]] = []  # word, divider, level
        for word, expression in (("outcome", entry.outcome), ("tested", entry.tested)):
            if expression:
                name = resolve(expression.strip().strip("`"), self.cohort.variables)
                divider = f"variable {name}" if name is not None else f"answer {expression}"
                parts += [(word, divider, level) for level in ("yes", "no", MISSING)]
                self.divide(population, divider)
        for name in variables:
            values = f"values {name}"
            self.divide(population, values)
            known, missing = (self.patients((values, level), of=population) for level in ("yes", "no"))
            found.made[f"{name}/all/n_known"] = Made(count=known, n=population)
            found.made[f"{name}/all/n_missing"] = Made(count=missing, n=population)
            found.made[f"{name}/all/percent_missing"] = Made(n=population, needs=(missing, population))
            reasons = [
                record for record in records.values() if record.statistic == "n_missing_reason" and record.row == name
            ]
            keys = []
            for record in reasons:
                key = self.free(frozenset({(f"reason {entry.id} {name}", record.group)}), int(record.value or 0))
                found.made[address_of(record)] = Made(count=key, n=population)
                keys.append(self.place(key))
            if keys:
                self.counts.relate(self.place(missing), keys)
            for word, divider, level in parts:
                self.cross(population, divider, values)
                here = self.patients((divider, level), of=population)
                lacking = self.patients((values, "no"), of=here)
                self.protect(self.patients((values, "yes"), of=here))
                found.made[f"{name}/{level}/n_missing_{word}"] = Made(count=lacking, n=here)
                found.made[f"{name}/{level}/percent_missing_{word}"] = Made(n=here, needs=(lacking, here))
        patterns = missingness(inside, variables=variables).patterns if variables else ()
        keys = []
        for pattern in patterns:
            group = ", ".join(pattern.variables) or "complete"
            key = self.free(frozenset({(f"pattern {entry.id}", group)}), pattern.n)
            found.made[f"pattern/{group}/n"] = Made(count=key, n=population)
            keys.append(self.place(key))
        if keys:
            self.counts.relate(self.place(population), keys)
            for name in variables:
                lacking = self.patients((f"values {name}", "no"), of=population)
                with_it = [key for key, pattern in zip(keys, patterns, strict=True) if name in pattern.variables]
                if with_it:
                    self.counts.relate(self.place(lacking), with_it)
        found.made = {
            address: made
            for address, made in found.made.items()
            if address in records and (made.count is None or self.value(made.count) == records[address].value)
        }
        for note in analysis.table.footnotes:
            if self._is(note, "missing_n"):
                self._note(note, (population,), found)

    # ---- sentences

    def _is(self, text: str, *keys: str) -> dict[str, str] | None:
        """Values of a sentence that is one of the catalogue's."""
        lang = self.cohort.study.report.lang
        return next(
            (
                values
                for key in keys
                for name in (key, f"{key}_one")
                if (values := sentence_values(lang, name, text)) is not None
            ),
            None,
        )

    def _note(self, text: str, keys: tuple[Patients, ...], found: ExhibitCounts) -> None:
        """Keep a sentence where its number may be shown; a small one is not printed at all."""
        if keys and all(self.value(key) >= self.k for key in keys):
            found.notes[text] = tuple(self.show(key) for key in keys)


def address_of(record: Result) -> str:
    return f"{record.row}/{record.group}/{record.statistic}"
