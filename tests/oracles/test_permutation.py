"""Permutation log-rank tests, cut-points, trend and pairs beside what R printed; no R is needed to run this.

Exact p of the score: coin. Both statistics: every labelling through R's survdiff, where they are few. Known differences:

- coin prints a p above 1 (1.3) where O − E is 0: it adds two tails that share the labellings at 0;
- coin rounds long scores, so above 20 patients its exact p can be off by 1e-7 relative;
- ``maxstat.test`` scores ties otherwise, so its cohorts have none.
"""

from __future__ import annotations

import bisect
import itertools
import math
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cohortstats.stats.events import EventTable
from cohortstats.stats.log_rank_exact import log_rank_exact
from cohortstats.stats.log_rank_pairs import log_rank_pairwise, log_rank_trend
from cohortstats.stats.maximally_selected import maxstat

HERE = Path(__file__).parent


@cache
def answers(name: str) -> pd.DataFrame:
    hexadecimal = {"time": float.fromhex} if name in ("cohorts", "permutation_cohorts", "permutation_markers") else None
    return pd.read_csv(HERE / f"{name}.csv.gz", converters=hexadecimal, float_precision="round_trip")


@cache
def inputs(name: str, key: str) -> dict[int, pd.DataFrame]:
    return dict(iter(answers(name).groupby(key)))


def test_exact_score_beside_coin() -> None:
    compared = 0
    for row in answers("permutation").itertuples():
        d = inputs("permutation_cohorts", "cohort")[row.cohort]
        test = log_rank_exact(d["time"], d["event"], d["group"])
        assert test.n_arrangements == row.possible
        assert test.reason == ""
        if row.coin > 1:
            assert test.p_value == 1
            assert test.statistic == pytest.approx(0, abs=1e-12)
            continue
        assert test.p_value == pytest.approx(row.coin, rel=1e-9 if len(d) <= 20 else 2e-7), row
        compared += 1
    assert compared >= 200


def plain_count(time: list[float], event: list[int], first: list[bool]) -> int:
    """Labellings at least as extreme, by fractions, sorted lists and bisection: half the patients against the other."""
    scores = []
    for t in time:
        before = sorted({s for s, e in zip(time, event, strict=True) if e and s <= t})
        died = [sum(e for s, e in zip(time, event, strict=True) if s == moment) for moment in before]
        scores.append(-sum(Fraction(d, sum(s >= moment for s in time)) for d, moment in zip(died, before, strict=True)))
    scores = [score + e for score, e in zip(scores, event, strict=True)]
    observed = abs(sum(itertools.compress(scores, first)))
    halves = []
    for half in (scores[::2], scores[1::2]):
        sums: dict[int, list[Fraction]] = {0: [Fraction(0)]}
        for score in half:
            longer = {size + 1: [total + score for total in totals] for size, totals in sums.items()}
            sums = {size: sums.get(size, []) + longer.get(size, []) for size in {*sums, *longer}}
        halves.append({size: sorted(totals) for size, totals in sums.items()})
    count = 0
    for size, totals in halves[0].items():
        others = halves[1].get(sum(first) - size, [])
        for total in totals:
            count += len(others) - bisect.bisect_left(others, observed - total)
            count += bisect.bisect_right(others, -observed - total)
    return count


def test_fault_rounded_scores_of_coin() -> None:
    d = inputs("permutation_cohorts", "cohort")[204].iloc[:24]
    ours = log_rank_exact(d["time"], d["event"], d["group"])
    assert ours.n_extreme == plain_count(d["time"].tolist(), d["event"].tolist(), (d["group"] == 0).tolist())
    # All 35 patients, counted once by the same plain lists.
    d = inputs("permutation_cohorts", "cohort")[204]
    ours = log_rank_exact(d["time"], d["event"], d["group"])
    coin = answers("permutation").set_index("cohort").loc[204, "coin"]
    assert ours.n_extreme == 3_554_580_734
    assert ours.p_value != pytest.approx(coin, rel=1e-8)


def test_both_statistics_beside_every_labelling_through_survdiff() -> None:
    score, studentised = 0, 0
    for row in answers("permutation").itertuples():
        d = inputs("permutation_cohorts", "cohort")[row.cohort]
        if not math.isnan(row.score):
            test = log_rank_exact(d["time"], d["event"], d["group"])
            if not test.reason:
                assert test.n_extreme == row.score, row
                score += 1
        if not math.isnan(row.studentised):
            test = log_rank_exact(d["time"], d["event"], d["group"], statistic="studentised")
            assert test.n_extreme == row.studentised, row
            studentised += 1
    assert min(score, studentised) >= 100


def test_random_labellings_hold_the_exact_p() -> None:
    # 99 % intervals of 40 cohorts: 40 · 0.01 misses are expected, and more than 3 have probability 0.0008.
    missed = 0
    for cohort in list(inputs("permutation_cohorts", "cohort"))[:40]:
        d = inputs("permutation_cohorts", "cohort")[cohort]
        exact = log_rank_exact(d["time"], d["event"], d["group"])
        if not exact.reason:
            drawn = log_rank_exact(d["time"], d["event"], d["group"], draws=9_999, seed=cohort)
            missed += not drawn.ci_lower <= exact.p_value <= drawn.ci_upper
    assert missed <= 3


def test_cut_points_beside_maxstat() -> None:
    for row in answers("permutation_maxstat").itertuples():
        d = inputs("permutation_markers", "set")[row.set]
        best = maxstat(d["marker"], d["time"], d["event"], draws=999, seed=1)
        assert best.statistic == pytest.approx(row.statistic, rel=1e-10)
        assert (best.cut_point, best.n_cuts) == (row.cut_point, row.n_cuts)


def table(cohort: int, *, stratified: bool) -> EventTable:
    d = inputs("cohorts", "cohort")[cohort]
    levels = list(range(int(d["group"].max()) + 1))  # declared levels, the empty one among them
    halves = (np.arange(len(d)) + 1) % 2 if stratified else None
    return EventTable.from_arrays(
        d["time"], d["event"], group=pd.Categorical(d["group"], categories=levels), strata=halves
    )


def test_trend_beside_survdiff() -> None:
    rows = list(answers("permutation_trend").itertuples())
    for row in rows:
        trend = log_rank_trend(table(row.cohort, stratified=row.stratified))
        assert trend.statistic == pytest.approx(row.statistic, rel=1e-9, abs=1e-12)
        assert trend.p_value == pytest.approx(row.p_value, rel=1e-9)
    assert len(rows) == 134


@pytest.mark.parametrize("adjust", ["holm", "BH"])
def test_pairs_beside_survdiff(adjust: str) -> None:
    undefined = 0
    for (cohort, stratified), expected in answers("permutation_pairs").groupby(["cohort", "stratified"]):
        ours = log_rank_pairwise(table(cohort, stratified=stratified), adjust=adjust)  # type: ignore[arg-type]
        empty = ours["reason"].eq("one group") & (ours["group_1"].eq("2") | ours["group_2"].eq("2"))
        ours = ours[~empty].reset_index(drop=True)
        assert ours["group_1"].astype(int).tolist() == expected["group_1"].tolist()
        assert ours["group_2"].astype(int).tolist() == expected["group_2"].tolist()
        for column, theirs in (("statistic", "statistic"), ("p_value", "p_value"), ("p_adjusted", adjust)):
            np.testing.assert_allclose(ours[column], expected[theirs], rtol=1e-9, atol=1e-12)
        assert (ours["reason"].ne("") == ours["p_value"].isna()).all()
        undefined += int(ours["p_value"].isna().sum())
    assert undefined > 0
