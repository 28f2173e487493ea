"""Reading printed tables: blocks of levels with counts, and summaries of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from cohortstats.errors import did_you_mean
from cohortstats.expressions import ColumnKind
from cohortstats.printed.cells import fold_text
from cohortstats.printed.notes import Notes
from cohortstats.printed.sections import Block, Table
from cohortstats.printed.values import PrintedBlock

__all__ = ["TableReading"]

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


class TableReading(Notes):
    """``[[table]]`` and its blocks."""

    def table(self, key: str, table: Table) -> None:
        if "/" in table.id or table.id in ("cohort", "text", "test", "trial", "identity", "derived", "assumed"):
            fact = f"[[table]] id '{table.id}' cannot begin an address."
            self.problems.add(f"{key}.id", "key-conflict", fact, "Use another id, such as table1.")
            return
        if not self.address(f"{key}.id", table.id):
            return
        n = self.counted(f"{key}.n", f"{table.id}, n", table.n)
        if n is not None:
            self.addresses.setdefault(f"{table.id}/n", f"{key}.n")
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
