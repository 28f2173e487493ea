"""How many patients an expression counts, as the paper prints it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from cohortstats.expressions import Expression, parse_expression, resolve
from cohortstats.expressions.tree import Name, Node
from cohortstats.printed import Printed, PrintedBlock, fold_text
from cohortstats.printed.values import column_values

__all__ = ["Count", "PrintedCounts", "meaning_of", "whole_number"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A printed number of patients, and where it stands.

    Parameters
    ----------
    n
        The number.
    id
        Address of what prints it.
    where
        Place in the paper.
    parts
        The counts that it is a sum of, as printed.
    """

    n: int
    id: str
    where: str
    parts: str = ""


def whole_number(text: str) -> int | None:
    """A printed count; None for anything else.

    Examples
    --------
    >>> whole_number("34"), whole_number("34.0"), whole_number("")
    (34, None, None)
    """
    folded = fold_text(text)
    return int(folded) if folded.isascii() and folded.isdigit() else None


@cache
def _parsed(text: str) -> Expression:
    return parse_expression(text)


def _meaning(value: object) -> object:
    """A tree without the places of its parts in the text."""
    if isinstance(value, Node):
        names = (part.name for part in fields(value) if part.name not in ("start", "end"))
        return (type(value).__name__, *(_meaning(getattr(value, name)) for name in names))
    return tuple(_meaning(item) for item in value) if isinstance(value, tuple) else value


@cache
def meaning_of(text: str) -> object:
    """Two texts of one expression have the same meaning, whatever blanks and quotes of names they have.

    Examples
    --------
    >>> meaning_of("a  == 'x'") == meaning_of("`a` == 'x'"), meaning_of("a") == meaning_of("not a")
    (True, False)
    """
    return _meaning(_parsed(text).tree) if text else ()


class PrintedCounts:
    """Every count that a file prints, by what it counts and among whom."""

    def __init__(self, printed: Printed) -> None:
        self.printed = printed
        self.n = printed.n
        self._texts: dict[tuple[object, object], list[Count]] = {}
        for text in printed.texts:
            if text.cohort == "other" or text.about or text.rule:
                continue
            n, of = whole_number(text.n), whole_number(text.of)
            if n is not None and text.when:
                count = Count(n=n, id=f"text/{text.id}/n", where=text.where)
                self._texts.setdefault((meaning_of(text.when), meaning_of(text.among)), []).append(count)
            if of is not None and text.among:
                count = Count(n=of, id=f"text/{text.id}", where=text.where)
                self._texts.setdefault((meaning_of(text.among), ()), []).append(count)
        self.levels: dict[str, list[tuple[PrintedBlock, Mapping[str, int]]]] = {}
        for block in printed.blocks:
            names = block.counts if block.sums == "any" else (block.variable,)
            for name in names:
                counts = {"yes": block.counts[name]} if block.sums == "any" else dict(block.counts)
                if counts:
                    self.levels.setdefault(name, []).append((block, self._completed(name, block, counts)))

    def _completed(self, name: str, block: PrintedBlock, counts: dict[str, int]) -> dict[str, int]:
        """What a yes/no row leaves out is counted back from all patients of the block."""
        base = self.denominator(block, itself=False)
        if self.printed.kinds[name].kind == "yes/no" and len(counts) == 1 and base is not None:
            ((level, count),) = counts.items()
            if count <= base.n:
                counts["no" if level == "yes" else "yes"] = base.n - count
        return counts

    def everyone(self) -> Count | None:
        """All patients of the cohort."""
        where = self.printed.cohort.where if self.printed.cohort else ""
        return None if self.n is None else Count(n=self.n, id="cohort/n", where=where)

    def among(self, expression: str, *, but: str = "") -> Count | None:
        """How many patients a condition holds for, as printed elsewhere than in block ``but``."""
        if not expression:
            return self.everyone()
        return next(self.counts(expression, but=but), None)

    def denominator(self, block: PrintedBlock, *, itself: bool = True) -> Count | None:
        """The patients of a block: as it says, as the text says, as the head of its table says, else all.

        With ``itself``, a complete block among some patients may give its own sum when nothing else is printed.
        """
        if (of := whole_number(block.of)) is not None:
            return Count(n=of, id=block.id, where=block.where)
        head = whole_number(block.n)
        if block.among:
            found = next(iter(self._texts.get((meaning_of(block.among), ()), ())), None)
            if found is None and head is not None and head != self.n:
                found = Count(n=head, id=f"{block.table}/n", where=block.where)
            if found is None and itself:
                found = self.among(block.among, but=block.id)
            if found is None and itself and block.sums == "all" and self.typed(block):
                found = Count(n=sum(block.counts.values()), id=block.id, where=block.where)
            return found
        if head is not None:
            return Count(n=head, id=f"{block.table}/n", where=block.where)
        return self.everyone()

    def typed(self, block: PrintedBlock) -> bool:
        """Whether every row of a block has its count."""
        return bool(block.counts) and len(block.counts) == len(block.declared.cells)

    def counts(self, when: str, among: str = "", *, but: str = "") -> Iterator[Count]:
        """Every printed count of an expression: from running text, and from blocks of the one column that it is of.

        Parameters
        ----------
        when, among
            Expressions.
        but
            Block that is not asked.
        """
        yield from self._texts.get((meaning_of(when), meaning_of(among)), ())
        seen: set[str] = set()
        expression: Expression | None = _parsed(when)
        while expression is not None:
            names = {resolve(name, self.printed.kinds) for name in expression.names}
            variable = next(iter(names)) if len(names) == 1 else None
            if variable is None or variable in seen:
                return
            seen.add(variable)
            yield from self._of_levels(expression, variable, among, but)
            # A defined name is worked out one step further when the expression is that name alone.
            expression = self.printed.define.get(variable) if isinstance(expression.tree, Name) else None

    def _of_levels(self, expression: Expression, variable: str, among: str, but: str) -> Iterator[Count]:
        kind = self.printed.kinds[variable]
        levels = kind.level_names
        if not levels or variable not in self.levels:
            return
        result = expression.evaluate({variable: column_values(variable, kind, levels)}, len(levels))
        certain = np.asarray(result.data, dtype=bool) & ~result.missing
        wanted = [level for level, yes in zip(levels, certain, strict=True) if yes]
        for block, counts in self.levels[variable]:
            if block.id == but or meaning_of(block.among) != meaning_of(among):
                continue
            if not wanted or any(level not in counts for level in wanted):
                continue
            printed = ("yes",) if block.sums == "any" else tuple(block.counts)
            level = wanted[0] if wanted[0] in printed else printed[0]
            one = len(wanted) == 1 or len(printed) == 1
            address = f"{block.table}/{variable}/{level}/{'total' if block.outcome else 'n'}" if one else block.id
            yield Count(
                n=sum(counts[level] for level in wanted),
                id=address,
                where=block.where,
                parts=" + ".join(str(counts[level]) for level in wanted) if len(wanted) > 1 else "",
            )
