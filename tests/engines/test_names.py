"""Names are names, whatever signs are in them; values are bound; connections of every kind are known."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest

import cohortstats as cs
from cohortstats.engines.columns import open_table
from cohortstats.engines.dialects import engine_of
from cohortstats.engines.where import expression_as_sql

NASTY = [
    'x"; DROP TABLE victim; --',
    "x'; DROP TABLE victim; --",
    "x`; DROP TABLE victim; --",
    "select",
    "50%s {} ? :p1 $1",
    "年齢　（歳）",
    "a.b.c d",
    "\\",
    "/* x */",
]


@pytest.mark.parametrize("name", NASTY)
def test_a_name_is_never_anything_else(name: str, engine: str, load: Any) -> None:
    cells = {name: [3, 5, 5], "died": [True, False, True], f"{name}2": ["a", "b'", None]}
    load({"y": [1]}, {"y": "integer"}, "victim")
    connection = load(cells, {name: "integer", "died": "boolean", f"{name}2": "text"}, name)
    where = f'`{name}2` == "b\'"' if "`" not in name else "died == no"
    for table in (name, (name,)):
        made = cs.EventTable.from_sql(connection, table=table, time=name, event="died", where=where)
        assert made.time.tolist() == [5]
        counts = cs.CountTable.from_sql(connection, table=table, outcome="died", group=name)
        assert (counts.groups, counts.totals) == (("3", "5"), (1, 2))
    made = cs.CountTable.from_sql(connection, table="victim", outcome="y")
    assert made.totals == (1,)


@pytest.mark.parametrize("name", NASTY)
def test_what_is_no_column_is_said_and_not_asked(name: str, load: Any) -> None:
    connection = load({"days": [1], "died": [True]}, {"days": "integer", "died": "boolean"})
    with pytest.raises(cs.InputError, match=r"^cohort has no column "):
        cs.EventTable.from_sql(connection, table="cohort", time="days", event="died", group=name)
    with pytest.raises(cs.InputError, match=r"did not answer|has no column"):
        cs.EventTable.from_sql(connection, table=name, time="days", event="died")
    assert cs.EventTable.from_sql(connection, table="cohort", time="days", event="died").n.tolist() == [1]


def test_no_sql_in_the_condition(load: Any) -> None:
    connection = load({"days": [1], "died": [True]}, {"days": "integer", "died": "boolean"})
    for text in ("1=1", "died; DROP TABLE cohort", "days > (SELECT 1)", "died -- x", "died IS NULL"):
        with pytest.raises(cs.InputError, match=r"^where: "):
            cs.EventTable.from_sql(connection, table="cohort", time="days", event="died", where=text)


def test_names_that_differ_in_case_or_width(load: Any) -> None:
    connection = load({"Days": [1, 2], "died": [True, False]}, {"Days": "integer", "died": "boolean"})
    made = cs.EventTable.from_sql(connection, table="cohort", time="days", event="ｄied", where="DAYS > 1")
    assert made.time.tolist() == [2]


def test_tables_of_a_schema(postgres: Any) -> None:
    postgres.execute("DROP SCHEMA IF EXISTS study CASCADE")
    postgres.execute("CREATE SCHEMA study")
    postgres.execute("CREATE TABLE study.cohort AS SELECT 7 AS days, true AS died")
    for table in ("study.cohort", ("study", "cohort")):
        assert cs.EventTable.from_sql(postgres, table=table, time="days", event="died").time.tolist() == [7]
    postgres.execute("DROP SCHEMA study CASCADE")
    connection = sqlite3.connect(":memory:")
    connection.execute("ATTACH ':memory:' AS other")
    connection.execute("CREATE TABLE other.cohort (days INTEGER, died BOOLEAN)")
    connection.execute("INSERT INTO other.cohort VALUES (7, 1)")
    made = cs.EventTable.from_sql(connection, table="other.cohort", time="days", event="died", where="days > 6")
    assert made.time.tolist() == [7]
    connection.close()


@pytest.mark.parametrize("table", ["", (), ("", "x"), 3])
def test_what_is_no_table(table: Any) -> None:
    with (
        duckdb.connect() as connection,
        pytest.raises(cs.InputError, match=r"^table is .*; give the name of a table\.$"),
    ):
        cs.EventTable.from_sql(connection, table=table, time="days", event="died")


# ------------------------------------------------------------------------------------------------ files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT i % 5 AS days, i % 2 = 0 AS died, 'a' || i % 3 AS arm FROM range(30) r(i)"
        )
        connection.execute(f"COPY (SELECT * FROM t WHERE days < 3) TO '{tmp_path}/one.parquet'")
        connection.execute(f"COPY (SELECT * FROM t WHERE days >= 3) TO '{tmp_path}/two.parquet'")
        connection.execute(f"COPY t TO '{tmp_path}/all.csv'")
    return tmp_path


def test_files_and_patterns(folder: Path) -> None:
    known = cs.EventTable.from_arrays(
        [i % 5 for i in range(30)], [i % 2 == 0 for i in range(30)], [f"a{i % 3}" for i in range(30)]
    )
    with duckdb.connect() as connection:
        for table in (f"{folder}/*.parquet", folder / "*.parquet", f"{folder}/all.csv"):
            made = cs.EventTable.from_sql(connection, table=table, time="days", event="died", group="arm")
            assert made.to_frame().equals(known.to_frame())
        summary = cs.ColumnSummary.from_sql(connection, table=folder / "one.parquet", levels=["arm"], numbers=["days"])
        assert summary.rows[-1].n == 18
        with pytest.raises(cs.InputError, match=r"^DuckDB did not answer: .*nothing"):
            cs.EventTable.from_sql(connection, table=f"{folder}/nothing.parquet", time="days", event="died")
    connection = sqlite3.connect(":memory:")
    with pytest.raises(
        cs.InputError, match=r"^SQLite reads no files; load all\.csv into a table, or open it with DuckDB\.$"
    ):
        cs.EventTable.from_sql(connection, table="all.csv", time="days", event="died")
    connection.close()


# ------------------------------------------------------------------------------------------------ connections


class Cursor:
    """A cursor of SQLite in the clothes of another driver."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self.asked: list[str] = []

    @property
    def description(self) -> Any:
        return self._cursor.description

    def execute(self, text: str, values: Any = None) -> None:
        self._cursor.execute(text, *([] if values is None else [values]))

    def fetchmany(self, n: int) -> list[dict[str, Any]]:
        return self.fetchall()[:n]

    def fetchall(self) -> list[dict[str, Any]]:
        return [{column[0]: cell for column, cell in zip(self.description, row, strict=True)} for row in self._cursor]

    def close(self) -> None:
        self._cursor.close()


