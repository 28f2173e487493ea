"""The numbers of an edited manuscript, held against the results of the study."""

from cohortstats.report.manuscript.check import ManuscriptCheck, Unmatched, check_manuscript

__all__ = ["ManuscriptCheck", "Unmatched", "check_manuscript"]
