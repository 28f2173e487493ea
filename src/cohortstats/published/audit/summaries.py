"""Printed summaries of numbers: which medians and means so many whole numbers can have, and whether they lie inside."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from cohortstats.printed import Printed, PrintedBlock, PrintedValue
from cohortstats.printed.cells import half_up_text
from cohortstats.published.audit.counts import PrintedCounts
from cohortstats.published.audit.finding import Finding, Verdict
from cohortstats.published.audit.string_sets import decimals, number_of, printed_set, rounding_names, unit_of

__all__ = ["check_ranges", "check_summaries", "granular_median", "means_of_whole_numbers"]

HALF, ONE = Fraction(1, 2), Fraction(1)
CENTRES = ("median", "mean")
ENDS = ("min", "max", "lower", "upper")


@dataclass(frozen=True, slots=True, kw_only=True)
class Granularity:
    """Verdict on a printed summary of whole numbers, with the nearest that are possible.

    Parameters
    ----------
    verdict
        ``holds``, ``last digit`` or ``cannot hold``.
    nearest
        Possible values around the printed one, as they would be printed.
    way
        How the value was rounded, where that is not half-up.
    """

    verdict: Verdict
    nearest: tuple[str, ...]
    way: str = ""


def granular_median(text: str, step: Fraction) -> Granularity | None:
    """Whether a multiple of ``step`` prints as a median; None where no number is printed.

    Parameters
    ----------
    text
        The printed median.
    step
        1 for an odd number of whole values, one half for an even one and for Kaplan-Meier curves.

    Examples
    --------
    >>> granular_median("56.6", Fraction(1, 2))
    Granularity(verdict='cannot hold', nearest=('56.5', '57.0'), way='')
    >>> granular_median("62", Fraction(1, 2)).verdict, granular_median("62.5", Fraction(1)).verdict
    ('holds', 'cannot hold')
    """
    value = number_of(text)
    if value is None:
        return None
    return _granular(text, value, step)


def means_of_whole_numbers(text: str, n: int) -> Granularity | None:
    """Whether the mean of ``n`` whole numbers prints so: an integer total T with T/n in the set of the string.

    Examples
    --------
    >>> means_of_whole_numbers("62.31", 16).verdict, means_of_whole_numbers("62.30", 16)
    ('holds', Granularity(verdict='cannot hold', nearest=('62.25', '62.31'), way=''))
    """
    value = number_of(text)
    if value is None or n < 1:
        return None
    return _granular(text, value, Fraction(1, n))


def _granular(text: str, value: Fraction, step: Fraction) -> Granularity:
    digits = decimals(text)
    printed = printed_set(text)
    assert printed is not None  # it is a number
    # Every multiple that could print so, by whatever rounding, lies within one unit of the string.
    unit = unit_of(text)
    first, last = math.ceil((value - unit) / step), math.floor((value + unit) / step)
    below, above = math.floor(value / step) * step, math.ceil(value / step) * step
    # Where steps are much finer than the digits, one of them prints so.
    near = [k * step for k in range(first, last + 1)] if last - first <= 1000 else [above]
    shown = tuple(dict.fromkeys(half_up_text(one, digits) for one in (below, above)))
    if any(one in printed for one in near):
        return Granularity(verdict="holds", nearest=shown)
    for one in near:
        names = rounding_names(one, text)
        if names:
            return Granularity(verdict="last digit", nearest=shown, way=" or ".join(names))
    return Granularity(verdict="cannot hold", nearest=shown)


def check_summaries(printed: Printed, counts: PrintedCounts) -> Iterator[Finding]:
    """``median-granularity`` and ``mean-granularity`` of tables."""
    blocks = {(block.table, block.variable): block for block in printed.blocks}
    groups = _groups(printed)
    for value in printed.values:
        if value.source != "table" or value.statistic not in CENTRES or number_of(value.text) is None:
            continue
        block = blocks.get((value.exhibit, value.variable))
        base = counts.denominator(block) if block else counts.everyone()
        check = "median-granularity" if value.statistic == "median" else "mean-granularity"
        whole = _is_whole(printed, value)
        if whole is None and any(
            decimals(other.text)
            for other in groups[value.exhibit, value.variable]
            if other.statistic in ENDS and number_of(other.text) is not None
        ):
            yield _finding(value, check, "", "not checkable", "the values are no whole numbers")
            continue
        if base is None:
            yield _finding(value, check, "", "not checkable", _missing(block))
            continue
        if value.statistic == "median":
            answer = granular_median(value.text, ONE if base.n % 2 else HALF)
            kind = f"{base.n} whole numbers give a median of x.0" + ("" if base.n % 2 else " or x.5")
        else:
            answer = means_of_whole_numbers(value.text, base.n)
            kind = f"no {base.n} whole numbers have this mean"
        if answer is None:
            continue
        yield _judged(value, check, answer, kind, whole is True)


def _judged(value: PrintedValue, check: str, answer: Granularity, kind: str, whole: bool) -> Finding:
    """A finding; without a word on whole units nothing but a doubt."""
    verdict: Verdict = answer.verdict
    note = kind if verdict == "cannot hold" else answer.way
    if verdict == "cannot hold" and not whole:
        verdict, note = "doubtful", f"{kind}; whole units are not declared"
    recomputed = ", ".join(answer.nearest)
    return _finding(value, check, value.text if verdict == "holds" else recomputed, verdict, note)


def _finding(value: PrintedValue, check: str, recomputed: str, verdict: Verdict, note: str) -> Finding:
    return Finding(
        id=value.id,
        where=value.where,
        check=check,
        printed=value.text,
        recomputed=recomputed,
        verdict=verdict,
        note=note,
        quantity=value.quantity,
    )


def _missing(block: PrintedBlock | None) -> str:
    among = block.among if block else ""
    return f"no count of {among} is printed" if among else "no number of patients is printed"


def _is_whole(printed: Printed, value: PrintedValue) -> bool | None:
    """Whether values are declared to be whole; None when nothing is said."""
    column = printed.columns.get(value.variable)
    if value.whole or (column is not None and (column.whole or column.type == "integer")):
        return True
    return None


def check_medians_of_curves(printed: Printed) -> Iterator[Finding]:
    """``median-granularity`` of Kaplan-Meier medians: an event time, or a midpoint of two."""
    for survival in printed.survivals:
        values = [value for value in printed.values if value.source == "survival" and value.exhibit == survival.id]
        column = printed.columns.get(survival.time)
        whole = survival.whole or (column is not None and (column.whole or column.type == "integer"))
        fine = any(
            decimals(v.text) for v in values if v.statistic in ("lower", "upper") and number_of(v.text) is not None
        )
        for value in values:
            if value.statistic != "median":
                continue
            answer = granular_median(value.text, HALF)
            if answer is None:
                continue
            if fine and not whole:
                yield _finding(value, "median-granularity", "", "not checkable", "times are no whole numbers")
                continue
            unit = f" {survival.unit}" if survival.unit else ""
            kind = f"whole{unit or ' units'} give a median of x.0 or x.5"
            yield _judged(value, "median-granularity", answer, kind, whole)


def _groups(printed: Printed) -> Mapping[tuple[str, str], list[PrintedValue]]:
    found: dict[tuple[str, str], list[PrintedValue]] = {}
    for value in printed.values:
        if value.source == "table":
            found.setdefault((value.exhibit, value.variable), []).append(value)
    return found


def check_ranges(printed: Printed) -> Iterator[Finding]:
    """``range``: ends on the right side of the middle, percentages from 0 to 100."""
    rows: dict[str, dict[str, PrintedValue]] = {}
    for value in printed.values:
        if value.source in ("table", "survival", "trial") and value.statistic in (*CENTRES, *ENDS, "hr"):
            if value.source == "trial" and value.level:
                continue  # medians of arms have no limits
            rows.setdefault(value.id.rpartition("/")[0], {})[value.statistic] = value
        elif value.statistic == "percent":
            number = number_of(value.text)
            if number is not None and not 0 <= number <= 100:
                yield Finding(
                    id=value.id,
                    where=value.where,
                    check="range",
                    printed=value.text,
                    recomputed="0 to 100",
                    verdict="cannot hold",
                    note="a percentage is from 0 to 100",
                    quantity=value.quantity,
                )
    for parts in rows.values():
        centre = next((parts[name] for name in ("median", "mean", "hr") if name in parts), None)
        ends = [parts[name] for name in ENDS if name in parts]
        if not ends:
            continue
        first = centre or ends[0]
        problem = _out_of_order(parts)
        shown = "–".join(end.text for end in ends)
        yield Finding(
            id=first.id,
            where=first.where,
            check="range",
            printed=f"{centre.text} ({shown})" if centre else shown,
            recomputed="lower <= middle <= upper" if centre else "lower <= upper",
            verdict="cannot hold" if problem else "holds",
            note=problem,
            quantity=first.quantity,
        )


def _out_of_order(parts: Mapping[str, PrintedValue]) -> str:
    """What lies on the wrong side of what, beyond rounding."""
    centre = next((name for name in ("median", "mean", "hr") if name in parts), "")
    pairs = [(low, high) for low, high in (("min", "max"), ("lower", "upper"))]
    if centre:
        pairs += [(low, centre) for low in ("min", "lower")] + [(centre, high) for high in ("max", "upper")]
    for low, high in pairs:
        if low not in parts or high not in parts:
            continue
        below, above = printed_set(parts[low].text), printed_set(parts[high].text)
        if below is not None and above is not None and below.low >= above.high:
            return f"{parts[low].text} is above {parts[high].text}"
    if centre == "hr":
        for name in ("hr", "lower"):
            value = number_of(parts[name].text) if name in parts else None
            if value is not None and value < 0:
                return "a hazard ratio is above 0"
        upper = printed_set(parts["hr"].text)
        if upper is not None and upper.high <= 0:
            return "a hazard ratio is above 0"
    return ""
