"""The table of trials with its forest plot: what was printed, as it was printed, and the pooled ratio if asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cohortstats.analysis.exhibit import section
from cohortstats.analysis.guards import Guard
from cohortstats.analysis.results import CI_LEVEL, Analysis, Result
from cohortstats.cohort import Cohort
from cohortstats.errors import InputError
from cohortstats.figures.forest_picture import ForestEstimate, ForestPicture, ForestRow
from cohortstats.figures.trial_forest import TrialWords, median_texts, median_units, trial_picture
from cohortstats.published.evidence import EvidenceRecorder, evidence_table
from cohortstats.published.trials.pooled import CANNOT_HOLD, PooledTrials, pool_trials
from cohortstats.published.trials.read import read_trials, trials_frame
from cohortstats.study import Exhibit, Trials
from cohortstats.tables.language import Words, words
from cohortstats.tables.numbers import FORMATS, STYLES, Style, format_percent
from cohortstats.tables.table import EMPTY, Cell, Column, Row, RowGroup

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["trials"]

MARK = "✗"


def trials(cohort: Cohort, entry: Exhibit) -> Analysis:
    """Comparisons that trials printed, with a forest plot and, where asked for, the pooled ratio.

    Parameters
    ----------
    cohort
        Gives the study; none of its patients is used.
    entry
        A ``[[trials]]`` section.

    Returns
    -------
    Analysis
        By the id of a comparison (row): ``hr`` with its printed interval, ``n``, ``p_value``; ``median`` and ``n`` of
        each arm (group); ``weight`` in percent. Row ``pooled``: ``k``, ``hr``, ``p_value``, ``q``, ``i2`` in percent,
        ``tau2``, ``prediction``. A P printed as a bound, such as <0.001, is nan with that reason.

    Raises
    ------
    InputError
        When the section is of another kind, or names a comparison that the file does not have.
    DataError
        When the file has errors.

    Notes
    -----
    See `pool_trials`. Rows that cannot be pooled cost no report: a footnote says why.

    Examples
    --------
    >>> import dataclasses, pathlib, tempfile
    >>> import cohortstats as cs
    >>> from cohortstats.study import Trials
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "review.toml"
    >>> _ = file.write_text('''cohortstats_published = 1
    ... [paper]
    ... id = "review"
    ... [[trial]]
    ... id = "emilia_os"
    ... trial = "EMILIA"
    ... hr = "0.68"
    ... ci = "0.55–0.85"
    ... [[trial]]
    ... id = "th3resa_os"
    ... trial = "TH3RESA"
    ... hr = "0.552"
    ... ci = "0.369–0.826"
    ... ''', encoding="utf-8")
    >>> entry = Trials(id="os", title="Overall survival", file=str(file), method="fixed")
    >>> study = dataclasses.replace(cs.Study.read(cs.shipped_study("sakai2018")), exhibits=(entry,))
    >>> [line[:2] for line in cs.trials(cs.load_cohort(study), entry).table.strings()]
    [['Trial', 'HR (95% CI)'], ['EMILIA', '0.68 (0.55–0.85)'], ['TH3RESA', '0.552 (0.369–0.826)'],
     ['Pooled', '0.65 (0.54–0.79)']]
    """
    entry = section(entry, Trials)
    study = cohort.study
    frame = _frame(cohort, entry)
    layout = _Layout(
        entry=entry,
        frame=frame,
        recorder=EvidenceRecorder(study, entry.id),
        say=words(study.report.lang),
        style=STYLES[study.report.style],
        alpha=study.alpha,
    )
    pooled, why = _pooled(frame, entry)
    groups = layout.groups(pooled)
    guards = [Guard(name="pooling", text=text, row="pooled") for text in layout.pooling_notes(pooled, why)]
    notes = [*layout.notes(pooled), *(guard.text for guard in guards)]
    table = evidence_table(cohort, entry, layout.columns(pooled), groups, notes)
    return Analysis(
        study_id=study.id,
        entry=entry,
        table=table,
        records=tuple(layout.recorder.records),
        picture=layout.picture(pooled),
        guards=tuple(guards),
        methods={"pooled": pooled is not None, "method": entry.method, "interval": entry.interval},
    )


def _frame(cohort: Cohort, entry: Trials) -> pd.DataFrame:
    """Rows of the exhibit in their order."""
    study = cohort.study
    if entry.file:
        frame = read_trials(study.folder / entry.file)
    elif study.printed is not None:
        frame = trials_frame(study.printed)
    else:
        raise InputError(f"{entry.id} needs file, a file of printed values with [[trial]] sections.")
    if not entry.rows:
        return frame[frame["hr"].notna()].reset_index(drop=True)
    absent = [row for row in entry.rows if row not in set(frame["id"])]
    if absent:
        raise InputError(f"{entry.id}: {', '.join(absent)} is no trial of the file.")
    return frame.set_index("id", drop=False).loc[list(entry.rows)].reset_index(drop=True)


def _pooled(frame: pd.DataFrame, entry: Trials) -> tuple[PooledTrials | None, tuple[str, ...]]:
    """The pooled ratio, or why there is none."""
    if entry.method == "none":
        return None, ()
    having = frame[frame["hr"].notna() & frame["ci_lower"].notna() & frame["ci_upper"].notna()]
    try:
        pooled = pool_trials(
            having, entry.method, entry.interval, ci_level=CI_LEVEL, allow_conflicts=entry.allow_conflicts
        )
    except InputError as refusal:
        return None, refusal.problems
    return pooled, ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How comparisons become results, lines, columns, footnotes and a picture."""

    entry: Trials
    frame: pd.DataFrame
    recorder: EvidenceRecorder
    say: Words
    style: Style
    alpha: float

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [{str(name): value for name, value in row.items()} for row in self.frame.to_dict("records")]

    @property
    def units(self) -> list[str]:
        """Units of the medians: each has a column of its own."""
        return median_units(self.rows, self.entry.unit or None)

    @property
    def with_n(self) -> bool:
        return bool(self.frame["n"].notna().any())

    @property
    def conflicts(self) -> bool:
        return bool((self.frame["verdict"] == CANNOT_HOLD).any())

    @property
    def several_levels(self) -> bool:
        return len(set(self.frame["ci_level"])) > 1

    def unit(self, name: str) -> str:
        """Name of a unit in the language of the report; one that it has no word for keeps its own."""
        return self.say(f"unit_{name}") if name in ("days", "weeks", "months", "years") else name

    def columns(self, pooled: PooledTrials | None) -> list[Column]:
        say = self.say
        columns = [Column(label=say("trial"), align="left", kind="stub")]
        columns += [Column(label="n")] if self.with_n else []
        columns += [
            Column(label=say("median_unit", unit=self.unit(name)) if name else say("statistic_median"))
            for name in self.units
        ]
        columns.append(Column(label=say("hr_any_ci") if self.several_levels else say("hr_ci")))
        columns.append(Column(label=f"*{say('p')}*"))
        return columns + ([Column(label=say("weight"), note="%")] if pooled is not None else [])

    # ---- lines

    def groups(self, pooled: PooledTrials | None) -> list[RowGroup]:
        weights = dict(zip(pooled.trials, pooled.weights.tolist(), strict=True)) if pooled is not None else {}
        groups = [RowGroup(rows=tuple(self._lines(row, weights, pooled))) for row in self.rows]
        if pooled is not None:
            groups.append(RowGroup(rows=(self._pooled_line(pooled),)))
        return groups

    def _lines(
        self, row: Mapping[str, Any], weights: Mapping[str, float], pooled: PooledTrials | None
    ) -> Iterator[Row]:
        """The trial, and under it its arms with what was printed of them; without arms one line is both."""
        name = ", ".join(filter(None, (row["trial"], row["endpoint"])))
        arms = self.say("versus").join(filter(None, (row["arm_1"], row["arm_2"])))
        cells = self._cells(row, weights, pooled)
        if name and arms:
            yield Row(kind="variable", cells=(Cell(value=name), *[EMPTY] * len(cells)))
            yield Row(kind="level", indent=1, cells=(Cell(value=arms), *cells))
        else:
            yield Row(kind="variable", cells=(Cell(value=name or arms or row["id"]), *cells))

    def _cells(self, row: Mapping[str, Any], weights: Mapping[str, float], pooled: PooledTrials | None) -> list[Cell]:
        cells: list[Cell] = []
        size = self._count(row["id"], "", row["n"])
        for place in (1, 2):
            self._count(row["id"], row[f"arm_{place}"], row[f"n_{place}"])
        if self.with_n:
            cells.append(EMPTY if size is None else self.recorder.cell("count", size.value, size))
        cells += self._median_cells(row)
        cells += [self._ratio_cell(row), self._p_cell(row)]
        if pooled is not None:
            cells.append(self._weight_cell(row["id"], weights))
        return cells

    def _count(self, row: str, group: str, n: Any) -> Result | None:
        if n is None or type(n).__name__ == "NAType" or n != n:
            return None
        return self.recorder.add(row, group, "n", value=int(n), n=int(n), method="as printed", format="count")

    def _median_cells(self, row: Mapping[str, Any]) -> list[Cell]:
        asked = self.entry.unit or None
        texts = median_texts(row, self.units, asked, self.say("versus"))
        converted = asked is not None and row["unit"] != asked
        results = []
        for place in (1, 2):
            value = float(row[f"median_{place}"])
            if math.isnan(value):
                continue
            method = "as printed"
            if converted:
                alone = {"unit": row["unit"], "median_1_printed": row[f"median_{place}_printed"]}
                value = float(median_texts(alone, [str(asked)], asked, " v ")[0].partition(" v ")[0])
                method = f"as printed in {row['unit']}, in {asked} of 30.4375 days to a month"
            results.append(
                self.recorder.add(row["id"], row[f"arm_{place}"], "median", value=value, method=method, format="number")
            )
        return [self.recorder.cell("digits", text, *results) if text else EMPTY for text in texts]

    def _ratio_cell(self, row: Mapping[str, Any]) -> Cell:
        if math.isnan(row["hr"]):
            return EMPTY
        level = row["ci_level"]
        limits = not math.isnan(row["ci_lower"]) and not math.isnan(row["ci_upper"])
        ratio = self.recorder.add(
            row["id"],
            "",
            "hr",
            value=row["hr"],
            ci_lower=row["ci_lower"] if limits else None,
            ci_upper=row["ci_upper"] if limits else None,
            ci_level=level if limits else None,
            method="as printed",
            format="hazard ratio",
        )
        text = row["hr_printed"]
        if limits:
            percent = (
                f"; {format_percent(Fraction(repr(level)), STYLES['paper'], None)}%" if self.several_levels else ""
            )
            text += f" ({row['ci_lower_printed']}{self.style.range}{row['ci_upper_printed']}{percent})"
        return self.recorder.cell("digits", text, ratio)

    def _p_cell(self, row: Mapping[str, Any]) -> Cell:
        mark = MARK if row["verdict"] == CANNOT_HOLD else ""
        if not row["p_printed"]:
            return Cell(value="", mark=mark)
        bound = bool(row["p_relation"]) or math.isnan(row["p_value"])
        result = self.recorder.add(
            row["id"],
            "",
            "p_value",
            p_value=math.nan if bound else row["p_value"],
            method="as printed",
            reason=f"printed as {row['p_printed']}" if bound else "",
        )
        return self.recorder.cell("digits", row["p_printed"], result, mark=f" {mark}" if mark else "")

    def _weight_cell(self, row: str, weights: Mapping[str, float]) -> Cell:
        if row not in weights:
            return EMPTY
        share = 100 * weights[row]
        result = self.recorder.add(
            row, "", "weight", origin="from printed", value=share, method="inverse variance", format="percentage"
        )
        return self.recorder.cell("percent", (share / 100, None), result)

    def _pooled_line(self, pooled: PooledTrials) -> Row:
        add = self._add_pooled(pooled)
        ratio = add("hr", value=pooled.estimate, limits=(pooled.ci_lower, pooled.ci_upper), format="hazard ratio")
        p = add("p_value", p_value=pooled.p_value)
        add("k", value=pooled.k, format="count")
        add("q", value=pooled.q, p_value=pooled.q_p)
        add("df", value=pooled.df, format="count")
        add("i2", value=100 * pooled.i2)
        add("tau2", value=pooled.tau2)
        if not math.isnan(pooled.prediction_lower):
            limits = (pooled.prediction_lower, pooled.prediction_upper)
            add("prediction", value=pooled.estimate, limits=limits, format="hazard ratio")
        cells = [
            Cell(value=self.say("pooled")),
            *([EMPTY] if self.with_n else []),
            *[EMPTY] * len(self.units),
            self.recorder.cell("hazard ratio (interval)", (ratio.value, ratio.ci_lower, ratio.ci_upper), ratio),
            self.recorder.cell("p", (p.p_value, self.alpha), p),
            EMPTY,
        ]
        return Row(kind="variable", cells=tuple(cells))

    def _add_pooled(self, pooled: PooledTrials) -> Any:
        def add(statistic: str, *, limits: tuple[float, float] | None = None, **fields: Any) -> Result:
            if limits is not None:
                fields |= {"ci_lower": limits[0], "ci_upper": limits[1], "ci_level": pooled.ci_level}
            value = fields.get("p_value" if statistic == "p_value" else "value")
            undefined = isinstance(value, float) and math.isnan(value)
            return self.recorder.add(
                "pooled",
                "",
                statistic,
                origin="from printed",
                method=pooled.method,
                reason=pooled.effect_reason if undefined else "",
                **fields,
            )

        return add

    # ---- footnotes and picture

    def notes(self, pooled: PooledTrials | None) -> Iterator[str]:
        say = self.say
        yield say("trials_as_printed")
        if self.entry.unit and (self.frame["unit"].replace("", self.entry.unit) != self.entry.unit).any():
            yield say("trials_converted", unit=self.unit(self.entry.unit))
        if self.conflicts:
            yield say("trials_conflict", mark=MARK)
        if pooled is None:
            return
        yield say(
            "trials_pooled",
            method=say(f"pooled_{self.entry.method}"),
            limits=say(f"pooled_limits_{self.entry.interval}"),
        )
        if pooled.k < 2:
            yield say("trials_single")
            return
        yield say(
            "trials_heterogeneity",
            q=self._number(pooled.q),
            df=pooled.df,
            p=FORMATS["p"]((pooled.q_p, self.alpha), self.style),
            i2=self._number(100 * pooled.i2),
            tau2="" if self.entry.method == "fixed" else say("trials_tau2", tau2=self._number(pooled.tau2)),
        )
        if not math.isnan(pooled.prediction_lower):
            values = (pooled.estimate, pooled.prediction_lower, pooled.prediction_upper)
            text = FORMATS["hazard ratio (interval)"](values, self.style).partition(" ")[2].strip("()")
            yield say("trials_prediction", limits=text, df=pooled.k - 2)

    def pooling_notes(self, pooled: PooledTrials | None, why: tuple[str, ...]) -> Iterator[str]:
        """What a reader of the pooled ratio must know; or why there is none."""
        if pooled is not None:
            for code, names in pooled.findings:
                yield self.say(f"trials_note_{code}", names=names)
        elif why:
            yield self.say("trials_not_pooled", why=" ".join(why))

    def _number(self, value: float) -> str:
        return FORMATS["number"](value, self.style)

    def picture(self, pooled: PooledTrials | None) -> ForestPicture | None:
        having = self.frame[self.frame["hr"].notna()]
        if having.empty:
            return None
        say = self.say
        rows: list[ForestRow] = []
        if pooled is not None:
            values = (pooled.estimate, pooled.ci_lower, pooled.ci_upper)
            texts = (
                FORMATS["hazard ratio (interval)"](values, self.style),
                FORMATS["p"]((pooled.p_value, self.alpha), self.style),
            )
            ends = (0.0 if math.isnan(values[1]) else values[1], math.inf if math.isnan(values[2]) else values[2])
            estimate = ForestEstimate(value=values[0], ci_lower=ends[0], ci_upper=ends[1], texts=texts)
            rows.append(ForestRow(label=say("pooled"), estimates=(estimate,)))
        named = TrialWords(
            ratio=say("hr_any_ci") if self.several_levels else say("hr_ci"),
            p=f"*{say('p')}*",
            median=say("trials_median", medians="{medians}", unit="{unit}"),
            audit=say("trials_conflict", mark=MARK).rstrip(say("full_stop")),
            x_label=say("axis_hazard_ratio_alone"),
            versus=say("versus"),
            units={name: self.unit(name) for name in ("days", "weeks", "months", "years")},
        )
        point = self.style.point
        return trial_picture(having, unit=self.entry.unit or None, words=named, pooled=rows, point=point)
