"""The forest plot: what is drawn is what the picture says, no text touches anything, and files are the same every time."""

from __future__ import annotations

import hashlib
import math
import os
import random
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from cohortstats.errors import InputError
from cohortstats.figures import (
    ForestEstimate,
    ForestPicture,
    ForestRow,
    draw_forest,
    draw_picture,
    figure_bytes,
    inline_svg,
    missing_glyphs,
)
from cohortstats.figures.fonts import quiet_defaults
from cohortstats.figures.forest import axis_range, axis_ticks
from cohortstats.figures.palette import PALETTE

ENGLISH = (
    "Age, per 10 years",
    "*HER2* amplification in plasma, measured by droplet digital PCR before the first dose of T-DM1",
    "Hormone receptor status",
    "A",
    "Prior lines of chemotherapy for metastatic disease (taxane, capecitabine, vinorelbine or eribulin)",
    "Neutrophil-to-lymphocyte-ratio-above-the-median-of-this-cohort-without-a-blank",
)
JAPANESE = (
    "年齢（10年あたり）",
    "血漿ctDNAで評価した*HER2*増幅（初回投与前、デジタルPCR、カットオフは文献による）",
    "ホルモン受容体",
    "前治療レジメン数（転移・再発後の化学療法、ホルモン療法を除く）",
)


def estimate(value: float, lower: float, upper: float, series: int = 1, p: str = "0.041") -> ForestEstimate:
    text = "NE" if math.isnan(value) else f"{value:.2f} ({lower:.2f}–{upper:.2f})"
    return ForestEstimate(value=value, ci_lower=lower, ci_upper=upper, texts=(text, p), series=series)


def made(seed: int, count: int, *, series: int = 2, japanese: bool = False, stamp: str = "") -> ForestPicture:
    """A picture with so many rows, some headings, references, open and undefined intervals."""
    dice = random.Random(seed)
    labels = JAPANESE if japanese else ENGLISH
    rows: list[ForestRow] = []
    while len(rows) < count:
        kind = dice.randrange(5)
        if kind == 0:
            rows.append(ForestRow(label=dice.choice(labels)))
            continue
        if kind == 1:
            rows.append(
                ForestRow(label=dice.choice(labels), indent=1, text="1（基準）" if japanese else "1 (reference)")
            )
            continue
        found = []
        for number in range(1, series + 1):
            value = math.exp(dice.gauss(0, 1.2))
            width = math.exp(abs(dice.gauss(0, 1.5)))
            lower, upper = (value / width, value * width)
            lower, upper = dice.choice([(lower, upper), (lower, upper), (0.0, upper), (lower, math.inf)])
            if dice.random() < 0.1:
                value = lower = upper = math.nan
            found.append(estimate(value, lower, upper, number))
        rows.append(ForestRow(label=dice.choice(labels), indent=dice.randrange(2), estimates=tuple(found)))
    names = ("単変量", "多変量", "その他") if japanese else ("Univariable", "Multivariable", "Stratified")
    return ForestPicture(
        rows=tuple(rows),
        columns=("HR（95% CI）" if japanese else "HR (95% CI)", "*P*"),
        x_label="無増悪期間：ハザード比（対数目盛）" if japanese else "Time to progression: hazard ratio (log scale)",
        series=names[:series],
        stamp=stamp,
    )


def simple(*estimates: ForestEstimate, series: tuple[str, ...] = ("",)) -> ForestPicture:
    row = ForestRow(label="Age", estimates=estimates)
    return ForestPicture(rows=(row,), columns=("HR", "P"), x_label="Hazard ratio", series=series)


# ---- what is drawn


def strokes(figure: Figure, role: str, width: float) -> list[Line2D]:
    return [
        line
        for line in figure.axes[0].lines
        if line.get_color() == PALETTE[role].light and line.get_linewidth() == width and line.get_linestyle() == "-"
    ]


def marks(figure: Figure, marker: str) -> list[tuple[float, float]]:
    return [
        (float(np.asarray(line.get_xdata())[0]), float(np.asarray(line.get_ydata())[0]))
        for line in figure.axes[0].lines
        if line.get_marker() == marker
    ]


