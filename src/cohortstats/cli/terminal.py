"""What a verb prints, and where: results to stdout, progress and messages to stderr."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from cohortstats.errors import Problem

__all__ = [
    "BAD_DATA",
    "DISAGREES",
    "INTERRUPTED",
    "IN_PART",
    "MISSING_FILE",
    "MISUSE",
    "OK",
    "Common",
    "Terminal",
    "Verb",
]

OK, DISAGREES, MISUSE, BAD_DATA, MISSING_FILE, IN_PART, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
MOST_ALIKE = 20
COLOURS = {"error": "31", "warning": "33", "agrees": "32", "last digit": "33", "differs": "31"}


class Terminal:
    """What is printed, and where."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.quiet: bool = arguments.quiet
        self.json: bool = getattr(arguments, "json", False)
        self.colour = not arguments.no_color and not self.json and "NO_COLOR" not in os.environ and sys.stdout.isatty()

    def result(self, text: str) -> None:
        print(text)

    def value(self, content: object) -> None:
        print(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))

    def message(self, text: str) -> None:
        if not self.quiet:
            print(text, file=sys.stderr)

    def progress(self, steps: Iterable[Any]) -> Iterable[Any]:
        """A bar on stderr for what takes longer than a second, on a terminal only."""
        if self.quiet or self.json or not sys.stderr.isatty():
            return steps
        from tqdm import tqdm

        bar: Iterable[Any] = tqdm(steps, delay=1, leave=False, file=sys.stderr)
        return bar

    def paint(self, text: str, kind: str) -> str:
        code = COLOURS.get(kind, "")
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text

    def problems(self, problems: Sequence[Problem], write: Callable[[str], None]) -> None:
        """One line a problem; of those alike in code and column at most twenty."""
        seen: dict[tuple[str, str, str], int] = {}
        for problem in problems:
            kind = (problem.code, problem.file, problem.column)
            seen[kind] = seen.get(kind, 0) + 1
            if seen[kind] <= MOST_ALIKE:
                line = str(problem)
                write(self.paint(line[:7], problem.level) + line[7:])
        for (_, file, column), count in seen.items():
            if count > MOST_ALIKE:
                write(f"        {file}, {column}: and {count - MOST_ALIKE} more like this")


Verb = tuple[Callable[[argparse.Namespace, Terminal], int], str]
"""What a verb does, and its line in the help."""


class Common(NamedTuple):
    """Words that several verbs share."""

    json: argparse.ArgumentParser
    looks: argparse.ArgumentParser
