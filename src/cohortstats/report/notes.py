"""Notes on the data, printed before any table: what a reader must know to read the rest."""

from __future__ import annotations

from collections.abc import Sequence

from cohortstats.analysis.exhibit import exhibit_number, shows_ids
from cohortstats.analysis.results import Analysis
from cohortstats.cohort import Cohort
from cohortstats.loaders.coverage import EmptyColumns, empty_columns
from cohortstats.report.agreement import Agreement
from cohortstats.report.verification import Verification
from cohortstats.study import Association, BinaryEndpoint
from cohortstats.tables.language import Words, words

__all__ = ["data_notes"]


def data_notes(
    cohort: Cohort, analyses: Sequence[Analysis], agreement: Agreement, verified: Sequence[Verification] = ()
) -> list[str]:
    """Sentences on origin, programs that differ, conflicts, unknown outcomes, missing values and shown ids."""
    study = cohort.study
    say = words(study.report.lang)
    notes = []
    if study.synthetic:
        notes.append(say("note_synthetic", label=study.synthetic))
    notes += [
        say(
            "note_second_engine",
            address=one.address,
            engine=one.engine,
            ours=", ".join(map(str, one.ours)),
            theirs=", ".join(map(str, one.theirs)),
        )
        for one in verified
        if not one.agrees
    ]
    notes += [
        say("note_conflict", where=item.where, published=item.published, note=item.note)
        for item in agreement.items
        if item.verdict == "paper differs from itself"
    ]
    for name, endpoint in study.endpoints.items():
        if not isinstance(endpoint, BinaryEndpoint):
            continue
        unknown = int(cohort.endpoint(name)["recorded"].isna().sum())
        used = [
            exhibit_number(study, analysis.entry)
            for analysis in analyses
            if isinstance(analysis.entry, Association) and analysis.entry.outcome == name
        ]
        if unknown and used:
            key = f"note_unknown_{endpoint.unknown}"
            # Beside hidden cells no further number of patients is told.
            n: object = say("some_of") if study.report.privacy.min_cell else unknown
            notes.append(say(key, n=n, label=endpoint.label or name, exhibits=", ".join(used)))
    # Other warnings may name patients: they are for the user's own screen.
    if not study.report.privacy.min_cell:
        notes += [_empty(cohort, empty, say) for empty in empty_columns(cohort)]
    shown = [exhibit_number(study, analysis.entry) for analysis in analyses if shows_ids(study, analysis.entry)]
    if shown:
        notes.append(say("note_ids", exhibits=", ".join(shown)))
    return notes


def _empty(cohort: Cohort, empty: EmptyColumns, say: Words) -> str:
    """That columns are empty for many; only columns of one row a patient count patients."""
    study = cohort.study
    numbers = {exhibit.id: exhibit_number(study, exhibit) for exhibit in study.exhibits}
    uses = "".join(say("note_empty_uses", exhibit=numbers[exhibit], n=n) for exhibit, n in empty.uses)
    table, declared = cohort.tables[empty.table], study.columns[empty.table]
    # A column without a label is known to its readers by the name that it has in the file.
    names = say("ledger_comma").join(declared[name].label or table.sources[name] for name in empty.names)
    kind = "patients" if table.records is None else "rows"
    return say(f"note_empty_{kind}", names=names, missing=empty.n_empty, total=empty.n_rows, uses=uses)
