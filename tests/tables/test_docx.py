"""Word tables: native, three rules, the strings of the table, and no label is more than a label."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn
from lxml import etree

from cohortstats.tables.table import Cell, Column, Dot, Row, RowGroup, Table, plain
from cohortstats.tables.writers.docx import write_docx
from cohortstats.tables.writers.docx_file import LANDSCAPE, PORTRAIT
from cohortstats.tables.writers.docx_layout import lay_out, split_wide, text_width

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title>",
    "</w:t></w:r></w:p>",
    "{{7*7}}",
    "&amp;",
    "\u202e reversed",
    "nul\x00byte",
    "bell\x07 and \ufffe and \udc80",
    "x" * 10_000,
    "words of a label " * 600,
    "two\r\nlines",
]
# The order in which the schema of WordprocessingML wants them; Word refuses a file with another.
ORDER = {
    "tblPr": "tblStyle tblpPr tblOverlap bidiVisual tblStyleRowBandSize tblStyleColBandSize tblW jc tblCellSpacing tblInd "
    "tblBorders shd tblLayout tblCellMar tblLook tblCaption tblDescription",
    "tcPr": "cnfStyle tcW gridSpan hMerge vMerge tcBorders shd noWrap tcMar textDirection tcFitText vAlign hideMark",
    "pPr": "pStyle keepNext keepLines pageBreakBefore framePr widowControl numPr suppressLineNumbers pBdr shd tabs "
    "suppressAutoHyphens kinsoku wordWrap overflowPunct topLinePunct autoSpaceDE autoSpaceDN bidi adjustRightInd "
    "snapToGrid spacing ind contextualSpacing mirrorIndents suppressOverlap jc textDirection textAlignment "
    "textboxTightWrap outlineLvl divId cnfStyle rPr sectPr pPrChange",
    "rPr": "rStyle rFonts b bCs i iCs caps smallCaps strike dstrike outline shadow emboss imprint noProof snapToGrid "
    "vanish webHidden color spacing w kern position sz szCs highlight u effect bdr shd fitText vertAlign rtl cs em lang",
    "style": "name aliases basedOn next link autoRedefine hidden uiPriority semiHidden unhideWhenUsed qFormat locked "
    "personal personalCompose personalReply rsid pPr rPr tblPr trPr tcPr tblStylePr",
}


def table_of(label: str, *, columns: int = 0, caption: str | None = None) -> Table:
    more = tuple(Column(label=f"Group {number}", note="n (%)") for number in range(columns))
    counts = tuple(Cell(value=(number % 34, 34), format="count (percent)") for number in range(columns))
    return Table(
        id="table9",
        number="Table 9",
        caption=label if caption is None else caption,
        columns=(
            Column(label="Characteristic", align="left", kind="stub"),
            Column(label="N = 34", note="n (%)"),
            Column(label="Rate, 95% CI", kind="interval", align="center"),
            Column(label="*P*", note="Fisher exact"),
            *more,
        ),
        groups=(
            RowGroup(
                rows=(
                    Row(
                        kind="variable",
                        cells=(Cell(value=label), Cell(), Cell(), Cell(value="0.438"), *counts),
                    ),
                    Row(
                        kind="level",
                        indent=1,
                        cells=(
                            Cell(value="*HER2* gain"),
                            Cell(value=(9, 34), format="count (percent)", mark="a"),
                            Cell(
                                value="14.6–43.1",
                                dot=Dot(rate=0.265, lower=0.146, upper=0.431, reference=0.265),
                            ),
                            Cell(),
                            *counts,
                        ),
                    ),
                )
            ),
            RowGroup(
                rows=(
                    Row(
                        kind="line",
                        cells=(Cell(value="Total"), Cell(value=34, format="count"), Cell(), Cell(), *counts),
                    ),
                )
            ),
        ),
        footnotes=(label, "a Beyond the *HER2* cut-off."),
        label="rebuilt",
        style="paper",
    )


def read(content: bytes) -> Any:
    return Document(io.BytesIO(content))


def strings_of(table: Any) -> list[list[str]]:
    """Texts of a Word table, line by line; a cell over several columns is followed by empty ones."""
    rows = []
    for tr in table._tbl.tr_lst:
        texts = []
        for tc in tr.tc_lst:
            text = " ".join(paragraph.text.replace("\n", " ") for paragraph in _paragraphs(tc))
            texts += [text, *[""] * (tc.grid_span - 1)]
        rows.append(texts)
    return rows


def _paragraphs(tc: Any) -> list[Any]:
    from docx.text.paragraph import Paragraph

    return [Paragraph(p, None) for p in tc.p_lst]


def parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def xml_of(content: bytes, name: str) -> Any:
    return etree.fromstring(parts(content)[name])


def test_same_strings_and_a_native_table() -> None:
    table = table_of("Status")
    content = write_docx(table)
    (made,) = read(content).tables
    assert strings_of(made) == [[plain(text) for text in line] for line in table.strings()]
    assert strings_of(made)[2] == ["HER2 gain", "9 (26.5)a", "14.6–43.1", ""]
    body = parts(content)["word/document.xml"]
    assert b"<w:drawing" not in body, "an interval is a text, never a picture"


def test_three_rules_and_no_more() -> None:
    (made,) = read(write_docx(table_of("Status"))).tables
    rules = made._tbl.tblPr.find(qn("w:tblBorders"))
    assert {child.tag for child in rules} == {qn("w:top"), qn("w:bottom")}
    thick = {int(child.get(qn("w:sz"))) for child in rules}
    header, *lines = made._tbl.tr_lst
    thin = set()
    for tc in header.tc_lst:
        (border,) = tc.tcPr.find(qn("w:tcBorders"))
        assert border.tag == qn("w:bottom")
        thin.add(int(border.get(qn("w:sz"))))
    assert max(thin) < min(thick)
    assert not [tc for tr in lines for tc in tr.tc_lst if tc.tcPr.find(qn("w:tcBorders")) is not None]


def test_header_repeats_and_lines_do_not_split() -> None:
    (made,) = read(write_docx(table_of("Status"))).tables
    header, *lines = made._tbl.tr_lst
    assert header.trPr.find(qn("w:tblHeader")) is not None
    assert all(tr.trPr.find(qn("w:tblHeader")) is None for tr in lines)
    assert all(tr.trPr.find(qn("w:cantSplit")) is not None for tr in [header, *lines])


def test_variable_spans_bold_and_p_stays_on_its_line() -> None:
    (made,) = read(write_docx(table_of("Status"))).tables
    variable = made._tbl.tr_lst[1]
    assert [tc.grid_span for tc in variable.tc_lst] == [3, 1]
    name, p = (_paragraphs(tc)[0] for tc in variable.tc_lst)
    assert all(run.bold for run in name.runs)
    assert not any(run.bold for run in p.runs)
    assert p.text == "0.438"
    level = _paragraphs(made._tbl.tr_lst[2].tc_lst[0])[0]
    assert level.paragraph_format.left_indent.pt == pytest.approx(9)
    widths = [int(column.get(qn("w:w"))) for column in made._tbl.tblGrid.gridCol_lst]
    assert sum(widths[:3]) == int(variable.tc_lst[0].tcPr.find(qn("w:tcW")).get(qn("w:w")))


def test_alignment_italics_and_marks() -> None:
    document = read(write_docx(table_of("Status")))
    (made,) = document.tables
    level = [_paragraphs(tc)[0] for tc in made._tbl.tr_lst[2].tc_lst]
    assert [paragraph.alignment for paragraph in level] == [None, 2, 1, 2], "left, right, center, right"
    assert [(run.text, run.italic) for run in level[0].runs] == [("HER2", True), (" gain", None)]
    assert [(run.text, run.font.superscript) for run in level[1].runs] == [("9 (26.5)", None), ("a", True)]
    notes = [paragraph for paragraph in document.paragraphs if paragraph.style.name == "Table Notes"]
    assert [note.text for note in notes] == ["Status", "a Beyond the HER2 cut-off."]
    assert [run.font.superscript for run in notes[1].runs] == [True, None, None, None]


def test_caption_is_kept_with_the_table() -> None:
    document = read(write_docx(table_of("Status")))
    (caption,) = [paragraph for paragraph in document.paragraphs if paragraph.style.name == "Caption"]
    assert caption.text == "Table 9. Status (rebuilt)"
    assert caption.paragraph_format.keep_with_next
    assert caption._p.getnext().tag == qn("w:tbl")
    assert document.tables[0]._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val")) == "Table 9. Status"
    lines = [_paragraphs(tc)[0] for tr in document.tables[0]._tbl.tr_lst for tc in tr.tc_lst]
    assert all(line.paragraph_format.keep_with_next for line in lines), (
        "a short table stays on one page, with its notes"
    )


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_fonts_and_language(lang: str) -> None:
    content = write_docx(Table(id="t", number="表1", caption="背景", columns=(), groups=(), lang=lang))
    styles = xml_of(content, "word/styles.xml")
    defaults = styles.find(f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}")
    assert defaults.find(qn("w:rFonts")).get(qn("w:eastAsia")) == "Yu Gothic"
    for fonts in styles.iter(qn("w:rFonts")):
        assert not [name for name in fonts.attrib if name.lower().endswith("theme")], "a theme's font would win"
    assert defaults.find(qn("w:lang")).get(qn("w:eastAsia")) == "ja-JP"
    expected = {"en": "en-US", "ja": "ja-JP"}[lang]
    assert read(content).core_properties.language == expected
    assert xml_of(content, "word/settings.xml").find(qn("w:themeFontLang")).get(qn("w:val")) == expected


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_labels_are_inert(label: str) -> None:
    table = table_of(label)
    content = write_docx(table)
    for name, part in parts(content).items():
        if name.endswith((".xml", ".rels")):
            root = etree.fromstring(part)  # refuses what XML 1.0 does not allow
            text = "".join(root.itertext()) + "".join(
                value for element in root.iter() for value in element.attrib.values()
            )
            assert not [char for char in text if unicodedata.category(char) in ("Cf", "Cs", "Cn")], name
    assert set(parts(content)) == set(parts(write_docx(table_of("harmless"))))
    document = read(content)
    (made,) = document.tables
    assert strings_of(made) == [[plain(text) for text in line] for line in table.strings()]
    tags = [element.tag for element in document.element.body.iter() if isinstance(element.tag, str)]
    harmless = [element.tag for element in read(write_docx(table_of("harmless"))).element.body.iter()]
    assert set(tags) <= set(harmless)
    assert len(document.core_properties.title) <= 255


def test_elements_stand_in_the_order_of_the_schema() -> None:
    content = write_docx(table_of("*HER2* status", columns=4))
    seen = set()
    for name in ("word/document.xml", "word/styles.xml"):
        for element in xml_of(content, name).iter():
            order = ORDER.get(etree.QName(element).localname, "").split()
            if order:
                seen.add(etree.QName(element).localname)
                places = [order.index(etree.QName(child).localname) for child in element]
                assert places == sorted(places), etree.tostring(element)
    assert seen == set(ORDER)


def test_a_wide_table_lies_on_its_side() -> None:
    upright = read(write_docx(table_of("Status"))).sections
    assert [section.page_width.mm for section in upright] == pytest.approx([210], abs=0.1)
    document = read(write_docx(table_of("Status", columns=14)))
    (section,) = document.sections
    assert section.page_width > section.page_height, "and no empty page in front of it"
    assert section.page_width.mm == pytest.approx(297, abs=0.1)
    (made,) = document.tables
    widths = [int(column.get(qn("w:w"))) / 20 for column in made._tbl.tblGrid.gridCol_lst]
    assert PORTRAIT < sum(widths) <= LANDSCAPE


def test_more_columns_than_a_page_holds_are_printed_in_parts() -> None:
    table = table_of("Status", columns=70)
    made = read(write_docx(table)).tables
    assert len(made) > 1
    found = [strings_of(part) for part in made]
    whole = [[plain(text) for text in line] for line in table.strings()]
    for number, line in enumerate(whole):
        assert all(part[number][0] == line[0] for part in found), "the first column stands in each part"
        assert [text for part in found for text in part[number][1:]] == line[1:]
    assert all(len(part.columns) <= 63 for part in made)
    assert [bool(part.footnotes) for part in split_wide(table, LANDSCAPE)] == [False] * (len(made) - 1) + [True]


def test_numbers_do_not_wrap() -> None:
    # Of Arial: a digit takes 0.556 of the type size (Adobe's metrics of Helvetica).
    assert text_width("100") == pytest.approx(3 * 0.556)
    table = table_of("A variable with a name that is much longer than its numbers are", columns=2)
    layout = lay_out(table, upright=PORTRAIT, on_its_side=LANDSCAPE)
    assert not layout.squeezed
    assert sum(layout.widths) <= layout.room
    for line in table.strings()[2:]:
        for text, width in zip(line[1:], layout.widths[1:], strict=True):
            assert layout.size * text_width(text) < width - 6


def test_a_cell_that_must_wrap_breaks_in_front_of_its_parenthesis() -> None:
    many = [(8.37, 7.26, 9.47), (71.8, 65.3, 78.9)]
    table = Table(
        id="figure1",
        number="Figure 1",
        caption="Estimates",
        columns=(
            Column(label="Group", align="left", kind="stub"),
            *(Column(label=f"At {time} months", note="% (95% CI)") for time in range(8)),
        ),
        groups=(
            RowGroup(
                rows=tuple(
                    Row(
                        kind="line", cells=(Cell(value="Pertuzumab"), *(Cell(value=f"{a} ({b}–{c})") for _ in range(8)))
                    )
                    for a, b, c in many
                )
            ),
        ),
    )
    document = read(write_docx(table))
    assert document.sections[0].page_width < document.sections[0].page_height
    cell = _paragraphs(document.tables[0]._tbl.tr_lst[1].tc_lst[1])[0]
    assert cell.text == "8.37\n(7.26–9.47)"
    assert strings_of(document.tables[0]) == table.strings()


def test_widths_are_those_of_the_font() -> None:
    image_font = pytest.importorskip("PIL.ImageFont")
    path = Path("/usr/share/fonts/truetype/liberation2/LiberationSans-Regular.ttf")
    if not path.is_file():
        pytest.skip("Liberation Sans, the metric twin of Arial, is not here")
    font = image_font.truetype(str(path), 1000, layout_engine=0)
    for text in (
        "Clinicopathological features",
        "−5.8 (−31.0 to +29.5)",
        "HER2 gene amplification",
        "9 (26.5)",
        "≥ 5, 50% @ #3",
    ):
        assert text_width(text) == pytest.approx(font.getlength(text) / 1000, rel=0.03), text


def test_same_bytes_from_two_processes() -> None:
    script = (
        "import hashlib\nfrom cohortstats.tables.table import *\n"
        "from cohortstats.tables.writers.docx import write_docx\n"
        "t = Table(id='t', number='Table 1', caption='A', columns=(Column(label='B'),), "
        "groups=(RowGroup(rows=(Row(kind='line', cells=(Cell(value='C'),)),)),))\n"
        "print(hashlib.sha256(write_docx(t)).hexdigest())"
    )
    found = set()
    for seed, zone in (("1", "Asia/Tokyo"), ("77", "America/Lima")):
        environment = {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_a_file_says_nothing_of_clock_and_user() -> None:
    content = write_docx(table_of("Status"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist()[0] == "[Content_Types].xml"
        assert archive.namelist()[1:] == sorted(archive.namelist()[1:])
    properties = read(content).core_properties
    assert (properties.author, properties.last_modified_by) == ("cohortstats", "cohortstats")
    assert {properties.created.year, properties.modified.year} == {1980}
    assert properties.title == "Table 9. Status"
    assert properties.comments == "rebuilt"
    assert not re.search(rb"python-docx|Macintosh", b"".join(parts(content).values()))
