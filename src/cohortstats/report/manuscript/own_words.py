"""Texts whose numbers are no results (names, definitions, fixed words), and what the report itself says."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence

from cohortstats.analysis.results import Analysis
from cohortstats.cohort import Cohort
from cohortstats.report.agreement import Agreement
from cohortstats.report.manuscript.passages import passage
from cohortstats.report.manuscript.patterns import CI_LEVEL, HIDDEN
from cohortstats.report.methods import methods_sentences
from cohortstats.report.notes import data_notes
from cohortstats.report.print_audit import audit_of_print
from cohortstats.tables.language import LANGUAGES, catalogue
from cohortstats.tables.table import plain

__all__ = ["declared_texts", "hide", "report_prose"]

SHORTEST_FIXED = 6
_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[^\W\d_]")


def declared_texts(cohort: Cohort, analyses: Sequence[Analysis]) -> list[str]:
    """Even texts with a number in them that is no result, the longest first."""
    texts = {*_strings(cohort.study), *_fixed_words()}
    texts |= {label for variable in cohort.variables.values() for label in (variable.label, *variable.labels)}
    texts |= {analysis.table.caption for analysis in analyses}
    even = {passage(plain(text)).even.strip() for text in texts}
    # "95% CI" is no result by itself, and what follows it may be one.
    kept = {text for text in even if _DIGIT.search(CI_LEVEL.sub("", text)) and _LETTER.search(text)}
    return sorted(kept, key=lambda text: (-len(text), text))


def _strings(value: object) -> Iterator[str]:
    """All texts of a study file."""
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value):
        for one in dataclasses.fields(value):
            if one.name not in ("printed", "path", "lines", "document"):
                yield from _strings(getattr(value, one.name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strings(key)
            yield from _strings(item)
    elif isinstance(value, (tuple, list, frozenset, set)):
        for item in value:
            yield from _strings(item)


def _fixed_words() -> Iterator[str]:
    """Stretches of the report's sentences that hold a number and no gap."""
    for lang in LANGUAGES:
        for sentence in catalogue(lang).values():
            for stretch in re.split(r"\{\w+\}", sentence):
                if len(stretch.strip()) >= SHORTEST_FIXED:
                    yield stretch


def hide(even: str, declared: Sequence[str]) -> str:
    """Even text with declared texts covered, sign by sign.

    Examples
    --------
    >>> hide("IHC 3+ in 9 patients", ["IHC 3+"]).replace(HIDDEN, ".")
    '...... in 9 patients'
    """
    for text in declared:
        if text in even:
            pattern = rf"(?<![A-Za-z0-9.]){re.escape(text)}(?![A-Za-z0-9])"
            even = re.sub(pattern, lambda found: HIDDEN * len(found[0]), even)
    return even


def report_prose(cohort: Cohort, analyses: Sequence[Analysis], agreement: Agreement) -> list[str]:
    """Notes, methods and footnotes, and what the audit recomputes: what the report says of the study in words."""
    sentences = [*data_notes(cohort, analyses, agreement), *methods_sentences(cohort, analyses)]
    sentences += [guard.text for analysis in analyses for guard in analysis.guards]
    sentences += [note for analysis in analyses for note in analysis.table.footnotes]
    audited = audit_of_print(cohort.study)
    sentences += [item.recomputed for item in audited.shown] if audited is not None else []
    return [plain(sentence) for sentence in sentences]
