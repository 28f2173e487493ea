"""A printed cell as its parts, and whether a number would be printed so.

The digits of a printed number say how exactly it is known. Counts are compared as exact rationals and the printed
string as an exact decimal: a float of the string would decide ties by its last bit.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from cohortstats.errors import InputError

__all__ = ["Cell", "Rounding", "fold_text", "half_up_text", "is_not_reached", "parse_cell", "rounds_to"]

Rounding = Literal["agrees", "last digit", "differs"]

NOT_REACHED = frozenset({"na", "nr", "ne", "n/a", "–", "-", "—"})
NOT_SIGNIFICANT = frozenset({"ns", "n.s."})
SIGNS = str.maketrans({"·": ".", "−": "-", "≤": "≤", "≦": "≤", "≧": "≥"})

_NUMBER = r"[<>≤≥]?\s*[+-]?(?:\d+(?:\.\d+)?|\.\d+)"
_WORD = r"NA|NR|NE|N/A|NS|n\.s\.|–|—|-"
_ONE = re.compile(rf"({_NUMBER}|{_WORD})\s*%?", re.IGNORECASE)
_RANGE = re.compile(rf"({_NUMBER}|{_WORD})\s*%?\s*(?:-|–|—|−|\bto\b|,)\s*({_NUMBER}|{_WORD})\s*%?", re.IGNORECASE)
_PARENTHESES = re.compile(r"(.+?)\s*[(\[](.*)[)\]]")
_PLUS_MINUS = re.compile(rf"({_NUMBER})\s*±\s*({_NUMBER})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Parts of a printed cell, each a string as printed; what the cell does not hold is empty.

    Parameters
    ----------
    value
        The number in front.
    inner
        The single number in parentheses, or behind ±.
    lower, upper
        The two ends of a range.
    """

    value: str = ""
    inner: str = ""
    lower: str = ""
    upper: str = ""


def fold_text(text: str) -> str:
    """Full-width digits and signs as plain ones, the raised dot as a decimal point.

    Examples
    --------
    >>> fold_text("９（26·5）")
    '9(26.5)'
    """
    return unicodedata.normalize("NFKC", text.translate(SIGNS)).translate(SIGNS).strip()


def parse_cell(text: str, *, decimal: Literal[".", ","] = ".") -> Cell:
    """Parts of a printed cell.

    Parameters
    ----------
    text
        The cell as it stands in print.
    decimal
        Decimal mark of the paper.

    Raises
    ------
    InputError
        When the cell has none of the forms ``9 (26.5)``, ``62 (38–84)``, ``0.55–0.77``, ``62 ± 8``, ``0.438``.

    Examples
    --------
    >>> parse_cell("9 (26.5)")
    Cell(value='9', inner='26.5', lower='', upper='')
    >>> parse_cell("56.6 (36-NA)")
    Cell(value='56.6', inner='', lower='36', upper='NA')
    >>> parse_cell(".438").value, parse_cell("<.001").value
    ('0.438', '<0.001')
    >>> parse_cell("0.55–0.77")
    Cell(value='', inner='', lower='0.55', upper='0.77')
    """
    folded = fold_text(text)
    if decimal == ",":
        folded = re.sub(r"(?<=\d),(?=\d)", ".", folded)
    if not folded:
        return Cell()
    one = _ONE.fullmatch(folded)
    if one:
        return Cell(value=_plain(one[1]))
    spread = _PLUS_MINUS.fullmatch(folded)
    if spread:
        return Cell(value=_plain(spread[1]), inner=_plain(spread[2]))
    outer = _PARENTHESES.fullmatch(folded)
    front = _ONE.fullmatch(outer[1]) if outer else None
    inside = outer[2].strip() if outer and front else folded
    one, both = _ONE.fullmatch(inside), _RANGE.fullmatch(inside)
    value = _plain(front[1]) if front else ""
    if both:
        return Cell(value=value, lower=_plain(both[1]), upper=_plain(both[2]))
    if front and one:
        return Cell(value=value, inner=_plain(one[1]))
    raise InputError(f"'{text}' is not 'n (percent)', 'value (lower–upper)', a range or a number.")


