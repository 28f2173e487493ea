"""From a clicked curve to patients: read, mend, choose a method, rebuild, and say how well."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import InputError
from cohortstats.published.curve.at_risk import RiskTable, check_risk, lists_steps, marks_of_arms, risk_of_arms
from cohortstats.published.curve.choice import METHODS, CurveMethod, Method, Outcome, rebuild_arm
from cohortstats.published.curve.clicks import Clicks, read_clicks
from cohortstats.published.curve.columns import Faults
from cohortstats.published.curve.guyot import Rebuilt
from cohortstats.published.curve.levels import count_decimals
from cohortstats.published.curve.near_optimal import NearPaths, near_paths
from cohortstats.published.curve.placing import place_patients
from cohortstats.published.curve.quality import (
    ArmQuality,
    Quality,
    assess,
    compare_printed,
    median_of_path,
    printed_numbers,
)
from cohortstats.published.curve.repairs import Curve, Repair, mend_clicks
from cohortstats.published.curve.two_arms import compare_two
from cohortstats.stats.doors import check_choice, number_text, refuse
from cohortstats.stats.results import RichResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["ALPHA", "LABEL", "NearOptimal", "Reconstruction", "cox_of_two", "reconstruct_curve"]

Floats = NDArray[np.float64]

LABEL = "rebuilt from a published curve, not patient records"
MOST_PATIENTS = 10_000_000
ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Arm:
    """One arm with all that it was rebuilt from."""

    name: str
    curve: Curve
    risk: RiskTable
    marks: Floats | None
    n_events: int | None
    repairs: tuple[Repair, ...]
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class NearOptimal(RichResult):
    """What else the curve allows: paths that cost at most 4 more than the cheapest, and what they range over.

    Parameters
    ----------
    arms
        Names of the arms that have such paths.
    how
        For each, ``all`` paths are listed, or some were ``drawn``.
    events
        For each, fewest and most events of all its paths, exactly.
    median
        For each, smallest and largest median of the paths listed; nan when one does not reach it.
    hr, log_rank_p
        Of two arms, smallest and largest over pairs of the paths listed.
    reason
        Why there are none.

    Examples
    --------
    >>> import cohortstats as cs
    >>> near = cs.reconstruct_curve({"time": [1, 2, 3], "survival": [0.75, 0.5, 0.25]}, n=4).near_optimal
    >>> len(near), near.events_range
    (1, (3, 3))
    """

    arms: tuple[str, ...]
    how: tuple[str, ...]
    events: tuple[tuple[int, int], ...]
    median: tuple[tuple[float, float], ...]
    hr: tuple[float, float] | None = None
    log_rank_p: tuple[float, float] | None = None
    reason: str = ""
    _rows: tuple[tuple[str, int, float, int, float], ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, column: str) -> pd.Series[Any]:
        return self.to_frame()[column]

    @property
    def events_range(self) -> tuple[int, int] | None:
        """Fewest and most events, of all arms together; None when there are no paths."""
        if not self.events:
            return None
        return sum(low for low, _ in self.events), sum(high for _, high in self.events)

    def to_frame(self) -> pd.DataFrame:
        """One line a path: arm, path, cost, events, median."""
        import pandas as pd

        return pd.DataFrame(self._rows, columns=["arm", "path", "cost", "events", "median"])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Reconstruction(RichResult):
    """Patients rebuilt from a curve; made by `reconstruct_curve`.

    Parameters
    ----------
    arms
        Names of the arms in their order; one empty name for a single curve.
    repairs
        What was mended in the input and what could not be met, each counted.
    method
        ``lattice`` or ``guyot``, with its ``reason``.
    seed
        Of the paths that are drawn.
    label
        What the rows are.

    Examples
    --------
    >>> import cohortstats as cs
    >>> rebuilt = cs.reconstruct_curve({"time": [0, 5, 9], "survival": [1, 0.5, 0]}, n=2)
    >>> rebuilt.patients
       time  event
    0   5.0      1
    1   9.0      1
    """

    arms: tuple[str, ...]
    repairs: tuple[Repair, ...]
    method: Method
    seed: int
    accept_poor: bool = False
    label: str = LABEL
    _parts: tuple[_Arm, ...]
    _published: tuple[tuple[str, str, str], ...] = ()
    _kept: dict[str, Any] = field(default_factory=dict)

    @property
    def patients(self) -> pd.DataFrame:
        """One row a patient: time, event (0 or 1), and arm where there are several or the curve has a name."""
        import pandas as pd

        time = np.concatenate([part.outcome.rebuilt.time for part in self._parts])
        event = np.concatenate([part.outcome.rebuilt.event for part in self._parts]).astype(np.int64)
        frame = pd.DataFrame({"time": time, "event": event})
        if self.arms != ("",):
            sizes = [part.outcome.rebuilt.n for part in self._parts]
            codes = np.repeat(np.arange(len(sizes)), sizes)
            frame["arm"] = pd.Categorical.from_codes(codes, categories=pd.Index(self.arms))
        return frame

    def rebuilt(self) -> tuple[Rebuilt, ...]:
        """Patients of each arm as arrays."""
        return tuple(part.outcome.rebuilt for part in self._parts)

    def spans_with(self, other: Reconstruction) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
        """Ranges of ratio (of the other's arm to this one) and P over the near-optimal paths of two single arms."""
        parts = (*self._parts, *other._parts)
        if len(parts) != 2 or any(part.outcome.lattice is None for part in parts):
            return None, None
        return _over_pairs(parts, [_paths_of(self._parts[0], self.seed), _paths_of(other._parts[0], other.seed)])

    @property
    def reason(self) -> str:
        """Why the method was taken."""
        return self.method.reason

    @property
    def quality(self) -> Quality:
        """How well the rows give the picture back."""
        if "quality" not in self._kept:
            arms = tuple(assess(part.name, part.outcome.rebuilt, part.curve, part.risk) for part in self._parts)
            self._kept["quality"] = Quality(arms=arms)
            compared = tuple(
                compare_printed(quantity, arm, text, self._computed(quantity, arm))
                for quantity, arm, text in self._published
            )
            self._kept["quality"] = Quality(arms=arms, published=compared)
        quality: Quality = self._kept["quality"]
        return quality

    def _computed(self, quantity: str, arm: str) -> float:
        if quantity == "median":
            return next(one.median for one in self.quality.arms if one.arm == arm)
        return self.hazard_ratio[0] if quantity == "hr" else self.log_rank_p

    @property
    def withheld(self) -> str:
        """Why the arms are not compared, or an empty text."""
        if len(self._parts) < 2:
            return "one arm"
        if self.quality.grade == "poor" and not self.accept_poor:
            return "an arm is rebuilt poorly; accept_poor compares it all the same"
        return ""

    @property
    def hazard_ratio(self) -> tuple[float, float, float]:
        """Of the second arm to the first, with limits (Cox, Efron's ties); nan unless two arms are compared."""
        if "hazard_ratio" not in self._kept:
            values = (math.nan, math.nan, math.nan)
            if not self.withheld and len(self._parts) == 2:
                values = cox_of_two(*self.rebuilt())
            self._kept["hazard_ratio"] = values
        found: tuple[float, float, float] = self._kept["hazard_ratio"]
        return found

    @property
    def log_rank_p(self) -> float:
        """P of the log-rank test of all arms; nan unless they are compared."""
        if "log_rank_p" not in self._kept:
            self._kept["log_rank_p"] = math.nan if self.withheld else _log_rank(self.rebuilt())
        return float(self._kept["log_rank_p"])

    @property
    def near_optimal(self) -> NearOptimal:
        """What else the curve allows; only the lattice knows."""
        if "near_optimal" not in self._kept:
            self._kept["near_optimal"] = _near_optimal(self._parts, self.seed, compared=not self.withheld)
        near: NearOptimal = self._kept["near_optimal"]
        return near

    def to_frame(self) -> pd.DataFrame:
        """One line an arm: its quality, then method, reason, fewest and most events of the near-optimal paths."""
        frame = self.quality.to_frame()
        frame["method"] = [str(part.outcome.method) for part in self._parts]
        frame["reason"] = [part.outcome.method.reason for part in self._parts]
        near = dict(zip(self.near_optimal.arms, self.near_optimal.events, strict=True))
        frame["events_min"] = [near.get(part.name, (math.nan, math.nan))[0] for part in self._parts]
        frame["events_max"] = [near.get(part.name, (math.nan, math.nan))[1] for part in self._parts]
        return frame

    def notes(self) -> list[str]:
        """What a reader of the numbers must know, one sentence each."""
        found = [f"{self.label}."]
        for arm, how in zip(self.near_optimal.arms, self.near_optimal.how, strict=True):
            if how == "drawn":
                of = f" of {arm}" if arm else ""
                found.append(f"near-optimal paths{of} are drawn with seed {self.seed}; the range of events is exact.")
        span = self.near_optimal.log_rank_p
        if span is not None and span[0] < ALPHA <= span[1]:
            found.append(f"P lies on both sides of {ALPHA} over the near-optimal paths.")
        if self.quality.grade == "poor":
            found.append("a curve is rebuilt poorly.")
        if len(self._parts) > 1 and self.withheld:
            found.append(f"arms are not compared: {self.withheld}.")
        return found

    def plot(self) -> Figure:
        """Clicks against the curve of the rebuilt patients, a ``matplotlib.figure.Figure``."""
        from cohortstats.figures.curve_check import CheckedCurve, draw_curve_check

        return draw_curve_check(
            [
                CheckedCurve(
                    label=part.name,
                    click_times=tuple(part.curve.time[part.curve.clicked].tolist()),
                    click_levels=tuple(part.curve.survival[part.curve.clicked].tolist()),
                    times=times,
                    survival=levels,
                    end=float(part.outcome.rebuilt.time[-1]),
                )
                for part in self._parts
                for times, levels in [_curve_points(part.outcome.rebuilt)]
            ],
            stamp=self.label,
        )

    def as_dict(self) -> dict[str, Any]:
        """What ``curve --json`` prints: of one arm its figures; of several the totals and an entry for each."""
        entries = [self._entry(part, arm) for part, arm in zip(self._parts, self.quality.arms, strict=True)]
        if len(entries) == 1:
            content = entries[0]
        else:
            quality = self.quality
            content = {"n": quality.n, "events": quality.events, "rmse": quality.rmse, "max_abs": quality.max_abs}
            content |= {"max_risk_diff": quality.max_risk_diff, "grade": quality.grade}
            content |= {"method": str(self.method), "reason": self.reason}
            content["median"] = {str(entry["arm"]): entry["median"] for entry in entries}
            content["events_range"] = self.near_optimal.events_range
            content["repairs"] = [repair.as_dict() for repair in self.repairs]
            content["arms"] = entries
            near = self.near_optimal
            ratio, lower, upper = self.hazard_ratio
            content["hr"] = {
                "comparison": f"{self.arms[1]} v {self.arms[0]}" if len(self.arms) == 2 else None,
                "estimate": _finite(ratio),
                "ci_lower": _finite(lower),
                "ci_upper": _finite(upper),
                "range": None if near.hr is None else [_finite(value) for value in near.hr],
            }
            span = None if near.log_rank_p is None else [_finite(value) for value in near.log_rank_p]
            content["log_rank_p"] = {"estimate": _finite(self.log_rank_p), "range": span}
        if self._published:
            content["published"] = [
                {
                    "quantity": one.quantity,
                    "arm": one.arm,
                    "printed": one.printed,
                    "computed": _finite(one.computed),
                    "verdict": one.verdict,
                    "relative_difference": _finite(one.relative_difference),
                }
                for one in self.quality.published
            ]
        content["notes"] = self.notes()
        content["label"] = self.label
        return content

    def _entry(self, part: _Arm, quality: ArmQuality) -> dict[str, Any]:
        near = self.near_optimal
        place = near.arms.index(part.name) if part.name in near.arms else None
        entry: dict[str, Any] = {"arm": part.name} if part.name else {}
        entry |= {"n": quality.n, "events": quality.events, "rmse": quality.rmse, "max_abs": quality.max_abs}
        entry |= {"max_risk_diff": quality.max_risk_diff, "grade": quality.grade}
        entry |= {"method": str(part.outcome.method), "reason": part.outcome.method.reason}
        entry["median"] = {
            "estimate": _finite(quality.median),
            "ci_lower": _finite(quality.ci_lower),
            "ci_upper": _finite(quality.ci_upper),
        }
        entry["events_range"] = None if place is None else list(near.events[place])
        entry["median_range"] = None if place is None else [_finite(value) for value in near.median[place]]
        entry["repairs"] = [repair.as_dict() for repair in part.repairs]
        return entry

    def write(self, path: str | FilePath, sources: tuple[FilePath, ...] = ()) -> tuple[FilePath, FilePath]:
        """Write the rows as CSV ``time,event[,arm]`` and, beside it, what they are as ``<name>.provenance.json``.

        Parameters
        ----------
        path
            The CSV file.
        sources
            Files that the rows are rebuilt from; none of them is ever written over.

        Raises
        ------
        InputError
            When the file is there and is no rebuilt table, or a study reads it.
        """
        from cohortstats.published.curve.output import write_reconstruction

        return write_reconstruction(self, FilePath(path), sources)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _curve_points(rebuilt: Rebuilt) -> tuple[tuple[float, ...], tuple[float, ...]]:
    moments = np.unique(rebuilt.time[rebuilt.event])
    times = rebuilt.time[rebuilt.event]
    events = np.searchsorted(times, moments, side="right") - np.searchsorted(times, moments)
    at_risk = rebuilt.n - np.searchsorted(rebuilt.time, moments)
    level = np.cumprod(1 - events / at_risk)
    return (0.0, *moments.tolist()), (1.0, *level.tolist())


def _joined(arms: tuple[Rebuilt, ...]) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    time, event = np.concatenate([arm.time for arm in arms]), np.concatenate([arm.event for arm in arms])
    return time, event, np.repeat(np.arange(len(arms)), [arm.n for arm in arms])


def cox_of_two(first: Rebuilt, second: Rebuilt) -> tuple[float, float, float]:
    """Hazard ratio of the second arm to the first with its limits; nan where there is none."""
    import warnings

    from cohortstats.errors import CohortStatsWarning
    from cohortstats.stats.hazard import cox

    time, event, group = _joined((first, second))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortStatsWarning)  # few events are seen in the figures
        try:
            model = cox(time, event, {"arm": group})
        except InputError:
            return math.nan, math.nan, math.nan
    return float(model.hazard_ratio[0]), float(model.ci_lower[0]), float(model.ci_upper[0])


