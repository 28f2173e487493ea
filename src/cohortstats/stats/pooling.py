"""Pooling of estimates from several studies: fixed effect and random effects by inverse variance.

Estimates are on a scale where they are about normal, such as the logarithm of a hazard ratio. Studies are put in one
order before anything is added up, so that the order in which they are given changes no digit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtr, stdtr, stdtrit

from cohortstats.stats.doors import (
    check_choice,
    check_fraction,
    check_length,
    read_numbers,
    refuse,
    sentence_of_values,
)
from cohortstats.stats.results import RichResult, as_row, normal_quantile, read_only
from cohortstats.stats.roots import crossing

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["INTERVALS", "METHODS", "PoolInterval", "PoolMethod", "PooledEffect", "pool_effects"]

Floats = NDArray[np.float64]
PoolMethod = Literal["fixed", "dersimonian-laird", "paule-mandel", "reml"]
PoolInterval = Literal["normal", "hartung-knapp"]
METHODS = ("fixed", "dersimonian-laird", "paule-mandel", "reml")
INTERVALS = ("normal", "hartung-knapp")
_GRID = 240  # points of tau² at which the restricted likelihood is looked at before its best one is refined


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PooledEffect(RichResult):
    """Result of `pool_effects`, on the scale of the estimates.

    Parameters
    ----------
    k
        Number of studies.
    estimate, std_error, ci_lower, ci_upper, ci_level
        Pooled estimate; ``std_error`` is (Σw)^−½ whatever the interval.
    statistic, p_value
        Estimate over its standard error, that of the interval, and the two-sided P; under ``hartung-knapp`` by t with
        k − 1 degrees of freedom.
    q, df, q_p, i2
        Cochran's Q with its P; I² as a fraction.
    tau2
        Variance between studies; 0 by assumption when the method is ``fixed``.
    prediction_lower, prediction_upper
        Where the effect of a new study lies, by t with k − 2 degrees of freedom; nan below three studies and when the
        method is ``fixed``.
    weights
        Share of each study, in the order given; they sum to 1.
    method, reason
        What was computed; why a number is nan.
    """

    k: int
    estimate: float
    std_error: float
    ci_lower: float
    ci_upper: float
    ci_level: float
    statistic: float
    p_value: float
    q: float
    df: int
    q_p: float
    i2: float
    tau2: float
    prediction_lower: float
    prediction_upper: float
    weights: Floats
    method: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", read_only(self.weights))

    def to_frame(self) -> pd.DataFrame:
        """One row, without the weights of the studies."""
        return as_row(self, [name for name in self.__slots__ if name != "weights"])


def pool_effects(
    estimates: ArrayLike,
    std_errors: ArrayLike,
    *,
    method: PoolMethod = "fixed",
    interval: PoolInterval = "normal",
    ci_level: float = 0.95,
) -> PooledEffect:
    """Pool estimates of independent studies by inverse variance.

    Parameters
    ----------
    estimates
        One estimate a study, on a scale where it is about normal: log hazard ratios, not hazard ratios.
    std_errors
        Their standard errors, above 0.
    method
        ``fixed`` (one effect), or the estimator of the variance between studies: ``dersimonian-laird``,
        ``paule-mandel``, ``reml``.
    interval
        ``normal``, or ``hartung-knapp``: t with k − 1 degrees of freedom and a variance from the scatter of the
        estimates themselves.
    ci_level
        Level of the limits and of the prediction.

    Returns
    -------
    PooledEffect
        nan with ``one study`` (heterogeneity, Hartung-Knapp limits), ``fewer than 3 studies`` (prediction), ``variance
        is zero`` (the P of a Hartung-Knapp interval around equal estimates).

    Raises
    ------
    InputError
        Gaps, infinite numbers, standard errors that are not above 0, unequal lengths, no study, an unknown choice.

    Notes
    -----
    w = 1/s², w* = 1/(s² + τ²); μ = Σw*y/Σw*, se = (Σw*)^−½; Q = Σw(y − μ)² with the fixed μ; I² = max(0, (Q − df)/Q).
    DerSimonian and Laird: τ² = max(0, (Q − df)/(Σw − Σw²/Σw)). Paule and Mandel: τ² ≥ 0 with Σw*(y − μ*)² = df, else
    0. REML: least ½(Σln(s² + τ²) + ln Σw* + Σw*(y − μ*)²), the best of all minima. Hartung-Knapp:
    se² = Σw*(y − μ*)²/((k − 1)Σw*). Prediction: μ* ± t(k − 2)·√(τ² + se²). R: ``metafor::rma(y, sei = s, method = "FE"
    | "DL" | "PM" | "REML", test = "z" | "knha")``; its prediction takes normal quantiles unless told otherwise.
    DerSimonian and Laird 1986, Controlled Clinical Trials 7:177; Paule and Mandel 1982; Hartung and Knapp 2001,
    Statistics in Medicine 20:3875; Higgins, Thompson and Spiegelhalter 2009, JRSS A 172:137.

    Examples
    --------
    T-DM1 in EMILIA and TH3RESA, progression-free survival: 0.65 (0.55–0.77) and 0.528 (0.422–0.661).

    >>> y = np.log([0.65, 0.528])
    >>> s = [np.log(0.77 / 0.55) / 3.919927969080108, np.log(0.661 / 0.422) / 3.919927969080108]
    >>> pooled = pool_effects(y, s)
    >>> round(math.exp(pooled.estimate), 8), round(pooled.q, 8), round(pooled.q_p, 8)
    (0.60314785, 2.1106778, 0.14627452)
    >>> round(pool_effects(y, s, method="dersimonian-laird").tau2, 8)
    0.0113696
    """
    problems = check_choice("method", method, METHODS) + check_choice("interval", interval, INTERVALS)
    problems += check_fraction("ci_level", ci_level, "0.95")
    y, s = _read(estimates, std_errors, problems)
    order = np.lexsort((s, y))
    y, s = y[order], s[order]
    k = len(y)
    centre, total, scatter = _weighted(y, s * s, 0.0)
    df = k - 1
    tau2 = 0.0 if method == "fixed" else _between(y, s, method, scatter)
    if tau2:
        centre, total, _ = _weighted(y, s * s, tau2)
    se = total**-0.5
    own_scatter = _weighted(y, s * s, tau2)[2]
    knapp = interval == "hartung-knapp"
    se_limits = math.sqrt(own_scatter / df / total) if knapp and df else math.nan if knapp else se
    quantile = float(stdtrit(df, (1 + ci_level) / 2)) if knapp and df else normal_quantile(ci_level)
    statistic = centre / se_limits if se_limits else math.nan
    p_value = 2 * float(stdtr(df, -abs(statistic)) if knapp and df else ndtr(-abs(statistic)))
    predicted = _prediction(centre, se, tau2, k, ci_level) if method != "fixed" else (math.nan, math.nan)
    weights = np.empty(k)
    weights[order] = 1 / (s * s + tau2) / total
    return PooledEffect(
        k=k,
        estimate=centre,
        std_error=se,
        ci_lower=centre - quantile * se_limits,
        ci_upper=centre + quantile * se_limits,
        ci_level=float(ci_level),
        statistic=statistic,
        p_value=p_value,
        q=scatter if df else 0.0,
        df=df,
        q_p=float(chdtrc(df, scatter)) if df else math.nan,
        i2=(max(0.0, (scatter - df) / scatter) if scatter > 0 else 0.0) if df else math.nan,
        tau2=tau2 if df else math.nan,
        prediction_lower=predicted[0],
        prediction_upper=predicted[1],
        weights=weights,
        method=_method(method, interval, k, predicted),
        reason=_reason(method, k, se_limits),
    )


def _read(estimates: ArrayLike, std_errors: ArrayLike, problems: list[str]) -> tuple[Floats, Floats]:
    """Both columns, or all that is wrong with the call at once."""
    y, s = (read_numbers(name, value, problems) for name, value in _named(estimates, std_errors))
    if y is not None and s is not None:
        problems += check_length("estimates", len(y), "std_errors", len(s))
        if not len(y) and not len(s):
            problems.append("there is no study to pool.")
    if y is not None:
        problems += sentence_of_values("estimates", y, ~np.isfinite(y), "give finite numbers.")
    if s is not None:
        problems += sentence_of_values("std_errors", s, ~((s > 0) & np.isfinite(s)), "give numbers above 0.")
    refuse(problems)
    assert y is not None  # refused above
    assert s is not None
    return y, s


def _named(estimates: ArrayLike, std_errors: ArrayLike) -> tuple[tuple[str, ArrayLike], ...]:
    return (("estimates", estimates), ("std_errors", std_errors))


def _weighted(y: Floats, variance: Floats, tau2: float) -> tuple[float, float, float]:
    """Weighted mean, sum of the weights, weighted sum of squares about the mean."""
    w = 1 / (variance + tau2)
    total = fsum(w)
    centre = fsum(w * y) / total
    return centre, total, fsum(w * (y - centre) ** 2)


# ---------------------------------------------------------------------------------------------------------------------
# The variance between studies
# ---------------------------------------------------------------------------------------------------------------------


def _between(y: Floats, s: Floats, method: PoolMethod, scatter: float) -> float:
    variance = s * s
    df = len(y) - 1
    if df == 0 or y[0] == y[-1]:  # in order: all are equal
        return 0.0
    if method == "dersimonian-laird":
        w = 1 / variance
        # Cut at 0: a negative variance would make an interval narrower than that of the fixed effect.
        return max(0.0, (scatter - df) / (fsum(w) - fsum(w * w) / fsum(w)))
    # Beyond this the weights are all but equal and the scatter is far below its expectation.
    most = 10 * len(y) * (float((y[-1] - y[0]) ** 2) + float(variance.max()))
    if method == "paule-mandel":
        return crossing(lambda tau2: _weighted(y, variance, tau2)[2] - df, 0.0, most) if scatter > df else 0.0
    return _restricted(y, variance, most)


def _restricted(y: Floats, variance: Floats, most: float) -> float:
    """The best minimum of the restricted likelihood, which may have several."""
    least = min(float(variance.min()), most) * 1e-6
    grid = np.concatenate([[0.0], np.geomspace(least, most, _GRID)])
    cost = np.array([_cost(y, variance, tau2) for tau2 in grid])
    best = int(np.argmin(cost))
    lower, upper = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = crossing(lambda tau2: -_slope(y, variance, tau2), float(lower), float(upper))
    return found if _cost(y, variance, found) < _cost(y, variance, 0.0) else 0.0


def _cost(y: Floats, variance: Floats, tau2: float) -> float:
    """Minus the restricted log-likelihood, without its constant."""
    _, total, scatter = _weighted(y, variance, tau2)
    return 0.5 * (fsum(np.log(variance + tau2)) + math.log(total) + scatter)


def _slope(y: Floats, variance: Floats, tau2: float) -> float:
    """Its derivative by τ²; the mean is where the scatter is least, so its change counts for nothing."""
    centre, total, _ = _weighted(y, variance, tau2)
    w = 1 / (variance + tau2)
    return 0.5 * (total - fsum(w * w) / total - fsum((w * (y - centre)) ** 2))


# ---------------------------------------------------------------------------------------------------------------------
# Prediction and words
# ---------------------------------------------------------------------------------------------------------------------


def _prediction(centre: float, se: float, tau2: float, k: int, ci_level: float) -> tuple[float, float]:
    if k < 3:
        return math.nan, math.nan
    half = float(stdtrit(k - 2, (1 + ci_level) / 2)) * math.sqrt(tau2 + se * se)
    return centre - half, centre + half


def _method(method: PoolMethod, interval: PoolInterval, k: int, predicted: tuple[float, float]) -> str:
    names = {
        "fixed": "fixed effect, inverse variance",
        "dersimonian-laird": "random effects, DerSimonian-Laird",
        "paule-mandel": "random effects, Paule-Mandel",
        "reml": "random effects, REML",
    }
    limits = "normal limits" if interval == "normal" else f"Hartung-Knapp limits, t({k - 1})"
    prediction = "" if math.isnan(predicted[0]) else f", prediction by t({k - 2})"
    return f"{names[method]}, {limits}{prediction}"


def _reason(method: PoolMethod, k: int, se_limits: float) -> str:
    if k == 1:
        return "one study"
    reasons = ["variance is zero"] if se_limits == 0 else []
    reasons += ["fewer than 3 studies"] if method != "fixed" and k < 3 else []
    return "; ".join(reasons)
