"""Ranges of what an order of all times fixes: group sizes, events, survival at a time, the hazard ratio."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cohortstats.errors import InputError
from cohortstats.printed import rounds_to
from cohortstats.printed.sections import Survival
from cohortstats.published.bounds.counts import count_range
from cohortstats.published.bounds.ranges import Range, printed_range
from cohortstats.published.bounds.statistic import Statistic
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.evaluate import evaluate_value, patients_of
from cohortstats.published.model.extremes import Question
from cohortstats.published.model.witness import Asked, Witness, check_cells, witness_of
from cohortstats.published.structures.orders import Structures, structure_batches
from cohortstats.published.structures.spec import EVERY_ORDER, SurvivalSpec, group_condition, survival_of
from cohortstats.published.structures.times import GroupTimes, place_times

__all__ = ["survival_bounds"]

Floats = npt.NDArray[np.float64]
MOST_QUESTIONS = 200
MOST_ORDERS = 3_000_000


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The best order among those of one size with the same numbers of events."""

    value: float
    order: Structures


@dataclass(frozen=True, slots=True)
class _End:
    """A value, a cohort that has it, whether it is proven, and whether it is the outermost of all orders."""

    value: float
    witness: Witness | None
    proven: bool
    outermost: bool


def survival_bounds(question: Question, asked: Statistic) -> Range:
    """Range of a statistic of a figure over all orders of times, each with a cohort."""
    model = question.model
    figure = asked.figure or (asked.value.exhibit if asked.value is not None else "")
    survival = survival_of(model.printed, figure)
    if asked.value is not None and asked.value.statistic in ("median", "lower", "upper"):
        return _printed_time(model, asked)
    kind, level = str(asked.kind), asked.level
    if asked.value is not None:
        kind, level = asked.value.statistic, asked.value.level
    spec = SurvivalSpec.of(model.printed, figure, model=model)
    if kind in ("n", "events") and spec.sizes and min(map(sum, spec.sizes)) > EVERY_ORDER:
        return _by_counts(question, asked, survival, kind, level)
    if not spec.sizes:
        raise InputError(f"{figure}: no group sizes fit the counts of the paper.")
    if kind == "p_value" and spec.p is None:
        return replace(printed_range(asked), note="; ".join(["as printed", *spec.notes]))
    place = next((i for i, row in enumerate(survival.cells) if row[0] == level), 0)
    least, most, complete = _all_candidates(spec, kind, place, asked.time)
    if not least:
        raise InputError(f"{figure}: no order of times prints its medians, limits and P, with no two times equal.")
    low = _end(model, survival, spec, least, asked.time if kind == "survival" else None, low=True)
    high = _end(model, survival, spec, most, asked.time if kind == "survival" else None, low=False)
    proven = complete and low.proven and high.proven
    notes = ["with no two times equal", *spec.notes]
    if not complete:
        notes.append("not proven: not all orders were enumerated")
    elif not proven:
        notes.append("not proven: no cohort was found at an end")
    return Range(
        statistic=asked.text,
        min=low.value,
        max=high.value,
        proven=proven,
        tier=_tier(question, spec, outermost=low.outermost and high.outermost),
        witness_min=low.witness,
        witness_max=high.witness,
        note="; ".join(notes),
    )


def _tier(question: Question, spec: SurvivalSpec, *, outermost: bool) -> str:
    """The weakest tier that the ends need: where fewer tiers leave the same orders, the outermost ones need no more."""
    if outermost:
        for model in question.models[:-1]:
            less = SurvivalSpec.of(model.printed, spec.id, model=model)
            if (less.sizes, less.first) == (spec.sizes, spec.first):
                return model.tier
    return question.model.tier


def _by_counts(question: Question, asked: Statistic, survival: Survival, kind: str, level: str) -> Range:
    """Patients or events of a group from counts alone: an outer range, as no orders of times are enumerated."""
    parts = [group_condition(question.model.printed, survival, level)]
    if kind == "events":
        if not survival.event:
            raise InputError(f"{survival.id} names no column of events.")
        parts.append(f"`{survival.event}`")
    expression = " and ".join(f"({part})" for part in parts if part)
    found = count_range(question, asked.text, expression, survival.among)
    if found.min == found.max:
        return found
    note = f"from counts alone: orders of times are enumerated up to {EVERY_ORDER} patients"
    return replace(found, proven=False, note="; ".join(text for text in (note, found.note) if text))


