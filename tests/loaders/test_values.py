"""Cells to values: the tables of the rules, cell by cell."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohortstats.files.dates import DateRules, parse_date
from cohortstats.files.folding import fold
from cohortstats.files.numbers import NumberRules, parse_number
from cohortstats.files.table import Fault
from cohortstats.loaders.values import TypedColumn, type_column
from cohortstats.study import Column


def number(text: str, **rules: object) -> float | str:
    found = parse_number(fold(text), NumberRules(**rules))  # type: ignore[arg-type]
    return found.code if isinstance(found, Fault) else found


def day(text: str, order: str = "", epoch: int = 0) -> tuple[str, str]:
    """The date as ISO text and the code of what was said."""
    found, fault = parse_date(fold(text), DateRules(order=order, epoch=epoch))
    return (found.isoformat() if found else "", fault.code if fault else "")


def typed(texts: list[str], missing: tuple[str, ...] = ("",), **keys: object) -> TypedColumn:
    column = Column(name="x", table="t", **keys)  # type: ignore[arg-type]
    return type_column(np.array(texts, dtype=object), column, missing)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.50", 12.5),
        ("１２．５", 12.5),
        ("−3", -3.0),
        ("－３", -3.0),
        ("ー3", -3.0),
        ("+4", 4.0),
        ("1e3", 1000.0),
        ("1,234", "number-comma"),
        ("1.234,5", "number-invalid"),
        ("12.5%", "number-unit"),
        ("12 mg/dL", "unit-mismatch"),
        ("62歳", "unit-mismatch"),
        ("<1", "number-inequality"),
        ("1未満", "number-inequality"),
        ("≦1", "number-inequality"),
        ("≥10", "number-inequality"),
        ("10以上", "number-inequality"),
        ("3-5", "number-range"),
        ("3〜5", "number-range"),
        ("18a", "number-invalid"),
        ("inf", "number-invalid"),
        ("nan", "number-invalid"),
        ("1_000", "number-invalid"),
        ("0x10", "number-invalid"),
        ("1.2.3", "number-invalid"),
        ("1/2", "number-invalid"),
        ("١", "number-invalid"),
        (".5", "number-invalid"),
        ("1e999", "number-invalid"),
    ],
)
def test_numbers(text: str, value: float | str) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "rules", "value"),
    [
        ("1,234", {"thousands": ","}, 1234.0),
        ("1,234", {"decimal": ","}, 1.234),
        ("1.234,5", {"decimal": ",", "thousands": "."}, 1234.5),
        ("12,34", {"thousands": ","}, "number-comma"),
        ("12.5%", {"unit": "percent"}, 12.5),
        ("12.5%", {"unit": "fraction"}, 0.125),
        ("12 mg/dL", {"unit": "mg/dL"}, 12.0),
        ("12㎎／dL", {"unit": "mg/dL"}, 12.0),
        ("12 µL", {"unit": "μL"}, 12.0),
        ("12 g/L", {"unit": "mg/dL"}, "unit-mismatch"),
        ("2.0", {"integer": True}, 2.0),
        ("2.5", {"integer": True}, "number-not-integer"),
    ],
)
def test_numbers_with_what_the_column_declares(text: str, rules: dict[str, object], value: float | str) -> None:
    assert number(text, **rules) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_printed_double_is_read_back(value: float) -> None:
    assert number(repr(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "2016-03-04",
        "2016/3/4",
        "2016.3.4",
        "20160304",
        "2016年3月4日",
        "04MAR2016",
        "4 Mar 2016",
        "2016-03-04T00:00:00",
        "2016/3/4 0:00",
        "H28.3.4",
        "h28.3.4",
        "Ｈ２８．３．４",
        "平成28年3月4日",
    ],
)
def test_one_day_in_every_form(text: str) -> None:
    assert day(text) == ("2016-03-04", "")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("令和元年5月1日", ("2019-05-01", "")),
        ("R1/5/1", ("2019-05-01", "")),
        ("H31.4.30", ("2019-04-30", "")),
        ("H31.5.1", ("2019-05-01", "era-overrun")),
        ("S64.1.7", ("1989-01-07", "")),
        ("S64.1.8", ("1989-01-08", "era-overrun")),
        ("T15.12.24", ("1926-12-24", "")),
        ("昭和元年12月25日", ("1926-12-25", "")),
        ("R1.4.30", ("", "date-invalid")),
        ("H0.1.1", ("", "date-invalid")),
        ("M1.1.1", ("", "date-invalid")),
        ("2016/13/4", ("", "date-invalid")),
        ("2015-02-29", ("", "date-invalid")),
        ("2016-03/04", ("", "date-invalid")),
        ("16/3/4", ("", "date-invalid")),
        ("1899-12-31", ("", "out-of-range")),
        ("2300-01-01", ("", "out-of-range")),
        ("2014-02", ("", "date-partial")),
        ("2014", ("", "date-partial")),
        ("2014年2月", ("", "date-partial")),
        ("3/4/2016", ("", "date-order")),
        ("13/4/2016", ("", "date-order")),
        ("42433", ("", "date-serial")),
        ("2016-03-04 13:30", ("2016-03-04", "time-dropped")),
        ("2016-03-04 25:30", ("", "date-invalid")),
        ("不明", ("", "date-invalid")),
    ],
)
def test_dates(text: str, answer: tuple[str, str]) -> None:
    assert day(text) == answer


@pytest.mark.parametrize(
    ("text", "epoch", "answer"),
    [
        ("42433", 1900, ("2016-03-04", "")),
        ("40971", 1904, ("2016-03-04", "")),
        ("59", 1900, ("1900-02-28", "")),
        ("60", 1900, ("", "date-invalid")),
        ("61", 1900, ("1900-03-01", "")),
        ("42433.5", 1900, ("2016-03-04", "time-dropped")),
        ("2016", 1900, ("", "date-partial")),
    ],
)
def test_day_numbers(text: str, epoch: int, answer: tuple[str, str]) -> None:
    assert day(text, epoch=epoch) == answer


def test_the_declared_order_of_day_and_month() -> None:
    assert day("3/4/2016", "mdy") == ("2016-03-04", "")
    assert day("3/4/2016", "dmy") == ("2016-04-03", "")
    assert day("13/4/2016", "dmy") == ("2016-04-13", "")
    assert day("13/4/2016", "mdy") == ("", "date-invalid")


@given(st.dates(min_value=dt.date(1926, 12, 25), max_value=dt.date(2100, 12, 31)))
def test_eras_and_serials_agree_with_the_calendar(date: dt.date) -> None:
    letter, before = (
        ("S", 1925) if date < dt.date(1989, 1, 8) else ("H", 1988) if date < dt.date(2019, 5, 1) else ("R", 2018)
    )
    iso = (date.isoformat(), "")
    assert date.year - before > 99 or day(f"{letter}{date.year - before}.{date.month}.{date.day}") == iso
    assert day(str((date - dt.date(1899, 12, 30)).days), epoch=1900) == iso


def test_only_what_is_listed_is_missing() -> None:
    column = typed(["62", "", "NA", "不明", " 不明　", "-"], missing=("", "不明"), type="number")
    assert column.values.missing.tolist() == [False, True, True, True, True, True]
    assert [(row, text, fault.code) for row, text, fault in column.faults] == [
        (2, "NA", "number-invalid"),
        (5, "-", "number-invalid"),
    ]
    assert column.faults[0][2].message == "'NA' is not a number."
    assert column.faults[0][2].mend == "Correct the cell, or add it to study.missing."


def test_an_empty_cell_that_is_not_listed_is_a_value() -> None:
    assert [fault.code for _, _, fault in typed([""], missing=(), type="number").faults] == ["number-invalid"]


def test_missing_words_of_a_column_come_on_top() -> None:
    assert typed(["9999", "1"], type="number", missing=("",)).faults == ()
    column = Column(name="x", table="t", type="number", missing=("9999",))
    found = type_column(np.array(["9999", "1", ""], dtype=object), column, [""])
    assert found.values.missing.tolist() == [True, False, True]


def test_yes_and_no() -> None:
    column = typed(["Yes", "NO", "TRUE", "FALSE", "", "y"], type="yes/no")
    assert column.values.data.tolist()[:4] == [True, False, True, False]
    assert [fault.message for _, _, fault in column.faults] == ["'y' is neither yes nor no here."]
    column = typed(["＋", "−", "陽性", "◯"], type="yes/no", yes=("+", "陽性", "○"), no=("-",))
    assert column.values.data.tolist() == [True, False, True, True]
    assert typed(["1:DECEASED"], type="yes/no", values={"1:DECEASED": "yes"}).values.data.tolist() == [True]


@pytest.mark.parametrize(
    ("texts", "mend"),
    [
        (["1", "2"], 'Declare yes = ["2"], no = ["1"], or the reverse.'),
        (["1", "0"], 'Declare yes = ["1"], no = ["0"].'),
    ],
)
def test_coded_answers_are_refused_with_the_declaration(texts: list[str], mend: str) -> None:
    assert {fault.mend for _, _, fault in typed(texts, type="yes/no").faults} == {mend}


def test_ordered_levels_and_their_misspellings() -> None:
    column = typed(["PR", "pR", "PDD", "ＣＲ", "SD"], order=("CR", "PR", "SD", "PD"))
    assert column.values.data.tolist() == [1, -1, -1, 0, 2]
    assert [(fault.code, fault.message, fault.mend) for _, _, fault in column.faults] == [
        (
            "level-unknown",
            "'pR' differs from 'PR' only in case or space.",
            'Correct the cell, or add values = { "pR" = "PR" }.',
        ),
        ("level-unknown", "'PDD' is not among CR, PR, SD, PD.", "Did you mean 'PD'?"),
    ]


def test_values_rename_and_unused_ones_are_told() -> None:
    column = typed([">=5", "４"], order=("4", "≥ 5"), values={">=5": "≥ 5", "none": "4"})
    assert column.values.data.tolist() == [1, 0]
    assert [(note.level, note.code, note.message) for note in column.notes] == [
        ("warning", "value-unused", "values names 'none', which never occurs.")
    ]


def test_a_category_has_the_levels_that_occur() -> None:
    column = typed(["b", "a", "", "b"])
    assert column.values.kind == "category"
    assert column.values.levels == ("a", "b")
    many = typed([f"level {number}" for number in range(21)])
    assert [note.code for note in many.notes] == ["levels-many"]
    declared = typed(["b", "c"], type="category", order=("b", "a"))
    assert declared.values.levels == ("b", "a")
    assert [fault.code for _, _, fault in declared.faults] == ["level-unknown"]


def test_a_range_includes_its_ends() -> None:
    column = typed(["18", "110", "17.9", "111"], type="number", range=(18.0, 110.0))
    assert [(row, fault.message) for row, _, fault in column.faults] == [
        (2, "'17.9' is outside 18 to 110."),
        (3, "'111' is outside 18 to 110."),
    ]
    warned = typed(["111"], type="number", range=(18.0, 110.0), range_action="warn")
    assert warned.faults[0][2].level == "warning"
    assert warned.values.data.tolist() == [111.0]


@given(st.permutations(list(range(6))))
def test_the_order_of_rows_changes_nothing(order: list[int]) -> None:
    texts = ["62", "６３", "x", "", "1,5", "7"]
    column = typed([texts[place] for place in order], type="number")
    straight = typed(texts, type="number")
    assert np.array_equal(column.values.data, straight.values.data[order], equal_nan=True)
    assert sorted(text for _, text, _ in column.faults) == sorted(text for _, text, _ in straight.faults)
