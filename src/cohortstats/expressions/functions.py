"""Functions of the expression language, on arrays with a mask of what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cohortstats.expressions.values import Cells, Rows, Run, Step

# Fewest and most values; None: no upper limit.
ARGUMENTS: Mapping[str, tuple[int, int | None]] = {
    "min": (1, None),
    "max": (1, None),
    "sum": (1, None),
    "mean": (1, None),
    "known_min": (1, None),
    "known_max": (1, None),
    "known_sum": (1, None),
    "known_mean": (1, None),
    "abs": (1, 1),
    "round": (1, 2),
    "any": (1, None),
    "all": (1, None),
    "count_yes": (1, None),
    "coalesce": (2, None),
    "if": (3, 3),
    "days": (2, 2),
    "months": (2, 2),
    "years": (2, 2),
    "year": (1, 1),
}
# Over the records of a patient; the second value says which records count.
MANY_ROWS: Mapping[str, tuple[int, int | None]] = {
    "any_of": (1, 2),
    "all_of": (1, 2),
    "count_of": (1, 2),
    "first": (1, 2),
    "last": (1, 2),
    "min_of": (1, 2),
    "max_of": (1, 2),
}

DAYS_PER_MONTH = 30.4375  # 365.25 / 12
LONGEST_SHIFT = 4_000_000  # days; a sum beyond it is no date of a patient
EXACT = 2.0**52  # from here on a double has no digits behind the point


def stepwise(first: Run, steps: Sequence[tuple[Step, Run]]) -> Run:
    """``a + b - c`` from left to right: a loop, so that a long sum is not a deep stack."""

    def run(rows: Rows) -> Cells:
        cells = first(rows)
        for step, part in steps:
            cells = step(rows, cells, part(rows))
        return cells

    return run


def arithmetic(sign: str) -> Step:
    """Sum, difference, product or quotient; a result without a finite value is missing."""

    def step(rows: Rows, a: Cells, b: Cells) -> Cells:
        missing = a.missing | b.missing
        x, y = a.data.astype(np.float64, copy=False), b.data.astype(np.float64, copy=False)
        with np.errstate(all="ignore"):
            if sign == "+":
                data = x + y
            elif sign == "-":
                data = x - y
            elif sign == "*":
                data = x * y
            else:
                rows.divided_by_zero((y == 0) & ~missing)
                data = np.divide(x, y)
        return Cells(data, missing | ~np.isfinite(data))

    return step


def elapsed(_: Rows, end: Cells, start: Cells) -> Cells:
    """Days from ``start`` to ``end``."""
    missing = start.missing | end.missing
    days = (_dates(end.data) - _dates(start.data)).astype("timedelta64[D]").astype(np.int64)
    return Cells(np.where(missing, np.nan, days.astype(np.float64)), missing)


def shift(direction: int) -> Step:
    """A date some days later (or earlier); a part of a day does not count."""

    def step(_: Rows, date: Cells, days: Cells) -> Cells:
        far = ~(np.abs(days.data) <= LONGEST_SHIFT)
        missing = date.missing | days.missing | far
        steps = np.floor(np.where(missing, 0.0, days.data)).astype(np.int64)
        return Cells(_dates(date.data) + direction * steps.astype("timedelta64[D]"), missing)

    return step


def days_after(rows: Rows, days: Cells, date: Cells) -> Cells:
    """Number + date."""
    return shift(1)(rows, date, days)


def never_known(rows: Rows, _: Cells, __: Cells) -> Cells:
    """A step with the word missing."""
    return Cells(np.full(rows.n, np.nan), np.ones(rows.n, dtype=bool))


def days_between(start: Run, end: Run) -> Run:
    """Days from ``start`` to ``end``."""
    return lambda rows: elapsed(rows, end(rows), start(rows))


def _dates(data: Any) -> Any:
    # The word missing brings a mask over numbers; under the mask any date does.
    return data if np.issubdtype(data.dtype, np.datetime64) else np.zeros(len(data), dtype="datetime64[D]")


def months_between(start: Run, end: Run) -> Run:
    """Days divided by the mean length of a month."""
    days = days_between(start, end)

    def run(rows: Rows) -> Cells:
        cells = days(rows)
        return Cells(cells.data / DAYS_PER_MONTH, cells.missing)

    return run


def _parts(dates: Any) -> tuple[Any, Any]:
    """Year, and month and day as one number that grows through the year."""
    month = dates.astype("datetime64[M]")
    number = month.astype(np.int64)
    day = (dates - month).astype(np.int64) + 1
    return number // 12 + 1970, (number % 12) * 100 + day


def years_between(start: Run, end: Run) -> Run:
    """Completed years; who was born on 29 February has the birthday on 1 March in other years."""

    def run(rows: Rows) -> Cells:
        a, b = start(rows), end(rows)
        (year_a, day_a), (year_b, day_b) = _parts(_dates(a.data)), _parts(_dates(b.data))
        return Cells((year_b - year_a - (day_b < day_a)).astype(np.float64), a.missing | b.missing)

    return run


PERIODS: Mapping[str, Callable[[Run, Run], Run]] = {
    "days": days_between,
    "months": months_between,
    "years": years_between,
}


def year(date: Run) -> Run:
    """Calendar year."""

    def run(rows: Rows) -> Cells:
        cells = date(rows)
        return Cells(_parts(_dates(cells.data))[0].astype(np.float64), cells.missing)

    return run


def absolute(number: Run) -> Run:
    """Distance from 0."""

    def run(rows: Rows) -> Cells:
        cells = number(rows)
        return Cells(np.abs(cells.data), cells.missing)

    return run


def rounded(number: Run, digits: int) -> Run:
    """Half-up, away from 0, of the number as it is written: 2.675 to two digits is 2.68, though its double is below."""

    def run(rows: Rows) -> Cells:
        cells = number(rows)
        factor = 10.0**digits
        with np.errstate(all="ignore"):
            size = np.abs(cells.data) * factor
            # A tie of decimals may lie a few units in the last place below the tie of doubles.
            whole = np.floor(size + 0.5 + 4 * np.spacing(size))
            data = np.where(size < EXACT, np.copysign(whole / factor, cells.data), cells.data)
        return Cells(np.asarray(data + 0.0), cells.missing)

    return run


def count_yes(parts: Sequence[Run]) -> Run:
    """How many are yes; missing if any is."""

    def run(rows: Rows) -> Cells:
        every = [part(rows) for part in parts]
        total = np.array([np.asarray(cells.data, dtype=bool) for cells in every]).sum(axis=0, dtype=np.float64)
        return Cells(np.asarray(total), np.asarray(np.array([cells.missing for cells in every]).any(axis=0)))

    return run


def as_type(part: Run, dtype: Any) -> Run:
    """The part with data of one type; the word missing, which has none, gets a place-holder under its mask."""

    def run(rows: Rows) -> Cells:
        cells = part(rows)
        if cells.missing.all() and cells.data.dtype != np.dtype(dtype):
            return Cells(np.zeros(rows.n, dtype=dtype), cells.missing)
        return Cells(cells.data.astype(dtype, copy=False), cells.missing)

    return run


def choose(condition: Run, then: Run, otherwise: Run) -> Run:
    """``if(c, a, b)``; missing where the condition is."""

    def run(rows: Rows) -> Cells:
        test, a, b = condition(rows), then(rows), otherwise(rows)
        yes = np.asarray(test.data, dtype=bool)
        return Cells(np.where(yes, a.data, b.data), test.missing | np.where(yes, a.missing, b.missing))

    return run


def first_known(parts: Sequence[Run]) -> Run:
    """``coalesce``: the first value that is not missing."""

    def run(rows: Rows) -> Cells:
        first = parts[0](rows)
        data, missing = first.data, first.missing
        for part in parts[1:]:
            cells = part(rows)
            data = np.where(missing, cells.data, data)
            missing = missing & cells.missing
        return Cells(data, missing)

    return run


def reduce(what: str, parts: Sequence[Run], *, skip: bool) -> Run:
    """Smallest, largest, sum or mean over the values of one patient.

    ``skip`` leaves missing values out; without it one missing value makes the result missing.
    """

    def run(rows: Rows) -> Cells:
        every = [part(rows) for part in parts]
        missing = np.array([cells.missing for cells in every])
        data = np.array([cells.data for cells in every])
        none = missing.all(axis=0) if skip else missing.any(axis=0)
        if what in ("sum", "mean"):
            with np.errstate(all="ignore"):
                known = np.where(missing, 0.0, data).sum(axis=0)
                result = known if what == "sum" else known / np.maximum((~missing).sum(axis=0), 1)
            return Cells(result, np.asarray(none | ~np.isfinite(result)))
        # Under the mask stands another value of the same patient, which changes neither the smallest nor the largest.
        stand_in = data[np.argmin(missing, axis=0), np.arange(rows.n)]
        filled = np.where(missing, stand_in, data)
        return Cells(filled.min(axis=0) if what == "min" else filled.max(axis=0), np.asarray(none))

    return run
