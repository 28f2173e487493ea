"""Printed hazard ratios: ratio, interval and P beside each other; medians, events and information that they need."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from cohortstats.printed import Printed, parse_cell
from cohortstats.printed.cells import Cell, fold_text
from cohortstats.printed.sections import Trial
from cohortstats.published.audit.counts import whole_number
from cohortstats.published.audit.finding import Finding, Verdict
from cohortstats.published.audit.polygon import (
    Polygon,
    box_p_range,
    events_for,
    interval_for_p,
    p_of_z,
    wald_polygon,
    z_of_p,
    z_range,
)
from cohortstats.published.audit.string_sets import decimals, number_of, p_set, printed_set, shown, shown_range

__all__ = ["RatioTally", "check_ratios", "judge_p", "level_of"]

NEAR_GAP, FAR_GAP = 0.10, 0.30
"""Distance of two intervals of z: up to the first another test, beyond the second impossible."""


def level_of(level: str | float) -> float:
    """Level of an interval, printed as 95 or as 0.95.

    Examples
    --------
    >>> level_of("95"), level_of(0.99), level_of("95 %")
    (0.95, 0.99, 0.95)
    """
    number = float(str(level).rstrip("% "))
    return number if number < 1 else float(Fraction(str(level).rstrip("% ")) / 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One comparison of a trial, its strings apart."""

    trial: Trial
    hr: str
    lower: str
    upper: str
    p: str
    level: float

    @property
    def stem(self) -> str:
        return f"trial/{self.trial.id}"


def _row(trial: Trial, decimal: str) -> _Row:
    def cell(text: str) -> Cell:
        return parse_cell(text, decimal="," if decimal == "," else ".")

    ci = cell(trial.ci)
    return _Row(
        trial=trial,
        hr=cell(trial.hr).value,
        lower=ci.lower,
        upper=ci.upper,
        p=cell(trial.p).value,
        level=level_of(trial.level),
    )


@dataclass(slots=True)
class RatioTally:
    """How many intervals of ratios fit, for the last line."""

    with_p: int = 0
    fit: int = 0

    def sentence(self) -> str:
        """Such as ``7 ratios with interval and P: 6 fit, 1 does not.``"""
        if not self.with_p:
            return ""
        left = self.with_p - self.fit
        parts = [f"{self.fit} {'fits' if self.fit == 1 else 'fit'}"] if self.fit else []
        parts += [f"{left} {'does' if left == 1 else 'do'} not"] if left else []
        return f"{self.with_p} {'ratio' if self.with_p == 1 else 'ratios'} with interval and P: {', '.join(parts)}."


def check_ratios(printed: Printed) -> tuple[tuple[Finding, ...], RatioTally]:
    """``ratio-interval``, ``median-ratio``, ``events-needed`` and ``information`` of every comparison."""
    found: list[Finding] = []
    tally = RatioTally()
    for trial in printed.trials:
        row = _row(trial, printed.paper.decimal)
        polygon = wald_polygon(row.hr, row.lower, row.upper, level=row.level) if row.lower else None
        for finding in _interval(row, polygon):
            found.append(finding)
            if finding.id.endswith("/p_value") and finding.verdict != "not checkable":
                tally.with_p += 1
                tally.fit += finding.verdict == "holds"
        found.extend(_medians(row, printed.paper.decimal))
        found.extend(_information(row, polygon))
    return tuple(found), tally


def _finding(
    row: _Row, statistic: str, check: str, printed: str, recomputed: str, verdict: Verdict, note: str
) -> Finding:
    return Finding(
        id=f"{row.stem}/{statistic}" if statistic else row.stem,
        where=row.trial.where,
        check=check,
        printed=printed,
        recomputed=recomputed,
        verdict=verdict,
        note=note,
        quantity=f"{row.trial.id}, {statistic}" if statistic else row.trial.id,
    )


