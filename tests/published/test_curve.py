"""From a clicked curve to patients: known answers, repairs, doors and sentences.

The toy is exact arithmetic. TH3RESA, MARIANNE and NOAH are reconstructions by raredd/kmdata; their medians, hazard ratios
and log-rank tests are R's (survival 3.5-3). Bonner's clicks come with IPDfromKM, whose own answer is beside them.
"""

from __future__ import annotations

import gzip
import io
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs

KM = Path(__file__).parents[1] / "data" / "km"
Shared = Callable[[str], Path]


def packed(name: str) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(gzip.decompress((KM / f"{name}.csv.gz").read_bytes())))


def printed(name: str, ticks: range, *, steps_only: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The curves of a data set to four decimals, and its numbers at risk."""
    data, curves, risks = packed(f"kmdata_{name}"), [], []
    for arm, rows in data.groupby("arm"):
        km = cs.kaplan_meier(cs.EventTable.from_arrays(rows.time, rows.event)).to_frame()
        km = km[km.n_event > 0] if steps_only else km
        level = np.floor(km.survival * 1e4 + 0.5) / 1e4
        curves.append(pd.DataFrame({"time": km.time, "survival": level, "arm": arm}))
        risks.append(
            pd.DataFrame({"time": ticks, "n_at_risk": [int((rows.time >= t).sum()) for t in ticks], "arm": arm})
        )
    return pd.concat(curves), pd.concat(risks)


# ---------------------------------------------------------------------------------------------------------------------
# The toy: eleven patients
# ---------------------------------------------------------------------------------------------------------------------

TOY = {
    "time": [20, 36, 42, 56, 57, 112, 180, 310],
    "survival": [0.909091, 0.818182, 0.636364, 0.545455, 0.454545, 0.340909, 0.227273, 0],
}
TICKS, NUMBERS = [0, 50, 100, 150, 200, 250], [11, 7, 4, 3, 2, 1]
TOY_RISK = {"time": TICKS, "n_at_risk": NUMBERS}


def test_toy() -> None:
    rebuilt = cs.reconstruct_curve(TOY, TOY_RISK)
    rows = rebuilt.patients
    assert rebuilt.method == "lattice"
    assert rows.loc[rows.event == 1, "time"].tolist() == [20, 36, 42, 42, 56, 57, 112, 180, 310]
    assert rows.loc[rows.event == 0, "time"].tolist() == [78.5, 225]
    assert (len(rebuilt.near_optimal), rebuilt.near_optimal.how) == (1, ("all",))


def test_toy_cost() -> None:
    near = cs.reconstruct_curve(TOY, TOY_RISK, sigma=1e-4).near_optimal
    assert near["cost"].item() == pytest.approx(0.0021, abs=0.00005)


@pytest.mark.parametrize(("ticks", "paths"), [(1, 2), (2, 2), (3, 2), (4, 2), (5, 2), (6, 1)])
def test_toy_has_two_paths_until_the_last_number(ticks: int, paths: int) -> None:
    near = cs.reconstruct_curve(TOY, {"time": TICKS[:ticks], "n_at_risk": NUMBERS[:ticks]}, sigma=1e-4).near_optimal
    exact = near.to_frame().query("cost < cost.min() + 0.01")
    assert len(exact) == paths
    assert near.events_range is not None
    if paths == 2:
        assert set(exact["events"]) == {9, 10}


def test_toy_with_its_total_of_events() -> None:
    rebuilt = cs.reconstruct_curve(TOY, {"time": TICKS[:5], "n_at_risk": NUMBERS[:5]}, n_events=9, sigma=1e-4)
    assert len(rebuilt.near_optimal) == 1
    assert rebuilt.quality.events == 9
    with pytest.raises(cs.InputError, match="5 events cannot be: levels and numbers at risk allow 9 to 10"):
        cs.reconstruct_curve(TOY, {"time": TICKS[:5], "n_at_risk": NUMBERS[:5]}, n_events=5)


def test_toy_with_an_impossible_number() -> None:
    numbers = [11, 8, 4, 3, 2, 1]
    with pytest.raises(cs.InputError, match="8 at risk at 50 cannot be: at most 7 are left after the step at 42"):
        cs.reconstruct_curve(TOY, {"time": TICKS, "n_at_risk": numbers})
    guyot = cs.reconstruct_curve(TOY, {"time": TICKS, "n_at_risk": numbers}, method="guyot")
    assert any("8 at risk not reached, 7 are left" in repair.what for repair in guyot.repairs)
    assert len(guyot.patients) == 11


# ---------------------------------------------------------------------------------------------------------------------
# Published trials
# ---------------------------------------------------------------------------------------------------------------------


def log_rank(rows: pd.DataFrame) -> float:
    return cs.log_rank_test(cs.EventTable.from_arrays(rows.time, rows.event, rows.arm)).statistic


@pytest.mark.parametrize("steps_only", [False, True])
def test_th3resa_progression(steps_only: bool) -> None:
    rebuilt = cs.reconstruct_curve(*printed("TH3RESA_2A", range(0, 13, 2), steps_only=steps_only))
    quality = rebuilt.quality.to_frame()
    assert rebuilt.method == "lattice"
    assert quality.n.tolist() == [198, 404]
    assert quality.events.tolist() == [129, 221]
    assert quality["median"].tolist() == pytest.approx([3.299164783, 6.305591], rel=1e-6)
    assert quality.ci_lower.tolist() == pytest.approx([2.988679245, 5.599089733], rel=0.02)
    assert rebuilt.hazard_ratio[0] == pytest.approx(0.524549, rel=0.005)
    assert log_rank(rebuilt.patients) == pytest.approx(34.133355, rel=0.01)
    assert rebuilt.quality.max_abs < 1e-4
    assert rebuilt.quality.max_risk_diff == 0
    low, high = rebuilt.near_optimal.hr
    assert low <= 0.5245 and high >= 0.5237


@pytest.mark.parametrize(
    ("last", "n_events", "events", "ratio", "totals"),
    [(13, None, 46, 0.5476, [43, 44, 45, 46]), (13, 43, 43, 0.5794, [43]), (15, None, 43, 0.5829, [43])],
)
def test_th3resa_survival(last: int, n_events: int | None, events: int, ratio: float, totals: list[int]) -> None:
    known = None if n_events is None else {"physicians_choice": n_events}
    rebuilt = cs.reconstruct_curve(*printed("TH3RESA_4", range(0, last, 2)), n_events=known)
    assert rebuilt.quality.to_frame().events.tolist() == [events, 61]
    assert rebuilt.hazard_ratio[0] == pytest.approx(ratio, abs=5e-4)
    near = rebuilt.near_optimal.to_frame().query("arm == 'physicians_choice'")
    assert rebuilt.near_optimal.events[0] == (totals[0], totals[-1])
    least = near.groupby("events").cost.min()
    assert least.index.tolist() == totals
    assert (least - least.min()).tolist() == pytest.approx([0.001 * (totals[-1] - total) for total in totals], abs=1e-6)
    assert rebuilt.near_optimal.events[1] == (61, 61)


def test_th3resa_survival_truth() -> None:
    rebuilt = cs.reconstruct_curve(*printed("TH3RESA_4", range(0, 15, 2)))
    assert rebuilt.hazard_ratio[0] == pytest.approx(0.582608, rel=0.002)  # R


@pytest.mark.parametrize("steps_only", [False, True])
def test_noah(steps_only: bool) -> None:
    rebuilt = cs.reconstruct_curve(*printed("NOAH_2A", range(0, 73, 12), steps_only=steps_only))
    assert rebuilt.quality.to_frame().events.tolist() == [60, 48]
    assert rebuilt.hazard_ratio[0] == pytest.approx(0.627678, rel=0.01)
    assert log_rank(rebuilt.patients) == pytest.approx(5.874943, rel=0.03)


def bonner(shared: Shared) -> tuple[dict[str, Path], Path]:
    arms = {arm: shared(f"data/km/bonner_{arm}_clicks.csv") for arm in ("radio", "radioplus")}
    return arms, shared("data/km/bonner_nrisk.csv")


def test_bonner(shared: Shared) -> None:
    """IPDfromKM: 0.720 (0.559-0.926), P 0.010; the trial printed 0.69 (0.52-0.89)."""
    rebuilt = cs.reconstruct_curve(*bonner(shared), published={"hr": "0.69", "median": {"radio": "14.8"}})
    quality = rebuilt.quality
    assert rebuilt.method == "guyot"
    assert rebuilt.patients.groupby("arm", observed=True).size().tolist() == [213, 211]
    assert [arm.median for arm in quality.arms] == pytest.approx([14.8, 24.6], abs=0.3)
    assert 0.70 < rebuilt.hazard_ratio[0] < 0.73
    assert 0.007 < rebuilt.log_rank_p < 0.013
    assert [arm.events for arm in quality.arms] == [134, 111]
    assert (quality.grade, quality.max_risk_diff) == ("good", 0)
    assert {repair.what.partition(": ")[2] for repair in rebuilt.repairs} >= {
        "time below 0 moved to 0",
        "(0, 1) added",
        "rise of at most half a click flattened",
    }
    assert [one.verdict for one in quality.published] == ["differs", "agrees"]
    assert len(rebuilt.near_optimal) == 0 and "Guyot" in rebuilt.near_optimal.reason


def test_bonner_one_arm_knows_its_numbers_by_its_name(shared: Shared) -> None:
    arms, risk = bonner(shared)
    assert len(cs.reconstruct_curve(arms["radio"], risk).patients) == 213
    assert len(cs.reconstruct_curve(pd.read_csv(arms["radio"]), pd.read_csv(risk), arm="radioplus").patients) == 211
    with pytest.raises(cs.InputError, match="those of radio, radioplus; name the one of this curve with arm"):
        cs.reconstruct_curve(pd.read_csv(arms["radio"]), pd.read_csv(risk))


ANSWERS = packed("ANSWERS_dev_R")
FILES = {"MARIANNE(a)_2A": "MARIANNEa_2A"}


@pytest.mark.parametrize("row", range(len(ANSWERS)), ids=ANSWERS["name"].tolist())
def test_the_files_as_they_are(row: int) -> None:
    answer = ANSWERS.iloc[row]
    data = packed(f"kmdata_{FILES.get(answer['name'], answer['name'])}")
    events = cs.EventTable.from_arrays(data.time, data.event, data.arm)
    for ci, mark in (("log", "log"), ("log-log", "ll")):
        found = cs.kaplan_meier(events, ci=ci).quantile(0.5).set_index("group")
        for letter in "AB":
            line = found.loc[answer[f"arm{letter}"]]
            wanted = [answer[f"med{letter}"], answer[f"med{letter}_lo_{mark}"], answer[f"med{letter}_hi_{mark}"]]
            assert line[["estimate", "ci_lower", "ci_upper"]].tolist() == pytest.approx(wanted, abs=1e-6, nan_ok=True)
    second = (data.arm == answer["armB"]).astype(int)
    efron, breslow = (cs.cox(data.time, data.event, {"arm": second}, ties=ties) for ties in ("efron", "breslow"))
    assert [efron.hazard_ratio[0], efron.ci_lower[0], efron.ci_upper[0]] == pytest.approx(
        [answer["hr_B_vs_A_efron"], answer["hr_lo"], answer["hr_hi"]], abs=1e-6
    )
    assert breslow.hazard_ratio[0] == pytest.approx(answer["hr_breslow"], abs=1e-6)
    test = cs.log_rank_test(events)
    assert test.statistic == pytest.approx(answer["logrank_chisq"], abs=1e-6)
    assert test.p_value == pytest.approx(answer["logrank_p"], rel=1e-6)


# ---------------------------------------------------------------------------------------------------------------------
# What a picture does to a curve
# ---------------------------------------------------------------------------------------------------------------------


def picture(seed: int) -> tuple[int, int, pd.DataFrame, pd.DataFrame]:
    """A trial clicked on a picture of 500 x 500 pixels: every step, at its corner."""
    random = np.random.default_rng(seed)
    n = int(random.integers(10, 501))
    time, censored = random.exponential(12, n), random.uniform(0, random.choice([20, 40, 80]), n)
    event, time = time <= censored, np.minimum(time, censored) + 0.01
    km = cs.kaplan_meier(cs.EventTable.from_arrays(time, event)).to_frame()
    end = float(time.max())
    clicks = pd.DataFrame(
        {
            "time": np.rint(np.append(0, km.time) / end * 500) / 500 * end,
            "survival": np.rint(np.append(1, km.survival) * 500) / 500,
        }
    )
    ticks = np.floor(np.linspace(0, end, 7)[:-1])
    risk = pd.DataFrame({"time": ticks, "n_at_risk": [int((time >= tick).sum()) for tick in ticks]})
    return n, int(event.sum()), clicks, risk.drop_duplicates("time")


@pytest.mark.parametrize("seed", range(30))
def test_generated_trials(seed: int) -> None:
    n, n_events, clicks, risk = picture(seed)
    for known, grades in (
        ({"at_risk": risk}, ("good",)),
        ({"at_risk": risk, "n_events": n_events}, ("good",)),
        ({"n": n}, ("good", "usable")),
        ({"n": n, "n_events": n_events}, ("good", "usable")),
    ):
        rebuilt = cs.reconstruct_curve(clicks, **known)
        assert len(rebuilt.patients) == n
        assert rebuilt.quality.grade in grades


def test_a_large_drop_among_few_is_kept() -> None:
    rebuilt = cs.reconstruct_curve({"time": [1, 2, 9], "survival": [0.9, 0.8, 0.1]}, n=10)
    assert rebuilt.quality.events == 9


# ---------------------------------------------------------------------------------------------------------------------
# Shapes of input
# ---------------------------------------------------------------------------------------------------------------------

SIMPLE = {"time": [0, 5, 9], "survival": [1, 0.5, 0.25]}


@pytest.mark.parametrize("name", ["survival", "surv_pct", "surv", "s", "y", "Survival", "S"])
def test_names_and_percent(name: str) -> None:
    share = cs.reconstruct_curve({"Time": [0, 5, 9], name: [1, 0.5, 0.25]}, n=4)
    percent = cs.reconstruct_curve({"Time": [0, 5, 9], name: [100, 50, 25]}, n=4)
    assert share.patients.equals(percent.patients)
    assert share.patients.time.tolist() == [5, 5, 9, 9]


def test_arms_long_and_wide() -> None:
    curve = pd.DataFrame({"time": [1, 2, 1, 3], "survival": [0.75, 0.5, 0.8, 0.6], "arm": ["b", "b", "a", "a"]})
    wide = pd.DataFrame({"trisk": [0, 2], "nrisk_b": [4, 3], "nrisk_a": [5, 4]})
    long = pd.DataFrame({"time": [0, 2, 0, 2], "n_at_risk": [4, 3, 5, 4], "arm": ["b", "b", "a", "a"]})
    one, other = (cs.reconstruct_curve(curve, risk) for risk in (wide, long))
    assert one.arms == ("a", "b")
    assert one.patients.equals(other.patients)
    assert one.patients.groupby("arm", observed=True).size().tolist() == [5, 4]
    ordered = curve.assign(arm=pd.Categorical(curve.arm, ["b", "a"]))
    assert cs.reconstruct_curve(ordered, wide).arms == ("b", "a")
    counts = cs.reconstruct_curve(curve, n={"a": 5, "b": 4}, n_events={"a": 2, "b": 2})
    assert counts.quality.events == 4


def test_files_as_digitisers_write_them(tmp_path: Path) -> None:
    wanted = cs.reconstruct_curve(SIMPLE, n=4).patients
    for content in ("0,1\n5,0.5\n9,0.25\n", "t;y\n0;1\n5;0,5\n9;0,25\n", "time\ts\r\n0\t100%\r\n5\t50%\r\n9\t25%\r\n"):
        (tmp_path / "clicks.csv").write_bytes(content.encode())
        assert cs.reconstruct_curve(tmp_path / "clicks.csv", n=4).patients.equals(wanted)


def test_censor_marks_hold_the_censorings() -> None:
    rebuilt = cs.reconstruct_curve(TOY, TOY_RISK, censor_marks=[61, 249])
    assert rebuilt.patients.query("event == 0").time.tolist() == [61, 249]
    clicks = {"time": [0, 10, 20, 30], "survival": [1, 0.8, 0.8, 0.53]}
    guyot = cs.reconstruct_curve(clicks, {"time": [0, 30], "n_at_risk": [10, 6]}, method="guyot", censor_marks=[12, 17])
    assert guyot.patients.query("event == 0 and time < 30").time.tolist() == [12, 17]


def test_a_curve_that_counts_up() -> None:
    up = cs.reconstruct_curve({"time": [0, 5, 9], "survival": [0, 0.5, 0.75]}, n=4, rising=True)
    assert up.patients.equals(cs.reconstruct_curve(SIMPLE, n=4).patients)


def test_poor_arms_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    from cohortstats.published.curve import quality

    curve = pd.DataFrame({"time": [1, 2, 1, 3], "survival": [0.75, 0.5, 0.8, 0.6], "arm": ["b", "b", "a", "a"]})
    counts = {"a": 5, "b": 4}
    assert math.isfinite(cs.reconstruct_curve(curve, n=counts).hazard_ratio[0])
    monkeypatch.setattr(quality, "GOOD_RMSE", -1.0)
    monkeypatch.setattr(quality, "USABLE_RMSE", -1.0)
    poor = cs.reconstruct_curve(curve, n=counts)
    assert poor.quality.grade == "poor"
    assert math.isnan(poor.hazard_ratio[0]) and math.isnan(poor.log_rank_p)
    assert any("accept_poor" in note for note in poor.notes())
    assert math.isfinite(cs.reconstruct_curve(curve, n=counts, accept_poor=True).hazard_ratio[0])


def test_two_calls_give_the_same(shared: Shared) -> None:
    arguments = printed("TH3RESA_4", range(0, 13, 2))
    first, second = (cs.reconstruct_curve(*arguments) for _ in range(2))
    assert first.as_dict() == second.as_dict()
    assert first.patients.equals(second.patients)


def test_it_shows_itself() -> None:
    rebuilt = cs.reconstruct_curve(TOY, TOY_RISK)
    assert "lattice" in repr(rebuilt)
    assert set(rebuilt._repr_mimebundle_()) == {"text/plain", "text/markdown", "text/html"}
    assert rebuilt.to_frame()[["n", "events", "events_min", "events_max"]].to_numpy().tolist() == [[11, 9, 9, 9]]
    figure = rebuilt.plot()
    assert [text.get_text() for text in figure.texts][-1] == rebuilt.label


# ---------------------------------------------------------------------------------------------------------------------
# Repairs and refusals
# ---------------------------------------------------------------------------------------------------------------------


def test_repairs_are_counted() -> None:
    clicks = {
        "time": [-0.05, 4, 2, 6, 6, 6, 8, 10, 12],
        "survival": [1.015, 0.8, 0.9, 0.8, 0.7, 0.6, 0.603, 0.5, 0.5],
    }
    rebuilt = cs.reconstruct_curve(clicks, n=10)
    assert {repair.what: repair.count for repair in rebuilt.repairs} == {
        "time below 0 moved to 0": 1,
        "level above 1 lowered to 1": 1,
        "click out of order sorted": 1,
        "click between two at the same time left out": 1,
        "rise of at most half a click flattened": 1,
    }
    assert cs.reconstruct_curve({"time": [1, 2], "survival": [0.5, 0.25]}, n=4).repairs[0].as_dict() == {
        "what": "(0, 1) added",
        "count": 1,
        "where": "0",
    }


REFUSED = {
    "rises": (
        {"time": [0, 5, 10, 14.3], "survival": [1, 0.9, 0.52, 0.58]},
        {"n": 20},
        r"survival rises from 0.52 to 0.58 at 14.3; more than a click. Is this another arm\?",
    ),
    "counts up": (
        {"time": [0, 5, 10], "survival": [0.03, 0.2, 0.3]},
        {"n": 20},
        "curve starts at 0.03 and rises: cumulative incidence. use --rising",
    ),
    "counts down": (SIMPLE, {"n": 4, "rising": True}, "falls to 0.25, so it counts down"),
    "above 1": ({"time": [0, 1], "survival": [1.03, 0.5]}, {"n": 4}, "survival is 1.03; it is at most 1"),
    "below 0": ({"time": [0, 1], "survival": [1, -0.01]}, {"n": 4}, "survival is −0.01; it is at least 0"),
    "before 0": ({"time": [-1, 10], "survival": [1, 0.5]}, {"n": 4}, "time is −1; times start at 0"),
    "missing": ({"time": [0, 1], "survival": [1, math.nan]}, {"n": 4}, "row 2: survival is missing"),
    "infinite": ({"time": [0, math.inf], "survival": [1, 0.5]}, {"n": 4}, "row 2: time is missing"),
    "words": ({"time": [0, 1], "survival": ["1", "half"]}, {"n": 4}, "row 2: 'half' is not a number"),
    "a letter before": ({"time": [0, 1], "survival": ["1", "a5"]}, {"n": 4}, "row 2: 'a5' is not a number"),
    "one click": ({"time": [1], "survival": [0.5]}, {"n": 4}, "1 click; a curve needs at least 2"),
    "no click": ({"time": [], "survival": []}, {"n": 4}, "0 clicks; a curve needs at least 2"),
    "no column": ({"time": [1, 2], "level": [1, 0.5]}, {"n": 4}, "no column survival; columns are time, level"),
    "no n": (SIMPLE, {}, "the number of patients is not known"),
    "n is no count": (SIMPLE, {"n": 4.5}, "n is 4.5; give a whole number from 1 up"),
    "n is 0": (SIMPLE, {"n": 0}, "n is 0; give a whole number from 1 up"),
    "n is huge": (SIMPLE, {"n": 10**9}, "at most 10,000,000 patients are rebuilt"),
    "more events": (SIMPLE, {"n": 4, "n_events": 5}, "5 events, 4 patients"),
    "numbers rise": (
        {"time": [0, 20, 40], "survival": [1, 0.5, 0.4]},
        {"at_risk": {"time": [0, 20, 30], "n_at_risk": [60, 35, 51]}},
        "51 at 30 after 35 at 20. Numbers at risk cannot rise",
    ),
    "two starts": (SIMPLE, {"at_risk": {"time": [0, 5], "n_at_risk": [198, 90]}, "n": 200}, "198, n says 200"),
    "past the end": (
        {"time": [0, 20, 58.1], "survival": [1, 0.5, 0.5]},
        {"at_risk": {"time": [0, 35, 70], "n_at_risk": [60, 20, 5]}},
        "5 at 70, the curve ends at 58.1",
    ),
    "units": (
        {"time": [0, 20, 58], "survival": [1, 0.5, 0.5]},
        {"at_risk": {"time": [0, 1700], "n_at_risk": [60, 20]}},
        r"last click 58, last risk time 1700: units differ\?",
    ),
    "half a patient": (SIMPLE, {"at_risk": {"time": [0, 5], "n_at_risk": [4, 2.5]}}, "2.5 is no number of patients"),
    "method": (SIMPLE, {"n": 4, "method": "guyott"}, "did you mean 'guyot'"),
    "sigma": (SIMPLE, {"n": 4, "sigma": 0}, "sigma is 0"),
    "seed": (SIMPLE, {"n": 4, "seed": -1}, "seed is -1"),
    "a step of nobody": (
        {"time": [0, 1, 2], "survival": [1, 0.9871, 0.9]},
        {"n": 7, "method": "lattice"},
        "step at 1, from 1 to 0.9871 cannot be",
    ),
    "an arm of none": (SIMPLE, {"n": {"x": 4}}, "x is no arm"),
    "published": (SIMPLE, {"n": 4, "published": {"hr": "0.5"}}, "published hr compares two arms; there is 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    curve, arguments, sentence = REFUSED[case]
    with pytest.raises(cs.InputError, match=sentence):
        cs.reconstruct_curve(curve, **arguments)


ACCEPTED = {
    "flat": ({"time": [0, 50], "survival": [1, 1]}, {"n": 7}, 0),
    "one patient": ({"time": [0, 5], "survival": [1, 0]}, {"n": 1}, 1),
    "one patient, no event": ({"time": [0, 5], "survival": [1, 1]}, {"n": 1}, 0),
    "0 early": ({"time": [1, 2, 3, 9], "survival": [0.5, 0, 0, 0]}, {"n": 4}, 4),
    "number at risk ends in 0": (
        {"time": [0, 10, 30], "survival": [1, 0.5, 0.5]},
        {"at_risk": {"time": [0, 20, 40], "n_at_risk": [4, 2, 0]}},
        2,
    ),
    "nobody is left before the end": (
        {"time": [0, 10, 30], "survival": [1, 0.5, 0.5]},
        {"at_risk": {"time": [0, 20], "n_at_risk": [4, 0]}},
        2,
    ),
    "numbers between clicks": (
        {"time": [0, 10, 30], "survival": [1, 0.5, 0.25]},
        {"at_risk": {"time": [0, 7, 13], "n_at_risk": [8, 8, 4]}},
        6,
    ),
    "an event at 0": ({"time": [0, 4], "survival": [0.75, 0.5]}, {"n": 4}, 2),
    "many": ({"time": [0, 5, 9], "survival": [1, 0.5, 0.25]}, {"n": 100_000}, 75_000),
}


@pytest.mark.parametrize("method", ["auto", "guyot", "lattice"])
@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(case: str, method: str) -> None:
    curve, arguments, events = ACCEPTED[case]
    rebuilt = cs.reconstruct_curve(curve, method=method, **arguments)
    n = arguments.get("n") or arguments["at_risk"]["n_at_risk"][0]
    assert len(rebuilt.patients) == n
    assert rebuilt.patients.event.sum() == events
    if (case, method) != ("nobody is left before the end", "guyot"):  # an even spread censors one before the drop
        assert rebuilt.quality.grade == "good"


def test_nobody_is_censored_before_a_step_at_0() -> None:
    with pytest.raises(cs.InputError, match="2 events cannot be"):
        cs.reconstruct_curve({"time": [0, 2], "survival": [0.75, 0.5]}, n=1000, n_events=2, method="lattice")


def test_the_reason_names_what_decided() -> None:
    many = np.append(1, np.linspace(0.991, 0.2, 60))
    clicked = {"time": range(61), "survival": np.floor(many * 50) / 50}
    assert "grid" in cs.reconstruct_curve(clicked, n=333).reason
    assert cs.reconstruct_curve(SIMPLE, n=4, method="guyot").reason == "as asked"
    assert cs.reconstruct_curve(*printed("NOAH_2A", range(0, 73, 12))).reason == "levels to 4 decimals, σ·n = 0.0048"
