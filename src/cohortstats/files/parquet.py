"""Parquet files: the types they hold, then text in one spelling."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cohortstats.cohort import Source
from cohortstats.errors import DataError
from cohortstats.files.instants import local_time
from cohortstats.files.native import column_of, tabulate
from cohortstats.files.table import Cells, Findings, TextTable
from cohortstats.study import DataTable

__all__ = ["import_duckdb", "read_parquet"]

_NESTED = re.compile(r"\[\d*\]$|^(STRUCT|MAP|UNION|LIST|VARIANT)\b")
_FLOATS = ("FLOAT", "DOUBLE")
_MIDNIGHT = " 00:00:00"


def import_duckdb(found: Findings, kind: str) -> Any:
    """The library, or the problem that says how to get it."""
    try:
        import duckdb
    except ImportError:
        message = f"Reading {kind} needs pip install duckdb: {found.file}."
        raise found.stop("reader-missing", message, "Install it, or save the table as csv.") from None
    return duckdb


def read_parquet(path: Path, options: DataTable, source: Source, found: Findings) -> TextTable:
    """Cells of a Parquet file.

    Parameters
    ----------
    path
        The file.
    options
        ``timezone`` of the study file.
    source
        Facts known so far.
    found
        Takes the problems.
    """
    duckdb = import_duckdb(found, "a Parquet file")
    with duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}) as con:
        # A glob sign in the name of a file is a sign like any other.
        name = re.sub(r"([*?\[\]])", r"[\1]", str(path))
        try:
            relation = con.read_parquet(name)
            names, types = list(relation.columns), [str(kind) for kind in relation.types]
            _check_types(names, types, options, found)
            wanted = [_selected(place, name, kind) for place, (name, kind) in enumerate(zip(names, types, strict=True))]
            columns = relation.project(", ".join(wanted)).fetchnumpy()
        except duckdb.Error as error:
            message = f"{found.file} is a damaged Parquet file."
            raise found.stop("format-unsupported", message, "Write it again, or save it as csv.") from error
    cells = [_column(columns[f"c{place}"], kind, options) for place, kind in enumerate(types)]
    return tabulate(names, cells, replace(source, kind="parquet"), found)


def _selected(place: int, name: str, kind: str) -> str:
    """A column as SQL gives it best: binary fractions as they are, instants in microseconds, the rest as text."""
    quoted = '"' + name.replace('"', '""') + '"'
    if "WITH TIME ZONE" in kind and kind.startswith("TIMESTAMP"):
        quoted = f"epoch_us({quoted})"
    elif kind not in _FLOATS:
        quoted = f"CAST({quoted} AS VARCHAR)"
    return f"{quoted} AS c{place}"


def _column(values: Any, kind: str, options: DataTable) -> Cells:
    missing = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else np.zeros(len(values), dtype=bool)
    if "WITH TIME ZONE" in kind and kind.startswith("TIMESTAMP"):
        return column_of(
            None if absent else local_time(int(value), options.timezone)
            for value, absent in zip(np.ma.getdata(values), missing, strict=True)
        )
    data = np.ma.getdata(values).astype(object) if kind == "DOUBLE" else np.ma.getdata(values)
    cells = column_of(None if absent else value for value, absent in zip(data, missing, strict=True))
    if kind == "BOOLEAN":
        return column_of(cell.upper() for cell in cells)
    if kind.startswith("TIMESTAMP"):
        return column_of(cell.removesuffix(_MIDNIGHT) for cell in cells)
    return cells


def _check_types(names: list[str], types: list[str], options: DataTable, found: Findings) -> None:
    faults = []
    for name, kind in zip(names, types, strict=True):
        if _NESTED.search(kind):
            faults.append(("format-nested", f"Column {name} holds lists ({kind}).", "Write one value a cell.", name))
        elif kind == "BLOB":
            faults.append(("format-nested", f"Column {name} holds bytes.", "Write text, or leave it out.", name))
        elif "WITH TIME ZONE" in kind and not options.timezone:
            mend = 'Declare which day counts, such as timezone = "Asia/Tokyo".'
            faults.append(("timezone", f"Column {name} has a time zone.", mend, name))
    for code, message, mend, name in faults:
        found.add(code, message, mend, column=name, key="timezone" if code == "timezone" else "")
    if faults:
        raise DataError(found.problems)