class Connection:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def cursor(self) -> Cursor:
        return Cursor(self._connection.cursor())


@pytest.fixture
def filled() -> Any:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE cohort (days INTEGER, died BOOLEAN, arm TEXT)")
    connection.executemany("INSERT INTO cohort VALUES (?, ?, ?)", [(1, 1, "a"), (2, 0, "b"), (2, 1, "a")])
    yield connection
    connection.close()


def test_any_driver_of_python(filled: Any) -> None:
    other = Connection(filled)
    made = cs.EventTable.from_sql(other, table="cohort", time="days", event="died", group="arm")
    known = cs.EventTable.from_sql(filled, table="cohort", time="days", event="died", group="arm")
    assert made.to_frame().equals(known.to_frame())
    assert cs.ColumnSummary.from_sql(other, table="cohort", levels=["arm"]).rows[0].n == 2
    with pytest.raises(cs.InputError, match=r"^where: expressions are asked of DuckDB, SQLite, PostgreSQL and Spark"):
        cs.EventTable.from_sql(other, table="cohort", time="days", event="died", where="days > 1")


def test_rows_that_are_dictionaries(filled: Any) -> None:
    filled.row_factory = lambda cursor, row: {
        column[0]: cell for column, cell in zip(cursor.description, row, strict=True)
    }
    made = cs.EventTable.from_sql(
        filled, table="cohort", time="days", event="died", group="arm", where="died or days > 1"
    )
    assert made.n.tolist() == [2, 1]
    assert filled.row_factory is not None


