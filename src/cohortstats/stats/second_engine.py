"""The same numbers from another program: scipy, statsmodels or lifelines, each only where it is right.

Nothing here is printed as a result. A report holds its main numbers beside these and writes how many digits agree; a
difference is said loudly. What a library is known to get wrong is left out: intervals of differences at zero cells,
medians on a flat piece of the curve, limits where the curve is 0 or 1, tails below 1e-12.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any, Literal

import numpy as np

from cohortstats.stats.counts import CountTable
from cohortstats.stats.event_counts import merge_near_ties
from cohortstats.stats.events import EventTable
from cohortstats.stats.kaplan_meier import LimitType
from cohortstats.stats.log_rank import Weighting

__all__ = [
    "SecondOpinion",
    "digits_agreed",
    "second_adjusted",
    "second_difference",
    "second_fisher",
    "second_hazard_ratios",
    "second_log_rank",
    "second_mean",
    "second_median",
    "second_proportion",
    "second_survival",
]

MOST_DIGITS = 12  # beyond it processors, not programs, differ


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """Numbers of another program, in the order of ours, and which program it was."""

    engine: str
    values: tuple[float, ...]


def digits_agreed(ours: Sequence[float], theirs: Sequence[float]) -> int:
    """Significant digits to which two lists of numbers agree, at most 12; numbers undefined on one side are left out.

    A zero agrees with what rounding leaves of one: limits of a proportion of 0 are differences of equal numbers.

    Examples
    --------
    >>> digits_agreed([0.4384332760306064], [0.43843327603061])
    12
    >>> digits_agreed([56.5, 318.0], [56.6, 318.0])
    2
    >>> digits_agreed([0.0], [1.3877787807814457e-17])
    12
    """
    worst = MOST_DIGITS
    for a, b in zip(ours, theirs, strict=True):
        if math.isfinite(a) and math.isfinite(b) and a != b:
            if 0 in (a, b) and abs(a - b) < sys.float_info.epsilon:
                continue
            relative = abs(a - b) / max(abs(a), abs(b))
            worst = min(worst, max(0, math.floor(-math.log10(relative))))
    return worst


@contextmanager
def _quiet() -> Iterator[None]:
    """Warnings of another program about its own precision are not messages of ours."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@cache
def _engine(package: str) -> str:
    return f"{package} {version(package)}"


# ---------------------------------------------------------------------------------------------------------------------
# Counts
# ---------------------------------------------------------------------------------------------------------------------


def second_fisher(counts: CountTable) -> SecondOpinion:
    """Fisher's two-sided P of two groups by scipy."""
    from scipy.stats import fisher_exact

    matrix = np.array([[e, t - e] for e, t in zip(counts.events, counts.totals, strict=True)])
    return SecondOpinion(engine=_engine("scipy"), values=(float(fisher_exact(matrix).pvalue),))


def second_proportion(events: int, total: int, *, method: str, ci_level: float) -> SecondOpinion | None:
    """Limits of a proportion by scipy; not the ends of Jeffreys' interval, which it cuts nowhere."""
    if not total or (method == "jeffreys" and events in (0, total)):
        return None
    return SecondOpinion(
        engine=_engine("scipy"), values=(events / total, *_proportion_limits(events, total, method, ci_level))
    )


def _proportion_limits(events: int, total: int, method: str, ci_level: float) -> tuple[float, float]:
    from scipy.stats import beta, binomtest

    if method == "jeffreys":
        low, high = beta(events + 0.5, total - events + 0.5).interval(ci_level)
    else:
        kind: Literal["wilson", "exact"] = "wilson" if method == "wilson" else "exact"
        low, high = binomtest(events, total).proportion_ci(ci_level, method=kind)
    return float(low), float(high)


def second_difference(counts: CountTable, *, ci_level: float) -> SecondOpinion | None:
    """Newcombe's limits of a difference, put together from scipy's limits of the two proportions."""
    if not min(counts.totals):
        return None
    (x1, x2), (n1, n2) = counts.events, counts.totals
    p1, p2 = x1 / n1, x2 / n2
    low1, high1 = _proportion_limits(x1, n1, "wilson", ci_level)
    low2, high2 = _proportion_limits(x2, n2, "wilson", ci_level)
    low = p1 - p2 - math.hypot(p1 - low1, high2 - p2)
    high = p1 - p2 + math.hypot(high1 - p1, p2 - low2)
    return SecondOpinion(engine=_engine("scipy"), values=(p1 - p2, low, high))


def second_adjusted(p_values: Sequence[float], *, method: str) -> SecondOpinion:
    """Adjusted P values by statsmodels, for the defined ones."""
    from statsmodels.stats.multitest import multipletests

    names = {"hochberg": "simes-hochberg", "BH": "fdr_bh", "BY": "fdr_by"}
    given = np.asarray(p_values, dtype=float)
    known = ~np.isnan(given)
    adjusted = np.full(given.size, math.nan)
    if known.any():
        adjusted[known] = multipletests(given[known], method=names.get(method, method))[1]
    return SecondOpinion(engine=_engine("statsmodels"), values=tuple(map(float, adjusted)))


# ---------------------------------------------------------------------------------------------------------------------
# Times
# ---------------------------------------------------------------------------------------------------------------------


def _rows(events: EventTable, group: int | None = None) -> dict[str, Any]:
    """Time, status, group and stratum of every patient, near ties merged, from the table of events."""
    rows = np.arange(events.time.size) if group is None else np.flatnonzero(events.group == group)
    died, left = events.n_event[rows], events.n_censored[rows]
    index = np.concatenate([np.repeat(rows, died), np.repeat(rows, left)])
    status = np.concatenate([np.ones(died.sum(), dtype=int), np.zeros(left.sum(), dtype=int)])
    return {
        "time": events.time[index],
        "status": status,
        "group": events.group[index],
        "stratum": events.stratum[index] if events.strata else None,
    }


