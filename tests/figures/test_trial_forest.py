"""A forest plot from a frame of trials: squares by weight, printed text, marks, and nothing overlaps."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cohortstats.errors import InputError
from cohortstats.figures import ForestEstimate, ForestPicture, ForestRow, draw_forest, figure_bytes, inline_svg
from cohortstats.figures.palette import PALETTE
from cohortstats.figures.trial_forest import trial_picture


def _neighbour(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


faults = _neighbour("test_forest").faults


def frame(**columns: Any) -> pd.DataFrame:
    rows = {
        "trial": ["EMILIA", "TH3RESA", "trastuzumab + lapatinib v lapatinib"],
        "endpoint": ["PFS", "PFS", "PFS"],
        "arm_1": ["T-DM1", "T-DM1", "trastuzumab + lapatinib"],
        "arm_2": ["lapatinib + capecitabine", "physician's choice", "lapatinib"],
        "unit": ["months", "months", "weeks"],
        "median_1": [9.6, 6.2, 12.0],
        "median_2": [6.4, 3.3, 8.1],
        "median_1_printed": ["9.6", "6.2", "12.0"],
        "median_2_printed": ["6.4", "3.3", "8.1"],
        "hr": [0.65, 0.528, 0.73],
        "ci_lower": [0.55, 0.422, 0.57],
        "ci_upper": [0.77, 0.661, 0.93],
        "hr_printed": ["0.65", "0.528", "0.73"],
        "ci_lower_printed": ["0.55", "0.422", "0.57"],
        "ci_upper_printed": ["0.77", "0.661", "0.93"],
        "p_printed": ["<0.001", "<0.0001", "0.08"],
        "verdict": ["holds", "holds", "cannot hold"],
    }
    return pd.DataFrame(rows | columns)


def squares(figure: Any) -> dict[float, float]:
    return {
        float(np.asarray(line.get_xdata())[0]): line.get_markersize()
        for line in figure.axes[0].lines
        if line.get_marker() == "s"
    }


def words(figure: Any) -> str:
    return " ".join(text.get_text() for text in figure.texts)


def test_areas_of_squares_stand_to_each_other_as_the_weights_do() -> None:
    sizes = squares(draw_forest(frame()))
    weights = {hr: math.log(upper / lower) ** -2 for hr, lower, upper in frame()[["hr", "ci_lower", "ci_upper"]].values}
    heaviest = max(weights.values())
    for hr, size in sizes.items():
        assert (size / max(sizes.values())) ** 2 == pytest.approx(weights[hr] / heaviest)


def test_a_wider_level_weighs_by_its_own_z() -> None:
    rows = frame(ci_level=[0.95, 95, 0.99], verdict="")
    z = {0.65: 1.959963984540054, 0.528: 1.959963984540054, 0.73: 2.5758293035489004}
    weights = {
        hr: (z[hr] / math.log(upper / lower)) ** 2 for hr, lower, upper in rows[["hr", "ci_lower", "ci_upper"]].values
    }
    figure = draw_forest(rows)
    sizes = squares(figure)
    assert (sizes[0.73] / sizes[0.65]) ** 2 == pytest.approx(weights[0.73] / weights[0.65])
    assert "0.73 (0.57–0.93; 99%)" in words(figure)


def test_the_text_is_what_was_printed() -> None:
    picture = trial_picture(frame())
    texts = [one.texts for row in picture.rows for one in row.estimates]
    assert texts == [("0.65 (0.55–0.77)", "<0.001"), ("0.528 (0.422–0.661)", "<0.0001"), ("0.73 (0.57–0.93)", "0.08 ✗")]
    # Without strings a number has its own digits, or three that count.
    bare = pd.DataFrame({"trial": ["A"], "hr": [0.6543217], "ci_lower": [0.5], "ci_upper": [0.85]})
    assert trial_picture(bare).rows[0].estimates[0].texts == ("0.654 (0.5–0.85)",)


def test_a_row_that_cannot_hold_has_a_mark_and_the_mark_is_explained() -> None:
    assert "✗ ratio, interval and P cannot all be right" in words(draw_forest(frame()))
    assert "✗" not in words(draw_forest(frame(verdict="holds")))


def test_medians_keep_their_unit_unless_another_is_asked_for() -> None:
    labels = [row.label for row in trial_picture(frame()).rows]
    assert labels[1].endswith("median 9.6 v 6.4 months") and labels[5].endswith("median 12.0 v 8.1 weeks")
    labels = [row.label for row in trial_picture(frame(), unit="months").rows]
    # 12 weeks are 84 days: 84 / 30.4375 = 2.7598; 8.1 weeks are 56.7 days: 1.8628.
    assert labels[1].endswith("median 9.6 v 6.4 months") and labels[5].endswith("median 2.8 v 1.9 months")
    reached = frame(median_1_printed=["NR", "6.2", "12.0"], median_1=[math.nan, 6.2, 12.0])
    assert "median NR v 6.4 months" in trial_picture(reached, unit="months").rows[1].label


def test_an_estimate_outside_its_interval_has_words_and_no_mark() -> None:
    figure = draw_forest(frame(hr=[0.65, 0.9, 0.73]))
    assert 0.9 not in squares(figure)
    assert "0.528 (0.422–0.661)" in words(figure)


def test_a_row_without_a_ratio_is_listed() -> None:
    figure = draw_forest(frame(hr=[0.65, math.nan, 0.73], ci_lower=[0.55, math.nan, 0.57]))
    assert len(squares(figure)) == 2
    assert "TH3RESA, PFS" in words(figure)


def test_a_pooled_row_is_a_diamond_between_its_limits() -> None:
    pooled = ForestRow(
        label="Pooled",
        estimates=(ForestEstimate(value=0.6, ci_lower=0.52, ci_upper=0.71, texts=("0.60 (0.52–0.71)", "<0.001")),),
    )
    figure = draw_forest(trial_picture(frame(), pooled=[pooled]))
    (diamond,) = figure.axes[0].patches
    xs = sorted({float(x) for x in diamond.get_xy()[:, 0]})
    assert xs == [0.52, 0.6, 0.71]
    assert 0.6 not in squares(figure)


@pytest.mark.parametrize("width", [7.2, 5.0, 3.7, 2.6])
@pytest.mark.parametrize("rows", [1, 3])
def test_no_text_touches_a_text_or_an_interval(width: float, rows: int) -> None:
    assert not faults(draw_forest(frame().iloc[:rows], width_inches=width))
    japanese = frame(trial=["試験その一、二次治療以降の症例", "T", "E"], arm_1=["トラスツズマブ エムタンシン"] * 3)
    assert not faults(draw_forest(japanese.iloc[:rows], width_inches=width))


def test_texts_are_not_cut_at_the_widths_of_the_page() -> None:
    for width in (7.2, 3.7):
        drawn = words(draw_forest(frame(), width_inches=width))
        assert "…" not in drawn
        assert "0.528 (0.422–0.661)" in drawn


def test_the_page_gets_colours_that_turn_with_its_theme() -> None:
    pooled = ForestRow(label="All", estimates=(ForestEstimate(value=0.6, texts=("0.6", "1")),))
    svg = inline_svg(draw_forest(trial_picture(frame(), pooled=[pooled])), title="T", description="D", id_prefix="f")
    assert "var(--group-1)" in svg
    assert PALETTE["group-1"].light not in svg
    assert figure_bytes(draw_forest(frame()), "svg") == figure_bytes(draw_forest(frame()), "svg")


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"hr": [0.0, 0.5, 0.7]}, "EMILIA: hr must be above 0 and finite; it is 0.0."),
        ({"ci_lower": [0.9, 0.4, 0.5]}, "EMILIA: 0.9–0.77 has its larger limit first."),
        ({"ci_level": [950, 95, 95]}, "EMILIA: 950 is no level of an interval. Write 95 or 0.95."),
    ],
)
def test_frames_that_cannot_be_drawn_are_refused(columns: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        draw_forest(frame(**columns))
    assert refused.value.problems == (sentence,)


def test_what_is_no_frame_of_trials_is_refused() -> None:
    with pytest.raises(InputError, match="needs a ForestPicture or a frame of trials"):
        draw_forest({"hr": [1]})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no column hr; did you mean hrs"):
        draw_forest(frame().rename(columns={"hr": "hrs"}))
    with pytest.raises(InputError, match="there is no trial to draw"):
        draw_forest(frame().iloc[:0])
    with pytest.raises(InputError, match="unit 'fortnights' is not known"):
        draw_forest(frame(), unit="fortnights")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a median in 'cycles' cannot be converted"):
        draw_forest(frame(unit="cycles"), unit="months")
    picture = ForestPicture(
        rows=(ForestRow(label="A", estimates=(ForestEstimate(value=1.0),)),), columns=(), x_label="x"
    )
    with pytest.raises(InputError, match="unit is for a frame of trials"):
        draw_forest(picture, unit="months")
