"""Two groups' orders put between each other so that the log-rank test gives the printed P.

The search goes mark by mark through the graphs of both groups, all states of a mark at once. A state is dropped when no
way on can bring the statistic into the printed set: observed minus expected and its variance are sums over marks, so
the best value of ``U - c V`` from every pair of nodes on is found backwards once, for the two lines that enclose the
printed set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cohortstats.published.structures.patterns import Graph

__all__ = ["Orders", "interleavings"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CHUNK = 1 << 17
SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class _Line:
    """Keep a state while ``x U + y V`` and the least that any way on adds do not exceed a limit."""

    x: float
    y: float
    limit: float
    onward: Floats  # node of the first graph, node of the second

    @classmethod
    def of(cls, graphs: tuple[Graph, Graph], x: float, y: float, limit: float) -> _Line:
        return cls(x, y, limit + SLACK, _least(graphs, x, y))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Orders:
    """Complete orders of two groups, one row each.

    Parameters
    ----------
    second
        Whether each mark is of the second group.
    events
        Whether each mark is an event; else it is a censoring.
    difference, variance
        Observed minus expected events of the first group, and its variance.
    """

    second: Bools
    events: Bools
    difference: Floats
    variance: Floats


@dataclass(slots=True)
class _States:
    """Orders on their way."""

    u: Ints
    v: Ints
    difference: Floats
    variance: Floats
    step: Ints
    code: npt.NDArray[np.uint64]
    seen: Ints  # events of both groups so far, up to what `first` looks at
    passed: Bools
    last: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.u)

    def take(self, rows: slice | Ints | Bools) -> _States:
        return _States(*(getattr(self, name)[rows] for name in self.__slots__))

    @staticmethod
    def joined(parts: list[_States]) -> _States:
        return _States(*(np.concatenate([getattr(part, name) for part in parts]) for name in _States.__slots__))


def interleavings(
    graphs: tuple[Graph, Graph],
    *,
    window: tuple[float, float] | None = None,
    first: frozenset[tuple[int, int]] | None = None,
    rng: np.random.Generator | None = None,
) -> Iterator[Orders]:
    """Batches of orders of both groups; adjacent censorings of the two groups stand in one order only.

    Parameters
    ----------
    graphs
        Orders of each group.
    window
        Smallest and largest chi-squared statistic of the log-rank test; infinite where open. None for no condition.
    first
        Pairs of numbers: for one of them, so many events of the first and of the second group precede all others.
    rng
        Where given, states are taken in random order and few at a time: for a first order by chance.

    Yields
    ------
    Orders
        One batch; all batches together hold each order once.
    """
    runs: list[tuple[_Line, ...]] = [()]
    if window is not None:
        runs = [lines for lines in _enclosing(graphs, window) if lines is not None]
    for lines in runs:
        yield from _search(graphs, lines, first, rng)


def _enclosing(graphs: tuple[Graph, Graph], window: tuple[float, float]) -> Iterator[tuple[_Line, ...]]:
    """For each sign of U, lines that enclose ``q1 V <= U^2 <= q2 V``."""
    q1, q2 = window
    least_v, most_v = _least(graphs, 0, 1)[0, 0], -_least(graphs, 0, -1)[0, 0]
    if not (np.isfinite(least_v) and np.isfinite(most_v)):
        return

    def tangent(sign: int) -> list[_Line]:
        # The root of q2 V lies below its tangent at the middle.
        if not np.isfinite(q2):
            return []
        middle = max((least_v + most_v) / 2, 1e-12)
        return [_Line.of(graphs, sign, -np.sqrt(q2 / middle) / 2, np.sqrt(q2 * middle) / 2)]

    if q1 <= 0:
        yield (*tangent(1), *tangent(-1))
        return
    # The root of q1 V lies above its chord.
    ends = np.sqrt(q1 * least_v), np.sqrt(q1 * most_v)
    slope = (ends[1] - ends[0]) / (most_v - least_v) if most_v > least_v else 0.0
    for sign in (1, -1):
        yield (_Line.of(graphs, -sign, slope, slope * least_v - ends[0]), *tangent(sign))


def _least(graphs: tuple[Graph, Graph], x: float, y: float) -> Floats:
    """The least ``x U + y V`` that any way from a pair of nodes to the end adds; infinite where there is none."""
    one, two = graphs
    found = np.full((len(one.depth), len(two.depth)), np.inf)
    at_one = [np.flatnonzero(one.depth == depth) for depth in range(one.n + 1)]
    at_two = [np.flatnonzero(two.depth == depth) for depth in range(two.n + 1)]
    for i in range(one.n, -1, -1):
        for j in range(two.n, -1, -1):
            u, v = at_one[i], at_two[j]
            a, b = one.n - i, two.n - j
            if not a and not b:
                found[np.ix_(u, v)] = 0.0
                continue
            total = a + b
            spread = a * b / total**2
            best = np.full((len(u), len(v)), np.inf)
            for kind in (0, 1):
                if a:
                    cost = (x * b / total + y * spread) * kind
                    child = one.child[u, kind]
                    onward = found[np.ix_(child, v)] + cost
                    onward[child < 0] = np.inf
                    best = np.minimum(best, onward)
                if b:
                    cost = (-x * a / total + y * spread) * kind
                    child = two.child[v, kind]
                    onward = found[np.ix_(u, child)] + cost
                    onward[:, child < 0] = np.inf
                    best = np.minimum(best, onward)
            found[np.ix_(u, v)] = best
    return found


def _search(
    graphs: tuple[Graph, Graph],
    lines: tuple[_Line, ...],
    first: frozenset[tuple[int, int]] | None,
    rng: np.random.Generator | None,
) -> Iterator[Orders]:
    total = graphs[0].n + graphs[1].n
    start = _States(
        u=np.zeros(1, dtype=np.int64),
        v=np.zeros(1, dtype=np.int64),
        difference=np.zeros(1),
        variance=np.zeros(1),
        step=np.zeros(1, dtype=np.int64),
        code=np.zeros(1, dtype=np.uint64),
        seen=np.zeros((1, 2), dtype=np.int64),
        passed=np.array([first is None or (0, 0) in first]),
        last=np.full(1, -1, dtype=np.int8),
    )
    ahead = None if first is None else _ahead(first, graphs[0].n, graphs[1].n)
    chunk = CHUNK if rng is None else 256
    stack: list[tuple[int, _States]] = [(0, start)]
    while stack:
        mark, states = stack.pop()
        if mark == total:
            yield _orders(states, total)
            continue
        following = _expand(graphs, lines, first, ahead, states)
        if not len(following):
            continue
        if rng is not None:
            following = following.take(rng.permutation(len(following)))
        starts = range(0, len(following), chunk)
        stack.extend((mark + 1, following.take(slice(begin, begin + chunk))) for begin in starts)


def _ahead(first: frozenset[tuple[int, int]], n_one: int, n_two: int) -> Bools:
    """From which numbers of events a pair of ``first`` can still be met."""
    ahead = np.zeros((n_one + 2, n_two + 2), dtype=bool)
    for i, j in first:
        if i <= n_one and j <= n_two:
            ahead[: i + 1, : j + 1] = True
    return ahead


def _expand(
    graphs: tuple[Graph, Graph],
    lines: tuple[_Line, ...],
    first: frozenset[tuple[int, int]] | None,
    ahead: Bools | None,
    states: _States,
) -> _States:
    """All states one mark on: a censoring or an event of the first or of the second group."""
    one, two = graphs
    a = one.n - one.depth[states.u]
    b = two.n - two.depth[states.v]
    share = a / (a + b)
    spread = share * (1 - share)
    parts = []
    for group, graph in enumerate(graphs):
        node = states.v if group else states.u
        for kind in (0, 1):
            child = graph.child[node, kind]
            step = np.maximum(states.step + 1, graph.lower[node, kind])
            keep = (child >= 0) & (step <= graph.upper[node, kind])
            if not group and not kind:
                keep &= states.last != 1
            seen = states.seen
            passed = states.passed
            if kind and ahead is not None and first is not None:
                seen = seen.copy()
                seen[:, group] += ~passed
                keep &= passed | ahead[seen[:, 0], seen[:, 1]]
                met = np.zeros_like(ahead)
                for i, j in first:
                    if i < met.shape[0] and j < met.shape[1]:
                        met[i, j] = True
                passed = passed | met[seen[:, 0], seen[:, 1]]
            u, v = (states.u, child) if group else (child, states.v)
            difference, variance = states.difference, states.variance
            if kind:
                difference = difference + ((0 if group else 1) - share)
                variance = variance + spread
            for line in lines:
                keep &= line.x * difference + line.y * variance + line.onward[u, v] <= line.limit
            rows = np.flatnonzero(keep)
            if not len(rows):
                continue
            code = (states.code[rows] << np.uint64(2)) | np.uint64(2 * kind + group)
            last = np.full(len(rows), group if not kind else -1, dtype=np.int8)
            parts.append(
                _States(
                    u[rows], v[rows], difference[rows], variance[rows], step[rows], code, seen[rows], passed[rows], last
                )
            )
    return _States.joined(parts) if parts else states.take(slice(0, 0))


def _orders(states: _States, total: int) -> Orders:
    states = states.take(np.flatnonzero(states.passed))
    shifts = np.arange(2 * (total - 1), -1, -2, dtype=np.uint64)
    marks = states.code[:, None] >> shifts & np.uint64(3)
    return Orders(
        second=(marks & np.uint64(1)) > 0,
        events=(marks & np.uint64(2)) > 0,
        difference=states.difference,
        variance=states.variance,
    )
