"""What a column may be, with the evidence. Only ``init`` guesses, and a person reads what it wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cohortstats.files.dates import DateRules, parse_date
from cohortstats.files.folding import fold
from cohortstats.files.numbers import NumberRules, parse_number
from cohortstats.files.table import Fault

__all__ = ["MISSING_WORDS", "Guess", "guess_column"]

MISSING_WORDS = ("NA", "NE", "ND", "-", ".", "9999", "不明", "未検", "なし")
RESPONSES = ("CR", "PR", "SD", "PD")
_YES = frozenset({"yes", "y", "+", "(+)", "positive", "pos", "true", "1", "陽性", "○", "あり", "有", "はい"})
_YES |= {"dead", "deceased", "死亡"}
_NO = frozenset({"no", "n", "-", "(-)", "negative", "neg", "false", "0", "陰性", "×", "なし", "無", "いいえ"})
_NO |= {"alive", "living", "生存"}
_SHARE = 0.95
_MANY = 8
_TOO_MANY = 20
_YEAR_LAST = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.][0-9]{4}(?: .*)?")
_SERIALS = range(20_000, 60_000)  # 1954 to 2064


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A proposal for one column.

    Parameters
    ----------
    type
        number, date, yes/no, ordered, category or text.
    yes, no, order, date_order
        As in the study file.
    missing
        Words that look like codes for missing.
    evidence
        What was seen, in a few words.
    questions
        What a person has to decide.
    """

    type: str
    evidence: str
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    date_order: str = ""
    missing: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


def guess_column(cells: Sequence[str], rows: Sequence[int], epoch: int = 0) -> Guess:
    """Propose a type from the cells of a column.

    Parameters
    ----------
    cells, rows
        Text as read, and the row numbers for the questions.
    epoch
        First year of the day count of the workbook; 0 for a text file.

    Examples
    --------
    >>> guess_column(["62", "71", "不明"], [2, 3, 4]).type
    'number'
    >>> guess = guess_column(["陽性", "-", "+"], [2, 3, 4])
    >>> guess.type, guess.yes, guess.no
    ('yes/no', ('陽性', '+'), ('-',))
    >>> guess_column(["13/4/2016", "3/4/2016"], [2, 3]).date_order
    'dmy'
    """
    filled = [(fold(cell), row) for cell, row in zip(cells, rows, strict=True) if cell.strip()]
    counts = Counter(text for text, _ in filled)
    if not counts:
        return Guess(type="text", evidence="no cell is filled")
    return _yes_no(counts, filled) or _date(counts, filled, epoch) or _number(counts, filled) or _words(counts, cells)


def _known_missing(counts: Counter[str], values: set[str]) -> tuple[str, ...]:
    return tuple(word for word in MISSING_WORDS if word in counts and word not in values)


def _enough(counts: Counter[str], good: set[str], missing: Sequence[str]) -> bool:
    n_good = sum(counts[text] for text in good)
    n_missing = sum(counts[text] for text in missing)
    return n_good > 0 and n_good >= _SHARE * (sum(counts.values()) - n_missing)


def _odd(
    counts: Counter[str], good: set[str], missing: Sequence[str], filled: Sequence[tuple[str, int]], what: str
) -> tuple[str, ...]:
    odd = [text for text in counts if text not in good and text not in missing]
    at = {text: next(row for cell, row in filled if cell == text) for text in odd}
    return tuple(f"'{text}' (row {at[text]}) is {what}: correct it, or add it to missing" for text in odd)


def _yes_no(counts: Counter[str], filled: Sequence[tuple[str, int]]) -> Guess | None:
    yes = tuple(text for text in counts if text.casefold() in _YES)
    no = tuple(text for text in counts if text.casefold() in _NO)
    good = {*yes, *no}
    missing = _known_missing(counts, good)
    # One word alone, such as a column of 1 or of "-", says nothing of yes and no.
    if not yes or not no or not _enough(counts, good, missing):
        return None
    found = ", ".join(f"{text} {counts[text]}" for text in (*yes, *no))
    return Guess(
        type="yes/no",
        evidence=found,
        yes=yes,
        no=no,
        missing=missing,
        questions=_odd(counts, good, missing, filled, "neither yes nor no"),
    )


