"""What was printed: the shipped file, rounding, cells, faults, and the places where a paper differs from itself."""

from __future__ import annotations

import csv
import math
import shutil
from collections import Counter
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohortstats.errors import DataError, InputError, Problem
from cohortstats.expressions import ColumnKind
from cohortstats.printed import Cell, Printed, conflicts, parse_cell, rounds_to, split_address

ROOT = Path(__file__).parents[2]
SAKAI = ROOT / "data" / "raw" / "sakai2018"
TEXT = (SAKAI / "published.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sakai() -> Printed:
    return Printed.read(SAKAI)


@pytest.fixture(scope="module")
def cells() -> dict[str, list[str | None]]:
    """The shipped cohort as text, both files side by side."""
    with (SAKAI / "patients.csv").open(encoding="utf-8", newline="") as stream:
        patients = list(csv.DictReader(stream))
    with (SAKAI / "ctdna.csv").open(encoding="utf-8", newline="") as stream:
        plasma = {row["patient"]: row for row in csv.DictReader(stream)}
    names = [*patients[0], *[name for name in next(iter(plasma.values())) if name != "patient"]]
    return {
        name: [row[name] if name in row else plasma.get(row["patient"], {}).get(name) for row in patients]
        for name in names
    }


def read(folder: Path, text: str) -> Printed:
    shutil.copy(SAKAI / "ctdna.csv", folder)
    path = folder / "published.toml"
    path.write_text(text, encoding="utf-8")
    return Printed.read(path)


def problems_of(folder: Path, text: str) -> tuple[Problem, ...]:
    with pytest.raises(DataError) as caught:
        read(folder, text)
    return caught.value.problems


# ---------------------------------------------------------------------------------------------------------------------
# The shipped file
# ---------------------------------------------------------------------------------------------------------------------


def test_162_values_of_which_63_are_percentages_and_9_are_p(sakai: Printed) -> None:
    checkable = sakai.checkable
    assert len(checkable) == 162
    statistics = Counter(value.statistic for value in checkable)
    assert (statistics["percent"], statistics["p_value"]) == (63, 9)
    figure = [value for value in checkable if value.source == "survival" and value.statistic != "p_value"]
    assert [value.text for value in figure] == ["56.6", "36", "NA", "318.0", "187", "NA"]
    assert [value.variable for value in figure] == ["risk_group"] * 6
    assert len(sakai.repeats) == 44
    assert len({value.id for value in sakai.values}) == len(sakai.values) == 166


def test_statements_that_cannot_hold_are_kept_apart(sakai: Printed) -> None:
    apart = {value.id for value in sakai.values} - {value.id for value in sakai.checkable}
    assert apart == {"text/evaluable/n", "text/received_tdm1/n", "text/reference35/n", "text/reference35/percent"}


def test_addresses(sakai: Printed) -> None:
    value = sakai.value("table1/her2_ihc/2+/FISH+/n")
    assert (value.text, value.variable, value.level, value.statistic) == ("4", "her2_ihc", "2+/FISH+", "n")
    assert value.where == "Table 1"
    assert TEXT.splitlines()[value.line - 1].startswith('cells    = [["3+"')
    assert sakai.value("table4/hr_positive/p_value").text == "0.438"
    assert sakai.value("table4/hr_positive/yes/total").text == "17"
    assert sakai.value("table4/all/percent").text == "26.5"
    assert sakai.value("table1/age/max").text == "84"
    assert sakai.value("table1/prior_s1/yes/percent").text == "11.7"
    assert sakai.value("cohort/n").where == "Abstract"
    assert {repeat.id for repeat in sakai.repeats} <= sakai.addresses
    assert set(sakai.known) <= sakai.addresses
    with pytest.raises(
        InputError, match=r"table1/prior_s2/yes/n is no printed value\. Did you mean table1/prior_s1/yes/n\?"
    ):
        sakai.value("table1/prior_s2/yes/n")


def test_repeats_print_the_same_strings(sakai: Printed) -> None:
    assert all(sakai.value(repeat.id).text == repeat.text for repeat in sakai.repeats)


def test_who_printed_it(sakai: Printed) -> None:
    assert (sakai.id, sakai.authors, sakai.year, sakai.software, sakai.n) == (
        "sakai2018",
        "Sakai et al.",
        2018,
        "EZR",
        34,
    )
    assert sakai.synthetic.startswith("rebuilt from published aggregates")
    assert sakai.given is not None
    assert (sakai.given.rows, sakai.given.columns[:2]) == (16, ("patient", "her2_ratio"))


def test_kinds(sakai: Printed) -> None:
    assert sakai.column_kind("prior_lines").kind == "ordered"
    assert sakai.column_kind("best_response") == ColumnKind(kind="category", levels=("CR", "PR", "SD", "PD", "Unknown"))
    assert sakai.column_kind("hr_positive").kind == "yes/no"
    assert sakai.column_kind("her2_ratio").kind == "number"
    assert sakai.column_kind("ttp_days").unit == "days"
    assert sakai.column_kind("patient").kind == "text"
    assert sakai.column_kind("risk_group").kind == "yes/no"
    with pytest.raises(InputError, match=r"riskgroup is no column\. Did you mean risk_group\?"):
        sakai.column_kind("riskgroup")


def test_every_count_and_percentage_recomputed_on_the_shipped_cohort(
    sakai: Printed, cells: dict[str, list[str | None]]
) -> None:
    counted = [value for value in sakai.checkable if value.statistic in ("n", "total", "percent")]
    verdicts = {}
    for value in counted:
        recomputed = sakai.count(value, cells)
        assert recomputed is not None
        verdicts[value.id] = rounds_to(recomputed, value.text)
    assert len(verdicts) == 162 - 9 - 6 - 3  # P, medians and limits, the ages
    assert {id for id, verdict in verdicts.items() if verdict != "agrees"} == {
        "table1/prior_s1/yes/percent",
        "table1/prior_others/yes/percent",
        "table1/prior_cyclophosphamide/yes/percent",
    }
    assert set(verdicts.values()) == {"agrees", "last digit"}


def test_every_level_is_an_ordinary_value_here(sakai: Printed, cells: dict[str, list[str | None]]) -> None:
    result = sakai.evaluate("best_response != 'Unknown'", cells)
    assert (int(result.data.sum()), int(result.missing.sum())) == (31, 0)
    union = sakai.evaluate(sakai.texts[-2].reading, cells)
    assert sakai.texts[-2].id == "received_tdm1"
    assert int(union.data.sum()) == 33
    for rule in (*sakai.derived, *sakai.assumed):
        if rule.rule and "metastatic_anthracycline" not in rule.rule:
            assert bool(sakai.evaluate(rule.rule, cells).data.all()), rule.id


def test_cells_that_do_not_fit(sakai: Printed, cells: dict[str, list[str | None]]) -> None:
    with pytest.raises(InputError, match="hr_positive holds 'maybe', which is not yes or no"):
        sakai.evaluate("hr_positive", {"hr_positive": ["yes", "maybe"]})
    with pytest.raises(InputError, match="the cohort has no column hr_positive"):
        sakai.evaluate("hr_positive", {"age": ["1"]})
    with pytest.raises(InputError, match="prior_lines holds '9', which is not one of 0, 1, 2, 3, 4, >=5"):
        sakai.evaluate("prior_lines <= '1'", {"prior_lines": ["9"]})
    with pytest.raises(InputError, match="her2_ratio holds 'x', which is not a number"):
        sakai.evaluate("her2_amplified", {"her2_ratio": ["x"]})


def test_what_cannot_be_counted(sakai: Printed, cells: dict[str, list[str | None]]) -> None:
    assert sakai.count(sakai.value("figure1/p_value"), cells) is None
    assert sakai.count(sakai.value("figure1/yes/median"), cells) is None
    patients = {name: column for name, column in cells.items() if name not in ("her2_ratio", "hr_positive")}
    value = sakai.value("table4/her2_amplified/yes/percent")
    assert sakai.count(value, patients) is None
    assert sakai.lacking(value, patients) == ("her2_ratio",)
    assert sakai.lacking(sakai.value("text/her2_gain/percent"), {}) == ("her2_ratio",)
    assert sakai.lacking(sakai.value("table1/stage/Stage IV/n"), {}) == ("stage",)
    assert sakai.lacking(value, cells) == ()
    nobody: dict[str, list[str | None]] = {name: [] for name in cells}
    assert sakai.count(value, nobody) is None
    assert sakai.count(sakai.value("table4/her2_amplified/yes/n"), nobody) == 0


def test_the_four_conflicts(sakai: Printed) -> None:
    found = {conflict.id: conflict for conflict in conflicts(sakai)}
    assert {id: (conflict.printed, conflict.recomputed) for id, conflict in found.items()} == {
        "text/evaluable/n": (("34", "31"), "31"),
        "text/received_tdm1/n": (("33", "34"), "34"),
        "text/reference35/percent": (("43", "10 of 34"), "29.4"),
        "identity/one_receptor_status": (("18/16", "17/17"), "equal counts"),
    }
    assert found["text/evaluable/n"].note == "3 of 34 responses are unknown"
    assert found["identity/one_receptor_status"].where == "Table 1, Table 4"
    assert TEXT.splitlines()[found["identity/one_receptor_status"].line - 1] == "[[identity]]"


@pytest.mark.parametrize(
    ("old", "new", "gone", "come"),
    [
        (
            'n       = "34"\nwhen    = "best_response',
            'n       = "31"\nwhen    = "best_response',
            ["text/evaluable/n"],
            [],
        ),
        ('n       = "33"', 'n       = "34"', ["text/received_tdm1/n"], []),
        ('percent = "43"', 'percent = "29"', ["text/reference35/percent"], []),
        ('of      = "34"', 'of      = "23"', ["text/reference35/percent"], []),
        (
            '["yes", "18 (52.9)"], ["no", "16 (47.1)"]',
            '["yes", "17 (50)"], ["no", "17 (50)"]',
            ["identity/one_receptor_status"],
            [],
        ),
        (
            'rule = "hr_positive == hr_positive_table1"',
            'rule = "hr_positive or not hr_positive"',
            ["identity/one_receptor_status"],
            [],
        ),
        (
            'n       = "5"\npercent = "14.7"',
            'n       = "6"\npercent = "14.7"',
            [],
            ["text/no_metastatic_trastuzumab/n"],
        ),
        ('["SD", "13 (38.2)"]', '["SD", "16 (38.2)"]', ["text/evaluable/n"], []),
        ('["SD", "13 (38.2)"]', '["SD", "12 (38.2)"]', [], []),
    ],
)
def test_conflicts_follow_the_file(tmp_path: Path, old: str, new: str, gone: list[str], come: list[str]) -> None:
    assert old in TEXT
    before = [conflict.id for conflict in conflicts(Printed.read(SAKAI))]
    after = [conflict.id for conflict in conflicts(read(tmp_path, TEXT.replace(old, new, 1)))]
    assert set(after) == (set(before) - set(gone)) | set(come)


def test_what_no_reader_has_looked_into_gets_a_note_of_its_own(tmp_path: Path) -> None:
    text = TEXT[: TEXT.index("[known]")]
    notes = {conflict.id: conflict.note for conflict in conflicts(read(tmp_path, text))}
    assert notes["text/reference35/percent"] == "10 of 34 is 29.4 %"
    assert notes["text/received_tdm1/n"] == "all patients are 34"
    assert notes["text/evaluable/n"] == "Table 2 prints CR 2, PR 7, SD 13, PD 9, Unknown 3: 31"


# ---------------------------------------------------------------------------------------------------------------------
# Other files
# ---------------------------------------------------------------------------------------------------------------------

MINI = """\
cohortstats_published = 1
[paper]
id = "mini"
title = "Two arms, forty patients"
software = "EZR"
[cohort]
n = "40"
[columns]
receptor  = { levels = ["positive", "negative"] }
resistant = {}
age = { type = "number" }
[define]
either = "resistant or receptor == 'positive'"
[[table]]
id = "table1"
where = "Table 1"
[[table.block]]
variable = "receptor"
sums  = "all"
cells = [["positive", "24 (60.0)"], ["negative", "15 (37.5)"]]
[[table]]
id = "table2"
where = "Table 2"
outcome = "resistant"
[[table.block]]
variable = "receptor"
sums  = "all"
cells = [["positive", "24", "8 (33.3)"], ["negative", "16", "1 (6.2)"]]
p     = "0.06"
test  = "fisher"
"""


def test_the_file_of_the_documentation(tmp_path: Path) -> None:
    printed = read(tmp_path, MINI)
    assert [value.id for value in printed.values] == [
        "cohort/n",
        "table1/receptor/positive/n",
        "table1/receptor/positive/percent",
        "table1/receptor/negative/n",
        "table1/receptor/negative/percent",
        "table2/receptor/positive/total",
        "table2/receptor/positive/n",
        "table2/receptor/positive/percent",
        "table2/receptor/negative/total",
        "table2/receptor/negative/n",
        "table2/receptor/negative/percent",
        "table2/receptor/p_value",
    ]
    assert printed.blocks[1].counts == {"positive": 24, "negative": 16}
    assert printed.blocks[1].outcomes == {"positive": 8, "negative": 1}
    assert printed.value("table2/receptor/p_value").test == "fisher"
    assert conflicts(printed) == ()


def test_the_review_with_trials(shared: Callable[[str], Path]) -> None:
    printed = Printed.read(shared("reference/seed004_published.toml"))
    assert (len(printed.trials), len(printed.texts)) == (16, 7)
    assert printed.value("trial/emilia_os/hr").text == "0.68"
    assert (printed.value("trial/emilia_os/lower").text, printed.value("trial/emilia_os/upper").text) == (
        "0.55",
        "0.85",
    )
    assert printed.value("trial/lapatinib_trastuzumab_pfs/p_value").text == "0.08"
    assert printed.value("trial/sepher_os/no pertuzumab/median").text == "74"
    assert printed.checkable == ()  # nothing of it is about a cohort that could be at hand
    assert conflicts(printed) == ()


def test_a_sum_that_does_not_add_up(tmp_path: Path) -> None:
    text = (
        MINI
        + '[[identity]]\nid = "all"\n'
        + 'sum = ["table1/receptor/positive/n", "table1/receptor/negative/n"]\nequals = "cohort/n"\n'
    )
    (conflict,) = conflicts(read(tmp_path, text))
    assert (conflict.id, conflict.printed, conflict.recomputed) == ("identity/all", ("24 + 15", "40"), "39")
    text = text.replace("positive/n", "positive/percent").replace("negative/n", "negative/percent")
    (conflict,) = conflicts(read(tmp_path, text.replace('"cohort/n"', '"100"')))
    assert conflict.recomputed == "97.5"
    assert conflicts(read(tmp_path, text.replace('"cohort/n"', '"97.4"'))) == ()


def test_cells_that_are_not_typed_yet(tmp_path: Path) -> None:
    printed = read(tmp_path, MINI.replace("15 (37.5)", "").replace('"0.06"', '""'))
    assert len(printed.values) == 9


def test_a_decimal_comma_is_read_when_it_is_declared(tmp_path: Path) -> None:
    text = MINI.replace("24 (60.0)", "24 (60,0)").replace('software = "EZR"', 'decimal = ","')
    assert read(tmp_path, text).value("table1/receptor/positive/percent").text == "60.0"


def test_a_survival_block_with_numbers_of_patients(tmp_path: Path) -> None:
    text = MINI + (
        '[[survival]]\nid = "f"\ngroup = "receptor"\n'
        'level = "95"\np = "<0.001"\nn = ["24", "16"]\nevents = ["9", "8"]\n'
        'cells = [["positive", "12.5 (9–NR)"], ["negative", "8"]]\n'
    )
    printed = read(tmp_path, text)
    ids = [value.id for value in printed.values if value.source == "survival"]
    assert ids == [
        "f/positive/median",
        "f/positive/lower",
        "f/positive/upper",
        "f/positive/n",
        "f/positive/events",
        "f/negative/median",
        "f/negative/n",
        "f/negative/events",
        "f/p_value",
    ]


@pytest.mark.parametrize(
    ("old", "new", "code", "at", "sentence"),
    [
        ("cohortstats_published = 1\n", "", "key-missing", "", "published.toml needs cohortstats_published = 1. "),
        (
            "_published = 1",
            "_published = 2",
            "version-unknown",
            "cohort",
            "cohortstats_published = 2 is newer than this program.",
        ),
        ("[paper]\n", "[papr]\n", "key-unknown", "[papr]", "papr is not a known section. Did you mean 'paper'?"),
        (
            "software",
            "sofware",
            "key-unknown",
            "sofware",
            "[paper] sofware is not a known key. Did you mean 'software'?",
        ),
        ('n = "40"', "n = 40", "key-type", "n = ", "[cohort] n must be text, not 40."),
        (
            'n = "40"',
            'n = "forty"',
            "number-invalid",
            "n = ",
            "cohort/n: 'forty' is not a count. Type the digits alone.",
        ),
        (
            "24 (60.0)",
            "24 (60,0)",
            "number-invalid",
            "cells = [[",
            "table1/receptor, positive: '24 (60,0)' is not 'n (percent)'. Write 60.0, or set [paper] decimal = \",\".",
        ),
        (
            "24 (60.0)",
            "24 60.0",
            "number-invalid",
            "cells = [[",
            "table1/receptor, positive: '24 60.0' is not 'n (percent)'. Type the cell as it is printed.",
        ),
        (
            "24 (60.0)",
            "24.5 (60.0)",
            "number-invalid",
            "cells = [[",
            "table1/receptor, positive: '24.5' is not a count. ",
        ),
        (
            "24 (60.0)",
            "41 (60.0)",
            "out-of-range",
            "cells = [[",
            "table1/receptor, positive: 41 of 40 is more than all.",
        ),
        (
            '"8 (33.3)"',
            '"25 (33.3)"',
            "out-of-range",
            'cells = [["positive", "24"',
            "table2/receptor, positive: 25 of 24 is more than all.",
        ),
        (
            '["positive", "24 (60.0)"]',
            '["postive", "24 (60.0)"]',
            "level-unknown",
            "cells = [[",
            "table1/receptor: 'postive' is not among the levels positive, negative. Did you mean 'positive'?",
        ),
        (
            '["positive", "24 (60.0)"]',
            '["positive"]',
            "key-type",
            "cells = [[",
            "table1/receptor: a row has 1 texts, it needs 2: level, cell.",
        ),
        (
            '["positive", "24", ',
            '["positive", ',
            "key-type",
            'cells = [["positive", "8',
            "table2/receptor: a row has 2 texts, it needs 3: level, patients, patients with the outcome.",
        ),
        (
            'variable = "receptor"',
            'variable = "recptor"',
            "expression-name",
            "variable = ",
            "table1/recptor: recptor is no column. Did you mean receptor?",
        ),
        (
            'sums  = "all"',
            'sums  = "any"',
            "key-conflict",
            "sums",
            'table1/receptor: sums = "any" and variable exclude each other. ',
        ),
        (
            'variable = "receptor"\n',
            "",
            "key-missing",
            "[[table.block]]",
            'table1: a block needs variable, or sums = "any".',
        ),
        (
            'variable = "receptor"',
            'variable = "age"',
            "level-unknown",
            "cells = [[",
            "table1/age, positive: 'positive' is no summary of a number. ",
        ),
        (
            'id = "table2"',
            'id = "table1"',
            "key-conflict",
            'id = "table1"\nwhere = "Table 2"',
            "table1 is used twice. Use another id.",
        ),
        (
            'id = "table2"',
            'id = "text"',
            "key-conflict",
            'id = "text"',
            "[[table]] id 'text' cannot begin an address. ",
        ),
        (
            'outcome = "resistant"',
            'outcome = "resistent"',
            "expression-name",
            "outcome",
            "table2, outcome: resistent is no column. Did you mean resistant?",
        ),
        (
            'either = "resistant or',
            'either = "resistent or',
            "expression-name",
            "either",
            "[define] either 'resistent or receptor == 'positive'': resistent is no column "
            "or derived name. Did you mean resistant?",
        ),
        (
            "== 'positive'\"",
            "== 'Positive'\"",
            "level-unknown",
            "either",
            "[define] either 'resistant or receptor == 'Positive'': 'Positive' is not among the levels of receptor: ",
        ),
        (
            "either = ",
            "resistant = ",
            "key-conflict",
            'resistant = "',
            "[define] resistant hides a column. Use another name.",
        ),
        ('"resistant or receptor', '"either or receptor', "expression-cycle", "either", "either needs either."),
        (
            'p     = "0.06"',
            'p     = "0,06"',
            "number-invalid",
            "p     =",
            "table2/receptor, p: '0,06' is not 'number'. Write 0.06, or set [paper] decimal = \",\".",
        ),
        (
            "resistant = {}",
            'resistant = { levels = ["a"], type = "number" }',
            "key-conflict",
            "resistant",
            "[columns.resistant] levels and type exclude each other.",
        ),
    ],
)
def test_faults(tmp_path: Path, old: str, new: str, code: str, at: str, sentence: str) -> None:
    assert old in MINI
    text = MINI.replace(old, new, 1)
    first = next(problem for problem in problems_of(tmp_path, text) if problem.code == code)
    assert f"{first.message} {first.mend}".startswith(sentence)
    assert first.row == (text[: text.index(at)].count("\n") + 1 if at else None)


@pytest.mark.parametrize(
    ("added", "code", "sentence"),
    [
        (
            '[[text]]\nid = "a"\nwhen = "agee > 1"\nn = "3"\n',
            "expression-name",
            "text/a: when 'agee > 1': agee is no column or derived name. Did you mean age?",
        ),
        (
            '[[text]]\nid = "a"\nrule = "age"\n',
            "expression-type",
            "text/a: rule 'age': 'age' gives a number, yes or no is needed.",
        ),
        ('[[text]]\nid = "a"\n', "key-missing", "text/a needs n, percent or rule."),
        ('[[text]]\nid = "a"\nrule = "resistant"\nn = "3"\n', "key-conflict", "text/a: rule excludes n and percent. "),
        (
            '[[text]]\nid = "a"\npercent = "30"\n',
            "key-missing",
            "text/a: a percentage of nothing that is counted. Give n or when.",
        ),
        ('[[text]]\nid = "a"\nn = "18"\nof = "17"\n', "out-of-range", "text/a: 18 of 17 is more than all."),
        (
            '[[text]]\nid = "a"\nn = "1"\n[[text]]\nid = "a"\nn = "2"\n',
            "key-conflict",
            "text/a is used twice. Use another id.",
        ),
        ('[[identity]]\nid = "a"\n', "key-conflict", "identity/a needs either rule or sum."),
        (
            '[[identity]]\nid = "a"\nrule = "reistant == resistant"\n',
            "expression-name",
            "identity/a: rule 'reistant == resistant': reistant is no column or derived name. Did you mean resistant?",
        ),
        (
            '[[identity]]\nid = "a"\nsum = ["cohort/m"]\nequals = "40"\n',
            "expression-name",
            "identity/a: cohort/m is no id. Did you mean cohort/n?",
        ),
        ('[[assumed]]\nid = "a"\n', "key-conflict", "assumed/a needs either rule or n."),
        ('[[trial]]\nid = "a"\nci = "0.77–0.55"\n', "out-of-range", "trial a: 0.77–0.55 has its larger limit first."),
        (
            '[[trial]]\nid = "a"\nlevel = 950\n',
            "out-of-range",
            "trial/a: 950.0 is no level of an interval. Write 95 or 0.95.",
        ),
        (
            '[[trial]]\nid = "a"\nlevel = 1\n',
            "out-of-range",
            "trial/a: 1.0 is no level of an interval. Write 95 or 0.95.",
        ),
        (
            '[[trial]]\nid = "a"\narms = ["x"]\nmedian = ["1", "2"]\n',
            "key-type",
            "trial/a: median has 2 texts for 1 arms.",
        ),
        (
            '[[survival]]\nid = "f"\ngroup = "receptor"\ncells = [["postive", "3"]]\n',
            "level-unknown",
            "f: 'postive' is not among the levels positive, negative. ",
        ),
        (
            '[[survival]]\nid = "f"\ncells = [["a", "9 (12–10)"]]\n',
            "out-of-range",
            "f, a: 12–10 has its larger limit first.",
        ),
        ('[[test]]\nid = "a"\n', "key-missing", "[[test]] needs p. Add it: Printed P value."),
        (
            '[repeats]\nrows = [["Results", "34", "table9/x/n"]]\n',
            "expression-name",
            "[repeats] row 1: table9/x/n is no id.",
        ),
        (
            '[known]\n"table1/receptor/posi/n" = "x"\n',
            "expression-name",
            "[known]: table1/receptor/posi/n is no id. Did you mean table1/receptor/positive/n?",
        ),
    ],
)
def test_faults_of_statements(tmp_path: Path, added: str, code: str, sentence: str) -> None:
    problems = problems_of(tmp_path, MINI + added)
    assert [problem.code for problem in problems] == [code]
    assert f"{problems[0].message} {problems[0].mend}".startswith(sentence)
    assert (problems[0].row or 0) > MINI.count("\n")
    assert str(problems[0]).startswith(f"error   published.toml line {problems[0].row}: ")


@pytest.mark.parametrize(
    ("given_keys", "code", "sentence"),
    [
        ('file = "ctdna.csv", rows = 15', "n-mismatch", "given.rows is 15, ctdna.csv has 16."),
        (
            'file = "ctdan.csv"',
            "file-missing",
            "ctdan.csv is not there. Did you mean ctdna.csv? Files beside the study: ctdna.csv, published.toml.",
        ),
        ('file = "../x.csv"', "file-outside", "../x.csv leaves the study folder. Put it beside this file."),
    ],
)
def test_faults_of_the_given_patients(tmp_path: Path, given_keys: str, code: str, sentence: str) -> None:
    problems = problems_of(tmp_path, MINI.replace('n = "40"', f'n = "40"\ngiven = {{ {given_keys} }}'))
    assert (problems[0].code, f"{problems[0].message} {problems[0].mend}".strip()) == (code, sentence)


def test_the_same_block_twice(tmp_path: Path) -> None:
    text = (
        MINI
        + '[[table]]\nid = "table3"\n'
        + 2 * ('[[table.block]]\nvariable = "receptor"\ncells = [["positive", "3 (7.5)"]]\n')
    )
    (problem,) = problems_of(tmp_path, text)
    assert problem.message == "table3/receptor is printed twice with different cells."
    assert problem.mend == "Use another table id."


def test_all_faults_of_one_file_at_once(tmp_path: Path) -> None:
    text = (
        MINI.replace("24 (60.0)", "24 (60,0)")
        .replace("sofware", "software")
        .replace('outcome = "resistant"', 'outcome = "x"')
    )
    text += '[[text]]\nid = "a"\n[[trial]]\nid = "b"\nci = "2–1"\n[repeats]\nrows = [["R", "1", "no/n"]]\n[knwon]\n'
    assert len(problems_of(tmp_path, text)) == 6


def test_a_table_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    """Its addresses are missing then, but repeats and known entries that name them are not at fault."""
    text = TEXT.replace('id    = "table1"\nwhere = "Table 1"', 'id    = "table1"\nwere = "Table 1"')
    (problem,) = problems_of(tmp_path, text)
    assert problem.message == "[[table]] were is not a known key."
    (problem,) = problems_of(tmp_path, TEXT.replace("[[survival]]", "[[survivl]]"))
    assert problem.message == "survivl is not a known section."


def test_order_of_tables_and_keys_changes_no_conflict(tmp_path: Path) -> None:
    blocks = TEXT.split("\n[[")
    turned = "\n[[".join([blocks[0], *reversed([b for b in blocks[1:] if b.startswith("text]]")])])
    rest = "\n[[".join(["", *[b for b in blocks[1:] if not b.startswith("text]]")]])
    found = conflicts(read(tmp_path, turned + rest))
    assert {conflict.id for conflict in found} == {conflict.id for conflict in conflicts(Printed.read(SAKAI))}


# ---------------------------------------------------------------------------------------------------------------------
# Cells, addresses, rounding
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("9 (26.5)", Cell(value="9", inner="26.5")),
        ("9(26.5%)", Cell(value="9", inner="26.5")),
        ("9 [26.5]", Cell(value="9", inner="26.5")),
        ("0 (0)", Cell(value="0", inner="0")),
        ("62 (38–84)", Cell(value="62", lower="38", upper="84")),
        ("62 (38-84)", Cell(value="62", lower="38", upper="84")),
        ("62 (38 to 84)", Cell(value="62", lower="38", upper="84")),
        ("9 (26,5)", Cell(value="9", lower="26", upper="5")),  # a range; the reader knows that a percentage is wanted
        ("62 (38, 84)", Cell(value="62", lower="38", upper="84")),
        ("62 (38−84)", Cell(value="62", lower="38", upper="84")),
        ("56.6 (36-NA)", Cell(value="56.6", lower="36", upper="NA")),
        ("12 (9–NR)", Cell(value="12", lower="9", upper="NR")),
        ("NA (NA-NA)", Cell(value="NA", lower="NA", upper="NA")),
        ("0.55–0.77", Cell(lower="0.55", upper="0.77")),
        ("-1.5 to -0.5", Cell(lower="-1.5", upper="-0.5")),
        ("1", Cell(value="1")),
        ("<0.001", Cell(value="<0.001")),
        ("< 0.001", Cell(value="<0.001")),
        ("0·05", Cell(value="0.05")),
        ("９（２６．５）", Cell(value="9", inner="26.5")),
        ("62 ± 8", Cell(value="62", inner="8")),
        ("31%", Cell(value="31")),
        ("–", Cell(value="–")),
        ("", Cell()),
    ],
)
def test_cells(text: str, cell: Cell) -> None:
    assert parse_cell(text) == cell


