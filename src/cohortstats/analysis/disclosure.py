"""Small cells: counts of fewer than k patients are not printed, nor what they could be had from.

One pass over all exhibits at once, since totals leak from one table to another. `CountReader` finds every count and the
sums, `CountSystem` decides which are hidden, and this module what follows from it: percentages, intervals and P of
hidden counts, curves where few are at risk, and sentences with counts. A sentence that is not known to be harmless is
left out.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cohortstats.analysis.count_system import Hidden
from cohortstats.analysis.exhibit import exhibit_table
from cohortstats.analysis.exhibit_counts import PATIENT_ROWS, CountReader, ExhibitCounts, address_of
from cohortstats.analysis.guards import Guard, footnotes
from cohortstats.analysis.patient_counts import Patients
from cohortstats.analysis.results import Analysis, CurvePoint, Result
from cohortstats.cohort import Cohort
from cohortstats.figures.picture import KaplanMeierPicture, RiskTable
from cohortstats.figures.pictures import Picture
from cohortstats.study import Association, Flow, TimeToEvent
from cohortstats.tables.language import Words, sentence_values
from cohortstats.tables.table import Cell, Column, Row, RowGroup

__all__ = ["NOT_SHOWN", "suppress", "without_counts"]

NOT_SHOWN = "—"

# Footnotes that hold no number of patients, as keys of the catalogue; those without gaps are known by that.
HARMLESS = (
    "quartile_type",
    "dots",
    "km_conventions",
    "rmst_note",
    "pairwise_note",
    "beyond_cutoff",
    "cox_conventions_wald",
    "cox_conventions_penalised",
    "cox_strata",
    "ratio_needs",
)
# Guards that say how something came about; those of the second kind have numbers, all of them made of printed counts.
GUARDS_OF_DESIGN = frozenset(
    {
        "several medians",
        "group after outcome",
        "immortal time",
        "comparisons",
        "tested but not shown",
        "interval censored",
    }
)
GUARDS_OF_COUNTS = frozenset(
    {
        "attainable",
        "test and interval",
        "separation",
        "asymptotic",
        "power",
        "few events",
        "crossing or late effect",
        "selection-adjusted",
        "cut point",
        "follow-up differs",
    }
)
# Sentences of the methods paragraph with numbers of patients.
METHODS_WITH_COUNTS = ("methods_droplet_pooled", "methods_droplet_pooled_one")


def suppress(cohort: Cohort, analyses: Sequence[Analysis], k: int) -> tuple[Analysis, ...]:
    """Hide counts of 1 to k − 1 in all exhibits, with everything that would give them away.

    Parameters
    ----------
    cohort
        The patients that the exhibits were made from.
    analyses
        All exhibits that are shown together.
    k
        Smallest count that may be printed; 0 hides nothing.

    Returns
    -------
    tuple of Analysis
        The exhibits in their order. A small count is ``<k``, any other number that is hidden a dash; both are
        `Result.withheld`, with a reason.

    Notes
    -----
    A small count stays unknown when two values of it are possible at least, given every number that is printed. Where
    sums leave one only, the smallest further counts are hidden (complementary suppression). The number of patients of
    the cohort is always shown, and a 0 always is a 0. Exhibits of one line a patient are left out as a whole. R:
    ``sdcTable::protectTable(method = "OPT")`` of one table.

    Examples
    --------
    >>> import cohortstats as cs
    >>> cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    >>> shown = cs.response(cohort, cohort.study.exhibit("table2"))
    >>> [hidden] = suppress(cohort, [shown], 5)
    >>> [line[:2] for line in hidden.table.strings()[1:]]
    [['CR + PR', '9 (26.5)'], ['CR', '<5'], ['PR', '—'], ['SD', '13 (38.2)'], ['PD', '—'], ['Unknown', '<5'],
     ['Total', '34']]
    """
    if not k:
        return tuple(analyses)
    reader = CountReader(cohort=cohort, k=k)
    read = [reader.read(analysis) for analysis in analyses]
    reader.counts.suppress()
    return tuple(
        _Writer(reader=reader, analysis=one, read=found).write() for one, found in zip(analyses, read, strict=True)
    )


def without_counts(sentences: Iterable[str], lang: str) -> list[str]:
    """Sentences of the methods paragraph that hold no number of patients."""
    return [text for text in sentences if all(sentence_values(lang, key, text) is None for key in METHODS_WITH_COUNTS)]


# ---------------------------------------------------------------------------------------------------------------------
# What is left
# ---------------------------------------------------------------------------------------------------------------------

Why = Literal["", "small", "second", "made", "end"]


@dataclass(slots=True, kw_only=True)
class _Writer:
    """One exhibit without what is hidden."""

    reader: CountReader
    analysis: Analysis
    read: ExhibitCounts

    @property
    def k(self) -> int:
        return self.reader.k

    @property
    def say(self) -> Words:
        return self.reader.say

    def write(self) -> Analysis:
        analysis, entry = self.analysis, self.analysis.entry
        if isinstance(entry, PATIENT_ROWS):
            column = Column(label=self.say("patients"), align="left", kind="stub")
            table = exhibit_table(self.reader.cohort, entry, [column], [], [self.say("patient_rows", k=self.k)])
            table = dataclasses.replace(table, footnotes=table.footnotes[:1])
            return dataclasses.replace(analysis, table=table, records=(), picture=None, guards=(), curve=())
        records = [self._record(record) for record in analysis.records]
        hidden = {record.address: record for record in records if record.shown_as}
        changed = {record.address: record for record in records}
        guards = self._guards(hidden)
        picture, curve, pictured = self._picture(hidden)
        groups = [
            RowGroup(rows=tuple(self._row(row, changed) for row in group.rows)) for group in analysis.table.groups
        ]
        if self.read.boxes:
            groups = self._flow_rows(groups)
        columns = [self._column(place, column) for place, column in enumerate(analysis.table.columns)]
        notes = self._notes(analysis, guards)
        if hidden or pictured or columns != list(analysis.table.columns):
            notes.append(self.say("small_cells", k=self.k, last=self.k - 1))
        if isinstance(entry, TimeToEvent) and self.read.ends:
            notes.append(self.say("curves_end", k=self.k))
            if any(self._group_hidden(group, "n") for group in self.read.ends):
                notes.append(self.say("no_curve"))
        if analysis.picture is not None and picture is None:
            notes.append(self.say("no_picture"))
        table = dataclasses.replace(
            analysis.table, groups=tuple(groups), columns=tuple(columns), footnotes=tuple(dict.fromkeys(notes))
        )
        methods = {
            key: changed.get(value.address, value) if isinstance(value, Result) else value
            for key, value in analysis.methods.items()
        }
        return dataclasses.replace(
            analysis,
            table=table,
            records=tuple(record for record in records if not self._of_selection(record)),
            picture=picture,
            curve=curve,
            guards=tuple(guards),
            methods=methods,
        )

    # ---- results

    def _sign(self, how: Hidden) -> str:
        return f"<{self.k}" if how in ("small", "end") else NOT_SHOWN

    def _how(self, key: Patients) -> Hidden:
        return self.reader.counts.hidden(key)

    def _record(self, record: Result) -> Result:
        if record.withheld:
            return record
        made = self.read.made.get(address_of(record))
        if made is None:
            return self._unknown_record(record)
        n = record.n if made.n is not None and not self._how(made.n) else None
        if made.count is not None:
            how = self._how(made.count)
            if how:
                return self._without(record, self._sign(how), "small" if how in ("small", "end") else "second", n)
            return dataclasses.replace(record, n=n)
        needed = [key for key in (*made.needs,) if self._how(key)]
        behind = record.n if made.n is None else self.reader.value(made.n)
        if needed or (behind is not None and 0 < behind < self.k):
            return self._without(record, NOT_SHOWN, "made", n)
        return self._within_curve(dataclasses.replace(record, n=n))

    def _unknown_record(self, record: Result) -> Result:
        """A number that the sums do not know: shown only where nothing about it is small."""
        few = record.n is not None and 0 < record.n < self.k
        small = record.format == "count" and record.value is not None and 0 < float(record.value) < self.k
        row = [made for address, made in self.read.made.items() if address.startswith(f"{record.row}/")]
        touched = any(self._how(key) for made in row for key in (made.count, *made.needs) if key is not None)
        if small:
            return self._without(record, f"<{self.k}", "small", None if few else record.n)
        if few or touched:
            return self._without(record, NOT_SHOWN, "made", None)
        return self._within_curve(record)

    def _within_curve(self, record: Result) -> Result:
        """Times and survival beyond the end of the curves are not shown."""
        entry = self.analysis.entry
        if not isinstance(entry, TimeToEvent) or not self.read.ends:
            return record
        ends = [self.read.ends[record.group]] if record.group in self.read.ends else list(self.read.ends.values())
        end = -math.inf if any(one is None for one in ends) else min(one for one in ends if one is not None)
        name, _, at = record.statistic.rpartition("_")
        if name in ("survival", "rmst", "survival_difference", "rmst_difference") and float(at) > end:
            return self._without(record, NOT_SHOWN, "end", None)
        if record.statistic in ("median", "follow_up"):
            if end == -math.inf or _number(record.value) > end:
                return self._without(record, NOT_SHOWN, "end", record.n)
            # A limit beyond the end is not reached by what is shown of the curve.
            lower, upper = (math.nan if _number(x) > end else x for x in (record.ci_lower, record.ci_upper))
            return dataclasses.replace(record, ci_lower=lower, ci_upper=upper)
        return record

    def _without(self, record: Result, sign: str, why: Why, n: int | None) -> Result:
        reasons = {
            "small": f"fewer than {self.k}",
            "second": f"not shown, so that a count of fewer than {self.k} stays unknown",
            "made": "not shown, since it is made of counts that are not shown",
            "end": f"not shown, since fewer than {self.k} are at risk",
        }
        comparison = record.statistic == "p_value"
        return dataclasses.replace(
            record,
            value=None if comparison else math.nan,
            p_value=math.nan if comparison else None,
            ci_lower=None,
            ci_upper=None,
            ci_level=None,
            n=n,
            reason=reasons[why],
            shown_as=sign,
        )

    def _of_selection(self, record: Result) -> bool:
        """Whether a number belongs to what the sums do not know: who is inside a population, how many are unknown."""
        if isinstance(self.analysis.entry, Flow):
            return record.statistic not in ("n", "n_out")
        return record.statistic in ("p_least_completion", "p_greatest_completion")

    # ---- table

    def _row(self, row: Row, changed: Mapping[str, Result]) -> Row:
        return dataclasses.replace(row, cells=tuple(self._cell(cell, changed) for cell in row.cells))

    def _cell(self, cell: Cell, changed: Mapping[str, Result]) -> Cell:
        results = [changed[address] for address in cell.results if address in changed]
        if not results or not any(result.shown_as for result in results):
            if cell.dot is not None and "all/all/percent" in {address_of(r) for r in changed.values() if r.shown_as}:
                return dataclasses.replace(cell, dot=None)
            if cell.format == "time (interval)":  # a limit may have become one that is not reached
                (result,) = results
                return dataclasses.replace(cell, value=(result.value, result.ci_lower, result.ci_upper))
            return cell
        first = results[0]
        if cell.format == "count (percent)" and not first.shown_as:
            return dataclasses.replace(cell, value=first.value, format="count")
        alike = {result.shown_as for result in results}
        text = (
            first.shown_as
            if cell.format in ("count", "count (percent)") and (len(results) < 3 or len(alike) == 1)
            else ""
        )
        if cell.format == "count" and len(results) > 1:
            text = NOT_SHOWN
        return dataclasses.replace(cell, value=text or NOT_SHOWN, format="text", dot=None, mark="")

    def _column(self, place: int, column: Column) -> Column:
        key = self.read.heads.get(place)
        if key is not None and self._how(key):
            start, sign, _ = column.label.rpartition(" = ")
            return dataclasses.replace(column, label=f"{start}{sign}{self._sign(self._how(key))}")
        if column.drawn_note and isinstance(self.analysis.entry, Association):
            made = self.read.made.get("all/all/percent")
            if made is not None and any(self._how(key) for key in made.needs):
                return dataclasses.replace(column, drawn_note=self.say("rate_axis_alone"))
        return column

    def _flow_rows(self, groups: list[RowGroup]) -> list[RowGroup]:
        """Reasons with their numbers stand in one cell of words."""
        rows = []
        for group, (_, out) in zip(groups, self.read.boxes, strict=True):
            (row,) = group.rows
            if len(out) > 1 and any(self._how(key) for _, key in out):
                texts = [
                    self.say(
                        "flow_reason_n",
                        reason=text,
                        n=self._sign(how) if (how := self._how(key)) else self.reader.value(key),
                    )
                    for text, key in out
                ]
                reasons = dataclasses.replace(row.cells[2], value=self.say("ledger_semicolon").join(texts))
                row = dataclasses.replace(row, cells=(*row.cells[:2], reasons, *row.cells[3:]))
            rows.append(RowGroup(rows=(row,)))
        return rows

    # ---- words

    def _guards(self, hidden: Mapping[str, Result]) -> list[Guard]:
        kept = []
        rows = {record.row.partition("/")[0] for record in hidden.values()}
        by_row = isinstance(self.analysis.entry, Association)
        for guard in self.analysis.guards:
            told = guard.name in GUARDS_OF_DESIGN
            untouched = guard.row not in rows if by_row and guard.row else not hidden
            if told or (guard.name in GUARDS_OF_COUNTS and untouched):
                kept.append(guard)
        return kept

    def _notes(self, analysis: Analysis, guards: Sequence[Guard]) -> list[str]:
        """Footnotes that are known to be harmless, in their order; those of guards where the first of them stood."""
        lang = self.reader.cohort.study.report.lang
        of_guards = set(footnotes(analysis.guards))
        declared = {f"{v.label}: {v.note}" for v in self.reader.cohort.variables.values() if v.note}
        notes: list[str] = []
        placed = False
        for note in analysis.table.footnotes:
            if note in of_guards:
                notes += [] if placed else footnotes(guards)
                placed = True
            elif note in self.read.notes:
                notes += [note] if not any(self._how(key) for key in self.read.notes[note]) else []
            elif note in declared or self._harmless(note, lang):
                notes.append(note)
            elif re.match(r"[a-z] \S", note):  # why an estimate is not defined, behind its mark
                why = note[2:]
                notes.append(note if self._harmless(why, lang) else f"{note[:2]}{self.say('not_estimable')}")
        return notes

    def _harmless(self, note: str, lang: str) -> bool:
        if any(sentence_values(lang, key, note) is not None for key in HARMLESS):
            return True
        # A sentence of the catalogue without gaps, but none that tells of one patient.
        return sentence_values(lang, "", note) is not None

    # ---- picture

    def _picture(self, hidden: Mapping[str, Result]) -> tuple[Picture | None, tuple[CurvePoint, ...], bool]:
        """Picture and curve data as far as they may be shown, and whether a number of the picture is hidden."""
        picture = self.analysis.picture
        if not isinstance(self.analysis.entry, TimeToEvent):
            return (None if hidden else picture), (), False
        # The height of a step tells of how many it is one: a group whose number is hidden has no curve.
        ends = {name: None if self._group_hidden(name, "n") else end for name, end in self.read.ends.items()}
        curve = tuple(
            point
            for point in self.analysis.curve
            if (end := ends.get(point.group)) is not None
            and point.time <= end
            and not self._group_hidden(point.group, "events")
        )
        if not isinstance(picture, KaplanMeierPicture):
            return None, curve, False
        kept = [place for place, group in enumerate(picture.groups) if ends.get(group.name) is not None]
        if not kept:
            return None, curve, False
        groups = []
        for place in kept:
            group = picture.groups[place]
            end = ends[group.name]
            assert end is not None  # as above
            n = sum(time <= end for time in group.times)
            n_censored = sum(time <= end for time in group.censor_times)
            median = group.median if group.median is not None and group.median <= end else None
            groups.append(
                dataclasses.replace(
                    group,
                    times=group.times[:n],
                    survival=group.survival[:n],
                    ci_lower=group.ci_lower[:n],
                    ci_upper=group.ci_upper[:n],
                    end=max(min(group.end, end), group.times[n - 1]),
                    censor_times=group.censor_times[:n_censored],
                    censor_survival=group.censor_survival[:n_censored],
                    median=median,
                    median_text=group.median_text if median is not None or group.median is None else NOT_SHOWN,
                    colour=picture.slot(place),
                )
            )
        x_max = max(group.end for group in groups)
        ticks = tuple(tick for tick in picture.ticks if tick <= x_max)
        risk, pictured = None, False
        if picture.risk_table is not None and x_max > 0:
            blocks = []
            for place in kept:
                block = []
                for row, keys in zip(picture.risk_table.rows[place], self.read.risk[place], strict=True):
                    block.append(
                        tuple(
                            self._sign(how) if (how := self._how(key)) else n
                            for n, key in zip(row[: len(ticks)], keys[: len(ticks)], strict=True)
                        )
                    )
                    pictured |= any(isinstance(n, str) for n in block[-1])
                blocks.append(tuple(block))
            risk = RiskTable(ticks=ticks, rows=tuple(blocks))  # type: ignore[arg-type]
        greyed = picture.min_at_risk_time
        test = any(result.statistic == "p_value" and not result.group for result in hidden.values())
        drawn = dataclasses.replace(
            picture,
            groups=tuple(groups),
            x_max=x_max if x_max > 0 else picture.x_max,
            ticks=ticks,
            p_text="" if test else picture.p_text,
            risk_table=risk,
            min_at_risk_time=tuple(
                time if (time := greyed[place]) is not None and time <= groups[position].end else None
                for position, place in enumerate(kept)
            )
            if greyed
            else (),
        )
        return drawn, curve, pictured

    def _group_hidden(self, group: str, statistic: str) -> bool:
        entry = self.analysis.entry
        made = self.read.made.get(f"{entry.endpoint}/{group}/{statistic}") if isinstance(entry, TimeToEvent) else None
        return made is not None and made.count is not None and bool(self._how(made.count))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
