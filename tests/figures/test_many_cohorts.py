"""Two hundred generated cohorts, from a study file to a drawing; each looked at by the boxes of what is drawn.

Nothing here knows how a place is found: texts, lines and marks are taken from the finished figure, as a renderer
measures them, and numbers are counted again from the patients.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

import cohortstats as cs
from cohortstats.figures import CurveGroup, KaplanMeierPicture, draw_kaplan_meier
from cohortstats.figures.fonts import quiet_defaults
from cohortstats.figures.palette import PALETTE

Floats = npt.NDArray[np.floating]

SHAPES = (
    "plain",
    "heavy censoring",
    "all events",
    "nobody in one group",
    "medians not reached",
    "equal curves",
    "one curve on another",
    "early deaths",
    "no event at all",
    "crossing",
)
SHORT = ("A", "B", "C", "D", "E", "F")
ENGLISH = (
    "ER/PR positive and *HER2* not amplified in plasma before the first dose",
    "All other patients",
    "Hormone receptor positive, *HER2* not amplified, two or more earlier lines of chemotherapy",
    "*PIK3CA* wild type",
    "Neutrophil-to-lymphocyte-ratio-above-the-median-of-this-cohort",
    "Third line or later",
)
JAPANESE = (
    "ER/PR陽性かつ*HER2*増幅なし（血漿ctDNAで評価した症例、二次治療以降）",
    "その他の症例",
    "ホルモン受容体陽性（前治療レジメン数二つ以上、転移・再発後の化学療法）",
    "*PIK3CA*変異なし",
    "三次治療以降",
    "不明または未検",
)
STUDY = """cohortstats = 1
[study]
id = "made"
title = "Made by seed"
conventions = "{conventions}"
{synthetic}
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
arm = {{ order = [{levels}] }}
time = {{ type = "number", unit = "{unit}" }}
event = {{ type = "yes/no" }}
[endpoints.ttp]
kind = "time to event"
time = "time"
event = "event"
unit = "{unit}"
unknown = "exclude"
label = "{label}"
[[time_to_event]]
id = "figure"
endpoint = "ttp"
groups = "arm"
test = "logrank"
ticks = {ticks}
min_at_risk = {min_at_risk}
[report]
style = "{style}"
lang = "{lang}"
"""


@dataclass(frozen=True)
class Made:
    """One cohort: its patients, as group, time and event, and its study file."""

    seed: int
    patients: tuple[tuple[str, float, bool], ...]
    labels: tuple[str, ...]
    study: str

    @property
    def width(self) -> float:
        return (7.2, 3.7, 7.2, 5.0)[self.seed // 3 % 4]

    def picture(self, folder: Path) -> KaplanMeierPicture:
        """By the way that a user takes: files, cohort, exhibit."""
        lines = ["id,arm,time,event"]
        lines += [
            f'{number},"{group}",{time!r},{"yes" if event else "no"}'
            for number, (group, time, event) in enumerate(self.patients)
        ]
        (folder / "patients.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "study.toml").write_text(self.study, encoding="utf-8")
        cohort = cs.load_cohort(folder)
        picture = cs.make_exhibit(cohort, cohort.study.exhibit("figure")).picture
        assert isinstance(picture, KaplanMeierPicture)
        return picture


def made(seed: int) -> Made:
    dice = random.Random(seed)
    shape, count, japanese = SHAPES[seed % len(SHAPES)], 1 + seed // len(SHAPES) % 6, dice.random() < 0.4
    if shape in ("equal curves", "one curve on another"):
        count = max(count, 2)
    labels = list(dice.choice((SHORT, JAPANESE if japanese else ENGLISH)))
    dice.shuffle(labels)
    months, tied = dice.random() < 0.3, dice.random() < 0.5
    sizes = [dice.randint(5, 300) if dice.random() < 0.4 else dice.randint(5, 30) for _ in range(count)]
    patients: list[tuple[str, float, bool]] = []
    for place, (label, size) in enumerate(zip(labels, sizes, strict=False)):
        if place and (shape == "equal curves" or (shape == "one curve on another" and place == 1)):
            first = [(time, event) for group, time, event in patients if group == labels[0]]
            half = sorted(time for time, _ in first)[len(first) // 2]
            # The same patients; in the one shape those still under observation at half the time leave there.
            leave = half if shape == "one curve on another" else math.inf
            rows = [(min(time, leave), event and time <= leave) for time, event in first]
        else:
            rows = list(_rows(dice, shape, place, size))
        for time, event in rows:
            if months:
                time = round(time / 30.4375, 1)
            elif tied:
                time = 21.0 * math.ceil(time / 21)
            patients.append((label, max(time, 0.1), event))
    ticks = dice.choice((0, 0, 90, 180))
    synthetic = 'synthetic = "rebuilt from published aggregates, not patient records"' if dice.random() < 0.25 else ""
    study = STUDY.format(
        conventions=dice.choice(("r", "ezr")),
        synthetic=synthetic,
        levels=", ".join(f'"{label}"' for label in labels[:count]),
        unit="months" if months else "days",
        label="無増悪生存期間" if japanese else "Progression-free survival from the first dose of T-DM1",
        ticks=ticks / 30 if months else ticks,
        min_at_risk=dice.choice((0, 0, 5)),
        style=dice.choice(("paper", "default", "jama", "nejm", "lancet")),
        lang="ja" if japanese else "en",
    )
    return Made(seed, tuple(patients), tuple(labels[:count]), study)


def _rows(dice: random.Random, shape: str, place: int, size: int) -> Iterator[tuple[float, bool]]:
    """Times and events of one group, in days."""
    typical = {"early deaths": 12.0, "medians not reached": 4000.0, "heavy censoring": 900.0}.get(
        shape, dice.choice((40.0, 120.0, 300.0, 700.0))
    )
    if shape == "crossing":
        typical = (60.0, 250.0)[place % 2]
    for _ in range(size):
        fails, leaves = dice.expovariate(math.log(2) / typical), dice.uniform(20, 900)
        if shape == "crossing" and place % 2 == 0 and dice.random() < 0.4:
            fails += 500
        if shape == "heavy censoring":
            leaves = dice.expovariate(1 / 60) + 1
        if shape == "all events":
            leaves = math.inf
        if shape == "no event at all" or (shape == "nobody in one group" and place == 0):
            fails = math.inf
        time = math.ceil(4 * min(fails, leaves)) / 4
        yield time, fails <= leaves


# ---- what is on the drawing, in dots


@dataclass(frozen=True)
class Seen:
    """Texts and strokes of a figure; a box is its left, lower, right and upper end."""

    figure: Figure

    @cached_property
    def texts(self) -> list[tuple[Text, Floats]]:
        canvas = self.figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        with quiet_defaults(**{"text.hinting": "none"}):
            renderer = canvas.get_renderer()
            return [(text, np.array(text.get_window_extent(renderer).extents)) for text in self.figure.texts]

    @cached_property
    def lines(self) -> list[tuple[list[Text], Floats]]:
        """Every line of words with its box; a change to italic makes several texts of one line."""
        found = []
        for _, parts in groupby(self.texts, key=lambda pair: str(pair[0].get_gid()).rpartition("-")[0]):
            texts, boxes = zip(*parts, strict=True)
            found.append((list(texts), around(boxes)))
        return found

    @cached_property
    def strokes(self) -> Floats:
        """Boxes of all pieces of lines, as thick as they are drawn, and of all marks."""
        scale, found = self.figure.dpi / 72, []
        for line in self.figure.axes[0].lines:
            points = self.points(*line.get_data())
            if line.get_linestyle() == "None":
                half = (line.get_markersize() + line.get_markeredgewidth()) / 2 * scale
                found.append(np.hstack([points - half, points + half]))
                continue
            corners = np.hstack([np.minimum(points[:-1], points[1:]), np.maximum(points[:-1], points[1:])])
            # Lines are upright or level and end bluntly: they are thick across their direction only.
            half = line.get_linewidth() / 2 * scale
            level = corners[:, 1] == corners[:, 3]
            thick = np.where(level[:, None], [[0.0, -half, 0.0, half]], [[-half, 0.0, half, 0.0]])
            found.append((corners + thick)[np.isfinite(corners).all(axis=1)])
        return np.vstack(found)

    @cached_property
    def plot(self) -> Floats:
        """Box of the plot area."""
        return np.array(self.figure.axes[0].get_window_extent().extents)

    def points(self, times: npt.ArrayLike, levels: npt.ArrayLike) -> Floats:
        found: Floats = self.figure.axes[0].transData.transform(np.column_stack([times, levels]))
        return found

    def x(self, time: float) -> float:
        return float(self.points([time], [0.0])[0, 0])

    def steps(self, group: CurveGroup) -> Floats:
        """Boxes of the pieces of a group's curve, without thickness."""
        times = np.append(np.repeat(group.times, 2)[1:], group.end)
        points = self.points(times, np.repeat(group.survival, 2))
        return np.hstack([np.minimum(points[:-1], points[1:]), np.maximum(points[:-1], points[1:])])

    def block(self, slot: int, size: float, *, bold: bool) -> tuple[str, Floats] | None:
        """Words of a group's colour in one size of type, and the box around them."""
        colour, weight = PALETTE[f"group-{slot}-text"].light, "bold" if bold else "normal"
        chosen = [
            (text, box)
            for text, box in self.texts
            if (to_hex(text.get_color()), text.get_fontsize(), text.get_fontweight()) == (colour, size, weight)
        ]
        if not chosen:
            return None
        return " ".join(text.get_text() for text, _ in chosen), around([box for _, box in chosen])


