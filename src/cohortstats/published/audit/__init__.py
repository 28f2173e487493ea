"""Can the printed numbers of a paper be right, alone and beside each other? One module for each kind of check."""

from cohortstats.published.audit.finding import Finding
from cohortstats.published.audit.result import AuditResult
from cohortstats.published.audit.run import audit

__all__ = ["AuditResult", "Finding", "audit"]
