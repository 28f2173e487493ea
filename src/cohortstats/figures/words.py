"""Words of a picture: which characters are let in, what is italic, where a line may break.

Labels come from people's files and are data.  They are never read as mathematics, markup or code: ``*word*`` is
italic, the rest is text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Line", "Run", "clean", "plain", "runs_of", "wrap"]


class Run(NamedTuple):
    """A stretch of one line in one style."""

    text: str
    italic: bool


Line = tuple[Run, ...]

_ITALIC = re.compile(r"\*([^*\s](?:[^*]*[^*\s])?)\*")
# A page, an SVG file and a PDF must show the same letters in the same order: controls that XML forbids and controls
# that turn the direction of writing are left out.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NOT_FIRST = frozenset("、。，．・：；？！）」』】〕］｝〉》ーぁぃぅぇぉっゃゅょァィゥェォッャュョ,.;:!?)]}%％")
_NOT_LAST = frozenset("（「『【〔［｛〈《([{")
_LONGEST = 2000
_ELLIPSIS = "…"


def clean(text: str) -> str:
    """Text without controls and with single spaces.

    Examples
    --------
    >>> clean("a\\x00b\\n c\\u202e")
    'ab c'
    """
    spaced = " ".join(text[: 4 * _LONGEST].split())
    kept = "".join(
        mark
        for mark in spaced
        if mark not in _DIRECTION and unicodedata.category(mark) not in {"Cc", "Cs", "Cn"} and mark < "\U000f0000"
    )
    return kept if len(kept) <= _LONGEST else kept[:_LONGEST] + _ELLIPSIS


def runs_of(label: str) -> Line:
    """Cut a label into upright and italic runs.

    Examples
    --------
    >>> runs_of("*HER2* not amplified")
    (Run(text='HER2', italic=True), Run(text=' not amplified', italic=False))
    >>> runs_of("3 * 4")
    (Run(text='3 * 4', italic=False),)
    """
    pieces = _ITALIC.split(clean(label))
    return tuple(Run(piece, place % 2 == 1) for place, piece in enumerate(pieces) if piece)


def plain(label: str) -> str:
    """The words of a label without its markup.

    Examples
    --------
    >>> plain("*HER2* not amplified")
    'HER2 not amplified'
    """
    return "".join(run.text for run in runs_of(label))


def wrap(label: str, width: float, measure: Callable[[str, bool], float], *, max_lines: int = 6) -> tuple[Line, ...]:
    """Break a label into lines no wider than `width`, at spaces or between East Asian characters.

    Parameters
    ----------
    label
        Words with ``*italic*``.
    width
        Greatest width of a line, in the unit of `measure`.
    measure
        Width of a text, upright or italic.
    max_lines
        Further lines are cut, with an ellipsis.

    Examples
    --------
    >>> lines = wrap("All other patients", 12, lambda text, italic: len(text))
    >>> ["".join(run.text for run in line) for line in lines]
    ['All other', 'patients']
    """
    lines: list[list[Run]] = [[]]
    used = 0.0
    for piece in _pieces(runs_of(label)):
        size = measure(piece.text.rstrip(), piece.italic)
        if used and used + size > width:
            lines.append([])
            used = 0.0
        for part in _hard_cut(piece, width, measure) if size > width else (piece,):
            if used and part is not piece:
                lines.append([])
                used = 0.0
            text = part.text if used else part.text.lstrip()
            lines[-1].append(Run(text, part.italic))
            used += measure(text, part.italic)
        if len(lines) > max_lines:
            break
    tidy = [_joined(line) for line in lines]
    if len(tidy) > max_lines:
        tidy = [*tidy[: max_lines - 1], _shortened(tidy[max_lines - 1], width, measure)]
    return tuple(tidy)


def _pieces(runs: Line) -> list[Run]:
    """Smallest parts that stay on one line; a trailing space belongs to the part before it."""
    found: list[Run] = []
    for run in runs:
        start = 0
        for place in range(1, len(run.text)):
            if _may_break(run.text[place - 1], run.text[place]):
                found.append(Run(run.text[start:place], run.italic))
                start = place
        found.append(Run(run.text[start:], run.italic))
    return found


def _may_break(before: str, after: str) -> bool:
    if before == " ":
        return True
    wide = unicodedata.east_asian_width(before) in "WF" or unicodedata.east_asian_width(after) in "WF"
    return wide and after != " " and after not in _NOT_FIRST and before not in _NOT_LAST


def _hard_cut(piece: Run, width: float, measure: Callable[[str, bool], float]) -> list[Run]:
    """Cut one word that is wider than a line; behind a hyphen, a slash or an underline where there is one."""
    parts: list[Run] = []
    text = piece.text
    while text and len(parts) < 50:
        count = max(1, min(len(text), int(width / max(measure(text[:40], piece.italic) / len(text[:40]), 1e-9))))
        while count > 1 and measure(text[:count], piece.italic) > width:
            count -= 1
        if count < len(text):
            joint = max(text.rfind(mark, 0, count) for mark in "-/_") + 1
            count = joint if joint > count // 2 else count
        parts.append(Run(text[:count], piece.italic))
        text = text[count:]
    return parts


def _joined(line: list[Run]) -> Line:
    """One run per style, without the spaces at the end of the line."""
    joined: list[Run] = []
    for run in line:
        if joined and joined[-1].italic == run.italic:
            joined[-1] = Run(joined[-1].text + run.text, run.italic)
        elif run.text:
            joined.append(run)
    if joined:
        joined[-1] = Run(joined[-1].text.rstrip(), joined[-1].italic)
    return tuple(run for run in joined if run.text)


def _shortened(line: Line, width: float, measure: Callable[[str, bool], float]) -> Line:
    """The line with an ellipsis, cut until both fit."""
    *head, last = line
    text = last.text
    rest = width - sum(measure(run.text, run.italic) for run in head)
    while text and measure(text + _ELLIPSIS, last.italic) > rest:
        text = text[:-1]
    return (*head, Run(text.rstrip() + _ELLIPSIS, last.italic))
