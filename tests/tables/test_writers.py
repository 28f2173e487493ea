"""All writers print the same strings, and no label is more than a label."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohortstats.tables.table import Cell, Column, Dot, Row, RowGroup, Table, plain, split_italics, visible
from cohortstats.tables.writers.csv import guard_text, write_csv
from cohortstats.tables.writers.html import write_html, write_html_fragment
from cohortstats.tables.writers.markdown import paragraph_markdown, write_markdown
from cohortstats.tables.writers.text import display_width, fold, write_text

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title>",
    "{{7*7}}",
    "&amp;",
    "\u202e reversed",
    "nul\x00byte",
    "\x1b[31mred\x1b[0m \x07",
    "x" * 10_000,
    "words of a label " * 600,
    "two\r\nlines\u2028and\x0bmore",
    "lone \udc80 half, \ufffe no letter",
    "=HYPERLINK(1)",
    "＋1",
    "\t@SUM(1)",
    "\u200b=1+1",
    "|a|b| ~~c~~ [d](javascript:alert(1)) ![e](x) `f` $g$ <h> # i",
    "\\input{/etc/passwd} \\write18{rm} %& ^^5c $x$ #1 ~",
    "*italic* and * alone",
]


def table_of(label: str) -> Table:
    return Table(
        id="table9",
        number="Table 9",
        caption=label,
        columns=(
            Column(label="Characteristic", align="left", kind="stub"),
            Column(label="N = 34", note="n (%)"),
            Column(label="Rate", kind="interval"),
        ),
        groups=(
            RowGroup(
                rows=(
                    Row(kind="variable", cells=(Cell(value=label), Cell(), Cell())),
                    Row(
                        kind="level",
                        indent=1,
                        cells=(
                            Cell(value="*HER2* gain"),
                            Cell(value=(9, 34), format="count (percent)", mark="a"),
                            Cell(
                                value=(0.146, 0.431, 34),
                                format="percent interval",
                                dot=Dot(rate=0.265, lower=0.146, upper=0.431, reference=0.265, total=34),
                            ),
                        ),
                    ),
                )
            ),
        ),
        footnotes=(label,),
        label="rebuilt",
        style="paper",
    )


def table_full_of(label: str) -> Table:
    """The label in every field that a study file can fill."""
    table = table_of(label)
    columns = tuple(dataclasses.replace(column, label=label, note=label) for column in table.columns)
    return dataclasses.replace(table, columns=columns, label=label)


class Cells(HTMLParser):
    """Text of every row of a table."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
            self._open = True
        if tag == "desc":
            self._open = False

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open and self.rows:
            self.rows[-1][-1] += data


def test_same_strings_in_all_writers() -> None:
    table = table_of("Status")
    strings = table.strings()
    assert strings[2] == ["*HER2* gain", "9 (26.5)a", "14.6–43.1"]
    parser = Cells()
    parser.feed(write_html(table))
    assert parser.rows[2] == [plain(text) for text in strings[2]]
    written = list(csv.reader(io.StringIO(write_csv(table).removeprefix("\ufeff"))))
    assert written[2] == [plain(text) for text in strings[2]]
    markdown_row = next(line for line in write_markdown(table).splitlines() if "HER2" in line)
    assert [re.sub(r"</?sup>|&emsp;", "", cell.strip()) for cell in markdown_row.strip("|").split("|")] == strings[2]
    assert re.split(r"\s{2,}", write_text(table).splitlines()[6].strip()) == [plain(text) for text in strings[2]]


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_labels_are_inert_in_html(label: str) -> None:
    html = write_html_fragment(table_full_of(label))
    parser = Cells()
    parser.feed(html)
    known = {"div", "style", "table", "caption", "span", "b", "em", "thead", "tbody", "tr", "th", "td", "sup", "p"}
    assert set(parser.tags) <= known | {"svg", "title", "desc", "path", "circle"}
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\ud800-\udfff\ufffe]", html)
    assert parser.rows[1][0] == plain(label)


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_labels_are_inert_in_csv(label: str) -> None:
    rows = list(csv.reader(io.StringIO(write_csv(table_full_of(label)).removeprefix("\ufeff"), newline="")))
    assert len(rows) == 3
    for cell in (cell for row in rows for cell in row):
        seen = unicodedata.normalize("NFKC", cell.lstrip())
        assert not seen.startswith(("=", "+", "-", "@", "\t", "\r")), cell[:40]
    assert rows[1][0].removeprefix("'") == plain(label)


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_labels_are_inert_in_text(label: str) -> None:
    text = write_text(table_full_of(label))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2028\ud800-\udfff]", text)
    assert plain(label).rstrip() in text


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_labels_are_inert_in_markdown(label: str) -> None:
    """Read by markdown-it, with tables, strikes and raw HTML on: what is written is what is read."""
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    reader = markdown_it.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    table = table_full_of(label)
    html = reader.render(write_markdown(table))
    parser = Cells()
    parser.feed(html)
    assert set(parser.tags) <= {"p", "strong", "em", "table", "thead", "tbody", "tr", "th", "td", "sup", "br"}
    assert len(parser.rows) == 3
    assert [" ".join(text.split()) for text in parser.rows[1]] == [" ".join(plain(label).split()), "", ""]
    assert parser.tags.count("p") == 2, "the caption and the footnote, each one paragraph"


