"""The waterfall exhibit: which visit is baseline, which count, and who has no bar."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import cohortstats as cs
from cohortstats.analysis.waterfall import best_changes
from cohortstats.figures import WaterfallPicture
from cohortstats.study import Waterfall

# Start is 2016-03-01 for all. What each is for stands behind it.
PATIENTS = """id,start,pd,newtx,response,change,base
A,2016-03-01,,,PR,-50,90
B,2016-03-01,2016-05-01,,PD,80,50
C,2016-03-01,2016-04-15,,PD,120,60
D,2016-03-01,,2016-05-01,SD,10,
E,2016-03-01,,,NE,,
F,2016-03-01,,,,,0
G,2016-03-01,,,SD,-5,40
H,2016-03-01,,,CR,-100,30
"""
VISITS = """id,date,day,sum
A,2016-02-20,-10,100
A,2016-03-01,0,80
A,2016-04-12,42,40
A,2016-05-24,84,
A,2016-07-05,126,60
B,2016-02-25,-5,50
B,2016-05-01,61,90
B,2016-07-01,122,20
C,2016-02-25,-5,60
C,2016-05-01,61,132
D,2016-02-25,-5,100
D,2016-04-12,42,110
D,2016-05-01,61,10
E,2016-04-12,42,30
F,2016-02-25,-5,0
F,2016-04-12,42,10
G,2016-02-25,-5,40
H,2016-02-25,-5,30
H,2016-04-12,42,0
"""
STUDY = """
cohortstats = 1
[study]
id = "falls"
title = "Eight patients"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[data.visits]
file = "visits.csv"
id = "id"
rows = "many per patient"
order = "date"
[columns.patients]
start = { type = "date" }
pd = { type = "date" }
newtx = { type = "date" }
response = { order = ["CR", "PR", "SD", "PD", "NE"], unknown = ["NE"], label = "Best response" }
change = { type = "number", unit = "percent" }
base = { type = "number", unit = "mm" }
[columns.visits]
date = { type = "date" }
day = { type = "number", unit = "days" }
sum = { type = "number", unit = "mm" }
"""
HEAD = '[[waterfall]]\nid = "falls"\ntitle = "T"\n'
VISIT = HEAD + 'sum = "sum"\nstart = "start"\nprogression = "pd"\nnew_therapy = "newtx"\n'

Load = Callable[..., cs.Cohort]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def make(exhibit: str, visits: str = VISITS, patients: str = PATIENTS) -> cs.Cohort:
        for name, text in (("study.toml", STUDY + exhibit), ("patients.csv", patients), ("visits.csv", visits)):
            (tmp_path / name).write_text(text, encoding="utf-8")
        return cs.load_cohort(tmp_path)

    return make


def made(cohort: cs.Cohort) -> cs.Analysis:
    return cs.waterfall(cohort, cohort.study.exhibit("falls"))


def changes(cohort: cs.Cohort) -> dict[str, float | str]:
    """Patient -> his change, or why he has none."""
    entry = cohort.study.exhibit("falls")
    assert isinstance(entry, Waterfall)
    frame = best_changes(cohort, entry)
    return {
        patient: reason or float(change)
        for patient, change, reason in zip(cohort.ids, frame["change"], frame["reason"], strict=True)
    }


def test_best_changes_by_hand(load: Load) -> None:
    assert changes(load(VISIT)) == {
        "A": -50.0,  # baseline is the last sum up to the start, 80, not 100; smallest 40
        "B": 80.0,  # the visit at which progression was found counts, the later 20 does not
        "C": "no sum after baseline",  # the only visit is after progression
        "D": 10.0,  # the 10 on the day of new therapy is not before it
        "E": "no baseline",
        "F": "baseline is 0",
        "G": "no sum after baseline",
        "H": -100.0,
    }


def test_the_visit_at_progression_can_be_left_out(load: Load) -> None:
    found = changes(load(VISIT + 'at_progression = "leave out"\n'))
    assert found["B"] == "no sum after baseline"
    assert found["A"] == -50.0


def test_without_limits_later_visits_count(load: Load) -> None:
    found = changes(load(HEAD + 'sum = "sum"\nstart = "start"\n'))
    assert (found["B"], found["C"], found["D"]) == (-60.0, 120.0, -90.0)


def test_the_first_sum_is_the_baseline_where_no_start_is_known(load: Load) -> None:
    found = changes(load(HEAD + 'sum = "sum"\n'))
    assert found["A"] == -60.0  # of 100: 40
    assert found["E"] == "no sum after baseline"


def test_days_instead_of_dates_begin_at_0(load: Load) -> None:
    by_day = changes(load(HEAD + 'sum = "sum"\ndate = "day"\n'))
    by_date = changes(load(HEAD + 'sum = "sum"\nstart = "start"\n'))
    assert by_day == by_date


def test_a_baseline_of_the_patient_stands_in_for_the_visit(load: Load) -> None:
    found = changes(load(HEAD + 'sum = "sum"\nstart = "start"\nbaseline = "base"\n'))
    assert found["A"] == pytest.approx(100 * (40 - 90) / 90)
    assert found["D"] == found["E"] == "no baseline"
    assert found["F"] == "baseline is 0"


def test_who_has_no_bar_is_listed_with_his_reason_and_not_drawn_as_0(load: Load) -> None:
    analysis = made(load(VISIT + 'response = "response"\n'))
    picture = analysis.picture
    assert isinstance(picture, WaterfallPicture)
    assert [bar.change for bar in picture.bars] == [80.0, 10.0, -50.0, -100.0]
    rows = analysis.table.strings()[1:]
    assert rows[4:] == [
        ["5", "no sum after baseline that counts", "PD"],
        ["6", "no sum at baseline", "NE"],
        ["7", "sum at baseline is 0", ""],
        ["8", "no sum after baseline that counts", "SD"],
    ]
    notes = analysis.table.footnotes
    assert "Not drawn: 2 patients (numbers 5, 8): no sum after baseline that counts." in notes
    assert "Not drawn: 1 patient (number 6): no sum at baseline." in notes
    undrawn = [record for record in analysis.records if record.statistic == "best_change" and record.reason]
    assert [record.reason for record in undrawn] == [
        "no sum after baseline",
        "no baseline",
        "baseline is 0",
        "no sum after baseline",
    ]
    assert all(np.isnan(record.value) for record in undrawn)  # type: ignore[arg-type]


def test_responses_are_those_of_the_bars(load: Load) -> None:
    picture = made(load(VISIT + 'response = "response"\n')).picture
    assert isinstance(picture, WaterfallPicture)
    assert picture.responses == ("CR", "PR", "SD", "PD")
    assert [picture.responses[bar.response - 1] for bar in picture.bars] == ["PD", "SD", "PR", "CR"]


def test_changes_of_the_file(load: Load) -> None:
    analysis = made(load(HEAD + 'change = "change"\ncap = 100\n'))
    lines = analysis.lines()
    assert [line["best_change"] for line in lines[:6]] == [120, 80, 10, -5, -50, -100]
    assert [line["capped"] for line in lines[:6]] == [1, 0, 0, 0, 0, 0]
    assert "Bar cut at +100%: 1 (120%)." in analysis.table.footnotes
    picture = analysis.picture
    assert isinstance(picture, WaterfallPicture)
    assert [bar.capped for bar in picture.bars] == [True, False, False, False, False, False]
    assert (picture.guides, picture.cap) == ((20.0, -30.0), 100.0)
    uncut = made(load(HEAD + 'change = "change"\ncap = 0\n'))
    assert not any("cut" in note for note in uncut.table.footnotes)


def test_ties_stand_in_the_order_of_the_file(load: Load) -> None:
    patients = "id,start,pd,newtx,response,change,base\nZ,,,,CR,-5,\nY,,,,PR,-5,\nX,,,,SD,40,\n"
    table = made(load(HEAD + 'change = "change"\nresponse = "response"\n', "id,date,day,sum\nZ,,,\n", patients)).table
    assert [row[2] for row in table.strings()[1:]] == ["SD", "CR", "PR"]


def test_no_id_is_in_any_part(load: Load) -> None:
    patients = PATIENTS.replace("\n", "\nKZ-", 8)
    visits = VISITS.replace("\n", "\nKZ-", 19)
    analysis = made(load(VISIT, visits, patients))
    assert analysis.lines()[0]["best_change"] == 80.0
    assert "KZ-" not in repr(analysis.table) + analysis.results.to_csv() + repr(analysis.picture)


def test_shuffled_visits_change_nothing(load: Load) -> None:
    head, *rows = VISITS.splitlines()
    shuffled = "\n".join([head, *rows[::-1]]) + "\n"
    assert changes(load(VISIT, shuffled)) == changes(load(VISIT))


def test_brute_force_over_random_visits(load: Load) -> None:
    """Against a loop over visits, on dates written as days."""
    generator = np.random.default_rng(7)
    patients, visits, expected = ["id,start,pd,newtx,response,change,base"], ["id,date,day,sum"], {}
    for number in range(60):
        name = f"P{number}"
        patients.append(f"{name},2016-03-01,,,,,")
        days = sorted(generator.choice(np.arange(-40, 200), size=generator.integers(0, 7), replace=False).tolist())
        sums = generator.integers(0, 60, size=len(days)).tolist()
        visits += [f"{name},2016-01-01,{day},{total}" for day, total in zip(days, sums, strict=True)]
        before = [total for day, total in zip(days, sums, strict=True) if day <= 0]
        after = [total for day, total in zip(days, sums, strict=True) if day > 0]
        if not before:
            expected[name] = "no baseline"
        elif before[-1] == 0:
            expected[name] = "baseline is 0"
        elif not after:
            expected[name] = "no sum after baseline"
        else:
            expected[name] = pytest.approx(100 * (min(after) - before[-1]) / before[-1])
    found = changes(load(HEAD + 'sum = "sum"\ndate = "day"\n', "\n".join(visits) + "\n", "\n".join(patients) + "\n"))
    assert found == expected


def test_what_is_not_possible_is_refused(load: Load) -> None:
    cohort = load(HEAD + 'change = "change"\n', patients=PATIENTS.replace("-100,30", "-101,30"))
    with pytest.raises(cs.InputError, match="a change of -101 percent is not possible"):
        made(cohort)
    cohort = load(VISIT, VISITS.replace("84,\n", "84,-3\n"))
    with pytest.raises(cs.InputError, match="sum is below 0 at 1 visits"):
        made(cohort)


@pytest.mark.parametrize(
    ("exhibit", "code", "words"),
    [
        (HEAD, "key-missing", "needs one of change and sum"),
        (HEAD + 'change = "change"\nsum = "sum"\n', "key-conflict", "exclude each other"),
        (HEAD + 'change = "change"\nstart = "start"\n', "key-conflict", "start belongs to sum"),
        (HEAD + 'sum = "base"\n', "key-conflict", "has one value a patient"),
        (HEAD + 'sum = "sum"\ndate = "start"\n', "key-conflict", "are not in one table"),
        (HEAD + 'sum = "sum"\nprogression = "response"\n', "expression-type", "is ordered"),
        (HEAD + 'sum = "sum"\ncap = -1\n', "key-type", "cap must be 0 or more"),
        (HEAD + 'change = "sum"\n', "expression-many", "has many rows per patient"),
        (HEAD + 'sum = "summ"\n', "expression-name", "Did you mean sum?"),
    ],
)
def test_faults_of_the_section_are_told_before_a_table_is_opened(
    load: Load, exhibit: str, code: str, words: str
) -> None:
    with pytest.raises(cs.DataError) as refused:
        load(exhibit)
    assert any(problem.code == code and words in str(problem) for problem in refused.value.problems)


def test_a_rebuilt_cohort_gives_a_sentence() -> None:
    study = cs.Study.read(cs.shipped_study("sakai2018"))
    entry = Waterfall(id="falls", title="T", change="her2_ratio")
    analysis = cs.waterfall(cs.load_cohort(dataclasses.replace(study, exhibits=(entry,))), entry)
    assert (analysis.picture, analysis.records, analysis.table.groups) == (None, (), ())
    assert "neither prints nor determines" in analysis.table.footnotes[0]
