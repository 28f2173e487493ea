"""Ratios of several trials pooled: independent rows of one kind; what is pooled against better knowledge is named."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import InputError, did_you_mean
from cohortstats.printed import fold_text
from cohortstats.published.trials.verdicts import level_of_row, number_of_cell, row_verdict, text_of_cell
from cohortstats.stats.doors import check_choice, check_fraction, number_text, refuse
from cohortstats.stats.pooling import INTERVALS, METHODS, PoolInterval, PoolMethod, pool_effects
from cohortstats.stats.results import RichResult, as_row, normal_quantile, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CANNOT_HOLD", "DIFFERENT_COMPARISONS", "PooledTrials", "pool_trials"]

DIFFERENT_COMPARISONS = "different comparisons: pooled value has no clinical meaning"
CANNOT_HOLD = "cannot hold"
_UNLISTED = ("trials", "weights", "findings", "effect_reason")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PooledTrials(RichResult):
    """Result of `pool_trials`, as ratios.

    Parameters
    ----------
    trials
        Names of the rows, in their order.
    measure
        Kind of ratio, such as ``HR``.
    k
        Number of rows.
    estimate, ci_lower, ci_upper, ci_level, p_value
        Pooled ratio with its limits, and P that it is 1.
    log_estimate, std_error
        Its logarithm and the standard error of that, (Σw)^−½.
    q, df, q_p, i2
        Cochran's Q with its P; I² as a fraction.
    tau2
        Variance of log ratios between trials.
    prediction_lower, prediction_upper
        Where the ratio of a new trial lies, by t with k − 2 degrees of freedom.
    weights
        Share of each row, in the order of the frame.
    conflicts
        Rows that were pooled although they cannot hold.
    findings, notes
        What a reader must know of the pooled value: codes with the rows or endpoints they are about, and sentences.
    method, effect_reason, reason
        What was computed; why a number is nan; that and the notes.

    Examples
    --------
    >>> import cohortstats as cs
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"trial": ["A", "B"], "hr": [0.5, 0.5], "ci_lower": [0.25, 0.25], "ci_upper": [1.0, 1.0]})
    >>> pooled = cs.pool_trials(rows)
    >>> round(pooled.estimate, 9), pooled.q, pooled.weights.tolist()
    (0.5, 0.0, [0.5, 0.5])
    """

    trials: tuple[str, ...]
    measure: str
    k: int
    estimate: float
    ci_lower: float
    ci_upper: float
    ci_level: float
    p_value: float
    log_estimate: float
    std_error: float
    q: float
    df: int
    q_p: float
    i2: float
    tau2: float
    prediction_lower: float
    prediction_upper: float
    weights: NDArray[np.float64]
    conflicts: tuple[str, ...]
    findings: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    method: str
    effect_reason: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", read_only(self.weights))

    def to_frame(self) -> pd.DataFrame:
        """One row, without the weights of the trials."""
        frame = as_row(self, [name for name in self.__slots__ if name not in _UNLISTED])
        return frame.assign(conflicts="; ".join(self.conflicts), notes="; ".join(self.notes))


def pool_trials(
    frame: pd.DataFrame,
    method: PoolMethod = "fixed",
    interval: PoolInterval = "normal",
    *,
    ci_level: float = 0.95,
    allow_conflicts: bool = False,
) -> PooledTrials:
    """Pool the ratios of independent trials by inverse variance on the log scale.

    Parameters
    ----------
    frame
        Rows as `read_trials` gives them, or any frame with trial, hr, ci_lower, ci_upper. ``ci_level`` (95 where it is
        left out), ``endpoint``, ``arm_1``, ``arm_2``, ``measure``, ``p_value``, ``id`` and the printed strings are
        used where they are there.
    method
        ``fixed``, ``dersimonian-laird``, ``paule-mandel`` or ``reml``.
    interval
        ``normal`` or ``hartung-knapp``.
    ci_level
        Level of the pooled limits and of the prediction.
    allow_conflicts
        Pool rows whose ratio, interval and P cannot all be right, and name them.

    Returns
    -------
    PooledTrials
        One row is itself, ``one study``. Whether the rows compare the same arms is said in ``notes``.

    Raises
    ------
    InputError
        Two rows of one trial, which are not independent; ratios of different measures; the same arms the other way
        round; a row that cannot hold; rows without a ratio or its interval; everything at once.

    Notes
    -----
    y = ln ratio, s = (ln upper − ln lower)/(2z), z of the level of each row. See `pool_effects` for the formulas. R:
    ``metafor::rma(log(hr), sei = (log(upper) - log(lower)) / (2 * qnorm(.975)), method = , test = )``.

    Examples
    --------
    Overall survival of two trials; DerSimonian and Laird's variance is cut at 0, so that both methods agree:

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"trial": ["EMILIA", "TH3RESA"], "hr": [0.68, 0.552], "ci_lower": [0.55, 0.369],
    ...                      "ci_upper": [0.85, 0.826]})
    >>> pooled = pool_trials(rows, method="dersimonian-laird")
    >>> [round(x, 8) for x in (pooled.estimate, pooled.ci_lower, pooled.ci_upper, pooled.q_p, pooled.tau2)]
    [0.64870563, 0.53564856, 0.78562518, 0.37208459, 0.0]
    """
    problems = check_choice("method", method, METHODS) + check_choice("interval", interval, INTERVALS)
    problems += check_fraction("ci_level", ci_level, "0.95")
    rows = _rows(frame, problems)
    problems += [*_dependent(rows), *_measures(rows), *_reversed(rows)]
    conflicts = [row for row in rows if row.verdict == CANNOT_HOLD]
    if not allow_conflicts:
        problems += [
            f"trial {row.name}: ratio, interval and P cannot all be right. Leave it out, or allow_conflicts = True."
            for row in conflicts
        ]
    refuse(problems)
    pooled = pool_effects(
        [math.log(row.ratio) for row in rows],
        [math.log(row.upper / row.lower) / (2 * normal_quantile(row.level)) for row in rows],
        method=method,
        interval=interval,
        ci_level=ci_level,
    )
    ratios = {
        name: _ratio(getattr(pooled, name))
        for name in ("estimate", "ci_lower", "ci_upper", "prediction_lower", "prediction_upper")
    }
    if pooled.k == 1 and interval == "normal" and rows[0].level == ci_level:
        # One row is itself, also where its printed limits do not lie evenly about its ratio.
        ratios |= {"ci_lower": rows[0].lower, "ci_upper": rows[0].upper}
    findings = list(_findings(rows, conflicts))
    if (
        interval == "hartung-knapp"
        and pooled.ci_upper - pooled.ci_lower < 2 * normal_quantile(ci_level) * pooled.std_error
    ):
        findings.append(("narrower", ""))
    notes = tuple(_SENTENCES[code].replace("{names}", names) for code, names in findings)
    return PooledTrials(
        **ratios,
        trials=tuple(row.name for row in rows),
        measure=rows[0].measure,
        k=pooled.k,
        ci_level=pooled.ci_level,
        p_value=pooled.p_value,
        log_estimate=pooled.estimate,
        std_error=pooled.std_error,
        q=pooled.q,
        df=pooled.df,
        q_p=pooled.q_p,
        i2=pooled.i2,
        tau2=pooled.tau2,
        weights=pooled.weights,
        conflicts=tuple(row.name for row in conflicts),
        findings=tuple(findings),
        notes=notes,
        effect_reason=pooled.reason,
        method=pooled.method,
        reason="; ".join(filter(None, (pooled.reason, *notes))),
    )


def _ratio(log_ratio: float) -> float:
    try:
        return math.exp(log_ratio)
    except OverflowError:  # limits of two trials by t with one degree of freedom
        return math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One comparison, ready to be pooled."""

    name: str
    trial: str
    endpoint: str
    arms: tuple[str, str]
    ratio: float
    lower: float
    upper: float
    level: float
    measure: str
    verdict: str
    cross: bool


