"""Receptor and HER2 status: the cells of the guidelines' tables, worked out from their papers, and their edges."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.derivations import receptors
from cohortstats.derivations.receptors import (
    HER2_GUIDELINES,
    RECEPTOR_GUIDELINES,
    ReceptorRule,
    call_her2,
    her2_status,
    hormone_receptor_status,
)
from cohortstats.study import rules as study_rules

PERCENTS = [0, 0.5, 1, 9, 10, 11]


# ---- receptors: ASCO/CAP 2010 and 2020 (1 % and above is positive; 2020 calls 1 to 10 % low), Sakai 2018 (10 %)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"guideline": "ASCO/CAP 2010"}, ["negative", "negative", "positive", "positive", "positive", "positive"]),
        ({"guideline": "ASCO/CAP 2020"}, ["negative", "negative", "low", "low", "low", "positive"]),
        ({"positive_from": 10}, ["negative", "negative", "negative", "negative", "positive", "positive"]),
    ],
)
def test_receptor_table(rule: dict[str, Any], expected: list[str]) -> None:
    status = hormone_receptor_status(
        PERCENTS, guideline=rule.get("guideline", ""), positive_from=rule.get("positive_from")
    )
    assert status.er.tolist() == expected
    assert status.pr.tolist() == [""] * 6
    assert status.status.tolist() == ["positive" if level == "low" else level for level in expected]


def test_er_or_pr_in_three_values() -> None:
    # Kleene's or, written out: rows ER positive, negative, missing; columns PR the same.
    cells = [90, 0, None]
    pairs = list(itertools.product(cells, cells))
    status = hormone_receptor_status([er for er, _ in pairs], [pr for _, pr in pairs], positive_from=10)
    assert status.status.tolist() == ["positive"] * 3 + ["positive", "negative", ""] + ["positive", "", ""]


def test_status_keeps_its_guideline() -> None:
    frame = hormone_receptor_status(pd.Series([1.0, np.nan]), guideline="ASCO/CAP 2020").to_frame()
    assert frame[["er", "status", "guideline", "year"]].values.tolist() == [
        ["low", "positive", "ASCO/CAP 2020", 2020],
        ["", "", "ASCO/CAP 2020", 2020],
    ]
    declared = hormone_receptor_status([10], positive_from=10)
    assert (declared.guideline, declared.year, declared.method) == ("", 0, "positive from 10 %")


def test_scores_need_a_map() -> None:
    for scale in ("Allred", "H-score"):
        for rule in ({}, {"guideline": "ASCO/CAP 2010"}, {"positive_from": 3}):
            with pytest.raises(cs.InputError, match=f"scale '{scale}' needs levels") as caught:
                hormone_receptor_status([3], scale=scale, **rule)  # type: ignore[arg-type]
            assert len(caught.value.problems) == 1
    allred = hormone_receptor_status([0, 2, 3, 8], scale="Allred", levels={"negative": 0, "positive": 3})
    assert allred.er.tolist() == ["negative", "negative", "positive", "positive"]
    assert allred.method == "Allred: negative from 0, positive from 3"
    score = hormone_receptor_status([0, 1, 99, 100], scale="H-score", levels={"negative": 0, "low": 1, "positive": 100})
    assert score.er.tolist() == ["negative", "low", "low", "positive"]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ({}, "Neither guideline nor positive_from says from which percent on a receptor is positive."),
        ({"guideline": "ASCO/CAP 2010", "positive_from": 1}, "guideline and positive_from exclude each other."),
        ({"guideline": "ASCO/CAP 2011"}, "guideline 'ASCO/CAP 2011' is not known; did you mean 'ASCO/CAP 2010'?"),
        ({"positive_from": 0}, "positive_from is 0; give a percent above 0 and up to 100, such as 10."),
        ({"positive_from": True}, "positive_from is 'True'; give a percent above 0 and up to 100, such as 10."),
        ({"levels": {"positive": 0, "negative": 5}}, "levels must start with negative at 0 and rise to positive,"),
        ({"levels": {"negative": 0, "positiv": 5}}, "levels has 'positiv'; choose positive, low, negative."),
        ({"levels": {"negative": 0, "positive": 500}}, "levels: positive starts at 500; the scale goes from 0 to 100."),
    ],
)
def test_rule_is_refused(call: dict[str, Any], sentence: str) -> None:
    with pytest.raises(cs.InputError) as caught:
        hormone_receptor_status([1], **call)
    assert str(caught.value).startswith(sentence)


def test_wrong_scores_are_told_together() -> None:
    with pytest.raises(cs.InputError) as caught:
        hormone_receptor_status([101, 5, -1], [5, 5], positive_from=10)
    assert caught.value.problems == (
        "er is 101 at position 1, −1 at position 3; a percent is from 0 to 100.",
        "er has 3 values, pr has 2.",
    )
    for score in (1, 2.5, 9):
        with pytest.raises(cs.InputError, match="an Allred score is 0 or a whole number from 2 to 8"):
            hormone_receptor_status([score], scale="Allred", levels={"negative": 0, "positive": 3})
    with pytest.raises(cs.InputError, match="er holds text"):
        hormone_receptor_status(["1%"], positive_from=10)


def test_limits_have_a_level_only_where_all_they_can_be_has_it() -> None:
    rule = ReceptorRule.of(guideline="ASCO/CAP 2020")
    cells = [("<", 1), ("<=", 1), ("<", 10), (">", 10), (">=", 10), ("", 10), (">=", 1)]
    signs = np.array([sign for sign, _ in cells], dtype=object)
    levels = rule.call(np.array([value for _, value in cells], dtype=float), signs)
    # <1 is 0 to below 1; <=1 may be 1, which is low; >10 is above 10.
    assert levels.tolist() == ["negative", "", "", "positive", "", "low", ""]


# ---- HER2: ratio, copies, IHC; what 2007, 2013 and 2018 say (Wolff et al., JCO 25:118, 31:3997, 36:2105)

GRID = [
    (2.1, 3.5, "2+", "equivocal", "positive", "negative"),
    (1.8, 6.5, "2+", "equivocal", "positive", "positive"),
    (1.8, 6.5, "1+", "equivocal", "positive", "negative"),
    (1.7, 3.9, "2+", "negative", "negative", "negative"),
    (1.9, 5.0, "2+", "equivocal", "equivocal", "negative"),
    (1.9, 5.0, "3+", "positive", "positive", "positive"),
    (2.0, 4.0, "2+", "equivocal", "positive", "positive"),
    (2.2, 4.5, "2+", "equivocal", "positive", "positive"),
    (2.21, 4.5, "2+", "positive", "positive", "positive"),
]
YEARS = ("2007", "2013", "2018")


@pytest.mark.parametrize(("ratio", "copies", "ihc", "by_2007", "by_2013", "by_2018"), GRID)
def test_her2_grid(ratio: float, copies: float, ihc: str, by_2007: str, by_2013: str, by_2018: str) -> None:
    found = [her2_status([ihc], ratio=[ratio], copies=[copies], guideline=year).status[0] for year in YEARS]  # type: ignore[arg-type]
    assert found == [by_2007, by_2013, by_2018]


def spelt_out(year: str, ihc: str, r: float, c: float) -> str:
    """The guidelines sentence by sentence, one tumour."""
    if ihc == "3+":
        return "positive"
    if year == "2007":
        return "positive" if r > 2.2 else "negative" if r < 1.8 else "equivocal"
    if year == "2013":
        if r >= 2.0 or c >= 6.0:
            return "positive"
        return "equivocal" if c >= 4.0 else "negative"
    if r >= 2.0 and c >= 4.0:
        return "positive"  # group 1
    if r < 2.0 and c < 4.0:
        return "negative"  # group 5
    if ihc == "":
        return ""
    if r < 2.0 and c >= 6.0:
        return "positive" if ihc == "2+" else "negative"  # group 3
    return "negative"  # groups 2 and 4


@pytest.mark.parametrize("year", YEARS)
def test_every_cell_against_the_sentences(year: str) -> None:
    ratios = [0, 1.79, 1.8, 1.99, 2.0, 2.2, 2.21, 9]
    copies = [0, 3.99, 4.0, 5.99, 6.0, 6.01, 20]
    cells = list(itertools.product(["", "0", "1+", "2+", "3+"], ratios, copies))
    ihc = [score or None for score, _, _ in cells]
    status = her2_status(ihc, ratio=[r for _, r, _ in cells], copies=[c for _, _, c in cells], guideline=year)  # type: ignore[arg-type]
    assert status.status.tolist() == [spelt_out(year, *cell) for cell in cells]
    assert (status.comment != "").all()


def test_groups_of_2018() -> None:
    status = her2_status(
        ["2+"] * 5, ratio=[2.0, 2.0, 1.99, 1.99, 1.99], copies=[4.0, 3.99, 6.0, 4.0, 3.99], guideline="2018"
    )
    assert status.group.tolist() == [1, 2, 3, 4, 5]
    assert status.status.tolist() == ["positive", "negative", "positive", "negative", "negative"]
    recount = "if a second observer's count agrees"
    assert status.comment.tolist() == [
        "ISH group 1",
        f"ISH group 2, IHC 2+, {recount}; the guideline asks for a comment",
        f"ISH group 3, IHC 2+, {recount}",
        f"ISH group 4, IHC 2+, {recount}; the guideline asks for a comment",
        "ISH group 5",
    ]
    assert (status.guideline, status.year) == ("ASCO/CAP 2018", 2018)
    assert her2_status(["2+"], ratio=[2.0], copies=[4.0], guideline="2013").group.tolist() == [0]


def test_2018_without_ihc() -> None:
    # IHC is required in groups 2 to 4; ISH stands alone in 1 and 5.
    status = her2_status(ratio=[2, 2, 1, 1, 1], copies=[4, 3, 6, 5, 3], guideline="2018")
    assert status.status.tolist() == ["positive", "", "", "", "negative"]
    assert status.comment.tolist() == [
        "ISH group 1",
        "ISH group 2, IHC needed",
        "ISH group 3, IHC needed",
        "ISH group 4, IHC needed",
        "ISH group 5",
    ]


def test_ihc_alone() -> None:
    status = her2_status(["0", "1+", "2+", "3+", None, 3, "３＋"], guideline="2018")
    assert status.status.tolist() == ["negative", "negative", "equivocal", "positive", "", "positive", "positive"]
    both = her2_status(["0", "2+", "3+", None], ratio=[np.nan] * 4, copies=[np.nan] * 4, guideline="2013")
    assert both.status.tolist() == ["negative", "equivocal", "positive", ""]
    assert both.comment.tolist() == ["IHC 0", "IHC 2+, no ISH", "IHC 3+", "no IHC and no ISH"]


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("lost", ["ratio", "copies"])
def test_a_missing_number_is_missing_unless_nothing_hangs_on_it(year: str, lost: str) -> None:
    # Brute force: all the missing number can be, one by one.
    every = [0, 1, 1.79, 1.8, 1.99, 2, 2.2, 2.21, 3, 3.99, 4, 5, 5.99, 6, 6.01, 7, 50]
    for ihc, known in itertools.product(["", "0", "1+", "2+", "3+"], [1.0, 1.9, 2.1, 3.0, 4.5, 6.0, 7.0]):
        pair = (lambda x, k=known: (x, k)) if lost == "ratio" else (lambda x, k=known: (k, x))
        possible = {spelt_out(year, ihc, *pair(x)) for x in every}
        numbers = {"ratio": [known], "copies": [known], lost: [np.nan]}
        found = her2_status([ihc or None], **numbers, guideline=year)  # type: ignore[arg-type]
        assert found.status[0] == (possible.pop() if len(possible) == 1 else ""), (ihc, known)


def test_what_is_needed_is_told() -> None:
    status = her2_status(["1+", "2+"], ratio=[1.5, np.nan], copies=[np.nan, 3], guideline="2013")
    assert status.status.tolist() == ["", ""]
    assert status.comment.tolist() == ["copies needed", "ratio needed"]
    known = her2_status(["1+"], ratio=[1.5], copies=[np.nan], guideline="2018")  # groups 3, 4 and 5 all say negative
    assert (known.status[0], known.comment[0]) == ("negative", "ISH, IHC 1+, whatever the copies")


def test_single_probe() -> None:
    # 2013 and 2018: >= 6.0 positive, < 4.0 negative. 2007: > 6 positive, 4 to 6 equivocal.
    copies = [3.99, 4.0, 5.99, 6.0, 6.01]
    assert her2_status(["2+"] * 5, copies=copies, guideline="2007").status.tolist() == [
        "negative", "equivocal", "equivocal", "equivocal", "positive",
    ]  # fmt: skip
    assert her2_status(["2+"] * 5, copies=copies, guideline="2013").status.tolist() == [
        "negative", "equivocal", "equivocal", "positive", "positive",
    ]  # fmt: skip
    for year in YEARS:
        assert her2_status(["3+", None], copies=[3, 3], guideline=year).status.tolist() == ["positive", "negative"]  # type: ignore[arg-type]
    between = her2_status([None, "0", "1+", "2+", "3+"], copies=[5] * 5, guideline="2018")
    assert between.status.tolist() == ["", "negative", "negative", "equivocal", "positive"]
    assert between.comment.tolist() == [
        "copies 4.0 to < 6.0, IHC or dual probe needed",
        "copies 4.0 to < 6.0, IHC 0",
        "copies 4.0 to < 6.0, IHC 1+",
        "copies 4.0 to < 6.0, dual probe needed",
        "IHC 3+",
    ]
    assert between.group.tolist() == [0] * 5


def test_laboratory_call_of_ish() -> None:
    cells = list(itertools.product(["0", "1+", "2+", "3+", None], ["yes", "no", None]))
    status = her2_status([ihc for ihc, _ in cells], ish=[call for _, call in cells])
    expected = ["negative"] * 6 + ["positive", "negative", "equivocal"] + ["positive"] * 3 + [""] * 3
    assert status.status.tolist() == expected
    assert status.guideline == "IHC 3+, or IHC 2+ with ISH positive"
    assert her2_status(["2+", "2+"], ish=pd.array([True, None], dtype="boolean")).status.tolist() == [
        "positive",
        "equivocal",
    ]


def test_sakai_2018_table_1() -> None:
    # Printed: IHC 3+ 30, IHC 2+ and FISH+ 4; all 34 are HER2-positive.
    status = her2_status(["3+"] * 30 + ["2+"] * 4, ish=[None] * 30 + ["yes"] * 4)
    assert (status.status == "positive").sum() == 34


def test_limits_of_copies() -> None:
    # Clusters are printed as >20: beyond every cut-off. <4 is not 4.
    status = call_her2(
        np.array([2, 2]),
        ratio=np.array([1.5, 1.5]),
        copies=np.array([20.0, 4.0]),
        guideline="2013",
        copies_signs=np.array([">", "<"], dtype=object),
    )
    assert status.status.tolist() == ["positive", "negative"]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ({}, "Nothing was given; ihc, ratio, copies and ish are the tests."),
        ({"ihc": ["2+"], "ratio": [2.0]}, "ratio needs a guideline; choose 2007, 2013 or 2018."),
        ({"ihc": ["2+"], "ish": ["yes"], "ratio": [2.0]}, "ish and ratio exclude each other:"),
        ({"ihc": ["2+"], "ish": ["yes"], "guideline": "2018"}, "ish and guideline exclude each other:"),
        ({"ish": ["yes"]}, "ish needs ihc:"),
        ({"ihc": ["2+/FISH+", "3+"]}, "ihc is '2+/FISH+' at position 1; a score is 0, 1+, 2+ or 3+."),
        ({"ihc": ["2+"], "ish": ["maybe"]}, "ish is 'maybe' at position 1; a call is yes or no."),
        ({"ihc": ["2+"], "ratio": [-1], "guideline": "2018"}, "ratio is −1 at position 1; it is 0 or more."),
        ({"ihc": ["2+"], "ratio": [1, 2], "guideline": "2018"}, "ihc has 1 values, ratio has 2."),
        ({"ihc": ["2+"], "guideline": "2023"}, "guideline '2023' is not known;"),
    ],
)
def test_her2_is_refused(call: dict[str, Any], sentence: str) -> None:
    with pytest.raises(cs.InputError) as caught:
        her2_status(**call)
    assert str(caught.value).startswith(sentence)


def test_nothing_else_decides() -> None:
    # Order of patients, and patients beside them.
    rng = np.random.default_rng(20240501)
    ratio, copies = rng.uniform(0.5, 4, 300), rng.uniform(1, 9, 300)
    ihc = rng.choice(np.array(["0", "1+", "2+", "3+"], dtype=object), 300)
    order = rng.permutation(300)
    for year in YEARS:
        whole = her2_status(ihc, ratio=ratio, copies=copies, guideline=year)  # type: ignore[arg-type]
        other = her2_status(ihc[order], ratio=ratio[order], copies=copies[order], guideline=year)  # type: ignore[arg-type]
        assert (whole.status[order] == other.status).all()
    with pytest.raises(ValueError, match="read-only"):
        whole.status[0] = "positive"


# ---- the study file


def test_study_file_and_functions_know_the_same_words() -> None:
    hints = study_rules.Receptor.__annotations__, study_rules.Her2.__annotations__
    for name in RECEPTOR_GUIDELINES:
        assert f"'{name}'" in str(hints[0]["guideline"]).replace('"', "'")
    for name in HER2_GUIDELINES:
        assert f"'{name}'" in str(hints[1]["guideline"]).replace('"', "'")
    assert study_rules.RECEPTOR_LEVELS == receptors.RECEPTOR_LEVELS
    assert study_rules.HER2_LEVELS == receptors.HER2_LEVELS
    assert set(get_args(receptors.Scale)) == set(receptors.SCALES)


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
[columns.patients]
er_percent = { type = "number", beyond = "limit" }
pr_percent = { type = "number" }
ihc = { from = "her2", values = { "2+/FISH+" = "2+", "2+(FISH陽性)" = "2+", "2+/FISH-" = "2+" } }
fish = { from = "her2", type = "yes/no", yes = ["2+/FISH+", "2+(FISH陽性)"], no = ["2+/FISH-"], missing = ["0", "1+", "2+", "3+"] }
score = { type = "text" }
ratio = { type = "number" }
copies = { type = "number", beyond = "limit" }
"""
PATIENTS = """id,er_percent,pr_percent,her2,score,ratio,copies
P1,9,0,3+,2+,2.1,3.5
P2,10,,2+/FISH+,2+,1.8,6.5
P3,<1,0,2+(FISH陽性),1+,1.8,6.5
P4,,0,2+/FISH-,,1.8,>20
P5,0,90,2+,3+,,
P6,,,,2+,2.0,4.0
"""
RULES = """
[derive.er]
rule = "receptor"
percent = "er_percent"
guideline = "ASCO/CAP 2020"
[derive.hr]
rule = "receptor"
percent = ["er_percent", "pr_percent"]
positive_from = 10
[derive.her2]
rule = "HER2"
ihc = "score"
ratio = "ratio"
copies = "copies"
guideline = "2018"
[derive.her2_paper]
rule = "HER2"
ihc = "ihc"
ish = "fish"
"""


