"""Endpoints and rules: times by hand, who is left out and why, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.errors import Problem

HEAD = """
cohortstats = 1
[study]
id = "small"
title = "Small"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
"""
DATES = """start = { type = "date" }
pd = { type = "date" }
seen = { type = "date" }
[endpoints.ttp]
kind = "time to event"
unknown = "exclude"
start = "start"
event = "pd"
censor = "seen"
"""
TIMES = """days = { type = "number", unit = "days" }
event = { type = "yes/no" }
[endpoints.ttp]
kind = "time to event"
unknown = "exclude"
time = "days"
event = "event"
"""
# Start 2016-01-01 but for the last two; the cut-off of some tests is 2016-06-30, day 181.
ROWS = """id,start,pd,seen
event,2016-01-01,2016-02-12,2016-02-12
censored,2016-01-01,,2016-05-01
late event,2016-01-01,2016-08-01,2016-08-01
late last visit,2016-01-01,,2016-08-01
unseen,2016-01-01,,
no start,,2016-02-12,2016-02-12
late start,2016-07-01,2016-08-01,2016-08-01
event at the cut-off,2016-01-01,2016-06-30,
same day,2016-01-01,2016-01-01,2016-01-01
"""


def load(folder: Path, study: str, rows: str) -> cs.Cohort:
    (folder / "study.toml").write_text(HEAD + study, encoding="utf-8")
    (folder / "patients.csv").write_text(rows, encoding="utf-8")
    return cs.load_cohort(folder)


def errors(folder: Path, study: str, rows: str) -> list[Problem]:
    with pytest.raises(cs.DataError) as error:
        load(folder, study, rows)
    return [problem for problem in error.value.problems if problem.level == "error"]


def outcome(cohort: cs.Cohort, name: str = "ttp") -> dict[str, tuple[float | None, str]]:
    frame = cohort.endpoint(name)
    assert frame["event"].isna().equals(frame["time"].isna())
    assert (frame["event"].fillna(False) == (frame["reason"] == "event")).all()
    return {
        str(patient): (None if math.isnan(row.time) else row.time, row.reason)
        for patient, row in zip(frame.index, frame.itertuples(), strict=True)
    }


def test_dates_without_a_cut_off(tmp_path: Path) -> None:
    assert outcome(load(tmp_path, DATES, ROWS)) == {
        "event": (42, "event"),
        "censored": (121, "censored"),
        "late event": (213, "event"),
        "late last visit": (213, "censored"),
        "unseen": (None, "no last observation"),
        "no start": (None, "no start"),
        "late start": (31, "event"),
        "event at the cut-off": (181, "event"),
        "same day": (0, "event"),
    }


@pytest.mark.parametrize("where", ["endpoint", "study"])
def test_nothing_after_the_cut_off_is_known(tmp_path: Path, where: str) -> None:
    study = DATES + 'cutoff = "2016-06-30"\n'
    if where == "study":
        (tmp_path / "study.toml").write_text(HEAD.replace("missing =", 'cutoff = "2016-06-30"\nmissing =') + DATES)
        (tmp_path / "patients.csv").write_text(ROWS)
        cohort = cs.load_cohort(tmp_path)
    else:
        cohort = load(tmp_path, study, ROWS)
    assert outcome(cohort) == {
        "event": (42, "event"),
        "censored": (121, "censored"),
        "late event": (181, "censored"),
        "late last visit": (181, "censored"),
        "unseen": (None, "no last observation"),
        "no start": (None, "no start"),
        "late start": (None, "start after cut-off"),
        "event at the cut-off": (181, "event"),
        "same day": (0, "event"),
    }


def test_a_later_cut_off_never_loses_an_event(tmp_path: Path) -> None:
    counts = []
    for cutoff in ("2016-02-11", "2016-02-12", "2016-06-29", "2016-06-30", "2016-07-31", "2016-08-01", "2017-01-01"):
        cohort = load(tmp_path, DATES + f'cutoff = "{cutoff}"\n', ROWS)
        counts.append(int(cohort.endpoint("ttp")["event"].sum()))
    assert counts == sorted(counts) == [1, 2, 2, 3, 3, 5, 5]


@pytest.mark.parametrize(("unit", "days"), [("weeks", 7), ("months", 30.4375), ("years", 365.25)])
def test_units(tmp_path: Path, unit: str, days: float) -> None:
    assert outcome(load(tmp_path, DATES + f'unit = "{unit}"\n', ROWS))["event"][0] == 42 / days


def test_day_one(tmp_path: Path) -> None:
    plain = outcome(load(tmp_path, DATES, ROWS))
    shifted = outcome(load(tmp_path, DATES + "plus_one = true\n", ROWS))
    for patient, (time, reason) in plain.items():
        assert shifted[patient] == (None if time is None else time + 1, reason)


def test_a_date_before_the_start_is_refused(tmp_path: Path) -> None:
    found = errors(tmp_path, DATES, "id,start,pd,seen\nA,2016-01-02,2016-01-01,\nB,2016-01-02,,2015-12-31\n")
    assert [str(problem) for problem in found] == [
        "error   patients.csv row 2 (A), pd: 2016-01-01 is before start (2016-01-02). Correct one of the two dates.",
        "error   patients.csv row 3 (B), seen: 2015-12-31 is before start (2016-01-02). Correct one of the two dates.",
    ]
    assert {problem.code for problem in found} == {"date-before-start"}


def test_a_cell_with_an_error_is_not_told_twice(tmp_path: Path) -> None:
    found = errors(tmp_path, DATES, "id,start,pd,seen\nA,2016-13-02,2016-01-01,\nB,2016-01-02,2016-01-01,\n")
    assert [(problem.code, problem.patient) for problem in found] == [("date-invalid", "A"), ("date-before-start", "B")]


def test_a_time_and_a_status(tmp_path: Path) -> None:
    cohort = load(tmp_path, TIMES, "id,days,event\nA,10,yes\nB,0,no\nC,,\nD,5,\nE,,yes\n")
    assert outcome(cohort) == {
        "A": (10, "event"),
        "B": (0, "censored"),
        "C": (None, "no time"),
        "D": (None, "no status"),
        "E": (None, "no time"),
    }
    told = [str(problem) for problem in cohort.problems if problem.code == "event-date-missing"]
    assert told == ["warning study.toml line 18: 1 patient with the event has no days and is left out of ttp."]


def test_a_negative_time_is_refused(tmp_path: Path) -> None:
    assert [str(problem) for problem in errors(tmp_path, TIMES, "id,days,event\nA,-3,yes\nB,2,no\n")] == [
        "error   patients.csv row 2 (A), days: -3 is negative; a time is 0 or more. Correct the cell."
    ]


def test_times_in_another_unit_are_refused(tmp_path: Path) -> None:
    found = errors(tmp_path, TIMES + 'unit = "months"\n', "id,days,event\nA,3,yes\nB,2,no\n")
    assert [problem.message for problem in found] == ["days is in days, expected months."]


def test_a_status_coded_1_and_2_is_refused_with_its_declaration(tmp_path: Path) -> None:
    found = errors(tmp_path, TIMES, "id,days,event\nA,3,1\nB,2,2\n")
    assert [str(problem) for problem in found] == [
        "error   patients.csv row 2 (A), event: '1' is neither yes nor no here. "
        'Declare yes = ["2"], no = ["1"], or the reverse.',
        "error   patients.csv row 3 (B), event: '2' is neither yes nor no here. "
        'Declare yes = ["2"], no = ["1"], or the reverse.',
    ]


BINARY = """best = { order = ["PR", "PD"] }
recorded = { type = "yes/no" }
[endpoints.resistant]
kind = "binary"
when = "best == 'PD'"
confirm = "recorded"
unknown = "RULE"
"""
BEST = "id,best,recorded\nA,PD,yes\nB,PR,no\nC,,\n"


@pytest.mark.parametrize(("rule", "last"), [("not an event", False), ("event", True), ("exclude", None)])
def test_what_an_unknown_outcome_counts_as(tmp_path: Path, rule: str, last: bool | None) -> None:
    cohort = load(tmp_path, BINARY.replace("RULE", rule), BEST)
    event = cohort.endpoint("resistant")["event"]
    assert event.tolist()[:2] == [True, False]
    assert event.isna()["C"] if last is None else event["C"] == last
    assert cohort.endpoint("resistant")["recorded"].isna()["C"]
    assert cohort.variable("resistant").formed == "after outcome"


def test_the_recorded_outcome_must_be_the_same(tmp_path: Path) -> None:
    found = errors(
        tmp_path, BINARY.replace("RULE", "not an event"), BEST.replace("B,PR,no", "B,PR,yes").replace("C,,", "C,,yes")
    )
    assert [(problem.code, problem.patient, problem.value) for problem in found] == [
        ("confirm-differs", "B", "yes"),
        ("confirm-differs", "C", "yes"),
    ]


def test_an_endpoint_is_a_name_in_expressions(tmp_path: Path) -> None:
    study = BINARY.replace("RULE", "not an event").replace(
        "[endpoints", '[derive]\nfit = { when = "not resistant" }\n[endpoints'
    )
    cohort = load(tmp_path, study, BEST)
    assert cohort.levels("fit").tolist() == ["no", "yes", "yes"]
    assert cohort.variable("fit").given_names == {"best"}


def test_rules_that_every_patient_must_obey(tmp_path: Path) -> None:
    study = """age = { type = "number" }
