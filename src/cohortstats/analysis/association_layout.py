"""How Table 4 is laid out: comparisons become lines, columns and footnotes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from cohortstats.analysis.association_test import LevelTest, least_expected
from cohortstats.analysis.exhibit import endpoint, level_label, text_cell
from cohortstats.analysis.guards import Guard, footnotes
from cohortstats.analysis.results import Recorder, Result
from cohortstats.cohort import Cohort, Variable
from cohortstats.stats.counts import CountTable
from cohortstats.study import Association, BinaryEndpoint
from cohortstats.tables.language import Words
from cohortstats.tables.numbers import STYLES, Number, exact, format_percent
from cohortstats.tables.table import EMPTY, Cell, Column, Dot, Row, RowGroup

__all__ = ["EFFECTS", "AssociationLayout", "Comparison", "rate_of"]

EFFECTS = {"risk difference": "risk_difference", "odds ratio": "odds_ratio", "risk ratio": "risk_ratio"}
"""Effect of a study file -> statistic of the results."""


@dataclass(slots=True, kw_only=True)
class Comparison:
    """One variable: its counts and what was found."""

    variable: Variable
    counts: CountTable
    rates: list[tuple[Result, Result, Result]]
    effect: Result | None
    test: LevelTest
    p_value: Result
    attainable: Result | None
    adjusted: Result | None = None


def rate_of(counts: CountTable, position: int) -> Fraction | None:
    """Share of a group with the event; None when nobody is in it."""
    total = counts.totals[position]
    return Fraction(counts.events[position], total) if total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationLayout:
    """How the comparisons become lines, columns and footnotes."""

    entry: Association
    comparisons: Sequence[Comparison]
    cohort: Cohort
    recorder: Recorder
    say: Words

    @property
    def shows_attainable(self) -> bool:
        if self.entry.attainable != "auto":
            return self.entry.attainable == "show"
        return any(least_expected(comparison.counts) < 5 for comparison in self.comparisons)

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
                note="%",
                drawn_note=say("rate_axis", percent=format_percent(rate_of(everyone, 0), style, everyone.totals[0])),
                align="center",
                kind="interval",
            ),
        ]
        if entry.effect != "none":
            key = EFFECTS[entry.effect]
            columns.append(Column(label=say(key), note=say(f"{key}_unit")))
        if self.shows_attainable:
            columns.append(Column(label=say("attainable"), note=say("attainable_note")))
        columns.append(Column(label=f"*{say('p')}*", note=say(f"test_{entry.test}")))
        if entry.adjust != "none":
            columns.append(Column(label=f"*{say('p')}*", note=say(f"adjust_{entry.adjust}")))
        return columns

    def _count_cells(self, line: tuple[Result, Result, Result], reference: tuple[Fraction, int] | None) -> list[Cell]:
        total, n, percent = line
        if percent.withheld or percent.reason:
            interval = self.recorder.cell("text", "", percent)
            dot = None
        else:
            assert percent.value is not None  # not withheld and no reason: it is a number
            low, high = _share(percent.ci_lower), _share(percent.ci_upper)
            dot = Dot(
                rate=exact(percent.value) / 100,
                lower=low,
                upper=high,
                reference=reference[0] if reference else 0,
                total=percent.n,
                reference_total=reference[1] if reference else None,
            )
            interval = self.recorder.cell("percent interval", (low, high, percent.n), percent, dot=dot)
        counted = (int(n.value), int(total.value)) if not (n.withheld or total.withheld) else (0, 0)  # type: ignore[arg-type]
        return [
            self.recorder.cell("count", total.value, total),
            self.recorder.cell("count (percent)", counted, n, percent),
            interval,
        ]

    def _comparison_cells(self, comparison: Comparison | None) -> list[Cell]:
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

    def _effect_cell(self, comparison: Comparison) -> Cell:
        effect = comparison.effect
        assert effect is not None  # the caller has looked
        if self.entry.effect == "risk difference":
            values = (_share(x) for x in (effect.value, effect.ci_lower, effect.ci_upper))
            return self.recorder.cell("difference", (*values, min(comparison.counts.totals)), effect)
        return self.recorder.cell("ratio", (effect.value, effect.ci_lower, effect.ci_upper), effect)

    def reference(self, everyone: CountTable) -> tuple[Fraction, int] | None:
        """The rate of everybody, and how many they are: the dotted line of each row."""
        rate = rate_of(everyone, 0)
        return None if rate is None else (rate, everyone.totals[0])

    def whole_row(self, whole: tuple[Result, Result, Result]) -> Row:
        percent = whole[2]
        known = not (percent.withheld or percent.reason)
        reference = (exact(percent.value or 0) / 100, percent.n or 0) if known else None
        cells = [
            text_cell(self.say("all_patients")),
            *self._count_cells(whole, reference),
            *self._comparison_cells(None),
        ]
        return Row(kind="line", cells=tuple(cells))

    def group(self, comparison: Comparison, reference: tuple[Fraction, int] | None) -> RowGroup:
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

    def footnotes(self, guards: Sequence[Guard]) -> list[str]:
        say, entry, study = self.say, self.entry, self.cohort.study
        notes = [say("dots", method=say(f"ci_{study.conventions.proportion_ci}"))]
        if entry.effect != "none":
            notes.append(say(f"{EFFECTS[entry.effect]}_note"))
        notes += self._denominators()
        outcome = endpoint(study, entry.outcome, BinaryEndpoint)
        recorded = self.cohort.endpoint(entry.outcome)["recorded"]
        unknown = int(recorded.isna().sum())
        if unknown and not any(guard.name == "unknown outcome" for guard in guards):
            notes.append(say(f"outcome_unknown_{outcome.unknown}", n=unknown))
        if self.shows_attainable:
            notes.append(say("attainable_meaning"))
        notes += [
            f"{c.variable.label}: {c.p_value.reason}"
            for c in self.comparisons
            if c.p_value.reason not in ("", "no patients", "variance is zero") and not c.p_value.withheld
        ]
        return notes + footnotes(guards)

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


def _number(value: Number | None) -> float:
    return math.nan if value is None else float(value)


def _share(value: Number | None) -> float:
    return _number(value) / 100
