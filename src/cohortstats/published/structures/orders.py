"""Orders of all times of a printed survival figure that print its medians, limits and P.

A *structure* is the order of all patients' times with group and event marks, no two times equal. The printed median,
limits and log-rank P depend on nothing else, so all structures together are what the figure says, and every statistic
that an order fixes has the range that it takes over them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cohortstats.errors import InputError
from cohortstats.published.structures.patterns import (
    LATEST,
    Patterns,
    PrintedTime,
    codes_of,
    graph_of,
    narrow,
    patterns_of,
    propagate,
)
from cohortstats.published.structures.search import Orders, interleavings
from cohortstats.published.structures.spec import EVERY_ORDER, FIRST_ORDER, SurvivalSpec
from cohortstats.stats.kaplan_meier import LimitType

__all__ = ["Structures", "SurvivalSpec", "first_structure", "limits_possible", "structure_batches", "structures"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOST = 250_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Structures:
    """Orders of all times, one row each.

    Parameters
    ----------
    spec
        What they print.
    sizes
        Patients in each group.
    group
        Place of the group of each mark.
    events
        Whether each mark is an event; else it is a censoring.
    places
        For each group its lower limit, median and upper limit, each a pair of marks: the event, and the second one of a
        midpoint; -1 for none.
    lower, upper
        First and last possible step of every mark.
    difference, variance
        Observed minus expected events of the first group, and its variance; 0 for one group.
    n_patterns
        Orders of each group alone that print its median and limits.
    complete
        Whether these are all.
    """

    spec: SurvivalSpec
    sizes: tuple[int, ...]
    group: Ints
    events: Bools
    places: Ints  # order, 3 x groups, 2
    lower: Ints
    upper: Ints
    difference: Floats
    variance: Floats
    n_patterns: tuple[int, ...]
    complete: bool

    def __len__(self) -> int:
        return len(self.events)

    def __getitem__(self, rows: int | slice | Ints | Bools) -> Structures:
        """Some of them; of a single place, one."""
        chosen = slice(rows, rows + 1 or None) if isinstance(rows, (int, np.integer)) else rows
        names = ("group", "events", "places", "lower", "upper", "difference", "variance")
        from dataclasses import replace

        return replace(self, complete=False, **{name: getattr(self, name)[chosen] for name in names})

    @property
    def orders(self) -> list[str]:
        """Each as a string: a letter a group, capital for an event.

        Examples
        --------
        >>> from cohortstats.printed import Printed
        >>> from cohortstats.shipped import shipped_study
        >>> spec = SurvivalSpec.of(Printed.read(shipped_study("sakai2018")), "figure1")
        >>> structures(spec, (4, 12)).orders
        ['bAbAbbbbbbbbAABB']
        """
        table = np.frombuffer(b"abAB", dtype=np.uint8)
        codes = table[self.group + 2 * self.events]
        return [bytes(row).decode("ascii") for row in codes]

    @property
    def statistic(self) -> Floats:
        """Chi-squared of the log-rank test, with the hypergeometric variance."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.difference**2 / self.variance

    @property
    def p_value(self) -> Floats:
        """P of the log-rank test."""
        from scipy.special import chdtrc

        p: Floats = chdtrc(1, self.statistic)
        return p

    def n_events(self, group: int) -> Ints:
        """Events of a group."""
        found: Ints = (self.events & (self.group == group)).sum(axis=1)
        return found

    def begins_with(self, first: Sequence[int]) -> Bools:
        """Whether so many events of each group precede all other events."""
        early = self.events & (np.cumsum(self.events, axis=1) <= sum(first))
        found = [(early & (self.group == group)).sum(axis=1) == n for group, n in enumerate(first)]
        return np.asarray(np.logical_and.reduce(found))

    @property
    def censored_early(self) -> Bools:
        """Whether anyone is censored before the first group's median."""
        first, second = self.places[:, 1, 0], self.places[:, 1, 1]
        at = np.where(second >= 0, second, first)
        marks = np.arange(self.events.shape[1])
        return np.asarray((~self.events & (marks < at[:, None])).any(axis=1))

    @property
    def hazard_ratio(self) -> Floats:
        """Cox hazard ratio of the first group against the second; infinite or 0 where the likelihood is monotone.

        Notes
        -----
        Without equal times all treatments of ties agree. The score of the log ratio is brought to 0 by Newton's steps
        inside a bisection. It has no root where, while both groups are at risk, only one of them has events.
        """
        return _hazard_ratios(self.group, self.events)

    def survival_range(self, group: int, time: float) -> tuple[Floats, Floats]:
        """Smallest and largest Kaplan-Meier estimate at a time, over all times that an order can have."""
        steps = time / float(self.spec.step)
        # Marks that must come by then, and those that can.
        must = self.upper <= steps
        can = self.lower <= steps
        return self._estimate(group, can), self._estimate(group, must)

    def _estimate(self, group: int, by_then: Bools) -> Floats:
        own = self.group == group
        left = self.sizes[group] - np.cumsum(own, axis=1) + own
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(own & self.events & by_then, (left - 1) / left, 1.0)
        found: Floats = factor.prod(axis=1)
        return found


