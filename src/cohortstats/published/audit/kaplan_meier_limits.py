"""Printed Kaplan-Meier medians and limits: whether they can stand beside each other for so few patients.

A limit of the median is the first time at which the band of the curve lets ½ in or leaves it behind, so with the number
of patients printed the order of events and censorings decides what is reached. No two times are taken to be equal here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from cohortstats.printed import Printed, PrintedValue, is_not_reached
from cohortstats.printed.sections import Survival
from cohortstats.published.audit.counts import whole_number
from cohortstats.published.audit.finding import VERDICTS, Finding, Verdict
from cohortstats.published.audit.string_sets import number_of, p_set, printed_set
from cohortstats.published.audit.summaries import HALF, granular_median
from cohortstats.published.model.intervals import Interval, interval_of
from cohortstats.stats.results import normal_quantile

__all__ = ["Pattern", "band_at_first_event", "band_before_last_event", "can_print", "check_kaplan_meier_limits"]

MOST_SEARCHED = 12
ALPHA = Fraction(1, 20)
Floats = NDArray[np.float64]


def _above_half(survival: Floats, greenwood: Floats, kind: Interval, z: float) -> tuple[Floats, Floats]:
    """How far ½ lies above the lower and above the upper end of the band, on the scale of the interval."""
    with np.errstate(divide="ignore", invalid="ignore"):
        error = z * np.sqrt(greenwood)
        if kind == "log":
            middle, width, half = np.log(survival), error, np.log(0.5)
        elif kind == "log-log":
            # Turned, so that it rises with survival.
            logs = -np.log(survival)
            middle, width, half = -np.log(logs), error / logs, -np.log(np.log(2.0))
        elif kind == "logit":
            middle, width, half = np.log(survival / (1 - survival)), error / (1 - survival), 0.0
        elif kind == "arcsin":
            middle = np.arcsin(np.sqrt(survival))
            width, half = error / 2 * np.sqrt(survival / (1 - survival)), np.arcsin(np.sqrt(0.5))
        else:
            middle, width, half = survival, error * survival, 0.5
        return half - (middle - width), half - (middle + width)


def band_at_first_event(n: int, *, level: float = 0.95) -> float:
    """Lower end of the log-log band after the first of ``n`` patients had the event, none censored before.

    Notes
    -----
    S = 1 - 1/n, lower band S^exp(z se/|ln S|) with se² = 1/(n(n - 1)). R: ``survfit`` with ``conf.type = "log-log"``.

    Examples
    --------
    >>> [f"{band_at_first_event(n):.6f}" for n in (9, 10, 11)]
    ['0.432965', '0.473009', '0.508080']
    """
    survival = 1 - 1 / n
    error = (1 / (n * (n - 1))) ** 0.5
    return float(survival ** np.exp(normal_quantile(level) * error / -np.log(survival)))


def band_before_last_event(n: int, *, level: float = 0.95) -> float:
    """Upper end of the log-log band before the last of ``n`` patients had the event, none censored.

    Examples
    --------
    >>> [f"{band_before_last_event(n):.6f}" for n in (5, 6, 7, 8)]
    ['0.581853', '0.516802', '0.464941', '0.422706']
    """
    left = np.arange(n, 1, -1)
    error = float(np.sqrt(np.sum(1 / (left * (left - 1.0)))))
    survival = 1 / n
    return float(survival ** np.exp(-normal_quantile(level) * error / -np.log(survival)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What a group prints, by order alone.

    Parameters
    ----------
    median, lower, upper
        Whether each is reached; None where it is not printed.
    lower_before
        Whether the lower limit lies before the median; None where that is not known.
    upper_after
        Whether the upper limit lies after the median; None where that is not known.
    """

    median: bool
    lower: bool | None
    upper: bool | None
    lower_before: bool | None = None
    upper_after: bool | None = None


