"""Numbers of a file: our own grammar, because Python's ``float`` accepts too much (``inf``, ``1_000``, ``١``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cohortstats.files.folding import fold
from cohortstats.files.table import Fault

__all__ = ["NumberRules", "ParsedNumber", "is_plain_number", "parse_number", "parse_with_flags"]

_PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_COMMAS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?|[+-]?[0-9]+,[0-9]+")
_LIMIT = re.compile(
    r"(?P<sign><=|>=|<|>)\s*(?P<number>[+-]?[0-9][0-9.,]*\s*\S*)|(?P<first>[+-]?[0-9][0-9.,]*)\s*(?P<word>未満|以下|以上|超)"
)
_SIGNS = {"未満": "<", "以下": "<=", "以上": ">=", "超": ">"}
_INTERVAL = re.compile(r"(?P<low>[0-9]+(\.[0-9]+)?)\s*[-~]\s*(?P<high>[0-9]+(\.[0-9]+)?)")
_WITH_UNIT = re.compile(r"(?P<number>[+-]?[0-9]+(?:\.[0-9]+)?)(?P<space>\s*)(?P<unit>[^\W\d_].*|°.*|/.*)")
_ADD = "Correct the cell, or add it to study.missing."


is_plain_number = _PLAIN.fullmatch
"""Whether a text is digits, a point and an exponent, which say the same under every rule without decimal, thousands,
footnotes and ``integer``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRules:
    """What a column says of its numbers."""

    integer: bool = False
    unit: str = ""
    thousands: str = ""
    decimal: str = ""
    units: Mapping[str, float] = field(default_factory=dict)
    beyond: str | float = ""
    interval: str = ""
    footnotes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedNumber:
    """What a cell counts as, None for missing, and what a rule changed: flag -> text."""

    value: float | None
    flags: Mapping[str, str] = field(default_factory=dict)


def parse_with_flags(text: str, rules: NumberRules) -> ParsedNumber | Fault:
    """The number that a folded cell counts as under the rules of its column, or what is wrong with it.

    Examples
    --------
    >>> rules = NumberRules(beyond="half", interval="mid", footnotes=("a",), unit="mg/dL", units={"g/L": 100.0})
    >>> [parse_with_flags(text, rules).value for text in ("<1", "3-5", "18a", "2 g/L", "7 mg/dL")]
    [0.5, 4.0, 18.0, 200.0, 7.0]
    >>> parse_with_flags("<1", rules).flags, parse_with_flags(">10", rules).code
    ({'beyond': '<'}, 'number-inequality')
    """
    flags: dict[str, str] = {}
    for mark in rules.footnotes:
        if text.endswith(mark) and _PLAIN.fullmatch(text.removesuffix(mark).rstrip()):
            flags["footnote"] = mark
            text = text.removesuffix(mark).rstrip()
            break
    value = _ruled(text, rules, flags)
    if isinstance(value, Fault):
        return value
    if rules.integer and value is not None and not value.is_integer():
        return Fault(code="number-not-integer", message=f"'{text}' is not whole.", mend=_ADD)
    return ParsedNumber(value=value, flags=flags)


def _ruled(text: str, rules: NumberRules, flags: dict[str, str]) -> float | Fault | None:
    """A number, or what a rule makes of a limit, an interval or another unit."""
    limit = _LIMIT.fullmatch(text) if rules.beyond != "" else None
    if limit is not None:
        number = _value((limit["number"] or limit["first"]).strip(), rules)
        sign = limit["sign"] or _SIGNS[limit["word"]]
        if isinstance(number, Fault):
            return number
        if rules.beyond == "half" and sign.startswith(">"):
            message = f"'{text}' is an upper limit, which has no half."
            return Fault(
                code="number-inequality", message=message, mend='Declare beyond = "limit", "missing" or a number.'
            )
        flags["beyond"] = sign
        return {"limit": number, "half": number / 2, "missing": None}.get(str(rules.beyond), _as_number(rules.beyond))
    between = _INTERVAL.fullmatch(text) if rules.interval else None
    if between is not None:
        low, high = float(between["low"]), float(between["high"])
        if low > high:
            return Fault(code="number-range", message=f"'{text}' begins above its end.", mend=_ADD)
        flags["interval"] = text
        return {"low": low, "mid": (low + high) / 2, "high": high}[rules.interval]
    other = _WITH_UNIT.fullmatch(text) if rules.units else None
    if other is not None:
        factors = {fold(unit): (unit, factor) for unit, factor in rules.units.items()}
        if (unit := other["unit"].strip()) in factors:
            written, factor = factors[unit]
            flags["unit"] = written
            return float(other["number"]) * factor
    return _value(text, rules)


