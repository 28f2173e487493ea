"""Log-rank tests of ordered groups and of every pair of groups."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from cohortstats.stats.doors import check_choice, read_numbers, refuse, sentence_of_values
from cohortstats.stats.events import EventTable
from cohortstats.stats.log_rank import Weighting, log_rank_test
from cohortstats.stats.multiplicity import adjust_p
from cohortstats.stats.results import RichResult, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LogRankTrend", "log_rank_pairwise", "log_rank_trend"]

Floats = NDArray[np.float64]
Adjustment = Literal["bonferroni", "holm", "hochberg", "hommel", "BH", "BY"]
ADJUSTMENTS = ("bonferroni", "holm", "hochberg", "hommel", "BH", "BY")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LogRankTrend(RichResult):
    """Result of `log_rank_trend`; ``scores``, ``observed``, ``expected`` have one value a group."""

    groups: tuple[str, ...]
    n: NDArray[np.int64]
    scores: Floats
    observed: Floats
    expected: Floats
    variance: Floats
    statistic: float
    df: int
    p_value: float
    method: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", read_only(self.n, np.int64))
        for name in ("scores", "observed", "expected", "variance"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """One row a group: group, n, score, observed, expected, statistic, df, p_value, method, reason."""
        import pandas as pd

        groups = {"group": self.groups, "n": self.n, "score": self.scores}
        groups |= {"observed": self.observed, "expected": self.expected}
        names = ("statistic", "df", "p_value", "method", "reason")
        return pd.DataFrame(groups | {name: getattr(self, name) for name in names})


def log_rank_trend(events: EventTable, *, scores: Sequence[float] | None = None) -> LogRankTrend:
    """Log-rank test for trend over ordered groups, within strata when the table has them.

    Parameters
    ----------
    events
        Table of events; late entries are taken into the risk sets.
    scores
        One number a group, in the order of ``events.groups``; None is 1, 2, 3, ...

    Returns
    -------
    LogRankTrend
        χ² = (s'(O − E))²/(s'Vs), 1 degree of freedom, O, E and V as in `log_rank_test`. nan with ``no patients``,
        ``no events``, ``one group``, ``groups never at risk together`` or ``variance is zero``, groups of one score
        taken as one.

    Raises
    ------
    InputError
        Scores that are missing, infinite, all the same, or not one a group.

    Notes
    -----
    R: ``t <- survdiff(Surv(time, event) ~ group); s <- 1:k; u <- sum(s * (t$obs - t$exp));
    u^2 / drop(s %*% t$var %*% s)``. Tarone 1975, Biometrika 62:679. Only the distances between scores count, up to a
    factor.

    Examples
    --------
    >>> time, event = [4, 5, 8, 9, 6, 7, 11, 12, 10, 13, 14, 15], [1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1]
    >>> trend = log_rank_trend(EventTable.from_arrays(time, event, group=["a"] * 4 + ["b"] * 4 + ["c"] * 4))
    >>> trend.scores.tolist(), trend.df, round(trend.statistic, 6)
    ([1.0, 2.0, 3.0], 1, 4.894755)
    """
    given = _read_scores(events, scores)
    test = log_rank_test(events)
    # V is a sum of matrices of graphs: s'Vs = Σ −V_kl (s_k − s_l)² over pairs of groups, which is exactly 0 when no
    # two groups of different score share a risk set.
    spread = -test.variance * (given[:, None] - given[None, :]) ** 2 / 2
    variance = float(spread.sum())
    reason = test.reason if test.reason in ("no patients", "no events", "one group") else ""
    if not reason and variance <= 0:
        reason = test.reason or "groups never at risk together"
    difference = float(given @ (test.observed - test.expected))
    statistic = math.nan if reason else difference**2 / variance
    listed = ", ".join(f"{score:g}" for score in given)
    _, comma, rest = test.method.partition(",")
    return LogRankTrend(
        groups=test.groups,
        n=test.n,
        scores=given,
        observed=test.observed,
        expected=test.expected,
        variance=test.variance,
        statistic=statistic,
        df=1,
        p_value=math.nan if reason else float(chdtrc(1, statistic)),
        method=f"log-rank trend, scores {listed}{comma}{rest}",
        reason=reason,
    )


def _read_scores(events: EventTable, scores: Sequence[float] | None) -> Floats:
    k = len(events.groups)
    if scores is None:
        return np.arange(1.0, k + 1)
    problems: list[str] = []
    given = np.asarray(scores)
    # A missing score is no missing patient, so it gets the sentence of a number that is not finite.
    numbers = given.astype(np.float64) if given.dtype.kind in "iuf" else read_numbers("scores", given, problems)
    if numbers is not None:
        problems += sentence_of_values("scores", numbers, ~np.isfinite(numbers), "give finite values.")
        if numbers.size != k:
            problems.append(f"scores has {numbers.size} values, there are {k} groups.")
        elif k > 1 and (numbers == numbers[0]).all():
            problems.append("scores has one value for all groups; give different ones.")
    refuse(problems)
    assert numbers is not None
    return numbers


def log_rank_pairwise(
    events: EventTable, *, adjust: Adjustment = "holm", rho: float = 0.0, weighting: Weighting | None = None
) -> pd.DataFrame:
    """Log-rank test of every pair of groups, adjusted over the pairs.

    Parameters
    ----------
    events
        Table of events. Each pair is tested on its own patients: their risk sets, their strata.
    adjust
        How P values are adjusted, see `adjust_p`.
    rho, weighting
        Weights of the event times, see `log_rank_test`.

    Returns
    -------
    pandas.DataFrame
        One row a pair, in the order of the groups: group_1, group_2, statistic, p_value, p_adjusted, method, reason. A
        pair without a test is nan with its reason, and is not counted in the adjustment.

    Raises
    ------
    InputError
        An unknown adjustment, or weights that `log_rank_test` refuses.

    Notes
    -----
    R: ``survdiff(Surv(time, event) ~ group, subset = group %in% pair)`` for each pair, then ``p.adjust``.

    Examples
    --------
    >>> time, event = [4, 5, 8, 9, 6, 7, 11, 12, 10, 13, 14, 15], [1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1]
    >>> pairs = log_rank_pairwise(EventTable.from_arrays(time, event, group=["a"] * 4 + ["b"] * 4 + ["c"] * 4))
    >>> pairs[["group_1", "group_2", "p_value", "p_adjusted"]].round(4)
      group_1 group_2  p_value  p_adjusted
    0       a       b   0.4456      0.4456
    1       a       c   0.0401      0.1204
    2       b       c   0.1177      0.2354
    """
    import pandas as pd

    refuse(check_choice("adjust", adjust, ADJUSTMENTS))
    names = events.groups
    pairs = list(itertools.combinations(range(len(names)), 2))
    tests = [log_rank_test(_only(events, one, two), rho=rho, weighting=weighting) for one, two in pairs]
    p_values = [test.p_value for test in tests]
    return pd.DataFrame(
        {
            "group_1": [names[one] for one, _ in pairs],
            "group_2": [names[two] for _, two in pairs],
            "statistic": np.array([test.statistic for test in tests], dtype=np.float64),
            "p_value": np.array(p_values, dtype=np.float64),
            "p_adjusted": adjust_p(p_values, method=adjust),
            "method": [test.method for test in tests],
            "reason": [test.reason for test in tests],
        }
    )


def _only(events: EventTable, one: int, two: int) -> EventTable:
    """The table of two groups."""
    rows = (events.group == one) | (events.group == two)
    return EventTable(
        groups=(events.groups[one], events.groups[two]),
        strata=events.strata,
        stratum=events.stratum[rows],
        group=(events.group[rows] == two).astype(np.int64),
        time=events.time[rows],
        n_at_risk=events.n_at_risk[rows],
        n_event=events.n_event[rows],
        n_censored=events.n_censored[rows],
        timefix=events.timefix,
    )
