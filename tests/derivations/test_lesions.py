"""Responses from lesions: examples worked by hand on RECIST 1.1 (Eisenhauer 2009), and a published trial data set.

The trial is the CDISC pilot with tumour measurements as pharmaverse prepared it (`pharmaversesdtm`, `pharmaverseadam`,
Apache-2.0): eight patients, read by the investigator and by two radiologists.
"""

from __future__ import annotations

import csv
import gzip
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.derivations.best_response import best_response
from cohortstats.derivations.lesions import timepoint_response

ADAM = "data/adam"
RESPONSES = f"{ADAM}/pharmaversesdtm_rs_onco_recist.csv"
MEASUREMENTS = f"{ADAM}/pharmaversesdtm_tr_onco_recist.csv"
PLACES = f"{ADAM}/pharmaversesdtm_tu_onco_recist.csv"
ANSWERS = f"{ADAM}/pharmaverseadam_adrs_onco.csv.gz"
SUBJECTS = f"{ADAM}/pharmaverseadam_adsl.csv"

Row = tuple[int, str, str, object]  # visit, lesion, role, size or state


def frame(rows: list[Row], nodes: str = "") -> pd.DataFrame:
    """Lesions of one patient; lesions named in ``nodes`` are lymph nodes."""
    made = pd.DataFrame(rows, columns=["visit", "lesion", "role", "value"]).assign(patient="A")
    made["size"] = made["value"].where(made["role"] == "target")
    made["state"] = made["value"].where(made["role"] != "target")
    made["node"] = [lesion in nodes.split() for lesion in made["lesion"]]
    return made


def responses(rows: list[Row], nodes: str = "", *, column: str = "overall", **rules: Any) -> list[str]:
    found = timepoint_response(frame(rows, nodes), node="node", state="state", **rules)
    return ["" if gap else str(word) for word, gap in zip(found[column], found[column].isna(), strict=True)]


def sums(*sizes: object) -> list[Row]:
    """One target, its size at baseline and at each visit."""
    return [(visit, "T1", "target", size) for visit, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "answers"),
    [
        (("90", "63"), ["PR"]),  # exactly 70 %, though 63 <= 0.7 * 90 is false in binary
        (("100", "70", "71"), ["PR", "SD"]),
        (("30", "36"), ["PD"]),  # exactly 120 % and 6 mm
        (("100", "20", "24"), ["PR", "PR"]),  # 20 % above the nadir, 4 mm
        (("50", "20", "25"), ["PR", "PD"]),  # 5 mm above it, though half of the baseline
        (("100", "119"), ["SD"]),
        (("100", "120"), ["PD"]),
        (("100", "80", "96", "95.9"), ["SD", "PD", "SD"]),
        (("60", "42"), ["PR"]),
        (("60.61", "42.82"), ["SD"]),  # 70 % is 42.427
        (("60.00", "42.0"), ["PR"]),
        ((90, 63.0), ["PR"]),  # numbers by their shortest text
        (("0.1", "0.07"), ["PR"]),
        (("10", "0"), ["CR"]),
        (("20", "", "25", "30"), ["NE", "PD", "PD"]),  # a sum that is not known is no nadir
        (("20", "10", "", "14", "15"), ["PR", "NE", "PR", "PD"]),
    ],
)
def test_one_target(sizes: tuple[object, ...], answers: list[str]) -> None:
    assert responses(sums(*sizes)) == answers


@pytest.mark.parametrize(
    ("reappearance", "answers"), [("PD", ["CR", "PD"]), ("sum rule", ["CR", "PR"])], ids=["PD", "sum rule"]
)
def test_a_lesion_that_comes_back(reappearance: str, answers: list[str]) -> None:
    assert responses(sums("59.54", "0", "4.95"), reappearance=reappearance) == answers
    assert responses(sums("59.54", "0", "5.0"), reappearance="sum rule") == ["CR", "PD"]
    # After a complete response of the targets alone, overall PR, it is what the sum says; after an overall one a
    # non-target that comes back is progression, too.
    beside: list[Row] = [
        (visit, "N1", "non-target", state) for visit, state in enumerate(("present", "present", "present"))
    ]
    assert responses([*sums("50", "0", "4"), *beside], reappearance=reappearance) == ["PR", "PR"]
    absent: list[Row] = [
        (visit, "N1", "non-target", state) for visit, state in enumerate(("present", "absent", "present"))
    ]
    assert responses([*sums("50", "0", "0"), *absent], reappearance=reappearance) == answers
    # One of two that comes back while the other stays is no progression by itself.
    two: list[Row] = [(visit, name, "target", size) for visit, sizes in enumerate([("50", "50"), ("0", "20"), ("2", "20")])
                      for name, size in zip(("T1", "T2"), sizes, strict=True)]  # fmt: skip
    assert responses(two, reappearance=reappearance) == ["PR", "PR"]


