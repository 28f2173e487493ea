"""Which numbers of a manuscript are results of the study, and which are not, or no longer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from cohortstats.analysis.results import Analysis
from cohortstats.cohort import Cohort
from cohortstats.loaders import load_cohort
from cohortstats.report.agreement import compare_with_print
from cohortstats.report.manuscript.facts import Fact, agrees, facts_of
from cohortstats.report.manuscript.own_words import declared_texts, hide, report_prose
from cohortstats.report.manuscript.passages import CITED, Manuscript, Passage, PastedTable, passage
from cohortstats.report.manuscript.quotes import Quote, Reading, cell_quotes, find_quotes
from cohortstats.report.manuscript.read import read_manuscript
from cohortstats.report.manuscript.scopes import ExhibitRows, exhibits_like
from cohortstats.report.page_results import page_results
from cohortstats.report.plan import Watch, make_exhibits
from cohortstats.stats.results import frame_bundle
from cohortstats.study import Study, TimeToEvent
from cohortstats.tables.numbers import Number, exact
from cohortstats.tables.table import plain

if TYPE_CHECKING:
    import pandas as pd

SHORTEST_LABEL, FARTHEST_LABEL = 3, 90
SAME_COLUMNS = 0.8  # share of matches from which a table is taken to have the columns of the exhibit

__all__ = ["Known", "ManuscriptCheck", "Unmatched", "check_manuscript", "hold_against"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """A number of the manuscript that is no result of the study.

    Parameters
    ----------
    text
        As the manuscript writes it.
    where
        ``paragraph 3``, ``table 2, row 3, column 4`` or ``line 45``.
    nearest
        The nearest result as the study writes it, with its address; empty when there is none of its kind.

    Examples
    --------
    >>> one = Unmatched(text="P = 0.483", where="line 4", nearest="P = 0.438 (table4/hr_positive//p_value)")
    >>> one.as_dict()["where"]
    'line 4'
    """

    text: str
    where: str
    nearest: str = ""

    def as_dict(self) -> dict[str, str]:
        """The three texts, as ``manuscript --json`` prints them."""
        return {"text": self.text, "where": self.where, "nearest": self.nearest}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManuscriptCheck:
    """What became of the numbers of a manuscript.

    Parameters
    ----------
    checked, matched
        How many statements were held against the results, and how many of them say one.
    unmatched
        The others, in the order of the manuscript.
    cited
        Statements that say no result and stand in a sentence that cites a source; they are not counted as checked.

    Examples
    --------
    >>> ManuscriptCheck(checked=2, matched=2, unmatched=())
    2 numbers checked: 2 match, 0 do not
    """

    checked: int
    matched: int
    unmatched: tuple[Unmatched, ...]
    cited: int = 0

    def to_frame(self) -> pd.DataFrame:
        """One row a number that is no result: text, where, nearest."""
        import pandas as pd

        return pd.DataFrame([one.as_dict() for one in self.unmatched], columns=["text", "where", "nearest"])

    def __repr__(self) -> str:
        cited = f"; {self.cited} more stand where a source is cited" if self.cited else ""
        return f"{self.checked} numbers checked: {self.matched} match, {len(self.unmatched)} do not{cited}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude
        return frame_bundle(self.to_frame(), name=repr(self), plain=repr(self))


def check_manuscript(
    manuscript: str | Path, *, study: Study | Cohort | str | Path, watch: Watch = iter
) -> ManuscriptCheck:
    """Hold the numbers of an edited manuscript against the results of the study.

    Parameters
    ----------
    manuscript
        A ``.docx``, ``.tex`` or ``.md`` file. Tracked changes count as accepted.
    study
        A study, its folder or ``study.toml``, or a cohort that was loaded from it.
    watch
        Wraps the exhibits while they are made, such as a progress bar.

    Returns
    -------
    ManuscriptCheck
        How many statements were checked, how many match, and where the others stand, each with the nearest result.

    Raises
    ------
    InputError
        For a file of another kind.
    DataError
        When the manuscript is missing or damaged, or the study or its data have errors.

    Notes
    -----
    Looked at are percentages, *P* values, medians, ratios and differences with or without limits, n/N, n (%), and
    numbers of patients, in English and Japanese, in prose and in tables. A number matches when it is a result rounded
    half-up at the digits that are written, whatever the style; numbers that are written together (a count with its
    percentage, an estimate with its limits) must belong together. In a table whose rows are those of an exhibit a
    number must be of its row, and a *P* value behind an estimate must be that of the estimate. Years, citations,
    doses, versions, levels of confidence and of significance, and cut-offs are no results. In a sentence that cites a
    source and does not speak of the study itself, what matches nothing is taken to be the source's.

    What a rebuilt study withholds is not compared and is never shown as nearest.

    Examples
    --------
    >>> import cohortstats as cs, pathlib, tempfile
    >>> paper = pathlib.Path(tempfile.mkdtemp()) / "paper.md"
    >>> _ = paper.write_text("Nine of 34 patients (26.5%) were resistant; hormone receptor status P = 0.483.")
    >>> found = cs.check_manuscript(paper, study=cs.shipped_study("sakai2018"))
    >>> found
    2 numbers checked: 1 match, 1 do not
    >>> found.unmatched[0].nearest
    'P = 0.462 (table4/prior_pertuzumab//p_value)'
    """
    written = read_manuscript(Path(manuscript))
    cohort = study if isinstance(study, Cohort) else load_cohort(study)
    return hold_against(written, Known.of(cohort, make_exhibits(cohort, watch=watch)))


def hold_against(written: Manuscript, known: Known) -> ManuscriptCheck:
    """Hold what a manuscript says against what is known."""
    found: list[tuple[Quote, bool, str]] = []
    cited = 0
    for part in _without_references(written.parts):
        if isinstance(part, PastedTable):
            found += list(_check_table(part, known))
        else:
            for quote, matched, nearest in _check_prose(part, known):
                if not matched and _cites(part, quote):
                    cited += 1
                else:
                    found.append((quote, matched, nearest))
    return ManuscriptCheck(
        checked=len(found),
        matched=sum(matched for _, matched, _ in found),
        unmatched=tuple(
            Unmatched(text=quote.text, where=quote.where, nearest=nearest)
            for quote, matched, nearest in found
            if not matched
        ),
        cited=cited,
    )


_REFERENCES = re.compile(
    r"[\W\d]*(?:references|bibliography|literature(?: cited)?|引用文献|参考文献|文献)\W*", re.IGNORECASE
)
_BEHIND = re.compile(r"\W*(?:tables?|fig(?:ure)?s?|supplement|appendix|legends?|表|図|付録|補遺)", re.IGNORECASE)


def _without_references(parts: Sequence[Passage | PastedTable]) -> Iterator[Passage | PastedTable]:
    """Everything but the list of references: it ends where tables and figures begin."""
    listed = False
    for part in parts:
        if isinstance(part, Passage):
            listed = bool(_REFERENCES.fullmatch(part.even.strip())) or (listed and not _BEHIND.match(part.even))
            if listed:
                continue
        yield part


# ---------------------------------------------------------------------------------------------------------------------
# What is known
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Facts of the study, what the report itself says of it, and texts whose numbers are no results."""

    facts: Sequence[Fact]
    said: frozenset[frozenset[tuple[str, Fraction | None, str]]]
    declared: Sequence[str]
    exhibits: Sequence[ExhibitRows]
    labels: Mapping[str, str]
    groups: Mapping[str, str]
    style: str
    alpha: Fraction

    @classmethod
    def of(cls, cohort: Cohort, analyses: Sequence[Analysis]) -> Known:
        """What the exhibits of a study found, as far as it may be shown."""
        declared = declared_texts(cohort, analyses)
        agreement = compare_with_print(cohort, analyses)
        said = set()
        for text in report_prose(cohort, analyses, agreement):
            prose = passage(text)
            for quote in find_quotes(prose, hide(prose.even, declared)):
                said |= {_key(reading) for reading in quote.readings}
        return cls(
            facts=facts_of([*(r for a in analyses for r in a.records), *page_results(cohort, analyses)]),
            said=frozenset(said),
            declared=declared,
            exhibits=[ExhibitRows.of(analysis) for analysis in analyses],
            labels=_labels(cohort),
            groups={a.id: a.entry.groups for a in analyses if isinstance(a.entry, TimeToEvent)},
            style=cohort.study.report.style,
            alpha=exact(cohort.study.alpha),
        )

    def variables_of(self, fact: Fact) -> tuple[str, str]:
        """Variables or endpoints that a fact is about."""
        return fact.result.row.partition("/")[0], self.groups.get(fact.result.exhibit, "")

    def matching(self, quote: Quote, facts: Iterable[Fact]) -> list[Fact]:
        """Facts that say all numbers of the quote."""
        return [fact for fact in facts if _is_of_kind(quote, fact) and any(_says(fact, r) for r in quote.readings)]

    def is_said(self, quote: Quote) -> bool:
        """Whether the report's own prose says the same numbers together; a *P* of its own has a result."""
        return quote.kinds != {"p"} and any(_key(reading) in self.said for reading in quote.readings)

    def nearest(self, quote: Quote, facts: Iterable[Fact]) -> str:
        """The nearest fact of the kind, with its address."""
        best: tuple[tuple[int, float], Fact, Reading] | None = None
        for fact in facts:
            if not _is_of_kind(quote, fact):
                continue
            for reading in quote.readings:
                distance = _distance(fact, reading)
                if distance is not None and (best is None or distance < best[0]):
                    best = (distance, fact, reading)
        return f"{best[1].text(self.style, best[2])} ({best[1].result.address})" if best else ""


