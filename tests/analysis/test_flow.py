"""The flow of patients: numbers add up on every arrow, and the last number is the one that the exhibit reports."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.figures import FlowPicture
from cohortstats.study import Flow

Small = Callable[..., cs.Cohort]

TTE = '[[time_to_event]]\nid = "figure1"\ntitle = "Curve"\nendpoint = "ttp"\ngroups = "stage"\npopulation = "smoker"\n'
TABLE = '[[association]]\nid = "table4"\ntitle = "Rates"\noutcome = "responder"\nrows = ["arm", "smoker", "stage"]\n'
COX = (
    '[[regression]]\nid = "table5"\ntitle = "Cox"\nendpoint = "ttp"\ncovariates = ["age", "smoker"]\n'
    "allow_few_events = true\n"
)
PLAIN = '[[characteristics]]\nid = "table1"\ntitle = "Patients"\nrows = ["age"]\n'
PLAIN += '[[response]]\nid = "table2"\ntitle = "Response"\nvariable = "response"\n'
FLOW = '[[flow]]\nid = "figure9"\ntitle = "Flow"\n'


def made(cohort: cs.Cohort) -> cs.Analysis:
    return cs.flow(cohort, cohort.study.exhibit("figure9"))


def picture_of(analysis: cs.Analysis) -> FlowPicture:
    assert isinstance(analysis.picture, FlowPicture)
    return analysis.picture


def boxes(analysis: cs.Analysis) -> dict[str, tuple[int, str, tuple[tuple[str, int], ...]]]:
    """Label -> number, label of the box before, who was left out."""
    picture = picture_of(analysis)
    return {
        box.label: (box.n, picture.boxes[box.parent].label if box.parent >= 0 else "", box.out) for box in picture.boxes
    }


def numbers(analysis: cs.Analysis) -> dict[tuple[str, str, str], object]:
    found = {(record.row, record.group, record.statistic): record.value for record in analysis.records}
    assert len(found) == len(analysis.records), "an address is used twice"
    return found


def test_by_hand(small: Small) -> None:
    found = boxes(made(small(PLAIN + TTE + TABLE + COX + FLOW)))
    assert found == {
        "Rows of patients.csv": (12, "", ()),
        "Patients of the cohort": (12, "Rows of patients.csv", ()),
        "Table 1, Table 2": (12, "Patients of the cohort", ()),
        # P01 P02 P06 P09 P11 smoke, of P05 it is not known.
        "Smoker": (5, "Patients of the cohort", (("not: Smoker", 6), ("unknown", 1))),
        # P11 has no time; he has no stage either, and is counted once.
        "Figure 1: Curve": (4, "Smoker", (("without a time", 1),)),
        "Table 4: Rates": (11, "Patients of the cohort", (("without an outcome", 1),)),  # P06
        # P05 does not tell whether he smokes, P11 has no stage: two comparisons, each with one fewer.
        # (Their labels are their own; "Smoker" is taken by the population above.)
        "Stage": (10, "Table 4: Rates", (("without a value", 1),)),
        "Table 5: Cox": (11, "Patients of the cohort", (("without a time", 1),)),
        "Age": (10, "Table 5: Cox", (("without a covariate", 1),)),
        "Multivariable": (9, "Table 5: Cox", (("without a covariate", 2),)),
    } | {key: value for key, value in found.items() if key == "Smoker"}
    picture = picture_of(made(small(PLAIN + TTE + TABLE + COX + FLOW)))
    smokers = [(box.n, picture.boxes[box.parent].label) for box in picture.boxes if box.label == "Smoker"]
    assert sorted(smokers) == [(5, "Patients of the cohort"), (10, "Table 4: Rates"), (10, "Table 5: Cox")]


def test_numbers_add_up_in_the_results(small: Small) -> None:
    analysis = made(small(PLAIN + TTE + TABLE + COX + FLOW))
    found = numbers(analysis)
    assert found["cohort", "all", "n"] == 12
    assert found["smoker", "all", "n"] == 5
    assert found["smoker", "not: Smoker", "n_out"] == 6
    assert found["smoker", "unknown", "n_out"] == 1
    assert found["table4/smoker", "all", "n"] == 10
    assert found["table5/multivariable", "all", "n"] == 9


def test_the_last_number_is_the_one_of_the_exhibit(small: Small) -> None:
    cohort = small(PLAIN + TTE + TABLE + COX + FLOW)
    found = numbers(made(cohort))
    curve = cs.time_to_event(cohort, cohort.study.exhibit("figure1"))
    assert sum(int(r.value or 0) for r in curve.records if r.statistic == "n") == found["figure1", "all", "n"]
    rates = cs.association(cohort, cohort.study.exhibit("table4"))
    for row in ("arm", "smoker", "stage"):
        total = sum(int(r.value or 0) for r in rates.records if r.row == row and r.statistic == "total")
        assert total == found.get((f"table4/{row}", "all", "n"), found["table4", "all", "n"])
    cox = cs.regression(cohort, cohort.study.exhibit("table5"))
    model = {(r.row, r.group): r.value for r in cox.records if r.statistic == "n"}
    assert model["age", "univariable"] == found["table5/age", "all", "n"]
    assert model["ttp", "multivariable"] == found["table5/multivariable", "all", "n"]


def test_steps_come_one_behind_the_other_and_exhibits_hang_on_the_last_that_holds_them(small: Small) -> None:
    steps = """steps = [
  { when = "age > 50", label = "Older than 50", reason = "50 or younger" },
  { when = "arm == 'A'" },
]
"""
    found = boxes(made(small(PLAIN + TTE.replace('"smoker"', "\"age > 50 and arm == 'A'\"") + FLOW + steps)))
    # Ages 50 and 45 are not above 50, that of P04 is not known.
    assert found["Older than 50"] == (9, "Patients of the cohort", (("50 or younger", 2), ("unknown", 1)))
    assert found["arm == 'A'"] == (4, "Older than 50", (("not: arm == 'A'", 5),))
    assert found["Figure 1: Curve"][:2] == (4, "arm == 'A'")
    assert found["Table 1, Table 2"][:2] == (12, "Patients of the cohort")


def test_exhibits_are_those_named(small: Small) -> None:
    found = boxes(made(small(PLAIN + TTE + TABLE + FLOW + 'exhibits = ["table2"]\n')))
    assert "Table 2: Response" in found
    assert not any(label.startswith(("Table 1", "Table 4", "Figure 1")) for label in found)


def test_patients_left_out_by_a_table_are_a_step(tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text("id,x\nA,1\nB,2\nC,3\nD,4\n", encoding="utf-8")
    (tmp_path / "plasma.csv").write_text("id,y\nA,1\nC,2\nX,3\n", encoding="utf-8")
    (tmp_path / "visits.csv").write_text("id,z\nA,1\nA,2\nC,2\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(
        """cohortstats = 1
