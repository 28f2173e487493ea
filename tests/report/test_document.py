"""The report as a Word file: every exhibit, words for every picture, nothing of a patient, the same bytes every time."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph
from lxml import etree

import cohortstats as cs
from cohortstats.report.write import make_report, with_options
from cohortstats.tables.table import plain

ROOT = Path(__file__).parents[2]
SEPHER = ROOT / "data" / "raw" / "sepher2020"
LABEL = "rebuilt from published aggregates, not patient records"


def word_report(folder: Path, **options: Any) -> cs.Report:
    """A run that writes the Word file and no pictures beside it."""
    study = with_options(cs.Study.read(folder), formats=["docx"], **options)
    return make_report(cs.load_cohort(dataclasses.replace(study, report=dataclasses.replace(study.report, figures=()))))


@pytest.fixture(scope="module")
def sakai() -> cs.Report:
    return word_report(cs.shipped_study("sakai2018"))


@pytest.fixture(scope="module")
def japanese() -> cs.Report:
    return word_report(cs.shipped_study("sakai2018"), lang="ja", style="default")


@pytest.fixture(scope="module")
def sepher() -> cs.Report:
    if not SEPHER.is_dir():
        pytest.skip("data/raw/sepher2020 is not shipped")
    return word_report(SEPHER)


@pytest.fixture(params=["sakai", "japanese", "sepher"])
def report(request: pytest.FixtureRequest) -> cs.Report:
    return request.getfixturevalue(request.param)


def document_of(report: cs.Report) -> Any:
    return Document(io.BytesIO(report.files["report.docx"]))


def parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def strings_of(table: Any) -> list[list[str]]:
    """Texts of a Word table, line by line; a cell over several columns is followed by empty ones."""
    rows = []
    for tr in table._tbl.tr_lst:
        texts = []
        for tc in tr.tc_lst:
            text = " ".join(Paragraph(p, None).text.replace("\n", " ") for p in tc.p_lst)
            texts += [text, *[""] * (tc.grid_span - 1)]
        rows.append(texts)
    return rows


def headings(report: cs.Report) -> list[tuple[int, str]]:
    return [
        (int(paragraph.style.name.removeprefix("Heading ")), paragraph.text)
        for paragraph in document_of(report).paragraphs
        if paragraph.style.name.startswith("Heading ")
    ]


def test_cells_of_every_exhibit_are_those_of_its_table(report: cs.Report) -> None:
    made = [strings_of(table) for table in document_of(report).tables]
    tables = [analysis.table for analysis in report.analyses]
    assert len(tables) >= 6
    for table, found in zip(tables, made, strict=False):
        assert found == [[plain(text) for text in line] for line in table.strings()], table.id
    ledgers = made[len(tables) :]
    assert len(ledgers) == (3 if report.agreement.items else 0), "what does not agree, the audit, the whole ledger"


def test_the_ledger_is_whole(sakai: cs.Report) -> None:
    *_, unlike, _audit, everything = (strings_of(table) for table in document_of(sakai).tables)
    assert [line[1:3] for line in everything[1:]] == [[item.published, item.computed] for item in sakai.agreement.items]
    assert len(unlike) - 1 == 3 + 1 + 4, "last digit, differs, paper differs from itself"
    assert any("✗ differs" in line and "56.6" in line and "56.50" in line for line in unlike)


def test_order_of_the_document(sakai: cs.Report) -> None:
    document = document_of(sakai)
    first = [(paragraph.style.name, paragraph.text) for paragraph in document.paragraphs[:4]]
    assert [style for style, _ in first] == ["Kicker", "Title", "Study Facts", "Synthetic Label"]
    assert first[1][1] == sakai.cohort.study.title
    assert first[3][1] == LABEL
    assert headings(sakai) == [
        (1, "8 notes on the data"),
        (1, "Tables and figures"),
        *[(2, analysis.table.number) for analysis in sakai.analyses],
        (1, "Published versus computed"),
        (1, "Audit of the printed paper"),
        (1, "Methods, ready to paste"),
        (1, "All printed values"),
    ]


def test_headings_skip_no_level(report: cs.Report) -> None:
    levels = [0, *(level for level, _ in headings(report))]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [text for level, text in headings(report) if level == 2] == [a.table.number for a in report.analyses]


def test_methods_notes_and_origin_are_those_of_the_page(sakai: cs.Report) -> None:
    texts = [paragraph.text for paragraph in document_of(sakai).paragraphs]
    assert " ".join(plain(sentence) for sentence in sakai.methods) in texts
    assert [plain(note) for note in sakai.notes] == [
        paragraph.text for paragraph in document_of(sakai).paragraphs if paragraph.style.name == "List Bullet"
    ]
    made_by = [text for text in texts if text.startswith("Made by cohortstats report study.toml")]
    digest = hashlib.sha256((cs.shipped_study("sakai2018") / "patients.csv").read_bytes()).hexdigest()[:12]
    assert f"patients.csv sha256 {digest}" in made_by[0]


def test_pictures_have_words_and_300_dots_an_inch(report: cs.Report) -> None:
    document = document_of(report)
    drawn = [analysis for analysis in report.analyses if analysis.picture is not None]
    shapes = document.inline_shapes
    assert len(shapes) == len(drawn) > 0
    for analysis, shape in zip(drawn, shapes, strict=True):
        words = shape._inline.docPr.get("descr")
        assert len(words) > 20
        assert shape._inline.docPr.get("title") == plain(f"{analysis.table.number}. {analysis.table.caption}")
        blip = shape._inline.graphic.graphicData.pic.blipFill.blip
        image = document.part.related_parts[blip.embed].image
        assert (image.content_type, image.horz_dpi) == ("image/png", 300)
        assert shape.width / 914400 <= (210 - 40) / 25.4 + 0.01, "inside the margins"
        assert image.px_width / image.px_height == pytest.approx(shape.width / shape.height, rel=0.01)
    ids = [shape._inline.docPr.get("id") for shape in shapes]
    assert len(set(ids)) == len(ids)


def test_words_of_a_picture_are_those_of_the_page(sakai: cs.Report, japanese: cs.Report) -> None:
    (shape,) = document_of(sakai).inline_shapes
    words = shape._inline.docPr.get("descr")
    assert "ER/PR positive and HER2 not amplified: median 56.5 days" in words
    assert "P = 0.0037" in words
    (shape,) = document_of(japanese).inline_shapes
    assert "中央値" in shape._inline.docPr.get("descr")


def test_every_table_and_picture_has_its_caption_beside_it(report: cs.Report) -> None:
    body = list(document_of(report).element.body)
    names = [element.tag.partition("}")[2] for element in body]
    styles = [element.style if name == "p" else "" for element, name in zip(body, names, strict=True)]
    for place, name in enumerate(names):
        if name == "tbl":
            assert styles[place - 1] in ("Caption", "Heading1")
            assert Paragraph(body[place - 1], document_of(report).part).paragraph_format.keep_with_next is not False
        if styles[place] == "Picture":
            assert styles[place + 1] == "Caption"
    captions = [element for element, style in zip(body, styles, strict=True) if style == "Caption"]
    numbers = ["".join(element.itertext()) for element in captions]
    for analysis in report.analyses:
        assert any(text.startswith(f"{analysis.table.number}.") for text in numbers), analysis.id


def test_synthetic_label_stands_everywhere(sakai: cs.Report) -> None:
    document = document_of(sakai)
    assert document.core_properties.comments == LABEL
    assert LABEL in document.sections[0].header.paragraphs[0].text
    captions = [paragraph.text for paragraph in document.paragraphs if paragraph.style.name == "Caption"]
    assert all(LABEL in text for text in captions if not text.startswith("What does not"))


def test_withheld_numbers_are_in_no_part(sakai: cs.Report) -> None:
    # Of the shipped rows, by R: Cox hazard ratio and its limits, the log-rank statistic and its parts. None is printed.
    text = " ".join(
        "".join(etree.fromstring(part).itertext())
        for name, part in parts(sakai.files["report.docx"]).items()
        if name == "word/document.xml"
    )
    for number in ("12.24", "102.05", "1.4687", "8.4188", "3.0750"):
        assert number not in text


def test_pages(report: cs.Report) -> None:
    document = document_of(report)
    for section in document.sections:
        sides = sorted((section.page_width.mm, section.page_height.mm))
        assert sides == pytest.approx([210, 297], abs=0.1)
    foot = etree.tostring(document.sections[0].footer._element).decode()
    assert re.findall(r'w:instr="(\w+)"', foot) == ["PAGE", "NUMPAGES"]
    assert all(section.footer.is_linked_to_previous for section in list(document.sections)[1:])


def test_every_header_line_repeats(report: cs.Report) -> None:
    for table in document_of(report).tables:
        header, *lines = table._tbl.tr_lst
        assert header.trPr.find(qn("w:tblHeader")) is not None
        assert all(tr.trPr.find(qn("w:cantSplit")) is not None for tr in lines)


def test_language(sakai: cs.Report, japanese: cs.Report) -> None:
    assert document_of(sakai).core_properties.language == "en-US"
    document = document_of(japanese)
    assert document.core_properties.language == "ja-JP"
    assert (1, "表と図") in headings(japanese)
    fonts = document.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:rFonts')}")
    assert fonts.get(qn("w:eastAsia")) == "Yu Gothic"


def test_ids_are_in_no_part(study_copy: Callable[..., Path]) -> None:
    folder = study_copy(study={'ids        = "show"': 'ids        = "hide"'})
    for name in ("patients.csv", "ctdna.csv"):
        path = folder / name
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([head, *(f"KINDAI-{line}" for line in lines)]) + "\n", encoding="utf-8")
    content = word_report(folder).files["report.docx"]
    for name, part in parts(content).items():
        assert b"KINDAI" not in part, name
        assert str(folder).encode() not in part, name
    text = "".join(etree.fromstring(parts(content)["word/document.xml"]).itertext())
    assert "contains no patient identifiers" in text


def test_ids_stand_where_the_study_shows_them(sakai: cs.Report) -> None:
    table3 = strings_of(document_of(sakai).tables[2])
    assert [line[0] for line in table3[1:]] == [str(number) for number in range(1, 17)]
    text = "".join(etree.fromstring(parts(sakai.files["report.docx"])["word/document.xml"]).itertext())
    assert "Patient numbers are shown in Table 3." in text
    assert "contains no patient identifiers" not in text


HOSTILE = [
    "<script>alert(1)</script>",
    '\\"><img src=x onerror=alert(1)>',
    "</w:t></w:r>{{7*7}}&amp;</title>",
    "nul\\u0000byte and \\u202e turned",
    "x" * 10_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_inert(study_copy: Callable[..., Path], text: str) -> None:
    folder = study_copy(
        study={
            'title       = "Primary resistance to T-DM1 in HER2-positive advanced breast cancer"': f'title = "{text}"',
            'label = "Pathology"': f'label = "{text}"',
            '"Stage IV or recurrent"': f'"{text}"',
            'title      = "*HER2* copy number gain and *PIK3CA* mutations in plasma samples"': f'title = "{text}"',
            '"All other patients"': f'"{text}"',
            'synthetic   = "rebuilt from published aggregates, not patient records"': f'synthetic = "{text}"',
        }
    )
    report = word_report(folder)
    content = report.files["report.docx"]
    for name, part in parts(content).items():
        if name.endswith((".xml", ".rels")):
            words = "".join(etree.fromstring(part).itertext())
            assert not set(words) & {"\x00", "\u202e"}, name
        if name.endswith(".rels"):
            assert b'TargetMode="External"' not in part
    document = document_of(report)
    tables = [analysis.table for analysis in report.analyses]
    for table, found in zip(tables, document.tables, strict=False):
        assert strings_of(found) == [[plain(cell) for cell in line] for line in table.strings()], table.id
    assert document.inline_shapes
    said = [message for message in report.messages if message.startswith("report.docx")]
    expected = ["report.docx: control characters were left out of its text: U+0000, U+202E."] if "u0000" in text else []
    assert said == expected


def test_no_clock_in_the_archive(sakai: cs.Report) -> None:
    with zipfile.ZipFile(io.BytesIO(sakai.files["report.docx"])) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_manifest_names_the_file_and_who_wrote_it(sakai: cs.Report) -> None:
    import json

    manifest = json.loads(sakai.files["manifest.json"])
    assert manifest["outputs"]["report.docx"]["sha256"] == hashlib.sha256(sakai.files["report.docx"]).hexdigest()
    assert "python-docx" in manifest["versions"]


def test_word_is_loaded_only_to_write_it(tmp_path: Path) -> None:
    script = (
        "import sys, cohortstats as cs\n"
        f"cs.write_report(cs.shipped_study('sakai2018'), {str(tmp_path / 'r')!r}, formats=['html', 'md', 'csv'])\n"
        "print('docx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_no_table_is_wider_than_its_page(report: cs.Report) -> None:
    document = document_of(report)
    widest = {True: (297 - 40) / 25.4 * 1440, False: (210 - 40) / 25.4 * 1440}
    sides = [section.page_width > section.page_height for section in document.sections]
    place = 0
    for element in document.element.body:
        if element.tag == qn("w:tbl"):
            width = sum(int(column.get(qn("w:w"))) for column in element.tblGrid.gridCol_lst)
            assert width <= widest[sides[place]] + 1
        place += element.find(f"{qn('w:pPr')}/{qn('w:sectPr')}") is not None


@pytest.mark.skipif(shutil.which("soffice") is None, reason="no LibreOffice on this machine")
def test_opens_in_libreoffice(sakai: cs.Report, tmp_path: Path) -> None:
    path = tmp_path / "report.docx"
    path.write_bytes(sakai.files["report.docx"])
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(path)]
    subprocess.run(command, capture_output=True, check=True, timeout=180)
    content = (tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    if shutil.which("pdftotext") is None:
        return
    done = subprocess.run(["pdftotext", "-layout", str(tmp_path / "report.pdf"), "-"], capture_output=True, check=True)
    pages = done.stdout.decode().split("\f")[:-1]
    assert 8 <= len(pages) <= 12
    assert all(len(page.split()) > 30 for page in pages), "no page is blank"
    text = " ".join(done.stdout.decode().split())
    assert "Primary resistance to T-DM1 in HER2-positive" in text
    assert "+85.7 (+15.1 to +96.0)" in text
    for number in range(1, 6):
        assert f"Table {number}." in text
