"""What else the levels and the numbers at risk allow: paths that cost little more than the cheapest."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cohortstats.published.curve.lattice import BUDGET, PENALTY, SLACK, Lattice, Path, Totals

__all__ = ["MOST_LISTED", "NearPaths", "near_paths"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_LISTED = 1_000
DRAWN = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NearPaths:
    """Paths of one curve within `BUDGET` of the cheapest.

    Parameters
    ----------
    paths
        All of them, or the cheapest of each total of events and a sample, in the order of their cost.
    how
        ``all`` when every path is here, else ``drawn``.
    events
        Fewest and most events of all paths, exactly.
    """

    paths: tuple[Path, ...]
    how: Literal["all", "drawn"]
    events: tuple[int, int]


def near_paths(lattice: Lattice, *, n_events: int | None, seed: int) -> NearPaths:
    """Paths that cost at most 4 more than the cheapest, up to 1,000 by enumeration, else a sample.

    Parameters
    ----------
    lattice
        The solved programme.
    n_events
        Total of events that every path must have, or None.
    seed
        Of the sample.
    """
    totals = lattice.totals()
    if n_events is not None:
        budget = lattice.with_events(n_events).cost - lattice.best_cost + BUDGET
        totals = lattice.totals(budget)
        limit, wanted = totals.cost[n_events] + BUDGET + SLACK, [n_events]
    else:
        limit, wanted = totals.limit, sorted(totals.cost)
    paths = []
    for path in _all_paths(totals, wanted, limit):
        paths.append(path)
        if len(paths) > MOST_LISTED:
            break
    how: Literal["all", "drawn"] = "all"
    if len(paths) > MOST_LISTED:
        how, paths = "drawn", [totals.path(total) for total in wanted]
        paths += _draw(totals, wanted, limit, seed)
    alike = {(path.at_risk.tobytes(), path.events.tobytes()): path for path in reversed(paths)}
    paths = sorted(alike.values(), key=lambda path: (path.cost, path.n_events, path.at_risk.tolist()))
    return NearPaths(paths=tuple(paths), how=how, events=(wanted[0], wanted[-1]))


def _all_paths(totals: Totals, wanted: list[int], limit: float) -> Iterator[Path]:
    """Every path within the limit, from the last step back; no branch is empty, as the cost before it is known."""
    steps = totals.lattice.steps
    last = totals.left[-1]

    def before(step: int, m: int, e: int, spent: float, behind: tuple[tuple[int, int], ...]) -> Iterator[Path]:
        stack = [(step, m, e, spent, behind)]
        while stack:
            step, m, e, spent, behind = stack.pop()
            if step < 0:
                if m == steps.n and e == 0:
                    at_risk, events = (np.array(column, dtype=np.int64) for column in zip(*behind, strict=True))
                    yield Path(at_risk=at_risk, events=events, cost=spent + PENALTY * steps.n)
                continue
            plane = totals.left[step]
            for d, own, value in totals.ways(step, m, e):
                if value + spent > limit:
                    continue
                n, cost = m + d, spent + own
                lowest = totals.fewest_left(step, n)
                column = plane.values[lowest - plane.base :, e - d - plane.first]
                within = np.flatnonzero(column + cost <= limit).tolist()
                stack += [(step - 1, lowest + place, e - d, cost, ((n, d), *behind)) for place in within]

    if not steps.number:
        yield Path(at_risk=np.zeros(0, dtype=np.int64), events=np.zeros(0, dtype=np.int64), cost=PENALTY * steps.n)
        return
    for total in wanted:
        column = last.values[:, total - last.first]
        for place in np.flatnonzero(column <= limit).tolist():
            yield from before(steps.number - 1, last.base + place, total, 0.0, ())


def _draw(totals: Totals, wanted: list[int], limit: float, seed: int) -> list[Path]:
    """A sample of paths within the limit: a total at random, then back step by step, cheap ways more often."""
    steps = totals.lattice.steps
    random = np.random.default_rng(seed)
    e = random.choice(np.array(wanted, dtype=np.int64), DRAWN)
    scale = 8 * BUDGET / steps.number
    last = totals.left[-1]
    m = last.base + _choose(random, last.values[:, e - last.first].T, limit, scale)
    spent = np.zeros(DRAWN)
    at_risk, events = np.zeros((2, DRAWN, steps.number), dtype=np.int64)
    for step in range(steps.number - 1, -1, -1):
        moves = totals.lattice.moves[step]
        own = np.full((DRAWN, len(moves)), math.inf)
        value = own.copy()
        plane = totals.at_risk[step]
        for place, move in enumerate(moves):
            n, before = m + move.d, e - move.d
            fits = (n >= move.low) & (n <= move.high) & (n >= plane.base) & (n < plane.base + plane.values.shape[0])
            fits &= (before >= plane.first) & (before < plane.first + plane.values.shape[1])
            rows = np.flatnonzero(fits)
            own[rows, place] = move.cost[n[rows] - move.low] - PENALTY * move.d
            value[rows, place] = plane.values[n[rows] - plane.base, before[rows] - plane.first] + own[rows, place]
        chosen = _choose(random, value + spent[:, None], limit, scale)
        d = np.array([move.d for move in moves])[chosen]
        spent += own[np.arange(DRAWN), chosen]
        n, e = m + d, e - d
        at_risk[:, step], events[:, step] = n, d
        before_step = totals.left[step]
        costs = before_step.values[:, e - before_step.first].T + spent[:, None]
        lowest = np.array([totals.fewest_left(step, one) for one in range(int(n.min()), int(n.max()) + 1)])
        fewest = lowest[n - n.min()] - before_step.base
        costs[np.arange(costs.shape[1])[None, :] < fewest[:, None]] = math.inf
        m = before_step.base + _choose(random, costs, limit, scale)
    cost = spent + PENALTY * steps.n
    return [Path(at_risk=at_risk[i], events=events[i], cost=float(cost[i])) for i in range(DRAWN)]


def _choose(random: np.random.Generator, costs: Floats, limit: float, scale: float) -> Ints:
    """A column of each row whose cost is within the limit, the cheap ones with more weight."""
    excess = np.where(costs <= limit + SLACK, costs - costs.min(axis=1, keepdims=True), math.inf)
    weights = np.cumsum(np.exp(-excess / scale), axis=1)
    return np.asarray((weights < random.random(len(costs))[:, None] * weights[:, -1:]).sum(axis=1), dtype=np.int64)