[study]
id = "s"
title = "S"
conventions = "r"
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[data.plasma]
file = "plasma.csv"
id = "id"
rows = "one per patient"
join = "inner"
orphans = "drop"
label = "Plasma"
[data.visits]
file = "visits.csv"
id = "id"
rows = "many per patient"
order = "z"
[columns.patients]
x = { type = "number" }
[columns.plasma]
y = { type = "number" }
[columns.visits]
z = { type = "number" }
[[characteristics]]
id = "table1"
title = "All"
rows = ["x"]
"""
        + FLOW,
        encoding="utf-8",
    )
    found = boxes(made(cs.load_cohort(tmp_path)))
    # Rows of other tables, orphans among them, are no patients.
    assert found == {
        "Rows of patients.csv": (4, "", ()),
        "Patients read": (4, "Rows of patients.csv", ()),
        "Patients of the cohort": (2, "Patients read", (("no row: Plasma", 2),)),
        "Table 1: All": (2, "Patients of the cohort", ()),
    }


def test_the_outcome_in_a_population_and_out_of_it(small: Small) -> None:
    analysis = made(small(TTE + FLOW + 'outcome = "responder"\n'))
    found = numbers(analysis)
    # Smokers P01 CR, P02 PR, P06 unknown, P09 SD, P11 PD; others CR of P07, PR of P08 among seven.
    assert (found["smoker", "in", "n_event"], found["smoker", "in", "n_known"]) == (2, 4)
    assert (found["smoker", "out", "n_event"], found["smoker", "out", "n_known"]) == (3, 7)
    (test,) = [record for record in analysis.records if record.statistic == "p_value"]
    # R: fisher.test(matrix(c(2, 3, 2, 4), 2))$p.value is 1.
    assert test.p_value == 1
    assert analysis.table.footnotes[0].startswith("Smoker, Response: 2 of 4 (50.0%) in it, 3 of 7 (42.9%) not in it")
    assert analysis.methods["selection"]
    assert not made(small(TTE + FLOW)).methods["selection"]


def test_generated_cohorts_add_up(tmp_path: Path) -> None:
    """`FlowPicture` refuses a chart that does not add up; so must the lines of results.csv."""
    dice = random.Random(11)
    levels = ["yes", "no", ""]
    for number in range(15):
        rows = ["id,a,b,c,days,event"]
        for patient in range(dice.choice((1, 5, 40))):
            cells = [dice.choice(levels) for _ in range(3)]
            rows.append(f"P{patient}," + ",".join([*cells, dice.choice(["3", "7", ""]), dice.choice(levels)]))
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "patients.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        populations = ["", "a", "b", "a and b", "not a", "a or c"]
        exhibits = ""
        for place in range(4):
            exhibits += (
                f'[[time_to_event]]\nid = "t{place}"\ntitle = "T"\nendpoint = "ttp"\ngroups = "c"\n'
                f'population = "{dice.choice(populations)}"\ntest = "none"\n'
                f'[[association]]\nid = "r{place}"\ntitle = "R"\noutcome = "done"\nrows = ["a", "b", "c"]\n'
                f'population = "{dice.choice(populations)}"\n'
            )
        steps = ", ".join(f'{{ when = "{dice.choice(populations[1:])}" }}' for _ in range(dice.randrange(3)))
        (folder / "study.toml").write_text(
            """cohortstats = 1
