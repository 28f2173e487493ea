"""Tables that a database answers with: one SELECT, asked of the caller's connection or of a file beside the study."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cohortstats.cohort import Source
from cohortstats.errors import DataError
from cohortstats.files.instants import local_time
from cohortstats.files.native import column_of, digest, is_nested, same_column, tabulate
from cohortstats.files.parquet import import_duckdb
from cohortstats.files.table import Cells, Findings, TextTable
from cohortstats.study import DataTable

__all__ = ["read_sql"]

_DUCKDB, _SQLITE = b"DUCK", b"SQLite format 3\x00"


def read_sql(folder: Path, options: DataTable, connections: Mapping[str, Any], found: Findings) -> TextTable:
    """Cells of the answer to ``sql``.

    Parameters
    ----------
    folder
        Where ``database`` lies.
    options
        ``sql``, and ``connection`` or ``database``, of the study file.
    connections
        Name -> a DB-API or DuckDB connection that the caller has opened and will close.
    found
        Takes the problems.

    Notes
    -----
    Rows are sorted by the id and then by all their cells, so that the plan of the database leaves no trace.
    """
    if options.database:
        kind, names, records = _ask_file(folder / options.database, options, found)
    elif options.connection in connections:
        kind = "sql"
        names, records = _ask(connections[options.connection], options, found)
    else:
        message = f'[data.{options.name}] asks connection "{options.connection}", which was not given.'
        mend = f'Call load_cohort(study, connections={{"{options.connection}": …}}), or use database.'
        raise found.stop("connection-missing", message, mend, key="connection")
    columns = [
        _column(name, values, options, found) for name, values in zip(names, _turned(names, records), strict=True)
    ]
    if any(problem.level == "error" for problem in found.problems):
        raise DataError(found.problems)
    columns = _sorted(names, columns, options.id)
    source = Source(table=options.name, file=found.file, kind=kind, query=" ".join(options.sql.split()))
    table = tabulate(names, columns, source, found)
    sha256, n_bytes = digest(table.columns, table.cells)
    return replace(table, source=replace(table.source, sha256=sha256, n_bytes=n_bytes))


def _ask_file(path: Path, options: DataTable, found: Findings) -> tuple[str, list[str], list[Sequence[Any]]]:
    """Ask a file, opened for reading only."""
    with path.open("rb") as file:
        head = file.read(16)
    if head == _SQLITE:
        import sqlite3

        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
                return "sqlite", *_ask(connection, options, found)
        except sqlite3.Error as error:
            raise _refused(error, found) from None
    if head[8:12] == _DUCKDB:
        duckdb = import_duckdb(found, "a DuckDB database")
        try:
            # A study file asks its own database: no other file, no network, no variable of this program.
            with duckdb.connect(str(path), read_only=True, config={"enable_external_access": "false"}) as connection:
                connection.execute("SET python_enable_replacements = false")
                connection.execute("SET lock_configuration = true")
                return "duckdb", *_ask(connection, options, found)
        except duckdb.Error as error:
            raise _refused(error, found) from None
    message = f"{found.file} is neither a DuckDB nor a SQLite database."
    raise found.stop("format-unsupported", message, "Name a table in file, or a database.", key="database")


def _ask(connection: Any, options: DataTable, found: Findings) -> tuple[list[str], list[Sequence[Any]]]:
    # A cursor of DuckDB is another session, which does not see what the caller registered.
    cursor = connection if "duckdb" in type(connection).__module__ else connection.cursor()
    try:
        answer = cursor.execute(options.sql)
        # DB-API leaves open what execute returns; the cursor has the rows.
        holder = answer if hasattr(answer, "fetchall") and hasattr(answer, "description") else cursor
        return [str(column[0]) for column in holder.description], list(holder.fetchall())
    # Each driver has its own family of errors; none of them is ours to let through.
    except Exception as error:
        raise _refused(error, found) from None


def _refused(error: Exception, found: Findings) -> DataError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    message = f"{found.file} did not answer: {reason[:200]}"
    return found.stop("sql-invalid", message if message.endswith(".") else f"{message}.", "Correct sql.", key="sql")


def _turned(names: Sequence[str], records: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    return list(zip(*records, strict=True)) if records else [() for _ in names]


def _column(name: str, values: Sequence[Any], options: DataTable, found: Findings) -> Cells:
    if any(is_nested(value) for value in values):
        found.add("format-nested", f"Column {name} holds lists or bytes.", "Select one value a cell.", column=name)
        return column_of([])
    zoned = [value for value in values if isinstance(value, dt.datetime) and value.tzinfo is not None]
    if zoned and not options.timezone:
        mend = 'Declare which day counts, such as timezone = "Asia/Tokyo".'
        found.add("timezone", f"Column {name} has a time zone.", mend, column=name, key="timezone")
        return column_of([])
    if zoned:
        return column_of(
            local_time(value, options.timezone) if isinstance(value, dt.datetime) and value.tzinfo else value
            for value in values
        )
    return column_of(values)


def _sorted(names: Sequence[str], columns: list[Cells], id_column: str) -> list[Cells]:
    if not columns:
        return columns
    first = next((place for place, name in enumerate(names) if same_column(name, id_column)), 0)
    keys = [columns[first], *columns]
    order = sorted(range(len(columns[0])), key=lambda row: tuple(column[row] for column in keys))
    return [column[np.array(order, dtype=np.int64)] for column in columns]
