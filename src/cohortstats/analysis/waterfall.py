"""Best change of the sum of lesions from baseline, a bar a patient."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cohortstats.analysis.exhibit import exhibit_population, exhibit_table, level_label, section, text_cell
from cohortstats.analysis.picture_exhibit import numbers, withheld_exhibit
from cohortstats.analysis.results import Analysis, Recorder, Result
from cohortstats.cohort import Cohort
from cohortstats.errors import InputError
from cohortstats.figures.waterfall_picture import WaterfallBar, WaterfallPicture
from cohortstats.study import Exhibit, Waterfall
from cohortstats.study.references import order_column
from cohortstats.tables.language import Words, words
from cohortstats.tables.numbers import FORMATS, STYLES
from cohortstats.tables.table import Column, Row, RowGroup

__all__ = ["best_changes", "waterfall", "waterfall_left_out"]

REASONS = ("no baseline", "baseline is 0", "no sum after baseline", "no value")


def waterfall(cohort: Cohort, entry: Exhibit) -> Analysis:
    """Find the best change from baseline of each patient.

    Parameters
    ----------
    cohort
        Patients; the exhibit's ``population`` is applied here.
    entry
        A ``[[waterfall]]`` section.

    Returns
    -------
    Analysis
        By number of the bar (row), which is no id: ``best_change`` in percent, ``capped`` (1 or 0), and ``response``,
        the position of its level. Patients without a change follow behind the bars with a reason: they are listed, not
        drawn as 0. The picture is a waterfall plot, the table has the same numbers.

    Raises
    ------
    InputError
        When the section is of another kind, a change is below −100, or a sum of lesions below 0.

    Notes
    -----
    The best change is the smallest of 100 (sum − baseline) / baseline over the visits after baseline up to progression
    and before new therapy. Baseline is the last sum on or before the start. Guides at +20 and −30 percent help to read
    the bars; a bar is no response, since new lesions and confirmation are not in it. Largest change first, then as the
    file orders patients. R: ``tapply(100 * (sum - base) / base, id, min)``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import cohortstats as cs
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "patients.csv").write_text("id,change\\nA,-42.5\\nB,\\nC,140\\n")
    >>> _ = (folder / "study.toml").write_text('''cohortstats = 1
    ... [study]
    ... id = "three"
    ... title = "Three patients"
    ... conventions = "r"
    ... missing = [""]
    ... [data.patients]
    ... file = "patients.csv"
    ... id = "id"
    ... rows = "one per patient"
    ... [columns.patients]
    ... change = { type = "number", unit = "percent", label = "Best change" }
    ... [[waterfall]]
    ... id = "figure2"
    ... title = "Best change"
    ... change = "change"
    ... ''')
    >>> cohort = cs.load_cohort(folder)
    >>> found = cs.waterfall(cohort, cohort.study.exhibit("figure2"))
    >>> [(line["row"], line["best_change"]) for line in found.lines()]
    [('1', 140.0), ('2', -42.5), ('3', nan)]
    """
    entry = section(entry, Waterfall)
    study = cohort.study
    if study.synthetic:
        return withheld_exhibit(cohort, entry)
    say = words(study.report.lang)
    recorder = Recorder(study, entry.id)
    population = exhibit_population(cohort, entry)
    changes = best_changes(population, entry).assign(level="")
    if entry.response:
        levels = population.levels(entry.response).astype(object)
        changes["level"] = levels.where(levels.notna(), "").to_numpy()
    drawn, listed = _order(changes)
    cap = entry.cap if entry.cap > 0 else None
    lines = [
        _record(recorder, population, entry, changes, patient, place, cap)
        for place, patient in enumerate([*drawn, *listed], start=1)
    ]
    rows = [_row(recorder, population, line, entry, say) for line in lines]
    columns = [Column(label=say("patient"), align="left", kind="stub"), Column(label=say("best_change"), note="%")]
    if entry.response:
        columns.append(Column(label=cohort.variable(entry.response).label, align="left"))
    notes = _notes(population, entry, changes, lines, say)
    table = exhibit_table(cohort, entry, columns, [RowGroup(rows=tuple(rows))] if rows else [], notes)
    return Analysis(
        study_id=study.id,
        entry=entry,
        table=table,
        records=tuple(recorder.records),
        picture=_picture(population, entry, lines[: len(drawn)], cap, say),
        methods={"sum": entry.sum},
    )


def waterfall_left_out(population: Cohort, entry: Waterfall) -> list[tuple[str, int]]:
    """Why patients have no bar, and how many they are, in the order of the reasons."""
    counted = Counter(best_changes(population, entry)["reason"])
    return [(reason, counted[reason]) for reason in REASONS if counted[reason]]


# ---------------------------------------------------------------------------------------------------------------------
# Changes
# ---------------------------------------------------------------------------------------------------------------------


def best_changes(population: Cohort, entry: Waterfall) -> pd.DataFrame:
    """Best change of each patient in percent, and why there is none.

    Returns
    -------
    DataFrame
        One row a patient, in the order of the population: ``change`` (nan where there is none) and ``reason``.
    """
    if entry.change:
        change = numbers(population, entry.change)
        reason = np.where(np.isnan(change), "no value", "")
    else:
        change, reason = _from_visits(population, entry)
    if (change < -100).any():
        worst = f"{np.nanmin(change):g}"
        raise InputError(f"{entry.id}: a change of {worst} percent is not possible; the smallest is -100.")
    return pd.DataFrame({"change": change, "reason": reason.astype(object)})


def _from_visits(population: Cohort, entry: Waterfall) -> tuple[Any, Any]:
    visits = _visits(population, entry)
    if (visits["sum"] < 0).any():
        raise InputError(f"{entry.id}: {entry.sum} is below 0 at {int((visits['sum'] < 0).sum())} visits.")
    known = visits[visits["sum"].notna() & visits["at"].notna()]
    patients = range(population.n)
    start = _limit(population, entry.start, known) if entry.start else None
    if entry.baseline:
        base = pd.Series(numbers(population, entry.baseline), index=patients)
        after = known if start is None else known[known["at"] > start.loc[known["patient"]].to_numpy()]
        if start is None and known["at"].dtype.kind == "f":
            after = known[known["at"] > 0]
    else:
        if start is not None:
            before = known["at"] <= start.loc[known["patient"]].to_numpy()
        elif known["at"].dtype.kind == "f":
            before = known["at"] <= 0
        else:
            before = ~known.duplicated("patient")  # the first sum
        base = known[before].groupby("patient")["sum"].last().reindex(patients)
        behind = ~before if start is None else known["at"] > start.loc[known["patient"]].to_numpy()
        after = known[behind]
    if entry.progression:
        limit = _limit(population, entry.progression, known).loc[after["patient"]].to_numpy()
        late = after["at"] > limit if entry.at_progression == "count" else after["at"] >= limit
        after = after[~late]
    if entry.new_therapy:
        limit = _limit(population, entry.new_therapy, known).loc[after["patient"]].to_numpy()
        after = after[~(after["at"] >= limit)]
    smallest = after.groupby("patient")["sum"].min().reindex(patients)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = (100 * (smallest - base) / base).to_numpy(dtype=float)
    reason = np.select(
        [base.isna(), base == 0, smallest.isna()],
        ["no baseline", "baseline is 0", "no sum after baseline"],
        default="",
    )
    return np.where(reason == "", change, np.nan), reason


def _visits(population: Cohort, entry: Waterfall) -> pd.DataFrame:
    """Every visit in the order of time: place of the patient, when, and the sum."""
    variable = population.variable(entry.sum)
    if not variable.many:
        raise InputError(
            f"{entry.id}: {entry.sum} has one value a patient; sum needs many rows per patient, or change."
        )
    table = population.study.data[variable.table]
    named = entry.date or order_column(table, population.study.columns[variable.table]) or ""
    at = population.variable(named)
    if at.table != variable.table:
        raise InputError(f"{entry.id}: {entry.sum} and {named} are not in one table.")
    records = population.records(variable.table)
    place = pd.Series(range(population.n), index=population.index)
    frame = pd.DataFrame(
        {
            "patient": place.loc[records.index].to_numpy(dtype=np.int64),
            "at": records[at.name].to_numpy(),
            "sum": records[variable.name].to_numpy(dtype=float),
        }
    )
    return frame.sort_values(["patient", "at"], kind="stable", ignore_index=True)


def _limit(population: Cohort, name: str, visits: pd.DataFrame) -> pd.Series[Any]:
    """A date, or a day, of each patient, on the scale of the visits."""
    values = population.values(name).reset_index(drop=True)
    if (values.dtype.kind == "M") != (visits["at"].dtype.kind == "M"):
        raise InputError(f"{name} and the visits are not both dates, or both days.")
    return values


# ---------------------------------------------------------------------------------------------------------------------
# Results, table, picture
# ---------------------------------------------------------------------------------------------------------------------


def _order(changes: pd.DataFrame) -> tuple[list[int], list[int]]:
    """Patients with a change, the largest first, then as in the file; and those without."""
    change = changes["change"].to_numpy(dtype=float)
    drawn = sorted(np.flatnonzero(~np.isnan(change)).tolist(), key=lambda patient: -change[patient])
    return drawn, np.flatnonzero(np.isnan(change)).tolist()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One patient with his results."""

    row: str
    change: float
    reason: str
    level: str
    capped: bool
    change_result: Result
    level_result: Result | None


