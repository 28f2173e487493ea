"""The cards on top of the page: the first outcome, the medians, the test. Nothing that is not also in an exhibit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cohortstats.analysis.exhibit import endpoint, level_label, section
from cohortstats.analysis.results import Analysis, Result
from cohortstats.cohort import Cohort
from cohortstats.figures.picture import KaplanMeierPicture
from cohortstats.study import Association, BinaryEndpoint, TimeToEvent, TimeToEventEndpoint
from cohortstats.tables.language import Words
from cohortstats.tables.numbers import FORMATS, STYLES, exact, format_interval, format_p_relation, format_percent
from cohortstats.tables.writers.html import label_html

__all__ = ["Card", "result_cards"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One card: what it is about, its number large, unit and interval."""

    what: Markup
    big: Markup
    unit: str = ""
    more: str = ""
    css: str = ""


def result_cards(cohort: Cohort, analyses: Sequence[Analysis], say: Words) -> list[Card]:
    """Cards in their order; those whose numbers are withheld or undefined are left out."""
    cards = []
    table = next((a for a in analyses if isinstance(a.entry, Association)), None)
    if table is not None:
        cards += _outcome_card(cohort, table, say)
    figure = next((a for a in analyses if isinstance(a.entry, TimeToEvent)), None)
    if figure is not None:
        cards += _survival_cards(cohort, figure, say)
    return cards


def _outcome_card(cohort: Cohort, analysis: Analysis, say: Words) -> list[Card]:
    entry = section(analysis.entry, Association)
    style = STYLES[cohort.study.report.style]
    found = {record.statistic: record for record in analysis.records if record.row == "all"}
    if any(record.withheld for record in found.values()) or found["percent"].reason:
        return []
    outcome = endpoint(cohort.study, entry.outcome, BinaryEndpoint)
    percent = found["percent"]
    low, high = (format_percent(exact(x or 0) / 100, style, percent.n) for x in (percent.ci_lower, percent.ci_upper))
    return [
        Card(
            what=Markup(label_html(outcome.label or outcome.name)),
            big=Markup(f"{found['n'].text(style.name)} / {found['total'].text(style.name)}"),
            unit=f"{percent.text(style.name)} %",
            more=f"{say('ci_95')} {format_interval(low, high, style, separator=style.range)} %",
        )
    ]


def _survival_cards(cohort: Cohort, analysis: Analysis, say: Words) -> list[Card]:
    entry = section(analysis.entry, TimeToEvent)
    outcome = endpoint(cohort.study, entry.endpoint, TimeToEventEndpoint)
    style = STYLES[cohort.study.report.style]
    medians = [record for record in analysis.records if record.statistic == "median" and not record.withheld]
    label = outcome.label or outcome.name
    if len(medians) > 2:
        return [
            Card(
                what=Markup(label_html(label)),
                big=Markup(label_html(analysis.table.number)),
                more=say("see_exhibit"),
            )
        ]
    picture = analysis.picture
    colours = {}
    if isinstance(picture, KaplanMeierPicture):
        colours = {group.name: picture.slot(place) for place, group in enumerate(picture.groups)}
    cards = [
        _median_card(cohort, analysis, record, colours.get(record.group, 1), label, outcome, say) for record in medians
    ]
    test = next((r for r in analysis.records if r.statistic == "p_value" and not r.withheld and not r.reason), None)
    if test is not None:
        p = format_p_relation(test.p_value, style, cohort.study.alpha)
        formed = entry.groups and cohort.variables[entry.groups].formed == "after outcome"
        kind = "stratified" if entry.strata else "unstratified"
        more = [say("two_sided"), say(kind), *([say("exploratory")] if formed else [])]
        cards.append(
            Card(
                what=Markup(label_html(say(f"test_{entry.test}"))),
                big=Markup(f"<em>P</em> {label_html(p)}"),
                more=say("ledger_comma").join(more),
            )
        )
    return cards


def _median_card(
    cohort: Cohort,
    analysis: Analysis,
    record: Result,
    slot: int,
    label: str,
    outcome: TimeToEventEndpoint,
    say: Words,
) -> Card:
    entry = section(analysis.entry, TimeToEvent)
    style = STYLES[cohort.study.report.style]
    group = level_label(cohort.variables[entry.groups], record.group) if entry.groups else say("all_patients")
    low, high = (FORMATS["time"](limit, style) for limit in (record.ci_lower, record.ci_upper))
    size = f"{say('ledger_comma')}n = {record.n}" if record.n is not None else ""
    return Card(
        what=Markup(label_html(say("median_card", label=label, group=group))),
        big=Markup(label_html(record.text(style.name))),
        unit=say(f"unit_{outcome.unit}"),
        more=f"{say('ci_95')} {format_interval(low, high, style)}{size}",
        css=f"group-{slot}",
    )
