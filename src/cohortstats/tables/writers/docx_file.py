"""A Word file to write into: A4, fonts for Latin and Japanese letters, language, styles; the same bytes every time."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any

from docx import Document
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Emu, Inches, Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from cohortstats.tables.table import plain, split_italics, visible

if TYPE_CHECKING:
    from docx.document import Document as DocumentType
    from docx.section import Section

__all__ = ["LANDSCAPE", "LINE_HEIGHT", "PORTRAIT", "WordFile"]

LATIN_FONT = "Arial"
JAPANESE_FONT = "Yu Gothic"
MARGIN = 20  # mm, on all sides
SHORT, LONG = 210, 297  # mm: A4
PORTRAIT = (SHORT - 2 * MARGIN) * 72 / 25.4  # points between the margins
LANDSCAPE = (LONG - 2 * MARGIN) * 72 / 25.4
INK, MUTED, LABEL = RGBColor(0x16, 0x18, 0x1D), RGBColor(0x69, 0x70, 0x7C), RGBColor(0xA3, 0x26, 0x2A)
# A file says nothing of the day on which it was written: ZIP knows no earlier one than this.
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
LONGEST_PROPERTY = 255  # signs that a property of a file may have
LONGEST_RUNNING_HEAD = 110

LINE_HEIGHT = 1.25  # of the lines of a table, in sizes of the type

# Name, what it is based on, size, bold, colour, points before and after, kept with what follows.
STYLES = (
    ("Title", "", 20.0, True, INK, 0, 4, True),
    ("Heading 1", "", 14.0, True, INK, 18, 6, True),
    ("Heading 2", "", 11.5, True, INK, 16, 4, True),
    ("Caption", "", 9.5, False, INK, 6, 4, False),
    ("List Bullet", "", 10.0, False, INK, 0, 2, False),
    ("Header", "", 8.0, False, MUTED, 0, 0, False),
    ("Footer", "", 8.0, False, MUTED, 0, 0, False),
    ("Kicker", "Normal", 8.5, False, MUTED, 0, 2, True),
    ("Study Facts", "Normal", 10.0, False, MUTED, 0, 6, False),
    ("Synthetic Label", "Normal", 10.0, True, LABEL, 0, 6, False),
    ("Picture", "Normal", 10.0, False, INK, 2, 2, True),
    ("Table Text", "Normal", 9.0, False, INK, 1.5, 1.5, False),
    ("Table Notes", "Normal", 8.0, False, MUTED, 1, 1, False),
    ("Made By", "Normal", 8.0, False, MUTED, 0, 2, True),
)


class WordFile:
    """A document under construction, in one language, on upright A4 pages.

    Parameters
    ----------
    lang
        ``"en"`` or ``"ja"``.
    title, subject, comments
        What the properties of the file say.
    """

    def __init__(self, *, lang: str, title: str = "", subject: str = "", comments: str = "") -> None:
        self.lang = lang
        self.dropped: set[str] = set()
        self.document: DocumentType = Document()
        self._tidy_template()
        self._set_language()
        self._set_styles()
        self._set_properties(title, subject, comments)
        self._set_page(self.document.sections[0], on_its_side=False)

    # -----------------------------------------------------------------------------------------------------------------
    # What is written
    # -----------------------------------------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """The text as it may be written, which XML 1.0 says; the characters that had to go are remembered."""
        kept = visible(text)
        if kept != text:
            self.dropped |= {char for char in set(text) if not visible(char)}
        return kept

    def paragraph(self, text: str = "", style: str = "Normal") -> Paragraph:
        """A paragraph at the end; ``*word*`` is italic."""
        paragraph = self.document.add_paragraph(style=style)
        self.add_runs(paragraph, text)
        return paragraph

    def add_runs(
        self, paragraph: Paragraph, text: str, *, bold: bool | None = None, muted: bool = False, size: float = 0.0
    ) -> None:
        """Text at the end of a paragraph; ``*word*`` is italic, nothing else is markup. Size 0: as the style says."""
        for piece, italic in split_italics(self.text(text)):
            run = paragraph.add_run(piece)
            run.bold = bold
            run.italic = True if italic else None
            if muted:
                run.font.color.rgb = MUTED
            if size:
                run.font.size = Pt(size)

    def add_mark(self, paragraph: Paragraph, mark: str, *, size: float = 0.0) -> None:
        """A raised footnote mark at the end of a paragraph."""
        run = paragraph.add_run(self.text(mark))
        run.font.superscript = True
        if size:
            run.font.size = Pt(size)

    def add_picture(self, png: bytes, *, description: str, title: str, width: float, tallest: float) -> None:
        """A picture in a paragraph of its own.

        Parameters
        ----------
        png
            The picture.
        description
            What it shows, in words, for those who do not see it.
        title
            Its name.
        width, tallest
            Most that it may take of the page, in points.
        """
        run = self.document.add_paragraph(style="Picture").add_run()
        shape = run.add_picture(io.BytesIO(png))
        scale = min(1.0, Pt(width) / shape.width, Pt(tallest) / shape.height)
        shape.width, shape.height = Emu(int(scale * shape.width)), Emu(int(scale * shape.height))
        properties: Any = shape._inline.docPr
        properties.set("descr", self.text(plain(description)))
        properties.set("title", self.text(plain(title)))

    @property
    def on_its_side(self) -> bool:
        """Whether the page that is written lies on its side."""
        return self.document.sections[-1].orientation == WD_ORIENT.LANDSCAPE

    def turn(self, *, on_its_side: bool) -> None:
        """Pages from here on are upright, or lie on their side."""
        if self.on_its_side != on_its_side:
            body: Any = self.document.element.body
            section = self.document.add_section(WD_SECTION.NEW_PAGE) if body.inner_content_elements else None
            self._set_page(section or self.document.sections[0], on_its_side=on_its_side)

    def number_pages(self, *, running_head: str = "") -> None:
        """Page n of N at the foot of every page; ``running_head`` at its top."""
        section = self.document.sections[0]
        foot = section.footer.paragraphs[0]
        foot.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        for field, between in (("PAGE", " / "), ("NUMPAGES", "")):
            element = OxmlElement("w:fldSimple")
            element.set(qn("w:instr"), field)
            run, shown = OxmlElement("w:r"), OxmlElement("w:t")
            shown.text = "1"
            run.append(shown)
            element.append(run)
            foot._p.append(element)
            if between:
                foot.add_run(between)
        if running_head:
            short = plain(running_head)
            short = short if len(short) <= LONGEST_RUNNING_HEAD else f"{short[:LONGEST_RUNNING_HEAD]}…"
            self.add_runs(section.header.paragraphs[0], short)

    def to_bytes(self) -> bytes:
        """The file: equal for equal content, whatever the clock, the time zone and the hash seed."""
        stream = io.BytesIO()
        self.document.save(stream)
        whole = io.BytesIO()
        with zipfile.ZipFile(stream) as made, zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as target:
            # Readers tell a Word file by its first entry.
            for name in sorted(made.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
                entry = zipfile.ZipInfo(name, date_time=FIRST_DAY)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 0
                target.writestr(entry, made.read(name))
        return whole.getvalue()

    # -----------------------------------------------------------------------------------------------------------------
    # Set-up
    # -----------------------------------------------------------------------------------------------------------------

    def _tidy_template(self) -> None:
        """Of the library's template keep what is used: no preview, no second copy of the styles, no table styles."""
        part = self.document.part
        for owner in (part.package, part):
            unused = [
                key
                for key, relation in owner.rels.items()
                if relation.reltype.rpartition("/")[2] in ("thumbnail", "customXml", "stylesWithEffects")
            ]
            for key in unused:
                del owner.rels[key]
        properties: Any = part.package.part_related_by(RELATIONSHIP_TYPE.EXTENDED_PROPERTIES)
        properties._blob = (
            b"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n"
            b'<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">'
            b"<Application>cohortstats</Application></Properties>"
        )
        styles: Any = self.document.styles.element
        for style in styles.findall(qn("w:style")):
            if style.get(qn("w:type")) == "table" and style.get(qn("w:styleId")) != "TableNormal":
                styles.remove(style)
        settings: Any = self.document.settings.element
        for name in ("w:rsids", "w:proofState", "w:savePreviewPicture"):
            for element in settings.findall(qn(name)):
                settings.remove(element)
        for element in settings.iter(qn("w:compatSetting")):
            if element.get(qn("w:name")) == "compatibilityMode":
                element.set(qn("w:val"), "15")

    def _set_language(self) -> None:
        # Latin words in Japanese text stay English to Word: as Japanese they would break between any two letters.
        styles: Any = self.document.styles.element
        for element in styles.iter(qn("w:lang")):
            element.set(qn("w:val"), "en-US")
            element.set(qn("w:eastAsia"), "ja-JP")
        settings: Any = self.document.settings.element
        for element in settings.iter(qn("w:themeFontLang")):
            element.set(qn("w:val"), "ja-JP" if self.lang == "ja" else "en-US")
        # A style that names a font of the theme would win over the fonts of the document.
        for fonts in styles.iter(qn("w:rFonts")):
            for name in list(fonts.attrib):
                del fonts.attrib[name]
            for name, font in (
                ("ascii", LATIN_FONT),
                ("eastAsia", JAPANESE_FONT),
                ("hAnsi", LATIN_FONT),
                ("cs", LATIN_FONT),
            ):
                fonts.set(qn(f"w:{name}"), font)

    def _set_styles(self) -> None:
        styles = self.document.styles
        normal: Any = styles["Normal"]
        normal.font.size = Pt(10)
        normal.font.color.rgb = INK
        normal.paragraph_format.space_after = Pt(6)
        normal.paragraph_format.line_spacing = 1.15
        for name, base, size, bold, colour, before, after, kept in STYLES:
            style: Any = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH) if base else styles[name]
            if base:
                style.base_style = styles[base]
            properties = style.element.get_or_add_pPr()
            for border in properties.findall(qn("w:pBdr")):
                properties.remove(border)
            spaced = style.element.find(qn("w:rPr"))
            for element in [] if spaced is None else list(spaced):
                if element.tag in (qn("w:spacing"), qn("w:kern"), qn("w:color")):
                    spaced.remove(element)
            style.font.size = Pt(size)
            style.font.bold = bold
            style.font.color.rgb = colour
            style.paragraph_format.space_before = Pt(before)
            style.paragraph_format.space_after = Pt(after)
            style.paragraph_format.keep_with_next = kept
            if name == "Table Text":
                # Exact, so that Latin and Japanese cells of a line stand on the same height.
                style.paragraph_format.line_spacing = Pt(LINE_HEIGHT * size)
            elif name == "Table Notes":
                style.paragraph_format.line_spacing = 1.0
            style.hidden = False

    def _set_properties(self, title: str, subject: str, comments: str) -> None:
        core = self.document.core_properties
        core.title = self._property(title)
        core.subject = self._property(subject)
        core.comments = self._property(comments)
        core.author = core.last_modified_by = "cohortstats"
        core.language = "ja-JP" if self.lang == "ja" else "en-US"
        core.created = core.modified = datetime(*FIRST_DAY)
        core.revision = 1

    def _property(self, text: str) -> str:
        kept = self.text(plain(text))
        return kept if len(kept) <= LONGEST_PROPERTY else f"{kept[: LONGEST_PROPERTY - 1]}…"

    def _set_page(self, section: Section, *, on_its_side: bool) -> None:
        width, height = (LONG, SHORT) if on_its_side else (SHORT, LONG)
        section.orientation = WD_ORIENT.LANDSCAPE if on_its_side else WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = Mm(width), Mm(height)
        section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(MARGIN)
        section.header_distance = section.footer_distance = Inches(0.4)
