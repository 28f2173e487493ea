"""Counting patients into rows of cell and distinct time; a cell is one group of one stratum.

Whole-number times are counted, never sorted; others are sorted once. Nothing walks over patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.results import read_only

__all__ = [
    "Rows", "at_risk", "count_patients", "freeze", "frozen", "merge_near_ties", "snap_to_times", "with_late_entries",
]  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TIE = 2.0**-26  # square root of the machine epsilon, R's measure of "equal"
WHOLE_UP_TO = 6e7  # whole numbers below this are further apart than TIE times their mean
SPARE_SLOTS = 65_536
MANY = 50_000  # numbers from which it pays to sort by their highest bits first
BLOCK = 131_072  # patients worked on at a time: a column of them fits into the cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows in order of cell and time; ``n_leaving`` is the sum of events and censored."""

    cell: Ints
    time: Floats
    n_event: Ints
    n_leaving: Ints


def frozen(values: NDArray[Any], dtype: type = np.float64) -> NDArray[Any]:
    """Array that nobody can change: itself when it is one already and no view of another, else a copy."""
    if values.dtype == dtype and not values.flags.writeable and values.flags.owndata:
        return values
    return read_only(values, dtype)


def freeze(values: NDArray[Any]) -> NDArray[Any]:
    """The array itself, given up by its maker: a result then keeps it without a copy."""
    values.flags.writeable = False
    return values


def near_ties(gap: Floats, mean: float) -> NDArray[np.bool_]:
    """Whether neighbours among sorted times differ by rounding only.

    They do when their gap is at most 2^−26, absolutely or relative to the mean of the distinct times.
    """
    near = gap <= TIE
    if mean > 1:  # else the absolute bound is the wider one
        near |= gap / mean <= TIE
    return near


def merge_near_ties(distinct: Floats) -> Floats | None:
    """First value of its run for each sorted distinct time, or None when no two of them are near.

    Neighbours are near when their gap is at most 2^−26, absolutely or relative to the mean of the distinct times.

    Examples
    --------
    >>> merge_near_ties(np.array([0.1, 0.3, 0.1 + 0.2, 0.5]))
    array([0.1, 0.3, 0.3, 0.5])
    """
    if distinct.size < 2:
        return None
    near = near_ties(np.diff(distinct), float(distinct.mean()))
    if not near.any():
        return None
    first = np.concatenate([[True], ~near])
    return np.asarray(distinct[first][np.cumsum(first) - 1])


def snap_to_times(wanted: Floats, time: Floats) -> Floats:
    """Wanted times, moved to the nearest of the given times where the two differ by rounding only.

    Examples
    --------
    >>> snap_to_times(np.array([0.3, 0.4]), np.array([0.1 + 0.2, 0.5])).tolist()
    [0.30000000000000004, 0.4]
    """
    if not time.size:
        return wanted
    distinct = np.unique(time)
    above = np.searchsorted(distinct, wanted)
    lower, upper = distinct[np.maximum(above - 1, 0)], distinct[np.minimum(above, distinct.size - 1)]
    nearest = np.where(np.abs(wanted - lower) <= np.abs(upper - wanted), lower, upper)
    return np.where(near_ties(np.abs(wanted - nearest), float(distinct.mean())), nearest, wanted)


def count_patients(
    time: Floats, event: NDArray[Any], cell: NDArray[Any], n_cells: int, weights: Ints | None, timefix: bool
) -> Rows:
    """Rows at which anyone has the event or is censored."""
    last = time.max()
    if last < WHOLE_UP_TO and n_cells * (last + 1) <= 8 * time.size + SPARE_SLOTS:
        counts = _count_days(time, int(last) + 1, event, cell, n_cells, weights)
        if counts is not None:  # then near ties cannot occur
            return _rows_of_days(counts, int(last) + 1)
    return _by_sorting(time, event, cell, n_cells, weights, timefix)


def _count_days(
    time: Floats, n_days: int, event: NDArray[Any], cell: NDArray[Any], n_cells: int, weights: Ints | None
) -> Ints | None:
    """Censored and events of each cell and whole day, or None when a time is no whole number.

    One block of patients at a time, so that everything between the columns and the counts stays in the cache.
    """
    counts = np.zeros(2 * n_cells * n_days, dtype=np.int64)
    block = max(BLOCK, 4 * counts.size)  # adding up the counts must not cost more than counting
    for start in range(0, time.size, block):
        rows = slice(start, start + block)
        slot = time[rows].astype(np.int64)
        if not (slot == time[rows]).all():
            return None
        if n_cells > 1:
            slot += cell[rows] * n_days
        slot *= 2
        slot += event[rows]
        # The sums are whole and below 2^53, so the floats that weights make of them are exact.
        counts += np.bincount(slot, None if weights is None else weights[rows], counts.size).astype(np.int64)
    return counts


def _rows_of_days(counts: Ints, n_days: int) -> Rows:
    censored, events = counts[0::2], counts[1::2]
    leaving = censored + events
    rows = np.flatnonzero(leaving)
    cell, day = np.divmod(rows, n_days)
    return Rows(cell=cell, time=day.astype(np.float64), n_event=events[rows], n_leaving=leaving[rows])


