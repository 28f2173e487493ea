"""Warnings on what is there: columns empty for many, and columns that say the same of everybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cohortstats.cohort import Cohort
from cohortstats.errors import InputError, Problem
from cohortstats.study import Association, Characteristics, TimeToEvent, TimeToEventEndpoint

__all__ = ["EmptyColumns", "coverage_warnings", "empty_columns"]

_MANY = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyColumns:
    """Columns of a table that are empty in the same rows, more than a fifth of them.

    Parameters
    ----------
    table
        Name of the table.
    names
        Columns, as the study calls them.
    n_empty, n_rows
        Rows without them, and rows in all; where a patient has one row, those of the patients who have it.
    uses
        Exhibits with curves that need one of the columns, and how many patients are left for each.
    """

    table: str
    names: tuple[str, ...]
    n_empty: int
    n_rows: int
    uses: tuple[tuple[str, int], ...]


def coverage_warnings(cohort: Cohort) -> list[Problem]:
    """``missing-many`` for each pattern of columns empty in the same rows, and ``column-constant``."""
    return [*_missing_many(cohort), *_constant(cohort)]


def _missing_many(cohort: Cohort) -> Iterator[Problem]:
    for empty in empty_columns(cohort):
        table = cohort.tables[empty.table]
        used = "".join(f"; {exhibit} uses {n}" for exhibit, n in empty.uses)
        yield Problem(
            level="warning",
            code="missing-many",
            message=f"{empty.n_empty} of {empty.n_rows} rows have no {', '.join(empty.names)}{used}.",
            file=table.file,
            sheet=table.sheet,
            column=empty.names[0] if len(empty.names) == 1 else "",
            study_key=f"columns.{table.name}.{empty.names[0]}",
        )


def empty_columns(cohort: Cohort) -> Iterator[EmptyColumns]:
    """Columns that are empty in more than a fifth of the rows, those empty in the same rows together."""
    # The date of an event is empty when there was none: that is an answer.
    endpoints = [point for point in cohort.study.endpoints.values() if isinstance(point, TimeToEventEndpoint)]
    events = {name for point in endpoints for name in point.event_names}
    events |= {name for rule in cohort.study.rules.values() for name in rule.event_names}
    dates_of_events = frozenset().union(
        *(cohort.variables[name].given_names for name in events if name in cohort.variables)
    )
    for table in cohort.tables.values():
        # Where a patient has many rows, rows are counted; elsewhere patients who have one.
        here = table.position >= 0 if table.records is None else np.ones(len(table.records), dtype=bool)
        n_rows = int(here.sum())
        patterns: dict[bytes, list[str]] = {}
        counts: dict[bytes, int] = {}
        declared = cohort.study.columns[table.name]
        for name in table.values:
            # The wells of an export have columns that nobody declared.
            if name not in declared or name in dates_of_events or declared[name].flag:
                continue
            empty = cohort.data[name].missing & here
            if empty.sum() > _MANY * n_rows:
                pattern = np.packbits(empty).tobytes()
                patterns.setdefault(pattern, []).append(name)
                counts[pattern] = int(empty.sum())
        for pattern, names in patterns.items():
            yield EmptyColumns(
                table=table.name,
                names=tuple(names),
                n_empty=counts[pattern],
                n_rows=n_rows,
                uses=tuple(_uses(cohort, frozenset(names))),
            )


def _uses(cohort: Cohort, names: frozenset[str]) -> Iterator[tuple[str, int]]:
    """Curves that need one of these columns, and how many patients are left for each."""
    for exhibit in cohort.study.exhibits:
        if not isinstance(exhibit, TimeToEvent) or exhibit.endpoint not in cohort.endpoints:
            continue
        point = cohort.study.endpoints[exhibit.endpoint]
        assert isinstance(point, TimeToEventEndpoint)
        needed = [*point.parts, exhibit.groups, exhibit.strata]
        made_from = frozenset().union(
            *(cohort.variables[name].given_names for name in needed if name in cohort.variables)
        )
        if not names & made_from:
            continue
        known = cohort.endpoints[exhibit.endpoint]["time"].notna().to_numpy()
        for name in (exhibit.groups, exhibit.strata):
            if name in cohort.variables:
                known = known & ~cohort.known(name).missing
        if exhibit.population:
            try:
                answer = cohort.evaluate(exhibit.population)
            except InputError:
                continue  # told where the exhibit is made
            known = known & ~answer.missing & answer.data.astype(bool)
        yield exhibit.id, int(known.sum())


def _constant(cohort: Cohort) -> Iterator[Problem]:
    """Groups and outcomes that have one value only."""
    roles: dict[str, str] = {}
    for exhibit in cohort.study.exhibits:
        if isinstance(exhibit, Association):
            for name in (exhibit.outcome, *exhibit.rows):
                roles.setdefault(name, exhibit.id)
        elif isinstance(exhibit, TimeToEvent):
            roles.setdefault(exhibit.groups, exhibit.id)
        elif isinstance(exhibit, Characteristics):
            roles.setdefault(exhibit.by, exhibit.id)
    for name, exhibit_id in roles.items():
        if name not in cohort.variables or cohort.n < 2:
            continue
        values = cohort.known(name)
        present = values.data[~values.missing]
        if len(present) and len(set(present.tolist())) == 1:
            variable = cohort.variables[name]
            message = f"{name} has one value only, and {exhibit_id} compares by it."
            if variable.table:
                table = cohort.tables[variable.table]
                yield Problem(
                    level="warning",
                    code="column-constant",
                    message=message,
                    file=table.file,
                    sheet=table.sheet,
                    column=table.sources[name],
                    study_key=f"columns.{variable.table}.{name}",
                )
            else:
                section = "endpoints" if name in cohort.study.endpoints else "derive"
                assays = [assay.name for assay in cohort.study.ctdna.values() if name in assay.makes]
                key = f"ctdna.{assays[0]}" if assays else f"{section}.{name}"
                yield cohort.study.problem(key, "column-constant", message, level="warning")
