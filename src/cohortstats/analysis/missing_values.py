"""Which values are missing, why, in whom, and which are missing together, as an exhibit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from cohortstats.analysis.exhibit import endpoint, exhibit_population, exhibit_table, section, text_cell
from cohortstats.analysis.guards import Guard, footnotes
from cohortstats.analysis.missingness import Missingness as Found
from cohortstats.analysis.missingness import VariableMissingness, missingness
from cohortstats.analysis.picture_exhibit import withheld_exhibit
from cohortstats.analysis.results import Analysis, Recorder, Result
from cohortstats.cohort import YES_NO_LABELS, Cohort
from cohortstats.figures.missingness_picture import MissingnessPattern, MissingnessPicture, MissingnessRow
from cohortstats.study import BinaryEndpoint, Exhibit, Missingness, Swimmer, TimeToEventEndpoint, Waterfall
from cohortstats.tables.language import Words, words
from cohortstats.tables.numbers import STYLES, format_count_percent
from cohortstats.tables.table import Cell, Column, Row, RowGroup

__all__ = ["missing_values"]

MANY = 0.2  # of the patients, from which a missing variable is told in a footnote
PARTS = {"yes": 0, "no": 1, "missing": 2}


def missing_values(cohort: Cohort, entry: Exhibit) -> Analysis:
    """Show missing values by variable and reason, by outcome and by availability, and their patterns.

    Parameters
    ----------
    cohort
        Patients; the exhibit's ``population`` is applied here.
    entry
        A ``[[missingness]]`` section.

    Returns
    -------
    Analysis
        By variable (row): ``n_known``, ``n_missing`` and ``percent_missing``; ``n_missing`` by reason (group); with an
        outcome or availability, ``n_missing_outcome`` and ``n_missing_tested`` with their percentages by answer
        (group). Under ``pattern``, by the variables that are missing together (group, ``complete`` for none), ``n``.
        The picture has a bar a variable and a column a pattern.

    Raises
    ------
    InputError
        When the section is of another kind, or names what has many rows per patient.

    Notes
    -----
    Missing is what expressions see as missing: levels declared ``unknown`` are. Patterns count patients in whom exactly
    these variables are missing. No test is made: whether values are missing at random cannot be seen in the data.
    R: ``colSums(is.na(data))``, ``mice::md.pattern``.

    Examples
    --------
    An invented cohort:

    >>> import dataclasses
    >>> import cohortstats as cs
    >>> from cohortstats.study import Missingness
    >>> study = cs.Study.read(cs.shipped_study("example"))
    >>> entry = Missingness(id="missing", title="Missing values", variables=("age", "her2_fish"))
    >>> cohort = cs.load_cohort(dataclasses.replace(study, exhibits=(entry,)))
    >>> [(line["row"], line["n_missing"]) for line in cs.missing_values(cohort, entry).lines() if "n_known" in line]
    [('age', 1), ('her2_fish', 27)]
    """
    entry = section(entry, Missingness)
    study = cohort.study
    if study.synthetic:
        return withheld_exhibit(cohort, entry)
    say = words(study.report.lang)
    recorder = Recorder(study, entry.id)
    population = exhibit_population(cohort, entry)
    found = missingness(population, variables=_variables(population, entry), outcome=entry.outcome, tested=entry.tested)
    parts = _parts(found, entry)
    rows = [_row(recorder, population, item, parts, entry, say) for item in found.variables]
    groups = [RowGroup(rows=tuple(rows))] if rows else []
    shown, n_other = _patterns(recorder, population, found, entry, say)
    if shown:
        head = Row(kind="variable", cells=(text_cell(say("missing_together")), *_empty(len(parts) + 3)))
        groups.append(RowGroup(rows=(head, *shown)))
    columns = [
        Column(label=say("characteristic"), align="left", kind="stub"),
        Column(label=say("known"), note="n"),
        Column(label=say("missing"), note=say("n_percent")),
        Column(label=say("flow_reason"), align="left"),
    ]
    columns += [Column(label=_part_label(population, part, entry, say), note=say("missing_note")) for part in parts]
    guards = _guards(population, found, say)
    notes = [say("missing_n", n=found.n)]
    notes += [say("other_patterns", n=n_other)] if n_other else []
    table = exhibit_table(cohort, entry, columns, groups, [*notes, *footnotes(guards)])
    return Analysis(
        study_id=study.id,
        entry=entry,
        table=table,
        records=tuple(recorder.records),
        picture=_picture(population, found, say),
        guards=tuple(guards),
    )


def _variables(population: Cohort, entry: Missingness) -> list[str]:
    """Those that the section names; else every column with a value a patient, but dates of events.

    The date of an event is empty when there was none: that is an answer.
    """
    if entry.variables:
        return list(entry.variables)
    study = population.study
    events = {
        name
        for point in study.endpoints.values()
        if isinstance(point, TimeToEventEndpoint)
        for name in point.event_names
    }
    events |= {name for rule in study.rules.values() for name in rule.event_names}
    for exhibit in study.exhibits:
        if isinstance(exhibit, Swimmer):
            events |= {mark.date for mark in exhibit.marks if mark.date}
        elif isinstance(exhibit, Waterfall):
            events |= {name for name in (exhibit.progression, exhibit.new_therapy) if name}
    known = frozenset().union(
        *(population.variables[name].given_names for name in events if name in population.variables)
    )
    return [
        name
        for name, variable in population.variables.items()
        if variable.table and not variable.many and name not in known and not study.columns[variable.table][name].flag
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Table
# ---------------------------------------------------------------------------------------------------------------------


def _parts(found: Found, entry: Missingness) -> list[tuple[str, str]]:
    """Answers of outcome and availability that have a column, yes in front."""
    seen = {part for item in found.variables for part in item.counts if part[0]}
    words_of = [name for name in (entry.outcome, entry.tested) if name]
    return sorted(seen, key=lambda part: (words_of.index(part[0]), PARTS[part[1]]))


def _part_label(population: Cohort, part: tuple[str, str], entry: Missingness, say: Words) -> str:
    expression, level = part
    if expression == entry.outcome:
        point = endpoint(population.study, entry.outcome, BinaryEndpoint)
        label, labels = point.label or point.name, {}
    else:
        variable = population.variables.get(expression)
        label = variable.label if variable else expression
        labels = dict(zip(variable.levels, variable.labels, strict=True)) if variable else {}
    if level == "missing":
        return say("part_of", label=label, level=say("flow_unknown"))
    if level in labels and labels[level] not in YES_NO_LABELS[population.study.report.lang]:
        return labels[level]
    return say("part_of", label=label, level=say(level))


def _row(
    recorder: Recorder,
    population: Cohort,
    item: VariableMissingness,
    parts: Sequence[tuple[str, str]],
    entry: Missingness,
    say: Words,
) -> Row:
    n, n_missing = item.counts["", ""]
    known = recorder.add(item.variable, "all", "n_known", value=item.n_known, n=n, format="count")
    missing = _share(recorder, item.variable, "all", "missing", n_missing, n)
    reasons, results = [], []
    for reason, count in item.reasons.items():
        results.append(recorder.add(item.variable, reason, "n_missing_reason", value=count, n=n, format="count"))
        reasons.append(say("flow_reason_n", reason=_reason(population, item.variable, reason, say), n=count))
    if len(reasons) == 1:
        reasons = [_reason(population, item.variable, next(iter(item.reasons)), say)]
    cells = [
        text_cell(population.variable(item.variable).label),
        recorder.cell("count", item.n_known, known),
        recorder.cell("count (percent)", (n_missing, n), *missing),
        recorder.cell("text", say("ledger_semicolon").join(reasons), *results),
    ]
    for part in parts:
        here, lacking = item.counts.get(part, (0, 0))
        word = "missing_outcome" if part[0] == entry.outcome else "missing_tested"
        cells.append(
            recorder.cell(
                "count (percent)", (lacking, here), *_share(recorder, item.variable, part[1], word, lacking, here)
            )
        )
    return Row(kind="line", cells=tuple(cells))


def _share(recorder: Recorder, row: str, group: str, word: str, part: int, n: int) -> tuple[Result, Result]:
    count = recorder.add(row, group, f"n_{word}", value=part, n=n, format="count")
    percent = Fraction(100 * part, n) if n else float("nan")
    reason = "" if n else "no patients"
    return count, recorder.add(row, group, f"percent_{word}", value=percent, n=n, reason=reason, format="percentage")


def _reason(population: Cohort, name: str, reason: str, say: Words) -> str:
    """Why values are missing in the language of the report; what a study file or a cell says stays as it is."""
    if reason == "no row":
        table = population.study.data[population.variable(name).table]
        return say("flow_no_row", table=table.label or table.name)
    return say(f"reason_{reason}_value") if reason in ("empty", "derived") else reason


def _patterns(
    recorder: Recorder, population: Cohort, found: Found, entry: Missingness, say: Words
) -> tuple[list[Row], int]:
    """Lines of the most frequent patterns, and how many patients have another one."""
    rows: list[Row] = []
    if all(item.counts["", ""][1] == 0 for item in found.variables):
        return [], 0
    for pattern in found.patterns:
        group = ", ".join(pattern.variables) or "complete"
        result = recorder.add("pattern", group, "n", value=pattern.n, n=found.n, format="count")
        share = recorder.add(
            "pattern", group, "percent", value=Fraction(100 * pattern.n, found.n), n=found.n, format="percentage"
        )
        if len(rows) < entry.patterns:
            labels = [population.variable(name).label for name in pattern.variables]
            label = say("ledger_semicolon").join(labels) or say("nothing_missing")
            cell = recorder.cell("count (percent)", (pattern.n, found.n), result, share)
            rows.append(
                Row(
                    kind="level",
                    indent=1,
                    cells=(text_cell(label), text_cell(""), cell, *_empty(len(_parts(found, entry)) + 1)),
                )
            )
    return rows, found.n - sum(pattern.n for pattern in found.patterns[: entry.patterns])


def _empty(n: int) -> list[Cell]:
    return [text_cell("") for _ in range(n)]


def _guards(population: Cohort, found: Found, say: Words) -> list[Guard]:
    """Variables missing for many of the patients whose table has a row of them."""
    guards = []
    for item in found.variables:
        here = found.n - item.reasons.get("no row", 0)
        lacking = item.counts["", ""][1] - item.reasons.get("no row", 0)
        if lacking > MANY * here:
            label = population.variable(item.variable).label
            guards.append(Guard(name="missing-many", text=say("guard_missing_many"), row=item.variable, label=label))
    return guards


# ---------------------------------------------------------------------------------------------------------------------
# Picture
# ---------------------------------------------------------------------------------------------------------------------


def _picture(population: Cohort, found: Found, say: Words) -> MissingnessPicture | None:
    """Variables that somebody lacks; None when nothing is missing."""
    style = STYLES[population.study.report.style]
    lacking = [item for item in found.variables if item.counts["", ""][1]]
    if not lacking:
        return None
    names = [item.variable for item in lacking]
    return MissingnessPicture(
        rows=tuple(
            MissingnessRow(
                label=population.variable(item.variable).label,
                n_missing=item.counts["", ""][1],
                text=format_count_percent(item.counts["", ""][1], found.n, style),
            )
            for item in lacking
        ),
        n=found.n,
        patterns=tuple(
            MissingnessPattern(n=pattern.n, missing=tuple(bool(x) for x in np.isin(names, pattern.variables)))
            for pattern in found.patterns
        ),
        missing_label=f"{say('missing')}{say('ledger_comma')}{say('n_percent')}",
        patterns_label=say("same_pattern"),
    )
