"""The study file: the two examples of its documentation, and a sentence for every way to get one wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cohortstats.errors import DataError, InputError, Problem
from cohortstats.expressions import ColumnKind
from cohortstats.study import AnyRow, BinaryEndpoint, Study, TimeToEventEndpoint, VariableRow, parse_cutoff

SAKAI = Path(__file__).parents[2] / "data" / "raw" / "sakai2018"
FIRST = (Path(__file__).parent / "first_study.toml").read_text(encoding="utf-8")
SECOND = (Path(__file__).parent / "second_study.toml").read_text(encoding="utf-8")

SMALL = """\
cohortstats = 1
[study]
id = "small"
title = "Small"
conventions = "ezr"
[data.patients]
file = "patients.csv"
id = "patient"
rows = "one per patient"
[columns.patients]
age = { type = "number", unit = "years" }
weight = { type = "number", unit = "kg" }
stage = { order = ["I", "II", "III"] }
sex = { }
hr = { type = "yes/no" }
start = { type = "date" }
seen = { type = "date" }
note = { type = "text" }
days = { type = "number" }
dead = { type = "yes/no" }
response = { order = ["CR", "PR", "SD", "PD"] }
[derive]
old = { when = "age > 65" }
[endpoints.pd]
kind = "binary"
when = "response == 'PD'"
unknown = "exclude"
[endpoints.os]
kind = "time to event"
time = "days"
event = "dead"
unknown = "exclude"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the shipped tables, away from the shipped study file."""
    for name in ("patients.csv", "ctdna.csv", "published.toml"):
        shutil.copy(SAKAI / name, tmp_path)
    return tmp_path


def study_of(folder: Path, text: str) -> Study:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return Study.read(path)


def problems_of(folder: Path, text: str) -> tuple[Problem, ...]:
    with pytest.raises(DataError) as caught:
        study_of(folder, text)
    return caught.value.problems


def line_of(text: str, start: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith(start))


# ---------------------------------------------------------------------------------------------------------------------
# The two examples
# ---------------------------------------------------------------------------------------------------------------------


def test_the_study_of_the_paper(folder: Path) -> None:
    study = study_of(folder, FIRST)
    assert (study.id, study.n, study.alpha) == ("sakai2018", 34, 0.05)
    assert study.folder == folder
    assert study.missing == {"": ""}
    assert list(study.data) == ["patients", "ctdna"]
    assert study.data["ctdna"].join == "left"
    assert [exhibit.id for exhibit in study.exhibits] == ["table1", "table2", "table3", "table4", "table5", "figure1"]
    assert len(study.columns["patients"]) == 25
    assert list(study.derive) == ["ctdna_tested", "her2_amplified", "pik3ca_mutated", "early_line", "risk_group"]
    assert isinstance(study.endpoints["primary_resistance"], BinaryEndpoint)
    assert isinstance(study.endpoints["ttp"], TimeToEventEndpoint)
    assert study.report.style == "paper"
    assert study.printed is not None
    assert len(study.printed.checkable) == 162
    column = study.column("resistance_recorded")
    assert column is not None
    assert column.source == "primary_resistance"
    assert study.column("risk_group") is None


def test_rows_of_the_first_table(folder: Path) -> None:
    table1 = study_of(folder, FIRST).exhibit("table1")
    rows = table1.rows  # type: ignore[union-attr]
    assert rows[0] == "age"
    assert rows[5] == VariableRow(variable="adjuvant_regimen", omit=("None",))
    assert rows[6] == VariableRow(variable="adjuvant_endocrine", show="yes")
    assert isinstance(rows[8], AnyRow)
    assert len(rows[8].any) == 11


def test_kinds_and_dependencies(folder: Path) -> None:
    study = study_of(folder, FIRST)
    assert study.variable_kind("age") == ColumnKind(kind="number", unit="years")
    assert study.variable_kind("prior_lines").levels == ("0", "1", "2", "3", "4", "≥ 5")
    assert study.variable_kind("risk_group").kind == "yes/no"
    assert study.variable_kind("primary_resistance").level_names == ("yes", "no")
    assert study.depends_on("risk_group") == {"hr_positive", "her2_ratio"}
    assert study.depends_on("primary_resistance") == {"best_response"}
    assert study.depends_on("ttp") == {"ttp_days", "progressed"}
    assert study.depends_on("age") == {"age"}
    assert study.uses["risk_group"] == {"hr_positive", "her2_ratio", "her2_amplified"}
    with pytest.raises(InputError, match=r"riskgroup is no column or derived name\. Did you mean risk_group\?"):
        study.variable_kind("riskgroup")
    with pytest.raises(InputError, match=r"riskgroup is no column or derived name\. Did you mean risk_group\?"):
        study.depends_on("riskgroup")


def test_the_messy_japanese_table(folder: Path) -> None:
    study = study_of(folder, SECOND)
    assert study.data["patients"].header == 2
    assert study.columns["patients"]["er"].yes == ("+", "陽性", "○")
    assert study.depends_on("hr_positive") == {"er", "pr"}
    assert set(study.missing) == {"", "NA", "NE", "不明", "未検", "-9"}
    endpoint = study.endpoints["ttp"]
    assert isinstance(endpoint, TimeToEventEndpoint)
    assert (endpoint.start, endpoint.event, endpoint.censor) == ("tdm1_start", "progression", "last_seen")
    assert study.report.lang == "ja"


def test_a_folder_is_read_by_its_study_file(folder: Path) -> None:
    (folder / "study.toml").write_text(SMALL, encoding="utf-8")
    assert Study.read(folder).path == folder / "study.toml"
    assert Study.read(str(folder)).id == "small"


def test_exhibits_come_in_the_order_of_the_file(folder: Path) -> None:
    text = (
        SMALL
        + """
