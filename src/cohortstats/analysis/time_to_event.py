"""Kaplan-Meier curves, medians and the log-rank test: Figure 1."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from cohortstats.analysis.exhibit import endpoint, exhibit_population, level_label, section
from cohortstats.analysis.results import CI_LEVEL, Analysis, CurvePoint, Recorder, Result
from cohortstats.analysis.survival_guards import survival_guards
from cohortstats.analysis.survival_layout import SurvivalLayout
from cohortstats.analysis.survival_picture import SurvivalLine, survival_picture
from cohortstats.analysis.survival_test import Comparisons, compare_groups
from cohortstats.cohort import Cohort
from cohortstats.derivations.landmark import landmark
from cohortstats.stats.conventions import Conventions
from cohortstats.stats.events import EventTable
from cohortstats.stats.follow_up import follow_up
from cohortstats.stats.kaplan_meier import KaplanMeier, kaplan_meier
from cohortstats.stats.restricted_mean import rmst
from cohortstats.study import Exhibit, TimeToEvent, TimeToEventEndpoint
from cohortstats.tables.language import Words, words

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
    data = SurvivalData.of(exhibit_population(cohort, entry), entry)
    groups = cohort.variables[entry.groups].levels if entry.groups else ("all",)
    labels = {group: _group_label(cohort, entry, group, say) for group in groups}
    picture = None
    if data.frame.empty:
        lines = [_nobody(recorder, entry, group) for group in groups]
        compared = Comparisons.of_nobody(recorder, entry)
        events = curves = None
    else:
        # Strata belong to the test; a curve is that of its group.
        unstratified = data.frame.drop(columns="stratum", errors="ignore")
        events = event_table(unstratified, timefix=study.conventions.timefix)
        curves = kaplan_meier(
            events, ci=study.conventions.km_ci, ci_level=CI_LEVEL, at_zero=study.conventions.km_at_zero
        )
        lines = _group_results(recorder, entry, data.frame, events, curves, study.conventions)
        compared = compare_groups(recorder, entry, data.frame, events, curves)
        picture = survival_picture(cohort, entry, outcome, curves, data.frame, labels, lines, compared.test, say)
    guards = survival_guards(cohort, entry, outcome, data.frame, curves, lines, labels, compared, recorder, say)
    layout = SurvivalLayout(cohort=cohort, entry=entry, outcome=outcome, labels=labels, recorder=recorder, say=say)
    return Analysis(
        study_id=study.id,
        entry=entry,
        table=layout.table(lines, compared, data, guards),
        records=tuple(recorder.records),
        picture=picture,
        guards=tuple(guards),
        curve=() if curves is None or recorder.rebuilt else _curve_points(curves),
        methods={"test": entry.test, "strata": entry.strata, "groups": entry.groups, "endpoint": entry.endpoint},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalData:
    """Patients of the analysis (time, event, group, stratum) and how many were left out, by reason."""

    frame: pd.DataFrame
    without_time: int
    without_group: int
    before_landmark: int

    @classmethod
    def of(cls, population: Cohort, entry: TimeToEvent) -> SurvivalData:
        before_landmark = without_time = 0
        if entry.landmark:
            population = landmark(population, at=entry.landmark, endpoint=entry.endpoint)
            before_landmark, without_time = population.steps[-1].n_out, population.steps[-1].n_missing
        outcome = population.endpoint(entry.endpoint)
        frame = outcome[["time", "event"]].copy()
        if (outcome["entry"] > 0).any():  # who came under observation later is at risk from then on
            frame["entry"] = outcome["entry"]
        for column, name in (("group", entry.groups), ("stratum", entry.strata)):
            if name:
                frame[column] = population.levels(name)
        timed = frame[frame["time"].notna()]
        complete = timed.dropna()
        return cls(
            frame=complete.astype({"time": float, "event": bool}),
            without_time=without_time + len(frame) - len(timed),
            without_group=len(timed) - len(complete),
            before_landmark=before_landmark,
        )


def event_table(frame: pd.DataFrame, *, timefix: bool = True) -> EventTable:
    """Events of a frame with ``time`` and ``event``, and ``group``, ``stratum`` and ``entry`` where it has them.

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
        entry=frame.get("entry"),
        timefix=timefix,
    )


