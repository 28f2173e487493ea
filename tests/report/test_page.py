"""The page as HTML: structure, accessibility, safety, size."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

import cohortstats as cs

VOID = {"meta", "link", "br", "img", "path", "circle", "use", "rect", "line", "input"}
HOSTILE = [
    "<script>alert(1)</script>",
    '\\"><img src=x onerror=alert(1)>',
    "</title>",
    "{{7*7}}",
    "&amp;",
    "\\u202e turned",
    "x" * 10_000,
]


class Page(HTMLParser):
    """Tags, attributes and balance of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def parse(html: str) -> Page:
    page = Page()
    page.feed(html)
    return page


@pytest.fixture(scope="module")
def html(report: cs.Report) -> str:
    return report.files["report.html"].decode()


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return parse(html)


def test_one_file_within_its_size(html: str, page: Page) -> None:
    assert len(html.encode()) < 200 * 1024
    assert not page.all("script")
    assert not page.all("link")
    assert not page.all("img")
    assert not re.search(r"(?:src|href)=\"(?!#)", html)
    assert not re.search(r"url\(", html)


def test_structure(html: str, page: Page) -> None:
    assert not page.unbalanced
    assert not page.open
    assert len(page.all("h1")) == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert html.count("<caption>") == len(page.all("table"))
    assert all(attributes.get("scope") in {"col", "row", "rowgroup"} for attributes in page.all("th"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert page.all("html")[0]["lang"] == "en"
    body = html[html.index("<body") :]
    assert not re.search(r"<(?:table|t[rdh]|p|div|section|h\d|span)(?= )[^>]* style=", body)


def test_pictures_have_words(html: str, page: Page) -> None:
    ids = {attributes.get("id") for _, attributes in page.elements}
    for svg in page.all("svg"):
        assert svg["role"] == "img"
        named = (svg["aria-labelledby"] or "").split()
        assert len(named) == 2
        assert set(named) <= ids
    description = re.search(r"<desc[^>]*>([^<]*median 56\.5 days[^<]*)</desc>", html)
    assert description
    assert "P = 0.0037" in description.group(1)


def test_notes_come_before_tables(html: str) -> None:
    assert html.index('class="notes"') < html.index("<table")


def test_order_of_the_page(html: str) -> None:
    places = [html.index(mark) for mark in ('class="kicker"', "<h1", "<nav", 'class="cards"', 'class="notes"')]
    places += [
        html.index(f'<section id="{name}"')
        for name in ("table1", "table2", "table3", "table4", "table5", "figure1", "ledger", "methods")
    ]
    assert places == sorted(places)


def test_every_number_of_a_table_has_its_result(report: cs.Report, page: Page) -> None:
    addresses = {record.address for analysis in report.analyses for record in analysis.records}
    named = {word for attributes in page.all("td") for word in (attributes.get("data-result") or "").split(" ") if word}
    joined = {attributes.get("data-result") or "" for attributes in page.all("td")}
    assert named
    # An address may hold blanks, so it is looked for as a whole. Numbers of guards stand in footnotes.
    in_footnotes = ("_completion", "detectable_percent", "percent_of_known", "percent_unknown_events")
    shown = {address for address in addresses if not address.endswith(("/n", *in_footnotes))}
    assert all(any(address in text for text in joined) for address in shown)


def test_hostile_texts_are_inert(study_copy: Callable[..., Path], tmp_path: Path) -> None:
    for position, text in enumerate(HOSTILE):
        folder = study_copy(
            study={
                'title       = "Primary resistance to T-DM1 in HER2-positive advanced breast cancer"': f'title = "{text}"',
                'label = "Pathology"': f'label = "{text}"',
                '"Stage IV or recurrent"': f'"{text}"',
                'title      = "*HER2* copy number gain and *PIK3CA* mutations in plasma samples"': f'title = "{text}"',
                '"All other patients"': f'"{text}"',
            }
        )
        folder = folder.rename(tmp_path / f"hostile{position}")
        html = cs.write_report(folder, tmp_path / f"report{position}", formats=["html"]).files["report.html"].decode()
        found = parse(html)
        assert not found.unbalanced
        assert not found.all("script")
        assert not found.all("img")
        assert not any(name.startswith("on") for _, attributes in found.elements for name in attributes)
        assert "49" not in re.findall(r"<h1>(.*?)</h1>", html)[0]
        assert "\u202e" not in html


def test_japanese_page(tmp_path: Path) -> None:
    report = cs.write_report(
        cs.shipped_study("sakai2018"), tmp_path / "ja", lang="ja", style="default", formats=["html"]
    )
    html = report.files["report.html"].decode()
    assert '<html lang="ja">' in html
    assert "公表値と計算値" in html
    assert "ログランク検定" in html
