"""Known answers: R p.adjust, closed testing by its definition, and rationals."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from cohortstats.errors import InputError
from cohortstats.stats.counts import CountTable
from cohortstats.stats.exact import attainable_p, fisher_exact
from cohortstats.stats.multiplicity import adjust_p, tarone

# Eight comparisons of one cohort: events and totals of two groups. The last one cannot go below 1/20.
TABLE_4 = [
    (2, 9, 7, 25), (6, 17, 3, 17), (3, 17, 6, 17), (3, 11, 6, 23), (3, 11, 6, 23), (5, 15, 4, 19), (0, 5, 4, 11),
    (2, 2, 2, 14),
]  # fmt: skip
COUNTS = [CountTable(groups=("1", "2"), events=(x1, x2), totals=(n1, n2)) for x1, n1, x2, n2 in TABLE_4]
EXACT = [Fraction(fisher_exact(counts).p_exact or 0) for counts in COUNTS]
TEN = [0.01, 0.013, 0.014, 0.19, 0.35, 0.5, 0.63, 0.67, 0.75, 0.81]


def problems_of(function: Any, *arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    return caught.value.problems


# R: p.adjust(c(.01, .013, .014, .19, .35, .5, .63, .67, .75, .81), method)
@pytest.mark.parametrize(
    ("method", "right"),
    [
        ("bonferroni", [0.1, 0.13, 0.14] + [1] * 7),
        ("holm", [0.1, 0.117, 0.117] + [1] * 7),
        ("hochberg", [0.1, 0.112, 0.112] + [0.81] * 7),
        ("hommel", [0.08, 0.104, 0.112] + [0.81] * 7),
        ("BH", [0.0466666666667] * 3 + [0.475, 0.7] + [0.81] * 5),
        ("BY", [0.136685185185] * 3 + [1] * 7),
    ],
)
def test_ten(method: Any, right: list[float]) -> None:
    assert adjust_p(TEN, method=method).tolist() == pytest.approx(right, rel=1e-11)
    backwards = adjust_p(TEN[::-1], method=method)[::-1]
    assert backwards.tolist() == adjust_p(TEN, method=method).tolist()


@pytest.mark.parametrize("method", ["bonferroni", "holm", "hochberg", "hommel"])
def test_table_4(method: Any) -> None:
    assert adjust_p(EXACT, method=method).tolist() == [1] * 7 + [0.4]


def test_table_4_false_discovery_rates() -> None:
    rates = adjust_p(EXACT, method="BH").tolist()
    assert rates == pytest.approx([1, 0.739245626454, 0.739245626454, 1, 1, 0.739245626454, 0.739245626454, 0.4])
    assert adjust_p(EXACT, method="BY").tolist() == [1] * 8


def simes(p: tuple[float, ...]) -> float:
    return min(len(p) * value / rank for rank, value in enumerate(sorted(p), 1))


def test_hommel_is_closed_testing() -> None:
    rng = np.random.default_rng(7)
    for m in (1, 2, 3, 5, 8):
        p = np.round(rng.beta(0.5, 2, m), 2)
        sets = [chosen for size in range(1, m + 1) for chosen in itertools.combinations(range(m), size)]
        right = [max(simes(tuple(p[list(chosen)])) for chosen in sets if i in chosen) for i in range(m)]
        assert adjust_p(p, method="hommel").tolist() == pytest.approx(right, rel=1e-14)


def test_thousands_of_p_values() -> None:
    p = np.random.default_rng(1).random(4_000) ** 3
    hommel, hochberg = adjust_p(p, method="hommel"), adjust_p(p, method="hochberg")
    assert (hommel <= hochberg + 1e-15).all()
    # The smallest is its own Simes P over the whole family or more; the largest stays.
    assert hommel.max() == p.max()
    assert hommel.min() >= simes(tuple(p)) - 1e-15


def test_gaps_are_not_counted() -> None:
    # R: p.adjust(c(.01, NA, .04), "holm") = .02, NA, .04
    adjusted = adjust_p([0.01, math.nan, 0.04])
    assert adjusted[[0, 2]].tolist() == [0.02, 0.04]
    assert math.isnan(adjusted[1])
    assert adjust_p([]).tolist() == []


class TestDiscreteBonferroni:
    ATTAINABLE = [attainable_p(counts) for counts in COUNTS]  # noqa: RUF012

    def test_table_4(self) -> None:
        found = adjust_p(EXACT, method="discrete-bonferroni", attainable=self.ATTAINABLE)
        assert found.tolist() == [1] * 7 + [float(Fraction(427501643, 1835793960))]
        assert found[-1] == pytest.approx(0.232870165343, rel=1e-11)

    def test_sum_by_definition(self) -> None:
        right = sum(max((q for q in every if q <= Fraction(1, 20)), default=Fraction(0)) for every in self.ATTAINABLE)
        assert right == Fraction(427501643, 1835793960)

    def test_floats_find_their_own_p(self) -> None:
        # 1/20 and its like are not floats; a P given as the nearest float is still one that its test can have.
        floats = adjust_p([float(p) for p in EXACT], method="discrete-bonferroni", attainable=self.ATTAINABLE)
        exact = adjust_p(EXACT, method="discrete-bonferroni", attainable=self.ATTAINABLE)
        assert floats.tolist() == exact.tolist()
        assert Fraction(float(EXACT[1])) < EXACT[1]

    def test_a_test_that_cannot_get_there_counts_nothing(self) -> None:
        found = adjust_p([0.01, 1], method="discrete-bonferroni", attainable=[[0.01, 1], [1]])
        assert found.tolist() == [0.01, 1]

    def test_gaps(self) -> None:
        found = adjust_p([0.2, math.nan], method="discrete-bonferroni", attainable=[[0.2, 1], [0.1, 1]])
        assert found[0] == 0.2
        assert math.isnan(found[1])


class TestTarone:
    def test_table_4(self) -> None:
        found = tarone(EXACT, min_attainable=[fisher_exact(counts).min_attainable_exact or 0 for counts in COUNTS])
        assert (found.k, found.threshold) == (7, float(Fraction(1, 140)))
        assert found.tested == (True,) * 7 + (False,)
        assert found.reasons == ("",) * 7 + ("not attainable",)
        assert found.rejected == (False,) * 8
        frame = found.to_frame()
        assert list(frame.columns) == ["p_value", "min_attainable_p", "tested", "rejected", "reason"]
        assert frame["reason"].tolist()[-1] == "not attainable"

    def test_is_bonferroni_when_all_can(self) -> None:
        p = [0.001, 0.01, 0.012, 0.6]
        found = tarone(p, min_attainable=[1e-9] * 4)
        assert found.k == 4
        assert found.rejected == tuple(value < 0.0125 for value in p)

    def test_decided_on_rationals(self) -> None:
        # Two tests at exactly α/2 can be made at K = 2, and neither is below it.
        found = tarone([Fraction(1, 40)] * 2, min_attainable=[Fraction(1, 40)] * 2, alpha=0.05)
        assert (found.k, found.tested, found.rejected) == (2, (True, True), (False, False))

    def test_gaps_are_not_counted(self) -> None:
        found = tarone([0.01, math.nan], min_attainable=[0.001, 0.001])
        assert (found.k, found.tested, found.reasons) == (1, (True, False), ("", ""))

    def test_door(self) -> None:
        assert problems_of(tarone, [0.1, 1.5], min_attainable=[0, 0.1, 0.2], alpha=5) == (
            "p_values holds 1.5 (position 2).",
            "alpha is 5; give a fraction, such as 0.05.",
            "p_values has 2 values, min_attainable has 3.",
            "min_attainable holds 0 (position 1).",
        )


def test_door() -> None:
    assert problems_of(adjust_p, [0.1, 0.2, 0.3, 1.2]) == ("p_values holds 1.2 (position 4).",)
    assert problems_of(adjust_p, [-0.1], method="Holm") == (
        "p_values holds -0.1 (position 1).",
        "method 'Holm' is not known; did you mean 'holm'?",
    )
    assert problems_of(adjust_p, [0.1], method="discrete-bonferroni") == (
        "method 'discrete-bonferroni' needs attainable: for each test every P that it can have.",
    )
    assert problems_of(adjust_p, [0.1], method="discrete-bonferroni", attainable=[[0.1, 1.2], [1]]) == (
        "p_values has 1 values, attainable has 2.",
        "attainable holds 1.2 (position 1).",
    )
    assert problems_of(adjust_p, [0.1], attainable=[[0.1, 1]]) == (
        "attainable is for method 'discrete-bonferroni' only.",
    )
