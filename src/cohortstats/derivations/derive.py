"""Derived variables and endpoints, evaluated once, each after what it needs."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.cohort import YES_NO_LABELS, YES_NO_LEVELS, Cohort, Variable
from cohortstats.derivations.binary import BinaryOutcome, binary_outcome
from cohortstats.derivations.designs import check_designs
from cohortstats.derivations.findings import Doubtful, Findings
from cohortstats.derivations.time_to_event import time_to_event
from cohortstats.errors import CohortStatsWarning, DataError, InputError, Problem
from cohortstats.expressions import ExpressionError, Values, parse_expression, resolve
from cohortstats.study import BinaryEndpoint, Derived, Rule, Study, TimeToEventEndpoint

__all__ = ["derive", "derive_variables"]

Declared = Derived | Rule | BinaryEndpoint


def derive_variables(cohort: Cohort) -> Cohort:
    """Add what ``[derive]`` and ``[endpoints]`` declare, and check the rules of ``[[check]]``.

    Parameters
    ----------
    cohort
        Typed columns only; the study says what is made from them.

    Returns
    -------
    Cohort
        With derived variables and binary endpoints among its variables, and every endpoint.

    Raises
    ------
    DataError
        With every problem of every derivation.
    """
    derived, problems = derive(cohort, {})
    if any(problem.level == "error" for problem in problems):
        raise DataError(problems)
    return dataclasses.replace(derived, problems=(*cohort.problems, *problems))


def derive(cohort: Cohort, doubtful: Doubtful) -> tuple[Cohort, list[Problem]]:
    """As :func:`derive_variables`, but with the problems beside the cohort.

    ``doubtful`` names, column by column, the patients whose cell has an error already: what follows from such a cell is
    not told a second time.
    """
    study = cohort.study
    found = Findings(cohort, doubtful)
    declared: dict[str, Declared] = {**study.rules, **study.derive}
    declared |= {name: point for name, point in study.endpoints.items() if isinstance(point, BinaryEndpoint)}
    for name in _order(declared, found):
        item = declared[name]
        if not all(resolve(needed, cohort.variables) for needed in _needs(item)):
            continue  # what it needs has a problem of its own
        found.cohort = cohort
        if isinstance(item, Rule):
            from cohortstats.derivations.rules import apply_rule  # guidelines, only where a study has such a rule

            made = apply_rule(cohort, item, found)
        elif isinstance(item, BinaryEndpoint):
            made = _outcome(cohort, item, found)
        else:
            made = _variable(cohort, item, found)
        if made is not None:
            cohort = made
    found.cohort = cohort
    for name, point in study.endpoints.items():
        if isinstance(point, TimeToEventEndpoint):
            frame = time_to_event(cohort, point, found)
            if frame is not None:
                cohort = dataclasses.replace(cohort, endpoints={**cohort.endpoints, name: frame})
    # Endpoints in the order of the study file, whatever was made first.
    endpoints = {name: cohort.endpoints[name] for name in study.endpoints if name in cohort.endpoints}
    cohort = dataclasses.replace(cohort, endpoints=endpoints)
    found.cohort = cohort
    _check(cohort, found)
    check_designs(found)
    return cohort, found.problems


def _expressions(item: Derived | BinaryEndpoint) -> dict[str, str]:
    """Key of the study file -> expression."""
    if isinstance(item, BinaryEndpoint):
        return {"when": item.when}
    if item.cases:
        return {f"cases[{place}]": expression for place, (expression, _) in enumerate(item.cases)}
    return {"when": item.when} if item.when else {"value": item.value}


def _needs(item: Declared) -> list[str]:
    if isinstance(item, Rule):
        return sorted(item.needs)
    names: set[str] = set()
    for expression in _expressions(item).values():
        try:
            names |= parse_expression(expression).names
        except ExpressionError:
            continue
    return sorted(names)


def _order(declared: Mapping[str, Declared], found: Findings) -> list[str]:
    """Names so that each comes after what it needs; the order of the study file otherwise."""
    done: list[str] = []
    makers = {name: name for name in declared}
    makers |= {made: name for name, item in declared.items() if isinstance(item, Rule) for made in item.makes}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in done:
            return
        if name in path:
            circle = " needs ".join((*path[path.index(name) :], name))
            found.study("expression-cycle", _key(declared[name]), f"{circle}.", "Break the circle.")
            return
        for needed in _needs(declared[name]):
            other = resolve(needed, makers)
            if other is not None:
                visit(makers[other], (*path, name))
        if name not in done:
            done.append(name)

    for name in declared:
        visit(name, ())
    return done


def _key(item: Declared) -> str:
    return f"{'endpoints' if isinstance(item, BinaryEndpoint) else 'derive'}.{item.name}"


def evaluate(cohort: Cohort, expression: str, key: str, found: Findings, kind: str = "") -> Values | None:
    """Value of an expression, or None with the problem noted under its key of the study file."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", CohortStatsWarning)
            values = cohort.evaluate(expression)
    except ExpressionError as error:
        for fault in error.faults:
            found.study(fault.code, key, fault.message, fault.mend)
        return None
    except InputError as error:
        found.study("expression-type", key, str(error))
        return None
    for warning in caught:
        found.study("division-by-zero", key, str(warning.message), level="warning")
    if kind and values.kind != kind:
        found.study("expression-type", key, f"{expression} is a {values.kind}; {kind} is needed.")
        return None
    return values


