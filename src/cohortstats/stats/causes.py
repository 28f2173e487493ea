"""What comes through the door of competing risks: times, and which of several causes ended each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import InputError
from cohortstats.stats.doors import check_length, check_present, length_of, number_text, read_numbers, refuse
from cohortstats.stats.event_door import Labels, read_labels, read_times

__all__ = ["Causes", "read_causes"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CODES = "give whole numbers, 0 for censored, or a categorical whose first category is censored"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Causes:
    """Checked patients: ``code`` is 0 for censored, else the position in ``names`` plus 1."""

    time: Floats
    code: Ints
    names: tuple[Any, ...]
    group: Labels

    def position(self, cause: Any) -> int:
        """Code of one cause."""
        if cause not in self.names:
            known = ", ".join(str(name) for name in self.names)
            raise InputError(f"cause_of_interest is {cause}; the causes are {known}.")
        return self.names.index(cause) + 1


def read_causes(problems: list[str], time: Any, cause: Any, group: Any) -> Causes:
    """Checked patients, or one InputError with everything that is wrong, ``problems`` included."""
    n = length_of(time)
    if n is not None:
        for name, column in (("cause", cause), ("group", group)):
            if (length := length_of(column)) is not None:
                problems += check_length("time", n, name, length)
    if n == 0:
        refuse([*problems, "there are no patients."])
    times = read_times("time", time, problems)
    read = _codes(cause, problems)
    groups = read_labels("group", group, n or 0, problems)
    refuse(problems)
    assert times is not None
    assert read is not None
    return Causes(time=times, code=read[0], names=read[1], group=groups)


def _codes(cause: Any, problems: list[str]) -> tuple[Ints, tuple[Any, ...]] | None:
    """Codes with 0 for censored, and the names of codes 1, 2, …"""
    cause = getattr(cause, "array", cause)  # the array inside a pandas column
    if hasattr(cause, "categories") and hasattr(cause, "codes"):
        codes, names = np.asarray(cause.codes, dtype=np.int64), tuple(cause.categories[1:])
        if missing := check_present("cause", codes < 0):
            problems += missing
            return None
        if not names:
            problems.append(f"cause has one category; {CODES}.")
            return None
        return codes, names
    numbers = read_numbers("cause", cause, problems, dates=CODES, text=CODES)
    if numbers is None:
        return None
    bad = np.flatnonzero(~((numbers >= 0) & (numbers == np.floor(numbers)) & (numbers < 2**31)))
    if bad.size:
        problems.append(f"cause holds {number_text(numbers[bad[0]])} (position {bad[0] + 1}); {CODES}.")
        return None
    present = np.unique(numbers[numbers > 0]).astype(np.int64)
    if not present.size:
        present = np.array([1])  # everybody is censored
    return np.searchsorted(present, numbers, side="right") * (numbers > 0), tuple(present.tolist())
