"""Lines of therapy: sequences worked out by hand from the rule, its options, its doubts, and a study folder.

The rule is that of Sakai et al. 2018, Breast Cancer 25:605: the first chemotherapy after recurrence, or the first of all
in stage IV, is line 1, and maintenance is no line of its own.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.derivations.lines import LinesOfTherapy, lines_of_therapy, split_drugs

FIRST = dt.date(2014, 1, 6)
TAXANES = [["PTX", "DTX", "nab-PTX"]]


def sequence(text: str, *, patient: str = "P1") -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Regimens one after the other, 90 days each; ``PD`` between two is a progression, ``relapse`` a date.

    ``relapse`` stands for the date of metastatic disease; without it, that is the first start.
    """
    rows, day, relapse = [], FIRST, None
    progressions: list[dt.date] = []
    for part in (part.strip() for part in text.split(",")):
        if part == "PD":
            progressions.append(day - dt.timedelta(days=7))
        elif part == "relapse":
            relapse = day - dt.timedelta(days=3)
        else:
            word = part.strip("[]")
            intent = "metastatic"
            for kind in ("neoadjuvant", "adjuvant"):
                if word.startswith(kind + " "):
                    intent, word = kind, word.removeprefix(kind + " ")
            rows.append((patient, day, day + dt.timedelta(days=83), word, intent))
            day += dt.timedelta(days=90)
    frame = pd.DataFrame(rows, columns=["id", "start", "end", "drugs", "intent"])
    for column in ("start", "end"):
        frame[column] = pd.to_datetime(frame[column])
    frame["relapse"] = pd.Timestamp(relapse or FIRST)
    return frame, pd.Series(pd.to_datetime(progressions), index=[patient] * len(progressions))


def count(text: str, **options: Any) -> LinesOfTherapy:
    frame, progressions = sequence(text)
    options = {"metastatic": "relapse", "endocrine": ["AI"], **options}
    return lines_of_therapy(
        frame,
        patient="id",
        start="start",
        end="end",
        drugs="drugs",
        index="T-DM1",
        progression=progressions,
        **options,
    )


SEQUENCES = [
    ("[PTX+H], [H], [T-DM1]", 2),
    ("[PTX+H], [H], PD, [H+LAP], [T-DM1]", 3),
    ("[neoadjuvant AC], [adjuvant H], relapse, [T-DM1]", 1),
    ("[PTX+H], [H+AI], [T-DM1]", 2),
    ("[PTX+H], PD, [PTX+H], [T-DM1]", 3),
    ("[AI], [T-DM1]", 1),
    ("[H+P+DTX], [H+P], PD, [CAP+LAP], PD, [T-DM1]", 3),
]


@pytest.mark.parametrize(("text", "line"), SEQUENCES)
def test_sequences(text: str, line: int) -> None:
    for options in ({}, {"intent": "intent", "intents": ["metastatic"]}):
        lines = count(text, **options)
        assert (lines.index_line.tolist(), lines.prior_lines.tolist()) == ([line], [line - 1])
        assert lines.reason.tolist() == [""]
        assert not len(lines.warnings)


def test_switch_within_a_class_is_an_option() -> None:
    text = "[PTX+H], [DTX+H], [T-DM1]"
    assert count(text, same_class=TAXANES).index_line.tolist() == [2]
    assert count(text).index_line.tolist() == [3]
    assert count("[PTX+H], PD, [DTX+H], [T-DM1]", same_class=TAXANES).index_line.tolist() == [3]


