"""How numbers are written. This is the only rounding in the package.

Rounding is decimal half-up of the exact value: 2 of 16 is 12.5 % and prints 13 without decimals, where binary rounding
and C's ``printf`` print 12. Counts are kept as integers and fractions until here; a float stands for the decimal that
its shortest text names.

Styles are data: a correction of a journal's rule is one line in :data:`STYLES`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, Literal

__all__ = [
    "FORMATS",
    "STYLES",
    "Decimals",
    "Number",
    "Style",
    "format_alpha",
    "format_count_percent",
    "format_exact",
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
MIDDLE_DOT = "\u00b7"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decimals:
    """Decimals of a share by the number of patients that it is a share of: ``many`` from ``since`` patients on.

    Examples
    --------
    >>> rule = Decimals(few=0, many=1, since=100)
    >>> rule.of(34), rule.of(100), rule.of(None)
    (0, 1, 1)
    """

    few: int
    many: int
    since: int = 0

    def of(self, total: int | None) -> int:
        """Decimals of a share of ``total`` patients; None, which is of no counted patients, has those of many."""
        return self.few if total is not None and total < self.since else self.many


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """The rules of one house style.

    Parameters
    ----------
    p_rule
        ``"three decimals"``: three decimals from 0.01, below two significant digits, trailing zeros dropped.
        ``"two significant"``: two significant digits. ``"two decimals"``: two decimals, three below 0.01.
    p_least
        P values below print as ``<`` this.
    p_near_one
        Whether P values from 0.995 on print as ``>0.99``.
    p_leading_zero
        Whether a zero stands in front of the point of a P value.
    percent, difference
        Decimals of a percentage and of a difference in percentage points.
    percent_bare_ends
        Whether exact 0 and 100 print without decimals.
    interval
        Sign between the limits of a time; `` to `` whenever a limit is negative.
    range
        Sign between all other limits.
    not_estimable, not_reached
        What an undefined number and an unreached limit print as.
    point
        The decimal point.
    """

    name: str
    p_rule: Literal["three decimals", "two significant", "two decimals"]
    p_least: Fraction
    percent: Decimals
    difference: Decimals
    p_near_one: bool = True
    p_leading_zero: bool = True
    percent_bare_ends: bool = False
    interval: str = EN_DASH
    range: str = EN_DASH
    not_estimable: str = "NE"
    not_reached: str = "NR"
    point: str = "."


_NONE = Decimals(few=0, many=0)
_ONE = Decimals(few=1, many=1)
_ONE_FROM_100 = Decimals(few=0, many=1, since=100)
_ONE_ABOVE_10_000 = Decimals(few=0, many=1, since=10_001)

STYLES: Mapping[str, Style] = {
    "default": Style(
        name="default", p_rule="two significant", p_least=Fraction(1, 1000), percent=_ONE, difference=_NONE
    ),
    # As Sakai et al. 2018 print: "0.05", "0 (0)", "56.6 (36-NA)".
    "paper": Style(
        name="paper",
        p_rule="three decimals",
        p_least=Fraction(1, 10_000),
        p_near_one=False,
        percent=_ONE,
        difference=_ONE,
        percent_bare_ends=True,
        interval="-",
        not_estimable="NA",
        not_reached="NA",
    ),
    # AMA Manual of Style; JMIR on percentages of fewer than 100.
    "jama": Style(
        name="jama",
        p_rule="two decimals",
        p_least=Fraction(1, 1000),
        p_leading_zero=False,
        percent=_ONE_FROM_100,
        difference=_ONE_FROM_100,
    ),
    "nejm": Style(name="nejm", p_rule="two decimals", p_least=Fraction(1, 1000), percent=_ONE, difference=_ONE),
    "lancet": Style(
        name="lancet",
        p_rule="two significant",
        p_least=Fraction(1, 10_000),
        percent=_ONE_ABOVE_10_000,
        difference=_ONE_ABOVE_10_000,
        interval=f" {EN_DASH} ",
        range=f" {EN_DASH} ",
        point=MIDDLE_DOT,
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


def _in_style(text: str, style: Style) -> str:
    """A written number with the minus and the point of a style."""
    return true_minus(text).replace(".", style.point)


def _is_undefined(value: Number | None) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def format_p(p: Number | None, style: Style, alpha: Number = 0.05) -> str:
    """P value in a style, never on the other side of ``alpha`` than the exact value; an exact ``alpha`` prints as it.

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
    >>> [format_p(0.0451, STYLES[name]) for name in ("jama", "nejm", "lancet")]
    ['.045', '0.045', '0·045']
    """
    if p is None or _is_undefined(p):
        return style.not_estimable
    value, level = exact(p), exact(alpha)
    return _p_in_style(_p_text(value, level, style), style)


def format_alpha(alpha: Number, style: Style) -> str:
    """The level of significance as the style writes P values.

    Examples
    --------
    >>> [format_alpha(0.05, STYLES[name]) for name in ("default", "jama", "lancet")]
    ['0.05', '.05', '0·05']
    """
    return _p_in_style(_decimal_text(alpha), style)


def _p_in_style(text: str, style: Style) -> str:
    sign, number = (text[0], text[1:]) if text[:1] in "<>" else ("", text)
    if not style.p_leading_zero and number.startswith("0."):
        number = number[1:]
    return sign + number.replace(".", style.point)


def _p_text(value: Fraction, level: Fraction, style: Style) -> str:
    # "<0.001" says the side only of an alpha that is not below 0.001: below the least of a lower one, if at all.
    least = style.p_least
    while least > level > 0:
        least /= 10
    if value < least:
        return f"<{_decimal_text(least)}"
    # "0.95" is all there is to say of 1 where alpha is above 0.99.
    if style.p_near_one and value >= Fraction(995, 1000) and level <= Fraction(99, 100):
        return ">0.99"
    for extra in range(_MOST_DIGITS):
        text = _p_digits(value, style, extra)
        shown = Fraction(text)
        if (shown < level) == (value < level) and (value != level or shown == level):
            return text
    # So near below alpha that no digits show it.
    return f"<{_decimal_text(level)}" if value < level else _decimal_text(level)


_MOST_DIGITS = 16


def _p_digits(value: Fraction, style: Style, extra: int) -> str:
    if style.p_rule == "two significant":
        return round_significant(value, 2 + extra)
    if style.p_rule == "two decimals":
        return round_half_up(value, (2 if value >= Fraction(1, 100) else 3) + extra)
    small = value < Fraction(1, 100)
    return drop_zeros(round_significant(value, 2 + extra) if small else round_half_up(value, 3 + extra))


def _decimal_text(value: Number) -> str:
    """All digits of a number that has an end, without an exponent."""
    number = exact(value)
    for places in range(400):
        if 10**places * number == (10**places * number).__floor__():
            return round_half_up(number, places)
    return round_half_up(number, 6)


def format_p_relation(p: Number | None, style: Style, alpha: Number = 0.05) -> str:
    """P value with the sign that stands behind the letter.

    Examples
    --------
    >>> format_p_relation(0.0037, STYLES["paper"]), format_p_relation(0.00002, STYLES["paper"])
    ('= 0.0037', '<0.0001')
    """
    text = format_p(p, style, alpha)
    return text if text.startswith(("<", ">")) else f"= {text}"


def format_percent(part: Number | None, style: Style, total: int | None) -> str:
    """A proportion (0 to 1) as a percentage without its sign.

    Parameters
    ----------
    part
        The proportion; ``nan`` or None prints as not estimable.
    total
        Patients that it is a share of: some styles print no decimals of few. None for a share of nothing counted.

    Examples
    --------
    >>> [format_percent(Fraction(9, 34), style, 34) for style in STYLES.values()]
    ['26.5', '26.5', '26', '26.5', '26']
    >>> format_percent(Fraction(2, 2), STYLES["paper"], 2), format_percent(Fraction(2, 2), STYLES["default"], 2)
    ('100', '100.0')
    """
    if part is None or _is_undefined(part):
        return style.not_estimable
    value = 100 * exact(part)
    if style.percent_bare_ends and value in (0, 100):
        return str(int(value))
    return _in_style(round_half_up(value, style.percent.of(total)), style)


def format_count_percent(count: int, total: int, style: Style) -> str:
    """``9 (26.5)``; a count of nobody has no percentage.

    Examples
    --------
    >>> format_count_percent(9, 34, STYLES["paper"])
    '9 (26.5)'
    """
    return f"{count} ({format_percent(Fraction(count, total) if total else None, style, total)})"


def format_exact(value: Number, style: Style) -> str:
    """A number that somebody gave, such as a landmark, with all its digits.

    Examples
    --------
    >>> format_exact(90.0, STYLES["default"]), format_exact(30.4375, STYLES["lancet"])
    ('90', '30·4375')
    """
    return _in_style(_decimal_text(value), style)


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
        return _in_style(round_half_up(number, decimals), style)
    size = abs(number)
    places = 1 if size >= 10 else 2 if size >= 1 else 3
    return _in_style(drop_zeros(round_half_up(number, places)), style)


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
    return _in_style(text if text.startswith("-") or not Fraction(text) else f"+{text}", style)


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


def _with_interval(value: tuple[Number | None, ...], style: Style, write: Callable[[Number | None], str]) -> str:
    """``estimate (lower–upper)``; an estimate that is not defined stands alone."""
    if _is_undefined(value[0]):
        return style.not_estimable
    middle, low, high = (write(x) for x in value)
    return f"{middle} ({format_interval(low, high, style, separator=style.range)})"


def _count_percent(value: tuple[int, int], style: Style) -> str:
    return format_count_percent(value[0], value[1], style)


def _median_range(value: tuple[Number, ...], style: Style) -> str:
    return _with_interval(value, style, lambda x: format_number(x, style))


def _mean_sd(value: tuple[Number, Number], style: Style) -> str:
    if _is_undefined(value[0]):
        return style.not_estimable
    mean, sd = (format_number(x, style, None if _is_undefined(x) else 1) for x in value)
    return f"{mean} ({sd})"


def _percent_interval(value: tuple[Number, Number, int | None], style: Style) -> str:
    low, high, total = value
    if _is_undefined(low) and _is_undefined(high):
        return style.not_estimable
    lower, upper = (format_percent(x, style, total) for x in (low, high))
    return format_interval(lower, upper, style, separator=style.range)


def _share_interval(value: tuple[Number, Number, Number, int | None], style: Style) -> str:
    *shares, total = value
    return _with_interval(tuple(shares), style, lambda x: format_percent(x, style, total))


def _difference(value: tuple[Number, Number, Number, int | None], style: Style) -> str:
    *shares, total = value

    def points(share: Number | None) -> str:
        number = None if share is None or _is_undefined(share) else 100 * exact(share)
        return format_signed(number, style, style.difference.of(total))

    return _with_interval(tuple(shares), style, points)


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
        return "0" if not number else f"<0{style.point}0001"
    if number < Fraction(995, 10000):
        return _in_style(round_significant(number, 2), style)
    places = 0 if number >= Fraction(9995, 100) else 1 if number >= Fraction(9995, 1000) else 2
    text = round_half_up(number, places)
    while number != 1 and Fraction(text) == 1 and places < 12:
        places += 1
        text = round_half_up(number, places)
    return _in_style(text, style)


def _hazard_ratio(value: tuple[Number, ...], style: Style) -> str:
    return _with_interval(value, style, lambda x: format_hazard_ratio(x, style))


def _time_interval(value: tuple[Number, Number, Number], style: Style) -> str:
    middle, low, high = (_limit(x, style) for x in value)
    return f"{middle} ({format_interval(low, high, style)})"


FORMATS: Mapping[str, Callable[[Any, Style], str]] = {
    "text": lambda value, _style: str(value),
    # A measured number as its file holds it, every digit kept.
    "digits": lambda value, style: re.sub(r"(?<=\d)\.(?=\d)", style.point, str(value)),
    "count": lambda value, style: style.not_estimable if value is None else true_minus(str(int(value))),
    "count (percent)": _count_percent,
    # A share brings along how many patients it is of, since styles print fewer decimals of few.
    "percent": lambda value, style: format_percent(value[0], style, value[1]),
    # A percentage that is a result, 0 to 100.
    "percentage": lambda value, style: format_percent(
        None if _is_undefined(value[0]) else exact(value[0]) / 100, style, value[1]
    ),
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