def test_lymph_nodes() -> None:
    def visits(*sizes: tuple[str, str]) -> list[Row]:
        pairs = [(visit, size) for visit, pair in enumerate(sizes) for size in zip(("T1", "N1"), pair, strict=True)]
        return [(visit, name, "target", size) for visit, (name, size) in pairs]

    assert responses(visits(("20", "18"), ("0", "9.9")), "N1") == ["CR"]  # the sum is 9.9
    assert responses(visits(("20", "18"), ("0", "10")), "N1") == ["PR"]
    assert responses(visits(("20", "18"), ("0", "9.9")), "") == ["PR"]
    # Of a node the short axis is in the sum, of other lesions the longest diameter.
    both = frame(visits(("20", "30"), ("20", "12")), "N1").assign(short=["15", "18", "15", "7"])
    found = timepoint_response(both, node="node", short_axis="short")
    assert found[["baseline", "sum"]].values.tolist() == [[38, 27]]
    # A node that was normal is back from 10 mm on, or goes by the sum.
    again = visits(("20", "18"), ("0", "8"), ("0", "9.9"), ("0", "11"), ("0", "13"))
    assert responses(again, "N1") == ["CR", "CR", "PD", "PD"]
    assert responses(again, "N1", reappearance="sum rule") == ["CR", "CR", "PR", "PD"]


def test_a_target_that_was_not_measured() -> None:
    def visits(*sizes: tuple[str, str]) -> list[Row]:
        return [
            (visit, name, "target", size)
            for visit, pair in enumerate(sizes)
            for name, size in zip(("T1", "T2"), pair, strict=True)
            if size != "-"
        ]

    # Measured ones alone at 110 over a nadir of 91 are progression, at 107.9 over 90.86 not: 109.032 is 120 %.
    assert responses(visits(("46", "48"), ("45", "46"), ("-", "110"))) == ["SD", "PD"]
    assert responses(visits(("46", "48"), ("45", "45.86"), ("-", "107.9"))) == ["SD", "NE"]
    assert responses(visits(("46", "48"), ("", "0"))) == ["NE"]
    found = timepoint_response(frame(visits(("46", "48"), ("45", "46"), ("-", "110"))))
    assert found[["n_targets", "n_measured", "sum_measured", "nadir"]].values.tolist() == [
        [2, 2, 91, 94],
        [2, 1, 110, 91],
    ]
    assert found["sum"].isna().tolist() == [False, True]


# Target, non-target, new lesion: overall, as tables 1 and 2 of RECIST 1.1 have it.
TARGET = {"CR": "0", "PR": "50", "SD": "90", "PD": "130", "NE": ""}
NON_TARGET = {"CR": "absent", "NON-CR/NON-PD": "present", "NE": "not evaluable", "PD": "progression"}
OVERALL = [
    ("CR", "CR", False, "CR"),
    ("CR", "", False, "CR"),
    ("CR", "NON-CR/NON-PD", False, "PR"),
    ("CR", "NE", False, "PR"),
    *(("PR", other, False, "PR") for other in ("CR", "NON-CR/NON-PD", "NE", "")),
    *(("SD", other, False, "SD") for other in ("CR", "NON-CR/NON-PD", "NE", "")),
    *(("NE", other, False, "NE") for other in ("CR", "NON-CR/NON-PD", "NE", "")),
    *(("PD", other, new, "PD") for other in ("CR", "NON-CR/NON-PD", "NE", "PD", "") for new in (False, True)),
    *((target, "PD", False, "PD") for target in ("CR", "PR", "SD", "NE", "")),
    *((target, other, True, "PD") for target in ("CR", "NE", "") for other in ("CR", "NE", "PD")),
    *(("", other, False, other) for other in ("CR", "NON-CR/NON-PD", "NE")),
]


@pytest.mark.parametrize(("target", "non_target", "new", "overall"), OVERALL)
def test_overall(target: str, non_target: str, new: bool, overall: str) -> None:
    rows: list[Row] = []
    if target:
        rows += [(0, "T1", "target", "100"), (1, "T1", "target", TARGET[target])]
    if non_target:
        rows += [(0, "N1", "non-target", "present"), (1, "N1", "Non-Target", NON_TARGET[non_target].upper())]
    if new:
        rows.append((1, "X1", "new", None))
    assert responses(rows, column="target") == [target]
    assert responses(rows, column="non_target") == [non_target]
    assert responses(rows) == [overall]
    assert responses(rows, column="new") == [str(new)]


