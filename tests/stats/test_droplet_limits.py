"""Known answers: R 4.2 (qchisq, qpois, qgamma, ppois) and arithmetic by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cohortstats.errors import CohortStatsWarning, InputError
from cohortstats.stats.droplet_limits import (
    blanks_needed,
    chance_of_exceeding,
    false_positive_chance,
    limit_of_blank,
    limit_of_blank_ep17,
    limit_of_detection,
    tumor_fraction_needed,
)

SPARSE = [0, 0, 1.6, 0, 0, 1.5, 0, 3.1, 0, 0]


def problems_of(function: Any, *arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    return caught.value.problems


class TestLimitOfBlank:
    @pytest.mark.parametrize(
        ("blanks", "false", "mean_upper", "from_mean", "limit"),
        [  # R: mu <- qchisq(.95, 2*K + 2)/(2*B); qpois(.95, c(K/B, mu))
            (10, 0, 0.29957322735539893, 0, 1),
            (10, 1, 0.4743864518390577, 1, 2),
            (10, 3, 0.7753656527932725, 1, 2),
            (20, 0, 0.14978661367769946, 0, 1),
            (58, 0, 0.051650556440586026, 0, 1),
            (59, 0, 0.050775123280576095, 0, 0),
            (60, 3, 0.12922760879887876, 0, 1),
        ],
    )
    def test_known_answers(self, blanks: int, false: int, mean_upper: float, from_mean: int, limit: int) -> None:
        found = limit_of_blank(false, blanks)
        assert found.mean_upper == pytest.approx(mean_upper, rel=1e-12)
        assert (found.droplets, found.from_mean) == (limit, from_mean)
        assert found.mean == false / blanks
        assert found.to_frame()["droplets"].tolist() == [limit]

    def test_ten_clean_blanks_do_not_support_one_droplet(self) -> None:
        found = limit_of_blank(0, 10)
        chances = [100 * found.false_positive_chance(droplets) for droplets in (1, 2, 3)]
        assert chances == pytest.approx([25.887, 3.684, 0.359], abs=5e-4)  # 1 − e^−μ and so on
        assert 100 * limit_of_blank(0, 59).false_positive_chance(1) == pytest.approx(4.951, abs=5e-4)
        assert 100 * limit_of_blank(0, 58).false_positive_chance(1) == pytest.approx(5.034, abs=5e-4)

    def test_definition(self) -> None:
        for false, blanks in [(0, 1), (7, 3), (200, 4), (5000, 2)]:
            found = limit_of_blank(false, blanks)
            terms = np.arange(found.droplets + 1)
            logs = terms * math.log(found.mean_upper) - found.mean_upper - np.cumsum(np.log(np.maximum(terms, 1)))
            up_to = np.exp(logs)
            assert up_to.sum() >= 0.95 > up_to[:-1].sum()

    def test_refused(self) -> None:
        assert problems_of(limit_of_blank, -1, 0, level=95) == (
            "false_positives is −1; give a whole number of droplets ≥ 0.",
            "blanks is 0; give a whole number of wells ≥ 1.",
            "level is 95; give a fraction, such as 0.95.",
        )
        assert problems_of(limit_of_blank, [0, 1], 2) == ("false_positives must be one number; it has 2 values.",)


class TestDetection:
    @pytest.mark.parametrize(
        ("lob", "droplets", "old", "new"),
        [  # R: qgamma(.95, lob + 1); then · 20/12.74 and · 20/11.9
            (0, 2.995732, 4.702876, 5.034844),
            (1, 4.743865, 7.447197, 7.972882),
            (2, 6.295794, 9.883506, 10.581166),
            (3, 7.753657, 12.172145, 13.031356),
            (4, 9.153519, 14.369732, 15.384066),
            (5, 10.513035, 16.503979, 17.668966),
        ],
    )
    def test_known_answers(self, lob: int, droplets: float, old: float, new: float) -> None:
        found = limit_of_detection(lob)
        assert found.droplets == pytest.approx(droplets, abs=5e-7)
        assert found.copies_per_well(14000, droplet_volume_nl=0.91) == pytest.approx(old, abs=5e-7)
        assert found.copies_per_well(14000) == pytest.approx(new, abs=5e-7)
        assert found.to_frame()["limit_of_blank"].tolist() == [lob]

    def test_missed_with_five_percent(self) -> None:
        found = limit_of_detection(2).droplets
        assert math.exp(-found) * (1 + found + found**2 / 2) == pytest.approx(0.05, rel=1e-12)

    def test_fraction(self) -> None:
        found = limit_of_detection(1)
        assert found.fraction_of(436.982) == pytest.approx(0.010855972370465092, rel=1e-9)
        assert np.asarray(found.fraction_of([0, 92]))[0] == math.inf

    def test_refused(self) -> None:
        assert problems_of(limit_of_detection, 0.5, level=1) == (
            "limit_of_blank is 0.5; give a whole number of droplets ≥ 0.",
            "level is 1; give a fraction, such as 0.95.",
        )


class TestChances:
    def test_false_positives(self) -> None:
        assert false_positive_chance(0, 0.3) == 1
        assert false_positive_chance(1, 0) == 0
        assert false_positive_chance(2, 0.3) == pytest.approx(1 - math.exp(-0.3) * 1.3, rel=1e-12)
        assert false_positive_chance(10, 0.001) == pytest.approx(1e-30 / 3628800, rel=1e-3)  # no 1 − (1 − tiny)
        assert problems_of(false_positive_chance, 1.5, -1) == (
            "droplets is 1.5; give whole numbers of droplets ≥ 0.",
            "mean is −1; give numbers of droplets ≥ 0.",
        )

    @pytest.mark.parametrize("droplets", [1, 2, 3])
    def test_blanks_needed(self, droplets: int) -> None:
        needed = blanks_needed(droplets)
        assert limit_of_blank(0, needed).droplets < droplets <= limit_of_blank(0, needed - 1).droplets

    def test_fifty_nine(self) -> None:
        assert blanks_needed() == 59
        assert problems_of(blanks_needed, 0) == ("droplets is 0; give a whole number of droplets ≥ 1.",)

    @pytest.mark.parametrize(("copies", "percent"), [(100, 10.4), (170, 5.1), (300, 1.5), (500, 0.3)])
    def test_diploid_sample_beyond_the_cut_off(self, copies: float, percent: float) -> None:
        chance = chance_of_exceeding(1.25, reference_copies_per_well=copies, accepted=14000, droplet_volume_nl=0.91)
        assert 100 * chance == pytest.approx(percent, abs=0.05)

    def test_half_at_a_ratio_of_one(self) -> None:
        assert chance_of_exceeding(1, reference_copies_per_well=100, accepted=14000) == 0.5
        assert problems_of(chance_of_exceeding, 0, reference_copies_per_well=0, accepted=0) == (
            "threshold is 0; give a number above 0, such as 1.25.",
            "reference_copies_per_well is 0; give a number above 0, such as 100.",
            "accepted is 0; give whole numbers of droplets ≥ 1.",
        )

    def test_tumor_fraction(self) -> None:
        found = tumor_fraction_needed(1.25, [6, 10, 20])
        assert np.asarray(found) == pytest.approx([0.125, 0.0625, 0.5 / 18], rel=1e-12)
        # A plasma with an eighth of a genome of six copies: (6/8 + 2·7/8)/2 = 1.25.
        assert (6 * 0.125 + 2 * 0.875) / 2 == 1.25
        assert tumor_fraction_needed(0.5, 1) == 1  # a loss: all DNA from a tumor with one copy
        assert tumor_fraction_needed(1, 6) == 0
        assert np.isnan(np.asarray(tumor_fraction_needed([4, 1.25, 0.9, 1], [6, 2, 6, 2]))).all()


class TestEP17:
    def test_parametric(self) -> None:
        with pytest.warns(CohortStatsWarning, match="7 of 10 blanks are 0"):
            found = limit_of_blank_ep17(SPARSE)
        assert found.mean == pytest.approx(0.62, rel=1e-12)
        assert found.std_dev == pytest.approx(1.0840254199561519, rel=1e-12)
        assert found.factor == pytest.approx(1.692, rel=1e-12)  # 1.645/(1 − 1/36)
        assert found.limit == pytest.approx(2.4541710105658088, rel=1e-12)
        with pytest.warns(CohortStatsWarning):
            exact = limit_of_blank_ep17(SPARSE, quantile="exact")
        assert exact.factor == pytest.approx(1.6918494448643715, rel=1e-12)
        assert exact.limit == pytest.approx(2.454007804971683, rel=1e-12)

    def test_all_zero(self) -> None:
        with pytest.warns(CohortStatsWarning, match="10 of 10"):
            assert limit_of_blank_ep17([0] * 10).limit == 0

    def test_no_warning_with_half(self) -> None:
        found = limit_of_blank_ep17([0, 0, 1, 2])
        assert (found.zeros, found.blanks, found.method) == (2, 4, "EP17 parametric, z guideline")

    @pytest.mark.parametrize(("size", "rank"), [(10, 10), (20, 19.5), (60, 57.5), (100, 95.5)])
    def test_rank(self, size: int, rank: float) -> None:
        found = limit_of_blank_ep17(list(range(1, size + 1))[::-1], method="rank")
        assert found.rank == found.limit == rank  # the values are their own ranks
        assert math.isnan(found.factor)

    def test_too_few_for_the_rank(self) -> None:
        found = limit_of_blank_ep17([0, 1, 2], method="rank")
        assert math.isnan(found.limit)
        assert found.reason == "not attainable"
        assert found.to_frame()["reason"].tolist() == ["not attainable"]

    def test_refused(self) -> None:
        assert problems_of(limit_of_blank_ep17, [1.0]) == ("blanks has 1 value; give more than blank samples.",)
        assert problems_of(limit_of_blank_ep17, [1.0, 2.0], level=0.9) == (
            "the guideline's 1.645 is for level 0.95, not 0.9; take quantile 'exact'.",
        )
        assert problems_of(limit_of_blank_ep17, [1.0, -2.0], method="ranks") == (
            "blanks is −2 at position 2; give measurements ≥ 0.",
            "method 'ranks' is not known; did you mean 'rank'?",
        )
