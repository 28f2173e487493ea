"""Word: a native table with three rules, whose header line repeats on every page.

A cell of an interval column is its text: a number is never a picture. Labels are data; ``*word*`` is italic, and
nothing else is markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Pt

from cohortstats.tables.table import Column, Row, Table, plain, split_italics
from cohortstats.tables.writers.docx_file import LANDSCAPE, LINE_HEIGHT, MUTED, PORTRAIT, WordFile
from cohortstats.tables.writers.docx_layout import INDENT, SIZES, Layout, lay_out, span_of, split_wide, wraps

__all__ = ["add_caption", "add_table", "lies_on_its_side", "write_docx"]

LINES_THAT_FIT_A_PAGE = 40
LONGEST_CELL_OF_ONE_PIECE = 1500  # signs; a line that is taller than a page has to break
TWIPS = 20  # a point has twenty
LINE_BREAK = "<w:r><w:br/></w:r>"
TABLE_PROPERTIES = (
    '<w:tblW w:w="{width}" w:type="dxa"/><w:tblInd w:w="0" w:type="dxa"/>'
    '<w:tblBorders><w:top w:val="single" w:sz="12" w:space="0" w:color="16181D"/>'
    '<w:bottom w:val="single" w:sz="12" w:space="0" w:color="16181D"/></w:tblBorders>'
    '<w:tblLayout w:type="fixed"/>'
    '<w:tblCellMar><w:left w:w="60" w:type="dxa"/><w:right w:w="60" w:type="dxa"/></w:tblCellMar>'
    '<w:tblLook w:val="0020" w:firstRow="1" w:lastRow="0" w:firstColumn="0" w:lastColumn="0" w:noHBand="1" '
    'w:noVBand="1"/>'
)
HEAD_PROPERTIES = (
    '<w:tcBorders><w:bottom w:val="single" w:sz="4" w:space="0" w:color="16181D"/></w:tcBorders>'
    '<w:vAlign w:val="bottom"/>'
)


def write_docx(table: Table) -> bytes:
    """A Word file that holds the table alone.

    Parameters
    ----------
    table
        What is printed.

    Returns
    -------
    bytes
        The file; the same table gives the same bytes.
    """
    word = WordFile(lang=table.lang, title=f"{table.number}. {table.caption}", comments=table.label)
    add_table(word, table)
    word.number_pages(running_head=table.label)
    return word.to_bytes()


def add_caption(word: WordFile, number: str, caption: str, *, label: str = "", more: str = "", kept: bool) -> None:
    """A caption in the style of captions.

    Parameters
    ----------
    word
        The file that is written.
    number, caption
        "Table 4" in bold, and what it shows.
    label, more
        Synthetic label in parentheses, and how a picture is read.
    kept
        Whether it stays on the page of what follows, as over a table.
    """
    paragraph = word.document.add_paragraph(style="Caption")
    if number:
        word.add_runs(paragraph, f"{number}.", bold=True)
    if caption:
        word.add_runs(paragraph, f" {caption}" if number else caption)
    if label:
        word.add_runs(paragraph, f" ({label})", muted=True)
    if more:
        word.add_runs(paragraph, f" {more}", muted=True)
    paragraph.paragraph_format.keep_with_next = kept
    paragraph.paragraph_format.keep_together = True


def lies_on_its_side(table: Table) -> bool:
    """Whether a table needs a page on its side."""
    return bool(table.groups) and lay_out(table, upright=PORTRAIT, on_its_side=LANDSCAPE).room > PORTRAIT


def add_table(word: WordFile, table: Table, *, whole: bool = True, captioned: bool = True) -> None:
    """Caption, table and footnotes at the end of a Word file.

    Parameters
    ----------
    word
        The file that is written.
    table
        What is printed; without lines, its caption and footnotes are all there is. A table that does not fit on an
        upright page is printed on one that lies on its side.
    whole
        Whether a table that fits on a page may not break; the lines of one variable never do.
    captioned
        Whether its caption stands over it; a screen reader says it in any case.
    """
    word.turn(on_its_side=lies_on_its_side(table))
    room = LANDSCAPE if word.on_its_side else PORTRAIT
    marks = {cell.mark for group in table.groups for row in group.rows for cell in row.cells if cell.mark}
    for part in split_wide(table, room):
        if captioned:
            add_caption(word, part.number, part.caption, label=part.label, kept=bool(part.groups or part.footnotes))
        if part.groups:
            _add_lines(word, part, lay_out(part, upright=room, on_its_side=room), whole=whole)
        for place, note in enumerate(part.footnotes):
            _add_note(word, note, marks, first=place == 0, kept=place + 1 < len(part.footnotes))
        if not part.footnotes:
            # Two tables that touch are one to Word.
            word.paragraph(style="Table Notes")


def _add_note(word: WordFile, note: str, marks: set[str], *, first: bool, kept: bool) -> None:
    paragraph = word.document.add_paragraph(style="Table Notes")
    mark, blank, rest = note.partition(" ")
    if blank and mark in marks:
        word.add_mark(paragraph, mark)
        note = f" {rest}"
    word.add_runs(paragraph, note)
    if first:
        paragraph.paragraph_format.space_before = Pt(4)
    paragraph.paragraph_format.keep_with_next = kept
    paragraph.paragraph_format.keep_together = len(note) < LONGEST_CELL_OF_ONE_PIECE


# ---------------------------------------------------------------------------------------------------------------------
# The lines of the table, written as XML and parsed once, since an object for each cell is slow
# ---------------------------------------------------------------------------------------------------------------------


def _add_lines(word: WordFile, table: Table, layout: Layout, *, whole: bool) -> None:
    rows = [row for group in table.groups for row in group.rows]
    widths = [int(TWIPS * width) for width in layout.widths]
    # A header that is taller than a page can neither stay in one piece nor be repeated.
    short = max(len(column.label) + len(column.note) for column in table.columns) < LONGEST_CELL_OF_ONE_PIECE
    heads = [_head(word, column, width, layout.size) for column, width in zip(table.columns, widths, strict=True)]
    lines = [_line(heads, "<w:cantSplit/><w:tblHeader/>" if short else "")]
    whole = whole and layout.lines <= LINES_THAT_FIT_A_PAGE
    broken = _broken_columns(table, layout)
    last_of_group = [place == len(group.rows) - 1 for group in table.groups for place in range(len(group.rows))]
    for number, row in enumerate(rows):
        at_end = number == len(rows) - 1
        kept = bool(table.footnotes) if at_end else whole or not last_of_group[number]
        lines.append(_row(word, table, row, widths, layout.size, broken, kept=kept))
    # What a screen reader calls the table.
    name = plain(f"{table.number}. {table.caption}" if table.number else table.caption)
    properties = f"{TABLE_PROPERTIES.format(width=sum(widths))}<w:tblCaption w:val={quoteattr(word.text(name))}/>"
    columns = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    element: Any = parse_xml(
        f"<w:tbl {nsdecls('w')}><w:tblPr>{properties}</w:tblPr><w:tblGrid>{columns}</w:tblGrid>{''.join(lines)}</w:tbl>"
    )
    body: Any = word.document.element.body
    body.insert_element_before(element, "w:sectPr")


def _broken_columns(table: Table, layout: Layout) -> set[int]:
    """Columns of numbers in which "56.5 (36–NA)" has no room on one line, so that it breaks before its parenthesis."""
    lines = [
        [plain(table.text(cell)) + cell.mark for cell in row.cells] for group in table.groups for row in group.rows
    ]
    return {
        place
        for place, column in enumerate(table.columns)
        if column.align != "left" and any(wraps(line[place], layout.widths[place], layout.size) for line in lines)
    }


def _line(cells: Sequence[str], properties: str) -> str:
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"


def _cell(width: int, paragraphs: str, properties: str = "") -> str:
    return f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{properties}</w:tcPr>{paragraphs}</w:tc>'


def _paragraph(runs: str, align: str, size: float, *, kept: bool, indent: float = 0.0, before: float = 0.0) -> str:
    """A paragraph of a cell; lengths in points."""
    spacing = f' w:before="{int(TWIPS * before)}"' if before else ""
    if size != SIZES[0]:
        spacing += f' w:line="{int(TWIPS * LINE_HEIGHT * size)}" w:lineRule="exact"'
    properties = '<w:pStyle w:val="TableText"/>'
    properties += "<w:keepNext/>" if kept else ""
    properties += f"<w:spacing{spacing}/>" if spacing else ""
    properties += f'<w:ind w:left="{int(TWIPS * indent)}"/>' if indent else ""
    properties += f'<w:jc w:val="{align}"/>' if align != "left" else ""
    return f"<w:p><w:pPr>{properties}</w:pPr>{runs}</w:p>"


def _runs(text: str, *, bold: bool = False, muted: bool = False, raised: bool = False, size: float = 0.0) -> str:
    """Text as runs; ``*word*`` is italic unless it is raised. Size 0: as the style says."""
    made = []
    for piece, italic in [(text, False)] if raised else split_italics(text):
        properties = ("<w:b/>" if bold else "") + ("<w:i/>" if italic else "")
        properties += f'<w:color w:val="{MUTED}"/>' if muted else ""
        properties += f'<w:sz w:val="{int(2 * size)}"/>' if size else ""
        properties += '<w:vertAlign w:val="superscript"/>' if raised else ""
        shown = escape(piece).replace("\t", f"{_END}<w:tab/>{_TEXT}")
        for line_break in ("\r\n", "\n", "\r"):
            shown = shown.replace(line_break, f"{_END}<w:br/>{_TEXT}")
        shown = f"{_TEXT}{shown}{_END}".replace(f"{_TEXT}{_END}", "")
        made.append(f"<w:r>{f'<w:rPr>{properties}</w:rPr>' if properties else ''}{shown}</w:r>")
    return "".join(made)


_TEXT, _END = '<w:t xml:space="preserve">', "</w:t>"


def _head(word: WordFile, column: Column, width: int, size: float) -> str:
    align = "left" if column.kind == "stub" else column.align
    paragraphs = _paragraph(_runs(word.text(column.label), bold=True, size=size), align, size, kept=True)
    if column.note:
        note = _runs(word.text(column.note), muted=True, size=size - 1)
        paragraphs += _paragraph(note, align, size, kept=True)
    return _cell(width, paragraphs, HEAD_PROPERTIES)


def _row(
    word: WordFile, table: Table, row: Row, widths: Sequence[int], size: float, broken: set[int], *, kept: bool
) -> str:
    texts = [word.text(table.text(cell)) for cell in row.cells]
    span, of_style = span_of(row), 0.0 if size == SIZES[0] else size
    heads = row.kind == "variable"
    cells = []
    for place in (0, *range(span, len(row.cells))):
        mark = row.cells[place].mark
        parts = texts[place].split(" (", 1) if place and place in broken else [texts[place]]
        parts[1:] = [f"({part}" for part in parts[1:]]
        runs = LINE_BREAK.join(_runs(part, bold=heads and place == 0, size=of_style) for part in parts)
        runs += _runs(word.text(mark), raised=True, size=of_style) if mark else ""
        paragraph = _paragraph(
            runs,
            table.columns[place].align if place else "left",
            size,
            kept=kept,
            indent=0.0 if place else INDENT * row.indent,
            before=4.0 if heads else 0.0,  # room stands between variables where the page has a hairline
        )
        if place:
            cells.append(_cell(widths[place], paragraph))
        else:
            spans = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
            cells.append(_cell(sum(widths[:span]), paragraph, spans))
    return _line(cells, "<w:cantSplit/>" if max(map(len, texts)) < LONGEST_CELL_OF_ONE_PIECE else "")