def test_a_mark_stands_at_the_ratio_and_its_line_ends_at_the_limits() -> None:
    figure = draw_forest(simple(estimate(0.588, 0.424, 0.816)))
    (interval,) = strokes(figure, "group-1", 1.5)
    assert list(interval.get_xdata()) == [0.424, 0.816]
    ((x, y),) = marks(figure, "s")
    assert x == 0.588
    assert list(interval.get_ydata()) == [y, y]
    assert figure.axes[0].get_xscale() == "log"


def test_equal_factors_are_equally_far_apart() -> None:
    figure = draw_forest(simple(estimate(2.0, 0.5, 8.0)))
    across = {text.get_text(): text.get_position()[0] for text in figure.texts}
    left, middle, right = (figure.axes[0].transData.transform((x, 0))[0] for x in (0.5, 2.0, 8.0))
    assert middle - left == pytest.approx(right - middle)
    assert across["2"] - across["1"] == pytest.approx(across["1"] - across["0.5"])


def test_the_line_of_no_difference_stands_at_1() -> None:
    for width in (7.2, 3.7):
        figure = draw_forest(made(3, 6), width_inches=width)
        lines = strokes(figure, "muted", 0.9)
        assert lines
        assert all(list(line.get_xdata()) == [1.0, 1.0] for line in lines)


def test_an_interval_that_leaves_the_axis_ends_in_an_arrowhead() -> None:
    figure = draw_forest(simple(estimate(2.0, 0.9, 1e6)))
    low, high = axis_range(simple(estimate(2.0, 0.9, 1e6)))
    assert (low, high) == (0.8, 20.0)
    ((tip, _),) = marks(figure, ">")
    (interval,) = strokes(figure, "group-1", 1.5)
    assert not marks(figure, "<")
    assert high < tip < figure.axes[0].get_xlim()[1]
    assert max(interval.get_xdata()) == tip
    for lower, upper, arrows in ((0.0, 3.0, "<"), (0.9, math.inf, ">"), (0.0, math.inf, "<>")):
        figure = draw_forest(simple(estimate(2.0, lower, upper)))
        assert "".join(arrow for arrow in "<>" if marks(figure, arrow)) == arrows


def test_an_undefined_estimate_has_words_and_no_mark() -> None:
    figure = draw_forest(simple(estimate(math.nan, math.nan, math.nan)))
    assert not marks(figure, "s")
    assert not strokes(figure, "group-1", 1.5)
    assert "NE" in [text.get_text() for text in figure.texts]
    bare = draw_forest(simple(ForestEstimate(value=2.0, texts=("2", ""))))
    assert marks(bare, "s")


def test_series_differ_in_more_than_colour() -> None:
    both = simple(estimate(0.5, 0.2, 0.9), estimate(0.6, 0.3, 0.9, series=2), series=("Alone", "Together"))
    figure = draw_forest(both)
    assert (0.5 in dict(marks(figure, "s"))) and (0.6 in dict(marks(figure, "o")))
    first, second = (dict(marks(figure, marker)) for marker in "so")
    assert first[0.5] > second[0.6]
    assert {"Alone", "Together"} <= {text.get_text() for text in figure.texts}
    assert "Alone" not in [text.get_text() for text in draw_forest(simple(estimate(0.5, 0.2, 0.9))).texts]


def test_ticks_hold_1_and_stand_apart() -> None:
    for low, high in ((0.8, 1.25), (0.3, 4.0), (0.01, 2.0), (1e-4, 1e5), (0.9, 1e6), (1e-9, 1e9)):
        for room in (60.0, 180.0, 400.0):
            ticks = axis_ticks(low, high, room)
            assert 1.0 in ticks
            assert all(low <= tick <= high for tick in ticks)
            assert all(earlier < later for earlier, later in pairwise(ticks))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"value": -1.0}, "value must be a number above 0, or nan; it is -1.0."),
        ({"value": math.inf}, "value must be a number above 0, or nan; it is inf."),
        ({"value": 2.0, "ci_lower": 3.0, "ci_upper": 4.0}, "value must lie between ci_lower and ci_upper."),
        ({"value": 2.0, "ci_lower": -3.0}, "ci_lower must be 0 or more; it is -3.0."),
        ({"value": 2.0, "series": 4}, "series must be 1 to 3."),
    ],
)
def test_estimates_that_cannot_be_drawn_are_refused(fields: dict[str, float], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        ForestEstimate(**fields)  # type: ignore[arg-type]
    assert refused.value.problems[0] == f"ForestEstimate: {sentence}"


def test_pictures_that_do_not_fit_together_are_refused() -> None:
    picture = simple(estimate(2.0, 1.0, 3.0))
    for change in (
        {"rows": ()},
        {"series": ()},
        {"columns": ("HR",)},
        {"rows": (ForestRow(label="A", estimates=(estimate(2.0, 1.0, 3.0, series=2),)),)},
    ):
        with pytest.raises(InputError, match="ForestPicture"):
            replace(picture, **change)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"at least 2\.5"):
        draw_forest(picture, width_inches=2.0)


