"""Laws of the three-valued logic that no example can show."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import permutations, product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohortstats.errors import CohortStatsWarning
from cohortstats.expressions import ExpressionError, Records, Values, parse_expression

TRUTHS = (True, False, None)
TRIPLES = list(product(TRUTHS, repeat=3))
NAMES = ("x", "y", "z")


def columns(triples: list[tuple[bool | None, ...]]) -> dict[str, Values]:
    """One patient for each triple of truth values of x, y and z."""
    return {
        name: Values(
            kind="yes/no",
            data=np.array([bool(triple[place]) for triple in triples]),
            missing=np.array([triple[place] is None for triple in triples]),
        )
        for place, name in enumerate(NAMES)
    }


def truths(text: str, triples: list[tuple[bool | None, ...]] = TRIPLES) -> list[bool | None]:
    result = parse_expression(text).evaluate(columns(triples), len(triples))
    return [None if missing else bool(yes) for yes, missing in zip(result.data, result.missing, strict=True)]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("not (x and y)", "not x or not y"),
        ("not (x or y)", "not x and not y"),
        ("x and y", "y and x"),
        ("x or y", "y or x"),
        ("x and (y and z)", "(x and y) and z"),
        ("x or (y or z)", "(x or y) or z"),
        ("x and (y or z)", "x and y or x and z"),
        ("x or y and z", "(x or y) and (x or z)"),
        ("x and (x or y)", "x"),
        ("not not x", "x"),
        ("x and x", "x"),
        ("x and yes", "x"),
        ("x or no", "x"),
        ("any(x, y, z)", "x or y or z"),
        ("all(x, y, z)", "x and y and z"),
        ("x != y", "not (x == y)"),
        ("x is not missing", "not (x is missing)"),
        ("x not in [yes]", "not (x in [yes])"),
    ],
)
def test_laws_of_strong_kleene_logic(left: str, right: str) -> None:
    assert truths(left) == truths(right)


def test_the_excluded_middle_does_not_hold_for_what_is_missing() -> None:
    assert truths("x or not x", [(None, None, None), (True, None, None)]) == [None, True]


# Expressions that a finding can only make more certain: all but the question whether something is missing.
_LEAVES = st.sampled_from([*NAMES, "yes", "no"])
_EXPRESSIONS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda part: f"not ({part})"),
        st.tuples(inner, st.sampled_from(["and", "or", "==", "!="]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"any({', '.join(parts)})"),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"all({', '.join(parts)})"),
        st.tuples(inner, inner, inner).map(lambda t: f"if({t[0]}, {t[1]}, {t[2]})"),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"count_yes({', '.join(parts)}) >= 1"),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(_EXPRESSIONS)
def test_finding_out_what_was_missing_never_turns_an_answer_round(text: str) -> None:
    answers = dict(zip(TRIPLES, truths(text), strict=True))
    for triple, answer in answers.items():
        if answer is None:
            continue
        for known in TRIPLES:
            if all(before is None or before == after for before, after in zip(triple, known, strict=True)):
                assert answers[known] == answer


@settings(max_examples=150, deadline=None)
@given(_EXPRESSIONS, st.permutations(range(len(TRIPLES))))
def test_each_patient_is_answered_alone(text: str, order: list[int]) -> None:
    whole = truths(text)
    assert truths(text, [TRIPLES[place] for place in order]) == [whole[place] for place in order]
    assert truths(text, [TRIPLES[order[0]]]) == [whole[order[0]]]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="xyz01.'\"`()[]<>=!+-*/, \nandorisnotmissing≥年", max_size=60))
def test_any_text_is_an_expression_or_an_error_of_ours(text: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CohortStatsWarning)  # 0/0 is allowed, and warns
            parse_expression(text).evaluate(columns(TRIPLES[:2]), 2)
    except ExpressionError as error:
        assert error.faults
        assert all(1 <= fault.position <= len(text) + 1 for fault in error.faults)


_NUMBERS = st.lists(
    st.one_of(st.none(), st.floats(-1e6, 1e6, allow_nan=False, width=32).map(float)), min_size=1, max_size=6
)


@settings(max_examples=100, deadline=None)
@given(_NUMBERS, _NUMBERS)
def test_known_functions_equal_strict_ones_where_nothing_is_missing(
    first: list[float | None], second: list[float | None]
) -> None:
    n = min(len(first), len(second))
    data = [np.array([np.nan if cell is None else cell for cell in cells[:n]]) for cells in (first, second)]
    table = {name: Values(kind="number", data=d, missing=np.isnan(d)) for name, d in zip("ab", data, strict=True)}
    for word in ("min", "max", "sum", "mean"):
        strict = parse_expression(f"{word}(a, b)").evaluate(table, n)
        known = parse_expression(f"known_{word}(a, b)").evaluate(table, n)
        both, either = np.isnan(data[0]) & np.isnan(data[1]), np.isnan(data[0]) | np.isnan(data[1])
        assert known.missing.tolist() == both.tolist()
        assert strict.missing.tolist() == either.tolist()
        assert known.data[~either].tolist() == strict.data[~either].tolist()
        swapped = parse_expression(f"known_{word}(b, a)").evaluate(table, n)
        np.testing.assert_array_equal(known.data, swapped.data)


# ---------------------------------------------------------------------------------------------------------------------
# Many rows per patient
# ---------------------------------------------------------------------------------------------------------------------

# A record: who, when (None: not known), what it says, whether it counts.
_WHEN = st.sampled_from([0, 1, 2, None])
_RECORDS = st.lists(
    st.tuples(st.integers(0, 2), _WHEN, st.sampled_from([1, 2, 3, None]), st.sampled_from(TRUTHS)), max_size=7
)
_SMALL = st.lists(st.tuples(st.just(0), _WHEN, st.sampled_from([1, 2, 3, None]), st.sampled_from(TRUTHS)), max_size=4)
Record = tuple[int, int | None, int | None, bool | None]


def of_records(text: str, rows: list[Record], n: int) -> list[object]:
    """Answers for ``n`` patients whose records are sorted as a table is: by patient, then by when, unknown last."""
    ordered_rows = sorted(rows, key=lambda row: (row[0], 9 if row[1] is None else row[1]))
    table = Records(
        table="visits",
        patient=np.array([row[0] for row in ordered_rows], dtype=np.int64),
        rank=np.array([-1 if row[1] is None else row[1] for row in ordered_rows], dtype=np.int64),
    )
    size = np.array([np.nan if row[2] is None else row[2] for row in ordered_rows], dtype=float)
    counts = [row[3] for row in ordered_rows]
    result = parse_expression(text).evaluate(
        {
            "size": Values(kind="number", data=size, missing=np.isnan(size), records=table),
            "counts": Values(
                kind="yes/no",
                data=np.array([bool(answer) for answer in counts], dtype=bool),
                missing=np.array([answer is None for answer in counts], dtype=bool),
                records=table,
            ),
        },
        n,
    )
    return [None if missing else value for value, missing in zip(result.data.tolist(), result.missing, strict=True)]


# The definitions once more, for records of which everything is known and no two stand at one point.
_BY_DEFINITION: dict[str, Callable[[list[float]], object]] = {
    "any_of(size > 1, counts)": lambda sizes: any(size > 1 for size in sizes) if sizes else None,
    "all_of(size > 1, counts)": lambda sizes: all(size > 1 for size in sizes) if sizes else None,
    "count_of(size > 1, counts)": lambda sizes: float(sum(size > 1 for size in sizes)),
    "first(size, counts)": lambda sizes: sizes[0] if sizes else None,
    "last(size, counts)": lambda sizes: sizes[-1] if sizes else None,
    "min_of(size, counts)": lambda sizes: min(sizes, default=None),
    "max_of(size, counts)": lambda sizes: max(sizes, default=None),
}


def completions(rows: list[Record]) -> Iterator[list[Record]]:
    """Every way in which what is missing could turn out: counting or not, sizes on both sides of all, any order."""
    choices = [
        [
            (who, when, size, counts)
            for size in ((0, 1, 2, 3, 4) if row[2] is None else (row[2],))
            for counts in ((True, False) if row[3] is None else (row[3],))
        ]
        for row in rows
        for who, when in [(row[0], row[1])]
    ]
    for chosen in product(*choices):
        yield list(chosen)


def orders(rows: list[Record]) -> Iterator[list[Record]]:
    """Every order of records that their dates allow; a record without a date may stand anywhere."""
    for order in permutations(rows):
        dates = [row[1] for row in order if row[1] is not None]
        if dates == sorted(dates):
            yield list(order)


@settings(max_examples=60, deadline=None)
@given(_SMALL, st.sampled_from(sorted(_BY_DEFINITION)))
def test_an_answer_from_records_is_known_when_every_completion_gives_it(rows: list[Record], text: str) -> None:
    by_definition = _BY_DEFINITION[text]
    possible = {
        by_definition([float(size) for _, _, size, counts in order if counts and size is not None])
        for known in completions(rows)
        for order in orders(known)
    }
    (answer,) = of_records(text, rows, 1)
    assert answer == (possible.pop() if len(possible) == 1 else None)


@settings(max_examples=100, deadline=None)
@given(_RECORDS, st.randoms(use_true_random=False), st.sampled_from(sorted(_BY_DEFINITION)))
def test_the_order_of_rows_and_of_patients_changes_nothing(rows: list[Record], draw: Random, text: str) -> None:
    answer = of_records(text, rows, 3)
    shuffled = draw.sample(rows, len(rows))
    assert of_records(text, shuffled, 3) == answer
    place = draw.sample(range(3), 3)
    moved = of_records(text, [(place[who], *rest) for who, *rest in shuffled], 3)  # type: ignore[misc]
    assert [moved[place[who]] for who in range(3)] == answer


@settings(max_examples=100, deadline=None)
@given(_RECORDS, st.data(), st.sampled_from(sorted(_BY_DEFINITION)))
def test_finding_out_about_a_record_never_turns_an_answer_round(
    rows: list[Record], data: st.DataObject, text: str
) -> None:
    before = of_records(text, rows, 3)
    learned = [
        (
            who,
            data.draw(st.sampled_from([0, 1, 2])) if when is None else when,
            data.draw(st.sampled_from([1, 2, 3])) if size is None else size,
            data.draw(st.booleans()) if counts is None else counts,
        )
        for who, when, size, counts in rows
    ]
    after = of_records(text, learned, 3)
    assert [new for old, new in zip(before, after, strict=True) if old is not None] == [
        old for old in before if old is not None
    ]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("not any_of(size > 1, counts)", "all_of(not (size > 1), counts)"),
        ("not all_of(size > 1, counts)", "any_of(not (size > 1), counts)"),
        ("count_of(size > 1, counts)", "count_of(size > 1 and counts)"),
        ("min_of(size, counts)", "-max_of(-size, counts)"),
        ("first(size + 1, counts)", "first(size, counts) + 1"),
        ("any_of(counts)", "any_of(counts == yes)"),
        ("any_of(size > 1, yes)", "any_of(size > 1)"),
        ("last(size, yes)", "last(size)"),
    ],
)
@settings(max_examples=60, deadline=None)
@given(rows=_RECORDS)
def test_laws_of_records(left: str, right: str, rows: list[Record]) -> None:
    assert of_records(left, rows, 3) == of_records(right, rows, 3)