# Further sequences, each from one sentence of the rule.
@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("[PTX+H], [H], [PTX+H], [T-DM1]", 2, "a restart without progression"),
        ("[PTX+H], [H], PD, [H], [T-DM1]", 3, "maintenance goes on after progression"),
        ("[PTX+H], [AI], [H], [T-DM1]", 2, "endocrine therapy alone is not there"),
        ("[PTX+H], [AI], PD, [H], [T-DM1]", 3, "progression during endocrine therapy counts"),
        ("[PTX+H], PD, [H+AI], [T-DM1]", 3, "progression before endocrine therapy is added"),
        ("[H], [H+PTX], [T-DM1]", 3, "a new drug that is not endocrine"),
        ("[AI], [AI+H], [T-DM1]", 2, "a first regimen with a drug that is not endocrine"),
        ("[T-DM1], [LAP+CAP]", 1, "the index drug first"),
        ("[PTX+H], [T-DM1], PD, [CAP], [T-DM1]", 2, "the index drug twice: the first counts"),
        ("[DTX + H], [ｈ], [T‑DM1]", 2, "width, case, space and kind of dash"),
    ],
)
def test_one_sentence_each(text: str, line: int, why: str) -> None:
    assert count(text).index_line.tolist() == [line], why


def test_index_drug_name_is_folded() -> None:
    frame, _ = sequence("[PTX+H], [t‑dm1]")
    lines = lines_of_therapy(frame, patient="id", start="start", drugs="drugs", index="T-DM1")
    assert lines.prior_lines.tolist() == [1]


def test_evidence_names_the_regimen_that_opened_each_line() -> None:
    lines = count("[adjuvant AC], relapse, [PTX+H], [H+AI], [AI], PD, [H+LAP], [T-DM1]")
    assert lines.regimens[["line", "opens", "why"]].values.tolist() == [
        [0, False, "before metastatic disease"],
        [1, True, "first regimen"],
        [1, False, "adds endocrine therapy only (AI)"],
        [0, False, "endocrine therapy only"],
        [2, True, "after progression on 2014-12-25"],
        [3, True, "new drug T-DM1"],
    ]
    assert lines.regimens.index.tolist() == [0, 1, 2, 3, 4, 5]
    switched = count("[PTX+H], [DTX+H], [H], [H], [PTX], [T-DM1]", same_class=TAXANES)
    assert switched.regimens["why"].tolist() == [
        "first regimen",
        "switch within a class (DTX), no progression",
        "maintenance, no progression",
        "the same drugs",
        "restart without progression",
        "new drug T-DM1",
    ]


def frame_of(rows: list[tuple[str, str, str | None, str | None]]) -> pd.DataFrame:
    """Patient, start, end, drugs."""
    frame = pd.DataFrame(rows, columns=["id", "start", "end", "drugs"])
    for column in ("start", "end"):
        frame[column] = pd.to_datetime(frame[column])
    return frame


NAMES: dict[str, str] = {"patient": "id", "start": "start", "end": "end", "drugs": "drugs", "index": "T-DM1"}


def test_progression_between_means_after_one_start_and_up_to_the_next() -> None:
    frame = frame_of(
        [("a", "2015-01-05", None, "PTX+H"), ("a", "2015-06-01", None, "H"), ("a", "2016-01-04", None, "T-DM1")]
    )
    for day, line in (("2015-01-05", 2), ("2015-01-06", 3), ("2015-06-01", 3), ("2015-06-02", 2)):
        dates = pd.Series(pd.to_datetime([day]), index=["a"])
        assert lines_of_therapy(frame, **NAMES, progression=dates).index_line.tolist() == [line], day
    # Somebody else's progression is nobody's here.
    other = pd.Series(pd.to_datetime(["2015-03-01"]), index=["b"])
    assert lines_of_therapy(frame, **NAMES, progression=other).index_line.tolist() == [2]


def test_drugs_that_start_on_one_day_are_one_regimen() -> None:
    frame = frame_of(
        [
            ("a", "2015-01-05", None, "PTX"),
            ("a", "2015-01-05", None, "H"),
            ("a", "2015-06-01", None, "H"),
            ("a", "2016-01-04", None, "T-DM1"),
        ]
    )
    lines = lines_of_therapy(frame, **NAMES)
    assert lines.index_line.tolist() == [2]
    assert lines.regimens["why"].tolist()[:2] == ["first regimen", "starts with row 0"]


