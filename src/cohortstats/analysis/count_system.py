"""Counts that are tied to each other by sums, and which of them must be hidden so that small ones stay unknown.

A reader of a report knows every number in it and how the numbers add up. A small count is safe when two values of it
are possible at least. Where only one is, the cheapest set of further counts is found whose hiding leaves two: the
smallest counts that do, by integer programming over the sums (complementary suppression; Willenborg and de Waal 2001,
Elements of Statistical Disclosure Control, chapter 6).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["CountSystem", "Hidden"]

Hidden = Literal["", "small", "end", "second", "open"]
"""How a count is hidden: ``small``, printed as fewer than k; ``end``, the same, or nobody at all; ``second``, not
printed so that another one stays unknown; ``open``, a small count that does not even say that it is small."""

TIE = 1e-5  # of equal counts the first is hidden; small beside the counts, large beside what the solver overlooks


@dataclass(slots=True)
class CountSystem:
    """Counts with their sums.

    Parameters
    ----------
    k
        Counts of 1 to k − 1 are small.
    most
        No count is larger: the number of patients.

    Examples
    --------
    Of 34 patients 3 have one level and 20 and 11 the others; the 11 hides the 3:

    >>> counts = CountSystem(k=5, most=34)
    >>> counts.relate(counts.add("all", 34, fixed=True), [counts.add(name, n, shown=True, sensitive=True)
    ...               for name, n in (("a", 20), ("b", 11), ("c", 3))])
    >>> counts.suppress()
    >>> [counts.hidden(name) for name in "abc"]
    ['', 'second', 'small']
    >>> counts.bounds("c"), counts.bounds("b")
    ((1, 4), (10, 13))
    """

    k: int
    most: int
    places: dict[Hashable, int] = field(default_factory=dict)
    values: list[int] = field(default_factory=list)
    shown: list[bool] = field(default_factory=list)
    fixed: list[bool] = field(default_factory=list)
    sensitive: list[bool] = field(default_factory=list)
    how: list[Hidden] = field(default_factory=list)
    sums: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    _known_sums: set[tuple[int, tuple[int, ...]]] = field(default_factory=set)
    _sums_of: dict[int, list[int]] = field(default_factory=dict)

    def add(
        self,
        key: Hashable,
        value: int,
        *,
        shown: bool = False,
        sensitive: bool = False,
        fixed: bool = False,
        end: bool = False,
    ) -> int:
        """Take a count in, or learn more of one that is there.

        Parameters
        ----------
        key
            What it counts; the same key is the same count, wherever it is printed.
        value
            The count.
        shown
            Whether it is printed.
        sensitive
            Whether it must stay unknown when it is small.
        fixed
            Whether readers know it in any case.
        end
            Whether it is printed as fewer than k whatever it is below k, 0 included.
        """
        if key not in self.places:
            self.places[key] = len(self.values)
            self.values.append(value)
            self.shown.append(False)
            self.fixed.append(False)
            self.sensitive.append(False)
            self.how.append("")
        place = self.places[key]
        if self.values[place] != value:
            raise ValueError(f"{key!r} is {self.values[place]} and {value}")
        self.shown[place] |= shown
        self.fixed[place] |= fixed
        self.sensitive[place] |= sensitive
        if end:
            self.how[place] = "end"
        return place

    def relate(self, whole: int, parts: Iterable[int]) -> None:
        """Readers know that the parts add up to the whole."""
        found = (whole, tuple(sorted(parts)))
        if self.values[whole] != sum(self.values[part] for part in found[1]):
            raise ValueError("the parts do not add up to the whole")
        if found not in self._known_sums and found != (whole, (whole,)):
            self._known_sums.add(found)
            for place in (whole, *found[1]):
                self._sums_of.setdefault(place, []).append(len(self.sums))
            self.sums.append(found)

    def hidden(self, key: Hashable) -> Hidden:
        """How a count is hidden; empty when it is not."""
        return self.how[self.places[key]] if key in self.places else ""

    def suppress(self) -> None:
        """Hide what is small, and what else must be hidden so that it stays unknown."""
        for place, value in enumerate(self.values):
            small = 0 < value < self.k
            if small and self.shown[place] and not self.fixed[place] and not self.how[place]:
                self.how[place] = "small"
        ambiguous = np.zeros(len(self.values), dtype=bool)
        for place, value in enumerate(self.values):
            if not self.sensitive[place] or self.fixed[place] or not 0 < value < self.k or ambiguous[place]:
                continue
            found = self._another(place)
            if found is None:
                # Even "fewer than k" tells too much: this one, and those around it, are not printed at all.
                for other in self._around(place, self._bounds()):
                    if self.how[other] in ("small", "second"):
                        self.how[other] = "open"
                found = self._another(place, hide="open")
            if found is not None:
                ambiguous |= found != 0

    def bounds(self, key: Hashable) -> tuple[int, int]:
        """Smallest and largest value of a count that readers cannot rule out."""
        place = self.places[key]
        low, high = self._bounds()
        around = self._around(place, (low, high))
        ends = []
        for sign in (1.0, -1.0):
            move = self._solve(around, low, high, {place: sign}, {})
            assert move is not None  # the counts themselves are a solution
            ends.append(self.values[place] + int(move[0][around.index(place)]))
        return ends[0], ends[1]

    # ---- integer programs

    def _bounds(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """What is known of each count by itself, as the distance from its true value."""
        low, high = np.zeros(len(self.values)), np.zeros(len(self.values))
        for place, value in enumerate(self.values):
            how = self.how[place]
            if self.fixed[place] or (self.shown[place] and not how):
                continue
            least, most = {
                "small": (1, self.k - 1),
                "end": (0, self.k - 1),
                "second": (self.k, self.most),
                "open": (1, self.most),
                "": (0, self.most),
            }[how]
            low[place], high[place] = least - value, most - value
        return low, high

    def _candidate(self, place: int) -> bool:
        """Whether a count could be hidden for the sake of another one."""
        printed = self.shown[place] and not self.fixed[place] and not self.how[place]
        return printed and self.values[place] >= self.k

    def _around(self, start: int, bounds: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]) -> list[int]:
        """The count and those that can move with it."""
        low, high = bounds
        movable = [low[p] < high[p] or self._candidate(p) for p in range(len(self.values))]
        found, waiting = {start}, [start]
        while waiting:
            for position in self._sums_of.get(waiting.pop(), ()):
                whole, parts = self.sums[position]
                for place in (whole, *parts):
                    if movable[place] and place not in found:
                        found.add(place)
                        waiting.append(place)
        return sorted(found)

    def _another(self, target: int, hide: Hidden = "second") -> npt.NDArray[np.float64] | None:
        """Moves to another possible table in which the target differs; hides what must be hidden for it.

        None when there is no such table, whatever is hidden.
        """
        low, high = self._bounds()
        around = self._around(target, (low, high))
        candidates = [place for place in around if self._candidate(place)]
        for place in candidates:
            least = self.k if hide == "second" else 1
            low[place], high[place] = least - self.values[place], self.most - self.values[place]
        best: tuple[float, npt.NDArray[np.float64]] | None = None
        for floor, ceiling in ((1.0, np.inf), (-np.inf, -1.0)):
            narrowed_low, narrowed_high = low.copy(), high.copy()
            narrowed_low[target], narrowed_high[target] = max(low[target], floor), min(high[target], ceiling)
            if narrowed_low[target] > narrowed_high[target]:
                continue
            prices = {place: self.values[place] + TIE * order for order, place in enumerate(candidates)}
            solved = self._solve(around, narrowed_low, narrowed_high, {}, prices)
            if solved is not None and (best is None or solved[1] < best[0] - TIE / 2):
                best = solved[1], solved[0]
        if best is None:
            return None
        moves = np.zeros(len(self.values))
        moves[around] = best[1]
        for place in candidates:
            if moves[place]:
                self.how[place] = hide
        return moves

    def _solve(
        self,
        around: list[int],
        low: npt.NDArray[np.float64],
        high: npt.NDArray[np.float64],
        cost: Mapping[int, float],
        prices: Mapping[int, float],
    ) -> tuple[npt.NDArray[np.float64], float] | None:
        """Whole-number moves within bounds that keep every sum, at the least cost; a price is paid both ways.

        Every coefficient is 0 or 1, so the first relaxation is whole-numbered almost always.
        """
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        column = {place: position for position, place in enumerate(around)}
        n = len(around)
        # A count with a price moves up in its own column and down in another one.
        down = {place: n + offset for offset, place in enumerate(prices)}
        rows: list[int] = []
        columns: list[int] = []
        signs: list[float] = []
        n_rows = 0
        for whole, parts in (
            self.sums[at] for at in sorted({at for place in around for at in self._sums_of.get(place, ())})
        ):
            terms = [(place, -1.0) for place in parts if place in column]
            if whole in column:
                terms.append((whole, 1.0))
            if not terms:
                continue
            for place, sign in terms:
                rows.append(n_rows)
                columns.append(column[place])
                signs.append(sign)
                if place in down:
                    rows.append(n_rows)
                    columns.append(down[place])
                    signs.append(-sign)
            n_rows += 1
        objective = np.zeros(n + len(down))
        least, most = (
            np.concatenate([low[around], np.zeros(len(down))]),
            np.concatenate([high[around], np.zeros(len(down))]),
        )
        for place, number in cost.items():
            objective[column[place]] = number
        for place, price in prices.items():
            up = column[place]
            objective[[up, down[place]]] = price
            least[up], most[up] = max(low[place], 0.0), max(high[place], 0.0)
            least[down[place]], most[down[place]] = max(-high[place], 0.0), max(-low[place], 0.0)
        constraints = []
        if n_rows:
            matrix = csr_array((signs, (rows, columns)), shape=(n_rows, n + len(down)))
            constraints = [LinearConstraint(matrix, 0.0, 0.0)]
        found = milp(
            objective,
            integrality=np.ones(len(objective), dtype=np.int64),
            bounds=Bounds(least, most),
            constraints=constraints,
            options={"mip_rel_gap": 0.0},
        )
        if found.x is None:
            return None
        solution = np.rint(found.x)
        moves = solution[:n].copy()
        for place, position in down.items():
            moves[column[place]] -= solution[position]
        return moves, float(objective @ solution)
