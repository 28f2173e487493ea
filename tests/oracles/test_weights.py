"""Patients counted by weights: what R says of weighted curves, and of the repeated rows. No R is needed to run this."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cohortstats.stats.events import EventTable
from cohortstats.stats.kaplan_meier import kaplan_meier
from cohortstats.stats.log_rank import log_rank_test
from cohortstats.stats.restricted_mean import rmst

HERE = Path(__file__).parent
HEXADECIMAL = {"time": float.fromhex, "entry": float.fromhex}

pytestmark = pytest.mark.filterwarnings("ignore:everyone at risk:cohortstats.errors.CohortStatsWarning")


@cache
def answers(name: str) -> pd.DataFrame:
    return pd.read_csv(
        HERE / f"weights_{name}.csv.gz",
        converters=HEXADECIMAL if name == "cohorts" else None,
        float_precision="round_trip",
    )


def table(frame: pd.DataFrame, *, repeated: bool = False) -> EventTable:
    if repeated:
        frame = frame.loc[frame.index.repeat(frame["weight"])]
    return EventTable.from_arrays(
        frame["time"],
        frame["event"],
        group=frame["group"],
        entry=frame["entry"] if frame["kind"].iloc[0] == "late entries" else None,
        weights=None if repeated else frame["weight"],
    )


@cache
def tables() -> dict[int, EventTable]:
    return {cohort: table(frame) for cohort, frame in answers("cohorts").groupby("cohort")}


def test_cohorts_are_many() -> None:
    assert len(tables()) == 88
    assert (answers("cohorts")["weight"] == 0).sum() > 100


def test_curves() -> None:
    expected = answers("curves")
    ours = pd.concat([kaplan_meier(events).to_frame() for events in tables().values()], ignore_index=True)
    for column in ("n_at_risk", "n_event", "n_censored"):
        assert (ours[column] == expected[column]).all()
    np.testing.assert_allclose(ours["time"], expected["time"], rtol=1e-14)
    ended = (expected["survival"] == 0).to_numpy()
    for column in ("survival", "std_error", "ci_lower", "ci_upper"):
        defined = ~ended if column != "survival" else np.ones_like(ended)
        np.testing.assert_allclose(ours[column][defined], expected[column][defined], rtol=1e-11, atol=1e-13)
        assert column == "survival" or ours[column][ended].isna().all()


def test_medians_and_means() -> None:
    for row in answers("summaries").itertuples():
        events = tables()[row.cohort]
        median = kaplan_meier(events).quantile().set_index("group").loc[str(row.group)]
        np.testing.assert_allclose(
            median[["estimate", "ci_lower", "ci_upper"]].to_numpy(dtype=float),
            [row.median, row.ci_lower, row.ci_upper],
            rtol=1e-14,
        )
        mean = rmst(events, tau=row.tau).set_index("group").loc[str(row.group)]
        assert mean.estimate == pytest.approx(row.rmst, rel=1e-12)
        assert mean.std_error == pytest.approx(row.rmst_error, rel=1e-11, abs=1e-13)


def test_log_rank() -> None:
    compared = 0
    for row in answers("summaries").itertuples():
        test = log_rank_test(tables()[row.cohort])
        if not np.isnan(row.chi_square) and not test.reason:
            assert test.statistic == pytest.approx(row.chi_square, rel=1e-9, abs=1e-11)
            compared += 1
    assert compared > 100


def test_weights_are_repeated_rows() -> None:
    for cohort, frame in answers("cohorts").groupby("cohort"):
        pd.testing.assert_frame_equal(tables()[cohort].to_frame(), table(frame, repeated=True).to_frame())
