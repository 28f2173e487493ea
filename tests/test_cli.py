"""The command line as a user meets it: what it prints, where, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.cli import main

SAKAI = str(cs.shipped_study("sakai2018"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run a verb: exit code, stdout, stderr."""

    def call(*words: str) -> tuple[int, str, str]:
        try:
            code = main(list(words))
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_help_lists_the_verbs_that_exist(run) -> None:
    code, out, err = run("--help")
    assert code == 0
    assert not err
    for verb in ("init", "check", "report", "show", "reproduce", "audit", "rebuild"):
        assert verb in out
    for later in ("serve", "qualify"):
        assert later not in out


def test_wrong_words_are_misuse(run) -> None:
    code, _, err = run("reprot", SAKAI)
    assert code == 2
    assert "Did you mean 'report'?" in err
    code, _, err = run("show", SAKAI, "tabel4")
    assert code == 2
    assert "table4" in err
    code, _, err = run("report", SAKAI, "--formats", "htlm")
    assert code == 2
    assert "did you mean 'html'?" in err
    assert run()[0] == 2


def test_check_of_the_shipped_study(run) -> None:
    code, out, _ = run("check", SAKAI)
    assert code == 0
    assert out.splitlines()[-1] == "34 patients, 2 tables, 0 errors, 1 warning"
    assert "18 of 34 rows have no ttp_days, progressed; figure1 uses 16." in out
    assert run("check", SAKAI, "--strict")[0] == 1
    code, out, _ = run("check", SAKAI, "--json")
    content = json.loads(out)
    assert code == 0
    assert content["ok"] is True
    assert content["n_patients"] == 34
    assert list(content["problems"][0]) == [
        "level",
        "code",
        "file",
        "sheet",
        "row",
        "column",
        "patient",
        "value",
        "message",
        "mend",
        "study_key",
    ]


