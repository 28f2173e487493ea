"""A binary outcome by characteristics, compared exactly: Table 4."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from fractions import Fraction

from cohortstats.analysis.association_guards import AssociationGuards
from cohortstats.analysis.association_layout import EFFECTS, AssociationLayout, Comparison, rate_of
from cohortstats.analysis.association_test import compare_levels
from cohortstats.analysis.exhibit import exhibit_population, exhibit_table, section
from cohortstats.analysis.results import CI_LEVEL, Analysis, Recorder, Result
from cohortstats.cohort import Cohort
from cohortstats.stats.counts import CountTable, proportion_ci
from cohortstats.stats.effects import odds_ratio, risk_difference, risk_ratio
from cohortstats.stats.multiplicity import adjust_p
from cohortstats.study import Association, Exhibit
from cohortstats.tables.language import words
from cohortstats.tables.table import RowGroup

__all__ = ["association", "count_table"]


def association(cohort: Cohort, entry: Exhibit) -> Analysis:
    """Compare the rate of an outcome between the levels of each characteristic.

    Parameters
    ----------
    cohort
        Patients; the exhibit's ``population`` is applied here. Those whose outcome is excluded by its ``unknown`` rule
        are left out, those without a characteristic are left out of its row.
    entry
        An ``[[association]]`` section.

    Returns
    -------
    Analysis
        By variable and level: ``total``, ``n`` with the outcome, ``percent`` with its interval. By variable: the
        effect (``risk_difference`` in percentage points, ``odds_ratio`` or ``risk_ratio``), first level against
        second; ``p_value``; ``min_attainable_p``; ``p_adjusted`` when asked for.

    Raises
    ------
    InputError
        When the section is of another kind.

    Notes
    -----
    Two levels: Fisher's exact test, two-sided by minimum likelihood, decided on integers, as R ``fisher.test``, or the
    test that the section names; three and more: Freeman-Halton. Rates have Wilson intervals (R
    ``prop.test(correct = FALSE)``), differences Newcombe's hybrid score interval (Newcombe 1998, method 10). A P equal
    to alpha is not below it.

    Examples
    --------
    >>> import cohortstats as cs
    >>> study = cs.Study.read(cs.shipped_study("sakai2018"))
    >>> table4 = cs.association(cs.load_cohort(study), study.exhibit("table4"))
    >>> p = table4.results.query("statistic == 'p_value'").set_index("row").p_value
    >>> p[["hr_positive", "her2_amplified", "pik3ca_mutated"]].round(6).tolist()
    [0.438433, 0.244505, 0.05]
    """
    entry = section(entry, Association)
    study = cohort.study
    say = words(study.report.lang)
    recorder = Recorder(study, entry.id)
    population = exhibit_population(cohort, entry)
    everyone = _everyone(population, entry.outcome)
    # Everybody is the printed cohort only if nobody is left out.
    size_known = recorder.cohort_size_printed and everyone.totals[0] == cohort.n
    whole = _rate_line(recorder, "all", "all", everyone, 0, rate_of(everyone, 0), size_known=size_known)
    comparisons = [_compare(population, entry, variable, recorder) for variable in entry.rows]
    _adjust(population, comparisons, entry, recorder)
    guards = AssociationGuards(cohort=population, entry=entry, recorder=recorder, say=say).of(comparisons)
    layout = AssociationLayout(entry=entry, comparisons=comparisons, cohort=cohort, recorder=recorder, say=say)
    groups = [
        RowGroup(rows=(layout.whole_row(whole),)),
        *(layout.group(c, layout.reference(everyone)) for c in comparisons),
    ]
    footnotes = [*layout.footnotes(guards), *recorder.footnotes()]
    table = exhibit_table(cohort, entry, layout.columns(everyone), groups, footnotes)
    return Analysis(
        study_id=study.id,
        entry=entry,
        table=table,
        records=tuple(recorder.records),
        guards=tuple(guards),
        methods={
            "test": entry.test,
            "many_levels": any(len(c.counts.groups) > 2 for c in comparisons),
            "effect": entry.effect,
            "proportion_ci": study.conventions.proportion_ci,
            "comparisons": len(comparisons) + len(entry.tested),
            "adjust": entry.adjust,
        },
    )


def count_table(cohort: Cohort, variable: str, outcome: str) -> CountTable:
    """Patients with the outcome by level of a variable, the two numbers that every line of Table 4 prints.

    Parameters
    ----------
    cohort
        The patients.
    variable
        A yes/no, ordered or category variable; patients without a value are left out.
    outcome
        A binary endpoint; patients whose outcome its ``unknown`` rule excludes are left out.

    Returns
    -------
    CountTable
        Levels in their order, also those with nobody in them.

    Raises
    ------
    InputError
        For a name that the cohort does not have, or a variable without levels.

    Examples
    --------
    >>> import cohortstats as cs
    >>> count_table(cs.load_cohort(cs.shipped_study("sakai2018")), "hr_positive", "primary_resistance")
    CountTable(groups=('yes', 'no'), events=(6, 3), totals=(17, 17))
    """
    event = cohort.endpoint(outcome)["event"]
    levels = cohort.levels(variable)
    counted = event.notna() & levels.notna()
    totals = levels[counted].value_counts()
    events = levels[counted & event.fillna(False).astype(bool)].value_counts()
    names = tuple(cohort.variables[variable].levels)
    return CountTable(
        groups=names,
        events=tuple(int(events.get(name, 0)) for name in names),
        totals=tuple(int(totals.get(name, 0)) for name in names),
    )


def _everyone(cohort: Cohort, outcome: str) -> CountTable:
    event = cohort.endpoint(outcome)["event"].dropna()
    return CountTable(groups=("all",), events=(int(event.sum()),), totals=(len(event),))


def _rate_line(
    recorder: Recorder,
    row: str,
    group: str,
    counts: CountTable,
    position: int,
    rate: Fraction | None,
    *,
    size_known: bool = False,
) -> tuple[Result, Result, Result]:
    events, patients = counts.events[position], counts.totals[position]
    total = recorder.add(row, group, "total", value=patients, n=patients, determined=size_known, format="count")
    n = recorder.add(row, group, "n", value=events, n=patients, format="count")
    interval = proportion_ci(events, patients, method=recorder.study.conventions.proportion_ci, ci_level=CI_LEVEL)
    percent = recorder.add(
        row,
        group,
        "percent",
        value=math.nan if rate is None else 100 * rate,
        ci_lower=100 * interval.ci_lower,
        ci_upper=100 * interval.ci_upper,
        ci_level=CI_LEVEL,
        method=interval.method,
        n=patients,
        reason=interval.reason,
        format="percentage",
        determined=not (total.withheld or n.withheld),
    )
    return total, n, percent


def _compare(cohort: Cohort, entry: Association, name: str, recorder: Recorder) -> Comparison:
    variable = cohort.variables[name]
    counts = count_table(cohort, name, entry.outcome)
    rates = [
        _rate_line(recorder, name, group, counts, position, rate_of(counts, position))
        for position, group in enumerate(counts.groups)
    ]
    # Everything below is a function of these counts: printed when they are.
    determined = not any(result.withheld for line in rates for result in line[:2])
    patients = sum(counts.totals)
    two_levels = len(counts.groups) == 2
    effect = None
    if two_levels and entry.effect != "none":
        effect = _effect(recorder, name, entry, counts, determined)
    test = compare_levels(counts, entry.test)
    p_value = recorder.add(
        name, "", "p_value", p_value=test.p, method=test.method, n=patients, reason=test.reason, determined=determined
    )
    attainable = None
    if test.attainable is not None:
        attainable = recorder.add(
            name,
            "",
            "min_attainable_p",
            value=test.attainable,
            format="p",
            method=test.method,
            n=patients,
            determined=determined,
        )
    return Comparison(
        variable=dataclasses.replace(variable, label=entry.labels.get(name, variable.label)),
        counts=counts,
        rates=rates,
        effect=effect,
        test=test,
        p_value=p_value,
        attainable=attainable,
    )


def _effect(recorder: Recorder, name: str, entry: Association, counts: CountTable, determined: bool) -> Result:
    scale = 1.0
    if entry.effect == "risk difference":
        estimate = risk_difference(counts, ci_level=CI_LEVEL)
        scale = 100.0
    elif entry.effect == "odds ratio":
        estimate = odds_ratio(counts, method=recorder.study.conventions.odds_ratio, ci_level=CI_LEVEL)
    else:
        estimate = risk_ratio(counts, ci_level=CI_LEVEL)
    return recorder.add(
        name,
        "",
        EFFECTS[entry.effect],
        value=scale * estimate.estimate,
        ci_lower=scale * estimate.ci_lower,
        ci_upper=scale * estimate.ci_upper,
        ci_level=CI_LEVEL,
        method=estimate.method,
        n=sum(counts.totals),
        reason=estimate.reason,
        determined=determined,
    )


def _adjust(cohort: Cohort, comparisons: Sequence[Comparison], entry: Association, recorder: Recorder) -> None:
    """Adjust over everything that was tested, shown or not."""
    if entry.adjust == "none":
        return
    others = [compare_levels(count_table(cohort, name, entry.outcome), entry.test) for name in entry.tested]
    raw = [float(test.p) for test in (*(comparison.test for comparison in comparisons), *others)]
    family = sum(not math.isnan(p) for p in raw)
    # An adjusted P is a function of every P of the family.
    determined = not (entry.tested or any(comparison.p_value.withheld for comparison in comparisons))
    for comparison, adjusted in zip(comparisons, adjust_p(raw, method=entry.adjust), strict=False):
        comparison.adjusted = recorder.add(
            comparison.variable.name,
            "",
            "p_adjusted",
            value=float(adjusted),
            format="p",
            method=f"{entry.adjust} over {family} comparisons",
            n=comparison.p_value.n,
            reason=comparison.p_value.reason if math.isnan(adjusted) else "",
            determined=determined,
        )
