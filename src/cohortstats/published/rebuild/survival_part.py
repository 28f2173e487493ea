"""Times of a survival block: an order of all times that prints its medians, limits and P, put on the patients."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cohortstats.errors import InputError
from cohortstats.expressions import resolve
from cohortstats.printed import Printed
from cohortstats.printed.sections import Survival
from cohortstats.published.model.cohort_model import CohortModel, Solution
from cohortstats.published.model.evaluate import Cells, patients_at, patients_of
from cohortstats.published.model.given import given_cells
from cohortstats.published.structures.orders import Structures, SurvivalSpec, first_structure
from cohortstats.published.structures.spec import FIRST_ORDER, group_condition
from cohortstats.published.structures.times import GroupTimes, place_times

__all__ = ["SurvivalPart", "place_survival"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalPart:
    """What was chosen for one survival block, or why nothing was.

    Parameters
    ----------
    survival
        The block.
    reason
        Why there are no times; empty when there are.
    sizes, firsts
        Patients of each group, and those of them whose events come first.
    order
        The chosen order: a letter a group, capital for an event.
    times
        Times of each group, in order.
    notes
        What was read otherwise than printed.
    seed
        Which patient has which time.
    """

    survival: Survival
    reason: str = ""
    sizes: tuple[int, ...] = ()
    firsts: tuple[int, ...] = ()
    order: str = ""
    times: tuple[GroupTimes, ...] = ()
    notes: tuple[str, ...] = ()
    seed: int = field(default=1)

    @property
    def id(self) -> str:
        """Address of the block."""
        return self.survival.id

    def as_dict(self) -> dict[str, Any]:
        """For the provenance."""
        if self.reason:
            return {"id": self.id, "reason": self.reason}
        groups = [row[0] for row in self.survival.cells]
        return {
            "id": self.id,
            "n": dict(zip(groups, self.sizes, strict=True)),
            "order": self.order,
            "times": {
                one.level: [
                    text if event else f"{text}+" for text, event in zip(one.texts, one.event.tolist(), strict=True)
                ]
                for one in self.times
            },
            "why": "one order of different times that prints the medians, limits and P, drawn with the seed",
            "notes": list(self.notes),
        }

    def place(self, printed: Printed, cells: dict[str, list[str]]) -> None:
        """Write times into the cells of a cohort whose events are decided."""
        if self.reason:
            return
        rng = np.random.default_rng(self.seed)
        n = len(next(iter(cells.values())))
        event = patients_of(printed, f"`{self.survival.event}`", cells)
        first = patients_of(printed, self.survival.first, cells) if self.survival.first else np.zeros(n, dtype=bool)
        column = [""] * n
        for times in self.times:
            inside = rng.permutation(np.flatnonzero(patients_at(printed, self.survival, times.level, cells)))
            early = [int(one) for one in inside if event[one] and first[one]]
            late = [int(one) for one in inside if event[one] and not first[one]]
            censored = [int(one) for one in inside if not event[one]]
            with_event = iter([*early, *late])
            without = iter(censored)
            for text, is_event in zip(times.texts, times.event.tolist(), strict=True):
                column[next(with_event if is_event else without)] = text
        cells[self.survival.time] = column


def place_survival(printed: Printed, model: CohortModel, *, seed: int) -> tuple[CohortModel, tuple[SurvivalPart, ...]]:
    """An order of times for every survival block, and the model with the group sizes and events that it needs.

    Parameters
    ----------
    printed
        Everything that the file holds.
    model
        A model that has a solution.
    seed
        Which order, among those that print the figure.
    """
    parts = []
    taken: set[str] = set()
    given = given_cells(printed)
    for survival in printed.survivals:
        reason = _not_possible(printed, survival, given, taken)
        part = SurvivalPart(survival=survival, reason=reason, seed=seed)
        if not reason:
            taken.add(survival.time)
            try:
                model, part = _chosen(printed, model, survival, seed)
            except InputError as error:
                part = SurvivalPart(survival=survival, reason=str(error), seed=seed)
        parts.append(part)
    return model, tuple(parts)


def _not_possible(printed: Printed, survival: Survival, given: Cells, taken: set[str]) -> str:
    if not survival.time or not survival.event:
        return f"{survival.id} names no column of times and events"
    if resolve(survival.time, printed.columns) is None or resolve(survival.event, printed.columns) is None:
        return f"{survival.time} or {survival.event} is not among [columns]"
    if resolve(survival.time, given) is not None:
        return f"{survival.time} is printed patient by patient"
    if survival.time in taken:
        return f"{survival.time} has the times of another figure"
    return ""


def _chosen(printed: Printed, model: CohortModel, survival: Survival, seed: int) -> tuple[CohortModel, SurvivalPart]:
    """The first group sizes, nearest to those of a drawn cohort, for which an order of times prints the figure.

    Raises
    ------
    InputError
        When there are too many patients, or no order prints the figure.
    """
    tried = _tried(printed, model, survival, seed, with_p=True)
    if tried is None and survival.p:
        tried = _tried(printed, model, survival, seed, with_p=False)
    if tried is None:
        raise InputError(f"no order of times, all different, prints the medians and limits of {survival.id}")
    return tried


def _tried(
    printed: Printed, model: CohortModel, survival: Survival, seed: int, *, with_p: bool
) -> tuple[CohortModel, SurvivalPart] | None:
    """A chosen order that prints the figure, with or without its P; None when there is none."""
    groups = [row[0] for row in survival.cells]
    for sizes, drawn in _sizes(printed, model, survival, seed):
        held = model
        for level, n in zip(groups, sizes, strict=True):
            held = held.where(group_condition(printed, survival, level), n, survival.among)
        if drawn is None:
            drawn = held.solve(seed, gap=1.0)
        if drawn is None:
            continue
        firsts = tuple(_count(printed, survival, level, survival.first, drawn.cells) for level in groups)
        for level, n in zip(groups, firsts, strict=True):
            if survival.first:
                condition = _both(survival.first, group_condition(printed, survival, level))
                held = held.where(condition, n, survival.among)
        spec = SurvivalSpec.of(printed, survival.id, sizes=[sizes], first=[firsts] if survival.first else None)
        if not with_p:
            left_out = f"{survival.id}/p_value: no order prints it beside the medians and limits; it was left out"
            spec = dataclasses.replace(spec, p=None, notes=(*spec.notes, left_out))
        events = tuple(_count(printed, survival, level, f"`{survival.event}`", drawn.cells) for level in groups)
        for fixed in (False, True):
            # The drawn numbers of events always fit the rest of the paper; others often do.
            asked = spec
            if fixed:
                some = zip(spec.groups, events, strict=True)
                asked = dataclasses.replace(spec, groups=tuple(dataclasses.replace(one, events=n) for one, n in some))
            found = first_structure(asked, sizes, seed)
            if found is None:
                continue
            with_events = held
            for place, level in enumerate(groups):
                condition = _both(f"`{survival.event}`", group_condition(printed, survival, level))
                with_events = with_events.where(condition, int(found.n_events(place)[0]), survival.among)
            if with_events.solve(seed) is not None:
                return with_events, _part(survival, asked, found, sizes, firsts, seed)
    return None


def _part(
    survival: Survival,
    spec: SurvivalSpec,
    found: Structures,
    sizes: tuple[int, ...],
    firsts: tuple[int, ...],
    seed: int,
) -> SurvivalPart:
    return SurvivalPart(
        survival=survival,
        sizes=sizes,
        firsts=firsts,
        order=found.orders[0],
        times=place_times(found, spec, seed),
        notes=spec.notes,
        seed=seed,
    )


def _both(one: str, other: str) -> str:
    """Two conditions at once; every patient satisfies an empty one."""
    return f"({one}) and ({other})" if other else one


def _count(printed: Printed, survival: Survival, level: str, condition: str, cells: Cells) -> int:
    inside = patients_at(printed, survival, level, cells)
    return int(np.count_nonzero(inside & patients_of(printed, condition, cells))) if condition else 0


def _sizes(
    printed: Printed, model: CohortModel, survival: Survival, seed: int
) -> Iterator[tuple[tuple[int, ...], Solution | None]]:
    """Group sizes: those of a drawn cohort, with it, then all others that the paper allows, the nearest first."""
    drawn = model.solve(seed, gap=1.0)
    if drawn is None:
        return
    groups = [row[0] for row in survival.cells]
    here = tuple(int(np.count_nonzero(patients_at(printed, survival, level, drawn.cells))) for level in groups)
    if 0 < sum(here) <= FIRST_ORDER and all(here):
        yield here, drawn
    others: Sequence[tuple[int, ...]] = SurvivalSpec.of(printed, survival.id, model=model).sizes
    if others and min(sum(sizes) for sizes in others) > FIRST_ORDER:
        raise InputError(
            f"{survival.id} has {min(sum(sizes) for sizes in others)} patients; an order of times is searched up to "
            f"{FIRST_ORDER}. Above that a digitised curve is needed: cohortstats curve"
        )

    def distance(sizes: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        return sum(abs(a - b) for a, b in zip(sizes, here, strict=True)), sizes

    for sizes in sorted(others, key=distance):
        if sizes != here and sum(sizes) <= FIRST_ORDER:
            yield sizes, None