def _curve_points(curves: KaplanMeier) -> tuple[CurvePoint, ...]:
    """Every step of the curves, in the order of the groups."""
    frame = curves.to_frame()
    columns = (frame[name].tolist() for name in ("group", "time", "n_at_risk", "survival", "ci_lower", "ci_upper"))
    return tuple(
        CurvePoint(
            group=str(group),
            time=float(time),
            n_at_risk=int(n),
            survival=float(survival),
            ci_lower=float(lower),
            ci_upper=float(upper),
        )
        for group, time, n, survival, lower, upper in zip(*columns, strict=True)
    )


def _group_label(cohort: Cohort, entry: TimeToEvent, group: str, say: Words) -> str:
    return level_label(cohort.variables[entry.groups], group) if entry.groups else say("all_patients")


def _nobody(recorder: Recorder, entry: TimeToEvent, group: str) -> SurvivalLine:
    """A group of an analysis without patients."""

    def undefined(statistic: str, format: str) -> Result:
        return recorder.add(entry.endpoint, group, statistic, value=math.nan, n=0, reason="no patients", format=format)

    n, events = (recorder.add(entry.endpoint, group, name, value=0, n=0, format="count") for name in ("n", "events"))
    return SurvivalLine(
        group=group,
        n=n,
        events=events,
        median=undefined("median", "time"),
        follow_up=undefined("follow_up", "time") if entry.follow_up else None,
        survival=tuple(undefined(f"survival_{time:g}", "percentage") for time in entry.at),
        rmst=undefined(f"rmst_{entry.rmst:g}", "time") if entry.rmst else None,
    )


def _group_results(
    recorder: Recorder,
    entry: TimeToEvent,
    frame: pd.DataFrame,
    events: EventTable,
    curves: KaplanMeier,
    conventions: Conventions,
) -> list[SurvivalLine]:
    """What is said of each group, in the order of the groups."""
    kaplan_meier_method = f"kaplan-meier, {curves.method}"
    medians = curves.quantile(0.5, rule=conventions.median).set_index("group")
    points = curves.at(list(entry.at), beyond=conventions.beyond) if entry.at else None
    means = rmst(events, tau=entry.rmst, ci_level=CI_LEVEL).set_index("group") if entry.rmst else None
    reverse = follow_up(events, ci=conventions.km_ci, ci_level=CI_LEVEL) if entry.follow_up else None
    observed = None if reverse is None else reverse.quantile(0.5, rule=conventions.median).set_index("group")
    lines = []
    for group in medians.index:
        members = frame[frame["group"] == group] if entry.groups else frame
        n = recorder.add(entry.endpoint, group, "n", value=len(members), n=len(members), format="count")
        # The paper may print the median of a group whose size it does not print.
        size = None if n.withheld else len(members)

        def timed(statistic: str, row: pd.Series, method: str) -> Result:
            return recorder.add(
                entry.endpoint,
                group,  # noqa: B023
                statistic,
                value=float(row["estimate"]),
                ci_lower=float(row["ci_lower"]),
                ci_upper=float(row["ci_upper"]),
                ci_level=CI_LEVEL,
                method=method,
                n=size,  # noqa: B023
                reason=str(row["reason"]),
                format="time",
            )

        rule = f"median rule {conventions.median}"
        count = recorder.add(
            entry.endpoint, group, "events", value=int(members["event"].sum()), n=len(members), format="count"
        )
        lines.append(
            SurvivalLine(
                group=group,
                n=n,
                events=count,
                median=timed("median", medians.loc[group], f"{kaplan_meier_method}, {rule}"),
                follow_up=None
                if observed is None
                else timed("follow_up", observed.loc[group], f"reverse {kaplan_meier_method}, {rule}"),
                survival=_survival(recorder, entry, curves, group, points),
                rmst=None
                if means is None
                else timed(f"rmst_{entry.rmst:g}", means.loc[group], "area under the kaplan-meier curve"),
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