def _printed_time(model: CohortModel, asked: Statistic) -> Range:
    """A printed median or limit: it is itself, or the nearest time that can be."""
    assert asked.value is not None
    value = asked.value
    spec = SurvivalSpec.of(model.printed, value.exhibit, model=model, first=[], sizes=[])
    group = next(one for one in spec.groups if one.level == value.level)
    time = {"median": group.median, "lower": group.lower, "upper": group.upper}[value.statistic]
    found = printed_range(asked)
    if time is not None and time.reading:
        note = next(note for note in spec.notes if note.startswith(value.id))
        return replace(found, min=float(time.reading), max=float(time.reading), note=note)
    return found


# ---- one end


def _values(found: Structures, kind: str, place: int, time: float, *, low: bool) -> Floats:
    rows = len(found)
    match kind:
        case "n":
            return np.full(rows, float(found.sizes[place]))
        case "events":
            return found.n_events(place).astype(float)
        case "hr":
            return found.hazard_ratio
        case "p_value":
            return found.p_value
    return found.survival_range(place, time)[0 if low else 1]


def _end(
    model: CohortModel,
    survival: Survival,
    spec: SurvivalSpec,
    found: Sequence[_Candidate],
    time: float | None,
    *,
    low: bool,
) -> _End:
    """Best value that a cohort has; candidates from the best on, so that nothing beyond it is possible."""
    candidates = sorted(found, key=lambda one: one.value if low else -one.value)
    for question, candidate in enumerate(candidates):
        if question >= MOST_QUESTIONS:
            break
        one = candidate.order
        if time is not None:
            one = _pressed(one, time, low=low)
        witness = _witness(model, survival, spec, one)
        if witness is not None:
            outermost = candidate.value == candidates[0].value
            return _End(candidate.value, witness, True, outermost)
    return _End(candidates[0].value, None, False, False)


def _all_candidates(
    spec: SurvivalSpec, kind: str, place: int, time: float
) -> tuple[list[_Candidate], list[_Candidate], bool]:
    """For each group size and number of events, the orders with the least and with the greatest value; and whether
    these are taken from all orders.
    """
    ends: tuple[dict[tuple[int, ...], _Candidate], ...] = ({}, {})
    seen = 0
    for sizes in spec.sizes:
        for batch in structure_batches(spec, sizes):
            seen += len(batch)
            for best, low in zip(ends, (True, False), strict=True):
                values = _values(batch, kind, place, time, low=low)
                for key, value, row in _best_rows(batch, values, low=low):
                    known = best.get(key)
                    if known is None or (value < known.value if low else value > known.value):
                        best[key] = _Candidate(value, batch[row])
            if seen > MOST_ORDERS:
                return list(ends[0].values()), list(ends[1].values()), False
    return list(ends[0].values()), list(ends[1].values()), True


def _best_rows(found: Structures, values: Floats, *, low: bool) -> Iterator[tuple[tuple[int, ...], float, int]]:
    """For each combination of events, its key, the best value and its row."""
    if not len(found):
        return
    keys = np.stack([found.n_events(group) for group in range(len(found.sizes))], axis=1)
    first = found.spec.first
    if first is not None and len(first) > 1:
        # Orders that differ in whose events come first may differ in whether a cohort has them.
        keys = np.concatenate([keys, *(found.begins_with(one)[:, None] for one in sorted(first))], axis=1)
    score = np.where(np.isnan(values), np.inf, values if low else -values)
    order = np.lexsort((score, *keys.T[::-1]))
    keys = keys[order]
    new = np.concatenate([[True], (keys[1:] != keys[:-1]).any(axis=1)])
    for key, row in zip(keys[new].tolist(), order[new].tolist(), strict=True):
        if not math.isnan(values[row]):
            yield (*found.sizes, *key), float(values[row]), row


def _pressed(one: Structures, time: float, *, low: bool) -> Structures:
    """The order with its times pressed to the side of a time that gives the end."""
    step = math.floor(time / float(one.spec.step))
    lower, upper = one.lower.copy(), one.upper.copy()
    if low:
        can = np.flatnonzero(lower[0] <= step)
        if can.size:
            upper[0, can[-1]] = min(upper[0, can[-1]], step)
    else:
        later = np.flatnonzero(upper[0] > step)
        if later.size:
            lower[0, later[0]] = max(lower[0, later[0]], step + 1)
    return replace(one, lower=lower, upper=upper)


