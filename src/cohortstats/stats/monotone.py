"""Whether a partial likelihood has a maximum, decided on the data by linear programming.

The likelihood grows without end exactly when there is a direction v in which, at every event, no one at risk lies
above the patient with the event, (x_event − x_j)'v ≥ 0, and someone once lies below. The largest sum of these products
over all such v in a box is then above 0. Of the conditions, as many as events times patients, few matter: the program
is solved with a few of them, those that its answer breaks most are added, and so on until it breaks none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.moments import Moments

__all__ = ["flat_directions", "monotone_direction"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# In units in which every covariate spans at most 2, and the direction reaches 1.
BROKEN = 1e-8  # a smaller breach of a condition is noise of the solver
STRICT = 1e-6  # the greatest distance between an event and another at risk, when the likelihood truly grows
NOTHING = 1e-12  # part of its own terms that a gain of 0 may keep by rounding
ADDED = 50  # conditions added in one round


def flat_directions(risk: Moments, x: Floats, *, discrete: bool = False) -> bool:
    """Whether some combination of the covariates never differs among those at risk together at an event.

    The likelihood is then constant along it, so no coefficient can be told from the data. Where all at risk have the
    event at once, the discrete likelihood (exact ties) learns nothing.
    """
    weight = np.where(risk.n_event < risk.n_at_risk, risk.n_event, 0) if discrete else risk.n_event
    information = risk.spread(_scaled(x), weight)
    return bool(np.linalg.eigvalsh(information)[0] <= 1e-10 * risk.n_event.sum())


def monotone_direction(risk: Moments, x: Floats, *, discrete: bool = False) -> Floats | None:
    """Direction along which the likelihood grows without end, one number a covariate, or None when there is none.

    Patients are compared within strata and risk sets only; the discrete likelihood does not compare tied events with
    each other. The numbers are in units of the covariates' spread.
    """
    scaled = _scaled(x)
    risk = risk.others() if discrete else risk
    # Any positive weights of the conditions will do; one over the number at risk makes this the score at 0.
    gain = scaled[risk.case].sum(axis=0) - (risk.n_event / risk.n_at_risk) @ risk.total(scaled)
    conditions = np.zeros((0, x.shape[1]))
    while True:
        direction = _best(gain, conditions)
        if gain @ direction <= NOTHING * max(np.abs(gain).sum(), 1.0):
            return None
        fuller = np.unique(np.vstack([conditions, _broken(risk, scaled, direction)]), axis=0)
        if fuller.shape[0] == conditions.shape[0]:  # nothing is broken that the program does not know
            return direction if _gap(risk, scaled @ direction) > STRICT else None
        conditions = fuller


def _scaled(x: Floats) -> Floats:
    centred = x - x.mean(axis=0)
    spread = np.abs(centred).max(axis=0)
    return np.asarray(centred / np.where(spread > 0, spread, 1.0))


def _best(gain: Floats, conditions: Floats) -> Floats:
    """Vertex of the box where the gain is largest under the conditions."""
    if not conditions.shape[0]:
        return np.asarray(np.sign(gain))
    from scipy.optimize import linprog

    solved = linprog(-gain, A_ub=-conditions, b_ub=np.zeros(conditions.shape[0]), bounds=(-1, 1), method="highs")
    return np.asarray(solved.x)


def _broken(risk: Moments, x: Floats, direction: Floats) -> Floats:
    """Conditions that a direction breaks: of each event the one that it breaks most, of these the worst."""
    height = x @ direction
    highest = _highest(risk, height)[risk.moment]
    breach = height[highest] - height[risk.case]
    worst = np.argsort(-breach, kind="stable")[:ADDED]
    worst = worst[breach[worst] > BROKEN]
    return np.asarray(x[risk.case[worst]] - x[highest[worst]])


def _gap(risk: Moments, height: Floats) -> float:
    """Greatest distance of anyone at risk below the patient with the event."""
    return float((height[risk.case] - height[_highest(risk, -height)[risk.moment]]).max())


def _highest(risk: Moments, height: Floats) -> Ints:
    """Patient at risk with the greatest height, at each moment.

    Each run of moments is the union of two runs whose length is one power of 2; a maximum over it is put there, and
    handed down from long runs to their halves.
    """
    order = np.argsort(height, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    length = risk.stop - risk.first
    seen = np.flatnonzero(length > 0)
    level = np.frexp(length[seen].astype(np.float64))[1] - 1  # floor of the binary logarithm
    n_moments = risk.n_event.size
    best = np.full(((int(level.max()) + 1), n_moments), -1)
    np.maximum.at(best, (level, risk.first[seen]), place[seen])
    np.maximum.at(best, (level, risk.stop[seen] - (1 << level)), place[seen])
    for one in range(best.shape[0] - 1, 0, -1):
        half = 1 << (one - 1)
        np.maximum(best[one - 1], best[one], out=best[one - 1])
        np.maximum(best[one - 1, half:], best[one, :-half], out=best[one - 1, half:])
    return np.asarray(order[best[0]])