def test_the_connection_inside_another(filled: Any) -> None:
    class Pooled:
        dbapi_connection = filled

    assert engine_of(Pooled()).name == "SQLite"


def test_parameter_styles_are_those_of_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    module = ModuleType("other_driver")
    module.paramstyle = "pyformat"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "other_driver", module)
    made = type("Connection", (Connection,), {"__module__": "other_driver.base"})
    assert engine_of(made(None)).style == "pyformat"


@pytest.mark.parametrize("connection", ["cohort.duckdb", None, 3, Path("x.db")])
def test_what_is_no_connection(connection: Any) -> None:
    with pytest.raises(cs.InputError, match=r"^connection is \w+; give an open DuckDB or DB-API connection or a Spark"):
        cs.CountTable.from_sql(connection, table="cohort", outcome="died")


def test_rows_of_postgres_as_dictionaries_and_single_precision(postgres: Any) -> None:
    from psycopg.rows import dict_row

    postgres.execute("DROP TABLE IF EXISTS single")
    postgres.execute(
        "CREATE TABLE single AS SELECT CAST(x AS real) AS years, true AS died FROM (VALUES (0.1), (0.7)) v(x)"
    )
    before, postgres.row_factory = postgres.row_factory, dict_row
    try:
        made = cs.EventTable.from_sql(postgres, table="single", time="years", event="died")
    finally:
        postgres.row_factory = before
    assert made.time.tolist() == [0.10000000149011612, 0.699999988079071]  # the doubles of those singles
    postgres.execute("DROP TABLE single")


def test_a_query_that_fails_spoils_no_transaction(postgres: Any) -> None:
    import psycopg

    with psycopg.connect(postgres.info.dsn) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 3 AS days, true AS died")  # never committed
        with pytest.raises(cs.InputError, match=r"^PostgreSQL did not answer: relation \"yours\" does not exist\.$"):
            cs.EventTable.from_sql(connection, table="yours", time="days", event="died")
        assert cs.EventTable.from_sql(connection, table="mine", time="days", event="died").time.tolist() == [3]
        connection.rollback()
        with pytest.raises(cs.InputError, match=r"relation \"mine\" does not exist"):
            cs.EventTable.from_sql(connection, table="mine", time="days", event="died")


def test_texts_are_one_group_only_where_every_sign_is_the_same(engine: str, load: Any) -> None:
    nocase = {"sqlite": "TEXT COLLATE NOCASE", "duckdb": "VARCHAR COLLATE NOCASE", "postgres": "text COLLATE alike"}
    if engine == "postgres":
        connection = load({"x": [1]}, {"x": "integer"}, "other")
        options = "provider = icu, locale = 'und-u-ks-level2', deterministic = false"
        connection.execute(f"CREATE COLLATION IF NOT EXISTS alike ({options})")
    cells = {"arm": ["a", "A", "á", "b"], "days": [1, 2, 3, 4], "years": [0.5, 1.5, 2.5, 3.5], "died": [True] * 4}
    types = {"arm": nocase[engine], "days": "integer", "years": "real", "died": "boolean"}
    connection = load(cells, types)
    for time in ("days", "years"):
        made = cs.EventTable.from_sql(connection, table="cohort", time=time, event="died", group="arm")
        assert made.groups == ("A", "a", "b", "á")
        assert made.n.tolist() == [1, 1, 1, 1]
        made = cs.EventTable.from_sql(connection, table="cohort", time=time, event="died", where="arm == 'a'")
        assert made.time.tolist() == [cells[time][0]]
    summary = cs.ColumnSummary.from_sql(connection, table="cohort", levels=["arm"], numbers=["days"], by="arm")
    assert [row.n for row in summary.rows if row.level == row.group] == [1, 1, 1, 1]
    assert [row.median for row in summary.rows if not row.level] == [2, 1, 4, 3]


# ------------------------------------------------------------------------------------------------ expressions


def refused(connection: Any, text: str) -> list[str]:
    with pytest.raises(cs.InputError) as told:
        expression_as_sql(text, open_table(connection, "cohort"), want="yes/no")
    return list(told.value.problems)


