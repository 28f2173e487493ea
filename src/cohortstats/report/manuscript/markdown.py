"""Markdown manuscripts, line by line."""

from __future__ import annotations

import html
import re

from cohortstats.report.manuscript.passages import CITED, Manuscript, Passage, PastedTable, passage

__all__ = ["read_markdown"]

_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_KEEPING_LINES = [
    (re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL), ""),
    (re.compile(r"<!--.*?-->", re.DOTALL), ""),
    (re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.DOTALL | re.MULTILINE), ""),
    (re.compile(r"\$\$.*?\$\$", re.DOTALL), ""),
]
_INLINE = [
    (re.compile(r"\[[^\]\n]*@[\w:.-]+[^\]\n]*\]|\[\^[^\]\n]+\]"), CITED),
    (re.compile(r"<sup>\s*[\d,\s\u2013-]+</sup>|\^[\d,\u2013-]+\^", re.IGNORECASE), CITED),
    (re.compile(r"<sup>.*?</sup>", re.IGNORECASE), ""),
    (re.compile(r"<br\s*/?>", re.IGNORECASE), " "),
    (re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)"), ""),
    (re.compile(r"\[([^\]\n]*)\]\([^)\n]*\)"), r"\1"),
    (re.compile(r"~~.*?~~"), ""),
    (re.compile(r"</?[A-Za-z][^>\n]*>"), ""),
    (re.compile(r"(?<!\\)(\*{1,3}|(?<!\w)_{1,3}(?=\S)|(?<=\S)_{1,3}(?!\w)|`|\$)"), ""),
    (re.compile(r"\\([!-/:-@\[-`{-~])"), r"\1"),
]


def read_markdown(text: str, *, name: str = "") -> Manuscript:
    """Paragraphs and pipe tables of a Markdown text; comments, code and displayed formulas are left out."""
    for pattern, sign in _KEEPING_LINES:
        text = pattern.sub(lambda found, sign=sign: sign + "\n" * found[0].count("\n"), text)  # type: ignore[misc]
    lines = text.split("\n")
    parts: list[Passage | PastedTable] = []
    start = 0
    while start < len(lines):
        if not lines[start].strip():
            start += 1
            continue
        end = start + 1
        if start + 1 < len(lines) and "|" in lines[start] and _RULE.fullmatch(lines[start + 1]):
            while end < len(lines) and "|" in lines[end]:
                end += 1
            parts.append(_table(lines, start, end, name))
        else:
            while end < len(lines) and lines[end].strip() and not _begins_table(lines, end):
                end += 1
            parts.append(passage(_inline("\n".join(lines[start:end])), place=name, line=start + 1))
        start = end
    return Manuscript(parts=tuple(parts))


def _begins_table(lines: list[str], at: int) -> bool:
    return "|" in lines[at] and at + 1 < len(lines) and "|" in lines[at + 1] and bool(_RULE.fullmatch(lines[at + 1]))


def _inline(text: str) -> str:
    for pattern, sign in _INLINE:
        text = pattern.sub(sign, text)
    return html.unescape(text)


def _table(lines: list[str], start: int, end: int, name: str) -> PastedTable:
    rows = []
    for number in range(start, end):
        if number == start + 1:
            continue
        cells = re.split(r"(?<!\\)\|", lines[number].strip().removeprefix("|").removesuffix("|"))
        rows.append(tuple(passage(_inline(cell).strip(), place=name, line=number + 1) for cell in cells))
    return PastedTable(rows=tuple(rows))
