"""Wells that are not plain: no call, no negative droplet, few droplets, merges, controls."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.ctdna.checks import check_controls, check_merged_twice
from cohortstats.ctdna.read import scan_ddpcr

GOOD = ("A01", "P1", "HER2", 1, "Unknown", 461, 14000)
GENERATIONS = ["old", "1.7.4", "qx"]


def warnings(path: Path) -> list[tuple[str, str]]:
    export = scan_ddpcr(path)
    assert [problem for problem in export.problems if problem.level == "error"] == []
    return [(problem.code, problem.message) for problem in export.problems]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_no_call_is_missing_never_zero(tmp_path: Path, make_export, write_csv, generation: str) -> None:
    plate = [GOOD, ("B01", "P2", "HER2", 1, "Unknown", 0, 640), ("C01", "P3", "HER2", 1, "Unknown", 0, 0)]
    path = write_csv(tmp_path / "plate.csv", make_export(plate, generation, extra={1: {"Status": "CHECK"}}))
    assert warnings(path) == [("ddpcr-no-call", "2 wells without a call: B01, C01.")]
    wells = cs.read_ddpcr(path)
    for field in ("copies_per_ul", "copies_per_well", "computed_copies_per_ul", "computed_ci_upper"):
        assert wells[field].isna().tolist() == [False, True, True]
    assert wells["positives"].tolist() == [461, 0, 0]
    assert wells["accepted"].tolist() == [14000, 640, 0]
    assert wells["status"].tolist() == ["OK", "CHECK", "OK"]


def test_no_call_in_words_with_enough_droplets(tmp_path: Path, make_export, write_csv) -> None:
    words = {1: {"Concentration": "No Call", "CopiesPer20uLWell": "No Call", "Positives": "", "Negatives": ""}}
    path = write_csv(
        tmp_path / "plate.csv", make_export([GOOD, ("B01", "P2", "HER2", 1, "Unknown", 5, 14000)], extra=words)
    )
    assert warnings(path) == [("ddpcr-no-call", "1 well without a call: B01.")]
    assert cs.read_ddpcr(path)["computed_copies_per_ul"].isna().tolist() == [False, True]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_well_without_a_negative_droplet(tmp_path: Path, make_export, write_csv, generation: str) -> None:
    name = "PoissonConfMin"
    plate = [GOOD, ("B01", "P2", "HER2", 1, "Unknown", 15000, 15000)]
    path = write_csv(
        tmp_path / "plate.csv", make_export(plate, generation, extra={1: {name: "10000", "PoissonConfMax": "1000000"}})
    )
    assert ("ddpcr-saturated", "1 well has no negative droplet: B01.") in warnings(path)
    well = cs.read_ddpcr(path).iloc[1]
    assert well["saturated"]
    assert math.isinf(well["copies_per_ul"])
    assert math.isinf(well["copies_per_well"])
    assert math.isinf(well["ci_upper"])
    assert well["ci_lower"] == 10000  # as printed
    assert math.isinf(well["computed_copies_per_ul"])
    # 2.996 negative droplets of 15000 at most: -1000 ln(2.996/15000) / v
    volume = 0.91 if generation == "old" else 0.85
    assert well["computed_ci_lower"] == pytest.approx(-1000 * math.log(2.996 / 15000) / volume, rel=1e-9)


def test_few_droplets_are_named_once_a_well(tmp_path: Path, make_export, write_csv) -> None:
    plate = [GOOD, ("B01", "P2", "HER2", 1, "Unknown", 50, 9999), ("B01", "P2", "EFTUD2", 2, "Reference", 60, 9999)]
    path = write_csv(tmp_path / "plate.csv", make_export(plate))
    assert warnings(path) == [("ddpcr-low", "9999 droplets in well B01, minimum 10000.")]
    assert len(cs.read_ddpcr(path)) == 3


@pytest.mark.parametrize("written", ["A01,B01,C01", "A1, B1, C1", "(A01,B01,C01)"])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_merge_is_kept_with_its_wells(tmp_path: Path, make_export, write_csv, generation: str, written: str) -> None:
    # 3/14000, 1/9000 and 2/16000 pooled: 6/39000, 3.620188 copies/20 uL at 0.85 nL.
    parts = [("A01", 3, 14000), ("B01", 1, 9000), ("C01", 2, 16000), ("M01", 6, 39000)]
    plate = [(well, "P1", "E545K", 1, "Unknown", k, n) for well, k, n in parts] + [
        ("D01", "P1", "WT", 1, "Unknown", 4000, 14000)
    ]
    path = write_csv(tmp_path / "plate.csv", make_export(plate, generation, extra={3: {"MergedWells": written}}))
    assert ("ddpcr-merged", "Well M01 is a merge of A01, B01, C01.") in warnings(path)
    wells = cs.read_ddpcr(path)
    assert wells["well"].tolist() == ["A01", "B01", "C01", "D01", "M01"]
    assert wells["merged_from"].tolist() == ["", "", "", "", "A01,B01,C01"]
    volume = 0.91 if generation == "old" else 0.85
    assert 20 * wells["computed_copies_per_ul"].iloc[4] == pytest.approx(3.620188 * 0.85 / volume, rel=1e-6)


def test_a_merge_and_its_wells_in_one_analysis(tmp_path: Path, make_export, write_csv) -> None:
    parts = [("A01", 30, 14000), ("B01", 10, 9000), ("M01", 40, 23000)]
    plate = [
        (well, "P1", target, channel, "Unknown", k, n)
        for well, k, n in parts
        for channel, target in ((1, "E545K"), (2, "WT"))
    ]
    table = make_export(plate, extra={4: {"MergedWells": "A01,B01"}, 5: {"MergedWells": "A01,B01"}})
    wells = cs.read_ddpcr(write_csv(tmp_path / "plate.csv", table))
    problems = check_merged_twice(wells)
    assert [(problem.level, problem.code, problem.row) for problem in problems] == [
        ("error", "ddpcr-merged", 6),
        ("error", "ddpcr-merged", 7),
    ]
    assert problems[0].message == "Well M01 is a merge of A01, B01, and A01, B01 are there too."
    assert check_merged_twice(wells[wells["merged_from"] != ""]) == []
    assert check_merged_twice(wells[wells["merged_from"] == ""]) == []


def test_a_merge_that_does_not_name_its_wells(tmp_path: Path, make_export, write_csv) -> None:
    path = write_csv(tmp_path / "plate.csv", make_export([GOOD, ("M01", "P1", "HER2", 1, "Unknown", 900, 28000)]))
    assert cs.read_ddpcr(path)["merged_from"].tolist() == ["", "unnamed wells"]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_positive_droplets_without_template(tmp_path: Path, make_export, write_csv, generation: str) -> None:
    plate = [GOOD, ("H12", "H2O", "HER2", 1, "NTC", 3, 14000), ("G12", "H2O", "HER2", 1, "NTC", 0, 14000)]
    path = write_csv(tmp_path / "plate.csv", make_export(plate, generation))
    assert warnings(path) == [("ddpcr-ntc", "HER2 has 3 positive droplets in a no-template well, H12.")]
    wells = cs.read_ddpcr(path)
    assert wells["role"].tolist() == ["unknown", "ntc", "ntc"]
    assert check_controls(wells, ntc_max=3) == []
    named = check_controls(wells, names=["P1"])
    assert [problem.value for problem in named] == ["461", "3"]


def test_a_type_that_is_not_known(tmp_path: Path, make_export, write_csv) -> None:
    path = write_csv(tmp_path / "plate.csv", make_export([("A01", "P1", "HER2", 1, "Water", 461, 14000)]))
    assert warnings(path) == [("ddpcr-format", "'Ch1Water' is not a type that is known; the row is read as unknown.")]


def test_a_linked_well_of_six_colours_is_no_duplicate(tmp_path: Path) -> None:
    path = tmp_path / "plate.csv"
    lines = ["Well,Target,DyeName(s),Positives,Accepted"]
    lines += [
        f"A01,T{place},{dye},300,14000" for place, dye in enumerate(["FAM", "FAM", "HEX", "Cy5", "ROX", "ATTO590"])
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    wells = cs.read_ddpcr(path, volume_nl=0.85)
    assert wells["channel"].tolist() == ["ch1", "ch1", "ch2", "ch3", "ch5", "ch6"]
    assert wells["target"].tolist() == ["T0", "T1", "T2", "T3", "T4", "T5"]
