"""Bootstrap of the median: counts of patients per distinct time are drawn, never patients, and no curve is fitted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.doors import check_fraction, refuse
from cohortstats.stats.event_counts import TIE
from cohortstats.stats.events import EventTable
from cohortstats.stats.kaplan_meier import check_one_stratum
from cohortstats.stats.permutations import check_draws
from cohortstats.stats.results import RichResult, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BootstrapMedian", "bootstrap_median", "medians_of_counts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_DRAWS = 999
CELLS = 1_000_000  # draws times distinct times in one block


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class BootstrapMedian(RichResult):
    """Result of `bootstrap_median`.

    ``medians`` has one row a draw and one column a group, nan where the curve of the draw does not reach one half;
    ``n_not_reached`` counts these. The limits are nan where they fall among them.
    """

    groups: tuple[str, ...]
    n: Ints
    estimate: Floats
    ci_lower: Floats
    ci_upper: Floats
    ci_level: float
    medians: Floats
    n_not_reached: Ints
    draws: int
    seed: int
    method: str
    reason: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("n", "n_not_reached"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.int64))
        for name in ("estimate", "ci_lower", "ci_upper", "medians"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """One row a group: group, n, estimate, ci_lower, ci_upper, ci_level, n_not_reached, draws, method, reason."""
        import pandas as pd

        columns = ("n", "estimate", "ci_lower", "ci_upper", "ci_level", "n_not_reached", "draws", "method", "reason")
        return pd.DataFrame({"group": self.groups} | {name: getattr(self, name) for name in columns})


def bootstrap_median(events: EventTable, *, draws: int, seed: int, ci_level: float = 0.95) -> BootstrapMedian:
    """Median of the Kaplan-Meier curve of each group with percentile limits of the bootstrap.

    Patients are drawn with replacement within their group.

    Parameters
    ----------
    events
        Table of events without strata and without late entries.
    draws, seed
        Samples, at least 999, and the seed of the generator.
    ci_level
        Between 0 and 1.

    Returns
    -------
    BootstrapMedian
        The median is that of ``KaplanMeier.quantile(0.5, rule="summary")``, of the patients and of every sample. A
        sample whose curve does not reach one half has a median beyond all others. Limits are the order statistics at
        α/2 and 1 − α/2 (R type 1), so they are medians that were seen.

    Raises
    ------
    InputError
        Strata, late entries, too few draws, no seed, a level outside (0, 1).

    Notes
    -----
    A sample is one multinomial draw of how many patients have the event, and how many are censored, at each distinct
    time; S = Π (1 − d/n) over cumulative sums of these, all samples at once. R:
    ``boot::boot(data, function(d, i) summary(survfit(Surv(time, event) ~ 1, d[i, ]))$table["median"], R = draws)`` and
    ``quantile(t, type = 1)``. Efron 1981, Journal of the American Statistical Association 76:312.

    Examples
    --------
    >>> time = [20, 36, 42, 42, 56, 57, 70, 112, 180, 240, 310]
    >>> events = EventTable.from_arrays(time, [1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1])
    >>> found = bootstrap_median(events, draws=9_999, seed=1)
    >>> found.estimate.item(), found.ci_lower.item(), found.ci_upper.item(), found.n_not_reached.item()
    (57.0, 42.0, 310.0, 23)
    """
    problems = check_one_stratum("bootstrap_median", events) + check_fraction("ci_level", ci_level, "0.95")
    if events.delayed_entry:
        problems.append("bootstrap_median takes no late entries: the table does not say who entered when.")
    if draws is None:
        problems.append("draws is not given; use at least 999, and give a seed.")
    refuse(problems + check_draws(draws, seed, LEAST_DRAWS))
    random = np.random.default_rng(seed)
    n_groups = len(events.groups)
    medians, estimate = np.full((draws, n_groups), np.nan), np.full(n_groups, np.nan)
    for _, group, rows in events.cells():
        time, counts = events.time[rows], np.stack([events.n_event[rows], events.n_censored[rows]])
        estimate[group] = medians_of_counts(time, counts[:1], counts[1:])[0]
        start = 0
        for died, left in _samples(random, counts, draws):
            medians[start : start + len(died), group] = medians_of_counts(time, died, left)
            start += len(died)
    present = events.n > 0
    lower, upper = (_order_statistic(medians, tail) for tail in ((1 - ci_level) / 2, (1 + ci_level) / 2))
    reason = tuple(
        "" if not math.isnan(value) else "not reached" if there else "no patients"
        for value, there in zip(estimate.tolist(), present.tolist(), strict=True)
    )
    return BootstrapMedian(
        groups=events.groups,
        n=events.n,
        estimate=estimate,
        ci_lower=lower,
        ci_upper=upper,
        ci_level=ci_level,
        medians=medians,
        n_not_reached=np.where(present, np.isnan(medians).sum(axis=0), 0),
        draws=int(draws),
        seed=int(seed),
        method=f"bootstrap of the median, {draws} draws, seed {seed}, percentile limits",
        reason=reason,
    )


def _samples(random: np.random.Generator, counts: Ints, draws: int) -> Iterator[tuple[Ints, Ints]]:
    """Events and censored at each time of so many samples, in blocks; one row a sample, one column a time.

    A sample of few patients is drawn patient by patient, one of many as a multinomial number of each kind.
    """
    width, n = counts.shape[1], int(counts.sum())
    kinds = counts.ravel()
    kind_of = np.repeat(np.arange(kinds.size), kinds) if n <= 4 * kinds.size else None
    rows = max(1, CELLS // max(kinds.size, n if kind_of is not None else 0))
    for start in range(0, draws, rows):
        size = min(rows, draws - start)
        if kind_of is None:
            sample = random.multinomial(n, kinds / n, size=size)
        else:
            drawn = kind_of[random.integers(0, n, (size, n))]
            drawn += np.arange(0, size * kinds.size, kinds.size)[:, None]
            sample = np.bincount(drawn.ravel(), minlength=size * kinds.size).reshape(size, kinds.size)
        yield sample[:, :width], sample[:, width:]


def medians_of_counts(time: Floats, died: Any, left: Any) -> Floats:
    """Median of the curve of each row of counts, by the rule ``summary``; nan where one half is not reached.

    Examples
    --------
    >>> medians_of_counts(np.array([36.0, 50.0, 63.0, 70.0]), np.array([[1, 1, 1, 1], [0, 1, 0, 1]]), np.zeros((2, 4)))
    array([56.5, 60. ])
    """
    leaving = died + left
    at_risk = np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1]
    # Nobody at risk is nobody to have the event: a factor of 1.
    survival = np.cumprod((at_risk - died) / np.maximum(at_risk, 1) + (at_risk == 0), axis=1)
    every = np.arange(len(survival))
    below = survival < 0.5 + TIE
    first = np.argmax(below, axis=1)
    level = survival[every, first]
    median = np.where(below[every, first], time[first], np.nan)
    flat = np.flatnonzero(np.abs(level - 0.5) < TIE)
    if flat.size:
        drops = survival[flat] < level[flat, None]
        after = np.argmax(drops, axis=1)
        median[flat] = np.where(drops[np.arange(flat.size), after], (median[flat] + time[after]) / 2, median[flat])
    return np.asarray(median)


def _order_statistic(medians: Floats, share: float) -> Floats:
    """Smallest value with at least this share of the values up to it; not reached counts as beyond all."""
    ranked = np.sort(medians, axis=0)  # nan comes last
    # A share such as 0.025 of 10,000 is 250, whatever the last bits of the float say.
    place = math.ceil(share * len(ranked) - 1e-9)
    return np.asarray(ranked[min(max(place, 1), len(ranked)) - 1])
