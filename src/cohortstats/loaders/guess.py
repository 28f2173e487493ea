"""What a column may be, with the evidence. Only ``init`` guesses, and a person reads what it wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cohortstats.files.dates import DateRules, imputed_part, parse_date
from cohortstats.files.folding import fold
from cohortstats.files.numbers import NumberRules, parse_number
from cohortstats.files.table import Fault

__all__ = ["EVENT_NAME", "MISSING_WORDS", "RESPONSES", "Guess", "guess_column"]

MISSING_WORDS = ("NA", "NE", "ND", "-", ".", "9999", "不明", "未検", "なし")
RESPONSES = ("CR", "PR", "SD", "PD")
_NON_TARGET = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD")
EVENT_NAME = re.compile(
    r"progress|relapse|recur|death|dead|died|dth|event|\bpd\b|PD|増悪|再発|死亡|転帰", re.IGNORECASE
)
"""Names of columns that say whether something happened, or when."""

_STATUS_NAME = re.compile(r"stat(?:us)?$|delta|cens|cnsr", re.IGNORECASE)
_HAPPENED = frozenset({"dead", "deceased", "died", "死亡", "progression", "recurred", "relapsed"})
_IDENTIFIER_NAME = re.compile(
    r"(?:^|[_. ])(?i:id|mrn)$|(?i:subj|site|study|patient|case|^p)(?i:id)$|[a-z]ID$|番号$|"
    r"(?i:patient|case|subject|site|record|chart)[_. ]?(?i:no\.?|number)$"
)
_YES = frozenset({"yes", "y", "+", "(+)", "positive", "pos", "true", "1", "陽性", "○", "あり", "有", "はい"})
_YES |= {"dead", "deceased", "死亡"}
_NO = frozenset({"no", "n", "-", "(-)", "negative", "neg", "false", "0", "陰性", "×", "なし", "無", "いいえ"})
_NO |= {"alive", "living", "生存"}
_DENIALS = ("not ", "no ", "non-", "non ", "un", "非", "未")
_SHARE = 0.95
_MANY = 8
_TOO_MANY = 20
_SHOWN_QUESTIONS = 5
_CODED = re.compile(r"([01]):(.+)")  # 0:LIVING, 1:DECEASED
_YEAR_LAST = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.][0-9]{4}(?: .*)?")
_SHORT_YEAR = re.compile(r"[0-9]{1,2}([-/.])[0-9]{1,2}\1[0-9]{2}")
_SERIALS = range(20_000, 60_000)  # 1954 to 2064


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A proposal for one column.

    Parameters
    ----------
    type
        number, date, yes/no, ordered, category or text.
    evidence
        What was seen, in a few words.
    yes, no, order, labels, date_order, unit
        As in the study file.
    missing
        Words that look like codes for missing.
    questions
        What a person has to decide.
    n_values
        How many different texts there are that are not missing.
    serials
        Whether some dates are day numbers.
    event
        Whether a yes/no column says who had an event.
    """

    type: str
    evidence: str
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    date_order: str = ""
    unit: str = ""
    missing: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    n_values: int = 0
    serials: bool = False
    event: bool = False


@dataclass(frozen=True, slots=True)
class _Cells:
    """The filled cells of a column: folded text -> how often, and as first written, and the first row."""

    name: str
    n: int
    counts: Mapping[str, int]
    written: Mapping[str, str]
    first: Mapping[str, int]

    @property
    def n_filled(self) -> int:
        return sum(self.counts.values())

    def missing(self, values: set[str]) -> tuple[str, ...]:
        return tuple(word for word in MISSING_WORDS if word in self.counts and word not in values)

    def enough(self, good: set[str], missing: Sequence[str]) -> bool:
        n_good = sum(self.counts[text] for text in good)
        return n_good > 0 and n_good >= _SHARE * (self.n_filled - sum(self.counts[text] for text in missing))

    def shown(self, texts: Sequence[str]) -> str:
        return ", ".join(f"{self.written[text]} {self.counts[text]}" for text in texts[:_MANY])

    def odd(self, good: set[str], missing: Sequence[str], ask: Mapping[str, str], what: str) -> tuple[str, ...]:
        """A question for each text that does not fit; ``ask`` says more of some."""
        odd = [text for text in self.counts if text not in good and text not in missing]
        questions = []
        for text in odd[:_SHOWN_QUESTIONS]:
            advice = ask.get(text, f"is {what}: correct it, or add it to missing")
            questions.append(f"'{self.written[text]}' (row {self.first[text]}) {advice}")
        if len(odd) > _SHOWN_QUESTIONS:
            rows = sum(self.counts[text] for text in odd[_SHOWN_QUESTIONS:])
            questions.append(f"{len(odd) - _SHOWN_QUESTIONS} more texts in {rows} rows are {what}")
        return tuple(questions)


