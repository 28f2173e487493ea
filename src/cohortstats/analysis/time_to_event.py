"""Kaplan-Meier curves, medians and the log-rank test: Figure 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cohortstats.analysis.exhibit import endpoint, exhibit_population, exhibit_table, level_label, section, text_cell
from cohortstats.analysis.results import CI_LEVEL, Analysis, Recorder, Result
from cohortstats.analysis.survival_picture import SurvivalLine, survival_picture
from cohortstats.cohort import Cohort
from cohortstats.stats.events import EventTable
from cohortstats.stats.kaplan_meier import KaplanMeier, QuantileRule, kaplan_meier
from cohortstats.stats.log_rank import log_rank_test
from cohortstats.study import Exhibit, TimeToEvent, TimeToEventEndpoint
from cohortstats.tables.language import Words, words
from cohortstats.tables.numbers import STYLES
from cohortstats.tables.table import EMPTY, Cell, Column, Row, RowGroup, Table

__all__ = ["event_table", "time_to_event"]


def time_to_event(cohort: Cohort, entry: Exhibit) -> Analysis:
    """Estimate survival by group with medians, and compare the groups.

    Parameters
    ----------
    cohort
        Patients; the exhibit's ``population`` is applied here. Those without a time or a group are left out and
        counted in a footnote.
    entry
        A ``[[time_to_event]]`` section.

    Returns
    -------
    Analysis
        By endpoint and group: ``n``, ``events``, ``median`` with its interval, in the unit of the endpoint, and
        ``survival`` (percent) at the times asked for; ``p_value`` of the test, its chi-square in ``value``. The
        picture is a Kaplan-Meier plot.

    Raises
    ------
    InputError
        When the section is of another kind.

    Notes
    -----
    Interval type and median rule are those of the conventions. R:
    ``survfit(Surv(time, event) ~ group, conf.type = "log-log")``, ``survdiff(..., rho = 0)``. Layout: KMunicate
    (Morris et al. 2019, 10.1136/bmjopen-2019-030215).

    Examples
    --------
    >>> import cohortstats as cs
    >>> study = cs.Study.read(cs.shipped_study("sakai2018"))
    >>> figure1 = cs.time_to_event(cs.load_cohort(study), study.exhibit("figure1"))
    >>> figure1.to_frame().set_index("group")["median"][["yes", "no"]].tolist()
    [56.5, 318.0]
    """
    entry = section(entry, TimeToEvent)
    study = cohort.study
    say = words(study.report.lang)
    outcome = endpoint(study, entry.endpoint, TimeToEventEndpoint)
    recorder = Recorder(study, entry.id)
    data = _Data.of(exhibit_population(cohort, entry), entry)
    groups = cohort.variables[entry.groups].levels if entry.groups else ("all",)
    labels = {group: _group_label(cohort, entry, group, say) for group in groups}
    picture = None
    if data.frame.empty:
        lines = [_nobody(recorder, entry, group) for group in groups]
        test = _no_test(recorder, entry)
    else:
        # Strata belong to the test; a curve is that of its group.
        unstratified = data.frame.drop(columns="stratum", errors="ignore")
        events = event_table(unstratified, timefix=study.conventions.timefix)
        curves = kaplan_meier(events, ci=study.conventions.km_ci, ci_level=CI_LEVEL)
        lines = _group_results(recorder, entry, data.frame, curves, study.conventions.median)
        test = _test(recorder, entry, data.frame, study.conventions.timefix, study.conventions.rho)
        picture = survival_picture(cohort, entry, outcome, curves, data.frame, labels, lines, test, say)
    table = _table(cohort, entry, outcome, lines, labels, test, data, recorder, say)
    return Analysis(
        study_id=study.id,
        entry=entry,
        table=table,
        records=tuple(recorder.records),
        picture=picture,
        methods={"test": entry.test, "strata": entry.strata, "groups": entry.groups, "endpoint": entry.endpoint},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """Patients of the analysis (time, event, group, stratum) and how many were left out, by reason."""

    frame: pd.DataFrame
    without_time: int
    without_group: int

    @classmethod
    def of(cls, population: Cohort, entry: TimeToEvent) -> _Data:
        frame = population.endpoint(entry.endpoint)[["time", "event"]].copy()
        for column, name in (("group", entry.groups), ("stratum", entry.strata)):
            if name:
                frame[column] = population.levels(name)
        timed = frame[frame["time"].notna()]
        complete = timed.dropna()
        return cls(
            frame=complete.astype({"time": float, "event": bool}),
            without_time=len(frame) - len(timed),
            without_group=len(timed) - len(complete),
        )


def event_table(frame: pd.DataFrame, *, timefix: bool = True) -> EventTable:
    """Events of a frame with ``time`` and ``event``, and ``group`` and ``stratum`` where it has them.

    Examples
    --------
    >>> event_table(pd.DataFrame({"time": [3.0, 5.0], "event": [True, False]})).groups
    ('all',)
    """
    return EventTable.from_arrays(
        frame["time"].to_numpy(),
        frame["event"].to_numpy(dtype=bool),
        group=frame.get("group"),
        strata=frame.get("stratum"),
        timefix=timefix,
    )


def _group_label(cohort: Cohort, entry: TimeToEvent, group: str, say: Words) -> str:
    return level_label(cohort.variables[entry.groups], group) if entry.groups else say("all_patients")


def _nobody(recorder: Recorder, entry: TimeToEvent, group: str) -> SurvivalLine:
    """A group of an analysis without patients."""
    n, events = (recorder.add(entry.endpoint, group, name, value=0, n=0, format="count") for name in ("n", "events"))
    median, *survival = (
        recorder.add(entry.endpoint, group, name, value=math.nan, n=0, reason="no patients", format=written)
        for name, written in (("median", "time"), *((f"survival_{time:g}", "percentage") for time in entry.at))
    )
    return SurvivalLine(group=group, n=n, events=events, median=median, survival=tuple(survival))


def _no_test(recorder: Recorder, entry: TimeToEvent) -> Result | None:
    if entry.test == "none" or not entry.groups:
        return None
    return recorder.add(entry.endpoint, "", "p_value", p_value=math.nan, n=0, reason="no patients")


def _shares(percent: Result) -> tuple[float, ...]:
    """A percentage and its limits as shares; nan where a limit is not defined."""
    numbers = (percent.value, percent.ci_lower, percent.ci_upper)
    return tuple(math.nan if number is None else float(number) / 100 for number in numbers)


def _group_results(
    recorder: Recorder, entry: TimeToEvent, frame: pd.DataFrame, curves: KaplanMeier, rule: QuantileRule
) -> list[SurvivalLine]:
    medians = curves.quantile(0.5, rule=rule).set_index("group")
    points = curves.at(list(entry.at)) if entry.at else None
    groups = list(dict.fromkeys(medians.index))
    lines = []
    for group in groups:
        members = frame[frame["group"] == group] if entry.groups else frame
        n = recorder.add(entry.endpoint, group, "n", value=len(members), n=len(members), format="count")
        events = recorder.add(
            entry.endpoint, group, "events", value=int(members["event"].sum()), n=len(members), format="count"
        )
        row = medians.loc[group]
        median = recorder.add(
            entry.endpoint,
            group,
            "median",
            value=float(row["estimate"]),
            ci_lower=float(row["ci_lower"]),
            ci_upper=float(row["ci_upper"]),
            ci_level=CI_LEVEL,
            method=f"kaplan-meier, {curves.method}, median rule {rule}",
            # The paper may print the median of a group whose size it does not print.
            n=None if n.withheld else len(members),
            reason=str(row["reason"]),
            format="time",
        )
        lines.append(
            SurvivalLine(
                group=group,
                n=n,
                events=events,
                median=median,
                survival=_survival(recorder, entry, curves, group, points),
            )
        )
    return lines


def _survival(
    recorder: Recorder, entry: TimeToEvent, curves: KaplanMeier, group: str, points: pd.DataFrame | None
) -> tuple[Result, ...]:
    if points is None:
        return ()
    return tuple(
        recorder.add(
            entry.endpoint,
            group,
            f"survival_{point['time']:g}",
            value=100 * float(point["survival"]),
            ci_lower=100 * float(point["ci_lower"]),
            ci_upper=100 * float(point["ci_upper"]),
            ci_level=CI_LEVEL,
            method=f"kaplan-meier, {curves.method}",
            n=int(point["n_at_risk"]),
            reason=str(point["reason"]),
            format="percentage",
        )
        for _, point in points[points["group"] == group].iterrows()
    )


def _test(recorder: Recorder, entry: TimeToEvent, frame: pd.DataFrame, timefix: bool, rho: float) -> Result | None:
    if entry.test == "none" or not entry.groups:
        return None
    test = log_rank_test(event_table(frame, timefix=timefix), rho=1.0 if entry.test == "peto-peto" else rho)
    determined_statistic = not recorder.rebuilt
    return recorder.add(
        entry.endpoint,
        "",
        "p_value",
        # In a rebuilt cohort the paper's P is shown, the statistic behind it is not.
        value=test.statistic if determined_statistic else None,
        p_value=test.p_value,
        method=test.method,
        n=len(frame) if determined_statistic else None,
        reason=test.reason,
    )


def _table(
    cohort: Cohort,
    entry: TimeToEvent,
    outcome: TimeToEventEndpoint,
    lines: Sequence[SurvivalLine],
    labels: dict[str, str],
    test: Result | None,
    data: _Data,
    recorder: Recorder,
    say: Words,
) -> Table:
    unit = say(f"unit_{outcome.unit}")
    columns = [
        Column(label=say("group"), align="left", kind="stub"),
        Column(label="n"),
        Column(label=say("events")),
        Column(label=say("median_unit", unit=unit), note=say("ci_95")),
    ]
    columns += [
        Column(label=say("survival_at", time=f"{time:g}", unit=unit), note=say("percent_ci")) for time in entry.at
    ]
    if test is not None:
        columns.append(Column(label=f"*{say('p')}*", note=say(f"test_{entry.test}")))
    rows = []
    for position, line in enumerate(lines):
        cells = [
            text_cell(labels[line.group]),
            recorder.cell("count", line.n.value, line.n),
            recorder.cell("count", line.events.value, line.events),
            _median_cell(recorder, line.median),
        ]
        cells += [recorder.cell("percent (interval)", _shares(point), point) for point in line.survival]
        if test is not None:
            cells.append(recorder.cell("p", (test.p_value, cohort.study.alpha), test) if position == 0 else EMPTY)
        rows.append(Row(kind="line", cells=tuple(cells)))
    footnotes = _footnotes(cohort, entry, data, say)
    return exhibit_table(cohort, entry, columns, [RowGroup(rows=tuple(rows))], [*footnotes, *recorder.footnotes()])


def _median_cell(recorder: Recorder, median: Result) -> Cell:
    if median.reason == "no patients":  # not estimable, which is another thing than not reached
        return recorder.cell("number", median.value, median)
    return recorder.cell("time (interval)", (median.value, median.ci_lower, median.ci_upper), median)


def _footnotes(cohort: Cohort, entry: TimeToEvent, data: _Data, say: Words) -> list[str]:
    conventions = cohort.study.conventions
    notes = [
        say(
            "km_conventions",
            ci=say(f"km_ci_{conventions.km_ci}"),
            rule=say(f"median_rule_{conventions.median}"),
            not_reached=STYLES[cohort.study.report.style].not_reached,
        )
    ]
    if data.without_time:
        notes.append(say("without_time", n=data.without_time))
    if data.without_group:
        notes.append(say("without_group", n=data.without_group))
    if entry.groups and cohort.variables[entry.groups].formed == "after outcome":
        notes.append(say("guard_group_after_outcome"))
    return notes
