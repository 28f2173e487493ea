"""Hazard ratios by Cox regression, one covariate at a time and together, with a forest plot."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.analysis.exhibit import endpoint, exhibit_population, exhibit_table, section
from cohortstats.analysis.regression_layout import (
    Covariate,
    CoxLine,
    Fit,
    RegressionLayout,
    WholeModel,
    covariate_label,
)
from cohortstats.analysis.regression_picture import regression_picture
from cohortstats.analysis.results import CI_LEVEL, Analysis, Recorder
from cohortstats.cohort import Cohort
from cohortstats.errors import CohortStatsWarning, InputError, did_you_mean
from cohortstats.study import Exhibit, Regression, TimeToEventEndpoint
from cohortstats.tables.language import Words, words

if TYPE_CHECKING:
    from cohortstats.stats.hazard import CoxModel

__all__ = ["ModelDesign", "ModelRows", "model_designs", "model_rows", "regression", "tie_rule"]

NEEDED = 5  # events a parameter, below which a model is fitted only when the study file allows it


def regression(cohort: Cohort, entry: Exhibit) -> Analysis:
    """Hazard ratios of covariates, each alone and all together.

    Parameters
    ----------
    cohort
        Patients; the exhibit's ``population`` is applied here. Those without a time are left out, those without a
        covariate are left out of the models that hold it.
    entry
        A ``[[regression]]`` section.

    Returns
    -------
    Analysis
        By ``variable`` or ``variable/level`` (row) and ``univariable`` or ``multivariable`` (group): ``n``,
        ``n_events``; ``hazard_ratio`` with its interval, against the reference level or a step of a number;
        ``p_value``, with its statistic in ``value``. A variable of three and more levels has a ``p_value`` of its own,
        for all of them. A model, under its variable or, multivariable, under the endpoint, has ``n``, ``n_events``,
        ``events_per_parameter``, ``likelihood_ratio`` and ``proportionality``. Where no finite estimate exists,
        ``hazard_ratio_firth`` stands beside the undefined one. The picture is a forest plot.

    Raises
    ------
    InputError
        When the section is of another kind, or names a reference level that is none.

    Notes
    -----
    Ties are broken as the section or the conventions say; limits and P are Wald's, or, with Firth's penalty, by profile
    and penalised likelihood ratio. R: ``coxph(Surv(time, event) ~ x + strata(s), ties = )``, ``cox.zph``. A model that
    cannot be fitted costs no report: its numbers are not estimable, and a footnote says why.

    Examples
    --------
    An invented cohort; a ratio per 10 years:

    >>> import dataclasses
    >>> import cohortstats as cs
    >>> from cohortstats.study import Regression
    >>> study = cs.Study.read(cs.shipped_study("example"))
    >>> entry = Regression(
    ...     id="cox", title="TTP", endpoint="ttp", covariates=("age",), models=("univariable",), per={"age": 10.0}
    ... )
    >>> cohort = cs.load_cohort(dataclasses.replace(study, exhibits=(entry,)))
    >>> line = cs.regression(cohort, entry).lines()[0]
    >>> line["n"], line["n_events"], round(line["hazard_ratio"], 9), round(line["p_value"], 9)
    (51, 47, 1.113927633, 0.345903139)
    """
    entry = section(entry, Regression)
    study = cohort.study
    say = words(study.report.lang)
    outcome = endpoint(study, entry.endpoint, TimeToEventEndpoint)
    recorder = Recorder(study, entry.id)
    population = exhibit_population(cohort, entry)
    covariates = [_covariate(population, entry, name, say) for name in entry.covariates]
    data = _data(population, entry, covariates)
    fits = [_fit(data, entry, cohort, recorder, group, some, say) for group, some in _models(entry, covariates)]
    layout = RegressionLayout(
        entry=entry, outcome=outcome, covariates=covariates, fits=fits, cohort=cohort, recorder=recorder, say=say
    )
    picture = regression_picture(layout)
    left_out = _left_out(population, entry, say)
    groups, guards = layout.groups(), layout.guards()
    table = exhibit_table(cohort, entry, layout.columns(), groups, layout.footnotes(left_out, guards, picture))
    multivariable = next((fit for fit in fits if fit.group == "multivariable"), None)
    return Analysis(
        study_id=study.id,
        entry=entry,
        table=table,
        records=tuple(recorder.records),
        picture=picture,
        guards=tuple(guards),
        methods={
            "ties": tie_rule(entry, cohort),
            "covariates": tuple(layout.described(covariate) for covariate in covariates),
            "adjusted": tuple(covariate.label for covariate in multivariable.covariates) if multivariable else (),
            "events_per_parameter": multivariable.whole.events_per_parameter if multivariable else None,
            "proportionality": any(fit.whole.proportionality is not None for fit in fits),
            "firth_given": any(fit.firth for fit in fits),
            "not_fitted": tuple(layout.name_of(fit) for fit in fits if fit.model is None),
            "comparisons": layout.comparisons,
        },
    )


# ---------------------------------------------------------------------------------------------------------------------
# Patients and covariates
# ---------------------------------------------------------------------------------------------------------------------


def _covariate(population: Cohort, entry: Regression, name: str, say: Words) -> Covariate:
    variable = population.variable(name)
    per = entry.per.get(name, 1.0)
    label = entry.labels.get(name, "") or covariate_label(variable, per, say)
    if not variable.levels:
        return Covariate(name=name, variable=variable, label=label, levels=(), reference="", per=per)
    levels = tuple(level for level in variable.levels if level not in variable.unknown)
    reference = entry.reference.get(name, "no" if variable.kind == "yes/no" else levels[0] if levels else "")
    if levels and reference not in levels:
        near = did_you_mean(reference, levels)
        mend = f"Did you mean '{near}'?" if near else f"Levels: {', '.join(levels)}."
        raise InputError(f"{entry.id}: '{reference}' is no level of {name}, so it cannot be its reference. {mend}")
    return Covariate(name=name, variable=variable, label=label, levels=levels, reference=reference, per=per)


def _data(population: Cohort, entry: Regression, covariates: Sequence[Covariate]) -> pd.DataFrame:
    """Patients with a time and a stratum: ``("time",)``, ``("event",)``, ``("stratum",)``, ``("x", covariate)``."""
    outcome = population.endpoint(entry.endpoint)
    columns: dict[tuple[str, ...], Any] = {("time",): outcome["time"], ("event",): outcome["event"]}
    if (outcome["entry"] > 0).any():  # who came under observation later is at risk from then on
        columns["entry",] = outcome["entry"]
    if entry.strata:
        columns["stratum",] = _known_levels(population, entry.strata)
    for covariate in covariates:
        columns["x", covariate.name] = _values(population, covariate)
    frame = pd.DataFrame({key: pd.Series(column).array for key, column in columns.items()})
    frame.columns = pd.Index(list(columns), tupleize_cols=False)
    present = [key for key in columns if key[0] != "x"]
    return frame[frame[present].notna().all(axis=1)]


def _values(population: Cohort, covariate: Covariate) -> Any:
    """A number in steps, or levels with the reference in front; what is unknown is missing."""
    if covariate.levels:
        ordered = [covariate.reference, *covariate.compared]
        return pd.Categorical(_known_levels(population, covariate.name), categories=ordered)
    known = population.known(covariate.name)
    return np.where(known.missing, np.nan, known.data.astype(float)) / covariate.per


def _known_levels(population: Cohort, name: str) -> pd.Series[Any]:
    missing = population.known(name).missing
    return population.levels(name).astype(object).mask(missing)


def _left_out(population: Cohort, entry: Regression, say: Words) -> list[str]:
    timed = population.endpoint(entry.endpoint)["time"].notna().to_numpy()
    notes = []
    if without_time := int((~timed).sum()):
        notes.append(say("without_time", n=without_time))
    if entry.strata and (without_stratum := int((timed & population.known(entry.strata).missing).sum())):
        notes.append(say("without_stratum", n=without_stratum))
    return notes


# ---------------------------------------------------------------------------------------------------------------------
# Models
# ---------------------------------------------------------------------------------------------------------------------


def _models(entry: Regression, covariates: Sequence[Covariate]) -> list[tuple[str, list[Covariate]]]:
    """Every model of the exhibit with its covariates; those of a section stand in the order of its covariates."""
    found: list[tuple[str, list[Covariate]]] = []
    if "univariable" in entry.models:
        found += [("univariable", [covariate]) for covariate in covariates]
    if "multivariable" in entry.models:
        together = entry.multivariable or entry.covariates
        found.append(("multivariable", [covariate for covariate in covariates if covariate.name in together]))
    return found


def tie_rule(entry: Regression, cohort: Cohort) -> Literal["efron", "breslow", "exact"]:
    if entry.penalty == "firth":
        return "breslow"
    return entry.ties or cohort.study.conventions.cox_ties


def _fit(
    data: pd.DataFrame,
    entry: Regression,
    cohort: Cohort,
    recorder: Recorder,
    group: str,
    covariates: list[Covariate],
    say: Words,
) -> Fit:
    keys = [("x", covariate.name) for covariate in covariates]
    complete = data[data[keys].notna().all(axis=1)]
    events = int(complete["event",].astype(bool).sum())
    fit = Fit(
        group=group, covariates=covariates, n=len(complete), n_events=events, n_left_out=len(data) - len(complete)
    )
    fit.counts = _counts(complete, covariates)
    fit.refuse(*_refusal(fit, entry, say))
    if not fit.reason:
        _estimate(fit, complete, entry, cohort, say)
    _record(fit, entry, recorder)
    return fit


def _counts(complete: pd.DataFrame, covariates: Sequence[Covariate]) -> dict[tuple[str, str], tuple[int, int]]:
    """Covariate and level -> patients and events; the level of a number is empty."""
    event = complete["event",].astype(bool)
    counts = {}
    for covariate in covariates:
        for level in covariate.levels or ("",):
            here = (complete["x", covariate.name] == level).astype(bool) if level else event.notna()
            counts[covariate.name, level] = (int(here.sum()), int((here & event).sum()))
    return counts


def _refusal(fit: Fit, entry: Regression, say: Words) -> tuple[str, str]:
    """Why a model is not fitted: a reason of the closed list and a sentence; both empty when it is."""
    if not fit.n:
        return "no patients", say("reason_no_patients")
    if not fit.n_events:
        return "no events", say("reason_no_events", n=fit.n)
    for covariate in fit.covariates:
        seen = [level for level in covariate.levels if fit.counts[covariate.name, level][0]]
        if len(seen) == 1:
            return "no variation", say("reason_no_variation", label=covariate.label)
        if covariate.levels and covariate.reference not in seen:
            level = covariate.level_label(covariate.reference)
            return "no patients", say("reason_no_reference", label=covariate.label, level=level)
    parameters = fit.n_parameters
    if parameters >= fit.n_events:
        return "too few events", say("reason_parameters", n=fit.n_events, parameters=parameters)
    if fit.n_events < NEEDED * parameters and not entry.allow_few_events:
        return "too few events", f"{fit.few_events(say)} {say('reason_few_events')}"
    return "", ""


def _estimate(fit: Fit, complete: pd.DataFrame, entry: Regression, cohort: Cohort, say: Words) -> None:
    """Fit the model; what it refuses becomes the sentence of its footnote."""
    penalty: Literal["firth"] | None = "firth" if entry.penalty == "firth" else None
    try:
        model = _cox(complete, fit.covariates, entry, cohort, penalty)
    except InputError as refusal:
        fit.refuse(refusal.problems[0], " ".join(refusal.problems))
        return
    if model.reason:
        sentence = _no_estimate(fit, model, say)
        if model.reason == "monotone likelihood" and penalty is None and not entry.strata:
            fit.firth = _firth(complete, fit.covariates, entry, cohort)
        fit.refuse(model.reason, sentence)
        return
    fit.model = model
    if entry.proportionality and penalty is None:
        try:
            fit.proportionality = model.proportionality("km")
        except InputError as refusal:
            fit.untested = " ".join(refusal.problems)


def _cox(
    complete: pd.DataFrame,
    covariates: Sequence[Covariate],
    entry: Regression,
    cohort: Cohort,
    penalty: Literal["firth"] | None,
    *,
    allow_few_events: bool = True,
) -> CoxModel:
    from cohortstats.stats.hazard import cox

    columns = {}
    for covariate in covariates:
        column = complete["x", covariate.name]
        columns[covariate.name] = column.astype(float).to_numpy() if not covariate.levels else column.array
    with warnings.catch_warnings():
        # Few events are a footnote of the exhibit.
        warnings.simplefilter("ignore", CohortStatsWarning)
        return cox(
            complete["time",].to_numpy(dtype=float),
            complete["event",].to_numpy(dtype=bool),
            columns,
            ties=tie_rule(entry, cohort),
            strata=complete["stratum",].astype(str).to_numpy() if entry.strata else None,
            entry=complete["entry",].to_numpy(dtype=float) if ("entry",) in complete else None,
            penalty=penalty,
            ci_level=CI_LEVEL,
            allow_few_events=allow_few_events,
            timefix=cohort.study.conventions.timefix,
        )


def _firth(
    complete: pd.DataFrame, covariates: Sequence[Covariate], entry: Regression, cohort: Cohort
) -> CoxModel | None:
    """Firth's estimate beside one that does not exist; None where it cannot be had."""
    try:
        model = _cox(complete, covariates, entry, cohort, "firth")
    except InputError:
        return None
    return None if model.reason else model


