"""Every rendering of every exhibit of the shipped studies, read back: the same strings, cell by cell."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.report.plan import make_exhibits
from cohortstats.report.write import with_options
from cohortstats.tables.numbers import STYLES
from cohortstats.tables.table import Table, plain
from cohortstats.tables.writers.csv import write_csv
from cohortstats.tables.writers.html import write_html
from cohortstats.tables.writers.latex import write_latex
from cohortstats.tables.writers.markdown import write_markdown
from cohortstats.tables.writers.text import write_text

DATA = Path(__file__).parents[2] / "data" / "raw"
STUDIES = ("sakai2018", "example", "sepher2020")
Strings = list[list[str]]


@cache
def cohort_of(study: str) -> cs.Cohort:
    return cs.load_cohort(DATA / study)


@cache
def tables_of(study: str, style: str, lang: str) -> tuple[Table, ...]:
    # Neither style nor language changes what is read.
    cohort = cohort_of(study)
    cohort = dataclasses.replace(cohort, study=with_options(cohort.study, style=style, lang=lang))
    return tuple(analysis.table for analysis in make_exhibits(cohort))


def expected(table: Table) -> Strings:
    """Texts without italics, every run of blanks one blank."""
    return [[" ".join(plain(text).split()) for text in line] for line in table.strings()]


# ---------------------------------------------------------------------------------------------------------------------
# Readers: each knows its language only, and nothing of the writer
# ---------------------------------------------------------------------------------------------------------------------


class _Cells(HTMLParser):
    """Texts of the cells of a table; a cell over several columns is followed by empty ones."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Strings = []
        self._span = 1
        self._open = self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self._open, self._span = True, int(dict(attrs).get("colspan") or 1)
            self.rows[-1].append("")
        elif tag == "desc":
            self._hidden = True
        elif tag == "span" and self._open:
            self.rows[-1][-1] += " "

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self._open = False
            self.rows[-1] += [""] * (self._span - 1)
        elif tag == "desc":
            self._hidden = False

    def handle_data(self, data: str) -> None:
        if self._open and not self._hidden:
            self.rows[-1][-1] += data


def read_html(table: Table) -> Strings:
    parser = _Cells()
    parser.feed(write_html(table))
    return parser.rows


def read_csv(table: Table) -> Strings:
    rows = list(csv.reader(io.StringIO(write_csv(table).removeprefix("\ufeff"), newline="")))
    return [[cell.removeprefix("'") for cell in row] for row in rows]


def read_markdown(table: Table) -> Strings:
    lines = [line for line in write_markdown(table).splitlines() if line.startswith("|")]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in (lines[0], *lines[2:])]
    return [[_markdown_text(cell) for cell in row] for row in rows]


def _markdown_text(cell: str) -> str:
    cell = cell.replace("&emsp;", "").replace("<br>", " ")
    cell = re.sub(r"</?sup>", "", cell)
    return re.sub(r"\\(.)|\*", lambda sign: sign[1] or "", cell)


LATEX_SIGNS = {
    r"\textbackslash{}": "\\",
    r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^",
    r"\textless{}": "<",
    r"\textgreater{}": ">",
    r"\textbar{}": "|",
    r"\textquotedbl{}": '"',
    r"\textendash{}": "–",
    r"\textemdash{}": "—",
    r"\ensuremath{\cdot}": "·",
    r"\textmu{}": "µ",
    r"\ensuremath{-}": "−",
    r"\ensuremath{\geq}": "≥",
    r"\ensuremath{\leq}": "≤",
    r"\ensuremath{\infty}": "∞",
    r"\allowbreak{}": "",
    "{[}": "[",
    "{]}": "]",
    "{*}": "*",
    "{}": "",
}


def read_latex(table: Table) -> Strings:
    text = write_latex(table)
    head = text.partition("\\toprule\n")[2].partition("\\midrule\n")[0]
    broken = "\\endfoot\n" in text
    body = text.partition("\\endfoot\n" if broken else "\\midrule\n")[2]
    body = body.partition("\\end{longtable}" if broken else "\\bottomrule")[0]
    lines = [line for line in (head + body).splitlines() if not line.startswith("\\addlinespace")]
    return [_latex_cells(line.removesuffix(r" \\")) for line in lines]


def _latex_cells(line: str) -> list[str]:
    cells = []
    for part in re.split(r"(?<!\\)&", line):
        part, span = part.strip(), 1
        if found := re.fullmatch(r"\\multicolumn\{(\d+)\}\{@\{\}(?:l|>\{.*?\}p\{[\d.]+em\})\}\{(.*)\}", part):
            span, part = int(found[1]), found[2]
        cells += [_latex_text(part), *[""] * (span - 1)]
    return cells


