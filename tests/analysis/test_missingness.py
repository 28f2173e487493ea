"""Missing values counted by reason, outcome, availability and pattern."""

from __future__ import annotations

from pathlib import Path

import pytest

import cohortstats as cs

STUDY = """
cohortstats = 1
[study]
id = "small"
title = "Small"
conventions = "r"
missing = { "" = "", "NE" = "not evaluable", "未検" = "not done" }
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[data.plasma]
file = "plasma.csv"
id = "id"
rows = "one per patient"
[data.visits]
file = "visits.csv"
id = "id"
rows = "many per patient"
order = "day"
[columns.patients]
age = { type = "number", missing = ["?"] }
marker = { type = "yes/no" }
response = { order = ["CR", "PD", "Unknown"], unknown = ["Unknown"] }
[columns.plasma]
ratio = { type = "number" }
[columns.visits]
day = { type = "number" }
[derive]
high = { when = "ratio > 1" }
[endpoints.resistant]
kind = "binary"
when = "response == 'PD'"
unknown = "exclude"
"""
PATIENTS = """id,age,marker,response
A,60,yes,PD
B,?,未検,PD
C,,NE,CR
D,50, 未検 ,Unknown
E,51,no,CR
"""


@pytest.fixture
def cohort(tmp_path: Path) -> cs.Cohort:
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "patients.csv").write_text(PATIENTS, encoding="utf-8")
    (tmp_path / "plasma.csv").write_text("id,ratio\nA,2\nB,NE\nC,0.5\n", encoding="utf-8")
    (tmp_path / "visits.csv").write_text("id,day\nA,2\nA,3\n", encoding="utf-8")
    return cs.load_cohort(tmp_path)


# Counted by hand from the tables above.
def test_counts_for_everybody_and_by_outcome_and_availability(cohort: cs.Cohort) -> None:
    frame = cs.missingness(
        cohort, variables=["marker", "ratio"], outcome="resistant", tested="ratio is not missing"
    ).to_frame()
    assert frame.columns.tolist() == ["variable", "by", "level", "n", "n_known", "n_missing", "share"]
    assert frame.drop(columns="share").to_numpy().tolist() == [
        ["marker", "", "", 5, 2, 3],
        ["marker", "resistant", "yes", 2, 1, 1],
        ["marker", "resistant", "no", 2, 1, 1],
        ["marker", "resistant", "missing", 1, 0, 1],
        ["marker", "ratio is not missing", "yes", 2, 1, 1],
        ["marker", "ratio is not missing", "no", 3, 1, 2],
        ["ratio", "", "", 5, 2, 3],
        ["ratio", "resistant", "yes", 2, 1, 1],
        ["ratio", "resistant", "no", 2, 1, 1],
        ["ratio", "resistant", "missing", 1, 0, 1],
        ["ratio", "ratio is not missing", "yes", 2, 2, 0],
        ["ratio", "ratio is not missing", "no", 3, 0, 3],
    ]
    assert frame["share"].tolist()[:2] == [0.6, 0.5]


def test_reasons_are_those_of_the_study_file(cohort: cs.Cohort) -> None:
    found = cs.missingness(cohort, variables=["age", "marker", "response", "ratio", "high"])
    assert {item.variable: dict(item.reasons) for item in found.variables} == {
        "age": {"?": 1, "empty": 1},
        "marker": {"not done": 2, "not evaluable": 1},
        "response": {"Unknown": 1},
        "ratio": {"no row": 2, "not evaluable": 1},
        "high": {"derived": 3},
    }
    assert found.reasons_frame().iloc[0].tolist() == ["age", "?", 1]
    assert [item.n_known for item in found.variables] == [3, 2, 4, 2, 2]


def test_patterns_come_with_the_most_frequent_first(cohort: cs.Cohort) -> None:
    found = cs.missingness(cohort)
    assert [item.variable for item in found.variables] == ["age", "marker", "response", "ratio"]
    assert found.patterns_frame().to_numpy().tolist() == [
        ["", 1],
        ["ratio", 1],
        ["age, marker", 1],
        ["age, marker, ratio", 1],
        ["marker, response, ratio", 1],
    ]
    assert cs.missingness(cohort, variables=["marker"]).patterns_frame().to_numpy().tolist() == [["marker", 3], ["", 2]]
    assert sum(pattern.n for pattern in found.patterns) == found.n == 5


def test_nobody_and_nothing(cohort: cs.Cohort) -> None:
    nobody = cs.missingness(cohort.where("age > 99"), outcome="resistant")
    assert nobody.patterns == ()
    assert nobody.to_frame()["share"].isna().all()
    assert cs.missingness(cohort, variables=[]).to_frame().empty


def test_names_and_expressions_that_do_not_fit(cohort: cs.Cohort) -> None:
    with pytest.raises(cs.InputError, match="day has many rows per patient"):
        cs.missingness(cohort, variables=["day"])
    with pytest.raises(cs.InputError, match="ratoi is no column"):
        cs.missingness(cohort, variables=["ratoi"])
    with pytest.raises(cs.InputError, match="age is a number; an outcome needs yes or no"):
        cs.missingness(cohort, outcome="age")


def test_the_shipped_study() -> None:
    found = cs.missingness(cs.load_cohort(cs.shipped_study("sakai2018")), tested="ctdna_tested")
    assert found.n == 34
    # 16 were tested and have every value; of the 18 without plasma 3 have no response either.
    assert [pattern.n for pattern in found.patterns] == [16, 15, 3]
