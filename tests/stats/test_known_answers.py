"""Known answers that stand in no other file, by topic; where each comes from is said beside it.

R is 4.2.2 with survival 3.5-3. "Exact" is arithmetic on fractions, most of it done here once more.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cohortstats as cs
from cohortstats.stats.log_rank_exact import places_in_time
from cohortstats.stats.permutations import log_rank_scores

NAN, INF = math.nan, math.inf
Cells = tuple[int, int, int, int]


def two(x1: int, n1: int, x2: int, n2: int) -> cs.CountTable:
    return cs.CountTable(groups=("first", "second"), events=(x1, x2), totals=(n1, n2))


def problems_of(function: Callable[..., object], *arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(cs.InputError) as caught:
        function(*arguments, **options)
    return caught.value.problems


# ------------------------------------------------------------------------------------------------------ proportions


def test_clopper_pearson_is_two_sided_at_the_ends_too() -> None:
    # Exact: 1 − .025^(1/5) = .5218. EZR up to 1.42 printed .451 = 1 − .05^(1/5) there, a one-sided limit.
    upper = cs.proportion_ci(0, 5, method="clopper-pearson").ci_upper
    assert upper == pytest.approx(1 - 0.025**0.2, rel=1e-14)
    assert upper == pytest.approx(0.521823750105, rel=1e-11)
    assert cs.proportion_ci(0, 5, method="clopper-pearson", ci_level=0.9).ci_upper == pytest.approx(0.451, abs=5e-4)


def test_wilson_is_exact_at_the_ends() -> None:
    # The formula in floats leaves 1e-17 there.
    for n in range(1, 200):
        assert cs.proportion_ci(0, n).ci_lower == 0
        assert cs.proportion_ci(n, n).ci_upper == 1


# ------------------------------------------------------------------------------------------------------ Fisher's test


def upper_tail(table: Cells, theta: float) -> Fraction:
    """P(X ≥ x1) under an odds ratio, exact: the tables have weights C(n1, x) C(n2, k − x) θ^x."""
    x1, n1, x2, n2 = table
    k, exact = x1 + x2, Fraction(theta)
    weights = {x: math.comb(n1, x) * math.comb(n2, k - x) * exact**x for x in range(max(0, k - n2), min(k, n1) + 1)}
    return sum((w for x, w in weights.items() if x >= x1), Fraction(0)) / sum(weights.values())


TABLES: list[Cells] = [
    (2, 9, 7, 25),
    (6, 17, 3, 17),
    (3, 11, 6, 23),
    (5, 15, 4, 19),
    (0, 5, 4, 11),
    (2, 2, 2, 14),
    (4, 5, 1, 3),
    (5, 5, 0, 5),
    (5, 5, 4, 10),
]


@pytest.mark.parametrize("table", TABLES)
def test_central_limits_solve_their_equations(table: Cells) -> None:
    # P(X ≥ x1) = 1/40 at the lower limit, P(X ≤ x1) = 1/40 at the upper, also where the other limit is 0 or ∞. R's
    # uniroot stops before: it prints 583.15 for 586.99 (4/5 v 1/3) and 18.8615 for 18.8679 (6/17 v 3/17).
    x1, n1, x2, n2 = table
    found = cs.fisher_exact(two(*table))
    if found.ci_lower > 0:
        assert float(upper_tail(table, found.ci_lower)) == pytest.approx(0.025, rel=1e-11)
    if found.ci_upper < INF:
        # X ≤ x1 in one order of the groups is X ≥ x2 in the other, under the inverse ratio.
        assert float(upper_tail((x2, n2, x1, n1), 1 / found.ci_upper)) == pytest.approx(0.025, rel=1e-11)


@pytest.mark.parametrize("table", [table for table in TABLES if 0 < table[0] < table[1]])
def test_conditional_odds_ratio_has_the_observed_count_as_its_mean(table: Cells) -> None:
    x1, n1, x2, n2 = table
    k, theta = x1 + x2, Fraction(cs.fisher_exact(two(*table)).odds_ratio)
    support = range(max(0, k - n2), min(k, n1) + 1)
    weights = [math.comb(n1, x) * math.comb(n2, k - x) * theta**x for x in support]
    mean = sum(x * w for x, w in zip(support, weights, strict=True)) / sum(weights)
    assert float(mean) == pytest.approx(x1, rel=1e-12)


# ------------------------------------------------------------------------------------------------------ curves


def test_standard_errors_and_limits() -> None:
    # R: summary(survfit(Surv(time, event) ~ 1, conf.type = "log-log")): $std.err is S · sqrt(G), where fit$std.err is sqrt(G)
    eleven = [20, 36, 42, 42, 56, 57, 70, 112, 180, 240, 310]
    km = cs.kaplan_meier(cs.EventTable.from_arrays(eleven, [1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1]))
    errors = [0.0866784172041, 0.11629129983, 0.145040733676, *[0.150131422517] * 3, 0.14954382174]
    assert km.std_error == pytest.approx([*errors, *[0.13619135122] * 2, NAN], rel=1e-11, nan_ok=True)
    four = cs.kaplan_meier(cs.EventTable.from_arrays([36, 50, 63, 70], [1] * 4))
    lower = [0.127946917595, 0.057847082995, 0.008947824417, NAN]
    assert four.ci_lower == pytest.approx(lower, abs=6e-13, nan_ok=True)
    upper = [0.960548642285, 0.844861281190, 0.665325342789, NAN]
    assert four.ci_upper == pytest.approx(upper, abs=6e-13, nan_ok=True)


@pytest.mark.parametrize(
    ("time", "event", "p", "right"),
    [
        # R: quantile(survfit(..., conf.type = "log-log"), c(.25, .5, .75)); both rules agree on these
        ([10, 20, 30, 40], [1, 1, 1, 1], 0.25, (15, 10, 30)),
        ([10, 20, 30, 40], [1, 1, 1, 1], 0.5, (25, 10, NAN)),
        ([10, 20, 30, 40], [1, 1, 1, 1], 0.75, (35, 10, NAN)),
        ([1, 2, 3, 4], [1, 1, 0, 0], 0.75, (NAN, NAN, NAN)),
    ],
)
def test_quantiles_with_limits(time: list[int], event: list[int], p: float, right: object) -> None:
    km = cs.kaplan_meier(cs.EventTable.from_arrays(time, event))
    for rule in ("summary", "quantile"):
        (found,) = km.quantile(p, rule=rule).itertuples()  # type: ignore[arg-type]
        if not math.isnan(found.estimate):
            assert found.estimate == right[0]  # type: ignore[index]
            assert (found.ci_lower, found.ci_upper) == pytest.approx(right[1:], nan_ok=True)  # type: ignore[index]
        else:
            assert found.reason == "not reached"


# ------------------------------------------------------------------------------------------------------ log-rank tests

# Time; event; 1 is the first group; O − E, V, χ², exact; P of χ² from R survdiff.
SMALL = {
    "six, no censoring": ([1, 2, 3, 4, 5, 6], "111111", "111000", "37/20", "271/400", "1369/271", 0.0246023499536),
    "eight": (
        [20, 36, 42, 42, 56, 57, 70, 112],
        "11111101",
        "11010100",
        "51/28",
        "44459/35280",
        "117045/44459",
        0.104686835885,
    ),
    "ten": (
        [4, 5, 8, 10, 12, 15, 18, 21, 24, 30],
        "1110111010",
        "1101101000",
        "683/360",
        "168611/129600",
        "466489/168611",
        0.0962469092684,
    ),
    "ten, ties": (
        [6, 6, 6, 9, 9, 11, 13, 13, 20, 20],
        "1101011100",
        "1011010100",
        "117/70",
        "52009/44100",
        "123201/52009",
        0.123778997056,
    ),
    "six, one censored early": ([2, 3, 3, 5, 7, 9], "011101", "111000", "6/5", "9/25", "4", 0.0455002638964),
}


@pytest.mark.parametrize(("time", "event", "first", "difference", "variance", "square", "p"), SMALL.values(), ids=SMALL)
def test_log_rank_of_small_cohorts(
    time: list[int], event: str, first: str, difference: str, variance: str, square: str, p: float
) -> None:
    group = ["1st" if digit == "1" else "2nd" for digit in first]
    test = cs.log_rank_test(cs.EventTable.from_arrays(time, [int(digit) for digit in event], group=group))
    assert test.observed[0] - test.expected[0] == pytest.approx(float(Fraction(difference)), rel=1e-13)
    assert test.variance[0, 0] == pytest.approx(float(Fraction(variance)), rel=1e-13)
    assert test.statistic == pytest.approx(float(Fraction(square)), rel=1e-13)
    assert test.p_value == pytest.approx(p, rel=1e-10)


def test_asymptotic_beside_exact_p_of_pancreatic_cancer(shared: Callable[[str], Path]) -> None:
    # R: survdiff on time to progression, locally advanced (8) against metastatic (33). The exact P is .0523816214521.
    def day(text: str) -> datetime:
        return datetime.strptime(text, "%m/%d/%Y")

    with shared("data/clinical/Rdatasets_asaur_pancreatic.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    progressed = [row["progression"] != "." for row in rows]
    end = [row["progression"] if row["progression"] != "." else row["death"] for row in rows]
    time = [(day(last) - day(row["onstudy"])).days for last, row in zip(end, rows, strict=True)]
    stage = [row["stage"] for row in rows]
    test = cs.log_rank_test(cs.EventTable.from_arrays(time, progressed, group=stage))
    assert test.variance[0, 0] == pytest.approx(5.28096547816, rel=1e-11)
    assert (test.statistic, test.p_value) == pytest.approx((2.74658354485, 0.0974624797741), rel=1e-10)
    assert cs.log_rank_exact(time, progressed, stage).p_value == pytest.approx(0.0523816214521, rel=1e-11)


def test_scores_of_forty_patients_are_whole_numbers_of_64_bits() -> None:
    # The risk sets are 40, 39, ... 1; the least common multiple of 1..40 is below 2^63.
    scores = log_rank_scores(places_in_time(np.arange(1.0, 41)), np.ones(40, bool))
    assert scores.whole[1] == math.lcm(*range(1, 41)) == 5342931457063200 < 2**63


# ------------------------------------------------------------------------------------------------------ refusals

FRAME = {"time": range(1, 11), "event": [1, 0] * 5}


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (
            {"time": [1, 2, NAN, 4, 5, 6, 7, 8, NAN, 10]},
            "time is missing at positions 3, 9; exclude or complete these patients first.",
        ),
        ({"time": range(1, 35), "event": [1] * 33}, "time has 34 values, event has 33."),
        ({"time": np.ones((34, 2)), "event": [1] * 34}, "time must be one column; it has shape (34, 2)."),
        ({"time": [60, 40], "event": [1, 0], "entry": [0, 40]}, "entry 40 is not before time 40 at position 2."),
        ({"time": [-0.5, *range(2, 11)]}, "time is −0.5 at position 1; times start at 0."),
        ({"strata": ["a"] * 9}, "time has 10 values, strata has 9."),
    ],
)
def test_event_tables(arrays: dict[str, Any], sentence: str) -> None:
    assert problems_of(cs.EventTable.from_arrays, **(FRAME | arrays)) == (sentence,)


def test_draws_of_every_permutation_test() -> None:
    time, event = [1, 2, 3, 4], [1, 1, 0, 1]
    least = "draws is 100; use at least 999, and give a seed."
    seedless = "draws is 9999; use at least 999, and give a seed."
    for refused, sentence in (({"draws": 100, "seed": 1}, least), ({"draws": 9_999}, seedless)):
        assert problems_of(cs.log_rank_exact, time, event, [0, 0, 1, 1], **refused) == (sentence,)
        assert problems_of(cs.maxstat, [1, 2, 3, 4], time, event, **refused) == (sentence,)
        matrix = [[1, 2], [3, 4]]
        assert problems_of(cs.fisher_exact_rxc, matrix, method="monte-carlo", **refused) == (sentence,)
    assert problems_of(cs.selection_adjusted_p, {"a": [1, 0, 1, 0]}, event, draws=100, seed=1) == (
        "draws is 100; use at least 9,999, and give a seed.",
    )


def test_fractions_wherever_one_is_asked_for() -> None:
    table, events = two(6, 17, 3, 17), cs.EventTable.from_arrays([1, 2, 3, 4], [1, 1, 0, 1], group=[0, 0, 1, 1])
    level = ("ci_level is 95; give a fraction, such as 0.95.",)
    for function, data in (
        (cs.fisher_exact, table),
        (cs.fisher_midp, table),
        (cs.risk_difference, table),
        (cs.risk_ratio, table),
        (cs.odds_ratio, table),
        (cs.kaplan_meier, events),
        (cs.follow_up, events),
        (cs.rmst, events),
        (cs.rmst_difference, events),
    ):
        assert problems_of(function, data, ci_level=95) == level
    assert problems_of(cs.proportion_ci, 1, 2, ci_level=95) == level
    assert problems_of(cs.cox, [1, 2, 3], [1, 1, 1], {"x": [0, 1, 0]}, ci_level=95) == level
    assert problems_of(cs.cumulative_incidence, [1, 2], [1, 2], ci_level=95) == level
    for p in (0, 1, 1.5, -0.5):
        told = str(p).replace("-", "−")
        assert problems_of(cs.kaplan_meier(events).quantile, p) == (f"p is {told}; give a fraction, such as 0.5.",)
    assert problems_of(cs.detectable_rate, 0.1, (10, 10), power=80, alpha=5) == (
        "power is 80; give a fraction, such as 0.8.",
        "alpha is 5; give a fraction, such as 0.05.",
    )
    assert problems_of(cs.tarone, [0.1], min_attainable=[0.05], alpha=5) == (
        "alpha is 5; give a fraction, such as 0.05.",
    )


def test_three_groups_have_no_list_of_attainable_p() -> None:
    three = cs.CountTable(groups=("a", "b", "c"), events=(1, 1, 1), totals=(2, 2, 2))
    assert problems_of(cs.attainable_p, three) == (
        "attainable_p compares 2 groups; there are 3. Use fisher_exact_rxc.",
    )


def test_covariate_of_one_value() -> None:
    time, event, stage = range(1, 41), [1] * 40, {"stage": [2] * 40}
    for function in (cs.cox, cs.fine_gray):
        assert problems_of(function, time, event, stage) == ("covariate 'stage' has one value.",)
