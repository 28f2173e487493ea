"""A style goes through everything: cards, notes, tables, pictures, methods, results, LaTeX."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.report.write import make_report, with_options
from cohortstats.study.sections import ReportOptions
from cohortstats.tables.numbers import STYLES

DATA = Path(__file__).parents[2] / "data" / "raw"


def page_text(study: str, style: str) -> str:
    """What a reader sees between the head of the page and its foot, pictures and their data with it."""
    options = with_options(cs.Study.read(DATA / study), style=style, formats=["html"])
    page = make_report(cs.load_cohort(options)).files["report.html"].decode()
    main = page.partition("<main")[2].partition("</main>")[0]
    # Behind the exhibits stand all results at full precision, for programs.
    main = re.sub(r'<table class="ledger results">.*?</table>', "", main, flags=re.DOTALL)
    main = re.sub(r"<style>.*?</style>", "", main, flags=re.DOTALL)
    return "\n".join(unescape(text) for text in re.findall(r">([^<>]+)<", main))


def test_the_lancet_has_no_full_stop_in_any_number() -> None:
    text = page_text("sepher2020", "lancet")
    # Versions of programs are names, not numbers.
    text = re.sub(r"Analyses: [^\n]*", "", text)
    assert not re.findall(r".{0,20}\d\.\d.{0,20}", text)
    assert len(re.findall(r"\d·\d", text)) > 300
    assert re.search(r"P < 0·05 was considered significant", text)
    assert re.search(r"0·5\b", text), "the axis of the forest plot, or the rule of the median"


def test_jama_writes_no_zero_before_the_point_of_a_p() -> None:
    text = page_text("sepher2020", "jama")
    assert not re.findall(r"P (?:[<=>] ?)?0\.\d+", text)
    assert "P < .05 was considered significant" in text
    assert re.search(r"P (?:= \.\d{2,}|<\.001)", text)


def test_the_study_file_takes_every_style(tmp_path: Path) -> None:
    assert set(STYLES) == {"default", "paper", "jama", "nejm", "lancet"}
    for style in STYLES:
        assert ReportOptions(style=style).style == style  # type: ignore[arg-type]
    folder = tmp_path / "s"
    folder.mkdir()
    for path in (DATA / "sepher2020").iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    text = (folder / "study.toml").read_text(encoding="utf-8")
    (folder / "study.toml").write_text(text.replace("[report]\n", '[report]\nstyle = "nejm"\n'), encoding="utf-8")
    assert cs.Study.read(folder).report.style == "nejm"
    (folder / "study.toml").write_text(text.replace("[report]\n", '[report]\nstyle = "lanset"\n'), encoding="utf-8")
    with pytest.raises(cs.DataError, match="lancet"):
        cs.Study.read(folder)


def test_results_carry_their_text_in_every_style(report: cs.Report) -> None:
    results = json.loads(report.files["results.json"])["results"]
    shown = [result for result in results if "text" in result]
    assert len(shown) > 100
    assert all(set(result["text"]) == set(STYLES) for result in shown)
    by_address = {(r["exhibit"], r["row"], r["group"], r["statistic"]): r["text"] for r in shown}
    # 6 of 17; 1/20, which is alpha; 5/5394, which a table with these margins cannot go below.
    assert by_address["table4", "hr_positive", "yes", "percent"] == {
        "default": "35.3",
        "paper": "35.3",
        "jama": "35",
        "nejm": "35.3",
        "lancet": "35",
    }
    assert by_address["table4", "pik3ca_mutated", "", "p_value"] == {
        "default": "0.050",
        "paper": "0.05",
        "jama": ".05",
        "nejm": "0.05",
        "lancet": "0·050",
    }
    assert by_address["table4", "hr_positive", "", "min_attainable_p"] == {
        "default": "<0.001",
        "paper": "0.00093",
        "jama": "<.001",
        "nejm": "<0.001",
        "lancet": "0·00093",
    }
    assert len(report.files["results.json"]) < 150_000