def test_the_date_of_metastatic_disease_counts_itself() -> None:
    frame = frame_of([("a", "2015-01-05", None, "PTX"), ("a", "2016-01-04", None, "T-DM1")])
    for day, prior in (("2015-01-05", 1), ("2015-01-06", 0)):
        since = pd.Series(pd.to_datetime([day]), index=["a"])
        assert lines_of_therapy(frame, **NAMES, metastatic=since).prior_lines.tolist() == [prior]


def test_what_is_not_known_leaves_no_number_only_where_it_matters() -> None:
    def reason(rows: list[tuple[str, str, str | None, str | None]], **options: Any) -> tuple[list[float], list[str]]:
        lines = lines_of_therapy(frame_of(rows), **NAMES, **options)
        return lines.prior_lines.tolist(), lines.reason.tolist()

    index = ("a", "2016-01-04", None, "T-DM1")
    assert reason([("a", None, None, "PTX"), index])[1] == ["start of a regimen missing"]
    assert reason([("a", None, None, "AI"), index], endocrine=["AI"]) == ([0], [""])
    assert reason([("a", "2015-01-05", None, None), index])[1] == ["drugs of a regimen missing"]
    assert reason([("a", "2016-02-05", None, None), index]) == ([0], [""])  # after the index drug
    assert reason([("a", "2016-01-04", None, None), index]) == ([0], [""])  # with it
    since = pd.Series(pd.to_datetime([None]), index=["a"])
    assert reason([("a", "2015-01-05", None, "PTX"), index], metastatic=since)[1] == [
        "date of metastatic disease missing"
    ]
    early = pd.Series(pd.to_datetime(["2015-06-01"]), index=["a"])
    assert reason([("a", "2015-01-05", None, None), index], metastatic=early) == ([0], [""])  # before the window
    assert reason([index, ("b", "2015-01-05", None, "PTX")])[1] == ["", "no regimen with T-DM1"]
    assert np.isnan(reason([index, ("b", "2015-01-05", None, "PTX")])[0][1])
    both = pd.Series(pd.to_datetime(["2015-06-01", "2015-06-01"]), index=["a", "c"])
    assert reason([index], metastatic=both)[1] == ["", "no regimen"]
    late = pd.Series(pd.to_datetime(["2016-06-01"]), index=["a"])
    assert reason([index], metastatic=late)[1] == ["T-DM1 only outside the regimens that count"]


def test_intent_decides_where_there_is_no_date() -> None:
    frame = frame_of(
        [("a", "2013-01-05", None, "AC"), ("a", "2015-01-05", None, "H"), ("a", "2016-01-04", None, "T-DM1")]
    )
    for intents, prior in (
        (["adjuvant", "palliative", "palliative"], 1.0),
        (["adjuvant", None, "palliative"], np.nan),
        (["adjuvant", "adjuvant", "palliative"], 0.0),
    ):
        lines = lines_of_therapy(frame.assign(intent=intents), **NAMES, intent="intent", intents=["palliative"])
        assert np.array_equal(lines.prior_lines, [prior], equal_nan=True)
    since = pd.Series(pd.to_datetime(["2014-01-05"]), index=["a"])
    dated = frame.assign(intent=["palliative", None, None])
    lines = lines_of_therapy(dated, **NAMES, intent="intent", intents=["palliative"], metastatic=since)
    assert lines.prior_lines.tolist() == [1]
    assert lines.warnings[["row", "kind"]].values.tolist() == [[0, "intent"]]


