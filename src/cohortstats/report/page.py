"""The page: one self-contained file, readable without a script, in light and dark, on a phone and on paper."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from cohortstats.analysis.exhibit import is_figure, section, shows_ids
from cohortstats.analysis.results import Analysis, Result
from cohortstats.cohort import Cohort
from cohortstats.figures import draw_picture, inline_svg
from cohortstats.figures.forest_picture import ForestPicture
from cohortstats.figures.palette import css_variables
from cohortstats.figures.picture import KaplanMeierPicture
from cohortstats.published.audit import AuditResult
from cohortstats.published.audit.page import CLASSES
from cohortstats.published.curve.exhibit import ARM
from cohortstats.report.agreement import Agreement, LedgerItem
from cohortstats.report.cards import result_cards
from cohortstats.report.files import writes_curve
from cohortstats.report.forest import forest_finding, forest_table
from cohortstats.report.manifest import input_hashes
from cohortstats.report.methods import versions
from cohortstats.report.page_results import risk_address
from cohortstats.report.pictures import picture_finding, picture_how, shows_table
from cohortstats.report.print_audit import audit_lines, audit_summary
from cohortstats.report.trace import line_anchors, link_cells, results_html
from cohortstats.study import Curves, TimeToEvent, Trials
from cohortstats.tables.language import Words, join_sentences, words
from cohortstats.tables.numbers import STYLES, format_exact
from cohortstats.tables.table import Cell, Column, Row, RowGroup, Table, plain, visible
from cohortstats.tables.writers.html import label_html, slug, write_html

__all__ = ["SIGNS", "finding", "how_drawn", "meta_parts", "page_html", "style_sheet", "without_ids"]

SIGNS = {
    "agrees": "✓",
    "last digit": "≈",
    "differs": "✗",
    "paper differs from itself": "✗",
    "not checkable": "○",
}
VERDICT_CLASS = {"agrees": "agrees", "last digit": "last-digit", "not checkable": ""}
LONGEST_THAT_FITS_A_PAGE = 40


def _template(name: str) -> str:
    return (files("cohortstats.report") / "templates" / name).read_text(encoding="utf-8")


def style_sheet() -> str:
    """The rules of the page."""
    return _template("report.css")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_template), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=False
    )


def page_html(
    cohort: Cohort,
    analyses: Sequence[Analysis],
    agreement: Agreement,
    audited: AuditResult | None,
    notes: Sequence[str],
    methods: Sequence[str],
    beside: Sequence[Result] = (),
) -> str:
    """The report as HTML.

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
    beside
        Results that stand in no table of an exhibit.
    """
    study = cohort.study
    lang = study.report.lang
    say = words(lang)
    used = versions(cohort)
    results = [*(record for analysis in analyses for record in analysis.records), *beside]
    anchors = line_anchors(results)
    numbers = {analysis.id: analysis.table.number for analysis in analyses}
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            lang=lang,
            say=say,
            version=used["cohortstats"],
            title=visible(plain(study.title)),
            heading=Markup(label_html(study.title)),
            synthetic=visible(study.synthetic),
            meta=[visible(part) for part in meta_parts(cohort, say)],
            colours={"light": Markup(css_variables("light")), "dark": Markup(css_variables("dark"))},
            css=Markup(style_sheet()),
            cards=result_cards(cohort, analyses, say),
            notes=[Markup(label_html(note)) for note in notes],
            exhibits=[_linked(_exhibit(cohort, analysis, say), anchors) for analysis in analyses],
            results=Markup(results_html(results, numbers, say)),
            ledger=_ledger(agreement, lang, say),
            audit=_audit(audited, say),
            methods=Markup(label_html(join_sentences(methods, lang))),
            command=f"cohortstats report {study.path.name}",
            hashes=[(name, facts["sha256"][:12]) for name, facts in input_hashes(cohort).items()],
            versions=", ".join(f"{name} {number}" for name, number in used.items()),
            without_ids=without_ids(cohort, analyses, notes),
        )
    )


def without_ids(cohort: Cohort, analyses: Sequence[Analysis], notes: Sequence[str]) -> bool:
    """Whether the page may say that it holds no patient identifier: none is asked for, and none is found."""
    if any(shows_ids(cohort.study, a.entry) for a in analyses):
        return False
    printed = "\n".join([*notes, *(text for a in analyses for line in a.table.strings() for text in line)])
    # An id that is a number alone cannot be told from a count.
    return not any(patient in printed for patient in cohort.ids if len(patient) > 2 and not patient.isdigit())


def meta_parts(cohort: Cohort, say: Words) -> list[str]:
    """The line under the title: patients, those with further tables, period, data cut-off."""
    parts = [say("patients_n", n=cohort.n)]
    # How many have a row in a further table may be had from no sum of the exhibits: it is not said beside hidden cells.
    further = [] if cohort.study.report.privacy.min_cell else list(cohort.tables.items())[1:]
    for name, table in further:
        n = int(table.patients().sum())
        if n < cohort.n:
            parts.append(say("with_table", n=n, table=cohort.study.data[name].label or name))
    if cohort.study.period:
        parts.append(cohort.study.period)
    if cohort.study.cutoff:
        parts.append(say("cutoff_date", date=cohort.study.cutoff))
    return parts


# ---------------------------------------------------------------------------------------------------------------------
# Exhibits
# ---------------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Exhibit:
    id: str
    number: str
    heading: Markup
    table: Markup
    fits: bool
    caption: Markup = dataclasses.field(default_factory=Markup)
    figure: Markup = dataclasses.field(default_factory=Markup)
    figure_title: str = ""
    figure_last: bool = False
    how: Markup = dataclasses.field(default_factory=Markup)
    data: Markup = dataclasses.field(default_factory=Markup)
    data_title: str = ""
    curve: str = ""


def _linked(exhibit: _Exhibit, anchors: Mapping[str, str]) -> _Exhibit:
    """An exhibit whose cells lead to their results."""
    table, data = (Markup(link_cells(str(html), anchors)) for html in (exhibit.table, exhibit.data))
    return dataclasses.replace(exhibit, table=table, data=data)


def _exhibit(cohort: Cohort, analysis: Analysis, say: Words) -> _Exhibit:
    table = analysis.table
    notes = ""
    lines = sum(len(group.rows) for group in table.groups)
    heading = Markup(label_html(f"{table.number}. {table.caption}"))
    fields: dict[str, object] = {}
    if analysis.picture is not None:
        description = finding(analysis, say)
        # Type keeps its size, so a phone gets a picture of its own; the style sheet shows one of the two.
        drawings = (
            f'<div class="{screen}">'
            + inline_svg(
                draw_picture(analysis.picture, width_inches=inches),
                title=plain(f"{table.number}. {table.caption}"),
                description=plain(description),
                id_prefix=f"{slug(analysis.id)}-{screen}",
            )
            + "</div>"
            for screen, inches in (("wide", 7.2), ("phone", 3.7))
        )
        label = f" ({table.label})" if table.label else ""
        fields = {
            "figure": Markup("".join(drawings)),
            "figure_title": table.number,
            "caption": Markup(label_html(f"{table.caption}{label}{say('full_stop')}")),
        }
        if isinstance(analysis.picture, ForestPicture):
            numbers = forest_table(analysis.picture, table, say, analysis.records)
            fields |= {
                "how": Markup(label_html(say("trials_how" if isinstance(analysis.entry, Trials) else "forest_how"))),
                "data": Markup(write_html(numbers)),
                "data_title": plain(numbers.caption),
            }
            if is_figure(analysis.entry):
                table = dataclasses.replace(table, caption=say("forest_estimates"))
            else:
                fields |= {
                    "figure_title": say("forest_caption", number=table.number),
                    "figure_last": True,
                    "caption": Markup(label_html(table.label and f"{table.label}{say('full_stop')}")),
                }
        elif not isinstance(analysis.picture, KaplanMeierPicture):
            fields |= {"how": Markup(label_html(picture_how(analysis.picture, say)))}
            if shows_table(analysis.picture):
                table = dataclasses.replace(table, caption=say("missing_caption"))
            else:
                title = say("picture_data", number=table.number)
                notes = join_sentences((label_html(note) for note in table.footnotes), table.lang)
                fields |= {"data": Markup(write_html(dataclasses.replace(table, footnotes=()))), "data_title": title}
        else:
            risk = analysis.picture.risk_table
            fields |= {
                "how": Markup(label_html(how_drawn(cohort, say, analysis))),
                "data": Markup(_risk_html(analysis, analysis.picture, table, say)) if risk else Markup(),
                "data_title": say("figure_data", number=table.number),
            }
            table = dataclasses.replace(table, caption=say("figure_estimates"))
    if notes:
        printed = f'<p class="exhibit-notes">{notes}</p>'
    elif not table.groups:
        printed = _without_lines(table)
    elif "data" in fields and not isinstance(analysis.picture, (KaplanMeierPicture, ForestPicture)):
        printed = ""
    else:
        printed = write_html(table)
    return _Exhibit(
        id=slug(analysis.id),
        number=table.number,
        heading=heading,
        table=Markup(printed),
        fits=lines <= LONGEST_THAT_FITS_A_PAGE,
        curve=f"tables/{analysis.id}_curve.csv" if writes_curve(cohort.study, analysis) else "",
        **fields,  # type: ignore[arg-type]
    )


def _without_lines(table: Table) -> str:
    """An exhibit of which nothing can be shown: its caption, and why."""
    notes = join_sentences((label_html(note) for note in table.footnotes), table.lang)
    label = f' <span class="synthetic">{label_html(table.label)}</span>' if table.label else ""
    return (
        f"<p><b>{label_html(table.number)}.</b> {label_html(table.caption)}{label}</p>"
        f'<p class="exhibit-notes">{notes}</p>'
    )


def finding(analysis: Analysis, say: Words) -> str:
    """The finding in words, for those who do not see the picture."""
    picture = analysis.picture
    assert picture is not None  # the caller has looked
    if isinstance(picture, ForestPicture):
        return forest_finding(picture, say)
    if not isinstance(picture, KaplanMeierPicture):
        return picture_finding(picture, say, STYLES[analysis.table.style])
    parts = [
        say("finding_median", group=group.label, median=group.median_text)
        if group.median_text
        else say("finding_not_reached", group=group.label)
        for group in picture.groups
    ]
    return "; ".join([*parts, *([picture.p_text] if picture.p_text else [])])


def how_drawn(cohort: Cohort, say: Words, analysis: Analysis) -> str:
    """What the bands, ticks and lines of a curve are."""
    if isinstance(analysis.entry, Curves):
        return say("curves_how")
    conventions = cohort.study.conventions
    sentences = [say("figure_how", ci=say(f"km_ci_{conventions.km_ci}"))]
    if cohort.study.synthetic:
        sentences += [say("illustration_caption"), say("no_risk_table")]
    return join_sentences(sentences, cohort.study.report.lang)


def _risk_html(analysis: Analysis, picture: KaplanMeierPicture, table: Table, say: Words) -> str:
    risk = picture.risk_table
    assert risk is not None  # the caller has looked
    row = ARM if isinstance(analysis.entry, Curves) else section(analysis.entry, TimeToEvent).endpoint
    groups = []
    for group, rows in zip(picture.groups, risk.rows, strict=True):
        lines = [Row(kind="variable", cells=(Cell(value=group.label), *(Cell() for _ in risk.ticks)))]
        for place, (label, counts) in enumerate(zip(picture.risk_labels, rows, strict=True)):
            cells = (
                _risk_cell(n, risk_address(analysis.id, row, group.name, place, tick))
                for n, tick in zip(counts, risk.ticks, strict=True)
            )
            lines.append(Row(kind="level", indent=1, cells=(Cell(value=label), *cells)))
        groups.append(RowGroup(rows=tuple(lines)))
    columns = (
        Column(label=picture.x_label, align="left", kind="stub"),
        *(Column(label=format_exact(t, STYLES[table.style])) for t in risk.ticks),
    )
    at_risk = Table(
        id=f"{table.id}-at-risk",
        number=table.number,
        caption=say("at_risk_caption"),
        columns=columns,
        groups=tuple(groups),
        label=table.label,
        lang=table.lang,
    )
    return write_html(at_risk)


def _risk_cell(n: int | str, address: str) -> Cell:
    return Cell(value=n) if isinstance(n, str) else Cell(value=n, format="count", results=(address,))


# ---------------------------------------------------------------------------------------------------------------------
# The ledger
# ---------------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Ledger:
    summary: str
    open: Markup
    all: Markup


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Audit:
    summary: str
    sentences: str
    open: Markup


def _audit(audited: AuditResult | None, say: Words) -> _Audit | None:
    if audited is None:
        return None
    rows = zip(audit_lines(audited, say), audited.shown, strict=True)
    lines = [(*line[:3], CLASSES[item.verdict], *line[3:]) for line, item in rows]
    table = verdicts_html(lines, say("audit_open"), ("audit_printed", "audit_recomputed"), say) if lines else ""
    return _Audit(summary=audit_summary(audited, say), sentences=audited.summary, open=Markup(table))


def _ledger(agreement: Agreement, lang: str, say: Words) -> _Ledger | None:
    if not agreement.items:
        return None
    unlike = [item for item in agreement.items if item.verdict != "agrees"]
    return _Ledger(
        summary=agreement.summary(lang),
        open=Markup(_ledger_html(unlike, say("ledger_open"), say)) if unlike else Markup(),
        all=Markup(_ledger_html(agreement.items, say("ledger_all"), say)),
    )


def _ledger_html(items: Sequence[LedgerItem], caption: str, say: Words) -> str:
    lines = [
        (
            f"{item.where} · {item.quantity}",
            item.published,
            item.computed,
            VERDICT_CLASS.get(item.verdict, "differs"),
            f"{SIGNS[item.verdict]} {say(f'verdict_{item.verdict}')}",
            item.note,
        )
        for item in items
    ]
    return verdicts_html(lines, caption, ("ledger_published", "ledger_computed"), say)


def verdicts_html(lines: Sequence[Sequence[str]], caption: str, sides: tuple[str, str], say: Words) -> str:
    """Printed and recomputed values side by side: quantity, both sides, class and words of the verdict, note."""
    heads = "".join(
        f'<th scope="col" class="{css}">{label_html(say(key))}</th>'
        for key, css in (
            ("ledger_quantity", "stub"),
            (sides[0], "right"),
            (sides[1], "right"),
            ("ledger_verdict", "left"),
            ("ledger_note", "left"),
        )
    )
    rows = [
        f'<tr><th scope="row" class="stub">{label_html(quantity)}</th>'
        f"<td>{label_html(printed)}</td><td>{label_html(computed)}</td>"
        f'<td class="text verdict {css}">{label_html(verdict)}</td><td class="text">{label_html(note)}</td></tr>'
        for quantity, printed, computed, css, verdict, note in lines
    ]
    return (
        f'<table class="ledger"><caption>{label_html(caption)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
