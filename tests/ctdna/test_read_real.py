"""Real exports: rows, the vendor's own columns recomputed from the counts to the digits that it prints."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.ctdna.read import COLUMNS, scan_ddpcr

FILES = {
    "quantasoft_old_TypeAssay_small.csv": ("QuantaSoft, QX100 era", 10, 0.91),
    "quantasoft_v174_TargetType_test.csv": ("QuantaSoft 1.7.4", 4, None),
    "qxmanager_1x_quant.csv": ("QX Manager 1.x", 12, 0.85),
}


def row_of(wells: pd.DataFrame, well: str, target: str) -> pd.Series:
    found = wells[(wells["well"] == well) & (wells["target"] == target)]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize("name", FILES)
def test_every_export_is_known_and_complete(data: Path, name: str) -> None:
    generation, n_rows, volume = FILES[name]
    export = scan_ddpcr(data / name)
    assert export.problems == ()
    assert export.files[0].format == generation
    assert tuple(export.frame.columns) == COLUMNS
    assert len(export.frame) == n_rows
    assert export.frame["well"].tolist() == sorted(export.frame["well"])
    assert set(export.frame["volume_nl"]) == ({volume} if volume else set()) or export.frame["volume_nl"].isna().all()


@pytest.mark.parametrize("name", FILES)
def test_the_shipped_files_are_the_shared_ones(data: Path, shared: Callable[[str], Path], name: str) -> None:
    assert (data / name).read_bytes() == shared(f"data/ddpcr/{name}").read_bytes()


def test_printed_digits_of_the_old_export(data: Path) -> None:
    table = scan_ddpcr(data / "quantasoft_old_TypeAssay_small.csv").files[0].table
    wells = cs.read_ddpcr(data / "quantasoft_old_TypeAssay_small.csv")
    n_compared = 0
    for column, field in (("Concentration", ""), ("PoissonConfMin", "ci_lower"), ("PoissonConfMax", "ci_upper")):
        printed = dict(zip(table.rows.tolist(), table.cells[column], strict=True))
        for row, computed in zip(wells["row"], wells[f"computed_{field or 'copies_per_ul'}"], strict=True):
            assert float(f"{computed:.3g}") == float(printed[row])  # three significant figures
            n_compared += 1
    assert n_compared == 30


def test_full_precision_of_qx_manager(data: Path) -> None:
    wells = cs.read_ddpcr(data / "qxmanager_1x_quant.csv")
    for field in ("copies_per_ul", "ci_lower", "ci_upper"):
        assert wells[f"computed_{field}"].tolist() == pytest.approx(wells[field].tolist(), rel=1e-7)
    assert wells["copies_per_well"].tolist() == pytest.approx((20 * wells["computed_copies_per_ul"]).tolist(), rel=1e-7)


def test_rows_with_known_answers(shared: Callable[[str], Path]) -> None:
    known = json.loads(shared("reference/ctdna_vectors.json").read_text(encoding="utf-8"))
    for expected in known["export_rows"]:
        wells = cs.read_ddpcr(shared(f"data/{expected['file']}"))
        row = row_of(wells, expected["well"], expected["target"])
        assert (row["positives"], row["accepted"]) == (expected["positives"], expected["accepted"])
        assert row["volume_nl"] == expected["droplet_nl"]
        printed = {"copies_per_ul": "conc", "ci_lower": "poisson_min", "ci_upper": "poisson_max"}
        for field, name in printed.items():
            assert row[field] == float(expected.get(name, expected.get(f"{name}_printed")))
            if expected.get("agrees_rel"):
                assert row[f"computed_{field}"] == pytest.approx(float(expected[name]), rel=expected["agrees_rel"])


def test_clusters_of_linked_targets(shared: Callable[[str], Path]) -> None:
    known = json.loads(shared("reference/ctdna_vectors.json").read_text(encoding="utf-8"))["linked"]
    n_compared = 0
    for expected in known:
        name, _, well = expected.get("file", "").partition(" ")
        if not well:
            continue
        export = scan_ddpcr(shared(f"data/{name}"))
        rows = export.frame[export.frame["well"] == well]
        for cluster, count in expected["clusters"].items():
            assert rows[cluster].tolist() == [count, count]
        clusters = rows.iloc[0]
        assert clusters["positives"] == clusters["pos_pos"] + clusters["pos_neg"] == expected["target_positives"]
        n_compared += 1
    assert n_compared >= 2


def test_a_well_of_the_old_export(data: Path) -> None:
    row = row_of(cs.read_ddpcr(data / "quantasoft_old_TypeAssay_small.csv"), "A01", "Consensus_FAM")
    names = ["sample", "channel", "status", "positives", "negatives", "accepted", "row", "role"]
    assert row[names].tolist() == ["Dean", "ch1", "Manual", 1901, 13919, 15820, 2, "unknown"]
    assert row[["copies_per_ul", "ci_lower", "ci_upper", "copies_per_well"]].tolist() == [141, 134, 147, 2820]
    # -ln(1 - 1901/15820) / 0.91 nL and p +- 1.96 sqrt(p(1 - p)/N) through the same formula
    computed = row[["computed_copies_per_ul", "computed_ci_lower", "computed_ci_upper"]].tolist()
    assert computed == pytest.approx([140.68148, 134.37117, 147.02824], abs=5e-6)
    assert row[["pos_pos", "pos_neg", "neg_pos", "neg_neg"]].tolist() == [1897, 4, 81, 13838]


def test_a_well_of_qx_manager(data: Path) -> None:
    wells = cs.read_ddpcr(data / "qxmanager_1x_quant.csv")
    row = row_of(wells, "A01", "1")
    printed = row[["copies_per_ul", "ci_lower", "ci_upper", "copies_per_well"]].tolist()
    assert printed == [898.375854492188, 881.25439453125, 915.750244140625, 17967.517578125]
    assert row[["channel", "dye", "role", "sample"]].tolist() == [
        "ch1",
        "FAM",
        "positive control",
        "SMN2 Control 2 copies",
    ]
    other = row_of(wells, "A01", "2")
    # A reference stays one in a control well, so that the ratio of the well finds it.
    assert other[["channel", "dye", "role"]].tolist() == ["ch2", "HEX", "reference"]


def test_a_plate_exported_before_it_was_read(data: Path) -> None:
    # 63 names over 64, 64, 63 and 63 fields: nothing may move by one column.
    export = scan_ddpcr(data / "quantasoft_v174_TargetType_test.csv")
    wells = export.frame
    assert wells["target"].tolist() == ["t1.fw", "t1.rev", "t2.fw", "t2.rev"]
    assert wells["sample"].tolist() == ["a1", "a1", "b2", "b2"]
    assert wells["status"].tolist() == ["Manual"] * 4
    assert wells["channel"].tolist() == ["ch1", "ch2", "ch1", "ch2"]
    for field in ("positives", "negatives", "accepted", "copies_per_ul", "computed_copies_per_ul", "copies_per_well"):
        assert wells[field].isna().all()
    assert not wells["saturated"].any()
    assert math.isnan(export.files[0].volume_nl)
    assert export.files[0].volume_origin == "not needed"


def test_columns_that_are_not_used_are_kept_under_their_names(data: Path) -> None:
    export = scan_ddpcr(data / "qxmanager_1x_quant.csv")
    table = export.files[0].table
    assert table.cells["PoissonConfidenceMax68"][0] == "907.208251953125"
    assert table.cells["Copies/uL linked molecules"][0] == "13.280726377593"
    assert len(table.columns) == 73


def test_several_exports_give_one_frame(data: Path) -> None:
    names = list(FILES)
    one = cs.read_ddpcr([data / name for name in names])
    assert one["file"].tolist() == [name for name in names for _ in range(FILES[name][1])]
    assert [file["format"] for file in one.attrs["files"]] == [FILES[name][0] for name in names]
    single = cs.read_ddpcr(data / names[2])
    pd.testing.assert_frame_equal(one[one["file"] == names[2]].reset_index(drop=True), single)
    assert len(cs.read_ddpcr(str(data / "q*_[TQ]*pe*.csv"))) == 14  # a pattern
    assert cs.read_ddpcr(data / names[0]).attrs["files"][0]["volume_nl"] == 0.91


def test_what_comes_with_the_frame_can_be_stored(data: Path) -> None:
    attrs = cs.read_ddpcr(data / "qxmanager_1x_quant.csv").attrs
    assert json.loads(json.dumps(attrs)) == attrs
    assert attrs["files"] == [
        {
            "file": "qxmanager_1x_quant.csv",
            "format": "QX Manager 1.x",
            "software": "QX Manager",
            "volume_nl": 0.85,
            "volume_origin": "prints",
            "encoding": "utf-8",
            "sheet": "",
        }
    ]


def test_a_template_of_a_run_is_no_export(data: Path) -> None:
    with pytest.raises(cs.DataError) as error:
        cs.read_ddpcr(data / "ddpcrclust_run_template.csv")
    assert [problem.code for problem in error.value.problems] == ["ddpcr-format"]
    assert "no column names the targets" in str(error.value)
