"""What exhibits of printed evidence have in common: where their numbers come from, and their table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cohortstats.analysis.exhibit import exhibit_number
from cohortstats.analysis.results import Origin, Result
from cohortstats.cohort import Cohort
from cohortstats.study import Curves, Study, Trials
from cohortstats.tables.table import Cell, Column, RowGroup, Table

__all__ = ["EvidenceRecorder", "evidence_table"]


class EvidenceRecorder:
    """Collects the results of an exhibit made of print alone.

    Nothing here depends on patients of the study, so that nothing is withheld where they are rebuilt.

    Parameters
    ----------
    study
        Gives the level of significance.
    exhibit
        Id of the exhibit.
    """

    def __init__(self, study: Study, exhibit: str) -> None:
        self.alpha = study.alpha
        self.exhibit = exhibit
        self.records: list[Result] = []

    def add(self, row: str, group: str, statistic: str, *, origin: Origin = "printed", **fields: Any) -> Result:
        """Record a number."""
        result = Result(
            exhibit=self.exhibit,
            row=row,
            group=group,
            statistic=statistic,
            origin=origin,
            alpha=self.alpha,
            **fields,
        )
        self.records.append(result)
        return result

    def cell(self, format: str, value: Any, *results: Result, **cell: Any) -> Cell:
        """A cell that prints these results."""
        return Cell(value=value, format=format, results=tuple(result.address for result in results), **cell)


def evidence_table(
    cohort: Cohort,
    entry: Trials | Curves,
    columns: Sequence[Column],
    groups: Sequence[RowGroup],
    footnotes: Sequence[str],
    *,
    label: str = "",
) -> Table:
    """The table of an exhibit; the label of a rebuilt cohort says nothing about it."""
    study = cohort.study
    return Table(
        id=entry.id,
        number=exhibit_number(study, entry),
        caption=entry.title,
        columns=tuple(columns),
        groups=tuple(groups),
        footnotes=tuple(dict.fromkeys(footnotes)),
        label=label,
        style=study.report.style,
        lang=study.report.lang,
    )
