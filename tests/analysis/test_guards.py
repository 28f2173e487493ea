"""Each guard is raised by its trigger, with its sentence, and not without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.analysis.guards import Guard, footnotes

HEAD = """cohortstats = 1
[study]
id = "guards"
title = "Guards"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
her2 = { type = "yes/no", label = "HER2" }
pik3ca = { type = "yes/no", label = "PIK3CA" }
hr = { type = "yes/no", label = "HR" }
marker = { type = "number" }
resistant = { type = "yes/no" }
days = { type = "number", unit = "days" }
event = { type = "yes/no" }
[endpoints.resistance]
kind = "binary"
when = "resistant"
unknown = "not an event"
label = "Resistance"
[endpoints.ttp]
kind = "time to event"
time = "days"
event = "event"
unknown = "exclude"
label = "Time to progression"
"""
# Sixteen patients: HER2+ 9 10 12 13 15; PIK3CA+ 6 11; HR+ 3 5 6 7 9 11 13 16; resistant 5 6 7 11 (HR is invented).
MEMBERS = {
    "her2": {9, 10, 12, 13, 15},
    "pik3ca": {6, 11},
    "hr": {3, 5, 6, 7, 9, 11, 13, 16},
    "resistant": {5, 6, 7, 11},
}
# Cohort L3 of the exact log-rank test, twice over: 10 patients with times, group = her2 column of the rows below.
TIMES = [4, 5, 8, 10, 12, 15, 18, 21, 24, 30]
EVENTS = [1, 1, 1, 0, 1, 1, 1, 0, 1, 0]
FIRST = [1, 1, 0, 1, 1, 0, 1, 0, 0, 0]

Load = Callable[..., cs.Cohort]


def sixteen(**columns: list[str]) -> str:
    lines = ["id,her2,pik3ca,hr,marker,resistant,days,event"]
    for patient in range(1, 17):
        values = {name: "yes" if patient in members else "no" for name, members in MEMBERS.items()}
        values |= {"marker": str(patient), "days": str(10 * patient), "event": "yes"}
        values |= {name: cells[patient - 1] for name, cells in columns.items()}
        order = ("her2", "pik3ca", "hr", "marker", "resistant", "days", "event")
        lines.append(",".join([str(patient), *(values[name] for name in order)]))
    return "\n".join(lines) + "\n"


def ten() -> str:
    lines = ["id,her2,pik3ca,hr,marker,resistant,days,event"]
    yes_no = {1: "yes", 0: "no"}
    for i, (time, event, first) in enumerate(zip(TIMES, EVENTS, FIRST, strict=True)):
        lines.append(f"{i},{yes_no[first]},no,no,{i},no,{time},{yes_no[event]}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def make(exhibits: str, rows: str, head: str = HEAD) -> cs.Cohort:
        (tmp_path / "study.toml").write_text(head + exhibits, encoding="utf-8")
        (tmp_path / "patients.csv").write_text(rows, encoding="utf-8")
        return cs.load_cohort(tmp_path)

    return make


def guards(cohort: cs.Cohort) -> dict[str, list[str]]:
    """Name of a guard -> its sentences, over all exhibits."""
    found: dict[str, list[str]] = {}
    for analysis in cs.make_exhibits(cohort):
        for guard in analysis.guards:
            found.setdefault(guard.name, []).append(guard.text)
        notes = analysis.to_table().footnotes
        assert all(any(note in line for line in notes) for note in footnotes(analysis.guards))
    return found


def association(rows: str, more: str = "") -> str:
    return f'[[association]]\nid = "t"\ntitle = "T"\noutcome = "resistance"\nrows = [{rows}]\n{more}\n'


def survival(more: str) -> str:
    return f'[[time_to_event]]\nid = "f"\nendpoint = "ttp"\n{more}\n'


def test_rows_with_numbers_of_their_own_make_one_footnote() -> None:
    pair = [
        Guard(name="power", text=f"Only {d}.", row=r, label=r, lead="Only", detail=d)
        for r, d in (("A", "1 v 2"), ("B", "3 v 4"))
    ]
    assert footnotes(pair) == ["Only: A 1 v 2; B 3 v 4."]
    assert footnotes(pair[:1]) == ["A: Only 1 v 2."]


def test_chosen_grouping_has_its_selection_adjusted_p(load: Load) -> None:
    # 9 partitions; 15/1820 and 50/1820, counted over all C(16, 4) outcomes.
    derive = '[derive]\nchosen = { when = "not her2 and hr", label = "Chosen", markers = ["her2", "pik3ca", "hr"] }\n'
    cohort = load(derive + association('"chosen"'), sixteen())
    assert guards(cohort)["composite"] == [
        "9 groupings can be made from these markers; the selection-adjusted P is 0.027 (raw 0.0082)."
    ]
    results = cs.make_exhibit(cohort, cohort.study.exhibit("t")).results
    adjusted = results[results.statistic == "selection_adjusted_p"]
    assert adjusted.value.item() == 50 / 1820
    silent = load(derive.replace("markers = [", 'family = "none", markers = [') + association('"chosen"'), sixteen())
    assert "composite" not in guards(silent)


def test_power_completions_and_the_number_of_comparisons(load: Load) -> None:
    resistant = ["yes" if p in MEMBERS["resistant"] else "no" for p in range(1, 17)]
    resistant[0] = ""  # patient 1: HER2−, HR−
    found = guards(load(association('"her2", "hr"'), sixteen(resistant=resistant)))
    # HER2 0/5 v 4/11: 89/364 = .245. With patient 1 resistant 0/5 v 5/11: (462 + 55 + 1)/4368 = .119.
    assert found["unknown outcome"][0] == (
        "1 patient with unknown outcome was counted as not having the event; over all completions P is 0.12 to 0.24."
    )
    # 4 of 16 have the event as counted: 4/15 without patient 1, 5/16 with an event for it.
    assert found["denominators"] == [
        "1 patient has no known outcome: excluded, the rate is 4/15 (26.7%); counted as events, 5/16 (31.3%)."
    ]
    # Exact power of Fisher's test: base 0/5 against 11 patients needs 70.5 % for 80 % power.
    assert (
        found["power"][0] == "With these numbers only a difference as large as 0% v 70% would be found with 80% power."
    )
    assert found["comparisons"] == ["P values of 2 comparisons were not adjusted."]


def test_tested_but_not_shown(load: Load) -> None:
    cohort = load(association('"her2"', 'tested = ["hr", "pik3ca"]\nadjust = "bonferroni"'), sixteen())
    found = guards(cohort)
    assert found["tested but not shown"] == ["2 further variables were tested and are not shown: HR, PIK3CA."]
    assert found["comparisons"] == ["P values of 3 comparisons were adjusted by Bonferroni's method."]
    results = cs.make_exhibit(cohort, cohort.study.exhibit("t")).results
    assert results[results.statistic == "p_adjusted"].value.item() == pytest.approx(3 * 89 / 364)


def test_out_of_reach_and_disagreement(load: Load) -> None:
    # PIK3CA 2/2 v 2/14: P = least attainable P = 1/20, the Newcombe interval excludes 0.
    found = guards(load(association('"pik3ca"'), sixteen()))
    assert found["attainable"] == ["This comparison could not have reached P < 0.05."]
    assert found["test and interval"] == ["The interval and the test are different methods and disagree here."]


def test_separation(load: Load) -> None:
    found = guards(load(association('"her2"', 'effect = "odds ratio"'), sixteen()))
    assert found["separation"] == ["No finite estimate exists: all 4 events are in one group."]
    assert "separation" not in guards(load(association('"her2"'), sixteen()))


def test_chi_square_of_a_small_table(load: Load) -> None:
    found = guards(load(association('"her2"', 'test = "chi2-n1"'), sixteen()))
    assert found["asymptotic"] == ["The P value is asymptotic with 4 events; the exact P is 0.24."]  # 89/364


def test_few_events_have_the_exact_p_beside(load: Load) -> None:
    # L3: 38 of 252 labellings; asymptotic .0962.
    found = guards(load(survival('groups = "her2"'), ten()))
    assert found["asymptotic"] == ["The P value is asymptotic with 7 events; the exact P is 0.15."]
    cohort = load(survival('groups = "her2"\ntest = "exact"'), ten())
    results = cs.make_exhibit(cohort, cohort.study.exhibit("f")).results
    assert results[results.statistic == "p_value"].p_value.item() == 38 / 252
    assert "asymptotic" not in guards(cohort)


def test_thin_tail(load: Load) -> None:
    # The fifth patient from the end of each group of five is the first: nobody is followed by five.
    found = guards(load(survival('groups = "her2"'), ten()))
    assert found["thin tail"] == [
        "Fewer than 5 patients at risk beyond 4 days.",
        "Fewer than 5 patients at risk beyond 8 days.",
    ]
    # The median, 15, is read with five at risk; survival at 20 with three.
    assert "thin tail" not in guards(load(survival(""), ten()))
    one_curve = guards(load(survival("at = [20]"), ten()))
    assert one_curve["thin tail"] == ["Fewer than 5 patients at risk beyond 15 days."]


def test_cut_off_found_in_the_data(load: Load) -> None:
    derive = '[derive]\nhigh = { when = "marker > 4.5", label = "High", cutoff = "this data" }\n'
    cohort = load(derive + survival('groups = "high"'), ten())
    assert any(problem.code == "cutoff-this-data" for problem in cohort.problems)
    (text,) = guards(cohort)["cut point"]
    p = cs.maxstat(range(10), TIMES, EVENTS, draws=9_999, seed=1).p_value
    assert text.startswith("The cut-off was chosen on these patients; the P that allows for the search is")
    results = cs.make_exhibit(cohort, cohort.study.exhibit("f")).results
    assert results[results.statistic == "cut_point_p"].value.item() == p


def test_group_formed_after_the_outcome_offers_alternatives(load: Load) -> None:
    derive = '[derive]\nchosen = { when = "not her2 and hr", label = "Chosen", formed = "after outcome" }\n'
    found = guards(load(derive + survival('groups = "chosen"'), sixteen()))
    assert found["group after outcome"] == [
        "The grouping was formed after the outcome was known; its P value is descriptive.",
        "Alternatives: a landmark analysis, and a P value adjusted for the choice of the grouping.",
    ]
    assert found["composite"][0].startswith("6 groupings can be made from these markers")
    landmark = load(derive + survival('groups = "chosen"\nlandmark = 45'), sixteen())
    analysis = cs.make_exhibit(landmark, landmark.study.exhibit("f"))
    assert "Landmark at 45 days: 4 patients whose time ended before it were excluded" in str(
        analysis.to_table().footnotes
    )
    assert analysis.results[analysis.results.statistic == "n"].value.sum() == 12
    assert all("Alternatives" not in guard.text for guard in analysis.guards)


def test_switch_that_differs_from_the_profile(load: Load) -> None:
    head = HEAD.replace('conventions = "r"', 'conventions = { profile = "r", median = "quantile" }')
    found = guards(load(survival(""), ten(), head))
    assert found["several medians"] == ['Median by rule "quantile" (profile: summary).']


DATES = """cohortstats = 1
[study]
id = "dates"
title = "Dates"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
start = { type = "date" }
responded = { type = "date" }
died = { type = "date" }
seen = { type = "date" }
[derive]
responder = { when = "responded is not missing", formed = "at baseline" }
[endpoints.os]
kind = "time to event"
start = "start"
event = "died"
censor = "seen"
unknown = "exclude"
"""
DATED = """id,start,responded,died,seen
1,2020-01-01,2020-03-01,2020-06-01,2020-06-01
2,2020-01-01,2020-02-01,,2020-12-01
3,2020-01-01,,2020-02-10,2020-02-10
4,2020-01-01,,,2020-08-01
"""


def test_immortal_time_stops_the_run_unless_it_is_allowed(load: Load) -> None:
    exhibit = '[[time_to_event]]\nid = "f"\nendpoint = "os"\ngroups = "responder"\n'
    with pytest.raises(cs.DataError) as caught:
        load(exhibit, DATED, DATES)
    (problem,) = caught.value.problems
    assert problem.code == "immortal-time"
    assert (
        problem.message
        == "[[time_to_event]] f: responder uses responded, which in 2 patients is after the start of os."
    )
    assert "Use a landmark (n excluded is shown) or a time-dependent variable." in problem.mend
    found = guards(load(exhibit + "allow_immortal = true\n", DATED, DATES))
    assert found["immortal time"] == [
        "Patients had to survive to be in this group. Use a landmark (n excluded is shown) or a time-dependent variable."
    ]
    # With a landmark after the last response nobody's group lies in the future.
    assert "immortal time" not in guards(load(exhibit + "landmark = 61\n", DATED, DATES))
    with pytest.raises(cs.DataError, match="after the landmark at 40"):
        load(exhibit + "landmark = 40\n", DATED, DATES)