# ---------------------------------------------------------------------------------------------------------------------
# One derived variable
# ---------------------------------------------------------------------------------------------------------------------


def _variable(cohort: Cohort, item: Derived, found: Findings) -> Cohort | None:
    key = f"derive.{item.name}"
    if item.cases:
        values = _first_case(cohort, item, found)
    elif item.when:
        values = evaluate(cohort, item.when, f"{key}.when", found, "yes/no")
    else:
        values = evaluate(cohort, item.value, f"{key}.value", found)
    if values is None:
        return None
    levels = YES_NO_LEVELS if values.kind == "yes/no" else values.levels
    if values.kind == "category" and not levels:
        levels = tuple(sorted(set(values.data[~values.missing].tolist())))
        values = dataclasses.replace(values, levels=levels)
    if item.labels and len(item.labels) != len(levels):
        message = f"{item.name} has {len(levels)} levels and {len(item.labels)} labels."
        found.study("key-conflict", f"{key}.labels", message, f"Levels: {', '.join(levels)}." if levels else "")
        return None
    variable = Variable(
        name=item.name,
        kind=values.kind,
        label=item.label or item.name,
        levels=levels,
        labels=item.labels or level_labels(cohort.study, levels, values.kind),
        unit=item.unit or values.unit,
        note=item.note,
        formed=item.formed,
        cutoff=item.cutoff,
        given_names=given(cohort, _needs(item)),
    )
    return _with(cohort, variable, values)


def _first_case(cohort: Cohort, item: Derived, found: Findings) -> Values | None:
    """The level of the first case that is yes; a missing case before it makes the result missing."""
    levels = tuple(dict.fromkeys([level for _, level in item.cases] + ([item.otherwise] if item.otherwise else [])))
    data = np.full(cohort.n, item.otherwise, dtype=object)
    missing = np.full(cohort.n, not item.otherwise, dtype=bool)
    open_ = np.ones(cohort.n, dtype=bool)
    for place, (expression, level) in enumerate(item.cases):
        answer = evaluate(cohort, expression, f"derive.{item.name}.cases[{place}]", found, "yes/no")
        if answer is None:
            return None
        unknown = open_ & answer.missing
        hit = open_ & ~answer.missing & answer.data.astype(bool)
        data[hit], missing[hit], missing[unknown] = level, False, True
        open_ &= ~(hit | unknown)
    data[missing] = ""
    return Values(kind="category", data=data, missing=missing, levels=levels)


def given(cohort: Cohort, names: list[str]) -> frozenset[str]:
    """Columns behind some names, through all steps."""
    found = (resolve(name, cohort.variables) for name in names)
    return frozenset().union(*(cohort.variables[name].given_names for name in found if name is not None))


