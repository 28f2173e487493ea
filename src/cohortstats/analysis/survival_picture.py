"""From estimates to a picture: what a Kaplan-Meier plot shows, in plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cohortstats.analysis.results import Result
from cohortstats.cohort import Cohort
from cohortstats.figures.picture import MAX_GROUPS, CurveGroup, KaplanMeierPicture, RiskTable
from cohortstats.stats.kaplan_meier import KaplanMeier
from cohortstats.study import TimeToEvent, TimeToEventEndpoint
from cohortstats.tables.language import Words
from cohortstats.tables.numbers import FORMATS, STYLES, Number, format_p_relation

__all__ = ["SurvivalLine", "survival_picture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalLine:
    """What is said of one group."""

    group: str
    n: Result
    events: Result
    median: Result
    follow_up: Result | None
    survival: tuple[Result, ...]
    rmst: Result | None


def survival_picture(
    cohort: Cohort,
    entry: TimeToEvent,
    outcome: TimeToEventEndpoint,
    curves: KaplanMeier,
    frame: pd.DataFrame,
    labels: Mapping[str, str],
    lines: Sequence[SurvivalLine],
    test: Result | None,
    say: Words,
) -> KaplanMeierPicture | None:
    """The picture of an exhibit; None when nobody can be drawn, or more groups than can be told apart."""
    drawn = [line for line in lines if (frame["group"] == line.group).any()] if entry.groups else list(lines)
    if not drawn or len(drawn) > MAX_GROUPS or frame.empty:
        return None
    style = STYLES[cohort.study.report.style]
    unit = say(f"unit_{outcome.unit}")
    steps = curves.to_frame()
    x_max = float(frame["time"].max())
    ticks = _ticks(entry.ticks, x_max)
    groups = [
        _curve(steps[steps["group"] == line.group], frame, entry, line, labels[line.group], slot, unit, style.name)
        for line, slot in zip(drawn, _slots(len(drawn)), strict=True)
    ]
    p_text = ""
    if test is not None and not test.withheld and not test.reason:
        p = format_p_relation(test.p_value, style, cohort.study.alpha)
        p_text = say("p_text", test=say(f"test_{entry.test}"), p=p)
    # The sizes of the groups of a rebuilt cohort are not the paper's.
    numbers_known = not any(line.n.withheld for line in lines)
    return KaplanMeierPicture(
        groups=tuple(groups),
        x_label=say("axis_time", label=outcome.label or outcome.name, unit=unit),
        y_label=outcome.axis or say("axis_event_free"),
        x_max=x_max,
        ticks=ticks,
        p_text=p_text,
        risk_table=_risk_table([line.group for line in drawn], frame, entry, ticks) if numbers_known else None,
        point=style.point,
        risk_labels=(say("at_risk"), say("events"), say("censored")),
        stamp=say("illustration", label=cohort.study.synthetic) if cohort.study.synthetic else "",
        min_at_risk_time=_thin_from([line.group for line in drawn], frame, entry),
    )


def _slots(n: int) -> list[int]:
    # Of two groups the first, declared one is the one to see: it takes the warm colour.
    return [2, 1] if n == 2 else list(range(1, n + 1))


def _members(frame: pd.DataFrame, entry: TimeToEvent, group: str) -> pd.DataFrame:
    return frame[frame["group"] == group] if entry.groups else frame


def _curve(
    steps: pd.DataFrame,
    frame: pd.DataFrame,
    entry: TimeToEvent,
    line: SurvivalLine,
    label: str,
    slot: int,
    unit: str,
    style: str,
) -> CurveGroup:
    # A curve starts at 1; events at time 0 are drawn a hair later.
    end = float(_members(frame, entry, line.group)["time"].max())
    after_start = steps.assign(time=steps["time"].astype(float).clip(lower=1e-6 * max(end, 1.0)))
    times = (0.0, *after_start["time"])
    limits = {name: (1.0, *after_start[name].astype(float)) for name in ("survival", "ci_lower", "ci_upper")}
    censored = after_start[after_start["n_censored"] > 0]
    reached = not (line.median.withheld or math.isnan(float(line.median.value or math.nan)))
    median: Number | None = line.median.value if reached else None
    text = f"{FORMATS['time'](median, STYLES[style])} {unit}" if reached else ""
    return CurveGroup(
        name=line.group,
        label=label,
        times=times,
        survival=limits["survival"],
        ci_lower=limits["ci_lower"],
        ci_upper=limits["ci_upper"],
        end=max(end, times[-1]),
        censor_times=tuple(censored["time"]),
        censor_survival=tuple(censored["survival"].astype(float)),
        median=None if median is None else float(median),
        median_text=text,
        colour=slot,
    )


def _ticks(distance: float, x_max: float) -> tuple[float, ...]:
    """Ticks from 0 to the last inside follow-up; without a distance, 1, 2, 3, 5 or 6 times a power of ten."""
    if distance <= 0:
        raw = max(x_max, 1e-9) / 6
        power = 10.0 ** math.floor(math.log10(raw))
        distance = next(factor * power for factor in (1, 2, 3, 5, 6, 10) if factor * power >= raw)
    return tuple(float(tick) for tick in np.arange(0, math.floor(x_max / distance + 1e-9) + 1) * distance)


def _risk_table(groups: Sequence[str], frame: pd.DataFrame, entry: TimeToEvent, ticks: Sequence[float]) -> RiskTable:
    """At risk is #{T >= t}; events and censored are #{T < t}, cumulative, so that each column sums to n.

    Who enters late is at risk only after entry; the columns then sum to those who have entered.
    """
    rows = []
    for group in groups:
        members = _members(frame, entry, group)
        time, event = members["time"].to_numpy(), members["event"].to_numpy(dtype=bool)
        at = np.asarray(ticks)
        events = np.searchsorted(np.sort(time[event]), at, side="left")
        censored = np.searchsorted(np.sort(time[~event]), at, side="left")
        at_risk = len(members) - events - censored
        if "entry" in members:
            entry_time = np.sort(members["entry"].to_numpy())
            at_risk -= len(members) - np.maximum(
                np.searchsorted(entry_time, at, side="left"), np.searchsorted(entry_time, 0.0, side="right")
            )
        rows.append(tuple(tuple(int(x) for x in counts) for counts in (at_risk, events, censored)))
    return RiskTable(ticks=tuple(ticks), rows=tuple(rows))  # type: ignore[arg-type]


def _thin_from(groups: Sequence[str], frame: pd.DataFrame, entry: TimeToEvent) -> tuple[float | None, ...]:
    """Per group, the time from which fewer than ``min_at_risk`` remain."""
    if not entry.min_at_risk:
        return ()
    starts: list[float | None] = []
    for group in groups:
        times = np.sort(_members(frame, entry, group)["time"].to_numpy())
        position = len(times) - entry.min_at_risk
        starts.append(float(times[position]) if position >= 0 else 0.0)
    return tuple(starts)