# ---- nothing overlaps


def boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    with quiet_defaults(**{"text.hinting": "none"}):
        renderer = canvas.get_renderer()
        return [(text.get_text(), text.get_window_extent(renderer)) for text in figure.texts]


def pieces(figure: Figure) -> list[tuple[str, Bbox]]:
    """Lines and marks in dots; hairlines between variables are no marks."""
    found = []
    for line in figure.axes[0].lines:
        if line.get_color() == PALETTE["hairline"].light:
            continue
        points = figure.axes[0].transData.transform(np.column_stack(line.get_data()))
        if line.get_linestyle() == "None":
            half = line.get_markersize() / 2 * figure.dpi / 72
            found += [("mark", Bbox([point - half, point + half])) for point in points]
        else:
            found.append(("line", Bbox([points.min(axis=0), points.max(axis=0)])))
    return found


def overlap(one: Bbox, other: Bbox, slack: float = 0.0) -> bool:
    return (
        one.x0 + slack < other.x1
        and other.x0 + slack < one.x1
        and one.y0 + slack < other.y1
        and other.y0 + slack < one.y1
    )


def same_line(figure: Figure, first: int, second: int) -> bool:
    return figure.texts[first].get_gid().rpartition("-")[0] == figure.texts[second].get_gid().rpartition("-")[0]


def faults(figure: Figure) -> list[str]:
    texts, drawn = boxes(figure), pieces(figure)
    found = []
    for place, (text, box) in enumerate(texts):
        if box.x0 < 0 or box.y0 < 0 or box.x1 > figure.bbox.x1 or box.y1 > figure.bbox.y1:
            found.append(f"{text!r} leaves the figure")
        found += [
            f"{text!r} on {texts[later][0]!r}"
            for later in range(place + 1, len(texts))
            if overlap(box, texts[later][1], 0.5) and not same_line(figure, place, later)
        ]
        found += [f"{text!r} on a {kind}" for kind, piece in drawn if overlap(box, piece)]
    return found


STAMP = "illustration: rebuilt from published aggregates, not patient records, one of many cohorts with the printed P"


@pytest.mark.parametrize("width", [7.2, 5.0, 3.7, 2.5])
@pytest.mark.parametrize("count", [3, 8, 20])
@pytest.mark.parametrize("seed", range(7))
def test_nothing_overlaps(seed: int, count: int, width: float) -> None:
    picture = made(
        100 * count + seed, count, series=1 + seed % 3, japanese=seed % 2 == 1, stamp=STAMP if seed % 3 == 0 else ""
    )
    figure = draw_forest(picture, width_inches=width)
    assert faults(figure) == []
    shown = "".join(text.get_text() for text in figure.texts).replace(" ", "")
    assert picture.x_label.replace(" ", "") in shown
    if width >= 3.7:
        for row in picture.rows:
            for one in row.estimates:
                assert all(text.replace(" ", "") in shown for text in one.texts)


def test_a_very_long_label_is_cut_and_stays_inside() -> None:
    rows = (ForestRow(label="x" * 10_000, estimates=(estimate(2.0, 1.0, 3.0, p="y" * 3000),)),)
    picture = ForestPicture(rows=rows, columns=("z" * 5000, "P"), x_label="word " * 2000, stamp="word " * 2000)
    for width in (7.2, 3.7):
        figure = draw_forest(picture, width_inches=width)
        assert faults(figure) == []
        assert any(text.get_text().endswith("…") for text in figure.texts)