def study_of(folder: Path, rules: str, patients: str = PATIENTS) -> cs.Cohort:
    (folder / "study.toml").write_text(HEAD + rules, encoding="utf-8")
    (folder / "patients.csv").write_text(patients, encoding="utf-8")
    return cs.load_cohort(cs.Study.read(folder / "study.toml"))


def told(cohort: cs.Cohort, name: str) -> list[str]:
    return cohort.levels(name).astype(object).where(cohort.levels(name).notna(), "").tolist()


def test_rules_of_a_study(tmp_path: Path) -> None:
    cohort = study_of(tmp_path, RULES)
    assert told(cohort, "er") == ["low", "low", "negative", "", "negative", ""]
    assert told(cohort, "hr") == ["negative", "positive", "negative", "", "positive", ""]
    assert told(cohort, "her2") == ["negative", "positive", "negative", "", "positive", "positive"]
    assert told(cohort, "her2_group") == ["2", "3", "3", "3", "", "1"]
    assert told(cohort, "her2_paper") == ["positive", "positive", "positive", "negative", "equivocal", ""]
    assert set(cohort.evidence["er"]["method"]) == {"ASCO/CAP 2020: positive from 1 %, low up to 10 %"}
    assert set(cohort.evidence["her2"]["method"]) == {"ASCO/CAP 2018: IHC, dual-probe ISH"}
    assert cohort.values("her2_comment").tolist()[3] == "ISH group 3, IHC needed"
    evidence = cohort.evidence["her2"]
    assert evidence.loc["P1", ["guideline", "year", "table", "row"]].tolist() == ["ASCO/CAP 2018", 2018, "patients", 2]
    assert cohort.evaluate("her2_paper == 'positive' and hr == 'positive'").data.tolist()[1]


