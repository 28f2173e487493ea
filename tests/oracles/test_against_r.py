"""What R printed for every generated input, beside ours. The answers are files, so no R is needed to run this.

Known faults of R, with the right answer beside them (each has its test at the end of this file):

- arcsin limits at S = 1 are NaN in R (0 · ∞); they are 1 and 1;
- ``quantile`` sorts a limit curve that is not monotone (log limits with few at risk, log-log limits with late entries),
  which loses the first crossing; ours is the first crossing;
- ``survdiff`` prints 0 where there is no event, and a number where no two groups meet; there is no statistic.
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
from cohortstats.stats.kaplan_meier import KaplanMeier, LimitType, kaplan_meier
from cohortstats.stats.log_rank import log_rank_test

HERE = Path(__file__).parent
TYPES: tuple[LimitType, ...] = ("plain", "log", "log-log", "logit", "arcsin")
EXACT = {"rtol": 1e-10, "atol": 1e-12}
NUMBERS = {"time": float.fromhex, "entry": float.fromhex}


@cache
def answers(name: str) -> pd.DataFrame:
    return pd.read_csv(
        HERE / f"{name}.csv.gz", converters=NUMBERS if name == "cohorts" else None, float_precision="round_trip"
    )


@cache
def cohorts() -> dict[int, pd.DataFrame]:
    return dict(iter(answers("cohorts").groupby("cohort")))


@cache
def table(cohort: int, *, stratified: bool = False) -> EventTable:
    frame = cohorts()[cohort]
    levels = range(int(frame["group"].max()) + 1)  # declared levels, the empty one among them
    return EventTable.from_arrays(
        frame["time"],
        frame["event"],
        group=pd.Categorical(frame["group"], categories=list(levels)),
        strata=frame["stratum"] if stratified else None,
        entry=frame["entry"] if frame["kind"].iloc[0] == "delayed_entry" else None,
    )


@cache
def curve(cohort: int, ci: LimitType) -> KaplanMeier:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortStatsWarning)  # late entrants after S = 0: R says nothing either
        return kaplan_meier(table(cohort), ci=ci)


def numbers(text: str) -> np.ndarray:
    return np.array(str(text).split(), dtype=float)


def test_kinds_are_many() -> None:
    sizes = answers("cohorts").groupby("kind")["cohort"].nunique()
    assert len(sizes) == 15
    assert sizes.min() >= 60
    assert sizes.sum() >= 1_000


@pytest.mark.parametrize("ci", TYPES)
def test_curves(ci: LimitType) -> None:
    expected = answers("curves")
    ours = pd.concat([curve(cohort, ci).to_frame() for cohort in cohorts()], ignore_index=True)
    assert (ours["group"].astype(int) == expected["group"]).all()
    for column in ("n_at_risk", "n_event", "n_censored"):
        assert (ours[column] == expected[column]).all()
    np.testing.assert_allclose(ours["time"], expected["time"], rtol=1e-14)
    ended = (expected["survival"] == 0).to_numpy()
    np.testing.assert_allclose(ours["survival"], expected["survival"], **EXACT)
    # R's NaN at S = 0 is written as nothing; ours is nan.
    assert np.isnan(ours["std_error"][ended]).all()
    np.testing.assert_allclose(ours["std_error"][~ended], expected["std_error"][~ended], **EXACT)
    for side in ("lower", "upper"):
        right = expected[f"{ci}_{side}"].to_numpy().copy()
        if ci == "arcsin":
            right[(expected["survival"] == 1).to_numpy()] = 1.0  # the known fault
        elif ci == "plain":
            right[ended] = math.nan  # R carries no missing value into the plain limits of a curve that has ended
        np.testing.assert_allclose(ours[f"ci_{side}"], right, **EXACT)


def quantiles(rule: str, ci: LimitType) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ours and R's, row by row; groups without patients left out."""
    expected = answers("quantiles")
    expected = expected[(expected["rule"] == rule) & (expected["ci"] == ci)].reset_index(drop=True)
    fractions = sorted(expected["p"].unique())
    frames = [curve(cohort, ci).quantile(fractions, rule=rule) for cohort in cohorts()]  # type: ignore[arg-type]
    ours = pd.concat(frames, ignore_index=True)
    return ours[ours["reason"] != "no patients"].reset_index(drop=True), expected


