"""Declared events: dates of events, stops, gaps, deaths, delayed entry and the record behind each time.

The visits of the first table, and what PFS and TTP are in them, are worked out by hand: scans every 42 days, tolerance
7, two visits may be missed.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.errors import Problem

START = dt.date(2016, 1, 1)
HEAD = """
cohortstats = 1
[study]
id = "small"
title = "Small"
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
order = "visit"
[columns.patients]
start = { type = "date" }
death = { type = "date" }
new_therapy = { type = "date" }
seen = { type = "date" }
[columns.visits]
visit = { type = "date" }
response = { order = ["CR", "PR", "SD", "PD", "NE"] }
[endpoints.pfs]
kind = "time to event"
unknown = "exclude"
start = "start"
"""
PROGRESSION = '{ date = "visit", where = { response = ["PD"] }, reason = "progression" }'
CENSORS = """censors = [ { date = "last assessment", reason = "last adequate assessment" },
  { date = "start", reason = "no assessment" } ]
assessments = { table = "visits", response = "response" }
"""
RULES = """stops = [ { date = "new_therapy", at = "last assessment", reason = "new therapy" } ]
gaps = { interval = 42, missed = 2, tolerance = 7, reason = "missed visits" }
"""
PFS = f'events = [ {PROGRESSION}, {{ date = "death", reason = "death" }} ]\n' + CENSORS
TTP = f"events = [ {PROGRESSION} ]\n" + CENSORS

# Name: visits as day and response; days of death, new therapy and last contact.
WORKED: dict[str, tuple[str, int | None, int | None, int | None]] = {
    "PD": ("43 PD", None, None, None),
    "death without scan": ("", 30, None, None),
    "new therapy": ("42 SD, 84 SD, 126 PD", None, 100, None),
    "gap": ("42 SD, 168 PD", None, None, None),
    "death in time": ("42 SD", 60, None, None),
    "no baseline": ("", None, None, None),
    "seen later": ("42 SD", None, None, 200),
    "one missed": ("42 SD, 126 PD", None, None, None),
    "death after a gap": ("42 SD, 84 SD", 300, None, None),
    "not evaluable": ("42 SD, 84 NE", None, None, None),
    "both on one day": ("42 PD", 42, None, None),
}
# Name: PFS, TTP with deaths censored at death, TTP with deaths censored at the last assessment, PFS without gaps and
# stops; each with the reason.
EXPECTED: dict[str, tuple[tuple[int, str], ...]] = {
    "PD": ((43, "progression"),) * 4,
    "death without scan": ((30, "death"), (30, "-death"), (0, "-death"), (30, "death")),
    "new therapy": ((84, "-new therapy"),) * 3 + ((126, "progression"),),
    "gap": ((42, "-missed visits"),) * 3 + ((168, "progression"),),
    "death in time": ((60, "death"), (60, "-death"), (42, "-death"), (60, "death")),
    "no baseline": ((0, "-no assessment"),) * 4,
    "seen later": ((42, "-last adequate assessment"),) * 4,
    "one missed": ((126, "progression"),) * 4,
    "death after a gap": ((84, "-missed visits"), (300, "-death"), (84, "-death"), (300, "death")),
    "not evaluable": ((42, "-last adequate assessment"),) * 4,
    "both on one day": ((42, "progression"),) * 4,
}
FORMS = {
    "pfs": PFS + RULES,
    "ttp at death": TTP + RULES + 'deaths = "censor at death"\n',
    "ttp at last assessment": TTP + RULES + 'deaths = "censor at last assessment"\n',
    "pfs without gaps and stops": PFS,
}


def day(number: int | None) -> str:
    return "" if number is None else str(START + dt.timedelta(days=number))


def tables(
    patients: dict[str, tuple[str, int | None, int | None, int | None]], seed: int | None = None
) -> dict[str, str]:
    one = [
        ",".join([name, day(0), day(death), day(therapy), day(seen)])
        for name, (_, death, therapy, seen) in patients.items()
    ]
    many = [
        f"{name},{day(int(visit.split()[0]))},{visit.split()[1]}"
        for name, (visits, *_) in patients.items()
        for visit in visits.split(", ")
        if visit
    ]
    if seed is not None:
        random.Random(seed).shuffle(one)
        random.Random(seed + 1).shuffle(many)
    return {
        "patients.csv": "\n".join(["id,start,death,new_therapy,seen", *one]) + "\n",
        "visits.csv": "\n".join(["id,visit,response", *many]) + "\n",
    }


def load(folder: Path, endpoint: str, files: dict[str, str] | None = None, head: str = HEAD) -> cs.Cohort:
    (folder / "study.toml").write_text(head + endpoint, encoding="utf-8")
    for name, text in (files or tables(WORKED)).items():
        (folder / name).write_text(text, encoding="utf-8")
    return cs.load_cohort(folder)


def problems(folder: Path, endpoint: str, files: dict[str, str] | None = None, head: str = HEAD) -> list[Problem]:
    with pytest.raises(cs.DataError) as error:
        load(folder, endpoint, files, head)
    return [problem for problem in error.value.problems if problem.level == "error"]


def outcome(cohort: cs.Cohort) -> dict[str, tuple[int, str]]:
    """Patient -> time and reason, with a minus in front of a censoring."""
    frame = cohort.endpoint("pfs")
    signs = frame["event"].map({True: "", False: "-"})
    return {
        str(name): (int(time), f"{sign}{reason}")
        for name, time, sign, reason in zip(frame.index, frame["time"], signs, frame["reason"], strict=True)
    }


# ---------------------------------------------------------------------------------------------------------------------
# The worked table
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_worked_table(tmp_path: Path, form: str) -> None:
    place = list(FORMS).index(form)
    assert outcome(load(tmp_path, FORMS[form])) == {name: expected[place] for name, expected in EXPECTED.items()}


@pytest.mark.parametrize("form", FORMS)
def test_nothing_after_the_cut_off(tmp_path: Path, form: str) -> None:
    # SD at 42, PD at 84: at a cut-off on day 80 the last adequate assessment is that of day 42.
    files = tables({"late": ("42 SD, 84 PD", None, None, None)})
    cohort = load(tmp_path, FORMS[form] + f'cutoff = "{day(80)}"\n', files)
    assert outcome(cohort) == {"late": (42, "-last adequate assessment")}


def test_the_record_behind_a_time(tmp_path: Path) -> None:
    frame = load(tmp_path, FORMS["pfs"]).endpoint("pfs")
    assert list(frame.columns) == ["time", "event", "reason", "date", "table", "row", "entry", "imputed", "cause"]
    records = {
        str(name): (str(date.date()), table, row)
        for name, date, table, row in zip(frame.index, frame["date"], frame["table"], frame["row"], strict=True)
    }
    assert records["PD"] == (day(43), "visits", 2)
    assert records["death without scan"] == (day(30), "patients", 3)
    assert records["new therapy"] == (day(84), "visits", 4)
    assert records["no baseline"] == (day(0), "patients", 7)  # the start stands in for an assessment
    assert frame["cause"].tolist() == ["event" if happened else "censored" for happened in frame["event"]]
    assert (frame["entry"] == 0).all()


def test_deaths_that_compete(tmp_path: Path) -> None:
    frame = load(tmp_path, TTP + RULES + 'deaths = "competing"\n').endpoint("pfs")
    causes = frame["cause"].astype(str).to_dict()
    assert {name for name, cause in causes.items() if cause == "death"} == {
        "death without scan",
        "death in time",
        "death after a gap",
    }
    assert frame.loc["death after a gap", "time"] == 300
    assert not frame.loc["death after a gap", "event"]


# ---------------------------------------------------------------------------------------------------------------------
# Laws
# ---------------------------------------------------------------------------------------------------------------------


def generated(seed: int, n: int = 60) -> dict[str, tuple[str, int | None, int | None, int | None]]:
    draw = random.Random(seed)
    patients = {}
    for number in range(n):
        visits = [
            f"{42 * k + draw.randint(-7, 7)} {draw.choice(['SD', 'SD', 'PR', 'PD', 'NE'])}"
            for k in range(1, draw.randint(1, 8))
            if draw.random() > 0.3
        ]
        patients[f"P{number}"] = (
            ", ".join(visits),
            draw.choice([None, draw.randint(0, 400)]),
            draw.choice([None, None, draw.randint(0, 400)]),
            None,
        )
    return patients


@pytest.mark.parametrize("form", FORMS)
def test_plus_one_adds_a_day_to_every_time(tmp_path: Path, form: str) -> None:
    files = tables(generated(1))
    plain = load(tmp_path, FORMS[form], files).endpoint("pfs")
    shifted = load(tmp_path, FORMS[form] + "plus_one = true\n", files).endpoint("pfs")
    assert (shifted["time"] == plain["time"] + 1).all()
    pd.testing.assert_frame_equal(shifted.drop(columns="time"), plain.drop(columns="time"))


@pytest.mark.parametrize("form", FORMS)
def test_a_later_cut_off_never_loses_an_event(tmp_path: Path, form: str) -> None:
    files = tables(generated(2))
    before: set[str] = set()
    for cutoff in range(20, 440, 35):
        frame = load(tmp_path, FORMS[form] + f'cutoff = "{day(cutoff)}"\n', files).endpoint("pfs")
        events = set(frame.index[frame["event"]])
        assert before <= events
        assert (frame["time"] <= cutoff).all()
        before = events
    assert len(before) > 10


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_rows_changes_nothing(tmp_path: Path, form: str) -> None:
    patients = generated(3)
    plain = load(tmp_path, FORMS[form], tables(patients)).endpoint("pfs")
    shuffled = load(tmp_path, FORMS[form], tables(patients, seed=4)).endpoint("pfs").loc[plain.index]
    pd.testing.assert_frame_equal(shuffled.drop(columns="row"), plain.drop(columns="row"))


def test_rules_patient_by_patient(tmp_path: Path) -> None:
    # A second route: the rules of PFS in plain loops over one patient.
    patients = generated(5, n=120)
    found = outcome(load(tmp_path, FORMS["pfs"], tables(patients)))
    for name, (text, death, therapy, _) in patients.items():
        visits = sorted((int(v.split()[0]), v.split()[1]) for v in text.split(", ") if v)
        adequate = [visit for visit, response in visits if response != "NE"]
        progressions = [visit for visit, response in visits if response == "PD"]
        dates = [(progressions[0], 0)] if progressions else []
        dates += [(death, 1)] if death is not None else []
        expected: tuple[int, str]
        if dates and (therapy is None or min(dates)[0] < therapy):
            event, kind = min(dates)
            earlier = [v for v, r in visits if r != "NE" and (v < event or (v == event and r != "PD"))]
            last = max(earlier, default=0)
            expected = (event, ("progression", "death")[kind]) if event - last <= 91 else (last, "-missed visits")
        elif therapy is not None:
            expected = (max([v for v in adequate if v < therapy], default=0), "-new therapy")
        else:
            expected = (max(adequate), "-last adequate assessment") if adequate else (0, "-no assessment")
        assert found[name] == expected, (name, patients[name])


# ---------------------------------------------------------------------------------------------------------------------
# One date a patient
# ---------------------------------------------------------------------------------------------------------------------

ONE = """
cohortstats = 1
[study]
id = "small"
title = "Small"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
start = { type = "date" }
progression = { type = "date" }
dead = { type = "yes/no" }
death = { type = "date", impute = "mid" }
last_scan = { type = "date" }
new_therapy = { type = "date" }
consent = { type = "date" }
[endpoints.pfs]
kind = "time to event"
unknown = "exclude"
start = "start"
"""
ROW = "id,start,progression,dead,death,last_scan,new_therapy,consent\n"
BOTH = 'events = [ { date = "progression", reason = "progression" }, { date = "death", reason = "death" } ]\n'
SCANS = 'censors = [ { date = "last_scan", reason = "last scan" }, { date = "start", reason = "no scan" } ]\n'


def one(folder: Path, endpoint: str, rows: str) -> cs.Cohort:
    return load(folder, endpoint, {"patients.csv": ROW + rows}, ONE)


def refused(folder: Path, endpoint: str, rows: str) -> list[str]:
    return [f"{p.code}: {p.message}" for p in problems(folder, endpoint, {"patients.csv": ROW + rows}, ONE)]


def test_the_latest_of_the_censorings(tmp_path: Path) -> None:
    rows = "A,2016-01-01,,,,2016-02-01,,\nB,2016-01-01,,,,,,\nC,,,,,2016-02-01,,\n"
    cohort = one(tmp_path, BOTH + SCANS, rows)
    frame = cohort.endpoint("pfs")
    assert frame["time"].tolist()[:2] == [31, 0]
    assert frame["reason"].tolist() == ["last scan", "no scan", "no start"]
    assert frame["row"].isna().tolist() == [False, False, True]


def test_the_cut_off_counts_only_where_an_entry_says_so(tmp_path: Path) -> None:
    rows = "A,2016-01-01,2016-08-01,,,2016-02-01,,\nB,2016-01-01,,,,2016-09-01,,\nC,2016-07-01,,,,2016-09-01,,\n"
    scan = '{ date = "last_scan", reason = "last scan"'
    end = 'cutoff = "2016-06-30"\n'

    def times(censors: str) -> list[tuple[float, str]]:
        frame = one(tmp_path, BOTH + f"censors = [ {censors} ]\n" + end, rows).endpoint("pfs")
        return [
            (-1 if math.isnan(time) else time, reason)
            for time, reason in zip(frame["time"], frame["reason"], strict=True)
        ]

    late = (-1, "start after cut-off")
    assert times(scan + " }") == [(31, "last scan"), (-1, "no last observation"), late]
    assert times(scan + ' }, { date = "cutoff", reason = "alive" }') == [(31, "last scan"), (181, "alive"), late]
    assert times(scan + ', after_cutoff = "cutoff" }') == [(31, "last scan"), (181, "last scan"), late]


def test_a_stop_on_the_day_of_the_event(tmp_path: Path) -> None:
    rows = "A,2016-01-01,2016-03-01,,,2016-02-01,2016-03-01,\n"
    stop = '{ date = "new_therapy", reason = "new therapy"'
    found = {}
    for word, options in {"stop": "", "event": ', same_day = "event"', "back": ', at = "last assessment"'}.items():
        frame = one(tmp_path, BOTH + SCANS + f"stops = [ {stop}{options} }} ]\n", rows).endpoint("pfs")
        found[word] = (frame["time"].iloc[0], bool(frame["event"].iloc[0]))
    assert found == {"stop": (60, False), "event": (60, True), "back": (31, False)}


def test_one_date_does_not_tell_of_the_assessments_before_it(tmp_path: Path) -> None:
    rows = "A,2016-01-01,2016-06-01,,,2016-06-01,2016-03-01,\n"
    stop = 'stops = [ { date = "new_therapy", reason = "new therapy", at = "last assessment" } ]\n'
    assert refused(tmp_path, BOTH + SCANS + stop, rows) == [
        "assessment-unclear: 2016-06-01 is not before 2016-03-01, and of earlier assessments nothing is known."
    ]


def test_an_event_without_a_date(tmp_path: Path) -> None:
    events = (
        'events = [ { date = "progression", reason = "progression" }, '
        '{ date = "death", reason = "death", status = "dead" } ]\n'
    )
    # B died on a day that nobody knows; C progressed before.
    rows = "A,2016-01-01,,yes,2016-02-01,,,\nB,2016-01-01,,yes,,2016-01-20,,\nC,2016-01-01,2016-01-09,yes,,,,\n"
    cohort = one(tmp_path, events + SCANS, rows)
    assert cohort.endpoint("pfs")["reason"].tolist() == ["death", "event without a date", "progression"]
    assert [p.message for p in cohort.problems if p.code == "event-date-missing"] == [
        "2 patients have death without death and are left out of pfs."
    ]
    assert refused(tmp_path, events + SCANS, "A,2016-01-01,,no,2016-02-01,,,\n") == [
        "event-coding: dead is no, and death has a date."
    ]


def test_dates_before_the_start(tmp_path: Path) -> None:
    rows = "A,2016-01-01,2015-12-31,,,,,\nB,2016-01-01,,,,2015-12-30,,\nC,2016-01-01,,,,,2015-12-29,\n"
    stop = 'stops = [ { date = "new_therapy", reason = "new therapy" } ]\n'
    assert refused(tmp_path, BOTH + SCANS + stop, rows) == [
        "date-before-start: 2015-12-31 is before start (2016-01-01).",
        "date-before-start: 2015-12-29 is before start (2016-01-01).",
    ]
    # Another entry of censors stands in for a last scan before the start; where there is none it is an error, too.
    row = "B,2016-01-01,,,,2015-12-30,,\n"
    cohort = one(tmp_path, BOTH + SCANS, row)
    assert [(p.level, p.code) for p in cohort.problems if p.code == "date-before-start"] == [
        ("warning", "date-before-start")
    ]
    assert cohort.endpoint("pfs")["reason"].tolist() == ["no scan"]
    alone = BOTH + 'censors = [ { date = "last_scan", reason = "last scan" } ]\n'
    assert refused(tmp_path, alone, row) == ["date-before-start: 2015-12-30 is before start (2016-01-01)."]


def test_records_before_the_start_are_told(tmp_path: Path) -> None:
    cohort = load(tmp_path, PFS, tables({"A": ("-30 PD, 42 SD, 84 PD", None, None, None)}))
    assert outcome(cohort) == {"A": (84, "progression")}
    assert [p.message for p in cohort.problems if p.code == "date-before-start"] == [
        "1 row of visits with progression before start is no event of pfs."
    ]


def test_an_imputed_date_does_not_decide_in_silence(tmp_path: Path) -> None:
    # Death in February, progression on the 10th: imputed as the 15th it comes second, but need not.
    cohort = one(tmp_path, BOTH + SCANS, "A,2016-01-01,2016-02-10,,2016-02,,,\nB,2016-01-01,,,2016-03,,,\n")
    frame = cohort.endpoint("pfs")
    assert frame["reason"].tolist() == ["progression", "death"]
    assert frame["imputed"].tolist() == ["", "day"]
    assert [p.message for p in cohort.problems if p.code == "impute-decides"] == [
        "In 1 patient a part of a date that was put in decides which came first."
    ]


def test_a_derived_date_has_the_record_it_is_equal_to(tmp_path: Path) -> None:
    head = HEAD.replace("[endpoints", "[derive]\npd = { value = \"min_of(visit, response == 'PD')\" }\n[endpoints")
    events = 'events = [ { date = "pd", reason = "progression" }, { date = "death", reason = "death" } ]\n'
    frame = load(tmp_path, events + CENSORS, tables(WORKED), head).endpoint("pfs")
    direct = load(tmp_path, PFS).endpoint("pfs")
    pd.testing.assert_frame_equal(frame, direct)


def test_duration_of_response_is_that_of_the_responders(tmp_path: Path) -> None:
    head = HEAD.replace(
        "[endpoints", "[derive]\nfirst = { value = \"min_of(visit, response in ['CR', 'PR'])\" }\n[endpoints"
    ).replace('start = "start"', 'start = "first"')
    files = tables(
        {
            "response then PD": ("42 PR, 84 CR, 126 PD", None, None, None),
            "response then nothing": ("42 SD, 84 PR", None, None, None),
            "no response": ("42 SD, 84 PD", None, None, None),
            "response then death": ("42 PR", 60, None, None),
        }
    )
    frame = load(tmp_path, PFS.replace('date = "start"', 'date = "first"'), files, head).endpoint("pfs")
    assert frame["time"].tolist()[:2] + frame["time"].tolist()[3:] == [84, 0, 18]
    assert frame["reason"].tolist() == ["progression", "last adequate assessment", "no start", "death"]


# ---------------------------------------------------------------------------------------------------------------------
# Delayed entry
# ---------------------------------------------------------------------------------------------------------------------

# R 4.2.2, survfit(Surv(entry, time, event) ~ 1) of survival 3.5-3.
ENTRY, TIME, EVENT = (0, 15, 0, 30, 25, 0), (20, 40, 35, 60, 90, 100), (1, 1, 0, 1, 1, 0)
AT_RISK, SURVIVAL = [4, 5, 4, 3, 2, 1], [0.75, 0.75, 0.5625, 0.375, 0.1875, 0.1875]
IGNORED = [5 / 6, 0.625, 5 / 12, 5 / 24]
NUMBERS = """
cohortstats = 1
[study]
id = "small"
title = "Small"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
came = { type = "number", unit = "days" }
days = { type = "number", unit = "days" }
event = { type = "yes/no" }
[endpoints.os]
kind = "time to event"
unknown = "exclude"
time = "days"
event = "event"
entry = "came"
[[time_to_event]]
id = "figure"
endpoint = "os"
at = [20, 40, 60, 90]
"""


def entered() -> str:
    rows = [
        f"P{number},{entry},{time},{'yes' if event else 'no'}"
        for number, (entry, time, event) in enumerate(zip(ENTRY, TIME, EVENT, strict=True))
    ]
    return "\n".join(["id,came,days,event", *rows]) + "\n"


def survival(cohort: cs.Cohort, exhibit: str = "figure") -> list[float]:
    records = cs.make_exhibit(cohort, cohort.study.exhibit(exhibit)).records
    return [float(r.value) / 100 for r in records if r.statistic.startswith("survival_")]  # type: ignore[arg-type]


def test_entry_as_a_number_reaches_the_curve(tmp_path: Path) -> None:
    cohort = load(tmp_path, "", {"patients.csv": entered()}, NUMBERS)
    assert cohort.endpoint("os")["entry"].tolist() == list(ENTRY)
    assert survival(cohort) == pytest.approx([0.75, 0.5625, 0.375, 0.1875], rel=1e-12)
    ignoring = load(tmp_path, "", {"patients.csv": entered()}, NUMBERS.replace('entry = "came"\n', ""))
    assert survival(ignoring) == pytest.approx(IGNORED, rel=1e-12)


@pytest.mark.parametrize("plus_one", [False, True])
def test_entry_as_a_date(tmp_path: Path, plus_one: bool) -> None:
    rows = "".join(
        f"P{number},{day(0)},,,{day(time) if event else ''},{'' if event else day(time)},,{day(entry)}\n"
        for number, (entry, time, event) in enumerate(zip(ENTRY, TIME, EVENT, strict=True))
    )
    endpoint = 'events = [ { date = "death", reason = "death" } ]\n' + SCANS + 'entry = "consent"\n'
    endpoint += "plus_one = true\n" if plus_one else ""
    shift = int(plus_one)
    at = [time + shift for time in (20, 40, 60, 90)]
    endpoint += f'[[time_to_event]]\nid = "figure"\nendpoint = "pfs"\nat = {at}\n'
    cohort = one(tmp_path, endpoint, rows)
    frame = cohort.endpoint("pfs")
    assert frame["time"].tolist() == [time + shift for time in TIME]
    assert frame["entry"].tolist() == [entry + shift if entry else 0 for entry in ENTRY]
    assert survival(cohort) == pytest.approx([0.75, 0.5625, 0.375, 0.1875], rel=1e-12)


def test_the_numbers_at_risk_of_the_picture(tmp_path: Path) -> None:
    head = NUMBERS + "ticks = 20\n"
    cohort = load(tmp_path, "", {"patients.csv": entered()}, head)
    analysis = cs.make_exhibit(cohort, cohort.study.exhibit("figure"))
    (at_risk, _, _) = analysis.picture.risk_table.rows[0]  # type: ignore[union-attr]
    # Entered before and still there: of 0, 20, 40, 60, 80, 100 days.
    assert list(at_risk) == [3, 4, 4, 3, 2, 1]
    assert [guard.name for guard in analysis.guards if guard.name == "delayed entry"] == ["delayed entry"]


def test_who_was_last_seen_before_entry(tmp_path: Path) -> None:
    endpoint = BOTH + SCANS + 'entry = "consent"\n'
    stop = 'stops = [ { date = "new_therapy", reason = "new therapy", at = "last assessment" } ]\n'
    rows = "A,2016-01-01,2016-02-01,,,,,2016-02-01\n"
    assert refused(tmp_path, endpoint, rows) == ["entry-after-time: entry 31 is not before pfs 31, in days."]
    # Censored at an assessment before entry, never at risk; no entry; entry after the cut-off; entry before the start.
    rows = (
        "A,2016-01-01,,,,2016-01-15,2016-03-01,2016-02-01\nB,2016-01-01,2016-02-01,,,,,\n"
        "C,2016-01-01,2016-02-01,,,,,2016-12-01\nD,2016-01-01,2016-02-01,,,,,2015-12-01\n"
    )
    frame = one(tmp_path, endpoint + stop + 'cutoff = "2016-06-30"\n', rows).endpoint("pfs")
    assert frame["reason"].tolist() == ["no time after entry", "no entry", "entry after cut-off", "progression"]
    assert frame["entry"].tolist()[3] == 0


def test_entry_of_times(tmp_path: Path) -> None:
    def codes(rows: str) -> list[str]:
        found = problems(tmp_path, "", {"patients.csv": "id,came,days,event\n" + rows}, NUMBERS)
        return [f"{p.code} {p.patient}: {p.message}" for p in found]

    assert codes("A,40,40,yes\nB,-5,10,no\n") == [
        "time-negative B: -5 is negative; a time is 0 or more.",
        "entry-after-time A: entry 40 is not before days 40.",
    ]


def test_a_landmark_moves_entries(tmp_path: Path) -> None:
    cohort = load(tmp_path, "", {"patients.csv": entered()}, NUMBERS)
    later = cs.landmark(cohort, at=20, endpoint="os").endpoint("os")
    assert later["time"].tolist() == [20, 15, 40, 70, 80]
    assert later["entry"].tolist() == [0, 0, 10, 5, 0]


# ---------------------------------------------------------------------------------------------------------------------
# What a study file must say
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "sentences"),
    [
        (
            TTP,
            [
                'key-missing: [endpoints.pfs] needs deaths = "censor at death", "censor at last assessment" or '
                '"competing": death is a date of death.'
            ],
        ),
        (
            PFS + 'deaths = "competing"\n',
            ["key-conflict: [endpoints.pfs] deaths does not apply: death is an event here."],
        ),
        (
            TTP + 'death = "death"\n',
            [
                'key-missing: [endpoints.pfs] death needs deaths = "censor at death", "censor at last assessment" or '
                '"competing".'
            ],
        ),
        (PFS + 'event = "death"\n', ["key-conflict: [endpoints.pfs] event and events exclude each other."]),
        (
            PFS.replace("assessments = { table", 'assessments = { where = { response = ["XX"] }, table'),
            ["level-unknown: [endpoints.pfs] assessments where: 'XX' is not among 'CR', 'PR', 'SD', 'PD', 'NE'."],
        ),
        (
            'event = "death"\ncensors = [ { date = "last assessment", reason = "scan" } ]\n',
            [
                "key-missing: [endpoints.pfs] censors[0] date: last assessment needs assessments.",
                "key-missing: [endpoints.pfs] needs assessments, for the last assessment.",
            ],
        ),
        (
            'event = "death"\ninterval_censored = true\n',
            [
                "key-missing: [endpoints.pfs] interval_censored needs gaps or assessments, for the interval between "
                "visits."
            ],
        ),
        (
            PFS + "gaps = { interval = 0, missed = 2 }\n",
            ["key-type: [endpoints.pfs] gaps: interval must be 1 or more, not 0."],
        ),
        (
            'events = [ { date = "death", where = { response = ["PD"] }, reason = "death" } ]\n',
            ["key-conflict: [endpoints.pfs] events[0] where: response and death are not in one table."],
        ),
        (
            'events = [ { date = "deth", reason = "death" } ]\n',
            ["expression-name: [endpoints.pfs] events[0] date: deth is no column or derived name."],
        ),
        (
            'event = "death"\nassessments = { table = "visit" }\n',
            ["expression-name: [endpoints.pfs] assessments table: visit is no table of the study."],
        ),
    ],
)
def test_problems_of_the_study_file(tmp_path: Path, endpoint: str, sentences: list[str]) -> None:
    assert [f"{p.code}: {p.message}" for p in problems(tmp_path, endpoint)] == sentences


def test_the_short_form_is_one_entry(tmp_path: Path) -> None:
    short = 'event = "progression"\ncensor = "last_scan"\ndeaths = "censor at death"\ncutoff = "2016-06-30"\n'
    long = (
        'events = [ { date = "progression", reason = "event" } ]\n'
        'censors = [ { date = "last_scan", reason = "censored", after_cutoff = "cutoff" }, '
        '{ date = "progression", reason = "censored", after_cutoff = "cutoff" } ]\n'
        'deaths = "censor at death"\ncutoff = "2016-06-30"\n'
    )
    rows = "".join(
        f"{number},2016-01-01,{pd_},,{death},{scan},,\n"
        for number, (pd_, death, scan) in enumerate(
            [
                (a, b, c)
                for a in ("", "2016-03-01", "2016-08-01")
                for b in ("", "2016-04-01", "2016-09-01")
                for c in ("", "2016-02-01", "2016-07-01")
            ]
        )
    )
    frames = [one(tmp_path, text, rows).endpoint("pfs") for text in (short, long)]
    pd.testing.assert_frame_equal(*frames)
    assert np.isfinite(frames[0]["time"]).sum() > 15


# ---------------------------------------------------------------------------------------------------------------------
# What is printed
# ---------------------------------------------------------------------------------------------------------------------

FIGURE = '[[time_to_event]]\nid = "figure"\nendpoint = "pfs"\n'


def guards(cohort: cs.Cohort) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for guard in cs.make_exhibit(cohort, cohort.study.exhibit("figure")).guards:
        found.setdefault(guard.name, []).append(guard.text)
    return found


def test_reasons_are_counted(tmp_path: Path) -> None:
    found = guards(load(tmp_path, PFS + RULES + FIGURE))
    # The worked table: three progressions and two deaths, six censored.
    assert found["reasons"] == [
        "Events: 3 progression, 2 death.",
        "Censored: 2 missed visits, 2 last adequate assessment, 1 new therapy, 1 no assessment.",
    ]
    assert "deaths" not in found


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("censor at death", "3 patients died without the event and were censored at death."),
        (
            "censor at last assessment",
            "3 patients died without the event and were censored at the last assessment before death.",
        ),
        (
            "competing",
            "3 patients died without the event; one minus the Kaplan-Meier curve is no probability of it, since death "
            "competes.",
        ),
    ],
)
def test_deaths_without_progression(tmp_path: Path, rule: str, sentence: str) -> None:
    cohort = load(tmp_path, TTP + RULES + f'deaths = "{rule}"\n' + FIGURE + "at = [60]\n")
    (text,) = guards(cohort)["deaths"]
    # By hand, eleven patients, one censored at 0: at day 30, 10 at risk, 1 death; at 42, 9 at risk, 1 event and 3
    # censored; at 43, 5 at risk, 1 event; at 60, 4 at risk, 1 death. S before 30, 42, 43, 60: 1, 0.9, 0.8, 0.64.
    # Event 0.9/9 + 0.8/5, death 1/10 + 0.64/4.
    assert text == (
        f"{sentence} Cumulative incidence with death competing: at 60 days 26.0% with the event, 26.0% dead without it."
    )
    records = {record.statistic: record for record in cs.make_exhibit(cohort, cohort.study.exhibit("figure")).records}
    assert records["cumulative_incidence_60"].value == pytest.approx(26, rel=1e-12)
    assert records["cumulative_incidence_death_60"].value == pytest.approx(26, rel=1e-12)


def test_the_interval_between_scans(tmp_path: Path) -> None:
    flag = "interval_censored = true\n"
    sentence = (
        "The event is dated at assessments, about every {} days: the curve steps at them, and a time may be too long "
        "by as much."
    )
    assert guards(load(tmp_path, PFS + RULES + flag + FIGURE))["interval censored"] == [sentence.format(42)]
    # Not declared: the median distance of the visits.
    files = tables({"A": ("40 SD, 80 SD, 121 PD", None, None, None), "B": ("50 SD, 90 SD", None, None, None)})
    assert guards(load(tmp_path, PFS + flag + FIGURE, files))["interval censored"] == [sentence.format(40)]
    assert "interval censored" not in guards(load(tmp_path, PFS + RULES + FIGURE))


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_methods_say_how_times_were_made(tmp_path: Path, lang: str) -> None:
    endpoint = TTP + RULES + 'deaths = "censor at last assessment"\nunit = "months"\nplus_one = true\n'
    endpoint += 'cutoff = "2017-12-31"\ninterval_censored = true\n' + FIGURE
    cohort = load(tmp_path, endpoint + f'[report]\nlang = "{lang}"\n')
    cs.write_report(cohort.study, tmp_path / "report")
    text = (tmp_path / "report" / "methods.md").read_text(encoding="utf-8")
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    english = (
        "A month is 30.4375 days. The first day counts as day 1. Nothing after the data cut-off, 2017-12-31, was used. "
        "Follow-up ended at the last adequate assessment before new therapy. An event more than 91 days after the last "
        "adequate assessment (2 visits every 42 days missed, 7 days tolerated) was not counted; follow-up ended at that "
        "assessment. Patients who died without the event were censored at the last adequate assessment before death."
    )
    japanese = (
        "1か月は30.4375日とした。開始日を第1日と数えた。データカットオフ（2017-12-31）より後の情報は用いていない。"
    )
    assert (english if lang == "en" else japanese) in text.replace("\n", " ")
    assert ("42 days" if lang == "en" else "約42日ごと") in page


def test_late_entries_in_tests_and_models(tmp_path: Path) -> None:
    # Entry, time, event, group. Log-rank: O 3, 3, chi-square .735459662289, the score test of the Cox model, which has
    # no ties; Cox, R coxph(Surv(entry, time, event) ~ group): coefficient .773760948539, standard error .923340564996.
    entry, time = (0, 15, 0, 30, 25, 0, 5, 0), (20, 40, 35, 60, 90, 100, 50, 45)
    event, group = (1, 1, 0, 1, 1, 0, 1, 1), (1, 0, 1, 1, 0, 0, 1, 0)
    rows = [
        f"P{number},{came},{days},{'yes' if happened else 'no'},{'ab'[arm]}"
        for number, (came, days, happened, arm) in enumerate(zip(entry, time, event, group, strict=True))
    ]
    head = NUMBERS.replace('event = { type = "yes/no" }', 'event = { type = "yes/no" }\narm = { order = ["a", "b"] }')
    head = head.replace('endpoint = "os"', 'endpoint = "os"\ngroups = "arm"')
    cox = (
        '[[regression]]\nid = "cox"\ntitle = "Cox"\nendpoint = "os"\ncovariates = ["arm"]\nmodels = ["univariable"]\n'
        "allow_few_events = true\n"
    )
    cohort = load(tmp_path, cox, {"patients.csv": "\n".join(["id,came,days,event,arm", *rows]) + "\n"}, head)
    analysis = cs.make_exhibit(cohort, cohort.study.exhibit("figure"))
    (test,) = [record for record in analysis.records if record.statistic == "p_value"]
    assert test.value == pytest.approx(0.735459662289, rel=1e-11)
    model = cs.make_exhibit(cohort, cohort.study.exhibit("cox"))
    (ratio,) = [record for record in model.records if record.statistic == "hazard_ratio"]
    assert math.log(float(ratio.value)) == pytest.approx(0.773760948539, rel=1e-9)  # type: ignore[arg-type]
    exact = head.replace('groups = "arm"', 'groups = "arm"\ntest = "exact"')
    cohort = load(tmp_path, cox, {"patients.csv": "\n".join(["id,came,days,event,arm", *rows]) + "\n"}, exact)
    records = cs.make_exhibit(cohort, cohort.study.exhibit("figure")).records
    (test,) = [record for record in records if record.statistic == "p_value"]
    assert test.reason == "log_rank_exact compares 2 groups without strata or entry."


def test_one_last_scan_stands_in_for_the_visits(tmp_path: Path) -> None:
    # Without a table of visits the first entry of censors is the last assessment, for stops and for gaps.
    endpoint = (
        'unit = "days"\nplus_one = false\ncutoff = "2017-04-30"\n'
        + BOTH
        + 'censors = [ { date = "last_scan", reason = "last adequate assessment" }, '
        + '{ date = "start", reason = "no assessment" } ]\n'
        + 'stops = [ { date = "new_therapy", at = "last assessment", reason = "new therapy" } ]\n'
        + 'gaps = { interval = 42, missed = 2, tolerance = 7, at = "last assessment", reason = "missed visits" }\n'
        + 'entry = "consent"\n'
    )
    rows = [
        ("in time", 60, None, None, 42, None),
        ("gap", 168, None, None, 42, None),
        ("new therapy", 168, None, None, 42, 100),
        ("censored", None, None, None, 84, None),
        ("death after the cut-off", None, None, 600, 84, None),
    ]
    text = "".join(
        f"{name},{day(0)},{day(pd_)},,{day(death)},{day(scan)},{day(therapy)},{day(10)}\n"
        for name, pd_, _, death, scan, therapy in rows
    )
    cohort = one(tmp_path, endpoint, text)
    assert outcome(cohort) == {
        "in time": (60, "progression"),
        "gap": (42, "-missed visits"),
        "new therapy": (42, "-new therapy"),
        "censored": (84, "-last adequate assessment"),
        "death after the cut-off": (84, "-last adequate assessment"),
    }
    assert (cohort.endpoint("pfs")["entry"] == 10).all()
