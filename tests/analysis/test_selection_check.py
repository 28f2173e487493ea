"""Outcome of those in a population against those left out of it."""

from __future__ import annotations

import math

import pytest

import cohortstats as cs


@pytest.fixture(scope="module")
def sakai() -> cs.Cohort:
    return cs.load_cohort(cs.shipped_study("sakai2018"))


def test_the_tested_fared_as_the_untested(sakai: cs.Cohort) -> None:
    check = cs.selection_check(sakai, population="ctdna_tested", outcome="primary_resistance")
    assert (check.counts.events, check.counts.totals, check.n, check.n_unknown) == ((4, 5), (16, 18), (16, 18), (0, 0))
    # Of the hypergeometric chances of 34 patients, 9 events, 16 inside, that of 4 is the largest: P is 1 exactly.
    chances = [math.comb(9, k) * math.comb(25, 16 - k) for k in range(10)]
    assert max(chances) == chances[4]
    assert check.p_value == 1
    assert (check.reason, check.n_population_missing) == ("", 0)
    frame = check.to_frame()
    assert frame.columns.tolist() == ["group", "n", "n_known", "n_event", "rate"]
    assert frame.to_numpy().tolist() == [["in", 16, 16, 4, 0.25], ["out", 18, 18, 5, 5 / 18]]


def test_unknown_outcomes_and_unknown_members_are_counted_apart(sakai: cs.Cohort) -> None:
    check = cs.selection_check(sakai, population="her2_amplified", outcome="best_response == 'PD'")
    assert check.n == (5, 29)
    assert check.n_population_missing == 18
    assert sum(check.n_unknown) == 3
    assert sum(check.counts.events) == 9
    assert sum(check.counts.totals) == 31


def test_a_population_of_everybody_leaves_nothing_to_compare(sakai: cs.Cohort) -> None:
    check = cs.selection_check(sakai, population="yes", outcome="primary_resistance")
    assert (check.counts.totals, check.p_value, check.reason) == ((34, 0), 1, "variance is zero")
    assert math.isnan(check.counts.rates[1])


def test_what_is_neither_yes_nor_no_is_refused(sakai: cs.Cohort) -> None:
    with pytest.raises(cs.InputError, match="age is a number; a population needs yes or no"):
        cs.selection_check(sakai, population="age", outcome="primary_resistance")
    with pytest.raises(cs.InputError, match="age is a number; an outcome needs yes or no"):
        cs.selection_check(sakai, population="ctdna_tested", outcome="age")
