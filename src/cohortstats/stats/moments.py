"""Who is at risk when: patients against the moments of events, and sums over the risk sets.

A moment is a distinct time of one stratum at which anyone has the event. Each patient is at risk over one run of
moments, so sums over all risk sets are differences of cumulative sums: nothing walks over patients or pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.event_counts import merge_near_ties
from cohortstats.stats.event_door import refuse_entries

__all__ = ["Moments", "event_moments", "merge_times"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Patient j is at risk at the moments ``first[j]`` to ``stop[j] − 1``.

    ``case`` holds the patients with the event, ``moment`` the moment of each of them; ``n_event`` and ``n_at_risk``
    have one number a moment.
    """

    first: Ints
    stop: Ints
    case: Ints
    moment: Ints
    n_event: Ints
    n_at_risk: Ints

    def total(self, values: Floats) -> Floats:
        """Sum of the values of all who are at risk at each moment; one row a patient in, one row a moment out."""
        steps = np.zeros((self.n_event.size + 1, *values.shape[1:]))
        np.add.at(steps, self.first, values)
        np.subtract.at(steps, self.stop, values)
        return np.asarray(np.cumsum(steps, axis=0)[:-1])

    def at_events(self, values: Floats) -> Floats:
        """Sum of the values of those who have the event at each moment."""
        sums = np.zeros((self.n_event.size, *values.shape[1:]))
        np.add.at(sums, self.moment, values[self.case])
        return sums

    def score(self, x: Floats, beta: Floats, *, efron: bool) -> Floats:
        """First derivative of the log partial likelihood, ties by Breslow or Efron."""
        eta = x @ beta
        risk = np.exp(eta - eta.max())
        weighted = risk[:, None] * x
        s0, s1 = self.total(risk), self.total(weighted)
        score: Floats = x[self.case].sum(axis=0)
        if not efron:
            return np.asarray(score - (self.n_event / s0) @ s1)
        d0, d1 = self.at_events(risk), self.at_events(weighted)
        # The k-th of d tied events sees the risk set with k/d of the tied taken out.
        moment = np.repeat(np.arange(self.n_event.size), self.n_event)
        out = (np.arange(moment.size) - (np.cumsum(self.n_event) - self.n_event)[moment]) / self.n_event[moment]
        mean = (s1[moment] - out[:, None] * d1[moment]) / (s0[moment] - out * d0[moment])[:, None]
        return np.asarray(score - mean.sum(axis=0))

    def others(self) -> Moments:
        """Moments with those who have the event left out of those at risk; moments with nobody else are dropped."""
        n_others = self.n_at_risk - self.n_event
        kept = n_others > 0
        number = np.concatenate([[0], np.cumsum(kept)])
        stop = self.stop.copy()
        stop[self.case] = self.moment
        mine = kept[self.moment]
        return Moments(
            first=number[self.first],
            stop=number[stop],
            case=self.case[mine],
            moment=number[self.moment[mine]],
            n_event=self.n_event[kept],
            n_at_risk=n_others[kept],
        )

    def information_at_zero(self, x: Floats) -> Floats:
        """Minus the second derivative at coefficients of 0, ties by Breslow: covariances within the risk sets."""
        return self.spread(x, self.n_event)

    def spread(self, x: Floats, weight: Ints) -> Floats:
        """Covariance matrices of those at risk, added up over the moments with weights."""
        centred = x - x.mean(axis=0)
        mean = self.total(centred) / self.n_at_risk[:, None]
        k = x.shape[1]
        squares = self.total((centred[:, :, None] * centred[:, None, :]).reshape(-1, k * k)).reshape(-1, k, k)
        spread = squares / self.n_at_risk[:, None, None] - mean[:, :, None] * mean[:, None, :]
        return np.asarray(np.tensordot(weight.astype(np.float64), spread, axes=1))


def event_moments(time: Floats, event: NDArray[np.bool_], entry: Floats | None, stratum: Ints | None) -> Moments:
    """Risk sets #{entry < t ≤ time} of every event time t, within strata; near ties are merged before."""
    n = time.size
    values = time if entry is None else np.concatenate([time, entry])
    distinct, rank = np.unique(values, return_inverse=True)
    base = np.zeros(n, dtype=np.int64) if stratum is None else stratum * (distinct.size + 1)
    exits = base + rank[:n]
    entries = base if entry is None else base + rank[n:] + 1
    moments, moment = np.unique(exits[event], return_inverse=True)
    first = np.searchsorted(moments, entries, side="left")
    stop = np.searchsorted(moments, exits, side="right")
    n_at_risk = np.cumsum(
        np.bincount(first, minlength=moments.size + 1) - np.bincount(stop, minlength=moments.size + 1)
    )
    return Moments(
        first=first,
        stop=stop,
        case=np.flatnonzero(event),
        moment=moment.astype(np.int64),
        n_event=np.bincount(moment, minlength=moments.size),
        n_at_risk=n_at_risk[:-1],
    )


def merge_times(time: Floats, entry: Floats | None) -> tuple[Floats, Floats | None]:
    """Times, and entries, with near ties merged among them all; an entry that then meets its exit is refused."""
    values = time if entry is None else np.concatenate([time, entry])
    distinct, position = np.unique(values, return_inverse=True)
    merged = merge_near_ties(distinct)
    if merged is None:
        return time, entry
    values = merged[position]
    if entry is None:
        return values, None
    time, entry = np.split(values, [time.size])
    refuse_entries(time, entry)
    return time, entry
