"""Every table of two groups whose sizes alone are fixed: the ground of the unconditional tests and of power.

Tables are laid out by events in all, one row for each number s. Given s, the smaller group, of m patients, has x of
them with probability C(s, x) C(N − s, m − x) / C(N, m). The denominator is the same in every row, so exact P values of
any two tables are compared by integers: floats decide where they are far apart, integers where they are not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.hypergeometric import Margins

__all__ = ["MAX_TABLES", "TwoBinomials", "check_tables", "supremum"]

Mask = NDArray[np.bool_]
Array = NDArray[Any]
Tail = Literal["two-sided", "less", "greater"]

MAX_TABLES = 1e6
NEAR = 1e-9  # relative gap below which integers decide; rounding in the arrays is far smaller
GRID = 2_000
CANDIDATES = 200  # local maxima that are refined; a smooth curve has far fewer within 1 % of its best
BLOCK = 2_000_000  # numbers in one block of the grid


def check_tables(name: str, totals: tuple[int, int], instead: str = "") -> list[str]:
    """Refuse two groups with more than a million tables; ``instead`` names what to do then."""
    n1, n2 = totals
    if n1 * n2 <= MAX_TABLES:
        return []
    needed = f"{n1 * n2:.0e}".replace("e+0", "e").replace("e+", "e")
    advice = f"; use {instead}" if instead else ""
    return [f"{name} on {n1:,} against {n2:,} patients needs {needed} tables (limit 1e6){advice}."]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoBinomials:
    """All (n1 + 1)(n2 + 1) tables of groups of n1 and n2; made by `of`.

    ``inside`` marks the cells of the layout that are tables, ``chance`` holds their probability given s.
    """

    n1: int
    n2: int
    inside: Mask
    chance: Array

    @classmethod
    def of(cls, n1: int, n2: int) -> TwoBinomials:
        """Layout of all tables: row s, column x; x counts the events of the smaller group."""
        m, total = min(n1, n2), n1 + n2
        logs = _log_factorials(total)
        s, x = np.arange(total + 1)[:, None], np.arange(m + 1)[None, :]
        y = s - x
        inside = (y >= 0) & (y <= total - m)
        y = np.clip(y, 0, total - m)
        in_small, in_large, in_all = (_log_binomials(logs, n) for n in (m, total - m, total))
        chance = np.where(inside, np.exp(in_small[x] + in_large[y] - in_all[s]), 0)
        return cls(n1=n1, n2=n2, inside=inside, chance=chance)

    @property
    def small(self) -> int:
        """Patients in the smaller group."""
        return min(self.n1, self.n2)

    @property
    def total(self) -> int:
        """Patients in both groups."""
        return self.n1 + self.n2

    def _rising(self, tail: Tail) -> bool:
        """Whether this tail of the first group starts at x = 0 of the smaller group."""
        return (tail == "less") == (self.n1 <= self.n2)

    def fisher_p(self, x1: int, x2: int, tail: Tail) -> Fraction:
        """Fisher's exact P value of one table."""
        s, x = x1 + x2, x1 if self.n1 <= self.n2 else x2
        margins = self._margins(s)
        weights, at = margins.integer_weights(), x - margins.low
        if tail == "two-sided":
            extreme = sum(weight for weight in weights if weight <= weights[at])
        else:
            extreme = sum(weights[: at + 1] if self._rising(tail) else weights[at:])
        return Fraction(extreme, math.comb(self.total, self.small))

    def _margins(self, s: int) -> Margins:
        """Row s read sideways, events against non-events: its weights are over C(N, m) in every row."""
        return Margins(n1=s, n2=self.total - s, k=self.small)

    def fisher_region(self, bound: Fraction, tail: Tail, *, strict: bool = False) -> Mask:
        """Tables with a Fisher P value of at most ``bound``, or below it with ``strict``."""
        if bound >= 1 and not strict:
            return self.inside
        near_bound = _as_long(bound)
        if tail == "two-sided":
            p, unsure = self._two_sided(near_bound)
        else:
            step = 1 if self._rising(tail) else -1
            p = np.cumsum(self.chance[:, ::step], axis=1)[:, ::step]
            unsure = np.zeros(self.total + 1, dtype=bool)
        region = self.inside & (p <= near_bound)
        unsure |= (self.inside & (np.abs(p - near_bound) <= NEAR * near_bound)).any(axis=1)
        for s in np.flatnonzero(unsure):
            margins = self._margins(int(s))
            region[s, margins.low : margins.high + 1] = self._exact_row(margins, bound, tail, strict)
        return np.asarray(region)

    def _two_sided(self, bound: Any) -> tuple[Array, Mask]:
        """Two-sided P of every table, near ties taken as ties, and the rows where that may matter."""
        chance = np.where(self.inside, self.chance, np.inf)
        order = np.argsort(chance, axis=1, kind="stable")
        ranked = np.take_along_axis(chance, order, axis=1)
        sums = np.cumsum(np.where(np.isinf(ranked), 0, ranked), axis=1)
        tied = ranked[:, 1:] <= ranked[:, :-1] * (1 + NEAR)
        # The last column of each run of ties, found from the right.
        column = np.arange(ranked.shape[1])
        ends = np.where(np.pad(tied, ((0, 0), (0, 1))), ranked.shape[1], column)
        ends = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
        ranked_p = np.take_along_axis(sums, ends, axis=1)
        p = np.empty_like(ranked_p)
        np.put_along_axis(p, order, ranked_p, axis=1)
        # A run that the bound cuts through must be one of true ties. In groups of equal size mirror images are.
        cut = tied & (sums[:, :-1] <= bound * (1 + NEAR)) & (ranked_p[:, :-1] > bound * (1 - NEAR))
        if self.n1 == self.n2:
            mirrored = order[:, 1:] + order[:, :-1] == np.arange(self.total + 1)[:, None]
            cut &= ~(mirrored & (ends[:, :-1] - column[:-1] == 1))
        return p, cut.any(axis=1)

    def _exact_row(self, margins: Margins, bound: Fraction, tail: Tail, strict: bool) -> list[bool]:
        weights = margins.integer_weights()
        if tail == "two-sided":
            ranked = sorted(weights)
            # Of equal weights the last sum stays, which counts them all.
            up_to = dict(zip(ranked, accumulate(ranked), strict=True))
            sums = [up_to[weight] for weight in weights]
        elif self._rising(tail):
            sums = list(accumulate(weights))
        else:
            sums = list(accumulate(weights[::-1]))[::-1]
        limit = bound.numerator * math.comb(self.total, self.small)
        return [total * bound.denominator < limit if strict else total * bound.denominator <= limit for total in sums]

    def pooled_z_region(self, x1: int, x2: int, tail: Tail) -> Mask:
        """Tables whose pooled z, or z² for two sides, is at least that of (x1, x2)."""
        s, x = np.arange(self.total + 1)[:, None], np.arange(self.small + 1)[None, :]
        first = x if self.n1 <= self.n2 else s - x
        difference = first * self.n2 - (s - first) * self.n1
        spread = s * (self.total - s)  # 0 without events, or without others: the difference is 0 there as well
        observed, spread_observed = x1 * self.n2 - x2 * self.n1, (x1 + x2) * (self.total - x1 - x2)
        if tail == "less":
            difference, observed = -difference, -observed
        square, square_observed = _signed_square(difference, tail), int(_signed_square(np.array(observed), tail))
        ratio = square / np.maximum(spread, 1)
        ratio_observed = square_observed / max(spread_observed, 1)
        region = self.inside & (ratio >= ratio_observed)
        near = self.inside & (np.abs(ratio - ratio_observed) <= NEAR * abs(ratio_observed))
        rows, columns = np.nonzero(near)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            one = int(square[row, column]) * max(spread_observed, 1)
            region[row, column] = one >= square_observed * max(int(spread[row, 0]), 1)
        return np.asarray(region)

    def by_events(self, region: Mask) -> Array:
        """Probability of the region given s, for every s: P(π) is their mean under a binomial S."""
        h = np.where(region, self.chance, 0).sum(axis=1)
        return np.asarray(np.where((region == self.inside).all(axis=1), 1, h))

    def by_groups(self, region: Mask) -> Mask:
        """The same region as rows of events in the first group and columns of events in the second."""
        rows, columns = np.nonzero(self.inside)
        wide = np.zeros((self.small + 1, self.total - self.small + 1), dtype=bool)
        wide[columns, rows - columns] = region[rows, columns]
        return wide if self.n1 <= self.n2 else np.ascontiguousarray(wide.T)


