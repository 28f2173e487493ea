"""The findings of an audit as one self-contained page: light and dark, on a phone and on paper, without a script."""

from __future__ import annotations

from html import escape
from itertools import groupby

from cohortstats.figures.palette import css_variables
from cohortstats.published.audit.finding import VERDICTS, Finding
from cohortstats.published.audit.result import AuditResult, place_of
from cohortstats.tables.table import visible
from cohortstats.version import __version__

__all__ = ["audit_page"]

CLASSES = {"cannot hold": "differs", "paper differs from itself": "differs", "last digit": "last-digit"}
CLASSES |= {"doubtful": "last-digit", "not checkable": "open", "holds": "agrees"}
SIGNS = {"cannot hold": "✗", "paper differs from itself": "✗", "last digit": "≈", "doubtful": "?"}
SIGNS |= {"not checkable": "○", "holds": "✓"}
MEANINGS = {
    "cannot hold": "no data whatever give this string, or two parts of one statement exclude each other",
    "paper differs from itself": "each is possible, together they are not",
    "last digit": "the digits were cut, or rounded half to even",
    "doubtful": "false only under a model, such as a symmetric interval",
    "not checkable": "what is missing is named",
    "holds": "the printed string is right as far as it can be checked",
}

CSS = """*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:66rem;padding:2.2rem 1.2rem 3rem;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",Arial,"Hiragino Sans",
"Noto Sans CJK JP",sans-serif;
font-variant-numeric:tabular-nums lining-nums;overflow-wrap:break-word}
.kicker{margin:0;font-size:.75rem;letter-spacing:.06em;text-transform:uppercase;color:var(--muted)}
h1{margin:.35rem 0 .3rem;font-size:1.75rem;line-height:1.2;text-wrap:balance}
h2{margin:0;font-size:1.05rem}
.meta{margin:0 0 1.2rem;color:var(--ink-2)}
.what{margin:.1rem 0 .6rem;color:var(--muted);font-size:.85rem}
.counts{display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;list-style:none;margin:0 0 1.8rem;padding:.8rem 0;
border-top:1px solid var(--hairline);border-bottom:1px solid var(--hairline)}
.counts b{font-size:1.15rem}
section{margin:0 0 2.4rem}
.scroll{overflow-x:auto}
.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--link);outline-offset:2px}
table{border-collapse:collapse;width:100%;border-top:1.5px solid var(--ink);border-bottom:1.5px solid var(--ink)}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{padding:.25rem .5rem;text-align:left;vertical-align:top;font-weight:400}
th:first-child{padding-left:0}
td:last-child{padding-right:0}
thead th{font-weight:700;border-bottom:.75px solid var(--ink)}
tbody tr+tr>*{border-top:1px solid var(--hairline)}
tbody th small{display:block;color:var(--muted);font-size:.75rem;word-break:break-all}
.agrees{color:var(--agrees)}
.last-digit{color:var(--last-digit)}
.differs{color:var(--differs)}
.open{color:var(--muted)}
.known{color:var(--ink-2)}
.tier{border:1px solid var(--hairline);border-radius:.7em;padding:0 .5em;font-size:.75rem;color:var(--muted)}
summary{cursor:pointer;color:var(--link);margin:0 0 .6rem}
footer{margin-top:3rem;padding-top:.8rem;border-top:1px solid var(--hairline);font-size:.78rem;color:var(--muted)}
@media (min-width:40.01rem){
table{table-layout:fixed}
th:nth-child(1){width:27%}
th:nth-child(2){width:13%}
th:nth-child(3),th:nth-child(4){width:15%}
}
@media (max-width:40rem){
body{padding:1.3rem .9rem 2rem}
h1{font-size:1.4rem}
table,tbody,tr,th,td{display:block}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tbody tr{padding:.5rem 0}
tbody tr+tr{border-top:1px solid var(--hairline)}
tbody tr+tr>*{border-top:0}
th,td{padding:.08rem 0}
td:empty{display:none}
td[data-name]::before{content:attr(data-name) ": ";color:var(--muted)}
}
@page{size:A4 landscape;margin:16mm;@bottom-right{content:counter(page) "/" counter(pages);font-size:8pt}}
@media print{
html{color-scheme:light}
body{max-width:none;padding:0;font-size:9pt}
.scroll{overflow:visible}
details{display:none}
thead{display:table-header-group}
tr,footer{break-inside:avoid}
h2,.what{break-after:avoid}
}
"""

