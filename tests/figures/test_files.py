"""Files that are the same every time, and an inline SVG that is safe, named and coloured by the page."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cohortstats.figures import KaplanMeierPicture, draw_kaplan_meier, figure_bytes, inline_svg
from cohortstats.figures.palette import PALETTE, put_hex_back

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title>",
    "</text></svg><script>alert(1)</script>",
    "{{7*7}}",
    "&amp;",
    "$x^2$ and $\\frac{1}{2}$ and $",
    "a_b \\alpha {c} #d %e ~f ^g",
    "left\u202eright\u2066x",
    "nul\x00, bell\x07 and escape\x1b",
    "lone \ud800 half",
    "url(#x) var(--ink) #ff0000",
    "*",
    "** *** * a*",
]

_PROGRAM = """
import hashlib, importlib.util, sys
spec = importlib.util.spec_from_file_location("made", sys.argv[1])
made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)
from cohortstats.figures import draw_kaplan_meier, figure_bytes, inline_svg
figure = draw_kaplan_meier(made._make(7, 4, japanese=True, table=True))
for kind in ("svg", "pdf", "png"):
    print(kind, hashlib.sha256(figure_bytes(figure, kind, dpi=60)).hexdigest())
page = inline_svg(figure, title="t", description="d", id_prefix="p")
print("inline", hashlib.sha256(page.encode()).hexdigest())
"""


def inline(picture: KaplanMeierPicture, title: str = "Figure 1", description: str = "Finding.") -> str:
    return inline_svg(draw_kaplan_meier(picture), title=title, description=description, id_prefix="figure1")


def test_bytes_do_not_depend_on_process_hash_seed_or_time_zone() -> None:
    found = []
    for seed, zone in (("1", "Asia/Tokyo"), ("4711", "America/Lima")):
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone}
        environment.pop("SOURCE_DATE_EPOCH", None)
        made = str(Path(__file__).with_name("conftest.py"))
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", _PROGRAM, made],
            env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        found.append(done.stdout)
    assert found[0] == found[1]
    assert found[0].count("\n") == 4


def test_the_same_figure_twice_is_the_same_file(study: KaplanMeierPicture) -> None:
    figure = draw_kaplan_meier(study)
    for kind in ("svg", "pdf", "png"):
        first, second = (hashlib.sha256(figure_bytes(figure, kind, dpi=80)).hexdigest() for _ in range(2))
        assert first == second


def test_files_are_of_their_kind_and_know_no_clock(study: KaplanMeierPicture) -> None:
    figure = draw_kaplan_meier(study)
    pdf = figure_bytes(figure, "pdf")
    assert pdf.startswith(b"%PDF") and b"CreationDate" not in pdf and b"/Type3" not in pdf
    assert figure_bytes(figure, "png").startswith(b"\x89PNG")
    svg = figure_bytes(figure, "svg").decode()
    assert svg.startswith("<?xml")
    assert "All other patients</text>" in svg
    assert "date" not in svg.lower()
    with pytest.raises(ValueError, match="kind"):
        figure_bytes(figure, "gif")  # type: ignore[arg-type]


def test_png_has_the_dots_asked_for(study: KaplanMeierPicture) -> None:
    figure = draw_kaplan_meier(study)
    assert int.from_bytes(figure_bytes(figure, "png", dpi=150)[16:20], "big") == 1080
    assert figure.dpi == 100


def test_a_line_with_a_gene_name_is_one_text(study: KaplanMeierPicture) -> None:
    for markup in (figure_bytes(draw_kaplan_meier(study), "svg").decode(), inline(study)):
        assert '<tspan font-style="italic">HER2</tspan><tspan> not amplified</tspan></text>' in markup


def test_inline_svg_is_named_for_screen_readers(study: KaplanMeierPicture) -> None:
    root = ET.fromstring(inline(study, title="Time to *PIK3CA*", description='A < B & "C"'))
    assert root.tag == "svg"
    assert root.get("role") == "img"
    title, desc = root.find("title"), root.find("desc")
    assert title is not None and desc is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}" == "figure1-title figure1-desc"
    assert (title.text, desc.text) == ("Time to PIK3CA", 'A < B & "C"')
    assert {"width", "height"}.isdisjoint(root.attrib)
    assert re.fullmatch(r"0 0 [\d.]+ [\d.]+", root.get("viewBox", ""))


def test_inline_svg_takes_its_colours_and_fonts_from_the_page(make: Callable[..., KaplanMeierPicture]) -> None:
    for count in range(1, 7):
        markup = inline(make(count, count, table=True, stamp="rebuilt"))
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?<!#figure1)", re.sub(r'"#figure1-m\d+"', "", markup))
        assert "font-family" not in markup
        assert set(re.findall(r"var\(--([a-z0-9-]+)\)", markup)) <= set(PALETTE)
        root = ET.fromstring(markup)
        rules = (root.findtext("style") or "") + ""
        for text in root.iter("text"):
            assert text.get("style") is None and text.get("fill") is None
            name = text.get("class")
            assert name is None or f".{name}{{" in rules
        assert "var(" not in put_hex_back(markup, "dark")


def test_ids_are_unique_and_do_not_clash_on_a_page(make: Callable[..., KaplanMeierPicture]) -> None:
    figure = draw_kaplan_meier(make(3, 4))
    page = "<div>" + "".join(
        inline_svg(figure, title="t", description="d", id_prefix=prefix) for prefix in ("figure1", "figure2")
    )
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 6
    for target in re.findall(r'href="#([^"]+)"', page):
        assert target in ids


def test_the_prefix_is_made_safe(study: KaplanMeierPicture) -> None:
    markup = inline_svg(draw_kaplan_meier(study), title="t", description="d", id_prefix='1"><script>')
    assert "<script" not in markup
    assert ET.fromstring(markup).find("title").get("id") == "f-1---script--title"  # type: ignore[union-attr]


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words(study: KaplanMeierPicture, words: str) -> None:
    group = replace(study.groups[1], label=words, median_text=words)
    picture = replace(study, groups=(study.groups[0], group), x_label=words, y_label=words, p_text=words, stamp=words)
    figure = draw_kaplan_meier(picture)
    allowed = {"svg", "title", "desc", "style", "path", "text", "tspan", "g", "defs", "use"}
    kept = re.sub("[\x00-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "", words)
    markup = inline_svg(figure, title=words, description=words, id_prefix="figure1")
    root = ET.fromstring(markup)
    assert {element.tag for element in root.iter()} <= allowed
    assert not any(name.startswith("on") for element in root.iter() for name in element.attrib)
    shown = ["".join(text.itertext()) for text in root.iter("text")]
    if "*" not in words and "{" not in words:
        assert kept in shown
        assert root.findtext("title") == kept
    for mark in "\x00\x07\x1b\u202e\u2066\ud800":
        assert mark not in markup
    for kind in ("svg", "pdf", "png"):
        assert figure_bytes(figure, kind, dpi=30)
    ET.fromstring(figure_bytes(figure, "svg"))


def test_an_inline_figure_of_two_groups_is_small(make: Callable[..., KaplanMeierPicture]) -> None:
    sizes = [len(inline(make(seed, 2, table=True)).encode()) for seed in range(6)]
    assert max(sizes) < 60_000
