"""Rules of a column that change what a cell counts as: limits, intervals, units, footnotes, dates without a day."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.files.dates import DateRules, parse_date
from cohortstats.files.folding import fold
from cohortstats.files.numbers import NumberRules, parse_with_flags
from cohortstats.files.table import Fault

NUMBERS = [
    ("<1", {"beyond": "limit"}, 1, {"beyond": "<"}),
    ("<1", {"beyond": "half"}, 0.5, {"beyond": "<"}),
    ("<1", {"beyond": "missing"}, None, {"beyond": "<"}),
    ("<1", {"beyond": 0.7}, 0.7, {"beyond": "<"}),
    ("1未満", {"beyond": "limit"}, 1, {"beyond": "<"}),
    ("≦1", {"beyond": "half"}, 0.5, {"beyond": "<="}),
    ("≥10", {"beyond": "limit"}, 10, {"beyond": ">="}),
    ("10以上", {"beyond": "limit"}, 10, {"beyond": ">="}),
    (">10", {"beyond": "limit"}, 10, {"beyond": ">"}),
    ("3-5", {"interval": "mid"}, 4, {"interval": "3-5"}),
    ("3〜5", {"interval": "low"}, 3, {"interval": "3~5"}),
    ("3-5", {"interval": "high"}, 5, {"interval": "3-5"}),
    ("18a", {"footnotes": ("a",)}, 18, {"footnote": "a"}),
    ("12 mg/dL", {"unit": "mg/dL"}, 12, {}),
    ("2 g/L", {"unit": "mg/dL", "units": {"g/L": 100.0}}, 200, {"unit": "g/L"}),
    ("1,234", {"thousands": ","}, 1234, {}),
    ("12.5", {"beyond": "half", "interval": "mid"}, 12.5, {}),
]
FAULTS = [
    ("<1", {}, "number-inequality"),
    (">10", {"beyond": "half"}, "number-inequality"),
    ("3-5", {}, "number-range"),
    ("5-3", {"interval": "mid"}, "number-range"),
    ("18a", {}, "number-invalid"),
    ("18b", {"footnotes": ("a",)}, "number-invalid"),
    ("2 g/L", {"unit": "mg/dL"}, "unit-mismatch"),
    ("2 kg", {"unit": "mg/dL", "units": {"g/L": 100.0}}, "unit-mismatch"),
]
DATES = [
    ("2014-02", "first", (2014, 2, 1)),
    ("2014-02", "mid", (2014, 2, 15)),
    ("2014-02", "last", (2014, 2, 28)),
    ("2016年2月", "last", (2016, 2, 29)),
    ("2014", "first", (2014, 1, 1)),
    ("2014", "mid", (2014, 6, 30)),
    ("2014", "last", (2014, 12, 31)),
    ("H28年3月", "last", (2016, 3, 31)),
    ("平成元年12月", "first", (1989, 12, 1)),
    ("2014-12", "last", (2014, 12, 31)),
]


@pytest.mark.parametrize(("cell", "rules", "value", "flags"), NUMBERS)
def test_numbers_under_rules(cell: str, rules: dict[str, object], value: float | None, flags: dict[str, str]) -> None:
    found = parse_with_flags(fold(cell), NumberRules(**rules))  # type: ignore[arg-type]
    assert not isinstance(found, Fault), found
    assert (found.value, dict(found.flags)) == (value, flags)


@pytest.mark.parametrize(("cell", "rules", "code"), FAULTS)
def test_without_a_rule_nothing_is_guessed(cell: str, rules: dict[str, object], code: str) -> None:
    found = parse_with_flags(fold(cell), NumberRules(**rules))  # type: ignore[arg-type]
    assert isinstance(found, Fault)
    assert found.code == code


@pytest.mark.parametrize(("cell", "rule", "day"), DATES)
def test_dates_without_a_day(cell: str, rule: str, day: tuple[int, int, int]) -> None:
    assert parse_date(fold(cell), DateRules(impute=rule)) == (dt.date(*day), None)
    assert parse_date(fold(cell), DateRules())[1].code == "date-partial"  # type: ignore[union-attr]


STUDY = """cohortstats = 1
[study]
id = "rules"
title = "Rules"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
ctdna = { type = "number", unit = "copies", beyond = "half", interval = "mid", footnotes = ["a"], label = "ctDNA" }
protein = { type = "number", unit = "mg/dL", units = { "g/L" = 100 } }
seen = { type = "date", impute = "last" }
[derive]
low = { when = "ctdna_beyond == '<'" }
whole_date = { when = "seen_imputed is missing" }
"""
ROWS = """id,ctdna,protein,seen
1,<3,12,2014-02
2,3-5,2 g/L,2014-02-11
3,18a,7 mg/dL,2014
4,7,,
"""


def load(folder: Path, study: str = STUDY, rows: str = ROWS) -> cs.Cohort:
    (folder / "study.toml").write_text(study, encoding="utf-8")
    (folder / "patients.csv").write_text(rows, encoding="utf-8")
    return cs.load_cohort(folder)


def test_what_was_changed_is_a_column(tmp_path: Path) -> None:
    cohort = load(tmp_path)
    assert cohort["ctdna"].tolist() == [1.5, 4, 18, 7]
    assert cohort["protein"].tolist()[:3] == [12, 200, 7]
    assert math.isnan(cohort["protein"].iloc[3])
    flags = {
        name: cohort[name].astype(object).where(cohort[name].notna(), None).tolist() for name in cohort if "_" in name
    }
    assert flags["ctdna_beyond"] == ["<", None, None, None]
    assert flags["ctdna_interval"] == [None, "3-5", None, None]
    assert flags["ctdna_footnote"] == [None, None, "a", None]
    assert flags["protein_unit"] == [None, "g/L", None, None]
    assert flags["seen_imputed"] == ["day", None, "month", None]
    assert [str(day.date()) for day in cohort["seen"].iloc[:3]] == ["2014-02-28", "2014-02-11", "2014-12-31"]
    assert cohort["low"].tolist()[0] is True
    assert cohort.variables["ctdna_beyond"].label == "ctDNA, beyond"
    assert not [problem for problem in cohort.problems if problem.level == "error"]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('beyond = "half"', 'beyond = "third"', '[columns.patients.ctdna] beyond must be "limit", "half", "missing" or a number, not "third".'),
        ('unit = "mg/dL", units', "units", "[columns.patients.protein] units needs unit, to which they are converted."),
        ("seen = {", 'ctdna_beyond = { type = "text", from = "id" }\nseen = {', "[columns.patients.ctdna_beyond] ctdna_beyond is a column of patients too."),
        ('type = "date", impute', 'type = "text", impute', "[columns.patients.seen] impute does not apply to a column of type text."),
    ],
)  # fmt: skip
def test_study_file(old: str, new: str, sentence: str, tmp_path: Path) -> None:
    assert old in STUDY
    with pytest.raises(cs.DataError) as caught:
        load(tmp_path, STUDY.replace(old, new))
    assert any(problem.message == sentence for problem in caught.value.problems), [
        p.message for p in caught.value.problems
    ]
