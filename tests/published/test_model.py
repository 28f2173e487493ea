"""The 0/1 model against brute force: every cohort of a few patients is made, and counted by the language itself."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

import cohortstats as cs
from cohortstats.printed import Printed
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.encode import Row
from cohortstats.published.model.evaluate import broken_rules, evaluate, evaluate_value
from cohortstats.published.model.given import given_cells
from cohortstats.published.model.solve import Program
from cohortstats.published.model.statements import unit_of, units_of
from cohortstats.shipped import shipped_study

SHIPPED = shipped_study("sakai2018")
CONTRADICTED = ("text/evaluable", "text/received_tdm1")
HEAD = """cohortstats_published = 1
[paper]
id = "small"
[cohort]
n = "3"
id = "id"
given = { file = "given.csv", rows = 1 }
[columns]
id    = { type = "id" }
a     = {}
grade = { levels = ["1", "2", "3"], ordered = true }
b     = { among = "a" }
kind  = { levels = ["x/y", "z"], among = "grade != '1'" }
[define]
high  = "ratio > 1.5"
late  = "grade >= '2'"
"""
LEVELS = {"a": ("yes", "no"), "grade": ("1", "2", "3")}


def small(folder: Path, rest: str = "") -> Printed:
    (folder / "given.csv").write_text("id,ratio,grade\nP1,1.7,2\n", encoding="utf-8")
    (folder / "published.toml").write_text(HEAD + rest, encoding="utf-8")
    return Printed.read(folder / "published.toml")


def patients(given: bool) -> Iterator[tuple[str, str, str, str]]:
    """Every patient that the columns allow: a, grade, b, kind."""
    for a, grade in itertools.product(("yes", "no"), ("2",) if given else ("1", "2", "3")):
        for b in ("yes", "no") if a == "yes" else ("",):
            for kind in ("x/y", "z") if grade != "1" else ("",):
                yield a, grade, b, kind


def cohorts() -> Iterator[Mapping[str, list[str]]]:
    for rows in itertools.product(patients(True), patients(False), patients(False)):
        columns = dict(zip(("a", "grade", "b", "kind"), map(list, zip(*rows, strict=True)), strict=True))
        yield {"id": ["P1", "2", "3"], "ratio": ["1.7", "", ""], **columns}


EVERY = list(cohorts())
EXPRESSIONS = (
    "a",
    "not b",
    "a and not late",
    "late == b",
    "late != a",
    "b or kind == 'x/y'",
    "b is missing and kind is not missing",
    "not (kind == 'z' and b)",
    "high or grade == '3'",
    "high is missing or a",
    "grade in ['1', '3'] and a",
    "kind == 'z' or late",
    "any(a, b, late)",
    "count_yes(a, late) >= 2",
    "if(a, late, high)",
    "coalesce(b, a)",
    "id == 'P1' and a",
    "ratio > 1 and grade <= '2'",
)


def counted(printed: Printed, expression: str, cells: Mapping[str, list[str]]) -> int:
    values = printed.evaluate(expression, cells)
    return int(np.count_nonzero(np.asarray(values.data, dtype=bool) & ~values.missing))


def stacked() -> dict[str, list[str]]:
    """All cohorts one below the other: each expression is evaluated once."""
    return {name: [text for cells in EVERY for text in cells[name]] for name in EVERY[0]}


STACKED = stacked()


def counts_of(printed: Printed, expression: str) -> np.ndarray:
    values = printed.evaluate(expression, STACKED)
    yes = np.asarray(values.data, dtype=bool) & ~values.missing
    return yes.reshape(-1, 3).sum(axis=1)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_ranges_are_those_of_every_cohort(expression: str, tmp_path: Path) -> None:
    printed = small(tmp_path)
    counts = counts_of(printed, expression)
    model = CohortModel.of(printed)
    found = model.range_of(expression)
    assert (found.min, found.max, found.proven) == (counts.min(), counts.max(), True)
    # The witnesses are cohorts that the columns allow, and reach the ends.
    for witness, end in ((found.witness_min, found.min), (found.witness_max, found.max)):
        assert counted(printed, expression, witness) == end
        assert {name: list(column) for name, column in witness.items()} in [dict(cells) for cells in EVERY]


@pytest.mark.parametrize(
    ("first", "second"), [*itertools.pairwise(EXPRESSIONS), ("a", "b"), ("late == b", "any(a, b, late)")]
)
def test_joint_ranges_are_those_of_every_cohort(first: str, second: str, tmp_path: Path) -> None:
    printed = small(tmp_path)
    one, two = counts_of(printed, first), counts_of(printed, second)
    model = CohortModel.of(printed)
    for k in range(4):
        among = two[one == k]
        held = model.where(first, k)
        assert held.feasible() == (len(among) > 0)
        if len(among):
            found = held.range_of(second)
            assert (found.min, found.max) == (among.min(), among.max())
    open_end = model.where(first, (1, None))
    if (one >= 1).any():
        assert open_end.range_of(second).max == two[one >= 1].max()


RULES = """
[[derived]]
id = "rule"
rule = "{rule}"
[[text]]
id = "count"
n = "{n}"
when = "{when}"
"""


@pytest.mark.parametrize("place", range(len(EXPRESSIONS) - 2))
def test_rules_and_counts_leave_the_same_cohorts(place: int, tmp_path: Path) -> None:
    rule, when, asked = EXPRESSIONS[place : place + 3]
    for n in range(4):
        printed = small(tmp_path, RULES.format(rule=rule, when=when, n=n))
        values = printed.evaluate(rule, STACKED)
        # A rule whose result is missing for a patient is not broken by him.
        broken = (~np.asarray(values.data, dtype=bool) & ~values.missing).reshape(-1, 3).any(axis=1)
        left = ~broken & (counts_of(printed, when) == n)
        model = CohortModel.of(printed)
        assert model.feasible() == left.any()
        if left.any():
            counts = counts_of(printed, asked)[left]
            found = model.range_of(asked)
            assert (found.min, found.max) == (counts.min(), counts.max())
            assert not broken_rules(printed, found.witness_min)


def test_a_share_without_its_count_is_held(tmp_path: Path) -> None:
    text = '[[text]]\nid = "share"\npercent = "67"\nwhen = "late"\n[[text]]\nid = "half"\npercent = "50"\nwhen = "b"\namong = "a"\n'
    printed = small(tmp_path, text)
    model = CohortModel.of(printed)
    late = model.range_of("late")
    assert (late.min, late.max) == (2, 2)  # 2/3 is 66.7
    yes = model.range_of("a")
    assert (yes.min, yes.max) == (2, 2)  # one of two; of one or three no share is 50


# ---- numbers: thresholds and order statistics


AGES = """cohortstats_published = 1
[paper]
id = "ages"
[cohort]
n = "4"
[columns]
sex = {{}}
age = {{ type = "integer" }}
[define]
old = "age >= 65"
[[table]]
id = "t"
[[table.block]]
variable = "age"
cells = [["median (range)", "{cell}"]]
"""


@pytest.mark.parametrize("cell", ["62 (38–84)", "62.5 (38–84)", "50 (40–70)", "65 (60–66)", "64.5 (64–65)"])
def test_order_statistics_bound_counts_by_age(cell: str, tmp_path: Path) -> None:
    (tmp_path / "published.toml").write_text(AGES.format(cell=cell), encoding="utf-8")
    printed = Printed.read(tmp_path)
    middle, ends = cell.removesuffix(")").split(" (")
    low, high = map(int, ends.split("–"))
    # Four ages in order: the ends are printed, the two in the middle have twice the median as their sum.
    possible = [
        (low, a, b, high) for a in range(low, high + 1) for b in range(a, high + 1) if a + b == 2 * float(middle)
    ]
    counts = [sum(age >= 65 for age in ages) for ages in possible]
    for strict in (False, True):
        found = CohortModel.of(printed, strict=strict).range_of("old")
        # Without placing the values the model may allow more, never less.
        assert found.min <= min(counts)
        assert found.max >= max(counts)
    rebuilt = cs.rebuild(printed)
    assert rebuilt.exceptions == ()
    assert tuple(sorted(map(int, rebuilt.patients["age"]))) in possible


# ---- the shipped paper: counts from its own arithmetic, ranges as published with the method


def test_the_shipped_cohort_satisfies_the_model_and_the_evaluator_sees_a_changed_cell() -> None:
    printed = Printed.read(SHIPPED)
    with (SHIPPED / "patients.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    cells = {name: [row[name] for row in rows] for name in rows[0]}
    for name, column in given_cells(printed).items():
        if name not in cells:
            cells[name] = [*column, *[""] * (len(rows) - len(column))]
    checks = evaluate(printed, cells)
    assert [sum(check.verdict == verdict for check in checks) for verdict in ("agrees", "last digit", "differs")] == [
        158,
        3,
        1,
    ]
    assert [check.id for check in checks if check.verdict == "differs"] == ["figure1/yes/median"]
    assert broken_rules(printed, cells, ["identity/one_receptor_status"]) == {"identity/one_receptor_status": 1}
    # One cell changed: every statement about it is seen to fail.
    place = cells["prior_taxane"].index("yes")
    changed = {**cells, "prior_taxane": [*cells["prior_taxane"][:place], "no", *cells["prior_taxane"][place + 1 :]]}
    found = {check.id for check in evaluate(printed, changed) if check.verdict == "differs"}
    assert found == {"figure1/yes/median", "table1/prior_taxane/yes/n", "table1/prior_taxane/yes/percent"}
    age, _ = evaluate_value(printed, printed.value("table1/age/max"), {**cells, "age": ["50"] * 34})
    assert age == 50


@pytest.mark.parametrize(
    ("expression", "among", "low", "high"),
    [
        ("primary_resistance", "her2_ihc == '2+/FISH+'", 0, 4),
        ("primary_resistance and prior_taxane", "", 0, 9),
        ("primary_resistance and prior_capecitabine", "", 0, 9),
        ("primary_resistance and prior_vinorelbine", "", 0, 7),
        ("primary_resistance", "not prior_trastuzumab", 0, 5),
        ("primary_resistance and adjuvant_trastuzumab", "", 1, 9),
        ("risk_group", "ctdna_tested", 4, 11),
    ],
)
def test_ranges_of_the_shipped_paper(expression: str, among: str, low: int, high: int) -> None:
    model = CohortModel.of(Printed.read(SHIPPED), tiers=("published", "derived"), without=CONTRADICTED)
    found = model.range_of(expression, among)
    assert (found.min, found.max, found.proven, found.tier) == (low, high, True, "derived")
    for witness, end in ((found.witness_min, low), (found.witness_max, high)):
        wrong = [
            check.id
            for check in evaluate(model.printed, witness)
            if check.verdict == "differs" and check.id.rpartition("/")[2] in ("n", "total")
        ]
        assert wrong == []
        both = f"({expression}) and ({among})" if among else expression
        assert counted(model.printed, both, witness) == end


def test_one_discordant_patient_gives_six_or_seven_resistant() -> None:
    model = CohortModel.of(Printed.read(SHIPPED), tiers=("published", "derived"), without=CONTRADICTED)
    differs = "hr_positive != hr_positive_table1"
    assert model.range_of(differs).min == 1
    found = model.where(differs, 1).range_of("primary_resistance and hr_positive_table1")
    assert (found.min, found.max) == (6, 7)


def test_patients_with_print_are_disclosed() -> None:
    model = CohortModel.of(Printed.read(SHIPPED), tiers=("published", "derived"), without=CONTRADICTED)
    forced = {}
    for patient in (1, 2, 6, 9, 10, 11, 12, 13, 14, 15):
        found = model.range_of(f"primary_resistance and patient == '{patient}'")
        if found.min == found.max:
            forced[patient] = found.min
    assert forced == {6: 1, 9: 0, 10: 0, 11: 1, 12: 0, 13: 0, 15: 0}


# ---- doors


def test_addresses_and_tiers_that_do_not_exist(tmp_path: Path) -> None:
    printed = small(tmp_path, RULES.format(rule="a", when="late", n=1))
    assert unit_of("text/count/n", printed) == "text/count"
    with pytest.raises(
        cs.InputError, match=r"text/cuont is no statement that can be given up\. Did you mean text/count"
    ):
        CohortModel.of(printed, without=["text/cuont"])
    with pytest.raises(cs.InputError, match="'guessed' is no tier"):
        CohortModel.of(printed, tiers=["guessed"])
    assert [unit.tier for unit in units_of(printed)] == ["derived", "published"]


def test_arithmetic_on_open_numbers_is_refused_not_guessed(tmp_path: Path) -> None:
    rule = '[[assumed]]\nid = "r"\nrule = "age - 5 > 60"\n'
    (tmp_path / "published.toml").write_text(AGES.format(cell="62 (38–84)") + rule, encoding="utf-8")
    printed = Printed.read(tmp_path)
    model = CohortModel.of(printed, tiers=("published", "assumed"))
    assert "arithmetic on age" in model.not_modelled["assumed/r"]
    with pytest.raises(cs.InputError, match="arithmetic on age"):
        model.range_of("age * 2 > 100")


def test_a_solution_is_checked_against_every_row() -> None:
    program = Program.of(2, [Row((0, 1), (1, 1), 1, 1)])
    answer = program.solve({0: 1.0, 1: 2.0})
    assert (answer.status, answer.values.tolist() if answer.values is not None else None, answer.objective) == (
        "optimal",
        [1, 0],
        1.0,
    )
    program.rows.append(Row((), (), 1, 1))
    assert program.solve().status == "infeasible"
