"""Patients of a path through the lattice: events at the steps, censorings where the numbers at risk allow them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cohortstats.published.curve.guyot import Rebuilt
from cohortstats.published.curve.lattice import Path
from cohortstats.published.curve.steps import Steps

__all__ = ["place_patients"]

Floats = NDArray[np.float64]


def place_patients(steps: Steps, path: Path, marks: Floats | None = None) -> Rebuilt:
    """One row a patient.

    Parameters
    ----------
    steps
        The steps and the numbers at risk between them.
    path
        At risk and events at each step.
    marks
        Times of censor marks in order; censorings of a stretch with marks stand at them, else evenly spread inside.

    Returns
    -------
    Rebuilt
        ``steps.n`` patients.
    """
    at_risk, events = path.at_risk.tolist(), path.events.tolist()
    bounds = [0.0, *steps.time.tolist()]
    left = [steps.n, *(n - d for n, d in zip(at_risk, events, strict=True))]
    censored: list[float] = []
    last = steps.number
    end = steps.end
    for place, gap in enumerate(steps.gaps):
        here, start = left[place], bounds[place]
        # Nobody is left at a 0 behind the end of the curve: who was there till the end is gone by then.
        ticks = [(tick, n) for tick, n in zip(gap.ticks, gap.numbers, strict=True) if tick <= end or n > 0]
        for tick, number in ticks:
            if number < here:
                censored += _spread(start, tick, here - number, marks)
            here, start = number, tick
        if place < last:
            if at_risk[place] < here:
                censored += _spread(start, bounds[place + 1], here - at_risk[place], marks)
        else:
            censored += _at_the_end(start, max(end, start), here, marks)
    time = np.concatenate([np.repeat(steps.time, path.events), np.array(censored)])
    event = np.zeros(time.size, dtype=bool)
    event[: path.n_events] = True
    order = np.lexsort((~event, time))
    assert time.size == steps.n, "every patient comes out"
    return Rebuilt(time=time[order], event=event[order])


def _spread(start: float, stop: float, count: int, marks: Floats | None) -> list[float]:
    """Times of censorings between two times: at the marks there, else evenly."""
    if marks is not None:
        mine = marks[(marks >= start) & (marks < stop)].tolist()
        if mine:
            return [mine[min(int((j + 0.5) * len(mine) / count), len(mine) - 1)] for j in range(count)]
    step = (stop - start) / (count + 1)
    return [start + j * step for j in range(1, count + 1)]


def _at_the_end(start: float, end: float, count: int, marks: Floats | None) -> list[float]:
    """Times of those left after the last step and the last number at risk: the end, or each mark once before it."""
    if marks is None:
        return [end] * count
    mine: list[float] = marks[(marks >= start) & (marks <= end)].tolist()[:count]
    return mine + [end] * (count - len(mine))
