"""Cluster exports: counts of wells from counts of clusters."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.ctdna.read import COLUMNS

PREAMBLE = """Target Value of 0 = negative
Target Value of 1 = positive
Target Value of u = unclassified (Advanced Classification Mode)

"""
HEADER = "Well,Target 1,Target 2,Target 3,Target 4,Count,Ch1 Mean,Ch1 StdDev,Ch2 Mean,Ch2 StdDev,Cluster ID,\n"


def write(folder: Path, *rows: str, preamble: str = PREAMBLE) -> Path:
    path = folder / "clusters.csv"
    path.write_text(preamble + HEADER + "".join(f"{row},1,1,1,1,1,\n" for row in rows), encoding="utf-8")
    return path


def test_counts_of_targets_are_sums_over_clusters(tmp_path: Path) -> None:
    # 9000 + 600 + 300 + 100 droplets; 600 + 100 hold the first target, 300 + 100 the second.
    path = write(tmp_path, "A01,0,0,0,0,9000", "A01,1,0,0,0,600", "A01,0,1,0,0,300", "A01,1,1,0,0,100")
    wells = cs.read_ddpcr(path, volume_nl=0.85)
    assert tuple(wells.columns) == COLUMNS
    assert wells["target"].tolist() == ["Target 1", "Target 2", "Target 3", "Target 4"]
    assert wells["channel"].tolist() == ["ch1", "ch2", "ch3", "ch4"]
    assert wells["accepted"].tolist() == [10000] * 4
    assert wells["positives"].tolist() == [700, 400, 0, 0]
    assert wells["negatives"].tolist() == [9300, 9600, 10000, 10000]
    # -1000 ln(1 - 700/10000) / 0.85
    assert wells["copies_per_ul"][0] == pytest.approx(85.3772, abs=1e-4)
    assert wells.attrs["files"][0]["format"] == "cluster export"
    assert wells["pos_pos"].isna().all()


def test_two_targets_have_their_four_clusters(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "B02,0,0,,,9000",
        "A01,1,1,,,100",
        "B02,1,0,,,600",
        "A01,0,0,,,12000",
        "B02,0,1,,,300",
        "B02,1,1,,,100",
    )
    wells = cs.read_ddpcr(path, volume_nl=0.85)
    assert (wells["well"] + " " + wells["target"]).tolist() == [
        "A01 Target 1",
        "A01 Target 2",
        "B02 Target 1",
        "B02 Target 2",
    ]
    assert wells["accepted"].tolist() == [12100, 12100, 10000, 10000]
    assert wells[["pos_pos", "pos_neg", "neg_pos", "neg_neg"]].iloc[2].tolist() == [100, 600, 300, 9000]
    assert wells["row"].tolist() == [7, 7, 6, 6]


def test_an_unclassified_cluster_leaves_its_target_without_a_call(tmp_path: Path) -> None:
    path = write(tmp_path, "A01,0,0,,,11000", "A01,1,u,,,600", "A01,1,1,,,300")
    wells = cs.read_ddpcr(path, volume_nl=0.85)
    assert wells["positives"].tolist() == [900, pd.NA]
    assert wells["accepted"].tolist() == [11900, 11900]
    assert wells["copies_per_ul"].isna().tolist() == [False, True]
    assert [(p["code"], p["level"], p["message"]) for p in wells.attrs["problems"]] == [
        ("ddpcr-no-call", "warning", "1 well without a call: A01.")
    ]


@pytest.mark.parametrize("preamble", ["", "Plate 7\n", PREAMBLE + "Cluster export\n"])
def test_the_header_is_found_below_any_preamble(tmp_path: Path, preamble: str) -> None:
    path = write(tmp_path, "A01,0,,,,11000", "A01,1,,,,600", preamble=preamble)
    assert cs.read_ddpcr(path, volume_nl=0.85)["positives"].tolist() == [600]


def test_nothing_in_it_tells_the_volume(tmp_path: Path) -> None:
    with pytest.raises(cs.DataError) as error:
        cs.read_ddpcr(write(tmp_path, "A01,0,,,,11000", "A01,1,,,,600"))
    assert [problem.code for problem in error.value.problems] == ["ddpcr-volume"]


def test_a_state_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(cs.DataError) as error:
        cs.read_ddpcr(write(tmp_path, "A01,0,,,,11000", "A01,2,,,,600"), volume_nl=0.85)
    assert ("number-invalid", 7) in [(problem.code, problem.row) for problem in error.value.problems]
