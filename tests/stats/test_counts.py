"""Known answers: computed in R 4.2 and in an independent exact program; Miettinen-Nurminen also at 40 digits."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from cohortstats.errors import InputError
from cohortstats.stats.counts import CountTable, proportion_ci
from cohortstats.stats.effects import odds_ratio, risk_difference, risk_ratio

INF, NAN = math.inf, math.nan


def two(x1: int, n1: int, x2: int, n2: int) -> CountTable:
    return CountTable(groups=("first", "second"), events=(x1, x2), totals=(n1, n2))


def problems_of(function: object, *arguments: object, **options: object) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)  # type: ignore[operator]
    return caught.value.problems


def near(*values: float) -> object:
    return pytest.approx(values, rel=1e-9, abs=1e-9, nan_ok=True)


class TestCountTable:
    def test_columns(self) -> None:
        frame = CountTable(groups=("a", "b", "c"), events=(1, 0, 0), totals=(4, 2, 0)).to_frame()
        assert list(frame.columns) == ["group", "events", "total", "rate"]
        assert frame["rate"].tolist()[:2] == [0.25, 0.0]
        assert math.isnan(frame["rate"][2])  # nobody in the group

    def test_takes_arrays_and_leaves_them_alone(self) -> None:
        events = np.array([6, 3])
        counts = CountTable(groups=pd.Series(["HR+", "HR-"]), events=events, totals=np.array([17.0, 17.0]))  # type: ignore[arg-type]
        assert counts == CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
        assert counts.non_events == (11, 14)
        assert events.flags.writeable

    @pytest.mark.parametrize(
        ("groups", "events", "totals", "sentences"),
        [
            (("HR+",), (6.5,), (17,), ("events must be whole numbers ≥ 0; group 'HR+' has 6.5.",)),
            (("HR+",), (-1,), (17,), ("events must be whole numbers ≥ 0; group 'HR+' has −1.",)),
            (("HR+",), (True,), (17,), ("events must be whole numbers ≥ 0; group 'HR+' has True.",)),
            (("HR+",), (6,), (NAN,), ("totals must be whole numbers ≥ 0; group 'HR+' has nan.",)),
            (("HR+",), ("6",), (17,), ("events must be whole numbers ≥ 0; group 'HR+' has 6.",)),
            (("HR+",), (19,), (17,), ("group 'HR+' has 19 events among 17 patients.",)),
            (("HR+", "HR+"), (1, 2), (17, 17), ("group 'HR+' appears twice.",)),
            (("a", "a", "a"), (1, 2, 0), (17, 17, 1), ("group 'a' appears 3 times.",)),
            (("HR+", "HR-"), (1,), (17, 17), ("groups has 2 values, events has 1.",)),
            ((), (), (), ("there are no groups.",)),
            (
                ("HR+", "HR+"),
                (6.5, -1),
                (17, 17),
                (
                    "group 'HR+' appears twice.",
                    "events must be whole numbers ≥ 0; group 'HR+' has 6.5.",
                    "events must be whole numbers ≥ 0; group 'HR+' has −1.",
                ),
            ),
        ],
    )
    def test_door(self, groups: object, events: object, totals: object, sentences: tuple[str, ...]) -> None:
        assert problems_of(CountTable, groups=groups, events=events, totals=totals) == sentences


# R: prop.test(x, n, correct=FALSE)$conf.int, binom.test(x, n)$conf.int, qbeta(c(.025, .975), x + .5, n - x + .5)
@pytest.mark.parametrize(
    ("x", "n", "wilson", "clopper_pearson", "jeffreys"),
    [
        (9, 34, (0.146011906772, 0.431171412829), (0.128817391584, 0.443615368305), (0.139804540872, 0.427758820477)),
        (9, 31, (0.160958001563, 0.465923293307), (0.142228529098, 0.480360658229), (0.154415466130, 0.463359227206)),
        (5, 16, (0.141646438548, 0.555956441653), (0.110169954717, 0.586620636451), (0.130581655544, 0.555704464572)),
        (0, 5, (0, 0.434482464783), (0, 0.521823750105), (0, 0.379377142299)),
        (2, 2, (0.342380227507, 1), (0.158113883008, 1), (0.333178245599, 1)),
        (0, 10, (0, 0.277532799863), (0, 0.308497107819), (0, 0.217196267509)),
    ],
)
def test_proportion_ci(x: int, n: int, wilson: object, clopper_pearson: object, jeffreys: object) -> None:
    for method, expected in (("wilson", wilson), ("clopper-pearson", clopper_pearson), ("jeffreys", jeffreys)):
        ours = proportion_ci(x, n, method=method)  # type: ignore[arg-type]
        assert (ours.ci_lower, ours.ci_upper) == pytest.approx(expected, rel=1e-11)
        assert (ours.estimate, ours.method, ours.reason) == (x / n, method, "")
        if x == 0:
            assert ours.ci_lower == 0  # exactly
        if x == n:
            assert ours.ci_upper == 1


def test_proportion_of_nobody() -> None:
    frame = proportion_ci(0, 0).to_frame()
    assert frame[["estimate", "ci_lower", "ci_upper"]].isna().all(axis=None)
    assert frame["reason"].tolist() == ["no patients"]


def test_proportion_door() -> None:
    assert problems_of(proportion_ci, 3, 2) == ("there are 3 events among 2 patients.",)
    assert problems_of(proportion_ci, 1, 2, method="wilsen", ci_level=95) == (
        "method 'wilsen' is not known; did you mean 'wilson'?",
        "ci_level is 95; give a fraction, such as 0.95.",
    )
    assert problems_of(proportion_ci, 0.5, 2, method="xxx") == (
        "method 'xxx' is not known; choose wilson, clopper-pearson or jeffreys.",
        "counts must be whole numbers ≥ 0; events has 0.5.",
    )


# Rows: table; D with Miettinen-Nurminen limits; RR with score limits; its log limits; sample OR with Woolf limits.
EFFECTS = [
    (
        (2, 9, 7, 25),
        (-0.057777778, -0.331053068, 0.310921937),
        (0.793650794, 0.202842862, 2.568260898),
        (0.200783365, 3.137120353),
        (0.734693878, 0.121724463, 4.434401097),
    ),
    (
        (6, 17, 3, 17),
        (0.176470588, -0.128660329, 0.456776567),
        # The lower score limit is .651035932478 (bisection at 50 digits).
        (2, 0.651035932478, 6.522071695),
        (0.595240022, 6.719978248),
        (2.545454545, 0.516442976, 12.546087643),
    ),
    (
        (3, 11, 6, 23),
        (0.011857708, -0.275017534, 0.351540910),
        (1.045454545, 0.318960824, 3.063493605),
        (0.319608545, 3.419730872),
        (1.0625, 0.210106527, 5.373018480),
    ),
    (
        (5, 15, 4, 19),
        (0.122807018, -0.177464608, 0.421075996),
        (1.583333333, 0.535692211, 4.712075055),
        (0.512949557, 4.887311841),
        (1.875, 0.402317243, 8.738439776),
    ),
    ((0, 5, 4, 11), (-0.363636364, -0.653972538, 0.145631006), (0, 0, 1.471323915), (NAN, NAN), (0, NAN, NAN)),
    (
        (2, 2, 2, 14),
        (0.857142857, 0.139562515, 0.961383096),
        (7, 1.605034684, 24.94143671),
        (1.940241660, 25.254586076),
        (INF, NAN, NAN),
    ),
    (
        (4, 5, 1, 3),
        (0.466666667, -0.243701959, 0.860136898),
        (2.4, 0.689729163, 13.41259219),
        (0.456684886, 12.612635484),
        (8, 0.310121529, 206.370709323),
    ),
    ((5, 5, 0, 5), (1, 0.401709903, 1), (INF, 2.301588858, INF), (NAN, NAN), (INF, NAN, NAN)),
    ((0, 5, 0, 5), (0, -0.460526019, 0.460526019), (NAN, 0, INF), (NAN, NAN), (NAN, NAN, NAN)),
]


@pytest.mark.parametrize(("table", "difference", "ratio", "log_limits", "odds"), EFFECTS)
def test_effects(
    table: tuple[int, int, int, int], difference: object, ratio: object, log_limits: object, odds: object
) -> None:
    counts = two(*table)
    d = risk_difference(counts, method="miettinen-nurminen")
    rr, log = risk_ratio(counts), risk_ratio(counts, method="log")
    sample = odds_ratio(counts, method="sample")
    tolerance = {"rel": 2e-9, "abs": 6e-10, "nan_ok": True}  # the printed digits are nine decimals
    assert (d.estimate, d.ci_lower, d.ci_upper) == pytest.approx(difference, **tolerance)
    assert (rr.estimate, rr.ci_lower, rr.ci_upper) == pytest.approx(ratio, **tolerance)
    assert (log.ci_lower, log.ci_upper) == pytest.approx(log_limits, **tolerance)
    assert (sample.estimate, sample.ci_lower, sample.ci_upper) == pytest.approx(odds, **tolerance)
    for effect in (d, rr, log, sample):
        undefined = any(math.isnan(value) for value in (effect.estimate, effect.ci_lower, effect.ci_upper))
        assert effect.reason == ("zero cell" if undefined else "")


# Newcombe 1998, Statistics in Medicine 17:873, Table II, printed with four decimals.
@pytest.mark.parametrize(
    ("table", "newcombe", "miettinen_nurminen"),
    [((56, 70, 48, 80), (0.0524, 0.3339), (0.0528, 0.3382)), ((9, 10, 3, 10), (0.1705, 0.8090), (0.1700, 0.8406))],
)
def test_difference_as_published(
    table: tuple[int, int, int, int], newcombe: object, miettinen_nurminen: object
) -> None:
    one, two_ = risk_difference(two(*table)), risk_difference(two(*table), method="miettinen-nurminen")
    assert (one.ci_lower, one.ci_upper) == pytest.approx(newcombe, abs=5e-5)
    assert (two_.ci_lower, two_.ci_upper) == pytest.approx(miettinen_nurminen, abs=5e-5)


# From the Wilson limits above, by the formula in an independent program.
@pytest.mark.parametrize(
    ("table", "limits"),
    [
        ((5, 5, 0, 5), (0.385549006, 1)),
        ((0, 5, 0, 5), (-0.434482465, 0.434482465)),
        ((4, 5, 1, 3), (-0.158519975, 0.784031257)),
        ((6, 17, 3, 17), (-0.118516727, 0.437057751)),
    ],
)
def test_newcombe(table: tuple[int, int, int, int], limits: object) -> None:
    effect = risk_difference(two(*table))
    assert (effect.ci_lower, effect.ci_upper) == pytest.approx(limits, abs=6e-10)


def test_odds_ratio_with_added_half() -> None:
    effect = odds_ratio(two(5, 5, 0, 5), method="sample", add=0.5)
    assert effect.estimate == pytest.approx(5.5 * 5.5 / (0.5 * 0.5))
    assert effect.method == "sample, 0.5 added to each cell"
    assert effect.reason == ""


def test_conditional_odds_ratio_is_that_of_fisher() -> None:
    effect = odds_ratio(two(4, 5, 1, 3))
    assert (effect.estimate, effect.ci_lower, effect.ci_upper) == near(5.78425962900, 0.157887338452, 586.994336790)
    only = odds_ratio(two(0, 5, 0, 5))
    assert (only.reason, only.ci_lower, only.ci_upper) == ("variance is zero", 0, INF)


@pytest.mark.parametrize("effect", [risk_difference, risk_ratio, odds_ratio])
def test_effect_without_patients(effect: object) -> None:
    found = effect(two(0, 0, 2, 5))  # type: ignore[operator]
    assert [math.isnan(value) for value in (found.estimate, found.ci_lower, found.ci_upper)] == [True] * 3
    assert found.reason == "no patients"
    assert found.to_frame().loc[0, "reason"] == "no patients"


def test_effect_doors() -> None:
    three = CountTable(groups=("a", "b", "c"), events=(1, 1, 1), totals=(2, 2, 2))
    one = CountTable(groups=("a",), events=(1,), totals=(2,))
    assert problems_of(risk_difference, three) == ("risk_difference compares 2 groups; there are 3.",)
    assert problems_of(risk_ratio, one) == ("risk_ratio compares 2 groups; there is 1.",)
    assert problems_of(odds_ratio, three, method="smaple", ci_level=0) == (
        "odds_ratio compares 2 groups; there are 3.",
        "method 'smaple' is not known; did you mean 'sample'?",
        "ci_level is 0; give a fraction, such as 0.95.",
    )
    assert problems_of(odds_ratio, two(1, 2, 1, 2), add=0.5) == (
        "add is 0.5; give a number ≥ 0, with method 'sample' only.",
    )
