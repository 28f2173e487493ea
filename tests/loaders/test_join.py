"""Tables with many rows per patient: linking, orphans, doubles, order, names, counts, and when a column was known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.errors import Problem

STUDY = """
cohortstats = 1
[study]
id = "small"
title = "Small"
n = 3
conventions = "r"
missing = [""]
[data.visits]
file = "visits.csv"
id = "patient"
rows = "many per patient"
order = "date"
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.visits]
date = { type = "date" }
response = { from = "Antwort", order = ["CR", "PR", "SD", "PD"] }
size = { type = "number", unit = "mm" }
[columns.patients]
age = { type = "number" }
start = { type = "date" }
[derive]
progressed = { when = "any_of(response == 'PD')" }
n_visits = { value = "count_of(date is not missing)" }
"""
PATIENTS = "id,age,start\nP1,60,2016-01-01\nP2,61,2016-02-01\nP3,62,2016-03-01\n"
VISITS = """patient,date,Antwort,size
P3,2016-05-01,PD,31
P1,2016-03-01,SD,20
P1,2016-02-01,PR,15.5
P3,2016-04-01,SD,
P1,,SD,18
"""


def load(folder: Path, *, study: str = STUDY, patients: str = PATIENTS, visits: str = VISITS) -> cs.Cohort:
    (folder / "study.toml").write_text(study, encoding="utf-8")
    (folder / "patients.csv").write_text(patients, encoding="utf-8")
    (folder / "visits.csv").write_text(visits, encoding="utf-8")
    return cs.load_cohort(folder)


def problems(folder: Path, **files: str) -> list[Problem]:
    with pytest.raises(cs.DataError) as error:
        load(folder, **files)
    return [problem for problem in error.value.problems if problem.level == "error"]


def changed(*pairs: tuple[str, str], study: str = STUDY) -> str:
    for old, new in pairs:
        assert old in study
        study = study.replace(old, new, 1)
    return study


# --- one record a row ------------------------------------------------------------------------------------------------


def test_the_first_table_with_one_row_per_patient_lists_the_patients(tmp_path: Path) -> None:
    cohort = load(tmp_path)
    assert cohort.ids == ("P1", "P2", "P3")
    assert list(cohort.tables) == ["patients", "visits"]
    assert [source.table for source in cohort.sources] == ["patients", "visits"]


def test_records_stand_by_patient_and_in_the_declared_order(tmp_path: Path) -> None:
    records = load(tmp_path).records("visits")
    assert records.columns.tolist() == ["row", "date", "response", "size"]
    assert records.index.tolist() == ["P1", "P1", "P1", "P3", "P3"]
    assert records.index.name == "id"
    assert records["row"].tolist() == [4, 3, 6, 5, 2]  # the header is row 1; a record without a date is the last
    assert records["response"].tolist() == ["PR", "SD", "SD", "SD", "PD"]
    assert records["response"].cat.categories.tolist() == ["CR", "PR", "SD", "PD"]
    assert records["size"].tolist()[:3] == [15.5, 20, 18]
    assert records["size"].isna().tolist() == [False, False, False, True, False]
    assert str(records["date"].dtype).startswith("datetime64")


def test_a_number_may_order_the_records_and_equal_ones_stand_as_in_the_file(tmp_path: Path) -> None:
    study = changed(('order = "date"', 'order = "size"'))
    visits = "patient,date,Antwort,size\nP1,,PD,10\nP1,,CR,9\nP1,,SD,10\nP1,,PR,100\n"
    records = load(tmp_path, study=study, visits=visits).records("visits")
    assert records["response"].tolist() == ["CR", "PD", "SD", "PR"]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_and_columns_changes_nothing(tmp_path: Path, seed: int) -> None:
    cohort = load(tmp_path)
    draw = np.random.default_rng(seed)
    table = pd.read_csv(tmp_path / "visits.csv", dtype=str, keep_default_na=False)
    table = table.iloc[draw.permutation(len(table)), draw.permutation(table.shape[1])]
    other = tmp_path / "shuffled"
    other.mkdir()
    shuffled = load(other, visits=table.to_csv(index=False))
    pd.testing.assert_frame_equal(shuffled.table("visits"), cohort.table("visits"))
    pd.testing.assert_frame_equal(shuffled.frame(), cohort.frame())


def test_a_table_without_a_record_of_the_patients(tmp_path: Path) -> None:
    study = changed(('order = "date"', 'order = "date"\norphans = "drop"'))
    cohort = load(tmp_path, study=study, visits="patient,date,Antwort,size\nP9,2016-01-01,SD,3\n")
    assert len(cohort.records("visits")) == 0
    assert cohort["progressed"].isna().all()
    assert cohort["n_visits"].tolist() == [0, 0, 0]


# --- who is linked, and who is not -----------------------------------------------------------------------------------


def test_an_orphan_is_an_error_told_once_a_patient(tmp_path: Path) -> None:
    found = problems(tmp_path, visits=VISITS + "P9,2016-01-01,SD,3\nP8,2016-01-01,SD,3\nP9,2016-02-01,SD,3\n")
    assert [(p.code, p.row, p.patient, p.study_key) for p in found] == [
        ("id-orphan", 7, "P9", "data.visits.id"),
        ("id-orphan", 8, "P8", "data.visits.id"),
    ]
    assert found[0].message == "'P9' of visits.csv is not in patients.csv."


def test_orphans_that_are_dropped_are_counted(tmp_path: Path) -> None:
    study = changed(('order = "date"', 'order = "date"\norphans = "drop"'))
    cohort = load(tmp_path, study=study, visits=VISITS + "P9,2016-01-01,SD,3\nP9,2016-02-01,SD,3\n")
    assert cohort.flow.to_numpy().tolist() == [
        ["read", "rows of patients.csv", 3, 0, 0, 3],
        ["visits", "rows of visits.csv", 7, 0, 0, 7],
        ["visits", "rows of visits.csv whose patient is not in patients.csv", 7, 2, 0, 5],
    ]
    assert len(cohort.records("visits")) == 5
    told = [problem.message for problem in cohort.problems if problem.code == "id-orphan"]
    assert told == ["2 rows of patients who are not in patients.csv left out."]


def test_inner_leaves_out_patients_without_a_record(tmp_path: Path) -> None:
    cohort = load(tmp_path, study=changed(('order = "date"', 'order = "date"\njoin = "inner"')))
    assert cohort.ids == ("P1", "P3")
    assert cohort.flow.iloc[-1].tolist() == ["visits", "no row in visits.csv", 3, 1, 0, 2]
    assert cohort.records("visits")["row"].tolist() == [4, 3, 6, 5, 2]
    assert cohort["progressed"].tolist() == [False, True]


def test_required_refuses_patients_without_a_record(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, study=changed(('order = "date"', 'order = "date"\njoin = "required"')))
    assert (found.code, found.file, found.row, found.patient) == ("id-orphan", "patients.csv", 3, "P2")
    assert found.message == "'P2' has no row in visits.csv, which is required."


def test_the_number_of_patients_is_that_of_the_first_table(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, study=changed(("n = 3", "n = 5")))
    assert (found.code, found.message) == ("n-mismatch", "study.n is 5, patients.csv has 3 patients.")


def test_rows_equal_in_every_column_are_told_and_kept(tmp_path: Path) -> None:
    cohort = load(tmp_path, visits=VISITS + "P1,2016-03-01,SD,20\nP3,2016-05-01,PD,32\n")
    (told,) = [problem for problem in cohort.problems if problem.code == "row-duplicate"]
    assert (told.level, told.row, told.patient) == ("warning", 7, "P1")
    assert told.message == "Rows 3, 7 are equal in every column."
    assert cohort["n_visits"].tolist() == [3, 0, 3]


def test_ids_that_are_nearly_the_same_and_rows_without_one(tmp_path: Path) -> None:
    found = problems(tmp_path, visits=VISITS + "p1,2016-06-01,SD,3\n,2016-06-01,SD,3\n")
    assert [(p.code, p.row) for p in found] == [("id-missing", 8), ("id-near-duplicate", 7), ("id-orphan", 7)]


def test_an_error_in_a_record_is_told_once_and_silences_what_follows(tmp_path: Path) -> None:
    study = STUDY + '\n[[check]]\nwhen = "all_of(size < 25)"\n'
    found = problems(tmp_path, study=study, visits=VISITS.replace("PD,31", "PD,3l"))
    assert [(p.code, p.row, p.patient, p.column) for p in found] == [("number-invalid", 2, "P3", "size")]


def test_a_rule_over_records_names_the_patient(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, study=STUDY + '\n[[check]]\nwhen = "all_of(size < 25, size is not missing)"\n')
    assert (found.code, found.patient, found.row, found.file) == ("check-failed", "P3", None, "visits.csv")


def test_rows_are_counted_where_many_have_no_value(tmp_path: Path) -> None:
    cohort = load(tmp_path, visits=VISITS.replace(",20\n", ",\n"))
    told = [problem.message for problem in cohort.problems if problem.code == "missing-many"]
    assert told == ["2 of 5 rows have no size."]


# --- names -----------------------------------------------------------------------------------------------------------


LABS = """
[data.labs]
file = "visits.csv"
id = "patient"
rows = "many per patient"
order = "date"
[columns.labs]
"labs.date" = { type = "date" }
crp = { from = "size", type = "number" }
"""


def test_a_name_that_two_tables_have_is_written_with_its_table(tmp_path: Path) -> None:
    cohort = load(tmp_path, study=STUDY + 'late = { when = "any_of(labs.date > start + 40)" }\n' + LABS)
    assert cohort.table("labs").columns.tolist() == ["labs.date", "crp"]
    assert cohort.table("labs")["crp"].tolist()[:2] == [15.5, 20]
    assert cohort.table("visits").columns.tolist() == ["date", "response", "size"]
    assert cohort["late"].tolist()[0::2] == [True, True]  # P1: 60 days, P3: 61


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, study=STUDY + LABS.replace('"labs.date"', "date"))
    assert (found.code, found.study_key) == ("key-conflict", "columns.labs.date")


# --- the study file --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "code", "sentence"),
    [
        ('order = "date"\n', "", "key-missing", "[data.visits] needs order. Name the column"),
        ('order = "date"', 'order = "dat"', "expression-name", "[data.visits] order: dat is no column of [columns.vis"),
        (
            'order = "date"',
            'order = "response"',
            "expression-type",
            "[data.visits] order: response is ordered, a date or a number is needed.",
        ),
        (
            'rows = "one per patient"',
            'rows = "one per patient"\norder = "start"',
            "key-conflict",
            '[data.patients] order belongs to rows = "many per patient".',
        ),
        (
            'rows = "one per patient"',
            'rows = "many per patient"\norder = "start"',
            "key-missing",
            '[data] needs a table with rows = "one per patient", which lists the patients.',
        ),
        (
            "size = {",
            "row = {",
            "key-conflict",
            "[columns.visits.row] row is the number of the row where a patient has many.",
        ),
        (
            "any_of(response == 'PD')",
            "response == 'PD'",
            "expression-many",
            "[derive.progressed] when: response has many rows per patient; use any_of",
        ),
    ],
)
def test_what_a_study_file_must_say(tmp_path: Path, old: str, new: str, code: str, sentence: str) -> None:
    found = problems(tmp_path, study=changed((old, new)))
    assert found[0].code == code
    assert f"{found[0].message} {found[0].mend}".startswith(sentence)


EXHIBIT = """
[endpoints.os]
kind = "time to event"
start = "start"
event = "died"
censor = "seen"
unknown = "exclude"
[[time_to_event]]
id = "figure1"
endpoint = "os"
groups = "grouping"
"""


def test_an_exhibit_may_not_name_a_column_with_many_rows(tmp_path: Path) -> None:
    study = STUDY + EXHIBIT.replace("grouping", "response")
    study = changed(('start = { type = "date" }', _DATES), study=study)
    messages = [f"{problem.code}: {problem.message}" for problem in problems(tmp_path, study=study)]
    assert messages == [
        "expression-many: [[time_to_event]] groups: response has many rows per patient; use any_of, all_of, count_of, "
        "first, last, min_of or max_of."
    ]


_DATES = 'start = { type = "date" }\ndied = { type = "date" }\nseen = { type = "date" }'
_PATIENTS = (
    "id,age,start,died,seen\nP1,60,2016-01-01,2016-09-01,\nP2,61,2016-02-01,,2016-10-01\nP3,62,2016-03-01,2016-06-01,\n"
)


def grouped(
    known: str, *, formed: str = "", landmark: str = "", groups: str = "any_of(response == 'PD')"
) -> dict[str, str]:
    study = changed(
        ('start = { type = "date" }', _DATES),
        ('"SD", "PD"] }', f'"SD", "PD"]{known} }}'),
        (
            "progressed = { when = \"any_of(response == 'PD')\"",
            f'middle = {{ when = "{groups}" }}\nprogressed = {{ when = "middle"{formed}',
        ),
        study=STUDY + EXHIBIT.replace("grouping", "progressed") + landmark,
    )
    return {"study": study, "patients": _PATIENTS}


def test_a_group_from_a_column_known_after_the_start_says_when_it_was_formed(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, **grouped(', known = "after start"'))
    assert found.code == "formed-undeclared"
    assert found.message == ("[[time_to_event]] progressed uses what happened after the start of time: response.")
    for accepted in (
        grouped(""),
        grouped(', known = "baseline"'),
        grouped(', known = "after start"', formed=', formed = "after outcome"'),
        grouped(', known = "after start"', formed=', formed = "at baseline"'),
        grouped(', known = "after start"', landmark="landmark = 60\n"),
        grouped(', known = "after start"', groups="any_of(size > 16)"),
    ):
        assert load(tmp_path, **accepted).n == 3


def test_when_a_column_was_known_is_one_of_two_words(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, **grouped(', known = "later"'))
    assert (found.code, found.study_key) == ("key-type", "columns.visits.response.known")


def test_a_column_of_patients_may_be_marked_too(tmp_path: Path) -> None:
    files = grouped("", groups="age > 60")
    marked = changed(
        ('age = { type = "number" }', 'age = { type = "number", known = "after start" }'), study=files["study"]
    )
    (found,) = problems(tmp_path, study=marked, patients=files["patients"])
    assert found.message.endswith("after the start of time: age.")
    assert load(tmp_path, **files).variable("age").known == ""