def can_print(
    pattern: Pattern, n: int, events: int | None = None, *, kind: Interval = "log-log", level: float = 0.95
) -> bool | None:
    """Whether some order of events and censorings of ``n`` patients prints a pattern.

    Parameters
    ----------
    pattern
        What is reached, and in which order.
    n, events
        Patients, and events among them when printed.
    kind, level
        Type and level of the interval.

    Returns
    -------
    None when there are too many orders to visit: more than 12 patients, some of them perhaps censored.

    Examples
    --------
    >>> upper_open = Pattern(median=True, lower=True, upper=False)
    >>> can_print(upper_open, 6, 6), can_print(upper_open, 7, 7), can_print(upper_open, 7)
    (True, False, True)
    """
    if events == n:
        event: NDArray[np.bool_] = np.ones((1, n), dtype=bool)
    elif n > MOST_SEARCHED:
        return None
    else:
        event = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1
        if events is not None:
            event = event[event.sum(axis=1) == events]
    if not len(event):
        return False
    return bool(_prints(event, pattern, kind, normal_quantile(level)).any())


def _prints(event: NDArray[np.bool_], pattern: Pattern, kind: Interval, z: float) -> NDArray[np.bool_]:
    """Which of several orders print a pattern."""
    rows, n = event.shape
    at_risk = n - np.arange(n, dtype=np.float64)
    survival: Floats = np.cumprod(np.where(event, 1 - 1 / at_risk, 1.0), axis=1, dtype=np.float64)
    survival[np.abs(survival) < 1e-12] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood: Floats = np.cumsum(np.where(event, 1 / (at_risk * (at_risk - 1)), 0.0), axis=1)
    lower, upper = _above_half(survival, greenwood, kind, z)
    # R has no band where the curve is 0; nothing is known before the first event.
    defined = event & (survival > 0)
    exact = event & (np.abs(survival - 0.5) < 1e-9)
    half = event & ((survival < 0.5) | exact)

    def first(hits: NDArray[np.bool_]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = np.where(hits.any(axis=1), hits.argmax(axis=1), n)
        return found

    median, low, high = first(half), first(defined & (lower >= 0)), first(defined & (upper >= 0))
    # On a flat piece at ½ the median is half way to the next event, when there is one.
    flat = np.zeros(rows, dtype=bool)
    inside = median < n
    flat[inside] = exact[np.flatnonzero(inside), median[inside]]
    later = (np.arange(n)[None, :] > median[:, None]) & event
    flat &= later.any(axis=1)
    possible: NDArray[np.bool_] = (median < n) == pattern.median
    if pattern.lower is not None:
        possible &= (low < n) == pattern.lower
    if pattern.upper is not None:
        possible &= (high < n) == pattern.upper
    if pattern.lower_before is not None:
        before = (low < median) | ((low == median) & flat)
        possible &= before == pattern.lower_before
    if pattern.upper_after is not None:
        possible &= (high > median) == pattern.upper_after
    return possible


def check_kaplan_meier_limits(printed: Printed) -> Iterator[Finding]:
    """``km-limits`` of every group, and the P of every figure beside its medians."""
    for survival in printed.survivals:
        values = {value.id: value for value in printed.values if value.exhibit == survival.id}
        last = _last_time(printed, survival)
        kind, level = interval_of(printed, survival)
        for place, row in enumerate(survival.cells):
            stem = f"{survival.id}/{row[0]}"
            parts = {name: values.get(f"{stem}/{name}") for name in ("median", "lower", "upper")}
            shown = next((value for value in parts.values() if value is not None), None)
            if shown is None:
                continue
            n = whole_number(survival.n[place]) if place < len(survival.n) else None
            events = whole_number(survival.events[place]) if place < len(survival.events) else None
            yield _group(survival, row[0], parts, shown, n, events, kind, level, last)
        yield from _sides(survival, values)


def _last_time(printed: Printed, survival: Survival) -> PrintedValue | None:
    """The largest time that a table prints."""
    for value in printed.values:
        if value.source == "table" and value.statistic == "max" and survival.time and value.variable == survival.time:
            return value
    return None


def _group(
    survival: Survival,
    level_name: str,
    parts: dict[str, PrintedValue | None],
    shown: PrintedValue,
    n: int | None,
    events: int | None,
    kind: Interval,
    level: float,
    last: PrintedValue | None,
) -> Finding:
    texts = {name: value.text if value else "" for name, value in parts.items()}
    problems: list[tuple[Verdict, str]] = []
    notes: list[str] = []
    median, lower, upper = (number_of(texts[name]) for name in ("median", "lower", "upper"))
    open_median = bool(texts["median"]) and is_not_reached(texts["median"])
    if open_median and upper is not None:
        problems.append(("cannot hold", "the upper limit is reached and the median is not"))
    if n is None and median is not None and texts["lower"] and is_not_reached(texts["lower"]):
        fact = "the median is reached and its lower limit is not, as where a curve falls to 0 at once"
        problems.append(("doubtful", fact))
    if survival.whole:
        for name in ("lower", "upper"):
            answer = granular_median(texts[name], HALF) if number_of(texts[name]) is not None else None
            if answer is not None and answer.verdict == "cannot hold":
                fact = f"{texts[name]} is no event time of whole {survival.unit or 'units'}, nor half way between two"
                problems.append(("cannot hold", fact))
    if last is not None:
        most, least = printed_set(last.text), printed_set(texts["median"]) if median is not None else None
        if most is not None and least is not None and least.low >= most.high:
            problems.append(("paper differs from itself", f"the median is after the last time, {last.text}"))
    if n is not None and n > 0 and (events is None or events <= n):
        problems.extend(_orders(texts, median, lower, upper, n, events, kind, level))
        if kind == "log-log" and lower is not None and n > 1 and band_at_first_event(n, level=level) <= 0.5:
            notes.append(f"of {n} patients the lower limit is the first event")
    verdict: Verdict = min((one for one, _ in problems), key=VERDICTS.index, default="holds")
    interval = f" ({texts['lower']}–{texts['upper']})" if texts["lower"] or texts["upper"] else ""
    facts = [fact for _, fact in problems] or notes
    return Finding(
        id=shown.id if not parts["lower"] else parts["lower"].id,
        where=survival.where,
        check="km-limits",
        printed=f"{texts['median']}{interval}",
        recomputed=kind if interval else "",
        verdict=verdict,
        note="; ".join(facts),
        quantity=f"{level_name}, limits",
    )


def _orders(
    texts: dict[str, str],
    median: Fraction | None,
    lower: Fraction | None,
    upper: Fraction | None,
    n: int,
    events: int | None,
    kind: Interval,
    level: float,
) -> Iterator[tuple[Verdict, str]]:
    """Whether so few patients can print what is reached and what is not."""
    if not texts["median"]:
        return
    pattern = Pattern(
        median=median is not None,
        lower=(lower is not None) if texts["lower"] else None,
        upper=(upper is not None) if texts["upper"] else None,
        lower_before=lower < median if lower is not None and median is not None and lower != median else None,
        upper_after=upper > median if upper is not None and median is not None and upper != median else None,
    )
    if can_print(pattern, n, events, kind=kind, level=level) is False:
        size = f"{n} patients" if events is None else f"{events} events of {n} patients"
        yield "doubtful", f"no order of {size} without equal times prints this under {kind} limits"


def _sides(survival: Survival, values: dict[str, PrintedValue]) -> Iterator[Finding]:
    """Two groups: P below 0.05 beside equal medians, or intervals apart beside P at or above it."""
    value = values.get(f"{survival.id}/p_value")
    some = p_set(value.text, ALPHA) if value else None
    if value is None or some is None or len(survival.cells) != 2:
        return
    stems = [f"{survival.id}/{row[0]}" for row in survival.cells]
    medians = [values.get(f"{stem}/median") for stem in stems]
    sets = [printed_set(one.text) if one else None for one in medians]
    texts = [one.text if one else "" for one in medians]
    verdict: Verdict = "holds"
    note = ""
    below = some.high < ALPHA or (some.high == ALPHA and not some.high_closed)
    if below and all(texts) and texts[0] == texts[1] and sets[0] is not None:
        verdict, note = "doubtful", f"P {value.text} beside equal medians"
    elif some.low >= ALPHA and _apart(stems, values):
        verdict, note = "doubtful", f"P {value.text} beside limits that do not overlap"
    yield Finding(
        id=value.id,
        where=survival.where,
        check="km-limits",
        printed=value.text,
        recomputed=" v ".join(texts),
        verdict=verdict,
        note=note,
        quantity="groups, P",
    )


def _apart(stems: list[str], values: dict[str, PrintedValue]) -> bool:
    """Whether the limits of two groups do not overlap."""

    def end(stem: str, name: str) -> Fraction | None:
        value = values.get(f"{stem}/{name}")
        return number_of(value.text) if value else None

    for first, second in (stems, stems[::-1]):
        upper, lower = end(first, "upper"), end(second, "lower")
        if upper is not None and lower is not None and upper < lower:
            return True
    return False
