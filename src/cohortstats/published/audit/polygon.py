"""Ratio, interval and P on the log scale: every centre and standard error that print as three strings.

A Wald interval is symmetric in b = ln HR: its limits are exp(b - z s) and exp(b + z s). Three printed strings make a
polygon in (b, s), and the P values that fit are those over it. |b|/s takes its extremes at corners.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import ndtr, ndtri

from cohortstats.published.audit.string_sets import ValueSet, number_of, p_set, printed_set
from cohortstats.stats.results import normal_quantile

__all__ = ["Polygon", "box_p_range", "events_for", "interval_for_p", "p_of_z", "wald_polygon", "z_of_p", "z_range"]

Line = tuple[float, float, float, float]
"""Bounds of ``b + slope * s``: slope, low, high, and what it is for (0 ratio, -1 lower, 1 upper)."""

NEAR = 1e-12


def z_of_p(p: float) -> float:
    """|z| of a two-sided P.

    Examples
    --------
    >>> f"{z_of_p(0.05):.6f}", f"{z_of_p(0.08):.3f}"
    ('1.959964', '1.751')
    """
    return math.inf if p <= 0 else float(-ndtri(min(p, 1.0) / 2)) + 0.0


def p_of_z(z: float) -> float:
    """Two-sided P of |z|.

    Examples
    --------
    >>> f"{p_of_z(1.959963984540054):.6f}"
    '0.050000'
    """
    return float(2 * ndtr(-abs(z)))


def z_range(text: str, alpha: float = 0.05) -> tuple[float, float] | None:
    """|z| from the largest to the smallest P that print as a string.

    Examples
    --------
    >>> low, high = z_range("0.08")
    >>> f"{low:.3f}–{high:.3f}"
    '1.722–1.780'
    """
    from fractions import Fraction

    some = p_set(text, Fraction(str(alpha)))
    return None if some is None else (z_of_p(float(some.high)), z_of_p(float(some.low)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """Centres and standard errors on the log scale that print as a ratio and its interval.

    Parameters
    ----------
    b, s
        Of the printed centre and limits: ln HR, and ln(U/L)/2z.
    p
        P at the printed point.
    p_low, p_high
        The P values over the polygon; nan where it is empty.
    z_low, z_high
        The same as |z|.
    corners
        Its corners, each (b, s).
    middle_low, middle_high
        Where the middle of the interval, √(LU), lies.
    level
        Level of the interval.
    """

    b: float
    s: float
    p: float
    p_low: float
    p_high: float
    z_low: float
    z_high: float
    corners: tuple[tuple[float, float], ...]
    middle_low: float
    middle_high: float
    level: float

    @property
    def empty(self) -> bool:
        """Whether no symmetric interval prints the three."""
        return not self.corners


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _logs(some: ValueSet) -> tuple[float, float]:
    return _log(float(some.low)), _log(float(some.high))


def wald_polygon(hr: str, lower: str, upper: str, *, level: float = 0.95) -> Polygon | None:
    """The polygon of three printed strings; without a ratio, of the interval alone.

    Parameters
    ----------
    hr
        The printed ratio; empty when it is not printed.
    lower, upper
        The printed limits.
    level
        Level of the interval.

    Returns
    -------
    Polygon, or None where a limit is no number above 0.

    Examples
    --------
    >>> row = wald_polygon("0.73", "0.57", "0.93")
    >>> f"{row.s:.6f}", f"{row.p:.7f}", f"{row.p_low:.8f}–{row.p_high:.7f}"
    ('0.124887', '0.0117367', '0.00924749–0.0130289')
    >>> row = wald_polygon("0.60", "0.55", "0.77")
    >>> row.empty, f"{row.middle_low:.4f}–{row.middle_high:.4f}"
    (True, '0.6457–0.6558')
    """
    sets = [printed_set(text) for text in (lower, upper)]
    centre = printed_set(hr) if hr else None
    numbers = [number_of(text) for text in (hr, lower, upper) if text]
    if sets[0] is None or sets[1] is None or (hr and centre is None):
        return None
    if any(number is None or number < 0 for number in numbers) or sets[1].high <= 0:
        return None
    z = normal_quantile(level)
    low, high = _logs(sets[0]), _logs(sets[1])
    # Each row: slope, bounds of b + slope * s.
    rows = [(-z, *low), (z, *high)]
    if centre is not None:
        if centre.high <= 0:
            return None
        rows.append((0.0, *_logs(centre)))
    corners = _corners(rows)
    values = [float(number) for number in numbers if number is not None]
    point = values[0] if hr else math.sqrt(values[-2] * values[-1])
    b = _log(point)
    s = (_log(values[-1]) - _log(values[-2])) / (2 * z) if values[-2] > 0 else math.inf
    zs = _extremes(corners)
    return Polygon(
        b=b,
        s=s,
        p=p_of_z(b / s) if s > 0 and math.isfinite(b) else math.nan,
        p_low=p_of_z(zs[1]) if corners else math.nan,
        p_high=p_of_z(zs[0]) if corners else math.nan,
        z_low=zs[0],
        z_high=zs[1],
        corners=corners,
        middle_low=math.sqrt(max(float(sets[0].low), 0.0) * float(sets[1].low)) if sets[1].low > 0 else 0.0,
        middle_high=math.sqrt(float(sets[0].high) * float(sets[1].high)),
        level=level,
    )


def _corners(rows: Sequence[tuple[float, float, float]]) -> tuple[tuple[float, float], ...]:
    """Corners of ``low <= b + slope s <= high`` for every row, and s >= 0."""
    lines = [(slope, bound) for slope, low, high in rows for bound in (low, high) if math.isfinite(bound)]
    points = []
    for place, (slope, bound) in enumerate(lines):
        points.append((bound, 0.0))  # where the line meets s = 0
        for other, limit in lines[place + 1 :]:
            if slope != other:
                s = (bound - limit) / (slope - other)
                points.append((bound - slope * s, s))
    kept = [
        (b, s)
        for b, s in points
        if s >= -NEAR and all(low - NEAR <= b + slope * s <= high + NEAR for slope, low, high in rows)
    ]
    return tuple(sorted(set(kept)))


def _extremes(corners: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Smallest and largest |b|/s over the polygon; 0 where it holds b = 0."""
    if not corners:
        return math.nan, math.nan
    ratios = [abs(b) / s if s > NEAR else (math.inf if abs(b) > NEAR else 0.0) for b, s in corners]
    crosses = min(b for b, _ in corners) <= 0 <= max(b for b, _ in corners)
    return 0.0 if crosses else min(ratios), max(ratios)


