"""Binary endpoints: what a missing outcome counts as is declared, never assumed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cohortstats.expressions import Values

__all__ = ["BinaryOutcome", "binary_outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryOutcome:
    """Who had the event, after the rule for unknown outcomes.

    Parameters
    ----------
    event
        True for the event; False where ``missing``.
    missing
        Patients who are left out.
    n_unknown
        Patients whose outcome was not known before the rule.
    """

    event: npt.NDArray[np.bool_]
    missing: npt.NDArray[np.bool_]
    n_unknown: int


def binary_outcome(recorded: Values, unknown: str) -> BinaryOutcome:
    """Apply the rule ``"not an event"``, ``"event"`` or ``"exclude"`` to a yes/no answer.

    Examples
    --------
    >>> recorded = Values(kind="yes/no", data=np.array([True, False, False]), missing=np.array([False, False, True]))
    >>> binary_outcome(recorded, "not an event").event.tolist()
    [True, False, False]
    >>> binary_outcome(recorded, "exclude").missing.tolist()
    [False, False, True]
    """
    event = recorded.data.astype(bool) & ~recorded.missing
    missing = recorded.missing.copy()
    if unknown == "event":
        event = event | missing
    if unknown != "exclude":
        missing = np.zeros(len(missing), dtype=bool)
    return BinaryOutcome(event=event, missing=missing, n_unknown=int(recorded.missing.sum()))
