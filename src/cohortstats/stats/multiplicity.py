"""Adjustment of P values over a family of comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from cohortstats.stats.doors import check_choice, refuse

__all__ = ["adjust_p"]

METHODS = ("bonferroni", "holm", "hochberg", "hommel", "BH", "BY")


def adjust_p(
    p_values: Sequence[float],
    *,
    method: Literal["bonferroni", "holm", "hochberg", "hommel", "BH", "BY"] = "holm",
) -> np.ndarray:
    """Adjust P values for the number of comparisons.

    Parameters
    ----------
    p_values
        P values in [0, 1], any order, shape (m,). ``nan`` stays ``nan`` and is not counted in the family.
    method
        ``bonferroni``, ``holm`` (step down), ``hochberg`` (step up), ``hommel`` (closed testing with Simes), ``BH``
        (false discovery rate) or ``BY`` (the same under any dependence).

    Returns
    -------
    numpy.ndarray
        Adjusted P values, at most 1, in the order of the input.

    Raises
    ------
    InputError
        For a P outside [0, 1] or an unknown method.

    Notes
    -----
    With p(1) <= ... <= p(m): Bonferroni m p; Holm the running maximum of (m - i + 1) p(i); Hochberg the running minimum
    of the same from the top; BH the running minimum of m p(i) / i; BY that times the sum of 1 / i. R:
    ``p.adjust(p, method)``. Holm 1979; Hochberg 1988; Hommel 1988; Benjamini and Hochberg 1995; Benjamini and Yekutieli
    2001.

    Examples
    --------
    >>> p = [.01, .013, .014, .19, .35, .5, .63, .67, .75, .81]
    >>> adjust_p(p, method="holm")[:3].round(3).tolist(), adjust_p(p, method="hommel")[:4].round(3).tolist()
    ([0.1, 0.117, 0.117], [0.08, 0.104, 0.112, 0.81])
    """
    given = np.array(p_values, dtype=float, ndmin=1)
    problems = [
        f"p_values holds {value:g} (position {position})."
        for position, value in enumerate(given, start=1)
        if not (np.isnan(value) or 0 <= value <= 1)
    ]
    refuse(problems + check_choice("method", method, METHODS))
    known = ~np.isnan(given)
    order = np.argsort(given[known], kind="stable")
    ranked = given[known][order]
    adjusted = np.empty_like(ranked)
    adjusted[order] = np.minimum(1.0, _adjust_ranked(ranked, method))
    given[known] = adjusted
    return given


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
    """Closed testing: of all sets of j hypotheses that hold p(i), Simes is largest for p(i) and the j - 1 largest."""
    m = len(p)
    adjusted = np.zeros(m)
    for position in range(m):
        for size in range(1, m + 1):
            others = np.delete(p, position)
            members = np.sort(np.append(others[m - size :], p[position]))
            adjusted[position] = max(adjusted[position], np.min(size * members / np.arange(1, size + 1)))
    return adjusted
