"""Reverse Kaplan-Meier. Known answers: R ``survfit(Surv(time, 1 - event) ~ group)`` and an independent program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cohortstats.errors import InputError
from cohortstats.stats.events import EventTable
from cohortstats.stats.follow_up import follow_up

NAN = float("nan")
LATE = {"time": [20, 40, 35, 60, 90, 100], "event": [1, 1, 0, 1, 1, 0], "entry": [0, 15, 0, 30, 25, 0]}


def test_lung(shared: Callable[[str], Path]) -> None:
    frame = pd.read_csv(shared("data/clinical/Rdatasets_survival_cancer.csv"))
    everyone = EventTable.from_arrays(frame["time"], frame["status"] == 2)
    by_sex = EventTable.from_arrays(frame["time"], frame["status"] == 2, group=frame["sex"])
    columns = ["estimate", "ci_lower", "ci_upper"]
    assert follow_up(everyone).quantile(0.5)[columns].to_numpy().tolist() == [[588, 511, 821]]
    np.testing.assert_array_equal(follow_up(by_sex).quantile(0.5)[columns], [[840, 806, NAN], [529, 376, 740]])


def test_limits_and_method() -> None:
    events = EventTable.from_arrays([1, 2, 3, 4], [1, 0, 1, 0])
    assert follow_up(events).method == "reverse kaplan-meier, log-log limits"
    plain = follow_up(events, ci="plain", ci_level=0.9)
    assert (plain.method, plain.ci, plain.ci_level) == ("reverse kaplan-meier, plain limits", "plain", 0.9)


def test_at_a_tie_the_end_of_follow_up_comes_first() -> None:
    # At 5 one of four is censored, one has the event and is at risk: 1 − 1/4; at 8 the last leaves.
    found = follow_up(EventTable.from_arrays([5, 5, 6, 8], [1, 0, 1, 0]))
    assert found.n_at_risk.tolist() == [4, 2, 1]
    assert found.survival.tolist() == [0.75, 0.75, 0]
    assert (found.n_event.tolist(), found.n_censored.tolist()) == ([1, 0, 1], [1, 1, 0])


def test_late_entries() -> None:
    # R: survfit(Surv(entry, time, 1 - event) ~ 1)
    found = follow_up(EventTable.from_arrays(**LATE))
    assert found.n_at_risk.tolist() == [4, 5, 4, 3, 2, 1]
    np.testing.assert_allclose(found.survival, [1, 0.8, 0.8, 0.8, 0.8, 0], rtol=1e-14)


def test_reversing_a_table_twice_is_nothing() -> None:
    for events in (EventTable.from_arrays(**LATE), EventTable.from_arrays([5, 8, 8], [1, 0, 1], group=["a", "b", "b"])):
        twice = events.reversed().reversed()
        pd.testing.assert_frame_equal(twice.to_frame(), events.to_frame())


def test_a_table_that_lacks_rows_for_a_test_of_follow_up() -> None:
    # Group b enters between 4 and 10, so nobody can say from the table who of it is at risk when a's follow-up ends at 9.
    events = EventTable.from_arrays([4, 9, 10], [1, 0, 1], group=["a", "a", "b"], entry=[0, 0, 8])
    with pytest.raises(InputError) as caught:
        events.reversed()
    assert caught.value.problems == (
        "with late entries the table does not say who of group 'b' is at risk at 9; "
        "make it from the patients, with the event reversed.",
    )
    assert follow_up(events).n_at_risk.tolist() == [2, 1, 1]  # a curve needs its own rows only
    # Without late entries, and with a single group, every row is there.
    assert EventTable.from_arrays([4, 9, 6], [1, 0, 1], group=["a", "a", "b"]).reversed().n_events.tolist() == [1, 0]
    assert EventTable.from_arrays(**LATE).reversed().n_events.tolist() == [2]


def test_door() -> None:
    strata = EventTable.from_arrays([5, 8], [1, 0], strata=["x", "y"])
    with pytest.raises(InputError) as caught:
        follow_up(strata, ci="loglog", ci_level=95)  # type: ignore[arg-type]
    assert caught.value.problems == (
        "ci 'loglog' is not known; did you mean 'log-log'?",
        "ci_level is 95; give a fraction, such as 0.95.",
        "kaplan_meier draws one curve a group; there are 2 strata. "
        "Leave strata out, or join stratum and group in one label.",
    )
