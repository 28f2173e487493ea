"""Orders of events and censorings in one group that give its printed median and limits, and a compact graph of them.

A Kaplan-Meier curve without equal times depends on nothing but the order of events and censorings, so the printed
median and limits can be asked of orders alone. Times are whole numbers of a smallest step: the unit itself where times
are whole, else a hundredth of the last printed digit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from cohortstats.printed import fold_text, is_not_reached
from cohortstats.stats.kaplan_meier import LimitType, band_limits

__all__ = ["LATEST", "Graph", "GroupPrint", "Patterns", "PrintedTime", "graph_of", "patterns_of", "propagate"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LATEST = 1 << 40
"""A step after every time."""
TIE = np.sqrt(np.finfo(float).eps)  # R's tolerance: a curve this near to one half is one half
ROWS = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedTime:
    """Which steps print as a string.

    Parameters
    ----------
    text
        The printed string.
    reached
        False where the print says that there is no such time.
    single
        First and last step of one event time that prints as the string; None when none does.
    double
        First and last sum of two event times whose midpoint prints as it; None when none does.
    reading
        The nearest possible time, when no time prints as the string and this one is taken instead.
    """

    text: str
    reached: bool
    single: tuple[int, int] | None = None
    double: tuple[int, int] | None = None
    reading: str = ""

    @classmethod
    def of(cls, text: str, step: Fraction, *, midpoints: bool = True) -> PrintedTime | None:
        """Steps of a printed median or limit; None when nothing is printed.

        Parameters
        ----------
        text
            The printed string.
        step
            The smallest step.
        midpoints
            Whether the nearest possible time may be a midpoint of two steps.

        Examples
        --------
        >>> PrintedTime.of("318.0", Fraction(1))
        PrintedTime(text='318.0', reached=True, single=(318, 318), double=(636, 636), reading='')
        >>> PrintedTime.of("56.6", Fraction(1))
        PrintedTime(text='56.6', reached=True, single=None, double=(113, 113), reading='56.5')
        >>> PrintedTime.of("NA", Fraction(1))
        PrintedTime(text='NA', reached=False, single=None, double=None, reading='')
        """
        folded = fold_text(text)
        if not folded:
            return None
        if is_not_reached(folded):
            return cls(text=text, reached=False)
        value = Fraction(Decimal(folded))
        half = Fraction(1, 2 * 10 ** len(folded.partition(".")[2]))
        single = _steps(value - half, value + half, step)
        double = _steps(2 * (value - half), 2 * (value + half), step)
        reading = ""
        if double is None or (single is None and not midpoints):
            # No time prints as the string: the nearest one stands for it, of two equally near the smaller.
            parts = 2 if midpoints else 1
            low = (parts * value / step).__floor__()
            nearest = min((low, low + 1), key=lambda steps: (abs(steps * step / parts - value), steps))
            time = nearest * step / parts
            reading = _decimal_text(time)
            single = (nearest // parts, nearest // parts) if nearest % parts == 0 else None
            double = (nearest * 2 // parts, nearest * 2 // parts)
        return cls(text=text, reached=True, single=single, double=double, reading=reading)


def _steps(low: Fraction, high: Fraction, step: Fraction) -> tuple[int, int] | None:
    """Whole steps in ``[low, high)``."""
    first, last = (low / step).__ceil__(), (high / step).__ceil__() - 1
    return (first, last) if first <= last else None


def _decimal_text(value: Fraction) -> str:
    """A time as text without more digits than it needs.

    Examples
    --------
    >>> _decimal_text(Fraction(113, 2)), _decimal_text(Fraction(57))
    ('56.5', '57')
    """
    text = f"{Decimal(value.numerator) / Decimal(value.denominator):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPrint:
    """What is printed of one group.

    Parameters
    ----------
    level
        Name of the group.
    median, lower, upper
        What they print as; None when they are not printed.
    n, events
        Printed numbers of patients and of events; None when they are not printed.
    """

    level: str
    median: PrintedTime | None = None
    lower: PrintedTime | None = None
    upper: PrintedTime | None = None
    n: int | None = None
    events: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patterns:
    """Orders of one group, one row each.

    Parameters
    ----------
    n
        Patients of the group.
    events
        Whether each mark is an event; else it is a censoring.
    places
        Places of the lower limit, the median and the upper limit, each a pair: the event, and the second one of a
        midpoint; -1 for none.
    lower, upper
        First and last possible step of every mark.
    """

    n: int
    events: Bools
    places: Ints  # order, statistic, 2
    lower: Ints
    upper: Ints

    def __len__(self) -> int:
        return len(self.events)

    @property
    def codes(self) -> Ints:
        """The orders as binary numbers, the first mark the highest digit; ascending."""
        return codes_of(self.events)


def codes_of(events: Bools) -> Ints:
    """Rows of marks as binary numbers, the first mark the highest digit."""
    powers = np.int64(1) << np.arange(events.shape[1] - 1, -1, -1, dtype=np.int64)
    return events.astype(np.int64) @ powers


def patterns_of(
    group: GroupPrint, n: int, *, ci: LimitType, z: float, least_events: int = 0, reached: bool = True
) -> Patterns:
    """Every order of ``n`` events and censorings that prints a group's median and limits.

    Parameters
    ----------
    group
        What is printed.
    n
        Patients of the group.
    ci, z
        Kind of the limits, and the normal quantile of their level.
    least_events
        Fewest events.
    reached
        False to ask only whether limits are reached, not where they lie.

    Examples
    --------
    >>> step = Fraction(1)
    >>> group = GroupPrint(
    ...     level="yes",
    ...     median=PrintedTime.of("56.6", step),
    ...     lower=PrintedTime.of("36", step),
    ...     upper=PrintedTime.of("NA", step),
    ... )
    >>> len(patterns_of(group, 8, ci="log-log", z=1.959963984540054, least_events=4))
    24
    """
    kept = list(_kept(group, n, ci, z, least_events, reached))
    if not kept:
        empty = np.zeros((0, n), dtype=np.int64)
        return Patterns(n=n, events=empty > 0, places=np.zeros((0, 3, 2), np.int64), lower=empty, upper=empty)
    events = np.concatenate([some for some, _ in kept])
    places = np.concatenate([some for _, some in kept])
    lower = np.broadcast_to(np.arange(1, n + 1, dtype=np.int64), events.shape).copy()
    upper = np.broadcast_to(LATEST - np.arange(n, 0, -1, dtype=np.int64), events.shape).copy()
    if reached:
        narrow(lower, upper, places, [(group.lower, group.median, group.upper)])
        possible = propagate(lower, upper, places, [(group.lower, group.median, group.upper)])
        events, places, lower, upper = events[possible], places[possible], lower[possible], upper[possible]
    return Patterns(n=n, events=events, places=places, lower=lower, upper=upper)


def _kept(
    group: GroupPrint, n: int, ci: LimitType, z: float, least_events: int, reached: bool
) -> Iterator[tuple[Bools, Ints]]:
    at_risk = np.arange(n, 0, -1)
    factor = (at_risk - 1) / at_risk
    with np.errstate(divide="ignore"):
        share = np.where(at_risk > 1, 1 / (at_risk * (at_risk - 1.0)), 0)
    shifts = np.arange(n - 1, -1, -1, dtype=np.int64)
    for start in range(0, 1 << n, ROWS):
        codes = np.arange(start, min(start + ROWS, 1 << n), dtype=np.int64)
        events = (codes[:, None] >> shifts & 1).astype(bool)
        n_events = events.sum(axis=1)
        keep = n_events >= least_events
        if group.events is not None:
            keep &= n_events == group.events
        events = events[keep]
        survival: Floats = np.cumprod(np.where(events, factor, 1.0), axis=1).astype(np.float64)
        greenwood: Floats = np.cumsum(np.where(events, share, 0.0), axis=1).astype(np.float64)
        low, high = band_limits(survival, greenwood, ci, z)
        places = np.full((len(events), 3, 2), -1, dtype=np.int64)
        keep = np.ones(len(events), dtype=bool)
        for place, (printed, curve) in enumerate(((group.lower, low), (group.median, survival), (group.upper, high))):
            if printed is None:
                continue
            first, second = crossing(curve)
            places[:, place, 0], places[:, place, 1] = first, second
            if not printed.reached:
                keep &= first < 0
                continue
            there = first >= 0
            if reached:
                there &= np.where(second < 0, printed.single is not None, printed.double is not None)
            keep &= there
        yield events[keep], places[keep]


def crossing(curve: npt.NDArray[np.float64]) -> tuple[Ints, Ints]:
    """Where each row first comes to one half: the place, and the place of the next drop when it stops exactly on it."""
    defined = ~np.isnan(curve)
    below = defined & (curve < 0.5 + TIE)
    rows = np.arange(len(curve))
    some = below.any(axis=1)
    first = np.argmax(below, axis=1)
    value = curve[rows, first]
    on_half = some & (np.abs(value - 0.5) < TIE)
    drops = defined & (curve < value[:, None]) & (np.arange(curve.shape[1]) > first[:, None])
    second = np.where(on_half & drops.any(axis=1), np.argmax(drops, axis=1), -1)
    return np.where(some, first, -1), second


PrintedTriple = tuple[PrintedTime | None, PrintedTime | None, PrintedTime | None]


def narrow(lower: Ints, upper: Ints, places: Ints, printed: list[PrintedTriple]) -> None:
    """Put the printed times into first and last possible steps, in place."""
    for group, triple in enumerate(printed):
        for statistic, one in enumerate(triple):
            if one is None or not one.reached or one.single is None:
                continue
            first, second = places[:, 3 * group + statistic, 0], places[:, 3 * group + statistic, 1]
            rows = np.flatnonzero((first >= 0) & (second < 0))
            at = first[rows]
            lower[rows, at] = np.maximum(lower[rows, at], one.single[0])
            upper[rows, at] = np.minimum(upper[rows, at], one.single[1])


def propagate(lower: Ints, upper: Ints, places: Ints, printed: list[PrintedTriple]) -> Bools:
    """Draw in first and last steps until they agree with the order and the midpoints; which rows are still possible.

    Each mark comes at least one step after the one before it, and the two events of a midpoint add up to twice what
    is printed.
    """
    n = lower.shape[1]
    ramp = np.arange(n, dtype=np.int64)
    for _ in range(2 * n + 4):
        before = lower.sum() - upper.sum()
        np.maximum.accumulate(lower - ramp, axis=1, out=lower)
        lower += ramp
        upper[:] = np.minimum.accumulate((upper - ramp)[:, ::-1], axis=1)[:, ::-1] + ramp
        for group, triple in enumerate(printed):
            for statistic, one in enumerate(triple):
                if one is None or not one.reached or one.double is None:
                    continue
                first, second = places[:, 3 * group + statistic, 0], places[:, 3 * group + statistic, 1]
                rows = np.flatnonzero(second >= 0)
                j, k = first[rows], second[rows]
                least, most = one.double
                gap = k - j
                upper[rows, j] = np.minimum(upper[rows, j], np.minimum(most - lower[rows, k], (most - gap) // 2))
                lower[rows, j] = np.maximum(lower[rows, j], least - upper[rows, k])
                upper[rows, k] = np.minimum(upper[rows, k], most - lower[rows, j])
                lower[rows, k] = np.maximum(lower[rows, k], np.maximum(least - upper[rows, j], -((-least - gap) // 2)))
        if lower.sum() - upper.sum() == before:
            break
    return np.asarray((lower <= upper).all(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Graph:
    """Orders of one group as paths from one start to one end: what continues alike is one node.

    Parameters
    ----------
    depth
        Marks before each node; node 0 is the start.
    child
        Node behind a censoring and behind an event; -1 for none.
    lower, upper
        First and last possible step of that mark.
    """

    n: int
    depth: Ints
    child: Ints  # node, kind
    lower: Ints
    upper: Ints


def graph_of(patterns: Patterns) -> Graph:
    """The graph of some orders.

    Examples
    --------
    >>> everything = patterns_of(GroupPrint(level="all"), 6, ci="log-log", z=1.96)
    >>> len(everything), len(graph_of(everything).depth)
    (64, 7)
    """
    n = patterns.n
    codes = patterns.codes
    levels: list[npt.NDArray[np.int64]] = [np.zeros((1, 6), dtype=np.int64)]  # rows of the nodes of a depth
    ids = np.zeros(len(np.unique(codes)), dtype=np.int64)
    prefixes = np.unique(codes)
    for depth in range(n - 1, -1, -1):
        # Of each prefix one mark longer: the widest steps of its last mark.
        at = np.searchsorted(prefixes, codes >> (n - 1 - depth))
        low = np.full(len(prefixes), LATEST, dtype=np.int64)
        high = np.zeros(len(prefixes), dtype=np.int64)
        np.minimum.at(low, at, patterns.lower[:, depth])
        np.maximum.at(high, at, patterns.upper[:, depth])
        shorter, place = np.unique(prefixes >> 1, return_inverse=True)
        kind = prefixes & 1
        rows = np.full((len(shorter), 6), -1, dtype=np.int64)
        for one in (0, 1):
            of = kind == one
            rows[place[of], 3 * one] = ids[of]
            rows[place[of], 3 * one + 1] = low[of]
            rows[place[of], 3 * one + 2] = high[of]
        distinct, ids = np.unique(rows, axis=0, return_inverse=True)
        ids = ids.reshape(-1)
        levels.append(distinct)
        prefixes = shorter
    levels.reverse()
    sizes = [len(level) for level in levels]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    depth_of = np.repeat(np.arange(n + 1), sizes)
    rows = np.concatenate(levels)
    child = rows[:, [0, 3]]
    shift = starts[np.minimum(depth_of + 1, n)][:, None]
    child = np.where(child >= 0, child + shift, -1)
    child[depth_of == n] = -1
    return Graph(n=n, depth=depth_of, child=child, lower=rows[:, [1, 4]], upper=rows[:, [2, 5]])
