"""The verb ``screen``: what it prints, what it writes, and that a killed screen goes on where it was."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.analysis.screen import Parts, plan_screen
from cohortstats.analysis.screen_file import part_path, write_screen
from cohortstats.cli import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run the verb: exit code, stdout, stderr."""

    def call(*words: object) -> tuple[int, str, str]:
        try:
            code = main(["screen", *map(str, words)])
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def table(n: int = 60, markers: int = 25) -> pd.DataFrame:
    random = np.random.default_rng(3)
    made = {f"mut_{i}": (random.random(n) < 0.3).astype(int) for i in range(markers)}
    made |= {"days": np.ceil(random.exponential(90, n)), "died": random.integers(0, 2, n)}
    made |= {"response": random.choice(["PD", "PR"], n), "arm": random.choice(["A", "B"], n)}
    return pd.DataFrame(made)


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    made = table().astype({"mut_3": object})
    made.loc[:4, "mut_3"] = "NA"
    made.to_csv(tmp_path / "patients.csv", index=False)
    return tmp_path / "patients.csv"


def test_json_has_the_records_of_the_function(run, patients: Path) -> None:
    code, out, err = run(patients, "--markers", "mut_*", "--time", "days", "--event", "died", "--by", "arm", "--json")
    assert (code, err) == (0, "")
    records = json.loads(out)
    made = table().astype({"mut_3": float})
    made.loc[:4, "mut_3"] = np.nan
    expected = cs.screen(made, markers="mut_*", time="days", event="died", by="arm").to_frame()
    assert len(records) == len(expected) == 50
    found = pd.DataFrame(records)
    assert list(found) == list(expected)
    for name in found:
        for value, wanted in zip(found[name].tolist(), expected[name].tolist(), strict=True):
            assert (float(value) if isinstance(wanted, float) else value) == wanted or math.isnan(wanted)
    assert records[3]["n"] + records[28]["n"] == 55


def test_terminal_shows_the_smallest_p(run, patients: Path) -> None:
    code, out, err = run(patients, "--markers", "mut_*", "--outcome", "response=PD", "--adjust", "BH")
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 21
    p_value = [float(line.split()[lines[0].split().index("p_value")]) for line in lines[1:]]
    assert p_value == sorted(p_value)
    assert "adjusted by BH" in err
    assert "The 20 smallest P of 25 are shown" in err
    assert run(patients, "--markers", "mut_*", "--outcome", "response=PD", "--quiet")[2] == ""


def test_files_hold_what_json_shows(run, patients: Path, tmp_path: Path) -> None:
    words = (patients, "--markers", "mut_*", "--outcome", "response=PD", "--by", "arm")
    records = json.loads(run(*words, "--json")[1])
    for name in ("screen.csv", "screen.parquet"):
        code, out, _ = run(*words, "-o", tmp_path / name, "--block", "7")
        assert code == 0
        assert out.strip() == (tmp_path / name).as_posix()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["patients.csv", "screen.csv", "screen.parquet"]
    with (tmp_path / "screen.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = duckdb.sql(f"SELECT * FROM '{tmp_path / 'screen.parquet'}'").fetchnumpy()
    assert list(rows[0]) == list(columns) == list(records[0])
    for place, record in enumerate(records):
        for name, value in record.items():
            assert rows[place][name] == (repr(value) if isinstance(value, float) else str(value))
            assert columns[name][place] == value


def test_two_runs_write_the_same_bytes(run, patients: Path, tmp_path: Path) -> None:
    for name, block in (("one.csv", 1), ("two.csv", 4), ("three.csv", 1_000)):
        words = (patients, "--markers", "mut_*", "--time", "days", "--event", "died", "-o", tmp_path / name)
        assert run(*words, "--block", block)[0] == 0
    assert len({(tmp_path / name).read_bytes() for name in ("one.csv", "two.csv", "three.csv")}) == 1


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--markers", "mtu_*", "--outcome", "response=PD"], 2, "no column matches 'mtu_*'"),
        (["--markers", "mut_*", "--outcome", "repsonse"], 2, "did you mean 'response'?"),
        (["--markers", "mut_*"], 2, "give outcome for a yes/no outcome, or time and event."),
        (["--markers", "mut_*", "--outcome", "response=PD", "--adjust", "holms"], 2, "did you mean 'holm'?"),
        (["--markers", "mut_*", "--outcome", "response=PD", "--block", "0"], 2, "--block is 0"),
        (["--markers", "mut_*", "--outcome", "response=PD", "-o", "out.xlsx"], 2, "is written to .csv or .parquet"),
        (["--markers", "mut_*", "--outcome", "response=PD", "-o", "nowhere/out.csv"], 2, "there is no folder nowhere"),
        (["--markers", "mut_*", "--outcome", "response"], 3, "response holds PD and PR; say which is the event."),
        (["--markers", "mut_*", "--outcome", "response=CR"], 3, "response has no level 'CR'"),
        (["--markers", "mut_*", "--time", "days", "--event", "status"], 3, "status holds 1 and 2"),
        (
            ["--markers", "mut_1,tri", "--outcome", "response=PD"],
            3,
            "patients.csv, tri: marker 'tri' has 3 levels (a, b, c)",
        ),
        (["--markers", "mut_*", "--outcome", "mut_3"], 3, "mut_3 is missing at positions 1, 2, 3, 4, 5"),
        (["--markers", "mut_*", "--time", "arm", "--event", "died"], 3, "arm holds text"),
    ],
)
def test_bad_input(run, patients: Path, words: list[str], code: int, sentence: str) -> None:
    made = pd.read_csv(patients, dtype=str, keep_default_na=False)
    made.assign(status=[1, 2] * 30, tri=["a", "b", "c"] * 20).to_csv(patients, index=False)
    found, out, err = run(patients, *words)
    assert (found, out) == (code, "")
    assert sentence in err
    assert "Traceback" not in err


