"""Sentences of the methods paragraph on trials and curves of others."""

from __future__ import annotations

from cohortstats.analysis.results import Analysis
from cohortstats.study import Trials
from cohortstats.tables.language import Words

__all__ = ["evidence_sentences"]


def evidence_sentences(analysis: Analysis, say: Words) -> list[str]:
    """How printed ratios were pooled, how arms were rebuilt and compared; nothing that did not run."""
    found = analysis.methods
    if isinstance(analysis.entry, Trials):
        if not found["pooled"]:
            return []
        method, limits = say(f"pooled_{found['method']}"), say(f"pooled_limits_{found['interval']}")
        return [say("methods_trials", method=method, limits=limits)]
    methods = found["methods"]
    assert isinstance(methods, tuple)  # as the exhibit leaves them
    names = say("between_covariates").join(say(f"curves_{method}") for method in methods)
    compared = [say("methods_curves_compared")] if found["compared"] else []
    return [say("methods_curves", method=names), *compared]
