"""The README is true: its code runs and prints what stands beside it, its figures are the ledger's."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

import cohortstats as cs
from cohortstats.cli import VERBS, main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", README, flags=re.DOTALL)


CONSOLES = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
CLICKS = "time,survival\n20,0.909\n36,0.818\n42,0.636\n56,0.545\n57,0.455\n112,0.341\n180,0.227\n310,0\n"
AT_RISK = "time,n_at_risk\n0,11\n50,7\n100,4\n150,3\n200,2\n250,1\n"


def run(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command of a block, in a row: each prints what stands under it."""
    for command, printed in re.findall(r"^\$ cohortstats (.*)\n((?:[^$\n].*\n)*)", block, flags=re.MULTILINE):
        main(shlex.split(command))
        told = capsys.readouterr()
        assert (told.out + told.err).splitlines() == printed.splitlines(), command


def test_code_blocks_print_what_stands_beside_them() -> None:
    assert len(BLOCKS) == README.count("```python")
    names: dict[str, Any] = {}
    for code, printed in BLOCKS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, "README.md", "exec"), names)
        assert [line.rstrip() for line in out.getvalue().splitlines()] == printed.splitlines()


def test_five_minutes_are_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands in a row, in an empty folder; between the two blocks what the text says is done to the study file."""
    monkeypatch.chdir(tmp_path)
    [table] = re.findall(r"```csv\n(.*?)```", README, flags=re.DOTALL)
    Path("cases.csv").write_text(table, encoding="utf-8")
    first, second = CONSOLES[:2]
    run(first, capsys)
    [answer] = re.findall(r"\(`(her2_ratio = .*?)`\)", README)
    path = Path("mystudy/study.toml")
    text = path.read_text(encoding="utf-8")
    head, mark, rest = re.sub(r"^her2_ratio = .*$", answer, text, flags=re.MULTILINE).partition("# [endpoints.")
    rest = "\n".join(line.removeprefix("# ") for line in (mark + rest).splitlines())
    path.write_text(head + rest, encoding="utf-8")
    run(second, capsys)


def test_printed_paper_answers_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "data/raw/sakai2018", tmp_path / "data/raw/sakai2018")
    monkeypatch.chdir(tmp_path)
    Path("clicks.csv").write_text(CLICKS, encoding="utf-8")
    Path("risk.csv").write_text(AT_RISK, encoding="utf-8")
    run(CONSOLES[2], capsys)


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
