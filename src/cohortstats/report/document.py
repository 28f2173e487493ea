"""The report as a Word file: the page's parts in the page's order, tables native, pictures with their words.

A picture is a PNG of 300 dots an inch; what it shows stands in its alternative text. Pages lie on their side where a
table needs them to.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from cohortstats.analysis.exhibit import is_figure
from cohortstats.analysis.results import Analysis
from cohortstats.cohort import Cohort
from cohortstats.figures import draw_picture, figure_bytes
from cohortstats.figures.forest_picture import ForestPicture
from cohortstats.figures.picture import KaplanMeierPicture
from cohortstats.figures.pictures import Picture
from cohortstats.published.audit import AuditResult
from cohortstats.report.agreement import Agreement, LedgerItem
from cohortstats.report.manifest import input_hashes
from cohortstats.report.methods import versions
from cohortstats.report.page import SIGNS, finding, how_drawn, meta_parts, without_ids
from cohortstats.report.pictures import picture_how, shows_table
from cohortstats.report.print_audit import audit_summary, audit_table
from cohortstats.study import Trials
from cohortstats.tables.language import Words, join_sentences, words
from cohortstats.tables.table import Cell, Column, Row, RowGroup, Table
from cohortstats.tables.writers.docx import add_caption, add_table, lies_on_its_side
from cohortstats.tables.writers.docx_file import PORTRAIT, WordFile

__all__ = ["report_document"]

DOTS_AN_INCH = 300
POINTS_AN_INCH = 72
TALLEST_UPRIGHT, TALLEST_ON_ITS_SIDE = 560.0, 380.0  # points: heading and caption stand on the same page
NAMED_CHARACTERS = 8


def report_document(
    cohort: Cohort,
    analyses: Sequence[Analysis],
    agreement: Agreement,
    audited: AuditResult | None,
    notes: Sequence[str],
    methods: Sequence[str],
) -> tuple[bytes, tuple[str, ...]]:
    """The report as the bytes of a Word file.

    Parameters
    ----------
    cohort
        The cohort; gives title, sizes, hashes.
    analyses
        Exhibits in the order in which they are printed.
    agreement
        The ledger; left out when it has no item.
    audited
        The audit of what was printed, if anything was.
    notes, methods
        Sentences before the tables and of the methods paragraph.

    Returns
    -------
    bytes
        The file; equal for equal content.
    tuple of str
        What a user should know of it, such as signs that a Word file cannot hold.
    """
    study = cohort.study
    say = words(study.report.lang)
    word = WordFile(lang=study.report.lang, title=study.title, subject=say("kicker"), comments=study.synthetic)
    word.paragraph(say("kicker"), "Kicker")
    word.paragraph(study.title, "Title")
    word.paragraph(" · ".join(meta_parts(cohort, say)), "Study Facts")
    if study.synthetic:
        word.paragraph(study.synthetic, "Synthetic Label")
    if notes:
        word.paragraph(say("notes_heading", n=len(notes)), "Heading 1")
        for note in notes:
            word.paragraph(note, "List Bullet")
    for place, analysis in enumerate(analyses):
        _add_exhibit(word, cohort, analysis, say, opens=place == 0)
    word.turn(on_its_side=False)
    if agreement.items:
        _add_ledger(word, agreement, study.report.lang, say)
    if audited is not None:
        _add_audit(word, audited, study.report.lang, say)
    word.paragraph(say("methods_ready"), "Heading 1")
    word.paragraph(join_sentences(methods, study.report.lang)).paragraph_format.keep_with_next = True
    _add_origin(word, cohort, analyses, notes, say)
    if agreement.items:
        word.paragraph(say("ledger_all"), "Heading 1")
        # Notes stand beside what does not agree; this is the whole list.
        ledger = _ledger_table(agreement.items, say("ledger_all"), study.report.lang, say, notes=False)
        add_table(word, ledger, captioned=False)
    word.number_pages(running_head=study.synthetic)
    return word.to_bytes(), _messages(word)


def _messages(word: WordFile) -> tuple[str, ...]:
    if not word.dropped:
        return ()
    names = [f"U+{ord(char):04X}" for char in sorted(word.dropped)]
    shown = ", ".join(names[:NAMED_CHARACTERS]) + (", …" if len(names) > NAMED_CHARACTERS else "")
    return (f"report.docx: control characters were left out of its text: {shown}.",)


# ---------------------------------------------------------------------------------------------------------------------
# Exhibits
# ---------------------------------------------------------------------------------------------------------------------


def _add_exhibit(word: WordFile, cohort: Cohort, analysis: Analysis, say: Words, *, opens: bool) -> None:
    """Heading, then picture and table; the forest plot of a numbered table stands behind it."""
    table, picture = analysis.table, analysis.picture
    figure_last = isinstance(picture, ForestPicture) and not is_figure(analysis.entry)
    word.turn(on_its_side=lies_on_its_side(table) if picture is None or figure_last else False)
    if opens:
        word.paragraph(say("exhibits"), "Heading 1")
    word.paragraph(table.number, "Heading 2")
    if picture is None:
        # The first table may break, or the first page would stay white.
        add_table(word, table, whole=not opens)
    elif figure_last:
        add_table(word, table)
        _add_picture(word, cohort, analysis, say)
    else:
        _add_picture(word, cohort, analysis, say)
        add_table(word, _behind_picture(table, picture, say))


def _behind_picture(table: Table, picture: Picture, say: Words) -> Table:
    """The table of a figure, with a caption of its own: the figure has the first one."""
    if isinstance(picture, KaplanMeierPicture):
        return dataclasses.replace(table, caption=say("figure_estimates"))
    if isinstance(picture, ForestPicture):
        return dataclasses.replace(table, caption=say("forest_estimates"))
    if shows_table(picture):
        return dataclasses.replace(table, caption=say("missing_caption"))
    return dataclasses.replace(table, number="", caption=say("picture_data", number=table.number))


def _add_picture(word: WordFile, cohort: Cohort, analysis: Analysis, say: Words) -> None:
    """The picture with its words, and the caption of the page under it."""
    table, picture = analysis.table, analysis.picture
    assert picture is not None  # the caller has looked
    number, caption, label = table.number, f"{table.caption}{say('full_stop')}", table.label
    if isinstance(picture, KaplanMeierPicture):
        how = how_drawn(cohort, say, analysis)
    elif isinstance(picture, ForestPicture):
        how = say("trials_how" if isinstance(analysis.entry, Trials) else "forest_how")
        if not is_figure(analysis.entry):
            number, caption = say("forest_caption", number=table.number), ""
    else:
        how = picture_how(picture, say)
    png = figure_bytes(draw_picture(picture, width_inches=PORTRAIT / POINTS_AN_INCH), "png", dpi=DOTS_AN_INCH)
    word.add_picture(
        png,
        title=f"{table.number}. {table.caption}",
        description=finding(analysis, say),
        width=PORTRAIT,
        tallest=TALLEST_ON_ITS_SIDE if word.on_its_side else TALLEST_UPRIGHT,
    )
    add_caption(word, number, caption, label=label, more=how, kept=False)


# ---------------------------------------------------------------------------------------------------------------------
# Ledger and origin
# ---------------------------------------------------------------------------------------------------------------------


def _add_ledger(word: WordFile, agreement: Agreement, lang: str, say: Words) -> None:
    word.paragraph(say("ledger"), "Heading 1")
    unlike = [item for item in agreement.items if item.verdict != "agrees"]
    word.paragraph(agreement.summary(lang)).paragraph_format.keep_with_next = bool(unlike)
    if unlike:
        add_table(word, _ledger_table(unlike, say("ledger_open"), lang, say))


def _add_audit(word: WordFile, audited: AuditResult, lang: str, say: Words) -> None:
    word.paragraph(say("audit"), "Heading 1")
    text = word.paragraph(f"{audit_summary(audited, say)}{say('full_stop')} {audited.summary}")
    text.paragraph_format.keep_with_next = bool(audited.shown)
    if audited.shown:
        add_table(word, audit_table(audited, lang, say))


def _ledger_table(items: Sequence[LedgerItem], caption: str, lang: str, say: Words, *, notes: bool = True) -> Table:
    """Printed and computed values side by side, as a table of texts."""
    lines = [
        (
            f"{item.where} · {item.quantity}",
            item.published,
            item.computed,
            f"{SIGNS[item.verdict]} {say(f'verdict_{item.verdict}')}",
            *([item.note] if notes else []),
        )
        for item in items
    ]
    return Table(
        id="ledger",
        number="",
        caption=caption,
        columns=(
            Column(label=say("ledger_quantity"), align="left", kind="stub"),
            Column(label=say("ledger_published")),
            Column(label=say("ledger_computed")),
            Column(label=say("ledger_verdict"), align="left"),
            *([Column(label=say("ledger_note"), align="left")] if notes else []),
        ),
        groups=tuple(
            RowGroup(rows=(Row(kind="line", cells=tuple(Cell(value=text) for text in line)),)) for line in lines
        ),
        lang=lang,
    )


def _add_origin(word: WordFile, cohort: Cohort, analyses: Sequence[Analysis], notes: Sequence[str], say: Words) -> None:
    """What made the report and from which files, as at the foot of the page."""
    study = cohort.study
    hashes = [f"{name} sha256 {facts['sha256'][:12]}" for name, facts in input_hashes(cohort).items()]
    word.paragraph(" · ".join([f"{say('made_by')} cohortstats report {study.path.name}", *hashes]), "Made By")
    used = ", ".join(f"{name} {number}" for name, number in versions(cohort).items())
    said = [say("no_identifiers")] if without_ids(cohort, analyses, notes) else []
    word.paragraph(" · ".join([used, *said]), "Made By")
