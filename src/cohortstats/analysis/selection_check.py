"""Whether those who could be tested fared like those who could not."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cohortstats.cohort import Cohort
from cohortstats.stats.counts import CountTable
from cohortstats.stats.exact import FisherTest, fisher_exact
from cohortstats.stats.results import RichResult

__all__ = ["SelectionCheck", "selection_check"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SelectionCheck(RichResult):
    """Result of :func:`selection_check`.

    Parameters
    ----------
    population, outcome
        The expressions.
    counts
        Groups ``in`` and ``out``: those with the outcome among those whose outcome is known.
    n
        Patients in and out.
    n_unknown
        Of these, patients whose outcome is missing.
    n_population_missing
        Patients of whom it is not known whether they belong to the population; they are out.
    test
        Fisher's exact test of in against out.

    Examples
    --------
    >>> import cohortstats as cs
    >>> cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    >>> cs.selection_check(cohort, population="ctdna_tested", outcome="primary_resistance").counts.events
    (4, 5)
    """

    population: str
    outcome: str
    counts: CountTable
    n: tuple[int, int]
    n_unknown: tuple[int, int]
    n_population_missing: int
    test: FisherTest

    @property
    def p_value(self) -> float:
        """Two-sided P of Fisher's exact test."""
        return self.test.p_value

    @property
    def reason(self) -> str:
        """Why P says nothing, such as a table with an empty margin; else empty."""
        return self.test.reason

    @property
    def method(self) -> str:
        """Name of the test."""
        return self.test.method

    def to_frame(self) -> pd.DataFrame:
        """Two rows, in and out: group, n, n_known, n_event, rate."""
        return pd.DataFrame(
            {
                "group": self.counts.groups,
                "n": self.n,
                "n_known": self.counts.totals,
                "n_event": self.counts.events,
                "rate": self.counts.rates,
            }
        )


def selection_check(cohort: Cohort, *, population: str, outcome: str) -> SelectionCheck:
    """Compare an outcome between those in a population and those left out of it.

    A population that is there by availability, such as patients with plasma, may differ from the rest. A large P does
    not show that it does not.

    Parameters
    ----------
    cohort
        Everybody: those in the population and those out of it.
    population
        Yes/no expression. Yes is in; no and missing are out.
    outcome
        Yes/no expression, such as the name of a binary endpoint. Who has none is counted apart.

    Returns
    -------
    SelectionCheck
        Counts in and out, and P of Fisher's exact test; 1 with a reason where the table has an empty margin.

    Raises
    ------
    InputError
        An expression that is not yes/no, or a name that does not exist.

    Notes
    -----
    R: ``fisher.test(table(population, outcome))``.

    Examples
    --------
    >>> import cohortstats as cs
    >>> cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    >>> check = selection_check(cohort, population="ctdna_tested", outcome="primary_resistance")
    >>> check.counts.events, check.counts.totals, check.p_value
    ((4, 5), (16, 18), 1.0)
    """
    inside = cohort.answer(population, "population")
    event = cohort.answer(outcome, "outcome")
    here = inside.data.astype(bool) & ~inside.missing
    known = ~event.missing
    yes = event.data.astype(bool) & known
    parts = (here, ~here)
    counts = CountTable(
        groups=("in", "out"),
        events=tuple(int((yes & part).sum()) for part in parts),
        totals=tuple(int((known & part).sum()) for part in parts),
    )
    n_in, n_out = (int(part.sum()) for part in parts)
    return SelectionCheck(
        population=population,
        outcome=outcome,
        counts=counts,
        n=(n_in, n_out),
        n_unknown=(n_in - counts.totals[0], n_out - counts.totals[1]),
        n_population_missing=int(inside.missing.sum()),
        test=fisher_exact(counts),
    )
