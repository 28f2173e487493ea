"""Wells of droplets as a table of the study; what reads and calls them is loaded when a study has some."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.cohort import FlowStep
from cohortstats.loaders.typed import TypedTable

__all__ = ["DropletTable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropletTable(TypedTable):
    """Wells of one or several exports; as a table, those that belong to a patient's sample.

    Parameters
    ----------
    wells
        Every row of the exports, controls among them, as :func:`cohortstats.read_ddpcr` gives it, with ``patient``
        (empty where it is nobody's), ``specimen`` (which sample of the patient) and ``point`` (its place in the order
        of the map, nan where that is not known).
    kept
        Rows of ``wells`` that the table has.
    controls
        Of these, positive controls: wells of nobody unless a patient is called as their sample.
    steps
        Lines of the flow: rows read, and those set aside.
    whole
        Whether every row could be used as it is.
    """

    wells: pd.DataFrame
    kept: npt.NDArray[np.int64]
    controls: npt.NDArray[np.bool_]
    steps: tuple[FlowStep, ...]
    whole: bool
