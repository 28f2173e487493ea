"""Known answers: R exact2x2 (whose grid of rates costs it digits) and an independent polynomial program; and here, for
small groups, every P is bracketed on rationals: between a value that the polynomial has and a bound that it cannot pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import pytest

from cohortstats.errors import InputError
from cohortstats.stats.counts import CountTable
from cohortstats.stats.exact import fisher_exact
from cohortstats.stats.two_binomials import TwoBinomials, supremum
from cohortstats.stats.unconditional import UnconditionalTest, barnard, boschloo

Cells = tuple[int, int, int, int]
SIDES: tuple[Any, ...] = ("minlike", "central")


def two(x1: int, n1: int, x2: int, n2: int) -> CountTable:
    return CountTable(groups=("first", "second"), events=(x1, x2), totals=(n1, n2))


def problems_of(function: Any, *arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    return caught.value.problems


# Table; Boschloo, Boschloo central, Barnard.
ANSWERS: list[tuple[Cells, float, float, float]] = [
    ((2, 9, 7, 25), 1, 0.824118663074, 0.792360116750),
    ((6, 17, 3, 17), 0.277035973714, 0.277035973714, 0.279560427239),
    ((3, 11, 6, 23), 1, 1, 0.999942978728),
    ((5, 15, 4, 19), 0.386382912299, 0.479094566007, 0.586357929438),
    ((0, 5, 4, 11), 0.172761706418, 0.166114300414, 0.162164185804),
    ((2, 2, 2, 14), 0.018202038334, 0.036403198358, 0.051751752753),
    ((4, 5, 1, 3), 0.377113236638, 0.282149828635, 37 / 128),
]


@pytest.mark.parametrize(("table", "minlike", "central", "z"), ANSWERS)
def test_known_answers(table: Cells, minlike: float, central: float, z: float) -> None:
    counts = two(*table)
    found = boschloo(counts), boschloo(counts, two_sided="central"), barnard(counts)
    assert [test.p_value for test in found] == pytest.approx([minlike, central, z], rel=3e-12, abs=6e-13)
    assert [test.method for test in found] == [
        "boschloo two-sided minlike",
        "boschloo two-sided central",
        "barnard pooled z two-sided minlike",
    ]
    assert found[0].statistic == fisher_exact(counts).p_value
    assert [test.reason for test in found] == ["", "", ""]


def test_barnard_of_an_exact_tie() -> None:
    # 4/5 v 1/3 and 1/5 v 2/3 both have z² = 8 · 7²/(15 · 15): 37/128 at a rate of 1/2.
    found = barnard(two(4, 5, 1, 3))
    assert (found.p_value, found.nuisance) == (37 / 128, 0.5)
    assert found.statistic == pytest.approx(math.sqrt(8 * 49 / (15 * 15)), rel=1e-15)


# ------------------------------------------------------------------------------------- suprema on rationals


def choose(n: int, x: int) -> int:
    return math.comb(n, x)


def fisher_p(x1: int, n1: int, x2: int, n2: int, tail: str) -> Fraction:
    """By the definition, on integers."""
    k = x1 + x2
    weights = {x: choose(n1, x) * choose(n2, k - x) for x in range(max(0, k - n2), min(k, n1) + 1)}
    chosen = {"two-sided": lambda x: weights[x] <= weights[x1], "less": lambda x: x <= x1, "greater": lambda x: x >= x1}
    return Fraction(sum(w for x, w in weights.items() if chosen[tail](x)), choose(n1 + n2, k))


def pooled_z(x1: int, n1: int, x2: int, n2: int, tail: str) -> Fraction:
    """z², or for one side z·|z|, up to a constant; turned so that smaller is more extreme."""
    d, k = x1 * n2 - x2 * n1, x1 + x2
    square = Fraction(d * abs(d), k * (n1 + n2 - k)) if 0 < k < n1 + n2 else Fraction(0)
    return {"two-sided": -abs(square), "less": square, "greater": -square}[tail]


def coefficients(order: Any, table: Cells, tail: str) -> list[Fraction]:
    """P(π) = Σ_s h_s C(N, s) π^s (1 − π)^(N − s): its Bernstein coefficients h_s = W_s / C(N, s)."""
    x1, n1, x2, n2 = table
    observed = order(x1, n1, x2, n2, tail)
    w = [0] * (n1 + n2 + 1)
    for a in range(n1 + 1):
        for b in range(n2 + 1):
            if order(a, n1, b, n2, tail) <= observed:
                w[a + b] += choose(n1, a) * choose(n2, b)
    return [Fraction(value, choose(n1 + n2, s)) for s, value in enumerate(w)]


def halves(h: Sequence[int]) -> tuple[list[int], list[int]]:
    """Coefficients on the left and the right half, times 2^N (de Casteljau, in integers)."""
    n = len(h) - 1
    row, left, right = list(h), [h[0] << n], [h[-1] << n]
    for level in range(1, n + 1):
        row = [a + b for a, b in pairwise(row)]
        left.append(row[0] << (n - level))
        right.append(row[-1] << (n - level))
    return left, right[::-1]


def bracket(h: Sequence[Fraction], width: float) -> tuple[Fraction, Fraction]:
    """A value that the polynomial has, and a bound that it nowhere passes, closer than ``width``.

    On any interval a polynomial is at most the largest of its Bernstein coefficients there, and at either end it is the
    coefficient itself. The interval with the largest bound is halved until the two meet.
    """
    common = math.lcm(*(value.denominator for value in h))
    n = len(h) - 1
    pieces = [(max(h), 0, [int(value * common) for value in h])]
    reached = max(h[0], h[-1])
    while True:
        bound, depth, piece = max(pieces, key=lambda item: item[0])
        if bound - reached <= width:
            return reached, max(bound, reached)
        pieces = [item for item in pieces if item[0] > reached and item[2] is not piece]
        scale = common << (n * (depth + 1))
        for part in halves(piece):
            reached = max(reached, Fraction(part[0], scale), Fraction(part[-1], scale))
            pieces.append((Fraction(max(part), scale), depth + 1, part))


def assert_supremum(test: UnconditionalTest, order: Any, table: Cells, two_sided: str) -> None:
    tails = ("two-sided",) if two_sided == "minlike" else ("less", "greater")
    brackets = [bracket(coefficients(order, table, tail), 1e-12) for tail in tails]
    factor = len(tails)
    low, high = (min(1.0, factor * min(float(pair[i]) for pair in brackets)) for i in (0, 1))
    assert low - 1e-14 <= test.p_value <= high + 1e-14


SMALL = [
    (x1, n1, x2, n2)
    for n1, n2 in ((1, 1), (1, 4), (2, 2), (3, 3), (2, 5), (4, 3), (5, 5))
    for x1 in range(n1 + 1)
    for x2 in range(n2 + 1)
    if 0 < x1 + x2 < n1 + n2
]


@pytest.mark.parametrize(("test", "order"), [(boschloo, fisher_p), (barnard, pooled_z)])
@pytest.mark.parametrize("two_sided", SIDES)
def test_suprema_of_all_small_tables(test: Any, order: Any, two_sided: Any) -> None:
    for table in SMALL:
        assert_supremum(test(two(*table), two_sided=two_sided), order, table, two_sided)


@pytest.mark.parametrize(("test", "order"), [(boschloo, fisher_p), (barnard, pooled_z)])
@pytest.mark.parametrize("table", [(2, 2, 2, 14), (0, 5, 4, 11), (5, 10, 1, 10), (3, 4, 9, 21)])
def test_suprema_of_larger_tables(test: Any, order: Any, table: Cells) -> None:
    for two_sided in SIDES:
        assert_supremum(test(two(*table), two_sided=two_sided), order, table, two_sided)


@pytest.mark.parametrize("seed", range(4))
def test_supremum_of_a_rough_polynomial(seed: int) -> None:
    # Coefficients of no test: half of them 0, so there are many maxima; a grid 100 times as fine finds nothing more.
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 400))
    h = rng.random(n + 1) * (rng.random(n + 1) < 0.5) * (np.arange(n + 1) % n > 0)
    p, nuisance = supremum(h.astype(np.longdouble))
    rates = np.sin(np.linspace(0, np.pi / 2, 200_001)[1:-1]) ** 2
    near = np.abs(rates - nuisance) < 1e-3
    for chosen in (rates[::50], rates[near]):
        s = np.arange(n + 1)
        logs = np.array([math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in s])
        chance = np.exp(logs + np.outer(np.log(chosen), s) + np.outer(np.log1p(-chosen), n - s))
        best = float((chance @ h).max())
        assert best <= p * (1 + 1e-11)
    assert p == pytest.approx(best, rel=1e-6)


def test_groups_of_a_thousand() -> None:
    # Bounds that need no search: P at any rate is at least a lower bound of the supremum; Boschloo is at most Fisher.
    table = (300, 1000, 250, 1000)
    fisher, found, z = fisher_exact(two(*table)), boschloo(two(*table)), barnard(two(*table))
    assert found.p_value <= fisher.p_value
    # In groups of equal size both orders are close to that of |x1 − x2|, and P to that of Pearson's test, .01228.
    assert found.p_value == pytest.approx(0.0123, rel=0.07)
    assert z.p_value == pytest.approx(0.0123, rel=0.07)
    for test, region in (
        (found, lambda t: t.fisher_region(t.fisher_p(300, 250, "two-sided"), "two-sided")),
        (z, lambda t: t.pooled_z_region(300, 250, "two-sided")),
    ):
        tables = TwoBinomials.of(1000, 1000)
        inside = tables.by_groups(region(tables))
        at = [probability(inside, rate) for rate in (0.05, 0.1, 0.2, 0.275, 0.4, 0.5, test.nuisance)]
        assert max(at) == pytest.approx(test.p_value, rel=1e-10)
        assert at[-1] == max(at)


def probability(inside: np.ndarray, rate: float) -> float:
    """P(tables) under one common rate, from binomials by lgamma."""
    binomials = []
    for size in inside.shape:
        n, x = size - 1, range(size)
        logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in x]
        binomials.append(
            np.exp([log + k * math.log(rate) + (n - k) * math.log1p(-rate) for log, k in zip(logs, x, strict=True)])
        )
    return float(binomials[0] @ inside @ binomials[1])


def test_regions_are_those_of_the_definition_in_mirrored_groups() -> None:
    # Groups of equal size: every table has a twin of the same weight, which floats alone may lose.
    tables = TwoBinomials.of(12, 12)
    for x1, x2 in ((3, 7), (0, 5), (6, 6), (11, 4)):
        bound = tables.fisher_p(x1, x2, "two-sided")
        inside = tables.by_groups(tables.fisher_region(bound, "two-sided"))
        right = [[fisher_p(a, 12, b, 12, "two-sided") <= bound for b in range(13)] for a in range(13)]
        assert inside.tolist() == right
        strictly = tables.by_groups(tables.fisher_region(bound, "two-sided", strict=True))
        assert strictly.tolist() == [
            [fisher_p(a, 12, b, 12, "two-sided") < bound for b in range(13)] for a in range(13)
        ]


@pytest.mark.parametrize(("n1", "n2"), [(40, 40), (37, 52), (90, 25), (3, 200)])
def test_floats_and_integers_choose_the_same_tables(n1: int, n2: int) -> None:
    # The integer weights of one row, C(n1, x) C(n2, s − x), and nothing else.
    tables = TwoBinomials.of(n1, n2)
    rng = np.random.default_rng(3)
    bounds = [Fraction(1, 20), Fraction(1, 3)]
    bounds += [tables.fisher_p(int(rng.integers(n1 + 1)), int(rng.integers(n2 + 1)), "two-sided") for _ in range(6)]
    regions = {
        (bound, strict): tables.by_groups(tables.fisher_region(bound, "two-sided", strict=strict))
        for bound in bounds
        for strict in (False, True)
    }
    for s in range(n1 + n2 + 1):
        support = range(max(0, s - n2), min(s, n1) + 1)
        weights = [choose(n1, x) * choose(n2, s - x) for x in support]
        up_to = dict(zip(sorted(weights), accumulate(sorted(weights)), strict=True))
        p = [Fraction(up_to[weight], choose(n1 + n2, s)) for weight in weights]
        for (bound, strict), region in regions.items():
            right = [value < bound or (value == bound and not strict) for value in p]
            assert [bool(region[x, s - x]) for x in support] == right


def test_p_of_1e_minus_301() -> None:
    # 500 of 500 against 0 of 500: 2 sup (π (1 − π))^500 = 2^−999.
    for test in (boschloo, barnard):
        assert test(two(500, 500, 0, 500)).p_value == pytest.approx(2.0**-999, rel=1e-12)


def test_a_near_tie_is_not_a_tie() -> None:
    # 157/314 v 44/78: R takes a table as tied whose weight is larger by a relative 3e-8; integers do not.
    tables = TwoBinomials.of(314, 78)
    bound = tables.fisher_p(157, 44, "two-sided")
    assert float(bound) == pytest.approx(0.315193878617, rel=1e-11)
    region = tables.by_groups(tables.fisher_region(bound, "two-sided"))
    row = [fisher_exact(two(x, 314, 201 - x, 78)).p_exact for x in range(140, 181)]
    assert [bool(region[x, 201 - x]) for x in range(140, 181)] == [p is not None and p <= bound for p in row]


@pytest.mark.parametrize("two_sided", SIDES)
@pytest.mark.parametrize("test", [boschloo, barnard])
def test_smallest_attainable_p(test: Any, two_sided: Any) -> None:
    for n1, n2 in ((1, 1), (1, 3), (2, 2), (3, 4), (5, 2)):
        every = [test(two(a, n1, b, n2), two_sided=two_sided) for a in range(n1 + 1) for b in range(n2 + 1)]
        least = min(found.p_value for found in every)
        assert every[0].min_attainable_p == pytest.approx(least, rel=1e-12)
    # Central, by hand: 2 sup π²(1 − π)^14 = 2 (1/8)² (7/8)^14.
    found = test(two(2, 2, 2, 14), two_sided="central").min_attainable_p
    assert found == pytest.approx(2 * (1 / 8) ** 2 * (7 / 8) ** 14, rel=1e-12)


@pytest.mark.parametrize("table", [(0, 5, 0, 7), (5, 5, 7, 7), (0, 0, 3, 7)])
@pytest.mark.parametrize("test", [boschloo, barnard])
def test_without_variation(test: Any, table: Cells) -> None:
    found = test(two(*table))
    assert (found.p_value, found.reason) == (1, "variance is zero")
    assert math.isnan(found.nuisance)
    assert not found.significant(0.05)


def test_frame() -> None:
    found = boschloo(two(2, 2, 2, 14))
    frame = found.to_frame()
    assert list(frame.columns) == ["statistic", "nuisance", "p_value", "min_attainable_p", "method", "reason"]
    assert frame["p_value"].tolist() == [found.p_value]
    assert found.significant(0.05)  # Fisher's own p is 1/20


def test_door() -> None:
    three = CountTable(groups=("a", "b", "c"), events=(1, 1, 1), totals=(2, 2, 2))
    for test in (boschloo, barnard):
        name = test.__name__
        assert problems_of(test, three, two_sided="minlik") == (
            f"{name} compares 2 groups; there are 3. Use fisher_exact_rxc.",
            "two_sided 'minlik' is not known; did you mean 'minlike'?",
        )
    assert problems_of(barnard, two(20, 2000, 30, 3000)) == (
        "barnard on 2,000 against 3,000 patients needs 6e6 tables (limit 1e6); use fisher_midp or chi2-n1.",
    )
    assert problems_of(boschloo, two(20, 2000, 30, 3000)) == (
        "boschloo on 2,000 against 3,000 patients needs 6e6 tables (limit 1e6); use fisher_midp or chi2-n1.",
    )
