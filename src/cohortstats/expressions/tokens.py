"""Text of an expression to tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cohortstats.expressions.faults import syntax_error

__all__ = ["COMPARISONS", "Token", "tokens"]

KEYWORDS = frozenset({"and", "or", "not", "in", "is", "missing", "yes", "no"})
COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")
# What people type for a comparison, and what they should have typed.
LOOK_ALIKES = {
    "≤": "<=",
    "≥": ">=",
    "≦": "<=",
    "≧": ">=",
    "≠": "!=",
    "−": "-",
    "–": "-",
    "×": "*",
    "÷": "/",
    "“": "'",
    "”": "'",
    "‘": "'",
    "’": "'",
    "&": "and",
    "|": "or",
    "!": "not",
    "~": "not",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    kind: Literal["number", "string", "name", "quoted name", "word", "sign", "end"]
    text: str
    start: int
    end: int


def _starts_name(sign: str) -> bool:
    return sign.isidentifier()


def _continues_name(sign: str) -> bool:
    return ("a" + sign).isidentifier()


def tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        sign = text[at]
        start = at
        if sign.isspace():
            at += 1
        elif sign in "0123456789":
            at = _number_end(text, at)
            yield Token(kind="number", text=text[start:at], start=start, end=at)
        elif sign in "'\"`":
            close = text.find(sign, at + 1)
            if close < 0:
                raise syntax_error(at, f"a quote {sign} opened here never closes.")
            at = close + 1
            inside = text[start + 1 : close]
            if sign == "`" and not inside.strip():
                raise syntax_error(start, "a name in back-quotes is empty.")
            yield Token(kind="quoted name" if sign == "`" else "string", text=inside, start=start, end=at)
        elif _starts_name(sign):
            at = _name_end(text, at)
            word = text[start:at]
            yield Token(kind="word" if word in KEYWORDS else "name", text=word, start=start, end=at)
        elif text[at : at + 2] in COMPARISONS:
            at += 2
            yield Token(kind="sign", text=text[start:at], start=start, end=at)
        elif sign in "<>+-*/()[],":
            at += 1
            yield Token(kind="sign", text=sign, start=start, end=at)
        elif sign == "=":
            raise syntax_error(at, "'=' alone compares nothing.", "Write ==.")
        elif sign in LOOK_ALIKES:
            raise syntax_error(at, f"'{sign}' is not a sign of this language.", f"Write {LOOK_ALIKES[sign]}.")
        else:
            shown = sign if sign.isprintable() else f"U+{ord(sign):04X}"
            raise syntax_error(at, f"'{shown}' is not a sign of this language.")
    yield Token(kind="end", text="", start=len(text), end=len(text))


def _number_end(text: str, start: int) -> int:
    """End of ``digits[.digits][e[+-]digits]``; a letter glued to it is an error, not a second word."""
    digits = "0123456789"
    at = start
    while at < len(text) and text[at] in digits:
        at += 1
    if at < len(text) and text[at] == ".":
        at += 1
        if at >= len(text) or text[at] not in digits:
            raise syntax_error(start, f"'{text[start:at]}' is not a number.", "Write digits after the full stop.")
        while at < len(text) and text[at] in digits:
            at += 1
    if at < len(text) and text[at] in "eE":
        power = at + 1 + (text[at + 1 : at + 2] in ("+", "-"))
        if text[power : power + 1] and text[power] in digits:
            at = power
            while at < len(text) and text[at] in digits:
                at += 1
    if at < len(text) and (_continues_name(text[at]) or text[at] == "."):
        raise syntax_error(start, f"a number and '{text[at]}' touch.", "Put a space or a sign between them.")
    return at


def _name_end(text: str, start: int) -> int:
    """End of a name; ``table.column`` is one name."""
    at = start
    while at < len(text):
        inner_dot = text[at] == "." and at + 1 < len(text) and _starts_name(text[at + 1])
        if not (_continues_name(text[at]) or inner_dot):
            break
        at += 1
    return at
