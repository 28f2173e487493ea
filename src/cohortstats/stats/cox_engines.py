"""The libraries that fit a Cox model, each behind one function that gives the same result.

`survival` is Rust and numpy; statsmodels stands in where it has no wheel, for what it does rightly: Efron and Breslow
ties, strata, everyone observed from time 0. What comes back is checked by the score, which must vanish at a maximum.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import InputError
from cohortstats.stats.moments import Moments

__all__ = ["CoxData", "Engine", "Fit", "Ties", "Transform", "choose_engine", "engine_name", "fit", "proportionality"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Engine = Literal["survival", "statsmodels"]
Ties = Literal["efron", "breslow", "exact"]
Transform = Literal["km", "rank", "identity", "log"]

VANISHED = 1e-9  # the score, in units of one over the standard error


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoxData:
    """What a fit needs: one row a patient, near ties merged; ``case_weights`` come from Fine and Gray's rows only."""

    time: Floats
    event: NDArray[np.bool_]
    x: Floats
    assign: Ints
    entry: Floats | None = None
    stratum: Ints | None = None
    cluster: Ints | None = None
    case_weights: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """Maximum of a partial likelihood; ``covariance`` is robust when the data name clusters."""

    coef: Floats
    covariance: Floats
    log_likelihood: tuple[float, float]
    score_statistic: float
    concordance: float


def choose_engine(needs: list[str]) -> Engine:
    """The library that can do all of ``needs``, or an InputError that names what only `survival` does."""
    if find_spec("survival") is not None:
        return "survival"
    if needs:
        raise InputError([f"{need} needs the package survival." for need in needs])
    return "statsmodels"


def engine_name(engine: str) -> str:
    """Library with its version, as a method names it."""
    return f"{engine} {version(engine)}"


def fit(engine: Engine, data: CoxData, risk: Moments, ties: Ties) -> Fit:
    """Coefficients at the maximum. The caller has seen to it that there is one."""
    return _by_survival(data, ties) if engine == "survival" else _by_statsmodels(data, risk, ties)


def _by_survival(data: CoxData, ties: Ties) -> Fit:
    from survival.regression import coxph_fit  # type: ignore[attr-defined]  # bound when it is imported

    def newton(start: list[float] | None) -> Any:
        return coxph_fit(
            data.time,
            data.event.astype(np.int64),
            data.x,
            entry=data.entry,
            strata=data.stratum,
            weights=data.case_weights,
            method=ties,
            init=start,
            iter_max=50,
            eps=1e-11,
            cluster=data.cluster,
        )

    null = at = newton(None)
    for _ in range(10):
        model_based = np.array(at.var if at.naive_var is None else at.naive_var)
        gap = np.abs(np.array(at.first)) * np.sqrt(np.diag(model_based))
        if np.isfinite(gap).all() and gap.max() < VANISHED:
            break
        at = newton(at.coefficients)
    else:
        raise InputError("the fit did not converge; rescale the covariates or use fewer of them.")
    return Fit(
        coef=np.array(at.coefficients),
        covariance=np.array(at.var),
        log_likelihood=(float(null.loglik[0]), float(at.loglik[1])),
        score_statistic=float(null.score),
        concordance=float(at.concordance.concordance[0]),
    )


def _by_statsmodels(data: CoxData, risk: Moments, ties: Ties) -> Fit:
    from statsmodels.duration.hazard_regression import PHReg

    centre, spread = data.x.mean(axis=0), data.x.std(axis=0)
    scaled = (data.x - centre) / spread
    model = PHReg(data.time, scaled, status=data.event.astype(np.int64), strata=data.stratum, ties=ties)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it says of its optimiser; the score says whether it is right
        fitted = model.fit(method="newton", disp=0, maxiter=100)
    coef = np.asarray(fitted.params, dtype=np.float64)
    information = -np.asarray(model.hessian(coef))
    for _ in range(10):  # its optimiser stops early
        if not np.isfinite(coef).all():
            break
        score = risk.score(scaled, coef, efron=ties == "efron")
        step = np.linalg.solve(information, score)
        if score @ step < VANISHED**2:
            break
        coef = coef + step
        information = -np.asarray(model.hessian(coef))
    score = risk.score(scaled, coef, efron=ties == "efron") if np.isfinite(coef).all() else np.full_like(coef, math.nan)
    covariance = np.linalg.inv(information)
    if not np.abs(score * np.sqrt(np.diag(covariance))).max() < 1e-6:
        raise InputError("statsmodels did not reach the maximum; this model needs the package survival.")
    zero = np.zeros_like(coef)
    at_zero = risk.score(scaled, zero, efron=ties == "efron")
    return Fit(
        coef=coef / spread,
        covariance=covariance / np.outer(spread, spread),
        log_likelihood=(float(model.loglike(zero)), float(model.loglike(coef))),
        score_statistic=float(at_zero @ np.linalg.solve(-np.asarray(model.hessian(zero)), at_zero)),
        concordance=math.nan,
    )


def proportionality(data: CoxData, ties: Ties, coef: Floats, transform: Transform) -> Floats:
    """Statistic of each term and, last, of all together, at the coefficients of the fit."""
    from survival.regression import cox_zph, coxph_fit  # type: ignore[attr-defined]

    at = coxph_fit(
        data.time,
        data.event.astype(np.int64),
        data.x,
        entry=data.entry,
        strata=data.stratum,
        weights=data.case_weights,
        method=ties,
        init=coef.tolist(),
        iter_max=50,
        eps=1e-11,
    )
    groups = [np.flatnonzero(data.assign == term).tolist() for term in range(int(data.assign.max()) + 1)]
    tested = cox_zph(at, transform, assign=groups)
    return np.array([row.chisq for row in (*tested.table, tested.global_test)])
