"""Arrays that once gave a traceback or a wrong number where a sentence belongs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs

table = cs.EventTable.from_arrays
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "masked time": (
        lambda: table(np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]), [1, 1, 1]),
        "time is missing at position 2; exclude or complete this patient first.",
    ),
    "complex time": (lambda: table(np.array([1 + 2j, 3]), [1, 1]), "time holds complex numbers; give numbers."),
    "no dimension": (lambda: table(np.array(5), [1]), "time must be one column; it has shape ()."),
    "cause without dimension": (
        lambda: cs.cumulative_incidence(np.array(5), np.array(1)),
        "time must be one column; it has shape ().",
    ),
    "marker without dimension": (
        lambda: cs.maxstat(np.array(5), [1, 2, 3], [1, 1, 1]),
        "marker must be one column; it has shape ().",
    ),
    "weights past counting": (
        lambda: table([1, 2, 3], [1, 1, 1], weights=[2**62, 2**62, 1]),
        "weights add up to more patients than there can be; were they counted in another unit?",
    ),
    "level in words": (
        lambda: cs.kaplan_meier(table([1, 2], [1, 1]), ci_level="95 %"),  # type: ignore[arg-type]
        "ci_level is '95 %'; give a fraction, such as 0.95.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_one_sentence(name: str) -> None:
    call, sentence = REFUSED[name]
    with pytest.raises(cs.InputError) as caught:
        call()
    assert sentence in caught.value.problems


def test_group_by_merges_near_ties() -> None:
    # χ² .0413223140496 with near ties merged, .214408233276 with floats taken literally (R survdiff, aeqSurv).
    rows = pd.DataFrame(
        {
            "time": [0.3, 0.1 + 0.2, 0.5, 0.7, 0.3, 0.9],
            "event": [1, 1, 1, 0, 1, 1],
            "group": ["a", "b", "b", "a", "a", "b"],
        }
    )
    counted = rows.groupby(["group", "time"])["event"].agg(n_event="sum", n="size").reset_index()
    counted["n_censored"] = counted["n"] - counted["n_event"]
    for timefix, statistic in ((True, 0.0413223140496), (False, 0.214408233276)):
        events = cs.EventTable.from_frame(counted.drop(columns="n"), timefix=timefix)
        assert cs.log_rank_test(events).statistic == pytest.approx(statistic, rel=1e-11)


@pytest.mark.filterwarnings("ignore::cohortstats.errors.CohortStatsWarning")
def test_one_cluster_has_no_variance() -> None:
    time, event = [3, 5, 8, 11, 14, 20, 26, 30], [1, 1, 1, 0, 1, 1, 0, 1]
    model = cs.cox(time, event, {"x": [1, 0, 0, 1, 0, 1, 0, 1]}, cluster=["a"] * 8)
    assert (model.reason, np.isnan(model.std_error).all()) == ("variance is zero", True)


@pytest.mark.filterwarnings("ignore::cohortstats.errors.CohortStatsWarning")
def test_no_trend_in_time_where_patients_differ_once() -> None:
    tests = cs.cox([0, 0, 0, 0.1], [1] * 4, {"x": [5, 6, 3, 8]}).proportionality("rank")
    assert set(tests["reason"]) == {"no variation"}
    assert tests["p_value"].isna().all()
