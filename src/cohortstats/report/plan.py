"""Which function makes which section, and the exhibits of a study in the order of its file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cohortstats.analysis.association import association
from cohortstats.analysis.characteristics import characteristics
from cohortstats.analysis.disclosure import suppress
from cohortstats.analysis.flow import flow
from cohortstats.analysis.listing import listing
from cohortstats.analysis.measurements import measurements
from cohortstats.analysis.missing_values import missing_values
from cohortstats.analysis.regression import regression
from cohortstats.analysis.response import response
from cohortstats.analysis.results import Analysis
from cohortstats.analysis.swimmer import swimmer
from cohortstats.analysis.time_to_event import time_to_event
from cohortstats.analysis.waterfall import waterfall
from cohortstats.cohort import Cohort
from cohortstats.published.curve.exhibit import curves
from cohortstats.published.trials.exhibit import trials
from cohortstats.study import (
    Association,
    Characteristics,
    Curves,
    Exhibit,
    Flow,
    Listing,
    Measurements,
    Missingness,
    Regression,
    Response,
    Swimmer,
    TimeToEvent,
    Trials,
    Waterfall,
)

__all__ = ["Watch", "make_exhibit", "make_exhibits"]

Watch = Callable[[Iterable[Exhibit]], Iterable[Exhibit]]

MAKERS: Mapping[type, Callable[[Cohort, Exhibit], Analysis]] = {
    Characteristics: characteristics,
    Response: response,
    Measurements: measurements,
    Association: association,
    Listing: listing,
    TimeToEvent: time_to_event,
    Regression: regression,
    Swimmer: swimmer,
    Waterfall: waterfall,
    Flow: flow,
    Missingness: missing_values,
    Trials: trials,
    Curves: curves,
}

OF_PRINT = (Trials, Curves)
"""Made of what others printed: no count in them is one of these patients, so that nothing is hidden."""


def make_exhibit(cohort: Cohort, entry: Exhibit) -> Analysis:
    """Make one exhibit with the function that its section names.

    Parameters
    ----------
    cohort
        The patients.
    entry
        A section of the study, such as ``study.exhibit("table4")``.

    Returns
    -------
    Analysis
        Table, results and picture.

    Raises
    ------
    InputError
        When the section cannot be made from this cohort.

    Examples
    --------
    >>> import cohortstats as cs
    >>> cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    >>> make_exhibit(cohort, cohort.study.exhibit("table2")).table.number
    'Table 2'
    """
    k = cohort.study.report.privacy.min_cell
    if not k or isinstance(entry, OF_PRINT):
        return MAKERS[type(entry)](cohort, entry)
    # What is hidden in one exhibit depends on the others.
    of_patients = [one for one in cohort.study.exhibits if not isinstance(one, OF_PRINT)]
    shown = suppress(cohort, [MAKERS[type(one)](cohort, one) for one in of_patients], k)
    found = [analysis for analysis in shown if analysis.entry == entry]
    if found:
        return found[0]
    others = [one for one in of_patients if one.id != entry.id]
    return suppress(cohort, [MAKERS[type(one)](cohort, one) for one in [entry, *others]], k)[0]


def make_exhibits(cohort: Cohort, *, watch: Watch = iter) -> tuple[Analysis, ...]:
    """Make all exhibits of the study, in the order of the study file.

    Parameters
    ----------
    cohort
        The patients.
    watch
        Wraps the sections while they are made, such as a progress bar.

    Returns
    -------
    tuple of Analysis
        One a section.

    Raises
    ------
    InputError
        When a section cannot be made from this cohort.

    Examples
    --------
    >>> import cohortstats as cs
    >>> [analysis.id for analysis in make_exhibits(cs.load_cohort(cs.shipped_study("sakai2018")))]
    ['table1', 'table2', 'table3', 'table4', 'table5', 'figure1']
    """
    analyses = tuple(MAKERS[type(entry)](cohort, entry) for entry in watch(cohort.study.exhibits))
    of_patients = [analysis for analysis in analyses if not isinstance(analysis.entry, OF_PRINT)]
    shown = {one.id: one for one in suppress(cohort, of_patients, cohort.study.report.privacy.min_cell)}
    return tuple(shown.get(analysis.id, analysis) for analysis in analyses)