def structures(spec: SurvivalSpec, n_groups: Sequence[int], *, most: int = MOST) -> Structures:
    """Every order of all times that prints a figure, for given group sizes.

    Parameters
    ----------
    spec
        What is printed.
    n_groups
        Patients in each group, in the order of the print.
    most
        Stop after so many; the result is then not ``complete``.

    Returns
    -------
    Structures

    Raises
    ------
    InputError
        When there are too many patients for all orders.

    Notes
    -----
    No two times are equal. Adjacent censorings of the two groups commute; one order of them is kept. Equivalent to
    visiting every order with R's ``survfit`` and ``survdiff``.

    Examples
    --------
    >>> from cohortstats.printed import Printed
    >>> from cohortstats.shipped import shipped_study
    >>> spec = SurvivalSpec.of(Printed.read(shipped_study("sakai2018")), "figure1")
    >>> found = structures(spec, n_groups=(8, 8))
    >>> len(found), found.n_patterns, int(np.isinf(found.hazard_ratio).sum())
    (2131, (24, 214), 629)
    """
    sizes = _sizes(spec, n_groups, EVERY_ORDER)
    patterns = _patterns(spec, sizes)
    parts: list[Structures] = []
    total = 0
    for batch in _batches(spec, sizes, patterns, None):
        parts.append(batch)
        total += len(batch)
        if total > most:
            break
    return _joined(spec, sizes, patterns, parts, complete=total <= most)


def structure_batches(spec: SurvivalSpec, n_groups: Sequence[int]) -> Iterator[Structures]:
    """The same orders as of :func:`structures`, batch after batch, so that millions need no room.

    Examples
    --------
    >>> from cohortstats.printed import Printed
    >>> from cohortstats.shipped import shipped_study
    >>> spec = SurvivalSpec.of(Printed.read(shipped_study("sakai2018")), "figure1")
    >>> sum(len(batch) for batch in structure_batches(spec, (10, 6)))
    302
    """
    sizes = _sizes(spec, n_groups, EVERY_ORDER)
    yield from _batches(spec, sizes, _patterns(spec, sizes), None)


def first_structure(spec: SurvivalSpec, sizes: Sequence[int], seed: int = 1) -> Structures | None:
    """One order of all times that prints a figure, by chance; None when there is none.

    Parameters
    ----------
    spec
        What is printed.
    sizes
        Patients in each group.
    seed
        Which one: the same seed gives the same order.

    Returns
    -------
    Structures
        With one row.

    Raises
    ------
    InputError
        When there are too many patients.

    Examples
    --------
    >>> from cohortstats.printed import Printed
    >>> from cohortstats.shipped import shipped_study
    >>> spec = SurvivalSpec.of(Printed.read(shipped_study("sakai2018")), "figure1")
    >>> found = first_structure(spec, (8, 8), seed=1)
    >>> len(found), bool(0.00365 <= found.p_value[0] < 0.00375)
    (1, True)
    """
    n_groups = _sizes(spec, sizes, FIRST_ORDER)
    patterns = _patterns(spec, n_groups)
    rng = np.random.default_rng(seed)
    for batch in _batches(spec, n_groups, patterns, rng):
        if len(batch):
            one = batch[int(rng.integers(len(batch)))]
            return _joined(spec, n_groups, patterns, [one], complete=False)
    return None