def _signed_square(values: Array, tail: Tail) -> Array:
    return values * values if tail == "two-sided" else values * np.abs(values)


def _log_factorials(n: int) -> Array:
    """log 0!, ..., log n!, in the longest floats of the machine."""
    steps = np.arange(n + 1, dtype=np.longdouble)
    steps[0] = 1
    return np.asarray(np.cumsum(np.log(steps)))


def _log_binomials(log_factorials: Array, n: int) -> Array:
    logs = log_factorials[: n + 1]
    return np.asarray(logs[n] - logs - logs[::-1])


def _as_long(value: Fraction) -> Any:
    """A fraction as the longest float, whose exponents reach below those of a float."""
    shift = value.numerator.bit_length() - value.denominator.bit_length()
    return np.ldexp(np.longdouble(float(value / Fraction(2) ** shift)), shift)


# ------------------------------------------------------------------------------------------------ the nuisance rate


def supremum(by_events: Array) -> tuple[float, float]:
    """Largest P(π) = Σ_s h_s C(N, s) π^s (1 − π)^(N − s) over all π, and the smallest π that reaches it.

    A mean over a binomial number of events has no feature narrower than about one standard deviation, which is
    1/(2 sqrt(N)) on the scale arcsin(sqrt(π)) wherever π is. The grid is even on that scale, with more than ten points
    to a standard deviation, so it comes within 0.1 % of every maximum. Each local maximum within 1 % of the best is
    then refined by the sign of the slope.

    Examples
    --------
    >>> import numpy as np
    >>> supremum(np.array([0.0, 1.0, 0.0]))  # 2 π (1 − π)
    (0.5, 0.5)
    """
    scale = by_events.max()
    if not scale:
        return 0.0, math.nan
    h, n = by_events / scale, by_events.size - 1
    if 1 in (h[0], h[-1]):  # no mean is above the largest of its numbers, and π = 0 or 1 has that one alone
        return float(min(scale, 1)), float(h[0] != 1)
    points = max(GRID, math.ceil(40 * math.sqrt(n)))
    grid = np.sin(np.linspace(0, np.pi / 2, points + 2)) ** 2
    logs = _log_binomials(_log_factorials(n), n)
    inner = _means(h.astype(np.float64), logs.astype(np.float64), grid[1:-1])
    values = np.concatenate([[float(h[0])], inner, [float(h[-1])]])
    padded = np.pad(values, 1, constant_values=-1)
    tops = np.flatnonzero((values >= padded[:-2]) & (values >= padded[2:]) & (values >= 0.99 * values.max()))
    tops = np.sort(tops[np.argsort(-values[tops], kind="stable")][:CANDIDATES])
    left, right = grid[np.maximum(tops - 1, 0)], grid[np.minimum(tops + 1, points + 1)]
    refined = _refine(h, logs, left.astype(np.longdouble), right.astype(np.longdouble))
    rates = np.concatenate([refined, [0, 1]])
    found = np.concatenate([_means(h, logs, refined), [h[0], h[-1]]])
    best = found.max()
    nuisance = rates[found >= best * (1 - 1e-13)].min()
    return float(min(best * scale, 1)), float(nuisance)