def guess_column(cells: Sequence[str], rows: Sequence[int], epoch: int = 0, *, name: str = "") -> Guess:
    """Propose a type from the cells of a column.

    Parameters
    ----------
    cells, rows
        Text as read, and the row numbers for the questions.
    epoch
        First year of the day count of the workbook; 0 for a text file.
    name
        Of the column: it may say that numbers are identifiers, or that a code is an event.

    Examples
    --------
    >>> guess_column(["62", "71", "不明"], [2, 3, 4]).type
    'number'
    >>> guess = guess_column(["陽性", "-", "+"], [2, 3, 4])
    >>> guess.type, guess.yes, guess.no
    ('yes/no', ('陽性', '+'), ('-',))
    >>> guess_column(["13/4/2016", "3/4/2016"], [2, 3]).date_order
    'dmy'
    >>> guess_column(["1", "2", "2"], [2, 3, 4], name="status").yes
    ('2',)
    >>> guess_column(["1", "0", "0"], [2, 3, 4], name="CNSR").yes
    ('0',)
    """
    found = _count(cells, rows, name)
    if not found.counts:
        return Guess(type="text", evidence="no cell is filled")
    guess = (
        _coded_event(found)
        or _yes_no(found)
        or _date(found, epoch)
        or _identifier(found)
        or _number(found)
        or _words(found)
    )
    values = len(found.counts) - len(guess.missing)
    if values == 1 and "one value" not in guess.evidence and guess.type != "text":
        guess = replace(guess, evidence=f"{guess.evidence}: one value only")
    return replace(guess, n_values=values, event=_is_event(name, guess))


def _is_event(name: str, guess: Guess) -> bool:
    """By the name, or a status of which the words or the codes tell that something happened."""
    if guess.type != "yes/no" or not guess.no:
        return False
    words = {text.casefold() for text in guess.yes}
    coded = words <= {"0", "1", "2"} or all(_CODED.fullmatch(text) for text in guess.yes)
    return bool(EVENT_NAME.search(name) or words & _HAPPENED or (coded and _STATUS_NAME.search(name)))


def _count(cells: Sequence[str], rows: Sequence[int], name: str) -> _Cells:
    raw: dict[str, int] = dict(Counter(cells))
    at: dict[str, int] = {}
    for cell, row in zip(cells, rows, strict=True):
        at.setdefault(cell, int(row))
    counts: dict[str, int] = {}
    written: dict[str, str] = {}
    first: dict[str, int] = {}
    for cell, number in raw.items():
        text = fold(cell)
        if not text:
            continue
        counts[text] = counts.get(text, 0) + number
        written.setdefault(text, cell.strip())
        first.setdefault(text, at[cell])
    return _Cells(name=name, n=len(cells), counts=counts, written=written, first=first)


# ---------------------------------------------------------------------------------------------------------------------
# Yes and no
# ---------------------------------------------------------------------------------------------------------------------


def _coded_event(cells: _Cells) -> Guess | None:
    """Numbers whose meaning the name tells: CNSR of ADaM, where 0 is the event; a status of 1 and 2; a status of 1."""
    missing = cells.missing(set())
    texts = [text for text in cells.counts if text not in missing]
    found = cells.shown(sorted(texts))
    if cells.name.upper() == "CNSR" and "0" in texts and all(text.isdigit() for text in texts):
        other = tuple(sorted(text for text in texts if text != "0"))
        evidence = f"{found}; the event is CNSR 0, anything else is censored"
        return Guess(type="yes/no", evidence=evidence, yes=("0",), no=other or ("1",), missing=missing)
    if set(texts) == {"1", "2"}:
        event = bool(EVENT_NAME.search(cells.name) or _STATUS_NAME.search(cells.name))
        words = ("the event", "censored") if event else ("yes", "no")
        question = f"'2' is taken as {words[0]} and '1' as {words[1]}: is that right?"
        return Guess(
            type="yes/no",
            evidence=found,
            yes=("2",),
            no=("1",),
            labels=() if event else ("2", "1"),
            missing=missing,
            questions=(question,),
        )
    if set(texts) == {"1"} and (EVENT_NAME.search(cells.name) or _STATUS_NAME.search(cells.name)):
        question = "only 1 occurs: had everybody the event?"
        return Guess(type="yes/no", evidence=found, yes=("1",), no=("0",), missing=missing, questions=(question,))
    return None


