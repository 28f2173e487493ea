"""LaTeX: booktabs rules, notes of threeparttable; a table that is too wide or too long is turned or broken.

Sizes are estimates in em, good enough to choose the type size and the paper's direction: LaTeX itself sets the table.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from cohortstats.tables.language import words
from cohortstats.tables.numbers import round_half_up
from cohortstats.tables.table import Cell, Row, Table, plain, visible
from cohortstats.tables.writers.html import slug
from cohortstats.tables.writers.latex_text import label_latex, needs_lualatex

__all__ = ["PACKAGES", "latex_document", "write_latex"]

PACKAGES = ("array", "booktabs", "caption", "longtable", "pdflscape", "threeparttable")

_SIZES = {r"\normalsize": 1.0, r"\small": 0.9, r"\footnotesize": 0.8}
# A4 with margins of 20 mm in type of 10 pt: width in em and lines that fit.
_PAPER = {"portrait": (48.0, 46), "landscape": (70.0, 26)}
_GAP = 1.2
_FLEXIBLE_FROM = 12.0
_NARROWEST = 9.0
_HEAD_WIDTH = 7.0
# A word, or words in italics with what touches them.
_WORD = re.compile(r"[^\s*]*(?:\*\S(?:[^*]*\S)?\*[^\s*]*)+|\S+")
# luatexja takes dashes, Greek letters and signs of Latin-1 for Japanese ones, which are twice as wide.
_WESTERN = r"\ltjsetparameter{jacharrange={-2,-3,-8}}"
_LUALATEX = "% Holds letters that pdfLaTeX does not print: compile with LuaLaTeX and the package luatexja.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How a table fits the paper: widths in em of the type size; ``wraps`` are the columns of set width."""

    widths: tuple[float, ...]
    wraps: frozenset[int]
    size: str
    turned: bool
    broken: bool
    fits: bool


def write_latex(table: Table) -> str:
    r"""One table as a file for ``\input``: needs :data:`PACKAGES` and, under pdfLaTeX, the font encoding T1.

    Parameters
    ----------
    table
        The table; nothing in its words is taken for a command.

    Notes
    -----
    "Table 4" is left to LaTeX's own counter, so that ``\ref{tab:table4}`` and other tables of a manuscript fit;
    a table of another name, such as the estimates of a figure, carries it in its caption.
    """
    plan = _plan(table)
    head = _head(table, plan)
    body = _body(table, plan)
    label = f" ({label_latex(table.label)})" if table.label else ""
    caption = f"{label_latex(table.caption)}{label}"
    numbered = table_counter(table) is not None
    captioned = (
        rf"\caption{{{caption}}}\label{{tab:{slug(table.id)}}}"
        if numbered
        else rf"\caption*{{{label_latex(table.number)}. {caption}}}"
    )
    columns = "".join(_column(table, plan, place) for place in range(len(table.columns)))
    notes = [label_latex(note) for note in table.footnotes]
    lines = (
        _long(columns, captioned, head, body, notes) if plan.broken else _short(columns, captioned, head, body, notes)
    )
    if plan.size != r"\normalsize":
        lines = _sized(lines, plan)
    if plan.turned:
        lines = [r"\begin{landscape}", *lines, r"\end{landscape}"]
    needs = ", ".join(PACKAGES)
    comment = f"% {table_comment(table)}\n% Packages: {needs}; under pdfLaTeX \\usepackage[T1]{{fontenc}}.\n"
    comment += _LUALATEX if _all_text_needs_lualatex(table) else ""
    comment += "" if plan.fits else "% Wider than a page: leave out columns, or split the table.\n"
    return comment + "\n".join(lines) + "\n"


def table_counter(table: Table) -> int | None:
    """4 for "Table 4" in the language of the table; None for another name."""
    found = re.search(r"\d+", table.number)
    if found and words(table.lang)("table", number=found[0]) == table.number:
        return int(found[0])
    return None


def table_comment(table: Table) -> str:
    """Which exhibit this is, in letters that a comment can hold."""
    return f"Exhibit {slug(table.id)}, numbers in the style {table.style}."


