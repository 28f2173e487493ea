"""Parts of an expression; every part knows which piece of the text it came from, so that a message can quote it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

__all__ = [
    "Comparison",
    "Difference",
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
    "parts_of",
]


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


def parts_of(node: Node) -> tuple[Node, ...]:
    """The parts that a part is directly made of."""
    return tuple(inner for part in fields(node) for inner in _inside(getattr(node, part.name)))


def _inside(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _inside(item)