def limits_possible(
    n: int,
    *,
    median: str = "",
    lower: str = "",
    upper: str = "",
    events: int | None = None,
    ci: LimitType = "log-log",
    ci_level: float = 0.95,
    whole: bool = False,
) -> bool:
    """Whether any order of events and censorings of ``n`` patients prints a median and its limits.

    Parameters
    ----------
    n
        Patients.
    median, lower, upper
        Printed strings; empty for not printed, ``NA`` for not reached.
    events
        Number of events, where it is printed.
    ci, ci_level
        Kind and level of the limits.
    whole
        Whether times are whole.

    Raises
    ------
    InputError
        When there are more patients than can be enumerated.

    Examples
    --------
    Without censoring the upper limit is not reached by 6 patients, and is by 7:

    >>> limits_possible(6, median="20", upper="NA", events=6), limits_possible(7, median="20", upper="NA", events=7)
    (True, False)
    """
    from fractions import Fraction

    from cohortstats.printed import fold_text
    from cohortstats.published.structures.patterns import GroupPrint

    digits = max(len(fold_text(text).partition(".")[2]) for text in (median, lower, upper))
    step = Fraction(1) if whole else Fraction(1, 10 ** (digits + 2))
    group = GroupPrint(
        level="all",
        median=PrintedTime.of(median, step),
        lower=PrintedTime.of(lower, step, midpoints=False),
        upper=PrintedTime.of(upper, step, midpoints=False),
        events=events,
    )
    spec = SurvivalSpec(id="curve", groups=(group,), ci=ci, ci_level=ci_level, step=step)
    (size,) = _sizes(spec, (n,), EVERY_ORDER)
    return len(patterns_of(group, size, ci=ci, z=spec.z)) > 0


# ---- inside


def _sizes(spec: SurvivalSpec, n_groups: Sequence[int], most: int) -> tuple[int, ...]:
    sizes = tuple(int(n) for n in n_groups)
    if len(sizes) != len(spec.groups):
        raise InputError(f"{spec.id} has {len(spec.groups)} groups, n_groups gives {len(sizes)} sizes.")
    if any(n < 1 for n in sizes):
        raise InputError(f"n_groups gives a group of {min(sizes)} patients.")
    if sum(sizes) > most:
        raise InputError(
            f"{spec.id} has {sum(sizes)} patients; all orders are enumerated up to {EVERY_ORDER} and a first one is "
            f"searched up to {FIRST_ORDER}. Above that a digitised curve is needed: cohortstats curve."
        )
    return sizes


def _patterns(spec: SurvivalSpec, sizes: tuple[int, ...]) -> tuple[Patterns, ...]:
    found = []
    for place, (group, n) in enumerate(zip(spec.groups, sizes, strict=True)):
        least = 0 if spec.first is None else min((some[place] for some in spec.first), default=0)
        if group.n is not None and group.n != n:
            raise InputError(f"{spec.id}/{group.level} prints {group.n} patients, n_groups gives {n}.")
        found.append(patterns_of(group, n, ci=spec.ci, z=spec.z, least_events=least))
    return tuple(found)


def _batches(
    spec: SurvivalSpec, sizes: tuple[int, ...], patterns: tuple[Patterns, ...], rng: np.random.Generator | None
) -> Iterator[Structures]:
    if any(not len(some) for some in patterns):
        return
    if len(patterns) == 1:
        events = patterns[0].events
        if spec.first is not None:
            # All events are of one group, so only their number can forbid anything.
            enough = events.sum(axis=1) >= min((some[0] for some in spec.first), default=0)
            events = events[enough]
        if rng is not None:
            events = events[rng.permutation(len(events))]
        nothing = np.zeros(len(events))
        orders = Orders(second=np.zeros_like(events), events=events, difference=nothing, variance=nothing)
        yield _placed(spec, sizes, patterns, orders)
        return
    one, two = (graph_of(some) for some in patterns)
    first = None if spec.first is None else frozenset((some[0], some[1]) for some in spec.first)
    for orders in interleavings((one, two), window=spec.window, first=first, rng=rng):
        yield _placed(spec, sizes, patterns, orders)


