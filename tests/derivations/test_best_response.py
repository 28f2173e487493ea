"""Best response and first evaluation: a table of visits worked by hand, through arrays, a frame and a study.

The responses are RECIST 1.1 (Eisenhauer 2009), confirmation as its table 3; day 0 is the start. Answers were worked out
on paper from the rules: SD from day 42, confirmation after 28 days, at most one NE and one SD in between.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cohortstats as cs
from cohortstats.derivations.best_response import best_of_visits, best_response
from cohortstats.derivations.first_evaluation import BASES, first_of_visits
from cohortstats.derivations.visits import RESPONSES, Visits

NON = "NON-CR/NON-PD"
# Name: visits as day and response; unconfirmed, confirmed, progression at the first evaluation (recorded first, NE
# skipped). Empty is missing.
CASES: dict[str, tuple[str, str, str, str, str]] = {
    "A": ("43 PD", "PD", "PD", "yes", "yes"),
    "B": ("20 SD, 60 PD", "PD", "PD", "no", "no"),
    "C": ("43 SD, 85 PD", "SD", "SD", "no", "no"),
    "D": ("43 PR, 85 PR, 127 PD", "PR", "PR", "no", "no"),
    "E": ("43 PR, 85 SD, 127 PR", "PR", "PR", "no", "no"),
    "F": ("43 PR, 85 PD", "PR", "SD", "no", "no"),
    "G": ("43 CR, 60 CR", "CR", "SD", "no", "no"),
    "H": ("43 NE, 85 PD", "PD", "PD", "", "yes"),
    "I": ("43 PD, 85 PR", "PD", "PD", "yes", "yes"),
    "J": ("", "", "", "", ""),
    "K": ("20 SD", "NE", "NE", "no", "no"),
    "L": ("43 CR, 71 NE, 99 CR", "CR", "CR", "no", "no"),
    "M": ("41 SD", "NE", "NE", "no", "no"),
    "N": ("42 SD", "SD", "SD", "no", "no"),
    "O": ("43 CR, 70 CR", "CR", "SD", "no", "no"),
    "P": ("43 CR, 71 CR", "CR", "CR", "no", "no"),
    "Q": ("43 PR, 71 CR", "CR", "PR", "no", "no"),
    "R": ("43 PR, 71 CR, 99 CR", "CR", "CR", "no", "no"),
    "S": ("43 CR, 71 PR", "CR", "SD", "no", "no"),
    "T": ("43 CR, 71 SD, 99 CR", "CR", "SD", "no", "no"),
    "U": ("43 PR, 71 SD, 99 SD, 127 PR", "PR", "SD", "no", "no"),
    "V": ("43 PR, 71 NE, 99 NE, 127 PR", "PR", "SD", "no", "no"),
    "W": ("43 NE, 85 NE", "NE", "NE", "", ""),
    "X": (f"43 {NON}, 85 PD", NON, NON, "no", "no"),
    "Y": (f"21 {NON}", "NE", "NE", "no", "no"),
    "Z": (f"43 {NON}, 85 CR", "CR", "SD", "no", "no"),
    "AA": ("30 PR, 60 PD", "PR", "PD", "no", "no"),
    "AB": ("30 PR", "PR", "NE", "no", "no"),
    "AC": ("20 SD, 43 PD", "PD", "PD", "no", "no"),
    "AD": ("20 NE, 43 SD, 85 PR, 113 PR", "PR", "PR", "", "no"),
    "AE": ("43 CR, 85 PD, 127 CR", "CR", "SD", "no", "no"),
    "AF": ("20 SD, 41 PR, 85 PD", "PR", "PD", "no", "no"),
    "AG": ("28 PR, 56 PR", "PR", "PR", "no", "no"),
    "AH": ("43 SD, 85 CR, 113 CR", "CR", "CR", "no", "no"),
    "AI": ("43 PR, 60 PR, 71 PR", "PR", "PR", "no", "no"),
}
# Days of the visit that each answer came from, and of the one that confirmed it, where it is not the first visit.
FROM = {"B": (60, 60), "E": (43, 43), "H": (85, 85), "Q": (71, 43), "R": (71, 71), "Z": (85, 85), "AA": (30, 60)}
CONFIRMED_BY = {"D": 85, "E": 127, "L": 99, "P": 71, "Q": 71, "R": 99, "AD": 113, "AG": 56, "AH": 113, "AI": 71}
START = dt.date(2016, 1, 1)


def parsed(visits: str) -> list[tuple[int, str]]:
    return [(int(visit.split()[0]), visit.split()[1]) for visit in visits.split(", ") if visit]


def visits_of(cases: list[list[tuple[int, str]]], seed: int | None = None) -> Visits:
    rows = [(patient, day, RESPONSES.index(word)) for patient, some in enumerate(cases) for day, word in some]
    if seed is not None:
        random.Random(seed).shuffle(rows)
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Visits.of(len(cases), table[:, 0], table[:, 1], table[:, 2])


def named(codes: np.ndarray[Any, Any]) -> list[str]:
    return ["" if code < 0 else RESPONSES[code] for code in codes]


def of_case(visits: str, *, confirmed: bool, **rules: Any) -> str:
    best = best_of_visits(visits_of([parsed(visits)]), min_sd=42, confirmed=confirmed, **rules)
    return named(best.code)[0]


@pytest.mark.parametrize("name", CASES)
def test_one_patient(name: str) -> None:
    visits, unconfirmed, confirmed, recorded_first, skip = CASES[name]
    assert of_case(visits, confirmed=False) == unconfirmed
    assert of_case(visits, confirmed=True) == confirmed
    for evaluation, wanted in (("recorded first", recorded_first), ("skip NE", skip)):
        first = first_of_visits(visits_of([parsed(visits)]), evaluation=evaluation)  # type: ignore[arg-type]
        assert ("" if first.missing[0] else "yes" if first.progressed[0] else "no") == wanted


def test_all_patients_at_once() -> None:
    visits = visits_of([parsed(visits) for visits, *_ in CASES.values()], seed=5)
    for column, confirmed in ((1, False), (2, True)):
        best = best_of_visits(visits, min_sd=42, confirmed=confirmed)
        assert named(best.code) == [case[column] for case in CASES.values()]


def test_variants_of_confirmation() -> None:
    assert of_case(CASES["E"][0], confirmed=True, accept_sd=False) == "SD"
    assert of_case(CASES["L"][0], confirmed=True, max_ne=0) == "SD"
    assert of_case(CASES["V"][0], confirmed=True, max_ne=2) == "PR"
    assert of_case(CASES["O"][0], confirmed=True, confirm=27) == "CR"
    # A PR after a CR anywhere leaves no PR confirmed, and takes nothing from a confirmed CR.
    assert of_case("43 PR, 85 PR, 113 CR, 155 PR", confirmed=True) == "SD"
    assert of_case("43 CR, 85 CR, 113 PR", confirmed=True) == "CR"
    # An SD too early to be a best response is an SD between a response and its confirmation all the same.
    assert of_case("10 CR, 20 SD, 50 CR", confirmed=True) == "SD"
    assert of_case(f"43 PR, 60 {NON}, 85 PR", confirmed=True) == "SD"


def test_the_visit_behind_the_answer() -> None:
    names = list(CASES)
    visits = visits_of([parsed(visits) for visits, *_ in CASES.values()])
    for place, confirmed in enumerate((False, True)):
        best = best_of_visits(visits, min_sd=42, confirmed=confirmed)
        for name, (unconfirmed, with_confirmation) in FROM.items():
            wanted = with_confirmation if place else unconfirmed
            assert best.visits.day[best.visit[names.index(name)]] == wanted, name
    confirming = {name: int(best.visits.day[by]) for name, by in zip(names, best.confirmed_by, strict=True) if by >= 0}
    assert confirming == CONFIRMED_BY
    assert dict(zip(names, best.n_later.tolist(), strict=True)) == dict.fromkeys(names, 0) | {"I": 1, "AE": 1}


def brute_force(visits: list[tuple[int, str]], *, min_sd: int, confirm: int, max_ne: int, accept_sd: bool) -> str:
    """The rules word by word, one patient, every pair of visits."""
    some = []
    for day, word in sorted(visits):
        some.append((day, word))
        if word == "PD":
            break
    if not some:
        return ""
    words = [word for _, word in some]
    pairs = [(i, j) for i in range(len(some)) for j in range(i + 1, len(some)) if some[j][0] - some[i][0] >= confirm]
    turned = any(words[j] == "PR" and "CR" in words[:j] for j in range(len(words)))
    for i, j in pairs:
        between = words[i + 1 : j]
        if words[i] == words[j] == "CR" and set(between) <= {"CR", "NE"} and between.count("NE") <= max_ne:
            return "CR"
    for i, j in pairs:
        between = words[i + 1 : j]
        if (
            words[i] == "PR"
            and words[j] in ("PR", "CR")
            and not turned
            and set(between) <= {"CR", "PR", "NE", "SD"}
            and between.count("NE") <= max_ne
            and between.count("SD") <= int(accept_sd)
        ):
            return "PR"
    for level, wanted in (("SD", {"CR", "PR", "SD"}), (NON, {NON})):
        if any(word in wanted and day >= min_sd for day, word in some):
            return level
    return "PD" if "PD" in words else "NE"


PATIENT = st.dictionaries(st.integers(0, 150), st.sampled_from(RESPONSES), max_size=7).map(lambda days: [*days.items()])
RULES = st.fixed_dictionaries(
    {
        "min_sd": st.integers(0, 80),
        "confirm": st.integers(1, 60),
        "max_ne": st.integers(0, 2),
        "accept_sd": st.booleans(),
    }
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PATIENT, min_size=1, max_size=4), RULES)
def test_confirmed_as_every_pair_of_visits_says(patients: list[list[tuple[int, str]]], rules: dict[str, Any]) -> None:
    best = best_of_visits(visits_of(patients), confirmed=True, **rules)
    assert named(best.code) == [brute_force(visits, **rules) for visits in patients]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(PATIENT, min_size=1, max_size=4), RULES, st.integers(0, 1000), st.sampled_from(RESPONSES), st.booleans()
)
def test_laws(
    patients: list[list[tuple[int, str]]], rules: dict[str, Any], seed: int, word: str, confirmed: bool
) -> None:
    answer = named(best_of_visits(visits_of(patients), confirmed=confirmed, **rules).code)
    shuffled = named(best_of_visits(visits_of(patients, seed), confirmed=confirmed, **rules).code)
    assert shuffled == answer
    after = [[*visits, (200, "PD"), (201, word)] for visits in patients]
    until = [[*visits, (200, "PD")] for visits in patients]
    assert named(best_of_visits(visits_of(after), confirmed=confirmed, **rules).code) == named(
        best_of_visits(visits_of(until), confirmed=confirmed, **rules).code
    )
    # One more NE tells nothing: the answer stays, or is NE where there was no visit.
    nothing = [[*visits, (seed % 150, "NE")] if seed % 150 not in dict(visits) else visits for visits in patients]
    more = named(best_of_visits(visits_of(nothing), confirmed=False, **rules).code)
    plain = named(best_of_visits(visits_of(patients), confirmed=False, **rules).code)
    assert more == [one or "NE" for one in plain]


def test_two_hundred_thousand_visits() -> None:
    import time

    rng = np.random.default_rng(1)
    n = 40_000
    patient = np.repeat(np.arange(n), 5)
    visits = (patient, np.tile(np.arange(1, 6) * 42, n), rng.integers(0, 6, 5 * n))
    began = time.perf_counter()
    best = best_of_visits(Visits.of(n, *visits), min_sd=42, confirmed=True)
    assert time.perf_counter() - began < 5
    assert (best.code >= 0).all()


# ---------------------------------------------------------------------------------------------------------------------
# A data frame
# ---------------------------------------------------------------------------------------------------------------------


def frame_of(cases: Mapping[str, tuple[str, ...]], *, days: bool = True) -> pd.DataFrame:
    rows = [(name, day, word) for name, (visits, *_) in cases.items() for day, word in parsed(visits)]
    frame = pd.DataFrame(rows, columns=["patient", "date", "response"])
    if not days:
        frame["date"] = [START + dt.timedelta(days=day) for day in frame["date"]]
    return frame


def test_a_frame_of_days() -> None:
    with pytest.warns(cs.CohortStatsWarning, match="1 patient has PR after CR"):
        found = best_response(frame_of(CASES), min_sd=42, confirmed=True).set_index("patient")
    assert found["response"].astype(object).to_dict() == {
        name: answer for name, (_, _, answer, *_) in CASES.items() if name != "J"
    }
    assert found.loc["Q"].drop("response").to_dict() == {
        "date": 43,
        "row": found.loc["Q", "row"],
        "confirmed_date": 71,
        "confirmed_row": found.loc["Q", "row"] + 1,
        "n_visits": 2,
        "n_after_progression": 0,
    }


def test_a_frame_of_dates_and_patients_without_visits() -> None:
    starts = dict.fromkeys(["J", *CASES], START)
    del starts["S"]
    frame = frame_of({name: case for name, case in CASES.items() if name != "S"}, days=False)
    found = best_response(frame, min_sd=42, start=starts, none="NE").set_index("patient")
    assert found.index[0] == "J"
    assert found.loc["J", "response"] == "NE" and pd.isna(found.loc["J", "date"])
    assert found.loc["AH", "date"] == START + dt.timedelta(days=85)


def test_each_reader_has_his_own() -> None:
    frame = frame_of({"A": ("43 PR, 85 PR",), "B": ("43 SD",)})
    frame["reader"] = ["one", "two", "one"]
    found = best_response(frame, min_sd=42, confirmed=True, reader="reader")
    assert found[["patient", "reader", "response"]].astype(object).where(found.notna(), "").values.tolist() == [
        ["A", "one", "SD"],
        ["A", "two", "SD"],
        ["B", "one", "SD"],
        ["B", "two", ""],
    ]


def test_every_fault_of_a_frame_at_once() -> None:
    frame = frame_of({"A": ("43 iUPD, 43 pr",), "B": ("43 SD, 43 PD",)})
    with pytest.raises(cs.InputError) as caught:
        best_response(frame, min_sd=-1, none="never")  # type: ignore[arg-type]
    assert caught.value.problems == (
        "none 'never' is not known; choose missing or NE.",
        "min_sd is -1; give a whole number, 0 or more.",
    )
    with pytest.raises(cs.InputError) as caught:
        best_response(frame, min_sd=42)
    assert caught.value.problems == (
        "response 'iUPD' at position 1 is an iRECIST code; this rule reads RECIST 1.1.",
        "response 'pr' at position 2 is not a RECIST 1.1 response; did you mean 'PR'?",
    )
    with pytest.raises(cs.InputError, match=r"SD and PD on one day \(43\)"):
        best_response(frame.iloc[2:], min_sd=42)
    assert best_response(frame.iloc[2:], min_sd=42, duplicates="worst")["response"].tolist() == ["PD"]
    with pytest.raises(cs.InputError, match="has no column 'overall'; name it with response"):
        best_response(frame, min_sd=42, response="overall")
    with pytest.raises(cs.InputError, match=r"date is before the start, a day below 0, at position 1"):
        best_response(pd.DataFrame({"patient": ["A"], "date": [-1], "response": ["SD"]}), min_sd=42)
    with pytest.raises(cs.InputError, match=r"date is '2016-02' at position 1; give dates"):
        late = pd.DataFrame({"patient": ["A"], "date": ["2016-02"], "response": ["SD"]})
        best_response(late, min_sd=42, start={"A": "2016-01-01"})


# ---------------------------------------------------------------------------------------------------------------------
# A study
# ---------------------------------------------------------------------------------------------------------------------

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
[data.visits]
file = "visits.csv"
id = "id"
rows = "many per patient"
order = "date"
[columns.patients]
tdm1_start = { type = "date" }
[columns.visits]
date = { type = "date" }
overall = { }
reader = { }
[derive.bor]
rule = "best response"
table = "visits"
response = "overall"
date = "date"
start = "tdm1_start"
min_sd = 42
confirm = 28
confirmed = false
reader = "investigator"
[derive.cbor]
rule = "best response"
table = "visits"
response = "overall"
start = "tdm1_start"
min_sd = 42
confirmed = true
reader = "investigator"
none = "NE"
[derive.primary]
rule = "first evaluation"
table = "visits"
response = "overall"
start = "tdm1_start"
reader = "investigator"
[derive.primary_skip]
rule = "first evaluation"
evaluation = "skip NE"
table = "visits"
response = "overall"
start = "tdm1_start"
reader = "investigator"
[derive.responded]
when = "bor in ['CR', 'PR'] and days(tdm1_start, bor_date) <= 80"
"""


