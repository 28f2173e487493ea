"""Cox models of R's survival beside ours, on 384 cohorts. The answers are files, so no R is needed to run this.

Where there is no finite maximum R returns a number after a warning, or NA for the coefficient that ran away and a
number for the other; ours is nan, ``monotone likelihood``. R's ``cox.zph`` stops with an error on exact ties with late
entries, and prints nan for the logarithm of an event time of 0.
"""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cohortstats.errors import CohortStatsWarning, InputError
from cohortstats.stats import cox_engines
from cohortstats.stats.hazard import CoxModel, Ties, cox

HERE = Path(__file__).parent
TIES: tuple[Ties, ...] = ("efron", "breslow", "exact")
CLOSE = {"rtol": 1e-7, "atol": 1e-7}  # of max(1, |R|)


@cache
def cohorts() -> dict[int, pd.DataFrame]:
    numbers = {"time": float.fromhex, "entry": float.fromhex}
    rows = pd.read_csv(HERE / "regression_cohorts.csv.gz", converters=numbers)
    return dict(iter(rows.groupby("cohort")))


@cache
def answers(ties: str) -> list[Any]:
    frame = pd.read_csv(HERE / "regression.csv.gz", float_precision="round_trip")
    return list(frame[frame["ties"] == ties].itertuples())


def fit(cohort: int, ties: Ties, **choices: Any) -> CoxModel:
    frame = cohorts()[cohort]
    kind = frame["kind"].iloc[0]
    if kind == "strata":
        choices["strata"] = frame["stratum"]
    if kind == "delayed_entry":
        choices["entry"] = frame["entry"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortStatsWarning)  # few events: R says nothing either
        return cox(frame["time"], frame["event"], frame[["group", "x"]], ties=ties, allow_few_events=True, **choices)


@cache
def fits(ties: Ties) -> list[tuple[Any, CoxModel | None]]:
    """R's row and our model; None where two parameters meet at most two events, which is refused."""
    found: list[tuple[Any, CoxModel | None]] = []
    for row in answers(ties):
        try:
            found.append((row, fit(row.cohort, ties)))
        except InputError as fault:
            assert "cannot carry 2 parameters" in str(fault)
            assert 0 < cohorts()[row.cohort]["event"].sum() <= 2
            found.append((row, None))
    return found


def finite(ties: Ties) -> list[tuple[Any, CoxModel]]:
    return [(row, model) for row, model in fits(ties) if model is not None and not model.reason]


def test_cohorts_are_many() -> None:
    assert len(cohorts()) == 384
    assert all(len(finite(ties)) >= 290 for ties in TIES)


@pytest.mark.parametrize("ties", TIES)
def test_which_have_a_maximum(ties: Ties) -> None:
    for row, model in fits(ties):
        if model is None:
            continue
        events = cohorts()[row.cohort]["event"].sum()
        assert (model.reason == "no events") == (events == 0)
        # R's own signs of a coefficient that runs away: a warning, NA, or a variance that is gone or huge.
        spread = np.array([row.se_1, row.se_2, row.coef_1, row.coef_2])
        astray = row.warned or np.isnan(spread).any() or np.abs(spread).max() > 50 or spread[:2].min() == 0
        if events:
            assert (model.reason == "monotone likelihood") == astray, row.cohort


@pytest.mark.parametrize("ties", TIES)
def test_fits(ties: Ties) -> None:
    for row, model in finite(ties):
        np.testing.assert_allclose(model.coef, [row.coef_1, row.coef_2], **CLOSE)
        np.testing.assert_allclose(model.std_error, [row.se_1, row.se_2], **CLOSE)
        np.testing.assert_allclose(model.covariance[0, 1], row.covariance, **CLOSE)
        np.testing.assert_allclose(model.log_likelihood, [row.null, row.fitted], rtol=1e-12)
        np.testing.assert_allclose(model.likelihood_ratio.statistic, 2 * (row.fitted - row.null), rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(model.score.statistic, row.score, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(model.wald.statistic, row.wald, **CLOSE)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_robust_and_clustered_variance(ties: Ties) -> None:
    for row, _ in finite(ties):
        robust = fit(row.cohort, ties, robust=True)
        clustered = fit(row.cohort, ties, cluster=cohorts()[row.cohort]["cluster"])
        np.testing.assert_allclose(robust.std_error, [row.robust_1, row.robust_2], **CLOSE)
        np.testing.assert_allclose(clustered.std_error, [row.cluster_1, row.cluster_2], **CLOSE)


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
@pytest.mark.parametrize("ties", TIES)
def test_proportionality(ties: Ties, transform: Any) -> None:
    compared = 0
    for row, model in finite(ties):
        theirs = getattr(row, transform).split()
        if not theirs:  # R gives nothing
            zero = cohorts()[row.cohort].query("event == 1")["time"].min() == 0
            assert (ties == "exact" and row.kind == "delayed_entry") or (transform == "log" and zero)
            if zero:
                with pytest.raises(InputError, match="needs event times above 0"):
                    model.proportionality(transform)
            continue
        compared += 1
        ours = model.proportionality(transform)
        assert ours["term"].tolist() == ["group", "x", "GLOBAL"]
        np.testing.assert_allclose(ours["statistic"], np.array(theirs, float), rtol=1e-7, atol=1e-9)
    assert compared > 230


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_fallback(ties: Ties, monkeypatch: pytest.MonkeyPatch) -> None:
    found = cox_engines.find_spec
    monkeypatch.setattr(cox_engines, "find_spec", lambda name: None if name == "survival" else found(name))
    rows = [(row, model) for row, model in finite(ties) if row.kind != "delayed_entry"][::4]
    for row, model in rows:
        stand_in = fit(row.cohort, ties)
        assert "statsmodels" in stand_in.method
        np.testing.assert_allclose(stand_in.coef, [row.coef_1, row.coef_2], **CLOSE)
        np.testing.assert_allclose(stand_in.std_error, model.std_error, **CLOSE)
        np.testing.assert_allclose(stand_in.log_likelihood, [row.null, row.fitted], rtol=1e-12)
        np.testing.assert_allclose(stand_in.score.statistic, row.score, rtol=1e-9, atol=1e-10)