def _no_estimate(fit: Fit, model: CoxModel, say: Words) -> str:
    """The reason of a model without coefficients in words."""
    if model.reason != "monotone likelihood":
        return say(f"reason_{model.reason}_model")
    for covariate in fit.covariates:
        events = {level: fit.counts[covariate.name, level][1] for level in covariate.levels}
        having = [level for level, n in events.items() if n]
        without = [level for level in covariate.levels if fit.counts[covariate.name, level][0] and not events[level]]
        if covariate.levels and len(having) == 1:
            return say("guard_separation_events", n=fit.n_events)
        if without:
            return say("guard_separation_level", n=fit.n_events, level=covariate.level_label(without[0]))
    return say("guard_separation_model")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDesign:
    """One model of an exhibit in plain arrays, for whoever fits it another time.

    ``rows`` are the addresses of the columns of ``matrix`` in the results, one 0/1 column a level that somebody has.
    """

    group: str
    rows: tuple[str, ...]
    time: npt.NDArray[np.float64]
    event: npt.NDArray[np.bool_]
    matrix: npt.NDArray[np.float64]
    strata: npt.NDArray[np.object_] | None
    late_entries: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRows:
    """The covariates of one model with their levels, those of a number empty: the lines that its results have."""

    group: str
    covariates: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]


