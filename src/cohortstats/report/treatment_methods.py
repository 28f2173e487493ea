"""Sentences of the methods paragraph on receptors and lines of therapy: guidelines and cut-offs, what made a line."""

from __future__ import annotations

from collections.abc import Iterator

from cohortstats.cohort import Cohort
from cohortstats.study import Her2, LinesOfTherapyRule, Receptor
from cohortstats.tables.language import Words

__all__ = ["treatment_sentences"]


def treatment_sentences(cohort: Cohort, say: Words) -> Iterator[str]:
    """What the study file declares for receptors, HER2 and lines of therapy, in its order."""
    for rule in cohort.study.rules.values():
        if rule.name not in cohort.variables:
            continue
        label = cohort.variables[rule.name].label
        if isinstance(rule, Receptor):
            yield say(_receptor(rule), label=label, **_receptor_parts(cohort, rule, say))
        elif isinstance(rule, Her2):
            key = "ish" if rule.ish else "guideline" if rule.guideline else "ihc"
            yield say(f"methods_her2_{key}", label=label, year=rule.guideline)
        elif isinstance(rule, LinesOfTherapyRule):
            yield from _lines(cohort, rule, label, say)


def _receptor(rule: Receptor) -> str:
    if rule.guideline:
        return "methods_receptor_2020" if rule.guideline == "ASCO/CAP 2020" else "methods_receptor_2010"
    return "methods_receptor_percent" if rule.positive_from is not None else "methods_receptor_score"


def _receptor_parts(cohort: Cohort, rule: Receptor, say: Words) -> dict[str, str]:
    labels = [cohort.variable(name).label for name in rule.columns]
    either = say("receptor_either", names=say("ledger_comma").join(labels)) if len(labels) > 1 else ""
    levels = say("ledger_comma").join(f"{level} ≥ {score:g}" for level, score in rule.levels.items())
    return {"either": either, "scale": rule.scale, "levels": levels, "limit": f"{rule.positive_from or 0:g}"}


def _lines(cohort: Cohort, rule: LinesOfTherapyRule, label: str, say: Words) -> Iterator[str]:
    index = rule.index or say("lines_index_drug")
    since = say("lines_since", date=cohort.variable(rule.metastatic).label) if rule.metastatic else ""
    yield say("methods_lines", label=label, index=index, since=since)
    if rule.endocrine:
        yield say("methods_lines_endocrine", drugs=say("ledger_comma").join(rule.endocrine))
    if rule.same_class:
        groups = say("ledger_comma").join("/".join(group) for group in rule.same_class)
        yield say("methods_lines_class", groups=groups)
