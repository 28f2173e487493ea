"""A tree and the kinds of its columns to a plan: what the result is, every fault, and how arrays are worked through.

Checking and evaluating are one walk over the tree. Each part becomes a :class:`Plan` that knows its kind and can run;
a part that does not fit its neighbours leaves a fault and a plan without a kind, so that one slip is told once.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cohortstats.errors import did_you_mean
from cohortstats.expressions import functions
from cohortstats.expressions.faults import ExpressionFault
from cohortstats.expressions.records import over_records, spread_to_records
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
from cohortstats.expressions.values import (
    Array,
    Cells,
    ColumnKind,
    Kind,
    Records,
    Rows,
    Run,
    Step,
    fold_name,
    resolve,
)

__all__ = ["DTYPES", "Plan", "Planner"]


def _never_known(rows: Rows) -> Cells:
    return Cells(np.zeros(rows.n, dtype=bool), np.ones(rows.n, dtype=bool))


def _constant(value: Any, dtype: Any) -> Run:
    def run(rows: Rows) -> Cells:
        return Cells(np.full(rows.n, value, dtype=dtype), np.zeros(rows.n, dtype=bool))

    return run


def _all_missing(rows: Rows) -> Cells:
    return Cells(np.full(rows.n, np.nan), np.ones(rows.n, dtype=bool))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a part of an expression is computed.

    ``kind`` is None where a fault was found or the column's kind is not known: nothing more is checked of it.
    ``text`` is the string of a literal, which takes the kind of its neighbour. ``free`` marks the word ``missing``,
    which fits every kind.
    """

    kind: Kind | None
    run: Run
    levels: tuple[str, ...] = ()
    unit: str = ""
    text: str | None = None
    free: bool = False


UNKNOWN = Plan(kind=None, run=_all_missing)


def quoted(choices: Sequence[str]) -> str:
    """``'CR', 'PR', 'SD'``; a long list is cut.

    Examples
    --------
    >>> quoted(["CR", "PR"])
    "'CR', 'PR'"
    """
    shown = ", ".join(f"'{choice}'" for choice in choices[:12])
    return shown if len(choices) <= 12 else f"{shown} and {len(choices) - 12} more"