def test_a_missing_table_is_exit_4(run, tmp_path: Path) -> None:
    assert run(tmp_path / "none.csv", "--markers", "m*", "--outcome", "y")[0] == 4


# ---- unfinished screens


def test_a_killed_screen_goes_on_where_it_was(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    n, m = 300, 500
    made = pd.DataFrame((random.random((n, m)) < 0.3).astype(int), columns=[f"mut_{i}" for i in range(m)])
    made = pd.concat(
        [made, pd.DataFrame({"days": random.exponential(90, n), "died": random.integers(0, 2, n)})], axis=1
    )
    made.to_csv(tmp_path / "patients.csv", index=False)
    code = "import sys\nfrom cohortstats.cli import main\nsys.exit(main(sys.argv[1:]))"
    words = ["screen", "patients.csv", "--markers", "mut_*", "--time", "days", "--event", "died", "--block", "2"]

    def command(name: str) -> list[str]:
        return [sys.executable, "-c", code, *words, "-o", name]

    part = tmp_path / "killed.csv.part"
    running = subprocess.Popen(command("killed.csv"), cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        for _ in range(3_000):
            if part.is_file() and part.stat().st_size > 9_000:
                break
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    finally:
        running.wait(60)
    assert running.returncode != 0
    assert not (tmp_path / "killed.csv").exists()
    done = part.read_bytes().count(b"\n") - 1
    assert 0 < done < m
    with part.open("ab") as file:
        file.write(b'["half a li')  # what a kill in the middle of a line leaves
    again = subprocess.run(command("killed.csv"), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"{done:,} of 500 rows are in killed.csv.part already; the screen goes on from there." in again.stderr
    assert not part.exists()
    whole = subprocess.run(command("whole.csv"), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "already" not in whole.stderr
    assert (tmp_path / "killed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


class Killed(BaseException):
    """What stops a screen in the middle, without a way to tidy up."""


def plan_of(made: pd.DataFrame, **parts: str):
    plan = plan_screen(
        made,
        "mut_*",
        Parts(**parts),
        effect="risk difference",
        adjust="holm",
        ci_level=0.95,
        missing=frozenset(),
        faults=[],
    )
    assert plan is not None
    return plan


def stopped_after(blocks: int):
    def watch(steps):
        for number, step in enumerate(steps):
            if number == blocks:
                raise Killed
            yield step

    return watch


@pytest.mark.parametrize("blocks", [0, 1, 3, 5, 9])
def test_it_goes_on_within_any_level(tmp_path: Path, blocks: int) -> None:
    plan = plan_of(table(), time="days", event="died", by="arm")
    whole = write_screen(plan, tmp_path / "whole.csv").read_bytes()
    steps: list[int] = []

    def counted(blocks_left):
        steps.append(len(blocks_left))
        return blocks_left

    with pytest.raises(Killed):
        write_screen(plan, tmp_path / "part.csv", at_once=5, watch=stopped_after(blocks))
    write_screen(plan, tmp_path / "part.csv", at_once=5, watch=counted)
    assert (tmp_path / "part.csv").read_bytes() == whole
    assert steps == [10 - blocks]


def test_other_data_or_options_start_anew(tmp_path: Path) -> None:
    made, path = table(), tmp_path / "screen.csv"
    changed = made.copy()
    changed.loc[0, "mut_7"] = 1 - changed.loc[0, "mut_7"]
    for other in (plan_of(changed, outcome="died"), plan_of(made, outcome="died", by="arm")):
        with pytest.raises(Killed):
            write_screen(plan_of(made, outcome="died"), path, at_once=5, watch=stopped_after(2))
        told: list[str] = []
        write_screen(other, path, told=told.append)
        assert told == ["screen.csv.part is of other data or options; the screen starts anew."]
        assert path.read_bytes() == write_screen(other, tmp_path / "fresh.csv").read_bytes()


def test_an_interrupt_says_how_to_go_on(run, patients: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self, steps):
        yield next(iter(steps))
        raise KeyboardInterrupt

    monkeypatch.setattr("cohortstats.cli.terminal.Terminal.progress", interrupted)
    words = (patients, "--markers", "mut_*", "--outcome", "died", "-o", tmp_path / "screen.csv", "--block", "5")
    code, out, err = run(*words)
    assert (code, out) == (130, "")
    assert "the same command goes on from screen.csv.part" in err
    assert part_path(tmp_path / "screen.csv").exists()
    monkeypatch.undo()
    assert "5 of 25 rows are in screen.csv.part already" in run(*words)[2]


def test_names_that_a_spreadsheet_would_run_are_guarded(run, tmp_path: Path) -> None:
    made = pd.DataFrame({"=cmd()": [0, 1, 1], 'a "b", c': [1, 0, 1], "y": [1, 0, 1]})
    made.to_csv(tmp_path / "t.csv", index=False)
    assert run(tmp_path / "t.csv", "--markers", "*", "--outcome", "y", "-o", tmp_path / "s.csv")[0] == 0
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        assert [row["marker"] for row in csv.DictReader(file)] == ["'=cmd()", 'a "b", c']
    assert run(tmp_path / "t.csv", "--markers", "*", "--outcome", "y", "-o", tmp_path / "s.parquet")[0] == 0
    found = duckdb.sql(f"SELECT marker FROM '{tmp_path / 's.parquet'}'").fetchall()
    assert found == [("=cmd()",), ('a "b", c',)]