def _yes_no(cells: _Cells) -> Guess | None:
    yes = tuple(text for text in cells.counts if text.casefold() in _YES)
    no = tuple(text for text in cells.counts if text.casefold() in _NO)
    good = {*yes, *no}
    missing = cells.missing(good)
    # One word alone, such as a column of 1 or of "-", says nothing of yes and no.
    if not yes or not no or not cells.enough(good, missing):
        return None
    questions = cells.odd(good, missing, {}, "neither yes nor no")
    if re.search("cens", cells.name, re.IGNORECASE) and good == {"0", "1"}:
        questions = ("is 1 the event, or is it censoring? Turn yes and no if it is", *questions)
    return Guess(
        type="yes/no",
        evidence=cells.shown((*yes, *no)),
        yes=tuple(cells.written[text] for text in yes),
        no=tuple(cells.written[text] for text in no),
        missing=missing,
        questions=questions,
    )


def _two_levels(cells: _Cells, levels: Sequence[str], missing: tuple[str, ...]) -> Guess:
    """Both words, the first that occurs as yes, unless one is coded 1, or denies the other."""
    yes, no = levels
    known = False
    codes = [_CODED.fullmatch(text) for text in levels]
    if codes[0] is not None and codes[1] is not None and codes[0][1] != codes[1][1]:
        known = True
        if codes[0][1] == "0":
            yes, no = no, yes
    elif any(yes.casefold() == denial + no.casefold() for denial in _DENIALS):
        yes, no = no, yes
    shown = cells.written[yes], cells.written[no]
    labels = tuple(text[2:].strip() for text in shown) if known else shown
    question = f"'{shown[0]}' is taken as yes and '{shown[1]}' as no: is that right?"
    return Guess(
        type="yes/no",
        evidence=cells.shown((yes, no)),
        yes=shown[:1],
        no=shown[1:],
        labels=labels,
        missing=missing,
        questions=() if known else (question,),
    )


# ---------------------------------------------------------------------------------------------------------------------
# Dates and numbers
# ---------------------------------------------------------------------------------------------------------------------


def _date(cells: _Cells, epoch: int) -> Guess | None:
    counts = cells.counts
    pairs = [found.groups() for text in counts if (found := _YEAR_LAST.fullmatch(text))]
    first = any(int(a) > 12 for a, _ in pairs)
    second = any(int(b) > 12 for _, b in pairs)
    order = "dmy" if first and not second else "mdy" if second and not first else ""
    rules = DateRules(order=order or ("mdy" if pairs else ""))
    plain = {text for text in counts if parse_date(text, rules)[0] is not None and not _is_count(text)}
    short = [text for text in counts if _SHORT_YEAR.fullmatch(text)]
    if short and not plain and cells.enough(set(short), cells.missing(set())):
        question = f"'{cells.written[short[0]]}' has a year of two digits, which is no date: write all four"
        return Guess(type="text", evidence=f"{len(counts)} different texts", questions=(question,))
    if not plain:
        return None
    serials = {text for text in counts if epoch and text.isdigit() and int(text) in _SERIALS}
    good = plain | serials
    missing = cells.missing(good)
    if not cells.enough(good, missing):
        return None
    evidence = f"{sum(counts[text] for text in good)} of {cells.n_filled} filled cells are dates"
    if serials:
        evidence += f", {sum(counts[text] for text in serials)} of them day numbers"
    if pairs and not order:
        example = next(text for text in counts if _YEAR_LAST.fullmatch(text))
        question = f'is {example} month or day first? Then write type = "date", date_order = "mdy" or "dmy"'
        return Guess(type="text", evidence=evidence, questions=(question,))
    ask = {
        text: f'lacks its {part}: add impute = "first", "mid" or "last", or add it to missing'
        for text in counts
        if text not in good and (part := {"day": "day", "month": "month and day", "": ""}[imputed_part(text)])
    }
    questions = cells.odd(good, missing, ask, "no date")
    return Guess(
        type="date",
        evidence=evidence,
        date_order=order,
        missing=missing,
        questions=questions,
        serials=bool(serials),
    )


def _is_count(text: str) -> bool:
    """Eight digits can be a date or a number; only the years of patients make them a date."""
    return text.isdigit() and not text.startswith(("19", "20"))