def _labels(cohort: Cohort) -> dict[str, str]:
    """Label as it is compared -> variable or endpoint; what two of them are called says nothing."""
    named = [(variable.label, name) for name, variable in cohort.variables.items()]
    named += [(one.label, name) for name, one in cohort.study.endpoints.items()]
    labels: dict[str, str] = {}
    for text, name in named:
        label = passage(plain(text)).even.casefold().strip()
        if len(label) >= SHORTEST_LABEL:
            labels[label] = "" if labels.get(label, name) != name else name
    return {label: name for label, name in labels.items() if name}


def _key(reading: Reading) -> frozenset[tuple[str, Fraction | None, str]]:
    return frozenset((role, number.value, number.bound) for role, number in reading.items())


def _is_of_kind(quote: Quote, fact: Fact) -> bool:
    kinds = quote.kinds
    if not kinds or "any" in kinds:
        return True
    if "fraction" in kinds:
        return fact.kind == "percent"
    return fact.kind in kinds


def _says(fact: Fact, reading: Reading) -> bool:
    if not reading.keys() <= fact.roles.keys() or (fact.with_count and "n" not in reading):
        return False
    alone = len(reading) == 1
    for role, written in reading.items():
        number = fact.roles[role]
        # "17.6 points lower" says its sign in words.
        sign_apart = alone and fact.kind in ("difference", "change") and number is not None
        if not agrees(written, number, fact.texts) and not (sign_apart and agrees(written, _size(number))):
            return False
    return True


