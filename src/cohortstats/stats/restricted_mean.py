"""Areas and heights of Kaplan-Meier curves compared: restricted mean survival time, survival at chosen times."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from cohortstats.stats.doors import check_fraction, number_text, read_numbers, refuse, sentence_of_values
from cohortstats.stats.event_counts import snap_to_times
from cohortstats.stats.events import EventTable
from cohortstats.stats.kaplan_meier import KaplanMeier, check_one_stratum, kaplan_meier
from cohortstats.stats.results import normal_quantile

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["rmst", "rmst_difference", "survival_difference"]

Floats = NDArray[np.float64]


def rmst(events: EventTable, *, tau: float | None = None, ci_level: float = 0.95) -> pd.DataFrame:
    """Restricted mean survival time of each group: the mean of min(T, tau), the area under the curve up to tau.

    Parameters
    ----------
    events
        Table of events without strata, or with one stratum.
    tau
        Time up to which the area is taken, in the unit of the table. None is the smallest of the groups' last times,
        up to which every group has been observed.
    ci_level
        Between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        group, tau, estimate, std_error, ci_lower, ci_upper, reason. ∫ S from 0 to tau; variance
        Σ (∫ S from t_i to tau)² d_i/(n_i(n_i − d_i)) over the event times up to tau, a term being 0 where n = d; limits
        estimate ± z · std_error. Past the last time of a group whose curve did not reach 0 all is nan,
        ``tau beyond follow-up``; without patients, ``no patients``.

    Raises
    ------
    InputError
        Several strata, ``tau`` not above 0, a level outside (0, 1).

    Notes
    -----
    R: ``summary(survfit(Surv(time, event) ~ group), rmean = tau)``, which carries the curve on past its last time; the
    mean of one arm in ``survRM2::rmst2``. Irwin 1949, Journal of Hygiene 47:188; Royston and Parmar 2013, BMC Medical
    Research Methodology 13:152.

    Examples
    --------
    >>> time, event = [36, 50, 63, 70, 42, 63, 70, 120, 150, 180], [1, 1, 1, 1, 1, 0, 1, 0, 1, 0]
    >>> rmst(EventTable.from_arrays(time, event, group=[0] * 4 + [1] * 6), tau=70)[["group", "estimate", "std_error"]]
      group   estimate  std_error
    0     0  54.750000   6.493988
    1     1  65.333333   4.260064
    """
    import pandas as pd

    areas = _areas("rmst", events, tau, ci_level)
    z = normal_quantile(ci_level)
    rows = [
        {
            "group": area.group,
            "tau": area.tau,
            "estimate": area.estimate,
            "std_error": area.std_error,
            "ci_lower": area.estimate - z * area.std_error,
            "ci_upper": area.estimate + z * area.std_error,
            "reason": area.reason,
        }
        for area in areas
    ]
    return pd.DataFrame(rows)


def rmst_difference(events: EventTable, *, tau: float | None = None, ci_level: float = 0.95) -> pd.DataFrame:
    """Differences of restricted mean survival times, every group against every later one, first minus second.

    Parameters
    ----------
    events
        Table of events of two or more groups, without strata.
    tau
        As in `rmst`; the same for all pairs.
    ci_level
        Between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        group_1, group_2, tau, estimate, std_error, ci_lower, ci_upper, statistic, p_value, reason. Variances add;
        ``statistic`` is estimate/std_error, its p two-sided from the normal distribution. Where a mean is undefined so
        is the difference, with the reason of the mean; without any variance there is no test, ``variance is zero``.

    Raises
    ------
    InputError
        One group, several strata, ``tau`` not above 0, a level outside (0, 1).

    Notes
    -----
    R: ``survRM2::rmst2(time, event, arm, tau)``, whose difference is arm 1 minus arm 0. Royston and Parmar 2013, BMC
    Medical Research Methodology 13:152. P values of several pairs are not adjusted.

    Examples
    --------
    >>> time, event = [36, 50, 63, 70, 42, 63, 70, 120, 150, 180], [1, 1, 1, 1, 1, 0, 1, 0, 1, 0]
    >>> found = rmst_difference(EventTable.from_arrays(time, event, group=[0] * 4 + [1] * 6), tau=70)
    >>> found[["group_1", "group_2", "estimate", "std_error", "p_value"]].round(6)
      group_1 group_2   estimate  std_error   p_value
    0       0       1 -10.583333   7.766597  0.172986
    """
    import pandas as pd

    areas = _areas("rmst_difference", events, tau, ci_level, least=2)
    rows = []
    for one, two in combinations(areas, 2):
        difference = _Difference.of(one.estimate, one.std_error, two.estimate, two.std_error, one.reason or two.reason)
        names = {"group_1": one.group, "group_2": two.group, "tau": one.tau}
        rows.append(names | difference.columns(ci_level))
    return pd.DataFrame(rows)


def survival_difference(curves: KaplanMeier, *, times: float | Sequence[float]) -> pd.DataFrame:
    """Differences of survival at chosen times, every group against every later one, first minus second.

    Parameters
    ----------
    curves
        From `kaplan_meier`, of two or more groups; its level is that of the limits.
    times
        One time or several, 0 or above, chosen before the curves were seen.

    Returns
    -------
    pandas.DataFrame
        time, group_1, group_2, survival_1, survival_2, estimate, std_error, ci_lower, ci_upper, statistic, p_value,
        reason. Greenwood's variances add; limits estimate ± z · std_error, p two-sided from the normal distribution.
        Past the last time of a curve that did not reach 0 all is nan, ``beyond last observation``. Where a curve is 0
        its error is undefined, and where both are 1 there is none: the difference then stands alone, ``variance is
        zero``.

    Raises
    ------
    InputError
        One group, times that are missing or below 0.

    Notes
    -----
    R: ``s <- summary(fit, times = t)``, then ``diff(s$surv)`` over ``sqrt(sum(s$std.err^2))``. Klein et al. 2007,
    Statistics in Medicine 26:4505, the untransformed test.

    Examples
    --------
    >>> time, event = [36, 50, 63, 70, 42, 63, 70, 120, 150, 180], [1, 1, 1, 1, 1, 0, 1, 0, 1, 0]
    >>> km = kaplan_meier(EventTable.from_arrays(time, event, group=[0] * 4 + [1] * 6))
    >>> found = survival_difference(km, times=[60, 100])
    >>> found[["time", "estimate", "std_error", "p_value"]].round(6)
        time  estimate  std_error   p_value
    0   60.0 -0.333333   0.292657  0.254707
    1  100.0 -0.625000        NaN       NaN
    >>> found["reason"].tolist()
    ['', 'variance is zero']
    """
    import pandas as pd

    problems = _check_groups("survival_difference", curves.groups, 2)
    wanted = read_numbers("times", np.atleast_1d(np.asarray(times)), problems)
    if wanted is not None:
        problems += sentence_of_values("times", wanted, ~(wanted >= 0), "times start at 0.")
    refuse(problems)
    assert wanted is not None
    points = list(curves.points(wanted, carry=False))
    rows = []
    for moment, time in enumerate(wanted.tolist()):
        for (name_1, one), (name_2, two) in combinations(points, 2):
            s_1, s_2 = float(one["survival"][moment]), float(two["survival"][moment])
            reason = str(one["reason"][moment] or two["reason"][moment])
            difference = _Difference.of(
                s_1, float(one["std_error"][moment]), s_2, float(two["std_error"][moment]), reason
            )
            names = {"time": time, "group_1": name_1, "group_2": name_2, "survival_1": s_1, "survival_2": s_2}
            rows.append(names | difference.columns(curves.ci_level))
    return pd.DataFrame(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Area:
    """Area under the curve of one group up to tau."""

    group: str
    tau: float
    estimate: float
    std_error: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Difference:
    """First minus second of two independent estimates."""

    estimate: float
    std_error: float
    reason: str

    @classmethod
    def of(cls, first: float, error_1: float, second: float, error_2: float, reason: str) -> _Difference:
        std_error = math.hypot(error_1, error_2)
        if not reason and not std_error > 0:
            std_error, reason = math.nan, "variance is zero"
        return cls(estimate=first - second, std_error=std_error, reason=reason)

    def columns(self, ci_level: float) -> dict[str, float | str]:
        z, statistic = normal_quantile(ci_level), self.estimate / self.std_error
        return {
            "estimate": self.estimate,
            "std_error": self.std_error,
            "ci_lower": self.estimate - z * self.std_error,
            "ci_upper": self.estimate + z * self.std_error,
            "statistic": statistic,
            "p_value": float(2 * ndtr(-abs(statistic))),
            "reason": self.reason,
        }


def _check_groups(name: str, groups: Sequence[str], least: int) -> list[str]:
    return [] if len(groups) >= least else [f"{name} compares 2 or more groups; there is 1."]


def _areas(name: str, events: EventTable, tau: float | None, ci_level: float, least: int = 1) -> list[_Area]:
    """The door, and then the area of each group."""
    problems = check_one_stratum(name, events) + _check_groups(name, events.groups, least)
    if tau is not None and not 0 < tau < math.inf:
        advice = "a finite time" if tau == math.inf else "a time above 0"
        problems.append(f"tau is {number_text(tau)}; give {advice}.")
    refuse(problems + check_fraction("ci_level", ci_level, "0.95"))
    curves = kaplan_meier(events)
    if tau is None:
        tau = min(float(curves.time[span][-1]) for _, span in curves.curves() if span.start < span.stop)
    return list(_each_area(curves, float(tau)))


def _each_area(curves: KaplanMeier, tau: float) -> Iterator[_Area]:
    # Past a last time by rounding only is not past it.
    end = float(snap_to_times(np.array([tau]), curves.time)[0]) if curves.timefix else tau
    for group, span in curves.curves():
        reason, estimate, std_error = "", math.nan, math.nan
        if span.start == span.stop:
            reason = "no patients"
        elif end > curves.time[span][-1] and curves.survival[span][-1] > 0:
            reason = "tau beyond follow-up"
        else:
            estimate, std_error = _area(curves, span, tau)
        yield _Area(group=group, tau=tau, estimate=estimate, std_error=std_error, reason=reason)


def _area(curves: KaplanMeier, span: slice, tau: float) -> tuple[float, float]:
    """Area under a curve up to tau, and its standard error."""
    rows = slice(span.start, span.start + int(np.searchsorted(curves.time[span], tau)))  # an event at tau takes nothing
    knots = np.concatenate([[0.0], curves.time[rows], [tau]])
    pieces = np.concatenate([[1.0], curves.survival[rows]]) * np.diff(knots)
    after = np.cumsum(pieces[::-1])[::-1][1:]  # area from each time on
    n, d = curves.n_at_risk[rows].astype(np.float64), curves.n_event[rows].astype(np.float64)
    left = n - d
    terms = np.divide(after**2 * d, n * left, out=np.zeros_like(n), where=left > 0)
    return float(pieces.sum()), math.sqrt(terms.sum())
