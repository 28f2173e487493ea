"""What a fitted Cox model is: coefficients, tests, and whether its hazards are proportional."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from cohortstats.errors import InputError
from cohortstats.stats import cox_engines
from cohortstats.stats.cox_engines import CoxData, Ties, Transform
from cohortstats.stats.doors import check_choice, refuse
from cohortstats.stats.results import RichResult, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WANTED", "ChiSquareTest", "CoxModel", "chi_square", "supported"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TRANSFORMS = ("km", "rank", "identity", "log")
WANTED = 10  # events a parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class ChiSquareTest:
    """One χ² test of a model: statistic, degrees of freedom, P."""

    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CoxModel(RichResult):
    """A fitted Cox model.

    Arrays have one value a coefficient. ``names`` are the coefficients as they are printed (``celltype=large`` for a
    level of a categorical covariate), ``reference`` the level that each is compared with (empty for a number),
    ``terms`` the covariates, and ``assign`` the position of the term of each coefficient.

    ``log_likelihood`` is that of no covariates and of the fitted model; both are penalised under Firth's penalty.
    ``supported_parameters`` is the number that the events carry, max(1, events/10). ``reason`` says why there are no
    coefficients (``no events``, ``no variation``, ``monotone likelihood``); ``notes`` are whole sentences.

    Examples
    --------
    >>> from cohortstats.stats.hazard import cox

    Everybody who has the event has x = 1, so no hazard ratio is large enough:

    >>> model = cox(range(1, 15), [1] * 10 + [0] * 4, {"x": [1] * 10 + [0] * 4})
    >>> model.reason, model.supported_parameters
    ('monotone likelihood', 1)
    """

    names: tuple[str, ...]
    terms: tuple[str, ...]
    assign: Ints
    reference: tuple[str, ...]
    n: int
    n_events: int
    coef: Floats
    std_error: Floats
    hazard_ratio: Floats
    ci_lower: Floats
    ci_upper: Floats
    ci_level: float
    statistic: Floats
    p_value: Floats
    covariance: Floats
    log_likelihood: tuple[float, float]
    likelihood_ratio: ChiSquareTest
    wald: ChiSquareTest
    score: ChiSquareTest
    concordance: float
    ties: Ties
    penalty: str | None
    method: str
    reason: str
    notes: tuple[str, ...]
    _data: CoxData = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "assign", read_only(self.assign, np.int64))
        for name in ("coef", "std_error", "hazard_ratio", "ci_lower", "ci_upper", "statistic", "p_value", "covariance"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def n_parameters(self) -> int:
        """Coefficients of the model."""
        return len(self.names)

    @property
    def events_per_parameter(self) -> float:
        """Events over coefficients."""
        return self.n_events / self.n_parameters

    @property
    def supported_parameters(self) -> int:
        """Coefficients that this number of events carries, ten events each; one is always tried."""
        return supported(self.n_events)

    def to_frame(self) -> pd.DataFrame:
        """One row a coefficient: term, coef, std_error, hazard_ratio, ci_lower, ci_upper, statistic, p_value."""
        import pandas as pd

        columns = ("coef", "std_error", "hazard_ratio", "ci_lower", "ci_upper", "statistic", "p_value")
        return pd.DataFrame({"term": self.names} | {name: getattr(self, name) for name in columns})

    def proportionality(self, transform: Transform = "km") -> pd.DataFrame:
        """Score test, one a term, that its effect does not change with time; last row GLOBAL.

        Parameters
        ----------
        transform
            g(t) of the added covariates x·g(t): ``km`` 1 − S(t−), ``rank``, ``identity``, ``log``.

        Returns
        -------
        pandas.DataFrame
            term, statistic, df, p_value, reason; nan where the model has no coefficients, or where g does not change
            over the event times (``no variation``).

        Raises
        ------
        InputError
            An unknown transform, a penalised model, the logarithm of a time of 0, or no package `survival`.

        Notes
        -----
        R: ``cox.zph(fit, transform = )`` of survival 3.0 and above, which tests with the whole information matrix.
        Grambsch and Therneau 1994, Biometrika 81:515.

        Examples
        --------
        >>> from cohortstats.stats.hazard import cox
        >>> time = [9, 13, 18, 23, 28, 31, 34, 45, 48, 60, 75, 80]
        >>> model = cox(time, [1] * 12, {"x": [0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0]})
        >>> model.proportionality()["term"].tolist()
        ['x', 'GLOBAL']
        """
        refuse(check_choice("transform", transform, TRANSFORMS))
        if self.penalty is not None:
            raise InputError("proportionality is tested on a model without a penalty.")
        return _proportionality(self, transform)


def supported(n_events: int) -> int:
    """Parameters that a number of events carries, ten events each; one is always tried."""
    return max(1, n_events // WANTED)


def chi_square(statistic: float, df: int) -> ChiSquareTest:
    """Test with the upper tail of χ² for its P."""
    return ChiSquareTest(statistic=statistic, df=df, p_value=float(chdtrc(df, statistic)))


def _varies_over_time(data: CoxData) -> bool:
    """Whether those at risk differ at two event times at least: one time alone tells no trend."""
    entry = np.full(data.time.size, -math.inf) if data.entry is None else data.entry
    stratum = np.zeros(data.time.size) if data.stratum is None else data.stratum
    seen: set[float] = set()
    for time, layer in dict.fromkeys(zip(data.time[data.event], stratum[data.event], strict=True)):
        here = (entry < time) & (data.time >= time) & (stratum == layer)
        if np.ptp(data.x[here], axis=0).any():
            seen.add(float(time))
            if len(seen) > 1:
                return True
    return False


def _proportionality(model: CoxModel, transform: Transform) -> pd.DataFrame:
    import pandas as pd

    data = model._data
    df = np.append(np.bincount(model.assign), model.n_parameters)
    statistic, reason = np.full(df.size, math.nan), model.reason
    if not reason:
        if transform == "log" and data.time[data.event].min() == 0:
            raise InputError("transform 'log' needs event times above 0; choose km, rank or identity.")
        cox_engines.choose_engine(["the test of proportional hazards"])
        if not _varies_over_time(data):
            reason = "no variation"
        else:
            statistic = cox_engines.proportionality(data, model.ties, model.coef, transform)
    return pd.DataFrame(
        {
            "term": [*model.terms, "GLOBAL"],
            "statistic": statistic,
            "df": df,
            "p_value": chdtrc(df, statistic),
            "reason": reason,
        }
    )