def _size(number: Number | None) -> Number | None:
    return number if number is None else abs(exact(number))


def _distance(fact: Fact, reading: Reading) -> tuple[int, float] | None:
    """How many numbers differ, and by how much."""
    shared = [role for role in reading if role in fact.roles]
    if not shared:
        return None
    differ, far = len(reading) - len(shared), float(len(reading) - len(shared))
    for role in shared:
        number, written = fact.roles[role], reading[role]
        if agrees(written, number, fact.texts):
            continue
        differ += 1
        if number is None or written.value is None:
            far += 1
        else:
            a, b = float(exact(number)), float(written.value)
            far += abs(a - b) / (max(abs(a), abs(b)) or 1)
    return differ, far


# ---------------------------------------------------------------------------------------------------------------------
# Prose
# ---------------------------------------------------------------------------------------------------------------------

_JOINED = re.compile(
    r"[\s,;:、；)）(（\]\ue000]*(?:(?:by|in|the|log-?rank|Fisher(?:'s)?|exact|test|Wald|ログランク検定|検定)[\s,;:、]*){0,4}",
    re.IGNORECASE,
)
_AGAINST = re.compile(r"\b(?:vs?\.?|versus|compared\s+with|against)\s|対|と比べ|に対し", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\ue000\[])|(?<=[。！？\n])")
_SOURCE = re.compile(
    rf"{re.escape(CITED)}|\[\d{{1,3}}(?:\s*[,–-]\s*\d{{1,3}})*\]|\bet\s+al\b|\((?:[A-Z][\w'-]+,?\s+(?:and\s+[A-Z][\w'-]+,?\s+)?)(?:19|20)\d\d[a-z]?\)|[一-龥]ら(?:は|の報告|[（(\[])"
)
_OWN = re.compile(
    r"\b(?:we|our|ours|us|this\s+(?:study|cohort|analysis|series)|(?:the\s+)?(?:present|current)\s+(?:study|cohort|analysis|series)|"
    r"tables?\s+[S\d]|fig(?:ure|\.)s?\s*[S\d])\b|本研究|本検討|自験例|当院|当科|我々|われわれ|私たち|表\s*\d|図\s*\d",
    re.IGNORECASE,
)


