"""Every kind of picture that can be drawn."""

from __future__ import annotations

from cohortstats.figures.droplet_picture import DropletPicture
from cohortstats.figures.flow_picture import FlowPicture
from cohortstats.figures.forest_picture import ForestPicture
from cohortstats.figures.missingness_picture import MissingnessPicture
from cohortstats.figures.picture import KaplanMeierPicture
from cohortstats.figures.swimmer_picture import SwimmerPicture
from cohortstats.figures.waterfall_picture import WaterfallPicture

__all__ = ["Picture"]

Picture = (
    KaplanMeierPicture
    | ForestPicture
    | SwimmerPicture
    | WaterfallPicture
    | FlowPicture
    | MissingnessPicture
    | DropletPicture
)