def _interval(row: _Row, polygon: Polygon | None) -> Iterator[Finding]:
    """The ratio in the middle of its interval, and P beside both."""
    if not row.lower:
        if row.hr:
            yield _finding(row, "hr", "ratio-interval", row.hr, "", "not checkable", "no interval is printed")
        if row.hr and row.p:
            yield _finding(row, "p_value", "ratio-interval", row.p, "", "not checkable", "no interval is printed")
        return
    statistic = "hr" if row.hr else "lower"
    shown_row = f"{row.hr} ({row.lower}–{row.upper})" if row.hr else f"{row.lower}–{row.upper}"
    if polygon is None:
        impossible = _impossible(row)
        verdict: Verdict = "cannot hold" if impossible else "not checkable"
        missing = impossible or "the interval is open"
        yield _finding(row, statistic, "ratio-interval", shown_row, "", verdict, missing)
        if row.p:
            yield _finding(row, "p_value", "ratio-interval", row.p, "", "not checkable", missing)
        return
    middle = shown_range(polygon.middle_low, polygon.middle_high, 4)
    outside = _outside(row)
    if outside:
        yield _finding(row, statistic, "ratio-interval", shown_row, middle, "cannot hold", outside)
    elif polygon.empty:
        note = f"no symmetric interval on the log scale prints these three; the middle is {middle}"
        yield _finding(row, statistic, "ratio-interval", shown_row, middle, "doubtful", note)
    else:
        note = f"s {shown(polygon.s)}" if math.isfinite(polygon.s) else ""
        yield _finding(row, statistic, "ratio-interval", shown_row, middle, "holds", note)
    if row.p:
        verdict, note = judge_p(row.hr, row.lower, row.upper, row.p, level=row.level)
        low, high = _p_range(row, polygon)
        yield _finding(row, "p_value", "ratio-interval", row.p, shown_range(low, high), verdict, note)


def _impossible(row: _Row) -> str:
    """Why the strings are no ratio with an interval."""
    for text in (row.hr, row.lower, row.upper):
        number = number_of(text) if text else None
        some = printed_set(text) if text else None
        if number is not None and (number < 0 or (some is not None and some.high <= 0)):
            return "a hazard ratio is above 0"
    return ""


def _outside(row: _Row) -> str:
    """The ratio beside its interval, or limits that are one."""
    below, above = printed_set(row.lower), printed_set(row.upper)
    centre = printed_set(row.hr) if row.hr else None
    if centre is not None and number_of(row.hr) == 0:
        return "a hazard ratio is above 0"
    if below is not None and above is not None and below.low >= above.high:
        return f"{row.lower} is above {row.upper}"
    if centre is None or below is None or above is None:
        return ""
    outside = centre.high <= below.low or centre.low >= above.high
    return f"{row.hr} lies outside {row.lower}–{row.upper}" if outside else ""


def _p_range(row: _Row, polygon: Polygon) -> tuple[float, float]:
    if polygon.empty:
        return box_p_range(row.hr, row.lower, row.upper, level=row.level)
    return polygon.p_low, polygon.p_high


def judge_p(hr: str, lower: str, upper: str, p: str, *, level: float = 0.95) -> tuple[Verdict, str]:
    """Verdict on a printed P beside a printed ratio and its interval.

    Parameters
    ----------
    hr, lower, upper, p
        The printed strings; ``hr`` may be empty.
    level
        Level of the interval.

    Returns
    -------
    Verdict and note. The P values over the polygon meet the printed ones: holds. Else by the distance of the two
    intervals of z: up to 0.10 another test than Wald's, up to 0.30 doubtful, beyond it cannot hold. And without a
    model: an interval without 1 beside P at or above the level, or with 1 beside a smaller P, cannot hold, unless a
    limit that prints so may be 1.

    Examples
    --------
    >>> judge_p("0.65", "0.55", "0.77", "<0.001")[0]
    'holds'
    >>> verdict, note = judge_p("0.73", "0.57", "0.93", "0.08")
    >>> verdict, "0.008" in note
    ('cannot hold', True)
    >>> judge_p("0.552", "0.369", "0.826", "0.0034")
    ('holds', 'P is another test than Wald: z 2.929 v at most 2.895; s 0.205565, P at the point 0.00384493')
    """
    polygon = wald_polygon(hr, lower, upper, level=level)
    if polygon is None:
        return "not checkable", "the interval is open"
    alpha = Fraction(1) - Fraction(str(level))
    printed, zs = p_set(p, alpha), z_range(p, float(alpha))
    if printed is None or zs is None:
        return "not checkable", f"'{p}' is no P value"
    low, high = (polygon.p_low, polygon.p_high) if not polygon.empty else box_p_range(hr, lower, upper, level=level)
    wald = (z_of_p(high), z_of_p(low))
    gap = max(zs[0] - wald[1], wald[0] - zs[1], 0.0)
    point = _at_the_point(polygon)
    useless = _useless(hr, lower, upper, low, high)
    exact = _against_one(lower, upper, p, alpha)
    if not exact and gap == 0:
        return "holds", "; ".join(part for part in (useless, point) if part)
    if not exact and gap <= NEAR_GAP:
        side = f"at most {wald[1]:.3f}" if zs[0] > wald[1] else f"at least {wald[0]:.3f}"
        note = f"P is another test than Wald: z {_z_of(p, zs):.3f} v {side}"
        return "holds", f"{note}; {point}" if point else note
    verdict: Verdict = "cannot hold" if exact or gap > FAR_GAP else "doubtful"
    parts = [exact] if exact else []
    parts.append(f"ratio and interval give P from {shown(low, 3)} to {shown(high, 3)}")
    if gap > 0:
        parts.append(
            f"z of {p} is {_z_of(p, zs):.3f} ({zs[0]:.3f}–{zs[1]:.3f}) against {wald[0]:.3f}–{wald[1]:.3f}, "
            f"gap {gap:.2f}"
        )
    if hr and not polygon.empty:
        box = box_p_range(hr, lower, upper, level=level)
        parts.append(f"without symmetry P from {shown(box[0], 2)} to {shown(box[1], 2)}")
    parts.extend(_would_need(hr, p, level))
    parts.extend(_slip(hr, lower, upper, p, level, wald))
    parts.append(point)
    return verdict, "; ".join(part for part in parts if part)


