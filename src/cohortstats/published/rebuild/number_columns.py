"""Numbers of a rebuilt table: values within each patient's region, so that printed order statistics come out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from cohortstats.printed import Printed
from cohortstats.published.model.evaluate import Cells, patients_of
from cohortstats.published.model.regions import Region
from cohortstats.published.model.statements import Statement, Unit, printed_ends

__all__ = ["place_numbers"]


def place_numbers(
    printed: Printed,
    name: str,
    regions: Sequence[Region],
    places: Sequence[int],
    units: Sequence[Unit],
    cells: Cells,
    rng: np.random.Generator,
) -> list[str]:
    """One text a patient of a numeric column.

    Parameters
    ----------
    printed
        Everything that the file holds.
    name
        The column.
    regions, places
        Its regions, and the place of each patient's among them; -1 for no value.
    units
        The units that hold; their medians and ranges are placed.
    cells
        The other columns, with the given values of this one.
    rng
        Draws the values between the printed ones.

    Notes
    -----
    A printed number is taken as it stands wherever a patient is in its region. The two middle values of an even number
    of patients may lie on both sides of the median instead; they are then put at equal distance from it.
    """
    orders = [
        statement
        for unit in units
        for statement in unit.statements
        if statement.kind == "order" and statement.variable == name
    ]
    column = printed.columns[name]
    whole = column.whole or column.type == "integer"
    digits = 0 if whole else max([len(one.text.partition(".")[2]) for one in orders], default=1)
    step = Fraction(1, 10**digits)
    given = [str(text or "").strip() for text in cells.get(name, ())]
    values: list[Fraction | None] = []
    for patient, place in enumerate(places):
        if patient < len(given) and given[patient]:
            values.append(Fraction(given[patient]))
        elif place < 0:
            values.append(None)
        else:
            values.append(_draw(regions[place], orders, step, rng))
    for statement in orders:
        if statement.statistic == "median":
            inside = [
                patient
                for patient, counts in enumerate(patients_of(printed, statement.among, cells))
                if counts and values[patient] is not None
            ]
            free = [patient for patient in inside if not (patient < len(given) and given[patient])]
            _straddle(statement, inside, free, values, [None if i < 0 else regions[i] for i in places], step)
    return ["" if value is None else _text(value, digits, given, i) for i, value in enumerate(values)]


def _text(value: Fraction, digits: int, given: Sequence[str], patient: int) -> str:
    if patient < len(given) and given[patient]:
        return given[patient]
    scaled = value * 10**digits
    text = str(abs(int(scaled))).rjust(digits + 1, "0")
    sign = "-" if scaled < 0 else ""
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"


def _draw(region: Region, orders: Sequence[Statement], step: Fraction, rng: np.random.Generator) -> Fraction:
    for statement in orders:
        if region.holds(statement.text):
            return Fraction(statement.text)
    first, last = region.steps(step)
    low = None if region.lower is None else first
    high = None if region.upper is None else last
    if low is None and high is None:
        low, high = 1, 100
    width = max(20, abs(high if low is None else low) // 4)  # type: ignore[arg-type]
    low = high - width if low is None and high is not None else low
    high = low + width if high is None and low is not None else high
    assert low is not None and high is not None
    if low > high:  # narrower than the printed digits: any number in it
        return Fraction(region.example)
    return int(rng.integers(low, high + 1)) * step


def _straddle(
    statement: Statement,
    inside: Sequence[int],
    free: Sequence[int],
    values: list[Fraction | None],
    regions: Sequence[Region | None],
    step: Fraction,
) -> None:
    """Middle values on both sides of a printed median: a pair is sought that averages to it, each in its region.

    Those of the same region who stand further out are drawn in to the pair, so that it stays in the middle.
    """
    order = sorted(inside, key=lambda patient: (values[patient] or Fraction(0), patient))
    middle = len(order) // 2
    low, high = printed_ends(statement.text)
    known = {patient: values[patient] or Fraction(0) for patient in order}
    if len(order) % 2 or not order or low <= (known[order[middle - 1]] + known[order[middle]]) / 2 < high:
        return
    halves = (order[:middle], order[middle:])
    ends = (halves[0][-1], halves[1][0])
    double = 2 * Fraction(statement.text)
    # The half-way points that the left one may stand at, nearest to the median first.
    start = math.floor(double / 2 / step)
    for steps in range(start, start - 2000, -1):
        pair = (steps * step, double - steps * step)
        if pair[0] < known[halves[0][0]] and halves[0][0] not in free:
            break
        moved: dict[int, Fraction] = {}
        for half, end, value, side in zip(halves, ends, pair, (1, -1), strict=True):
            region = regions[end]
            if region is None or not region.holds(str(value)) or (end not in free and known[end] != value):
                break
            out = [patient for patient in half if side * known[patient] > side * value]
            if any(patient not in free or regions[patient] != region for patient in out):
                break
            moved |= dict.fromkeys([*out, end], value)
        else:
            for patient, value in moved.items():
                values[patient] = value
            return