def around(boxes: list[Floats] | tuple[Floats, ...]) -> Floats:
    corners = np.array(boxes)
    return np.hstack([corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)])


def gaps(box: Floats, others: Floats) -> tuple[Floats, Floats]:
    """How far others stand from a box, across and up; negative where they share a stretch."""
    others = others.reshape(-1, 4)
    across = np.maximum(others[:, 0] - box[2], box[0] - others[:, 2])
    return across, np.maximum(others[:, 1] - box[3], box[1] - others[:, 3])


def distance(box: Floats, others: Floats) -> float:
    across, up = gaps(box, others)
    return float(np.hypot(np.maximum(across, 0), np.maximum(up, 0)).min())


def faults(seen: Seen) -> list[str]:
    """Words that leave the canvas, stand on other words or on anything drawn, or read on into other words."""
    found, (right, top) = [], (seen.figure.bbox.x1, seen.figure.bbox.y1)
    boxes, point = np.array([box for _, box in seen.lines]), seen.figure.dpi / 72
    words = ["".join(text.get_text() for text in texts) for texts, _ in seen.lines]
    for place, box in enumerate(boxes):
        if box[0] < 0 or box[1] < 0 or box[2] > right or box[3] > top:
            found.append(f"{words[place]!r} leaves the canvas")
        across, up = gaps(box, boxes[place + 1 :])
        rest = words[place + 1 :]
        found += [f"{words[place]!r} on {rest[later]!r}" for later in np.flatnonzero((across < -0.5) & (up < -0.5))]
        # In the plot, words of one height are one sentence unless they stand apart; under it they are a table.
        beside = (across < 4 * point) & (up < -3 * point) & (box[1] > seen.plot[1])
        found += [f"{words[place]!r} reads on into {rest[later]!r}" for later in np.flatnonzero(beside)]
        across, up = gaps(box, seen.strokes)
        if ((across < 0) & (up < 0)).any():
            found.append(f"{words[place]!r} on a line or a mark")
    return found


