"""Declaring a key, and saying in words what it takes."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, Union

__all__ = [
    "Each",
    "Key",
    "KeyRow",
    "choices_of",
    "describe",
    "each_key",
    "key",
    "keys_of",
    "listed",
    "shown",
    "wanted_of",
]


def key(
    meaning: str,
    *,
    default: Any = dataclasses.MISSING,
    name: str = "",
    refers: str = "",
) -> Any:
    """Declare a key of a section.

    Parameters
    ----------
    meaning
        One sentence for the reference page.
    default
        Value when the key is left out; without it the key is required.
    name
        The key in the file where it cannot be a Python name (``from``, ``else``).
    refers
        What the value must name: ``"column"``, ``"variable"``, ``"record"`` (a variable, also of a table with many rows
        per patient), ``"endpoint"``, ``"binary endpoint"``, ``"time-to-event endpoint"`` or ``"expression"``.
    """
    metadata = {"meaning": meaning, "name": name, "refers": refers}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    if isinstance(default, Mapping):
        return dataclasses.field(default_factory=lambda: MappingProxyType(dict(default)), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    name: str  # in the file
    field: str  # in the dataclass
    type: Any
    required: bool
    default: Any
    meaning: str


@cache
def keys_of(cls: Any) -> tuple[Key, ...]:
    hints = typing.get_type_hints(cls)
    found = []
    for field in dataclasses.fields(cls):
        if "meaning" not in field.metadata:
            continue  # the section's own name, which is no key
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        default = None
        if not required:
            made = field.default_factory
            default = field.default if made is dataclasses.MISSING else made()
        found.append(
            Key(
                name=field.metadata["name"] or field.name,
                field=field.name,
                type=hints[field.name],
                required=required,
                default=default,
                meaning=field.metadata["meaning"],
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Each:
    """An element of a list, in a message about the list."""

    annotation: Any


def choices_of(annotation: Any) -> tuple[Any, ...]:
    """The values of a Literal, also of a union or a list of them."""
    if isinstance(annotation, Each):
        annotation = typing.get_args(annotation.annotation)[0]
    if typing.get_origin(annotation) is Literal:
        return tuple(choice for choice in typing.get_args(annotation) if choice != "")
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return tuple(choice for option in typing.get_args(annotation) for choice in choices_of(option))
    return ()


def listed(choices: Sequence[object]) -> str:
    words = [literal(choice) for choice in choices]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


_NOUNS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_PLURALS = {str: "texts", int: "whole numbers", float: "numbers", bool: "true or false"}


def wanted_of(annotation: Any) -> str:
    """What a key takes, in words."""
    if isinstance(annotation, Each):
        return wanted_of(annotation.annotation)
    origin = typing.get_origin(annotation)
    if origin in (Union, types.UnionType):
        options = [option for option in typing.get_args(annotation) if option is not type(None)]
        if all(typing.get_origin(option) is Literal for option in options):
            return listed(choices_of(annotation))
        return " or ".join(dict.fromkeys(wanted_of(option) for option in options))
    if origin is Literal:
        return listed(choices_of(annotation))
    if origin is tuple:
        inner = typing.get_args(annotation)
        if inner[-1] is not Ellipsis:
            return f"a list of {len(inner)} {_PLURALS.get(inner[0], 'values')}"
        if choices_of(inner[0]):
            return f"a list of {listed(choices_of(inner[0]))}"
        if typing.get_origin(inner[0]) is tuple:
            return f"a list whose elements are each {wanted_of(inner[0])}"
        return f"a list of {_PLURALS.get(inner[0], 'texts and tables')}"
    if annotation in _NOUNS:
        return _NOUNS[annotation]
    return "a table"


def shown(value: object) -> str:
    """A value of the file, short."""
    if isinstance(value, str | bool):
        return literal(value if not isinstance(value, str) or len(value) <= 40 else value[:39] + "…")
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, Mapping):
        return "a table"
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One key on the reference page."""

    key: str
    type: str
    default: str
    meaning: str


def describe(cls: type) -> tuple[KeyRow, ...]:
    """One row for every key of a section: what it takes, its default (``required`` without one), its meaning.

    Examples
    --------
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Section:
    ...     id: str = key("Address.")
    ...     alpha: float = key("Level of significance.", default=0.05)
    >>> [(row.key, row.type, row.default) for row in describe(Section)]
    [('id', 'text', 'required'), ('alpha', 'a number', '0.05')]
    """
    return tuple(
        KeyRow(
            key=k.name,
            type=wanted_of(k.type),
            default="required" if k.required else _default(k.default),
            meaning=k.meaning,
        )
        for k in keys_of(cls)
    )


def _default(value: object) -> str:
    if value is None or value == "" or value == () or (isinstance(value, Mapping) and not value):
        return "none"
    if isinstance(value, tuple):
        return "[" + ", ".join(_default(element) for element in value) + "]"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        inside = ", ".join(f"{k.name} = {_default(getattr(value, k.field))}" for k in keys_of(type(value)))
        return "{ " + inside + " }"
    return literal(value)


def each_key(section: object) -> Iterator[tuple[str, str, object]]:
    """Key, what it refers to, and value, for every key of a section that refers to something."""
    for field in dataclasses.fields(typing.cast(Any, section)):
        if field.metadata.get("refers"):
            name = field.metadata["name"] or field.name
            yield name, field.metadata["refers"], getattr(section, field.name)
