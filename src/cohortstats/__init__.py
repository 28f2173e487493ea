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
    from cohortstats.analysis.regression import regression
    from cohortstats.analysis.response import response
    from cohortstats.analysis.results import Analysis, Result
    from cohortstats.analysis.time_to_event import time_to_event
    from cohortstats.cohort import Cohort
    from cohortstats.derivations.landmark import landmark
    from cohortstats.loaders import load_cohort
    from cohortstats.report.agreement import Agreement
    from cohortstats.report.compare_conventions import compare_conventions
    from cohortstats.report.plan import make_exhibit, make_exhibits
    from cohortstats.report.reproduce import reproduce
    from cohortstats.report.write import Report, write_report
    from cohortstats.shipped import shipped_study
    from cohortstats.stats.chi_square import chi_square
    from cohortstats.stats.competing import GrayTest, cumulative_incidence, fine_gray, gray_test
    from cohortstats.stats.conventions import Conventions
    from cohortstats.stats.counts import CountTable, proportion_ci
    from cohortstats.stats.effects import odds_ratio, risk_difference, risk_ratio
    from cohortstats.stats.events import EventTable
    from cohortstats.stats.exact import attainable_p, fisher_exact, fisher_exact_rxc
    from cohortstats.stats.fisher_power import detectable_rate, fisher_power
    from cohortstats.stats.follow_up import follow_up
    from cohortstats.stats.hazard import CoxModel, cox
    from cohortstats.stats.kaplan_meier import KaplanMeier, kaplan_meier
    from cohortstats.stats.log_rank import log_rank_test
    from cohortstats.stats.log_rank_exact import log_rank_exact
    from cohortstats.stats.log_rank_pairs import log_rank_pairwise, log_rank_trend
    from cohortstats.stats.maximally_selected import maxstat
    from cohortstats.stats.mid_p import fisher_midp
    from cohortstats.stats.multiplicity import adjust_p, tarone
    from cohortstats.stats.restricted_mean import rmst, rmst_difference, survival_difference
    from cohortstats.stats.selection import selection_adjusted_p
    from cohortstats.stats.unconditional import barnard, boschloo
    from cohortstats.study import Study

_HOME = {
    "Agreement": "report.agreement",
    "Analysis": "analysis.results",
    "Cohort": "cohort",
    "Conventions": "stats.conventions",
    "CountTable": "stats.counts",
    "CoxModel": "stats.hazard",
    "EventTable": "stats.events",
    "GrayTest": "stats.competing",
    "KaplanMeier": "stats.kaplan_meier",
    "Report": "report.write",
    "Result": "analysis.results",
    "Study": "study",
    "adjust_p": "stats.multiplicity",
    "association": "analysis.association",
    "attainable_p": "stats.exact",
    "barnard": "stats.unconditional",
    "boschloo": "stats.unconditional",
    "characteristics": "analysis.characteristics",
    "chi_square": "stats.chi_square",
    "compare_conventions": "report.compare_conventions",
    "count_table": "analysis.association",
    "cox": "stats.hazard",
    "cumulative_incidence": "stats.competing",
    "detectable_rate": "stats.fisher_power",
    "fine_gray": "stats.competing",
    "fisher_exact": "stats.exact",
    "fisher_exact_rxc": "stats.exact",
    "fisher_midp": "stats.mid_p",
    "fisher_power": "stats.fisher_power",
    "follow_up": "stats.follow_up",
    "gray_test": "stats.competing",
    "kaplan_meier": "stats.kaplan_meier",
    "landmark": "derivations.landmark",
    "listing": "analysis.listing",
    "load_cohort": "loaders",
    "log_rank_exact": "stats.log_rank_exact",
    "log_rank_pairwise": "stats.log_rank_pairs",
    "log_rank_test": "stats.log_rank",
    "log_rank_trend": "stats.log_rank_pairs",
    "make_exhibit": "report.plan",
    "make_exhibits": "report.plan",
    "maxstat": "stats.maximally_selected",
    "measurements": "analysis.measurements",
    "odds_ratio": "stats.effects",
    "proportion_ci": "stats.counts",
    "regression": "analysis.regression",
    "reproduce": "report.reproduce",
    "response": "analysis.response",
    "risk_difference": "stats.effects",
    "risk_ratio": "stats.effects",
    "rmst": "stats.restricted_mean",
    "rmst_difference": "stats.restricted_mean",
    "selection_adjusted_p": "stats.selection",
    "shipped_study": "shipped",
    "survival_difference": "stats.restricted_mean",
    "tarone": "stats.multiplicity",
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
    "CoxModel",
    "DataError",
    "EventTable",
    "GrayTest",
    "InputError",
    "KaplanMeier",
    "Problem",
    "Report",
    "Result",
    "Study",
    "__version__",
    "adjust_p",
    "association",
    "attainable_p",
    "barnard",
    "boschloo",
    "characteristics",
    "chi_square",
    "compare_conventions",
    "count_table",
    "cox",
    "cumulative_incidence",
    "detectable_rate",
    "fine_gray",
    "fisher_exact",
    "fisher_exact_rxc",
    "fisher_midp",
    "fisher_power",
    "follow_up",
    "gray_test",
    "kaplan_meier",
    "landmark",
    "listing",
    "load_cohort",
    "log_rank_exact",
    "log_rank_pairwise",
    "log_rank_test",
    "log_rank_trend",
    "make_exhibit",
    "make_exhibits",
    "maxstat",
    "measurements",
    "odds_ratio",
    "proportion_ci",
    "regression",
    "reproduce",
    "response",
    "risk_difference",
    "risk_ratio",
    "rmst",
    "rmst_difference",
    "selection_adjusted_p",
    "shipped_study",
    "survival_difference",
    "tarone",
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
