"""Groups of a survival analysis against each other: the test, pairs of groups, differences of survival."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cohortstats.analysis.results import CI_LEVEL, Recorder, Result
from cohortstats.errors import InputError
from cohortstats.stats.conventions import Conventions
from cohortstats.stats.events import EventTable
from cohortstats.stats.kaplan_meier import KaplanMeier
from cohortstats.stats.log_rank import LogRankTest, Weighting, log_rank_test
from cohortstats.stats.log_rank_exact import LogRankExact, log_rank_exact
from cohortstats.stats.log_rank_pairs import LogRankTrend, log_rank_pairwise, log_rank_trend
from cohortstats.stats.restricted_mean import rmst_difference, survival_difference
from cohortstats.study import TimeToEvent

__all__ = ["Comparisons", "Pair", "compare_groups", "exact_test", "log_rank_weighting"]

# Where a test has too many labellings to count them all, this many are drawn, always the same ones.
DRAWS, SEED = 99_999, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two groups of several, compared on their own."""

    first: str
    second: str
    p_value: Result
    adjusted: Result | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparisons:
    """What was compared; ``log_rank`` or ``exact`` keep the ingredients of the test for its guards."""

    test: Result | None = None
    log_rank: LogRankTest | None = None
    exact: LogRankExact | None = None
    pairs: tuple[Pair, ...] = ()
    differences: dict[str, Result] = field(default_factory=dict)

    @classmethod
    def of_nobody(cls, recorder: Recorder, entry: TimeToEvent) -> Comparisons:
        """Nobody is left to compare."""
        if entry.test == "none" or not entry.groups:
            return cls()
        return cls(test=recorder.add(entry.endpoint, "", "p_value", p_value=math.nan, n=0, reason="no patients"))


def compare_groups(
    recorder: Recorder, entry: TimeToEvent, frame: pd.DataFrame, events: EventTable, curves: KaplanMeier
) -> Comparisons:
    """The test of the exhibit, its pairs, and of two groups the differences at the times asked for.

    ``events`` are those without strata; the test takes strata from ``frame``.
    """
    if not entry.groups:
        return Comparisons()
    stratified = events
    if entry.strata:
        stratified = EventTable.from_arrays(
            frame["time"].to_numpy(),
            frame["event"].to_numpy(dtype=bool),
            group=frame["group"],
            strata=frame["stratum"],
            entry=frame.get("entry"),
            timefix=events.timefix,
        )
    test, log_rank, exact = _test(recorder, entry, frame, stratified)
    return Comparisons(
        test=test,
        log_rank=log_rank,
        exact=exact,
        pairs=_pairs(recorder, entry, stratified),
        differences=_differences(recorder, entry, events, curves),
    )


def _test(
    recorder: Recorder, entry: TimeToEvent, frame: pd.DataFrame, events: EventTable
) -> tuple[Result | None, LogRankTest | None, LogRankExact | None]:
    if entry.test == "none":
        return None, None, None
    conventions = recorder.study.conventions
    log_rank, exact = None, None
    found: LogRankTest | LogRankTrend | LogRankExact
    refused = ""
    if entry.test == "trend":
        found = log_rank_trend(events)
    elif entry.test == "exact":
        try:
            found = exact = exact_test(frame, timefix=events.timefix)
        except InputError as refusal:
            refused = refusal.problems[0]
    else:
        rho = conventions.rho if entry.test == "logrank" else 0.0
        found = log_rank = log_rank_test(events, rho=rho, weighting=log_rank_weighting(entry.test, conventions))
    numbers: dict[str, Any] = {"p_value": math.nan, "method": "log-rank exact", "reason": refused}
    if not refused:
        numbers = {"value": found.statistic, "p_value": found.p_value, "method": found.method, "reason": found.reason}
    if recorder.rebuilt:
        numbers["value"] = None  # the paper's P is shown, the statistic behind it is not
    n = None if recorder.rebuilt else len(frame)
    return recorder.add(entry.endpoint, "", "p_value", n=n, **numbers), log_rank, exact


