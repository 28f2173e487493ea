"""From a printed number to its result: all results in one folded list of the page, and links of cells into it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from html import escape, unescape

from cohortstats.analysis.results import WITHHELD, Result
from cohortstats.tables.language import Words
from cohortstats.tables.table import visible
from cohortstats.tables.writers.html import label_html

__all__ = ["MOST_LISTED", "line_anchors", "link_cells", "results_html"]

MOST_LISTED = 3000
"""Results up to which the page lists them; there are more than a reader looks through, and results.csv has them."""

_CELL = re.compile(r'(<td[^>]* data-result="([^"]*)"[^>]*>)(.*?)(</td>)', re.DOTALL)


def line_anchors(results: Sequence[Result]) -> dict[str, str]:
    """Visible address of a result -> anchor of its line; a line is an exhibit's row and group.

    Examples
    --------
    >>> n, percent = (Result(exhibit="t", row="age", group="all", statistic=name, value=1) for name in ("n", "percent"))
    >>> line_anchors([n, percent])
    {'t/age/all/n': 'r1', 't/age/all/percent': 'r1'}
    """
    if len(results) > MOST_LISTED:
        return {}
    places: dict[tuple[str, str, str], str] = {}
    return {
        visible(result.address): places.setdefault((result.exhibit, result.row, result.group), f"r{len(places) + 1}")
        for result in results
    }


def link_cells(html: str, anchors: Mapping[str, str]) -> str:
    """A table whose cells lead to the lines of their results.

    The links are for a pointer: hundreds of them would bury all others for those who use the keyboard, to whom the
    list is open as it is.

    Examples
    --------
    >>> link_cells('<td data-result="t/age/all/n">9</td>', {"t/age/all/n": "r1"})
    '<td data-result="t/age/all/n"><a class="trace" tabindex="-1" href="#r1">9</a></td>'
    """

    def linked(found: re.Match[str]) -> str:
        opening, addresses, text, closing = found.groups()
        anchor = next((anchors[a] for a in unescape(addresses).split("\n") if a in anchors), "")
        if not anchor or not text:
            return found[0]
        return f'{opening}<a class="trace" tabindex="-1" href="#{anchor}">{text}</a>{closing}'

    return _CELL.sub(linked, html)


def results_html(results: Sequence[Result], numbers: Mapping[str, str], say: Words) -> str:
    """All results at full precision, one line a row and group of an exhibit.

    Parameters
    ----------
    results
        In their order.
    numbers
        Id of an exhibit -> how the report calls it.
    say
        Words of the report.
    """
    anchors = line_anchors(results)
    if not anchors:
        return ""
    exhibits: dict[str, dict[str, list[Result]]] = {}
    for result in results:
        exhibits.setdefault(result.exhibit, {}).setdefault(anchors[visible(result.address)], []).append(result)
    bodies = []
    for exhibit, lines in exhibits.items():
        name = label_html(numbers.get(exhibit, say("results_study")))
        rows = [f'<tr class="variable"><th scope="rowgroup" colspan="2" class="stub">{name}</th></tr>']
        for anchor, line in lines.items():
            row = " · ".join(filter(None, (line[0].row, line[0].group)))
            rows.append(
                f'<tr id="{anchor}"><th scope="row" class="stub">{escape(visible(row))}</th>'
                f'<td class="text">{escape(visible(_line(line)))}</td></tr>'
            )
        bodies.append(f"<tbody>{''.join(rows)}</tbody>")
    heads = "".join(
        f'<th scope="col" class="{css}">{label_html(say(key))}</th>'
        for key, css in (("results_address", "stub"), ("results_numbers", "left"))
    )
    return (
        f'<table class="ledger results"><caption>{label_html(say("results_caption"))}</caption>'
        f"<thead><tr>{heads}</tr></thead>{''.join(bodies)}</table>"
    )


def _line(line: Sequence[Result]) -> str:
    """The results of a line; what they share of method, n and reason is said once."""
    shared = {name: value for name in ("method", "n") if (value := _common(line, name))}
    parts = [_one(result, shared) for result in line]
    tail = [shared["method"]] if "method" in shared else []
    tail += [f"n = {shared['n']}"] if "n" in shared else []
    return "; ".join(parts) + (f" | {', '.join(tail)}" if tail else "")


def _common(line: Sequence[Result], name: str) -> str:
    values = {str(getattr(result, name) or "") for result in line}
    return values.pop() if len(values) == 1 else ""


def _one(result: Result, shared: Mapping[str, str]) -> str:
    if result.withheld:
        return f"{result.statistic} {result.shown_as or '—'} ({result.reason or WITHHELD})"
    text = result.statistic
    if result.value is not None:
        text += f" {_number(result.value)}"
    if result.ci_level is not None:
        text += f" ({_number(result.ci_lower)}, {_number(result.ci_upper)})"
    if result.p_value is not None:
        text += f" P {_number(result.p_value)}"
    beside = [result.method] if result.method and "method" not in shared else []
    beside += [f"n = {result.n}"] if result.n is not None and "n" not in shared else []
    beside += [result.reason] if result.reason else []
    return f"{text} [{', '.join(beside)}]" if beside else text


def _number(value: object) -> str:
    """At full precision; ends without a number are words."""
    if value is None:
        return "—"
    number = float(value) if not isinstance(value, int) else value  # type: ignore[arg-type]  # a fraction has a float
    if isinstance(number, float) and math.isfinite(number) and number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    return repr(number)
