"""What a printed survival block asks of an order of times."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from cohortstats.errors import InputError, did_you_mean
from cohortstats.printed import Printed, fold_text, parse_cell
from cohortstats.printed.sections import Survival
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.extremes import count_ends
from cohortstats.published.model.intervals import interval_of
from cohortstats.published.structures.patterns import GroupPrint, PrintedTime, PrintedTriple
from cohortstats.stats.kaplan_meier import LimitType

__all__ = ["EVERY_ORDER", "FIRST_ORDER", "SurvivalSpec", "survival_of"]

EVERY_ORDER, FIRST_ORDER = 20, 25
"""Most patients for whom all orders are enumerated, and for whom a first one is searched."""

LOG_RANK = ("", "logrank", "logranktest", "mantelcox", "mantelhaenszel")
FINER = 2  # times that are not whole get so many digits more than the print


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalSpec:
    """What is printed of a figure, as conditions on the order of all times; made by :meth:`of`.

    Parameters
    ----------
    id
        Address of the block.
    groups
        What is printed of each group.
    ci, ci_level
        Kind and level of the limits.
    step
        The smallest step of time, in the unit of the print.
    unit
        Unit of time.
    p_text, p
        The printed P, and the values that print as it, from and below; None for no condition.
    first
        Pairs of numbers, for one of which so many events of each group precede all others; None for no condition.
    sizes
        Sizes of the groups that the counts of the paper allow.
    notes
        What was read otherwise than printed, and what was left out.

    Examples
    --------
    >>> from cohortstats.shipped import shipped_study
    >>> spec = SurvivalSpec.of(Printed.read(shipped_study("sakai2018")), "figure1")
    >>> [group.level for group in spec.groups], spec.ci, spec.p, sorted(spec.first)
    (['yes', 'no'], 'log-log', (0.00365, 0.00375), [(4, 0)])
    >>> spec.sizes[0], spec.sizes[-1]
    ((4, 12), (11, 5))
    >>> spec.notes
    ('figure1/yes/median: 56.6 is no time in whole days; 56.5 is the nearest',)
    """

    id: str
    groups: tuple[GroupPrint, ...]
    ci: LimitType = "log-log"
    ci_level: float = 0.95
    step: Fraction = Fraction(1)
    unit: str = ""
    p_text: str = ""
    p: tuple[float, float] | None = None
    first: frozenset[tuple[int, ...]] | None = None
    sizes: tuple[tuple[int, ...], ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        printed: Printed,
        survival_id: str,
        *,
        model: CohortModel | None = None,
        first: Sequence[tuple[int, ...]] | None = None,
        sizes: Sequence[tuple[int, ...]] | None = None,
    ) -> SurvivalSpec:
        """Conditions of one block of a file.

        Parameters
        ----------
        printed
            Everything that the file holds.
        survival_id
            Address of the block.
        model
            A model of the cohort that has a solution: it tells which group sizes, and which of the first events in
            which group, the rest of the paper allows. By default one of everything published and derived, without
            what ``[known]`` gives up.
        first, sizes
            Known already; the model is then not asked.

        Raises
        ------
        InputError
            When there is no such block, or it has more than two groups.

        Notes
        -----
        Whole times are counted in units, others in hundredths of the last printed digit. Where no time prints as the
        string, the nearest possible one is taken, of two equally near the smaller: whole days have no median of 56.6,
        but one of 56.5.
        """
        survival = survival_of(printed, survival_id)
        _check_groups(survival)
        notes: list[str] = []
        cells = [(row[0], parse_cell(row[1], decimal=printed.paper.decimal)) for row in survival.cells]
        texts = [text for _, cell in cells for text in (cell.value, cell.lower, cell.upper)]
        step = Fraction(1)
        if not survival.whole:
            digits = max((len(fold_text(text).partition(".")[2]) for text in texts), default=0)
            step = Fraction(1, 10 ** (digits + FINER))
        groups = []
        for place, (level, cell) in enumerate(cells):
            times = {
                name: PrintedTime.of(text, step, midpoints=name == "median")
                for name, text in (("median", cell.value), ("lower", cell.lower), ("upper", cell.upper))
            }
            notes += [
                f"{survival.id}/{level}/{name}: {time.text} is no time in whole {survival.unit or 'units'}; "
                f"{time.reading} is the nearest"
                for name, time in times.items()
                if time is not None and time.reading
            ]
            counts = [_count(some[place]) if place < len(some) else None for some in (survival.n, survival.events)]
            groups.append(GroupPrint(level=level, n=counts[0], events=counts[1], **times))
        p = None
        name = "".join(sign for sign in survival.test.casefold() if sign.isalnum())
        if survival.p and len(groups) == 2:
            if name in LOG_RANK:
                p = _printed_p(survival.p)
            else:
                notes.append(f"{survival.id}/p_value: the test '{survival.test}' is no log-rank test; P was left out")
        if model is None and (sizes is None or (first is None and survival.first)):
            from cohortstats.published.model.consistent import consistent_model

            model = consistent_model(printed).model
        if sizes is None:
            assert model is not None
            sizes = _sizes(survival, groups, model)
        if first is None and survival.first:
            assert model is not None
            first = _first(survival, model)
        ci, ci_level = interval_of(printed, survival)
        return cls(
            id=survival.id,
            groups=tuple(groups),
            ci=ci,
            ci_level=ci_level,
            step=step,
            unit=survival.unit,
            p_text=survival.p,
            p=p,
            first=None if first is None else frozenset(tuple(some) for some in first),
            sizes=tuple(sizes),
            notes=tuple(notes),
        )

    @property
    def z(self) -> float:
        """Normal quantile of the limits."""
        from scipy.special import ndtri

        return float(-ndtri((1 - self.ci_level) / 2))

    @property
    def window(self) -> tuple[float, float] | None:
        """Smallest and largest chi-squared statistic that print as P."""
        if self.p is None:
            return None
        from scipy.special import chdtri

        low, high = self.p
        least = 0.0 if high >= 1 else float(chdtri(1, high))
        return least, float("inf") if low <= 0 else float(chdtri(1, low))

    @property
    def printed_times(self) -> list[PrintedTriple]:
        """Lower limit, median and upper limit of each group."""
        return [(group.lower, group.median, group.upper) for group in self.groups]


def survival_of(printed: Printed, survival_id: str) -> Survival:
    """A survival block by its address.

    Raises
    ------
    InputError
        When there is none, with the nearest spelling.
    """
    for survival in printed.survivals:
        if survival.id == survival_id:
            return survival
    near = did_you_mean(survival_id, [survival.id for survival in printed.survivals])
    raise InputError(f"{survival_id} is no [[survival]] block.{f' Did you mean {near}?' if near else ''}")


def _check_groups(survival: Survival) -> None:
    if not survival.cells:
        raise InputError(f"{survival.id} has no cells: nothing is printed of its curves.")
    if len(survival.cells) > 2:
        raise InputError(
            f"{survival.id} has {len(survival.cells)} groups; orders of times are searched for one or two. "
            "More groups need a digitised curve: cohortstats curve."
        )


def _count(text: str) -> int | None:
    folded = fold_text(text)
    return int(folded) if folded.isascii() and folded.isdigit() else None


def _printed_p(text: str) -> tuple[float, float] | None:
    """Values that print as a P, from the first and below the second.

    Examples
    --------
    >>> _printed_p("0.0037"), _printed_p("<0.001"), _printed_p("NS"), _printed_p(">0.99")
    ((0.00365, 0.00375), (0.0, 0.001), (0.05, 1.0), (0.99, 1.0))
    """
    folded = re.sub(r"\s+", "", fold_text(text)).casefold()
    if folded in ("ns", "n.s."):
        return 0.05, 1.0
    found = re.fullmatch(r"([<>≤≥]?)(\d*\.?\d+)", folded)
    if not found:
        return None
    value = Fraction(Decimal(found[2]))
    if found[1] in ("<", "≤"):
        return 0.0, float(value)
    if found[1] in (">", "≥"):
        return float(value), 1.0
    half = Fraction(1, 2 * 10 ** len(found[2].partition(".")[2]))
    return float(max(value - half, Fraction(0))), float(min(value + half, Fraction(1)))


def _sizes(survival: Survival, groups: Sequence[GroupPrint], model: CohortModel) -> tuple[tuple[int, ...], ...]:
    """Group sizes that the counts of the paper allow; ranges of each, which may hold a few too many pairs."""
    total = _range(model, "", survival.among, sharp=False)
    ranges = []
    for group in groups:
        if group.n is not None:
            ranges.append(range(group.n, group.n + 1))
        elif len(groups) == 1:
            ranges.append(total)
        else:
            condition = group_condition(model.printed, survival, group.level)
            ranges.append(_range(model, condition, survival.among, sharp=False))
    return tuple(some for some in itertools.product(*ranges) if sum(some) in total and all(some))


def _first(survival: Survival, model: CohortModel) -> tuple[tuple[int, ...], ...]:
    """Numbers of those of each group whose events precede all others."""
    total = _range(model, survival.first, survival.among)
    if len(survival.cells) == 1:
        return tuple((n,) for n in total)
    conditions = [group_condition(model.printed, survival, row[0]) for row in survival.cells]
    ranges = [_range(model, f"({survival.first}) and ({one})", survival.among) for one in conditions]
    return tuple(some for some in itertools.product(*ranges) if sum(some) in total)


def _range(model: CohortModel, expression: str, among: str, *, sharp: bool = True) -> range:
    low, high = count_ends(model, expression, among, sharp=sharp)
    return range(low, high + 1)


def group_condition(printed: Printed, survival: Survival, level: str) -> str:
    """Expression that says that a patient is in a group.

    Examples
    --------
    >>> from cohortstats.shipped import shipped_study
    >>> printed = Printed.read(shipped_study("sakai2018"))
    >>> group_condition(printed, printed.survivals[0], "no")
    'not (`risk_group`)'
    """
    if not survival.group:
        return ""
    if printed.column_kind(survival.group).kind == "yes/no":
        return f"`{survival.group}`" if level == "yes" else f"not (`{survival.group}`)"
    quoted = level.replace("\\", "\\\\").replace("'", "\\'")
    return f"`{survival.group}` == '{quoted}'"
