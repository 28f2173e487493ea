"""Plain text for a terminal: columns aligned by the width that East Asian characters take."""

from __future__ import annotations

import textwrap
import unicodedata

from cohortstats.tables.table import Table, plain

__all__ = ["align", "display_width", "write_text"]


def display_width(text: str) -> int:
    """Columns that a terminal gives to ``text``.

    Examples
    --------
    >>> display_width("HER2"), display_width("年齢")
    (4, 4)
    """
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


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
    notes = [line for note in table.footnotes for line in textwrap.wrap(plain(note), 100)]
    return "\n".join([caption, rule, *lines[: len(header)], rule, *lines[len(header) :], rule, *notes])