@pytest.mark.parametrize("text", ["9 (", "nine", "9 (26.5", "9 26.5", "1.2.3", "(26.5)", "9 ()", "9,5 (2)"])
def test_what_is_no_cell(text: str) -> None:
    with pytest.raises(InputError, match="is not 'n"):
        parse_cell(text)


def test_a_decimal_comma() -> None:
    assert parse_cell("9 (26,5)", decimal=",") == Cell(value="9", inner="26.5")
    assert parse_cell("6,5 (3,8–8,4)", decimal=",") == Cell(value="6.5", lower="3.8", upper="8.4")


def test_an_address_is_split_from_both_ends() -> None:
    address = split_address("a/b/c/d/e/n")
    assert (address.exhibit, address.variable, address.level, address.statistic) == ("a", "b", "c/d/e", "n")
    with pytest.raises(InputError, match="'n' is no address"):
        split_address("n")


# value, printed: half-up, cut or half-even, neither.
@pytest.mark.parametrize(
    ("value", "text", "verdict"),
    [
        (Fraction(900, 34), "26.5", "agrees"),
        (Fraction(900, 34), "26.4", "last digit"),
        (Fraction(400, 34), "11.8", "agrees"),
        (Fraction(400, 34), "11.7", "last digit"),
        (Fraction(200, 34), "5.9", "agrees"),
        (Fraction(200, 34), "5.8", "last digit"),
        (Fraction(200, 16), "13", "agrees"),
        (Fraction(200, 16), "12", "last digit"),
        (Fraction(100, 16), "6.3", "agrees"),
        (Fraction(100, 16), "6.2", "last digit"),
        (Fraction(500, 16), "31", "agrees"),
        (Fraction(100, 3), "33.3", "agrees"),
        (Fraction(1000, 34), "43", "differs"),
        (Fraction(700, 25), "28.0", "agrees"),
        (Fraction(0), "0", "agrees"),
        (Fraction(100), "100", "agrees"),
        (Fraction(1, 20), "0.05", "agrees"),
        (Fraction(13007, 29667), "0.438", "agrees"),
        (Fraction(89, 364), "0.245", "agrees"),
        (0.003713548, "0.0037", "agrees"),
        (1.0, "1", "agrees"),
        (56.5, "56.6", "differs"),
        (56.5, "56.5", "agrees"),
        (318.0, "318.0", "agrees"),
        (Fraction(-5, 2), "-3", "agrees"),
        (Fraction(-5, 2), "-2", "last digit"),
        (0.0005, "<0.001", "agrees"),
        (Fraction(1, 1000), "<0.001", "differs"),
        (0.995, ">0.99", "agrees"),
        (0.98, ">0.99", "differs"),
        (0.3, "NS", "agrees"),
        (0.05, "n.s.", "agrees"),
        (0.01, "NS", "differs"),
        (math.nan, "NA", "agrees"),
        (math.inf, "NR", "agrees"),
        (math.nan, "NE", "agrees"),
        (math.nan, "–", "agrees"),
        (187.0, "NA", "differs"),
        (math.nan, "187", "differs"),
        (Fraction(265, 10), "26·5", "agrees"),
        (Fraction(265, 10), "２６．５％", "agrees"),
        # A float computed a little off a boundary lies on it; one that is farther off does not.
        (12.5 * (1 - 1e-13), "13", "agrees"),
        (12.5 * (1 - 1e-11), "13", "differs"),
        (12.0 * (1 - 1e-13), "12", "agrees"),
        (2.675, "2.68", "agrees"),
        (0.1 + 0.2, "0.3", "agrees"),
    ],
)
def test_rounding(value: Fraction | float, text: str, verdict: str) -> None:
    assert rounds_to(value, text) == verdict


