"""One finding of an audit: what was printed, what it should be, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["FAILS", "VERDICTS", "Finding", "Verdict", "in_order"]

Verdict = Literal["cannot hold", "paper differs from itself", "last digit", "doubtful", "not checkable", "holds"]
VERDICTS: tuple[Verdict, ...] = (
    "cannot hold",
    "paper differs from itself",
    "last digit",
    "doubtful",
    "not checkable",
    "holds",
)
"""In the order in which they are listed."""

FAILS: frozenset[Verdict] = frozenset({"cannot hold", "paper differs from itself", "last digit", "doubtful"})
"""Verdicts that fail a strict audit, unless a reader has looked into them."""

CHECKS = (
    "percent",
    "percent-style",
    "percent-sum",
    "sum",
    "denominator",
    "same value",
    "cross-table",
    "subgroup",
    "p",
    "p-attainable",
    "median-granularity",
    "mean-granularity",
    "range",
    "km-limits",
    "ratio-interval",
    "median-ratio",
    "events-needed",
    "information",
    "count-order",
    "rule",
)
"""Every check, in the order in which findings of one address are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check says about one printed statement.

    Parameters
    ----------
    id
        Address of the statement.
    where
        Place in the paper.
    check
        Name of the check.
    printed
        What was printed.
    recomputed
        What it should be, or what it was held against.
    verdict
        ``cannot hold``, ``paper differs from itself``, ``last digit``, ``doubtful``, ``not checkable`` or ``holds``.
    note
        What fits instead, what excludes what, or what is missing.
    tier
        The weakest tier of the statements that the conclusion needs.
    quantity
        Variable, level and statistic in short.
    known
        What a reader found out about it, from ``[known]``.
    remark
        Whether it is listed although it holds.
    """

    id: str
    where: str
    check: str
    printed: str
    recomputed: str = ""
    verdict: Verdict
    note: str = ""
    tier: str = "published"
    quantity: str = ""
    known: str = ""
    remark: bool = False

    @property
    def fails(self) -> bool:
        """Whether something is wrong that no reader has looked into."""
        return self.verdict in FAILS and not self.known

    @property
    def shown(self) -> bool:
        """Whether it is listed where only the rest is asked for."""
        return self.verdict != "holds" or self.remark

    @property
    def full_note(self) -> str:
        """The note, and what a reader found out."""
        return "; ".join(part for part in (self.note, f"known: {self.known}" if self.known else "") if part)


def in_order(findings: Iterable[Finding], known: Mapping[str, str]) -> tuple[Finding, ...]:
    """Findings in the order in which they are listed: by verdict, inside by address; each with what is known of it."""
    from dataclasses import replace

    marked = (
        replace(finding, known=known[finding.id]) if finding.id in known and finding.verdict in FAILS else finding
        for finding in findings
    )
    return tuple(
        sorted(
            marked,
            key=lambda one: (
                VERDICTS.index(one.verdict),
                one.id,
                CHECKS.index(one.check),
                one.where,
                one.printed,
                one.recomputed,
            ),
        )
    )
