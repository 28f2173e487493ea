"""A cohort with what a rule has made: its variables, and the records that they came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from cohortstats.cohort import YES_NO_LABELS, YES_NO_LEVELS, Cohort, Variable
from cohortstats.derivations.occasions import Dated
from cohortstats.expressions import Values, resolve
from cohortstats.study import Rule

__all__ = ["with_made"]


def with_made(
    cohort: Cohort,
    rule: Rule,
    values: Mapping[str, Values],
    record: Dated,
    beside: Mapping[str, Any] = MappingProxyType({}),
) -> Cohort:
    """Add what a rule has made, with the record that each value came from.

    Parameters
    ----------
    cohort
        With every variable that the rule needs.
    rule
        The declaration; its labels, note and ``formed`` go to NAME.
    values
        One element a patient for each name of ``rule.makes``.
    record
        Record behind the value of each patient; `Dated.never` where there is none.
    beside
        More columns of the evidence, one element a patient, such as how many visits were left out.
    """
    variables = dict(cohort.variables)
    behind = (resolve(name, variables) for name in rule.needs)
    given = frozenset().union(*(variables[name].given_names for name in behind if name is not None))
    label = rule.label or rule.name
    for name, kind in rule.makes.items():
        own = name == rule.name
        levels = YES_NO_LEVELS if kind.kind == "yes/no" else values[name].levels
        plain = YES_NO_LABELS[cohort.study.report.lang] if kind.kind == "yes/no" else levels
        variables[name] = Variable(
            name=name,
            kind=kind.kind,
            label=label if own else f"{label}, {name[len(rule.name) + 1 :].replace('_', ' ')}",
            levels=levels,
            labels=(rule.labels if own else ()) or plain,
            unit=kind.unit,
            note=rule.note if own else "",
            known=rule.KNOWN,
            formed=rule.formed or rule.FORMED,
            given_names=given,
        )
    made = dataclasses.replace(
        cohort, variables=variables, data={**cohort.data, **{name: values[name] for name in rule.makes}}
    )
    unknown = record.row < 0
    evidence = pd.DataFrame(
        {
            "value": made.values(rule.name).array,
            "date": pd.Series(record.date).astype("datetime64[ns]").array,
            "table": record.table,
            "row": pd.arrays.IntegerArray(np.where(unknown, 0, record.row).astype(np.int64), unknown),
            "imputed": record.imputed,
            **beside,
        },
        index=cohort.index,
    )
    return dataclasses.replace(made, evidence={**cohort.evidence, rule.name: evidence})
