"""A binary outcome by characteristics, compared exactly: Table 4."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from cohortstats.analysis.exhibit import endpoint, exhibit_population, exhibit_table, level_label, section, text_cell
from cohortstats.analysis.results import CI_LEVEL, Analysis, Recorder, Result
from cohortstats.cohort import Cohort, Variable
from cohortstats.stats.counts import CountTable, proportion_ci
from cohortstats.stats.effects import odds_ratio, risk_difference, risk_ratio
from cohortstats.stats.exact import FisherTest, fisher_exact, fisher_exact_rxc
from cohortstats.stats.multiplicity import adjust_p
from cohortstats.study import Association, BinaryEndpoint, Exhibit
from cohortstats.tables.language import Words, words
from cohortstats.tables.numbers import STYLES, Number, format_percent
from cohortstats.tables.table import EMPTY, Cell, Column, Row, RowGroup

__all__ = ["association", "count_table"]

EFFECTS = {"risk difference": "risk_difference", "odds ratio": "odds_ratio", "risk ratio": "risk_ratio"}


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
    Two levels: Fisher's exact test, two-sided by minimum likelihood, decided on integers, as R ``fisher.test``; three
    and more: Freeman-Halton. Rates have Wilson intervals (R ``prop.test(correct = FALSE)``), differences Newcombe's
    hybrid score interval (Newcombe 1998, method 10). A P equal to alpha is not below it.

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
    whole = _rate_line(recorder, "all", "all", everyone, 0, _rate(everyone, 0), determined=False)
    comparisons = [_compare(population, entry, variable, recorder) for variable in entry.rows]
    _adjust(comparisons, entry, recorder)
    layout = _Layout(entry=entry, comparisons=comparisons, cohort=cohort, recorder=recorder, say=say)
    groups = [RowGroup(rows=(layout.whole_row(whole),)), *(layout.group(c, _rate(everyone, 0)) for c in comparisons)]
    footnotes = [*layout.footnotes(), *recorder.footnotes()]
    table = exhibit_table(cohort, entry, layout.columns(everyone), groups, footnotes)
    return Analysis(
        study_id=study.id,
        entry=entry,
        table=table,
        records=tuple(recorder.records),
        methods={
            "test": entry.test,
            "many_levels": any(len(c.counts.groups) > 2 for c in comparisons),
            "effect": entry.effect,
            "proportion_ci": study.conventions.proportion_ci,
            "comparisons": len(comparisons),
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


@dataclass(slots=True, kw_only=True)
class _Comparison:
    """One variable: its counts and what was found."""

    variable: Variable
    counts: CountTable
    rates: list[tuple[Result, Result, Result]]
    effect: Result | None
    p_value: Result
    attainable: Result | None
    fisher: FisherTest | None
    adjusted: Result | None = None


def _rate(counts: CountTable, position: int) -> Fraction | None:
    total = counts.totals[position]
    return Fraction(counts.events[position], total) if total else None


def _rate_line(
    recorder: Recorder,
    row: str,
    group: str,
    counts: CountTable,
    position: int,
    rate: Fraction | None,
    *,
    determined: bool,
) -> tuple[Result, Result, Result]:
    events, patients = counts.events[position], counts.totals[position]
    total = recorder.add(
        row, group, "total", value=patients, n=patients, determined=determined or row == "all", format="count"
    )
    n = recorder.add(row, group, "n", value=events, n=patients, determined=determined, format="count")
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


def _compare(cohort: Cohort, entry: Association, name: str, recorder: Recorder) -> _Comparison:
    variable = cohort.variables[name]
    counts = count_table(cohort, name, entry.outcome)
    rates = [
        _rate_line(recorder, name, group, counts, position, _rate(counts, position), determined=False)
        for position, group in enumerate(counts.groups)
    ]
    # Everything below is a function of these counts: printed when they are.
    determined = not any(result.withheld for line in rates for result in line[:2])
    patients = sum(counts.totals)
    two_levels = len(counts.groups) == 2
    effect = None
    if two_levels and entry.effect != "none":
        effect = _effect(recorder, name, entry, counts, determined)
    fisher = fisher_exact(counts) if two_levels else None
    if fisher is not None:
        p: Number = fisher.p_value if fisher.p_exact is None else fisher.p_exact
        method, reason = fisher.method, fisher.reason
    elif not patients:
        p, method, reason = math.nan, "freeman-halton", "no patients"
    else:
        matrix = [[e, t - e] for e, t in zip(counts.events, counts.totals, strict=True)]
        exact = fisher_exact_rxc(matrix)
        p, method, reason = exact.p_exact, exact.method, ""
    p_value = recorder.add(
        name, "", "p_value", p_value=p, method=method, n=patients, reason=reason, determined=determined
    )
    attainable = None
    if fisher is not None:
        least = fisher.min_attainable_exact
        attainable = recorder.add(
            name,
            "",
            "min_attainable_p",
            value=fisher.min_attainable_p if least is None else least,
            method=method,
            n=patients,
            determined=determined,
        )
    return _Comparison(
        variable=dataclasses.replace(variable, label=entry.labels.get(name, variable.label)),
        counts=counts,
        rates=rates,
        effect=effect,
        p_value=p_value,
        attainable=attainable,
        fisher=fisher,
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


def _adjust(comparisons: Sequence[_Comparison], entry: Association, recorder: Recorder) -> None:
    if entry.adjust == "none":
        return
    raw = [math.nan if c.p_value.p_value is None else float(c.p_value.p_value) for c in comparisons]
    family = sum(not math.isnan(p) for p in raw)
    for comparison, adjusted in zip(comparisons, adjust_p(raw, method="holm"), strict=True):
        comparison.adjusted = recorder.add(
            comparison.variable.name,
            "",
            "p_adjusted",
            value=float(adjusted),
            method=f"holm over {family} comparisons",
            n=comparison.p_value.n,
            reason=comparison.p_value.reason if math.isnan(adjusted) else "",
            determined=not comparison.p_value.withheld,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How the comparisons become lines, columns and footnotes."""

    entry: Association
    comparisons: Sequence[_Comparison]
    cohort: Cohort
    recorder: Recorder
    say: Words

    @property
    def shows_attainable(self) -> bool:
        if self.entry.attainable != "auto":
            return self.entry.attainable == "show"
        return any(_least_expected(comparison.counts) < 5 for comparison in self.comparisons)

    def columns(self, everyone: CountTable) -> list[Column]:
        say, entry = self.say, self.entry
        outcome = endpoint(self.cohort.study, entry.outcome, BinaryEndpoint)
        style = STYLES[self.cohort.study.report.style]
        columns = [
            Column(label=say("characteristic"), align="left", kind="stub"),
            Column(label=say("patients")),
            Column(label=outcome.label or outcome.name, note=say("n_percent")),
            Column(
                label=say("rate_ci"),
                note=say("rate_axis", percent=format_percent(_rate(everyone, 0), style)),
                align="center",
                kind="interval",
            ),
        ]
        if entry.effect != "none":
            key = EFFECTS[entry.effect]
            columns.append(Column(label=say(key), note=say(f"{key}_unit")))
        if self.shows_attainable:
            columns.append(Column(label=say("attainable"), note=say("attainable_note")))
        columns.append(Column(label=f"*{say('p')}*", note=say("fisher")))
        if entry.adjust != "none":
            columns.append(Column(label=f"*{say('p')}*", note=say("holm")))
        return columns

    def _count_cells(self, line: tuple[Result, Result, Result], reference: Fraction | None) -> list[Cell]:
        total, n, percent = line
        if percent.withheld or percent.reason:
            interval = self.recorder.cell("text", "", percent)
            dot = None
        else:
            assert percent.value is not None  # not withheld and no reason: it is a number
            limits = (_share(percent.ci_lower), _share(percent.ci_upper))
            dot = (float(percent.value) / 100, *limits, float(reference or 0))
            interval = self.recorder.cell("percent interval", limits, percent, dot=dot)
        counted = (int(n.value), int(total.value)) if not (n.withheld or total.withheld) else (0, 0)  # type: ignore[arg-type]
        return [
            self.recorder.cell("count", total.value, total),
            self.recorder.cell("count (percent)", counted, n, percent),
            interval,
        ]

    def _comparison_cells(self, comparison: _Comparison | None) -> list[Cell]:
        cells = []
        if self.entry.effect != "none":
            cells.append(EMPTY if comparison is None or comparison.effect is None else self._effect_cell(comparison))
        if self.shows_attainable:
            least = None if comparison is None else comparison.attainable
            cells.append(EMPTY if least is None else self._p_cell(least.value, least))
        cells.append(EMPTY if comparison is None else self._p_cell(comparison.p_value.p_value, comparison.p_value))
        if self.entry.adjust != "none":
            adjusted = None if comparison is None else comparison.adjusted
            cells.append(EMPTY if adjusted is None else self._p_cell(adjusted.value, adjusted))
        return cells

    def _p_cell(self, p: Number | None, result: Result) -> Cell:
        return self.recorder.cell("p", (p, self.cohort.study.alpha), result)

    def _effect_cell(self, comparison: _Comparison) -> Cell:
        effect = comparison.effect
        assert effect is not None  # the caller has looked
        if self.entry.effect == "risk difference":
            values = tuple(_share(x) for x in (effect.value, effect.ci_lower, effect.ci_upper))
            return self.recorder.cell("difference", values, effect)
        return self.recorder.cell("ratio", (effect.value, effect.ci_lower, effect.ci_upper), effect)

    def whole_row(self, whole: tuple[Result, Result, Result]) -> Row:
        reference = None if whole[2].withheld or whole[2].reason else Fraction(whole[2].value or 0) / 100
        cells = [
            text_cell(self.say("all_patients")),
            *self._count_cells(whole, reference),
            *self._comparison_cells(None),
        ]
        return Row(kind="line", cells=tuple(cells))

    def group(self, comparison: _Comparison, reference: Fraction | None) -> RowGroup:
        heading = [text_cell(comparison.variable.label), EMPTY, EMPTY, EMPTY, *self._comparison_cells(comparison)]
        rows = [Row(kind="variable", cells=tuple(heading))]
        for level, line in zip(comparison.counts.groups, comparison.rates, strict=True):
            cells = [
                text_cell(level_label(comparison.variable, level)),
                *self._count_cells(line, reference),
                *self._comparison_cells(None),
            ]
            rows.append(Row(kind="level", indent=1, cells=tuple(cells)))
        return RowGroup(rows=tuple(rows))

    def footnotes(self) -> list[str]:
        say, entry, study = self.say, self.entry, self.cohort.study
        notes = [say("dots", method=say(f"ci_{study.conventions.proportion_ci.replace('-', '_')}"))]
        if entry.effect != "none":
            notes.append(say(f"{EFFECTS[entry.effect]}_note"))
        notes += self._denominators()
        outcome = endpoint(study, entry.outcome, BinaryEndpoint)
        recorded = self.cohort.endpoint(entry.outcome)["recorded"]
        unknown = int(recorded.isna().sum())
        if unknown:
            notes.append(say(f"outcome_unknown_{outcome.unknown.replace(' ', '_')}", n=unknown))
        if self.shows_attainable:
            notes.append(say("attainable_meaning"))
        notes += self._disagreements()
        if len(self.comparisons) > 1:
            key = "comparisons_unadjusted" if entry.adjust == "none" else "comparisons_holm"
            notes.append(say(key, n=len(self.comparisons)))
        return notes

    def _denominators(self) -> list[str]:
        """Rows that do not hold every patient, with their number: 'HER2, PIK3CA: 16 patients with a value'."""
        everyone = len(self.cohort.endpoint(self.entry.outcome)["event"].dropna())
        by_number: dict[int, list[str]] = {}
        for comparison in self.comparisons:
            patients = sum(comparison.counts.totals)
            if patients != everyone and not comparison.p_value.withheld:
                by_number.setdefault(patients, []).append(comparison.variable.label)
        return [
            self.say("row_denominator", variables=", ".join(labels), n=patients)
            for patients, labels in by_number.items()
        ]

    def _disagreements(self) -> list[str]:
        say, alpha = self.say, Fraction(str(self.cohort.study.alpha))
        out_of_reach, disagree = [], []
        for comparison in self.comparisons:
            label = comparison.variable.label
            fisher, effect = comparison.fisher, comparison.effect
            if fisher is None or comparison.p_value.withheld:
                continue
            least = fisher.min_attainable_exact
            if (Fraction(fisher.min_attainable_p) if least is None else least) >= alpha:
                out_of_reach.append(label)
            if effect is not None and not effect.reason:
                null = 0.0 if self.entry.effect == "risk difference" else 1.0
                excluded = not _number(effect.ci_lower) <= null <= _number(effect.ci_upper)
                if excluded != fisher.significant(self.cohort.study.alpha):
                    disagree.append(label)
        notes = []
        if out_of_reach:
            notes.append(f"{', '.join(out_of_reach)}: {say('guard_attainable', alpha=study_alpha(self.cohort))}")
        if disagree:
            notes.append(f"{', '.join(disagree)}: {say('guard_test_and_interval')}")
        return notes


def study_alpha(cohort: Cohort) -> str:
    """The level of significance as the study file writes it."""
    return str(cohort.study.alpha)


def _number(value: Number | None) -> float:
    return math.nan if value is None else float(value)


def _share(value: Number | None) -> float:
    return _number(value) / 100


def _least_expected(counts: CountTable) -> float:
    """Smallest expected count of the table under independence."""
    patients, events = sum(counts.totals), sum(counts.events)
    if not patients:
        return 0.0
    return min(counts.totals) * min(events, patients - events) / patients
