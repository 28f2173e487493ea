"""Landmark analysis: those still under observation at a time, followed from it."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from cohortstats.cohort import Cohort, FlowStep
from cohortstats.errors import did_you_mean
from cohortstats.stats.doors import number_text, refuse
from cohortstats.stats.event_counts import snap_to_times
from cohortstats.study import TimeToEventEndpoint

__all__ = ["landmark"]


def landmark(cohort: Cohort, *, at: float, endpoint: str) -> Cohort:
    """Patients still under observation at a landmark, their times counted from it.

    Who has the event or leaves before the landmark, or at it, cannot be in a group that is formed up to then: with the
    landmark as time 0 nobody is given the time for which a patient had to survive to get into a group.

    Parameters
    ----------
    cohort
        Patients; a group of theirs must be known at the landmark, which nobody but the author of the study can know.
    at
        The landmark, above 0, in the unit of the endpoint.
    endpoint
        Name of a time-to-event endpoint.

    Returns
    -------
    Cohort
        Those with time > ``at``, with time − ``at`` in this endpoint; other endpoints stay as they are. The last step
        of ``flow`` counts those excluded: ``n_out`` with a time up to ``at``, ``n_missing`` without a time.

    Raises
    ------
    InputError
        No such endpoint, an endpoint without times, ``at`` not above 0.

    Notes
    -----
    R: ``survfit(Surv(time - at, event) ~ group, subset = time > at)``. With conventions that merge near ties a time
    that differs from the landmark by rounding only is the landmark. Anderson, Cain and Gelber 1983, Journal of
    Clinical Oncology 1:710.

    Examples
    --------
    >>> import cohortstats as cs
    >>> cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    >>> later = landmark(cohort, at=90, endpoint="ttp")
    >>> step = later.steps[-1]
    >>> step.n_before, step.n_out, step.n_missing, len(later)
    (34, 5, 18, 11)
    """
    problems = _problems(cohort, at, endpoint)
    refuse(problems)
    times = cohort.endpoint(endpoint)["time"].to_numpy(dtype=float)
    absent = np.isnan(times)
    start = float(at)
    if cohort.study.conventions.timefix:
        start = float(snap_to_times(np.array([start]), times[~absent])[0])
    keep = np.where(absent, -math.inf, times) > start
    n_missing, n_after = int(absent.sum()), int(keep.sum())
    step = FlowStep(
        step=f"landmark at {number_text(at)}",
        reason=f"{endpoint}: time > {number_text(at)} {_unit(cohort, endpoint)}",
        n_before=cohort.n,
        n_out=cohort.n - n_missing - n_after,
        n_missing=n_missing,
        n_after=n_after,
    )
    later = cohort.take(keep, step)
    frame = later.endpoint(endpoint)
    frame["time"] = frame["time"] - start
    frame["entry"] = (frame["entry"] - start).clip(lower=0)
    return dataclasses.replace(later, endpoints={**later.endpoints, endpoint: frame})


def _problems(cohort: Cohort, at: float, endpoint: str) -> list[str]:
    problems = [] if 0 < at < math.inf else [f"at is {number_text(at)}; give a time above 0."]
    if endpoint not in cohort.endpoints:
        near = did_you_mean(endpoint, cohort.endpoints)
        return [*problems, f"{endpoint} is no endpoint." + (f" Did you mean {near}?" if near else "")]
    if "time" not in cohort.endpoints[endpoint]:
        problems.append(f"{endpoint} is a binary endpoint; a landmark needs a time-to-event endpoint.")
    return problems


def _unit(cohort: Cohort, endpoint: str) -> str:
    declared = cohort.study.endpoints[endpoint]
    return declared.unit if isinstance(declared, TimeToEventEndpoint) else ""
