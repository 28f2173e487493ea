"""What every exhibit needs: its printed number, its population, its table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from cohortstats.analysis.droplet_notes import ratio_cautions
from cohortstats.cohort import Cohort, Variable
from cohortstats.errors import InputError
from cohortstats.study import (
    EXHIBITS,
    Association,
    BinaryEndpoint,
    Characteristics,
    Curves,
    Exhibit,
    Flow,
    Listing,
    Measurements,
    Missingness,
    Regression,
    Response,
    Study,
    Swimmer,
    TimeToEvent,
    TimeToEventEndpoint,
    Trials,
    Waterfall,
    section_of,
)
from cohortstats.tables.language import words
from cohortstats.tables.table import Cell, Column, RowGroup, Table

__all__ = [
    "endpoint",
    "exhibit_number",
    "exhibit_population",
    "exhibit_table",
    "is_figure",
    "level_label",
    "section",
    "shows_ids",
    "text_cell",
]


Section = TypeVar(
    "Section",
    Association,
    Characteristics,
    Curves,
    Flow,
    Listing,
    Measurements,
    Missingness,
    Regression,
    Response,
    Swimmer,
    TimeToEvent,
    Trials,
    Waterfall,
)
Kind = TypeVar("Kind", BinaryEndpoint, TimeToEventEndpoint)


def section(entry: Exhibit, kind: type[Section]) -> Section:
    """The entry as a section of one kind; another kind is refused, with the function that makes it."""
    if isinstance(entry, kind):
        return entry
    names = {cls: name for name, cls in EXHIBITS.items()}
    made_by = section_of(entry)
    function = "missing_values" if made_by == "missingness" else made_by  # missingness() is the count behind it
    raise InputError(f"{entry.id} is a [[{made_by}]] exhibit, not [[{names[kind]}]]; use {function}().")


def endpoint(study: Study, name: str, kind: type[Kind]) -> Kind:
    """An endpoint of the study, of the kind that its exhibit needs."""
    found = study.endpoints[name]
    if isinstance(found, kind):
        return found
    raise InputError(f"{name} is a {found.kind} endpoint.")


def exhibit_number(study: Study, entry: Exhibit) -> str:
    """``Table 4``: from an id such as ``table4`` or ``figure1``, else by the order in the study file.

    A regression is counted as a table: its forest plot is the picture of that table and has no number of its own,
    unless the id says ``figure``.
    """
    say = words(study.report.lang)
    numbered = re.fullmatch(r"(table|figure)_?(\d+)", entry.id)
    if numbered:
        return say(numbered.group(1), number=numbered.group(2))
    figure = is_figure(entry)
    alike = [other for other in study.exhibits if is_figure(other) == figure]
    position = next(number for number, other in enumerate(alike, start=1) if other.id == entry.id)
    return say("figure" if figure else "table", number=position)


def is_figure(entry: Exhibit) -> bool:
    """Whether an exhibit is counted as a figure: as its id says, else when it is a picture first."""
    numbered = re.fullmatch(r"(table|figure)_?\d+", entry.id)
    pictures = (TimeToEvent, Swimmer, Waterfall, Flow, Missingness, Curves)
    return numbered.group(1) == "figure" if numbered else isinstance(entry, pictures)


def exhibit_population(cohort: Cohort, entry: Exhibit) -> Cohort:
    """Patients for whom the population of the exhibit is yes; all of them when it names none."""
    population = "" if isinstance(entry, (Flow, Trials, Curves)) else entry.population
    return cohort.where(population, step=entry.id) if population else cohort


def exhibit_table(
    cohort: Cohort, entry: Exhibit, columns: Sequence[Column], groups: Sequence[RowGroup], footnotes: Sequence[str]
) -> Table:
    """The table of an exhibit, with its number, caption, synthetic label, style and language."""
    study = cohort.study
    return Table(
        id=entry.id,
        number=exhibit_number(study, entry),
        caption=entry.title or _default_title(study, entry),
        columns=tuple(columns),
        groups=tuple(groups),
        footnotes=(*footnotes, *ratio_cautions(cohort, entry)),
        label=study.synthetic,
        style=study.report.style,
        lang=study.report.lang,
    )


def _default_title(study: Study, entry: Exhibit) -> str:
    """A figure without a title is called by its endpoint."""
    outcome = study.endpoints[entry.endpoint] if isinstance(entry, TimeToEvent) else None
    return "" if outcome is None else outcome.label or outcome.name


def shows_ids(study: Study, entry: Exhibit) -> bool:
    """Whether an exhibit prints patient ids: as it says itself, else as the privacy switch of the report."""
    if not isinstance(entry, (Listing, Measurements)):
        return False
    return entry.ids == "show" if entry.ids else not study.report.privacy.hide_ids


def level_label(variable: Variable, level: str) -> str:
    """Name of a level in tables."""
    return dict(zip(variable.levels, variable.labels, strict=True)).get(level, level)


def text_cell(text: str) -> Cell:
    """A cell of words."""
    return Cell(value=text)
