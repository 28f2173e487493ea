"""Where a paper differs from itself, found from print alone.

Four rules, each on the printed strings of one file: a percentage that is not its count of its printed denominator; a
count of all patients that is not the size of the cohort; a count by one variable against that variable's printed
block; and an identity of two variables whose blocks print different counts. Longer chains need a solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from cohortstats.expressions import Values, parse_expression, resolve
from cohortstats.expressions.tree import Comparison, Name
from cohortstats.printed.cells import fold_text, half_up_text, rounds_to
from cohortstats.printed.sections import Identity, Text
from cohortstats.printed.values import Printed, PrintedBlock, PrintedValue, column_values

__all__ = ["Conflict", "conflicts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two printed statements that cannot both hold; neither is corrected.

    Parameters
    ----------
    id
        Address of the statement.
    where
        Places in the paper.
    quantity
        What is in conflict, in short.
    printed
        The printed texts of both sides.
    recomputed
        What one side makes of the other.
    note
        What a reader found out, from ``[known]``, or how the two sides exclude each other.
    line
        Line of the statement in the file.
    """

    id: str
    where: str
    quantity: str
    printed: tuple[str, str]
    recomputed: str
    note: str
    line: int


def conflicts(printed: Printed) -> tuple[Conflict, ...]:
    """Every conflict that the four rules find, in the order of the file.

    Examples
    --------
    >>> from cohortstats.printed import Printed
    >>> from cohortstats.shipped import shipped_study
    >>> [conflict.id for conflict in conflicts(Printed.read(shipped_study("sakai2018")))]
    ['text/evaluable/n', 'text/received_tdm1/n', 'text/reference35/percent', 'identity/one_receptor_status']
    """
    found: list[Conflict] = []
    for text in printed.texts:
        rules = (_percentage(printed, text), _everyone(printed, text), _against_block(printed, text))
        found.extend(conflict for conflict in rules if conflict is not None)
    for identity in printed.identities:
        found.extend(_identity(printed, identity))
    return tuple(found)


def _conflict(
    printed: Printed, address: str, where: str, quantity: str, sides: tuple[str, str], recomputed: str, fact: str
) -> Conflict:
    value = next((value for value in printed.values if value.id == address), None)
    line = value.line if value else printed.lines.get(_key_of(printed, address), 0)
    note = printed.known.get(address, fact)
    return Conflict(
        id=address, where=where, quantity=quantity, printed=sides, recomputed=recomputed, note=note, line=line
    )


def _key_of(printed: Printed, address: str) -> str:
    """Dotted key of an identity, which is a statement and no value."""
    name = address.partition("/")[2]
    places = [place for place, identity in enumerate(printed.identities) if identity.id == name]
    return f"identity[{places[0]}]" if places else ""


def _number(text: str) -> int | None:
    folded = fold_text(text)
    return int(folded) if folded.isascii() and folded.isdigit() else None


def _percentage(printed: Printed, text: Text) -> Conflict | None:
    """A percentage that is not its n of ``of``."""
    count, of = _number(text.n), _number(text.of)
    if not text.percent or text.about or count is None or not of:
        return None
    exact = Fraction(100 * count, of)
    if rounds_to(exact, text.percent) != "differs":
        return None
    digits = len(text.percent.partition(".")[2]) + 1
    shown = half_up_text(exact, digits)
    sides = (text.percent, f"{count} of {of}")
    fact = f"{count} of {of} is {shown} %"
    return _conflict(printed, f"text/{text.id}/percent", text.where, f"{text.id}, percent", sides, shown, fact)


def _everyone(printed: Printed, text: Text) -> Conflict | None:
    """A count without ``when`` other than the size of the cohort."""
    n = printed.n
    counts_all = not (text.when or text.among or text.rule or text.cohort == "other" or text.about)
    count = _number(text.n)
    if not counts_all or count is None or n is None or count == n:
        return None
    where = ", ".join(
        dict.fromkeys(place for place in (text.where, printed.cohort.where if printed.cohort else "") if place)
    )
    fact = f"all patients are {n}"
    return _conflict(printed, f"text/{text.id}/n", where, f"{text.id}, n", (text.n, str(n)), str(n), fact)


