"""The droplet volume is told by the prints of the export."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import cohortstats as cs
from cohortstats.ctdna.read import scan_ddpcr
from cohortstats.ctdna.volume import fit_volume, print_half_width, volume_limits

PLATE = [
    (f"{letter}01", "P1", "HER2", 1, "Unknown", k, 14000)
    for letter, k in zip("ABCDEFGH", (3, 7, 50, 99, 461, 2000, 9000, 13000), strict=True)
]
EMPTY = [(f"{letter}01", "P1", "HER2", 1, "Unknown", 0, 14000) for letter in "ABC"]


@pytest.mark.parametrize(
    ("text", "half"),
    [
        ("141", 0.5),
        ("7.03", 0.005),
        ("98.2", 0.05),
        ("0.55", 0.005),
        ("1790", 5),
        ("1000", 5),
        ("12345", 0.5),
        ("100", 0.5),
        ("0", 0.5),
    ],
)
def test_a_print_is_known_to_half_of_its_last_digit(text: str, half: float) -> None:
    assert print_half_width(text) == pytest.approx(half, rel=1e-12)


def test_what_is_no_number_has_no_width() -> None:
    assert math.isnan(print_half_width("No Call"))
    assert math.isnan(print_half_width(""))


def test_volumes_that_the_old_export_allows(shared: Callable[[str], Path]) -> None:
    # Known answers, computed apart: for each print the smallest and the largest volume, and what all ten allow.
    known = json.loads(shared("reference/ctdna_vectors.json").read_text(encoding="utf-8"))["volume_inference"]
    rows = known["rows"]
    at_one = np.array([-1000 * math.log1p(-row["positives"] / row["accepted"]) for row in rows])
    printed = [row["conc_printed"] for row in rows]
    half = np.array([print_half_width(text) for text in printed])
    lower, upper = volume_limits(at_one, np.array([float(text) for text in printed]), half)
    assert lower.tolist() == pytest.approx([row["volume_lo"] for row in rows], rel=1e-8)
    assert upper.tolist() == pytest.approx([row["volume_hi"] for row in rows], rel=1e-8)
    fit = fit_volume([(at_one, np.array([float(text) for text in printed]), half)])
    assert (fit.volume_nl, fit.origin) == (known["answer"], "prints")
    assert [fit.lower, fit.upper] == pytest.approx(known["intersection"], rel=1e-8)


@pytest.mark.parametrize(
    ("generation", "volume"),
    [("old", 0.91), ("old", 0.85), ("1.7.4", 0.85), ("1.7.4", 0.91), ("qx", 0.85), ("qx", 0.91)],
)
def test_the_prints_decide_not_the_layout(
    tmp_path: Path, make_export, write_csv, generation: str, volume: float
) -> None:
    path = write_csv(tmp_path / "plate.csv", make_export(PLATE, generation, volume=volume))
    wells = cs.read_ddpcr(path)
    assert set(wells["volume_nl"]) == {volume}
    assert wells.attrs["files"][0]["volume_origin"] == "prints"


def codes(path: Path, **arguments: float) -> list[tuple[str, str]]:
    return [
        (problem.code, problem.message)
        for problem in scan_ddpcr(path, **arguments).problems
        if problem.level == "error"
    ]


def test_another_volume_is_asked_for_and_named(tmp_path: Path, make_export, write_csv) -> None:
    path = write_csv(tmp_path / "plate.csv", make_export(PLATE, "1.7.4", volume=0.795))
    found = codes(path)
    assert found[0][0] == "ddpcr-volume"
    assert found[0][1].startswith("No volume of 0.85 or 0.91 nL fits the prints of plate.csv; they need 0.79")
    assert codes(path, volume_nl=0.795) == []
    assert cs.read_ddpcr(path, volume_nl=0.795).attrs["files"][0]["volume_origin"] == "declared"


def test_a_plate_without_positive_droplets_is_told_by_its_limits(tmp_path: Path, make_export, write_csv) -> None:
    bare = write_csv(tmp_path / "bare.csv", make_export(EMPTY))
    assert codes(bare) == [
        (
            "ddpcr-volume",
            "bare.csv prints no concentration that tells its droplet volume, 0.85 or 0.91 nL.",
        )
    ]
    # 2.996 droplets of 14000 are 0.2518 copies/uL at 0.85 nL and 0.2352 at 0.91.
    upper = {place: {"PoissonConfMax": "0.25", "PoissonConfMin": "0"} for place in range(3)}
    limits = write_csv(tmp_path / "limits.csv", make_export(EMPTY, extra=upper))
    wells = cs.read_ddpcr(limits)
    assert wells.attrs["files"][0]["volume_origin"] == "printed limits"
    assert wells["volume_nl"].tolist() == [0.85] * 3
    assert wells["computed_ci_upper"].tolist() == pytest.approx([0.2517916] * 3, rel=1e-6)


def test_prints_that_both_volumes_give_decide_nothing(tmp_path: Path, make_export, write_csv) -> None:
    # 4/14000 is 0.3362 copies/uL at 0.85 nL and 0.3140 at 0.91: one printed digit is 0.3 either way.
    table = make_export(
        [("A01", "P1", "HER2", 1, "Unknown", 4, 14000)], extra={0: {"Concentration": "0.3", "CopiesPer20uLWell": "6"}}
    )
    path = write_csv(tmp_path / "plate.csv", table)
    assert codes(path) == [("ddpcr-volume", "Volumes of 0.85 or 0.91 nL fit the prints of plate.csv alike.")]
    assert cs.read_ddpcr(path, volume_nl=0.85)["computed_copies_per_ul"].tolist() == pytest.approx([0.33618], abs=1e-5)


def test_counts_without_prints_need_a_volume(tmp_path: Path) -> None:
    path = tmp_path / "plate.csv"
    path.write_text("Well,Target,Positives,Accepted\nA01,HER2,318,14000\n", encoding="utf-8")
    assert [code for code, _ in codes(path)] == ["ddpcr-volume"]
    wells = cs.read_ddpcr(path, volume_nl=0.91)
    # 318/14000 at 0.91 nL: 25.24860 (22.47693 to 28.02728), 504.9721 copies in 20 uL.
    values = wells[["copies_per_ul", "ci_lower", "ci_upper", "copies_per_well"]].iloc[0].tolist()
    assert values == pytest.approx([25.24860, 22.47693, 28.02728, 504.9721], rel=1e-6)


def test_a_declared_volume_is_used_and_a_contradiction_is_named(tmp_path: Path, make_export, write_csv) -> None:
    path = write_csv(tmp_path / "plate.csv", make_export(PLATE, "old"))
    export = scan_ddpcr(path, volume_nl=0.85)
    assert [(problem.level, problem.code, problem.message) for problem in export.problems] == [
        ("warning", "ddpcr-volume", "Prints of plate.csv are those of 0.91 nL; 0.85 nL is declared.")
    ]
    ratio = export.frame["computed_copies_per_ul"] / cs.read_ddpcr(path)["computed_copies_per_ul"]
    assert ratio.tolist() == pytest.approx([0.91 / 0.85] * 8, rel=1e-12)  # 1.070588
    assert export.frame["copies_per_ul"].tolist() == cs.read_ddpcr(path)["copies_per_ul"].tolist()


@pytest.mark.parametrize("volume", [0, -0.85, float("nan"), float("inf"), "0.85"])
def test_a_volume_is_above_zero(volume: object, data: Path) -> None:
    with pytest.raises(cs.InputError, match="give a volume above 0"):
        cs.read_ddpcr(data / "qxmanager_1x_quant.csv", volume_nl=volume)  # type: ignore[arg-type]