def model_rows(cohort: Cohort, entry: Regression) -> Iterator[ModelRows]:
    """Every model of the exhibit by its covariates."""
    say = words(cohort.study.report.lang)
    population = exhibit_population(cohort, entry)
    covariates = [_covariate(population, entry, name, say) for name in entry.covariates]
    for group, some in _models(entry, covariates):
        yield ModelRows(
            group=group,
            covariates=tuple(covariate.variable.name for covariate in some),
            levels=tuple(covariate.levels for covariate in some),
        )


def model_designs(cohort: Cohort, entry: Regression) -> Iterator[ModelDesign]:
    """Every model of the exhibit as it is fitted: complete cases, levels against their reference."""
    population = exhibit_population(cohort, entry)
    say = words(cohort.study.report.lang)
    covariates = [_covariate(population, entry, name, say) for name in entry.covariates]
    data = _data(population, entry, covariates)
    for group, some in _models(entry, covariates):
        complete = data[data[[("x", covariate.name) for covariate in some]].notna().all(axis=1)]
        columns = {}
        for covariate in some:
            values = complete["x", covariate.name]
            if not covariate.levels:
                columns[covariate.row("")] = values.to_numpy(dtype=float)
            for level in covariate.compared:
                here = (values == level).to_numpy(dtype=float)
                if here.any():
                    columns[covariate.row(level)] = here
        yield ModelDesign(
            group=group,
            rows=tuple(columns),
            time=complete["time",].to_numpy(dtype=float),
            event=complete["event",].to_numpy(dtype=bool),
            matrix=np.column_stack(list(columns.values())) if columns else np.empty((len(complete), 0)),
            strata=complete["stratum",].to_numpy(dtype=object) if entry.strata else None,
            late_entries=("entry",) in complete,
        )


