"""The same cohort under every convention profile, in one table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cohortstats.analysis.exhibit import exhibit_number
from cohortstats.analysis.results import RESULT_COLUMNS, WITHHELD, Analysis, Result
from cohortstats.cohort import Cohort
from cohortstats.report.plan import make_exhibit
from cohortstats.stats.conventions import PROFILES, Conventions
from cohortstats.study import Exhibit
from cohortstats.tables.language import words
from cohortstats.tables.numbers import STYLES, format_interval
from cohortstats.tables.table import Cell, Column, Row, RowGroup, Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ConventionsComparison", "compare_conventions", "with_conventions"]

DIFFERS = "≠"
WITHHELD_SIGN = "—"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConventionsComparison:
    """One exhibit under several conventions; made by `compare_conventions`.

    Parameters
    ----------
    cohort
        The patients, under the conventions of the study.
    analyses
        Name of the conventions -> the exhibit under them.
    table
        One line a result, one column a profile; lines on which the profiles differ are marked.
    """

    cohort: Cohort
    analyses: dict[str, Analysis]
    table: Table

    def to_frame(self) -> pd.DataFrame:
        """One row a result and profile: ``conventions``, then the columns of ``results.csv``."""
        import pandas as pd

        rows = [(name, *values) for name, analysis in self.analyses.items() for values in self._rows(name, analysis)]
        return pd.DataFrame(rows, columns=["conventions", *RESULT_COLUMNS])

    def _rows(self, name: str, analysis: Analysis) -> Iterator[tuple[object, ...]]:
        texts = _texts(self.cohort, self.analyses)
        for record in analysis.records:
            if texts[record.row, record.group, record.statistic][name] == WITHHELD_SIGN:
                record = dataclasses.replace(
                    record, value=None, ci_lower=None, ci_upper=None, p_value=None, reason=WITHHELD
                )
            yield record.row_values(analysis.study_id)

    def lines(self) -> list[dict[str, object]]:
        """One line a result: row, group, statistic, ``differs``, then its text under each profile."""
        return [
            {"row": row, "group": group, "statistic": statistic, "differs": len(set(texts.values())) > 1} | texts
            for (row, group, statistic), texts in _texts(self.cohort, self.analyses).items()
        ]

    def __repr__(self) -> str:
        return repr(self.table)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return dict(self.table._repr_mimebundle_())


def with_conventions(cohort: Cohort, conventions: Conventions) -> Cohort:
    """The same patients under other conventions; nothing of a cohort depends on them."""
    return dataclasses.replace(cohort, study=dataclasses.replace(cohort.study, conventions=conventions))


def compare_conventions(cohort: Cohort, entry: Exhibit) -> ConventionsComparison:
    """Make one exhibit under every convention profile.

    Parameters
    ----------
    cohort
        The patients.
    entry
        A section of the study, such as ``study.exhibit("figure1")``.

    Returns
    -------
    ConventionsComparison
        The exhibit under ``ezr``, ``r``, ``sas`` and ``lifelines``; first under the conventions of the study, when
        these override a switch of their profile.

    Raises
    ------
    InputError
        When the section cannot be made from this cohort.

    Notes
    -----
    A profile is what the program computes, not its print: text is written in the style of the study. In a study that is
    rebuilt from print a number is shown under a profile only where it is that of the study's own conventions: the paper
    determines no other. R: run ``survfit(conf.type = )`` and the other calls once for each choice.

    Examples
    --------
    >>> import cohortstats as cs
    >>> cohort = cs.load_cohort(cs.shipped_study("example"))
    >>> compared = compare_conventions(cohort, cohort.study.exhibit("figure2"))
    >>> [median] = [line for line in compared.lines() if line["group"] == "no" and line["statistic"] == "median"]
    >>> median["ezr"], median["r"]
    ('84 (46–164)', '84 (48–172)')
    """
    study = cohort.study
    chosen: dict[str, Conventions] = {}
    if study.conventions.differing():
        chosen[study.conventions.describe()] = study.conventions
    chosen |= {name: Conventions.of(name) for name in PROFILES}
    analyses = {name: make_exhibit(with_conventions(cohort, rules), entry) for name, rules in chosen.items()}
    return ConventionsComparison(cohort=cohort, analyses=analyses, table=_table(cohort, entry, analyses))


Address = tuple[str, str, str]


def _texts(cohort: Cohort, analyses: dict[str, Analysis]) -> dict[Address, dict[str, str]]:
    """Address -> conventions -> text; an address that one profile lacks is empty there."""
    texts: dict[Address, dict[str, str]] = {}
    for name, analysis in analyses.items():
        for record in analysis.records:
            address = (record.row, record.group, record.statistic)
            texts.setdefault(address, dict.fromkeys(analyses, ""))[name] = _text(record, analysis.table.style)
    if cohort.study.synthetic:
        own = cohort.study.conventions.describe()
        for found in texts.values():
            found |= {name: text if text == found[own] else WITHHELD_SIGN for name, text in found.items()}
    return texts


def _text(record: Result, style: str) -> str:
    if record.withheld:
        return record.shown_as or WITHHELD_SIGN
    if record.ci_level is None or record.reason:
        return record.text(style)
    rules = STYLES[style]
    lower, upper = (record.write(limit, style) for limit in (record.ci_lower, record.ci_upper))
    return f"{record.text(style)} ({format_interval(lower, upper, rules)})"


def _table(cohort: Cohort, entry: Exhibit, analyses: dict[str, Analysis]) -> Table:
    say = words(cohort.study.report.lang)
    first = next(iter(analyses.values())).table
    columns = [Column(label=say("conventions_result"), align="left", kind="stub")]
    columns += [Column(label=name) for name in analyses]
    rows = []
    for (row, group, statistic), texts in _texts(cohort, analyses).items():
        differs = len(set(texts.values())) > 1
        stub = Cell(value=" · ".join(part for part in (row, group, statistic) if part), mark=DIFFERS if differs else "")
        rows.append(Row(kind="line", cells=(stub, *(Cell(value=text) for text in texts.values()))))
    return Table(
        id=entry.id,
        number=exhibit_number(cohort.study, entry),
        caption=first.caption,
        columns=tuple(columns),
        groups=(RowGroup(rows=tuple(rows)),),
        footnotes=(say("conventions_differ", mark=DIFFERS),),
        label=first.label,
        style=first.style,
        lang=first.lang,
    )