def level_labels(study: Study, levels: tuple[str, ...], kind: str) -> tuple[str, ...]:
    """How tables call the levels when the study file does not say."""
    return YES_NO_LABELS[study.report.lang] if kind == "yes/no" else levels


def _with(cohort: Cohort, variable: Variable, values: Values) -> Cohort:
    return dataclasses.replace(
        cohort,
        variables={**cohort.variables, variable.name: variable},
        data={**cohort.data, variable.name: values},
    )


# ---------------------------------------------------------------------------------------------------------------------
# Binary endpoints and checks
# ---------------------------------------------------------------------------------------------------------------------


def _outcome(cohort: Cohort, item: BinaryEndpoint, found: Findings) -> Cohort | None:
    key = f"endpoints.{item.name}"
    recorded = evaluate(cohort, item.when, f"{key}.when", found, "yes/no")
    if recorded is None:
        return None
    given_names = given(cohort, _needs(item))
    outcome = binary_outcome(recorded, item.unknown)
    if item.confirm:
        _confirm(cohort, item, outcome, given_names, found)
    variable = Variable(
        name=item.name,
        kind="yes/no",
        label=item.label or item.name,
        levels=YES_NO_LEVELS,
        labels=level_labels(cohort.study, YES_NO_LEVELS, "yes/no"),
        formed="after outcome",
        given_names=given_names,
    )
    values = Values(kind="yes/no", data=outcome.event, missing=outcome.missing)
    frame = pd.DataFrame(
        {
            "event": _nullable(outcome.event, outcome.missing),
            "recorded": _nullable(recorded.data.astype(bool), recorded.missing),
        },
        index=cohort.index,
    )
    cohort = _with(cohort, variable, values)
    return dataclasses.replace(cohort, endpoints={**cohort.endpoints, item.name: frame})


def _confirm(
    cohort: Cohort, item: BinaryEndpoint, outcome: BinaryOutcome, given_names: frozenset[str], found: Findings
) -> None:
    """Where the recorded column is known it must say the same."""
    column = resolve(item.confirm, cohort.variables)
    if column is None:
        return
    values = cohort.data[column]
    if values.kind != "yes/no":
        found.study("key-type", f"endpoints.{item.name}.confirm", f"{column} is a {values.kind}; yes/no is needed.")
        return
    differs = ~values.missing & (outcome.missing | (values.data.astype(bool) != outcome.event))
    for patient in np.flatnonzero(differs):
        computed = "missing" if outcome.missing[patient] else YES_NO_LEVELS[int(not outcome.event[patient])]
        recorded = YES_NO_LEVELS[int(not values.data[patient])]
        message = f"{item.name} is {computed} by its definition, {column} says {recorded}."
        found.patient(
            "confirm-differs",
            int(patient),
            column,
            message,
            "Correct the one that is wrong.",
            key=f"endpoints.{item.name}.confirm",
            because=given_names | {column},
        )


def _nullable(values: npt.NDArray[np.bool_], missing: npt.NDArray[np.bool_]) -> Any:
    return pd.arrays.BooleanArray(values.astype(bool).copy(), missing.copy())


def _check(cohort: Cohort, found: Findings) -> None:
    for place, rule in enumerate(cohort.study.checks):
        key = f"check[{place}].when"
        needed = sorted(parse_expression(rule.when).names)
        if not all(resolve(name, cohort.variables) for name in needed):
            continue
        answer = evaluate(cohort, rule.when, key, found, "yes/no")
        if answer is None:
            continue
        because = given(cohort, needed)
        columns = [name for name in map(str, needed) if name in cohort.variables]
        for patient in np.flatnonzero(~answer.missing & ~answer.data.astype(bool)):
            message = rule.message or f"{rule.when} is false."
            column = columns[0] if len(columns) == 1 else ""
            mend = "" if rule.message else "Correct the cells, or the rule."
            found.patient("check-failed", int(patient), column, message, mend, key=key, because=because)
