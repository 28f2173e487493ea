"""From a frame of trials to a forest plot, in plain values: the strings are those that were printed.

Nothing is estimated here. A weight is that of the interval, 1/s² with s = (ln upper − ln lower)/(2z), so that the
squares can be drawn from a frame alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from cohortstats.errors import InputError, did_you_mean
from cohortstats.figures.forest_picture import ForestEstimate, ForestPicture, ForestRow
from cohortstats.printed import half_up_text
from cohortstats.stats.results import normal_quantile

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DAYS", "TimeUnit", "TrialWords", "median_texts", "median_units", "trial_picture"]

TimeUnit = Literal["days", "weeks", "months"]
DAYS: Mapping[str, Fraction] = {"days": Fraction(1), "weeks": Fraction(7), "months": Fraction("30.4375")}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialWords:
    """The words of a forest plot of trials, in the language of a report.

    Parameters
    ----------
    ratio, p, x_label
        Headings.
    median
        A pair of medians; ``{medians}`` and ``{unit}`` are filled in.
    audit
        What the mark of a row that cannot hold means.
    versus
        What stands between two arms and between their medians.
    units
        Names of the units; one that is not there keeps its own.
    """

    ratio: str = "HR (95% CI)"
    p: str = "*P*"
    median: str = "median {medians} {unit}"
    audit: str = "✗ ratio, interval and P cannot all be right"
    x_label: str = "Hazard ratio (log scale)"
    versus: str = " v "
    units: Mapping[str, str] = field(default_factory=dict)


def trial_picture(
    frame: pd.DataFrame,
    *,
    unit: TimeUnit | None = None,
    words: TrialWords | None = None,
    pooled: Sequence[ForestRow] = (),
    stamp: str = "",
    point: str = ".",
) -> ForestPicture:
    """The forest plot of a frame of trials.

    Parameters
    ----------
    frame
        One comparison a row: trial, hr, ci_lower, ci_upper, and where they are there endpoint, arm_1, arm_2, ci_level,
        unit, median_1, median_2, p_value, verdict and the printed strings, as `cohortstats.read_trials` makes it.
    unit
        Convert medians to it, by 30.4375 days a month; left out, each row keeps its unit.
    words
        Headings; English when left out.
    pooled
        Rows below those of the trials, drawn as diamonds. Their ratio and P are the first and second text.
    stamp
        A sentence inside the plot area.
    point
        Decimal point of the numbers on the axis.

    Raises
    ------
    InputError
        For a frame without these columns or without a row, a ratio that is not above 0, limits in the wrong order, a
        unit that is not known.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"trial": ["EMILIA"], "hr": [0.65], "ci_lower": [0.55], "ci_upper": [0.77]})
    >>> trial_picture(frame).rows[0].estimates[0].texts
    ('0.65 (0.55–0.77)',)
    """
    words = words or TrialWords()
    records = _records(frame, unit)
    flagged = any(_cannot_hold(record) for record in records)
    with_p = (
        flagged
        or any(_p_text(record) for record in records)
        or any(one.texts[1:] != ("",) for row in pooled for one in row.estimates)
    )
    several_levels = len({_level(record) for record in records}) > 1
    rows = [
        row for record in records for row in _rows(record, words, unit, several_levels=several_levels, with_p=with_p)
    ]
    for row in pooled:
        estimates = tuple(replace(one, texts=one.texts[: 1 + with_p], pooled=True, weight=0.0) for one in row.estimates)
        rows.append(replace(row, estimates=estimates))
    return ForestPicture(
        rows=tuple(rows),
        columns=(words.ratio, *([words.p] if with_p else [])),
        x_label=words.x_label,
        stamp="; ".join(filter(None, (words.audit if flagged else "", stamp))),
        point=point,
        narrow_labels=True,
    )


def median_units(records: Sequence[Mapping[str, Any]], unit: str | None) -> list[str]:
    """Units in which medians are printed, each of which has a column of its own."""
    having = [record for record in records if any(_median(record, place) for place in (1, 2))]
    if unit is not None:
        return [unit] if having else []
    return list(dict.fromkeys(_text(record, "unit") for record in having))


def median_texts(record: Mapping[str, Any], units: Sequence[str], unit: str | None, versus: str) -> list[str]:
    """Medians of a row in the column of its unit, the other columns empty."""
    own = _text(record, "unit")
    medians = [_median(record, place) for place in (1, 2)]
    if not any(medians):
        return [""] * len(units)
    if unit is not None and own != unit:
        medians = [_converted(text, own, unit) for text in medians]
        own = unit
    text = versus.join(median or "–" for median in medians)
    return [text if name == own else "" for name in units]


def _converted(text: str, own: str, unit: str) -> str:
    """A printed number in another unit, with one decimal; words such as NR stay."""
    try:
        number = Fraction(text)
    except ValueError:
        return text
    return half_up_text(number * DAYS[own] / DAYS[unit], 1)


def _records(frame: Any, unit: str | None) -> list[dict[str, Any]]:
    """Rows of the frame; all that is wrong with them at once."""
    columns = getattr(frame, "columns", None)
    if columns is None or not hasattr(frame, "to_dict"):
        raise InputError("draw_forest needs a ForestPicture or a frame of trials, as read_trials makes it.")
    problems = []
    for name in ("trial", "hr", "ci_lower", "ci_upper"):
        if name not in columns:
            near = did_you_mean(name, [str(column) for column in columns])
            problems.append(f"the frame has no column {name}{f'; did you mean {near}?' if near else '.'}")
    if unit is not None and unit not in DAYS:
        problems.append(f"unit '{unit}' is not known; choose days, weeks or months.")
    records: list[dict[str, Any]] = [] if problems else frame.to_dict("records")
    if not problems and not records:
        problems.append("there is no trial to draw.")
    for place, record in enumerate(records, start=1):
        problems += [f"{_name(record, place)}: {wrong}" for wrong in _wrong(record, unit)]
    if problems:
        raise InputError(problems)
    return records


def _wrong(record: Mapping[str, Any], unit: str | None) -> list[str]:
    ratio, lower, upper = (_number(record, name) for name in ("hr", "ci_lower", "ci_upper"))
    wrong = [
        f"{name} must be above 0 and finite; it is {number!r}."
        for name, number in (("hr", ratio), ("ci_lower", lower), ("ci_upper", upper))
        if not math.isnan(number) and not 0 < number < math.inf
    ]
    if lower > upper:
        wrong.append(f"{_text(record, 'ci_lower')}–{_text(record, 'ci_upper')} has its larger limit first.")
    own = _text(record, "unit")
    if unit is not None and own not in DAYS and any(_median(record, place) for place in (1, 2)):
        wrong.append(f"a median in '{own}' cannot be converted to {unit}.")
    if math.isnan(_level(record)):
        wrong.append(f"{_text(record, 'ci_level')} is no level of an interval. Write 95 or 0.95.")
    return wrong


def _rows(
    record: Mapping[str, Any], words: TrialWords, unit: str | None, *, several_levels: bool, with_p: bool
) -> list[ForestRow]:
    """The trial as a heading, then its arms with the estimate; without arms one row is both."""
    ratio, lower, upper = (_number(record, name) for name in ("hr", "ci_lower", "ci_upper"))
    # A mark outside its interval would say that the interval is another's: such a row has its words alone.
    drawn = lower <= ratio <= upper or (math.isnan(lower) and math.isnan(upper))
    weight = 0.0
    if drawn and lower < upper:
        weight = (2 * normal_quantile(_level(record)) / math.log(upper / lower)) ** 2
    p = f"{_p_text(record)} ✗".strip() if _cannot_hold(record) else _p_text(record)
    estimate = ForestEstimate(
        value=ratio if drawn else math.nan,
        ci_lower=lower if drawn else math.nan,
        ci_upper=upper if drawn else math.nan,
        texts=(_ratio_text(record, ratio, several_levels=several_levels), *([p] if with_p else [])),
        weight=weight,
    )
    own = _text(record, "unit")
    medians = words.versus.join(filter(None, median_texts(record, [unit or own], unit, words.versus)))
    name = words.units.get(unit or own, unit or own)
    if medians:
        medians = words.median.replace("{medians}", medians).replace("{unit}", name).strip()
    head = ", ".join(filter(None, (_text(record, "trial"), _text(record, "endpoint"))))
    arms = words.versus.join(filter(None, (_text(record, "arm_1"), _text(record, "arm_2"))))
    below = "; ".join(filter(None, (arms, medians)))
    if not (head and below):
        return [ForestRow(label=head or below, estimates=(estimate,))]
    return [ForestRow(label=head), ForestRow(label=below, indent=1, estimates=(estimate,))]


def _cannot_hold(record: Mapping[str, Any]) -> bool:
    return _text(record, "verdict") == "cannot hold"


def _p_text(record: Mapping[str, Any]) -> str:
    relation = _text(record, "p_relation")
    return _printed(record, "p_printed") or relation + _number_text(_number(record, "p_value"))


def _name(record: Mapping[str, Any], place: int) -> str:
    return _text(record, "trial") or f"row {place}"


def _ratio_text(record: Mapping[str, Any], ratio: float, *, several_levels: bool) -> str:
    """Ratio and interval as printed; the level where the rows have several."""
    if math.isnan(ratio):
        return "–"
    middle = _printed(record, "hr_printed") or _number_text(ratio)
    lower, upper = (
        _printed(record, f"{name}_printed") or _number_text(_number(record, name)) for name in ("ci_lower", "ci_upper")
    )
    if not lower and not upper:
        return middle
    level = f"; {half_up_text(100 * Fraction(repr(_level(record))), 0)}%" if several_levels else ""
    return f"{middle} ({lower}–{upper}{level})"


def _median(record: Mapping[str, Any], place: int) -> str:
    return _printed(record, f"median_{place}_printed") or _number_text(_number(record, f"median_{place}"))


def _printed(record: Mapping[str, Any], name: str) -> str:
    return _text(record, name).replace("-", "−") if name in record else ""


def _number_text(number: float) -> str:
    """A number that has no printed string: its own digits if they are few, else three that count."""
    if math.isnan(number):
        return ""
    own = repr(number).removesuffix(".0")
    if "e" not in own and len(own.partition(".")[2]) <= 4:
        return own
    size = math.floor(math.log10(abs(number))) if number else 0
    return half_up_text(Fraction(number), min(max(2 - size, 0), 6))


def _number(record: Mapping[str, Any], name: str) -> float:
    text = _text(record, name)
    try:
        return float(text) if text else math.nan
    except ValueError:
        raise InputError(f"{name} is '{text}', no number.") from None


def _level(record: Mapping[str, Any]) -> float:
    text = _text(record, "ci_level").removesuffix("%").strip()
    try:
        number = float(text) if text else 0.95
    except ValueError:
        return math.nan
    number = number / 100 if number > 1 else number
    return number if 0 < number < 1 else math.nan


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()