[[listing]]
id = "b"
title = "B"
columns = ["age"]
[[characteristics]]
id = "a"
title = "A"
rows = ["age"]
[[listing]]
id = "c"
title = "C"
columns = ["age"]
"""
    )
    study = study_of(folder, text)
    assert [exhibit.id for exhibit in study.exhibits] == ["b", "a", "c"]
    assert study.lines["listing.c.columns"] == study.lines["listing[1].columns"] == line_of(text, 'id = "c"') + 2
    with pytest.raises(InputError, match=r"'d' is no exhibit of small\. Exhibits: b, a, c\."):
        study.exhibit("d")
    with pytest.raises(
        InputError, match=r"'tabel4' is no exhibit of sakai2018\. Did you mean 'table4'\? Exhibits: table1"
    ):
        study_of(folder, FIRST).exhibit("tabel4")


def test_nothing_of_a_study_can_be_changed(folder: Path) -> None:
    study = study_of(folder, FIRST)
    for mapping in (study.data, study.columns, study.columns["patients"], study.derive, study.endpoints, study.missing):
        with pytest.raises(TypeError):
            mapping["x"] = None  # type: ignore[index]
    with pytest.raises(AttributeError):
        study.n = 3  # type: ignore[misc]


def test_problems_of_later_stages_carry_file_and_line(folder: Path) -> None:
    study = study_of(folder, FIRST)
    problem = study.problem("columns.patients.age.range", "out-of-range", "17 is outside 18 to 110.", "Look.")
    assert (problem.file, problem.row) == ("study.toml", line_of(FIRST, "age "))
    problem = study.problem("columns.patients.age", "number-invalid", "'x' is no number.", file="patients.csv", row=7)
    assert str(problem) == "error   patients.csv row 7: 'x' is no number."
    problem = study.problem("columns.patients.age", "missing-many", "18 of 34.", level="warning", file="patients.csv")
    assert str(problem) == "warning patients.csv: 18 of 34."
    assert study.problem("association.table4.rows[2]", "x", "y.").row == line_of(FIRST, 'rows    = ["stage"')
    assert study.problem("zzz", "x", "y.").row is None


# ---------------------------------------------------------------------------------------------------------------------
# One fault at a time: code, line, sentence
# ---------------------------------------------------------------------------------------------------------------------

EXHIBIT = {
    "characteristics": '[[characteristics]]\nid = "t"\ntitle = "T"\n',
    "response": '[[response]]\nid = "t"\ntitle = "T"\n',
    "measurements": '[[measurements]]\nid = "t"\ntitle = "T"\n',
    "association": '[[association]]\nid = "t"\ntitle = "T"\n',
    "listing": '[[listing]]\nid = "t"\ntitle = "T"\n',
    "time_to_event": '[[time_to_event]]\nid = "t"\n',
}
GOOD = {
    "association": EXHIBIT["association"] + 'outcome = "pd"\nrows = ["stage"]\n',
    "time_to_event": EXHIBIT["time_to_event"] + 'endpoint = "os"\n',
    "measurements": EXHIBIT["measurements"] + 'columns = ["age", "days"]\n',
    "response": EXHIBIT["response"] + 'variable = "response"\n',
}


@pytest.mark.parametrize(
    ("old", "new", "code", "at", "sentence"),
    [
        # The file.
        ("cohortstats = 1\n", "", "key-missing", "", "study.toml needs cohortstats = 1. Write it as the first line."),
        (
            "cohortstats = 1",
            "cohortstats = 2",
            "version-unknown",
            "cohortstats",
            "cohortstats = 2 is newer than this program. Install a newer cohortstats.",
        ),
        ("cohortstats = 1", 'cohortstats = "1"', "version-unknown", "cohortstats", "cohortstats must be 1."),
        ("[derive]", "[derived]", "key-unknown", "[derived]", "derived is not a known section. Did you mean 'derive'?"),
        (
            "[derive]",
            "[[derive]]",
            "key-type",
            "[[derive]]",
            "derive must be a table. Write [derive] or [derive.NAME].",
        ),
        # [study]
        ('conventions = "ezr"\n', "", "key-missing", "[study]", "[study] needs conventions."),
        (
            'conventions = "ezr"',
            'conventions = { cox_ties = "efron" }',
            "key-missing",
            "conventions",
            '[study] conventions needs profile. Write profile = "ezr" in it.',
        ),
        (
            'conventions = "ezr"',
            "conventions = 3",
            "key-type",
            "conventions",
            "[study] conventions must be text or a table, not 3.",
        ),
        (
            'title = "Small"',
            'title = "Small"\nalpha = 5',
            "key-type",
            "alpha",
            "[study] alpha must lie between 0 and 1, not 5.0.",
        ),
        ('title = "Small"', 'title = "Small"\nn = 0', "key-type", "n = 0", "[study] n must be 1 or more, not 0."),
        (
            'id = "small"',
            'id = "../small"',
            "key-type",
            "id = ",
            "[study] id '../small' cannot name a file. Use letters, digits, - and _.",
        ),
        (
            'title = "Small"',
            'title = "Small"\ncutoff = "30.4.2017"',
            "key-type",
            "cutoff",
            "[study] cutoff must be a date, not '30.4.2017'. Write year-month-day, such as 2017-04-30.",
        ),
        (
            'title = "Small"',
            'title = "Small"\npublished = "../x.toml"',
            "file-outside",
            "published",
            "../x.toml leaves the study folder. Move it.",
        ),
        (
            'title = "Small"',
            'title = "Small"\ntitel = "x"',
            "key-unknown",
            "titel",
            "[study] titel is not a known key. Did you mean 'title'?",
        ),
        # [data] and [columns]
        (
            'file = "patients.csv"',
            'file = "../patients.csv"',
            "file-outside",
            "file = ",
            "../patients.csv leaves the study folder. Move it, or set [study] allow_outside = true.",
        ),
        (
            'file = "patients.csv"',
            'file = "/etc/passwd"',
            "file-outside",
            "file = ",
            "/etc/passwd leaves the study folder. Move it, or set [study] allow_outside = true.",
        ),
        (
            'file = "patients.csv"',
            "file = '..\\patients.csv'",
            "file-outside",
            "file = ",
            "..\\patients.csv leaves the study folder. Move it, or set [study] allow_outside = true.",
        ),
        (
            'rows = "one per patient"\n',
            "",
            "key-missing",
            "[data.patients]",
            '[data.patients] needs rows = "one per patient" or "many per patient".',
        ),
        (
            'rows = "one per patient"',
            'rows = "one per patient"\nheader = 0',
            "key-type",
            "header",
            "[data.patients] header must be 1 or more, not 0.",
        ),
        (
            "[columns.patients]",
            "[columns.patient]",
            "key-unknown",
            "[columns.patient]",
            "[columns.patient] has no table of that name in [data]. Did you mean 'patients'?",
        ),
        (
            "sex = { }",
            'sex = { type = "categry" }',
            "key-type",
            "sex",
            '[columns.patients.sex] type must be "number", "integer", "date", "yes/no", '
            '"ordered", "category" or "text", not "categry". Did you mean "category"?',
        ),
        (
            "sex = { }",
            "sex = { range = [1, 2] }",
            "key-conflict",
            "sex",
            "[columns.patients.sex] range does not apply "
            "to a column of type category. It belongs to integer or number.",
        ),
        (
            "sex = { }",
            'sex = { yes = ["m"] }',
            "key-conflict",
            "sex",
            "[columns.patients.sex] yes does not apply to a column of type category. It belongs to yes/no.",
        ),
        (
            "sex = { }",
            'sex = { labels = ["Man", "Woman"] }',
            "key-missing",
            "sex",
            "[columns.patients.sex] labels needs order. List all levels.",
        ),
        (
            "sex = { }",
            'sex = { type = "ordered" }',
            "key-missing",
            "sex",
            "[columns.patients.sex] needs order. List all levels, in their order.",
        ),
        (
            "sex = { }",
            'sex = { order = ["m", "f", "m"] }',
            "key-conflict",
            "sex",
            "[columns.patients.sex] order lists 'm' twice.",
        ),
        (
            "sex = { }",
            'sex = { order = ["m", "f"], labels = ["Man"] }',
            "key-conflict",
            "sex",
            "[columns.patients.sex] labels has 1 names for 2 levels. Levels: m, f.",
        ),
        (
            "sex = { }",
            'sex = { order = ["m", "f"], unknown = ["F"] }',
            "level-unknown",
            "sex",
            "[columns.patients.sex] unknown: 'F' is not among 'm', 'f'. Did you mean 'f'?",
        ),
        (
            "sex = { }",
            'sex = { order = ["m", "f"], values = { "1" = "w" } }',
            "level-unknown",
            "sex",
            "[columns.patients.sex] values: 'w' is not among 'm', 'f'.",
        ),
        (
            'hr = { type = "yes/no" }',
            'hr = { type = "yes/no", yes = ["+"], no = ["+"] }',
            "key-conflict",
            "hr",
            "[columns.patients.hr] '+' cannot mean both yes and no.",
        ),
        (
            'hr = { type = "yes/no" }',
            'hr = { type = "yes/no", labels = ["a", "b", "c"] }',
            "key-conflict",
            "hr",
            "[columns.patients.hr] labels has 3 names for 2 levels. Levels: yes, no.",
        ),
        (
            'unit = "years" }',
            'unit = "years", range = [110, 18] }',
            "key-conflict",
            "age",
            "[columns.patients.age] range begins at 110 and ends at 18.",
        ),
        (
            'unit = "years" }',
            'unit = "years", thousands = ",", decimal = "," }',
            "key-conflict",
            "age",
            "[columns.patients.age] thousands and decimal exclude each other: both are ','.",
        ),
        (
            "[derive]",
            '[data.more]\nfile = "m.csv"\nid = "p"\n'
            'rows = "one per patient"\n[columns.more]\nage = { type = "number" }\n[derive]',
            "key-conflict",
            'age = { type = "number" }',
            '[columns.more.age] age is a column of patients too. Give one another name, with from = "age".',
        ),
        # [derive]
        (
            "age > 65",
            "aeg > 65",
            "expression-name",
            "old",
            "[derive.old] when: aeg is no column or derived name. Did you mean age?",
        ),
        (
            "age > 65",
            "age = 65",
            "expression-syntax",
            "old",
            "[derive.old] when: position 5: '=' alone compares nothing. Write ==.",
        ),
        (
            "age > 65",
            "1 < age < 9",
            "expression-chain",
            "old",
            "[derive.old] when: position 9: two comparisons in a row. Write 1 < age and age < 9.",
        ),
        ("age > 65", "age", "expression-type", "old", "[derive.old] when: 'age' gives a number, yes or no is needed."),
        (
            "age > 65",
            "stage >= 'IV'",
            "level-unknown",
            "old",
            "[derive.old] when: 'IV' is not among the levels of stage: 'I', 'II', 'III'. Did you mean 'I'?",
        ),
        (
            "age > 65",
            "age > weight",
            "unit-mismatch",
            "old",
            "[derive.old] when: age is in years, weight is in kg; they cannot be compared. Convert one of them.",
        ),
        ("age > 65", "not old", "expression-cycle", "old", "old needs old. Break the circle."),
        ("old = {", "age = {", "key-conflict", "age = { when", "[derive.age] age hides a column. Use another name."),
        (
            'when = "age > 65"',
            'when = "age > 65", value = "1"',
            "key-conflict",
            "old",
            "[derive.old] when and value exclude each other.",
        ),
        (
            'when = "age > 65"',
            'label = "Old"',
            "key-missing",
            "old",
            "[derive.old] needs one of when, value and cases.",
        ),
        (
            'when = "age > 65"',
            'when = "age > 65", else = "x"',
            "key-conflict",
            "old",
            "[derive.old] else belongs to cases.",
        ),
        (
            'when = "age > 65"',
            'when = "age > 65", unit = "x"',
            "key-conflict",
            "old",
            "[derive.old] unit belongs to value.",
        ),
        (
            'when = "age > 65"',
            'when = "age > 65", labels = ["x"]',
            "key-conflict",
            "old",
            "[derive.old] labels has 1 names for 2 levels. Levels: yes, no.",
        ),
        (
            'when = "age > 65"',
            'value = "age > 65"',
            "expression-type",
            "old",
            "[derive.old] value gives yes or no. Write when instead of value.",
        ),
        (
            'when = "age > 65"',
            'value = "stage", unit = "x"',
            "key-conflict",
            "old",
            "[derive.old] unit does not apply: value gives ordered.",
        ),
        (
            'when = "age > 65"',
            'cases = [["age", "old"]]',
            "expression-type",
            "old",
            "[derive.old] cases: 'age' gives a number, yes or no is needed.",
        ),
        (
            'when = "age > 65"',
            'cases = [["age > 65", "old"]], else = "young", labels = ["Old"]',
            "key-conflict",
            "old",
            "[derive.old] labels has 1 names for 2 levels. Levels: old, young.",
        ),
        (
            'when = "age > 65"',
            "cases = []",
            "key-type",
            "old",
            "[derive.old] cases must be a list of pairs, not an empty list.",
        ),
        # [endpoints]
        (
            'unknown = "exclude"\n[endpoints.os]',
            "[endpoints.os]",
            "key-missing",
            "[endpoints.pd]",
            '[endpoints.pd] needs unknown = "not an event", "event" or "exclude".',
        ),
        (
            'kind = "binary"\n',
            "",
            "key-missing",
            "[endpoints.pd]",
            '[endpoints.pd] needs kind = "binary" or "time to event".',
        ),
        (
            'kind = "binary"',
            'kind = "binray"',
            "key-type",
            "kind = ",
            '[endpoints.pd] kind must be "binary" or "time to event", not \'binray\'. Did you mean "binary"?',
        ),
        (
            "[endpoints.pd]",
            "[endpoints.age]",
            "key-conflict",
            "[endpoints.age]",
            '[endpoints.age] age hides a column or derived name. Rename it, or the column with from = "…".',
        ),
        (
            "response == 'PD'",
            "response == 'pd'",
            "level-unknown",
            'when = "resp',
            "[endpoints.pd] when: 'pd' is not among the levels of response: 'CR', 'PR', 'SD', 'PD'. Did you mean 'PD'?",
        ),
        (
            "response == 'PD'\"",
            'response == \'PD\'"\nconfirm = "deed"',
            "expression-name",
            "confirm",
            "[endpoints.pd] confirm: deed is no column or derived name. Did you mean dead?",
        ),
        (
            "response == 'PD'\"",
            'response == \'PD\'"\nconfirm = "age"',
            "expression-type",
            "confirm",
            "[endpoints.pd] confirm: age is a number, yes/no is needed.",
        ),
        (
            "response == 'PD'\"",
            'response == \'PD\'"\nconfirm = "old"',
            "expression-name",
            "confirm",
            "[endpoints.pd] confirm: old is derived, a column is needed.",
        ),
        (
            'time = "days"',
            'time = "dys"',
            "expression-name",
            "time = ",
            "[endpoints.os] time: dys is no column or derived name. Did you mean days?",
        ),
        (
            'time = "days"',
            'time = "start"',
            "expression-type",
            "time = ",
            "[endpoints.os] time: start is a date, a number is needed.",
        ),
        (
            'time = "days"',
            'start = "start"',
            "expression-type",
            "event = ",
            "[endpoints.os] event: dead is yes/no, a date is needed.",
        ),
        ('time = "days"\n', "", "key-missing", "[endpoints.os]", "[endpoints.os] needs time, or start and censor."),
        (
            'time = "days"',
            'time = "days"\nplus_one = true',
            "key-conflict",
            "plus_one",
            "[endpoints.os] plus_one belongs to start, not to time.",
        ),
        (
            'time = "days"',
            'time = "days"\ncensor = "seen"',
            "key-conflict",
            "censor",
            "[endpoints.os] censor belongs to start, not to time.",
        ),
        (
            'event = "dead"',
            'event = "dead"\nunit = "day"',
            "key-type",
            "unit = ",
            '[endpoints.os] unit must be "days", "weeks", "months" or "years", not "day". Did you mean "days"?',
        ),
    ],
)
def test_faults_of_the_sections(folder: Path, old: str, new: str, code: str, at: str, sentence: str) -> None:
    assert old in SMALL
    text = SMALL.replace(old, new, 1)
    problems = problems_of(folder, text)
    first = next(problem for problem in problems if problem.code == code)
    assert f"{first.message} {first.mend}".strip().startswith(sentence)
    assert first.file == "study.toml"
    assert first.row == (line_of(text, at) if at else None)
    if code not in ("version-unknown", "expression-cycle") and "[derived]" not in new and "columns.patient]" not in new:
        assert len([problem for problem in problems if problem.code == code]) == 1


@pytest.mark.parametrize(
    ("added", "code", "at", "sentence"),
    [
        (
            '[[check]]\nwhen = "agee > 1"\n',
            "expression-name",
            'when = "agee',
            "[[check]] when: agee is no column or derived name. Did you mean age?",
        ),
        ('[[check]]\nmessage = "x"\n', "key-missing", "[[check]]", "[[check]] needs when."),
        (
            GOOD["association"] + 'effekt = "none"\n',
            "key-unknown",
            "effekt",
            "[[association]] effekt is not a known key. Did you mean 'effect'?",
        ),
        (
            EXHIBIT["association"] + 'outcome = "os"\nrows = ["stage"]\n',
            "expression-name",
            "outcome",
            "[[association]] outcome: os is a time to event endpoint, a binary endpoint is needed. Endpoints: pd.",
        ),
        (
            EXHIBIT["association"] + 'outcome = "pdd"\nrows = ["stage"]\n',
            "expression-name",
            "outcome",
            "[[association]] outcome: pdd is no binary endpoint. Did you mean pd?",
        ),
        (
            EXHIBIT["association"] + 'outcome = "pd"\nrows = [\n "stage",\n "age",\n]\n',
            "expression-type",
            ' "age"',
            "[[association]] rows: age is a number, yes/no or ordered or a category is needed.",
        ),
        (
            EXHIBIT["association"] + 'outcome = "pd"\nrows = [\n "stage",\n "stge",\n]\n',
            "expression-name",
            ' "stge"',
            "[[association]] rows: stge is no column or derived name. Did you mean stage?",
        ),
        (
            GOOD["association"] + 'test = "chisquare"\n',
            "key-type",
            "test = ",
            '[[association]] test must be "fisher", "fisher-midp", "boschloo", "barnard" or "chi2-n1", not "chisquare".',
        ),
        (
            GOOD["association"] + 'population = "age"\n',
            "expression-type",
            "population",
            "[[association]] population: 'age' gives a number, yes or no is needed.",
        ),
        (
            EXHIBIT["time_to_event"] + 'endpoint = "pd"\n',
            "expression-name",
            "endpoint",
            "[[time_to_event]] endpoint: pd is a binary endpoint, a time to event endpoint is needed. Endpoints: os.",
        ),
        (
            GOOD["time_to_event"] + 'groups = "age"\n',
            "expression-type",
            "groups",
            "[[time_to_event]] groups: age is a number, yes/no or ordered or a category is needed.",
        ),
        (
            GOOD["time_to_event"] + 'groups = "pd"\n',
            "formed-undeclared",
            "groups",
            "[[time_to_event]] pd uses what happened "
            "after the start of time: pd. Make it a [derive] entry and set formed there.",
        ),
        (
            GOOD["time_to_event"] + 'groups = "dead"\n',
            "formed-undeclared",
            "groups",
            "[[time_to_event]] dead uses what happened after the start of time: dead.",
        ),
        (
            GOOD["time_to_event"] + 'strata = "dead"\n',
            "formed-undeclared",
            "strata",
            "[[time_to_event]] dead uses what happened after the start of time: dead.",
        ),
        (
            GOOD["time_to_event"] + 'groups = "risk"\n[derive.risk]\nwhen = "old and not pd"\n',
            "formed-undeclared",
            "groups",
            "[[time_to_event]] risk uses what happened after the start of time: pd. "
            'Set formed = "after outcome" in [derive.risk], or "at baseline" if it was known then.',
        ),
        (
            GOOD["time_to_event"]
            + 'groups = "r"\n[derive.r]\nwhen = "response <= \'PR\'"\n'
            + GOOD["response"].replace('"t"', '"u"'),
            "formed-undeclared",
            "groups",
            "[[time_to_event]] r uses what happened after the start of time: response.",
        ),
        (
            GOOD["measurements"] + 'mark = { agee = "> 3" }\n',
            "expression-name",
            "mark",
            "[[measurements]] mark: agee is not among the columns of the exhibit. Did you mean age?",
        ),
        (
            GOOD["measurements"] + 'mark = { age = "3" }\n',
            "key-type",
            "mark",
            "[[measurements]] mark: '3' is no cut-off. Write the side and the number, such as \"> 1.25\".",
        ),
        (
            EXHIBIT["measurements"] + 'columns = ["stage"]\n',
            "expression-type",
            "columns = ",
            "[[measurements]] columns: stage is ordered, a number is needed.",
        ),
        (
            EXHIBIT["response"] + 'variable = "age"\n',
            "expression-type",
            "variable",
            "[[response]] variable: age is a number, ordered or a category is needed.",
        ),
        (
            GOOD["response"] + 'sums = { "CR + PR" = ["CR", "Pr"] }\n',
            "level-unknown",
            "sums",
            "[[response]] sums: 'Pr' is not among 'CR', 'PR', 'SD', 'PD'. Did you mean 'PR'?",
        ),
        (
            EXHIBIT["characteristics"] + 'rows = ["age", { variable = "stage", omit = ["IIII"] }]\n',
            "level-unknown",
            "rows = [",
            "[[characteristics]] omit: 'IIII' is not among 'I', 'II', 'III'. Did you mean 'III'?",
        ),
        (
            EXHIBIT["characteristics"] + 'rows = [{ variable = "hr", show = "Yes" }]\n',
            "level-unknown",
            "rows = [",
            "[[characteristics]] show: 'Yes' is not among 'yes', 'no'. Did you mean 'yes'?",
        ),
        (
            EXHIBIT["characteristics"] + 'rows = [{ variable = "age", show = "yes" }]\n',
            "key-conflict",
            "rows = [",
            "[[characteristics]] show: age is a number and has no levels.",
        ),
        (
            EXHIBIT["characteristics"] + 'rows = [{ label = "X", any = ["hr", "stage"] }]\n',
            "expression-type",
            "rows = [",
            "[[characteristics]] any: stage is ordered, yes/no is needed.",
        ),
        (
            EXHIBIT["characteristics"] + 'rows = [{ label = "X", anny = ["hr"] }]\n',
            "key-unknown",
            "rows = [",
            "[[characteristics]] rows: anny is not a known key. Did you mean 'any'?",
        ),
        (
            EXHIBIT["characteristics"] + 'rows = ["os"]\n',
            "expression-name",
            "rows = [",
            "[[characteristics]] rows: os is a time-to-event endpoint, not a column or derived name.",
        ),
        (
            EXHIBIT["listing"] + 'columns = ["hr"]\n' + GOOD["association"].replace('"t"', '"T"'),
            "key-conflict",
            'id = "T"',
            "[[association]] id 'T' is used twice. Give each exhibit its own id.",
        ),
        (
            GOOD["association"] + GOOD["association"],
            "key-conflict",
            None,
            "[[association]] id 't' is used twice. Give each exhibit its own id.",
        ),
        (
            GOOD["association"].replace('"t"', '"a/b"'),
            "key-type",
            'id = "a/b"',
            "[[association]] id 'a/b' cannot name a file. Use letters, digits, - and _.",
        ),
        (
            GOOD["association"] + 'labels = { stge = "Stage" }\n',
            "expression-name",
            "labels",
            "[[association]] labels: stge is not among the rows of the exhibit. Did you mean stage?",
        ),
        (
            GOOD["time_to_event"] + "at = [90, -1]\n",
            "key-type",
            "at = ",
            "[[time_to_event]] at must be 0 or more, not -1.",
        ),
        (
            GOOD["time_to_event"] + "ticks = -90\n",
            "key-type",
            "ticks",
            "[[time_to_event]] ticks must be 0 or more, not -90.",
        ),
        (
            GOOD["time_to_event"] + "min_at_risk = -1\n",
            "key-type",
            "min_at_risk",
            "[[time_to_event]] min_at_risk must be 0 or more, not -1.",
        ),
        (
            '[report]\nformats = ["rtf"]\n',
            "key-type",
            "formats",
            '[report] formats must be a list of "html", "docx", "latex", "md", "csv" or "pdf", not "rtf".',
        ),
        (
            '[report]\nfigures = ["png@0"]\n',
            "key-type",
            "figures",
            "[report] figures must be svg, pdf, png or png@600, not 'png@0'.",
        ),
        (
            "[report]\nprivacy = { min_cell = 2 }\n",
            "key-type",
            "privacy",
            "[report] privacy: min_cell must be 0, or 3 or more, not 2.",
        ),
        (
            "[report]\nprivacy = { curve_csv = 1 }\n",
            "key-type",
            "privacy",
            "[report] privacy: curve_csv must be",
        ),
    ],
)
def test_faults_of_checks_exhibits_and_report(
    folder: Path, added: str, code: str, at: str | None, sentence: str
) -> None:
    text = SMALL + added
    problems = problems_of(folder, text)
    assert [problem.code for problem in problems] == [code]
    first = problems[0]
    assert f"{first.message} {first.mend}".strip().startswith(sentence)
    if at is not None:
        assert first.row == line_of(text, at)
    else:
        assert first.row == len(SMALL.splitlines()) + 7  # the second id


def test_a_circle_through_an_endpoint(folder: Path) -> None:
    text = SMALL.replace("age > 65", "not pd").replace("response == 'PD'", "response == 'PD' and old")
    problems = problems_of(folder, text)
    assert [problem.code for problem in problems] == ["expression-cycle"]
    assert problems[0].message == "old needs pd needs old."
    assert problems[0].row == line_of(text, "old =")


def test_a_time_and_dates_exclude_each_other(folder: Path) -> None:
    text = SMALL.replace('time = "days"', 'time = "days"\nstart = "start"')
    problems = problems_of(folder, text)
    assert problems[0].message == "[endpoints.os] time and start exclude each other."
    assert problems[0].row == line_of(text, 'start = "start"')


@pytest.mark.parametrize("formed", ["at baseline", "after outcome"])
def test_a_declared_grouping_is_taken(folder: Path, formed: str) -> None:
    text = SMALL + GOOD["time_to_event"] + f'groups = "risk"\n[derive.risk]\nwhen = "pd"\nformed = "{formed}"\n'
    assert study_of(folder, text).depends_on("risk") == {"response"}


def test_the_start_date_is_no_outcome(folder: Path) -> None:
    text = SMALL.replace('time = "days"\nevent = "dead"', 'start = "start"\nevent = "seen"')
    text += GOOD["time_to_event"] + 'groups = "recent"\n[derive.recent]\nwhen = "start >= \'2016-01-01\'"\n'
    assert study_of(folder, text).depends_on("recent") == {"start"}


def test_outside_files_can_be_allowed(folder: Path) -> None:
    text = SMALL.replace("patients.csv", "../patients.csv").replace(
        'title = "Small"', 'title = "S"\nallow_outside = true'
    )
    assert study_of(folder, text).data["patients"].file == "../patients.csv"


def test_missing_codes_with_reasons_and_one_changed_convention(folder: Path) -> None:
    text = SMALL.replace('"ezr"', '{ profile = "ezr", cox_ties = "efron" }')
    text = text.replace('title = "Small"', 'title = "Small"\nmissing = { NE = "not evaluable", "未検" = "not done" }')
    assert study_of(folder, text).missing == {"NE": "not evaluable", "未検": "not done"}


def test_a_profile_that_does_not_exist(folder: Path) -> None:
    problems = problems_of(folder, SMALL.replace('"ezr"', '"ezzr"'))
    assert len(problems) == 1
    assert (problems[0].code, problems[0].row) == ("key-type", 5)
    assert problems[0].message.startswith("[study] conventions: ")
    assert "ezzr" in problems[0].message


def test_cases_make_a_category_with_levels_in_their_order(folder: Path) -> None:
    text = SMALL.replace('when = "age > 65"', 'cases = [["age > 65", "old"], ["age > 40", "middle"]], else = "young"')
    assert study_of(folder, text).variable_kind("old") == ColumnKind(kind="category", levels=("old", "middle", "young"))


def test_a_derived_number_has_its_unit(folder: Path) -> None:
    text = SMALL.replace('when = "age > 65"', 'value = "age / 10", unit = "decades"')
    assert study_of(folder, text).variable_kind("old") == ColumnKind(kind="number", unit="decades")
    text = SMALL.replace('when = "age > 65"', 'value = "if(age > 65, \'old\', \'young\')", labels = ["Old", "Young"]')
    assert study_of(folder, text).variable_kind("old").levels == ("old", "young")


def test_one_slip_is_told_once(folder: Path) -> None:
    """A column that cannot be read still exists for the names that use it."""
    text = SMALL.replace('age = { type = "number"', 'age = { type = "numbr"') + GOOD["measurements"]
    assert len(problems_of(folder, text)) == 1
    text = SMALL.replace("age > 65", "aeg > 65") + GOOD["association"].replace('"stage"', '"old"')
    assert len(problems_of(folder, text)) == 1


def test_a_misspelt_section_is_read_as_what_was_meant(folder: Path) -> None:
    text = SMALL.replace("[derive]", "[derived]") + GOOD["association"].replace('"stage"', '"old"')
    problems = problems_of(folder, text)
    assert [problem.message for problem in problems] == ["derived is not a known section."]
    text = text.replace("age > 65", "aeg > 65")
    problems = problems_of(folder, text)
    assert [problem.code for problem in problems] == ["key-unknown", "expression-name"]
    assert problems[1].row == line_of(text, "old")


def test_a_long_chain_of_derived_names_is_no_deep_stack(folder: Path) -> None:
    chain = "".join(f'x{i} = {{ when = "not x{i + 1}" }}\n' for i in range(2000))
    study = study_of(folder, SMALL.replace("[derive]\n", f'[derive]\n{chain}x2000 = {{ when = "hr" }}\n'))
    assert study.depends_on("x0") == {"hr"}


VALUES = ["3", "-1", "true", "[]", "{}", '""', '"x"', "[1]", '["a"]', "{ a = 1 }", "nan", "1979-05-27", '"("', "[[]]"]


@pytest.mark.parametrize("value", VALUES)
def test_whatever_a_key_holds_the_file_is_read_or_refused_in_words(folder: Path, value: str) -> None:
    whole = SMALL + "".join(GOOD[name].replace('"t"', f'"{name}"') for name in GOOD)
    lines = whole.splitlines()
    for place, line in enumerate(lines):
        key, sign, _ = line.partition(" = ")
        for changed in (f"{key} = {value}" if sign else "", ""):
            try:
                study_of(folder, "\n".join([*lines[:place], changed, *lines[place + 1 :]]))
            except DataError as error:
                assert all(problem.message and problem.code for problem in error.problems)


def test_missing_files(folder: Path) -> None:
    with pytest.raises(DataError) as caught:
        Study.read(folder / "nowhere")
    assert caught.value.missing_file
    assert str(caught.value).startswith("error   nowhere: nowhere is not there. Files beside the study: ctdna.csv, ")
    (folder / "empty").mkdir()
    with pytest.raises(DataError) as caught:
        Study.read(folder / "empty")
    assert str(caught.value) == "error   study.toml: study.toml is not there. Files beside the study: none."
    with pytest.raises(DataError) as caught:
        study_of(folder, SMALL.replace('title = "Small"', 'title = "Small"\npublished = "publishd.toml"'))
    assert caught.value.missing_file
    assert str(caught.value) == (
        "error   publishd.toml: publishd.toml is not there. Did you mean published.toml? Files beside the study: "
        "ctdna.csv, patients.csv, published.toml, study.toml."
    )


def test_twelve_faults_are_twelve_problems(folder: Path) -> None:
    text = SMALL
    for old, new in {
        'conventions = "ezr"': 'conventions = "ezr"\nalfa = 0.05',  # 1
        'file = "patients.csv"': 'file = "../patients.csv"',  # 2
        "sex = { }": "sex = { range = [0, 1] }",  # 3
        'note = { type = "text" }': 'note = { type = "txt" }',  # 4
        "age > 65": "aeg > 65",  # 5
        "response == 'PD'": "response == 'PDD'",  # 6
        'time = "days"': 'time = "dayz"',  # 7
    }.items():
        assert old in text
        text = text.replace(old, new, 1)
    text += GOOD["association"].replace('"pd"', '"pdd"') + 'effekt = "none"\n'  # 8: the section is not read further
    text += GOOD["time_to_event"].replace('"t"', '"u"') + 'groups = "dead"\n'  # 9
    text += GOOD["response"].replace('"t"', '"v"') + 'sums = { "x" = ["XX"] }\n'  # 10
    text += '[[check]]\nwhen = "age"\n'  # 11
    text += "[reprt]\n"  # 12
    problems = problems_of(folder, text)
    assert len(problems) == 12
    assert {problem.code for problem in problems} == {
        "key-unknown",
        "file-outside",
        "key-conflict",
        "key-type",
        "expression-name",
        "level-unknown",
        "formed-undeclared",
        "expression-type",
    }
    assert all(problem.row for problem in problems)


def test_problems_of_the_printed_values_come_with_those_of_the_study(folder: Path) -> None:
    published = (folder / "published.toml").read_text(encoding="utf-8").replace('"9 (26.5)"]', '"9 (26,5)"]', 1)
    (folder / "published.toml").write_text(published, encoding="utf-8")
    problems = problems_of(folder, FIRST.replace("her2_ratio > 1.25", "her2_ration > 1.25"))
    assert {problem.file for problem in problems} == {"study.toml", "published.toml"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("> 1.25", (">", "1.25")),
        (">3", (">", "3")),
        ("≥ 10", (">=", "10")),
        ("<= -0.50", ("<=", "-0.50")),
        (" < 3 ", ("<", "3")),
    ],
)
def test_cut_offs(text: str, expected: tuple[str, str]) -> None:
    assert parse_cutoff(text) == expected


@pytest.mark.parametrize("text", ["1.25", "> ", "> x", "= 3", "> 1.", "> .5", "> 1e3", "> ３", "> 1.2.3", "", "> -"])
def test_what_is_no_cut_off(text: str) -> None:
    with pytest.raises(InputError, match="is no cut-off"):
        parse_cutoff(text)
