"""What is drawn is what the picture says: steps, bands, ticks, medians, numbers at risk."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cohortstats.figures import CurveGroup, KaplanMeierPicture, RiskTable, draw_kaplan_meier, missing_glyphs
from cohortstats.figures.palette import PALETTE
from cohortstats.figures.steps import band_pieces


def lines(figure: Figure, role: str, width: float) -> list[Line2D]:
    return [
        line
        for line in figure.axes[0].lines
        if line.get_color() == PALETTE[role].light and line.get_linewidth() == width
    ]


def test_curves_are_solid_steps_to_the_last_observation(study: KaplanMeierPicture) -> None:
    figure = draw_kaplan_meier(study)
    (curve,) = lines(figure, "group-2", 1.9)
    x, y = (np.asarray(values) for values in curve.get_data())
    assert curve.get_linestyle() == "-"
    assert (x[0], y[0], x[-1], y[-1]) == (0, 1, 444, 0)
    assert not np.any((np.diff(x) != 0) & (np.diff(y) != 0))


def test_median_lines_start_at_one_half_on_the_curve_and_end_at_the_axis(study: KaplanMeierPicture) -> None:
    figure = draw_kaplan_meier(study)
    for slot, group in enumerate(study.groups, start=1):
        assert group.median is not None
        (median,) = lines(figure, f"group-{slot}", 0.9)
        assert [tuple(map(float, point)) for point in zip(*median.get_data(), strict=True)] == [
            (group.median, 0.5),
            (group.median, 0.0),
        ]
        place = group.times.index(group.median)
        assert group.survival[place] <= 0.5 <= group.survival[place - 1]
    (half,) = lines(figure, "muted", 0.9)
    assert max(half.get_xdata()) == max(group.median or 0 for group in study.groups)


def test_a_median_that_is_not_reached_has_no_line(study: KaplanMeierPicture) -> None:
    groups = tuple(replace(group, median=None, median_text="") for group in study.groups)
    figure = draw_kaplan_meier(replace(study, groups=groups))
    assert not lines(figure, "group-1", 0.9)
    assert not lines(figure, "muted", 0.9)


def test_censor_ticks_stand_on_the_curve(study: KaplanMeierPicture) -> None:
    (ticks,) = lines(draw_kaplan_meier(study), "group-2", 1.3)
    x, y = (np.asarray(values, dtype=float) for values in ticks.get_data())
    group = study.groups[1]
    assert sorted(set(x[np.isfinite(x)])) == sorted(group.censor_times)
    middles = [float((low + high) / 2) for low, high in zip(y[0::3], y[1::3], strict=True)]
    assert middles == pytest.approx(group.censor_survival)


def test_a_band_is_left_out_where_a_limit_is_undefined() -> None:
    nan = math.nan
    group = CurveGroup(
        name="a",
        label="A",
        times=(0.0, 1.0, 2.0, 3.0),
        survival=(1.0, 0.75, 0.5, 0.25),
        ci_lower=(1.0, 0.4, nan, 0.1),
        ci_upper=(1.0, 0.9, nan, 0.6),
        end=4.0,
    )
    assert band_pieces(group, 0.0, 4.0, 0.01) == [
        [(1.0, 0.9), (2.0, 0.9), (2.0, 0.4), (1.0, 0.4)],
        [(3.0, 0.6), (4.0, 0.6), (4.0, 0.1), (3.0, 0.1)],
    ]


def test_ticks_stop_inside_follow_up(study: KaplanMeierPicture) -> None:
    shown = [text.get_text() for text in draw_kaplan_meier(study).texts]
    assert [tick for tick in ("0", "90", "180", "270", "360", "450", "540") if tick in shown] == [
        "0", "90", "180", "270", "360", "450",
    ]  # fmt: skip
    assert "100%" in shown
    assert "0.75" in [text.get_text() for text in draw_kaplan_meier(replace(study, percent_axis=False)).texts]


def test_numbers_at_risk_stand_under_their_ticks(study: KaplanMeierPicture) -> None:
    ticks = (0.0, 90.0, 180.0, 270.0, 360.0, 450.0)
    rows = (
        ((11, 12, 13, 14, 15, 16), (21, 22, 23, 24, 25, 26), (31, 32, 33, 34, 35, 36)),
        ((41, 42, 43, 44, 45, 46), (51, 52, 53, 54, 55, 56), (61, 62, 63, 64, 65, 66)),
    )
    figure = draw_kaplan_meier(replace(study, risk_table=RiskTable(ticks=ticks, rows=rows)))
    across = {text.get_text(): text.get_position()[0] for text in figure.texts}
    for group in rows:
        for row in group:
            for tick, number in zip(ticks, row, strict=True):
                assert across[str(number)] == pytest.approx(across[str(int(tick))])
    assert sum(text.get_text() == "At risk" for text in figure.texts) == 2
    bare = draw_kaplan_meier(study)
    assert not any(text.get_text() == "At risk" for text in bare.texts)


def test_beyond_too_few_at_risk_the_curve_is_grey(study: KaplanMeierPicture) -> None:
    figure = draw_kaplan_meier(replace(study, min_at_risk_time=(100.0, None)))
    (coloured,) = lines(figure, "group-1", 1.9)
    (grey,) = lines(figure, "muted", 1.9)
    assert max(coloured.get_xdata()) == min(grey.get_xdata()) == 100.0
    assert max(grey.get_xdata()) == 253.0


def test_colour_slots_follow_the_picture(study: KaplanMeierPicture) -> None:
    first, second = study.groups
    figure = draw_kaplan_meier(replace(study, groups=(replace(first, colour=2), replace(second, colour=1))))
    (curve,) = lines(figure, "group-2", 1.9)
    assert max(curve.get_xdata()) == first.end
    (label,) = [text for text in figure.texts if text.get_text() == "HER2"]
    assert label.get_color() == "#b34e00"


def test_from_three_groups_on_lines_differ_in_more_than_colour(make: Callable[..., KaplanMeierPicture]) -> None:
    figure = draw_kaplan_meier(make(4, 4))
    markers = {line.get_marker() for line in figure.axes[0].lines if line.get_linestyle() == "None"}
    assert len(markers) == 4
    widths = {line.get_linewidth() for line in figure.axes[0].lines if line.get_color() == PALETTE["group-1"].light}
    assert 2.1 in widths


def test_a_long_curve_is_thinned_to_what_can_be_seen() -> None:
    count = 50_000
    times = tuple(float(place) for place in range(count + 1))
    levels = tuple(1 - place / (2 * count) for place in range(count + 1))
    group = CurveGroup(
        name="a", label="Many", times=times, survival=levels, ci_lower=levels, ci_upper=levels, end=float(count)
    )
    figure = draw_kaplan_meier(
        KaplanMeierPicture(groups=(group,), x_label="Days", y_label="S", x_max=float(count), ticks=(0.0, 25_000.0))
    )
    (curve,) = lines(figure, "group-1", 1.9)
    assert len(curve.get_xdata()) < 4000
    assert curve.get_ydata()[-1] == 0.5


@pytest.mark.parametrize(
    "change",
    [
        {"times": (1.0, 3.0)},
        {"survival": (1.0,)},
        {"survival": (1.0, 50.0)},
        {"times": (0.0, math.nan)},
        {"end": 2.0},
        {"censor_times": (1.0,)},
        {"colour": 7},
    ],
)
def test_curves_that_cannot_be_drawn_are_refused(change: dict[str, object]) -> None:
    fields: dict[str, object] = {
        "name": "a",
        "label": "A",
        "times": (0.0, 3.0),
        "survival": (1.0, 0.5),
        "ci_lower": (1.0, 0.1),
        "ci_upper": (1.0, 0.8),
        "end": 5.0,
    }
    with pytest.raises(ValueError, match="CurveGroup 'a'"):
        CurveGroup(**(fields | change))


def test_pictures_that_do_not_fit_together_are_refused(study: KaplanMeierPicture) -> None:
    for change in (
        {"groups": ()},
        {"x_max": 0.0},
        {"min_at_risk_time": (1.0,)},
        {"risk_table": RiskTable(ticks=(0.0,), rows=())},
    ):
        with pytest.raises(ValueError, match="KaplanMeierPicture"):
            replace(study, **change)
    with pytest.raises(ValueError, match="RiskTable"):
        RiskTable(ticks=(0.0, 1.0), rows=(((1,), (1, 2), (1, 2)),))


def test_settings_of_the_caller_neither_show_nor_change(study: KaplanMeierPicture) -> None:
    plain = [(text.get_text(), text.get_position()) for text in draw_kaplan_meier(study).texts]
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "text.usetex": True, "axes.facecolor": "red"}):
        before = dict(matplotlib.rcParams)
        figure = draw_kaplan_meier(study)
        assert dict(matplotlib.rcParams) == before
    assert [(text.get_text(), text.get_position()) for text in figure.texts] == plain


def test_characters_without_a_font_are_told_not_warned_about(study: KaplanMeierPicture) -> None:
    odd = replace(study, groups=(replace(study.groups[0], label="A \U0001f9ec\u1801 B"), study.groups[1]))
    assert "\u1801" in missing_glyphs(odd)
    assert missing_glyphs(study) == ""
    draw_kaplan_meier(odd).canvas.draw()  # type: ignore[attr-defined]


def test_values_need_no_matplotlib_and_drawing_needs_no_pyplot() -> None:
    program = (
        "import sys\n"
        "import cohortstats.figures as figures, cohortstats.figures.palette\n"
        "assert 'matplotlib' not in sys.modules and 'numpy' not in sys.modules\n"
        "group = figures.CurveGroup(name='a', label='A', times=(0.0, 1.0), survival=(1.0, 0.5), ci_lower=(1.0, 0.1),\n"
        "                           ci_upper=(1.0, 0.9), end=2.0)\n"
        "picture = figures.KaplanMeierPicture(groups=(group,), x_label='x', y_label='y', x_max=2.0, ticks=(0.0, 1.0))\n"
        "figure = figures.draw_kaplan_meier(picture)\n"
        "[figures.figure_bytes(figure, kind) for kind in ('svg', 'pdf', 'png')]\n"
        "assert 'matplotlib' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot'\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, capture_output=True)
