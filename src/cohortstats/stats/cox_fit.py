"""From checked data to a Cox model: whether it can be fitted at all, by what, and what is said when it cannot."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from cohortstats.errors import CohortStatsWarning, InputError
from cohortstats.stats import cox_engines, firth
from cohortstats.stats.covariates import Design
from cohortstats.stats.cox_engines import CoxData, Ties
from cohortstats.stats.cox_model import WANTED, CoxModel, chi_square, supported
from cohortstats.stats.moments import Moments, event_moments
from cohortstats.stats.monotone import flat_directions, monotone_direction
from cohortstats.stats.results import normal_quantile

__all__ = ["fit_model"]

Floats = NDArray[np.float64]

EXACT_STEPS = 1e8
NEEDED = 5  # events a parameter, else the caller must insist


def fit_model(
    data: CoxData,
    design: Design,
    *,
    ties: Ties,
    penalty: str | None,
    ci_level: float,
    allow_few_events: bool,
    name: str,
    words: list[str],
    n: int | None = None,
) -> CoxModel:
    """Model of checked data. ``name`` and ``words`` open and close its method; ``n`` patients, else one a row."""
    n_events = int(data.event.sum())
    ties = "breslow" if penalty == "firth" else ties
    rule = "discrete likelihood for ties" if ties == "exact" else f"{ties.capitalize()} ties"
    method = [
        name,
        "Firth's penalty, penalised likelihood ratio tests, profile limits" if penalty else "",
        rule,
        *words,
    ]
    shared = _Shared(
        design=design, n=data.time.size if n is None else n, n_events=n_events, ci_level=ci_level, ties=ties,
        penalty=penalty, method=", ".join(word for word in method if word), data=data,
    )  # fmt: skip
    if not n_events:
        return _undefined(shared, "no events")
    crowding = _crowding(n_events, len(design.names), allow_few_events)
    if crowding:
        warnings.warn(crowding, CohortStatsWarning, stacklevel=3)
    risk = event_moments(data.time, data.event, data.entry, data.stratum)
    notes = [crowding] if crowding else []
    if ties == "exact":
        _check_steps(risk, len(design.names))
    discrete = ties == "exact"
    if flat_directions(risk, data.x, discrete=discrete):
        told = "Those at risk together at events do not differ in some combination of the covariates."
        return _undefined(shared, "no variation", [*notes, told])
    if penalty == "firth" and firth.installed():
        return _penalised(shared, firth.fit_firth(data, risk, ci_level), notes)
    direction = monotone_direction(risk, data.x, discrete=discrete)
    if direction is not None:
        return _undefined(shared, "monotone likelihood", [*notes, _endless(shared, direction)])
    if penalty == "firth":
        raise InputError(f"Firth's penalty needs an extra: {firth.EXTRA}.")
    return _fitted(shared, risk, notes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shared:
    """What every outcome of a fit has in common."""

    design: Design
    n: int
    n_events: int
    ci_level: float
    ties: Ties
    penalty: str | None
    method: str
    data: CoxData


def _crowding(n_events: int, n_parameters: int, allowed: bool) -> str:
    """Sentence about too few events a parameter, empty when there are enough; refused when far too few."""
    events = f"{n_events} event{'s' if n_events > 1 else ''}"
    parameters = f"{n_parameters} parameter{'s' if n_parameters > 1 else ''}"
    if n_parameters >= n_events:
        raise InputError(f"{events} cannot carry {parameters}.")
    if n_events < NEEDED * n_parameters and not allowed:
        raise InputError(
            f"{events} for {parameters} are fewer than {NEEDED} a parameter; leave covariates out, or give "
            "allow_few_events=True."
        )
    if n_events >= WANTED * n_parameters:
        return ""
    if n_parameters == 1:
        return f"{events} for {parameters}; fewer than {WANTED} are few."
    return f"{events} for {parameters}; at most {supported(n_events)} {'is' if n_events < 20 else 'are'} supported."


def _check_steps(risk: Moments, n_parameters: int) -> None:
    """Refuse a discrete likelihood whose recursion over subsets would not end in reasonable time."""
    tied = risk.n_event > 1
    steps = float(risk.n_event[tied] @ risk.n_at_risk[tied]) * (
        1 + n_parameters + n_parameters * (n_parameters + 1) / 2
    )
    if steps > EXACT_STEPS:
        raise InputError(f"exact ties would take {steps:.1e} steps, more than 1e8; choose ties 'efron'.")


def _endless(shared: _Shared, direction: Floats) -> str:
    """Along what the likelihood has no maximum, and what there is instead."""
    design, data = shared.design, shared.data
    part = np.abs(direction) > 0.01 * np.abs(direction).max()  # others only tilt it a little
    along = [design.terms[term] for term in np.unique(design.assign[part])]
    told = f"No finite estimate exists: the likelihood grows without end along {' and '.join(along)}."
    if data.entry is not None or data.stratum is not None:
        return told
    if not firth.installed():
        return f"{told} Firth's penalised estimate needs an extra: {firth.EXTRA}."
    return f"{told} Firth's penalised estimate (penalty='firth') is finite."


def _undefined(shared: _Shared, reason: str, notes: list[str] | None = None) -> CoxModel:
    k = len(shared.design.names)
    return _model(
        shared,
        coef=np.full(k, math.nan),
        covariance=np.full((k, k), math.nan),
        limits=np.full((k, 2), math.nan),
        reason=reason,
        notes=notes or [],
    )


def _fitted(shared: _Shared, risk: Moments, notes: list[str]) -> CoxModel:
    data = shared.data
    needs = [
        text
        for needed, text in (
            (data.entry is not None, "delayed entry"),
            (shared.ties == "exact", "the discrete likelihood"),
            (data.cluster is not None, "a robust variance"),
        )
        if needed
    ]
    engine = cox_engines.choose_engine(needs)
    fitted = cox_engines.fit(engine, data, risk, shared.ties)
    if data.cluster is not None:
        # Residuals sum to 0 over everybody, so one cluster has no variance; rounding would leave 1e-27 of one.
        n_clusters = np.unique(data.cluster).size
        if n_clusters == 1 or not (np.diag(fitted.covariance) > 0).all():
            return _undefined(shared, "variance is zero", [*notes, "The robust variance of a coefficient is 0."])
        if n_clusters <= fitted.coef.size:
            notes = [*notes, f"{n_clusters} clusters give {fitted.coef.size} coefficients no joint Wald test."]
    reach = normal_quantile(shared.ci_level) * np.sqrt(np.diag(fitted.covariance))
    return _model(
        shared,
        coef=fitted.coef,
        covariance=fitted.covariance,
        limits=fitted.coef[:, None] + np.array([-1.0, 1.0]) * reach[:, None],
        log_likelihood=fitted.log_likelihood,
        score=fitted.score_statistic,
        concordance=fitted.concordance,
        engine=cox_engines.engine_name(engine),
        notes=notes,
    )


def _penalised(shared: _Shared, fitted: firth.FirthFit, notes: list[str]) -> CoxModel:
    if not np.isfinite(fitted.coef).all():
        return _undefined(shared, "not attainable", [*notes, "The search for Firth's estimate did not end."])
    if not (np.isfinite(fitted.limits).all() and np.isfinite(fitted.p_value).all()):
        notes = [*notes, "The search for a profile limit or test did not end; it is left open."]
    return _model(
        shared,
        coef=fitted.coef,
        covariance=fitted.covariance,
        limits=fitted.limits,
        tested=(fitted.statistic, fitted.p_value),
        log_likelihood=fitted.log_likelihood,
        engine=cox_engines.engine_name("firthmodels"),
        notes=notes,
    )


def _model(
    shared: _Shared,
    *,
    coef: Floats,
    covariance: Floats,
    limits: Floats,
    notes: list[str],
    tested: tuple[Floats, Floats] | None = None,
    log_likelihood: tuple[float, float] = (math.nan, math.nan),
    score: float = math.nan,
    concordance: float = math.nan,
    engine: str = "",
    reason: str = "",
) -> CoxModel:
    design = shared.design
    std_error = np.sqrt(np.diag(covariance))
    if tested is None:
        z = coef / std_error
        tested = z, 2 * ndtr(-np.abs(z))
    df = coef.size
    ratio = 2 * (log_likelihood[1] - log_likelihood[0])
    wald = math.nan
    # With fewer clusters than coefficients each has its error, but together they have no test.
    if np.isfinite(covariance).all() and np.linalg.matrix_rank(covariance, hermitian=True) == df:
        wald = float(coef @ np.linalg.solve(covariance, coef))
    with np.errstate(over="ignore"):  # a limit past the largest float is infinite
        hazard_ratio, edges = np.exp(coef), np.exp(limits)
    return CoxModel(
        names=design.names,
        terms=design.terms,
        assign=design.assign,
        reference=design.reference,
        n=shared.n,
        n_events=shared.n_events,
        coef=coef,
        std_error=std_error,
        hazard_ratio=hazard_ratio,
        ci_lower=edges[:, 0],
        ci_upper=edges[:, 1],
        ci_level=shared.ci_level,
        statistic=tested[0],
        p_value=tested[1],
        covariance=covariance,
        log_likelihood=log_likelihood,
        likelihood_ratio=chi_square(max(ratio, 0.0) if ratio == ratio else ratio, df),
        wald=chi_square(wald, df),
        score=chi_square(score, df),
        concordance=concordance,
        ties=shared.ties,
        penalty=shared.penalty,
        method=f"{shared.method}, {engine}" if engine else shared.method,
        reason=reason,
        notes=(*design.notes, *notes),
        _data=shared.data,
    )
