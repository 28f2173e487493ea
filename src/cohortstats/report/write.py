"""Everything a run writes, in one step: the folder is whole or it is the old one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cohortstats.analysis.results import Analysis
from cohortstats.cohort import Cohort
from cohortstats.figures import draw_picture, figure_bytes, missing_glyphs
from cohortstats.loaders import load_cohort
from cohortstats.report.agreement import Agreement, compare_with_print
from cohortstats.report.checklist import checklist_csv, checklist_items
from cohortstats.report.files import curve_csv, frame_csv, methods_markdown, results_csv, results_json, writes_curve
from cohortstats.report.folder import MANIFEST, PDF, refuse_foreign_folder, replace_folder
from cohortstats.report.manifest import manifest_text
from cohortstats.report.methods import methods_sentences
from cohortstats.report.notes import data_notes
from cohortstats.report.page import page_html
from cohortstats.report.page_results import page_results
from cohortstats.report.pdf import PDF_NOT_WRITTEN, page_pdf
from cohortstats.report.plan import Watch, make_exhibits
from cohortstats.report.print_audit import audit_of_print
from cohortstats.report.verification import verify
from cohortstats.stats.doors import check_choice, refuse
from cohortstats.study import Study
from cohortstats.tables.language import LANGUAGES, words
from cohortstats.tables.numbers import STYLES
from cohortstats.tables.writers.csv import write_csv
from cohortstats.tables.writers.latex import latex_document, write_latex
from cohortstats.tables.writers.markdown import write_markdown

__all__ = ["Report", "make_report", "with_options", "write_report"]

WRITTEN_FORMATS = ("html", "docx", "latex", "md", "csv", "pdf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run made: exhibits, ledger, and the files with their bytes.

    Parameters
    ----------
    cohort, analyses, agreement
        What was analysed and found.
    notes, methods
        Sentences of the page.
    files
        Name inside the folder -> bytes.
    not_written
        A sentence for each format asked for that could not be written here.
    messages
        What a user should know of the files, such as letters that no font here draws.
    folder
        Where the files were written; None before.

    Examples
    --------
    >>> import cohortstats as cs
    >>> report = make_report(cs.load_cohort(cs.shipped_study("sakai2018")))
    >>> report
    Report of sakai2018: 6 exhibits, 31 files
    """

    cohort: Cohort
    analyses: tuple[Analysis, ...]
    agreement: Agreement
    notes: tuple[str, ...]
    methods: tuple[str, ...]
    files: dict[str, bytes]
    not_written: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def written(self) -> tuple[Path, ...]:
        """Paths of the files, the page first."""
        if self.folder is None:
            return ()
        return tuple(self.folder / name for name in self.files)

    def __repr__(self) -> str:
        where = f" in {self.folder}" if self.folder else ""
        return f"Report of {self.cohort.study.id}: {len(self.analyses)} exhibits, {len(self.files)} files{where}"


def write_report(
    study: Study | str | Path,
    folder: str | Path,
    *,
    formats: Sequence[str] | None = None,
    style: str | None = None,
    lang: str | None = None,
    connections: Mapping[str, Any] | None = None,
    watch: Watch = iter,
) -> Report:
    """Run a study and write its folder of results.

    Parameters
    ----------
    study
        A study, its folder, or its ``study.toml``.
    folder
        Where to write. An earlier report there is replaced as a whole; other files in it stay.
    formats, style, lang
        Replace what ``[report]`` of the study file says.
    connections
        Name -> an open DB-API or DuckDB connection, for tables with ``connection`` and ``sql``.
    watch
        Wraps the exhibits while they are made, such as a progress bar.

    Returns
    -------
    Report
        The exhibits, the ledger and the paths written.

    Raises
    ------
    DataError
        When the study or its data have errors; nothing is written then.
    InputError
        For an unknown format, style or language, or a folder that holds something else.
    CohortStatsError
        When the folder cannot be written; an earlier report there is whole then.

    Examples
    --------
    >>> import cohortstats as cs, tempfile, pathlib
    >>> report = cs.write_report(cs.shipped_study("sakai2018"), pathlib.Path(tempfile.mkdtemp()) / "sakai2018")
    >>> report.agreement
    162 values: 158 agree, 3 last digit, 1 differs (known); 4 places where the paper differs from itself
    """
    chosen = with_options(
        study if isinstance(study, Study) else Study.read(study), formats=formats, style=style, lang=lang
    )
    target = Path(folder)
    refuse_foreign_folder(target)
    report = make_report(load_cohort(chosen, connections=connections), watch=watch)
    replace_folder(target, report.files)
    return dataclasses.replace(report, folder=target)


