"""An expression of the study file as SQL that is yes, no or missing for the same patients.

NULL is what is missing: AND, OR, NOT and comparisons of SQL are strong Kleene logic already. What is not the same is
told apart here: a sum or product without a finite value is missing, a nan is missing, the smallest of values of which
one is missing is missing, dates are numbers of days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from cohortstats.engines.columns import Table
from cohortstats.engines.dialects import Engine
from cohortstats.engines.fragments import Fragment, joined, sql, verbatim
from cohortstats.errors import InputError
from cohortstats.expressions import ColumnKind, Expression, Kind, fold_name, iso_date, parse_expression
from cohortstats.expressions.functions import DAYS_PER_MONTH, LONGEST_SHIFT, MANY_ROWS
from cohortstats.expressions.tree import (
    Comparison,
    Difference,
    Function,
    IsMissing,
    Junction,
    ListTest,
    Missing,
    Name,
    Negation,
    Negative,
    Node,
    Number,
    Quotient,
    String,
    Truth,
    parts_of,
)

__all__ = ["expression_as_sql"]

_SIGNS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_EPOCH = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Term:
    """A part of an expression in SQL.

    ``loose`` marks a number that may be infinite or nan where it ought to be missing. ``text`` is the string of a
    literal, which takes the kind of its neighbour. ``kind`` None is the word ``missing``.
    """

    kind: Kind | None
    sql: Fragment
    levels: tuple[str, ...] = ()
    text: str | None = None
    loose: bool = False


def expression_as_sql(text: str, table: Table, *, want: Kind) -> Fragment:
    """SQL of an expression over the columns of a table.

    Parameters
    ----------
    text
        The expression.
    table
        Where it is asked.
    want
        Kind that the result must have.

    Raises
    ------
    InputError
        Every fault of the expression, columns whose values it cannot read, and parts that have no form in SQL.
    """
    engine = table.engine
    if not engine.speaks_expressions:
        raise InputError(
            f"expressions are asked of DuckDB, SQLite, PostgreSQL and Spark; for {engine.name} make a view of the "
            "patients that count."
        )
    expression = parse_expression(text)
    problems = _without_sql(expression)
    kinds: dict[str, ColumnKind | None] = {}
    found = {name: table.find(name) for name in sorted(expression.names)}
    for name, column in found.items():
        if column is None:
            problems.append(table.missing(name))
            kinds[name] = None
            continue
        known = table.columns[column]
        kind, misfit = engine.misfits(table.source, column, known.kind)
        if misfit:
            problems.append(misfit)
        elif kind is None:
            why = "has a time zone" if "ZONE" in known.type_name else f"is of type {known.type_name or 'unknown'}"
            problems.append(f"{column} {why}; expressions read numbers, dates, text and booleans.")
        kinds[name] = kind
    if problems:
        raise InputError(problems)
    expression.check(kinds, want=want)
    writer = _Writer(engine, {name: _column(engine, str(found[name]), kinds[name]) for name in expression.names})
    return writer.strict(writer.term(expression.tree))


def _without_sql(expression: Expression) -> list[str]:
    """Sentences about parts that no query can have."""
    problems = []
    for node in _nodes(expression.tree):
        if isinstance(node, Function) and node.name in MANY_ROWS:
            problems.append(f"{node.name} has no form in SQL: a query reads one row a patient.")
        elif isinstance(node, Function) and node.name == "round":
            problems.append("round has no form in SQL that is half-up on every engine; compare the number itself.")
    return list(dict.fromkeys(problems))


def _nodes(node: Node) -> Iterable[Node]:
    yield node
    for part in parts_of(node):
        yield from _nodes(part)


def _column(engine: Engine, name: str, known: ColumnKind | None) -> _Term:
    assert known is not None
    column = verbatim(engine.quoted(name))
    if known.kind == "ordered":
        places = joined(
            " ",
            [
                sql("WHEN {} THEN {}", engine.string(level), engine.literal(place))
                for place, level in enumerate(known.levels)
            ],
        )
        column = sql("CASE {} {} END", engine.words(column), places)
    else:
        read: dict[str, Callable[[Fragment], Fragment]] = {
            "number": engine.number,
            "date": engine.day,
            "yes/no": engine.yes,
        }
        column = read.get(known.kind, engine.words)(column)
    return _Term(kind=known.kind, sql=column, levels=known.levels)


class _Writer:
    """One walk over the tree of an expression that has been checked."""

    def __init__(self, engine: Engine, columns: dict[str, _Term]) -> None:
        self.engine = engine
        self.columns = columns

    def strict(self, term: _Term) -> Fragment:
        """A term that is missing wherever it ought to be."""
        return self.engine.finite(term.sql) if term.loose else term.sql

    def term(self, node: Node) -> _Term:
        match node:
            case Number():
                return _Term(kind="number", sql=self.engine.literal(node.value))
            case String():
                return _Term(kind="category", sql=self.engine.string(node.value), text=node.value)
            case Truth():
                return _Term(kind="yes/no", sql=self.engine.truth(node.value))
            case Missing():
                return _Term(kind=None, sql=self.engine.nothing(None))
            case Name():
                return self.columns[node.name]
            case Negation():
                return self.truth("(NOT {})", node.part)
            case Junction():
                return _Term(
                    kind="yes/no",
                    sql=sql("({})", joined(f" {node.word.upper()} ", [self.term(part).sql for part in node.parts])),
                )
            case IsMissing():
                known = self.strict(self.term(node.part))
                return _Term(kind="yes/no", sql=sql(f"({{}} IS {'NOT ' if node.negated else ''}NULL)", known))
            case Comparison():
                return self.comparison(node)
            case ListTest():
                return self.list_test(node)
            case Negative():
                return self.mapped("(- {})", node.part)
            case Difference():
                return self.difference(node)
            case Quotient():
                return self.quotient(node)
            case Function():
                return self.function(node)
        raise TypeError(f"unknown node {type(node).__name__}")

    def truth(self, template: str, *parts: Node) -> _Term:
        return _Term(kind="yes/no", sql=sql(template, *(self.term(part).sql for part in parts)))

    def mapped(self, template: str, part: Node) -> _Term:
        term = self.term(part)
        return replace(term, kind="number", sql=sql(template, term.sql))

    # ---- comparisons

    def comparison(self, node: Comparison) -> _Term:
        terms = [self.term(part) for part in (node.left, node.right)]
        if any(term.kind is None for term in terms):
            return _Term(kind="yes/no", sql=self.engine.nothing("yes/no"))
        left, right = self.unified(terms)
        return _Term(kind="yes/no", sql=sql(f"({{}} {_SIGNS[node.sign]} {{}})", self.strict(left), self.strict(right)))

    def list_test(self, node: ListTest) -> _Term:
        part = self.term(node.part)
        if part.kind is None:
            return _Term(kind="yes/no", sql=self.engine.nothing("yes/no"))
        value = self.strict(part)
        if not node.choices:
            empty = sql("CASE WHEN {} IS NOT NULL THEN {} END", value, self.engine.truth(node.negated))
            return _Term(kind="yes/no", sql=empty)
        choices = [self.unified([part, self.term(choice)])[1].sql for choice in node.choices]
        word = "NOT IN" if node.negated else "IN"
        return _Term(kind="yes/no", sql=sql(f"({{}} {word} ({{}}))", value, joined(", ", choices)))

    def unified(self, terms: Sequence[_Term]) -> list[_Term]:
        """Terms of one kind: a text in quotes becomes a level or a date beside one, ``missing`` a value of the kind."""
        firm = next((term for term in terms if term.kind is not None and term.text is None), None)
        kind = firm.kind if firm else next((term.kind for term in terms if term.kind is not None), None)
        made = []
        for term in terms:
            if term.kind is None:
                term = replace(term, kind=kind, sql=self.engine.nothing(kind))
            elif term.text is not None and firm is not None:
                term = self.coerced(term.text, firm)
            made.append(replace(term, levels=firm.levels if firm else ()))
        return made

    def coerced(self, text: str, beside: _Term) -> _Term:
        if beside.kind == "date":
            return self.dated(text)
        if beside.kind == "ordered":
            folded = [fold_name(level) for level in beside.levels]
            place = beside.levels.index(text) if text in beside.levels else folded.index(fold_name(text))
            return _Term(kind="ordered", sql=self.engine.literal(place), levels=beside.levels)
        return _Term(kind="text", sql=self.engine.string(fold_name(text)))

    def dated(self, text: str) -> _Term:
        day = dt.date.fromisoformat(iso_date(text) or "").toordinal() - _EPOCH
        return _Term(kind="date", sql=self.engine.literal(day))

    def date(self, node: Node) -> Fragment:
        term = self.term(node)
        return self.dated(term.text).sql if term.text is not None else self.strict(term)

    # ---- arithmetic

    def difference(self, node: Difference) -> _Term:
        parts = [("+", self.term(node.first)), *((sign, self.term(part)) for sign, part in node.rest)]
        if any(term.kind == "date" for _, term in parts):
            parts = [(sign, self.dated(term.text) if term.text is not None else term) for sign, term in parts]
        total = parts[0][1]
        for sign, term in parts[1:]:
            total = self.added(total, sign, term)
        return total

    def added(self, left: _Term, sign: str, right: _Term) -> _Term:
        if left.kind is None or right.kind is None:
            other = right.kind if left.kind is None else left.kind
            return _Term(kind=None if other is None else "number", sql=self.engine.nothing("number"))
        if left.kind == "date" and right.kind == "date":
            return _Term(kind="number", sql=sql("({} - {})", left.sql, right.sql))
        if left.kind == "date":
            return self.shifted(left.sql, sign, self.strict(right))
        if right.kind == "date":
            return self.shifted(right.sql, "+", self.strict(left))
        # What is not finite stays so through sums, so that one look at the end is enough.
        return _Term(kind="number", sql=sql(f"({{}} {sign} {{}})", left.sql, right.sql), loose=True)

    def shifted(self, day: Fragment, sign: str, days: Fragment) -> _Term:
        """A date some whole days away."""
        moved = sql(f"({{}} {sign} CASE WHEN abs({{}}) <= {LONGEST_SHIFT} THEN floor({{}}) END)", day, days, days)
        return _Term(kind="date", sql=moved)

    def quotient(self, node: Quotient) -> _Term:
        total = self.term(node.first).sql
        for sign, part in node.rest:
            term = self.term(part)
            # A number divided by what is too large would be 0; a product with it is not finite either.
            product = sign == "*"
            total = sql("({} * {})", total, term.sql) if product else self.engine.divided(total, self.strict(term))
        return _Term(kind="number", sql=total, loose=True)

    # ---- functions

    def function(self, node: Function) -> _Term:
        arguments = node.arguments
        match node.name:
            case "any" | "all":
                word = " OR " if node.name == "any" else " AND "
                return _Term(kind="yes/no", sql=sql("({})", joined(word, [self.term(part).sql for part in arguments])))
            case "count_yes":
                one, none = self.engine.literal(1), self.engine.literal(0)
                conditions = [self.term(part).sql for part in arguments]
                counted = [sql("CASE WHEN {} THEN {} WHEN NOT {} THEN {} END", c, one, c, none) for c in conditions]
                return _Term(kind="number", sql=sql("({})", joined(" + ", counted)))
            case "days" | "months" | "years":
                start, end = (self.date(part) for part in arguments)
                return _Term(kind="number", sql=self.period(node.name, start, end))
            case "year":
                return _Term(kind="number", sql=self.engine.part_of_day("year", self.date(arguments[0])))
            case "abs":
                return self.mapped("abs({})", arguments[0])
            case "if":
                condition = self.term(arguments[0]).sql
                then, otherwise = self.chosen(arguments[1:])
                made = sql(
                    "CASE WHEN {} THEN {} WHEN NOT {} THEN {} END", condition, then.sql, condition, otherwise.sql
                )
                return replace(then, sql=made)
            case "coalesce":
                terms = self.chosen(arguments)
                return replace(terms[0], sql=sql("COALESCE({})", joined(", ", [term.sql for term in terms])))
        return self.reduced(node)

    def period(self, name: str, start: Fragment, end: Fragment) -> Fragment:
        if name == "days":
            return sql("({} - {})", end, start)
        if name == "months":
            return self.engine.divided(sql("({} - {})", end, start), self.engine.literal(DAYS_PER_MONTH))
        year, month, day = (
            [self.engine.part_of_day(part, when) for when in (end, start)] for part in ("year", "month", "day")
        )
        # The birthday of 29 February is 1 March in other years.
        before = sql("{} * 100 + {} < {} * 100 + {}", month[0], day[0], month[1], day[1])
        one, none = self.engine.literal(1), self.engine.literal(0)
        return sql("({} - {} - CASE WHEN {} THEN {} ELSE {} END)", year[0], year[1], before, one, none)

    def chosen(self, nodes: Sequence[Node]) -> list[_Term]:
        """Terms of one kind, each missing where it ought to be."""
        terms = self.unified([self.term(node) for node in nodes])
        return [replace(term, sql=self.strict(term), loose=False, text=None) for term in terms]

    def reduced(self, node: Function) -> _Term:
        skip = node.name.startswith("known_")
        what = node.name.removeprefix("known_")
        terms = self.chosen(node.arguments)
        if all(term.kind is None for term in terms):
            return terms[0]
        values = [term.sql for term in terms]
        if len(values) == 1:
            return replace(terms[0], loose=what in ("sum", "mean"))
        if what in ("sum", "mean"):
            return _Term(kind="number", sql=self.total(what, values, skip=skip), loose=True)
        extreme, end = (self.engine.smallest, "Infinity") if what == "min" else (self.engine.largest, "-Infinity")
        if skip:
            stand_in = self.engine.literal(float(end))
            made = extreme([sql("COALESCE({}, {})", value, stand_in) for value in values])
            made = sql("CASE WHEN COALESCE({}) IS NOT NULL THEN {} END", joined(", ", values), made)
        else:
            known = joined(" AND ", [sql("{} IS NOT NULL", value) for value in values])
            made = sql("CASE WHEN {} THEN {} END", known, extreme(values))
        return replace(terms[0], sql=made)

    def total(self, what: str, values: Sequence[Fragment], *, skip: bool) -> Fragment:
        none = self.engine.literal(0)
        if not skip:
            added = sql("({})", joined(" + ", values))
            return added if what == "sum" else self.engine.divided(added, self.engine.literal(len(values)))
        added = sql("({})", joined(" + ", [sql("COALESCE({}, {})", value, none) for value in values]))
        if what == "mean":
            one = self.engine.literal(1)
            known = [sql("CASE WHEN {} IS NULL THEN {} ELSE {} END", value, none, one) for value in values]
            added = self.engine.divided(added, sql("({})", joined(" + ", known)))
        return sql("CASE WHEN COALESCE({}) IS NOT NULL THEN {} END", joined(", ", values), added)
