"""Strict reader of a file of printed values: every problem of the file at once, each with its line."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from cohortstats.errors import DataError, InputError, did_you_mean
from cohortstats.expressions import ColumnKind, Expression, ExpressionError, parse_expression, resolve
from cohortstats.expressions.dependencies import evaluation_order
from cohortstats.printed.cells import Cell, fold_text, parse_cell
from cohortstats.printed.sections import (
    Block,
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
from cohortstats.printed.values import Given, Printed, PrintedBlock, PrintedValue, Repeat
from cohortstats.schema import Document, Problems, join_key, missing_file, read_document, read_section

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

# Words in front of a summary of a number -> statistics of the number in front, of the ends of the range, of the number
# in parentheses.
SUMMARIES: Mapping[str, tuple[str, str, str, str]] = {
    "median (range)": ("median", "min", "max", ""),
    "median (min-max)": ("median", "min", "max", ""),
    "median (iqr)": ("median", "lower", "upper", ""),
    "median (q1-q3)": ("median", "lower", "upper", ""),
    "median": ("median", "", "", ""),
    "mean (sd)": ("mean", "", "", "sd"),
    "mean ± sd": ("mean", "", "", "sd"),
    "mean (range)": ("mean", "min", "max", ""),
    "mean": ("mean", "", "", ""),
    "range": ("", "min", "max", ""),
}


def read_printed(path: Path) -> Printed:
    """Read a file of printed values, or the ``published.toml`` of a folder."""
    document = read_document(path / "published.toml" if path.is_dir() else path)
    reading = _Reading(document)
    printed = reading.read()
    if printed is None:
        raise DataError(reading.problems.found, missing_file=reading.missing)
    return printed


class _Reading:
    """One file on its way to a :class:`Printed`."""

    def __init__(self, document: Document) -> None:
        self.path = document.path
        self.raw = document.data
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

    def read(self) -> Printed | None:
        if not self.version():
            return None
        for name in self.raw:
            if name not in KEYS:
                near = did_you_mean(name, KEYS)
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
            lines=self.problems.lines,
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

    # ---- tables

    def table(self, key: str, table: Table) -> None:
        if "/" in table.id or table.id in ("cohort", "text", "test", "trial", "identity", "derived", "assumed"):
            fact = f"[[table]] id '{table.id}' cannot begin an address."
            self.problems.add(f"{key}.id", "key-conflict", fact, "Use another id, such as table1.")
            return
        if not self.address(f"{key}.id", table.id):
            return
        n = self.counted(f"{key}.n", f"{table.id}, n", table.n)
        if table.outcome:
            self.named(f"{key}.outcome", f"{table.id}, outcome", table.outcome)
        common = {"where": table.where, "source": "table", "outcome": table.outcome, "variable": "all"}
        if table.all:
            cell = self.cell(f"{key}.all", f"{table.id}, all", table.all, "n (percent)")
            if cell is not None:
                count = self.counted(f"{key}.all", f"{table.id}, all", cell.value)
                self.no_more_than(f"{key}.all", f"{table.id}, all", count, n if n is not None else self.n)
                self.value(f"{key}.all", f"{table.id}/all/n", cell.value, quantity="all, n", **common)
                self.value(f"{key}.all", f"{table.id}/all/percent", cell.inner, quantity="all, percent", **common)
        for place, block in enumerate(table.block):
            self.block(f"{key}.block[{place}]", table, block, n if n is not None else self.n)

    def block(self, key: str, table: Table, block: Block, n: int | None) -> None:
        place = f"{table.id}/{block.variable}" if block.variable else table.id
        if block.sums == "any" and block.variable:
            fact = f'{place}: sums = "any" and variable exclude each other.'
            mend = "Leave variable out; each row names its own yes/no column."
            self.problems.add(f"{key}.sums", "key-conflict", fact, mend)
            return
        if not block.variable and block.sums != "any":
            fact = f'{place}: a block needs variable, or sums = "any".'
            self.problems.add(key, "key-missing", fact)
            return
        kind = self.named(f"{key}.variable", place, block.variable) if block.variable else None
        self.condition(f"{key}.among", f"{place}: among", block.among)
        of = self.counted(f"{key}.of", f"{place}, of", block.of)
        base = of if of is not None else n
        counts: dict[str, int] = {}
        outcomes: dict[str, int] = {}
        for row, cells in enumerate(block.cells):
            self.row(f"{key}.cells[{row}]", place, table, block, kind, cells, base, counts, outcomes)
        if block.p:
            p = self.printed_number(f"{key}.p", f"{place}, p", block.p)
            common = {"where": table.where, "source": "table", "variable": block.variable, "among": block.among}
            test = block.test or table.test
            quantity = f"{block.variable}, P"
            self.value(f"{key}.p", f"{place}/p_value", p, quantity=quantity, outcome=table.outcome, test=test, **common)
        name = block.variable or f"any{sum(b.table == table.id and not b.variable for b in self.blocks) + 1}"
        self.addresses.setdefault(f"{table.id}/{name}", key)
        self.blocks.append(
            PrintedBlock(
                id=f"{table.id}/{name}",
                table=table.id,
                where=table.where,
                n=table.n,
                outcome=table.outcome,
                variable=block.variable,
                sums=block.sums,
                among=block.among,
                of=block.of,
                p=block.p,
                test=block.test or table.test,
                line=self.problems.line(key) or 0,
                declared=block,
                counts=MappingProxyType(counts),
                outcomes=MappingProxyType(outcomes),
            )
        )

    def row(
        self,
        key: str,
        place: str,
        table: Table,
        block: Block,
        kind: ColumnKind | None,
        cells: Sequence[str],
        base: int | None,
        counts: dict[str, int],
        outcomes: dict[str, int],
    ) -> None:
        """One printed row: a level with counts, or a summary of a number."""
        summary = kind is not None and kind.kind in ("number", "date")
        wanted = 3 if table.outcome and not summary else 2
        shape = "level, patients, patients with the outcome" if wanted == 3 else "level, cell"
        if len(cells) != wanted:
            fact = f"{place}: a row has {len(cells)} texts, it needs {wanted}: {shape}."
            self.problems.add(key, "key-type", fact)
            return
        label = cells[0]
        here = f"{place}, {label}"
        common = {
            "where": table.where,
            "source": "table",
            "among": block.among,
            "of": block.of,
            "sums": block.sums,
            "unit": block.unit,
            "whole": block.whole,
        }
        if summary:
            self.summary(key, here, f"{table.id}/{block.variable}", block.variable, label, cells[1], common)
            return
        variable, level = (block.variable, label) if block.variable else (label, "yes")
        if not block.variable:
            row_kind = self.named(key, place, label)
            if row_kind is not None and row_kind.kind != "yes/no":
                self.problems.add(key, "expression-type", f"{here}: {label} is not a yes/no column.")
        self.level(key, place, level, kind)
        address = f"{table.id}/{variable}/{level}"
        common |= {"variable": variable, "level": level, "outcome": table.outcome}
        words = f"{variable} {level}"
        total = self.counted(key, here, cells[1]) if table.outcome else None
        cell = self.cell(key, here, cells[-1], "n (percent)")
        if cell is None:
            return
        count = self.counted(key, here, cell.value)
        self.no_more_than(key, here, total, base)
        self.no_more_than(key, here, count, total if table.outcome else base)
        if cell.inner and base is None and not table.outcome:
            fact = f"{here}: a percentage without a denominator."
            self.problems.add(key, "key-missing", fact, "Give n to the table or to [cohort], or of to the block.")
        if table.outcome:
            self.value(key, f"{address}/total", fold_text(cells[1]), quantity=f"{words}, total", **common)
        self.value(key, f"{address}/n", cell.value, quantity=f"{words}, n", **common)
        self.value(key, f"{address}/percent", cell.inner, quantity=f"{words}, percent", **common)
        patients = total if table.outcome else count
        if patients is not None:
            counts[level if block.variable else variable] = patients
        if table.outcome and count is not None:
            outcomes[level if block.variable else variable] = count

    def summary(
        self, key: str, here: str, address: str, variable: str, label: str, text: str, common: Mapping[str, Any]
    ) -> None:
        """A printed summary of a number, such as a median with its range."""
        words = SUMMARIES.get(fold_text(label).casefold().replace("–", "-"))
        if words is None:
            near = did_you_mean(label, SUMMARIES)
            fact = f"{here}: '{label}' is no summary of a number."
            mend = f"Did you mean '{near}'?" if near else f"Summaries: {', '.join(SUMMARIES)}."
            self.problems.add(key, "level-unknown", fact, mend)
            return
        centre, low, high, spread = words
        form = (
            "value (lower–upper)" if centre and low else "value (spread)" if spread else "number" if centre else "range"
        )
        cell = self.cell(key, here, text, form)
        if cell is None:
            return
        for statistic, printed in ((centre, cell.value), (low, cell.lower), (high, cell.upper), (spread, cell.inner)):
            if statistic:
                quantity = f"{variable}, {statistic}"
                self.value(key, f"{address}/{statistic}", printed, variable=variable, quantity=quantity, **common)
        self.in_order(key, here, cell)

    def in_order(self, key: str, here: str, cell: Cell) -> None:
        """Lower end, middle, upper end."""
        ends = [part for part in (cell.lower, cell.value, cell.upper) if part and _is_plain(part)]
        numbers = [float(part) for part in ends]
        if numbers == sorted(numbers):
            return
        fact = f"{here}: {cell.value or cell.lower} lies outside its range."
        if cell.lower and cell.upper and _is_plain(cell.lower) and _is_plain(cell.upper):
            if float(cell.lower) > float(cell.upper):
                fact = f"{here}: {cell.lower}–{cell.upper} has its larger limit first."
            else:
                fact = f"{here}: {cell.value} lies outside {cell.lower}–{cell.upper}."
        self.problems.add(key, "out-of-range", fact)

    # ---- text, figures, tests, trials

    def text(self, key: str, text: Text) -> None:
        address = f"text/{text.id}"
        if not self.address(f"{key}.id", address):
            return
        for name in ("when", "among", "rule", "reading"):
            self.condition(f"{key}.{name}", f"{address}: {name}", getattr(text, name))
        if text.rule and (text.n or text.percent):
            fact = f"{address}: rule excludes n and percent."
            self.problems.add(f"{key}.rule", "key-conflict", fact, "Write two [[text]] entries.")
        if not (text.rule or text.n or text.percent or text.of):
            self.problems.add(key, "key-missing", f"{address} needs n, percent or rule.")
        count = self.counted(f"{key}.n", f"{address}, n", text.n)
        of = self.counted(f"{key}.of", f"{address}, of", text.of)
        other = text.cohort == "other"
        self.no_more_than(f"{key}.n", address, count, of if of is not None or other else self.n)
        percent = self.printed_number(f"{key}.percent", f"{address}, percent", text.percent) if text.percent else ""
        if percent and not other and of is None and self.n is None:
            fact = f"{address}: a percentage without a denominator."
            self.problems.add(f"{key}.percent", "key-missing", fact, "Give of, or [cohort] n.")
        if percent and not other and not text.when and count is None:
            fact = f"{address}: a percentage of nothing that is counted."
            self.problems.add(f"{key}.percent", "key-missing", fact, "Give n or when.")
        common = {
            "where": text.where,
            "source": "text",
            "exhibit": "text",
            "variable": text.id,
            "when": text.when,
            "among": text.among,
            "of": fold_text(text.of),
            "other": other,
            "about": text.about,
        }
        if count is not None:
            self.value(f"{key}.n", f"{address}/n", fold_text(text.n), quantity=f"{text.id}, n", **common)
        self.value(f"{key}.percent", f"{address}/percent", percent, quantity=f"{text.id}, percent", **common)

    def survival(self, key: str, survival: Survival) -> None:
        address = survival.id
        if "/" in address:
            self.problems.add(f"{key}.id", "key-conflict", f"[[survival]] id '{address}' may not hold a slash.")
            return
        if not self.address(f"{key}.id", address):
            return
        for name in ("among", "first"):
            self.condition(f"{key}.{name}", f"{address}: {name}", getattr(survival, name))
        kind = self.named(f"{key}.group", f"{address}, group", survival.group) if survival.group else None
        for name in ("time", "event"):
            if getattr(survival, name):
                self.named(f"{key}.{name}", f"{address}, {name}", getattr(survival, name))
        self.confidence(f"{key}.level", address, survival.level)
        common = {
            "where": survival.where,
            "source": "survival",
            "variable": survival.group,
            "among": survival.among,
            "unit": survival.unit,
            "whole": survival.whole,
            "ci": survival.ci,
            "test": survival.test,
        }
        for place, row in enumerate(survival.cells):
            here = f"{key}.cells[{place}]"
            if len(row) != 2:
                fact = f"{address}: a row has {len(row)} texts, it needs 2: level, median (lower-upper)."
                self.problems.add(here, "key-type", fact)
                continue
            level = row[0]
            self.level(here, address, level, kind)
            cell = self.cell(here, f"{address}, {level}", row[1], "value (lower–upper)")
            if cell is None:
                continue
            self.in_order(here, f"{address}, {level}", cell)
            for statistic, text in (("median", cell.value), ("lower", cell.lower), ("upper", cell.upper)):
                quantity = f"{level}, {statistic}"
                self.value(here, f"{address}/{level}/{statistic}", text, level=level, quantity=quantity, **common)
            for statistic, texts in (("n", survival.n), ("events", survival.events)):
                if (
                    place < len(texts)
                    and self.counted(f"{key}.{statistic}", f"{address}, {level}", texts[place]) is not None
                ):
                    quantity, text = f"{level}, {statistic}", fold_text(texts[place])
                    whole = f"{address}/{level}/{statistic}"
                    self.value(f"{key}.{statistic}", whole, text, level=level, quantity=quantity, **common)
        for statistic, texts in (("n", survival.n), ("events", survival.events)):
            if texts and len(texts) != len(survival.cells):
                fact = f"{address}: {statistic} has {len(texts)} texts for {len(survival.cells)} groups."
                self.problems.add(f"{key}.{statistic}", "key-type", fact)
        if survival.p:
            p = self.printed_number(f"{key}.p", f"{address}, p", survival.p)
            self.value(f"{key}.p", f"{address}/p_value", p, quantity="groups, P", **common)

    def test(self, key: str, test: PrintedTest) -> None:
        address = f"test/{test.id}"
        if not self.address(f"{key}.id", address):
            return
        p = self.printed_number(f"{key}.p", address, test.p)
        common = {"where": test.where, "source": "test", "variable": test.id, "test": test.test, "other": True}
        self.value(f"{key}.p", f"{address}/p_value", p, quantity=f"{test.id}, P", **common)

    def trial(self, key: str, trial: Trial) -> None:
        address = f"trial/{trial.id}"
        if not self.address(f"{key}.id", address):
            return
        self.confidence(f"{key}.level", address, trial.level)
        common = {"where": trial.where, "source": "trial", "variable": trial.id, "unit": trial.unit, "other": True}
        if self.counted(f"{key}.n", address, trial.n) is not None:
            self.value(f"{key}.n", f"{address}/n", fold_text(trial.n), quantity=f"{trial.id}, n", **common)
        for name, statistic in (("hr", "hr"), ("p", "p_value")):
            text = self.printed_number(f"{key}.{name}", f"{address}, {name}", getattr(trial, name))
            self.value(f"{key}.{name}", f"{address}/{statistic}", text, quantity=f"{trial.id}, {name}", **common)
        if trial.ci:
            cell = self.cell(f"{key}.ci", f"{address}, ci", trial.ci, "range")
            if cell is not None:
                self.in_order(f"{key}.ci", f"trial {trial.id}", cell)
                for statistic, text in (("lower", cell.lower), ("upper", cell.upper)):
                    quantity = f"{trial.id}, {statistic}"
                    self.value(f"{key}.ci", f"{address}/{statistic}", text, quantity=quantity, **common)
        for name, statistic in (("median", "median"), ("arm_n", "n")):
            texts = getattr(trial, name)
            if not texts:
                continue
            if len(texts) != len(trial.arms):
                fact = f"{address}: {name} has {len(texts)} texts for {len(trial.arms)} arms."
                self.problems.add(f"{key}.{name}", "key-type", fact)
                continue
            for arm, text in zip(trial.arms, texts, strict=True):
                printed = self.printed_number(f"{key}.{name}", f"{address}, {arm}", text)
                quantity = f"{arm}, {statistic}"
                self.value(
                    f"{key}.{name}", f"{address}/{arm}/{statistic}", printed, level=arm, quantity=quantity, **common
                )

    def confidence(self, key: str, address: str, level: str | float) -> None:
        try:
            number = float(str(level).rstrip("% "))
        except ValueError:
            number = 0.0
        if not (0 < number < 1 or 1 < number < 100):
            self.problems.add(
                key, "out-of-range", f"{address}: {level} is no level of an interval.", "Write 95 or 0.95."
            )

    # ---- rules

    def rule(self, section: str, key: str, rule: Any) -> None:
        address = f"{section}/{rule.id}"
        if not self.address(f"{key}.id", address):
            return
        self.condition(f"{key}.rule", f"{address}: rule", rule.rule)
        if section == "identity":
            return
        for name in ("when", "among"):
            self.condition(f"{key}.{name}", f"{address}: {name}", getattr(rule, name))
        self.counted(f"{key}.n", address, rule.n)
        if bool(rule.rule) == bool(rule.n):
            self.problems.add(key, "key-conflict", f"{address} needs either rule or n.")

    def identity(self, key: str, identity: Identity) -> None:
        address = f"identity/{identity.id}"
        if bool(identity.rule) == bool(identity.sum):
            self.problems.add(key, "key-conflict", f"{address} needs either rule or sum.")
        if bool(identity.sum) != bool(identity.equals):
            self.problems.add(key, "key-conflict", f"{address}: sum and equals need each other.")
        by_id = {value.id: value for value in self.values}
        equals = [] if not identity.equals or _is_plain(identity.equals) else [identity.equals]
        for part in (*identity.sum, *equals):
            if part not in by_id:
                self.no_address(f"{key}.sum", address, part)
            elif not _is_plain(by_id[part].text):
                fact = f"{address}: {part} is '{by_id[part].text}', which cannot be added."
                self.problems.add(f"{key}.sum", "number-invalid", fact)

    def no_address(self, key: str, place: str, address: str) -> None:
        near = did_you_mean(address, self.addresses)
        self.problems.add(
            key, "expression-name", f"{place}: {address} is no id.", f"Did you mean {near}?" if near else ""
        )

    def read_repeats(self) -> tuple[Repeat, ...]:
        section = self.one("repeats", Repeats)
        found = []
        ids = {value.id for value in self.values}
        for place, (where, text, address) in enumerate(section.rows if section else ()):
            key = f"repeats.rows[{place}]"
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


def _is_plain(text: str) -> bool:
    whole, _, part = text.removeprefix("-").partition(".")
    return whole.isascii() and whole.isdigit() and (part.isdigit() or "." not in text)


def _decimal_point(text: str) -> str:
    """The first number of a text that has a comma for its decimal point, with a point."""
    words = text.replace("(", " ").replace(")", " ").split()
    return next((word.replace(",", ".") for word in words if _is_plain(word.replace(",", ".", 1)) and "," in word), "")
