"""What a paper tells about each patient that it prints one by one, beyond what it prints of them.

Counts and rules can force a fact about a single patient: two of two patients with a mutation were resistant, so both
were. Authors can ask before they print.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cohortstats.errors import InputError
from cohortstats.printed import Printed
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.consistent import consistent_model
from cohortstats.published.model.encode import TRUE, Row, linear
from cohortstats.published.model.profiles import alike
from cohortstats.published.model.solve import Program
from cohortstats.published.model.statements import Unit, weakest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Fact", "facts_of", "patient_facts"]

Ints = npt.NDArray[np.int64]
MOST_ROUNDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is known of one patient and one fact.

    Parameters
    ----------
    patient
        As the print names the patient.
    fact
        The expression, such as ``best_response == 'PD'``.
    verdict
        ``forced yes``, ``forced no``, ``open``, or ``not proven``.
    because
        Addresses of printed rows that force it together; none of them can be left out.
    tier
        The weakest tier among them.
    """

    patient: str
    fact: str
    verdict: str
    because: tuple[str, ...] = ()
    tier: str = ""


@dataclass(frozen=True, slots=True)
class _Literal:
    patient: int
    fact: str
    literal: int


def patient_facts(
    printed: Printed,
    tiers: Sequence[str] = ("published", "derived"),
    *,
    without: Sequence[str] = (),
    time_limit: float = 20,
) -> pd.DataFrame:
    """One row a patient and fact: patient, fact, verdict, because, tier."""
    import pandas as pd

    facts = facts_of(printed, tiers, without=without, time_limit=time_limit)
    return pd.DataFrame(
        {
            "patient": [fact.patient for fact in facts],
            "fact": [fact.fact for fact in facts],
            "verdict": [fact.verdict for fact in facts],
            "because": [", ".join(fact.because) for fact in facts],
            "tier": [fact.tier for fact in facts],
        },
        dtype=object,
    )


def facts_of(
    printed: Printed,
    tiers: Iterable[str] = ("published", "derived"),
    *,
    without: Sequence[str] = (),
    time_limit: float = 20,
) -> tuple[Fact, ...]:
    """Every yes/no fact about each patient that is printed one by one.

    Parameters
    ----------
    printed
        Everything that the file holds.
    tiers
        Which statements must hold.
    without
        Addresses of statements that are given up.
    time_limit
        Seconds for each question to the solver.

    Raises
    ------
    DataError
        When statements exclude each other of which ``[known]`` names none.
    InputError
        When no patient is printed one by one.

    Notes
    -----
    Each solution of the model shows at once that many facts can be so; the next one is asked for as many new ones as it
    can have. When the solver proves that no cohort has a new one, all that is left is forced. The printed rows that
    force a fact are found by leaving out one after another.

    Examples
    --------
    >>> from cohortstats.shipped import shipped_study
    >>> facts = facts_of(Printed.read(shipped_study("sakai2018")))
    >>> forced = [fact for fact in facts if fact.fact == "primary_resistance" and fact.verdict != "open"]
    >>> [(fact.patient, fact.verdict) for fact in forced]
    [('6', 'forced yes'), ('9', 'forced no'), ('10', 'forced no'), ('11', 'forced yes'), ('12', 'forced no'), \
('13', 'forced no'), ('15', 'forced no')]
    >>> forced[0].because
    ('table4/pik3ca_mutated/yes/n',)
    """
    if printed.given is None or not printed.given.rows:
        raise InputError(f"{printed.path.name} prints no patients one by one: [cohort] given names no file.")
    model = consistent_model(printed, tiers, without=without, time_limit=time_limit).model
    literals = _literals(model)
    seen, proven = _seen(model, literals, time_limit)
    cores = _Cores(model)
    names = _names(model)
    facts = []
    for one, (can_be, can_not_be) in zip(literals, seen, strict=True):
        because: tuple[str, ...] = ()
        tier = ""
        verdict = "open" if can_be and can_not_be else "not proven"
        if verdict != "open" and proven:
            verdict = "forced yes" if can_be else "forced no"
            because, tier = cores.of(one.literal if can_be else one.literal ^ 1)
        facts.append(Fact(patient=names[one.patient], fact=one.fact, verdict=verdict, because=because, tier=tier))
    return tuple(facts)


def _names(model: CohortModel) -> list[str]:
    """What the print calls each patient; their place where it calls them nothing."""
    column = model.printed.cohort.id if model.printed.cohort else ""
    given = model.encoder.given.get(column, [])
    return [given[place] if place < len(given) and given[place] else str(place + 1) for place in range(model.n)]


def _literals(model: CohortModel) -> list[_Literal]:
    """Facts that are not printed of a patient: a yes/no column, or a level of another one."""
    printed = model.printed
    assert printed.given is not None
    found = []
    for patient in range(printed.given.rows):
        for name in model.columns:
            kind = printed.kinds[name]
            if printed.columns[name].hidden or kind.kind == "number":
                continue
            known = model.encoder.given.get(name, [])
            if patient < len(known) and known[patient].strip():
                continue
            column = model.encoder.column(name)
            if column.missing[patient] == TRUE:
                continue
            levels = (
                [("yes", f"{name}")]
                if kind.kind == "yes/no"
                else [(level, f"{name} == '{level}'") for level in column.levels]
            )
            for level, fact in levels:
                found.append(_Literal(patient, fact, column.literals[patient][column.levels.index(level)]))
    return found