def _as_number(beyond: str | float) -> float | None:
    return None if isinstance(beyond, str) else float(beyond)


def parse_number(text: str, rules: NumberRules) -> float | Fault:
    """The number that a folded cell holds, or what is wrong with it.

    Examples
    --------
    >>> parse_number("12.50", NumberRules())
    12.5
    >>> parse_number("1,234", NumberRules()).message
    "'1,234' could be 1234 or 1.234."
    >>> parse_number("1.234,5", NumberRules(decimal=",", thousands="."))
    1234.5
    >>> parse_number("12 mg/dL", NumberRules(unit="mg/dL"))
    12.0
    >>> [parse_number(text, NumberRules()).code for text in ("<1", "3-5", "inf", "12.5%")]
    ['number-inequality', 'number-range', 'number-invalid', 'number-unit']
    """
    found = parse_with_flags(text, rules)
    if isinstance(found, Fault):
        return found
    assert found.value is not None  # only a rule for limits makes a cell missing, and it is read with its flags
    return found.value


def _value(text: str, rules: NumberRules) -> float | Fault:
    if _PLAIN.fullmatch(text) and not rules.decimal and not rules.thousands:
        return _finite(text, text)
    if text.endswith("%") and _PLAIN.fullmatch(text[:-1].rstrip()):
        return _percent(text, rules)
    if _LIMIT.fullmatch(text):
        mend = "Correct the cell, declare beyond, or add it to study.missing."
        return Fault(code="number-inequality", message=f"'{text}' is a limit, not a number.", mend=mend)
    if rules.decimal or rules.thousands:
        return _declared(text, rules)
    if _INTERVAL.fullmatch(text):
        mend = "Correct the cell, declare interval, or add it to study.missing."
        return Fault(code="number-range", message=f"'{text}' is an interval, not a number.", mend=mend)
    if _COMMAS.fullmatch(text):
        return _comma(text)
    found = _WITH_UNIT.fullmatch(text)
    return _invalid(text) if found is None else _united(text, found, rules)


def _finite(text: str, shown: str) -> float | Fault:
    value = float(text)
    return value if abs(value) != float("inf") else _invalid(shown)


def _invalid(text: str) -> Fault:
    return Fault(code="number-invalid", message=f"'{text}' is not a number.", mend=_ADD)


def _percent(text: str, rules: NumberRules) -> float | Fault:
    number = float(text[:-1])
    if rules.unit == "percent":
        return number
    if rules.unit == "fraction":
        return float(f"{text[:-1].strip()}e-2") if "e" not in text.lower() else number / 100
    message = f"'{text}' carries % and no unit is declared."
    return Fault(code="number-unit", message=message, mend='Declare unit = "percent" or "fraction".')


def _declared(text: str, rules: NumberRules) -> float | Fault:
    decimal = rules.decimal or "."
    whole, point, digits = text.partition(decimal)
    if rules.thousands and rules.thousands in whole:
        groups = whole.split(rules.thousands)
        if not re.fullmatch(r"[+-]?[0-9]{1,3}", groups[0]) or any(not re.fullmatch("[0-9]{3}", g) for g in groups[1:]):
            if rules.thousands == ",":
                message = f"'{text}' is not in groups of three."
                return Fault(code="number-comma", message=message, mend="Correct the cell, or declare decimal.")
            return _invalid(text)
        whole = "".join(groups)
    plain = f"{whole}.{digits}" if point else whole
    return _finite(plain, text) if _PLAIN.fullmatch(plain) else _invalid(text)


def _comma(text: str) -> Fault:
    readings = [text.replace(",", "")]
    if text.count(",") == 1 and "." not in text:
        readings.append(text.replace(",", "."))
    grouped = re.fullmatch(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", text)
    shown = " or ".join(readings if grouped else readings[1:])
    return Fault(code="number-comma", message=f"'{text}' could be {shown}.", mend="Declare thousands or decimal.")


def _united(text: str, found: re.Match[str], rules: NumberRules) -> float | Fault:
    unit = found["unit"].strip()
    if rules.unit and unit == fold(rules.unit):
        return float(found["number"])
    # A letter at once behind the digits is a footnote mark; digits in the rest are no unit we know.
    if re.search("[0-9]", unit) or (not found["space"] and len(unit) == 1 and unit.isascii()):
        return _invalid(text)
    expected = f"expected {rules.unit}" if rules.unit else "and no unit is declared"
    return Fault(
        code="unit-mismatch", message=f"'{text}' is in {unit}, {expected}.", mend="Correct the cell, or the unit."
    )