# ---- one cohort


def letters(text: str) -> str:
    return text.replace("*", "").replace(" ", "")


def drawn_ticks(seen: Seen, picture: KaplanMeierPicture) -> list[float]:
    """The times written under the axis, each in the middle of its tick."""
    colour, under = PALETTE["ink-2"].light, defaultdict(list)
    for text, box in seen.texts:
        if text.get_fontsize() == 8.5 and to_hex(text.get_color()) == colour and box[3] < seen.plot[1]:
            under[text.get_position()[1]].append((text, box))
    (row,) = under.values()
    times = [float(text.get_text().replace(picture.point, ".")) for text, _ in row]
    for time, (_, box) in zip(times, row, strict=True):
        assert abs((box[0] + box[2]) / 2 - seen.x(time)) < 1.5
    return times


def check_ticks(seen: Seen, picture: KaplanMeierPicture, cohort: Made) -> list[float]:
    last = max(time for _, time, _ in cohort.patients)
    times = drawn_ticks(seen, picture)
    assert times[0] == 0
    assert times[-1] <= last
    steps = set(np.round(np.diff(times), 9))
    assert len(steps) <= 1
    # One more tick at the same distance would lie beyond the last observation.
    if steps:
        assert times[-1] + steps.pop() > last
    return times


def check_numbers_at_risk(seen: Seen, picture: KaplanMeierPicture, cohort: Made, ticks: list[float]) -> None:
    """Counted again from the patients; every number in the middle of its tick; every column sums to n."""
    rows: dict[float, list[tuple[Text, Floats]]] = defaultdict(list)
    for text, box in seen.texts:
        if text.get_fontsize() == 8.0 and box[3] < seen.plot[1]:
            rows[text.get_position()[1]].append((text, box))
    tables = [row for _, row in sorted(rows.items(), reverse=True) if row[0][0].get_text() in picture.risk_labels]
    assert [row[0][0].get_text() for row in tables] == [*picture.risk_labels] * len(cohort.labels)
    for place, label in enumerate(cohort.labels):
        mine = [(time, event) for group, time, event in cohort.patients if group == label]
        columns = np.array(
            [
                [sum(time >= tick for time, _ in mine) for tick in ticks],
                [sum(time < tick and event for time, event in mine) for tick in ticks],
                [sum(time < tick and not event for time, event in mine) for tick in ticks],
            ]
        )
        shown = tables[3 * place : 3 * place + 3]
        assert [[int(text.get_text()) for text, _ in row[1:]] for row in shown] == columns.tolist()
        assert (columns.sum(axis=0) == len(mine)).all()
        for row in shown:
            for tick, (_, box) in zip(ticks, row[1:], strict=True):
                assert abs((box[0] + box[2]) / 2 - seen.x(tick)) < 1.5


