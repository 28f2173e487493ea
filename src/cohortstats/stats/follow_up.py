"""How long patients were followed: Kaplan-Meier with the event reversed."""

from __future__ import annotations

import dataclasses

from cohortstats.stats.events import EventTable
from cohortstats.stats.kaplan_meier import KaplanMeier, LimitType, kaplan_meier

__all__ = ["follow_up"]


def follow_up(events: EventTable, *, ci: LimitType = "log-log", ci_level: float = 0.95) -> KaplanMeier:
    """Reverse Kaplan-Meier: the time for which patients would have been followed had they had no event.

    Parameters
    ----------
    events
        Table of events, as for `kaplan_meier`.
    ci, ci_level
        Limits, as for `kaplan_meier`.

    Returns
    -------
    KaplanMeier
        Curves of the table with the event reversed: the end of follow-up is the event, and who had the event before it
        is censored. At a tie the end of follow-up comes first. ``quantile(0.5)`` is the median follow-up. Counts keep
        the names of the reversed table: ``n_event`` counts ends of follow-up.

    Raises
    ------
    InputError
        Several strata, unknown limits, a level outside (0, 1).

    Notes
    -----
    R: ``survfit(Surv(time, 1 - event) ~ group)``. Schemper and Smith 1996, Controlled Clinical Trials 17:343.

    Examples
    --------
    >>> follow_up(EventTable.from_arrays([20, 36, 42, 50, 70], [1, 0, 1, 0, 0])).quantile(0.5)[["group", "estimate"]]
      group  estimate
    0   all      50.0
    """
    # A curve needs the rows of its own group only, so late entries are no obstacle here.
    curves = kaplan_meier(events.with_event_reversed(), ci=ci, ci_level=ci_level)
    return dataclasses.replace(curves, method=f"reverse {curves.method}")