# ---------------------------------------------------------------------------------------------------------------------
# Results
# ---------------------------------------------------------------------------------------------------------------------


def _record(fit: Fit, entry: Regression, recorder: Recorder) -> None:
    """Put down every number of one model."""
    model = fit.model
    for covariate in fit.covariates:
        for level in covariate.levels or ("",):
            n, events = fit.counts[covariate.name, level]
            row = covariate.row(level)
            counted = {
                statistic: recorder.add(row, fit.group, statistic, value=value, n=n, format="count")
                for statistic, value in (("n", n), ("n_events", events))
            }
            line = CoxLine(n=counted["n"], n_events=counted["n_events"])
            if level != covariate.reference or not covariate.levels:
                reason = "no patients" if model is not None and not n else fit.reason
                _coefficient(fit, covariate, level, reason, line, recorder)
            fit.lines[covariate.name, level] = line
        if len(covariate.compared) > 1:
            fit.overall[covariate.name] = _term_test(fit, covariate, recorder)
        if len(fit.covariates) > 1 and fit.proportionality is not None:
            test = _test_of(fit.proportionality, covariate.name)
            recorder.add(covariate.name, fit.group, "proportionality", n=fit.n, **_test_fields(test))
    _record_model(fit, entry, recorder)


def _coefficient(fit: Fit, covariate: Covariate, level: str, reason: str, line: CoxLine, recorder: Recorder) -> None:
    row = covariate.row(level)
    model, place = fit.model, fit.place(fit.model, covariate, level)
    numbers: dict[str, Any] = {"value": math.nan, "reason": reason}
    p: dict[str, Any] = {"p_value": math.nan, "reason": reason}
    if model is not None and place is not None:
        numbers = {
            "value": float(model.hazard_ratio[place]),
            "ci_lower": float(model.ci_lower[place]),
            "ci_upper": float(model.ci_upper[place]),
            "ci_level": model.ci_level,
            "method": model.method,
        }
        kind = "penalised likelihood ratio" if model.penalty else "wald"
        p = {
            "p_value": float(model.p_value[place]),
            "value": float(model.statistic[place]),
            "method": f"{kind}; {model.method}",
        }
    line.hazard_ratio = recorder.add(row, fit.group, "hazard_ratio", n=fit.n, format="hazard ratio", **numbers)
    line.p_value = recorder.add(row, fit.group, "p_value", n=fit.n, **p)
    place = fit.place(fit.firth, covariate, level)
    if fit.firth is not None and place is not None:
        line.firth = recorder.add(
            row,
            fit.group,
            "hazard_ratio_firth",
            format="hazard ratio",
            value=float(fit.firth.hazard_ratio[place]),
            ci_lower=float(fit.firth.ci_lower[place]),
            ci_upper=float(fit.firth.ci_upper[place]),
            ci_level=fit.firth.ci_level,
            p_value=float(fit.firth.p_value[place]),
            method=fit.firth.method,
            n=fit.n,
        )