def test_doubts() -> None:
    frame = frame_of(
        [
            ("overlap", "2015-01-05", "2015-06-01", "PTX+H"),
            ("overlap", "2015-05-31", None, "H"),
            ("overlap", "2016-01-04", None, "T-DM1"),
            ("touch", "2015-01-05", "2015-06-01", "PTX+H"),
            ("touch", "2015-06-01", "2015-12-01", "H"),
            ("touch", "2016-01-04", None, "T-DM1"),
            ("gap", "2013-01-07", "2013-02-01", "PTX+H"),
            ("gap", "2014-02-02", "2014-12-01", "H"),
            ("gap", "2016-01-04", None, "T-DM1"),
            ("year", "2013-01-07", "2013-02-01", "PTX+H"),
            ("year", "2014-02-01", "2014-12-01", "H"),
            ("year", "2016-01-04", None, "T-DM1"),
            ("ongoing", "2013-01-07", None, "PTX+H"),
            ("ongoing", "2014-12-01", "2014-12-01", "H"),
            ("ongoing", "2016-01-04", None, "T-DM1"),
            ("early", "2013-01-07", "2013-02-01", "T-DM1"),
            ("early", "2016-01-04", None, "T-DM1"),
        ]
    )
    since = pd.Series(pd.Timestamp("2013-01-01"), index=["overlap", "touch", "gap", "year", "ongoing"])
    since["early"] = pd.Timestamp("2015-01-01")
    lines = lines_of_therapy(frame, **NAMES, metastatic=since)
    assert lines.warnings[["patient", "row", "kind"]].values.tolist() == [
        ["overlap", 1, "overlap"],
        ["gap", 7, "gap"],
        ["early", 15, "index-early"],
    ]
    assert lines.warnings["message"].tolist() == [
        "Starts before the regimen of row 0 ends.",
        "Goes on with line 1 after 366 days without a drug of it.",
        "T-DM1 is given before the line that counts (before metastatic disease).",
    ]
    assert lines.index_line.tolist() == [2, 2, 2, 2, 2, 1]


def test_a_gap_is_counted_from_the_last_day_of_the_line() -> None:
    rows = [
        ("a", "2013-01-07", "2014-06-01", "PTX+H"),
        ("a", "2013-03-01", "2013-04-01", "H"),  # ends before the one that it overlaps
        ("a", "2014-12-01", "2014-12-02", "H"),
        ("a", "2016-01-04", None, "T-DM1"),
        ("b", "2013-01-07", None, "PTX+H"),  # for all that is known it never ended
        ("b", "2013-03-01", "2013-04-01", "H"),
        ("b", "2014-12-01", "2014-12-02", "H"),
        ("b", "2016-01-04", None, "T-DM1"),
    ]
    lines = lines_of_therapy(frame_of(rows), **NAMES)
    assert lines.index_line.tolist() == [2, 2]
    assert lines.warnings[["row", "kind"]].values.tolist() == [[1, "overlap"]]


def by_hand(regimens: list[tuple[str, bool]], endocrine: set[str], classes: dict[str, str]) -> int:
    """The rule once more, on sets: regimens with whether progression came before; line of the first T-DM1."""
    number, so_far = 0, set[str]()
    for text, progressed in regimens:
        drugs = set(text.split("+")) - endocrine
        if not drugs:
            continue  # progressions before it are handed on by the caller
        known = {classes.get(drug, drug) for drug in so_far}
        if not number or progressed or not {classes.get(drug, drug) for drug in drugs} <= known:
            number, so_far = number + 1, set()
        so_far |= drugs
        if "T-DM1" in drugs:
            return number
    raise AssertionError


def test_random_charts_against_sets() -> None:
    rng = random.Random(20240502)
    drugs = ["PTX", "DTX", "H", "P", "CAP", "LAP", "AI", "FUL"]
    classes = {"PTX": "taxane", "DTX": "taxane"}
    rows, expected, progressions = [], [], []
    for patient in range(400):
        day, chart, handed = FIRST, [], False
        for _ in range(rng.randint(0, 7)):
            text = "+".join(rng.sample(drugs, rng.randint(1, 3)))
            progressed = rng.random() < 0.3
            if progressed:
                progressions.append((patient, day - dt.timedelta(days=rng.randint(0, 29))))
            chart.append((text, progressed or handed))
            handed = (progressed or handed) and not set(text.split("+")) - {"AI", "FUL"}
            rows.append((patient, day, text))
            day += dt.timedelta(days=rng.randint(30, 200))
        chart.append(("T-DM1", False))
        rows.append((patient, day, "T-DM1"))
        expected.append(by_hand(chart, {"AI", "FUL"}, classes))
    rng.shuffle(rows)
    frame = pd.DataFrame(rows, columns=["id", "start", "drugs"])
    frame["start"] = pd.to_datetime(frame["start"])
    dates = pd.Series(pd.to_datetime([day for _, day in progressions]), index=[who for who, _ in progressions])
    lines = lines_of_therapy(
        frame, patient="id", start="start", drugs="drugs", index="T-DM1", progression=dates,
        endocrine=["AI", "FUL"], same_class=[["PTX", "DTX"]],
    )  # fmt: skip
    found = lines.to_frame().set_index("patient")["index_line"]
    assert [int(found[patient]) for patient in range(400)] == expected


