"""``[derive.NAME]`` with ``rule``: what the study file may say, and what is told of visits that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.errors import Problem
from cohortstats.report.response_methods import response_sentences
from cohortstats.tables.language import words as words_of

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
order = "date"
[columns.patients]
start = { type = "date" }
age = { type = "number" }
death = { type = "date" }
progressed = { type = "date" }
[columns.visits]
date = { type = "date" IMPUTE}
overall = { LEVELS }
reader = { }
accepted = { type = "yes/no", yes = ["Y"], no = ["N"] }
"""
BOR = """
[derive.bor]
rule = "best response"
table = "visits"
response = "overall"
start = "start"
min_sd = 42
"""
FIRST = """
[derive.primary]
rule = "first evaluation"
table = "visits"
response = "overall"
start = "start"
"""
PATIENTS = """id,start,age,death,progressed
A,2016-01-01,60,,
B,2016-01-01,61,,
C,2016-01-01,62,,
D,,63,,
"""
VISITS = """id,date,overall,reader,accepted
A,2016-02-15,SD,inv,Y
A,2016-03-28,PR,inv,Y
B,2016-02-15,PD,inv,Y
"""


def write(folder: Path, declared: str, *, visits: str = VISITS, patients: str = PATIENTS, head: str = HEAD) -> Path:
    text = head.replace("LEVELS", "").replace("IMPUTE", "") + declared
    (folder / "study.toml").write_text(text, encoding="utf-8")
    (folder / "patients.csv").write_text(patients, encoding="utf-8")
    (folder / "visits.csv").write_text(visits, encoding="utf-8")
    return folder


def load(folder: Path, declared: str, **files: str) -> cs.Cohort:
    return cs.load_cohort(write(folder, declared, **files))


def problems(folder: Path, declared: str, **files: str) -> tuple[Problem, ...]:
    with pytest.raises(cs.DataError) as caught:
        load(folder, declared, **files)
    return caught.value.problems


def line(problem: Problem) -> tuple[str, int | None, str, str, str, str]:
    return (problem.code, problem.row, problem.patient, problem.column, problem.value, problem.study_key)


def told(cohort: cs.Cohort) -> list[Problem]:
    """Warnings, but not that columns are empty for many."""
    return [problem for problem in cohort.problems if problem.code != "missing-many"]


def words(cohort: cs.Cohort, name: str) -> dict[str, str]:
    levels = cohort.levels(name).astype(object)
    return {str(patient): str(word) for patient, word in levels.where(levels.notna(), "").items()}


