"""Patients from the rows of the file to each exhibit, and who was left out on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from cohortstats.analysis.exhibit import endpoint, exhibit_number, exhibit_table, section, text_cell
from cohortstats.analysis.picture_exhibit import withheld_exhibit
from cohortstats.analysis.regression import model_designs
from cohortstats.analysis.results import Analysis, Recorder
from cohortstats.analysis.selection_check import SelectionCheck, selection_check
from cohortstats.analysis.swimmer import swimmer_left_out
from cohortstats.analysis.time_to_event import SurvivalData
from cohortstats.analysis.waterfall import waterfall_left_out
from cohortstats.cohort import Cohort, FlowStep
from cohortstats.errors import InputError, did_you_mean
from cohortstats.expressions import parse_expression, resolve
from cohortstats.figures.flow_picture import FlowBox, FlowPicture
from cohortstats.study import (
    Association,
    BinaryEndpoint,
    Curves,
    Exhibit,
    Flow,
    Missingness,
    Regression,
    Swimmer,
    TimeToEvent,
    Trials,
    Waterfall,
)
from cohortstats.tables.language import Words, words
from cohortstats.tables.numbers import STYLES, format_p_relation, format_percent
from cohortstats.tables.table import Cell, Column, Row, RowGroup

__all__ = ["flow", "flow_boxes"]

Mask = npt.NDArray[np.bool_]


def flow(cohort: Cohort, entry: Exhibit) -> Analysis:
    """Count patients from the rows of the file to each exhibit.

    Parameters
    ----------
    cohort
        Patients, with the steps that made the cohort.
    entry
        A ``[[flow]]`` section.

    Returns
    -------
    Analysis
        By step (row: ``read``, a table, an expression, the id of an exhibit, ``id/variable`` of a comparison):
        ``n``, and where somebody was left out ``n_out`` under the reason (group). With an ``outcome``, for each
        population, those in it and those not in it (group ``in`` and ``out``): ``n_event``, ``n_known`` and
        ``percent``, and ``p_value`` of Fisher's exact test. The picture is a flow chart.

    Raises
    ------
    InputError
        When the section is of another kind, or names an exhibit that the study lacks.

    Notes
    -----
    On every way the number before, less those left out, is the number after. An exhibit hangs on the last of the steps
    that holds all its patients; its own exclusions are those it reports in its footnotes. A population keeps those of
    whom its expression is yes; no and missing leave, and are counted apart. Items 13 of STROBE and 12 of REMARK.
    R: ``table(population, useNA = "always")``; ``fisher.test(table(population, outcome))``.

    Examples
    --------
    An invented cohort:

    >>> import dataclasses
    >>> import cohortstats as cs
    >>> from cohortstats.study import Flow
    >>> study = cs.Study.read(cs.shipped_study("example"))
    >>> entry = Flow(id="figure9", title="Patients")
    >>> cohort = cs.load_cohort(dataclasses.replace(study, exhibits=(*study.exhibits, entry)))
    >>> [(line["row"], line["n"]) for line in cs.flow(cohort, entry).lines() if "n" in line][:2]
    [('read', 52), ('cohort', 52)]
    """
    entry = section(entry, Flow)
    study = cohort.study
    if study.synthetic:
        return withheld_exhibit(cohort, entry)
    say = words(study.report.lang)
    recorder = Recorder(study, entry.id)
    chart = _Chart(cohort, entry, say)
    boxes = list(chart.boxes())
    lines = [_line(recorder, boxes, place, say) for place in range(len(boxes))]
    columns = [
        Column(label=say("flow_step"), align="left", kind="stub"),
        Column(label=say("flow_out")),
        Column(label=say("flow_reason"), align="left"),
        Column(label=say("patients"), note="n"),
    ]
    checks = [_check(recorder, one, say) for one in chart.checks()]
    groups = [RowGroup(rows=(line,)) for line in lines]
    table = exhibit_table(cohort, entry, columns, groups, [note for note in checks if note])
    picture = FlowPicture(
        boxes=tuple(FlowBox(label=box.label, n=box.n, parent=box.parent, out=box.out) for box in boxes),
        n_text=say("flow_n", n="{n}"),
    )
    return Analysis(
        study_id=study.id,
        entry=entry,
        table=table,
        records=tuple(recorder.records),
        picture=picture,
        methods={"selection": bool(checks), "outcome": entry.outcome},
    )


# ---------------------------------------------------------------------------------------------------------------------
# Boxes
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """One box of the chart, with the place of the box it comes from and who was left out on the way."""

    row: str
    label: str
    n: int
    parent: int
    depth: int
    out: tuple[tuple[str, int], ...]


def flow_boxes(cohort: Cohort, entry: Flow) -> list[_Box]:
    """The boxes of a section's chart, in the order of its table."""
    return list(_Chart(cohort, entry, words(cohort.study.report.lang)).boxes())


