"""Every colour of page and picture, by role, with its light and its dark value; and contrast by WCAG 2.

One table serves drawing, the report's style sheet and the test of contrast, so that they cannot come apart.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["LINE_ROLES", "PALETTE", "TEXT_ROLES", "Shade", "contrast", "css_variables", "put_hex_back"]


class Shade(NamedTuple):
    """One role's colour in both modes."""

    light: str
    dark: str


# Groups 3 to 6 are told apart by direct labels, two widths and markers as well: no four hues stay apart both in grey
# print and under simulated colour blindness.  Of one width are 1, 3, 5 and 2, 4, 6: those hues stay the farthest apart.
PALETTE: dict[str, Shade] = {
    "paper": Shade("#ffffff", "#14171c"),
    "wash": Shade("#f5f7f9", "#1c2027"),
    "hairline": Shade("#dfe3e8", "#2e343d"),
    "ink": Shade("#16181d", "#eceff3"),
    "ink-2": Shade("#3d434d", "#c5cbd4"),
    "muted": Shade("#69707c", "#969fab"),
    "link": Shade("#0067a5", "#5cb8ee"),
    "agrees": Shade("#1a6b3c", "#6fd39a"),
    "last-digit": Shade("#8a5a00", "#e9b949"),
    "differs": Shade("#a3262a", "#ff8f8b"),
    "group-1": Shade("#0b3c6f", "#7cc4f2"),
    "group-1-text": Shade("#0b3c6f", "#7cc4f2"),
    "group-2": Shade("#d55e00", "#e8862f"),
    "group-2-text": Shade("#b34e00", "#f39a4d"),
    "group-3": Shade("#008560", "#34887a"),
    "group-3-text": Shade("#00704f", "#43a090"),
    "group-4": Shade("#a8387f", "#e197b9"),
    "group-4-text": Shade("#97306f", "#eba9c6"),
    "group-5": Shade("#8b5500", "#cdcb3c"),
    "group-5-text": Shade("#7a4b00", "#dbd95a"),
    "group-6": Shade("#5a4bb5", "#a79bf5"),
    "group-6-text": Shade("#5142ab", "#b6acfa"),
}

TEXT_ROLES: tuple[str, ...] = (
    "ink",
    "ink-2",
    "muted",
    "link",
    "agrees",
    "last-digit",
    "differs",
    *(f"group-{slot}-text" for slot in range(1, 7)),
)
"""Roles of words: at least 4.5:1 on paper and on wash."""

LINE_ROLES: tuple[str, ...] = ("ink", "ink-2", "muted", *(f"group-{slot}" for slot in range(1, 7)))
"""Roles of lines and marks: at least 3:1 on paper."""


def _luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` by WCAG 2.1, with the threshold .04045 of the sRGB standard."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two ``#rrggbb`` colours by WCAG 2.1: (lighter + .05) / (darker + .05), from 1 to 21.

    Examples
    --------
    >>> contrast("#ffffff", "#000000")
    21.0
    >>> 3.865 <= contrast(PALETTE["group-2"].light, PALETTE["paper"].light) < 3.875
    True
    """
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def css_variables(mode: Literal["light", "dark"]) -> str:
    """The declarations ``--role:#rrggbb;`` of one mode, one a line, to put into a CSS rule.

    Examples
    --------
    >>> css_variables("dark").splitlines()[0]
    '--paper:#14171c;'
    """
    return "\n".join(f"--{role}:{getattr(shade, mode)};" for role, shade in PALETTE.items())


def put_hex_back(markup: str, mode: Literal["light", "dark"] = "light") -> str:
    """Replace each ``var(--role)`` by its colour, for readers of SVG that do not resolve CSS variables.

    Examples
    --------
    >>> put_hex_back("fill:var(--group-1-text)")
    'fill:#0b3c6f'
    """
    for role, shade in PALETTE.items():
        markup = markup.replace(f"var(--{role})", getattr(shade, mode))
    return markup
