"""Public data sets that come with R's survival package: what R 4.2.2 (survival 3.5-3) says of them.

`survdiff`, `survfit` and `coxph(control = coxph.control(eps = 1e-14))`; run where the files are, skipped by name elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cohortstats.stats.events import EventTable
from cohortstats.stats.hazard import cox
from cohortstats.stats.kaplan_meier import kaplan_meier
from cohortstats.stats.log_rank import log_rank_test

Shared = Callable[[str], Path]


@pytest.fixture
def read(shared: Shared) -> Callable[[str], pd.DataFrame]:
    return lambda name: pd.read_csv(shared(f"data/clinical/Rdatasets_survival_{name}.csv"))


@pytest.fixture
def lung(read: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    frame = read("cancer")
    return frame.assign(event=frame["status"] == 2)


@pytest.fixture
def veteran(read: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    return read("veteran")


@pytest.fixture
def ovarian(read: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    return read("ovarian")


def test_log_rank_of_four_cell_types(veteran: pd.DataFrame) -> None:
    events = EventTable.from_arrays(veteran["time"], veteran["status"], group=veteran["celltype"])
    test = log_rank_test(events)
    assert test.groups == ("adeno", "large", "smallcell", "squamous")
    assert test.observed.tolist() == [26, 26, 45, 31]
    assert test.expected == pytest.approx([15.6937646, 34.5494784, 30.1020793, 47.6546777], abs=1e-7)
    assert test.variance[0, 0] == pytest.approx(12.9661700605, rel=1e-11)
    assert (test.statistic, test.df) == (pytest.approx(25.403700345785, rel=1e-12), 3)
    assert test.p_value == pytest.approx(1.2712459390061e-05, rel=1e-10)
    peto = log_rank_test(events, rho=1)
    assert peto.variance[0, 0] == pytest.approx(6.5465434011, rel=1e-10)
    assert peto.statistic == pytest.approx(19.709622458061, rel=1e-12)
    assert peto.p_value == pytest.approx(0.00019496158859047, rel=1e-10)


def test_stratified_log_rank(veteran: pd.DataFrame, lung: pd.DataFrame) -> None:
    strata = EventTable.from_arrays(
        veteran["time"], veteran["status"], group=veteran["trt"], strata=veteran["celltype"]
    )
    test = log_rank_test(strata)
    assert test.expected == pytest.approx([68.20755298, 59.79244702], abs=1e-8)
    assert test.variance[0, 0] == pytest.approx(25.2278872793, rel=1e-11)
    assert test.statistic == pytest.approx(0.70174334684432, rel=1e-12)
    assert test.p_value == pytest.approx(0.40219852378067, rel=1e-10)
    known = lung.dropna(subset=["ph.ecog"])
    table = EventTable.from_arrays(known["time"], known["event"], group=known["sex"], strata=known["ph.ecog"])
    ecog = log_rank_test(table)
    assert (len(known), ecog.observed.tolist()) == (227, [111, 53])
    assert ecog.expected == pytest.approx([90.64102266, 73.35897734], abs=1e-8)
    assert ecog.variance[0, 0] == pytest.approx(38.39607860022, rel=1e-12)
    assert ecog.statistic == pytest.approx(10.795059633496, rel=1e-12)
    assert ecog.p_value == pytest.approx(0.0010177133447241, rel=1e-10)
    peto = log_rank_test(table, rho=1)
    assert peto.observed == pytest.approx([70.71208968, 27.61163469], abs=1e-8)
    assert peto.expected == pytest.approx([55.44157932, 42.88214505], abs=1e-8)
    assert peto.statistic == pytest.approx(13.857772753375, rel=1e-12)
    assert peto.p_value == pytest.approx(0.00019717946563, rel=1e-10)


def test_log_rank_of_two_treatments(ovarian: pd.DataFrame) -> None:
    test = log_rank_test(EventTable.from_arrays(ovarian["futime"], ovarian["fustat"], group=ovarian["rx"]))
    assert test.expected == pytest.approx([5.2335310171499, 6.7664689828501], rel=1e-12)
    assert test.variance[0, 0] == pytest.approx(2.9361961294832, rel=1e-12)
    assert test.statistic == pytest.approx(1.0627398612914, rel=1e-12)
    assert test.p_value == pytest.approx(0.3025911169891, rel=1e-10)


# coefficients, standard errors, (LR, Wald, score), (log-likelihood null, fitted)
MODELS = {
    "ovarian rx": (
        [-0.596380049393],
        [0.586989526366],
        (1.05145314885, 1.03225146723, 1.06273986129),
        (-34.9849403712, -34.4592137967),
    ),
    "ovarian age, rx": (
        [0.147326595469, -0.803973012665],
        [0.0461470477408, 0.632049371879],
        (15.8860830163, 13.4675068953, 18.5571233836),
        (-34.9849403712, -27.0418988630),
    ),
    "lung age, sex, ph.ecog": (
        [0.0110667645961, -0.552612395532, 0.463728475116],
        [0.0092674110144, 0.167739053783, 0.113577266161],
        (30.5006687732, 29.9292511976, 30.4999227049),
        (-744.480455761, -729.230121375),
    ),
    "lung sex, age, strata ph.ecog": (
        [-0.553516927413, 0.0107721611268],
        [0.170872813228, 0.0092538036603],
        (12.4650178833, 11.9049461942, 12.1626790204),
        (-566.906517585, -560.674008643),
    ),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore::cohortstats.errors.CohortStatsWarning")
def test_cox_models(name: str, lung: pd.DataFrame, ovarian: pd.DataFrame) -> None:
    data, _, rest = name.partition(" ")
    terms, _, stratum = rest.partition(", strata ")
    frame = ovarian.rename(columns={"futime": "time", "fustat": "event"}) if data == "ovarian" else lung
    names = terms.split(", ")
    frame = frame.dropna(subset=[*names, *([stratum] if stratum else [])])
    model = cox(frame["time"], frame["event"], frame[names], strata=frame[stratum] if stratum else None)
    coef, errors, tests, likelihood = MODELS[name]
    assert model.coef == pytest.approx(coef, rel=1e-9)
    assert model.std_error == pytest.approx(errors, rel=1e-9)
    found = (model.likelihood_ratio.statistic, model.wald.statistic, model.score.statistic)
    assert found == pytest.approx(tests, rel=1e-9)
    assert model.log_likelihood == pytest.approx(likelihood, rel=1e-11)


def test_robust_beside_naive_errors(lung: pd.DataFrame) -> None:
    covariates = lung[["sex", "age"]]
    naive = cox(lung["time"], lung["event"], covariates)
    robust = cox(lung["time"], lung["event"], covariates, robust=True)
    assert naive.std_error == pytest.approx([0.167457962356, 0.00922327347697], rel=1e-8)
    assert robust.std_error == pytest.approx([0.160174167834, 0.0095046381236], rel=1e-8)
    here = lung.dropna(subset=["inst"])
    clustered = cox(here["time"], here["event"], here[["sex", "age"]], cluster=here["inst"])
    assert clustered.n == 227
    assert clustered.std_error == pytest.approx([0.1282306, 0.00732739], rel=1e-5)


def test_late_entries_of_eight_patients() -> None:
    entry, time = [0, 15, 0, 30, 25, 0, 5, 0], [20, 40, 35, 60, 90, 100, 50, 45]
    event, group = [1, 1, 0, 1, 1, 0, 1, 1], [1, 0, 1, 1, 0, 0, 1, 0]
    test = log_rank_test(EventTable.from_arrays(time, event, group=group, entry=entry))
    assert test.observed.tolist() == [3, 3]
    assert test.expected == pytest.approx([3.93333333, 2.06666667], abs=1e-8)
    assert test.variance[0, 0] == pytest.approx(1.18444444, abs=1e-8)
    assert test.statistic == pytest.approx(0.735459662289, rel=1e-11)
    with pytest.warns(UserWarning, match="few"):
        model = cox(time, event, {"group": np.asarray(group)}, entry=entry)
    assert (model.coef[0], model.std_error[0]) == pytest.approx((0.773760948539, 0.923340564996), rel=1e-9)
    found = (model.likelihood_ratio.statistic, model.wald.statistic, model.score.statistic)
    assert found == pytest.approx((0.721009622, 0.702246823, 0.735459662), rel=1e-8)
    assert model.log_likelihood == pytest.approx((-8.37101068124, -8.01050587023), rel=1e-10)


# ---------------------------------------------------------------------------------------------------------------------
# Files of answers: medians with two kinds of limits, log-rank tests, hazard ratios with Efron ties. R's coxph stops at its
# default tolerance there, so its ratios are compared at 1e-8.
# ---------------------------------------------------------------------------------------------------------------------

SETS = {
    "cancer sex": ("cancer", "time", lambda d: d["status"] == 2, "sex"),
    "veteran trt": ("veteran", "time", lambda d: d["status"], "trt"),
    "veteran celltype": ("veteran", "time", lambda d: d["status"], "celltype"),
    "colon recurrence rx": ("colon", "time", lambda d: d["status"], "rx"),
    "colon death rx": ("colon", "time", lambda d: d["status"], "rx"),
    "gbsg hormon": ("gbsg", "rfstime", lambda d: d["status"], "hormon"),
    "rotterdam death hormon": ("rotterdam", "dtime", lambda d: d["death"], "hormon"),
    "ovarian rx": ("ovarian", "futime", lambda d: d["fustat"], "rx"),
}


@pytest.mark.parametrize("lab", SETS)
def test_answers_for_public_sets(lab: str, shared: Shared, read: Callable[[str], pd.DataFrame]) -> None:
    answers = pd.read_csv(shared("data/clinical/ANSWERS_Rdatasets_R.csv"), dtype={"level": str})
    answers = answers[answers["lab"] == lab]
    name, time, event, group = SETS[lab]
    frame = read(name)
    if name == "colon":  # two rows a patient: recurrence and death
        frame = frame[frame["etype"] == (1 if "recurrence" in lab else 2)]
    happened = event(frame)
    events = EventTable.from_arrays(frame[time], happened, group=frame[group].astype(str))
    assert events.n.tolist() == answers["n"].tolist()
    assert events.n_events.tolist() == answers["events"].tolist()
    for ci, lower, upper in (("log-log", "lo_loglog", "hi_loglog"), ("log", "lo_log", "hi_log")):
        found = kaplan_meier(events, ci=ci).quantile(0.5)[["estimate", "ci_lower", "ci_upper"]]
        np.testing.assert_array_equal(found.to_numpy(), answers[["median", lower, upper]].to_numpy(dtype=float))
    test, peto = log_rank_test(events), log_rank_test(events, rho=1)
    answer = answers.iloc[0]
    assert (test.statistic, test.df) == (pytest.approx(answer["logrank_chisq"], rel=1e-12), answer["logrank_df"])
    assert (test.p_value, peto.p_value) == pytest.approx((answer["logrank_p"], answer["peto_p"]), rel=1e-10)
    levels = pd.Categorical(frame[group].astype(str), categories=answers["level"].tolist())
    model = cox(frame[time], happened, pd.DataFrame({"group": levels})).to_frame()
    ratios = model[["hazard_ratio", "ci_lower", "ci_upper"]].to_numpy()
    np.testing.assert_allclose(ratios, answers[["hr", "hr_lo", "hr_hi"]].to_numpy(dtype=float)[1:], rtol=1e-8)


TRIALS = {
    "MARIANNE(a)_2A": "MARIANNEa_2A",
    "NOAH_2A": "NOAH_2A",
    "NOAH_2B": "NOAH_2B",
    "TH3RESA_2A": "TH3RESA_2A",
    "TH3RESA_4": "TH3RESA_4",
}


@pytest.mark.parametrize("name", TRIALS)
def test_answers_for_reconstructed_trials(name: str, shared: Shared) -> None:
    """Five curves rebuilt by others from print: fractions of months, ties, one median that is not reached."""
    answer = pd.read_csv(shared("data/km/ANSWERS_dev_R.csv")).set_index("name").loc[name]
    frame = pd.read_csv(shared(f"data/km/kmdata_{TRIALS[name]}.csv"))
    arms = pd.Categorical(frame["arm"], categories=[answer["armA"], answer["armB"]])
    events = EventTable.from_arrays(frame["time"], frame["event"], group=arms)
    assert events.n.tolist() == [answer["nA"], answer["nB"]]
    assert events.n_events.tolist() == [answer["eA"], answer["eB"]]
    for ci, short in (("log", "log"), ("log-log", "ll")):
        found = kaplan_meier(events, ci=ci).quantile(0.5)[["estimate", "ci_lower", "ci_upper"]].to_numpy()
        wanted = [[answer[f"med{x}"], answer[f"med{x}_lo_{short}"], answer[f"med{x}_hi_{short}"]] for x in "AB"]
        np.testing.assert_allclose(found, np.array(wanted, dtype=float), rtol=1e-14)
    test = log_rank_test(events)
    assert (test.statistic, test.p_value) == pytest.approx((answer["logrank_chisq"], answer["logrank_p"]), rel=1e-9)
    covariates = pd.DataFrame({"arm": arms})
    efron = cox(frame["time"], frame["event"], covariates)
    row = efron.to_frame().iloc[0]
    wanted = answer[["hr_B_vs_A_efron", "hr_lo", "hr_hi"]].astype(float).tolist()
    assert row[["hazard_ratio", "ci_lower", "ci_upper"]].astype(float).tolist() == pytest.approx(wanted, rel=1e-8)
    breslow = cox(frame["time"], frame["event"], covariates, ties="breslow").to_frame()["hazard_ratio"].item()
    assert breslow == pytest.approx(answer["hr_breslow"], rel=1e-8)
    assert efron.proportionality("km")["p_value"].iloc[-1] == pytest.approx(answer["zph_p"], rel=1e-6)
