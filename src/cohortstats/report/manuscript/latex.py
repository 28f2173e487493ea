r"""LaTeX manuscripts: what is printed, without commands, comments, displayed formulas, labels and citations.

Lines are counted through all of it: whatever is taken out leaves its line ends behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from cohortstats.report.manuscript.passages import CITED, Manuscript, Passage, PastedTable, passage

__all__ = ["included_files", "read_latex"]

_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*")
_DISPLAYED = re.compile(
    r"\\begin\{(equation|align|gather|multline|eqnarray|displaymath|math|verbatim|lstlisting|comment|tikzpicture)(\*?)\}"
    r".*?\\end\{\1\2\}|(?<!\\)\\\[.*?\\\]|\$\$.*?\$\$",
    re.DOTALL,
)
_TABLES = "tabular[xy*]?|longtable\\*?|tabularray|tblr|longtblr|xltabular|supertabular"
_TABLE_MARK = re.compile(rf"\\(begin|end)\{{({_TABLES})\}}")
_CITE = re.compile(r"\\(?:no|foot|paren|text|auto|super|full)?cite[a-zA-Z]*\*?(?:\[[^\]]*\]){0,2}\{[^{}]*\}")
_ARGUMENT_DROPPED = re.compile(
    r"\\(?:label|ref|eqref|pageref|autoref|cref|Cref|hyperref|input|include|includegraphics|bibliography|bibliographystyle|"
    r"usepackage|documentclass|RequirePackage|vspace|hspace|setlength|addtolength|setcounter|newcommand|renewcommand|"
    r"definecolor|geometry|captionsetup|cmidrule|cline|rule|raisebox|rowcolor|cellcolor|color|textcolor|fontsize|"
    r"url|bibitem|addlinespace|specialrule|newcolumntype|graphicspath|pagestyle|tnote|phantom|hphantom)"
    r"\*?(?:\([^()]*\))?(?:\[[^\]]*\])*(?:\{(?:[^{}]|\{[^{}]*\})*\})?(?:\[[^\]]*\])?(?:\{(?:[^{}]|\{[^{}]*\})*\})?"
)
_SPANNED = re.compile(r"\\multi(column|row)\b")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\{[^{}]*\}(?:\[[^\]]*\])*(?:\{[^{}]*\})?")
_SIGNS = {
    r"\textless": "<",
    r"\textgreater": ">",
    r"\lt": "<",
    r"\gt": ">",
    r"\leqslant": "≤",
    r"\geqslant": "≥",
    r"\leq": "≤",
    r"\geq": "≥",
    r"\le": "≤",
    r"\ge": "≥",
    r"\textendash": "\u2013",
    r"\textemdash": "\u2014",
    r"\textminus": "\u2212",
    r"\textperiodcentered": "\u00b7",
    r"\cdot": "\u00b7",
    r"\textasciitilde": "~",
    r"\sim": "~",
    r"\infty": "∞",
    r"\times": "×",
    r"\pm": "±",
    r"\mu": "µ",
    r"\textmu": "µ",
    r"\quad": " ",
    r"\qquad": " ",
    r"\enspace": " ",
    r"\slash": "/",
    r"\newline": " ",
    r"\tabularnewline": " ",
    r"\item": " ",
    r"\par": " ",
}
_DROPPED_IN_NUMBERS = re.compile(r"\{,\}(?=\d{3})|(?<=\d)\\,(?=\d{3})")
_ROW_END = re.compile(r"\\\\\*?(?:\[[^\]]*\])?|\\tabularnewline")
_LEAD = re.compile(
    r"(?:\s|\\(?:top|mid|bottom|h)(?:rule|line)\b|\\(?:addlinespace|cmidrule|cline)(?:\([^)]*\)|\[[^\]]*\]|\{[^}]*\})*)*"
)
_CELL_END = re.compile(r"(?<!\\)&")
_COMMAND = re.compile(r"\\[A-Za-z]+\*?")


def read_latex(text: str, *, name: str = "") -> Manuscript:
    """Paragraphs and tables of a LaTeX text.

    Formulas between single dollar signs are read, since *P* values are often set in them; displayed ones are not.
    """
    text = _COMMENT.sub(r"\1", text.replace("\r\n", "\n"))
    begin = text.find(r"\begin{document}")
    if begin >= 0:  # the preamble prints nothing
        text = "\n" * text.count("\n", 0, begin) + text[begin:]
    end = text.find(r"\end{document}")
    text = text[:end] if end >= 0 else text
    text = _DISPLAYED.sub(_line_ends, text)
    text = re.sub(r"\\begin\{thebibliography\}.*?\\end\{thebibliography\}", _line_ends, text, flags=re.DOTALL)
    parts: list[Passage | PastedTable] = []
    line, position = 1, 0
    for start, body, end in _tables(text):
        line = _read_prose(text[position:start], line, name, parts)
        parts.append(_table(text[body:end], line + text.count("\n", start, body), name))
        line += text.count("\n", start, end)
        position = end
    _read_prose(text[position:], line, name, parts)
    return Manuscript(parts=tuple(parts))


def _tables(text: str) -> Iterator[tuple[int, int, int]]:
    """Start, start of the rows and end of each outermost table."""
    depth, start, body = 0, 0, 0
    for mark in _TABLE_MARK.finditer(text):
        depth += 1 if mark[1] == "begin" else -1
        if mark[1] == "begin" and depth == 1:
            start = mark.start()
            # tabularx, tabular* and their kin have a width in front of the columns.
            body = _behind_groups(text, mark.end(), 2 if mark[2] in ("tabularx", "tabular*", "xltabular") else 1)
        elif mark[1] == "end" and depth == 0:
            yield start, body, mark.start()
        depth = max(depth, 0)


def _behind_groups(text: str, at: int, groups: int) -> int:
    """The place behind a number of arguments, optional ones not counted."""
    while True:
        here = at + len(text[at:]) - len(text[at:].lstrip())
        if text[here : here + 1] == "[":
            at = text.find("]", here) + 1 or len(text)
        elif groups and text[here : here + 1] == "{":
            at, groups = _behind_brace(text, here), groups - 1
        else:
            return at


def _behind_brace(text: str, at: int) -> int:
    depth = 0
    for found in re.finditer(r"\\.|[{}]", text[at:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0 and found[0] == "}":
            return at + found.end()
    return len(text)


def _without_spans(text: str) -> str:
    """Cells that span columns, with empty cells behind them, and without what says how far they reach."""
    while found := _SPANNED.search(text):
        start, behind = found.start(), _behind_groups(text, found.end(), 2)
        if found[1] == "column":
            columns = re.match(r"\s*\{\s*(\d{1,2})\s*\}", text[found.end() :])
            end = _behind_groups(text, behind, 1) if text[behind : behind + 1] == "{" else behind
            text = text[:end] + "&" * (int(columns[1]) - 1 if columns else 0) + text[end:]
        text = text[:start] + "\n" * text.count("\n", start, behind) + text[behind:]
    return text


def _without_inner_tables(text: str) -> str:
    """A table in a cell only breaks its lines."""
    while True:
        marks = list(_TABLE_MARK.finditer(text))
        inner = next(((a, b) for a, b in pairwise(marks) if a[1] == "begin" and b[1] == "end"), None)
        if inner is None:
            return text
        begin, end = inner
        body = text[_behind_groups(text, begin.end(), 1) : end.start()]
        lost = text.count("\n", begin.start(), end.end()) - body.count("\n")
        text = text[: begin.start()] + _ROW_END.sub(" ", _CELL_END.sub(" ", body)) + "\n" * lost + text[end.end() :]


def included_files(text: str) -> list[str]:
    """Names of the files that a text takes in.

    Examples
    --------
    >>> included_files(r"\\input{tables/table4} % \\input{old}")
    ['tables/table4']
    """
    return re.findall(r"\\(?:input|include|subfile)\s*\{\s*([^{}]+?)\s*\}", _COMMENT.sub(r"\1", text))


def _line_ends(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _read_prose(text: str, line: int, name: str, parts: list[Passage | PastedTable]) -> int:
    """Paragraphs of a stretch of text; gives the line on which it ends."""
    for piece in re.split(r"(\n[ \t]*\n\s*|\\par\b)", text):
        printed = _plain(piece)
        if printed.strip():
            parts.append(passage(printed, place=name, line=line))
        line += piece.count("\n")
    return line


def _table(body: str, line: int, name: str) -> PastedTable:
    rows = []
    start = 0
    body = _without_spans(_without_inner_tables(body))
    for end in [*_ROW_END.finditer(body), None]:
        row = body[start : end.start() if end else len(body)]
        cells = []
        at = start
        for cell in _CELL_END.split(row):
            before = at + len(_LEAD.match(cell)[0])  # type: ignore[index]  # it matches nothing at least
            cells.append(passage(_plain(cell).strip(), place=name, line=line + body.count("\n", 0, before)))
            at += len(cell) + 1
        if any(cell.text for cell in cells):
            rows.append(tuple(cells))
        start = end.end() if end else len(body)
    return PastedTable(rows=tuple(rows))


def _plain(text: str) -> str:
    """What a piece prints, with as many line ends as it has."""
    text = _CITE.sub(lambda found: CITED + _line_ends(found), text)
    text = _without_spans(text)
    text = re.sub(r"\\textsuperscript\s*\{\s*[\d,\s\u2013-]+\}|\$\^\{?[\d,]+\}?\$", CITED, text)
    text = re.sub(r"\\textsuperscript\s*\{[^{}]*\}", "", text)
    text = _ARGUMENT_DROPPED.sub(_line_ends, text)
    text = re.sub(r"\\(?:SI|qty|SIrange)(?:\[[^\]]*\])?\{([^{}]*)\}\{([^{}]*)\}", r"\1 \2", text)
    text = _ENVIRONMENT.sub(_line_ends, text)
    text = _DROPPED_IN_NUMBERS.sub("", text)
    text = re.sub(r"\\([%&#_{}$])", r"\1", text).replace(r"\,", " ").replace(r"\;", " ").replace(r"\:", " ")
    text = text.replace(r"\ ", " ").replace(r"\@", "").replace(r"\/", "")
    text = re.sub(r"(?<!\\)~", " ", text)
    text = re.sub(
        r"\\[A-Za-z]+",
        lambda found: _SIGNS.get(found[0], found[0]),
        text,
    )
    text = text.replace("---", "\u2014").replace("--", "\u2013")
    # A minus in a formula is a hyphen in the file.
    text = re.sub(r"\\\\\*?(?:\[[^\]]*\])?", " ", text)
    text = _COMMAND.sub("", text)
    return re.sub(r"[{}$]", "", text)