def _sentence(text: str, offset: int) -> tuple[int, int]:
    """Start and end of the sentence that a sign stands in."""
    start, end = 0, len(text)
    for found in _SENTENCE_END.finditer(text):
        if found.end() <= offset:
            start = found.end()
        else:
            end = found.start()
            break
    return start, end


def _cites(part: Passage, quote: Quote) -> bool:
    start, end = _sentence(part.even, quote.start)
    sentence = part.even[start : quote.start] + " " + part.even[quote.end : end]
    # The mark of a source may stand behind the full stop.
    behind = part.even[end : end + 24].lstrip()
    cited = _SOURCE.search(sentence) or re.match(rf"{re.escape(CITED)}|\[\d", behind)
    return bool(cited) and not _OWN.search(sentence)


def _check_prose(part: Passage, known: Known) -> Iterator[tuple[Quote, bool, str]]:
    quotes = find_quotes(part, hide(part.even, known.declared))
    facts_before: list[tuple[Quote, list[Fact]]] = []
    for quote in quotes:
        if _is_bound_at_alpha(quote, known):
            continue
        matching = known.matching(quote, known.facts)
        scope = None
        if quote.kinds == {"p"}:
            scope = _scope_of_p(part, quote, facts_before, known) or _scope_of_label(part, quote, facts_before, known)
        pool = known.facts if scope is None else scope
        matched = bool(known.matching(quote, pool)) or (scope is None and known.is_said(quote))
        yield quote, matched, "" if matched else known.nearest(quote, pool)
        facts_before.append((quote, matching))


def _is_bound_at_alpha(quote: Quote, known: Known) -> bool:
    """``P < 0.05`` says what is called significant, and is no number of its own."""
    (reading, *_) = quote.readings
    p = reading.get("p")
    return p is not None and bool(p.bound) and p.value == known.alpha


def _scope_of_p(
    part: Passage, quote: Quote, before: Sequence[tuple[Quote, list[Fact]]], known: Known
) -> list[Fact] | None:
    """P values that may stand behind an estimate, or behind two groups set against each other; None for all."""
    if not before:
        return None
    last, facts = before[-1]
    between = part.even[last.end : quote.start]
    if not facts or last.kinds == {"p"} or not _JOINED.fullmatch(between):
        return None
    of_comparison = [fact for fact in facts if fact.kind in ("hr", "ratio", "difference")]
    if of_comparison:
        lines = {(f.result.exhibit, f.result.row, f.result.group) for f in of_comparison}
        own = [f for f in known.facts if f.kind == "p" and (f.result.exhibit, f.result.row, f.result.group) in lines]
        return own or None
    if len(before) > 1 and _AGAINST.search(part.even[before[-2][0].end : last.start]):
        variables = {_variable(fact) for fact in facts} & {_variable(fact) for fact in before[-2][1]}
        own = [fact for fact in known.facts if fact.kind == "p" and _variable(fact) in variables]
        return own or None
    return None


