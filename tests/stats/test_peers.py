"""lifelines, statsmodels and scipy beside ours: where they are right we agree, where they are not it is named."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.datasets import load_lung
from lifelines.statistics import logrank_test, multivariate_logrank_test
from lifelines.utils import median_survival_times
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight, survdiff
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from cohortstats.errors import CohortStatsWarning
from cohortstats.stats.competing import gray_test
from cohortstats.stats.counts import CountTable, proportion_ci
from cohortstats.stats.effects import risk_difference, risk_ratio
from cohortstats.stats.events import EventTable
from cohortstats.stats.exact import fisher_exact
from cohortstats.stats.hazard import cox
from cohortstats.stats.kaplan_meier import kaplan_meier
from cohortstats.stats.log_rank import log_rank_test
from cohortstats.stats.unconditional import barnard, boschloo

LUNG = load_lung()
SEX = EventTable.from_arrays(LUNG["time"], LUNG["status"], group=LUNG["sex"])
B = [36, 50, 63, 70]


@contextmanager
def division_by_zero_allowed() -> Iterator[None]:
    """lifelines and statsmodels divide by n − d, which is 0 where the last patient has the event."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="divide by zero|invalid value", category=RuntimeWarning)
        yield


def two(x1: int, n1: int, x2: int, n2: int) -> CountTable:
    return CountTable(groups=("first", "second"), events=(x1, x2), totals=(n1, n2))


