"""How wide the columns of a printed table are: from the texts in them, before any word processor sees them.

Word and LibreOffice lay out a table of their own accord, each in its way, and squeeze numbers before words. So widths
are fixed here: a number keeps its line, words wrap, and what does not fit across an upright page turns it on its side.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cohortstats.tables.table import Column, Row, RowGroup, Table, plain

__all__ = ["Layout", "lay_out", "span_of", "split_wide", "text_width", "wraps"]

# Advance widths of Arial (and of Liberation Sans, its metric twin) in thousandths of the type size.
_ADVANCES = {
    191: "'",
    222: "ijl",
    260: "|",
    278: " ftI.,:;/\\!·",
    333: "r()-[]`{}",
    469: "^",
    500: "cksvxyzJ",
    584: "+<>=−±×≥≤~",
    556: "abdeghnopqu0123456789L?$#_–",
    611: "FTZ",
    667: "ABEKPSVXY&",
    722: "wCDHNRU",
    778: "GOQ",
    833: "mM",
    889: "%",
    944: "W",
    1000: "—…",
    1015: "@",
}
_ADVANCE = {char: width / 1000 for width, chars in _ADVANCES.items() for char in chars}
BOLD = 1.08
SLACK = 1.04  # what kerning, another font of this shape, or an accent may add
PADDING = 6.0  # both sides of a cell, in points
INDENT = 9.0  # of a level under its variable, in points
SIZES = (9.0, 8.0)
SIZES_BROKEN = (8.0, 7.5)
SIZES_ON_ITS_SIDE = (9.0, 8.0, 7.0)
NARROW = 349.0  # a table with one or two columns of numbers is not narrower than this, nor stretched
FEW_ROWS = 12
LONGEST_WORDS = 14.0  # in type sizes: more of a text is no reason for a wider column
LONGEST_HEADING = 18.0
LONGEST_WORDS_BROKEN = 10.0  # nor this much, where numbers break too
MOST_COLUMNS = 63  # Word opens no table with more


def text_width(text: str) -> float:
    """Width of a line of text, in units of the type size.

    Examples
    --------
    >>> text_width("ii"), text_width("年齢")
    (0.444, 2.0)
    """
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> float:
    width = _ADVANCE.get(char)
    if width is not None:
        return width
    if unicodedata.combining(char):
        return 0.0
    return 1.0 if unicodedata.east_asian_width(char) in "WF" else 0.6


def _words(text: str) -> Iterator[str]:
    """Pieces of a text between which a line may break: words, and every sign that takes a full width."""
    for word in re.split(r"\s+|(?<=[-/])", text):
        piece = ""
        for char in word:
            if unicodedata.east_asian_width(char) in "WF":
                if piece:
                    yield piece
                    piece = ""
                yield char
            else:
                piece += char
        if piece:
            yield piece


def wraps(text: str, width: float, size: float) -> bool:
    """Whether a text takes more than a line of a column, both in points."""
    return "\n" in text or SLACK * size * text_width(text) > width - PADDING + 1 / 20


def _longest(pieces: Iterator[str]) -> float:
    return max((text_width(piece) for piece in pieces), default=0.0)


def _lines(text: str, room: float) -> int:
    """Lines that a text takes in a column of this width, in units of the type size."""
    lines = 0
    for paragraph in text.split("\n"):
        lines, used = lines + 1, 0.0
        for word in re.split(r"(?<=\s)", paragraph):
            width = text_width(word)
            if used and used + width > room:
                lines, used = lines + 1, 0.0
            used += width
            if used > room > 0:
                further = int(used / room)
                lines, used = lines + further, used - further * room
    return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Widths of the columns and the size of the type, both in points.

    Parameters
    ----------
    widths
        One a column, cell padding included.
    size
        Size of the type.
    room
        Width of the page that the layout is for; the one of an upright page, or of one on its side.
    lines
        About as many lines as the table takes.
    squeezed
        Whether the columns have less than they need.
    """

    widths: tuple[float, ...]
    size: float
    room: float
    lines: int
    squeezed: bool = False


def span_of(row: Row) -> int:
    """Columns over which the name of a variable runs: those that stay empty on its line."""
    span = 1
    if row.kind == "variable":
        while span < len(row.cells) and row.cells[span].value == "" and row.cells[span].dot is None:
            span += 1
    return span


