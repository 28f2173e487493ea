"""The completion scripts, run by the shells themselves where they are installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cohortstats.cli import VERBS, main


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (["cohortstats", "re"], {"report", "reproduce", "rebuild"}),
        (["cohortstats", "report", "--st"], {"--style"}),
        (["cohortstats", "curve", "--method", ""], {"auto", "guyot", "lattice"}),
        (["cohortstats", "completion", "z"], {"zsh"}),
        (["cohortstats", "audit", "--"], {"--all", "--strict", "--json", "--template", "--from", "--output"}),
    ],
)
def test_bash(line: list[str], wanted: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "completion.bash").write_text(script("bash", capsys), encoding="utf-8")
    words = " ".join(f"'{word}'" for word in line)
    asked = f"source completion.bash; COMP_WORDS=({words}); COMP_CWORD={len(line) - 1}; _cohortstats; "
    asked += 'printf "%s\\n" "${COMPREPLY[@]}"'
    command = ["bash", "--norc", "-c", asked]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stderr == ""
    assert wanted <= set(told.stdout.split())
    assert all(word.startswith(line[-1]) for word in told.stdout.split())


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_syntax(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, capsys)
    assert all(verb in text for verb in VERBS)
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this machine")
    (tmp_path / "script").write_text(text, encoding="utf-8")
    subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["completion", "csh"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "csh" in said
    assert "zsh" in said
    assert "is not a verb" not in said
