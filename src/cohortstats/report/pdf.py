"""The page as a PDF (the extra ``pdf``): A4 with page numbers, light colours, tagged for screen readers (PDF/UA-1)."""

from __future__ import annotations

import logging
import re

from cohortstats.figures.palette import put_hex_back
from cohortstats.report.page import style_sheet

__all__ = ["PDF_NOT_WRITTEN", "page_pdf", "paged_html"]

PDF_NOT_WRITTEN = "PDF not written: pip install 'cohortstats[pdf]', or print the page from any browser."

# Paper does not scroll: a table of many columns is set smaller, and its cells may break where that is not enough.
_PAPER_RULES = """
.cards{background:none}
.card+.card{border-left:1px solid var(--hairline)}
tbody td{white-space:normal}
svg.dot{width:5.2rem}
table.many{font-size:8.2pt}
table.many th,table.many td{padding-left:.28em;padding-right:.28em}
table.many td:not(.left){white-space:nowrap}
table.many svg.dot{width:4.2rem}
table.most{font-size:7.2pt}
table.most th,table.most td{padding-left:.2em;padding-right:.2em}
table.most svg.dot{width:3.4rem}
table.many thead .note,table.most thead .note{font-size:6.8pt}
table.many tr.level th.stub,table.most tr.level th.stub{min-width:0}
"""
_MANY, _MOST = 7, 8


def paged_html(page: str) -> str:
    """The page as WeasyPrint reads it: colours in hex, and the rules of inline pictures inside of them.

    Parameters
    ----------
    page
        The page that `page_html` gives.

    Notes
    -----
    WeasyPrint resolves no ``var()`` inside SVG, and the style sheet of the page does not reach into it.
    """
    rules = "".join(re.findall(r"^\.dot [^{}]*\{[^{}]*\}$", style_sheet(), flags=re.MULTILINE))
    # A picture for a phone is not printed: leave it out rather than lay it out.
    page = re.sub(r'<div class="phone"><svg.*?</svg></div>', "", page, flags=re.DOTALL)
    # The list of all results is not printed: nothing leads to it, and it is not laid out.
    page = re.sub(r'<a class="trace"[^>]*>(.*?)</a>', r"\1", page, flags=re.DOTALL)
    page = re.sub(r'<section id="results".*?</section>', "", page, flags=re.DOTALL)
    page = re.sub(r'(<svg class="dot"[^>]*>)', rf"\1<style>{rules}</style>", page)
    page = re.sub(r'<table class="([^"]*)">.*?</thead>', _by_columns, page, flags=re.DOTALL)
    page = page.replace("</style>\n</head>", f"{_PAPER_RULES}</style>\n</head>", 1)
    return put_hex_back(page, "light")


def _by_columns(head: re.Match[str]) -> str:
    """The start of a table, with the class that its number of columns asks for."""
    columns = head[0].count('scope="col"')
    size = " most" if columns >= _MOST else " many" if columns >= _MANY else ""
    return head[0].replace(f'"{head[1]}"', f'"{head[1]}{size}"', 1)


def page_pdf(page: str) -> bytes | None:
    """The page as PDF, or None where the extra ``pdf`` is not installed.

    Parameters
    ----------
    page
        The page that `page_html` gives; it is self-contained, and nothing else is read.

    Notes
    -----
    Bytes may differ between versions of WeasyPrint and of the fonts: the file is in no manifest.
    """
    try:
        import weasyprint
    except (ImportError, OSError):  # OSError: the package is there, Pango is not
        return None
    logger = logging.getLogger("weasyprint")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it warns of rules for screens
    try:
        # The page holds all that it shows: no file and no address is read for it.
        fetcher = weasyprint.urls.URLFetcher(allowed_protocols=())
        document = weasyprint.HTML(string=paged_html(page), base_url=None, url_fetcher=fetcher)
        written: bytes = document.write_pdf(pdf_variant="pdf/ua-1", pdf_identifier=b"cohortstats report")
    finally:
        logger.setLevel(level)
    return written
