"""How well rebuilt patients give the picture back, and what was printed beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import InputError
from cohortstats.printed.cells import rounds_to
from cohortstats.published.curve.at_risk import RiskTable
from cohortstats.published.curve.guyot import Rebuilt
from cohortstats.published.curve.lattice import Path
from cohortstats.published.curve.repairs import Curve
from cohortstats.published.curve.steps import Steps
from cohortstats.stats.results import RichResult

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ArmQuality", "Comparison", "Quality", "assess", "compare_printed", "median_of_path"]

Floats = NDArray[np.float64]
Grade = Literal["good", "usable", "poor"]

GOOD_RMSE, GOOD_MAX, USABLE_RMSE = 0.02, 0.05, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmQuality:
    """Quality of one arm, computed on its rows.

    Parameters
    ----------
    arm
        Its name, empty for a curve without one.
    n, events
        Patients and events rebuilt.
    rmse, max_abs
        Of rebuilt minus clicked survival at the clicks.
    max_risk_diff
        Largest difference from a number at risk.
    median, ci_lower, ci_upper
        Median time with log-log limits; nan when not reached.
    grade
        ``good``: rmse at most 0.02 and no click off by more than 0.05; ``usable``: rmse at most 0.05; else ``poor``.
    """

    arm: str
    n: int
    events: int
    rmse: float
    max_abs: float
    max_risk_diff: int
    median: float
    ci_lower: float
    ci_upper: float
    grade: Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A printed number beside the one computed from the rebuilt patients.

    Parameters
    ----------
    quantity, arm
        ``median`` of an arm, ``hr`` or ``p``.
    printed, computed
        The string, and the number.
    verdict
        ``agrees``, ``last digit`` or ``differs``, by the digits of the string.
    relative_difference
        Of computed from printed; nan for a bound or a word.
    """

    quantity: str
    arm: str
    printed: str
    computed: float
    verdict: str
    relative_difference: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Quality(RichResult):
    """Quality of a reconstruction: one line an arm.

    Parameters
    ----------
    arms
        Each arm.
    published
        Printed numbers beside computed ones.

    Examples
    --------
    >>> import cohortstats as cs
    >>> quality = cs.reconstruct_curve({"time": [1, 2, 3], "survival": [0.75, 0.5, 0.25]}, n=4).quality
    >>> quality.n, quality.events, quality["grade"]
    (4, 3, 'good')
    """

    arms: tuple[ArmQuality, ...]
    published: tuple[Comparison, ...] = ()

    @property
    def n(self) -> int:
        """Patients of all arms."""
        return sum(arm.n for arm in self.arms)

    @property
    def events(self) -> int:
        """Events of all arms."""
        return sum(arm.events for arm in self.arms)

    @property
    def rmse(self) -> float:
        """Largest of the arms."""
        return max(arm.rmse for arm in self.arms)

    @property
    def max_abs(self) -> float:
        """Largest of the arms."""
        return max(arm.max_abs for arm in self.arms)

    @property
    def max_risk_diff(self) -> int:
        """Largest of the arms."""
        return max(arm.max_risk_diff for arm in self.arms)

    @property
    def median(self) -> float:
        """Median of a single arm."""
        return float(self._only("median"))

    @property
    def ci_lower(self) -> float:
        """Lower limit of the median of a single arm."""
        return float(self._only("ci_lower"))

    @property
    def ci_upper(self) -> float:
        """Upper limit of the median of a single arm."""
        return float(self._only("ci_upper"))

    @property
    def grade(self) -> Grade:
        """The worst of the arms."""
        order: tuple[Grade, ...] = ("poor", "usable", "good")
        return min((arm.grade for arm in self.arms), key=order.index)

    def _only(self, name: str) -> Any:
        if len(self.arms) > 1:
            raise InputError(f"there are {len(self.arms)} arms; {name} is that of one, in quality.to_frame().")
        return getattr(self.arms[0], name)

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def to_frame(self) -> pd.DataFrame:
        """arm, n, events, rmse, max_abs, max_risk_diff, median, ci_lower, ci_upper, grade."""
        import pandas as pd

        names = [field.name for field in fields(ArmQuality)]
        return pd.DataFrame([{name: getattr(arm, name) for name in names} for arm in self.arms], columns=names)


