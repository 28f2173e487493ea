"""Arms of published curves side by side (R 4.2.2, survival 3.5-3), from rows and from reconstructions."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.published.curve.arms import ACROSS_TRIALS, ONE_TRIAL

KM = Path(__file__).parents[1] / "data" / "km"


@cache
def curve(name: str) -> pd.DataFrame:
    return pd.read_csv(KM / f"kmdata_{name}.csv.gz")


def arm(name: str, level: str) -> pd.DataFrame:
    frame = curve(name)
    return frame[frame["arm"] == level]


def rebuilt(rows: pd.DataFrame, ticks: range, **options: Any) -> cs.Reconstruction:
    """The curve of some rows with four decimals and numbers at risk, rebuilt."""
    km = cs.kaplan_meier(cs.EventTable.from_arrays(rows["time"], rows["event"]))
    drops = km.n_event > 0
    clicks = {"time": km.time[drops], "survival": [float(f"{level:.4f}") for level in km.survival[drops]]}
    risk = {"time": list(ticks), "n_at_risk": [int((rows["time"] >= tick).sum()) for tick in ticks]}
    return cs.reconstruct_curve(clicks, risk, **options)


TDM1, CONTROL = ("TH3RESA_2A", "trastuzumab_emtansine"), ("TH3RESA_2A", "physicians_choice")
MARIANNE, TAXANE = ("MARIANNEa_2A", "t-dm1"), ("MARIANNEa_2A", "trastuzumab_taxane")


def problems_of(*arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(cs.InputError) as caught:
        cs.compare_arms(*arguments, **options)
    return caught.value.problems


def test_one_drug_in_third_and_in_first_line_is_the_trap() -> None:
    found = cs.compare_arms(arm(*TDM1), arm(*MARIANNE))
    assert found.statistic == pytest.approx(61.983776, abs=5e-7)
    assert found.p_value == pytest.approx(3.463e-15, rel=2e-4)
    ratio = (found.hazard_ratio, found.ci_lower, found.ci_upper)
    assert ratio == pytest.approx((2.307505, 1.864554, 2.855686), abs=5e-7)
    assert (
        found.caveat
        == ACROSS_TRIALS
        == (
            "rebuilt from published curves; unadjusted; not randomised against each other; "
            "populations and calendar time differ."
        )
    )
    assert found.caveat in repr(found)
    assert found.caveat in found._repr_mimebundle_()["text/html"]
    assert set(found.to_frame()["caveat"]) == {found.caveat}


# R: 1 − summary(survfit(…, conf.type = "log-log"), times = 2), in percent.
@pytest.mark.parametrize(
    ("which", "right"),
    [
        (CONTROL, (29.2762, 23.2074, 36.5159)),
        (TDM1, (16.2316, 12.9635, 20.2232)),
        (MARIANNE, (4.9627, 3.1558, 7.7620)),
        (TAXANE, (2.8273, 1.5313, 5.1910)),
    ],
)
def test_shares_with_an_event_by_two_months(which: tuple[str, str], right: tuple[float, ...]) -> None:
    first = cs.compare_arms(arm(*which), arm(*(TDM1 if which != TDM1 else CONTROL))).arms[0]
    share = (first.share, first.share_lower, first.share_upper)
    assert [100 * x for x in share] == pytest.approx(right, abs=6e-5)


def test_arms_of_one_trial_were_randomised_against_each_other() -> None:
    found = cs.compare_arms(arm(*TDM1), arm(*CONTROL), same_trial=True, labels=("T-DM1", "choice"))
    assert found.caveat == ONE_TRIAL
    # R: coxph, survdiff and survfit of the file.
    assert found.hazard_ratio == pytest.approx(0.524549, abs=5e-7)
    assert found.statistic == pytest.approx(34.133355, abs=5e-7)
    medians = [(one.median, one.median_lower, one.median_upper) for one in found.arms]
    assert medians[0] == pytest.approx((6.305591, 5.599090, 6.912922), abs=1e-6)
    assert medians[1] == pytest.approx((3.299165, 2.988679, 4.211321), abs=1e-6)
    assert [one.arm for one in found.arms] == ["T-DM1", "choice"]


def test_turning_the_arms_turns_the_ratio() -> None:
    one, other = (cs.compare_arms(arm(*a), arm(*b)) for a, b in ((TDM1, CONTROL), (CONTROL, TDM1)))
    assert one.hazard_ratio == pytest.approx(1 / other.hazard_ratio)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-9)


def test_reconstructions_give_ranges_around_the_estimate() -> None:
    first, second = rebuilt(arm(*TDM1), range(0, 13, 2)), rebuilt(arm(*CONTROL), range(0, 13, 2))
    found = cs.compare_arms(first, second, same_trial=True)
    assert found.hazard_ratio == pytest.approx(0.524549, rel=0.005)
    assert found.n_alternatives > 1
    assert found.p_range[0] <= found.p_value <= found.p_range[1]
    assert found.hr_range[0] <= found.hazard_ratio <= found.hr_range[1]
    assert not found.crosses_alpha
    assert "over the near-optimal reconstructions" in repr(found)
    # Rows alone have no range.
    assert all(math.isnan(x) for x in cs.compare_arms(first.patients, second.patients).p_range)


def test_a_p_on_both_sides_of_alpha_is_said() -> None:
    first, second = rebuilt(arm(*TDM1), range(0, 13, 2)), rebuilt(arm(*CONTROL), range(0, 13, 2))
    plain = cs.compare_arms(first, second)
    alpha = math.sqrt(plain.p_range[0] * plain.p_range[1])
    found = cs.compare_arms(first, second, alpha=alpha)
    assert found.crosses_alpha
    assert any(note.startswith("P crosses") for note in found.notes)


def test_a_method_with_one_answer_says_so_and_a_poor_one_is_refused() -> None:
    other = arm(*CONTROL)
    guyot = rebuilt(arm(*TDM1), range(0, 13, 2), method="guyot")
    found = cs.compare_arms(guyot, other, labels=("T-DM1", "choice"))
    assert any(note.startswith("T-DM1 was rebuilt by a method that gives one answer") for note in found.notes)
    poor = cs.reconstruct_curve({"time": [1, 2, 3, 4], "survival": [0.77, 0.52, 0.24, 0.11]}, n=3, method="guyot")
    assert poor.quality.grade == "poor"
    assert problems_of(poor, other) == ("arm_a is a poor reconstruction; accept_poor = True compares it all the same.",)
    accepted = cs.compare_arms(poor, other, accept_poor=True)
    assert "arm a is a poor reconstruction." in accepted.notes


def test_a_share_beyond_the_last_observation_is_nan_with_its_reason() -> None:
    short = pd.DataFrame({"time": [1.0, 1.5, 3.0], "event": [1, 0, 0]})
    found = cs.compare_arms(short, arm(*CONTROL), early=6).arms[0]
    assert math.isnan(found.share) and math.isnan(found.share_lower)
    assert found.reason == "beyond last observation"


def test_an_arm_without_events_has_no_finite_ratio() -> None:
    none = pd.DataFrame({"time": [5.0, 6.0, 7.0], "event": [0, 0, 0]})
    some = pd.DataFrame({"time": [1.0, 2.0, 3.0, 8.0], "event": [1, 1, 1, 0]})
    found = cs.compare_arms(none, some)
    assert math.isnan(found.hazard_ratio)
    assert any(note.startswith("no hazard ratio") for note in found.notes)
    nobody = cs.compare_arms(none, none)
    assert math.isnan(nobody.p_value) and nobody.reason == "no events"


def test_everything_wrong_with_the_arms_is_said_at_once() -> None:
    good = arm(*CONTROL)
    assert problems_of(good.drop(columns="event"), 3, early=0, labels=("x", "x")) == (
        "early is 0; give a time above 0, such as 2.",
        "labels must be two different names.",
        "arm_a has no column event.",
        "arm_b must be a reconstruction or a frame with time and event.",
    )
    assert problems_of(curve("TH3RESA_2A"), good) == (
        "arm_a holds 2 arms (physicians_choice, trastuzumab_emtansine); give one.",
    )
    (sentence,) = problems_of(good.assign(event=good["event"] + 1), good)
    assert sentence.startswith("arm_a: ")
    (sentence,) = problems_of(good.iloc[:0], good)
    assert sentence.startswith("arm_a")
    assert problems_of(good, good, early=math.nan)[0] == "early is nan; give a time above 0, such as 2."


def test_inputs_stay_as_they_are() -> None:
    rows = arm(*CONTROL)
    before = rows.copy(deep=True)
    cs.compare_arms(rows, arm(*TDM1))
    pd.testing.assert_frame_equal(rows, before)
    shuffled = rows.iloc[np.random.default_rng(5).permutation(len(rows))]
    other = arm(*TDM1)
    assert cs.compare_arms(shuffled, other).p_value == cs.compare_arms(rows, other).p_value
