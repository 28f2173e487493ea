"""Known answers: R survdiff and an independent program; gehan, tarone-ware and peto-prentice by lifelines."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung

from cohortstats.errors import InputError
from cohortstats.stats.events import EventTable
from cohortstats.stats.log_rank import Weighting, log_rank_test
from cohortstats.stats.log_rank_pairs import log_rank_pairwise, log_rank_trend

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


VETERAN = pd.read_csv(Path(__file__).parents[1] / "oracles" / "permutation_veteran.csv.gz")
CELLS = pd.Categorical(VETERAN["celltype"], categories=["squamous", "smallcell", "adeno", "large"])


def veteran(**columns: object) -> EventTable:
    return EventTable.from_arrays(VETERAN["time"], VETERAN["status"], group=CELLS, **columns)


def test_trend() -> None:
    # R: u = Σ s(O − E), u²/(s'Vs) from survdiff(Surv(time, status) ~ celltype, veteran), s = 1, 2, 3, 4
    trend = log_rank_trend(veteran())
    assert (trend.statistic, trend.p_value) == pytest.approx((0.54619845096986, 0.45987517883656), rel=1e-12)
    assert (trend.scores.tolist(), trend.df, trend.reason) == ([1, 2, 3, 4], 1, "")
    assert trend.method == "log-rank trend, scores 1, 2, 3, 4"
    whole = log_rank_test(veteran())
    assert trend.observed.tolist() == whole.observed.tolist()
    assert trend.variance.tolist() == whole.variance.tolist()
    # R, the same with ph.ecog 0, 1, 2 of lung
    three = STAGED[STAGED["ph.ecog"] < 3]
    ecog = EventTable.from_arrays(three["time"], three["status"], group=three["ph.ecog"])
    for scores in (None, [0, 1, 2], [10, 20, 30], [2, 1, 0]):  # only the distances count, up to a factor
        trend = log_rank_trend(ecog, scores=scores)
        assert (trend.statistic, trend.p_value) == pytest.approx((16.446543227189, 5.0041346146e-05), rel=1e-10)


def test_trend_of_two_groups_is_the_log_rank_test() -> None:
    for strata in (None, VETERAN["celltype"]):
        table = EventTable.from_arrays(VETERAN["time"], VETERAN["status"], group=VETERAN["trt"], strata=strata)
        assert log_rank_trend(table).statistic == pytest.approx(log_rank_test(table).statistic, rel=1e-12)
    # R: survdiff(Surv(time, status) ~ trt + strata(celltype), veteran)
    assert log_rank_trend(table).p_value == pytest.approx(0.40219852378067, rel=1e-11)
    assert log_rank_trend(table).method == "log-rank trend, scores 1, 2, 4 strata"


@pytest.mark.parametrize(
    ("time", "event", "group", "scores", "reason"),
    [
        ([1, 2, 3], [0, 0, 0], ["a", "b", "c"], None, "no events"),
        ([1, 2, 3], [1, 1, 0], ["a", "a", "a"], None, "one group"),
        ([1, 2, 3, 4], [0, 0, 1, 1], ["a", "a", "b", "b"], None, "groups never at risk together"),
        ([1, 1], [1, 1], ["a", "b"], None, "variance is zero"),
        # b and c share every risk set and one score, a has left before the first event.
        ([1, 2, 3, 4, 5], [0, 1, 1, 1, 0], ["a", "b", "c", "b", "c"], [1, 2, 2], "groups never at risk together"),
    ],
)
def test_reasons_of_a_trend(
    time: list[int], event: list[int], group: list[str], scores: list[float] | None, reason: str
) -> None:
    trend = log_rank_trend(EventTable.from_arrays(time, event, group=group), scores=scores)
    assert trend.reason == reason
    assert math.isnan(trend.statistic)
    assert math.isnan(trend.p_value)


def test_pairs() -> None:
    # R: survdiff on each pair of veteran's cell types, then p.adjust
    raw = [0.00066892122504, 0.00051918014928, 0.36442283748, 0.75565132869, 0.00220456751896, 2.6283168785e-05]
    holm = [0.00267568490, 0.00259590075, 0.72884567497, 0.75565132869, 0.00661370256, 0.00015769901]
    bh = [0.00133784245, 0.00133784245, 0.43730740498, 0.75565132869, 0.00330685128, 0.00015769901]
    pairs = log_rank_pairwise(veteran())
    assert list(pairs.columns) == ["group_1", "group_2", "statistic", "p_value", "p_adjusted", "method", "reason"]
    assert pairs["group_1"].tolist() == ["squamous", "squamous", "squamous", "smallcell", "smallcell", "adeno"]
    assert pairs["group_2"].tolist() == ["smallcell", "adeno", "large", "adeno", "large", "large"]
    assert pairs["p_value"].tolist() == pytest.approx(raw, rel=1e-9)
    assert pairs["p_adjusted"].tolist() == pytest.approx(holm, rel=1e-7)
    assert log_rank_pairwise(veteran(), adjust="BH")["p_adjusted"].tolist() == pytest.approx(bh, rel=1e-7)


def test_pairs_have_their_own_risk_sets_and_keep_strata_and_late_entries() -> None:
    entry = VETERAN["time"] // 3
    for columns in ({"strata": VETERAN["trt"]}, {"entry": entry}):
        pairs = log_rank_pairwise(veteran(**columns), rho=1)
        two = VETERAN["celltype"].isin(["adeno", "large"])
        alone = EventTable.from_arrays(
            VETERAN["time"][two],
            VETERAN["status"][two],
            group=VETERAN["celltype"][two],
            **{name: column[two] for name, column in columns.items()},
        )
        assert pairs["statistic"].iloc[-1] == pytest.approx(log_rank_test(alone, rho=1).statistic, rel=1e-12)
        assert pairs["method"].iloc[-1].startswith("peto-peto (rho = 1)")


def test_pairs_without_a_test_are_not_counted() -> None:
    group = pd.Categorical(["a", "a", "a", "b", "b", "b", "d", "d"], categories=["a", "b", "c", "d"])
    table = EventTable.from_arrays([4, 5, 9, 6, 8, 12, 1, 2], [1, 1, 1, 1, 1, 0, 0, 0], group=group)
    pairs = log_rank_pairwise(table, adjust="bonferroni").set_index(["group_1", "group_2"])
    assert pairs.loc[("a", "c"), "reason"] == "one group"
    assert pairs.loc[("a", "d"), "reason"] == "groups never at risk together"
    assert pairs["p_value"].notna().sum() == 1
    assert pairs.loc[("a", "b"), "p_adjusted"] == pairs.loc[("a", "b"), "p_value"]  # one comparison was made
    assert pairs["p_adjusted"].isna().sum() == 5
    one = log_rank_pairwise(EventTable.from_arrays([1, 2], [1, 1]))
    assert len(one) == 0


def test_door_of_trend_and_pairs() -> None:
    def of_trend(scores: object) -> tuple[str, ...]:
        with pytest.raises(InputError) as caught:
            log_rank_trend(P, scores=scores)  # type: ignore[arg-type]
        return caught.value.problems

    assert of_trend([1, 2, 3]) == ("scores has 3 values, there are 2 groups.",)
    assert of_trend([1, 1]) == ("scores has one value for all groups; give different ones.",)
    assert of_trend([1, math.inf]) == ("scores is inf at position 2; give finite values.",)
    assert of_trend([1, math.nan]) == ("scores is nan at position 2; give finite values.",)
    assert of_trend(["low", "high"]) == ("scores holds text ('low'); give numbers.",)
    with pytest.raises(InputError) as caught:
        log_rank_pairwise(P, adjust="holmes")  # type: ignore[arg-type]
    assert caught.value.problems == ("adjust 'holmes' is not known; did you mean 'holm'?",)
    with pytest.raises(InputError) as caught:
        log_rank_pairwise(P, weighting="wilcoxon")  # type: ignore[arg-type]
    several = "'wilcoxon' names several tests; choose gehan, peto-peto, peto-prentice or tarone-ware."
    assert caught.value.problems == (several,)


def test_frame_of_a_trend() -> None:
    frame = log_rank_trend(P, scores=[0, 2]).to_frame()
    assert list(frame.columns[:5]) == ["group", "n", "score", "observed", "expected"]
    assert list(frame.columns[5:]) == ["statistic", "df", "p_value", "method", "reason"]
    assert frame["score"].tolist() == [0, 2]
