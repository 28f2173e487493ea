"""Known answers: R 4.2 and an independent program on rationals; odds ratios and limits solved at 1e-12."""

from __future__ import annotations

import math
from fractions import Fraction

import pandas as pd
import pytest

from cohortstats.errors import InputError
from cohortstats.stats.counts import CountTable
from cohortstats.stats.exact import fisher_exact, fisher_exact_rxc

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
    assert found.p_value == pytest.approx(p, rel=2e-15 if table[1] <= 5000 else 1e-12)
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
        "the exact test of this 5 x 6 table with 210 patients needs about 3e9 steps (limit 2e8); merge levels.",
    )
