"""Best response: Table 2."""

from __future__ import annotations

from fractions import Fraction

from cohortstats.analysis.exhibit import exhibit_population, exhibit_table, level_label, section, text_cell
from cohortstats.analysis.results import CI_LEVEL, Analysis, Recorder
from cohortstats.cohort import Cohort
from cohortstats.stats.counts import proportion_ci
from cohortstats.study import Exhibit, Response
from cohortstats.tables.language import words
from cohortstats.tables.table import Column, Row, RowGroup

__all__ = ["response"]


def response(cohort: Cohort, entry: Exhibit) -> Analysis:
    """Count the responses, sum rows in front of their parts, with intervals of the rates.

    Parameters
    ----------
    cohort
        Patients; the exhibit's ``population`` is applied here.
    entry
        A ``[[response]]`` section. Levels are printed in their declared order. Unknown responses stay in the
        denominator unless ``unknown = "not in denominator"``; empty cells never count.

    Returns
    -------
    Analysis
        Results ``n`` and ``percent`` (with its interval, in percent) by ``variable/level`` and ``variable/sum``.

    Raises
    ------
    InputError
        When the section is of another kind.

    Notes
    -----
    Intervals are Wilson's unless the conventions name another. R: ``prop.test(x, n, correct = FALSE)$conf.int``.
    Levels follow RECIST 1.1 (Eisenhauer et al. 2009, 10.1016/j.ejca.2008.10.026).

    Examples
    --------
    >>> import cohortstats as cs
    >>> study = cs.Study.read(cs.shipped_study("sakai2018"))
    >>> table2 = cs.response(cs.load_cohort(study), study.exhibit("table2"))
    >>> table2.to_table().strings()[1:4]
    [['CR + PR', '9 (26.5)', '14.6–43.1'], ['CR', '2 (5.9)', '1.6–19.1'], ['PR', '7 (20.6)', '10.3–36.8']]
    """
    entry = section(entry, Response)
    study = cohort.study
    say = words(study.report.lang)
    recorder = Recorder(study, entry.id)
    variable = cohort.variables[entry.variable]
    values = exhibit_population(cohort, entry).levels(entry.variable)
    counts = values.value_counts()
    in_denominator = [
        level for level in variable.levels if entry.unknown == "in denominator" or level not in variable.unknown
    ]
    total = int(sum(counts.get(level, 0) for level in in_denominator))
    method = study.conventions.proportion_ci

    def line(name: str, label: str, levels: tuple[str, ...], *, indent: int, determined: bool) -> Row:
        count = int(sum(counts.get(level, 0) for level in levels))
        row = f"{entry.variable}/{name}"
        n = recorder.add(row, "all", "n", value=count, n=total, determined=determined, format="count")
        interval = proportion_ci(count, total, method=method, ci_level=CI_LEVEL)
        percent = recorder.add(
            row,
            "all",
            "percent",
            value=Fraction(100 * count, total) if total else float("nan"),
            ci_lower=100 * interval.ci_lower,
            ci_upper=100 * interval.ci_upper,
            ci_level=CI_LEVEL,
            method=interval.method,
            n=total,
            reason=interval.reason,
            format="percentage",
            determined=not n.withheld,
        )
        shown = recorder.cell("count (percent)", (count, total), n, percent)
        limits = recorder.cell("percent interval", (interval.ci_lower, interval.ci_upper, total), percent)
        return Row(kind="level" if indent else "line", indent=indent, cells=(text_cell(label), shown, limits))

    # A sum row stands in front of the first of its parts, and its parts are indented under it.
    printed_levels = {
        level for level in variable.levels if recorder.is_printed(f"{entry.variable}/{level}", "all", "n")
    }
    first_of = {next(level for level in variable.levels if level in parts): name for name, parts in entry.sums.items()}
    in_sum = {level for parts in entry.sums.values() for level in parts}
    rows = []
    for level in variable.levels:
        if level not in in_denominator:
            continue
        if level in first_of:
            name = first_of[level]
            parts = tuple(entry.sums[name])
            rows.append(line(name, name, parts, indent=0, determined=set(parts) <= printed_levels))
        rows.append(
            line(level, level_label(variable, level), (level,), indent=1 if level in in_sum else 0, determined=False)
        )
    all_counted = recorder.add(
        "all", "all", "total", value=total, n=total, determined=set(in_denominator) <= printed_levels, format="count"
    )
    rows.append(
        Row(
            kind="line",
            cells=(text_cell(say("total")), recorder.cell("count", total, all_counted), text_cell("")),
        )
    )
    columns = (
        Column(label=say("response"), align="left", kind="stub"),
        Column(label=say("patients"), note=say("n_percent")),
        Column(label=say("ci_95"), note="%"),
    )
    footnotes = [say(f"proportion_ci_{method}")]
    absent = int(values.isna().sum())
    if absent:
        footnotes.append(say("response_missing", n=absent))
    unknown = int(sum(counts.get(level, 0) for level in variable.unknown))
    if unknown:
        key = "unknown_in_denominator" if entry.unknown == "in denominator" else "unknown_not_in_denominator"
        footnotes.append(say(key, n=unknown))
    table = exhibit_table(cohort, entry, columns, [RowGroup(rows=tuple(rows))], [*footnotes, *recorder.footnotes()])
    return Analysis(
        study_id=study.id,
        entry=entry,
        table=table,
        records=tuple(recorder.records),
        methods={"proportion_ci": method},
    )