def _record(
    recorder: Recorder,
    population: Cohort,
    entry: Waterfall,
    changes: pd.DataFrame,
    patient: int,
    place: int,
    cap: float | None,
) -> _Line:
    row = str(place)
    change, reason = float(changes["change"].iloc[patient]), str(changes["reason"].iloc[patient])
    how = "as in the file" if entry.change else "smallest sum against baseline"
    found = recorder.add(row, "all", "best_change", value=change, n=1, reason=reason, method=how)
    capped = cap is not None and change > cap
    if not math.isnan(change):
        recorder.add(row, "all", "capped", value=int(capped), n=1, format="count")
    level, level_result = str(changes["level"].iloc[patient]), None
    if level:
        position = population.single(entry.response).levels.index(level) + 1
        level_result = recorder.add(row, "all", "response", value=position, n=1, format="count")
    return _Line(
        row=row,
        change=change,
        reason=reason,
        level=level,
        capped=capped,
        change_result=found,
        level_result=level_result,
    )


def _row(recorder: Recorder, population: Cohort, line: _Line, entry: Waterfall, say: Words) -> Row:
    cells = [text_cell(line.row)]
    if line.reason:
        cells.append(recorder.cell("text", say(f"undrawn_{line.reason}"), line.change_result))
    else:
        cells.append(recorder.cell("number", line.change, line.change_result))
    if entry.response:
        label = level_label(population.single(entry.response), line.level) if line.level else ""
        found = (line.level_result,) if line.level_result is not None else ()
        cells.append(recorder.cell("text", label, *found))
    return Row(kind="line", cells=tuple(cells))