def test_check_finds_all_faults_at_once(run, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(SAKAI, folder)
    patients = folder / "patients.csv"
    text = patients.read_text()
    patients.write_text(text.replace("1,68,Recurrent", "1,680,Recurrent").replace("2,50,Recurrent", "2,50,Recurent"))
    code, out, _ = run("check", str(folder))
    assert code == 3
    assert "patients.csv row 2 (1), age: '680' is outside" in out
    assert "patients.csv row 3 (2), stage: 'Recurent' is not among" in out
    assert "Did you mean 'Recurrent'?" in out
    assert out.splitlines()[-1].startswith("2 errors")
    code, out, _ = run("check", str(folder), "--json")
    assert code == 3
    content = json.loads(out)
    assert content["ok"] is False
    assert {problem["code"] for problem in content["problems"]} >= {"out-of-range", "level-unknown"}


def test_missing_files(run, tmp_path: Path) -> None:
    code, out, _ = run("check", str(tmp_path / "nowhere"))
    assert code == 4
    assert "is not there" in out
    folder = tmp_path / "study"
    shutil.copytree(SAKAI, folder)
    (folder / "ctdna.csv").unlink()
    code, _, err = run("report", str(folder), "-o", str(tmp_path / "out"))
    assert code == 4
    assert "ctdna.csv is not there" in err
    assert not (tmp_path / "out").exists()


def test_report_prints_one_path_a_line(run, tmp_path: Path) -> None:
    code, out, err = run("report", SAKAI, "-o", str(tmp_path / "r"))
    assert code == 0
    paths = [Path(line) for line in out.splitlines()]
    assert paths[0].name == "report.html"
    assert all(path.is_file() for path in paths)
    assert "162 values: 158 agree" in err
    code, out, err = run("report", SAKAI, "-o", str(tmp_path / "r"), "--json", "--quiet")
    assert code == 0
    assert not err
    assert json.loads(out)["written"] == [path.as_posix() for path in paths]


def test_a_format_that_cannot_be_written_here_is_said(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cohortstats.report import write

    monkeypatch.setattr(write, "page_pdf", lambda page: None)  # as without the extra
    code, _, err = run("report", SAKAI, "-o", str(tmp_path / "r"), "--formats", "html,pdf")
    assert code == 5
    assert "PDF not written: pip install 'cohortstats[pdf]', or print the page from any browser." in err
    assert (tmp_path / "r" / "report.html").is_file()


def test_report_into_a_foreign_folder_is_misuse(run, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    code, _, err = run("report", SAKAI, "-o", str(tmp_path))
    assert code == 2
    assert "holds other files" in err


def test_show(run) -> None:
    code, out, _ = run("show", SAKAI, "table4")
    assert code == 0
    assert "PIK3CA mutation in ctDNA" in out
    assert "0.438" in out
    code, out, _ = run("show", SAKAI, "table4", "--style", "default")
    assert "0.44" in out
    assert "0.050" in out
    code, out, _ = run("show", SAKAI, "figure1", "--json")
    lines = json.loads(out)
    assert [line["median"] for line in lines if "median" in line] == [56.5, 318.0]
    assert all(line.get("n", "nan") == "nan" for line in lines)


def test_reproduce(run) -> None:
    code, out, _ = run("reproduce")
    assert code == 0
    last = "162 values: 158 agree, 3 last digit, 1 differs (known); 4 places where the paper differs from itself"
    assert out.splitlines()[-1] == last
    assert out.splitlines()[0].split() == ["Where", "Quantity", "Published", "Computed", "Verdict", "Note"]
    assert run("reproduce", "--strict")[0] == 0
    code, out, _ = run("reproduce", SAKAI, "--json")
    content = json.loads(out)
    assert content["study"] == "sakai2018"
    assert content["counts"]["agrees"] == 158
    assert list(content["items"][0]) == ["id", "where", "quantity", "published", "computed", "verdict", "note"]
    assert len(run("reproduce", "--all")[1].splitlines()) == 1 + 166 + 1


def test_reproduce_strict_fails_on_an_unknown_disagreement(run, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(SAKAI, folder)
    patients = folder / "patients.csv"
    patients.write_text(patients.read_text().replace("1,68,Recurrent", "1,68,Stage IV"))
    assert run("reproduce", str(folder), "--strict")[0] == 1
    assert run("reproduce", str(folder))[0] == 0


def test_init_example_runs_at_once(run, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    code, out, _ = run("init", str(folder), "--example")
    assert code == 0
    assert str(folder / "study.toml") in out
    assert run("check", str(folder))[0] == 0
    assert run("report", str(folder), "-o", str(tmp_path / "out"))[0] == 0
    code, _, err = run("init", str(folder), "--example")
    assert code == 2
    assert "--force" in err


def test_init_from_a_table(run, tmp_path: Path) -> None:
    table = tmp_path / "cases.csv"
    table.write_text(
        "id,age,sex,start,last,dead\nP01,61,F,2020-01-05,2021-01-05,yes\nP02,58,M,2020-02-01,2021-03-01,no\n"
        "P03,NA,F,2020-03-01,2021-04-01,no\n"
    )
    folder = tmp_path / "study"
    assert run("init", str(folder), "--from", str(table))[0] == 0
    assert (folder / "cases.csv").read_bytes() == table.read_bytes()
    assert (folder / ".gitignore").is_file()
    study = cs.Study.read(folder)
    assert set(study.columns["patients"]) >= {"age", "sex", "start", "last", "dead"}
    code, out, _ = run("check", str(folder))
    assert code == 0, out
    assert run("report", str(folder), "-o", str(tmp_path / "out"))[0] == 0


def test_init_without_a_table(run, tmp_path: Path) -> None:
    assert run("init", str(tmp_path / "s"))[0] == 0
    code, out, _ = run("check", str(tmp_path / "s"))
    assert code == 0, out


def test_as_a_process(tmp_path: Path) -> None:
    environment = {**os.environ, "NO_COLOR": "1"}
    command = [sys.executable, "-m", "cohortstats", "check", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
