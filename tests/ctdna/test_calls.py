"""Calls: rules by hand, and the cut-offs of a published table under stated assumptions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cohortstats.ctdna.calls import Threshold, call_count, call_ratio, call_value, combine_calls
from cohortstats.errors import InputError
from cohortstats.stats.droplet_limits import limit_of_blank
from cohortstats.stats.droplet_ratio import copy_ratio, printed_ratio

NAN, INF = math.nan, math.inf

# Sample: printed ratio, mutated and wild-type copies of E542K, E545K, H1047R; then the calls with one well of 14000
# droplets of 0.91 nL, ten clean blanks, and 1 % as the fraction that a negative must have been able to show.
TABLE = {
    1: (0.91, (0, 686, 0, 726, 0, 674), "negative", "indeterminate"),
    2: (1.10, (1.6, 344, 0, 390, 1.6, 398), "indeterminate", "indeterminate"),
    3: (0.95, (0, 396, 0, 480, 0, 402), "negative", "indeterminate"),
    4: (0.93, (0, 202, 0, 222, 0, 186), "negative", "indeterminate"),
    5: (1.02, (0, 552, 0, 592, 0, 632), "negative", "indeterminate"),
    6: (1.11, (0, 1264, 18, 1174, 0, 1210), "negative", "positive"),
    7: (1.11, (0, 814, 0, 864, 2.4, 818), "negative", "positive"),
    8: (1.06, (0, 612, 0, 642, 0, 508), "negative", "indeterminate"),
    9: (2.14, (0, 1066, 0, 1000, 0, 990), "positive", "negative"),
    10: (4.23, (0, 572, 0, 628, 0, 556), "positive", "indeterminate"),
    11: (0.93, (1.8, 4000, 4.6, 3860, 0, 4140), "negative", "positive"),
    12: (1.45, (0, 480, 0, 522, 0, 482), "positive", "indeterminate"),
    13: (7.56, (0, 1680, 1.6, 1620, 0, 1480), "positive", "negative"),
    14: (1.23, (0, 144, 0, 220, 0, 248), "indeterminate", "indeterminate"),
    15: (1.82, (0, 502, 0, 552, 0, 570), "positive", "indeterminate"),
    16: (1.14, (0, 512, 0, 540, 0, 544), "indeterminate", "indeterminate"),
}


def problems_of(function: Any, *arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    return caught.value.problems


class TestThreshold:
    @pytest.mark.parametrize(
        ("text", "at", "below", "above"),
        [
            ("> 1.25", "negative", "negative", "positive"),
            (">= 1.25", "positive", "negative", "positive"),
            ("≥1.25", "positive", "negative", "positive"),
            ("< 1.25", "negative", "positive", "negative"),
            ("<=1.25", "positive", "positive", "negative"),
            (" ≤ 1.250 ", "positive", "positive", "negative"),
        ],
    )
    def test_sides(self, text: str, at: str, below: str, above: str) -> None:
        assert Threshold.parse(text).call([1.25, 1.2, 1.3, NAN]).tolist() == [at, below, above, ""]

    @pytest.mark.parametrize(
        ("text", "lower_at", "upper_at"),
        [("> 1.25", "indeterminate", "negative"), (">= 1.25", "positive", "indeterminate"),
         ("< 1.25", "negative", "indeterminate"), ("<= 1.25", "indeterminate", "positive")],
    )  # fmt: skip
    def test_an_interval_that_ends_at_the_cut_off(self, text: str, lower_at: str, upper_at: str) -> None:
        rule = Threshold.parse(text)
        assert rule.call_interval(1.25, 2) == lower_at
        assert rule.call_interval(1, 1.25) == upper_at

    def test_intervals(self) -> None:
        rule = Threshold.parse("> 1.25")
        found = rule.call_interval([1.3, 1, 1, NAN, 1.3, 0], [2, 1.2, 2, NAN, INF, INF])
        words = ["positive", "negative", "indeterminate", "indeterminate", "positive", "indeterminate"]
        assert found.tolist() == words

    @pytest.mark.parametrize(
        ("text", "shown"),
        [(1.25, "1.25"), ("1.25", "'1.25'"), ("> ", "'> '"), ("> -1", "'> -1'"), (None, "'None'"), ("=> 1", "'=> 1'")],
    )
    def test_never_a_bare_number(self, text: Any, shown: str) -> None:
        with pytest.raises(InputError) as caught:
            Threshold.parse(text)
        assert caught.value.problems == (f"threshold is {shown}; give a side and a number, such as '> 1.25'.",)


class TestRatio:
    def test_the_interval_decides(self) -> None:
        log_delta = call_ratio(copy_ratio(461, 318, 14000), "> 1.25", name="her2_ratio")
        vendor = call_ratio(copy_ratio(461, 318, 14000, method="quantasoft"), "> 1.25")
        assert (log_delta.two_state, log_delta.call) == ("positive", "positive")
        assert (vendor.two_state, vendor.call) == ("positive", "indeterminate")
        assert (log_delta.method, vendor.method) == ("log-delta", "quantasoft")

    def test_evidence(self) -> None:
        row = call_ratio(copy_ratio(7, 173, 9050), "> 1.25", name="her2_ratio", flags="merged;ntc").to_frame().iloc[0]
        assert row[["name", "threshold", "unit", "method", "droplets", "reference_droplets", "accepted"]].tolist() == [
            "her2_ratio", "> 1.25", "ratio", "log-delta", 7, 173, 9050,
        ]  # fmt: skip
        assert row["flags"] == "low;ntc;merged"
        assert row["ci_lower"] < row["value"] < row["ci_upper"]
        assert row[["limit_of_blank", "lod_fraction"]].isna().all()

    def test_undefined(self) -> None:
        ratio = copy_ratio([0, 10, 14000, 5], [200, 0, 100, 3], 14000, method="fieller")
        calls = call_ratio(ratio, "> 1.25")
        assert np.asarray(calls.call).tolist() == ["indeterminate"] * 4
        assert np.asarray(calls.two_state).tolist() == ["negative", "", "", "positive"]
        assert np.asarray(calls.reason).tolist() == ["ratio-zero", "reference-zero", "saturated", "ratio-unbounded"]
        assert np.asarray(calls.flags).tolist() == ["ratio-zero", "reference-zero", "saturated;high", "ratio-unbounded"]

    def test_an_unbounded_interval_can_be_positive(self) -> None:
        call = call_ratio(copy_ratio(40, 3, 14000, method="fieller"), "> 1.25")
        assert (call.call, call.ci_upper) == ("positive", INF)

    def test_no_call(self) -> None:
        call = call_ratio(copy_ratio(61, 18, 900), "> 1.25")
        assert (call.two_state, call.call, call.reason) == ("", "indeterminate", "no-call")
        assert math.isnan(call.value)
        assert call.flags == "no-call;low"
        told = call_ratio(copy_ratio(461, 318, 14000), "> 1.25", flags="no-call")
        assert (told.two_state, told.call) == ("", "indeterminate")

    def test_loss(self) -> None:
        call = call_ratio(copy_ratio(100, 318, 14000), "< 0.8")
        assert (call.two_state, call.call) == ("positive", "positive")

    @pytest.mark.parametrize("sample", TABLE)
    def test_published_ratios(self, sample: int) -> None:
        printed, copies, tri_state, _ = TABLE[sample]
        ratio = printed_ratio(printed, sum(copies[1::2]) / 3, accepted=14000, droplet_volume_nl=0.91)
        call = call_ratio(ratio, "> 1.25")
        assert call.call == tri_state
        assert call.two_state == ("positive" if sample in (9, 10, 12, 13, 15) else "negative")


class TestCount:
    def test_three_states(self) -> None:
        calls = call_count([2, 1, 0], 14000, limit_of_blank=1, lod_vaf=0.01, analysed_copies=[100, 475, 474])
        # The limit of detection is 4.743865 droplets: 1 % of 474.3865 copies.
        assert np.asarray(calls.call).tolist() == ["positive", "negative", "indeterminate"]
        assert np.asarray(calls.two_state).tolist() == ["positive", "negative", "negative"]
        assert calls.limit_of_detection == pytest.approx(4.743864518390578, rel=1e-12)
        assert np.asarray(calls.lod_fraction)[1] == pytest.approx(4.743864518390578 / 475, rel=1e-12)
        assert (calls.threshold, calls.unit, calls.limit_of_blank) == ("> 1", "droplets", 1)

    def test_wild_type_gives_the_analysed_copies(self) -> None:
        call = call_count(3, 14000, limit_of_blank=1, lod_vaf=0.01, wild_type_positives=500)
        by_hand = 14000 * (-math.log1p(-3 / 14000) - math.log1p(-500 / 14000))
        assert call.analysed_copies == pytest.approx(by_hand, rel=1e-12)
        assert call.reference_droplets == 500
        assert math.isnan(call_count(3, 14000, limit_of_blank=1, lod_vaf=0.01, analysed_copies=100).reference_droplets)

    def test_copies_and_droplets_are_two_rules(self) -> None:
        # Two droplets are 3.14 copies of 14000 and 2.93 of 15000 accepted (0.91 nL).
        options: dict[str, Any] = {"limit_of_blank": 1, "lod_vaf": 0.01, "analysed_copies": 500}
        options["droplet_volume_nl"] = 0.91
        copies = call_count([2, 2], [14000, 15000], threshold="> 3", unit="copies", **options)
        assert np.asarray(copies.two_state).tolist() == ["positive", "negative"]
        assert (copies.threshold, copies.unit) == ("> 3", "copies")
        droplets = call_count([2, 2], [14000, 15000], threshold="> 1", **options)
        assert np.asarray(droplets.two_state).tolist() == ["positive", "positive"]
        assert np.asarray(copies.value) == pytest.approx([3.139942, 2.930598], abs=1e-6)

    def test_nothing_analysed_and_saturated_wild_type(self) -> None:
        empty = call_count(0, 14000, limit_of_blank=1, lod_vaf=0.01, wild_type_positives=0)
        assert (empty.call, empty.lod_fraction) == ("indeterminate", INF)
        full = call_count(0, 14000, limit_of_blank=1, lod_vaf=0.01, wild_type_positives=14000)
        assert (full.call, full.reason) == ("indeterminate", "saturated")

    def test_no_call(self) -> None:
        call = call_count(5, 900, limit_of_blank=1, lod_vaf=0.01, analysed_copies=500)
        assert (call.call, call.two_state, call.reason) == ("indeterminate", "", "no-call")

    def test_refused(self) -> None:
        assert problems_of(call_count, 5, 4, limit_of_blank=-1, lod_vaf=1, threshold="3", unit="copy", method="x") == (
            "method 'x' is not known; choose quantasoft, exact, wilson or jeffreys.",
            "unit 'copy' is not known; did you mean 'copies'?",
            "lod_vaf is 1; give a fraction, such as 0.01.",
            "limit_of_blank is −1; give a whole number of droplets ≥ 0.",
            "give either wild_type_positives or analysed_copies.",
            "positives is 5 of 4 accepted; no more droplets can be positive than were accepted.",
            "threshold is '3'; give a side and a number, such as '> 1.25'.",
        )
        both = problems_of(call_count, 1, 4, limit_of_blank=1, lod_vaf=0.01, wild_type_positives=1, analysed_copies=100)
        assert both == ("give either wild_type_positives or analysed_copies.",)

    @pytest.mark.parametrize("sample", TABLE)
    def test_published_mutations(self, sample: int) -> None:
        _, copies, _, combined = TABLE[sample]
        mutated, wild = np.array(copies[::2]), np.array(copies[1::2])
        droplets = np.rint(-14000 * np.expm1(-mutated / 20_000 * 0.91)).astype(int)
        calls = call_count(
            droplets,
            14000,
            limit_of_blank=limit_of_blank(0, 10).droplets,
            lod_vaf=0.01,
            analysed_copies=(mutated + wild) * 12.74 / 20,
        )
        assert combine_calls(*np.asarray(calls.call)) == combined
        assert call_value(max(mutated), "> 3") == ("positive" if sample in (6, 11) else "negative")

    def test_range_of_the_indeterminate(self) -> None:
        smallest = 4.743864518390578 / (144 * 0.637), 4.743864518390578 / (726 * 0.637)
        assert [round(100 * value, 2) for value in smallest] == [5.17, 1.03]


class TestValue:
    def test_missing_values_have_no_call(self) -> None:
        column = pd.array([4, None, 3], dtype="Int64")
        assert np.asarray(call_value(column, "> 3")).tolist() == ["positive", "", "negative"]
        assert call_value(None, "> 3") == ""
        assert call_value(3.5, "> 3") == "positive"

    def test_refused(self) -> None:
        assert problems_of(call_value, ["4 copies"], "> 3") == ("values holds text ('4 copies'); give numbers.",)
        assert problems_of(call_value, [[4]], "> 3") == ("values must be one column; it has shape (1, 1).",)


class TestCombine:
    def test_rules(self) -> None:
        assert combine_calls("negative", "negative") == "negative"
        assert combine_calls("negative", "") == "indeterminate"
        assert combine_calls("indeterminate", "positive") == "positive"
        columns = combine_calls(["negative", "positive"], ["indeterminate", "negative"])
        assert np.asarray(columns).tolist() == ["indeterminate", "positive"]

    def test_refused(self) -> None:
        assert problems_of(combine_calls) == ("there are no calls to combine.",)
        assert problems_of(combine_calls, "yes") == ("'yes' is no call; choose positive, negative or indeterminate.",)