def assess(arm: str, rebuilt: Rebuilt, curve: Curve, risk: RiskTable) -> ArmQuality:
    """Quality figures of one arm.

    Parameters
    ----------
    arm
        Its name.
    rebuilt
        Its patients.
    curve, risk
        What they should give back.
    """
    from cohortstats.stats.events import EventTable
    from cohortstats.stats.kaplan_meier import kaplan_meier

    off = _off_at_clicks(rebuilt, curve)
    rmse, most = float(np.sqrt(np.mean(off * off))), float(np.abs(off).max())
    at_risk = rebuilt.n - np.searchsorted(rebuilt.time, risk.time, side="left")
    km = kaplan_meier(EventTable.from_arrays(rebuilt.time, rebuilt.event), ci="log-log")
    median = km.quantile(0.5).iloc[0]
    return ArmQuality(
        arm=arm,
        n=rebuilt.n,
        events=int(rebuilt.event.sum()),
        rmse=rmse,
        max_abs=most,
        max_risk_diff=int(np.abs(at_risk - risk.n).max()),
        median=float(median["estimate"]),
        ci_lower=float(median["ci_lower"]),
        ci_upper=float(median["ci_upper"]),
        grade="good" if rmse <= GOOD_RMSE and most <= GOOD_MAX else "usable" if rmse <= USABLE_RMSE else "poor",
    )


def _off_at_clicks(rebuilt: Rebuilt, curve: Curve) -> Floats:
    """Rebuilt minus clicked survival; of two clicks at one time the first stands somewhere on the drop."""
    moments = np.unique(rebuilt.time[rebuilt.event])
    times = rebuilt.time[rebuilt.event]
    events = np.searchsorted(times, moments, side="right") - np.searchsorted(times, moments)
    at_risk = rebuilt.n - np.searchsorted(rebuilt.time, moments)
    level = np.append(1.0, np.cumprod(1 - events / at_risk))
    first = np.append(curve.time[1:] == curve.time[:-1], False)
    after = level[np.searchsorted(moments, curve.time, side="right")]
    before = level[np.searchsorted(moments, curve.time, side="left")]
    on_drop = np.clip(curve.survival, after, before)
    return np.asarray((np.where(first, on_drop, after) - curve.survival)[curve.clicked])


def median_of_path(steps: Steps, path: Path) -> float:
    """Median time of a path: where the curve is flat exactly at one half, the middle of the flat piece."""
    level = np.cumprod(1 - path.events / path.at_risk)
    below = np.flatnonzero(level < 0.5 + 1e-9)
    if not below.size:
        return math.nan
    first = int(below[0])
    if abs(level[first] - 0.5) < 1e-9 and first + 1 < level.size:
        return float(steps.time[first] + steps.time[first + 1]) / 2
    return float(steps.time[first])


def compare_printed(quantity: str, arm: str, printed: str, computed: float) -> Comparison:
    """One printed number beside the computed one, by the digits of the string.

    Examples
    --------
    >>> found = compare_printed("hr", "", "0.52", 0.524549)
    >>> found.verdict, f"{found.relative_difference:.4f}"
    ('agrees', '0.0087')
    """
    verdict = rounds_to(computed, printed)
    try:
        number = float(Fraction(printed.strip()))
    except (ValueError, ZeroDivisionError):
        number = math.nan
    off = computed / number - 1 if number else math.nan
    return Comparison(
        quantity=quantity, arm=arm, printed=printed, computed=computed, verdict=verdict, relative_difference=off
    )


def printed_numbers(published: Mapping[str, Any] | None, arms: Sequence[str]) -> list[tuple[str, str, str]]:
    """Quantity, arm and string of each printed number.

    Parameters
    ----------
    published
        ``median``, ``hr``, ``p`` -> the string as printed; a median of several arms is arm -> string.
    arms
        Names of the arms.

    Raises
    ------
    InputError
        Another name, an arm that is not there, a ratio without two arms, or a string that is no number.
    """
    found, problems = [], []
    for quantity, value in (published or {}).items():
        if quantity not in ("median", "hr", "p"):
            problems.append(f"published '{quantity}' is not known; give median, hr or p.")
        elif quantity != "median" and len(arms) != 2:
            problems.append(f"published {quantity} compares two arms; there {_is_are(len(arms))}.")
        elif isinstance(value, Mapping):
            problems += [f"published median: {arm} is no arm." for arm in value if arm not in arms]
            found += [(quantity, str(arm), str(text)) for arm, text in value.items() if arm in arms]
        elif quantity == "median" and len(arms) > 1:
            problems.append(f"published median: there are {len(arms)} arms; say whose it is.")
        else:
            found.append((quantity, arms[0] if quantity == "median" else "", str(value)))
    for _, _, text in found:
        try:
            rounds_to(0.5, text)
        except InputError as fault:
            problems += fault.problems
    if problems:
        raise InputError(problems)
    return found


def _is_are(n: int) -> str:
    return "is 1" if n == 1 else f"are {n}"
