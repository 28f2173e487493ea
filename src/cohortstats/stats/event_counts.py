"""Counting patients into rows of cell and distinct time; a cell is one group of one stratum.

Whole-number times are counted, never sorted; others are sorted once. Nothing walks over patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows", "at_risk", "count_patients", "merge_near_ties", "with_late_entries"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TIE = 2.0**-26  # square root of the machine epsilon, R's measure of "equal"
WHOLE_UP_TO = 6e7  # whole numbers below this are further apart than TIE times their mean
SPARE_SLOTS = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows in order of cell and time; ``n_leaving`` is the sum of events and censored."""

    cell: Ints
    time: Floats
    n_event: Ints
    n_leaving: Ints


def merge_near_ties(distinct: Floats) -> Floats | None:
    """First value of its run for each sorted distinct time, or None when no two of them are near.

    Neighbours are near when their gap is at most 2^−26, absolutely or relative to the mean of the distinct times.

    Examples
    --------
    >>> merge_near_ties(np.array([0.1, 0.3, 0.1 + 0.2, 0.5]))
    array([0.1, 0.3, 0.3, 0.5])
    """
    gap = np.diff(distinct)
    if not gap.size:
        return None
    near = (gap <= TIE) | (gap / distinct.mean() <= TIE)
    if not near.any():
        return None
    first = np.concatenate([[True], ~near])
    return np.asarray(distinct[first][np.cumsum(first) - 1])


def count_patients(
    time: Floats, event: NDArray[Any], cell: Ints, n_cells: int, weights: Ints | None, timefix: bool
) -> Rows:
    """Rows at which anyone has the event or is censored."""
    last = time.max()
    if last < WHOLE_UP_TO and n_cells * (last + 1) <= 8 * time.size + SPARE_SLOTS:
        day = time.astype(np.int64)
        if (day == time).all():  # then near ties cannot occur
            return _by_counting(day, int(last) + 1, event, cell, n_cells, weights)
    return _by_sorting(time, event, cell, n_cells, weights, timefix)


def _by_counting(day: Ints, n_days: int, event: NDArray[Any], cell: Ints, n_cells: int, weights: Ints | None) -> Rows:
    slot = (day if n_cells == 1 else cell * n_days + day) * 2
    slot += event.astype(np.int64)
    counts = np.bincount(slot, weights, minlength=2 * n_cells * n_days).astype(np.int64).reshape(-1, 2)
    leaving = counts.sum(axis=1)
    rows = np.flatnonzero(leaving)
    return Rows(
        cell=rows // n_days, time=(rows % n_days).astype(np.float64), n_event=counts[rows, 1], n_leaving=leaving[rows]
    )


def _by_sorting(
    time: Floats, event: NDArray[Any], cell: Ints, n_cells: int, weights: Ints | None, timefix: bool
) -> Rows:
    label = cell * 2 + event.astype(np.int64)
    time, label, patients = _sorted_by_time(time, label, 2 * n_cells, weights)
    if timefix:
        new = np.concatenate([[True], time[1:] != time[:-1]])
        merged = merge_near_ties(time[new])
        if merged is not None:
            time = merged[np.cumsum(new) - 1]
    cell = label >> 1
    if n_cells > 1:
        # A stable sort of small whole numbers runs in linear time, and leaves the times of each cell in order.
        order = np.argsort(cell.astype(np.uint16 if n_cells < 2**16 else np.int64), kind="stable")
        time, cell, label = time[order], cell[order], label[order]
        patients = None if patients is None else patients[order]
    starts = np.flatnonzero(np.concatenate([[True], (time[1:] != time[:-1]) | (cell[1:] != cell[:-1])]))
    one = label & 1
    events = np.add.reduceat(one if patients is None else one * patients, starts)
    leaving = np.diff(starts, append=time.size) if patients is None else np.add.reduceat(patients, starts)
    kept = leaving > 0  # rows of weight 0 stand for nobody
    return Rows(cell=cell[starts][kept], time=time[starts][kept], n_event=events[kept], n_leaving=leaving[kept])


def _sorted_by_time(time: Floats, label: Ints, n_labels: int, weights: Ints | None) -> tuple[Floats, Ints, Ints | None]:
    """Times in order with their labels.

    The bits of floats from 0 up are ordered like the floats. Where time and label fit into one 64-bit integer, that
    integer is sorted: no index array, no gathering from memory in random order.
    """
    bits, shift = time.view(np.int64), (n_labels - 1).bit_length()
    lowest, highest = int(bits.min()), int(bits.max())
    if weights is None and (highest - lowest).bit_length() + shift < 63:
        packed = ((bits - lowest) << shift) | label
        packed.sort()
        return ((packed >> shift) + lowest).view(np.float64), packed & ((1 << shift) - 1), None
    order = np.argsort(time, kind="stable")
    return time[order], label[order], None if weights is None else weights[order]


def at_risk(cell: Ints, n_leaving: Ints) -> Ints:
    """Patients of the cell who leave at this time or later: those at risk when nobody enters late."""
    if not cell.size:
        return n_leaving
    left_before = np.cumsum(n_leaving) - n_leaving
    last = np.flatnonzero(np.diff(cell, append=cell[-1] + 1))
    return np.asarray(np.repeat((left_before + n_leaving)[last], np.diff(last, prepend=-1)) - left_before)


def with_late_entries(rows: Rows, entry: Floats, cell: Ints, weights: Ints | None, n_groups: int) -> tuple[Rows, Ints]:
    """Rows with those of the other groups' event times added, and the numbers at risk, #{entry < t ≤ time}."""
    patients = np.ones(entry.size, dtype=np.int64) if weights is None else weights
    pieces = []
    for stratum in range(int(cell.max()) // n_groups + 1):
        inside = rows.cell // n_groups == stratum
        common = np.unique(rows.time[inside & (rows.n_event > 0)])
        for one in range(stratum * n_groups, (stratum + 1) * n_groups):
            mine = rows.cell == one
            if not mine.any():
                continue
            time = np.union1d(common, rows.time[mine])
            at = np.searchsorted(time, rows.time[mine])
            n_event, n_leaving = np.zeros((2, time.size), dtype=np.int64)
            n_event[at], n_leaving[at] = rows.n_event[mine], rows.n_leaving[mine]
            entered = np.bincount(
                np.searchsorted(time, entry[cell == one], side="right"), patients[cell == one], time.size + 1
            )[: time.size]
            risk = np.cumsum(entered).astype(np.int64) - (np.cumsum(n_leaving) - n_leaving)
            pieces.append((np.full(time.size, one), time, n_event, n_leaving, risk))
    cells, times, events, leaving, risk = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return Rows(cell=cells, time=times, n_event=events, n_leaving=leaving), risk