def _scope_of_label(
    part: Passage, quote: Quote, before: Sequence[tuple[Quote, list[Fact]]], known: Known
) -> list[Fact] | None:
    """P values of the one variable that the words before name; None when they name none or several."""
    start, _ = _sentence(part.even, quote.start)
    start = max([start, *(earlier.end for earlier, _ in before)])
    words = part.even[start : quote.start].casefold()
    named = [(words.rfind(label), label) for label in known.labels if label in words]
    named = [(at, label) for at, label in named if not any(label != other and label in other for _, other in named)]
    if len({known.labels[label] for _, label in named}) != 1 or quote.start - start - named[0][0] > FARTHEST_LABEL:
        return None
    variable = known.labels[named[0][1]]
    own = [fact for fact in known.facts if fact.kind == "p" and variable in known.variables_of(fact)]
    return own or None


def _variable(fact: Fact) -> tuple[str, str]:
    return fact.result.exhibit, fact.result.row.partition("/")[0]


# ---------------------------------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------------------------------


def _check_table(table: PastedTable, known: Known) -> Iterator[tuple[Quote, bool, str]]:
    """Lines of an exhibit are held against it; where several have these lines, against the one with these numbers.

    Cells are held against those of the same column, unless the columns are not those of the exhibit.
    """
    candidates = exhibits_like(table, known.exhibits)
    walks = [list(_walk(table, exhibit, known)) for exhibit in candidates] or [list(_walk(table, None, known))]
    loose = max(walks, key=_matched)
    exhibit = candidates[walks.index(loose)] if candidates else None
    if exhibit is not None and max(map(len, table.rows), default=0) == exhibit.columns:
        by_column = list(_walk(table, exhibit, known, by_column=True))
        if _matched(by_column) >= SAME_COLUMNS * _matched(loose):
            return iter(by_column)
    return iter(loose)


def _matched(walk: Sequence[tuple[Quote, bool, str]]) -> int:
    return sum(matched for _, matched, _ in walk)


def _walk(
    table: PastedTable, exhibit: ExhibitRows | None, known: Known, *, by_column: bool = False
) -> Iterator[tuple[Quote, bool, str]]:
    scope = exhibit.start() if exhibit else None
    heads: list[str] = []
    for number, row in enumerate(table.rows):
        line = scope.step(row[0].even) if scope and row else None
        for column, cell in enumerate(row):
            if not column and line is not None:
                continue  # the name of a line
            hidden = hide(cell.even, known.declared) if not number or not column else cell.even
            quotes, lone = cell_quotes(cell, heads[column] if column < len(heads) else "", hidden)
            if lone and (not column or (exhibit is None and not _says_its_kind(quotes))):
                continue  # a number of the line; in a table that is no exhibit, what does not say what it is
            addresses = line.of(column, by_column=by_column) if line and lone else None
            for quote in quotes:
                if lone or not _is_bound_at_alpha(quote, known):
                    yield _check_cell(quote, addresses, exhibit if lone else None, known)
        if not number:
            heads = [cell.even for cell in row]


def _says_its_kind(quotes: Sequence[Quote]) -> bool:
    return all(quote.kinds or any(len(reading) > 1 for reading in quote.readings) for quote in quotes)


def _check_cell(
    quote: Quote, addresses: frozenset[str] | None, exhibit: ExhibitRows | None, known: Known
) -> tuple[Quote, bool, str]:
    if exhibit is None:
        matched = bool(known.matching(quote, known.facts)) or known.is_said(quote)
        return quote, matched, "" if matched else known.nearest(quote, known.facts)
    own = [fact for fact in known.facts if fact.result.address in (addresses or exhibit.addresses)]
    matched = bool(known.matching(quote, own)) or (addresses is None and known.is_said(quote))
    return quote, matched, "" if matched else known.nearest(quote, own) or known.nearest(quote, known.facts)
