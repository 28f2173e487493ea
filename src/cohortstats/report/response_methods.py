"""Sentences of the methods paragraph on responses: which visits counted, from when on, and how they were confirmed."""

from __future__ import annotations

from collections.abc import Iterator

from cohortstats.cohort import Cohort
from cohortstats.study import BestResponse, FirstEvaluation, VisitRule
from cohortstats.tables.language import Words

__all__ = ["response_sentences"]


def response_sentences(cohort: Cohort, say: Words) -> Iterator[str]:
    """What the study file declares for best responses and first evaluations, in its order."""
    for rule in cohort.study.rules.values():
        if rule.name not in cohort.variables or not isinstance(rule, VisitRule):
            continue
        label = cohort.variables[rule.name].label
        said = {"label": label, "start": cohort.variable(rule.start).label, "stream": _stream(rule, say)}
        if isinstance(rule, BestResponse):
            yield say("methods_best_response", days=rule.min_sd, confirmation=_confirmation(rule, say), **said)
        elif isinstance(rule, FirstEvaluation):
            yield say(f"methods_first_evaluation_{rule.evaluation}", **said)
            if rule.before_scan:
                yield say(f"methods_before_scan_{rule.before_scan}", label=label)


def _stream(rule: VisitRule, say: Words) -> str:
    """Whose readings they are."""
    if rule.accepted:
        return say("response_accepted")
    return say("response_reader", reader=rule.reader) if rule.reader else ""


def _confirmation(rule: BestResponse, say: Words) -> str:
    if not rule.confirmed:
        return say("best_response_unconfirmed")
    key = "best_response_confirmed_accept_sd" if rule.accept_sd else "best_response_confirmed"
    return say(key, confirm=rule.confirm, max_ne=rule.max_ne)
