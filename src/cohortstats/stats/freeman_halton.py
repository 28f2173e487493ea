"""Exact test of an r x c table: sums over every table with the same margins, column by column; or a sample of them.

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
from numpy.typing import NDArray
from scipy.special import gammaln

__all__ = ["estimated_steps", "exact_sum", "sampled_hits", "table_weight"]

State = tuple[int, ...]

NEAR = 1e-8  # difference of log-weights below which integers decide
BLOCK = 2_000_000  # cells drawn at a time


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


# ------------------------------------------------------------------------------------------------------ by drawing


def sampled_hits(
    rows: Sequence[int], columns: Sequence[int], observed: Sequence[Sequence[int]], draws: int, seed: int
) -> int:
    """Among ``draws`` random tables with these margins, how many are no likelier than the one observed by columns."""
    generator = np.random.default_rng(seed)
    log_observed, target = float(gammaln(np.array(observed) + 1.0).sum()), _product(observed)
    block = max(1, BLOCK // (len(rows) * len(columns)))
    hits = 0
    for start in range(0, draws, block):
        tables = _draw(rows, columns, min(block, draws - start), generator)
        # P is inverse to Π x_ij!, so a table no likelier has a product no smaller.
        log_products = gammaln(tables + 1.0).sum(axis=(1, 2))
        near = np.abs(log_products - log_observed) < NEAR
        hits += int(np.count_nonzero((log_products > log_observed) & ~near))
        close, times = np.unique(tables[near], axis=0, return_counts=True)
        hits += sum(int(n) for table, n in zip(close, times, strict=True) if _product(table.tolist()) >= target)
    return hits


def _draw(rows: Sequence[int], columns: Sequence[int], draws: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Random tables, shape (draws, columns, rows): cell by cell, each hypergeometric given the cells before it."""
    tables = np.empty((draws, len(columns), len(rows)), dtype=np.int64)
    room = np.tile(np.array(rows, dtype=np.int64), (draws, 1))
    for column, total in enumerate(columns):
        left = np.full(draws, total, dtype=np.int64)
        behind = room.sum(axis=1)
        for row in range(len(rows)):
            behind = behind - room[:, row]
            tables[:, column, row] = generator.hypergeometric(room[:, row], behind, left)
            left = left - tables[:, column, row]
        room -= tables[:, column]
    return tables


def _product(columns: Sequence[Sequence[int]]) -> int:
    """Π x_ij!"""
    return math.prod(_factorial(cell) for column in columns for cell in column)