def latex_document(tables: Sequence[Table], *, folder: str = "tables") -> str:
    r"""A file that sets all tables, one ``\input`` each, with what they need in front.

    Parameters
    ----------
    tables
        Tables in their order.
    folder
        Where their files are, seen from this file.
    """
    lua = any(_all_text_needs_lualatex(table) for table in tables)
    japanese = any(table.lang == "ja" for table in tables)
    lines = [
        f"% All tables of the report. {'lualatex' if lua else 'pdflatex or lualatex'} tables.tex, in this folder.",
        r"\documentclass[10pt,a4paper]{article}",
        r"\usepackage{iftex}",
        *(
            [r"\RequireLuaTeX % letters that pdfLaTeX does not print", r"\usepackage{luatexja}", _WESTERN]
            if lua
            else [r"\ifPDFTeX", r"\usepackage[T1]{fontenc}", r"\usepackage{textcomp,lmodern}", r"\fi"]
        ),
        r"\usepackage[margin=20mm]{geometry}",
        rf"\usepackage{{{','.join(PACKAGES)}}}",
        r"\captionsetup{labelfont=bf,labelsep=period,justification=raggedright,singlelinecheck=false,skip=4pt}",
        *([r"\renewcommand{\tablename}{表}"] if japanese else []),
        r"\begin{document}",
    ]
    for table in tables:
        number = table_counter(table)
        if number is not None:
            lines.append(rf"\setcounter{{table}}{{{number - 1}}}")
        lines.append(rf"\input{{{folder}/{table.id}}}")
    return "\n".join([*lines, r"\end{document}"]) + "\n"


# ---------------------------------------------------------------------------------------------------------------------
# Room
# ---------------------------------------------------------------------------------------------------------------------


def _width(text: str) -> float:
    """Width of a text in em, about: capitals are wider, points and blanks narrower than other letters."""
    return sum(
        1.0
        if unicodedata.east_asian_width(char) in "WF"
        else 0.72
        if char.isupper() or char in "mw%−–"
        else 0.33
        if char in " .,;:·()[]'il"
        else 0.5
        for char in plain(text)
    )


