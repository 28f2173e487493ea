"""What every exhibit needs: its printed number, its population, its table."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cohortstats.cohort import Cohort, Variable
from cohortstats.study import Exhibit, Study, TimeToEvent
from cohortstats.tables.language import words
from cohortstats.tables.table import Cell, Column, RowGroup, Table

__all__ = ["exhibit_number", "exhibit_population", "exhibit_table", "level_label"]


def exhibit_number(study: Study, entry: Exhibit) -> str:
    """``Table 4``: from an id such as ``table4`` or ``figure1``, else by the order in the study file."""
    say = words(study.report.lang)
    numbered = re.fullmatch(r"(table|figure)_?(\d+)", entry.id)
    if numbered:
        return say(numbered.group(1), number=numbered.group(2))
    figure = isinstance(entry, TimeToEvent)
    alike = [other for other in study.exhibits if isinstance(other, TimeToEvent) == figure]
    position = next(number for number, other in enumerate(alike, start=1) if other.id == entry.id)
    return say("figure" if figure else "table", number=position)


def exhibit_population(cohort: Cohort, entry: Exhibit) -> Cohort:
    """Patients for whom the population of the exhibit is yes; all of them when it names none."""
    return cohort.where(entry.population, step=entry.id) if entry.population else cohort


def exhibit_table(
    cohort: Cohort, entry: Exhibit, columns: Sequence[Column], groups: Sequence[RowGroup], footnotes: Sequence[str]
) -> Table:
    """The table of an exhibit, with its number, caption, synthetic label, style and language."""
    study = cohort.study
    return Table(
        id=entry.id,
        number=exhibit_number(study, entry),
        caption=entry.title,
        columns=tuple(columns),
        groups=tuple(groups),
        footnotes=tuple(footnotes),
        label=study.synthetic,
        style=study.report.style,
        lang=study.report.lang,
    )


def level_label(variable: Variable, level: str) -> str:
    """Name of a level in tables."""
    return dict(zip(variable.levels, variable.labels, strict=True)).get(level, level)


def text_cell(text: str) -> Cell:
    """A cell of words."""
    return Cell(value=text)
