"""Known answers: R survdiff and an independent program; gehan, tarone-ware and peto-prentice by lifelines."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung

from cohortstats.errors import InputError
from cohortstats.stats.events import EventTable
from cohortstats.stats.log_rank import Weighting, log_rank_test

LUNG = load_lung()
STAGED = LUNG.dropna(subset=["ph.ecog"])
P = EventTable.from_arrays(
    [36, 50, 63, 70, 42, 63, 70, 120, 150, 180], [1, 1, 1, 1, 1, 0, 1, 0, 1, 0], group=[0] * 4 + [1] * 6
)


# observed, expected, V11, statistic, p
@pytest.mark.parametrize(
    ("rho", "observed", "expected", "variance", "statistic", "p"),
    [
        (0, (112, 53), (91.581739029573, 73.418260970427), 40.371433979643, 10.326741954886, 0.0013111645203555),
        (
            1,
            (70.377542294752, 28.728653272190),
            (55.571085471784, 43.535110095158),
            17.243082666961,
            12.714151401158,
            0.00036289892759891,
        ),
    ],
)
def test_lung(rho: float, observed: object, expected: object, variance: float, statistic: float, p: float) -> None:
    test = log_rank_test(EventTable.from_arrays(LUNG["time"], LUNG["status"], group=LUNG["sex"]), rho=rho)
    assert test.groups == ("1", "2")
    assert test.observed == pytest.approx(observed, rel=1e-13)
    assert test.expected == pytest.approx(expected, rel=1e-13)
    assert test.variance[0, 0] == pytest.approx(variance, rel=1e-12)
    assert (test.statistic, test.p_value) == pytest.approx((statistic, p), rel=1e-12)
    assert (test.df, test.rho, test.reason) == (1, rho, "")


@pytest.mark.parametrize(
    ("weighting", "variance", "statistic", "p"),
    [
        ("gehan", 794563.539986604, 12.47213533126, 0.00041306763202),
        ("tarone-ware", 4947.18962793409, 12.45554390222, 0.00041675300136),
        ("peto-prentice", None, 12.7078477734, 0.000364124256),
    ],
)
def test_lung_by_other_weights(weighting: Weighting, variance: float | None, statistic: float, p: float) -> None:
    test = log_rank_test(EventTable.from_arrays(LUNG["time"], LUNG["status"], group=LUNG["sex"]), weighting=weighting)
    assert (test.statistic, test.p_value) == pytest.approx((statistic, p), rel=1e-9)
    if variance is not None:
        assert test.variance[0, 0] == pytest.approx(variance, rel=1e-12)
    if weighting == "gehan":
        assert (test.observed.tolist(), test.expected.round(6).tolist()) == ([14557, 5678], [11409, 8826])
    assert (test.method, math.isnan(test.rho)) == (weighting, True)


# R: survdiff(Surv(time, status) ~ sex + strata(ph.ecog), lung)
@pytest.mark.parametrize(
    ("rho", "observed", "expected", "statistic", "p"),
    [
        (0, (111, 53), (90.64102266, 73.35897734), 10.795059633496, 0.0010177133447241),
        (1, (70.71208968, 27.61163469), (55.44157932, 42.88214505), 13.857772753375, 0.00019717946563),
    ],
)
def test_lung_in_strata(rho: float, observed: object, expected: object, statistic: float, p: float) -> None:
    table = EventTable.from_arrays(STAGED["time"], STAGED["status"], group=STAGED["sex"], strata=STAGED["ph.ecog"])
    test = log_rank_test(table, rho=rho)
    assert test.observed == pytest.approx(observed, rel=1e-9)
    assert test.expected == pytest.approx(expected, rel=1e-9)
    assert (test.statistic, test.p_value) == pytest.approx((statistic, p), rel=1e-11)
    assert test.method.endswith(", 4 strata")


def test_three_groups() -> None:
    # R: survdiff(Surv(time, status) ~ ph.ecog, lung, subset = ph.ecog < 3)
    three = STAGED[STAGED["ph.ecog"] < 3]
    test = log_rank_test(EventTable.from_arrays(three["time"], three["status"], group=three["ph.ecog"]))
    assert test.n.tolist() == [63, 113, 50]
    assert (test.statistic, test.p_value) == pytest.approx((18.012096694698, 0.00012266563150), rel=1e-10)
    assert test.df == 2


@pytest.mark.parametrize(
    ("options", "statistic", "p", "method"),
    [
        ({}, 4.26607882335, 0.0388805534686, "log-rank"),
        ({"rho": 1}, 3.64304600740, 0.0563038356435, "peto-peto (rho = 1)"),
        ({"weighting": "peto-peto"}, 3.64304600740, 0.0563038356435, "peto-peto (rho = 1)"),
        ({"weighting": "gehan"}, 3.506849315068, 0.0611155775347, "gehan"),
        ({"weighting": "tarone-ware"}, 3.905157938994, 0.0481381026836, "tarone-ware"),
        ({"weighting": "peto-prentice"}, 3.45634114824, 0.0630095984, "peto-prentice"),
    ],
)
def test_one_cohort_on_both_sides_of_five_percent(
    options: dict[str, object], statistic: float, p: float, method: str
) -> None:
    test = log_rank_test(P, **options)  # type: ignore[arg-type]
    assert (test.statistic, test.p_value) == pytest.approx((statistic, p), rel=1e-9)
    assert test.method == method


def test_groups_that_leave_before_the_first_event_do_not_count() -> None:
    table = EventTable.from_arrays([1, 1, 4, 5, 6, 7], [0, 0, 1, 1, 1, 0], group=["c", "c", "a", "b", "a", "b"])
    with_c = log_rank_test(table)
    without = log_rank_test(EventTable.from_arrays([4, 5, 6, 7], [1, 1, 1, 0], group=["a", "b", "a", "b"]))
    assert (with_c.df, with_c.expected[2]) == (1, 0)
    assert with_c.statistic == pytest.approx(without.statistic, rel=1e-14)


def test_small_p_is_not_lost() -> None:
    # 1 − cdf would print 0.
    n = 400
    time = np.concatenate([np.arange(1, n + 1), np.arange(n + 1, 2 * n + 1)])
    test = log_rank_test(EventTable.from_arrays(time, np.ones(2 * n), group=np.repeat([0, 1], n)))
    assert 0 < test.p_value < 1e-60


@pytest.mark.parametrize(
    ("time", "event", "group", "strata", "reason"),
    [
        ([1, 2, 3], [0, 0, 0], ["a", "b", "b"], None, "no events"),  # R prints χ² 0 and p NaN
        ([1, 2, 3], [1, 1, 0], ["a", "a", "a"], None, "one group"),
        ([1, 2, 3], [1, 1, 0], pd.Categorical(["a", "a", "a"], categories=["a", "b"]), None, "one group"),
        ([1, 2, 3, 4], [1, 1, 1, 0], ["a", "a", "b", "b"], ["x", "x", "y", "y"], "groups never at risk together"),
        ([1, 2, 3, 4], [0, 0, 1, 1], ["a", "a", "b", "b"], None, "groups never at risk together"),
        ([1, 1], [1, 1], ["a", "b"], None, "variance is zero"),
    ],
)
def test_reasons(time: list[int], event: list[int], group: object, strata: object, reason: str) -> None:
    test = log_rank_test(EventTable.from_arrays(time, event, group=group, strata=strata))
    assert test.reason == reason
    assert math.isnan(test.statistic)
    assert math.isnan(test.p_value)  # never 1 for what cannot be computed


def test_frame() -> None:
    frame = log_rank_test(P).to_frame()
    assert list(frame.columns) == [
        "group",
        "n",
        "observed",
        "expected",
        "statistic",
        "df",
        "p_value",
        "method",
        "reason",
    ]
    assert frame["observed"].tolist() == [4, 3]


def problems_of(**options: object) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        log_rank_test(P, **options)  # type: ignore[arg-type]
    return caught.value.problems


def test_door() -> None:
    several = "'wilcoxon' names several tests; choose gehan, peto-peto, peto-prentice or tarone-ware."
    assert problems_of(weighting="wilcoxon") == (several,)
    assert problems_of(weighting="gehann") == ("weighting 'gehann' is not known; did you mean 'gehan'?",)
    assert problems_of(weighting="gehan", rho=1) == ("give rho or weighting, not both.",)
    assert problems_of(rho=-1) == ("rho is −1; give a number from 0 up.",)
