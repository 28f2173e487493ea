"""What holds for every picture of bars and boxes: no text touches anything, words stay words, files stay the same."""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from cohortstats.errors import InputError
from cohortstats.figures import (
    DropletPanel,
    DropletPicture,
    FlowBox,
    FlowPicture,
    MissingnessPattern,
    MissingnessPicture,
    MissingnessRow,
    Picture,
    SwimmerBar,
    SwimmerMark,
    SwimmerPicture,
    WaterfallBar,
    WaterfallPicture,
    draw_picture,
    figure_bytes,
    inline_svg,
    missing_glyphs,
)
from cohortstats.figures.fonts import quiet_defaults
from cohortstats.figures.palette import PALETTE
from cohortstats.figures.swimmer_picture import MARK_KINDS

ENGLISH = (
    "Age",
    "*HER2* amplification in plasma, measured by droplet digital PCR before the first dose of T-DM1",
    "Hormone receptor status",
    "Prior lines of chemotherapy for metastatic disease (taxane, capecitabine, vinorelbine or eribulin)",
    "Neutrophil-to-lymphocyte-ratio-above-the-median-of-this-cohort-without-a-blank",
    "No plasma",
)
JAPANESE = (
    "年齢（10年あたり）",
    "血漿ctDNAで評価した*HER2*増幅（初回投与前、デジタルPCR、カットオフは文献による）",
    "ホルモン受容体",
    "前治療レジメン数（転移・再発後の化学療法、ホルモン療法を除く）",
    "不明",
)
STAMP = "illustration: rebuilt from published aggregates, not patient records, one of many cohorts with the printed P"


def swimmer(seed: int, *, japanese: bool = False, stamp: str = "") -> SwimmerPicture:
    dice = random.Random(seed)
    labels = JAPANESE if japanese else ENGLISH
    kinds = tuple((kind, dice.choice(labels)) for kind in MARK_KINDS[: dice.randrange(6)])
    groups = tuple(dice.choice(labels) for _ in range(dice.randrange(7)))
    lengths = sorted(dice.choice((0.0, 3.0, dice.expovariate(1 / 200))) for _ in range(dice.choice((1, 7, 34, 300))))
    bars = []
    for order, length in enumerate(reversed(lengths), start=1):
        marks = tuple(
            SwimmerMark(time=dice.uniform(-20, 1.3 * length + 5), kind=kind)
            for kind in range(1, len(kinds) + 1)
            if dice.random() < 0.5
        )
        group = dice.randrange(len(groups) + 1)
        bars.append(SwimmerBar(order=order, length=length, ongoing=dice.random() < 0.3, group=group, marks=marks))
    label = dice.choice(labels)
    return SwimmerPicture(bars=tuple(bars), kinds=kinds, groups=groups, x_label=label, ongoing_label=label, stamp=stamp)


def waterfall(seed: int, *, japanese: bool = False, stamp: str = "") -> WaterfallPicture:
    dice = random.Random(seed)
    labels = JAPANESE if japanese else ENGLISH
    names = tuple(dice.choice(("CR", "PR", *labels)) for _ in range(dice.randrange(6)))
    cap = dice.choice((None, 50.0, 100.0))
    changes = sorted(max(-100.0, dice.gauss(0, dice.choice((5, 80)))) for _ in range(dice.choice((1, 5, 34, 250))))
    bars = tuple(
        WaterfallBar(
            order=order,
            change=change,
            response=dice.randrange(len(names) + 1),
            capped=cap is not None and change > cap,
        )
        for order, change in enumerate(reversed(changes), start=1)
    )
    return WaterfallPicture(
        bars=bars, y_label=labels[1], x_label=dice.choice(labels), responses=names, cap=cap, stamp=stamp
    )