# ---------------------------------------------------------------------------------------------------------------------
# The study file
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "code", "sentence"),
    [
        (
            BOR.replace("best response", "best respones"),
            "key-type",
            "not 'best respones'.",
        ),
        (BOR.replace('"best response"', "3"), "key-type", "not 3."),
        (BOR + "when = \"age > 50\"\n", "key-conflict", "[derive.bor] rule and when exclude each other."),
        (BOR + "[derive.bor_date]\nwhen = \"age > 50\"\n", "key-conflict", "[derive.bor_date] bor_date hides a column."),
        (
            "[derive.bor_date]\nwhen = \"age > 50\"\n" + BOR,
            "key-conflict",
            "[derive.bor] makes bor_date, which is there already.",
        ),
        (BOR.replace("min_sd = 42\n", ""), "key-missing", "[derive.bor] needs min_sd."),
        (BOR.replace("42", "-1"), "key-type", "[derive.bor] min_sd must be 0 or more, not -1."),
        (BOR + "confirm = 0\n", "key-type", "[derive.bor] confirm must be 1 or more, not 0."),
        (BOR + "confirmd = true\n", "key-unknown", "[derive.bor] confirmd is not a known key."),
        (BOR.replace('table = "visits"', 'table = "vists"'), "expression-name", "table: vists is no table of the study."),
        (
            BOR.replace('table = "visits"', 'table = "patients"'),
            "key-conflict",
            "table: patients has one row per patient.",
        ),
        (BOR.replace('"overall"', '"overal"'), "expression-name", "response: overal is no column or derived name."),
        (BOR.replace('"overall"', '"date"'), "expression-type", "response: date is a date, ordered or a category is needed"),
        (BOR.replace('"overall"', '"age"'), "expression-type", "response: age is a number"),
        (BOR.replace('"start"', '"date"'), "expression-many", "start: date has many rows per patient"),
        (BOR.replace('"start"', '"age"'), "expression-type", "start: age is a number, a date is needed."),
        (BOR + 'date = "death"\n', "key-conflict", "date: death is no column of visits."),
        (BOR + 'where = { age = ["1"] }\n', "expression-type", "where: age is a number"),
        (BOR + 'reader = "inv"\naccepted = "accepted"\n', "key-conflict", "reader and accepted exclude each other."),
        (BOR + 'cutoff = "2017"\n', "key-type", "cutoff must be a date, not '2017'."),
        (BOR + 'labels = ["one"]\n', "key-conflict", "labels has 1 names for 6 levels."),
        (
            FIRST + 'death = "death"\n',
            "key-missing",
            'death needs before_scan = "resistant", "unknown" or "exclude"; there is no default.',
        ),
        (FIRST + 'before_scan = "unknown"\n', "key-missing", "before_scan needs death or clinical_progression"),
        (
            BOR.replace('"start"', '"again"') + "[derive.again]\nvalue = \"bor_date + 1\"\n",
            "expression-cycle",
            "needs",
        ),
    ],
)  # fmt: skip
def test_a_declaration_that_does_not_hold(tmp_path: Path, declared: str, code: str, sentence: str) -> None:
    found = problems(tmp_path, declared)
    assert [problem.code for problem in found] == [code]
    assert sentence in found[0].message
    assert found[0].file == "study.toml" and found[0].row is not None


def test_the_nearest_rule_is_proposed(tmp_path: Path) -> None:
    found = problems(tmp_path, BOR.replace("best response", "best respones"))
    assert found[0].mend == 'Did you mean "best response"?'


def test_a_slip_in_a_rule_is_told_once(tmp_path: Path) -> None:
    """What uses the variables of a rule that could not be read is not told as well."""
    declared = (
        BOR.replace("min_sd", "min_ds") + "[derive.early]\nwhen = \"days(start, bor_date) < 60 and bor == 'PR'\"\n"
    )
    assert [problem.code for problem in problems(tmp_path, declared)] == ["key-unknown"]


def test_names_of_a_rule_are_names_of_the_study(tmp_path: Path) -> None:
    declared = BOR + FIRST + '[derive.late]\nwhen = "days(start, bor_date) > 60"\n'
    study = cs.Study.read(write(tmp_path, '[derive.early]\nwhen = "not late"\n' + declared))
    assert study.kinds["bor"].levels == ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE")
    assert study.kinds["primary_basis"].kind == "category"
    assert study.depends_on("early") == {"start", "date", "overall", "reader"}
    cohort = cs.load_cohort(study)
    assert words(cohort, "early") == {"A": "no", "B": "yes", "C": "", "D": ""}
    assert words(cohort, "primary_basis") == {"A": "scan", "B": "scan", "C": "none", "D": ""}
    assert cohort.variable("bor_date").label == "bor, date"


ENDPOINT = """
[endpoints.os]
kind = "time to event"
unknown = "exclude"
start = "start"
event = "death"
censor = "progressed"
[[time_to_event]]
id = "figure1"
title = "Survival"
endpoint = "os"
groups = "GROUPS"
"""


@pytest.mark.parametrize("groups", ["primary", "responder", "bor"])
def test_a_group_made_from_responses_says_when_it_was_formed(tmp_path: Path, groups: str) -> None:
    declared = BOR + FIRST + "[derive.responder]\nwhen = \"bor in ['CR', 'PR']\"\n"
    exhibit = ENDPOINT.replace("GROUPS", groups)
    patients = (
        PATIENTS.replace("60,,", "60,,2017-01-01").replace("61,,", "61,2016-12-01,").replace("62,,", "62,,2017-02-01")
    )
    found = problems(tmp_path, declared + exhibit, patients=patients)
    assert [problem.code for problem in found] == ["formed-undeclared"]
    assert f'Set formed = "after outcome" in [derive.{groups}]' in found[0].mend
    formed = (declared + exhibit).replace(f"[derive.{groups}]\n", f'[derive.{groups}]\nformed = "after outcome"\n')
    cohort = load(tmp_path, formed, patients=patients)
    assert cohort.variable(groups).formed == "after outcome"


