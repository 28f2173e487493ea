"""A bar a patient from the start to the end, with what happened when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.analysis.exhibit import endpoint, exhibit_population, exhibit_table, level_label, section, text_cell
from cohortstats.analysis.picture_exhibit import days_between, numbers, withheld_exhibit
from cohortstats.analysis.results import Analysis, Recorder, Result
from cohortstats.cohort import Cohort
from cohortstats.derivations.event_dates import DAYS_IN, DEATH
from cohortstats.errors import InputError
from cohortstats.figures.swimmer_picture import MAX_BARS, MAX_GROUPS, SwimmerBar, SwimmerMark, SwimmerPicture
from cohortstats.study import Exhibit, Swimmer, SwimmerMarks, TimeToEventEndpoint
from cohortstats.tables.language import Words, words
from cohortstats.tables.numbers import FORMATS, STYLES
from cohortstats.tables.table import Cell, Column, Row, RowGroup

__all__ = ["swimmer", "swimmer_left_out"]

Floats = npt.NDArray[np.float64]


def swimmer(cohort: Cohort, entry: Exhibit) -> Analysis:
    """Put down when each patient's bar ends and what happened on it.

    Parameters
    ----------
    cohort
        Patients; the exhibit's ``population`` is applied here. Those without a length are left out and counted in a
        footnote.
    entry
        A ``[[swimmer]]`` section.

    Returns
    -------
    Analysis
        By number of the bar (row), which is no id, and group: ``length`` and ``ongoing`` (1 or 0), and for each mark
        its kind with its time: ``PD``, a second one ``PD_2``. The picture is a swimmer plot, the table has the same
        numbers.

    Raises
    ------
    InputError
        When the section is of another kind, or its groups are more than can be told apart.

    Notes
    -----
    Longest bar first, then as the file orders patients. Times are from the start in days / 7, 30.4375 or 365.25, as
    those of endpoints; a mark before the start is negative. R: ``order(-length)``; drawn by ``swimplot::swimmer_plot``.

    Examples
    --------
    An invented cohort:

    >>> import dataclasses
    >>> import cohortstats as cs
    >>> from cohortstats.study import Swimmer
    >>> study = cs.Study.read(cs.shipped_study("example"))
    >>> entry = Swimmer(id="bars", title="Time to progression", endpoint="ttp")
    >>> cohort = cs.load_cohort(dataclasses.replace(study, exhibits=(entry,)))
    >>> analysis = cs.swimmer(cohort, entry)
    >>> [(line["length"], line["ongoing"]) for line in analysis.lines()[:2]]
    [(550.0, 0), (505.0, 1)]
    """
    entry = section(entry, Swimmer)
    study = cohort.study
    if study.synthetic:
        return withheld_exhibit(cohort, entry)
    say = words(study.report.lang)
    recorder = Recorder(study, entry.id)
    population = exhibit_population(cohort, entry)
    lanes = _lanes(population, entry)
    groups = _groups(population, entry, lanes)
    unit = say(f"unit_{_unit(population, entry)}") if _unit(population, entry) in DAYS_IN else _unit(population, entry)
    labels = [mark.label or say(f"mark_{mark.kind}") for mark in entry.marks]
    lines = [_record(recorder, lane, place, population, entry) for place, lane in enumerate(lanes, start=1)]
    rows = [_row(recorder, lane, line, groups, entry, say) for lane, line in zip(lanes, lines, strict=True)]
    columns = [Column(label=say("patient"), align="left", kind="stub")]
    columns += [Column(label=cohort.variable(entry.groups).label, align="left")] if entry.groups else []
    columns += [Column(label=say("bar_length"), note=unit), Column(label=say("bar_ongoing"), align="left")]
    columns += [Column(label=label, note=unit) for label in labels]
    left_out = [say(f"left_out_{reason}", n=n) for reason, n in swimmer_left_out(population, entry)]
    notes = [say("swimmer_n", n=len(lanes)), *left_out]
    notes += [say("swimmer_many", most=MAX_BARS)] if len(lanes) > MAX_BARS else []
    table = exhibit_table(cohort, entry, columns, [RowGroup(rows=tuple(rows))] if rows else [], notes)
    return Analysis(
        study_id=study.id,
        entry=entry,
        table=table,
        records=tuple(recorder.records),
        picture=_picture(population, entry, lanes, groups, labels, unit, say),
    )


def swimmer_left_out(population: Cohort, entry: Swimmer) -> list[tuple[str, int]]:
    """Why patients have no bar, and how many they are; empty reasons are left out."""
    length = _lengths(population, entry)
    counted = (("without_length", int(np.isnan(length).sum())), ("end_before_start", int((length < 0).sum())))
    return [(reason, n) for reason, n in counted if n]


# ---------------------------------------------------------------------------------------------------------------------
# Bars and marks
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lane:
    """One bar: position of the patient in the population, and what is drawn."""

    patient: int
    length: float
    ongoing: bool
    group: str
    marks: tuple[tuple[int, float], ...]  # place in the marks of the section, time


def _outcome(population: Cohort, entry: Swimmer) -> TimeToEventEndpoint | None:
    return endpoint(population.study, entry.endpoint, TimeToEventEndpoint) if entry.endpoint else None


def _unit(population: Cohort, entry: Swimmer) -> str:
    """Unit of the axis: that of the section, of the endpoint, of the number; else days."""
    outcome = _outcome(population, entry)
    if entry.unit:
        return entry.unit
    if outcome is not None:
        return outcome.unit
    return (population.single(entry.length).unit if entry.length else "") or "days"


def _scale(population: Cohort, entry: Swimmer, of: str) -> float:
    """What a time in the unit ``of`` is multiplied by to be in the unit of the axis."""
    unit = _unit(population, entry)
    return DAYS_IN[of] / DAYS_IN[unit] if of in DAYS_IN and unit in DAYS_IN else 1.0


def _lengths(population: Cohort, entry: Swimmer) -> Floats:
    outcome = _outcome(population, entry)
    if outcome is not None:
        times = population.endpoint(entry.endpoint)["time"].to_numpy(dtype=float)
        return times * _scale(population, entry, outcome.unit)
    if entry.length:
        return numbers(population, entry.length) * _scale(population, entry, population.single(entry.length).unit)
    days = days_between(population.values(entry.start), population.values(entry.end))
    return days * _scale(population, entry, "days")


def _lanes(population: Cohort, entry: Swimmer) -> list[_Lane]:
    """Longest first, then in the order of the file."""
    length = _lengths(population, entry)
    ongoing = _ongoing(population, entry)
    groups = _group_of_each(population, entry)
    marks: list[list[tuple[int, float]]] = [[] for _ in range(population.n)]
    for place, declared in enumerate(entry.marks):
        for patient, time in _times(population, entry, declared):
            marks[patient].append((place, time))
    drawn = [patient for patient in range(population.n) if length[patient] >= 0]
    drawn.sort(key=lambda patient: -length[patient])
    return [
        _Lane(
            patient=patient,
            length=float(length[patient]),
            ongoing=bool(ongoing[patient]),
            group=groups[patient],
            marks=tuple(sorted(marks[patient], key=lambda mark: mark[1])),
        )
        for patient in drawn
    ]


def _ongoing(population: Cohort, entry: Swimmer) -> npt.NDArray[np.bool_]:
    if entry.ongoing:
        answer = population.answer(entry.ongoing, "bar that goes on")
        going: npt.NDArray[np.bool_] = answer.data.astype(bool) & ~answer.missing
        return going
    outcome = _outcome(population, entry)
    if outcome is not None:
        frame = population.endpoint(entry.endpoint)
        # Who died, began a new therapy or missed visits has no event, but does not go on either.
        ended = {DEATH, *(stop.reason for stop in outcome.stops), *([outcome.gaps.reason] if outcome.gaps else [])}
        return ~frame["event"].fillna(True).to_numpy(dtype=bool) & ~frame["reason"].isin(ended).to_numpy()
    return np.zeros(population.n, dtype=bool)


def _group_of_each(population: Cohort, entry: Swimmer) -> list[str]:
    if not entry.groups:
        return ["all"] * population.n
    missing = population.known(population.single(entry.groups).name).missing
    levels = population.levels(entry.groups).astype(object).to_numpy()
    return ["" if unknown else str(level) for level, unknown in zip(levels, missing, strict=True)]


def _start(population: Cohort, entry: Swimmer) -> pd.Series[Any] | None:
    outcome = _outcome(population, entry)
    name = entry.start or (outcome.start if outcome is not None else "")
    return population.values(name) if name else None


def _times(population: Cohort, entry: Swimmer, mark: SwimmerMarks) -> list[tuple[int, float]]:
    """Patient and time of every mark of one kind."""
    if mark.time:
        found = numbers(population, mark.time)
        return [(place, float(time)) for place, time in enumerate(found) if time == time]
    if mark.endpoint:
        seen = endpoint(population.study, mark.endpoint, TimeToEventEndpoint)
        frame = population.endpoint(mark.endpoint)
        happened = frame["event"].fillna(False).to_numpy(dtype=bool)
        times = frame["time"].to_numpy(dtype=float) * _scale(population, entry, seen.unit)
        return [(int(place), float(times[place])) for place in np.flatnonzero(happened)]
    start = _start(population, entry)
    if start is None:
        raise InputError(f"{entry.id}: marks with a date need start, the date on which bars begin.")
    patients, dates = _dates(population, mark)
    outcome = _outcome(population, entry)
    # Where the first day is day 1, it is so for bars and marks alike; days before it have no 0.
    first = 1.0 if outcome is not None and outcome.plus_one else 0.0
    days = days_between(start.iloc[patients].reset_index(drop=True), dates.reset_index(drop=True))
    days = np.where(days >= 0, days + first, days) * _scale(population, entry, "days")
    return [(int(patient), float(day)) for patient, day in zip(patients, days, strict=True) if day == day]


def _dates(population: Cohort, mark: SwimmerMarks) -> tuple[npt.NDArray[np.int64], pd.Series[Any]]:
    """Position of the patient and date, one a patient or one a record."""
    variable = population.variable(mark.date)
    if not variable.many:
        dates = population.values(mark.date)
        frame = pd.DataFrame({"date": dates.array}, index=range(population.n))
        for column, levels in mark.where.items():
            frame = frame[population.levels(column).isin(levels).to_numpy()[frame.index]]
        return np.asarray(frame.index, dtype=np.int64), frame["date"]
    records = population.records(variable.table)
    place = pd.Series(range(population.n), index=population.index)
    keep = np.ones(len(records), dtype=bool)
    for column, levels in mark.where.items():
        cells = records[population.variable(column).name]
        if cells.dtype == "boolean":
            cells = cells.map({True: "yes", False: "no"})
        keep &= cells.isin(levels).to_numpy()
    chosen = records[keep]
    return np.asarray(place.loc[chosen.index], dtype=np.int64), chosen[variable.name]


# ---------------------------------------------------------------------------------------------------------------------
# Results, table, picture
# ---------------------------------------------------------------------------------------------------------------------


def _groups(population: Cohort, entry: Swimmer, lanes: Sequence[_Lane]) -> dict[str, str]:
    """Levels that occur -> their names, in the order of the levels; what is unknown comes last."""
    if not entry.groups:
        return {}
    variable = population.single(entry.groups)
    seen = {lane.group for lane in lanes}
    found = {level: level_label(variable, level) for level in variable.levels if level in seen}
    if "" in seen:
        found[""] = words(population.study.report.lang)("missing")
    if len(found) > MAX_GROUPS:
        raise InputError(f"{entry.id}: {entry.groups} has {len(found)} levels; at most {MAX_GROUPS} can be told apart.")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """Results of one bar."""

    row: str
    length: Result
    ongoing: Result
    marks: tuple[tuple[int, Result], ...]


def _record(recorder: Recorder, lane: _Lane, place: int, population: Cohort, entry: Swimmer) -> _Line:
    row, group = str(place), lane.group or "missing"
    unit = _unit(population, entry)

    def timed(statistic: str, value: float) -> Result:
        return recorder.add(row, group, statistic, value=value, n=1, format="time", method=f"in {unit} from the start")

    length = timed("length", lane.length)
    ongoing = recorder.add(row, group, "ongoing", value=int(lane.ongoing), n=1, format="count")
    seen: dict[str, int] = {}
    marks = []
    for kind, time in lane.marks:
        name = entry.marks[kind].kind.replace(" ", "_")
        seen[name] = seen.get(name, 0) + 1
        marks.append((kind, timed(name if seen[name] == 1 else f"{name}_{seen[name]}", time)))
    return _Line(row=row, length=length, ongoing=ongoing, marks=tuple(marks))


def _row(recorder: Recorder, lane: _Lane, line: _Line, groups: dict[str, str], entry: Swimmer, say: Words) -> Row:
    style = STYLES[recorder.study.report.style]
    cells = [text_cell(line.row)]
    if entry.groups:
        cells.append(text_cell(groups[lane.group]))
    cells.append(recorder.cell("time", lane.length, line.length))
    cells.append(recorder.cell("text", say("bar_goes_on") if lane.ongoing else "", line.ongoing))
    for place in range(len(entry.marks)):
        found = [result for kind, result in line.marks if kind == place]
        texts = [FORMATS["time"](result.value, style) for result in found]
        cells.append(recorder.cell("text", ", ".join(texts), *found) if found else Cell())
    return Row(kind="line", cells=tuple(cells))


def _picture(
    population: Cohort,
    entry: Swimmer,
    lanes: Sequence[_Lane],
    groups: dict[str, str],
    labels: Sequence[str],
    unit: str,
    say: Words,
) -> SwimmerPicture | None:
    if not lanes or len(lanes) > MAX_BARS:
        return None
    order = list(groups)
    # Kinds of which nobody has a mark have no sign in the key.
    shown = sorted({kind for lane in lanes for kind, _ in lane.marks})
    bars = [
        SwimmerBar(
            order=place,
            length=lane.length,
            ongoing=lane.ongoing,
            group=order.index(lane.group) + 1 if groups else 0,
            marks=tuple(SwimmerMark(time=time, kind=shown.index(kind) + 1) for kind, time in lane.marks),
        )
        for place, lane in enumerate(lanes, start=1)
    ]
    outcome = _outcome(population, entry)
    if outcome is not None:
        name = outcome.label or outcome.name
    else:
        name = population.single(entry.length).label if entry.length else say("bar_axis")
    times = [lane.length for lane in lanes] + [time for lane in lanes for _, time in lane.marks]
    ticks: tuple[float, ...] = ()
    if entry.ticks > 0:
        first, last = int(np.ceil(min(*times, 0.0) / entry.ticks)), int(max(times) // entry.ticks)
        ticks = tuple(entry.ticks * tick for tick in range(first, last + 1))
    return SwimmerPicture(
        bars=tuple(bars),
        kinds=tuple((entry.marks[kind].kind, labels[kind]) for kind in shown),
        groups=tuple(groups.values()),
        x_label=say("axis_time", label=name, unit=unit),
        ticks=ticks,
        ongoing_label=say("bar_goes_on"),
        point=STYLES[population.study.report.style].point,
    )
