"""Of the paths with the same total of events, a cheap one that gives every printed level back, not only every step.

The programme holds each step beside the printed level before it, so that small residuals add up along the curve. Here
the estimate itself is carried along: of the partial paths that leave the same number of patients, the cheapest is kept
in each of a few classes of how far its estimate is from the level, and none whose estimate is off by more than a unit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cohortstats.published.curve.lattice import PENALTY, Lattice, Path, least_left, shift_of

__all__ = ["refine_path"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CLASSES = 7
UNIT = math.sqrt(6) * 0.97  # the unit to which levels with this σ are rounded is √6 σ; a little less, to be inside


def refine_path(lattice: Lattice, path: Path) -> Path:
    """The path itself where it gives all levels back to a unit, else one with as many events that does, if there is.

    Parameters
    ----------
    lattice
        The solved programme.
    path
        A path through it.
    """
    steps = lattice.steps
    limit = lattice.sigma * UNIT
    if not steps.number or float(np.abs(np.cumprod(1 - path.events / path.at_risk) - steps.after).max()) <= limit:
        return path
    found = _follow(lattice, limit)
    if found is None or int(found[1].sum()) != path.n_events:
        return path
    at_risk, events = found
    residual = (steps.after - steps.before * (1 - events / at_risk)) / lattice.sigma
    cost = float((residual**2).sum()) + PENALTY * (steps.n - int(events.sum()))
    return Path(at_risk=at_risk, events=events, cost=cost)


def _follow(lattice: Lattice, limit: float) -> tuple[Ints, Ints] | None:
    """The cheapest path kept at the end; None when none is left. States are (patients left, class of the estimate)."""
    steps = lattice.steps
    base = steps.n
    cost: Floats = np.full((1, CLASSES), math.inf)
    km: Floats = np.ones((1, CLASSES))
    cost[0, CLASSES // 2] = 0.0
    columns = np.arange(CLASSES)
    trail: list[tuple[Ints, Ints, Ints, Ints]] = []
    for step in range(steps.number):
        row, shift = lattice.at_risk[step], shift_of(steps, step)
        cut = max(least_left(steps, step) - base, 0)
        low, high = row.base, min(row.top, base + len(cost) - 1 - shift)
        spans = [(max(low, one.low), min(high, one.high), one) for one in lattice.moves[step]]
        spans = [span for span in spans if span[0] <= span[1]]
        if cut >= len(cost) or not spans:
            return None
        n = np.concatenate([np.arange(start, stop + 1) for start, stop, _ in spans])
        d = np.repeat([one.d for _, _, one in spans], [stop - start + 1 for start, stop, _ in spans])
        own = np.concatenate([one.cost[start - one.low : stop - one.low + 1] for start, stop, one in spans])
        # Who is at risk was left over, and a few may have been censored: the least cost from there up.
        came = _least_from_here(cost[cut:])[np.maximum(n + (shift - base - cut), 0)] + cut
        total = cost[came, columns] + (own - PENALTY * d)[:, None]
        estimate = km[came, columns] * (1 - d / n)[:, None]
        off = (estimate - steps.after[step]) / limit
        total[np.abs(off) > 1] = math.inf
        kept = np.flatnonzero(total < math.inf)
        if not kept.size:
            return None
        kept = kept[np.argsort(-total.ravel()[kept], kind="stable")]  # of equal states the last one written stays
        left = (n - d)[kept // CLASSES]
        base = int(left.min())
        classes = np.minimum(((off.ravel()[kept] + 1) * (CLASSES / 2)).astype(np.int64), CLASSES - 1)
        state = (left - base) * CLASSES + classes
        size = (int(left.max()) - base + 1) * CLASSES
        cost, km, source = np.full(size, math.inf), np.ones(size), np.zeros(size, dtype=np.int64)
        cost[state], km[state], source[state] = total.ravel()[kept], estimate.ravel()[kept], kept
        cost, km = cost.reshape(-1, CLASSES), km.reshape(-1, CLASSES)
        trail.append((n, d, came, source))
    cut = max(least_left(steps, steps.number) - base, 0)
    if cut >= len(cost) or not np.isfinite(cost[cut:]).any():
        return None
    return _traced(trail, cut * CLASSES + int(np.argmin(cost[cut:])))


def _traced(trail: list[tuple[Ints, Ints, Ints, Ints]], state: int) -> tuple[Ints, Ints]:
    """Back along the partial paths that were kept."""
    at_risk, events = np.zeros((2, len(trail)), dtype=np.int64)
    for step in range(len(trail) - 1, -1, -1):
        n, d, came, source = trail[step]
        entry, column = divmod(int(source[state]), CLASSES)
        at_risk[step], events[step] = n[entry], d[entry]
        state = int(came[entry, column]) * CLASSES + column
    return at_risk, events


def _least_from_here(cost: Floats) -> NDArray[np.intp]:
    """For each place and class, that of the least cost from there up; of equal ones the lowest place."""
    least = np.minimum.accumulate(cost[::-1], axis=0)[::-1]
    places = np.where(cost == least, np.arange(len(cost))[:, None], len(cost) - 1)
    return np.minimum.accumulate(places[::-1], axis=0)[::-1]
