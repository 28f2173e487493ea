"""An expression is yes, no and missing for the same patients in SQL as in our own evaluation."""

from __future__ import annotations

import datetime as dt
import sqlite3
import warnings
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cohortstats as cs
from cohortstats.engines.columns import Table, open_table
from cohortstats.engines.fragments import sql
from cohortstats.engines.where import expression_as_sql
from cohortstats.errors import CohortStatsWarning
from cohortstats.expressions import Values, parse_expression

INFINITY = float("inf")
LEVELS = ("CR", "PR", "SD", "PD")
TYPES = {
    "a": "real",
    "b": "real",
    "n": "integer",
    "y": "boolean",
    "z": "boolean",
    "d": "date",
    "e": "date",
    "t": "text",
    "年 齢": "text",
    "o": "text",
}
NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.1, 0.3, 1.25, -2.5, 1e308, 1e-3, 60.0, INFINITY, -INFINITY])
DAYS = st.dates(dt.date(1890, 1, 1), dt.date(2110, 12, 31)) | st.sampled_from(
    [dt.date(2000, 2, 29), dt.date(2018, 2, 28), dt.date(2018, 3, 1), dt.date(1970, 1, 1), dt.date(1969, 12, 31)]
)
WORDS = st.sampled_from(["PR", "pR", "", "é", "a'b", "50%", "年"])
CELLS = st.fixed_dictionaries(
    {
        "a": st.none() | NUMBERS,
        "b": st.none() | NUMBERS,
        "n": st.none() | st.integers(-3, 3),
        "y": st.none() | st.booleans(),
        "z": st.none() | st.booleans(),
        "d": st.none() | DAYS,
        "e": st.none() | DAYS,
        "t": st.none() | WORDS,
        "年 齢": st.none() | WORDS,
        "o": st.none() | st.sampled_from(LEVELS),
    }
)


def called(name: str, part: st.SearchStrategy[str], least: int = 1, most: int = 4) -> st.SearchStrategy[str]:
    return st.lists(part, min_size=least, max_size=most).map(lambda parts: f"{name}({', '.join(parts)})")


def expressions(*, ordered: bool) -> st.SearchStrategy[str]:
    """Expressions that are yes or no, of every part of the language that a query has."""
    yes: Any = st.deferred(lambda: truths)
    number: Any = st.deferred(lambda: numbers)
    day: Any = st.deferred(lambda: dates)
    signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    equal = st.sampled_from(["==", "!="])
    texts = st.sampled_from(["t", "`年 齢`", "'PR'", '"a\'b"', "'50%'", "'ＰＲ'", "'?'"])
    columns = st.sampled_from(["t", "`年 齢`"])
    literal = st.sampled_from(["0", "1", "0.1", "1.25", "60", "1e308", "3"])
    numbers: st.SearchStrategy[str] = st.sampled_from(["a", "b", "n"]) | st.one_of(
        literal,
        st.sampled_from(["a", "b", "n"]),
        st.tuples(number, st.sampled_from("+-*/"), number).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        number.map(lambda part: f"(-{part})"),
        number.map(lambda part: f"abs({part})"),
        *(called(f"{known}{what}", number) for known in ("", "known_") for what in ("min", "max", "sum", "mean")),
        called("coalesce", number | st.just("missing"), least=2).filter(lambda text: text.count("missing") < 3),
        st.tuples(yes, number, number).map(lambda p: f"if({p[0]}, {p[1]}, {p[2]})"),
        called("count_yes", yes),
        st.tuples(st.sampled_from(["days", "months", "years"]), day, day).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
        day.map(lambda part: f"year({part})"),
        st.tuples(day, day).map(lambda p: f"({p[0]} - {p[1]})"),
    )
    small = st.sampled_from(["1", "n", "30.5", "(n * 40)", "(1 / n)"])
    dates: st.SearchStrategy[str] = st.sampled_from(["d", "e"]) | st.one_of(
        st.tuples(st.sampled_from(["d", "e"]), st.sampled_from("+-"), small).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        called("min", day),
        called("known_max", day),
        st.tuples(yes, day, day).map(lambda p: f"if({p[0]}, {p[1]}, {p[2]})"),
    )
    grades = (
        [st.tuples(st.just("o"), signs, st.sampled_from(["'PR'", "'ＳＤ'"])).map(lambda p: f"({p[0]} {p[1]} {p[2]})")]
        if ordered
        else []
    )
    truths: st.SearchStrategy[str] = st.one_of(
        st.sampled_from(["y", "z", "yes", "no"]),
        st.tuples(number, signs, number).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(day, signs, day | st.just("'2015-05-01'")).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(columns, equal, texts).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(columns, st.sampled_from(["in", "not in"]), st.sampled_from(["['PR', 'é']", "[]", "['']"])).map(
            lambda p: f"({p[0]} {p[1]} {p[2]})"
        ),
        st.tuples(number, st.sampled_from(["in [0, 1, -1]", "not in [0.1]"])).map(lambda p: f"({p[0]} {p[1]})"),
        st.tuples(number | day | yes | columns | st.just("missing"), st.sampled_from(["is", "is not"])).map(
            lambda p: f"({p[0]} {p[1]} missing)"
        ),
        st.tuples(yes, equal, yes).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(yes, st.sampled_from(["and", "or"]), yes).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(number, st.just("> missing")).map(lambda p: f"({p[0]} {p[1]})"),
        yes.map(lambda part: f"(not {part})"),
        called("any", yes),
        called("all", yes),
        *grades,
    )
    return truths


