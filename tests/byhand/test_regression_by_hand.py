"""Regression and incidence on cohorts small enough for pencil and paper; the algebra stands beside each number."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cohortstats.errors import CohortStatsWarning
from cohortstats.stats.competing import cumulative_incidence, gray_test
from cohortstats.stats.hazard import CoxModel, Ties, cox

EIGHT = ([1, 2, 2, 3, 4, 5, 6, 7], [1, 2, 1, 0, 1, 2, 0, 1])


def few(*arguments: object, ties: Ties = "efron") -> CoxModel:
    with pytest.warns(CohortStatsWarning, match=r"fewer than 10|supported"):
        return cox(*arguments, ties=ties, allow_few_events=True)


def test_two_events() -> None:
    """Times 1, 2, 3 with x = 0, 1, 0; events at 1 and 2. With r = exp(β):

    L = 1/(2 + r) · r/(1 + r). The score is 0 where 1 − r/(2 + r) − r/(1 + r) = 0, that is r² = 2, β = ½ ln 2.
    I = 2r/(2 + r)² + r/(1 + r)².
    """
    model = few([1, 2, 3], [1, 1, 0], [0, 1, 0])
    r = math.sqrt(2)
    assert model.coef[0] == pytest.approx(math.log(2) / 2, rel=1e-12)
    information = 2 * r / (2 + r) ** 2 + r / (1 + r) ** 2
    assert model.std_error[0] == pytest.approx(information**-0.5, rel=1e-12)
    assert model.log_likelihood == pytest.approx((-math.log(6), math.log(r / ((2 + r) * (1 + r)))), rel=1e-12)


def test_two_tied_events() -> None:
    """Times 1, 1, 2 with x = 1, 0, 0, the two at 1 with the event; a third event later is alone at risk.

    Breslow r/(2 + r)²: the score 1 − 2r/(2 + r) is 0 at r = 2, β = ln 2.
    Efron r/((2 + r)(2 + r − (1 + r)/2)) = 2r/((2 + r)(3 + r)): 1 = r/(2 + r) + r/(3 + r), r² = 6.
    Exact: r over the sum of the products of pairs r + r + 1: 1 = 2r/(1 + 2r) has no solution, the likelihood
    r/(1 + 2r) rises for ever.
    """
    data = ([1, 1, 2], [1, 1, 1], [1, 0, 0])
    assert few(*data, ties="breslow").coef[0] == pytest.approx(math.log(2), rel=1e-12)
    assert few(*data, ties="efron").coef[0] == pytest.approx(math.log(6) / 2, rel=1e-12)
    assert few(*data, ties="exact").reason == "monotone likelihood"


def test_tied_events_of_everybody() -> None:
    """All at risk have the event at once: the discrete likelihood of that time is 1 and says nothing of β.

    With three at time 1 there is no information at all under exact ties.
    """
    model = few([1, 1, 1], [1, 1, 1], [0, 0, 1], ties="exact")
    assert model.reason == "no variation"
    assert math.isnan(model.coef[0])


def test_late_entrant_is_not_at_risk_at_that_time() -> None:
    """Times 2, 3, 4 with events at 2 and 3 and x = 1, 0, 1; a fourth, x = 1, enters at 2 and leaves at 5.

    At 2 are at risk the first three, at 3 the last three: L = r/(1 + 2r) · 1/(1 + 2r); 1 = 4r/(1 + 2r), r = ½.
    With the entrant at risk at 2 it would be r/(1 + 3r) · 1/(1 + 2r), whose maximum is at r² = 1/6.
    """
    data = ([2, 3, 4, 5], [1, 1, 0, 0], [1, 0, 1, 1])
    with pytest.warns(CohortStatsWarning):
        model = cox(*data, entry=[0, 0, 0, 2], allow_few_events=True)
    assert model.coef[0] == pytest.approx(-math.log(2), rel=1e-12)


def test_incidence_of_two_causes() -> None:
    """Eight patients, causes 1, 2, 1, censored, 1, 2, censored, 1 at 1, 2, 2, 3, 4, 5, 6, 7.

    S(t−): 1, 7/8, 5/8 (at 3 and 4), 15/32 (at 5), 5/16 (at 6 and 7). Steps of cause 1: 1/8, 7/8·1/7, 5/8·1/4, 5/16·1/1; of cause 2:
    7/8·1/7, 15/32·1/3.
    """
    frame = cumulative_incidence(*EIGHT)
    first = [1 / 8, 2 / 8, 2 / 8, 13 / 32, 13 / 32, 13 / 32, 23 / 32]
    second = [0, 1 / 8, 1 / 8, 1 / 8, 9 / 32, 9 / 32, 9 / 32]
    np.testing.assert_allclose(frame["estimate"], [*first, *second], rtol=1e-14)


def test_jackknife_of_a_proportion() -> None:
    """Without censoring F(t) is a proportion, and the jackknife its sqrt(F(1 − F)/n)."""
    frame = cumulative_incidence([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 2, 1, 2, 2, 1, 1])
    F = frame["estimate"].to_numpy()
    np.testing.assert_allclose(frame["std_error"], np.sqrt(F * (1 - F) / 8), rtol=1e-12)


def test_jackknife_by_leaving_weight() -> None:
    """The derivative of F to the weight of each patient, taken by differences of weighted curves."""
    time, cause = np.array(EIGHT[0]), np.array(EIGHT[1])

    def incidence(weight: np.ndarray, at: int) -> float:
        F, S = 0.0, 1.0
        for t in range(1, at + 1):
            n = weight[time >= t].sum()
            d = weight[(time == t) & (cause > 0)].sum()
            F += S * weight[(time == t) & (cause == 1)].sum() / n
            S *= 1 - d / n
        return F

    frame = cumulative_incidence(time, cause, times=range(1, 7))
    for at, std_error in zip(range(1, 7), frame.loc[frame["cause"] == 1, "std_error"], strict=True):
        slopes = [(incidence(1 + 1e-5 * e, at) - incidence(1 - 1e-5 * e, at)) / 2e-5 for e in np.eye(8)]
        assert std_error == pytest.approx(math.sqrt(sum(s * s for s in slopes)), rel=1e-8)


def test_gray_of_a_group_that_leaves_first() -> None:
    """Group a is gone at 2, before the first event of cause 1 at 3: it is never compared."""
    test = gray_test([1, 2, 3, 4], [2, 0, 1, 0], ["a", "a", "b", "b"])
    assert (test.reason, test.df) == ("groups never at risk together", 1)
    assert math.isnan(test.p_value)
