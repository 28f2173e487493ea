"""Score intervals for two binomial rates: the null value is moved until the restricted fit is z away.

Both follow one recipe: for a trial value of the effect, the most likely rates that have exactly this effect give the
standard error, and the limits are the trial values at which the distance of the estimate is z standard errors.
"""

from __future__ import annotations

import math

from cohortstats.stats.roots import crossing, crossing_from

__all__ = ["koopman_limits", "miettinen_nurminen_limits"]


def _slope(count: int, total: int, rate: float) -> float:
    """Derivative of a binomial log-likelihood in its rate."""
    return count / rate - (total - count) / (1 - rate)


def _rates_at_difference(x1: int, n1: int, x2: int, n2: int, difference: float) -> tuple[float, float]:
    """Most likely (r1, r2) with r1 − r2 = difference: the slope falls in r2, so its crossing is the maximum."""

    def slope(r2: float) -> float:
        r1 = r2 + difference
        if r1 <= 0 or r2 <= 0:  # rounding puts a rate on the lower end: the maximum is not below it
            return 1.0
        if r1 >= 1 or r2 >= 1:
            return -1.0
        return _slope(x1, n1, r1) + _slope(x2, n2, r2)

    lowest, highest = max(0.0, -difference), min(1.0, 1.0 - difference)
    r2 = crossing(slope, lowest, highest) if lowest < highest else lowest
    return min(max(r2 + difference, 0.0), 1.0), r2


def miettinen_nurminen_limits(x1: int, n1: int, x2: int, n2: int, z: float) -> tuple[float, float]:
    """Limits of p1 − p2: every D0 with |D − D0| ≤ z sqrt(V(D0)), V with the factor N/(N − 1).

    Examples
    --------
    >>> lower, upper = miettinen_nurminen_limits(6, 17, 3, 17, 1.959963984540054)
    >>> round(lower, 9), round(upper, 9)
    (-0.128660329, 0.456776567)
    """
    total, difference = n1 + n2, x1 / n1 - x2 / n2

    def reach(trial: float) -> float:
        r1, r2 = _rates_at_difference(x1, n1, x2, n2, trial)
        return z * math.sqrt((r1 * (1 - r1) / n1 + r2 * (1 - r2) / n2) * total / (total - 1))

    return (
        crossing(lambda trial: difference - trial - reach(trial), -1.0, difference),
        crossing(lambda trial: difference - trial + reach(trial), difference, 1.0),
    )


def koopman_limits(x1: int, n1: int, x2: int, n2: int, z: float) -> tuple[float, float]:
    """Limits of p1/p2: every θ with (p1 − θ p2)² ≤ z² (r1(1 − r1)/n1 + θ² r2(1 − r2)/n2).

    Examples
    --------
    >>> lower, upper = koopman_limits(2, 2, 2, 14, 1.959963984540054)
    >>> round(lower, 8), round(upper, 7)
    (1.60503468, 24.9414367)
    """
    if x1 == 0 == x2:
        return 0.0, math.inf
    if (x1, x2) == (n1, n2):
        # The one rate that is not 1 is θ or 1/θ: (1 − θ)² = z² θ(1 − θ)/n1 below 1, z² (θ − 1)/n2 above.
        return 1 / (1 + z * z / n1), 1 + z * z / n2
    p1, p2 = x1 / n1, x2 / n2

    def gap(log_ratio: float, side: int) -> float:
        """(p1 − θ p2) less or plus z standard errors; falls in θ."""
        ratio = math.exp(log_ratio)
        a, b = (n1 + n2) * ratio, n1 * ratio + x1 + n2 + x2 * ratio
        # Smaller root of a r² − b r + (x1 + x2) in the form that does not cancel. When all of group 1 have the event
        # the quadratic factors into (θ r − 1)(N r − k), so this root also finds the piece where r1 stays at 1.
        r2 = min(2 * (x1 + x2) / (b + math.sqrt(max(b * b - 4 * a * (x1 + x2), 0.0))), 1.0)
        r1 = min(ratio * r2, 1.0)
        return p1 - ratio * p2 + side * z * math.sqrt(r1 * (1 - r1) / n1 + ratio * ratio * r2 * (1 - r2) / n2)

    # The ratio itself lies between the limits; one of the two counts may be 0, and then so is the limit on that side.
    start = math.log(p1 / p2) if x1 and x2 else 0.0
    lower = 0.0 if x1 == 0 else math.exp(crossing_from(lambda log_ratio: gap(log_ratio, -1), start))
    upper = math.inf if x2 == 0 else math.exp(crossing_from(lambda log_ratio: gap(log_ratio, 1), start))
    return lower, upper
