"""The table of events: what it counts, what it refuses, and that every road to it gives the same table."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cohortstats.errors import InputError
from cohortstats.stats.event_counts import count_patients
from cohortstats.stats.events import EventTable

NAN = float("nan")


def rows(table: EventTable) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in table.to_frame().itertuples(index=False)]


def assert_same(one: EventTable, two: EventTable) -> None:
    assert (one.groups, one.strata) == (two.groups, two.strata)
    for name in ("stratum", "group", "time", "n_at_risk", "n_event", "n_censored"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def test_events_come_before_censorings() -> None:
    table = EventTable.from_arrays([5, 5, 5, 7], [True, False, True, False])
    assert rows(table) == [("all", 5, 4, 2, 1), ("all", 7, 1, 0, 1)]


def test_groups_in_their_order() -> None:
    declared = pd.Categorical(["low", "high", "low"], categories=["low", "mid", "high"])
    table = EventTable.from_arrays([1, 2, 3], [1, 1, 0], group=declared)
    assert table.groups == ("low", "mid", "high")
    assert table.n.tolist() == [2, 0, 1]
    assert table.n_events.tolist() == [1, 0, 1]
    for series in (pd.Series(declared), pd.CategoricalIndex(declared)):
        assert_same(EventTable.from_arrays([1, 2, 3], [1, 1, 0], group=series), table)
    assert EventTable.from_arrays([1, 2, 3], [1, 1, 0], group=[10, 9, 10]).groups == ("9", "10")
    assert EventTable.from_arrays([1, 2, 3], [1, 1, 0], group=[1.0, 0.0, 1.0]).groups == ("0", "1")
    assert EventTable.from_arrays([1, 2, 3], [1, 1, 0], group=["b", "a", 1]).groups == ("1", "a", "b")
    assert EventTable.from_arrays([1, 2], [1, 1], group=np.array([2**62, -(2**62)])).groups[0].startswith("-")
    assert EventTable.from_arrays([1, 2], [1, 1], group=[True, False]).groups == ("False", "True")


def test_strata() -> None:
    table = EventTable.from_arrays([1, 2, 3, 4], [1, 1, 0, 1], group=["a", "b", "a", "b"], strata=["y", "y", "x", "x"])
    assert rows(table) == [
        ("x", "a", 3, 1, 0, 1),
        ("x", "b", 4, 1, 1, 0),
        ("y", "a", 1, 1, 1, 0),
        ("y", "b", 2, 1, 1, 0),
    ]
    assert list(table.to_frame().columns) == ["stratum", "group", "time", "n_at_risk", "n_event", "n_censored"]


def test_late_entries() -> None:
    # Who enters at t is not at risk at t.
    table = EventTable.from_arrays([20, 40, 35, 60, 90, 100], [1, 1, 0, 1, 1, 0], entry=[0, 15, 0, 30, 25, 0])
    assert table.n_at_risk.tolist() == [4, 5, 4, 3, 2, 1]
    assert table.delayed_entry
    assert EventTable.from_arrays([3, 5], [1, 1], entry=[0, 3]).n_at_risk.tolist() == [1, 1]


def test_late_entries_add_the_event_times_of_the_others() -> None:
    table = EventTable.from_arrays([4, 9, 6], [1, 0, 1], group=["a", "a", "b"], entry=[0, 5, 1])
    assert rows(table) == [
        ("a", 4, 1, 1, 0),
        ("a", 6, 1, 0, 0),
        ("a", 9, 1, 0, 1),
        ("b", 4, 1, 0, 0),
        ("b", 6, 1, 1, 0),
    ]


def test_an_entry_before_everything_is_none() -> None:
    plain = EventTable.from_arrays([20, 40, 35], [1, 1, 0])
    assert_same(EventTable.from_arrays([20, 40, 35], [1, 1, 0], entry=[0, 5, 0]), plain)
    assert not plain.delayed_entry


def test_weights_are_patients() -> None:
    time, event, group = [3, 5, 5, 8], [1, 0, 1, 1], ["a", "a", "b", "b"]
    weights = [2, 1, 3, 0]
    repeated = [np.repeat(column, weights) for column in (time, event, group)]
    assert_same(EventTable.from_arrays(time, event, group, weights=weights), EventTable.from_arrays(*repeated))
    half = np.array(time) + 0.5
    repeated[0] = np.repeat(half, weights)
    assert_same(EventTable.from_arrays(half, event, group, weights=weights), EventTable.from_arrays(*repeated))
    entries = [0, 4, 1, 2]
    late = EventTable.from_arrays(time, event, group, entry=entries, weights=weights)
    repeated[0] = np.repeat(time, weights)
    assert_same(late, EventTable.from_arrays(*repeated, entry=np.repeat(entries, weights)))


def test_near_ties_are_merged_in_the_whole_input() -> None:
    time, event, group = [0.3, 0.1 + 0.2, 0.5, 0.7, 0.3, 0.9], [1, 1, 1, 0, 1, 1], [0, 1, 1, 0, 0, 1]
    assert EventTable.from_arrays(time, event, group).time.tolist() == [0.3, 0.7, 0.3, 0.5, 0.9]
    kept = EventTable.from_arrays(time, event, group, timefix=False)
    assert kept.time.tolist() == [0.3, 0.7, 0.1 + 0.2, 0.5, 0.9]
    assert not kept.timefix
    # A chain takes the value of its first member: the gaps are below 2^-26, the ends are not.
    chain = 1 + 1e-8 * np.arange(4)
    assert EventTable.from_arrays(chain, [1, 0, 1, 0]).to_frame().drop(columns="group").to_numpy().tolist() == [
        [1, 4, 2, 2]
    ]
    # Entries take part, and may then meet their exits.
    with pytest.raises(InputError, match=r"^entry 1 is not before time 1 at position 1\.$"):
        EventTable.from_arrays([1 + 1e-9, 2], [1, 1], entry=[1, 0])
    assert EventTable.from_arrays([1 + 1e-9, 2], [1, 1], entry=[1, 0], timefix=False).n.tolist() == [2]


def test_a_row_of_weight_zero_stands_for_nobody() -> None:
    # Were the row of weight 0 counted among the times, 0.3 + 2e-8 would be a link between its neighbours.
    time, weights = [0.3, 0.3 + 1.4e-8, 0.3 + 2.8e-8], [1, 0, 1]
    table = EventTable.from_arrays(time, [1, 1, 1], weights=weights)
    assert_same(table, EventTable.from_arrays([0.3, 0.3 + 2.8e-8], [1, 1]))
    assert table.time.size == 2
    group = EventTable.from_arrays([3, 5], [1, 1], group=["a", "b"], weights=[2, 0])
    assert (group.groups, group.n.tolist()) == (("a", "b"), [2, 0])
    late = EventTable.from_arrays([3, 5, 9], [1, 1, 0], entry=[0, 4, 4], weights=[2, 1, 0])
    assert rows(late) == [("all", 3, 2, 2, 0), ("all", 5, 1, 1, 0)]


def test_time_zero_and_its_negative() -> None:
    table = EventTable.from_arrays([-0.0, 0.0, 3.5], [1, 0, 1])
    assert rows(table) == [("all", 0, 3, 1, 1), ("all", 3.5, 1, 1, 0)]


@pytest.mark.parametrize("scale", [1, 0.37])
def test_counting_and_sorting_agree(scale: float) -> None:
    # A thousand whole days are counted; the same as fractions, and with weights, are sorted.
    rng = np.random.default_rng(7)
    time, event = rng.integers(0, 50, 1000), rng.integers(0, 2, 1000).astype(bool)
    group, strata = rng.integers(0, 3, 1000), rng.integers(0, 4, 1000)
    counted = EventTable.from_arrays(time, event, group, strata)
    plain = pd.DataFrame({"stratum": strata, "group": group, "time": time, "event": event})
    by_hand = plain.groupby(["stratum", "group", "time"])["event"].agg(["sum", "size"]).reset_index()
    for table in (
        counted,
        EventTable.from_arrays(time * scale, event, group, strata),
        EventTable.from_arrays(time * scale, event, group, strata, weights=np.ones(1000)),
        EventTable.from_arrays(time * 1e9 * scale, event, group, strata),
    ):
        assert table.n_event.tolist() == by_hand["sum"].tolist()
        assert table.n_censored.tolist() == (by_hand["size"] - by_hand["sum"]).tolist()
        np.testing.assert_array_equal(table.n_at_risk, counted.n_at_risk)


@pytest.mark.parametrize("scale", [1, 0.37])
def test_many_blocks_of_patients(scale: float) -> None:
    rng = np.random.default_rng(8)
    n = 300_000
    day, event, group = rng.integers(0, 50, n), rng.random(n) < 0.6, rng.integers(0, 2, n)
    table = EventTable.from_arrays(day * scale, event, group=group)
    events = np.zeros((2, 50), dtype=int)
    np.add.at(events, (group, day), event)
    everyone = np.zeros((2, 50), dtype=int)
    np.add.at(everyone, (group, day), 1)
    assert table.n_event.tolist() == events.ravel().tolist()
    assert (table.n_event + table.n_censored).tolist() == everyone.ravel().tolist()
    assert table.n_at_risk.tolist() == everyone[:, ::-1].cumsum(axis=1)[:, ::-1].ravel().tolist()
    # Whole days but for the very last patient: what was counted is thrown away, and everybody is sorted.
    late = EventTable.from_arrays(np.append(day, 49.5), np.append(event, True), group=np.append(group, 1))
    assert late.n_event.tolist() == [*events.ravel().tolist(), 1]
    assert late.time[-1] == 49.5


def sets_by_hand(frame: pd.DataFrame, stratum: Any) -> list[tuple[float, list[int], list[int]]]:
    """Event times with at risk and events of each group, counted patient by patient."""
    mine = frame[frame["stratum"] == stratum]
    found = []
    for time in sorted(mine.loc[mine["event"], "time"].unique()):
        there = (mine["entry"] < time) & (mine["time"] >= time)
        died = mine["event"] & (mine["time"] == time)
        found.append((time, [[int((mask & (mine["group"] == g)).sum()) for g in "abc"] for mask in (there, died)]))
    return [(time, at_risk, events) for time, (at_risk, events) in found]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_risk_sets(late: bool, whole: bool) -> None:
    rng = np.random.default_rng(9)
    n = 120
    time = rng.integers(1, 25, n) * (1 if whole else 0.7)
    frame = pd.DataFrame({"time": time, "event": rng.random(n) < 0.6, "group": rng.choice(list("abc"), n)})
    frame["stratum"] = rng.choice(["x", "y"], n)
    frame["entry"] = np.floor(time * rng.random(n)) * 0.5 if late else 0.0
    declared = pd.Categorical(frame["stratum"], categories=["x", "none", "y"])
    entry = frame["entry"] if late else None
    table = EventTable.from_arrays(frame["time"], frame["event"], frame["group"], declared, entry)
    assert table.delayed_entry == late
    for stratum, sets in zip(table.strata or (), table.risk_sets(), strict=True):
        found = [
            (float(t), at_risk, n_event)
            for t, at_risk, n_event in zip(sets.time, sets.at_risk.tolist(), sets.n_event.tolist(), strict=True)
        ]
        assert found == sets_by_hand(frame, stratum)


def test_risk_sets_cut_no_time_in_two(monkeypatch: pytest.MonkeyPatch) -> None:
    time, event, group = [1, 2, 2, 2, 3, 3, 4], [1, 1, 1, 0, 0, 1, 1], list("abcabca")
    table = EventTable.from_arrays(time, event, group=group)
    (whole,) = table.risk_sets()
    for block in (1, 2, 3):
        monkeypatch.setattr("cohortstats.stats.events.BLOCK", block)
        (cut,) = table.risk_sets()
        for name in ("time", "at_risk", "n_event"):
            np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name))
    assert whole.at_risk.tolist() == [[3, 2, 2], [2, 2, 2], [1, 1, 1], [1, 0, 0]]


def test_times_too_far_apart_to_pack_are_sorted_otherwise() -> None:
    # Between 5e-324 and 1e300 the bits of a float fill all 64.
    time = np.array([1e300, 5e-324, 1.0, 1.0])
    found = count_patients(time, np.array([True, False, True, False]), np.array([0, 1, 0, 1]), 2, None, False)
    assert (found.cell.tolist(), found.time.tolist()) == ([0, 0, 1, 1], [1.0, 1e300, 5e-324, 1.0])


@pytest.mark.parametrize(
    "time",
    [
        np.array([3.5, 0, 1.5, 0, 2.0, 0])[::2],
        np.array([3.5, 1.5, 2.0], dtype=np.float32),
        pd.Series([3.5, 1.5, 2.0], index=[7, 8, 9]),
        pd.array([3.5, 1.5, 2.0], dtype="Float64"),
        [3.5, 1.5, 2.0],
        np.array([3.5, 1.5, 2.0], dtype=">f8"),
    ],
    ids=["every other", "single precision", "pandas", "nullable", "list", "big-endian"],
)
def test_columns_of_every_kind(time: Any) -> None:
    table = EventTable.from_arrays(time, [1, 0, 1])
    assert rows(table) == [("all", 1.5, 3, 0, 1), ("all", 2.0, 2, 1, 0), ("all", 3.5, 1, 1, 0)]


def test_a_table_does_not_see_later_changes() -> None:
    time, counts, zeros = np.array([1.0, 2.0]), np.array([1, 1]), np.zeros(2, dtype=np.int64)
    table = EventTable(
        groups=("all",), strata=None, stratum=zeros, group=zeros, time=time, n_at_risk=np.array([2, 1]),
        n_event=counts, n_censored=zeros,
    )  # fmt: skip
    time[0] = counts[0] = 9
    assert (table.time.tolist(), table.n_event.tolist()) == ([1, 2], [1, 1])
    patients = np.array([2.5, 3.5])
    made = EventTable.from_arrays(patients, [1, 1])
    patients[:] = 0
    assert made.time.tolist() == [2.5, 3.5]


def test_inputs_are_left_alone_and_results_are_read_only() -> None:
    time, event = np.array([3.0, 1.0]), np.array([1, 0])
    table = EventTable.from_arrays(time, event)
    assert (time.tolist(), event.tolist()) == ([3, 1], [1, 0])
    with pytest.raises(ValueError, match="read-only"):
        table.time[0] = 9


@pytest.mark.parametrize("entry", [None, [0, 15, 0, 30, 25, 0]])
@pytest.mark.parametrize("strata", [None, [1, 1, 2, 2, 1, 2]])
def test_frame_and_back(entry: Any, strata: Any) -> None:
    group = pd.Categorical(list("abbaab"), categories=["b", "none", "a"])
    table = EventTable.from_arrays([20, 40, 35, 60, 90, 100], [1, 1, 0, 1, 1, 0], group, strata, entry)
    frame = table.to_frame()
    assert_same(EventTable.from_frame(frame), table)
    assert_same(EventTable.from_frame(frame.sample(frac=1, random_state=1)), table)
    pd.testing.assert_frame_equal(EventTable.from_frame(frame).to_frame(), frame)


def test_frame_from_a_database() -> None:
    patients = pd.DataFrame({"group": list("baab"), "time": [5, 3, 5, 5], "event": [1, 0, 1, 0]})
    counted = patients.groupby(["group", "time"], as_index=False).agg(n_event=("event", "sum"), n=("event", "size"))
    counted["n_censored"] = counted["n"] - counted["n_event"]
    assert_same(
        EventTable.from_frame(counted), EventTable.from_arrays(patients["time"], patients["event"], patients["group"])
    )


def problems_of(function: Any, *arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    return caught.value.problems


DAYS = [5, 9, 14, 20, 31, 44, 50]


@pytest.mark.parametrize(
    ("arrays", "sentences"),
    [
        (
            {"event": [1, 2, 1, 2, 1, 1, 1]},
            ("event holds 1 and 2; give booleans or 0/1 (if 2 is the event: `event == 2`).",),
        ),
        ({"event": [2] * 7}, ("event holds 2 (position 1); give booleans or 0/1.",)),
        ({"event": [0, 1, 1, 0, 0, 1, 0.5]}, ("event holds 0.5 (position 7); give booleans or 0/1.",)),
        ({"event": [0, -1, 1, 0, 0, 1, 0]}, ("event holds −1 (position 2); give booleans or 0/1.",)),
        (
            {"time": range(14), "event": range(3, 45, 3)},
            ("event holds 14 different values; it looks like a time column. Are time and event swapped?",),
        ),
        (
            {"event": [3, 8, 14, 21, 33, 40, 51]},
            ("event holds 7 different values; it looks like a time column. Are time and event swapped?",),
        ),
        ({"event": ["yes"] * 7}, ("event holds text ('yes'); give booleans or 0/1.",)),
        (
            {"event": [1, None, 0, 1, 0, 1, 1]},
            ("event is missing at position 2; exclude or complete this patient first.",),
        ),
        (
            {"time": [5, 9, NAN, 20, 31, 44, 50], "group": ["a", "b", "a", None, "b", "b", "a"]},
            (
                "time is missing at position 3; exclude or complete this patient first.",
                "group is missing at position 4; exclude or complete this patient first.",
            ),
        ),
        (
            {"time": [5, 9, NAN, 20, 31, 44, NAN]},
            ("time is missing at positions 3, 7; exclude or complete these patients first.",),
        ),
        (
            {
                "time": pd.array([5, None, 14, 20, 31, 44, 50], dtype="Int64"),
                "strata": pd.Categorical(list("aab") + [None] * 4),
            },
            (
                "time is missing at position 2; exclude or complete this patient first.",
                "stratum is missing at positions 4, 5, 6, 7; exclude or complete these patients first.",
            ),
        ),
        ({"time": [5, 9, 14, 20, 31, 44, -3]}, ("time is −3 at position 7; times start at 0.",)),
        ({"time": [5, -1, 14, 20, 31, 44, -3]}, ("time is −1 at position 2, −3 at position 7; times start at 0.",)),
        ({"time": [5, 9, 14, 20, 31, 44, np.inf]}, ("time is inf at position 7; give finite values.",)),
        (
            {"time": np.array(["2018-04-12"] * 7, dtype="datetime64[D]")},
            ("time holds dates; subtract the start date.",),
        ),
        ({"time": [dt.date(2018, 4, 12)] * 7}, ("time holds dates; subtract the start date.",)),
        ({"time": pd.Series(pd.to_timedelta(DAYS, unit="D"))}, ("time holds durations; divide by one day.",)),
        ({"time": ["36 d"] * 7}, ("time holds text ('36 d'); give numbers.",)),
        ({"time": [1, 2, 3, 4, 5, 6, [7]]}, ("time must be one column; its rows differ in length.",)),
        ({"event": [1] * 6}, ("time has 7 values, event has 6.",)),
        (
            {"group": ["a"] * 6, "weights": [1] * 8},
            ("time has 7 values, group has 6.", "time has 7 values, weights has 8."),
        ),
        ({"time": [], "event": []}, ("there are no patients.",)),
        ({"time": np.ones((7, 2))}, ("time must be one column; it has shape (7, 2).",)),
        ({"entry": [0, 9, 0, 0, 0, 0, 0]}, ("entry 9 is not before time 9 at position 2.",)),
        ({"entry": [0, 0, 0, -5, 0, 0, 0]}, ("entry is −5 at position 4; entries start at 0.",)),
        (
            {"entry": [0, 0, 0, NAN, 0, 0, 0]},
            ("entry is missing at position 4; exclude or complete this patient first.",),
        ),
        (
            {"entry": [4000, 0, 0, 0, 0, 0, 0]},
            (
                "entry 4000 is not before time 5 at position 1.",
                "entry reaches 4,000 while time reaches 50; are the units the same?",
            ),
        ),
        (
            {"time": [12, 3, 4, 5, 6, 7, 8], "entry": [4000, 0, 0, 0, 0, 0, 0]},
            (
                "entry 4000 is not before time 12 at position 1.",
                "entry reaches 4,000 while time reaches 12; are the units the same?",
            ),
        ),
        ({"entry": ["x"] * 7}, ("entry holds text ('x'); give numbers.",)),
        ({"entry": [0] * 6}, ("time has 7 values, entry has 6.",)),
        ({"weights": ["x"] * 7}, ("weights holds text ('x'); give numbers.",)),
        (
            {"weights": [1, NAN, 1, 1, 1, 1, 1]},
            ("weights is missing at position 2; exclude or complete this patient first.",),
        ),
        ({"weights": [1, 0.37, 1, 1, 1, 1, 1]}, ("weights must be counts of patients; position 2 holds 0.37.",)),
        ({"weights": [1, -2, 1, 1, 1, 1, 1]}, ("weights must be counts of patients; position 2 holds −2.",)),
        ({"weights": [0] * 7}, ("weights must be counts of patients; all are 0.",)),
        (
            {"time": ["36 d"] * 7, "event": [2] * 7, "group": [None] * 7, "weights": [0.5] * 7},
            (
                "time holds text ('36 d'); give numbers.",
                "event holds 2 (position 1); give booleans or 0/1.",
                "group is missing at positions 1, 2, 3, 4, 5, 6, 7; exclude or complete these patients first.",
                "weights must be counts of patients; position 1 holds 0.5.",
            ),
        ),
    ],
)
def test_door(arrays: dict[str, Any], sentences: tuple[str, ...]) -> None:
    assert problems_of(EventTable.from_arrays, **({"time": DAYS, "event": [1, 0, 1, 1, 0, 1, 0]} | arrays)) == sentences


def test_door_lists_no_more_than_ten_places() -> None:
    (sentence,) = problems_of(EventTable.from_arrays, [NAN] * 34, [1] * 34)
    assert sentence == (
        "time is missing at positions 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 24 more; exclude or complete these patients first."
    )


def test_door_of_a_frame() -> None:
    frame = pd.DataFrame({"time": [1.0, 1.0], "n_event": [1, 1], "n_censored": [0, 0], "n_at_risk": [2, 0]})
    assert problems_of(EventTable.from_frame, frame.drop(columns="n_event")) == ("the frame has no column 'n_event'.",)
    assert problems_of(EventTable.from_frame, frame.iloc[:0]) == ("there are no patients.",)
    assert problems_of(EventTable.from_frame, frame) == (
        "time 1 appears twice in one group.",
        "more patients leave at time 1 than are at risk.",
    )
    frame["n_event"] = [0.5, 1]
    assert problems_of(EventTable.from_frame, frame) == ("n_event must be whole numbers ≥ 0; position 1 holds 0.5.",)