@pytest.mark.parametrize("start", ["# of", "> 3", "- a", "+ b", "1. one", "23) x", "===", "---", "    code"])
def test_no_block_starts_with_a_footnote(start: str) -> None:
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    html = markdown_it.MarkdownIt("commonmark").render(f"before\n\n{paragraph_markdown(start)}\n")
    assert re.fullmatch(r"<p>before</p>\n<p>.*</p>\n", html), html


def test_what_cannot_be_seen_is_left_out() -> None:
    assert visible("a\u200db\u00adc\ufeffd\U0001fffe") == "abcd"
    assert visible("\x85".join("ab")) == "a b"
    assert visible("é ü 年齢 ①") == "é ü 年齢 ①"


def test_numbers_are_no_formulas_and_words_may_be() -> None:
    cells = {
        "−6": Cell(value=-6, format="count"),
        "-6.5": Cell(value="-6.5", format="digits"),
        "+18 (−12 to +44)": Cell(value=(0.176470588, -0.118516637, 0.437058, 17), format="difference"),
        "'-6.5": Cell(value="-6.5"),
        "'-6+cmd": Cell(value="-6+cmd", format="digits"),
    }
    table = Table(
        id="t",
        number="Table 1",
        caption="",
        columns=tuple(Column(label="A") for _ in cells),
        groups=(RowGroup(rows=(Row(kind="line", cells=tuple(cells.values())),)),),
    )
    assert next(csv.reader([write_csv(table).splitlines()[1]])) == list(cells)


@pytest.mark.parametrize("sign", "=+-@\t\r＝＋－＠﹢﹣﹦﹫")
@pytest.mark.parametrize("before", ["", " ", "\u3000", "\u00a0", "\u200b", "\ufeff", "\n", "\x00", " \u202e "])
def test_every_sign_of_a_formula_is_guarded(sign: str, before: str) -> None:
    assert guard_text(f"{before}{sign}1") == f"'{before}{sign}1"


def test_the_middle_of_a_text_is_not_guarded() -> None:
    for text in ("5-3", "HER2+", "a=b", "", " ", "≥ 5", "−6", "(=1)"):
        assert guard_text(text) == text


def test_csv_is_for_spreadsheets() -> None:
    text = write_csv(table_of("A"))
    assert text.startswith("\ufeff")
    assert "\r\n" in text
    assert guard_text("  -5") == "'  -5"
    assert guard_text("5-3") == "5-3"


def test_html_structure_is_accessible() -> None:
    html = write_html(table_of("Status"))
    assert html.count("<caption>") == 1
    assert not re.search(r"<th(?=[ >])(?![^>]*scope=)[^>]*>", html)
    assert '<th scope="rowgroup" class="stub" colspan="3">' in html
    assert re.search(r'<svg class="dot"[^>]*role="img" aria-labelledby="', html)


@given(st.text(max_size=200), st.integers(2, 40))
def test_folding_loses_no_letter(text: str, width: int) -> None:
    lines = fold(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        assert line.strip()
        if display_width(line) > width:  # one word, with what may not start a line
            assert len(line.split()) == 1


def test_a_japanese_footnote_is_folded_by_its_width() -> None:
    table = dataclasses.replace(table_of("年齢"), footnotes=("欠測は割合の分母に含めない。" * 12,))
    notes = write_text(table).splitlines()[-4:]
    assert all(display_width(line) <= 100 for line in notes)
    assert not any(line.startswith("。") for line in notes)


def test_italics_and_widths() -> None:
    assert split_italics("a *b* c*") == [("a ", False), ("b", True), (" c*", False)]
    assert split_italics("* not *") == [("* not *", False)]
    assert display_width("ホルモン") == 8
