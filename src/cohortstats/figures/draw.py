"""Which function draws which picture."""

from __future__ import annotations

from matplotlib.figure import Figure

from cohortstats.figures.forest import draw_forest
from cohortstats.figures.forest_picture import ForestPicture
from cohortstats.figures.kaplan_meier import draw_kaplan_meier
from cohortstats.figures.picture import KaplanMeierPicture

__all__ = ["draw_picture"]


def draw_picture(picture: KaplanMeierPicture | ForestPicture, *, width_inches: float = 7.2) -> Figure:
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
        As `draw_kaplan_meier` or `draw_forest` makes it.

    Raises
    ------
    InputError
        For a width below 2.5 inches.
    """
    if isinstance(picture, ForestPicture):
        return draw_forest(picture, width_inches=width_inches)
    return draw_kaplan_meier(picture, width_inches=width_inches)