def test_table_1_of_the_paper() -> None:
    # Printed: 0, 1, 2, 3, 4 and 5 or more prior lines in 2, 15, 4, 6, 3 and 4 patients; 17 in the second line or earlier.
    # The patients are made: each line is chemotherapy with trastuzumab and its maintenance, then progression.
    printed = {0: 2, 1: 15, 2: 4, 3: 6, 4: 3, 5: 4}
    frames, dates = [], []
    for prior, n in printed.items():
        for number in range(n):
            chart = "".join(f"[C{line}+H], [H], PD, " for line in range(prior)) + "[T-DM1]"
            frame, progressions = sequence("[adjuvant AC], relapse, " + chart, patient=f"{prior}-{number}")
            frames.append(frame)
            dates.append(progressions)
    lines = lines_of_therapy(
        pd.concat(frames, ignore_index=True), **NAMES, metastatic="relapse", progression=pd.concat(dates)
    )
    assert len(lines.patients) == 34
    assert np.bincount(lines.prior_lines.astype(int)).tolist() == [2, 15, 4, 6, 3, 4]
    assert (lines.index_line <= 2).sum() == 17


def test_order_of_rows_says_nothing() -> None:
    frame, dates = sequence("[PTX+H], [H], PD, [H+LAP], [AI], [LAP], PD, [CAP], [T-DM1]")
    whole = lines_of_therapy(frame, **NAMES, progression=dates, endocrine=["AI"])
    for seed in range(5):
        mixed = frame.sample(frac=1, random_state=seed)
        other = lines_of_therapy(mixed, **NAMES, progression=dates.sample(frac=1, random_state=seed), endocrine=["AI"])
        pd.testing.assert_frame_equal(other.regimens, whole.regimens)
        assert other.prior_lines.tolist() == whole.prior_lines.tolist() == [3]


def test_input_is_not_changed_and_may_be_empty() -> None:
    frame, dates = sequence("[PTX+H], [T-DM1]")
    before = frame.copy()
    lines_of_therapy(frame, **NAMES, progression=dates)
    pd.testing.assert_frame_equal(frame, before)
    column = frame.assign(pd=pd.to_datetime(["2014-04-01", None]))
    assert lines_of_therapy(column, **NAMES, progression="pd").prior_lines.tolist() == [1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"start": "begin"}, "start: regimens has no column begin."),
        ({"drugs": "drug"}, "drugs: regimens has no column drug. Did you mean drugs?"),
        ({"index": "T-DM2"}, "index 'T-DM2' is in no regimen. Did you mean T-DM1?"),
        ({"index": ""}, "index is empty; give the drug whose line is asked for."),
        ({"endocrine": ["T-DM1"]}, "index 'T-DM1' is among endocrine; a drug that makes no line"),
        ({"separator": " "}, "separator is empty; give the sign between two drugs, such as '+'."),
        ({"intent": "intent"}, "intent and intents go together: the column, and the values that count."),
        ({"same_class": [["PTX"]]}, "same_class has a group of one drug; a switch needs two."),
        ({"same_class": [["PTX", "H"], ["H", "P"]]}, "same_class has 'H' twice; a drug is in one group."),
        ({"end": "early"}, "early is before start at positions 1, 2."),
        ({"drugs": "open"}, "open has a drug without a name at position 1; the separator is '+'."),
        ({"start": "drugs"}, "drugs holds 'PTX+H', which is no date; use pandas.to_datetime first."),
        ({"drugs": "start"}, "start holds no text at positions 1, 2; give words."),
    ],
)
def test_refused(change: dict[str, Any], sentence: str) -> None:
    frame, _ = sequence("[PTX+H], [T-DM1]")
    frame = frame.assign(early=pd.Timestamp("2010-01-01"), open=["PTX++H", "T-DM1"])
    with pytest.raises(cs.InputError) as caught:
        lines_of_therapy(frame, **{**NAMES, **change})
    assert str(caught.value).startswith(sentence)


