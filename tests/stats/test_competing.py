"""Cumulative incidence, Gray's test, Fine and Gray's regression: known answers, the door, and where libraries err."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import AalenJohansenFitter

from cohortstats.errors import CohortStatsWarning, InputError
from cohortstats.stats import competing, cox_engines
from cohortstats.stats.competing import cumulative_incidence, fine_gray, gray_test
from cohortstats.stats.hazard import cox

TIME, CAUSE, GROUP = [1, 2, 2, 3, 4, 5, 6, 7], [1, 2, 1, 0, 1, 2, 0, 1], [0, 0, 1, 1, 0, 1, 0, 1]


def refused(function: Callable[..., Any], *arguments: Any, **choices: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as fault:
        function(*arguments, **choices)
    return fault.value.problems


@pytest.fixture(scope="module")
def pancreatic(shared: Callable[[str], Path]) -> pd.DataFrame:
    """Time to progression; death without one competes. 41 patients, locally advanced (LA) or metastatic (M)."""
    frame = pd.read_csv(shared("data/clinical/Rdatasets_asaur_pancreatic.csv"), na_values=".")
    start, progressed, died = (
        pd.to_datetime(frame[name], format="%m/%d/%Y") for name in ("onstudy", "progression", "death")
    )
    time = (progressed.fillna(died) - start).dt.days
    return pd.DataFrame({"time": time, "cause": np.where(progressed.notna(), 1, 2), "stage": frame["stage"]})


class TestCumulativeIncidence:
    def test_shape(self) -> None:
        frame = cumulative_incidence(TIME, CAUSE, group=GROUP)
        assert frame.columns.tolist() == [
            "group", "cause", "time", "estimate", "std_error", "ci_lower", "ci_upper", "reason",
        ]  # fmt: skip
        assert frame["group"].cat.categories.tolist() == ["0", "1"]
        assert frame["cause"].tolist() == [1] * 4 + [2] * 4 + [1] * 4 + [2] * 4

    def test_jackknife(self) -> None:
        # R survfit multi-state, and once more by exact arithmetic.
        frame = cumulative_incidence(TIME, CAUSE, times=[1, 2, 4, 7])
        expected = [0.116926793337, 0.153093108924, 0.183884410874, 0.170090164508]
        assert frame.loc[frame["cause"] == 1, "std_error"].tolist() == pytest.approx(expected, rel=1e-10)

    @pytest.mark.parametrize(
        ("ci", "limits"),
        [  # R survfit, conf.type as named, at time 4: F = 13/32
            ("log", (0.16730416, 0.9864612)),
            ("log-log", (0.089652252, 0.7143133)),
            ("plain", (0.40625 - 1.959963984540054 * 0.183884410874, 0.40625 + 1.959963984540054 * 0.183884410874)),
        ],
    )
    def test_limits(self, ci: Any, limits: tuple[float, float]) -> None:
        row = cumulative_incidence(TIME, CAUSE, times=4, ci=ci).iloc[0]
        assert (row["ci_lower"], row["ci_upper"]) == pytest.approx(limits, rel=1e-6)

    def test_limits_are_undefined_at_0_and_1(self) -> None:
        frame = cumulative_incidence([1, 2, 3], [1, 1, 1], times=[0, 3])
        assert frame["estimate"].tolist() == [0, 1]
        assert frame["std_error"].tolist() == [0, 0]
        assert frame[["ci_lower", "ci_upper"]].isna().all(axis=None)

    def test_past_the_last_time(self) -> None:
        ended = cumulative_incidence(TIME, CAUSE, times=[7, 9])
        assert ended.loc[ended["cause"] == 1, "estimate"].tolist() == [0.71875, 0.71875]
        going_on = cumulative_incidence(TIME, [*CAUSE[:-1], 0], times=[7, 9])
        assert going_on["reason"].tolist() == ["", "beyond last observation"] * 2
        assert going_on["estimate"].isna().tolist() == [False, True] * 2

    def test_declared_cause_and_group_without_anybody(self) -> None:
        cause = pd.Categorical(["none", "death"] * 4, ["none", "death", "progression"])
        group = pd.Categorical(["a"] * 8, ["a", "b"])
        frame = cumulative_incidence(TIME, cause, group=group, times=[5])
        assert frame["cause"].tolist() == ["death", "progression"] * 2
        assert frame["estimate"].isna().tolist() == [False, False, True, True]
        assert frame["reason"].tolist() == ["", "", "no patients", "no patients"]
        assert frame.loc[1, "estimate"] == 0

    def test_everybody_censored(self) -> None:
        frame = cumulative_incidence([1, 2], [0, 0])
        assert frame["cause"].tolist() == [1, 1]
        assert frame["estimate"].tolist() == [0, 0]

    def test_near_ties(self) -> None:
        # 0.1 + 0.2 and 0.3 are one time, also when they are asked for.
        frame = cumulative_incidence([0.3, 0.1 + 0.2, 1], [1, 2, 0], times=[0.3])
        assert frame["estimate"].tolist() == pytest.approx([1 / 3, 1 / 3])

    def test_pancreatic(self, pancreatic: pd.DataFrame) -> None:
        frame = cumulative_incidence(
            pancreatic["time"], pancreatic["cause"], group=pancreatic["stage"], times=[60, 120, 180, 365]
        )
        progression = frame[frame["cause"] == 1]
        counts = [0, 0.125, 0.25, 0.5, 8 / 33, 16 / 33, 20 / 33, 21 / 33]
        assert progression["estimate"].tolist() == pytest.approx(counts, rel=1e-12)
        errors = [0.0746009036, 0.0869988561, 0.0850581170, 0.0837393066]
        assert progression["std_error"].tolist()[4:] == pytest.approx(errors, rel=1e-8)

    def test_the_door(self) -> None:
        codes = "give whole numbers, 0 for censored, or a categorical whose first category is censored"
        assert refused(cumulative_incidence, TIME, [*CAUSE[:6], 0.5, 1]) == (f"cause holds 0.5 (position 7); {codes}.",)
        assert refused(cumulative_incidence, TIME, ["death"] * 8) == (f"cause holds text ('death'); {codes}.",)
        assert refused(cumulative_incidence, TIME, [-1, *CAUSE[1:]]) == (f"cause holds −1 (position 1); {codes}.",)
        assert refused(cumulative_incidence, TIME, [None, *CAUSE[1:]]) == (
            "cause is missing at position 1; exclude or complete this patient first.",
        )
        assert refused(cumulative_incidence, TIME, pd.Categorical([None, *"abababa"], list("ab"))) == (
            "cause is missing at position 1; exclude or complete this patient first.",
        )
        assert refused(cumulative_incidence, TIME, pd.Categorical(["a"] * 8)) == (f"cause has one category; {codes}.",)
        assert refused(cumulative_incidence, [], []) == ("there are no patients.",)
        assert refused(cumulative_incidence, [-1, *TIME[1:]], CAUSE[:3], ci="loglog", ci_level=95) == (
            "ci 'loglog' is not known; did you mean 'log-log'?",
            "ci_level is 95; give a fraction, such as 0.95.",
            "time has 8 values, cause has 3.",
            "time is −1 at position 1; times start at 0.",
        )

    def test_lifelines_jitters_ties(self) -> None:
        # By hand: 1/5 at time 1, survival 3/5; of two at risk one dies of cause 2 at 2; the last has cause 1: 1/5 + 3/10.
        time, cause = [1, 1, 1, 2, 3], [1, 2, 0, 2, 1]
        frame = cumulative_incidence(time, cause, times=[3])
        assert frame.loc[0, "estimate"] == pytest.approx(0.5, rel=1e-14)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that it jitters
            found = {
                float(
                    AalenJohansenFitter(seed=seed).fit(time, cause, event_of_interest=1).cumulative_density_.iloc[-1, 0]
                )
                for seed in range(8)
            }
        assert len(found) > 1


class TestGray:
    def test_pancreatic(self, pancreatic: pd.DataFrame) -> None:
        # R cmprsk
        arrays = (pancreatic["time"], pancreatic["cause"], pancreatic["stage"])
        progression, death = gray_test(*arrays), gray_test(*arrays, cause_of_interest=2)
        assert (progression.statistic, progression.p_value) == pytest.approx(
            (1.586206320184, 0.207868983254), rel=1e-10
        )
        assert (death.statistic, death.p_value) == pytest.approx((0.668256285401, 0.413660206600), rel=1e-10)
        assert progression.n.tolist() == [8, 33]
        assert progression.n_events.tolist() == [4, 22]
        assert death.n_events.tolist() == [4, 11]

    def test_eight_patients(self) -> None:
        # R cmprsk: 0.30338825045151, 0.00156005498304
        assert gray_test(TIME, CAUSE, GROUP).statistic == pytest.approx(0.30338825045151, rel=1e-10)
        test = gray_test(TIME, CAUSE, GROUP, cause_of_interest=2)
        assert test.statistic == pytest.approx(0.00156005498304, rel=1e-9)
        assert test.to_frame().columns.tolist() == ["cause", "statistic", "df", "p_value", "method", "reason"]
        assert "surpyval" in test.method

    def test_without_an_answer(self) -> None:
        assert gray_test(TIME, CAUSE, ["a"] * 8).reason == "one group"
        causes = pd.Categorical([0] * 8, [0, 1])
        assert gray_test(TIME, causes, GROUP).reason == "no events"

    def test_declared_group_without_anybody(self) -> None:
        group = pd.Categorical(GROUP, [0, 1, 2])
        test = gray_test(TIME, CAUSE, group)
        assert (test.df, test.n.tolist()) == (1, [4, 4, 0])
        assert test.statistic == gray_test(TIME, CAUSE, GROUP).statistic

    def test_the_door(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert refused(gray_test, TIME, CAUSE, GROUP, cause_of_interest=3) == (
            "cause_of_interest is 3; the causes are 1, 2.",
        )
        assert refused(gray_test, TIME, CAUSE, [None, *GROUP[1:]]) == (
            "group is missing at position 1; exclude or complete this patient first.",
        )
        monkeypatch.setattr(competing, "find_spec", lambda name: None)
        assert refused(gray_test, TIME, CAUSE, GROUP) == (
            "Gray's test needs an extra: pip install 'cohortstats[competing]'.",
        )


class TestFineGray:
    def test_pancreatic(self, pancreatic: pd.DataFrame) -> None:
        # R crr with gtol = 1e-12; nobody is censored, so that both of R's forms have the same standard error.
        model = fine_gray(pancreatic["time"], pancreatic["cause"], {"M": pancreatic["stage"] == "M"})
        assert (model.coef[0], model.std_error[0]) == pytest.approx((0.659286430225, 0.466875720749), rel=1e-9)
        assert (model.n, model.n_events) == (41, 26)
        assert model.method.startswith("Fine-Gray model of 1 (finegray and coxph form), Breslow ties, robust variance")

    def test_eight_patients(self) -> None:
        # R finegray + coxph: −0.304191829246318, se .861398307795203 (crr: se .852449620786)
        with pytest.warns(CohortStatsWarning):
            model = fine_gray(TIME, CAUSE, GROUP, allow_few_events=True)
        assert (model.coef[0], model.std_error[0]) == pytest.approx((-0.304191829246318, 0.861398307795203), rel=1e-9)
        # R cox.zph of the same fit: 0.357998482964
        assert model.proportionality()["statistic"].tolist() == pytest.approx([0.357998482964] * 2, rel=1e-9)

    def test_without_other_causes_it_is_a_cox_model(self) -> None:
        time, x = np.arange(1, 21), np.array([0, 1, 1, 0, 0, 1, 0, 1, 1, 0] * 2)
        event = np.array([1, 1, 1, 0] * 5)
        model = fine_gray(time, event, x)
        plain = cox(time, event, x, ties="breslow", robust=True)
        assert model.coef[0] == pytest.approx(plain.coef[0], rel=1e-10)
        assert model.std_error[0] == pytest.approx(plain.std_error[0], rel=1e-10)

    def test_without_an_answer(self) -> None:
        none = fine_gray(TIME, pd.Categorical([0, 2] * 4, [0, 1, 2]), GROUP)
        assert (none.reason, none.n) == ("no events", 8)
        with pytest.warns(CohortStatsWarning):
            endless = fine_gray(TIME, [1, 1, 1, 1, 1, 2, 2, 2], [1, 1, 1, 1, 1, 0, 0, 0])
        assert endless.reason == "monotone likelihood"
        assert math.isnan(endless.coef[0])

    def test_the_door(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert refused(fine_gray, TIME, [*CAUSE[:6], 0.5, 1], {"x": [1] * 8}, ties="exact")[:2] == (
            "ties 'exact' is not known; choose breslow or efron.",
            "covariate 'x' has one value.",
        )
        monkeypatch.setattr(cox_engines, "find_spec", lambda name: None)
        assert refused(fine_gray, TIME, CAUSE, GROUP) == ("Fine and Gray's model needs the package survival.",)


def test_fine_gray_without_variance_has_a_reason() -> None:
    # Rounding noise apart, all three have the event at one time.
    with pytest.warns(CohortStatsWarning):
        model = fine_gray([1e-300, 2e-300, 5e-324], [1, 1, 1], {"x": [0, 1, 0]})
    assert model.reason == "variance is zero"
    assert np.isnan(model.coef).all()
