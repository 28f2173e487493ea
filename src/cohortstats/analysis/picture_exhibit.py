"""What exhibits that are a picture have in common: nothing to show of a rebuilt cohort, and times from dates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.analysis.exhibit import exhibit_table
from cohortstats.analysis.results import Analysis
from cohortstats.cohort import Cohort
from cohortstats.study import Exhibit
from cohortstats.tables.language import words
from cohortstats.tables.table import Column

__all__ = ["days_between", "numbers", "withheld_exhibit"]


def withheld_exhibit(cohort: Cohort, entry: Exhibit) -> Analysis:
    """The exhibit of a rebuilt cohort: a sentence, since rows of patients are what the paper does not determine."""
    study = cohort.study
    say = words(study.report.lang)
    column = Column(label=say("patients"), align="left", kind="stub")
    table = exhibit_table(cohort, entry, [column], [], [say("rows_withheld")])
    return Analysis(study_id=study.id, entry=entry, table=table, records=())


def numbers(population: Cohort, name: str) -> npt.NDArray[np.float64]:
    """A number of each patient; what is unknown is nan."""
    known = population.known(population.single(name).name)
    return np.asarray(np.where(known.missing, np.nan, known.data.astype(float)), dtype=float)


def days_between(start: pd.Series[Any], end: pd.Series[Any]) -> npt.NDArray[np.float64]:
    """Days from one date to another; nan where one of them is missing."""
    return np.asarray((end - start).dt.days, dtype=float)
