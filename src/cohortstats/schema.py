"""How a TOML file becomes frozen values: one declaration a key, and every check made from it.

A section of a file is a frozen dataclass; a key is a field declared with :func:`key`, which gives its meaning, its
default and what it refers to. The reader, the messages, the nearest spellings and the reference page are all made
from these fields, so a key cannot be read and yet be undocumented.
"""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
import types
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar, Union

from cohortstats.errors import DataError, Problem, did_you_mean

__all__ = [
    "Document",
    "KeyRow",
    "Problems",
    "describe",
    "join_key",
    "key",
    "key_lines",
    "read_document",
    "read_section",
]

T = TypeVar("T")


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
        What the value must name: ``"column"``, ``"variable"``, ``"endpoint"``, ``"binary endpoint"``,
        ``"time-to-event endpoint"`` or ``"expression"``.
    """
    metadata = {"meaning": meaning, "name": name, "refers": refers}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    if isinstance(default, Mapping):
        return dataclasses.field(default_factory=lambda: MappingProxyType(dict(default)), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


# ---------------------------------------------------------------------------------------------------------------------
# Lines of keys
# ---------------------------------------------------------------------------------------------------------------------


def join_key(*parts: str | int) -> str:
    """Dotted key of its parts; a number is a place in a list, and a part that holds a dot or a bracket is quoted.

    Examples
    --------
    >>> join_key("columns", "patients", "age")
    'columns.patients.age'
    >>> join_key("known", "text/a.b/n"), join_key("table", 0, "block", 2)
    ('known."text/a.b/n"', 'table[0].block[2]')
    """
    dotted = ""
    for part in parts:
        if isinstance(part, int):
            dotted += f"[{part}]"
            continue
        plain = bool(part) and not any(sign in part for sign in '."[]') and part.isprintable()
        word = part if plain else json.dumps(part, ensure_ascii=False)
        dotted += f".{word}" if dotted else word
    return dotted


def key_lines(text: str) -> dict[str, int]:
    """Line of every key, table and list element of a TOML text, counted from 1, by dotted key.

    Parameters
    ----------
    text
        Valid TOML: this scanner finds places, :mod:`tomllib` decides what is valid.

    Examples
    --------
    >>> key_lines('a = 1\\n[[t]]\\nid = "x"\\nrows = [\\n  "age",\\n  { variable = "stage" },\\n]\\n[[t]]\\n')
    {'a': 1, 't': 2, 't[0]': 2, 't[0].id': 3, 't[0].rows': 4, 't[0].rows[0]': 5, 't[0].rows[1]': 6,
     't[0].rows[1].variable': 6, 't[1]': 8}
    """
    return _Scanner(text).scan()


class _Scanner:
    """One pass over a valid TOML text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[str, int] = {}
        self.lengths: dict[str, int] = {}  # list of tables -> how many so far

    def scan(self) -> dict[str, int]:
        table: tuple[str | int, ...] = ()
        while self.skip_blank():
            if self.text.startswith("[[", self.at):
                table = self.list_header()
            elif self.text[self.at] == "[":
                self.at += 1
                table = self.current(self.key())
                self.at += 1  # the closing bracket
                self.record(table)
            else:
                self.pair(table)
        return self.lines

    def record(self, path: Sequence[str | int], line: int | None = None) -> None:
        """Note the line of a path, and of tables above it that have no header of their own."""
        for end in range(1, len(path) + 1):
            self.lines.setdefault(join_key(*path[:end]), self.line if line is None else line)

    def list_header(self) -> tuple[str | int, ...]:
        self.at += 2
        *above, last = self.key()
        self.at += 2
        path = (*self.current(above), last)
        dotted = join_key(*path)
        place = self.lengths.get(dotted, 0)
        self.lengths[dotted] = place + 1
        self.record((*path, place))
        return (*path, place)

    def current(self, keys: Iterable[str]) -> tuple[str | int, ...]:
        """Path of a header, where a list of tables means its last table."""
        path: tuple[str | int, ...] = ()
        for part in keys:
            path = (*path, part)
            count = self.lengths.get(join_key(*path))
            if count is not None:
                path = (*path, count - 1)
        return path

    def pair(self, table: Sequence[str | int]) -> None:
        line = self.line
        path = (*table, *self.key())
        self.at += 1  # the equals sign
        self.record(path, line)
        self.value(path)

    # ---- signs

    def skip_blank(self, *, also: str = "") -> bool:
        """Pass over space, line ends, comments and the signs of ``also``; False at the end of the text."""
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif sign.isspace() or sign in also:
                self.line += sign == "\n"
                self.at += 1
            else:
                return True
        return False

    def key(self) -> list[str]:
        """A dotted key; the scanner stands behind it, at ``=`` or ``]``."""
        parts = []
        while True:
            self.skip_blank()
            sign = self.text[self.at]
            if sign in "\"'":
                parts.append(self.string())
            else:
                start = self.at
                while self.text[self.at] not in "=.] \t":
                    self.at += 1
                parts.append(self.text[start : self.at])
            self.skip_blank()
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def string(self) -> str:
        """Pass over a string of any of the four forms; its value is needed for keys only, which are of one line."""
        quote = self.text[self.at]
        start = self.at
        if self.text.startswith(quote * 3, start):
            self.at = self._multiline_end(quote)
        else:
            self.at += 1
            while self.text[self.at] != quote:
                self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
            self.at += 1
        raw = self.text[start : self.at]
        self.line += raw.count("\n")
        if raw.startswith(quote * 3) and len(raw) > 2:
            return ""
        value = tomllib.loads(f"k = {raw}")["k"]
        return str(value)

    def _multiline_end(self, quote: str) -> int:
        at = self.at + 3
        while not self.text.startswith(quote * 3, at):
            at += 2 if quote == '"' and self.text[at] == "\\" else 1
        at += 3
        # Up to two quotes may stand in front of the closing three.
        while self.text.startswith(quote, at):
            at += 1
        return at

    def value(self, path: Sequence[str | int]) -> None:
        self.skip_blank()
        sign = self.text[self.at]
        if sign in "\"'":
            self.string()
        elif sign == "[":
            self.at += 1
            place = 0
            while self.skip_blank(also=",") and self.text[self.at] != "]":
                self.record((*path, place))
                self.value((*path, place))
                place += 1
            self.at += 1
        elif sign == "{":
            self.at += 1
            while self.skip_blank(also=",") and self.text[self.at] != "}":
                self.pair(path)
            self.at += 1
        else:
            while self.at < len(self.text) and self.text[self.at] not in ",]}#\n":
                self.at += 1