def _identifier(cells: _Cells) -> Guess | None:
    """Whole numbers that name something: the column says so, or zeros in front, which a number would lose."""
    missing = cells.missing(set())
    texts = [text for text in cells.counts if text not in missing]
    if not texts or not all(text.isdigit() and text.isascii() for text in texts):
        return None
    padded = [text for text in texts if len(text) > 1 and text.startswith("0")]
    if padded:
        evidence = f"'{padded[0]}' begins with 0: it names something, a number would lose the zero"
    elif len(texts) > 2 and _IDENTIFIER_NAME.search(cells.name):
        evidence = f"{len(texts)} different whole numbers; by the name they are identifiers"
    else:
        return None
    return Guess(type="text", evidence=evidence, missing=missing)


_ADVICE = {
    "number-inequality": 'is a limit: add beyond = "limit", "half" or "missing"',
    "number-range": 'is an interval: add interval = "low", "mid" or "high"',
    "number-comma": "has a comma: add thousands or decimal",
}


def _number(cells: _Cells) -> Guess | None:
    """Numbers, and what a key of the column makes a number; those are asked for, one by one."""
    unit = "percent" if any(text.endswith("%") for text in cells.counts) else ""
    rules = NumberRules(unit=unit)
    values: dict[str, float] = {}
    ask: dict[str, str] = {}
    for text in cells.counts:
        number = parse_number(text, rules)
        if not isinstance(number, Fault):
            values[text] = number
        elif number.code in _ADVICE:
            ask[text] = _ADVICE[number.code]
    good = set(values)
    missing = cells.missing(good)
    # A few words with limits or intervals are levels, such as 1, 2, 3 and 5以上, or ages of 20-39 and 40-59; what has
    # decimals was measured.
    n_good = sum(cells.counts[text] for text in good)
    many = len(cells.counts) > _MANY or any(value % 1 for value in values.values())
    measured = many and n_good > sum(cells.counts[text] for text in ask)
    if good <= {"1", "2"} or not (cells.enough(good, missing) or (measured and cells.enough(good | set(ask), missing))):
        return None
    questions = cells.odd(good, missing, ask, "no number")
    if "9999" in cells.counts:
        questions += (f"'9999' occurs {cells.counts['9999']} times: is it a code for missing?",)
    evidence = f"{n_good} of {cells.n_filled} filled cells are numbers"
    span = [value for text, value in values.items() if text != "9999"]
    if span:
        evidence += f", {min(span):g} to {max(span):g}"
    if unit:
        evidence += ", some with %"
    return Guess(type="number", evidence=evidence, unit=unit, missing=missing, questions=questions)


# ---------------------------------------------------------------------------------------------------------------------
# Words
# ---------------------------------------------------------------------------------------------------------------------


def _leading_number(text: str) -> tuple[int, str]:
    found = re.match("[0-9]+", text)
    return (int(found[0]) if found else 0), text


def _words(cells: _Cells) -> Guess:
    missing = cells.missing(set())
    levels = [text for text in cells.counts if text not in missing]
    if not levels:
        return Guess(type="text", evidence="only codes for missing", missing=missing)
    found = cells.shown(levels)
    shown = tuple(cells.written[text] for text in levels)
    for responses in (RESPONSES, _NON_TARGET):
        if set(levels) <= set(responses) and len(levels) > 1:
            return Guess(type="ordered", evidence=found, order=responses, missing=missing)
    if len(levels) == 2:
        return _two_levels(cells, levels, missing)
    if len(levels) == 1:
        return _one_level(cells, levels[0], missing)
    if len(levels) <= _MANY:
        # Numbers of lines or grades come in their own order, other words as they first appear.
        if all(re.match("[0-9]", text) for text in levels):
            shown = tuple(cells.written[text] for text in sorted(levels, key=_leading_number))
        return Guess(type="ordered", evidence=f"{found}; check the order", order=shown, missing=missing)
    if len(levels) <= _TOO_MANY:
        return Guess(type="category", evidence=f"{len(levels)} different texts", missing=missing)
    return Guess(type="text", evidence=f"{len(levels)} different texts")


def _one_level(cells: _Cells, level: str, missing: tuple[str, ...]) -> Guess:
    """A word that is there or not: a mark, such as ○ or Y, whose empty cells a person must explain."""
    shown = cells.written[level]
    n_other = cells.n - cells.counts[level]
    evidence = f"{shown} {cells.counts[level]}"
    if not n_other:
        return Guess(type="category", evidence=f"{evidence}: one value only", missing=missing)
    evidence += f", the other {n_other} cells are empty"
    if missing:
        evidence += f" or {', '.join(missing)}"
    if level.casefold() in _YES:
        question = 'does an empty cell mean no? Then derive it: when = "NAME is not missing"'
        return Guess(type="yes/no", evidence=evidence, yes=(shown,), missing=missing, questions=(question,))
    return Guess(type="text", evidence=evidence, missing=missing)
