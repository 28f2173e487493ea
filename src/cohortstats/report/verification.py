"""Main numbers of every exhibit computed a second time, by other programs: how many digits agree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cohortstats.analysis.association import count_table
from cohortstats.analysis.exhibit import exhibit_population
from cohortstats.analysis.regression import model_designs, tie_rule
from cohortstats.analysis.results import CI_LEVEL, Analysis, Result
from cohortstats.analysis.survival_test import log_rank_weighting
from cohortstats.analysis.time_to_event import SurvivalData, event_table
from cohortstats.cohort import Cohort
from cohortstats.stats import second_engine as second
from cohortstats.stats.second_engine import SecondOpinion, digits_agreed
from cohortstats.study import Association, Regression, TimeToEvent

__all__ = ["ENOUGH_DIGITS", "Verification", "verify"]

ENOUGH_DIGITS = 6  # with fewer, two programs do not mean the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """One result held beside that of another program.

    Parameters
    ----------
    address
        ``exhibit/row/group/statistic`` of the result.
    engine
        Name and version of the other program.
    digits
        Significant digits that agree, at most 12; the worst of estimate and limits.
    ours, theirs
        The numbers compared.
    """

    address: str
    engine: str
    digits: int
    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def agrees(self) -> bool:
        return self.digits >= ENOUGH_DIGITS


Check = tuple[str, tuple[float, ...], SecondOpinion | None]


def verify(cohort: Cohort, analyses: Sequence[Analysis]) -> tuple[Verification, ...]:
    """Compute the main numbers again, from the cohort, with scipy, statsmodels and lifelines.

    Numbers that a rebuilt cohort withholds are left out, and so is what the other program is known to get wrong.
    """
    found = []
    for analysis in analyses:
        shown = {
            (record.row, record.group, record.statistic): record
            for record in analysis.records
            if not record.withheld and not record.reason
        }
        checks = [*_proportions(shown)]
        if isinstance(analysis.entry, Association):
            checks += _association(cohort, analysis.entry, shown)
        elif isinstance(analysis.entry, TimeToEvent):
            checks += _time_to_event(cohort, analysis.entry, shown)
        elif isinstance(analysis.entry, Regression) and analysis.entry.penalty == "none":
            checks += _regression(cohort, analysis.entry, shown)
        found += [
            Verification(
                address=address,
                engine=opinion.engine,
                digits=digits_agreed(ours, opinion.values),
                ours=ours,
                theirs=opinion.values,
            )
            for address, ours, opinion in checks
            if opinion is not None
        ]
    return tuple(found)


Shown = Mapping[tuple[str, str, str], Result]


def _numbers(result: Result, scale: float = 1.0) -> tuple[float, ...]:
    """Estimate and limits."""
    numbers = (result.value, result.ci_lower, result.ci_upper)
    return tuple(math.nan if number is None else float(number) / scale for number in numbers)


def _proportions(shown: Shown) -> Iterator[Check]:
    """Every percentage with an interval."""
    for result in shown.values():
        if result.statistic == "percent" and result.ci_level is not None and result.n:
            events = Fraction(result.value or 0) * result.n / 100
            opinion = second.second_proportion(int(events), result.n, method=result.method, ci_level=result.ci_level)
            yield result.address, _numbers(result, 100), opinion


def _association(cohort: Cohort, entry: Association, shown: Shown) -> Iterator[Check]:
    population = exhibit_population(cohort, entry)
    raw = []
    for name in entry.rows:
        counts = count_table(population, name, entry.outcome)
        p = shown.get((name, "", "p_value"))
        raw.append(math.nan if p is None or p.p_value is None else float(p.p_value))
        if len(counts.groups) != 2:
            continue
        if p is not None and entry.test == "fisher":
            yield p.address, (raw[-1],), second.second_fisher(counts)
        difference = shown.get((name, "", "risk_difference"))
        if difference is not None:
            yield difference.address, _numbers(difference, 100), second.second_difference(counts, ci_level=CI_LEVEL)
    if entry.adjust != "none" and not entry.tested:
        adjusted = second.second_adjusted(raw, method=entry.adjust)
        for name, value in zip(entry.rows, adjusted.values, strict=True):
            ours = shown.get((name, "", "p_adjusted"))
            if ours is not None:
                yield ours.address, _numbers(ours)[:1], SecondOpinion(engine=adjusted.engine, values=(value,))


def _time_to_event(cohort: Cohort, entry: TimeToEvent, shown: Shown) -> Iterator[Check]:
    data = SurvivalData.of(exhibit_population(cohort, entry), entry)
    if data.frame.empty:
        return
    conventions = cohort.study.conventions
    events = event_table(data.frame.drop(columns="stratum", errors="ignore"), timefix=conventions.timefix)

    def result(group: str, statistic: str) -> Result | None:
        return shown.get((entry.endpoint, group, statistic))

    for position, group in enumerate(events.groups):
        median = result(group, "median")
        if median is not None and math.isfinite(_numbers(median)[0]):
            opinion = second.second_median(events, group=position)
            yield median.address, _numbers(median)[:1], opinion
        for time in entry.at:
            point = result(group, f"survival_{time:g}")
            if point is not None:
                opinion = second.second_survival(
                    events, group=position, times=[time], ci=conventions.km_ci, ci_level=CI_LEVEL
                )
                yield point.address, _numbers(point, 100), opinion
        mean = result(group, f"rmst_{entry.rmst:g}")
        if mean is not None:
            yield mean.address, _numbers(mean)[:1], second.second_mean(events, group=position, tau=entry.rmst)
    test = result("", "p_value")
    if test is not None and entry.test not in ("trend", "exact", "none"):
        stratified = event_table(data.frame, timefix=conventions.timefix)
        rho = conventions.rho if entry.test == "logrank" else 0.0
        opinion = second.second_log_rank(stratified, rho=rho, weighting=log_rank_weighting(entry.test, conventions))
        p = math.nan if test.p_value is None else float(test.p_value)
        yield test.address, (_numbers(test)[0], p), opinion


def _regression(cohort: Cohort, entry: Regression, shown: Shown) -> Iterator[Check]:
    ties, timefix = tie_rule(entry, cohort), cohort.study.conventions.timefix
    for model in model_designs(cohort, entry):
        ours = [shown.get((row, model.group, "hazard_ratio")) for row in model.rows]
        if not model.rows or model.late_entries or any(result is None for result in ours):
            continue  # undefined, or of late entries, which the other program counts at risk too early
        theirs = second.second_hazard_ratios(
            model.time, model.event, model.matrix, ties=ties, strata=model.strata, timefix=timefix
        )
        if theirs is None:
            continue
        for result, value in zip(ours, theirs.values, strict=True):
            assert result is not None  # looked for above
            yield result.address, _numbers(result)[:1], SecondOpinion(engine=theirs.engine, values=(value,))
