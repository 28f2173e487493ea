"""Text of an expression to a tree: tokens, grammar, and the sentence for each way in which a text can be wrong.

The parser is ours: nothing of Python is evaluated, nesting and length are bounded, and every node knows which part of
the text it came from, so that a message can quote it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from cohortstats.errors import InputError

__all__ = [
    "Comparison",
    "Difference",
    "ExpressionError",
    "ExpressionFault",
    "Function",
    "IsMissing",
    "Junction",
    "ListTest",
    "Literals",
    "Missing",
    "Name",
    "Negation",
    "Negative",
    "Node",
    "Number",
    "Quotient",
    "String",
    "Truth",
    "fold_name",
    "parse",
]

MAX_DEPTH = 50
MAX_LENGTH = 4_000
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
class ExpressionFault:
    """One fault of an expression.

    Parameters
    ----------
    code
        ``expression-syntax``, ``expression-name``, ``expression-type``, ``expression-chain``, ``level-unknown`` or
        ``unit-mismatch``.
    position
        Character of the expression, counted from 1.
    message, mend
        One sentence of fact, one of advice.
    """

    code: str
    position: int
    message: str
    mend: str = ""


class ExpressionError(InputError):
    """An expression that cannot be read or does not fit the columns; ``faults`` holds every fault found.

    Examples
    --------
    >>> from cohortstats.expressions import parse_expression
    >>> try:
    ...     parse_expression("age = 62")
    ... except ExpressionError as error:
    ...     print(error.code, error.position, error)
    expression-syntax 5 position 5: '=' alone compares nothing. Write ==.
    """

    def __init__(self, faults: tuple[ExpressionFault, ...]) -> None:
        self.faults = faults
        super().__init__([f"{fault.message} {fault.mend}".strip() for fault in faults])

    @property
    def code(self) -> str:
        """Code of the first fault."""
        return self.faults[0].code

    @property
    def position(self) -> int:
        """Position of the first fault."""
        return self.faults[0].position

    @property
    def message(self) -> str:
        """Sentence of the first fault."""
        return self.faults[0].message


def fold_name(name: str) -> str:
    """A column name as names are compared: full-width and half-width forms are one, outer space does not count.

    Examples
    --------
    >>> fold_name("ＥＲ（％） ")
    'ER(%)'
    """
    return unicodedata.normalize("NFKC", name).strip()


# ---------------------------------------------------------------------------------------------------------------------
# The tree
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A part of an expression; ``start`` and ``end`` cut it out of the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Node):
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class String(Node):
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth(Node):
    value: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing(Node):
    """The word ``missing`` used as a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Node):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Negation(Node):
    part: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Negative(Node):
    part: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Junction(Node):
    """``a and b and c`` or ``a or b or c``: flat, so that a long chain is not a deep tree."""

    word: Literal["and", "or"]
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Node):
    sign: str
    left: Node
    right: Node


Literals = tuple[Number | String | Truth, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTest(Node):
    """``part in [...]``, or ``not in``."""

    part: Node
    choices: Literals
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IsMissing(Node):
    part: Node
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Node):
    """``a + b - c``: the first part, then sign and part."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotient(Node):
    """``a * b / c``: the first part, then sign and part."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function(Node):
    name: str
    arguments: tuple[Node, ...]


# ---------------------------------------------------------------------------------------------------------------------
# Tokens
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    kind: Literal["number", "string", "name", "quoted name", "word", "sign", "end"]
    text: str
    start: int
    end: int


def _fault(position: int, reason: str, mend: str = "", code: str = "expression-syntax") -> ExpressionError:
    message = f"position {position + 1}: {reason}"
    return ExpressionError((ExpressionFault(code=code, position=position + 1, message=message, mend=mend),))


def _starts_name(sign: str) -> bool:
    return sign.isidentifier()


def _continues_name(sign: str) -> bool:
    return ("a" + sign).isidentifier()


