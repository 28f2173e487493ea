"""The distribution behind the exact 2x2 test: one cell of a table, given its margins and the odds ratio.

With group sizes n1 and n2 and k events in all, a table with x events in the first group has the integer weight
w(x) = C(n1, x) C(n2, k − x), and P_θ(x) ∝ w(x) θ^x under odds ratio θ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.roots import crossing, crossing_from

__all__ = ["Margins"]

Floats = NDArray[np.float64]

SMALLEST = -745.0  # the exponential of anything below is 0
LONG = 1_000  # tables from which it pays to look for the part that is not 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Margins of a 2x2 table: group sizes ``n1`` and ``n2``, and ``k`` events in all.

    Examples
    --------
    >>> table = Margins(n1=2, n2=14, k=4)
    >>> table.low, table.high, table.integer_weights()
    (0, 2, [1001, 728, 91])
    """

    n1: int
    n2: int
    k: int

    @property
    def low(self) -> int:
        """Smallest number of events that the first group can have."""
        return max(0, self.k - self.n2)

    @property
    def high(self) -> int:
        """Largest number of events that the first group can have."""
        return min(self.k, self.n1)

    def integer_weights(self) -> list[int]:
        """w(low), ..., w(high), exact."""
        weights = [math.comb(self.n1, self.low) * math.comb(self.n2, self.k - self.low)]
        for x in range(self.low, self.high):
            weights.append(weights[-1] * (self.n1 - x) * (self.k - x) // ((x + 1) * (self.n2 - self.k + x + 1)))
        return weights

    def _steps(self) -> tuple[Floats, Floats]:
        """Numerators and denominators of w(x + 1) / w(x)."""
        x = np.arange(self.low, self.high, dtype=np.float64)
        return (self.n1 - x) * (self.k - x), (x + 1) * (self.n2 - self.k + x + 1)

    def relative_weights(self) -> Floats:
        """Weights as multiples of the largest: exact to a few bits where they matter, 0 where they underflow."""
        up, down = self._steps()
        mode = int(np.count_nonzero(up > down))
        return np.concatenate([np.cumprod((down / up)[:mode][::-1])[::-1], [1.0], np.cumprod((up / down)[mode:])])

    def log_weights(self) -> Floats:
        """Natural logarithms of the relative weights; these never underflow."""
        up, down = self._steps()
        logs = np.concatenate([[0.0], np.cumsum(np.log(up / down))])
        return np.asarray(logs - logs.max())

    def compare(self, a: int, b: int) -> int:
        """Sign of w(a) − w(b), exact, from the factors between the two tables only."""
        if a == b:
            return 0
        first, last = min(a, b), max(a, b)
        x = np.arange(first, last)
        up = np.sort(np.concatenate([self.n1 - x, self.k - x]))
        down = np.sort(np.concatenate([x + 1, self.n2 - self.k + x + 1]))
        if np.array_equal(up, down):  # mirror images in a symmetric table: no product needed
            return 0
        above, below = int(math.prod(up.tolist())), int(math.prod(down.tolist()))
        sign = (above > below) - (above < below)
        return int(sign if a == last else -sign)

    def conditional_odds_ratio(self, x: int) -> float:
        """θ with E_θ[X] = x: 0 at the lower end of the support, ∞ at the upper, nan when only one table exists."""
        if self.low == self.high:
            return math.nan
        if x in (self.low, self.high):
            return 0.0 if x == self.low else math.inf
        support = np.arange(self.low, self.high + 1)
        return self._solve(lambda tilted: x - float(tilted @ support))

    def upper_limit(self, x: int, tail: float, share: float = 1.0) -> float:
        """θ with P_θ(X < x) + share · P_θ(X = x) = tail; ∞ at the upper end of the support. Mid-p: share ½."""
        if x == self.high:
            return math.inf
        at = x - self.low
        return self._solve(lambda tilted: float(tilted[:at].sum() + share * tilted[at]) - tail)

    def lower_limit(self, x: int, tail: float, share: float = 1.0) -> float:
        """θ with P_θ(X > x) + share · P_θ(X = x) = tail; 0 at the lower end of the support."""
        return 1 / self.mirrored().upper_limit(self.k - x, tail, share)

    def mirrored(self) -> Margins:
        """Margins of the same table with its groups swapped: X becomes k − X and θ becomes 1/θ."""
        return Margins(n1=self.n2, n2=self.n1, k=self.k)

    def minlike_upper_limit(self, x: int, alpha: float) -> float:
        """Largest θ at which the two-sided minimum-likelihood p of ``x`` is at least ``alpha``.

        A table y > x is no more likely than x up to the break θ_y, where w(y) θ^y = w(x) θ^x; breaks rise with y. From
        one break to the next p is 1 − P_θ(x < X ≤ y), which first falls and then rises, so on each piece, read from
        the right, p reaches ``alpha`` at its right end, or inside by a fall from its left end, or not at all.
        """
        if x == self.high:
            return math.inf
        logs, at = self.log_weights(), x - self.low
        breaks = (logs[at] - logs[at + 1 :]) / np.arange(1, self.high - x + 1)

        def p_value(log_theta: float, beyond: int) -> float:
            """P_θ(X ≤ x) + P_θ(X > beyond)."""
            first, tilted = _tilt(logs, log_theta)
            return float(tilted[: max(at + 1 - first, 0)].sum() + tilted[max(beyond + 1 - self.low - first, 0) :].sum())

        # At most P_θ(X ≤ x) + P_θ(X ≥ y) at each break: where that is below alpha, nothing happens there.
        for y in (x + 1 + np.flatnonzero(_bound_at_breaks(logs, at, breaks) >= 0.999 * alpha)[::-1]).tolist():
            left = float(breaks[y - x - 1])
            if p_value(left, y) >= alpha:
                falling = _minus(p_value, y, alpha)
                if y == self.high:
                    return _exp(crossing_from(falling, left))
                return _exp(crossing(falling, left, float(breaks[y - x])))
            if p_value(left, y - 1) >= alpha:
                return _exp(left)
        raise AssertionError("p is 1 where the observed table is the likeliest")  # pragma: no cover

    def minlike_lower_limit(self, x: int, alpha: float) -> float:
        """Smallest θ at which the two-sided minimum-likelihood p of ``x`` is at least ``alpha``."""
        return 1 / self.mirrored().minlike_upper_limit(self.k - x, alpha)

    def _solve(self, function: Callable[[Floats], float]) -> float:
        """θ at which a function of the tilted probabilities that falls in θ reaches 0."""
        logs = self.log_weights()

        def of_log_theta(log_theta: float) -> float:
            first, tilted = _tilt(logs, log_theta)
            if tilted.size == logs.size:
                return function(tilted)
            whole = np.zeros(logs.size)
            whole[first : first + tilted.size] = tilted
            return function(whole)

        return _exp(crossing_from(of_log_theta, 0.0))


def _tilt(logs: Floats, log_theta: float) -> tuple[int, Floats]:
    """P_θ where it is above the smallest float, and the first place where it is.

    Scaled before the exponential, so that nothing overflows. The exponents rise and fall, so these places are one run;
    in a large table it is a small part of the support.
    """
    exponents = logs + log_theta * np.arange(logs.size)
    exponents -= exponents.max()
    first = 0
    if logs.size > LONG:
        kept = np.flatnonzero(exponents > SMALLEST)
        first = int(kept[0])
        exponents = exponents[first : int(kept[-1]) + 1]
    weights = np.exp(exponents)
    return first, np.asarray(weights / weights.sum())


def _bound_at_breaks(logs: Floats, at: int, breaks: Floats) -> Floats:
    """No less than P_θ(X ≤ x) + P_θ(X ≥ y) at the break of every y > x, at little cost.

    At its break w(y) θ^y = w(x) θ^x. Log-weights are concave, so below x and above y probabilities fall at least as
    fast as a geometric series, and all of them together are at least the largest.
    """
    steps = np.diff(logs)  # falling
    beyond = np.minimum(np.append(steps[at + 1 :], -np.inf) + breaks, 0)  # 0 where rounding says that they rise
    before = np.maximum((np.inf if at == 0 else steps[at - 1]) + breaks, 0)
    mode = np.searchsorted(-steps, breaks)  # steps up to here exceed −log θ: the tilted weights still rise
    height = logs[mode] - logs[at] + breaks * (mode - at)
    with np.errstate(divide="ignore"):  # equal neighbours: no bound, and none is needed
        return np.asarray(np.exp(-height) * (1 / -np.expm1(beyond) + 1 / -np.expm1(-before)))


def _minus(p_value: Callable[[float, int], float], beyond: int, alpha: float) -> Callable[[float], float]:
    return lambda log_theta: p_value(log_theta, beyond) - alpha


def _exp(log_theta: float) -> float:
    return math.exp(log_theta) if log_theta < 709 else math.inf
