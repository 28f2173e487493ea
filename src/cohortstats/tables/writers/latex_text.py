"""Words as LaTeX: nothing in a label is a command, and every sign prints as itself."""

from __future__ import annotations

import unicodedata

from cohortstats.tables.table import split_italics

__all__ = ["escape_latex", "label_latex", "needs_lualatex"]

_GREEK = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "omicron",
    "pi",
    "rho",
    "varsigma",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "chi",
    "psi",
    "omega",
]
# Capitals that look like Latin ones have no command of their own.
_LATIN_CAPITALS = {"Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I", "Κ": "K", "Μ": "M", "Ν": "N", "Ο": "O"}
_LATIN_CAPITALS |= {"Ρ": "P", "Τ": "T", "Χ": "X"}
_CAPITALS = {"Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma"}
_CAPITALS |= {"Υ": "Upsilon", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega"}

_MATHS = {
    "\u2212": "-",
    # As text it would be as wide as a Japanese letter under luatexja.
    "·": r"\cdot",
    "±": r"\pm",
    "×": r"\times",
    "÷": r"\div",
    "≤": r"\leq",
    "≥": r"\geq",
    "≦": r"\leq",
    "≧": r"\geq",
    "≠": r"\neq",
    "≈": r"\approx",
    "≡": r"\equiv",
    "∞": r"\infty",
    "√": r"\surd",
    "∑": r"\sum",
    "∈": r"\in",
    "∩": r"\cap",
    "∪": r"\cup",
    "→": r"\rightarrow",
    "←": r"\leftarrow",
    "↑": r"\uparrow",
    "↓": r"\downarrow",
    "′": r"{}^{\prime}",
    "″": r"{}^{\prime\prime}",
    "∼": r"\sim",
    "○": r"\circ",
    "ϕ": r"\phi",
    "ϵ": r"\epsilon",
    **{chr(0x3B1 + place): "o" if name == "omicron" else rf"\{name}" for place, name in enumerate(_GREEK)},
    **{sign: rf"\mathrm{{{letter}}}" for sign, letter in _LATIN_CAPITALS.items()},
    **{sign: rf"\{name}" for sign, name in _CAPITALS.items()},
}
_TEXT = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    # Behind the end of a line both would be an option or a star of it.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "\u00a0": "~",
    "\u2002": r"\enspace{}",
    "\u2003": r"\quad{}",
    "\u2009": r"\,",
    "\u202f": r"\,",
    "\u2010": "-",
    "\u2011": r"\mbox{-}",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "‘": r"\textquoteleft{}",
    "’": r"\textquoteright{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "„": r"\quotedblbase{}",
    "«": r"\guillemotleft{}",
    "»": r"\guillemotright{}",
    "…": r"\textellipsis{}",
    "•": r"\textbullet{}",
    "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}",
    "§": r"\textsection{}",
    "¶": r"\textparagraph{}",
    "°": r"\textdegree{}",
    "µ": r"\textmu{}",
    "®": r"\textregistered{}",
    "™": r"\texttrademark{}",
    "©": r"\textcopyright{}",
    "€": r"\texteuro{}",
    "£": r"\textsterling{}",
    "¥": r"\textyen{}",
    "½": r"\textonehalf{}",
    "¼": r"\textonequarter{}",
    "¾": r"\textthreequarters{}",
    "¡": r"\textexclamdown{}",
    "¿": r"\textquestiondown{}",
    **{sign: rf"\textsuperscript{{{place}}}" for place, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{sign: rf"\textsubscript{{{place}}}" for place, sign in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    "⁺": r"\textsuperscript{+}",
    "⁻": r"\textsuperscript{\ensuremath{-}}",
}
_SIGNS = {**_TEXT, **{sign: rf"\ensuremath{{{command}}}" for sign, command in _MATHS.items()}}
# Two of them in a row would print as one other sign: --, '' and ,,.
_JOINING = "-',"
# Letters of Latin-1 and Latin Extended-A that the T1 encoding has, with accents or without.
_LATIN = frozenset(chr(code) for code in range(0xC0, 0x180)) - frozenset("×÷ĦħĸŉŦŧſĿŀ")
_LONGEST_WORD = 30


def needs_lualatex(text: str) -> bool:
    """Whether a text holds letters that pdfLaTeX does not print, such as Japanese.

    Examples
    --------
    >>> needs_lualatex("HER2 ≥ 3+, café"), needs_lualatex("年齢")
    (False, True)
    """
    return any(not (char.isascii() or char in _SIGNS or char in _LATIN) for char in unicodedata.normalize("NFC", text))


def escape_latex(text: str) -> str:
    r"""Plain text as LaTeX.

    Very long words may be broken: a table has no room for them.

    Examples
    --------
    >>> print(escape_latex(r"\input{x} 50% A&B \u2265 3"))
    \textbackslash{}input\{x\} 50\% A\&B \textbackslash{}u2265 3
    >>> print(escape_latex("−6 to +44, P < 0·05"))
    \ensuremath{-}6 to +44, P \textless{} 0\ensuremath{\cdot}05
    """
    written: list[str] = []
    before, word = "", 0
    for char in unicodedata.normalize("NFC", text):
        if char in _JOINING and char == before:
            written.append("{}")
        word = 0 if char == " " else word + 1
        if word > _LONGEST_WORD:
            written.append(r"\allowbreak{}")
            word = 1
        written.append(_SIGNS.get(char, char))
        before = char
    return "".join(written)


def label_latex(text: str) -> str:
    r"""A label as LaTeX: escaped, ``*word*`` italic.

    Examples
    --------
    >>> print(label_latex("*HER2* ratio_1"))
    \textit{HER2} ratio\_1
    """
    return "".join(
        rf"\textit{{{escape_latex(piece)}}}" if italic else escape_latex(piece) for piece, italic in split_italics(text)
    )