@pytest.mark.parametrize("ci", TYPES)
@pytest.mark.parametrize("rule", ["summary", "quantile"])
def test_quantiles(rule: str, ci: LimitType) -> None:
    ours, expected = quantiles(rule, ci)
    np.testing.assert_allclose(ours["estimate"], expected["estimate"], rtol=1e-14)
    for side in ("ci_lower", "ci_upper"):
        falls = np.array(
            [falls_only(*key, ci, side) for key in zip(expected["cohort"], expected["group"], strict=True)]
        )
        assert falls.mean() > 0.7
        kept = falls if rule == "quantile" else np.ones_like(falls)
        np.testing.assert_allclose(ours[side][kept], expected[side][kept], rtol=1e-14)


@cache
def falls_only(cohort: int, group: int, ci: LimitType, side: str) -> bool:
    """Whether a limit curve never rises: R's ``quantile`` reads other curves wrongly."""
    km = curve(cohort, ci)
    limits = getattr(km, side)[km.group == group]
    return bool((np.diff(limits[~np.isnan(limits)]) <= 0).all())


def test_fault_quantile_of_a_limit_curve_that_rises() -> None:
    found = 0
    for ci in TYPES:
        ours, expected = quantiles("quantile", ci)
        differing = ~np.isclose(ours["ci_lower"], expected["ci_lower"], rtol=1e-12, equal_nan=True)
        for row in expected[differing].itertuples():
            limits = curve(row.cohort, ci).to_frame().query(f"group == '{row.group}'")
            first = limits["time"][limits["ci_lower"] < 1 - row.p].iloc[0]
            assert ours["ci_lower"][row.Index] == first < row.ci_lower
            found += 1
    assert found > 0


def test_points() -> None:
    expected = answers("points")
    asked = dict(iter(expected.groupby(["cohort", "group"])))
    for (cohort, group), rows in asked.items():
        # R reads the time asked for literally; with near ties merged ours may be the event time it is rounded from.
        literal = dataclasses.replace(curve(cohort, "log-log"), timefix=False)
        ours = literal.at(rows["time"].tolist())
        ours = ours[ours["group"] == str(group)]
        assert (ours["n_at_risk"].to_numpy() == rows["n_at_risk"].to_numpy()).all()
        for column in ("survival", "ci_lower", "ci_upper"):
            np.testing.assert_allclose(ours[column], rows[column], **EXACT)


def test_log_rank() -> None:
    compared = 0
    for row in answers("log_rank").itertuples():
        test = log_rank_test(table(row.cohort, stratified=row.stratified), rho=row.rho)
        if row.statistic == "refused":
            assert test.reason
            continue
        present = test.n > 0
        np.testing.assert_allclose(test.observed[present], numbers(row.observed), **EXACT)
        np.testing.assert_allclose(test.expected[present], numbers(row.expected), **EXACT)
        variance = test.variance[np.ix_(present, present)]
        np.testing.assert_allclose(variance.ravel(), numbers(row.variance), rtol=1e-10, atol=1e-11)
        if not test.reason:
            assert test.statistic == pytest.approx(float(row.statistic), rel=1e-10, abs=1e-11)
            compared += 1
    assert compared > 1_200


def test_fault_arcsin_before_the_first_event() -> None:
    at_one = answers("curves")["survival"] == 1
    assert answers("curves").loc[at_one, "arcsin_lower"].isna().all()
    km = kaplan_meier(EventTable.from_arrays([1, 2, 3], [0, 1, 1]), ci="arcsin")
    assert (km.ci_lower[0], km.ci_upper[0]) == (1.0, 1.0)
