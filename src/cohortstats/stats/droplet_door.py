"""What is asked of droplet counts and of volumes before anything is computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.doors import (
    SHOWN,
    check_length,
    missing_rows,
    number_text,
    read_column,
    read_numbers,
    refuse,
    sentence_of_values,
)
from cohortstats.stats.results import read_only

__all__ = ["DropletDoor", "Floats", "Numbers", "Texts", "as_asked"]

Floats = NDArray[np.float64]
Numbers = float | Floats  # a float where single numbers came in, an array where columns did
Texts = str | NDArray[np.str_]

LARGEST = 2**53  # a float holds every whole number up to this


def as_asked(values: object) -> Any:
    """A plain number or text without a dimension, a read-only array with one."""
    array = np.asarray(values)
    return read_only(array, dtype=array.dtype.type) if array.ndim else array.item()


class DropletDoor:
    """Reads the counts and amounts of one call and keeps every sentence about them until `close`.

    A single number is read as an array without a dimension, a column as one with one dimension. What cannot be read
    is nan, which nobody sees: `close` raises.

    Examples
    --------
    >>> door = DropletDoor()
    >>> counts = door.droplets({"positives": [3, 20]}, accepted=[14000, 10])
    >>> door.problems
    ['positives is 20 of 10 accepted at position 2; no more droplets can be positive than were accepted.']
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._columns: dict[str, Floats] = {}

    def check(self, sentences: list[str]) -> None:
        """Take down what another check has found."""
        self.problems += sentences

    def close(self) -> None:
        """Refuse everything that was found, columns of two lengths too."""
        long = [(name, values.size) for name, values in self._columns.items() if values.ndim]
        for name, size in long[1:]:
            self.check(check_length(*long[0], name, size))
        refuse(self.problems)

    # ---------------------------------------------------------------------------------------------- amounts

    def above_zero(self, name: str, values: object, example: str, *, single: bool = False) -> Floats:
        """A volume or the like: finite, above 0."""
        read = self._read(name, values, single)
        bad = ~(np.isfinite(read) & (read > 0))
        return self._keep(name, read, bad, f"give a number above 0, such as {example}.")

    def at_least_zero(self, name: str, values: object, what: str) -> Floats:
        """A concentration or the like: 0 or more."""
        read = self._read(name, values)
        return self._keep(name, read, ~(read >= 0), f"give {what} ≥ 0.")

    def whole(self, name: str, values: object, what: str, least: int = 0, *, single: bool = False) -> Floats:
        """A count: a finite whole number; ``single`` when a column of them makes no sense."""
        read = self._read(name, values, single)
        bad = ~((np.floor(read) == read) & (read >= least) & (read <= LARGEST))
        return self._keep(
            name, read, bad, f"give {'a whole number' if single else 'whole numbers'} of {what} ≥ {least}."
        )

    # ---------------------------------------------------------------------------------------------- droplets

    def droplets(
        self, counts: Mapping[str, object], accepted: object, *, accepted_name: str = "accepted"
    ) -> tuple[Floats, ...]:
        """Each kind of positive droplets, then the accepted ones; at least one accepted, none more than those."""
        read = [self.whole(name, values, "droplets") for name, values in counts.items()]
        total = self.whole(accepted_name, accepted, "droplets", least=1)
        for name, values in zip(counts, read, strict=True):
            if {values.size, total.size} <= {1, max(values.size, total.size)}:
                self.within(name, values, accepted_name, total)
        return *read, total

    def within(self, name: str, values: Floats, of_name: str, of: Floats) -> None:
        """Refuse more positive droplets than there were."""
        values, of = np.broadcast_arrays(values, of)
        where = np.flatnonzero(values > of)
        if not where.size:
            return
        word = of_name.replace("_", " ")
        pairs = zip(np.atleast_1d(values)[where[:SHOWN]], np.atleast_1d(of)[where[:SHOWN]], strict=True)
        texts = [f"{number_text(float(k))} of {number_text(float(n))} {word}" for k, n in pairs]
        if values.ndim:
            texts = [f"{text} at position {row + 1}" for text, row in zip(texts, where, strict=False)]
        more = f" and {where.size - SHOWN} more" if where.size > SHOWN else ""
        self.problems.append(
            f"{name} is {', '.join(texts)}{more}; no more droplets can be positive than were accepted."
        )

    # ---------------------------------------------------------------------------------------------- one column

    def _keep(self, name: str, values: Floats, bad: NDArray[np.bool_], advice: str) -> Floats:
        """The values, or nan after a sentence about them; a column that could not be read has had its sentence."""
        if name not in self._columns:
            return values
        if values.ndim:
            sentences = sentence_of_values(name, values, bad, advice)
        else:
            sentences = [f"{name} is {number_text(float(values))}; {advice}"] if bad else []
        self.check(sentences)
        return np.full(values.shape, np.nan) if sentences else values

    def _read(self, name: str, values: object, single: bool = False) -> Floats:
        numbers = self._read_or_tell(name, values)
        if single and numbers is not None and numbers.ndim:
            self.problems.append(f"{name} must be one number; it has {numbers.size} values.")
            numbers = None
        if numbers is None:
            return np.array(np.nan)
        self._columns[name] = numbers
        return numbers

    def _read_or_tell(self, name: str, values: object) -> Floats | None:
        try:
            array = np.asarray(values)
        except ValueError:  # ragged rows have no shape
            read_column(name, values, self.problems)
            return None
        if array.ndim > 1:
            self.problems.append(f"{name} must be one number or one column; it has shape {array.shape}.")
            return None
        column = np.atleast_1d(array)
        missing = np.flatnonzero(missing_rows(column)) + 1
        if missing.size:
            listed = ", ".join(str(row) for row in missing[:SHOWN])
            more = f" and {missing.size - SHOWN} more" if missing.size > SHOWN else ""
            place = f" at position{'' if missing.size == 1 else 's'} {listed}{more}" if array.ndim else ""
            self.problems.append(f"{name} is missing{place}; leave out wells without counts first.")
            return None
        if "bool" in column.dtype.name or any(isinstance(value, bool | np.bool_) for value in column[:SHOWN]):
            self.problems.append(f"{name} holds yes or no; give numbers.")
            return None
        numbers = read_numbers(name, column, self.problems)
        return None if numbers is None else numbers.reshape(array.shape)