def test_an_equivocal_lesion_is_not_new_yet() -> None:
    rows = [*sums("100", "90", "90"), (1, "X1", "new", "equivocal"), (2, "X1", "new", "present")]
    assert responses(rows) == ["SD", "PD"]


def test_rows_in_any_order() -> None:
    rows = [*sums("100", "70", "71", "130", "60"), (0, "N1", "non-target", "present")]
    rows += [(visit, "N1", "non-target", "absent") for visit in range(1, 5)]
    answer = responses(rows)
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        assert responses(rows) == answer


def test_every_fault_at_once() -> None:
    rows: list[Row] = [
        (0, "T1", "target", "20"),
        (1, "T1", "target", "<5"),
        (1, "T2", "targt", "3"),
        (1, "N1", "non-target", "gone"),
    ]
    with pytest.raises(cs.InputError) as caught:
        timepoint_response(frame(rows), state="state", reappearance="sum rul")  # type: ignore[arg-type]
    assert caught.value.problems == ("reappearance 'sum rul' is not known; did you mean 'sum rule'?",)
    with pytest.raises(cs.InputError) as caught:
        timepoint_response(frame(rows), state="state")
    assert caught.value.problems == (
        "role 'targt' at position 3 is not known; did you mean 'target'?",
        "state 'gone' at position 4 is not known; choose absent, present, progression, not evaluable or equivocal.",
        "size '<5' at position 2 is not a size in mm; a lesion too small to measure is 5 mm.",
    )
    with pytest.raises(cs.InputError) as caught:
        timepoint_response(frame([*sums("20", "21"), (1, "T1", "target", "21"), (1, "T2", "target", "5")]))
    assert caught.value.problems == (
        "a lesion is twice at one visit, at position 3; keep one row.",
        "target 'T2' of patient 'A' was not there at baseline, at position 4; it is new, or its row at baseline is "
        "missing.",
    )
    with pytest.raises(cs.InputError, match="the frame has no column 'diameter'; name it with size"):
        timepoint_response(frame(sums("20")), size="diameter")


# ---------------------------------------------------------------------------------------------------------------------
# The trial
# ---------------------------------------------------------------------------------------------------------------------


def table(path: Path, domain: str) -> pd.DataFrame:
    found = pd.read_csv(path, dtype=str, keep_default_na=False)
    assessor = found[f"{domain}EVALID"]
    return found.assign(reader=assessor.where(assessor != "NA", found[f"{domain}EVAL"]))


@pytest.fixture(scope="module")
def measured(shared: Callable[[str], Path]) -> pd.DataFrame:
    """One row a lesion, visit and reader; a state is written twice in the file, in equal rows."""
    tests, places = table(shared(MEASUREMENTS), "TR"), table(shared(PLACES), "TU")
    keys = ["USUBJID", "reader", "VISITNUM", "TRLNKID", "TRGRPID"]
    wide = tests.pivot_table(index=keys, columns="TRTESTCD", values="TRSTRESC", aggfunc="first")
    wide = wide.reset_index().astype({"VISITNUM": int})
    place = {(row.USUBJID, row.reader, row.TULNKID): row.TULOC for row in places.itertuples()}
    wide["node"] = [place[row.USUBJID, row.reader, row.TRLNKID] == "LYMPH NODE" for row in wide.itertuples()]
    return wide


def derived(measured: pd.DataFrame, reappearance: Literal["PD", "sum rule"]) -> pd.DataFrame:
    return timepoint_response(
        measured,
        patient="USUBJID",
        visit="VISITNUM",
        lesion="TRLNKID",
        role="TRGRPID",
        size="LDIAM",
        short_axis="LPERP",
        node="node",
        state="TUMSTATE",
        reader="reader",
        reappearance=reappearance,
    ).set_index(["patient", "reader", "visit"])


