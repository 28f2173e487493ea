"""Known answers: R 4.2 (qbeta, prop.test, qgamma), vendor exports, and the vendor's rule run step by step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammainc

import cohortstats as cs
from cohortstats.errors import InputError
from cohortstats.stats.droplet_door import DropletDoor
from cohortstats.stats.droplets import (
    copies_per_ml_plasma,
    copies_per_ul_sample,
    droplet_concentration,
    expected_positives,
    grid_limits,
    saturation_limit,
)

INF, NAN = math.inf, math.nan
METHODS = ("quantasoft", "exact", "wilson", "jeffreys")

# k, N, nL: copies/µL, copies/20 µL, then the limits of the four methods, to the printed digits. Closed forms and root
# finding in double precision, single rows recomputed with R 4.2 qbeta and qgamma.
TABLE = """
0/14000 .85 | 0 | 0 | 0 .251792 | 0 .309990 | 0 .322767 | 0 .211084
1/14000 .85 | .0840366 | 1.680732 | .003529 .401413 | .002128 .468222 | .014834 .476006 | .009067 .392797
1/14000 .91 | .0784957 | 1.569915 | .003297 .374946 | .001987 .437350 | .013856 .444621 | .008469 .366898
2/14000 .91 | .156997 | 3.139942 | .023784 .502941 | .019012 .567127 | .043053 .572427 | .032624 .503657
3/14000 .91 | .235504 | 4.710081 | .055888 .624275 | .048565 .688243 | .080090 .692404 | .066327 .628501
7/15050 .85 | .547323 | 10.94646 | .232503 1.066107 | .220045 1.127694 | .265117 1.129780 | .244811 1.074627
35/12347 .85 | 3.339673 | 66.79346 | 2.348805 4.577281 | 2.326110 4.644677 | 2.401299 4.644019 | 2.365975 4.589033
318/14000 .91 | 25.24860 | 504.9721 | 22.47693 28.02728 | 22.54863 28.18192 | 22.62033 28.17836 | 22.58656 28.13952
10940/20486 .85 | 898.3759 | 17967.52 | 881.2544 915.7503 | 881.1829 915.7991 | 881.2404 915.7320 | 881.2437 915.7366
14950/15000 .85 | 6710.332 | 134206.6 | 6398.126 7052.804 | 6385.780 7060.584 | 6385.982 7034.984 | 6395.975 7047.004
15000/15000 .85 | inf | inf | 10021.80 inf | 9777.183 inf | 9729.658 inf | 10229.23 inf
"""


def rows_of_table() -> list[Any]:
    rows = []
    for line in TABLE.strip().splitlines():
        first, *cells = [cell.strip() for cell in line.split("|")]
        counts, volume = first.split()
        k, n = counts.split("/")
        rows.append(pytest.param(int(k), int(n), float(volume), cells, id=first))
    return rows


def printed(text: str) -> Any:
    """Within half a unit of the last printed digit."""
    digits = len(text.partition(".")[2])
    return pytest.approx(float(text), abs=0.5 * 10**-digits * (1 + 1e-6), rel=0)


def problems_of(function: Any, *arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    return caught.value.problems


class TestConcentration:
    @pytest.mark.parametrize(("k", "n", "volume", "cells"), rows_of_table())
    def test_known_answers(self, k: int, n: int, volume: float, cells: list[str]) -> None:
        for method, limits in zip(METHODS, cells[2:], strict=True):
            well = droplet_concentration(k, n, droplet_volume_nl=volume, method=method)
            lower, upper = limits.split()
            assert well.copies_per_ul == printed(cells[0])
            assert well.copies_per_well == printed(cells[1])
            assert well.ci_lower == printed(lower)
            assert well.ci_upper == printed(upper)
            assert (well.method, well.ci_level) == (method, 0.95)

    def test_limits_by_r(self) -> None:
        # R 4.2.2: -log1p(-qbeta(c(.025, .975), c(7, 8), c(15044, 15043))) * 1000/.85
        well = droplet_concentration(7, 15050, method="exact")
        assert well.ci_lower == pytest.approx(0.2200448856427279, rel=1e-12)
        assert well.ci_upper == pytest.approx(1.1276944059229475, rel=1e-12)

    @pytest.mark.parametrize("method", ["exact", "wilson", "jeffreys"])
    def test_levels_nest(self, method: Any) -> None:
        wide, narrow = (droplet_concentration(20, 14000, method=method, ci_level=level) for level in (0.99, 0.8))
        assert wide.ci_lower < narrow.ci_lower < narrow.copies_per_ul < narrow.ci_upper < wide.ci_upper

    def test_full_precision_exports(self) -> None:
        # QX Manager 1.x writes single precision: wells A01 of an SMN2 run, 1.96 and not 1.959964.
        well = droplet_concentration([10940, 11037], 20486)
        assert np.asarray(well.copies_per_ul) == pytest.approx([898.375854492188, 910.391479492188], rel=1e-7)
        assert np.asarray(well.ci_lower) == pytest.approx([881.25439453125, 893.107421875], rel=1e-7)
        assert np.asarray(well.ci_upper) == pytest.approx([915.750244140625, 927.933349609375], rel=1e-7)
        p = 10940 / 20486
        lower = -math.log1p(1.959964 * math.sqrt(p * (1 - p) / 20486) - p) * 1000 / 0.85
        assert abs(lower / 881.25439453125 - 1) > 3e-7  # three times what single precision allows

    def test_old_export(self) -> None:
        # QuantaSoft prints 7.03 (5.67 to 8.59) for 90 of 14109 and 141 (134 to 147) for 1901 of 15820, 0.91 nL.
        few = droplet_concentration(90, 14109, droplet_volume_nl=0.91)
        assert (few.ci_lower, few.ci_upper) == pytest.approx((5.672996811195558, 8.594497503003213), rel=1e-9)
        many = droplet_concentration(1901, 15820, droplet_volume_nl=0.91)
        assert many.copies_per_ul == pytest.approx(140.68148, abs=5e-6)
        assert (many.ci_lower, many.ci_upper) == pytest.approx((134.37117, 147.02824), abs=5e-6)

    def test_the_rule_changes_at_100(self) -> None:
        below, at = droplet_concentration([99, 100], 14000).ci_lower  # type: ignore[misc]
        p = 100 / 14000
        wald = -math.log1p(-(p - 1.96 * math.sqrt(p * (1 - p) / 14000))) * 1000 / 0.85
        assert at == pytest.approx(wald, rel=1e-12)
        assert below == pytest.approx(-math.log1p(-80.743 / 14000) * 1000 / 0.85, rel=1e-12)

    def test_few_negatives_use_the_grid_of_the_negatives(self) -> None:
        lower, upper = grid_limits(50)
        well = droplet_concentration(14950, 15000)
        assert well.ci_lower == pytest.approx(-math.log(upper / 15000) * 1000 / 0.85, rel=1e-12)
        assert well.ci_upper == pytest.approx(-math.log(lower / 15000) * 1000 / 0.85, rel=1e-12)

    def test_small_wells(self) -> None:
        # The smaller side goes by the grid: 10 negatives of 60, and in one droplet the limits are all there is.
        lower, upper = grid_limits(10)
        well = droplet_concentration(50, 60)
        assert well.ci_upper == pytest.approx(-math.log(lower / 60) * 1000 / 0.85, rel=1e-12)
        assert well.ci_lower == pytest.approx(-math.log(upper / 60) * 1000 / 0.85, rel=1e-12)
        for k in (0, 1):
            one = droplet_concentration(k, 1)
            assert (one.ci_lower, one.ci_upper) == (0, INF)

    def test_shapes(self) -> None:
        single = droplet_concentration(np.int64(7), 15050)
        assert type(single.copies_per_ul) is float
        assert type(single.positives) is int
        assert (single.flags, single.reason) == ("", "")
        column = droplet_concentration(pd.Series([7, 8], dtype="Int64"), 15050, droplet_volume_nl=[0.85, 0.91])
        assert isinstance(column.copies_per_ul, np.ndarray)
        assert column.copies_per_ul[0] == single.copies_per_ul
        assert not column.copies_per_ul.flags.writeable
        frame = column.to_frame()
        assert frame["positives"].tolist() == [7, 8]
        assert frame["accepted"].tolist() == [15050, 15050]
        assert frame["method"].tolist() == ["quantasoft"] * 2
        assert len(single.to_frame()) == 1
        assert droplet_concentration([], []).to_frame().empty

    def test_analysed_copies(self) -> None:
        well = droplet_concentration(318, 14000, droplet_volume_nl=0.91)
        assert well.analysed_copies == pytest.approx(14000 * -math.log1p(-318 / 14000), rel=1e-12)
        assert well.analysed_copies / well.copies_per_well == pytest.approx(12.74 / 20, rel=1e-12)  # N·v of 20 µL
        larger = droplet_concentration(318, 14000, droplet_volume_nl=0.91, reaction_volume_ul=25)
        assert larger.copies_per_well == pytest.approx(1.25 * well.copies_per_well, rel=1e-12)

    def test_volume_scales(self) -> None:
        old, new = (droplet_concentration(7, 15050, droplet_volume_nl=volume).copies_per_ul for volume in (0.91, 0.85))
        assert new / old == pytest.approx(1.0705882352941176, rel=1e-12)

    def test_saturated(self) -> None:
        well = droplet_concentration(15000, 15000)
        assert (well.copies_per_ul, well.copies_per_well, well.reason) == (INF, INF, "saturated")
        assert well.at_least == pytest.approx(10022.019571529278, rel=1e-12)
        assert math.isnan(droplet_concentration(14999, 15000).at_least)
        assert saturation_limit(15000, droplet_volume_nl=1000) == pytest.approx(8.518716635799885, rel=1e-12)
        # With that many copies a droplet, no droplet of 15000 is negative with probability 5 %.
        assert (1 - math.exp(-8.518716635799885)) ** 15000 == pytest.approx(0.05, rel=1e-9)

    @pytest.mark.parametrize(
        ("k", "n", "flags"),
        [
            (5, 999, "no-call;low"),
            (5, 1000, "low"),
            (5, 9999, "low"),
            (5, 10000, ""),
            (14991, 15000, "near-saturated;high"),
            (14990, 15000, "high"),
            (14900, 15000, "high"),  # 5.01 copies a droplet
            (14898, 15000, ""),  # 4.99
            (15000, 15000, "saturated;high"),
            (900, 900, "no-call;saturated;high;low"),
        ],
    )
    def test_flags(self, k: int, n: int, flags: str) -> None:
        assert droplet_concentration(k, n).flags == flags

    def test_flags_follow_min_accepted(self) -> None:
        assert droplet_concentration(5, 9000, min_accepted=8000).flags == ""
        assert droplet_concentration([5, 5], [9000, 7000], min_accepted=8000).flags.tolist() == ["", "low"]  # type: ignore[union-attr]

    def test_public(self) -> None:
        assert cs.droplet_concentration is droplet_concentration


class TestGrid:
    # Every small-count limit of the vendor's exports that were examined lies on this grid.
    @pytest.mark.parametrize(
        ("count", "lower", "upper"),
        [
            (0, 0, 2.996), (1, 0.042, 4.776), (2, 0.303, 6.406), (3, 0.712, 7.951), (4, 1.207, 9.431),
            (5, 1.758, 10.865), (7, 2.974, 13.632), (10, 4.979, 17.614), (20, 12.439, 30.139), (50, 37.372, 65.196),
            (90, 72.649, 109.916), (99, 80.743, 119.822),
        ],
    )  # fmt: skip
    def test_known_answers(self, count: int, lower: float, upper: float) -> None:
        assert grid_limits(count) == (lower, upper)

    @pytest.mark.parametrize("count", [1, 2, 6, 13, 31, 64, 98])
    def test_against_the_rule_step_by_step(self, count: int) -> None:
        points = np.arange(0, 1000 * (count + 12 * math.ceil(math.sqrt(count)) + 10)) / 1000
        with np.errstate(divide="ignore"):
            density = count * np.log(points) - points
        up = count * 1000
        for down in range(count * 1000, -1, -1):
            while density[up] > density[down]:
                up += 1
            if gammainc(count + 1, points[up]) - gammainc(count + 1, points[down]) >= 0.95:
                break
        assert grid_limits(count) == (points[down], points[up])


class TestVolumes:
    def test_sample(self) -> None:  # 8 copies/µL of a 25 µL mix that holds 10 µL of sample
        assert copies_per_ul_sample(8, reaction_ul=25, template_ul=10, dilution=1) == 20

    def test_plasma(self) -> None:
        volumes = {"reaction_ul": 20, "template_ul": 8, "elution_ul": 50, "plasma_ml": 2.0}
        assert copies_per_ml_plasma(0.25, **volumes, dilution=1) == 15.625  # 0.25·20·50/8/2
        assert copies_per_ml_plasma([0.25, INF], **volumes, dilution=4).tolist() == [62.5, INF]  # type: ignore[union-attr]

    def test_nothing_is_assumed(self) -> None:
        with pytest.raises(TypeError):
            copies_per_ml_plasma(0.25)  # type: ignore[call-arg]
        assert problems_of(
            copies_per_ml_plasma, -1, reaction_ul=20, template_ul=0, elution_ul=50, plasma_ml=NAN, dilution="1:4"
        ) == (
            "copies_per_ul is −1; give concentrations ≥ 0.",
            "template_ul is 0; give a number above 0, such as 8.",
            "plasma_ml is missing; leave out wells without counts first.",
            "dilution holds text ('1:4'); give numbers.",
        )

    def test_expected_positives(self) -> None:
        # 1.6 copies are one droplet of 14000 at 0.91 nL, 4.6 about three: N(1 − exp(−c v/20000)).
        found = expected_positives([1.6, 4.6, 18], 14000, droplet_volume_nl=0.91)
        assert np.asarray(found) == pytest.approx([1.019, 2.930, 11.461], abs=5e-4)
        back = droplet_concentration(318, 14000, droplet_volume_nl=0.91).copies_per_well
        assert expected_positives(back, 14000, droplet_volume_nl=0.91) == pytest.approx(318, rel=1e-12)

    def test_cut_off_in_copies_moves_with_the_droplets(self) -> None:
        # More than 3 copies in 20 µL are 2 droplets only up to 14653 accepted at 0.91 nL and 15687 at 0.85 nL.
        for volume, most in ((0.91, 14653), (0.85, 15687)):
            at, beyond = droplet_concentration(2, [most, most + 1], droplet_volume_nl=volume).copies_per_well  # type: ignore[misc]
            assert at > 3 > beyond


class TestDoor:
    @pytest.mark.parametrize(
        ("k", "n", "options", "sentences"),
        [
            (-1, 100, {}, ("positives is −1; give whole numbers of droplets ≥ 0.",)),
            (0.5, 100, {}, ("positives is 0.5; give whole numbers of droplets ≥ 0.",)),
            (1e300, 1e301, {}, ("positives is 1e+300; give whole numbers of droplets ≥ 0.", "accepted is 1e+301; give whole numbers of droplets ≥ 1.")),
            (INF, 100, {}, ("positives is inf; give whole numbers of droplets ≥ 0.",)),
            (1, 0, {}, ("accepted is 0; give whole numbers of droplets ≥ 1.",)),
            (1, -5, {}, ("accepted is −5; give whole numbers of droplets ≥ 1.",)),
            (
                20,
                10,
                {},
                ("positives is 20 of 10 accepted; no more droplets can be positive than were accepted.",),
            ),
            (
                [1, 20, 30],
                [5, 10, 20],
                {},
                (
                    "positives is 20 of 10 accepted at position 2, 30 of 20 accepted at position 3; "
                    "no more droplets can be positive than were accepted.",
                ),
            ),
            ([1, -2, 0.5], 9, {}, ("positives is −2 at position 2, 0.5 at position 3; give whole numbers of droplets ≥ 0.",)),
            ([1, NAN], 9, {}, ("positives is missing at position 2; leave out wells without counts first.",)),
            (
                pd.array([None, 3, None], dtype="Int64"),
                9,
                {},
                ("positives is missing at positions 1, 3; leave out wells without counts first.",),
            ),
            (None, 9, {}, ("positives is missing; leave out wells without counts first.",)),
            ("7", 9, {}, ("positives holds text ('7'); give numbers.",)),
            (True, 9, {}, ("positives holds yes or no; give numbers.",)),
            (pd.array([True, False], dtype="boolean"), 9, {}, ("positives holds yes or no; give numbers.",)),
            ([[1, 2]], 9, {}, ("positives must be one number or one column; it has shape (1, 2).",)),
            ([[1, 2], [3]], 9, {}, ("positives must be one column; its rows differ in length.",)),
            ([1, 2], [9, 9, 9], {}, ("positives has 2 values, accepted has 3.",)),
            ([1, 2], 9, {"droplet_volume_nl": [1, 1, 1]}, ("positives has 2 values, droplet_volume_nl has 3.",)),
            (1, 9, {"droplet_volume_nl": 0}, ("droplet_volume_nl is 0; give a number above 0, such as 0.85.",)),
            (1, 9, {"reaction_volume_ul": [20, 20]}, ("reaction_volume_ul must be one number; it has 2 values.",)),
            (1, 9, {"min_accepted": -1}, ("min_accepted is −1; give a whole number of droplets ≥ 0.",)),
            (1, 9, {"method": "bayes"}, ("method 'bayes' is not known; choose quantasoft, exact, wilson or jeffreys.",)),
            (1, 9, {"ci_level": 95}, ("ci_level is 95; give a fraction, such as 0.95.",)),
            (
                1,
                9,
                {"ci_level": 0.9},
                ("method 'quantasoft' has a ci_level of 0.95 only, not 0.9; choose another method.",),
            ),
        ],
    )  # fmt: skip
    def test_refused(self, k: Any, n: Any, options: Any, sentences: tuple[str, ...]) -> None:
        assert problems_of(droplet_concentration, k, n, **options) == sentences

    def test_all_at_once(self) -> None:
        found = problems_of(droplet_concentration, -1, 0, method="exat", ci_level=2, droplet_volume_nl=-1)
        assert len(found) == 5
        assert "did you mean 'exact'?" in found[0]

    def test_long_lists_are_cut(self) -> None:
        door = DropletDoor()
        door.droplets({"positives": [9] * 12}, 5)
        assert door.problems[0].count("9 of 5 accepted") == 10
        assert "and 2 more" in door.problems[0]

    def test_inputs_are_left_alone(self) -> None:
        counts = np.array([3, 4])
        droplet_concentration(counts, 15000)
        assert counts.tolist() == [3, 4]
        assert counts.flags.writeable
