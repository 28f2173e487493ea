"""The engines: a cohort goes into each, and comes back as a connection and the name of its table.

SQLite and DuckDB are always there. PostgreSQL is a server of its own in a temporary folder where its programs and a
driver are; Spark runs in local mode where pyspark and Java are, and has one file, so that it starts once. Else their
tests are skipped by name.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

ENGINES = ("sqlite", "duckdb", "postgres")
Cells = Mapping[str, Sequence[Any]]  # column -> values of Python, None where there is none
Types = Mapping[str, str]  # column -> integer, real, boolean, text, date, or enum('a', 'b')
Load = Callable[..., Any]

WORDS = {
    "sqlite": {"integer": "INTEGER", "real": "REAL", "boolean": "BOOLEAN", "text": "TEXT", "date": "DATE"},
    "duckdb": {"integer": "BIGINT", "real": "DOUBLE", "boolean": "BOOLEAN", "text": "VARCHAR", "date": "DATE"},
    "postgres": {"integer": "bigint", "real": "double precision", "boolean": "boolean", "text": "text", "date": "date"},
}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _postgres_programs() -> Path | None:
    found = shutil.which("initdb")
    return Path(os.path.realpath(found)).parent if found else None


def _as_nobody(command: Sequence[str | Path]) -> list[str]:
    """The server refuses to run as root."""
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *words]
    return words


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    programs = _postgres_programs()
    if programs is None or not (programs / "postgres").exists():
        pytest.skip("PostgreSQL (initdb, postgres) is not installed")
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL refuses to run as root, and setpriv is not installed")
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        place = Path(folder)
        if os.geteuid() == 0:
            shutil.chown(place, "nobody", "nogroup")
        data = place / "data"
        quiet: dict[str, Any] = {"check": True, "capture_output": True, "timeout": 60, "cwd": folder}
        initdb = [programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        subprocess.run(_as_nobody(initdb), **quiet)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = f"-p {port} -k {folder} -c listen_addresses='' -c fsync=off -c full_page_writes=off"
        pg_ctl = [programs / "pg_ctl", "-D", data, "-w"]
        subprocess.run(_as_nobody([*pg_ctl, "-o", settings, "-l", place / "log", "start"]), **quiet)
        try:
            with psycopg.connect(
                f"host={folder} port={port} user=tester dbname=postgres", autocommit=True
            ) as connection:
                yield connection
        finally:
            subprocess.run(_as_nobody([*pg_ctl, "-m", "immediate", "stop"]), **quiet)


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed, which Spark needs")
    with tempfile.TemporaryDirectory(prefix="spark") as folder:
        session = (
            sql.SparkSession.builder.master("local[1]")
            .appName("cohortstats tests")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.warehouse.dir", folder)
            .config("spark.driver.memory", "1g")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.log.level", "ERROR")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.adaptive.enabled", "false")
            .getOrCreate()
        )
        try:
            yield session
        finally:
            session.stop()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def load(engine: str, request: pytest.FixtureRequest) -> Iterator[Load]:
    """Function that puts a cohort into the engine and gives the connection."""
    if engine == "sqlite":
        connection: Any = sqlite3.connect(":memory:")
    elif engine == "duckdb":
        connection = duckdb.connect()
    else:
        connection = request.getfixturevalue(engine)
    made: list[str] = []

    def put(cells: Cells, types: Types, table: str = "cohort") -> Any:
        made.append(table)
        return fill(engine, connection, cells, types, table)

    yield put
    if engine in ("sqlite", "duckdb"):
        connection.close()
    for table in made if engine == "postgres" else ():
        connection.execute(f"DROP TABLE IF EXISTS {quoted(table)}")


def fill(engine: str, connection: Any, cells: Cells, types: Types, table: str) -> Any:
    words = {name: WORDS[engine].get(type_, type_) for name, type_ in types.items()}
    rows = list(zip(*cells.values(), strict=True))
    columns = ", ".join(f"{quoted(name)} {word}" for name, word in words.items())
    name = quoted(table)
    places = ", ".join("%s" if engine == "postgres" else "?" for _ in words)
    cursor = connection.cursor() if engine == "postgres" else connection
    cursor.execute(f"DROP TABLE IF EXISTS {name}")
    cursor.execute(f"CREATE TABLE {name} ({columns})")
    if engine == "postgres":
        name = name.replace("%", "%%")  # beside parameters the driver reads it as one
    if rows:
        if engine == "sqlite":
            rows = [tuple(cell.isoformat() if hasattr(cell, "isoformat") else cell for cell in row) for row in rows]
        cursor.executemany(f"INSERT INTO {name} VALUES ({places})", rows)
    return connection