def _log_rank(arms: tuple[Rebuilt, ...]) -> float:
    from cohortstats.stats.events import EventTable
    from cohortstats.stats.log_rank import log_rank_test

    time, event, group = _joined(arms)
    return log_rank_test(EventTable.from_arrays(time, event, group)).p_value


def _near_optimal(parts: tuple[_Arm, ...], seed: int, *, compared: bool) -> NearOptimal:
    near = {part.name: _paths_of(part, seed) for part in parts if part.outcome.lattice is not None}
    medians, rows = [], []
    for part in parts:
        if part.name in near:
            values = [median_of_path(part.outcome.steps, path) for path in near[part.name].paths]
            reached = [value for value in values if not math.isnan(value)]
            medians.append(
                (min(reached, default=math.nan), max(reached) if len(reached) == len(values) > 0 else math.nan)
            )
            rows += [
                (part.name, place, path.cost, path.n_events, median)
                for place, (path, median) in enumerate(zip(near[part.name].paths, values, strict=True), start=1)
            ]
    ratio = p_value = None
    if compared and len(parts) == 2 and len(near) == 2:
        ratio, p_value = _over_pairs(parts, list(near.values()))
    return NearOptimal(
        arms=tuple(near),
        how=tuple(paths.how for paths in near.values()),
        events=tuple(paths.events for paths in near.values()),
        median=tuple(medians),
        hr=ratio,
        log_rank_p=p_value,
        reason="" if near else "the method of Guyot gives one answer and no other",
        _rows=tuple(rows),
    )


