"""Printed percentages against their printed counts, their rounding, and the denominators that they betray."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cohortstats.printed import Printed, PrintedBlock, PrintedValue, rounds_to
from cohortstats.printed.cells import half_up_text
from cohortstats.printed.sections import Text
from cohortstats.published.audit.counts import PrintedCounts, whole_number
from cohortstats.published.audit.finding import Finding
from cohortstats.published.audit.string_sets import ValueSet, decimals, fits, number_of, printed_set, rounding_names

__all__ = ["Share", "check_percentages", "percentage_style", "shares_of"]

MOST_LISTED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A printed percentage with what it is a percentage of.

    Parameters
    ----------
    value
        The printed value.
    n, of
        Count and denominator; None where they are not printed.
    block
        Block of a table that it stands in, else empty.
    missing
        What is missing, where something is.
    """

    value: PrintedValue
    n: int | None
    of: int | None
    block: str = ""
    missing: str = ""

    @property
    def exact(self) -> Fraction | None:
        """The percentage without rounding."""
        return Fraction(100 * self.n, self.of) if self.n is not None and self.of else None


def shares_of(printed: Printed, counts: PrintedCounts) -> tuple[Share, ...]:
    """Every printed percentage, with its count and its denominator."""
    by_id = {value.id: value for value in printed.values}
    texts = {text.id: text for text in printed.texts}
    found = []
    for value in printed.values:
        if value.statistic != "percent":
            continue
        if value.source == "text":
            found.append(_of_text(value, texts[value.variable], counts))
            continue
        stem = value.id.removesuffix("percent")
        beside = by_id.get(f"{stem}n")
        n = whole_number(beside.text) if beside else None
        block = _block_of(printed.blocks, value)
        if value.outcome and value.variable != "all":
            total = by_id.get(f"{stem}total")
            of = whole_number(total.text) if total else None
        else:
            base = counts.denominator(block) if block else _head(printed, value, counts)
            of = base if isinstance(base, int) or base is None else base.n
        missing = "" if n is not None and of else "its count is not printed" if n is None else "no denominator"
        found.append(Share(value=value, n=n, of=of, block=block.id if block else "", missing=missing))
    return tuple(found)


def _block_of(blocks: Sequence[PrintedBlock], value: PrintedValue) -> PrintedBlock | None:
    for block in blocks:
        if block.table != value.exhibit:
            continue
        if block.variable == value.variable or (block.sums == "any" and value.variable in block.counts):
            return block
    return None


def _head(printed: Printed, value: PrintedValue, counts: PrintedCounts) -> int | None:
    """Patients of a whole table: the head of a block of it, else all."""
    heads = (whole_number(block.n) for block in printed.blocks if block.table == value.exhibit)
    return next((head for head in heads if head is not None), counts.n)


def _of_text(value: PrintedValue, text: Text, counts: PrintedCounts) -> Share:
    n, of = whole_number(text.n), whole_number(text.of)
    other = text.cohort == "other"
    if of is None and not other:
        base = counts.among(text.among)
        of = base.n if base else None
    if n is None and text.when and not other:
        found = [count.n for count in counts.counts(text.when, text.among)]
        fitting = [count for count in found if of and rounds_to(Fraction(100 * count, of), value.text) == "agrees"]
        n = next(iter([*fitting, *found]), None)
    missing = "no count is printed" if n is None else "" if of else "no denominator is printed"
    return Share(value=value, n=n, of=of, missing=missing)


def check_percentages(printed: Printed, shares: Iterable[Share]) -> Iterator[Finding]:
    """``percent``: 100 k/n against each string."""
    del printed
    for share in shares:
        value = share.value
        exact = share.exact
        if exact is None:
            yield _finding(share, "", "not checkable", share.missing or "nobody to take a percentage of")
            continue
        verdict, way = fits(exact, value.text)
        shown = half_up_text(exact, decimals(value.text) + (verdict == "cannot hold"))
        if verdict == "cannot hold" and value.about:
            yield _finding(share, shown, "not checkable", f"printed with ~; {share.n} of {share.of} is {shown}")
            continue
        note = way
        if verdict == "cannot hold" and number_of(value.text) is not None:
            note = _what_fits(share)
        yield _finding(share, shown, verdict, note)


