"""Log-rank tests of two or more groups: weighted, stratified."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from cohortstats.stats.doors import check_choice, number_text, refuse
from cohortstats.stats.event_counts import BLOCK
from cohortstats.stats.events import EventTable
from cohortstats.stats.results import RichResult, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LogRankTest", "Weighting", "log_rank_test"]

Floats = NDArray[np.float64]
FEW_GROUPS = 8  # beyond, matrix products are faster than a loop over pairs of groups
Weighting = Literal["log-rank", "peto-peto", "gehan", "tarone-ware", "peto-prentice"]
WEIGHTINGS = ("log-rank", "peto-peto", "gehan", "tarone-ware", "peto-prentice")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LogRankTest(RichResult):
    """Result of `log_rank_test`, with its ingredients.

    ``observed`` and ``expected`` have one value a group, ``variance`` is the matrix of observed − expected; all are
    weighted sums over event times and strata. ``rho`` is nan when the weights are not a power of the survival.
    """

    groups: tuple[str, ...]
    n: NDArray[np.int64]
    observed: Floats
    expected: Floats
    variance: Floats
    statistic: float
    df: int
    p_value: float
    rho: float
    method: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", read_only(self.n, np.int64))
        for name in ("observed", "expected", "variance"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """One row a group: group, n, observed, expected, statistic, df, p_value, method, reason."""
        import pandas as pd

        groups = {"group": self.groups, "n": self.n, "observed": self.observed, "expected": self.expected}
        names = ("statistic", "df", "p_value", "method", "reason")
        return pd.DataFrame(groups | {name: getattr(self, name) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sums:
    """Observed, expected and variance of one stratum, and which groups were ever at risk together."""

    observed: Floats
    expected: Floats
    variance: Floats
    together: NDArray[np.bool_]


def log_rank_test(events: EventTable, *, rho: float = 0.0, weighting: Weighting | None = None) -> LogRankTest:
    """Log-rank test that the groups of a table have the same hazard, within strata when the table has them.

    Parameters
    ----------
    events
        Table of events; late entries are taken into the risk sets.
    rho
        Weights S(t−)^ρ, S the pooled Kaplan-Meier just before t, within stratum: 0 is the log-rank test, 1 Peto and
        Peto's in R and EZR.
    weighting
        Named weights, instead of ``rho``: ``log-rank`` 1; ``peto-peto`` S(t−); ``gehan`` n (SAS and lifelines
        "wilcoxon"); ``tarone-ware`` sqrt(n); ``peto-prentice`` Π(1 − d/(n + 1)) up to and including t (SAS and
        lifelines "peto").

    Returns
    -------
    LogRankTest
        Per event time O_k = Σ w d_k, E_k = Σ w d n_k/n, V = Σ w² d (n − d)/(n − 1) (diag(n_k/n) − n_k n_l/n²), no
        variance at n = 1; χ² = U'V⁻¹U over all but one group, df = (groups with E > 0) − 1, p by the upper tail.
        nan with ``no events``, ``one group``, ``groups never at risk together`` or ``variance is zero``.

    Raises
    ------
    InputError
        Unknown weights, ``wilcoxon`` (several tests bear the name), a negative ``rho``, or both arguments.

    Notes
    -----
    R: ``survdiff(Surv(time, event) ~ group + strata(s), rho = )``, which takes no late entries. Mantel 1966, Cancer
    Chemotherapy Reports 50:163; Harrington and Fleming 1982, Biometrika 69:553.

    Examples
    --------
    >>> time, event = [36, 50, 63, 70, 42, 63, 70, 120, 150, 180], [1, 1, 1, 1, 1, 0, 1, 0, 1, 0]
    >>> test = log_rank_test(EventTable.from_arrays(time, event, group=[0] * 4 + [1] * 6))
    >>> round(test.statistic, 10), test.df, round(test.p_value, 10)
    (4.2660788234, 1, 0.0388805535)
    """
    refuse(_problems(rho, weighting))
    if weighting in ("log-rank", "peto-peto"):
        rho, weighting = float(weighting == "peto-peto"), None
    strata = [_sums(sets.at_risk, sets.n_event, rho, weighting) for sets in events.risk_sets()]
    n_groups = len(events.groups)
    observed, expected = np.zeros((2, n_groups))
    variance, together = np.zeros((n_groups, n_groups)), np.zeros((n_groups, n_groups), dtype=bool)
    for sums in strata:
        observed, expected = observed + sums.observed, expected + sums.expected
        variance, together = variance + sums.variance, together | sums.together
    compared = np.flatnonzero(expected > 0)
    reason = _reason(events, compared, variance, together)
    statistic = math.nan if reason else _quadratic_form((observed - expected)[compared], variance, compared)
    df = max(compared.size - 1, 0)
    return LogRankTest(
        groups=events.groups,
        n=events.n,
        observed=observed,
        expected=expected,
        variance=variance,
        statistic=statistic,
        df=df,
        p_value=math.nan if reason else float(chdtrc(df, statistic)),
        rho=math.nan if weighting else float(rho),
        method=_method(events, rho, weighting),
        reason=reason,
    )


def _problems(rho: float, weighting: str | None) -> list[str]:
    problems = [] if 0 <= rho < math.inf else [f"rho is {number_text(rho)}; give a number from 0 up."]
    if weighting == "wilcoxon":
        several = "choose gehan, peto-peto, peto-prentice or tarone-ware."
        return [*problems, f"'wilcoxon' names several tests; {several}"]
    if weighting is None:
        return problems
    if rho != 0:
        problems.append("give rho or weighting, not both.")
    return problems + check_choice("weighting", weighting, WEIGHTINGS)


def _method(events: EventTable, rho: float, weighting: str | None) -> str:
    by_rho = {0.0: "log-rank", 1.0: "peto-peto (rho = 1)"}
    name = weighting or by_rho.get(float(rho), f"log-rank (rho = {rho:g})")
    strata = f", {len(events.strata)} strata" if events.strata and len(events.strata) > 1 else ""
    return f"{name}{strata}{'' if events.timefix else ', near ties kept'}"


def _sums(at_risk: Floats, died: Floats, rho: float, weighting: str | None) -> _Sums:
    n_groups = at_risk.shape[1]
    n, d = at_risk.sum(axis=1), died.sum(axis=1)
    weight = None if rho == 0 and weighting is None else _weights(n, d, rho, weighting)
    if n_groups > FEW_GROUPS:
        return _sums_of_many(at_risk, died, n, d, np.ones(n.size) if weight is None else weight)
    observed, expected = np.zeros((2, n_groups))
    variance, together = np.zeros((n_groups, n_groups)), np.zeros((n_groups, n_groups), dtype=bool)
    for start in range(0, n.size, BLOCK):  # a block of times at a time, which stays in the cache
        rows = slice(start, start + BLOCK)
        total, events, risk = n[rows], d[rows], at_risk[rows]
        spread = events * (total - events) / np.maximum(total - 1, 1)  # at n = 1 the numerator is 0
        if weight is not None:
            events, spread = weight[rows] * events, weight[rows] ** 2 * spread
        # One column a group, each in one piece of memory. Sums of products, not dot products: those wake up threads.
        share = [risk[:, code] / total for code in range(n_groups)]
        for one in range(n_groups):
            happened = died[rows, one]
            observed[one] += (happened if weight is None else weight[rows] * happened).sum()
            expected[one] += (events * share[one]).sum()
            spread_one = spread * share[one]
            variance[one, one] += spread_one.sum()
            for two in range(one, n_groups):
                product = (spread_one * share[two]).sum()
                variance[one, two] -= product
                variance[two, one] -= product if one != two else 0.0
                if not together[one, two]:
                    met = bool(((risk[:, one] > 0) & (risk[:, two] > 0)).any())
                    together[one, two] = together[two, one] = met
    return _Sums(observed=observed, expected=expected, variance=variance, together=together)


def _sums_of_many(at_risk: Floats, died: Floats, n: Floats, d: Floats, weight: Floats) -> _Sums:
    """The same sums by matrix products, whose work does not grow with the pairs of groups in Python."""
    share = at_risk / n[:, None]
    spread = weight**2 * d * (n - d) / np.maximum(n - 1, 1)
    present = (at_risk > 0).astype(np.float64)
    return _Sums(
        observed=weight @ died,
        expected=(weight * d) @ share,
        variance=np.diag(spread @ share) - (share * spread[:, None]).T @ share,
        together=present.T @ present > 0,
    )


def _weights(n: Floats, d: Floats, rho: float, weighting: str | None) -> Floats:
    """Weights of the event times of one stratum; n at risk and d events, groups pooled."""
    if weighting == "gehan":
        return n
    if weighting == "tarone-ware":
        return np.asarray(np.sqrt(n))
    if weighting == "peto-prentice":
        return np.asarray(np.cumprod(1 - d / (n + 1)))
    just_before = np.concatenate([[1.0], np.cumprod((n - d) / n)[:-1]])[: n.size]
    return np.asarray(just_before**rho)


def _reason(events: EventTable, compared: NDArray[np.intp], variance: Floats, together: NDArray[np.bool_]) -> str:
    """Why there is no statistic, or an empty string."""
    if np.count_nonzero(events.n) == 0:
        return "no patients"
    if np.count_nonzero(events.n) == 1:
        return "one group"
    if not events.n_event.any():
        return "no events"
    # Every term of V is a matrix of a graph: off the diagonal it is below 0 exactly where two groups share spread. V
    # can be inverted, with one group left out, exactly when these links join all groups.
    if compared.size > 1 and _joined(variance[np.ix_(compared, compared)] < 0):
        return ""
    if compared.size > 1 and _joined(together[np.ix_(compared, compared)]):
        return "variance is zero"
    return "groups never at risk together"


def _joined(link: NDArray[np.bool_]) -> bool:
    """Whether the links lead from the first group to every other."""
    reached = np.zeros(link.shape[0], dtype=bool)
    reached[0] = True
    for _ in range(link.shape[0]):
        reached |= link[reached].any(axis=0)
    return bool(reached.all())


def _quadratic_form(difference: Floats, variance: Floats, compared: NDArray[np.intp]) -> float:
    """U'V⁻¹U; any one group can be left out, the last one is."""
    kept = compared[:-1]
    return float(difference[:-1] @ np.linalg.solve(variance[np.ix_(kept, kept)], difference[:-1]))
