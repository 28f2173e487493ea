"""P over the completions of unknown outcomes."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest

from cohortstats.errors import InputError
from cohortstats.stats.completions import p_over_completions
from cohortstats.stats.counts import CountTable


def fisher(x1: int, n1: int, x2: int, n2: int) -> Fraction:
    """The definition, written out: sum of the weights that are not larger than that of the table."""
    k = x1 + x2
    weights = {x: comb(n1, x) * comb(n2, k - x) for x in range(max(0, k - n2), min(n1, k) + 1)}
    return Fraction(sum(w for w in weights.values() if w <= weights[x1]), comb(n1 + n2, k))


def test_three_unknown_in_any_group() -> None:
    # 9/17 v 3/17 has the least P, .0707291515533 (R fisher.test); 6/17 v 6/17 has P 1.
    found = p_over_completions(CountTable(groups=("+", "-"), events=(6, 3), totals=(17, 17)), unknown=3)
    assert found.least == fisher(9, 17, 3, 17)
    assert float(found.least) == pytest.approx(0.0707291515533, rel=1e-11)
    assert (found.least_events, found.greatest, found.n_completions) == ((9, 3), 1, 10)


def test_unknown_by_group_against_every_table() -> None:
    counts = CountTable(groups=("a", "b"), events=(2, 5), totals=(9, 11))
    every = [fisher(x1, 9, x2, 11) for x1 in range(2, 5) for x2 in range(5, 7)]
    found = p_over_completions(counts, unknown=(2, 1))
    assert (found.least, found.greatest, found.n_completions) == (min(every), max(every), 6)


def test_nothing_unknown_is_the_plain_test() -> None:
    found = p_over_completions(CountTable(groups=("a", "b"), events=(6, 3), totals=(17, 17)), unknown=(0, 0))
    assert found.least == found.greatest == Fraction(13007, 29667)


def test_more_unknown_than_patients() -> None:
    with pytest.raises(InputError) as caught:
        p_over_completions(CountTable(groups=("a", "b"), events=(6, 3), totals=(7, 7)), unknown=(2, 0))
    assert caught.value.problems == (
        "there are more patients with unknown outcome than patients without a known event.",
    )
