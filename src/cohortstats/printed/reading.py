"""Strict reader of a file of printed values: every problem of the file at once, each with its line."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from cohortstats.errors import DataError, did_you_mean
from cohortstats.expressions import ColumnKind, Expression, ExpressionError, parse_expression, resolve
from cohortstats.expressions.dependencies import evaluation_order
from cohortstats.printed.notes import empty_cells
from cohortstats.printed.sections import (
    Cohort,
    Identity,
    Paper,
    PrintedColumn,
    PrintedTest,
    Repeats,
    Rule,
    Survival,
    Table,
    Text,
    Trial,
)
from cohortstats.printed.statements import StatementReading
from cohortstats.printed.tables import TableReading
from cohortstats.printed.values import Given, Printed, Repeat
from cohortstats.schema import join_key, missing_file, read_document, read_section

__all__ = ["read_printed"]

T = TypeVar("T")

TABLES: Mapping[str, type] = {
    "table": Table,
    "text": Text,
    "test": PrintedTest,
    "survival": Survival,
    "identity": Identity,
    "derived": Rule,
    "assumed": Rule,
    "trial": Trial,
}
KEYS = ("cohortstats_published", "paper", "cohort", "columns", "define", *TABLES, "repeats", "known")


def read_printed(path: Path) -> Printed:
    """Read a file of printed values, or the ``published.toml`` of a folder."""
    document = read_document(path / "published.toml" if path.is_dir() else path)
    reading = _Reading(document)
    printed = reading.read()
    if printed is None:
        raise DataError(reading.problems.found, missing_file=reading.missing)
    return printed


class _Reading(TableReading, StatementReading):
    """One file on its way to a :class:`Printed`."""

    def read(self) -> Printed | None:
        if not self.version():
            return None
        for name in list(self.raw):
            if name not in KEYS:
                near = did_you_mean(name, KEYS)
                if near and near not in self.raw:
                    # Read as what was meant, so that what refers to it is not told as well.
                    self.problems.meant(join_key(name), near)
                    self.raw[near] = self.raw[name]
                mend = f"Did you mean '{near}'?" if near else f"Known sections: {', '.join(KEYS[1:])}."
                self.problems.add(join_key(name), "key-unknown", f"{name} is not a known section.", mend)
        paper = self.one("paper", Paper, required=True)
        self.decimal = paper.decimal if paper else "."
        cohort = self.one("cohort", Cohort)
        self.read_cohort(cohort)
        self.read_columns()
        self.read_define()
        found: dict[str, list[tuple[str, Any]]] = {name: self.many(name, cls) for name, cls in TABLES.items()}
        for key, table in found["table"]:
            self.table(key, table)
        for key, text in found["text"]:
            self.text(key, text)
        for key, survival in found["survival"]:
            self.survival(key, survival)
        for key, test in found["test"]:
            self.test(key, test)
        for key, trial in found["trial"]:
            self.trial(key, trial)
        for name in ("identity", "derived", "assumed"):
            for key, rule in found[name]:
                self.rule(name, key, rule)
        for key, identity in found["identity"]:
            self.identity(key, identity)
        repeats = self.read_repeats()
        known = self.read_known()
        if self.problems.found or paper is None:
            return None

        def kept(name: str) -> tuple[Any, ...]:
            return tuple(section for _, section in found[name])

        return Printed(
            path=self.path,
            paper=paper,
            cohort=cohort,
            columns=MappingProxyType(self.columns),
            define=MappingProxyType(self.define),
            values=tuple(self.values),
            blocks=tuple(self.blocks),
            survivals=kept("survival"),
            texts=kept("text"),
            tests=kept("test"),
            trials=kept("trial"),
            identities=kept("identity"),
            derived=kept("derived"),
            assumed=kept("assumed"),
            repeats=repeats,
            known=known,
            given=self.given,
            addresses=frozenset(self.addresses),
            kinds=MappingProxyType({name: kind for name, kind in self.kinds.items() if kind is not None}),
            lines=MappingProxyType(self.problems.lines),
            not_typed=empty_cells(self.raw),
        )

    # ---- sections

    def version(self) -> bool:
        version = self.raw.get("cohortstats_published")
        if version is None:
            fact = f"{self.path.name} needs cohortstats_published = 1."
            self.problems.add("", "key-missing", fact, "Write it as the first line.")
        elif isinstance(version, int) and not isinstance(version, bool) and version > 1:
            fact = f"cohortstats_published = {version} is newer than this program."
            self.problems.add("cohortstats_published", "version-unknown", fact, "Install a newer cohortstats.")
        elif version != 1 or isinstance(version, bool):
            self.problems.add("cohortstats_published", "version-unknown", "cohortstats_published must be 1.")
        return not self.problems.found

    def one(self, name: str, cls: type[T], *, required: bool = False) -> T | None:
        if name not in self.raw:
            if required:
                self.problems.add("", "key-missing", f"{self.path.name} needs [{name}].")
            return None
        return read_section(cls, self.raw[name], path=name, problems=self.problems)

    def many(self, name: str, cls: type[T]) -> list[tuple[str, T]]:
        """Sections of a list of tables, each with its dotted key."""
        raw = self.raw.get(name, [])
        if not isinstance(raw, list):
            self.problems.add(name, "key-type", f"{name} must be a list of tables.", f"Write [[{name}]].")
            return []
        found = []
        for place, table in enumerate(raw):
            key = join_key(name, place)
            section = read_section(cls, table, path=key, problems=self.problems, heading=f"[[{name}]]")
            if section is not None:
                found.append((key, section))
        return found

    def read_cohort(self, cohort: Cohort | None) -> None:
        if cohort is None:
            return
        self.n = self.counted("cohort.n", "cohort/n", cohort.n)
        if self.n is not None:
            self.value("cohort.n", "cohort/n", cohort.n, where=cohort.where, quantity="patients", source="cohort")
        if cohort.given is None:
            return
        key, given = "cohort.given", cohort.given
        target = (self.path.parent / given.file).resolve()
        if not target.is_relative_to(self.path.parent.resolve()):
            fact = f"{given.file} leaves the study folder."
            self.problems.add(f"{key}.file", "file-outside", fact, "Put it beside this file.")
            return
        try:
            with target.open(encoding="utf-8-sig", newline="") as stream:
                records = [record for record in csv.reader(stream) if any(cell.strip() for cell in record)]
        except (FileNotFoundError, IsADirectoryError):
            self.missing = True
            told = missing_file(target, given.file)
            self.problems.add(f"{key}.file", "file-missing", told.message, told.mend)
            return
        except (UnicodeDecodeError, csv.Error, OSError) as error:
            self.problems.add(f"{key}.file", "encoding-unknown", f"{given.file} cannot be read as CSV: {error}.")
            return
        rows = max(len(records) - 1, 0)
        if given.rows is not None and given.rows != rows:
            self.problems.add(f"{key}.rows", "n-mismatch", f"given.rows is {given.rows}, {given.file} has {rows}.")
        header = tuple(name.strip() for name in records[0]) if records else ()
        self.given = Given(path=target, file=given.file, rows=rows, where=given.where, columns=header)

    def read_columns(self) -> None:
        raw = self.raw.get("columns", {})
        if not isinstance(raw, Mapping):
            self.problems.add("columns", "key-type", "[columns] must be a table.")
            raw = {}
        for name, table in raw.items():
            key = join_key("columns", name)
            column = read_section(PrintedColumn, table, path=key, problems=self.problems, fixed={"name": name})
            self.kinds[name] = None
            if column is None:
                continue
            if column.levels and column.type:
                self.problems.add(f"{key}.type", "key-conflict", f"[{key}] levels and type exclude each other.")
            if column.ordered and not column.levels:
                self.problems.add(f"{key}.ordered", "key-conflict", f"[{key}] ordered needs levels.")
            self.columns[name] = column
            self.kinds[name] = _kind(column)
        for name in self.given.columns if self.given else ():
            self.kinds.setdefault(name, ColumnKind(kind="number"))

    def read_define(self) -> None:
        raw = self.raw.get("define", {})
        if not isinstance(raw, Mapping):
            self.problems.add("define", "key-type", "[define] must be a table.")
            return
        parsed: dict[str, Expression] = {}
        for name, text in raw.items():
            key = join_key("define", name)
            if not isinstance(text, str):
                self.problems.add(key, "key-type", f"[define] {name} must be text.")
            elif name in self.kinds:
                self.problems.add(key, "key-conflict", f"[define] {name} hides a column.", "Use another name.")
                continue
            else:
                try:
                    parsed[name] = parse_expression(text)
                except ExpressionError as error:
                    self.expression_faults(key, f"[define] {name}", text, error)
            self.kinds[name] = None
        needs = {name: [resolve(used, parsed) or used for used in e.names] for name, e in parsed.items()}
        order, circles = evaluation_order(needs)
        for circle in circles:
            fact = f"{' needs '.join([*circle, circle[0]])}."
            self.problems.add(join_key("define", circle[0]), "expression-cycle", fact)
        for name in order:
            try:
                self.kinds[name] = parsed[name].check(self.kinds)
            except ExpressionError as error:
                self.expression_faults(join_key("define", name), f"[define] {name}", parsed[name].text, error)
        # Conditions of columns may use defined names, so they are looked at last.
        for name, column in self.columns.items():
            self.condition(join_key("columns", name, "among"), f"[columns] {name}: among", column.among)
        self.define = {name: parsed[name] for name in order}

    def read_repeats(self) -> tuple[Repeat, ...]:
        section = self.one("repeats", Repeats)
        found = []
        ids = {value.id for value in self.values}
        for place, (where, text, address) in enumerate(section.rows if section else ()):
            key = f"repeats.rows[{place}]"
            if not text.strip():
                continue  # not typed yet
            if address not in ids:
                self.no_address(key, f"[repeats] row {place + 1}", address)
            found.append(Repeat(where=where, text=text, id=address, line=self.problems.line(key) or 0))
        return tuple(found)

    def read_known(self) -> Mapping[str, str]:
        raw = self.raw.get("known", {})
        if not isinstance(raw, Mapping):
            self.problems.add("known", "key-type", "[known] must be a table.")
            return {}
        for address, reason in raw.items():
            key = join_key("known", address)
            if not isinstance(reason, str):
                self.problems.add(key, "key-type", f"[known] {address} must be text.")
            if address not in self.addresses:
                self.no_address(key, "[known]", address)
        return MappingProxyType(dict(raw))


def _kind(column: PrintedColumn) -> ColumnKind:
    if column.levels:
        return ColumnKind(kind="ordered" if column.ordered else "category", levels=column.levels)
    if column.type == "id":
        return ColumnKind(kind="text")
    return ColumnKind(kind="number", unit=column.unit) if column.type else ColumnKind(kind="yes/no")
