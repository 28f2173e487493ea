"""Expressions of a file of printed values as 0/1 variables and linear rows, patient by patient.

A literal is an integer: 0 is false, 1 is true, ``2 v + 2`` says that variable ``v`` is 1 and ``2 v + 3`` that it is 0,
so ``literal ^ 1`` is its negation. The truth of an expression for a patient is a pair of literals, yes and no; where
both are false the expression is missing. What stands in a patient's printed row is a constant and takes no variable.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from cohortstats.errors import CohortStatsError
from cohortstats.expressions import ColumnKind, parse_expression, resolve
from cohortstats.expressions.tree import (
    Comparison,
    IsMissing,
    Junction,
    Name,
    Negation,
    Node,
    parts_of,
)
from cohortstats.expressions.tree import Truth as Constant
from cohortstats.printed import Printed
from cohortstats.published.model.regions import Region, regions_of, thresholds

__all__ = ["FALSE", "TRUE", "Column", "Encoder", "NotModelledError", "Row", "Truth", "linear", "loosened"]

FALSE, TRUE = 0, 1
MOST_COMBINATIONS = 4096


class NotModelledError(CohortStatsError):
    """An expression that the linear model cannot hold, such as arithmetic on a number that nobody printed."""


@dataclass(frozen=True, slots=True)
class Row:
    """``lower <= sum(coefficient x variable) <= upper``; an end that is open is infinite."""

    variables: tuple[int, ...]
    coefficients: tuple[int, ...]
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Truth:
    """Literals of yes and of no, one a patient."""

    yes: tuple[int, ...]
    no: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """Levels of a column as texts, and for each patient the literal of each level and of no value."""

    levels: tuple[str, ...]
    literals: tuple[tuple[int, ...], ...]  # patient, level
    missing: tuple[int, ...]
    regions: tuple[Region, ...] = ()


class Encoder:
    """Variables and rows of one cohort; a column gets its variables when it is first needed.

    Parameters
    ----------
    printed
        Everything that the file holds.
    n
        Number of patients; those printed one by one come first.
    given
        Column -> one text a printed patient.
    expressions
        Every expression that will be asked about: the numbers in them cut a numeric column into regions.
    cuts
        Further cuts of numeric columns: the ends of what a printed median or range may stand for.
    """

    def __init__(
        self,
        printed: Printed,
        n: int,
        given: Mapping[str, Sequence[str]],
        expressions: Iterable[str] = (),
        cuts: Mapping[str, frozenset[tuple[Fraction, int]]] | None = None,
    ) -> None:
        self.printed, self.n = printed, n
        self.n_variables = 0
        self.rows: list[Row] = []
        self.defines: dict[int, list[int]] = {}  # variable -> rows that say what it is
        self.base: list[tuple[int, str]] = []  # variables that are cells, with their column
        self._columns: dict[str, Column] = {}
        self._open: list[str] = []  # columns whose condition is being encoded
        self._truths: dict[str, Truth] = {}
        self._conjunctions: dict[frozenset[int], int] = {}
        self._sums: dict[frozenset[int], int] = {}
        self._equals: dict[tuple[int, int], int] = {}
        self.constants: dict[str, list[str]] = {}
        self.given = {name: list(cells) for name, cells in given.items()}
        for name, kind in printed.kinds.items():
            if name in printed.define:
                continue
            column = printed.columns.get(name)
            if column is not None and column.type == "id":
                known = self.given.get(name, [])
                self.constants[name] = [*known, *(str(place + 1) for place in range(len(known), n))]
            elif column is None or (kind.kind == "text"):
                known = self.given.get(name, [])
                self.constants[name] = [*known, *[""] * (n - len(known))]
        trees = [printed.define[name] for name in printed.define]
        trees += [parse_expression(text) for text in expressions if text]
        self._cuts: dict[str, set[tuple[Fraction, int]]] = {name: set(some) for name, some in (cuts or {}).items()}
        for tree in trees:
            for name, found in thresholds(tree.tree).items():
                known_name = resolve(name, printed.kinds)
                if known_name is not None:
                    self._cuts.setdefault(known_name, set()).update(found)

    # ---- variables and rows

    def variable(self) -> int:
        self.n_variables += 1
        return self.n_variables - 1

    def add(self, literals: Sequence[tuple[int, int]], lower: float, upper: float, about: Iterable[int]) -> None:
        """A row over (coefficient, literal) that says what the variables of ``about`` are."""
        row = linear(literals, lower, upper)
        self.rows.append(row)
        for variable in about:
            self.defines.setdefault(variable, []).append(len(self.rows) - 1)

    def conjunction(self, literals: Iterable[int]) -> int:
        """A literal that is true when all of them are."""
        kept = frozenset(literals) - {TRUE}
        if FALSE in kept or any(literal ^ 1 in kept for literal in kept):
            return FALSE
        if not kept:
            return TRUE
        if len(kept) == 1:
            return next(iter(kept))
        known = self._conjunctions.get(kept)
        if known is None:
            z = self.variable()
            known = self._conjunctions[kept] = 2 * z + 2
            parts = sorted(kept)
            for part in parts:
                self.add([(1, known), (-1, part)], -np.inf, 0, [z])
            self.add([(1, known), *((-1, part) for part in parts)], 1 - len(parts), np.inf, [z])
        return known

    def disjunction(self, literals: Iterable[int]) -> int:
        return self.conjunction(literal ^ 1 for literal in literals) ^ 1

    def one_of(self, literals: Iterable[int]) -> int:
        """Disjunction of literals of which at most one is true: their sum."""
        kept = frozenset(literals) - {FALSE}
        if TRUE in kept:
            return TRUE
        if not kept:
            return FALSE
        if len(kept) == 1:
            return next(iter(kept))
        if len(kept) == 2 and len({literal >> 1 for literal in kept}) == 1:
            return TRUE
        known = self._sums.get(kept)
        if known is None:
            z = self.variable()
            known = self._sums[kept] = 2 * z + 2
            self.add([(1, known), *((-1, part) for part in sorted(kept))], 0, 0, [z])
        return known

    def equal(self, a: int, b: int) -> int:
        """A literal that is true when two literals are the same."""
        if a > b:
            a, b = b, a
        if a <= TRUE:
            return b if a == TRUE else b ^ 1
        if a >> 1 == b >> 1:
            return TRUE if a == b else FALSE
        flip = (a & 1) ^ (b & 1)
        pair = (a & ~1, b & ~1)
        known = self._equals.get(pair)
        if known is None:
            a, b = pair
            z = self.variable()
            known = self._equals[pair] = 2 * z + 2
            self.add([(1, known), (1, a), (-1, b)], -np.inf, 1, [z])
            self.add([(1, known), (-1, a), (1, b)], -np.inf, 1, [z])
            self.add([(1, known), (-1, a), (-1, b)], -1, np.inf, [z])
            self.add([(1, known), (1, a), (1, b)], 1, np.inf, [z])
        return known ^ flip

    # ---- columns

    def column(self, name: str) -> Column:
        """Levels and literals of a column of the file."""
        known = self._columns.get(name)
        if known is None:
            if name in self._open:
                raise NotModelledError(f"{' needs '.join([*self._open, name])}.")
            self._open.append(name)
            try:
                known = self._columns[name] = self._new_column(name)
            finally:
                self._open.pop()
        return known

    def _new_column(self, name: str) -> Column:
        kind = self.printed.kinds[name]
        declared = self.printed.columns[name]
        regions: tuple[Region, ...] = ()
        if kind.kind == "number":
            whole = declared.whole or declared.type == "integer"
            regions = regions_of(self._cuts.get(name, set()), whole=whole)
            levels = tuple(region.example for region in regions)
        else:
            levels = kind.level_names
        among = self.truth(declared.among).yes if declared.among else (TRUE,) * self.n
        given = self.given.get(name)
        literals, missing = [], []
        for patient in range(self.n):
            text = given[patient].strip() if given is not None and patient < len(given) else ""
            if text:
                # What is printed of a patient is fixed; a blank there is a cell that nobody printed.
                place = next(
                    i for i in range(len(levels)) if (regions[i].holds(text) if regions else levels[i] == text)
                )
                literals.append(tuple(TRUE if i == place else FALSE for i in range(len(levels))))
                missing.append(FALSE)
                continue
            literals.append(self._cell(name, kind, levels, among[patient]))
            missing.append(among[patient] ^ 1)
        return Column(levels, tuple(literals), tuple(missing), regions)

    def _cell(self, name: str, kind: ColumnKind, levels: Sequence[str], among: int) -> tuple[int, ...]:
        """Literals of the levels of one open cell."""
        if among == FALSE:
            return (FALSE,) * len(levels)
        if kind.kind == "yes/no":
            v = self.variable()
            self.base.append((v, name))
            if among == TRUE:
                return (2 * v + 2, 2 * v + 3)
            self.add([(1, 2 * v + 2), (-1, among)], -np.inf, 0, [v])
            return (2 * v + 2, self.conjunction([among, 2 * v + 3]))
        if len(levels) == 1:
            return (among,)
        cells = [self.variable() for _ in levels]
        self.base.extend((v, name) for v in cells)
        total = [(1, 2 * v + 2) for v in cells]
        self.add([*total, (-1, among)], 0, 0, cells)
        return tuple(2 * v + 2 for v in cells)

    # ---- expressions

    def truth(self, text: str) -> Truth:
        """Yes and no of an expression for every patient; of no expression, yes for all."""
        if not text:
            return Truth((TRUE,) * self.n, (FALSE,) * self.n)
        known = self._truths.get(text)
        if known is None:
            known = self._truths[text] = self._encode(parse_expression(text).tree, text)
        return known

    def at_level(self, variable: str, level: str) -> Truth:
        """Whether a column or a defined name has a level."""
        kind = self.printed.column_kind(variable)
        if kind.kind == "yes/no":
            truth = self.truth(f"`{variable}`")
            return truth if level == "yes" else Truth(truth.no, truth.yes)
        mark = '"' if "'" in level else "'"
        name = resolve(variable, self.printed.kinds)
        if name in self.printed.columns and name not in self.constants:
            column = self.column(str(name))
            place = column.levels.index(level)
            yes = tuple(cells[place] for cells in column.literals)
            no = tuple(
                self.conjunction([literal ^ 1, missing ^ 1]) if missing != FALSE else literal ^ 1
                for literal, missing in zip(yes, column.missing, strict=True)
            )
            return Truth(yes, no)
        return self.truth(f"`{variable}` == {mark}{level}{mark}")

    def _encode(self, node: Node, text: str) -> Truth:
        match node:
            case Constant():
                constant = TRUE if node.value else FALSE
                return Truth((constant,) * self.n, (constant ^ 1,) * self.n)
            case Negation():
                part = self._encode(node.part, text)
                return Truth(part.no, part.yes)
            case Junction():
                parts = [self._encode(part, text) for part in node.parts]
                if node.word == "or":
                    parts = [Truth(part.no, part.yes) for part in parts]
                yes = tuple(self.conjunction(some) for some in zip(*(part.yes for part in parts), strict=True))
                no = tuple(self.disjunction(some) for some in zip(*(part.no for part in parts), strict=True))
                return Truth(yes, no) if node.word == "and" else Truth(no, yes)
            case Name():
                name = resolve(node.name, self.printed.kinds)
                if name is not None and name in self.printed.define:
                    inner = self.printed.define[name]
                    if self.printed.kinds[name].kind == "yes/no":
                        key = f"define {name}"
                        if key not in self._truths:
                            self._truths[key] = self._encode(inner.tree, inner.text)
                        return self._truths[key]
            case IsMissing(part=Name(name=used)):
                name = resolve(used, self.printed.kinds)
                if name is not None and name not in self.printed.define and name not in self.constants:
                    missing = self.column(name).missing
                    present = tuple(literal ^ 1 for literal in missing)
                    return Truth(present, missing) if node.negated else Truth(missing, present)
            case Comparison(sign=("==" | "!=") as sign) if self._is_truth(node.left) and self._is_truth(node.right):
                return self._same(self._encode(node.left, text), self._encode(node.right, text), sign)
            case _:
                pass
        return self._by_table(text[node.start : node.end], node)

    def _is_truth(self, node: Node) -> bool:
        """Whether a part is a yes/no expression that can be encoded by its parts."""
        if isinstance(node, Name):
            name = resolve(node.name, self.printed.kinds)
            return name is not None and self.printed.kinds[name].kind == "yes/no"
        return isinstance(node, (Negation, Junction, Comparison, Constant, IsMissing))

    def _same(self, left: Truth, right: Truth, sign: str) -> Truth:
        yes, no = [], []
        for a, not_a, b, not_b in zip(left.yes, left.no, right.yes, right.no, strict=True):
            if not_a == a ^ 1 and not_b == b ^ 1:
                same = self.equal(a, b)
                yes.append(same)
                no.append(same ^ 1)
            else:
                yes.append(self.one_of([self.conjunction([a, b]), self.conjunction([not_a, not_b])]))
                no.append(self.one_of([self.conjunction([a, not_b]), self.conjunction([not_a, b])]))
        return Truth(tuple(yes), tuple(no)) if sign == "==" else Truth(tuple(no), tuple(yes))

    def _by_table(self, text: str, node: Node) -> Truth:
        """An expression over few columns by its table: the language itself says what each combination gives."""
        needed, arithmetic = self._columns_of(node)
        if arithmetic:
            raise NotModelledError(
                f"'{text}' does arithmetic on {arithmetic}, which is not printed patient by patient."
            )
        constant = sorted(name for name in needed if name in self.constants)
        free = sorted(name for name in needed if name not in self.constants)
        columns = [self.column(name) for name in free]
        # A missing cell is a level of its own.
        choices = [(*column.levels, "") for column in columns]
        combinations = list(itertools.product(*choices))
        if len(combinations) > MOST_COMBINATIONS:
            raise NotModelledError(
                f"'{text}' has {len(combinations)} combinations of levels; at most {MOST_COMBINATIONS}."
            )
        m = len(combinations)
        patients = self.n if constant else 1
        cells: dict[str, list[str]] = {name: [] for name in needed}
        for patient in range(patients):
            for name in constant:
                cells[name].extend([self.constants[name][patient]] * m)
            for place, name in enumerate(free):
                cells[name].extend(combination[place] for combination in combinations)
        if not needed:
            cells[""] = [""] * m
        result = self.printed.evaluate(text, cells)
        known = ~result.missing
        value = np.asarray(result.data, dtype=bool)
        yes_table = (value & known).reshape(patients, m)
        no_table = (~value & known).reshape(patients, m)
        yes, no = [], []
        for patient in range(self.n):
            row = patient if constant else 0
            terms = []
            for combination in itertools.product(*(range(len(some)) for some in choices)):
                parts = [
                    (*column.literals[patient], column.missing[patient])[place]
                    for column, place in zip(columns, combination, strict=True)
                ]
                terms.append(self.conjunction(parts) if len(parts) != 1 else parts[0])
            possible = [place for place, literal in enumerate(terms) if literal != FALSE]
            if_yes = [place for place in possible if yes_table[row, place]]
            if_no = [place for place in possible if no_table[row, place]]
            two_valued = len(if_yes) + len(if_no) == len(possible)
            if two_valued and len(if_no) < len(if_yes):
                literal = self.one_of(terms[place] for place in if_no)
                yes.append(literal ^ 1)
                no.append(literal)
            else:
                literal = self.one_of(terms[place] for place in if_yes)
                yes.append(literal)
                no.append(literal ^ 1 if two_valued else self.one_of(terms[place] for place in if_no))
        return Truth(tuple(yes), tuple(no))

    def _columns_of(self, node: Node) -> tuple[set[str], str]:
        """Columns that a part reads, through defined names, and a numeric one that is not just compared, if any."""
        needed: set[str] = set()
        seen: set[str] = set()
        arithmetic = ""

        def walk(part: Node, compared: bool) -> None:
            nonlocal arithmetic
            if isinstance(part, Name):
                name = resolve(part.name, self.printed.kinds)
                if name is None:
                    raise NotModelledError(f"{part.name} is no column.")
                if name in self.printed.define:
                    if name not in seen:
                        seen.add(name)
                        walk(self.printed.define[name].tree, False)
                    return
                needed.add(name)
                if self.printed.kinds[name].kind == "number" and name not in self.constants and not compared:
                    arithmetic = arithmetic or name
                return
            for inner in parts_of(part):
                walk(inner, bool(thresholds(part, deep=False)) or isinstance(part, IsMissing))

        walk(node, False)
        return needed, arithmetic


def linear(literals: Iterable[tuple[int, int]], lower: float, upper: float) -> Row:
    """``lower <= sum(coefficient x literal) <= upper`` over variables: constants go to the ends.

    Examples
    --------
    >>> linear([(1, 2), (1, 5), (1, TRUE)], 2, 2)  # x0 + (1 - x1) + 1 = 2
    Row(variables=(0, 1), coefficients=(1, -1), lower=0, upper=0)
    """
    terms: dict[int, int] = {}
    shift = 0
    for coefficient, literal in literals:
        if literal <= TRUE:
            shift += coefficient * literal
            continue
        variable, negated = divmod(literal - 2, 2)
        if negated:
            shift += coefficient
            coefficient = -coefficient
        terms[variable] = terms.get(variable, 0) + coefficient
    kept = {variable: coefficient for variable, coefficient in terms.items() if coefficient}
    return Row(tuple(kept), tuple(kept.values()), lower - shift, upper - shift)


def loosened(row: Row, switch: int, *, when: int = 1) -> list[Row]:
    """A row that need not hold where a variable is 1 (or 0): each end is opened by just as much as it can need.

    Examples
    --------
    >>> loosened(Row((0, 1), (1, 1), -np.inf, 0), 2)
    [Row(variables=(0, 1, 2), coefficients=(1, 1, -2), lower=-inf, upper=0)]
    """
    least = sum(c for c in row.coefficients if c < 0)
    most = sum(c for c in row.coefficients if c > 0)
    variables = (*row.variables, switch)
    found = []
    if row.upper < most:
        room = most - int(row.upper)
        found.append(
            Row(variables, (*row.coefficients, -room), -np.inf, row.upper)
            if when
            else Row(variables, (*row.coefficients, room), -np.inf, most)
        )
    if row.lower > least:
        room = int(row.lower) - least
        found.append(
            Row(variables, (*row.coefficients, room), row.lower, np.inf)
            if when
            else Row(variables, (*row.coefficients, -room), least, np.inf)
        )
    return found
