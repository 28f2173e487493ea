"""What each statement of a file counts, to which tier it belongs, and what is given up with it.

The unit of removal is a block of a table (a complete block cannot be half right), the line of all patients of a table,
a statement in running text, a survival block, an identity or a rule.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from cohortstats.errors import InputError, did_you_mean
from cohortstats.printed import Printed, PrintedBlock, PrintedValue, fold_text
from cohortstats.published.model.regions import Cut

__all__ = ["TIERS", "Statement", "Tier", "Unit", "number_cuts", "printed_ends", "unit_of", "units_of", "weakest"]

Tier = Literal["published", "derived", "identity", "assumed"]
TIERS: tuple[Tier, ...] = ("published", "derived", "identity", "assumed")
"""From the strongest to the weakest; nothing is called wrong because of an assumption."""

Kind = Literal["count", "rule", "percent", "order"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One equation, range or rule of a unit.

    Parameters
    ----------
    id
        Address of the printed value, or of the rule.
    kind
        ``count``: so many patients. ``percent``: a printed share without its count. ``rule``: no patient breaks it.
        ``order``: an order statistic of a number.
    when, among
        Expressions; those counted, and among whom.
    variable, level, outcome
        For a row of a table: at which level of what, and with which outcome.
    n
        The count.
    text
        The printed string of a percentage or an order statistic.
    of
        Printed denominator of a percentage.
    statistic
        For an order statistic: median, min, max, lower or upper.
    group
        Rows between which a patient can only move, such as the levels of one block; used to count repairs.
    """

    id: str
    kind: Kind
    when: str = ""
    among: str = ""
    variable: str = ""
    level: str = ""
    outcome: str = ""
    n: int = 0
    text: str = ""
    of: int | None = None
    statistic: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What is given up as a whole.

    Parameters
    ----------
    address
        ``table1/stage``, ``table4/all``, ``text/x``, ``figure1``, ``identity/x``, ``derived/x`` or ``assumed/x``.
    tier
        ``published``, ``derived``, ``identity`` or ``assumed``.
    statements
        What it says.
    where
        Place in the paper.
    line
        Line of the file.
    reading
        Statements that stand in for it when it is given up, tier ``derived``.
    """

    address: str
    tier: Tier
    statements: tuple[Statement, ...]
    where: str = ""
    line: int = 0
    reading: tuple[Statement, ...] = ()


def weakest(tiers: Iterable[str]) -> str:
    """The weakest of several tiers, in the order published, derived, identity, assumed.

    Examples
    --------
    >>> weakest(["derived", "published"])
    'derived'
    """
    return max(tiers, key=lambda tier: TIERS.index(tier), default="published")


def units_of(printed: Printed) -> tuple[Unit, ...]:
    """Every unit that says something about the patients of this cohort, in the order of the file.

    Examples
    --------
    >>> from cohortstats.shipped import shipped_study
    >>> [unit.address for unit in units_of(Printed.read(shipped_study("sakai2018")))][:3]
    ['table1/age', 'table1/stage', 'table1/pathology']
    """
    found = [*_blocks(printed), *_all_lines(printed), *_texts(printed), *_survivals(printed), *_rules(printed)]
    return tuple(sorted(found, key=lambda unit: unit.line))


def unit_of(address: str, printed: Printed) -> str:
    """The unit that an address belongs to: ``text/evaluable/n`` is ``text/evaluable``.

    Raises
    ------
    InputError
        When no unit has this address, with the nearest spelling.

    Examples
    --------
    >>> from cohortstats.shipped import shipped_study
    >>> unit_of("table4/hr_positive/yes/total", Printed.read(shipped_study("sakai2018")))
    'table4/hr_positive'
    """
    units = units_of(printed)
    for unit in units:
        if address == unit.address or any(statement.id == address for statement in unit.statements):
            return unit.address
    inside = [unit.address for unit in units if address.startswith(f"{unit.address}/")]
    if inside:
        return max(inside, key=len)
    others = [f"text/{text.id}" for text in printed.texts] + [f"identity/{one.id}" for one in printed.identities]
    for other in others:
        if address == other or address.startswith(f"{other}/"):
            return other
    near = did_you_mean(address, [*(unit.address for unit in units), *printed.addresses])
    raise InputError(f"{address} is no statement that can be given up.{f' Did you mean {near}?' if near else ''}")


def _number(text: str) -> int | None:
    folded = fold_text(text)
    return int(folded) if folded.isascii() and folded.isdigit() else None


def _blocks(printed: Printed) -> Iterator[Unit]:
    orders: dict[tuple[str, str], list[PrintedValue]] = {}
    for value in printed.values:
        if value.source == "table" and value.statistic in ORDER_STATISTICS:
            orders.setdefault((value.exhibit, value.variable), []).append(value)
    for block in printed.blocks:
        statements = list(_rows(block))
        statements += [
            Statement(
                id=value.id,
                kind="order",
                among=block.among,
                variable=block.variable,
                statistic=value.statistic,
                text=fold_text(value.text),
                group=block.id,
            )
            for value in orders.get((block.table, block.variable), [])
            if re.fullmatch(r"[+-]?\d+(\.\d+)?", fold_text(value.text))
        ]
        if statements:
            yield Unit(
                address=block.id, tier="published", statements=tuple(statements), where=block.where, line=block.line
            )


ORDER_STATISTICS = ("median", "min", "max", "lower", "upper")


def _rows(block: PrintedBlock) -> Iterator[Statement]:
    for key, count in block.counts.items():
        variable, level = (block.variable, key) if block.variable else (key, "yes")
        here = f"{block.table}/{variable}/{level}"
        common = {"kind": "count", "among": block.among, "variable": variable, "level": level}
        group = f"{block.id}/{'total' if block.outcome else 'n'}{'' if block.variable else f'/{key}'}"
        name = "total" if block.outcome else "n"
        yield Statement(id=f"{here}/{name}", n=count, group=group, **common)  # type: ignore[arg-type]
        if block.outcome and key in block.outcomes:
            n = block.outcomes[key]
            group = f"{block.id}/outcome"
            yield Statement(id=f"{here}/n", n=n, outcome=block.outcome, group=group, **common)  # type: ignore[arg-type]
    typed = len(block.counts) == len(block.declared.cells)
    if block.sums == "all" and block.counts and typed:
        total = sum(block.counts.values())
        group = f"{block.id}/all"
        yield Statement(id=block.id, kind="count", when=block.among, n=total, group=group)


def _all_lines(printed: Printed) -> Iterator[Unit]:
    for value in printed.values:
        if value.source == "table" and value.variable == "all" and value.statistic == "n":
            count = _number(value.text)
            if count is not None and value.outcome:
                statement = Statement(id=value.id, kind="count", when=f"`{value.outcome}`", n=count, group=value.id)
                address = value.id.removesuffix("/n")
                yield Unit(
                    address=address, tier="published", statements=(statement,), where=value.where, line=value.line
                )


def _texts(printed: Printed) -> Iterator[Unit]:
    for place, text in enumerate(printed.texts):
        if text.cohort == "other":
            continue
        address = f"text/{text.id}"
        statements: list[Statement] = []
        reading: list[Statement] = []
        count, of = _number(text.n), _number(text.of)
        if text.rule:
            statements.append(Statement(id=address, kind="rule", when=text.rule))
        if count is not None and not text.about:
            common = {"kind": "count", "n": count, "group": address}
            statements.append(
                Statement(id=f"{address}/n", when=text.when, among=text.among, **common)  # type: ignore[arg-type]
            )
            if text.reading:
                reading.append(
                    Statement(id=f"{address}/n", when=text.reading, among=text.among, **common)  # type: ignore[arg-type]
                )
        if of is not None and text.among:
            statements.append(Statement(id=f"{address}/of", kind="count", when=text.among, n=of, group=f"{address}/of"))
        if text.percent and count is None and text.when and not text.about:
            statements.append(
                Statement(
                    id=f"{address}/percent",
                    kind="percent",
                    when=text.when,
                    among=text.among,
                    text=fold_text(text.percent),
                    of=of,
                )
            )
        if statements:
            yield Unit(
                address=address,
                tier="published",
                statements=tuple(statements),
                where=text.where,
                line=printed.lines.get(f"text[{place}]", 0),
                reading=tuple(reading),
            )


def _survivals(printed: Printed) -> Iterator[Unit]:
    for place, survival in enumerate(printed.survivals):
        statements: list[Statement] = []
        for statistic, texts in (("n", survival.n), ("events", survival.events)):
            for row, text in zip(survival.cells, texts, strict=False):
                count = _number(text)
                if count is None or not survival.group or (statistic == "events" and not survival.event):
                    continue
                statements.append(
                    Statement(
                        id=f"{survival.id}/{row[0]}/{statistic}",
                        kind="count",
                        among=survival.among,
                        variable=survival.group,
                        level=row[0],
                        outcome=survival.event if statistic == "events" else "",
                        n=count,
                        group=f"{survival.id}/{statistic}",
                    )
                )
        if survival.first and survival.event:
            inside = f"not ({survival.among}) or " if survival.among else ""
            rule = f"{inside}not ({survival.first}) or `{survival.event}`"
            statements.append(Statement(id=survival.id, kind="rule", when=rule))
        if statements:
            yield Unit(
                address=survival.id,
                tier="published",
                statements=tuple(statements),
                where=survival.where,
                line=printed.lines.get(f"survival[{place}]", 0),
            )


def _rules(printed: Printed) -> Iterator[Unit]:
    tiers: tuple[tuple[Tier, Sequence[object]], ...] = (
        ("identity", printed.identities),
        ("derived", printed.derived),
        ("assumed", printed.assumed),
    )
    for tier, rules in tiers:
        for place, rule in enumerate(rules):
            address = f"{tier}/{rule.id}"  # type: ignore[attr-defined]
            line = printed.lines.get(f"{tier}[{place}]", 0)
            if rule.rule:  # type: ignore[attr-defined]
                statement = Statement(id=address, kind="rule", when=rule.rule)  # type: ignore[attr-defined]
            elif tier != "identity" and (count := _number(rule.n)) is not None:  # type: ignore[attr-defined]
                when, among = rule.when, rule.among  # type: ignore[attr-defined]
                statement = Statement(id=address, kind="count", when=when, among=among, n=count, group=address)
            else:
                continue
            yield Unit(address=address, tier=tier, statements=(statement,), line=line)


def printed_ends(text: str) -> tuple[Fraction, Fraction]:
    """Ends of the values that print as a string, rounded half-up: ``[s - u, s + u)``.

    Examples
    --------
    >>> printed_ends("62")
    (Fraction(123, 2), Fraction(125, 2))
    """
    value = Fraction(Decimal(text))
    half = Fraction(1, 2 * 10 ** len(text.partition(".")[2]))
    return value - half, value + half


def number_cuts(units: Iterable[Unit]) -> Mapping[str, frozenset[Cut]]:
    """Where printed medians and ranges cut a numeric column."""
    cuts: dict[str, set[Cut]] = {}
    for unit in units:
        for statement in unit.statements:
            if statement.kind == "order":
                low, high = printed_ends(statement.text)
                some = cuts.setdefault(statement.variable, set())
                some.update({(low, 0), (high, 0)})
                if statement.statistic == "median":
                    centre = (low + high) / 2
                    some.update({(Fraction(math.floor(centre)), 0), (Fraction(math.ceil(centre)), 1)})
    return {name: frozenset(some) for name, some in cuts.items()}
