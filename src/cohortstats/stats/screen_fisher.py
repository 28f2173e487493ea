"""Fisher's exact test of thousands of markers at once: counts by packed bits, one set of weights per distinct margins.

A marker divides the patients into those who have it (group 1) and the others (group 2). Tables with the same margins
share their weights, so a screen of twenty thousand markers computes some hundred distributions and looks the rest up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.exact import NEAR
from cohortstats.stats.hypergeometric import Margins
from cohortstats.stats.results import normal_quantile

__all__ = ["MarkerCounts", "conditional_odds_ratios", "count_markers", "fisher_p_values", "risk_differences"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

CELLS = 1_000_000  # weights worked on at a time


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkerCounts:
    """Patients with (1) and without (2) each marker, and events among them; one value a marker."""

    n1: Ints
    x1: Ints
    n2: Ints
    x2: Ints


def count_markers(markers: NDArray[np.int8], outcome: Mask) -> MarkerCounts:
    """Counts of every marker.

    Parameters
    ----------
    markers
        One row a marker, one column a patient: 1 with the marker, 0 without, −1 not known.
    outcome
        Whether each patient had the event.

    Examples
    --------
    >>> markers = np.array([[1, 1, 0, 0], [1, -1, 0, 0]], dtype=np.int8)
    >>> counts = count_markers(markers, np.array([True, False, True, False]))
    >>> counts.n1.tolist(), counts.x1.tolist(), counts.n2.tolist(), counts.x2.tolist()
    ([2, 1], [1, 1], [2, 2], [1, 1])
    """
    happened = np.packbits(outcome)
    have = np.packbits(markers == 1, axis=1)
    n1, x1 = _bits(have), _bits(have & happened)
    if markers.size and markers.min() < 0:
        lack = np.packbits(markers == 0, axis=1)
        return MarkerCounts(n1=n1, x1=x1, n2=_bits(lack), x2=_bits(lack & happened))
    return MarkerCounts(n1=n1, x1=x1, n2=outcome.size - n1, x2=np.count_nonzero(outcome) - x1)


def _bits(packed: NDArray[np.uint8]) -> Ints:
    """How many bits are set in each row."""
    spare = -packed.shape[1] % 8
    if spare:  # eight bytes are counted at once
        packed = np.pad(packed, ((0, 0), (0, spare)))
    words = np.ascontiguousarray(packed).view(np.uint64)
    if hasattr(np, "bitwise_count"):  # NumPy 2
        return np.asarray(np.bitwise_count(words).sum(axis=1, dtype=np.int64))
    return np.asarray(np.unpackbits(words.view(np.uint8), axis=1).sum(axis=1, dtype=np.int64))  # pragma: no cover


def fisher_p_values(counts: MarkerCounts) -> tuple[Floats, Floats]:
    """Two-sided p of Fisher's test by minimum likelihood, and the smallest p that the margins of each table allow.

    Both are 1 where a margin is 0, as only one table is possible, and nan where there are no patients.

    Notes
    -----
    Weights are multiples of that at the mode, by the ratio w(x + 1)/w(x) = (n1 − x)(k − x)/((x + 1)(n2 − k + x + 1)),
    and are summed smallest first. Where two of them differ by less than a relative 1e-10, integers decide which is
    larger. R: ``fisher.test(matrix, conf.int = FALSE)$p.value``.

    Examples
    --------
    >>> table = MarkerCounts(n1=np.array([2, 17]), x1=np.array([2, 6]), n2=np.array([14, 17]), x2=np.array([2, 3]))
    >>> p_value, attainable = fisher_p_values(table)
    >>> p_value.round(12).tolist(), attainable.round(12).tolist()
    ([0.05, 0.438433276031], [0.05, 0.000926955877])
    """
    n1, n2, k = counts.n1, counts.n2, counts.x1 + counts.x2
    margins, table = _distinct(n1, n2, k)
    low, high = np.maximum(0, margins[:, 2] - margins[:, 1]), np.minimum(margins[:, 2], margins[:, 0])
    # Beside the tables that were seen, both ends of each support: the rarest table is one of them.
    every = np.arange(len(margins))
    queries, place = _distinct(np.concatenate([table, every, every]), np.concatenate([counts.x1, low, high]))
    p_value = _by_blocks(margins, low, high, queries)[place]
    p_value[np.concatenate([n1 + n2 == 0, np.zeros(2 * every.size, dtype=bool)])] = np.nan
    seen, at_low, at_high = np.split(p_value, [n1.size, n1.size + every.size])
    attainable = np.minimum(at_low, at_high)[table]
    attainable[n1 + n2 == 0] = np.nan
    return seen, attainable


def _distinct(*columns: Ints) -> tuple[Ints, Ints]:
    """Rows that differ, in order of their columns, and the place of each row among them."""
    rows = np.stack(columns, axis=1)
    base = int(rows.max(initial=0)) + 1
    if base ** len(columns) < 2**62:  # a row is one whole number, which sorts faster
        key = columns[0]
        for column in columns[1:]:
            key = key * base + column
        _, first, place = np.unique(key, return_index=True, return_inverse=True)
        return rows[first], place.ravel()
    distinct, place = np.unique(rows, axis=0, return_inverse=True)
    return distinct, place.ravel()


def _by_blocks(margins: Ints, low: Ints, high: Ints, queries: Ints) -> Floats:
    """p of each query, a position of margins and a count; supports of about one length are taken together."""
    p_value = np.empty(len(queries))
    by_width = np.argsort(high - low, kind="stable")
    first = np.searchsorted(queries[:, 0], np.arange(len(margins) + 1))  # queries of the same margins stand together
    start = 0
    while start < by_width.size:
        stop = start + 1
        while stop < by_width.size and (stop + 1 - start) * (high - low + 1)[by_width[stop]] <= CELLS:
            stop += 1
        some = by_width[start:stop]
        rows = np.concatenate([np.arange(first[one], first[one + 1]) for one in some.tolist()])
        local = np.repeat(np.arange(some.size), first[some + 1] - first[some])
        p_value[rows] = _p_of_block(margins[some], low[some], high[some], local, queries[rows, 1])
        start = stop
    return p_value


def _p_of_block(margins: Ints, low: Ints, high: Ints, at: Ints, x: Ints) -> Floats:
    """p of the tables with ``x`` events in the first group, ``at`` the row of their margins."""
    n1, n2, k = (column[:, None].astype(np.float64) for column in margins.T)
    mode = np.clip((margins[:, 0] + 1) * (margins[:, 2] + 1) // (margins[:, 0] + margins[:, 1] + 2), low, high)
    width = int(max((high - mode).max(), (mode - low).max())) + 1
    step = np.arange(width - 1, dtype=np.float64)[None, :]
    upward, downward = mode[:, None] + step, mode[:, None] - step
    # Weights from the mode outwards. At either end of the support a factor is 0, and stays in every later product.
    weights = np.ones((2, len(margins), width))
    rise = (n1 - upward) * (k - upward) / ((upward + 1) * (n2 - k + upward + 1))
    fall = downward * (n2 - k + downward) / ((n1 - downward + 1) * (k - downward + 1))
    with np.errstate(under="ignore"):
        np.cumprod(rise, axis=1, out=weights[0, :, 1:])
        np.cumprod(fall, axis=1, out=weights[1, :, 1:])
    # Sum from each place outwards, smallest first.
    tails = np.cumsum(weights[:, :, ::-1], axis=2)[:, :, ::-1]
    other = np.concatenate([tails, np.zeros((2, len(margins), 1))], axis=2)
    total = tails[0, :, 0] + other[1, :, 1]
    side, distance = (x < mode[at]).astype(np.int64), np.abs(x - mode[at])
    mine = weights[side, at, distance]
    opposite = _first_no_likelier(weights, margins, mode, at, x, 1 - side, mine)
    extreme = other[side, at, distance] + other[1 - side, at, opposite]
    p_value = np.minimum(extreme / total[at], 1.0)
    p_value[distance == 0] = 1.0  # nothing is likelier than the mode
    return np.asarray(p_value)


def _first_no_likelier(weights: Floats, margins: Ints, mode: Ints, at: Ints, x: Ints, side: Ints, mine: Floats) -> Ints:
    """Distance from the mode, on the other side, from which tables are no likelier than ``x``; by bisection.

    Weights fall from the mode outwards. Where two are too close for floats, mirror images in a symmetric table are
    known to be equal, and integers tell of all others.
    """
    below, above = np.zeros(at.size, dtype=np.int64), np.full(at.size, weights.shape[2])
    bound = mine * (1 + NEAR)
    while (open_ := below < above).any():
        middle = (below + above) // 2
        small = weights[side, at, np.minimum(middle, weights.shape[2] - 1)] <= bound
        above = np.where(open_ & small, middle, above)
        below = np.where(open_ & ~small, middle + 1, below)
    inside = np.minimum(below, weights.shape[2] - 1)
    near = (below < weights.shape[2]) & (mine > 0) & (weights[side, at, inside] >= mine * (1 - NEAR))
    n1, n2, k = margins[at].T
    y = mode[at] + np.where(side == 0, below, -below)
    mirrored = ((2 * k == n1 + n2) & (x + y == n1)) | ((n1 == n2) & (x + y == k))
    for row in np.flatnonzero(near & ~mirrored & (x != mode[at])).tolist():
        table = Margins(n1=int(n1[row]), n2=int(n2[row]), k=int(k[row]))
        sign = 1 if side[row] == 0 else -1
        place = int(below[row])
        while (
            place < weights.shape[2]
            and weights[side[row], at[row], place] >= mine[row] * (1 - NEAR)
            and table.compare(int(mode[at[row]]) + sign * place, int(x[row])) > 0
        ):
            place += 1
        below[row] = place
    return below


def risk_differences(counts: MarkerCounts, ci_level: float) -> tuple[Floats, Floats, Floats]:
    """Rate with the marker minus rate without, and Newcombe's limits; nan where a group has nobody."""
    z = normal_quantile(ci_level)
    with np.errstate(invalid="ignore", divide="ignore"):
        p1, low1, high1 = _wilson(counts.x1, counts.n1, z)
        p2, low2, high2 = _wilson(counts.x2, counts.n2, z)
    lower = p1 - p2 - np.hypot(p1 - low1, high2 - p2)
    upper = p1 - p2 + np.hypot(high1 - p1, p2 - low2)
    return p1 - p2, np.maximum(lower, -1.0), np.minimum(upper, 1.0)


