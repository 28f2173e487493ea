"""Word: a native table with three rules, whose header line repeats on every page.

A cell of an interval column is its text: a number is never a picture. Labels are data; ``*word*`` is italic, and
nothing else is markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Pt
from docx.text.paragraph import Paragraph

from cohortstats.tables.table import Column, Row, Table, plain
from cohortstats.tables.writers.docx_file import LANDSCAPE, LINE_HEIGHT, PORTRAIT, WordFile
from cohortstats.tables.writers.docx_layout import INDENT, SIZES, Layout, lay_out, span_of, split_wide, wraps

__all__ = ["add_caption", "add_table", "lies_on_its_side", "write_docx"]

LINES_THAT_FIT_A_PAGE = 40
LONGEST_CELL_OF_ONE_PIECE = 1500  # signs; a line that is taller than a page has to break
ALIGNMENTS = {"right": WD_ALIGN_PARAGRAPH.RIGHT, "center": WD_ALIGN_PARAGRAPH.CENTER}
TWIPS = 20  # a point has twenty
BREAK = "\v"  # in no text that is visible
TABLE_PROPERTIES = (
    '<w:tblW w:w="{width}" w:type="dxa"/><w:tblInd w:w="0" w:type="dxa"/>'
    '<w:tblBorders><w:top w:val="single" w:sz="12" w:space="0" w:color="16181D"/>'
    '<w:bottom w:val="single" w:sz="12" w:space="0" w:color="16181D"/></w:tblBorders>'
    '<w:tblLayout w:type="fixed"/>'
    '<w:tblCellMar><w:left w:w="60" w:type="dxa"/><w:right w:w="60" w:type="dxa"/></w:tblCellMar>'
    '<w:tblLook w:val="0020" w:firstRow="1" w:lastRow="0" w:firstColumn="0" w:lastColumn="0" w:noHBand="1" '
    'w:noVBand="1"/>'
)
HEADER_RULE = '<w:bottom w:val="single" w:sz="4" w:space="0" w:color="16181D"/>'


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
# The lines of the table
# ---------------------------------------------------------------------------------------------------------------------


def _add_lines(word: WordFile, table: Table, layout: Layout, *, whole: bool) -> None:
    rows = [row for group in table.groups for row in group.rows]
    widths = [int(TWIPS * width) for width in layout.widths]
    element: Any = word.document.add_table(rows=len(rows) + 1, cols=len(table.columns))._tbl
    _set_properties(word, element, table, widths)
    header, *lines = element.tr_lst
    # A header that is taller than a page can neither stay in one piece nor be repeated.
    short = max(len(column.label) + len(column.note) for column in table.columns) < LONGEST_CELL_OF_ONE_PIECE
    _set_line(header, whole=short, header=short)
    for tc, column, width in zip(header.tc_lst, table.columns, widths, strict=True):
        _fill_head(word, tc, column, width, layout.size)
    whole = whole and layout.lines <= LINES_THAT_FIT_A_PAGE
    broken = _broken_columns(table, layout)
    last_of_group = [place == len(group.rows) - 1 for group in table.groups for place in range(len(group.rows))]
    for number, (tr, row) in enumerate(zip(lines, rows, strict=True)):
        at_end = number == len(rows) - 1
        kept = bool(table.footnotes) if at_end else whole or not last_of_group[number]
        _fill_line(word, tr, table, row, widths, layout.size, broken, kept=kept)


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


def _set_properties(word: WordFile, element: Any, table: Table, widths: Sequence[int]) -> None:
    """Fixed widths, the two thick rules, and what a screen reader calls the table."""
    properties = parse_xml(
        f"<w:tblPr {nsdecls('w')}>{TABLE_PROPERTIES.format(width=sum(widths))}<w:tblCaption/></w:tblPr>"
    )
    name = plain(f"{table.number}. {table.caption}" if table.number else table.caption)
    properties.find(qn("w:tblCaption")).set(qn("w:val"), word.text(name))
    element.replace(element.tblPr, properties)
    for column, width in zip(element.tblGrid.gridCol_lst, widths, strict=True):
        column.set(qn("w:w"), str(width))


def _set_line(tr: Any, *, whole: bool, header: bool = False) -> None:
    properties = tr.get_or_add_trPr()
    if whole:
        properties.append(OxmlElement("w:cantSplit"))
    if header:
        properties.append(OxmlElement("w:tblHeader"))


def _paragraph(word: WordFile, p: Any, align: str, size: float) -> Paragraph:
    p.style = "TableText"
    paragraph = Paragraph(p, word.document.part)
    if align in ALIGNMENTS:
        paragraph.alignment = ALIGNMENTS[align]
    if size != SIZES[0]:
        paragraph.paragraph_format.line_spacing = Pt(LINE_HEIGHT * size)
    return paragraph


def _fill_head(word: WordFile, tc: Any, column: Column, width: int, size: float) -> None:
    properties = tc.get_or_add_tcPr()
    _set_width(properties, width)
    borders = parse_xml(f"<w:tcBorders {nsdecls('w')}>{HEADER_RULE}</w:tcBorders>")
    properties.append(borders)
    bottom = OxmlElement("w:vAlign")
    bottom.set(qn("w:val"), "bottom")
    properties.append(bottom)
    align = "left" if column.kind == "stub" else column.align
    paragraph = _paragraph(word, tc.p_lst[0], align, size)
    paragraph.paragraph_format.keep_with_next = True
    word.add_runs(paragraph, column.label, bold=True, size=size)
    if column.note:
        note = _paragraph(word, tc.add_p(), align, size)
        note.paragraph_format.keep_with_next = True
        word.add_runs(note, column.note, muted=True, size=size - 1)


def _fill_line(
    word: WordFile, tr: Any, table: Table, row: Row, widths: Sequence[int], size: float, broken: set[int], *, kept: bool
) -> None:
    texts = [word.text(table.text(cell)) for cell in row.cells]
    _set_line(tr, whole=max(map(len, texts)) < LONGEST_CELL_OF_ONE_PIECE)
    span = span_of(row)
    first, *others = tr.tc_lst
    for tc in others[: span - 1]:
        tr.remove(tc)
    properties = first.get_or_add_tcPr()
    _set_width(properties, sum(widths[:span]))
    if span > 1:
        properties.grid_span = span
    heads = row.kind == "variable"
    paragraph = _fill(word, first, texts[0], row.cells[0].mark, "left", size, bold=heads, kept=kept)
    if row.indent:
        paragraph.paragraph_format.left_indent = Pt(INDENT * row.indent)
    places = range(span, len(row.cells))
    for place, tc in zip(places, others[span - 1 :], strict=True):
        _set_width(tc.get_or_add_tcPr(), widths[place])
        column, mark = table.columns[place], row.cells[place].mark
        text = texts[place].replace(" (", f"{BREAK}(", 1) if place in broken else texts[place]
        _fill(word, tc, text, mark, column.align, size, bold=False, kept=kept)
    if heads:
        # Room stands between variables where the page has a hairline.
        for tc in tr.tc_lst:
            Paragraph(tc.p_lst[0], word.document.part).paragraph_format.space_before = Pt(4)


def _fill(
    word: WordFile, tc: Any, text: str, mark: str, align: str, size: float, *, bold: bool, kept: bool
) -> Paragraph:
    paragraph = _paragraph(word, tc.p_lst[0], align, size)
    paragraph.paragraph_format.keep_with_next = True if kept else None
    of_style = 0.0 if size == SIZES[0] else size
    for number, line in enumerate(text.split(BREAK)):
        if number:
            paragraph.add_run().add_break()
        word.add_runs(paragraph, line, bold=bold or None, size=of_style)
    if mark:
        word.add_mark(paragraph, mark, size=of_style)
    return paragraph


def _set_width(properties: Any, width: int) -> None:
    element = properties.get_or_add_tcW()
    element.set(qn("w:w"), str(width))
    element.set(qn("w:type"), "dxa")
