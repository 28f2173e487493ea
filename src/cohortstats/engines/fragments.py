"""Pieces of SQL in which a value is never text: it is kept apart until the driver binds it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from cohortstats.errors import InputError

__all__ = ["Fragment", "ParameterStyle", "bound", "joined", "rendered", "sql", "verbatim"]

ParameterStyle = Literal["qmark", "numeric", "named", "format", "pyformat"]
LONGEST = 500_000  # characters; an expression that says things twice, again and again, grows without end


@dataclass(frozen=True, slots=True)
class _Bound:
    value: Any


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of SQL: text of ours, and values for the driver."""

    parts: tuple[str | _Bound, ...]
    length: int

    @property
    def has_values(self) -> bool:
        """Whether the driver binds a value in it; two such pieces are never the same to an engine."""
        return any(isinstance(part, _Bound) for part in self.parts)


def verbatim(text: str) -> Fragment:
    """Text of ours, or a name that a dialect has quoted."""
    return Fragment((text,), len(text))


def bound(value: Any) -> Fragment:
    """A value that the driver binds."""
    return Fragment((_Bound(value),), 1)


def sql(template: str, *parts: Fragment) -> Fragment:
    """Fill the ``{}`` of a template; braces inside the parts have no meaning.

    Examples
    --------
    >>> rendered(sql("({} = {})", verbatim('"a{}b"'), bound(3)), "qmark")
    ('("a{}b" = ?)', [3])
    """
    pieces = template.split("{}")
    found: list[str | _Bound] = [pieces[0]]
    for piece, part in zip(pieces[1:], parts, strict=True):
        found += [*part.parts, piece]
    length = len(template) + sum(part.length for part in parts)
    if length > LONGEST:
        raise InputError("the expression is too long for a query; take it apart, or make a view of the table.")
    return Fragment(tuple(found), length)


def joined(between: str, parts: Iterable[Fragment]) -> Fragment:
    """Parts with text between them."""
    listed = list(parts)
    return sql(between.join("{}" for _ in listed), *listed)


def rendered(fragment: Fragment, style: ParameterStyle) -> tuple[str, Any]:
    """Text with the driver's placeholders, and the values in the form that the driver takes.

    Examples
    --------
    >>> where = sql("{} = {}", verbatim('"50%"'), bound("x"))
    >>> rendered(where, "format"), rendered(where, "named")
    (('"50%%" = %s', ['x']), ('"50%" = :p1', {'p1': 'x'}))
    >>> rendered(verbatim('"50%"'), "format")
    ('"50%"', [])
    """
    values = [part.value for part in fragment.parts if isinstance(part, _Bound)]
    # A driver that marks parameters by % looks at the text only when it is given some.
    escaped = style in ("format", "pyformat") and bool(values)
    text: list[str] = []
    place = 0
    for part in fragment.parts:
        if isinstance(part, _Bound):
            place += 1
            text.append(_PLACEHOLDERS[style].format(place=place))
        else:
            text.append(part.replace("%", "%%") if escaped else part)
    if style in ("named", "pyformat") and values:
        return "".join(text), {f"p{place}": value for place, value in enumerate(values, 1)}
    return "".join(text), values


_PLACEHOLDERS: dict[str, str] = {
    "qmark": "?",
    "numeric": ":{place}",
    "named": ":p{place}",
    "format": "%s",
    "pyformat": "%(p{place})s",
}
