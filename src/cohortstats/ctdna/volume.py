"""Volume of a droplet, told by what the export prints beside its counts.

The volume is a property of the software version: the same instrument prints copies with 0.91 nL under one version and
with 0.85 nL under the next. Nothing in the file names it, but every printed concentration holds it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["VOLUMES_NL", "VolumeFit", "fit_volume", "print_half_width", "volume_limits"]

VOLUMES_NL = (0.85, 0.91)

_DIGITS = re.compile(r"[+-]?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
# Exports with full digits are computed in single precision: 1e-7 of the number, and 1 − k/N has steps of 6e-8, which is
# up to 1e-4/(1 − k/N) copies/µL. One droplet more or less is 0.04/(1 − k/N) or more.
_SINGLE_PRECISION = 1e-7
_SINGLE_STEP = 1e-4
_SLACK = 1 + 1e-9  # 0.5 of the last digit is not exact in binary

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFit:
    """What the prints of a file say of the droplet volume.

    Parameters
    ----------
    volume_nl
        The volume, nan when the prints do not decide.
    origin
        ``"prints"`` when the concentrations decide, ``"printed limits"`` when their limits had to, ``"none fits"``,
        ``"both fit"``, or ``"no prints"``.
    lower, upper
        Volumes in nL that all prints allow together; nan when there are none, ``lower > upper`` when they disagree.
    """

    volume_nl: float
    origin: Literal["prints", "printed limits", "none fits", "both fit", "no prints"]
    lower: float
    upper: float


def print_half_width(text: str, *, per_ul: float = 1) -> float:
    """How far a number may lie from its print: half of the last digit that the export gives.

    Prints have three significant figures at most, so the zeros that end a number of four digits or more say nothing;
    or they are single-precision numbers in full. ``per_ul`` is how many times the number is a concentration in
    copies/µL, 20 for copies in a reaction.

    Examples
    --------
    >>> [print_half_width(text) for text in ("141", "7.03", "0.55", "1790", "100")]
    [0.5, 0.005, 0.005, 5.0, 0.5]
    >>> float(f"{print_half_width('898.375854492188'):.3g}")
    0.000316
    """
    match = _DIGITS.fullmatch(text.strip())
    if match is None:
        return float("nan")
    whole, part, exponent = match[1], match[2] or "", int(match[3] or 0)
    figures = (whole + part).lstrip("0")
    if len(figures) > 6 and figures[3:].strip("0"):
        number = abs(float(text))
        # 1 − k/N is exp(−c v/1000), and no droplet is larger than 0.91 nL.
        return number * _SINGLE_PRECISION + per_ul * _SINGLE_STEP * math.exp(min(0.00091 * number / per_ul, 20.0))
    unit = -len(part)
    if not part:
        zeros = len(whole) - len(whole.rstrip("0"))
        unit = max(0, min(zeros, len(whole) - 3))
    return 0.5 * 10.0 ** (unit + exponent)


def volume_limits(copies_at_one_nl: Floats, printed: Floats, half_width: Floats) -> tuple[Floats, Floats]:
    """Smallest and largest volume in nL with which each count gives its print.

    Parameters
    ----------
    copies_at_one_nl
        Concentration from the counts for a droplet of 1 nL, 1000 λ.
    printed, half_width
        What the file prints, and how far the number may lie from it.

    Examples
    --------
    1901 positive droplets of 15820, printed as 141:

    >>> at_one = np.array([-1000 * np.log1p(-1901 / 15820)])
    >>> lower, upper = volume_limits(at_one, np.array([141.0]), np.array([0.5]))
    >>> float(lower[0]).__format__(".4f"), float(upper[0]).__format__(".4f")
    ('0.9047', '0.9112')
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = copies_at_one_nl / (printed + half_width * _SLACK)
        upper = np.where(
            printed > half_width, copies_at_one_nl / np.maximum(printed - half_width * _SLACK, 0.0), np.inf
        )
    return lower, upper


def fit_volume(evidence: Sequence[tuple[Floats, Floats, Floats]], volumes: Sequence[float] = VOLUMES_NL) -> VolumeFit:
    """The one of the known volumes that gives what the file prints.

    Parameters
    ----------
    evidence
        ``(copies at 1 nL, printed, half width)`` of the concentrations and, behind them, of their limits. The limits
        are asked only when the concentrations allow several volumes, as in a plate without a positive droplet.
    volumes
        Volumes that software is known to use.

    Notes
    -----
    A volume that gives every print is taken if it is the only one. If none does, one number of the file may be wrong:
    the volume that gives more than half of the prints, and more than the other, is taken, and the print that does
    not fit is a fault of its own.

    Examples
    --------
    >>> at_one = np.array([128.02, 132.86])
    >>> fit_volume([(at_one, np.array([141.0, 146.0]), np.array([0.5, 0.5]))]).volume_nl
    0.91
    """
    candidates = list(volumes)
    overall = float("nan"), float("nan")
    origin: Literal["prints", "printed limits"] = "prints"
    n_prints = 0
    for step, (at_one, printed, half_width) in enumerate(evidence):
        used = np.isfinite(at_one) & np.isfinite(printed) & np.isfinite(half_width) & (at_one > 0)
        if not used.any():
            continue
        lower, upper = volume_limits(at_one[used], printed[used], half_width[used])
        if not step or not n_prints:
            overall = float(lower.max()), float(upper.min())
        fits = np.array([np.count_nonzero((lower <= volume) & (volume <= upper)) for volume in candidates])
        n_used = int(np.count_nonzero(used))
        n_prints += n_used
        best = int(fits.max())
        if best <= 0.5 * n_used:
            if step:
                continue  # the limits of this file follow another rule: they decide nothing
            return VolumeFit(volume_nl=float("nan"), origin="none fits", lower=overall[0], upper=overall[1])
        candidates = [volume for volume, count in zip(candidates, fits, strict=True) if count == best]
        if len(candidates) == 1:
            origin = "printed limits" if step else "prints"
            return VolumeFit(volume_nl=candidates[0], origin=origin, lower=overall[0], upper=overall[1])
    if not n_prints:
        return VolumeFit(volume_nl=float("nan"), origin="no prints", lower=overall[0], upper=overall[1])
    return VolumeFit(volume_nl=float("nan"), origin="both fit", lower=overall[0], upper=overall[1])