def flow(seed: int, *, japanese: bool = False, stamp: str = "") -> FlowPicture:
    dice = random.Random(seed)
    labels = JAPANESE if japanese else ENGLISH
    boxes = [FlowBox(label=dice.choice(labels), n=dice.choice((7, 340, 123456)))]

    def grow(parent: int, depth: int) -> None:
        for _ in range(dice.choice((1, 1, 2, 3)) if depth < 4 else 0):
            left, out = boxes[parent].n, []
            for _ in range(dice.randrange(4)):
                n = dice.randint(0, left // 2)
                out.append((dice.choice(labels), n))
                left -= n
            boxes.append(FlowBox(label=dice.choice(labels), n=left, parent=parent, out=tuple(out)))
            if dice.random() < 0.6:
                grow(len(boxes) - 1, depth + 1)

    grow(0, 0)
    return FlowPicture(boxes=tuple(boxes), stamp=stamp)


def missingness(seed: int, *, japanese: bool = False, stamp: str = "") -> MissingnessPicture:
    dice = random.Random(seed)
    labels = JAPANESE if japanese else ENGLISH
    names = [dice.choice(labels) for _ in range(dice.choice((1, 4, 15)))]
    patterns = [
        MissingnessPattern(n=dice.randint(1, 2000), missing=tuple(dice.random() < 0.4 for _ in names))
        for _ in range(dice.choice((0, 1, 5, 40)))
    ]
    n = sum(pattern.n for pattern in patterns) + 5
    rows = []
    for place, name in enumerate(names):
        lacking = sum(pattern.n for pattern in patterns if pattern.missing[place])
        rows.append(MissingnessRow(label=name, n_missing=lacking, text=f"{lacking} ({100 * lacking / n:.1f})"))
    return MissingnessPicture(
        rows=tuple(rows),
        n=n,
        patterns=tuple(patterns),
        missing_label="欠測 n（%）" if japanese else "Missing, n (%)",
        patterns_label=labels[1],
        stamp=stamp,
    )


def droplets(seed: int, *, japanese: bool = False, stamp: str = "") -> DropletPicture:
    del stamp  # droplets are measured
    dice = random.Random(seed)
    labels = JAPANESE if japanese else ENGLISH
    two, panels = dice.random() < 0.5, []
    for _ in range(dice.choice((1, 2, 9))):
        n = dice.choice((1, 50, 3000))
        ch1 = tuple(dice.gauss(dice.choice((1000, 6000)), 200) for _ in range(n))
        panels.append(
            DropletPanel(
                title=dice.choice(("A01", *labels)),
                ch1=ch1,
                ch2=tuple(dice.gauss(dice.choice((900, 4000)), 200) for _ in range(n)) if two else (),
                threshold_ch1=dice.choice((None, 3500.0)),
                threshold_ch2=2500.0 if two else None,
                text=dice.choice(labels),
            )
        )
    return DropletPicture(panels=tuple(panels), ch1_label=labels[1], ch2_label=labels[3], index_label=labels[2])


KINDS: tuple[Callable[..., Picture], ...] = (swimmer, waterfall, flow, missingness, droplets)


# ---- nothing overlaps


def boxes_of_words(figure: Figure) -> list[tuple[str, str, Bbox]]:
    """Text, the line that it belongs to, and its box."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    with quiet_defaults(**{"text.hinting": "none"}):
        renderer = canvas.get_renderer()
        found = [(text, text.get_window_extent(renderer)) for text in figure.texts]
    return [(text.get_text(), str(text.get_gid()).rpartition("-")[0], box) for text, box in found]


def pieces(figure: Figure) -> Iterator[tuple[str, Bbox]]:
    """Every stroke, mark, fill and image in dots; hairlines are no marks."""
    for axes in figure.axes:
        for line in axes.lines:
            if line.get_color() == PALETTE["hairline"].light:
                continue
            points = axes.transData.transform(np.column_stack(line.get_data()))
            if line.get_linestyle() == "None":
                half = line.get_markersize() / 2 * figure.dpi / 72
                yield from (("mark", Bbox([point - half, point + half])) for point in points)
            else:
                for one, other in pairwise(points):
                    if np.isfinite(one).all() and np.isfinite(other).all():
                        yield "line", Bbox([np.minimum(one, other), np.maximum(one, other)])
        for patch in axes.patches:
            for polygon in patch.get_path().to_polygons(axes.transData, closed_only=False):
                yield "fill", Bbox([polygon.min(axis=0), polygon.max(axis=0)])
        for _ in axes.images:
            yield "image", axes.get_window_extent()


def overlap(one: Bbox, other: Bbox, slack: float = 0.0) -> bool:
    return (
        one.x0 + slack < other.x1
        and other.x0 + slack < one.x1
        and one.y0 + slack < other.y1
        and other.y0 + slack < one.y1
    )


def faults(figure: Figure) -> list[str]:
    words, drawn = boxes_of_words(figure), list(pieces(figure))
    corners = np.array([[box.x0, box.y0, box.x1, box.y1] for _, box in drawn]).reshape(-1, 4)
    found = []
    for place, (text, line, box) in enumerate(words):
        if box.x0 < 0 or box.y0 < 0 or box.x1 > figure.bbox.x1 or box.y1 > figure.bbox.y1:
            found.append(f"{text!r} leaves the figure")
        found += [
            f"{text!r} on {other!r}"
            for other, its_line, its_box in words[place + 1 :]
            if line != its_line and overlap(box, its_box, 0.5)
        ]
        near = (box.x0 < corners[:, 2]) & (corners[:, 0] < box.x1) & (box.y0 < corners[:, 3]) & (corners[:, 1] < box.y1)
        found += [f"{text!r} on a {drawn[number][0]}" for number in np.flatnonzero(near)]
    return found


@pytest.mark.parametrize("width", [7.2, 5.0, 3.7, 2.5])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(20))
def test_nothing_overlaps(seed: int, kind: Callable[..., Picture], width: float) -> None:
    picture = kind(seed, japanese=seed % 2 == 1, stamp=STAMP if seed % 3 == 0 else "")
    assert faults(draw_picture(picture, width_inches=width)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_words_have_4_5_to_1_on_whatever_lies_under_them(
    kind: Callable[..., Picture], faint_words: Callable[[Figure], dict[str, float]], paint: str
) -> None:
    for seed in range(4):
        assert faint_words(draw_picture(kind(seed, japanese=seed % 2 == 1, stamp=STAMP), width_inches=5.0)) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_marks_bars_and_boxes_stay_inside_the_figure(kind: Callable[..., Picture]) -> None:
    for seed in range(8):
        for width in (7.2, 3.7):
            figure = draw_picture(kind(seed), width_inches=width)
            for what, box in pieces(figure):
                assert box.x0 >= -1 and box.y0 >= -1, what
                assert box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1, what


def test_a_narrow_figure_is_refused() -> None:
    for kind in KINDS:
        with pytest.raises(InputError, match=r"width_inches must be at least 2\.5"):
            draw_picture(kind(1), width_inches=2.0)


# ---- files


@pytest.mark.parametrize("kind", KINDS)
def test_an_inline_svg_has_roles_of_colour_and_its_finding(kind: Callable[..., Picture]) -> None:
    for seed in range(4):
        markup = inline_svg(draw_picture(kind(seed)), title="Figure 1", description="Finding.", id_prefix="f1")
        root = ET.fromstring(markup)
        assert root.get("role") == "img"
        assert root.findtext("desc") == "Finding."
        # The bytes of an image are no colours.
        drawn = re.sub(r'href="data:[^"]*"', "", markup)
        assert not re.search(r"#[0-9a-fA-F]{6}\b", re.sub(r'"#f1-m\d+"', "", drawn))
        assert set(re.findall(r"var\(--([a-z0-9-]+)\)", markup)) <= set(PALETTE)
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(ids) == len(set(ids))
        pointed = {match for value in re.findall(r'(?:href="#|url\(#)([^)"]+)', markup) for match in [value]}
        assert pointed <= set(ids)


HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "$x^2$ \\frac{1}{2}", "left\u202eright\x00"]
HOSTILE += ["*", "{n} {0.__class__}"]


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words(words: str) -> None:
    bar = SwimmerBar(order=1, length=5.0, ongoing=True, group=1, marks=(SwimmerMark(time=1.0, kind=1),))
    pictures: list[Picture] = [
        SwimmerPicture(bars=(bar,), kinds=(("PD", words),), groups=(words,), x_label=words, ongoing_label=words),
        WaterfallPicture(
            bars=(WaterfallBar(order=1, change=5.0, response=1),), y_label=words, x_label=words, responses=(words,)
        ),
        FlowPicture(boxes=(FlowBox(label=words, n=5), FlowBox(label=words, n=3, parent=0, out=((words, 2),)))),
        MissingnessPicture(
            rows=(MissingnessRow(label=words, n_missing=1, text=words),),
            n=3,
            patterns=(MissingnessPattern(n=1, missing=(True,)),),
            missing_label=words,
            patterns_label=words,
        ),
        DropletPicture(panels=(DropletPanel(title=words, ch1=(1.0, 2.0), text=words),), ch1_label=words),
    ]
    allowed = {
        "svg",
        "title",
        "desc",
        "style",
        "path",
        "text",
        "tspan",
        "g",
        "defs",
        "use",
        "image",
        "clipPath",
        "rect",
    }
    kept = re.sub("[\x00\u202e]", "", words).replace(" ", "")
    for picture in pictures:
        figure = draw_picture(picture)
        root = ET.fromstring(inline_svg(figure, title=words, description=words, id_prefix="f1"))
        assert {element.tag for element in root.iter()} <= allowed
        shown = "".join("".join(text.itertext()) for text in root.iter("text")).replace(" ", "")
        assert kept in shown
        for kind in ("svg", "pdf", "png"):
            assert figure_bytes(figure, kind, dpi=30)  # type: ignore[arg-type]


def test_characters_without_a_font_are_told() -> None:
    assert missing_glyphs(FlowPicture(boxes=(FlowBox(label="A \u1801", n=5),))) == "\u1801"
    assert all(missing_glyphs(kind(2)) == "" for kind in KINDS)


PROGRAM = """
import hashlib, sys
from cohortstats.figures import *
bars = tuple(SwimmerBar(order=n, length=90.0 / n, ongoing=True, marks=(SwimmerMark(time=4.0, kind=1),)) for n in (1, 2))
falls = (WaterfallBar(order=1, change=60.0, response=1), WaterfallBar(order=2, change=-30.5))
pictures = [
    SwimmerPicture(bars=bars, kinds=(("PD", "*HER2*"),), x_label="Days"),
    WaterfallPicture(bars=falls, y_label="%", x_label="Patients", responses=("SD",)),
    FlowPicture(boxes=(FlowBox(label="All", n=5), FlowBox(label="Some", n=3, parent=0, out=(("none", 2),)))),
    MissingnessPicture(rows=(MissingnessRow(label="A", n_missing=1, text="1"),), n=3, missing_label="Missing",
                       patterns=(MissingnessPattern(n=1, missing=(True,)),), patterns_label="Patients"),
    DropletPicture(panels=(DropletPanel(title="A01", ch1=tuple(float(n % 97) for n in range(5000)),
                                        threshold_ch1=50.0),)),
]
digest = hashlib.sha256()
for picture in pictures:
    for kind in ("svg", "pdf", "png"):
        digest.update(figure_bytes(draw_picture(picture), kind, dpi=50))
assert "matplotlib.pyplot" not in sys.modules, "pyplot"
print(digest.hexdigest())
"""


def test_files_are_the_same_in_every_process() -> None:
    digests = set()
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1
    assert re.fullmatch(r"[0-9a-f]{64}\n", digests.pop())


def test_values_need_no_matplotlib() -> None:
    program = (
        "import sys\nimport cohortstats.figures as figures\n"
        "figures.SwimmerPicture(bars=(figures.SwimmerBar(order=1, length=3.0),), x_label='Days')\n"
        "assert 'matplotlib' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, capture_output=True)


def test_drawing_twice_gives_the_same_bytes() -> None:
    for kind in KINDS:
        once, twice = (hashlib.sha256(figure_bytes(draw_picture(kind(3)), "svg")).hexdigest() for _ in range(2))
        assert once == twice