@dataclass(slots=True, kw_only=True)
class _Node:
    """One box while the chart grows."""

    row: str
    label: str
    n: int
    out: tuple[tuple[str, int], ...] = ()
    cohort: Cohort | None = None
    patients: frozenset[str] = frozenset()
    children: list[_Node] = field(default_factory=list)


class _Chart:
    """The tree of boxes of one section."""

    def __init__(self, cohort: Cohort, entry: Flow, say: Words) -> None:
        self.cohort, self.entry, self.say = cohort, entry, say
        self.rows: set[str] = set()
        self.root, last = self._read()
        self.stages = [last]
        self.populations: list[tuple[_Node, str, str]] = []  # from where, expression, label
        for step in entry.steps:
            before = self.stages[-1]
            node = self._narrowed(before, step.when, step.label, step.reason)
            before.children.append(node)
            self.stages.append(node)
        for exhibit in self._exhibits():
            self._hang(exhibit)

    # ---- what is in the chart

    def _exhibits(self) -> list[Exhibit]:
        exhibits = self.cohort.study.exhibits
        if not self.entry.exhibits:
            # Trials and curves of others are not made of these patients.
            return [one for one in exhibits if not isinstance(one, (Flow, Missingness, Trials, Curves))]
        known = {one.id: one for one in exhibits}
        for name in self.entry.exhibits:
            if name not in known:
                near = did_you_mean(name, known)
                mend = f" Did you mean '{near}'?" if near else ""
                raise InputError(f"{self.entry.id}: '{name}' is no exhibit of the study.{mend}")
        return [known[name] for name in self.entry.exhibits]

    def _row(self, name: str) -> str:
        """The name as an address, told apart from one that is there already."""
        found, number = name, 1
        while found in self.rows:
            number += 1
            found = f"{name} ({number})"
        self.rows.add(found)
        return found

    def _read(self) -> tuple[_Node, _Node]:
        """The rows of the file, and the cohort; between them every step that left patients out."""
        say, steps = self.say, self._patient_steps()
        first = steps[0] if steps else None
        file = next(iter(self.cohort.tables.values())).file
        root = _Node(
            row=self._row("read"), label=say("flow_rows", file=file), n=first.n_before if first else self.cohort.n
        )
        node = root
        for place, step in enumerate(steps):
            last = place == len(steps) - 1
            out = tuple((text, n) for text, n in self._left(step) if n)
            label = say("flow_cohort") if last else self._step_label(step, place)
            child = _Node(row=self._row("cohort" if last else step.step), label=label, n=step.n_after, out=out)
            node.children.append(child)
            node = child
        node.cohort, node.patients = self.cohort, frozenset(self.cohort.ids)
        return root, node

    def _patient_steps(self) -> list[FlowStep]:
        """Steps that count patients, one behind the other; lines of other tables count rows."""
        steps = list(self.cohort.steps)
        found = steps[:1]
        for step in steps[1:]:
            rows = step.step in self.cohort.tables and step.reason.startswith("rows of ")
            if not rows and step.n_before == found[-1].n_after:
                found.append(step)
        return found

    def _step_label(self, step: FlowStep, place: int) -> str:
        if place == 0:
            return self.say("flow_read")
        if step.step in self.cohort.study.data:
            return self.cohort.study.data[step.step].label or step.step
        return self._words_of(step.reason)

    def _left(self, step: FlowStep) -> Iterator[tuple[str, int]]:
        if step.step == "read":
            yield self.say("flow_rows_out"), step.n_out
        elif step.step in self.cohort.study.data:
            table = self.cohort.study.data[step.step]
            yield self.say("flow_no_row", table=table.label or table.name), step.n_out
        else:
            yield self.say("flow_no", label=self._words_of(step.reason)), step.n_out
        yield self.say("flow_unknown"), step.n_missing

    def _words_of(self, expression: str) -> str:
        """The label of a variable that is a population by itself; else the expression."""
        name = resolve(expression.strip().strip("`"), self.cohort.variables)
        return self.cohort.variables[name].label if name else expression

    # ---- populations and exhibits

    def _narrowed(self, before: _Node, when: str, label: str, reason: str) -> _Node:
        """Those of a box for whom an expression is yes."""
        assert before.cohort is not None  # boxes that are narrowed hold their patients
        inside = before.cohort.where(when)
        step = inside.steps[-1]
        label = label or self._words_of(when)
        out = ((reason or self.say("flow_no", label=label), step.n_out), (self.say("flow_unknown"), step.n_missing))
        self.populations.append((before, when, label))
        return _Node(
            row=self._row(when),
            label=label,
            n=inside.n,
            out=tuple((text, n) for text, n in out if n),
            cohort=inside,
            patients=frozenset(inside.ids),
        )

    def _hang(self, exhibit: Exhibit) -> None:
        """Put an exhibit under the last stage that holds its patients, with its population between them."""
        say = self.say
        expression = _population(exhibit)
        patients = frozenset(self.cohort.where(expression).ids) if expression else frozenset(self.cohort.ids)
        under = next(stage for stage in reversed(self.stages) if patients <= stage.patients)
        if patients != under.patients:
            alike = (child for child in under.children if child.cohort is not None and child.patients == patients)
            found = next(alike, None) or self._narrowed(under, expression, "", "")
            if found not in under.children:
                under.children.append(found)
            under = found
        assert under.cohort is not None  # as above
        title = exhibit.title or (exhibit.endpoint if isinstance(exhibit, TimeToEvent) else "")
        number = exhibit_number(self.cohort.study, exhibit)
        out, parts = _exclusions(under.cohort, exhibit, say)
        n = under.n - sum(left for _, left in out)
        node = _Node(
            row=self._row(exhibit.id), label=f"{number}{say('ledger_colon')}{title}" if title else number, n=n, out=out
        )
        for name, label, left, reason in parts:
            if left:
                node.children.append(
                    _Node(row=self._row(f"{exhibit.id}/{name}"), label=label, n=n - left, out=((reason, left),))
                )
        if not out and not node.children and under.cohort is not None:
            _merge(under, node, number, say)
        else:
            under.children.append(node)

    # ---- the finished chart

    def boxes(self) -> Iterator[_Box]:
        """Every box, each behind the one it comes from."""
        found: list[_Box] = []

        def walk(node: _Node, parent: int, depth: int) -> None:
            place = len(found)
            found.append(
                _Box(row=node.row, label=node.label, n=node.n, parent=parent, depth=depth, out=tuple(node.out))
            )
            # What is set in hangs on the cohort or on one of its parts.
            for child in node.children:
                walk(child, place, depth + (node.cohort is not None or depth > 0))

        walk(self.root, -1, 0)
        yield from found

    def checks(self) -> Iterator[tuple[str, str, str, SelectionCheck]]:
        """For each population: expression, its words, those of the outcome, and the comparison."""
        if not self.entry.outcome:
            return
        outcome = endpoint(self.cohort.study, self.entry.outcome, BinaryEndpoint)
        done: set[str] = set()
        for before, when, label in self.populations:
            if when in done or before.cohort is None:
                continue
            done.add(when)
            if self.entry.outcome in {resolve(name, self.cohort.variables) for name in parse_expression(when).names}:
                continue  # a population made from the outcome differs in it by definition
            found = selection_check(before.cohort, population=when, outcome=self.entry.outcome)
            if min(found.counts.totals):  # with nobody on one side there is nothing to compare
                yield when, label, outcome.label or outcome.name, found


