"""Laws of trend, pairs and permutation tests that no example can show. Deterministic: the same cases in every run."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohortstats.stats.events import EventTable
from cohortstats.stats.log_rank import log_rank_test
from cohortstats.stats.log_rank_exact import LogRankExact, log_rank_exact
from cohortstats.stats.log_rank_pairs import log_rank_pairwise, log_rank_trend
from cohortstats.stats.maximally_selected import maxstat
from cohortstats.stats.selection import selection_adjusted_p

LAW = settings(derandomize=True, deadline=None, max_examples=40, database=None)
STATISTICS = pytest.mark.parametrize("statistic", ["score", "studentised"])


@st.composite
def cohorts(draw: st.DrawFn, groups: str = "ab", most: int = 12) -> pd.DataFrame:
    """Patients with whole-number times, so that nothing in a law hangs on rounding."""
    patient = st.tuples(st.integers(0, 9), st.booleans(), st.sampled_from(groups), st.integers(0, 6))
    rows = draw(st.lists(patient, min_size=3, max_size=most))
    return pd.DataFrame(rows, columns=["time", "event", "group", "marker"])


def exact(frame: pd.DataFrame, statistic: str, **options: object) -> LogRankExact:
    return log_rank_exact(frame["time"], frame["event"], frame["group"], statistic=statistic, **options)  # type: ignore[arg-type]


@STATISTICS
@LAW
@given(cohorts())
def test_p_is_a_multiple_of_one_labelling(statistic: str, frame: pd.DataFrame) -> None:  # law 26
    test = exact(frame, statistic)
    if test.reason:
        assert math.isnan(test.p_value)
        assert test.p_exact is None
        return
    assert test.n_arrangements == math.comb(len(frame), int(test.n[0]))
    assert test.p_exact is not None
    assert (test.p_exact * test.n_arrangements).denominator == 1
    assert Fraction(1, test.n_arrangements) <= test.p_exact <= 1


@STATISTICS
@LAW
@given(cohorts(), st.permutations("ab"), st.randoms(use_true_random=False))
def test_names_and_order_do_not_matter(  # laws 1 and 3
    statistic: str, frame: pd.DataFrame, names: list[str], random: object
) -> None:
    order = list(range(len(frame)))
    random.shuffle(order)  # type: ignore[attr-defined]
    renamed = frame.assign(group=frame["group"].map(dict(zip("ab", names, strict=True)))).iloc[order]
    one, two = exact(frame, statistic), exact(renamed, statistic)
    assert (one.p_exact, one.reason) == (two.p_exact, two.reason)
    swapped = slice(None, None, 1 if names[0] == "a" or len(one.groups) == 1 else -1)
    np.testing.assert_allclose(one.observed, two.observed[swapped])
    np.testing.assert_allclose(one.expected, two.expected[swapped], rtol=1e-12)


@STATISTICS
@LAW
@given(cohorts(), st.integers(2, 7))
def test_unit_of_time_does_not_matter(statistic: str, frame: pd.DataFrame, factor: int) -> None:  # law 2
    stretched = frame.assign(time=frame["time"] * factor)
    assert exact(frame, statistic).p_exact == exact(stretched, statistic).p_exact


@LAW
@given(cohorts())
def test_score_of_the_exact_test_is_the_score_of_the_log_rank_test(frame: pd.DataFrame) -> None:
    score, square = exact(frame, "score"), exact(frame, "studentised")
    test = log_rank_test(EventTable.from_arrays(frame["time"], frame["event"], group=frame["group"]))
    if not score.reason:
        assert score.statistic == pytest.approx(float(test.observed[0] - test.expected[0]), abs=1e-12)
    np.testing.assert_array_equal(square.statistic, test.statistic)
    if test.reason:
        assert square.reason == test.reason


@LAW
@given(cohorts("abc", most=25), st.permutations("abc"))
def test_groups_in_another_order(frame: pd.DataFrame, names: list[str]) -> None:  # law 3
    table = EventTable.from_arrays(frame["time"], frame["event"], group=frame["group"])
    levels = pd.Categorical(frame["group"], categories=names)
    other = EventTable.from_arrays(frame["time"], frame["event"], group=levels)
    scores = {"a": 1.0, "b": 2.0, "c": 4.0}
    given_scores = [scores[name] for name in table.groups]
    if len(table.groups) > 1:
        one = log_rank_trend(table, scores=given_scores)
        two = log_rank_trend(other, scores=[scores[name] for name in names])
        np.testing.assert_allclose(one.statistic, two.statistic, rtol=1e-9, atol=1e-12)
        assert one.reason == two.reason
    pairs = {frozenset((r.group_1, r.group_2)): r for r in log_rank_pairwise(table).itertuples()}
    for row in log_rank_pairwise(other).itertuples():
        same = pairs.get(frozenset((row.group_1, row.group_2)))
        if same is not None:
            np.testing.assert_allclose(
                [same.statistic, same.p_adjusted], [row.statistic, row.p_adjusted], rtol=1e-9, atol=1e-12
            )
            assert same.reason == row.reason


@LAW
@given(cohorts("ab", most=25), st.floats(-3, 3), st.sampled_from([-2.0, 0.5, 3.0]))
def test_only_distances_of_scores_count(frame: pd.DataFrame, shift: float, factor: float) -> None:
    table = EventTable.from_arrays(frame["time"], frame["event"], group=frame["group"])
    if len(table.groups) == 2:
        one, two = log_rank_trend(table), log_rank_trend(table, scores=[shift, shift + factor])
        np.testing.assert_allclose(one.statistic, two.statistic, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(one.statistic, log_rank_test(table).statistic, rtol=1e-9, atol=1e-12)
        assert one.reason == two.reason


@LAW
@given(cohorts(most=8), st.data())
def test_choice_costs(frame: pd.DataFrame, data: st.DataObject) -> None:
    markers = {name: data.draw(st.lists(st.booleans(), min_size=len(frame), max_size=len(frame))) for name in "AB"}
    chosen = selection_adjusted_p(markers, frame["event"])
    if not chosen.reason:
        assert chosen.p_raw_exact is not None
        assert chosen.p_adjusted_exact is not None
        assert chosen.p_raw_exact <= chosen.p_adjusted_exact <= min(1, chosen.p_raw_exact * len(chosen.family))
        assert chosen.p_raw == chosen.p_values.min()


@LAW
@given(cohorts(most=7))
def test_best_cut_depends_on_the_order_of_the_marker_only(frame: pd.DataFrame) -> None:
    best = maxstat(frame["marker"], frame["time"], frame["event"], min_fraction=0)
    stretched = maxstat(frame["marker"] ** 3 + 1, frame["time"], frame["event"], min_fraction=0)
    turned = maxstat(-frame["marker"], frame["time"], frame["event"], min_fraction=0)
    assert best.p_exact == stretched.p_exact == turned.p_exact
    assert best.reason == stretched.reason == turned.reason
    if not best.reason:
        assert best.statistic == stretched.statistic
        assert best.statistic == pytest.approx(turned.statistic, rel=1e-12)
        assert best.p_exact is not None
        assert (best.p_exact * best.n_arrangements).denominator == 1
