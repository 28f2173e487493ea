"""Laws of curves, their areas and follow-up, with weights and late entries. Deterministic: the same cases in every run."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cohortstats.errors import CohortStatsWarning
from cohortstats.stats.events import EventTable
from cohortstats.stats.follow_up import follow_up
from cohortstats.stats.kaplan_meier import KaplanMeier, kaplan_meier
from cohortstats.stats.log_rank import log_rank_test
from cohortstats.stats.restricted_mean import rmst, rmst_difference, survival_difference

LAW = settings(
    derandomize=True, deadline=None, max_examples=60, database=None, suppress_health_check=[HealthCheck.filter_too_much]
)
LIMITS = st.sampled_from(["plain", "log", "log-log", "logit", "arcsin"])
RULES = st.sampled_from(["summary", "quantile", "first"])


@st.composite
def cohorts(draw: st.DrawFn, least: int = 1) -> pd.DataFrame:
    """Whole-number times from 1, entries before them, weights from 1."""
    patient = st.tuples(
        st.integers(1, 12), st.booleans(), st.sampled_from("ab"), st.floats(0, 1, exclude_max=True), st.integers(1, 3)
    )
    rows = draw(st.lists(patient, min_size=least, max_size=25))
    frame = pd.DataFrame(rows, columns=["time", "event", "group", "share", "weight"])
    frame["entry"] = np.floor(frame["time"] * frame.pop("share"))
    return frame


def table(frame: pd.DataFrame, *names: str) -> EventTable:
    options = {"weights" if name == "weight" else name: frame[name] for name in names}
    return EventTable.from_arrays(frame["time"], frame["event"], **options)


def curves(events: EventTable, **options: Any) -> KaplanMeier:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortStatsWarning)  # late entrants after S = 0
        return kaplan_meier(events, **options)


def means(events: EventTable, tau: float) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortStatsWarning)
        return rmst(events, tau=tau)


@LAW
@given(cohorts(), st.randoms(use_true_random=False), st.sampled_from([1, 0.7]))
def test_order_of_rows_does_not_matter(frame: pd.DataFrame, random: Any, unit: float) -> None:  # law 1
    frame = frame.assign(time=frame["time"] * unit, entry=frame["entry"] * unit)
    moved = frame.iloc[random.sample(range(len(frame)), len(frame))]
    for columns in (("group", "weight"), ("group", "entry"), ("group", "entry", "weight")):
        one, two = table(frame, *columns), table(moved, *columns)
        pd.testing.assert_frame_equal(one.to_frame(), two.to_frame())
        pd.testing.assert_frame_equal(curves(one).to_frame(), curves(two).to_frame())
        pd.testing.assert_frame_equal(means(one, 5.0), means(two, 5.0))
        for first, second in zip(one.risk_sets(), two.risk_sets(), strict=True):
            np.testing.assert_array_equal(first.at_risk, second.at_risk)


@LAW
@given(cohorts(), st.integers(2, 365), LIMITS, RULES)
def test_another_unit_of_time(frame: pd.DataFrame, factor: int, ci: Any, rule: Any) -> None:  # law 2
    scaled = frame.assign(time=frame["time"] * factor, entry=frame["entry"] * factor)
    one, other = (table(f, "group", "entry") for f in (frame, scaled))
    curve, stretched = curves(one, ci=ci), curves(other, ci=ci)
    np.testing.assert_array_equal(curve.survival, stretched.survival)
    quantiles = [
        km.quantile([0.25, 0.5, 0.75], rule=rule)[["estimate", "ci_lower", "ci_upper"]] for km in (curve, stretched)
    ]
    np.testing.assert_allclose(quantiles[0] * factor, quantiles[1], rtol=1e-12)
    areas = [means(events, tau)[["estimate", "std_error"]] for events, tau in ((one, 6), (other, 6 * factor))]
    np.testing.assert_allclose(areas[0] * factor, areas[1], rtol=1e-12)


@LAW
@given(cohorts(), st.sampled_from([1, 0.7]))
def test_weights_are_repeated_rows(frame: pd.DataFrame, unit: float) -> None:  # law 4
    frame = frame.assign(time=frame["time"] * unit, entry=frame["entry"] * unit)
    repeated = frame.loc[frame.index.repeat(frame["weight"])]
    for columns in (("group",), ("group", "entry")):
        one, two = table(frame, *columns, "weight"), table(repeated, *columns)
        pd.testing.assert_frame_equal(one.to_frame(), two.to_frame())
        pd.testing.assert_frame_equal(means(one, 5.0), means(two, 5.0))
        pd.testing.assert_frame_equal(curves(one).quantile(), curves(two).quantile())
        first, second = log_rank_test(one), log_rank_test(two)
        np.testing.assert_array_equal(first.variance, second.variance)
        assert first.n.tolist() == second.n.tolist()


@LAW
@given(cohorts(), st.integers(1, 12))
def test_without_censoring_the_mean_is_that_of_the_times_cut_at_tau(frame: pd.DataFrame, tau: int) -> None:  # law 7
    (found,) = rmst(table(frame.assign(event=True)), tau=tau).itertuples()
    cut = np.minimum(frame["time"], tau)
    np.testing.assert_allclose(found.estimate, cut.mean(), rtol=1e-12)
    # Greenwood without censoring: the variance of the mean is that of the sample, divided by n.
    np.testing.assert_allclose(found.std_error, cut.std(ddof=0) / math.sqrt(len(cut)), rtol=1e-9, atol=1e-9)


@LAW
@given(cohorts(), LIMITS)
def test_curves_fall_and_limits_contain_them(frame: pd.DataFrame, ci: Any) -> None:  # law 8
    km = curves(table(frame, "entry", "weight"), ci=ci)
    assert (np.diff(km.survival, prepend=1) <= 0).all()
    assert ((km.survival >= 0) & (km.survival <= 1)).all()
    known = ~np.isnan(km.ci_lower)
    assert (km.ci_lower[known] <= km.survival[known] + 1e-12).all()
    assert (km.ci_upper[known] >= km.survival[known] - 1e-12).all()
    assert ((km.ci_lower[known] >= 0) & (km.ci_upper[known] <= 1)).all()
    assert np.isnan(km.std_error).tolist() == (km.survival == 0).tolist()


@LAW
@given(cohorts(), st.integers(1, 12))
def test_who_leaves_before_the_first_event_changes_no_mean(frame: pd.DataFrame, tau: int) -> None:  # law 9
    frame = frame[["time", "event"]]
    more = pd.concat([frame, pd.DataFrame({"time": [0.5], "event": [False]})])
    one, two = (rmst(table(f), tau=tau) for f in (frame, more))
    np.testing.assert_allclose(one["estimate"], two["estimate"], rtol=1e-12)
    np.testing.assert_allclose(one["std_error"], two["std_error"], rtol=1e-9, atol=1e-12)


@LAW
@given(cohorts(), st.integers(1, 12))
def test_who_outlives_all_never_lowers_a_mean(frame: pd.DataFrame, tau: int) -> None:  # law 9
    frame = frame[["time", "event"]]
    more = pd.concat([frame, pd.DataFrame({"time": [99], "event": [False]})])
    one, two = (rmst(table(f), tau=tau)["estimate"].item() for f in (frame, more))
    assert math.isnan(one) or two >= one - 1e-12


@LAW
@given(cohorts(), st.floats(0.05, 0.95), RULES)
def test_quantiles_are_times_or_midpoints(frame: pd.DataFrame, p: float, rule: Any) -> None:  # law 13
    km = curves(table(frame, "entry"), ci="plain", at_zero="zero")
    (row,) = km.quantile(p, rule=rule).itertuples()
    times = km.time.tolist()
    allowed = set(times) if rule == "first" else {(a + b) / 2 for a in times for b in times}
    for found in (row.estimate, row.ci_lower, row.ci_upper):
        assert math.isnan(found) or found in allowed
    assert (row.reason == "not reached") == math.isnan(row.estimate)


@LAW
@given(cohorts())
def test_first_is_never_later_than_the_others(frame: pd.DataFrame) -> None:
    km = curves(table(frame))
    first, summary, quantile = (
        km.quantile([0.25, 0.5, 0.75], rule=rule)["estimate"] for rule in ("first", "summary", "quantile")
    )  # type: ignore[arg-type]
    assert first.isna().tolist() == summary.isna().tolist()
    assert (first[first.notna()] <= summary[first.notna()]).all()
    assert (summary[summary.notna()] <= quantile[summary.notna()]).all()


@LAW
@given(cohorts())
def test_a_curve_times_its_reverse_is_empirical(frame: pd.DataFrame) -> None:  # law 14
    frame = frame.assign(time=frame["time"] * 2 + frame["event"])  # no event meets a censoring
    km, reverse = kaplan_meier(table(frame)), follow_up(table(frame))
    empirical = [(frame["time"] > t).mean() for t in km.time]
    np.testing.assert_allclose(km.survival * reverse.survival, empirical, atol=1e-14)


@LAW
@given(cohorts())
def test_reversed_tables(frame: pd.DataFrame) -> None:
    events = table(frame, "group", "weight")
    flipped = table(frame.assign(event=~frame["event"]), "group", "weight")
    pd.testing.assert_frame_equal(events.reversed().to_frame(), flipped.to_frame())
    alone = table(frame, "entry")
    flipped = table(frame.assign(event=~frame["event"]), "entry")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortStatsWarning)
        pd.testing.assert_frame_equal(follow_up(alone).to_frame(), kaplan_meier(flipped).to_frame())


@LAW
@given(cohorts())
def test_entry_at_zero_is_no_entry(frame: pd.DataFrame) -> None:  # law 16
    late, plain = table(frame.assign(entry=0), "group", "entry", "weight"), table(frame, "group", "weight")
    pd.testing.assert_frame_equal(late.to_frame(), plain.to_frame())
    assert not late.delayed_entry
    pd.testing.assert_frame_equal(means(late, 5.0), means(plain, 5.0))


@LAW
@given(cohorts(), st.sampled_from([1, 0.7]))
def test_a_table_from_rows_is_that_from_its_frame(frame: pd.DataFrame, unit: float) -> None:  # law 17
    frame = frame.assign(time=frame["time"] * unit, entry=frame["entry"] * unit)
    for columns in (("group", "weight"), ("group", "entry")):
        events = table(frame, *columns)
        again = EventTable.from_frame(events.to_frame().sample(frac=1, random_state=1))
        pd.testing.assert_frame_equal(again.to_frame(), events.to_frame())
        pd.testing.assert_frame_equal(curves(again).to_frame(), curves(events).to_frame())
    counted = frame.groupby(["group", "time"], as_index=False).agg(
        n_event=("event", "sum"), n_censored=("event", lambda e: (~e).sum())
    )
    grouped = EventTable.from_frame(counted)
    pd.testing.assert_frame_equal(grouped.to_frame(), table(frame, "group").to_frame())


@LAW
@given(cohorts(least=2))
def test_merging_near_ties_twice_is_once(frame: pd.DataFrame) -> None:  # law 27
    frame = frame.assign(time=frame["time"] * 0.1 + np.where(frame["event"], 1e-9, 0) + frame["weight"] * 5e-17)
    once = table(frame, "group")
    rows = once.to_frame()
    time, group = np.repeat(rows["time"], 2), np.repeat(rows["group"], 2)
    weights = rows[["n_event", "n_censored"]].to_numpy().ravel()
    again = EventTable.from_arrays(time, np.tile([True, False], len(rows)), group=group, weights=weights)
    pd.testing.assert_frame_equal(again.to_frame(), once.to_frame())


@LAW
@given(cohorts(), st.floats(0.1, 14))
def test_area_by_adding_up_rectangles(frame: pd.DataFrame, tau: float) -> None:
    events = table(frame, "entry", "weight")
    (found,) = means(events, tau).itertuples()
    km = curves(events)
    if tau > km.time[-1] and km.survival[-1] > 0:
        assert (found.reason, math.isnan(found.estimate)) == ("tau beyond follow-up", True)
        return
    area, before, height = 0.0, 0.0, 1.0
    for time, survival in zip(km.time.tolist(), km.survival.tolist(), strict=True):
        if time >= tau:
            break
        area, before, height = area + (time - before) * height, time, survival
    np.testing.assert_allclose(found.estimate, area + (tau - before) * height, rtol=1e-12)
    assert 0 <= found.estimate <= tau * (1 + 1e-12)
    assert found.std_error >= 0


@LAW
@given(cohorts(least=2), st.integers(1, 12))
def test_differences_change_sign_with_the_order_of_the_groups(frame: pd.DataFrame, tau: int) -> None:
    assume(frame["group"].nunique() == 2)
    pairs = []
    for order in ("ab", "ba"):
        group = pd.Categorical(frame["group"], categories=list(order))
        events = EventTable.from_arrays(frame["time"], frame["event"], group=group)
        (area,) = rmst_difference(events, tau=tau).itertuples()
        (height,) = survival_difference(kaplan_meier(events), times=tau).itertuples()
        pairs.append((area, height))
    for one, two in zip(*pairs, strict=True):
        np.testing.assert_allclose(
            [one.estimate, one.std_error, one.ci_lower, one.statistic, one.p_value],
            [-two.estimate, two.std_error, -two.ci_upper, -two.statistic, two.p_value],
            rtol=1e-12,
        )
        assert one.reason in ("", "variance is zero", "tau beyond follow-up", "beyond last observation")
        assert (one.reason == "") == (not math.isnan(one.p_value))


@LAW
@given(cohorts(), st.lists(st.floats(0, 15), min_size=1, max_size=4), LIMITS)
def test_points_are_read_from_the_curve(frame: pd.DataFrame, times: list[float], ci: Any) -> None:
    km = curves(table(frame, "group"), ci=ci)
    found, carried = km.at(times), km.at(times, beyond="carry")
    for ours, kept in zip(found.itertuples(), carried.itertuples(), strict=True):
        mine = frame[frame["group"] == ours.group]
        rows = km.to_frame().query(f"group == '{ours.group}' and time <= {ours.time!r}")
        survival = rows["survival"].iloc[-1] if len(rows) else 1.0
        assert ours.n_at_risk == (mine["time"] >= ours.time).sum()
        assert kept.survival == survival
        beyond = ours.time > mine["time"].max() and survival > 0
        assert ours.reason == ("beyond last observation" if beyond else "")
        assert math.isnan(ours.survival) if beyond else ours.survival == survival
