"""The second engines answer our questions: on random cohorts every program says the same."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cohortstats.stats import second_engine as second
from cohortstats.stats.counts import CountTable, proportion_ci
from cohortstats.stats.effects import risk_difference
from cohortstats.stats.events import EventTable
from cohortstats.stats.exact import fisher_exact
from cohortstats.stats.hazard import cox
from cohortstats.stats.kaplan_meier import kaplan_meier
from cohortstats.stats.log_rank import log_rank_test
from cohortstats.stats.multiplicity import adjust_p
from cohortstats.stats.restricted_mean import rmst

RNG = np.random.default_rng(20180412)


def cohort(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return RNG.integers(1, 60, n), RNG.random(n) < 0.7, RNG.integers(0, 2, n), RNG.integers(0, 3, n)


def test_digits() -> None:
    assert second.digits_agreed([1 / 3], [1 / 3]) == 12
    assert second.digits_agreed([56.5, 318.0], [56.6, 318.0]) == 2
    assert second.digits_agreed([0.05], [0.5]) == 0
    assert second.digits_agreed([math.nan, 2.0], [1.0, 2.0]) == 12
    assert second.digits_agreed([0.0], [0.0]) == 12


def test_counts() -> None:
    for _ in range(40):
        n1, n2 = (int(n) for n in RNG.integers(3, 40, 2))
        counts = CountTable(
            groups=("a", "b"), events=(int(RNG.integers(1, n1)), int(RNG.integers(1, n2))), totals=(n1, n2)
        )
        assert second.digits_agreed([fisher_exact(counts).p_value], second.second_fisher(counts).values) >= 10
        ours = risk_difference(counts, method="newcombe")
        theirs = second.second_difference(counts, ci_level=0.95)
        assert theirs is not None
        assert second.digits_agreed([ours.estimate, ours.ci_lower, ours.ci_upper], theirs.values) >= 9
        for method in ("wilson", "clopper-pearson", "jeffreys"):
            mine = proportion_ci(counts.events[0], n1, method=method)
            other = second.second_proportion(counts.events[0], n1, method=method, ci_level=0.95)
            assert other is not None
            assert second.digits_agreed([mine.ci_lower, mine.ci_upper], other.values[1:]) >= 9


@pytest.mark.parametrize("method", ["bonferroni", "holm", "hochberg", "hommel", "BH", "BY"])
def test_adjusted(method: str) -> None:
    p = [*RNG.random(9), math.nan]
    assert second.digits_agreed(adjust_p(p, method=method), second.second_adjusted(p, method=method).values) == 12


def test_times() -> None:
    compared = 0
    for _ in range(15):
        time, event, group, stratum = cohort(40)
        events = EventTable.from_arrays(time, event, group=group)
        curves = kaplan_meier(events)
        medians = curves.quantile(0.5)
        points = curves.at([10, 30])
        means = rmst(events, tau=20)
        for position, name in enumerate(events.groups):
            survival = second.second_survival(events, group=position, times=[10, 30], ci="log-log", ci_level=0.95)
            ours = points[points["group"] == name][["survival", "ci_lower", "ci_upper"]].to_numpy().ravel()
            assert survival is not None
            assert second.digits_agreed(ours, survival.values) >= 9
            median = second.second_median(events, group=position)
            if median is not None:
                compared += 1
                assert second.digits_agreed(medians["estimate"].tolist()[position : position + 1], median.values) == 12
            mean = second.second_mean(events, group=position, tau=20)
            assert mean is not None
            assert second.digits_agreed(means["estimate"].tolist()[position : position + 1], mean.values) >= 9
        for strata in (None, stratum):
            table = EventTable.from_arrays(time, event, group=group, strata=strata)
            for weighting in ("log-rank", "peto-peto", "gehan", "tarone-ware", "peto-prentice"):
                test = log_rank_test(table, weighting=weighting)
                other = second.second_log_rank(table, weighting=weighting)
                if other is None:  # lifelines has no strata
                    assert strata is not None
                    assert weighting == "peto-prentice"
                else:
                    assert second.digits_agreed([test.statistic, test.p_value], other.values) >= 8
    assert compared > 10


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_hazard_ratios(ties: str) -> None:
    time, event, group, stratum = cohort(80)
    design = {"group": group.astype(float), "x": RNG.normal(size=80)}
    for strata in (None, stratum):
        ours = cox(time, event, design, ties=ties, strata=strata).to_frame()["hazard_ratio"]
        theirs = second.second_hazard_ratios(
            time, event, np.column_stack(list(design.values())), ties=ties, strata=strata
        )
        assert theirs is not None
        assert second.digits_agreed(ours.tolist(), theirs.values) >= 8


def test_what_another_program_gets_wrong_is_not_compared() -> None:
    # Cohort B is flat at one half from 50 to 63: 56.5; lifelines says 50.
    events = EventTable.from_arrays([36, 50, 63, 70], [1, 1, 1, 1])
    assert second.second_median(events, group=0) is None
    # Where the curve is 0, lifelines has limits of 0; ours are undefined.
    at_zero = second.second_survival(events, group=0, times=[70], ci="log-log", ci_level=0.95)
    assert at_zero is not None
    assert at_zero.values[0] == 0
    assert all(math.isnan(limit) for limit in at_zero.values[1:])
    entered = EventTable.from_arrays([5, 6, 7], [1, 1, 1], entry=[0, 5.5, 6.5], group=[0, 1, 1])
    assert second.second_log_rank(entered) is None
    assert second.second_proportion(0, 5, method="jeffreys", ci_level=0.95) is None
