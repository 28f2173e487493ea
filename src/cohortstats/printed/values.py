"""What a paper printed: strings with addresses, and how each is counted on a cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np

from cohortstats.errors import InputError, did_you_mean
from cohortstats.expressions import ColumnKind, Expression, Values, parse_expression, resolve
from cohortstats.printed.sections import (
    Block,
    Cohort,
    Identity,
    Paper,
    PrintedColumn,
    PrintedTest,
    Rule,
    Survival,
    Text,
    Trial,
)

__all__ = ["Address", "Given", "Printed", "PrintedBlock", "PrintedValue", "Repeat", "column_values", "split_address"]

Source = Literal["cohort", "table", "text", "survival", "test", "trial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Parts of an address; a level may hold a slash, so it is split from both ends."""

    exhibit: str
    variable: str
    level: str
    statistic: str


def split_address(text: str) -> Address:
    """Exhibit, variable, level and statistic of an address.

    Examples
    --------
    >>> split_address("table1/her2_ihc/2+/FISH+/n")
    Address(exhibit='table1', variable='her2_ihc', level='2+/FISH+', statistic='n')
    >>> split_address("table4/hr_positive/p_value")
    Address(exhibit='table4', variable='hr_positive', level='', statistic='p_value')
    >>> split_address("cohort/n")
    Address(exhibit='cohort', variable='', level='', statistic='n')
    """
    parts = text.split("/")
    if len(parts) < 2:
        raise InputError(f"'{text}' is no address. Write table/variable/level/statistic.")
    return Address(
        exhibit=parts[0],
        variable=parts[1] if len(parts) > 2 else "",
        level="/".join(parts[2:-1]),
        statistic=parts[-1],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedValue:
    """One printed number.

    Parameters
    ----------
    id
        Its address.
    where
        Place in the paper.
    quantity
        Variable, level and statistic in short.
    text
        The printed string.
    exhibit, variable, level, statistic
        The parts of the address. For a figure ``variable`` is the grouping variable, which its address leaves out.
    line
        Line of the file.
    source
        Kind of section it stands in.
    when, among, of
        For a count: the expression that is counted, the one that says among whom, and the printed denominator.
    outcome, sums, test, unit, whole, ci
        What the table or figure says about itself.
    other
        True when the statement is about another cohort, so that it cannot be checked against this one.
    about
        True when it is printed with ~.
    """

    id: str
    where: str
    quantity: str
    text: str
    exhibit: str
    variable: str = ""
    level: str = ""
    statistic: str
    line: int
    source: Source
    when: str = ""
    among: str = ""
    of: str = ""
    outcome: str = ""
    sums: str = ""
    test: str = ""
    unit: str = ""
    whole: bool = False
    ci: str = ""
    other: bool = False
    about: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedBlock:
    """The rows of one variable of a printed table.

    Parameters
    ----------
    id
        ``table/variable``; for a block without a variable, ``table/any`` and its place in the table.
    counts
        Level -> patients; in a block without a variable, yes/no column -> patients.
    outcomes
        Level -> patients with the outcome, in a table that has one.
    """

    id: str
    table: str
    where: str
    n: str
    outcome: str
    variable: str
    sums: str
    among: str
    of: str
    p: str
    test: str
    line: int
    declared: Block
    counts: Mapping[str, int]
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Patients printed one by one."""

    path: Path
    file: str
    rows: int
    where: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A value printed again elsewhere."""

    where: str
    text: str
    id: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """Everything that a file of printed values holds; made by :meth:`read`.

    Parameters
    ----------
    path
        The file.
    paper, cohort
        Whose numbers they are, and of how many patients.
    columns
        Vocabulary of a rebuilt table, in order.
    define
        Defined names, each an expression.
    values
        Every printed number, in the order of the file.
    blocks, survivals, texts, tests, trials, identities, derived, assumed
        The statements.
    repeats
        Values printed again elsewhere.
    known
        Address -> what a reader found out about it.
    given
        Patients printed one by one.
    addresses
        Everything that ``[repeats]`` and ``[known]`` may name.
    kinds
        Kind of every column and defined name.
    lines
        Dotted key -> line.
    not_typed
        Cells that are there and still empty.
    """

    path: Path
    paper: Paper
    cohort: Cohort | None
    columns: Mapping[str, PrintedColumn]
    define: Mapping[str, Expression]
    values: tuple[PrintedValue, ...]
    blocks: tuple[PrintedBlock, ...]
    survivals: tuple[Survival, ...]
    texts: tuple[Text, ...]
    tests: tuple[PrintedTest, ...]
    trials: tuple[Trial, ...]
    identities: tuple[Identity, ...]
    derived: tuple[Rule, ...]
    assumed: tuple[Rule, ...]
    repeats: tuple[Repeat, ...]
    known: Mapping[str, str]
    given: Given | None
    addresses: frozenset[str]
    kinds: Mapping[str, ColumnKind]
    lines: Mapping[str, int]
    not_typed: int = 0

    @classmethod
    def read(cls, path: str | Path) -> Printed:
        """Read a file of printed values, or the ``published.toml`` of a folder.

        Raises
        ------
        DataError
            With every problem of the file at once.
        """
        from cohortstats.printed.reading import read_printed

        return read_printed(Path(path))

    @property
    def id(self) -> str:
        """Short name of the paper."""
        return self.paper.id

    @property
    def title(self) -> str:
        """Title of the paper."""
        return self.paper.title

    @property
    def authors(self) -> str:
        """Authors of the paper."""
        return self.paper.authors

    @property
    def year(self) -> int | None:
        """Year of publication."""
        return self.paper.year

    @property
    def software(self) -> str:
        """Program that the paper used."""
        return self.paper.software

    @property
    def synthetic(self) -> str:
        """Label of everything rebuilt from this file."""
        return self.paper.synthetic

    @property
    def n(self) -> int | None:
        """Number of patients of the cohort; None where it is not typed."""
        return int(self.cohort.n) if self.cohort and self.cohort.n.strip() else None

    @property
    def checkable(self) -> tuple[PrintedValue, ...]:
        """Values that a cohort can be checked against.

        Left out are values about other cohorts and trials, and statements that contradict the rest of the paper
        (:func:`~cohortstats.printed.conflicts`), which no cohort can satisfy.
        """
        from cohortstats.printed.contradictions import conflicts

        contradicted = {conflict.id for conflict in conflicts(self)}
        return tuple(value for value in self.values if not value.other and value.id not in contradicted)

    def value(self, id: str) -> PrintedValue:
        """The printed value with an address.

        Raises
        ------
        InputError
            When there is none, with the nearest.
        """
        for value in self.values:
            if value.id == id:
                return value
        near = did_you_mean(id, [value.id for value in self.values])
        raise InputError(f"{id} is no printed value.{f' Did you mean {near}?' if near else ''}")

    def column_kind(self, name: str) -> ColumnKind:
        """Kind of a column or a defined name; in this file every level is an ordinary value.

        Raises
        ------
        InputError
            When the name is neither, with the nearest spelling.
        """
        known = resolve(name, self.kinds)
        if known is not None:
            return self.kinds[known]
        near = did_you_mean(name, self.kinds)
        raise InputError(f"{name} is no column.{f' Did you mean {near}?' if near else ''}")

    def evaluate(self, expression: str | Expression, cells: Mapping[str, Sequence[str | None]]) -> Values:
        """Result of an expression of this file on a cohort's cells.

        Parameters
        ----------
        expression
            Text or parsed; it may use defined names.
        cells
            Column -> one text a patient as read from the study's files; empty or None is missing.
        """
        parsed = parse_expression(expression) if isinstance(expression, str) else expression
        n = len(next(iter(cells.values()), ()))
        found: dict[str, Values] = {}
        # Depth first without recursion: a name is worked out when everything it uses is there.
        stack = sorted(parsed.names)
        while stack:
            name = resolve(stack[-1], self.kinds)
            if name is None or name in found:
                stack.pop()
            elif name not in self.define:
                found[name] = column_values(name, self.kinds[name], _column(name, cells))
                stack.pop()
            else:
                inner = self.define[name]
                uses = {resolve(used, self.kinds) for used in inner.names}
                waiting = sorted(used for used in uses if used is not None and used not in found)
                if waiting:
                    stack.extend(waiting)
                else:
                    found[name] = inner.evaluate(found, n)
                    stack.pop()
        return parsed.evaluate(found, n)

    def count(self, value: PrintedValue, cells: Mapping[str, Sequence[str | None]]) -> Fraction | None:
        """The printed count or percentage, recomputed on a cohort's cells.

        Parameters
        ----------
        value
            Of a ``[[text]]``, of a block of a table, or of the whole cohort; statistic ``n``, ``total`` or ``percent``.
        cells
            As for :meth:`evaluate`.

        Returns
        -------
        The exact value; None when it is no count of patients, when the cohort lacks a column that it needs, or when
        there is nobody to take a percentage of.

        Raises
        ------
        InputError
            When a cell is none that this file knows.
        """
        counts = value.statistic in ("n", "total", "percent") and value.source in ("cohort", "text", "table")
        if not counts or self.lacking(value, cells):
            return None
        n = len(next(iter(cells.values()), ()))
        among = self._yes(value.among, cells, n)
        group = among & self._yes(value.when, cells, n)
        if value.source == "table" and value.variable != "all":
            group = among & self._at_level(value.variable, value.level, cells)
        counted, base = group, among
        if value.outcome and value.statistic != "total":
            counted, base = group & self._yes(f"`{value.outcome}`", cells, n), group
        if value.statistic != "percent":
            return Fraction(int(np.count_nonzero(counted)))
        denominator = int(value.of) if value.of else int(np.count_nonzero(base))
        return Fraction(100 * int(np.count_nonzero(counted)), denominator) if denominator else None

    def lacking(self, value: PrintedValue, cells: Mapping[str, Sequence[str | None]]) -> tuple[str, ...]:
        """Columns that a count or percentage needs and a cohort does not have, sorted."""
        conditions = [value.when, value.among, f"`{value.outcome}`" if value.outcome else ""]
        if value.source == "table" and value.variable != "all":
            conditions.append(f"`{value.variable}`")
        waiting = [name for text in conditions if text for name in parse_expression(text).names]
        seen: set[str] = set()
        while waiting:
            name = resolve(waiting.pop(), self.kinds)
            if name is not None and name not in seen:
                seen.add(name)
                waiting.extend(self.define[name].names if name in self.define else ())
        return tuple(sorted(name for name in seen if name not in self.define and resolve(name, cells) is None))

    def _yes(self, expression: str, cells: Mapping[str, Sequence[str | None]], n: int) -> np.ndarray:
        """Those for whom an expression is yes; everyone when there is none."""
        if not expression:
            return np.ones(n, dtype=bool)
        result = self.evaluate(expression, cells)
        return np.asarray(result.data, dtype=bool) & ~result.missing

    def _at_level(self, variable: str, level: str, cells: Mapping[str, Sequence[str | None]]) -> np.ndarray:
        values = self.evaluate(f"`{variable}`", cells)
        wanted: object = level
        if values.kind == "yes/no":
            wanted = level == "yes"
        elif values.kind == "ordered":
            wanted = values.levels.index(level)
        return np.asarray(values.data == wanted, dtype=bool) & ~values.missing


def _column(name: str, cells: Mapping[str, Sequence[str | None]]) -> Sequence[str | None]:
    column = resolve(name, cells)
    if column is None:
        raise InputError(f"the cohort has no column {name}.")
    return cells[column]


def column_values(name: str, kind: ColumnKind, cells: Sequence[str | None]) -> Values:
    """Text cells as values of a kind; empty or None is missing.

    Examples
    --------
    >>> column_values("hr_positive", ColumnKind(kind="yes/no"), ["yes", "no", ""]).missing.tolist()
    [False, False, True]
    """
    texts = ["" if cell is None else str(cell).strip() for cell in cells]
    missing = np.array([not text for text in texts], dtype=bool)
    wrong: str | None = None
    data: np.ndarray
    if kind.kind == "number":
        data = np.full(len(texts), np.nan)
        for place, text in enumerate(texts):
            try:
                data[place] = float(text) if text else np.nan
            except ValueError:
                wrong = text
        wanted = "a number"
    elif kind.kind == "yes/no":
        wrong = next((text for text in texts if text not in ("", "yes", "no")), None)
        data = np.array([text == "yes" for text in texts], dtype=bool)
        wanted = "yes or no"
    else:
        wrong = next((text for text in texts if text and kind.levels and text not in kind.levels), None)
        wanted = f"one of {', '.join(kind.levels)}"
        if kind.kind == "ordered":
            place_of = {level: place for place, level in enumerate(kind.levels)}
            data = np.array([place_of.get(text, -1) for text in texts], dtype=np.int64)
        else:
            data = np.array(texts, dtype=object)
    if wrong is not None:
        raise InputError(f"{name} holds '{wrong}', which is not {wanted}.")
    return Values(kind=kind.kind, data=data, missing=missing, levels=kind.levels, unit=kind.unit)
