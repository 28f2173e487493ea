"""Endpoints made again from subjects and tumour responses, against a published analysis data set.

The data are the CDISC pilot as pharmaverse prepared it (`pharmaverseadam`, `pharmaversesdtm`, Apache-2.0): 254 patients
randomised, with progression-free survival, overall survival and duration of response in days, the first day counted.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import cohortstats as cs

ADSL = "data/adam/pharmaverseadam_adsl.csv"
RESPONSES = "data/adam/pharmaversesdtm_rs_onco_recist.csv"
ANSWERS = "data/adam/pharmaverseadam_adtte_onco.csv"
# Their last date alive in the subjects file is up to 17 days later than the one that the endpoint was made from: the
# two files are of different days.
OTHER_SNAPSHOT = {
    "01-703-1258",
    "01-704-1009",
    "01-704-1017",
    "01-704-1266",
    "01-704-1332",
    "01-708-1216",
    "01-710-1070",
    "01-710-1271",
    "01-718-1427",
}

STUDY = """
cohortstats = 1
[study]
id = "adam"
title = "CDISC pilot"
conventions = "sas"
missing = ["NA"]
[data.adsl]
file = "pharmaverseadam_adsl.csv"
id = "USUBJID"
rows = "one per patient"
[data.rs]
file = "pharmaversesdtm_rs_onco_recist.csv"
id = "USUBJID"
rows = "many per patient"
order = "RSDTC"
[columns.adsl]
RANDDT = { type = "date" }
DTHDT = { type = "date" }
LSTALVDT = { type = "date" }
[columns.rs]
RSDTC = { type = "date", impute = "last" }
RSEVAL = { }
RSSTRESC = { order = ["CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"] }
[derive]
first_response = { value = "min_of(RSDTC, RSSTRESC in ['CR', 'PR'] and RSEVAL == 'INVESTIGATOR')" }

[endpoints.PFS]
kind = "time to event"
unknown = "exclude"
start = "RANDDT"
plus_one = PLUS_ONE
events = [
  { date = "RSDTC", where = { RSSTRESC = ["PD"], RSEVAL = ["INVESTIGATOR"] }, reason = "Disease Progression" },
  { date = "DTHDT", reason = "Death" },
]
censors = [
  { date = "last assessment", reason = "Last Tumor Assessment" },
  { date = "RANDDT", reason = "Randomization" },
]
assessments = { table = "rs", response = "RSSTRESC", where = { RSEVAL = ["INVESTIGATOR"] } }

[endpoints.RSD]
kind = "time to event"
unknown = "exclude"
start = "first_response"
plus_one = PLUS_ONE
events = [
  { date = "RSDTC", where = { RSSTRESC = ["PD"], RSEVAL = ["INVESTIGATOR"] }, reason = "Disease Progression" },
  { date = "DTHDT", reason = "Death" },
]
censors = [ { date = "last assessment", reason = "Last Tumor Assessment" } ]
assessments = { table = "rs", response = "RSSTRESC", where = { RSEVAL = ["INVESTIGATOR"] } }