def check_names(seen: Seen, picture: KaplanMeierPicture) -> bool:
    """Every group is named, in the plot nearest to its own curve, else beside a piece of its line; True in the plot."""
    places = set()
    curves = [seen.steps(group) for group in picture.groups]
    for index, group in enumerate(picture.groups):
        named = seen.block(picture.slot(index), 9.0, bold=True)
        assert named is not None
        words, box = named
        assert letters(group.label) in letters(words)
        inside = bool(seen.plot[0] < box[0] < box[2] < seen.plot[2] and seen.plot[1] < box[1] < box[3] < seen.plot[3])
        places.add(inside)
        if inside:
            near = [distance(box, curve) for curve in curves]
            assert all(near[index] < other for place, other in enumerate(near) if place != index)
            assert near[index] < 22 * seen.figure.dpi / 72
        else:
            across, up = gaps(box, seen.plot[None])
            assert max(across[0], up[0]) > 0
            colour = PALETTE[f"group-{picture.slot(index)}"].light
            pieces = [seen.points(*line.get_data()) for line in seen.figure.axes[0].lines if line.get_color() == colour]
            assert any(
                (points[:, 0] < box[0]).all() and (box[1] < points[:, 1]).all() and (points[:, 1] < box[3]).all()
                for points in pieces
            )
    # One picture, one way to read it.
    assert len(places) == 1
    return places.pop()


def check_medians(seen: Seen, picture: KaplanMeierPicture) -> None:
    """Each median is written at the foot of its own line, or in the name of its group."""
    for index, group in enumerate(picture.groups):
        if group.median is None:
            assert group.median_text == ""
            continue
        named = seen.block(picture.slot(index), 9.0, bold=True)
        assert named is not None
        if letters(f"({group.median_text})") in letters(named[0]):
            continue
        found = seen.block(picture.slot(index), 8.0, bold=False)
        assert found is not None
        words, box = found
        assert words == group.median_text
        foot = np.array([seen.x(group.median), seen.plot[1], seen.x(group.median), seen.points([0], [0.5])[0, 1]])
        assert 0 < distance(box, foot) < 5 * seen.figure.dpi / 72


