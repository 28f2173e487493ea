"""Draw clicks against the curve of the patients that were rebuilt from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.figure import Figure

from cohortstats.errors import InputError
from cohortstats.figures.canvas import axes_in, check_width, mark, new_figure, nice_ticks, stroke
from cohortstats.figures.fonts import quiet_defaults
from cohortstats.figures.ink import Pen
from cohortstats.figures.placement import Box
from cohortstats.figures.words import clean

__all__ = ["CheckedCurve", "draw_curve_check"]

_SIZE, _STAMP = 8.5, 7.0
_LEFT, _RIGHT, _BOTTOM, _TOP = 34.0, 12.0, 30.0, 12.0
_KEY, _TICK = 12.0, 3.0
MOST_CURVES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCurve:
    """One curve as clicked and as rebuilt.

    Parameters
    ----------
    label
        Its name; empty for a single curve.
    click_times, click_levels
        The clicks.
    times, survival
        Steps of the rebuilt curve, the first at (0, 1).
    end
        Where it ends.

    Examples
    --------
    >>> curve = CheckedCurve(
    ...     label="A", click_times=(2.0,), click_levels=(0.5,), times=(0.0, 2.0), survival=(1.0, 0.5), end=3.0
    ... )
    >>> curve.end
    3.0
    """

    label: str
    click_times: tuple[float, ...]
    click_levels: tuple[float, ...]
    times: tuple[float, ...]
    survival: tuple[float, ...]
    end: float


def draw_curve_check(curves: Sequence[CheckedCurve], *, stamp: str = "", width_inches: float = 7.2) -> Figure:
    """Draw each rebuilt curve as a line and its clicks as open marks on it: a click beside its line is one missed.

    Parameters
    ----------
    curves
        One to six.
    stamp
        Words above the picture, which say what the rows are.
    width_inches
        Width of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        One Axes; `figure_bytes` writes it.

    Raises
    ------
    InputError
        No curve, more than six, or a width below 2.5 inches.

    Examples
    --------
    >>> curve = CheckedCurve(
    ...     label="A", click_times=(2.0,), click_levels=(0.5,), times=(0.0, 2.0), survival=(1.0, 0.5), end=3.0
    ... )
    >>> [text.get_text() for text in draw_curve_check([curve], stamp="rebuilt").texts][-2:]
    ['A', 'rebuilt']
    """
    if not 1 <= len(curves) <= MOST_CURVES:
        raise InputError(f"1 to {MOST_CURVES} curves can be drawn, not {len(curves)}.")
    width = check_width(width_inches)
    height = 0.62 * width
    last = max(max(curve.end, *curve.click_times) for curve in curves) or 1.0
    top = height - _TOP - (_KEY if stamp else 0.0)
    frame = Box(_LEFT, _BOTTOM, width - _RIGHT, top)
    with quiet_defaults():
        figure, pen = new_figure(width, height)
        axes = axes_in(figure, frame, (0.0, last), (0.0, 1.0))
        _scales(pen, frame, last)
        stroke(axes, (0.0, 0.0, last), (1.0, 0.0, 0.0), "muted", 0.8, zorder=2)
        for slot, curve in enumerate(curves, start=1):
            xs, ys = _stairs(curve)
            stroke(axes, xs, ys, f"group-{slot}", 1.1, zorder=3)
            mark(axes, curve.click_times, curve.click_levels, "o", f"group-{slot}", 3.0, hollow=True)
        for row, curve in enumerate(curve for curve in curves if curve.label):
            slot = list(curves).index(curve) + 1
            pen.text(clean(curve.label), frame.x1, top - _KEY * (row + 1), _SIZE, f"group-{slot}-text", align="right")
        if stamp:
            pen.text(clean(stamp), frame.x0, height - _TOP, _STAMP, "muted")
    return figure


def _stairs(curve: CheckedCurve) -> tuple[list[float], list[float]]:
    """Corners of the rebuilt curve."""
    xs, ys = [curve.times[0]], [curve.survival[0]]
    for (_, before), (time, after) in pairwise(zip(curve.times, curve.survival, strict=True)):
        xs += [time, time]
        ys += [before, after]
    return [*xs, max(curve.end, xs[-1])], [*ys, ys[-1]]


def _scales(pen: Pen, frame: Box, last: float) -> None:
    """Numbers on both axes."""
    for tick in nice_ticks(0.0, last, 8):
        x = frame.x0 + tick / last * (frame.x1 - frame.x0)
        pen.text(f"{tick:g}", x, frame.y0 - _TICK - _SIZE, _SIZE, "ink-2", align="center")
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = frame.y0 + tick * (frame.y1 - frame.y0)
        pen.text(f"{tick:g}", frame.x0 - _TICK, y - 0.35 * _SIZE, _SIZE, "ink-2", align="right")
