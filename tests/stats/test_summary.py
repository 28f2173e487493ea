"""Known answers from R: quantile(x, type = ), mean, sd."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from cohortstats.errors import InputError
from cohortstats.stats.summary import sample_quantile, sample_summary

VALUES = [4, 5, 8, 10, 12, 15, 18, 21, 24, 31]


# R: quantile(x, c(.25, .75), type = 7) and type = 2
@pytest.mark.parametrize(("type_", "q1", "q3"), [(7, 8.5, 20.25), (2, 8, 21)])
def test_quartiles(type_: int, q1: float, q3: float) -> None:
    found = sample_summary(VALUES[::-1], quartiles=type_)  # type: ignore[arg-type]
    assert (found.q1, found.median, found.q3, found.quartiles) == (q1, 13.5, q3, type_)
    assert (found.n, found.min, found.max, found.mean) == (10, 4, 31, 14.8)
    assert found.sd == pytest.approx(8.727988186161676, rel=1e-14)  # R: sd(x)


def test_type_2_averages_at_a_discontinuity() -> None:
    # R: quantile(x, c(.1, .3, .31), type = 2)
    assert sample_quantile(VALUES, 0.1, type=2) == 4.5
    assert sample_quantile(VALUES, 0.3, type=2) == 9
    assert sample_quantile(VALUES, 0.31, type=2) == 10
    # 0.29 · 100 falls short of 29 in floats, and R prints 29; the decimals say 29, so the mean of two values is due.
    assert 0.29 * 100 < 29
    assert sample_quantile(range(1, 101), 0.29, type=2) == 29.5


def test_type_7_is_that_of_numpy() -> None:
    for p in (0.05, 0.1, 0.37, 0.9):
        assert sample_quantile(VALUES, p) == pytest.approx(np.quantile(VALUES, p), rel=1e-14)


def test_few_values() -> None:
    none, one = sample_summary([]), sample_summary(pd.Series([5.0]))
    assert (none.n, none.reason) == (0, "no patients")
    assert math.isnan(none.median)
    assert (one.min, one.q1, one.median, one.q3, one.max, one.reason) == (5, 5, 5, 5, 5, "no variation")
    assert math.isnan(one.sd)


def test_door() -> None:
    with pytest.raises(InputError) as caught:
        sample_summary([1, None, 2], quartiles=6)  # type: ignore[arg-type]
    assert caught.value.problems == (
        "type is 6; give 2 or 7.",
        "values is missing at position 2; exclude or complete this patient first.",
    )
    with pytest.raises(InputError, match=r"^p is 25; give a fraction, such as 0\.5\.$"):
        sample_quantile(VALUES, 25)


def test_infinite_values_have_ranks() -> None:
    """R: quantile(c(1, 2, Inf, Inf)) is 1, 1.75, Inf, Inf, Inf; quantile(c(1, 2, Inf)) is 1, 1.5, 2, Inf, Inf."""
    two = sample_summary([1, math.inf, 2, math.inf])
    assert (two.min, two.q1, two.median, two.q3, two.max) == (1, 1.75, math.inf, math.inf, math.inf)
    one = sample_summary([1, 2, math.inf])
    assert (one.q1, one.median, one.q3, one.mean) == (1.5, 2, math.inf, math.inf)
    assert math.isnan(one.sd)
    assert one.reason == "saturated"
