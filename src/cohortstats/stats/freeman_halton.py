"""Exact test of an r x c table: sums over every table with the same margins, column by column.

A table has the integer weight W = Π_j c_j! / Π_ij x_ij!, and its probability is W over their sum N! / Π_i r_i!. What is
still to be filled depends on the remaining row totals alone, in any order, so equal sub-problems are solved once; and a
partial table is followed only while some of its completions count and some do not.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache

import numpy as np

__all__ = ["estimated_steps", "exact_sum", "table_weight"]

State = tuple[int, ...]


_factorial = cache(math.factorial)


def multinomial(counts: Sequence[int]) -> int:
    """Number of ways to deal sum(counts) patients into cells of these sizes."""
    return _factorial(sum(counts)) // math.prod(map(_factorial, counts))


def table_weight(columns: Sequence[Sequence[int]]) -> int:
    """W of a complete table, given column by column."""
    return math.prod(multinomial(column) for column in columns)


def _fillings(room: State, total: int) -> Iterator[State]:
    """Every column of this total that leaves no row below zero."""
    if len(room) == 1:
        yield (total,)
        return
    rest = sum(room[1:])
    for first in range(max(0, total - rest), min(room[0], total) + 1):
        for others in _fillings(room[1:], total - first):
            yield (first, *others)


def estimated_steps(rows: Sequence[int], columns: Sequence[int]) -> float:
    """About how many columns will be tried: remaining row totals before each column, times the ways to fill it.

    Rows in any order are one state, which is what the division by r! stands for.
    """
    ways = np.ones(1)  # ways[t]: vectors of row totals up to these rows that sum to t
    for row in rows:
        ways = np.convolve(ways, np.ones(row + 1))
    left = sum(columns) - np.cumsum([0, *columns[:-1]])
    tried = sum(ways[remaining] * ways[column] for remaining, column in zip(left, columns, strict=True))
    return float(tried) / math.factorial(len(rows))


def exact_sum(rows: Sequence[int], columns: Sequence[int], observed: int) -> tuple[Fraction, int]:
    """P(tables with W ≤ observed) and the number of tables with these margins."""

    @cache
    def completions(state: State, column: int) -> tuple[int, int, int]:
        """Number of completions, and their smallest and largest weight."""
        if column == len(columns) - 1:
            return 1, multinomial(state), multinomial(state)
        number, least, most = 0, 0, 0
        for filling in _fillings(state, columns[column]):
            n, low, high = completions(_after(state, filling), column + 1)
            weight = multinomial(filling)
            number += n
            least = min(least, weight * low) if least else weight * low
            most = max(most, weight * high)
        return number, least, most

    start = tuple(sorted(rows))
    extreme = 0
    partial: dict[State, dict[int, int]] = {start: {1: 1}}
    for column, total in enumerate(columns):
        following: dict[State, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for state, weights in partial.items():
            _, least, most = completions(state, column)
            open_weights = []
            for weight, n in weights.items():
                if weight * most <= observed:
                    extreme += n * weight * multinomial(state)
                elif weight * least <= observed:
                    open_weights.append((weight, n))
            if open_weights:
                for filling in _fillings(state, total):
                    factor, target = multinomial(filling), following[_after(state, filling)]
                    for weight, n in open_weights:
                        target[weight * factor] += n
        partial = following
    return Fraction(extreme, multinomial(rows)), completions(start, 0)[0]


def _after(state: State, filling: State) -> State:
    """Row totals that remain, sorted: rows with equal rooms left are interchangeable."""
    return tuple(sorted(room - taken for room, taken in zip(state, filling, strict=True)))
