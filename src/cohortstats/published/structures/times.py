"""Times put on one order of all patients, so that its median and limits print as the paper has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import chain, pairwise, product

import numpy as np
import numpy.typing as npt

from cohortstats.errors import InputError
from cohortstats.published.structures.orders import Structures, SurvivalSpec
from cohortstats.published.structures.patterns import LATEST, PrintedTriple, propagate

__all__ = ["GroupTimes", "place_times"]

Ints = npt.NDArray[np.int64]
FARTHEST, MOST_CHOICES, MOST_SUMS = 100_000, 300, 7
FOLLOW_UP = 365  # units of follow-up when the print holds no time at all


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupTimes:
    """Times of one group in their order.

    Parameters
    ----------
    level
        The group.
    time
        Times in the unit of the print.
    event
        Whether each is an event; else it is a censoring.
    texts
        The times as text without more digits than they need.
    """

    level: str
    time: npt.NDArray[np.float64]
    event: npt.NDArray[np.bool_]
    texts: tuple[str, ...]


def place_times(structure: Structures, spec: SurvivalSpec, seed: int = 1) -> tuple[GroupTimes, ...]:
    """Times of one order: whole steps, strictly increasing, medians and limits where they are printed.

    Parameters
    ----------
    structure
        One order; of several, the first.
    spec
        What is printed.
    seed
        Which of the possible times; the same seed gives the same times.

    Returns
    -------
    tuple of GroupTimes
        One a group, in the order of the print.

    Raises
    ------
    InputError
        When there is no order, or no times fit it.

    Examples
    --------
    >>> from cohortstats.printed import Printed
    >>> from cohortstats.published.structures.orders import first_structure
    >>> from cohortstats.shipped import shipped_study
    >>> spec = SurvivalSpec.of(Printed.read(shipped_study("sakai2018")), "figure1")
    >>> yes, no = place_times(first_structure(spec, (8, 8), seed=1), spec, seed=1)
    >>> float(yes.time[yes.event][0]), float(no.time[no.event][0])
    (36.0, 187.0)
    """
    if not len(structure):
        raise InputError(f"{spec.id}: there is no order of times to place.")
    rng = np.random.default_rng(seed)
    steps = _steps(structure, spec, rng)
    if steps is None:
        raise InputError(f"{spec.id}: no times fit this order.")
    group, events = structure.group[0], structure.events[0]
    found = []
    for place, one in enumerate(spec.groups):
        own = group == place
        times = [int(step) * spec.step for step in steps[own]]
        texts = tuple(_text(time) for time in times)
        found.append(
            GroupTimes(level=one.level, time=np.array([float(text) for text in texts]), event=events[own], texts=texts)
        )
    return tuple(found)


def _text(time: Fraction) -> str:
    text = f"{Decimal(time.numerator) / Decimal(time.denominator):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _steps(structure: Structures, spec: SurvivalSpec, rng: np.random.Generator) -> Ints | None:
    lower, upper = structure.lower[:1].copy(), structure.upper[:1].copy()
    places, printed = structure.places[:1], spec.printed_times
    if not propagate(lower, upper, places, printed)[0]:
        return None
    # Single events of medians and limits first, as near to the printed value as they can be.
    for group, triple in enumerate(printed):
        for statistic, one in enumerate(triple):
            if one is None or one.single is None:
                continue
            first, second = places[0, 3 * group + statistic]
            if first >= 0 and second < 0 and not _fix(lower, upper, places, printed, first, _middle(one.single)):
                return None
    pairs = [
        (places[0, 3 * group + statistic], one)
        for group, triple in enumerate(printed)
        for statistic, one in enumerate(triple)
        if one is not None and one.double is not None and places[0, 3 * group + statistic, 1] >= 0
    ]
    if not _fix_pairs(lower, upper, places, printed, [(int(p[0]), int(p[1]), one.double) for p, one in pairs], rng):
        return None
    return _fill(lower[0], upper[0], rng)


def _middle(ends: tuple[int, int]) -> int:
    """The step of a printed value: the middle of those that print as it."""
    return (ends[0] + ends[1] + 1) // 2


def _fix(lower: Ints, upper: Ints, places: Ints, printed: Sequence[PrintedTriple], mark: int, wanted: int) -> bool:
    """Set a mark to the nearest possible step."""
    step = min(max(wanted, int(lower[0, mark])), int(upper[0, mark]))
    lower[0, mark] = upper[0, mark] = step
    return bool(propagate(lower, upper, places, list(printed))[0])


def _fix_pairs(
    lower: Ints,
    upper: Ints,
    places: Ints,
    printed: Sequence[PrintedTriple],
    pairs: Sequence[tuple[int, int, tuple[int, int] | None]],
    rng: np.random.Generator,
) -> bool:
    """Choose both events of every midpoint, with a step back where the choice leaves nothing for the next one."""
    if not pairs:
        return True
    first, second, double = pairs[0]
    assert double is not None
    least, most = int(lower[0, first]), int(upper[0, first])
    choices = rng.permutation(np.unique(np.linspace(least, min(most, least + FARTHEST), MOST_CHOICES).astype(np.int64)))
    order = [*choices.tolist(), least, most]
    spread = np.unique(np.linspace(double[0], double[1], MOST_SUMS).astype(np.int64)).tolist()
    sums = sorted({*spread, _middle(double)}, key=lambda total: (abs(total - _middle(double)), total))
    # A midpoint on the very end of what prints as the string would print so by exact arithmetic only.
    inner = [total for total in sums if double[0] < total < double[1]]
    for one, total in chain(product(order, inner), product(order, sums)):
        low, high = lower.copy(), upper.copy()
        low[0, first] = high[0, first] = one
        low[0, second] = max(low[0, second], total - one)
        high[0, second] = min(high[0, second], total - one)
        if low[0, second] > high[0, second]:
            continue
        if propagate(low, high, places, list(printed))[0] and _fix_pairs(low, high, places, printed, pairs[1:], rng):
            lower[:], upper[:] = low, high
            return True
    return False


def _fill(lower: Ints, upper: Ints, rng: np.random.Generator) -> Ints:
    """Every other mark at random between those that are fixed."""
    n = len(lower)
    fixed = np.flatnonzero(lower == upper)
    steps = lower.copy()
    last = int(steps[fixed[-1]]) if len(fixed) else 0
    horizon = max(int(lower[-1]), last + max(last // 2, n), 0 if len(fixed) else FOLLOW_UP)
    bounds = [-1, *fixed.tolist(), n]
    for before, after in pairwise(bounds):
        marks = np.arange(before + 1, after)
        if not len(marks):
            continue
        start = 1 if before < 0 else int(steps[before]) + 1
        end = horizon if after == n else int(steps[after]) - 1
        # First and last steps of single marks may be narrower than those of their neighbours.
        low = np.maximum(lower[marks], start)
        high = np.minimum(np.minimum(upper[marks], LATEST), end)
        free = (
            np.sort(rng.integers(0, end - start + 1 - len(marks) + 1, size=len(marks))) + np.arange(len(marks)) + start
        )
        found = np.minimum(np.maximum(free, low), high)
        steps[marks] = _increasing(found, low, high)
    return steps


def _increasing(steps: Ints, lower: Ints, upper: Ints) -> Ints:
    """The nearest strictly increasing steps inside their ends, which allow some."""
    ramp = np.arange(len(steps))
    upward = np.maximum.accumulate(np.maximum(steps, lower) - ramp) + ramp
    latest = np.minimum.accumulate((upper - ramp)[::-1])[::-1] + ramp
    return np.minimum(upward, latest)
