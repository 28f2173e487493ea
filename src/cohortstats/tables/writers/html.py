"""HTML: a fragment for a page or a notebook. Labels are data and are escaped; ``*word*`` becomes ``<em>``."""

from __future__ import annotations

import re
from html import escape

from cohortstats.tables.language import join_sentences
from cohortstats.tables.numbers import STYLES, Style, drop_zeros, exact, format_percent, round_half_up
from cohortstats.tables.table import Cell, Dot, Row, Table, split_italics, visible

__all__ = ["label_html", "slug", "visible", "write_html", "write_html_fragment"]

# A notebook has its own colours: the fragment takes them by currentColor and draws rules only.
NOTEBOOK_STYLE = """<style>
.cohortstats-table{border-collapse:collapse;border-top:1.5px solid;border-bottom:1.5px solid;
font-variant-numeric:tabular-nums}
.cohortstats-table caption{text-align:left;padding:.3em 0}
.cohortstats-table th,.cohortstats-table td{padding:.15em .7em;text-align:right;border:0;background:none;
font-weight:400}
.cohortstats-table .stub{text-align:left}
.cohortstats-table thead th,.cohortstats-table .variable th{font-weight:700}
.cohortstats-table thead th{border-bottom:.75px solid}
.cohortstats-table .level .stub{padding-left:1.8em}
.cohortstats-table .note{display:block;font-weight:400;opacity:.75}
.cohortstats-table svg{stroke:currentColor;fill:currentColor}
.cohortstats-footnotes{font-size:.9em;opacity:.8;max-width:54rem}
</style>"""


def label_html(text: str) -> str:
    """A label as HTML: escaped, ``*word*`` italic.

    Examples
    --------
    >>> label_html("*HER2* <ratio>")
    '<em>HER2</em> &lt;ratio&gt;'
    """
    return "".join(f"<em>{escape(piece)}</em>" if italic else escape(piece) for piece, italic in split_italics(text))


def slug(text: str) -> str:
    """An id made of a label: ASCII letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") or "x"


def _dot(dot: Dot, text: str, style: Style, identity: str) -> str:
    # 0 to 100 % on 100 units, with room for half a dot at both ends.
    shares = (dot.rate, dot.lower, dot.upper, dot.reference)
    rate, lower, upper, reference = (drop_zeros(round_half_up(100 * exact(x), 1)) for x in shares)
    all_patients = format_percent(dot.reference, style, dot.reference_total)
    described = escape(f"{format_percent(dot.rate, style, dot.total)}% ({text}); {all_patients}%")
    return (
        f'<svg class="dot" viewBox="-4 0 108 12" role="img" aria-labelledby="{identity}-t {identity}-d">'
        f'<title id="{identity}-t">{escape(text)}</title><desc id="{identity}-d">{described}</desc>'
        f'<path class="axis" d="M0 6H100"/><path class="reference" d="M{reference} 0V12"/>'
        f'<path class="bar" d="M{lower} 6H{upper}"/><circle cx="{rate}" cy="6" r="2.6"/></svg>'
    )


def _cell_html(table: Table, cell: Cell, identity: str) -> str:
    text = table.text(cell)
    if cell.dot is not None:
        return _dot(cell.dot, text, STYLES[table.style], identity)
    mark = f"<sup>{escape(cell.mark)}</sup>" if cell.mark else ""
    return label_html(text) + mark


def _row_html(table: Table, row: Row, identity: str, classes: str) -> str:
    # The name of a variable spans the columns that stay empty on its line.
    span = 1
    if row.kind == "variable":
        while span < len(row.cells) and row.cells[span].value == "" and row.cells[span].dot is None:
            span += 1
    scope = "rowgroup" if row.kind == "variable" else "row"
    colspan = f' colspan="{span}"' if span > 1 else ""
    stub_class = "stub" + (f" indent-{row.indent}" if row.indent > 1 else "")
    parts = [f'<th scope="{scope}" class="{stub_class}"{colspan}>{_cell_html(table, row.cells[0], identity)}</th>']
    for position, cell in enumerate(row.cells[span:], start=span):
        column = table.columns[position]
        attributes = f' class="{column.align}"' if column.align != "right" else ""
        if cell.results:
            # Levels stand in addresses as the study has them; a page may not hold a NUL, not even here.
            attributes += f' data-result="{escape(chr(10).join(map(visible, cell.results)))}"'
        parts.append(f"<td{attributes}>{_cell_html(table, cell, f'{identity}-{position}')}</td>")
    return f'<tr class="{classes}">{"".join(parts)}</tr>'


def write_html(table: Table, *, css_class: str = "exhibit") -> str:
    """The ``<table>`` element and its footnotes.

    Parameters
    ----------
    table
        The table; every text in it is escaped.
    css_class
        Class of the ``table`` element.
    """
    head = "".join(
        f'<th scope="col" class="{"stub" if column.kind == "stub" else column.align}">{label_html(column.label)}'
        + (f'<span class="note">{label_html(note)}</span>' if (note := column.drawn_note or column.note) else "")
        + "</th>"
        for column in table.columns
    )
    bodies = []
    for number, group in enumerate(table.groups):
        rows = (
            _row_html(table, row, f"{slug(table.id)}-{number}-{line}", row.kind) for line, row in enumerate(group.rows)
        )
        bodies.append(f"<tbody>{''.join(rows)}</tbody>")
    label = f' <span class="synthetic">{label_html(table.label)}</span>' if table.label else ""
    caption = f"<b>{label_html(table.number)}.</b> {label_html(table.caption)}{label}"
    narrow = " narrow" if len(table.columns) <= 3 else ""
    # Lines whose names are sentences keep room for them, however many columns follow.
    longest = max((len(table.text(row.cells[0])) for group in table.groups for row in group.rows), default=0)
    narrow += " named" if longest > 24 else ""
    notes = join_sentences((label_html(note) for note in table.footnotes), table.lang)
    return (
        f'<table class="{css_class}{narrow}">'
        f'<caption><span class="held">{caption}</span></caption>'
        f"<thead><tr>{head}</tr></thead>{''.join(bodies)}</table>"
        + (f'<p class="{css_class}-notes">{notes}</p>' if notes else "")
    )


def write_html_fragment(table: Table) -> str:
    """A fragment with its own style, readable on light and dark pages."""
    body = write_html(table, css_class="cohortstats-table").replace("cohortstats-table-notes", "cohortstats-footnotes")
    return f"<div>{NOTEBOOK_STYLE}{body}</div>"