[[check]]
when = "age < 100"
[[check]]
when = "age != 50"
message = "Nobody is fifty."
"""
    found = errors(tmp_path, study, "id,age\nA,120\nB,\nC,50\n")
    assert [(problem.code, problem.patient, problem.message) for problem in found] == [
        ("check-failed", "A", "age < 100 is false."),
        ("check-failed", "C", "Nobody is fifty."),
    ]


def test_a_division_by_zero_is_told_and_missing(tmp_path: Path) -> None:
    study = 'a = { type = "number" }\n[derive]\nb = { value = "1 / a" }\n'
    cohort = load(tmp_path, study, "id,a\nA,0\nB,2\n")
    assert cohort["b"].isna().tolist() == [True, False]
    assert [problem.code for problem in cohort.problems] == ["division-by-zero"]


def test_groups_and_outcomes_of_one_value_are_told(tmp_path: Path) -> None:
    study = TIMES.replace("[endpoints", 'arm = { order = ["a", "b"] }\n[endpoints') + (
        '[[time_to_event]]\nid = "figure1"\nendpoint = "ttp"\ngroups = "arm"\n'
    )
    cohort = load(tmp_path, study, "id,days,event,arm\nA,10,yes,a\nB,3,no,a\n")
    assert [str(problem) for problem in cohort.problems] == [
        "warning patients.csv, arm: arm has one value only, and figure1 compares by it."
    ]
