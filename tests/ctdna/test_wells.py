"""Wells of one sample: pooled droplets by exact arithmetic, dispersion and total error by R and by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cohortstats.ctdna.wells import pool_wells
from cohortstats.errors import InputError
from cohortstats.stats.droplets import droplet_concentration


def problems_of(*arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        pool_wells(*arguments, **options)
    return caught.value.problems


def test_pooled_droplets_and_not_the_mean() -> None:
    pooled = pool_wells([3, 1, 2], [14000, 9000, 16000])
    assert pooled.concentration.copies_per_well == pytest.approx(-math.log(1 - 6 / 39000) * 20_000 / 0.85, rel=1e-10)
    assert pooled.concentration.copies_per_well == pytest.approx(3.620188, abs=5e-7)
    assert 20 * pooled.well_copies_per_ul.mean() == pytest.approx(3.532814, abs=5e-7)  # another number
    assert (pooled.n_wells, pooled.df) == (3, 2)
    assert pooled.dispersion == pytest.approx(0.525794, abs=5e-7)  # Σ(k − E)²/E, E = N·6/39000
    assert pooled.dispersion_p == pytest.approx(math.exp(-pooled.dispersion / 2), rel=1e-12)  # χ² with 2 df
    assert (pooled.flags, pooled.reason) == ("", "")


def test_scattered_wells() -> None:
    pooled = pool_wells([120, 180, 150], [15000, 15200, 14800])
    assert pooled.concentration.copies_per_ul == pytest.approx(11.823925, abs=5e-7)
    assert pooled.poisson_half_width == pytest.approx(1.092480, abs=5e-7)
    wells = np.array([-math.log1p(-k / n) * 1000 / 0.85 for k, n in [(120, 15000), (180, 15200), (150, 14800)]])
    assert pooled.std_dev == pytest.approx(wells.std(ddof=1), rel=1e-12)
    assert pooled.wells_half_width == pytest.approx(1.96 * wells.std(ddof=1) / math.sqrt(3), rel=1e-12)
    assert pooled.total_half_width == pytest.approx(2.588381, abs=5e-7)
    assert (pooled.total_lower, pooled.total_upper) == pytest.approx((9.235543, 14.412306), abs=1e-6)
    # R: chisq.test(cbind(c(120, 180, 150), c(14880, 15020, 14650)), correct = FALSE)
    assert (pooled.two_cells, pooled.two_cells_p) == pytest.approx((11.2979, 0.00352), abs=5e-5)
    assert pooled.flags == "dispersion"
    assert pool_wells([120, 180, 150], [15000, 15200, 14800], dispersion_alpha=0.001).flags == ""


def test_even_wells_keep_the_poisson_error() -> None:
    pooled = pool_wells([150, 151], 15000)
    assert pooled.wells_half_width < pooled.poisson_half_width == pooled.total_half_width


def test_one_well() -> None:
    pooled = pool_wells(7, 15050)
    one = droplet_concentration(7, 15050)
    assert pooled.concentration.copies_per_ul == one.copies_per_ul
    assert math.isnan(pooled.dispersion)
    assert math.isnan(pooled.two_cells_p)
    assert pooled.total_half_width == pooled.poisson_half_width == (one.ci_upper - one.ci_lower) / 2
    assert pooled.reason == ""
    assert pool_wells(15000, 15000).flags == "saturated;high"  # nothing is averaged
    assert pool_wells(5, 800).flags == "no-call;low"


def test_no_positive_droplet() -> None:
    pooled = pool_wells([0, 0], [15000, 14000])
    assert (pooled.concentration.copies_per_ul, pooled.reason) == (0, "variance is zero")
    assert math.isnan(pooled.dispersion)
    assert pooled.total_upper == pytest.approx(pooled.concentration.ci_upper / 2, rel=1e-12)


def test_frame() -> None:
    frame = pool_wells([120, 180, 150], [15000, 15200, 14800]).to_frame()
    assert frame[["positives", "accepted", "n_wells", "flags"]].values.tolist() == [[450, 45000, 3, "dispersion"]]
    assert frame["total_upper"].tolist() == pytest.approx([14.412306], abs=5e-7)


def test_refused() -> None:
    assert problems_of([15000, 20, 5], [15000, 999, 14000]) == (
        "well 1 is saturated, all 15000 droplets are positive; leave it out or dilute.",
        "well 2 has 999 accepted droplets, fewer than 1000 (no call); leave it out.",
    )
    assert problems_of([3, 20], [15000, 10], names=["A01", "A02"], method="exakt") == (
        "method 'exakt' is not known; did you mean 'exact'?",
        "positives is 20 of 10 accepted at position 2; no more droplets can be positive than were accepted.",
    )
    assert problems_of([3, 999], [15000, 999], names=["A01", "A02"]) == (
        "A02 has 999 accepted droplets, fewer than 1000 (no call); leave it out.",
    )
    assert problems_of([], []) == ("there are no wells.",)
