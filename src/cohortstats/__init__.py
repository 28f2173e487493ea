"""Retrospective cohort studies: a paper's Methods section as a package.

Two small values are the heart: :class:`CountTable` (patients by group and outcome) and :class:`EventTable` (at risk,
events, censored at each time). Everything printed is a function of one of them, whether it comes from patient rows or
from counts in a paper.

Examples
--------
>>> import cohortstats as cs
>>> f = cs.fisher_exact(cs.CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17)))
>>> round(f.p_value, 4), f.significant(0.05)
(0.4384, False)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cohortstats.errors import CohortStatsError, CohortStatsWarning, DataError, InputError, Problem
from cohortstats.version import __version__

if TYPE_CHECKING:
    from cohortstats.analysis.association import association, count_table
    from cohortstats.analysis.characteristics import characteristics
    from cohortstats.analysis.listing import listing
    from cohortstats.analysis.measurements import measurements
    from cohortstats.analysis.response import response
    from cohortstats.analysis.results import Analysis, Result
    from cohortstats.analysis.time_to_event import time_to_event
    from cohortstats.cohort import Cohort
    from cohortstats.loaders import load_cohort
    from cohortstats.report.agreement import Agreement
    from cohortstats.report.plan import make_exhibit, make_exhibits
    from cohortstats.report.reproduce import reproduce
    from cohortstats.report.write import Report, write_report
    from cohortstats.shipped import shipped_study
    from cohortstats.stats.conventions import Conventions
    from cohortstats.stats.counts import CountTable, proportion_ci
    from cohortstats.stats.effects import odds_ratio, risk_difference, risk_ratio
    from cohortstats.stats.events import EventTable
    from cohortstats.stats.exact import fisher_exact, fisher_exact_rxc
    from cohortstats.stats.kaplan_meier import KaplanMeier, kaplan_meier
    from cohortstats.stats.log_rank import log_rank_test
    from cohortstats.stats.multiplicity import adjust_p
    from cohortstats.study import Study

_HOME = {
    "Agreement": "report.agreement",
    "Analysis": "analysis.results",
    "Cohort": "cohort",
    "Conventions": "stats.conventions",
    "CountTable": "stats.counts",
    "EventTable": "stats.events",
    "KaplanMeier": "stats.kaplan_meier",
    "Report": "report.write",
    "Result": "analysis.results",
    "Study": "study",
    "adjust_p": "stats.multiplicity",
    "association": "analysis.association",
    "characteristics": "analysis.characteristics",
    "count_table": "analysis.association",
    "fisher_exact": "stats.exact",
    "fisher_exact_rxc": "stats.exact",
    "kaplan_meier": "stats.kaplan_meier",
    "listing": "analysis.listing",
    "load_cohort": "loaders",
    "log_rank_test": "stats.log_rank",
    "make_exhibit": "report.plan",
    "make_exhibits": "report.plan",
    "measurements": "analysis.measurements",
    "odds_ratio": "stats.effects",
    "proportion_ci": "stats.counts",
    "reproduce": "report.reproduce",
    "response": "analysis.response",
    "risk_difference": "stats.effects",
    "risk_ratio": "stats.effects",
    "shipped_study": "shipped",
    "time_to_event": "analysis.time_to_event",
    "write_report": "report.write",
}
"""Public name -> the module that makes it; loaded when the name is first used (PEP 562)."""

__all__ = [
    "Agreement",
    "Analysis",
    "Cohort",
    "CohortStatsError",
    "CohortStatsWarning",
    "Conventions",
    "CountTable",
    "DataError",
    "EventTable",
    "InputError",
    "KaplanMeier",
    "Problem",
    "Report",
    "Result",
    "Study",
    "__version__",
    "adjust_p",
    "association",
    "characteristics",
    "count_table",
    "fisher_exact",
    "fisher_exact_rxc",
    "kaplan_meier",
    "listing",
    "load_cohort",
    "log_rank_test",
    "make_exhibit",
    "make_exhibits",
    "measurements",
    "odds_ratio",
    "proportion_ci",
    "reproduce",
    "response",
    "risk_difference",
    "risk_ratio",
    "shipped_study",
    "time_to_event",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"cohortstats.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'cohortstats' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