HEADINGS = ("Where", "Check", "Printed", "Recomputed", "Note")


def audit_page(result: AuditResult) -> str:
    """The page.

    Parameters
    ----------
    result
        Findings of an audit.

    Returns
    -------
    HTML in one file; what simply holds is folded away. It loads nothing and runs no script.

    Examples
    --------
    >>> import cohortstats as cs
    >>> page = audit_page(cs.audit(cs.shipped_study("sakai2018")))
    >>> page.startswith("<!DOCTYPE html>"), "<script" in page, "://" in page
    (True, False, False)
    """
    title = _safe(result.title or result.id)
    counts = "".join(
        f'<li class="{CLASSES[verdict]}"><b>{count}</b> {SIGNS[verdict]} {verdict}</li>'
        for verdict, count in result.counts.items()
        if count
    )
    sections = []
    for verdict, members in groupby(result.items, key=lambda item: item.verdict):
        sections.append(_section(verdict, list(members)))
    if not result.items:
        sections.append("<p>Nothing is typed that could be checked.</p>")
    summary = "".join(f"<p>{_safe(sentence)}</p>" for sentence in result.sentences)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f'<meta name="generator" content="cohortstats {__version__}">\n<title>{title}: audit</title>\n<style>\n'
        f":root{{\n{css_variables('light')}\n}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{\n{css_variables('dark')}\n}}}}\n"
        f"@media print{{:root{{\n{css_variables('light')}\n}}}}\n{CSS}</style>\n</head>\n<body>\n<header>\n"
        f'<p class="kicker">Audit of printed numbers</p>\n<h1>{title}</h1>\n'
        f'<p class="meta">{_safe(result.id)} · {len(result.items)} findings, no patient data</p>\n</header>\n<main>\n'
        f'<ul class="counts">{counts}</ul>\n{"".join(sections)}<section>{summary}</section>\n</main>\n<footer>'
        f"<p>cohortstats {__version__} · a printed number is a string; its digits say how exactly it is known.</p>"
        "</footer>\n</body>\n</html>\n"
    )


def _safe(text: str) -> str:
    return escape(visible(text))


def _section(verdict: str, items: list[Finding]) -> str:
    name = verdict.replace(" ", "-")
    heading = f'<h2 id="{name}" class="{CLASSES[verdict]}">{SIGNS[verdict]} {verdict} ({len(items)})</h2>'
    what = f'<p class="what">{MEANINGS[verdict]}</p>'
    if verdict != VERDICTS[-1]:
        return f'<section aria-labelledby="{name}">{heading}{what}{_table(verdict, items)}</section>\n'
    remarks = [item for item in items if item.remark]
    shown = _table("remarks on what holds", remarks) if remarks else ""
    rest = f"<details><summary>All {len(items)}</summary>{_table(verdict, items)}</details>"
    return f'<section aria-labelledby="{name}">{heading}{what}{shown}{rest}</section>\n'


def _table(caption: str, items: list[Finding]) -> str:
    head = "".join(f'<th scope="col">{heading}</th>' for heading in HEADINGS)
    rows = "".join(map(_row, items))
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{_safe(caption)}"><table>'
        f"<caption>{_safe(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _place(item: Finding) -> str:
    """Place and quantity on lines of their own."""
    where, _, words = place_of(item).rpartition("  ")
    return f"{_safe(where)}<br>{_safe(words)}" if where and words else _safe(where or words) or "paper"


def _row(item: Finding) -> str:
    note = _safe(item.note)
    if item.known:
        note += f'{"; " if note else ""}<span class="known">known: {_safe(item.known)}</span>'
    if item.tier != "published":
        note += f' <span class="tier">{_safe(item.tier)}</span>'
    cells = zip(HEADINGS[1:], (_safe(item.check), _safe(item.printed), _safe(item.recomputed), note), strict=True)
    return (
        f'<tr><th scope="row">{_place(item)}<small>{_safe(item.id)}</small></th>'
        + "".join(f'<td data-name="{name}">{text}</td>' if text else "<td></td>" for name, text in cells)
        + "</tr>"
    )