def own_values(rows: list[dict[str, Any]]) -> dict[str, Values]:
    made = {}
    for name, type_ in TYPES.items():
        cells = [row[name] for row in rows]
        missing = np.array([cell is None for cell in cells])
        if name == "o":
            data = np.array([-1 if cell is None else LEVELS.index(cell) for cell in cells])
            made[name] = Values(kind="ordered", data=data, missing=missing, levels=LEVELS)
        elif type_ in ("real", "integer"):
            data = np.array([np.nan if cell is None else float(cell) for cell in cells])
            made[name] = Values(kind="number", data=data, missing=missing)
        elif type_ == "boolean":
            made[name] = Values(kind="yes/no", data=np.array([bool(cell) for cell in cells]), missing=missing)
        elif type_ == "date":
            data = np.array([cell or "NaT" for cell in cells], dtype="datetime64[D]")
            made[name] = Values(kind="date", data=data, missing=missing)
        else:
            data = np.array([cell or "" for cell in cells], dtype=object)
            made[name] = Values(kind="text", data=data, missing=missing)
    return made


def in_memory(text: str, rows: list[dict[str, Any]]) -> list[bool | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortStatsWarning)  # divisions by zero
        result = parse_expression(text).evaluate(own_values(rows), len(rows))
    return [None if gone else bool(value) for value, gone in zip(result.data, result.missing, strict=True)]


def in_sql(text: str, table: Table) -> list[bool | None]:
    condition = expression_as_sql(text, table, want="yes/no")
    found = table.engine.rows(sql('SELECT "row" AS c0, {} AS c1 FROM {} ORDER BY 1', condition, table.source))
    return [None if value is None else bool(value) for _, value in found]


def stored(engine: str, connection: Any, rows: list[dict[str, Any]]) -> Table:
    words = {
        "real": "DOUBLE PRECISION",
        "integer": "INTEGER",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "text": "VARCHAR(9)",
    }
    columns = [f'"{name}" {words[type_]}' for name, type_ in TYPES.items()]
    if engine == "sqlite":
        columns = [column + " COLLATE NOCASE" if "VARCHAR" in column else column for column in columns]
    else:
        columns[-1] = '"o" response'
    connection.execute("DROP TABLE IF EXISTS cohort")
    connection.execute(f'CREATE TABLE cohort ("row" INTEGER, {", ".join(columns)})')
    cells = [[place, *(row[name] for name in TYPES)] for place, row in enumerate(rows)]
    if engine == "sqlite":
        cells = [[cell.isoformat() if isinstance(cell, dt.date) else cell for cell in row] for row in cells]
    sign = "%s" if engine == "postgres" else "?"
    cursor = connection.cursor() if engine == "postgres" else connection
    cursor.executemany(f"INSERT INTO cohort VALUES ({', '.join(sign for _ in range(len(TYPES) + 1))})", cells)
    return open_table(connection, "cohort")


MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
# What an engine may say instead of a wrong answer: it counts no further, or the query is too deep for its reader.
REFUSALS = ("value out of range", "parser stack overflow", "too long for a query", "Expression tree is too large")


def assert_same_truth(text: str, table: Table, rows: list[dict[str, Any]]) -> None:
    try:
        known = in_memory(text, rows)
    except cs.InputError as error:  # two units
        with pytest.raises(cs.InputError) as told:
            in_sql(text, table)
        assert told.value.problems == error.problems
        return
    try:
        found = in_sql(text, table)
    except cs.InputError as error:
        assert any(refusal in str(error) for refusal in REFUSALS)
        return
    assert found == known


@MANY
@given(text=expressions(ordered=False), rows=st.lists(CELLS, min_size=1, max_size=6))
def test_sqlite_has_the_same_truth(text: str, rows: list[dict[str, Any]]) -> None:
    connection = sqlite3.connect(":memory:")
    try:
        assert_same_truth(text, stored("sqlite", connection, rows), rows)
    finally:
        connection.close()


@MANY
@given(text=expressions(ordered=True), rows=st.lists(CELLS, min_size=1, max_size=6))
def test_duckdb_has_the_same_truth(text: str, rows: list[dict[str, Any]]) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TYPE response AS ENUM {LEVELS}")
        assert_same_truth(text, stored("duckdb", connection, rows), rows)


@settings(MANY, max_examples=60)
@given(text=expressions(ordered=True), rows=st.lists(CELLS, min_size=1, max_size=6))
def test_postgres_has_the_same_truth(postgres: Any, text: str, rows: list[dict[str, Any]]) -> None:
    if not postgres.execute("SELECT 1 FROM pg_type WHERE typname = 'response'").fetchall():
        postgres.execute(f"CREATE TYPE response AS ENUM {LEVELS}")
    assert_same_truth(text, stored("postgres", postgres, rows), rows)
