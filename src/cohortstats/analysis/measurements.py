"""Measurements sample by sample, with the digits of the file: Table 3."""

from __future__ import annotations

import numpy as np

from cohortstats.analysis.exhibit import exhibit_population, exhibit_table, section, shows_ids, text_cell
from cohortstats.analysis.results import Analysis, Recorder
from cohortstats.cohort import Cohort, Variable
from cohortstats.study import Exhibit, Measurements, parse_cutoff
from cohortstats.tables.language import Words, words
from cohortstats.tables.numbers import FORMATS, STYLES
from cohortstats.tables.table import Column, Row, RowGroup

__all__ = ["measurements"]

BEYOND = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}
MARK = "a"


def measurements(cohort: Cohort, entry: Exhibit) -> Analysis:
    """List measured values, one sample a line, and mark those beyond their cut-off.

    Parameters
    ----------
    cohort
        Patients; the exhibit's ``population`` is applied here.
    entry
        A ``[[measurements]]`` section. Values keep the digits of the file (``1.1``, not ``1.10``) where the column
        says ``keep_digits``; a missing value is an empty cell.

    Returns
    -------
    Analysis
        Results ``value`` by line number (``row``) and column (``group``), in the unit of the column.

    Raises
    ------
    InputError
        When the section is of another kind.

    Notes
    -----
    The side of a cut-off stands in the study file: a value equal to it is beyond ``>= 3`` and not beyond ``> 3``.
    R: ``ifelse(x > 1.25, "a", "")``.

    Examples
    --------
    >>> import cohortstats as cs
    >>> study = cs.Study.read(cs.shipped_study("sakai2018"))
    >>> table3 = cs.measurements(cs.load_cohort(study), study.exhibit("table3"))
    >>> table3.to_table().strings()[9]
    ['9', '2.14a', '0', '1066', '0', '1000', '0', '990']
    """
    entry = section(entry, Measurements)
    study = cohort.study
    say = words(study.report.lang)
    recorder = Recorder(study, entry.id)
    population = exhibit_population(cohort, entry)
    given = _given_columns(cohort)
    numbers = {name: population.values(name).to_numpy(dtype=float, na_value=np.nan) for name in entry.columns}
    kept = [name for name in entry.columns if population.variables[name].keep_digits]
    texts = {name: list(population.text(name)) for name in kept}
    beyond = {}
    for name, cutoff in entry.mark.items():
        side, limit = parse_cutoff(cutoff)
        with np.errstate(invalid="ignore"):
            beyond[name] = BEYOND[side](numbers[name], float(limit))
    rows = []
    for position, patient in enumerate(population.ids):
        line = str(position + 1)
        cells = [text_cell(patient if shows_ids(study, entry) else line)]
        for name in entry.columns:
            value = float(numbers[name][position])
            if np.isnan(value):
                cells.append(text_cell(""))
                continue
            unit = population.variables[name].unit
            result = recorder.add(line, name, "value", value=value, n=1, method=unit, determined=name in given)
            mark = MARK if name in beyond and beyond[name][position] else ""
            cells.append(
                recorder.cell("digits", texts[name][position], result, mark=mark)
                if name in texts
                else recorder.cell("number", value, result, mark=mark)
            )
        rows.append(Row(kind="line", cells=tuple(cells)))
    variables = [cohort.variables[name] for name in entry.columns]
    columns = [Column(label=say("sample"), align="left", kind="stub")]
    columns += [Column(label=variable.label, note=_unit(cohort, variable, say)) for variable in variables]
    footnotes = []
    style = STYLES[study.report.style]
    if entry.mark:
        cutoffs = "; ".join(
            f"{cohort.variables[name].label} {FORMATS['digits'](cutoff, style)}" for name, cutoff in entry.mark.items()
        )
        footnotes.append(say("beyond_cutoff", mark=MARK, cutoffs=cutoffs))
    table = exhibit_table(cohort, entry, columns, [RowGroup(rows=tuple(rows))], [*footnotes, *recorder.footnotes()])
    return Analysis(study_id=study.id, entry=entry, table=table, records=tuple(recorder.records))


def _unit(cohort: Cohort, variable: Variable, say: Words) -> str:
    """Unit of a column: as declared, or, of what is made from droplets, in the language of the report."""
    for assay in cohort.study.ctdna.values():
        if variable.name in assay.makes and variable.unit == assay.unit:
            return say(f"unit_{assay.kind}", reference=getattr(assay, "reference", ""))
    return variable.unit


def _given_columns(cohort: Cohort) -> frozenset[str]:
    """Columns that the paper prints patient by patient."""
    printed = cohort.study.printed
    if printed is None or printed.given is None:
        return frozenset()
    return frozenset(
        name
        for table, columns in cohort.study.columns.items()
        if cohort.study.data[table].file == printed.given.file
        for name in columns
    )