def _seen(model: CohortModel, literals: Sequence[_Literal], time_limit: float) -> tuple[list[list[bool]], bool]:
    """For each fact whether a cohort has it and whether one has not; and whether that is all there is.

    Patients who are alike can change places, so what one of them can be, all can be: of each class every new fact is
    asked of another member.
    """
    cells = [Row(((one.literal - 2) >> 1,), (1,), 0, 1) for one in literals if one.literal > TRUE]
    program = model.program(model.unit_rows, cells)
    class_of = {patient: place for place, members in enumerate(alike(model)) for patient in members}
    shared: dict[tuple[int, str], list[_Literal]] = {}
    for one in literals:
        shared.setdefault((class_of[one.patient], one.fact), []).append(one)
    seen = {key: [members[0].literal == TRUE, members[0].literal == 0] for key, members in shared.items()}
    start = program.solve(time_limit=time_limit)
    if start.values is None:
        raise InputError(f"not proven: no cohort found after {time_limit:g} s. Raise --time-limit.")
    _note(seen, shared, start.values)
    proven, gap = False, 0.3
    for turn in range(MOST_ROUNDS):
        cost: dict[int, float] = {}
        least = 0.0  # value of the objective when nothing new comes
        asked: dict[int, int] = {}
        for key, members in shared.items():
            can_be, can_not_be = seen[key]
            if members[0].literal <= TRUE or (can_be and can_not_be):
                continue
            place = asked[key[0]] = asked.get(key[0], turn) + 1
            variable, negated = divmod(members[place % len(members)].literal - 2, 2)
            wanted = can_not_be != bool(negated)  # whether the variable should be 1
            cost[variable] = cost.get(variable, 0.0) + (-1.0 if wanted else 1.0)
            least += not wanted
        if not cost:
            proven = True
            break
        answer = program.solve(cost, time_limit=time_limit, gap=gap)
        if answer.values is None:
            break
        if not _note(seen, shared, answer.values):
            # Nothing new: nothing is left to find when the bound says so as well.
            proven = answer.status == "optimal" and answer.bound > least - 1 + 1e-6
            if proven or gap == 0.0:
                break
            gap = 0.0
    return [seen[class_of[one.patient], one.fact] for one in literals], proven


def _note(seen: dict[tuple[int, str], list[bool]], shared: dict[tuple[int, str], list[_Literal]], values: Ints) -> int:
    new = 0
    for key, members in shared.items():
        for one in members:
            if one.literal > TRUE:
                true = bool(values[(one.literal - 2) >> 1]) != bool(one.literal & 1)
                if not seen[key][0 if true else 1]:
                    seen[key][0 if true else 1] = True
                    new += 1
    return new


class _Cores:
    """Printed rows that force a literal, none of which can be left out."""

    def __init__(self, model: CohortModel) -> None:
        self.model = model
        self.rows: dict[str, list[Row]] = {}
        self.units: dict[str, Unit] = {}
        self.reads: dict[str, set[str]] = {}
        owner = dict(model.encoder.base)
        for unit in model.units:
            for statement, row in model.unit_rows[unit.address]:
                self.rows.setdefault(statement.id, []).append(row)
                self.units[statement.id] = unit
        for name, rows in self.rows.items():
            meant = [*rows, *model.meaning(rows)]
            self.reads[name] = {owner[v] for row in meant for v in row.variables if v in owner}
        self.owner = owner
        self.known: list[tuple[str, ...]] = []

    def of(self, literal: int) -> tuple[tuple[str, ...], str]:
        """Addresses of the rows, and the weakest tier among them."""
        if literal <= TRUE:
            return (), "published"
        denied = linear([(1, literal)], 0, 0)
        for core in self.known:
            if self.infeasible(core, denied) and all(
                not self.infeasible([other for other in core if other != one], denied) for one in core
            ):
                return core, weakest(self.units[one].tier for one in core)
        near = self._near(literal, denied)
        kept = list(near)
        # What comes last in the file goes first: a row of a table says more than a sentence.
        for one in near[::-1]:
            rest = [other for other in kept if other != one]
            if self.infeasible(rest, denied):
                kept = rest
        core = tuple(kept)
        self.known.append(core)
        return core, weakest(self.units[one].tier for one in core)

    def infeasible(self, names: Iterable[str], denied: Row) -> bool:
        rows = [row for name in names for row in self.rows[name]]
        program: Program = self.model.program((), [*rows, denied])
        return program.solve(time_limit=self.model.time_limit).status == "infeasible"

    def _near(self, literal: int, denied: Row) -> list[str]:
        """Rows around a cell that exclude its contrary, as few as are needed."""
        variable = (literal - 2) >> 1
        columns = {self.owner[variable]} if variable in self.owner else set()
        near: list[str] = []
        while True:
            wider = [name for name, reads in self.reads.items() if reads & columns]
            if len(wider) == len(near):
                return list(self.rows)
            near = wider
            if self.infeasible(near, denied):
                return near
            columns = columns.union(*(self.reads[name] for name in near))