def test_what_is_no_printed_number() -> None:
    with pytest.raises(InputError, match="'abc' is not a printed number"):
        rounds_to(Fraction(1), "abc")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 400), st.integers(1, 400), st.integers(0, 4))
def test_a_percentage_printed_half_up_agrees_and_its_neighbours_do_not(k: int, n: int, digits: int) -> None:
    k = min(k, n)
    exact = Fraction(100 * k, n)
    unit = Fraction(1, 10**digits)
    steps = math.floor(exact / unit + Fraction(1, 2))
    printed = [f"{Decimal(step).scaleb(-digits):.{digits}f}" for step in (steps, steps + 1, steps - 1)]
    assert rounds_to(exact, printed[0]) == "agrees"
    assert rounds_to(exact, printed[1]) == "differs"
    assert rounds_to(exact, printed[2]) != "agrees"
    assert rounds_to(float(exact), printed[0]) == "agrees"


@settings(max_examples=200, deadline=None)
@given(st.decimals(-1000, 1000, places=5), st.integers(0, 4))
def test_a_decimal_printed_half_up_agrees(value: Decimal, digits: int) -> None:
    printed = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    assert rounds_to(Fraction(value), f"{printed:f}") == "agrees"
    assert rounds_to(float(value), f"{printed:f}") == "agrees"
