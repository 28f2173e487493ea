"""The table of profiles, what it refuses, and one cohort under every profile."""

from __future__ import annotations

import math

import pytest

from cohortstats.errors import InputError
from cohortstats.stats.conventions import PROFILES, Conventions
from cohortstats.stats.events import EventTable
from cohortstats.stats.hazard import cox
from cohortstats.stats.kaplan_meier import kaplan_meier
from cohortstats.stats.log_rank import log_rank_test
from cohortstats.stats.summary import sample_quantile


def test_what_the_profiles_have_in_common_and_not() -> None:
    ezr, r, sas, lifelines = (Conventions.of(name) for name in ("ezr", "r", "sas", "lifelines"))
    assert [c.km_ci for c in (ezr, r, sas, lifelines)] == ["log-log", "log", "log-log", "log-log"]
    assert [c.cox_ties for c in (ezr, r, sas, lifelines)] == ["breslow", "efron", "breslow", "efron"]
    assert [c.median for c in (ezr, r, sas, lifelines)] == ["summary", "summary", "summary", "first"]
    assert [c.timefix for c in (ezr, r, sas, lifelines)] == [True, True, False, False]
    assert [c.beyond for c in (ezr, r, sas, lifelines)] == ["undefined", "undefined", "carry", "carry"]
    assert [c.peto for c in (ezr, r, sas, lifelines)] == ["peto-peto", "peto-peto", "peto-prentice", "peto-prentice"]
    assert [c.odds_ratio for c in (ezr, r, sas)] == ["conditional", "conditional", "sample"]
    assert [c.quartiles for c in (ezr, r, sas, lifelines)] == [7, 7, 2, 7]
    assert [c.km_at_zero for c in (ezr, r, sas, lifelines)] == ["undefined"] * 3 + ["zero"]
    assert {Conventions.of(name).proportion_ci for name in PROFILES} == {"wilson"}


def test_describe() -> None:
    assert Conventions.of("ezr").describe() == "ezr"
    assert Conventions.of("ezr", cox_ties="efron").describe() == "ezr (cox_ties = efron)"
    assert Conventions.of("r", timefix=False, rho=1).describe() == "r (rho = 1, timefix = false)"
    assert Conventions.of("ezr", cox_ties="breslow").describe() == "ezr"
    assert Conventions.of("ezr", median="quantile").differing() == {"median": ("quantile", "summary")}