def test_dates_of_every_kind() -> None:
    frame, _ = sequence("[PTX+H], [H], [T-DM1]")
    days = frame.assign(start=frame["start"].dt.date, end=[frame["end"][0].date(), dt.date(9999, 12, 31), None])
    lines = lines_of_therapy(days, **NAMES)
    assert lines.prior_lines.tolist() == [1]
    assert lines.warnings["kind"].tolist() == ["overlap"]  # of the last with the one that never ends
    coarse = frame.assign(start=frame["start"].astype("datetime64[s]"), end=frame["end"].astype("datetime64[us]"))
    assert lines_of_therapy(coarse, **NAMES).prior_lines.tolist() == [1]


def test_wrong_types_are_refused() -> None:
    frame, _ = sequence("[PTX+H], [T-DM1]")
    with pytest.raises(cs.InputError, match="start has a time zone"):
        lines_of_therapy(frame.assign(start=frame["start"].dt.tz_localize("Asia/Tokyo")), **NAMES)
    with pytest.raises(cs.InputError) as caught:
        lines_of_therapy({"id": ["a"]}, **NAMES, metastatic=["2014-01-01"])  # type: ignore[arg-type]
    assert caught.value.problems == (
        "regimens is no pandas DataFrame; give one row a regimen.",
        "metastatic is neither the name of a column nor a series of dates indexed by patient.",
    )
    two = pd.Series(pd.to_datetime(["2014-01-01", "2014-02-01"]), index=["P1", "P1"])
    with pytest.raises(cs.InputError, match="metastatic has two dates for P1; give one a patient"):
        lines_of_therapy(frame, **NAMES, metastatic=two)
    with pytest.raises(cs.InputError, match="id is missing at position 1; a regimen needs its patient"):
        lines_of_therapy(frame.assign(id=[None, "P1"]), **NAMES)


def test_split() -> None:
    assert split_drugs("PTX＋H", "+") == ("PTX", "H")
    assert split_drugs("PTX/H", "/") == ("PTX", "H")
    assert split_drugs("+", "+") is None


def test_many_patients_in_little_time() -> None:
    n = 50_000
    rng = np.random.default_rng(20240503)
    start = np.datetime64("2012-01-01") + np.tile(np.arange(4) * 100, n).astype("timedelta64[D]")
    drugs = rng.choice(np.array(["PTX+H", "H", "CAP+LAP", "H+AI"], dtype=object), (n, 4))
    drugs[:, 3] = "T-DM1"
    frame = pd.DataFrame({"id": np.repeat(np.arange(n), 4), "start": pd.to_datetime(start), "drugs": drugs.ravel()})
    begun = time.perf_counter()
    lines = lines_of_therapy(frame, patient="id", start="start", drugs="drugs", index="T-DM1", endocrine=["AI"])
    assert time.perf_counter() - begun < 20
    assert not np.isnan(lines.prior_lines).any()


# ---- the study file