class TestLifelines:
    def test_curve_and_log_log_limits(self) -> None:
        fitted = KaplanMeierFitter().fit(LUNG["time"], LUNG["status"])
        km = kaplan_meier(EventTable.from_arrays(LUNG["time"], LUNG["status"]))
        np.testing.assert_allclose(fitted.survival_function_["KM_estimate"].iloc[1:], km.survival, rtol=1e-12)
        limits = fitted.confidence_interval_survival_function_.iloc[1:].to_numpy()
        np.testing.assert_allclose(limits, np.column_stack([km.ci_lower, km.ci_upper]), rtol=1e-9)

    @pytest.mark.parametrize(
        ("theirs", "ours"),
        [
            ({}, {}),
            ({"weightings": "wilcoxon"}, {"weighting": "gehan"}),
            ({"weightings": "tarone-ware"}, {"weighting": "tarone-ware"}),
            ({"weightings": "peto"}, {"weighting": "peto-prentice"}),
            ({"weightings": "fleming-harrington", "p": 1, "q": 0}, {"rho": 1}),
        ],
    )
    def test_log_rank(self, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
        first = LUNG["sex"] == 1
        columns = [LUNG.loc[rows, name] for name in ("time", "status") for rows in (first, ~first)]
        peer = logrank_test(*columns, **theirs)
        assert log_rank_test(SEX, **ours).statistic == pytest.approx(peer.test_statistic, rel=1e-9)

    def test_fault_median_of_a_flat_curve(self) -> None:
        # Cohort B: the curve is 1/2 from 50 to 63. R and SAS: 56.5.
        with division_by_zero_allowed():
            assert KaplanMeierFitter().fit(B, [1] * 4).median_survival_time_ == 50
        assert kaplan_meier(EventTable.from_arrays(B, [1] * 4)).quantile()["estimate"].tolist() == [56.5]

    def test_fault_limits_at_zero(self) -> None:
        with division_by_zero_allowed():
            fitted = KaplanMeierFitter().fit(B, [1] * 4)
        assert fitted.confidence_interval_survival_function_.iloc[-1].tolist() == [0, 0]
        assert math.isnan(kaplan_meier(EventTable.from_arrays(B, [1] * 4)).ci_upper[-1])

    def test_fault_near_ties(self) -> None:
        time, event, group = [0.3, 0.1 + 0.2, 0.5, 0.7, 0.3, 0.9], [1, 1, 1, 0, 1, 1], [0, 1, 1, 0, 0, 1]
        literal = multivariate_logrank_test(time, group, event).test_statistic
        assert literal == pytest.approx(125 / 583, rel=1e-9)
        assert log_rank_test(EventTable.from_arrays(time, event, group)).statistic == pytest.approx(5 / 121)
        kept = EventTable.from_arrays(time, event, group, timefix=False)
        assert log_rank_test(kept).statistic == pytest.approx(literal, rel=1e-9)

    def test_fault_p_of_nothing(self) -> None:
        # Without an event there is no test; lifelines prints p = 1.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of the singular matrix, in words that change
            assert logrank_test([1, 2], [3, 4], [0, 0], [0, 0]).p_value == 1
        assert log_rank_test(EventTable.from_arrays([1, 2, 3, 4], [0] * 4, group=[0, 0, 1, 1])).reason == "no events"


class TestStatsmodels:
    def test_curve(self) -> None:
        fitted = SurvfuncRight(LUNG["time"], LUNG["status"])
        km = kaplan_meier(EventTable.from_arrays(LUNG["time"], LUNG["status"]))
        event = km.n_event > 0
        np.testing.assert_array_equal(fitted.surv_times, km.time[event])
        np.testing.assert_allclose(fitted.surv_prob, km.survival[event], rtol=1e-12)
        np.testing.assert_allclose(fitted.surv_prob_se, km.std_error[event], rtol=1e-9)

    def test_log_rank(self) -> None:
        statistic, p = survdiff(LUNG["time"], LUNG["status"], LUNG["sex"])
        ours = log_rank_test(SEX)
        assert (ours.statistic, ours.p_value) == pytest.approx((statistic, p), rel=1e-9)

    def test_fault_median_of_a_flat_curve(self) -> None:
        with division_by_zero_allowed():
            assert SurvfuncRight(np.array(B), np.ones(4)).quantile(0.5) == 63  # R and SAS: 56.5

    def test_fault_small_p_is_lost(self) -> None:
        n = 200
        group, time = np.repeat([0, 1], n), np.arange(1, 2 * n + 1)
        _, p = survdiff(time, np.ones(2 * n), group)
        ours = log_rank_test(EventTable.from_arrays(time, np.ones(2 * n), group=group)).p_value
        assert p == 0
        assert 0 < ours < 1e-30

    def test_fault_no_events(self) -> None:
        # No event, no test: statsmodels stops with an error of linear algebra.
        with pytest.raises(np.linalg.LinAlgError):
            survdiff(np.array([1.0, 2, 3, 4]), np.zeros(4), np.array([0, 0, 1, 1]))
        assert log_rank_test(EventTable.from_arrays([1, 2, 3, 4], [0] * 4, group=[0, 0, 1, 1])).reason == "no events"

    @pytest.mark.parametrize(
        ("method", "name"), [("wilson", "wilson"), ("clopper-pearson", "beta"), ("jeffreys", "jeffreys")]
    )
    def test_proportions(self, method: Any, name: str) -> None:
        for x, n in ((9, 34), (5, 16), (1, 80), (33, 34)):
            ours = proportion_ci(x, n, method=method)
            assert (ours.ci_lower, ours.ci_upper) == pytest.approx(proportion_confint(x, n, method=name), rel=1e-9)

    def test_newcombe(self) -> None:
        ours = risk_difference(two(6, 17, 3, 17))
        assert (ours.ci_lower, ours.ci_upper) == pytest.approx(confint_proportions_2indep(6, 17, 3, 17), rel=1e-9)

    def test_fault_score_limits_of_a_difference(self) -> None:
        # 6/17 v 3/17: Miettinen-Nurminen, solved at 40 digits, −.12866 to .45678.
        theirs = confint_proportions_2indep(6, 17, 3, 17, method="score")
        assert theirs == pytest.approx((-0.12530, 0.44940), abs=5e-5)
        ours = risk_difference(two(6, 17, 3, 17), method="miettinen-nurminen")
        assert (ours.ci_lower, ours.ci_upper) == pytest.approx((-0.128660329, 0.456776567), abs=1e-9)

    @pytest.mark.parametrize("table", [(2, 2, 2, 14), (0, 5, 4, 11), (5, 5, 0, 5), (0, 5, 0, 5)])
    def test_fault_score_limits_of_a_difference_at_a_zero_cell(self, table: tuple[int, int, int, int]) -> None:
        # They are defined at every zero cell: 2/2 v 2/14 .1396 to .9614, 0/5 v 0/5 −.4605 to .4605.
        with division_by_zero_allowed(), pytest.raises(ValueError, match=r"different signs|is NaN"):
            confint_proportions_2indep(*table, method="score")
        ours = risk_difference(two(*table), method="miettinen-nurminen")
        assert -1 <= ours.ci_lower < ours.ci_upper <= 1

    def test_fault_score_limits_of_a_ratio(self) -> None:
        # 2/2 v 2/14: Koopman 1.605 to 24.94; the piece where all of group 1 have the event is missed.
        with division_by_zero_allowed():
            theirs = confint_proportions_2indep(2, 2, 2, 14, method="score", compare="ratio")
            nothing = confint_proportions_2indep(0, 5, 0, 5, method="score", compare="ratio")
        assert theirs == pytest.approx((4.0, 25.895395742), rel=1e-9)
        ours = risk_ratio(two(2, 2, 2, 14))
        assert (ours.ci_lower, ours.ci_upper) == pytest.approx((1.605034684, 24.94143671), rel=1e-9)
        # No event at all says nothing of the ratio, which is an answer: 0 to ∞.
        assert all(math.isnan(limit) for limit in nothing)
        assert (risk_ratio(two(0, 5, 0, 5)).ci_lower, risk_ratio(two(0, 5, 0, 5)).ci_upper) == (0, math.inf)


class TestScipy:
    @pytest.mark.parametrize("cells", [(6, 11, 3, 14), (2, 7, 7, 18), (3, 8, 6, 17), (5, 10, 4, 15), (12, 5, 2, 21)])
    @pytest.mark.parametrize("side", ["two-sided", "less", "greater"])
    def test_fisher(self, cells: tuple[int, int, int, int], side: Any) -> None:
        a, b, c, d = cells
        theirs = scipy.stats.fisher_exact([[a, b], [c, d]], alternative=side).pvalue
        assert fisher_exact(two(a, a + b, c, c + d), alternative=side).p_value == pytest.approx(theirs, rel=1e-10)

    def test_conditional_odds_ratio(self) -> None:
        theirs = scipy.stats.contingency.odds_ratio([[6, 11], [3, 14]])
        ours = fisher_exact(two(6, 17, 3, 17))
        assert ours.odds_ratio == pytest.approx(theirs.statistic, rel=1e-6)
        interval = theirs.confidence_interval()
        assert (ours.ci_lower, ours.ci_upper) == pytest.approx((interval.low, interval.high), rel=1e-6)

    def test_fault_one_in_twenty(self) -> None:
        # The same patients with the outcome's columns in the other order fall below 0.05.
        assert scipy.stats.fisher_exact([[2, 0], [2, 12]]).pvalue == 0.05
        assert scipy.stats.fisher_exact([[2, 12], [2, 0]]).pvalue < 0.05
        assert fisher_exact(two(2, 14, 2, 2)).p_value == fisher_exact(two(2, 2, 2, 14)).p_value == 0.05
        assert not fisher_exact(two(2, 14, 2, 2)).significant(0.05)

    @pytest.mark.parametrize(
        "table",
        [(2, 9, 7, 25), (6, 17, 3, 17), (3, 11, 6, 23), (5, 15, 4, 19), (0, 5, 4, 11), (2, 2, 2, 14), (4, 5, 1, 3)],
    )
    def test_boschloo(self, table: tuple[int, int, int, int]) -> None:
        # Columns are the groups there, and two-sided is twice the smaller one.
        x1, n1, x2, n2 = table
        theirs = scipy.stats.boschloo_exact([[x1, x2], [n1 - x1, n2 - x2]], n=256).pvalue
        assert boschloo(two(*table), two_sided="central").p_value == pytest.approx(theirs, rel=1e-10)

    @pytest.mark.parametrize("table", [(2, 9, 7, 25), (6, 17, 3, 17), (5, 15, 4, 19), (0, 5, 4, 11), (2, 2, 2, 14)])
    def test_barnard(self, table: tuple[int, int, int, int]) -> None:
        x1, n1, x2, n2 = table
        theirs = scipy.stats.barnard_exact([[x1, x2], [n1 - x1, n2 - x2]], n=1024).pvalue
        assert barnard(two(*table)).p_value == pytest.approx(theirs, rel=1e-8)

    def test_fault_rows_are_not_the_groups(self) -> None:
        # 6/17 v 3/17 as everyone writes it, rows as groups, is read as 6/9 v 11/25.
        by_rows = scipy.stats.boschloo_exact([[6, 11], [3, 14]], n=256).pvalue
        assert by_rows == pytest.approx(0.2727388614, rel=1e-9)
        assert boschloo(two(6, 9, 11, 25), two_sided="central").p_value == pytest.approx(by_rows, rel=1e-9)
        assert boschloo(two(6, 17, 3, 17), two_sided="central").p_value == pytest.approx(0.277035973714, rel=1e-11)

    def test_fault_barnard_misses_the_supremum(self) -> None:
        # The same table, rows swapped: .2494 and .2712. The larger one is a probability too, so the smaller is wrong.
        one = scipy.stats.barnard_exact([[3, 14], [6, 11]]).pvalue
        other = scipy.stats.barnard_exact([[6, 11], [3, 14]]).pvalue
        assert (one, other) == pytest.approx((0.24936949, 0.27116370), abs=5e-9)
        # Read by columns it is 3/9 v 14/25; read by rows 3/17 v 6/17.
        assert barnard(two(3, 9, 14, 25)).p_value == pytest.approx(0.2711637004977, rel=1e-11)
        assert barnard(two(6, 9, 11, 25)).p_value == pytest.approx(0.2711637004977, rel=1e-11)
        assert barnard(two(3, 17, 6, 17)).p_value == pytest.approx(0.2795604272389, rel=1e-11)

    @pytest.mark.parametrize(
        ("table", "wrong", "right"),
        [((4, 5, 1, 3), 0.25514783772, 37 / 128), ((3, 11, 6, 23), 0.99961653775, 0.999942978728)],
    )
    def test_fault_barnard_loses_ties(self, table: tuple[int, int, int, int], wrong: float, right: float) -> None:
        # 1/5 v 2/3 has the same (x1 n2 − x2 n1)²/(k (N − k)) as 4/5 v 1/3, 49/15, and is dropped; so is 8/11 v 17/23
        # beside 3/11 v 6/23, both 1/25.
        x1, n1, x2, n2 = table
        theirs = scipy.stats.barnard_exact([[x1, x2], [n1 - x1, n2 - x2]], n=1024).pvalue
        assert theirs == pytest.approx(wrong, abs=1e-9)
        assert barnard(two(*table)).p_value == pytest.approx(right, rel=1e-11)


class TestScikitSurvival:
    def test_log_rank(self) -> None:
        compare, util = pytest.importorskip("sksurv.compare"), pytest.importorskip("sksurv.util")
        outcome = util.Surv.from_arrays(LUNG["status"].to_numpy() == 1, LUNG["time"].to_numpy(dtype=float))
        statistic, p = compare.compare_survival(outcome, LUNG["sex"].to_numpy())
        ours = log_rank_test(SEX)
        assert (ours.statistic, ours.p_value) == pytest.approx((statistic, p), rel=1e-9)

    def test_fault_no_events(self) -> None:
        compare, util = pytest.importorskip("sksurv.compare"), pytest.importorskip("sksurv.util")
        outcome = util.Surv.from_arrays([False] * 4, [1.0, 2.0, 3.0, 4.0])
        with pytest.raises(ValueError, match="all samples are censored"):
            compare.compare_survival(outcome, [0, 0, 1, 1])
        assert log_rank_test(EventTable.from_arrays([1, 2, 3, 4], [0] * 4, group=[0, 0, 1, 1])).reason == "no events"

    def test_fault_limits_at_zero(self) -> None:
        # Where the last patient has the event nothing is known of the limits; R: NaN.
        nonparametric = pytest.importorskip("sksurv.nonparametric")
        with division_by_zero_allowed():
            *_, limits = nonparametric.kaplan_meier_estimator([True] * 4, np.array(B, float), conf_type="log-log")
        km = kaplan_meier(EventTable.from_arrays(B, [1] * 4))
        np.testing.assert_allclose(limits[:, :3], [km.ci_lower[:3], km.ci_upper[:3]], rtol=1e-12)
        assert limits[:, 3].tolist() == [0, 0]
        assert math.isnan(km.ci_lower[3])

    def test_fault_near_ties(self) -> None:
        compare, util = pytest.importorskip("sksurv.compare"), pytest.importorskip("sksurv.util")
        outcome = util.Surv.from_arrays(np.array(NEAR_EVENT) == 1, np.array(NEAR_TIME))
        statistic, p = compare.compare_survival(outcome, np.array(NEAR_GROUP))
        assert (statistic, p) == pytest.approx((125 / 583, 0.643333999545), rel=1e-11)
        ours = log_rank_test(EventTable.from_arrays(NEAR_TIME, NEAR_EVENT, group=NEAR_GROUP))
        assert (ours.statistic, ours.p_value) == pytest.approx((5 / 121, 0.838917041080), rel=1e-11)


# .1 + .2 is a little more than .3; R takes them as one time.
NEAR_TIME, NEAR_EVENT, NEAR_GROUP = [0.3, 0.1 + 0.2, 0.5, 0.7, 0.3, 0.9], [1, 1, 1, 0, 1, 1], [0, 1, 1, 0, 0, 1]
P_TIME, P_EVENT = [36, 50, 63, 70, 42, 63, 70, 120, 150, 180], [1, 1, 1, 1, 1, 0, 1, 0, 1, 0]


def test_fault_near_ties_in_statsmodels() -> None:
    statistic, p = survdiff(np.array(NEAR_TIME), np.array(NEAR_EVENT), np.array(NEAR_GROUP))
    assert (statistic, p) == pytest.approx((125 / 583, 0.643333999545), rel=1e-11)
    ours = log_rank_test(EventTable.from_arrays(NEAR_TIME, NEAR_EVENT, group=NEAR_GROUP))
    assert (ours.statistic, ours.p_value) == pytest.approx((5 / 121, 0.838917041080), rel=1e-11)


class TestTimeZero:
    """An event at time 0 is an event. R: survdiff(rho = 1) 2.384397163121; lifelines loses its first row of weights."""

    TIME, EVENT, GROUP = [0, 0, 3, 5, 5, 8, 9], [1, 0, 1, 1, 0, 1, 0], [0, 1, 0, 1, 1, 0, 1]

    def test_fault_of_lifelines(self) -> None:
        time, event, group = (np.array(column) for column in (self.TIME, self.EVENT, self.GROUP))
        halves = [column[group == code] for column in (time, event) for code in (0, 1)]
        with pytest.raises(ValueError, match="length must be"):
            logrank_test(*halves, weightings="fleming-harrington", p=1, q=0)
        ours = log_rank_test(EventTable.from_arrays(time, event, group=group), rho=1)
        assert ours.statistic == pytest.approx(2.384397163121, rel=1e-12)

    def test_statsmodels_agrees(self) -> None:
        time, event, group = (np.array(column) for column in (self.TIME, self.EVENT, self.GROUP))
        table = EventTable.from_arrays(time, event, group=group)
        for options, rho in (({}, 0), ({"weight_type": "fh", "fh_p": 1}, 1)):
            statistic, p = survdiff(time, event, group, **options)
            ours = log_rank_test(table, rho=rho)
            assert (ours.statistic, ours.p_value) == pytest.approx((statistic, p), rel=1e-10)


# Time; event; R's median with log-log limits; lifelines; statsmodels. R: summary(survfit(..., conf.type = "log-log"))$table
MEDIANS = {
    "flat from 50 to 63": (B, [1] * 4, (56.5, 36, math.nan), (50, 36, 70), (63, 36, 70)),
    "flat from 20 to 30": ([10, 20, 30, 40], [1] * 4, (25, 10, math.nan), (20, 10, 40), (30, 10, 40)),
    "flat to the end": (
        [1, 2, 3, 4],
        [1, 1, 0, 0],
        (2, 1, math.nan),
        (2, 1, math.inf),
        (math.nan, 1, math.inf),
    ),
    "no event": (
        [3, 5, 7],
        [0, 0, 0],
        (math.nan, math.nan, math.nan),
        (math.inf, math.inf, math.inf),
        (math.nan, math.nan, math.nan),
    ),
    "first group of ten patients": (P_TIME[:4], P_EVENT[:4], (56.5, 36, math.nan), (50, 36, 70), (63, 36, 70)),
    "second group of ten patients": (
        P_TIME[4:],
        P_EVENT[4:],
        (150, 42, math.nan),
        (150, 42, math.inf),
        (150, 42, math.inf),
    ),
}


@pytest.mark.parametrize(("time", "event", "right", "by_lifelines", "by_statsmodels"), MEDIANS.values(), ids=MEDIANS)
def test_fault_medians(
    time: list[float], event: list[int], right: object, by_lifelines: object, by_statsmodels: object
) -> None:
    (ours,) = kaplan_meier(EventTable.from_arrays(time, event)).quantile().itertuples()
    assert (ours.estimate, ours.ci_lower, ours.ci_upper) == pytest.approx(right, nan_ok=True)
    assert ours.reason == ("" if any(event) else "not reached")
    with division_by_zero_allowed():
        fitted = KaplanMeierFitter().fit(time, event)
        right_continuous = SurvfuncRight(np.array(time, float), np.array(event))
        theirs = right_continuous.quantile(0.5), *right_continuous.quantile_ci(0.5)
    limits = median_survival_times(fitted.confidence_interval_).to_numpy().ravel()
    assert (fitted.median_survival_time_, *limits) == pytest.approx(by_lifelines)
    assert theirs == pytest.approx(by_statsmodels, nan_ok=True)


def patients(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({name: np.asarray(column, dtype=float) for name, column in columns.items()})


class TestHazards:
    """Cox models; R: coxph(control = coxph.control(eps = 1e-14))."""

    def test_fault_lifelines_stops_early(self) -> None:
        ten = patients(time=P_TIME, event=P_EVENT, x=[0] * 4 + [1] * 6)
        theirs = CoxPHFitter().fit(ten, "time", "event").params_["x"]
        assert theirs == pytest.approx(-1.7104129, abs=5e-8)
        with pytest.warns(CohortStatsWarning, match="7 events for 1 parameter"):
            ours = cox(ten["time"], ten["event"], ten[["x"]]).coef[0]
        assert ours == pytest.approx(-1.71041515387, rel=1e-11)

    def test_fault_lifelines_stops_early_with_two_covariates(self) -> None:
        ovarian = pd.DataFrame(pytest.importorskip("survival").datasets.load_ovarian()).astype(float)
        columns = ovarian[["futime", "fustat", "age", "rx"]]
        theirs = CoxPHFitter().fit(columns, "futime", "fustat").params_["rx"]
        assert theirs == pytest.approx(-0.80388, abs=5e-6)
        with pytest.warns(CohortStatsWarning, match="12 events for 2 parameters"):
            ours = cox(ovarian["futime"], ovarian["fustat"], ovarian[["age", "rx"]]).coef
        assert ours == pytest.approx([0.147326595469, -0.803973012665], rel=1e-10)

    # All with x = 1 have the event before anyone with x = 0 does: the likelihood grows without end.
    ENDLESS = patients(time=[5, 8, 12, 16, 23, 27, 30, 33], event=[1, 1, 1, 1, 0, 0, 1, 0], x=[1, 1, 1, 1, 0, 0, 0, 0])

    def test_fault_a_number_where_there_is_no_maximum(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # both say that they did not converge, and return numbers all the same
            by_lifelines = CoxPHFitter().fit(self.ENDLESS, "time", "event")
            fitted = PHReg(
                self.ENDLESS["time"].to_numpy(), self.ENDLESS[["x"]].to_numpy(), status=self.ENDLESS["event"].to_numpy()
            ).fit(disp=0)
        for coef, std_error in (
            (by_lifelines.params_["x"], by_lifelines.standard_errors_["x"]),
            (fitted.params[0], fitted.bse[0]),
        ):
            assert coef > 15
            assert math.isfinite(std_error)
        with pytest.warns(CohortStatsWarning, match="5 events for 1 parameter"):
            ours = cox(self.ENDLESS["time"], self.ENDLESS["event"], self.ENDLESS[["x"]])
        assert ours.reason == "monotone likelihood"
        assert math.isnan(ours.coef[0])

    def test_fault_a_ridge_is_not_firths_penalty(self) -> None:
        # R coxphf: 2.94819910, which no one knows how to choose a `penalizer` for: any number can be had.
        ridges = [
            float(CoxPHFitter(penalizer=weight).fit(self.ENDLESS, "time", "event").params_["x"])
            for weight in (0.01, 0.1, 1)
        ]
        assert ridges[0] > 4 > ridges[1] > 2 > 1 > ridges[2] > 0
        with pytest.warns(CohortStatsWarning, match="5 events for 1 parameter"):
            firth = cox(self.ENDLESS["time"], self.ENDLESS["event"], self.ENDLESS[["x"]], penalty="firth")
        assert firth.coef[0] == pytest.approx(2.94819910, abs=2e-6)

    def test_fault_robust_errors_of_statsmodels_with_ties(self) -> None:
        quarter, event = np.ceil(LUNG["time"].to_numpy() / 90), LUNG["status"].to_numpy().astype(int)
        x = LUNG[["sex", "age"]].to_numpy(dtype=float)
        theirs = PHReg(quarter, x, status=event, ties="efron").fit(disp=0, groups=np.arange(len(x))).bse
        assert theirs == pytest.approx([0.146355, 0.0083097], abs=1e-6)
        # R: coxph(Surv(ceiling(time / 90), status == 2) ~ sex + age, lung, robust = TRUE)
        ours = cox(quarter, event, LUNG[["sex", "age"]].astype(float), robust=True)
        assert ours.std_error == pytest.approx([0.16073711684415, 0.00923383327026], rel=1e-9)

    def test_fault_no_events_in_survival(self) -> None:
        # A standard error of 0 for a coefficient that nobody can know.
        regression = pytest.importorskip("survival.regression")
        fitted = regression.coxph_fit(np.array([1.0, 2, 3, 4]), np.zeros(4, np.int64), np.array([[0.0], [1], [0], [1]]))
        assert np.isnan(fitted.coefficients).all()
        assert np.array(fitted.var).tolist() == [[0]]
        ours = cox([1, 2, 3, 4], [0] * 4, {"x": [0, 1, 0, 1]})
        assert (ours.reason, ours.n) == ("no events", 4)
        assert math.isnan(ours.std_error[0])


def test_fault_gray_of_a_group_never_at_risk() -> None:
    # Group a is gone at 2, before the first event of cause 1 at 3: R cmprsk prints −1, which is no test.
    surpyval = pytest.importorskip("surpyval")
    time, cause, group = np.array([1.0, 2, 3, 4]), [2, 0, 1, 0], np.array([0, 0, 1, 1])
    label = [{0: math.nan, 1: 1.0, 2: 2.0}[value] for value in cause]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 0/0
        theirs = surpyval.gray_test(time, label, group, event=1.0)
    assert theirs.df == 1
    ours = gray_test(time, cause, ["a", "a", "b", "b"])
    assert ours.reason == "groups never at risk together"
    assert math.isnan(ours.p_value)


def test_fault_the_odds_ratio_beside_scipys_exact_p() -> None:
    # The sample ratio 6 · 14/(11 · 3), not the conditional estimate that belongs to the test; R: 2.47583507276.
    assert scipy.stats.fisher_exact([[6, 11], [3, 14]]).statistic == pytest.approx(84 / 33, rel=1e-14)
    assert fisher_exact(two(6, 17, 3, 17)).odds_ratio == pytest.approx(2.47583507276, rel=1e-11)
    assert scipy.stats.fisher_exact([[2, 12], [2, 0]]).pvalue == pytest.approx(0.05, rel=1e-14)
