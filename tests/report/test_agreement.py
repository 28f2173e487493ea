"""The ledger of Sakai et al. 2018: every verdict, and proof that none is typed in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs

LAST_DIGIT = {
    "table1/prior_s1/yes/percent": ("11.7", "11.76"),
    "table1/prior_others/yes/percent": ("11.7", "11.76"),
    "table1/prior_cyclophosphamide/yes/percent": ("5.8", "5.88"),
}
DIFFERS = {"figure1/yes/median": ("56.6", "56.50")}
CONFLICTS = {
    "identity/one_receptor_status",
    "text/evaluable/n",
    "text/received_tdm1/n",
    "text/reference35/percent",
}


@pytest.fixture(scope="module")
def ledger() -> cs.Agreement:
    return cs.reproduce()


def items(ledger: cs.Agreement, verdict: str) -> dict[str, tuple[str, str]]:
    return {item.id: (item.published, item.computed) for item in ledger.items if item.verdict == verdict}


def test_totals(ledger: cs.Agreement) -> None:
    assert dict(ledger.counts) == {
        "agrees": 158,
        "last digit": 3,
        "differs": 1,
        "paper differs from itself": 4,
        "not checkable": 0,
    }
    assert ledger.n_values == 162
    assert not ledger.fails, "all disagreements are in [known]"


def test_each_disagreement_is_the_known_one(ledger: cs.Agreement) -> None:
    assert items(ledger, "last digit") == LAST_DIGIT
    assert items(ledger, "differs") == DIFFERS
    assert set(items(ledger, "paper differs from itself")) == CONFLICTS


def test_conflict_of_receptor_status_shows_both_sides(ledger: cs.Agreement) -> None:
    item = next(item for item in ledger.items if item.id == "identity/one_receptor_status")
    assert "18" in item.published
    assert "17" in item.published
    assert "Table 1" in item.where
    assert "Table 4" in item.where


@pytest.mark.parametrize(
    "variable",
    [
        "stage",
        "hr_positive",
        "early_line",
        "prior_anthracycline",
        "prior_pertuzumab",
        "prior_lapatinib",
        "her2_amplified",
        "pik3ca_mutated",
    ],
)
def test_all_p_values_of_table_4_agree(ledger: cs.Agreement, variable: str) -> None:
    item = next(item for item in ledger.items if item.id == f"table4/{variable}/p_value")
    assert item.verdict == "agrees"


def test_figure_1(ledger: cs.Agreement) -> None:
    found = {item.id: (item.published, item.computed, item.verdict) for item in ledger.items}
    assert found["figure1/no/median"] == ("318.0", "318.00", "agrees")
    assert found["figure1/yes/lower"][2] == "agrees"
    assert found["figure1/yes/upper"] == ("NA", "NA", "agrees")
    assert found["figure1/p_value"] == ("0.0037", "0.00371", "agrees")


def test_one_changed_cell_changes_the_ledger(study_copy: Callable[..., Path], ledger: cs.Agreement) -> None:
    # Patient 1: recurrent -> stage IV. Table 1 then counts 10 and 24, Table 4 likewise.
    changed = cs.reproduce(study_copy(patients={"1,68,Recurrent": "1,68,Stage IV"}))
    before = {item.id: (item.computed, item.verdict) for item in ledger.items}
    after = {item.id: (item.computed, item.verdict) for item in changed.items}
    moved = {address for address in before if before[address] != after[address]}
    assert {"table1/stage/Stage IV/n", "table1/stage/Recurrent/percent", "table4/stage/Stage IV/total"} <= moved
    assert after["table1/stage/Stage IV/n"] == ("10", "differs")
    assert changed.fails


def test_one_changed_time_changes_the_median(study_copy: Callable[..., Path]) -> None:
    changed = cs.reproduce(study_copy(patients={",SD,no,71,yes": ",SD,no,72,yes"}))
    item = next(item for item in changed.items if item.id == "figure1/yes/median")
    assert item.computed == "57.00"


def test_a_changed_print_changes_the_conflicts(study_copy: Callable[..., Path]) -> None:
    folder = study_copy(
        published={
            'cells    = [["yes", "18 (52.9)"], ["no", "16 (47.1)"]]': 'cells    = [["yes", "17 (50.0)"], ["no", "17 (50.0)"]]'
        }
    )
    conflicts = items(cs.reproduce(folder), "paper differs from itself")
    assert set(conflicts) == CONFLICTS - {"identity/one_receptor_status"}