STUDY = """
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
[data.regimens]
file = "regimens.csv"
id = "id"
rows = "many per patient"
order = "start"
[data.visits]
file = "visits.csv"
id = "id"
rows = "many per patient"
order = "visit"
[columns.patients]
relapse = { type = "date" }
tdm1 = { type = "date" }
[columns.regimens]
start = { type = "date" }
end = { type = "date" }
drugs = { type = "text" }
intent = { order = ["adjuvant", "palliative"] }
pd = { type = "date" }
[columns.visits]
visit = { type = "date" }
response = { order = ["CR", "PR", "SD", "PD"] }
[derive.lines]
rule = "lines of therapy"
table = "regimens"
start = "start"
end = "end"
drugs = "drugs"
intent = "intent"
intents = ["palliative"]
progression = "pd"
metastatic = "relapse"
index = "T-DM1"
endocrine = ["AI"]
same_class = [["PTX", "DTX"]]
[derive.early_line]
when = "lines_index <= 2"
"""
PATIENTS = """id,relapse,tdm1
P1,2014-01-01,2015-06-01
P2,2014-01-01,2015-06-01
P3,2014-01-01,2015-06-01
P4,2014-01-01,2015-06-01
"""
REGIMENS = """id,start,end,drugs,intent,pd
P1,2014-01-06,2014-05-01,PTX+H,palliative,
P1,2014-05-05,2015-05-20,H,palliative,2015-05-18
P1,2015-06-01,,T-DM1,palliative,
P2,2014-09-01,2015-05-01,CAP+LAP,palliative,2015-05-01
P2,2012-01-06,2012-05-01,AC,adjuvant,
P2,2014-01-06,2014-08-20,DTX+H,palliative,2014-08-15
P2,2015-06-01,,T-DM1,palliative,
P3,2014-02-01,,AI,palliative,
P3,2015-06-01,,T-DM1,palliative,
"""
VISITS = """id,visit,response
P1,2014-03-01,PR
P1,2015-05-18,PD
P2,2014-08-15,PD
P2,2015-05-01,PD
"""


