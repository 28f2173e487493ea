"""Statements that exclude each other: cores and corrections against every subset of the statements, and the paper's."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.printed import Printed
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.conflict_sets import find_conflicts, known_corrections
from cohortstats.published.model.statements import units_of
from cohortstats.shipped import shipped_study

HEAD = """cohortstats_published = 1
[paper]
id = "small"
[cohort]
n = "6"
[columns]
sex    = {}
smoker = {}
stage  = { levels = ["I", "II", "III"] }
"""


def read(folder: Path, text: str) -> Printed:
    (folder / "published.toml").write_text(HEAD + text, encoding="utf-8")
    return Printed.read(folder)


def text(name: str, n: int, when: str) -> str:
    return f'[[text]]\nid = "{name}"\nn = "{n}"\nwhen = "{when}"\n'


def block(table: str, variable: str, cells: dict[str, int], sums: str = "all") -> str:
    rows = ", ".join(f'["{level}", "{k}"]' for level, k in cells.items())
    return f'[[table]]\nid = "{table}"\n[[table.block]]\nvariable = "{variable}"\nsums = "{sums}"\ncells = [{rows}]\n'


# Each file, with the number of conflicts that it has.
FILES = {
    "two tables": (block("a", "sex", {"yes": 2, "no": 4}) + block("b", "sex", {"yes": 3, "no": 3}), 1),
    "a sum": (block("a", "stage", {"I": 2, "II": 2, "III": 1}), 1),
    "three in a ring": (
        text("fewest", 5, "sex and smoker")
        + block("a", "sex", {"yes": 5, "no": 1})
        + block("b", "smoker", {"yes": 4, "no": 2}),
        1,
    ),
    "one against two": (
        text("all", 6, "sex") + text("none", 0, "sex and smoker") + text("some", 2, "smoker"),
        1,
    ),
    "two apart": (
        block("a", "sex", {"yes": 2, "no": 4})
        + text("sex", 3, "sex")
        + text("late", 1, "stage != 'I'")
        + text("first", 4, "stage == 'I'"),
        2,
    ),
    "one wrong against many": (
        text("a", 2, "sex") + text("b", 2, "sex") + text("c", 3, "sex") + text("d", 2, "sex"),
        1,
    ),
    "overlapping": (
        text("a", 1, "sex") + text("b", 2, "sex") + text("c", 3, "sex"),
        2,
    ),
    "a rule": (
        '[[derived]]\nid = "r"\nrule = "not sex or smoker"\n' + text("sex", 4, "sex") + text("smoker", 3, "smoker"),
        1,
    ),
    "a share": (
        '[[text]]\nid = "p"\npercent = "50"\nwhen = "smoker"\n' + text("n", 4, "smoker"),
        1,
    ),
    "everyone": ('[[text]]\nid = "all"\nn = "5"\n', 1),
}


@pytest.mark.parametrize("name", FILES)
def test_cores_and_corrections_are_those_of_every_subset(name: str, tmp_path: Path) -> None:
    content, n_conflicts = FILES[name]
    printed = read(tmp_path, content)
    every = [unit.address for unit in units_of(printed)]

    def feasible(left: tuple[str, ...]) -> bool:
        return CohortModel.of(printed, without=[one for one in every if one not in left]).feasible()

    subsets = [some for size in range(len(every) + 1) for some in itertools.combinations(every, size)]
    holds = {some: feasible(some) for some in subsets}
    cores = {
        some for some in subsets if not holds[some] and all(holds[tuple(o for o in some if o != one)] for one in some)
    }
    found = find_conflicts(printed)
    assert len(found) == n_conflicts
    for conflict in found:
        assert conflict.proven
        assert conflict.core in cores
        assert sorted(set(conflict.corrections)) == sorted(conflict.corrections)
    if n_conflicts == 1:
        mends = {tuple(o for o in every if o not in some) for some in subsets if holds[some]}
        minimal = {some for some in mends if not any(set(other) < set(some) for other in mends)}
        assert set(found[0].corrections) == minimal
    # One correction of each conflict mends the file.
    gone = [one for conflict in found for one in conflict.corrections[0]]
    assert CohortModel.of(printed, without=gone).feasible()


def test_the_cheapest_repair_is_counted_in_patients(tmp_path: Path) -> None:
    printed = read(tmp_path, block("a", "sex", {"yes": 1, "no": 5}) + block("b", "sex", {"yes": 4, "no": 2}))
    (conflict,) = find_conflicts(printed)
    assert (conflict.patients, conflict.repairs) == (3, (3, 3))
    printed = read(tmp_path, block("a", "stage", {"I": 3, "II": 1, "III": 1}))
    assert find_conflicts(printed)[0].patients == 1
    rule = '[[identity]]\nid = "same"\nrule = "sex == smoker"\n'
    printed = read(tmp_path, rule + block("a", "sex", {"yes": 1, "no": 5}) + block("b", "smoker", {"yes": 3, "no": 3}))
    (conflict,) = find_conflicts(printed)
    assert (conflict.tier, conflict.patients) == ("identity", 2)


def test_nothing_is_called_wrong_because_of_an_assumption(tmp_path: Path) -> None:
    content = block("a", "sex", {"yes": 2, "no": 4}) + '[[assumed]]\nid = "none"\nrule = "not sex"\n'
    printed = read(tmp_path, content)
    assert find_conflicts(printed) == ()
    rebuilt = cs.rebuild(printed)
    assert rebuilt.dropped == ("assumed/none",)
    assert rebuilt.tiers_used == ("published",)
    assert any("assumed/none cannot hold" in choice for choice in rebuilt.choices)
    with_two = content + '[[assumed]]\nid = "smokes"\nrule = "smoker"\n'
    rebuilt = cs.rebuild(read(tmp_path, with_two))
    assert rebuilt.dropped == ("assumed/none",)
    assert rebuilt.tiers_used == ("published", "assumed")
    assert set(rebuilt.patients["smoker"]) == {"yes"}


def test_arithmetic_alone_is_a_conflict_and_gives_up_no_patients(tmp_path: Path) -> None:
    other = '[[text]]\nid = "ref"\nn = "10"\nof = "34"\npercent = "43"\ncohort = "other"\n'
    total = '[[identity]]\nid = "sum"\nsum = ["a/sex/yes/n", "text/smoker/n"]\nequals = "7"\n'
    printed = read(tmp_path, other + block("a", "sex", {"yes": 2, "no": 4}) + text("smoker", 4, "smoker") + total)
    first, second = find_conflicts(printed)
    assert (first.id, first.core, first.arithmetic) == ("text/ref/percent", ("text/ref",), True)
    assert (second.core, second.tier) == (("a/sex", "text/smoker", "identity/sum"), "identity")
    with pytest.raises(cs.DataError, match="identity/sum"):
        cs.rebuild(printed)
    rebuilt = cs.rebuild(printed, without=["identity/sum"])
    assert rebuilt.satisfied == rebuilt.total
    assert rebuilt.given_up == {"text/ref/percent": ("text/ref",), "identity/sum": ("identity/sum",)}


def test_the_four_conflicts_of_the_shipped_paper() -> None:
    printed = Printed.read(shipped_study("sakai2018"))
    found = {conflict.id: conflict for conflict in find_conflicts(printed)}
    assert list(found) == [
        "text/evaluable/n",
        "text/received_tdm1/n",
        "text/reference35/percent",
        "identity/one_receptor_status",
    ]
    assert all(conflict.proven for conflict in found.values())
    status = found["identity/one_receptor_status"]
    assert status.core == ("table1/hr_positive_table1", "table4/hr_positive", "identity/one_receptor_status")
    assert status.corrections == tuple((one,) for one in status.core)
    assert (status.patients, status.tier) == (1, "identity")
    assert found["text/evaluable/n"].core == ("table2/best_response", "text/evaluable")
    assert found["text/evaluable/n"].patients == 3
    assert found["text/received_tdm1/n"].corrections == (("text/received_tdm1",),)
    assert known_corrections(printed, found.values()) == {
        "text/evaluable/n": ("text/evaluable",),
        "text/received_tdm1/n": ("text/received_tdm1",),
        "text/reference35/percent": ("text/reference35",),
        "identity/one_receptor_status": ("identity/one_receptor_status",),
    }


def test_a_known_cut_percentage_gives_up_no_block(tmp_path: Path) -> None:
    cells = '[["yes", "2 (33.4)"], ["no", "4 (66.7)"]]'
    content = f'[[table]]\nid = "a"\n[[table.block]]\nvariable = "sex"\nsums = "all"\ncells = {cells}\n'
    content += text("sex", 3, "sex") + '[known]\n"a/sex/yes/percent" = "misprint"\n'
    printed = read(tmp_path, content)
    (conflict,) = find_conflicts(printed)
    assert known_corrections(printed, [conflict]) == {}
    with pytest.raises(cs.DataError, match="cannot be satisfied: a/sex and text/sex exclude each other"):
        cs.rebuild(printed)
