"""One line a patient: Table 5."""

from __future__ import annotations

from cohortstats.analysis.exhibit import exhibit_population, exhibit_table, level_label, section, shows_ids, text_cell
from cohortstats.analysis.results import Analysis, Recorder
from cohortstats.cohort import Cohort
from cohortstats.study import Exhibit, Listing
from cohortstats.tables.language import words
from cohortstats.tables.table import Cell, Column, Row, RowGroup

__all__ = ["listing"]


def listing(cohort: Cohort, entry: Exhibit) -> Analysis:
    """List patients with the variables named, one a line.

    Parameters
    ----------
    cohort
        Patients; the exhibit's ``population`` is applied here.
    entry
        A ``[[listing]]`` section. Where ids are hidden, the lines are numbered and sorted by what they show: the
        order of the file would tell who is who. A missing value prints as an empty cell.

    Returns
    -------
    Analysis
        Results by line number (``row``) and column (``group``): ``value`` of a number; 1 or 0 for yes or no; for a
        level the position in its order, from 1.

    Raises
    ------
    InputError
        When the section is of another kind.

    Notes
    -----
    In a rebuilt cohort a listing is shown only when the study file says ``printed = true``: the paper prints or
    describes each of its cells. R: ``subset(data, ...)[, columns]``.

    Examples
    --------
    >>> import cohortstats as cs
    >>> study = cs.Study.read(cs.shipped_study("sakai2018"))
    >>> table5 = cs.listing(cs.load_cohort(study), study.exhibit("table5"))
    >>> table5.to_table().strings()[1]
    ['1', 'ER and/or PR positive', 'Negative', 'Mutation positive']
    """
    entry = section(entry, Listing)
    study = cohort.study
    say = words(study.report.lang)
    recorder = Recorder(study, entry.id)
    population = exhibit_population(cohort, entry)
    positions = {name: _positions(population, name) for name in entry.columns}
    order = list(range(population.n))
    with_ids = shows_ids(study, entry)
    if not with_ids:
        order.sort(key=lambda patient: tuple(positions[name][patient] for name in entry.columns))
    rows = []
    for line, patient in enumerate(order, start=1):
        cells = [text_cell(population.ids[patient] if with_ids else str(line))]
        cells += [_cell(population, name, patient, str(line), recorder, entry) for name in entry.columns]
        rows.append(Row(kind="line", cells=tuple(cells)))
    columns = [Column(label=say("patient"), align="left", kind="stub")]
    columns += [Column(label=cohort.variables[name].label, align="left") for name in entry.columns]
    groups = [RowGroup(rows=tuple(rows))]
    table = exhibit_table(cohort, entry, columns, groups, [say("listing_n", n=population.n), *recorder.footnotes()])
    return Analysis(study_id=study.id, entry=entry, table=table, records=tuple(recorder.records))


def _positions(population: Cohort, name: str) -> list[float]:
    """Sort key of every patient: the number itself, or the position of the level; missing comes last."""
    variable = population.variables[name]
    values = list(population.levels(name) if variable.levels else population.values(name))
    order = {level: float(position) for position, level in enumerate(variable.levels, start=1)}
    return [order.get(value, float("inf")) if order else _sortable(value) for value in values]


def _sortable(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and value == value else float("inf")


def _cell(population: Cohort, name: str, patient: int, line: str, recorder: Recorder, entry: Listing) -> Cell:
    variable = population.variables[name]
    value = (population.levels(name) if variable.levels else population.values(name)).iloc[patient]
    if value != value or value is None:
        return text_cell("")
    if variable.kind == "yes/no":
        number: float = 1 if value == "yes" else 0
    elif variable.levels:
        number = variable.levels.index(value) + 1
    elif variable.kind in ("number", "integer"):
        number = float(value)
    elif recorder.rebuilt and not entry.printed:
        return text_cell("—")  # no number, but as little the paper's
    else:
        return text_cell(str(value)[:10] if variable.kind == "date" else str(value))
    result = recorder.add(line, name, "value", value=number, n=1, determined=entry.printed)
    if variable.levels:
        return recorder.cell("text", level_label(variable, value), result)
    return recorder.cell("number", number, result)
