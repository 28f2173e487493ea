"""Known answers: brute force through R survdiff (L1 to L5), coin and counting in whole numbers (ovarian, pancreatic)."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln

from cohortstats.errors import InputError
from cohortstats.stats import permutations
from cohortstats.stats.events import EventTable
from cohortstats.stats.log_rank import log_rank_test
from cohortstats.stats.log_rank_exact import log_rank_exact, places_in_time
from cohortstats.stats.maximally_selected import maxstat
from cohortstats.stats.permutations import (
    Scores,
    SubsetSampler,
    arrangements,
    combinations,
    count_reaching,
    log_rank_scores,
)
from cohortstats.stats.selection import selection_adjusted_p

# time; event; 1 is the first group
COHORTS = {
    "L1": ([1, 2, 3, 4, 5, 6], "111111", "111000"),
    "L2": ([20, 36, 42, 42, 56, 57, 70, 112], "11111101", "11010100"),
    "L3": ([4, 5, 8, 10, 12, 15, 18, 21, 24, 30], "1110111010", "1101101000"),
    "L4": ([6, 6, 6, 9, 9, 11, 13, 13, 20, 20], "1101011100", "1011010100"),
    "L5": ([2, 3, 3, 5, 7, 9], "011101", "111000"),
}
OVARIAN = {
    "time": "59 115 156 421 431 448 464 475 477 563 638 744 769 770 803 855 1040 1106 1129 1206 1227 268 329 353 365 377",
    "event": "1 1 1 0 1 0 1 1 0 1 1 0 0 0 0 0 0 0 0 0 0 1 1 1 1 0",
    "group": "1 1 1 2 1 1 2 2 1 2 1 2 2 2 1 1 1 1 2 2 2 1 1 2 2 2",
}


def cohort(name: str) -> tuple[list[int], list[int], list[str]]:
    time, event, first = COHORTS[name]
    return time, [int(e) for e in event], ["1st" if f == "1" else "2nd" for f in first]


# O − E, χ², score and studentised counts, labellings: R survdiff on every labelling
@pytest.mark.parametrize(
    ("name", "difference", "square", "score", "studentised", "labellings"),
    [
        ("L1", Fraction(37, 20), Fraction(1369, 271), 2, 2, 20),
        ("L2", Fraction(51, 28), Fraction(117045, 44459), 12, 12, 70),
        ("L3", Fraction(683, 360), Fraction(466489, 168611), 38, 32, 252),
        ("L4", Fraction(117, 70), Fraction(123201, 52009), 46, 48, 252),
        ("L5", Fraction(6, 5), Fraction(4), 4, 2, 20),
    ],
)
def test_small_cohorts(
    name: str, difference: Fraction, square: Fraction, score: int, studentised: int, labellings: int
) -> None:
    by_score = log_rank_exact(*cohort(name))
    assert by_score.p_exact == Fraction(score, labellings)
    assert by_score.p_value == score / labellings
    assert (by_score.n_extreme, by_score.n_arrangements) == (score, labellings)
    assert by_score.statistic == pytest.approx(float(difference), rel=1e-13)
    assert by_score.method == "score, exact by enumeration"
    by_square = log_rank_exact(*cohort(name), statistic="studentised")
    assert by_square.p_exact == Fraction(studentised, labellings)
    assert by_square.statistic == pytest.approx(float(square), rel=1e-13)
    assert by_square.method == "studentised, exact by enumeration"
    assert math.isnan(by_square.ci_lower)
    assert (by_square.draws, by_square.seed) == (None, None)


def test_one_cohort_on_both_sides_of_five_percent() -> None:
    # L5: χ² = 4 exactly, asymptotic p .0455002638964; the score p is 4/20, the studentised one 2/20.
    time, event, group = cohort("L5")
    assert log_rank_test(EventTable.from_arrays(time, event, group)).p_value == pytest.approx(
        0.0455002638964, rel=1e-10
    )
    assert log_rank_exact(time, event, group).p_value == 0.2
    assert log_rank_exact(time, event, group, statistic="studentised").p_value == 0.1


def test_ovarian() -> None:
    # R: survival's ovarian, 13 against 13; the count from coin's p and from whole numbers
    columns = {name: [int(value) for value in text.split()] for name, text in OVARIAN.items()}
    test = log_rank_exact(columns["time"], columns["event"], columns["group"])
    assert (test.n_extreme, test.n_arrangements) == (3093212, 10400600)
    assert test.p_exact == Fraction(3093212, 10400600)
    assert test.method == "score, exact by meet in the middle"
    assert test.observed.tolist() == [7, 5]
    assert test.expected == pytest.approx([5.2335310171499, 6.7664689828501], rel=1e-13)
    assert test.statistic == pytest.approx(1.76646898, abs=1e-8)


def test_pancreatic(shared: Callable[[str], Path]) -> None:
    # Time to progression, locally advanced (8) against metastatic (33); deaths without progression are censored. The
    # asymptotic p is .0974624797741; the count from coin's p and from whole numbers.
    def day(text: str) -> date:
        month, day, year = map(int, text.split("/"))
        return date(year, month, day)

    with shared("data/clinical/Rdatasets_asaur_pancreatic.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    event = [row["progression"] != "." for row in rows]
    ends = [row["progression"] if row["progression"] != "." else row["death"] for row in rows]
    time = [(day(end) - day(row["onstudy"])).days for end, row in zip(ends, rows, strict=True)]
    test = log_rank_exact(time, event, [row["stage"] for row in rows])
    assert (test.groups, test.n.tolist()) == (("LA", "M"), [8, 33])
    assert test.p_exact == Fraction(5004972, 95548245)
    assert test.statistic == pytest.approx(-3.80849220601, rel=1e-11)


def plain_p(time: list[float], event: list[int], first: list[int], statistic: str) -> Fraction:
    """Every labelling one by one, in fractions, by the sums over event times of the definition."""
    n = len(time)

    def of(who: set[int]) -> tuple[Fraction, Fraction]:
        u, v = Fraction(0), Fraction(0)
        for moment in {t for t, e in zip(time, event, strict=True) if e}:
            risk = {i for i in range(n) if time[i] >= moment}
            died = {i for i in risk if time[i] == moment and event[i]}
            share = Fraction(len(risk & who), len(risk))
            u += len(died & who) - len(died) * share
            if len(risk) > 1:
                v += Fraction(len(died) * (len(risk) - len(died)), len(risk) - 1) * share * (1 - share)
        return u, v

    def extreme(u: Fraction, v: Fraction) -> Fraction | None:
        return abs(u) if statistic == "score" else u * u / v if v else None

    observed = extreme(*of(set(first)))
    values = [extreme(*of(set(who))) for who in itertools.combinations(range(n), len(first))]
    return Fraction(sum(value is not None and value >= observed for value in values), len(values))


@pytest.mark.parametrize("statistic", ["score", "studentised"])
def test_every_labelling_in_fractions(statistic: str) -> None:
    random = np.random.default_rng(5)
    for _ in range(25):
        n = int(random.integers(4, 10))
        time, event = random.integers(1, 8, n), random.integers(0, 2, n)
        first = np.arange(n) < random.integers(1, n)
        test = log_rank_exact(time, event, np.where(first, "a", "b"), statistic=statistic)  # type: ignore[arg-type]
        if not test.reason:
            assert test.p_exact == plain_p(time.tolist(), event.tolist(), np.flatnonzero(first).tolist(), statistic)


def test_enumeration_and_meeting_in_the_middle_agree() -> None:
    random = np.random.default_rng(6)
    for bits in (20, 70):  # one 64-bit number, and two
        for _ in range(10):
            n = int(random.integers(4, 15))
            scores = [int(x) * (1 << (bits - 20)) + int(x) for x in random.integers(-(2**20), 2**20, n)]
            k = int(random.integers(1, n))
            threshold = abs(sum(scores[:k]))
            plain = sum(abs(sum(who)) >= threshold for who in itertools.combinations(scores, k))
            assert count_reaching(scores, k, threshold) == plain
            assert count_reaching(scores, k, threshold + 1) <= plain
            # Scores that sum to 0, half of the patients: the two sides mirror each other.
            balanced = [*scores, -sum(scores)] if n % 2 else [*scores[1:], -sum(scores[1:])]
            k = len(balanced) // 2
            threshold = abs(sum(balanced[:k]))
            plain = sum(abs(sum(who)) >= threshold for who in itertools.combinations(balanced, k))
            assert count_reaching(balanced, k, threshold) == plain
    assert count_reaching([1, -1], 1, 0) == 2
    assert count_reaching([1, -1], 1, 3) == 0


def test_scores_longer_than_64_bits() -> None:
    # 46 distinct times: the common denominator passes 2^60, so sums take two numbers. |O − E| is the same from either
    # group, and a random sample must agree.
    random = np.random.default_rng(7)
    n = 46
    time, event, group = random.permutation(n) + 1, np.ones(n, dtype=int), np.arange(n) < 6
    assert log_rank_scores(places_in_time(time * 1.0), event == 1).whole[1] > 2**60
    one = log_rank_exact(time, event, group)
    other = log_rank_exact(time, event, ~group)
    assert one.method == "score, exact by meet in the middle"
    assert one.p_exact == other.p_exact
    drawn = log_rank_exact(time, event, group, draws=99_999, seed=1)
    assert drawn.ci_lower <= one.p_value <= drawn.ci_upper


def test_ties_decided_in_whole_numbers_beyond_floating_point() -> None:
    # 53 patients, one labelled: rounding cannot be trusted, and each |score| has its exact rank.
    n = 53
    time, event = np.arange(1, n + 1), np.ones(n)
    for chosen in (0, 20, 51, 52):
        hazard = np.cumsum([Fraction(1, n - i) for i in range(n)])
        scores = [abs(1 - h) for h in hazard]
        plain = sum(score >= scores[chosen] for score in scores)
        test = log_rank_exact(time, event, np.where(np.arange(n) == chosen, "a", "b"))
        assert (test.n_extreme, test.n_arrangements) == (plain, n)
        assert not log_rank_scores(places_in_time(time * 1.0), event == 1).exact


def test_first_group_larger_than_second() -> None:
    time, event, group = cohort("L4")
    swapped = ["b" if label == "1st" else "a" for label in group]
    for statistic in ("score", "studentised"):
        one = log_rank_exact(time[:9], event[:9], group[:9], statistic=statistic)  # type: ignore[arg-type]
        two = log_rank_exact(time[:9], event[:9], swapped[:9], statistic=statistic)  # type: ignore[arg-type]
        assert one.n.tolist() == two.n.tolist()[::-1] != two.n.tolist()
        assert one.p_exact == two.p_exact


def test_near_ties_are_merged_first() -> None:
    time, event, group = [0.3, 0.1 + 0.2, 0.5, 0.7, 0.3, 0.9], [1, 1, 1, 0, 1, 1], [0, 1, 1, 0, 0, 1]
    merged = log_rank_exact(time, event, group)
    exactly = log_rank_exact([0.3, 0.3, 0.5, 0.7, 0.3, 0.9], event, group)
    kept = log_rank_exact(time, event, group, timefix=False)
    assert merged.p_exact == exactly.p_exact
    assert merged.statistic == exactly.statistic != kept.statistic
    assert kept.method == "score, exact by enumeration, near ties kept"


def test_monte_carlo() -> None:
    time, event, group = cohort("L3")
    test = log_rank_exact(time, event, group, draws=99_999, seed=1)
    again = log_rank_exact(time, event, group, draws=99_999, seed=1)
    other = log_rank_exact(time, event, group, draws=99_999, seed=2)
    assert test.method == "score, Monte Carlo, 99999 draws, seed 1"
    assert test.p_value == again.p_value == (1 + test.n_extreme) / 100_000
    assert test.p_value != other.p_value
    assert (test.p_exact, test.draws, test.seed, test.n_arrangements) == (None, 99_999, 1, 252)
    assert test.ci_lower < 38 / 252 < test.ci_upper
    assert test.ci_upper - test.ci_lower == pytest.approx(
        2 * 2.5758 * math.sqrt(38 / 252 * 214 / 252 / 99_999), rel=0.02
    )
    studentised = log_rank_exact(time, event, group, statistic="studentised", draws=99_999, seed=1)
    assert studentised.ci_lower < 32 / 252 < studentised.ci_upper


def test_monte_carlo_of_a_large_cohort() -> None:
    # Beyond 50 patients; for 400 patients p is close to the asymptotic one.
    random = np.random.default_rng(8)
    time, event, group = random.exponential(100, 400), random.random(400) < 0.8, np.arange(400) % 2
    asymptotic = log_rank_test(EventTable.from_arrays(time, event, group)).p_value
    for statistic in ("score", "studentised"):
        test = log_rank_exact(time, event, group, statistic=statistic, draws=9_999, seed=3)  # type: ignore[arg-type]
        assert test.p_value == pytest.approx(asymptotic, abs=0.02)


def test_follow_up_of_the_groups() -> None:
    # The log-rank test of the same table with events and censored exchanged; R: survdiff(Surv(time, 1 - event) ~ group)
    # where no event and censoring are tied.
    time, event, group = [3, 5, 8, 9, 12, 14, 20, 21], [1, 0, 1, 0, 0, 1, 0, 0], ["a", "b"] * 4
    flipped = log_rank_test(EventTable.from_arrays(time, [1 - e for e in event], group))
    assert log_rank_exact(time, event, group).follow_up_p_value == flipped.p_value
    assert math.isnan(log_rank_exact([1, 2, 3, 4], [1] * 4, ["a", "b"] * 2).follow_up_p_value)


@pytest.mark.parametrize(
    ("time", "event", "group", "statistic", "reason"),
    [
        ([1, 2, 3, 4], [0, 0, 0, 0], ["a", "a", "b", "b"], "score", "no events"),
        ([1, 2, 3, 4], [0, 0, 0, 0], ["a", "a", "b", "b"], "studentised", "no events"),
        ([1, 2, 3], [1, 1, 0], ["a", "a", "a"], "score", "one group"),
        ([1, 2, 3], [1, 1, 0], None, "score", "one group"),
        ([2, 2, 2], [1, 1, 1], ["a", "b", "b"], "score", "variance is zero"),
        ([2, 2, 2], [1, 1, 1], ["a", "b", "b"], "studentised", "variance is zero"),
        ([1, 2, 3, 4], [0, 0, 1, 1], ["a", "a", "b", "b"], "studentised", "groups never at risk together"),
    ],
)
@pytest.mark.parametrize("draws", [None, 999])
def test_reasons(
    time: list[int], event: list[int], group: list[str] | None, statistic: str, reason: str, draws: int | None
) -> None:
    test = log_rank_exact(time, event, group, statistic=statistic, draws=draws, seed=1)  # type: ignore[arg-type]
    assert test.reason == reason
    assert math.isnan(test.p_value)  # never 1 for what cannot be computed
    assert math.isnan(test.statistic)
    assert (test.p_exact, test.n_extreme) == (None, 0)


def test_empty_declared_level_is_no_group() -> None:
    time, event, group = cohort("L2")
    levels = pd.Categorical(group, categories=["none", "1st", "2nd"])
    test = log_rank_exact(time, event, levels)
    assert test.groups == ("1st", "2nd")
    assert test.p_exact == Fraction(12, 70)


def problems_of(*columns: object, **options: object) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        log_rank_exact(*columns, **options)  # type: ignore[arg-type]
    return caught.value.problems


def test_door() -> None:
    two = "log_rank_exact compares 2 groups without strata or entry."
    assert problems_of([1, 2, 3], [1, 1, 0], ["a", "b", "c"]) == (two,)
    assert problems_of([1, 2, 3], [1, 1, 0], ["a", "b", "b"], strata=[0, 0, 1]) == (two,)
    assert problems_of([1, 2, 3], [1, 1, 0], ["a", "b", "b"], entry=[0, 0, 1]) == (two,)
    time = np.arange(1, 78)
    many = "17 against 60 patients has 4.9e16 labellings; give draws and a seed."
    assert problems_of(time, np.ones(77), time <= 17) == (
        "60 against 17 patients has 4.9e16 labellings; give draws and a seed.",
    )
    assert problems_of(time, np.ones(77), time > 17) == (many,)
    small = np.arange(1, 27)
    assert problems_of(small, np.ones(26), small > 13, statistic="studentised") == (
        "13 against 13 patients has 1.0e7 labellings; give draws and a seed.",
    )
    few = "draws is 100; use at least 999, and give a seed."
    assert problems_of(small, np.ones(26), small > 13, draws=100, seed=1) == (few,)
    assert problems_of(small, np.ones(26), small > 13, draws=9_999) == (
        "draws is 9999; use at least 999, and give a seed.",
    )
    assert problems_of(small, np.ones(26), small > 13, draws=1e4, seed=-1) == (
        "draws is 10000; use at least 999, and give a seed.",
        "seed is −1; give a whole number from 0 up.",
    )
    assert problems_of([1, -2], [1, 2], ["a", "b"], statistic="scores", draws=5) == (
        "time is −2 at position 2; times start at 0.",
        "event holds 1 and 2; give booleans or 0/1 (if 2 is the event: `event == 2`).",
        "statistic 'scores' is not known; did you mean 'score'?",
        "draws is 5; use at least 999, and give a seed.",
    )


def test_frame() -> None:
    frame = log_rank_exact(*cohort("L1")).to_frame()
    assert list(frame.columns) == [
        "group", "n", "observed", "expected", "statistic", "p_value", "n_arrangements", "n_extreme", "ci_lower",
        "ci_upper", "follow_up_p_value", "method", "reason",
    ]  # fmt: skip
    assert frame["group"].tolist() == ["1st", "2nd"]
    assert frame["n_extreme"].tolist() == [2, 2]


class TestArrangements:
    def test_combinations_are_all_and_once(self) -> None:
        for n, k, rows in ((6, 3, 4), (7, 1, 100), (5, 5, 2), (9, 4, 17)):
            listed = np.concatenate(list(combinations(n, k, rows)))
            assert sorted(map(tuple, listed.tolist())) == sorted(itertools.combinations(range(n), k))

    def test_orders_are_all_and_once(self) -> None:
        for counts in ([1, 1, 1, 1], [2, 3], [1, 2, 2], [4]):
            items = np.repeat(np.arange(len(counts)), counts).tolist()
            listed = np.concatenate(list(arrangements(np.array(counts)))).tolist()
            assert len(listed) == len(set(map(tuple, listed)))
            assert set(map(tuple, listed)) == set(itertools.permutations(items))

    @pytest.mark.parametrize(("n", "k"), [(6, 3), (20, 4), (40, 2)])
    def test_random_sets_are_uniform(self, n: int, k: int) -> None:
        # χ² of the counts of all sets; the bound is 5 standard deviations above its mean.
        sampler = SubsetSampler(n, k, seed=11)
        draws = 60 * math.comb(n, k)
        labels = sampler.labels(sampler.draw(draws))
        assert (labels.sum(axis=1) == k).all()
        members = np.nonzero(labels)[1].reshape(-1, k)
        counts = np.unique(members, axis=0, return_counts=True)[1]
        assert counts.size == math.comb(n, k)
        square = float(((counts - 60) ** 2 / 60).sum())
        assert abs(square - (counts.size - 1)) < 5 * math.sqrt(2 * counts.size)

    def test_sums_and_members_are_those_of_the_labels(self) -> None:
        sampler = SubsetSampler(45, 12, seed=3)
        values = np.random.default_rng(1).normal(size=45)
        codes = sampler.draw(500)
        labels = sampler.labels(codes)
        np.testing.assert_allclose(sampler.sums(codes, sampler.tables(values)), labels @ values, atol=1e-12)
        rows = np.array([3, 77, 400])
        assert (sampler.members(codes, rows) == np.nonzero(labels[rows])[1].reshape(3, 12)).all()

    def test_numbers_of_members_in_a_run_are_hypergeometric(self) -> None:
        sampler = SubsetSampler(300, 150, seed=5)
        labels = sampler.labels(sampler.draw(20_000))
        first = np.bincount(labels[:, : sampler.widths[0]].sum(axis=1), minlength=sampler.widths[0] + 1)
        w, n, k = sampler.widths[0], 300, 150
        i = np.arange(w + 1)

        def log_choose(a: int, b: np.ndarray) -> np.ndarray:
            return gammaln(a + 1) - gammaln(b + 1) - gammaln(a - b + 1)

        expected = 20_000 * np.exp(log_choose(w, i) + log_choose(n - w, k - i) - log_choose(n, np.array(k)))
        common = expected > 5
        square = float(((first - expected)[common] ** 2 / expected[common]).sum())
        assert square < common.sum() + 5 * math.sqrt(2 * common.sum())

    def test_scores_of_whole_numbers(self) -> None:
        scores = Scores.of_whole_numbers(np.array([3, -1, -2]), 3)
        assert (scores.exact, scores.values.tolist(), scores.whole) == (True, [3, -1, -2], ([3, -1, -2], 3))


class TestWithoutExactFloats:
    """Scores too long for exact sums in floating point: whole numbers decide every tie, and nothing may change."""

    @pytest.fixture(autouse=True)
    def _no_exact_floats(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(permutations, "EXACT_FLOAT", 0)

    @pytest.mark.parametrize(
        ("name", "score", "studentised"), [("L2", 12, 12), ("L3", 38, 32), ("L4", 46, 48), ("L5", 4, 2)]
    )
    def test_small_cohorts(self, name: str, score: int, studentised: int) -> None:
        time, event, group = cohort(name)
        assert not log_rank_scores(places_in_time(np.array(time, float)), np.array(event, bool)).exact
        assert log_rank_exact(time, event, group).n_extreme == score
        assert log_rank_exact(time, event, group, statistic="studentised").n_extreme == studentised

    @pytest.mark.parametrize("statistic", ["score", "studentised"])
    def test_draws(self, statistic: str, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn = log_rank_exact(*cohort("L4"), statistic=statistic, draws=9_999, seed=1)  # type: ignore[arg-type]
        monkeypatch.undo()
        again = log_rank_exact(*cohort("L4"), statistic=statistic, draws=9_999, seed=1)  # type: ignore[arg-type]
        assert drawn.n_extreme == again.n_extreme

    def test_best_cut(self) -> None:
        best = maxstat([2, 1, 4, 3, 6, 5, 7], [3, 5, 8, 11, 14, 20, 26], [1, 1, 1, 0, 1, 1, 0], min_fraction=0)
        assert best.p_exact == Fraction(1980, 5040)

    def test_best_grouping(self, monkeypatch: pytest.MonkeyPatch) -> None:
        random = np.random.default_rng(4)
        time, event = random.integers(1, 6, 8), random.random(8) < 0.8
        markers = {name: random.random(8) < 0.5 for name in "ABC"}
        close = selection_adjusted_p(markers, (time, event))
        monkeypatch.undo()
        plain = selection_adjusted_p(markers, (time, event))
        assert close.p_adjusted_exact == plain.p_adjusted_exact is not None
        assert close.p_values.tolist() == plain.p_values.tolist()
