"""CSV for spreadsheets: UTF-8 with a byte-order mark, CRLF, text guarded against formula injection (CWE-1236)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from cohortstats.tables.table import Table, plain

__all__ = ["guard_text", "rows_to_csv", "write_csv"]

FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")


def guard_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula.

    Examples
    --------
    >>> guard_text("=HYPERLINK(1)"), guard_text("HER2")
    ("'=HYPERLINK(1)", 'HER2')
    """
    return f"'{text}" if text.lstrip(" \u3000").startswith(FORMULA_STARTS) else text


def rows_to_csv(rows: Iterable[Sequence[object]]) -> str:
    """CSV text with CRLF and a byte-order mark; the caller guards what is text."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return "\ufeff" + buffer.getvalue()


def write_csv(table: Table) -> str:
    """The table as CSV: labels without their italics, footnotes left to the other writers."""
    header = [guard_text(plain(" ".join(filter(None, (column.label, column.note))))) for column in table.columns]
    body = [
        [
            (guard_text(plain(table.text(cell))) if cell.format == "text" else table.text(cell)) + cell.mark
            for cell in row.cells
        ]
        for group in table.groups
        for row in group.rows
    ]
    return rows_to_csv([header, *body])