def _rows(frame: Any, problems: list[str]) -> list[_Row]:
    """Rows of the frame that can be pooled; what is wrong with the others is added to the problems."""
    columns = getattr(frame, "columns", None)
    if columns is None or not hasattr(frame, "to_dict"):
        raise InputError("give a frame of trials, as read_trials makes it.")
    for name in ("trial", "hr", "ci_lower", "ci_upper"):
        if name not in columns:
            near = did_you_mean(name, [str(column) for column in columns])
            problems.append(f"the frame has no column {name}{f'; did you mean {near}?' if near else '.'}")
    refuse(problems)
    records = frame.to_dict("records")
    if not records:
        problems.append("there is no trial to pool.")
    found = [_pooled_row(record, place, problems) for place, record in enumerate(records, start=1)]
    return [row for row in found if row is not None]


def _pooled_row(record: Mapping[str, Any], place: int, problems: list[str]) -> _Row | None:
    trial, endpoint = text_of_cell(record.get("trial")), text_of_cell(record.get("endpoint"))
    name = text_of_cell(record.get("id")) or " ".join(filter(None, (trial, endpoint))) or f"row {place}"
    ratio, lower, upper = (number_of_cell(record.get(key)) for key in ("hr", "ci_lower", "ci_upper"))
    level = level_of_row(record.get("ci_level"))
    wrong = list(_wrong(record, trial, ratio, lower, upper, level))
    problems += [f"trial {name}: {sentence}" for sentence in wrong]
    if wrong:
        return None
    outside = not lower <= ratio <= upper
    return _Row(
        name=name,
        trial=trial,
        endpoint=endpoint,
        arms=(text_of_cell(record.get("arm_1")), text_of_cell(record.get("arm_2"))),
        ratio=ratio,
        lower=lower,
        upper=upper,
        level=level,
        measure=(text_of_cell(record.get("measure")) or "HR").upper(),
        verdict=CANNOT_HOLD if outside else row_verdict(record),
        cross=record.get("cross") is True or bool(record.get("cross") == True),  # noqa: E712 - a numpy bool too
    )


