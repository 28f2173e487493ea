"""Laws of counts, curves and tests that no example can show. Deterministic: the same cases in every run."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cohortstats.stats.counts import CountTable, proportion_ci
from cohortstats.stats.effects import risk_difference
from cohortstats.stats.events import EventTable
from cohortstats.stats.exact import fisher_exact, fisher_exact_rxc
from cohortstats.stats.kaplan_meier import KaplanMeier, kaplan_meier
from cohortstats.stats.log_rank import LogRankTest, log_rank_test

LAW = settings(
    derandomize=True, deadline=None, max_examples=60, database=None, suppress_health_check=[HealthCheck.filter_too_much]
)
LIMITS = st.sampled_from(["plain", "log", "log-log", "logit", "arcsin"])


@st.composite
def cohorts(draw: st.DrawFn, least: int = 1) -> pd.DataFrame:
    """Patients with whole-number times, so that nothing in a law hangs on rounding."""
    patient = st.tuples(st.integers(0, 12), st.booleans(), st.sampled_from("abc"), st.sampled_from("xy"))
    rows = draw(st.lists(patient, min_size=least, max_size=25))
    return pd.DataFrame(rows, columns=["time", "event", "group", "stratum"])


@st.composite
def tables(draw: st.DrawFn) -> CountTable:
    totals = draw(st.tuples(st.integers(1, 18), st.integers(1, 18)))
    events = tuple(draw(st.integers(0, total)) for total in totals)
    return CountTable(groups=("first", "second"), events=events, totals=totals)


def table(frame: pd.DataFrame, **columns: Any) -> EventTable:
    return EventTable.from_arrays(frame["time"], frame["event"], **columns)


def assert_same_curve(one: KaplanMeier, two: KaplanMeier) -> None:
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame())
    pd.testing.assert_frame_equal(one.quantile(), two.quantile())


def assert_same_test(one: LogRankTest, two: LogRankTest, order: Any = slice(None)) -> None:
    np.testing.assert_allclose(one.observed, two.observed[order], rtol=1e-12)
    np.testing.assert_allclose(one.expected, two.expected[order], rtol=1e-12)
    np.testing.assert_allclose(one.statistic, two.statistic, rtol=1e-9, atol=1e-12)
    assert (one.df, one.reason) == (two.df, two.reason)


@LAW
@given(cohorts(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(frame: pd.DataFrame, random: Any) -> None:  # law 1
    order = random.sample(range(len(frame)), len(frame))
    moved = frame.iloc[order]
    one, two = table(frame, group=frame["group"]), table(moved, group=moved["group"])
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame())
    fractional = [EventTable.from_arrays(f["time"] * 0.7, f["event"], group=f["group"]) for f in (frame, moved)]
    pd.testing.assert_frame_equal(fractional[0].to_frame(), fractional[1].to_frame())


@LAW
@given(cohorts(), st.permutations("abc"))
def test_names_of_groups_do_not_matter(frame: pd.DataFrame, order: list[str]) -> None:  # law 3
    one = log_rank_test(table(frame, group=pd.Categorical(frame["group"], categories=list("abc"))))
    two = log_rank_test(table(frame, group=pd.Categorical(frame["group"], categories=order)))
    assert_same_test(one, two, [order.index(name) for name in "abc"])


@LAW
@given(cohorts())
def test_a_row_twice_is_a_weight_of_two(frame: pd.DataFrame) -> None:  # law 4
    twice = pd.concat([frame, frame])
    weighted = table(frame, group=frame["group"], weights=np.full(len(frame), 2))
    pd.testing.assert_frame_equal(weighted.to_frame(), table(twice, group=twice["group"]).to_frame())


@LAW
@given(cohorts(), st.sampled_from([0, 1, 0.5, "gehan", "tarone-ware", "peto-prentice"]))
def test_observed_expected_and_variance(frame: pd.DataFrame, weights: Any) -> None:  # laws 5 and 6
    options = {"weighting": weights} if isinstance(weights, str) else {"rho": weights}
    test = log_rank_test(table(frame, group=frame["group"], strata=frame["stratum"]), **options)
    np.testing.assert_allclose(test.observed.sum(), test.expected.sum(), rtol=1e-12)
    if weights == 0:
        assert test.observed.sum() == frame["event"].sum()
    scale = max(1.0, float(np.abs(test.variance).max()))
    np.testing.assert_allclose(test.variance, test.variance.T, atol=1e-13 * scale)
    np.testing.assert_allclose(test.variance.sum(axis=0), 0, atol=1e-12 * scale)
    assert np.linalg.eigvalsh(test.variance).min() > -1e-12 * scale


@LAW
@given(cohorts())
def test_without_censoring_survival_is_empirical(frame: pd.DataFrame) -> None:  # law 7
    km = kaplan_meier(table(frame.assign(event=True)))
    empirical = [(frame["time"] > t).mean() for t in km.time]
    np.testing.assert_allclose(km.survival, empirical, atol=1e-14)


@LAW
@given(cohorts(), LIMITS)
def test_curves_fall_and_limits_contain_them(frame: pd.DataFrame, ci: Any) -> None:  # law 8
    km = kaplan_meier(table(frame), ci=ci)
    assert (np.diff(km.survival, prepend=1) <= 0).all()
    assert ((km.survival >= 0) & (km.survival <= 1)).all()
    known = ~np.isnan(km.ci_lower)
    assert (km.ci_lower[known] <= km.survival[known] + 1e-12).all()
    assert (km.ci_upper[known] >= km.survival[known] - 1e-12).all()


@LAW
@given(cohorts(), st.sampled_from("abc"))
def test_who_leaves_before_the_first_event_changes_nothing(frame: pd.DataFrame, group: str) -> None:  # law 9
    frame = frame.assign(time=frame["time"] + 1)
    more = pd.concat([frame, pd.DataFrame({"time": [0], "event": [False], "group": [group], "stratum": ["x"]})])
    one, two = (kaplan_meier(table(f)) for f in (frame, more))
    np.testing.assert_allclose(two.survival[1:], one.survival, rtol=1e-13)
    declared = [pd.Categorical(f["group"], categories=list("abc")) for f in (frame, more)]
    tests = [log_rank_test(table(f, group=g)) for f, g in zip((frame, more), declared, strict=True)]
    np.testing.assert_allclose(tests[0].expected, tests[1].expected, rtol=1e-12)
    np.testing.assert_allclose(tests[0].variance, tests[1].variance, atol=1e-12)


@LAW
@given(cohorts())
def test_who_outlives_all_never_lowers_the_curve(frame: pd.DataFrame) -> None:  # law 9
    more = pd.concat([frame, pd.DataFrame({"time": [99], "event": [False], "group": ["a"], "stratum": ["x"]})])
    one, two = (kaplan_meier(table(f)) for f in (frame, more))
    assert (two.survival[:-1] >= one.survival - 1e-14).all()


@LAW
@given(cohorts(), st.sampled_from([0, 1]))
def test_one_stratum_is_none(frame: pd.DataFrame, rho: float) -> None:  # law 10
    plain = log_rank_test(table(frame, group=frame["group"]), rho=rho)
    one = log_rank_test(table(frame, group=frame["group"], strata=["x"] * len(frame)), rho=rho)
    assert_same_test(one, plain)
    empty = pd.Categorical(frame["stratum"], categories=["none", "x", "also none", "y"])
    declared = log_rank_test(table(frame, group=frame["group"], strata=empty), rho=rho)
    assert_same_test(declared, log_rank_test(table(frame, group=frame["group"], strata=frame["stratum"]), rho=rho))


@LAW
@given(cohorts())
def test_rho_zero_is_unweighted(frame: pd.DataFrame) -> None:  # law 11
    events = table(frame, group=frame["group"])
    assert_same_test(log_rank_test(events, rho=0), log_rank_test(events, weighting="log-rank"))


@LAW
@given(cohorts(), st.floats(0.05, 0.95))
def test_quantiles_are_times_or_midpoints(frame: pd.DataFrame, p: float) -> None:  # law 13
    km = kaplan_meier(table(frame))
    estimate = km.quantile(p)["estimate"].iloc[0]
    assert math.isnan(estimate) or float(estimate * 2).is_integer()
    assert math.isnan(estimate) or km.time.min() <= estimate <= km.time.max()


@LAW
@given(cohorts())
def test_entry_at_zero_is_no_entry(frame: pd.DataFrame) -> None:  # law 16
    frame = frame.assign(time=frame["time"] + 1)
    late = table(frame, group=frame["group"], entry=np.zeros(len(frame)))
    pd.testing.assert_frame_equal(late.to_frame(), table(frame, group=frame["group"]).to_frame())


@LAW
@given(cohorts(), st.data())
def test_at_risk_is_what_it_says(frame: pd.DataFrame, data: st.DataObject) -> None:
    frame = frame.assign(time=frame["time"] + 1)
    entry = np.array([data.draw(st.integers(0, time - 1)) for time in frame["time"]])
    events = table(frame, group=frame["group"], strata=frame["stratum"], entry=entry)
    assert (events.n_event + events.n_censored).sum() == len(frame)
    for row in events.to_frame().itertuples():
        mine = (frame["group"] == row.group) & (frame["stratum"] == row.stratum)
        assert row.n_at_risk == ((entry < row.time) & (frame["time"] >= row.time) & mine).sum()
    pd.testing.assert_frame_equal(EventTable.from_frame(events.to_frame()).to_frame(), events.to_frame())


@LAW
@given(cohorts())
def test_merging_near_ties_twice_is_once(frame: pd.DataFrame) -> None:  # law 27
    time = frame["time"] * 0.1 + np.where(frame["event"], 1e-9, 0)
    once = EventTable.from_arrays(time, frame["event"])
    again = EventTable.from_frame(once.to_frame())
    rows = np.repeat(again.time, again.n_event + again.n_censored)
    events = np.concatenate([[True] * d + [False] * c for d, c in zip(again.n_event, again.n_censored, strict=True)])
    pd.testing.assert_frame_equal(EventTable.from_arrays(rows, events).to_frame(), once.to_frame())


def swapped(counts: CountTable) -> CountTable:
    return CountTable(groups=counts.groups[::-1], events=counts.events[::-1], totals=counts.totals[::-1])


@LAW
@given(tables())
def test_fisher_is_the_same_from_every_side(counts: CountTable) -> None:  # laws 18, 20 and 24
    (a, c), (b, d) = counts.events, counts.non_events
    p = fisher_exact(counts).p_exact
    assert p == fisher_exact(swapped(counts)).p_exact
    assert p == fisher_exact(CountTable(groups=counts.groups, events=counts.non_events, totals=counts.totals)).p_exact
    transposed = CountTable(groups=("events", "non-events"), events=(a, b), totals=(a + c, b + d))
    assert p == fisher_exact(transposed).p_exact == fisher_exact_rxc([[a, b], [c, d]]).p_exact
    attainable = fisher_exact(counts).min_attainable_exact
    assert p is not None
    assert attainable is not None
    assert attainable <= p <= 1


@LAW
@given(tables(), st.sampled_from(["central", "minlike"]))
def test_odds_ratio_inverts(counts: CountTable, ci: Any) -> None:  # law 19
    one, two = fisher_exact(counts, ci=ci), fisher_exact(swapped(counts), ci=ci)
    for ours, theirs in ((one.odds_ratio, two.odds_ratio), (one.ci_lower, two.ci_upper), (one.ci_upper, two.ci_lower)):
        inverse = math.inf if theirs == 0 else 1 / theirs
        np.testing.assert_allclose(ours, inverse, rtol=1e-9)


@LAW
@given(tables())
def test_central_interval_excludes_one_as_its_test_does(counts: CountTable) -> None:  # law 21
    found = fisher_exact(counts)
    sides = [fisher_exact(counts, alternative=side).p_exact for side in ("less", "greater")]  # type: ignore[arg-type]
    smaller = 2 * min(side for side in sides if side is not None)
    assume(smaller != Fraction(1, 20))
    assert (found.ci_lower > 1 or found.ci_upper < 1) == (smaller < Fraction(1, 20))


@LAW
@given(tables())
def test_minlike_interval_contains_one_when_its_test_does(counts: CountTable) -> None:
    found = fisher_exact(counts, ci="minlike")
    assume(found.p_exact != Fraction(1, 20))
    if not found.significant(0.05):  # the hull may be wider than the set, so only this way round
        assert found.ci_lower <= 1 <= found.ci_upper


@LAW
@given(st.integers(1, 60), st.data())
def test_intervals_of_a_proportion_mirror(n: int, data: st.DataObject) -> None:  # law 22
    x = data.draw(st.integers(0, n))
    found = {}
    for method in ("wilson", "clopper-pearson", "jeffreys"):
        one, two = (proportion_ci(k, n, method=method) for k in (x, n - x))  # type: ignore[arg-type]
        np.testing.assert_allclose([one.ci_lower, one.ci_upper], [1 - two.ci_upper, 1 - two.ci_lower], atol=1e-12)
        assert 0 <= one.ci_lower <= x / n <= one.ci_upper <= 1
        found[method] = one
    assert found["clopper-pearson"].ci_lower <= found["jeffreys"].ci_lower
    assert found["clopper-pearson"].ci_upper >= found["jeffreys"].ci_upper


@LAW
@given(tables(), st.sampled_from(["newcombe", "miettinen-nurminen"]))
def test_difference_changes_sign(counts: CountTable, method: Any) -> None:  # law 23
    one, two = risk_difference(counts, method=method), risk_difference(swapped(counts), method=method)
    np.testing.assert_allclose([one.ci_lower, one.ci_upper], [-two.ci_upper, -two.ci_lower], atol=1e-9)
    assert -1 <= one.ci_lower <= one.estimate + 1e-12
    assert one.estimate - 1e-12 <= one.ci_upper <= 1


@LAW
@given(st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=2, max_size=3))
def test_p_of_any_table_is_a_rational_in_the_unit_interval(matrix: list[list[int]]) -> None:  # law 24
    assume(any(map(any, matrix)))
    found = fisher_exact_rxc(matrix)
    assert 0 < found.p_exact <= 1
    assert (
        found.p_exact
        == fisher_exact_rxc(matrix[::-1]).p_exact
        == fisher_exact_rxc(list(zip(*matrix, strict=True))).p_exact
    )


@LAW
@given(cohorts(least=2), st.integers(2, 365))
def test_another_unit_of_time_scales_quantiles_only(frame: pd.DataFrame, factor: int) -> None:
    assume(frame["event"].any())
    scaled = frame.assign(time=frame["time"] * factor)
    one, other = (kaplan_meier(table(f, group=f["group"])) for f in (frame, scaled))
    np.testing.assert_array_equal(one.survival, other.survival)
    quantiles = [km.quantile([0.25, 0.5, 0.75])[["estimate", "ci_lower", "ci_upper"]].to_numpy() for km in (one, other)]
    np.testing.assert_allclose(quantiles[0] * factor, quantiles[1], rtol=1e-12)
    first, second = (log_rank_test(table(f, group=f["group"])) for f in (frame, scaled))
    assert first.p_value == second.p_value or (math.isnan(first.p_value) and math.isnan(second.p_value))