def _paths_of(part: _Arm, seed: int) -> NearPaths:
    assert part.outcome.lattice is not None
    return near_paths(part.outcome.lattice, n_events=part.n_events, seed=seed)


def _over_pairs(
    parts: tuple[_Arm, ...], near: list[NearPaths]
) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """Smallest and largest ratio and P over pairs of paths: the extremes of both arms with each other, then in turn."""
    arms = []
    for part, found in zip(parts, near, strict=True):
        paths = found.paths
        totals = {path.n_events: place for place, path in reversed(list(enumerate(paths)))}
        corners = sorted({0, totals[min(totals)], totals[max(totals)]})
        arms.append(([place_patients(part.outcome.steps, path, part.marks) for path in paths], corners))
    (first, some), (second, others) = arms
    turns = max(len(first), len(second))
    pairs = {(i, j) for i in some for j in others}
    pairs |= {(turn % len(first), turn % len(second)) for turn in range(min(turns, 1000))}
    values = np.array([compare_two(first[i], second[j]) for i, j in sorted(pairs)])
    spans = []
    for column in values.T:
        known = column[np.isfinite(column)]
        spans.append((float(known.min()), float(known.max())) if known.size else None)
    return spans[0], spans[1]


def reconstruct_curve(
    curve: Any,
    at_risk: Any = None,
    n: int | Mapping[str, int] | None = None,
    n_events: int | Mapping[str, int] | None = None,
    method: CurveMethod = "auto",
    censor_marks: Any = None,
    *,
    arm: str | None = None,
    rising: bool = False,
    sigma: float | None = None,
    published: Mapping[str, Any] | None = None,
    accept_poor: bool = False,
    seed: int = 1,
) -> Reconstruction:
    """Patients behind a digitised Kaplan-Meier curve, with what was mended and how well they give it back.

    Parameters
    ----------
    curve
        Clicks: path of a CSV file, frame or dictionary with ``time`` and ``survival`` (also surv_pct, surv, s, y) and,
        for several arms, ``arm``; what `read_vector_curve` gives; or a dictionary of arm -> any of these. Percent are
        read as such when a value is above 1.5. Each level is that from its time on; of two at one time the first is
        that before it.
    at_risk
        Numbers at risk: ``time``, ``n_at_risk`` and for several arms ``arm``, or ``time`` and a column an arm. A number
        counts who has time t or more.
    n
        Patients, when the numbers at risk do not start at 0; arm -> n for several arms.
    n_events
        Total of events, when printed; arm -> events for several arms.
    method
        ``lattice``: whole numbers of patients that give every level. ``guyot``: events follow from clicks, censorings
        from the numbers at risk. ``auto``: the lattice when σ·n is at most 0.15, steps are located (a vector path, or
        levels to 3 decimals) and whole numbers give the levels, else Guyot's.
    censor_marks
        Times of the censor marks, ``time`` and for several arms ``arm``: censorings stand there, not evenly spread.
    arm
        Whose numbers at risk a curve without a name takes, when there are several.
    rising
        The curve counts up (cumulative incidence of one kind of event).
    sigma
        Standard deviation of one level, when it is known better than from its digits.
    published
        ``median``, ``hr``, ``p`` -> what was printed; compared in ``quality.published``.
    accept_poor
        Compare arms even when one is rebuilt poorly.
    seed
        Of the near-optimal paths that are drawn when there are more than 1,000.

    Returns
    -------
    Reconstruction
        ``patients``, ``quality``, ``near_optimal``, ``repairs``, ``method``. There are always as many rows as patients.

    Raises
    ------
    InputError
        Everything that is wrong with arguments and frames. A curve that rises by more than half a click (0.005), leaves
        [0, 1.02] or has fewer than two clicks; numbers at risk that rise, start with another number than n, or go on
        behind the end of the curve; with the lattice, a step that no whole numbers give to 5 σ, or a number at risk
        that cannot be.
    DataError
        The same faults in files.

    Notes
    -----
    Lattice: d events among n at risk at each step with S = S'(1 − d/n); least Σ (residual/σ)² + 0.001 for each patient
    censored, by a dynamic programme over those at risk; levels rounded to a unit u have σ = u/√12·√2. Guyot, Ades,
    Ouwens and Welton 2012, BMC Medical Research Methodology 12:9; R ``IPDfromKM::getIPD`` does the same and may lose
    a patient. A rebuilt patient is none: what is computed from the rows is as good as the picture.

    Examples
    --------
    Eleven patients; a number at risk says which of the last two had the event:

    >>> steps = {"time": [20, 36, 42, 56, 57, 112, 180, 310],
    ...          "survival": [.909091, .818182, .636364, .545455, .454545, .340909, .227273, 0]}
    >>> risk = {"time": [0, 50, 100, 150, 200, 250], "n_at_risk": [11, 7, 4, 3, 2, 1]}
    >>> rebuilt = reconstruct_curve(steps, risk)
    >>> rebuilt.method, rebuilt.quality.events, rebuilt.near_optimal.events_range
    ('lattice', 9, (9, 9))
    >>> rebuilt.patients.query("event == 0").time.tolist()
    [78.5, 225.0]
    """
    problems = check_choice("method", method, METHODS)
    if sigma is not None and not (isinstance(sigma, int | float) and 0 < sigma < 1):
        problems.append(f"sigma is {sigma!r}; give the spread of a level as a share, such as 0.001.")
    for name, counts in (("n", n), ("n_events", n_events)):
        for count in counts.values() if isinstance(counts, Mapping) else [counts]:
            problems += _count_fault(name, count)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        problems.append(f"seed is {seed!r}; give a whole number from 0 up.")
    refuse(problems)
    found = Faults()
    arms = read_clicks(curve, found, rising=rising)
    tables = risk_of_arms(at_risk, arms, arm, found) if arms else {}
    marks = marks_of_arms(censor_marks, arms, found) if arms else {}
    found.refuse()
    names = [one.arm or (arm or "") for one in arms]
    if not arms:
        raise InputError("there is no curve: no row, or no arm.")
    printed = printed_numbers(published, names)
    parts = []
    mended = [_mend(one, tables.get(one.arm), found) for one in arms]
    longest = max((curve.end for curve, _ in filter(None, mended)), default=0.0)
    for one, name, curve_and_repairs in zip(arms, names, mended, strict=True):
        if curve_and_repairs is None:
            continue
        part = _rebuild(
            one,
            name,
            *curve_and_repairs,
            longest=longest,
            table=tables.get(one.arm),
            n=_of_arm("n", n, name, names),
            n_events=_of_arm("n_events", n_events, name, names),
            marks=marks.get(one.arm),
            method=method,
            sigma=sigma,
            found=found,
        )
        if part is not None:
            parts.append(part)
    found.refuse()
    methods = list(dict.fromkeys((str(p.outcome.method), p.outcome.method.reason) for p in parts))
    kinds = list(dict.fromkeys(kind for kind, _ in methods))
    repairs = [
        dataclasses.replace(repair, what=f"{part.name}: {repair.what}") if len(parts) > 1 else repair
        for part in parts
        for repair in part.repairs
    ]
    return Reconstruction(
        arms=tuple(names),
        repairs=tuple(repairs),
        method=Method(" + ".join(kinds), "; ".join(dict.fromkeys(reason for _, reason in methods))),
        seed=seed,
        accept_poor=accept_poor,
        _parts=tuple(parts),
        _published=tuple(printed),
    )