def study_of(
    folder: Path, *, study: str = STUDY, patients: str = PATIENTS, regimens: str = REGIMENS, visits: str = VISITS
) -> cs.Cohort:
    (folder / "study.toml").write_text(study, encoding="utf-8")
    for name, text in (("patients", patients), ("regimens", regimens), ("visits", visits)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return cs.load_cohort(cs.Study.read(folder / "study.toml"))


def test_study(tmp_path: Path) -> None:
    cohort = study_of(tmp_path)
    assert not [problem for problem in cohort.problems if problem.study_key.startswith("derive")]
    assert cohort.values("lines").tolist()[:3] == [1, 2, 0]
    assert cohort.values("lines").isna().tolist() == [False, False, False, True]
    assert cohort.values("lines_index").tolist()[:3] == [2, 3, 1]
    assert cohort.levels("early_line").tolist()[:3] == ["yes", "no", "yes"]
    evidence = cohort.evidence["lines"]
    assert evidence["row"].tolist()[:3] == [4, 8, 10]
    assert evidence.loc["P2", "lines"] == (
        "1: row 7, DTX+H from 2014-01-06, first regimen; 2: row 5, CAP+LAP from 2014-09-01, after progression on "
        "2014-08-15; 3: row 8, T-DM1 from 2015-06-01, after progression on 2015-05-01"
    )
    assert evidence["reason"].tolist() == ["", "", "", "no regimen"]
    assert evidence["method"].iloc[0].startswith("lines before T-DM1; endocrine therapy alone (AI) is no line")


def test_progression_of_another_table(tmp_path: Path) -> None:
    study = STUDY.replace('progression = "pd"', 'progression = { date = "visit", where = { response = ["PD"] } }')
    assert study_of(tmp_path, study=study).values("lines").tolist()[:3] == [1, 2, 0]
    restarted = REGIMENS.replace("2015-05-20,H,palliative", "2015-05-20,H+PTX,palliative")
    before = VISITS.replace("P1,2014-03-01,PR", "P1,2014-03-01,PD")
    assert study_of(tmp_path, study=study, regimens=restarted, visits=before).values("lines").tolist()[0] == 2


def test_start_of_the_index_drug_stands_in(tmp_path: Path) -> None:
    regimens = "".join(line for line in REGIMENS.splitlines(keepends=True) if "T-DM1" not in line)
    study = STUDY.replace('index = "T-DM1"', 'index = "T-DM1"\nindex_start = "tdm1"')
    cohort = study_of(tmp_path, study=study, regimens=regimens)
    assert cohort.values("lines").tolist() == [1, 2, 0, 0]
    beside = regimens + "P1,2015-06-01,,CAP,palliative,\n"  # starts with the index drug, not before it
    assert study_of(tmp_path, study=study, regimens=beside).values("lines").tolist() == [1, 2, 0, 0]
    early = PATIENTS.replace("P1,2014-01-01,2015-06-01", "P1,2014-01-01,2015-05-01")
    cohort = study_of(tmp_path, study=study, patients=early)
    assert [(p.code, p.row, p.patient, p.column) for p in cohort.problems if p.code.startswith("lines")] == [
        ("lines-index-early", 2, "P1", "tdm1")
    ]


def test_warnings_name_the_row(tmp_path: Path) -> None:
    regimens = REGIMENS.replace("P1,2014-05-05", "P1,2014-04-05").replace("AC,adjuvant", "AC,palliative")
    regimens = regimens.replace("P3,2014-02-01,,AI", "P3,2013-02-01,,T-DM1+AI")
    cohort = study_of(tmp_path, regimens=regimens)
    found = {(p.level, p.code, p.row, p.patient, p.column) for p in cohort.problems if p.code.startswith("lines")}
    assert found == {
        ("warning", "lines-overlap", 3, "P1", "start"),
        ("warning", "lines-intent", 6, "P2", "intent"),
        ("warning", "lines-intent", 9, "P3", "intent"),
        ("warning", "lines-index-early", 9, "P3", "drugs"),
    }


def test_wrong_cells_are_told_at_once(tmp_path: Path) -> None:
    regimens = REGIMENS.replace("PTX+H,pall", "PTX++H,pall").replace("2014-08-20,DTX", "2013-08-20,DTX")
    study = STUDY.replace('endocrine = ["AI"]', 'endocrine = ["AI", "T-DM1"]')
    with pytest.raises(cs.DataError) as caught:
        study_of(tmp_path, regimens=regimens, study=study)
    assert {(p.code, p.file, p.row, p.patient, p.column, p.value, p.study_key) for p in caught.value.problems} == {
        ("drugs-invalid", "regimens.csv", 2, "P1", "drugs", "PTX++H", "derive.lines.drugs"),
        ("date-before-start", "regimens.csv", 7, "P2", "end", "2013-08-20", "derive.lines.end"),
        (
            "key-conflict",
            "study.toml",
            STUDY[: STUDY.index("[derive.lines]")].count("\n") + 1,
            "",
            "",
            "",
            "derive.lines",
        ),
    }


@pytest.mark.parametrize(
    ("old", "new", "code", "key"),
    [
        ('index = "T-DM1"', "", "key-missing", "derive.lines.rule"),
        ('index = "T-DM1"', 'index = "T-DM2"', "level-unknown", "derive.lines.index"),
        ('intents = ["palliative"]', "", "key-missing", "derive.lines.intent"),
        ('intents = ["palliative"]', 'intents = ["paliative"]', "level-unknown", "derive.lines.intents"),
        ('progression = "pd"', 'progression = "response"', "expression-type", "derive.lines.progression"),
        ('progression = "pd"', 'progression = { date = "visit", where = { respons = ["PD"] } }', "expression-name",
         "derive.lines.progression.where.respons"),
        ('drugs = "drugs"\nintent', 'drugs = "response"\nintent', "key-conflict", "derive.lines.drugs"),
        ('metastatic = "relapse"', 'metastatic = "visit"', "expression-many", "derive.lines.metastatic"),
        ('same_class = [["PTX", "DTX"]]', 'same_class = [["PTX"]]', "key-type", "derive.lines.same_class"),
        ('table = "regimens"\n', 'table = "regimen"\n', "expression-name", "derive.lines.table"),
    ],
)  # fmt: skip
def test_rules_that_contradict_themselves(tmp_path: Path, old: str, new: str, code: str, key: str) -> None:
    assert old in STUDY
    with pytest.raises(cs.DataError) as caught:
        study_of(tmp_path, study=STUDY.replace(old, new))
    assert (code, key) in [(p.code, p.study_key) for p in caught.value.problems if p.level == "error"]
