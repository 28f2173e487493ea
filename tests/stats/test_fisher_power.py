"""Known answers: an independent program on rationals; detectable rates solved there by bisection."""

from __future__ import annotations

import copy
import math
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from cohortstats.errors import InputError
from cohortstats.stats.counts import CountTable
from cohortstats.stats.exact import fisher_exact
from cohortstats.stats.fisher_power import detectable_rate, fisher_power

Cells = tuple[int, int, int, int]


def problems_of(function: Any, *arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    return caught.value.problems


# Table; power at its rates; base rate and totals (base group first); detectable at 80 %; size, its maximum over the rate.
ANSWERS: list[tuple[Cells, float, float, tuple[int, int], float, float]] = [
    ((2, 9, 7, 25), 0.0224326902, 2 / 9, (9, 25), 0.76709941, 0.0279197463),
    ((3, 17, 6, 17), 0.1179758657, 3 / 17, (17, 17), 0.67911550, 0.0243878099),
    ((6, 23, 3, 11), 0.0294855978, 6 / 23, (23, 11), 0.78518791, 0.0279336613),
    ((4, 19, 5, 15), 0.0861247900, 4 / 19, (19, 15), 0.69627364, 0.0377574841),
    ((0, 5, 4, 11), 0.0612731941, 0.0, (5, 11), 0.70473506, 0.0276794434),
    ((2, 14, 2, 2), 0.3851444912, 2 / 14, (14, 2), math.nan, 0.0082312593),
]


@pytest.mark.parametrize(("table", "power", "base", "totals", "detectable", "size"), ANSWERS)
def test_known_answers(
    table: Cells, power: float, base: float, totals: tuple[int, int], detectable: float, size: float
) -> None:
    x1, n1, x2, n2 = table
    assert fisher_power((x1 / n1, x2 / n2), (n1, n2)) == pytest.approx(power, abs=6e-11)
    assert fisher_power((x2 / n2, x1 / n1), (n2, n1)) == pytest.approx(power, abs=6e-11)
    found = detectable_rate(base, totals)
    assert float(found) == pytest.approx(detectable, abs=6e-9, nan_ok=True)
    # The size as a maximum over a grid: within its curvature of the true maximum, and never above.
    sizes = [fisher_power((rate, rate), (n1, n2)) for rate in np.linspace(0, 0.5, 1001)]
    assert max(sizes) == pytest.approx(size, abs=1e-7)
    assert max(sizes) <= 0.05


def test_the_example() -> None:
    # exact2x2::power2x2 counts rejections on one side only: .11772.
    found = fisher_power(rates=(0.176, 0.353), totals=(17, 17))
    assert type(found) is float
    assert found == pytest.approx(0.1187281071, abs=6e-11)


def brute_force(rates: tuple[Fraction, Fraction], totals: tuple[int, int], alpha: Fraction) -> Fraction:
    """Every table, one by one, on rationals."""
    (r1, r2), (n1, n2), power = rates, totals, Fraction(0)
    for a in range(n1 + 1):
        for b in range(n2 + 1):
            p = fisher_exact(CountTable(groups=("1", "2"), events=(a, b), totals=(n1, n2))).p_exact
            if p is not None and p < alpha:
                first = math.comb(n1, a) * r1**a * (1 - r1) ** (n1 - a)
                power += first * math.comb(n2, b) * r2**b * (1 - r2) ** (n2 - b)
    return power


@pytest.mark.parametrize("totals", [(5, 7), (7, 7), (3, 12)])
def test_brute_force(totals: tuple[int, int]) -> None:
    for alpha in ("0.05", "0.2"):
        right = brute_force((Fraction(1, 5), Fraction(7, 10)), totals, Fraction(alpha))
        assert fisher_power((0.2, 0.7), totals, alpha=float(alpha)) == pytest.approx(float(right), rel=1e-13)


def test_one_in_twenty_is_no_rejection() -> None:
    # 2/2 v 2/14 has p = 1/20. With p ≤ α, or α taken as the float .05, power would be .6772.
    rates, totals = (1.0, 2 / 14), (2, 14)
    assert fisher_power(rates, totals) == pytest.approx(0.3851444912, abs=6e-11)
    assert fisher_power(rates, totals, alpha=0.0500001) == pytest.approx(0.6772123970, abs=6e-11)


def test_certain_rates() -> None:
    assert fisher_power((0, 1), (5, 5)) == 1
    assert fisher_power((0, 0), (5, 5)) == 0
    assert fisher_power((1, 1), (5, 5)) == 0
    assert fisher_power((0.2, 0.9), (0, 5)) == 0  # no test without patients


def test_thousands_of_patients() -> None:
    # Pearson's test without correction has 81.6 % by the normal approximation; Fisher's is a little below.
    assert 0.79 < fisher_power((0.3, 0.36), (1000, 1000)) < 0.816


class TestDetectableRate:
    def test_is_a_float_that_knows_its_power(self) -> None:
        found = detectable_rate(3 / 17, (17, 17))
        assert isinstance(found, float)
        assert found - 3 / 17 == pytest.approx(0.50264491, abs=1e-8)
        assert (found.reason, found.totals, found.base_rate) == ("", (17, 17), 3 / 17)
        # The smallest float that reaches it: one below does not.
        assert found.power == fisher_power((3 / 17, found), (17, 17)) >= 0.8
        assert fisher_power((3 / 17, math.nextafter(found, 0)), (17, 17)) < 0.8

    def test_not_attainable(self) -> None:
        found = detectable_rate(2 / 14, (14, 2))
        assert math.isnan(found)
        assert found.reason == "not attainable"
        assert found.power == pytest.approx(0.3851444912, abs=6e-11)  # at 100 %
        assert math.isnan(found + 1)
        assert detectable_rate(1, (17, 17)).reason == "not attainable"  # no rate is above 1

    def test_level_and_power(self) -> None:
        found = detectable_rate(0.2, (30, 30), power=0.9, alpha=0.01)
        assert fisher_power((0.2, found), (30, 30), alpha=0.01) == found.power >= 0.9
        assert found > detectable_rate(0.2, (30, 30))
        assert found.method == "fisher two-sided minlike, alpha 0.01, power 0.9"

    def test_is_a_value(self) -> None:
        found = detectable_rate(3 / 17, (17, 17))
        for twin in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
            assert (twin, twin.power, twin.reason, twin.method) == (found, found.power, found.reason, found.method)
        with pytest.raises(AttributeError):
            found.power = 1.0
        frame = found.to_frame()
        assert list(frame.columns) == ["base_rate", "detectable_rate", "power", "method", "reason"]
        assert frame["detectable_rate"].tolist() == [float(found)]


def test_door() -> None:
    assert problems_of(fisher_power, rates=(1.2, -0.5), totals=(17, 17), alpha=5) == (
        "rates holds 1.2 (position 1); give a fraction, such as 0.35.",
        "rates holds −0.5 (position 2); give a fraction, such as 0.35.",
        "alpha is 5; give a fraction, such as 0.05.",
    )
    assert problems_of(fisher_power, rates=(0.1, 0.2, 0.3), totals=(17, 17, 17)) == (
        "fisher_power compares 2 groups; there are 3 rates.",
        "fisher_power compares 2 groups; there are 3 totals.",
    )
    assert problems_of(fisher_power, rates=(0.1, 0.2), totals=(17.5, -1)) == (
        "totals must be whole numbers ≥ 0; position 1 has 17.5.",
        "totals must be whole numbers ≥ 0; position 2 has −1.",
    )
    assert problems_of(fisher_power, rates=(0.1, 0.2), totals=(2000, 3000)) == (
        "fisher_power on 2,000 against 3,000 patients needs 6e6 tables (limit 1e6).",
    )
    assert problems_of(detectable_rate, 17, (17, 17), power=80, alpha=0) == (
        "rate is 17; give a fraction, such as 0.35.",
        "power is 80; give a fraction, such as 0.8.",
        "alpha is 0; give a fraction, such as 0.05.",
    )