# ---- cohorts


def _witness(model: CohortModel, survival: Survival, spec: SurvivalSpec, one: Structures) -> Witness | None:
    """A cohort of the model with the sizes and events of an order, its times placed and all that is printed checked."""
    printed = model.printed
    conditions = [group_condition(printed, survival, row[0]) for row in survival.cells]
    asked: list[Asked] = []
    for group, condition in enumerate(conditions):
        asked.append((condition, survival.among, one.sizes[group]))
        if survival.event:
            event = f"`{survival.event}`"
            both = f"({condition}) and {event}" if condition else event
            asked.append((both, survival.among, int(one.n_events(group)[0])))
    asked.append(("", survival.among, sum(one.sizes)))
    try:
        times = place_times(one, spec, seed=1)
    except InputError:
        return None
    for first in _first_events(spec, one):
        more: list[Asked] = []
        for count, condition in zip(first, conditions, strict=True):
            both = f"({survival.first}) and ({condition})" if condition else survival.first
            more.append((both, survival.among, count))
        witness = witness_of(model, [*asked, *more])
        if witness is not None:
            cells = {name: list(column) for name, column in witness.cells.items()}
            if survival.time:
                _put(model, survival, cells, conditions, times)
                check_cells(model, cells, asked)
                _check_figure(model, survival, spec, cells)
            return Witness(cells=cells, label=witness.label)
    return None


def _first_events(spec: SurvivalSpec, one: Structures) -> list[tuple[int, ...]]:
    """Which of the pairs of first events an order has; one empty tuple without a condition."""
    if spec.first is None:
        return [()]
    return [first for first in sorted(spec.first) if one.begins_with(first)[0]]


def _put(
    model: CohortModel,
    survival: Survival,
    cells: dict[str, list[str]],
    conditions: Sequence[str],
    times: Sequence[GroupTimes],
) -> None:
    """Times of an order on the patients of its groups: the first events to those they are printed of."""
    printed = model.printed
    inside = patients_of(printed, survival.among, cells)
    first = patients_of(printed, survival.first, cells) if survival.first else np.zeros(model.n, dtype=bool)
    column = [""] * model.n
    events = cells.get(survival.event)
    for condition, group in zip(conditions, times, strict=True):
        members = np.flatnonzero(inside & patients_of(printed, condition, cells))
        has_event = {int(one): events is None or events[one] == "yes" for one in members}
        with_event = sorted((int(one) for one in members if has_event[int(one)]), key=lambda one: (not first[one], one))
        without = [int(one) for one in members if not has_event[int(one)]]
        event_texts = [text for text, event in zip(group.texts, group.event, strict=True) if event]
        other_texts = [text for text, event in zip(group.texts, group.event, strict=True) if not event]
        for one, text in zip(with_event, event_texts, strict=True):
            column[one] = text
        for one, text in zip(without, other_texts, strict=True):
            column[one] = text
    cells[survival.time] = column


def _check_figure(model: CohortModel, survival: Survival, spec: SurvivalSpec, cells: dict[str, list[str]]) -> None:
    """Every printed value of the figure, by the package's own Kaplan-Meier curve and log-rank test.

    Raises
    ------
    RuntimeError
        When one of them is not what is printed: a fault of this program, not of the file.
    """
    readings = {
        f"{spec.id}/{group.level}/{name}": time.reading
        for group in spec.groups
        for name, time in (("median", group.median), ("lower", group.lower), ("upper", group.upper))
        if time is not None and time.reading
    }
    for value in model.printed.values:
        if value.source != "survival" or value.exhibit != survival.id:
            continue
        if value.statistic == "p_value" and spec.p is None:
            continue
        computed, reason = evaluate_value(model.printed, value, cells)
        wanted = readings.get(value.id, value.text)
        if computed is None or rounds_to(computed, wanted) != "agrees":
            raise RuntimeError(
                f"a witness gives {computed if computed is not None else reason} for {value.id}, printed {wanted}; "
                "this is an internal error."
            )
