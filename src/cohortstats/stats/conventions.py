"""Conventions: the choices on which programs differ, as one table of data.

A study names a profile; any single choice may be overridden, and both then stand beside every number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cohortstats.errors import did_you_mean
from cohortstats.stats.doors import check_choice, refuse

if TYPE_CHECKING:
    from cohortstats.stats.kaplan_meier import LimitType, QuantileRule
    from cohortstats.stats.summary import QuantileType

__all__ = ["Conventions"]

# Every choice with the values that something computes. `rho` takes any number from 0 up.
CHOICES: dict[str, tuple[Any, ...]] = {
    "km_ci": ("plain", "log", "log-log", "logit", "arcsin"),
    "km_at_zero": ("undefined", "zero"),
    "median": ("summary", "quantile", "first"),
    "beyond": ("undefined", "carry"),
    "timefix": (True, False),
    "peto": ("peto-peto", "peto-prentice"),
    "cox_ties": ("breslow", "efron", "exact"),
    "odds_ratio": ("conditional", "sample"),
    "proportion_ci": ("wilson", "clopper-pearson", "jeffreys"),
    "quartiles": (7, 2),
}

# What each program does, as its manual or a run of it says; what all four share is written once. Rates have Wilson
# intervals under every profile: the programs give an interval of a rate only when asked for one.
COMMON = {
    "km_ci": "log-log",
    "km_at_zero": "undefined",
    "median": "summary",
    "rho": 0.0,
    "beyond": "undefined",
    "timefix": True,
    "peto": "peto-peto",
    "cox_ties": "efron",
    "odds_ratio": "conditional",
    "proportion_ci": "wilson",
    "quartiles": 7,
}
PROFILES: dict[str, dict[str, Any]] = {
    "ezr": COMMON | {"cox_ties": "breslow"},
    "r": COMMON | {"km_ci": "log"},
    "sas": COMMON
    | {
        "beyond": "carry",
        "timefix": False,
        "peto": "peto-prentice",
        "cox_ties": "breslow",
        "odds_ratio": "sample",
        "quartiles": 2,
    },
    "lifelines": COMMON
    | {"km_at_zero": "zero", "median": "first", "beyond": "carry", "timefix": False, "peto": "peto-prentice"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """One value for each choice; made by `Conventions.of`.

    Parameters
    ----------
    profile
        ``ezr``, ``r``, ``sas`` or ``lifelines``.
    km_ci
        Limits of the Kaplan-Meier curve: plain, log, log-log, logit, arcsin.
    km_at_zero
        Limits where the curve is 0: undefined, or zero as well.
    median
        Rule of its quantiles: summary, quantile, first.
    rho
        Weights S(t−)^ρ of the log-rank test, 0 or above.
    beyond
        The curve past the last observation: undefined, or carry its last value on.
    timefix
        Whether times that differ by rounding only are merged.
    peto
        The test that a program calls Peto's: peto-peto (weights S(t−)) or peto-prentice (Π(1 − d/(n + 1))).
    cox_ties
        Ties in the Cox model: breslow, efron, exact.
    odds_ratio
        conditional, sample.
    proportion_ci
        Interval of a rate: wilson, clopper-pearson, jeffreys.
    quartiles
        Type of the quartiles of a continuous value: 7, 2.

    Examples
    --------
    >>> Conventions.of("ezr").km_ci, Conventions.of("r").km_ci
    ('log-log', 'log')
    """

    profile: str
    km_ci: LimitType
    km_at_zero: Literal["undefined", "zero"]
    median: QuantileRule
    rho: float
    beyond: Literal["undefined", "carry"]
    timefix: bool
    peto: Literal["peto-peto", "peto-prentice"]
    cox_ties: Literal["breslow", "efron", "exact"]
    odds_ratio: Literal["conditional", "sample"]
    proportion_ci: Literal["wilson", "clopper-pearson", "jeffreys"]
    quartiles: QuantileType

    @classmethod
    def of(cls, profile: str, **overrides: Any) -> Conventions:
        """Conventions of a profile, single choices overridden.

        Parameters
        ----------
        profile
            ``ezr`` (EZR, an interface to R common in clinical papers), ``r``, ``sas`` or ``lifelines``.
        **overrides
            Any field but ``profile``.

        Raises
        ------
        InputError
            A profile, a choice or a value that is not known, with the nearest spelling.

        Examples
        --------
        >>> Conventions.of("ezr").km_ci, Conventions.of("r").km_ci
        ('log-log', 'log')
        >>> Conventions.of("lifelines").median, Conventions.of("sas").odds_ratio
        ('first', 'sample')
        >>> Conventions.of("ezr", cox_ties="efron").describe()
        'ezr (cox_ties = efron)'
        """
        problems = check_choice("profile", profile, PROFILES)
        for name, value in overrides.items():
            problems += _check_override(name, value)
        refuse(problems)
        return cls(profile=profile, **(PROFILES[profile] | overrides))

    def differing(self) -> dict[str, tuple[Any, Any]]:
        """Switch -> its value and that of the profile, for every one that was overridden."""
        profile = PROFILES[self.profile]
        fields = {name: getattr(self, name) for name in profile}
        return {name: (value, profile[name]) for name, value in fields.items() if value != profile[name]}

    def describe(self) -> str:
        """Profile, and in brackets what differs from it."""
        differing = [f"{name} = {_text(value)}" for name, (value, _) in self.differing().items()]
        return f"{self.profile} ({', '.join(differing)})" if differing else self.profile


def _text(value: Any) -> str:
    """A value as the study file writes it."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _check_override(name: str, value: Any) -> list[str]:
    if name == "rho":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return [] if number and 0 <= value < math.inf else [f"rho is {value}; give a number from 0 up."]
    if name not in CHOICES:
        known = [*CHOICES, "rho"]
        near = did_you_mean(name, known)
        advice = f"did you mean '{near}'?" if near else f"choose {', '.join(known[:-1])} or {known[-1]}."
        return [f"'{name}' is not a convention; {advice}"]
    choices = CHOICES[name]
    if isinstance(choices[0], str):
        return check_choice(name, value, choices)
    if type(value) is type(choices[0]) and value in choices:
        return []
    return [f"{name} is {_text(value)}; give {' or '.join(_text(choice) for choice in choices)}."]
