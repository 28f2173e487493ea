"""Landmark analysis: who stays, what their times become, who is counted where."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

import cohortstats as cs

STUDY = """
cohortstats = 1
[study]
id = "small"
title = "Small"
conventions = "{profile}"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
arm = {{ order = ["A", "B"] }}
days = {{ type = "number", unit = "days" }}
event = {{ type = "yes/no" }}
other = {{ type = "number", unit = "days" }}
[endpoints.ttp]
kind = "time to event"
unknown = "exclude"
time = "days"
event = "event"
[endpoints.os]
kind = "time to event"
unknown = "exclude"
time = "other"
event = "event"
[endpoints.responder]
kind = "binary"
unknown = "exclude"
when = "arm == 'A'"
[[time_to_event]]
id = "figure"
endpoint = "ttp"
groups = "arm"
"""
# The landmark of the tests is 90: P2 has the event at it, P3 is lost at it, P6 has no time.
ROWS = """id,arm,days,event,other
P1,A,20,yes,25
P2,A,90,yes,95
P3,B,90,no,90
P4,A,91,yes,100
P5,B,120,no,120
P6,B,,yes,50
P7,A,200,yes,210
"""


def load(folder: Path, rows: str = ROWS, profile: str = "r") -> cs.Cohort:
    (folder / "study.toml").write_text(STUDY.format(profile=profile), encoding="utf-8")
    (folder / "patients.csv").write_text(rows, encoding="utf-8")
    return cs.load_cohort(folder)


def test_who_stays_and_for_how_long(tmp_path: Path) -> None:
    cohort = load(tmp_path)
    later = cs.landmark(cohort, at=90, endpoint="ttp")
    frame = later.endpoint("ttp")
    assert frame["time"].to_dict() == {"P4": 1, "P5": 30, "P7": 110}
    assert frame["event"].to_dict() == {"P4": True, "P5": False, "P7": True}
    assert frame["reason"].to_dict() == {"P4": "event", "P5": "censored", "P7": "event"}
    # Other endpoints, and the cohort that it came from, stay as they were.
    assert later.endpoint("os")["time"].to_dict() == {"P4": 100, "P5": 120, "P7": 210}
    assert cohort.endpoint("ttp")["time"].dropna().tolist() == [20, 90, 90, 91, 120, 200]
    assert later["days"].to_dict() == {"P4": 91, "P5": 120, "P7": 200}


def test_flow_counts_those_excluded(tmp_path: Path) -> None:
    later = cs.landmark(load(tmp_path), at=90, endpoint="ttp")
    assert later.flow.iloc[-1].to_dict() == {
        "step": "landmark at 90",
        "reason": "ttp: time > 90 days",
        "n_before": 7,
        "n_out": 3,
        "n_missing": 1,
        "n_after": 3,
    }
    again = cs.landmark(later, at=30, endpoint="ttp")  # counted from the first landmark
    assert again.endpoint("ttp")["time"].to_dict() == {"P7": 80}
    assert [(step.n_before, step.n_out, step.n_missing, step.n_after) for step in again.steps[-2:]] == [
        (7, 3, 1, 3),
        (3, 2, 0, 1),
    ]


def test_exhibit_of_a_landmark_cohort(tmp_path: Path) -> None:
    later = cs.landmark(load(tmp_path), at=90, endpoint="ttp")
    analysis = cs.time_to_event(later, later.study.exhibit("figure"))
    found = analysis.to_frame().set_index("group")
    assert (found.loc["A", "n"], found.loc["A", "events"]) == (2, 2)
    assert (found.loc["B", "n"], found.loc["B", "events"]) == (1, 0)
    assert found.loc["A", "median"] == 55.5  # 1 and 110 days from the landmark: the curve is 1/2 between them


def test_the_same_as_entering_late(tmp_path: Path) -> None:
    # Times from the landmark, or the old times with everybody entering at it: one curve.
    cohort = load(tmp_path)
    later = cs.landmark(cohort, at=90, endpoint="ttp").endpoint("ttp")
    old = cohort.endpoint("ttp").loc[later.index]
    moved = cs.kaplan_meier(cs.EventTable.from_arrays(later["time"], later["event"].astype(bool)))
    late = cs.kaplan_meier(cs.EventTable.from_arrays(old["time"], old["event"].astype(bool), entry=[90] * len(old)))
    columns = ["n_at_risk", "n_event", "n_censored", "survival", "std_error", "ci_lower", "ci_upper"]
    pd.testing.assert_frame_equal(moved.to_frame()[columns], late.to_frame()[columns])
    assert (moved.time + 90).tolist() == late.time.tolist()


@pytest.mark.parametrize(("profile", "kept"), [("r", ["P2"]), ("lifelines", ["P1", "P2"])])
def test_a_time_that_is_the_landmark_but_for_rounding(tmp_path: Path, profile: str, kept: list[str]) -> None:
    rows = f"id,arm,days,event,other\nP1,A,{0.1 + 0.2!r},yes,1\nP2,A,0.5,yes,1\n"
    later = cs.landmark(load(tmp_path, rows, profile), at=0.3, endpoint="ttp")
    assert list(later.endpoint("ttp").index) == kept


def test_nobody_is_left(tmp_path: Path) -> None:
    later = cs.landmark(load(tmp_path), at=365, endpoint="ttp")
    assert len(later) == 0
    found = cs.time_to_event(later, later.study.exhibit("figure")).to_frame().set_index("group")
    assert math.isnan(found.loc["A", "median"])
    assert found.loc["A", "n"] == 0


def test_shipped_study() -> None:
    # 16 of 34 patients have a time; those of 36, 38, 40, 42 and 71 days leave.
    cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    times = cohort.endpoint("ttp")["time"]
    later = cs.landmark(cohort, at=90, endpoint="ttp")
    assert len(later) == int((times > 90).sum()) == 11
    assert (later.steps[-1].n_out, later.steps[-1].n_missing) == (int((times <= 90).sum()), int(times.isna().sum()))


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        (
            {"at": -5, "endpoint": "responder"},
            (
                "at is −5; give a time above 0.",
                "responder is a binary endpoint; a landmark needs a time-to-event endpoint.",
            ),
        ),
        ({"at": 0, "endpoint": "ttp"}, ("at is 0; give a time above 0.",)),
        ({"at": math.nan, "endpoint": "ttp"}, ("at is nan; give a time above 0.",)),
        ({"at": 90, "endpoint": "tpp"}, ("tpp is no endpoint. Did you mean ttp?",)),
        ({"at": 90, "endpoint": "zzz"}, ("zzz is no endpoint.",)),
    ],
)
def test_door(tmp_path: Path, options: dict[str, object], sentences: tuple[str, ...]) -> None:
    cohort = load(tmp_path)
    with pytest.raises(cs.InputError) as caught:
        cs.landmark(cohort, **options)  # type: ignore[arg-type]
    assert caught.value.problems == sentences
