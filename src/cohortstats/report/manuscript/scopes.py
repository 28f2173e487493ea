"""Rows of a pasted table and the exhibit that they come from, told by the names of the lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from cohortstats.analysis.results import Analysis
from cohortstats.report.manuscript.passages import PastedTable, passage
from cohortstats.tables.table import plain

__all__ = ["ExhibitRows", "Scope", "exhibits_like"]

LEAST_ROWS = 2
LEAST_SHARE = 0.5


def _name(text: str) -> str:
    """A name of a line as it is compared."""
    even = re.sub(r"\s+", " ", text).strip().casefold()
    even = re.sub(r"\s*[,(]?\s*(?:no\.?|n)\s*\(%\)\)?$", "", even)
    return even.strip(" :*†‡")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    name: str
    cells: tuple[frozenset[str], ...]

    @property
    def addresses(self) -> frozenset[str]:
        return frozenset(address for cell in self.cells for address in cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    lines: tuple[_Line, ...]

    @property
    def addresses(self) -> frozenset[str]:
        return frozenset(address for line in self.lines for address in line.addresses)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExhibitRows:
    """Names of the lines of an exhibit, and the results on each."""

    id: str
    groups: tuple[_Group, ...]
    addresses: frozenset[str]
    columns: int

    @classmethod
    def of(cls, analysis: Analysis) -> ExhibitRows:
        """The lines of an exhibit."""
        groups = []
        for group in analysis.table.groups:
            lines = []
            for row in group.rows:
                name = _name(passage(plain(analysis.table.text(row.cells[0]))).even)
                lines.append(_Line(name=name, cells=tuple(frozenset(cell.results) for cell in row.cells)))
            groups.append(_Group(lines=tuple(lines)))
        everything = frozenset(record.address for record in analysis.records)
        columns = len(analysis.table.columns)
        return cls(id=analysis.id, groups=tuple(groups), addresses=everything, columns=columns)

    @property
    def names(self) -> frozenset[str]:
        """All names of lines."""
        return frozenset(line.name for group in self.groups for line in group.lines if line.name)

    def start(self) -> Scope:
        """A walk down the lines of a pasted table."""
        return Scope(exhibit=self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineScope:
    """Addresses that a line may quote, and those of each of its cells."""

    all: frozenset[str]
    cells: tuple[frozenset[str], ...]

    def of(self, column: int, *, by_column: bool) -> frozenset[str]:
        """Addresses for a cell: its own where it has some and columns count, else those of the line."""
        own = self.cells[column] if by_column and column < len(self.cells) else frozenset()
        return own or self.all


@dataclass(slots=True, kw_only=True)
class Scope:
    """Where in the exhibit a walk down a pasted table has come."""

    exhibit: ExhibitRows
    group: int = field(default=-1)

    def step(self, label: str) -> LineScope | None:
        """What a line of this name may quote; None when the exhibit has no such line."""
        name = _name(label)
        if not name:
            return None
        groups = self.exhibit.groups
        # The name of a variable opens its group; a level is looked for in the open one first.
        order = [
            *([self.group] if self.group >= 0 else []),
            *range(self.group + 1, len(groups)),
            *range(max(self.group, 0)),
        ]
        for place in order:
            group = groups[place]
            for line in group.lines:
                if line.name == name:
                    self.group = place
                    of_comparison = frozenset(a for a in group.addresses if "//" in a)
                    return LineScope(all=(line.addresses or group.addresses) | of_comparison, cells=line.cells)
        return None


def exhibits_like(table: PastedTable, exhibits: Sequence[ExhibitRows]) -> list[ExhibitRows]:
    """Exhibits whose lines a pasted table has, the most alike first."""
    names = [_name(row[0].even) for row in table.rows if row]
    named = [name for name in names if name]
    found = []
    for exhibit in exhibits:
        shared = sum(name in exhibit.names for name in named)
        if shared >= min(LEAST_ROWS, len(exhibit.names)) and shared >= LEAST_SHARE * (len(named) - 1) and shared:
            # Of two exhibits with these lines the one that has few others.
            found.append((shared + shared / (1 + len(exhibit.names)), exhibit))
    return [exhibit for _, exhibit in sorted(found, key=lambda pair: -pair[0])]
