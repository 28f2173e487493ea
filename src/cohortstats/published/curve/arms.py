"""Two arms rebuilt from published curves, side by side: what they say, and what they cannot say.

A rebuilt arm is not a sample of patients beside another: who entered the trials, when and with what before is not in a
curve. The sentence that says so cannot be switched off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortstats.errors import InputError
from cohortstats.published.curve.guyot import Rebuilt
from cohortstats.published.curve.near_optimal import near_paths
from cohortstats.published.curve.placing import place_patients
from cohortstats.published.curve.reconstruct import Reconstruction
from cohortstats.published.curve.two_arms import compare_two
from cohortstats.stats.doors import check_fraction, number_text, refuse
from cohortstats.stats.events import EventTable
from cohortstats.stats.hazard import cox
from cohortstats.stats.kaplan_meier import KaplanMeier, kaplan_meier
from cohortstats.stats.log_rank import log_rank_test
from cohortstats.stats.results import RichResult

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ACROSS_TRIALS", "ONE_TRIAL", "ArmComparison", "ArmEstimate", "compare_arms", "share_by"]

ACROSS_TRIALS = (
    "rebuilt from published curves; unadjusted; not randomised against each other; "
    "populations and calendar time differ."
)
ONE_TRIAL = "rebuilt from published curves; unadjusted."
MOST_PAIRS = 256  # of near-optimal paths; beyond, one arm is varied at a time

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmEstimate:
    """What one rebuilt arm says.

    Parameters
    ----------
    arm
        Its name.
    n, events
        Patients and events.
    median, median_lower, median_upper
        Median with log-log limits; nan where not reached.
    share, share_lower, share_upper
        Share with an event by ``early``, 1 − S(early), with log-log limits; nan beyond the last observation.
    reason
        Why the share is nan.
    """

    arm: str
    n: int
    events: int
    median: float
    median_lower: float
    median_upper: float
    share: float
    share_lower: float
    share_upper: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ArmComparison(RichResult):
    """Result of `compare_arms`.

    Parameters
    ----------
    arms
        Both arms, the first is the numerator of the hazard ratio.
    early
        The time of the early share.
    statistic, df, p_value
        Log-rank test.
    hazard_ratio, ci_lower, ci_upper, ci_level
        Cox regression, Efron's ties, Wald limits.
    p_range, hr_range
        Least and largest over the near-optimal reconstructions of both arms; nan where the arms were given as rows.
    n_alternatives
        Pairs of reconstructions behind the ranges.
    crosses_alpha
        Whether the P lies on both sides of ``alpha`` over that range.
    caveat
        What every reader must be told; cannot be switched off.
    notes
        What is special about this comparison.
    method, reason
        What was computed; why the test is nan.

    Examples
    --------
    >>> import cohortstats as cs
    >>> import pandas as pd
    >>> a, b = (pd.DataFrame({"time": [1.0, 3.0, t], "event": [1, 1, 0]}) for t in (4.0, 9.0))
    >>> compared = cs.compare_arms(a, b, same_trial=True)
    >>> compared.arms[0].events, compared.caveat
    (2, 'rebuilt from published curves; unadjusted.')
    """

    arms: tuple[ArmEstimate, ArmEstimate]
    early: float
    statistic: float
    df: int
    p_value: float
    hazard_ratio: float
    ci_lower: float
    ci_upper: float
    ci_level: float
    p_range: Pair
    hr_range: Pair
    n_alternatives: int
    alpha: float
    crosses_alpha: bool
    caveat: str
    notes: tuple[str, ...]
    method: str
    reason: str

    def to_frame(self) -> pd.DataFrame:
        """One row an arm: its estimates, then the comparison, which is the same in both rows, and the caveat."""
        import pandas as pd

        arms = pd.DataFrame([{name: getattr(arm, name) for name in arm.__slots__} for arm in self.arms])
        names = ("early", "statistic", "df", "p_value", "hazard_ratio", "ci_lower", "ci_upper", "ci_level")
        ranges = {
            "p_lowest": self.p_range[0],
            "p_highest": self.p_range[1],
            "hr_lowest": self.hr_range[0],
            "hr_highest": self.hr_range[1],
        }
        words = {"caveat": self.caveat, "notes": "; ".join(self.notes), "method": self.method}
        return arms.assign(**({name: getattr(self, name) for name in names} | ranges | words))

    def said(self) -> list[str]:
        """The comparison in words: test, ratio, ranges, the caveat, the notes."""
        ratio = f"hazard ratio {_short(self.hazard_ratio)} ({_short(self.ci_lower)}–{_short(self.ci_upper)})"
        sentences = [f"log-rank chi-square {_short(self.statistic)}, P {_short(self.p_value)}; {ratio}"]
        if self.n_alternatives:
            spans = [f"{_short(low)}–{_short(high)}" for low, high in (self.p_range, self.hr_range)]
            sentences.append(f"over the near-optimal reconstructions: P {spans[0]}, hazard ratio {spans[1]}")
        return [*sentences, self.caveat, *self.notes]

    def __repr__(self) -> str:
        return "\n".join([super(ArmComparison, self).__repr__(), *self.said()])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        bundle = super(ArmComparison, self)._repr_mimebundle_(include, exclude)
        bundle["text/html"] += "".join(f"<p>{escape(sentence)}</p>" for sentence in self.said())
        bundle["text/markdown"] += "".join(f"\n{sentence}\n" for sentence in self.said())
        return bundle

    def _shown(self) -> tuple[pd.DataFrame, bool]:
        names = [name for name in ArmEstimate.__slots__ if name != "reason"]
        return self.to_frame()[names], False


def compare_arms(
    arm_a: Any,
    arm_b: Any,
    early: float = 2,
    *,
    labels: tuple[str, str] = ("arm a", "arm b"),
    same_trial: bool = False,
    alpha: float = 0.05,
    ci_level: float = 0.95,
    accept_poor: bool = False,
) -> ArmComparison:
    """Compare two arms rebuilt from published curves: medians, early events, log-rank test, hazard ratio.

    Parameters
    ----------
    arm_a, arm_b
        A `Reconstruction` of one arm, or a frame with ``time`` and ``event``, one row a patient. The hazard ratio is
        that of the first to the second.
    early
        Time by which the share with an event is given, in the unit of the times.
    labels
        Names of the arms.
    same_trial
        Both arms are of one trial, so that they were randomised against each other.
    alpha
        Level on both sides of which P may not lie without a word.
    ci_level
        Level of all limits.
    accept_poor
        Compare a reconstruction whose quality is poor.

    Returns
    -------
    ArmComparison
        With the range of P and of the hazard ratio over the near-optimal reconstructions, and the sentence on what such
        a comparison is.

    Raises
    ------
    InputError
        Arms without these columns or without patients, with several arms in one, or of poor quality; an ``early`` that
        is not above 0.

    Notes
    -----
    R: ``survdiff(Surv(time, event) ~ arm)``, ``coxph(…, ties = "efron")``, ``survfit(…, conf.type = "log-log")``. The
    share by ``early`` is 1 − S(early), its limits are 1 minus those of S.

    Examples
    --------
    >>> import pandas as pd
    >>> a = pd.DataFrame({"time": [1.0, 2.0, 3.0, 5.0, 8.0], "event": [1, 1, 1, 0, 1]})
    >>> b = pd.DataFrame({"time": [2.5, 4.0, 6.0, 9.0, 12.0], "event": [1, 0, 1, 1, 0]})
    >>> compared = compare_arms(a, b)
    >>> [f"{arm.share:.2f}" for arm in compared.arms], [arm.median for arm in compared.arms]
    (['0.40', '0.00'], [3.0, 9.0])
    >>> compared.caveat.split("; ")[2:]
    ['not randomised against each other', 'populations and calendar time differ.']
    """
    problems = check_fraction("alpha", alpha, "0.05") + check_fraction("ci_level", ci_level, "0.95")
    if isinstance(early, bool) or not (isinstance(early, int | float | np.number) and 0 < early < math.inf):
        problems.append(f"early is {early!r}; give a time above 0, such as 2.")
    names = tuple(str(label) for label in labels)
    if len(names) != 2 or names[0] == names[1] or not all(names):
        problems.append("labels must be two different names.")
    first, second = (_Arm.of(arm, name, problems) for arm, name in ((arm_a, "arm_a"), (arm_b, "arm_b")))
    if not accept_poor:
        for name, arm in (("arm_a", first), ("arm_b", second)):
            if arm is not None and arm.grade == "poor":
                problems.append(f"{name} is a poor reconstruction; accept_poor = True compares it all the same.")
    refuse(problems)
    assert first is not None  # refused above
    assert second is not None
    events = EventTable.from_arrays(
        np.concatenate([first.time, second.time]),
        np.concatenate([first.event, second.event]),
        group=np.repeat([0, 1], [first.n, second.n]),
    )
    curves = kaplan_meier(events, ci="log-log", ci_level=ci_level)
    test = log_rank_test(events)
    ratio = _hazard_ratio(first, second, ci_level)
    pairs = list(_pairs(first, second)) if first.alternatives or second.alternatives else []
    p_range, hr_range = (_ends([pair[place] for pair in pairs]) for place in (1, 0))
    if pairs and not math.isnan(test.p_value):  # the estimate is one of them
        p_range = min(p_range[0], test.p_value), max(p_range[1], test.p_value)
    if pairs and not math.isnan(ratio[0]):
        hr_range = min(hr_range[0], ratio[0]), max(hr_range[1], ratio[0])
    crosses = p_range[0] < alpha <= p_range[1]
    early_shares = share_by(curves, float(early))
    medians = curves.quantile(0.5).to_dict("records")
    return ArmComparison(
        arms=(
            _estimate(names[0], first, medians[0], early_shares[0]),
            _estimate(names[1], second, medians[1], early_shares[1]),
        ),
        early=float(early),
        statistic=test.statistic,
        df=test.df,
        p_value=test.p_value,
        hazard_ratio=ratio[0],
        ci_lower=ratio[1],
        ci_upper=ratio[2],
        ci_level=float(ci_level),
        p_range=p_range,
        hr_range=hr_range,
        n_alternatives=len(pairs),
        alpha=float(alpha),
        crosses_alpha=crosses,
        caveat=ONE_TRIAL if same_trial else ACROSS_TRIALS,
        notes=tuple(_notes(dict(zip(names, (first, second), strict=True)), crosses, float(alpha), p_range, ratio[3])),
        method=f"{test.method}; cox, efron ties, wald limits; {curves.method}",
        reason=test.reason,
    )


def share_by(curves: KaplanMeier, early: float) -> list[tuple[float, float, float, str]]:
    """Share with an event by a time, its limits and why it is nan, an entry a group."""
    found = curves.at([early])
    return [
        (1 - point["survival"], 1 - point["ci_upper"], 1 - point["ci_lower"], str(point["reason"]))
        for point in found.to_dict("records")
    ]


def _estimate(name: str, arm: _Arm, median: Mapping[Any, Any], share: tuple[float, float, float, str]) -> ArmEstimate:
    return ArmEstimate(
        arm=name,
        n=arm.n,
        events=int(arm.event.sum()),
        median=float(median["estimate"]),
        median_lower=float(median["ci_lower"]),
        median_upper=float(median["ci_upper"]),
        share=float(share[0]),
        share_lower=float(share[1]),
        share_upper=float(share[2]),
        reason=share[3],
    )


# ---------------------------------------------------------------------------------------------------------------------
# One arm
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arm:
    """Rows of an arm in order of time, and the other reconstructions that the picture allows."""

    time: np.ndarray
    event: np.ndarray
    grade: str = ""
    alternatives: tuple[Rebuilt, ...] = ()
    how: str = "rows"  # or all, drawn, none

    @property
    def n(self) -> int:
        return int(self.time.size)

    @property
    def rebuilt(self) -> Rebuilt:
        return Rebuilt(time=self.time, event=self.event)

    @classmethod
    def of(cls, given: Any, name: str, problems: list[str]) -> _Arm | None:
        """An arm from what was given, or None after a sentence about it."""
        frame = given.patients if isinstance(given, Reconstruction) else given
        rows = _columns(frame, name, problems)
        if rows is None:
            return None
        time, event = rows
        order = np.lexsort((~event, time))
        arm = cls(time=time[order], event=event[order])
        if not isinstance(given, Reconstruction):
            return arm
        alternatives, how = _alternatives(given)
        return replace(arm, grade=given.quality.grade, alternatives=alternatives, how=how)


def _columns(frame: Any, name: str, problems: list[str]) -> tuple[np.ndarray, np.ndarray] | None:
    columns = getattr(frame, "columns", frame.keys() if isinstance(frame, Mapping) else None)
    if columns is None:
        problems.append(f"{name} must be a reconstruction or a frame with time and event.")
        return None
    lacking = [column for column in ("time", "event") if column not in columns]
    if lacking:
        problems.append(f"{name} has no column {' and no column '.join(lacking)}.")
        return None
    if "arm" in columns:
        arms = list(dict.fromkeys(map(str, frame["arm"])))
        if len(arms) > 1:
            problems.append(f"{name} holds {len(arms)} arms ({', '.join(arms[:4])}); give one.")
            return None
    try:
        # The door of the table says what is wrong with times and events.
        EventTable.from_arrays(frame["time"], frame["event"])
    except InputError as error:
        problems += [f"{name}: {sentence}" for sentence in error.problems]
        return None
    time = np.asarray(frame["time"], dtype=np.float64)
    if not time.size:
        problems.append(f"{name} has no patients.")
        return None
    return time, np.asarray(frame["event"], dtype=bool)


def _alternatives(given: Reconstruction) -> tuple[tuple[Rebuilt, ...], str]:
    """The near-optimal reconstructions, and whether all of them or a sample; none where the method knows of none."""
    (part,) = given._parts
    if part.outcome.lattice is None:
        return (), "none"
    near = near_paths(part.outcome.lattice, n_events=part.n_events, seed=given.seed)
    return tuple(place_patients(part.outcome.steps, path, part.marks) for path in near.paths), near.how


# ---------------------------------------------------------------------------------------------------------------------
# Both arms
# ---------------------------------------------------------------------------------------------------------------------


def _hazard_ratio(first: _Arm, second: _Arm, ci_level: float) -> tuple[float, float, float, str]:
    """Hazard ratio of the first arm to the second, and why there is none."""
    import warnings

    from cohortstats.errors import CohortStatsWarning

    time, event = (np.concatenate([getattr(arm, name) for arm in (first, second)]) for name in ("time", "event"))
    if event.sum() < 2:
        return math.nan, math.nan, math.nan, "too few events"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CohortStatsWarning)
        model = cox(time, event, {"arm": np.repeat([1.0, 0.0], [first.n, second.n])}, ties="efron", ci_level=ci_level)
    if model.reason:
        return math.nan, math.nan, math.nan, model.reason
    return float(model.hazard_ratio[0]), float(model.ci_lower[0]), float(model.ci_upper[0]), ""


def _pairs(first: _Arm, second: _Arm) -> Iterator[Pair]:
    """Hazard ratio and log-rank P of pairs of reconstructions.

    Where there are too many pairs, each arm is varied beside the other one's best, and then the extremes of both meet:
    the signed statistic is all but the sum of what each arm adds to it.
    """
    ours, theirs = ((arm.rebuilt, *arm.alternatives) for arm in (first, second))

    def both(a: Rebuilt, b: Rebuilt) -> Pair:
        return compare_two(b, a)

    if len(ours) * len(theirs) <= MOST_PAIRS:
        yield from (both(a, b) for a in ours for b in theirs)
        return
    along = [both(a, theirs[0]) for a in ours]
    across = [both(ours[0], b) for b in theirs[1:]]
    yield from along
    yield from across
    across = [along[0], *across]
    for i in _extremes(along):
        for j in _extremes(across):
            yield both(ours[i], theirs[j])


def _extremes(pairs: Sequence[Pair]) -> list[int]:
    """Places of the pairs that are furthest on either side: by P with the sign of the ratio, and by the ratio."""

    def signed(place: int) -> float:
        ratio, p = pairs[place]
        return math.copysign(-math.log(max(p, 1e-300)), ratio - 1) if not math.isnan(p + ratio) else 0.0

    keys: tuple[Callable[[int], float], ...] = (signed, lambda place: pairs[place][0])
    places = range(len(pairs))
    return sorted({end(places, key=key) for key in keys for end in (min, max)})


def _ends(values: Sequence[float]) -> Pair:
    known = [value for value in values if not math.isnan(value)]
    return (min(known), max(known)) if known else (math.nan, math.nan)


def _notes(arms: Mapping[str, _Arm], crosses: bool, alpha: float, p_range: Pair, no_ratio: str) -> Iterator[str]:
    if crosses:
        span = f"{_short(p_range[0])} to {_short(p_range[1])}"
        yield f"P crosses {number_text(alpha)} over the near-optimal reconstructions ({span})."
    for name, arm in arms.items():
        if arm.how == "drawn":
            yield f"near-optimal reconstructions of {name} are a sample."
        if arm.how == "none":
            yield f"{name} was rebuilt by a method that gives one answer; what else the curve allows is not known."
        if arm.grade == "poor":
            yield f"{name} is a poor reconstruction."
    if no_ratio:
        yield f"no hazard ratio: {no_ratio}."


def _short(value: float) -> str:
    """A number in a sentence, to four digits that count."""
    if math.isnan(value) or math.isinf(value):
        return str(value)
    return np.format_float_scientific(value, precision=3, trim="-") if 0 < value < 1e-4 else f"{value:.4g}"