def _term_test(fit: Fit, covariate: Covariate, recorder: Recorder) -> Any:
    """Wald test of all coefficients of one variable: b' V^-1 b."""
    model = fit.model
    if model is None:
        fields: dict[str, Any] = {"p_value": math.nan, "reason": fit.reason}
    else:
        from scipy.special import chdtrc

        found = (fit.place(model, covariate, level) for level in covariate.compared)
        places = [place for place in found if place is not None]
        coef, variance = model.coef[places], model.covariance[np.ix_(places, places)]
        statistic = float(coef @ np.linalg.solve(variance, coef))
        fields = {
            "value": statistic,
            "p_value": float(chdtrc(len(places), statistic)),
            "method": f"wald, df {len(places)}; {model.method}",
        }
    return recorder.add(covariate.name, fit.group, "p_value", n=fit.n, **fields)


def _test_of(tests: pd.DataFrame, term: str) -> pd.Series[Any]:
    # A covariate may be called GLOBAL: the line of the whole model is the last.
    found = tests[tests["term"] == term]
    return found.iloc[-1 if term == "GLOBAL" else 0]


def _test_fields(test: pd.Series[Any]) -> dict[str, Any]:
    p = float(test["p_value"])
    return {
        "value": float(test["statistic"]),
        "p_value": p,
        "method": f"score test of x g(t), g 1 - S(t-), df {int(test['df'])}",
        "reason": str(test.get("reason", "") or "") if math.isnan(p) else "",
    }


def _record_model(fit: Fit, entry: Regression, recorder: Recorder) -> None:
    """What is said of a model as a whole: under its variable, or, multivariable, under the endpoint."""
    row = fit.row(entry.endpoint)
    if fit.group == "multivariable" or fit.covariates[0].levels:
        n, n_events = (
            recorder.add(row, fit.group, statistic, value=value, n=fit.n, format="count")
            for statistic, value in (("n", fit.n), ("n_events", fit.n_events))
        )
    else:
        line = fit.lines[fit.covariates[0].name, ""]
        n, n_events = line.n, line.n_events
    fit.whole = WholeModel(n=n, n_events=n_events)
    if fit.n_parameters:
        fit.whole.events_per_parameter = recorder.add(
            row, fit.group, "events_per_parameter", value=fit.n_events / fit.n_parameters, n=fit.n
        )
    model = fit.model
    if model is None:
        return
    recorder.add(
        row,
        fit.group,
        "likelihood_ratio",
        value=float(model.likelihood_ratio.statistic),
        p_value=float(model.likelihood_ratio.p_value),
        method=f"likelihood ratio, df {model.likelihood_ratio.df}; {model.method}",
        n=fit.n,
    )
    if fit.proportionality is not None:
        test = _test_of(fit.proportionality, "GLOBAL")
        fit.whole.proportionality = recorder.add(row, fit.group, "proportionality", n=fit.n, **_test_fields(test))
