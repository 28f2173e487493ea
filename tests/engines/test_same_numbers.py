"""A table from an engine is the table from the arrays, to the last bit; what arrays are refused for, rows are too."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs

N = 240
TYPES = {
    "days": "integer",
    "years": "real",
    "entry": "integer",
    "died": "boolean",
    "status": "integer",
    "arm": "text",
    "site": "integer",
    "patients": "integer",
}


def cohort() -> pd.DataFrame:
    random = np.random.default_rng(20180101)
    days = random.integers(0, 40, N)
    near = random.choice([0.3, 0.1 + 0.2, 0.7, 1.1 * 3, 3.3, 1e-9, 0.0], N)
    died = random.random(N) < 0.6
    return pd.DataFrame(
        {
            "days": days,
            "years": np.where(random.random(N) < 0.5, near, random.exponential(2, N)),
            "entry": np.maximum(days - random.integers(1, 30, N), -1) + 0,
            "died": died,
            "status": died.astype(int),
            "arm": random.choice(["B", "a", "é", "年"], N),
            "site": random.choice([10, 9, 2], N),
            "patients": random.integers(0, 4, N),
        }
    )


FRAME = cohort()
FRAME["entry"] = np.where(FRAME["entry"] < 0, 0, FRAME["entry"])
FRAME["days"] = np.maximum(FRAME["days"], FRAME["entry"] + 1)
CELLS = {name: FRAME[name].tolist() for name in TYPES}


def assert_same(one: cs.EventTable, two: cs.EventTable) -> None:
    assert (one.groups, one.strata, one.timefix) == (two.groups, two.strata, two.timefix)
    for name in ("stratum", "group", "time", "n_at_risk", "n_event", "n_censored"):
        first, second = getattr(one, name), getattr(two, name)
        assert first.dtype == second.dtype
        assert first.tobytes() == second.tobytes(), name


ROADS: list[dict[str, Any]] = [
    {"time": "days", "event": "died"},
    {"time": "days", "event": "status", "group": "arm"},
    {"time": "days", "event": "died", "group": "site", "strata": "arm"},
    {"time": "days", "event": "died", "group": "arm", "weights": "patients"},
    {"time": "days", "event": "died", "group": "arm", "entry": "entry"},
    {"time": "years", "event": "died", "group": "arm"},
    {"time": "years", "event": "status", "group": "site", "strata": "arm", "weights": "patients"},
    {"time": "years", "event": "died", "group": "arm", "timefix": False},
]


@pytest.mark.parametrize("road", ROADS, ids=lambda road: "-".join(map(str, road.values())))
def test_events_are_those_of_the_arrays(road: dict[str, Any], load: Any) -> None:
    connection = load(CELLS, TYPES)
    columns = {name: FRAME[word] for name, word in road.items() if name != "timefix"}
    timefix = road.get("timefix", True)
    made = cs.EventTable.from_sql(connection, table="cohort", **road)
    assert_same(made, cs.EventTable.from_arrays(**columns, timefix=timefix))


def test_statistics_are_the_same_to_the_last_bit(load: Any) -> None:
    connection = load(CELLS, TYPES)
    for time in ("days", "years"):
        events = cs.EventTable.from_sql(connection, table="cohort", time=time, event="died", group="arm")
        known = cs.EventTable.from_arrays(FRAME[time], FRAME["died"], FRAME["arm"])
        pd.testing.assert_frame_equal(cs.kaplan_meier(events).to_frame(), cs.kaplan_meier(known).to_frame(), rtol=0)
        assert cs.log_rank_test(events).p_value == cs.log_rank_test(known).p_value


def test_counts_are_those_of_the_rows(load: Any) -> None:
    connection = load(CELLS, TYPES)
    made = cs.CountTable.from_sql(connection, table="cohort", outcome="died", group="arm")
    by_arm = FRAME.groupby("arm")["died"].agg(["sum", "count"])
    assert made.groups == ("B", "a", "é", "年")  # by code point, whatever the engine sorts by
    assert made.events == tuple(by_arm["sum"])
    assert made.totals == tuple(by_arm["count"])
    weighted = cs.CountTable.from_sql(connection, table="cohort", outcome="status", weights="patients")
    assert weighted.events == (int(FRAME["patients"][FRAME["died"]].sum()),)
    assert weighted.totals == (int(FRAME["patients"].sum()),)


def test_outcome_and_event_may_be_expressions(load: Any) -> None:
    connection = load(CELLS, TYPES)
    made = cs.CountTable.from_sql(
        connection, table="cohort", outcome="days > 20 and died", group="site", where="arm != 'B'"
    )
    inside = FRAME[FRAME["arm"] != "B"]
    assert made.groups == ("2", "9", "10")
    for site, events, total in zip((2, 9, 10), made.events, made.totals, strict=True):
        mine = inside[inside["site"] == site]
        assert (events, total) == (int(((mine["days"] > 20) & mine["died"]).sum()), len(mine))
    events = cs.EventTable.from_sql(connection, table="cohort", time="days + 1", event="status == 0", group="arm")
    assert_same(events, cs.EventTable.from_arrays(FRAME["days"] + 1, FRAME["status"] == 0, FRAME["arm"]))


def test_days_between_dates(load: Any) -> None:
    start = [dt.date(2016, 2, 28), dt.date(1969, 12, 31), dt.date(2000, 1, 1)]
    end = [dt.date(2016, 3, 4), dt.date(1970, 1, 2), dt.date(2020, 1, 1)]
    cells = {"start": start, "seen": end, "died": [True, False, True]}
    connection = load(cells, {"start": "date", "seen": "date", "died": "boolean"})
    made = cs.EventTable.from_sql(connection, table="cohort", time="days(start, seen)", event="died")
    assert made.time.tolist() == [2, 5, 7305]  # 20 years, five of them leap years
    assert made.n_event.tolist() == [0, 1, 1]


def test_where_leaves_out_what_is_no_and_what_is_missing(load: Any) -> None:
    cells = {"days": [1, 2, 3, 4], "died": [True] * 4, "age": [70.0, None, 50.0, 71.0], "site": [1, 1, 1, None]}
    connection = load(cells, {"days": "integer", "died": "boolean", "age": "real", "site": "integer"})
    made = cs.EventTable.from_sql(
        connection, table="cohort", time="days", event="died", group="site", where="age > 60 and site is not missing"
    )
    assert made.time.tolist() == [1]
    with pytest.raises(cs.InputError, match=r"^there are no patients\.$"):
        cs.EventTable.from_sql(connection, table="cohort", time="days", event="died", where="age > 99")


BAD: list[tuple[dict[str, list[Any]], list[str]]] = [
    (
        {"days": [1, None, 3, None], "died": [1, 0, None, 1], "arm": ["a", None, "b", "b"]},
        [
            "time is missing in 2 rows; exclude or complete these patients first.",
            "event is missing in 1 row; exclude or complete this patient first.",
            "group is missing in 1 row; exclude or complete this patient first.",
        ],
    ),
    (
        {"days": [1, -3, 3, -3], "died": [1, 2, 1, 2], "arm": ["a"] * 4},
        [
            "time is −3 in 2 rows; times start at 0.",
            "event holds 1 and 2; give booleans or 0/1 (if 2 is the event: `event == 2`).",
        ],
    ),
    (
        {"days": [1, 2, 3, 4], "died": [1, 0, 3, 3], "arm": ["a"] * 4},
        ["event holds 3 (2 rows); give booleans or 0/1."],
    ),
    (
        {"days": [1] * 7, "died": [10, 20, 30, 40, 50, 60, 70], "arm": ["a"] * 7},
        ["event holds 7 different values; it looks like a time column. Are time and event swapped?"],
    ),
    ({"days": [], "died": [], "arm": []}, ["there are no patients."]),
]


@pytest.mark.parametrize(("cells", "sentences"), BAD)
def test_every_fault_of_the_values_at_once(cells: dict[str, list[Any]], sentences: list[str], load: Any) -> None:
    connection = load(cells, {"days": "integer", "died": "integer", "arm": "text"})
    with pytest.raises(cs.InputError) as told:
        cs.EventTable.from_sql(connection, table="cohort", time="days", event="died", group="arm")
    assert list(told.value.problems) == sentences


def test_values_that_only_floats_have(engine: str, load: Any) -> None:
    cells = {"t": [0.5, float("inf"), float("nan"), 2.25, -0.5], "died": [True, False, True, False, True]}
    connection = load(cells, {"t": "real", "died": "boolean"})
    with pytest.raises(cs.InputError) as told:
        cs.EventTable.from_sql(connection, table="cohort", time="t", event="died")
    assert list(told.value.problems) == [
        "time is missing in 1 row; exclude or complete this patient first.",
        "time is −0.5 in 1 row; times start at 0.",
        "time is inf in 1 row; give finite values.",
    ]


def test_entries_and_weights_are_checked(load: Any) -> None:
    cells = {"days": [5, 5, 9], "died": [True] * 3, "entry": [5, 5, 1], "w": [1.0, 0.5, 2.0]}
    connection = load(cells, {"days": "integer", "died": "boolean", "entry": "integer", "w": "real"})
    with pytest.raises(cs.InputError, match=r"^entry 5 is not before time 5 in 2 rows\.$"):
        cs.EventTable.from_sql(connection, table="cohort", time="days", event="died", entry="entry")
    with pytest.raises(cs.InputError, match=r"^weights must be counts of patients; 0\.5 stands in 1 row\.$"):
        cs.EventTable.from_sql(connection, table="cohort", time="days", event="died", weights="w")


def test_dates_and_text_are_no_times(load: Any) -> None:
    cells = {"day": ["2016-01-01"], "word": ["36 d"], "died": ["yes"]}
    connection = load(cells, {"day": "text", "word": "text", "died": "text"})
    with pytest.raises(cs.InputError) as told:
        cs.EventTable.from_sql(connection, table="cohort", time="word", event="died", group="day")
    assert list(told.value.problems) == [
        "time holds text ('36 d'); give numbers.",
        "event holds text ('yes'); give booleans or 0/1.",
    ]


def test_names_and_expressions_are_checked_together(load: Any) -> None:
    connection = load(CELLS, TYPES)
    with pytest.raises(cs.InputError) as told:
        cs.EventTable.from_sql(
            connection, table="cohort", time="dayz", event="died or", group="armm", where="sex == 'F' and days > '3'"
        )
    assert list(told.value.problems) == [
        "cohort has no column 'dayz'; did you mean 'days'?",
        "cohort has no column 'died or'; did you mean 'died'?",
        "cohort has no column 'armm'; did you mean 'arm'?",
        "where: cohort has no column 'sex'.",
    ]
    with pytest.raises(cs.InputError, match=r"^where: days \(number\) cannot be compared with '3' \(text\)\."):
        cs.EventTable.from_sql(connection, table="cohort", time="days", event="died", where="days > '3'")
    with pytest.raises(cs.InputError, match=r"^where: .*gives a number, yes or no is needed\.$"):
        cs.EventTable.from_sql(connection, table="cohort", time="days", event="died", where="days + 1")


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_an_enumerated_type_keeps_its_order(engine: str, load: Any) -> None:
    levels = "('low', 'high', 'none')"
    connection = load({"x": [1]}, {"x": "integer"}, "other")
    connection.execute("DROP TABLE IF EXISTS graded")
    connection.execute("DROP TYPE IF EXISTS grade")
    connection.execute(f"CREATE TYPE grade AS ENUM {levels}")
    connection.execute("CREATE TABLE graded (days INTEGER, years DOUBLE PRECISION, died BOOLEAN, g grade)")
    connection.execute(
        "INSERT INTO graded VALUES (1, 1.5, true, 'high'), (2, 2.5, false, 'low'), (3, 3.5, true, 'low')"
    )
    declared = pd.Categorical(["high", "low", "low"], categories=["low", "high", "none"])
    for time, values in (("days", [1, 2, 3]), ("years", [1.5, 2.5, 3.5])):
        made = cs.EventTable.from_sql(connection, table="graded", time=time, event="died", group="g")
        assert made.groups == ("low", "high", "none")
        assert_same(made, cs.EventTable.from_arrays(values, [1, 0, 1], group=declared))
    made = cs.EventTable.from_sql(connection, table="graded", time="days", event="died", where="g >= 'high'")
    assert made.time.tolist() == [1]
    with pytest.raises(
        cs.InputError, match=r"'hihg' is not among the levels of g: 'low', 'high', 'none'\. Did you mean"
    ):
        cs.EventTable.from_sql(connection, table="graded", time="days", event="died", where="g == 'hihg'")
    connection.execute("DROP TABLE graded")
    connection.execute("DROP TYPE grade")
