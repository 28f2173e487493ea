"""What the reader of a file of printed values keeps while it reads: names, addresses, values, problems."""

from __future__ import annotations

from typing import Any

from cohortstats.errors import InputError, did_you_mean
from cohortstats.expressions import ColumnKind, Expression, ExpressionError, parse_expression, resolve
from cohortstats.printed.cells import Cell, fold_text, parse_cell
from cohortstats.printed.sections import PrintedColumn
from cohortstats.printed.values import Given, PrintedBlock, PrintedValue
from cohortstats.schema import Document, Problems

__all__ = ["Notes", "empty_cells", "is_plain"]

PRINTED_KEYS = frozenset({"all", "arm_n", "ci", "cells", "events", "hr", "median", "n", "of", "p", "percent"})
"""Keys of printed strings."""


class Notes:
    """Names, addresses, values and problems of one file, and how a printed string is taken down."""

    def __init__(self, document: Document) -> None:
        self.path = document.path
        self.raw = dict(document.data)
        self.problems = Problems(document.path.name, document.lines)
        self.missing = False
        self.kinds: dict[str, ColumnKind | None] = {}
        self.columns: dict[str, PrintedColumn] = {}
        self.define: dict[str, Expression] = {}
        self.values: list[PrintedValue] = []
        self.blocks: list[PrintedBlock] = []
        self.addresses: dict[str, str] = {}  # address -> dotted key
        self.decimal: Any = "."
        self.n: int | None = None
        self.given: Given | None = None

    # ---- expressions and names

    def expression_faults(self, key: str, place: str, text: str, error: ExpressionError) -> None:
        shown = text if len(text) <= 40 else text[:39] + "…"
        for fault in error.faults:
            self.problems.add(key, fault.code, f"{place} '{shown}': {fault.message}", fault.mend)

    def condition(self, key: str, place: str, text: str) -> None:
        """An expression that must be yes, no or missing."""
        if text:
            try:
                parse_expression(text).check(self.kinds, want="yes/no")
            except ExpressionError as error:
                self.expression_faults(key, place, text, error)

    def named(self, key: str, place: str, name: str) -> ColumnKind | None:
        """Kind of a column or defined name; a name that is neither is a problem."""
        known = resolve(name, self.kinds)
        if known is None:
            near = did_you_mean(name, self.kinds)
            mend = f"Did you mean {near}?" if near else ""
            self.problems.add(key, "expression-name", f"{place}: {name} is no column.", mend)
            return None
        return self.kinds[known]

    def level(self, key: str, place: str, level: str, kind: ColumnKind | None) -> None:
        if kind is None or not kind.level_names or level in kind.level_names:
            return
        near = did_you_mean(level, kind.level_names)
        fact = f"{place}: '{level}' is not among the levels {', '.join(kind.level_names)}."
        self.problems.add(key, "level-unknown", fact, f"Did you mean '{near}'?" if near else "")

    # ---- printed strings

    def cell(self, key: str, place: str, text: str, form: str) -> Cell | None:
        """Parts of a cell of a form; None after a problem, an empty cell is not typed yet."""
        try:
            cell = parse_cell(text, decimal=self.decimal)
        except InputError:
            cell = None
        if cell is not None and (not fold_text(text) or _has_form(cell, form)):
            return cell
        mend = "Type the cell as it is printed."
        if self.decimal == "." and "," in text:
            with_point = _decimal_point(text)
            if with_point:
                mend = f'Write {with_point}, or set [paper] decimal = ",".'
        self.problems.add(key, "number-invalid", f"{place}: '{text}' is not '{form}'.", mend)
        return None

    def counted(self, key: str, place: str, text: str) -> int | None:
        """A printed count; None when it is empty or no count."""
        folded = fold_text(text)
        if not folded:
            return None
        if folded.isascii() and folded.isdigit():
            return int(folded)
        self.problems.add(key, "number-invalid", f"{place}: '{text}' is not a count.", "Type the digits alone.")
        return None

    def printed_number(self, key: str, place: str, text: str) -> str:
        """One printed number such as a percentage or a P; empty when it is empty or none."""
        cell = self.cell(key, place, text, "number")
        return cell.value if cell else ""

    def no_more_than(self, key: str, place: str, count: int | None, total: int | None) -> None:
        if count is not None and total is not None and count > total:
            self.problems.add(key, "out-of-range", f"{place}: {count} of {total} is more than all.")

    def value(self, key: str, address: str, text: str, **parts: Any) -> None:
        """Note a printed value under its address."""
        if not text:
            return
        if address in self.addresses:
            table = address.rsplit("/", 2)[0] if address.count("/") > 2 else address.rpartition("/")[0]
            fact = f"{table} is printed twice with different cells."
            told = any(problem.message == fact for problem in self.problems.found)
            if not told:
                self.problems.add(key, "key-conflict", fact, "Use another table id.")
            return
        exhibit, _, rest = address.partition("/")
        self.addresses[address] = key
        parts.setdefault("statistic", rest.rpartition("/")[2])
        parts.setdefault("exhibit", exhibit)
        self.values.append(PrintedValue(id=address, text=text, line=self.problems.line(key) or 0, **parts))

    def address(self, key: str, address: str) -> bool:
        """Note the address of a section; False when another section has it, and what it prints is not read then."""
        new = address not in self.addresses
        if not new:
            self.problems.add(key, "key-conflict", f"{address} is used twice.", "Use another id.")
        self.addresses.setdefault(address, key)
        return new

    def in_order(self, key: str, here: str, cell: Cell) -> None:
        """The smaller limit first; a middle outside of them is a matter for the audit, for it may be printed so."""
        if is_plain(cell.lower) and is_plain(cell.upper) and float(cell.lower) > float(cell.upper):
            fact = f"{here}: {cell.lower}–{cell.upper} has its larger limit first."
            self.problems.add(key, "out-of-range", fact)

    def has(self, key: str, *names: str) -> bool:
        """Whether a section of a list, such as ``text[3]``, has one of some keys, be it empty."""
        name, _, place = key.rstrip("]").partition("[")
        section = self.as_list(name)[int(place)]
        return isinstance(section, dict) and any(one in section for one in names)

    def as_list(self, name: str) -> list[Any]:
        raw = self.raw.get(name)
        return raw if isinstance(raw, list) else []

    def in_file(self, address: str) -> bool:
        """Whether the file has the section that an address begins with, read or not."""
        exhibit = address.partition("/")[0]
        tables = [table for name in ("table", "survival") for table in self.as_list(name) if isinstance(table, dict)]
        ids = [table.get("id") for table in tables]
        return exhibit in ids or exhibit in self.raw

    def no_address(self, key: str, place: str, address: str) -> None:
        if self.problems.found and self.in_file(address):
            return  # its section has a fault of its own, which has been told
        near = did_you_mean(address, self.addresses)
        self.problems.add(
            key, "expression-name", f"{place}: {address} is no id.", f"Did you mean {near}?" if near else ""
        )