def _placed(spec: SurvivalSpec, sizes: tuple[int, ...], patterns: tuple[Patterns, ...], orders: Orders) -> Structures:
    """Complete orders with the places of medians and limits; those that no times can have are left out."""
    if spec.p is not None and len(sizes) == 2:
        from scipy.special import chdtrc

        with np.errstate(divide="ignore", invalid="ignore"):
            p = chdtrc(1, orders.difference**2 / orders.variance)
        low, high = spec.p
        keep = np.flatnonzero((p >= low) & ((p < high) | (high >= 1)))
        orders = Orders(**{name: getattr(orders, name)[keep] for name in Orders.__slots__})
    n, total = len(orders.events), sum(sizes)
    places = np.full((n, 3 * len(sizes), 2), -1, dtype=np.int64)
    group = orders.second.astype(np.int64)
    for index, (size, some) in enumerate(zip(sizes, patterns, strict=True)):
        own = group == index
        marks = np.nonzero(own)[1].reshape(n, size)
        row = np.searchsorted(some.codes, codes_of(orders.events[own].reshape(n, size)))
        inside = some.places[row]
        merged = np.take_along_axis(marks, np.maximum(inside, 0).reshape(n, 6), axis=1).reshape(n, 3, 2)
        places[:, 3 * index : 3 * index + 3] = np.where(inside >= 0, merged, -1)
    lower = np.broadcast_to(np.arange(1, total + 1, dtype=np.int64), (n, total)).copy()
    upper = np.broadcast_to(LATEST - np.arange(total, 0, -1, dtype=np.int64), (n, total)).copy()
    narrow(lower, upper, places, spec.printed_times)
    possible = propagate(lower, upper, places, spec.printed_times)
    return Structures(
        spec=spec,
        sizes=sizes,
        group=group[possible],
        events=orders.events[possible],
        places=places[possible],
        lower=lower[possible],
        upper=upper[possible],
        difference=orders.difference[possible],
        variance=orders.variance[possible],
        n_patterns=tuple(len(some) for some in patterns),
        complete=False,
    )


def _joined(
    spec: SurvivalSpec,
    sizes: tuple[int, ...],
    patterns: tuple[Patterns, ...],
    parts: Sequence[Structures],
    *,
    complete: bool,
) -> Structures:
    total, groups = sum(sizes), len(sizes)
    empty = {
        "group": np.zeros((0, total), np.int64),
        "events": np.zeros((0, total), bool),
        "places": np.zeros((0, 3 * groups, 2), np.int64),
        "lower": np.zeros((0, total), np.int64),
        "upper": np.zeros((0, total), np.int64),
        "difference": np.zeros(0),
        "variance": np.zeros(0),
    }
    arrays = {name: np.concatenate([none, *(getattr(part, name) for part in parts)]) for name, none in empty.items()}
    order = np.lexsort(tuple((arrays["group"] + 2 * arrays["events"]).T[::-1]))
    return Structures(
        spec=spec,
        sizes=sizes,
        n_patterns=tuple(len(some) for some in patterns),
        complete=complete,
        **{name: some[order] for name, some in arrays.items()},
    )


def _hazard_ratios(group: Ints, events: Bools) -> Floats:
    n = group.shape[1]
    own = group == 0
    a = np.cumsum(own[:, ::-1], axis=1)[:, ::-1].astype(float)
    b = np.arange(n, 0, -1) - a
    counts = events & (a > 0) & (b > 0)
    of_first = (counts & own).sum(axis=1)
    of_second = (counts & ~own).sum(axis=1)
    found = np.full(len(group), np.nan)
    found[(of_first > 0) & (of_second == 0)] = np.inf
    found[(of_first == 0) & (of_second > 0)] = 0.0
    rows = np.flatnonzero((of_first > 0) & (of_second > 0))
    a, b, counts, target = a[rows], b[rows], counts[rows], of_first[rows]
    low, high = np.full(len(rows), -60.0), np.full(len(rows), 60.0)
    at = np.zeros(len(rows))
    for _ in range(100):
        ratio = np.exp(at)[:, None]
        share = a * ratio / (a * ratio + b)
        gap = target - (share * counts).sum(axis=1)
        low, high = np.where(gap > 0, at, low), np.where(gap < 0, at, high)
        # Newton's step where it stays between what is known to be too low and too high, else the middle.
        step = at + gap / (share * (1 - share) * counts).sum(axis=1)
        following = np.where((step > low) & (step < high), step, (low + high) / 2)
        done = np.where(gap == 0, at, following)
        if np.abs(done - at).max(initial=0.0) < 1e-13:
            break
        at = done
    found[rows] = np.exp(done if len(rows) else at)
    return found
