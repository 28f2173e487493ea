"""Best overall response by RECIST 1.1, confirmed or not, from the responses at visits."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from cohortstats.derivations.occasions import Ints, Mask
from cohortstats.derivations.visit_frames import FrameVisits
from cohortstats.derivations.visits import CR, NE, NON_CR_NON_PD, PD, PR, RESPONSES, SD, Visits, first_places
from cohortstats.errors import CohortStatsWarning

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Best", "best_of_visits", "best_response"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Best:
    """Best overall response of each patient.

    Parameters
    ----------
    code
        Place in `RESPONSES`; -1 for a patient without a visit.
    visit
        Place, in ``visits``, of the visit that it came from; -1 for a patient without one.
    confirmed_by
        Place of the visit that confirmed it; -1 where nothing was confirmed.
    visits
        Those that counted: up to and including the first PD.
    n_later
        Visits of each patient after the first PD, which do not count.
    """

    code: Ints
    visit: Ints
    confirmed_by: Ints
    visits: Visits
    n_later: Ints


def best_of_visits(
    visits: Visits, *, min_sd: int, confirmed: bool, confirm: int = 28, max_ne: int = 1, accept_sd: bool = True
) -> Best:
    """Best response over the visits up to and including the first PD.

    Every visit is worth something, the least of it where nothing better holds; of the visits worth most the first is
    the one that the answer came from.
    """
    counted = visits.until_progression()
    partner = np.full(len(counted), -1, dtype=np.int64)
    long_enough = counted.day >= min_sd
    worth = np.full(len(counted), NE, dtype=np.int64)
    worth[counted.code == PD] = PD
    if confirmed:
        worth[(counted.code == NON_CR_NON_PD) & long_enough] = NON_CR_NON_PD
        worth[(counted.code <= SD) & long_enough] = SD
        partner = _confirming(counted, confirm=confirm, max_ne=max_ne, accept_sd=accept_sd)
        worth[(counted.code == PR) & (partner >= 0)] = PR
        worth[(counted.code == CR) & (partner >= 0)] = CR
    else:
        stable = (counted.code == SD) | (counted.code == NON_CR_NON_PD)
        worth = np.where(stable & ~long_enough, NE, counted.code)
    best = np.full(visits.n, len(RESPONSES), dtype=np.int64)
    np.minimum.at(best, counted.patient, worth)
    patients, first = first_places(counted.patient, worth == best[counted.patient])
    visit = np.full(visits.n, -1, dtype=np.int64)
    visit[patients] = first
    code = np.where(visit >= 0, best, -1)
    confirmed_by = np.full(visits.n, -1, dtype=np.int64)
    responded = (code == CR) | (code == PR)
    confirmed_by[responded] = partner[visit[responded]]
    return Best(
        code=code,
        visit=visit,
        confirmed_by=confirmed_by,
        visits=counted,
        n_later=visits.count() - counted.count(),
    )


def _confirming(visits: Visits, *, confirm: int, max_ne: int, accept_sd: bool) -> Ints:
    """Of each CR and PR the visit that confirms it, or -1.

    It is the first late enough with CR, or for PR with PR or CR: a later one has no fewer visits in between.
    """
    partner = np.full(len(visits), -1, dtype=np.int64)
    code = visits.code
    unevaluable, stable = np.cumsum(code == NE), np.cumsum(code == SD)

    def pair(of: Mask, by: Mask, breaks: Mask, most_stable: int) -> None:
        earlier, later = np.flatnonzero(of), np.flatnonzero(by)
        if not len(earlier):
            return
        # Patients follow each other on one scale of days, so far apart that no search leads into the next patient.
        low = int(visits.day.min())
        apart = int(visits.day.max()) - low + confirm + 1
        scale = visits.patient * apart + (visits.day - low)
        at = np.searchsorted(scale[later], scale[earlier] + confirm)
        earlier, at = earlier[at < len(later)], at[at < len(later)]
        found = later[at]
        broken = np.cumsum(breaks)
        fits = visits.patient[found] == visits.patient[earlier]
        fits &= broken[found] == broken[earlier]
        fits &= unevaluable[found] - unevaluable[earlier] <= max_ne
        fits &= stable[found] - stable[earlier] <= most_stable
        partner[earlier[fits]] = found[fits]

    complete, partial = code == CR, code == PR
    pair(complete, complete, ~complete & (code != NE), len(visits))
    reversed_ = np.zeros(visits.n, dtype=bool)
    reversed_[visits.patient[visits.partial_after_complete()]] = True
    in_line = partial & ~reversed_[visits.patient]
    pair(in_line, complete | partial, (code == NON_CR_NON_PD) | (code == PD), int(accept_sd))
    return partner


def best_response(
    visits: pd.DataFrame,
    *,
    min_sd: int,
    patient: str = "patient",
    date: str = "date",
    response: str = "response",
    start: str | Mapping[Any, dt.date | str] | pd.Series[Any] | None = None,
    reader: str | None = None,
    confirmed: bool = False,
    confirm: int = 28,
    max_ne: int = 1,
    accept_sd: bool = True,
    duplicates: Literal["refuse", "worst"] = "refuse",
    none: Literal["missing", "NE"] = "missing",
    unknown: Sequence[str] = (),
) -> pd.DataFrame:
    """Best overall response of each patient by RECIST 1.1.

    Parameters
    ----------
    visits
        One row a visit, in any order.
    min_sd
        Days from the start from which SD and NON-CR/NON-PD count; earlier ones count as NE. Protocols set it, usually
        at 6 to 8 weeks; there is no default.
    patient, date, response
        Columns of ``visits``. Responses are CR, PR, SD, NON-CR/NON-PD, PD and NE; a visit without one is left out.
    start
        Date from which days are counted: a column of ``visits``, or patient -> date, which may name patients without a
        visit. Without it ``date`` holds days from the start.
    reader
        Column that says who read the scan; each reader has a result of his own, they are never put together.
    confirmed
        Whether CR and PR need a second visit that shows them.
    confirm
        Days between the two, at least.
    max_ne
        Most NE between them.
    accept_sd
        Whether one SD may lie between PR and its confirmation.
    duplicates
        What two responses on one day are: refused, or the worst counts, which is the first of PD, NON-CR/NON-PD, SD,
        PR, CR and NE.
    none
        What patients without a visit have.
    unknown
        Words that count as NE.

    Returns
    -------
    DataFrame
        One row a patient, and reader, in the order of ``start`` or else of ``visits``: ``patient``, ``reader`` where
        it is named, ``response`` (ordered, missing without a visit), ``date`` of the visit that it came from and its
        ``row``, the label in the index of ``visits``; ``confirmed_date`` and ``confirmed_row``, those of the visit that
        confirmed it; ``n_visits`` that counted and ``n_after_progression`` that did not.

    Raises
    ------
    InputError
        With every fault: columns that are not there, words that are no response of RECIST 1.1 or belong to iRECIST,
        dates that are none, visits before the start, two responses on one day.

    Notes
    -----
    Visits count up to and including the first PD. Unconfirmed, the best of CR, PR, SD, NON-CR/NON-PD, PD and NE.
    Confirmed, CR is a CR with another at least ``confirm`` days later and between them only CR and at most ``max_ne``
    NE; PR is a PR with PR or CR that much later and between them only CR, PR, at most ``max_ne`` NE and, with
    ``accept_sd``, at most one SD, in a patient without PR after CR; else SD where any CR, PR or SD is at ``min_sd`` or
    later; else NON-CR/NON-PD that late, else PD, else NE. Between a response and its confirmation an SD is an SD
    however early.

    A PR after a CR is told with a warning: by RECIST 1.1 it cannot be. R: ``admiral::derive_extreme_event`` with the
    events ``bor_cr``, ``cbor_cr`` and so on of ``admiralonco``, where ``accept_sd`` is off unless it is asked for.
    Eisenhauer et al. 2009, 10.1016/j.ejca.2008.10.026, section 4.6 and table 3.

    Examples
    --------
    >>> visits = pd.DataFrame({"patient": ["A", "A", "A", "B"], "date": [43, 85, 127, 43]})
    >>> visits["response"] = ["PR", "SD", "PR", "CR"]
    >>> best_response(visits, min_sd=42, confirmed=True)[["patient", "response", "date", "confirmed_date"]]
      patient response  date  confirmed_date
    0       A       PR    43             127
    1       B       SD    43            <NA>
    """
    frame = FrameVisits.read(
        visits,
        patient=patient,
        date=date,
        response=response,
        start=start,
        reader=reader,
        unknown=unknown,
        duplicates=duplicates,
        choices={"none": (none, ("missing", "NE"))},
        numbers={"min_sd": (min_sd, 0), "confirm": (confirm, 1), "max_ne": (max_ne, 0)},
    )
    best = best_of_visits(
        frame.visits, min_sd=min_sd, confirmed=confirmed, confirm=confirm, max_ne=max_ne, accept_sd=accept_sd
    )
    odd = best.visits.partial_after_complete()
    if len(odd):
        who = "1 patient has" if len(odd) == 1 else f"{len(odd)} patients have"
        warnings.warn(f"{who} PR after CR, which is not possible; ask the reader.", CohortStatsWarning, stacklevel=2)
    code = np.where((best.code < 0) & (none == "NE") & frame.started, NE, best.code)
    levels = pd.Index(RESPONSES, dtype=object)
    made = frame.streams.copy()
    made["response"] = pd.Categorical.from_codes(code.tolist(), categories=levels, ordered=True)
    for suffix, visit in (("", best.visit), ("confirmed_", best.confirmed_by)):
        found = visit >= 0
        source = np.full(len(visit), -1, dtype=np.int64)
        source[found] = best.visits.source[visit[found]]
        made[f"{suffix}date"], made[f"{suffix}row"] = frame.at(source)
    made["n_visits"], made["n_after_progression"] = best.visits.count(), best.n_later
    return made
