"""What a waterfall plot shows, as plain values: the best change of each patient, in percent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from cohortstats.errors import InputError

__all__ = ["WaterfallBar", "WaterfallPicture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallBar:
    """One patient.

    Parameters
    ----------
    order
        Number under the bar; never an id.
    change
        Best change from baseline in percent, −100 or more.
    response
        Which of the picture's responses, from 1; 0 for none.
    capped
        Whether the bar is cut at the cap of the picture.

    Examples
    --------
    >>> WaterfallBar(order=1, change=-42.5, response=2).capped
    False
    """

    order: int
    change: float
    response: int = 0
    capped: bool = False

    def __post_init__(self) -> None:
        if not (isfinite(self.change) and self.change >= -100):
            raise InputError(f"WaterfallBar {self.order}: change must be −100 or more; it is {self.change!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallPicture:
    """All that is drawn: bars, guides, responses, words.

    Parameters
    ----------
    bars
        From left to right, largest change first.
    y_label, x_label
        Axis titles.
    responses
        Names of the responses, each a line of signs under the bars; none for no lines.
    guides
        Dotted lines, in percent.
    cap
        Where bars are cut; None cuts none.
    stamp
        Label of a synthetic study, written inside the plot area; empty for none.

    Examples
    --------
    >>> WaterfallPicture(bars=(WaterfallBar(order=1, change=-42.5),), y_label="Best change", x_label="Patient").guides
    (20.0, -30.0)
    """

    bars: tuple[WaterfallBar, ...]
    y_label: str
    x_label: str
    responses: tuple[str, ...] = ()
    guides: tuple[float, ...] = (20.0, -30.0)
    cap: float | None = None
    stamp: str = ""

    def __post_init__(self) -> None:
        problems = []
        if not self.bars:
            problems.append("there is no bar")
        if any(later.change > earlier.change for earlier, later in pairwise(self.bars)):
            problems.append("bars must be in falling order")
        if any(not 0 <= bar.response <= len(self.responses) for bar in self.bars):
            problems.append("a bar has a response that the picture lacks")
        if self.cap is not None and not self.cap > 0:
            problems.append(f"cap must be above 0; it is {self.cap!r}")
        over = [bar for bar in self.bars if bar.capped != (self.cap is not None and bar.change > self.cap)]
        if over:
            problems.append("exactly the bars beyond the cap are capped")
        if problems:
            raise InputError([f"WaterfallPicture: {problem}." for problem in problems])

    def shown(self, bar: WaterfallBar) -> float:
        """Where a bar ends: at its change, or at the cap."""
        return bar.change if self.cap is None else min(bar.change, self.cap)

    def words(self) -> Iterator[str]:
        """Every text of the picture."""
        yield from (self.y_label, self.x_label, self.stamp, *self.responses)