[study]
id = "s"
title = "S"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
a = { type = "yes/no" }
b = { type = "yes/no" }
c = { type = "yes/no" }
days = { type = "number", unit = "days" }
event = { type = "yes/no" }
[endpoints.ttp]
kind = "time to event"
time = "days"
event = "event"
unknown = "exclude"
[endpoints.done]
kind = "binary"
when = "event"
unknown = "exclude"
"""
            + exhibits
            + FLOW
            + f"steps = [{steps}]\n",
            encoding="utf-8",
        )
        cohort = cs.load_cohort(folder)
        analysis = made(cohort)
        picture = picture_of(analysis)
        found = numbers(analysis)
        rows_of = [record.row for record in analysis.records if record.statistic == "n"]
        assert len(rows_of) == len(picture.boxes)
        for row, box in zip(rows_of, picture.boxes, strict=True):
            assert found[row, "all", "n"] == box.n
            left = sum(int(r.value or 0) for r in analysis.records if r.row == row and r.statistic == "n_out")
            if box.parent >= 0:
                assert picture.boxes[box.parent].n - left == box.n
        for place in range(4):
            entry = cohort.study.exhibit(f"t{place}")
            curve = cs.time_to_event(cohort, entry)
            n = sum(int(r.value or 0) for r in curve.records if r.statistic == "n")
            merged = [box for box in picture.boxes if box.n == n]
            assert found.get((f"t{place}", "all", "n"), merged[0].n if merged else None) == n


@pytest.mark.parametrize(
    ("keys", "code", "words"),
    [
        ('exhibits = ["table9"]\n', "expression-name", "'table9' is no exhibit of the study"),
        ('exhibits = ["table1", "table1"]\n', "key-conflict", "names table1 twice"),
        ('steps = [{ when = "agee > 5" }]\n', "expression-name", "Did you mean age?"),
        ('steps = [{ when = "age" }]\n', "expression-type", "age"),
        ('steps = [{ label = "x" }]\n', "key-missing", "needs when"),
        ('outcome = "ttp"\n', "expression-name", "a binary endpoint is needed"),
    ],
)
def test_faults_of_the_section_are_told_before_a_table_is_opened(
    small: Small, keys: str, code: str, words: str
) -> None:
    with pytest.raises(cs.DataError) as refused:
        small(PLAIN + FLOW + keys)
    assert any(problem.code == code and words in str(problem) for problem in refused.value.problems)


def test_a_rebuilt_cohort_gives_a_sentence() -> None:
    study = cs.Study.read(cs.shipped_study("sakai2018"))
    entry = Flow(id="figure9", title="T", outcome="primary_resistance")
    cohort = cs.load_cohort(dataclasses.replace(study, exhibits=(*study.exhibits, entry)))
    analysis = cs.flow(cohort, entry)
    assert (analysis.picture, analysis.records, analysis.table.groups) == (None, (), ())
    assert "neither prints nor determines" in analysis.table.footnotes[0]
