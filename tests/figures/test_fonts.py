"""Japanese is drawn by a font that has it, in every weight and slant; what no font has is told, and nothing breaks."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cohortstats.figures import KaplanMeierPicture, draw_kaplan_meier, figure_bytes, missing_glyphs
from cohortstats.figures import fonts as figure_fonts

KANA = "あいうえおかきくけこがぎぐげごぱぴぷぺぽっゃゅょアイウエオガギグゲゴヴァィゥェォッャュョー"
WORDS = "無増悪生存期間血漿変異増幅陽性陰性症例打ち切りログランク検定リスク集合か月週日年齢中央値（）、。・「」～％①Ⅲ"
# What a report writes beside letters: signs of tables, of numbers, of genes, and names from other countries.
SIGNS = "−–—≥≤<>±×·′″“”‘’…†‡§¶µμαβγκχ²³√∞≈→←%‰°ÄÖÜßéèñçøåłşő"


def fallback() -> str:
    names = figure_fonts.families()[1:]
    if not names:
        pytest.skip("no Japanese font is installed here; any of Noto Sans CJK JP, IPAexGothic, Yu Gothic … will do")
    return names[0]


@pytest.fixture
def only_dejavu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without any East Asian font."""
    caches = ("families", "font", "text_width", "_advance", "_known_characters", "_characters")

    def forget() -> None:
        for name in caches:
            getattr(figure_fonts, name).cache_clear()

    kept = [entry for entry in font_manager.fontManager.ttflist if entry.name.startswith("DejaVu")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", kept)
    forget()
    yield
    monkeypatch.undo()
    forget()


STYLES = [(bold, italic) for bold in (False, True) for italic in (False, True)]


@pytest.mark.parametrize(("bold", "italic"), STYLES)
def test_matplotlib_finds_every_letter(bold: bool, italic: bool) -> None:
    """Matplotlib warns of a letter that it draws as a box, and here a warning is an error."""
    fallback()
    figure = Figure()
    canvas = FigureCanvasAgg(figure)
    for row, text in enumerate((KANA, WORDS, SIGNS)):
        figure.text(0, 0.2 * row, text, fontproperties=figure_fonts.font(9.0, bold, italic), parse_math=False)
    canvas.draw()


@pytest.mark.parametrize("letter", ["あ", "検", "A"])
@pytest.mark.parametrize(("bold", "italic"), STYLES)
def test_a_letter_has_the_shape_that_its_own_font_gives_it(letter: str, bold: bool, italic: bool) -> None:
    """Not the box of a missing letter: the dots are those of the fallback alone, and of no private-use character."""
    east = unicodedata.east_asian_width(letter) == "W"
    name = fallback() if east else figure_fonts.families()[0]
    alone = figure_fonts.font(20.0, bold, italic).copy()
    alone.set_family([name])
    assert dots(letter, figure_fonts.font(20.0, bold, italic)) == dots(letter, alone)
    with pytest.warns(UserWarning, match="missing from"):
        box = dots("\U0010fffd", alone)
    assert dots(letter, alone) != box


def dots(text: str, font: font_manager.FontProperties) -> bytes:
    figure = Figure(figsize=(0.5, 0.5), dpi=100)
    canvas = FigureCanvasAgg(figure)
    figure.text(0.1, 0.2, text, fontproperties=font, parse_math=False)
    canvas.draw()
    return bytes(canvas.buffer_rgba())


def test_with_a_japanese_font_no_letter_is_missing(make: Callable[..., KaplanMeierPicture]) -> None:
    fallback()
    assert [missing_glyphs(make(seed, 6, japanese=True, table=True)) for seed in range(5)] == [""] * 5


def test_without_one_the_letters_are_told_and_the_picture_is_drawn(
    make: Callable[..., KaplanMeierPicture], only_dejavu: None
) -> None:
    picture = make(2, 6, japanese=True, table=True)
    wide = {mark for text in picture.words() for mark in text if unicodedata.east_asian_width(mark) in "WF"}
    assert figure_fonts.families() == ("DejaVu Sans",)
    assert {"陽", "性"} <= wide
    assert set(missing_glyphs(picture)) == wide
    # An SVG keeps them as text, for the fonts of its reader; PDF and PNG are written without a warning.
    svg = ET.fromstring(figure_bytes(draw_kaplan_meier(picture), "svg"))
    shown = "".join("".join(text.itertext()) for text in svg.iter("{http://www.w3.org/2000/svg}text"))
    assert wide <= set(shown)
    kinds: tuple[Literal["pdf", "png"], ...] = ("pdf", "png")
    for kind in kinds:
        assert figure_bytes(draw_kaplan_meier(picture), kind, dpi=50)


def test_a_letter_that_only_the_upright_font_has_is_told_in_italics(
    study: KaplanMeierPicture, only_dejavu: None
) -> None:
    """DejaVu Sans has Arabic letters, DejaVu Sans Oblique has none."""
    upright = replace(study, x_label="م and on")
    italic = replace(study, x_label="*م* and on")
    assert (missing_glyphs(upright), missing_glyphs(italic)) == ("", "م")


def test_an_svg_is_the_same_whatever_fonts_its_machine_has(
    study: KaplanMeierPicture, request: pytest.FixtureRequest
) -> None:
    """Letters that both machines draw alike; the fonts that a reader may have are named, and at last any."""
    here = figure_bytes(draw_kaplan_meier(study), "svg")
    request.getfixturevalue("only_dejavu")
    assert figure_bytes(draw_kaplan_meier(study), "svg") == here
    (families,) = re.findall(rb'font-family="([^"]*)"', here)
    assert families.startswith(b"'DejaVu Sans', ")
    assert families.endswith(b", sans-serif")
    assert b"'Noto Sans CJK JP'" in families


def test_room_is_kept_for_letters_that_only_the_reader_has(
    make: Callable[..., KaplanMeierPicture], request: pytest.FixtureRequest
) -> None:
    """East Asian letters are squares in every font that has them, so the places are those of a machine with a font."""
    fallback()
    picture = make(2, 4, japanese=True, table=True)
    here = [(text.get_text(), text.get_position()) for text in draw_kaplan_meier(picture).texts]
    request.getfixturevalue("only_dejavu")
    there = [(text.get_text(), text.get_position()) for text in draw_kaplan_meier(picture).texts]
    assert [text for text, _ in here] == [text for text, _ in there]
    for (_, place), (_, other) in zip(here, there, strict=True):
        assert other == pytest.approx(place, abs=2)


def test_a_pdf_holds_japanese_as_text_and_embeds_its_fonts(
    make: Callable[..., KaplanMeierPicture], tmp_path: Path
) -> None:
    fallback()
    if not (shutil.which("pdftotext") and shutil.which("pdffonts")):
        pytest.skip("pdftotext and pdffonts are not installed")
    picture = make(2, 3, japanese=True, table=True)
    (tmp_path / "figure.pdf").write_bytes(figure_bytes(draw_kaplan_meier(picture), "pdf"))
    command = ["pdftotext", "-enc", "UTF-8", "figure.pdf", "-"]
    text = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout.decode()
    assert "初回投与からの日数" in text
    assert "打ち切り" in text
    listed = subprocess.run(["pdffonts", "figure.pdf"], cwd=tmp_path, capture_output=True, check=True, text=True)
    rows = listed.stdout.splitlines()[2:]
    embedded = listed.stdout.splitlines()[0].index("emb")
    assert rows
    assert all(row[embedded : embedded + 3] == "yes" for row in rows)


def test_a_file_for_print_is_of_lines_not_of_dots(make: Callable[..., KaplanMeierPicture]) -> None:
    figure = draw_kaplan_meier(make(2, 3))
    assert b"/Subtype /Image" not in figure_bytes(figure, "pdf")
    assert b"<image" not in figure_bytes(figure, "svg")
