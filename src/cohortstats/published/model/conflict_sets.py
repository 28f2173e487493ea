"""Statements that exclude each other: one minimal core, all minimal corrections, and the cheapest repair in patients.

Every statement becomes rows of one linear model. Where the model has no solution, a **core** is a set of statements
that cannot hold together although every part of it can; a **correction** is a set whose removal mends the file although
no part of it would. A core is found by leaving out one statement after another. Every correction meets the core, so its
members are tried first; larger corrections follow, fewest statements first, each found one excluded, until none is
left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cohortstats.errors import InputError
from cohortstats.printed import Printed, conflicts
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.encode import Row, loosened
from cohortstats.published.model.solve import Program
from cohortstats.published.model.statements import Unit, unit_of, units_of, weakest

__all__ = ["ConflictSet", "find_conflicts", "known_corrections", "soften"]

MOST_CORRECTIONS = 64
MOST_CONFLICTS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictSet:
    """Statements that exclude each other.

    Parameters
    ----------
    id
        Address by which it is known: that of the member which a reader has looked into, else of the one that would be
        given up first.
    core
        One minimal core: addresses of units in the order of the file.
    corrections
        All minimal corrections, fewest statements first, each a tuple of addresses.
    repairs
        For each correction, the fewest patients that must be counted differently; None where that is not known.
    patients
        The smallest of them: the cheapest repair.
    proven
        Whether the core was proven minimal and the list of corrections complete, both by solving.
    tier
        The weakest tier in the core.
    arithmetic
        True when the printed strings exclude each other whatever the patients are.
    note
        What excludes what, for arithmetic; else empty.
    """

    id: str
    core: tuple[str, ...]
    corrections: tuple[tuple[str, ...], ...]
    repairs: tuple[int | None, ...]
    patients: int | None
    proven: bool
    tier: str
    arithmetic: bool = False
    note: str = ""

    @property
    def sentence(self) -> str:
        """What excludes what, in words."""
        if self.note:
            return f"{self.note}."
        if len(self.core) == 1:
            return f"{self.core[0]} cannot hold."
        return f"{_listed(self.core)} exclude each other."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def find_conflicts(
    printed: Printed,
    *,
    tiers: Iterable[str] = ("published", "derived", "identity"),
    time_limit: float | None = 20,
) -> tuple[ConflictSet, ...]:
    """Every conflict among the statements of a file.

    Parameters
    ----------
    printed
        Everything that the file holds.
    tiers
        Tiers whose statements count; nothing is called wrong because of an assumption.
    time_limit
        Seconds for each solve. A conflict whose list was cut short by it is not ``proven``.

    Returns
    -------
    tuple of ConflictSet
        In the order of the file.

    Examples
    --------
    >>> from cohortstats.printed import Printed
    >>> from cohortstats.shipped import shipped_study
    >>> found = find_conflicts(Printed.read(shipped_study("sakai2018")))
    >>> [conflict.id for conflict in found]
    ['text/evaluable/n', 'text/received_tdm1/n', 'text/reference35/percent', 'identity/one_receptor_status']
    >>> found[-1].core
    ('table1/hr_positive_table1', 'table4/hr_positive', 'identity/one_receptor_status')
    >>> found[-1].corrections, found[-1].patients
    ((('table1/hr_positive_table1',), ('table4/hr_positive',), ('identity/one_receptor_status',)), 1)
    """
    found: list[ConflictSet] = []
    if printed.n is not None:
        found.extend(_modelled(CohortModel.of(printed, tiers, time_limit=time_limit)))
    explained = {address for conflict in found for address in conflict.core}
    explained |= {correction[0] for conflict in found for correction in conflict.corrections if len(correction) == 1}
    found.extend(_arithmetic(printed, explained))
    lines = {unit.address: unit.line for unit in units_of(printed)}
    lines |= {f"text/{text.id}": printed.lines.get(f"text[{i}]", 0) for i, text in enumerate(printed.texts)}
    lines |= {
        f"identity/{rule.id}": printed.lines.get(f"identity[{i}]", 0) for i, rule in enumerate(printed.identities)
    }

    def line(conflict: ConflictSet) -> tuple[int, str]:
        owner = conflict.id if conflict.id in lines else conflict.id.rpartition("/")[0]
        return lines.get(owner, 0), conflict.id

    return tuple(sorted(found, key=line))


def known_corrections(printed: Printed, found: Iterable[ConflictSet]) -> dict[str, tuple[str, ...]]:
    """For each conflict that a reader has looked into, the correction that ``[known]`` names.

    Returns
    -------
    dict
        Id of the conflict -> addresses of the units that are given up. Without an entry, ``[known]`` names none.
    """
    named = _known_units(printed)
    chosen: dict[str, tuple[str, ...]] = {}
    for conflict in found:
        for correction in conflict.corrections:
            # A slip of arithmetic in running text leaves every patient as he is.
            slip = conflict.arithmetic and len(conflict.core) == 1
            if slip or set(correction) <= named:
                chosen[conflict.id] = correction
                break
    return chosen


def _known_units(printed: Printed) -> set[str]:
    """Units named in ``[known]``, by their own address or by that of a count; a cut percentage gives up no block."""
    named = {f"identity/{identity.id}" for identity in printed.identities} & set(printed.known)
    for unit in units_of(printed):
        if unit.address in printed.known or any(statement.id in printed.known for statement in unit.statements):
            named.add(unit.address)
    return named


# ---- conflicts of the model


def _modelled(model: CohortModel) -> list[ConflictSet]:
    if model.feasible():
        return []
    search = _Search(model)
    everything = [unit.address for unit in model.units]
    try:
        first = search.fewest(everything)
    except _StoppedError as error:
        raise InputError(str(error)) from None
    if first is None:
        return [_given_alone(model)]
    found = []
    for address in first[:MOST_CONFLICTS]:
        others = [other for other in everything if other == address or other not in first]
        found.append(search.conflict(address, others))
    return found


def _given_alone(model: CohortModel) -> ConflictSet:
    """No cohort has these columns at all, whatever is printed of it."""
    name = model.printed.given.file if model.printed.given else "[columns]"
    return ConflictSet(
        id="cohort/given",
        core=("cohort/given",),
        corrections=(),
        repairs=(),
        patients=None,
        proven=True,
        tier="published",
        note=f"the rows of {name} fit no level of [columns]",
    )


class _Search:
    """Searches for cores and corrections in one model."""

    def __init__(self, model: CohortModel) -> None:
        self.model = model
        self.units = {unit.address: unit for unit in model.units}
        self.known = _known_units(model.printed)

    def fewest(self, among: Sequence[str], excluded: Iterable[Sequence[str]] = ()) -> tuple[str, ...] | None:
        """The fewest units of ``among`` that must be given up for the rest to hold, other than those excluded."""
        program, switch = soften(self.model, hard=(), soft=among)
        for some in excluded:
            program.rows.append(Row(tuple(switch[one] for one in some), (1,) * len(some), -np.inf, len(some) - 1))
        cost = {switch[address]: float(1000 - self._preference(address)) for address in among}
        answer = program.solve(cost, time_limit=self.model.time_limit)
        if answer.status == "stopped":
            # The objective counts a statement as about a thousand.
            best = "none" if answer.values is None else str(sum(int(answer.values[v]) for v in switch.values()))
            bound = f"{np.ceil(answer.bound / 1000):.0f}" if np.isfinite(answer.bound) else "0"
            seconds = f"{self.model.time_limit:g} s" if self.model.time_limit else "the solver's own limit"
            raise _StoppedError(
                f"not proven: best {best}, bound {bound} statements to give up after {seconds}. Raise --time-limit."
            )
        if answer.values is None:
            return None
        return tuple(address for address in among if answer.values[switch[address]])

    def _preference(self, address: str) -> int:
        """Among equally few, what a reader has looked into goes first, then identities, then running text."""
        kind = {"identity": 4, "derived": 3, "assumed": 5}.get(self.units[address].tier, 0)
        return 8 * (address in self.known) + (kind or 2 * address.startswith("text/"))

    def infeasible(self, addresses: Iterable[str]) -> bool:
        answer = self.model.program(addresses).solve(time_limit=self.model.time_limit)
        if answer.status == "stopped" and answer.values is None:
            raise _StoppedError
        return answer.values is None

    def conflict(self, address: str, among: Sequence[str]) -> ConflictSet:
        """The conflict that giving up one unit of ``among`` would end."""
        place = {one: i for i, one in enumerate(self.units)}
        core, proven = self.model.core(among=among, start=[address])
        repairs: dict[tuple[str, ...], int | None] = {}
        try:
            # Every correction meets the core. Where each member alone is a correction, there is no other minimal one.
            for one in core:
                possible, patients = self._repair(among, (one,))
                if possible:
                    repairs[(one,)] = patients
            while len(repairs) < MOST_CORRECTIONS and any((one,) not in repairs for one in core):
                found = self.fewest(among, repairs)
                if found is None:
                    break
                repairs[found] = self._repair(among, found)[1]
            else:
                proven = proven and all((one,) in repairs for one in core)
        except _StoppedError:
            proven = False
            repairs.setdefault((address,), None)
        corrections = sorted(repairs, key=lambda some: (len(some), [place[one] for one in some]))
        counted = [patients for patients in repairs.values() if patients is not None]
        return ConflictSet(
            id=self._id(address),
            core=tuple(sorted(core, key=place.__getitem__)),
            corrections=tuple(corrections),
            repairs=tuple(repairs[some] for some in corrections),
            patients=min(counted) if counted else None,
            proven=proven,
            tier=weakest(self.units[one].tier for one in core),
        )

    def _id(self, address: str) -> str:
        unit = self.units[address]
        for candidate in (address, *(statement.id for statement in unit.statements)):
            if candidate in self.model.printed.known:
                return candidate
        return unit.statements[0].id if address.startswith("text/") else address

    def _repair(self, among: Sequence[str], correction: Sequence[str]) -> tuple[bool, int | None]:
        """Whether the rest holds when these units yield, and the fewest patients that must be counted differently."""
        model = self.model
        rows = [(address, pair) for address in correction for pair in model.unit_rows[address]]
        if any(statement.kind in ("percent", "order") for _, (statement, _) in rows):
            return not self.infeasible(one for one in among if one not in correction), None
        hard = [address for address in among if address not in correction]
        program = model.program(hard, [row for _, (_, row) in rows])
        yielding = {id(row) for _, (_, row) in rows}
        program.rows = [row for row in program.rows if id(row) not in yielding]
        cost: dict[int, float] = {}
        sides: dict[tuple[str, str, int], list[int]] = {}
        for address, (statement, row) in rows:
            if statement.kind == "rule":
                breaks = program.variable()
                program.rows.extend(loosened(row, breaks))
                sides.setdefault((address, "rule", 1), []).append(breaks)
                continue
            over, under = program.variable(np.inf), program.variable(np.inf)
            program.rows.append(Row((*row.variables, over, under), (*row.coefficients, -1, 1), row.lower, row.upper))
            sides.setdefault((address, statement.group, 1), []).append(over)
            sides.setdefault((address, statement.group, -1), []).append(under)
        for address in correction:
            moved = program.variable(np.inf)
            cost[moved] = 1.0
            for (owner, _, _), variables in sides.items():
                if owner == address:
                    row = Row((moved, *variables), (1, *(-1 for _ in variables)), 0, np.inf)
                    program.rows.append(row)
        answer = program.solve(cost, time_limit=model.time_limit)
        if answer.status == "stopped":
            raise _StoppedError
        return answer.values is not None, None if answer.values is None else int(np.rint(answer.objective))


class _StoppedError(Exception):
    """The solver stopped at its time limit."""


def soften(model: CohortModel, *, hard: Collection[str], soft: Sequence[str]) -> tuple[Program, Mapping[str, int]]:
    """The model with one switch for each soft unit: where it is 1, the rows of the unit need not hold."""
    softened = {id(row) for address in soft for _, row in model.unit_rows[address]}
    program = model.program([*hard, *soft], model.where_rows)
    program.rows = [row for row in program.rows if id(row) not in softened]
    switch = {address: program.variable() for address in soft}
    for address in soft:
        for _, row in model.unit_rows[address]:
            program.rows.extend(loosened(row, switch[address]))
        program.rows.append(Row((switch[address],), (1,), 0, 1))
    return program, switch


# ---- conflicts of arithmetic alone


def _arithmetic(printed: Printed, explained: set[str]) -> list[ConflictSet]:
    """Printed strings that exclude each other whatever the patients are, other than those explained already."""
    found = []
    units = {unit.address: unit for unit in units_of(printed)}
    for conflict in conflicts(printed):
        owner = conflict.id if conflict.id.startswith("identity/") else conflict.id.rpartition("/")[0]
        identity = next((one for one in printed.identities if f"identity/{one.id}" == owner), None)
        if owner in explained:
            continue
        core: tuple[str, ...] = (owner,)
        if identity is not None:
            if not identity.sum:
                continue
            core = (*_owners((*identity.sum, identity.equals), printed, units), owner)
        elif not conflict.id.endswith("/percent"):
            continue
        found.append(
            ConflictSet(
                id=conflict.id,
                core=core,
                corrections=tuple((one,) for one in core),
                repairs=(None,) * len(core),
                patients=None,
                proven=True,
                tier=weakest("identity" if one.startswith("identity/") else "published" for one in core),
                arithmetic=True,
                note=f"{conflict.id}: {' v '.join(conflict.printed)}",
            )
        )
    return found


def _owners(addresses: Iterable[str], printed: Printed, units: Mapping[str, Unit]) -> tuple[str, ...]:
    """Units that print these values, in the order of the file."""
    inside = {unit_of(address, printed) for address in addresses if address in printed.addresses and "/" in address}
    return tuple(sorted(inside, key=lambda one: units[one].line if one in units else 0))