def test_every_response_of_the_trial(measured: pd.DataFrame, shared: Callable[[str], Path]) -> None:
    wanted = {
        (row.USUBJID, row.reader, int(row.VISITNUM)): row.RSSTRESC
        for row in table(shared(RESPONSES), "RS").itertuples()
    }
    found = derived(measured, "sum rule")
    assert found["overall"].astype(str).to_dict() == wanted
    assert len(wanted) == 66
    strict = derived(measured, "PD")["overall"].astype(str).to_dict()
    assert {key: (strict[key], wanted[key]) for key in wanted if strict[key] != wanted[key]} == {
        ("01-701-1133", "RADIOLOGIST 2", 4): ("PD", "PR")
    }
    line = found.loc[("01-701-1028", "INVESTIGATOR", 3)]
    assert (line["sum_measured"], line["nadir"], line["n_targets"], line["n_measured"]) == (110, 91, 5, 4)
    line = found.loc[("01-701-1015", "INVESTIGATOR", 4)]
    assert (line["sum"], line["target"]) == (7, "CR")


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
[columns.rs]
RSDTC = { type = "date", impute = "last" }
RSEVAL = { }
RSEVALID = { }
RSACPTFL = { type = "yes/no", yes = ["Y"], no = ["N"] }
RSSTRESC = { order = ["CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"] }
"""
RULE = """
[derive.{name}]
rule = "best response"
table = "rs"
response = "RSSTRESC"
start = "RANDDT"
min_sd = {min_sd}
confirmed = {confirmed}
{reader}
"""
INVESTIGATOR = 'reader = "INVESTIGATOR"'


@pytest.fixture(scope="module")
def cohort(shared: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> cs.Cohort:
    folder = tmp_path_factory.mktemp("adam")
    for name in (SUBJECTS, RESPONSES):
        shutil.copy(shared(name), folder)
    rules = [
        RULE.format(name=f"{name}_{min_sd}", min_sd=min_sd, confirmed=confirmed, reader=INVESTIGATOR)
        for name, confirmed in (("bor", "false"), ("cbor", "true"))
        for min_sd in (28, 42)
    ]
    rules += [
        RULE.format(
            name=f"reader_{one}", min_sd=42, confirmed="false", reader=f'readers = "RSEVALID"\nreader = "{who}"'
        )
        for one, who in ((1, "RADIOLOGIST 1"), (2, "RADIOLOGIST 2"))
    ]
    rules.append(RULE.format(name="accepted", min_sd=42, confirmed="false", reader='accepted = "RSACPTFL"'))
    (folder / "study.toml").write_text(STUDY + "".join(rules), encoding="utf-8")
    return cs.load_cohort(folder)


@pytest.fixture(scope="module")
def answers(shared: Callable[[str], Path]) -> dict[str, dict[str, tuple[str, str]]]:
    """Parameter -> patient -> response and its date."""
    found: dict[str, dict[str, tuple[str, str]]] = {"BOR": {}, "CBOR": {}}
    with gzip.open(shared(ANSWERS), "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["PARAMCD"] in found and row["AVALC"] != "MISSING":
                found[row["PARAMCD"]][row["USUBJID"]] = (row["AVALC"], row["ADT"])
    return found


@pytest.mark.parametrize("min_sd", [28, 42])
@pytest.mark.parametrize("parameter", ["BOR", "CBOR"])
def test_best_responses_of_the_trial(
    cohort: cs.Cohort, answers: dict[str, dict[str, tuple[str, str]]], parameter: str, min_sd: int
) -> None:
    evidence = cohort.evidence[f"{parameter.lower()}_{min_sd}"].dropna(subset="value")
    found = {
        patient: (str(word), str(date.date()))
        for patient, word, date in zip(evidence.index, evidence["value"], evidence["date"], strict=True)
    }
    assert {patient: word for patient, (word, _) in found.items()} == {
        patient: word for patient, (word, _) in answers[parameter].items()
    }
    assert found == answers[parameter]
    assert len(found) == 8


def test_the_reader_matters(cohort: cs.Cohort) -> None:
    levels = {name: str(cohort.levels(name)["01-701-1028"]) for name in ("bor_42", "reader_1", "reader_2")}
    assert levels == {"bor_42": "PD", "reader_1": "SD", "reader_2": "PD"}
    # The adjudicated stream is one of the two radiologists', as the column says.
    accepted = cohort.levels("accepted")
    assert accepted.notna().sum() == 8
    assert str(accepted["01-701-1028"]) in ("SD", "PD")
    assert cohort.evidence["bor_42"]["reason"].value_counts().to_dict() == {"no visit": 246, "no start": 52, "": 8}


def test_from_lesions_to_the_best_response(measured: pd.DataFrame, shared: Callable[[str], Path]) -> None:
    visits = derived(measured, "sum rule").reset_index()
    investigator = visits[visits["reader"] == "INVESTIGATOR"]
    # Visits are three weeks apart.
    days = investigator.assign(day=(investigator["visit"] - 1) * 21)
    best = best_response(days, min_sd=42, date="day", response="overall").set_index("patient")["response"]
    assert {patient[-4:]: word for patient, word in best.items()} == {
        "1015": "CR",
        "1028": "PD",
        "1034": "NON-CR/NON-PD",
        "1097": "NE",
        "1115": "CR",
        "1118": "PR",
        "1130": "SD",
        "1133": "CR",
    }
