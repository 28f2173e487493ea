"""Laws of regression and competing risks that no example can show."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohortstats.errors import CohortStatsWarning, InputError
from cohortstats.stats.competing import cumulative_incidence
from cohortstats.stats.events import EventTable
from cohortstats.stats.hazard import CoxModel, cox
from cohortstats.stats.kaplan_meier import kaplan_meier
from cohortstats.stats.log_rank import log_rank_test
from cohortstats.stats.moments import event_moments

SLOW = settings(max_examples=60, deadline=None)
patient = st.tuples(st.integers(0, 15), st.booleans(), st.booleans(), st.integers(-4, 4))
cohorts = st.lists(patient, min_size=4, max_size=40)
competing = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 3)), min_size=1, max_size=40)


def columns(cohort: list[tuple[Any, ...]]) -> list[np.ndarray]:
    return [np.array(column) for column in zip(*cohort, strict=True)]


def fitted(time: Any, event: Any, covariates: Any, **choices: Any) -> CoxModel | None:
    """A model, or None where the door is shut: constant covariates, too few events."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortStatsWarning)
        try:
            return cox(time, event, covariates, allow_few_events=True, **choices)
        except InputError as fault:
            assert all(
                "has one value" in told or "cannot carry" in told or "repeats" in told for told in fault.problems
            )
            return None


@SLOW
@given(cohorts)
def test_log_rank_is_the_exact_score_test(cohort: list[Any]) -> None:
    time, event, group, _ = columns(cohort)
    model = fitted(time, event, {"group": group}, ties="exact")
    test = log_rank_test(EventTable.from_arrays(time, event, group=group))
    if model is None or math.isnan(model.score.statistic):
        # No variance means no information; a monotone likelihood has a score test, but the model stays without one.
        if model is not None and model.reason == "no variation":
            assert test.reason in {"groups never at risk together", "variance is zero"}
        return
    assert model.score.statistic == pytest.approx(test.statistic, rel=1e-9, abs=1e-12)


@SLOW
@given(cohorts, st.sampled_from(["efron", "breslow"]))
def test_the_score_vanishes(cohort: list[Any], ties: Any) -> None:
    time, event, group, x = columns(cohort)
    model = fitted(time, event, {"group": group, "x": x}, ties=ties)
    if model is None or model.reason:
        return
    design = np.column_stack([group, x]).astype(float)
    # Written out here once more, one event time at a time.
    score = np.zeros(2)
    for t in np.unique(time[event]):
        tied, at_risk = (time == t) & event, time >= t
        weight = np.exp(design @ model.coef)
        d = int(tied.sum())
        for k in range(d):
            out = k / d if ties == "efron" else 0.0
            share = weight * at_risk - out * weight * tied
            score += design[tied][k] - share @ design / share.sum()
    assert np.abs(score).max() < 1e-9
    moments = event_moments(time.astype(float), event, None, None)
    np.testing.assert_allclose(moments.score(design, model.coef, efron=ties == "efron"), 0, atol=1e-9)


@SLOW
@given(cohorts, st.sampled_from(["efron", "breslow", "exact"]), st.randoms(use_true_random=False))
def test_rows_permuted_and_weights_are_copies(cohort: list[Any], ties: Any, random: Any) -> None:
    time, event, group, x = columns(cohort)
    model = fitted(time, event, {"group": group, "x": x}, ties=ties)
    order = list(range(len(cohort)))
    random.shuffle(order)
    again = fitted(time[order], event[order], {"group": group[order], "x": x[order]}, ties=ties)
    twice = fitted(
        *(np.repeat(column, 2) for column in (time, event)),
        {"group": np.repeat(group, 2), "x": np.repeat(x, 2)},
        ties=ties,
    )
    weighted = fitted(time, event, {"group": group, "x": x}, ties=ties, weights=np.full(time.size, 2))
    assert (model is None) == (again is None)
    if model is not None and again is not None:
        assert model.reason == again.reason
        np.testing.assert_allclose(again.coef, model.coef, rtol=1e-6, atol=1e-8)
    assert (twice is None) == (weighted is None)
    if twice is not None and weighted is not None:
        assert (twice.reason, twice.n) == (weighted.reason, weighted.n)
        np.testing.assert_array_equal(twice.coef, weighted.coef)


@SLOW
@given(cohorts)
def test_one_stratum_and_entry_at_the_start_change_nothing(cohort: list[Any]) -> None:
    time, event, group, x = columns(cohort)
    time = time + 1  # entry comes before time
    covariates = {"group": group, "x": x}
    plain = fitted(time, event, covariates)
    if plain is None:
        return
    for choices in ({"strata": np.zeros(time.size)}, {"entry": np.zeros(time.size)}):
        other = fitted(time, event, covariates, **choices)
        assert other is not None
        assert other.reason == plain.reason
        np.testing.assert_allclose(other.coef, plain.coef, rtol=1e-6, atol=1e-8)


@SLOW
@given(cohorts, st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_units_of_a_covariate(cohort: list[Any], scale: float, shift: float) -> None:
    time, event, group, x = columns(cohort)
    plain = fitted(time, event, {"group": group, "x": x})
    scaled = fitted(time, event, {"group": group, "x": x * scale + shift})
    if plain is None or scaled is None or plain.reason:
        return
    np.testing.assert_allclose(scaled.coef * [1, scale], plain.coef, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(scaled.p_value, plain.p_value, rtol=1e-5, atol=1e-9)


@SLOW
@given(competing)
def test_incidences_and_survival_add_to_one(cohort: list[Any]) -> None:
    time, cause = columns(cohort)
    frame = cumulative_incidence(time, pd.Categorical(cause, categories=[0, 1, 2, 3]))
    total = frame.groupby("time")["estimate"].sum().to_numpy()
    survival = kaplan_meier(EventTable.from_arrays(time, cause > 0)).survival
    np.testing.assert_allclose(total + survival, 1, rtol=1e-12)
    assert (frame["std_error"] >= 0).all()
    defined = frame.dropna(subset=["ci_lower"])
    assert (defined["ci_lower"] <= defined["estimate"] + 1e-12).all()
    assert (defined["estimate"] <= defined["ci_upper"] + 1e-12).all()


@SLOW
@given(competing)
def test_one_cause_is_the_complement_of_survival(cohort: list[Any]) -> None:
    time, cause = columns(cohort)
    frame = cumulative_incidence(time, (cause > 0).astype(int))
    km = kaplan_meier(EventTable.from_arrays(time, cause > 0))
    np.testing.assert_allclose(frame["estimate"], 1 - km.survival, atol=1e-12)
    # The jackknife of a Kaplan-Meier curve is Greenwood's formula.
    running = km.survival > 0
    np.testing.assert_allclose(frame["std_error"][running], km.std_error[running], rtol=1e-9, atol=1e-9)


@SLOW
@given(competing)
def test_other_causes_only_lower_an_incidence(cohort: list[Any]) -> None:
    time, cause = columns(cohort)
    with_others = cumulative_incidence(time, pd.Categorical(cause, categories=[0, 1, 2, 3]))
    alone = cumulative_incidence(time, np.where(cause == 1, 1, 0))
    F = with_others.loc[with_others["cause"] == 1, "estimate"].to_numpy()
    assert (alone["estimate"] + 1e-12 >= F).all()
