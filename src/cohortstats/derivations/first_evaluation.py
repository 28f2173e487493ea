"""Progression at the first evaluation: primary resistance, from visits and what happened before the first of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cohortstats.derivations.occasions import Ints, Mask
from cohortstats.derivations.visits import NE, PD, Visits, first_places

__all__ = ["BASES", "First", "first_of_visits"]

BASES = ("scan", "NE", "none", "before scan", "excluded")
"""What the answer rests on: an evaluation, one without an answer, no scan, or what happened before the first scan."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class First:
    """Whether the first evaluation of each patient found progression.

    Parameters
    ----------
    progressed, missing
        Yes or no, and where it is not known.
    basis
        Place in `BASES`.
    visit
        Place of the first evaluation in the visits; -1 where there is none, or where an event came before it.
    """

    progressed: Mask
    missing: Mask
    basis: Ints
    visit: Ints


def first_of_visits(
    visits: Visits,
    *,
    evaluation: Literal["recorded first", "skip NE"] = "recorded first",
    before_scan: Literal["", "resistant", "unknown", "exclude"] = "",
    event_day: Ints | None = None,
) -> First:
    """Progression at the first evaluation.

    Parameters
    ----------
    visits
        In order.
    evaluation
        Whether an NE that was recorded first is the evaluation, and the answer unknown, or is skipped.
    before_scan
        What an event before the first evaluation makes of a patient.
    event_day
        Day of death or clinical progression of each patient; a negative day is none.
    """
    counted = np.ones(len(visits), dtype=bool) if evaluation == "recorded first" else visits.code != NE
    patients, first = first_places(visits.patient, counted)
    visit = np.full(visits.n, -1, dtype=np.int64)
    visit[patients] = first
    some = visit >= 0
    code = np.full(visits.n, NE, dtype=np.int64)
    code[some] = visits.code[visit[some]]
    # Without any evaluation under "skip NE", scans that told nothing are still other than no scan.
    seen = visits.count() > 0
    basis = np.where(some & (code != NE), BASES.index("scan"), np.where(seen, BASES.index("NE"), BASES.index("none")))
    progressed = code == PD
    missing = code == NE
    if event_day is not None and before_scan:
        day = np.full(visits.n, np.iinfo(np.int64).max)
        day[some] = visits.day[visit[some]]
        early = (event_day >= 0) & (event_day < day)
        progressed[early] = before_scan == "resistant"
        missing[early] = before_scan != "resistant"
        basis[early] = BASES.index("excluded" if before_scan == "exclude" else "before scan")
        visit[early] = -1
    return First(progressed=progressed, missing=missing, basis=basis.astype(np.int64), visit=visit)