def _sample(events: EventTable, group: int | None = None) -> Any:
    """Times of one group, or of all, as scipy holds them."""
    from scipy.stats import CensoredData

    rows = _rows(events, group)
    return CensoredData.right_censored(rows["time"], rows["status"] == 0)


def second_survival(
    events: EventTable, *, group: int, times: Sequence[float], ci: LimitType, ci_level: float
) -> SecondOpinion | None:
    """Survival at some times by scipy, with its limits where it has ours, and the curve is not 0 or 1."""
    if events.delayed_entry or not (events.group == group).any():
        return None
    from scipy.stats import ecdf

    curve = ecdf(_sample(events, group)).sf
    wanted = np.asarray(times, dtype=float)
    survival = np.asarray(curve.evaluate(wanted))
    limits = np.full((2, wanted.size), math.nan)
    if ci in ("plain", "log-log"):
        with _quiet():
            band: Any = curve.confidence_interval(ci_level, method="linear" if ci == "plain" else "log-log")
        inside = (survival > 0) & (survival < 1)
        for row, end in zip(limits, (band.low, band.high), strict=True):
            row[inside] = end.evaluate(wanted[inside])
    values = np.column_stack([survival, *limits]).ravel()
    return SecondOpinion(engine=_engine("scipy"), values=tuple(map(float, values)))


def second_median(events: EventTable, *, group: int) -> SecondOpinion | None:
    """Median from scipy's curve; not where that is flat at one half, where programs differ."""
    if events.delayed_entry or not (events.group == group).any():
        return None
    from scipy.stats import ecdf

    curve = ecdf(_sample(events, group)).sf
    if (np.abs(curve.probabilities - 0.5) < 1e-7).any():
        return None
    reached = curve.quantiles[curve.probabilities < 0.5]
    return SecondOpinion(engine=_engine("scipy"), values=(float(reached[0]) if reached.size else math.inf,))


def second_mean(events: EventTable, *, group: int, tau: float) -> SecondOpinion | None:
    """Mean survival time up to ``tau`` by lifelines, without its variance, which is that of the times."""
    if events.delayed_entry or not (events.group == group).any():
        return None
    from lifelines import KaplanMeierFitter
    from lifelines.utils import restricted_mean_survival_time

    rows = _rows(events, group)
    with _quiet():
        mean = restricted_mean_survival_time(KaplanMeierFitter().fit(rows["time"], rows["status"]), t=tau)
    return SecondOpinion(engine=_engine("lifelines"), values=(float(mean),))


def second_log_rank(
    events: EventTable, *, rho: float = 0.0, weighting: Weighting | None = None
) -> SecondOpinion | None:
    """Statistic and P of a log-rank test: scipy for two groups, lifelines for the weights of Peto and Prentice, else
    statsmodels.

    The P of statsmodels is 0 below 1e-16 (it is 1 − cdf), so P is left to the statistic there.
    """
    rows = _rows(events)
    # Whoever is alone in a stratum, or has nobody at risk at an event, is not of one mind among programs.
    if events.delayed_entry or len(np.unique(rows["group"])) < 2 or not rows["status"].any():
        return None
    if weighting == "peto-prentice":
        if events.strata:
            return None
        from lifelines.statistics import multivariate_logrank_test

        with _quiet():
            test = multivariate_logrank_test(rows["time"], rows["group"], rows["status"], weightings="peto")
        return SecondOpinion(engine=_engine("lifelines"), values=(float(test.test_statistic), float(test.p_value)))
    if weighting is None and not rho and not events.strata and len(np.unique(rows["group"])) == 2:
        from scipy.stats import logrank

        with _quiet():
            between = logrank(*(_sample(events, group) for group in np.unique(rows["group"])))
        return SecondOpinion(engine=_engine("scipy"), values=(float(between.statistic) ** 2, float(between.pvalue)))
    from statsmodels.duration.survfunc import survdiff

    kinds = {"gehan": {"weight_type": "gb"}, "tarone-ware": {"weight_type": "tw"}}
    if weighting == "peto-peto":
        rho = 1.0
    kind: dict[str, Any] = kinds.get(weighting or "", {"weight_type": "fh", "fh_p": rho} if rho else {})
    with _quiet():
        statistic, p = survdiff(rows["time"], rows["status"], rows["group"], strata=rows["stratum"], **kind)
    return SecondOpinion(engine=_engine("statsmodels"), values=(float(statistic), float(p) if p > 1e-12 else math.nan))


def second_hazard_ratios(
    time: Any, event: Any, design: Any, *, ties: str, strata: Any = None, timefix: bool = True
) -> SecondOpinion | None:
    """Hazard ratios of a Cox model by statsmodels, where its optimiser ends at a maximum; exact ties it has not."""
    if ties not in ("breslow", "efron"):
        return None
    from statsmodels.duration.hazard_regression import PHReg

    distinct, place = np.unique(np.asarray(time, dtype=float), return_inverse=True)
    merged = merge_near_ties(distinct) if timefix else None
    times = (distinct if merged is None else merged)[place]
    model = PHReg(times, np.asarray(design, dtype=float), status=np.asarray(event), ties=ties, strata=strata)
    try:
        with _quiet():
            fit = model.fit(method="newton", gtol=1e-12, maxiter=100, disp=0)
            score = np.abs(model.score(fit.params)).max()
    except (np.linalg.LinAlgError, ValueError):
        return None
    if not score < 1e-6:
        return None
    return SecondOpinion(engine=_engine("statsmodels"), values=tuple(math.exp(b) for b in fit.params))
