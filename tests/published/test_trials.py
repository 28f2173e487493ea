"""A table of trials: strings beside numbers, pooled ratios (metafor 3.8-1), and what is not pooled in silence."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs

REVIEW = """cohortstats_published = 1
[paper]
id = "review"
[[trial]]
id = "lapcape_ttp"
trial = "NCT00078572"
endpoint = "TTP"
arms = ["lapatinib + capecitabine", "capecitabine"]
n = "324"
unit = "months"
median = ["8.4", "4.4"]
hr = "0.49"
ci = "0.34–0.71"
p = "<0.001"
[[trial]]
id = "lapcape_os"
trial = "NCT00078572"
endpoint = "OS"
arms = ["lapatinib + capecitabine", "capecitabine"]
unit = "weeks"
median = ["75.0", "64.7"]
hr = "0.87"
ci = "0.71–1.08"
p = "0.210"
[[trial]]
id = "emilia_pfs"
where = "review, EMILIA"
trial = "EMILIA"
endpoint = "PFS"
arms = ["T-DM1", "lapatinib + capecitabine"]
n = "991"
unit = "months"
median = ["9.6", "6.4"]
hr = "0.65"
ci = "0.55–0.77"
p = "<0.001"
[[trial]]
id = "emilia_os"
trial = "EMILIA"
endpoint = "OS"
arms = ["T-DM1", "lapatinib + capecitabine"]
n = "991"
unit = "months"
median = ["30.9", "25.1"]
hr = "0.68"
ci = "0.55–0.85"
p = "<0.001"
[[trial]]
id = "th3resa_pfs"
trial = "TH3RESA"
endpoint = "PFS"
arms = ["T-DM1", "physician's choice"]
n = "602"
unit = "months"
median = ["6.2", "3.3"]
hr = "0.528"
ci = "0.422–0.661"
p = "<0.0001"
[[trial]]
id = "th3resa_os"
trial = "TH3RESA"
endpoint = "OS"
arms = ["T-DM1", "physician's choice"]
n = "602"
hr = "0.552"
ci = "0.369–0.826"
p = "0.0034"
[[trial]]
id = "double_pfs"
trial = "trastuzumab + lapatinib v lapatinib"
endpoint = "PFS"
arms = ["trastuzumab + lapatinib", "lapatinib"]
unit = "weeks"
median = ["12.0", "8.1"]
hr = "0.73"
ci = "0.57–0.93"
p = "0.08"
[[trial]]
id = "sepher_os"
trial = "SePHER"
endpoint = "OS"
arms = ["pertuzumab first", "no pertuzumab"]
arm_n = ["177", "194"]
unit = "months"
median = ["NR", "74"]
p = "0.0006"
"""
PFS, OS = ["emilia_pfs", "th3resa_pfs"], ["emilia_os", "th3resa_os"]
OS_3, PFS_4 = ["lapcape_os", *OS], ["lapcape_ttp", *PFS, "double_pfs"]


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    path = tmp_path_factory.mktemp("review") / "published.toml"
    path.write_text(REVIEW, encoding="utf-8")
    return cs.read_trials(path).set_index("id", drop=False)


def problems_of(rows: Any, *arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(cs.InputError) as caught:
        cs.pool_trials(rows, *arguments, **options)
    return caught.value.problems


def simple(**columns: Any) -> pd.DataFrame:
    rows = {"trial": ["A", "B"], "hr": [0.5, 0.7], "ci_lower": [0.3, 0.5], "ci_upper": [0.8, 0.9]}
    return pd.DataFrame(rows | columns)


# ---- the table


def test_the_columns_come_in_the_order_that_is_documented(frame: pd.DataFrame) -> None:
    assert list(frame.columns[:14]) == [
        "trial", "endpoint", "arm_1", "arm_2", "n", "median_1", "median_2", "unit", "hr", "ci_lower", "ci_upper",
        "ci_level", "p_value", "where",
    ]  # fmt: skip


def test_printed_strings_stand_beside_the_numbers(frame: pd.DataFrame) -> None:
    row = frame.loc["th3resa_pfs"]
    assert (row["hr"], row["ci_lower"], row["ci_upper"], row["ci_level"]) == (0.528, 0.422, 0.661, 0.95)
    assert (row["hr_printed"], row["ci_lower_printed"], row["ci_upper_printed"]) == ("0.528", "0.422", "0.661")
    assert (row["p_value"], row["p_relation"], row["p_printed"]) == (0.0001, "<", "<0.0001")
    assert (row["n"], row["median_1"], row["median_2"], row["unit"]) == (602, 6.2, 3.3, "months")
    assert frame.loc["lapcape_os", "p_printed"] == "0.210"  # the last digit is kept
    assert frame.loc["emilia_pfs", "where"] == "review, EMILIA"


def test_what_is_not_printed_is_nan_and_an_empty_string(frame: pd.DataFrame) -> None:
    row = frame.loc["sepher_os"]
    assert math.isnan(row["hr"]) and math.isnan(row["median_1"])
    assert (row["hr_printed"], row["median_1_printed"], row["verdict"]) == ("", "NR", "")
    assert (row["n_1"], row["n_2"]) == (177, 194)
    assert frame["n"].isna()["sepher_os"]


def test_each_row_has_the_verdict_of_the_audit(frame: pd.DataFrame) -> None:
    verdicts = frame["verdict"].to_dict()
    assert verdicts.pop("sepher_os") == ""
    assert verdicts.pop("double_pfs") == "cannot hold"
    assert set(verdicts.values()) == {"holds"}


def test_levels_of_95_and_99_percent_are_read(tmp_path: Path) -> None:
    path = tmp_path / "published.toml"
    row = '[[trial]]\nid = "{0}"\ntrial = "{0}"\nhr = "0.65"\nci = "0.55–0.77"\nlevel = {1}\n'
    rows = "".join(row.format(name, level) for name, level in (("a", 0.95), ("b", '"95"'), ("c", '"99%"')))
    path.write_text(f'cohortstats_published = 1\n[paper]\nid = "x"\n{rows}', encoding="utf-8")
    assert cs.read_trials(path)["ci_level"].tolist() == [0.95, 0.95, 0.99]


# The sentences of a file stand where it is read.
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('ci = "0.77–0.55"', "trial row: 0.77–0.55 has its larger limit first."),
        ('level = "950"', "950 is no level of an interval. Write 95 or 0.95."),
        ('level = "1"', "1 is no level of an interval. Write 95 or 0.95."),
    ],
)
def test_a_file_with_a_slip_is_refused_with_its_line(tmp_path: Path, line: str, sentence: str) -> None:
    path = tmp_path / "published.toml"
    path.write_text(
        f'cohortstats_published = 1\n[paper]\nid = "x"\n[[trial]]\nid = "row"\nhr = "0.65"\n{line}\n', encoding="utf-8"
    )
    with pytest.raises(cs.DataError) as caught:
        cs.read_trials(path)
    assert sentence in str(caught.value)


# ---- pooling


# metafor: fixed ratio with limits; Q, its P, I²; DL tau², ratio with limits; prediction by t(k − 2).
@pytest.mark.parametrize(
    ("ids", "fixed", "scatter", "random", "prediction"),
    [
        (PFS, (0.60314785, 0.52718979, 0.69005002), (2.11067780, 0.14627452, 0.52621855),
         (0.01136960, 0.59397346, 0.48537581, 0.72686868), None),
        (OS, (0.64870563, 0.53564856, 0.78562518), (0.79669086, 0.37208459, 0),
         (0, 0.64870563, 0.53564856, 0.78562518), None),
        (OS_3, (0.74131919, 0.64355971, 0.85392875), (4.89977204, 0.08630342, 0.59181775),
         (0.02516442, 0.71690139, 0.56604019, 0.90797016), (0.05701710, 9.01392054)),
        (PFS_4, (0.61585929, 0.55042827, 0.68906828), (5.53766264, 0.13640325, 0.45825519),
         (0.01215784, 0.60749607, 0.51707431, 0.71373005), (0.33614187, 1.09790390)),
    ],
)  # fmt: skip
def test_pooled_ratios(
    frame: pd.DataFrame, ids: list[str], fixed: Any, scatter: Any, random: Any, prediction: Any
) -> None:
    found = cs.pool_trials(frame.loc[ids], allow_conflicts=True)
    assert (found.estimate, found.ci_lower, found.ci_upper) == pytest.approx(fixed, abs=6e-9)
    assert (found.q, found.q_p, found.i2) == pytest.approx(scatter, abs=6e-9)
    assert found.df == len(ids) - 1
    found = cs.pool_trials(frame.loc[ids], "dersimonian-laird", allow_conflicts=True)
    assert (found.tau2, found.estimate, found.ci_lower, found.ci_upper) == pytest.approx(random, abs=6e-9)
    limits = (found.prediction_lower, found.prediction_upper)
    if prediction is None:
        assert all(math.isnan(limit) for limit in limits)
        assert "fewer than 3 studies" in found.reason
    else:
        assert limits == pytest.approx(prediction, abs=6e-9)


def test_hartung_knapp_and_its_name(frame: pd.DataFrame) -> None:
    found = cs.pool_trials(frame.loc[PFS_4], "dersimonian-laird", "hartung-knapp", allow_conflicts=True)
    assert (found.ci_lower, found.ci_upper) == pytest.approx((0.46358090, 0.79608861), abs=6e-9)
    assert found.method == "random effects, DerSimonian-Laird, Hartung-Knapp limits, t(3), prediction by t(2)"


def test_a_row_that_cannot_hold_is_pooled_only_when_asked_and_named(frame: pd.DataFrame) -> None:
    assert problems_of(frame.loc[PFS_4]) == (
        "trial double_pfs: ratio, interval and P cannot all be right. Leave it out, or allow_conflicts = True.",
    )
    found = cs.pool_trials(frame.loc[PFS_4], allow_conflicts=True)
    assert found.conflicts == ("double_pfs",)
    assert "pooled although it cannot hold: double_pfs" in found.notes
    assert cs.pool_trials(frame.loc[PFS]).conflicts == ()
    # A frame made by hand has the verdict of its own digits.
    by_hand = simple(trial=["A", "B"], hr=[0.73, 0.7], ci_lower=[0.57, 0.5], ci_upper=[0.93, 0.9], p_value=[0.08, 0.01])
    assert "trial A: ratio, interval and P cannot all be right." in problems_of(by_hand)[0]
    assert "cannot all be right" in problems_of(simple(hr=[0.2, 0.7]))[0]  # outside its own interval


def test_two_rows_of_one_trial_are_not_independent(frame: pd.DataFrame) -> None:
    assert problems_of(frame.loc[["emilia_pfs", "emilia_os", "th3resa_pfs"]]) == (
        "EMILIA has 2 rows (emilia_pfs, emilia_os), which are not independent. Pool one of them.",
    )
    assert len(problems_of(simple(trial=["EMILIA", " Emilia "]))) == 1
    assert "no name in column trial" in problems_of(simple(trial=["A", None]))[0]


def test_different_comparisons_are_named_and_equal_ones_are_not(frame: pd.DataFrame) -> None:
    sentence = "different comparisons: pooled value has no clinical meaning"
    found = cs.pool_trials(frame.loc[OS_3])
    assert sentence in found.notes and sentence in found.reason and sentence in repr(found)
    alike = simple(arm_1=["T-DM1", "T-DM1"], arm_2=["Control", "control "])
    assert cs.pool_trials(alike).notes == ()
    assert "different endpoints: PFS, OS" in cs.pool_trials(simple(endpoint=["PFS", "OS"])).notes


def test_arms_the_other_way_round_and_different_measures_are_refused() -> None:
    turned = simple(arm_1=["T-DM1", "Control"], arm_2=["Control", "T-DM1"])
    assert problems_of(turned) == (
        "trial B has the arms of A the other way round; turn its ratio and limits (1 / hr) and its arms first.",
    )
    assert problems_of(simple(measure=["HR", "OR"])) == ("ratios of different measures cannot be pooled: HR, OR.",)


@pytest.mark.parametrize("method", ["fixed", "dersimonian-laird", "paule-mandel", "reml"])
def test_one_row_is_itself(frame: pd.DataFrame, method: Any) -> None:
    found = cs.pool_trials(frame.loc[["lapcape_os"]], method)
    assert (found.estimate, found.ci_lower, found.ci_upper) == (pytest.approx(0.87), 0.71, 1.08)
    assert math.isnan(found.tau2)
    assert (found.k, found.reason, found.weights.tolist()) == (1, "one study", [1.0])


def test_equal_rows_shrink_the_error_and_leave_no_scatter() -> None:
    rows = pd.DataFrame({"trial": list("ABCD"), "hr": 0.6, "ci_lower": 0.4, "ci_upper": 0.9})
    found = cs.pool_trials(rows)
    assert found.estimate == pytest.approx(0.6)
    assert found.std_error == pytest.approx(math.log(0.9 / 0.4) / (2 * 1.959963984540054) / 2)
    assert found.q == pytest.approx(0, abs=1e-25)


def test_the_order_of_rows_changes_no_digit(frame: pd.DataFrame) -> None:
    for method in ("fixed", "dersimonian-laird", "paule-mandel", "reml"):
        first = cs.pool_trials(frame.loc[OS_3], method)
        other = cs.pool_trials(frame.loc[OS_3[::-1]], method)
        assert (first.estimate, first.q, first.tau2) == (other.estimate, other.q, other.tau2)
        assert first.weights.tolist() == other.weights.tolist()[::-1]


def test_levels_other_than_95_go_by_their_z() -> None:
    s, z = 0.2, {0.95: 1.959963984540054, 0.99: 2.5758293035489004}
    limits = [math.exp(-0.5 + sign * z[level] * s) for level in z for sign in (-1, 1)]
    rows = simple(
        hr=[math.exp(-0.5)] * 2, ci_lower=limits[::2], ci_upper=limits[1::2], ci_level=["95", "99 %"]
    )  # the same study twice, printed at two levels
    found = cs.pool_trials(rows)
    assert found.std_error == pytest.approx(s / math.sqrt(2))
    assert found.weights.tolist() == pytest.approx([0.5, 0.5])
    assert problems_of(simple(ci_level=[950, 1])) == (
        "trial A: 950 is no level of an interval. Write 95 or 0.95.",
        "trial B: 1 is no level of an interval. Write 95 or 0.95.",
    )


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"hr": [0.0, 0.7]}, "trial A: hr is 0; a ratio is above 0 and finite."),
        ({"hr": [-0.5, 0.7]}, "trial A: hr is −0.5; a ratio is above 0 and finite."),
        ({"hr": [np.inf, 0.7]}, "trial A: hr is inf; a ratio is above 0 and finite."),
        ({"hr": [np.nan, 0.7]}, "trial A: it has no hr. Leave it out."),
        ({"ci_upper": [None, 0.9]}, "trial A: it has no ci_upper. Leave it out."),
        ({"hr": ["half", 0.7]}, "trial A: hr is 'half', no number."),
        ({"ci_lower": [0.8, 0.5], "ci_upper": [0.3, 0.9]}, "trial A: 0.8–0.3 has its larger limit first."),
        ({"ci_lower": [0.5, 0.5], "ci_upper": [0.5, 0.9]}, "trial A: both limits are 0.5, so its weight has no end."),
        ({"ci_lower": [0.0, 0.5]}, "trial A: ci_lower is 0; a ratio is above 0 and finite."),
    ],
)
def test_rows_that_cannot_be_pooled_are_named(columns: dict[str, Any], sentence: str) -> None:
    assert problems_of(simple(**columns)) == (sentence,)


def test_text_that_is_a_number_is_read() -> None:
    rows = simple(hr=["0.5", "0·7"], ci_lower=["0.3", "0.5"], ci_upper=["0.8", "0.9"])
    assert cs.pool_trials(rows).estimate == cs.pool_trials(simple()).estimate


def test_a_frame_that_is_none_and_choices_that_are_none() -> None:
    assert problems_of({"hr": [0.5]}) == ("give a frame of trials, as read_trials makes it.",)
    assert problems_of(simple().rename(columns={"hr": "hrr"})) == ("the frame has no column hr; did you mean hrr?",)
    assert problems_of(simple().iloc[:0]) == ("there is no trial to pool.",)
    assert problems_of(simple(), "fix", ci_level=95) == (
        "method 'fix' is not known; did you mean 'fixed'?",
        "ci_level is 95; give a fraction, such as 0.95.",
    )


def test_the_given_frame_is_not_changed(frame: pd.DataFrame) -> None:
    before = frame.copy(deep=True)
    cs.pool_trials(frame.loc[OS])
    pd.testing.assert_frame_equal(frame, before)


def test_the_review_that_is_not_shipped(shared: Callable[[str], Path]) -> None:
    frame = cs.read_trials(shared("reference/seed004_published.toml"))
    assert len(frame) == 16
    assert frame["hr"].notna().sum() == 7
    assert frame.set_index("id")["verdict"]["lapatinib_trastuzumab_pfs"] == "cannot hold"
