"""The range of one statistic, and that of a value that nobody computes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cohortstats.printed import fold_text, is_not_reached
from cohortstats.published.bounds.statistic import Statistic
from cohortstats.published.model.witness import Witness
from cohortstats.stats.doors import number_text

__all__ = ["Range", "json_number", "printed_range"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Smallest and largest value of one statistic.

    Parameters
    ----------
    statistic
        As it was asked.
    min, max
        The ends; infinite for a hazard ratio of a monotone likelihood, nan where there is no value.
    proven
        Whether nothing lies outside them: the solver closed the gap, and all orders of times were enumerated.
    tier
        The weakest tier of statements that the ends need.
    witness_min, witness_max
        A cohort at each end, checked; None where the print itself is the value.
    given_up
        Statements that were given up because ``[known]`` names them and others exclude them.
    note
        What must be said beside the numbers.
    """

    statistic: str
    min: float
    max: float
    proven: bool
    tier: str = "published"
    witness_min: Witness | None = None
    witness_max: Witness | None = None
    given_up: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        ends = " to ".join(number_text(end) if not math.isnan(end) else "undefined" for end in (self.min, self.max))
        proven = "proven" if self.proven else "not proven"
        return f"{self.statistic}: {ends} ({proven}; {self.tier}){f' {self.note}' if self.note else ''}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON, which has no infinity: ``"inf"`` and ``"-inf"`` are texts there, and no value is null."""
        return {
            "statistic": self.statistic,
            "min": json_number(self.min),
            "max": json_number(self.max),
            "proven": self.proven,
            "tier": self.tier,
            "given_up": list(self.given_up),
            "note": self.note,
        }


def json_number(value: float) -> float | int | str | None:
    """A number as JSON can hold it.

    Examples
    --------
    >>> json_number(math.inf), json_number(4.0), json_number(0.5), json_number(math.nan)
    ('inf', 4, 0.5, None)
    """
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return int(value) if float(value).is_integer() else float(value)


def printed_range(asked: Statistic) -> Range:
    """A printed value that no cohort is asked about: what is printed is its range."""
    assert asked.value is not None
    text = fold_text(asked.value.text).removesuffix("%").strip()
    low = high = math.nan
    if is_not_reached(text):
        low = high = math.inf
    else:
        side, digits = (text[:1], text[1:]) if text[:1] in "<>≤≥" else ("", text)
        try:
            number = float(digits)
        except ValueError:
            number = math.nan
        low, high = (0.0 if side in ("<", "≤") and side else number), number
        if side in (">", "≥") and side:
            high = 1.0 if asked.value.statistic == "p_value" else math.inf
    return Range(statistic=asked.text, min=low, max=high, proven=True, note="as printed")
