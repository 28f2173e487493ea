"""Laws of rebuilding patients from a curve: 200 random arms, printed to four decimals with numbers at risk."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.published.curve.at_risk import RiskTable
from cohortstats.published.curve.guyot import rebuild_guyot
from cohortstats.published.curve.lattice import InfeasibleError, Lattice
from cohortstats.published.curve.levels import sigma_of_digits
from cohortstats.published.curve.placing import place_patients
from cohortstats.published.curve.repairs import Curve
from cohortstats.published.curve.steps import find_steps

ARMS = 200
SIGMA = sigma_of_digits(1e-4)


class Arm:
    """A random arm: 5 to 300 patients, ties, none to 60 % censored."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(20120201 + seed)
        n = int(random.integers(5, 301))
        event = random.random(n) >= random.uniform(0, 0.6)
        time = random.weibull(random.uniform(0.7, 1.5), n) * 20
        time = np.ceil(time * random.choice([2, 10, 1000])) / 10  # the coarser, the more ties
        order = np.lexsort((~event, time))
        self.n, self.time, self.event = n, time[order], event[order]
        moments = np.unique(self.time)
        at_risk = n - np.searchsorted(self.time, moments)
        events = np.array([int((self.time[self.event] == moment).sum()) for moment in moments])
        exact = np.cumprod(1 - events / at_risk)
        self.levels = np.floor(exact * 1e4 + 0.5) / 1e4
        self.moments = moments
        # The last tick stands at the last time, so that what is left there is known.
        self.ticks = np.unique(np.append(np.linspace(0, moments[-1], 7)[:-1], moments[-1]))
        self.numbers = n - np.searchsorted(self.time, self.ticks)

    def clicks(self) -> pd.DataFrame:
        return pd.DataFrame({"time": self.moments, "survival": self.levels})

    def risk(self) -> pd.DataFrame:
        return pd.DataFrame({"time": self.ticks, "n_at_risk": self.numbers})

    def curve(self) -> Curve:
        time, level = np.append(0.0, self.moments), np.append(1.0, self.levels)
        return Curve(time=time, survival=level, clicked=np.append(False, np.ones(len(self.moments), dtype=bool)))

    def table(self) -> RiskTable:
        return RiskTable(time=self.ticks, n=self.numbers.astype(np.int64))


@functools.cache
def arm(seed: int) -> Arm:
    return Arm(seed)


def at_clicks(rebuilt: pd.DataFrame, moments: np.ndarray) -> np.ndarray:
    """Survival of the rebuilt rows at the clicks, by counting at each time."""
    time, event = rebuilt["time"].to_numpy(), rebuilt["event"].to_numpy() == 1
    level, product = {}, 1.0
    for moment in np.unique(time[event]):
        product *= 1 - (time[event] == moment).sum() / (time >= moment).sum()
        level[moment] = product
    return np.array(
        [min((value for when, value in level.items() if when <= moment), default=1.0) for moment in moments]
    )


@pytest.mark.parametrize("seed", range(ARMS))
def test_lattice_gives_back_what_was_printed(seed: int) -> None:
    one = arm(seed)
    rebuilt = cs.reconstruct_curve(one.clicks(), one.risk(), method="lattice")
    assert len(rebuilt.patients) == one.n
    fewest, most = rebuilt.near_optimal.events_range
    # Low levels may fit 1 of 2 as well as 2 of 4; where the numbers at risk leave one total, it is the true one.
    assert fewest <= one.event.sum() <= most
    if fewest == most:
        assert rebuilt.patients["event"].sum() == one.event.sum()
    assert (
        np.abs(at_clicks(rebuilt.patients, one.moments) - one.levels).max()
        <= 5 * SIGMA * np.sqrt(len(one.levels)) + 1e-4
    )
    assert rebuilt.quality.max_risk_diff == 0
    assert rebuilt.quality.grade == "good"


@pytest.mark.parametrize("seed", range(ARMS))
def test_nobody_is_lost_whatever_is_known(seed: int) -> None:
    one = arm(seed)
    start = RiskTable(time=np.zeros(1), n=np.array([one.n]))
    for risk, n_events in ((one.table(), None), (one.table(), int(one.event.sum())), (start, None), (start, 1)):
        rebuilt = rebuild_guyot(one.curve(), risk, n_events)
        assert rebuilt.n == one.n
        assert (np.diff(rebuilt.time) >= 0).all()
        assert rebuilt.time[-1] <= one.moments[-1]


@pytest.mark.parametrize("seed", range(0, ARMS, 4))
def test_an_impossible_number_at_risk_always_raises(seed: int) -> None:
    one = arm(seed)
    place = len(one.ticks) // 2
    # More than everyone who has had no event yet by the curve, if nobody were censored.
    dead = one.n - int(np.floor(one.n * at_clicks_before(one, one.ticks[place]) + 1e-6))
    impossible = one.n - max(dead, 1) + 1
    numbers = one.numbers.copy()
    numbers[1 : place + 1] = np.maximum(numbers[1 : place + 1], impossible)
    if dead == 0 or impossible > one.n:
        return
    with pytest.raises(cs.InputError, match="at risk"):
        cs.reconstruct_curve(one.clicks(), one.risk().assign(n_at_risk=numbers))


