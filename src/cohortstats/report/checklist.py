"""``checklist.csv``: which items of REMARK and STROBE the run answers, and where; the rest is for the authors.

Statuses follow from what ran and may be shown: ``met``, ``partly``, ``missing``, ``n/a``, and ``author`` where only a
person can say. Evidence is the id of an exhibit or a key of the study file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Literal, TypeVar

from cohortstats.analysis.results import Analysis, Result
from cohortstats.cohort import Cohort
from cohortstats.study import (
    AnyRow,
    Association,
    Characteristics,
    Derived,
    Exhibit,
    Flow,
    Measurements,
    Missingness,
    Regression,
    TimeToEvent,
    TimeToEventEndpoint,
    VariableRow,
    section_of,
)
from cohortstats.tables.writers.csv import guard_text, rows_to_csv

__all__ = ["ChecklistItem", "checklist_csv", "checklist_items"]

Status = Literal["met", "partly", "missing", "n/a", "author"]
Answer = tuple[Status, tuple[str, ...]]
AUTHOR: Answer = ("author", ())
NOT_APPLICABLE: Answer = ("n/a", ())
COLUMNS = ("guideline", "item", "topic", "status", "evidence")

Kind = TypeVar("Kind", Association, Characteristics, Flow, Measurements, Missingness, Regression, TimeToEvent)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem:
    """One item of a guideline.

    Parameters
    ----------
    guideline, item
        ``REMARK`` or ``STROBE``, and its number there.
    topic
        What it asks for, in the language of the report.
    status
        ``met``, ``partly``, ``missing``, ``n/a`` or ``author``.
    evidence
        Ids of exhibits and keys of the study file.
    """

    guideline: str
    item: str
    topic: str
    status: Status
    evidence: tuple[str, ...] = ()


@cache
def _topics() -> Mapping[str, list[dict[str, str]]]:
    found: Mapping[str, list[dict[str, str]]] = tomllib.loads(
        (files("cohortstats.report") / "checklist.toml").read_text(encoding="utf-8")
    )
    return found


def checklist_items(cohort: Cohort, analyses: Sequence[Analysis]) -> list[ChecklistItem]:
    """All items of both guidelines, in their order.

    Parameters
    ----------
    cohort
        The patients, with the study that they belong to.
    analyses
        The exhibits as they are shown.

    Examples
    --------
    >>> import cohortstats as cs
    >>> cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    >>> items = {(one.guideline, one.item): one for one in checklist_items(cohort, cs.make_exhibits(cohort))}
    >>> one = items["REMARK", "11"]
    >>> one.status, one.evidence
    ('met', ('derive.her2_amplified.cutoff', 'derive.pik3ca_mutated.cutoff'))
    >>> items["REMARK", "12"].status, items["REMARK", "19"].status
    ('partly', 'author')
    """
    run = _Run(cohort=cohort, analyses=analyses)
    lang = cohort.study.report.lang
    items = []
    for guideline, entries in _topics().items():
        for entry in entries:
            rule: Callable[[], Answer] | None = getattr(run, f"{guideline.lower()}_{entry['item']}", None)
            status, evidence = rule() if rule is not None else AUTHOR
            items.append(
                ChecklistItem(
                    guideline=guideline,
                    item=entry["item"],
                    topic=entry[lang],
                    status=status,
                    evidence=tuple(dict.fromkeys(evidence)),
                )
            )
    return items


def checklist_csv(items: Sequence[ChecklistItem]) -> str:
    """The items as ``guideline,item,topic,status,evidence``; several pieces of evidence are joined by ``; ``."""
    rows: list[Sequence[object]] = [COLUMNS]
    rows += [(i.guideline, i.item, i.topic, i.status, guard_text("; ".join(i.evidence))) for i in items]
    return rows_to_csv(rows)


def _graded(*parts: Iterable[str]) -> Answer:
    """Met when every part has evidence, partly when some have."""
    found = [tuple(part) for part in parts]
    evidence = tuple(one for part in found for one in part)
    return ("met" if all(found) else "partly" if evidence else "missing"), evidence


def _at_most_partly(*parts: Iterable[str]) -> Answer:
    """Where the run gives a part and the authors must say the rest."""
    status, evidence = _graded(*parts)
    return ("missing" if status == "missing" else "partly"), evidence


@dataclass(frozen=True, kw_only=True)
class _Run:
    """What ran: a method for each item that a run can answer."""

    cohort: Cohort
    analyses: Sequence[Analysis]

    # ---- what there is

    def _of(self, kind: type[Kind]) -> list[tuple[Analysis, Kind]]:
        return [(analysis, analysis.entry) for analysis in self.analyses if isinstance(analysis.entry, kind)]

    def _ids(self, kind: type[Kind]) -> tuple[str, ...]:
        """Exhibits of a kind that show something."""
        return tuple(analysis.id for analysis, _ in self._of(kind) if analysis.table.groups)

    def _key(self, *names: str) -> tuple[str, ...]:
        """Keys of ``[study]`` that are given."""
        return tuple(f"study.{name}" for name in names if getattr(self.cohort.study, name))

    @staticmethod
    def _entry_key(entry: Exhibit, name: str) -> str:
        return f"{section_of(entry)}.{entry.id}.{name}"

    def _shown(self, chosen: Callable[[Result], bool], analyses: Iterable[Analysis] | None = None) -> tuple[str, ...]:
        """Exhibits that show a result of a sort, defined and not withheld."""
        return tuple(
            analysis.id
            for analysis in (self.analyses if analyses is None else analyses)
            if any(not r.withheld and not r.reason and chosen(r) for r in analysis.records)
        )

    @cached_property
    def _uses(self) -> Mapping[str, frozenset[str]]:
        return self.cohort.study.uses

    @cached_property
    def _markers(self) -> frozenset[str]:
        """Measured markers, and variables that are made from them or have a cut-off."""
        study = self.cohort.study
        measured = {name for assay in study.ctdna.values() for name in assay.makes}
        measured |= {name for entry in study.exhibits if isinstance(entry, Measurements) for name in entry.columns}
        made = {name for name, uses in self._uses.items() if measured & uses}
        cut = {name for name, derived in study.derive.items() if derived.cutoff and not study.ctdna and not measured}
        return frozenset(measured | made | cut)

    @cached_property
    def _tested(self) -> dict[str, tuple[str, ...]]:
        """Key of the study file -> variables that were examined against an outcome under it."""
        found: dict[str, tuple[str, ...]] = {}
        for analysis in self.analyses:
            entry = analysis.entry
            if isinstance(entry, Association):
                found[self._entry_key(entry, "rows")] = entry.rows
                if entry.tested:
                    found[self._entry_key(entry, "tested")] = entry.tested
            elif isinstance(entry, Regression):
                found[self._entry_key(entry, "covariates")] = entry.covariates
            elif isinstance(entry, TimeToEvent) and entry.groups:
                found[self._entry_key(entry, "groups")] = (entry.groups,)
        return found

    @cached_property
    def _cut(self) -> dict[str, Derived]:
        """Derived variables in tests that a number was cut for."""
        tested = {name for names in self._tested.values() for name in names}
        reached = tested.union(*(self._uses.get(name, frozenset()) for name in tested))
        derive = self.cohort.study.derive
        return {name: one for name, one in derive.items() if name in reached and (one.cutoff or self._compares(one))}

    def _compares(self, derived: Derived) -> bool:
        """Whether an expression compares a measured number, so that it has a cut-off."""
        numbers = {n for n, v in self.cohort.variables.items() if v.kind in ("number", "integer")}
        texts = [derived.when, *(case for case, _ in derived.cases)]
        has_sign = any(sign in text for text in texts for sign in "<>")
        return has_sign and bool(numbers & self._uses.get(derived.name, frozenset()) & self._markers)

    def _endpoints(self) -> tuple[str, ...]:
        """Endpoints that exhibits use."""
        used = []
        for analysis in self.analyses:
            entry = analysis.entry
            if isinstance(entry, Association):
                used.append(entry.outcome)
            elif isinstance(entry, (TimeToEvent, Regression)):
                used.append(entry.endpoint)
        return tuple(dict.fromkeys(used))

    @property
    def _timed(self) -> bool:
        return bool(self._of(TimeToEvent) or self._of(Regression))

    def _events(self) -> tuple[str, ...]:
        counted = ("events", "n_events")
        of_outcome = self._shown(lambda r: r.statistic == "n" and r.row == "all", [a for a, _ in self._of(Association)])
        return (*of_outcome, *self._shown(lambda r: r.statistic in counted))

    def _detectable(self) -> tuple[str, ...]:
        return self._shown(lambda r: r.statistic in ("detectable_percent", "events_per_parameter", "min_attainable_p"))

    def _follow_up(self) -> tuple[str, ...]:
        return self._shown(lambda r: r.statistic == "follow_up")

    def _assumptions(self) -> tuple[str, ...]:
        guards = ("asymptotic", "attainable", "test and interval", "crossing or late effect", "follow-up differs")
        of_guards = (a.id for a in self.analyses if any(guard.name in guards for guard in a.guards))
        return (*self._shown(lambda r: r.statistic == "proportionality"), *of_guards)

    def _sensitivity(self) -> tuple[str, ...]:
        statistics = ("p_least_completion", "exact_p", "selection_adjusted_p")
        found = list(self._shown(lambda r: r.statistic in statistics))
        found += [analysis.id for analysis, entry in self._of(TimeToEvent) if entry.landmark]
        found += [analysis.id for analysis, entry in self._of(Flow) if entry.outcome and analysis.table.groups]
        found += [analysis.id for analysis, entry in self._of(Regression) if entry.penalty == "firth"]
        return tuple(found)

    def _texts(self) -> tuple[list[str], list[str]]:
        """Keys of the definitions of endpoints, and endpoints without one."""
        endpoints = self.cohort.study.endpoints
        told = [f"endpoints.{name}.text" for name in self._endpoints() if endpoints[name].text]
        return told, [name for name in self._endpoints() if not endpoints[name].text]

    def _missing_rules(self) -> tuple[str, ...]:
        """Where the study file says what happens to what is missing."""
        endpoints = self.cohort.study.endpoints
        found = [f"endpoints.{name}.unknown" for name in self._endpoints() if endpoints[name].unknown]
        return (*found, *self._ids(Missingness))

    def _ratio_exhibits(self, markers: bool, models: Sequence[str]) -> tuple[str, ...]:
        """Regressions with estimates and limits, of markers if asked for, from models of a sort."""
        found = []
        for analysis, entry in self._of(Regression):
            asked = [name for name in models if name in entry.models]
            names = entry.multivariable or entry.covariates if "multivariable" in asked else entry.covariates
            if asked and (not markers or self._markers & set(names)):
                found.append((analysis, asked))
        return tuple(
            analysis.id
            for analysis, asked in found
            if self._shown(lambda r, a=asked: r.statistic == "hazard_ratio" and r.group in a, [analysis])  # type: ignore[misc]
        )

    def _effects(self, markers: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Exhibits with effects and limits one by one, and those with a P alone."""
        with_limits, tested = [*self._ratio_exhibits(markers, ("univariable",))], []
        for analysis in self.analyses:
            entry = analysis.entry
            if not isinstance(entry, (Association, TimeToEvent)):
                continue
            names = set(entry.rows) if isinstance(entry, Association) else {entry.groups} - {""}
            rows = names & self._markers if markers else names
            if not rows:
                continue
            by_row = isinstance(entry, Association)

            def is_of(result: Result, rows: set[str] = rows, by_row: bool = by_row) -> bool:
                return not by_row or result.row in rows

            if self._shown(lambda r, ok=is_of: r.ci_level is not None and ok(r), [analysis]):  # type: ignore[misc]
                with_limits.append(analysis.id)
            elif self._shown(lambda r, ok=is_of: r.statistic == "p_value" and ok(r), [analysis]):  # type: ignore[misc]
                tested.append(analysis.id)
        return tuple(with_limits), tuple(tested)

    # ---- REMARK

    def remark_2(self) -> Answer:
        return _graded(self._key("period"), self._ids(Flow), self._ids(Characteristics))

    def remark_5(self) -> Answer:
        if not self._markers:
            return NOT_APPLICABLE
        return _graded((f"ctdna.{name}" for name in self.cohort.study.ctdna), self._ids(Measurements))

    def remark_6(self) -> Answer:
        parts = [self._key("period"), self._key("cutoff")]
        return _graded(*parts, *([self._follow_up()] if self._timed else []))

    def remark_7(self) -> Answer:
        told, untold = self._texts()
        if not told and not untold:
            return NOT_APPLICABLE
        return _graded(told, *([[]] if untold else []))

    def remark_8(self) -> Answer:
        return _graded(self._tested)

    def remark_9(self) -> Answer:
        return _graded(self._events(), self._detectable())

    def remark_10(self) -> Answer:
        parts = [self._key("conventions"), self._missing_rules()]
        return _graded(*parts, *([self._assumptions()] if self._of(Regression) else []))

    def remark_11(self) -> Answer:
        if not self._cut:
            return NOT_APPLICABLE
        told = [f"derive.{name}.cutoff" for name, one in self._cut.items() if one.cutoff]
        return _graded(told, *([[]] if any(not one.cutoff for one in self._cut.values()) else []))

    def remark_12(self) -> Answer:
        return _graded(self._ids(Flow), self._events())

    def remark_13(self) -> Answer:
        parts = [self._ids(Characteristics)]
        return _graded(*parts, *([self._marker_shown()] if self._markers else []))

    def _marker_shown(self) -> tuple[str, ...]:
        found = list(self._ids(Measurements))
        for analysis, entry in self._of(Characteristics):
            if self._markers & set(_names(entry)):
                found.append(analysis.id)
        found += [analysis.id for analysis, entry in self._of(Association) if self._markers & set(entry.rows)]
        return tuple(found)

    def remark_14(self) -> Answer:
        if not self._markers:
            return NOT_APPLICABLE
        by_marker = [analysis.id for analysis, entry in self._of(Characteristics) if entry.by in self._markers]
        outcome = [analysis.id for analysis, entry in self._of(Association) if entry.outcome in self._markers]
        return _graded((*by_marker, *outcome))

    def remark_15(self) -> Answer:
        if not self._markers:
            return NOT_APPLICABLE
        with_limits, tested = self._effects(markers=True)
        return ("partly", tested) if tested and not with_limits else _graded(with_limits)

    def remark_16(self) -> Answer:
        return _graded(self._ratio_exhibits(True, ("multivariable",))) if self._markers else NOT_APPLICABLE

    def remark_17(self) -> Answer:
        if not self._markers:
            return NOT_APPLICABLE
        together = self._ratio_exhibits(True, ("multivariable",))
        if together:
            return "met", together
        beside = [
            analysis.id
            for analysis, entry in self._of(Association)
            if set(entry.rows) - self._markers and self._markers & set(entry.rows)
        ]
        return ("partly", tuple(beside)) if beside else ("missing", ())

    def remark_18(self) -> Answer:
        return _graded(self._assumptions(), self._sensitivity())

    # ---- STROBE

    def strobe_4(self) -> Answer:
        return _at_most_partly((f"endpoints.{name}" for name in self._endpoints()), self._tested)

    def strobe_5(self) -> Answer:
        return _at_most_partly(self._key("period"), self._key("cutoff"))

    def strobe_6a(self) -> Answer:
        return _graded(self._key("n"), self._ids(Flow))

    def strobe_6b(self) -> Answer:
        return NOT_APPLICABLE

    def strobe_7(self) -> Answer:
        told, untold = self._texts()
        cut = [f"derive.{name}.cutoff" for name, one in self._cut.items() if one.cutoff]
        lacking = bool(untold) or any(not one.cutoff for one in self._cut.values())
        return _graded([*told, *cut], *([[]] if lacking else []))

    def strobe_8(self) -> Answer:
        study = self.cohort.study
        return _graded((*(f"data.{name}" for name in study.data), *(f"ctdna.{name}" for name in study.ctdna)))

    def strobe_9(self) -> Answer:
        formed = [f"derive.{name}.formed" for name, one in self.cohort.study.derive.items() if one.formed]
        adjusted = self._ratio_exhibits(False, ("multivariable",))
        return _at_most_partly(formed, self._sensitivity(), adjusted)

    def strobe_10(self) -> Answer:
        return _graded(self._key("n"), self._detectable())

    def strobe_12a(self) -> Answer:
        entries = [a.entry for a in self.analyses if isinstance(a.entry, (TimeToEvent, Regression))]
        strata = [self._entry_key(entry, "strata") for entry in entries if entry.strata]
        return _graded(self._key("conventions"), (*self._ratio_exhibits(False, ("multivariable",)), *strata))

    def strobe_12b(self) -> Answer:
        some = [
            self._entry_key(analysis.entry, "population")
            for analysis in self.analyses
            if isinstance(analysis.entry, (Association, TimeToEvent, Regression)) and analysis.entry.population
        ]
        return _graded(some) if some else NOT_APPLICABLE

    def strobe_12c(self) -> Answer:
        return _graded(self._missing_rules())

    def strobe_12d(self) -> Answer:
        study = self.cohort.study
        timed = [name for name in self._endpoints() if isinstance(study.endpoints[name], TimeToEventEndpoint)]
        if not timed:
            return NOT_APPLICABLE
        told, lacking = [], []
        for name in timed:
            endpoint = study.endpoints[name]
            assert isinstance(endpoint, TimeToEventEndpoint)  # chosen above
            keys = [key for key in ("censor", "censors", "stops", "gaps") if getattr(endpoint, key)]
            told += [f"endpoints.{name}.{key}" for key in keys]
            lacking += [] if keys else [f"endpoints.{name}.event"]
        return ("met", tuple(told)) if not lacking else ("partly", (*told, *lacking))

    def strobe_12e(self) -> Answer:
        return _graded(self._sensitivity())

    def strobe_13a(self) -> Answer:
        flow = self._ids(Flow)
        sized = self._shown(lambda r: r.statistic in ("n", "total"))
        return ("met", flow) if flow else _at_most_partly(sized)

    def strobe_13b(self) -> Answer:
        return _graded(self._ids(Flow))

    def strobe_13c(self) -> Answer:
        return _graded(a.id for a, _ in self._of(Flow) if a.picture is not None)

    def strobe_14a(self) -> Answer:
        return _graded(self._ids(Characteristics))

    def strobe_14b(self) -> Answer:
        told = self._ids(Missingness)
        if told:
            return "met", told
        shown = {name for _, entry in self._of(Characteristics) for name in _names(entry)}
        tested = {name for names in self._tested.values() for name in names}
        status, evidence = _graded(self._ids(Characteristics))
        return (status, evidence) if tested <= shown else _at_most_partly(evidence)

    def strobe_14c(self) -> Answer:
        return _graded(self._follow_up()) if self._timed else NOT_APPLICABLE

    def strobe_15(self) -> Answer:
        return _graded(self._events())

    def strobe_16a(self) -> Answer:
        with_limits, tested = self._effects(markers=False)
        adjusted = self._ratio_exhibits(False, ("multivariable",))
        if with_limits and adjusted:
            return "met", (*with_limits, *adjusted)
        return _at_most_partly((*with_limits, *tested, *adjusted))

    def strobe_16b(self) -> Answer:
        keys = [f"derive.{name}.when" for name, one in self._cut.items() if one.when]
        return _graded(keys) if keys else NOT_APPLICABLE

    def strobe_16c(self) -> Answer:
        absolute = self._shown(lambda r: "difference" in r.statistic or r.statistic.startswith(("survival_", "rmst_")))
        relative = self._shown(lambda r: r.statistic.endswith("_ratio") and r.statistic != "likelihood_ratio")
        if not absolute and not relative:
            return NOT_APPLICABLE
        return _graded(absolute)

    def strobe_17(self) -> Answer:
        others = [self._entry_key(e, "pairwise") for _, e in self._of(TimeToEvent) if e.pairwise != "no"]
        others += [self._entry_key(e, "landmark") for _, e in self._of(TimeToEvent) if e.landmark]
        others += self._sensitivity()
        return _graded(others) if others else NOT_APPLICABLE


def _names(entry: Characteristics) -> list[str]:
    """Variables of a table of characteristics."""
    names: list[str] = []
    for row in entry.rows:
        if isinstance(row, AnyRow):
            names += row.any
        else:
            names.append(row.variable if isinstance(row, VariableRow) else row)
    return names
