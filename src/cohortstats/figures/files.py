"""A figure as the bytes of a file: the same figure gives the same bytes in every process."""

from __future__ import annotations

from io import BytesIO
from typing import Literal

from matplotlib.figure import Figure

from cohortstats.figures.fonts import quiet_defaults
from cohortstats.figures.svg import inline, standalone

__all__ = ["figure_bytes", "inline_svg"]

# No clock and no version in a file: what has not changed keeps its hash.
_METADATA: dict[str, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


def figure_bytes(figure: Figure, kind: Literal["svg", "pdf", "png"], *, dpi: int = 300) -> bytes:
    """Write a figure as SVG (words stay text), PDF (TrueType fonts inside) or PNG.

    Parameters
    ----------
    figure
        Any matplotlib figure.
    kind
        ``"svg"``, ``"pdf"`` or ``"png"``.
    dpi
        Dots an inch of a PNG; SVG and PDF are drawn, not dotted.

    Returns
    -------
    bytes
        The file; equal for equal figures on one installation, whatever the clock, time zone and hash seed.

    Raises
    ------
    ValueError
        For another kind.
    """
    if kind not in _METADATA:
        raise ValueError(f"kind must be 'svg', 'pdf' or 'png', not {kind!r}")
    data = _saved(figure, kind, dpi)
    return standalone(data) if kind == "svg" else data


def _saved(figure: Figure, kind: str, dpi: int) -> bytes:
    stream = BytesIO()
    settings = {"svg.fonttype": "none", "svg.hashsalt": "cohortstats", "pdf.fonttype": 42, "text.hinting": "none"}
    with quiet_defaults(**settings):
        figure.savefig(stream, format=kind, dpi=dpi if kind == "png" else 72, metadata=_METADATA[kind])
    return stream.getvalue()


def inline_svg(figure: Figure, *, title: str, description: str, id_prefix: str) -> str:
    """A figure as an ``<svg>`` element for an HTML page that defines the CSS variables of `palette.css_variables`.

    Parameters
    ----------
    figure
        A figure in the colours of `palette.PALETTE`.
    title, description
        What a screen reader says: name, and the finding in words.  ``*word*`` loses its asterisks.
    id_prefix
        Goes in front of each id, so that the figures of one page do not clash: the exhibit's id.

    Returns
    -------
    str
        The element, without sizes (it fills its container), colours as variables, words in the page's own fonts.
        For readers that do not know variables (WeasyPrint), `palette.put_hex_back`.
    """
    return inline(_saved(figure, "svg", 72), title=title, description=description, id_prefix=id_prefix)