def test_wrong_cells_are_told_at_once(tmp_path: Path) -> None:
    patients = PATIENTS.replace("P1,9,", "P1,109,").replace("3+,2+,2.1,3.5", "3+,2+/FISH+,-2.1,3.5")
    with pytest.raises(cs.DataError) as caught:
        study_of(tmp_path, RULES, patients)
    found = [
        (problem.code, problem.file, problem.row, problem.patient, problem.column, problem.value, problem.study_key)
        for problem in caught.value.problems
    ]
    assert ("out-of-range", "patients.csv", 2, "P1", "er_percent", "109", "derive.er.percent") in found
    assert ("out-of-range", "patients.csv", 2, "P1", "er_percent", "109", "derive.hr.percent[0]") in found
    assert ("level-unknown", "patients.csv", 2, "P1", "score", "2+/FISH+", "derive.her2.ihc") in found
    assert ("out-of-range", "patients.csv", 2, "P1", "ratio", "-2.1", "derive.her2.ratio") in found
    assert all(problem.mend for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("rules", "code", "key"),
    [
        ('rule = "receptor"\npercent = "er_percent"', "key-missing", "derive.x.rule"),
        ('rule = "receptor"\npercent = "er_percent"\nscale = "Allred"', "key-missing", "derive.x.scale"),
        (
            'rule = "receptor"\npercent = "er_percent"\nguideline = "ASCO/CAP 2010"\npositive_from = 5',
            "key-conflict",
            "derive.x.positive_from",
        ),
        ('rule = "receptor"\npercent = "er_percent"\npositive_from = 0', "key-type", "derive.x.positive_from"),
        (
            'rule = "receptor"\npercent = "er_percent"\nlevels = { negative = 1, positive = 0 }',
            "key-type",
            "derive.x.levels",
        ),
        ('rule = "receptor"\npercent = "score"\npositive_from = 10', "expression-type", "derive.x.percent"),
        ('rule = "HER2"\nihc = "score"\nratio = "ratio"', "key-missing", "derive.x.ratio"),
        ('rule = "HER2"\nihc = "ihc"\nish = "fish"\nguideline = "2018"', "key-conflict", "derive.x.ish"),
        ('rule = "HER2"\nish = "fish"', "key-missing", "derive.x.ish"),
        ('rule = "HER2"', "key-missing", "derive.x.rule"),
        ('rule = "HER2"\nihc = "scor"', "expression-name", "derive.x.ihc"),
    ],
)
def test_rules_that_contradict_themselves(tmp_path: Path, rules: str, code: str, key: str) -> None:
    with pytest.raises(cs.DataError) as caught:
        study_of(tmp_path, f"[derive.x]\n{rules}\n")
    assert [(problem.code, problem.study_key) for problem in caught.value.problems] == [(code, key)]


def test_fractions_are_no_percents(tmp_path: Path) -> None:
    rules = '[derive.er]\nrule = "receptor"\npercent = "pr_percent"\npositive_from = 10\n'
    patients = "id,er_percent,pr_percent,her2,score,ratio,copies\nP1,0,0.9,3+,3+,,\nP2,0,0.1,3+,3+,,\n"
    cohort = study_of(tmp_path, rules, patients)
    assert [
        (problem.level, problem.code) for problem in cohort.problems if problem.study_key == "derive.er.percent"
    ] == [("warning", "unit-mismatch")]