def _count_fault(name: str, value: object) -> list[str]:
    if value is None:
        return []
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_)
    if not whole and isinstance(value, float) and value.is_integer():
        whole = True
    least = 1 if name == "n" else 0
    if not whole or int(value) < least:  # type: ignore[call-overload]  # whole says that it is a number
        return [f"{name} is {value!r}; give a whole number from {least} up."]
    if int(value) > MOST_PATIENTS:  # type: ignore[call-overload]
        return [f"{name} is {value}; at most {MOST_PATIENTS:,} patients are rebuilt."]
    return []


def _of_arm(name: str, value: int | Mapping[str, int] | None, arm: str, arms: list[str]) -> int | None:
    if isinstance(value, Mapping):
        unknown = [key for key in value if key not in arms]
        if unknown:
            raise InputError(f"{name}: {', '.join(map(str, unknown))} is no arm; arms are {', '.join(arms)}.")
        return None if value.get(arm) is None else int(value[arm])
    if value is not None and len(arms) > 1:
        raise InputError(f"{name} is {value}, there are {len(arms)} arms; say whose it is, arm by arm.")
    return None if value is None else int(value)


def _mend(clicks: Clicks, table: RiskTable | None, found: Faults) -> tuple[Curve, list[Repair]] | None:
    last = float(table.time[-1]) if table is not None and table.time.size else 0.0
    return mend_clicks(clicks, min(last, 3 * float(clicks.time.max(initial=0.0))), found)


