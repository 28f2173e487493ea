"""Which function makes which section, and the exhibits of a study in the order of its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cohortstats.analysis.association import association
from cohortstats.analysis.characteristics import characteristics
from cohortstats.analysis.listing import listing
from cohortstats.analysis.measurements import measurements
from cohortstats.analysis.response import response
from cohortstats.analysis.results import Analysis
from cohortstats.analysis.time_to_event import time_to_event
from cohortstats.cohort import Cohort
from cohortstats.study import (
    Association,
    Characteristics,
    Exhibit,
    Listing,
    Measurements,
    Response,
    TimeToEvent,
)

__all__ = ["make_exhibit", "make_exhibits"]

MAKERS: Mapping[type, Callable[[Cohort, Exhibit], Analysis]] = {
    Characteristics: characteristics,
    Response: response,
    Measurements: measurements,
    Association: association,
    Listing: listing,
    TimeToEvent: time_to_event,
}


def make_exhibit(cohort: Cohort, entry: Exhibit) -> Analysis:
    """Make one exhibit with the function that its section names."""
    return MAKERS[type(entry)](cohort, entry)


def make_exhibits(cohort: Cohort) -> tuple[Analysis, ...]:
    """Make all exhibits of the study, in the order of the study file."""
    return tuple(make_exhibit(cohort, entry) for entry in cohort.study.exhibits)
