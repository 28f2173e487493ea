"""Aalen and Johansen's estimate of the cumulative incidences of one group, with its infinitesimal jackknife."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["IncidenceCurve", "aalen_johansen"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOISE = 1e-14  # a variance below this part of the terms that cancel in it is 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IncidenceCurve:
    """Cumulative incidences of one group: one row a distinct time, one column a cause."""

    time: Floats
    n_at_risk: Floats
    survival: Floats
    incidence: Floats
    std_error: Floats


def aalen_johansen(time: Floats, code: Ints, n_causes: int) -> IncidenceCurve:
    """Aalen and Johansen's estimate and its infinitesimal jackknife.

    A patient who leaves at x moves F(t) by P(t), the same for all, while t < x, and by a + γ F(t) from x on, with a and
    γ of the patient alone; so the sum of squares over patients is one of cumulative sums.
    """
    distinct, place = np.unique(time, return_inverse=True)
    size = distinct.size
    left = np.bincount(place, minlength=size).astype(np.float64)
    n = np.cumsum(left[::-1])[::-1]
    counts = np.bincount(place * (n_causes + 1) + code, minlength=size * (n_causes + 1))
    by_cause = counts.reshape(size, n_causes + 1)[:, 1:].astype(np.float64)
    d = by_cause.sum(axis=1)
    survival = np.cumprod((n - d) / n)
    before = np.concatenate([[1.0], survival[:-1]])
    step = before[:, None] * by_cause / n[:, None]
    incidence = np.cumsum(step, axis=0)
    # Derivative of log S(t−) to the weight of a patient still at risk, Σ d/(n(n − d)) before t. Where everybody has the
    # event nothing moves afterwards, so that time adds nothing.
    rest = np.where(n > d, n - d, math.inf)
    greenwood = np.cumsum(d / (n * rest))
    earlier = np.concatenate([[0.0], greenwood[:-1]])
    common = np.cumsum(step * (earlier - 1 / n)[:, None], axis=0)
    # One patient of each time and kind: censored, then each cause.
    gamma = np.stack([greenwood, *[greenwood - 1 / rest] * n_causes], axis=1)
    gamma[n == d] = 0
    std_error = np.empty_like(incidence)
    for cause in range(n_causes):
        own = np.zeros(n_causes + 1)
        own[cause + 1] = 1
        F = incidence[:, cause]
        alpha = common[:, cause][:, None] + (before / n)[:, None] * own - gamma * F[:, None]
        weight = counts.reshape(size, -1).astype(np.float64)
        squares = np.cumsum((weight * alpha**2).sum(axis=1))
        products = np.cumsum((weight * alpha * gamma).sum(axis=1))
        slopes = np.cumsum((weight * gamma**2).sum(axis=1))
        parts = ((n - left) * common[:, cause] ** 2, squares, 2 * F * products, F**2 * slopes)
        variance = sum(parts[1:], parts[0])
        noise = NOISE * sum((np.abs(part) for part in parts[1:]), np.abs(parts[0]))
        std_error[:, cause] = np.sqrt(np.where(variance > noise, variance, 0.0))
    return IncidenceCurve(time=distinct, n_at_risk=n, survival=survival, incidence=incidence, std_error=std_error)
