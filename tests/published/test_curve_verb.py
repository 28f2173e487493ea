"""The verb ``curve``: what it writes, prints and refuses, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.cli import main

TOY = "time,survival\n20,.909091\n36,.818182\n42,.636364\n56,.545455\n57,.454545\n112,.340909\n180,.227273\n310,0\n"
RISK = "time,n_at_risk\n0,11\n50,7\n100,4\n150,3\n200,2\n250,1\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("curve.csv").write_text(TOY.replace(",.", ",0."), encoding="utf-8")
    Path("risk.csv").write_text(RISK, encoding="utf-8")
    return tmp_path


def test_one_curve(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["curve", "curve.csv", "--risk", "risk.csv", "-o", "out/rows.csv", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["n"], content["events"], content["method"], content["events_range"]) == (11, 9, "lattice", [9, 9])
    assert content["repairs"] == [{"what": "(0, 1) added", "count": 1, "where": "0"}]
    assert set(content["median"]) == {"estimate", "ci_lower", "ci_upper"}
    assert content["median"]["ci_upper"] is None
    rows = pd.read_csv("out/rows.csv")
    assert rows.columns.tolist() == ["time", "event"]
    assert rows.equals(cs.reconstruct_curve("curve.csv", "risk.csv").patients)
    beside = json.loads(Path("out/rows.provenance.json").read_text(encoding="utf-8"))
    assert beside["label"] == "rebuilt from a published curve, not patient records"
    assert [source["file"] for source in beside["sources"]] == ["curve.csv", "risk.csv"]
    assert beside["reconstruction"]["events"] == 9


def test_the_rows_are_a_table_like_any_other(folder: Path) -> None:
    from cohortstats.files import read_table

    assert main(["curve", "curve.csv", "--risk", "risk.csv", "-o", "rows.csv", "--quiet"]) == 0
    table = read_table("rows.csv")
    assert (table.columns, len(table), table.problems) == (("time", "event"), 11, ())


def test_two_curves_and_a_picture(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("both.csv").write_text("trisk,nrisk_a,nrisk_b\n0,11,12\n50,7,8\n", encoding="utf-8")
    words = ["curve", "a=curve.csv", "b=curve.csv", "--risk", "both.csv", "--published", "hr=1.00", "--method", "guyot"]
    assert main([*words, "--plot", "check.svg", "-o", "rows.csv"]) == 0
    out = capsys.readouterr().out
    assert "HR b v a: " in out and "Log-rank P: " in out and "Printed hr 1.00" in out
    assert "Note: rebuilt from a published curve, not patient records." in out
    assert pd.read_csv("rows.csv").groupby("arm").size().to_dict() == {"a": 11, "b": 12}
    assert Path("check.svg").read_bytes().startswith(b"<?xml")
    assert main([*words, "-o", "rows.csv", "--json"]) == 0  # an earlier rebuilt table may be replaced
    content = json.loads(capsys.readouterr().out)
    assert [arm["n"] for arm in content["arms"]] == [11, 12]
    assert set(content["hr"]) == {"comparison", "estimate", "ci_lower", "ci_upper", "range"}
    assert set(content["log_rank_p"]) == {"estimate", "range"}
    assert {"n", "events", "rmse", "max_abs", "method", "median"} <= set(content)


def test_a_vector_graphic(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("f.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg"><path id="km" d="M50 20H90V120h40v50h20"/></svg>', encoding="utf-8"
    )
    axes = ["--axis-x", "50=0,450=100", "--axis-y", "220=0,20=1"]
    assert main(["curve", "f.svg#km", *axes, "--n", "4", "-o", "rows.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["events"] == 3
    assert main(["curve", "f.svg", "--n", "4", "-o", "rows.csv"]) == 2
    assert "--axis-x 50=0,450=60" in capsys.readouterr().err
    assert main(["curve", "f.svg", "--axis-x", "5", "--axis-y", "1=0,2=1", "--n", "4", "-o", "rows.csv"]) == 2
    assert main(["curve", "curve.csv", *axes, "--n", "4", "-o", "rows.csv"]) == 2


REFUSED = [
    ("time,survival\n0,1\n5,0.9\n10,0.52\n14.3,0.58\n", "", ["--n", "20"], 3, "curve.csv line 5: survival rises from 0.52 to 0.58 at 14.3; more than a click. Is this another arm?"),
    ("time,survival\n0,0.03\n5,0.2\n", "", ["--n", "20"], 3, "curve starts at 0.03 and rises: cumulative incidence? use --rising."),
    ("time,survival\n0,1\n58.1,0.5\n", "time,n_at_risk\n0,198\n20,35\n30,51\n", [], 3, "risk.csv: 51 at 30 after 35 at 20. Numbers at risk cannot rise."),
    ("time,survival\n0,1\n58.1,0.5\n", "time,n_at_risk\n0,198\n20,35\n", ["--n", "200"], 3, "starts with 198, --n says 200."),
    ("time,survival\n0,1\n58.1,0.5\n", "time,n_at_risk\n0,198\n70,35\n", [], 3, "at 70, the curve ends at 58.1."),
    ("time,survival\n0,1\n58,0.5\n", "time,n_at_risk\n0,198\n1700,35\n", [], 3, "last click 58, last risk time 1700: units differ?"),
    ("time,survival\n0,1\n5,0.7341\n9,0.5\n", "time,n_at_risk\n0,7\n", ["--method", "lattice"], 3, "step at 5, from 1 to 0.7341 cannot be"),
    (TOY.replace(",.", ",0."), RISK.replace("50,7", "50,8"), [], 3, "risk.csv: 8 at risk at 50 cannot be: at most 7 are left after the step at 42."),
    ("time,survival\n0,1\n", "", ["--n", "20"], 3, "1 click; a curve needs at least 2."),
    ("time,survival\n0,1\n5,0.5\n", "", ["--n", "4", "--events", "5"], 2, "5 events, 4 patients"),
    ("time,survival\n0,1\n5,0.5\n", "", ["--n", "four"], 2, "--n 'four' is no number"),
    ("time,survival\n0,1\n5,0.5\n", "", ["--n", "4", "--plot", "x.gif"], 2, "name a file that ends in .svg, .pdf or .png"),
    ("time,survival\n0,1\n5,0.5\n", "", ["--n", "4", "--published", "hr"], 2, "is not NAME=NUMBER"),
    ("", "", ["--n", "4"], 3, "curve.csv"),
]  # fmt: skip


@pytest.mark.parametrize(("clicks", "risk", "words", "code", "sentence"), REFUSED)
def test_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], clicks: str, risk: str, words: list[str], code: int, sentence: str
) -> None:
    Path("curve.csv").write_text(clicks, encoding="utf-8")
    Path("risk.csv").write_text(risk, encoding="utf-8")
    more = ["--risk", "risk.csv"] if risk else []
    assert main(["curve", "curve.csv", *more, *words, "-o", "rows.csv"]) == code
    assert sentence in capsys.readouterr().err
    assert not Path("rows.csv").exists()


def test_files_are_safe(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["curve", "nothing.csv", "--n", "4", "-o", "rows.csv"]) == 4
    assert "nothing.csv" in capsys.readouterr().err
    assert main(["curve", "curve.csv", "--risk", "risk.csv", "-o", "curve.csv"]) == 2
    Path("mine.csv").write_text("time,event\n1,1\n", encoding="utf-8")
    assert main(["curve", "curve.csv", "--risk", "risk.csv", "-o", "mine.csv"]) == 2
    assert main(["curve", "curve.csv", "--risk", "risk.csv", "-o", "rows.csv", "--plot", "curve.csv"]) == 2
    assert Path("curve.csv").read_text(encoding="utf-8").startswith("time,survival")
    assert Path("mine.csv").read_text(encoding="utf-8") == "time,event\n1,1\n"
    assert sorted(path.name for path in folder.iterdir()) == ["curve.csv", "mine.csv", "risk.csv"]


def test_two_runs_write_the_same_bytes(folder: Path) -> None:
    written = []
    for _ in range(2):
        main(["curve", "curve.csv", "--risk", "risk.csv", "-o", "rows.csv", "--plot", "c.png", "--quiet"])
        written.append([Path(name).read_bytes() for name in ("rows.csv", "rows.provenance.json", "c.png")])
    assert written[0] == written[1]
