"""Laws of tests in strata, tables counted by a database, ratios, competing risks and searches over groupings.

Deterministic: the same cases in every run.
"""

from __future__ import annotations

import math
import sqlite3
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cohortstats as cs

LAW = settings(derandomize=True, deadline=None, max_examples=60, database=None)


@st.composite
def cohorts(draw: st.DrawFn, least: int = 3, most: int = 25) -> pd.DataFrame:
    """Whole-number times from 1, entries before them, three groups in two strata, two causes."""
    patient = st.tuples(
        st.integers(1, 12),
        st.integers(0, 2),
        st.sampled_from("abc"),
        st.sampled_from("xy"),
        st.floats(0, 1, exclude_max=True),
        st.integers(-3, 3),
    )
    rows = draw(st.lists(patient, min_size=least, max_size=most))
    frame = pd.DataFrame(rows, columns=["time", "cause", "group", "stratum", "share", "x"])
    frame["entry"] = np.floor(frame["time"] * frame.pop("share"))
    return frame.assign(event=frame["cause"] > 0)


@st.composite
def tables(draw: st.DrawFn) -> cs.CountTable:
    totals = draw(st.tuples(st.integers(1, 18), st.integers(1, 18)))
    events = tuple(draw(st.integers(0, total)) for total in totals)
    return cs.CountTable(groups=("first", "second"), events=events, totals=totals)


def table(frame: pd.DataFrame, **columns: Any) -> cs.EventTable:
    return cs.EventTable.from_arrays(frame["time"], frame["event"], **columns)


