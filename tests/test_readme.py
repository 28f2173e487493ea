"""The README is true: its code runs and prints what stands beside it, its figures are the ledger's."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

import cohortstats as cs
from cohortstats.cli import VERBS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", README, flags=re.DOTALL)


def test_code_blocks_print_what_stands_beside_them() -> None:
    assert len(BLOCKS) == README.count("```python")
    names: dict[str, Any] = {}
    for code, printed in BLOCKS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, "README.md", "exec"), names)
        assert [line.rstrip() for line in out.getvalue().splitlines()] == printed.splitlines()


def test_totals_line_is_the_ledgers() -> None:
    assert cs.reproduce().summary() in README


def test_commands_exist() -> None:
    used = set(re.findall(r"^cohortstats (\w+)", README, flags=re.MULTILINE)) | {"reproduce"}
    assert used <= set(VERBS)
    targets = set(re.findall(r"^make (\w+)", README, flags=re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target