def _tokens(text: str) -> Iterator[Token]:
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
                raise _fault(at, f"a quote {sign} opened here never closes.")
            at = close + 1
            inside = text[start + 1 : close]
            if sign == "`" and not inside.strip():
                raise _fault(start, "a name in back-quotes is empty.")
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
            raise _fault(at, "'=' alone compares nothing.", "Write ==.")
        elif sign in LOOK_ALIKES:
            raise _fault(at, f"'{sign}' is not a sign of this language.", f"Write {LOOK_ALIKES[sign]}.")
        else:
            shown = sign if sign.isprintable() else f"U+{ord(sign):04X}"
            raise _fault(at, f"'{shown}' is not a sign of this language.")
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
            raise _fault(start, f"'{text[start:at]}' is not a number.", "Write digits after the full stop.")
        while at < len(text) and text[at] in digits:
            at += 1
    if at < len(text) and text[at] in "eE":
        power = at + 1 + (text[at + 1 : at + 2] in ("+", "-"))
        if text[power : power + 1] and text[power] in digits:
            at = power
            while at < len(text) and text[at] in digits:
                at += 1
    if at < len(text) and (_continues_name(text[at]) or text[at] == "."):
        raise _fault(start, f"a number and '{text[at]}' touch.", "Put a space or a sign between them.")
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


