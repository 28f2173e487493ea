"""Log-rank test of thousands of markers at once: patients are put in order of time once, then all markers are summed.

A marker divides the patients into those who have it and the others; O, E and V are those of the patients with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from cohortstats.stats.log_rank_exact import places_in_time
from cohortstats.stats.results import normal_quantile

__all__ = ["MarkerRanks", "RankedPatients", "log_rank_screen", "one_step_hazard_ratios", "rank_patients"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

CELLS = 1_000_000  # patients times markers worked on at a time


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankedPatients:
    """Patients of one stratum in order of time.

    ``order`` are their positions in the input; ``first`` and ``beyond`` the first patient of each event time, and the
    first after it; ``event`` who has the event.
    """

    order: Ints
    event: Mask
    first: Ints
    beyond: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkerRanks:
    """Sums of the log-rank test, one value a marker; observed, expected and variance of the patients with it.

    ``expected_without`` and ``events`` are the expected events of the others and the events of all.
    """

    n1: Ints
    n2: Ints
    events: Ints
    observed: Floats
    expected: Floats
    expected_without: Floats
    variance: Floats
    statistic: Floats
    p_value: Floats
    reason: NDArray[np.object_]


def rank_patients(time: Floats, event: Mask, strata: Ints | None = None) -> tuple[RankedPatients, ...]:
    """Patients of each stratum in order of time; times that differ by rounding only are one time.

    Examples
    --------
    >>> (ranked,) = rank_patients(np.array([5.0, 3.0, 5.0, 8.0]), np.array([True, False, False, True]))
    >>> ranked.order.tolist(), ranked.first.tolist(), ranked.beyond.tolist()
    ([1, 0, 2, 3], [1, 3], [3, 4])
    """
    place = places_in_time(time)
    parts = [np.arange(time.size)] if strata is None else [np.flatnonzero(strata == s) for s in np.unique(strata)]
    ranked = []
    for part in parts:
        order = part[np.argsort(place[part], kind="stable")]
        at, happened = place[order], event[order]
        starts = np.flatnonzero(np.append(True, at[1:] != at[:-1])) if at.size else np.zeros(0, dtype=np.int64)
        ends = np.append(starts[1:], at.size)[: starts.size]
        died = np.add.reduceat(happened.astype(np.int64), starts) if starts.size else starts
        ranked.append(RankedPatients(order=order, event=happened, first=starts[died > 0], beyond=ends[died > 0]))
    return tuple(ranked)


def log_rank_screen(markers: NDArray[np.int8], patients: Sequence[RankedPatients]) -> MarkerRanks:
    """Log-rank test of every marker, within strata; a patient whose marker is not known is left out of its test.

    Parameters
    ----------
    markers
        One row a marker, one column a patient: 1 with the marker, 0 without, −1 not known.
    patients
        From `rank_patients`, one item a stratum.

    Notes
    -----
    Per event time O = d₁, E = d n₁/n and V = d (n − d)/(n − 1) n₁ n₂/n², no variance at n = 1; χ² = (O − E)²/V on one
    degree of freedom. R: ``survdiff(Surv(time, event) ~ marker + strata(s))``.

    Examples
    --------
    >>> time = np.array([36, 50, 63, 70, 42, 63, 70, 120, 150, 180.0])
    >>> ranked = rank_patients(time, np.array([1, 1, 1, 1, 1, 0, 1, 0, 1, 0], dtype=bool))
    >>> found = log_rank_screen(np.array([[1, 1, 1, 1, 0, 0, 0, 0, 0, 0]], dtype=np.int8), ranked)
    >>> found.statistic.round(10).item(), found.p_value.round(10).item()
    (4.2660788234, 0.0388805535)
    """
    together = max(1, CELLS // max(1, markers.shape[1]))
    pieces = [_block(markers[start : start + together], patients) for start in range(0, len(markers), together)]
    sums = np.concatenate(pieces, axis=1) if pieces else np.zeros((len(SUMS), 0))
    n1, n2, events, observed, expected, without, variance, met = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        statistic = np.where(variance > 0, (observed - expected) ** 2 / variance, np.nan)
    # Why there is no statistic: the first that holds, as `log_rank_test` says it.
    why = np.select(
        [n1 + n2 == 0, (n1 == 0) | (n2 == 0), events == 0, variance > 0, met > 0],
        ["no patients", "one group", "no events", "", "variance is zero"],
        "groups never at risk together",
    )
    statistic[why != ""] = np.nan
    return MarkerRanks(
        n1=n1.astype(np.int64),
        n2=n2.astype(np.int64),
        events=events.astype(np.int64),
        observed=observed,
        expected=expected,
        expected_without=without,
        variance=variance,
        statistic=statistic,
        p_value=np.asarray(chdtrc(1, statistic)),
        reason=why.astype(object),
    )


SUMS = ("n1", "n2", "events", "observed", "expected", "expected_without", "variance", "met")


def _block(markers: NDArray[np.int8], patients: Sequence[RankedPatients]) -> Floats:
    """One row a sum of SUMS, one column a marker; strata added up."""
    if len(markers) == 1:  # a single column would be summed in another order, and differ in its last digit
        return _block(np.repeat(markers, 2, axis=0), patients)[:, :1]
    sums = np.zeros((len(SUMS), len(markers)))
    for stratum in patients:
        mine = np.ascontiguousarray(markers[:, stratum.order].T)  # one row a patient, in order of time
        known = mine >= 0
        sums += _sums(mine > 0, None if known.all() else known, stratum)
    return sums


def _sums(have: Mask, known: Mask | None, stratum: RankedPatients) -> Floats:
    n_patients = have.shape[0]
    risk1, died1 = _at_event_times(have, stratum)
    if known is None:
        ends = stratum.first, stratum.beyond
        n = (n_patients - ends[0]).astype(np.float64)[:, None]
        happened = np.append(0, np.cumsum(stratum.event))
        d = (happened[ends[1]] - happened[ends[0]]).astype(np.float64)[:, None]
        n_known = np.full(have.shape[1], float(n_patients))
    else:
        n, d = _at_event_times(known, stratum)
        n_known = known.sum(axis=0).astype(np.float64)
    n1 = have.sum(axis=0).astype(np.float64)
    risk2 = n - risk1
    with np.errstate(invalid="ignore", divide="ignore"):
        hazard = np.where(n > 0, d / n, 0.0)
        weight = np.where(n > 1, d * (n - d) / ((n - 1) * n * n), 0.0)
    both = risk1 * risk2
    return np.stack(
        [
            n1,
            n_known - n1,
            np.broadcast_to(d.sum(axis=0), n1.shape),
            died1.sum(axis=0),
            (hazard * risk1).sum(axis=0),
            (hazard * risk2).sum(axis=0),
            (weight * both).sum(axis=0),
            ((both > 0) & (d > 0)).sum(axis=0),
        ]
    )


def _at_event_times(have: Mask, stratum: RankedPatients) -> tuple[Floats, Floats]:
    """For each event time, who of a marker is at risk, and who has the event; one row a time, one column a marker."""
    n_patients, n_markers = have.shape
    total = np.zeros((n_patients + 1, n_markers), dtype=np.int32)
    np.cumsum(have, axis=0, dtype=np.int32, out=total[1:])
    risk = total[-1] - total[stratum.first]
    if (stratum.beyond - stratum.first == 1).all():
        died = have[stratum.first]  # nobody shares an event time
    else:
        np.cumsum(have & stratum.event[:, None], axis=0, dtype=np.int32, out=total[1:])
        died = total[stratum.beyond] - total[stratum.first]
    return risk.astype(np.float64), died.astype(np.float64)


def one_step_hazard_ratios(found: MarkerRanks, ci_level: float) -> tuple[Floats, Floats, Floats]:
    """Peto's hazard ratio exp((O − E)/V), with against without the marker, and limits exp((O − E)/V ± z/sqrt(V)).

    It is the first step of Newton's method for a Cox model from 0: near 1 it is close to the model's, far from 1 it is
    nearer to 1. Yusuf, Peto, Lewis, Collins and Sleight 1985, Progress in Cardiovascular Diseases 27:335.
    """
    z = normal_quantile(ci_level)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        variance = np.where(found.reason == "", found.variance, np.nan)
        log_ratio, reach = (found.observed - found.expected) / variance, z / np.sqrt(variance)
        return np.exp(log_ratio), np.exp(log_ratio - reach), np.exp(log_ratio + reach)