def _wrapped(text: str, room: float) -> list[str]:
    """Lines of whole words, as wide as ``room`` where the words allow; the marks of italics stay with their words."""
    lines: list[str] = []
    for word in _WORD.findall(visible(text)):
        if lines and _width(lines[-1]) + 0.33 + _width(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _heading(table: Table, place: int, room: float) -> list[str]:
    column = table.columns[place]
    return [*_wrapped(column.label, room), *_wrapped(column.note, room)]


def _spanned(row: Row) -> int:
    """Columns that the name of a variable may take: its own and the empty ones behind it."""
    span = 1
    if row.kind == "variable":
        while span < len(row.cells) and row.cells[span].value == "" and row.cells[span].dot is None:
            span += 1
    return span


def _plan(table: Table) -> _Plan:
    rows = [row for group in table.groups for row in group.rows]
    natural = []
    for place in range(len(table.columns)):
        texts = [
            _width(table.text(row.cells[place])) + 1.1 * (row.indent if not place else 0)
            for row in rows
            if place or _spanned(row) == 1
        ]
        inside = max(texts, default=0.0)
        head = max((_width(line) for line in _heading(table, place, max(inside, _HEAD_WIDTH))), default=0.0)
        natural.append(max(inside, head, 1.0))
    gaps = _GAP * (len(natural) - 1)
    flexible = [place for place, width in enumerate(natural) if width > _FLEXIBLE_FROM]
    fixed = sum(width for place, width in enumerate(natural) if place not in flexible) + gaps
    least = fixed + sum(min(natural[place], _NARROWEST + 5 * (not place)) for place in flexible)
    for paper, (wide, high) in _PAPER.items():
        for size, scale in _SIZES.items():
            room = wide / scale
            if fixed + sum(natural[place] for place in flexible) <= room:
                widths, wraps = natural, frozenset[int]()
            elif flexible and least <= room:
                widths, wraps = _shrunk(natural, flexible, room - fixed), frozenset(flexible)
            else:
                continue
            lines = _lines(table, rows, widths, wraps)
            turned = paper == "landscape"
            return _Plan(
                widths=tuple(widths), wraps=wraps, size=size, turned=turned, broken=lines * scale > high, fits=True
            )
    widths = _shrunk(natural, flexible, _NARROWEST * len(flexible)) if flexible else natural
    broken = _lines(table, rows, widths, frozenset(flexible)) * _SIZES[r"\footnotesize"] > _PAPER["landscape"][1]
    return _Plan(
        widths=tuple(widths),
        wraps=frozenset(flexible),
        size=r"\footnotesize",
        turned=True,
        broken=broken,
        fits=False,
    )


def _shrunk(natural: Sequence[float], flexible: Sequence[int], room: float) -> list[float]:
    """Widths with the flexible columns in ``room``: those that fit an equal share keep theirs, the rest share."""
    widths = list(natural)
    left = sorted(flexible, key=lambda place: natural[place])
    while left:
        share = max(room / len(left), _NARROWEST)
        place = left.pop(0)
        widths[place] = min(natural[place], share)
        room -= widths[place]
    return widths


def _lines(table: Table, rows: Sequence[Row], widths: Sequence[float], wraps: frozenset[int]) -> int:
    return sum(
        max([1, *(int(_width(table.text(row.cells[place])) / widths[place]) + 1 for place in wraps)]) for row in rows
    )


# ---------------------------------------------------------------------------------------------------------------------
# Parts
# ---------------------------------------------------------------------------------------------------------------------


def _column(table: Table, plan: _Plan, place: int) -> str:
    align = table.columns[place].align
    if place not in plan.wraps:
        return align[0]
    ragged = {"left": r"\raggedright", "right": r"\raggedleft", "center": r"\centering"}[align]
    return rf">{{{ragged}\arraybackslash}}p{{{_em(plan.widths[place])}}}"


def _em(size: float) -> str:
    return f"{round_half_up(size, 1)}em"


def _head(table: Table, plan: _Plan) -> list[str]:
    cells = []
    for place, column in enumerate(table.columns):
        lines = [label_latex(line) for line in _heading(table, place, max(plan.widths[place], _HEAD_WIDTH))]
        if len(lines) <= 1:
            cells.append("".join(lines))
        else:
            stacked = r"\\".join(lines)
            cells.append(rf"\begin{{tabular}}[b]{{@{{}}{column.align[0]}@{{}}}}{stacked}\end{{tabular}}")
    return [" & ".join(cells) + r" \\"]


def _body(table: Table, plan: _Plan) -> list[str]:
    lines: list[str] = []
    for group in table.groups:
        if lines:
            lines.append(r"\addlinespace[0.35em]")
        lines += [_row(table, plan, row) for row in group.rows]
    return lines


def _row(table: Table, plan: _Plan, row: Row) -> str:
    span = _spanned(row)
    first = _cell(table, plan, row.cells[0])
    if row.kind == "variable":
        first = rf"\textbf{{{first}}}" if first else ""
    if row.indent:
        first = rf"\hspace*{{{_em(1.1 * row.indent)}}}{first}"
    if span > 1:
        room = sum(plan.widths[:span]) + _GAP * (span - 1)
        fits = 1.1 * _width(table.text(row.cells[0])) <= room
        kind = "l" if fits else rf">{{\raggedright\arraybackslash}}p{{{_em(room)}}}"
        first = rf"\multicolumn{{{span}}}{{@{{}}{kind}}}{{{first}}}"
    return " & ".join([first, *(_cell(table, plan, cell) for cell in row.cells[span:])]) + r" \\"


def _cell(table: Table, plan: _Plan, cell: Cell) -> str:
    mark = ""
    if cell.mark:
        command = r"\textsuperscript" if plan.broken else r"\tnote"
        mark = f"{command}{{{label_latex(cell.mark)}}}"
    return label_latex(table.text(cell)) + mark


def _short(columns: str, caption: str, head: list[str], body: list[str], notes: list[str]) -> list[str]:
    items = [rf"\item {note}" for note in notes]
    noted = [r"\begin{tablenotes}[para,flushleft]", r"\footnotesize", *items, r"\end{tablenotes}"] if notes else []
    return [
        r"\begin{table}[htbp]",
        r"\centering",
        r"\begin{threeparttable}",
        caption,
        rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        *head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        *noted,
        r"\end{threeparttable}",
        r"\end{table}",
    ]


def _long(columns: str, caption: str, head: list[str], body: list[str], notes: list[str]) -> list[str]:
    return [
        r"\begingroup",
        r"\setlength{\LTcapwidth}{\linewidth}\setlength{\LTleft}{0pt}",
        rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
        rf"{caption} \\",
        r"\toprule",
        *head,
        r"\midrule",
        r"\endfirsthead",
        r"\toprule",
        *head,
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *body,
        r"\end{longtable}",
        *([r"{\footnotesize\noindent", *notes, r"\par}"] if notes else []),
        r"\endgroup",
    ]


def _sized(lines: list[str], plan: _Plan) -> list[str]:
    after = r"\begingroup" if plan.broken else r"\centering"
    place = lines.index(after) + 1
    return [*lines[:place], plan.size, *lines[place:]]


def _all_text_needs_lualatex(table: Table) -> bool:
    texts = [table.number, table.caption, table.label, *table.footnotes]
    texts += [text for line in table.strings() for text in line]
    return any(needs_lualatex(visible(text)) for text in texts)