def _has_form(cell: Cell, form: str) -> bool:
    """Whether the parts of a cell are those of a form."""
    parts = (bool(cell.value), bool(cell.inner), bool(cell.lower and cell.upper))
    return {
        "n (percent)": parts in ((True, True, False), (True, False, False)),
        "value (lower–upper)": parts in ((True, False, True), (True, False, False)),
        "value (spread)": parts in ((True, True, False), (True, False, False)),
        "number": parts == (True, False, False),
        "range": parts == (False, False, True),
    }[form]


def empty_cells(raw: object, key: str = "") -> int:
    """Printed strings of a file that are there and empty: a template that is not filled in yet.

    Examples
    --------
    >>> empty_cells({"cohort": {"n": ""}, "table": [{"block": [{"cells": [["yes", ""], ["no", "3"]], "p": ""}]}]})
    3
    """
    if isinstance(raw, dict):
        return sum(empty_cells(value, str(name)) for name, value in raw.items())
    if isinstance(raw, list):
        return sum(empty_cells(value, key) for value in raw)
    return int(raw == "" and key in PRINTED_KEYS)


def is_plain(text: str) -> bool:
    whole, _, part = text.removeprefix("-").partition(".")
    return whole.isascii() and whole.isdigit() and (part.isdigit() or "." not in text)


def _decimal_point(text: str) -> str:
    """The first number of a text that has a comma for its decimal point, with a point."""
    words = text.replace("(", " ").replace(")", " ").split()
    return next((word.replace(",", ".") for word in words if is_plain(word.replace(",", ".", 1)) and "," in word), "")
