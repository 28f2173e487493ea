"""What a reader must know of how the times of an endpoint came about: reasons, visits, deaths, who has none."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.analysis.exhibit import exhibit_population
from cohortstats.analysis.guards import Guard
from cohortstats.analysis.results import CI_LEVEL, Recorder
from cohortstats.cohort import Cohort
from cohortstats.derivations.event_dates import scan_interval
from cohortstats.derivations.time_to_event import competing_events
from cohortstats.stats.competing import cumulative_incidence
from cohortstats.study import TimeToEvent, TimeToEventEndpoint
from cohortstats.tables.language import Words
from cohortstats.tables.numbers import STYLES, format_number

__all__ = ["EndpointGuards"]

TOLD = ("start after cut-off", "event without a date", "no entry", "entry after cut-off", "no time after entry")
"""Why a patient has no time, where that is a rule of the endpoint and no gap in the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointGuards:
    """Footnotes of one endpoint in one exhibit; ``frame`` has its patients, ``cohort`` is the whole."""

    cohort: Cohort
    entry: TimeToEvent
    outcome: TimeToEventEndpoint
    frame: pd.DataFrame
    recorder: Recorder
    say: Words

    def all(self) -> Iterator[Guard]:
        """In the order in which they are read."""
        yield from self.left_out()
        if self.recorder.rebuilt or self.frame.empty:
            return
        yield from self.reasons()
        yield from self.visits()
        yield from self.deaths()

    @property
    def _label(self) -> str:
        return self.outcome.label or self.outcome.name

    @property
    def _mine(self) -> pd.DataFrame:
        """Rows of the endpoint for the patients of the exhibit."""
        return self.cohort.endpoint(self.entry.endpoint).loc[self.frame.index]

    def _counted(self, reasons: pd.Series) -> str:
        """``3 progression, 2 death``, the most frequent first, of equals the one that comes first."""
        names = {"death": self.say("reason_death")} if self.outcome.deaths else {}
        counts = reasons.value_counts(sort=False).sort_values(ascending=False, kind="stable")
        return self.say("between_reasons").join(
            self.say("reason_count", n=int(n), reason=names.get(str(reason), str(reason)))
            for reason, n in counts.items()
        )

    def left_out(self) -> Iterator[Guard]:
        """Who is not in the analysis by a rule of the endpoint."""
        frame = exhibit_population(self.cohort, self.entry).endpoint(self.entry.endpoint)
        counts = frame.loc[frame["time"].isna(), "reason"].value_counts()
        for reason in TOLD:
            if reason in counts.index:
                yield Guard(name=reason, text=self.say(f"left_out_{reason}", n=int(counts[reason])))

    def reasons(self) -> Iterator[Guard]:
        """How often each declared event happened, and each reason of censoring."""
        if not (self.outcome.events or self.outcome.censors or self.outcome.stops or self.outcome.deaths):
            return
        event, reason = self.frame["event"].to_numpy(dtype=bool), self._mine["reason"]
        for key, mask in (("reasons_events", event), ("reasons_censored", ~event)):
            if mask.any():
                yield Guard(name="reasons", text=self.say(key, reasons=self._counted(reason[mask])))

    def visits(self) -> Iterator[Guard]:
        """A curve that steps at visits."""
        if not self.outcome.interval_censored:
            return
        interval = scan_interval(self.cohort, self.outcome)
        days = "" if math.isnan(interval) else format_number(interval, STYLES[self.cohort.study.report.style])
        key = "guard_interval_censored" if days else "guard_interval_censored_unknown"
        yield Guard(name="interval censored", text=self.say(key, label=self._label, interval=days))

    def deaths(self) -> Iterator[Guard]:
        """Deaths without the event: how many, what became of them, and the incidence of both as competing events."""
        if not self.outcome.deaths:
            return
        say, rule = self.say, self.outcome.deaths
        found = competing_events(self.cohort, self.outcome).reindex(self.frame.index)
        cause = found["cause"]
        n = int((cause == "death").sum())
        text = say(f"guard_deaths_{rule}", n=n, label=self._label)
        if n and "entry" not in self.frame:
            # Not from the landmark, where there is one: its incidence is of those still under observation.
            time = found["time"].to_numpy(dtype=float) - self.entry.landmark
            text += say("between_sentences") + self._incidence(time, cause)
        yield Guard(name="deaths", text=text)

    def _incidence(self, times: npt.NDArray[np.float64], cause: pd.Series) -> str:
        style = STYLES[self.cohort.study.report.style]
        last = float(times[(cause != "censored").to_numpy()].max())
        at = list(self.entry.at) or [last]
        table = cumulative_incidence(times, cause, times=at, ci_level=CI_LEVEL)
        parts = []
        for place, row in enumerate(at):
            shares = {}
            for name, statistic in (("event", "cumulative_incidence"), ("death", "cumulative_incidence_death")):
                line = table[table["cause"] == name].iloc[place]
                result = self.recorder.add(
                    self.entry.endpoint,
                    "",
                    f"{statistic}_{row:g}",
                    value=100 * float(line["estimate"]),
                    ci_lower=100 * float(line["ci_lower"]),
                    ci_upper=100 * float(line["ci_upper"]),
                    ci_level=CI_LEVEL,
                    method="aalen-johansen, log-log limits",
                    n=len(times),
                    reason=str(line["reason"]),
                    format="percentage",
                )
                shares[name] = result.write(result.value, style.name)
            unit = self.say(f"unit_{self.outcome.unit}")
            parts.append(self.say("incidence_at", time=format_number(row, style), unit=unit, **shares))
        return self.say("guard_incidence", times=self.say("between_covariates").join(parts))
