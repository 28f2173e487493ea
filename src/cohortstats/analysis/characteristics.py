"""Patients' characteristics: Table 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from cohortstats.analysis.exhibit import exhibit_population, exhibit_table, level_label, section, text_cell
from cohortstats.analysis.results import Analysis, Recorder
from cohortstats.cohort import Cohort, Variable
from cohortstats.stats.summary import order_summary, sample_summary
from cohortstats.study import AnyRow, Characteristics, Exhibit, VariableRow
from cohortstats.tables.language import Words, words
from cohortstats.tables.numbers import STYLES, round_half_up
from cohortstats.tables.table import Cell, Column, Row, RowGroup

__all__ = ["characteristics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """A data column of the table: all patients, or those of one level of ``by``."""

    name: str
    label: str
    patients: Cohort


def characteristics(cohort: Cohort, entry: Exhibit) -> Analysis:
    """Describe the patients: numbers by median and range (or mean, quartiles), levels by n (%).

    Parameters
    ----------
    cohort
        Patients; the exhibit's ``population`` is applied here.
    entry
        A ``[[characteristics]]`` section. Missing values have a line of their own and are left out of the
        denominator unless ``missing = "in denominator"``; they are never a level. With ``by`` there is one column a
        level beside the total.

    Returns
    -------
    Analysis
        Results ``n`` and ``percent`` by ``variable/level``; ``median, min, max`` (or ``q1, q3``; ``mean, sd``) by
        variable. Quartiles are of the type that the conventions name (R type 7 by default).

    Raises
    ------
    InputError
        When the section is of another kind.

    Notes
    -----
    Percentages are exact fractions rounded half-up. R: ``table``, ``prop.table``, ``quantile(type = 7)``; the layout
    follows STROBE item 14.

    Examples
    --------
    >>> import cohortstats as cs
    >>> study = cs.Study.read(cs.shipped_study("sakai2018"))
    >>> table1 = cs.characteristics(cs.load_cohort(study), study.exhibit("table1"))
    >>> table1.to_table().strings()[2:6]
    [['Median (range)', '62 (38–84)'], ['Stage IV or recurrent', ''], ['Stage IV', '9 (26.5)'],
     ['Recurrent', '25 (73.5)']]
    """
    entry = section(entry, Characteristics)
    study = cohort.study
    say = words(study.report.lang)
    recorder = Recorder(study, entry.id)
    population = exhibit_population(cohort, entry)
    columns = _data_columns(population, entry, say)
    groups: list[RowGroup] = []
    notes: list[str] = []
    for item in entry.rows:
        if isinstance(item, AnyRow):
            groups.append(_any_block(item, columns, recorder))
            continue
        row = VariableRow(variable=item) if isinstance(item, str) else item
        variable = cohort.variables[row.variable]
        if variable.note:
            notes.append(f"{variable.label}: {variable.note}")
        if variable.kind in ("number", "integer"):
            groups.append(_continuous_block(variable, columns, entry, recorder, say))
        else:
            groups.append(_level_block(variable, row, columns, entry, recorder, say))
    heads = [Column(label=say("characteristic"), align="left", kind="stub")]
    heads += [Column(label=f"{group.label} = {group.patients.n}", note=say("n_percent")) for group in columns]
    footnotes = [*_footnotes(recorder, entry, columns, say), *dict.fromkeys(notes), *recorder.footnotes()]
    table = exhibit_table(cohort, entry, heads, groups, footnotes)
    return Analysis(study_id=study.id, entry=entry, table=table, records=tuple(recorder.records))


def _data_columns(population: Cohort, entry: Characteristics, say: Words) -> list[_Group]:
    whole = _Group(name="all", label="N", patients=population)
    if not entry.by:
        return [whole]
    variable = population.variables[entry.by]
    groups = [
        _Group(
            name=level,
            label=f"{level_label(variable, level)}, n",
            patients=population.where(_equals(variable, level), step=f"{entry.id}, {entry.by} = {level}"),
        )
        for level in variable.levels
    ]
    return [*groups, _Group(name="all", label=f"{say('total')}, N", patients=population)]


def _equals(variable: Variable, level: str) -> str:
    if variable.kind == "yes/no":
        return f"`{variable.name}`" if level == "yes" else f"not `{variable.name}`"
    quoted = f'"{level}"' if "'" in level else f"'{level}'"
    return f"`{variable.name}` == {quoted}"


def _continuous_block(
    variable: Variable, columns: Sequence[_Group], entry: Characteristics, recorder: Recorder, say: Words
) -> RowGroup:
    statistics = {
        "median (range)": ("median", "min", "max"),
        "median (Q1–Q3)": ("median", "q1", "q3"),
        "mean (SD)": ("mean", "sd"),
    }[entry.continuous]
    quartiles = recorder.study.conventions.quartiles
    cells = []
    missing = []
    for column in columns:
        values = column.patients.data[variable.name]
        known = values.data[~values.missing].astype(np.float64)
        known = known[~np.isnan(known)]
        # Mean and SD need all values in order; ranks alone are found without.
        summary = (sample_summary if "mean" in statistics else order_summary)(known, quartiles=quartiles)
        reason = "" if known.size else "no patients"
        results = [
            recorder.add(
                variable.name,
                column.name,
                statistic,
                value=float(getattr(summary, statistic)),
                n=int(known.size),
                method=f"quantile type {quartiles}" if statistic in ("q1", "q3") else "",
                reason=reason,
            )
            for statistic in statistics
        ]
        format = "mean (SD)" if entry.continuous == "mean (SD)" else "median (range)"
        cells.append(recorder.cell(format, tuple(result.value for result in results), *results))
        missing.append(int(values.missing.size - known.size))
    # A label such as "Age, years" or "年齢（歳）" names its unit already.
    named = not variable.unit or any(sign in variable.label for sign in ",(（")
    label = variable.label if named else f"{variable.label}, {variable.unit}"
    rows = [
        Row(kind="variable", cells=(text_cell(label), *(Cell() for _ in columns))),
        Row(kind="level", indent=1, cells=(text_cell(say(f"continuous_{statistics[1]}")), *cells)),
    ]
    rows += _missing_row(variable, columns, missing, None, recorder, say)
    return RowGroup(rows=tuple(rows))


def _level_block(
    variable: Variable,
    row: VariableRow,
    columns: Sequence[_Group],
    entry: Characteristics,
    recorder: Recorder,
    say: Words,
) -> RowGroup:
    shown = [level for level in variable.levels if level not in row.omit and (not row.show or level == row.show)]
    lines: dict[str, list[Cell]] = {level: [] for level in shown}
    missing, denominators = [], []
    for column in columns:
        counts, absent = level_counts(column.patients, variable.name)
        total = column.patients.n - (absent if entry.missing == "not in denominator" else 0)
        for level in shown:
            lines[level].append(
                _count_cell(recorder, f"{variable.name}/{level}", column.name, counts.get(level, 0), total)
            )
        missing.append(absent)
        denominators.append(column.patients.n if entry.missing == "in denominator" else None)
    rows = [Row(kind="variable", cells=(text_cell(variable.label), *(Cell() for _ in columns)))]
    rows += [
        Row(kind="level", indent=1, cells=(text_cell(level_label(variable, level)), *cells))
        for level, cells in lines.items()
    ]
    rows += _missing_row(variable, columns, missing, denominators, recorder, say)
    return RowGroup(rows=tuple(rows))


def level_counts(patients: Cohort, name: str) -> tuple[dict[str, int], int]:
    """Patients at each level of a variable, and those without one; one pass over the column, and no copy of it.

    Examples
    --------
    >>> import cohortstats as cs
    >>> level_counts(cs.load_cohort(cs.shipped_study("sakai2018")), "pik3ca_mutated")
    ({'yes': 2, 'no': 14}, 18)
    """
    variable = patients.single(name)
    if not variable.levels:
        patients.levels(name)  # says what is wrong
    values = patients.data[variable.name]
    if values.kind == "yes/no":
        n_known = values.missing.size - int(np.count_nonzero(values.missing))
        n_yes = int(np.count_nonzero(values.data.astype(bool, copy=False) & ~values.missing))
        found = {"yes": n_yes, "no": n_known - n_yes}
    elif values.data.dtype == object:
        found = dict(Counter(values.data[~values.missing].tolist()))
    else:
        codes = np.bincount(np.where(values.missing, 0, values.data + 1), minlength=len(values.levels) + 1)
        found = dict(zip(values.levels, codes[1:].tolist(), strict=True))
    counts = {level: found.get(level, 0) for level in variable.levels}
    return counts, patients.n - sum(counts.values())


def _any_block(row: AnyRow, columns: Sequence[_Group], recorder: Recorder) -> RowGroup:
    rows = [Row(kind="variable", cells=(text_cell(row.label), *(Cell() for _ in columns)))]
    for name in row.any:
        cells = []
        for column in columns:
            counts, absent = level_counts(column.patients, name)
            known = column.patients.n - absent
            cells.append(_count_cell(recorder, f"{name}/yes", column.name, counts.get("yes", 0), known))
        label = columns[-1].patients.variables[name].label
        rows.append(Row(kind="level", indent=1, cells=(text_cell(label), *cells)))
    return RowGroup(rows=tuple(rows))


def _count_cell(recorder: Recorder, row: str, group: str, count: int, total: int) -> Cell:
    n = recorder.add(row, group, "n", value=count, n=total, format="count")
    percent = recorder.add(
        row,
        group,
        "percent",
        value=Fraction(100 * count, total) if total else float("nan"),
        n=total,
        reason="" if total else "no patients",
        # The denominator of a printed count is the printed size of the cohort.
        determined=n.origin == "printed",
        format="percentage",
    )
    return recorder.cell("count (percent)", (count, total), n, percent)


def _missing_row(
    variable: Variable,
    columns: Sequence[_Group],
    missing: Sequence[int],
    denominators: Sequence[int | None] | None,
    recorder: Recorder,
    say: Words,
) -> list[Row]:
    if not any(missing):
        return []
    cells = []
    for position, (column, count) in enumerate(zip(columns, missing, strict=True)):
        total = denominators[position] if denominators else None
        row = f"{variable.name}/missing"
        if total is not None:
            cells.append(_count_cell(recorder, row, column.name, count, total))
        else:
            n = recorder.add(row, column.name, "n", value=count, n=column.patients.n, format="count")
            cells.append(recorder.cell("count", count, n))
    return [Row(kind="level", indent=1, cells=(text_cell(say("missing")), *cells))]


def _footnotes(recorder: Recorder, entry: Characteristics, columns: Sequence[_Group], say: Words) -> list[str]:
    notes = []
    if any(record.row.endswith("/missing") for record in recorder.records):
        key = "missing_out_of_denominator" if entry.missing == "not in denominator" else "missing_in_denominator"
        notes.append(say(key))
    if any(record.statistic in ("q1", "q3") for record in recorder.records):
        notes.append(say("quartile_type", type=recorder.study.conventions.quartiles))
    if not _percentages_add_up(recorder, columns):
        notes.append(say("rounding"))
    return notes


def _percentages_add_up(recorder: Recorder, columns: Sequence[_Group]) -> bool:
    """Whether the printed percentages of every complete variable add up to 100; the footnote is printed only if not."""
    rule = STYLES[recorder.study.report.style].percent
    for column in columns:
        by_variable: dict[str, list[tuple[Fraction, int | None]]] = {}
        for record in recorder.records:
            if record.statistic == "percent" and record.group == column.name and isinstance(record.value, Fraction):
                by_variable.setdefault(record.row.rpartition("/")[0], []).append((record.value, record.n))
        for values in by_variable.values():
            printed = sum((Fraction(round_half_up(value, rule.of(n))) for value, n in values), Fraction(0))
            if sum(value for value, _ in values) == 100 and printed != 100:
                return False
    return True
