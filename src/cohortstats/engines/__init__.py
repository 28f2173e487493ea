"""The same tables from any SQL engine: one plain query, and no row leaves the engine that need not.

A connection is a DuckDB or SQLite connection, a PostgreSQL connection, a Spark session, or any DB-API connection. What
goes to the engine is quoted, bound and built here; the caller names a table, columns and, in the language of the study
file, which patients count. No SQL of the caller is ever run.
"""

from cohortstats.engines.columns import TableName
from cohortstats.engines.group_by import LabelColumn, QueryRows, ask_rows
from cohortstats.engines.tallies import ColumnTallies, ask_tallies

__all__ = ["ColumnTallies", "LabelColumn", "QueryRows", "TableName", "ask_rows", "ask_tallies"]
