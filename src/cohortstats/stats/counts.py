"""Patients by group and outcome: the table of counts, intervals of a proportion, and the effects of two groups."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from scipy.special import betainccinv, betaincinv

from cohortstats.stats.doors import check_choice, check_fraction, check_length, number_text, refuse
from cohortstats.stats.hypergeometric import Margins
from cohortstats.stats.results import as_row, normal_quantile
from cohortstats.stats.score_limits import koopman_limits, miettinen_nurminen_limits

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CountTable",
    "Effect",
    "ProportionInterval",
    "check_two_groups",
    "check_whole_numbers",
    "odds_ratio",
    "proportion_ci",
    "risk_difference",
    "risk_ratio",
]

Limits = tuple[float, float]


def _whole(value: Any) -> bool:
    """A count: a whole number from 0 up, of any numeric type, and not a yes or no."""
    if type(value).__name__ in ("bool", "bool_") or isinstance(value, str | bytes):
        return False
    try:
        return bool(value == int(value) and value >= 0)
    except (TypeError, ValueError, OverflowError):
        return False


def check_whole_numbers(name: str, values: Iterable[tuple[str, Any]]) -> list[str]:
    """Refuse what is no count; each value comes with the place where it stands."""
    return [
        f"{name} must be whole numbers ≥ 0; {place} has {_shown(value)}."
        for place, value in values
        if not _whole(value)
    ]


def _shown(value: Any) -> str:
    return number_text(value) if isinstance(value, float) else str(value).replace("-", "−")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTable:
    """Events among patients, by group: what every comparison of proportions is a function of.

    Parameters
    ----------
    groups
        Names of the groups, one or more, each once.
    events
        Patients with the event, whole numbers with 0 ≤ events ≤ totals.
    totals
        Patients in each group. A group with total 0 stays in the table; its rate is nan.

    Raises
    ------
    InputError
        Names repeated, lengths that differ, counts that are negative, fractional or booleans, more events than
        patients: one sentence each, all together.

    Examples
    --------
    >>> counts = CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
    >>> counts.non_events
    (11, 14)
    >>> counts.to_frame()
      group  events  total      rate
    0   HR+       6     17  0.352941
    1   HR-       3     17  0.176471
    """

    groups: tuple[str, ...]
    events: tuple[int, ...]
    totals: tuple[int, ...]

    def __post_init__(self) -> None:
        groups = tuple(str(group) for group in self.groups)
        problems = [f"group '{group}' appears {_times(n)}." for group, n in Counter(groups).items() if n > 1]
        if not groups:
            problems.append("there are no groups.")
        columns: dict[str, Sequence[Any]] = {"events": tuple(self.events), "totals": tuple(self.totals)}
        for name, column in columns.items():
            problems += check_length("groups", len(groups), name, len(column))
            problems += check_whole_numbers(name, ((f"group '{g}'", v) for g, v in zip(groups, column, strict=False)))
        if not problems:
            problems = [
                f"group '{group}' has {int(events)} events among {int(total)} patients."
                for group, events, total in zip(groups, columns["events"], columns["totals"], strict=True)
                if events > total
            ]
        refuse(problems)
        # The fields of a frozen value can only be set this way; lists and numpy numbers become plain tuples.
        object.__setattr__(self, "groups", groups)
        for name, column in columns.items():
            object.__setattr__(self, name, tuple(int(value) for value in column))

    @property
    def non_events(self) -> tuple[int, ...]:
        """Patients without the event, by group."""
        return tuple(total - events for events, total in zip(self.events, self.totals, strict=True))

    @property
    def rates(self) -> tuple[float, ...]:
        """Events per patient, by group; nan in a group without patients."""
        return tuple(_rate(events, total) for events, total in zip(self.events, self.totals, strict=True))

    def to_frame(self) -> pd.DataFrame:
        """One row a group: group, events, total, rate."""
        import pandas as pd

        columns = {"group": self.groups, "events": self.events, "total": self.totals, "rate": self.rates}
        return pd.DataFrame(columns)


def _times(n: int) -> str:
    return "twice" if n == 2 else f"{n} times"


def _rate(events: int, total: int) -> float:
    return events / total if total else math.nan


def check_two_groups(name: str, counts: CountTable, instead: str = "") -> list[str]:
    """Refuse a table of more or fewer than two groups; ``instead`` names what to use for several."""
    n = len(counts.groups)
    if n == 2:
        return []
    advice = f" Use {instead}." if instead and n > 2 else ""
    return [f"{name} compares 2 groups; there {'is' if n == 1 else 'are'} {n}.{advice}"]


# ------------------------------------------------------------------------------------------------ one proportion


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionInterval:
    """A proportion with its confidence interval; made by `proportion_ci`."""

    estimate: float
    ci_lower: float
    ci_upper: float
    ci_level: float
    method: str
    events: int
    total: int
    reason: str

    def to_frame(self) -> pd.DataFrame:
        """One row: events, total, estimate, ci_lower, ci_upper, ci_level, method, reason."""
        return as_row(self, ("events", "total", "estimate", "ci_lower", "ci_upper", "ci_level", "method", "reason"))


def _wilson(x: int, n: int, ci_level: float) -> Limits:
    z, p = normal_quantile(ci_level), x / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    return centre - half, centre + half


def _clopper_pearson(x: int, n: int, ci_level: float) -> Limits:
    # Two-sided at the ends too: 0/5 ends at 52.2 %, not at the one-sided 45.1 %.
    tail = (1 - ci_level) / 2
    return (
        float(betaincinv(x, n - x + 1, tail)) if x else 0.0,
        float(betainccinv(x + 1, n - x, tail)) if x < n else 1.0,
    )


def _jeffreys(x: int, n: int, ci_level: float) -> Limits:
    tail = (1 - ci_level) / 2
    return float(betaincinv(x + 0.5, n - x + 0.5, tail)), float(betainccinv(x + 0.5, n - x + 0.5, tail))


PROPORTION_METHODS = {"wilson": _wilson, "clopper-pearson": _clopper_pearson, "jeffreys": _jeffreys}


def proportion_ci(
    events: int,
    total: int,
    *,
    method: Literal["wilson", "clopper-pearson", "jeffreys"] = "wilson",
    ci_level: float = 0.95,
) -> ProportionInterval:
    """Proportion of patients with the event, x/n, with a two-sided confidence interval.

    Parameters
    ----------
    events, total
        Whole numbers with 0 ≤ events ≤ total. With total 0 the result is nan, reason ``no patients``.
    method
        ``wilson``: centre (p + z²/2n)/(1 + z²/n), half width z sqrt(p(1 − p)/n + z²/4n²)/(1 + z²/n);
        ``clopper-pearson``: Beta quantiles q(α/2; x, n − x + 1) and q(1 − α/2; x + 1, n − x);
        ``jeffreys``: Beta(x + ½, n − x + ½) quantiles. The lower limit is 0 at x = 0, the upper 1 at x = n.
    ci_level
        Between 0 and 1.

    Returns
    -------
    ProportionInterval
        Fractions, not percent.

    Raises
    ------
    InputError
        Counts that are no counts, an unknown method, a level outside (0, 1).

    Notes
    -----
    R: ``prop.test(x, n, correct=FALSE)$conf.int``, ``binom.test(x, n)$conf.int``, ``qbeta``.
    Brown, Cai and DasGupta 2001, Statistical Science 16:101.

    Examples
    --------
    >>> wilson = proportion_ci(9, 34)
    >>> round(wilson.ci_lower, 12), round(wilson.ci_upper, 12)
    (0.146011906772, 0.431171412829)
    >>> round(proportion_ci(0, 5, method="clopper-pearson").ci_upper, 12)
    0.521823750105
    """
    problems = check_choice("method", method, PROPORTION_METHODS) + check_fraction("ci_level", ci_level, "0.95")
    problems += check_whole_numbers("counts", [("events", events), ("total", total)])
    if not problems and events > total:
        problems.append(f"there are {events} events among {total} patients.")
    refuse(problems)
    x, n = int(events), int(total)
    lower, upper = PROPORTION_METHODS[method](x, n, ci_level) if n else (math.nan, math.nan)
    return ProportionInterval(
        estimate=_rate(x, n),
        ci_lower=0.0 if n and x == 0 else lower,  # floats leave 1e-17 at the ends
        ci_upper=1.0 if n and x == n else upper,
        ci_level=ci_level,
        method=method,
        events=x,
        total=n,
        reason="" if n else "no patients",
    )


# ----------------------------------------------------------------------------------------- effects of two groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """First group against second: difference or ratio, with its interval and the counts that it came from."""

    estimate: float
    ci_lower: float
    ci_upper: float
    ci_level: float
    method: str
    reason: str
    counts: CountTable

    def to_frame(self) -> pd.DataFrame:
        """One row: estimate, ci_lower, ci_upper, ci_level, method, reason."""
        return as_row(self, ("estimate", "ci_lower", "ci_upper", "ci_level", "method", "reason"))


def _open_door(name: str, counts: CountTable, method: str, methods: Sequence[str], ci_level: float) -> None:
    problems = check_two_groups(name, counts) + check_choice("method", method, methods)
    refuse(problems + check_fraction("ci_level", ci_level, "0.95"))


def _effect(
    counts: CountTable, method: str, ci_level: float, estimate: float, limits: Limits, reason: str = ""
) -> Effect:
    if 0 in counts.totals:
        estimate, limits, reason = math.nan, (math.nan, math.nan), "no patients"
    return Effect(
        estimate=estimate,
        ci_lower=limits[0],
        ci_upper=limits[1],
        ci_level=ci_level,
        method=method,
        reason=reason,
        counts=counts,
    )


def _exp_limits(estimate: float, variance: float, z: float) -> Limits:
    """estimate · exp(±z sqrt(variance)): limits that are symmetric on the log scale."""
    return estimate * math.exp(-z * math.sqrt(variance)), estimate * math.exp(z * math.sqrt(variance))


UNDEFINED = (math.nan, math.nan)


def risk_difference(
    counts: CountTable,
    *,
    method: Literal["newcombe", "miettinen-nurminen"] = "newcombe",
    ci_level: float = 0.95,
) -> Effect:
    """Difference of two rates, first minus second, D = p1 − p2.

    Parameters
    ----------
    counts
        Two groups. With an empty group the result is nan, reason ``no patients``.
    method
        ``newcombe``: D − sqrt((p1 − l1)² + (u2 − p2)²) to D + sqrt((u1 − p1)² + (p2 − l2)²) with Wilson limits l, u;
        ``miettinen-nurminen``: all D0 with |D − D0| ≤ z sqrt(V(D0)). Both are defined at zero cells.
    ci_level
        Between 0 and 1.

    Returns
    -------
    Effect
        Fractions from −1 to 1.

    Raises
    ------
    InputError
        Other than two groups, an unknown method, a level outside (0, 1).

    Notes
    -----
    R: ``ratesci::scoreci(x1, n1, x2, n2, skew=FALSE)`` for Miettinen-Nurminen. Newcombe 1998, Statistics in Medicine
    17:873, methods 10 and 2; Miettinen and Nurminen 1985, Statistics in Medicine 4:213.

    Examples
    --------
    >>> hr = CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
    >>> effect = risk_difference(hr)
    >>> round(effect.estimate, 6), round(effect.ci_lower, 6), round(effect.ci_upper, 6)
    (0.176471, -0.118517, 0.437058)
    """
    _open_door("risk_difference", counts, method, ("newcombe", "miettinen-nurminen"), ci_level)
    (x1, x2), (n1, n2), (p1, p2) = counts.events, counts.totals, counts.rates
    if 0 in counts.totals:
        limits = UNDEFINED
    elif method == "newcombe":
        one, two = proportion_ci(x1, n1, ci_level=ci_level), proportion_ci(x2, n2, ci_level=ci_level)
        down, up = math.hypot(p1 - one.ci_lower, two.ci_upper - p2), math.hypot(one.ci_upper - p1, p2 - two.ci_lower)
        limits = (max(p1 - p2 - down, -1.0), min(p1 - p2 + up, 1.0))
    else:
        limits = miettinen_nurminen_limits(x1, n1, x2, n2, normal_quantile(ci_level))
    return _effect(counts, method, ci_level, p1 - p2, limits)


def risk_ratio(
    counts: CountTable,
    *,
    method: Literal["score", "log"] = "score",
    ci_level: float = 0.95,
) -> Effect:
    """Ratio of two rates, first over second, p1/p2.

    Parameters
    ----------
    counts
        Two groups. With an empty group the result is nan, reason ``no patients``.
    method
        ``score`` (Koopman): all θ with (p1 − θ p2)² ≤ z² (r1(1 − r1)/n1 + θ² r2(1 − r2)/n2), r the most likely rates
        with r1 = θ r2; ``log`` (Katz): exp(log RR ± z sqrt(1/x1 − 1/n1 + 1/x2 − 1/n2)), undefined at a zero cell.
    ci_level
        Between 0 and 1.

    Returns
    -------
    Effect
        With events in the first group only the ratio is ∞; with none in either it is nan, reason ``zero cell``, and
        the score limits are 0 and ∞.

    Raises
    ------
    InputError
        Other than two groups, an unknown method, a level outside (0, 1).

    Notes
    -----
    R: ``ratesci::scoreci(x1, n1, x2, n2, contrast="RR", skew=FALSE, bcf=FALSE)``. Koopman 1984, Biometrics 40:513;
    Katz et al. 1978, Biometrics 34:469.

    Examples
    --------
    >>> hr = CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
    >>> effect = risk_ratio(hr)
    >>> round(effect.estimate, 9), round(effect.ci_lower, 9), round(effect.ci_upper, 9)
    (2.0, 0.651035932, 6.522071695)
    """
    _open_door("risk_ratio", counts, method, ("score", "log"), ci_level)
    (x1, x2), (n1, n2) = counts.events, counts.totals
    if 0 in counts.totals:
        return _effect(counts, method, ci_level, math.nan, UNDEFINED)
    z = normal_quantile(ci_level)
    estimate = _ratio(x1 * n2, x2 * n1)
    if method == "score":
        return _effect(counts, method, ci_level, estimate, koopman_limits(x1, n1, x2, n2, z), _undefined(estimate))
    if 0 in (x1, x2):
        return _effect(counts, method, ci_level, estimate, UNDEFINED, "zero cell")
    return _effect(counts, method, ci_level, estimate, _exp_limits(estimate, 1 / x1 - 1 / n1 + 1 / x2 - 1 / n2, z))


def odds_ratio(
    counts: CountTable,
    *,
    method: Literal["conditional", "sample"] = "conditional",
    add: float = 0,
    ci_level: float = 0.95,
) -> Effect:
    """Ratio of two odds, first over second.

    Parameters
    ----------
    counts
        Two groups. With an empty group the result is nan, reason ``no patients``.
    method
        ``conditional``: the θ with E_θ[X] = x1 given all margins, with the central exact interval
        P_θ(X ≥ x1) = α/2 and P_θ(X ≤ x1) = α/2, as ``fisher.test`` prints; ``sample``: ad/bc with Woolf limits
        exp(log OR ± z sqrt(1/a + 1/b + 1/c + 1/d)), whose limits a zero cell leaves undefined.
    add
        Added to all four cells before the sample odds ratio; 0.5 is the usual correction. Nothing is added unasked,
        and what is added stands in ``method``.
    ci_level
        Between 0 and 1.

    Returns
    -------
    Effect
        0 or ∞ with one zero cell; nan with ``zero cell`` or, for the conditional one, with ``variance is zero`` when
        the margins leave one table only.

    Raises
    ------
    InputError
        Other than two groups, an unknown method, a level outside (0, 1), ``add`` below 0 or with ``conditional``.

    Notes
    -----
    R: ``fisher.test(matrix)$estimate`` and ``$conf.int``, which carry 3 to 4 digits; ours 9 or more.

    Examples
    --------
    >>> hr = CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
    >>> effect = odds_ratio(hr)
    >>> round(effect.estimate, 8), round(effect.ci_lower, 9), round(effect.ci_upper, 7)
    (2.47583507, 0.41231686, 18.8679079)
    >>> round(odds_ratio(hr, method="sample").estimate, 9)
    2.545454545
    """
    _open_door("odds_ratio", counts, method, ("conditional", "sample"), ci_level)
    if add < 0 or (add and method == "conditional"):
        refuse([f"add is {number_text(add)}; give a number ≥ 0, with method 'sample' only."])
    if 0 in counts.totals:
        return _effect(counts, method, ci_level, math.nan, UNDEFINED)
    if method == "conditional":
        margins, tail = Margins(n1=counts.totals[0], n2=counts.totals[1], k=sum(counts.events)), (1 - ci_level) / 2
        limits = margins.lower_limit(counts.events[0], tail), margins.upper_limit(counts.events[0], tail)
        reason = "variance is zero" if margins.low == margins.high else ""
        return _effect(counts, method, ci_level, margins.conditional_odds_ratio(counts.events[0]), limits, reason)
    (a, c), (b, d) = ((cell + add for cell in cells) for cells in (counts.events, counts.non_events))
    named = f"sample, {number_text(add)} added to each cell" if add else "sample"
    estimate = _ratio(a * d, b * c)
    if 0 in (a, b, c, d):
        return _effect(counts, named, ci_level, estimate, UNDEFINED, "zero cell")
    limits = _exp_limits(estimate, 1 / a + 1 / b + 1 / c + 1 / d, normal_quantile(ci_level))
    return _effect(counts, named, ci_level, estimate, limits)


def _ratio(above: float, below: float) -> float:
    """above / below, ∞ over zero, nan when both are zero."""
    return above / below if below else (math.inf if above else math.nan)


def _undefined(estimate: float) -> str:
    return "zero cell" if math.isnan(estimate) else ""