def at_clicks_before(one: Arm, tick: float) -> float:
    return float(one.levels[one.moments < tick].min(initial=1.0))


@pytest.mark.parametrize("seed", range(0, ARMS, 5))
def test_no_path_is_cheaper_than_the_best(seed: int) -> None:
    """The true path prints the same levels, so it can cost no less; its total is among those within the budget."""
    one = arm(seed)
    steps = find_steps(one.curve(), one.table(), None)
    lattice = Lattice.solve(steps, SIGMA)
    true_events = np.array([int((one.time[one.event] == moment).sum()) for moment in steps.time])
    true_at_risk = one.n - np.searchsorted(one.time, steps.time)
    residual = (steps.after - steps.before * (1 - true_events / true_at_risk)) / SIGMA
    cost = float((residual**2).sum()) + 0.001 * (one.n - int(true_events.sum()))
    best = lattice.best()
    assert best.cost <= cost + 1e-9
    totals = lattice.totals(max(4.0, cost - best.cost + 1e-6))
    assert int(true_events.sum()) in totals.cost
    for total, least in totals.cost.items():
        path = totals.path(total)
        off = (steps.after - steps.before * (1 - path.events / path.at_risk)) / SIGMA
        assert path.n_events == total
        assert float((off**2).sum()) + 0.001 * (one.n - total) == pytest.approx(least, abs=1e-6)
        assert least >= best.cost - 1e-9
        assert place_patients(steps, path).n == one.n


@pytest.mark.parametrize("seed", range(0, ARMS, 5))
def test_a_known_total_is_met_exactly_or_refused(seed: int) -> None:
    one = arm(seed)
    steps = find_steps(one.curve(), RiskTable(time=np.zeros(1), n=np.array([one.n])), None)
    lattice = Lattice.solve(steps, SIGMA)
    path = lattice.with_events(int(one.event.sum()))
    assert path.n_events == one.event.sum()
    if one.event.sum() < one.n:
        with pytest.raises(InfeasibleError, match="events cannot be"):
            lattice.with_events(one.n + 1)


def every_path(steps: object, sigma: float) -> list[tuple[float, int]]:
    """Cost and events of all paths, by trying every number at every step: for a handful of patients only."""
    found: list[tuple[float, int]] = []

    def go(step: int, left: int, cost: float, events: int) -> None:
        gap = steps.gaps[step]  # type: ignore[attr-defined]
        if gap.ticks and gap.numbers[0] > left:
            return
        if step == steps.number:  # type: ignore[attr-defined]
            found.append((cost + 0.001 * (steps.n - events), events))  # type: ignore[attr-defined]
            return
        most = min(left, gap.numbers[-1]) if gap.ticks else left
        exactly = gap.ticks and gap.ticks[-1] == steps.time[step]  # type: ignore[attr-defined]
        before, after = steps.before[step], steps.after[step]  # type: ignore[attr-defined]
        for n in range(most if exactly else 1, most + 1):
            wanted = n * (1 - after / before)
            for d in {int(np.floor(wanted + 1e-12)), int(np.ceil(wanted - 1e-12))} - {0}:
                off = (after - before * (1 - d / n)) / sigma
                if d <= n and abs(off) <= 5:
                    go(step + 1, n - d, cost + off * off, events + d)

    go(0, steps.n, 0.0, 0)  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("seed", range(40))
def test_few_patients_against_every_path(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(3, 10))
    time, event = np.ceil(random.exponential(6, n)), random.random(n) < 0.7
    moments = np.unique(time[event])
    level, levels = 1.0, []
    for moment in moments:
        level *= 1 - (event & (time == moment)).sum() / (time >= moment).sum()
        levels.append(np.floor(level * 100 + 0.5) / 100)
    curve = Curve(
        time=np.append(0, [*moments, time.max() + 1]),
        survival=np.append(1, [*levels, *(levels or [1.0])[-1:]]),
        clicked=np.ones(len(moments) + 2, dtype=bool),
    )
    ticks = np.array([0.0, *np.unique(random.integers(1, 12, 2))])
    ticks = ticks[ticks <= time.max()]
    risk = RiskTable(time=ticks, n=np.array([int((time >= tick).sum()) for tick in ticks]))
    steps = find_steps(curve, risk, None)
    sigma = sigma_of_digits(0.01)
    paths = every_path(steps, sigma)
    lattice = Lattice.solve(steps, sigma)
    assert lattice.best_cost == pytest.approx(min(cost for cost, _ in paths), abs=1e-9)
    limit = lattice.best_cost + 4
    within = {events: min(c for c, e in paths if e == events) for cost, events in paths if cost <= limit}
    assert lattice.totals().cost == pytest.approx(within, abs=1e-9)
    from cohortstats.published.curve.near_optimal import near_paths

    near = near_paths(lattice, n_events=None, seed=1)
    assert near.how == "all"
    assert sorted(path.cost for path in near.paths) == pytest.approx(
        sorted(c for c, _ in paths if c <= limit), abs=1e-9
    )
