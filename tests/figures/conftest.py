"""Pictures made by seed: no statistic of the package is used, so that drawing is tested alone."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from cohortstats.figures import CurveGroup, KaplanMeierPicture, RiskTable
from cohortstats.figures.fonts import quiet_defaults
from cohortstats.figures.palette import PALETTE, Shade, contrast

ENGLISH = (
    "All other patients",
    "ER/PR positive and *HER2* not amplified",
    "A",
    "Hormone receptor positive, *HER2* not amplified in plasma, two or more earlier lines",
    "*PIK3CA* wild type",
    "Third line or later",
)
JAPANESE = (
    "その他の症例",
    "ER/PR陽性かつ*HER2*増幅なし（血漿ctDNAで評価した症例、二次治療以降）",
    "三次治療以降",
    "ホルモン受容体陽性",
    "*PIK3CA*変異なし",
    "陰性",
)


def curve(times: list[float], events: list[bool], *, name: str, label: str, unit: str = "d") -> CurveGroup:
    """A product-limit curve with a plain band; nan limits where the curve is 0."""
    survival, steps = 1.0, [(0.0, 1.0, 1.0, 1.0)]
    for time in sorted(set(times)):
        at_risk = sum(other >= time for other in times)
        failed = sum(other == time and event for other, event in zip(times, events, strict=True))
        survival *= 1 - failed / at_risk
        half = 0.9 * math.sqrt(survival * (1 - survival) / at_risk)
        limits = (max(survival - half, 0), min(survival + half, 1)) if survival > 0 else (math.nan, math.nan)
        steps.append((time, survival, *limits))
    at, levels, lower, upper = zip(*steps, strict=True)
    censored = tuple(time for time, event in zip(times, events, strict=True) if not event)
    median = next((time for time, level, *_ in steps if level <= 0.5), None)
    return CurveGroup(
        name=name,
        label=label,
        times=at,
        survival=levels,
        ci_lower=lower,
        ci_upper=upper,
        end=max(times),
        censor_times=censored,
        censor_survival=tuple(next(s for t, s, *_ in reversed(steps) if t <= time) for time in censored),
        median=median,
        median_text="" if median is None else f"{median:g} {unit}",
    )


def _make(seed: int, count: int, *, japanese: bool = False, stamp: str = "", table: bool = False) -> KaplanMeierPicture:
    dice = random.Random(seed)
    labels = list(JAPANESE if japanese else ENGLISH)
    dice.shuffle(labels)
    groups, rows = [], []
    ticks = tuple(float(tick) for tick in range(0, 721, 90))
    for place in range(count):
        size, half_life = dice.choice((3, 8, 30, 120)), dice.choice((15, 60, 150, 400, 900))
        fail = [math.ceil(dice.expovariate(math.log(2) / half_life)) for _ in range(size)]
        leave = [dice.randint(60, 720) for _ in range(size)]
        times = [float(min(pair)) for pair in zip(fail, leave, strict=True)]
        events = [first <= last for first, last in zip(fail, leave, strict=True)]
        groups.append(curve(times, events, name=f"g{place}", label=labels[place], unit="日" if japanese else "d"))
        both = list(zip(times, events, strict=True))
        rows.append(
            (
                tuple(sum(time >= tick for time, _ in both) for tick in ticks),
                tuple(sum(time < tick and event for time, event in both) for tick in ticks),
                tuple(sum(time < tick and not event for time, event in both) for tick in ticks),
            )
        )
    return KaplanMeierPicture(
        groups=tuple(groups),
        x_label="初回投与からの日数" if japanese else "Days since first T-DM1 dose",
        y_label="無増悪割合" if japanese else "Progression-free (time to progression)",
        x_max=max(group.end for group in groups),
        ticks=ticks,
        p_text="ログランク検定 P = 0.0037" if japanese else "Log-rank P = 0.0037",
        risk_table=RiskTable(ticks=ticks, rows=tuple(rows)) if table else None,
        risk_labels=("リスク数", "イベント", "打ち切り") if japanese else ("At risk", "Events", "Censored"),
        stamp=stamp,
    )


@pytest.fixture
def make() -> Callable[..., KaplanMeierPicture]:
    return _make


@pytest.fixture
def study() -> KaplanMeierPicture:
    """The shipped study's shape: an early drop against a late one, with its stamp."""
    worse = curve(
        [36.0, 38.0, 40.0, 42.0, 71.0, 214.0, 253.0, 231.0],
        [True] * 7 + [False],
        name="worse",
        label="ER/PR positive and *HER2* not amplified",
    )
    better = curve(
        [187.0, 285.0, 318.0, 372.0, 444.0, 113.0, 148.0, 203.0],
        [True] * 5 + [False] * 3,
        name="better",
        label="All other patients",
    )
    return KaplanMeierPicture(
        groups=(worse, better),
        x_label="Days since first T-DM1 dose",
        y_label="Progression-free",
        x_max=450.0,
        ticks=tuple(float(tick) for tick in range(0, 541, 90)),
        p_text="Log-rank P = 0.0037",
        stamp="rebuilt from published aggregates, not patient records: one of many cohorts with the printed medians, "
        "limits and P",
    )


def _faint_words(figure: Figure) -> dict[str, float]:
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    with quiet_defaults(**{"text.hinting": "none"}):
        renderer = canvas.get_renderer()
        boxes = [text.get_window_extent(renderer) for text in figure.texts]
    for text in figure.texts:
        text.set_visible(False)
    canvas.draw()
    dots = np.asarray(canvas.buffer_rgba())[::-1, :, :3]
    found = {}
    for text, box in zip(figure.texts, boxes, strict=True):
        under = dots[int(box.y0) + 1 : int(box.y1), int(box.x0) + 1 : int(box.x1)].reshape(-1, 3)
        least = min(
            (contrast(to_hex(text.get_color()), to_hex(dot / 255)) for dot in np.unique(under, axis=0)), default=21
        )
        if least < 4.5:
            found[text.get_text()] = round(least, 2)
    return found


@pytest.fixture
def faint_words() -> Callable[[Figure], dict[str, float]]:
    """Words with less than 4.5 to 1 to some dot of what is drawn under them; the figure is without words then."""
    return _faint_words


@pytest.fixture(params=["light", "dark"])
def paint(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Pictures are drawn in the colours of one mode, which a page else puts in by its variables."""
    for role, shade in dict(PALETTE).items():
        colour = getattr(shade, request.param)
        monkeypatch.setitem(PALETTE, role, Shade(colour, colour))
    return str(request.param)
