"""What an audit gives: every finding, how many of each verdict, and the last lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cohortstats.published.audit.finding import VERDICTS, Finding
from cohortstats.stats.results import frame_bundle

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "AuditResult"]

COLUMNS = ("id", "where", "check", "printed", "recomputed", "verdict", "note", "tier")
WIDTHS = (34, 20, 34, 26, 46)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AuditResult:
    """Result of :func:`audit`: every check of every printed number.

    Parameters
    ----------
    id, title
        Of the paper.
    items
        One finding a check and statement, the worst first, inside by address.
    sentences
        The last lines: how percentages are rounded, what the P values are, what is not typed.
    not_typed
        Cells of the file that are still empty.

    Examples
    --------
    >>> import cohortstats as cs
    >>> found = cs.audit(cs.shipped_study("sakai2018"))
    >>> print(found.summary)
    64 percentages: 60 half-up, 3 cut, 1 neither. 9 P: 8 are Fisher's, 1 needs times.
    >>> found.counts["cannot hold"], found.counts["paper differs from itself"], found.counts["last digit"], found.fails
    (2, 3, 3, False)
    """

    id: str
    title: str
    items: tuple[Finding, ...]
    sentences: tuple[str, ...]
    not_typed: int = 0

    @property
    def findings(self) -> pd.DataFrame:
        """One row a finding: id, where, check, printed, recomputed, verdict, note, tier."""
        return self.to_frame()

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of findings of each verdict."""
        return {verdict: sum(item.verdict == verdict for item in self.items) for verdict in VERDICTS}

    @property
    def fails(self) -> bool:
        """Whether something is wrong that no reader has looked into."""
        return any(item.fails for item in self.items)

    @property
    def summary(self) -> str:
        """The last lines in one."""
        return " ".join(self.sentences)

    @property
    def shown(self) -> tuple[Finding, ...]:
        """What does not simply hold."""
        return tuple(item for item in self.items if item.shown)

    def records(self) -> list[dict[str, str]]:
        """One dict a finding, as ``--json`` prints them."""
        return [
            {name: item.full_note if name == "note" else getattr(item, name) for name in COLUMNS[:-1]}
            for item in self.items
        ]

    def to_frame(self) -> pd.DataFrame:
        """One row a finding: id, where, check, printed, recomputed, verdict, note, tier."""
        import pandas as pd

        rows = [[item.full_note if name == "note" else getattr(item, name) for name in COLUMNS] for item in self.items]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def to_html(self) -> str:
        """One self-contained page of the findings."""
        from cohortstats.published.audit.page import audit_page

        return audit_page(self)

    def lines(self, *, everything: bool = False) -> list[str]:
        """Lines for a terminal: a table of what does not hold, or of everything, without the last lines."""
        from cohortstats.tables.writers.text import align, fold

        items = self.items if everything else self.shown
        if not items:
            return []
        rows = [["Where", "Check", "Printed", "Recomputed", "Verdict", "Note"]]
        for item in items:
            note = f"known: {item.known}" if item.known else item.note
            texts = (place_of(item), item.check, item.printed, item.recomputed, note)
            where, check, printed, recomputed, noted = (
                fold(text, width) or [""] for text, width in zip(texts, WIDTHS, strict=True)
            )
            pieces = (where, check, printed, recomputed, [item.verdict], noted)
            height = max(len(piece) for piece in pieces)
            rows += [[piece[line] if line < len(piece) else "" for piece in pieces] for line in range(height)]
        return align(rows, left=[True] * 6)

    def __repr__(self) -> str:
        head = f"AuditResult {self.id}: {_totals(self.counts)}"
        return "\n".join([head, *self.lines(), *self.sentences])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What does not hold; ``to_frame()`` has every finding."""
        del include, exclude
        frame = self.to_frame()
        apart = frame[[item.shown for item in self.items]].drop(columns="tier")
        return frame_bundle(apart, name=f"{self.id}: {_totals(self.counts)}", plain=repr(self))


def place_of(item: Finding) -> str:
    """Place in the paper and quantity, in words."""
    words = item.quantity.replace("_", " ").removesuffix(", n")
    words = words.removesuffix(" yes, percent") + ", %" if words.endswith(" yes, percent") else words
    words = words.removesuffix(", percent") + ", %" if words.endswith(", percent") else words
    return "  ".join(part for part in (item.where, words) if part)


def _totals(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    parts = [f"{count} {verdict}" for verdict, count in counts.items() if count]
    return f"{total} findings: {', '.join(parts)}" if parts else "nothing to check"


def sentences_of(parts: Sequence[str]) -> tuple[str, ...]:
    """Those that say something."""
    return tuple(part for part in parts if part)
