"""Files of one study, linked: ids, joins, counts, and every problem in one pass."""

from __future__ import annotations

from pathlib import Path

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
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[data.plasma]
file = "plasma.csv"
id = "id"
rows = "one per patient"
join = "left"
[columns.patients]
age = { type = "number" }
[columns.plasma]
ratio = { type = "number" }
"""
PATIENTS = "id,age\nP1,60\nP2,61\nP3,62\n"
PLASMA = "id,ratio\nP3,1.5\nP1,0.9\n"


def load(
    folder: Path, *, study: str = STUDY, patients: str | None = PATIENTS, plasma: str | None = PLASMA
) -> cs.Cohort:
    (folder / "study.toml").write_text(study, encoding="utf-8")
    for name, text in (("patients.csv", patients), ("plasma.csv", plasma)):
        if text is not None:
            (folder / name).write_text(text, encoding="utf-8")
    return cs.load_cohort(folder)


def problems(folder: Path, **files: str | None) -> list[Problem]:
    with pytest.raises(cs.DataError) as error:
        load(folder, **files)  # type: ignore[arg-type]
    return [problem for problem in error.value.problems if problem.level == "error"]


def sentences(folder: Path, **files: str | None) -> list[str]:
    return [str(problem) for problem in problems(folder, **files)]


def test_patients_without_a_row_stay(tmp_path: Path) -> None:
    cohort = load(tmp_path)
    assert cohort["ratio"].tolist()[0] == 0.9
    assert cohort["ratio"].isna().tolist() == [False, True, False]
    assert cohort.problems == ()


def test_a_required_row(tmp_path: Path) -> None:
    study = STUDY.replace('join = "left"', 'join = "required"')
    assert sentences(tmp_path, study=study) == [
        "error   patients.csv row 3 (P2), id: 'P2' has no row in plasma.csv, which is required. "
        'Add the row, or set join = "left".'
    ]


def test_an_inner_join_counts_who_leaves(tmp_path: Path) -> None:
    cohort = load(tmp_path, study=STUDY.replace('join = "left"', 'join = "inner"'))
    assert cohort.ids == ("P1", "P3")
    assert cohort.flow.to_numpy().tolist() == [
        ["read", "rows of patients.csv", 3, 0, 0, 3],
        ["plasma", "no row in plasma.csv", 3, 1, 0, 2],
    ]


def test_orphans_are_errors_or_counted(tmp_path: Path) -> None:
    plasma = PLASMA + "P9,1\np1,2\n"
    found = problems(tmp_path, plasma=plasma)
    assert [(p.code, p.row, p.value) for p in found if p.code == "id-orphan"] == [
        ("id-orphan", 4, "P9"),
        ("id-orphan", 5, "p1"),
    ]
    assert found[-1].mend != ""
    cohort = load(tmp_path, plasma=PLASMA + "Q9,1\n", study=STUDY.replace('"left"', '"left"\norphans = "drop"'))
    assert cohort.n == 3
    assert [str(problem) for problem in cohort.problems] == [
        "warning plasma.csv: 1 row of a patient who is not in patients.csv left out."
    ]
    assert cohort.flow.iloc[1].tolist()[2:] == [3, 1, 0, 2]


def test_widths_do_not_part_a_patient_from_his_row(tmp_path: Path) -> None:
    cohort = load(tmp_path, plasma="id,ratio\nＰ３,1.5\n")
    assert cohort["ratio"].tolist()[2] == 1.5
    assert cohort.ids[2] == "P3"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("P1,60\nP2,61\nP2,62\n", ["patients.csv row 4 (P2), id: 'P2' is in rows 3, 4. Keep one row a patient."]),
        (
            "P1,60\np1,61\nP3,62\n",
            [
                "patients.csv row 3 (p1), id: 'P1' and 'p1' differ only in width, case or space. "
                "Correct one, or make them differ."
            ],
        ),
        ("P1,60\n,61\nP3,62\n", ["patients.csv row 3, id: Row 3 has no id. Give the id, or delete the row."]),
        (
            "P1,60\nP3,61\n",
            ["study.toml line 6: study.n is 3, patients.csv has 2 patients. Correct n, or the file."],
        ),
    ],
)
def test_ids_and_counts(tmp_path: Path, rows: str, expected: list[str]) -> None:
    plasma = "id,ratio\nP1,0.9\n"
    assert sentences(tmp_path, patients=f"id,age\n{rows}", plasma=plasma) == [
        f"error   {sentence}" for sentence in expected
    ]


def test_missing_files_are_another_trouble(tmp_path: Path) -> None:
    with pytest.raises(cs.DataError) as error:
        load(tmp_path, plasma=None)
    assert error.value.missing_file
    assert [problem.code for problem in error.value.problems] == ["file-missing"]
    with pytest.raises(cs.DataError) as error:
        load(tmp_path, patients="id,age\nP1,x\n", plasma=None)
    assert not error.value.missing_file
    assert [problem.code for problem in error.value.problems] == ["number-invalid", "file-missing"]


def test_several_faults_are_the_union_of_their_problems(tmp_path: Path) -> None:
    faults = {"patients": PATIENTS.replace("60", "6O"), "plasma": PLASMA.replace("0.9", '"0,9"')}
    apart = []
    for place, (name, text) in enumerate(faults.items()):
        folder = tmp_path / str(place)
        folder.mkdir()
        apart += sentences(folder, **{name: text})
    together = tmp_path / "together"
    together.mkdir()
    assert sentences(together, **faults) == apart
    assert apart == [
        "error   patients.csv row 2 (P1), age: '6O' is not a number. Correct the cell, or add it to study.missing.",
        "error   plasma.csv row 3 (P1), ratio: '0,9' could be 0.9. Declare thousands or decimal.",
    ]


def test_columns_empty_in_the_same_rows_give_one_warning(tmp_path: Path) -> None:
    study = STUDY.replace("age = {", 'a = { type = "number" }\nb = { type = "number" }\nage = {')
    cohort = load(tmp_path, study=study, patients="id,age,a,b\nP1,60,,\nP2,61,1,1\nP3,62,2,2\n")
    assert [str(problem) for problem in cohort.problems] == ["warning patients.csv: 1 of 3 rows have no a, b."]


def test_a_study_its_file_or_its_folder(tmp_path: Path) -> None:
    load(tmp_path)
    assert cs.load_cohort(str(tmp_path)).n == 3
    assert cs.load_cohort(tmp_path / "study.toml").n == 3
    assert cs.load_cohort(cs.Study.read(tmp_path)).n == 3
