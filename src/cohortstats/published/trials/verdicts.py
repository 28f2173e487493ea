"""Whether ratio, interval and P of one row of a table of trials can all be right, as the audit says it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from cohortstats.published.audit.polygon import wald_polygon
from cohortstats.published.audit.ratios import judge_p
from cohortstats.published.audit.string_sets import printed_set

__all__ = ["level_of_row", "number_of_cell", "row_verdict", "text_of_cell"]

ORDER = ("cannot hold", "doubtful", "holds")


def row_verdict(row: Mapping[str, Any]) -> str:
    """``holds``, ``doubtful`` or ``cannot hold``; empty where ratio or interval are not there.

    A number that has no printed string, or another one than its string, is looked at as its own digits say.

    Examples
    --------
    >>> row_verdict({"hr": 0.73, "ci_lower": 0.57, "ci_upper": 0.93, "p_value": 0.08})
    'cannot hold'
    >>> row_verdict({"hr": 0.73, "ci_lower": 0.57, "ci_upper": 0.93, "p_value": 0.01})
    'holds'
    """
    hr, lower, upper = (_string(row, name) for name in ("hr", "ci_lower", "ci_upper"))
    level = level_of_row(row.get("ci_level"))
    sets = [printed_set(text) if text else None for text in (hr, lower, upper)]
    if any(some is None for some in sets) or math.isnan(level):
        return ""
    centre, below, above = sets
    assert centre is not None and below is not None and above is not None  # looked at above
    polygon = wald_polygon(hr, lower, upper, level=level)
    outside = centre.high <= below.low or centre.low >= above.high or below.low >= above.high
    if polygon is None or outside:
        return "cannot hold"
    verdicts = ["doubtful" if polygon.empty else "holds"]
    p = _string(row, "p_value", "p_printed", text_of_cell(row.get("p_relation")))
    if p:
        verdicts.append(judge_p(hr, lower, upper, p, level=level)[0])
    return next((verdict for verdict in ORDER if verdict in verdicts), "")


def _string(row: Mapping[str, Any], name: str, printed: str = "", relation: str = "") -> str:
    """The printed string of a number when it stands for that number, else its own digits."""
    number = number_of_cell(row.get(name))
    text = text_of_cell(row.get(printed or f"{name}_printed"))
    if math.isnan(number) or math.isinf(number):
        return text if printed else ""
    if text and number_of_cell(text.lstrip("<>≤≥ ")) == number:
        return text
    return relation + np.format_float_positional(number, trim="-")


def text_of_cell(value: Any) -> str:
    """Text of a cell of a frame; a gap is empty."""
    if value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()


def number_of_cell(value: Any) -> float:
    """Number of a cell of a frame, also of one that holds its text; nan where there is none."""
    if isinstance(value, bool) or value is None or type(value).__name__ == "NAType":
        return math.nan
    try:
        return float(value.strip().replace("·", ".") if isinstance(value, str) else value)
    except (TypeError, ValueError):
        return math.nan


def level_of_row(value: Any) -> float:
    """Level of an interval: 95, 0.95, "95%" and "95 %" are one, 0.95 where there is none; nan for what is none.

    Examples
    --------
    >>> level_of_row(95), level_of_row("99 %"), level_of_row(None), level_of_row(950)
    (0.95, 0.99, 0.95, nan)
    """
    text = text_of_cell(value).removesuffix("%").strip()
    number = number_of_cell(text) if text else 0.95
    number = number / 100 if number > 1 else number
    return number if 0 < number < 1 else math.nan
