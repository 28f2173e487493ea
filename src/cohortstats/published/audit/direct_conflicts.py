"""Conflicts that are seen without a solver: one column printed with two sets of counts, or two that are one by meaning.

The blocks name their core. Where each member alone mends the file, which one question each to the solver shows, there
is no other minimal correction; of many patients they are told without any solver.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from cohortstats.expressions import parse_expression, resolve
from cohortstats.expressions.tree import Comparison, Name
from cohortstats.printed import Printed, PrintedBlock
from cohortstats.published.audit.counts import PrintedCounts, meaning_of
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.conflict_sets import ConflictSet
from cohortstats.published.model.statements import units_of

__all__ = ["DirectConflict", "cells_of_model", "direct_conflicts", "proved"]

Place = tuple[PrintedBlock, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectConflict:
    """Blocks that print other counts of one column, or of two that an identity says are one.

    Parameters
    ----------
    id
        Address by which it is told: what a reader has looked into, else the identity, else the later block.
    where, quantity, printed
        Places in the paper, variable, and the two counts of the first level that differs.
    core
        Both blocks, and the identity.
    given
        The member that is given up to look at the rest.
    moved
        Fewest patients that are counted differently, by the counts alone.
    fact
        The counts in words.
    """

    id: str
    where: str
    quantity: str
    printed: str
    core: tuple[str, ...]
    given: str
    moved: int
    fact: str

    @property
    def tier(self) -> str:
        """The weakest tier of its core."""
        return "identity" if self.given.startswith("identity/") else "published"


def cells_of_model(printed: Printed) -> int:
    """About how many 0/1 cells the statements of a file have."""
    kinds = (printed.kinds[name] for name in printed.columns if printed.kinds[name].kind not in ("number", "text"))
    return (printed.n or 0) * sum(1 if kind.kind == "yes/no" else len(kind.level_names) for kind in kinds)


def direct_conflicts(printed: Printed, counts: PrintedCounts) -> tuple[DirectConflict, ...]:
    """Every conflict of this kind, by address.

    Examples
    --------
    >>> from cohortstats.shipped import shipped_study
    >>> printed = Printed.read(shipped_study("sakai2018"))
    >>> [(one.core, one.printed, one.moved) for one in direct_conflicts(printed, PrintedCounts(printed))]
    [(('table1/hr_positive_table1', 'table4/hr_positive', 'identity/one_receptor_status'), '18, 17', 1)]
    """
    found = []
    for variable, places in counts.levels.items():
        for first, second in combinations(places, 2):
            found.append(_differ(printed, variable, first, second, ""))
    for identity in printed.identities:
        tree = parse_expression(identity.rule).tree if identity.rule else None
        if not isinstance(tree, Comparison) or tree.sign != "==":
            continue
        if not isinstance(tree.left, Name) or not isinstance(tree.right, Name):
            continue
        names = [resolve(side.name, printed.kinds) for side in (tree.left, tree.right)]
        sides = [counts.levels.get(name or "", []) for name in names]
        for first, second in product(*sides):
            found.append(_differ(printed, f"{names[0]} = {names[1]}", first, second, f"identity/{identity.id}"))
    return tuple(sorted((one for one in found if one is not None), key=lambda one: (one.id, one.core, one.printed)))


def _differ(printed: Printed, variable: str, first: Place, second: Place, identity: str) -> DirectConflict | None:
    """The conflict, where both print the same patients and the counts of a level differ."""
    (one, before), (two, after) = sorted((first, second), key=lambda place: place[0].id)
    if one.id == two.id or meaning_of(one.among) != meaning_of(two.among):
        return None
    what = "patients"
    apart = _apart(before, after)
    if not apart and not identity and one.outcome and one.outcome == two.outcome:
        what, before, after = "patients with the outcome", one.outcomes, two.outcomes
        apart = _apart(before, after)
    if not apart:
        return None
    level = apart[0]
    more = sum(max(after[name] - before[name], 0) for name in apart)
    less = sum(max(before[name] - after[name], 0) for name in apart)
    core = (one.id, two.id, identity) if identity else (one.id, two.id)
    return DirectConflict(
        id=_known_id(printed, core) or core[-1],
        where=", ".join(dict.fromkeys(place for place in (one.where, two.where) if place)),
        quantity=identity.partition("/")[2] or variable,
        printed=f"{before[level]}, {after[level]}",
        core=core,
        given=core[-1],
        moved=max(more, less),
        fact=f"{what} of {level} are {before[level]} and {after[level]}",
    )


def _apart(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    return [level for level in before if level in after and before[level] != after[level]]


def _known_id(printed: Printed, core: Sequence[str]) -> str:
    """The member, or the count in it, that a reader has looked into."""
    if not printed.known:
        return ""
    for unit in units_of(printed):
        if unit.address in core:
            for address in (unit.address, *(statement.id for statement in unit.statements)):
                if address in printed.known:
                    return address
    return ""


def proved(
    printed: Printed, found: Sequence[DirectConflict], *, tiers: Sequence[str], time_limit: float
) -> tuple[ConflictSet, ...] | None:
    """Core and corrections of each conflict; None when the whole search is needed.

    It is where two of them share a member, where something else excludes something else, or where a member alone does
    not mend the file.
    """
    often = Counter(address for one in found for address in one.core)
    if not found or max(often.values()) > 1:
        return None
    model = CohortModel.of(printed, tiers, time_limit=time_limit)
    addresses = [unit.address for unit in model.units]

    def status(chosen: Sequence[str]) -> str:
        return model.program(chosen).solve(time_limit=time_limit).status

    given = {one.given for one in found}
    if not set(often) <= set(addresses) or status([one for one in addresses if one not in given]) != "optimal":
        return None
    for one in found:
        if status(one.core) != "infeasible":
            return None
        for member in one.core[:-1]:
            without = (given - {one.given}) | {member}
            if status([address for address in addresses if address not in without]) != "optimal":
                return None
    return tuple(
        ConflictSet(
            id=one.id,
            core=one.core,
            corrections=tuple((member,) for member in one.core),
            repairs=(None,) * len(one.core),
            patients=one.moved,
            proven=True,
            tier=one.tier,
        )
        for one in found
    )