def _date(counts: Counter[str], filled: Sequence[tuple[str, int]], epoch: int) -> Guess | None:
    pairs = [found.groups() for text in counts if (found := _YEAR_LAST.fullmatch(text))]
    first = any(int(a) > 12 for a, _ in pairs)
    second = any(int(b) > 12 for _, b in pairs)
    order = "dmy" if first and not second else "mdy" if second and not first else ""
    rules = DateRules(order=order or ("mdy" if pairs else ""))
    plain = {text for text in counts if parse_date(text, rules)[0] is not None and not _is_count(text)}
    if not plain:
        return None
    serials = {text for text in counts if epoch and text.isdigit() and int(text) in _SERIALS}
    good = plain | serials
    missing = _known_missing(counts, good)
    if not _enough(counts, good, missing):
        return None
    evidence = f"{sum(counts[text] for text in good)} of {sum(counts.values())} filled cells are dates"
    if serials:
        evidence += f", {sum(counts[text] for text in serials)} of them day numbers"
    if pairs and not order:
        example = next(text for text in counts if _YEAR_LAST.fullmatch(text))
        question = f'is {example} month or day first? Then write type = "date", date_order = "mdy" or "dmy"'
        return Guess(type="text", evidence=evidence, questions=(question,))
    questions = _odd(counts, good, missing, filled, "no date")
    return Guess(type="date", evidence=evidence, date_order=order, missing=missing, questions=questions)


def _is_count(text: str) -> bool:
    """Eight digits can be a date or a number; only the years of patients make them a date."""
    return text.isdigit() and not text.startswith(("19", "20"))


def _number(counts: Counter[str], filled: Sequence[tuple[str, int]]) -> Guess | None:
    rules = NumberRules()
    values = {text: number for text in counts if not isinstance(number := parse_number(text, rules), Fault)}
    good = set(values)
    missing = _known_missing(counts, good)
    if not _enough(counts, good, missing) or good <= {"1", "2"}:
        return None
    questions = _odd(counts, good, missing, filled, "no number")
    if "9999" in counts:
        questions += (f"'9999' occurs {counts['9999']} times: is it a code for missing?",)
    evidence = f"{sum(counts[text] for text in good)} of {sum(counts.values())} filled cells are numbers"
    span = [value for text, value in values.items() if text != "9999"]
    if span:
        evidence += f", {min(span):g} to {max(span):g}"
    return Guess(type="number", evidence=evidence, missing=missing, questions=questions)


def _leading_number(text: str) -> tuple[int, str]:
    found = re.match("[0-9]+", text)
    return (int(found[0]) if found else 0), text


def _words(counts: Counter[str], cells: Sequence[str]) -> Guess:
    written: dict[str, str] = {}
    for cell in cells:
        written.setdefault(fold(cell), cell.strip())
    missing = _known_missing(counts, set())
    levels = [text for text in counts if text not in missing]
    if not levels:
        return Guess(type="text", evidence="only codes for missing", missing=missing)
    shown = tuple(written[text] for text in levels)
    found = ", ".join(f"{written[text]} {counts[text]}" for text in levels[:_MANY])
    if set(levels) <= set(RESPONSES):
        return Guess(type="ordered", evidence=found, order=RESPONSES, missing=missing)
    if len(levels) == 2:
        question = f"'{shown[0]}' is taken as yes and '{shown[1]}' as no: is that right?"
        return Guess(type="yes/no", evidence=found, yes=shown[:1], no=shown[1:], missing=missing, questions=(question,))
    if len(levels) == 1 and counts[levels[0]] < 0.5 * len(cells):
        return Guess(type="text", evidence=f"{found}, the other cells are empty", missing=missing)
    if len(levels) <= _MANY:
        # Numbers of lines or grades come in their own order, other words as they first appear.
        if all(re.match("[0-9]", text) for text in levels):
            shown = tuple(written[text] for text in sorted(levels, key=_leading_number))
        return Guess(type="ordered", evidence=f"{found}; check the order", order=shown, missing=missing)
    if len(levels) <= _TOO_MANY:
        return Guess(type="category", evidence=f"{len(levels)} different texts", missing=missing)
    return Guess(type="text", evidence=f"{len(levels)} different texts")
