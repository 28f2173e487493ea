"""How numbers are written. This is the only rounding in the package.

Rounding is decimal half-up of the exact value: 2 of 16 is 12.5 % and prints 13 without decimals, where binary rounding
and C's ``printf`` print 12. Counts are kept as integers and fractions until here; a float stands for the decimal that
its shortest text names.

Styles are data: a correction of a journal's rule is one line in :data:`STYLES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, Literal

__all__ = [
    "FORMATS",
    "STYLES",
    "Number",
    "Style",
    "format_count_percent",
    "format_hazard_ratio",
    "format_interval",
    "format_number",
    "format_p",
    "format_p_relation",
    "format_percent",
    "format_signed",
    "round_half_up",
]

Number = int | float | Fraction

MINUS = "\u2212"
EN_DASH = "\u2013"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """The rules of one house style.

    Parameters
    ----------
    p_rule
        ``"three decimals"``: three decimals from 0.01, below two significant digits, trailing zeros dropped.
        ``"two significant"``: two significant digits, ``>0.99`` from 0.995.
    p_least
        P values below print as ``<`` this.
    percent_decimals
        Decimals of a percentage.
    percent_bare_ends
        Whether exact 0 and 100 print without decimals.
    difference_decimals
        Decimals of a difference in percentage points.
    interval
        Sign between two limits; `` to `` whenever a limit is negative.
    not_estimable, not_reached
        What an undefined number and an unreached limit print as.
    """

    name: str
    p_rule: Literal["three decimals", "two significant"]
    p_least: Fraction
    percent_decimals: int
    percent_bare_ends: bool
    difference_decimals: int
    interval: str
    not_estimable: str
    not_reached: str


STYLES: Mapping[str, Style] = {
    "default": Style(
        name="default",
        p_rule="two significant",
        p_least=Fraction(1, 1000),
        percent_decimals=1,
        percent_bare_ends=False,
        difference_decimals=0,
        interval=EN_DASH,
        not_estimable="NE",
        not_reached="NR",
    ),
    # As Sakai et al. 2018 print: "0.05", "0 (0)", "56.6 (36-NA)".
    "paper": Style(
        name="paper",
        p_rule="three decimals",
        p_least=Fraction(1, 10000),
        percent_decimals=1,
        percent_bare_ends=True,
        difference_decimals=1,
        interval="-",
        not_estimable="NA",
        not_reached="NA",
    ),
}


def exact(value: Number) -> Fraction:
    """The rational that a number stands for: a float stands for the decimal of its shortest text.

    Examples
    --------
    >>> exact(0.1)
    Fraction(1, 10)
    """
    return Fraction(repr(float(value))) if isinstance(value, float) else Fraction(value)


def round_half_up(value: Number, decimals: int) -> str:
    """Decimal text of ``value``, half away from zero, with a plain hyphen as minus.

    Parameters
    ----------
    value
        Finite number; fractions are rounded exactly, in integers.
    decimals
        Digits after the point, 0 or more.

    Examples
    --------
    >>> round_half_up(Fraction(200, 16), 0), round_half_up(Fraction(400, 34), 1), round_half_up(-0.25, 1)
    ('13', '11.8', '-0.3')
    """
    number = exact(value)
    scaled = (2 * abs(number.numerator) * 10**decimals + number.denominator) // (2 * number.denominator)
    digits = str(scaled).rjust(decimals + 1, "0")
    text = digits if decimals == 0 else f"{digits[:-decimals]}.{digits[-decimals:]}"
    return f"-{text}" if number < 0 and scaled else text


def round_significant(value: Number, digits: int) -> str:
    """Decimal text of a positive ``value`` with ``digits`` significant digits, half-up.

    Examples
    --------
    >>> round_significant(0.003713548, 2), round_significant(0.0996, 2), round_significant(12.34, 2)
    ('0.0037', '0.10', '12')
    """
    number = exact(value)
    with localcontext() as context:
        context.prec = 60
        magnitude = (Decimal(number.numerator) / Decimal(number.denominator)).adjusted()
        text = round_half_up(number, max(0, digits - 1 - magnitude))
        # 0.0996 rounds up into the next decade: one digit less then.
        if Decimal(text).adjusted() > magnitude:
            text = round_half_up(number, max(0, digits - 2 - magnitude))
    return text


def drop_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def true_minus(text: str) -> str:
    return text.replace("-", MINUS, 1) if text.startswith("-") else text


def _is_undefined(value: Number | None) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def format_p(p: Number | None, style: Style, alpha: Number = 0.05) -> str:
    """P value in a style, never on the other side of ``alpha`` than the exact value.

    Parameters
    ----------
    p
        P value in [0, 1]; ``nan`` or None prints as not estimable.
    alpha
        Level of significance, read from its decimal text.

    Examples
    --------
    >>> [format_p(p, STYLES["paper"]) for p in (1, Fraction(1, 20), 0.0496, 0.003713548, 0.00002)]
    ['1', '0.05', '0.0496', '0.0037', '<0.0001']
    >>> [format_p(p, STYLES["default"]) for p in (1, Fraction(1, 20), 0.0496, 0.003713548, 0.00002)]
    ['>0.99', '0.050', '0.0496', '0.0037', '<0.001']
    """
    if p is None or _is_undefined(p):
        return style.not_estimable
    value, level = exact(p), exact(alpha)
    if value < style.p_least:
        return f"<{drop_zeros(round_half_up(style.p_least, 6))}"
    if style.p_rule == "two significant":
        if value >= Fraction(995, 1000):
            return ">0.99"
        text = _p_on_its_side(value, level, lambda extra: round_significant(value, 2 + extra))
    else:
        text = _p_on_its_side(
            value,
            level,
            lambda extra: (
                round_half_up(value, 3 + extra) if value >= Fraction(1, 100) else round_significant(value, 2 + extra)
            ),
        )
        text = drop_zeros(text)
    return text


def format_p_relation(p: Number | None, style: Style, alpha: Number = 0.05) -> str:
    """P value with the sign that stands behind the letter.

    Examples
    --------
    >>> format_p_relation(0.0037, STYLES["paper"]), format_p_relation(0.00002, STYLES["paper"])
    ('= 0.0037', '<0.0001')
    """
    text = format_p(p, style, alpha)
    return text if text.startswith(("<", ">")) else f"= {text}"


def _p_on_its_side(value: Fraction, level: Fraction, text_with: Callable[[int], str]) -> str:
    # A P of 0.0496 may not print as 0.05: digits are added until the text is on the side of the value.
    for extra in range(12):
        text = text_with(extra)
        if (Fraction(text) < level) == (value < level):
            return text
    return text_with(12)


def format_percent(part: Number | None, style: Style) -> str:
    """A proportion (0 to 1) as a percentage without its sign.

    Examples
    --------
    >>> format_percent(Fraction(9, 34), STYLES["paper"]), format_percent(Fraction(2, 2), STYLES["paper"])
    ('26.5', '100')
    >>> format_percent(Fraction(2, 2), STYLES["default"])
    '100.0'
    """
    if part is None or _is_undefined(part):
        return style.not_estimable
    value = 100 * exact(part)
    if style.percent_bare_ends and value in (0, 100):
        return str(int(value))
    return true_minus(round_half_up(value, style.percent_decimals))


def format_count_percent(count: int, total: int, style: Style) -> str:
    """``9 (26.5)``; a count of nobody has no percentage.

    Examples
    --------
    >>> format_count_percent(9, 34, STYLES["paper"])
    '9 (26.5)'
    """
    return f"{count} ({format_percent(Fraction(count, total) if total else None, style)})"


def format_number(value: Number | None, style: Style, decimals: int | None = None) -> str:
    """A measured number: as many decimals as it needs, at most those that make three significant digits.

    Examples
    --------
    >>> [format_number(x, STYLES["default"]) for x in (62.0, 56.5, 2.47583, 0.0419, -3, 318.25)]
    ['62', '56.5', '2.48', '0.042', '−3', '318.3']
    """
    if value is None or _is_undefined(value):
        return style.not_estimable
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    number = exact(value)
    if decimals is not None:
        return true_minus(round_half_up(number, decimals))
    size = abs(number)
    places = 1 if size >= 10 else 2 if size >= 1 else 3
    return true_minus(drop_zeros(round_half_up(number, places)))


def format_signed(value: Number | None, style: Style, decimals: int) -> str:
    """A difference with its sign, 0 without one.

    Examples
    --------
    >>> format_signed(17.647, STYLES["default"], 0), format_signed(-5.78, STYLES["default"], 0)
    ('+18', '−6')
    """
    if value is None or _is_undefined(value):
        return style.not_estimable
    text = round_half_up(value, decimals)
    return true_minus(text) if text.startswith("-") or not Fraction(text) else f"+{text}"


def format_interval(lower: str, upper: str, style: Style, *, separator: str = "") -> str:
    """Two written limits with the sign of the style between them; ``to`` when a limit is negative or signed.

    Examples
    --------
    >>> format_interval("36", "NA", STYLES["paper"]), format_interval("−12", "+44", STYLES["default"])
    ('36-NA', '−12 to +44')
    """
    signed = lower.startswith((MINUS, "+")) or upper.startswith((MINUS, "+"))
    return f"{lower} to {upper}" if signed else f"{lower}{separator or style.interval}{upper}"


# ---------------------------------------------------------------------------------------------------------------------
# Formats: what a cell of a table or a number of the results is written with
# ---------------------------------------------------------------------------------------------------------------------


def _limit(value: Number | None, style: Style, decimals: int | None = None) -> str:
    undefined = value is None or _is_undefined(value) or (isinstance(value, float) and math.isinf(value))
    return style.not_reached if undefined else format_number(value, style, decimals)


def _with_interval(
    value: tuple[Number | None, ...], style: Style, write: Callable[[Number | None], str], separator: str = EN_DASH
) -> str:
    """``estimate (lower–upper)``; an estimate that is not defined stands alone."""
    if _is_undefined(value[0]):
        return style.not_estimable
    middle, low, high = (write(x) for x in value)
    return f"{middle} ({format_interval(low, high, style, separator=separator)})"


def _count_percent(value: tuple[int, int], style: Style) -> str:
    return format_count_percent(value[0], value[1], style)


def _median_range(value: tuple[Number, ...], style: Style) -> str:
    return _with_interval(value, style, lambda x: format_number(x, style))


def _mean_sd(value: tuple[Number, Number], style: Style) -> str:
    if _is_undefined(value[0]):
        return style.not_estimable
    mean, sd = (format_number(x, style, None if _is_undefined(x) else 1) for x in value)
    return f"{mean} ({sd})"


def _percent_interval(value: tuple[Number, Number], style: Style) -> str:
    if all(_is_undefined(x) for x in value):
        return style.not_estimable
    lower, upper = (format_percent(x, style) for x in value)
    return format_interval(lower, upper, style, separator=EN_DASH)


def _share_interval(value: tuple[Number, ...], style: Style) -> str:
    return _with_interval(value, style, lambda x: format_percent(x, style))


def _difference(value: tuple[Number, ...], style: Style) -> str:
    def points(share: Number | None) -> str:
        number = None if share is None or _is_undefined(share) else 100 * exact(share)
        return format_signed(number, style, style.difference_decimals)

    return _with_interval(value, style, points, separator="")


def _ratio(value: tuple[Number, ...], style: Style) -> str:
    return _with_interval(value, style, lambda x: format_number(x, style))


def format_hazard_ratio(value: Number | None, style: Style) -> str:
    """A hazard ratio or a limit of one: two decimals, one from 10, none from 100, two significant digits below 0.1.

    A number that is not 1 never prints as 1.00: digits are added until it stands on its side.

    Examples
    --------
    >>> [format_hazard_ratio(x, STYLES["default"]) for x in (0.588, 0.5, 12.34, 2582.6, 0.0379, 1, 1.0002, 0.998)]
    ['0.59', '0.50', '12.3', '2583', '0.038', '1.00', '1.0002', '0.998']
    """
    if value is None or _is_undefined(value) or (isinstance(value, float) and math.isinf(value)):
        return format_number(value, style)
    number = exact(value)
    if not number or number < Fraction(1, 10000):
        return "0" if not number else "<0.0001"
    if number < Fraction(995, 10000):
        return round_significant(number, 2)
    places = 0 if number >= Fraction(9995, 100) else 1 if number >= Fraction(9995, 1000) else 2
    text = round_half_up(number, places)
    while number != 1 and Fraction(text) == 1 and places < 12:
        places += 1
        text = round_half_up(number, places)
    return text


def _hazard_ratio(value: tuple[Number, ...], style: Style) -> str:
    return _with_interval(value, style, lambda x: format_hazard_ratio(x, style))


def _time_interval(value: tuple[Number, Number, Number], style: Style) -> str:
    middle, low, high = (_limit(x, style) for x in value)
    return f"{middle} ({format_interval(low, high, style)})"


FORMATS: Mapping[str, Callable[[Any, Style], str]] = {
    "text": lambda value, _style: str(value),
    "count": lambda value, style: style.not_estimable if value is None else true_minus(str(int(value))),
    "count (percent)": _count_percent,
    "percent": format_percent,
    # A percentage that is a result, 0 to 100.
    "percentage": lambda value, style: format_percent(None if _is_undefined(value) else exact(value) / 100, style),
    "percent interval": _percent_interval,
    "percent (interval)": _share_interval,
    "median (range)": _median_range,
    "mean (SD)": _mean_sd,
    "number": format_number,
    "difference": _difference,
    "ratio": _ratio,
    "hazard ratio": format_hazard_ratio,
    "hazard ratio (interval)": _hazard_ratio,
    "time": _limit,
    "time (interval)": _time_interval,
    # A P value brings its alpha along, because the text may not cross it.
    "p": lambda value, style: format_p(value[0], style, value[1]),
}
"""Format name -> function of a value and a style."""
