"""From wells to samples: sums by hand, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.ctdna.samples import SAMPLE_COLUMNS, blank_limit, pool_samples
from cohortstats.ctdna.wells import pool_wells
from cohortstats.errors import InputError
from cohortstats.stats.droplets import droplet_concentration


def wells_of(rows: list[tuple[Any, ...]], **columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["well", "sample", "target", "positives", "accepted"])
    frame["volume_nl"] = 0.85
    for name, values in columns.items():
        frame[name] = values
    return frame


PLATE = [
    ("A01", "P1", "HER2", 120, 15000),
    ("A01", "P1", "EFTUD2", 110, 15000),
    ("A02", "P1", "HER2", 180, 15200),
    ("A02", "P1", "EFTUD2", 112, 15200),
    ("A03", "P1", "HER2", 150, 14800),
    ("A03", "P1", "EFTUD2", 108, 14800),
    ("B01", "P2", "HER2", 7, 15050),
    ("B01", "P2", "EFTUD2", 173, 15050),
    ("H01", "H2O", "HER2", 0, 15000),
    ("H01", "H2O", "EFTUD2", 1, 15000),
]


def problems_of(*arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        pool_samples(*arguments, **options)
    return caught.value.problems


def test_pooled() -> None:
    pooled = pool_samples(wells_of(PLATE), ntc=["H2O"])
    assert pooled[["sample", "target", "wells", "n_wells", "positives", "accepted"]].values.tolist() == [
        ["P1", "HER2", "A01,A02,A03", 3, 450, 45000],
        ["P1", "EFTUD2", "A01,A02,A03", 3, 330, 45000],
        ["P2", "HER2", "B01", 1, 7, 15050],
        ["P2", "EFTUD2", "B01", 1, 173, 15050],
    ]
    assert pooled["flags"].tolist() == ["dispersion", "ntc", "", "ntc"]  # one droplet of EFTUD2 in water
    alone = pool_wells([120, 180, 150], [15000, 15200, 14800])
    first = pooled.iloc[0]
    assert first["copies_per_ul"] == alone.concentration.copies_per_ul
    assert (first["ci_lower"], first["ci_upper"]) == (alone.concentration.ci_lower, alone.concentration.ci_upper)
    assert (first["total_lower"], first["total_upper"]) == pytest.approx((alone.total_lower, alone.total_upper))
    assert (first["dispersion"], first["dispersion_df"]) == (pytest.approx(alone.two_cells, rel=1e-12), 2)
    assert first["dispersion_p"] == pytest.approx(alone.two_cells_p, rel=1e-12)
    single = droplet_concentration(7, 15050)
    last = pooled.iloc[2]
    assert (last["copies_per_well"], last["analysed_copies"]) == (single.copies_per_well, single.analysed_copies)
    assert np.isnan(last["dispersion_p"])
    assert [name for name in SAMPLE_COLUMNS if name in pooled] == pooled.columns.tolist()


def test_order_of_the_rows_changes_nothing() -> None:
    frame = wells_of(PLATE)
    shuffled = frame.sample(frac=1, random_state=1)
    keys = ["sample", "target"]
    one, two = (pool_samples(wells, ntc=["H2O"]).set_index(keys).sort_index() for wells in (frame, shuffled))
    pd.testing.assert_frame_equal(one.drop(columns="wells"), two.drop(columns="wells"), rtol=1e-12)


def test_method_and_level() -> None:
    pooled = pool_samples(wells_of(PLATE[:2]), method="exact", ci_level=0.9)
    found = droplet_concentration(120, 15000, method="exact", ci_level=0.9)
    assert (pooled["ci_lower"][0], pooled["method"][0]) == (found.ci_lower, "exact")


def test_min_accepted_is_of_all_droplets() -> None:
    rows = [("A01", "P1", "HER2", 3, 6000), ("A02", "P1", "HER2", 2, 6000)]
    assert pool_samples(wells_of(rows))["flags"].tolist() == [""]
    assert pool_samples(wells_of(rows[:1]))["flags"].tolist() == ["low"]


def test_a_column_of_dilutions() -> None:
    rows = [("A01", "P1", "HER2", 3000, 15000), ("A02", "P1", "HER2", 300, 15000)]
    pooled = pool_samples(wells_of(rows, dilution=[1, 10]), by=["sample", "target", "dilution"])
    assert pooled[["sample", "dilution", "positives"]].values.tolist() == [["P1", 1, 3000], ["P1", 10, 300]]


def test_double_positives() -> None:
    pooled = pool_samples(wells_of(PLATE[:4], pos_pos=pd.array([5, 5, 6, 6], dtype="Int64")))
    assert pooled["pos_pos"].tolist() == [11, 11]
    untold = pool_samples(wells_of(PLATE[:4], pos_pos=pd.array([5, 5, None, 6], dtype="Int64")))
    assert untold["pos_pos"].isna().tolist() == [True, False]


def test_wells_without_counts() -> None:
    rows = [*PLATE[:2], ("A09", "P1", "HER2", None, None), ("C01", "P3", "HER2", None, None)]
    frame = wells_of(rows).astype({"positives": "Int64", "accepted": "Int64"})
    pooled = pool_samples(frame)
    assert pooled["wells"].tolist() == ["A01", "A01", ""]
    assert pooled["flags"].tolist() == ["", "", "no-call"]
    assert pooled["reason"].tolist() == ["", "", "no-call"]
    assert pooled["positives"].isna().tolist() == [False, False, True]
    assert np.isnan(pooled["copies_per_ul"][2])
    alone = pool_samples(frame[frame["sample"] == "P3"])
    assert alone["flags"].tolist() == ["no-call"]


def test_one_well_without_call_or_negatives() -> None:
    pooled = pool_samples(wells_of([("A01", "P1", "HER2", 3, 900), ("A02", "P2", "HER2", 15000, 15000)]))
    assert pooled["flags"].tolist() == ["no-call", "saturated;high"]
    assert pooled["reason"].tolist() == ["no-call", "saturated"]
    assert np.isnan(pooled["copies_per_ul"][0])
    assert np.isinf(pooled["copies_per_ul"][1])


SPOILT = [
    ("A01", "P1", "HER2", 120, 15000),
    ("A02", "P1", "HER2", 15000, 15000),
    ("A03", "P1", "HER2", 9, 800),
]


def test_unusable_replicates() -> None:
    assert problems_of(wells_of(SPOILT)) == (
        "well A02 (P1 HER2) is saturated, all 15000 droplets are positive; leave it out or dilute.",
        "well A03 (P1 HER2) has 800 accepted droplets, fewer than 1000 (no call); leave it out.",
    )
    pooled = pool_samples(wells_of(SPOILT), unusable="leave out")
    assert pooled[["wells", "positives", "accepted"]].values.tolist() == [["A01", 120, 15000]]
    frame = wells_of([*SPOILT[:1], ("A04", "P1", "HER2", 100, 15000)])
    frame["copies_per_ul"] = frame["computed_copies_per_ul"] = [9.4, np.nan]
    assert problems_of(frame) == ("well A04 (P1 HER2) has no call in the export; leave it out.",)
    full = [("A01", "P1", "HER2", 15000, 15000), ("A02", "P1", "HER2", 14000, 14000)]
    assert pool_samples(wells_of(full), unusable="leave out")["reason"].tolist() == ["saturated"]


def test_wells_that_differ() -> None:
    frame = wells_of(PLATE[:6], threshold=[3000, 2000, 3100, 2000, 3000, 2000])
    assert problems_of(frame) == (
        "P1 HER2 has different thresholds, 3000 in A01 and 3100 in A02; read them at one threshold.",
    )
    assert len(pool_samples(frame, thresholds="any")) == 2
    frame = wells_of(PLATE[:4], volume_nl=[0.85, 0.85, 0.91, 0.85])
    assert problems_of(frame) == (
        "P1 HER2 has different droplet volumes, 0.85 in A01 and 0.91 in A02; pool them apart.",
    )


def test_a_merge_beside_its_wells() -> None:
    rows = [*PLATE[:4], ("M01", "P1", "HER2", 300, 30200)]
    frame = wells_of(rows, merged_from=["", "", "", "", "A01,A02"])
    assert problems_of(frame) == (
        "well M01 is a merge, and A01, A02 are there too for HER2; leave out the merge or its wells.",
    )
    alone = pool_samples(frame[4:])
    assert alone[["positives", "flags"]].values.tolist() == [[300, "merged"]]


def test_refused() -> None:
    assert problems_of(wells_of(PLATE).drop(columns=["well", "volume_nl"]), method="exakt", unusable="drop") == (
        "method 'exakt' is not known; did you mean 'exact'?",
        "unusable 'drop' is not known; choose refuse or leave out.",
        "the frame has no column 'well'.",
        "the frame has no column 'volume_nl'.",
    )


def test_blanks() -> None:
    rows = [(f"A{row:02d}", "healthy", "E545K", int(row in (3, 7, 8)), 14000) for row in range(1, 11)]
    rows += [("B01", "P1", "E545K", 20, 14000), ("B02", "healthy", "E542K", 4, 14000)]
    rows += [("B03", "healthy", "E545K", 5, 600)]  # no call
    found = blank_limit(wells_of(rows), "E545K", blanks="healthy")
    assert (found.false_positives, found.blanks, found.droplets) == (3, 10, 2)  # R: qpois(.95, qchisq(.95, 8)/20)
    by_role = blank_limit(wells_of(rows, role=["blank"] * 2 + ["unknown"] * 11), "E545K")
    assert (by_role.false_positives, by_role.blanks) == (0, 2)
    with pytest.raises(InputError, match="no well of control or water has a call of target 'E545K'"):
        blank_limit(wells_of(rows), "E545K", blanks=["control", "water"])
    with pytest.raises(InputError, match="no well with the role ntc or blank has a call"):
        blank_limit(wells_of(rows), "E545K")


def test_real_export(shared: Callable[[str], Path]) -> None:
    frame = cs.read_ddpcr(shared("data/ddpcr/qxmanager_1x_quant.csv"))
    pooled = pool_samples(frame)
    first = frame[(frame["sample"] == pooled["sample"][0]) & (frame["target"] == pooled["target"][0])]
    assert pooled["positives"][0] == first["positives"].sum()
    assert pooled["wells"][0] == ",".join(first["well"])