class Planner:
    """One walk over one tree against one set of columns."""

    def __init__(self, text: str, columns: Mapping[str, ColumnKind | None], *, evaluating: bool = False) -> None:
        self.text = text
        self.evaluating = evaluating
        self.columns = columns
        self.faults: list[ExpressionFault] = []
        self.table = ""  # whose records are walked through; empty outside the functions over records

    # ---- faults

    def fault(self, node: Node, code: str, message: str, mend: str = "") -> Plan:
        self.faults.append(ExpressionFault(code=code, position=node.start + 1, message=message, mend=mend))
        return UNKNOWN

    def cut(self, node: Node) -> str:
        return self.text[node.start : node.end]

    def described(self, node: Node, plan: Plan) -> str:
        return f"{self.cut(node)} ({'text' if plan.text is not None else plan.kind})"

    # ---- parts

    def plan(self, node: Node) -> Plan:
        match node:
            case Number():
                return Plan(kind="number", run=_constant(node.value, np.float64))
            case String():
                return Plan(kind="category", text=node.value, levels=(node.value,), run=_constant(node.value, object))
            case Truth():
                return Plan(kind="yes/no", run=_constant(node.value, np.bool_))
            case Missing():
                return Plan(kind=None, free=True, run=_all_missing)
            case Name():
                return self.name(node)
            case Negation():
                return self.negation(node)
            case Junction():
                return self.junction(node)
            case IsMissing():
                return self.is_missing(node)
            case Comparison():
                return self.comparison(node)
            case ListTest():
                return self.list_test(node)
            case Negative():
                return self.negative(node)
            case Difference():
                return self.difference(node)
            case Quotient():
                return self.quotient(node)
            case Function():
                return self.function(node)
        raise TypeError(f"unknown node {type(node).__name__}")

    def name(self, node: Name) -> Plan:
        column = resolve(node.name, self.columns)
        if column is None:
            near = did_you_mean(node.name, self.columns)
            mend = f"Did you mean {near}?" if near else ""
            return self.fault(node, "expression-name", f"{node.name} is no column or derived name.", mend)
        known = self.columns[column]

        def read(rows: Rows) -> Cells:
            values = rows.columns[column]
            missing = values.missing
            if values.kind == "number":
                missing = missing | np.isnan(values.data)
            elif values.kind == "date":
                missing = missing | np.isnat(values.data)
            elif values.kind == "ordered":
                missing = missing | (values.data < 0)
            return Cells(values.data, missing)

        if known is None:
            return Plan(kind=None, run=read)
        if known.table and not self.table:
            fact = f"{node.name} has many rows per patient; use {MANY}."
            return self.fault(node, "expression-many", fact)
        run = spread_to_records(read) if self.table and not known.table else read
        return Plan(kind=known.kind, levels=known.levels, unit=known.unit, run=run)

    def truth(self, node: Node) -> Run:
        """A part that must be yes, no or missing."""
        plan = self.plan(node)
        if plan.kind not in (None, "yes/no"):
            mend = {
                "number": f"Compare it, as in {self.cut(node)} > 0.",
                "date": f"Compare it, as in {self.cut(node)} >= '2015-05-01'.",
            }.get(str(plan.kind), f"Compare it with a level, as in {self.cut(node)} == '…'.")
            if plan.text is not None:
                mend = "Leave the quotes away if it is a name."
            self.fault(node, "expression-type", f"{self.described(node, plan)} is neither yes nor no.", mend)
        return plan.run

    def negation(self, node: Negation) -> Plan:
        part = self.truth(node.part)

        def run(rows: Rows) -> Cells:
            cells = part(rows)
            return Cells(~_yes(cells), cells.missing)

        return Plan(kind="yes/no", run=run)

    def junction(self, node: Junction) -> Plan:
        return Plan(kind="yes/no", run=kleene(node.word, [self.truth(part) for part in node.parts]))

    def is_missing(self, node: IsMissing) -> Plan:
        part = self.plan(node.part)

        def run(rows: Rows) -> Cells:
            missing = part.run(rows).missing
            return Cells(~missing if node.negated else missing, np.zeros(rows.n, dtype=bool))

        return Plan(kind="yes/no", run=run)

    # ---- comparisons

    def comparison(self, node: Comparison) -> Plan:
        nodes = (node.left, node.right)
        plans = [self.plan(part) for part in nodes]
        if any(plan.free for plan in plans):
            return Plan(kind="yes/no", run=_never_known)
        common, runs = self.unify(nodes, plans, "cannot be compared with")
        nearly_text = common.kind in ("category", "text", "yes/no")
        if nearly_text and node.sign not in ("==", "!="):
            kind = "yes/no" if common.kind == "yes/no" else "text or a category"
            mend = "Declare its order in [columns]." if common.kind == "category" else ""
            return self.fault(
                node, "expression-type", f"{self.cut(node)}: {kind} has no order.", mend or "Use == or !=."
            )
        left, right = runs
        compare = COMPARE[node.sign]

        def run(rows: Rows) -> Cells:
            a, b = left(rows), right(rows)
            missing = a.missing | b.missing
            with np.errstate(invalid="ignore"):
                return Cells(np.asarray(compare(a.data, b.data), dtype=bool), missing)

        return Plan(kind="yes/no", run=run)

    def list_test(self, node: ListTest) -> Plan:
        part = self.plan(node.part)
        runs = []
        for choice in node.choices:
            pair = self.unify((node.part, choice), (part, self.plan(choice)), "cannot be compared with")
            runs.append(pair[1])

        def run(rows: Rows) -> Cells:
            found = np.zeros(rows.n, dtype=bool)
            for left, right in runs:
                found |= np.asarray(left(rows).data == right(rows).data, dtype=bool)
            return Cells(~found if node.negated else found, part.run(rows).missing)

        return Plan(kind="yes/no", run=run)

    def unify(self, nodes: Sequence[Node], plans: Sequence[Plan], verb: str) -> tuple[Plan, list[Run]]:
        """One kind for several parts: texts in quotes become levels, dates or names of their neighbours' kind.

        The returned plan carries the kind, levels and unit that all parts share; its ``run`` is not used.
        """
        firm = [(n, p) for n, p in zip(nodes, plans, strict=True) if p.kind is not None and p.text is None]
        runs = [plan.run for plan in plans]
        unclear = any(p.kind is None and not p.free for p in plans)
        texts = [(i, p.text) for i, p in enumerate(plans) if p.text is not None]
        if unclear and not firm:
            return UNKNOWN, runs
        if not firm:
            if not texts:
                return Plan(kind=None, free=True, run=_all_missing), runs
            levels = tuple(dict.fromkeys(text for _, text in texts if text is not None))
            return Plan(kind="category", levels=levels, run=_all_missing), runs

        first_node, first = firm[0]
        for node, plan in firm[1:]:
            loose = {first.kind, plan.kind} <= {"category", "text"}
            if plan.kind != first.kind and not loose:
                fact = f"{self.described(first_node, first)} {verb} {self.described(node, plan)}."
                mend = "Put the level in quotes." if {plan.kind, first.kind} == {"ordered", "number"} else ""
                return self.fault(first_node, "expression-type", fact, mend), runs
            if plan.kind == "ordered" and plan.levels != first.levels:
                fact = f"{self.cut(first_node)} {verb} {self.cut(node)}: their levels differ."
                return self.fault(first_node, "expression-type", fact, "Compare each with a level."), runs
            if plan.unit and first.unit and plan.unit != first.unit:
                fact = (
                    f"{self.cut(first_node)} is in {first.unit}, {self.cut(node)} is in {plan.unit}; they cannot be "
                    "compared."
                )
                return self.fault(first_node, "unit-mismatch", fact, "Convert one of them."), runs

        for i, text in texts:
            coerced = self.coerce(nodes[i], text or "", first_node, first, verb)
            if coerced is None:
                return UNKNOWN, runs
            runs[i] = coerced
        kind: Kind | None = "text" if any(plan.kind == "text" for _, plan in firm) else first.kind
        levels = first.levels
        if kind == "category":
            every = [plan.levels for _, plan in firm]
            levels = () if not all(every) else tuple(dict.fromkeys(level for some in every for level in some))
        unit = next((plan.unit for _, plan in firm if plan.unit), "")
        return Plan(kind=kind, levels=levels if kind != "text" else (), unit=unit, run=_all_missing), runs

    def coerce(self, node: Node, text: str, beside: Node, plan: Plan, verb: str) -> Run | None:
        """A text in quotes as a value of the kind of ``plan``; None after a fault."""
        if plan.kind == "date":
            day = iso_date(text)
            if day is None:
                mend = "Write year-month-day, such as '2015-05-01'."
                self.fault(node, "expression-type", f"'{text}' is not a date.", mend)
                return None
            return _constant(np.datetime64(day, "D"), "datetime64[D]")
        if plan.kind == "ordered" or (plan.kind == "category" and plan.levels):
            level = self.level(text, plan.levels)
            if level is None and self.evaluating and plan.kind == "category":
                # With data, the levels of a category are those that occur: one that does not is no mistake then.
                return _constant(text, object)
            if level is None:
                near = did_you_mean(text, plan.levels)
                mend = f"Did you mean '{near}'?" if near else ""
                fact = f"'{text}' is not among the levels of {self.cut(beside)}: {quoted(plan.levels)}."
                self.fault(node, "level-unknown", fact, mend)
                return None
            return _constant(plan.levels.index(level), np.int64) if plan.kind == "ordered" else _constant(level, object)
        if plan.kind in ("category", "text"):
            return _constant(fold_name(text), object)
        mend = ""
        if plan.kind == "number":
            mend = f"Write {text} without quotes." if _is_number(text) else ""
        elif text.casefold() in ("yes", "no"):
            mend = f"Write {text.casefold()} without quotes."
        fact = f"{self.described(beside, plan)} {verb} '{text}' (text)."
        self.fault(beside, "expression-type", fact, mend)
        return None

    @staticmethod
    def level(text: str, levels: tuple[str, ...]) -> str | None:
        if text in levels:
            return text
        folded = [level for level in levels if fold_name(level) == fold_name(text)]
        return folded[0] if len(folded) == 1 else None

    # ---- arithmetic

    def number(self, node: Node, plan: Plan | None = None) -> Run:
        """A part that must be a number."""
        plan = self.plan(node) if plan is None else plan
        if plan.kind not in (None, "number"):
            self.fault(node, "expression-type", f"{self.described(node, plan)} is not a number.")
        return plan.run

    def date(self, node: Node) -> Run:
        """A part that must be a date; a text in quotes is read as one."""
        plan = self.plan(node)
        if plan.text is not None:
            return self.coerce(node, plan.text, node, Plan(kind="date", run=_all_missing), "") or plan.run
        if plan.kind not in (None, "date"):
            self.fault(node, "expression-type", f"{self.described(node, plan)} is not a date.")
        return plan.run

    def negative(self, node: Negative) -> Plan:
        plan = self.plan(node.part)
        part = self.number(node.part, plan)

        def run(rows: Rows) -> Cells:
            cells = part(rows)
            return Cells(-cells.data, cells.missing)

        return Plan(kind="number", unit=plan.unit, run=run)

    def difference(self, node: Difference) -> Plan:
        parts = [(node.first, self.plan(node.first)), *((part, self.plan(part)) for _, part in node.rest)]
        first_date = next(((n, p) for n, p in parts if p.kind == "date"), None)
        if first_date is not None:
            # Beside a date, a text in quotes is a date.
            parts = [(n, self.dated(n, p, *first_date) if p.text is not None else p) for n, p in parts]
        total_node, total = parts[0]
        steps: list[tuple[Step, Run]] = []
        for (sign, _), (part_node, part) in zip(node.rest, parts[1:], strict=True):
            total, step = self.add(total_node, total, sign, part_node, part)
            if step is None:
                return UNKNOWN
            steps.append((step, part.run))
            total_node = Node(start=node.start, end=part_node.end)
        run = functions.stepwise(parts[0][1].run, steps)
        return Plan(kind=total.kind, unit=total.unit, free=total.free, run=run)

    def dated(self, node: Node, plan: Plan, beside_node: Node, beside: Plan) -> Plan:
        run = self.coerce(node, plan.text or "", beside_node, beside, "")
        return UNKNOWN if run is None else Plan(kind="date", run=run)

    def add(self, left_node: Node, left: Plan, sign: str, right_node: Node, right: Plan) -> tuple[Plan, Step | None]:
        """What a sum or difference of two parts is, and how it is computed; no step after a fault."""
        if left.free or right.free:
            other = right if left.free else left
            kind: Kind | None = None if other.kind is None else "number"
            return Plan(kind=kind, free=kind is None, run=_all_missing), functions.never_known
        if left.kind is None or right.kind is None:
            return UNKNOWN, None
        pair = (left.kind, right.kind)
        if pair == ("number", "number"):
            unit = left.unit if left.unit == right.unit else ""
            return Plan(kind="number", unit=unit, run=_all_missing), functions.arithmetic(sign)
        if pair == ("date", "date") and sign == "-":
            return Plan(kind="number", unit="days", run=_all_missing), functions.elapsed
        if pair == ("date", "number"):
            return Plan(kind="date", run=_all_missing), functions.shift(1 if sign == "+" else -1)
        if pair == ("number", "date") and sign == "+":
            return Plan(kind="date", run=_all_missing), functions.days_after
        word = "added to" if sign == "+" else "taken from"
        a, b = self.described(left_node, left), self.described(right_node, right)
        return self.fault(left_node, "expression-type", f"{b} cannot be {word} {a}."), None

    def quotient(self, node: Quotient) -> Plan:
        first = self.number(node.first)
        steps = [(functions.arithmetic(sign), self.number(part)) for sign, part in node.rest]
        return Plan(kind="number", run=functions.stepwise(first, steps))

    # ---- functions

    def function(self, node: Function) -> Plan:
        arguments = node.arguments
        most = functions.ARGUMENTS.get(node.name) or functions.MANY_ROWS.get(node.name)
        if most is None:
            near = did_you_mean(node.name, [*functions.ARGUMENTS, *functions.MANY_ROWS])
            mend = f"Did you mean {near}?" if near else ""
            return self.fault(node, "expression-name", f"{node.name} is no function.", mend)
        fewest, limit = most
        if not fewest <= len(arguments) <= (limit or len(arguments)):
            wanted = (
                f"{fewest}" if limit == fewest else f"{fewest} or more" if limit is None else f"{fewest} or {limit}"
            )
            fact = f"{node.name} takes {wanted} values, not {len(arguments)}."
            return self.fault(node, "expression-syntax", f"position {node.start + 1}: {fact}")
        if node.name in functions.MANY_ROWS:
            return self.over_records(node)
        match node.name:
            case "any" | "all":
                word: Literal["and", "or"] = "or" if node.name == "any" else "and"
                return Plan(kind="yes/no", run=kleene(word, [self.truth(part) for part in arguments]))
            case "count_yes":
                return Plan(kind="number", run=functions.count_yes([self.truth(part) for part in arguments]))
            case "days" | "months" | "years":
                start, end = (self.date(part) for part in arguments)
                return Plan(kind="number", unit=node.name, run=functions.PERIODS[node.name](start, end))
            case "year":
                return Plan(kind="number", run=functions.year(self.date(arguments[0])))
            case "abs":
                plan = self.plan(arguments[0])
                return Plan(kind="number", unit=plan.unit, run=functions.absolute(self.number(arguments[0], plan)))
            case "round":
                return self.rounded(node)
            case "if":
                condition = self.truth(arguments[0])
                return self.chosen(arguments[1:], lambda runs: functions.choose(condition, *runs))
            case "coalesce":
                return self.chosen(arguments, functions.first_known)
        return self.reduced(node)

    def over_records(self, node: Function) -> Plan:
        """A function over the records of one table; inside another one, its result is a value of the patient."""
        outer = self.table
        columns = self.record_columns(node)
        if columns is None:
            return UNKNOWN
        column = columns[0]
        known = self.columns[column]
        self.table = "" if known is None else known.table
        plan, value = self.record_value(node)
        condition = self.truth(node.arguments[1]) if len(node.arguments) == 2 else None
        self.table = outer
        if plan.kind is None and not plan.free:
            return UNKNOWN

        def records_of(rows: Rows) -> Records:
            records = rows.columns[column].records
            assert records is not None
            return records

        run = over_records(node.name, value, condition, records_of)
        return Plan(
            kind=plan.kind,
            levels=plan.levels,
            unit=plan.unit,
            free=plan.free,
            run=spread_to_records(run) if outer else run,
        )

    def record_columns(self, node: Function) -> list[str] | None:
        """The columns with many rows that a function over records reads: of one table, and at least one."""
        named: dict[str, str] = {}  # table -> its first column here
        unclear = False
        for part in _outside_functions(node.arguments):
            column = resolve(part.name, self.columns)
            kind = None if column is None else self.columns[column]
            unclear = unclear or kind is None
            if column is not None and kind is not None and kind.table:
                named.setdefault(kind.table, column)
        if len(named) == 1:
            return list(named.values())
        if named:
            (table, column), (other_table, other), *_ = named.items()
            fact = f"{node.name}: {column} is a column of {table}, {other} of {other_table}."
            self.fault(node, "expression-type", fact, "Read one table at a time.")
        else:
            for argument in node.arguments:
                self.plan(argument)
            if not unclear:
                fact = f"{node.name} reads a table with many rows per patient; {self.cut(node)} names no column of one."
                self.fault(node, "expression-type", fact)
        return None

    def record_value(self, node: Function) -> tuple[Plan, Run]:
        """First argument of a function over records: what the result is, and the value of each record."""
        argument = node.arguments[0]
        if node.name in ("any_of", "all_of"):
            return Plan(kind="yes/no", run=_all_missing), self.truth(argument)
        if node.name == "count_of":
            return Plan(kind="number", run=_all_missing), self.truth(argument)
        common, runs = self.unify([argument], [self.plan(argument)], "and")
        if common.kind is None:
            return common, runs[0]
        if node.name in ("min_of", "max_of") and common.kind not in ("number", "date", "ordered"):
            fact = f"{node.name} needs a number, a date or an ordered column, not {common.kind}."
            return self.fault(argument, "expression-type", fact), runs[0]
        return common, functions.as_type(runs[0], DTYPES[common.kind])

    def rounded(self, node: Function) -> Plan:
        plan = self.plan(node.arguments[0])
        run = self.number(node.arguments[0], plan)
        digits = 0.0
        if len(node.arguments) == 2:
            places = node.arguments[1]
            if not isinstance(places, Number) or places.value not in range(16):
                return self.fault(places, "expression-type", "the digits of round are a whole number from 0 to 15.")
            digits = places.value
        return Plan(kind="number", unit=plan.unit, run=functions.rounded(run, int(digits)))

    def chosen(self, nodes: Sequence[Node], combine: Callable[[list[Run]], Run]) -> Plan:
        """``if`` and ``coalesce``: parts of one kind, of which each patient gets one."""
        common, runs = self.unify(nodes, [self.plan(node) for node in nodes], "and")
        if common.kind is None:
            return common
        dtype = DTYPES[common.kind]
        prepared = [functions.as_type(run, dtype) for run in runs]
        levels = common.levels
        if common.kind == "category" and levels:
            texts = [node.value for node in nodes if isinstance(node, String)]
            levels = tuple(dict.fromkeys([*levels, *texts]))
        return Plan(kind=common.kind, levels=levels, unit=common.unit, run=combine(prepared))

    def reduced(self, node: Function) -> Plan:
        """``min``, ``max``, ``sum``, ``mean`` and the forms that skip what is missing."""
        skip = node.name.startswith("known_")
        what = node.name.removeprefix("known_")
        plans = [self.plan(part) for part in node.arguments]
        if what in ("sum", "mean"):
            runs = [self.number(part, plan) for part, plan in zip(node.arguments, plans, strict=True)]
            units = {plan.unit for plan in plans}
            return Plan(
                kind="number", unit=units.pop() if len(units) == 1 else "", run=functions.reduce(what, runs, skip=skip)
            )
        common, runs = self.unify(node.arguments, plans, "cannot be compared with")
        if common.kind is None:
            return common
        if common.kind not in ("number", "date", "ordered"):
            fact = f"{node.name} needs numbers, dates or ordered columns, not {common.kind}."
            return self.fault(node, "expression-type", fact)
        runs = [functions.as_type(run, DTYPES[common.kind]) for run in runs]
        run = functions.reduce(what, runs, skip=skip)
        return Plan(kind=common.kind, levels=common.levels, unit=common.unit, run=run)