def _population(exhibit: Exhibit) -> str:
    return "" if isinstance(exhibit, (Flow, Trials, Curves)) else exhibit.population


def _merge(under: _Node, node: _Node, number: str, say: Words) -> None:
    """Exhibits that show everybody of a box share one box of their own."""
    for child in under.children:
        if child.cohort is None and not child.out and not child.children and child.n == node.n:
            first = child.label.partition(say("ledger_colon"))[0]
            child.label = f"{first}{say('ledger_comma')}{number}"
            return
    under.children.append(node)


# ---------------------------------------------------------------------------------------------------------------------
# What each kind of exhibit leaves out
# ---------------------------------------------------------------------------------------------------------------------

Part = tuple[str, str, int, str]  # name, label, left out, reason


def _exclusions(population: Cohort, exhibit: Exhibit, say: Words) -> tuple[tuple[tuple[str, int], ...], Sequence[Part]]:
    """Patients that an exhibit leaves out, by reason, and comparisons in it that leave out more."""
    counted: list[tuple[str, int]] = []
    parts: list[Part] = []
    if isinstance(exhibit, TimeToEvent):
        data = SurvivalData.of(population, exhibit)
        counted = [
            (say("flow_without_time"), data.without_time),
            (say("flow_before_landmark"), data.before_landmark),
            (say("flow_without_group"), data.without_group),
        ]
    elif isinstance(exhibit, Association):
        known = population.endpoint(exhibit.outcome)["event"].notna().to_numpy(dtype=bool)
        counted = [(say("flow_without_outcome"), int((~known).sum()))]
        parts = _comparisons(population, exhibit, known, say)
    elif isinstance(exhibit, Regression):
        timed = population.endpoint(exhibit.endpoint)["time"].notna().to_numpy(dtype=bool)
        kept = timed & ~population.known(exhibit.strata).missing if exhibit.strata else timed
        counted = [
            (say("flow_without_time"), int((~timed).sum())),
            (say("flow_without_stratum"), int((timed & ~kept).sum())),
        ]
        parts = _models(population, exhibit, int(kept.sum()), say)
    elif isinstance(exhibit, Swimmer):
        counted = [(say(f"flow_{reason}"), n) for reason, n in swimmer_left_out(population, exhibit)]
    elif isinstance(exhibit, Waterfall):
        counted = [(say(f"undrawn_{reason}"), n) for reason, n in waterfall_left_out(population, exhibit)]
    return tuple((text, n) for text, n in counted if n), parts


