"""What a reader must know beside survival curves and their test."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cohortstats.analysis.chosen_groups import MOST_PERMUTED, ChosenGroups, best_cut
from cohortstats.analysis.guards import Guard
from cohortstats.analysis.results import Recorder
from cohortstats.analysis.survival_endpoint import EndpointGuards
from cohortstats.analysis.survival_picture import SurvivalLine
from cohortstats.analysis.survival_test import DRAWS, Comparisons, exact_test
from cohortstats.cohort import Cohort
from cohortstats.derivations.designs import late_groups
from cohortstats.stats.kaplan_meier import KaplanMeier
from cohortstats.stats.log_rank_exact import LogRankExact
from cohortstats.study import TimeToEvent, TimeToEventEndpoint
from cohortstats.tables.language import Words
from cohortstats.tables.numbers import STYLES, format_number, format_p

__all__ = ["survival_guards"]

FEW_EVENTS, FEW_EXPECTED, FEW_AT_RISK = 10, 5, 5
FOLLOW_UP_P = 0.1
MOST_COUNTED = 40  # patients up to which all labellings are counted for a footnote: seconds, not minutes


def survival_guards(
    cohort: Cohort,
    entry: TimeToEvent,
    outcome: TimeToEventEndpoint,
    frame: pd.DataFrame,
    curves: KaplanMeier | None,
    lines: Sequence[SurvivalLine],
    labels: Mapping[str, str],
    compared: Comparisons,
    recorder: Recorder,
    say: Words,
) -> list[Guard]:
    """All guards, in the order of the footnotes.

    In a rebuilt cohort only those that follow from the design are said: whether one of the others holds depends on rows
    that the paper does not determine.
    """
    guards = _SurvivalGuards(
        cohort=cohort,
        entry=entry,
        outcome=outcome,
        frame=frame,
        lines=lines,
        labels=labels,
        compared=compared,
        recorder=recorder,
        say=say,
    )
    of_endpoint = EndpointGuards(cohort=cohort, entry=entry, outcome=outcome, frame=frame, recorder=recorder, say=say)
    found = [*guards.conventions(), *guards.design(), *guards.late_entries(), *of_endpoint.all()]
    if curves is not None and not recorder.rebuilt:
        found += [*guards.asymptotic(), *guards.thin_tail(), *guards.comparisons()]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _SurvivalGuards:
    cohort: Cohort
    entry: TimeToEvent
    outcome: TimeToEventEndpoint
    frame: pd.DataFrame
    lines: Sequence[SurvivalLine]
    labels: Mapping[str, str]
    compared: Comparisons
    recorder: Recorder
    say: Words

    def _p(self, p: object) -> str:
        study = self.cohort.study
        return format_p(p, STYLES[study.report.style], study.alpha)  # type: ignore[arg-type]

    # ---- conventions

    def conventions(self) -> Iterator[Guard]:
        """Which switches differ from the profile."""
        chosen = self.cohort.study.conventions
        differing = chosen.differing()
        if "median" in differing:
            rule, profile = differing["median"]
            yield Guard(name="several medians", text=self.say("guard_median_rule", rule=rule, profile=profile))
        if "km_ci" in differing:
            kind, profile = differing["km_ci"]
            yield Guard(name="several medians", text=self.say("guard_limits", type=kind, profile=profile))

    # ---- design

    def design(self) -> Iterator[Guard]:
        """How the groups came about."""
        if not self.entry.groups or self.entry.groups not in self.cohort.variables:
            return
        variable = self.cohort.variables[self.entry.groups]
        after_outcome = variable.formed == "after outcome"
        if after_outcome:
            yield Guard(name="group after outcome", text=self.say("guard_group_after_outcome"))
        tested = self.entry.test != "none"
        composite = []
        if tested and "entry" not in self.frame:  # with late entries patients cannot change places
            chosen = ChosenGroups(cohort=self.cohort, recorder=self.recorder, say=self.say)
            composite = list(chosen.composite(self.entry.groups, self._outcome, row=self.entry.endpoint))
        yield from composite
        if after_outcome and not (self.entry.landmark and composite):
            yield Guard(name="group after outcome", text=self.say("guard_alternatives"))
        if variable.cutoff == "this data" and tested and "entry" not in self.frame:
            yield self._cut_point()
        late = late_groups(self.cohort, self.entry.groups, self.entry.endpoint, self.entry.landmark)
        if self.entry.allow_immortal and late:
            yield Guard(name="immortal time", text=self.say("guard_immortal"))

    def _cut_point(self) -> Guard:
        """The P of the best cut of the number behind the groups, where they are one cut of one number."""
        found = best_cut(self.cohort, self.entry.groups, self._outcome, recorder=self.recorder, row=self.entry.endpoint)
        if found is None:
            return Guard(name="cut point", text=self.say("guard_cut_point_searched"))
        return Guard(name="cut point", text=self.say("guard_cut_point", p=self._p(found.p_value)))

    @property
    def _outcome(self) -> pd.DataFrame:
        return self.frame[["time", "event"]]

    def late_entries(self) -> Iterator[Guard]:
        """Who was not under observation from the start."""
        if "entry" in self.frame:
            n = int((self.frame["entry"] > 0).sum())
            yield Guard(name="delayed entry", text=self.say("guard_delayed_entry", n=n))

    # ---- numbers

    def asymptotic(self) -> Iterator[Guard]:
        """A chi-square P of few events, beside the exact one."""
        log_rank = self.compared.log_rank
        if self.compared.exact is not None:
            yield from self._follow_up(self.compared.exact)
            return
        if log_rank is None or log_rank.reason:
            return
        events = int(self.frame["event"].sum())
        expected = log_rank.expected[log_rank.n > 0]
        weighted = self.entry.test != "logrank" or log_rank.rho != 0
        if events >= FEW_EVENTS and (weighted or expected.min() >= FEW_EXPECTED):
            return
        exact = None
        alone = "stratum" not in self.frame and "entry" not in self.frame
        if np.count_nonzero(log_rank.n) == 2 and alone and len(self.frame) <= MOST_PERMUTED:
            # Of a weighted test no exact form is offered; its plain one answers another question.
            exact = (
                None
                if weighted
                else exact_test(self.frame, timefix=self.cohort.study.conventions.timefix, most=MOST_COUNTED)
            )
        if exact is None or math.isnan(exact.p_value):
            yield Guard(name="asymptotic", text=self.say("guard_asymptotic_only", n=events))
            return
        drawn = exact.draws is not None
        self.recorder.add(
            self.entry.endpoint,
            "",
            "exact_p",
            value=exact.p_value,
            method=exact.method,
            n=len(self.frame),
            format="p",
        )
        key = "guard_asymptotic_permutation" if drawn else "guard_asymptotic"
        text = self.say(key, n=events, p=self._p(exact.p_value), draws=f"{DRAWS:,}")
        yield Guard(name="asymptotic", text=text)
        yield from self._follow_up(exact)

    def _follow_up(self, exact: LogRankExact) -> Iterator[Guard]:
        if exact.follow_up_p_value < FOLLOW_UP_P:
            yield Guard(name="follow-up differs", text=self.say("guard_follow_up"))

    def thin_tail(self) -> Iterator[Guard]:
        """An estimate that is read where few are left."""
        style = STYLES[self.cohort.study.report.style]
        unit = self.say(f"unit_{self.outcome.unit}")
        for line in self.lines:
            members = self.frame[self.frame["group"] == line.group] if self.entry.groups else self.frame
            times = np.sort(members["time"].to_numpy())
            read = [float(line.median.value or math.nan)]
            read += [time for time, point in zip(self.entry.at, line.survival, strict=True) if not point.reason]
            if "entry" in self.frame:
                continue  # with late entries the number at risk rises and falls
            if times.size and any((times >= time).sum() < FEW_AT_RISK for time in read if not math.isnan(time)):
                last = float(times[-FEW_AT_RISK]) if times.size >= FEW_AT_RISK else 0.0
                text = self.say("guard_thin_tail", time=format_number(last, style), unit=unit)
                label = self.labels[line.group] if self.entry.groups else ""
                yield Guard(name="thin tail", text=text, row=line.group, label=label)

    def comparisons(self) -> Iterator[Guard]:
        n = len(self.compared.pairs) + (self.compared.test is not None)
        if n > 1:
            adjust = self.entry.pairwise
            if adjust == "none":
                text = self.say("comparisons_unadjusted", n=n)
            else:
                text = self.say(
                    "comparisons_adjusted", n=len(self.compared.pairs), method=self.say(f"adjust_method_{adjust}")
                )
            yield Guard(name="comparisons", text=text)
