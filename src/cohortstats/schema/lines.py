"""Line of every key of a TOML text, which :mod:`tomllib` does not tell."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Sequence

__all__ = ["above", "join_key", "key_lines"]


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


def above(dotted: str) -> str:
    """The dotted key without its last part."""
    if dotted.endswith("]"):
        return dotted[: dotted.rindex("[")]
    if dotted.endswith('"'):
        start = dotted.rfind('."', 0, len(dotted) - 1)
        return dotted[:start] if start >= 0 else ""
    return dotted.rpartition(".")[0]
