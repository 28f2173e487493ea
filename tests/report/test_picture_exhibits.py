"""Swimmer, waterfall, flow and missing values on the page: words for those who do not see, data, no ids, no rebuilt row."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs

PATIENTS = """id,start,pd,seen,death,newtx,arm,response
KZ-001,2016-01-01,2016-06-01,2016-06-01,2016-08-01,2016-06-20,{A},PR
KZ-002,2016-01-01,,2016-12-01,,,{B},
KZ-003,2016-02-01,2016-03-14,2016-03-14,,,{A},PD
KZ-004,2016-02-01,,,,,,SD
"""
VISITS = """id,date,sum,overall
KZ-001,2015-12-20,80,
KZ-001,2016-02-12,30,PR
KZ-001,2016-06-01,60,PD
KZ-002,2015-12-28,50,
KZ-002,2016-02-12,45,SD
KZ-003,2016-01-30,20,
KZ-003,2016-03-14,48,PD
"""
STUDY = """cohortstats = 1
[study]
id = "four"
title = "Four patients"
conventions = "r"
[study.missing]
"" = ""
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[data.visits]
file = "visits.csv"
id = "id"
rows = "many per patient"
order = "date"
[columns.patients]
start = { type = "date" }
pd = { type = "date" }
seen = { type = "date" }
death = { type = "date" }
newtx = { type = "date" }
arm = { label = "Arm" }
response = { order = ["CR", "PR", "SD", "PD"], label = "Best response" }
[columns.visits]
date = { type = "date" }
sum = { type = "number", unit = "mm" }
overall = { order = ["CR", "PR", "SD", "PD"] }
[endpoints.ttp]
kind = "time to event"
start = "start"
event = "pd"
censor = "seen"
unknown = "exclude"
deaths = "censor at last assessment"
label = "Time to progression"
[endpoints.resistance]
kind = "binary"
when = "response == 'PD'"
unknown = "exclude"
label = "Resistance"
[[flow]]
id = "figure1"
title = "{T}"
outcome = "resistance"
[[missingness]]
id = "figure2"
title = "{T}"
outcome = "resistance"
[[swimmer]]
id = "figure3"
title = "{T}"
endpoint = "ttp"
groups = "arm"
marks = [
  { kind = "response", date = "date", where = { overall = ["CR", "PR"] } },
  { kind = "PD", date = "pd" },
  { kind = "death", date = "death", label = "{T}" },
]
[[waterfall]]
id = "figure4"
title = "{T}"
sum = "sum"
start = "start"
progression = "pd"
new_therapy = "newtx"
response = "response"
[[characteristics]]
id = "table1"
title = "{T}"
rows = ["arm"]
population = "arm is not missing"
"""
Load = Callable[..., cs.Report]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def make(title: str = "Title", lang: str = "en", level: str = "A") -> cs.Report:
        study = STUDY.replace("{T}", title).replace('id = "four"', 'id = "four"')
        study += f'[report]\nlang = "{lang}"\n'
        quoted = level.replace('"', '""')
        patients = PATIENTS.replace("{A}", f'"{quoted}"').replace("{B}", f'"{quoted}2"')
        for name, text in (("study.toml", study), ("patients.csv", patients), ("visits.csv", VISITS)):
            (tmp_path / name).write_text(text, encoding="utf-8")
        from cohortstats.report.write import make_report

        return make_report(cs.load_cohort(tmp_path))

    return make


def drawings(page: str) -> list[ET.Element]:
    return [ET.fromstring(svg) for svg in re.findall(r'<svg [^>]*class="km".*?</svg>|<svg class="km".*?</svg>', page)]


def test_every_picture_says_its_finding_in_words(load: Load) -> None:
    page = load().files["report.html"].decode()
    said = {svg.findtext("title"): svg.findtext("desc") for svg in drawings(page)}
    assert len(said) == 4
    # By hand: 1 January to 1 June 2016 is 152 days, to 1 December 335; 1 February to 14 March 42.
    assert said["Figure 3. Title"] == (
        "3 patients; bars from 42 to 335; 1 ongoing; Response in 1; Progression in 2; Title in 1"
    )
    # 30 of 80 is −62.5, 45 of 50 −10, 48 of 20 +140.
    assert said["Figure 4. Title"] == (
        "3 patients; best change from 140% to −62.5%; 1 at +20% or above, 1 at −30% or below"
    )
    flow, missing = (said[f"Figure {number}. Title"] or "" for number in (1, 2))
    assert "Figure 3: Title: 3, left out without a length (1)" in flow
    assert "Figure 4: Title: 3, left out no sum at baseline (1)" in flow
    assert "Table 1: Title: 3" in flow
    assert "Best response: 1 (25.0) missing" in missing


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_page_is_well_formed_and_accessible(load: Load, lang: str) -> None:
    page = load(lang=lang).files["report.html"].decode()
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for svg in drawings(page):
        assert svg.get("role") == "img"
        assert set((svg.get("aria-labelledby") or "").split()) <= set(ids)
    assert page.count("<table") == page.count("<caption>")
    assert not re.search(r"<th(?![^>]*scope=)[ >]", page)
    # Pictures with data of their own have them folded; that of missing values stands open.
    assert page.count("<details>") == 4  # three pictures, and all results
    for name in ("figure1", "figure2", "figure3", "figure4"):
        assert f'<section id="{name}"' in page
    assert 'style="' not in re.sub(r"<svg.*?</svg>", "", page)


def test_who_is_not_drawn_is_told_under_the_figure(load: Load) -> None:
    page = load().files["report.html"].decode()
    visible = re.sub(r"<details>.*?</details>", "", page)
    assert "Not drawn: 1 patient (number 4): no sum at baseline." in visible
    assert "Bar cut at +100%: 1 (140%)." in visible
    assert "1 patient without a length was left out." in visible
    # PD of KZ-003 among two of known outcome, none of one.
    assert "arm is not missing, Resistance: 1 of 2 (50.0%) in it, 0 of 1 (0.0%) not in it (Fisher P &gt;0.99" in visible


def test_no_id_is_in_any_file(load: Load) -> None:
    report = load()
    assert len(report.files) > 20
    for name, content in report.files.items():
        assert b"KZ-0" not in content, name
    assert "contains no patient identifiers" in report.files["report.html"].decode().lower()


def test_two_runs_give_the_same_bytes(load: Load) -> None:
    assert load().files == load().files


def test_methods_say_what_ran(load: Load) -> None:
    methods = load().files["methods.md"].decode()
    assert "up to progression and before new therapy" in methods
    assert "Fisher's exact test" in methods


@pytest.mark.parametrize(
    "words", ["<script>alert(1)</script>", "'><img src=x onerror=alert(1)>", "</title>", "{{7*7}} {n}", "&amp;"]
)
def test_hostile_words_stay_words(load: Load, words: str) -> None:
    page = load(title=words, level=words).files["report.html"].decode()
    assert "<script" not in page and "<img" not in page
    assert page.count("<title>") == 1
    assert len(drawings(page)) == 8


def test_the_text_table_of_each_is_that_of_show(load: Load) -> None:
    report = load()
    for analysis in report.analyses:
        text = repr(analysis.table)
        assert analysis.table.number in text
        assert set(analysis._repr_mimebundle_()) >= {"text/plain", "text/html", "text/markdown"}


def test_a_rebuilt_study_shows_a_sentence_and_no_row(study_copy: Callable[..., Path]) -> None:
    added = """[[swimmer]]
id = "figure2"
title = "Course"
endpoint = "ttp"
population = "ctdna_tested"
[[waterfall]]
id = "figure3"
title = "Change"
change = "her2_ratio"
[[flow]]
id = "figure4"
title = "Flow"
[[missingness]]
id = "figure5"
title = "Missing"
[report]
"""
    folder = study_copy(study={"[report]\n": added})
    report = cs.write_report(folder, folder / "out")
    page = report.files["report.html"].decode()
    assert page.count("Not shown: it is made of patient rows") == 4
    for name in ("figure2", "figure3", "figure4", "figure5"):
        section = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
        assert section is not None
        assert not re.search(r"<svg|<table|<figure", section[0])
        # Neither the name of the file nor its label is a number; nothing else is.
        numbers = re.findall(r"\d+", re.sub(rf"<[^>]*>|Figure {name[-1]}", "", section[0]))
        assert numbers == []
        assert not any(line.startswith(f"sakai2018,{name},") for line in report.files["results.csv"].decode().split())
        assert f"figures/{name}.svg" not in report.files
