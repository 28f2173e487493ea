"""Arms rebuilt from published curves, side by side: estimates, comparisons, curves, and what they cannot say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from cohortstats.analysis.exhibit import section
from cohortstats.analysis.guards import Guard
from cohortstats.analysis.results import CI_LEVEL, Analysis, CurvePoint, Result
from cohortstats.cohort import Cohort
from cohortstats.errors import InputError
from cohortstats.figures.picture import CurveGroup, KaplanMeierPicture, RiskTable
from cohortstats.published.curve.arms import ArmComparison, compare_arms, share_by
from cohortstats.published.curve.reconstruct import Reconstruction, reconstruct_curve
from cohortstats.published.evidence import EvidenceRecorder, evidence_table
from cohortstats.stats.events import EventTable
from cohortstats.stats.kaplan_meier import KaplanMeier, kaplan_meier
from cohortstats.study import CurveArm, Curves, Exhibit
from cohortstats.tables.language import Words, words
from cohortstats.tables.numbers import FORMATS, STYLES, Style, format_exact, format_p_relation
from cohortstats.tables.table import EMPTY, Cell, Column, Row, RowGroup

__all__ = ["ARM", "curves"]

ARM = "arm"
"""Stands for the row in the address of a number of one arm; the group is its label."""


def curves(cohort: Cohort, entry: Exhibit) -> Analysis:
    """Rebuild arms from published curves and set them side by side.

    Parameters
    ----------
    cohort
        Gives the study; none of its patients is used.
    entry
        A ``[[curves]]`` section.

    Returns
    -------
    Analysis
        Row ``arm``, group its label: ``n``, ``events`` (with ``events_lowest``, ``events_highest`` over the
        near-optimal reconstructions), ``median``, ``event_by_<early>`` in percent, ``rmse`` and ``max_abs`` of the
        rebuilt curve. Row ``first v second`` for each pair: ``hr`` and ``p_value``, with ``hr_lowest``, ``p_lowest``
        and so on over the near-optimal reconstructions. The picture is a Kaplan-Meier plot of the rebuilt arms.

    Raises
    ------
    InputError
        When the section is of another kind.
    DataError
        When a curve, or numbers at risk, cannot be used; every problem of a file at once.

    Notes
    -----
    See `reconstruct_curve` and `compare_arms`. Arms that cannot be compared cost no report: a footnote says why.

    Examples
    --------
    Eleven patients behind a curve:

    >>> import dataclasses, pathlib, tempfile
    >>> import cohortstats as cs
    >>> from cohortstats.study import CurveArm, Curves
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "curve.csv"
    >>> _ = file.write_text('''time,survival
    ... 20,0.909091
    ... 36,0.818182
    ... 42,0.636364
    ... 56,0.545455
    ... 57,0.454545
    ... 112,0.340909
    ... 180,0.227273
    ... 310,0
    ... ''')
    >>> arm = CurveArm(label="All", curve=str(file), n=11, events=9)
    >>> entry = Curves(id="curve", title="Time to progression", early=50, unit="days", arms=(arm,))
    >>> study = dataclasses.replace(cs.Study.read(cs.shipped_study("sakai2018")), exhibits=(entry,))
    >>> cs.curves(cs.load_cohort(study), entry).table.strings()[1]
    ['All', '11', '9', '57 (36-NA)', '36.4 (15.5–70.3)']
    """
    entry = section(entry, Curves)
    study = cohort.study
    say = words(study.report.lang)
    arms = [_Arm.of(cohort, arm) for arm in entry.arms]
    layout = _Layout(
        entry=entry,
        arms=arms,
        recorder=EvidenceRecorder(study, entry.id),
        say=say,
        style=STYLES[study.report.style],
        alpha=study.alpha,
    )
    estimates = layout.estimates()
    compared, refused = layout.comparisons()
    groups = layout.groups(estimates, compared)
    guards = [Guard(name="rebuilt", text=text, row=row) for row, text in layout.cautions(compared, refused)]
    notes = [*layout.notes(), *(guard.text for guard in guards)]
    table = evidence_table(cohort, entry, layout.columns(), groups, notes, label=say("curves_label"))
    return Analysis(
        study_id=study.id,
        entry=entry,
        table=table,
        records=tuple(layout.recorder.records),
        picture=layout.picture(compared),
        guards=tuple(guards),
        methods={
            "methods": tuple(dict.fromkeys(str(arm.rebuilt.method) for arm in arms)),
            "compared": bool(compared),
            "comparisons": len(compared),
        },
        curve=tuple(layout.curve_points()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arm:
    """One rebuilt arm with its curve."""

    label: str
    trial: str
    rebuilt: Reconstruction
    curve: KaplanMeier
    time: np.ndarray
    event: np.ndarray

    @classmethod
    def of(cls, cohort: Cohort, declared: CurveArm) -> _Arm:
        folder = cohort.study.folder
        rebuilt = reconstruct_curve(
            folder / declared.curve,
            folder / declared.risk if declared.risk else None,
            n=declared.n,
            n_events=declared.events,
            arm=declared.arm or None,
        )
        if len(rebuilt.arms) > 1:
            if declared.arm not in rebuilt.arms:
                raise InputError(
                    f"{declared.curve} holds {len(rebuilt.arms)} arms ({', '.join(rebuilt.arms)}); "
                    f'set arm = "{rebuilt.arms[0]}", or another of them, for {declared.label}.'
                )
            place = rebuilt.arms.index(declared.arm)
            rebuilt = replace(rebuilt, arms=(declared.arm,), _parts=rebuilt._parts[place : place + 1], _kept={})
        patients = rebuilt.patients
        time, event = patients["time"].to_numpy(dtype=float), patients["event"].to_numpy(dtype=bool)
        curve = kaplan_meier(EventTable.from_arrays(time, event), ci="log-log", ci_level=CI_LEVEL)
        return cls(label=declared.label, trial=declared.trial, rebuilt=rebuilt, curve=curve, time=time, event=event)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Estimates:
    """The results of one arm."""

    n: Result
    events: Result
    median: Result
    share: Result


Comparison = tuple[_Arm, _Arm, ArmComparison]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How arms and pairs become results, lines, footnotes and a picture."""

    entry: Curves
    arms: Sequence[_Arm]
    recorder: EvidenceRecorder
    say: Words
    style: Style
    alpha: float

    @property
    def unit(self) -> str:
        return self.say(f"unit_{self.entry.unit}")

    @property
    def early(self) -> str:
        return format_exact(self.entry.early, self.style)

    def _add(self, row: str, group: str, statistic: str, **fields: Any) -> Result:
        return self.recorder.add(row, group, statistic, origin="from printed", **fields)

    # ---- results

    def estimates(self) -> list[_Estimates]:
        return [self._estimates_of(arm) for arm in self.arms]

    def _estimates_of(self, arm: _Arm) -> _Estimates:
        n, how = int(arm.time.size), f"rebuilt from a curve, {arm.rebuilt.method}"
        add = self._add
        size = add(ARM, arm.label, "n", value=n, n=n, method=how, format="count")
        events = add(ARM, arm.label, "events", value=int(arm.event.sum()), n=n, method=how, format="count")
        span = arm.rebuilt.near_optimal.events_range
        if span is not None:
            for name, value in zip(("events_lowest", "events_highest"), span, strict=True):
                add(ARM, arm.label, name, value=value, n=n, method="near-optimal reconstructions", format="count")
        limits = f"{how}, kaplan-meier, {arm.curve.method}"
        found = arm.curve.quantile(0.5).iloc[0]
        median = add(
            ARM,
            arm.label,
            "median",
            value=float(found["estimate"]),
            ci_lower=float(found["ci_lower"]),
            ci_upper=float(found["ci_upper"]),
            ci_level=CI_LEVEL,
            method=limits,
            n=n,
            reason=str(found["reason"]),
            format="time",
        )
        by_then, lower, upper, reason = share_by(arm.curve, float(self.entry.early))[0]
        share = add(
            ARM,
            arm.label,
            f"event_by_{self.entry.early:g}",
            value=100 * float(by_then),
            ci_lower=100 * float(lower),
            ci_upper=100 * float(upper),
            ci_level=CI_LEVEL,
            method=limits,
            n=n,
            reason=reason,
            format="percentage",
        )
        quality = arm.rebuilt.quality
        for name in ("rmse", "max_abs"):
            add(ARM, arm.label, name, value=100 * float(getattr(quality, name)), n=n, method="percentage points")
        for repair in arm.rebuilt.repairs:
            add(ARM, arm.label, f"repair: {repair.what}", value=repair.count, method="mended input", format="count")
        return _Estimates(n=size, events=events, median=median, share=share)

    def comparisons(self) -> tuple[list[Comparison], list[tuple[str, str]]]:
        """Every pair that can be compared, and why the others cannot."""
        compared: list[Comparison] = []
        refused: list[tuple[str, str]] = []
        for first, second in combinations(self.arms, 2):
            try:
                found = compare_arms(
                    first.rebuilt,
                    second.rebuilt,
                    self.entry.early,
                    labels=(first.label, second.label),
                    same_trial=_one_trial((first, second)),
                    alpha=self.alpha,
                    ci_level=CI_LEVEL,
                    accept_poor=self.entry.accept_poor,
                )
            except InputError as error:
                refused.append((self._pair(first, second), " ".join(error.problems)))
            else:
                compared.append((first, second, found))
        return compared, refused

    def _pair(self, first: _Arm, second: _Arm) -> str:
        return f"{first.label} v {second.label}"

    # ---- table

    def columns(self) -> list[Column]:
        say = self.say
        columns = [
            Column(label=say("arm"), align="left", kind="stub"),
            Column(label="n"),
            Column(label=say("events")),
            Column(label=say("median_unit", unit=self.unit), note=say("ci_95")),
            Column(label=say("event_by", time=self.early, unit=self.unit), note=say("percent_ci")),
        ]
        if len(self.arms) > 1:
            columns += [Column(label=say("hr_ci")), Column(label=f"*{say('p')}*", note=say("test_logrank"))]
        return columns

    def groups(self, estimates: Sequence[_Estimates], compared: Sequence[Comparison]) -> list[RowGroup]:
        pairs = len(self.arms) > 1
        lines = []
        for arm, found in zip(self.arms, estimates, strict=True):
            cells = [
                Cell(value=arm.label),
                self.recorder.cell("count", found.n.value, found.n),
                self.recorder.cell("count", found.events.value, found.events),
                self.recorder.cell(
                    "time (interval)", (found.median.value, found.median.ci_lower, found.median.ci_upper), found.median
                ),
                self._share_cell(found.share),
                *([EMPTY, EMPTY] if pairs else []),
            ]
            lines.append(Row(kind="line", cells=tuple(cells)))
        groups = [RowGroup(rows=tuple(lines))]
        if compared:
            groups.append(RowGroup(rows=tuple(self._pair_line(*one) for one in compared)))
        return groups

    def _share_cell(self, share: Result) -> Cell:
        numbers = (share.value, share.ci_lower, share.ci_upper)
        shares = tuple(math.nan if number is None else float(number) / 100 for number in numbers)
        return self.recorder.cell("percent (interval)", (*shares, share.n), share)

    def _pair_line(self, first: _Arm, second: _Arm, found: ArmComparison) -> Row:
        row, n = self._pair(first, second), first.time.size + second.time.size
        ratio = self._add(
            row,
            "",
            "hr",
            value=found.hazard_ratio,
            ci_lower=found.ci_lower,
            ci_upper=found.ci_upper,
            ci_level=found.ci_level,
            method="rebuilt from curves, cox, efron ties, wald limits",
            n=int(n),
            reason="" if not math.isnan(found.hazard_ratio) else "no finite estimate",
            format="hazard ratio",
        )
        p = self._add(
            row,
            "",
            "p_value",
            value=found.statistic,
            p_value=found.p_value,
            method="rebuilt from curves, log-rank",
            n=int(n),
            reason=found.reason,
        )
        if found.n_alternatives:
            about = {"method": "near-optimal reconstructions", "n": int(n)}
            for name, value in zip(("hr_lowest", "hr_highest"), found.hr_range, strict=True):
                self._add(row, "", name, value=value, format="hazard ratio", **about)
            for name, value in zip(("p_lowest", "p_highest"), found.p_range, strict=True):
                self._add(row, "", name, value=value, format="p", **about)
        cells = [
            Cell(value=self.say("arms_compared", first=first.label, second=second.label)),
            *[EMPTY] * 4,
            self.recorder.cell("hazard ratio (interval)", (ratio.value, ratio.ci_lower, ratio.ci_upper), ratio),
            self.recorder.cell("p", (p.p_value, self.alpha), p),
        ]
        return Row(kind="line", cells=tuple(cells))

    # ---- footnotes

    def notes(self) -> Iterator[str]:
        """How the arms were rebuilt, and how the estimates are made."""
        say = self.say
        for arm in self.arms:
            span = arm.rebuilt.near_optimal.events_range
            events = ""
            if span is not None:
                same = span[0] == span[1]
                events = (
                    say("curves_events_same", n=span[0]) if same else say("curves_events", low=span[0], high=span[1])
                )
            mended = [say("curves_repair", what=repair.what, n=repair.count) for repair in arm.rebuilt.repairs]
            yield say(
                "curves_arm",
                label=arm.label,
                method=say(f"curves_{arm.rebuilt.method}"),
                off=FORMATS["number"](100 * arm.rebuilt.quality.max_abs, self.style),
                events=events,
                repairs=say("curves_repairs", repairs=say("ledger_comma").join(mended)) if mended else "",
            )
        yield say(
            "km_conventions",
            ci=say("km_ci_log_log"),
            rule=say("median_rule_summary", half=format_exact(0.5, self.style)),
            not_reached=self.style.not_reached,
        )

    def cautions(self, compared: Sequence[Comparison], refused: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """What must be told with a comparison; none of it can be switched off."""
        say = self.say
        yield "", say("curves_one_trial" if _one_trial(self.arms) else "curves_across")
        for first, second, found in compared:
            pair = say("arms_compared", first=first.label, second=second.label)
            if found.n_alternatives:
                p = self._span([FORMATS["p"]((p, self.alpha), self.style) for p in found.p_range])
                ratio = self._span([FORMATS["hazard ratio"](ratio, self.style) for ratio in found.hr_range])
                yield self._pair(first, second), say("curves_range", pair=pair, p=p, ratio=ratio)
            if found.crosses_alpha:
                level = format_exact(self.alpha, self.style)
                yield self._pair(first, second), say("curves_crosses", pair=pair, alpha=level)
        for arm in self.arms:
            if len(self.arms) > 1 and not len(arm.rebuilt.near_optimal):
                yield arm.label, say("curves_one_answer", label=arm.label)
            if arm.rebuilt.quality.grade == "poor":
                yield arm.label, say("curves_poor", label=arm.label)
        for pair, why in refused:
            yield pair, say("curves_not_compared", pair=pair, why=why)

    def _span(self, ends: Sequence[str]) -> str:
        low, high = ends
        return low if low == high else self.say("from_to", low=low, high=high)

    # ---- picture

    def picture(self, compared: Sequence[Comparison]) -> KaplanMeierPicture:
        x_max = max(float(arm.time.max()) for arm in self.arms)
        ticks = _ticks(self.entry.ticks, x_max)
        p_text = ""
        if len(compared) == 1 and not math.isnan(compared[0][2].p_value):
            p = format_p_relation(compared[0][2].p_value, self.style, self.alpha)
            p_text = self.say("p_text", test=self.say("test_logrank"), p=p)
        slots = [2, 1] if len(self.arms) == 2 else list(range(1, len(self.arms) + 1))
        return KaplanMeierPicture(
            groups=tuple(self._group(arm, slot) for arm, slot in zip(self.arms, slots, strict=True)),
            x_label=self.say("axis_time_alone", unit=self.unit),
            y_label=self.say("axis_event_free"),
            x_max=x_max,
            ticks=ticks,
            p_text=p_text,
            risk_table=RiskTable(ticks=ticks, rows=tuple(_risk(arm, ticks) for arm in self.arms)),
            risk_labels=(self.say("at_risk"), self.say("events"), self.say("censored")),
            stamp=self.say("curves_label"),
            point=self.style.point,
        )

    def _group(self, arm: _Arm, slot: int) -> CurveGroup:
        end = float(arm.time.max())
        times = np.clip(arm.curve.time, 1e-6 * max(end, 1.0), None)
        left = arm.curve.n_censored > 0
        median = float(arm.curve.quantile(0.5)["estimate"].iloc[0])
        reached = not math.isnan(median)
        return CurveGroup(
            name=arm.label,
            label=arm.label,
            times=(0.0, *times.tolist()),
            survival=(1.0, *arm.curve.survival.tolist()),
            ci_lower=(1.0, *arm.curve.ci_lower.tolist()),
            ci_upper=(1.0, *arm.curve.ci_upper.tolist()),
            end=max(end, float(times[-1])),
            censor_times=tuple(times[left].tolist()),
            censor_survival=tuple(arm.curve.survival[left].tolist()),
            median=median if reached else None,
            median_text=f"{FORMATS['time'](median, self.style)} {self.unit}" if reached else "",
            colour=slot,
        )

    def curve_points(self) -> Iterator[CurvePoint]:
        """Every step of the rebuilt curves."""
        for arm in self.arms:
            for row in arm.curve.to_frame().to_dict("records"):
                yield CurvePoint(
                    group=arm.label,
                    time=float(row["time"]),
                    n_at_risk=int(row["n_at_risk"]),
                    survival=float(row["survival"]),
                    ci_lower=float(row["ci_lower"]),
                    ci_upper=float(row["ci_upper"]),
                )


def _one_trial(arms: Sequence[_Arm]) -> bool:
    trials = {" ".join(arm.trial.split()).casefold() for arm in arms}
    return len(trials) == 1 and trials != {""}


def _ticks(distance: float, x_max: float) -> tuple[float, ...]:
    """Ticks from 0 to the last inside the curves; without a distance, 1, 2, 3, 5 or 6 times a power of ten."""
    if distance <= 0:
        raw = max(x_max, 1e-9) / 6
        power = 10.0 ** math.floor(math.log10(raw))
        distance = next(factor * power for factor in (1, 2, 3, 5, 6, 10) if factor * power >= raw)
    return tuple(float(tick) for tick in np.arange(0, math.floor(x_max / distance + 1e-9) + 1) * distance)


def _risk(arm: _Arm, ticks: Sequence[float]) -> Any:
    """At risk is #{T >= t}; events and censored are #{T < t}, so that each column sums to n."""
    at = np.asarray(ticks)
    events = np.searchsorted(np.sort(arm.time[arm.event]), at, side="left")
    censored = np.searchsorted(np.sort(arm.time[~arm.event]), at, side="left")
    at_risk = arm.time.size - events - censored
    return tuple(tuple(int(x) for x in counts) for counts in (at_risk, events, censored))