def _wrong(
    record: Mapping[str, Any], trial: str, ratio: float, lower: float, upper: float, level: float
) -> Iterator[str]:
    if not trial:
        yield "it has no name in column trial, so whether rows are independent cannot be told."
    numbers = {"hr": ratio, "ci_lower": lower, "ci_upper": upper}
    absent = [key for key, number in numbers.items() if math.isnan(number) and not text_of_cell(record.get(key))]
    if absent:
        yield f"it has no {' and no '.join(absent)}. Leave it out."
    for key, number in numbers.items():
        if math.isnan(number) and key not in absent:
            yield f"{key} is '{text_of_cell(record.get(key))}', no number."
        elif not math.isnan(number) and not (number > 0 and math.isfinite(number)):
            yield f"{key} is {number_text(number)}; a ratio is above 0 and finite."
    if lower > upper:
        yield f"{number_text(lower)}–{number_text(upper)} has its larger limit first."
    elif lower == upper:
        yield f"both limits are {number_text(lower)}, so its weight has no end."
    if math.isnan(level):
        yield f"{text_of_cell(record.get('ci_level'))} is no level of an interval. Write 95 or 0.95."


def _folded(text: str) -> str:
    """Names that differ in case, spaces and signs only are one name."""
    return re.sub(r"[\W_]+", "", fold_text(text).casefold())


def _dependent(rows: Sequence[_Row]) -> Iterator[str]:
    """Rows of one trial: the same patients cannot be counted twice."""
    groups: dict[str, list[_Row]] = {}
    for row in rows:
        groups.setdefault(_folded(row.trial), []).append(row)
    for alike in groups.values():
        if len(alike) > 1:
            names = ", ".join(row.name for row in alike)
            yield f"{alike[0].trial} has {len(alike)} rows ({names}), which are not independent. Pool one of them."


def _measures(rows: Sequence[_Row]) -> Iterator[str]:
    measures = list(dict.fromkeys(row.measure for row in rows))
    if len(measures) > 1:
        yield f"ratios of different measures cannot be pooled: {', '.join(measures)}."


def _reversed(rows: Sequence[_Row]) -> Iterator[str]:
    """The same two arms in the other order: one of the ratios stands upside down."""
    first: dict[tuple[str, str], _Row] = {}
    for row in rows:
        arms = (_folded(row.arms[0]), _folded(row.arms[1]))
        if all(arms) and arms[0] != arms[1] and (arms[1], arms[0]) in first:
            other = first[arms[1], arms[0]]
            yield (
                f"trial {row.name} has the arms of {other.name} the other way round; "
                "turn its ratio and limits (1 / hr) and its arms first."
            )
        first.setdefault(arms, row)


_SENTENCES = {
    "comparisons": DIFFERENT_COMPARISONS,
    "endpoints": "different endpoints: {names}",
    "cross": "arms of different trials, not randomised against each other: {names}",
    "conflicts": "pooled although it cannot hold: {names}",
    "narrower": "the Hartung-Knapp interval is narrower than the normal one",
}


def _findings(rows: Sequence[_Row], conflicts: Sequence[_Row]) -> Iterator[tuple[str, str]]:
    """What a reader of the pooled value must know, and of which rows."""
    if len(rows) > 1:
        if len({tuple(map(_folded, row.arms)) for row in rows}) > 1:
            yield "comparisons", ""
        endpoints = {_folded(row.endpoint): row.endpoint for row in rows if row.endpoint}
        if len(endpoints) > 1:
            yield "endpoints", ", ".join(endpoints.values())
    crossed = [row.name for row in rows if row.cross]
    if crossed:
        yield "cross", ", ".join(crossed)
    if conflicts:
        yield "conflicts", ", ".join(row.name for row in conflicts)
