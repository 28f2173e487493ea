"""The flow chart: numbers add up on every arrow, and every arrow goes from a box to its child."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure

from cohortstats.errors import InputError
from cohortstats.figures import FlowBox, FlowPicture, draw_flow

BOXES = (
    FlowBox(label="Rows", n=36),
    FlowBox(label="Cohort", n=34, parent=0, out=(("twice", 2),)),
    FlowBox(label="Plasma", n=16, parent=1, out=(("none", 17), ("unknown", 1))),
    FlowBox(label="Curve", n=15, parent=2, out=(("no time", 1),)),
    FlowBox(label="Table", n=34, parent=1),
)


def frames(figure: Figure) -> list[tuple[float, float, float, float]]:
    """Left, bottom, right and top of every box."""
    found = []
    for line in figure.axes[0].lines:
        xs, ys = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        if len(xs) == 5 and xs[0] == xs[-1] and ys[0] == ys[-1]:
            found.append((float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max())))
    return found


def heads(figure: Figure, marker: str) -> list[tuple[float, float]]:
    return [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in figure.axes[0].lines
        if line.get_marker() == marker
    ]


@pytest.mark.parametrize("width", [7.2, 3.7])
def test_a_box_a_step_with_its_number(width: float) -> None:
    figure = draw_flow(FlowPicture(boxes=BOXES), width_inches=width)
    boxes = frames(figure)
    assert len(boxes) == 5
    shown = [text.get_text() for text in figure.texts]
    assert sorted(text for text in shown if text.startswith("n =")) == sorted(f"n = {box.n}" for box in BOXES)
    # From top to bottom, none on another.
    for above, below in pairwise(boxes):
        assert above[1] > below[3]


def test_single_steps_stand_under_each_other_and_branches_are_set_in() -> None:
    boxes = frames(draw_flow(FlowPicture(boxes=BOXES)))
    assert boxes[0][0] == boxes[1][0]
    assert boxes[2][0] == boxes[3][0] == boxes[4][0] > boxes[1][0]


def test_every_way_ends_in_an_arrowhead_at_its_box() -> None:
    figure = draw_flow(FlowPicture(boxes=BOXES))
    boxes = frames(figure)
    down, across = heads(figure, "v"), heads(figure, ">")
    for place in (1, 3):  # single steps
        assert any(boxes[place][3] < y < boxes[place][3] + 6 and boxes[place][0] < x < boxes[place][2] for x, y in down)
    for place in (2, 4):  # branches
        assert any(
            boxes[place][0] - 6 < x < boxes[place][0] and boxes[place][1] < y < boxes[place][3] for x, y in across
        )
    assert len(down) == 2


def test_who_was_left_out_is_told_with_the_number_in_one_piece() -> None:
    figure = draw_flow(FlowPicture(boxes=BOXES))
    shown = [text.get_text() for text in figure.texts]
    assert {"twice (n = 2)", "none (n = 17)", "unknown (n = 1)", "no time (n = 1)"} <= set(shown)
    long = (BOXES[0], FlowBox(label="B", n=34, parent=0, out=(("a reason that takes more than a single line", 2),)))
    lines = [text.get_text() for text in draw_flow(FlowPicture(boxes=long), width_inches=3.7).texts]
    assert any("(n = 2)" in line for line in lines)


def test_nobody_left_out_leaves_no_words() -> None:
    boxes = (BOXES[0], FlowBox(label="Cohort", n=36, parent=0, out=(("twice", 0),)))
    assert not any("twice" in text.get_text() for text in draw_flow(FlowPicture(boxes=boxes)).texts)


@pytest.mark.parametrize(
    ("boxes", "sentence"),
    [
        ((), "there is no box."),
        ((BOXES[1],), "'Cohort' stands before its parent."),
        ((BOXES[0], FlowBox(label="Cohort", n=34)), "'Cohort' needs a parent."),
        ((BOXES[0], FlowBox(label="B", n=34, parent=0, out=(("x", 1),))), "36 less 1 is not 34 on the way to 'B'."),
        ((FlowBox(label="A", n=-1),), "a number at 'A' is negative."),
        ((BOXES[0], FlowBox(label="B", n=38, parent=0, out=(("x", -2),))), "a number at 'B' is negative."),
    ],
)
def test_charts_whose_numbers_do_not_add_up_are_refused(boxes: tuple[FlowBox, ...], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        FlowPicture(boxes=boxes)
    assert f"FlowPicture: {sentence}" in refused.value.problems


def test_no_number_is_cut_however_deep_and_narrow() -> None:
    reason = "treated in a trial of another drug at another hospital before the first dose " * 4
    boxes = [FlowBox(label="Cohort", n=123456)]
    for depth in range(6):
        parent = 0 if depth == 0 else 2 * depth - 1
        n = boxes[parent].n
        boxes.append(FlowBox(label="First way", n=n - depth - 1, parent=parent, out=((reason, depth + 1),)))
        boxes.append(FlowBox(label="Second way", n=n, parent=parent))
    figure = draw_flow(FlowPicture(boxes=tuple(boxes)), width_inches=2.5)
    shown = "".join(text.get_text() for text in figure.texts).replace(" ", "")
    for box in boxes:
        assert f"n={box.n}" in shown
        assert all(f"(n={left})" in shown for _, left in box.out)
