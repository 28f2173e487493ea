"""What a reader must know beside a number: each guard is a trigger and one sentence in the language of the report.

A guard never changes a test and never hides a number. It stands under its exhibit and in ``results.json``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Guard", "footnotes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One sentence and what it is about.

    Parameters
    ----------
    name
        Short name of the trigger, such as ``attainable``; stable, for programs.
    text
        The sentence.
    row
        Variable or group, as in the results; empty when it is about the whole exhibit.
    label
        How the footnote calls the row.
    lead, detail
        Where rows differ in their numbers only: what one footnote for several rows begins with, and the numbers of
        this one.

    Examples
    --------
    >>> guard = Guard(name="attainable", text="Out of reach.", row="pik3ca_mutated", label="*PIK3CA*")
    >>> footnotes([guard, Guard(name="attainable", text="Out of reach.", row="stage", label="Stage")])
    ['*PIK3CA*, Stage: Out of reach.']
    """

    name: str
    text: str
    row: str = ""
    label: str = ""
    lead: str = ""
    detail: str = ""


def footnotes(guards: Iterable[Guard]) -> list[str]:
    """One footnote a sentence, led by the rows that it is about; rows with numbers of their own make one list."""
    alike: dict[str, list[Guard]] = {}
    for guard in guards:
        alike.setdefault(guard.lead or guard.text, []).append(guard)
    notes = []
    for lead, about in alike.items():
        if about[0].lead and len(about) > 1:
            stop = "。" if about[0].text.endswith("。") else "."
            notes.append(f"{lead}: {'; '.join(f'{guard.label} {guard.detail}' for guard in about)}{stop}")
        else:
            labels = dict.fromkeys(guard.label for guard in about if guard.label)
            notes.append(f"{', '.join(labels)}: {about[0].text}" if labels else about[0].text)
    return notes
