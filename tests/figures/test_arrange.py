"""No text touches another text, a curve, a mark or the edge, by the boxes that matplotlib itself reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from cohortstats.figures import KaplanMeierPicture, draw_kaplan_meier
from cohortstats.figures.fonts import quiet_defaults

STAMP = "rebuilt from published aggregates, not patient records: one of many cohorts with the printed medians and P"
CASES = [
    (seed, count, width, seed % 2 == 0, seed % 4 >= 2)
    for count in range(1, 7)
    for seed in range(1, 9)
    for width in (7.2, 3.7)
]


def boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    with quiet_defaults(**{"text.hinting": "none"}):
        renderer = canvas.get_renderer()
        return [(text.get_text(), text.get_window_extent(renderer)) for text in figure.texts]


def runs_of_one_line(figure: Figure, first: int, second: int) -> bool:
    return figure.texts[first].get_gid().rpartition("-")[0] == figure.texts[second].get_gid().rpartition("-")[0]


def pieces(figure: Figure) -> list[tuple[str, Bbox]]:
    """Straight pieces of all lines of the plot, and the boxes of markers, in dots; bands and paper are left out."""
    found = []
    for line in figure.axes[0].lines:
        points = figure.axes[0].transData.transform(np.column_stack(line.get_data()))
        if line.get_linestyle() == "None":
            half = line.get_markersize() / 2 * figure.dpi / 72
            found += [("marker", Bbox([point - half, point + half])) for point in points]
            continue
        for (x0, y0), (x1, y1) in pairwise(points):
            if np.isfinite([x0, y0, x1, y1]).all():
                found.append(("line", Bbox([[min(x0, x1), min(y0, y1)], [max(x0, x1), max(y0, y1)]])))
    return found


def overlap(one: Bbox, other: Bbox, slack: float = 0.0) -> bool:
    return (
        one.x0 + slack < other.x1
        and other.x0 + slack < one.x1
        and one.y0 + slack < other.y1
        and other.y0 + slack < one.y1
    )


def faults(figure: Figure) -> list[str]:
    texts, drawn = boxes(figure), pieces(figure)
    found = []
    for place, (text, box) in enumerate(texts):
        if box.x0 < 0 or box.y0 < 0 or box.x1 > figure.bbox.x1 or box.y1 > figure.bbox.y1:
            found.append(f"{text!r} leaves the figure")
        # Italic letters lean over the start of the next run of their own line.
        found += [
            f"{text!r} on {texts[later][0]!r}"
            for later in range(place + 1, len(texts))
            if overlap(box, texts[later][1], 0.5) and not runs_of_one_line(figure, place, later)
        ]
        found += [f"{text!r} on a {kind} {piece}" for kind, piece in drawn if overlap(box, piece)]
    return found


@pytest.mark.parametrize(("seed", "count", "width", "japanese", "stamped"), CASES)
def test_nothing_overlaps(
    make: Callable[..., KaplanMeierPicture], seed: int, count: int, width: float, japanese: bool, stamped: bool
) -> None:
    picture = make(100 * count + seed, count, japanese=japanese, stamp=STAMP if stamped else "", table=seed % 3 == 0)
    figure = draw_kaplan_meier(picture, width_inches=width)
    assert faults(figure) == []
    shown = "".join(text.get_text() for text in figure.texts).replace(" ", "")
    for words in (picture.p_text, picture.stamp, *(group.median_text for group in picture.groups)):
        assert words.replace(" ", "") in shown
    if picture.risk_table is None:
        for group in picture.groups:
            assert group.label.replace("*", "").replace(" ", "") in shown


def test_the_study_is_labelled_beside_its_curves(study: KaplanMeierPicture) -> None:
    figure = draw_kaplan_meier(study)
    assert faults(figure) == []
    placed = {text.get_text(): text for text in figure.texts}
    left, right = figure.axes[0].get_window_extent().intervalx
    for words in ("All other patients", "HER2"):
        box = dict(boxes(figure))[words]
        assert left < box.x0 < box.x1 < right
        assert placed[words].get_fontweight() == "bold"
    assert placed["HER2"].get_fontstyle() == "italic"
    assert {"40 d", "318 d"} & set(placed)


def test_equal_curves_go_to_a_key(study: KaplanMeierPicture) -> None:
    twin = replace(study.groups[0], name="twin", label="The same once more")
    picture = replace(study, groups=(study.groups[0], twin))
    figure = draw_kaplan_meier(picture)
    assert faults(figure) == []
    lowest = min(box.y0 for text, box in boxes(figure) if text in {"The same once more", "HER2"})
    assert lowest > figure.axes[0].get_window_extent().y1 or figure.axes[0].get_position().x1 < 0.8


def test_a_very_long_label_is_cut_and_stays_inside(study: KaplanMeierPicture) -> None:
    long = replace(study.groups[1], label="x" * 10_000)
    figure = draw_kaplan_meier(replace(study, groups=(study.groups[0], long), stamp="word " * 2000, x_label="y" * 9000))
    assert faults(figure) == []
    assert any(text.get_text().endswith("…") for text in figure.texts)


@pytest.mark.parametrize("height", [0.5, 3.0, 6.0])
def test_a_given_height_is_kept_where_the_plot_fits(study: KaplanMeierPicture, height: float) -> None:
    figure = draw_kaplan_meier(study, height_inches=height)
    assert faults(figure) == []
    assert figure.get_figheight() == pytest.approx(height) or height < 1 < figure.get_figheight() < 3


def test_a_width_without_room_for_words_is_refused(study: KaplanMeierPicture) -> None:
    with pytest.raises(ValueError, match=r"at least 2\.5"):
        draw_kaplan_meier(study, width_inches=1.0)


def test_the_check_itself_sees_a_label_on_a_curve(study: KaplanMeierPicture) -> None:
    figure = draw_kaplan_meier(study)
    (label,) = [text for text in figure.texts if text.get_text() == "All other patients"]
    label.set_position((label.get_position()[0] - 20, label.get_position()[1] - 20))
    assert any("All other patients" in fault for fault in faults(figure))
