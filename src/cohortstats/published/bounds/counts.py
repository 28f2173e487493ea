"""Ranges of counts, percentages, and of what is a function of one 2 x 2 table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from cohortstats.printed import PrintedValue
from cohortstats.published.bounds.ranges import Range, printed_range
from cohortstats.published.bounds.statistic import Statistic
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.evaluate import evaluate_value
from cohortstats.published.model.extremes import Counts, End, Question, extremes
from cohortstats.published.model.statements import weakest
from cohortstats.published.model.witness import witness_of
from cohortstats.stats.doors import number_text

__all__ = ["count_bounds", "count_range"]

Table = tuple[int, int, int, int]
"""Group with and without the outcome, the others with and without it."""


def count_bounds(question: Question, asked: Statistic) -> Range:
    """Range of a statistic that knows no times."""
    match asked.kind:
        case "count":
            return count_range(question, asked.text, asked.expressions[0], asked.among)
        case "percent":
            return _percent(question, asked.text, asked.expressions[0], asked.among)
        case "fisher" | "odds":
            return _table(question, asked)
    assert asked.value is not None
    return _value(question, asked, asked.value)


def count_range(question: Question, text: str, expression: str, among: str) -> Range:
    """Smallest and largest number of patients for whom an expression is yes."""

    def itself(counts: list[Counts]) -> dict[Counts, float]:
        return {one: float(one[0]) for one in counts}

    return _range(text, extremes(question, [(expression, among)], itself, text))


def _percent(question: Question, text: str, expression: str, among: str, fixed: int | None = None) -> Range:
    """100 x count / patients."""
    if fixed is not None:

        def of_fixed(counts: list[Counts]) -> dict[Counts, float]:
            return {one: float(Fraction(100 * one[0], fixed)) for one in counts} if fixed else {}

        return _range(text, extremes(question, [(expression, among)], of_fixed, text))

    def share(counts: list[Counts]) -> dict[Counts, float]:
        return {one: float(Fraction(100 * one[0], one[1])) for one in counts if one[1] and one[0] <= one[1]}

    return _range(text, extremes(question, [(expression, among), ("", among)], share, text))


def _range(text: str, ends: tuple[End, End]) -> Range:
    low, high = ends
    note = ""
    if not (low.proven and high.proven):
        found = " and ".join(
            f"best {number_text(end.value)}, bound {number_text(end.bound)}"
            if end.witness is not None
            else f"bound {number_text(end.bound)}"
            for end in ends
            if not end.proven
        )
        note = f"not proven: {found}. Raise --time-limit."
    return Range(
        statistic=text,
        min=low.value,
        max=high.value,
        proven=low.proven and high.proven,
        tier=weakest(end.tier for end in ends),
        witness_min=low.witness,
        witness_max=high.witness,
        note=note,
    )


# ---- tables


def _table(question: Question, asked: Statistic) -> Range:
    """P of Fisher's test, or the odds ratio, over every table that can be."""
    group, outcome = (f"({one})" for one in asked.expressions)
    known = f"({group} or not {group}) and ({outcome} or not {outcome})"
    # All patients of the table, those in the group, those with the outcome, and those with both.
    counted = (known, f"{group} and {known}", f"{outcome} and {known}", f"{group} and {outcome}")

    def values(counts: list[Counts]) -> dict[Counts, float]:
        tables = {}
        for one in counts:
            total, in_group, with_outcome, both = one
            table = (both, in_group - both, with_outcome - both, total - in_group - with_outcome + both)
            if min(table) >= 0:
                tables[one] = table
        found = _values(asked.kind, list(tables.values()))
        return {one: found[table] for one, table in tables.items()}

    return _range(asked.text, extremes(question, [(one, asked.among) for one in counted], values, asked.text))


def _values(kind: str, tables: Sequence[Table]) -> dict[Table, float]:
    from cohortstats.stats.counts import CountTable
    from cohortstats.stats.exact import fisher_exact
    from cohortstats.stats.hypergeometric import Margins

    found: dict[Table, float] = {}
    if kind == "odds":
        for a, b, c, d in tables:
            empty = not a + b or not c + d
            margins = None if empty else Margins(n1=a + b, n2=c + d, k=a + c)
            found[a, b, c, d] = math.nan if margins is None else margins.conditional_odds_ratio(a)
        return found
    families: dict[tuple[int, int, int], list[Table]] = {}
    for a, b, c, d in tables:
        families.setdefault((a + b, c + d, a + c), []).append((a, b, c, d))
    for (n1, n2, k), members in families.items():
        if not n1 or not n2:
            found |= dict.fromkeys(members, math.nan)
            continue
        if len(members) == 1:
            a = members[0][0]
            counts = CountTable(groups=("group", "others"), events=(a, k - a), totals=(n1, n2))
            found[members[0]] = fisher_exact(counts).p_value
            continue
        margins = Margins(n1=n1, n2=n2, k=k)
        weights = margins.integer_weights()
        total = math.comb(n1 + n2, k)
        for member in members:
            here = weights[member[0] - margins.low]
            found[member] = float(Fraction(sum(one for one in weights if one <= here), total))
    return found


# ---- printed values


def _value(question: Question, asked: Statistic, value: PrintedValue) -> Range:
    """A printed value: where it holds, its range is itself."""
    model = question.model
    printed = model.printed
    if value.id == "cohort/n":
        return Range(statistic=asked.text, min=model.n, max=model.n, proven=True)
    if value.statistic in ("n", "total", "percent"):
        condition, base, denominator = _counted(model, value)
        if value.statistic != "percent":
            return count_range(question, asked.text, condition, base)
        return _percent(question, asked.text, condition, base, denominator)
    unit = f"{value.exhibit}/{value.variable}"
    if value.statistic == "p_value" and unit in {one.address for one in model.units}:
        # Its counts are printed with it, so every cohort gives the same P.
        witness = witness_of(model, [])
        assert witness is not None
        computed, _ = evaluate_value(printed, value, witness.cells)
        if computed is not None:
            return Range(
                statistic=asked.text,
                min=float(computed),
                max=float(computed),
                proven=True,
                witness_min=witness,
                witness_max=witness,
            )
    return printed_range(asked)


def _counted(model: CohortModel, value: PrintedValue) -> tuple[str, str, int | None]:
    """Expression of a printed count, among whom a percentage is taken, and its printed denominator."""
    parts = [value.when] if value.when else []
    base = [value.among] if value.among else []
    if value.source == "table" and value.variable != "all":
        parts.append(_at_level(model, value))
    if value.outcome and value.statistic != "total":
        if value.statistic == "percent":
            base += parts
            parts = []
        parts.append(f"`{value.outcome}`")
    denominator = int(value.of) if value.of and value.of.isdigit() else None
    return _all_of(parts), _all_of(base), denominator


def _at_level(model: CohortModel, value: PrintedValue) -> str:
    if model.printed.column_kind(value.variable).kind == "yes/no":
        return f"`{value.variable}`" if value.level == "yes" else f"not `{value.variable}`"
    quoted = value.level.replace("\\", "\\\\").replace("'", "\\'")
    return f"`{value.variable}` == '{quoted}'"


def _all_of(parts: Sequence[str]) -> str:
    return " and ".join(f"({part})" for part in parts) if len(parts) != 1 else parts[0]
