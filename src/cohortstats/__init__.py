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
    from cohortstats.analysis.droplet_picture import droplet_picture
    from cohortstats.analysis.flow import flow
    from cohortstats.analysis.listing import listing
    from cohortstats.analysis.measurements import measurements
    from cohortstats.analysis.missing_values import missing_values
    from cohortstats.analysis.missingness import missingness
    from cohortstats.analysis.regression import regression
    from cohortstats.analysis.response import response
    from cohortstats.analysis.results import Analysis, Result
    from cohortstats.analysis.screen import Screen, screen
    from cohortstats.analysis.selection_check import selection_check
    from cohortstats.analysis.swimmer import swimmer
    from cohortstats.analysis.time_to_event import time_to_event
    from cohortstats.analysis.waterfall import waterfall
    from cohortstats.cohort import Cohort
    from cohortstats.ctdna.amplitudes import read_amplitudes
    from cohortstats.ctdna.calls import call_count, call_ratio, call_value, combine_calls
    from cohortstats.ctdna.read import read_ddpcr
    from cohortstats.ctdna.sample_calls import call_columns, call_sample_counts, call_sample_ratios
    from cohortstats.ctdna.samples import blank_limit, pool_samples
    from cohortstats.ctdna.wells import pool_wells
    from cohortstats.derivations.best_response import best_response
    from cohortstats.derivations.landmark import landmark
    from cohortstats.derivations.lesions import timepoint_response
    from cohortstats.derivations.lines import lines_of_therapy
    from cohortstats.derivations.receptors import her2_status, hormone_receptor_status
    from cohortstats.loaders import load_cohort
    from cohortstats.published.audit.result import AuditResult
    from cohortstats.published.audit.run import audit
    from cohortstats.published.bounds.bounds import bounds
    from cohortstats.published.curve.arms import ArmComparison, compare_arms
    from cohortstats.published.curve.exhibit import curves
    from cohortstats.published.curve.reconstruct import Reconstruction, reconstruct_curve
    from cohortstats.published.curve.vector import read_vector_curve
    from cohortstats.published.rebuild.rebuild import rebuild
    from cohortstats.published.rebuild.rebuilt import Rebuilt
    from cohortstats.published.trials.exhibit import trials
    from cohortstats.published.trials.pooled import PooledTrials, pool_trials
    from cohortstats.published.trials.read import read_trials
    from cohortstats.report.agreement import Agreement
    from cohortstats.report.compare_conventions import compare_conventions
    from cohortstats.report.manuscript import ManuscriptCheck, check_manuscript
    from cohortstats.report.plan import make_exhibit, make_exhibits
    from cohortstats.report.reproduce import reproduce
    from cohortstats.report.start import start_study
    from cohortstats.report.write import Report, write_report
    from cohortstats.shipped import shipped_study
    from cohortstats.stats.bootstrap_median import bootstrap_median
    from cohortstats.stats.chi_square import chi_square
    from cohortstats.stats.column_summary import ColumnSummary
    from cohortstats.stats.competing import GrayTest, cumulative_incidence, fine_gray, gray_test
    from cohortstats.stats.conventions import Conventions
    from cohortstats.stats.counts import CountTable, proportion_ci
    from cohortstats.stats.droplet_limits import (
        blanks_needed,
        chance_of_exceeding,
        false_positive_chance,
        limit_of_blank,
        limit_of_blank_ep17,
        limit_of_detection,
        tumor_fraction_needed,
    )
    from cohortstats.stats.droplet_ratio import copy_ratio, linked_copies, printed_ratio
    from cohortstats.stats.droplets import copies_per_ml_plasma, droplet_concentration, saturation_limit
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
    "ArmComparison": "published.curve.arms",
    "AuditResult": "published.audit.result",
    "Cohort": "cohort",
    "ColumnSummary": "stats.column_summary",
    "Conventions": "stats.conventions",
    "CountTable": "stats.counts",
    "CoxModel": "stats.hazard",
    "EventTable": "stats.events",
    "GrayTest": "stats.competing",
    "KaplanMeier": "stats.kaplan_meier",
    "ManuscriptCheck": "report.manuscript",
    "PooledTrials": "published.trials.pooled",
    "Rebuilt": "published.rebuild.rebuilt",
    "Reconstruction": "published.curve.reconstruct",
    "Report": "report.write",
    "Result": "analysis.results",
    "Screen": "analysis.screen",
    "Study": "study",
    "adjust_p": "stats.multiplicity",
    "association": "analysis.association",
    "attainable_p": "stats.exact",
    "audit": "published.audit.run",
    "barnard": "stats.unconditional",
    "best_response": "derivations.best_response",
    "blank_limit": "ctdna.samples",
    "blanks_needed": "stats.droplet_limits",
    "bootstrap_median": "stats.bootstrap_median",
    "boschloo": "stats.unconditional",
    "bounds": "published.bounds.bounds",
    "call_columns": "ctdna.sample_calls",
    "call_count": "ctdna.calls",
    "call_ratio": "ctdna.calls",
    "call_sample_counts": "ctdna.sample_calls",
    "call_sample_ratios": "ctdna.sample_calls",
    "call_value": "ctdna.calls",
    "chance_of_exceeding": "stats.droplet_limits",
    "characteristics": "analysis.characteristics",
    "check_manuscript": "report.manuscript",
    "chi_square": "stats.chi_square",
    "combine_calls": "ctdna.calls",
    "compare_arms": "published.curve.arms",
    "compare_conventions": "report.compare_conventions",
    "copies_per_ml_plasma": "stats.droplets",
    "copy_ratio": "stats.droplet_ratio",
    "count_table": "analysis.association",
    "cox": "stats.hazard",
    "cumulative_incidence": "stats.competing",
    "curves": "published.curve.exhibit",
    "detectable_rate": "stats.fisher_power",
    "droplet_concentration": "stats.droplets",
    "droplet_picture": "analysis.droplet_picture",
    "false_positive_chance": "stats.droplet_limits",
    "fine_gray": "stats.competing",
    "fisher_exact": "stats.exact",
    "fisher_exact_rxc": "stats.exact",
    "fisher_midp": "stats.mid_p",
    "fisher_power": "stats.fisher_power",
    "flow": "analysis.flow",
    "follow_up": "stats.follow_up",
    "gray_test": "stats.competing",
    "her2_status": "derivations.receptors",
    "hormone_receptor_status": "derivations.receptors",
    "kaplan_meier": "stats.kaplan_meier",
    "landmark": "derivations.landmark",
    "limit_of_blank": "stats.droplet_limits",
    "limit_of_blank_ep17": "stats.droplet_limits",
    "limit_of_detection": "stats.droplet_limits",
    "lines_of_therapy": "derivations.lines",
    "linked_copies": "stats.droplet_ratio",
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
    "missing_values": "analysis.missing_values",
    "missingness": "analysis.missingness",
    "odds_ratio": "stats.effects",
    "pool_samples": "ctdna.samples",
    "pool_trials": "published.trials.pooled",
    "pool_wells": "ctdna.wells",
    "printed_ratio": "stats.droplet_ratio",
    "proportion_ci": "stats.counts",
    "read_amplitudes": "ctdna.amplitudes",
    "read_ddpcr": "ctdna.read",
    "read_trials": "published.trials.read",
    "read_vector_curve": "published.curve.vector",
    "rebuild": "published.rebuild.rebuild",
    "reconstruct_curve": "published.curve.reconstruct",
    "regression": "analysis.regression",
    "reproduce": "report.reproduce",
    "response": "analysis.response",
    "risk_difference": "stats.effects",
    "risk_ratio": "stats.effects",
    "rmst": "stats.restricted_mean",
    "rmst_difference": "stats.restricted_mean",
    "saturation_limit": "stats.droplets",
    "screen": "analysis.screen",
    "selection_adjusted_p": "stats.selection",
    "selection_check": "analysis.selection_check",
    "shipped_study": "shipped",
    "start_study": "report.start",
    "survival_difference": "stats.restricted_mean",
    "swimmer": "analysis.swimmer",
    "tarone": "stats.multiplicity",
    "time_to_event": "analysis.time_to_event",
    "timepoint_response": "derivations.lesions",
    "trials": "published.trials.exhibit",
    "tumor_fraction_needed": "stats.droplet_limits",
    "waterfall": "analysis.waterfall",
    "write_report": "report.write",
}
"""Public name -> the module that makes it; loaded when the name is first used (PEP 562)."""