def test_the_check_itself_sees_a_label_on_an_interval() -> None:
    figure = draw_forest(simple(estimate(2.0, 0.5, 8.0)))
    (label,) = [text for text in figure.texts if text.get_text() == "Age"]
    label.set_position((label.get_position()[0] + 200, label.get_position()[1] - 2))
    assert any("'Age' on a" in fault for fault in faults(figure))


# ---- files


_PROGRAM = """
import hashlib, importlib.util, sys
spec = importlib.util.spec_from_file_location("made", sys.argv[1])
made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)
from cohortstats.figures import draw_forest, figure_bytes, inline_svg
figure = draw_forest(made.made(7, 9, japanese=True))
for kind in ("svg", "pdf", "png"):
    print(kind, hashlib.sha256(figure_bytes(figure, kind, dpi=60)).hexdigest())
page = inline_svg(figure, title="t", description="d", id_prefix="p")
print("inline", hashlib.sha256(page.encode()).hexdigest())
"""


def test_bytes_do_not_depend_on_process_hash_seed_or_time_zone() -> None:
    found = []
    for seed, zone in (("1", "Asia/Tokyo"), ("4711", "America/Lima")):
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone}
        environment.pop("SOURCE_DATE_EPOCH", None)
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", _PROGRAM, __file__],
            env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        found.append(done.stdout)
    assert found[0] == found[1]
    assert found[0].count("\n") == 4


def test_the_same_picture_twice_is_the_same_file() -> None:
    files = [figure_bytes(draw_picture(made(5, 8)), "svg") for _ in range(2)]
    assert hashlib.sha256(files[0]).hexdigest() == hashlib.sha256(files[1]).hexdigest()


def test_inline_svg_takes_its_colours_from_the_page_and_is_named() -> None:
    for series in (1, 2, 3):
        markup = inline_svg(
            draw_forest(made(11, 8, series=series)), title="Cox", description="Finding.", id_prefix="cox"
        )
        assert not re.search(r"#[0-9a-fA-F]{6}\b", re.sub(r'"#cox-m\d+"', "", markup))
        assert "font-family" not in markup
        used = set(re.findall(r"var\(--([a-z0-9-]+)\)", markup))
        assert used <= set(PALETTE)
        assert {"muted", "hairline", "group-1"} <= used
        root = ET.fromstring(markup)
        assert root.get("role") == "img"
        assert root.findtext("desc") == "Finding."


@pytest.mark.parametrize(
    "words",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "$x^2$ \\frac{1}{2}", "left\u202eright\x00", "*"],
)
def test_hostile_words_stay_words(words: str) -> None:
    row = ForestRow(label=words, estimates=(ForestEstimate(value=2.0, texts=(words, words)),))
    picture = ForestPicture(rows=(row,), columns=(words, words), x_label=words, series=(words, words), stamp=words)
    figure = draw_forest(picture)
    root = ET.fromstring(inline_svg(figure, title=words, description=words, id_prefix="cox"))
    allowed = {"svg", "title", "desc", "style", "path", "text", "tspan", "g", "defs", "use"}
    assert {element.tag for element in root.iter()} <= allowed
    kept = re.sub("[\x00\u202e]", "", words)
    assert kept in ["".join(text.itertext()) for text in root.iter("text")]
    for kind in ("svg", "pdf", "png"):
        assert figure_bytes(figure, kind, dpi=30)  # type: ignore[arg-type]


def test_characters_without_a_font_are_told() -> None:
    row = ForestRow(label="A \u1801 B", text="\u1802")
    picture = ForestPicture(rows=(row,), columns=("HR",), x_label="Hazard ratio")
    assert missing_glyphs(picture) == "\u1801\u1802"
    assert missing_glyphs(made(1, 5)) == ""


def test_values_need_no_matplotlib_and_drawing_needs_no_pyplot() -> None:
    program = (
        "import sys\n"
        "import cohortstats.figures as figures\n"
        "row = figures.ForestRow(label='a', estimates=(figures.ForestEstimate(value=2.0, texts=('2',)),))\n"
        "picture = figures.ForestPicture(rows=(row,), columns=('HR',), x_label='x')\n"
        "assert 'matplotlib' not in sys.modules and 'numpy' not in sys.modules\n"
        "figures.figure_bytes(figures.draw_forest(picture), 'png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot'\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, capture_output=True)