def _latex_text(text: str) -> str:
    text = re.sub(r"\\begin\{tabular\}\[b\]\{@\{\}[lrc]@\{\}\}|\\end\{tabular\}|\\hspace\*\{[\d.]+em\}", "", text)
    text = text.replace(r"\\", " ")
    for command, sign in LATEX_SIGNS.items():
        text = text.replace(command, sign if sign not in tuple("\\~^") else f"\x00{ord(sign)}\x00")
    # What is left are groups of type, and signs behind a backslash.
    while (shorter := re.sub(r"\\(?:textit|textbf|tnote|textsuperscript)\{((?:[^{}\\]|\\.)*)\}", r"\1", text)) != text:
        text = shorter
    text = re.sub(r"\\([&%$#_{}])", r"\1", text)
    return re.sub("\x00(\\d+)\x00", lambda code: chr(int(code[1])), text)


def read_text(table: Table) -> Strings:
    """Columns by the blanks that stand above each other in every line, at least two of them."""
    lines = write_text(table).splitlines()
    rules = [place for place, line in enumerate(lines) if line and set(line) == {"-"}]
    rows = [_on_columns(line) for line in lines[rules[0] + 1 : rules[1]] + lines[rules[1] + 1 : rules[2]]]
    width = max(map(len, rows))
    rows = [row + [" "] * (width - len(row)) for row in rows]
    blank = [all(row[place] == " " for row in rows) for place in range(width)]
    gaps = [found.span() for found in re.finditer(" {2,}", "".join(" " if free else "x" for free in blank))]
    edges = [(0, 0), *gaps, (width, width)]
    cells = [["".join(row[end:start]).strip() for (_, end), (start, _) in pairwise(edges)] for row in rows]
    heads = rules[1] - rules[0] - 1
    return [[" ".join(filter(None, parts)) for parts in zip(*cells[:heads], strict=True)], *cells[heads:]]


def _on_columns(line: str) -> list[str]:
    """A letter of double width takes two places."""
    places: list[str] = []
    for char in line:
        places.append(char)
        if unicodedata.east_asian_width(char) in "WF":
            places.append("")
    return places


def read_docx(table: Table) -> Strings:
    docx = pytest.importorskip("docx", reason="python-docx is not installed")
    from cohortstats.tables.writers.docx import write_docx

    made = docx.Document(io.BytesIO(write_docx(table))).tables
    rows = [_docx_row(line) for line in made[0]._tbl.tr_lst]
    for part in made[1:]:  # a table that is wider than a page goes on below, its first column repeated
        rows = [row + _docx_row(line)[1:] for row, line in zip(rows, part._tbl.tr_lst, strict=True)]
    return rows


def _docx_row(line: object) -> list[str]:
    from docx.text.paragraph import Paragraph

    texts = []
    for cell in line.tc_lst:  # type: ignore[attr-defined]
        text = " ".join(Paragraph(p, None).text.replace("\n", " ") for p in cell.p_lst)
        texts += [text, *[""] * (cell.grid_span - 1)]
    return texts


READERS: dict[str, Callable[[Table], Strings]] = {
    "html": read_html,
    "docx": read_docx,
    "latex": read_latex,
    "markdown": read_markdown,
    "csv": read_csv,
    "text": read_text,
}


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("study", STUDIES)
def test_all_renderings_give_the_same_strings(study: str, style: str, lang: str) -> None:
    compared = 0
    for table in tables_of(study, style, lang):
        if not table.groups:
            continue
        strings = expected(table)
        for name, read in READERS.items():
            # python-docx takes seconds a study: the style with the most signs of its own, and the paper's study in all.
            if name == "docx" and not (style == "lancet" or study == "sakai2018"):
                continue
            found = [[" ".join(text.split()) for text in row] for row in read(table)]
            # Only HTML draws the dots, and says in the head how they are read.
            head = [place for place, column in enumerate(table.columns) if column.drawn_note and name == "html"]
            for place in head:
                found[0][place] = strings[0][place]
            assert found == strings, (table.id, name)
            compared += 1
    assert compared >= len(READERS) - 1


def test_the_styles_differ_where_their_rules_do() -> None:
    """Table 4 of the paper, *PIK3CA*: 2 of 2 against 2 of 14, P exactly 1/20 (Sakai et al. 2018 print 0.05)."""
    found = {}
    for style in STYLES:
        table = next(table for table in tables_of("sakai2018", style, "en") if table.id == "table4")
        lines = expected(table)
        variable = next(line for line in lines if line[0] == "PIK3CA mutation in ctDNA")
        all_patients = next(line for line in lines if line[0] == "All patients")
        found[style] = (all_patients[2], all_patients[3], variable[-1])
    assert found == {
        "paper": ("9 (26.5)", "14.6–43.1", "0.05"),
        "default": ("9 (26.5)", "14.6–43.1", "0.050"),
        "jama": ("9 (26)", "15–43", ".05"),
        "nejm": ("9 (26.5)", "14.6–43.1", "0.05"),
        "lancet": ("9 (26)", "15 – 43", "0·050"),
    }
