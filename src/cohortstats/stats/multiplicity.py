"""Adjustment of P values over a family of comparisons."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np

from cohortstats.stats.doors import check_choice, check_fraction, check_length, refuse
from cohortstats.stats.results import RichResult

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TaroneTest", "adjust_p", "tarone"]

METHODS = ("bonferroni", "holm", "hochberg", "hommel", "BH", "BY", "discrete-bonferroni")
Method = Literal["bonferroni", "holm", "hochberg", "hommel", "BH", "BY", "discrete-bonferroni"]
Number = float | Fraction


def adjust_p(
    p_values: Sequence[Number],
    *,
    method: Method = "holm",
    attainable: Sequence[Sequence[Number]] | None = None,
) -> np.ndarray:
    """Adjust P values for the number of comparisons.

    Parameters
    ----------
    p_values
        P values in [0, 1], any order, shape (m,). ``nan`` stays ``nan`` and is not counted in the family.
    method
        ``bonferroni``, ``holm`` (step down), ``hochberg`` (step up), ``hommel`` (closed testing with Simes), ``BH``
        (false discovery rate), ``BY`` (the same under any dependence), or ``discrete-bonferroni``, which counts from
        each test only what it could have attained.
    attainable
        With ``discrete-bonferroni`` only: for each test every P value that it can have, from `attainable_p`. P values
        given as fractions are compared as fractions, P values given as floats with the nearest floats.

    Returns
    -------
    numpy.ndarray
        Adjusted P values, at most 1, in the order of the input.

    Raises
    ------
    InputError
        For a P outside [0, 1], an unknown method, attainable P values that are missing, too few or not asked for.

    Notes
    -----
    With p(1) <= ... <= p(m): Bonferroni m p; Holm the running maximum of (m - i + 1) p(i); Hochberg the running minimum
    of the same from the top; BH the running minimum of m p(i) / i; BY that times the sum of 1 / i. R:
    ``p.adjust(p, method)``. Holm 1979; Hochberg 1988; Hommel 1988; Benjamini and Hochberg 1995; Benjamini and Yekutieli
    2001. Discrete: Σ_i q_i(p), q_i(p) the largest attainable P of test i that is not above p, 0 without one; Westfall
    and Wolfinger 1997, The American Statistician 51:3.

    Examples
    --------
    >>> p = [.01, .013, .014, .19, .35, .5, .63, .67, .75, .81]
    >>> adjust_p(p, method="holm")[:3].round(3).tolist(), adjust_p(p, method="hommel")[:4].round(3).tolist()
    ([0.1, 0.117, 0.117], [0.08, 0.104, 0.112, 0.81])
    >>> adjust_p([.05, .2], method="discrete-bonferroni", attainable=[[.05, 1], [.2, .6, 1]]).tolist()
    [0.05, 0.25]
    """
    values = list(p_values)
    given = np.array([float(value) for value in values], dtype=float)
    problems = _check_p(given) + check_choice("method", method, METHODS)
    if method == "discrete-bonferroni":
        problems += _check_attainable(values, attainable)
    elif attainable is not None:
        problems.append("attainable is for method 'discrete-bonferroni' only.")
    refuse(problems)
    known = np.flatnonzero(~np.isnan(given))
    if attainable is not None:
        places = known.tolist()
        given[known] = _discrete_bonferroni([values[i] for i in places], [attainable[i] for i in places])
        return given
    order = known[np.argsort(given[known], kind="stable")]
    given[order] = np.minimum(1.0, _adjust_ranked(given[order], method))
    return given


def _check_p(given: np.ndarray) -> list[str]:
    bad = np.flatnonzero(~(np.isnan(given) | ((given >= 0) & (given <= 1))))
    return [f"p_values holds {given[place]:g} (position {place + 1})." for place in bad.tolist()]


def _check_attainable(p_values: Sequence[Number], attainable: Sequence[Sequence[Number]] | None) -> list[str]:
    if attainable is None:
        return ["method 'discrete-bonferroni' needs attainable: for each test every P that it can have."]
    problems = check_length("p_values", len(p_values), "attainable", len(attainable))
    for position, values in enumerate(attainable, start=1):
        problems += [
            f"attainable holds {float(value):g} (position {position})." for value in values if not 0 < value <= 1
        ]
    return problems


def _adjust_ranked(p: np.ndarray, method: str) -> np.ndarray:
    m = len(p)
    if m == 0:
        return p
    rank = np.arange(1, m + 1)
    if method == "bonferroni":
        return m * p
    if method == "holm":
        return np.maximum.accumulate((m - rank + 1) * p)
    if method == "hommel":
        return _hommel(p)
    factor = {"hochberg": m - rank + 1.0, "BH": m / rank, "BY": m / rank * np.sum(1 / rank)}[method]
    return np.minimum.accumulate((factor * p)[::-1])[::-1]


def _hommel(p: np.ndarray) -> np.ndarray:
    """Closed testing: of all sets of j hypotheses that hold p(i), Simes is largest for p(i) and the j - 1 largest.

    Its members beyond the smallest are the same for every i that is not among the j - 1 largest, and so is the minimum
    over them; an i that is among them has the set of the j largest.
    """
    m = len(p)
    place, adjusted = np.arange(m), p.copy()
    for size in range(2, m + 1):
        largest = p[m - size + 1 :]
        beyond = np.min(largest * (size / np.arange(2, size + 1)))
        smallest = size * p[np.minimum(place, m - size)]
        np.maximum(adjusted, np.minimum(smallest, beyond), out=adjusted)
    return adjusted


def _discrete_bonferroni(p_values: Sequence[Number], attainable: Sequence[Sequence[Number]]) -> list[float]:
    """Σ_i q_i(p), in fractions; equal tests and equal P values are done once."""
    tests: dict[tuple[Number, ...], int] = {}
    for values in attainable:
        ranked = tuple(sorted(values))
        tests[ranked] = tests.get(ranked, 0) + 1
    floats = {ranked: [float(value) for value in ranked] for ranked in tests}

    def adjusted(p: Number) -> float:
        exact = isinstance(p, Fraction)
        total = Fraction(0)
        for ranked, times in tests.items():
            # A float is compared with floats: the P of a test is then found among its own.
            below = bisect_right(ranked if exact else floats[ranked], p)
            if below:
                total += times * Fraction(ranked[below - 1])
        return float(min(total, Fraction(1)))

    done = {p: adjusted(p) for p in set(p_values)}
    return [done[p] for p in p_values]


# ---------------------------------------------------------------------------------------------------------- Tarone


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TaroneTest(RichResult):
    """Result of `tarone`: one entry a test in the tuples, in the order of the input."""

    k: int
    threshold: float
    alpha: float
    p_values: tuple[float, ...]
    min_attainable_p: tuple[float, ...]
    tested: tuple[bool, ...]
    rejected: tuple[bool, ...]
    reasons: tuple[str, ...]
    method: str

    def to_frame(self) -> pd.DataFrame:
        """One row a test: p_value, min_attainable_p, tested, rejected, reason."""
        import pandas as pd

        columns = {"p_value": self.p_values, "min_attainable_p": self.min_attainable_p, "tested": self.tested}
        return pd.DataFrame({**columns, "rejected": self.rejected, "reason": self.reasons})


def tarone(
    p_values: Sequence[Number], *, min_attainable: Sequence[Number], alpha: float | Fraction = 0.05
) -> TaroneTest:
    """Bonferroni over the tests that could have been significant at all.

    Parameters
    ----------
    p_values
        P values in [0, 1], shape (m,); ``nan`` for a test that gave none, which is then not counted.
    min_attainable
        For each test the smallest P that it can have: ``fisher_exact(...).min_attainable_exact``.
    alpha
        Level of the family, between 0 and 1.

    Returns
    -------
    TaroneTest
        K is the smallest k with #{i : min_attainable_i ≤ α/k} ≤ k. Those tests are made at α/K and reject when
        p < α/K; the others cannot reach it, reason ``not attainable``. Decided on rationals, α from its decimal text.

    Raises
    ------
    InputError
        P values or levels out of range, lengths that differ.

    Notes
    -----
    R: none in the base packages. Tarone 1990, Biometrics 46:515.

    Examples
    --------
    >>> found = tarone([0.08, 0.02, 0.3], min_attainable=[0.05, 0.005, 0.01])
    >>> found.k, found.threshold, found.tested, found.rejected, found.reasons
    (2, 0.025, (False, True, True), (False, True, False), ('not attainable', '', ''))
    """
    given = np.array([float(value) for value in p_values], dtype=float)
    problems = _check_p(given) + check_fraction("alpha", alpha, "0.05")
    problems += check_length("p_values", len(given), "min_attainable", len(min_attainable))
    problems += [
        f"min_attainable holds {float(value):g} (position {position})."
        for position, value in enumerate(min_attainable, start=1)
        if not 0 < value <= 1
    ]
    refuse(problems)
    level, known = Fraction(str(alpha)), ~np.isnan(given)
    least = [Fraction(value) for value in min_attainable]
    able = [value for value, counted in zip(least, known, strict=True) if counted]
    k = 1
    while sum(value <= level / k for value in able) > k:
        k += 1
    tested = [bool(counted) and value <= level / k for value, counted in zip(least, known, strict=True)]
    rejected = [made and Fraction(p) < level / k for p, made in zip(p_values, tested, strict=True)]
    return TaroneTest(
        k=k,
        threshold=float(level / k),
        alpha=float(alpha),
        p_values=tuple(given.tolist()),
        min_attainable_p=tuple(float(value) for value in min_attainable),
        tested=tuple(tested),
        rejected=tuple(rejected),
        reasons=tuple(
            "" if made or not counted else "not attainable" for made, counted in zip(tested, known, strict=True)
        ),
        method=f"tarone, alpha {float(alpha):g}",
    )