def box_p_range(hr: str, lower: str, upper: str, *, level: float = 0.95) -> tuple[float, float]:
    """P when the ratio need not be the middle of its interval: every centre with every width.

    Examples
    --------
    >>> low, high = box_p_range("0.73", "0.57", "0.93")
    >>> f"{low:.4f}–{high:.4f}"
    '0.0080–0.0166'
    """
    centre, below, above = (printed_set(text) for text in (hr, lower, upper))
    assert centre is not None and below is not None and above is not None  # the caller has a polygon
    z = normal_quantile(level)
    least = max((_log(float(above.low)) - _log(float(below.high))) / (2 * z), 0.0)
    most = (_log(float(above.high)) - _log(float(below.low))) / (2 * z)
    ends = [_log(float(centre.low)), _log(float(centre.high))]
    near = 0.0 if ends[0] <= 0 <= ends[1] else min(map(abs, ends))
    far = max(map(abs, ends))
    return p_of_z(far / least if least > 0 else math.inf), p_of_z(near / most if math.isfinite(most) else 0.0)


def interval_for_p(hr: float, p: float, *, level: float = 0.95) -> tuple[float, float]:
    """The Wald interval that a ratio would have with a P.

    Examples
    --------
    >>> low, high = interval_for_p(0.73, 0.08)
    >>> f"{low:.3f}–{high:.3f}"
    '0.513–1.038'
    """
    s = abs(math.log(hr)) / z_of_p(p)
    z = normal_quantile(level)
    return math.exp(math.log(hr) - z * s), math.exp(math.log(hr) + z * s)


def events_for(p: float, ratio: float, share: float = 0.5) -> float:
    """Events at which a log-rank test of this ratio has this P: z² / (share (1 - share) ln² ratio).

    Parameters
    ----------
    p
        Two-sided P.
    ratio
        Hazard ratio, or ratio of two medians.
    share
        Share of patients in the first arm.

    Examples
    --------
    >>> f"{events_for(0.0006, 52 / 74):.1f}", f"{events_for(0.0006, 52 / 74, 177 / 371):.1f}"
    ('378.4', '379.2')
    """
    return z_of_p(p) ** 2 / (share * (1 - share) * math.log(ratio) ** 2)