def _finding(share: Share, recomputed: str, verdict: str, note: str) -> Finding:
    value = share.value
    return Finding(
        id=value.id,
        where=value.where,
        check="percent",
        printed=value.text,
        recomputed=recomputed,
        verdict=verdict,  # type: ignore[arg-type]  # one of fits, or not checkable
        note=note,
        quantity=value.quantity,
    )


def _what_fits(share: Share) -> str:
    """Every denominator that prints the string with this count, and every count with this denominator."""
    n, of, text = share.n, share.of, share.value.text
    assert n is not None and of  # the caller has an exact percentage
    printed = printed_set(text)
    assert printed is not None  # and a number
    most = max(4 * of, 200)
    digits = decimals(text) + 1
    denominators, counts = _denominators(n, printed, most), _counts(of, printed)
    parts = [f"{n} of {of} is {half_up_text(Fraction(100 * n, of), digits)}"]
    if n and denominators:
        shown = [f"{n}/{d} is {half_up_text(Fraction(100 * n, d), digits)}" for d in denominators[:MOST_LISTED]]
        more = f" and {len(denominators) - MOST_LISTED} more" if len(denominators) > MOST_LISTED else ""
        parts.append(", ".join(shown) + more)
    elif n:
        parts.append(f"no denominator up to {most} fits")
    if counts:
        parts.append(f"{_listed(counts)} of {of} would print {text}")
    else:
        parts.append(f"no count of {of} prints {text}")
    return "; ".join(parts)


def _denominators(n: int, printed: ValueSet, most: int) -> range:
    """Every denominator d up to ``most`` for which 100 n/d prints so: 100 n/high < d <= 100 n/low."""
    if printed.high <= 0 or (not n and 0 not in printed):
        return range(0)
    first = math.floor(Fraction(100 * n) / printed.high) + 1
    last = most if printed.low <= 0 else min(math.floor(Fraction(100 * n) / printed.low), most)
    return range(max(first, n, 1), last + 1)


def _counts(of: int, printed: ValueSet) -> range:
    """Every count k up to ``of`` for which 100 k/of prints so: low of/100 <= k < high of/100."""
    first, beyond = math.ceil(printed.low * of / 100), math.ceil(printed.high * of / 100)
    return range(max(first, 0), min(beyond, of + 1))


def _listed(some: range) -> str:
    """Whole numbers in words; of many the first and the last."""
    return " or ".join(map(str, some)) if len(some) <= 2 else f"{some[0]} to {some[-1]}"


def check_block_denominators(printed: Printed, shares: Iterable[Share]) -> Iterator[Finding]:
    """``denominator``: a percentage under another denominator than its neighbours."""
    blocks = {block.id: block for block in printed.blocks}
    together: dict[str, list[Share]] = {}
    for share in shares:
        if share.block and not share.value.outcome and share.exact is not None:
            together.setdefault(share.block, []).append(share)
    for address, members in together.items():
        of = members[0].of
        assert of  # the shares have exact percentages
        wrong = [share for share in members if rounds_to(share.exact or 0, share.value.text) == "differs"]
        common = _common_denominators(wrong, max(4 * of, 200))
        if wrong and not common:
            continue  # told by each percentage
        some = _listed(common) if wrong else str(of)
        note = ""
        if wrong:
            names = ", ".join(f"{share.value.variable} {share.value.level}".strip() for share in wrong)
            note = f"{len(wrong)} of {len(members)} percentages are of {some}, not of {of}: {names}"
        yield Finding(
            id=address,
            where=blocks[address].where,
            check="denominator",
            printed=str(of),
            recomputed=some,
            verdict="paper differs from itself" if wrong else "holds",
            note=note,
            quantity=_name(blocks[address]),
        )


