"""Which fonts draw a picture, how wide a text is, and which characters none of them has."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from unicodedata import east_asian_width

import matplotlib
from matplotlib import font_manager
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import LoadFlags

from cohortstats.figures.pictures import Picture
from cohortstats.figures.words import Line, runs_of

__all__ = ["families", "font", "line_width", "missing_glyphs", "quiet_defaults", "text_width"]

_EAST_ASIAN = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "Source Han Sans JP",
    "Hiragino Sans",
    "Hiragino Kaku Gothic ProN",
    "BIZ UDPGothic",
    "BIZ UDGothic",
    "Yu Gothic",
    "Meiryo",
    "MS PGothic",
    "MS Gothic",
    "IPAexGothic",
    "IPAGothic",
    "TakaoGothic",
    "VL Gothic",
    "Noto Serif CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans CJK TC",
    "Noto Sans CJK KR",
    "WenQuanYi Zen Hei",
    "Arial Unicode MS",
)


@lru_cache(maxsize=1)
def families() -> tuple[str, ...]:
    """DejaVu Sans, which comes with matplotlib, then the East Asian fonts that this machine has."""
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return ("DejaVu Sans", *[name for name in _EAST_ASIAN if name in installed][:2])


@lru_cache(maxsize=64)
def font(size: float, bold: bool, italic: bool) -> FontProperties:
    """The font of a text, with its fallbacks."""
    return FontProperties(
        family=list(families()),
        size=size,
        weight="bold" if bold else "normal",
        style="italic" if italic else "normal",
    )


@lru_cache(maxsize=8192)
def text_width(text: str, size: float, bold: bool = False, italic: bool = False) -> float:
    """Advance of a text in points, free of the rounding of any one resolution."""
    if not text.strip():
        return 0.32 * size * len(text)
    # The width of a space at an end is not measured by every version of matplotlib: measure between two marks.
    marked, marks = (f"|{text}|", "||") if text != text.strip() else (text, "")
    width = _advance(marked, bold, italic) - (_advance(marks, bold, italic) if marks else 0.0)
    return width * size / 10


@lru_cache(maxsize=4)
def _face(bold: bool, italic: bool) -> Any:
    """The font file of the first family, and those that stand in for the letters it has not."""
    return font_manager.get_font([_path(family, bold, italic) for family in families()])


def _path(family: str, bold: bool, italic: bool) -> str:
    own = font(10.0, bold, italic).copy()
    own.set_family([family])
    return font_manager.findfont(own)


@lru_cache(maxsize=8192)
def _advance(text: str, bold: bool, italic: bool) -> float:
    # A letter that no font here has is measured as it will be in a reader that has one: a square, if East Asian.
    known = _characters(bold, italic)
    drawn = "".join(mark for mark in text if ord(mark) in known)
    squares = sum(east_asian_width(mark) in "WF" for mark in text if ord(mark) not in known)
    face = _face(bold, italic)
    face.set_size(100.0, 72.0)  # other users of the same face set their own
    with _no_glyph_warnings():
        face.set_text(drawn, 0.0, flags=LoadFlags.NO_HINTING)
    width: float = face.get_width_height()[0] / 64 / 10
    return width + 10.0 * squares + 6.0 * (len(text) - len(drawn) - squares)


def line_width(line: Line, size: float, bold: bool = False) -> float:
    """Width in points of a line of runs."""
    return sum(text_width(run.text, size, bold, run.italic) for run in line)


@contextmanager
def _no_glyph_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"(?s).*[Gg]lyph.*")
        warnings.filterwarnings("ignore", message=r"(?s)Matplotlib currently does not support.*")
        yield


@contextmanager
def quiet_defaults(**settings: object) -> Iterator[None]:
    """Matplotlib's own defaults inside, the caller's settings untouched outside.

    Characters that no font has are the caller's to tell (`missing_glyphs`), not a warning from the middle of a draw.
    """
    with _no_glyph_warnings(), matplotlib.rc_context():
        matplotlib.rcdefaults()
        parameters: Any = matplotlib.rcParams
        parameters.update(settings)
        yield


def missing_glyphs(picture: Picture) -> str:
    """Characters of the picture that no installed font of `families` draws, each once, in order of code point.

    Such characters stand in an SVG as text, where the reader's own fonts may have them; in PNG and PDF they are boxes.
    """
    runs = (run for text in picture.words() for run in runs_of(text))
    lacking = {mark for run in runs for mark in run.text if ord(mark) not in _known_characters(run.italic)}
    return "".join(sorted(lacking - {" "}))


@lru_cache(maxsize=2)
def _known_characters(italic: bool) -> frozenset[int]:
    """Code points that are drawn in both weights; the italic of a font often has fewer letters than its upright."""
    return _characters(False, italic) & _characters(True, italic)


@lru_cache(maxsize=4)
def _characters(bold: bool, italic: bool) -> frozenset[int]:
    known: set[int] = set()
    for family in families():
        known.update(font_manager.get_font(_path(family, bold, italic)).get_charmap())
    return frozenset(known)
