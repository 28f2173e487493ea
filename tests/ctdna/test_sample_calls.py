"""Calls of the samples of a plate: the same answers as for single counts, and rows for those without a call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.ctdna.calls import call_count, call_ratio
from cohortstats.ctdna.sample_calls import call_columns, call_sample_counts, call_sample_ratios
from cohortstats.ctdna.samples import pool_samples
from cohortstats.errors import InputError
from cohortstats.stats.droplet_ratio import copy_ratio

ROWS = [
    ("P1", "HER2", 461, 14000, ""),
    ("P1", "EFTUD2", 318, 14000, "ntc"),
    ("P2", "HER2", 157, 14000, "low"),
    ("P2", "EFTUD2", 127, 14000, ""),
    ("P3", "HER2", None, None, "no-call"),
    ("P3", "EFTUD2", 127, 14000, ""),
    ("P4", "HER2", 200, 14000, ""),
]


def samples_of(rows: list[tuple[Any, ...]], **columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["sample", "target", "positives", "accepted", "flags"])
    frame = frame.astype({"positives": "Int64", "accepted": "Int64"})
    frame["volume_nl"] = 0.91
    for name, values in columns.items():
        frame[name] = values
    return frame


def ratios(frame: pd.DataFrame, **options: Any) -> pd.DataFrame:
    return call_sample_ratios(frame, target="HER2", reference="EFTUD2", threshold="> 1.25", name="her2", **options)


def test_ratios() -> None:
    calls = ratios(samples_of(ROWS))
    assert calls["sample"].tolist() == ["P1", "P2", "P3", "P4"]
    assert calls["call"].tolist() == ["positive", "indeterminate", "indeterminate", "indeterminate"]
    assert calls["two_state"].tolist() == ["positive", "negative", "", ""]
    assert calls["flags"].tolist() == ["ntc", "low", "no-call", "no-call"]
    assert calls["reason"].tolist() == ["", "", "no-call", "no-call"]
    assert calls["threshold"].unique().tolist() == ["> 1.25"]
    alone = call_ratio(copy_ratio(461, 318, 14000), "> 1.25")
    assert calls.loc[0, ["value", "ci_lower", "ci_upper"]].tolist() == [alone.value, alone.ci_lower, alone.ci_upper]
    assert np.isnan(calls["value"][2])
    assert calls["droplets"].tolist()[:2] == [461, 157]


def test_interval_is_passed_on() -> None:
    calls = ratios(samples_of(ROWS[:2]), interval="quantasoft")
    assert calls[["method", "call"]].values.tolist() == [["quantasoft", "indeterminate"]]


def test_reference_in_other_wells() -> None:
    rows = [("P1", "HER2", 461, 14000, ""), ("P1", "EFTUD2", 318, 28000, "")]
    assert ratios(samples_of(rows))["value"].tolist() == [copy_ratio(461, 318, 14000, reference_accepted=28000).ratio]


def test_linked() -> None:
    rows = [("P1", "HER2", 1000, 15000, ""), ("P1", "EFTUD2", 1000, 15000, "")]
    frame = samples_of(rows, pos_pos=pd.array([900, 900], dtype="Int64"))
    linked = ratios(frame, linked=True)
    assert linked["ci_lower"].tolist() == [copy_ratio(1000, 1000, 15000, double_positives=900).ci_lower]
    with pytest.raises(InputError, match="linked targets need the double-positive droplets"):
        ratios(samples_of(rows), linked=True)


def test_counts() -> None:
    rows = [("P1", "E545K", 2, 14000, ""), ("P1", "WT", 500, 14000, ""), ("P2", "E545K", 0, 14000, "low")]
    rows += [("P2", "WT", 90, 14000, ""), ("P3", "E545K", 0, 14000, ""), ("P3", "WT", 500, 14000, "")]
    calls = call_sample_counts(
        samples_of(rows), target="E545K", wild_type="WT", limit_of_blank=1, lod_vaf=0.01, threshold="> 3", unit="copies"
    )
    assert calls["call"].tolist() == ["positive", "indeterminate", "negative"]
    assert calls["two_state"].tolist() == ["positive", "negative", "negative"]
    assert calls["flags"].tolist() == ["", "low", ""]
    alone = call_count(2, 14000, limit_of_blank=1, lod_vaf=0.01, wild_type_positives=500, droplet_volume_nl=0.91)
    assert calls["analysed_copies"][0] == pytest.approx(alone.analysed_copies, rel=1e-12)
    assert calls["ci_upper"][0] == alone.ci_upper


def test_columns_of_a_cohort() -> None:
    columns = call_columns(ratios(samples_of(ROWS)), "her2_ratio")
    assert columns.columns.tolist() == ["her2_ratio", "her2_ratio_lower", "her2_ratio_upper", "her2_ratio_call"]
    assert columns["her2_ratio_call"][0] == "positive"
    with pytest.raises(InputError, match="the frame has no column 'value'"):
        call_columns(samples_of(ROWS), "her2_ratio")


def test_nobody_can_be_called() -> None:
    rows = [("P3", "HER2", None, None, "no-call"), ("P3", "EFTUD2", 127, 14000, "")]
    calls = ratios(samples_of(rows))
    assert calls[["sample", "call", "flags", "reason"]].values.tolist() == [
        ["P3", "indeterminate", "no-call", "no-call"],
    ]


def test_refused() -> None:
    with pytest.raises(InputError) as caught:
        ratios(samples_of(ROWS[:1] * 2))
    assert caught.value.problems == (
        "sample P1 has 'HER2' more than once; pool its wells first.",
        "no sample has the target 'EFTUD2'.",
    )
    with pytest.raises(InputError, match="give a side"):
        call_sample_ratios(samples_of(ROWS), target="HER2", reference="EFTUD2", threshold="1.25")
    with pytest.raises(InputError, match="interval 'logdelta' is not known; did you mean 'log-delta'"):
        ratios(samples_of(ROWS), interval="logdelta")


def test_real_export(shared: Callable[[str], Path]) -> None:
    # Controls of two copies of SMN2 and of four: QX Manager prints ratios .98680 (A01) and 1.98999 (A02).
    frame = cs.read_ddpcr(shared("data/ddpcr/qxmanager_1x_quant.csv"))
    samples = pool_samples(frame, by=["well", "target"])
    calls = call_sample_ratios(samples, target="1", reference="2", threshold="> 1.25", interval="quantasoft", by="well")
    by_well = calls.set_index("well")
    assert by_well["value"]["A01"] == pytest.approx(0.986801694358231, rel=1e-7)
    assert by_well["ci_upper"]["A01"] == pytest.approx(1.01354456776949, rel=1e-7)
    assert by_well["call"][["A01", "A02"]].tolist() == ["negative", "positive"]
