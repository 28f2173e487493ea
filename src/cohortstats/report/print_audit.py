"""The report's section on the printed paper itself: which of its numbers cannot be right, alone or together."""

from __future__ import annotations

from cohortstats.published.audit import AuditResult, audit
from cohortstats.published.audit.page import SIGNS
from cohortstats.published.audit.result import place_of
from cohortstats.study import Study
from cohortstats.tables.language import Words
from cohortstats.tables.table import Cell, Column, Row, RowGroup, Table

__all__ = ["audit_lines", "audit_of_print", "audit_summary", "audit_table"]


def audit_of_print(study: Study) -> AuditResult | None:
    """Every check of the study's printed values; None when it has none."""
    return audit(study.printed.path) if study.printed is not None else None


def audit_summary(found: AuditResult, say: Words) -> str:
    """How many checks gave which verdict."""
    counts = [
        say("audit_count", n=count, verdict=say(f"audit_{verdict}")) for verdict, count in found.counts.items() if count
    ]
    return say("audit_checks", n=len(found.items)) + say("ledger_colon") + say("ledger_comma").join(counts)


def audit_lines(found: AuditResult, say: Words) -> list[tuple[str, str, str, str, str]]:
    """What does not simply hold: quantity, printed, recomputed, verdict with its sign, note."""
    return [
        (
            " · ".join(place_of(item).split("  ")),
            item.printed,
            item.recomputed,
            f"{SIGNS[item.verdict]} {say(f'audit_{item.verdict}')}",
            item.known or item.note,
        )
        for item in found.shown
    ]


def audit_table(found: AuditResult, lang: str, say: Words) -> Table:
    """What does not simply hold, one finding a line; the places and notes are those of the audit."""
    return Table(
        id="audit",
        number="",
        caption=say("audit_open"),
        columns=(
            Column(label=say("ledger_quantity"), align="left", kind="stub"),
            Column(label=say("audit_printed")),
            Column(label=say("audit_recomputed")),
            Column(label=say("ledger_verdict"), align="left"),
            Column(label=say("ledger_note"), align="left"),
        ),
        groups=tuple(
            RowGroup(rows=(Row(kind="line", cells=tuple(Cell(value=text) for text in line)),))
            for line in audit_lines(found, say)
        ),
        lang=lang,
    )
