"""Patients behind a clicked curve by the algorithm of Guyot and others, with nobody lost.

Guyot, Ades, Ouwens and Welton 2012, BMC Medical Research Methodology 12:9. Inside each interval of the risk table a
number of censorings is spread evenly, events follow from the clicks, and the number is raised until as many are left as
the table says. A click is read at every time of the table, so intervals are those of the table.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from cohortstats.published.curve.at_risk import RiskTable
from cohortstats.published.curve.repairs import Curve, Repair
from cohortstats.stats.doors import number_text

__all__ = ["Rebuilt", "rebuild_guyot"]

Floats = NDArray[np.float64]

MOST_TURNS = 50
FAR_OFF = 0.05  # a level that the estimate may miss at most before the last interval is asked again
POWERS = (1, 2, 3, 5, 8)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rebuilt:
    """Patients of one curve.

    Parameters
    ----------
    time, event
        One value a patient; at a time with both, events come first.
    repairs
        Where the input could not be met.
    """

    time: Floats
    event: NDArray[np.bool_]
    repairs: tuple[Repair, ...] = ()

    @property
    def n(self) -> int:
        """Patients."""
        return int(self.time.size)


class _Interval:
    """One interval of the risk table: where the curve falls in it, and where censorings may be."""

    __slots__ = ("drops", "even", "length", "levels", "marks", "places", "power", "start", "stop")

    def __init__(self, start: float, stop: float, drops: list[float], levels: list[float], marks: list[float] | None):
        self.start, self.stop, self.length = start, stop, stop - start
        self.drops, self.levels = drops, levels
        self.marks = marks or None
        if self.marks:
            self.places = [bisect_left(self.marks, drop) / len(self.marks) for drop in drops]
        else:
            self.places = [(drop - start) / self.length if self.length else 0.0 for drop in drops]
        self.even, self.power = self.places, 1

    def front_load(self, power: int) -> None:
        """Spread censorings at shares u^power of the interval instead of u: the sooner, the higher the power."""
        if not self.marks:
            self.power, self.places = power, [place ** (1 / power) for place in self.even]

    def worst(self, n: int, km: float, censored: int, events: list[int]) -> float:
        """Largest difference of the estimate from a level, with these censorings and events."""
        spread, offset = (censored, 0.5) if self.marks else (censored + 1, 0.0)
        worst, happened = 0.0, 0
        for place, level, d in zip(self.places, self.levels, events, strict=True):
            at_risk = n - happened - (max(ceil(place * spread + offset - 1 - 1e-9), 0) if censored else 0)
            if d:
                km *= 1 - d / at_risk
            happened += d
            worst = max(worst, abs(km - level))
        return worst

    def events(self, n: int, km: float, censored: int) -> tuple[list[int], float, int]:
        """Events at each drop among n at the start, the estimate after the last, and how many they are."""
        # Before a share p of the interval there are j = 1, 2, … with j/(c + 1) < p of evenly spread censorings, and of
        # marks chosen evenly those with (j - 1/2)/c < p.
        spread, offset = (censored, 0.5) if self.marks else (censored + 1, 0.0)
        events = []
        total = 0
        for place, level in zip(self.places, self.levels, strict=True):
            before = ceil(place * spread + offset - 1 - 1e-9) if censored else 0
            at_risk = n - total - (before if before > 0 else 0)
            d = int(at_risk * (1 - level / km) + 0.5) if km > 0 and at_risk > 0 else 0
            if d > 0:
                km *= 1 - d / at_risk
                total += d
            else:
                d = 0
            events.append(d)
        return events, km, total

    def censor_times(self, censored: int, late: int) -> list[float]:
        """Times of the censorings, and of ``late`` more between the last drop and the end."""
        if self.marks:
            count = len(self.marks)
            times = [self.marks[min(int((j + 0.5) * count / censored), count - 1)] for j in range(censored)]
        else:
            shares = [j / (censored + 1) for j in range(1, censored + 1)]
            times = [self.start + self.length * share**self.power for share in shares]
        last = self.drops[-1] if self.drops else self.start
        step = (self.stop - last) / (late + 1)
        return times + [last + j * step for j in range(1, late + 1)]


def rebuild_guyot(curve: Curve, risk: RiskTable, n_events: int | None = None, marks: Floats | None = None) -> Rebuilt:
    """Patients behind a curve.

    Parameters
    ----------
    curve
        The mended curve.
    risk
        Numbers at risk, the first at time 0.
    n_events
        Total of events, when known.
    marks
        Times of censor marks in order, used instead of evenly spread ones.

    Returns
    -------
    Rebuilt
        As many patients as are at risk at time 0.
    """
    risk = _until_end(risk, curve.end)
    intervals = _intervals(curve, risk, marks)
    numbers = risk.n.tolist()
    n = numbers[0]
    km, level = 1.0, 1.0
    total = lost = 0
    span = 0.0
    events: list[int] = []
    times: list[float] = []
    out: list[float] = []
    repairs: list[Repair] = []
    last = len(intervals) - 1
    for place, interval in enumerate(intervals):
        late = 0
        if place < last:
            wanted = numbers[place + 1]
            end = interval.levels[-1] if interval.levels else level
            guess = int(n * end / level - wanted + 0.5) if level > 0 else n - wanted
            censored, late, found = _meet_table(interval, n, km, wanted, guess)
        else:
            censored, found = _last_interval(interval, n, km, total, lost / span if span else 0.0, n_events)
        d, km, happened = found
        left = n - happened - censored - late
        if place < last and left != numbers[place + 1]:
            at = number_text(interval.stop)
            what = f"{numbers[place + 1]} at risk not reached, {left} are left"
            repairs.append(Repair(what=what, count=1, where=at))
        out += interval.censor_times(censored, late)
        events += d
        times += interval.drops
        n, total, lost = left, total + happened, lost + censored + late
        span += interval.length
        level = interval.levels[-1] if interval.levels else level
    end = intervals[-1].stop
    if intervals[-1].power > 1:
        what = "censorings set earlier than evenly, for the total of events"
        repairs.append(Repair(what=what, count=intervals[-1].power, where=f"from {number_text(intervals[-1].start)}"))
    if n_events is not None and total != n_events:
        repairs.append(
            Repair(what=f"{n_events} events not reached, {total} are rebuilt", count=1, where=number_text(end))
        )
    time = np.concatenate([np.repeat(times, events), out, np.full(n, end)])
    event = np.zeros(time.size, dtype=bool)
    event[:total] = True
    order = np.lexsort((~event, time))
    assert time.size == numbers[0], "every patient comes out"
    return Rebuilt(time=time[order], event=event[order], repairs=tuple(repairs))


def _until_end(risk: RiskTable, end: float) -> RiskTable:
    """Numbers at risk without a 0 behind the end of the curve, where who is left at the end is gone anyway."""
    kept = (risk.time <= end) | (risk.n > 0)
    return risk if kept.all() else dataclasses.replace(risk, time=risk.time[kept], n=risk.n[kept], lines=None)


def _intervals(curve: Curve, risk: RiskTable, marks: Floats | None) -> list[_Interval]:
    """From each number at risk to the next, the last to the end of the curve."""
    falls = np.flatnonzero(curve.survival[1:] < curve.survival[:-1]) + 1
    drops, levels = curve.time[falls].tolist(), curve.survival[falls].tolist()
    starts = risk.time.tolist()
    stops = [*starts[1:], max(curve.end, starts[-1])]
    pool = None if marks is None else marks.tolist()
    found = []
    first = 0
    for place, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        # A number at risk counts who has the event at its time: a drop at a tick is of the interval that starts there.
        after = len(drops) if place == len(starts) - 1 else bisect_left(drops, stop, first)
        mine = None if pool is None else pool[bisect_left(pool, start) : bisect_left(pool, stop)]
        found.append(_Interval(start, stop, drops[first:after], levels[first:after], mine))
        first = after
    return found


_Found = tuple[list[int], float, int]


def _meet_table(interval: _Interval, n: int, km: float, wanted: int, guess: int) -> tuple[int, int, _Found]:
    """Censorings with which those left are those of the table, some of them late where no spread is exact."""
    censored = min(max(guess, 0), n)
    best: tuple[int, int, _Found] | None = None
    tried: dict[int, int] = {}
    for _ in range(MOST_TURNS):
        found = interval.events(n, km, censored)
        surplus = n - found[2] - censored - wanted
        if surplus == 0:
            return censored, 0, found
        if surplus > 0 and (best is None or surplus < best[1]):
            best = censored, surplus, found
        tried[censored] = surplus
        following = min(max(censored + surplus, 0), n)
        if following in tried:  # no spread is exact: the nearest one that leaves too many is completed late
            following = censored - 1 if surplus < 0 else censored + 1
            if following in tried or following < 0:
                break
        censored = following
    if best is not None:
        return best
    found = interval.events(n, km, 0)
    return 0, 0, found


def _last_interval(
    interval: _Interval, n: int, km: float, before: int, rate: float, n_events: int | None
) -> tuple[int, _Found]:
    """Censorings from the last number at risk on: until the events total, else at the rate before it."""
    if n_events is not None:
        return _until_total(interval, n, km, n_events - before)
    guess = len(interval.marks) if interval.marks else int(rate * interval.length + 0.5)
    censored, found = _at_most_left(interval, n, km, min(guess, n))
    # The rate before it says little of a last interval with few patients: the clicks decide how many it can be.
    while censored > 0 and not interval.marks and interval.worst(n, km, censored, found[0]) > FAR_OFF:
        fewer = censored // 2
        again = interval.events(n, km, fewer)
        if interval.worst(n, km, fewer, again[0]) >= interval.worst(n, km, censored, found[0]):
            break
        censored, found = fewer, again
    return censored, found


def _until_total(interval: _Interval, n: int, km: float, wanted: int) -> tuple[int, _Found]:
    """Censorings with which the events total is met: more of them are fewer events, and sooner, too, if need be.

    A total for which the estimate would leave the clicks is not met, only neared.
    """
    found = interval.events(n, km, 0)
    best = (False, abs(found[2] - wanted)), 0, found, 1
    if found[2] <= wanted:
        return 0, found
    for power in POWERS:
        interval.front_load(power)
        low, high = 0, n
        while low < high:
            middle = (low + high) // 2
            happened = interval.events(n, km, middle)[2]
            if happened > wanted and middle + happened < n:
                low = middle + 1
            else:
                high = middle
        for censored in range(max(low - 3, 0), min(low + 4, n + 1)):
            found = interval.events(n, km, censored)
            if censored + found[2] <= n:
                far = interval.worst(n, km, censored, found[0]) > FAR_OFF
                best = min(best, ((far, abs(found[2] - wanted)), censored, found, power), key=lambda one: one[0])
        if best[0] == (False, 0) or interval.marks:
            break
    interval.front_load(best[3])
    return best[1], best[2]


def _at_most_left(interval: _Interval, n: int, km: float, censored: int) -> tuple[int, _Found]:
    """So many censorings, or as many fewer as there are patients left for."""
    while True:
        found = interval.events(n, km, censored)
        over = censored + found[2] - n
        if over <= 0 or censored == 0:
            return censored, found
        censored = max(censored - over, 0)
