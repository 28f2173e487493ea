"""`cohortstats.screen` of a frame: the same numbers as one test at a time, and every way to ask for it wrongly."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs


def frame(n: int = 80) -> pd.DataFrame:
    """Markers of every type of column, some with gaps."""
    random = np.random.default_rng(1)
    yes = [random.random(n) < share for share in (0.2, 0.3, 0.4, 0.5, 0.3, 0.3, 0.3)]
    gap = random.random(n) < 0.1
    words = np.where(yes[3], "mutant", "wild-type").astype(object)
    words[gap] = None
    return pd.DataFrame(
        {
            "m_bool": yes[0],
            "m_int": yes[1].astype(int),
            "m_float": np.where(gap, np.nan, yes[2]),
            "m_words": words,
            "m_category": pd.Categorical(np.where(yes[4], "high", "low"), categories=["low", "high", "unseen"]),
            "m_nullable": pd.array([None if g else bool(y) for g, y in zip(gap, yes[5], strict=True)], dtype="boolean"),
            "m_nobody": False,
            "resistant": random.random(n) < 0.4,
            "days": np.ceil(random.exponential(60, n)),
            "died": (random.random(n) < 0.6).astype(int),
            "arm": random.choice(["A", "B"], n),
            "centre": random.choice(["x", "y", "z"], n),
        }
    )


POSITIVE = {"m_bool": True, "m_int": 1, "m_float": 1.0, "m_words": "mutant", "m_category": "high", "m_nullable": True}


def of_marker(table: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Who is known, and who of these has the marker."""
    known = table[name].notna().to_numpy()
    return known, (table[name][known] == POSITIVE[name]).to_numpy(dtype=bool)


def test_fisher_marker_by_marker_within_each_arm() -> None:
    table = frame()
    found = cs.screen(table, markers=list(POSITIVE), outcome="resistant", by="arm").to_frame()
    assert list(zip(found["by"], found["marker"], strict=True)) == [(arm, name) for arm in "AB" for name in POSITIVE]
    for row in found.itertuples():
        part = table[table["arm"] == row.by]
        known, have = of_marker(part, row.marker)
        event = part["resistant"].to_numpy()[known]
        counts = cs.CountTable(
            groups=("with", "without"),
            events=(int(event[have].sum()), int(event[~have].sum())),
            totals=(int(have.sum()), int((~have).sum())),
        )
        assert (row.n, row.n_marker, row.events_marker, row.n_other, row.events_other) == (
            sum(counts.totals),
            counts.totals[0],
            counts.events[0],
            counts.totals[1],
            counts.events[1],
        )
        test, difference = cs.fisher_exact(counts), cs.risk_difference(counts)
        assert row.p_value == pytest.approx(test.p_value, rel=1e-13)
        assert row.min_attainable_p == pytest.approx(test.min_attainable_p, rel=1e-13)
        limits = (difference.estimate, difference.ci_lower, difference.ci_upper)
        assert (row.estimate, row.ci_lower, row.ci_upper) == pytest.approx(limits, rel=1e-12, abs=1e-15)
    for _, family in found.groupby("by"):
        np.testing.assert_array_equal(family["p_adjusted"], cs.adjust_p(family["p_value"].tolist(), method="holm"))


@pytest.mark.parametrize("strata", [None, "centre"])
def test_log_rank_marker_by_marker(strata: str | None) -> None:
    table = frame()
    found = cs.screen(table, markers=list(POSITIVE), time="days", event="died", strata=strata, adjust="BH")
    for row in found.to_frame().itertuples():
        known, have = of_marker(table, row.marker)
        part = table[known]
        events = cs.EventTable.from_arrays(
            part["days"], part["died"], group=have, strata=None if strata is None else part[strata]
        )
        test = cs.log_rank_test(events)
        assert row.p_value == pytest.approx(test.p_value, rel=1e-10)
        assert (row.events_marker, row.expected_marker) == pytest.approx(
            (test.observed[1], test.expected[1]), rel=1e-12
        )
        log_ratio = (test.observed[1] - test.expected[1]) / test.variance[1, 1]
        assert row.estimate == pytest.approx(math.exp(log_ratio), rel=1e-10)
        z = 1.959963984540054 / math.sqrt(test.variance[1, 1])
        assert (row.ci_lower, row.ci_upper) == pytest.approx(
            (math.exp(log_ratio - z), math.exp(log_ratio + z)), rel=1e-9
        )
    assert ("stratified" in found.method) is (strata is not None)