__all__ = [
    "Agreement",
    "Analysis",
    "ArmComparison",
    "AuditResult",
    "Cohort",
    "CohortStatsError",
    "CohortStatsWarning",
    "ColumnSummary",
    "Conventions",
    "CountTable",
    "CoxModel",
    "DataError",
    "EventTable",
    "GrayTest",
    "InputError",
    "KaplanMeier",
    "ManuscriptCheck",
    "PooledTrials",
    "Problem",
    "Rebuilt",
    "Reconstruction",
    "Report",
    "Result",
    "Screen",
    "Study",
    "__version__",
    "adjust_p",
    "association",
    "attainable_p",
    "audit",
    "barnard",
    "best_response",
    "blank_limit",
    "blanks_needed",
    "bootstrap_median",
    "boschloo",
    "bounds",
    "call_columns",
    "call_count",
    "call_ratio",
    "call_sample_counts",
    "call_sample_ratios",
    "call_value",
    "chance_of_exceeding",
    "characteristics",
    "check_manuscript",
    "chi_square",
    "combine_calls",
    "compare_arms",
    "compare_conventions",
    "copies_per_ml_plasma",
    "copy_ratio",
    "count_table",
    "cox",
    "cumulative_incidence",
    "curves",
    "detectable_rate",
    "droplet_concentration",
    "droplet_picture",
    "false_positive_chance",
    "fine_gray",
    "fisher_exact",
    "fisher_exact_rxc",
    "fisher_midp",
    "fisher_power",
    "flow",
    "follow_up",
    "gray_test",
    "her2_status",
    "hormone_receptor_status",
    "kaplan_meier",
    "landmark",
    "limit_of_blank",
    "limit_of_blank_ep17",
    "limit_of_detection",
    "lines_of_therapy",
    "linked_copies",
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
    "missing_values",
    "missingness",
    "odds_ratio",
    "pool_samples",
    "pool_trials",
    "pool_wells",
    "printed_ratio",
    "proportion_ci",
    "read_amplitudes",
    "read_ddpcr",
    "read_trials",
    "read_vector_curve",
    "rebuild",
    "reconstruct_curve",
    "regression",
    "reproduce",
    "response",
    "risk_difference",
    "risk_ratio",
    "rmst",
    "rmst_difference",
    "saturation_limit",
    "screen",
    "selection_adjusted_p",
    "selection_check",
    "shipped_study",
    "start_study",
    "survival_difference",
    "swimmer",
    "tarone",
    "time_to_event",
    "timepoint_response",
    "trials",
    "tumor_fraction_needed",
    "waterfall",
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