def _rebuild(
    clicks: Clicks,
    name: str,
    curve: Curve,
    repairs: list[Repair],
    *,
    longest: float,
    table: RiskTable | None,
    n: int | None,
    n_events: int | None,
    marks: Floats | None,
    method: CurveMethod,
    sigma: float | None,
    found: Faults,
) -> _Arm | None:
    """One arm from its clicks; None after a fault."""
    digits = count_decimals(curve.survival)
    checked = check_risk(table, n, curve, digits, clicks, found)
    if checked is None:
        return None
    risk, notes = checked
    total = int(risk.n[0])
    if total < 1 or total > MOST_PATIENTS:
        risk.tell(found, "n-mismatch", f"{total} patients at 0; from 1 to {MOST_PATIENTS:,} are rebuilt.")
        return None
    if n_events is not None and n_events > total:
        message = f"{n_events} events, {total} patients: no one has two."
        found.add("n-mismatch", message, name=name)
        return None
    if marks is not None and marks.size > total:
        found.add("n-mismatch", f"{marks.size} censor marks, {total} patients.", name=name)
        return None
    if marks is not None and marks.size and float(marks[-1]) > max(curve.end, float(risk.time[-1])) * (1 + 1e-2):
        message = f"censor mark at {number_text(float(marks[-1]))}, the curve ends at {number_text(curve.end)}."
        found.add("unit-mismatch", message, name=name)
        return None
    if longest > curve.end and curve.ends_open and lists_steps(curve, digits):
        # Arms of one figure are followed alike: who is left after the last step stays till the end of the longest.
        curve = curve.drawn_on(longest)
        notes = ["curve drawn on to the end of the longest"]
    outcome = rebuild_arm(
        curve,
        risk,
        digits=digits,
        n_events=n_events,
        marks=marks,
        method=method,
        sigma=sigma,
        clicks=clicks,
        found=found,
    )
    if outcome is None:
        return None
    end = max(curve.end, float(risk.time[-1]))
    repairs += [Repair(what=note, count=1, where=number_text(end)) for note in notes]
    repairs += outcome.rebuilt.repairs
    assert outcome.rebuilt.n == total, "every patient comes out"
    return _Arm(
        name=name,
        curve=curve,
        risk=risk,
        marks=marks,
        n_events=n_events,
        repairs=tuple(repairs),
        outcome=outcome,
    )