def test_one_step_is_near_the_cox_model_near_one() -> None:
    table = frame(400)
    row = cs.screen(table, markers=["m_bool"], time="days", event="died").to_frame().iloc[0]
    model = cs.cox(table["days"], table["died"], table[["m_bool"]].astype(float)).to_frame().iloc[0]
    assert abs(math.log(row["estimate"]) - model["coef"]) < 0.02


def test_the_odds_ratio_is_the_conditional_one() -> None:
    table = pd.DataFrame({"pik3ca": [1] * 2 + [0] * 14, "resistant": [1] * 4 + [0] * 12})
    row = cs.screen(table, markers=["pik3ca"], outcome="resistant", effect="odds ratio").to_frame().iloc[0]
    # 2/2 against 2/14 in exact arithmetic: P 1/20, odds ratio ∞ with the central limit .643462131019.
    assert (row["p_value"], row["estimate"], row["ci_upper"]) == (pytest.approx(0.05), math.inf, math.inf)
    assert row["ci_lower"] == pytest.approx(0.643462131019, rel=1e-9)


def test_a_marker_of_nobody_and_of_everybody() -> None:
    table = frame().assign(m_all="yes", m_none="wt", m_gone=None)
    names = ["m_nobody", "m_all", "m_none", "m_gone"]
    fisher = cs.screen(table, markers=names, outcome="resistant").to_frame()
    assert fisher["p_value"].tolist()[:3] == [1.0] * 3
    assert fisher["reason"].tolist() == ["variance is zero"] * 3 + ["no patients"]
    assert fisher["n_marker"].tolist() == [0, 80, 0, 0]
    times = cs.screen(table, markers=names, time="days", event="died").to_frame()
    assert times["p_value"].isna().all()
    assert times["reason"].tolist() == ["one group"] * 3 + ["no patients"]
    assert times["p_adjusted"].isna().all()


def test_the_level_that_counts_is_named() -> None:
    table = pd.DataFrame(
        {
            "a": ["wt", "mut"],
            "b": ["neg", "pos"],
            "c": ["yes", "no"],
            "d": ["low", "high"],
            "e": [2.0, 1.0],
            "y": [1, 0],
        }
    )
    found = cs.screen(table, markers=list("abcde"), outcome="y").to_frame()
    assert found["level"].tolist() == ["mut", "pos", "yes", "low", "2"]
    assert found["events_marker"].tolist() == [0, 0, 1, 1, 1]


def test_a_declared_level_with_nobody_keeps_its_rows() -> None:
    table = frame().assign(arm=lambda t: pd.Categorical(t["arm"], categories=["A", "B", "C"]))
    for words in ({"outcome": "resistant"}, {"time": "days", "event": "died"}):
        found = cs.screen(table, markers=["m_bool", "m_words"], by="arm", **words).to_frame()
        assert found["by"].tolist() == ["A", "A", "B", "B", "C", "C"]
        assert found["reason"].tolist()[-2:] == ["no patients"] * 2
        assert found["p_value"].isna().tolist() == [False] * 4 + [True] * 2


def test_columns_may_have_numbers_for_names() -> None:
    table = pd.DataFrame({7: [0, 1, 1, 0], 8: [1, 1, 0, 0]})
    assert cs.screen(table, markers=["7"], outcome="8").to_frame()["n_marker"].tolist() == [2]


def test_rows_in_another_order_give_the_same_bits() -> None:
    table = frame()
    mixed = table.sample(frac=1, random_state=2)
    for words in ({"outcome": "resistant"}, {"time": "days", "event": "died"}):
        one = cs.screen(table, markers="m_*", **words).to_frame()
        pd.testing.assert_frame_equal(one, cs.screen(mixed, markers="m_*", **words).to_frame(), check_exact=True)


