"""A table of a TOML file into its dataclass, every fault noted."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeVar, Union

from cohortstats.errors import did_you_mean
from cohortstats.schema.declare import Each, Key, choices_of, keys_of, listed, shown, wanted_of
from cohortstats.schema.document import Problems
from cohortstats.schema.lines import join_key

__all__ = ["read_section"]

T = TypeVar("T")


def read_section(
    cls: type[T],
    raw: object,
    *,
    path: str,
    problems: Problems,
    heading: str = "",
    fixed: Mapping[str, Any] | None = None,
    also: Collection[str] = (),
) -> T | None:
    """Read one table of a file into its dataclass.

    Parameters
    ----------
    cls
        Dataclass whose fields are declared with :func:`key`; fields without it come from ``fixed``.
    raw
        What the file holds there.
    path
        Dotted key of the table.
    problems
        Where problems are noted: ``key-unknown``, ``key-missing``, ``key-type``.
    heading
        How messages name the table, such as ``[[association]]``; made from ``path`` when empty.
    fixed
        Values of fields that are no keys, such as the name of the section.
    also
        Keys that the caller reads itself.

    Returns
    -------
    The section, or None when a problem was noted.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from cohortstats.schema import key
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Section:
    ...     id: str = key("Address.")
    ...     effect: Literal["odds ratio", "none"] = key("Effect.", default="none")
    >>> problems = Problems("study.toml", {"association[0]": 59, "association[0].effekt": 61})
    >>> raw = {"id": "table4", "effekt": "none"}
    >>> read_section(Section, raw, path="association[0]", problems=problems, heading="[[association]]")
    >>> print(problems.found[0])
    error   study.toml line 61: [[association]] effekt is not a known key. Did you mean 'effect'?
    """
    heading = heading or f"[{path}]"
    if not isinstance(raw, Mapping):
        problems.add(path, "key-type", f"{heading} must be a table, not {shown(raw)}.")
        return None
    before = len(problems.found)
    keys: dict[str, Key] = {k.name: k for k in keys_of(typing.cast(Any, cls))}
    meant: set[str] = set()  # a misspelt key is told as such, and not once more as missing
    for name in raw:
        if name not in keys and name not in also:
            near = did_you_mean(name, [*keys, *also])
            meant.add(near)
            mend = f"Did you mean '{near}'?" if near else f"Known keys: {', '.join([*keys, *also])}."
            problems.add(_inside(path, name), "key-unknown", f"{heading} {name} is not a known key.", mend)
    values: dict[str, Any] = dict(fixed or {})
    for k in keys.values():
        if k.name in raw:
            reader = _Reader(problems, heading, k.name)
            values[k.field] = reader.read(k.type, raw[k.name], _inside(path, k.name), whole=k.type)
        elif k.required and k.name not in meant:
            choices = choices_of(k.type)
            fact = f"{heading} needs {k.name}{' = ' + listed(choices) if choices else ''}."
            problems.add(path, "key-missing", fact, "" if choices else f"Add it: {k.meaning}")
    if len(problems.found) > before:
        return None
    return cls(**values)


def _inside(path: str, *parts: str | int) -> str:
    rest = join_key(*parts)
    return path + rest if rest.startswith("[") else f"{path}.{rest}" if path else rest


_WRONG = object()


class _Reader:
    """One key of one section: value against annotation."""

    def __init__(self, problems: Problems, heading: str, name: str) -> None:
        self.problems = problems
        self.heading = heading
        self.name = name

    def wrong(self, path: str, annotation: Any, value: object) -> Any:
        fact = f"{self.heading} {self.name} must be {wanted_of(annotation)}, not {shown(value)}."
        choices = [c for c in choices_of(annotation) if isinstance(c, str)]
        near = did_you_mean(value, choices) if isinstance(value, str) else ""
        self.problems.add(path, "key-type", fact, f'Did you mean "{near}"?' if near else "")
        return _WRONG

    def read(self, annotation: Any, value: object, path: str, *, whole: Any) -> Any:
        """The value as the annotation wants it; ``whole`` is the key's full annotation, for the message."""
        origin = typing.get_origin(annotation)
        if annotation is Any:
            return value
        if origin in (Union, types.UnionType):
            return self.union(annotation, value, path, whole=whole)
        if origin is Literal:
            same = [c for c in typing.get_args(annotation) if type(c) is type(value) and c == value]
            return same[0] if same else self.wrong(path, whole, value)
        if origin is tuple:
            return self.sequence(annotation, value, path, whole=whole)
        if origin is not None and issubclass(origin, Mapping):
            return self.mapping(annotation, value, path, whole=whole)
        if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
            return self.section(annotation, value, path, whole=whole)
        return self.plain(annotation, value, path, whole=whole)

    def plain(self, annotation: Any, value: object, path: str, *, whole: Any) -> Any:
        if annotation is bool:
            return value if isinstance(value, bool) else self.wrong(path, whole, value)
        if annotation is float:
            fits = isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
            return float(value) if fits else self.wrong(path, whole, value)  # type: ignore[arg-type]
        if annotation is int:
            fits = isinstance(value, int) and not isinstance(value, bool)
            return value if fits else self.wrong(path, whole, value)
        if annotation is str:
            return value if isinstance(value, str) else self.wrong(path, whole, value)
        raise TypeError(f"{annotation!r} of {self.heading} {self.name} cannot be read from a file")

    def union(self, annotation: Any, value: object, path: str, *, whole: Any) -> Any:
        options = [option for option in typing.get_args(annotation) if option is not type(None)]
        fitting = [option for option in options if _fits(option, value)]
        if not fitting:
            return self.wrong(path, whole, value)
        sections = [option for option in fitting if dataclasses.is_dataclass(option)]
        if sections and isinstance(value, Mapping):
            # The section that knows most of the keys, so that a misspelt key is told as such.
            fitting = sorted(sections, key=lambda s: -sum(k.name in value for k in keys_of(s)))
        return self.read(fitting[0], value, path, whole=fitting[0] if len(fitting) == 1 else whole)

    def sequence(self, annotation: Any, value: object, path: str, *, whole: Any) -> Any:
        inner = typing.get_args(annotation)
        if not isinstance(value, list):
            return self.wrong(path, whole, value)
        if inner[-1] is not Ellipsis:
            if len(value) != len(inner):
                return self.wrong(path, whole, value)
            wanted = list(inner)
        else:
            wanted = [inner[0]] * len(value)
        read = [
            self.read(item, element, _inside(path, place), whole=Each(annotation) if _is_plain(item) else item)
            for place, (item, element) in enumerate(zip(wanted, value, strict=True))
        ]
        return _WRONG if any(element is _WRONG for element in read) else tuple(read)

    def mapping(self, annotation: Any, value: object, path: str, *, whole: Any) -> Any:
        if not isinstance(value, dict):
            return self.wrong(path, whole, value)
        inner = typing.get_args(annotation)[1]
        read = {
            name: _Reader(self.problems, self.heading, f"{self.name}.{name}").read(
                inner, element, _inside(path, name), whole=inner
            )
            for name, element in value.items()
        }
        return MappingProxyType(read)

    def section(self, annotation: type, value: object, path: str, *, whole: Any) -> Any:
        if not isinstance(value, dict):
            return self.wrong(path, whole, value)
        fields = {f.name for f in dataclasses.fields(annotation)}
        fixed = {"name": ""} if "name" in fields and "name" not in {k.field for k in keys_of(annotation)} else None
        heading = f"{self.heading} {self.name}:"
        return read_section(annotation, value, path=path, problems=self.problems, heading=heading, fixed=fixed)


def _is_plain(annotation: Any) -> bool:
    return annotation in (str, int, float, bool) or typing.get_origin(annotation) is Literal


def _fits(annotation: Any, value: object) -> bool:
    """Whether the shape of a value is that of an option of a union."""
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return any(type(c) is type(value) for c in typing.get_args(annotation))
    if origin is tuple:
        return isinstance(value, list)
    if (origin is not None and issubclass(origin, Mapping)) or dataclasses.is_dataclass(annotation):
        return isinstance(value, dict)
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is annotation
