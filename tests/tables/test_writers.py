"""All writers print the same strings, and no label is more than a label."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

import pytest

from cohortstats.tables.table import Cell, Column, Row, RowGroup, Table, plain, split_italics
from cohortstats.tables.writers.csv import guard_text, write_csv
from cohortstats.tables.writers.html import write_html, write_html_fragment
from cohortstats.tables.writers.markdown import write_markdown
from cohortstats.tables.writers.text import display_width, write_text

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title>",
    "{{7*7}}",
    "&amp;",
    "\u202e reversed",
    "nul\x00byte",
    "x" * 10_000,
    "=HYPERLINK(1)",
    "＋1",
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
                            Cell(value=(0.146, 0.431), format="percent interval", dot=(0.265, 0.146, 0.431, 0.265)),
                        ),
                    ),
                )
            ),
        ),
        footnotes=(label,),
        label="rebuilt",
        style="paper",
    )


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
def test_hostile_labels_are_inert(label: str) -> None:
    table = table_of(label)
    html = write_html_fragment(table)
    parser = Cells()
    parser.feed(html)
    assert "script" not in parser.tags
    assert "img" not in parser.tags
    assert "\x00" not in html
    assert "\u202e" not in html
    for row in csv.reader(io.StringIO(write_csv(table).removeprefix("\ufeff"))):
        for cell in row:
            assert not cell.startswith(("=", "＋", "@", "\t"))
    assert len(write_markdown(table).splitlines()) >= 5


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


def test_italics_and_widths() -> None:
    assert split_italics("a *b* c*") == [("a ", False), ("b", True), (" c*", False)]
    assert split_italics("* not *") == [("* not *", False)]
    assert display_width("ホルモン") == 8
