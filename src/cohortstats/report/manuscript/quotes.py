"""Numbers that a text quotes as results: percentages, *P* values, estimates with limits, counts; English and Japanese.

What no sign or word marks as a result is left alone: years, citations, doses, versions, numbers of tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from cohortstats.report.manuscript import patterns
from cohortstats.report.manuscript.passages import Passage

__all__ = ["Quote", "Reading", "Written", "cell_quotes", "find_quotes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A number as it is written; a limit that is not reached has no value.

    Examples
    --------
    >>> Written.of("<0.001"), Written.of("1,264").value, Written.of("NR").value
    (Written(value=Fraction(1, 1000), decimals=3, bound='<'), Fraction(1264, 1), None)
    """

    value: Fraction | None
    decimals: int = 0
    bound: str = ""

    @classmethod
    def of(cls, text: str) -> Written:
        """Read the text of a number, with signs made even."""
        text = text.strip()
        if text.casefold() in patterns.SPELLED:
            return cls(value=Fraction(patterns.SPELLED[text.casefold()]))
        bound = text[0] if text[:1] in "<>≤≥" else ""
        digits = text.lstrip("<>≤≥= +").replace(",", "").replace(" ", "")
        if not re.fullmatch(r"-?(?:\d+\.?\d*|\.\d+)", digits):
            return cls(value=None)
        return cls(value=Fraction(digits), decimals=len(digits.partition(".")[2]), bound=bound)


Reading = Mapping[str, Written]
"""Role -> number: ``value``, ``low``, ``high``, ``n``, ``total``, ``sd``, ``count``, ``p``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One statement of a manuscript, such as ``9/34 (26.5%)``.

    Parameters
    ----------
    passage, start, end
        Where it stands.
    readings
        What it may mean: ``12 (3.5)`` is a count with its percentage or a mean with its standard deviation.
    kinds
        Kinds of results that it may be, such as ``p``; empty for all.
    """

    passage: Passage
    start: int
    end: int
    readings: tuple[Reading, ...]
    kinds: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """As it is written, with the bracket that closes one of its own."""
        even, end = self.passage.even, self.end
        open_brackets = even.count("(", self.start, end) - even.count(")", self.start, end)
        while open_brackets > 0 and even[end : end + 1] == ")":
            end, open_brackets = end + 1, open_brackets - 1
        return " ".join(self.passage.text[self.start : end].split())

    @property
    def where(self) -> str:
        """The place in the manuscript."""
        return self.passage.where(self.start)


