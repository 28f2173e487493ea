"""Areas and heights of curves compared. Known answers: R survival 3.5-3 and an independent program."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time

from cohortstats.errors import InputError
from cohortstats.stats.events import EventTable
from cohortstats.stats.kaplan_meier import kaplan_meier
from cohortstats.stats.restricted_mean import rmst, rmst_difference, survival_difference

P_TIME, P_EVENT = [36, 50, 63, 70, 42, 63, 70, 120, 150, 180], [1, 1, 1, 1, 1, 0, 1, 0, 1, 0]
P = EventTable.from_arrays(P_TIME, P_EVENT, group=[0] * 4 + [1] * 6)
Find = Callable[[str], Path]


def lung(shared: Find, *, by_sex: bool = True) -> EventTable:
    frame = pd.read_csv(shared("data/clinical/Rdatasets_survival_cancer.csv"))
    return EventTable.from_arrays(frame["time"], frame["status"] == 2, group=frame["sex"] if by_sex else None)


def problems_of(function: object, *arguments: object, **options: object) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)  # type: ignore[operator]
    return caught.value.problems


class TestMeans:
    def test_cohort_p(self) -> None:
        found = rmst(P, tau=70)
        assert list(found.columns) == ["group", "tau", "estimate", "std_error", "ci_lower", "ci_upper", "reason"]
        assert found["group"].tolist() == ["0", "1"]
        np.testing.assert_allclose(found["estimate"], [54.75, 65.3333333333], rtol=1e-11)
        np.testing.assert_allclose(found["std_error"], [6.49398760393, 4.26006433615], rtol=1e-11)
        z = 1.959963984540054
        np.testing.assert_allclose(found["ci_lower"], found["estimate"] - z * found["std_error"], rtol=1e-14)
        np.testing.assert_allclose(found["ci_upper"], found["estimate"] + z * found["std_error"], rtol=1e-14)

    def test_lung_and_ovarian(self, shared: Find) -> None:
        # R: summary(fit, rmean = 301), summary(fit, rmean = 500)
        (everyone,) = rmst(lung(shared, by_sex=False), tau=301).itertuples()
        assert (everyone.estimate, everyone.std_error) == pytest.approx((232.786481651817, 6.10186309566), rel=1e-11)
        by_sex = rmst(lung(shared), tau=301)
        np.testing.assert_allclose(by_sex["estimate"], [216.836267417, 257.721410129], rtol=1e-11)
        np.testing.assert_allclose(by_sex["std_error"], [8.31077501177, 8.06318525210], rtol=1e-11)
        frame = pd.read_csv(shared("data/clinical/Rdatasets_survival_ovarian.csv"))
        ovarian = rmst(EventTable.from_arrays(frame["futime"], frame["fustat"], group=frame["rx"]), tau=500)
        np.testing.assert_allclose(ovarian["estimate"], [373.692307692, 472.572649573], rtol=1e-11)
        np.testing.assert_allclose(ovarian["std_error"], [44.9503848264, 13.9339044710], rtol=1e-11)

    def test_beyond_follow_up(self) -> None:
        # Group 0 has ended at 70, so its mean is the same at every later tau; group 1 is observed up to 180.
        found = rmst(P, tau=200)
        assert found["estimate"][0] == pytest.approx(54.75)
        assert found.loc[1, ["estimate", "std_error", "ci_lower", "ci_upper"]].isna().all()
        assert found["reason"].tolist() == ["", "tau beyond follow-up"]
        assert rmst(P, tau=180)["reason"].tolist() == ["", ""]

    def test_tau_unsaid_is_the_smallest_last_time(self) -> None:
        found = rmst(P)
        assert found["tau"].tolist() == [70, 70]
        np.testing.assert_allclose(found["estimate"], [54.75, 65.3333333333], rtol=1e-11)
        declared = pd.Categorical(["a", "a"], categories=["a", "none"])
        found = rmst(EventTable.from_arrays([5, 8], [1, 0], group=declared))
        assert found["tau"].tolist() == [8, 8]
        assert found["estimate"][0] == 6.5  # 5 · 1 + 3 · 1/2
        assert found["reason"].tolist() == ["", "no patients"]
        assert found.loc[1, ["estimate", "std_error"]].isna().all()

    def test_before_the_first_event_everyone_has_tau(self) -> None:
        found = rmst(P, tau=30)
        assert found[["estimate", "std_error"]].to_numpy().tolist() == [[30, 0], [30, 0]]

    def test_tau_past_the_end_by_rounding_only(self) -> None:
        time = [0.1, 0.3]
        assert rmst(EventTable.from_arrays(time, [1, 0]), tau=0.1 + 0.2)["reason"].tolist() == [""]
        literal = EventTable.from_arrays(time, [1, 0], timefix=False)
        assert rmst(literal, tau=0.1 + 0.2)["reason"].tolist() == ["tau beyond follow-up"]

    def test_late_entries(self) -> None:
        # R: survfit(Surv(entry, time, event) ~ 1)
        events = EventTable.from_arrays([20, 40, 35, 60, 90, 100], [1, 1, 0, 1, 1, 0], entry=[0, 15, 0, 30, 25, 0])
        found = rmst(events, tau=100).iloc[0]
        assert (found.estimate, found.std_error) == pytest.approx((59.375, 14.46304558176), rel=1e-12)

    def test_lifelines_and_its_trap(self) -> None:
        # The mean is the same; the "variance" there is that of min(T, tau), not of the estimate.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it divides by zero, and integrates a step function numerically
            fitted = KaplanMeierFitter().fit(P_TIME[:4], P_EVENT[:4])
            mean, variance = restricted_mean_survival_time(fitted, t=70, return_variance=True)
        ours = rmst(P, tau=70).iloc[0]
        assert ours.estimate == pytest.approx(mean, rel=1e-3)
        assert math.sqrt(variance) == pytest.approx(ours.std_error * math.sqrt(4), rel=1e-2)

    def test_door(self) -> None:
        strata = EventTable.from_arrays([5, 8], [1, 0], strata=["x", "y"])
        assert problems_of(rmst, strata, tau=-5, ci_level=95) == (
            "rmst draws one curve a group; there are 2 strata. Leave strata out, or join stratum and group in one label.",
            "tau is −5; give a time above 0.",
            "ci_level is 95; give a fraction, such as 0.95.",
        )
        assert problems_of(rmst, P, tau=0) == ("tau is 0; give a time above 0.",)
        assert problems_of(rmst, P, tau=math.nan) == ("tau is nan; give a time above 0.",)
        assert problems_of(rmst, P, tau=math.inf) == ("tau is inf; give a finite time.",)


class TestDifferences:
    def test_lung(self, shared: Find) -> None:
        # R: the two rows of summary(fit, rmean = 301)$table
        found = rmst_difference(lung(shared), tau=301)
        assert list(found.columns) == [
            "group_1", "group_2", "tau", "estimate", "std_error", "ci_lower", "ci_upper", "statistic", "p_value",
            "reason",
        ]  # fmt: skip
        (row,) = found.itertuples()
        assert (row.group_1, row.group_2, row.tau, row.reason) == ("1", "2", 301, "")
        assert (row.estimate, row.std_error) == pytest.approx((-40.8851427119, 11.5794618919), rel=1e-11)
        assert row.p_value == pytest.approx(4.142536732307e-04, rel=1e-10)
        assert (row.ci_lower, row.ci_upper) == pytest.approx((-63.58047098041, -18.18981444349), rel=1e-11)

    def test_pairs_of_several_groups(self) -> None:
        events = EventTable.from_arrays(range(1, 10), [1] * 9, group=list("abcabcabc"))
        found = rmst_difference(events, tau=7)
        assert list(zip(found["group_1"], found["group_2"], strict=True)) == [("a", "b"), ("a", "c"), ("b", "c")]
        means = rmst(events, tau=7).set_index("group")
        for row in found.itertuples():
            one, two = means.loc[row.group_1], means.loc[row.group_2]
            assert row.estimate == pytest.approx(one.estimate - two.estimate)
            assert row.std_error == pytest.approx(math.hypot(one.std_error, two.std_error))
            assert row.statistic == pytest.approx(row.estimate / row.std_error)

    def test_reasons(self) -> None:
        (row,) = rmst_difference(P, tau=200).itertuples()
        assert (row.reason, math.isnan(row.estimate), math.isnan(row.p_value)) == ("tau beyond follow-up", True, True)
        (row,) = rmst_difference(P, tau=30).itertuples()
        assert (row.estimate, row.reason, math.isnan(row.std_error)) == (0, "variance is zero", True)
        declared = pd.Categorical(["a", "a"], categories=["a", "none"])
        (row,) = rmst_difference(EventTable.from_arrays([5, 8], [1, 0], group=declared), tau=6).itertuples()
        assert (row.reason, math.isnan(row.estimate)) == ("no patients", True)

    def test_door(self) -> None:
        one = EventTable.from_arrays([5, 8], [1, 0])
        assert problems_of(rmst_difference, one, tau=-5) == (
            "rmst_difference compares 2 or more groups; there is 1.",
            "tau is −5; give a time above 0.",
        )


class TestSurvival:
    def test_lung(self, shared: Find) -> None:
        # R: summary(survfit(Surv(time, status == 2) ~ sex, lung), times = c(180, 365))
        found = survival_difference(kaplan_meier(lung(shared)), times=[180, 365])
        assert list(found.columns) == [
            "time", "group_1", "group_2", "survival_1", "survival_2", "estimate", "std_error", "ci_lower", "ci_upper",
            "statistic", "p_value", "reason",
        ]  # fmt: skip
        columns = ["estimate", "std_error", "statistic", "p_value", "ci_lower", "ci_upper"]
        expected = [
            [-0.1979367040460, 0.05621164519108, -3.521275767204, 0.0004294757255048, -0.3081095041323, -0.08776390395974],
            [-0.1903751955465, 0.07385187738018, -2.577797644419, 0.0099432206906812, -0.3351222154023, -0.04562817569071],
        ]  # fmt: skip
        np.testing.assert_allclose(found[columns], expected, rtol=1e-11)

    def test_level_is_that_of_the_curves(self) -> None:
        (row,) = survival_difference(kaplan_meier(P, ci_level=0.9), times=60).itertuples()
        assert row.ci_upper - row.estimate == pytest.approx(1.6448536269514722 * row.std_error)

    def test_reasons(self) -> None:
        found = survival_difference(kaplan_meier(P), times=[10, 60, 100, 200])
        assert found["reason"].tolist() == ["variance is zero", "", "variance is zero", "beyond last observation"]
        assert found["estimate"].tolist()[:3] == pytest.approx([0, -1 / 3, -0.625])
        assert found["std_error"].isna().tolist() == [True, False, True, True]
        assert found["p_value"].isna().tolist() == [True, False, True, True]
        assert math.isnan(found["estimate"][3])
        # One curve still at 1: its variance is 0, that of the other is not.
        (row,) = survival_difference(kaplan_meier(P), times=40).itertuples()
        assert (row.survival_1, row.survival_2, row.reason) == (0.75, 1, "")
        assert row.std_error == pytest.approx(math.sqrt(0.75 * 0.25 / 4))

    def test_door(self) -> None:
        one = kaplan_meier(EventTable.from_arrays([5, 8], [1, 0]))
        assert problems_of(survival_difference, one, times=[60, -5]) == (
            "survival_difference compares 2 or more groups; there is 1.",
            "times is −5 at position 2; times start at 0.",
        )
