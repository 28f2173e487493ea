"""How exactly a level is known: its digits, the grid of a picture, and which method that is enough for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cohortstats.published.curve.repairs import Curve

__all__ = ["MOST_SIGMA_N", "Spread", "count_decimals", "find_spread", "hinted_grid", "sigma_of_digits"]

Floats = NDArray[np.float64]

MOST_DECIMALS = 6
MOST_SIGMA_N = 0.15  # beyond it a level fits several numbers of events among the same patients
MOST_PIXEL = 0.02
SURPRISE = 6.0  # standard deviations beyond chance
FEWEST_LEVELS = 12  # a grid is seen in so many levels or more


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far a level is from the true one.

    Parameters
    ----------
    sigma
        Standard deviation of one level.
    source
        Where it comes from, in words.
    kind
        ``digits`` of printed levels, ``pixels`` of a picture, ``path`` of a vector graphic, or ``given``.
    """

    sigma: float
    source: str
    kind: Literal["digits", "pixels", "path", "given"]


def sigma_of_digits(unit: float) -> float:
    """Spread of the difference of two levels that are each rounded to a unit: unit/√12·√2.

    Examples
    --------
    >>> f"{sigma_of_digits(0.0001):.3e}"
    '4.082e-05'
    """
    return unit / math.sqrt(12) * math.sqrt(2)


def count_decimals(levels: Floats) -> int:
    """Decimals with which all levels can be written, at most 6.

    Examples
    --------
    >>> count_decimals(np.array([1, 0.989, 0.98])), count_decimals(np.array([1, 2 / 3]))
    (3, 6)
    """
    for decimals in range(MOST_DECIMALS):
        scaled = levels * 10.0**decimals
        if np.abs(scaled - np.rint(scaled)).max(initial=0) < 1e-7:
            return decimals
    return MOST_DECIMALS


def find_spread(curve: Curve, n: int, decimals: int, sigma: float | None) -> Spread:
    """Spread of the levels of a curve.

    Parameters
    ----------
    curve
        The mended curve.
    n
        Patients: levels that are whole numbers of them are no grid of pixels.
    decimals
        Decimals of the levels.
    sigma
        What the caller knows better, or None.
    """
    if sigma is not None:
        return Spread(sigma=sigma, source="spread as given", kind="given")
    if curve.unit > 0:
        kind: Literal["path", "pixels"] = "path" if curve.located else "pixels"
        width = sigma_of_digits(curve.unit) if curve.located else curve.unit / 2
        source = "corners of a vector path" if curve.located else f"clicks on a grid of {curve.unit:.2g}"
        return Spread(sigma=width, source=source, kind=kind)
    pixel = find_grid(np.unique(curve.survival[curve.clicked]), 10.0**-decimals, n)
    if pixel:
        return Spread(sigma=pixel / 2, source=f"clicks on a grid of {pixel:.2g}", kind="pixels")
    unit = 10.0**-decimals
    return Spread(sigma=sigma_of_digits(unit), source=f"levels to {decimals} decimals", kind="digits")


def find_grid(levels: Floats, unit: float, n: int) -> float:
    """Height of the pixels of which all levels are multiples, 0 where there is no such grid.

    Levels written to ``unit`` that are all multiples of several units were read from a picture; chance does that to a
    dozen of levels once in thousands. A height that is a whole number of patients is none of a picture.

    Examples
    --------
    >>> find_grid(np.arange(1, 100, 7) / 500, 0.001, 213)
    0.002
    >>> find_grid(np.arange(1, 100, 7) / 500, 0.001, 500)
    0.0
    """
    if levels.size < FEWEST_LEVELS or unit < 1e-4:
        return 0.0
    common = int(np.gcd.reduce(np.rint(levels / unit).astype(np.int64)))
    return float(common) * unit if common > 1 and not _patients(common * unit, n) else 0.0


def hinted_grid(levels: Floats, unit: float) -> float:
    """Height of which most levels are nearly multiples, where they are more than chance explains; else 0.

    What is read from a picture and rounded after it hints at its pixels. Nearly equal steps of few patients do so too,
    so this says what levels look like that no whole numbers of patients give, and decides nothing.
    """
    if levels.size < FEWEST_LEVELS or unit < 1e-4:
        return 0.0
    height = _likely_height(np.diff(levels), unit)
    if not height:
        return 0.0
    # The height that the gaps hint at is refined on all levels, counted from the lowest.
    heights = height + unit * np.linspace(-0.5, 0.5, 501)
    away = (levels - levels[0])[:, None] / heights
    fits = (np.abs(away - np.rint(away)) * heights <= 1.01 * unit).mean(axis=0)
    surprise = _surprise(fits, heights, unit, levels.size)
    best = int(np.argmax(surprise))
    return float(heights[best]) if surprise[best] > SURPRISE else 0.0


def _likely_height(gaps: Floats, unit: float) -> float:
    """The height of which most gaps between levels are multiples, or 0."""
    gaps = gaps[gaps > 1.5 * unit]
    if gaps.size < FEWEST_LEVELS:
        return 0.0
    heights = np.arange(3.2 * unit, MOST_PIXEL, unit / 10)
    away = gaps[:, None] / heights
    fits = (np.abs(away - np.rint(away)) * heights <= 1.01 * unit).mean(axis=0)
    return float(heights[int(np.argmax(_surprise(fits, heights, unit, gaps.size)))]) if heights.size else 0.0


def _surprise(fits: Floats, heights: Floats, unit: float, count: int) -> Floats:
    """How many standard deviations more levels fit a height than chance makes fit."""
    chance = np.minimum(2.02 * unit / heights, 0.99)
    return np.asarray((fits - chance) / np.sqrt(chance * (1 - chance) / count))


def _patients(height: float, n: int) -> bool:
    """Whether a height is one patient, or several."""
    share = height * n
    return bool(abs(share - np.rint(share)) < 1e-6 and share > 0.5)