def _plain(number: str) -> str:
    """Without blanks; with the zero in front of the point that some journals leave out."""
    return re.sub(r"(?<!\d)\.(?=\d)", "0.", re.sub(r"\s+", "", number))


def is_not_reached(text: str) -> bool:
    """Whether a printed limit says that it was not reached."""
    return fold_text(text).casefold() in NOT_REACHED


def rounds_to(value: Fraction | float, text: str, *, alpha: Fraction = Fraction(1, 20)) -> Rounding:
    """Whether an exact value, printed at the digits of ``text``, gives ``text``.

    Parameters
    ----------
    value
        A count or ratio as a Fraction (or int), any other statistic as a float. A float is taken by its exact binary
        value, except that one within 1e-12 (relative) of a boundary of rounding is taken to be on it. nan and inf mean
        that there is no such limit.
    text
        The printed string: a number, ``<0.001``, ``>0.99``, ``NS`` or a word for a limit that was not reached.
    alpha
        Level above which ``NS`` stands.

    Returns
    -------
    ``agrees``: half-up (away from zero at a tie) gives the string. ``last digit``: cutting or rounding half to even
    gives it. ``differs``: none of these.

    Examples
    --------
    >>> rounds_to(Fraction(900, 34), "26.5"), rounds_to(Fraction(400, 34), "11.7"), rounds_to(Fraction(10, 34), "43")
    ('agrees', 'last digit', 'differs')
    >>> rounds_to(Fraction(200, 16), "13"), rounds_to(Fraction(200, 16), "12"), rounds_to(float("nan"), "NA")
    ('agrees', 'last digit', 'agrees')
    """
    folded = _plain(fold_text(text)).removesuffix("%")
    undefined = isinstance(value, float) and not math.isfinite(value)
    if folded.casefold() in NOT_REACHED:
        return "agrees" if undefined else "differs"
    if undefined:
        return "differs"
    exact = Fraction(value)
    if folded.casefold() in NOT_SIGNIFICANT:
        return "agrees" if exact >= alpha else "differs"
    side = folded[:1] if folded[:1] in "<>≤≥" else ""
    digits = folded.removeprefix(side)
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?", digits):
        raise InputError(f"'{text}' is not a printed number.")
    printed = Fraction(Decimal(digits))
    unit = Fraction(1, 10 ** len(digits.partition(".")[2]))
    if isinstance(value, float):
        exact = _on_boundary(exact, unit / 2)
    if side:
        beyond = {"<": exact < printed, ">": exact > printed, "≤": exact <= printed, "≥": exact >= printed}
        return "agrees" if beyond[side] else "differs"
    if _half_up(exact / unit) * unit == printed:
        return "agrees"
    cut = int(exact / unit) * unit
    half_even = round(exact / unit) * unit
    return "last digit" if printed in (cut, half_even) else "differs"


def half_up_text(value: Fraction, digits: int) -> str:
    """An exact value at so many digits, rounded half-up.

    Examples
    --------
    >>> half_up_text(Fraction(1000, 34), 1), half_up_text(Fraction(200, 16), 0)
    ('29.4', '13')
    """
    return f"{Decimal(_half_up(value * 10**digits)).scaleb(-digits):f}"


def _half_up(steps: Fraction) -> int:
    size = math.floor(abs(steps) + Fraction(1, 2))
    return size if steps >= 0 else -size


def _on_boundary(exact: Fraction, half: Fraction) -> Fraction:
    """The nearest multiple of half a unit, when it is nearer than the error of a float computation."""
    nearest = round(exact / half) * half
    return nearest if abs(exact - nearest) <= abs(nearest) * Fraction(1, 10**12) else exact
