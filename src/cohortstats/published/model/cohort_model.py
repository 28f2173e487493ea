"""The 0/1 model of a printed cohort: its feasibility, one solution, and the range of any count over all solutions.

One variable stands for each patient and level (one for a yes/no column); the levels of a patient sum to 1; each printed
count is an equation over its expression; rules are rows for every patient. Percentages follow from counts and are
checked, not modelled, unless a percentage is printed without its count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from cohortstats.errors import InputError
from cohortstats.printed import Printed
from cohortstats.published.model.encode import TRUE, Encoder, NotModelledError, Row, linear
from cohortstats.published.model.given import check_given, given_cells
from cohortstats.published.model.solve import Answer, Program
from cohortstats.published.model.statement_rows import StatementRows
from cohortstats.published.model.statements import (
    TIERS,
    Statement,
    Unit,
    number_cuts,
    unit_of,
    units_of,
    weakest,
)

__all__ = ["CohortModel", "CountRange", "Solution"]

Cells = Mapping[str, list[str]]
"""Column -> one text a patient; empty is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """One cohort that satisfies the model.

    Parameters
    ----------
    cells
        Column -> one text a patient, the printed columns of given patients included; numbers are left out.
    regions
        Numeric column -> place of each patient's region, -1 for none.
    values
        Value of every variable.
    """

    cells: Cells
    regions: Mapping[str, list[int]]
    values: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRange:
    """Smallest and largest count over all cohorts that satisfy the model.

    Parameters
    ----------
    expression, among
        What is counted.
    min, max
        The ends; what is reached by a cohort.
    proven
        Whether the solver closed the gap at both ends.
    bound_min, bound_max
        Ends that are proven although no cohort may reach them; equal to ``min`` and ``max`` when ``proven``.
    tier
        The weakest tier of the statements in the model.
    witness_min, witness_max
        Column -> one text a patient of a cohort at each end.
    """

    expression: str
    among: str
    min: int
    max: int
    proven: bool
    bound_min: int
    bound_max: int
    tier: str
    witness_min: Cells
    witness_max: Cells


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortModel:
    """Every statement of chosen tiers as rows over 0/1 cells; made by :meth:`of`.

    Parameters
    ----------
    printed
        Everything that the file holds.
    n
        Number of patients.
    units
        The units in the model, in the order of the file.
    without
        Units that were given up.
    readings
        Units that were given up and hold as another reading.
    not_modelled
        Address -> why a statement is not in the model.
    encoder
        Variables and rows.
    unit_rows
        Unit -> its rows, each with the statement that it is of.
    where_rows
        Further conditions of :meth:`where`.
    """

    printed: Printed
    n: int
    units: tuple[Unit, ...]
    without: tuple[str, ...]
    readings: tuple[str, ...]
    not_modelled: Mapping[str, str]
    encoder: Encoder
    unit_rows: Mapping[str, tuple[tuple[Statement, Row], ...]]
    tiers: tuple[str, ...]
    strict: bool = False
    where_rows: tuple[Row, ...] = ()
    time_limit: float | None = None
    _kept: dict[object, Answer] = field(default_factory=dict, repr=False, compare=False)
    _columns: dict[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        printed: Printed,
        tiers: Iterable[str] = ("published", "derived", "identity"),
        without: Iterable[str] = (),
        *,
        expressions: Iterable[str] = (),
        strict: bool = False,
        time_limit: float | None = None,
    ) -> CohortModel:
        """The model of a file.

        Parameters
        ----------
        printed
            Everything that the file holds.
        tiers
            Tiers whose statements must hold.
        without
            Addresses of what is given up: units such as ``table1/stage``, ``identity/x``, ``text/x``, or anything in
            them, such as ``text/x/n``.
        expressions
            Expressions that will be asked about, where they compare a numeric column with a number that the file does
            not: the number becomes a cut.
        strict
            Whether both middle values of an even number of patients must print as the median. It is enough for the
            median to hold, and no need: a rebuilt table wants it, a proof must not assume it.
        time_limit
            Seconds for each solve.

        Raises
        ------
        InputError
            When the file does not say how many patients there are, or a tier or address does not exist.

        Examples
        --------
        >>> from cohortstats.printed import Printed
        >>> from cohortstats.shipped import shipped_study
        >>> printed = Printed.read(shipped_study("sakai2018"))
        >>> CohortModel.of(printed).feasible()
        False
        >>> contradicted = ("text/evaluable", "text/received_tdm1")
        >>> model = CohortModel.of(printed, tiers=("published", "derived"), without=contradicted)
        >>> model.feasible()
        True
        >>> found = model.range_of("risk_group", among="ctdna_tested")
        >>> found.min, found.max, found.proven
        (4, 11, True)
        """
        asked = tuple(tiers)
        wrong = [tier for tier in asked if tier not in TIERS]
        if wrong:
            raise InputError(f"'{wrong[0]}' is no tier; there are {', '.join(TIERS)}.")
        if printed.n is None:
            raise InputError(f"{printed.path.name} does not say how many patients there are. Give [cohort] n.")
        left = tuple(dict.fromkeys(unit_of(address, printed) for address in without))
        given = given_cells(printed)
        check_given(printed, given)
        rows_given = max((len(cells) for cells in given.values()), default=0)
        if rows_given > printed.n:
            raise InputError(f"{rows_given} patients are given, the cohort has {printed.n}.")
        every = units_of(printed)
        texts = [text for unit in every for statement in unit.statements for text in (statement.when, statement.among)]
        texts += [text for unit in every for statement in unit.reading for text in (statement.when, statement.among)]
        encoder = Encoder(printed, printed.n, given, [*texts, *expressions], number_cuts(every))
        try:
            for name in printed.columns:
                if name not in encoder.constants:
                    encoder.column(name)
        except NotModelledError as error:
            raise InputError(f"[columns] of {printed.path.name}: {error}") from None
        units: list[Unit] = []
        readings: list[str] = []
        for unit in every:
            if unit.address not in left:
                if unit.tier in asked:
                    units.append(unit)
            elif unit.reading and "derived" in asked:
                readings.append(unit.address)
                units.append(replace(unit, tier="derived", statements=unit.reading))
        not_modelled: dict[str, str] = {}
        unit_rows: dict[str, tuple[tuple[Statement, Row], ...]] = {}
        compiler = StatementRows(encoder, strict)
        for unit in units:
            rows: list[tuple[Statement, Row]] = []
            for statement in unit.statements:
                try:
                    rows.extend((statement, row) for row in compiler.rows(statement))
                except NotModelledError as error:
                    not_modelled[statement.id] = str(error)
            unit_rows[unit.address] = tuple(rows)
        return cls(
            printed=printed,
            n=printed.n,
            units=tuple(units),
            without=left,
            readings=tuple(readings),
            not_modelled=not_modelled,
            encoder=encoder,
            unit_rows=unit_rows,
            tiers=asked,
            strict=strict,
            time_limit=time_limit,
        )

    # ---- what is in it

    @property
    def tier(self) -> str:
        """The weakest tier of the statements in the model."""
        return weakest(unit.tier for unit in self.units)

    @property
    def n_variables(self) -> int:
        """Number of 0/1 variables of the whole model."""
        return self._whole().n_variables

    @property
    def n_rows(self) -> int:
        """Number of rows of the whole model."""
        return len(self._whole().rows)

    def program(self, addresses: Iterable[str], further: Iterable[Row] = ()) -> Program:
        """The rows of some units, and of every variable in them what it means."""
        rows = [row for address in addresses for _, row in self.unit_rows[address]]
        rows.extend(further)
        return Program.of(self.encoder.n_variables, [*rows, *self.meaning(rows)])

    def meaning(self, rows: Iterable[Row]) -> list[Row]:
        """Rows that say what the variables of some rows are."""
        waiting = [variable for row in rows for variable in row.variables]
        seen: set[int] = set()
        taken: set[int] = set()
        while waiting:
            variable = waiting.pop()
            if variable in seen:
                continue
            seen.add(variable)
            for place in self.encoder.defines.get(variable, ()):
                if place not in taken:
                    taken.add(place)
                    waiting.extend(self.encoder.rows[place].variables)
        return [self.encoder.rows[place] for place in sorted(taken)]

    def _whole(self, further: Sequence[Row] = ()) -> Program:
        for name in self.columns:
            self.encoder.column(name)
        stated = [row for address in self.unit_rows for _, row in self.unit_rows[address]]
        stated += [*self.where_rows, *further]
        # Every cell of every column is decided, also of a column that no statement constrains.
        cells = [
            Row(((literal - 2) >> 1,), (1,), 0, 1)
            for name in self.columns
            for row in self.encoder.column(name).literals
            for literal in row
            if literal > TRUE
        ]
        return Program.of(self.encoder.n_variables, [*stated, *self.meaning([*stated, *cells])])

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the file whose cells are modelled."""
        return tuple(name for name in self.printed.columns if name not in self.encoder.constants)

    # ---- questions

    def where(self, expression: str, count: int | tuple[int | None, int | None], among: str = "") -> CohortModel:
        """The same model with one more condition: so many patients for whom an expression is yes.

        Parameters
        ----------
        expression
            Text of the language; it may use columns and defined names.
        count
            The number, or its smallest and largest value (None: open).
        among
            Expression that says among whom.
        """
        low, high = count if isinstance(count, tuple) else (count, count)
        literals = self._counted(expression, among)
        ends = (-np.inf if low is None else low, np.inf if high is None else high)
        row = linear([(1, literal) for literal in literals], *ends)
        return replace(self, where_rows=(*self.where_rows, row), _kept={})

    def nearly(self, address: str, patients: int) -> CohortModel:
        """The same model, where a unit that was given up fails by no more than so many patients.

        Parameters
        ----------
        address
            The unit; each of its counts may be off by so many, and so many patients may break its rule.
        patients
            How many.
        """
        unit = next(unit for unit in units_of(self.printed) if unit.address == address)
        compiler = StatementRows(self.encoder, strict=False)
        rows: list[Row] = []
        for statement in unit.statements:
            if statement.kind == "rule":
                broken = self.encoder.truth(statement.when).no
                rows.append(linear([(1, literal) for literal in broken], -np.inf, patients))
            elif statement.kind == "count":
                rows += [
                    Row(row.variables, row.coefficients, row.lower - patients, row.upper + patients)
                    for row in compiler.rows(statement)
                ]
        return replace(self, where_rows=(*self.where_rows, *rows), _kept={})

    def feasible(self, *, time_limit: float | None = None) -> bool:
        """Whether any cohort satisfies every statement.

        Raises
        ------
        InputError
            When the solver stopped before it knew.
        """
        answer = self._kept.get("feasible")
        if answer is None:
            answer = self._whole().solve(time_limit=time_limit or self.time_limit)
            self._kept["feasible"] = answer
        if answer.values is None and answer.status != "infeasible":
            raise InputError(f"not proven: no cohort found, none excluded after {self._limit(time_limit)}.")
        return answer.values is not None

    def solve(self, seed: int = 1, *, time_limit: float | None = None, gap: float = 0.05) -> Solution | None:
        """One cohort, chosen by random weights of its cells; None when there is none.

        Raises
        ------
        InputError
            When the solver stopped before it found a cohort.
        """
        kept = self._kept.get((seed, gap))
        if kept is not None and kept.values is not None:
            return self.decode(kept.values)
        program = self._whole()
        weights = np.random.default_rng(seed).integers(0, 100, size=len(self.encoder.base))
        objective = {
            variable: float(weight)
            for (variable, name), weight in zip(self.encoder.base, weights, strict=True)
            if weight and self.printed.kinds[name].kind != "number"  # numbers are drawn within their regions
        }
        answer = program.solve(objective, time_limit=time_limit or self.time_limit, gap=gap)
        self._kept[(seed, gap)] = answer
        if answer.values is None:
            if answer.status != "infeasible":
                raise InputError(f"not proven: no cohort found, none excluded after {self._limit(time_limit)}.")
            return None
        return self.decode(answer.values)

    def range_of(self, expression: str, among: str = "", *, time_limit: float | None = None) -> CountRange:
        """Smallest and largest number of patients for whom an expression is yes, each with a cohort.

        Raises
        ------
        InputError
            When no cohort satisfies the model, or the solver stopped before it found one.
        """
        literals = self._counted(expression, among)
        row = linear([(1, literal) for literal in literals], 0, 0)
        shift = -int(row.lower)
        limit = time_limit or self.time_limit
        least, most = (self._end(row, sign, limit) for sign in (1, -1))
        proven = least.proven and most.proven
        ends = (shift + least.value, shift + most.value)
        bounds = (max(0, shift + least.bound), min(self.n, shift + most.bound))
        witnesses = (self.decode(least.values).cells, self.decode(most.values).cells)
        return CountRange(
            expression=expression,
            among=among,
            min=ends[0],
            max=ends[1],
            proven=proven,
            bound_min=bounds[0],
            bound_max=bounds[1],
            tier=self.tier,
            witness_min=witnesses[0],
            witness_max=witnesses[1],
        )

    # ---- inside

    def _end(self, row: Row, sign: int, limit: float | None) -> _End:
        """The smallest (1) or largest (-1) value of a sum, with a cohort.

        The statements that share a column with the sum nearly always decide it, and much sooner than all of them. What
        they give is a bound; where a cohort of the whole model reaches it, it is the end.
        """
        objective = {v: float(sign * c) for v, c in zip(row.variables, row.coefficients, strict=True)}
        free = Row(row.variables, row.coefficients, -np.inf, np.inf)
        reached = self.columns_of([free, *self.where_rows])
        near = tuple(address for address, columns in self.unit_columns.items() if columns & reached or not columns)
        if len(near) < len(self.unit_columns):
            answer = self.program(near, [free, *self.where_rows]).solve(objective, time_limit=limit)
            if answer.status == "optimal":
                value = sign * int(np.rint(answer.objective))
                here = Row(row.variables, row.coefficients, value, value)
                whole = self._whole([here]).solve(time_limit=limit)
                if whole.values is not None:
                    return _End(value, value, True, whole.values)
        answer = self._whole([free]).solve(objective, time_limit=limit)
        if answer.values is None:
            if answer.status == "infeasible":
                raise InputError("no cohort satisfies every statement; give one up.")
            raise InputError(f"not proven: no cohort found, none excluded after {self._limit(limit)}.")
        value = int(np.rint(answer.objective))
        # A count is whole, so its bound may be drawn to the next whole number.
        lowest = -sum(abs(c) for c in row.coefficients)
        bound = max(lowest, int(np.ceil(answer.bound - 1e-6))) if np.isfinite(answer.bound) else lowest
        proven = answer.status == "optimal" and bound >= value
        return _End(sign * value, sign * (value if proven else bound), proven, answer.values)

    def core(
        self,
        further: Sequence[Row] = (),
        time_limit: float | None = None,
        *,
        among: Sequence[str] | None = None,
        start: Sequence[str] = (),
    ) -> tuple[tuple[str, ...], bool]:
        """Units that exclude some rows, or each other, none of which can be spared; and whether that was proven.

        Parameters
        ----------
        further
            Rows that hold all the same.
        time_limit
            Seconds for each solve.
        among
            Units that may be taken; by default all. Together with ``further`` they must have no solution.
        start
            Units that are in every core.
        """
        every = tuple(self.unit_rows) if among is None else tuple(among)
        stopped = False

        def excluded(addresses: Iterable[str]) -> bool:
            nonlocal stopped
            answer = self.program(addresses, further).solve(time_limit=time_limit or self.time_limit)
            stopped = stopped or (answer.values is None and answer.status != "infeasible")
            return answer.status == "infeasible"

        # The nearest statements are looked at first: most conflicts are among few of them.
        reached = self.columns_of(further).union(*(self.unit_columns[address] for address in start))
        near = set(start)
        while not excluded(address for address in every if address in near):
            wider = near | {address for address in every if self.unit_columns[address] & reached}
            if wider == near:
                near = set(every)
                break
            near = wider
            reached = reached.union(*(self.unit_columns[address] for address in near))
        kept = [address for address in every if address in near]
        for address in [address for address in kept if address not in start]:
            rest = [other for other in kept if other != address]
            if excluded(rest):
                kept = rest
        for address in start:
            stopped = stopped or excluded(other for other in kept if other != address)
        return tuple(kept), not stopped

    @property
    def unit_columns(self) -> Mapping[str, frozenset[str]]:
        """Unit -> the columns that it is about."""
        if not self._columns:
            for address, rows in self.unit_rows.items():
                self._columns[address] = frozenset(self.columns_of([row for _, row in rows]))
        return self._columns

    def columns_of(self, rows: Iterable[Row]) -> set[str]:
        """Columns whose cells some rows are about, also through expressions."""
        owner = dict(self.encoder.base)
        stated = list(rows)
        every = [*stated, *self.meaning(stated)]
        return {owner[variable] for row in every for variable in row.variables if variable in owner}

    def _limit(self, time_limit: float | None) -> str:
        seconds = time_limit or self.time_limit
        return "the solver's own limit" if seconds is None else f"{seconds:g} s. Raise --time-limit"

    def _counted(self, expression: str, among: str) -> list[int]:
        try:
            yes = self.encoder.truth(expression).yes
            within = self.encoder.truth(among).yes
        except NotModelledError as error:
            raise InputError(str(error)) from None
        return [self.encoder.conjunction(pair) for pair in zip(yes, within, strict=True)]

    def decode(self, values: npt.NDArray[np.int64]) -> Solution:
        """Cells of a solution."""

        def true(literal: int) -> bool:
            return literal == TRUE if literal <= TRUE else bool(values[(literal - 2) >> 1]) != bool(literal & 1)

        cells: dict[str, list[str]] = {name: list(texts) for name, texts in self.encoder.constants.items()}
        regions: dict[str, list[int]] = {}
        for name in self.columns:
            column = self.encoder.column(name)
            places = [
                next((place for place, literal in enumerate(row) if true(literal)), -1) for row in column.literals
            ]
            if column.regions:
                regions[name] = places
            else:
                cells[name] = ["" if place < 0 else column.levels[place] for place in places]
        order = [name for name in self.printed.columns if name in cells]
        order += [name for name in cells if name not in order]
        return Solution(cells={name: cells[name] for name in order}, regions=regions, values=values)


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a range: what a cohort reaches, what is proven, and the cohort."""

    value: int
    bound: int
    proven: bool
    values: npt.NDArray[np.int64]
