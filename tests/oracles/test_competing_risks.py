"""Competing risks of R's survival and cmprsk beside ours, on 240 cohorts; the answers are files.

R prints −1 for Gray's test where a group has nobody at risk at any event of the cause; there is no statistic. Its two
forms of Fine and Gray's model are both in the file: ours is ``finegray`` and ``coxph``, and ``crr`` differs where a
censoring shares its time with an event.
"""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cohortstats.errors import CohortStatsWarning, InputError
from cohortstats.stats.competing import cumulative_incidence, fine_gray, gray_test
from cohortstats.stats.moments import merge_times

HERE = Path(__file__).parent
EXACT = {"rtol": 1e-10, "atol": 1e-12}


@cache
def cohorts() -> dict[int, pd.DataFrame]:
    rows = pd.read_csv(HERE / "competing.csv.gz", converters={"time": float.fromhex})
    # Both causes are declared, for the cohorts in which one of them is never seen.
    declared = pd.Categorical(rows["cause"], categories=[0, 1, 2])
    return dict(iter(rows.assign(declared=declared).groupby("cohort")))


def answers(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / f"{name}.csv.gz", float_precision="round_trip")


def test_incidence_with_its_jackknife_and_limits() -> None:
    expected = answers("cumulative_incidence")
    made = [cumulative_incidence(c["time"], c["declared"], group=c["group"]) for c in cohorts().values()]
    assert len(made) == 240
    ours = pd.concat(made, ignore_index=True)
    assert (ours["group"].astype(int) == expected["group"]).all()
    assert (ours["cause"] == expected["cause"]).all()
    np.testing.assert_allclose(ours["time"], expected["time"], rtol=1e-14)
    for column in ("estimate", "std_error", "ci_lower", "ci_upper"):
        np.testing.assert_allclose(ours[column], expected[column], **EXACT)


def test_gray() -> None:
    undefined = 0
    for row in answers("gray").itertuples():
        c = cohorts()[row.cohort]
        ours = gray_test(c["time"], c["declared"], c["group"], cause_of_interest=row.cause)
        if np.isnan(row.statistic):
            assert ours.reason == "no events"
        elif row.statistic == -1:
            undefined += 1
            assert ours.reason == "groups never at risk together"
        else:
            assert (ours.reason, ours.df) == ("", row.df)
            assert ours.statistic == pytest.approx(row.statistic, rel=1e-9, abs=1e-12)
    assert undefined == 4


def test_fine_gray() -> None:
    agrees = {False: [], True: []}  # by whether a censoring shares its time with an event: whether crr is the same
    for row in answers("fine_gray").itertuples():
        c = cohorts()[row.cohort]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CohortStatsWarning)
            try:
                ours = fine_gray(c["time"], c["cause"], c[["group", "x"]], ties=row.ties, allow_few_events=True)
            except InputError:
                assert 0 < row.events <= 2
                continue
        assert (ours.reason == "no events") == (row.events == 0)
        if row.events == 0:
            continue
        assert (ours.reason == "monotone likelihood") == row.warned
        if row.warned:
            continue
        np.testing.assert_allclose(ours.coef, [row.coef_1, row.coef_2], rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(ours.std_error, [row.se_1, row.se_2], rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(ours.log_likelihood, [row.null, row.fitted], rtol=1e-10)
        if row.ties == "breslow":
            time, _ = merge_times(c["time"].to_numpy(), None)
            shared = bool(np.isin(time[c["cause"] == 0], time[c["cause"] > 0]).any())
            agrees[shared].append(np.allclose(ours.coef, [row.crr_1, row.crr_2], rtol=0, atol=1e-6))
    assert len(agrees[False]) > 50
    assert all(agrees[False])
    assert sum(agrees[True]) < len(agrees[True]) / 2