def test_a_frame_is_not_changed() -> None:
    table = frame()
    before = table.copy(deep=True)
    cs.screen(table, markers="m_*", outcome="resistant", by="arm")
    pd.testing.assert_frame_equal(table, before)


REFUSED = [
    (
        {"markers": ["m_bool", "centre"], "outcome": "resistant"},
        "marker 'centre' has 3 levels (x, y, z); a screen compares two, so recode it first.",
    ),
    ({"markers": "n_*", "outcome": "resistant"}, "no column matches 'n_*'; columns are m_bool, "),
    ({"markers": "m_boll*", "outcome": "resistant"}, "no column matches 'm_boll*'; did you mean 'm_bool'?"),
    ({"markers": ["m_boll"], "outcome": "resistant"}, "there is no column 'm_boll'; did you mean 'm_bool'?"),
    ({"markers": [], "outcome": "resistant"}, "markers names no column."),
    ({"markers": ["m_bool"] * 2, "outcome": "resistant"}, "marker 'm_bool' is named twice."),
    ({"markers": ["m_bool"], "outcome": "m_bool"}, "'m_bool' is a marker and outcome at once."),
    ({"markers": ["m_bool"]}, "give outcome for a yes/no outcome, or time and event."),
    (
        {"markers": ["m_bool"], "time": "days"},
        "event is not given; give outcome for a yes/no outcome, or time and event.",
    ),
    ({"markers": ["m_bool"], "outcome": "died", "time": "days"}, "give outcome, or time and event, not both."),
    ({"markers": ["m_bool"], "outcome": "centre"}, "centre has 3 levels; say which is the event."),
    ({"markers": ["m_bool"], "outcome": "arm"}, "arm holds A and B; say which is the event."),
    (
        {"markers": ["m_bool"], "time": "days", "event": "status"},
        "status holds 1 and 2; give booleans or 0/1 (if 2 is the event: `status == 2`).",
    ),
    ({"markers": ["m_bool"], "time": "early", "event": "died"}, "early is −1 at position 3; times start at 0."),
    ({"markers": ["m_bool"], "time": "arm", "event": "died"}, "arm holds text ("),
    (
        {"markers": ["m_bool"], "outcome": "gaps"},
        "gaps is missing at positions 1, 2; exclude or complete these patients first.",
    ),
    (
        {"markers": ["m_bool"], "outcome": "resistant", "by": "gaps"},
        "gaps is missing at positions 1, 2; exclude or complete these patients first.",
    ),
    ({"markers": ["m_bool"], "outcome": "resistant", "adjust": "BHH"}, "adjust 'BHH' is not known; did you mean 'BH'?"),
    ({"markers": ["m_bool"], "outcome": "resistant", "ci_level": 95}, "ci_level is 95; give a fraction, such as 0.95."),
    (
        {"markers": ["m_bool"], "time": "days", "event": "died", "effect": "odds ratio"},
        "effect 'odds ratio' is for a yes/no outcome; times have a hazard ratio.",
    ),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED, ids=[sentence[:40] for _, sentence in REFUSED])
def test_refused(words: dict[str, object], sentence: str) -> None:
    table = frame()
    table["status"] = table["died"] + 1
    table["early"] = table["days"].where(table.index != 2, -1)
    table["gaps"] = table["died"].where(table.index > 1)
    with pytest.raises(cs.InputError) as caught:
        cs.screen(table, **words)
    assert any(problem.startswith(sentence) for problem in caught.value.problems), caught.value.problems


def test_all_problems_of_the_columns_come_together() -> None:
    table = frame().assign(status=lambda t: t["died"] + 1, tri=["a", "b", "c", "d"] * 20)
    with pytest.raises(cs.InputError) as caught:
        cs.screen(table, markers=["tri", "centre"], time="days", event="status")
    assert len(caught.value.problems) == 3
    many = pd.DataFrame({f"m{i}": ["a", "b", "c"] for i in range(30)} | {"y": [0, 1, 1]})
    with pytest.raises(cs.InputError, match="20 more markers have more than 2 levels"):
        cs.screen(many, markers="m*", outcome="y")
