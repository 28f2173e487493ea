"""The methods paragraph: one clause a convention, made from the protocol and from what ran."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec

from cohortstats.analysis.disclosure import without_counts
from cohortstats.analysis.exhibit import endpoint, exhibit_number, section
from cohortstats.analysis.results import Analysis, Result
from cohortstats.cohort import Cohort
from cohortstats.report.droplet_methods import droplet_sentences
from cohortstats.report.endpoint_methods import endpoint_sentences
from cohortstats.report.evidence_methods import evidence_sentences
from cohortstats.report.response_methods import response_sentences
from cohortstats.report.treatment_methods import treatment_sentences
from cohortstats.study import (
    Association,
    BinaryEndpoint,
    Curves,
    Flow,
    Regression,
    TimeToEvent,
    TimeToEventEndpoint,
    Trials,
    Waterfall,
)
from cohortstats.tables.language import Words, words
from cohortstats.tables.numbers import FORMATS, STYLES, format_alpha, format_exact
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


# Kind of a file -> the package that reads it.
_READERS = {
    "xlsx": "openpyxl",
    "xls": "xlrd",
    "xpt": "pyreadstat",
    "sas7bdat": "pyreadstat",
    "sav": "pyreadstat",
    "parquet": "duckdb",
    "duckdb": "duckdb",
}


def versions(cohort: Cohort | None = None) -> dict[str, str]:
    """Versions of Python and of every package that computed, read or drew."""
    packages = ["jinja2", "matplotlib", "numpy", "pandas", "scipy"]
    sources = [part for whole in (cohort.sources if cohort else ()) for part in whole.parts or (whole,)]
    packages += ["python-docx"] if cohort and "docx" in cohort.study.report.formats else []
    packages += {_READERS[source.kind] for source in sources if source.kind in _READERS}
    regressions = [entry for entry in cohort.study.exhibits if isinstance(entry, Regression)] if cohort else []
    penalised = any(entry.penalty == "firth" for entry in regressions)
    packages += _installed(["survival"] if regressions else []) + _installed(["firthmodels"] if penalised else [])
    found = {"cohortstats": __version__, "python": ".".join(str(part) for part in sys.version_info[:3])}
    return found | {package: version(package) for package in sorted(packages)}


def _installed(packages: Sequence[str]) -> list[str]:
    """Those that are here; where one is not, another engine computed, and the method of each number names it."""
    return [package for package in packages if find_spec(package) is not None]


def methods_sentences(cohort: Cohort, analyses: Sequence[Analysis]) -> list[str]:
    """Sentences of the methods paragraph, in order; nothing that did not run is mentioned."""
    say = words(cohort.study.report.lang)
    sentences: list[str] = [
        *treatment_sentences(cohort, say),
        *droplet_sentences(cohort, say),
        *response_sentences(cohort, say),
    ]
    for analysis in analyses:
        if isinstance(analysis.entry, Association):
            sentences += _association(cohort, analysis, say)
        elif isinstance(analysis.entry, TimeToEvent):
            sentences += _time_to_event(cohort, analysis, say)
        elif isinstance(analysis.entry, Regression):
            sentences += _regression(cohort, analysis, say)
        elif isinstance(analysis.entry, Waterfall) and analysis.methods.get("sum"):
            counted = analysis.entry.at_progression == "count"
            sentences.append(say("methods_waterfall" if counted else "methods_waterfall_without_progression"))
        elif isinstance(analysis.entry, (Trials, Curves)):
            sentences += evidence_sentences(analysis, say)
        elif isinstance(analysis.entry, Flow) and analysis.methods.get("selection"):
            sentences.append(say("methods_selection"))
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
    computing = ("pandas", "numpy", "scipy", "survival", "firthmodels")
    packages = ", ".join(f"{name} {used[name]}" for name in computing if name in used)
    sentences.append(
        say(
            "methods_software",
            version=used["cohortstats"],
            conventions=cohort.study.conventions.describe(),
            python=used["python"],
            packages=packages,
        )
    )
    if cohort.study.report.privacy.min_cell:
        sentences = without_counts(sentences, cohort.study.report.lang)
    return list(dict.fromkeys(sentences))


def _association(cohort: Cohort, analysis: Analysis, say: Words) -> list[str]:
    entry = section(analysis.entry, Association)
    outcome = endpoint(cohort.study, entry.outcome, BinaryEndpoint)
    label = inside_sentence(outcome.label or outcome.name)
    defined = say("methods_outcome", label=label, text=outcome.text) if outcome.text else label
    sentences = [say(f"methods_{entry.test}", outcome=defined)]
    if analysis.methods.get("many_levels"):
        sentences.append(say("methods_freeman_halton"))
    unknown = int(cohort.endpoint(entry.outcome)["recorded"].isna().sum())
    if unknown:
        lang = cohort.study.report.lang
        key = f"methods_unknown_{outcome.unknown}"
        # The catalogue's singular is chosen by n; the number itself is written as a word.
        hidden = bool(cohort.study.report.privacy.min_cell)
        number = say("some") if hidden else spelled(unknown, lang)
        sentences.append(say(key, n=0 if hidden else unknown, number=number))
    rates = say(f"ci_{cohort.study.conventions.proportion_ci}")
    sentences.append(say(f"methods_intervals_{entry.effect}", rates=rates))
    return sentences


def _time_to_event(cohort: Cohort, analysis: Analysis, say: Words) -> list[str]:
    entry = section(analysis.entry, TimeToEvent)
    outcome = endpoint(cohort.study, entry.endpoint, TimeToEventEndpoint)
    conventions, style = cohort.study.conventions, STYLES[cohort.study.report.style]
    label = outcome.label or outcome.name
    text = outcome.text or say(f"unit_{outcome.unit}")
    sentence = say(
        "methods_kaplan_meier",
        label=label,
        text=text,
        ci=say(f"km_ci_{conventions.km_ci}"),
        rule=say(f"median_rule_{conventions.median}", half=format_exact(0.5, style)),
    )
    if entry.groups and entry.test != "none":
        kind = "stratified" if entry.strata else "unstratified"
        sentence += say(f"methods_test_{kind}", test=say(f"test_name_{entry.test}"))
    sentences = [sentence + say("full_stop"), *endpoint_sentences(cohort, outcome, say)]
    unit = say(f"unit_{outcome.unit}")
    if entry.landmark:
        sentences.append(say("methods_landmark", time=format_exact(entry.landmark, style), unit=unit))
    if entry.rmst:
        sentences.append(say("methods_rmst", time=format_exact(entry.rmst, style), unit=unit))
    if entry.follow_up:
        sentences.append(say("methods_follow_up"))
    if entry.pairwise != "no":
        adjusted = entry.pairwise != "none"
        method = say(f"adjust_method_{entry.pairwise}") if adjusted else say("pairwise_unadjusted")
        sentences.append(say("methods_pairwise", method=method))
    return sentences


def _regression(cohort: Cohort, analysis: Analysis, say: Words) -> list[str]:
    entry, found = section(analysis.entry, Regression), analysis.methods
    outcome = endpoint(cohort.study, entry.endpoint, TimeToEventEndpoint)
    between = say("between_covariates")
    strata = say("methods_cox_strata", label=cohort.variable(entry.strata).label) if entry.strata else ""
    sentences = [
        say(
            "methods_cox_firth" if entry.penalty == "firth" else "methods_cox",
            label=inside_sentence(outcome.label or outcome.name),
            text=outcome.text or say(f"unit_{outcome.unit}"),
            ties=say(f"ties_{found['ties']}"),
            strata=strata,
        ),
        *endpoint_sentences(cohort, outcome, say),
        say("methods_covariates", covariates=between.join(_labels(found["covariates"]))),
    ]
    if "univariable" in entry.models:
        sentences.append(say("methods_univariable"))
    if "multivariable" in entry.models:
        sentences.append(say("methods_multivariable", covariates=between.join(_labels(found["adjusted"]))))
    sentences.append(say("methods_complete"))
    carried = found["events_per_parameter"]
    if isinstance(carried, Result) and not carried.withheld:
        ratio = FORMATS["number"](carried.value, STYLES[cohort.study.report.style])
        sentences.append(say("methods_events_per_parameter", ratio=ratio))
    sentences += [say(f"methods_{key}") for key in ("proportionality", "firth_given") if found[key]]
    if found["not_fitted"]:
        sentences.append(say("methods_not_fitted", models=between.join(_labels(found["not_fitted"]))))
    return sentences


def _labels(found: object) -> list[str]:
    """Labels that an analysis left for its methods sentences."""
    return [inside_sentence(str(label)) for label in found] if isinstance(found, tuple) else []


def _cutoffs(cohort: Cohort, say: Words) -> list[str]:
    style = STYLES[cohort.study.report.style]
    parts = [
        say(
            "methods_cutoff",
            label=derived.label or name,
            rule=_in_labels(cohort, FORMATS["digits"](derived.when or derived.value, style)),
            source=say(f"cutoff_{derived.cutoff}"),
        )
        for name, derived in cohort.study.derive.items()
        if derived.cutoff
    ]
    return [say("methods_cutoffs", cutoffs="; ".join(parts))] if parts else []


def _significance(cohort: Cohort, analyses: Sequence[Analysis], say: Words) -> list[str]:
    compared = [a for a in analyses if isinstance(a.entry, Association)]
    tested = compared or any(isinstance(a.entry, TimeToEvent) and a.entry.test != "none" for a in analyses)
    tested = tested or any(isinstance(a.entry, Regression) for a in analyses)
    if not tested:
        return []
    style = STYLES[cohort.study.report.style]
    sentence = say("methods_alpha", alpha=format_alpha(cohort.study.alpha, style))
    parts = []
    for analysis in compared:
        n = analysis.methods["comparisons"]
        if isinstance(n, int) and n > 1:
            adjust = analysis.methods["adjust"]
            key = "methods_unadjusted" if adjust == "none" else "methods_adjusted"
            parts.append(say(key, n=n, method="" if adjust == "none" else say(f"adjust_method_{adjust}")))
    for analysis in analyses:
        n = analysis.methods.get("comparisons")
        if isinstance(analysis.entry, Regression) and isinstance(n, int) and n > 1:
            where = exhibit_number(cohort.study, analysis.entry)
            parts.append(say("methods_unadjusted_regression", n=n, exhibit=where))
    return [sentence + "".join(parts) + say("full_stop")]
