"""A model of the cohort that has a solution: without what ``[known]`` gives up where statements exclude each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cohortstats.errors import DataError, InputError, Problem
from cohortstats.printed import Printed
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.conflict_sets import find_conflicts, known_corrections, soften
from cohortstats.published.model.statements import unit_of, units_of

__all__ = ["Consistent", "consistent_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistent:
    """A model that has a solution.

    Parameters
    ----------
    model
        The model.
    given_up
        Addresses of what it leaves out.
    """

    model: CohortModel
    given_up: tuple[str, ...]


def consistent_model(
    printed: Printed,
    tiers: Iterable[str] = ("published", "derived"),
    *,
    without: Iterable[str] = (),
    expressions: Iterable[str] = (),
    time_limit: float | None = 20,
) -> Consistent:
    """Every statement of some tiers, without what is given up by hand and the fewest others that ``[known]`` names.

    Raises
    ------
    DataError
        When statements exclude each other of which ``[known]`` names none.
    InputError
        When the solver stopped before it knew.

    Examples
    --------
    >>> from cohortstats.shipped import shipped_study
    >>> consistent_model(Printed.read(shipped_study("sakai2018"))).given_up
    ('text/evaluable', 'text/received_tdm1')
    """
    asked, expressions = tuple(tiers), tuple(expressions)
    by_hand = tuple(dict.fromkeys(unit_of(address, printed) for address in without))
    whole = CohortModel.of(printed, asked, by_hand, expressions=expressions, time_limit=time_limit)
    if whole.feasible():
        return Consistent(model=whole, given_up=by_hand)
    # A count that a reader has looked into gives up its unit; a percentage that was cut gives up no block.
    soft = [
        unit.address
        for unit in units_of(printed)
        if unit.address in whole.unit_rows
        and (unit.address in printed.known or any(statement.id in printed.known for statement in unit.statements))
    ]
    hard = [address for address in whole.unit_rows if address not in soft]
    program, switch = soften(whole, hard=hard, soft=soft)
    answer = program.solve(dict.fromkeys(switch.values(), 1.0), time_limit=time_limit)
    if answer.values is None and answer.status != "infeasible":
        raise InputError(f"not proven: no cohort found, none excluded after {time_limit:g} s. Raise --time-limit.")
    if answer.values is not None:
        gone = tuple(address for address in soft if answer.values[switch[address]])
        for some in (gone, soft):
            left = tuple(dict.fromkeys([*by_hand, *some]))
            model = CohortModel.of(printed, asked, left, expressions=expressions, time_limit=time_limit)
            if model.feasible():
                return Consistent(model=model, given_up=left)
    found = find_conflicts(printed, tiers=asked, time_limit=time_limit)
    known = known_corrections(printed, found)
    raise DataError(
        [
            Problem(
                code="print-conflict",
                file=printed.path.name,
                message=f"{printed.path.name} cannot be satisfied: {conflict.sentence}",
                mend=f"Give one up, by without or in [known]: "
                f"{', '.join(' and '.join(some) for some in conflict.corrections)}.",
            )
            for conflict in found
            if conflict.id not in known and not any(set(some) <= set(by_hand) for some in conflict.corrections)
        ]
        or [
            Problem(
                code="print-conflict",
                file=printed.path.name,
                message=f"{printed.path.name} cannot be satisfied, also without what [known] gives up.",
            )
        ]
    )
