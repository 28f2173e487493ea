"""What unknown outcomes can do to a comparison: Fisher's P over every way in which they may have turned out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cohortstats.stats.counts import CountTable, check_two_groups
from cohortstats.stats.doors import refuse
from cohortstats.stats.exact import INTEGERS_UP_TO, fisher_exact
from cohortstats.stats.hypergeometric import Margins

__all__ = ["CompletionRange", "p_over_completions"]

MAX_COMPLETIONS = 10_000  # beyond it the ends of the range are no news to anyone


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRange:
    """Least and greatest P of Fisher's test over ``n_completions`` tables, with the events that give them."""

    least: Fraction | float
    greatest: Fraction | float
    least_events: tuple[int, int]
    greatest_events: tuple[int, int]
    n_completions: int


def p_over_completions(counts: CountTable, *, unknown: Sequence[int] | int) -> CompletionRange:
    """Range of Fisher's two-sided P over all outcomes that patients with an unknown one may have had.

    Parameters
    ----------
    counts
        Two groups; ``events`` are the known events, ``totals`` count the patients with unknown outcome, too.
    unknown
        Patients with unknown outcome in each group; or their number, when their groups are not known either.

    Returns
    -------
    CompletionRange
        Extremes over every table with x1 ≤ X1 ≤ x1 + u1 and x2 ≤ X2 ≤ x2 + u2; where one number is given, over every
        split of it.

    Raises
    ------
    InputError
        Other than two groups, more unknown outcomes than patients without a known event, or more than 10,000 tables.

    Notes
    -----
    Bounds under no assumption on the missing outcomes (Horowitz and Manski 2000, Journal of the American Statistical
    Association 95:77), taken over the exact P. R has no such call; it is a loop of ``fisher.test``.

    Examples
    --------
    >>> counts = CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
    >>> found = p_over_completions(counts, unknown=3)
    >>> round(float(found.least), 10), found.least_events, float(found.greatest)
    (0.0707291516, (9, 3), 1.0)
    """
    refuse(check_two_groups("p_over_completions", counts))
    tables = list(_completions(counts, unknown))
    if not tables:
        refuse(["there are more patients with unknown outcome than patients without a known event."])
    if len(tables) > MAX_COMPLETIONS:
        refuse([f"the unknown outcomes can be completed in {len(tables)} ways (limit {MAX_COMPLETIONS})."])
    p_values = {events: _p(counts, events) for events in tables}
    least, greatest = min(p_values, key=lambda e: p_values[e]), max(p_values, key=lambda e: p_values[e])
    return CompletionRange(
        least=p_values[least],
        greatest=p_values[greatest],
        least_events=least,
        greatest_events=greatest,
        n_completions=len(tables),
    )


def _completions(counts: CountTable, unknown: Sequence[int] | int) -> Iterator[tuple[int, int]]:
    (x1, x2), (n1, n2) = counts.events, counts.totals
    free1, free2 = n1 - x1, n2 - x2
    if isinstance(unknown, int):
        if unknown <= free1 + free2:
            for first in range(min(unknown, free1) + 1):
                yield from ((x1 + first, x2 + second) for second in range(min(unknown - first, free2) + 1))
    elif unknown[0] <= free1 and unknown[1] <= free2:
        for first in range(unknown[0] + 1):
            yield from ((x1 + first, x2 + second) for second in range(unknown[1] + 1))


def _p(counts: CountTable, events: tuple[int, int]) -> Fraction | float:
    """Fisher's two-sided P alone: an interval for every table would take most of the time."""
    n1, n2 = counts.totals
    if n1 + n2 > INTEGERS_UP_TO:
        return fisher_exact(CountTable(groups=counts.groups, events=events, totals=counts.totals)).p_value
    margins = Margins(n1=n1, n2=n2, k=sum(events))
    weights = margins.integer_weights()
    observed = weights[events[0] - margins.low]
    return Fraction(sum(weight for weight in weights if weight <= observed), math.comb(n1 + n2, sum(events)))