def test_door() -> None:
    with pytest.raises(InputError) as caught:
        Conventions.of("ezrr", km_ci="loglog", cox_tie="efron", quartiles=1, timefix=1, rho=-1, colour="red")
    assert caught.value.problems == (
        "profile 'ezrr' is not known; did you mean 'ezr'?",
        "km_ci 'loglog' is not known; did you mean 'log-log'?",
        "'cox_tie' is not a convention; did you mean 'cox_ties'?",
        "quartiles is 1; give 7 or 2.",
        "timefix is 1; give true or false.",
        "rho is -1; give a number from 0 up.",
        "'colour' is not a convention; choose km_ci, km_at_zero, median, beyond, timefix, peto, cox_ties, odds_ratio, "
        "proportion_ci, quartiles or rho.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# One cohort, every profile. Numbers: R 4.2.2 (survfit, survdiff, coxph with eps = 1e-14) for ezr and r, whose choices
# they are; lifelines 0.30.3 run on the same rows; SAS from its manual.
# ---------------------------------------------------------------------------------------------------------------------

TIME = [36, 50, 63, 70, 42, 63, 70, 120, 150, 180]
EVENT = [1, 1, 1, 1, 1, 0, 1, 0, 1, 0]
GROUP = [0] * 4 + [1] * 6

MEDIANS = {  # group 0, then group 1: estimate, lower, upper
    "ezr": ((56.5, 36, math.nan), (150, 42, math.nan)),
    "r": ((56.5, 36, math.nan), (150, 70, math.nan)),
    "lifelines": ((50, 36, 70), (150, 42, math.nan)),
}
HAZARD_RATIO = {
    "breslow": (-1.60066172519, 0.880897788154, 0.201762962176, 0.0358938371974, 1.13413042696),
    "efron": (-1.71041515387, 0.896116052233, 0.180790721068, 0.0312176904824, 1.04701162448),
}
PETO = {"peto-peto": (3.64304600740, 0.0563038356435), "peto-prentice": (3.45634114824, 0.0630095984)}


@pytest.mark.parametrize("profile", MEDIANS)
def test_medians_of_a_profile(profile: str) -> None:
    chosen = Conventions.of(profile)
    events = EventTable.from_arrays(TIME, EVENT, group=GROUP, timefix=chosen.timefix)
    curves = kaplan_meier(events, ci=chosen.km_ci, at_zero=chosen.km_at_zero)
    medians = curves.quantile(0.5, rule=chosen.median)[["estimate", "ci_lower", "ci_upper"]].to_numpy()
    for found, wanted in zip(medians.tolist(), MEDIANS[profile], strict=True):
        assert found == pytest.approx(wanted, nan_ok=True, rel=1e-12)


def test_sas_median_is_the_midpoint_of_a_flat_piece() -> None:
    events = EventTable.from_arrays(TIME, EVENT, group=GROUP, timefix=False)
    medians = kaplan_meier(events).quantile(0.5, rule=Conventions.of("sas").median)
    assert medians["estimate"].tolist() == [56.5, 150]


@pytest.mark.parametrize("profile", PROFILES)
def test_tests_of_a_profile(profile: str) -> None:
    chosen = Conventions.of(profile)
    events = EventTable.from_arrays(TIME, EVENT, group=GROUP, timefix=chosen.timefix)
    plain = log_rank_test(events, rho=chosen.rho)
    assert (plain.statistic, plain.p_value) == pytest.approx((4.26607882335, 0.0388805534686), rel=1e-10)
    peto = log_rank_test(events, weighting=chosen.peto)
    assert (peto.statistic, peto.p_value) == pytest.approx(PETO[chosen.peto], rel=1e-9)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.filterwarnings("ignore::cohortstats.errors.CohortStatsWarning")
def test_hazard_ratio_of_a_profile(profile: str) -> None:
    model = cox(TIME, EVENT, {"group": GROUP}, ties=Conventions.of(profile).cox_ties)
    row = model.to_frame().iloc[0]
    found = tuple(row[["coef", "std_error", "hazard_ratio", "ci_lower", "ci_upper"]])
    assert found == pytest.approx(HAZARD_RATIO[Conventions.of(profile).cox_ties], rel=1e-9)


def test_past_the_last_observation() -> None:
    events = EventTable.from_arrays(TIME, EVENT, group=GROUP)
    curves = kaplan_meier(events)
    reached = {name: curves.at([200], beyond=Conventions.of(name).beyond)["survival"].tolist() for name in PROFILES}
    assert reached["ezr"] == pytest.approx([0, math.nan], nan_ok=True)
    assert reached["r"] == pytest.approx([0, math.nan], nan_ok=True)
    # 5/6 · 3/4 · 1/2, the curve after the last event, at 150
    assert reached["sas"] == reached["lifelines"] == pytest.approx([0, 0.3125])


def test_quartiles_of_a_profile() -> None:
    values = [4, 5, 8, 10, 12, 15, 18, 21, 24, 31]
    quartiles = {
        name: [sample_quantile(values, p, type=Conventions.of(name).quartiles) for p in (0.25, 0.75)]
        for name in PROFILES
    }
    assert quartiles["sas"] == [8, 21]  # R quantile(type = 2)
    assert quartiles["r"] == quartiles["ezr"] == quartiles["lifelines"] == [8.5, 20.25]  # R quantile(type = 7)
