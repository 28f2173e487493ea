"""Parquet and SQL: types to text in one spelling, days by a declared place, one SELECT and no secrets."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.errors import DataError
from cohortstats.files import TextTable, read_table
from cohortstats.files.read import scan_source
from cohortstats.loaders import load_cohort
from cohortstats.report.manifest import input_hashes
from cohortstats.study import DataTable, Study


def options(**keys: Any) -> DataTable:
    return DataTable(**{"name": "patients", "id": "id", "rows": "one per patient", **keys})


def parquet(folder: Path, select: str) -> Path:
    path = folder / "cases.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


def codes(path: Path, **keys: Any) -> list[tuple[str, str]]:
    with pytest.raises(DataError) as error:
        read_table(path, options(file=path.name, **keys))
    return [(problem.code, problem.column) for problem in error.value.problems]


# ---------------------------------------------------------------------------------------------------------------------
# Parquet
# ---------------------------------------------------------------------------------------------------------------------


def test_each_type_of_parquet_has_one_spelling(tmp_path: Path) -> None:
    path = parquet(
        tmp_path,
        """SELECT 7::BIGINT AS id, 1.1::DOUBLE AS double, 0.1::FLOAT AS float, 3.0::DOUBLE AS whole,
        12.50::DECIMAL(10, 2) AS money, true AS dead, DATE '2016-03-04' AS day, TIMESTAMP '2016-03-04 00:00:00' AS start,
        TIMESTAMP '2016-03-04 10:30:00' AS seen, '不明' AS note, NULL::VARCHAR AS nothing, NULL::DOUBLE AS no_number
        UNION ALL SELECT 8, 'nan'::DOUBLE, NULL, -2.0, 0.5, NULL, NULL, NULL, NULL, '', 'x', 1e300""",
    )
    table = read_table(path)
    assert [cells[0] for cells in table.cells.values()] == (
        ["7", "1.1", "0.1", "3", "12.50", "TRUE", "2016-03-04", "2016-03-04", "2016-03-04 10:30:00", "不明", "", ""]
    )
    assert [cells[1] for cells in table.cells.values()] == [
        "8",
        "",
        "",
        "-2",
        "0.50",
        "",
        "",
        "",
        "",
        "",
        "x",
        "1e+300",
    ]
    assert table.source.kind == "parquet"
    assert table.rows.tolist() == [1, 2]
    assert table.problems == ()


def test_lists_and_bytes_are_refused_by_name(tmp_path: Path) -> None:
    path = parquet(tmp_path, "SELECT 1 AS id, [1, 2] AS a, {'x': 1} AS b, MAP {'k': 1} AS c, 'x'::BLOB AS d")
    assert codes(path) == [("format-nested", name) for name in "abcd"]


def test_a_time_zone_needs_a_declared_place(tmp_path: Path) -> None:
    path = parquet(tmp_path, "SELECT 1 AS id, TIMESTAMPTZ '2016-03-03 15:30:00+00' AS seen")
    assert codes(path) == [("timezone", "seen")]
    # Half past three in the afternoon of 3 March in London is half past midnight of 4 March in Tokyo.
    table = read_table(path, options(file="cases.parquet", timezone="Asia/Tokyo"))
    assert table.cells["seen"].tolist() == ["2016-03-04 00:30:00"]
    table = read_table(path, options(file="cases.parquet", timezone="UTC"))
    assert table.cells["seen"].tolist() == ["2016-03-03 15:30:00"]


def test_a_name_with_a_pattern_in_it_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "cases [1]*.parquet"
    parquet(tmp_path, "SELECT 1 AS id").rename(path)
    parquet(tmp_path, "SELECT 2 AS id").rename(tmp_path / "cases 1x.parquet")
    assert read_table(path).cells["id"].tolist() == ["1"]


@pytest.mark.parametrize("cut", [10, 200, -9])
def test_a_cut_parquet_file(tmp_path: Path, cut: int) -> None:
    path = parquet(tmp_path, "SELECT i AS id, i / 7 AS x FROM range(1000) t(i)")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"cases\.parquet is a damaged Parquet file\.") as error:
        read_table(path)
    assert [problem.code for problem in error.value.problems] == ["format-unsupported"]


def test_an_empty_parquet_file(tmp_path: Path) -> None:
    assert codes(parquet(tmp_path, "SELECT 1 AS id WHERE false")) == [("file-empty", "")]


# ---------------------------------------------------------------------------------------------------------------------
# SQL
# ---------------------------------------------------------------------------------------------------------------------

ROWS = [(f"P{number:02d}", number, number / 8, f"2016-03-{number:02d}") for number in range(1, 21)]


@pytest.fixture
def hospital() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE cases (id TEXT, age INTEGER, ratio REAL, start TEXT)")
    shuffled = random.Random(1).sample(ROWS, len(ROWS))
    connection.executemany("INSERT INTO cases VALUES (?, ?, ?, ?)", shuffled)
    yield connection
    connection.close()


def ask(folder: Path, connection: Any, sql: str, **keys: Any) -> TextTable:
    return scan_source(folder, options(sql=sql, connection="hospital", **keys), {"hospital": connection})


def test_rows_come_in_the_order_of_the_id(tmp_path: Path, hospital: sqlite3.Connection) -> None:
    one = ask(tmp_path, hospital, "SELECT * FROM cases")
    other = ask(tmp_path, hospital, "SELECT * FROM cases ORDER BY age DESC")
    assert one.cells["id"].tolist() == [row[0] for row in ROWS]
    assert one.cells["ratio"].tolist()[7] == "1"
    assert one.source.sha256 == other.source.sha256
    lines = "".join("\t".join(row) + "\n" for row in zip(*(one.cells[name] for name in one.columns), strict=True))
    assert one.source.sha256 == hashlib.sha256(("id\tage\tratio\tstart\n" + lines).encode()).hexdigest()
    assert (one.source.kind, one.source.query) == ("sql", "SELECT * FROM cases")


def test_a_duckdb_connection_shows_what_the_caller_registered(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.register("cases", pd.DataFrame({"id": ["b", "a"], "x": [1.5, 2.0]}))
        table = ask(tmp_path, connection, "WITH a AS (SELECT * FROM cases) SELECT * FROM a")
    assert table.cells["id"].tolist() == ["a", "b"]
    assert table.cells["x"].tolist() == ["2", "1.5"]


class Answer:
    """A DB-API connection whose cursor returns nothing from ``execute``, as the rule allows."""

    def __init__(self, names: list[str], rows: list[tuple[Any, ...]]) -> None:
        self.description = [(name, None, None, None, None, None, None) for name in names]
        self.rows = rows

    def cursor(self) -> Answer:
        return self

    def execute(self, sql: str) -> None:
        self.asked = sql

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows


def test_what_drivers_give_back(tmp_path: Path) -> None:
    moment = dt.datetime(2016, 3, 3, 15, 30, tzinfo=dt.UTC)
    answer = Answer(
        ["id", "dose", "day", "seen", "dead"],
        [(1, Decimal("3.60"), dt.date(2016, 3, 4), moment, True), (2, Decimal(100), None, None, None)],
    )
    with pytest.raises(DataError) as error:
        ask(tmp_path, answer, "SELECT * FROM a")
    assert [(p.code, p.column) for p in error.value.problems] == [("timezone", "seen")]
    table = ask(tmp_path, answer, "SELECT * FROM a", timezone="Asia/Tokyo")
    assert [cells.tolist() for cells in table.cells.values()] == [
        ["1", "2"],
        ["3.60", "100"],
        ["2016-03-04", ""],
        ["2016-03-04 00:30:00", ""],
        ["TRUE", ""],
    ]
    with pytest.raises(DataError) as error:
        ask(tmp_path, Answer(["id", "x"], [(1, b"x"), (2, [1])]), "SELECT * FROM a")
    assert [(p.code, p.column) for p in error.value.problems] == [("format-nested", "x")]


def test_a_query_that_fails_is_told_with_the_reason(tmp_path: Path, hospital: sqlite3.Connection) -> None:
    with pytest.raises(DataError) as error:
        ask(tmp_path, hospital, "SELECT * FROM caes")
    assert str(error.value) == (
        "error   connection hospital: connection hospital did not answer: no such table: caes. Correct sql."
    )
    assert error.value.problems[0].code == "sql-invalid"


def test_a_connection_that_was_not_given(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        scan_source(tmp_path, options(sql="SELECT 1 AS id", connection="hospital"))
    assert [problem.code for problem in error.value.problems] == ["connection-missing"]
    assert "load_cohort(study, connections=" in error.value.problems[0].mend


def test_a_query_without_rows(tmp_path: Path, hospital: sqlite3.Connection) -> None:
    with pytest.raises(DataError) as error:
        ask(tmp_path, hospital, "SELECT * FROM cases WHERE age > 99")
    assert [problem.code for problem in error.value.problems] == ["file-empty"]


def database(folder: Path, kind: str) -> str:
    name = f"hospital.{kind}"
    if kind == "sqlite":
        connection = sqlite3.connect(folder / name)
        connection.execute("CREATE TABLE cases (id TEXT)")
        connection.execute("INSERT INTO cases VALUES ('a')")
        connection.commit()
        connection.close()
    else:
        with duckdb.connect(str(folder / name)) as connection:
            connection.execute("CREATE TABLE cases AS SELECT 'a' AS id")
    return name


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_file_is_opened_for_reading_only(tmp_path: Path, kind: str) -> None:
    name = database(tmp_path, kind)
    before = (tmp_path / name).read_bytes()
    table = scan_source(tmp_path, options(sql="SELECT * FROM cases", database=name))
    assert table.cells["id"].tolist() == ["a"]
    assert table.source.kind == kind
    # Past the check of the study file, the database itself refuses.
    for sql in ("DELETE FROM cases", "CREATE TABLE b (x INTEGER)"):
        with pytest.raises(DataError, match="did not answer"):
            scan_source(tmp_path, options(sql=sql, database=name))
    assert (tmp_path / name).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_a_duckdb_file_answers_for_itself_only(tmp_path: Path) -> None:
    name = database(tmp_path, "duckdb")
    (tmp_path / "other.csv").write_text("id\n1\n")
    for sql in (f"SELECT * FROM read_csv('{tmp_path}/other.csv')", f"SELECT * FROM '{tmp_path}/other.csv'"):
        with pytest.raises(DataError, match="did not answer"):
            scan_source(tmp_path, options(sql=sql, database=name))


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_damaged_database(tmp_path: Path, kind: str) -> None:
    name = database(tmp_path, kind)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[:100] + bytes(len(content) - 100))
    with pytest.raises(DataError) as error:
        scan_source(tmp_path, options(sql="SELECT * FROM cases", database=name))
    assert [problem.code for problem in error.value.problems] == ["sql-invalid"]


def test_a_database_that_is_none_or_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("id\n1\n")
    with pytest.raises(DataError) as error:
        scan_source(tmp_path, options(sql="SELECT 1", database="cases.csv"))
    assert [problem.code for problem in error.value.problems] == ["format-unsupported"]
    with pytest.raises(DataError) as error:
        scan_source(tmp_path, options(sql="SELECT 1", database="gone.duckdb"))
    assert error.value.missing_file
    assert [problem.study_key for problem in error.value.problems] == ["data.patients.database"]


# ---------------------------------------------------------------------------------------------------------------------
# The study file
# ---------------------------------------------------------------------------------------------------------------------

STUDY = """cohortstats = 1
[study]
id = "sql"
title = "SQL"
conventions = "r"
missing = [""]
[data.patients]
id = "id"
rows = "one per patient"
{source}
[columns.patients]
age = {{ type = "integer" }}
start = {{ type = "date" }}
"""


def study(folder: Path, source: str) -> Path:
    path = folder / "study.toml"
    path.write_text(STUDY.format(source=source), encoding="utf-8")
    return path


def test_a_cohort_from_a_connection(tmp_path: Path, hospital: sqlite3.Connection) -> None:
    path = study(tmp_path, 'connection = "hospital"\nsql = """SELECT id, age, start\nFROM cases WHERE age < 10"""')
    cohort = cs.load_cohort(path, connections={"hospital": hospital})
    assert cohort.n == 9
    assert cohort.frame()["age"].tolist() == list(range(1, 10))
    with pytest.raises(DataError) as error:
        load_cohort(path)
    assert [problem.code for problem in error.value.problems] == ["connection-missing"]
    assert not error.value.missing_file


def test_a_report_from_a_connection_holds_the_query_and_the_hash_of_its_answer(
    tmp_path: Path, hospital: sqlite3.Connection
) -> None:
    path = study(tmp_path, 'connection = "hospital"\nsql = "SELECT id, age, start FROM cases"')
    for folder in ("one", "two"):
        cs.write_report(path, tmp_path / folder, connections={"hospital": hospital})
    manifest = (tmp_path / "one" / "manifest.json").read_bytes()
    assert manifest == (tmp_path / "two" / "manifest.json").read_bytes()
    answer = json.loads(manifest)["inputs"]["connection hospital"]
    lines = "".join(f"{row[0]}\t{row[1]}\t{row[3]}\n" for row in ROWS)
    assert answer["sha256"] == hashlib.sha256(("id\tage\tstart\n" + lines).encode()).hexdigest()
    assert answer["query"] == "SELECT id, age, start FROM cases"
    assert answer["rows"] == 20


def test_two_tables_of_one_database_are_both_in_the_manifest(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "h.duckdb")) as connection:
        connection.execute("CREATE TABLE a AS SELECT 'P1' AS id, 62 AS age, DATE '2016-03-04' AS start")
        connection.execute("CREATE TABLE b AS SELECT 'P1' AS id, 1.25 AS ratio")
    more = '[data.plasma]\nid = "id"\nrows = "one per patient"\nsql = "SELECT * FROM b"\ndatabase = "h.duckdb"\n'
    path = study(tmp_path, 'sql = "SELECT * FROM a"\ndatabase = "h.duckdb"\n' + more)
    with path.open("a") as file:
        file.write('[columns.plasma]\nratio = { type = "number" }\n')
    cohort = cs.load_cohort(path)
    assert cohort.frame()[["age", "ratio"]].to_numpy().tolist() == [[62, 1.25]]
    assert list(input_hashes(cohort)) == ["study.toml", "h.duckdb", "h.duckdb (plasma)"]


@pytest.mark.parametrize(
    ("source", "code", "key"),
    [
        ('sql = "DELETE FROM a"\nconnection = "h"', "sql-not-select", "sql"),
        ('sql = "SELECT 1; SELECT 2"\nconnection = "h"', "sql-not-select", "sql"),
        ('sql = "SELECT * INTO b FROM a"\nconnection = "h"', "sql-not-select", "sql"),
        ('sql = "WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x"\nconnection = "h"', "sql-not-select", "sql"),
        ('sql = "PRAGMA table_info(a)"\nconnection = "h"', "sql-not-select", "sql"),
        ('sql = "SELECT 1 /*! ; DROP TABLE a */"\nconnection = "h"', "sql-not-select", "sql"),
        ('sql = ""\nconnection = "h"', "sql-not-select", "sql"),
        ('sql = "SELECT 1"\nconnection = "postgresql://me:secret@host/db"', "sql-secret", "connection"),
        ('sql = "SELECT 1"\nconnection = "host=h user=me password=secret"', "sql-secret", "connection"),
        ('sql = "SELECT * FROM read_csv(\'https://a.example/x.csv\')"\ndatabase = "d.duckdb"', "sql-secret", "sql"),
        ('sql = "SELECT 1"\nconnection = "h"\ndatabase = "d"', "key-conflict", "database"),
        ('sql = "SELECT 1"\nconnection = "h"\nfile = "cases.csv"', "key-conflict", "file"),
        ('sql = "SELECT 1"\nconnection = "h"\nsheet = "A"', "key-conflict", "sheet"),
        ('file = "cases.csv"\ndatabase = "d"', "key-conflict", "database"),
        ('sql = "SELECT 1"\ndatabase = "../d.duckdb"', "file-outside", "database"),
        ('file = ["a.csv", "../b.csv"]', "file-outside", "file[1]"),
        ('file = ["a.csv", "a.csv"]', "key-conflict", "file[1]"),
        ('file = "a.csv"\ndelimiter = "tab"', "key-type", "delimiter"),
        ('file = "a.csv"\ntimezone = "Asia/Tokio"', "key-type", "timezone"),
        ('sql = "SELECT 1"', "key-missing", ""),
        ("", "key-missing", ""),
    ],
)
def test_what_a_study_file_may_not_say(tmp_path: Path, source: str, code: str, key: str) -> None:
    with pytest.raises(DataError) as error:
        Study.read(study(tmp_path, source))
    dotted = f"data.patients.{key}" if key else "data.patients"
    assert [(problem.code, problem.study_key) for problem in error.value.problems] == [(code, dotted)]
    assert "secret" not in str(error.value).replace("sql-secret", "")


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 as id",
        "  -- a comment\nSELECT 'drop table; x' AS id;  ",
        "WITH a AS (SELECT 1 AS id) SELECT * FROM a",
        '(SELECT "update" AS id FROM a) UNION SELECT 2',
        "SELECT replace(id, 'a', 'b') AS id, [1, 2][1] AS x /* ; */ FROM a",
    ],
)
def test_queries_that_are_one_select(tmp_path: Path, sql: str) -> None:
    read = Study.read(study(tmp_path, f"sql = '''{sql}'''\nconnection = \"h\""))
    assert read.data["patients"].sql == sql
