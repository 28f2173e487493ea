"""Ends of a function of a few counts: candidates from the outermost on, until one has a cohort.

Outer bounds of the counts come from small programs over combinations of columns (:mod:`.profiles`); what is left is
asked of the whole model one by one, so that nothing beyond an end is possible, and the end has a cohort.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cohortstats.errors import InputError
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.profiles import FEW_COMBINATIONS, MOST_COMBINATIONS, Limits, Part, Profiles
from cohortstats.published.model.witness import Witness, witness_of

__all__ = ["End", "Question", "count_ends", "extremes"]

MOST_TABLES = 200_000
MOST_QUESTIONS = 100
SHORT = 2.0  # seconds for a question that a larger program may answer faster

Counts = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Models of growing tiers, each with all statements of the one before it.

    Parameters
    ----------
    models
        From the strongest tier alone to all tiers that are asked.
    limits
        Further conditions, which the models hold already.
    """

    models: tuple[CohortModel, ...]
    limits: tuple[Limits, ...] = ()
    _profiles: dict[tuple[int, int, tuple[Part, ...]], Profiles] = field(default_factory=dict, repr=False)

    @property
    def model(self) -> CohortModel:
        """Every statement that must hold."""
        return self.models[-1]

    def profiles(self, place: int, parts: tuple[Part, ...], most: int) -> Profiles:
        """Combinations for some counts in one of the models."""
        place %= len(self.models)
        key = (place, most, parts)
        if key not in self._profiles:
            self._profiles[key] = Profiles.of(self.models[place], parts, self.limits, most=most)
        return self._profiles[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end of a range.

    Parameters
    ----------
    value
        The value.
    counts
        The counts that give it.
    witness
        A cohort that has them; None when none was found in time.
    proven
        Whether nothing lies beyond it.
    bound
        A value beyond which nothing lies.
    tier
        The weakest tier that is needed for that.
    """

    value: float
    counts: Counts
    witness: Witness | None
    proven: bool
    bound: float
    tier: str


def extremes(
    question: Question, parts: Sequence[Part], value: Callable[[list[Counts]], dict[Counts, float]], about: str
) -> tuple[End, End]:
    """Smallest and largest value of a function of some counts.

    Parameters
    ----------
    question
        What must hold.
    parts
        The counts.
    value
        Value for each combination of counts; nan or absent where there is none.
    about
        What is asked, for messages.

    Raises
    ------
    InputError
        When no cohort has a value, or there are too many combinations.
    """
    keys = tuple(dict.fromkeys(parts))
    outer = question.profiles(0, keys, FEW_COMBINATIONS)
    ranges = {}
    for part in keys:
        found = outer.range_of(part)
        if found is None:
            raise InputError(f"{about}: no cohort satisfies every statement; give one up.")
        ranges[part] = range(found[0], found[1] + 1)
    if math.prod(len(some) for some in ranges.values()) > MOST_TABLES:
        raise InputError(f"{about}: more than {MOST_TABLES:,} combinations of counts may be; add a condition.")
    places = [keys.index(part) for part in parts]
    candidates = [tuple(some[place] for place in places) for some in itertools.product(*ranges.values())]
    values = value(candidates)
    ranked = sorted((number, counts) for counts, number in values.items() if not math.isnan(number))
    search = _Search(question, tuple(parts), keys, about)
    return search.end(ranked), search.end(ranked[::-1])


class _Search:
    def __init__(self, question: Question, parts: tuple[Part, ...], keys: tuple[Part, ...], about: str) -> None:
        self.question, self.parts, self.keys, self.about = question, parts, keys, about
        self.known: dict[Counts, Witness | None] = {}

    def end(self, ranked: Sequence[tuple[float, Counts]]) -> End:
        """The first candidate that a cohort has."""
        skipped: list[Counts] = []
        open_value: float | None = None
        questions = 0
        for number, counts in ranked:
            if self.excluded(-1, counts):
                skipped.append(counts)
                continue
            questions += 1
            if questions > MOST_QUESTIONS:
                break
            answer = self.ask(counts)
            if answer is None:
                # Neither found nor excluded in time: what is found behind it is no proven end.
                open_value = number if open_value is None else open_value
            elif isinstance(answer, Witness):
                proven = open_value is None
                tier = self.tier(skipped) if proven else self.question.model.tier
                bound = number if open_value is None else open_value
                return End(value=number, counts=counts, witness=answer, proven=proven, bound=bound, tier=tier)
            else:
                skipped.append(counts)
        if open_value is None and questions <= MOST_QUESTIONS:
            raise InputError(f"{self.about}: no cohort has a value; nobody is left to compare.")
        bound = ranked[0][0] if open_value is None else open_value
        return End(value=bound, counts=(), witness=None, proven=False, bound=bound, tier=self.question.model.tier)

    def excluded(self, place: int, counts: Counts) -> bool:
        """Whether few combinations of columns exclude some counts already."""
        return self.question.profiles(place, self.keys, FEW_COMBINATIONS).excludes(self.limits(counts))

    def limits(self, counts: Counts) -> list[Limits]:
        return [(*part, count, count) for part, count in zip(self.parts, counts, strict=True)]

    def ask(self, counts: Counts) -> Witness | bool | None:
        """A cohort, False when there is none, None when the solver did not know in time."""
        if counts in self.known:
            return self.known[counts] or False
        asked = [(*part, count) for part, count in zip(self.parts, counts, strict=True)]
        model = self.question.model
        limit = model.time_limit
        for seconds in (SHORT, limit):
            try:
                found = witness_of(model, asked, time_limit=seconds)
            except InputError:
                if not self.question.profiles(-1, self.keys, MOST_COMBINATIONS).excludes(self.limits(counts)):
                    continue
                found = None
            self.known[counts] = found
            return found or False
        return None

    def tier(self, skipped: Sequence[Counts]) -> str:
        """The weakest tier without which something that was excluded would be possible."""
        models = self.question.models
        for place, model in enumerate(models[:-1]):
            possible = False
            for counts in skipped[::-1][:MOST_QUESTIONS]:
                if self.excluded(place, counts):
                    continue
                asked = [(*part, count) for part, count in zip(self.parts, counts, strict=True)]
                try:
                    possible = witness_of(model, asked, time_limit=SHORT) is not None
                except InputError:
                    possible = True
                if possible:
                    break
            if not possible:
                return model.tier
        return models[-1].tier


def count_ends(model: CohortModel, expression: str, among: str = "", *, sharp: bool = True) -> tuple[int, int]:
    """Bounds of a count over all cohorts of a model that has some.

    Parameters
    ----------
    model
        A model that has a solution.
    expression, among
        What is counted.
    sharp
        Whether bounds that are not equal are drawn in to what a cohort has; otherwise they may be a little wide.

    Examples
    --------
    >>> from cohortstats.printed import Printed
    >>> from cohortstats.shipped import shipped_study
    >>> printed = Printed.read(shipped_study("sakai2018"))
    >>> model = CohortModel.of(printed, ("published", "derived"), ("text/evaluable", "text/received_tdm1"))
    >>> count_ends(model, "risk_group", "ctdna_tested")
    (4, 11)
    """
    part = (expression, among)
    found = Profiles.of(model, [part]).range_of(part)
    if found is None:
        raise InputError("no cohort satisfies every statement; give one up.")
    low, high = found
    if not sharp or low == high:
        return low, high
    ends = []
    for counts in (range(low, high + 1), range(high, low - 1, -1)):
        end = counts[0]
        for count in counts:
            end = count
            try:
                if model.where(expression, count, among).feasible(time_limit=model.time_limit):
                    break
            except InputError:
                break  # not known in time: the bound holds
        ends.append(end)
    return min(ends), max(ends)
