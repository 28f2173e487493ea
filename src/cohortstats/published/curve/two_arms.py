"""Hazard ratio and log-rank P of two rebuilt arms, as often as there are near-optimal paths to ask."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from cohortstats.published.curve.guyot import Rebuilt

__all__ = ["compare_two"]

Floats = NDArray[np.float64]


def compare_two(first: Rebuilt, second: Rebuilt) -> tuple[float, float]:
    """Hazard ratio of the second arm to the first (Efron's ties) and P of the log-rank test; nan where undefined.

    Examples
    --------
    >>> a = Rebuilt(time=np.array([1.0, 3.0, 5.0]), event=np.array([True, True, False]))
    >>> b = Rebuilt(time=np.array([2.0, 4.0, 6.0]), event=np.array([True, True, True]))
    >>> [float(f"{value:.6f}") for value in compare_two(a, b)]
    [0.760372, 0.785737]
    """
    moments = np.unique(np.concatenate([first.time[first.event], second.time[second.event]]))
    n1, d1 = _counts(first, moments)
    n2, d2 = _counts(second, moments)
    n, d = n1 + n2, d1 + d2
    expected = (d * n2 / n).sum()
    variance = (d * (n1 / n) * (n2 / n) * (n - d) / np.maximum(n - 1, 1)).sum()
    p_value = float(chdtrc(1, (d2.sum() - expected) ** 2 / variance)) if variance > 0 else math.nan
    return _hazard_ratio(n1, n2, d1, d2), p_value


def _counts(arm: Rebuilt, moments: Floats) -> tuple[Floats, Floats]:
    """At risk and events of an arm at some times; its rows are in order of time."""
    at_risk = arm.n - np.searchsorted(arm.time, moments)
    times = arm.time[arm.event]
    events = np.searchsorted(times, moments, side="right") - np.searchsorted(times, moments)
    return at_risk.astype(np.float64), events.astype(np.float64)


def _hazard_ratio(n1: Floats, n2: Floats, d1: Floats, d2: Floats) -> float:
    """Root of Efron's score: each of d tied events takes its share of the events out of those at risk."""
    d = (d1 + d2).astype(np.int64)
    row = np.repeat(np.arange(d.size), d)
    nth = np.arange(row.size) - np.repeat(np.cumsum(d) - d, d)
    share = nth / d[row]
    r1, r2 = n1[row] - share * d1[row], n2[row] - share * d2[row]
    total = float(d2.sum())
    both = (r1 > 0) & (r2 > 0)
    alone = float((r1[~both] <= 0).sum())
    r1, r2 = r1[both], r2[both]
    if not r1.size or not alone < total < alone + r1.size:
        return math.nan  # the likelihood has no finite maximum
    beta = 0.0
    for _ in range(50):
        share = r2 * math.exp(beta) / (r1 + r2 * math.exp(beta))
        step = (total - alone - float(share.sum())) / float((share * (1 - share)).sum())
        beta += min(max(step, -1.0), 1.0)
        if abs(step) < 1e-11:
            break
    return math.exp(beta)
