"""How curves are drawn: results in, a matplotlib Figure out; no statistic is computed here.

Describe the picture in plain values (`KaplanMeierPicture`, `ForestPicture` and their like), draw it (`draw_picture`, or
the function of its kind), write it (`figure_bytes` for files, `inline_svg` for an HTML page).  Matplotlib is loaded by
drawing and writing only, so that importing these names costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cohortstats.figures.droplet_picture import DropletPanel, DropletPicture
from cohortstats.figures.flow_picture import FlowBox, FlowPicture
from cohortstats.figures.forest_picture import ForestEstimate, ForestPicture, ForestRow
from cohortstats.figures.missingness_picture import MissingnessPattern, MissingnessPicture, MissingnessRow
from cohortstats.figures.picture import CurveGroup, KaplanMeierPicture, RiskTable
from cohortstats.figures.pictures import Picture
from cohortstats.figures.swimmer_picture import SwimmerBar, SwimmerMark, SwimmerPicture
from cohortstats.figures.waterfall_picture import WaterfallBar, WaterfallPicture

if TYPE_CHECKING:
    from cohortstats.figures.draw import draw_picture
    from cohortstats.figures.droplets import draw_droplets
    from cohortstats.figures.files import figure_bytes, inline_svg
    from cohortstats.figures.flow import draw_flow
    from cohortstats.figures.fonts import missing_glyphs
    from cohortstats.figures.forest import draw_forest
    from cohortstats.figures.kaplan_meier import draw_kaplan_meier
    from cohortstats.figures.missingness import draw_missingness
    from cohortstats.figures.swimmer import draw_swimmer
    from cohortstats.figures.waterfall import draw_waterfall

__all__ = [
    "CurveGroup",
    "DropletPanel",
    "DropletPicture",
    "FlowBox",
    "FlowPicture",
    "ForestEstimate",
    "ForestPicture",
    "ForestRow",
    "KaplanMeierPicture",
    "MissingnessPattern",
    "MissingnessPicture",
    "MissingnessRow",
    "Picture",
    "RiskTable",
    "SwimmerBar",
    "SwimmerMark",
    "SwimmerPicture",
    "WaterfallBar",
    "WaterfallPicture",
    "draw_droplets",
    "draw_flow",
    "draw_forest",
    "draw_kaplan_meier",
    "draw_missingness",
    "draw_picture",
    "draw_swimmer",
    "draw_waterfall",
    "figure_bytes",
    "inline_svg",
    "missing_glyphs",
]

_HOME = {
    "draw_droplets": "droplets",
    "draw_flow": "flow",
    "draw_forest": "forest",
    "draw_kaplan_meier": "kaplan_meier",
    "draw_missingness": "missingness",
    "draw_picture": "draw",
    "draw_swimmer": "swimmer",
    "draw_waterfall": "waterfall",
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
