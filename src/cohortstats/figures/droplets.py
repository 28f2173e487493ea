"""Draw the droplets of digital PCR: one panel a well, droplets as an image, lines where positive begins.

Twenty thousand droplets as shapes would make a file of megabytes; as one image a panel takes some ten thousand bytes.
Axes, thresholds and words stay lines and text.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from cohortstats.figures.canvas import axes_in, check_width, new_figure, nice_ticks, stroke
from cohortstats.figures.droplet_picture import DropletPanel, DropletPicture
from cohortstats.figures.fonts import line_width, quiet_defaults, text_width
from cohortstats.figures.ink import Pen
from cohortstats.figures.layout import LEADING, number_text, wrapped
from cohortstats.figures.placement import Box
from cohortstats.figures.words import Line

__all__ = ["MOST_DROPLETS", "SIDES", "draw_droplets", "drawn_droplets"]

MOST_DROPLETS = 20_000

SIDES = {"below": "#7d8693", "ch1": "#3884c0", "ch2": "#d96a14", "both": "#a86ab0"}
"""Colours of droplets by the side on which they lie. An image cannot follow the reader's choice of light or dark, so
these stand out from both papers."""

_AXIS, _TITLE, _WORDS = 8.0, 8.5, 8.0
_MARGIN, _GAP = 6.0, 14.0
_PER_POINT = 3  # dots of the image on a point, each way
_MOST_ACROSS = 4

Floats = npt.NDArray[np.float64]


def draw_droplets(picture: DropletPicture, *, width_inches: float = 7.2) -> Figure:
    """Draw amplitudes with the thresholds, one panel a well.

    With two channels droplets stand at their two amplitudes, with one in the order in which they were read. At most
    20,000 droplets of a well are drawn: all beyond a threshold, and of the others as many as fit, evenly taken.

    Parameters
    ----------
    picture
        What is drawn.
    width_inches
        Width of the figure. Type keeps its size in points; panels are as many in a row as have room.

    Returns
    -------
    matplotlib.figure.Figure
        One Axes a well, in amplitudes; the same picture gives the same bytes.

    Raises
    ------
    InputError
        For a width below 2.5 inches, which leaves no room for words.

    Examples
    --------
    >>> panel = DropletPanel(title="A01", ch1=(900.0, 5200.0), threshold_ch1=3000.0, text="1 above, 1 below")
    >>> figure = draw_droplets(DropletPicture(panels=(panel,), ch1_label="FAM"))
    >>> sorted(text.get_text() for text in figure.texts)
    ['1', '1 above, 1 below', '1000', '2', '2000', '3000', '4000', '5000', 'A01', 'Droplet', 'FAM']
    """
    width = check_width(width_inches)
    with quiet_defaults():
        plan = _Plan(picture, width)
        figure, pen = new_figure(width, plan.height)
        for panel, frame, words in zip(picture.panels, plan.frames, plan.words, strict=True):
            axes = axes_in(figure, frame, plan.x, plan.y)
            _image(plan, panel, frame, axes)
            _panel(plan, panel, frame, words, axes, pen)
        for row, line in enumerate(plan.y_title):
            pen.line(line, _MARGIN, plan.height - 4 - LEADING * _AXIS * (row + 0.8), _AXIS, "ink")
        for row, line in enumerate(plan.x_title):
            half = line_width(line, _AXIS) / 2 + _MARGIN
            middle = min(max((plan.left + width - _MARGIN) / 2, half), width - half)
            baseline = LEADING * _AXIS * (len(plan.x_title) - row - 0.8) + 3
            pen.line(line, middle, baseline, _AXIS, "ink", align="center")
    return figure


def drawn_droplets(panel: DropletPanel) -> npt.NDArray[np.intp]:
    """Places of the droplets of a well that are drawn, in the order in which they were read.

    Examples
    --------
    >>> panel = DropletPanel(title="A01", ch1=(9.0,) + (1.0,) * 59_999, threshold_ch1=5.0)
    >>> places = drawn_droplets(panel)
    >>> len(places) <= 20_000, int(places[0])
    (True, 0)
    """
    ch1, ch2 = np.asarray(panel.ch1, dtype=float), np.asarray(panel.ch2, dtype=float)
    beyond = _sides(panel, ch1, ch2) > 0
    inside = np.flatnonzero(~beyond)
    outside = np.flatnonzero(beyond)
    kept = _evenly(outside, MOST_DROPLETS)
    return np.sort(np.concatenate([kept, _evenly(inside, MOST_DROPLETS - len(kept))]))


def _evenly(places: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    if len(places) <= most:
        return places
    return places[(np.arange(most) * len(places)) // max(most, 1)]


def _sides(panel: DropletPanel, ch1: Floats, ch2: Floats) -> npt.NDArray[np.int64]:
    """0 below all thresholds, 1 beyond that of channel 1, 2 of channel 2, 3 of both; beyond is above."""
    if panel.sides:
        return np.asarray(panel.sides, dtype=np.int64)
    sides = np.zeros(len(ch1), dtype=np.int64)
    if panel.threshold_ch1 is not None:
        sides += ch1 > panel.threshold_ch1
    if panel.threshold_ch2 is not None:
        sides += 2 * (ch2 > panel.threshold_ch2)
    return sides


class _Plan:
    """Panels at one width, in points from the lower left corner."""

    def __init__(self, picture: DropletPicture, width: float) -> None:
        self.picture, self.width = picture, width
        self.two = picture.two_channels
        self.y = self._ends([(panel.ch1, panel.threshold_ch1) for panel in picture.panels])
        if self.two:
            self.x = self._ends([(panel.ch2, panel.threshold_ch2) for panel in picture.panels])
        else:
            self.x = (0.0, float(max(len(panel.ch1) for panel in picture.panels)) + 1.0)
        self.y_ticks = nice_ticks(*self.y, 5)
        self.left = _MARGIN + max(text_width(number_text(tick), _AXIS) for tick in self.y_ticks) + 6
        room = width - self.left - _MARGIN
        n = len(picture.panels)
        self.across = max(1, min(n, _MOST_ACROSS, int((room + _GAP) / (120 + _GAP))))
        self.side = (room - _GAP * (self.across - 1)) / self.across
        tall = max(100.0, min(self.side * 0.8, 260.0))
        self.x_ticks = self._x_ticks()
        self.y_title = wrapped(picture.ch1_label, width - 2 * _MARGIN, _AXIS, max_lines=2)
        self.x_title = wrapped(
            picture.ch2_label if self.two else picture.index_label, width - 2 * _MARGIN, _AXIS, max_lines=2
        )
        self.words = [
            (
                wrapped(panel.title, self.side, _TITLE, bold=True, max_lines=2),
                wrapped(panel.text, self.side, _WORDS, max_lines=6),
            )
            for panel in picture.panels
        ]
        down = 4 + LEADING * _AXIS * len(self.y_title) + 4
        rows: list[tuple[float, float]] = []
        for start in range(0, n, self.across):
            some = self.words[start : start + self.across]
            head = max(LEADING * (_TITLE * len(title) + _WORDS * len(text)) for title, text in some) + 4
            rows.append((down + head, down + head + tall))
            down += head + tall + 4 + 1.2 * _AXIS + 8
        self.height = down + LEADING * _AXIS * len(self.x_title) + 3
        self.frames = []
        for place in range(n):
            top, bottom = rows[place // self.across]
            left = self.left + (place % self.across) * (self.side + _GAP)
            self.frames.append(Box(left, self.height - bottom, left + self.side, self.height - top))

    @staticmethod
    def _ends(found: list[tuple[tuple[float, ...], float | None]]) -> tuple[float, float]:
        values = [
            value for amplitudes, _ in found for value in (min(amplitudes, default=0), max(amplitudes, default=0))
        ]
        values += [threshold for _, threshold in found if threshold is not None]
        low, high = min(values), max(values)
        margin = 0.04 * (high - low) or 1.0
        return low - margin, high + margin

    def _x_ticks(self) -> tuple[float, ...]:
        for most in range(5, 1, -1):
            ticks = nice_ticks(*self.x, most)
            widest = max(text_width(number_text(tick), _AXIS) for tick in ticks)
            if len(ticks) < 2 or (ticks[1] - ticks[0]) / (self.x[1] - self.x[0]) * self.side > widest + 8:
                break
        else:
            ticks = ticks[:1]
        if self.two:
            return ticks
        return tuple(tick for tick in ticks if tick.is_integer() and 1 <= tick <= self.x[1] - 1)


def _image(plan: _Plan, panel: DropletPanel, frame: Box, axes: Axes) -> None:
    """Droplets as small squares in an image, those beyond a threshold on top."""
    if not panel.ch1:
        return
    columns = max(1, int(_PER_POINT * (frame.x1 - frame.x0)))
    rows = max(1, int(_PER_POINT * (frame.y1 - frame.y0)))
    pixels: npt.NDArray[np.uint8] = np.zeros((rows, columns, 4), dtype=np.uint8)
    places = drawn_droplets(panel)
    ch1 = np.asarray(panel.ch1, dtype=float)
    across = np.asarray(panel.ch2, dtype=float) if plan.two else np.arange(1, len(ch1) + 1, dtype=float)
    sides = _sides(panel, ch1, np.asarray(panel.ch2, dtype=float))[places]
    x = _dots(across[places], plan.x, columns)
    y = _dots(ch1[places], plan.y, rows)
    for side, name in enumerate(("below", "ch1", "ch2", "both")):
        here = sides == side
        # One droplet beyond a threshold may be the finding: it is drawn larger than the cloud of the others.
        size = 2 if not side and len(places) > 2000 else 4
        colour = SIDES[name]
        shade = (*(int(colour[place : place + 2], 16) for place in (1, 3, 5)), 255)
        for right in range(size):
            for up in range(size):
                at_x = np.clip(x[here] + right - size // 2, 0, columns - 1)
                at_y = np.clip(y[here] + up - size // 2, 0, rows - 1)
                pixels[at_y, at_x] = shade
    image = AxesImage(axes, origin="lower", extent=(*plan.x, *plan.y), interpolation="none", zorder=1)
    data: Any = pixels
    image.set_data(data)
    axes.add_image(image)


def _dots(values: Floats, ends: tuple[float, float], n: int) -> npt.NDArray[np.int64]:
    share = (values - ends[0]) / (ends[1] - ends[0])
    return np.clip((share * n).astype(np.int64), 0, n - 1)


def _panel(
    plan: _Plan,
    panel: DropletPanel,
    frame: Box,
    words: tuple[tuple[Line, ...], tuple[Line, ...]],
    axes: Axes,
    pen: Pen,
) -> None:
    """Axes, thresholds and words of one well."""
    (left, right), (low, high) = plan.x, plan.y
    per_x, per_y = (right - left) / (frame.x1 - frame.x0), (high - low) / (frame.y1 - frame.y0)
    stroke(axes, [left, left, right], [high, low, low], "ink-2", 0.8, zorder=2.5)
    for tick in plan.y_ticks:
        stroke(axes, [left - 3.5 * per_x, left], [tick, tick], "ink-2", 0.8, zorder=2.5)
        if frame.x0 == plan.left:
            at = frame.y0 + (tick - low) / per_y - 0.36 * _AXIS
            pen.text(number_text(tick), frame.x0 - 6, at, _AXIS, "ink-2", align="right")
    for tick in plan.x_ticks:
        at = frame.x0 + (tick - left) / per_x
        half = text_width(number_text(tick), _AXIS) / 2
        if at - half >= frame.x0 - 5 and at + half <= frame.x1 + 5:
            stroke(axes, [tick, tick], [low - 3.5 * per_y, low], "ink-2", 0.8, zorder=2.5)
            pen.text(number_text(tick), at, frame.y0 - 4 - 1.05 * _AXIS, _AXIS, "ink-2", align="center")
    if panel.threshold_ch1 is not None:
        stroke(axes, [left, right], [panel.threshold_ch1] * 2, "ink", 0.9, zorder=3)
    if panel.threshold_ch2 is not None:
        stroke(axes, [panel.threshold_ch2] * 2, [low, high], "ink", 0.9, zorder=3)
    title, text = words
    under = frame.y1 + 4 + LEADING * _WORDS * len(text)
    pen.block(title, Box(frame.x0, 0.0, frame.x1, under + LEADING * _TITLE * len(title)), _TITLE, "ink", bold=True)
    pen.block(text, Box(frame.x0, 0.0, frame.x1, under), _WORDS, "ink-2")
