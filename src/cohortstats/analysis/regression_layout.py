"""How regressions are laid out: models become lines, columns and footnotes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cohortstats.analysis.exhibit import level_label, text_cell
from cohortstats.analysis.guards import Guard, footnotes
from cohortstats.analysis.results import Recorder, Result
from cohortstats.cohort import Cohort, Variable
from cohortstats.derivations.designs import late_groups
from cohortstats.figures.forest_picture import ForestPicture
from cohortstats.study import Regression, TimeToEventEndpoint
from cohortstats.tables.language import Words
from cohortstats.tables.numbers import FORMATS, STYLES, format_p_relation
from cohortstats.tables.table import EMPTY, Cell, Column, Row, RowGroup

if TYPE_CHECKING:
    import pandas as pd

    from cohortstats.stats.hazard import CoxModel

__all__ = ["Covariate", "CoxLine", "Fit", "RegressionLayout", "WholeModel", "covariate_label"]

TIME_UNITS = ("days", "weeks", "months", "years")
MOST_IN_FOOTNOTE = 2
WANTED = 10  # events a parameter, below which a footnote says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariate:
    """One covariate: a number and its step, or levels and the one that the others are compared with."""

    name: str
    variable: Variable
    label: str
    levels: tuple[str, ...]
    reference: str
    per: float

    @property
    def compared(self) -> tuple[str, ...]:
        """Levels with a hazard ratio."""
        return tuple(level for level in self.levels if level != self.reference)

    def row(self, level: str) -> str:
        """Address of a line in the results."""
        return f"{self.name}/{level}" if level else self.name

    def level_label(self, level: str) -> str:
        """Name of a level in tables."""
        return level_label(self.variable, level)


def covariate_label(variable: Variable, per: float, say: Words) -> str:
    """Name of a covariate, a number with its unit or its step.

    Examples
    --------
    >>> from cohortstats.tables.language import words
    >>> age = Variable(name="age", kind="number", label="Age", unit="years")
    >>> covariate_label(age, 1.0, words("en")), covariate_label(age, 10.0, words("en"))
    ('Age, years', 'Age, per 10 years')
    """
    if variable.levels:
        return variable.label
    # A label such as "Age, years" names its unit already.
    named = not variable.unit or any(sign in variable.label for sign in ",(（")
    if per == 1:
        return variable.label if named else f"{variable.label}, {variable.unit}"
    unit = say(f"unit_{variable.unit}") if variable.unit in TIME_UNITS else variable.unit
    return say("per_step" if named else "per_step_unit", label=variable.label, step=f"{per:g}", unit=unit)


@dataclass(slots=True, kw_only=True)
class CoxLine:
    """What one model says of one number or level."""

    n: Result
    n_events: Result
    hazard_ratio: Result | None = None
    p_value: Result | None = None
    firth: Result | None = None


@dataclass(slots=True, kw_only=True)
class WholeModel:
    """What is said of a model as a whole."""

    n: Result
    n_events: Result
    events_per_parameter: Result | None = None
    proportionality: Result | None = None


@dataclass(slots=True, kw_only=True)
class Fit:
    """One model: its patients, what was fitted, and the results put down."""

    group: str
    covariates: Sequence[Covariate]
    n: int
    n_events: int
    n_left_out: int
    counts: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    model: CoxModel | None = None
    firth: CoxModel | None = None
    proportionality: pd.DataFrame | None = None
    untested: str = ""
    reason: str = ""
    sentence: str = ""
    lines: dict[tuple[str, str], CoxLine] = field(default_factory=dict)
    overall: dict[str, Result] = field(default_factory=dict)
    whole: WholeModel = field(init=False)

    @property
    def n_parameters(self) -> int:
        """Coefficients: one for a number, and for each level with patients but the reference."""
        compared = ((c.name, level) for c in self.covariates for level in c.compared or ("",))
        return sum(bool(self.counts[key][0]) for key in compared if key in self.counts)

    def row(self, endpoint: str) -> str:
        """Address of what is said of the model as a whole."""
        return endpoint if self.group == "multivariable" else self.covariates[0].name

    def refuse(self, reason: str, sentence: str) -> None:
        """Note why there is no estimate."""
        self.reason, self.sentence = reason, sentence

    def few_events(self, say: Words) -> str:
        """The guard on events and parameters in words."""
        supported = max(1, self.n_events // WANTED)
        key = "guard_few_events" if supported > 1 else "guard_few_events_least"
        if self.n_parameters <= supported:  # one parameter is always supported; its events may be few all the same
            key = "guard_few_events_alone"
        counted = say("events_for_parameters", n=self.n_parameters, events=self.n_events)
        return say(key, counted=counted, supported=supported, wanted=WANTED)

    def place(self, model: CoxModel | None, covariate: Covariate, level: str) -> int | None:
        """Position of a coefficient; None where the model has none."""
        name = f"{covariate.name}={level}" if level else covariate.name
        return model.names.index(name) if model is not None and name in model.names else None


@dataclass(slots=True, kw_only=True)
class RegressionLayout:
    """How the models become lines, columns and footnotes."""

    entry: Regression
    outcome: TimeToEventEndpoint
    covariates: Sequence[Covariate]
    fits: Sequence[Fit]
    cohort: Cohort
    recorder: Recorder
    say: Words
    marks: dict[str, str] = field(default_factory=dict)

    # ---- lines

    def fit_of(self, group: str, covariate: Covariate) -> Fit | None:
        """The model of a column that holds a covariate."""
        return next((fit for fit in self.fits if fit.group == group and covariate in fit.covariates), None)

    def groups_of(self) -> list[str]:
        """Columns of models, in the order of the section."""
        return list(dict.fromkeys(fit.group for fit in self.fits))

    def name_of(self, fit: Fit) -> str:
        """A model in a footnote: by its covariate, or as the multivariable model."""
        return self.say("multivariable_model") if fit.group == "multivariable" else fit.covariates[0].label

    def described(self, covariate: Covariate) -> str:
        """A covariate in the methods paragraph, with the level that the others are compared with."""
        if not covariate.levels:
            return covariate.label
        level = covariate.level_label(covariate.reference)
        return self.say("covariate_reference", label=covariate.label, level=level)

    def columns(self) -> list[Column]:
        say = self.say
        columns = [
            Column(label=say("characteristic"), align="left", kind="stub"),
            Column(label="n"),
            Column(label=say("events")),
        ]
        for group in self.groups_of():
            columns.append(Column(label=say("hazard_ratio"), note=say(f"{group}_ci")))
            columns.append(Column(label=f"*{say('p')}*", note=say(f"test_{self.test}")))
        return columns

    @property
    def test(self) -> str:
        """The test behind each P."""
        return "penalised" if self.entry.penalty == "firth" else "wald"

    def groups(self) -> list[RowGroup]:
        return [RowGroup(rows=tuple(self._rows(covariate))) for covariate in self.covariates]

    def _rows(self, covariate: Covariate) -> Iterator[Row]:
        label = text_cell(covariate.label)
        if not covariate.levels:
            yield Row(kind="variable", cells=(label, *self._line_cells(covariate, "")))
            return
        overall = []
        for group in self.groups_of():
            fit = self.fit_of(group, covariate)
            test = None if fit is None else fit.overall.get(covariate.name)
            overall += [EMPTY, EMPTY if test is None else self._p_cell(test)]
        yield Row(kind="variable", cells=(label, EMPTY, EMPTY, *overall))
        for level in covariate.levels:
            cells = (text_cell(covariate.level_label(level)), *self._line_cells(covariate, level))
            yield Row(kind="level", indent=1, cells=cells)

    def _line_cells(self, covariate: Covariate, level: str) -> list[Cell]:
        fits = [self.fit_of(group, covariate) for group in self.groups_of()]
        # A covariate is in the first model or, left out of it, in the second.
        first = next((fit.lines[covariate.name, level] for fit in fits if fit is not None), None)
        cells = [EMPTY, EMPTY]
        if first is not None:
            cells = [self.recorder.cell("count", result.value, result) for result in (first.n, first.n_events)]
        for fit in fits:
            if fit is None:
                cells += [EMPTY, EMPTY]
            elif level and level == covariate.reference:
                cells += [text_cell(self.say("reference_line")), EMPTY]
            else:
                cells += self._estimate_cells(fit, fit.lines[covariate.name, level])
        return cells

    def _estimate_cells(self, fit: Fit, line: CoxLine) -> list[Cell]:
        ratio, p = line.hazard_ratio, line.p_value
        assert ratio is not None  # only the reference has none
        assert p is not None
        mark = self._mark(fit, ratio)
        return [self.recorder.cell("hazard ratio (interval)", ratio_values(ratio), ratio, mark=mark), self._p_cell(p)]

    def _mark(self, fit: Fit, ratio: Result) -> str:
        if ratio.withheld or not ratio.reason:
            return ""
        sentence = self._why(fit)
        return self.marks.setdefault(sentence, "abcdefghijklmnopqrstuvwxyz"[len(self.marks) % 26])

    def _p_cell(self, result: Result) -> Cell:
        return self.recorder.cell("p", (result.p_value, self.cohort.study.alpha), result)

    # ---- footnotes

    def _why(self, fit: Fit) -> str:
        """Why an estimate is not defined, and Firth's estimate where there is one."""
        if not fit.sentence:
            return self.say("reason_no_patients")
        if fit.firth is None:
            return fit.sentence
        style = STYLES[self.cohort.study.report.style]
        parts = []
        for covariate in fit.covariates:
            for level in covariate.compared or ("",):
                firth = fit.lines[covariate.name, level].firth
                if firth is None:
                    continue
                name = covariate.label
                if level:
                    name += f"{self.say('ledger_colon')}{covariate.level_label(level)}"
                p = format_p_relation(firth.p_value, style, self.cohort.study.alpha)
                written = FORMATS["hazard ratio (interval)"](ratio_values(firth), style)
                parts.append(self.say("firth_estimate", name=name, ratio=written, p=p))
        # A long list belongs in a file, not in a footnote.
        many = len(parts) > MOST_IN_FOOTNOTE
        key = "guard_firth_elsewhere" if many else "guard_firth"
        given = self.say(key, estimates=self.say("between_covariates").join(parts))
        return f"{fit.sentence}{self.say('between_sentences')}{given}"

    @property
    def comparisons(self) -> int:
        """Tests that the table prints: one a covariate and model."""
        tests = [fit.overall.get(c.name) or self._only_test(fit, c) for fit in self.fits for c in fit.covariates]
        return sum(test is not None and not test.withheld and not test.reason for test in tests)

    def _only_test(self, fit: Fit, covariate: Covariate) -> Result | None:
        levels = covariate.compared or ("",)
        return fit.lines[covariate.name, levels[0]].p_value

    def footnotes(self, left_out: Sequence[str], guards: Sequence[Guard], picture: ForestPicture | None) -> list[str]:
        say, recorder = self.say, self.recorder
        notes = [say(f"cox_conventions_{self.test}", ties=say(f"ties_{self._ties}"))]
        if self.entry.strata:
            notes.append(say("cox_strata", label=self.cohort.variable(self.entry.strata).label))
        notes += left_out
        notes += [f"{mark} {sentence}" for sentence, mark in self.marks.items()]
        notes += self._patients()
        # Why there is no estimate is said behind its mark.
        notes += footnotes(guard for guard in guards if guard.text not in self.marks)
        notes += dict.fromkeys(
            say("proportionality_untested", name=self.name_of(fit), why=fit.untested)
            for fit in self.fits
            if fit.untested and not fit.whole.n.withheld
        )
        if picture is None and any(result.withheld for result in recorder.records):
            notes.append(say("no_forest"))
        return [*notes, *recorder.footnotes()]

    def guards(self) -> list[Guard]:
        """What a reader must know beside the ratios; numbers that a rebuilt cohort withholds raise none."""
        found = [guard for fit in self.fits for guard in self._guards_of(fit)]
        if self.comparisons > 1:
            found.append(Guard(name="comparisons", text=self.say("comparisons_unadjusted", n=self.comparisons)))
        found += [
            Guard(name="group after outcome", text=self.say("guard_group_after_outcome"), row=c.name, label=c.label)
            for c in self.covariates
            if c.variable.formed == "after outcome"
        ]
        if self.entry.allow_immortal:
            found += [
                Guard(name="immortal time", text=self.say("guard_immortal"), row=c.name, label=c.label)
                for c in self.covariates
                if late_groups(self.cohort, c.name, self.entry.endpoint)
            ]
        return found

    def _guards_of(self, fit: Fit) -> Iterator[Guard]:
        say, alpha = self.say, self.cohort.study.alpha
        if fit.whole.n_events.withheld or fit.whole.n.withheld:
            return
        about = {"row": fit.row(self.entry.endpoint), "label": self.name_of(fit)}
        if fit.reason == "monotone likelihood":
            yield Guard(name="separation", text=self._why(fit), **about)
        if fit.reason == "too few events":
            yield Guard(name="few events", text=fit.sentence, **about)
        elif fit.n_events < WANTED * fit.n_parameters and (fit.model or fit.firth):
            yield Guard(name="few events", text=fit.few_events(say), **about)
        test = fit.whole.proportionality
        if test is not None and not test.withheld and not test.reason and _number(test.p_value) < alpha:
            p = FORMATS["p"]((test.p_value, alpha), STYLES[self.cohort.study.report.style])
            yield Guard(name="crossing or late effect", text=say("guard_proportionality", p=p), **about)

    @property
    def _ties(self) -> str:
        if self.entry.penalty == "firth":
            return "breslow"
        return self.entry.ties or self.cohort.study.conventions.cox_ties

    def _patients(self) -> list[str]:
        """Patients and events of the multivariable model; those of the others stand in the table."""
        notes = []
        for fit in self.fits:
            if fit.group == "multivariable" and not fit.whole.n.withheld and not fit.whole.n_events.withheld:
                key = "model_patients" if fit.n_left_out else "model_patients_all"
                patients, events = self.say("patients_n", n=fit.n), self.say("events_n", n=fit.n_events)
                notes.append(self.say(key, patients=patients, events=events, n=fit.n_left_out))
        return notes


def ratio_values(ratio: Result) -> tuple[Any, Any, Any]:
    """A ratio with its limits, for its format."""
    return (ratio.value, ratio.ci_lower, ratio.ci_upper)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
