"""What a Kaplan-Meier picture shows, as plain values.

Whoever has the estimate (an analysis, a notebook, another program) writes it into these values; drawing reads them
and computes no statistic.  They hold tuples of floats only, so they can be compared, hashed, stored and made by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from cohortstats.errors import InputError

__all__ = ["CurveGroup", "KaplanMeierPicture", "RiskTable"]

MAX_GROUPS = 6


def _refuse(where: str, problems: list[str]) -> None:
    """Tell all that is wrong with a value at once."""
    if problems:
        raise InputError([f"{where}: {problem}." for problem in problems])


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveGroup:
    """One curve: a step function that starts at time 0 with survival 1.

    Parameters
    ----------
    name
        The group's key, as in the study file.
    label
        The words beside the curve.  ``*word*`` is italic; nothing else is markup.
    times, survival, ci_lower, ci_upper
        One entry per distinct time, the first at time 0 with survival 1, times rising.  Proportions, 0 to 1.
        A limit that is not defined is ``nan``; no band is drawn there.
    end
        Last observation of the group; curve and band stop there.
    censor_times, censor_survival
        Where the censor ticks stand.
    median
        Median time, or ``None`` when the curve does not come down to one half.
    median_text
        How the median is printed at its line (``"57 d"``); empty for no text.
    colour
        Palette slot, from 1; 0 means the group's position in the picture.

    Examples
    --------
    >>> CurveGroup(name="a", label="A", times=(0.0, 3.0), survival=(1.0, 0.5), ci_lower=(1.0, 0.1),
    ...            ci_upper=(1.0, 0.8), end=5.0, censor_times=(5.0,), censor_survival=(0.5,),
    ...            median=3.0, median_text="3 d").end
    5.0
    """

    name: str
    label: str
    times: tuple[float, ...]
    survival: tuple[float, ...]
    ci_lower: tuple[float, ...]
    ci_upper: tuple[float, ...]
    end: float
    censor_times: tuple[float, ...] = ()
    censor_survival: tuple[float, ...] = ()
    median: float | None = None
    median_text: str = ""
    colour: int = 0

    def __post_init__(self) -> None:
        problems = []
        if not self.times or self.times[0] != 0 or self.survival[:1] != (1,):
            problems.append("times must start at 0 with survival 1")
        if not len(self.times) == len(self.survival) == len(self.ci_lower) == len(self.ci_upper):
            problems.append("times, survival, ci_lower and ci_upper must have the same length")
        if not all(map(isfinite, self.times)) or any(later <= earlier for earlier, later in pairwise(self.times)):
            problems.append("times must be finite and rise")
        if not all(0 <= level <= 1 for level in (*self.survival, *self.censor_survival)):
            problems.append("survival must lie between 0 and 1; give proportions, not percent")
        if len(self.censor_times) != len(self.censor_survival):
            problems.append("censor_times and censor_survival must have the same length")
        if not isfinite(self.end) or self.end < max(self.times, default=0.0):
            problems.append("end must be the last observation, not before the last time of the curve")
        if not 0 <= self.colour <= MAX_GROUPS:
            problems.append(f"colour must be a palette slot from 1 to {MAX_GROUPS}, or 0 for the group's position")
        _refuse(f"CurveGroup {self.name!r}", problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskTable:
    """Numbers at risk, events and censored at each tick, per group.

    Parameters
    ----------
    ticks
        Times of the columns.
    rows
        For each group, in the order of the picture, three tuples: at risk, events, censored; one number per tick, or
        what is printed instead of it, such as ``"<5"``.

    Examples
    --------
    >>> RiskTable(ticks=(0.0, 90.0), rows=(((8, 3), (0, 5), (0, 0)),)).rows[0][0]
    (8, 3)
    """

    ticks: tuple[float, ...]
    rows: tuple[tuple[tuple[int | str, ...], tuple[int | str, ...], tuple[int | str, ...]], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.ticks) for group in self.rows for row in group):
            _refuse("RiskTable", ["each row needs one number per tick"])


@dataclass(frozen=True, slots=True, kw_only=True)
class KaplanMeierPicture:
    """All that is drawn: curves, axes, words.

    Parameters
    ----------
    groups
        One to six curves, in the order of the study file.
    x_label, y_label
        Axis titles, with the unit of time in the first.
    x_max
        End of follow-up; the axis ends there or a little after.
    ticks
        Tick times; those beyond `x_max` are not drawn.
    p_text
        The test with its P, as printed (``"Log-rank P = 0.0037"``); empty for none.
    risk_table
        Numbers under the plot; ``None`` leaves them out.
    risk_labels
        The words for at risk, events and censored.
    stamp
        Label of a synthetic study, written inside the plot area; empty for none.
    min_at_risk_time
        Per group, the time after which too few remain and the curve is greyed, or ``None``.  An empty tuple
        greys nothing.
    percent_axis
        ``100%`` when true, ``1.0`` when false.
    point
        Decimal point of the numbers on the axis.
    """

    groups: tuple[CurveGroup, ...]
    x_label: str
    y_label: str
    x_max: float
    ticks: tuple[float, ...]
    p_text: str = ""
    risk_table: RiskTable | None = None
    risk_labels: tuple[str, str, str] = ("At risk", "Events", "Censored")
    stamp: str = ""
    min_at_risk_time: tuple[float | None, ...] = ()
    percent_axis: bool = True
    point: str = "."

    def __post_init__(self) -> None:
        problems = []
        if not 1 <= len(self.groups) <= MAX_GROUPS:
            problems.append(f"1 to {MAX_GROUPS} groups can be drawn, not {len(self.groups)}")
        if not (isfinite(self.x_max) and self.x_max > 0):
            problems.append("x_max must be a positive number")
        if self.risk_table is not None and len(self.risk_table.rows) != len(self.groups):
            problems.append("risk_table needs one block of rows per group")
        if self.min_at_risk_time and len(self.min_at_risk_time) != len(self.groups):
            problems.append("min_at_risk_time needs one entry per group, or none at all")
        _refuse("KaplanMeierPicture", problems)

    def slot(self, index: int) -> int:
        """Palette slot, from 1, of the group at position `index`, from 0."""
        return self.groups[index].colour or index + 1

    def words(self) -> Iterator[str]:
        """Every text of the picture."""
        yield from (self.x_label, self.y_label, self.p_text, self.stamp, *self.risk_labels)
        for group in self.groups:
            yield from (group.label, group.median_text)

    @property
    def medians(self) -> tuple[float | None, ...]:
        """Per group, the median if it lies on the axis."""
        return tuple(
            group.median if group.median is not None and group.median <= self.x_max else None for group in self.groups
        )
