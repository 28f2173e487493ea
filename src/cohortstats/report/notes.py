"""Notes on the data, printed before any table: what a reader must know to read the rest."""

from __future__ import annotations

from collections.abc import Sequence

from cohortstats.analysis.exhibit import exhibit_number, shows_ids
from cohortstats.analysis.results import Analysis
from cohortstats.cohort import Cohort
from cohortstats.report.agreement import Agreement
from cohortstats.report.verification import Verification
from cohortstats.study import Association, BinaryEndpoint
from cohortstats.tables.language import words

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
    # Messages about a column of ids may name patients: they are for the user's own screen.
    notes += [
        say("note_warning", file=problem.file, message=problem.message)
        for problem in cohort.problems
        if problem.code == "missing-many" and not study.report.privacy.min_cell
    ]
    shown = [exhibit_number(study, analysis.entry) for analysis in analyses if shows_ids(study, analysis.entry)]
    if shown:
        notes.append(say("note_ids", exhibits=", ".join(shown)))
    return notes