# ---------------------------------------------------------------------------------------------------------------------
# A file and its problems
# ---------------------------------------------------------------------------------------------------------------------


class Problems:
    """Collects the problems of one file; each gets the file's name and the line of its key."""

    def __init__(self, file: str, lines: Mapping[str, int]) -> None:
        self.file = file
        self.lines = lines
        self.found: list[Problem] = []

    def make(
        self,
        study_key: str,
        code: str,
        message: str,
        mend: str = "",
        *,
        level: Literal["error", "warning"] = "error",
        **place: Any,
    ) -> Problem:
        """A problem of a key, not yet noted."""
        return Problem(
            level=level,
            code=code,
            message=message,
            mend=mend,
            study_key=study_key,
            **{"file": self.file, "row": self.line(study_key), **place},
        )

    def add(self, study_key: str, code: str, message: str, mend: str = "", **place: Any) -> None:
        """Note a problem of a key."""
        self.found.append(self.make(study_key, code, message, mend, **place))

    def line(self, study_key: str) -> int | None:
        """Line of the key, else of the nearest table above it."""
        while study_key:
            if study_key in self.lines:
                return self.lines[study_key]
            study_key = _above(study_key)
        return None


def _above(dotted: str) -> str:
    """The dotted key without its last part."""
    if dotted.endswith("]"):
        return dotted[: dotted.rindex("[")]
    if dotted.endswith('"'):
        start = dotted.rfind('."', 0, len(dotted) - 1)
        return dotted[:start] if start >= 0 else ""
    return dotted.rpartition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A TOML file as it was read.

    Parameters
    ----------
    path
        Where it is.
    data
        Its tables.
    lines
        Line of every key, by dotted key.
    """

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[str, int]


def read_document(path: Path) -> Document:
    """Read a TOML file and the lines of its keys.

    Raises
    ------
    DataError
        With ``file-missing`` (and ``missing_file`` true), ``encoding-unknown`` or ``toml-invalid``.
    """
    name = path.name
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise DataError([missing_file(path)], missing_file=True) from None
    except UnicodeDecodeError as error:
        fact = f"{name} is not UTF-8: byte {error.start + 1} cannot be read."
        problem = Problem(code="encoding-unknown", file=name, message=fact, mend="Save it as UTF-8.")
        raise DataError([problem]) from None
    except OSError as error:
        fact = f"{name} cannot be read: {error.strerror or error}."
        raise DataError([Problem(code="file-missing", file=name, message=fact)], missing_file=True) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError([_invalid(name, str(error), text)]) from None
    except RecursionError:
        fact = "lists or tables are nested too deeply."
        raise DataError([Problem(code="toml-invalid", file=name, message=fact)]) from None
    return Document(path=path, data=data, lines=MappingProxyType(key_lines(text.replace("\r\n", "\n"))))


def missing_file(path: Path, name: str = "") -> Problem:
    """The problem of a file that is not there, with what stands beside it."""
    try:
        beside = sorted(entry.name for entry in path.parent.iterdir() if entry.is_file())
    except OSError:
        beside = []
    listed = ", ".join(beside[:12]) + (f" and {len(beside) - 12} more" if len(beside) > 12 else "")
    shown = name or path.name
    near = did_you_mean(path.name, beside)
    return Problem(
        code="file-missing",
        file=shown,
        message=f"{shown} is not there.",
        mend=f"Did you mean {near}?" if near else f"Files beside the study: {listed or 'none'}.",
    )


def _invalid(name: str, reason: str, text: str) -> Problem:
    """A fault of TOML itself, at the line that tomllib gives."""
    fact, _, place = reason.rpartition(" (at ")
    if not fact:
        return Problem(code="toml-invalid", file=name, message=f"{reason}.")
    words = place.rstrip(")").replace(",", "").split()
    line = int(words[1]) if words[0] == "line" else text.count("\n") + 1
    column = f" at character {words[3]}" if words[0] == "line" else " at the end of the file"
    mend = ""
    line_text = text.splitlines()[line - 1] if line <= len(text.splitlines()) else ""
    bare = line_text.partition("=")[0].strip()
    if "=" in line_text and bare and not bare.isascii() and not bare.startswith(('"', "'", "[", "#")):
        mend = f'Keys that are not ASCII need quotes: "{bare}".'
    return Problem(code="toml-invalid", file=name, row=line, message=f"{fact}{column}.", mend=mend)


# ---------------------------------------------------------------------------------------------------------------------
# A section
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    name: str  # in the file
    field: str  # in the dataclass
    type: Any
    required: bool
    default: Any
    meaning: str


@cache
def _keys(cls: Any) -> tuple[_Key, ...]:
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
            _Key(
                name=field.metadata["name"] or field.name,
                field=field.name,
                type=hints[field.name],
                required=required,
                default=default,
                meaning=field.metadata["meaning"],
            )
        )
    return tuple(found)


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
        problems.add(path, "key-type", f"{heading} must be a table, not {_shown(raw)}.")
        return None
    before = len(problems.found)
    keys: dict[str, _Key] = {k.name: k for k in _keys(typing.cast(Any, cls))}
    for name in raw:
        if name not in keys and name not in also:
            near = did_you_mean(name, [*keys, *also])
            mend = f"Did you mean '{near}'?" if near else f"Known keys: {', '.join([*keys, *also])}."
            problems.add(_inside(path, name), "key-unknown", f"{heading} {name} is not a known key.", mend)
    values: dict[str, Any] = dict(fixed or {})
    for k in keys.values():
        if k.name in raw:
            reader = _Reader(problems, heading, k.name)
            values[k.field] = reader.read(k.type, raw[k.name], _inside(path, k.name), whole=k.type)
        elif k.required:
            choices = _choices(k.type)
            fact = f"{heading} needs {k.name}{' = ' + _listed(choices) if choices else ''}."
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
        fact = f"{self.heading} {self.name} must be {_wanted(annotation)}, not {_shown(value)}."
        choices = [c for c in _choices(annotation) if isinstance(c, str)]
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
            fitting = sorted(sections, key=lambda s: -sum(k.name in value for k in _keys(s)))
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
            self.read(item, element, _inside(path, place), whole=_Each(annotation) if _is_plain(item) else item)
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
        fixed = {"name": ""} if "name" in fields and "name" not in {k.field for k in _keys(annotation)} else None
        heading = f"{self.heading} {self.name}:"
        return read_section(annotation, value, path=path, problems=self.problems, heading=heading, fixed=fixed)


@dataclass(frozen=True, slots=True)
class _Each:
    """An element of a list, in a message about the list."""

    annotation: Any


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


# ---- words


def _choices(annotation: Any) -> tuple[Any, ...]:
    """The values of a Literal, also of a union or a list of them."""
    if isinstance(annotation, _Each):
        annotation = typing.get_args(annotation.annotation)[0]
    if typing.get_origin(annotation) is Literal:
        return tuple(choice for choice in typing.get_args(annotation) if choice != "")
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return tuple(choice for option in typing.get_args(annotation) for choice in _choices(option))
    return ()


def _listed(choices: Sequence[object]) -> str:
    words = [_literal(choice) for choice in choices]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


_NOUNS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_PLURALS = {str: "texts", int: "whole numbers", float: "numbers", bool: "true or false"}


def _wanted(annotation: Any) -> str:
    """What a key takes, in words."""
    if isinstance(annotation, _Each):
        return _wanted(annotation.annotation)
    origin = typing.get_origin(annotation)
    if origin in (Union, types.UnionType):
        options = [option for option in typing.get_args(annotation) if option is not type(None)]
        return " or ".join(dict.fromkeys(_wanted(option) for option in options))
    if origin is Literal:
        return _listed(_choices(annotation))
    if origin is tuple:
        inner = typing.get_args(annotation)
        if inner[-1] is not Ellipsis:
            return f"a list of {len(inner)} {_PLURALS.get(inner[0], 'values')}"
        if _choices(inner[0]):
            return f"a list of {_listed(_choices(inner[0]))}"
        if typing.get_origin(inner[0]) is tuple:
            return f"a list whose elements are each {_wanted(inner[0])}"
        return f"a list of {_PLURALS.get(inner[0], 'texts and tables')}"
    if annotation in _NOUNS:
        return _NOUNS[annotation]
    return "a table"


def _shown(value: object) -> str:
    """A value of the file, short."""
    if isinstance(value, str | bool):
        return _literal(value if not isinstance(value, str) or len(value) <= 40 else value[:39] + "…")
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, Mapping):
        return "a table"
    return str(value)


# ---------------------------------------------------------------------------------------------------------------------
# The reference page
# ---------------------------------------------------------------------------------------------------------------------


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
            type=_wanted(k.type),
            default="required" if k.required else _default(k.default),
            meaning=k.meaning,
        )
        for k in _keys(cls)
    )


def _default(value: object) -> str:
    if value is None or value == "" or value == () or (isinstance(value, Mapping) and not value):
        return "none"
    if isinstance(value, tuple):
        return "[" + ", ".join(_default(element) for element in value) + "]"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        inside = ", ".join(f"{k.name} = {_default(getattr(value, k.field))}" for k in _keys(type(value)))
        return "{ " + inside + " }"
    return _literal(value)


def each_key(section: object) -> Iterator[tuple[str, str, object]]:
    """Key, what it refers to, and value, for every key of a section that refers to something."""
    for field in dataclasses.fields(typing.cast(Any, section)):
        if field.metadata.get("refers"):
            name = field.metadata["name"] or field.name
            yield name, field.metadata["refers"], getattr(section, field.name)
