"""Comparisons that trials printed, in one table.

A row is a comparison with its strings beside its numbers; each has the verdict of the audit on its ratio.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohortstats.printed import Printed, fold_text, is_not_reached
from cohortstats.printed.sections import Trial
from cohortstats.published.trials.pooled import PooledTrials, pool_trials
from cohortstats.published.trials.verdicts import level_of_row, row_verdict

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PooledTrials", "pool_trials", "read_trials", "trials_frame"]

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")


def read_trials(path: str | Path) -> pd.DataFrame:
    """Comparisons of a file of printed values, one a row.

    Parameters
    ----------
    path
        A ``published.toml`` with ``[[trial]]`` sections, or the folder of one.

    Returns
    -------
    pandas.DataFrame
        trial, endpoint, arm_1, arm_2, n, median_1, median_2, unit, hr, ci_lower, ci_upper, ci_level, p_value, where;
        then id, measure, n_1, n_2, p_relation, cross, verdict, and the strings as printed: hr_printed,
        ci_lower_printed, ci_upper_printed, p_printed, median_1_printed, median_2_printed. ``p_value`` of ``<0.001`` is
        0.001 and ``p_relation`` its sign. A number that is not printed, or not reached, is nan. ``verdict`` is that of
        the audit of ratio, interval and P; empty where there is nothing to look at.

    Raises
    ------
    DataError
        With every problem of the file, each with its line.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "published.toml"
    >>> _ = file.write_text('''cohortstats_published = 1
    ... [paper]
    ... id = "review"
    ... [[trial]]
    ... id = "th3resa_os"
    ... trial = "TH3RESA"
    ... endpoint = "OS"
    ... arms = ["T-DM1", "physician's choice"]
    ... hr = "0.552"
    ... ci = "0.369–0.826"
    ... p = "0.0034"
    ... ''')
    >>> read_trials(file)[["trial", "hr", "ci_lower", "ci_upper", "p_printed", "verdict"]].values.tolist()
    [['TH3RESA', 0.552, 0.369, 0.826, '0.0034', 'holds']]
    """
    return trials_frame(Printed.read(path))


def trials_frame(printed: Printed) -> pd.DataFrame:
    """The same of a file that was read already."""
    import pandas as pd

    texts = {value.id: value.text for value in printed.values if value.source == "trial"}
    rows = [_row(trial, texts) for trial in printed.trials]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(dict.fromkeys(("n", "n_1", "n_2"), "Int64"))
    return frame.astype(dict.fromkeys(_NUMBERS, float) | {"cross": bool})


_PRINTED = (
    "hr_printed",
    "ci_lower_printed",
    "ci_upper_printed",
    "p_printed",
    "median_1_printed",
    "median_2_printed",
)
_NUMBERS = ("median_1", "median_2", "hr", "ci_lower", "ci_upper", "ci_level", "p_value")
_COLUMNS = (
    "trial",
    "endpoint",
    "arm_1",
    "arm_2",
    "n",
    "median_1",
    "median_2",
    "unit",
    "hr",
    "ci_lower",
    "ci_upper",
    "ci_level",
    "p_value",
    "where",
    "id",
    "measure",
    "n_1",
    "n_2",
    "p_relation",
    "cross",
    "verdict",
    *_PRINTED,
)


def _row(trial: Trial, texts: Mapping[str, str]) -> dict[str, Any]:
    def text(*address: str) -> str:
        return texts.get("/".join(("trial", trial.id, *address)), "")

    arms = (*trial.arms, "", "")[:2]
    p = text("p_value")
    row: dict[str, Any] = {
        "trial": trial.trial,
        "endpoint": trial.endpoint,
        "arm_1": arms[0],
        "arm_2": arms[1],
        "n": _count(text("n")),
        "unit": trial.unit,
        "hr": _printed_number(text("hr")),
        "ci_lower": _printed_number(text("lower")),
        "ci_upper": _printed_number(text("upper")),
        "ci_level": level_of_row(trial.level),
        "p_value": _printed_number(p),
        "where": trial.where,
        "id": trial.id,
        "measure": "HR",
        "p_relation": p[:1] if p[:1] in "<>≤≥" else "",
        "cross": trial.cross,
        "hr_printed": text("hr"),
        "ci_lower_printed": text("lower"),
        "ci_upper_printed": text("upper"),
        "p_printed": p,
    }
    for place, arm in enumerate(arms, start=1):
        median = text(arm, "median") if arm else ""
        row |= {f"median_{place}": _printed_number(median), f"median_{place}_printed": median}
        row[f"n_{place}"] = _count(text(arm, "n") if arm else "")
    return row | {"verdict": row_verdict(row)}


def _count(text: str) -> int | None:
    number = _printed_number(text)
    return None if math.isnan(number) else int(number)


def _printed_number(text: str) -> float:
    """Number of a printed string without its sign of relation; nan where there is none, or it was not reached."""
    folded = fold_text(text).lstrip("<>≤≥ ").replace(",", "")
    return float(folded) if folded and not is_not_reached(folded) and _NUMBER.fullmatch(folded) else math.nan
