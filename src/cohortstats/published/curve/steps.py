"""Steps of a curve, and what the numbers at risk and censor marks say between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cohortstats.published.curve.at_risk import RiskTable
from cohortstats.published.curve.repairs import Curve

__all__ = ["Gap", "Steps", "find_steps"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Between two steps: the time from one step, at which a censoring follows the events, up to the next.

    Parameters
    ----------
    ticks
        Times of numbers at risk after the first step, up to and including the next.
    numbers
        The numbers at risk there.
    first_marks
        Censor marks before the first tick; all of the gap where there is no tick.
    last_marks
        Censor marks from the last tick on.
    """

    ticks: tuple[float, ...] = ()
    numbers: tuple[int, ...] = ()
    first_marks: int = 0
    last_marks: int = 0


NOTHING = Gap()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steps:
    """The problem that a curve and its numbers at risk pose.

    Parameters
    ----------
    n
        Patients.
    time, before, after
        Of each step: its time, the level before it and after it.
    gaps
        One before the first step, one after each.
    end
        Last time of the curve.
    """

    n: int
    time: Floats
    before: Floats
    after: Floats
    gaps: tuple[Gap, ...]
    end: float

    @property
    def number(self) -> int:
        """How many steps there are."""
        return int(self.time.size)

    def without_numbers(self) -> Steps:
        """The same steps, with nothing known between them."""
        free = (NOTHING,) * len(self.gaps)
        return Steps(n=self.n, time=self.time, before=self.before, after=self.after, gaps=free, end=self.end)


def find_steps(curve: Curve, risk: RiskTable, marks: Floats | None) -> Steps:
    """Steps of a curve with the numbers at risk of each gap.

    Parameters
    ----------
    curve
        The mended curve.
    risk
        Numbers at risk; the first is that of all patients, at time 0.
    marks
        Times of the censor marks, in order, or None.
    """
    time, after = curve.steps()
    bounds = np.concatenate([[0.0], time, [np.inf]])
    # A number at risk at the time of a step still counts who has the event there.
    ends = np.searchsorted(risk.time[1:], bounds, side="right").tolist()
    ticks, numbers = risk.time[1:].tolist(), risk.n[1:].tolist()
    gaps = []
    for place, (first, last) in enumerate(pairwise(ends)):
        inside = tuple(ticks[first:last])
        before = after_last = 0
        if marks is not None:
            mine = marks[(marks >= bounds[place]) & (marks < bounds[place + 1])]
            before = int((mine < inside[0]).sum()) if inside else int(mine.size)
            after_last = int((mine >= inside[-1]).sum()) if inside else 0
        gaps.append(
            Gap(ticks=inside, numbers=tuple(numbers[first:last]), first_marks=before, last_marks=after_last)
            if inside or before
            else NOTHING
        )
    if time.size and time[0] == 0:  # nobody can be censored before a step at 0
        gaps[0] = Gap(ticks=(0.0,), numbers=(int(risk.n[0]),))
    return Steps(
        n=int(risk.n[0]),
        time=time,
        before=np.concatenate([[1.0], after[:-1]]) if after.size else after,
        after=after,
        gaps=tuple(gaps),
        end=curve.end,
    )
