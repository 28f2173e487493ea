"""Cohort: what it holds, that it does not change, and that everybody who leaves is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs

STUDY = """
cohortstats = 1
[study]
id = "small"
title = "Small"
n = 5
conventions = "r"
missing = ["", "NA"]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[data.plasma]
file = "plasma.csv"
id = "patient"
rows = "one per patient"
[columns.patients]
age = { type = "number", unit = "years", keep_digits = true, label = "Age, years" }
er = { from = "ER", type = "yes/no", labels = ["Positive", "Negative"] }
lines = { order = ["0", "1", ">=2"] }
arm = {}
start = { type = "date" }
note = { type = "text" }
response = { order = ["CR", "PD", "Unknown"], unknown = ["Unknown"] }
[columns.plasma]
ratio = { type = "number" }
[derive]
tested = { when = "ratio is not missing" }
high = { when = "ratio > 1.25" }
risk = { cases = [["high and er", "both"], ["er", "receptor"]], else = "neither", labels = ["A", "B", "C"] }
age_months = { value = "age * 12", unit = "months" }
[endpoints.resistant]
kind = "binary"
when = "response == 'PD'"
unknown = "not an event"
"""
PATIENTS = """id,ER,age,lines,arm,start,note,response
001,yes,62.50,0,b,2016-03-04,first,CR
002,no,NA,1,a,2016-03-05,,PD
003,,40,>=2,b,,x,Unknown
004,yes,50,NA,,2016-03-07,y,
005,no,55,0,a,2016-03-08,z,PD
"""
PLASMA = "patient,ratio,extra\n003,2.0,?\n001,1.25,\n004,1.5,\n"


def write(folder: Path, study: str = STUDY, patients: str = PATIENTS, plasma: str = PLASMA) -> Path:
    (folder / "study.toml").write_text(study, encoding="utf-8")
    (folder / "patients.csv").write_text(patients, encoding="utf-8")
    (folder / "plasma.csv").write_text(plasma, encoding="utf-8")
    return folder


@pytest.fixture
def cohort(tmp_path: Path) -> cs.Cohort:
    return cs.load_cohort(write(tmp_path))


def test_one_row_a_patient_in_the_order_of_the_file(cohort: cs.Cohort) -> None:
    assert (cohort.n, len(cohort), cohort.ids) == (5, 5, ("001", "002", "003", "004", "005"))
    frame = cohort.frame()
    assert frame.index.tolist() == list(cohort.ids)
    assert frame.index.name == "id"
    assert frame.columns.tolist() == list(cohort.variables)
    assert frame["ratio"].tolist()[:1] == [1.25]
    assert frame["ratio"].isna().tolist() == [False, True, False, False, True]


def test_types_of_the_frame(cohort: cs.Cohort) -> None:
    types = {name: str(dtype) for name, dtype in cohort.frame().dtypes.items()}
    assert types["age"] == "float64"
    assert types["er"] == "boolean"
    assert types["start"].startswith("datetime64")
    assert types["note"] == "object"
    assert types["lines"] == types["arm"] == "category"
    assert cohort["lines"].cat.ordered
    assert not cohort["arm"].cat.ordered


def test_levels_keep_what_is_declared_unknown(cohort: cs.Cohort) -> None:
    assert cohort.levels("response").tolist() == ["CR", "PD", "Unknown", np.nan, "PD"]
    assert cohort.levels("er").cat.categories.tolist() == ["yes", "no"]
    assert cohort.evaluate("response == 'PD'").missing.tolist() == [False, False, True, True, False]
    with pytest.raises(cs.InputError, match="age is a number"):
        cohort.levels("age")


def test_text_is_as_written(cohort: cs.Cohort) -> None:
    assert cohort.text("age").tolist() == ["62.50", "NA", "40", "50", "55"]
    assert cohort.text("ratio").tolist() == ["1.25", None, "2.0", "1.5", None]
    with pytest.raises(cs.InputError, match="derived"):
        cohort.text("high")


def test_cells_are_the_files_as_read(cohort: cs.Cohort) -> None:
    cells = cohort.cells()
    assert cells.columns.tolist() == ["id", "ER", "age", "lines", "arm", "start", "note", "response", "ratio", "extra"]
    assert cells.loc["002"].tolist() == ["002", "no", "NA", "1", "a", "2016-03-05", "", "PD", None, None]


def test_variables_say_what_they_are(cohort: cs.Cohort) -> None:
    er, risk = cohort.variable("er"), cohort.variable("risk")
    assert (er.kind, er.table, er.label, er.levels, er.labels) == (
        "yes/no",
        "patients",
        "er",
        ("yes", "no"),
        ("Positive", "Negative"),
    )
    assert (risk.kind, risk.table, risk.levels, risk.labels) == (
        "category",
        "",
        ("both", "receptor", "neither"),
        ("A", "B", "C"),
    )
    assert risk.given_names == {"ratio", "er"}
    assert cohort.variable("tested").labels == ("Yes", "No")
    assert cohort.variable("arm").levels == ("a", "b")
    assert cohort.variable("resistant").given_names == {"response"}
    assert cohort.variable("age_months").unit == "months"


def test_the_first_case_that_is_yes_wins_and_a_missing_one_before_it_is_missing(cohort: cs.Cohort) -> None:
    # 001: ratio 1.25 is not above the cut-off; 003: receptor missing; 004: both.
    assert cohort.levels("risk").tolist() == ["receptor", "neither", np.nan, "both", "neither"]


def test_a_binary_endpoint_before_and_after_its_rule(cohort: cs.Cohort) -> None:
    frame = cohort.endpoint("resistant")
    assert frame["event"].tolist() == [False, True, False, False, True]
    assert frame["recorded"].isna().tolist() == [False, False, True, True, False]
    assert cohort["resistant"].tolist() == [False, True, False, False, True]


def test_a_population_counts_no_and_missing_apart(cohort: cs.Cohort) -> None:
    part = cohort.where("er", step="receptor positive").where("high")
    assert part.ids == ("004",)
    flow = part.flow
    assert flow.columns.tolist() == ["step", "reason", "n_before", "n_out", "n_missing", "n_after"]
    assert flow.iloc[1:].to_numpy().tolist() == [["receptor positive", "er", 5, 2, 1, 2], ["high", "high", 2, 1, 0, 1]]
    assert (flow.n_before - flow.n_out - flow.n_missing == flow.n_after).all()
    assert part.endpoint("resistant").index.tolist() == ["004"]
    assert part.table("plasma").index.tolist() == ["004"]
    assert part.cells().index.tolist() == ["004"]
    assert cohort.n == 5, "the cohort itself is as it was"
    with pytest.raises(cs.InputError, match="population"):
        cohort.where("age")


def test_a_table_has_the_rows_of_its_file(cohort: cs.Cohort) -> None:
    table = cohort.table("plasma")
    assert table.index.tolist() == ["001", "003", "004"]
    assert table["ratio"].tolist() == [1.25, 2.0, 1.5]


def test_frames_are_copies(cohort: cs.Cohort) -> None:
    for frame in (cohort.frame(), cohort.table("patients"), cohort.cells(), cohort.endpoint("resistant")):
        frame.index = pd.Index(range(len(frame)))
        frame[frame.columns[0]] = None
    assert cohort["age"].tolist()[0] == 62.5
    assert cohort.endpoint("resistant")["event"].sum() == 2
    values = cohort.values("age")
    values.iloc[0] = 0
    assert cohort["age"].tolist()[0] == 62.5
    with pytest.raises(AttributeError):
        cohort.ids = ()  # type: ignore[misc]


def test_names_that_do_not_exist_give_the_nearest(cohort: cs.Cohort) -> None:
    for ask in (cohort.values, cohort.levels, cohort.text, cohort.variable):
        with pytest.raises(cs.InputError, match=r"ratoi is no column or derived name\. Did you mean ratio\?"):
            ask("ratoi")
    with pytest.raises(cs.InputError, match="Did you mean resistant"):
        cohort.endpoint("resistent")
    with pytest.raises(cs.InputError, match="Did you mean plasma"):
        cohort.table("plasm")


def test_in_a_notebook(cohort: cs.Cohort) -> None:
    text = "Cohort small: 5 patients, 2 tables, 13 variables; endpoints resistant"
    assert repr(cohort) == text
    assert cohort._repr_mimebundle_()["text/plain"] == text
    assert "ratio" in cohort._ipython_key_completions_()
    assert "ratio" in cohort
    assert list(cohort) == list(cohort.variables)


def test_sources_say_how_each_file_was_read(cohort: cs.Cohort) -> None:
    patients, plasma = cohort.sources
    assert (patients.table, patients.file, patients.encoding, patients.n_rows) == (
        "patients",
        "patients.csv",
        "utf-8",
        5,
    )
    assert (plasma.n_columns, plasma.n_columns_unused) == (3, 1)
    assert len(plasma.sha256) == 64


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_and_columns_changes_nothing(tmp_path: Path, cohort: cs.Cohort, seed: int) -> None:
    draw = np.random.default_rng(seed)
    table = pd.read_csv(tmp_path / "patients.csv", dtype=str, keep_default_na=False)
    table = table.iloc[draw.permutation(len(table)), draw.permutation(table.shape[1])]
    other = tmp_path / "shuffled"
    other.mkdir()
    shuffled = cs.load_cohort(write(other, patients=table.to_csv(index=False)))
    pd.testing.assert_frame_equal(shuffled.frame().loc[list(cohort.ids)], cohort.frame())


def test_an_unused_column_changes_nothing(tmp_path: Path, cohort: cs.Cohort) -> None:
    other = tmp_path / "wider"
    other.mkdir()
    lines = [f"{line},{'more' if place == 0 else '1/2'}" for place, line in enumerate(PATIENTS.splitlines())]
    wider = cs.load_cohort(write(other, patients="\n".join(lines)))
    pd.testing.assert_frame_equal(wider.frame(), cohort.frame())
    assert wider.sources[0].n_columns_unused == 1


# --- tables with many rows per patient -------------------------------------------------------------------------------

MANY = """
[data.visits]
file = "visits.csv"
id = "patient"
rows = "many per patient"
order = "day"
[columns.visits]
day = { type = "number" }
finding = {}
better = { type = "yes/no" }
"""
VISITS = "patient,day,finding,better\n004,30,x,yes\n001,20,y,no\n004,10,z,\n001,40,x,yes\n005,10,y,no\n"


@pytest.fixture
def visited(tmp_path: Path) -> cs.Cohort:
    derived = 'n_visits = { value = "count_of(day > 0)" }\n[endpoints.resistant]'
    study = STUDY.replace("[endpoints.resistant]", derived) + MANY
    (tmp_path / "visits.csv").write_text(VISITS, encoding="utf-8")
    return cs.load_cohort(write(tmp_path, study=study))


def test_a_table_with_many_rows_repeats_the_patient(visited: cs.Cohort) -> None:
    table = visited.table("visits")
    assert table.index.tolist() == ["001", "001", "004", "004", "005"]
    assert table["day"].tolist() == [20, 40, 10, 30, 10]
    assert visited.records("visits")["row"].tolist() == [3, 5, 4, 2, 6]
    assert visited.records("plasma")["row"].tolist() == [3, 2, 4]
    assert visited.records("plasma").drop(columns="row").equals(visited.table("plasma"))


def test_columns_of_many_rows_are_no_values_of_a_patient(visited: cs.Cohort) -> None:
    assert "day" in visited
    assert not {"day", "finding", "better"} & set(visited.frame())
    assert "finding" not in visited.cells()
    assert visited["n_visits"].tolist() == [2, 0, 0, 2, 1]
    assert visited.variable("day").many
    assert not visited.variable("n_visits").many
    assert visited.variable("n_visits").given_names == {"day"}
    for ask in (visited.values, visited.levels, visited.text, visited.single):
        with pytest.raises(cs.InputError, match=r"finding has many rows per patient; use records\('visits'\)"):
            ask("finding")
    with pytest.raises(cs.InputError, match="day has many rows per patient; use any_of"):
        visited.where("day > 20")


def test_records_follow_the_patients_of_a_population(visited: cs.Cohort) -> None:
    part = visited.where("any_of(better)")
    assert part.ids == ("001", "004")
    assert part.flow.iloc[-1].tolist() == ["any_of(better)", "any_of(better)", 5, 1, 2, 2]
    assert part.records("visits")["row"].tolist() == [3, 5, 4, 2]
    again = part.where("er").where("er")
    assert again.records("visits")["row"].tolist() == [3, 5, 4, 2]
    last = visited.where("age < 60").where("age == 50")
    assert last.records("visits")["row"].tolist() == [4, 2]
    assert last.evaluate("last(finding)").data.tolist() == ["x"]
    assert last.evaluate("count_of(day > 10)").data.tolist() == [1]
    assert visited.where("age > 99").records("visits").empty
    assert len(visited.records("visits")) == 5, "the cohort itself is as it was"


def test_records_are_copies(visited: cs.Cohort) -> None:
    frame = visited.records("visits")
    frame["day"] = 0
    frame["row"] = 0
    assert visited.records("visits")["day"].tolist() == [20, 40, 10, 30, 10]
    assert visited.records("visits")["row"].tolist() == [3, 5, 4, 2, 6]