class _Search:
    """Quotes of one passage: each sign is part of one of them at most."""

    def __init__(self, passage: Passage, even: str) -> None:
        self.passage = passage
        self.even = even
        self.found: list[Quote] = []

    def is_free(self, start: int, end: int) -> bool:
        return all(end <= quote.start or start >= quote.end for quote in self.found)

    def add(self, start: int, end: int, reading: Mapping[str, str | None], *kinds: str) -> None:
        numbers = {role: Written.of(text) for role, text in reading.items() if text is not None}
        quote = Quote(passage=self.passage, start=start, end=end, readings=(numbers,), kinds=frozenset(kinds))
        if self.is_free(start, end):
            self.found.append(quote)

    def matches(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Matches in text that no quote has taken."""
        position = 0
        while found := pattern.search(self.even, position):
            if self.is_free(*found.span()):
                yield found
                position = max(found.end(), found.start() + 1)
            else:
                position = found.start() + 1


def find_quotes(passage: Passage, even: str | None = None) -> list[Quote]:
    """Quotes of a passage in their order.

    Parameters
    ----------
    passage
        A paragraph or a cell.
    even
        Its even text with parts hidden, when there are such.

    Examples
    --------
    >>> from cohortstats.report.manuscript.passages import passage
    >>> text = "Nine of 34 patients (26.5%; 95% CI 14.6–43.1) in 2017 [12]; 3.6 mg/kg; P = 0.438"
    >>> [quote.text for quote in find_quotes(passage(text))]
    ['Nine of 34 patients (26.5%; 95% CI 14.6–43.1)', 'P = 0.438']
    >>> text = "34例中9例（26.5％）、P＝0.05、中央値56.5日（95％信頼区間36～NA）"
    >>> [quote.text for quote in find_quotes(passage(text))]
    ['34例中9例（26.5％）', 'P＝0.05', '56.5日（95％信頼区間36～NA）']
    """
    search = _Search(passage, passage.even if even is None else even)
    for step in (_p_values, _fractions, _intervals, _spreads, _limits, _keyword_values, _percents, _counts):
        step(search)
    return sorted(search.found, key=lambda quote: quote.start)


def _p_values(search: _Search) -> None:
    for found in search.matches(patterns.P):
        link, text = found["link"], found["p"]
        bound = found["bound"] or (link if link in "=<>≤≥" and link.strip() else "")
        if not bound and ("." not in text or Fraction(text.replace(",", "")) > 1):
            continue
        if bound in "<≤" and bound and _is_level_of_significance(search.even, found):
            continue
        end = found.end("p")
        if patterns.TIMES_TEN.match(search.even, found.end("p")):
            continue
        ranged = ("p of a range",) if found["p2"] or patterns.OF_MANY.search(search.even[: found.start()][-60:]) else ()
        search.add(found.start(), end, {"p": f"{bound}{text}"}, "p", *ranged)
        if found["p2"]:
            start = found.start("bound2") if found["bound2"] else found.start("p2")
            search.add(start, found.end("p2"), {"p": f"{found['bound2'] or ''}{found['p2']}"}, "p", *ranged)


def _is_level_of_significance(even: str, found: re.Match[str]) -> bool:
    """Whether a sentence says what was called significant."""
    sentence = even[max(0, found.start() - 60) : found.end() + 60]
    return bool(patterns.SIGNIFICANCE.search(sentence))


def _fractions(search: _Search) -> None:
    for pattern in (
        patterns.FRACTION_JA,
        patterns.FRACTION,
        patterns.PERCENT_OF,
        patterns.PERCENT_OF_JA,
        patterns.PERCENT_COUNT,
        patterns.COUNT_PERCENT,
    ):
        for found in search.matches(pattern):
            parts = {key: text for key, text in found.groupdict().items() if text is not None}
            if (
                "value" in parts
                and patterns.NOT_RESULT_AFTER.match(search.even, found.end("value"))
                and "low" not in parts
            ):
                continue
            n, total = (Written.of(parts[key]).value if key in parts else None for key in ("n", "total"))
            if n is not None and total is not None and not _is_fraction(search.even, found, n, total, "value" in parts):
                continue
            end = _end(search.even, found)
            search.add(
                found.start(),
                end,
                {role: parts.get(role) for role in ("n", "total", "value", "low", "high")},
                "percent" if "value" in parts else "fraction",
            )


def _is_fraction(even: str, found: re.Match[str], n: Fraction, total: Fraction, percent: bool) -> bool:
    if patterns.NOT_FRACTION.search(even, max(0, found.start() - 16), found.start()):
        return False
    if percent or n > total:
        return percent
    slash = "/" in found[0]
    return total >= 5 and not (slash and (total in patterns.YEAR or even[found.start() - 1 : found.start()] == "/"))


def _end(even: str, found: re.Match[str]) -> int:
    """End of a match without blanks, so that a quote ends with a sign."""
    end = found.end()
    while end > found.start() and even[end - 1].isspace():
        end -= 1
    return end


def _intervals(search: _Search) -> None:
    for found in search.matches(patterns.INTERVAL):
        name = "" if found["low"] else "2"
        low, high = found[f"low{name}"], found[f"high{name}"]
        what = found["what"] or found["what2"] or ""
        numbers = [found["value"], low, high]
        kinds = _kinds_before(search, found.start())
        marked = bool(what or found["unit"] or kinds) or any("." in text for text in numbers)
        years = all(text.isdigit() and int(text) in patterns.YEAR for text in (low, high))
        listed = not what and "," in search.even[found.end(f"low{name}") : found.start(f"high{name}")]
        if not marked or years or listed:
            continue
        # "95% CI 36–187" has limits and no estimate.
        if not found["low"] and patterns.LIMITS_ALONE.match(search.even, found.start("value")):
            continue
        search.add(found.start(), _end(search.even, found), {"value": found["value"], "low": low, "high": high}, *kinds)


def _kinds_before(search: _Search, start: int) -> tuple[str, ...]:
    """Kinds that the last words before a number name: a hazard ratio is no odds ratio."""
    before = search.even[max(0, start - 40) : start]
    before = re.split(r"[.;。；](?!\d)|\d", before)[-1]
    nearest = ("", -1)
    for pattern, kind in patterns.KEYWORDS:
        for word in re.finditer(pattern, before, re.IGNORECASE):
            if word.end() > nearest[1]:
                nearest = (kind, word.end())
    return (nearest[0],) if nearest[0] in ("hr", "ratio") else ("any",) if nearest[0] else ()


def _spreads(search: _Search) -> None:
    for found in search.matches(patterns.SPREAD_ABOUT):
        search.add(found.start(), found.end(), {"value": found["value"], "sd": found["sd"]})


def _limits(search: _Search) -> None:
    for found in search.matches(patterns.LIMITS_ALONE):
        search.add(found.start("low"), _end(search.even, found), {"low": found["low"], "high": found["high"]})


def _keyword_values(search: _Search) -> None:
    for found in search.matches(patterns.KEYWORD):
        kind = next(kind for pattern, kind in patterns.KEYWORDS if re.fullmatch(pattern, found["word"], re.IGNORECASE))
        if patterns.NOT_RESULT_AFTER.match(search.even, found.end("value")) or not found["between"]:
            continue
        kinds = {"hr": ("hr",), "ratio": ("ratio", "hr")}.get(kind, ())
        search.add(found.start("value"), _end(search.even, found), {"value": found["value"]}, *kinds)


def _percents(search: _Search) -> None:
    for found in search.matches(patterns.BARE_PERCENT):
        before = search.even[: found.start()][-40:]
        if patterns.NOT_RESULT_AFTER.match(search.even, found.end()) or patterns.NOT_RESULT_BEFORE.search(before):
            continue
        if patterns.RANGE_BEFORE.search(before):
            continue  # "15–20%" of something
        search.add(found.start(), found.end(), {"value": found["value"]}, "percent", "difference", "change")


def _counts(search: _Search) -> None:
    for found in search.matches(patterns.N_EQUALS):
        search.add(found.start(), found.end(), {"count": found["count"]}, "count")
    for found in search.matches(patterns.PATIENTS):
        text = found["count"] or found["count2"]
        start = found.start("count") if found["count"] else found.start("count2")
        if re.search(
            r"(?:per|every|[<>≥≤]|fewer than|less than|more than|at least|第)\s*$",
            search.even[:start][-16:],
            re.IGNORECASE,
        ):
            continue
        if int(text.replace(",", "")) in patterns.YEAR and "," not in text:
            continue
        search.add(start, _end(search.even, found), {"count": text}, "count")


# ---------------------------------------------------------------------------------------------------------------------
# Cells
# ---------------------------------------------------------------------------------------------------------------------


def cell_quotes(passage: Passage, head: str = "", even: str | None = None) -> tuple[list[Quote], bool]:
    """Quotes of a cell of a table, and whether the cell holds numbers without a word.

    Parameters
    ----------
    passage
        The cell.
    head
        Even text of the head of its column.
    even
        Even text of the cell with parts hidden.
    """
    text = passage.even if even is None else even
    stripped = text.strip()
    lead = len(text) - len(text.lstrip())

    def quote(readings: list[dict[str, str | None]], *kinds: str) -> list[Quote]:
        numbers = tuple({r: Written.of(t) for r, t in reading.items() if t is not None} for reading in readings)
        return [Quote(passage=passage, start=lead, end=lead + len(stripped), readings=numbers, kinds=frozenset(kinds))]

    if found := patterns.CELL_FRACTION.fullmatch(stripped):
        return quote([found.groupdict()]), True
    if found := patterns.CELL_PAIR.fullmatch(stripped):
        first, second = found["first"], found["second"]
        readings: list[dict[str, str | None]] = [{"n": first, "value": second}] if not found["share"] else []
        readings += [{"value": first, "n": second}] if not found["share2"] else []
        readings += [{"value": first, "sd": second}] if not found["share"] and not found["share2"] else []
        return quote(readings), True
    if found := patterns.CELL_SPREAD.fullmatch(stripped):
        return quote([found.groupdict()]), True
    if found := patterns.CELL_INTERVAL.fullmatch(stripped):
        return quote([found.groupdict()]), True
    if found := patterns.CELL_LIMITS.fullmatch(stripped):
        return quote([found.groupdict()]), True
    if found := patterns.CELL_LONE.fullmatch(stripped):
        if found["share"]:
            return quote([{"value": found["value"]}], "percent", "difference", "change"), True
        if patterns.P_HEAD.search(head) and Written.of(found["value"]).value is not None:
            ranged = ("p of a range",) if patterns.OF_MANY.search(head) else ()
            return quote([{"p": found["value"]}], "p", *ranged), True
        # Limits may have columns of their own.
        return quote([{role: found["value"]} for role in ("value", "low", "high", "sd")]), True
    pieces = list(re.finditer(rf"{patterns.BOUNDED}", stripped))
    if len(pieces) > 1 and re.fullmatch(rf"(?:\s*{patterns.BOUNDED}\s*[,;]?)+", stripped):
        return [
            Quote(
                passage=passage,
                start=lead + piece.start(),
                end=lead + piece.end(),
                readings=({"value": Written.of(piece[0])},),
            )
            for piece in pieces
        ], True
    return find_quotes(passage, text), False
