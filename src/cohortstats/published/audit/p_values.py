"""Printed P values of printed tables: under the declared test, else under those that would print the string."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cohortstats.printed import Printed, fold_text, rounds_to
from cohortstats.published.audit.counts import whole_number
from cohortstats.published.audit.finding import Finding, Verdict
from cohortstats.published.audit.string_sets import fits, number_of, shown
from cohortstats.published.audit.two_by_two import (
    ORDER,
    least_attainable,
    p_of_matrix,
    p_of_two_groups,
    test_name,
)

__all__ = ["PrintedP", "check_p_values", "p_words", "printed_p_values"]

ALPHA = Fraction(1, 20)
MOST_DENOMINATOR = 1000
POSSESSIVE = {
    "fisher": "Fisher's",
    "mid-p": "mid-p",
    "boschloo": "Boschloo's",
    "barnard": "Barnard's",
    "pearson": "Pearson's",
    "n-1": "N - 1's",
    "yates": "Yates's",
    "log-likelihood": "log-likelihood's",
    "one-sided fisher": "one-sided Fisher's",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedP:
    """A printed P value with the table that it is of.

    Parameters
    ----------
    id, where, quantity, text
        Of the printed value.
    test
        Test in words of the paper; empty when it says none.
    rows
        Each group as patients with the outcome and in all; or, with ``matrix``, rows of counts.
    matrix
        Whether ``rows`` are rows of an r by c table.
    missing
        What is missing where there is no table.
    """

    id: str
    where: str
    quantity: str
    text: str
    test: str
    rows: tuple[tuple[int, ...], ...] = ()
    matrix: bool = False
    missing: str = ""


def printed_p_values(printed: Printed) -> tuple[PrintedP, ...]:
    """Every printed P value but those of trials with an interval, which are held against it."""
    values = {value.id: value for value in printed.values if value.statistic == "p_value"}
    found = []
    for block in printed.blocks:
        value = values.get(f"{block.table}/{block.variable}/p_value") if block.variable else None
        if value is None:
            continue
        levels = [level for level in block.counts if level in block.outcomes]
        rows: tuple[tuple[int, ...], ...] = tuple((block.outcomes[level], block.counts[level]) for level in levels)
        missing = ""
        if not block.outcome:
            missing = "its table is not printed"
        elif len(rows) < max(len(block.declared.cells), 2):
            missing = "not every row is typed" if len(rows) < len(block.declared.cells) else "it has one group"
        found.append(
            PrintedP(
                id=value.id,
                where=value.where,
                quantity=value.quantity,
                text=value.text,
                test=block.test,
                rows=rows,
                missing=missing,
            )
        )
    for test in printed.tests:
        value = values.get(f"test/{test.id}/p_value")
        if value is None:
            continue
        numbers = [[whole_number(str(cell)) for cell in row] for row in test.table]
        rows = tuple(tuple(cell for cell in row if cell is not None) for row in numbers)
        complete = bool(rows) and all(len(row) == len(cells) for row, cells in zip(rows, test.table, strict=True))
        found.append(
            PrintedP(
                id=value.id,
                where=value.where,
                quantity=value.quantity,
                text=value.text,
                test=test.test,
                rows=rows if complete else (),
                matrix=not is_two_groups(rows),
                missing="" if complete else "its table is not printed",
            )
        )
    for survival in printed.survivals:
        value = values.get(f"{survival.id}/p_value")
        if value is not None:
            found.append(_open(value.id, value.where, value.quantity, value.text, survival.test, "needs times"))
    for trial in printed.trials:
        value = values.get(f"trial/{trial.id}/p_value")
        if value is not None and not (trial.ci or trial.median):
            missing = "no coordinates of those curves" if trial.cross else "needs times"
            found.append(_open(value.id, value.where, value.quantity, value.text, trial.test, missing))
    return tuple(found)


def _open(id: str, where: str, quantity: str, text: str, test: str, missing: str) -> PrintedP:
    return PrintedP(id=id, where=where, quantity=quantity, text=text, test=test, missing=missing)


def is_two_groups(rows: Sequence[Sequence[int]]) -> bool:
    """Whether a typed table is ``[[a, n1], [b, n2]]``; every other one is rows of counts."""
    return len(rows) == 2 and all(len(row) == 2 for row in rows)


@dataclass(slots=True)
class PTally:
    """What the P values of a paper are, for its last line."""

    names: Counter[str]
    missing: Counter[str]
    neither: int = 0

    def sentence(self) -> str:
        """Such as ``9 P: 8 are Fisher's, 1 needs times.``"""
        total = self.names.total() + self.missing.total() + self.neither
        if not total:
            return ""
        parts = [f"{count} {_are(count)} {name}" for name, count in self.names.items()]
        if self.neither:
            parts.append(f"{self.neither} {_are(self.neither)} of no test that we know")
        parts += [f"{count} {p_words(count, missing)}" for missing, count in self.missing.items()]
        return f"{total} P: {', '.join(parts)}."


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def p_words(count: int, missing: str) -> str:
    """What is missing, in words that follow a number."""
    if missing == "needs times":
        return missing if count == 1 else "need times"
    return f"{_are(count)} not checkable ({missing})"