def _name(block: PrintedBlock) -> str:
    return block.variable or "rows of their own"


def _common_denominators(wrong: Sequence[Share], most: int) -> range:
    """Denominators under which every one of some percentages would be right; a zero count tells of none."""
    ranges = []
    for share in wrong:
        printed = printed_set(share.value.text)
        if not share.n or printed is None:
            return range(0)
        ranges.append(_denominators(share.n, printed, most))
    return range(max(some.start for some in ranges), min(some.stop for some in ranges)) if ranges else range(0)


def check_percent_sums(printed: Printed, shares: Iterable[Share]) -> Iterator[Finding]:
    """``percent-sum``: levels of a complete block lie within half a unit a level of 100; a note only."""
    together: dict[str, list[PrintedValue]] = {}
    for share in shares:
        if share.block and not share.value.outcome:
            together.setdefault(share.block, []).append(share.value)
    for block in printed.blocks:
        values = together.get(block.id, [])
        numbers = [number_of(value.text) for value in values]
        known = [number for number in numbers if number is not None]
        if block.sums != "all" or len(known) < 2 or len(known) != len(block.declared.cells):
            continue
        digits = max(decimals(value.text) for value in values)
        slack = sum((Fraction(1, 2 * 10 ** decimals(value.text)) for value in values), Fraction(0))
        total = sum(known, Fraction(0))
        far = abs(total - 100) > slack
        shown = half_up_text(total, digits)
        yield Finding(
            id=block.id,
            where=block.where,
            check="percent-sum",
            printed=" + ".join(value.text for value in values),
            recomputed=shown,
            verdict="holds",
            note=f"the percentages sum to {shown}, farther from 100 than rounding can bring them" if far else "",
            quantity=block.variable,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How the percentages of a paper are rounded.

    Parameters
    ----------
    name
        ``half-up``, ``cut`` or ``half-even``; two of them where nothing decides, empty where none is checkable.
    tally
        Percentages that are half-up; that are not, but cut or half-even; neither; not checkable.
    exceptions
        Addresses that the style does not print.
    """

    name: str
    tally: dict[str, int]
    exceptions: tuple[str, ...]


def percentage_style(shares: Iterable[Share]) -> Style:
    """One style for a paper, by majority; what it does not print is listed."""
    ways: dict[str, tuple[str, ...]] = {}
    tally = Counter[str]()
    for share in shares:
        exact = share.exact
        if exact is None or number_of(share.value.text) is None:
            tally["not checkable"] += 1
            continue
        names = rounding_names(exact, share.value.text)
        ways[share.value.id] = names
        tally["half-up" if "half-up" in names else " or ".join(names) or "neither"] += 1
    votes = {name: sum(name in names for names in ways.values()) for name in ("half-up", "half-even", "cut")}
    most = max(votes.values(), default=0)
    best = [name for name, count in votes.items() if count == most and most]
    exceptions = tuple(sorted(address for address, names in ways.items() if not set(best) & set(names)))
    return Style(name=" or ".join(best), tally=dict(tally), exceptions=exceptions)


def check_style(style: Style) -> Iterator[Finding]:
    """``percent-style``: how the paper rounds, and what is rounded otherwise."""
    if not style.name and not style.tally:
        return
    checkable = any(count for name, count in style.tally.items() if name != "not checkable")
    yield Finding(
        id="paper/percent",
        where="",
        check="percent-style",
        printed=tally_words(style.tally),
        recomputed=style.name,
        verdict="holds" if checkable else "not checkable",
        note=f"otherwise: {', '.join(style.exceptions)}" if style.exceptions else "",
        quantity="percentages",
    )


def tally_words(tally: dict[str, int]) -> str:
    """Such as ``60 half-up, 3 cut, 1 neither``."""
    names = ("half-up", "cut", "half-even", "cut or half-even", "neither", "not checkable")
    return ", ".join(f"{tally[name]} {name}" for name in names if tally.get(name))
