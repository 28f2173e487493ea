"""Firth's penalised Cox regression, through `firthmodels`: finite where maximum likelihood is not."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from cohortstats.stats.cox_engines import CoxData
from cohortstats.stats.moments import Moments

__all__ = ["EXTRA", "FirthFit", "fit_firth", "installed"]

Floats = NDArray[np.float64]

EXTRA = "pip install 'cohortstats[firth]'"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FirthFit:
    """Maximum of the penalised likelihood; test and limits of each coefficient by its profile."""

    coef: Floats
    covariance: Floats
    statistic: Floats
    p_value: Floats
    limits: Floats
    log_likelihood: tuple[float, float]


def installed() -> bool:
    """Whether the package of the extra is here."""
    return find_spec("firthmodels") is not None


def fit_firth(data: CoxData, risk: Moments, ci_level: float) -> FirthFit:
    """Fit with Breslow's ties; nan for a limit or a test whose search did not end."""
    from firthmodels import FirthCoxPH

    spread = data.x.std(axis=0)
    # Centred and scaled: the penalty moves by a constant, and its tests of convergence mean the same for every unit.
    scaled = (data.x - data.x.mean(axis=0)) / spread
    k = spread.size
    p_value, limits = np.full(k, math.nan), np.full((k, 2), math.nan)
    # A search that does not end leaves nan; a looser one may end then.
    for gtol, xtol, profile in ((1e-8, 1e-8, 1e-8), (1e-4, 1e-6, 1e-4)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what did not converge is nan
            fitted = FirthCoxPH(backend="numpy", gtol=gtol, xtol=xtol).fit(scaled, (data.event, data.time)).lrt()
            found = fitted.conf_int(alpha=1 - ci_level, method="pl", tol=profile)
        p_value = np.where(np.isnan(p_value), fitted.lrt_pvalues_, p_value)
        limits = np.where(np.isnan(limits), found, limits)
        if np.isfinite(p_value).all() and np.isfinite(limits).all():
            break
    covariance = np.linalg.inv(fitted._fisher_info)
    constant = float(np.log(spread).sum())
    null = -float(np.log(risk.n_at_risk) @ risk.n_event)
    null += 0.5 * float(np.linalg.slogdet(risk.information_at_zero(scaled))[1])
    return FirthFit(
        coef=np.asarray(fitted.coef_) / spread if fitted.converged_ else np.full(spread.size, math.nan),
        covariance=covariance / np.outer(spread, spread),
        statistic=np.asarray(chdtri(1, p_value)),
        p_value=p_value,
        limits=limits / spread[:, None],
        log_likelihood=(null + constant, float(fitted.loglik_) + constant),
    )