def _comparisons(population: Cohort, exhibit: Association, known: Mask, say: Words) -> list[Part]:
    """Comparisons that leave patients out; those that leave out the same ones are told together."""
    alike: dict[bytes, list[str]] = {}
    left: dict[bytes, int] = {}
    for name in exhibit.rows:
        missing = known & population.known(name).missing
        pattern = np.packbits(missing).tobytes()
        alike.setdefault(pattern, []).append(name)
        left[pattern] = int(missing.sum())
    parts = []
    for pattern, names in alike.items():
        labels = [exhibit.labels.get(name, "") or population.variable(name).label for name in names]
        parts.append((names[0], say("ledger_semicolon").join(labels), left[pattern], say("flow_without_value")))
    return parts


def _models(population: Cohort, exhibit: Regression, n: int, say: Words) -> list[Part]:
    """Models that leave patients out for want of a covariate."""
    alone = list(exhibit.covariates) if "univariable" in exhibit.models else []
    parts = []
    for place, design in enumerate(model_designs(population, exhibit)):
        if place < len(alone):
            name = alone[place]
            label = exhibit.labels.get(name, "") or population.variable(name).label
        else:
            name, label = "multivariable", say("multivariable")
        parts.append((name, label, n - len(design.time), say("flow_without_covariate")))
    return parts


# ---------------------------------------------------------------------------------------------------------------------
# Results
# ---------------------------------------------------------------------------------------------------------------------


def _line(recorder: Recorder, boxes: Sequence[_Box], place: int, say: Words) -> Row:
    box = boxes[place]
    n = recorder.add(box.row, "all", "n", value=box.n, n=box.n, format="count")
    left = [
        recorder.add(box.row, text, "n_out", value=count, n=boxes[box.parent].n, format="count")
        for text, count in box.out
    ]
    reasons = [say("flow_reason_n", reason=text, n=count) for text, count in box.out]
    if len(reasons) == 1:
        reasons = [box.out[0][0]]
    return Row(
        kind="level" if box.depth else "line",
        indent=min(box.depth, 2),
        cells=(
            text_cell(box.label),
            recorder.cell("count", sum(count for _, count in box.out), *left) if left else Cell(),
            text_cell(say("ledger_semicolon").join(reasons)),
            recorder.cell("count", box.n, n),
        ),
    )


def _check(recorder: Recorder, found: tuple[str, str, str, SelectionCheck], say: Words) -> str:
    """Put down one comparison of those in a population with the others, and say it."""
    when, label, outcome, check = found
    style = STYLES[recorder.study.report.style]
    texts = []
    for place, group in enumerate(("in", "out")):
        events, known = check.counts.events[place], check.counts.totals[place]
        recorder.add(when, group, "n_event", value=events, n=check.n[place], format="count")
        recorder.add(when, group, "n_known", value=known, n=check.n[place], format="count")
        percent = Fraction(100 * events, known) if known else float("nan")
        reason = "" if known else "no patients"
        recorder.add(when, group, "percent", value=percent, n=known, reason=reason, format="percentage")
        share = format_percent(Fraction(events, known) if known else None, style, known)
        texts.append(say("flow_of", part=events, n=known, percent=share))
    p = recorder.add(
        when, "", "p_value", p_value=check.p_value, method=check.method, n=sum(check.n), reason=check.reason
    )
    return say(
        "selection_check",
        label=label,
        outcome=outcome,
        inside=texts[0],
        outside=texts[1],
        p="" if check.reason else say("selection_p", p=format_p_relation(p.p_value, style, recorder.study.alpha)),
    )
