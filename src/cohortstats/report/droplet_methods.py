"""Sentences of the methods paragraph on droplets: what was counted, how it was called, and by which cut-off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cohortstats.cohort import Cohort, Source
from cohortstats.study import Assay, CountAssay, DataTable, RatioAssay, parse_cutoff
from cohortstats.tables.language import Words
from cohortstats.tables.numbers import FORMATS, STYLES, Style, format_exact

__all__ = ["called_assays", "droplet_sentences", "pooled_samples"]


def droplet_sentences(cohort: Cohort, say: Words) -> Iterator[str]:
    """One sentence for each entry of ``[ctdna]``, then one for each table of droplets that they are made from."""
    style = STYLES[cohort.study.report.style]
    assays = called_assays(cohort)
    for assay in assays:
        if isinstance(assay, RatioAssay):
            yield _ratio(cohort, assay, say, style)
        elif isinstance(assay, CountAssay):
            yield _count(cohort, assay, say, style)
    for name in dict.fromkeys(assay.table for assay in assays):
        source = next(source for source in cohort.sources if source.table == name)
        mine = [assay for assay in assays if assay.table == name]
        yield from _table(cohort, cohort.study.data[name], source, mine, say, style)


def called_assays(cohort: Cohort) -> list[Assay]:
    """Entries of ``[ctdna]`` that gave a value to somebody."""
    return [
        assay
        for assay in cohort.study.ctdna.values()
        if assay.name in cohort.evidence and cohort.evidence[assay.name]["value"].notna().any()
    ]


def _cutoff(text: str, style: Style) -> str:
    side, number = parse_cutoff(text)
    return f"{side} {FORMATS['digits'](number, style)}"


def _ratio(cohort: Cohort, assay: RatioAssay, say: Words, style: Style) -> str:
    return say(
        "methods_droplet_ratio",
        label=cohort.variables[assay.name].label,
        target=assay.target,
        reference=assay.reference,
        interval=say(f"droplet_interval_{assay.interval}"),
        threshold=_cutoff(assay.threshold, style),
    )


def _count(cohort: Cohort, assay: CountAssay, say: Words, style: Style) -> str:
    frame = cohort.evidence[assay.name]
    called = frame[frame["limit_of_blank"].notna()]
    limit, detectable = (float(called[name].iloc[0]) for name in ("limit_of_blank", "limit_of_detection"))
    if assay.lob is None:
        n = int(frame["blank_wells"].iloc[0])
        origin = say("methods_droplet_blanks", n=n, positives=int(frame["blank_droplets"].iloc[0]))
    else:
        origin = say("methods_droplet_declared")
    return say(
        "methods_droplet_count",
        label=cohort.variables[assay.name].label,
        limit=format_exact(limit, style),
        origin=origin,
        detectable=FORMATS["number"](detectable, style),
        fraction=FORMATS["number"](100 * assay.lod_vaf, style),
        interval=say(f"droplet_interval_{assay.interval}"),
    )


def _table(
    cohort: Cohort, table: DataTable, source: Source, assays: Sequence[Assay], say: Words, style: Style
) -> Iterator[str]:
    volumes = sorted({part.volume_nl for part in source.parts or (source,) if part.volume_nl})
    if volumes:
        listed = say("between_reasons").join(format_exact(volume, style) for volume in volumes)
        told = "declared" if table.volume_nl is not None else "told"
        yield say(f"methods_droplet_volume_{told}", volumes=listed)
    pooled = pooled_samples(cohort, assays)
    if pooled:
        yield say("methods_droplet_pooled", n=len(pooled))


def pooled_samples(cohort: Cohort, assays: Sequence[Assay]) -> set[str]:
    """Samples whose droplets come from several wells."""
    pooled: set[str] = set()
    for assay in assays:
        wells = cohort.evidence[assay.name]["n_wells"].fillna(0)
        pooled.update(wells.index[wells > 1])
    return pooled