def log_rank_weighting(test: str, conventions: Conventions) -> Weighting | None:
    """Named weights of a test of the study file; None for the log-rank test, whose weights are a power (rho)."""
    named: dict[str, Weighting] = {
        "peto": conventions.peto,
        "peto-peto": "peto-peto",
        "peto-prentice": "peto-prentice",
        "gehan": "gehan",
        "tarone-ware": "tarone-ware",
    }
    return named.get(test)


def exact_test(frame: pd.DataFrame, *, timefix: bool = True, most: int = 50) -> LogRankExact:
    """The permutation log-rank test of two groups; drawn where its labellings, or the patients, are too many."""
    arrays = frame["time"].to_numpy(), frame["event"].to_numpy(dtype=bool), frame["group"]
    if "stratum" in frame or "entry" in frame:
        raise InputError("log_rank_exact compares 2 groups without strata or entry.")
    try:
        if len(frame) <= most:
            return log_rank_exact(*arrays, timefix=timefix)
    except InputError:
        pass
    return log_rank_exact(*arrays, draws=DRAWS, seed=SEED, timefix=timefix)


def _pairs(recorder: Recorder, entry: TimeToEvent, events: EventTable) -> tuple[Pair, ...]:
    if entry.pairwise == "no" or len(events.groups) < 3:
        return ()
    adjust = entry.pairwise
    # Holm stands in where nothing is adjusted: its column is not read then.
    frame = log_rank_pairwise(events, adjust="holm" if adjust == "none" else adjust)
    family = int(frame["p_value"].notna().sum())
    pairs = []
    row: Any
    for row in frame.itertuples(index=False):
        address = (entry.endpoint, f"{row.group_1} v {row.group_2}")
        raw = recorder.add(
            *address,
            "p_value",
            value=None if recorder.rebuilt else float(row.statistic),
            p_value=float(row.p_value),
            method="log-rank",
            reason=str(row.reason),
        )
        adjusted = None
        if adjust != "none":
            adjusted = recorder.add(
                *address,
                "p_adjusted",
                value=float(row.p_adjusted),
                format="p",
                method=f"{adjust} over {family} comparisons",
                reason=str(row.reason),
            )
        pairs.append(Pair(first=str(row.group_1), second=str(row.group_2), p_value=raw, adjusted=adjusted))
    return tuple(pairs)


def _differences(recorder: Recorder, entry: TimeToEvent, events: EventTable, curves: KaplanMeier) -> dict[str, Result]:
    """Statistic -> difference of the first group minus the second."""
    if len(events.groups) != 2:
        return {}
    found: dict[str, Result] = {}
    if entry.at:
        for row in survival_difference(curves, times=list(entry.at)).itertuples(index=False):
            name = f"survival_difference_{row.time:g}"
            found[name] = _difference(recorder, entry, name, row, 100.0, "kaplan-meier, Greenwood variances added")
    if entry.rmst:
        (row,) = rmst_difference(events, tau=entry.rmst, ci_level=CI_LEVEL).itertuples(index=False)
        name = f"rmst_difference_{entry.rmst:g}"
        found[name] = _difference(recorder, entry, name, row, 1.0, "areas under the kaplan-meier curves")
    return found


def _difference(recorder: Recorder, entry: TimeToEvent, name: str, row: Any, scale: float, method: str) -> Result:
    def number(column: str) -> float:
        return scale * float(getattr(row, column))

    return recorder.add(
        entry.endpoint,
        "",
        name,
        value=number("estimate"),
        ci_lower=number("ci_lower"),
        ci_upper=number("ci_upper"),
        ci_level=CI_LEVEL,
        p_value=None if recorder.rebuilt else float(row.p_value),
        method=method,
        reason=str(row.reason),
    )
