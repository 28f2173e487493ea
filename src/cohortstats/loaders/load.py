"""From a study file to a cohort: read, type, link, derive, and tell every problem of every file at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from cohortstats.cohort import Cohort
from cohortstats.derivations.derive import derive
from cohortstats.errors import DataError, Problem
from cohortstats.files.read import scan_source
from cohortstats.files.table import TextTable
from cohortstats.loaders.coverage import coverage_warnings
from cohortstats.loaders.droplet_table import DropletTable
from cohortstats.loaders.join import join_tables
from cohortstats.loaders.typed import TypedTable, type_table
from cohortstats.study import DataTable, Study

__all__ = ["load_cohort"]


LOSES_ROWS = ("row-ragged", "quote-open")


def load_cohort(
    study: Study | str | Path,
    *,
    connections: Mapping[str, Any] | None = None,
    watch: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Cohort:
    """Read the tables of a study, link and type them, and derive what the study file declares.

    Parameters
    ----------
    study
        A study, its file, or the folder that holds ``study.toml``.
    connections
        Name -> an open DB-API or DuckDB connection, for tables with ``connection`` and ``sql``.
    watch
        Wraps the tables while they are read, such as a progress bar.

    Returns
    -------
    Cohort
        Its ``problems`` hold warnings only.

    Raises
    ------
    DataError
        With every problem of every file. ``missing_file`` is true when files that are not there are the only trouble.

    Examples
    --------
    >>> from cohortstats.shipped import shipped_study
    >>> cohort = load_cohort(shipped_study("sakai2018"))
    >>> cohort.n
    34
    """
    if not isinstance(study, Study):
        study = Study.read(study)
    tables, problems, n_missing = _read_tables(study, connections or {}, watch)
    if len(tables) < len(study.data) or not tables[0].id_column or not tables[0].ids:
        # Without the first table there are no patients, and without another its columns are not known.
        raise DataError(_ordered(problems), missing_file=bool(n_missing) and n_missing == _n_errors(problems))
    cohort, doubtful, found = join_tables(study, tables)
    if any(problem.code in LOSES_ROWS for problem in tables[0].problems):
        # Patients whose rows could not be read are not missing from the file, and nobody's records are orphans.
        found = [problem for problem in found if problem.code not in ("n-mismatch", "id-orphan")]
    problems += found
    problems += _check_labels(study, tables)
    if any(isinstance(table, DropletTable) for table in tables):
        from cohortstats.loaders.assays import add_assays

        cohort, doubtful, found = add_assays(cohort, doubtful, tables)
        problems += found
    if all(set(study.columns.get(name, {})) <= set(cohort.variables) for name in study.data):
        cohort, found = derive(cohort, doubtful)
        problems += found
        if not _n_errors(problems):
            problems += coverage_warnings(cohort)
    problems = _ordered(problems)
    if _n_errors(problems):
        raise DataError(problems)
    return dataclasses.replace(cohort, problems=tuple(problems))


def _read_tables(
    study: Study, connections: Mapping[str, Any], watch: Callable[[Iterable[Any]], Iterable[Any]]
) -> tuple[list[TypedTable], list[Problem], int]:
    tables: list[TypedTable] = []
    problems: list[Problem] = []
    for table in watch(list(study.data.values())):
        try:
            if table.kind == "ddpcr":
                from cohortstats.loaders.droplets import read_droplets

                tables.append(read_droplets(study, table))
                problems += tables[-1].problems
                continue
            text = scan_source(study.folder, table, connections)
        except DataError as error:
            problems += error.problems
            continue
        typed = type_table(text, table, study)
        problems += typed.problems
        problems += _check_absent(text, table, study)
        tables.append(typed)
    return tables, problems, sum(problem.code == "file-missing" for problem in problems)


def _check_absent(text: TextTable, table: DataTable, study: Study) -> list[Problem]:
    """Of a table made of several files, each needs every column that the study names."""
    wanted = {f"data.{table.name}.id": table.id}
    for name, column in study.columns.get(table.name, {}).items():
        wanted[f"columns.{table.name}.{name}"] = column.source or name
    problems = []
    for key, name in wanted.items():
        without = text.absent.get(text.find(name) or "", ())
        other = next((part.file for part in text.source.parts if part.file not in without), "")
        for file in without:
            message = f"column '{name}' is not in {file}."
            problems.append(study.problem(key, "column-missing", message, mend=f"It is in {other}."))
    return problems


def _check_labels(study: Study, tables: Iterable[TypedTable]) -> list[Problem]:
    """Labels of a category can be counted only when its levels are known."""
    problems = []
    for table in tables:
        for name, values in () if isinstance(table, DropletTable) else table.values.items():
            labels = study.columns[table.table.name][name].labels
            if labels and values.kind in ("ordered", "category") and len(labels) != len(values.levels):
                message = f"{name} has {len(values.levels)} levels and {len(labels)} labels."
                mend = f"Levels: {', '.join(values.levels)}."
                key = f"columns.{table.table.name}.{name}.labels"
                problems.append(study.problem(key, "key-conflict", message, mend=mend))
    return problems


def _n_errors(problems: Iterable[Problem]) -> int:
    return sum(problem.level == "error" for problem in problems)


def _ordered(problems: Iterable[Problem]) -> list[Problem]:
    """Errors before warnings, each told once, otherwise in the order of the files."""
    found = list(dict.fromkeys(problems))
    # A code of iRECIST is no slip of the pen: the nearest level would be another answer.
    codes = {(problem.file, problem.row, problem.column) for problem in found if problem.code == "response-irecist"}
    told = (p for p in found if p.code != "level-unknown" or (p.file, p.row, p.column) not in codes)
    return sorted(told, key=lambda problem: problem.level != "error")
