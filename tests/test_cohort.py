"""Cohort: linked tables, one id, nothing changed and nobody lost. Counts are of the files themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs

STUDY = """
cohortstats = 1
[study]
id = "linked"
title = "Two tables"
conventions = "ezr"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[data.samples]
file = "samples.csv"
id = "patient"
rows = "one per patient"
{join}
[columns.patients]
age = {{ type = "number" }}
her2 = {{ type = "yes/no" }}
grade = {{ order = ["1", "2", "3", "?"], unknown = ["?"] }}
[columns.samples]
copies = {{ type = "number", keep_digits = true }}
[derive]
high = {{ when = "copies > 3" }}
group = {{ cases = [["her2 and copies > 3", "both"], ["her2", "one"]], else = "none" }}
"""
PATIENTS = "id,age,her2,grade\n003,50,yes,1\n001,61,no,3\n002,,yes,?\n"
SAMPLES = "patient,copies\n001,1.10\n003,4.0\n"


@pytest.fixture
def linked(tmp_path: Path) -> Callable[..., cs.Cohort]:
    def load(join: str = "", patients: str = PATIENTS, samples: str = SAMPLES) -> cs.Cohort:
        (tmp_path / "study.toml").write_text(STUDY.format(join=join), encoding="utf-8")
        (tmp_path / "patients.csv").write_text(patients, encoding="utf-8")
        (tmp_path / "samples.csv").write_text(samples, encoding="utf-8")
        return cs.load_cohort(tmp_path)

    return load


def codes(caught: pytest.ExceptionInfo[cs.DataError]) -> list[str]:
    return [problem.code for problem in caught.value.problems if problem.level == "error"]


def test_patients_without_a_row_elsewhere_stay(linked: Callable[..., cs.Cohort]) -> None:
    cohort = linked()
    assert cohort.ids == ("003", "001", "002"), "ids keep their zeros and the order of the file"
    assert cohort.values("copies").tolist()[:2] == [4.0, 1.1]
    assert np.isnan(cohort.values("copies")["002"])
    assert cohort.text("copies").tolist() == ["4.0", "1.10", None]
    assert len(cohort.table("samples")) == 2


def test_three_values(linked: Callable[..., cs.Cohort]) -> None:
    cohort = linked()
    # 002 has no sample: high is missing; her2 and missing is missing, and so is the case that hangs on it.
    assert cohort.levels("high").tolist() == ["yes", "no", np.nan]
    assert cohort.levels("group").tolist() == ["both", "none", np.nan]
    assert cohort.evaluate("not her2 or copies > 3").missing.tolist() == [False, False, True]
    assert cohort.evaluate("her2 or copies > 3").data.tolist() == [True, False, True]


def test_unknown_levels_are_rows_in_tables_and_missing_in_expressions(linked: Callable[..., cs.Cohort]) -> None:
    cohort = linked()
    assert cohort.levels("grade").tolist() == ["1", "3", "?"]
    assert cohort.evaluate("grade >= '2'").missing.tolist() == [False, False, True]


def test_a_population_counts_those_who_leave(linked: Callable[..., cs.Cohort]) -> None:
    cohort = linked()
    some = cohort.where("copies > 3", step="high copies")
    assert some.ids == ("003",)
    assert cohort.n == 3
    last = some.flow.iloc[-1]
    assert (last.n_before, last.n_out, last.n_missing, last.n_after) == (3, 1, 1, 1)


def test_frames_are_copies(linked: Callable[..., cs.Cohort]) -> None:
    cohort = linked()
    frame = cohort.frame()
    frame.loc["003", "age"] = 0
    assert cohort.values("age")["003"] == 50
    assert isinstance(frame["grade"].dtype, pd.CategoricalDtype)
    assert frame["her2"].dtype == "boolean"
    assert cohort._ipython_key_completions_() == list(cohort.variables)
    assert cohort["age"].equals(cohort.values("age"))


def test_names_are_explained(linked: Callable[..., cs.Cohort]) -> None:
    with pytest.raises(cs.InputError) as caught:
        linked().values("agee")
    assert caught.value.problems == ("agee is no column or derived name. Did you mean age?",)
    with pytest.raises(cs.InputError) as caught:
        linked().levels("age")
    assert caught.value.problems == ("age is a number; only yes/no, ordered and category have levels.",)


@pytest.mark.parametrize(
    ("join", "samples", "expected"),
    [
        ("", "patient,copies\n001,1\n009,2\n", ["id-orphan"]),
        ("", "patient,copies\n001,1\n001,2\n", ["id-duplicate"]),
        ("", "patient,copies\n001,1\n,2\n", ["id-missing"]),
        ('join = "required"', SAMPLES, ["id-orphan"]),
    ],
)
def test_joins_refuse(linked: Callable[..., cs.Cohort], join: str, samples: str, expected: list[str]) -> None:
    with pytest.raises(cs.DataError) as caught:
        linked(join, samples=samples)
    assert codes(caught) == expected


def test_inner_join_and_dropped_orphans_are_counted(linked: Callable[..., cs.Cohort]) -> None:
    cohort = linked('join = "inner"')
    assert cohort.ids == ("003", "001")
    assert cohort.flow["n_out"].sum() == 1
    kept = linked('orphans = "drop"', samples=SAMPLES + "009,2\n")
    assert kept.n == 3
    assert any("009" in str(p.value) or p.code == "id-orphan" for p in kept.problems)


def test_order_of_rows_and_columns_does_not_matter(linked: Callable[..., cs.Cohort]) -> None:
    plain = linked()
    shuffled = linked(
        patients="grade,her2,extra,age,id\n?,yes,x,,002\n1,yes,x,50,003\n3,no,x,61,001\n",
        samples="copies,patient\n4.0,003\n1.10,001\n",
    )
    left, right = plain.frame().sort_index(), shuffled.frame().sort_index()
    pd.testing.assert_frame_equal(left, right)
    assert shuffled.sources[0].n_columns_unused == 1
