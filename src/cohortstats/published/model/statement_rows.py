"""Statements of a file as linear rows over the cells of a cohort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from cohortstats.published.model.encode import FALSE, TRUE, Column, Encoder, NotModelledError, Row, linear, loosened
from cohortstats.published.model.regions import Cut, pairs_around
from cohortstats.published.model.statements import Statement, printed_ends

__all__ = ["StatementRows"]


@dataclass(frozen=True, slots=True)
class StatementRows:
    """Rows of statements over the variables of one encoder.

    Parameters
    ----------
    encoder
        Variables, and the rows that say what they are.
    strict
        Whether the middle values of a median must be places where it can be put, not only where it is not excluded.
    """

    encoder: Encoder
    strict: bool

    def rows(self, statement: Statement) -> list[Row]:
        if statement.kind == "rule":
            return [linear([(1, no)], -np.inf, 0) for no in self.encoder.truth(statement.when).no if no != FALSE]
        if statement.kind == "order":
            return self._order(statement)
        counted = self._counted(statement)
        if statement.kind == "percent":
            return self._percent(statement, counted)
        return [linear([(1, literal) for literal in counted], statement.n, statement.n)]

    def _counted(self, statement: Statement) -> list[int]:
        parts = [self.encoder.truth(statement.among).yes, self.encoder.truth(statement.when).yes]
        if statement.variable:
            parts.append(self.encoder.at_level(statement.variable, statement.level).yes)
        if statement.outcome:
            parts.append(self.encoder.truth(f"`{statement.outcome}`").yes)
        return [self.encoder.conjunction(some) for some in zip(*parts, strict=True)]

    def _percent(self, statement: Statement, counted: Sequence[int]) -> list[Row]:
        """A share that prints as a string, rounded half-up or cut."""
        low, _ = printed_ends(statement.text)
        unit = Fraction(1, 10 ** len(statement.text.partition(".")[2]))
        high = low + unit * Fraction(3, 2)
        scale = 2 * unit.denominator
        base = [literal for literal in self.encoder.truth(statement.among).yes if literal != FALSE]
        fixed = statement.of if statement.of is not None else len(base) if set(base) <= {TRUE} else None
        share = [(1, literal) for literal in counted]
        if fixed is not None:
            least, most = low * fixed / 100, high * fixed / 100
            fewest, fullest = -(-least.numerator // least.denominator), -(-most.numerator // most.denominator) - 1
            return [linear(share, fewest, fullest)] if fewest <= fullest else []
        weight = 100 * scale
        above = [(weight, literal) for _, literal in share]
        return [
            linear([*above, *((-int(low * scale), literal) for literal in base)], 0, np.inf),
            linear([*above, *((-int(high * scale), literal) for literal in base)], -np.inf, -1),
        ]

    def _order(self, statement: Statement) -> list[Row]:
        """An order statistic as numbers of patients below and above the values that print as it."""
        if statement.variable in self.encoder.constants or statement.variable not in self.encoder.printed.columns:
            raise NotModelledError(f"{statement.variable} is not among [columns].")
        column = self.encoder.column(statement.variable)
        low, high = printed_ends(statement.text)
        inside = [
            self.encoder.conjunction([among, missing ^ 1])
            for among, missing in zip(self.encoder.truth(statement.among).yes, column.missing, strict=True)
        ]
        below = self._below(statement, (low, 0))
        under = self._below(statement, (high, 0))
        size = [(1, literal) for literal in inside]
        # Above the printed value are those inside who are not under its upper end.
        above = [*size, *((-1, literal) for literal in under)]
        few = [(1, literal) for literal in below]

        def times(factor: int, terms: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
            return [(factor * coefficient, literal) for coefficient, literal in terms]

        def at_most(factor: int, terms: Sequence[tuple[int, int]], share: int, shift: int) -> Row:
            """``factor x terms <= share x size + shift``."""
            return linear([*times(factor, terms), *times(-share, size)], -np.inf, shift)

        some = linear([(1, literal) for literal in inside], 1, np.inf)
        strict = self.strict
        match statement.statistic:
            case "min":
                return [linear(few, 0, 0), linear([(1, literal) for literal in under], 1, np.inf)]
            case "max":
                return [linear(above, 0, 0), linear([*size, *times(-1, few)], 1, np.inf)]
            case "median" if strict:
                return [some, *self._middle(statement, column, inside)]
            case "median":
                return [some, at_most(2, few, 1, 0), at_most(2, above, 1, 0)]
            case "lower":
                shift = -4 if strict else 4
                return [some, at_most(4, few, 1, shift), at_most(4, above, 3, shift)]
            case "upper":
                shift = -4 if strict else 4
                return [some, at_most(4, few, 3, shift), at_most(4, above, 1, shift)]
        return []

    def _middle(self, statement: Statement, column: Column, inside: Sequence[int]) -> list[Row]:
        """A median by its one or two middle values: both print as it, or they lie around it in a pair of regions.

        Of an even number of patients the two middle values may average to the median from two regions that have such
        values; which pair of regions it is, or none, is a choice of the model.
        """
        low, high = printed_ends(statement.text)
        size = [(1, literal) for literal in inside]
        below, under = self._below(statement, (low, 0)), self._below(statement, (high, 0))
        fewer = [(2, literal) for literal in below]
        more = [*((2, literal) for _, literal in size), *((-2, literal) for literal in under)]
        less_size = [(-1, literal) for literal in inside]
        ways: list[list[Row]] = [[linear([*fewer, *less_size], -np.inf, -1), linear([*more, *less_size], -np.inf, -1)]]
        step = Fraction(1, 1 if column.regions[0].whole else 10 ** len(statement.text.partition(".")[2]))
        odd = set(inside) <= {TRUE, FALSE} and inside.count(TRUE) % 2 == 1
        for left, right in [] if odd else pairs_around(column.regions, low, high, step):
            lower = [FALSE] * len(inside) if left.lower is None else self._below(statement, left.lower)
            at_left = below if left.upper is None else self._below(statement, left.upper)
            start = under if right.lower is None else self._below(statement, right.lower)
            end = inside if right.upper is None else self._below(statement, right.upper)
            ways.append(
                [
                    linear([*fewer, *less_size], 0, 0),
                    linear([*more, *less_size], 0, 0),
                    linear([*_plus(below), *_minus(at_left)], 0, 0),
                    linear([*_plus(at_left), *_minus(lower)], 1, np.inf),
                    linear([*_plus(start), *_minus(under)], 0, 0),
                    linear([*_plus(end), *_minus(start)], 1, np.inf),
                ]
            )
        if len(ways) == 1:
            return ways[0]
        switches = [self.encoder.variable() for _ in ways]
        rows = [Row(tuple(switches), (1,) * len(switches), 1, 1)]
        for switch, some in zip(switches, ways, strict=True):
            rows.extend(opened for row in some for opened in loosened(row, switch, when=0))
        return rows

    def _below(self, statement: Statement, cut: Cut) -> list[int]:
        column = self.encoder.column(statement.variable)
        among = self.encoder.truth(statement.among).yes
        places = [place for place, region in enumerate(column.regions) if region.below(cut)]
        return [
            self.encoder.conjunction([within, self.encoder.one_of(row[place] for place in places)])
            for within, row in zip(among, column.literals, strict=True)
        ]


def _plus(literals: Sequence[int]) -> list[tuple[int, int]]:
    return [(1, literal) for literal in literals]


def _minus(literals: Sequence[int]) -> list[tuple[int, int]]:
    return [(-1, literal) for literal in literals]
