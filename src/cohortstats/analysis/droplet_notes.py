"""What a reader of a copy-number ratio must know: how much tumor DNA it needs, and how often chance alone gives it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from cohortstats.cohort import Cohort
from cohortstats.schema import each_key
from cohortstats.stats.droplet_limits import chance_of_exceeding, tumor_fraction_needed
from cohortstats.stats.droplets import NO_CALL, droplet_concentration
from cohortstats.study import Exhibit, RatioAssay, parse_cutoff
from cohortstats.tables.language import words
from cohortstats.tables.numbers import FORMATS, STYLES, format_percent

__all__ = ["chances_beyond", "fractions_needed", "ratio_cautions"]

# Copies of the target in a tumor genome, for gains and for losses.
_GAINED, _LOST = (6.0, 10.0, 20.0), (1.0, 0.0)


def ratio_cautions(cohort: Cohort, entry: Exhibit) -> list[str]:
    """Two footnotes for each copy-number ratio that an exhibit shows, or compares by.

    Parameters
    ----------
    cohort
        All patients, whose droplets say how often chance goes beyond the cut-off.
    entry
        The section of the exhibit.

    Notes
    -----
    See `tumor_fraction_needed` and `chance_of_exceeding`.
    """
    shown = _reached(cohort, entry)
    notes = []
    for assay in cohort.study.ctdna.values():
        if isinstance(assay, RatioAssay) and shown.intersection(assay.makes):
            notes += [note for note in (_needed(cohort, assay), _by_chance(cohort, assay)) if note]
    return notes


def _reached(cohort: Cohort, entry: Exhibit) -> frozenset[str]:
    """Variables that an exhibit names, and those that they are made from."""
    named = set(_named(entry))
    uses = cohort.study.uses
    return frozenset(named).union(*(uses.get(name, frozenset()) for name in named))


def _named(section: object) -> Iterator[str]:
    for _, refers, value in each_key(section):
        for element in value if isinstance(value, tuple) else (value,):
            if isinstance(element, str) and refers in ("variable", "binary endpoint"):
                yield element
            elif dataclasses.is_dataclass(element) and not isinstance(element, type):
                yield from _named(element)


def _needed(cohort: Cohort, assay: RatioAssay) -> str:
    say, style = words(cohort.study.report.lang), STYLES[cohort.study.report.style]
    _, number = parse_cutoff(assay.threshold)
    parts = [
        say("ratio_needs_at", percent=FORMATS["number"](100 * fraction, style), copies=int(copies))
        for copies, fraction in fractions_needed(assay)
    ]
    if not parts:
        return ""
    cutoff = FORMATS["digits"](number, style)
    return say("ratio_needs", label=_label(cohort, assay), cutoff=cutoff, parts=say("between_reasons").join(parts))


def fractions_needed(assay: RatioAssay) -> list[tuple[float, float]]:
    """Copies in a tumor genome, and the share of tumor DNA at which the ratio comes to its cut-off."""
    _, number = parse_cutoff(assay.threshold)
    copies = np.array(_GAINED if float(number) > 1 else _LOST)
    fractions = np.asarray(tumor_fraction_needed(float(number), copies))
    return [(float(n), float(x)) for n, x in zip(copies, fractions, strict=True) if np.isfinite(x)]


def _by_chance(cohort: Cohort, assay: RatioAssay) -> str:
    chances = chances_beyond(cohort, assay)
    if not chances.size:
        return ""
    _, number = parse_cutoff(assay.threshold)
    say, style = words(cohort.study.report.lang), STYLES[cohort.study.report.style]
    median, low, high = (
        format_percent(float(chance), style, None) for chance in (np.median(chances), chances.min(), chances.max())
    )
    return say(
        "ratio_by_chance",
        n=len(chances),
        label=_label(cohort, assay),
        cutoff=FORMATS["digits"](number, style),
        median=median,
        low=low,
        high=high,
    )


def chances_beyond(cohort: Cohort, assay: RatioAssay) -> npt.NDArray[np.float64]:
    """How often a true ratio of 1 comes to lie beyond the cut-off, for each sample with droplets."""
    nobody = np.empty(0)
    if assay.name not in cohort.evidence:
        return nobody
    frame = cohort.evidence[assay.name]
    k, n = (
        frame[name].astype("Float64").to_numpy(float, na_value=np.nan) for name in ("reference_droplets", "accepted")
    )
    with np.errstate(invalid="ignore"):
        counted = (k > 0) & (k < n) & (n >= NO_CALL)
    _, number = parse_cutoff(assay.threshold)
    cutoff = float(number)
    if not counted.any() or cutoff in (0.0, 1.0):
        return nobody
    k, n = k[counted], n[counted]
    copies = droplet_concentration(k, n).copies_per_well
    # A loss is as unlikely by chance as the gain that is its inverse.
    return np.atleast_1d(chance_of_exceeding(max(cutoff, 1 / cutoff), reference_copies_per_well=copies, accepted=n))


def _label(cohort: Cohort, assay: RatioAssay) -> str:
    return cohort.variables[assay.name].label