# ---------------------------------------------------------------------------------------------------------------------
# Grammar, one method a line of it
# ---------------------------------------------------------------------------------------------------------------------


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.at += 1
        return token

    def sees(self, *texts: str) -> bool:
        return self.token.kind in ("sign", "word") and self.token.text in texts

    def expect(self, sign: str, opened: Token) -> Token:
        if not self.sees(sign):
            if self.token.kind == "end":
                raise _fault(opened.start, f"'{opened.text}' opened here never closes.")
            raise _fault(self.token.start, f"'{self._shown()}' is not expected here.", f"Put '{sign}' or an operator.")
        return self.take()

    def _shown(self) -> str:
        return self.text[self.token.start : self.token.end]

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _fault(
                self.token.start, f"more than {MAX_DEPTH} levels of nesting.", "Split it into several [derive] entries."
            )

    def whole(self) -> Node:
        if self.token.kind == "end":
            raise _fault(0, "the expression is empty.")
        node = self.disjunction()
        if self.at < len(self.tokens) - 1:
            raise _fault(
                self.token.start, f"'{self._shown()}' is not expected here.", "Put an operator in front of it."
            )
        return node

    def disjunction(self) -> Node:
        self.deeper()
        node = self._junction("or")
        self.depth -= 1
        return node

    def _junction(self, word: Literal["and", "or"]) -> Node:
        def part() -> Node:
            return self._junction("and") if word == "or" else self.negation()

        parts = [part()]
        while self.sees(word):
            self.take()
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        return Junction(word=word, parts=tuple(parts), start=parts[0].start, end=parts[-1].end)

    def negation(self) -> Node:
        if not self.sees("not"):
            return self.comparison()
        start = self.take().start
        self.deeper()
        part = self.negation()
        self.depth -= 1
        return Negation(part=part, start=start, end=part.end)

    def comparison(self) -> Node:
        left = self.sum()
        node = self._test(left)
        if node is not left and self.sees(*COMPARISONS, "in", "is"):
            raise self._chain(node)
        return node

    def _test(self, left: Node) -> Node:
        if self.sees(*COMPARISONS):
            sign = self.take().text
            right = self.sum()
            return Comparison(sign=sign, left=left, right=right, start=left.start, end=right.end)
        if self.sees("is"):
            self.take()
            negated = self.sees("not")
            if negated:
                self.take()
            if not self.sees("missing"):
                raise _fault(self.token.start, "'is' is followed by missing or not missing.", "Write == for a value.")
            return IsMissing(part=left, negated=negated, start=left.start, end=self.take().end)
        negated = self.sees("not")
        if negated:
            following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
            if following.text != "in" or following.kind != "word":
                return left
            self.take()
        if self.sees("in"):
            self.take()
            choices, end = self.choices()
            return ListTest(part=left, choices=choices, negated=negated, start=left.start, end=end)
        return left

    def _chain(self, node: Node) -> ExpressionError:
        position = self.token.start
        mend = "Write a < b and b < c."
        if isinstance(node, Comparison) and self.sees(*COMPARISONS):
            sign = self.take().text
            last = self.sum()
            first, middle, third = (self.text[n.start : n.end] for n in (node.left, node.right, last))
            mend = f"Write {first} {node.sign} {middle} and {middle} {sign} {third}."
        return _fault(position, "two comparisons in a row.", mend, code="expression-chain")

    def choices(self) -> tuple[Literals, int]:
        if not self.sees("["):
            raise _fault(self.token.start, "'in' is followed by a list.", "Write ['CR', 'PR'].")
        opened = self.take()
        found: list[Number | String | Truth] = []
        while not self.sees("]"):
            if found:
                if not self.sees(","):
                    self.expect("]", opened)
                self.take()
            found.append(self.literal())
        return tuple(found), self.take().end

    def literal(self) -> Number | String | Truth:
        start = self.token.start
        negative = self.sees("-")
        if negative:
            self.take()
        token = self.token
        if token.kind == "number":
            self.take()
            value = float(token.text)
            return Number(value=-value if negative else value, start=start, end=token.end)
        if not negative and token.kind == "string":
            self.take()
            return String(value=token.text, start=start, end=token.end)
        if not negative and self.sees("yes", "no"):
            self.take()
            return Truth(value=token.text == "yes", start=start, end=token.end)
        if self.sees("missing"):
            raise _fault(token.start, "a list may not hold missing.", "Write 'is missing' beside it, with or.")
        if token.kind == "end":
            raise _fault(token.start, "a list opened here never closes.")
        raise _fault(token.start, "a list holds numbers, texts in quotes, yes or no.", "Put text in quotes.")

    def sum(self) -> Node:
        first = self.product()
        rest = []
        while self.sees("+", "-"):
            sign = self.take().text
            rest.append((sign, self.product()))
        if not rest:
            return first
        return Difference(first=first, rest=tuple(rest), start=first.start, end=rest[-1][1].end)

    def product(self) -> Node:
        first = self.factor()
        rest = []
        while self.sees("*", "/"):
            sign = self.take().text
            rest.append((sign, self.factor()))
        if not rest:
            return first
        return Quotient(first=first, rest=tuple(rest), start=first.start, end=rest[-1][1].end)

    def factor(self) -> Node:
        if not self.sees("-"):
            return self.atom()
        start = self.take().start
        self.deeper()
        part = self.factor()
        self.depth -= 1
        return Negative(part=part, start=start, end=part.end)

    def atom(self) -> Node:
        token = self.token
        if token.kind in ("number", "string") or self.sees("yes", "no"):
            return self.literal()
        if self.sees("missing"):
            self.take()
            return Missing(start=token.start, end=token.end)
        if token.kind in ("name", "quoted name"):
            self.take()
            if token.kind == "name" and self.sees("("):
                return self.call(token)
            return Name(name=token.text, start=token.start, end=token.end)
        if self.sees("("):
            opened = self.take()
            node = self.disjunction()
            self.expect(")", opened)
            return node
        if token.kind == "end":
            raise _fault(token.start, "the expression ends where a value is expected.")
        if self.sees("not"):
            raise _fault(token.start, "'not' stands in front of a whole comparison.", "Put (not …) in parentheses.")
        raise _fault(token.start, f"'{self._shown()}' is not expected here.", "Put a value.")

    def call(self, name: Token) -> Node:
        opened = self.take()
        arguments: list[Node] = []
        if not self.sees(")"):
            arguments.append(self.disjunction())
            while self.sees(","):
                self.take()
                arguments.append(self.disjunction())
        end = self.expect(")", opened).end
        return Function(name=name.text, arguments=tuple(arguments), start=name.start, end=end)


@lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """Tree of an expression; the same text is read once."""
    if len(text) > MAX_LENGTH:
        raise _fault(MAX_LENGTH, f"the expression has {len(text):,} characters, the limit is {MAX_LENGTH:,}.")
    return _Parser(text).whole()
