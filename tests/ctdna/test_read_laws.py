"""Many plates made at random: a faithful export never raises an alarm, whatever its precision."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import cohortstats as cs
from cohortstats.ctdna.read import scan_ddpcr

SEED = 20180607


def plate(rng: np.random.Generator, n_wells: int = 24) -> list[tuple[str, str, str, int, str, int, int]]:
    rows = []
    for place in range(n_wells):
        accepted = int(rng.integers(1000, 22000))
        most = accepted if rng.random() < 0.3 else max(1, accepted // 50)
        positives = int(rng.integers(0, most))
        well = f"{'ABCDEFGH'[place % 8]}{place // 8 + 1:02d}"
        rows.append((well, f"P{place}", "HER2", 1, "Unknown", positives, accepted))
    return rows


def two_figures_below_a_hundred(rows: list[tuple[str, str, str, int, str, int, int]]) -> dict[int, dict[str, str]]:
    """Concentrations as QuantaSoft 1.7.4 prints them: two figures for fewer than 100 positive droplets, else three."""
    extra = {}
    for place, (*_, positives, accepted) in enumerate(rows):
        exact = -1000 * math.log1p(-positives / accepted) / 0.85
        shown = float(f"{exact:.2g}" if positives < 100 else f"{exact:.3g}")
        text = f"{shown:.0f}" if shown == int(shown) else repr(shown)
        extra[place] = {"Concentration": text, "CopiesPer20uLWell": f"{20 * shown:.6g}"}
    return extra


def single_precision(rows: list[tuple[str, str, str, int, str, int, int]]) -> dict[int, dict[str, str]]:
    """Concentrations as QX Manager prints them: every step in single precision, all digits written."""
    extra = {}
    one, thousand, volume, twenty = (np.float32(value) for value in (1, 1000, 0.85, 20))
    for place, (*_, positives, accepted) in enumerate(rows):
        negative = one - np.float32(positives) / np.float32(accepted)
        concentration = -np.log(negative) * thousand / volume
        extra[place] = {
            "Conc(copies/µL)": repr(float(concentration)),
            "Copies/20µLWell": repr(float(concentration * twenty)),
        }
    return extra


@pytest.mark.parametrize("seed", range(20))
def test_a_faithful_print_raises_no_alarm(tmp_path: Path, make_export, write_csv, seed: int) -> None:
    rows = plate(np.random.default_rng(SEED + seed))
    tables = {
        "old": make_export(rows, "old"),
        "1.7.4": make_export(rows, "1.7.4", extra=two_figures_below_a_hundred(rows)),
        "qx": make_export(rows, "qx", extra=single_precision(rows)),
    }
    for generation, table in tables.items():
        export = scan_ddpcr(write_csv(tmp_path / "plate.csv", table))
        assert [problem.code for problem in export.problems if problem.code != "ddpcr-low"] == []
        assert export.files[0].volume_nl == (0.91 if generation == "old" else 0.85)
        assert export.files[0].volume_origin == "prints"


@pytest.mark.parametrize("generation", ["old", "1.7.4", "qx"])
def test_one_positive_droplet_more_is_seen_in_the_print(
    tmp_path: Path, make_export, write_csv, generation: str
) -> None:
    # Negatives follow, so that only the print contradicts. Three figures show one droplet where k is below a few hundred.
    rows = [
        (f"{letter}01", "P", "HER2", 1, "Unknown", 12 * place + 3, 14000) for place, letter in enumerate("ABCDEFGH")
    ]
    names, *records = make_export(rows, generation)
    for place, record in enumerate(records):
        spoilt = list(record)
        for name, step in (("Positives", 1), ("Negatives", -1)):
            at = names.index(name)
            spoilt[at] = str(int(spoilt[at]) + step)
        table = [names, *records[:place], spoilt, *records[place + 1 :]]
        found = scan_ddpcr(write_csv(tmp_path / "plate.csv", table)).problems
        assert {(problem.code, problem.row) for problem in found} == {("ddpcr-recompute", place + 2)}


def test_shuffled_rows_and_columns_change_nothing(tmp_path: Path, make_export, write_csv) -> None:
    rng = np.random.default_rng(SEED)
    names, *records = make_export(plate(rng))
    plain = cs.read_ddpcr(write_csv(tmp_path / "plate.csv", [names, *records]))
    for _ in range(10):
        order = rng.permutation(len(names))
        mixed = [[record[place] for place in order] for record in [names, *(records[at] for at in rng.permutation(24))]]
        wells = cs.read_ddpcr(write_csv(tmp_path / "plate.csv", mixed))
        assert wells.drop(columns="row").equals(plain.drop(columns="row"))