def _against_block(printed: Printed, text: Text) -> Conflict | None:
    """A count by one variable against that variable's printed block."""
    count = _number(text.n)
    if count is None or not text.when or text.cohort == "other" or text.about:
        return None
    expression = parse_expression(text.when)
    names = {resolve(name, printed.kinds) for name in expression.names}
    variable = next(iter(names)) if len(names) == 1 else None
    if variable is None:
        return None
    kind = printed.kinds[variable]
    if not kind.level_names:
        return None
    levels = kind.level_names
    result = expression.evaluate({variable: column_values(variable, kind, levels)}, len(levels))
    wanted = [level for level, yes in zip(levels, _certain(result), strict=True) if yes]
    for block, counts in _counts_of(printed, variable):
        if block.among != text.among or any(level not in counts for level in wanted):
            continue
        total = sum(counts[level] for level in wanted)
        if total == count:
            continue
        where = ", ".join(dict.fromkeys([text.where, block.where]))
        rest = [f"{level} {counts[level]}" for level in levels if level in counts]
        fact = f"{block.where or block.table} prints {', '.join(rest)}: {total}"
        sides = (text.n, str(total))
        return _conflict(printed, f"text/{text.id}/n", where, f"{text.id}, n", sides, str(total), fact)
    return None


def _certain(result: Values) -> list[bool]:
    return [bool(yes) for yes in np.asarray(result.data, dtype=bool) & ~result.missing]


def _counts_of(printed: Printed, variable: str) -> Iterator[tuple[PrintedBlock, Mapping[str, int]]]:
    """Blocks that print a variable, each as level -> patients; what a yes/no row leaves out is counted back."""
    for block in printed.blocks:
        if block.sums == "any":
            counts = {"yes": block.counts[variable]} if variable in block.counts else {}
        else:
            counts = dict(block.counts) if block.variable == variable else {}
        if not counts:
            continue
        all_patients = _number(block.of) or (None if block.among else _number(block.n) or printed.n)
        if printed.kinds[variable].kind == "yes/no" and len(counts) == 1 and all_patients is not None:
            ((level, count),) = counts.items()
            counts["no" if level == "yes" else "yes"] = all_patients - count
        yield block, counts


def _identity(printed: Printed, identity: Identity) -> Iterator[Conflict]:
    if identity.sum:
        yield from _sum(printed, identity)
        return
    tree = parse_expression(identity.rule).tree
    if not (isinstance(tree, Comparison) and tree.sign == "=="):
        return
    if not (isinstance(tree.left, Name) and isinstance(tree.right, Name)):
        return
    left, right = (resolve(side.name, printed.kinds) for side in (tree.left, tree.right))
    if left is None or right is None:
        return
    for block, counts in _counts_of(printed, left):
        for other, others in _counts_of(printed, right):
            levels = [level for level in counts if level in others]
            if block.among != other.among or all(counts[level] == others[level] for level in levels):
                continue
            # Both sides in the order in which they are printed.
            (first, second), (before, after) = (counts, others), (block, other)
            if other.line < block.line:
                (first, second), (before, after) = (others, counts), (other, block)
            sides = tuple("/".join(str(side[level]) for level in levels) for side in (first, second))
            places = ", ".join(dict.fromkeys(place for place in (before.where, after.where) if place))
            yield _conflict(
                printed,
                f"identity/{identity.id}",
                places,
                f"{left} = {right}",
                (sides[0], sides[1]),
                "equal counts",
                identity.why or f"{left} and {right} are the same for every patient",
            )
            return


def _sum(printed: Printed, identity: Identity) -> Iterator[Conflict]:
    """Printed numbers that must add up to another."""
    by_id: Mapping[str, PrintedValue] = {value.id: value for value in printed.values}
    parts = [by_id[address].text for address in identity.sum]
    equals = by_id[identity.equals].text if identity.equals in by_id else identity.equals
    total = sum((Fraction(part) for part in parts), Fraction(0))
    # Each printed part may be off by half a unit of its last digit.
    slack = sum((Fraction(1, 2 * 10 ** len(part.partition(".")[2])) for part in parts), Fraction(0))
    whole = all(
        "." not in part and by_id[address].statistic != "percent"
        for part, address in zip(parts, identity.sum, strict=True)
    )
    if abs(total - Fraction(equals)) > (0 if whole else slack):
        sides = (" + ".join(parts), equals)
        shown = half_up_text(total, max(len(part.partition(".")[2]) for part in parts))
        fact = identity.why or f"the sum is {shown}"
        yield _conflict(printed, f"identity/{identity.id}", "", "sum", sides, shown, fact)
