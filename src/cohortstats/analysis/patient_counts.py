"""Counts of patients, in words that tell equal ones and sums.

A count is known by the patients it counts (``the variable is yes, and the outcome too``), so that the same patients are
the same count wherever they stand, and levels add up to their whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cohortstats.analysis.count_system import CountSystem
from cohortstats.cohort import Cohort
from cohortstats.derivations.landmark import landmark
from cohortstats.expressions import resolve
from cohortstats.study import (
    BinaryEndpoint,
)
from cohortstats.tables.language import Words, words

__all__ = ["EVERYBODY", "KNOWN", "MISSING", "Condition", "Mask", "PatientCounts", "Patients"]

Condition = tuple[str, str]
"""What divides the patients, and the part: ``("variable stage", "IV")``, ``("time os", "known")``."""
Patients = frozenset[Condition]
Mask = npt.NDArray[np.bool_]

EVERYBODY: Patients = frozenset()
KNOWN, MISSING = "known", "missing"


@dataclass(slots=True, kw_only=True)
class PatientCounts:
    """Counts of patients by what divides them, and the sums between these counts."""

    cohort: Cohort
    k: int
    counts: CountSystem = field(init=False)
    _partitions: dict[str, dict[str, Mask]] = field(default_factory=dict)
    _sources: dict[str, list[tuple[str, dict[str, list[str]]]]] = field(default_factory=dict)
    _divided: set[tuple[Patients, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.counts = CountSystem(k=self.k, most=self.cohort.n)
        self.counts.add(EVERYBODY, self.cohort.n, fixed=True)

    @property
    def say(self) -> Words:
        return words(self.cohort.study.report.lang)

    # ---- patients

    def partition(self, name: str) -> dict[str, Mask]:
        """Every part of what divides the patients, missing ones last."""
        if name not in self._partitions:
            kind, _, what = name.partition(" ")
            self._partitions[name] = getattr(self, f"_by_{kind}")(what)
        return self._partitions[name]

    def _by_variable(self, name: str) -> dict[str, Mask]:
        variable = self.cohort.variable(name)
        if variable.levels:
            values = self.cohort.levels(name).astype(object)
            parts = {level: (values == level).to_numpy(dtype=bool) for level in variable.levels}
        else:
            values = self.cohort.values(name)
            parts = {"any": values.notna().to_numpy(dtype=bool)}
        return parts | {MISSING: values.isna().to_numpy(dtype=bool)}

    def _by_answer(self, expression: str) -> dict[str, Mask]:
        answer = self.cohort.answer(expression, "population")
        yes = answer.data.astype(bool) & ~answer.missing
        return {"yes": yes, "no": ~yes & ~answer.missing, MISSING: answer.missing}

    def _by_values(self, name: str) -> dict[str, Mask]:
        """Known as expressions see it: levels declared unknown are missing."""
        missing = self.cohort.known(name).missing
        return {"yes": ~missing, "no": missing}

    def _by_outcome(self, name: str) -> dict[str, Mask]:
        event = self.cohort.endpoint(name)["event"]
        known = event.notna().to_numpy(dtype=bool)
        yes = event.fillna(False).to_numpy(dtype=bool) & known
        endpoint = self.cohort.study.endpoints[name]
        parts = {"yes": yes, "no": ~yes & known}
        # A rule that counts the unknown leaves nobody out.
        counted = isinstance(endpoint, BinaryEndpoint) and endpoint.unknown != "exclude" and known.all()
        return parts if counted else parts | {MISSING: ~known}

    def _by_recorded(self, name: str) -> dict[str, Mask]:
        missing = self.cohort.endpoint(name)["recorded"].isna().to_numpy(dtype=bool)
        return {"yes": ~missing, "no": missing}

    def _by_time(self, name: str) -> dict[str, Mask]:
        known = self.cohort.endpoint(name)["time"].notna().to_numpy(dtype=bool)
        return {"any": known, MISSING: ~known}

    def _by_event(self, name: str) -> dict[str, Mask]:
        # Asked only of those with a time, who have had the event or not.
        event = self.cohort.endpoint(name)["event"].fillna(False).to_numpy(dtype=bool)
        return {"yes": event, "no": ~event}

    def _by_landmark(self, name: str) -> dict[str, Mask]:
        endpoint, _, at = name.rpartition(" ")
        inside = set(landmark(self.cohort, at=float(at), endpoint=endpoint).ids)
        here = np.array([patient in inside for patient in self.cohort.ids], dtype=bool)
        return {"yes": here, "no": ~here}

    def _mask(self, key: Patients) -> Mask:
        found = np.ones(self.cohort.n, dtype=bool)
        for name, level in key:
            parts = self.partition(name)
            if level == KNOWN:
                found &= ~parts[MISSING] if MISSING in parts else True
            else:
                found &= parts[level]
        return found

    def _plain(self, key: Patients) -> Patients:
        """The same patients in the shortest words: what holds for everybody is left out, one name stands for others."""
        found: set[Condition] = set()
        for name, level in key:
            parts = self.partition(name)
            if level == KNOWN and (MISSING not in parts or any(n == name and lv != KNOWN for n, lv in key)):
                continue
            if (~parts[MISSING] if level == KNOWN else parts[level]).all():
                continue
            same = next(
                (
                    (source, levels[level][0])
                    for source, levels in self.sources(name)
                    if len(levels.get(level, ())) == 1
                ),
                None,
            )
            named_twice = same is not None and level != MISSING and not name.startswith("event ")
            found.add(same if same is not None and named_twice else (name, level))
        # Who has a level has a value.
        valued = {
            f"values {name.partition(' ')[2]}"
            for name, level in found
            if name.startswith("variable ")
            and level != MISSING
            and level not in self.cohort.variables[name.partition(" ")[2]].unknown
        }
        return frozenset((name, level) for name, level in found if not (name in valued and level == "yes"))

    def sources(self, name: str) -> list[tuple[str, dict[str, list[str]]]]:
        """What a variable follows from by its declaration: each level with the levels of the source that make it."""
        if name not in self._sources:
            self._sources[name] = []
            kind, _, what = name.partition(" ")
            candidates: list[str] = []
            if kind in ("variable", "outcome") and what in self.cohort.variables:
                given = self.cohort.variables[what].given_names - ({what} if kind == "variable" else set())
                candidates = [
                    f"variable {source}"
                    for source in sorted(given)
                    if source in self.cohort.variables
                    and self.cohort.variables[source].levels
                    and not self.cohort.variables[source].many
                ]
                if kind == "outcome":
                    candidates.append(f"variable {what}")
            elif kind == "values":
                candidates = [f"variable {what}"]
            elif kind == "answer":
                named = dict.fromkeys(re.findall(r"\w+", what))
                candidates = [
                    f"variable {source}"
                    for source in named
                    if source in self.cohort.variables
                    and self.cohort.variables[source].levels
                    and not self.cohort.variables[source].many
                ]
            elif kind == "event":
                source = getattr(self.cohort.study.endpoints[what], "event", "")
                found = resolve(source, self.cohort.variables) if source else None
                if found is not None and self.cohort.variables[found].levels and not self.cohort.variables[found].many:
                    candidates = [f"variable {found}"]
            own = self.partition(name)
            if kind == "event":  # asked of those with a time
                timed = self.partition(f"time {what}")["any"]
                own = {level: here & timed for level, here in own.items()}
            for source in candidates:
                made: dict[str, list[str]] = {level: [] for level in own}
                for level, here in self.partition(source).items():
                    to = [mine for mine, there in own.items() if (here & there).any()]
                    if len(to) > 1:
                        break
                    if to:
                        made[to[0]].append(level)
                else:
                    self._sources[name].append((source, made))
        return self._sources[name]

    def patients(self, *conditions: Condition, of: Patients = EVERYBODY) -> Patients:
        """Those of a part for whom conditions hold, as a count of the system."""
        key = self._plain(of | frozenset(conditions))
        if key not in self.counts.places:
            self.counts.add(key, int(self._mask(key).sum()))
            for name, level in sorted(key):  # readers know the sums over each of its conditions
                self.divide(key - {(name, level)}, name)
        return key

    def place(self, key: Patients) -> int:
        return self.counts.places[key]

    def value(self, key: Patients) -> int:
        return self.counts.values[self.counts.places[key]]

    def divide(self, part: Patients, name: str) -> None:
        """Note that the levels of a variable make up a part of the patients."""
        part = self._plain(part)
        if (part, name) in self._divided or any(one == name for one, _ in part):
            return
        self._divided.add((part, name))
        parts = self.partition(name)
        children = {level: self.patients((name, level), of=part) for level in parts}
        whole = self.patients(of=part)
        self.counts.relate(self.place(whole), [self.place(child) for child in children.values()])
        if MISSING in parts:
            known = self.patients((name, KNOWN), of=part)
            self.counts.relate(
                self.place(known), [self.place(child) for level, child in children.items() if level != MISSING]
            )
        for source, made in self.sources(name):
            self.divide(part, source)
            if any(one == source for one, _ in part):
                continue
            for level, levels in made.items():
                below = [self.place(self.patients((source, one), of=part)) for one in levels]
                # An event is what its column says only of those with a time.
                if below and sum(map(self.counts.values.__getitem__, below)) == self.value(children[level]):
                    self.counts.relate(self.place(children[level]), below)

    def cross(self, part: Patients, first: str, second: str) -> None:
        """Note the sums of a two-way table."""
        for one, other in ((first, second), (second, first)):
            self.divide(part, one)
            for level in self.partition(one):
                self.divide(self.patients((one, level), of=part), other)

    def narrowed(self, expression: str, of: Patients = EVERYBODY) -> Patients:
        """Those for whom an expression is yes; names joined by `and` are taken apart."""
        if not expression:
            return of
        conditions: list[Condition] = []
        for part in re.split(r"\s+and\s+", expression.strip()):
            negated, _, name = part.strip().rpartition("not ")
            found = resolve(name.strip().strip("`"), self.cohort.variables) if not negated.strip() else None
            if found is None or self.cohort.variables[found].kind != "yes/no" or self.cohort.variables[found].many:
                conditions = [(f"answer {expression}", "yes")]
                break
            conditions.append((f"variable {found}", "no" if part.strip().startswith("not ") else "yes"))
        for condition in conditions:
            self.divide(of, condition[0])
            of = self.patients(condition, of=of)
        return of

    def show(self, key: Patients, *, alone: bool = False) -> Patients:
        """Note that a count is printed; ``alone`` when it must not stay unknown for being small."""
        self.counts.add(key, self.value(key), shown=True, sensitive=not alone)
        return key

    def protect(self, key: Patients) -> None:
        """Note that a count must stay unknown when it is small, though it is not printed."""
        self.counts.add(key, self.value(key), sensitive=True)

    def free(self, key: Patients, value: int) -> Patients:
        """A count that is no part of the cohort in words of the study, such as a number at risk."""
        self.counts.add(key, value)
        return key
