"""Which values print as a string: the digits of a printed number say how exactly it is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from cohortstats.printed import fold_text, rounds_to
from cohortstats.printed.cells import NOT_SIGNIFICANT
from cohortstats.published.audit.finding import Verdict

__all__ = [
    "ValueSet",
    "decimals",
    "fits",
    "number_of",
    "p_set",
    "printed_set",
    "rounding_names",
    "shown",
    "shown_range",
    "unit_of",
]

_PLAIN = re.compile(r"([<>≤≥]?)([+-]?)(\d+(?:\.\d+)?)%?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSet:
    """An interval of values; an end belongs to it when it is closed.

    Parameters
    ----------
    low, high
        Its ends.
    low_closed, high_closed
        Whether they belong to it.
    """

    low: Fraction
    high: Fraction
    low_closed: bool = True
    high_closed: bool = False

    def __contains__(self, value: Fraction | int) -> bool:
        above = value > self.low or (self.low_closed and value == self.low)
        return above and (value < self.high or (self.high_closed and value == self.high))

    def meets(self, other: ValueSet) -> bool:
        """Whether some value is in both."""
        first, second = sorted((self, other), key=lambda one: (one.low, not one.low_closed))
        if second.low < first.high:
            return True
        return second.low == first.high and first.high_closed and second.low_closed


def number_of(text: str) -> Fraction | None:
    """The number of a printed string, as an exact decimal; None for a word or a bound such as ``<0.001``.

    Examples
    --------
    >>> number_of("26.5"), number_of("NA"), number_of("<0.001")
    (Fraction(53, 2), None, None)
    """
    match = _PLAIN.fullmatch(fold_text(text).replace(" ", ""))
    return Fraction(Decimal(match[2] + match[3])) if match and not match[1] else None


def decimals(text: str) -> int:
    """Digits behind the point of a printed number.

    Examples
    --------
    >>> decimals("0.438"), decimals("62")
    (3, 0)
    """
    return len(fold_text(text).rstrip("%").partition(".")[2])


def unit_of(text: str) -> Fraction:
    """One unit of the last digit."""
    return Fraction(1, 10 ** decimals(text))


def printed_set(text: str) -> ValueSet | None:
    """Values that print as a number, rounded half-up: ``[s - u, s + u)``; None where no number is printed.

    Examples
    --------
    >>> printed_set("0.55")
    ValueSet(low=Fraction(109, 200), high=Fraction(111, 200), low_closed=True, high_closed=False)
    """
    value = number_of(text)
    if value is None:
        return None
    half = unit_of(text) / 2
    # Half-up is away from zero: below zero the other end belongs to the set.
    return ValueSet(low=value - half, high=value + half, low_closed=value > 0, high_closed=value < 0)


def p_set(text: str, alpha: Fraction = Fraction(1, 20)) -> ValueSet | None:
    """P values that print as a string: ``<0.001`` is (0, .001), ``NS`` is [α, 1]; half-up ends at 1.

    Examples
    --------
    >>> p_set("<0.001").high, p_set("NS").low, p_set("1.00").high, p_set("NS").high_closed
    (Fraction(1, 1000), Fraction(1, 20), Fraction(1, 1), True)
    """
    folded = fold_text(text).replace(" ", "")
    if folded.casefold() in NOT_SIGNIFICANT:
        return ValueSet(low=alpha, high=Fraction(1), high_closed=True)
    match = _PLAIN.fullmatch(folded)
    if match is None or match[2] == "-":
        return None
    value = Fraction(Decimal(match[3]))
    if match[1] in ("<", "≤"):
        return ValueSet(low=Fraction(0), high=value, low_closed=False, high_closed=match[1] == "≤")
    if match[1] in (">", "≥"):
        return ValueSet(low=value, high=Fraction(1), low_closed=match[1] == "≥", high_closed=True)
    half = unit_of(folded) / 2
    low, high = max(value - half, Fraction(0)), value + half
    return ValueSet(low=low, high=min(high, Fraction(1)), low_closed=low > 0, high_closed=high > 1)


def rounding_names(value: Fraction | float, text: str) -> tuple[str, ...]:
    """The ways of rounding, of half-up, cut and half-even, by which a value prints as a string.

    Examples
    --------
    >>> rounding_names(Fraction(400, 34), "11.7"), rounding_names(Fraction(25, 2), "12"), rounding_names(5, "5.0")
    (('cut',), ('cut', 'half-even'), ('half-up', 'cut', 'half-even'))
    """
    exact, printed, unit = Fraction(value), number_of(text), unit_of(text)
    found = []
    if rounds_to(value, text) == "agrees":
        found.append("half-up")
    if printed is not None:
        size, shown_size = abs(exact), abs(printed)
        same_sign = not printed or (exact > 0) == (printed > 0)
        if same_sign and shown_size <= size < shown_size + unit:
            found.append("cut")
        steps = shown_size / unit
        even = steps.numerator % 2 == 0 and steps.denominator == 1
        near = abs(size - shown_size)
        if same_sign and (near < unit / 2 or (near == unit / 2 and even)):
            found.append("half-even")
    return tuple(found)


def fits(value: Fraction | float, text: str, *, alpha: Fraction = Fraction(1, 20)) -> tuple[Verdict, str]:
    """Verdict on one value and one string, and how it was rounded where that is not half-up.

    Examples
    --------
    >>> fits(Fraction(900, 34), "26.5"), fits(Fraction(400, 34), "11.7"), fits(Fraction(1000, 34), "43")
    (('holds', ''), ('last digit', 'cut'), ('cannot hold', ''))
    """
    answer = rounds_to(value, text, alpha=alpha)
    if answer == "agrees":
        return "holds", ""
    if answer == "last digit":
        return "last digit", " or ".join(rounding_names(value, text)) or "cut"
    return "cannot hold", ""


def shown(value: Fraction | float, digits: int = 6) -> str:
    """A number at so many significant digits, for a note.

    Examples
    --------
    >>> shown(Fraction(1, 3), 4), shown(0.0000052034567)
    ('0.3333', '5.20346e-6')
    """
    text = f"{float(value):.{digits}g}"
    return re.sub(r"e([+-])0*(\d)", lambda m: f"e{'-' if m[1] == '-' else ''}{m[2]}", text)


def shown_range(low: Fraction | float, high: Fraction | float, digits: int = 6) -> str:
    """Two numbers with a dash between them.

    Examples
    --------
    >>> shown_range(0.00924749, 0.0130289)
    '0.00924749–0.0130289'
    """
    return f"{shown(low, digits)}–{shown(high, digits)}"
