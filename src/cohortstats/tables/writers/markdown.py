"""Markdown: a pipe table with its caption above and its footnotes below."""

from __future__ import annotations

import re

from cohortstats.tables.table import Cell, Table, split_italics

__all__ = ["label_markdown", "write_markdown"]

INDENT = "&emsp;"
# Signs that Markdown reads anywhere: emphasis, code, markup, links, strikes, formulas, the pipe of a table, entities.
_SIGNS = re.compile(r"[\\|*_<`\[\]~$]|&(?=#|\w+;)")
_BLOCK_START = re.compile(r"^(?:\d+(?=[.)](?:\s|$))|(?=[-+#>=]))")


def label_markdown(text: str) -> str:
    """A label as Markdown: signs that Markdown would read are escaped, ``*word*`` stays italic.

    Examples
    --------
    >>> label_markdown("*HER2* | a_b < c")
    '*HER2* \\\\| a\\\\_b \\\\< c'
    """
    escaped = ((_SIGNS.sub(r"\\\g<0>", piece), italic) for piece, italic in split_italics(text))
    return "".join(f"*{piece}*" if italic else piece for piece, italic in escaped)


def paragraph_markdown(text: str) -> str:
    """A label that starts a paragraph: no heading, quotation, list or rule may come of its first sign.

    Examples
    --------
    >>> paragraph_markdown("# of patients"), paragraph_markdown("1. first"), paragraph_markdown("12 patients")
    ('\\\\# of patients', '1\\\\. first', '12 patients')
    """
    return _BLOCK_START.sub(r"\g<0>\\", label_markdown(text.lstrip()))


def write_markdown(table: Table) -> str:
    """Caption, pipe table, footnotes; ends with a newline."""

    def cell_text(cell: Cell) -> str:
        return label_markdown(table.text(cell)) + (f"<sup>{label_markdown(cell.mark)}</sup>" if cell.mark else "")

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    header = [
        label_markdown(column.label) + (f"<br>{label_markdown(column.note)}" if column.note else "")
        for column in table.columns
    ]
    rule = [
        ":---" if column.kind == "stub" else "---:" if column.align == "right" else ":---" for column in table.columns
    ]
    lines = [line(header), line(rule)]
    for group in table.groups:
        for row in group.rows:
            first, *others = (cell_text(cell) for cell in row.cells)
            if row.kind == "variable":
                first = f"**{first.strip()}**" if first.strip() else ""
            lines.append(line([INDENT * row.indent + first, *others]))
    label = f" ({label_markdown(table.label)})" if table.label else ""
    caption = f"**{label_markdown(table.number)}.** {label_markdown(table.caption)}{label}"
    notes = "".join(f"\n{paragraph_markdown(note)}\n" for note in table.footnotes)
    return f"{caption}\n\n" + "\n".join(lines) + "\n" + notes
