"""Known answers: R chisq.test, and the formulas in an independent program."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from scipy.special import chdtrc

from cohortstats.errors import InputError
from cohortstats.stats.chi_square import chi_square
from cohortstats.stats.counts import CountTable

Cells = tuple[int, int, int, int]


def two(x1: int, n1: int, x2: int, n2: int) -> CountTable:
    return CountTable(groups=("first", "second"), events=(x1, x2), totals=(n1, n2))


def problems_of(function: Any, *arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    return caught.value.problems


# Table; P of Pearson, Yates, N − 1. In 2/2 v 2/14 an expected count is 1/2: the formula gives .0112, which is no answer.
ANSWERS: list[tuple[Cells, float, float, float]] = [
    ((2, 9, 7, 25), 0.736192705363, 1, 0.739958681043),
    ((6, 17, 3, 17), 0.243537481590, 0.436887276103, 0.250592050686),
    ((3, 11, 6, 23), 0.941553258540, 1, 0.942417667832),
    ((5, 15, 4, 19), 0.420286966418, 0.678526318109, 0.427205198934),
    ((0, 5, 4, 11), 0.119470986772, 0.350201389179, 0.131668016023),
    ((4, 5, 1, 3), 0.186857502663, 0.571607644953, 0.216948153306),
]


@pytest.mark.parametrize(("table", "pearson", "yates", "n_less_1"), ANSWERS)
def test_known_answers(table: Cells, pearson: float, yates: float, n_less_1: float) -> None:
    found = [chi_square(two(*table), correction=correction) for correction in ("none", "yates", "n-1")]  # type: ignore[arg-type]
    assert [test.p_value for test in found] == pytest.approx([pearson, yates, n_less_1], rel=5e-12)
    assert [test.method for test in found] == ["pearson chi-square", "chi-square, Yates", "chi-square, N − 1"]
    assert {(test.df, test.reason) for test in found} == {(1, "")}


def test_expected_counts_below_one() -> None:
    counts = two(2, 2, 2, 14)
    found = chi_square(counts, correction="n-1")
    assert found.reason == "expected counts below 1"
    assert math.isnan(found.statistic)
    assert math.isnan(found.p_value)
    assert found.expected.tolist() == [[0.5, 1.5], [3.5, 10.5]]
    # R: chisq.test(correct=FALSE) .008828760953, correct=TRUE .080855598370; by the formula N − 1 .011229886653
    pearson = chi_square(counts)
    assert pearson.p_value == pytest.approx(0.008828760953, rel=1e-10)
    assert chi_square(counts, correction="yates").p_value == pytest.approx(0.080855598370, rel=1e-10)
    assert float(chdtrc(1, pearson.statistic * 15 / 16)) == pytest.approx(0.011229886653, rel=1e-10)
    # Exactly 1 is enough: 2 of 4 patients by 2 of 4 events.
    assert chi_square(two(2, 2, 0, 2), correction="n-1").statistic == 3


def test_yates_is_floored_at_zero() -> None:
    # 2/9 v 7/25: |ad − bc| = 13 is below N/2 = 17. Without the floor the statistic would be positive again.
    found = chi_square(two(2, 9, 7, 25), correction="yates")
    assert (found.statistic, found.p_value) == (0, 1)


def test_several_groups() -> None:
    # R: chisq.test(matrix(c(3, 5, 2, 9, 4, 1), 3), correct = FALSE): X-squared = 2.85714285714286, df = 2
    counts = CountTable(groups=("a", "b", "c"), events=(3, 5, 2), totals=(12, 9, 3))
    found = chi_square(counts)
    assert found.statistic == pytest.approx(2.85714285714286, rel=1e-14)
    by_definition = sum(
        (Fraction(o) - e) ** 2 / e
        for x, n in zip(counts.events, counts.totals, strict=True)
        for o, e in ((x, Fraction(n * 10, 24)), (n - x, Fraction(n * 14, 24)))
    )
    assert found.statistic == float(by_definition)
    assert (found.df, found.reason) == (2, "")
    assert found.p_value == pytest.approx(math.exp(-found.statistic / 2), rel=1e-14)  # 2 df
    assert found.expected.sum(axis=1).tolist() == [12, 9, 3]
    with_empty = CountTable(groups=("a", "b", "c", "d"), events=(3, 5, 2, 0), totals=(12, 9, 3, 0))
    assert (chi_square(with_empty).statistic, chi_square(with_empty).df) == (found.statistic, 2)


@pytest.mark.parametrize("table", [(0, 5, 0, 7), (5, 5, 7, 7), (0, 0, 3, 7), (0, 0, 0, 0)])
@pytest.mark.parametrize("correction", ["none", "yates", "n-1"])
def test_without_variation(table: Cells, correction: Any) -> None:
    found = chi_square(two(*table), correction=correction)
    assert found.reason == "variance is zero"
    assert math.isnan(found.statistic)
    assert math.isnan(found.p_value)


def test_tail_is_not_lost() -> None:
    # R: pchisq(1000, 1, lower.tail = FALSE) = 1.7958327848e-219
    found = chi_square(two(500, 500, 0, 500))
    assert found.statistic == 1000
    assert found.p_value == pytest.approx(1.7958327848e-219, rel=1e-10)


def test_frame_and_arrays() -> None:
    found = chi_square(two(6, 17, 3, 17))
    assert list(found.to_frame().columns) == ["statistic", "df", "p_value", "method", "reason"]
    assert not found.expected.flags.writeable


def test_door() -> None:
    three = CountTable(groups=("a", "b", "c"), events=(1, 1, 1), totals=(2, 2, 2))
    assert problems_of(chi_square, three, correction="n-1") == (
        "chi_square with correction 'n-1' compares 2 groups; there are 3.",
    )
    assert problems_of(chi_square, three, correction="yate") == (
        "correction 'yate' is not known; did you mean 'yates'?",
    )