def study(folder: Path, *, seed: int | None = None) -> cs.Cohort:
    patients = [f"{name},{START}" for name in CASES]
    visits = [
        f"{name},{START + dt.timedelta(days=day)},{word},investigator"
        for name, (some, *_) in CASES.items()
        for day, word in parsed(some)
    ]
    # Another reader saw other things, and nothing of it counts.
    visits += [f"{name},{START + dt.timedelta(days=44)},PD,central" for name in CASES]
    if seed is not None:
        random.Random(seed).shuffle(visits)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    (folder / "patients.csv").write_text("\n".join(["id,tdm1_start", *patients]) + "\n", encoding="utf-8")
    (folder / "visits.csv").write_text("\n".join(["id,date,overall,reader", *visits]) + "\n", encoding="utf-8")
    return cs.load_cohort(folder)


@pytest.mark.parametrize("seed", [None, 7])
def test_a_study(tmp_path: Path, seed: int | None) -> None:
    cohort = study(tmp_path, seed=seed)
    for column, name in ((1, "bor"), (2, "cbor"), (3, "primary"), (4, "primary_skip")):
        wanted = {case: answers[column] for case, answers in CASES.items()}
        if name == "cbor":
            wanted["J"] = "NE"
        levels = cohort.levels(name).astype(object)
        assert levels.where(levels.notna(), "").to_dict() == wanted
    assert [(problem.code, problem.patient, problem.value, problem.level) for problem in cohort.problems] == [
        ("response-order", "S", "PR", "warning")
    ]
    lines = (tmp_path / "visits.csv").read_text(encoding="utf-8").splitlines()
    evidence = cohort.evidence["bor"]
    for patient, line in evidence.iterrows():
        if patient == "J":
            assert pd.isna(line["row"]) and line["reason"] == "no visit"
            continue
        name, date, _, reader = lines[int(line["row"]) - 1].split(",")
        assert (name, date, reader) == (patient, str(line["date"].date()), "investigator")
        assert (line["table"], line["date"]) == ("visits", cohort.values("bor_date")[patient])
    assert evidence.loc["I", "n_after_progression"] == 1
    assert cohort.evidence["cbor"].loc["Q", "confirmed_date"] == pd.Timestamp(START + dt.timedelta(days=71))
    assert cohort.values("responded")["R"] and not cohort.values("responded")["AH"]
    assert cohort.where("bor == 'PD'").evidence["bor"].index.tolist() == ["A", "B", "H", "I", "AC"]
    assert cohort.variable("bor").formed == "after outcome"
    assert cohort.variable("bor").given_names == {"overall", "date", "tdm1_start", "reader"}


