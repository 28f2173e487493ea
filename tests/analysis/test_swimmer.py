"""The swimmer exhibit: bars by length, marks from dates, numbers, endpoints and visits, and nothing of a rebuilt cohort."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.figures import SwimmerPicture
from cohortstats.study import Swimmer, SwimmerMarks

PATIENTS = """id,start,stop,death,going,arm,days_to_pd,months,seen
KZ-4,2016-01-01,2016-03-01,,no,A,60,2,2016-03-01
KZ-1,2016-01-01,2016-06-29,2016-07-09,no,B,,6,
KZ-3,2016-02-01,2016-04-01,,yes,,30,2,2016-04-01
KZ-2,2016-01-01,,,no,A,,,
KZ-5,2016-03-01,2016-02-01,,no,A,,1,
"""
VISITS = """id,date,overall
KZ-1,2016-03-01,PR
KZ-1,2016-02-01,SD
KZ-1,2016-05-01,CR
KZ-3,2016-03-02,PR
"""
STUDY = """
cohortstats = 1
[study]
id = "bars"
title = "Five patients"
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
stop = { type = "date" }
seen = { type = "date" }
death = { type = "date" }
going = { type = "yes/no" }
arm = { order = ["A", "B"], label = "Arm" }
days_to_pd = { type = "number", unit = "days" }
months = { type = "number", unit = "months" }
[columns.visits]
date = { type = "date" }
overall = { order = ["CR", "PR", "SD", "PD"] }
[endpoints.os]
kind = "time to event"
start = "start"
event = "death"
censor = "seen"
unknown = "exclude"
"""
HEAD = '[[swimmer]]\nid = "bars"\ntitle = "T"\n'
DATES = HEAD + 'start = "start"\nend = "stop"\n'


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], cs.Cohort]:
    def make(exhibit: str) -> cs.Cohort:
        for name, text in (("study.toml", STUDY + exhibit), ("patients.csv", PATIENTS), ("visits.csv", VISITS)):
            (tmp_path / name).write_text(text, encoding="utf-8")
        return cs.load_cohort(tmp_path)

    return make


Load = Callable[[str], cs.Cohort]


def made(cohort: cs.Cohort) -> cs.Analysis:
    return cs.swimmer(cohort, cohort.study.exhibit("bars"))


def picture_of(analysis: cs.Analysis) -> SwimmerPicture:
    assert isinstance(analysis.picture, SwimmerPicture)
    return analysis.picture


def test_longest_first_then_in_the_order_of_the_file(load: Load) -> None:
    analysis = made(load(DATES))
    # By hand: 29 June is day 180, 1 March day 60 of 2016, 1 April is 60 days after 1 February: KZ-4 is before KZ-3.
    assert [(line["row"], line["length"]) for line in analysis.lines()] == [("1", 180.0), ("2", 60.0), ("3", 60.0)]
    assert [bar.length for bar in picture_of(analysis).bars] == [180.0, 60.0, 60.0]
    assert [bar.order for bar in picture_of(analysis).bars] == [1, 2, 3]


def test_who_has_no_bar_is_counted_by_reason(load: Load) -> None:
    notes = made(load(DATES)).table.footnotes
    assert "1 patient without a length was left out." in notes
    assert "1 patient whose end is before the start was left out." in notes
    assert notes[0] == "3 patients, the longest bar first; numbers are no patient ids."


def test_no_id_is_in_any_part(load: Load) -> None:
    analysis = made(load(DATES + 'groups = "arm"\nmarks = [{ kind = "death", date = "death" }]\n'))
    everything = repr(analysis.table) + analysis.results.to_csv() + repr(analysis.picture)
    assert "KZ-" not in everything


def test_units_are_those_of_endpoints(load: Load) -> None:
    # 180 days / 7, / 30.4375, / 365.25.
    for unit, length in (("weeks", 180 / 7), ("months", 180 / 30.4375), ("years", 180 / 365.25)):
        analysis = made(load(DATES + f'unit = "{unit}"\n'))
        assert analysis.lines()[0]["length"] == pytest.approx(length, rel=1e-12)
        assert unit in picture_of(analysis).x_label


def test_marks_from_dates_numbers_endpoints_and_visits(load: Load) -> None:
    marks = """marks = [
  { kind = "response", date = "date", where = { overall = ["CR", "PR"] } },
  { kind = "PD", time = "days_to_pd", label = "Progress" },
  { kind = "death", endpoint = "os" },
]
"""
    analysis = made(load(DATES + marks))
    lines = {line["row"]: line for line in analysis.lines()}
    # KZ-1: PR on 1 March (day 60), CR on 1 May (day 121), the SD visit is none; dead on 9 July (day 190), after the bar.
    assert (lines["1"]["response"], lines["1"]["response_2"], lines["1"]["death"]) == (60.0, 121.0, 190.0)
    assert "PD" not in lines["1"]
    assert lines["2"]["PD"] == 60.0  # KZ-4
    assert (lines["3"]["response"], lines["3"]["PD"]) == (30.0, 30.0)  # KZ-3
    picture = picture_of(analysis)
    assert picture.kinds == (("response", "Response"), ("PD", "Progress"), ("death", "Death"))
    assert [(mark.time, mark.kind) for mark in picture.bars[0].marks] == [(60.0, 1), (121.0, 1), (190.0, 3)]
    assert analysis.table.strings()[1] == ["1", "180", "", "60, 121", "", "190"]


def test_kinds_that_nobody_has_have_no_sign(load: Load) -> None:
    marks = 'population = "arm == \'A\'"\nmarks = [{ kind = "death", date = "death" }, { kind = "PD", time = "days_to_pd" }]\n'
    assert picture_of(made(load(DATES + marks))).kinds == (("PD", "Progression"),)


def test_who_goes_on_is_declared_or_has_no_event(load: Load) -> None:
    assert [line["ongoing"] for line in made(load(DATES)).lines()] == [0, 0, 0]
    assert [line["ongoing"] for line in made(load(DATES + 'ongoing = "going"\n')).lines()] == [0, 0, 1]
    # KZ-1 died, KZ-4 and KZ-3 were alive when last seen.
    lines = made(load(HEAD + 'endpoint = "os"\n')).lines()
    assert [(line["length"], line["ongoing"]) for line in lines] == [(190.0, 0), (60.0, 1), (60.0, 1)]


def test_bars_of_an_endpoint(small: Callable[[str], cs.Cohort]) -> None:
    cohort = small('[[swimmer]]\nid = "bars"\ntitle = "T"\nendpoint = "ttp"\n')
    lines = made(cohort).lines()
    # The days of the file from the longest; P11 has none. yes is the event.
    assert [line["length"] for line in lines] == [65, 60, 50, 45, 40, 35, 30, 25, 20, 15, 10]
    assert [line["ongoing"] for line in lines] == [1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0]


def test_lengths_as_numbers_keep_or_change_their_unit(load: Load) -> None:
    analysis = made(load(HEAD + 'length = "months"\n'))
    assert [line["length"] for line in analysis.lines()] == [6, 2, 2, 1]
    assert "months" in picture_of(analysis).x_label
    days = made(load(HEAD + 'length = "months"\nunit = "days"\n'))
    assert days.lines()[0]["length"] == pytest.approx(6 * 30.4375)


def test_groups_have_names_and_the_unknown_one_comes_last(load: Load) -> None:
    picture = picture_of(made(load(DATES + 'groups = "arm"\n')))
    assert picture.groups == ("A", "B", "Missing")
    assert [bar.group for bar in picture.bars] == [2, 1, 3]


def test_shuffled_rows_change_nothing_but_ties(load: Load, tmp_path: Path) -> None:
    first = made(load(DATES + 'marks = [{ kind = "death", date = "death" }]\n'))
    head, *rows = PATIENTS.splitlines()
    visits_head, *visits = VISITS.splitlines()
    (tmp_path / "patients.csv").write_text("\n".join([head, *reversed(rows)]) + "\n", encoding="utf-8")
    (tmp_path / "visits.csv").write_text("\n".join([visits_head, *reversed(visits)]) + "\n", encoding="utf-8")
    assert made(cs.load_cohort(tmp_path)).lines() == first.lines()


def test_more_bars_than_can_be_told_apart_are_a_table(load: Load, tmp_path: Path) -> None:
    load(HEAD + 'length = "months"\n')
    head = PATIENTS.splitlines()[0]
    rows = [f"Q{number},,,,,,,{number + 1}," for number in range(401)]
    (tmp_path / "patients.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    (tmp_path / "visits.csv").write_text("id,date,overall\nQ1,,\n", encoding="utf-8")
    analysis = made(cs.load_cohort(tmp_path))
    assert analysis.picture is None
    assert len(analysis.lines()) == 401
    assert "More than 400 bars cannot be told apart; no picture is drawn." in analysis.table.footnotes


def test_nobody_with_a_bar_gives_no_picture(load: Load) -> None:
    analysis = made(load(DATES + 'population = "months > 100"\n'))
    assert analysis.picture is None
    assert analysis.table.footnotes[0].startswith("0 patients")


@pytest.mark.parametrize(
    ("exhibit", "code", "words"),
    [
        (HEAD, "key-missing", "needs one of endpoint, length and end"),
        (HEAD + 'length = "months"\nendpoint = "os"\n', "key-conflict", "endpoint and length exclude each other"),
        (HEAD + 'end = "stop"\n', "key-missing", "end needs start"),
        (
            HEAD + 'length = "months"\nmarks = [{ kind = "PD" }]\n',
            "key-missing",
            "needs one of date, time and endpoint",
        ),
        (HEAD + 'length = "months"\nmarks = [{ kind = "PD", date = "stop" }]\n', "key-missing", "date needs start"),
        (DATES + 'marks = [{ kind = "PD", date = "stopp" }]\n', "expression-name", "Did you mean stop?"),
        (DATES + 'marks = [{ kind = "PD", date = "months" }]\n', "expression-type", "a date is needed"),
        (DATES + 'marks = [{ kind = "scan", date = "stop" }]\n', "key-type", "kind"),
        (
            DATES + 'marks = [{ kind = "PD", date = "date", where = { overall = ["PRR"] } }]\n',
            "level-unknown",
            "'PRR' is not among",
        ),
        (
            DATES + 'marks = [{ kind = "PD", date = "stop", where = { overall = ["PR"] } }]\n',
            "key-conflict",
            "are not in one table",
        ),
        (DATES + 'groups = "months"\n', "expression-type", "is a number"),
        (HEAD + 'length = "date"\n', "expression-many", "has many rows per patient"),
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
    entry = Swimmer(
        id="bars",
        title="T",
        endpoint="ttp",
        marks=(SwimmerMarks(kind="PD", endpoint="ttp"),),
        population="ctdna_tested",
    )
    cohort = cs.load_cohort(dataclasses.replace(study, exhibits=(entry,)))
    analysis = cs.swimmer(cohort, entry)
    assert analysis.picture is None
    assert analysis.records == ()
    assert analysis.table.groups == ()
    assert analysis.table.footnotes == (
        "Not shown: it is made of patient rows, which the paper neither prints nor determines.",
    )
    with pytest.raises(cs.InputError, match="has no picture"):
        analysis.plot()