# ---------------------------------------------------------------------------------------------------------------------
# Visits
# ---------------------------------------------------------------------------------------------------------------------


def test_the_control_has_no_problem(tmp_path: Path) -> None:
    cohort = load(tmp_path, BOR + FIRST)
    assert told(cohort) == []
    assert words(cohort, "bor") == {"A": "PR", "B": "PD", "C": "", "D": ""}
    assert words(cohort, "primary") == {"A": "no", "B": "yes", "C": "", "D": ""}
    evidence = cohort.evidence["bor"]
    assert evidence["row"].tolist() == [3, 4, pd.NA, pd.NA]
    assert evidence["reason"].tolist() == ["", "", "no visit", "no start"]


LEVELS = 'order = ["CR", "PR", "SD", "PD", "NE"]'


@pytest.mark.parametrize("levels", ["", LEVELS])
@pytest.mark.parametrize("code", ["iUPD", "iCPD", "iCR", "iPR", "iSD", "NICR", "ICPD", "ｉPD"])
def test_codes_of_irecist(tmp_path: Path, levels: str, code: str) -> None:
    head = HEAD.replace("LEVELS", levels)
    found = problems(tmp_path, BOR + FIRST, head=head, visits=VISITS.replace("PR", code))
    assert [line(problem) for problem in found] == [
        ("response-irecist", 3, "A", "overall", code, "derive.bor.response")
    ]
    assert found[0].message == f"'{code}' is an iRECIST code; this rule reads RECIST 1.1."
    assert found[0].file == "visits.csv"


def test_every_fault_of_the_visits_at_once(tmp_path: Path) -> None:
    visits = VISITS + "\n".join(
        [
            "A,2016-03-28,SD,inv,Y",
            "B,2015-12-31,SD,inv,Y",
            "B,2016-03-28,Stable,inv,Y",
            "C,2016-02-15,iSD,inv,Y",
            "C,2016-03-28,pr,inv,Y",
        ]
    )
    found = problems(tmp_path, BOR + FIRST, visits=visits + "\n")
    assert sorted(map(line, found), key=lambda problem: problem[1] or 0) == [
        ("visit-duplicate", 5, "A", "overall", "SD", "derive.bor.duplicates"),
        ("visit-before-start", 6, "B", "date", "2015-12-31", "derive.bor.start"),
        ("response-unknown", 7, "B", "overall", "Stable", "derive.bor.response"),
        ("response-irecist", 8, "C", "overall", "iSD", "derive.bor.response"),
        ("response-unknown", 9, "C", "overall", "pr", "derive.bor.response"),
    ]
    by_code = {problem.row: problem for problem in found}
    assert by_code[5].message == "Two responses on 2016-03-28: PR and SD, in rows 3 and 5."
    assert by_code[6].message == "Visit 2015-12-31 is before start (2016-01-01)."
    assert by_code[7].message == "'Stable' is not a RECIST 1.1 response."
    assert by_code[9].mend == 'Did you mean \'PR\'? Then add values = { "pr" = "PR" }, or name it in unknown.'


def test_words_are_mapped_and_unknown_ones_count_as_not_evaluable(tmp_path: Path) -> None:
    head = HEAD.replace("LEVELS", 'values = { "寛解" = "CR" }, unknown = ["Unknown"]')
    visits = "id,date,overall,reader,accepted\nA,2016-02-15,寛解,inv,Y\nB,2016-02-15,Unknown,inv,Y\n"
    assert words(load(tmp_path, BOR, head=head, visits=visits), "bor") == {"A": "CR", "B": "NE", "C": "", "D": ""}


