"""Cox regression: published data sets against R, what is refused, what has no answer, and where other libraries err.

Numbers beside data sets of R come from ``coxph.control(eps = 1e-14)`` and, once more, from plain array programs.
"""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.statistics import proportional_hazard_test
from scipy.optimize import minimize_scalar
from statsmodels.duration.hazard_regression import PHReg
from survival import datasets

from cohortstats.errors import CohortStatsWarning, InputError
from cohortstats.stats import cox_engines, firth
from cohortstats.stats.cox_engines import Ties, Transform
from cohortstats.stats.hazard import CoxModel, cox

LUNG = pd.DataFrame(datasets.load_lung()).astype(float)
LUNG["died"] = LUNG["status"] == 2
ECOG = LUNG.dropna(subset=["ph.ecog"])
OVARIAN = pd.DataFrame(datasets.load_ovarian()).astype(float)
VETERAN = pd.DataFrame(datasets.load_veteran())
VETERAN["celltype"] = pd.Categorical(VETERAN["celltype"], ["squamous", "smallcell", "adeno", "large"])
P = ([36, 50, 63, 70, 42, 63, 70, 120, 150, 180], [1, 1, 1, 1, 1, 0, 1, 0, 1, 0], [0] * 4 + [1] * 6)
ENDLESS = ([5, 8, 12, 16, 23, 27, 30, 33], [1, 1, 1, 1, 0, 0, 1, 0], [1, 1, 1, 1, 0, 0, 0, 0])


def few(*arguments: Any, **choices: Any) -> CoxModel:
    with pytest.warns(CohortStatsWarning, match=r"fewer than 10 are few|supported"):
        return cox(*arguments, **choices)