def check_p_values(values: Sequence[PrintedP]) -> tuple[tuple[Finding, ...], PTally]:
    """``p`` and ``p-attainable``, and what the P values are."""
    found: list[Finding] = []
    tally = PTally(names=Counter(), missing=Counter())
    for value in values:
        if value.missing:
            tally.missing[value.missing] += 1
            found.append(_finding(value, "", "not checkable", value.missing))
            continue
        finding, name = _one(value)
        found.append(finding)
        if name:
            tally.names[POSSESSIVE[name]] += 1
        elif finding.verdict == "not checkable":
            tally.missing[finding.note] += 1
        else:
            tally.neither += 1
        found.extend(_attainable(value))
    return tuple(found), tally


def _finding(value: PrintedP, recomputed: str, verdict: Verdict, note: str) -> Finding:
    return Finding(
        id=value.id,
        where=value.where,
        check="p",
        printed=value.text,
        recomputed=recomputed,
        verdict=verdict,
        note=note,
        quantity=value.quantity,
    )


def _p(value: PrintedP, test: str) -> Fraction | float:
    """P of a table under a test; nan where there is none."""
    if len(value.rows) == 2 and not value.matrix:
        (a, n1), (b, n2) = value.rows
        if not n1 or not n2:
            return math.nan
        return p_of_two_groups(((a, n1), (b, n2)), test)
    rows = value.rows if value.matrix else tuple((x, n - x) for x, n in value.rows)
    return p_of_matrix(rows, test)


def _one(value: PrintedP) -> tuple[Finding, str]:
    """The finding, and the test that prints the string."""
    declared = test_name(value.test) if value.test else ""
    if value.test and not declared:
        return _finding(value, "", "not checkable", f"'{value.test}' is no test of a table of counts"), ""
    if declared:
        p = _p(value, declared)
        if _is_nan(p):
            return _finding(value, "", "not checkable", f"{declared} gives no P for this table"), ""
        verdict, way = fits(p, value.text)
        if verdict != "cannot hold":
            return _finding(value, shown(p), verdict, way), declared
        hits = _hits(value, but=declared)
        note = f"{declared} gives {shown(p)}; "
        note += f"{' and '.join(hits)} would print {value.text}" if hits else f"no test of it prints {value.text}"
        return _finding(value, shown(p), "cannot hold", note), ""
    hits = _hits(value)
    fisher = _p(value, "fisher")
    if hits:
        p = _p(value, hits[0])
        return _finding(value, shown(p), "holds", f"no test is named; {' and '.join(hits)} would print it"), hits[0]
    if _is_nan(fisher):
        return _finding(value, "", "not checkable", "no test is named"), ""
    verdict, way = fits(fisher, value.text)
    if verdict == "last digit":
        return _finding(value, shown(fisher), verdict, f"no test is named; fisher, {way}"), "fisher"
    note = f"no test is named, and none that we know prints {value.text}; fisher gives {shown(fisher)}"
    return _finding(value, shown(fisher), "doubtful", note), ""


def _hits(value: PrintedP, but: str = "") -> list[str]:
    """Tests that print the string, in the order in which they are tried."""
    found = []
    for test in ORDER:
        if test != but:
            p = _p(value, test)
            if not _is_nan(p) and rounds_to(p, value.text) == "agrees":
                found.append(test)
    return found


def _is_nan(p: Fraction | float) -> bool:
    return isinstance(p, float) and math.isnan(p)


def _attainable(value: PrintedP) -> Iterator[Finding]:
    """The smallest P that these margins allow; at or above 0.05 no data could have been below it."""
    if len(value.rows) != 2 or value.matrix:
        return
    (a, n1), (b, n2) = value.rows
    if not n1 or not n2:
        return
    least = least_attainable(((a, n1), (b, n2)))
    never = least >= ALPHA
    yield Finding(
        id=value.id,
        where=value.where,
        check="p-attainable",
        printed=value.text,
        recomputed=f"{least.numerator}/{least.denominator}"
        if isinstance(least, Fraction) and least.denominator <= MOST_DENOMINATOR
        else shown(least),
        verdict="holds",
        note="could not have reached P < 0.05" if never else "",
        quantity=value.quantity,
        remark=never,
    )


def check_p_range(printed: Printed) -> Iterator[Finding]:
    """``range`` of a P value: above 0, and not above 1."""
    for value in printed.values:
        if value.statistic != "p_value":
            continue
        number = number_of(value.text)
        bare = fold_text(value.text).lstrip("<>≤≥ ")
        bound = number_of(bare)
        verdict: Verdict = "holds"
        note = ""
        if bound is None:
            continue
        digits = len(bare.partition(".")[2])
        if number is not None and number <= 0:
            least = f"<0.{'0' * (digits - 1)}1" if digits else "a bound such as <0.001"
            verdict, note = "cannot hold", f"no P is 0; {least} is meant"
        elif bound > 1 or (number is None and bound <= 0):
            verdict, note = "cannot hold", "a P value is above 0 and at most 1"
        yield Finding(
            id=value.id,
            where=value.where,
            check="range",
            printed=value.text,
            recomputed="0 < P <= 1",
            verdict=verdict,
            note=note,
            quantity=value.quantity,
        )
