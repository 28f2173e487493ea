"""How curves are drawn: results in, a matplotlib Figure out; no statistic is computed here.

Describe the picture in plain values (`KaplanMeierPicture`, `ForestPicture`), draw it (`draw_picture`, or the function
of its kind), write it (`figure_bytes` for files, `inline_svg` for an HTML page).  Matplotlib is loaded by drawing and
writing only, so that importing these names costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cohortstats.figures.forest_picture import ForestEstimate, ForestPicture, ForestRow
from cohortstats.figures.picture import CurveGroup, KaplanMeierPicture, RiskTable

if TYPE_CHECKING:
    from cohortstats.figures.draw import draw_picture
    from cohortstats.figures.files import figure_bytes, inline_svg
    from cohortstats.figures.fonts import missing_glyphs
    from cohortstats.figures.forest import draw_forest
    from cohortstats.figures.kaplan_meier import draw_kaplan_meier

__all__ = [
    "CurveGroup",
    "ForestEstimate",
    "ForestPicture",
    "ForestRow",
    "KaplanMeierPicture",
    "RiskTable",
    "draw_forest",
    "draw_kaplan_meier",
    "draw_picture",
    "figure_bytes",
    "inline_svg",
    "missing_glyphs",
]

_HOME = {
    "draw_forest": "forest",
    "draw_kaplan_meier": "kaplan_meier",
    "draw_picture": "draw",
    "figure_bytes": "files",
    "inline_svg": "files",
    "missing_glyphs": "fonts",
}


def __getattr__(name: str) -> Any:
    """Load the part that needs matplotlib when it is first asked for (PEP 562)."""
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
