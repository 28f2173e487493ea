"""Sentences of the methods paragraph on how the times of an endpoint were made."""

from __future__ import annotations

from collections.abc import Iterator

from cohortstats.cohort import Cohort
from cohortstats.derivations.event_dates import DAYS_IN
from cohortstats.study import LAST_ASSESSMENT, TimeToEventEndpoint
from cohortstats.tables.language import Words
from cohortstats.tables.numbers import STYLES, format_exact

__all__ = ["endpoint_sentences"]


def endpoint_sentences(cohort: Cohort, outcome: TimeToEventEndpoint, say: Words) -> Iterator[str]:
    """What the study file declares for an endpoint made from dates, and delayed entry; nothing that is a default.

    Examples
    --------
    >>> import cohortstats as cs
    >>> from cohortstats.tables.language import words
    >>> cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    >>> pfs = TimeToEventEndpoint(
    ...     name="pfs", kind="time to event", unknown="exclude", start="t0", event="pd", unit="months", plus_one=True
    ... )
    >>> list(endpoint_sentences(cohort, pfs, words("en")))
    ['A month is 30.4375 days.', 'The first day counts as day 1.']
    """
    style = STYLES[cohort.study.report.style]
    if outcome.start:
        if outcome.unit != "days":
            yield say(f"methods_unit_{outcome.unit}", days=format_exact(DAYS_IN[outcome.unit], style))
        if outcome.plus_one:
            yield say("methods_first_day")
        if cutoff := outcome.cutoff or cohort.study.cutoff:
            yield say("methods_data_cutoff", date=cutoff)
        for key, back in (("methods_stops", False), ("methods_stops_back", True)):
            reasons = [stop.reason for stop in outcome.stops if (stop.at == LAST_ASSESSMENT) is back]
            if reasons:
                yield say(key, reasons=say("between_reasons").join(dict.fromkeys(reasons)))
        if (gaps := outcome.gaps) is not None:
            yield say(
                "methods_gaps",
                days=format_exact(gaps.missed * gaps.interval + gaps.tolerance, style),
                missed=gaps.missed,
                interval=format_exact(gaps.interval, style),
                tolerance=format_exact(gaps.tolerance, style),
            )
        if outcome.deaths:
            yield say(f"methods_deaths_{outcome.deaths}")
    if outcome.entry:
        yield say("methods_entry", label=cohort.variable(outcome.entry).label)
