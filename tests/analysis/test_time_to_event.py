"""What `[[time_to_event]]` can be asked for beside medians and the log-rank test. Cohort P; numbers from R 4.2.2."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.report.methods import methods_sentences

HEAD = """cohortstats = 1
[study]
id = "p"
title = "P"
conventions = "ezr"
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
arm = { order = ["0", "1"] }
third = { order = ["a", "b", "c"] }
days = { type = "number", unit = "days" }
event = { type = "yes/no" }
[endpoints.ttp]
kind = "time to event"
time = "days"
event = "event"
unknown = "exclude"
label = "Time to progression"
[[time_to_event]]
id = "f"
endpoint = "ttp"
"""
TIME = [36, 50, 63, 70, 42, 63, 70, 120, 150, 180]
EVENT = [1, 1, 1, 1, 1, 0, 1, 0, 1, 0]
ARM = [0] * 4 + [1] * 6
THIRD = "abcabcabca"


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], cs.Analysis]:
    lines = ["id,arm,third,days,event"]
    for i, (time, event, arm, third) in enumerate(zip(TIME, EVENT, ARM, THIRD, strict=True)):
        lines.append(f"{i},{arm},{third},{time},{'yes' if event else 'no'}")

    def make(keys: str) -> cs.Analysis:
        (tmp_path / "study.toml").write_text(HEAD + keys, encoding="utf-8")
        (tmp_path / "patients.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        cohort = cs.load_cohort(tmp_path)
        return cs.make_exhibit(cohort, cohort.study.exhibit("f"))

    return make


def row(analysis: cs.Analysis, group: str, statistic: str) -> tuple[float, float, float]:
    frame = analysis.results
    found = frame[(frame.group == group) & (frame.statistic == statistic)].iloc[0]
    return tuple(found[["value", "ci_lower", "ci_upper"]])


def test_survival_at_a_time_and_its_difference(run: Callable[[str], cs.Analysis]) -> None:
    analysis = run('groups = "arm"\nat = [60]\n')
    # R summary(survfit(Surv(time, event) ~ arm, conf.type = "log-log"), times = 60)
    assert row(analysis, "0", "survival_60") == pytest.approx((50, 5.78470829951, 84.4861281190), rel=1e-10)
    assert row(analysis, "1", "survival_60") == pytest.approx((83.3333333333, 27.3122849928, 97.4712426691), rel=1e-10)
    # Greenwood: .5² (1/12 + 1/6) = 1/16; (5/6)² (1/30) = 5/216; the variances add.
    half = 1.959963984540054 * math.sqrt(1 / 16 + 5 / 216)
    wanted = (100 * (1 / 2 - 5 / 6), 100 * (1 / 2 - 5 / 6 - half), 100 * (1 / 2 - 5 / 6 + half))
    assert row(analysis, "", "survival_difference_60") == pytest.approx(wanted, rel=1e-12)
    assert analysis.to_table().groups[1].rows[0].cells[0].value == "Difference: 0 minus 1"


def test_mean_survival_time(run: Callable[[str], cs.Analysis]) -> None:
    analysis = run('groups = "arm"\nrmst = 70\n')
    z = 1.959963984540054
    for group, estimate, se in (("0", 54.75, 6.49398760393), ("1", 65.3333333333333, 4.26006433615)):
        # R summary(survfit(Surv(time, event) ~ arm), rmean = 70)
        wanted = (estimate, estimate - z * se, estimate + z * se)
        assert row(analysis, group, "rmst_70") == pytest.approx(wanted, rel=1e-11)
    se = math.hypot(6.49398760393, 4.26006433615)
    difference = 54.75 - 65.3333333333333
    assert row(analysis, "", "rmst_difference_70") == pytest.approx(
        (difference, difference - z * se, difference + z * se), rel=1e-10
    )


def test_follow_up(run: Callable[[str], cs.Analysis]) -> None:
    # Arm 1, events flipped: 63 and 120 and 180 count; S 4/5 (63), 1/2·4/5 ... at 120: 2/5·... Arm 0: nobody is censored.
    analysis = run('groups = "arm"\nfollow_up = true\n')
    frame = analysis.results.set_index(["group", "statistic"])
    assert frame.loc[("0", "follow_up"), "reason"] == "not reached"
    # at risk 5 at 63: S = 4/5; at risk 3 at 120: S = 8/15; at risk 1 at 180: S = 0. One half is crossed at 180.
    assert frame.loc[("1", "follow_up"), "value"] == 180


def test_pairs_of_groups(run: Callable[[str], cs.Analysis]) -> None:
    analysis = run('groups = "third"\npairwise = "holm"\n')
    events = cs.EventTable.from_arrays(TIME, EVENT, group=list(THIRD))
    wanted = cs.log_rank_pairwise(events, adjust="holm")
    frame = analysis.results
    assert frame[frame.statistic == "p_adjusted"].value.tolist() == wanted["p_adjusted"].tolist()
    assert frame[(frame.statistic == "p_value") & (frame.group != "")].p_value.tolist() == wanted["p_value"].tolist()
    assert [row.cells[0].value for row in analysis.to_table().groups[1].rows] == [
        "a against b",
        "a against c",
        "b against c",
    ]
    assert any("Holm" in note for note in analysis.to_table().footnotes)


@pytest.mark.parametrize(
    ("test", "statistic", "p"),
    [
        ("logrank", 4.26607882335, 0.0388805534686),
        ("peto-peto", 3.64304600740, 0.0563038356435),
        ("peto", 3.64304600740, 0.0563038356435),  # EZR and R call this one Peto's
        ("peto-prentice", 3.45634114824, 0.0630095984),
        ("gehan", None, 0.0611155775347),
        ("tarone-ware", None, 0.0481381026836),
        ("trend", 4.26607882335, 0.0388805534686),  # of two groups the trend is the difference
    ],
)
def test_tests(run: Callable[[str], cs.Analysis], test: str, statistic: float | None, p: float) -> None:
    analysis = run(f'groups = "arm"\ntest = "{test}"\n')
    frame = analysis.results
    found = frame[frame.statistic == "p_value"].iloc[0]
    assert found.p_value == pytest.approx(p, rel=1e-9)
    if statistic is not None:
        assert found.value == pytest.approx(statistic, rel=1e-9)


def test_exact_test_is_named(run: Callable[[str], cs.Analysis]) -> None:
    analysis = run('groups = "arm"\ntest = "exact"\n')
    found = analysis.results[analysis.results.statistic == "p_value"].iloc[0]
    assert found.method == "score, exact by enumeration"
    assert found.p_value * 210 == pytest.approx(round(found.p_value * 210), abs=1e-9)  # C(10, 4)
    three = run('groups = "third"\ntest = "exact"\n')
    refused = three.results[three.results.statistic == "p_value"].iloc[0]
    assert refused.reason == "log_rank_exact compares 2 groups without strata or entry."


def test_landmark(run: Callable[[str], cs.Analysis]) -> None:
    analysis = run('groups = "arm"\nlandmark = 50\nat = [20]\n')
    frame = analysis.results
    assert frame[frame.statistic == "n"].value.tolist() == [2, 5]  # 36, 50 and 42 are over by then
    # Arm 0 from day 50: events at 13 and 20, so S(20) = 0.
    assert row(analysis, "0", "survival_20")[0] == 0
    assert "Landmark at 50 days: 3 patients" in " ".join(analysis.to_table().footnotes)


def test_methods_say_what_was_asked_for(run: Callable[[str], cs.Analysis], tmp_path: Path) -> None:
    run('groups = "third"\nlandmark = 40\nrmst = 100\nfollow_up = true\npairwise = "BH"\ntest = "trend"\n')
    cohort = cs.load_cohort(tmp_path)
    text = " ".join(methods_sentences(cohort, cs.make_exhibits(cohort)))
    for sentence in (
        "compared with an unstratified log-rank test for trend.",
        "Patients were followed from a landmark at 40 days.",
        "Mean survival times up to 100 days are areas under the Kaplan-Meier curve.",
        "Follow-up was estimated by the reverse Kaplan-Meier method.",
        "Pairs of groups were compared with log-rank tests (Benjamini and Hochberg's method).",
    ):
        assert sentence in text