MANY = "any_of, all_of, count_of, first, last, min_of or max_of"
DTYPES: Mapping[Kind, Any] = {
    "number": np.float64,
    "date": "datetime64[D]",
    "yes/no": np.bool_,
    "ordered": np.int64,
    "category": object,
    "text": object,
}
COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def iso_date(text: str) -> str | None:
    """The date as year-month-day, or None when the text is not one."""
    if len(text) != 10 or text[4] != "-" or text[7] != "-" or not text.isascii():
        return None
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _outside_functions(nodes: Sequence[Node]) -> Iterator[Name]:
    """Names that a function over records reads itself, not those of another such function inside it."""
    for node in nodes:
        if isinstance(node, Name):
            yield node
        elif not (isinstance(node, Function) and node.name in functions.MANY_ROWS):
            yield from _outside_functions(parts_of(node))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _yes(cells: Cells) -> Array:
    return np.asarray(cells.data, dtype=bool)


def kleene(word: Literal["and", "or"], parts: Sequence[Run]) -> Run:
    """Strong Kleene conjunction or disjunction: missing only where the known parts do not decide."""

    def run(rows: Rows) -> Cells:
        decided = np.zeros(rows.n, dtype=bool)
        missing = np.zeros(rows.n, dtype=bool)
        for part in parts:
            cells = part(rows)
            known = ~cells.missing
            decided |= known & (_yes(cells) if word == "or" else ~_yes(cells))
            missing |= cells.missing
        return Cells(decided if word == "or" else ~decided, missing & ~decided)

    return run
