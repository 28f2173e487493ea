"""Arrangements of patients: all of them, how many reach a threshold, or a random sample; what permutation tests share.

An arrangement is a set of patients that could have been the group, or an order in which outcomes could have fallen.
Whether one is at least as extreme as the observed one is decided on whole numbers: floating-point sums decide only
where they are exact, or further from the threshold than their rounding can reach.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from cohortstats.stats.counts import proportion_ci
from cohortstats.stats.doors import number_text

__all__ = [
    "CELLS",
    "MAX_ARRANGEMENTS",
    "Orders",
    "Scores",
    "SubsetSampler",
    "arrangements",
    "check_draws",
    "combinations",
    "count_reaching",
    "labellings",
    "log_rank_scores",
    "monte_carlo_p",
    "n_orderings",
    "power_text",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_ARRANGEMENTS = 1_000_000  # looked at one by one
EXACT_FLOAT = 2**53  # sums of whole numbers stay exact in floating point below it
ONE_LIMB = 2**61  # and in 64-bit integers below it, differences of two sums included
CELLS = 2_000_000  # patients times arrangements in one block
WHOLE_ROWS = 50_000  # sums of Python integers taken at a time
BLOCK = 1_000_000  # sums looked up at a time
PATIENTS = 64  # more than meet in the middle
TABLE_WIDTH = 17  # patients whose subsets are listed in one table


def power_text(count: int) -> str:
    """Large count with two digits, as sentences write it: 4.9e16."""
    return f"{Decimal(count):.1e}".replace("e+0", "e").replace("e+", "e")


def check_draws(draws: object, seed: object, least: int) -> list[str]:
    """Refuse too few draws, and draws that nobody could repeat."""
    if draws is None:
        return []
    whole = isinstance(draws, Integral) and not isinstance(draws, bool)
    shown = number_text(draws) if isinstance(draws, int | float) and not isinstance(draws, bool) else repr(draws)
    problems = []
    if not whole or seed is None or draws < least:  # type: ignore[operator]
        problems.append(f"draws is {shown}; use at least {least:,}, and give a seed.")
    if seed is not None and not (isinstance(seed, Integral) and not isinstance(seed, bool) and int(seed) >= 0):
        shown = number_text(seed) if isinstance(seed, int | float) else repr(seed)
        problems.append(f"seed is {shown}; give a whole number from 0 up.")
    return problems


def monte_carlo_p(hits: int, draws: int) -> tuple[float, float, float]:
    """p = (1 + hits)/(1 + draws) and the 99 % Clopper-Pearson interval of the exact p."""
    interval = proportion_ci(hits, draws, method="clopper-pearson", ci_level=0.99)
    return (1 + hits) / (1 + draws), interval.ci_lower, interval.ci_upper


class Scores:
    """One score a patient, as floats for speed and as whole numbers over one denominator for decisions.

    ``values`` are the whole numbers themselves when every sum of them is exact in floating point (``exact``), else the
    scores. ``tolerance`` is more than the rounding of any sum of ``values``.
    """

    def __init__(self, fractions: Callable[[], tuple[list[int], int] | None], approximate: Floats) -> None:
        """``fractions`` gives numerators and denominator, or None when they are too long to be used as floats."""
        self._fractions = fractions
        self.n = approximate.size
        self.values = approximate
        self.exact = False
        # A cumulated hazard carries up to n roundings of its size, and a sum of n scores has n of them.
        largest = float(np.abs(approximate).max(initial=0.0))
        self.tolerance = float(4 * self.n**2 * np.finfo(np.float64).eps * (1 + largest))

    @classmethod
    def of_whole_numbers(cls, numerators: Ints, denominator: int) -> Scores:
        """Scores that are whole numbers over a common denominator, small enough for exact sums."""
        scores = cls(lambda: (numerators.tolist(), denominator), numerators / denominator)
        scores.settle()
        return scores

    def settle(self) -> None:
        """Use the whole numbers as floats when their sums are exact."""
        numerators, _ = self.whole
        if sum(map(abs, numerators)) < EXACT_FLOAT:
            self.values = np.array(numerators, dtype=np.float64)
            self.exact, self.tolerance = True, 0.0

    @cached_property
    def whole(self) -> tuple[list[int], int]:
        """Numerators, one a patient, and their denominator."""
        whole = self._fractions()
        assert whole is not None
        return whole

    @cached_property
    def numerators(self) -> NDArray[Any]:
        """Numerators as Python integers of any length."""
        return np.array(self.whole[0], dtype=object)

    def reaching(
        self,
        sums: Floats,
        limit: float,
        numerators: Callable[[Ints], NDArray[Any]],
        decide: Callable[[NDArray[Any]], NDArray[np.bool_]],
    ) -> NDArray[np.bool_]:
        """Whether each |sum| of ``values`` is at least the limit.

        The limit is in units of ``values``, and a whole number when these are exact. Where rounding could turn the
        answer, the sums of these rows in whole numbers are asked of ``numerators``, and put to ``decide``.
        """
        size: Floats = np.abs(sums)
        reached = np.greater_equal(size, limit)
        if not self.exact:
            near = np.flatnonzero(np.abs(size - limit) <= 2 * self.tolerance)
            for start in range(0, near.size, WHOLE_ROWS):
                rows = near[start : start + WHOLE_ROWS]
                reached[rows] = decide(numerators(rows))
        return reached


def log_rank_scores(position: Ints, event: NDArray[np.bool_]) -> Scores:
    """Scores a_i = e_i − Σ d_j/n_j over event times t_j ≤ t_i; ``position`` is that of each time among distinct times.

    Their sum over a group is O − E of the log-rank test, with the risk sets of all patients.
    """
    leaving, died = np.bincount(position), np.bincount(position, event).astype(np.int64)
    at_risk = np.cumsum(leaving[::-1])[::-1]
    hazard = np.cumsum(died / at_risk)
    small = _denominator(died, at_risk, stop=EXACT_FLOAT)

    def fractions() -> tuple[list[int], int]:
        denominator = small or _denominator(died, at_risk)
        assert denominator is not None
        total, cumulated = 0, []
        for d, n in zip(died.tolist(), at_risk.tolist(), strict=True):
            total += d * denominator // n
            cumulated.append(total)
        return [
            (denominator if one else 0) - cumulated[at]
            for at, one in zip(position.tolist(), event.tolist(), strict=True)
        ], denominator

    scores = Scores(fractions, event - hazard[position])
    if small is not None:
        scores.settle()
    return scores


def _denominator(died: Ints, at_risk: Ints, stop: int | None = None) -> int | None:
    """Least common multiple of the denominators of d/n, or None as soon as it passes ``stop``."""
    multiple = 1
    for d, n in zip(died.tolist(), at_risk.tolist(), strict=True):
        multiple = math.lcm(multiple, n // math.gcd(d, n))
        if stop is not None and multiple > stop:
            return None
    return multiple


def combinations(n: int, k: int, rows: int) -> Iterator[Ints]:
    """All sets of k of n patients, in blocks of so many rows; one row a set, one column a member.

    The r-th set is read off the combinatorial number system, r = C(c_k, k) + ... + C(c_1, 1), so blocks need no
    memory of each other.
    """
    total = math.comb(n, k)
    columns = [np.array([min(math.comb(c, i), total) for c in range(n)], dtype=np.int64) for i in range(1, k + 1)]
    for start in range(0, total, rows):
        rank = np.arange(start, min(start + rows, total))
        members = np.empty((rank.size, k), dtype=np.int64)
        for i in range(k, 0, -1):
            members[:, i - 1] = np.searchsorted(columns[i - 1], rank, side="right") - 1
            rank = rank - columns[i - 1][members[:, i - 1]]
        yield members


def n_orderings(counts: Sequence[int]) -> int:
    """Orders of patients that can be told apart: n! over the factorials of the class sizes."""
    total, n = 1, 0
    for count in counts:
        n += count
        total *= math.comb(n, count)
    return total


def arrangements(counts: Ints) -> Iterator[NDArray[np.intp]]:
    """All orders of patients of several classes, in blocks; one row an order, one column a place, cells classes.

    Of the N orders that r patients can have, N m/r begin with a class of m patients; so the rank of an order, held
    against running sums of these, tells place after place which class stands there.
    """
    n, total = int(counts.sum()), n_orderings(counts.tolist())
    rows = max(1, CELLS // (n * counts.size))
    for start in range(0, total, rows):
        rank = np.arange(start, min(start + rows, total))
        every = np.arange(rank.size)
        left, remaining = np.tile(counts, (rank.size, 1)), np.full(rank.size, total)
        order = np.empty((rank.size, n), dtype=np.intp)
        for place in range(n):
            begin = remaining[:, None] * left // (n - place)
            upto = np.cumsum(begin, axis=1)
            chosen = (rank[:, None] >= upto).sum(axis=1)
            order[:, place] = chosen
            remaining = begin[every, chosen]
            rank = rank - (upto[every, chosen] - remaining)
            left[every, chosen] -= 1
        yield order


@lru_cache(maxsize=32)
def _by_size(width: int) -> tuple[NDArray[np.intp], Ints, Ints]:
    """Subsets of ``width`` patients as bit patterns ordered by size; where each size starts, and how many it has."""
    bits = np.zeros(1, dtype=np.uint8)
    for _ in range(width):
        bits = np.concatenate([bits, bits + 1])
    count = np.bincount(bits, minlength=width + 1)
    return np.argsort(bits, kind="stable"), np.cumsum(count) - count, count


def _subset_sums(values: NDArray[Any]) -> NDArray[Any]:
    """Sum over each subset, in the order of `_by_size`."""
    sums = np.zeros(1, dtype=values.dtype)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums[_by_size(values.size)[0]]


class SubsetSampler:
    """Uniform random sets of k of n patients.

    Patients are cut into short runs whose subsets are listed. A draw first settles how many members each run has, by
    the hypergeometric distribution, and then one of its subsets of that size: a few numbers a draw instead of a
    shuffle of n. Probabilities are right to about 1e-13.
    """

    def __init__(self, n: int, k: int, seed: int | None) -> None:
        self.n, self.k = n, k
        self._random = np.random.default_rng(seed)
        self.widths = [part.size for part in np.array_split(np.arange(n), -(-n // TABLE_WIDTH))]
        self._cumulated = []
        remaining = n
        for width in self.widths[:-1]:
            self._cumulated.append(self._split(width, remaining))
            remaining -= width

    def _split(self, width: int, remaining: int) -> Floats:
        """For each number of members still to be placed, w, the cumulated distribution of those in the run, plus w."""
        wanted, inside = np.arange(self.k + 1)[:, None], np.arange(width + 1)[None, :]
        outside = wanted - inside
        possible: NDArray[np.bool_] = (outside >= 0) & (outside <= remaining - width)
        held = np.where(possible, outside, 0)
        log = _log_choose(width, inside) + _log_choose(remaining - width, np.minimum(held, remaining - width))
        log = np.where(possible, log, -np.inf)
        some = np.any(possible, axis=1)  # more members wanted than patients left: never asked for
        weight = np.where(some[:, None], np.exp(log - np.where(some, log.max(axis=1), 0.0)[:, None]), 1.0)
        upto = np.cumsum(weight, axis=1)
        return np.asarray(wanted + np.minimum(upto / upto[:, -1:], 1.0)).ravel()

    def draw(self, draws: int) -> NDArray[np.int32]:
        """Random sets, one row a run, one column a set: positions in the list of the run's subsets."""
        codes = np.empty((len(self.widths), draws), dtype=np.int32)
        wanted = np.full(draws, self.k, dtype=np.int64)
        for run, width in enumerate(self.widths):
            if run < len(self._cumulated):
                key = np.minimum(wanted + self._random.random(draws), np.nextafter(wanted + 1.0, 0.0))
                inside = np.searchsorted(self._cumulated[run], key, side="right") - wanted * (width + 1)
            else:
                inside = wanted
            _, start, count = _by_size(width)
            codes[run] = start[inside] + (self._random.random(draws) * count[inside]).astype(np.int64)
            wanted = wanted - inside
        return codes

    def blocks(self, draws: int, columns: int) -> Iterator[NDArray[np.int32]]:
        """So many random sets, in blocks that keep tables of ``columns`` columns small."""
        rows = max(1, CELLS // columns)
        for start in range(0, draws, rows):
            yield self.draw(min(rows, draws - start))

    def tables(self, values: Floats) -> list[Floats]:
        """For each run, the sum of ``values`` over each of its subsets."""
        ends = np.cumsum(self.widths)
        return [_subset_sums(values[end - width : end]) for width, end in zip(self.widths, ends, strict=True)]

    def sums(self, codes: NDArray[np.int32], tables: Sequence[Floats]) -> Floats:
        """Sum of the values over each set."""
        total = np.asarray(tables[0][codes[0]])
        for table, code in zip(tables[1:], codes[1:], strict=True):
            total += table[code]
        return total

    def labels(self, codes: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Who is in each set: one row a set, one column a patient."""
        columns = []
        for width, code in zip(self.widths, codes, strict=True):
            pattern = _by_size(width)[0][code].astype("<u4")
            bits = np.unpackbits(pattern.view(np.uint8).reshape(-1, 4), axis=1, count=width, bitorder="little")
            columns.append(bits.view(bool))
        return np.concatenate(columns, axis=1)

    def members(self, codes: NDArray[np.int32], sets: Ints) -> Ints:
        """Positions of the members of some of the sets: one row a set, one column a member."""
        return np.asarray(np.nonzero(self.labels(codes[:, sets]))[1].reshape(-1, self.k))


def _log_choose(n: int, k: NDArray[Any]) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


@dataclass(frozen=True, slots=True)
class _Half:
    """Half of the patients as two quarters, so that the sums of one size at a time are ever held."""

    quarters: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]  # a list of limbs each, highest first
    widths: tuple[int, int]

    @property
    def size(self) -> int:
        return sum(self.widths)

    def sums(self, k: int) -> list[NDArray[np.int64]]:
        """Limbs of the sums over the subsets of ``k`` patients, not yet in order."""
        one, two = self.widths
        pieces: list[list[NDArray[np.int64]]] = [[] for _ in self.quarters[0]]
        for i in range(max(0, k - two), min(k, one) + 1):
            first, second = _of_size(one, i), _of_size(two, k - i)
            for piece, x, y in zip(pieces, *self.quarters, strict=True):
                piece.append((x[first][:, None] + y[second][None, :]).ravel())
        return [np.concatenate(piece) for piece in pieces]


def _of_size(width: int, k: int) -> slice:
    _, start, count = _by_size(width)
    return slice(int(start[k]), int(start[k] + count[k]))


def count_reaching(numerators: Sequence[int], k: int, threshold: int) -> int:
    """How many sets of ``k`` of the patients have |sum of numerators| ≥ threshold; exact, by meeting in the middle.

    Every set is a set of the first half and one of the second. For each way to share out the k members, the sums of
    one half are sorted and those of the other half look up how many of them reach the threshold: work and memory grow
    with 2^(n/2) instead of C(n, k).

    Numbers too long for 64 bits are split into a high and a low part, compared one after the other.

    Examples
    --------
    >>> count_reaching([10, 8, 5, 0, -8, -15], 3, 23)
    2
    """
    n, span = len(numerators), sum(map(abs, numerators))
    assert n < PATIENTS
    if threshold <= 0:
        return math.comb(n, k)
    if threshold > span:
        return 0
    shift = max(0, span.bit_length() - ONE_LIMB.bit_length() + 1)
    limbs = [np.array([value >> shift for value in numerators], dtype=np.int64)]
    if shift:
        limbs.append(np.array([value & ((1 << shift) - 1) for value in numerators], dtype=np.int64))
    cuts = [0, n // 4, n // 2, n // 2 + (n - n // 2) // 2, n]
    quarters = [[_subset_sums(limb[a:b]) for limb in limbs] for a, b in pairwise(cuts)]
    widths = np.diff(cuts).tolist()
    one = _Half((quarters[0], quarters[1]), (widths[0], widths[1]))
    two = _Half((quarters[2], quarters[3]), (widths[2], widths[3]))
    # Half of the patients and the other half have opposite sums when all sum to 0: then one side is enough.
    sides = 1 if 2 * k == n and sum(numerators) == 0 else 2
    shares = range(max(0, k - two.size), min(k, one.size) + 1)
    return 2 // sides * sum(_pairs(one.sums(i), two.sums(k - i), threshold, shift, sides) for i in shares)


def _pairs(first: list[Ints], second: list[Ints], threshold: int, shift: int, sides: int) -> int:
    """Pairs of sums whose total is at least the threshold, and with two sides also those at most minus it.

    A total of high parts falls short of the whole by fewer steps than there are patients, so two counts of high parts
    enclose the answer; only where they differ are the low parts looked at.
    """
    x, y = np.sort(first[0]), np.sort(second[0])
    low, high = -threshold >> shift, threshold >> shift
    if not shift:
        return _outside(x, y, low, high, sides)
    count = _outside(x, y, low - PATIENTS, high + 1, sides)
    if _outside(x, y, low + 1, high - PATIENTS, sides) == count:
        return count
    return _pairs_of_limbs(first, second, threshold, shift, sides)


def _outside(x: Ints, y: Ints, low: int, high: int, sides: int) -> int:
    """Pairs of ordered numbers whose sum is at least ``high``, and with two sides also those at most ``low``."""
    count = x.size * y.size
    for start in range(0, y.size, BLOCK):
        some = y[start : start + BLOCK]
        count -= int(np.searchsorted(x, high - some, side="left").sum())
        if sides == 2:
            count += int(np.searchsorted(x, low - some, side="right").sum())
    return count


def _pairs_of_limbs(first: list[Ints], second: list[Ints], threshold: int, shift: int, sides: int) -> int:
    """The same pairs, by both limbs."""
    high, low = _carried(first[0], first[1], shift)
    order = np.lexsort((low, high))
    high, low = high[order], low[order]
    count = high.size * second[0].size - int(_count_below(high, low, *_minus(threshold, second, shift), "left").sum())
    if sides == 2:
        count += int(_count_below(high, low, *_minus(-threshold, second, shift), "right").sum())
    return count


def _carried(high: Ints, low: Ints, shift: int) -> tuple[Ints, Ints]:
    """The same numbers with the low part below 2^shift."""
    return high + (low >> shift), low & ((1 << shift) - 1)


def _minus(number: int, limbs: list[Ints], shift: int) -> tuple[Ints, Ints]:
    """number − limbs, in order of the high part, which keeps the lookups close to each other in memory."""
    high, low = _carried((number >> shift) - limbs[0], (number & ((1 << shift) - 1)) - limbs[1], shift)
    order = np.argsort(high)
    return high[order], low[order]


def _count_below(high: Ints, low: Ints, of_high: Ints, of_low: Ints, side: str) -> Ints:
    """How many of the ordered numbers are below each given one (``left``), or not above it (``right``)."""
    start = np.searchsorted(high, of_high, side="left")
    stop = np.searchsorted(high, of_high, side="right")
    open_ = np.flatnonzero(start < stop)
    while open_.size:  # bisection among numbers with the same high part
        middle = (start[open_] + stop[open_]) // 2
        below = low[middle] < of_low[open_] if side == "left" else low[middle] <= of_low[open_]
        start[open_] = np.where(below, middle + 1, start[open_])
        stop[open_] = np.where(below, stop[open_], middle)
        open_ = open_[start[open_] < stop[open_]]
    return np.asarray(start)


class Orders:
    """Orders in which the scores of patients can fall on them: all, or the observed one followed by random ones.

    All where those that can be told apart are at most 1,000,000, else ``draws`` of them. `blocks` gives the same orders
    whenever it is asked, so that nothing but the current block is kept.
    """

    def __init__(self, scores: Scores, draws: int | None, seed: int | None) -> None:
        distinct, first, codes = np.unique(scores.numerators, return_index=True, return_inverse=True)
        self.numerators: NDArray[Any] = distinct  # Python integers, one a class of patients
        self.values = scores.values[first]
        self._observed, self._counts = codes.astype(np.intp), np.bincount(codes)
        self.possible = n_orderings(self._counts.tolist())
        self.all = self.possible <= MAX_ARRANGEMENTS and self.possible * codes.size <= 100 * MAX_ARRANGEMENTS
        self.draws = None if self.all else draws
        self.seed = None if self.all else seed
        self.n = self.possible if self.draws is None else self.draws + 1

    @property
    def method(self) -> str:
        """How the orders are found."""
        return "exact by enumeration" if self.all else f"Monte Carlo, {self.draws} draws, seed {self.seed}"

    def check(self) -> list[str]:
        """Refuse more orders than can be looked at, when no number of draws is given."""
        if self.all or self.draws is not None:
            return []
        size = f"{self._observed.size:,} patients have {power_text(self.possible)} orderings"
        return [f"{size}; give draws and a seed."]

    def blocks(self) -> Iterator[NDArray[np.intp]]:
        """Classes of patients: one row an order, one column a place."""
        if self.draws is None:
            yield from arrangements(self._counts)
            return
        yield self._observed[None, :]
        random, rows = np.random.default_rng(self.seed), max(1, CELLS // self._observed.size)
        for start in range(0, self.draws, rows):
            tile = np.tile(self._observed, (min(rows, self.draws - start), 1))
            yield random.permuted(tile, axis=1, out=tile)


def labellings(n: int, k: int, draws: int | None, seed: int | None) -> Iterator[NDArray[np.bool_]]:
    """Blocks of labellings: one row a labelling, one column a patient; all of them, or random ones."""
    if draws is not None:
        sampler = SubsetSampler(n, k, seed)
        yield from map(sampler.labels, sampler.blocks(draws, n))
        return
    for members in combinations(n, k, max(1, CELLS // n)):
        labels = np.zeros((members.shape[0], n), dtype=bool)
        labels[np.arange(members.shape[0])[:, None], members] = True
        yield labels
