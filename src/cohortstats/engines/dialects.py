"""How each engine spells things: names, values, types, days; and how its driver is asked.

One class an engine; the base class is the standard, which any DB-API driver gets. A number is a double on every engine
and a date is the number of its day (1970-01-01 is 0), so that arithmetic and comparisons are the same everywhere.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from cohortstats.engines.fragments import Fragment, ParameterStyle, bound, rendered, sql, verbatim
from cohortstats.errors import InputError
from cohortstats.expressions import ColumnKind, Kind

__all__ = ["DuckDB", "Engine", "PostgreSQL", "SQLite", "Spark", "engine_of"]

Rows = list[tuple[Any, ...]]
Description = list[tuple[str, ColumnKind | None, str]]  # name, kind or None, type as the engine calls it

_NUMBERS = re.compile(
    r"^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$|^(FLOAT|DOUBLE|REAL|DECIMAL|NUMERIC|BYTE|SHORT|LONG)\b|^BIGNUM$"
)


_WHOLE = re.compile(r"^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$")


class Engine:
    """A connection, and the SQL that it understands: here the standard."""

    name = "this engine"
    quote = '"'
    style: ParameterStyle = "qmark"
    double, text, boolean = "DOUBLE PRECISION", "VARCHAR(4000)", "BOOLEAN"
    speaks_expressions = False  # only where each sign and function was held beside our own evaluation
    grouping_sets = False
    limit = ""
    collation = ""  # under which texts are compared sign by sign, whatever the column was declared with

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    # ---- asking

    def rows(self, statement: Fragment) -> Rows:
        """Everything that the query answers, as values of Python."""
        text, values = rendered(statement, self.style)
        try:
            return self._rows(text, values)
        except InputError:
            raise
        # Each driver has its own family of errors; none of them is ours to let through.
        except Exception as error:
            raise self.refusal(error) from error

    def first_rows(self, statement: Fragment, n: int) -> Rows:
        """The first of the answer; where an engine has its own word for that, the driver is asked for no more."""
        if self.limit:
            return self.rows(sql("{}" + self.limit.format(n=n), statement))
        text, values = rendered(statement, self.style)
        try:
            cursor = self._execute(text, values)
            try:
                names = [column[0] for column in cursor.description]
                return [_as_tuple(row, names) for row in cursor.fetchmany(n)]
            finally:
                cursor.close()
        except Exception as error:
            raise self.refusal(error) from error

    def columns(self, statement: Fragment, n_columns: int) -> list[Any]:
        """The answer column by column."""
        rows = self.rows(statement)
        return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(n_columns)]

    def refusal(self, error: Exception) -> InputError:
        """One sentence for whatever a driver raises."""
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        return InputError(f"{self.name} did not answer: {reason if reason.endswith('.') else reason + '.'}")

    def _cursor(self) -> Any:
        return self.connection.cursor()

    def _rows(self, text: str, values: Any) -> Rows:
        cursor = self._execute(text, values)
        try:
            names = [column[0] for column in cursor.description]
            answer = cursor.fetchall()
        finally:
            cursor.close()
        return [_as_tuple(row, names) for row in answer]

    def _execute(self, text: str, values: Any) -> Any:
        cursor = self._cursor()
        cursor.execute(text, values) if values else cursor.execute(text)
        return cursor

    # ---- names and tables

    def quoted(self, name: str) -> str:
        """A name that stays one name, whatever signs are in it."""
        if "\0" in name:
            raise InputError("a name holds the sign NUL.")
        return self.quote + name.replace(self.quote, 2 * self.quote) + self.quote

    def table(self, parts: Sequence[str]) -> Fragment:
        """A table by its name, or schema and name."""
        return verbatim(".".join(self.quoted(part) for part in parts))

    def file(self, path: str) -> Fragment:
        """Files as a table, where the engine reads files."""
        raise InputError(f"{self.name} reads no files; load {path} into a table, or open it with DuckDB.")

    def describe(self, source: Fragment) -> Description:
        """Columns of a table, without reading rows."""
        text, values = rendered(sql("SELECT * FROM {} WHERE 1 = 0", source), self.style)
        try:
            cursor = self._execute(text, values)
            try:
                return [(str(column[0]), None, "") for column in cursor.description]
            finally:
                cursor.close()
        except InputError:
            raise
        except Exception as error:
            raise self.refusal(error) from error

    def misfits(self, source: Fragment, name: str, kind: ColumnKind | None) -> tuple[ColumnKind | None, str]:
        """Kind of a column for an expression, and what is wrong with its values; engines with types have no misfits."""
        return kind, ""

    def is_whole(self, type_name: str) -> bool:
        """Whether a type has whole numbers only; here no type says so."""
        return False

    def label(self, column: str, kind: ColumnKind | None) -> Fragment:
        """A column as it is grouped by: two texts are one group only where every sign is the same."""
        by_sign = self.collation if self.collation and kind is not None and kind.kind == "text" else ""
        return verbatim(self.quoted(column) + by_sign)

    # ---- values in expressions

    def number(self, column: Fragment) -> Fragment:
        """A column as a double; a nan is missing."""
        return sql("CAST({} AS " + self.double + ")", column)

    def literal(self, value: float) -> Fragment:
        return sql("CAST({} AS " + self.double + ")", bound(value))

    def string(self, value: str) -> Fragment:
        return sql("CAST({} AS " + self.text + ")", bound(value))

    def truth(self, value: bool) -> Fragment:
        return verbatim("TRUE" if value else "FALSE")

    def nothing(self, kind: Kind | None) -> Fragment:
        """A missing value of a kind."""
        return verbatim(f"CAST(NULL AS {self.type_of(kind)})")

    def type_of(self, kind: Kind | None) -> str:
        return {"yes/no": self.boolean, "text": self.text, "category": self.text}.get(str(kind), self.double)

    def words(self, column: Fragment) -> Fragment:
        """A column as text, compared sign by sign."""
        return sql("(CAST({} AS " + self.text + ")" + self.collation + ")", column)

    def yes(self, column: Fragment) -> Fragment:
        """A column as yes or no."""
        return column

    def finite(self, number: Fragment) -> Fragment:
        """A number; infinity and nan are missing."""
        return sql("CASE WHEN isfinite({}) THEN {} END", number, number)

    def divided(self, a: Fragment, b: Fragment) -> Fragment:
        """A quotient; by zero it is missing, or not finite."""
        return sql("({} / {})", a, b)

    def smallest(self, parts: Sequence[Fragment]) -> Fragment:
        return self._extreme("LEAST", parts)

    def largest(self, parts: Sequence[Fragment]) -> Fragment:
        return self._extreme("GREATEST", parts)

    def _extreme(self, function: str, parts: Sequence[Fragment]) -> Fragment:
        return parts[0] if len(parts) == 1 else sql(f"{function}({', '.join('{}' for _ in parts)})", *parts)

    def day(self, column: Fragment) -> Fragment:
        """Number of the day of a date or an instant."""
        raise NotImplementedError

    def part_of_day(self, part: str, day: Fragment) -> Fragment:
        """``year``, ``month`` or ``day`` of the number of a day."""
        raise NotImplementedError


class DuckDB(Engine):
    """DuckDB, in this process; also files of Parquet and CSV."""

    name = "DuckDB"
    double, text, boolean = "DOUBLE", "VARCHAR", "BOOLEAN"
    speaks_expressions = True
    grouping_sets = True
    limit = " LIMIT {n}"
    collation = " COLLATE C"

    def _execute(self, text: str, values: Any) -> Any:
        # A cursor of DuckDB is another session, which does not see what the caller registered.
        return self.connection.execute(text, values) if values else self.connection.execute(text)

    def _rows(self, text: str, values: Any) -> Rows:
        return list(self._execute(text, values).fetchall())

    def columns(self, statement: Fragment, n_columns: int) -> list[Any]:
        text, values = rendered(statement, self.style)
        try:
            return list(self._execute(text, values).fetchnumpy().values())
        except Exception as error:
            raise self.refusal(error) from error

    def file(self, path: str) -> Fragment:
        reader = "read_parquet" if re.search(r"\.(parquet|pq)$", path, re.IGNORECASE) else "read_csv"
        return sql(reader + "({})", bound(path))

    def is_whole(self, type_name: str) -> bool:
        return bool(_WHOLE.match(type_name))

    def describe(self, source: Fragment) -> Description:
        text, values = rendered(sql("SELECT * FROM {} LIMIT 0", source), self.style)
        try:
            description = self._execute(text, values).description
        except Exception as error:
            raise self.refusal(error) from error
        return [(str(column[0]), self._kind(column[1]), str(column[1])) for column in description]

    @staticmethod
    def _kind(type_: Any) -> ColumnKind | None:
        word = str(type_).upper()
        if word.startswith("ENUM"):
            levels = next(values for name, values in type_.children if name == "values")
            return ColumnKind(kind="ordered", levels=tuple(str(level) for level in levels))
        return _kind_of_word(word)

    def number(self, column: Fragment) -> Fragment:
        return sql("CASE WHEN NOT isnan(CAST({} AS DOUBLE)) THEN CAST({} AS DOUBLE) END", column, column)

    def day(self, column: Fragment) -> Fragment:
        return sql("CAST(CAST({} AS DATE) - DATE '1970-01-01' AS DOUBLE)", column)

    def part_of_day(self, part: str, day: Fragment) -> Fragment:
        return sql(f"CAST(extract({part} FROM DATE '1970-01-01' + CAST({{}} AS INTEGER)) AS DOUBLE)", day)


class SQLite(Engine):
    """SQLite: values carry the types, columns only suggest them."""

    name = "SQLite"
    double, text, boolean = "REAL", "TEXT", "INTEGER"
    speaks_expressions = True
    limit = " LIMIT {n}"
    collation = " COLLATE BINARY"

    def _cursor(self) -> Any:
        cursor = self.connection.cursor()
        cursor.row_factory = None
        return cursor

    def label(self, column: str, kind: ColumnKind | None) -> Fragment:
        return verbatim(self.quoted(column) + self.collation)  # a column of any type may hold text

    def describe(self, source: Fragment) -> Description:
        names = [name for name, _, _ in super().describe(source)]
        declared = self._declared(source, names)
        return [(name, self._kind(declared.get(name, "")), declared.get(name, "")) for name in names]

    def _declared(self, source: Fragment, names: Sequence[str]) -> dict[str, str]:
        """Types as declared; an empty view of the table carries them, whatever the table is."""
        # The types of a result are not told by the driver, but those of a view are.
        parts = [part for part in source.parts if isinstance(part, str)]
        pieces = [piece.replace('""', '"') for piece in re.findall(r'"((?:[^"]|"")*)"', "".join(parts))]
        arguments = [bound(piece) for piece in reversed(pieces)]
        found = self.rows(
            sql(f"SELECT name, type FROM pragma_table_xinfo({', '.join('{}' for _ in pieces)})", *arguments)
        )
        return {str(name): str(type_).upper() for name, type_ in found if name in names}

    @staticmethod
    def _kind(word: str) -> ColumnKind | None:
        if "BOOL" in word:
            return ColumnKind(kind="yes/no")
        if "DATE" in word or "TIMESTAMP" in word:
            return ColumnKind(kind="date")
        if any(part in word for part in ("CHAR", "CLOB", "TEXT", "STRING")):
            return ColumnKind(kind="text")
        if any(part in word for part in ("INT", "REAL", "FLOA", "DOUB", "NUM", "DEC")):
            return ColumnKind(kind="number")
        return None

    def misfits(self, source: Fragment, name: str, kind: ColumnKind | None) -> tuple[ColumnKind | None, str]:
        column = verbatim(self.quoted(name))
        stored = {word for (word,) in self.rows(sql("SELECT DISTINCT typeof({}) FROM {}", column, source))}
        if kind is None:  # a column without a declared type is what its values are
            kind = ColumnKind(kind="text" if "text" in stored else "number")
        fits = {
            "number": "typeof({c}) IN ('integer', 'real')",
            "text": "typeof({c}) = 'text'",
            "yes/no": "typeof({c}) IN ('integer', 'real') AND {c} IN (0, 1)",
            "date": "typeof({c}) = 'text' AND date(julianday(substr({c}, 1, 10))) = substr({c}, 1, 10)",
        }[kind.kind]
        test = sql(fits.replace("{c}", "{}"), *[column] * fits.count("{c}"))
        statement = sql(
            "SELECT {} FROM {} WHERE {} IS NOT NULL AND NOT COALESCE({}, 0) LIMIT 1", column, source, column, test
        )
        bad = self.rows(statement)
        if not bad:
            return kind, ""
        wanted = {"number": "a number", "text": "text", "yes/no": "0 or 1", "date": "a date such as '2015-05-01'"}
        return kind, f"{name} holds {bad[0][0]!r}, which is not {wanted[kind.kind]}."

    def truth(self, value: bool) -> Fragment:
        return verbatim("1" if value else "0")

    def yes(self, column: Fragment) -> Fragment:
        return sql("CAST({} AS INTEGER)", column)

    def finite(self, number: Fragment) -> Fragment:
        return sql("NULLIF(NULLIF({}, 9e999), -9e999)", number)  # a nan is NULL here

    def _extreme(self, function: str, parts: Sequence[Fragment]) -> Fragment:
        return super()._extreme("min" if function == "LEAST" else "max", parts)

    def day(self, column: Fragment) -> Fragment:
        return sql("(julianday(substr({}, 1, 10)) - 2440587.5)", column)

    def part_of_day(self, part: str, day: Fragment) -> Fragment:
        sign = {"year": "%Y", "month": "%m", "day": "%d"}[part]
        return sql(f"CAST(strftime('{sign}', {{}} + 2440587.5) AS REAL)", day)


class PostgreSQL(Engine):
    """PostgreSQL, by psycopg or another driver."""

    name = "PostgreSQL"
    style: ParameterStyle = "format"
    text = "text"
    speaks_expressions = True
    grouping_sets = True
    limit = " LIMIT {n}"
    collation = ' COLLATE "C"'

    _KINDS: Mapping[int, Kind] = {
        16: "yes/no",
        **dict.fromkeys((20, 21, 23, 26, 700, 701, 1700), "number"),
        **dict.fromkeys((1082, 1114), "date"),
        **dict.fromkeys((18, 19, 25, 1042, 1043), "text"),
    }
    _REAL = 700

    def _execute(self, text: str, values: Any) -> Any:
        cursor = self._cursor()
        if type(cursor).__module__.partition(".")[0] != "psycopg":
            cursor.execute(text, values or None)
            return cursor
        # A query that fails spoils the transaction that the caller is in, unless it has a point of its own to go back
        # to; and a statement that the driver has prepared fails once its table is another one.
        with self.connection.transaction():
            cursor.execute(text, values or None, prepare=False)
        return cursor

    def _rows(self, text: str, values: Any) -> Rows:
        cursor = self._execute(text, values)
        try:
            description = cursor.description
            names = [column[0] for column in description]
            answer = cursor.fetchall()
        finally:
            cursor.close()
        rows = [_as_tuple(row, names) for row in answer]
        single = [place for place, column in enumerate(description) if column[1] == self._REAL]
        if single:
            # A driver that reads 0.1 of single precision as text gives another number than the one stored.
            import numpy as np

            rows = [
                tuple(
                    float(np.float32(value)) if place in single and value is not None else value
                    for place, value in enumerate(row)
                )
                for row in rows
            ]
        return rows

    def is_whole(self, type_name: str) -> bool:
        return bool(_WHOLE.match(type_name))

    def describe(self, source: Fragment) -> Description:
        text, values = rendered(sql("SELECT * FROM {} WHERE FALSE", source), self.style)
        try:
            cursor = self._execute(text, values)
            try:
                description = [(str(column[0]), int(column[1])) for column in cursor.description]
            finally:
                cursor.close()
        except InputError:
            raise
        except Exception as error:
            raise self.refusal(error) from error
        return [(name, self._kind_of(code), self._type_name(code)) for name, code in description]

    def _kind_of(self, code: int) -> ColumnKind | None:
        if code in self._KINDS:
            return ColumnKind(kind=self._KINDS[code])
        levels = self.rows(
            sql("SELECT enumlabel FROM pg_catalog.pg_enum WHERE enumtypid = {} ORDER BY enumsortorder", bound(code))
        )
        return ColumnKind(kind="ordered", levels=tuple(str(level) for (level,) in levels)) if levels else None

    @staticmethod
    def _type_name(code: int) -> str:
        names = {20: "BIGINT", 21: "SMALLINT", 23: "INTEGER", 1184: "TIMESTAMP WITH TIME ZONE"}
        return names.get(code, f"number {code}")

    def number(self, column: Fragment) -> Fragment:
        return sql("NULLIF(CAST({} AS double precision), 'NaN')", column)

    def finite(self, number: Fragment) -> Fragment:
        return sql("NULLIF(NULLIF(NULLIF({}, 'Infinity'), '-Infinity'), 'NaN')", number)

    def divided(self, a: Fragment, b: Fragment) -> Fragment:
        return sql("({} / NULLIF({}, 0))", a, b)

    def day(self, column: Fragment) -> Fragment:
        return sql("CAST(CAST({} AS date) - DATE '1970-01-01' AS double precision)", column)

    def part_of_day(self, part: str, day: Fragment) -> Fragment:
        return sql(f"CAST(extract({part} FROM DATE '1970-01-01' + CAST({{}} AS integer)) AS double precision)", day)


class Spark(Engine):
    """A Spark session; only the answer is collected."""

    name = "Spark"
    quote = "`"
    double, text, boolean = "DOUBLE", "STRING", "BOOLEAN"
    # Its TIMESTAMP is an instant, shown in the zone of the session.
    _WORDS: Mapping[str, str] = {
        "STRING": "VARCHAR",
        "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMP_NTZ": "TIMESTAMP",
    }
    speaks_expressions = True
    grouping_sets = True
    limit = " LIMIT {n}"

    def _rows(self, text: str, values: Any) -> Rows:
        return [tuple(row) for row in self._frame(text, values).collect()]

    def _frame(self, text: str, values: Any) -> Any:
        return self.connection.sql(text, args=values) if values else self.connection.sql(text)

    def file(self, path: str) -> Fragment:
        if not re.search(r"\.(parquet|pq)$", path, re.IGNORECASE):
            raise InputError(f"Spark reads {path} without names of columns; make a view of it, or use Parquet.")
        return verbatim(f"parquet.{self.quoted(path)}")

    def is_whole(self, type_name: str) -> bool:
        return bool(_WHOLE.match(type_name))

    def describe(self, source: Fragment) -> Description:
        text, values = rendered(sql("SELECT * FROM {}", source), self.style)
        try:
            fields = self._frame(text, values).schema.fields
        except Exception as error:
            raise self.refusal(error) from error
        found: Description = []
        for field in fields:
            word = str(field.dataType.simpleString()).upper()
            word = {"TIMESTAMP": "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NTZ": "TIMESTAMP", "STRING": "VARCHAR"}.get(
                word, word
            )
            found.append((str(field.name), _kind_of_word(word), word))
        return found

    def number(self, column: Fragment) -> Fragment:
        return sql("CASE WHEN NOT isnan(CAST({} AS DOUBLE)) THEN CAST({} AS DOUBLE) END", column, column)

    def finite(self, number: Fragment) -> Fragment:
        return sql("CASE WHEN abs({}) < CAST('Infinity' AS DOUBLE) THEN {} END", number, number)

    def divided(self, a: Fragment, b: Fragment) -> Fragment:
        return sql("try_divide({}, {})", a, b)

    def day(self, column: Fragment) -> Fragment:
        return sql("CAST(datediff(CAST({} AS DATE), DATE'1970-01-01') AS DOUBLE)", column)

    def part_of_day(self, part: str, day: Fragment) -> Fragment:
        return sql(f"CAST({part}(date_add(DATE'1970-01-01', CAST({{}} AS INT))) AS DOUBLE)", day)


class MySQL(Engine):
    """MySQL and MariaDB: back-quotes around names."""

    name = "MySQL"
    quote = "`"
    double = "DOUBLE"
    limit = " LIMIT {n}"


def _as_tuple(row: Any, names: Sequence[str]) -> tuple[Any, ...]:
    """A driver may be set to answer with dictionaries; each name of ours is used once."""
    return tuple(row[name] for name in names) if isinstance(row, Mapping) else tuple(row)


def _kind_of_word(word: str) -> ColumnKind | None:
    if word == "BOOLEAN":
        return ColumnKind(kind="yes/no")
    if _NUMBERS.match(word):
        return ColumnKind(kind="number")
    if word == "DATE" or (word.startswith("TIMESTAMP") and "ZONE" not in word):
        return ColumnKind(kind="date")
    if word.startswith(("VARCHAR", "CHAR")):
        return ColumnKind(kind="text")
    return None


_ENGINES: Mapping[str, type[Engine]] = {
    "_duckdb": DuckDB,
    "duckdb": DuckDB,
    "sqlite3": SQLite,
    "psycopg": PostgreSQL,
    "psycopg2": PostgreSQL,
    "psycopg_pool": PostgreSQL,
    "pyspark": Spark,
    "pymysql": MySQL,
    "MySQLdb": MySQL,
    "mysql": MySQL,
}


def engine_of(connection: Any) -> Engine:
    """The engine behind a connection.

    Parameters
    ----------
    connection
        A DuckDB connection, a Spark session, or a connection of a DB-API driver, open.

    Raises
    ------
    InputError
        What is no connection, such as the name of a file.

    Examples
    --------
    >>> import sqlite3
    >>> engine_of(sqlite3.connect(":memory:")).name
    'SQLite'
    """
    connection = getattr(connection, "dbapi_connection", connection)  # a driver's connection inside SQLAlchemy's
    for home in type(connection).__mro__:
        root = home.__module__.partition(".")[0]
        if root in _ENGINES and (root != "pyspark" or hasattr(connection, "sql")):
            return _ENGINES[root](connection)
    if not callable(getattr(connection, "cursor", None)):
        kind = type(connection).__name__
        raise InputError(
            f"connection is {kind}; give an open DuckDB or DB-API connection or a Spark session, "
            "such as duckdb.connect('cohort.duckdb')."
        )
    engine = Engine(connection)
    for home in type(connection).__mro__:
        names = home.__module__.split(".")
        for end in range(len(names), 0, -1):
            style = getattr(sys.modules.get(".".join(names[:end])), "paramstyle", None)
            if style in ("qmark", "numeric", "named", "format", "pyformat"):
                engine.style = style
                return engine
    return engine
