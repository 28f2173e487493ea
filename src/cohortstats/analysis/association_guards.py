"""What a reader must know beside the rows of Table 4."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pandas as pd

from cohortstats.analysis.association_layout import Comparison
from cohortstats.analysis.association_test import compare_levels, least_expected
from cohortstats.analysis.chosen_groups import ChosenGroups, best_cut
from cohortstats.analysis.exhibit import endpoint, exhibit_population
from cohortstats.analysis.guards import Guard
from cohortstats.analysis.results import Recorder
from cohortstats.cohort import Cohort
from cohortstats.errors import InputError
from cohortstats.stats.completions import p_over_completions
from cohortstats.stats.counts import CountTable
from cohortstats.stats.fisher_power import detectable_rate
from cohortstats.study import Association, BinaryEndpoint
from cohortstats.tables.language import Words
from cohortstats.tables.numbers import STYLES, exact, format_alpha, format_p, round_half_up

__all__ = ["AssociationGuards"]

POWER = 0.8
FAR = 0.2  # a detectable rate is far off when it lies this much further away than the observed one
MOST_TABLES = 40_000  # n1 n2 up to which power is worked out; larger groups are not what the guard is for


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationGuards:
    """Guards of an exhibit, row by row and for the whole; numbers that a rebuilt cohort withholds raise none."""

    cohort: Cohort
    entry: Association
    recorder: Recorder
    say: Words

    @property
    def alpha(self) -> float:
        return self.cohort.study.alpha

    def of(self, comparisons: list[Comparison]) -> list[Guard]:
        """All guards, in the order of the footnotes."""
        shown = [comparison for comparison in comparisons if not comparison.p_value.withheld]
        found = [*self._denominators(), *(guard for comparison in shown for guard in self._unknown(comparison))]
        for check in (
            self._attainable,
            self._disagreement,
            self._separation,
            self._asymptotic,
            self._power,
            self._composite,
            self._cut_point,
            self._after_outcome,
        ):
            found += [guard for comparison in shown for guard in check(comparison)]
        return found + list(self._comparisons(len(comparisons)))

    def _guard(self, name: str, text: str, comparison: Comparison, lead: str = "", detail: str = "") -> Guard:
        variable = comparison.variable
        return Guard(name=name, text=text, row=variable.name, label=variable.label, lead=lead, detail=detail)

    def _attainable(self, comparison: Comparison) -> Iterator[Guard]:
        least = comparison.test.attainable
        if least is not None and not math.isnan(least) and exact(least) >= exact(self.alpha):
            yield self._guard(
                "attainable",
                self.say("guard_attainable", alpha=format_alpha(self.alpha, STYLES[self.cohort.study.report.style])),
                comparison,
            )

    def _disagreement(self, comparison: Comparison) -> Iterator[Guard]:
        effect = comparison.effect
        if effect is None or effect.reason or not comparison.test.defined:
            return
        null = 0.0 if self.entry.effect == "risk difference" else 1.0
        lower, upper = (math.nan if x is None else float(x) for x in (effect.ci_lower, effect.ci_upper))
        if (not lower <= null <= upper) != comparison.test.significant(self.alpha):
            yield self._guard("test and interval", self.say("guard_test_and_interval"), comparison)

    def _separation(self, comparison: Comparison) -> Iterator[Guard]:
        counts = comparison.counts
        if self.entry.effect not in ("odds ratio", "risk ratio") or len(counts.groups) != 2 or not min(counts.totals):
            return
        events, others = sum(counts.events), sum(counts.totals) - sum(counts.events)
        if events and 0 in counts.events:
            key, n = "guard_separation_events", events
        elif others and 0 in [t - e for e, t in zip(counts.events, counts.totals, strict=True)]:
            key, n = "guard_separation_others", others
        else:
            return
        # A risk ratio is finite when everybody of a group has the event.
        if key == "guard_separation_events" or self.entry.effect == "odds ratio":
            yield self._guard("separation", self.say(key, n=n), comparison)

    def _asymptotic(self, comparison: Comparison) -> Iterator[Guard]:
        if self.entry.test != "chi2-n1" or len(comparison.counts.groups) != 2 or not comparison.test.defined:
            return
        if least_expected(comparison.counts) < 5:
            p = self._p(compare_levels(comparison.counts, "fisher").p)
            text = self.say("guard_asymptotic", n=sum(comparison.counts.events), p=p)
            yield self._guard("asymptotic", text, comparison)

    def _p(self, p: object) -> str:
        return format_p(p, STYLES[self.cohort.study.report.style], self.alpha)  # type: ignore[arg-type]

    def _power(self, comparison: Comparison) -> Iterator[Guard]:
        """A negative finding in a small table: what it could have found."""
        counts, test = comparison.counts, comparison.test
        if len(counts.groups) != 2 or not test.defined or test.significant(self.alpha) or not min(counts.totals):
            return
        if counts.totals[0] * counts.totals[1] > MOST_TABLES:
            return
        rates = [Fraction(events, total) for events, total in zip(counts.events, counts.totals, strict=True)]
        base = 0 if rates[0] <= rates[1] else 1
        totals = (counts.totals[base], counts.totals[1 - base])
        detectable = float(detectable_rate(float(rates[base]), totals, power=POWER, alpha=self.alpha))
        if math.isnan(detectable) or detectable - rates[1 - base] <= FAR:
            return  # out of reach is the guard of the attainable P
        self.recorder.add(
            comparison.variable.name,
            "",
            "detectable_percent",
            value=100 * detectable,
            method=f"fisher two-sided minlike, power {POWER:g}, alpha {self.alpha:g}",
            n=sum(counts.totals),
            determined=True,  # from the totals and one rate of a comparison that is shown
            format="percentage",
        )
        low, high = round_half_up(100 * rates[base], 0), round_half_up(100 * detectable, 0)
        detail = self.say("guard_power_rates", low=low, high=high)
        power = round_half_up(100 * POWER, 0)
        text, lead = self.say("guard_power", rates=detail, power=power), self.say("guard_power_lead", power=power)
        yield self._guard("power", text, comparison, lead, detail)

    def _denominators(self) -> Iterator[Guard]:
        """The rate of all patients under the other ways of counting unknown outcomes."""
        outcome = endpoint(self.cohort.study, self.entry.outcome, BinaryEndpoint)
        frame = self.cohort.endpoint(self.entry.outcome)
        recorded = frame["recorded"][frame.index.isin(exhibit_population(self.cohort, self.entry).ids)]
        total, unknown = len(recorded), int(recorded.isna().sum())
        # Beside hidden cells no further count of patients is told.
        if not 0 < unknown < total or self.cohort.study.report.privacy.min_cell:
            return
        events = int(recorded.sum())
        ways = {
            "exclude": ("percent_of_known", events, total - unknown),
            "not an event": ("percent_unknown_no_events", events, total),
            "event": ("percent_unknown_events", events + unknown, total),
        }
        style, parts = STYLES[self.cohort.study.report.style], []
        for way, (statistic, count, n) in ways.items():
            if way == outcome.unknown:
                continue
            rate = self.recorder.add(
                "all",
                "all",
                statistic,
                value=Fraction(100 * count, n),
                method="proportion",
                n=n,
                determined=True,  # of the printed number of events and of unknown outcomes alone
                format="percentage",
            )
            parts.append(self.say(f"guard_rate_{way}", events=count, total=n, percent=rate.text(style.name)))
        text = self.say("guard_denominators", n=unknown, rates=self.say("guard_rate_and").join(parts))
        yield Guard(name="denominators", text=text, row="all", label="")

    def _unknown(self, comparison: Comparison) -> Iterator[Guard]:
        """P over every way in which the unknown outcomes may have turned out."""
        outcome = endpoint(self.cohort.study, self.entry.outcome, BinaryEndpoint)
        counts = comparison.counts
        if outcome.unknown == "exclude" or len(counts.groups) != 2 or not min(counts.totals):
            return
        unknown = self._unknown_by_level(comparison)
        if unknown is None:
            return
        n = unknown if isinstance(unknown, int) else sum(unknown)
        if not n:
            return
        events = counts.events
        if outcome.unknown == "event" and not isinstance(unknown, int):
            events = tuple(e - u for e, u in zip(events, unknown, strict=True))
        known = CountTable(groups=counts.groups, events=events, totals=counts.totals)
        try:
            found = p_over_completions(known, unknown=unknown)
        except InputError:
            return  # so many are unknown that no range helps
        row = comparison.variable.name
        for name, p in (("p_least_completion", found.least), ("p_greatest_completion", found.greatest)):
            self.recorder.add(
                row,
                "",
                name,
                value=p,
                method=f"fisher two-sided minlike, {found.n_completions} completions of {n} unknown outcomes",
                n=sum(counts.totals),
                determined=True,  # in a rebuilt cohort only the number of unknown outcomes is used, and that is printed
                format="p",
            )
        detail = self.say("guard_unknown_range", least=self._p(found.least), greatest=self._p(found.greatest))
        key = f"guard_unknown_{outcome.unknown}"
        yield self._guard(
            "unknown outcome", self.say(key, n=n, range=detail), comparison, self.say(f"{key}_lead", n=n), detail
        )

    def _unknown_by_level(self, comparison: Comparison) -> tuple[int, ...] | int | None:
        """Patients with unknown outcome by level; only their number, when a rebuilt cohort has just that from print."""
        recorded = self.cohort.endpoint(self.entry.outcome)["recorded"]
        unknown = recorded.isna()
        levels = self.cohort.levels(comparison.variable.name)
        if not self.recorder.rebuilt:
            found = levels[unknown].value_counts()
            return tuple(int(found.get(level, 0)) for level in comparison.counts.groups)
        outcome = endpoint(self.cohort.study, self.entry.outcome, BinaryEndpoint)
        everyone_has_a_level = sum(comparison.counts.totals) == self.cohort.n
        return int(unknown.sum()) if everyone_has_a_level and outcome.unknown == "not an event" else None

    def _outcome(self, name: str) -> pd.Series[Any]:
        """Yes/no of those with a level of the row."""
        event = self.cohort.endpoint(self.entry.outcome)["event"]
        return event[event.notna() & self.cohort.levels(name).notna()].astype(bool)

    def _composite(self, comparison: Comparison) -> Iterator[Guard]:
        name = comparison.variable.name
        chosen = ChosenGroups(cohort=self.cohort, recorder=self.recorder, say=self.say)
        yield from chosen.composite(name, self._outcome(name), row=name)

    def _cut_point(self, comparison: Comparison) -> Iterator[Guard]:
        name = comparison.variable.name
        if comparison.variable.cutoff != "this data":
            return
        found = best_cut(self.cohort, name, self._outcome(name), recorder=self.recorder, row=name)
        text = (
            self.say("guard_cut_point_searched")
            if found is None
            else self.say("guard_cut_point", p=self._p(found.p_value))
        )
        yield self._guard("cut point", text, comparison)

    def _after_outcome(self, comparison: Comparison) -> Iterator[Guard]:
        if comparison.variable.formed == "after outcome":
            yield self._guard("group after outcome", self.say("guard_group_after_outcome"), comparison)

    def _comparisons(self, shown: int) -> Iterator[Guard]:
        say, entry = self.say, self.entry
        n = shown + len(entry.tested)
        if n > 1:
            key = "comparisons_unadjusted" if entry.adjust == "none" else "comparisons_adjusted"
            method = "" if entry.adjust == "none" else say(f"adjust_method_{entry.adjust}")
            yield Guard(name="comparisons", text=say(key, n=n, method=method))
        if entry.tested:
            labels = ", ".join(self.cohort.variables[name].label for name in entry.tested)
            text = say("guard_tested", n=len(entry.tested), variables=labels)
            yield Guard(name="tested but not shown", text=text)