def lay_out(table: Table, *, upright: float, on_its_side: float) -> Layout:
    """Fit a table on a page: upright if it can be, in smaller type if it must, else on its side.

    Parameters
    ----------
    table
        What is printed.
    upright, on_its_side
        Width between the margins of the page, in points.

    Returns
    -------
    Layout
        Its ``room`` says which of the two pages it is for.
    """
    few = sum(len(group.rows) for group in table.groups) <= FEW_ROWS
    # Before a page is turned, a table of few lines may break "56.5 (36–NA)" in front of its parenthesis.
    trials = [(upright, size, False) for size in SIZES] + [(upright, size, True) for size in SIZES_BROKEN if few]
    trials += [(on_its_side, size, few and size < SIZES[-1]) for size in SIZES_ON_ITS_SIDE]
    for room, size, broken in trials:
        needs = _needs(table, size, broken=broken)
        if sum(need.least for need in needs) <= room:
            widths = _share(needs, room)
            return Layout(widths=widths, size=size, room=room, lines=_height(table, widths, size))
    room, size, _ = trials[-1]
    least = [need.least for need in _needs(table, size, broken=True)]
    widths = tuple(width * room / sum(least) for width in least)
    return Layout(widths=widths, size=size, room=room, lines=_height(table, widths, size), squeezed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """Of one column, in points: least width, width in which nothing wraps, and how much text goes beyond the least."""

    least: float
    whole: float
    beyond: float


def _needs(table: Table, size: float, *, broken: bool) -> list[_Need]:
    return [_need(table, place, size, broken=broken) for place in range(len(table.columns))]


def _need(table: Table, place: int, size: float, *, broken: bool) -> _Need:
    column = table.columns[place]
    name, note = plain(column.label), plain(column.note)
    least = max(BOLD * _longest(_words(name)), _longest(_words(note)))
    lines = [min(max(BOLD * text_width(name), text_width(note)), LONGEST_HEADING)]
    words = column.kind == "stub" or column.align == "left"
    for row in [row for group in table.groups for row in group.rows]:
        if place == 0 and span_of(row) > 1:
            continue
        text = plain(table.text(row.cells[place])) + row.cells[place].mark
        weight = BOLD if place == 0 and row.kind == "variable" else 1.0
        indent = row.indent * INDENT / size if place == 0 else 0.0
        line = indent + weight * max(map(text_width, text.split("\n")))
        if words:
            enough = LONGEST_WORDS_BROKEN if broken else LONGEST_WORDS
            needed = max(indent + weight * _longest(_words(text)), min(line, enough))
        else:
            needed = max(map(text_width, text.replace(" (", "\n(").split("\n"))) if broken else line
        least = max(least, min(needed, 2 * LONGEST_WORDS))
        lines.append(line)
    return _Need(
        least=SLACK * size * least + PADDING,
        whole=SLACK * size * max(least, *lines) + PADDING,
        beyond=SLACK * size * sum(max(0.0, line - least) for line in lines),
    )


def _share(needs: Sequence[_Need], room: float) -> tuple[float, ...]:
    """Room that is left goes to the columns that wrap, in proportion to the text that they wrap."""
    widths = [need.least for need in needs]
    for _ in needs:
        left = room - sum(widths)
        open_ = [place for place, need in enumerate(needs) if need.whole - widths[place] > 1 / 20]
        beyond = sum(needs[place].beyond for place in open_)
        if left <= 0 or not beyond:
            break
        for place in open_:
            widths[place] = min(needs[place].whole, widths[place] + left * needs[place].beyond / beyond)
    if 1 <= len(widths) <= 3:
        widths[0] += max(0.0, min(NARROW, room) - sum(widths))
    return tuple(widths)


def _height(table: Table, widths: Sequence[float], size: float) -> int:
    """Lines of the table, from the texts and the widths."""

    def line(texts: Sequence[tuple[str, float]]) -> int:
        return max(_lines(text, (width - PADDING) / size) for text, width in texts)

    heads = [
        _lines(plain(column.label), (width - PADDING) / size / BOLD) + bool(column.note)
        for column, width in zip(table.columns, widths, strict=True)
    ]
    total = max(heads, default=0)
    for group in table.groups:
        for row in group.rows:
            texts = [plain(table.text(cell)) for cell in row.cells]
            span = span_of(row)
            places = [sum(widths[:span]) - row.indent * INDENT, *widths[span:]]
            total += line(list(zip([texts[0], *texts[span:]], places, strict=True)))
    return total


def split_wide(table: Table, room: float) -> list[Table]:
    """A table with more columns than a page can hold, as several with the same first column; else itself.

    Parameters
    ----------
    table
        What is printed.
    room
        Width between the margins of the page, in points.

    Returns
    -------
    list of Table
        Footnotes stand under the last.
    """
    layout = lay_out(table, upright=room, on_its_side=room)
    if not layout.squeezed and len(table.columns) <= MOST_COLUMNS:
        return [table]
    needs = [need.least for need in _needs(table, SIZES[-1], broken=False)]
    parts: list[list[int]] = [[]]
    for place in range(1, len(table.columns)):
        used = needs[0] + sum(needs[column] for column in parts[-1])
        if parts[-1] and (used + needs[place] > room or len(parts[-1]) + 1 >= MOST_COLUMNS):
            parts.append([])
        parts[-1].append(place)
    return [_columns_of(table, [0, *places], last=number == len(parts)) for number, places in enumerate(parts, start=1)]


def _columns_of(table: Table, places: Sequence[int], *, last: bool) -> Table:
    columns: tuple[Column, ...] = tuple(table.columns[place] for place in places)
    groups = tuple(
        RowGroup(rows=tuple(replace(row, cells=tuple(row.cells[place] for place in places)) for row in group.rows))
        for group in table.groups
    )
    return replace(table, columns=columns, groups=groups, footnotes=table.footnotes if last else ())
