"""Word manuscripts: the text as it stands when all tracked changes are accepted."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from cohortstats.errors import DataError, Problem
from cohortstats.report.manuscript.passages import CITED, Manuscript, Passage, PastedTable, passage

__all__ = ["read_word"]

_MAIN = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATHS = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_ALTERNATE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# What was struck out, what a field is made from, and the second copy of a drawing are no text.
_NOT_READ = {f"{_MAIN}{name}" for name in ("del", "moveFrom", "instrText", "delText", "delInstrText")} | {_ALTERNATE}
_NOTES = ("word/footnotes.xml", "word/endnotes.xml")
_RAISED = re.compile(r"[\d,;\s\u2013-]*\d[\d,;\s\u2013-]*")
MOST_BYTES = 200 * 1024 * 1024  # of one part, unpacked


def read_word(path: Path) -> Manuscript:
    """Paragraphs, tables and notes of a ``.docx`` file; deleted text is left out, inserted text is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            roots = {name: _parse(archive, name) for name in ("word/document.xml", *_NOTES) if name in names}
        body = roots["word/document.xml"].find(f"{_MAIN}body")
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, EOFError, ValueError) as error:
        raise _unreadable(path) from error
    parts: list[Passage | PastedTable] = []
    if body is not None:
        _read_blocks(body, parts, "")
    for name in _NOTES:
        if name in roots:
            kind = "footnote" if "foot" in name else "endnote"
            shown = [note for note in roots[name] if note.get(f"{_MAIN}type") in (None, "normal")]
            for number, note in enumerate(shown, start=1):
                text = "\n".join(_paragraph_text(paragraph) for paragraph in note.iter(f"{_MAIN}p"))
                parts.append(passage(text, place=f"{kind} {number}"))
    return Manuscript(parts=tuple(parts))


def _unreadable(path: Path) -> DataError:
    problem = Problem(
        code="file-unreadable",
        file=path.name,
        message="It is not a Word file that can be read.",
        mend="Open it in Word and save it again as .docx.",
    )
    return DataError([problem])


def _parse(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if archive.getinfo(name).file_size > MOST_BYTES:
        raise ValueError(f"{name} is too large")
    content = archive.read(name)
    # Word writes no document type; one would let entities grow without end.
    if b"<!DOCTYPE" in content[:4096]:
        raise ValueError(f"{name} has a document type")
    return ElementTree.fromstring(content)


def _read_blocks(parent: ElementTree.Element, parts: list[Passage | PastedTable], inside: str) -> None:
    """Paragraphs and tables under an element, also inside of controls and tracked insertions."""
    for element in parent:
        if element.tag == f"{_MAIN}p":
            number = 1 + sum(isinstance(part, Passage) for part in parts)
            parts.append(passage(_paragraph_text(element), place=f"paragraph {number}"))
            for box in _boxes(element):
                _read_blocks(box, parts, inside)
        elif element.tag == f"{_MAIN}tbl":
            number = 1 + sum(isinstance(part, PastedTable) for part in parts)
            parts.append(_table(element, number))
        elif element.tag not in _NOT_READ:
            _read_blocks(element, parts, inside)


def _boxes(paragraph: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """Text boxes that hang on a paragraph."""
    for element in paragraph:
        if element.tag in _NOT_READ:
            continue
        if element.tag == f"{_MAIN}txbxContent":
            yield element
        else:
            yield from _boxes(element)


def _table(table: ElementTree.Element, number: int) -> PastedTable:
    rows = []
    place = 0
    for row in _nearest(table, "tr"):
        if row.find(f"{_MAIN}trPr/{_MAIN}del") is not None:
            continue  # a row that was struck out
        place += 1
        cells: list[Passage] = []
        for cell in _nearest(row, "tc"):
            text = "\n".join(_paragraph_text(paragraph) for paragraph in cell.iter(f"{_MAIN}p"))
            span = cell.find(f"{_MAIN}tcPr/{_MAIN}gridSpan")
            width = int(span.get(f"{_MAIN}val", "1")) if span is not None else 1
            # A cell over several columns stands in the first of them.
            for text_of_column in (text, *[""] * (width - 1)):
                column = len(cells) + 1
                cells.append(passage(text_of_column, place=f"table {number}, row {place}, column {column}"))
        rows.append(tuple(cells))
    return PastedTable(rows=tuple(rows))


def _nearest(parent: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """Elements of a name, not those inside of one."""
    for element in parent:
        if element.tag == f"{_MAIN}{name}":
            yield element
        elif element.tag not in _NOT_READ:
            yield from _nearest(element, name)


def _paragraph_text(paragraph: ElementTree.Element) -> str:
    return re.sub(rf"(?:{re.escape(CITED)}\s*)+", CITED, "".join(_texts(paragraph)))


def _texts(parent: ElementTree.Element) -> Iterator[str]:
    for element in parent:
        tag = element.tag
        if tag in _NOT_READ or tag == f"{_MAIN}txbxContent":
            continue
        if tag == f"{_MAIN}r":
            yield from _run(element)
        elif tag == f"{_MATHS}t":
            yield element.text or ""
        else:
            yield from _texts(element)


def _run(run: ElementTree.Element) -> Iterator[str]:
    """The text of a run; a raised number is a citation, a raised letter the mark of a footnote."""
    properties = run.find(f"{_MAIN}rPr")
    if properties is not None and properties.find(f"{_MAIN}vanish") is not None:
        return
    raised = properties.find(f"{_MAIN}vertAlign") if properties is not None else None
    text = "".join(_run_pieces(run))
    if raised is not None and raised.get(f"{_MAIN}val") == "superscript":
        text = CITED if _RAISED.fullmatch(text) else ""
    yield text


def _run_pieces(run: ElementTree.Element) -> Iterator[str]:
    signs = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
    for element in run:
        name = element.tag.removeprefix(_MAIN)
        if element.tag == f"{_MAIN}t":
            yield element.text or ""
        elif element.tag.startswith(_MAIN) and name in signs:
            yield signs[name]
        elif name in ("footnoteReference", "endnoteReference"):
            yield CITED
        elif element.tag == f"{_MAIN}sym":
            yield " "
