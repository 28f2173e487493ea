"""Cohorts at the edge: nobody in a population, empty levels, one level, an event at time 0. No exhibit may fail."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import cohortstats as cs

PATIENTS = """id,age,arm,site,days,event,resp,const
a,50,A,s1,0,yes,PR,x
b,60,B,s2,0,no,PD,x
c,70,A,s3,5,no,,x
d,,B,s4,7,no,SD,x
e,44,A,s5,8,no,PD,x
f,41,B,s6,9,no,PD,x
g,42,,s7,9,yes,CR,x
"""
STUDY = """cohortstats = 1
[study]
id = "edge"
title = "Edge & <cases>"
conventions = "ezr"
missing = [""]
[data.p]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.p]
age = { type = "number", range = [0, 120] }
arm = { order = ["A", "B", "C"] }
site = { type = "category" }
days = { type = "number" }
event = { type = "yes/no" }
resp = { order = ["CR", "PR", "SD", "PD"] }
const = {}
[derive]
nobody = { when = "age > 100" }
[endpoints.bad]
kind = "binary"
when = "resp == 'PD'"
unknown = "exclude"
[endpoints.t]
kind = "time to event"
time = "days"
event = "event"
unknown = "exclude"
"""
SECTIONS = {
    "characteristics": 'rows = ["age", "arm", "site", "const"]\n',
    "response": 'variable = "resp"\n',
    "association": 'outcome = "bad"\nrows = ["arm", "site", "const", "nobody"]\nadjust = "holm"\n',
    "listing": 'columns = ["age", "arm"]\n',
    "measurements": 'columns = ["age"]\nmark = { age = "> 60" }\n',
    "time_to_event": 'endpoint = "t"\ngroups = "arm"\nat = [3, 100]\n',
}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> cs.Cohort:
    folder: Path = tmp_path_factory.mktemp("edge")
    exhibits = "".join(
        f'[[{name}]]\nid = "{name}_{label}"\ntitle = "T"\n{population}{keys}'
        for name, keys in SECTIONS.items()
        for label, population in (("all", ""), ("nobody", 'population = "nobody"\n'))
    )
    exhibits += '[[characteristics]]\nid = "by"\ntitle = "T"\nby = "arm"\nrows = ["age"]\n'
    exhibits += (
        '[[association]]\nid = "ratio"\ntitle = "T"\noutcome = "bad"\nrows = ["nobody"]\neffect = "odds ratio"\n'
    )
    exhibits += '[[time_to_event]]\nid = "sites"\nendpoint = "t"\ngroups = "site"\n'
    (folder / "study.toml").write_text(STUDY + exhibits, encoding="utf-8")
    (folder / "patients.csv").write_text(PATIENTS, encoding="utf-8")
    return cs.load_cohort(folder)


def test_the_whole_report_is_written(cohort: cs.Cohort, tmp_path: Path) -> None:
    report = cs.write_report(cohort.study, tmp_path / "report")
    assert len(report.analyses) == 2 * len(SECTIONS) + 3
    assert b"Edge &amp; &lt;cases&gt;" in report.files["report.html"]


def test_undefined_numbers_have_a_reason(cohort: cs.Cohort) -> None:
    for analysis in cs.make_exhibits(cohort):
        for record in analysis.records:
            number = record.p_value if record.statistic == "p_value" else record.value
            if isinstance(number, float) and math.isnan(number):
                assert record.reason, record.address


def test_an_empty_level_stays_in_the_table(cohort: cs.Cohort) -> None:
    table = cs.make_exhibit(cohort, cohort.study.exhibit("time_to_event_all")).to_table()
    lines = {line[0]: line for line in table.strings()}
    assert table.caption == "T"
    assert lines["C"][1:4] == ["0", "0", "NE"]
    # A: one of three had the event at time 0; S = 2/3 afterwards.
    assert lines["A"][4].startswith("66.7 (")


def test_without_a_title_a_figure_is_called_by_its_endpoint(cohort: cs.Cohort) -> None:
    analysis = cs.make_exhibit(cohort, cohort.study.exhibit("sites"))
    assert analysis.to_table().caption == "t"
    assert analysis.picture is None, "seven curves are too many to draw"


def test_nobody_is_compared(cohort: cs.Cohort) -> None:
    analysis = cs.make_exhibit(cohort, cohort.study.exhibit("association_nobody"))
    p = {record.row: record for record in analysis.records if record.statistic == "p_value"}
    assert p["arm"].reason == "no patients"
    assert cs.make_exhibit(cohort, cohort.study.exhibit("time_to_event_nobody")).picture is None


def test_a_table_too_large_for_an_exact_answer_says_so(cohort: cs.Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    from cohortstats.stats import exact

    monkeypatch.setattr(exact, "MAX_STEPS", 1)
    analysis = cs.make_exhibit(cohort, cohort.study.exhibit("association_all"))
    p = next(r for r in analysis.records if r.row == "site" and r.statistic == "p_value")
    assert math.isnan(float(p.p_value))  # type: ignore[arg-type]
    assert p.reason.startswith("the exact test of this 7 x 2 table with 6 patients needs about")
    assert any(p.reason in note for note in analysis.to_table().footnotes)