def _refine(h: Array, logs: Array, left: Array, right: Array) -> Array:
    """Rates between ``left`` and ``right`` where the slope turns from up to down, by bisection."""
    below_one = 1 - np.finfo(np.longdouble).eps
    for _ in range(50):
        middle = np.minimum((left + right) / 2, below_one)
        rising = _means(h, logs, middle, slope=True) > 0
        left, right = np.where(rising, middle, left), np.where(rising, right, middle)
    return np.asarray(np.minimum((left + right) / 2, below_one))


def _means(h: Array, logs: Array, rates: Array, *, slope: bool = False) -> Array:
    """Mean of h_S for binomial S at each rate, or of h_S (S − Nπ), which has the sign of the slope.

    Numbers of events more than 9.5 standard deviations away are left out: their probability is below 1e-18, and the
    largest mean is at least h_max / (3 sqrt(N)).
    """
    n = h.size - 1
    reach = math.ceil(4.75 * math.sqrt(n)) + 30
    whole = 2 * reach + 1 > n
    offsets = np.arange(n + 1) if whole else np.arange(-reach, reach + 1)
    block = max(1, BLOCK // offsets.size)
    means = []
    for start in range(0, rates.size, block):
        rate = rates[start : start + block, None]
        s = offsets[None, :] + (0 if whole else np.rint(rate * n).astype(np.int64))
        known = np.clip(s, 0, n)
        chance = np.exp(logs[known] + known * np.log(rate) + (n - known) * np.log1p(-rate))
        chance = np.where(s == known, chance * h[known], 0)
        means.append((chance * (s - n * rate) if slope else chance).sum(axis=1))
    return np.concatenate(means)