def test_what_has_no_form_in_sql(filled: Any) -> None:
    assert refused(filled, "round(days, 1) > 2") == [
        "round has no form in SQL that is half-up on every engine; compare the number itself."
    ]
    assert refused(filled, "any_of(days > 2) or count_of(died) > 1") == [
        "any_of has no form in SQL: a query reads one row a patient.",
        "count_of has no form in SQL: a query reads one row a patient.",
    ]
    nested = "days"
    for _ in range(14):
        nested = f"if({nested} > 0, {nested}, 1)" if len(nested) < 1500 else f"known_mean(-({nested}), 1)"
    assert refused(filled, f"{nested} > 1")[0].startswith(("the expression is too long", "position "))


def test_values_of_sqlite_that_are_not_of_their_type(filled: Any) -> None:
    filled.execute("CREATE TABLE odd (age INTEGER, seen DATE, er BOOLEAN, word TEXT, free)")
    filled.execute("INSERT INTO odd VALUES (62, '2016-03-04', 1, 'x', 1.5)")
    filled.execute("INSERT INTO odd VALUES ('unknown', '2015-02-29', 2, x'00', 2)")
    with pytest.raises(cs.InputError) as told:
        expression_as_sql(
            "age > 60 and seen > '2016-01-01' and er and word == 'x' and free > 1",
            open_table(filled, "odd"),
            want="yes/no",
        )
    assert sorted(told.value.problems) == [
        "age holds 'unknown', which is not a number.",
        "er holds 2, which is not 0 or 1.",
        "seen holds '2015-02-29', which is not a date such as '2015-05-01'.",
        "word holds b'\\x00', which is not text.",
    ]


@pytest.mark.parametrize(
    ("type_", "sentence"),
    [
        ("TIMESTAMP WITH TIME ZONE", "x has a time zone; expressions read numbers, dates, text and booleans."),
        ("INTEGER[]", "x is of type INTEGER[]; expressions read numbers, dates, text and booleans."),
    ],
)
def test_types_that_no_expression_reads(type_: str, sentence: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE cohort (x {type_})")
        assert refused(connection, "x is missing") == [sentence]


TRUTHS: list[tuple[str, bool | None]] = [  # a = 5, b missing, c = no, d = 2016-03-04
    ("a > 3 or b > 3", True),
    ("a > 9 or b > 3", None),
    ("a > 9 and b > 3", False),
    ("max(a, b) > 3", None),
    ("known_max(a, b) > 3", True),
    ("any(a > 3, b > 3)", True),
    ("not (b > 3)", None),
    ("b == b", None),
    ("b is missing", True),
    ("c and b > 3", False),
    ("c or b > 3", None),
    ("a / 0 > 1", None),
    ("days('2016-03-01', d) == 3", True),
    ("years('2000-02-29', '2018-02-28') == 17", True),
    ("if(b > 3, 1, 2) == 2", None),
    ("count_yes(c, not c) == 1", True),
    ("coalesce(b, 7) == 7", True),
    ("months('2000-01-01', d) > 194", True),
    ("year(d + 400) == 2017", True),
    ("a in [5, 6] and a not in []", True),
    ("-a + 2 * a / 4 == -2.5", True),
    ("mean(a, 2) == 3.5 and known_sum(a, b) == 5", True),
]


def test_known_answers_of_the_language(engine: str, load: Any) -> None:
    import datetime as dt

    from cohortstats.engines.fragments import joined, sql

    cells = {"a": [5.0], "b": [None], "c": [False], "d": [dt.date(2016, 3, 4)]}
    connection = load(cells, {"a": "real", "b": "real", "c": "boolean", "d": "date"})
    table = open_table(connection, "cohort")
    every = [expression_as_sql(text, table, want="yes/no") for text, _ in TRUTHS]
    named = [sql(f"{{}} AS c{place}", part) for place, part in enumerate(every)]
    [answers] = table.engine.rows(sql("SELECT {} FROM {}", joined(", ", named), table.source))
    told = [(text, None if value is None else bool(value)) for (text, _), value in zip(TRUTHS, answers, strict=True)]
    assert told == TRUTHS
