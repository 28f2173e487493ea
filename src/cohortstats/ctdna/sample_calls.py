"""Calls of every sample of an export: two targets of one sample meet in one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cohortstats.ctdna.calls import (
    INDETERMINATE,
    MISSING,
    Calls,
    Threshold,
    call_count,
    call_ratio,
    copies_analysed,
)
from cohortstats.ctdna.quality import add_flags
from cohortstats.stats.doors import check_choice, refuse
from cohortstats.stats.droplet_ratio import RATIO_METHODS, RatioMethod, copy_ratio
from cohortstats.stats.droplets import ConcentrationMethod

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["call_columns", "call_sample_counts", "call_sample_ratios"]


def call_sample_ratios(
    samples: pd.DataFrame,
    *,
    target: str,
    reference: str,
    threshold: str,
    interval: RatioMethod = "log-delta",
    ci_level: float = 0.95,
    linked: bool = False,
    reference_copies: float = 2,
    by: str = "sample",
    name: str = "",
) -> pd.DataFrame:
    """Call the copy-number ratio of every sample.

    Parameters
    ----------
    samples
        As `pool_samples` gives it.
    target, reference
        Names of the two targets.
    threshold
        Side and number, such as ``"> 1.25"``.
    interval, ci_level, reference_copies
        As ``method`` and its companions in `copy_ratio`.
    linked
        Use the double-positive droplets for the covariance of the two targets.
    by
        Column that names the sample.
    name
        What is called.

    Returns
    -------
    pandas.DataFrame
        One row for each sample that has the target, first the sample, then the fields of `Calls`. A sample without a
        call or without the reference has a missing value, ``indeterminate``, and the reason ``no-call``.

    Raises
    ------
    InputError
        A target that no sample has, a sample with two rows of one target, linked targets without double-positive
        droplets, a threshold without a side.

    Notes
    -----
    R: see `copy_ratio` and `call_ratio`.

    Examples
    --------
    >>> import pandas as pd
    >>> samples = pd.DataFrame({"sample": "P1", "target": ["HER2", "EFTUD2"], "positives": [461, 318],
    ...                         "accepted": 14000, "flags": ""})
    >>> calls = call_sample_ratios(samples, target="HER2", reference="EFTUD2", threshold="> 1.25")
    >>> calls[["sample", "two_state", "call", "droplets"]].values.tolist()
    [['P1', 'positive', 'positive', 461]]
    """
    Threshold.parse(threshold)
    rows = _pairs(samples, target, reference, by)
    usable = rows[["positives", "accepted", "positives_other", "accepted_other"]].notna().all(axis=1)
    part = rows[usable]
    options: dict[str, Any] = {"method": interval, "ci_level": ci_level, "reference_copies": reference_copies}
    problems = check_choice("interval", interval, RATIO_METHODS)
    if linked:
        if "pos_pos" not in part or part["pos_pos"].isna().any():
            problems.append("linked targets need the double-positive droplets (pos_pos) of every sample.")
        elif part["accepted"].ne(part["accepted_other"]).any():
            problems.append("linked targets must be read in the same wells.")
        else:
            options["double_positives"] = part["pos_pos"].to_numpy(np.int64)
    elif part["accepted"].ne(part["accepted_other"]).any():
        options["reference_accepted"] = part["accepted_other"].to_numpy(np.int64)
    refuse(problems)
    counts = (part[column].to_numpy(np.int64) for column in ("positives", "positives_other", "accepted"))
    calls = call_ratio(copy_ratio(*counts, **options), threshold, name=name, flags=_flags(part), min_accepted=0)
    return _rows_of_calls(calls, rows, usable, by)


def call_sample_counts(
    samples: pd.DataFrame,
    *,
    target: str,
    wild_type: str,
    limit_of_blank: int,
    lod_vaf: float,
    threshold: str = "",
    unit: Literal["copies", "droplets"] = "droplets",
    method: ConcentrationMethod = "quantasoft",
    ci_level: float = 0.95,
    by: str = "sample",
    name: str = "",
) -> pd.DataFrame:
    """Call a mutation in every sample.

    Parameters
    ----------
    samples
        As `pool_samples` gives it.
    target, wild_type
        Names of the two targets.
    limit_of_blank, lod_vaf, threshold, unit, method, ci_level
        As in `call_count`.
    by
        Column that names the sample.
    name
        What is called.

    Returns
    -------
    pandas.DataFrame
        One row for each sample that has the target, first the sample, then the fields of `Calls`. A sample without a
        call or without the wild type has a missing value, ``indeterminate``, and the reason ``no-call``.

    Raises
    ------
    InputError
        A target that no sample has, a sample with two rows of one target, a threshold without a side.

    Notes
    -----
    R: see `call_count`.

    Examples
    --------
    >>> import pandas as pd
    >>> samples = pd.DataFrame({"sample": "P1", "target": ["E545K", "WT"], "positives": [0, 500], "accepted": 14000,
    ...                         "volume_nl": 0.91, "flags": ""})
    >>> calls = call_sample_counts(samples, target="E545K", wild_type="WT", limit_of_blank=1, lod_vaf=0.01)
    >>> calls[["sample", "call"]].values.tolist()
    [['P1', 'negative']]
    """
    rows = _pairs(samples, target, wild_type, by)
    usable = rows[["positives", "accepted", "positives_other", "accepted_other"]].notna().all(axis=1)
    part = rows[usable]
    k, n, wild, wild_n = (
        part[column].to_numpy(np.int64) for column in ("positives", "accepted", "positives_other", "accepted_other")
    )
    analysed = copies_analysed(k, n) + copies_analysed(wild, wild_n)
    calls = call_count(
        k,
        n,
        limit_of_blank=limit_of_blank,
        lod_vaf=lod_vaf,
        analysed_copies=analysed,
        threshold=threshold,
        unit=unit,
        droplet_volume_nl=part["volume_nl"].to_numpy(np.float64),
        method=method,
        ci_level=ci_level,
        name=name,
        flags=_flags(part),
        min_accepted=0,  # the flags of the samples tell it
    )
    return _rows_of_calls(calls, rows, usable, by)


def call_columns(calls: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns of a cohort that calls give: ``<name>``, ``<name>_lower``, ``<name>_upper``, ``<name>_call``.

    Parameters
    ----------
    calls
        As `call_sample_ratios` or `call_sample_counts` gives it.
    name
        Name of the first column.

    Returns
    -------
    pandas.DataFrame
        One row a sample, in the order of the calls.

    Raises
    ------
    InputError
        A frame that is not one of calls.

    Examples
    --------
    >>> import pandas as pd
    >>> calls = pd.DataFrame({"value": [1.5], "ci_lower": [1.3], "ci_upper": [1.7], "call": ["positive"]})
    >>> call_columns(calls, "her2_ratio").columns.tolist()
    ['her2_ratio', 'her2_ratio_lower', 'her2_ratio_upper', 'her2_ratio_call']
    """
    columns = ["value", "ci_lower", "ci_upper", "call"]
    refuse(
        [
            f"the frame has no column '{column}'; give the result of call_sample_ratios."
            for column in columns
            if column not in calls
        ]
    )
    return calls[columns].set_axis([name, f"{name}_lower", f"{name}_upper", f"{name}_call"], axis=1)