def test_the_worse_of_two_on_one_day_counts_where_it_is_declared(tmp_path: Path) -> None:
    visits = VISITS + "A,2016-03-28,NE,inv,Y\nB,2016-02-15,CR,inv,Y\n"
    assert [problem.code for problem in problems(tmp_path, BOR, visits=visits)] == ["visit-duplicate"] * 2
    cohort = load(tmp_path, BOR + 'duplicates = "worst"\n', visits=visits)
    assert words(cohort, "bor") == {"A": "PR", "B": "PD", "C": "", "D": ""}
    # Two equal answers are one.
    assert words(load(tmp_path, BOR, visits=VISITS + "A,2016-03-28,PR,inv,N\n"), "bor")["A"] == "PR"


READERS = VISITS + "A,2016-03-28,PD,central,N\nC,2016-02-15,CR,central,Y\n"


def test_readers_are_never_put_together(tmp_path: Path) -> None:
    found = problems(tmp_path, BOR, visits=READERS)
    # That two responses of one day differ is not told as well.
    assert [(problem.code, problem.study_key) for problem in found] == [("readers-many", "derive.bor")]
    assert found[0].message == "2 readers in reader of visits.csv; name one."
    assert found[0].mend == "Add reader = \"…\": 'central', 'inv'."
    assert words(load(tmp_path, BOR + 'reader = "inv"\n', visits=READERS), "bor") == {
        "A": "PR",
        "B": "PD",
        "C": "",
        "D": "",
    }
    central = load(tmp_path, BOR + 'reader = "central"\n', visits=READERS)
    assert words(central, "bor") == {"A": "PD", "B": "", "C": "CR", "D": ""}
    accepted = load(tmp_path, BOR + 'accepted = "accepted"\n', visits=READERS)
    assert words(accepted, "bor") == {"A": "PR", "B": "PD", "C": "CR", "D": ""}
    by_column = load(tmp_path, BOR + 'where = { reader = ["inv"] }\n', visits=READERS)
    assert words(by_column, "bor") == {"A": "PR", "B": "PD", "C": "", "D": ""}
    found = problems(tmp_path, BOR + 'reader = "centrl"\n', visits=READERS)
    assert [(problem.code, problem.mend) for problem in found] == [("level-unknown", "Did you mean 'central'?")]


def test_warnings(tmp_path: Path) -> None:
    visits = VISITS + "B,,SD,inv,Y\nC,2016-02-15,CR,inv,Y\nC,2016-03-28,PR,inv,Y\n"
    cohort = load(tmp_path, BOR, visits=visits)
    assert [(problem.level, *line(problem)) for problem in told(cohort)] == [
        ("warning", "visit-date-missing", 5, "B", "date", "", "derive.bor.date"),
        ("warning", "response-order", 7, "C", "overall", "PR", "derive.bor.response"),
    ]
    assert cohort.evidence["bor"]["n_undated"].tolist() == [0, 1, 0, 0]


def test_nothing_is_known_after_the_cut_off(tmp_path: Path) -> None:
    for declared, head in (
        (BOR + 'cutoff = "2016-03-01"\n', HEAD),
        (BOR, HEAD.replace('missing = [""]', 'missing = [""]\ncutoff = "2016-03-01"')),
    ):
        cohort = load(tmp_path, declared, head=head)
        assert words(cohort, "bor")["A"] == "SD"
        assert cohort.evidence["bor"]["n_after_cutoff"].tolist() == [1, 0, 0, 0]


def test_a_date_that_was_put_in_does_not_decide_in_silence(tmp_path: Path) -> None:
    head = HEAD.replace("IMPUTE", ', impute = "last"')
    visits = VISITS.replace("2016-02-15,SD", "2016-02,SD")
    assert told(load(tmp_path, BOR, head=head, visits=visits)) == []
    found = told(load(tmp_path, BOR, head=head, visits=visits + "A,2016-02-20,PD,inv,Y\n"))
    assert [(problem.code, problem.level) for problem in found] == [("impute-decides", "warning")]
    assert load(tmp_path, BOR, head=head, visits=visits).evidence["bor"]["imputed"].tolist() == [""] * 4


