"""Known answers: R 4.2 and an independent program on rationals; odds ratios and limits solved at 1e-12."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cohortstats.errors import InputError
from cohortstats.stats.counts import CountTable
from cohortstats.stats.exact import attainable_p, fisher_exact, fisher_exact_rxc
from cohortstats.stats.mid_p import fisher_midp

INF = math.inf
Cells = tuple[int, int, int, int]


def two(x1: int, n1: int, x2: int, n2: int) -> CountTable:
    return CountTable(groups=("first", "second"), events=(x1, x2), totals=(n1, n2))


# table; two-sided, less, greater; smallest attainable; conditional odds ratio; central limits; minlike limits
# (the last from R exact2x2, 4 digits).
FISHER = [
    (
        (2, 9, 7, 25),
        (Fraction(1), Fraction(1321925, 2384148), Fraction(1848823, 2384148), Fraction(1, 52451256)),
        (0.741149750371, 0.0608748960631, 5.40441793156),
        (0.0907, 4.3747),
    ),
    (
        (6, 17, 3, 17),
        (Fraction(13007, 29667), Fraction(5077, 5394), Fraction(13007, 59334), Fraction(5, 5394)),
        (2.47583507276, 0.412316860187, 18.8679079295),
        (0.4939, 13.8879),
    ),
    (
        (3, 17, 6, 17),
        (Fraction(13007, 29667), Fraction(13007, 59334), Fraction(5077, 5394), Fraction(5, 5394)),
        (0.403904125522, 0.0530000466262, 2.42531920607),
        (0.0720, 2.0245),
    ),
    (
        (3, 11, 6, 23),
        (Fraction(1), Fraction(1652297, 2384148), Fraction(175171, 280488), Fraction(5, 4768296)),
        (1.06059729813, 0.136324338887, 6.71287915176),
        (0.1853, 5.3826),
    ),
    (
        (5, 15, 4, 19),
        (Fraction(4569, 9889), Fraction(4769, 5394), Fraction(911, 2697), Fraction(35, 366792)),
        (1.83986446627, 0.309099058138, 11.8135300371),
        (0.3801, 9.0401),
    ),
    (
        (0, 5, 4, 11),
        (Fraction(89, 364), Fraction(33, 182), Fraction(1), Fraction(1, 364)),
        (0, 0, 3.25529559185),
        (0, 2.8503),
    ),
    (
        (2, 2, 2, 14),
        (Fraction(1, 20), Fraction(1), Fraction(1, 20), Fraction(1, 20)),
        (INF, 0.643462131019, INF),
        (1, INF),
    ),
    (
        (4, 5, 1, 3),
        (Fraction(13, 28), Fraction(55, 56), Fraction(2, 7), Fraction(1, 56)),
        (5.78425962900, 0.157887338452, 586.994336790),
        (0.2447, 286.9884),
    ),
    (
        (5, 5, 0, 5),
        (Fraction(1, 126), Fraction(1), Fraction(1, 252), Fraction(1, 126)),
        (INF, 2.29704881321, INF),
        (2.6977, INF),
    ),
    (
        (5, 5, 4, 10),
        (Fraction(4, 91), Fraction(1), Fraction(6, 143), Fraction(2, 1001)),
        (INF, 0.782021314656, INF),
        (1.0174, INF),
    ),
]


@pytest.mark.parametrize(("table", "rationals", "central", "minlike"), FISHER)
def test_fisher(table: Cells, rationals: tuple[Fraction, ...], central: object, minlike: tuple[float, float]) -> None:
    counts = two(*table)
    found = fisher_exact(counts)
    sides = [fisher_exact(counts, alternative=side).p_exact for side in ("less", "greater")]
    assert (found.p_exact, *sides, found.min_attainable_exact) == rationals
    assert found.p_value == float(rationals[0])
    assert (found.odds_ratio, found.ci_lower, found.ci_upper) == pytest.approx(central, rel=1e-11)
    inverted = fisher_exact(counts, ci="minlike")
    assert (inverted.ci_lower, inverted.ci_upper) == pytest.approx(minlike, rel=1e-3, abs=5e-5)
    assert (found.method, found.ci_method, inverted.ci_method) == ("fisher two-sided minlike", "central", "minlike")


@pytest.mark.parametrize("table", [(2, 2, 2, 14), (2, 14, 2, 2), (0, 2, 12, 14), (12, 14, 0, 2)])
def test_one_in_twenty_is_not_below_five_percent(table: Cells) -> None:
    # PIK3CA in every order of rows and columns. Fraction(0.05) is larger than 1/20, so a float alpha would say yes.
    found = fisher_exact(two(*table))
    assert found.p_exact == Fraction(1, 20)
    assert not found.significant(0.05)
    assert found.significant(0.0500000001)
    assert Fraction(0.05) > Fraction(1, 20)


def test_true_ties_between_different_tables() -> None:
    # Margins 7 and 3, k = 2: weights 3, 21, 21; a strict comparison of floats may lose one of the two.
    assert [fisher_exact(two(x, 7, 2 - x, 3)).p_exact for x in (0, 1, 2)] == [Fraction(1, 15), Fraction(1), Fraction(1)]


def test_minlike_interval_inverts_the_printed_test() -> None:
    # 5/5 v 4/10: p = 4/91 excludes 1, the central interval does not, the minlike one does.
    counts = two(5, 5, 4, 10)
    assert fisher_exact(counts).ci_lower < 1 < fisher_exact(counts, ci="minlike").ci_lower


def test_one_sided_limits() -> None:
    # R: fisher.test(matrix(c(6, 11, 3, 14), 2, byrow = TRUE), alternative = "less")$conf.int: 0 to 13.889
    less = fisher_exact(two(6, 17, 3, 17), alternative="less")
    greater = fisher_exact(two(6, 17, 3, 17), alternative="greater")
    assert (less.ci_lower, greater.ci_upper) == (0, INF)
    assert less.ci_upper == pytest.approx(13.889, abs=5e-3)
    assert less.ci_upper == pytest.approx(fisher_exact(two(6, 17, 3, 17), ci_level=0.9).ci_upper)
    assert greater.ci_lower == pytest.approx(fisher_exact(two(6, 17, 3, 17), ci_level=0.9).ci_lower)
    assert less.method == "fisher less"


@pytest.mark.parametrize("table", [(0, 5, 0, 7), (5, 5, 7, 7), (0, 0, 3, 7)])
def test_a_single_table(table: Cells) -> None:
    found = fisher_exact(two(*table))
    assert (found.p_exact, found.min_attainable_exact, found.reason) == (1, 1, "variance is zero")
    assert math.isnan(found.odds_ratio)  # R prints 0
    assert (found.ci_lower, found.ci_upper) == (0, INF)


# Exact rationals of the same tables, as floats.
@pytest.mark.parametrize(
    ("table", "p"),
    [
        ((300, 500, 250, 500), 0.001827007647065803),
        ((60, 1000, 90, 1000), 0.01358843407220638),
        ((5100, 10000, 4900, 10000), 0.00488735267920006),
        ((30, 50000, 60, 50000), 0.00205081791433844),
        ((200, 1000, 350, 1000), 6.536940760412069e-14),
        ((480, 960, 520, 1040), 1),
    ],
)
def test_large_tables(table: Cells, p: float) -> None:
    found = fisher_exact(two(*table))
    assert found.p_value == pytest.approx(p, rel=2e-15 if table[1] <= 5000 else 1e-14)
    assert (found.p_exact is None) == (table[1] + table[3] > 10_000)


def test_both_roads_to_a_large_table_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [
        (300, 500, 250, 500),
        (60, 1000, 90, 1000),
        (480, 960, 520, 1040),
        (12, 30, 3, 41),
        (2, 2, 2, 14),
        (0, 5, 0, 5),
    ]
    exact = [fisher_exact(two(*table)) for table in tables]
    monkeypatch.setattr("cohortstats.stats.exact.INTEGERS_UP_TO", 0)
    for table, integers in zip(tables, exact, strict=True):
        relative = fisher_exact(two(*table))
        assert relative.p_exact is None
        assert relative.p_value == pytest.approx(integers.p_value, rel=1e-13)
        assert relative.min_attainable_p == pytest.approx(integers.min_attainable_p, rel=1e-12)
        for side in ("less", "greater"):
            with pytest.MonkeyPatch.context() as patch:
                one = fisher_exact(two(*table), alternative=side).p_value
                patch.setattr("cohortstats.stats.exact.INTEGERS_UP_TO", 10_000)
                assert one == pytest.approx(fisher_exact(two(*table), alternative=side).p_value, rel=1e-13)


def test_frame() -> None:
    frame = fisher_exact(two(6, 17, 3, 17)).to_frame()
    assert list(frame.columns) == [
        "odds_ratio", "ci_lower", "ci_upper", "ci_level", "ci_method", "p_value", "min_attainable_p", "alternative",
        "method", "reason",
    ]  # fmt: skip
    assert frame["p_value"].tolist() == [0.4384332760306064]


def problems_of(function: object, *arguments: object, **options: object) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)  # type: ignore[operator]
    return caught.value.problems


def test_door_of_fisher() -> None:
    three = CountTable(groups=("a", "b", "c"), events=(1, 1, 1), totals=(2, 2, 2))
    assert problems_of(fisher_exact, three) == ("fisher_exact compares 2 groups; there are 3. Use fisher_exact_rxc.",)
    assert problems_of(fisher_exact, two(1, 2, 1, 2), alternative="two sided", ci="centrall", ci_level=95) == (
        "alternative 'two sided' is not known; did you mean 'two-sided'?",
        "ci 'centrall' is not known; did you mean 'central'?",
        "ci_level is 95; give a fraction, such as 0.95.",
    )
    assert problems_of(fisher_exact(two(1, 2, 1, 2)).significant, 5) == ("alpha is 5; give a fraction, such as 0.05.",)


# R: fisher.test(M, workspace = 2e7), and rationals by enumeration.
@pytest.mark.parametrize(
    ("matrix", "p", "tables"),
    [
        ([[3, 1, 2], [1, 4, 3]], Fraction(1003, 3003), 23),
        ([[2, 0, 1], [0, 3, 2], [4, 1, 0]], Fraction(8, 143), 105),
        ([[8, 2, 1], [5, 3, 4], [2, 6, 3]], Fraction(3489654907, 29519725820), 2640),
        ([[7, 1], [4, 4], [2, 6]], Fraction(443, 7429), 60),
        ([[3, 0, 0], [0, 3, 0], [0, 0, 3]], Fraction(1, 280), 55),
        ([[1, 2, 3, 4], [4, 3, 2, 1], [2, 2, 2, 2]], Fraction(117272621, 151915621), 17352),
        ([[2, 15, 4], [3, 6, 4]], Fraction(956873, 2729364), 54),
    ],
)
def test_freeman_halton(matrix: list[list[int]], p: Fraction, tables: int) -> None:
    found = fisher_exact_rxc(matrix)
    assert (found.p_exact, found.n_tables, found.p_value) == (p, tables, float(p))
    assert fisher_exact_rxc(pd.DataFrame(matrix).T).p_exact == p
    with_zeros = [[*row, 0] for row in matrix] + [[0] * (len(matrix[0]) + 1)]
    assert fisher_exact_rxc(with_zeros).p_exact == p


def test_freeman_halton_of_one_row() -> None:
    found = fisher_exact_rxc([[3, 4, 0], [0, 0, 0]])
    assert (found.p_exact, found.n_tables, found.reason) == (1, 1, "variance is zero")
    assert not found.significant(0.05)


def test_door_of_freeman_halton() -> None:
    assert problems_of(fisher_exact_rxc, [[1, 2, 3, 4], [1, 2, 3]]) == ("row 2 has 3 cells, row 1 has 4.",)
    assert problems_of(fisher_exact_rxc, [[1, 2.5], [-1, 2]]) == (
        "cells must be whole numbers ≥ 0; row 1, column 2 has 2.5.",
        "cells must be whole numbers ≥ 0; row 2, column 1 has −1.",
    )
    assert problems_of(fisher_exact_rxc, [[0, 0], [0, 0]]) == ("there are no patients.",)
    assert problems_of(fisher_exact_rxc, [[7] * 6] * 5) == (
        "the exact test of this 5 x 6 table with 210 patients needs about 3e9 steps (limit 2e8); merge levels, "
        'or ask for method="monte-carlo" with draws and a seed.',
    )


def test_monte_carlo() -> None:
    matrix = [[8, 2, 1], [5, 3, 4], [2, 6, 3]]
    exact = fisher_exact_rxc(matrix)
    found = fisher_exact_rxc(matrix, method="monte-carlo", draws=19_999, seed=1)
    assert found.hits is not None
    assert found.p_exact == Fraction(1 + found.hits, 20_000)
    assert found.method == "freeman-halton Monte Carlo, 19999 draws, seed 1"
    assert (found.n_tables, found.draws, found.reason) == (None, 19_999, "")
    assert found.ci_lower is not None
    assert found.ci_upper is not None
    assert found.ci_lower < exact.p_value < found.ci_upper
    # 99 %: 2.576 standard errors on either side, a little more for the exact interval.
    assert found.ci_upper - found.ci_lower == pytest.approx(2 * 2.576 * math.sqrt(0.1182 * 0.8818 / 19_999), rel=0.02)
    assert fisher_exact_rxc(matrix, method="monte-carlo", draws=19_999, seed=1) == found
    assert fisher_exact_rxc(matrix, method="monte-carlo", draws=19_999, seed=2).hits != found.hits
    assert list(found.to_frame().columns) == list(exact.to_frame().columns)


@pytest.mark.parametrize(
    "matrix",
    [
        [[3, 0, 0], [0, 3, 0], [0, 0, 3]],  # p 1/280: six tables tied
        [[7, 1], [4, 4], [2, 6]],
        [[2, 15, 4], [3, 6, 4]],
        [[6, 11], [3, 14]],  # two tables of equal weight
    ],
)
def test_monte_carlo_counts_ties(matrix: list[list[int]]) -> None:
    exact = fisher_exact_rxc(matrix).p_value
    found = fisher_exact_rxc(matrix, method="monte-carlo", draws=200_000, seed=5)
    error = math.sqrt(exact * (1 - exact) / 200_000)
    assert abs(found.p_value - exact) < 4 * error


def test_monte_carlo_beyond_the_exact_test() -> None:
    matrix = [[9, 7, 5, 8, 2, 6], [7, 9, 8, 5, 7, 6], [5, 6, 9, 9, 5, 8], [8, 5, 7, 6, 9, 7], [6, 8, 5, 7, 9, 6]]
    with pytest.raises(InputError):
        fisher_exact_rxc(matrix)
    found = fisher_exact_rxc(matrix, method="monte-carlo", draws=9_999, seed=1)
    # R: fisher.test(M, simulate.p.value = TRUE, B = 1e6) = .91327, .91314, .91281 under seeds 1, 2, 3
    assert found.p_value == pytest.approx(0.9131, abs=0.008)
    assert not found.significant(0.05)


def test_monte_carlo_of_one_row() -> None:
    found = fisher_exact_rxc([[3, 4, 0], [0, 0, 0]], method="monte-carlo", draws=999, seed=1)
    assert (found.p_exact, found.reason) == (1, "variance is zero")


def test_door_of_monte_carlo() -> None:
    matrix = [[3, 1], [1, 4]]
    assert problems_of(fisher_exact_rxc, matrix, method="monte-carlo", draws=100) == (
        "draws is 100; use at least 999, and give a seed.",
    )
    assert problems_of(fisher_exact_rxc, matrix, method="monte-carlo", draws=9_999) == (
        "draws is 9999; use at least 999, and give a seed.",
    )
    assert problems_of(fisher_exact_rxc, matrix, method="monte-carlo", seed=1) == (
        "method 'monte-carlo' needs draws; use at least 999, and give a seed.",
    )
    assert problems_of(fisher_exact_rxc, matrix, draws=9_999, seed=1) == (
        "draws is 9999 and seed is 1; the exact test draws nothing, ask for method 'monte-carlo'.",
    )
    assert problems_of(fisher_exact_rxc, [[3, 1], [1]], method="montecarlo") == (
        "method 'montecarlo' is not known; did you mean 'monte-carlo'?",
        "row 2 has 1 cells, row 1 has 2.",
    )


# --------------------------------------------------------------------------------------------------------- mid-p

# table; mid-p, central mid-p, as rationals of the definition; the limits of the central mid-p interval, R exact2x2 to 4
# digits, here solved further.
MID_P = [
    ((2, 9, 7, 25), 0.835035408876, 0.778999458087, None),
    ((6, 17, 3, 17), 0.277985640611, 0.277985640611, (0.4978523113, 14.59028079)),
    ((3, 11, 6, 23), 0.841221581043, 0.931487684489, None),
    ((5, 15, 4, 19), 0.351071898069, 0.453652206155, None),
    ((0, 5, 4, 11), 0.153846153846, 0.181318681319, (0, 2.297136524)),
    ((2, 2, 2, 14), 0.025, 0.05, (1, INF)),
    ((4, 5, 1, 3), 0.330357142857, 0.303571428571, (0.242143969, 289.0523771)),
]


@pytest.mark.parametrize(("table", "minlike", "central", "limits"), MID_P)
def test_mid_p(table: Cells, minlike: float, central: float, limits: tuple[float, float] | None) -> None:
    counts = two(*table)
    found, twice = fisher_midp(counts), fisher_midp(counts, two_sided="central")
    assert (found.p_value, twice.p_value) == pytest.approx((minlike, central), abs=6e-13)
    if limits:
        assert (found.ci_lower, found.ci_upper) == pytest.approx(limits, rel=1e-9)
    assert (found.ci_lower, found.ci_upper) == (twice.ci_lower, twice.ci_upper)
    assert (found.method, twice.method) == ("fisher mid-p minlike", "fisher mid-p central")
    assert (found.ci_method, found.reason) == ("central mid-p", "")
    assert found.odds_ratio == fisher_exact(counts).odds_ratio


@pytest.mark.parametrize("table", [(2, 2, 2, 14), (3, 7, 4, 9), (5, 6, 2, 6), (0, 4, 3, 5), (1, 3, 4, 9)])
def test_mid_p_by_definition(table: Cells) -> None:
    x1, n1, x2, n2 = table
    k, total = x1 + x2, math.comb(n1 + n2, x1 + x2)
    weights = {x: math.comb(n1, x) * math.comb(n2, k - x) for x in range(max(0, k - n2), min(n1, k) + 1)}

    def minlike(x: int) -> Fraction:
        below, same = (sum(w for w in weights.values() if sign(w, weights[x]) == s) for s in (-1, 0))
        return Fraction(2 * below + same, 2 * total)

    def central(x: int) -> Fraction:
        below, above = sum(w for y, w in weights.items() if y < x), sum(w for y, w in weights.items() if y > x)
        return 2 * Fraction(2 * min(below, above) + weights[x], 2 * total)

    for two_sided, right in (("minlike", minlike), ("central", central)):
        found = fisher_midp(two(*table), two_sided=two_sided)  # type: ignore[arg-type]
        assert found.p_exact == right(x1)
        assert found.min_attainable_exact == min(map(right, weights))


def sign(a: int, b: int) -> int:
    return (a > b) - (a < b)


def test_mid_p_interval_solves_its_equations() -> None:
    # P_θ(X > x) + ½ P_θ(x) = α/2 at the lower limit, from the weights themselves.
    found = fisher_midp(two(6, 17, 3, 17), ci_level=0.9)
    for limit, beyond in ((found.ci_lower, range(7, 10)), (found.ci_upper, range(6))):
        weights = {x: math.comb(17, x) * math.comb(17, 9 - x) * limit**x for x in range(10)}
        tail = sum(weights[x] for x in beyond) + weights[6] / 2
        assert tail / sum(weights.values()) == pytest.approx(0.05, rel=1e-12)


def test_mid_p_decides_on_rationals() -> None:
    central = fisher_midp(two(2, 2, 2, 14), two_sided="central")
    assert (central.p_exact, central.significant(0.05)) == (Fraction(1, 20), False)
    minlike = fisher_midp(two(2, 2, 2, 14))
    assert (minlike.p_exact, minlike.min_attainable_exact) == (Fraction(1, 40), Fraction(1, 40))
    assert minlike.significant(0.05)
    assert not minlike.significant(0.025)


@pytest.mark.parametrize("table", [(0, 5, 0, 7), (5, 5, 7, 7), (0, 0, 3, 7)])
def test_mid_p_of_a_single_table(table: Cells) -> None:
    for two_sided in ("minlike", "central"):
        found = fisher_midp(two(*table), two_sided=two_sided)  # type: ignore[arg-type]
        assert (found.p_exact, found.min_attainable_exact, found.reason) == (1, 1, "variance is zero")
        assert math.isnan(found.odds_ratio)
        assert (found.ci_lower, found.ci_upper) == (0, INF)


def test_both_roads_to_a_mid_p_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [(300, 500, 250, 500), (480, 960, 520, 1040), (12, 30, 3, 41), (2, 2, 2, 14), (0, 5, 0, 5), (7, 7, 2, 7)]
    for two_sided in ("minlike", "central"):
        options: dict[str, Any] = {"two_sided": two_sided}
        monkeypatch.setattr("cohortstats.stats.mid_p.INTEGERS_UP_TO", 10_000)
        exact = [fisher_midp(two(*table), **options) for table in tables]
        monkeypatch.setattr("cohortstats.stats.mid_p.INTEGERS_UP_TO", 0)
        for table, integers in zip(tables, exact, strict=True):
            relative = fisher_midp(two(*table), **options)
            assert (relative.p_exact is None) == (not relative.reason)
            assert relative.p_value == pytest.approx(integers.p_value, rel=1e-13)
            assert relative.min_attainable_p == pytest.approx(integers.min_attainable_p, rel=1e-12)


def test_frame_and_door_of_mid_p() -> None:
    frame = fisher_midp(two(6, 17, 3, 17)).to_frame()
    assert list(frame.columns) == [
        "odds_ratio", "ci_lower", "ci_upper", "ci_level", "ci_method", "p_value", "min_attainable_p", "method", "reason",
    ]  # fmt: skip
    three = CountTable(groups=("a", "b", "c"), events=(1, 1, 1), totals=(2, 2, 2))
    assert problems_of(fisher_midp, three, two_sided="centrl", ci_level=95) == (
        "fisher_midp compares 2 groups; there are 3. Use fisher_exact_rxc.",
        "two_sided 'centrl' is not known; did you mean 'central'?",
        "ci_level is 95; give a fraction, such as 0.95.",
    )


# ------------------------------------------------------------------------------------------------ attainable P


def test_attainable_p() -> None:
    assert attainable_p(two(2, 2, 2, 14)) == (Fraction(1, 20), Fraction(9, 20), Fraction(1))
    # Margins 7 and 3, k = 2: weights 3, 21, 21 of 45, two of them tied.
    assert attainable_p(two(2, 7, 0, 3)) == (Fraction(1, 15), Fraction(1))
    assert attainable_p(two(0, 5, 0, 7)) == (1,)
    every = {fisher_exact(two(x, 17, 9 - x, 17)).p_exact for x in range(10)}
    assert set(attainable_p(two(6, 17, 3, 17))) == every
    assert problems_of(attainable_p, CountTable(groups=("a",), events=(1,), totals=(2,))) == (
        "attainable_p compares 2 groups; there is 1.",
    )


def test_both_roads_to_attainable_p_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [(6, 17, 3, 17), (12, 30, 3, 41), (2, 7, 0, 3), (30, 80, 25, 80)]
    exact = [attainable_p(two(*table)) for table in tables]
    monkeypatch.setattr("cohortstats.stats.exact.INTEGERS_UP_TO", 0)
    for table, integers in zip(tables, exact, strict=True):
        assert attainable_p(two(*table)) == pytest.approx([float(p) for p in integers], rel=1e-13)


# ---------------------------------------------------------------------------------------------- large intervals


@pytest.mark.parametrize("table", [(5100, 10000, 4900, 10000), (700, 20000, 801, 21000)])
def test_minlike_interval_of_thousands(table: Cells) -> None:
    # The limits are where the two-sided P passes 0.05; checked from the logarithms of the weights by lgamma.
    x1, n1, x2, n2 = table
    k = x1 + x2
    support = range(max(0, k - n2), min(n1, k) + 1)
    logs = np.array([log_choose(n1, x) + log_choose(n2, k - x) for x in support])

    def p_at(theta: float) -> float:
        tilted = logs + math.log(theta) * np.arange(logs.size)
        weights = np.exp(tilted - tilted.max())
        observed = weights[x1 - support[0]]
        return float(weights[weights <= observed * (1 + 1e-9)].sum() / weights.sum())

    found = fisher_exact(two(*table), ci="minlike")
    for limit, inward in ((found.ci_lower, 1e-6), (found.ci_upper, -1e-6)):
        assert p_at(limit * (1 + inward)) >= 0.05
        assert p_at(limit * (1 - inward)) < 0.05
    central = fisher_exact(two(*table))
    assert found.ci_lower == pytest.approx(central.ci_lower, rel=2e-3)
    assert found.ci_upper == pytest.approx(central.ci_upper, rel=2e-3)


def log_choose(n: int, x: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(x + 1) - math.lgamma(n - x + 1)
