"""Laws of the three-valued logic that no example can show."""

from __future__ import annotations

import warnings
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohortstats.errors import CohortStatsWarning
from cohortstats.expressions import ExpressionError, Values, parse_expression

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
