"""Which function draws which picture."""

from __future__ import annotations

from matplotlib.figure import Figure

from cohortstats.figures.droplet_picture import DropletPicture
from cohortstats.figures.droplets import draw_droplets
from cohortstats.figures.flow import draw_flow
from cohortstats.figures.flow_picture import FlowPicture
from cohortstats.figures.forest import draw_forest
from cohortstats.figures.forest_picture import ForestPicture
from cohortstats.figures.kaplan_meier import draw_kaplan_meier
from cohortstats.figures.missingness import draw_missingness
from cohortstats.figures.missingness_picture import MissingnessPicture
from cohortstats.figures.pictures import Picture
from cohortstats.figures.swimmer import draw_swimmer
from cohortstats.figures.swimmer_picture import SwimmerPicture
from cohortstats.figures.waterfall import draw_waterfall
from cohortstats.figures.waterfall_picture import WaterfallPicture

__all__ = ["draw_picture"]


def draw_picture(picture: Picture, *, width_inches: float = 7.2) -> Figure:
    """Draw a picture with the function of its kind.

    Parameters
    ----------
    picture
        What is drawn.
    width_inches
        Width of the figure; about 3.7 is right for a narrow screen.

    Returns
    -------
    matplotlib.figure.Figure
        As `draw_kaplan_meier`, `draw_forest` or the function of its kind makes it.

    Raises
    ------
    InputError
        For a width below 2.5 inches.
    """
    if isinstance(picture, ForestPicture):
        return draw_forest(picture, width_inches=width_inches)
    if isinstance(picture, SwimmerPicture):
        return draw_swimmer(picture, width_inches=width_inches)
    if isinstance(picture, WaterfallPicture):
        return draw_waterfall(picture, width_inches=width_inches)
    if isinstance(picture, FlowPicture):
        return draw_flow(picture, width_inches=width_inches)
    if isinstance(picture, MissingnessPicture):
        return draw_missingness(picture, width_inches=width_inches)
    if isinstance(picture, DropletPicture):
        return draw_droplets(picture, width_inches=width_inches)
    return draw_kaplan_meier(picture, width_inches=width_inches)
