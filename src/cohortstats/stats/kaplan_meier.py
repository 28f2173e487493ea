"""Kaplan-Meier curves: survival, Greenwood's error, five kinds of limits, quantiles and values at chosen times."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import CohortStatsWarning
from cohortstats.stats.doors import check_choice, check_fraction, number_text, read_numbers, refuse, sentence_of_values
from cohortstats.stats.event_counts import BLOCK, TIE, freeze, frozen, snap_to_times
from cohortstats.stats.events import EventTable
from cohortstats.stats.results import RichResult, normal_quantile

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AtZero",
    "Beyond",
    "KaplanMeier",
    "LimitType",
    "QuantileRule",
    "band_limits",
    "check_one_stratum",
    "kaplan_meier",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LimitType = Literal["plain", "log", "log-log", "logit", "arcsin"]
QuantileRule = Literal["summary", "quantile", "first"]
AtZero = Literal["undefined", "zero"]
Beyond = Literal["undefined", "carry"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class KaplanMeier(RichResult):
    """Curves of all groups; made by `kaplan_meier`.

    Parameters
    ----------
    groups
        Names in order, also of groups without patients.
    n, n_events
        Patients and events of each group.
    group
        For each row, the position of its name in ``groups``.
    time, n_at_risk, n_event, n_censored, survival, std_error, ci_lower, ci_upper
        One value a row. ``std_error`` is that of the survival, S sqrt(G).
    ci, ci_level, method
        Kind of limits, their level, and how the curve was made in words.
    timefix
        Whether near ties were merged in the table, so that a time asked for finds its near tie too.

    Examples
    --------
    >>> from cohortstats.stats.events import EventTable
    >>> curve = kaplan_meier(EventTable.from_arrays([36, 50, 63, 70], [1, 1, 1, 1]))
    >>> curve.survival.tolist(), curve.quantile(0.5)["estimate"].item()
    ([0.75, 0.5, 0.25, 0.0], 56.5)
    """

    groups: tuple[str, ...]
    n: Ints
    n_events: Ints
    group: Ints
    time: Floats
    n_at_risk: Ints
    n_event: Ints
    n_censored: Ints
    survival: Floats
    std_error: Floats
    ci_lower: Floats
    ci_upper: Floats
    ci: LimitType
    ci_level: float
    method: str
    timefix: bool = True

    def __post_init__(self) -> None:
        for name in ("n", "n_events", "group", "n_at_risk", "n_event", "n_censored"):
            object.__setattr__(self, name, frozen(np.asarray(getattr(self, name)), np.int64))
        for name in ("time", *CURVES):
            object.__setattr__(self, name, frozen(np.asarray(getattr(self, name))))

    def to_frame(self) -> pd.DataFrame:
        """group, time, n_at_risk, n_event, n_censored, survival, std_error, ci_lower, ci_upper."""
        import pandas as pd

        columns = ("time", "n_at_risk", "n_event", "n_censored", *CURVES)
        names = np.array(self.groups, dtype=object)[self.group]
        return pd.DataFrame({"group": names} | {name: getattr(self, name) for name in columns})

    def curves(self) -> Iterator[tuple[str, slice]]:
        """Each group with its rows; a group without patients has none."""
        ends = np.searchsorted(self.group, np.arange(len(self.groups)), side="right").tolist()
        for name, start, end in zip(self.groups, [0, *ends], ends, strict=False):
            yield name, slice(start, end)

    def quantile(self, p: float | Sequence[float] = 0.5, *, rule: QuantileRule = "summary") -> pd.DataFrame:
        """Times by which a fraction p of the patients has had the event, with limits.

        Parameters
        ----------
        p
            One fraction or several, between 0 and 1; 0.5 is the median.
        rule
            Where the curve is flat exactly at 1 − p, both take the midpoint of the flat piece. ``summary`` (what R
            and EZR print for a median) wants a later drop; else the first time of the piece. ``quantile`` (R's
            ``quantile``) also takes a last flat piece, up to the last observed time. ``first`` (lifelines) is the
            first time at which the curve is at or below 1 − p, flat piece or not. Limits follow the same rule on the
            limit curves.

        Returns
        -------
        pandas.DataFrame
            group, p, estimate, ci_lower, ci_upper, reason; nan is ``not reached`` or ``no patients``.

        Examples
        --------
        >>> km = kaplan_meier(EventTable.from_arrays([36, 50, 63, 70], [1, 1, 1, 1]))
        >>> km.quantile(0.5)
          group    p  estimate  ci_lower  ci_upper reason
        0   all  0.5      56.5      36.0       NaN
        """
        import pandas as pd

        fractions = np.atleast_1d(np.asarray(p, dtype=np.float64)).tolist()
        problems = check_choice("rule", rule, ("summary", "quantile", "first"))
        refuse(problems + [line for fraction in fractions for line in check_fraction("p", fraction, "0.5")])
        rows: list[dict[str, object]] = []
        for name, span in self.curves():
            for fraction in fractions:
                curves = (self.survival, self.ci_lower, self.ci_upper)
                found = [_crossing_time(self.time[span], curve[span], 1 - fraction, rule) for curve in curves]
                absent = "not reached" if span.start < span.stop else "no patients"
                rows.append(
                    {"group": name, "p": fraction}
                    | dict(zip(("estimate", "ci_lower", "ci_upper"), found, strict=True))
                    | {"reason": absent if math.isnan(found[0]) else ""}
                )
        return pd.DataFrame(rows)

    def at(self, times: float | Sequence[float], *, beyond: Beyond = "undefined") -> pd.DataFrame:
        """Survival at chosen times, read from the right-continuous curve.

        Parameters
        ----------
        times
            One time or several, 0 or above, in the unit of the table. A time that differs from one of the table by
            rounding only is that one, when the table merged near ties.
        beyond
            Past the last observed time of a curve that did not reach 0: ``undefined`` (R, EZR), or ``carry`` its last
            value on (SAS, lifelines).

        Returns
        -------
        pandas.DataFrame
            group, time, n_at_risk, survival, ci_lower, ci_upper, reason. ``n_at_risk`` counts those with time ≥ t;
            with late entries it is that of the first row at or after t. Before the first time survival is 1. Past
            the last it is 0 if the curve reached 0, else nan, ``beyond last observation``.

        Raises
        ------
        InputError
            Times that are missing, no numbers, or below 0; an unknown choice.

        Notes
        -----
        R: ``summary(fit, times = )``, which leaves times past the last one out, or with ``extend=TRUE`` carries the
        last value on.

        Examples
        --------
        >>> km = kaplan_meier(EventTable.from_arrays([20, 36, 42, 42, 70], [1, 1, 1, 1, 0]))
        >>> km.at([42, 100])[["time", "n_at_risk", "survival", "reason"]]
            time  n_at_risk  survival                   reason
        0   42.0          3       0.2
        1  100.0          0       NaN  beyond last observation
        """
        import pandas as pd

        problems = check_choice("beyond", beyond, ("undefined", "carry"))
        wanted = read_numbers("times", np.atleast_1d(np.asarray(times)), problems)
        if wanted is not None:
            problems += sentence_of_values("times", wanted, ~(wanted >= 0), "times start at 0.")
        refuse(problems)
        assert wanted is not None
        pieces = []
        for name, columns in self.points(wanted, carry=beyond == "carry"):
            del columns["std_error"]
            pieces.append(pd.DataFrame({"group": name, "time": wanted} | columns))
        return pd.concat(pieces, ignore_index=True)

    def points(self, wanted: Floats, *, carry: bool) -> Iterator[tuple[str, dict[str, NDArray[Any]]]]:
        """Each group with n_at_risk, the four curves and the reason at some times."""
        if self.timefix:
            wanted = snap_to_times(wanted, self.time)
        for name, span in self.curves():
            time = self.time[span]
            n_at_risk = np.append(self.n_at_risk[span], 0)[np.searchsorted(time, wanted, side="left")]
            columns: dict[str, NDArray[Any]] = {"n_at_risk": n_at_risk}
            before = np.searchsorted(time, wanted, side="right")
            for curve, start in zip(CURVES, (1.0, 0.0, 1.0, 1.0), strict=True):
                columns[curve] = np.concatenate([[start], getattr(self, curve)[span]])[before]
            past, why = np.ones(wanted.size, dtype=bool), "no patients"
            if time.size:
                past, why = wanted > time[-1], "beyond last observation"
                if carry or self.survival[span][-1] == 0:
                    past[:] = False
            for curve in CURVES:
                columns[curve][past] = math.nan
            yield name, columns | {"reason": np.where(past, why, "")}


CURVES = ("survival", "std_error", "ci_lower", "ci_upper")
ROUNDING = 1e-12  # what a product of thousands of steps is off by


def _crossing_time(time: Floats, curve: Floats, level: float, rule: QuantileRule) -> float:
    """First time at which a curve is below a level; the midpoint of the flat piece when it stops exactly on it."""
    defined = ~np.isnan(curve)
    time, curve = time[defined], curve[defined]
    if rule == "first":
        reached = np.flatnonzero(curve <= level + ROUNDING)
        return float(time[reached[0]]) if reached.size else math.nan
    below = np.flatnonzero(curve < level + TIE)
    if not below.size:
        return math.nan
    first = int(below[0])
    if abs(curve[first] - level) < TIE:
        drops = first + np.flatnonzero(curve[first:] < curve[first])
        if drops.size:
            return float(time[first] + time[drops[0]]) / 2
        if rule == "quantile":
            return float(time[first] + time[-1]) / 2
    return float(time[first])


def band_limits(survival: Floats, greenwood: Floats, ci: LimitType, z: float) -> tuple[Floats, Floats]:
    """Lower and upper limits; nan at S = 0, and at S = 1 where the transformation has no value (log-log, logit)."""
    s, reach = survival, z * np.sqrt(greenwood)
    lower: Floats
    upper: Floats
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if ci == "plain":
            lower, upper = np.maximum(s - s * reach, 0), np.minimum(s + s * reach, 1)
        elif ci == "log":
            lower, upper = s * np.exp(-reach), np.minimum(s * np.exp(reach), 1)
        elif ci == "log-log":
            # ln S < 0 turns the signs: the smaller power belongs to the upper limit.
            ratio = reach / np.log(s)
            lower, upper = s ** np.exp(-ratio), s ** np.exp(ratio)
        elif ci == "logit":
            odds, ratio = s / (1 - s), np.exp(reach / (1 - s))
            lower, upper = odds / (ratio + odds), odds * ratio / (1 + odds * ratio)
        else:
            # At S = 1 the error is 0 and so is the reach; 0 · ∞ is R's nan there, our one deviation.
            angle = np.arcsin(np.sqrt(s))
            half = np.where(s == 1, 0, reach / 2 * np.sqrt(s / (1 - s)))
            lower = np.sin(np.maximum(angle - half, 0)) ** 2
            upper = np.sin(np.minimum(angle + half, np.pi / 2)) ** 2
    undefined = s == 0
    if ci in ("log-log", "logit"):
        undefined |= s == 1
    lower[undefined] = upper[undefined] = math.nan
    return lower, upper


def check_one_stratum(name: str, events: EventTable) -> list[str]:
    """Refuse strata: a curve is that of a group."""
    if events.strata is None or len(events.strata) == 1:
        return []
    return [
        f"{name} draws one curve a group; there are {len(events.strata)} strata. "
        "Leave strata out, or join stratum and group in one label."
    ]


def kaplan_meier(
    events: EventTable,
    *,
    ci: LimitType = "log-log",
    ci_level: float = 0.95,
    at_zero: AtZero = "undefined",
) -> KaplanMeier:
    """Kaplan-Meier estimate of the survival function of each group, with pointwise limits.

    Parameters
    ----------
    events
        Table of events without strata, or with one stratum. Groups without patients stay listed with n = 0.
    ci
        Kind of limits, with g = sqrt(G): ``plain`` S ± zSg; ``log`` S exp(±zg); ``log-log`` S^exp(±zg/ln S), the
        default of EZR and SAS; ``logit`` on ln(S/(1 − S)); ``arcsin`` on arcsin(sqrt S). Limits are cut to [0, 1].
        At S = 0 all are nan; at S = 1 ``log-log`` and ``logit`` are nan, as in R. At S = 1 ``arcsin`` is 1 to 1,
        where R has NaN from 0 · ∞.
    ci_level
        Between 0 and 1.
    at_zero
        Limits where the curve is 0: ``undefined`` (nan; R, EZR, SAS), or ``zero`` for both (lifelines).

    Returns
    -------
    KaplanMeier
        S(t) = Π_{t_i ≤ t} (1 − d_i/n_i), events before censorings at a tie; Greenwood's G = Σ d/(n(n − d)), standard
        error S sqrt(G), nan at S = 0.

    Raises
    ------
    InputError
        Several strata, unknown limits, a level outside (0, 1).

    Warns
    -----
    CohortStatsWarning
        With late entries, when all at risk had the event and others enter later: the curve stays at 0.

    Notes
    -----
    R: ``survfit(Surv(time, event) ~ group, conf.type = "log-log")``; its ``fit$std.err`` is sqrt(G), its
    ``summary(fit)$std.err`` is ours. Kaplan and Meier 1958, Journal of the American Statistical Association 53:457.

    Examples
    --------
    >>> km = kaplan_meier(EventTable.from_arrays([10, 20, 30, 40], [1, 1, 1, 1]))
    >>> km.to_frame()[["time", "survival", "ci_lower", "ci_upper"]].round(6)
       time  survival  ci_lower  ci_upper
    0  10.0      0.75  0.127947  0.960549
    1  20.0      0.50  0.057847  0.844861
    2  30.0      0.25  0.008948  0.665325
    3  40.0      0.00       NaN       NaN
    """
    problems = check_choice("ci", ci, ("plain", "log", "log-log", "logit", "arcsin"))
    problems += check_fraction("ci_level", ci_level, "0.95")
    problems += check_choice("at_zero", at_zero, ("undefined", "zero")) + check_one_stratum("kaplan_meier", events)
    refuse(problems)
    group, time, n_at_risk, n_event, n_censored = _rows_with_leavers(events)
    survival, std_error, lower, upper = (np.empty(time.size) for _ in CURVES)
    z = normal_quantile(ci_level)
    for code in range(len(events.groups)):
        start, end = np.searchsorted(group, [code, code + 1]).tolist()
        product, total = 1.0, 0.0
        # A block at a time: what lies between the columns stays in the cache.
        for first in range(start, end, BLOCK):
            rows = slice(first, min(first + BLOCK, end))
            s, greenwood = _product_limit(n_at_risk[rows], n_event[rows], product, total)
            product, total = s[-1], greenwood[-1]
            survival[rows] = s
            with np.errstate(invalid="ignore"):
                std_error[rows] = s * np.sqrt(greenwood)  # 0 · ∞ is nan, as it should be
            lower[rows], upper[rows] = band_limits(s, greenwood, ci, z)
        _warn_if_curve_ended(time[start:end], survival[start:end])
    ended = survival == 0
    std_error[ended] = math.nan
    if at_zero == "zero":
        lower[ended] = upper[ended] = 0.0
    return KaplanMeier(
        groups=events.groups,
        n=events.n,
        n_events=events.n_events,
        group=group,
        time=time,
        n_at_risk=n_at_risk,
        n_event=n_event,
        n_censored=n_censored,
        survival=freeze(survival),
        std_error=freeze(std_error),
        ci_lower=freeze(lower),
        ci_upper=freeze(upper),
        ci=ci,
        ci_level=ci_level,
        method=f"kaplan-meier, {ci} limits{', 0 where the curve is 0' if at_zero == 'zero' else ''}"
        f"{'' if events.timefix else ', near ties kept'}",
        timefix=events.timefix,
    )


def _rows_with_leavers(events: EventTable) -> tuple[NDArray[Any], ...]:
    """Group, time, at risk, events and censored; late entries add rows at which nobody of the group leaves."""
    columns = events.group, events.time, events.n_at_risk, events.n_event, events.n_censored
    nobody = (events.n_event == 0) & (events.n_censored == 0)
    return tuple(column[~nobody] for column in columns) if nobody.any() else columns


def _product_limit(n_at_risk: Ints, n_event: Ints, product: float, total: float) -> tuple[Floats, Floats]:
    """S = Π (1 − d/n) and G = Σ d/(n(n − d)), going on from what came before.

    G is ∞ where all have the event; S is 0 from there on.
    """
    n, d = n_at_risk.astype(np.float64), n_event.astype(np.float64)
    left = n - d
    step = left / n
    step[0] *= product
    with np.errstate(divide="ignore"):
        terms = np.divide(d, n * left)
    terms[0] += total
    return np.cumprod(step, out=step), np.cumsum(terms, out=terms)


def _warn_if_curve_ended(time: Floats, survival: Floats) -> None:
    """Late entrants after an all-event step: whatever they do, the product stays 0."""
    zero = np.flatnonzero(survival == 0)
    if zero.size and zero[0] < survival.size - 1:
        end = number_text(time[zero[0]])
        warnings.warn(
            f"everyone at risk at t = {end} had the event while others enter later; start the curve later (entry)",
            CohortStatsWarning,
            stacklevel=3,
        )
