"""One immutable table: numbers stay numbers until a writer asks for their text.

A table is caption, columns, row groups and footnotes. A cell is a value and the name of the format that writes it
(:data:`cohortstats.tables.numbers.FORMATS`), so every writer gives the same strings.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

from cohortstats.tables.numbers import FORMATS, STYLES, Number

__all__ = ["Cell", "Column", "Dot", "Row", "RowGroup", "Table", "plain", "split_italics", "visible"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A rate with its limits on an axis from 0 to 1, beside a reference rate.

    Parameters
    ----------
    rate, lower, upper, reference
        Shares, 0 to 1.
    total, reference_total
        Patients that ``rate`` and ``reference`` are shares of.
    """

    rate: Number
    lower: Number
    upper: Number
    reference: Number
    total: int | None = None
    reference_total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A value, how it is written, and where it comes from.

    Parameters
    ----------
    value
        A number, a tuple of numbers, or text, as the format wants it.
    format
        Name of a format of ``tables.numbers``.
    results
        Addresses (``exhibit/row/group/statistic``) of the results that the cell prints.
    mark
        Footnote mark printed behind the text, such as ``a``.
    dot
        For a cell of an interval column: what is drawn where a writer can.
    """

    value: Any = ""
    format: str = "text"
    results: tuple[str, ...] = ()
    mark: str = ""
    dot: Dot | None = None


EMPTY = Cell()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Heading of a column; ``note`` is its second, smaller line, ``drawn_note`` that of writers that draw its dots."""

    label: str
    note: str = ""
    drawn_note: str = ""
    align: Literal["left", "right", "center"] = "right"
    kind: Literal["stub", "value", "interval"] = "value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line: ``variable`` heads a group, ``level`` is indented under it, ``line`` stands alone."""

    kind: Literal["variable", "level", "line"]
    cells: tuple[Cell, ...]
    indent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """The lines of one variable; they stay together on a page."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a paper, ready for any writer.

    Parameters
    ----------
    id
        Address of the exhibit.
    number
        "Table 4" in the language of the report.
    caption, columns, groups, footnotes
        Its parts, in the order in which they are printed. ``*word*`` is italic, and nothing else is markup.
    label
        Synthetic label that stands in the caption, or an empty string.
    style
        Name of the style in which numbers are written.
    """

    id: str
    number: str
    caption: str
    columns: tuple[Column, ...]
    groups: tuple[RowGroup, ...]
    footnotes: tuple[str, ...] = ()
    label: str = ""
    style: str = "default"
    lang: str = "en"

    def text(self, cell: Cell) -> str:
        """Text of a cell in the style of the table, without its mark."""
        return FORMATS[cell.format](cell.value, STYLES[self.style])

    def strings(self) -> list[list[str]]:
        """Texts of all cells, header line first, with marks: what every writer prints."""
        header = [" ".join(filter(None, (column.label, column.note))) for column in self.columns]
        body = [[self.text(cell) + cell.mark for cell in row.cells] for group in self.groups for row in group.rows]
        return [header, *body]

    def __repr__(self) -> str:
        from cohortstats.tables.writers.text import write_text

        return write_text(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from cohortstats.tables.writers.html import write_html_fragment
        from cohortstats.tables.writers.markdown import write_markdown

        return {
            "text/plain": repr(self),
            "text/markdown": write_markdown(self),
            "text/html": write_html_fragment(self),
        }


# What cannot be seen has no place in print: controls, marks of format such as overrides of direction, halves of
# surrogate pairs, and the code points that are no characters, which XML forbids.
_UNSEEN = ("Cc", "Cf", "Cs")
_LINE_ENDS = re.compile("(?:\r\n|[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029])")


def visible(text: str) -> str:
    """Text in one line, without characters that cannot be seen.

    Examples
    --------
    >>> visible("nul\\x00byte"), visible("two\\r\\nlines"), visible("\\u202ereversed")
    ('nulbyte', 'two lines', 'reversed')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char
        for char in _LINE_ENDS.sub(" ", text)
        if unicodedata.category(char) not in _UNSEEN and ord(char) & 0xFFFE != 0xFFFE
    )


def split_italics(text: str) -> list[tuple[str, bool]]:
    """Visible pieces of a label with ``*word*`` marked as italic; a lone asterisk is an asterisk.

    Examples
    --------
    >>> split_italics("*HER2* ratio")
    [('HER2', True), (' ratio', False)]
    >>> split_italics("5 * 3")
    [('5 * 3', False)]
    """
    text = visible(text)
    pieces: list[tuple[str, bool]] = []
    position = 0
    for match in re.finditer(r"\*(\S(?:[^*]*\S)?)\*", text):
        if match.start() > position:
            pieces.append((text[position : match.start()], False))
        pieces.append((match.group(1), True))
        position = match.end()
    if position < len(text):
        pieces.append((text[position:], False))
    return pieces


def plain(text: str) -> str:
    """A label without its italics markup."""
    return "".join(piece for piece, _ in split_italics(text))
