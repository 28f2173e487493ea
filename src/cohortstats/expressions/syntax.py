"""Grammar of an expression: tokens to a tree.

The parser is ours: nothing of Python is evaluated, and nesting and length are bounded.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from cohortstats.expressions.faults import ExpressionError, syntax_error
from cohortstats.expressions.tokens import COMPARISONS, Token, tokens
from cohortstats.expressions.tree import (
    Comparison,
    Difference,
    Function,
    IsMissing,
    Junction,
    ListTest,
    Literals,
    Missing,
    Name,
    Negation,
    Negative,
    Node,
    Number,
    Quotient,
    String,
    Truth,
)

__all__ = ["parse"]

MAX_DEPTH = 50
MAX_LENGTH = 4_000


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(tokens(text))
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
                raise syntax_error(opened.start, f"'{opened.text}' opened here never closes.")
            raise syntax_error(
                self.token.start, f"'{self._shown()}' is not expected here.", f"Put '{sign}' or an operator."
            )
        return self.take()

    def _shown(self) -> str:
        return self.text[self.token.start : self.token.end]

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise syntax_error(
                self.token.start, f"more than {MAX_DEPTH} levels of nesting.", "Split it into several [derive] entries."
            )

    def whole(self) -> Node:
        if self.token.kind == "end":
            raise syntax_error(0, "the expression is empty.")
        node = self.disjunction()
        if self.at < len(self.tokens) - 1:
            raise syntax_error(
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
                raise syntax_error(
                    self.token.start, "'is' is followed by missing or not missing.", "Write == for a value."
                )
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
        return syntax_error(position, "two comparisons in a row.", mend, code="expression-chain")

    def choices(self) -> tuple[Literals, int]:
        if not self.sees("["):
            raise syntax_error(self.token.start, "'in' is followed by a list.", "Write ['CR', 'PR'].")
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
            raise syntax_error(token.start, "a list may not hold missing.", "Write 'is missing' beside it, with or.")
        if token.kind == "end":
            raise syntax_error(token.start, "a list opened here never closes.")
        raise syntax_error(token.start, "a list holds numbers, texts in quotes, yes or no.", "Put text in quotes.")

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
            raise syntax_error(token.start, "the expression ends where a value is expected.")
        if self.sees("not"):
            raise syntax_error(
                token.start, "'not' stands in front of a whole comparison.", "Put (not …) in parentheses."
            )
        raise syntax_error(token.start, f"'{self._shown()}' is not expected here.", "Put a value.")

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
        raise syntax_error(MAX_LENGTH, f"the expression has {len(text):,} characters, the limit is {MAX_LENGTH:,}.")
    return _Parser(text).whole()