def assert_same_test(one: Any, two: Any, order: Any = slice(None)) -> None:
    np.testing.assert_allclose(one.observed, two.observed[order], rtol=1e-12)
    np.testing.assert_allclose(one.expected, two.expected[order], rtol=1e-12)
    np.testing.assert_allclose(one.variance, two.variance[order][:, order], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose([one.statistic, one.p_value], [two.statistic, two.p_value], rtol=1e-9, atol=1e-12)
    assert (one.df, one.reason) == (two.df, two.reason)


@LAW
@given(cohorts(), st.sampled_from([0, 1]))
def test_splitting_strata_by_a_constant(frame: pd.DataFrame, rho: float) -> None:  # law 10
    columns = {"group": frame["group"], "entry": frame["entry"]}
    split = cs.log_rank_test(table(frame, strata=frame["stratum"] + ", all in one centre", **columns), rho=rho)
    assert_same_test(split, cs.log_rank_test(table(frame, strata=frame["stratum"], **columns), rho=rho))


@LAW
@given(cohorts(), st.permutations("abc"), st.permutations("xy"))
def test_names_in_strata_with_late_entries(frame: pd.DataFrame, groups: list[str], strata: list[str]) -> None:  # law 3
    one, two = (
        cs.log_rank_test(
            table(
                frame,
                group=pd.Categorical(frame["group"], categories=names),
                strata=pd.Categorical(frame["stratum"], categories=layers),
                entry=frame["entry"],
            )
        )
        for names, layers in ((list("abc"), list("xy")), (groups, strata))
    )
    assert_same_test(one, two, [groups.index(name) for name in "abc"])


@LAW
@given(cohorts(), st.randoms(use_true_random=False))
def test_order_of_rows_in_strata(frame: pd.DataFrame, random: Any) -> None:  # law 1
    moved = frame.iloc[random.sample(range(len(frame)), len(frame))]
    frames = [
        table(f, group=f["group"], strata=f["stratum"], entry=f["entry"], weights=f["x"] + 4) for f in (frame, moved)
    ]
    pd.testing.assert_frame_equal(frames[0].to_frame(), frames[1].to_frame())


@LAW
@given(cohorts())
def test_stratified_log_rank_is_the_stratified_exact_score_test(frame: pd.DataFrame) -> None:  # law 12
    two = frame.assign(second=frame["group"] != "a")
    assume(0 < two["second"].sum() < len(two))
    assume(two["event"].sum() > 1)
    test = cs.log_rank_test(table(two, group=two["second"], strata=two["stratum"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cs.CohortStatsWarning)  # few events
        model = cs.cox(two["time"], two["event"], {"second": two["second"]}, ties="exact", strata=two["stratum"])
    if model.reason:  # "monotone likelihood": there is a score test, but the model stays without one
        assert math.isnan(model.score.statistic)
    else:
        assert model.score.statistic == pytest.approx(test.statistic, rel=1e-9, abs=1e-12)


@LAW
@given(cohorts())
def test_a_table_counted_by_a_database(frame: pd.DataFrame) -> None:  # law 17
    connection = sqlite3.connect(":memory:")
    try:
        frame[["time", "event", "group", "stratum"]].to_sql("patients", connection, index=False)
        counted = pd.read_sql(
            'SELECT stratum, "group", time, SUM(event) AS n_event, SUM(1 - event) AS n_censored FROM patients '
            'GROUP BY time, stratum, "group"',
            connection,
        )
    finally:
        connection.close()
    rows = table(frame, group=frame["group"], strata=frame["stratum"])
    from_sql = cs.EventTable.from_frame(counted)
    pd.testing.assert_frame_equal(from_sql.to_frame(), rows.to_frame())
    assert_same_test(cs.log_rank_test(from_sql), cs.log_rank_test(rows))


@LAW
@given(tables(), st.sampled_from(["score", "log", "conditional", "sample"]))
def test_ratios_invert(counts: cs.CountTable, method: Any) -> None:  # law 19
    effect = cs.risk_ratio if method in {"score", "log"} else cs.odds_ratio
    swapped = cs.CountTable(groups=counts.groups[::-1], events=counts.events[::-1], totals=counts.totals[::-1])
    one, two = effect(counts, method=method), effect(swapped, method=method)  # type: ignore[operator]
    assert one.reason == two.reason
    for ours, theirs in ((one.estimate, two.estimate), (one.ci_lower, two.ci_upper), (one.ci_upper, two.ci_lower)):
        inverse = math.inf if theirs == 0 else 1 / theirs
        np.testing.assert_allclose(ours, inverse, rtol=1e-8)
    if not one.reason:
        assert one.ci_lower <= one.estimate * (1 + 1e-12)
        assert one.estimate <= one.ci_upper * (1 + 1e-12)


@LAW
@given(st.integers(1, 60), st.integers(1, 60))
def test_ratio_where_everyone_has_the_event(n1: int, n2: int) -> None:  # law 19
    # Algebra: above θ = 1 the rates under the ratio are 1 and 1/θ, so (θ − 1)² = z² θ² (1/θ)(1 − 1/θ)/n2, θ = 1 + z²/n2;
    # below it, by the other order of the groups, 1/(1 + z²/n1).
    z = 1.959963984540054
    found = cs.risk_ratio(cs.CountTable(groups=("first", "second"), events=(n1, n2), totals=(n1, n2)))
    assert (found.estimate, found.ci_lower) == pytest.approx((1, 1 / (1 + z * z / n1)), rel=1e-9)
    assert found.ci_upper == pytest.approx(1 + z * z / n2, rel=1e-9)


@LAW
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=15),
    st.data(),
    st.sampled_from(["bonferroni", "holm", "hochberg", "hommel", "BH", "BY"]),
)
def test_a_larger_p_lowers_no_adjusted_p(p: list[float], data: st.DataObject, method: Any) -> None:  # law 25
    position = data.draw(st.integers(0, len(p) - 1))
    raised = [*p[:position], data.draw(st.floats(p[position], 1)), *p[position + 1 :]]
    assert (cs.adjust_p(raised, method=method) >= cs.adjust_p(p, method=method) * (1 - 1e-12)).all()


@LAW
@given(cohorts(most=9), st.data())
def test_selection_is_counted_in_labellings(frame: pd.DataFrame, data: st.DataObject) -> None:  # laws 1 and 26
    markers = pd.DataFrame(
        {name: data.draw(st.lists(st.booleans(), min_size=len(frame), max_size=len(frame))) for name in "AB"}
    )
    found = cs.selection_adjusted_p(markers, frame["event"])
    order = data.draw(st.permutations(range(len(frame))))
    again = cs.selection_adjusted_p(markers.iloc[order], frame["event"].iloc[order])
    assert (found.p_adjusted_exact, found.family, found.reason) == (again.p_adjusted_exact, again.family, again.reason)
    if found.reason:
        assert found.p_adjusted_exact is None
        assert math.isnan(found.p_adjusted)
        return
    assert found.n_arrangements == math.comb(len(frame), int(frame["event"].sum()))
    assert found.p_adjusted_exact is not None
    assert (found.p_adjusted_exact * found.n_arrangements).denominator == 1
    assert found.p_adjusted_exact >= Fraction(1, found.n_arrangements)


@LAW
@given(cohorts(), st.randoms(use_true_random=False), st.integers(2, 30))
def test_order_and_unit_of_competing_times(frame: pd.DataFrame, random: Any, factor: int) -> None:  # laws 1 and 2
    causes = pd.Categorical(frame["cause"], categories=[0, 1, 2])
    frame = frame.assign(cause=causes)
    moved = frame.iloc[random.sample(range(len(frame)), len(frame))]
    one = cs.cumulative_incidence(frame["time"], frame["cause"], group=frame["group"])
    two = cs.cumulative_incidence(moved["time"] * factor, moved["cause"], group=moved["group"])
    columns = ["estimate", "std_error", "ci_lower", "ci_upper"]
    np.testing.assert_allclose(one[columns], two[columns], rtol=1e-12)
    np.testing.assert_array_equal(one["time"] * factor, two["time"])
    assert one["group"].tolist() == two["group"].tolist()
    if cs.kaplan_meier(table(frame)).n_events[0]:
        pytest.importorskip("surpyval")
        tests = [cs.gray_test(f["time"], f["cause"], f["group"]) for f in (frame, moved)]
        assert (tests[0].reason, tests[0].df) == (tests[1].reason, tests[1].df)
        np.testing.assert_allclose(tests[0].statistic, tests[1].statistic, rtol=1e-9, atol=1e-12)


@LAW
@given(cohorts())
def test_incidences_and_survival_add_to_one_in_every_group(frame: pd.DataFrame) -> None:  # law 15
    causes = pd.Categorical(frame["cause"], categories=[0, 1, 2])
    incidence = cs.cumulative_incidence(frame["time"], causes, group=frame["group"])
    total = incidence.groupby(["group", "time"], observed=True)["estimate"].sum()
    curve = cs.kaplan_meier(table(frame, group=frame["group"])).to_frame().set_index(["group", "time"])["survival"]
    assert len(total) == len(curve)
    np.testing.assert_allclose(total.to_numpy() + curve.loc[total.index].to_numpy(), 1, rtol=1e-12)


@LAW
@given(cohorts(least=6), st.integers(2, 365), st.sampled_from(["efron", "breslow", "exact"]))
def test_unit_of_time_of_a_hazard_ratio(frame: pd.DataFrame, factor: int, ties: Any) -> None:  # law 2
    assume(frame["event"].sum() > 1)
    assume(frame["x"].min() < frame["x"].max())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cs.CohortStatsWarning)  # few events
        one, two = (
            cs.cox(frame["time"] * f, frame["event"], {"x": frame["x"]}, ties=ties, entry=frame["entry"] * f)
            for f in (1, factor)
        )
    assert one.reason == two.reason
    np.testing.assert_allclose(one.coef, two.coef, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.p_value, two.p_value, rtol=1e-9, atol=1e-12)