def _wilson(x: Ints, n: Ints, z: float) -> tuple[Floats, Floats, Floats]:
    p, shrink = x / n, 1 + z**2 / n
    centre, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4.0 * n * n))
    lower, upper = (centre - half) / shrink, (centre + half) / shrink
    return (
        p,
        np.where(x == 0, np.where(n > 0, 0.0, np.nan), lower),
        np.where(x == n, np.where(n > 0, 1.0, np.nan), upper),
    )


def conditional_odds_ratios(counts: MarkerCounts, ci_level: float) -> tuple[Floats, Floats, Floats]:
    """Conditional odds ratio and central limits, as `fisher_exact` gives them; each distinct table is solved once."""
    tables, place = _distinct(counts.n1, counts.n2, counts.x1, counts.x2)
    solved, tail = np.full((len(tables), 3), np.nan), (1 - ci_level) / 2
    for row, (n1, n2, x1, x2) in enumerate(tables.tolist()):
        margins = Margins(n1=n1, n2=n2, k=x1 + x2)
        if n1 + n2 == 0:
            continue
        solved[row] = margins.conditional_odds_ratio(x1), margins.lower_limit(x1, tail), margins.upper_limit(x1, tail)
    estimate, lower, upper = solved[place].T
    return estimate, lower, upper