def _pairs(samples: pd.DataFrame, target: str, other: str, by: str) -> pd.DataFrame:
    """One row a sample: the target's columns, and those of the other with ``_other`` behind."""
    problems = []
    parts = []
    for name in (target, other):
        part = samples[samples["target"] == name]
        parts.append(part)
        if part.empty:
            problems.append(f"no sample has the target '{name}'.")
        twice = part.loc[part[by].duplicated(), by].unique()
        problems += [f"{by} {value} has '{name}' more than once; pool its wells first." for value in twice]
    refuse(problems)
    beside = parts[1][[by, "positives", "accepted", "flags"]]
    return parts[0].merge(beside, on=by, how="left", suffixes=("", "_other")).reset_index(drop=True)


def _flags(part: pd.DataFrame) -> NDArray[np.str_]:
    """Flags of both targets, without those that `copy_ratio` and the counts tell again."""
    return add_flags(part["flags"].to_numpy(dtype=np.str_), part["flags_other"].to_numpy(dtype=np.str_))


def _rows_of_calls(calls: Calls, rows: pd.DataFrame, usable: pd.Series[bool], by: str) -> pd.DataFrame:
    """Calls in the order of the samples, with a row for those that could not be called."""
    frame = calls.to_frame().set_index(rows.index[usable]).reindex(rows.index)
    absent = (~usable).to_numpy()
    if absent.any():
        both = [rows[column].fillna("").to_numpy(dtype=np.str_) for column in ("flags", "flags_other")]
        frame["flags"] = np.where(absent, add_flags(*both, "no-call"), frame["flags"].fillna(""))
        constant = {name: getattr(calls, name) for name in ("name", "method", "threshold", "unit", "ci_level")}
        for column, value in {**constant, "call": INDETERMINATE, "two_state": MISSING, "reason": "no-call"}.items():
            frame[column] = frame[column].where(~absent, value)
    for column in ("droplets", "reference_droplets", "accepted"):
        frame[column] = frame[column].astype("Int64")
    frame.insert(0, by, rows[by])
    return frame
