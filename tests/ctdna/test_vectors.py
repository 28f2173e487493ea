"""The whole file of reference answers, each number to 1e-9; skipped by name where the file is not beside the checkout.

The numbers of its tables that stand in the documentation are in the other tests too, so those run without it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cohortstats.ctdna.calls import call_count, call_ratio, call_value, combine_calls
from cohortstats.ctdna.wells import pool_wells
from cohortstats.errors import CohortStatsWarning
from cohortstats.stats.droplet_limits import (
    false_positive_chance,
    limit_of_blank,
    limit_of_blank_ep17,
    limit_of_detection,
)
from cohortstats.stats.droplet_ratio import copy_ratio, linked_copies, printed_ratio
from cohortstats.stats.droplets import (
    ConcentrationMethod,
    copies_per_ml_plasma,
    copies_per_ul_sample,
    droplet_concentration,
    expected_positives,
    grid_limits,
)


@pytest.fixture(scope="module")
def vectors(shared: Callable[[str], Path]) -> dict[str, Any]:
    with shared("reference/ctdna_vectors.json").open(encoding="utf-8") as stream:
        loaded: dict[str, Any] = json.load(stream)
    return loaded


def near(*values: Any) -> Any:
    """The reference numbers, 'inf' read as ∞, to a relative 1e-9."""
    read = [math.inf if value == "inf" else float(value) for value in values]
    return pytest.approx(read[0] if len(read) == 1 else read, rel=1e-9, abs=1e-15)


def test_every_part_is_tested(vectors: dict[str, Any]) -> None:
    assert set(vectors) == {
        *("about", "single", "export_rows", "vendor_small_count_limits", "merged_wells", "ratio", "linked"),
        *("ratio_undefined", "lob_lod", "units", "volume_inference", "table3"),
    }
    assert [len(vectors[name]) for name in ("single", "ratio", "linked")] == [29, 11, 3]


def check_single(row: dict[str, Any]) -> None:
    assert set(row["ci"]) == {"quantasoft", "exact", "wilson", "jeffreys"}
    for method, limits in row["ci"].items():
        well = droplet_concentration(
            row["positives"], row["accepted"], droplet_volume_nl=row["droplet_nl"], method=method
        )
        assert well.copies_per_droplet == near(row["copies_per_droplet"])
        assert well.copies_per_ul == near(row["copies_per_ul"])
        assert well.copies_per_well == near(row["copies_per_20ul"])
        assert [well.ci_lower, well.ci_upper] == near(*limits)
    assert row["accepted"] * row["droplet_nl"] / 1000 == near(row["analysed_ul"])
    few = min(row["positives"], row["accepted"] - row["positives"])
    assert (row["quantasoft_branch"] == "wald") == (few >= 100)
    if "status" in row:
        assert well.flags.split(";")[0] == well.reason == row["status"]
        assert well.at_least == near(row["lower_one_sided_95_copies_per_ul"])
        assert well.at_least * row["droplet_nl"] / 1000 == near(row["lower_one_sided_95_copies_per_droplet"])


def test_single(vectors: dict[str, Any]) -> None:
    for row in vectors["single"]:
        check_single(row)


def test_single_as_columns(vectors: dict[str, Any]) -> None:
    rows = vectors["single"]
    positives, accepted, volumes = ([row[name] for row in rows] for name in ("positives", "accepted", "droplet_nl"))
    methods: tuple[ConcentrationMethod, ...] = ("quantasoft", "exact", "wilson", "jeffreys")
    for method in methods:
        found = droplet_concentration(positives, accepted, droplet_volume_nl=volumes, method=method)
        assert np.asarray(found.ci_lower) == near(*(row["ci"][method][0] for row in rows))
        assert np.asarray(found.ci_upper) == near(*(row["ci"][method][1] for row in rows))


def test_export_rows(vectors: dict[str, Any]) -> None:
    for row in vectors["export_rows"]:
        well = droplet_concentration(row["positives"], row["accepted"], droplet_volume_nl=row["droplet_nl"])
        if "agrees_rel" in row:
            printed = [row["conc"], row["poisson_min"], row["poisson_max"]]
            assert [well.copies_per_ul, well.ci_lower, well.ci_upper] == pytest.approx(printed, rel=row["agrees_rel"])
            continue
        assert [well.ci_lower, well.ci_upper] == near(*row["computed"])
        for value, name in (
            (well.copies_per_ul, "conc"),
            (well.ci_lower, "poisson_min"),
            (well.ci_upper, "poisson_max"),
        ):
            assert f"{value:.3g}" == row[f"{name}_printed"]


def test_vendor_small_count_limits(vectors: dict[str, Any]) -> None:
    rows = vectors["vendor_small_count_limits"]["rows"]
    assert [grid_limits(row["k"]) for row in rows] == [(row["lo"], row["hi"]) for row in rows]


def test_merged_wells(vectors: dict[str, Any]) -> None:
    plain, scattered = vectors["merged_wells"]
    for case in (plain, scattered):
        counts = [[well[name] for well in case["wells"]] for name in ("positives", "accepted")]
        pooled = pool_wells(*counts, droplet_volume_nl=case["droplet_nl"])
        check_single(case["merged"])
        merged = case["merged"]
        assert (pooled.concentration.positives, pooled.concentration.accepted) == (
            merged["positives"],
            merged["accepted"],
        )
        assert pooled.concentration.copies_per_well == near(merged["copies_per_20ul"])
        assert pooled.df == case["dispersion_df"]
        if case is plain:
            assert pooled.dispersion == near(case["dispersion_chi2"])
            assert pooled.dispersion_p == near(case["dispersion_p"])
            assert 20 * pooled.well_copies_per_ul.mean() == near(case["mean_of_wells_copies_per_20ul"])
        else:
            assert pooled.well_copies_per_ul == near(*case["well_copies_per_ul"])
            assert pooled.std_dev == near(case["sd"])
            assert pooled.poisson_half_width == near(case["poisson_half_width"])
            assert pooled.wells_half_width == near(case["sem_half_width"])
            assert pooled.total_half_width == near(case["total_half_width"])
            assert [pooled.total_lower, pooled.total_upper] == near(*case["total_ci"])
            assert pooled.two_cells == near(case["dispersion_chi2_two_cells"])
            assert pooled.two_cells_p == near(case["dispersion_p"])


def check_ratio(row: dict[str, Any], **options: Any) -> None:
    for method, limits in row["ci"].items():
        found = copy_ratio(
            row["target_positives"], row["reference_positives"], row["accepted"], method=method, **options
        )
        assert found.ratio == near(row["ratio"])
        if limits is None:
            assert math.isnan(found.ci_lower)
            assert math.isnan(found.ci_upper)
            assert found.reason == "ratio-zero"
            continue
        assert [found.ci_lower, found.ci_upper] == near(*limits)
        assert found.std_error_log == near(row["se_log"])
        assert found.fractional_abundance == near(row["fractional_abundance_pct"])
        assert found.cnv == near(row["copy_number_ploidy_2"])
        shares = {"quantasoft": "fa_ci_quantasoft_pct", "log-delta": "fa_ci_log_delta_pct"}
        if method in shares:
            share = [found.fractional_abundance_lower, found.fractional_abundance_upper]
            assert share == near(*row[shares[method]])
        else:
            assert (found.reason == "ratio-unbounded") == (row["fieller_state"] == "unbounded")


def test_ratio(vectors: dict[str, Any]) -> None:
    for row in vectors["ratio"]:
        check_ratio(row)


def test_linked(vectors: dict[str, Any]) -> None:
    for row in vectors["linked"]:
        clusters = row["clusters"]
        both = clusters["pos_pos"]
        assert row["target_positives"] == both + clusters["pos_neg"]
        assert row["reference_positives"] == both + clusters["neg_pos"]
        check_ratio(row, double_positives=both)
        counts = (row["target_positives"], row["reference_positives"], both, row["accepted"])
        found = linked_copies(*counts, droplet_volume_nl=row["droplet_nl"])
        assert found.covariance == near(row["covariance"])
        assert found.copies_per_ul == near(row["linked_copies_per_ul"])
        assert found.raw_copies_per_ul == near(row["linked_raw_copies_per_ul"])


def test_ratio_undefined(vectors: dict[str, Any]) -> None:
    for row in vectors["ratio_undefined"]:
        found = copy_ratio(row["target_positives"], row["reference_positives"], row["accepted"])
        assert found.reason == row["reason"]
        assert math.isnan(found.ratio)


def test_limits(vectors: dict[str, Any]) -> None:
    limits = vectors["lob_lod"]
    assert set(limits) == {"lod_droplets", "from_blanks", "ep17_parametric", "ep17_nonparametric_rank"}
    for row in limits["lod_droplets"]:
        found = limit_of_detection(row["lob"])
        assert found.droplets == near(row["lod_droplets"])
        assert found.copies_per_well(14000, droplet_volume_nl=0.91) == near(row["copies_per_20ul_n14000_091"])
        assert found.copies_per_well(14000, droplet_volume_nl=0.85) == near(row["copies_per_20ul_n14000_085"])
    for row in limits["from_blanks"]:
        blank = limit_of_blank(row["false_positive_droplets"], row["blanks"])
        assert [blank.mean, blank.mean_upper] == near(row["mean"], row["mean_upper_95"])
        assert (blank.from_mean, blank.droplets) == (row["lob_from_mean"], row["lob_from_upper"])
        chances = false_positive_chance([1, 2, 3], blank.mean_upper)
        assert chances == near(row["p_false_1"], row["p_false_2"], row["p_false_3"])
    ep17 = limits["ep17_parametric"]
    with pytest.warns(CohortStatsWarning):
        exact = limit_of_blank_ep17(ep17["blanks"], quantile="exact")
    with pytest.warns(CohortStatsWarning):
        guideline = limit_of_blank_ep17(ep17["blanks"])
    assert [exact.mean, exact.std_dev] == near(ep17["mean"], ep17["sd"])
    assert [exact.factor, exact.limit] == near(ep17["cp"], ep17["lob"])
    assert [guideline.factor, guideline.limit] == near(ep17["cp_with_1645"], ep17["lob_with_1645"])
    for row in limits["ep17_nonparametric_rank"]:
        found_rank = limit_of_blank_ep17(list(range(1, row["blanks"] + 1)), method="rank")
        assert [found_rank.rank, found_rank.limit] == near(row["rank"], row["index"])


def test_units(vectors: dict[str, Any]) -> None:
    mix, plasma, volumes = vectors["units"]
    volumes_of_mix = {"reaction_ul": mix["reaction_ul"], "template_ul": mix["template_ul"], "dilution": 1}
    assert copies_per_ul_sample(mix["copies_per_ul"], **volumes_of_mix) == near(mix["copies_per_ul_sample"])
    assert mix["copies_per_ul"] * mix["reaction_ul"] == mix["copies_in_reaction"]
    asked = {name: plasma[name] for name in ("reaction_ul", "template_ul", "elution_ul", "plasma_ml", "dilution")}
    assert copies_per_ml_plasma(plasma["copies_per_ul"], **asked) == near(plasma["copies_per_ml_plasma"])
    new, old = (droplet_concentration(7, 15050, droplet_volume_nl=v).copies_per_ul for v in (0.85, 0.91))
    assert new / old == near(volumes["factor_of_copies_when_volume_is_085_not_091"])


def test_volume_inference(vectors: dict[str, Any]) -> None:
    """Each printed concentration gives an interval of volumes; only 0.91 of the two lies in all."""
    known = vectors["volume_inference"]
    lowest, highest = [], []
    for row in known["rows"]:
        digits = len(row["conc_printed"].partition(".")[2])
        printed, half = float(row["conc_printed"]), 0.5 * 10**-digits
        at_one = float(droplet_concentration(row["positives"], row["accepted"], droplet_volume_nl=1).copies_per_ul)
        assert at_one / printed == near(row["volume_nl"])
        assert at_one / (printed + half) == near(row["volume_lo"])
        assert at_one / (printed - half) == near(row["volume_hi"])
        lowest.append(at_one / (printed + half))
        highest.append(at_one / (printed - half))
    assert [max(lowest), min(highest)] == near(*known["intersection"])
    assert max(lowest) <= known["answer"] <= min(highest)
    assert not max(lowest) <= 0.85 <= min(highest)


N, VOLUME = 14000, 0.91  # what the table assumes: the paper printed no droplets


def test_table3_ratios(vectors: dict[str, Any]) -> None:
    rows = vectors["table3"]["rows"]
    assert len(rows) == 16
    for row in rows:
        reference = row["reference_copies_proxy"]
        assert np.mean([variant["wt_copies"] for variant in row["pik3ca"]]) == near(reference)
        ratio = printed_ratio(row["her2_ratio"], reference, accepted=N, droplet_volume_nl=VOLUME)
        assert [ratio.ci_lower, ratio.ci_upper] == near(*row["ratio_ci"])
        assert ratio.chance_above(1.25) == pytest.approx(row["p_ratio_above_cutoff"], rel=1e-8)
        assert np.rint(ratio.reference_positives) == row["reference_droplets"]
        call = call_ratio(ratio, "> 1.25", name="her2_ratio")
        assert (call.two_state, call.call) == (row["her2_call_paper_rule"], row["her2_call_tristate"])


def test_table3_mutations(vectors: dict[str, Any]) -> None:
    blank = limit_of_blank(0, 10)
    for row in vectors["table3"]["rows"]:
        states = []
        for variant in row["pik3ca"]:
            copies = variant["mut_copies"] + variant["wt_copies"]
            expected = expected_positives(variant["mut_copies"], N, droplet_volume_nl=VOLUME)
            assert expected == pytest.approx(variant["droplets_estimated"], abs=5e-4)  # printed to 3 decimals
            assert np.rint(expected) == variant["droplets"]
            assert 100 * variant["mut_copies"] / copies == near(variant["vaf_pct"])
            analysed = copies * N * VOLUME / 20_000
            assert analysed == near(variant["analysed_copies"])
            call = call_count(
                int(np.rint(expected)), N, limit_of_blank=blank.droplets, lod_vaf=0.01, analysed_copies=analysed
            )
            assert 100 * call.lod_fraction == near(variant["lod_vaf_pct"])
            assert call.call == variant["call_droplet_rule"]
            assert call_value(variant["mut_copies"], "> 3") == variant["call_paper_rule"]
            states.append(call.call)
        printed = max(variant["mut_copies"] for variant in row["pik3ca"])
        assert call_value(printed, "> 3") == row["pik3ca_call_paper_rule"]
        assert combine_calls(*states) == row["pik3ca_call_tristate"]
