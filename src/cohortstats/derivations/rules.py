"""The rules of ``[derive]``: which function makes what a rule declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cohortstats.cohort import Cohort
from cohortstats.derivations.findings import Findings
from cohortstats.derivations.response_rules import best_response_rule, first_evaluation_rule
from cohortstats.derivations.treatment_rules import her2_rule, lines_rule, receptor_rule
from cohortstats.study import BestResponse, FirstEvaluation, Her2, LinesOfTherapyRule, Receptor, Rule

__all__ = ["apply_rule"]

MAKERS: Mapping[type[Rule], Callable[[Cohort, Any, Findings], Cohort | None]] = {
    BestResponse: best_response_rule,
    FirstEvaluation: first_evaluation_rule,
    Her2: her2_rule,
    LinesOfTherapyRule: lines_rule,
    Receptor: receptor_rule,
}
"""Rule -> what makes its variables: a cohort with more of them, or None when a problem was noted."""


def apply_rule(cohort: Cohort, item: Rule, found: Findings) -> Cohort | None:
    """Make the variables of a rule; None when a problem was noted that leaves none of them."""
    return MAKERS[type(item)](cohort, item, found)
