"""The screen of Fisher's tests against one test at a time, against printed answers, and against exact rationals."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest

import cohortstats as cs
from cohortstats.stats.screen_fisher import (
    MarkerCounts,
    conditional_odds_ratios,
    count_markers,
    fisher_p_values,
    risk_differences,
)


def tables(rows: list[tuple[int, int, int, int]]) -> MarkerCounts:
    """Rows of x1, n1, x2, n2."""
    x1, n1, x2, n2 = np.array(rows).T
    return MarkerCounts(n1=n1, x1=x1, n2=n2, x2=x2)


def random_tables(random: np.random.Generator, largest: int, size: int) -> MarkerCounts:
    """A third with groups of one size, which have many ties."""
    n1 = random.integers(0, largest, size)
    n2 = np.where(random.random(size) < 1 / 3, n1, random.integers(0, largest, size))
    return MarkerCounts(n1=n1, x1=random.integers(0, n1 + 1), n2=n2, x2=random.integers(0, n2 + 1))


def one_by_one(counts: MarkerCounts) -> list[cs.CountTable]:
    columns = (counts.x1, counts.x2, counts.n1, counts.n2)
    return [
        cs.CountTable(groups=("with", "without"), events=(x1, x2), totals=(n1, n2))
        for x1, x2, n1, n2 in zip(*(column.tolist() for column in columns), strict=True)
    ]


@pytest.mark.parametrize("largest", [4, 12, 60, 500])
def test_p_is_that_of_the_single_test(largest: int) -> None:
    counts = random_tables(np.random.default_rng(largest), largest, 300)
    p_value, attainable = fisher_p_values(counts)
    for p, least, table in zip(p_value.tolist(), attainable.tolist(), one_by_one(counts), strict=True):
        if sum(table.totals) == 0:
            assert np.isnan(p)
            continue
        test = cs.fisher_exact(table)
        assert p == pytest.approx(test.p_value, rel=1e-13, abs=0), table
        assert least == pytest.approx(test.min_attainable_p, rel=1e-13, abs=0), table


def test_every_table_of_some_margins_by_exact_rationals() -> None:
    # Groups of 7 and 3 with 2 events have the weights 3, 21, 21: a true tie between different tables.
    for n1, n2 in ((7, 3), (6, 6), (13, 9), (8, 20)):
        rows = [(x1, n1, k - x1, n2) for k in range(n1 + n2 + 1) for x1 in range(max(0, k - n2), min(k, n1) + 1)]
        p_value, _ = fisher_p_values(tables(rows))
        for (x1, _, x2, _), p in zip(rows, p_value.tolist(), strict=True):
            k = x1 + x2
            weight = {x: comb(n1, x) * comb(n2, k - x) for x in range(max(0, k - n2), min(k, n1) + 1)}
            exact = Fraction(sum(w for w in weight.values() if w <= weight[x1]), comb(n1 + n2, k))
            assert p == pytest.approx(float(exact), rel=1e-14)


# By exact rationals; R counts tables within a relative 1e-7 as tied and gives .3758, .4615 and .0974 for the first three.
NEAR_TIES_AND_LARGE = [
    ((157, 314, 44, 78), 0.315193878617),
    ((51, 69, 174, 255), 0.381888913851),
    ((135, 172, 443, 617), 0.0806278571521),
    ((300, 500, 250, 500), 0.001827007647065803),
    ((60, 1000, 90, 1000), 0.01358843407220638),
    ((5100, 10_000, 4900, 10_000), 0.00488735267920006),
    ((30, 50_000, 60, 50_000), 0.00205081791433844),
    ((200, 1000, 350, 1000), 6.536940760412069e-14),
    ((480, 960, 520, 1040), 1.0),
]


@pytest.mark.parametrize(("row", "expected"), NEAR_TIES_AND_LARGE)
def test_near_ties_and_large_tables(row: tuple[int, int, int, int], expected: float) -> None:
    p_value, _ = fisher_p_values(tables([row, (row[2], row[3], row[0], row[1])]))
    assert p_value == pytest.approx([expected, expected], rel=1e-11)


def test_one_table_only_is_p_one_and_nobody_is_nan() -> None:
    p_value, attainable = fisher_p_values(
        tables([(0, 0, 3, 9), (2, 9, 0, 0), (0, 4, 0, 5), (4, 4, 5, 5), (0, 0, 0, 0)])
    )
    assert p_value[:4].tolist() == attainable[:4].tolist() == [1.0] * 4
    assert np.isnan([p_value[4], attainable[4]]).all()


def test_counts_are_those_of_a_loop() -> None:
    random = np.random.default_rng(7)
    for n in (1, 7, 8, 63, 64, 65, 130):
        markers = random.integers(-1, 2, (20, n)).astype(np.int8)
        markers[:5] = random.integers(0, 2, (5, n))
        outcome = random.random(n) < 0.4
        for some in (markers, markers[:5]):
            counts = count_markers(some, outcome)
            for row, marker in enumerate(some):
                mine, others = outcome[marker == 1], outcome[marker == 0]
                found = (counts.n1[row], counts.x1[row], counts.n2[row], counts.x2[row])
                assert found == (mine.size, mine.sum(), others.size, others.sum())


def test_effects_are_those_of_the_single_functions() -> None:
    counts = random_tables(np.random.default_rng(3), 30, 150)
    rates, odds = risk_differences(counts, 0.9), conditional_odds_ratios(counts, 0.95)
    for row, table in enumerate(one_by_one(counts)):
        single = cs.risk_difference(table, ci_level=0.9)
        expected = (single.estimate, single.ci_lower, single.ci_upper)
        assert [column[row] for column in rates] == pytest.approx(expected, rel=1e-12, abs=1e-15, nan_ok=True)
        if sum(table.totals):
            test = cs.fisher_exact(table)
            expected = (test.odds_ratio, test.ci_lower, test.ci_upper)
            assert [column[row] for column in odds] == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_many_margins_are_taken_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = random_tables(np.random.default_rng(11), 90, 200)
    whole = fisher_p_values(counts)
    monkeypatch.setattr("cohortstats.stats.screen_fisher.CELLS", 100)
    parts = fisher_p_values(counts)
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_array_equal(whole[1], parts[1])
