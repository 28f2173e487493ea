"""Plain text for a terminal: columns aligned by the width that East Asian characters take."""

from __future__ import annotations

import re
import unicodedata

from cohortstats.tables.table import Table, plain

__all__ = ["align", "display_width", "fold", "write_text"]

NOTE_WIDTH = 100


def display_width(text: str) -> int:
    """Columns that a terminal gives to ``text``: two to East Asian letters, none to marks on the letter before.

    Examples
    --------
    >>> display_width("HER2"), display_width("年齢"), display_width("e\u0301")
    (4, 4, 1)
    """
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(char) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(char) in "WF"
        else 1
        for char in text
    )


# East Asian letters may part anywhere, but no line starts with a sign that ends something.
_EAST = "\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef"
_PIECE = re.compile(rf"[{_EAST}][、。，．）」』】〕〉》：；！？ー]*|\s+|[^\s{_EAST}]+")


def fold(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` columns; a word that is wider than a line stays in one piece.

    Examples
    --------
    >>> fold("one two three", 8), fold("患者の年齢と性別", 8)
    (['one two', 'three'], ['患者の年', '齢と性別'])
    """
    lines = [""]
    for piece in _PIECE.findall(text):
        if lines[-1] and display_width(lines[-1]) + display_width(piece.rstrip()) > width:
            lines.append("")
        if lines[-1] or not piece.isspace():
            lines[-1] += piece
    return [line.rstrip() for line in lines if line.strip()]


def _pad(text: str, width: int, left: bool) -> str:
    space = " " * (width - display_width(text))
    return text + space if left else space + text


def align(rows: list[list[str]], left: list[bool]) -> list[str]:
    """Lines with their columns aligned, two blanks between; ``left`` says which columns start at the left."""
    widths = [max(display_width(row[column]) for row in rows) for column in range(len(left))]
    return [
        "  ".join(_pad(text, width, is_left) for text, width, is_left in zip(row, widths, left, strict=True)).rstrip()
        for row in rows
    ]


def write_text(table: Table) -> str:
    """Caption, aligned columns and footnotes."""
    left = [column.kind == "stub" or column.align == "left" for column in table.columns]
    header = [[plain(column.label) for column in table.columns]]
    if any(column.note for column in table.columns):
        header.append([plain(column.note) for column in table.columns])
    body = []
    for group in table.groups:
        for row in group.rows:
            first, *others = (plain(table.text(cell)) + cell.mark for cell in row.cells)
            body.append(["  " * row.indent + first, *others])
    lines = align(header + body, left)
    rule = "-" * max(display_width(line) for line in lines)
    label = f" ({plain(table.label)})" if table.label else ""
    caption = f"{plain(table.number)}. {plain(table.caption)}{label}"
    notes = [line for note in table.footnotes for line in fold(plain(note), NOTE_WIDTH)]
    return "\n".join([caption, rule, *lines[: len(header)], rule, *lines[len(header) :], rule, *notes])
