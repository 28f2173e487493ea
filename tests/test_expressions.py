"""The expression language: its known answers, its sentences, and text meant to break it."""

from __future__ import annotations

import csv
import dataclasses
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cohortstats.errors import CohortStatsWarning, InputError
from cohortstats.expressions import ColumnKind, ExpressionError, Records, Values, parse_expression
from cohortstats.expressions.dependencies import evaluation_order

SAKAI = Path(__file__).parents[1] / "data" / "raw" / "sakai2018"
RESPONSES = ("CR", "PR", "SD", "PD")


def number(*cells: float | None, unit: str = "") -> Values:
    data = np.array([np.nan if cell is None else cell for cell in cells])
    return Values(kind="number", data=data, missing=np.isnan(data), unit=unit)


def yes_no(*cells: bool | None) -> Values:
    return Values(
        kind="yes/no",
        data=np.array([bool(cell) for cell in cells]),
        missing=np.array([cell is None for cell in cells]),
    )


def date(*cells: str | None) -> Values:
    data = np.array([cell or "NaT" for cell in cells], dtype="datetime64[D]")
    return Values(kind="date", data=data, missing=np.isnat(data))


def ordered(*cells: str | None, levels: tuple[str, ...] = RESPONSES) -> Values:
    data = np.array([-1 if cell is None else levels.index(cell) for cell in cells])
    return Values(kind="ordered", data=data, missing=data < 0, levels=levels)


def category(*cells: str | None, levels: tuple[str, ...] = ()) -> Values:
    data = np.array([cell or "" for cell in cells], dtype=object)
    return Values(kind="category", data=data, missing=np.array([cell is None for cell in cells]), levels=levels)


# One patient: a = 5, b missing, c = no, d = 2016-03-04, o = PR.
PATIENT = {
    "a": number(5),
    "b": number(None),
    "c": yes_no(False),
    "d": date("2016-03-04"),
    "o": ordered("PR"),
    "s": category("Recurrent"),
    "t": category("IV", levels=("IV", "Recurrent")),
    "kg": number(60, unit="kg"),
    "m": number(1.6, unit="m"),
    "年齢": number(62),
    "体重（kg）": number(50),
    "e": date(None),
    "p": ordered(None),
}