[endpoints.OS]
kind = "time to event"
unknown = "exclude"
start = "RANDDT"
plus_one = PLUS_ONE
events = [ { date = "DTHDT", reason = "Death" } ]
censors = [ { date = "LSTALVDT", reason = "Alive During Study" }, { date = "RANDDT", reason = "Randomization" } ]
"""

Answers = Mapping[str, Mapping[str, Mapping[str, str]]]


def load(shared: Callable[[str], Path], folder: Path, *, plus_one: bool = True) -> cs.Cohort:
    for name in (ADSL, RESPONSES):
        shutil.copy(shared(name), folder)
    (folder / "study.toml").write_text(STUDY.replace("PLUS_ONE", str(plus_one).lower()), encoding="utf-8")
    return cs.load_cohort(folder)


@pytest.fixture(scope="module")
def cohort(shared: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> cs.Cohort:
    return load(shared, tmp_path_factory.mktemp("adam"))


@pytest.fixture(scope="module")
def answers(shared: Callable[[str], Path]) -> Answers:
    """Parameter -> patient -> row."""
    found: dict[str, dict[str, Mapping[str, str]]] = {}
    with shared(ANSWERS).open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["PARAMCD"], {})[row["USUBJID"]] = row
    return found


def ours(cohort: cs.Cohort, endpoint: str) -> dict[str, tuple[int, int, str, str]]:
    """Patient -> AVAL, CNSR (1 is censored), ADT, description."""
    frame = cohort.endpoint(endpoint).dropna(subset="time")
    return {
        str(patient): (int(time), int(not event), str(date.date()), reason)
        for patient, time, event, date, reason in zip(
            frame.index, frame["time"], frame["event"], frame["date"], frame["reason"], strict=True
        )
    }


def theirs(row: Mapping[str, str]) -> tuple[int, int, str, str]:
    described = row["EVNTDESC"] if row["CNSDTDSC"] == "NA" else row["CNSDTDSC"]
    return int(row["AVAL"]), int(row["CNSR"]), row["ADT"], described


@pytest.mark.parametrize(("endpoint", "n", "n_events"), [("PFS", 254, 6), ("RSD", 4, 1)])
def test_every_patient(cohort: cs.Cohort, answers: Answers, endpoint: str, n: int, n_events: int) -> None:
    found = ours(cohort, endpoint)
    assert found == {patient: theirs(row) for patient, row in answers[endpoint].items()}
    assert (len(found), sum(not censored for _, censored, *_ in found.values())) == (n, n_events)


def test_overall_survival(cohort: cs.Cohort, answers: Answers) -> None:
    found, wanted = ours(cohort, "OS"), answers["OS"]
    assert found.keys() == wanted.keys()
    assert sum(found[patient][1] == 0 for patient in found) == 3
    differing = set()
    for patient, row in wanted.items():
        time, censored, date, _ = found[patient]
        assert censored == int(row["CNSR"])
        if (time, date) != (int(row["AVAL"]), row["ADT"]):
            differing.add(patient)
            assert 0 < time - int(row["AVAL"]) <= 17
    assert differing == OTHER_SNAPSHOT


def test_the_records_behind_the_dates(cohort: cs.Cohort, answers: Answers, shared: Callable[[str], Path]) -> None:
    rows = {}
    for table, name in (("rs", RESPONSES), ("adsl", ADSL)):
        with shared(name).open(encoding="utf-8") as file:
            rows |= {(table, number): row for number, row in enumerate(csv.DictReader(file), start=2)}
    columns = {"Disease Progression": "RSDTC", "Last Tumor Assessment": "RSDTC", "Death": "DTHDT"}
    frame = cohort.endpoint("PFS")
    from_responses = 0
    for patient, answer in answers["PFS"].items():
        line = frame.loc[patient]
        record = rows[line["table"], int(line["row"])]
        assert record["USUBJID"] == patient
        assert record[columns.get(answer["EVNTDESC"], "RANDDT")] == answer["ADT"]
        if line["table"] == "rs":
            from_responses += 1
            assert record["RSEVAL"] == "INVESTIGATOR"
            assert (record["RSSTRESC"] == "PD") == (answer["EVNTDESC"] == "Disease Progression")
    assert from_responses == 8


def test_screen_failures_have_no_start(cohort: cs.Cohort) -> None:
    reasons = cohort.endpoint("PFS")["reason"].value_counts()
    assert reasons["no start"] == 52
    assert cohort.endpoint("RSD")["reason"].value_counts()["no start"] == 302


def test_last_seen_before_randomisation_is_told(cohort: cs.Cohort) -> None:
    told = [problem for problem in cohort.problems if problem.code == "date-before-start"]
    assert [(problem.level, problem.patient, problem.column) for problem in told] == [
        ("warning", "01-705-1018", "LSTALVDT"),
        ("warning", "01-705-1382", "LSTALVDT"),
    ]


def test_without_the_first_day(cohort: cs.Cohort, shared: Callable[[str], Path], tmp_path: Path) -> None:
    plain = load(shared, tmp_path, plus_one=False)
    assert plain.endpoint("RSD")["time"].dropna().tolist() == [0, 21, 42, 42]
    for endpoint in ("PFS", "OS", "RSD"):
        shifted = cohort.endpoint(endpoint)["time"].dropna()
        assert (shifted - plain.endpoint(endpoint)["time"].dropna() == 1).all()
