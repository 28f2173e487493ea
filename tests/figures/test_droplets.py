"""The droplet plot: every droplet beyond a threshold is drawn, the file stays small, colours stand out on both papers."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from cohortstats.errors import InputError
from cohortstats.figures import DropletPanel, DropletPicture, draw_droplets, figure_bytes
from cohortstats.figures.droplets import MOST_DROPLETS, SIDES, drawn_droplets
from cohortstats.figures.palette import PALETTE, contrast


def panel(n: int, positive: int, *, two: bool = True, seed: int = 1) -> DropletPanel:
    """So many droplets, of which the first are positive in channel 1."""
    dice = random.Random(seed)
    ch1 = tuple(dice.uniform(5000, 7000) if place < positive else dice.uniform(500, 2000) for place in range(n))
    ch2 = tuple(dice.uniform(400, 1500) for _ in range(n)) if two else ()
    return DropletPanel(
        title="A01", ch1=ch1, ch2=ch2, threshold_ch1=3500.0, threshold_ch2=2500.0 if two else None, text="words"
    )


def pixels(figure_of: DropletPicture, place: int = 0) -> np.ndarray:
    (image,) = draw_droplets(figure_of).axes[place].images
    return np.asarray(image.get_array())


def coloured(image: np.ndarray, side: str) -> int:
    red, green, blue = (int(SIDES[side][at : at + 2], 16) for at in (1, 3, 5))
    return int((image == [red, green, blue, 255]).all(axis=2).sum())


def test_colours_stand_out_from_both_papers_and_from_each_other_in_grey() -> None:
    for colour in SIDES.values():
        assert contrast(colour, PALETTE["paper"].light) >= 3
        assert contrast(colour, PALETTE["paper"].dark) >= 3
    assert len(set(SIDES.values())) == 4


def test_a_single_droplet_beyond_the_threshold_is_drawn() -> None:
    for n in (10, 15_000, 90_000):
        one = panel(n, 1)
        assert 0 in drawn_droplets(one)
        # Four dots by four, in the colour of channel 1.
        assert coloured(pixels(DropletPicture(panels=(one,))), "ch1") == 16


def test_no_more_than_20000_droplets_are_drawn_and_all_beyond_a_threshold() -> None:
    crowded = panel(60_000, 700)
    places = drawn_droplets(crowded)
    assert len(places) == MOST_DROPLETS == 20_000
    assert set(range(700)) <= set(places.tolist())
    assert len(set(places.tolist())) == len(places)
    assert len(drawn_droplets(panel(19_999, 5))) == 19_999
    assert len(drawn_droplets(panel(50_000, 50_000))) == 20_000


def test_the_image_shows_droplets_where_they_are() -> None:
    one = DropletPanel(
        title="A01", ch1=(6000.0, 1000.0), ch2=(1000.0, 4000.0), threshold_ch1=3500.0, threshold_ch2=2500.0
    )
    figure = draw_droplets(DropletPicture(panels=(one,)))
    axes, (image,) = figure.axes[0], figure.axes[0].images
    assert list(image.get_extent()) == [*axes.get_xlim(), *axes.get_ylim()]
    drawn = np.asarray(image.get_array())
    rows, columns = drawn.shape[:2]
    for side, x, y in (("ch1", 1000.0, 6000.0), ("ch2", 4000.0, 1000.0)):
        red, green, blue = (int(SIDES[side][at : at + 2], 16) for at in (1, 3, 5))
        at_row, at_column = np.nonzero((drawn == [red, green, blue, 255]).all(axis=2))
        low, high = axes.get_ylim()
        left, right = axes.get_xlim()
        assert abs(low + (at_row.mean() + 0.5) / rows * (high - low) - y) < (high - low) / rows * 2
        assert abs(left + (at_column.mean() + 0.5) / columns * (right - left) - x) < (right - left) / columns * 2


def test_thresholds_are_lines_over_the_whole_panel() -> None:
    figure = draw_droplets(DropletPicture(panels=(panel(100, 5),)))
    axes = figure.axes[0]
    lines = [
        (list(map(float, line.get_xdata())), list(map(float, line.get_ydata())))
        for line in axes.lines
        if line.get_color() == PALETTE["ink"].light
    ]
    assert ([*axes.get_xlim()], [3500.0, 3500.0]) in lines
    assert ([2500.0, 2500.0], [*axes.get_ylim()]) in lines
    assert len(lines) == 2


def test_panels_share_their_axes() -> None:
    figure = draw_droplets(DropletPicture(panels=(panel(50, 0), panel(50, 9, seed=2), panel(50, 1, seed=3))))
    assert len({axes.get_xlim() for axes in figure.axes}) == len({axes.get_ylim() for axes in figure.axes}) == 1
    assert len(figure.axes) == 3


def test_droplets_are_an_image_and_files_stay_small() -> None:
    figure = draw_droplets(DropletPicture(panels=(panel(20_000, 4000), panel(20_000, 40, seed=2))))
    svg = figure_bytes(figure, "svg")
    assert svg.count(b"<image") == 2
    assert b"words" in svg
    assert len(svg) < 150_000
    assert len(figure_bytes(figure, "pdf")) < 250_000
    assert svg == figure_bytes(
        draw_droplets(DropletPicture(panels=(panel(20_000, 4000), panel(20_000, 40, seed=2)))), "svg"
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"ch1": (1.0,), "ch2": (1.0, 2.0)}, "ch1 and ch2 must have the same length."),
        ({"ch1": (math.nan,)}, "amplitudes must be numbers."),
        ({"ch1": (1.0,), "threshold_ch2": 5.0}, "a threshold of channel 2 needs amplitudes of channel 2."),
        ({"ch1": (1.0,), "sides": (4,)}, "sides must be 0 to 3, one a droplet."),
    ],
)
def test_panels_that_cannot_be_drawn_are_refused(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        DropletPanel(title="A01", **fields)  # type: ignore[arg-type]
    assert list(refused.value.problems) == [f"DropletPanel 'A01': {sentence}"]


def test_pictures_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(InputError, match="1 to 96 wells can be drawn, not 0"):
        DropletPicture(panels=())
    with pytest.raises(InputError, match="there is no droplet"):
        DropletPicture(panels=(DropletPanel(title="A01", ch1=()),))
    with pytest.raises(InputError, match="all wells have one channel or all have two"):
        DropletPicture(panels=(panel(5, 1), panel(5, 1, two=False)))