def _by_sorting(
    time: Floats, event: NDArray[Any], cell: NDArray[Any], n_cells: int, weights: Ints | None, timefix: bool
) -> Rows:
    time, label, patients = _sorted_by_time(time, event, cell, 2 * n_cells, weights)
    # The first patient of each time; those of near times follow in the same run.
    new = _first_of_runs(time, timefix)
    run: NDArray[Any] = np.cumsum(new, dtype=np.int32 if time.size < 2**31 else np.int64)
    np.subtract(run, 1, out=run)
    time = time[np.flatnonzero(new)]  # one value a run
    del new
    if n_cells > 1:
        # A stable sort of small whole numbers runs in linear time, and leaves the times of each cell in order.
        order = np.argsort(label >> 1, kind="stable")
        run, label = run[order], label[order]
        patients = None if patients is None else patients[order]
        del order
    first = np.ones(run.size, dtype=bool)
    np.not_equal(run[1:], run[:-1], out=first[1:])
    if n_cells > 1:
        first[1:] |= (label[1:] ^ label[:-1]) > 1  # another cell
    starts = np.flatnonzero(first)
    cell, time = (label[starts] >> 1).astype(np.int64), time[run[starts]]
    del run, first
    happened = (label & 1) if patients is None else (label & 1) * patients
    leaving = np.diff(starts, append=label.size) if patients is None else _sums_from(starts, patients)
    return Rows(cell=cell, time=time, n_event=_sums_from(starts, happened), n_leaving=leaving)


def _first_of_runs(time: Floats, timefix: bool) -> NDArray[np.bool_]:
    """For sorted times, whether each differs from the one before, by more than rounding."""
    new = np.ones(time.size, dtype=bool)
    np.not_equal(time[1:], time[:-1], out=new[1:])
    if timefix and time.size > 1:
        mean = float((time if new.all() else time[np.flatnonzero(new)]).mean())
        for start in range(1, time.size, BLOCK):
            rows = slice(start, min(start + BLOCK, time.size))
            new[rows] &= ~near_ties(time[rows] - time[rows.start - 1 : rows.stop - 1], mean)
    return new


def _sums_from(starts: Ints, counts: NDArray[Any]) -> Ints:
    """Sum of the counts from each start up to the next."""
    total = np.cumsum(counts, dtype=np.int64)
    return np.asarray(np.diff(total[np.append(starts[1:], counts.size) - 1], prepend=0))


def _sorted_by_time(
    time: Floats, event: NDArray[Any], cell: NDArray[Any], n_labels: int, weights: Ints | None
) -> tuple[Floats, NDArray[Any], Ints | None]:
    """Times in order, each with its label: twice the cell, and one more for an event.

    The bits of floats from 0 up are ordered like the floats. Where time and label fit into one 64-bit integer, that
    integer is sorted: no index array, no gathering from memory in random order.
    """
    small = np.uint8 if n_labels <= 2**8 else np.uint16 if n_labels <= 2**16 else np.int64
    label: NDArray[Any] = np.empty(time.size, dtype=small)
    np.multiply(cell, 2, out=label, casting="unsafe")
    np.bitwise_or(label, event, out=label)
    bits, shift = time.view(np.int64), (n_labels - 1).bit_length()
    lowest, highest = int(bits.min()), int(bits.max())
    if weights is None and (highest - lowest).bit_length() + shift < 63:
        packed = bits - lowest
        packed <<= shift
        np.bitwise_or(packed, label, out=packed)
        packed = _sorted_whole(packed, (highest - lowest).bit_length() + shift)
        np.bitwise_and(packed, (1 << shift) - 1, out=label, casting="unsafe")
        packed >>= shift
        packed += lowest
        return packed.view(np.float64), label, None
    order = np.argsort(time, kind="stable")
    return time[order], label[order], None if weights is None else weights[order]


def _sorted_whole(packed: Ints, n_bits: int) -> Ints:
    """Whole numbers from 0 up, of so many bits, in order.

    Numbers of 16 bits are sorted by counting, in linear time. So many numbers as pay for it are first laid in order of
    their highest bits; a sort that makes use of order then finds next to nothing left to do.
    """
    if packed.size >= MANY and n_bits > 16:
        packed = packed[np.argsort((packed >> (n_bits - 16)).astype(np.uint16), kind="stable")]
        packed.sort(kind="stable")
    else:
        packed.sort()
    return packed


def at_risk(cell: Ints, n_leaving: Ints) -> Ints:
    """Patients of the cell who leave at this time or later: those at risk when nobody enters late."""
    if not cell.size:
        return n_leaving
    left = np.cumsum(n_leaving)
    last = np.append(np.flatnonzero(cell[1:] != cell[:-1]), cell.size - 1)
    at_risk = np.repeat(left[last], np.diff(last, prepend=-1))
    at_risk -= left
    at_risk += n_leaving
    return at_risk


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