def _at_the_point(polygon: Polygon) -> str:
    if not math.isfinite(polygon.s) or math.isnan(polygon.p):
        return ""
    return f"s {shown(polygon.s)}, P at the point {shown(polygon.p)}"


def _z_of(p: str, zs: tuple[float, float]) -> float:
    """|z| of the printed P; of a bound, its nearer end."""
    number = number_of(p)
    if number is not None and 0 < number <= 1:
        return z_of_p(float(number))
    return zs[0] if math.isinf(zs[1]) else zs[1]


def _useless(hr: str, lower: str, upper: str, low: float, high: float) -> str:
    """With one decimal or none the range says little."""
    if max(decimals(text) for text in (hr, lower, upper) if text) > 1:
        return ""
    return f"any P from {shown(low, 2)} to {shown(high, 2)}"


def _against_one(lower: str, upper: str, p: str, alpha: Fraction) -> str:
    """Without a model: whether the interval holds 1, against the side of the level that P is on."""
    below, above, some = printed_set(lower), printed_set(upper), p_set(p, alpha)
    if below is None or above is None or some is None:
        return ""
    name = shown(alpha)
    if (below.low > 1 or above.high < 1) and some.low >= alpha:
        return f"the interval excludes 1 while P is not below {name}"
    below_alpha = some.high < alpha or (some.high == alpha and not some.high_closed)
    if below.high < 1 < above.low and below_alpha:
        return f"the interval holds 1 while P is below {name}"
    return ""


def _would_need(hr: str, p: str, level: float) -> Iterator[str]:
    """The interval that the printed ratio would have with the printed P."""
    ratio, number = number_of(hr) if hr else None, number_of(p)
    if ratio is None or number is None or ratio <= 0 or ratio == 1 or not 0 < number < 1:
        return
    low, high = interval_for_p(float(ratio), float(number), level=level)
    yield f"P = {p} would need an interval of {low:.3f}–{high:.3f}"


def _slip(hr: str, lower: str, upper: str, p: str, level: float, wald: tuple[float, float]) -> Iterator[str]:
    """A dropped or an added zero that would bring P near."""
    folded = fold_text(p)
    if number_of(folded) is None or not folded.startswith("0."):
        return
    digits = folded[2:]
    candidates = [(f"0.0{digits}", "a dropped zero")]
    if digits.startswith("0") and len(digits) > 1:
        candidates.append((f"0.{digits[1:]}", "an added zero"))
    del hr, lower, upper
    for text, what in candidates:
        zs = z_range(text, 1 - level)
        if zs is None:
            continue
        gap = max(zs[0] - wald[1], wald[0] - zs[1], 0.0)
        if gap <= NEAR_GAP:
            number = number_of(text)
            at = z_of_p(float(number)) if number else math.inf
            near = "fits" if gap == 0 else f"is near (z {at:.3f}, gap {gap:.2f})"
            yield f"{text}, {what}, {near}"


