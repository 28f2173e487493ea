"""What a droplet plot shows, as plain values: amplitudes of the droplets of each well, and where positive begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from cohortstats.errors import InputError

__all__ = ["MAX_PANELS", "DropletPanel", "DropletPicture"]

MAX_PANELS = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class DropletPanel:
    """One well.

    Parameters
    ----------
    title
        The well, and its sample where there is one.
    ch1, ch2
        Amplitudes, one a droplet. Without ``ch2`` droplets stand in the order in which they were read.
    threshold_ch1, threshold_ch2
        Where positive begins; None for no line.
    sides
        Where droplets were told apart by something else than thresholds: 0 negative, 1 positive in channel 1 only, 2
        in channel 2 only, 3 in both, one a droplet.
    text
        The counts on both sides of the lines, in words.

    Examples
    --------
    >>> DropletPanel(title="A01", ch1=(900.0, 5200.0), threshold_ch1=3000.0, text="1 above, 1 below").ch2
    ()
    """

    title: str
    ch1: tuple[float, ...]
    ch2: tuple[float, ...] = ()
    threshold_ch1: float | None = None
    threshold_ch2: float | None = None
    sides: tuple[int, ...] = ()
    text: str = ""

    def __post_init__(self) -> None:
        problems = []
        if self.ch2 and len(self.ch2) != len(self.ch1):
            problems.append("ch1 and ch2 must have the same length")
        if not all(map(isfinite, self.ch1)) or not all(map(isfinite, self.ch2)):
            problems.append("amplitudes must be numbers")
        if self.sides and (len(self.sides) != len(self.ch1) or not set(self.sides) <= {0, 1, 2, 3}):
            problems.append("sides must be 0 to 3, one a droplet")
        if self.threshold_ch2 is not None and not self.ch2:
            problems.append("a threshold of channel 2 needs amplitudes of channel 2")
        if problems:
            raise InputError([f"DropletPanel {self.title!r}: {problem}." for problem in problems])


@dataclass(frozen=True, slots=True, kw_only=True)
class DropletPicture:
    """All that is drawn: panels and the titles of their axes.

    Parameters
    ----------
    panels
        One a well, in reading order; all have the same axes.
    ch1_label, ch2_label
        Names of the channels.
    index_label
        Title of the axis of droplets where there is one channel.

    Examples
    --------
    >>> panel = DropletPanel(title="A01", ch1=(900.0, 5200.0))
    >>> DropletPicture(panels=(panel,), ch1_label="FAM amplitude").index_label
    'Droplet'
    """

    panels: tuple[DropletPanel, ...]
    ch1_label: str = "Channel 1 amplitude"
    ch2_label: str = "Channel 2 amplitude"
    index_label: str = "Droplet"

    def __post_init__(self) -> None:
        problems = []
        if not 1 <= len(self.panels) <= MAX_PANELS:
            problems.append(f"1 to {MAX_PANELS} wells can be drawn, not {len(self.panels)}")
        if not any(panel.ch1 for panel in self.panels):
            problems.append("there is no droplet")
        if len({bool(panel.ch2) for panel in self.panels if panel.ch1}) > 1:
            problems.append("all wells have one channel or all have two")
        if problems:
            raise InputError([f"DropletPicture: {problem}." for problem in problems])

    def __repr__(self) -> str:
        wells = ", ".join(panel.title for panel in self.panels)
        return f"DropletPicture of {wells}: {sum(len(panel.ch1) for panel in self.panels)} droplets"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from cohortstats.figures.droplets import draw_droplets
        from cohortstats.figures.files import figure_bytes

        figure = draw_droplets(self)
        return {
            "text/plain": repr(self),
            "image/svg+xml": figure_bytes(figure, "svg").decode(),
            "image/png": figure_bytes(figure, "png", dpi=110),
        }

    @property
    def two_channels(self) -> bool:
        """Whether droplets have two amplitudes."""
        return any(panel.ch2 for panel in self.panels)

    def words(self) -> Iterator[str]:
        """Every text of the picture."""
        yield from (self.ch1_label, self.ch2_label, self.index_label)
        for panel in self.panels:
            yield from (panel.title, panel.text)
