"""Endpoints, patient by patient. Days between dates are counted on the calendar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs

HEAD = """
cohortstats = 1
[study]
id = "endpoints"
title = "Endpoints"
conventions = "ezr"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
"""
DATED = HEAD + (
    'start = { type = "date" }\nprogression = { type = "date" }\nlast_seen = { type = "date" }\n'
    '[endpoints.ttp]\nkind = "time to event"\nstart = "start"\nevent = "progression"\ncensor = "last_seen"\nunknown = "exclude"\n'
)
TIMED = HEAD + (
    'days = {{ type = "number" }}\nstatus = {status}\n'
    '[endpoints.ttp]\nkind = "time to event"\ntime = "days"\nevent = "status"\nunknown = "exclude"\n'
)
DATES = """id,start,progression,last_seen
A,2016-03-04,2016-04-04,2016-04-04
B,2016-03-04,,2016-05-04
C,2016-03-04,,
D,,2016-04-04,2016-04-04
E,2016-03-04,2016-03-04,2016-03-04
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str, str], cs.Cohort]:
    def make(study: str, patients: str) -> cs.Cohort:
        (tmp_path / "study.toml").write_text(study, encoding="utf-8")
        (tmp_path / "patients.csv").write_text(patients, encoding="utf-8")
        return cs.load_cohort(tmp_path)

    return make


def test_times_from_dates(load: Callable[[str, str], cs.Cohort]) -> None:
    found = load(DATED, DATES).endpoint("ttp")
    assert found["reason"].tolist() == ["event", "censored", "no last observation", "no start", "event"]
    assert found["time"].fillna(-1).tolist() == [31, 61, -1, -1, 0]
    assert found["event"].astype("object").where(found["event"].notna(), None).tolist() == [
        True,
        False,
        None,
        None,
        True,
    ]


@pytest.mark.parametrize(
    ("extra", "times"),
    [
        ("plus_one = true", [32, 62, 1]),
        ('unit = "weeks"', [31 / 7, 61 / 7, 0]),
        ('unit = "months"', [31 / 30.4375, 61 / 30.4375, 0]),
    ],
)
def test_units_and_the_first_day(load: Callable[[str, str], cs.Cohort], extra: str, times: list[float]) -> None:
    found = load(DATED + extra + "\n", DATES).endpoint("ttp")
    assert found["time"].dropna().tolist() == pytest.approx(times)


def test_nothing_after_the_cutoff_is_known(load: Callable[[str, str], cs.Cohort]) -> None:
    found = load(DATED + 'cutoff = "2016-03-31"\n', DATES + "F,2016-06-01,,2016-07-01\n").endpoint("ttp")
    assert found.loc["A"].tolist() == [27, False, "censored"]
    assert found.loc["B"].tolist() == [27, False, "censored"]
    assert found.loc["F", "reason"] == "start after cut-off"


def test_an_event_before_the_start_is_an_error(load: Callable[[str, str], cs.Cohort]) -> None:
    with pytest.raises(cs.DataError) as caught:
        load(DATED, DATES.replace("A,2016-03-04,2016-04-04", "A,2016-03-04,2016-02-04"))
    problem = next(p for p in caught.value.problems if p.level == "error")
    assert (problem.code, problem.row, problem.patient, problem.column) == ("date-before-start", 2, "A", "progression")
    assert problem.message == "2016-02-04 is before start (2016-03-04)."


def test_status_coded_one_and_two_is_refused_with_the_way_out(load: Callable[[str, str], cs.Cohort]) -> None:
    with pytest.raises(cs.DataError) as caught:
        load(TIMED.format(status='{ type = "number" }'), "id,days,status\nA,5,1\nB,6,2\n")
    problem = caught.value.problems[0]
    assert problem.code == "event-coding"
    assert problem.message == "Events must be yes/no or 0/1, found 1, 2 in status."
    assert problem.mend == 'Declare type = "yes/no", yes = ["2"], no = ["1"] for status, or the reverse.'
    declared = load(
        TIMED.format(status='{ type = "yes/no", yes = ["2"], no = ["1"] }'), "id,days,status\nA,5,1\nB,6,2\n"
    )
    assert declared.endpoint("ttp")["event"].tolist() == [False, True]


def test_zero_and_one_are_a_status(load: Callable[[str, str], cs.Cohort]) -> None:
    cohort = load(TIMED.format(status='{ type = "number" }'), "id,days,status\nA,0,1\nB,6,0\nC,,\n")
    found = cohort.endpoint("ttp")
    assert found["time"].fillna(-1).tolist() == [0, 6, -1]
    assert found["reason"].tolist() == ["event", "censored", "no time"]


def test_a_negative_time_is_an_error(load: Callable[[str, str], cs.Cohort]) -> None:
    with pytest.raises(cs.DataError) as caught:
        load(TIMED.format(status='{ type = "yes/no" }'), "id,days,status\nA,-3,yes\nB,6,no\n")
    problem = caught.value.problems[0]
    assert (problem.code, problem.row, problem.message) == ("time-negative", 2, "-3 is negative; a time is 0 or more.")


BINARY = HEAD + (
    'response = {{ order = ["PR", "PD", "NE"], unknown = ["NE"] }}\nrecorded = {{ type = "yes/no" }}\n'
    '[endpoints.resistant]\nkind = "binary"\nwhen = "response == \'PD\'"\nunknown = "{unknown}"\n{extra}'
)
RESPONSES = "id,response,recorded\nA,PD,yes\nB,PR,no\nC,NE,no\nD,,no\n"


@pytest.mark.parametrize(
    ("unknown", "events"),
    [
        ("not an event", [True, False, False, False]),
        ("event", [True, False, True, True]),
        ("exclude", [True, False, None, None]),
    ],
)
def test_unknown_outcomes(load: Callable[[str, str], cs.Cohort], unknown: str, events: list[bool | None]) -> None:
    cohort = load(BINARY.format(unknown=unknown, extra=""), RESPONSES)
    found = cohort.endpoint("resistant")
    assert [
        None if value is None or value != value else bool(value)
        for value in found["event"].astype("object").where(found["event"].notna(), None)
    ] == events
    assert found["recorded"].isna().sum() == 2
    assert "resistant" in cohort.variables, "a binary endpoint is a name in expressions"
    assert cohort.where("resistant").ids == tuple(p for p, event in zip("ABCD", events, strict=True) if event)


def test_confirmation_names_who_differs(load: Callable[[str, str], cs.Cohort]) -> None:
    with pytest.raises(cs.DataError) as caught:
        load(
            BINARY.format(unknown="not an event", extra='confirm = "recorded"\n'),
            RESPONSES.replace("B,PR,no", "B,PR,yes"),
        )
    (problem,) = [p for p in caught.value.problems if p.level == "error"]
    assert (problem.row, problem.patient) == (3, "B")


def test_checks_of_the_study_file(load: Callable[[str, str], cs.Cohort]) -> None:
    rule = '[[check]]\nwhen = "start <= last_seen"\nmessage = "Seen before the start."\n'
    with pytest.raises(cs.DataError) as caught:
        load(
            DATED.replace("[endpoints", rule + "[endpoints", 1),
            DATES.replace("B,2016-03-04,,2016-05-04", "B,2016-03-04,,2016-01-04"),
        )
    assert "check-failed" in {problem.code for problem in caught.value.problems}
