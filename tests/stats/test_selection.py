"""Known answers in fractions; brute force over every arrangement, one by one, on tiny cohorts."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from cohortstats.errors import InputError
from cohortstats.stats.counts import CountTable
from cohortstats.stats.exact import fisher_exact
from cohortstats.stats.log_rank_exact import log_rank_exact, places_in_time
from cohortstats.stats.permutations import Orders, log_rank_scores
from cohortstats.stats.selection import SelectionAdjustedP, selection_adjusted_p

PATIENT = np.arange(1, 17)
MARKERS = pd.DataFrame(
    {
        "HER2": np.isin(PATIENT, [9, 10, 12, 13, 15]),
        "PIK3CA": np.isin(PATIENT, [6, 11]),
        "HR": np.isin(PATIENT, [3, 5, 6, 7, 9, 11, 13, 16]),
    }
)
RESISTANT = np.isin(PATIENT, [5, 6, 7, 11])


def test_best_of_nine() -> None:
    chosen = selection_adjusted_p(MARKERS, RESISTANT)
    assert len(chosen.family) == 9
    assert chosen.family[:3] == ("HER2+", "PIK3CA+", "HR+")
    assert chosen.best == "HER2− and HR+"
    assert (chosen.p_raw_exact, chosen.p_adjusted_exact) == (Fraction(15, 1820), Fraction(50, 1820))
    assert chosen.p_adjusted == pytest.approx(0.0274725275, abs=1e-10)
    assert (chosen.n_arrangements, chosen.n_extreme, chosen.reason) == (1820, 50, "")
    assert chosen.method == "min-P over Fisher's exact test, exact by enumeration"
    # Draws are there for what cannot be counted; here they are not needed.
    assert selection_adjusted_p(MARKERS, RESISTANT, draws=9_999, seed=1).p_adjusted_exact == Fraction(50, 1820)


def test_p_of_each_grouping_is_fishers() -> None:
    chosen = selection_adjusted_p(MARKERS, RESISTANT, family="singles")
    for name, p in zip(chosen.family, chosen.p_values, strict=True):
        inside = MARKERS[name.removesuffix("+")].to_numpy()
        counts = CountTable(
            groups=("in", "out"),
            events=(int(RESISTANT[inside].sum()), int(RESISTANT[~inside].sum())),
            totals=(int(inside.sum()), int((~inside).sum())),
        )
        assert p == fisher_exact(counts).p_value


def test_opposite_outcome_and_opposite_markers_change_nothing() -> None:
    expected = selection_adjusted_p(MARKERS, RESISTANT)
    for markers, outcome in ((MARKERS, ~RESISTANT), (~MARKERS, RESISTANT), (MARKERS.astype(int), RESISTANT.tolist())):
        chosen = selection_adjusted_p(markers, outcome)
        assert len(chosen.family) == 9
        assert chosen.p_adjusted_exact == expected.p_adjusted_exact


def test_family_has_no_duplicates_complements_or_constants() -> None:
    markers = pd.DataFrame({"A": [1, 1, 0, 0, 0], "copy": [1, 1, 0, 0, 0], "not A": [0, 0, 1, 1, 1], "all": [1] * 5})
    chosen = selection_adjusted_p(markers, [1, 0, 0, 1, 0])
    assert chosen.family == ("A+",)
    assert chosen.p_raw_exact == chosen.p_adjusted_exact


def brute_force(groupings: list[np.ndarray], outcome: np.ndarray) -> Fraction:
    def smallest(who: np.ndarray) -> float:
        tables = (
            CountTable(
                groups=("in", "out"),
                events=(int(who[inside].sum()), int(who[~inside].sum())),
                totals=(int(inside.sum()), int((~inside).sum())),
            )
            for inside in groupings
        )
        return min(fisher_exact(table).p_exact for table in tables)  # type: ignore[type-var, return-value]

    observed = smallest(outcome)
    n, k = outcome.size, int(outcome.sum())
    sets = [np.isin(np.arange(n), who) for who in itertools.combinations(range(n), k)]
    return Fraction(sum(smallest(who) <= observed for who in sets), len(sets))


def test_brute_force_of_counts() -> None:
    random = np.random.default_rng(1)
    for _ in range(6):
        markers = {name: random.random(8) < 0.5 for name in "AB"}
        outcome = np.isin(np.arange(8), random.choice(8, random.integers(1, 8), replace=False))
        chosen = selection_adjusted_p(markers, outcome)
        a, b = markers["A"], markers["B"]
        groupings = [a, b, a & b, a & ~b, ~a & b, ~a & ~b]
        groupings = [inside for inside in groupings if 0 < inside.sum() < 8]
        if chosen.reason:
            assert not groupings or outcome.all()
            continue
        assert chosen.p_adjusted_exact == brute_force(groupings, outcome)


def test_brute_force_of_times() -> None:
    # Each of the 6! orders one by one; each grouping's p in it by log_rank_exact, which is tested on its own.
    random = np.random.default_rng(2)
    for _ in range(3):
        time, event = random.integers(1, 9, 6), random.random(6) < 0.8
        markers = {name: np.isin(np.arange(6), random.choice(6, 3, replace=False)) for name in "AB"}
        chosen = selection_adjusted_p(markers, (time, event), family="singles")
        names = [name.removesuffix("+") for name in chosen.family]
        known: dict[tuple[object, ...], Fraction] = {}

        def p_of(order: tuple[int, ...], name: str) -> Fraction:
            inside = markers[name]  # noqa: B023
            key = tuple(sorted(order[i] for i in np.flatnonzero(inside)))
            if key not in known:  # noqa: B023
                group = np.isin(np.arange(6), key)
                known[key] = log_rank_exact(time, event, group).p_exact  # type: ignore[assignment]  # noqa: B023
            return known[key]  # noqa: B023

        orders = list(itertools.permutations(range(6)))
        smallest = [min(p_of(order, name) for name in names) for order in orders]
        observed = smallest[0]
        assert chosen.p_raw_exact == observed
        assert chosen.p_adjusted_exact == Fraction(sum(p <= observed for p in smallest), len(orders))
        assert chosen.method == "min-P over permutation log-rank, exact by enumeration"


def test_one_grouping_needs_no_adjustment() -> None:
    time, event = [4, 5, 8, 10, 12, 15, 18, 21], [1, 1, 0, 1, 1, 1, 0, 1]
    marker = {"A": [1, 0, 1, 1, 0, 0, 1, 0]}
    chosen = selection_adjusted_p(marker, pd.DataFrame({"time": time, "event": event}))
    alone = log_rank_exact(time, event, marker["A"])
    assert chosen.p_raw_exact == chosen.p_adjusted_exact == alone.p_exact


def test_declared_family_of_cut_points() -> None:
    age = np.array([31, 45, 52, 38, 66, 71, 59, 48])
    outcome = age > 50
    cuts = {f"age > {cut}": age > cut for cut in (40, 50, 60)}
    chosen = selection_adjusted_p(None, outcome, family=cuts)
    assert chosen.family == ("age > 40", "age > 50", "age > 60")
    assert chosen.best == "age > 50"
    assert chosen.p_raw_exact == Fraction(2, 70)
    assert chosen.p_adjusted_exact == brute_force(list(cuts.values()), outcome)


def test_monte_carlo() -> None:
    random = np.random.default_rng(3)
    markers = pd.DataFrame(random.random((30, 3)) < 0.5, columns=list("ABC"))
    outcome = random.random(30) < 0.5
    chosen = selection_adjusted_p(markers, outcome, draws=20_000, seed=4)
    again = selection_adjusted_p(markers, outcome, draws=20_000, seed=4)
    assert chosen.method == "min-P over Fisher's exact test, Monte Carlo, 20000 draws, seed 4"
    assert chosen.p_adjusted == again.p_adjusted == (1 + chosen.n_extreme) / 20_001
    assert (chosen.p_adjusted_exact, chosen.seed, chosen.draws) == (None, 4, 20_000)
    assert chosen.p_raw == float(chosen.p_raw_exact or 0) < chosen.p_adjusted
    assert chosen.ci_lower < chosen.p_adjusted < chosen.ci_upper


def test_monte_carlo_of_times_holds_the_exact_p() -> None:
    # Nine patients: exact; the same nine twice over are drawn, and compared with an own permutation in floats.
    random = np.random.default_rng(5)
    time, event = random.integers(1, 30, 24), random.random(24) < 0.8
    markers = {name: random.random(24) < 0.5 for name in "AB"}
    chosen = selection_adjusted_p(markers, (time, event), draws=9_999, seed=6)
    assert chosen.p_adjusted_exact is None
    single = selection_adjusted_p({"A": markers["A"]}, (time, event), draws=9_999, seed=6)
    exact = log_rank_exact(time, event, markers["A"])
    assert exact.p_exact is not None
    assert single.ci_lower < exact.p_value < single.ci_upper
    assert single.p_raw == single.p_adjusted


def test_close_calls_are_decided_in_whole_numbers() -> None:
    # 60 distinct times: sums of scores are no exact floats; the two copies of one marker tie in every order.
    random = np.random.default_rng(7)
    time, event = random.permutation(60) + 1, np.ones(60)
    marker = random.random(60) < 0.5
    assert not log_rank_scores(places_in_time(time * 1.0), event == 1).exact
    once = selection_adjusted_p({"A": marker}, (time, event), draws=9_999, seed=1)
    twice = selection_adjusted_p(None, (time, event), family={"A": marker, "B": ~marker}, draws=9_999, seed=1)
    assert once.p_adjusted == twice.p_adjusted == once.p_raw
    assert twice.best == "A"
    assert twice.p_values[0] == twice.p_values[1]


@pytest.mark.parametrize(
    ("markers", "outcome", "reason"),
    [
        ({"A": [1, 0, 0]}, [0, 0, 0], "no events"),
        ({"A": [1, 0, 0]}, [1, 1, 1], "variance is zero"),
        ({"A": [1, 1, 1]}, [1, 0, 1], "no variation"),
        ({"A": [1, 0, 0]}, ([1, 2, 3], [0, 0, 0]), "no events"),
        ({"A": [1, 0, 0]}, ([2, 2, 2], [1, 1, 1]), "variance is zero"),
        ({"A": [1, 1, 1]}, ([1, 2, 3], [1, 1, 1]), "no variation"),
    ],
)
def test_reasons(markers: dict[str, list[int]], outcome: object, reason: str) -> None:
    chosen = selection_adjusted_p(markers, outcome)
    assert chosen.reason == reason
    assert math.isnan(chosen.p_raw)
    assert math.isnan(chosen.p_adjusted)  # never 1 for what cannot be computed
    assert chosen.best == ""


def problems_of(*columns: object, **options: object) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        selection_adjusted_p(*columns, **options)  # type: ignore[arg-type]
    return caught.value.problems


def test_door() -> None:
    outcome = [1, 0, 1]
    assert problems_of({"A": [1, None, np.nan]}, outcome) == (
        "marker 'A' is missing at positions 2, 3; exclude or complete these patients first.",
    )
    assert problems_of({"A": [1, 2, 0]}, outcome) == ("marker 'A' holds 2 (position 2); give booleans or 0/1.",)
    assert problems_of({"A": ["pos", "neg", "pos"]}, outcome) == (
        "marker 'A' holds text ('pos'); give booleans or 0/1.",
    )
    assert problems_of({"A": [1, 0]}, outcome) == ("outcome has 3 values, marker 'A' has 2.",)
    assert problems_of({"A": [1, 0, 1]}, [1, 0, 2]) == ("outcome holds 2 (position 3); give booleans or 0/1.",)
    assert problems_of([[1, 0, 1]], outcome) == ("markers must be a frame, or a mapping of names to yes/no columns.",)
    assert problems_of({"A": [1, 0, 1]}, pd.DataFrame({"time": [1, 2, 3]})) == ("outcome has no column 'event'.",)
    assert problems_of({"A": [1, 0, 1]}, ([1, -2, 3], [1, 1, 0])) == ("time is −2 at position 2; times start at 0.",)
    assert problems_of({"A": [1, 0, 1]}, outcome, family="pair", draws=100) == (
        "draws is 100; use at least 9,999, and give a seed.",
        "family 'pair' is not known; did you mean 'pairs'?",
    )
    many = {"A": np.arange(34) % 2}
    assert problems_of(many, np.arange(34) < 9) == ("9 of 34 patients have 5.2e7 labellings; give draws and a seed.",)
    assert problems_of(many, (np.arange(34), np.ones(34))) == (
        "34 patients have 3.0e38 orderings; give draws and a seed.",
    )


def test_orders_without_draws_hold_every_order_once() -> None:
    scores = log_rank_scores(np.array([0, 1, 1, 2, 3]), np.array([True, True, True, False, False]))
    orders = Orders(scores, None, None)
    assert orders.possible == 30  # 5!/(2! 2!): two events at one time, two censored after the last event
    assert orders.all
    assert sum(block.shape[0] for block in orders.blocks()) == 30


def test_frame() -> None:
    chosen = selection_adjusted_p(MARKERS, RESISTANT)
    assert isinstance(chosen, SelectionAdjustedP)
    frame = chosen.to_frame()
    assert list(frame.columns) == [
        "best", "p_raw", "p_adjusted", "n_groupings", "n_arrangements", "ci_lower", "ci_upper", "method", "reason",
    ]  # fmt: skip
    assert frame.loc[0, "n_groupings"] == 9
