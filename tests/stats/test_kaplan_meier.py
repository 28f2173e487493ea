"""Curves, limits, quantiles, points. Known answers: R survival 3.5-3 and an independent program."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_lung
from lifelines.utils import median_survival_times

from cohortstats.errors import CohortStatsWarning, InputError
from cohortstats.stats.events import EventTable
from cohortstats.stats.kaplan_meier import LimitType, kaplan_meier

NAN = math.nan
A = EventTable.from_arrays([20, 36, 42, 42, 56, 57, 70, 112, 180, 240, 310], [1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1])
P_TIME, P_EVENT = [36, 50, 63, 70, 42, 63, 70, 120, 150, 180], [1, 1, 1, 1, 1, 0, 1, 0, 1, 0]
P = EventTable.from_arrays(P_TIME, P_EVENT, group=[0] * 4 + [1] * 6)


def test_columns() -> None:
    km = kaplan_meier(P)
    assert list(km.to_frame().columns) == [
        "group", "time", "n_at_risk", "n_event", "n_censored", "survival", "std_error", "ci_lower", "ci_upper",
    ]  # fmt: skip
    assert list(km.quantile().columns) == ["group", "p", "estimate", "ci_lower", "ci_upper", "reason"]
    assert list(km.at([60]).columns) == ["group", "time", "n_at_risk", "survival", "ci_lower", "ci_upper", "reason"]
    assert (km.method, km.n.tolist(), km.n_events.tolist()) == ("kaplan-meier, log-log limits", [4, 6], [4, 3])
    assert km.to_frame()["group"].tolist() == ["0"] * 4 + ["1"] * 6


# Limits of cohort A at 42 and 57, and its quartiles with limits; R: survfit(conf.type = ), first crossings.
A_LIMITS = [
    ("plain", (0.3520890221, 0.9206382507), (0.1602932735, 0.7487976356), [(20, 57), (42, 180), (57, NAN)]),
    ("log", (0.4070975772, 0.9947459782), (0.2379220550, 0.8684002423), [(36, 180), (42, NAN), (57, NAN)]),
    ("log-log", (0.2968920988, 0.8451633860), (0.1666174941, 0.7068755049), [(20, 57), (36, NAN), (56, NAN)]),
    ("logit", (0.3387529027, 0.8566927278), (0.2027590401, 0.7319415434), [(20, 57), (36, NAN), (57, NAN)]),
    ("arcsin", (0.3452226257, 0.8812531000), (0.1848319189, 0.7396761725), [(20, 57), (42, NAN), (57, NAN)]),
]


@pytest.mark.parametrize(("ci", "at_42", "at_57", "limits"), A_LIMITS)
def test_limits_of_cohort_a(ci: LimitType, at_42: object, at_57: object, limits: list[tuple[float, float]]) -> None:
    km = kaplan_meier(A, ci=ci)
    points = km.at([42, 57])
    for row, expected in zip(points.itertuples(), (at_42, at_57), strict=True):
        assert (row.ci_lower, row.ci_upper) == pytest.approx(expected, abs=6e-11)
    quartiles = km.quantile([0.25, 0.5, 0.75])
    assert quartiles["estimate"].tolist() == [42, 57, 180]
    np.testing.assert_array_equal(quartiles[["ci_lower", "ci_upper"]].to_numpy(), np.array(limits))


@pytest.mark.parametrize(
    ("ci", "at_one"), [("plain", 1.0), ("log", 1.0), ("log-log", NAN), ("logit", NAN), ("arcsin", 1.0)]
)
def test_limits_at_one_and_at_zero(ci: LimitType, at_one: float) -> None:
    # As in R, but for arcsin at S = 1, where R has NaN from 0 · ∞.
    km = kaplan_meier(EventTable.from_arrays([1, 2, 3], [0, 1, 1]), ci=ci)
    assert (km.ci_lower[0], km.ci_upper[0]) == pytest.approx((at_one, at_one), nan_ok=True)
    assert km.survival.tolist() == [1, 0.5, 0]
    assert [math.isnan(x) for x in (km.std_error[2], km.ci_lower[2], km.ci_upper[2])] == [True] * 3


B = EventTable.from_arrays([36, 50, 63, 70], [1, 1, 1, 1])
D = EventTable.from_arrays([1, 2, 3, 4], [1, 1, 0, 0])
E = EventTable.from_arrays([3, 5, 7], [0, 0, 0])


def test_quantiles_of_flat_curves() -> None:
    # R: summary(fit)$table and quantile(fit, c(.25, .5, .75))
    summary, quantile = (
        kaplan_meier(B).quantile([0.25, 0.5, 0.75]),
        kaplan_meier(B).quantile([0.25, 0.5, 0.75], rule="quantile"),
    )
    assert summary["estimate"].tolist() == quantile["estimate"].tolist() == [43, 56.5, 66.5]
    np.testing.assert_array_equal(summary[["ci_lower", "ci_upper"]], [[36, 63], [36, NAN], [36, NAN]])
    log = kaplan_meier(B, ci="log").quantile([0.25, 0.5, 0.75])
    np.testing.assert_array_equal(log[["ci_lower", "ci_upper"]], [[36, NAN], [36, NAN], [50, NAN]])
    # The last flat piece lies on one half up to the end: 2 under "summary", the middle of 2 and 4 under "quantile".
    assert kaplan_meier(D).quantile(0.5)["estimate"].tolist() == [2]
    assert kaplan_meier(D).quantile(0.5, rule="quantile")["estimate"].tolist() == [3]
    for rule in ("summary", "quantile"):
        found = kaplan_meier(D).quantile([0.25, 0.75], rule=rule)  # type: ignore[arg-type]
        assert found["estimate"].tolist()[0] == 1.5
        assert found["reason"].tolist() == ["", "not reached"]
        assert kaplan_meier(E).quantile(0.5, rule=rule)["reason"].tolist() == ["not reached"]  # type: ignore[arg-type]


def test_cohort_p() -> None:
    ezr, r = kaplan_meier(P).quantile(), kaplan_meier(P, ci="log").quantile()
    np.testing.assert_array_equal(ezr[["estimate", "ci_lower", "ci_upper"]], [[56.5, 36, NAN], [150, 42, NAN]])
    np.testing.assert_array_equal(r[["estimate", "ci_lower", "ci_upper"]], [[56.5, 36, NAN], [150, 70, NAN]])
    points = kaplan_meier(P).at([60, 100, 200])
    expected = [
        [0.5, 0.0578470829951, 0.844861281190], [0, NAN, NAN], [0, NAN, NAN],
        [0.833333333333, 0.273122849928, 0.974712426691], [0.625, 0.141853389932, 0.893050604499], [NAN, NAN, NAN],
    ]  # fmt: skip
    np.testing.assert_allclose(points[["survival", "ci_lower", "ci_upper"]], expected, atol=1e-12)
    assert points["reason"].tolist() == [""] * 5 + ["beyond last observation"]
    assert points["n_at_risk"].tolist() == [2, 0, 0, 5, 3, 0]


def lifelines_curves(time: list[float], event: list[int]) -> KaplanMeierFitter:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="divide by zero|invalid value", category=RuntimeWarning)
        return KaplanMeierFitter().fit(time, event)


def test_cohort_p_as_lifelines_has_it() -> None:
    km = kaplan_meier(P, at_zero="zero")
    medians = km.quantile(rule="first")
    np.testing.assert_array_equal(medians[["estimate", "ci_lower", "ci_upper"]], [[50, 36, 70], [150, 42, NAN]])
    for code, rows in enumerate((slice(0, 4), slice(4, 10))):
        fitted = lifelines_curves(P_TIME[rows], P_EVENT[rows])
        limits = median_survival_times(fitted.confidence_interval_).to_numpy().ravel()
        theirs = [fitted.median_survival_time_, *np.where(np.isinf(limits), NAN, limits)]
        ours = medians.loc[code, ["estimate", "ci_lower", "ci_upper"]].to_numpy(dtype=float)
        np.testing.assert_array_equal(ours, theirs)
        curve = fitted.confidence_interval_.iloc[1:].to_numpy()
        mine = km.to_frame().query(f"group == '{code}'")
        np.testing.assert_allclose(mine[["ci_lower", "ci_upper"]], curve, rtol=1e-9)
        assert np.isnan(mine["std_error"]).tolist() == (mine["survival"] == 0).tolist()
        carried = km.at([60, 200], beyond="carry").query(f"group == '{code}'")
        np.testing.assert_allclose(carried["survival"], fitted.predict([60, 200]), rtol=1e-12, atol=1e-14)
    assert km.method == "kaplan-meier, log-log limits, 0 where the curve is 0"


def test_limits_and_quantiles_as_lifelines_has_them_on_many_cohorts() -> None:
    rng = np.random.default_rng(11)
    compared = 0
    for _ in range(200):
        n = int(rng.integers(3, 30))
        time, event = rng.integers(1, 40, n), rng.random(n) < 0.7
        fitted = lifelines_curves(time.tolist(), event.astype(int).tolist())
        km = kaplan_meier(EventTable.from_arrays(time, event), at_zero="zero")
        fallen = km.survival < 1  # at S = 1 lifelines has 1 and 1 where R and we have nothing
        limits = fitted.confidence_interval_.iloc[1:].to_numpy()
        np.testing.assert_allclose(np.column_stack([km.ci_lower, km.ci_upper])[fallen], limits[fallen], rtol=1e-8)
        if np.abs(km.survival - 0.5).min() > 1e-9:  # exactly on 1/2 its answer hangs on the rounding of a logarithm
            (median,) = km.quantile(rule="first").itertuples()
            theirs = [fitted.median_survival_time_, *median_survival_times(fitted.confidence_interval_).to_numpy()[0]]
            ours = [median.estimate, median.ci_lower, median.ci_upper]
            np.testing.assert_array_equal([math.inf if math.isnan(x) else x for x in ours], theirs)
            compared += 1
    assert compared > 120


def test_first_rule_takes_the_start_of_every_flat_piece() -> None:
    first = [kaplan_meier(table).quantile([0.25, 0.5, 0.75], rule="first")["estimate"].tolist() for table in (B, D, E)]
    np.testing.assert_array_equal(first, [[36, 50, 63], [1, 2, NAN], [NAN, NAN, NAN]])
    # 9 of 12 left: 3/4 as a product of twelfths is not the float 0.75.
    twelve = EventTable.from_arrays(range(1, 13), [1] * 12)
    assert kaplan_meier(twelve).quantile([0.25, 0.5, 0.75], rule="first")["estimate"].tolist() == [3, 6, 9]


def test_past_the_last_time() -> None:
    km = kaplan_meier(P)
    undefined, carried = km.at([180, 200]), km.at([180, 200], beyond="carry")
    assert undefined["reason"].tolist() == ["", "", "", "beyond last observation"]
    assert undefined.loc[3, ["survival", "ci_lower", "ci_upper"]].isna().all()
    assert carried["reason"].tolist() == [""] * 4
    assert carried["n_at_risk"].tolist() == [0, 0, 1, 0]
    columns = ["survival", "ci_lower", "ci_upper"]
    np.testing.assert_array_equal(carried.loc[3, columns], carried.loc[2, columns])
    np.testing.assert_array_equal(carried.loc[1, columns].to_numpy(dtype=float), [0, NAN, NAN])
    declared = pd.Categorical(["a"], categories=["a", "none"])
    nobody = kaplan_meier(EventTable.from_arrays([5], [0], group=declared)).at(9, beyond="carry").iloc[1]
    assert (nobody.reason, math.isnan(nobody.survival)) == ("no patients", True)


def test_a_time_asked_for_meets_its_near_tie() -> None:
    km = kaplan_meier(EventTable.from_arrays([0.1 + 0.2, 0.5], [1, 1]))
    found = km.at([0.3, 0.29, 0.1 + 0.2])
    assert found["survival"].tolist() == [0.5, 1, 0.5]
    assert found["n_at_risk"].tolist() == [2, 2, 2]
    assert found["time"].tolist() == [0.3, 0.29, 0.1 + 0.2]
    other_way = kaplan_meier(EventTable.from_arrays([0.3, 0.5], [1, 1])).at(np.nextafter(0.3, 0)).iloc[0]
    assert other_way.survival == 0.5
    # Days: the bound is 2^−26 times the mean of the distinct times, here 300 · 1.49e-8 = 4.5e-6.
    days = kaplan_meier(EventTable.from_arrays([200.0, 400.0], [1, 1]))
    assert days.at([200 - 4e-6, 200 - 5e-6])["survival"].tolist() == [0.5, 1]
    literal = kaplan_meier(EventTable.from_arrays([0.1 + 0.2, 0.5], [1, 1], timefix=False))
    assert literal.at(0.3)["survival"].tolist() == [1]


def test_blocks_do_not_show() -> None:
    # 300,000 rows go through in several blocks; without censoring survival is the share still there.
    n = 300_000
    km = kaplan_meier(EventTable.from_arrays(np.arange(1, n + 1), np.ones(n, dtype=bool)))
    left = 1 - np.arange(1, n + 1) / n
    np.testing.assert_allclose(km.survival, left, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(km.std_error[:-1], np.sqrt(left * (1 - left) / n)[:-1], rtol=1e-7)


def test_results_are_read_only_and_share_the_columns_of_the_table() -> None:
    km = kaplan_meier(P)
    with pytest.raises(ValueError, match="read-only"):
        km.survival[0] = 9
    assert km.time is P.time


def test_lung() -> None:
    # R: lung, status 2 is the event; sex 1 and 2; median follow-up by reversing the event
    lung = load_lung()
    by_sex = kaplan_meier(EventTable.from_arrays(lung["time"], lung["status"], group=lung["sex"]))
    points = by_sex.at([180, 365])
    assert points["n_at_risk"].tolist() == [89, 35, 71, 30]
    expected = [
        [0.644465001542, 0.558412473005, 0.718013598161],
        [0.336087834639, 0.252729143328, 0.421302168223],
        [0.842401705588, 0.748380916153, 0.903504304285],
        [0.526463030186, 0.403579823267, 0.635316232824],
    ]
    np.testing.assert_allclose(points[["survival", "ci_lower", "ci_upper"]], expected, rtol=1e-11)
    follow_up = EventTable.from_arrays(lung["time"], lung["status"] == 0)
    assert kaplan_meier(follow_up).quantile()[["estimate", "ci_lower", "ci_upper"]].to_numpy().tolist() == [
        [588, 511, 821]
    ]
    by_sex = kaplan_meier(EventTable.from_arrays(lung["time"], lung["status"] == 0, group=lung["sex"]))
    np.testing.assert_array_equal(
        by_sex.quantile()[["estimate", "ci_lower", "ci_upper"]], [[840, 806, NAN], [529, 376, 740]]
    )


def test_before_the_first_time_and_without_patients() -> None:
    group = pd.Categorical(["a", "a"], categories=["a", "none"])
    km = kaplan_meier(EventTable.from_arrays([5, 8], [1, 0], group=group))
    first = km.at(2).iloc[0]
    assert (first.n_at_risk, first.survival, first.ci_lower, first.ci_upper) == (2, 1, 1, 1)
    for frame in (km.at(2), km.quantile()):
        nobody = frame.iloc[1]
        assert nobody.reason == "no patients"
        assert pd.isna(nobody[["ci_lower", "ci_upper"]]).all()
    assert km.n.tolist() == [2, 0]


def test_curve_that_ends_before_others_enter() -> None:
    table = EventTable.from_arrays([3, 9, 12], [1, 1, 0], entry=[0, 5, 5])
    sentence = "everyone at risk at t = 3 had the event while others enter later; start the curve later (entry)"
    with pytest.warns(CohortStatsWarning) as caught:
        km = kaplan_meier(table)
    assert str(caught[0].message) == sentence
    assert km.survival.tolist() == [0, 0, 0]


def test_one_stratum_is_no_stratum() -> None:
    one = kaplan_meier(EventTable.from_arrays([5, 8], [1, 0], strata=["x", "x"]))
    assert one.survival.tolist() == [0.5, 0.5]


def test_method_names_what_was_chosen() -> None:
    table = EventTable.from_arrays([5, 8], [1, 0], timefix=False)
    assert kaplan_meier(table, ci="plain").method == "kaplan-meier, plain limits, near ties kept"


def problems_of(function: object, *arguments: object, **options: object) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)  # type: ignore[operator]
    return caught.value.problems


def test_door() -> None:
    strata = EventTable.from_arrays([5, 8], [1, 0], strata=["x", "y"])
    assert problems_of(kaplan_meier, strata, ci="loglog", ci_level=95) == (
        "ci 'loglog' is not known; did you mean 'log-log'?",
        "ci_level is 95; give a fraction, such as 0.95.",
        "kaplan_meier draws one curve a group; there are 2 strata. Leave strata out, or join stratum and group in one label.",
    )
    km = kaplan_meier(A)
    assert problems_of(km.quantile, 50, rule="median") == (
        "rule 'median' is not known; choose summary, quantile or first.",
        "p is 50; give a fraction, such as 0.5.",
    )
    assert problems_of(km.at, [60, -5], beyond="keep") == (
        "beyond 'keep' is not known; choose undefined or carry.",
        "times is −5 at position 2; times start at 0.",
    )
    assert problems_of(kaplan_meier, A, at_zero="nan") == ("at_zero 'nan' is not known; choose undefined or zero.",)
