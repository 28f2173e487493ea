"""Roots of monotone functions, to the last bit, without a library."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["crossing", "crossing_from"]


def crossing(function: Callable[[float], float], lower: float, upper: float) -> float:
    """Point in [lower, upper] where a function goes from above 0 to 0 or below.

    Bisection until the two ends are neighbouring floats: slow convergence is no matter for a curve that costs
    microseconds, and nothing can go wrong with it. A function that is nowhere above 0 gives ``lower``, one that is
    everywhere above 0 gives ``upper``.

    Examples
    --------
    >>> crossing(lambda x: 2 - x * x, 0.0, 2.0)
    1.414213562373095
    """
    while True:
        middle = lower + (upper - lower) / 2
        if not lower < middle < upper:
            return middle
        if function(middle) > 0:
            lower = middle
        else:
            upper = middle


def crossing_from(function: Callable[[float], float], start: float) -> float:
    """Root of a decreasing function on the whole line, bracketed by steps that double from ``start``.

    Examples
    --------
    >>> round(crossing_from(lambda x: 100 - x, 0.0), 9)
    100.0
    """
    upwards = function(start) > 0
    near, step = start, 1.0
    while True:
        far = start + step if upwards else start - step
        if (function(far) > 0) != upwards:
            return crossing(function, min(near, far), max(near, far))
        near, step = far, step * 2
