"""A manuscript as plain passages, each with its place; readers make them, the search for numbers reads them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["CITED", "Manuscript", "Passage", "PastedTable", "passage"]

CITED = "[cite]"
"""What stands where a source is cited."""

_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
# One sign for one sign, so that a place in the text stays that place.
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("\u2212\u2010\u2011\u2043\ufe63", "-"),
        **dict.fromkeys("\u2014\u2015", "\u2013"),
        **dict.fromkeys("\u301c\u223c", "~"),
        **dict.fromkeys("\u2264\u2266\u2a7d", "≤"),
        **dict.fromkeys("\u2265\u2267\u2a7e", "≥"),
        "\u2044": "/",
        "\u2215": "/",
    }
)
_DECIMAL_POINT = re.compile(r"(?<=\d)[\u00b7\u30fb\u2027\u22c5](?=\d)|(?<![\w.])[\u00b7](?=\d)")


def _even(text: str) -> str:
    """Full-width signs, dashes and points as one of their kind, sign by sign."""
    even = "".join(
        narrow if len(narrow := unicodedata.normalize("NFKC", char)) == 1 and "\uff00" < char < "\uff5f" else char
        for char in text
    ).translate(_ALIKE)
    even = "".join(" " if char.isspace() and char != "\n" else char for char in even)
    return _DECIMAL_POINT.sub(".", even)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A paragraph or a cell: as it is written, with signs made even for the search, and where it stands.

    Parameters
    ----------
    text
        As it is written.
    even
        The same, as long, with full-width signs, dashes and decimal points made even.
    place
        Such as ``paragraph 3`` or ``table 2, row 3, column 4``; of a file of lines, empty or the name of the file.
    line
        Number of its first line, 0 where there are none.

    Examples
    --------
    >>> passage("P＝0·05", place="paragraph 3").even
    'P=0.05'
    """

    text: str
    even: str
    place: str = ""
    line: int = 0

    def where(self, offset: int = 0) -> str:
        """The place of a sign of the text."""
        if not self.line:
            return self.place
        line = f"line {self.line + self.text.count(chr(10), 0, offset)}"
        return f"{self.place} {line}".strip()


def passage(text: str, *, place: str = "", line: int = 0) -> Passage:
    """A passage of a text, without signs that cannot be seen."""
    seen = _UNSEEN.sub("", text)
    return Passage(text=seen, even=_even(seen), place=place, line=line)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastedTable:
    """A table of a manuscript: its rows of cells."""

    rows: tuple[tuple[Passage, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manuscript:
    """What a manuscript says: prose and tables, in their order."""

    parts: tuple[Passage | PastedTable, ...]

    @property
    def prose(self) -> Sequence[Passage]:
        """Paragraphs outside of tables."""
        return [part for part in self.parts if isinstance(part, Passage)]

    @property
    def tables(self) -> Sequence[PastedTable]:
        """Tables in their order."""
        return [part for part in self.parts if isinstance(part, PastedTable)]