def _notes(population: Cohort, entry: Waterfall, changes: pd.DataFrame, lines: list[_Line], say: Words) -> list[str]:
    style = STYLES[population.study.report.style]
    notes = [say("waterfall_n", n=int(changes["change"].notna().sum())), say("waterfall_guides")]
    cut = [f"{line.row} ({FORMATS['number'](line.change, style)}%)" for line in lines if line.capped]
    if cut:
        at = FORMATS["number"](entry.cap, style)
        notes.append(say("waterfall_cut", n=len(cut), cap=at, bars=say("ledger_comma").join(cut)))
    for reason in REASONS:
        here = [line.row for line in lines if line.reason == reason]
        if here:
            listed = say("ledger_comma").join(here)
            notes.append(say("not_drawn", n=len(here), rows=listed, reason=say(f"undrawn_{reason}")))
    return notes


def _picture(
    population: Cohort, entry: Waterfall, lines: list[_Line], cap: float | None, say: Words
) -> WaterfallPicture | None:
    if not lines:
        return None
    names: dict[str, str] = {}
    if entry.response:
        variable = population.single(entry.response)
        seen = {line.level for line in lines}
        names = {level: level_label(variable, level) for level in variable.levels if level in seen}
        if "" in seen:
            names[""] = say("missing")
    order = list(names)
    return WaterfallPicture(
        bars=tuple(
            WaterfallBar(
                order=int(line.row),
                change=line.change,
                response=order.index(line.level) + 1 if names else 0,
                capped=line.capped,
            )
            for line in lines
        ),
        y_label=say("axis_best_change"),
        x_label=say("axis_patients"),
        responses=tuple(names.values()),
        cap=cap,
    )
