"""One spelling for what a hand may write in several: widths, dashes, signs.

Folding serves comparison. What was written is kept and shown as it was.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["fold", "fold_id", "fold_name"]

# What NFKC leaves apart although a reader sees no difference.
_SIGNS = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "—": "-",
        "‐": "-",
        "‑": "-",
        "≧": ">=",
        "≥": ">=",
        "≦": "<=",
        "≤": "<=",
        "◯": "○",
        "〇": "○",
        "✕": "×",
        "✗": "×",
        "〜": "~",
    }
)
# The Japanese long-vowel mark is a minus only where a digit follows; elsewhere it is a letter (データ).
_LONG_VOWEL = re.compile(r"ー(?=[0-9])")
_CAPITAL_MU = re.compile(r"Μ(?=[Llgm])")
_SPACES = re.compile(r"\s+")


def fold(text: str) -> str:
    """The comparable spelling of a cell: outer space removed, widths, dashes and signs made one.

    Examples
    --------
    >>> fold("　１２．５ ")
    '12.5'
    >>> fold("−3"), fold("－３"), fold("ー3"), fold("≧１０"), fold("データ")
    ('-3', '-3', '-3', '>=10', 'データ')
    >>> fold("〇"), fold("5 µL") == fold("5 Μl").replace("l", "L")
    ('○', True)
    """
    text = text.strip()
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text).translate(_SIGNS).strip()
    return _CAPITAL_MU.sub("μ", _LONG_VOWEL.sub("-", text))


def fold_name(name: str) -> str:
    """The comparable spelling of a column name: as :func:`fold`, and line breaks and runs of space are one space.

    Examples
    --------
    >>> fold_name("Ｔ-DM1\\n開始日")
    'T-DM1 開始日'
    """
    return _SPACES.sub(" ", fold(name))


def fold_id(text: str) -> str:
    """What is left of an id when width, case and space say nothing; two ids with the same rest are suspicious.

    Examples
    --------
    >>> fold_id("Ｐ 01") == fold_id("p01")
    True
    """
    return _SPACES.sub("", fold(text)).casefold()
