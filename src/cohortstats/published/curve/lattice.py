"""Whole numbers of patients that give the levels of a curve: a dynamic programme over those at risk at each step.

Each step is d events among n at risk with S = S_before (1 - d/n); between two steps patients are censored, as many as
the numbers at risk allow. The cost of a path is the sum of its squared residuals, in units of the spread of a level,
plus 0.001 for every patient censored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cohortstats.published.curve.steps import Steps

__all__ = ["BUDGET", "InfeasibleError", "Lattice", "Path", "Totals", "least_left", "shift_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PENALTY = 0.001  # of one patient censored: what else fits alike has most events
MOST_SIGMA = 5.0
BUDGET = 4.0  # how much more than the best a path may cost and still be near-optimal
SLACK = 1e-9


class InfeasibleError(Exception):
    """No path: ``message`` says which step or which number at risk cannot be."""

    def __init__(self, message: str, tick: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.tick = tick


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Path:
    """One way to give the curve: patients at risk and events at each step.

    Parameters
    ----------
    at_risk, events
        One number a step.
    cost
        Squared residuals and 0.001 a patient censored.
    """

    at_risk: Ints
    events: Ints
    cost: float

    @property
    def n_events(self) -> int:
        """Events of the whole curve."""
        return int(self.events.sum())


@dataclass(frozen=True, slots=True)
class _Row:
    """Values of consecutive numbers of patients, from ``base`` on."""

    base: int
    values: Floats

    @property
    def top(self) -> int:
        return self.base + len(self.values) - 1


def _trimmed(base: int, values: Floats) -> _Row:
    finite = np.flatnonzero(values < math.inf)
    if not finite.size:
        return _Row(base, values[:0])
    first, last = int(finite[0]), int(finite[-1])
    return _Row(base + first, values[first : last + 1])


@dataclass(frozen=True, slots=True, eq=False)
class _Move:
    """All n at risk among whom the same number of events gives a step, with its squared residuals."""

    d: int
    low: int
    cost: Floats

    @property
    def high(self) -> int:
        return self.low + len(self.cost) - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lattice:
    """Cheapest costs forward through the steps; made by `Lattice.solve`.

    Parameters
    ----------
    steps
        The problem.
    sigma
        Spread of a level.
    at_risk
        For each step, cost of everything before it, by patients at risk just before it.
    left
        For each gap, cost of everything before it, by patients left after the step.
    moves
        For each step, what it can be.
    """

    steps: Steps
    sigma: float
    at_risk: list[_Row]
    left: list[_Row]
    moves: list[list[_Move]]
    _totals: dict[float, Totals] = field(default_factory=dict)
    _to_go: list[_Row] = field(default_factory=list)

    @classmethod
    def solve(cls, steps: Steps, sigma: float) -> Lattice:
        """Run forward through the steps.

        Raises
        ------
        InfeasibleError
            A step that no whole numbers give to 5 σ, or a number at risk that cannot be.
        """
        least = _least_at_risk(steps)
        found = _forward(cls, steps, sigma, least)
        # Without foresight the first thing that fails is the one to name.
        return found or _forward(cls, steps, sigma, None)  # type: ignore[return-value]  # the second raises

    @property
    def best_cost(self) -> float:
        """Cost of the cheapest path."""
        last = self.left[-1]
        return float(last.values.min()) + PENALTY * self.steps.n

    def best(self) -> Path:
        """The cheapest path; of equal ones, that with the fewest censored late."""
        k = self.steps.number
        m = self.left[k].base + int(np.argmin(self.left[k].values))
        at_risk, events = np.zeros((2, k), dtype=np.int64)
        for step in range(k - 1, -1, -1):
            row, cheapest = self.at_risk[step], (math.inf, 0)
            for move in self.moves[step]:
                n = m + move.d
                if row.base <= n <= row.top and move.low <= n <= move.high:
                    value = float(row.values[n - row.base] + move.cost[n - move.low]) - PENALTY * move.d
                    cheapest = min(cheapest, (value, move.d))
            events[step] = cheapest[1]
            at_risk[step] = m + cheapest[1]
            before = self.left[step]
            lowest = max(int(at_risk[step]) + shift_of(self.steps, step), least_left(self.steps, step), before.base)
            m = lowest + int(np.argmin(before.values[lowest - before.base :]))
        return Path(at_risk=at_risk, events=events, cost=self.best_cost)

    def to_go(self) -> list[_Row]:
        """For each gap, cheapest cost of everything after it, by patients left."""
        if not self._to_go:
            self._to_go.extend(_backward(self))
        return self._to_go

    def totals(self, budget: float = BUDGET) -> Totals:
        """Paths by their total number of events, all that cost at most ``budget`` more than the cheapest."""
        if budget not in self._totals:
            self._totals[budget] = Totals.count(self, budget)
        return self._totals[budget]

    def with_events(self, n_events: int) -> Path:
        """The cheapest path with exactly so many events.

        Raises
        ------
        InfeasibleError
            No path has so many.
        """
        budget = BUDGET
        while True:
            totals = self.totals(budget)
            if n_events in totals.cost:
                return totals.path(n_events)
            if math.isinf(budget):
                low, high = min(totals.cost), max(totals.cost)
                allowed = f"{low} to {high}" if high > low else f"{low}"
                raise InfeasibleError(f"{n_events} events cannot be: levels and numbers at risk allow {allowed}.")
            budget = budget * 32 if budget < 1e5 else math.inf


def shift_of(steps: Steps, gap: int) -> int:
    """Patients at least censored in a gap without a number at risk."""
    return 0 if steps.gaps[gap].ticks else steps.gaps[gap].first_marks


def least_left(steps: Steps, gap: int) -> int:
    """Patients that are at least left after the step before a gap."""
    one = steps.gaps[gap]
    if one.ticks:
        return one.numbers[0] + one.first_marks
    return one.first_marks


def _bounds(steps: Steps, step: int) -> tuple[int, int]:
    """Fewest and most at risk at a step, as the gap before it says."""
    gap = steps.gaps[step]
    if not gap.ticks:
        return 1, steps.n
    number = gap.numbers[-1]
    if gap.ticks[-1] == steps.time[step]:
        return max(number, 1), number
    return 1, number - gap.last_marks


def _least_at_risk(steps: Steps) -> list[int]:
    """Fewest at risk at each step that what follows leaves room for: one event a step, and the numbers at risk."""
    least = [0] * steps.number
    left = least_left(steps, steps.number)
    for step in range(steps.number - 1, -1, -1):
        least[step] = left + 1
        left = max(least[step] + shift_of(steps, step), least_left(steps, step))
    return least


def _moves(steps: Steps, sigma: float, step: int, low: int, high: int) -> list[_Move]:
    """What a step can be among ``low`` to ``high`` at risk: d is the floor or ceiling of n(1 - S/S_before)."""
    before, after = float(steps.before[step]), float(steps.after[step])
    share, reach = 1 - after / before, MOST_SIGMA * sigma / before * (1 + SLACK) + 1e-15
    moves = []
    for d in range(max(1, math.ceil(low * share - 1)), min(high, math.floor(high * share + 1)) + 1):
        # |d/n - share| <= reach, and |d - n share| < 1.
        first, last = max(low, d, math.ceil(d / (share + reach))), high
        if share > reach:
            last = min(last, math.floor(d / (share - reach)))
        first, last = max(first, math.floor((d - 1) / share) + 1), min(last, math.ceil((d + 1) / share) - 1)
        if first <= last:
            n = np.arange(first, last + 1, dtype=np.float64)
            residual = (d / n - share) * (before / sigma)
            moves.append(_Move(d, first, residual * residual))
    return moves


def _forward(cls: type[Lattice], steps: Steps, sigma: float, least: list[int] | None) -> Lattice | None:
    """All costs; where nothing is left, None with foresight and the reason without."""
    left = [_Row(steps.n, np.zeros(1))]
    at_risk: list[_Row] = []
    moves: list[list[_Move]] = []
    seen: tuple[int, float] | None = None
    for step in range(steps.number):
        gap = steps.gaps[step]
        behind = _enough(steps, step, left[-1], least is None)
        if behind is None:
            return None
        seen = (gap.numbers[-1], gap.ticks[-1]) if gap.ticks else seen
        low, high = _bounds(steps, step)
        low = max(low, least[step] if least else 1)
        row = _censored(behind, low, min(high, behind.top - shift_of(steps, step)), shift_of(steps, step))
        these = _moves(steps, sigma, step, row.base, row.top) if row.values.size else []
        after = _moved(row, these)
        if not after.values.size:
            if least is not None:
                return None
            raise InfeasibleError(*_step_fault(steps, sigma, step, row, seen))
        at_risk.append(row)
        moves.append(these)
        left.append(after)
    last = _enough(steps, steps.number, left[-1], least is None)
    if last is None:
        return None
    left[-1] = last
    return cls(steps=steps, sigma=sigma, at_risk=at_risk, left=left, moves=moves)


def _enough(steps: Steps, gap: int, row: _Row, tell: bool) -> _Row | None:
    """Those of whom enough are left for the first number at risk of a gap."""
    fewest = least_left(steps, gap)
    if fewest <= row.top:
        return _Row(max(fewest, row.base), row.values[max(fewest - row.base, 0) :]) if fewest > row.base else row
    if not tell:
        return None
    one = steps.gaps[gap]
    after = f" after the step at {steps.time[gap - 1]:.6g}" if gap else ""
    marks = f" and {one.first_marks} censor marks before it" if one.first_marks and one.ticks else ""
    if one.ticks:
        what = f"{one.numbers[0]} at risk at {one.ticks[0]:.6g}{marks} cannot be"
        raise InfeasibleError(f"{what}: at most {row.top} are left{after}.", one.ticks[0])
    raise InfeasibleError(f"{one.first_marks} censor marks{after} cannot be: at most {row.top} are left.")


def _censored(row: _Row, low: int, high: int, shift: int) -> _Row:
    """Cheapest cost with n at risk at the next step: the suffix minimum over those left."""
    if low > high:
        return _Row(low, np.zeros(0))
    suffix = np.minimum.accumulate(row.values[::-1])[::-1]
    start = low + shift - row.base
    if start >= 0:
        values = suffix[start : high + shift - row.base + 1]
    else:
        values = np.concatenate([np.full(-start, suffix[0]), suffix])[: high - low + 1]
    return _trimmed(low, values)


def _moved(row: _Row, moves: list[_Move]) -> _Row:
    """Cheapest cost with m left after a step."""
    spans = [(max(row.base, move.low), min(row.top, move.high), move) for move in moves]
    spans = [span for span in spans if span[0] <= span[1]]
    if not spans:
        return _Row(0, np.zeros(0))
    base = min(low - move.d for low, _, move in spans)
    values = np.full(max(high - move.d for _, high, move in spans) - base + 1, math.inf)
    for low, high, move in spans:
        mine = row.values[low - row.base : high - row.base + 1] + move.cost[low - move.low : high - move.low + 1]
        place = values[low - move.d - base : high - move.d - base + 1]
        np.minimum(place, mine - PENALTY * move.d, out=place)
    return _trimmed(base, values)


def _step_fault(
    steps: Steps, sigma: float, step: int, row: _Row, seen: tuple[int, float] | None
) -> tuple[str, float | None]:
    """Why a step cannot be, and the number at risk to blame when without it the step could be."""
    when, before, after = (f"{x[step]:.6g}" for x in (steps.time, steps.before, steps.after))
    drop = f"step at {when}, from {before} to {after}"
    among = f"{row.base} to {row.top}" if row.values.size > 1 else f"{row.top}"
    free = _moves(steps, sigma, step, 1, steps.n)
    if not row.values.size:
        number, tick = seen or (steps.n, 0.0)
        return f"{drop} cannot be: no one is at risk, as {number} at risk at {tick:.6g} says.", tick
    if seen is None or not free:
        return f"{drop} cannot be: no whole number of events among {among} at risk gives it to 5 σ.", None
    number, tick = seen
    return (
        f"{number} at risk at {tick:.6g} cannot be: then {among} are at risk at the {drop}, "
        "and no whole number of events among them gives it to 5 σ."
    ), tick


@dataclass(frozen=True, slots=True, eq=False)
class _Plane:
    """Costs by patients (rows from ``base``) and events so far (columns from ``first``)."""

    base: int
    first: int
    values: Floats

    def at(self, patients: int, events: int) -> float:
        row, column = patients - self.base, events - self.first
        inside = 0 <= row < self.values.shape[0] and 0 <= column < self.values.shape[1]
        return float(self.values[row, column]) if inside else math.inf


def _trimmed_plane(base: int, first: int, values: Floats) -> _Plane:
    finite = values < math.inf
    rows, columns = np.flatnonzero(finite.any(axis=1)), np.flatnonzero(finite.any(axis=0))
    if not rows.size:
        return _Plane(base, first, values[:0, :0])
    cut = values[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _Plane(base + int(rows[0]), first + int(columns[0]), cut)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Totals:
    """Cheapest costs by patients and events so far, only of paths within a budget.

    Parameters
    ----------
    lattice
        The programme.
    limit
        Most that a path costs.
    at_risk, left
        As in `Lattice`, with the running total of events as a second state; costs are residuals and 0.001 a patient
        that is not an event.
    cost
        Total of events -> cost of the cheapest path with it.
    """

    lattice: Lattice
    limit: float
    at_risk: list[_Plane]
    left: list[_Plane]
    cost: dict[int, float]

    @classmethod
    def count(cls, lattice: Lattice, budget: float) -> Totals:
        """Run forward again, leaving out what no path within the budget passes."""
        steps = lattice.steps
        limit = lattice.best_cost + budget + SLACK
        to_go = lattice.to_go()
        free = PENALTY * steps.n
        left = [_Plane(steps.n, 0, np.full((1, 1), free))]
        at_risk: list[_Plane] = []
        for step in range(steps.number):
            row = lattice.at_risk[step]
            before = _censored_plane(left[-1], row.base, row.top, shift_of(steps, step), least_left(steps, step))
            after = _moved_plane(before, lattice.moves[step])
            ahead = to_go[step + 1]
            more = np.full(after.values.shape[0], math.inf)
            low, high = max(after.base, ahead.base), min(after.base + len(more) - 1, ahead.top)
            if low <= high:
                more[low - after.base : high - after.base + 1] = ahead.values[low - ahead.base : high - ahead.base + 1]
            values = np.where(after.values + more[:, None] <= limit, after.values, math.inf)
            at_risk.append(before)
            left.append(_trimmed_plane(after.base, after.first, values))
        cheapest = left[-1].values.min(axis=0)
        cost = {left[-1].first + place: float(value) for place, value in enumerate(cheapest) if value < math.inf}
        return cls(lattice=lattice, limit=limit, at_risk=at_risk, left=left, cost=cost)

    def path(self, n_events: int) -> Path:
        """The cheapest path with a total of events that is in ``cost``."""
        steps = self.lattice.steps
        last = self.left[-1]
        m, e = last.base + int(np.argmin(last.values[:, n_events - last.first])), n_events
        at_risk, events = np.zeros((2, steps.number), dtype=np.int64)
        for step in range(steps.number - 1, -1, -1):
            cheapest = min((value, d) for d, _, value in self.ways(step, m, e))
            d = cheapest[1]
            at_risk[step], events[step] = m + d, d
            e -= d
            before, lowest = self.left[step], self.fewest_left(step, m + d)
            column = before.values[lowest - before.base :, e - before.first]
            m = lowest + int(np.argmin(column))
        return Path(at_risk=at_risk, events=events, cost=self.cost[n_events])

    def ways(self, step: int, m: int, e: int) -> list[tuple[int, float, float]]:
        """Events with which a step can leave m patients and e events: d, its own cost, and that with all before."""
        found = []
        for move in self.lattice.moves[step]:
            n = m + move.d
            if move.low <= n <= move.high:
                own = float(move.cost[n - move.low]) - PENALTY * move.d
                value = self.at_risk[step].at(n, e - move.d) + own
                if value < math.inf:
                    found.append((move.d, own, value))
        return found

    def fewest_left(self, gap: int, at_risk: int) -> int:
        """Fewest that can be left before a gap after which so many are at risk."""
        steps = self.lattice.steps
        return max(at_risk + shift_of(steps, gap), least_left(steps, gap), self.left[gap].base)


def _censored_plane(plane: _Plane, low: int, high: int, shift: int, fewest: int) -> _Plane:
    values = plane.values
    base = plane.base
    if fewest > base:
        values, base = values[fewest - base :], fewest
    suffix = np.minimum.accumulate(values[::-1], axis=0)[::-1]
    high = min(high, base + suffix.shape[0] - 1 - shift)
    where = np.maximum(np.arange(low, high + 1) + shift - base, 0)
    return _Plane(low, plane.first, suffix[where])


def _moved_plane(plane: _Plane, moves: list[_Move]) -> _Plane:
    top = plane.base + plane.values.shape[0] - 1
    spans = [(max(plane.base, move.low), min(top, move.high), move) for move in moves]
    spans = [span for span in spans if span[0] <= span[1]]
    base = min((low - move.d for low, _, move in spans), default=0)
    first = plane.first + min((move.d for _, _, move in spans), default=0)
    most = max((move.d for _, _, move in spans), default=0)
    rows = max((high - move.d for _, high, move in spans), default=-1) - base + 1
    columns = plane.values.shape[1]
    values = np.full((rows, plane.first + most + columns - first), math.inf)
    for low, high, move in spans:
        own = move.cost[low - move.low : high - move.low + 1] - PENALTY * move.d
        mine = plane.values[low - plane.base : high - plane.base + 1] + own[:, None]
        right = plane.first + move.d - first
        place = values[low - move.d - base : high - move.d - base + 1, right : right + columns]
        np.minimum(place, mine, out=place)
    return _Plane(base, first, values)


def _backward(lattice: Lattice) -> list[_Row]:
    """Cheapest cost of everything after each gap's step, by patients left."""
    steps = lattice.steps
    to_go = [_Row(0, np.zeros(0))] * (steps.number + 1)
    last = lattice.left[steps.number]
    to_go[steps.number] = _Row(last.base, np.zeros(len(last.values)))
    for step in range(steps.number - 1, -1, -1):
        row, ahead = lattice.at_risk[step], to_go[step + 1]
        values = np.full(len(row.values), math.inf)
        for move in lattice.moves[step]:
            low = max(row.base, move.low, ahead.base + move.d)
            high = min(row.top, move.high, ahead.top + move.d)
            if low <= high:
                own = move.cost[low - move.low : high - move.low + 1] - PENALTY * move.d
                more = ahead.values[low - move.d - ahead.base : high - move.d - ahead.base + 1]
                place = values[low - row.base : high - row.base + 1]
                np.minimum(place, own + more, out=place)
        prefix = np.minimum.accumulate(values)
        # m left before the gap: anyone from the fewest at risk up to m less the marks.
        behind = lattice.left[step]
        left = np.arange(behind.base, behind.top + 1)
        most = np.minimum(left - shift_of(steps, step) - row.base, len(prefix) - 1)
        cost = np.where((most >= 0) & (left >= least_left(steps, step)), prefix[np.maximum(most, 0)], math.inf)
        to_go[step] = _Row(behind.base, cost)
    return to_go