def with_options(
    study: Study, *, formats: Sequence[str] | None = None, style: str | None = None, lang: str | None = None
) -> Study:
    """The study with other choices under ``[report]``; an unknown one is refused."""
    problems = [problem for format in formats or () for problem in check_choice("format", format, WRITTEN_FORMATS)]
    problems += check_choice("style", style, STYLES) if style is not None else []
    problems += check_choice("language", lang, LANGUAGES) if lang is not None else []
    refuse(problems)
    given = {"formats": tuple(formats) if formats else None, "style": style, "lang": lang}
    options = dataclasses.replace(study.report, **{name: value for name, value in given.items() if value})  # type: ignore[arg-type]
    return dataclasses.replace(study, report=options)


def make_report(cohort: Cohort, *, watch: Watch = iter) -> Report:
    """Make everything in memory; nothing is written."""
    study = cohort.study
    say = words(study.report.lang)
    analyses = make_exhibits(cohort, watch=watch)
    agreement = compare_with_print(cohort, analyses)
    audited = audit_of_print(study)
    verified = verify(cohort, analyses)
    notes = data_notes(cohort, analyses, agreement, verified)
    methods = methods_sentences(cohort, analyses)
    beside = page_results(cohort, analyses)
    files: dict[str, bytes] = {}
    page = ""
    if {"html", "pdf"} & set(study.report.formats):
        page = page_html(cohort, analyses, agreement, audited, notes, methods, beside)
    if "html" in study.report.formats:
        files["report.html"] = page.encode()
    of_document: tuple[str, ...] = ()
    if "docx" in study.report.formats:
        from cohortstats.report.document import report_document  # loads python-docx

        files["report.docx"], of_document = report_document(cohort, analyses, agreement, audited, notes, methods)
    files["methods.md"] = methods_markdown(say("methods"), methods, study.report.lang).encode()
    files["results.csv"] = results_csv(study, analyses, beside).encode()
    files["results.json"] = results_json(cohort, analyses, beside).encode()
    if agreement.items:
        files["agreement.csv"] = frame_csv(agreement.to_frame()).encode()
    if audited is not None:
        files["audit.csv"] = frame_csv(audited.to_frame()).encode()
    files["checklist.csv"] = checklist_csv(checklist_items(cohort, analyses)).encode()
    for analysis in analyses:
        if "csv" in study.report.formats:
            files[f"tables/{analysis.id}.csv"] = write_csv(analysis.table).encode()
        if "md" in study.report.formats:
            files[f"tables/{analysis.id}.md"] = write_markdown(analysis.table).encode()
        if "latex" in study.report.formats:
            files[f"tables/{analysis.id}.tex"] = write_latex(analysis.table).encode()
        if writes_curve(study, analysis):
            files[f"tables/{analysis.id}_curve.csv"] = curve_csv(analysis.curve).encode()
        files.update(_figure_files(analysis, study.report.figures))
    if "latex" in study.report.formats:
        files["tables.tex"] = latex_document([analysis.table for analysis in analyses]).encode()
    files[MANIFEST] = manifest_text(cohort, files, verified).encode()
    not_written: tuple[str, ...] = ()
    if "pdf" in study.report.formats:
        document = page_pdf(page)
        if document is None:
            not_written = (PDF_NOT_WRITTEN,)
        else:
            files[PDF] = document
    return Report(
        cohort=cohort,
        analyses=analyses,
        agreement=agreement,
        notes=tuple(notes),
        methods=tuple(methods),
        files=files,
        messages=(*_undrawn(analyses), *of_document),
        not_written=not_written,
    )


def _undrawn(analyses: Sequence[Analysis]) -> tuple[str, ...]:
    """Letters of a picture that no font on this machine draws: boxes in png and pdf, right in svg and on the page."""
    messages = []
    for analysis in analyses:
        letters = missing_glyphs(analysis.picture) if analysis.picture is not None else ""
        if letters:
            shown = letters if len(letters) <= 12 else f"{letters[:12]}…"
            messages.append(
                f"{analysis.id}: no font on this machine draws {shown}; its png and pdf show boxes. "
                "Install a font such as Noto Sans CJK and run again."
            )
    return tuple(messages)


def _figure_files(analysis: Analysis, kinds: Sequence[str]) -> dict[str, bytes]:
    if analysis.picture is None:
        return {}
    files = {}
    figure = draw_picture(analysis.picture)
    for kind in kinds:
        name, _, resolution = kind.partition("@")
        files[f"figures/{analysis.id}.{name}"] = figure_bytes(figure, name, dpi=int(resolution or 300))  # type: ignore[arg-type]
    return files
