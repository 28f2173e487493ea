"""The swimmer plot: a bar ends at its length, a sign stands at its time, groups and kinds differ in more than colour."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from cohortstats.errors import InputError
from cohortstats.figures import SwimmerBar, SwimmerMark, SwimmerPicture, draw_swimmer
from cohortstats.figures.canvas import nice_ticks

BARS = (
    SwimmerBar(order=1, length=210.0, group=1, marks=(SwimmerMark(time=-7.0, kind=2), SwimmerMark(time=84.0, kind=1))),
    SwimmerBar(order=2, length=90.0, ongoing=True, group=2),
    SwimmerBar(order=3, length=0.0, group=1, marks=(SwimmerMark(time=260.0, kind=1),)),
)
PICTURE = SwimmerPicture(bars=BARS, kinds=(("death", "Death"), ("plasma", "Plasma")), groups=("A", "B"), x_label="Days")


def outlines(figure: Figure, role_width: float = 0.8) -> list[tuple[float, float]]:
    """Left and right end of every outlined rectangle, in the unit of time."""
    found = []
    for line in figure.axes[0].lines:
        xs, ys = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        if line.get_linewidth() != role_width or len(xs) % 6 or not np.isnan(xs[5]):
            continue
        found += [(float(np.nanmin(xs[at : at + 5])), float(np.nanmax(xs[at : at + 5]))) for at in range(0, len(xs), 6)]
        assert np.isnan(ys[5])
    return found


def marks(figure: Figure, marker: str) -> list[float]:
    return [
        float(x) for line in figure.axes[0].lines if line.get_marker() == marker for x in np.asarray(line.get_xdata())
    ]


def test_bars_run_from_0_to_their_length() -> None:
    ends = outlines(draw_swimmer(PICTURE))
    assert {(0.0, 210.0), (0.0, 90.0), (0.0, 0.0)} <= set(ends)


def test_signs_stand_at_their_times_also_before_the_start_and_after_the_end() -> None:
    figure = draw_swimmer(PICTURE)
    assert {84.0, 260.0} <= set(marks(figure, "x"))
    assert -7.0 in marks(figure, "o")
    low, high = figure.axes[0].get_xlim()
    assert low < -7.0 and high > 260.0


def test_one_arrow_for_each_bar_that_goes_on() -> None:
    # One in the key, one at the bar.
    assert len(marks(draw_swimmer(PICTURE), ">")) == 2
    still = replace(PICTURE, bars=tuple(replace(bar, ongoing=False) for bar in BARS))
    assert marks(draw_swimmer(still), ">") == []
    assert "Ongoing" not in [text.get_text() for text in draw_swimmer(still).texts]


def test_rows_are_in_the_order_of_the_picture_and_numbered() -> None:
    figure = draw_swimmer(PICTURE)
    heights = {text.get_text(): text.get_position()[1] for text in figure.texts if text.get_text() in "123"}
    assert heights["1"] > heights["2"] > heights["3"]


def test_groups_differ_in_how_full_their_bars_are() -> None:
    figure = draw_swimmer(PICTURE)
    full = [patch for patch in figure.axes[0].patches if patch.get_alpha()]
    # Bars of the first group and its sample in the key are full, those of the second empty.
    assert sum(len(patch.get_path().to_polygons(closed_only=False)) for patch in full) == 3
    assert {"A", "B", "Death", "Plasma"} <= {text.get_text() for text in figure.texts}


def test_many_bars_are_numbered_by_fives_and_stay_a_page() -> None:
    bars = tuple(SwimmerBar(order=order, length=301.0 - order) for order in range(1, 301))
    figure = draw_swimmer(SwimmerPicture(bars=bars, x_label="Days"))
    numbers = {text.get_text() for text in figure.texts}
    assert {"1", "5", "300"} <= numbers and "7" not in numbers
    assert figure.get_figheight() < 14


def test_ticks_asked_for_are_drawn_as_far_as_they_have_room() -> None:
    asked = replace(PICTURE, ticks=(0.0, 42.0, 84.0, 126.0, 168.0, 210.0, 252.0))
    shown = [text.get_text() for text in draw_swimmer(asked).texts]
    assert {"0", "42", "252"} <= set(shown)
    fine = replace(PICTURE, ticks=tuple(float(day) for day in range(261)))
    shown = [text.get_text() for text in draw_swimmer(fine, width_inches=3.7).texts]
    assert len(shown) < 20


def test_ticks_are_round_numbers_inside() -> None:
    for low, high in ((0, 7), (-14, 350), (0.2, 0.9), (-5, 5), (0, 1e6)):
        for most in (2, 5, 9):
            ticks = nice_ticks(low, high, most)
            assert 1 <= len(ticks) <= most
            assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"bars": ()}, "there is no bar."),
        ({"bars": BARS[1:2] * 401, "groups": ("A", "B")}, "at most 400 bars can be told apart, not 401."),
        ({"kinds": (("scan", "Scan"),)}, "'scan' is no kind of mark"),
        ({"groups": ("A",)}, "a bar has a group that the picture lacks."),
        ({"kinds": ()}, "a mark has a kind that the picture lacks."),
        ({"groups": tuple("ABCDEFG")}, "at most 6 groups can be drawn, not 7."),
    ],
)
def test_pictures_that_do_not_fit_together_are_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        replace(PICTURE, **change)  # type: ignore[arg-type]
    assert any(sentence in problem for problem in refused.value.problems)


def test_bars_and_marks_that_cannot_be_drawn_are_refused() -> None:
    for length in (-1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="length must be 0 or more"):
            SwimmerBar(order=1, length=length)
    with pytest.raises(InputError, match="time must be a number"):
        SwimmerMark(time=math.nan, kind=1)
