"""What a time-to-event endpoint refers to: dates, statuses, visits, and the date of death that it must not forget."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cohortstats.errors import did_you_mean
from cohortstats.expressions import Kind, resolve
from cohortstats.schema import join_key
from cohortstats.study.sections import (
    CUTOFF,
    LAST_ASSESSMENT,
    Assessments,
    CensorDate,
    Column,
    DataTable,
    Endpoint,
    EventDate,
    StopDate,
    TimeToEventEndpoint,
    VisitGaps,
)

if TYPE_CHECKING:
    from cohortstats.study.references import References

__all__ = ["check_event_dates", "check_where", "visit_date", "visits_table", "with_deaths"]

LEVELED: tuple[Kind, ...] = ("yes/no", "ordered", "category")
DEATH_NAMES = frozenset({"death", "death_date", "date_of_death", "died", "dthdt", "dthdtc", "dth_dt", "死亡", "死亡日"})
DEATH_WORDS = frozenset({"death", "died", "dead", "死亡"})
RULES = '"censor at death", "censor at last assessment" or "competing"'


def check_event_dates(
    references: References, key: str, heading: str, endpoint: TimeToEventEndpoint, data: Mapping[str, DataTable | None]
) -> None:
    """Everything that the entries of an endpoint name is there, and of the right kind."""
    for word in ("events", "censors", "stops"):
        for place, entry in enumerate(getattr(endpoint, word)):
            here, inside = f"{key}.{word}[{place}]", f"{heading} {word}[{place}]"
            if word == "censors" and entry.date in (LAST_ASSESSMENT, CUTOFF):
                _special(references, here, inside, endpoint, entry.date, entry.where)
                continue
            dated = references.name(f"{here}.date", inside, "date", entry.date, ("date",), records=True)
            if dated is not None:
                check_where(references, here, inside, entry.where, dated.table, entry.date)
            if word == "events" and entry.status:
                references.name(f"{here}.status", inside, "status", entry.status, ("yes/no", "number"))
    if endpoint.gaps is not None:
        _gaps(references, key, heading, endpoint.gaps)
    if endpoint.assessments is not None:
        _assessments(references, f"{key}.assessments", f"{heading} assessments", endpoint.assessments, data)
    elif _asks_for_assessments(endpoint) and not endpoint.only_assessment:
        fact = f"{heading} needs assessments, for the last assessment."
        references.problems.add(key, "key-missing", fact, "Name the table of the visits.")
    if endpoint.interval_censored and endpoint.gaps is None and endpoint.assessments is None:
        fact = f"{heading} interval_censored needs gaps or assessments, for the interval between visits."
        references.problems.add(f"{key}.interval_censored", "key-missing", fact)


def _asks_for_assessments(endpoint: TimeToEventEndpoint) -> bool:
    return (
        endpoint.gaps is not None
        or endpoint.deaths == "censor at last assessment"
        or any(stop.at == LAST_ASSESSMENT for stop in endpoint.stops)
        or any(censor.date == LAST_ASSESSMENT for censor in endpoint.censors)
    )


def _special(
    references: References,
    key: str,
    heading: str,
    endpoint: TimeToEventEndpoint,
    date: str,
    where: Mapping[str, tuple[str, ...]],
) -> None:
    if resolve(date, references.kinds) is not None:
        fact = f"{heading} date: {date} is a word of its own here, and a name of the study too."
        references.problems.add(f"{key}.date", "key-conflict", fact, 'Give the column another name, with from = "…".')
    if where:
        references.problems.add(f"{key}.where", "key-conflict", f"{heading} where does not apply to {date}.")
    if date == LAST_ASSESSMENT and endpoint.assessments is None:
        fact = f"{heading} date: last assessment needs assessments."
        references.problems.add(f"{key}.date", "key-missing", fact, "Name the table of the visits.")


def check_where(
    references: References, key: str, heading: str, where: Mapping[str, tuple[str, ...]], table: str, date: str
) -> None:
    """Columns of the table of the date, and levels that they have."""
    for name, levels in where.items():
        here = f"{key}.where.{join_key(name)}"
        kind = references.name(here, heading, "where", name, LEVELED, records=True)
        if kind is None:
            continue
        references.levels(here, f"{heading} where", levels, kind.level_names)
        if kind.table != table:
            fact = f"{heading} where: {name} and {date} are not in one table."
            references.problems.add(here, "key-conflict", fact)


def _gaps(references: References, key: str, heading: str, gaps: VisitGaps) -> None:
    for word, number, least in (
        ("interval", gaps.interval, 1),
        ("missed", gaps.missed, 1),
        ("tolerance", gaps.tolerance, 0),
    ):
        if not least <= number < float("inf"):
            fact = f"{heading} gaps: {word} must be {least} or more, not {number:g}."
            references.problems.add(f"{key}.gaps.{word}", "key-type", fact)


def visits_table(
    references: References, key: str, heading: str, name: str, data: Mapping[str, DataTable | None]
) -> bool:
    """Whether a table is there and has many rows per patient."""
    table = data.get(name)
    if name not in data:
        near = did_you_mean(name, data)
        fact = f"{heading} table: {name} is no table of the study."
        references.problems.add(f"{key}.table", "expression-name", fact, f"Did you mean {near}?" if near else "")
        return False
    if table is not None and table.rows != "many per patient":
        fact = f"{heading} table: {name} has one row per patient."
        references.problems.add(f"{key}.table", "key-conflict", fact, 'Visits need rows = "many per patient".')
        return False
    return True


def _assessments(
    references: References, key: str, heading: str, visits: Assessments, data: Mapping[str, DataTable | None]
) -> None:
    table = data.get(visits.table)
    if not visits_table(references, key, heading, visits.table, data):
        return
    named: tuple[tuple[str, str, tuple[Kind, ...]], ...] = (
        ("date", visits.date, ("date",)),
        ("response", visits.response, ("ordered", "category", "yes/no")),
    )
    for word, name, kinds in named:
        kind = references.name(f"{key}.{word}", heading, word, name, kinds, records=True) if name else None
        if kind is None:
            continue
        if kind.table != visits.table:
            fact = f"{heading} {word}: {name} is no column of {visits.table}."
            references.problems.add(f"{key}.{word}", "key-conflict", fact)
    if table is not None and not visits.date:
        found = resolve(visit_date(visits, table), references.kinds)
        ordered = references.kinds.get(found) if found else None
        if ordered is not None and ordered.kind != "date":
            fact = f"{heading} needs date: {visits.table} is ordered by a number."
            references.problems.add(key, "key-missing", fact)
    check_where(references, key, heading, visits.where, visits.table, visits.date or "date")


def visit_date(visits: Assessments, table: DataTable) -> str:
    """The date column of the visits: as declared, else what orders the table."""
    return visits.date or table.order


# ---------------------------------------------------------------------------------------------------------------------
# Deaths that are no event
# ---------------------------------------------------------------------------------------------------------------------


def with_deaths(
    references: References,
    endpoints: Mapping[str, Endpoint],
    columns: Mapping[str, Mapping[str, Column]],
) -> dict[str, Endpoint]:
    """Endpoints with their date of death; an endpoint that forgets about deaths is a problem.

    A date of death is what an endpoint names as ``death`` or as an event or censoring by reason of death, and a date
    column that is called so.
    """
    dates = list(_dates_of_death(references, endpoints, columns))
    found: dict[str, Endpoint] = {}
    for name, endpoint in endpoints.items():
        found[name] = endpoint
        if not isinstance(endpoint, TimeToEventEndpoint) or not endpoint.start:
            continue
        key, heading = join_key("endpoints", name), f"[{join_key('endpoints', name)}]"
        used = references.uses.get(name, frozenset()) | set(endpoint.parts)
        events = {entry.date for entry in endpoint.event_entries}
        events |= {part for one in events for part in references.uses.get(one, frozenset())}
        if endpoint.death and not endpoint.deaths:
            fact = f"{heading} death needs deaths = {RULES}."
            references.problems.add(f"{key}.death", "key-missing", fact)
        elif endpoint.deaths and (endpoint.death in events or (not endpoint.death and events.intersection(dates))):
            fact = f"{heading} deaths does not apply: death is an event here."
            references.problems.add(f"{key}.deaths", "key-conflict", fact)
        elif endpoint.deaths and not endpoint.death:
            if len(dates) == 1:
                found[name] = dataclasses.replace(endpoint, death=dates[0])
                references.uses[name] = references.uses.get(name, frozenset()) | {dates[0]}
            else:
                known = f" Dates of death: {', '.join(dates)}." if dates else ""
                references.problems.add(key, "key-missing", f"{heading} deaths needs death, its date.", known.strip())
        elif (
            not endpoint.deaths
            and dates
            and not used.intersection(dates)
            and all(
                resolve(part, references.kinds)
                for part in endpoint.parts  # an unknown name may be that of the death
            )
        ):
            fact = f"{heading} needs deaths = {RULES}: {dates[0]} is a date of death."
            references.problems.add(key, "key-missing", fact)
    return found


def _dates_of_death(
    references: References, endpoints: Mapping[str, Endpoint], columns: Mapping[str, Mapping[str, Column]]
) -> Iterator[str]:
    named: dict[str, None] = {}
    for endpoint in endpoints.values():
        if isinstance(endpoint, TimeToEventEndpoint) and endpoint.start:
            named |= dict.fromkeys([endpoint.death] if endpoint.death else [])
            entries: list[EventDate | CensorDate | StopDate] = [*endpoint.events, *endpoint.censors, *endpoint.stops]
            named |= dict.fromkeys(one.date for one in entries if _folded(one.reason) in DEATH_WORDS and not one.where)
    for table in columns.values():
        for name, column in table.items():
            if column.type == "date" and {_folded(name), _folded(column.source)} & DEATH_NAMES:
                named[name] = None
    for name in dict.fromkeys(found for one in named if (found := resolve(one, references.kinds)) is not None):
        kind = references.kinds.get(name)
        if kind is not None and kind.kind == "date" and not kind.table:
            yield name


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold().replace(" ", "_")
