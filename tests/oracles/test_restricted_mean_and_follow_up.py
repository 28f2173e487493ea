"""R's restricted means and reverse Kaplan-Meier curves of every generated cohort beside ours. No R is needed to run this.

Known faults of R, with the right answer beside them:

- past the last time ``summary(fit, rmean = tau)`` carries a curve that did not reach 0 on; there is no mean;
- it refuses a ``tau`` before the first time; the mean is ``tau`` then, as nobody has left;
- ``summary(fit, times = )`` reads a curve literally: at 0.3 the event of 0.1 + 0.2 has not happened yet.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cohortstats.errors import CohortStatsWarning
from cohortstats.stats.events import EventTable
from cohortstats.stats.follow_up import follow_up
from cohortstats.stats.kaplan_meier import KaplanMeier, kaplan_meier
from cohortstats.stats.restricted_mean import rmst

HERE = Path(__file__).parent


@cache
def answers(name: str) -> pd.DataFrame:
    converters = {"time": float.fromhex, "entry": float.fromhex} if name == "cohorts" else None
    return pd.read_csv(HERE / f"{name}.csv.gz", converters=converters, float_precision="round_trip")


@cache
def tables() -> dict[int, EventTable]:
    found = {}
    for cohort, frame in answers("cohorts").groupby("cohort"):
        found[cohort] = EventTable.from_arrays(
            frame["time"],
            frame["event"],
            group=frame["group"],
            entry=frame["entry"] if frame["kind"].iloc[0] == "delayed_entry" else None,
        )
    return found


def means(cohort: int, tau: float) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortStatsWarning)  # late entrants after S = 0: R says nothing either
        return rmst(tables()[cohort], tau=tau).set_index("group")


def test_restricted_means() -> None:
    compared = beyond = before = 0
    for (cohort, tau), rows in answers("restricted_mean").groupby(["cohort", "tau"]):
        ours = means(cohort, tau)
        for row in rows.itertuples():
            mine = ours.loc[str(row.group)]
            if row.beyond and not row.ended:
                assert mine.reason == "tau beyond follow-up"
                assert math.isnan(mine.estimate)
                beyond += 1
            elif math.isnan(row.estimate):
                assert (mine.estimate, mine.std_error, mine.reason) == (tau, 0, "")
                before += 1
            else:
                assert mine.estimate == pytest.approx(row.estimate, rel=1e-12)
                assert mine.std_error == pytest.approx(row.std_error, rel=1e-11, abs=1e-12)
                compared += 1
    assert compared > 6_000
    assert beyond > 900
    assert before > 50


@cache
def reverse(cohort: int) -> KaplanMeier:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortStatsWarning)
        return follow_up(tables()[cohort])


def test_follow_up() -> None:
    for cohort, rows in answers("follow_up").groupby("cohort"):
        km = reverse(cohort)
        medians = km.quantile().set_index("group")
        frame = km.to_frame()
        for row in rows.itertuples():
            ours = frame[frame["group"] == str(row.group)]
            assert (ours["n_event"].sum(), ours["n_censored"].sum()) == (row.n_event, row.n_censored)
            assert ours["n_at_risk"].tolist() == [int(n) for n in str(row.n_at_risk).split()]
            np.testing.assert_allclose(
                ours["survival"], np.array(str(row.survival).split(), dtype=float), rtol=1e-12, atol=1e-14
            )
            np.testing.assert_allclose(
                medians.loc[str(row.group), ["estimate", "ci_lower", "ci_upper"]].to_numpy(dtype=float),
                [row.median, row.ci_lower, row.ci_upper],
                rtol=1e-14,
            )


def test_reversing_the_table_is_reversing_the_event() -> None:
    frames = answers("cohorts").groupby("cohort")
    for cohort, frame in frames:
        if frame["kind"].iloc[0] == "delayed_entry":
            continue
        flipped = EventTable.from_arrays(frame["time"], 1 - frame["event"], group=frame["group"])
        pd.testing.assert_frame_equal(tables()[cohort].reversed().to_frame(), flipped.to_frame())


def test_points_differ_from_r_where_a_time_asked_for_meets_its_near_tie_only() -> None:
    columns = ["n_at_risk", "survival", "ci_lower", "ci_upper"]
    met = 0
    for (cohort, group), rows in answers("points").groupby(["cohort", "group"]):
        km, asked = kaplan_meier(tables()[cohort]), rows["time"].to_numpy()
        ours, literal = (
            frame[frame["group"] == str(group)][columns].to_numpy(dtype=float)
            for frame in (km.at(asked), dataclasses.replace(km, timefix=False).at(asked))
        )
        np.testing.assert_allclose(literal, rows[columns], rtol=1e-10, atol=1e-12)
        distinct = np.unique(km.time)
        gap = np.abs(asked[:, None] - distinct).min(axis=1)
        near = (gap > 0) & (gap <= 2.0**-26 * max(1.0, distinct.mean()))
        np.testing.assert_array_equal(ours[~near], literal[~near])
        met += int((ours[near] != literal[near]).any(axis=1).sum())
    assert met > 0


def test_fault_a_time_asked_for_that_is_rounded() -> None:
    # R: summary(survfit(Surv(c(.1 + .2, .6), c(1, 1)) ~ 1), times = .3)$surv is 1.
    merged, literal = (
        kaplan_meier(EventTable.from_arrays([0.1 + 0.2, 0.6], [1, 1], timefix=timefix)) for timefix in (True, False)
    )
    assert merged.at(0.3)["survival"].item() == 0.5
    assert literal.at(0.3)["survival"].item() == 1
