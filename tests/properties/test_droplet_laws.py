"""Laws of droplet counts that no example can show. Deterministic: the same cases in every run."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cohortstats.ctdna.calls import Threshold, call_count, call_ratio, combine_calls
from cohortstats.ctdna.wells import pool_wells
from cohortstats.stats.droplet_limits import false_positive_chance, limit_of_blank, limit_of_detection
from cohortstats.stats.droplet_ratio import copy_ratio, linked_copies
from cohortstats.stats.droplets import droplet_concentration, grid_limits, saturation_limit

LAW = settings(derandomize=True, deadline=None, max_examples=80, database=None)
METHODS: Any = st.sampled_from(["quantasoft", "exact", "wilson", "jeffreys"])
RATIO_METHODS: Any = st.sampled_from(["log-delta", "fieller", "quantasoft"])


@st.composite
def wells(draw: st.DrawFn, least: int = 1, most: int = 40_000) -> tuple[int, int]:
    """k of N, with the ends as likely as the middle."""
    n = draw(st.integers(least, most))
    side = draw(st.integers(0, min(150, n)))
    return draw(st.sampled_from([side, n - side, draw(st.integers(0, n))])), n


@LAW
@given(wells(), METHODS)
def test_an_interval_holds_its_estimate(well: tuple[int, int], method: Any) -> None:
    found = droplet_concentration(*well, method=method)
    assert 0 <= found.ci_lower <= found.copies_per_ul <= found.ci_upper
    assert (found.ci_lower == 0) == (well[0] == 0) or well[1] < 3
    assert (found.ci_upper == math.inf) == (well[0] == well[1]) or well[1] < 200


@LAW
@given(st.lists(wells(least=1000), min_size=1, max_size=6), METHODS)
def test_pooled_wells_are_one_well_with_summed_counts(each: list[tuple[int, int]], method: Any) -> None:
    assume(all(k < n for k, n in each))
    pooled = pool_wells([k for k, _ in each], [n for _, n in each], method=method).concentration
    one = droplet_concentration(sum(k for k, _ in each), sum(n for _, n in each), method=method)
    for name in ("copies_per_ul", "ci_lower", "ci_upper", "copies_per_well", "analysed_copies"):
        assert getattr(pooled, name) == getattr(one, name)
    assert min(k / n for k, n in each) <= one.positives / one.accepted <= max(k / n for k, n in each)


@LAW
@given(wells(least=2000, most=20_000), METHODS, st.integers(2, 6))
def test_relative_width_falls_as_counts_grow(well: tuple[int, int], method: Any, times: int) -> None:
    k, n = well
    assume(0 < k < n)
    few, many = (droplet_concentration(k * t, n * t, method=method) for t in (1, times))
    assert many.copies_per_ul == pytest.approx(few.copies_per_ul, rel=1e-12)
    assert many.ci_upper - many.ci_lower < few.ci_upper - few.ci_lower


@LAW
@given(st.integers(1000, 40_000), METHODS)
def test_limits_rise_with_the_positives(n: int, method: Any) -> None:
    found = droplet_concentration(
        np.unique(np.r_[0:98, n - 98 : n, np.linspace(101, n - 101, 50).astype(int)]), n, method=method
    )
    for limits in (found.ci_lower, found.ci_upper):
        assert (np.diff(np.asarray(limits)[:-1]) > 0).all()


@LAW
@given(st.lists(wells(), min_size=1, max_size=20), METHODS)
def test_a_column_gives_what_its_rows_give(each: list[tuple[int, int]], method: Any) -> None:
    column = droplet_concentration([k for k, _ in each], [n for _, n in each], method=method)
    for row, well in enumerate(each):
        alone = droplet_concentration(*well, method=method)
        for name in ("copies_per_ul", "ci_lower", "ci_upper", "at_least", "flags", "reason"):
            a, b = np.asarray(getattr(column, name))[row], getattr(alone, name)
            assert a == b or (isinstance(b, float) and math.isnan(a) and math.isnan(b))


@LAW
@given(wells(), METHODS, st.floats(0.1, 2))
def test_the_volume_only_scales(well: tuple[int, int], method: Any, volume: float) -> None:
    one, other = (droplet_concentration(*well, method=method, droplet_volume_nl=v) for v in (1, volume))
    for name in ("copies_per_ul", "ci_lower", "ci_upper"):
        assert getattr(other, name) == pytest.approx(getattr(one, name) / volume, rel=1e-12)
    assert one.analysed_copies == other.analysed_copies


@LAW
@given(wells(most=5_000), st.sampled_from(["exact", "jeffreys"]), st.floats(0.5, 0.99))
def test_exact_limits_cover(well: tuple[int, int], method: Any, level: float) -> None:
    """A higher level never gives a narrower interval."""
    narrow, wide = (droplet_concentration(*well, method=method, ci_level=value) for value in (level, (1 + level) / 2))
    assert wide.ci_lower <= narrow.ci_lower
    assert wide.ci_upper >= narrow.ci_upper


@LAW
@given(st.integers(1, 99))
def test_grid_limits_rise(count: int) -> None:
    below, here = grid_limits(count - 1), grid_limits(count)
    assert below[0] < here[0] < count < here[1]
    assert below[1] < here[1]


@LAW
@given(st.integers(2, 10**6))
def test_more_full_droplets_mean_more_copies(n: int) -> None:
    assert saturation_limit(n) > saturation_limit(n - 1)


# ------------------------------------------------------------------------------------------------ ratios


@st.composite
def pairs(draw: st.DrawFn) -> tuple[int, int, int]:
    n = draw(st.integers(1000, 30_000))
    k = st.one_of(st.integers(1, 60), st.integers(1, n - 1))
    return draw(k), draw(k), n


@LAW
@given(pairs(), RATIO_METHODS)
def test_a_ratio_lies_in_its_interval(counts: tuple[int, int, int], method: Any) -> None:
    found = copy_ratio(*counts, method=method)
    assert found.ci_lower <= found.ratio <= found.ci_upper
    assert found.fractional_abundance_lower <= found.fractional_abundance <= found.fractional_abundance_upper
    assert found.fractional_abundance == pytest.approx(100 * found.ratio / (1 + found.ratio), rel=1e-12)
    assert found.cnv == 2 * found.ratio


@LAW
@given(pairs())
def test_exchanging_the_targets_inverts_the_ratio(counts: tuple[int, int, int]) -> None:
    target, reference, n = counts
    one, other = copy_ratio(target, reference, n), copy_ratio(reference, target, n)
    assert other.ratio == pytest.approx(1 / one.ratio, rel=1e-9)
    assert (other.ci_lower, other.ci_upper) == pytest.approx((1 / one.ci_upper, 1 / one.ci_lower), rel=1e-9)
    one, other = (copy_ratio(*c, n, method="fieller") for c in ((target, reference), (reference, target)))
    if one.reason == other.reason == "" and one.ci_lower > 0 < other.ci_lower:
        assert (other.ci_lower, other.ci_upper) == pytest.approx((1 / one.ci_upper, 1 / one.ci_lower), rel=1e-7)


@LAW
@given(pairs(), st.data())
def test_shared_molecules_narrow_the_interval(counts: tuple[int, int, int], data: st.DataObject) -> None:
    target, reference, n = counts
    least, most = max(0, target + reference - n), min(target, reference)
    some, more = sorted((data.draw(st.integers(least, most)), data.draw(st.integers(least, most))))
    assume(some < more < most)
    apart, together = (copy_ratio(*counts, double_positives=both) for both in (some, more))
    assert together.std_error_log < apart.std_error_log
    linked = linked_copies([target] * 2, reference, [some, more], n)
    assert np.asarray(linked.covariance)[0] < np.asarray(linked.covariance)[1]
    assert (np.asarray(linked.copies_per_ul) >= 0).all()
    by_chance = (n - target) * (n - reference)
    assert (np.asarray(linked.copies_per_ul)[1] > 0) == ((n - target - reference + more) * n > by_chance)


# ------------------------------------------------------------------------------------------------ limits and calls


@LAW
@given(st.integers(0, 200), st.integers(1, 200))
def test_more_blanks_never_raise_the_limit(false: int, blanks: int) -> None:
    few, more = limit_of_blank(false, blanks), limit_of_blank(false, blanks + 1)
    assert more.droplets <= few.droplets
    assert few.from_mean <= few.droplets <= limit_of_blank(false + 1, blanks).droplets
    assert few.false_positive_chance(few.droplets + 1) <= 0.05 + 1e-12
    if few.droplets:
        assert false_positive_chance(few.droplets, few.mean_upper) > 0.05 - 1e-12


@LAW
@given(st.integers(0, 500), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_detection_lies_above_blank(limit: int, level: float) -> None:
    found = limit_of_detection(limit, level=level).droplets
    assert found > limit
    assert false_positive_chance(limit + 1, found) == pytest.approx(level, rel=1e-9)


@LAW
@given(pairs(), RATIO_METHODS, st.sampled_from([">", ">=", "<", "<="]), st.integers(1, 300))
def test_a_sure_call_agrees_with_the_two_state_call(counts: Any, method: Any, side: str, hundredths: int) -> None:
    call = call_ratio(copy_ratio(*counts, method=method), f"{side} {hundredths / 100}")
    assert call.call == "indeterminate" or call.call == call.two_state
    opposite = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}[side]
    other = call_ratio(copy_ratio(*counts, method=method), f"{opposite} {hundredths / 100}")
    exchanged = {"positive": "negative", "negative": "positive", "indeterminate": "indeterminate"}
    assert other.call == exchanged[str(call.call)]
    assert str(Threshold.parse(call.threshold)) == call.threshold


@LAW
@given(st.integers(0, 30), st.integers(0, 10), st.floats(1, 1e5), st.floats(1e-4, 0.5))
def test_more_copies_never_unmake_a_negative(k: int, limit: int, copies: float, lod_vaf: float) -> None:
    options: dict[str, Any] = {"limit_of_blank": limit, "lod_vaf": lod_vaf}
    few, more = (call_count(k, 14000, analysed_copies=c, **options).call for c in (copies, 2 * copies))
    assert (few, more) in {("positive", "positive"), ("negative", "negative"), ("indeterminate", "negative")} or (
        few == more == "indeterminate"
    )
    assert (few == "positive") == (k > limit)


@LAW
@given(st.lists(st.sampled_from(["positive", "negative", "indeterminate"]), min_size=1, max_size=5), st.randoms())
def test_combining_is_monotone_and_in_any_order(calls: list[str], random: Any) -> None:
    combined = combine_calls(*calls)
    shuffled = list(calls)
    random.shuffle(shuffled)
    assert combine_calls(*shuffled) == combined
    if combined != "indeterminate":  # knowing more never changes a sure call
        for known in ("positive", "negative"):
            told = [known if call == "indeterminate" else call for call in calls]
            assert combine_calls(*told) == combined
