"""A TOML file, the lines of its keys, and the problems found in it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from cohortstats.errors import DataError, Problem, did_you_mean
from cohortstats.schema.lines import above, key_lines

__all__ = ["Document", "Problems", "missing_file", "read_document"]


class Problems:
    """Collects the problems of one file; each gets the file's name and the line of its key."""

    def __init__(self, file: str, lines: Mapping[str, int]) -> None:
        self.file = file
        self.lines = dict(lines)
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

    def meant(self, wrong: str, right: str) -> None:
        """Let the keys of a section whose name is misspelt also be found under the name that was meant."""
        for dotted, line in list(self.lines.items()):
            if dotted == wrong or dotted.startswith((f"{wrong}.", f"{wrong}[")):
                self.lines.setdefault(right + dotted[len(wrong) :], line)

    def line(self, study_key: str) -> int | None:
        """Line of the key, else of the nearest table above it."""
        while study_key:
            if study_key in self.lines:
                return self.lines[study_key]
            study_key = above(study_key)
        return None


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
        mend=f"{f'Did you mean {near}? ' if near else ''}Files beside the study: {listed or 'none'}.",
    )


def _invalid(name: str, reason: str, text: str) -> Problem:
    """A fault of TOML itself, at the line that tomllib gives."""
    fact, _, place = reason.rpartition(" (at ")
    if not fact:
        return Problem(code="toml-invalid", file=name, message=f"{reason}.")
    words = place.rstrip(")").replace(",", "").split()
    line = int(words[1]) if words[0] == "line" else max(1, len(text.splitlines()))
    column = f" at character {words[3]}" if words[0] == "line" else " at the end of the file"
    mend = ""
    line_text = text.splitlines()[line - 1] if line <= len(text.splitlines()) else ""
    bare = line_text.partition("=")[0].strip()
    if "=" in line_text and bare and not bare.isascii() and not bare.startswith(('"', "'", "[", "#")):
        mend = f'Keys that are not ASCII need quotes: "{bare}".'
    return Problem(code="toml-invalid", file=name, row=line, message=f"{fact}{column}.", mend=mend)