def answer(text: str, columns: dict[str, Values] | None = None) -> object:
    """Y, N, M or the value of the first patient."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortStatsWarning)
        result = parse_expression(text).evaluate(columns or PATIENT, 1)
    if result.missing[0]:
        return "M"
    value = result.data[0]
    if result.kind == "yes/no":
        return "Y" if value else "N"
    if result.kind == "ordered":
        return result.levels[value]
    return str(value) if result.kind == "date" else value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The answers of the specification.
        ("a > 3 or b > 3", "Y"),
        ("a > 9 or b > 3", "M"),
        ("a > 9 and b > 3", "N"),
        ("max(a, b) > 3", "M"),
        ("known_max(a, b) > 3", "Y"),
        ("any(a > 3, b > 3)", "Y"),
        ("not (b > 3)", "M"),
        ("b == b", "M"),
        ("b is missing", "Y"),
        ("c and b > 3", "N"),
        ("c or b > 3", "M"),
        ("o <= 'PR'", "Y"),
        ("o in ['CR','PR']", "Y"),
        ("a / 0", "M"),
        ("days('2016-03-01', d)", 3),
        ("years('2000-02-29', '2018-02-28')", 17),
        ("if(b > 3, 1, 2)", "M"),
        ("count_yes(c, not c)", 1),
        ("coalesce(b, 7)", 7),
        # Precedence and arithmetic.
        ("not c and c", "N"),
        ("not (c and c)", "Y"),
        ("yes or no and no", "Y"),
        ("1 + 2 * 3 == 7", "Y"),
        ("a - 1 - 1", 3),
        ("a - (1 - 1)", 5),
        ("12 / 3 / 2", 2),
        ("-a + 1", -4),
        ("- - a", 5),
        ("a == 5 == yes or yes", None),
        ("c == (a > 9)", "Y"),
        ("c != yes", "Y"),
        ("1e3", 1000),
        ("1.5e-1 * 2", 0.3),
        # Missing.
        ("a == missing", "M"),
        ("d < missing", "M"),
        ("missing is missing", "Y"),
        ("a is not missing", "Y"),
        ("b + 1 is missing", "Y"),
        ("b in [1, 2]", "M"),
        ("b not in [1, 2]", "M"),
        ("b in []", "M"),
        ("a in []", "N"),
        ("a not in []", "Y"),
        ("a in [-5, 5]", "Y"),
        ("c in [no]", "Y"),
        ("o not in ['CR', 'PD']", "Y"),
        ("coalesce(b, missing)", "M"),
        ("coalesce(b, missing, 3)", 3),
        ("if(c, missing, 4)", 4),
        ("if(c, a, missing)", "M"),
        ("all(c, b > 3)", "N"),
        ("all(not c, b > 3)", "M"),
        ("count_yes(c, b > 3)", "M"),
        # Levels and text.
        ("o == 'PR'", "Y"),
        ("'PR' == o", "Y"),
        ("'CR' < o", "Y"),
        ("p < 'PD'", "M"),
        ("max(o, 'SD')", "SD"),
        ("min(o, 'SD')", "PR"),
        ("known_min(p, o)", "PR"),
        ("s == 'Recurrent'", "Y"),
        ("s == 'recurrent'", "N"),
        ("s != 'anything'", "Y"),
        ("t == 'ＩＶ'", "Y"),
        ("t == s", "N"),
        ("if(a > 3, 'old', 'young')", "old"),
        ("coalesce(p, 'SD')", "SD"),
        # Dates.
        ("d >= '2016-03-04'", "Y"),
        ("d in ['2016-03-04']", "Y"),
        ("d - '2016-03-01'", 3),
        ("'2016-03-05' - d", 1),
        ("d + 1", "2016-03-05"),
        ("1 + d", "2016-03-05"),
        ("d - 4", "2016-02-29"),
        ("d + b", "M"),
        ("d + 1e300", "M"),
        ("max(d, '2017-01-01')", "2017-01-01"),
        ("known_max(d, e)", "2016-03-04"),
        ("known_max(e, e)", "M"),
        ("year(d)", 2016),
        ("months('2016-03-04', '2017-03-04')", 365 / 30.4375),
        ("years('2000-02-29', '2018-03-01')", 18),
        ("years('2000-02-29', '2020-02-29')", 20),
        ("years('1969-12-31', '1970-12-30')", 0),
        ("coalesce(e, d)", "2016-03-04"),
        # Numbers.
        ("sum(1, 2, a)", 8),
        ("sum(1, b)", "M"),
        ("known_sum(1, b)", 1),
        ("known_sum(b, b)", "M"),
        ("mean(1, 2, 6)", 3),
        ("known_mean(4, b, 6)", 5),
        ("min(3, a)", 3),
        ("known_min(b, b)", "M"),
        ("abs(-a)", 5),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(2.675, 2)", 2.68),
        ("round(1.005, 2)", 1.01),
        ("round(0.4999999)", 0),
        ("round(1e300, 2)", 1e300),
        ("0 / 0", "M"),
        ("1e308 * 10", "M"),
        # Names.
        ("年齢 > 60", "Y"),
        ("`年齢` > 60", "Y"),
        ("`体重（kg）` == 50", "Y"),
        ("`体重(kg)` == 50", "Y"),
        ("kg / (m * m) > 23", "Y"),
        ("kg > 50", "Y"),
    ],
)
def test_known_answers(text: str, expected: object) -> None:
    if expected is None:
        with pytest.raises(ExpressionError):
            answer(text)
        return
    result = answer(text)
    assert result == pytest.approx(expected, rel=1e-12) if isinstance(expected, float) else result == expected


@pytest.mark.parametrize(
    ("text", "code", "position", "sentence"),
    [
        ("a = 5", "expression-syntax", 3, "position 3: '=' alone compares nothing. Write ==."),
        (
            "1 < a < 9",
            "expression-chain",
            7,
            "position 7: two comparisons in a row. Write 1 < a and a < 9.",
        ),
        (
            "a == b is missing",
            "expression-chain",
            8,
            "position 8: two comparisons in a row. Write a < b and b < c.",
        ),
        ("a and c", "expression-type", 1, "a (number) is neither yes nor no. Compare it, as in a > 0."),
        ("a > '3'", "expression-type", 1, "a (number) cannot be compared with '3' (text). Write 3 without quotes."),
        ("o < 3", "expression-type", 1, "o (ordered) cannot be compared with 3 (number). Put the level in quotes."),
        (
            "c == 'yes'",
            "expression-type",
            1,
            "c (yes/no) cannot be compared with 'yes' (text). Write yes without quotes.",
        ),
        ("c < yes", "expression-type", 1, "c < yes: yes/no has no order. Use == or !=."),
        ("t < 'Recurrent'", "expression-type", 1, "t < 'Recurrent': text or a category has no order. "),
        ("o == 'pr'", "level-unknown", 6, "'pr' is not among the levels of o: 'CR', 'PR', 'SD', 'PD'. "),
        ("o in ['CR', 'PRR']", "level-unknown", 13, "'PRR' is not among the levels of o: 'CR', 'PR', 'SD', 'PD'. "),
        ("d > '2016-02-30'", "expression-type", 5, "'2016-02-30' is not a date. Write year-month-day, such as "),
        ("d + d", "expression-type", 1, "d (date) cannot be added to d (date)."),
        ("1 - d", "expression-type", 1, "d (date) cannot be taken from 1 (number)."),
        ("a + 'x'", "expression-type", 1, "'x' (text) cannot be added to a (number)."),
        ("kg > m", "unit-mismatch", 1, "kg is in kg, m is in m; they cannot be compared. Convert one of them."),
        ("max(kg, m)", "unit-mismatch", 5, "kg is in kg, m is in m; they cannot be compared. Convert one of them."),
        ("her2_ration > 1", "expression-name", 1, "her2_ration is no column or derived name. Did you mean her2_ratio?"),
        ("maxx(a)", "expression-name", 1, "maxx is no function. Did you mean max?"),
        (
            "any_of(a > 3)",
            "expression-type",
            1,
            "any_of reads a table with many rows per patient; any_of(a > 3) names no column of one.",
        ),
        ("any_off(a > 3)", "expression-name", 1, "any_off is no function. Did you mean any_of?"),
        ("abs(a, a)", "expression-syntax", 1, "position 1: abs takes 1 values, not 2."),
        ("max()", "expression-syntax", 1, "position 1: max takes 1 or more values, not 0."),
        ("round(a, b)", "expression-type", 10, "the digits of round are a whole number from 0 to 15."),
        ("min(c, c)", "expression-type", 1, "min needs numbers, dates or ordered columns, not yes/no."),
        ("days(a, d)", "expression-type", 6, "a (number) is not a date."),
        ("", "expression-syntax", 1, "position 1: the expression is empty."),
        ("   ", "expression-syntax", 1, "position 1: the expression is empty."),
        ("a >", "expression-syntax", 4, "position 4: the expression ends where a value is expected."),
        ("(a > 3", "expression-syntax", 1, "position 1: '(' opened here never closes."),
        ("a > 3)", "expression-syntax", 6, "position 6: ')' is not expected here. Put an operator in front of it."),
        ("a == 'x", "expression-syntax", 6, "position 6: a quote ' opened here never closes."),
        ("a in 'x'", "expression-syntax", 6, "position 6: 'in' is followed by a list. Write ['CR', 'PR']."),
        ("a in [1, missing]", "expression-syntax", 10, "position 10: a list may not hold missing. "),
        ("a in [1", "expression-syntax", 6, "position 6: '[' opened here never closes."),
        ("a in [1,", "expression-syntax", 9, "position 9: a list opened here never closes."),
        ("a is 3", "expression-syntax", 6, "position 6: 'is' is followed by missing or not missing. "),
        ("a > not c", "expression-syntax", 5, "position 5: 'not' stands in front of a whole comparison. "),
        ("a not", "expression-syntax", 3, "position 3: 'not' is not expected here. "),
        ("3x > 1", "expression-syntax", 1, "position 1: a number and 'x' touch. Put a space or a sign between them."),
        ("a > 1.", "expression-syntax", 5, "position 5: '1.' is not a number. Write digits after the full stop."),
        ("a ≥ 3", "expression-syntax", 3, "position 3: '≥' is not a sign of this language. Write >=."),
        ("a − 3", "expression-syntax", 3, "position 3: '−' is not a sign of this language. Write -."),
        ("a & c", "expression-syntax", 3, "position 3: '&' is not a sign of this language. Write and."),
        ("a; c", "expression-syntax", 2, "position 2: ';' is not a sign of this language."),
        ("a\x00", "expression-syntax", 2, "position 2: 'U+0000' is not a sign of this language."),
        ("` `", "expression-syntax", 1, "position 1: a name in back-quotes is empty."),
        ("a b", "expression-syntax", 3, "position 3: 'b' is not expected here. Put an operator in front of it."),
    ],
)
def test_sentences(text: str, code: str, position: int, sentence: str) -> None:
    columns = {**PATIENT, "her2_ratio": number(1)}
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text).evaluate(columns, 1)
    fault = caught.value.faults[0]
    told = f"{fault.message} {fault.mend}"
    assert (caught.value.code, caught.value.position) == (code, position)
    assert told.startswith(sentence)


def test_every_fault_of_one_expression_comes_at_once() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression("hr and o == 'XX' and a > '3' and d > '2016-99-01'").check(
            {name: values.column_kind for name, values in PATIENT.items()}
        )
    assert [fault.code for fault in caught.value.faults] == [
        "expression-name",
        "level-unknown",
        "expression-type",
        "expression-type",
    ]
    assert [fault.position for fault in caught.value.faults] == [1, 13, 22, 38]
    assert isinstance(caught.value, InputError)


def test_a_column_of_unknown_kind_is_there_and_nothing_more_is_said() -> None:
    assert parse_expression("x > 3 and c").kind({"x": None, "c": ColumnKind(kind="yes/no")}) == "yes/no"
    assert parse_expression("x == 'a' or x < 2 or max(x, 1) > 2 or x - x > 1").kind({"x": None}) == "yes/no"
    with pytest.raises(ExpressionError, match="y is no column"):
        parse_expression("x > y").check({"x": None})


def test_kinds_levels_and_units_come_without_data() -> None:
    columns = {name: values.column_kind for name, values in PATIENT.items()}
    assert parse_expression("kg").check(columns) == ColumnKind(kind="number", unit="kg")
    assert parse_expression("max(kg, kg)").check(columns).unit == "kg"
    assert parse_expression("kg * kg").check(columns).unit == ""
    assert parse_expression("o").check(columns) == ColumnKind(kind="ordered", levels=RESPONSES)
    assert parse_expression("d - '2016-01-01'").check(columns) == ColumnKind(kind="number", unit="days")
    assert parse_expression("if(c, 'old', 'young')").check(columns).levels == ("old", "young")
    with pytest.raises(ExpressionError, match="'a' gives a number, yes or no is needed"):
        parse_expression("a").check(columns, want="yes/no")


def test_a_level_that_is_declared_nowhere_is_refused_and_one_that_does_not_occur_is_not() -> None:
    declared = {"t": ColumnKind(kind="category", levels=("IV", "Recurrent"))}
    with pytest.raises(
        ExpressionError, match=r"'V' is not among the levels of t: 'IV', 'Recurrent'\. Did you mean 'IV'"
    ):
        parse_expression("t == 'V'").check(declared)
    # A category without declared levels has, with data, the levels that occur in it.
    assert answer("t == 'V'") == "N"
    assert answer("t in ['V', 'IV']") == "Y"


def test_a_decimal_literal_equals_the_cell_with_the_same_digits() -> None:
    result = parse_expression("x > 1.25").evaluate({"x": number(float("1.25"), 1.2500001, None)}, 3)
    assert result.data.tolist() == [False, True, False]
    assert result.missing.tolist() == [False, False, True]


def test_division_by_zero_warns_once_and_is_missing() -> None:
    columns = {"x": number(1, 2, None), "y": number(0, 1, 0)}
    with pytest.warns(CohortStatsWarning, match=r"'x / y' divides by zero for 1 of 3 patients") as caught:
        result = parse_expression("x / y").evaluate(columns, 3)
    assert len(caught) == 1
    assert result.missing.tolist() == [True, False, True]


def test_what_stands_under_the_mask_does_not_matter() -> None:
    clean = Values(kind="yes/no", data=np.array([False]), missing=np.array([True]))
    dirty = Values(kind="yes/no", data=np.array([True]), missing=np.array([True]))
    for text in ("x", "not x", "x and yes", "x or no", "x == yes", "if(x, 1, 2)", "coalesce(x, no)"):
        first, second = (parse_expression(text).evaluate({"x": x}, 1) for x in (clean, dirty))
        np.testing.assert_array_equal(first.data, second.data)
        np.testing.assert_array_equal(first.missing, second.missing)


def test_an_untested_patient_without_receptors_is_no_one_with_receptors_is_missing() -> None:
    columns = {"hr": yes_no(False, True, True, True), "amp": yes_no(None, None, False, True)}
    result = parse_expression("hr and not amp").evaluate(columns, 4)
    assert result.data.tolist() == [False, False, True, False]
    assert result.missing.tolist() == [False, True, False, False]


def test_columns_of_another_length_are_refused() -> None:
    with pytest.raises(InputError, match="a has 1 values, not 2"):
        parse_expression("a > 3").evaluate(PATIENT, 2)


def test_no_patients() -> None:
    empty = Values(kind="number", data=np.array([]), missing=np.array([], dtype=bool))
    assert len(parse_expression("max(x, 1) > 3 and x / 1 > 2").evaluate({"x": empty}, 0)) == 0


# ---------------------------------------------------------------------------------------------------------------------
# Many rows per patient
# ---------------------------------------------------------------------------------------------------------------------

# Five patients. The visits of each, in the order of their dates (day, response, size); start is a day of the patient.
#   0: 10 SD 50, 20 PD 70, 30 SD 60     two visits after the one with progression
#   1: 10 SD 40, 20 missing 30, 30 PD missing
#   2: none
#   3: 10 PR 20, 10 SD 20               two records on one day
#   4: 10 SD 30, no day PD 10           a record whose place is not known
VISITS = Records(
    table="visits", patient=np.array([0, 0, 0, 1, 1, 1, 3, 3, 4, 4]), rank=np.array([0, 1, 2, 0, 1, 2, 0, 0, 0, -1])
)
LABS = Records(table="labs", patient=np.array([0, 2]), rank=np.array([0, 0]))


def records(values: Values, table: Records = VISITS) -> Values:
    return dataclasses.replace(values, records=table)


MANY = {
    "start": number(15, 15, 15, 15, None),
    "day": records(number(10, 20, 30, 10, 20, 30, 10, 10, 10, None)),
    "date": records(date(*["2016-01-10", "2016-01-20", "2016-01-30"] * 2, *["2016-01-10"] * 3, None)),
    "response": records(ordered("SD", "PD", "SD", "SD", None, "PD", "PR", "SD", "SD", "PD")),
    "size": records(number(50, 70, 60, 40, 30, None, 20, 20, 30, 10)),
    "scan": records(yes_no(*[True] * 4, None, *[True] * 5)),
    "site": records(category(*"ababababab")),
    "crp": records(number(5, 7), LABS),
}


def answers(text: str) -> list[object]:
    result = parse_expression(text).evaluate(MANY, 5)
    assert result.records is None
    assert len(result) == 5
    shown: list[object] = []
    for value, missing in zip(result.data, result.missing, strict=True):
        if missing:
            shown.append("M")
        elif result.kind == "yes/no":
            shown.append("Y" if value else "N")
        elif result.kind == "ordered":
            shown.append(result.levels[value])
        else:
            shown.append(str(value) if result.kind == "date" else value)
    return shown


# Every answer was found by hand from the five lines above.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Is one record enough, and what does a missing one leave open? No record at all is missing.
        ("any_of(response == 'PD')", ["Y", "Y", "M", "N", "Y"]),
        ("any_of(response == 'PR')", ["N", "M", "M", "Y", "N"]),
        ("all_of(response >= 'SD')", ["Y", "M", "M", "N", "Y"]),
        ("all_of(response == 'SD')", ["N", "N", "M", "N", "N"]),
        ("any_of(response is missing)", ["N", "Y", "M", "N", "N"]),
        # No record: 0, all others missing. A missing answer makes the number missing.
        ("count_of(response == 'SD')", [2, "M", 0, 1, 1]),
        ("count_of(day is not missing)", [3, 3, 0, 2, 1]),
        ("count_of(yes, response == 'PD')", [1, "M", 0, 0, 1]),
        # In the order of the table: a tie that differs, or a record without a place, leaves the answer open.
        ("first(response)", ["SD", "SD", "M", "M", "M"]),
        ("last(response)", ["SD", "PD", "M", "M", "M"]),
        ("first(size)", [50, 40, "M", 20, "M"]),
        ("last(size)", [60, "M", "M", 20, "M"]),
        ("last(size, size is not missing)", [60, 30, "M", 20, "M"]),
        ("first(site)", ["a", "b", "M", "M", "M"]),
        ("first(size, day is not missing)", [50, 40, "M", 20, 30]),
        ("first(date, response == 'PD')", ["2016-01-20", "M", "M", "M", "M"]),
        ("first(day, response == 'SD')", [10, 10, "M", 10, 10]),
        ("last(day, response == 'SD')", [30, "M", "M", 10, 10]),
        ("first(scan)", ["Y", "Y", "M", "Y", "Y"]),
        # Smallest and largest are strict, as min and max are.
        ("min_of(size)", [50, "M", "M", 20, 10]),
        ("max_of(size)", [70, "M", "M", 20, 30]),
        ("max_of(size, size is not missing)", [70, 40, "M", 20, 30]),
        ("min_of(size, response == 'SD')", [50, "M", "M", 20, 30]),
        ("max_of(size, response == 'SD')", [60, 40, "M", 20, 30]),  # of 1 the visit that may be SD has 30, below 40
        ("min_of(response)", ["SD", "M", "M", "PR", "SD"]),
        ("max_of(date)", ["2016-01-30", "2016-01-30", "M", "2016-01-10", "M"]),
        # A condition that no record meets is no record.
        ("any_of(response == 'PD', day > 99)", ["M", "M", "M", "M", "M"]),
        ("count_of(response == 'PD', day > 99)", [0, 0, 0, 0, "M"]),
        ("any_of(response == 'PD', day <= start)", ["N", "N", "M", "N", "M"]),
        ("any_of(response == 'PD' and day <= start)", ["N", "N", "M", "N", "M"]),
        # Columns of the patient, numbers and functions stand beside columns of the visit.
        ("count_of(day <= start)", [1, 1, 0, 2, "M"]),
        ("count_of(size / 2 >= 30)", [2, "M", 0, 0, 0]),
        ("any_of(size >= 1.2 * min_of(size))", ["Y", "M", "M", "N", "Y"]),
        ("count_of(day - first(day) > 5)", [2, 2, 0, 0, "M"]),
        ("first(day, response == 'PD') - start", [5, "M", "M", "M", "M"]),
        ("first(if(response == 'PD', 'worse', 'not worse'), day > 15)", ["worse", "M", "M", "M", "M"]),
        ("any_of(day > 15) and start == 15", ["Y", "Y", "M", "N", "M"]),
        ("max_of(size) > max_of(crp)", ["Y", "M", "M", "M", "M"]),
        ("coalesce(max_of(size), 0)", [70, 0, 0, 20, 30]),
        ("any(any_of(day > 15), any_of(crp > 6))", ["Y", "Y", "Y", "M", "M"]),
    ],
)
def test_functions_over_records(text: str, expected: list[object]) -> None:
    assert answers(text) == expected


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        (
            "response == 'PD'",
            "expression-many",
            "response has many rows per patient; use any_of, all_of, count_of, first, last, min_of or max_of.",
        ),
        ("any(response == 'PD')", "expression-many", "response has many rows per patient; use any_of"),
        ("max(size, 3)", "expression-many", "size has many rows per patient"),
        ("start > 3 and day", "expression-many", "day has many rows per patient"),
        ("any_of(day > start) and size > 3", "expression-many", "size has many rows per patient"),
        ("first(size > crp)", "expression-type", "first: size is a column of visits, crp of labs. Read one table"),
        ("any_of(size > 3, crp > 3)", "expression-type", "any_of: size is a column of visits, crp of labs."),
        ("any_of(first(size) > 3)", "expression-type", "any_of reads a table with many rows per patient; any_of(first"),
        ("count_of(yes)", "expression-type", "count_of reads a table with many rows per patient"),
        ("any_of(response)", "expression-type", "response (ordered) is neither yes nor no."),
        ("first(size, day)", "expression-type", "day (number) is neither yes nor no."),
        ("min_of(site)", "expression-type", "min_of needs a number, a date or an ordered column, not category."),
        ("max_of(scan)", "expression-type", "max_of needs a number, a date or an ordered column, not yes/no."),
        ("any_of()", "expression-syntax", "position 1: any_of takes 1 or 2 values, not 0."),
        ("first(size, scan, scan)", "expression-syntax", "position 1: first takes 1 or 2 values, not 3."),
        ("any_of(respons == 'PD')", "expression-name", "respons is no column or derived name. Did you mean response?"),
        ("any_of(response == 'XX')", "level-unknown", "'XX' is not among the levels of response"),
        ("first(response) == 'XX'", "level-unknown", "'XX' is not among the levels of first(response)"),
    ],
)
def test_sentences_about_records(text: str, code: str, sentence: str) -> None:
    kinds = {name: values.column_kind for name, values in MANY.items()}
    for ask in (lambda: parse_expression(text).check(kinds), lambda: parse_expression(text).evaluate(MANY, 5)):
        with pytest.raises(ExpressionError) as caught:
            ask()
        fault = caught.value.faults[0]
        assert (fault.code, len(caught.value.faults)) == (code, 1)
        assert f"{fault.message} {fault.mend}".startswith(sentence)


def test_kinds_of_functions_over_records_come_without_data() -> None:
    kinds = {name: values.column_kind for name, values in MANY.items()} | {"x": None}
    assert parse_expression("first(response)").check(kinds) == ColumnKind(kind="ordered", levels=RESPONSES)
    assert parse_expression("max_of(date)").check(kinds) == ColumnKind(kind="date")
    assert parse_expression("count_of(size > 3)").kind(kinds) == "number"
    assert parse_expression("any_of(x > 3) and first(x) > 2").kind(kinds) == "yes/no"
    kg = {"kg": ColumnKind(kind="number", unit="kg", table="visits")}
    assert parse_expression("first(kg)").check(kg) == ColumnKind(kind="number", unit="kg")


def test_records_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="size has 9 values, not 10"):
        parse_expression("first(size)").evaluate({"size": records(number(*range(9)))}, 5)
    with pytest.raises(InputError, match="size has records of patients who are not among the 4"):
        parse_expression("first(size)").evaluate({"size": MANY["size"]}, 4)


def test_a_table_without_a_record_and_a_cohort_without_a_patient() -> None:
    none = Records(table="visits", patient=np.array([], dtype=np.int64), rank=np.array([], dtype=np.int64))
    columns = {"size": records(number(), none), "site": records(category(), none), "day": records(date(), none)}
    for n in (0, 3):
        for text, missing in [
            ("any_of(size > 3)", True),
            ("first(size)", True),
            ("last(site, size > 1)", True),
            ("max_of(day)", True),
            ("count_of(size > 3)", False),
        ]:
            result = parse_expression(text).evaluate(columns, n)
            assert result.missing.tolist() == [missing] * n


def test_a_division_by_zero_among_records_counts_patients() -> None:
    columns = {"x": records(number(*[0.0] * 10))}
    with pytest.warns(CohortStatsWarning, match=r"divides by zero for 4 of 5 patients"):
        result = parse_expression("first(1 / x)").evaluate(columns, 5)
    assert result.missing.all()


def test_hundreds_of_thousands_of_records_take_no_loop() -> None:
    draw = np.random.default_rng(7)
    n, n_patients = 200_000, 20_000
    patient = np.sort(draw.integers(0, n_patients, n))
    table = Records(table="visits", patient=patient, rank=draw.permutation(n))
    size = draw.normal(size=n)
    columns = {"size": records(Values(kind="number", data=size, missing=np.zeros(n, dtype=bool)), table)}
    began = time.perf_counter()
    smallest = parse_expression("min_of(size)").evaluate(columns, n_patients)
    latest = parse_expression("last(size, size > 0)").evaluate(columns, n_patients)
    number_of = parse_expression("count_of(size > 0)").evaluate(columns, n_patients)
    assert time.perf_counter() - began < 1
    frame = pd.DataFrame({"patient": patient, "size": size, "rank": table.rank})
    groups = frame.groupby("patient")["size"]
    here = sorted(set(patient.tolist()))
    assert smallest.data[here].tolist() == groups.min().tolist()
    assert number_of.data[here].tolist() == groups.apply(lambda sizes: float((sizes > 0).sum())).tolist()
    above = frame[frame["size"] > 0].sort_values("rank").groupby("patient")["size"].last()
    assert latest.data[above.index].tolist() == above.tolist()


# ---------------------------------------------------------------------------------------------------------------------
# Text meant to break it
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "a.__class__",
        "(lambda: 1)()",
        "[x for x in [1]]",
        "@a",
        "a if c else b",
        "exec('1')",
        "open('/etc/passwd')",
        "a[0]",
        "{}",
        "a\\",
        "f'{a}'",
        "a := 1",
        "a ** 9 ** 9 ** 9",
        "１ + 1",
        "\u202ea > 3",
    ],
)
def test_nothing_is_executed(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(text).evaluate(PATIENT, 1)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 51 + "a" + ")" * 51,
        "not " * 51 + "c",
        "-" * 51 + "a",
        "abs(" * 51 + "a" + ")" * 51,
        "(" * 3999,
        "not " * 999,
        "-" * 3999,
        "[" * 3999,
        "if(" * 1300,
    ],
)
def test_depth_is_bounded(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert caught.value.code == "expression-syntax"


def test_the_deepest_and_longest_that_are_allowed() -> None:
    assert answer("(" * 49 + "a" + ")" * 49) == 5
    assert answer("not " * 49 + "c") == "Y"
    for sign in ("or", "and"):
        assert answer(f" {sign} ".join(["c"] * 500)) == "N"
    assert answer("+".join(["1"] * 2000)) == 2000
    assert answer("*".join(["1"] * 2000)) == 1
    assert answer("max(" + ",".join(["1"] * 1900) + ")") == 1
    long = "a" * 4001
    with pytest.raises(ExpressionError, match="4,001 characters, the limit is 4,000"):
        parse_expression(long)


def test_the_deepest_tree_leaves_room_on_the_stack() -> None:
    deepest = parse_expression("(" * 49 + "a > 3" + ")" * 49)
    limit = sys.getrecursionlimit()
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    sys.setrecursionlimit(depth + 700)
    try:
        assert parse_expression("not (" * 24 + "a > 3" + ")" * 24).kind({"a": ColumnKind(kind="number")}) == "yes/no"
        assert deepest.evaluate(PATIENT, 1).data.tolist() == [True]
    finally:
        sys.setrecursionlimit(limit)


def test_circles_are_found_and_what_lies_behind_them_is_not_ordered() -> None:
    order, circles = evaluation_order({"a": ["a"], "b": ["c"], "c": ["d"], "d": ["b"], "e": ["b"], "f": [], "g": ["f"]})
    assert order == ("f", "g")
    assert circles == (("a",), ("b", "c", "d"))
    chain = {f"x{i}": [f"x{i + 1}"] for i in range(20_000)}
    assert len(evaluation_order(chain)[0]) == 20_000


# ---------------------------------------------------------------------------------------------------------------------
# The shipped study
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sakai() -> dict[str, Values]:
    with (SAKAI / "patients.csv").open(encoding="utf-8", newline="") as stream:
        patients = list(csv.DictReader(stream))
    with (SAKAI / "ctdna.csv").open(encoding="utf-8", newline="") as stream:
        plasma = {row["patient"]: row for row in csv.DictReader(stream)}
    columns: dict[str, Values] = {
        "hr_positive": yes_no(*[row["hr_positive"] == "yes" for row in patients]),
        "prior_lines": ordered(*[row["prior_lines"] for row in patients], levels=("0", "1", "2", "3", "4", ">=5")),
        "best_response": ordered(
            *[None if row["best_response"] == "Unknown" else row["best_response"] for row in patients]
        ),
    }
    for name in ("her2_ratio", "e542k_mut", "e545k_mut", "h1047r_mut"):
        columns[name] = number(
            *[float(plasma[p["patient"]][name]) if p["patient"] in plasma else None for p in patients]
        )
    return columns


@pytest.mark.parametrize(
    ("text", "yes", "no", "missing"),
    [
        ("her2_ratio is not missing", 16, 18, 0),
        ("her2_ratio > 1.25", 5, 11, 18),
        ("max(e542k_mut, e545k_mut, h1047r_mut) > 3", 2, 14, 18),
        ("prior_lines <= '1'", 17, 17, 0),
        ("best_response == 'PD'", 9, 22, 3),
        ("hr_positive", 17, 17, 0),
    ],
)
def test_counts_of_the_shipped_study(sakai: dict[str, Values], text: str, yes: int, no: int, missing: int) -> None:
    result = parse_expression(text).evaluate(sakai, 34)
    known = ~result.missing
    assert (int((result.data & known).sum()), int((~result.data & known).sum()), int(result.missing.sum())) == (
        yes,
        no,
        missing,
    )


def test_the_risk_group_is_missing_for_untested_patients_with_receptors_only(sakai: dict[str, Values]) -> None:
    amplified = parse_expression("her2_ratio > 1.25").evaluate(sakai, 34)
    group = parse_expression("hr_positive and not amplified").evaluate({**sakai, "amplified": amplified}, 34)
    untested = sakai["her2_ratio"].missing
    assert group.missing.tolist() == (untested & sakai["hr_positive"].data).tolist()
