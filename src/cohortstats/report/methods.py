"""The methods paragraph: one clause a convention, made from the protocol and from what ran."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cohortstats.analysis.exhibit import endpoint, exhibit_number, section
from cohortstats.analysis.results import Analysis
from cohortstats.cohort import Cohort
from cohortstats.study import Association, BinaryEndpoint, TimeToEvent, TimeToEventEndpoint
from cohortstats.tables.language import Words, words
from cohortstats.version import __version__

__all__ = ["inside_sentence", "methods_sentences", "spelled", "versions"]

SMALL_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def spelled(n: int, lang: str) -> str:
    """A number that opens a sentence: a word in English up to ten, else its digits.

    Examples
    --------
    >>> spelled(3, "en"), spelled(34, "en"), spelled(3, "ja")
    ('Three', '34', '3')
    """
    return SMALL_NUMBERS[n] if lang == "en" and n < len(SMALL_NUMBERS) else str(n)


def inside_sentence(label: str) -> str:
    """A label in the middle of a sentence: without its capital, unless that begins a name or an abbreviation.

    Examples
    --------
    >>> inside_sentence("Primary resistance to T-DM1"), inside_sentence("HER2 status"), inside_sentence("抵抗性")
    ('primary resistance to T-DM1', 'HER2 status', '抵抗性')
    """
    return label[0].lower() + label[1:] if label[1:2].islower() else label


def _in_labels(cohort: Cohort, rule: str) -> str:
    """An expression with the labels of its columns, for people who do not see the study file."""
    return re.sub(
        r"\w+", lambda word: cohort.variables[word[0]].label if word[0] in cohort.variables else word[0], rule
    )


def versions(cohort: Cohort | None = None) -> dict[str, str]:
    """Versions of Python and of every package that computed, read or drew."""
    packages = ["jinja2", "matplotlib", "numpy", "pandas", "scipy"]
    if cohort is not None and any(source.kind == "xlsx" for source in cohort.sources):
        packages.append("openpyxl")
    found = {"cohortstats": __version__, "python": ".".join(str(part) for part in sys.version_info[:3])}
    return found | {package: version(package) for package in sorted(packages)}


def methods_sentences(cohort: Cohort, analyses: Sequence[Analysis]) -> list[str]:
    """Sentences of the methods paragraph, in order; nothing that did not run is mentioned."""
    say = words(cohort.study.report.lang)
    sentences: list[str] = []
    for analysis in analyses:
        if isinstance(analysis.entry, Association):
            sentences += _association(cohort, analysis, say)
        elif isinstance(analysis.entry, TimeToEvent):
            sentences += _time_to_event(cohort, analysis, say)
    sentences += _cutoffs(cohort, say)
    sentences += _significance(cohort, analyses, say)
    sentences += [
        say("methods_after_outcome", exhibit=exhibit_number(cohort.study, analysis.entry))
        for analysis in analyses
        if isinstance(analysis.entry, TimeToEvent)
        and analysis.entry.groups
        and cohort.variables[analysis.entry.groups].formed == "after outcome"
    ]
    used = versions(cohort)
    packages = ", ".join(f"{name} {used[name]}" for name in ("pandas", "numpy", "scipy"))
    sentences.append(
        say(
            "methods_software",
            version=used["cohortstats"],
            conventions=cohort.study.conventions.describe(),
            python=used["python"],
            packages=packages,
        )
    )
    return list(dict.fromkeys(sentences))


def _association(cohort: Cohort, analysis: Analysis, say: Words) -> list[str]:
    entry = section(analysis.entry, Association)
    outcome = endpoint(cohort.study, entry.outcome, BinaryEndpoint)
    label = inside_sentence(outcome.label or outcome.name)
    defined = say("methods_outcome", label=label, text=outcome.text) if outcome.text else label
    sentences = [say("methods_fisher", outcome=defined)]
    if analysis.methods.get("many_levels"):
        sentences.append(say("methods_freeman_halton"))
    unknown = int(cohort.endpoint(entry.outcome)["recorded"].isna().sum())
    if unknown:
        lang = cohort.study.report.lang
        key = f"methods_unknown_{outcome.unknown}"
        # The catalogue's singular is chosen by n; the number itself is written as a word.
        sentences.append(say(key, n=unknown, number=spelled(unknown, lang)))
    rates = say(f"ci_{cohort.study.conventions.proportion_ci}")
    sentences.append(say(f"methods_intervals_{entry.effect}", rates=rates))
    return sentences


def _time_to_event(cohort: Cohort, analysis: Analysis, say: Words) -> list[str]:
    entry = section(analysis.entry, TimeToEvent)
    outcome = endpoint(cohort.study, entry.endpoint, TimeToEventEndpoint)
    conventions = cohort.study.conventions
    label = outcome.label or outcome.name
    text = outcome.text or say(f"unit_{outcome.unit}")
    sentence = say(
        "methods_kaplan_meier",
        label=label,
        text=text,
        ci=say(f"km_ci_{conventions.km_ci}"),
        rule=say(f"median_rule_{conventions.median}"),
    )
    if entry.groups and entry.test != "none":
        kind = "stratified" if entry.strata else "unstratified"
        sentence += say(f"methods_test_{kind}", test=say(f"test_name_{entry.test}"))
    return [sentence + say("full_stop")]


def _cutoffs(cohort: Cohort, say: Words) -> list[str]:
    parts = [
        say(
            "methods_cutoff",
            label=derived.label or name,
            rule=_in_labels(cohort, derived.when or derived.value),
            source=say(f"cutoff_{derived.cutoff}"),
        )
        for name, derived in cohort.study.derive.items()
        if derived.cutoff
    ]
    return [say("methods_cutoffs", cutoffs="; ".join(parts))] if parts else []


def _significance(cohort: Cohort, analyses: Sequence[Analysis], say: Words) -> list[str]:
    compared = [a for a in analyses if isinstance(a.entry, Association)]
    tested = compared or any(isinstance(a.entry, TimeToEvent) and a.entry.test != "none" for a in analyses)
    if not tested:
        return []
    sentence = say("methods_alpha", alpha=cohort.study.alpha)
    parts = []
    for analysis in compared:
        n = analysis.methods["comparisons"]
        if isinstance(n, int) and n > 1:
            key = "methods_unadjusted" if analysis.methods["adjust"] == "none" else "methods_holm"
            parts.append(say(key, n=n))
    return [sentence + "".join(parts) + say("full_stop")]