@pytest.mark.parametrize(
    ("before_scan", "answers"),
    [
        ("resistant", {"A": "no", "B": "yes", "C": "yes", "D": ""}),
        ("unknown", {"A": "no", "B": "", "C": "", "D": ""}),
        ("exclude", {"A": "no", "B": "", "C": "", "D": ""}),
    ],
)
def test_death_before_the_first_scan(tmp_path: Path, before_scan: str, answers: dict[str, str]) -> None:
    declared = FIRST + f'death = "death"\nclinical_progression = "progressed"\nbefore_scan = "{before_scan}"\n'
    patients = PATIENTS.replace("60,,", "60,2016-02-15,2016-04-01").replace("61,,", "61,,2016-01-20")
    patients = patients.replace("62,,", "62,2016-01-10,2016-01-09")
    cohort = load(tmp_path, declared, patients=patients)
    assert words(cohort, "primary") == answers
    basis = "excluded" if before_scan == "exclude" else "before scan"
    assert words(cohort, "primary_basis") == {"A": "scan", "B": basis, "C": basis, "D": ""}
    evidence = cohort.evidence["primary"]
    assert evidence["table"].tolist() == ["visits", "patients", "patients", ""]
    assert evidence["row"].tolist() == [2, 3, 4, pd.NA]
    assert str(evidence["date"]["C"].date()) == "2016-01-09"
    early = problems(tmp_path, declared, patients=patients.replace("2016-01-20", "2015-12-31"))
    assert [line(problem) for problem in early] == [
        ("date-before-start", 3, "B", "progressed", "2015-12-31", "derive.primary.clinical_progression")
    ]


def test_an_endpoint_refuses_codes_of_irecist(tmp_path: Path) -> None:
    declared = """
[endpoints.ttp]
kind = "time to event"
unknown = "exclude"
start = "start"
deaths = "censor at death"
events = [ { date = "date", where = { overall = ["PD"] }, reason = "progression" } ]
censors = [ { date = "last assessment", reason = "last assessment" } ]
assessments = { table = "visits", response = "overall" PROGRESSION }
"""
    plain = declared.replace("PROGRESSION", "")
    assert load(tmp_path, plain).endpoint("ttp")["event"].tolist() == [False, True, pd.NA, pd.NA]
    found = problems(tmp_path, plain, visits=VISITS.replace("PR", "iUPD"))
    assert [line(problem) for problem in found] == [
        ("response-irecist", 3, "A", "overall", "iUPD", "endpoints.ttp.assessments.response")
    ]
    # An endpoint of iRECIST says itself what its codes are.
    own = declared.replace("PROGRESSION", ', progression = ["iCPD", "PD"]')
    assert told(load(tmp_path, own, visits=VISITS.replace("PR", "iUPD"))) == []


def test_the_response_table_counts_a_best_response(tmp_path: Path) -> None:
    declared = (
        BOR
        + """
[[response]]
id = "table2"
title = "Best response"
variable = "bor"
sums = { "CR + PR" = ["CR", "PR"] }
"""
    )
    cohort = load(tmp_path, declared)
    frame = cs.response(cohort, cohort.study.exhibit("table2")).to_frame()
    counts = frame.set_index("row")["n"]
    assert (counts["bor/PR"], counts["bor/PD"], counts["bor/CR + PR"]) == (1, 1, 1)


def test_the_methods_say_which_visits_counted(tmp_path: Path) -> None:
    declared = BOR + 'label = "Best response"\nreader = "inv"\nconfirmed = true\n'
    declared += FIRST + 'accepted = "accepted"\nevaluation = "skip NE"\ndeath = "death"\nbefore_scan = "unknown"\n'
    cohort = load(tmp_path, declared)
    assert list(response_sentences(cohort, words_of("en"))) == [
        "Best response is the best response by RECIST 1.1 up to the first progression as read by inv; SD counted from "
        "42 days after start on, and CR and PR had to be confirmed at least 28 days later, with at most 1 NE and, for "
        "PR, one SD in between.",
        "primary is progression at the first evaluation after start as accepted after adjudication; those that could "
        "not be evaluated were skipped.",
        "After death or clinical progression before the first scan primary is unknown.",
    ]
    assert len(list(response_sentences(cohort, words_of("ja")))) == 3