@pytest.mark.parametrize("seed", range(200))
def test_a_cohort_is_drawn_without_a_fault(seed: int, tmp_path: Path) -> None:
    cohort = made(seed)
    picture = cohort.picture(tmp_path)
    seen = Seen(draw_kaplan_meier(picture, width_inches=cohort.width))
    assert faults(seen) == []

    shown = letters(" ".join("".join(text.get_text() for text in texts) for texts, _ in seen.lines))
    assert "…" not in shown
    for words in (picture.x_label, picture.y_label, picture.p_text, picture.stamp):
        assert letters(words) in shown
    assert bool(picture.stamp) == ("synthetic" in cohort.study)

    check_names(seen, picture)
    check_medians(seen, picture)
    ticks = check_ticks(seen, picture, cohort)
    # The paper prints no group sizes where the patients are rebuilt.
    assert (picture.risk_table is None) == bool(picture.stamp)
    if picture.risk_table is not None:
        check_numbers_at_risk(seen, picture, cohort, ticks)


# ---- the cohorts and the checks themselves


def test_the_cohorts_are_of_every_kind() -> None:
    cohorts = [made(seed) for seed in range(200)]
    assert {len(cohort.labels) for cohort in cohorts} == {1, 2, 3, 4, 5, 6}
    assert {cohort.width for cohort in cohorts} == {7.2, 5.0, 3.7}
    sizes = [sum(group == label for group, _, _ in cohort.patients) for cohort in cohorts for label in cohort.labels]
    assert min(sizes) == 5
    assert max(sizes) == 300
    for kind in (ENGLISH, JAPANESE, SHORT):
        assert sum(set(cohort.labels) <= set(kind) for cohort in cohorts) >= 30
    for words in ("synthetic", "min_at_risk = 5", 'unit = "months"', 'lang = "ja"', *('"lancet"', '"jama"', '"nejm"')):
        assert sum(words in cohort.study for cohort in cohorts) >= 20
    events = [[event for _, _, event in cohort.patients] for cohort in cohorts]
    assert sum(all(some) for some in events) >= 20
    assert sum(not any(some) for some in events) >= 20
    tied = [len({time for _, time, _ in cohort.patients}) < len(cohort.patients) / 3 for cohort in cohorts]
    assert 40 <= sum(tied) <= 160


def test_few_groups_with_short_names_are_named_beside_their_curves(tmp_path: Path) -> None:
    cohorts = [made(seed) for seed in range(200)]
    plain = [
        cohort
        for cohort in cohorts
        if len(cohort.labels) <= 3
        and set(cohort.labels) <= set(SHORT)
        and SHAPES[cohort.seed % len(SHAPES)] in ("plain", "crossing", "all events", "early deaths")
    ]
    beside = []
    for cohort in plain:
        picture = cohort.picture(tmp_path)
        beside.append(check_names(Seen(draw_kaplan_meier(picture)), picture))
    assert len(beside) >= 10
    assert sum(beside) / len(beside) >= 0.8


Change = Callable[[Seen, Text], None]


def onto_the_curve(seen: Seen, label: Text) -> None:
    label.set_position((label.get_position()[0] - 20, label.get_position()[1] - 20))


def beside_the_p(seen: Seen, label: Text) -> None:
    ((p, _),) = [(text, box) for text, box in seen.texts if text.get_text().startswith("Log-rank")]
    label.set_horizontalalignment("right")
    label.set_position((p.get_position()[0] - 2 - 72 * box_width(seen, p) / seen.figure.dpi, p.get_position()[1]))


def out_of_the_canvas(seen: Seen, label: Text) -> None:
    label.set_position((-3, label.get_position()[1]))


def box_width(seen: Seen, wanted: Text) -> float:
    return next(float(box[2] - box[0]) for text, box in seen.texts if text is wanted)


@pytest.mark.parametrize(
    ("change", "fault"),
    [(onto_the_curve, "on a line"), (beside_the_p, "reads on into"), (out_of_the_canvas, "leaves the canvas")],
)
def test_the_checks_see_a_fault(study: KaplanMeierPicture, change: Change, fault: str) -> None:
    figure = draw_kaplan_meier(study)
    assert faults(Seen(figure)) == []
    (label,) = [text for text in figure.texts if text.get_text() == "All other patients"]
    change(Seen(figure), label)
    assert any("All other patients" in words and fault in words for words in faults(Seen(figure)))