def refused(*arguments: Any, **choices: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as fault:
        cox(*arguments, **choices)
    return fault.value.problems


LUNG_SEX = [
    ("efron", -0.531023540006, 0.167178583301, (10.6336047309, 10.0894215043, 10.3251484957), (-749.909801390, -744.592999025)),
    ("breslow", -0.530396576883, 0.167180837456, (10.6076722999, 10.0653395968, 10.2999243232), (-750.122018895, -744.818182745)),
    ("exact", -0.531713783748, 0.167374308770, (10.6345396199, 10.0920233030, 10.3267419549), (-731.077044480, -725.759774670)),
]  # fmt: skip


class TestPublishedData:
    @pytest.mark.parametrize(("ties", "coef", "std_error", "tests", "log_likelihood"), LUNG_SEX)
    def test_lung(self, ties: Ties, coef: float, std_error: float, tests: Any, log_likelihood: Any) -> None:
        model = cox(LUNG["time"], LUNG["died"], LUNG["sex"], ties=ties)
        assert model.coef[0] == pytest.approx(coef, rel=1e-10)
        assert model.std_error[0] == pytest.approx(std_error, rel=1e-10)
        ours = [model.likelihood_ratio.statistic, model.wald.statistic, model.score.statistic]
        assert ours == pytest.approx(tests, rel=1e-10)
        assert model.log_likelihood == pytest.approx(log_likelihood, rel=1e-11)
        assert (model.n, model.n_events, model.events_per_parameter, model.supported_parameters) == (
            228,
            165,
            165.0,
            16,
        )

    def test_hazard_ratio_and_limits(self) -> None:
        frame = cox(LUNG["time"], LUNG["died"], LUNG[["sex"]]).to_frame()
        assert frame.columns.tolist() == [
            "term", "coef", "std_error", "hazard_ratio", "ci_lower", "ci_upper", "statistic", "p_value",
        ]  # fmt: skip
        limits = (0.588002817160, 0.423717829284, 0.815984811337)
        assert frame.loc[0, ["hazard_ratio", "ci_lower", "ci_upper"]].tolist() == pytest.approx(limits, rel=1e-10)
        assert frame.loc[0, "statistic"] ** 2 == pytest.approx(10.0894215043, rel=1e-10)

    @pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
    def test_ovarian_has_no_ties(self, ties: Ties) -> None:
        model = cox(OVARIAN["futime"], OVARIAN["fustat"], OVARIAN["rx"], ties=ties)
        assert (model.coef[0], model.std_error[0]) == pytest.approx((-0.596380049393, 0.586989526366), rel=1e-10)
        assert model.score.statistic == pytest.approx(1.06273986129, rel=1e-10)

    def test_several_covariates(self) -> None:
        model = cox(ECOG["time"], ECOG["died"], ECOG[["age", "sex", "ph.ecog"]])
        assert model.coef == pytest.approx([0.0110667645961, -0.552612395532, 0.463728475116], rel=1e-10)
        assert model.std_error == pytest.approx([0.0092674110144, 0.167739053783, 0.113577266161], rel=1e-9)
        ours = [model.likelihood_ratio.statistic, model.wald.statistic, model.score.statistic]
        assert ours == pytest.approx((30.5006687732, 29.9292511976, 30.4999227049), rel=1e-10)
        assert model.likelihood_ratio.df == 3
        assert (model.n, model.n_events) == (227, 164)

    def test_strata(self) -> None:
        model = cox(ECOG["time"], ECOG["died"], ECOG[["sex", "age"]], strata=ECOG["ph.ecog"])
        assert model.coef == pytest.approx([-0.553516927413, 0.0107721611268], rel=1e-10)
        assert model.log_likelihood == pytest.approx((-566.906517585, -560.674008643), rel=1e-11)
        assert "4 strata" in model.method

    def test_delayed_entry(self) -> None:
        time, event = [20, 40, 35, 60, 90, 100, 50, 45], [1, 1, 0, 1, 1, 0, 1, 1]
        entry, group = [0, 15, 0, 30, 25, 0, 5, 0], [1, 0, 1, 1, 0, 0, 1, 0]
        model = few(time, event, group, entry=entry)
        assert (model.coef[0], model.std_error[0]) == pytest.approx((0.773760948539, 0.923340564996), rel=1e-10)
        assert model.score.statistic == pytest.approx(0.735459662, rel=1e-8)
        assert "delayed entry" in model.method

    def test_robust(self) -> None:
        robust = cox(LUNG["time"], LUNG["died"], LUNG[["sex", "age"]], robust=True)
        assert robust.std_error == pytest.approx([0.160174167834, 0.0095046381236], rel=1e-8)
        known = LUNG.dropna(subset=["inst"])
        clustered = cox(known["time"], known["died"], known[["sex", "age"]], cluster=known["inst"])
        assert clustered.std_error == pytest.approx([0.1282306, 0.00732739], rel=1e-6)
        assert "robust variance, 18 clusters" in clustered.method

    def test_one_cohort_three_tie_rules(self) -> None:
        expected = {
            "breslow": (-1.60066172519, 0.880897788154, 0.0358938371974, 1.13413042696),
            "efron": (-1.71041515387, 0.896116052233, 0.0312176904824, 1.04701162448),
            "exact": (-1.98401788866, 1.12170629506, 0.0152599759642, 1.23922483476),
        }
        for ties, numbers in expected.items():
            model = few(*P, ties=ties)
            ours = (model.coef[0], model.std_error[0], model.ci_lower[0], model.ci_upper[0])
            assert ours == pytest.approx(numbers, rel=1e-7 if ties == "exact" else 1e-10)

    @pytest.mark.parametrize(
        ("transform", "statistics"),
        [
            ("km", (0.206307412064, 14.531710396, 12.813325591, 22.859685275)),
            ("rank", (0.215103061586, 14.675680798, 13.393896166, 23.293799602)),
            ("identity", (0.004931184185, 18.413912397, 6.051595060, 20.870858444)),
            ("log", (0.214861003375, 13.585734041, 10.079175416, 21.451356768)),
        ],
    )
    def test_proportionality(self, transform: Transform, statistics: Any) -> None:
        model = cox(VETERAN["time"], VETERAN["status"], VETERAN[["trt", "celltype", "karno"]])
        frame = model.proportionality(transform)
        assert frame["term"].tolist() == ["trt", "celltype", "karno", "GLOBAL"]
        assert frame["df"].tolist() == [1, 3, 1, 5]
        assert frame["statistic"].tolist() == pytest.approx(statistics, rel=1e-7)


class TestFirth:
    def test_two_groups(self) -> None:
        model = few(*P, penalty="firth", ties="efron")
        assert model.coef[0] == pytest.approx(-1.49758725359, abs=1e-7)
        assert model.p_value[0] == pytest.approx(0.0566663510671, rel=1e-9)
        assert (model.ci_lower[0], model.ci_upper[0]) == pytest.approx((0.0379580403331, 1.04405883011), rel=1e-6)
        assert model.ties == "breslow"
        assert "Firth's penalty" in model.method
        assert "Breslow ties" in model.method
        assert "firthmodels" in model.method

    def test_without_a_finite_maximum(self) -> None:
        model = few(*ENDLESS, penalty="firth")
        assert model.reason == ""
        assert (model.coef[0], model.hazard_ratio[0]) == pytest.approx((2.94819910, 19.0715768), rel=1e-6)
        assert (model.statistic[0], model.p_value[0]) == pytest.approx((6.72468931, 0.009508729262), rel=1e-8)
        assert (model.ci_lower[0], model.ci_upper[0]) == pytest.approx((1.86814258009, 2582.64669670), rel=1e-6)
        assert model.likelihood_ratio.statistic == pytest.approx(6.72468931, rel=1e-8)
        shorter = few(ENDLESS[0], [1, 1, 1, 1, 0, 0, 0, 0], ENDLESS[2], penalty="firth", allow_few_events=True)
        assert shorter.coef[0] == pytest.approx(2.94819910, rel=1e-6)

    def test_two_covariates(self) -> None:
        model = few(OVARIAN["futime"], OVARIAN["fustat"], OVARIAN[["age", "rx"]], penalty="firth")
        assert model.coef == pytest.approx([0.136831156119, -0.832891000514], abs=2e-6)
        assert model.p_value == pytest.approx([0.000163959359, 0.168351311], rel=1e-6)
        assert model.ci_lower == pytest.approx([1.06302239541, 0.128895460249], rel=1e-4)
        assert model.ci_upper == pytest.approx([1.26542161976, 1.44299448035], rel=1e-4)

    def test_against_direct_maximisation(self) -> None:
        """One covariate: the penalised likelihood written out, maximised by search; the limits lie 3.84/2 below."""
        rng = np.random.default_rng(3)
        for _ in range(40):
            n = int(rng.integers(8, 25))
            time, event, x = rng.integers(1, 12, n), rng.random(n) < 0.6, np.round(rng.normal(size=n), 1)
            event[:3] = True

            def penalised(beta: float, time: Any = time, event: Any = event, x: Any = x) -> float:
                value = information = 0.0
                for t, z in zip(time[event], x[event], strict=True):
                    weight = np.exp(beta * x) * (time >= t)
                    mean = weight @ x / weight.sum()
                    value += beta * z - math.log(weight.sum())
                    information += weight @ (x - mean) ** 2 / weight.sum()
                return value + 0.5 * math.log(information)

            with warnings.catch_warnings():
                warnings.simplefilter("ignore", CohortStatsWarning)
                model = cox(time, event, x, penalty="firth", allow_few_events=True)
            found = minimize_scalar(lambda beta, value=penalised: -value(beta), bracket=(-0.5, 0.5), tol=1e-12)
            assert model.coef[0] == pytest.approx(found.x, abs=2e-6)
            assert model.log_likelihood == pytest.approx((penalised(0.0), -found.fun), rel=1e-9)
            for limit in (model.ci_lower[0], model.ci_upper[0]):
                assert 2 * (-found.fun - penalised(math.log(limit))) == pytest.approx(3.841458820694124, rel=1e-6)

    def test_scale_of_a_covariate(self) -> None:
        # The penalty moves by a constant: the likelihood ratio and the coefficient in years or days are the same.
        years = cox(OVARIAN["futime"], OVARIAN["fustat"], OVARIAN["age"], penalty="firth")
        days = cox(OVARIAN["futime"], OVARIAN["fustat"], OVARIAN["age"] * 365.25, penalty="firth")
        assert days.coef[0] * 365.25 == pytest.approx(years.coef[0], rel=1e-9)
        assert days.log_likelihood[1] - years.log_likelihood[1] == pytest.approx(math.log(365.25), rel=1e-9)

    def test_refused_beside_strata_entry_and_robust(self) -> None:
        told = refused(*P, penalty="firth", strata=P[2], entry=[0] * 10, robust=True)
        assert told == ("Firth's penalty is not offered with strata or entry or robust.",)
        assert refused(*P, penalty="ridge") == ("penalty 'ridge' is not known; choose firth or None.",)

    def test_no_proportionality(self) -> None:
        with pytest.raises(InputError, match="tested on a model without a penalty"):
            few(*P, penalty="firth").proportionality()

    def test_extra_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(firth, "find_spec", lambda name: None)
        model = few(*ENDLESS, penalty="firth")
        assert model.reason == "monotone likelihood"
        assert math.isnan(model.coef[0])
        assert model.notes[-1].endswith("needs an extra: pip install 'cohortstats[firth]'.")
        with pytest.warns(CohortStatsWarning), pytest.raises(InputError, match=r"pip install 'cohortstats\[firth\]'"):
            cox(*P, penalty="firth")


class TestWithoutAnAnswer:
    def test_monotone_likelihood(self) -> None:
        model = few(*ENDLESS)
        assert model.reason == "monotone likelihood"
        assert model.to_frame().drop(columns="term").isna().all(axis=None)
        assert model.notes[-1] == (
            "No finite estimate exists: the likelihood grows without end along x. "
            "Firth's penalised estimate (penalty='firth') is finite."
        )
        frame = model.proportionality()
        assert frame["statistic"].isna().all()
        assert frame["reason"].tolist() == ["monotone likelihood"] * 2

    def test_what_runs_away_is_named(self) -> None:
        time = np.arange(1, 41)
        x = pd.DataFrame({"age": np.tile([50, 60, 55, 70], 10), "marker": time <= 25})
        model = cox(time, time <= 25, x)
        assert model.reason == "monotone likelihood"
        assert "grows without end along marker." in model.notes[-1]

    def test_no_events(self) -> None:
        model = cox([1, 2, 3], [0, 0, 0], [0, 1, 0])
        assert (model.reason, model.n_events, model.n) == ("no events", 0, 3)
        assert math.isnan(model.p_value[0])
        assert math.isnan(model.likelihood_ratio.p_value)

    def test_nobody_at_risk_differs(self) -> None:
        model = few([1, 2, 3, 4, 5, 6, 7], [0, 1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 0, 0, 0])
        assert model.reason == "no variation"

    def test_everything_at_one_time_cannot_change_with_time(self) -> None:
        model = few([1] * 12 + [2] * 4, [1] * 8 + [0] * 8, [0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1])
        assert model.reason == ""
        assert model.proportionality()["reason"].tolist() == ["no variation"] * 2


class TestTheDoor:
    TIME, EVENT = list(range(1, 21)), [1] * 20
    X = [0, 1] * 10

    def test_covariates(self) -> None:
        def told(values: Any) -> tuple[str, ...]:
            return refused(self.TIME, self.EVENT, {"her2": values})

        assert told([1] * 20) == ("covariate 'her2' has one value.",)
        assert told(pd.Categorical(["a"] * 20, ["a", "b"])) == ("covariate 'her2' has one value.",)
        assert told(["pos", "neg"] * 10) == ("covariate 'her2' holds text; declare its levels.",)
        assert told([1.0, math.nan, *[0] * 18]) == (
            "covariate 'her2' is missing at position 2; exclude or complete this patient first.",
        )
        assert told(pd.Categorical([None, *["a", "b"] * 9, "a"])) == (
            "covariate 'her2' is missing at position 1; exclude or complete this patient first.",
        )
        assert told([math.inf, *[0] * 19]) == ("covariate 'her2' is inf at position 1; give finite values.",)
        assert told([1, 2]) == ("time has 20 values, covariate 'her2' has 2.",)
        assert told(np.zeros((20, 2))) == ("covariate 'her2' must be one column; it has shape (20, 2).",)
        assert refused(self.TIME, self.EVENT, np.zeros((20, 2))) == (
            "covariates must be a frame or one column; they have shape (20, 2).",
        )
        assert refused(self.TIME, self.EVENT, pd.DataFrame(index=range(20))) == ("there are no covariates.",)
        twice = pd.DataFrame([[0, 1], [1, 0]] * 10, columns=["a", "a"])
        assert refused(self.TIME, self.EVENT, twice) == ("covariate 'a' appears twice.",)

    def test_collinear(self) -> None:
        age = np.array([50, 61, 47, 70, 66, 58, 49, 73, 62, 55] * 2)
        told = refused(self.TIME, self.EVENT, {"age": age, "age_months": 12 * age + 3})
        assert told == ("'age_months' repeats 'age'.",)
        both = {"age": age, "sex": self.X, "score": age - 4 * np.array(self.X)}
        assert refused(self.TIME, self.EVENT, both) == ("'score' repeats 'age' and 'sex'.",)

    def test_everything_at_once(self) -> None:
        told = refused([-1, *self.TIME[1:]], [2, *self.EVENT[1:]], {"x": [1] * 20}, ties="efrom", ci_level=95)
        assert told == (
            "ties 'efrom' is not known; did you mean 'efron'?",
            "ci_level is 95; give a fraction, such as 0.95.",
            "time is −1 at position 1; times start at 0.",
            "event holds 1 and 2; give booleans or 0/1 (if 2 is the event: `event == 2`).",
            "covariate 'x' has one value.",
        )

    def test_few_events(self) -> None:
        x = {f"x{k}": np.random.default_rng(k).normal(size=20) for k in range(9)}
        nine = [1] * 9 + [0] * 11
        assert refused(self.TIME, nine, x) == ("9 events cannot carry 9 parameters.",)
        two = {name: x[name] for name in ("x0", "x1")}
        assert refused(self.TIME, nine, two, allow_few_events=False) == (
            "9 events for 2 parameters are fewer than 5 a parameter; leave covariates out, or give allow_few_events=True.",
        )
        with pytest.warns(CohortStatsWarning, match="^9 events for 2 parameters; at most 1 is supported.$"):
            model = cox(self.TIME, nine, two, allow_few_events=True)
        assert model.notes[0] == "9 events for 2 parameters; at most 1 is supported."
        assert (model.events_per_parameter, model.supported_parameters) == (4.5, 1)
        with pytest.warns(CohortStatsWarning, match="^9 events for 1 parameter; fewer than 10 are few.$"):
            cox(self.TIME, nine, x["x0"])

    def test_exact_ties_too_large(self) -> None:
        n = 40_000
        x = np.arange(n) % 7
        told = refused(np.arange(n) % 10, np.ones(n), x, ties="exact")
        assert told == ("exact ties would take 2.6e+09 steps, more than 1e8; choose ties 'efron'.",)

    def test_exact_ties_have_no_robust_variance(self) -> None:
        told = refused(self.TIME, self.EVENT, self.X, ties="exact", robust=True)
        assert told == ("a robust variance is not offered with exact ties; choose ties 'efron' or 'breslow'.",)

    def test_cluster(self) -> None:
        told = refused(self.TIME, self.EVENT, self.X, cluster=[1, 2])
        assert told == ("time has 20 values, cluster has 2.",)

    def test_transform(self) -> None:
        model = cox(self.TIME, self.EVENT, self.X)
        with pytest.raises(InputError, match=r"^transform 'logs' is not known; did you mean 'log'\?$"):
            model.proportionality("logs")  # type: ignore[arg-type]


class TestReading:
    TIME, EVENT = list(range(1, 21)), [1] * 20
    X = np.array([0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1])

    def test_one_column_in_any_shape(self) -> None:
        shapes: list[Any] = [self.X, self.X.tolist(), self.X == 1, pd.Series(self.X, name="x"), {"x": self.X},
                             pd.DataFrame({"x": self.X}), pd.array(self.X, dtype="Int64")]  # fmt: skip
        models = [cox(self.TIME, self.EVENT, shape) for shape in shapes]
        assert {model.names for model in models} == {("x",)}
        assert len({float(model.coef[0]) for model in models}) == 1

    def test_levels(self) -> None:
        stage = pd.Categorical(
            np.resize(["I", "III", "II", "I", "II"], 20), ["0", "I", "II", "III", "IV"], ordered=True
        )
        model = few(self.TIME, self.EVENT, pd.DataFrame({"stage": stage, "x": self.X}))
        assert model.names == ("stage=II", "stage=III", "x")
        assert model.terms == ("stage", "x")
        assert model.assign.tolist() == [0, 0, 1]
        assert model.reference == ("I", "I", "")
        assert model.notes[:2] == ("stage: the reference is I.", "stage: nobody has 0 or IV.")
        columns = {"II": stage == "II", "III": stage == "III", "x": self.X}
        np.testing.assert_array_equal(model.coef, few(self.TIME, self.EVENT, columns).coef)

    def test_near_ties(self) -> None:
        time = [0.3, 0.1 + 0.2, 0.5, 0.7, 0.3, 0.9]
        data = ([1, 1, 1, 0, 1, 1], [0, 1, 1, 0, 0, 1])
        merged = few(time, *data)
        tied = few([0.3, 0.3, 0.5, 0.7, 0.3, 0.9], *data)
        assert merged.coef[0] == tied.coef[0]
        literal = few(time, *data, timefix=False)
        assert literal.coef[0] != merged.coef[0]
        assert "near ties kept" in literal.method

    def test_entry_that_meets_its_exit_in_rounding(self) -> None:
        told = refused([0.1 + 0.2, 1, 2], [1, 1, 0], [0, 1, 0], entry=[0.3, 0, 0])
        assert len(told) == 1
        assert "is not before time" in told[0]

    def test_inputs_are_not_changed_and_results_not_changeable(self) -> None:
        x = self.X.astype(float)
        before = x.copy()
        model = cox(self.TIME, self.EVENT, x)
        np.testing.assert_array_equal(x, before)
        with pytest.raises(ValueError, match="read-only"):
            model.coef[0] = 0

    def test_copies_and_pickles(self) -> None:
        model = cox(self.TIME, self.EVENT, self.X)
        for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            pd.testing.assert_frame_equal(again.proportionality(), model.proportionality())


class TestWithoutSurvival:
    @pytest.fixture(autouse=True)
    def hidden(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = cox_engines.find_spec
        monkeypatch.setattr(cox_engines, "find_spec", lambda name: None if name == "survival" else found(name))

    @pytest.mark.parametrize(("ties", "coef", "std_error", "tests", "log_likelihood"), LUNG_SEX[:2])
    def test_statsmodels_stands_in(
        self, ties: Ties, coef: float, std_error: float, tests: Any, log_likelihood: Any
    ) -> None:
        model = cox(LUNG["time"], LUNG["died"], LUNG["sex"], ties=ties)
        assert "statsmodels" in model.method
        assert (model.coef[0], model.std_error[0]) == pytest.approx((coef, std_error), rel=1e-9)
        assert model.score.statistic == pytest.approx(tests[2], rel=1e-9)
        assert model.log_likelihood == pytest.approx(log_likelihood, rel=1e-11)

    def test_strata(self) -> None:
        model = cox(ECOG["time"], ECOG["died"], ECOG[["sex", "age"]], strata=ECOG["ph.ecog"])
        assert model.coef == pytest.approx([-0.553516927413, 0.0107721611268], rel=1e-9)

    def test_the_rest_needs_it(self) -> None:
        data = (LUNG["time"], LUNG["died"], LUNG["sex"])
        assert refused(*data, ties="exact") == ("the discrete likelihood needs the package survival.",)
        assert refused(*data, robust=True, entry=[0] * 228) == (
            "delayed entry needs the package survival.",
            "a robust variance needs the package survival.",
        )
        with pytest.raises(InputError, match="the test of proportional hazards needs the package survival"):
            cox(*data).proportionality()


class TestPeers:
    """Where other libraries give other numbers; R agrees with ours."""

    def test_statsmodels_counts_an_entrant_too_early(self) -> None:
        # By hand: at 2 the fourth patient only enters. exp(β) = ½; with the entrant at risk at 2 it is 1/sqrt(6).
        time, event, x, entry = [2.0, 3, 4, 5], [1, 1, 0, 0], [1.0, 0, 1, 1], [0.0, 0, 0, 2]
        theirs = PHReg(np.array(time), np.array(x)[:, None], status=np.array(event), entry=np.array(entry)).fit(disp=0)
        assert theirs.params[0] == pytest.approx(-math.log(6) / 2, abs=1e-5)
        assert few(time, event, x, entry=entry, allow_few_events=True).coef[0] == pytest.approx(-math.log(2), rel=1e-9)

    def test_lifelines_robust_errors_with_ties(self) -> None:
        quarters = LUNG.assign(quarter=np.ceil(LUNG["time"] / 90))
        columns = quarters[["quarter", "died", "sex", "age"]].astype(float)
        fitted = CoxPHFitter().fit(columns, "quarter", "died", robust=True, fit_options={"precision": 1e-13})
        ours = cox(quarters["quarter"], quarters["died"], quarters[["sex", "age"]], robust=True)
        # R: coxph(Surv(ceiling(time / 90), status == 2) ~ sex + age, lung, robust = TRUE)
        assert ours.std_error == pytest.approx([0.16073711684415, 0.00923383327026], rel=1e-9)
        assert fitted.standard_errors_.tolist() == pytest.approx([0.15917, 0.00903], abs=5e-6)

    def test_lifelines_tests_proportionality_the_old_way(self) -> None:
        dummies = pd.get_dummies(VETERAN["celltype"]).astype(float)[["smallcell", "adeno", "large"]]
        columns = pd.concat([VETERAN[["time", "status", "trt", "karno"]].astype(float), dummies], axis=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the words of pandas and of convergence
            fitted = CoxPHFitter().fit(columns, "time", "status")
            theirs = proportional_hazard_test(fitted, columns, time_transform="km").summary["test_statistic"]
        assert "GLOBAL" not in theirs.index
        assert theirs["karno"] == pytest.approx(7.98, abs=0.005)  # R since survival 3.0: 12.81