def _medians(row: _Row, decimal: str) -> Iterator[Finding]:
    """``median-ratio`` beside a ratio; ``events-needed`` where only medians and P are printed."""
    del decimal
    trial = row.trial
    if len(trial.median) != 2:
        return
    sets = [printed_set(text) for text in trial.median]
    numbers = [number_of(text) for text in trial.median]
    shown_medians = " v ".join(trial.median)
    first, second = numbers
    if first is None or second is None or not first or not second or sets[0] is None or sets[1] is None:
        if row.hr:
            yield _finding(row, "hr", "median-ratio", row.hr, "", "not checkable", "a median is not reached")
        return
    ratio = second / first
    if row.hr:
        yield _median_ratio(row, shown_medians, ratio, sets[1].low / sets[0].high, sets[1].high / sets[0].low)
    elif row.p and not row.lower:
        yield _events_needed(row, shown_medians, float(ratio))


def _median_ratio(row: _Row, medians: str, ratio: Fraction, low: Fraction, high: Fraction) -> Finding:
    """Under exponential curves the ratio of hazards is that of the medians the other way round."""
    hr = number_of(row.hr)
    verdict: Verdict = "holds"
    note = f"medians {medians}"
    recomputed = shown(ratio, 4)
    below, above = (printed_set(text) if text else None for text in (row.lower, row.upper))
    if hr is not None and hr != 1 and ratio != 1 and (hr < 1) != (ratio < 1) and not low < 1 < high:
        side = "shorter" if hr < 1 else "longer"
        verdict, note = (
            "doubtful",
            f"medians {medians}: the arm with the {'smaller' if hr < 1 else 'larger'} hazard has the {side} median",
        )
    elif (below is not None and high < below.low) or (above is not None and low > above.high):
        verdict = "doubtful"
        note = f"medians {medians}: medians and ratio fit only non-proportional or strongly curved hazards"
    elif below is None or above is None:
        note += "; no interval is printed, the direction alone is looked at"
    return _finding(row, "hr", "median-ratio", row.hr, recomputed, verdict, note)


def _events_needed(row: _Row, medians: str, ratio: float) -> Finding:
    """Events at which the ratio of the medians has the printed P, against the patients that there are."""
    trial = row.trial
    number = number_of(row.p)
    zs = z_range(row.p, 1 - row.level)
    n = whole_number(trial.n)
    arms = [whole_number(text) for text in trial.arm_n]
    if n is None and len(arms) == 2 and None not in arms:
        n = sum(arm or 0 for arm in arms)
    if zs is None or ratio == 1:
        missing = f"'{row.p}' is no P value" if zs is None else "the medians are equal"
        return _finding(row, "p_value", "events-needed", row.p, "", "not checkable", missing)
    # Of a bound such as <0.001 the weakest P counts: it needs the fewest events.
    p = float(number) if number is not None and 0 < number <= 1 else p_of_z(zs[0])
    events = events_for(p, ratio)
    recomputed = f"{events:.1f}"
    note = f"medians {medians} and P {row.p} need {events:.1f} events"
    if len(arms) == 2 and arms[0] and arms[1]:
        note += f" ({events_for(p, ratio, arms[0] / (arms[0] + arms[1])):.1f} with arms of {arms[0]} and {arms[1]})"
    if n is None:
        return _finding(row, "p_value", "events-needed", row.p, recomputed, "not checkable", "n is not printed")
    if events <= n:
        return _finding(row, "p_value", "events-needed", row.p, recomputed, "holds", note)
    note += f", there are at most {n} patients; needs crossing-free curves steeper than exponential"
    return _finding(row, "p_value", "events-needed", row.p, recomputed, "doubtful", note)


def _information(row: _Row, polygon: Polygon | None) -> Iterator[Finding]:
    """An interval of standard error s needs at least about 4/s² events, whatever the allocation."""
    if polygon is None or not 0 < polygon.s < math.inf:
        return
    events = 4 / polygon.s**2
    n = whole_number(row.trial.n)
    interval = f"{row.lower}–{row.upper}"
    if n is None:
        yield _finding(row, "", "information", interval, f"{events:.1f}", "not checkable", "n is not printed")
    elif events <= n:
        note = f"the interval needs about {events:.1f} events of {n} patients"
        yield _finding(row, "", "information", interval, f"{events:.1f}", "holds", note)
    else:
        note = f"narrower than {n} patients can give: it needs about {events:.1f} events"
        yield _finding(row, "", "information", interval, f"{events:.1f}", "doubtful", note)
