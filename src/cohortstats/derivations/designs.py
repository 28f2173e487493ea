"""How a comparison was designed: groups that were known only later, cut-offs found in the data.

Neither is a fault of a cell. What would bias a result without a trace is an error; the rest is a warning, so that the
study file says what was done. That a group is made from the outcome is seen in the study file alone, and told there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cohortstats.cohort import Cohort
from cohortstats.derivations.findings import Findings
from cohortstats.study import Association, BinaryEndpoint, Exhibit, Regression, TimeToEvent, section_of

__all__ = ["check_designs", "late_groups"]

IMMORTAL = (
    "Patients had to survive to be in this group. Use a landmark (n excluded is shown) or a time-dependent variable."
)


def check_designs(found: Findings) -> None:
    """Look at every grouping of every exhibit that compares an endpoint."""
    cohort = found.cohort
    for entry in cohort.study.exhibits:
        for name, outcome in _comparisons(entry):
            if name in cohort.variables and outcome in cohort.endpoints:  # else it has a problem of its own
                _known_late(found, entry, name, outcome)
    compared = {name for entry in cohort.study.exhibits for name, _ in _comparisons(entry)}
    for name, derived in cohort.study.derive.items():
        if derived.cutoff == "this data" and name in compared:
            message = f"[derive.{name}] cutoff: the cut-off was chosen on these patients; a P of its own is too small."
            mend = "The report gives the P that allows for the search, where the cut-off is on one number."
            found.study("cutoff-this-data", f"derive.{name}.cutoff", message, mend, level="warning")


def _comparisons(entry: Exhibit) -> Iterator[tuple[str, str]]:
    """Each grouping of an exhibit with the endpoint that it is compared by."""
    if isinstance(entry, Association):
        yield from ((name, entry.outcome) for name in (*entry.rows, *entry.tested))
    elif isinstance(entry, TimeToEvent) and entry.groups:
        yield entry.groups, entry.endpoint
    elif isinstance(entry, Regression):
        yield from ((name, entry.endpoint) for name in entry.covariates)


def late_groups(cohort: Cohort, name: str, outcome: str, start_of_time: float = 0.0) -> dict[str, int]:
    """Date columns of a grouping -> patients in whom they lie after the start (plus a landmark) of an endpoint."""
    point = cohort.study.endpoints[outcome]
    if isinstance(point, BinaryEndpoint) or not point.start:
        return {}
    start = cohort.values(point.start).to_numpy(dtype="datetime64[D]")
    days = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}[point.unit] * start_of_time
    limit = start + np.timedelta64(int(days), "D")
    late = {}
    for column in sorted(cohort.variables[name].given_names):
        # Which records of many a grouping reads is said by its expression; when they were known, by the study file.
        if cohort.variables[column].kind == "date" and not cohort.variables[column].many:
            dates = cohort.values(column).to_numpy(dtype="datetime64[D]")
            n = int((dates > limit).sum())  # comparing NaT is false
            if n:
                late[column] = n
    return late


def _known_late(found: Findings, entry: Exhibit, name: str, outcome: str) -> None:
    if not isinstance(entry, (TimeToEvent, Regression)) or entry.allow_immortal:
        return
    landmark = entry.landmark if isinstance(entry, TimeToEvent) else 0.0
    for column, n in late_groups(found.cohort, name, outcome, landmark).items():
        patients = "1 patient" if n == 1 else f"{n} patients"
        when = f"the landmark at {landmark:g}" if landmark else f"the start of {outcome}"
        message = f"[[{section_of(entry)}]] {entry.id}: {name} uses {column}, which in {patients} is after {when}."
        mend = f"{IMMORTAL} To go on as it is, write allow_immortal = true."
        found.study("immortal-time", f"{section_of(entry)}.{entry.id}", message, mend)
