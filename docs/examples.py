"""Run the code blocks of the pages in this folder, and write what they print beside them.

A ``python`` block is followed by a ``text`` block with what it prints; in a ``console`` block it follows the command.
The ``csv`` and ``toml`` blocks of exhibits.md together are the study that the commands of the pages name.

Run: ``python docs/examples.py``
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import tempfile
from pathlib import Path
from typing import Any

from cohortstats.cli import main

DOCS = Path(__file__).parent
PAGES = ("tutorial.md", "exhibits.md", "definitions.md", "conventions.md", "published.md", "privacy.md", "scale.md")
_BLOCK = re.compile(r"```(python|console)\n(.*?)```(?:\n```text\n(.*?)```)?", re.DOTALL)


def study_of_the_page(folder: Path) -> None:
    """Write the study that exhibits.md declares piece by piece."""
    text = (DOCS / "exhibits.md").read_text(encoding="utf-8")
    (folder / "howto").mkdir()
    [table] = re.findall(r"```csv\n(.*?)```", text, flags=re.DOTALL)
    (folder / "howto" / "cases.csv").write_text(table, encoding="utf-8")
    sections = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    (folder / "howto" / "study.toml").write_text("".join(sections), encoding="utf-8")
    # Files beside the study file bear their name.
    for name, content in re.findall(r'```(?:csv|toml) title="([\w.]+)"\n(.*?)```', text, flags=re.DOTALL):
        (folder / "howto" / name).write_text(content, encoding="utf-8")


def rewritten(page: str, folder: Path) -> str:
    """The text of a page with the outputs that its blocks have in ``folder``, which becomes the working directory."""
    names: dict[str, Any] = {}
    study_of_the_page(folder)
    before = Path.cwd()
    os.chdir(folder)
    try:
        return _BLOCK.sub(lambda block: _filled(block, names), (DOCS / page).read_text(encoding="utf-8"))
    finally:
        os.chdir(before)


def _filled(block: re.Match[str], names: dict[str, Any]) -> str:
    kind, code = block.group(1), block.group(2)
    if kind == "console":
        commands = [line for line in code.splitlines() if line.startswith("$ ")]
        return "```console\n" + "".join(f"{command}\n{_told(command)}" for command in commands) + "```"
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "page", "exec"), names)
    printed = "\n".join(line.rstrip() for line in out.getvalue().splitlines())
    beside = f"\n```text\n{printed}\n```" if printed else ""
    return f"```python\n{code}```{beside}"


def _told(command: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        main(shlex.split(command.removeprefix("$ cohortstats ")))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


if __name__ == "__main__":
    for name in PAGES:
        with tempfile.TemporaryDirectory() as place:
            filled = rewritten(name, Path(place))
        (DOCS / name).write_text(filled, encoding="utf-8")
