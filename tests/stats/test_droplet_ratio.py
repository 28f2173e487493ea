"""Known answers: closed forms in double precision, vendor exports of full precision, and R 4.2 for single numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import cohortstats as cs
from cohortstats.errors import InputError
from cohortstats.stats.droplet_ratio import copy_ratio, linked_copies, printed_ratio

INF, NAN = math.inf, math.nan
METHODS: tuple[Any, ...] = ("log-delta", "fieller", "quantasoft")

TABLE = [
    # target, reference, N, R, then the limits of log-delta, fieller, quantasoft
    (461, 318, 14000, 1.457285, (1.263261, 1.681109), (1.264865, 1.685346), (1.249066, 1.665504)),
    (157, 127, 14000, 1.237557, (0.979439, 1.563699), (0.979672, 1.572644), (0.948069, 1.527045)),
    (80, 64, 14000, 1.250718, (0.900344, 1.737442), (0.899098, 1.762068), (0.837382, 1.664053)),
    (10940, 11037, 20486, 0.986802, (0.960420, 1.013908), (0.960415, 1.013911), (0.960059, 1.013545)),
    (7, 173, 15050, 0.040239, (0.018901, 0.085667), (0.010390, 0.071915), (0.009015, 0.071463)),
    (5, 4, 14000, 1.250045, (0.335677, 4.655099), (0.145157, 62.93220), (-0.467169, 2.967258)),
    (5, 3, 14000, 1.666786, (0.398336, 6.974442), (0.190064, INF), (-0.853347, 4.186918)),
    (1, 3, 14000, 0.333310, (0.034671, 3.204281), (0, INF), (-0.552344, 1.218963)),
]


def problems_of(function: Any, *arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    return caught.value.problems


class TestRatio:
    @pytest.mark.parametrize(("target", "reference", "n", "ratio", "log_delta", "fieller", "vendor"), TABLE)
    def test_known_answers(
        self, target: int, reference: int, n: int, ratio: float, log_delta: Any, fieller: Any, vendor: Any
    ) -> None:
        for method, limits in zip(METHODS, (log_delta, fieller, vendor), strict=True):
            found = copy_ratio(target, reference, n, method=method)
            assert found.ratio == found.estimate == pytest.approx(ratio, abs=5e-7)
            assert (found.ci_lower, found.ci_upper) == pytest.approx(limits, abs=5e-6 if ratio > 100 else 5.1e-6)
            assert (found.method, found.ci_level) == (method, 0.95)

    def test_log_delta_by_hand(self) -> None:
        found = copy_ratio(461, 318, 14000)
        lt, lr = -math.log(1 - 461 / 14000), -math.log(1 - 318 / 14000)
        se = math.sqrt(math.expm1(lt) / (14000 * lt**2) + math.expm1(lr) / (14000 * lr**2))
        assert found.std_error_log == pytest.approx(se, rel=1e-12)
        assert found.ci_upper == pytest.approx(lt / lr * math.exp(1.959963984540054 * se), rel=1e-12)

    def test_fieller_limits_are_where_the_difference_is_z_errors_from_0(self) -> None:
        found = copy_ratio(7, 173, 15050, method="fieller")
        lt, lr = -math.log1p(-7 / 15050), -math.log1p(-173 / 15050)
        for limit in (found.ci_lower, found.ci_upper):
            error = math.sqrt((math.expm1(lt) + limit**2 * math.expm1(lr)) / 15050)
            assert abs(lt - limit * lr) / error == pytest.approx(1.959963984540054, rel=1e-9)

    def test_the_method_decides(self) -> None:
        log_delta, vendor = copy_ratio(461, 318, 14000), copy_ratio(461, 318, 14000, method="quantasoft")
        assert log_delta.ci_lower > 1.25 > vendor.ci_lower

    def test_fractional_abundance_and_copy_number(self) -> None:
        # The export of this well prints FA 49.6678504533380 (48.9903664811503 to 50.3453344255256), CNV 1.97360336780548.
        found = copy_ratio(10940, 11037, 20486, method="quantasoft")
        assert found.fractional_abundance == pytest.approx(49.667850453338, rel=1e-7)
        assert found.fractional_abundance_lower == pytest.approx(48.9903664811503, rel=1e-7)
        assert found.fractional_abundance_upper == pytest.approx(50.3453344255256, rel=1e-7)
        assert found.cnv == pytest.approx(1.97360336780548, rel=1e-7)
        assert found.cnv_lower == pytest.approx(1.92011764189394, rel=1e-7)
        assert found.cnv_upper == pytest.approx(2.02708913553898, rel=1e-7)
        assert copy_ratio(10940, 11037, 20486, reference_copies=1).cnv == found.ratio

    def test_abundance_limits_follow_the_ratio(self) -> None:
        found = copy_ratio(461, 318, 14000)
        assert found.fractional_abundance_lower == pytest.approx(55.81597545584631, rel=1e-9)
        assert found.fractional_abundance_upper == pytest.approx(62.70200235617191, rel=1e-9)
        assert copy_ratio(5, 3, 14000, method="fieller").fractional_abundance_upper == 100

    @pytest.mark.parametrize("method", METHODS)
    def test_reasons(self, method: Any) -> None:
        found = copy_ratio([0, 10, 14000, 100, 14000, 0], [200, 0, 100, 14000, 0, 0], 14000, method=method)
        reasons = ["ratio-zero", "reference-zero", "saturated", "saturated", "saturated", "reference-zero"]
        assert np.asarray(found.reason).tolist() == reasons
        assert np.asarray(found.ratio)[0] == 0
        assert np.asarray(found.fractional_abundance)[0] == 0
        assert np.isnan(np.asarray(found.ratio)[1:]).all()
        for values in (found.ci_lower, found.ci_upper, found.cnv_lower, found.fractional_abundance_upper):
            assert np.isnan(np.asarray(values)).all()

    def test_reason_of_a_limit(self) -> None:
        assert copy_ratio(5, 4, 14000, method="quantasoft").reason == "ci-below-zero"
        assert copy_ratio(5, 3, 14000, method="fieller").reason == "ratio-unbounded"
        assert copy_ratio(5, 4, 14000, method="fieller").reason == ""
        assert copy_ratio(5, 3, 14000).reason == ""

    def test_other_wells_for_the_reference(self) -> None:
        apart = copy_ratio(461, 318, 14000, reference_accepted=7000)
        lr = -math.log1p(-318 / 7000)
        assert apart.ratio == pytest.approx(-math.log1p(-461 / 14000) / lr, rel=1e-12)
        assert copy_ratio(461, 318, 14000, reference_accepted=14000).ci_lower == copy_ratio(461, 318, 14000).ci_lower

    def test_shapes(self) -> None:
        single, column = copy_ratio(461, 318, 14000), copy_ratio([461, 157], [318, 127], 14000)
        assert type(single.ratio) is float
        assert single.ratio == np.asarray(column.ratio)[0]
        frame = column.to_frame()
        assert frame["reason"].tolist() == ["", ""]
        assert frame["target_positives"].tolist() == [461, 157]
        assert cs.copy_ratio is copy_ratio

    def test_refused(self) -> None:
        assert problems_of(copy_ratio, 20, -1, 10) == (
            "reference_positives is −1; give whole numbers of droplets ≥ 0.",
            "target_positives is 20 of 10 accepted; no more droplets can be positive than were accepted.",
        )
        assert problems_of(copy_ratio, 1, 1, 10, method="logdelta") == (
            "method 'logdelta' is not known; did you mean 'log-delta'?",
        )
        assert problems_of(copy_ratio, 1, 1, 10, reference_copies=0) == (
            "reference_copies is 0; give a number above 0, such as 2.",
        )
        assert problems_of(copy_ratio, 1, 30, 40, reference_accepted=20) == (
            "reference_positives is 30 of 20 reference accepted; no more droplets can be positive than were accepted.",
        )
        assert problems_of(copy_ratio, 1, 1, 10, reference_accepted=9, double_positives=0) == (
            "double_positives are counted in one well; give them without reference_accepted.",
        )
        assert problems_of(copy_ratio, 1, 1, 10, method="quantasoft", ci_level=0.9)[0].startswith("method 'quantasoft'")


class TestLinked:
    def test_known_answers(self) -> None:
        # Well A01 prints 13.280726 copies/µL of linked molecules; well B02, with fewer double negatives than chance, 0.
        found = linked_copies([10940, 15892, 1000], [11037, 10789, 1000], [5944, 8440, 900], [20486, 20206, 15000])
        raw = [13.280727023193604, -26.953269609559737, 72.73456706863395]
        assert np.asarray(found.raw_copies_per_ul) == pytest.approx(raw, rel=1e-9)
        assert np.asarray(found.copies_per_ul) == pytest.approx([raw[0], 0, raw[2]], rel=1e-9)
        covariance = [5.541625916522693e-07, -1.120945832436126e-06, 4.251700680272103e-06]
        assert np.asarray(found.covariance) == pytest.approx(covariance, rel=1e-9)
        assert found.to_frame()["reason"].tolist() == ["", "", ""]

    def test_covariance_narrows_the_interval(self) -> None:
        linked = copy_ratio(1000, 1000, 15000, double_positives=900)
        assert (linked.ci_lower, linked.ci_upper) == pytest.approx((0.971711212003321, 1.0291123408346372), rel=1e-9)
        fieller = copy_ratio(1000, 1000, 15000, double_positives=900, method="fieller")
        assert (fieller.ci_lower, fieller.ci_upper) == pytest.approx((0.9716584402878358, 1.0291682329273737), rel=1e-9)
        assert linked.method == "log-delta, linked"
        vendor = copy_ratio(1000, 1000, 15000, double_positives=900, method="quantasoft")
        assert vendor.ci_lower == copy_ratio(1000, 1000, 15000, method="quantasoft").ci_lower
        assert vendor.method == "quantasoft"

    def test_targets_that_are_always_together(self) -> None:
        found = copy_ratio(1000, 1000, 15000, double_positives=1000)
        assert found.std_error_log == pytest.approx(0, abs=1e-9)
        assert (found.ci_lower, found.ci_upper) == pytest.approx((1, 1), abs=1e-8)

    def test_ends(self) -> None:
        found = linked_copies([10, 5, 6], [5, 10, 6], [5, 5, 2], 10)
        assert np.asarray(found.reason).tolist() == ["saturated", "saturated", ""]
        assert np.isnan(np.asarray(found.copies_per_ul)[:2]).all()
        assert np.asarray(found.copies_per_ul)[2] == 0  # no droplet without both: fewer than chance leaves
        assert np.asarray(found.raw_copies_per_ul)[2] == -INF

    def test_refused(self) -> None:
        sentence = "double_positives is 6; the positives of the two targets allow 0 to 5."
        assert problems_of(linked_copies, 5, 5, 6, 100) == (sentence,)
        assert problems_of(copy_ratio, 5, 5, 100, double_positives=6) == (sentence,)
        assert problems_of(copy_ratio, [5, 60], [5, 70], 100, double_positives=[1, 20]) == (
            "double_positives is 20 at position 2; the positives of the two targets allow 30 to 60.",
        )
        assert problems_of(linked_copies, [5, 5], [5, 5], [1, 1, 1], 100) == (
            "target_positives has 2 values, double_positives has 3.",
        )


class TestPrinted:
    def test_known_answers(self) -> None:
        # 14000 droplets of 0.91 nL assumed: .923 to 1.311, .986 to 1.2497, .975 to 1.551.
        found = printed_ratio([1.1, 1.11, 1.23], [377.3333333333333, 832, 204], accepted=14000, droplet_volume_nl=0.91)
        lower = [0.9229755376509298, 0.9859011111943976, 0.9752258196281705]
        upper = [1.3109773234939444, 1.2497196585034152, 1.5513330036491768]
        assert np.asarray(found.ci_lower) == pytest.approx(lower, rel=1e-9)
        assert np.asarray(found.ci_upper) == pytest.approx(upper, rel=1e-9)
        assert np.asarray(found.chance_above(1.25))[2] == pytest.approx(0.4458299970647108, rel=1e-9)
        assert found.method == "log-delta, droplets assumed"

    def test_counts_give_back_the_ratio_of_counts(self) -> None:
        counted = copy_ratio(461, 318, 14000)
        copies = 318 / 14000
        copies = -math.log1p(-copies) * 20_000 / 0.91
        found = printed_ratio(counted.ratio, copies, accepted=14000, droplet_volume_nl=0.91)
        assert (found.ci_lower, found.ci_upper) == pytest.approx((counted.ci_lower, counted.ci_upper), rel=1e-10)
        assert (found.target_positives, found.reference_positives) == pytest.approx((461, 318), rel=1e-10)

    def test_refused(self) -> None:
        assert problems_of(printed_ratio, 0, 500, accepted=14000, method="quantasoft") == (
            "method 'quantasoft' is not known; choose log-delta or fieller.",
            "ratio is 0; give a number above 0, such as 1.25.",
        )
