"""CSV for spreadsheets: UTF-8 with a byte-order mark, CRLF, text guarded against formula injection (CWE-1236)."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence

from cohortstats.tables.table import Cell, Table, plain

__all__ = ["guard_text", "rows_to_csv", "write_csv"]

FORMULA_STARTS = "=+-@"
_NUMBER = re.compile(r"[-+\u2212]?\d+([.,\u00b7]\d+)?([eE][-+]?\d+)?")


def guard_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula.

    A sign of a formula counts in every width, and behind blanks and characters that cannot be seen: programs drop
    them before they look.

    Examples
    --------
    >>> guard_text("=HYPERLINK(1)"), guard_text(" ＝1+1"), guard_text("HER2")
    ("'=HYPERLINK(1)", "' ＝1+1", 'HER2')
    """
    for char in text:
        if char in "\t\r" or unicodedata.normalize("NFKC", char) in FORMULA_STARTS:
            return f"'{text}"
        if not char.isspace() and unicodedata.category(char) not in ("Cc", "Cf"):
            break
    return text


def cell_text(table: Table, cell: Cell) -> str:
    """What the cell prints, guarded where it is words: a number stays a number, whatever its sign."""
    text = plain(table.text(cell))
    is_words = cell.format == "text" or (cell.format == "digits" and not _NUMBER.fullmatch(text))
    return (guard_text(text) if is_words else text) + cell.mark


def rows_to_csv(rows: Iterable[Sequence[object]]) -> str:
    """CSV text with CRLF and a byte-order mark; the caller guards what is text."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return "\ufeff" + buffer.getvalue()


def write_csv(table: Table) -> str:
    """The table as CSV: labels without their italics, footnotes left to the other writers."""
    header = [guard_text(plain(" ".join(filter(None, (column.label, column.note))))) for column in table.columns]
    body = [[cell_text(table, cell) for cell in row.cells] for group in table.groups for row in group.rows]
    return rows_to_csv([header, *body])
