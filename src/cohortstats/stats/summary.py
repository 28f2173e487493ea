"""Summary of a continuous measurement: quantiles with their type named, mean, standard deviation, range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.doors import check_fraction, read_numbers, refuse
from cohortstats.stats.results import RichResult, as_row

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OrderSummary", "SampleSummary", "order_summary", "sample_quantile", "sample_summary"]

QuantileType = Literal[2, 7]
FEW = 1_000  # values that are put in order as a whole


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SampleSummary(RichResult):
    """Result of `sample_summary`, in the unit of the values; ``q1`` and ``q3`` are of type ``quartiles``."""

    n: int
    mean: float
    sd: float
    min: float
    q1: float
    median: float
    q3: float
    max: float
    quartiles: int
    reason: str

    def to_frame(self) -> pd.DataFrame:
        """One row: n, mean, sd, min, q1, median, q3, max, quartiles, reason."""
        return as_row(self, ("n", "mean", "sd", "min", "q1", "median", "q3", "max", "quartiles", "reason"))


def sample_quantile(
    values: Any,
    p: float,
    *,
    type: QuantileType = 7,
) -> float:
    """Quantile of a sample.

    Parameters
    ----------
    values
        Numbers, shape (n,), any unit; nothing may be missing.
    p
        Between 0 and 1.
    type
        Numbering of Hyndman and Fan: 7 (R, EZR, numpy) interpolates at h = (n − 1)p, x[⌊h⌋] + (h − ⌊h⌋)(x[⌊h⌋ + 1] −
        x[⌊h⌋]); 2 (SAS) takes the value at ⌈np⌉, and where np is whole the mean of that value and the next.

    Returns
    -------
    float
        In the unit of the values; nan without values.

    Raises
    ------
    InputError
        Values missing or no numbers, ``p`` outside (0, 1), another type.

    Notes
    -----
    R: ``quantile(x, p, type = 7)``. Hyndman and Fan 1996, The American Statistician 50:361.

    Examples
    --------
    >>> values = [4, 5, 8, 10, 12, 15, 18, 21, 24, 31]
    >>> sample_quantile(values, 0.25), sample_quantile(values, 0.75)
    (8.5, 20.25)
    >>> sample_quantile(values, 0.25, type=2), sample_quantile(values, 0.75, type=2)
    (8.0, 21.0)
    """
    refuse(check_fraction("p", p, "0.5"))
    return quantile_of(np.sort(_read(values, type)), p, type)


def _read(values: Any, type_: int) -> NDArray[np.float64]:
    problems = [] if type_ in (2, 7) else [f"type is {type_}; give 2 or 7."]
    numbers = read_numbers("values", values, problems)
    refuse(problems)
    assert numbers is not None
    return numbers


class Ordered(Protocol):
    """A sample in order, or as much of it as a quantile needs: its size, and the value at a place from 0."""

    @property
    def size(self) -> int: ...

    def __getitem__(self, place: int, /) -> Any: ...


def quantile_of(ordered: Ordered, p: float, type_: int) -> float:
    """Quantile of values in order; without values nan."""
    n, fraction = ordered.size, Fraction(str(p))  # a rational: whether n·p is whole must not hang on rounding
    if n == 0:
        return math.nan
    if type_ == 7:
        place = (n - 1) * fraction
        low = math.floor(place)
        step = float(place - low)
        # Two equal values have no distance, also where both are infinite.
        if step == 0 or ordered[low] == ordered[low + 1]:
            return float(ordered[low])
        return float(ordered[low] + step * (ordered[low + 1] - ordered[low]))
    place = n * fraction
    after = math.ceil(place)
    pair = (after - 1, after) if place == after else (after - 1, after - 1)
    return float(ordered[pair[0]] + ordered[pair[1]]) / 2


def _mean(values: NDArray[np.float64]) -> float:
    with np.errstate(invalid="ignore"):  # of plus and minus infinity
        return float(values.mean())


def sample_summary(values: Any, *, quartiles: QuantileType = 7) -> SampleSummary:
    """Number, mean, standard deviation, range, median and quartiles of a sample.

    Parameters
    ----------
    values
        Numbers, shape (n,), any unit; nothing may be missing, so leave out and count the missing ones before.
    quartiles
        Type of the quartiles, 7 or 2, see `sample_quantile`; the median is the same under both.

    Returns
    -------
    SampleSummary
        Without values nan, ``no patients``; the standard deviation (divisor n − 1) of one value is nan,
        ``no variation``, that of values of which one is infinite nan, ``saturated``.

    Raises
    ------
    InputError
        Values missing or no numbers, another type.

    Notes
    -----
    R: ``summary(x)`` and ``sd(x)``.

    Examples
    --------
    >>> found = sample_summary([4, 5, 8, 10, 12, 15, 18, 21, 24, 31])
    >>> found.n, found.mean, found.q1, found.median, found.q3
    (10, 14.8, 8.5, 13.5, 20.25)
    """
    ordered = np.sort(_read(values, quartiles))
    n = ordered.size
    # A saturated well has infinitely many copies: such a value has a rank, and no distance from another.
    finite = bool(np.isfinite(ordered).all())
    return SampleSummary(
        n=n,
        mean=_mean(ordered) if n else math.nan,
        sd=float(ordered.std(ddof=1)) if n > 1 and finite else math.nan,
        min=float(ordered[0]) if n else math.nan,
        q1=quantile_of(ordered, 0.25, quartiles),
        median=quantile_of(ordered, 0.5, quartiles),
        q3=quantile_of(ordered, 0.75, quartiles),
        max=float(ordered[-1]) if n else math.nan,
        quartiles=quartiles,
        reason="no patients" if n == 0 else "saturated" if not finite else "no variation" if n == 1 else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSummary:
    """Result of `order_summary`: what `sample_summary` gives, but for mean and standard deviation."""

    n: int
    min: float
    q1: float
    median: float
    q3: float
    max: float
    quartiles: int


def order_summary(values: Any, *, quartiles: QuantileType = 7) -> OrderSummary:
    """Range, median and quartiles of a sample, the same numbers as those of `sample_summary`.

    Only the ranks that these need are put in their places, which takes a fraction of the time of putting all in order.

    Examples
    --------
    >>> found = order_summary([4, 5, 8, 10, 12, 15, 18, 21, 24, 31])
    >>> found.min, found.q1, found.median, found.q3, found.max
    (4.0, 8.5, 13.5, 20.25, 31.0)
    """
    numbers = _read(values, quartiles)
    n = numbers.size
    if n > FEW:
        # Either type takes the values at ⌊(n − 1)p⌋, ⌈np⌉ − 1 or the place after.
        places = {
            min(first + step, n - 1)
            for q in (1, 2, 3)
            for first in ((n - 1) * q // 4, -(-n * q // 4) - 1)
            for step in (0, 1)
        }
        ordered = np.partition(numbers, sorted(places))
        lowest, highest = float(ordered.min()), float(ordered.max())
    else:
        ordered = np.sort(numbers)
        lowest, highest = (float(ordered[0]), float(ordered[-1])) if n else (math.nan, math.nan)
    return OrderSummary(
        n=n,
        min=lowest,
        q1=quantile_of(ordered, 0.25, quartiles),
        median=quantile_of(ordered, 0.5, quartiles),
        q3=quantile_of(ordered, 0.75, quartiles),
        max=highest,
        quartiles=quartiles,
    )
