"""Write lines of words on a figure, in points, so that every backend keeps them as text."""

from __future__ import annotations

from typing import Any, Literal

import matplotlib
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D

from cohortstats.figures.fonts import font, quiet_defaults, text_width
from cohortstats.figures.layout import LEADING, shade
from cohortstats.figures.placement import Box
from cohortstats.figures.words import Line, Run, clean

__all__ = ["LINE_MARK", "Pen", "QuietFigure"]

LINE_MARK = "words"
"""Group ids ``words-<line>-<run>`` tell the SVG writer which runs make one line."""

_OF_FILES = ("svg.fonttype", "svg.hashsalt", "pdf.fonttype", "pdf.compression")
Align = Literal["left", "center", "right"]


class QuietFigure(Figure):
    """A figure that draws itself with matplotlib's defaults, whatever the caller's settings are at that moment.

    Hinting is off: it widens letters at low resolutions by up to a twentieth, and places were measured without it.
    """

    def draw(self, renderer: RendererBase) -> None:
        """Draw as `Figure.draw` does."""
        parameters: Any = matplotlib.rcParams
        kept = {key: parameters[key] for key in _OF_FILES}
        with quiet_defaults(**kept, **{"text.hinting": "none"}):
            super().draw(renderer)


class Pen:
    """Writes on one figure; upright and italic runs of a line are separate texts that follow one another."""

    def __init__(self, figure: Figure) -> None:
        self._figure = figure
        self._points = Affine2D().scale(1 / 72) + figure.dpi_scale_trans
        self._lines = 0

    def text(
        self, text: str, x: float, y: float, size: float, role: str, *, bold: bool = False, align: Align = "left"
    ) -> None:
        """One run with its baseline at (x, y)."""
        self.line((Run(clean(text), False),), x, y, size, role, bold=bold, align=align)

    def line(
        self, line: Line, x: float, y: float, size: float, role: str, *, bold: bool = False, align: Align = "left"
    ) -> None:
        """Runs after one another, with the baseline at (x, y)."""
        runs = [run for run in line if run.text]
        whole = sum(text_width(run.text, size, bold, run.italic) for run in runs)
        # A single run keeps its own alignment, so that it stays in place in a reader with other fonts.
        alone = len(runs) == 1
        left = x if alone or align == "left" else x - whole / (1 if align == "right" else 2)
        self._lines += 1
        for place, run in enumerate(runs):
            artist = self._figure.text(
                left,
                y,
                run.text,
                transform=self._points,
                fontproperties=font(size, bold, run.italic),
                color=shade(role),
                ha=align if alone else "left",
                va="baseline",
                parse_math=False,
                usetex=False,
                zorder=6,
            )
            artist.set_gid(f"{LINE_MARK}-{self._lines}-{place}")
            left += text_width(run.text, size, bold, run.italic)

    def block(
        self,
        lines: tuple[Line, ...],
        box: Box,
        size: float,
        role: str,
        *,
        bold: bool = False,
        align: Literal["left", "right"] = "left",
    ) -> None:
        """Lines from the top of a box down."""
        for row, line in enumerate(lines):
            baseline = box.y1 - LEADING * size * (row + 0.8)
            self.line(line, box.x0 if align == "left" else box.x1, baseline, size, role, bold=bold, align=align)
