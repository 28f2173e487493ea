"""Competing risks: cumulative incidence, Gray's test, Fine and Gray's regression."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from cohortstats.stats.aalen_johansen import IncidenceCurve, aalen_johansen
from cohortstats.stats.causes import Causes, read_causes
from cohortstats.stats.covariates import read_design
from cohortstats.stats.cox_engines import CoxData, choose_engine, engine_name
from cohortstats.stats.cox_fit import fit_model
from cohortstats.stats.cox_model import CoxModel
from cohortstats.stats.doors import check_choice, check_fraction, length_of, refuse
from cohortstats.stats.event_counts import snap_to_times
from cohortstats.stats.event_door import read_times
from cohortstats.stats.moments import merge_times
from cohortstats.stats.results import RichResult, as_row, normal_quantile, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GrayTest", "cumulative_incidence", "fine_gray", "gray_test"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LimitType = Literal["plain", "log", "log-log"]

LIMITS = ("plain", "log", "log-log")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GrayTest(RichResult):
    """Result of `gray_test`; ``n_events`` are events of the cause, one number a group.

    Examples
    --------
    >>> gray_test([1, 2, 2, 3, 4, 5, 6, 7], [1, 2, 1, 0, 1, 2, 0, 1], [0, 0, 1, 1, 0, 1, 0, 1]).n_events
    array([2, 2])
    """

    groups: tuple[str, ...]
    cause: Any
    n: Ints
    n_events: Ints
    statistic: float
    df: int
    p_value: float
    method: str
    reason: str

    def __post_init__(self) -> None:
        for name in ("n", "n_events"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.int64))

    def to_frame(self) -> pd.DataFrame:
        """One row: cause, statistic, df, p_value, method, reason."""
        return as_row(self, ("cause", "statistic", "df", "p_value", "method", "reason"))


def cumulative_incidence(
    time: Any,
    cause: Any,
    *,
    group: Any = None,
    times: Any = None,
    ci: LimitType = "log-log",
    ci_level: float = 0.95,
) -> pd.DataFrame:
    """Cumulative incidence of each cause by Aalen and Johansen's estimate.

    Parameters
    ----------
    time
        Follow-up from time 0, any unit, 0 or above; shape (n,). Nothing may be missing here or below.
    cause
        What happened at ``time``: whole numbers with 0 for censored, or a categorical whose first category is
        censored.
    group
        Labels in their categorical order, else sorted; None makes one group ``all``.
    times
        Times at which the curves are read; None reads them at each distinct time of the group.
    ci
        Limits: ``log-log`` F^exp(±z se/(F ln F)), as SAS and our survival curves; ``log`` F exp(±z se/F), R's default,
        the upper cut to 1; ``plain`` F ± z se, cut to [0, 1].
    ci_level
        Level of the limits.

    Returns
    -------
    pandas.DataFrame
        group, cause, time, estimate, std_error, ci_lower, ci_upper, reason. Limits are nan where F is 0 or 1. Past the
        last observed time the estimate is nan, ``beyond last observation``, unless everybody had an event; a declared
        group with nobody in it has one row a cause, ``no patients``.

    Raises
    ------
    InputError
        Everything that is wrong with the arrays, one sentence each.

    Notes
    -----
    F_c(t) = Σ S(t_i−) d_ci/n_i over event times up to t, S the Kaplan-Meier of all causes together; so ΣF + S = 1. One
    minus a Kaplan-Meier that censors the other causes is larger, and no incidence. The standard error is the
    infinitesimal jackknife. R: ``survfit(Surv(time, factor(cause)) ~ group, conf.type = )`` of survival; ``cmprsk``'s
    variance is another one, and far too large at a last time where everybody has the event.
    Aalen and Johansen 1978, Scandinavian Journal of Statistics 5:141.

    Examples
    --------
    >>> frame = cumulative_incidence([1, 2, 2, 3, 4, 5, 6, 7], [1, 2, 1, 0, 1, 2, 0, 1])
    >>> frame.loc[frame["cause"] == 1, "estimate"].tolist()
    [0.125, 0.25, 0.25, 0.40625, 0.40625, 0.40625, 0.71875]
    >>> frame.loc[frame["cause"] == 2, "estimate"].tolist()
    [0.0, 0.125, 0.125, 0.125, 0.28125, 0.28125, 0.28125]
    """
    problems = check_choice("ci", ci, LIMITS) + check_fraction("ci_level", ci_level, "0.95")
    wanted = None if times is None else read_times("times", np.atleast_1d(np.asarray(times)), problems)
    patients = read_causes(problems, time, cause, group)
    merged, _ = merge_times(patients.time, None)
    if wanted is not None:
        wanted = snap_to_times(wanted, merged)
    pieces = []
    for position, name in enumerate(patients.group.names):
        mine = patients.group.codes == position
        if mine.any():
            curve = aalen_johansen(merged[mine], patients.code[mine], len(patients.names))
            pieces += _rows_of_group(name, curve, patients.names, wanted)
        else:
            rows = np.array([math.nan]) if wanted is None else wanted
            nothing = np.full(rows.size, math.nan)
            pieces += [(name, one, rows, nothing, nothing, np.full(rows.size, "no patients")) for one in patients.names]
    return _frame(patients, pieces, ci, ci_level)


Piece = tuple[str, Any, Floats, Floats, Floats, NDArray[Any]]


def _rows_of_group(name: str, curve: IncidenceCurve, causes: tuple[Any, ...], wanted: Floats | None) -> list[Piece]:
    """For each cause: times, estimates, standard errors, reasons."""
    rows = curve.time if wanted is None else wanted
    at = np.searchsorted(curve.time, rows, side="right")
    beyond = (rows > curve.time[-1]) & (curve.survival[-1] > 0)
    reason = np.where(beyond, "beyond last observation", "")
    pieces: list[Piece] = []
    for position, cause in enumerate(causes):
        estimate = np.concatenate([[0.0], curve.incidence[:, position]])[at]
        std_error = np.concatenate([[0.0], curve.std_error[:, position]])[at]
        estimate[beyond] = std_error[beyond] = math.nan
        pieces.append((name, cause, rows, estimate, std_error, reason))
    return pieces


def _frame(patients: Causes, pieces: list[Piece], ci: LimitType, ci_level: float) -> pd.DataFrame:
    import pandas as pd

    sizes = [piece[2].size for piece in pieces]
    time, estimate, std_error, reason = (np.concatenate([piece[at] for piece in pieces]) for at in range(2, 6))
    lower, upper = _limits(estimate, std_error, ci, normal_quantile(ci_level))
    groups = [patients.group.names.index(piece[0]) for piece in pieces]
    return pd.DataFrame(
        {
            "group": pd.Categorical.from_codes(np.repeat(groups, sizes), categories=pd.Index(patients.group.names)),
            "cause": [piece[1] for piece, size in zip(pieces, sizes, strict=True) for _ in range(size)],
            "time": time,
            "estimate": estimate,
            "std_error": std_error,
            "ci_lower": lower,
            "ci_upper": upper,
            "reason": reason,
        }
    )


def _limits(F: Floats, std_error: Floats, ci: LimitType, z: float) -> tuple[Floats, Floats]:
    inside = (F > 0) & (F < 1 - 1e-12)
    p, reach = F[inside], z * std_error[inside]
    if ci == "plain":
        low, high = np.maximum(p - reach, 0), np.minimum(p + reach, 1)
    elif ci == "log":
        low, high = p * np.exp(-reach / p), np.minimum(p * np.exp(reach / p), 1)
    else:
        power = np.exp(reach / (p * -np.log(p)))
        low, high = p**power, p ** (1 / power)
    lower, upper = np.full((2, F.size), math.nan)
    lower[inside], upper[inside] = low, high
    return lower, upper


def gray_test(time: Any, cause: Any, group: Any, *, cause_of_interest: Any = 1) -> GrayTest:
    """Gray's test that the cumulative incidence of one cause is the same in all groups.

    Parameters
    ----------
    time, cause
        As in `cumulative_incidence`.
    group
        Labels of two or more groups.
    cause_of_interest
        The cause that is compared, as ``cause`` holds it.

    Returns
    -------
    GrayTest
        χ² on groups − 1 degrees of freedom, groups without patients left out. nan with ``no events``, ``one group``, or
        ``groups never at risk together`` where a group has nobody at risk at any event of the cause.

    Raises
    ------
    InputError
        Everything that is wrong with the arrays; a cause that is not there; no package `surpyval`, which computes it.

    Notes
    -----
    Weights ρ = 0. R: ``cmprsk::cuminc(time, cause, group)$Tests``, which prints −1 where a group is never at risk.
    Gray 1988, Annals of Statistics 16:1141.

    Examples
    --------
    >>> test = gray_test([1, 2, 2, 3, 4, 5, 6, 7], [1, 2, 1, 0, 1, 2, 0, 1], [0, 0, 1, 1, 0, 1, 0, 1])
    >>> round(test.statistic, 8), test.df
    (0.30338825, 1)
    """
    patients = read_causes([], time, cause, group)
    wanted = patients.position(cause_of_interest)
    refuse([] if find_spec("surpyval") else ["Gray's test needs an extra: pip install 'cohortstats[competing]'."])
    merged, _ = merge_times(patients.time, None)
    n_groups = len(patients.group.names)
    happened = patients.code == wanted
    n = np.bincount(patients.group.codes, minlength=n_groups)
    n_events = np.bincount(patients.group.codes[happened], minlength=n_groups)
    last = np.full(n_groups, -math.inf)
    np.maximum.at(last, patients.group.codes, merged)
    reason = ""
    if np.count_nonzero(n) == 1:
        reason = "one group"
    elif not happened.any():
        reason = "no events"
    elif (last[n > 0] < merged[happened].min()).any():
        reason = "groups never at risk together"
    df = max(int(np.count_nonzero(n)) - 1, 0)
    statistic = math.nan if reason else _gray_statistic(merged, patients, wanted)
    return GrayTest(
        groups=patients.group.names,
        cause=cause_of_interest,
        n=n,
        n_events=n_events,
        statistic=statistic,
        df=df,
        p_value=float(chdtrc(df, statistic)),
        method=f"Gray's test, {engine_name('surpyval')}",
        reason=reason,
    )


def _gray_statistic(time: Floats, patients: Causes, wanted: int) -> float:
    from surpyval import gray_test as by_surpyval  # type: ignore[attr-defined]

    label = np.where(patients.code == 0, math.nan, np.where(patients.code == wanted, 1.0, 2.0))
    return float(by_surpyval(time, label, patients.group.codes, event=1.0).statistic)


def fine_gray(
    time: Any,
    cause: Any,
    covariates: Any,
    *,
    cause_of_interest: Any = 1,
    ties: Literal["breslow", "efron"] = "breslow",
    ci_level: float = 0.95,
    allow_few_events: bool = True,
) -> CoxModel:
    """Fine and Gray's regression for the hazard of the subdistribution of one cause.

    Parameters
    ----------
    time, cause
        As in `cumulative_incidence`.
    covariates
        As in `cox`.
    cause_of_interest
        The cause whose incidence is modelled, as ``cause`` holds it.
    ties
        ``breslow`` or ``efron``.
    ci_level
        Level of the limits.
    allow_few_events
        False refuses fewer than 5 events of the cause a parameter.

    Returns
    -------
    CoxModel
        Subdistribution hazard ratios; standard errors are robust, one cluster a patient. ``n_events`` are events of the
        cause. The likelihood ratio and score tests treat the weighted rows as patients: print the Wald test.

    Raises
    ------
    InputError
        As `cox`; a cause that is not there; no package `survival`.

    Warns
    -----
    CohortStatsWarning
        Fewer than 10 events of the cause a parameter.

    Notes
    -----
    Who had another event stays at risk with the weight G(t−)/G(T−), G the Kaplan-Meier of censoring. This is the form
    of R's survival: ``finegray`` and ``coxph(..., weights = fgwt, cluster = id, ties = "breslow")``. ``cmprsk::crr``
    gives the same coefficients unless a censoring shares its time with an event, as it often does in whole days, and
    with censoring other standard errors, which allow for the estimate of G; its default stops early (``gtol = 1e-6``).
    Fine and Gray 1999, JASA 94:496.

    Examples
    --------
    >>> time = [1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    >>> cause = [1, 2, 1, 0, 1, 1, 0, 1, 1, 2, 1, 1, 1, 0, 1, 1]
    >>> model = fine_gray(time, cause, {"x": [0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0]})
    >>> model.n_events, round(float(model.coef[0]), 9), round(float(model.std_error[0]), 9)
    (11, 0.71228104, 0.600591984)
    """
    problems = check_choice("ties", ties, ("breslow", "efron")) + check_fraction("ci_level", ci_level, "0.95")
    n = length_of(time)
    design = read_design(covariates, "time", n, problems)
    patients = read_causes(problems, time, cause, None)
    assert design is not None
    wanted = patients.position(cause_of_interest)
    choose_engine(["Fine and Gray's model"])
    from survival.regression import finegray_expand  # type: ignore[attr-defined]  # bound when it is imported

    merged, _ = merge_times(patients.time, None)
    # The library refuses a table in which nobody has the event; then the rows are the patients.
    row, start, end, weight = np.arange(merged.size), np.full(merged.size, -1.0), merged, np.ones(merged.size)
    if (patients.code == wanted).any():
        made = finegray_expand(merged, patients.code, event_type=wanted)
        row, start, end, weight = np.array(made.row) - 1, np.array(made.start), np.array(made.end), np.array(made.wt)
        kept = weight > 0  # who weighs nothing is not at risk
        row, start, end, weight = row[kept], start[kept], end[kept], weight[kept]
    data = CoxData(
        time=end,
        event=patients.code[row] == wanted,
        x=design.matrix[row],
        assign=design.assign,
        entry=start,
        cluster=row,
        case_weights=weight,
    )
    return fit_model(
        data,
        design,
        ties=ties,
        penalty=None,
        ci_level=ci_level,
        allow_few_events=allow_few_events,
        name=f"Fine-Gray model of {cause_of_interest} (finegray and coxph form)",
        words=["robust variance"],
        n=merged.size,
    )