def test_primary_resistance_in_both_denominators() -> None:
    """9 of 34 with primary resistance, 3 not evaluable: both rates, and all unknown resistant."""
    cases = [[(43, "PD")]] * 9 + [[(43, "SD")]] * 22 + [[]] * 3
    first = first_of_visits(visits_of(cases))
    n_yes, n_known = int(first.progressed.sum()), int((~first.missing).sum())
    assert (n_yes, n_known, len(cases)) == (9, 31, 34)
    assert math.isclose(100 * n_yes / len(cases), 26.4706, abs_tol=5e-5)
    assert math.isclose(100 * n_yes / n_known, 29.0323, abs_tol=5e-5)


@pytest.mark.parametrize(
    ("before_scan", "answer", "basis"),
    [("resistant", "yes", "before scan"), ("unknown", "", "before scan"), ("exclude", "", "excluded")],
)
def test_an_event_before_the_first_scan(before_scan: Any, answer: str, basis: str) -> None:
    # Died on day 30 without a scan; progressed on day 30 before a scan with SD; on the day of the scan; never.
    visits = visits_of([[], [(43, "SD")], [(43, "SD")], [(43, "SD")]])
    first = first_of_visits(visits, before_scan=before_scan, event_day=np.array([30, 30, 43, -1]))
    said = ["" if gap else "yes" if yes else "no" for gap, yes in zip(first.missing, first.progressed, strict=True)]
    assert said == [answer, answer, "no", "no"]
    assert [BASES[place] for place in first.basis] == [basis, basis, "scan", "scan"]
