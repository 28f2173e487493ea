"""Flags: their order, and which rows of an export they are set on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cohortstats.ctdna.quality import FLAGS, add_flags, contaminated_wells, flag_wells, order_flags, without_template
from cohortstats.errors import InputError


def plate(**columns: object) -> pd.DataFrame:
    base = {"well": ["A01", "A02", "A03"], "sample": ["P1", "P2", "H2O"], "target": "E545K", "accepted": 14000}
    return pd.DataFrame({**base, "positives": [3, 4, 0], **columns})


def test_every_flag_has_its_place() -> None:
    assert ";".join(FLAGS) == (
        "no-call;saturated;near-saturated;high;low;ntc;dispersion;merged;recomputed;"
        "ci-below-zero;ratio-unbounded;ratio-zero;reference-zero"
    )
    reversed_masks = {name: np.array([True]) for name in FLAGS[::-1]}
    assert order_flags(reversed_masks).tolist() == [";".join(FLAGS)]


def test_add_flags() -> None:
    assert add_flags("merged;low", "low").tolist() == "low;merged"
    assert add_flags(["", "near-saturated"], "", "no words").tolist() == ["", "near-saturated"]
    with pytest.raises(InputError, match="flag 'lo' is not known"):
        order_flags({"lo": np.array([True])})


def test_counts() -> None:
    wells = plate(positives=[14000, 13995, 3], accepted=[14000, 14000, 999])
    assert flag_wells(wells).tolist() == ["saturated;high", "near-saturated;high", "no-call;low"]
    assert flag_wells(plate(accepted=[9000, 7000, 14000]), min_accepted=8000).tolist() == ["", "low", ""]


def test_missing_counts_are_no_call() -> None:
    wells = plate(positives=pd.array([None, 3, 3], dtype="Int64"), computed_copies_per_ul=[np.nan, np.nan, 0.2])
    wells["copies_per_ul"] = [np.nan, np.nan, 0.2]
    assert flag_wells(wells).tolist() == ["no-call", "no-call", ""]  # no counts; counts that the export does not call


def test_wells_without_template() -> None:
    by_name = plate()
    assert without_template(by_name, ["H2O"]).tolist() == [False, False, True]
    assert not without_template(by_name).any()
    assert without_template(plate(role=["unknown", "blank", "ntc"])).tolist() == [False, True, True]
    # A reference target keeps its own role in a blank well, which is blank all the same.
    duplex = plate(well=["A01", "A01", "A02"], role=["blank", "reference", "unknown"])
    assert without_template(duplex).tolist() == [True, True, False]
    with pytest.raises(InputError, match="ntc is the text 'H2O'; give a list of samples"):
        without_template(by_name, "H2O")


def test_contamination_marks_plate_and_target() -> None:
    one = plate(positives=[3, 4, 2], file="one.csv")
    other = plate(positives=[3, 4, 0], file="two.csv")
    third = plate(positives=[3, 4, 0], file="one.csv", target="E542K", well=["B01", "B02", "B03"])
    wells = pd.concat([one, other, third], ignore_index=True)
    assert contaminated_wells(wells, ntc=["H2O"]).tolist() == [True] * 3 + [False] * 6
    assert not contaminated_wells(wells, ntc=["H2O"], ntc_max=2).any()
    assert flag_wells(wells, ntc=["H2O"]).tolist()[:4] == ["ntc", "ntc", "ntc", ""]


def test_merged_and_recomputed() -> None:
    # 0.55 printed for 7 of 15050 at 0.85 nL (0.547); a declared 0.91 nL gives 0.511, beyond what a print can hide.
    wells = plate(
        merged_from=["", "A01,A02", ""],
        copies_per_ul=[0.55, 0.55, 0.0],
        computed_copies_per_ul=[0.5473229, 0.5112357, 0.0],
    )
    assert flag_wells(wells).tolist() == ["", "merged;recomputed", ""]
