"""Amplitudes of droplets: one file a well, in every layout that the software has had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import cohortstats as cs

QX = """Target Value of 0 = negative
Target Value of 1 = positive
Target Value of u = unclassified (Advanced Classification Mode)

Ch1Amplitude,Ch2Amplitude,1,2,
"""


def test_clusters_of_a_real_well_are_the_counts_of_its_export(shared: Callable[[str], Path], data: Path) -> None:
    droplets = cs.read_amplitudes(shared("data/ddpcr/small_A01_Amplitude.csv"))
    assert droplets.columns.tolist() == ["well", "droplet", "ch1", "ch2", "cluster"]
    assert len(droplets) == 15820
    counts = droplets["cluster"].value_counts().to_dict()
    assert counts == {1: 13838, 2: 4, 3: 1897, 4: 81}
    wells = cs.read_ddpcr(data / "quantasoft_old_TypeAssay_small.csv")
    row = wells[wells["well"] == "A01"].iloc[0]
    assert [counts[number] for number in (3, 2, 4, 1)] == row[["pos_pos", "pos_neg", "neg_pos", "neg_neg"]].tolist()
    assert droplets.iloc[0].tolist() == ["A01", 1, 494.600433, 577.0885, 1]


@pytest.mark.parametrize(
    ("name", "well", "n_droplets", "first"),
    [
        ("definetherain_Alb_10e0_E10_Amplitude.csv", "E10", 12408, 6857.865),
        ("ddpcrclust_CRonly_FFPE_Blood_G01_Amplitude.csv", "G01", 13224, 1776.49841),
    ],
)
def test_real_files_without_clusters(
    shared: Callable[[str], Path], name: str, well: str, n_droplets: int, first: float
) -> None:
    droplets = cs.read_amplitudes(shared(f"data/ddpcr/{name}"))
    assert len(droplets) == n_droplets
    assert set(droplets["well"]) == {well}
    assert droplets["droplet"].tolist() == list(range(1, n_droplets + 1))
    assert droplets["ch1"][0] == first
    assert droplets["ch1"].notna().all()
    assert droplets["ch2"].isna().all() == (well == "E10")  # that file has an empty second channel
    assert droplets["cluster"].isna().all()
    assert droplets.attrs["problems"] == []


# (0, 1) is positive for the second target only: 4; (1, 1) both: 3; (1, 0) the first only: 2; (0, 0) none: 1.
@pytest.mark.parametrize(
    ("well", "clusters"),
    [
        ("A01", [4, 3, 2, 4]),
        ("A02", [4, 3, 3, 2]),
        ("B01", [3, 2, 4, 2]),
        ("B02", [3, 2, 2, 1]),
        ("C01", [1, 3, 4, 4]),
        ("C02", [2, 2, 3, 3]),
    ],
)
def test_qx_manager_writes_the_targets_apart(data: Path, well: str, clusters: list[int]) -> None:
    droplets = cs.read_amplitudes(data / f"qxmanager_quant_{well}_Amplitude.csv")
    assert droplets["cluster"].tolist() == clusters
    assert set(droplets["well"]) == {well}


def test_a_folder_of_wells(data: Path) -> None:
    droplets = cs.read_amplitudes(data)
    assert droplets["well"].drop_duplicates().tolist() == ["A01", "A02", "B01", "B02", "C01", "C02"]
    assert len(droplets) == 24
    pd.testing.assert_frame_equal(droplets, cs.read_amplitudes(str(data / "*_Amplitude.csv")))


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "names",
    [
        "Assay1 Amplitude,Assay2 Amplitude",
        "Ch1 Amplitude,Ch2 Amplitude",
        "Ch1Amplitude,Ch2Amplitude",
        "Assay1.Amplitude,Assay2.Amplitude",
    ],
)
@pytest.mark.parametrize("cluster", [True, False])
def test_layouts(tmp_path: Path, newline: str, names: str, cluster: bool) -> None:
    lines = [names + ",Cluster" * cluster, "1200.5,800" + ",1" * cluster, "7000,6500.25" + ",3" * cluster]
    path = tmp_path / "run_H12_Amplitude.csv"
    path.write_bytes((newline.join(lines) + newline).encode())
    droplets = cs.read_amplitudes(path)
    assert droplets[["ch1", "ch2"]].values.tolist() == [[1200.5, 800], [7000, 6500.25]]
    assert droplets["cluster"].tolist() == ([1, 3] if cluster else [pd.NA, pd.NA])


def test_unclassified_droplets_have_no_cluster(tmp_path: Path) -> None:
    path = tmp_path / "run_A01_Amplitude.csv"
    path.write_text(QX + "2000,3000,0,u,\n2000,3000,1,0,\n\n", encoding="utf-8")
    droplets = cs.read_amplitudes(path)
    assert droplets["cluster"].tolist() == [pd.NA, 2]
    assert [(problem["code"], problem["message"]) for problem in droplets.attrs["problems"]] == [
        ("ddpcr-no-call", "1 droplet is unclassified.")
    ]


def test_a_third_channel_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "run_A01_Amplitude.csv"
    path.write_text("Ch1Amplitude,Ch2Amplitude,Ch3Amplitude,1,2,3,\n1,2,3,0,0,1,\n", encoding="utf-8")
    droplets = cs.read_amplitudes(path)
    assert droplets.columns.tolist() == ["well", "droplet", "ch1", "ch2", "cluster", "ch3"]
    assert droplets["ch3"].tolist() == [3]
    assert [problem["code"] for problem in droplets.attrs["problems"]] == ["ddpcr-format"]


def test_a_name_without_a_well(tmp_path: Path) -> None:
    path = tmp_path / "droplets.csv"
    path.write_text(QX + "2000,3000,0,1,\n", encoding="utf-8")
    droplets = cs.read_amplitudes(path)
    assert droplets["well"].tolist() == [""]
    assert droplets.attrs["problems"][0]["message"] == "The name of droplets.csv holds no well."


def test_a_table_of_wells_is_no_file_of_amplitudes(data: Path) -> None:
    with pytest.raises(cs.DataError, match="it holds a table of wells"):
        cs.read_amplitudes(data / "qxmanager_1x_quant.csv")


def test_a_row_that_lacks_a_channel(tmp_path: Path) -> None:
    path = tmp_path / "run_A01_Amplitude.csv"
    path.write_text("Ch1 Amplitude,Ch2 Amplitude\n1,2\n3\n4,x\n", encoding="utf-8")
    with pytest.raises(cs.DataError) as error:
        cs.read_amplitudes(path)
    assert [(problem.code, problem.row) for problem in error.value.problems] == [
        ("row-ragged", 3),
        ("number-invalid", 4),
    ]
