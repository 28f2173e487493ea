"""The waterfall plot: bars end at their change, what is cut is marked, guides stand at +20 and −30."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from cohortstats.errors import InputError
from cohortstats.figures import WaterfallBar, WaterfallPicture, draw_waterfall
from cohortstats.figures.palette import PALETTE
from cohortstats.figures.waterfall import percent_range

BARS = (
    WaterfallBar(order=1, change=160.0, response=2, capped=True),
    WaterfallBar(order=2, change=20.0, response=2),
    WaterfallBar(order=3, change=0.0),
    WaterfallBar(order=4, change=-100.0, response=1),
)
PICTURE = WaterfallPicture(bars=BARS, y_label="Change, %", x_label="Patients", responses=("CR", "PD"), cap=100.0)


def bars(figure: Figure) -> list[tuple[float, float]]:
    """Lower and upper end of every bar in percent."""
    return [
        (float(polygon[:, 1].min()), float(polygon[:, 1].max()))
        for patch in figure.axes[0].patches
        for polygon in patch.get_path().to_polygons(closed_only=False)
    ]


def marks(figure: Figure, marker: str) -> list[tuple[float, float]]:
    return [
        (float(x), float(y))
        for line in figure.axes[0].lines
        if line.get_marker() == marker
        for x, y in zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True)
    ]


def test_bars_end_at_their_change_or_at_the_cap() -> None:
    assert bars(draw_waterfall(PICTURE)) == [(0.0, 100.0), (0.0, 20.0), (-100.0, 0.0)]


def test_a_change_of_0_is_a_short_line() -> None:
    figure = draw_waterfall(PICTURE)
    flat = [line for line in figure.axes[0].lines if line.get_linewidth() == 2.4]
    assert [list(line.get_ydata()) for line in flat] == [[0.0, 0.0]]
    assert all(2 < float(x) < 3 for x in flat[0].get_xdata())


def test_exactly_the_cut_bars_have_an_arrowhead() -> None:
    ((x, y),) = marks(draw_waterfall(PICTURE), "^")
    assert x == 0.5 and y > 100
    uncut = replace(PICTURE, bars=tuple(replace(bar, capped=False) for bar in BARS), cap=None)
    assert marks(draw_waterfall(uncut), "^") == []
    assert max(end for _, end in bars(draw_waterfall(uncut))) == 160.0


def test_the_response_is_told_by_the_line_of_the_sign() -> None:
    figure = draw_waterfall(PICTURE)
    found = dict(marks(figure, "s"))
    assert set(found) == {0.5, 1.5, 3.5}  # the third patient has none
    assert found[0.5] == found[1.5] < found[3.5]  # PD stands below CR
    heights = {text.get_text(): text.get_position()[1] for text in figure.texts}
    assert heights["CR"] > heights["PD"]


def test_guides_are_dotted_and_named() -> None:
    figure = draw_waterfall(PICTURE)
    dotted = [
        float(np.asarray(line.get_ydata())[0])
        for line in figure.axes[0].lines
        if line.get_color() == PALETTE["muted"].light and line.get_linestyle() not in ("-", "None")
    ]
    assert dotted == [20.0, -30.0]
    assert {"+20", "−30"} <= {text.get_text() for text in figure.texts}


def test_few_bars_do_not_fill_the_page() -> None:
    three = WaterfallPicture(bars=tuple(replace(bar, response=0) for bar in BARS[1:]), y_label="", x_label="")
    few = draw_waterfall(three).axes[0].get_position().width
    many = tuple(WaterfallBar(order=order, change=50.0 - order) for order in range(1, 60))
    assert few < 0.3 < draw_waterfall(WaterfallPicture(bars=many, y_label="", x_label="")).axes[0].get_position().width


def test_the_axis_holds_every_bar_and_guide() -> None:
    for changes in ((5.0, -5.0), (99.0, 0.0), (700.0, -100.0), (1e6, 1.0)):
        picture = WaterfallPicture(
            bars=tuple(WaterfallBar(order=place, change=change) for place, change in enumerate(changes, start=1)),
            y_label="",
            x_label="",
        )
        low, high = percent_range(picture)
        assert low <= min(-30.0, *changes) and high >= max(20.0, *changes)
        figure = draw_waterfall(picture)
        assert len(figure.texts) < 30


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"bars": ()}, "there is no bar."),
        ({"bars": BARS[::-1]}, "bars must be in falling order."),
        ({"cap": 200.0}, "exactly the bars beyond the cap are capped."),
        ({"cap": None}, "exactly the bars beyond the cap are capped."),
        ({"cap": -1.0}, "cap must be above 0; it is -1.0."),
        ({"responses": ("CR",)}, "a bar has a response that the picture lacks."),
    ],
)
def test_pictures_that_do_not_fit_together_are_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        replace(PICTURE, **change)  # type: ignore[arg-type]
    assert any(sentence in problem for problem in refused.value.problems)


def test_changes_that_are_not_possible_are_refused() -> None:
    for change in (-100.5, math.nan, math.inf):
        with pytest.raises(InputError, match="change must be −100 or more"):
            WaterfallBar(order=1, change=change)
