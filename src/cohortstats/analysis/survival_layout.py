"""How the estimates of a survival analysis are laid out: groups become lines, statistics become columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cohortstats.analysis.exhibit import exhibit_table, text_cell
from cohortstats.analysis.guards import Guard, footnotes
from cohortstats.analysis.results import Recorder, Result
from cohortstats.analysis.survival_picture import SurvivalLine
from cohortstats.analysis.survival_test import Comparisons
from cohortstats.cohort import Cohort
from cohortstats.study import TimeToEvent, TimeToEventEndpoint
from cohortstats.tables.language import Words
from cohortstats.tables.numbers import STYLES, format_exact
from cohortstats.tables.table import EMPTY, Cell, Column, Row, RowGroup, Table

if TYPE_CHECKING:
    from cohortstats.analysis.time_to_event import SurvivalData

__all__ = ["SurvivalLayout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalLayout:
    """How groups and their comparison become lines, columns and footnotes."""

    cohort: Cohort
    entry: TimeToEvent
    outcome: TimeToEventEndpoint
    labels: Mapping[str, str]
    recorder: Recorder
    say: Words

    @property
    def unit(self) -> str:
        return self.say(f"unit_{self.outcome.unit}")

    def _given(self, time: float) -> str:
        return format_exact(time, STYLES[self.cohort.study.report.style])

    def table(
        self, lines: Sequence[SurvivalLine], compared: Comparisons, data: SurvivalData, guards: Sequence[Guard]
    ) -> Table:
        """Groups first, then the difference of two of them, then pairs of several."""
        groups = [RowGroup(rows=tuple(self._line(line, compared, first=line is lines[0]) for line in lines))]
        if compared.differences:
            groups.append(RowGroup(rows=(self._difference_row(lines, compared),)))
        if compared.pairs:
            groups.append(RowGroup(rows=tuple(self._pair_rows(compared))))
        notes = [*self._notes(compared, data), *footnotes(guards), *self.recorder.footnotes()]
        return exhibit_table(self.cohort, self.entry, self._columns(compared), groups, notes)

    def _columns(self, compared: Comparisons) -> list[Column]:
        say, entry, unit = self.say, self.entry, self.unit
        columns = [
            Column(label=say("group"), align="left", kind="stub"),
            Column(label="n"),
            Column(label=say("events")),
        ]
        if entry.follow_up:
            columns.append(Column(label=say("follow_up_unit", unit=unit), note=say("follow_up_note")))
        columns.append(Column(label=say("median_unit", unit=unit), note=say("ci_95")))
        columns += [
            Column(label=say("survival_at", time=self._given(time), unit=unit), note=say("percent_ci"))
            for time in entry.at
        ]
        if entry.rmst:
            columns.append(Column(label=say("rmst_until", time=self._given(entry.rmst), unit=unit), note=say("ci_95")))
        if compared.test is not None:
            columns.append(Column(label=f"*{say('p')}*", note=say(f"test_{entry.test}")))
        elif compared.pairs:
            columns.append(Column(label=f"*{say('p')}*"))
        return columns

    def _line(self, line: SurvivalLine, compared: Comparisons, *, first: bool) -> Row:
        recorder = self.recorder
        cells = [
            text_cell(self.labels[line.group]),
            recorder.cell("count", line.n.value, line.n),
            recorder.cell("count", line.events.value, line.events),
        ]
        if line.follow_up is not None:
            cells.append(self._time_cell(line.follow_up))
        cells.append(self._time_cell(line.median))
        cells += [recorder.cell("percent (interval)", (*_shares(point), point.n), point) for point in line.survival]
        if line.rmst is not None:
            cells.append(self._mean_cell(line.rmst))
        if compared.test is not None:
            cells.append(self._p_cell(compared.test) if first else EMPTY)
        elif compared.pairs:
            cells.append(EMPTY)
        return Row(kind="line", cells=tuple(cells))

    def _p_cell(self, result: Result) -> Cell:
        p = result.value if result.statistic == "p_adjusted" else result.p_value
        return self.recorder.cell("p", (p, self.cohort.study.alpha), result)

    def _time_cell(self, median: Result) -> Cell:
        if median.reason == "no patients":  # not estimable, which is another thing than not reached
            return self.recorder.cell("number", median.value, median)
        return self.recorder.cell("time (interval)", (median.value, median.ci_lower, median.ci_upper), median)

    def _mean_cell(self, mean: Result) -> Cell:
        if mean.reason:
            return self.recorder.cell("number", mean.value, mean)
        return self.recorder.cell("time (interval)", (mean.value, mean.ci_lower, mean.ci_upper), mean)

    def _difference_row(self, lines: Sequence[SurvivalLine], compared: Comparisons) -> Row:
        first, second = list(self.labels.values())[:2]
        lead = 5 if self.entry.follow_up else 4
        smaller = None if any(line.n.withheld for line in lines) else min(int(line.n.value or 0) for line in lines)
        cells = [text_cell(self.say("difference_row", first=first, second=second)), *[EMPTY] * (lead - 1)]
        for name, difference in compared.differences.items():
            if name.startswith("rmst"):
                cells.append(self._mean_cell(difference))
            elif difference.reason:
                cells.append(self.recorder.cell("number", difference.value, difference))
            else:
                cells.append(self.recorder.cell("difference", (*_shares(difference), smaller), difference))
        if compared.test is not None:
            cells.append(EMPTY)
        return Row(kind="line", cells=tuple(cells))

    def _pair_rows(self, compared: Comparisons) -> list[Row]:
        width = len(self._columns(compared))
        rows = []
        for pair in compared.pairs:
            text = self.say("pairwise_row", first=self.labels[pair.first], second=self.labels[pair.second])
            shown = pair.p_value if pair.adjusted is None else pair.adjusted
            rows.append(Row(kind="line", cells=(text_cell(text), *[EMPTY] * (width - 2), self._p_cell(shown))))
        return rows

    def _notes(self, compared: Comparisons, data: SurvivalData) -> list[str]:
        say, entry, conventions = self.say, self.entry, self.cohort.study.conventions
        notes = [
            say(
                "km_conventions",
                ci=say(f"km_ci_{conventions.km_ci}"),
                rule=say(f"median_rule_{conventions.median}", half=self._given(0.5)),
                not_reached=STYLES[self.cohort.study.report.style].not_reached,
            )
        ]
        if entry.landmark:
            notes.append(say("landmark_note", time=self._given(entry.landmark), unit=self.unit, n=data.before_landmark))
        if entry.follow_up:
            notes.append(say("follow_up_method"))
        if entry.rmst:
            notes.append(say("rmst_note", time=self._given(entry.rmst), unit=self.unit))
        if compared.pairs:
            adjusted = entry.pairwise != "none"
            method = say(f"adjust_method_{entry.pairwise}") if adjusted else say("pairwise_unadjusted")
            notes.append(say("pairwise_note", method=method))
        if data.without_time:
            notes.append(say("without_time", n=data.without_time))
        if data.without_group:
            notes.append(say("without_group", n=data.without_group))
        if compared.test is not None and compared.test.reason not in ("", "no patients") and not compared.test.withheld:
            notes.append(f"{say(f'test_{entry.test}')}: {compared.test.reason}")
        return notes


def _shares(percent: Result) -> tuple[float, ...]:
    """A percentage and its limits as shares; nan where a limit is not defined."""
    numbers = (percent.value, percent.ci_lower, percent.ci_upper)
    return tuple(math.nan if number is None else float(number) / 100 for number in numbers)
