"""Colours for readers who see fewer of them, for grey print, and for words on a tinted ground; all computed here.

Colour blindness is simulated by Machado, Oliveira and Fernandes (2009, IEEE TVCG 15:1291, severity 1) on linear light;
differences are CIE 1976 in CIELAB under D65 (IEC 61966-2-1 primaries).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, groupby
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.figure import Figure

from cohortstats.figures import KaplanMeierPicture, draw_kaplan_meier
from cohortstats.figures.palette import LINE_ROLES, PALETTE, TEXT_ROLES, contrast

Floats = npt.NDArray[np.floating]
Mode = Literal["light", "dark"]

SIMULATED = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)

# Light and dark colour of every role that the report prints.
PRINTED = {
    "paper": ("#ffffff", "#14171c"),
    "wash": ("#f5f7f9", "#1c2027"),
    "hairline": ("#dfe3e8", "#2e343d"),
    "ink": ("#16181d", "#eceff3"),
    "ink-2": ("#3d434d", "#c5cbd4"),
    "muted": ("#69707c", "#969fab"),
    "link": ("#0067a5", "#5cb8ee"),
    "group-1": ("#0b3c6f", "#7cc4f2"),
    "group-2": ("#d55e00", "#e8862f"),
    "group-2-text": ("#b34e00", "#f39a4d"),
    "agrees": ("#1a6b3c", "#6fd39a"),
    "last-digit": ("#8a5a00", "#e9b949"),
    "differs": ("#a3262a", "#ff8f8b"),
}


def values(colour: str) -> Floats:
    return np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])


def linear(colour: str) -> Floats:
    coded = values(colour)
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def lab(light: Floats) -> Floats:
    """CIELAB of linear light; white is (100, 0, 0)."""
    ratio = TO_XYZ @ light / (TO_XYZ @ np.ones(3))
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(one: str, other: str, sight: str | None = None) -> float:
    """CIE 1976 difference of two colours, as everybody or as a colour-blind reader sees them."""
    matrix = np.eye(3) if sight is None else np.array(SIMULATED[sight])
    first, second = (lab(np.clip(matrix @ linear(colour), 0, 1)) for colour in (one, other))
    return float(np.linalg.norm(first - second))


def lightness(colour: str) -> float:
    return float(lab(linear(colour))[0])


def group(slot: int, mode: Mode) -> str:
    colour: str = getattr(PALETTE[f"group-{slot}"], mode)
    return colour


# ---- the yardstick itself


def test_the_yardstick_gives_known_answers() -> None:
    # CIELAB of the sRGB primaries under D65, from Lindbloom's calculator.
    assert lab(linear("#ff0000")) == pytest.approx([53.2408, 80.0925, 67.2032], abs=2e-3)
    assert lab(linear("#0000ff")) == pytest.approx([32.2970, 79.1875, -107.8602], abs=2e-3)
    assert lab(linear("#ffffff")) == pytest.approx([100, 0, 0], abs=1e-9)
    # Greys look grey to everybody: the rows of the matrices sum to 1.
    assert np.sum(list(SIMULATED.values()), axis=2) == pytest.approx(np.ones((3, 3)), abs=2e-6)
    # Red and green of one lightness: far apart, but not for a deuteranope.
    assert difference("#c04000", "#6e7200") > 50 > 3 * difference("#c04000", "#6e7200", "deutan")


# ---- contrast


@pytest.mark.parametrize("role", PRINTED)
def test_colours_are_those_of_the_report(role: str) -> None:
    assert tuple(PALETTE[role]) == PRINTED[role]


def test_every_role_is_of_words_of_lines_or_a_ground() -> None:
    assert set(PALETTE) - {*TEXT_ROLES, *LINE_ROLES} == {"paper", "wash", "hairline"}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_contrast_by_its_definition(mode: Mode) -> None:
    """Recomputed here: words 4.5 to 1 on paper and wash, lines 3 to 1 on both."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    for roles, least in ((TEXT_ROLES, 4.5), (LINE_ROLES, 3.0)):
        for role in roles:
            for ground in ("paper", "wash"):
                ink, on = getattr(PALETTE[role], mode), getattr(PALETTE[ground], mode)
                low, high = sorted(float(weights @ linear(colour)) for colour in (ink, on))
                assert (high + 0.05) / (low + 0.05) >= least
                assert contrast(ink, on) == pytest.approx((high + 0.05) / (low + 0.05), rel=1e-12)


# ---- fewer colours, and none


def test_two_groups_differ_by_88_for_every_sight_and_by_29_in_grey_print() -> None:
    seen = [difference(group(1, "light"), group(2, "light"), sight) for sight in SIMULATED]
    assert min(seen) == pytest.approx(88, abs=0.5)
    assert abs(lightness(group(1, "light")) - lightness(group(2, "light"))) == pytest.approx(29, abs=0.5)
    assert min(difference(group(1, "dark"), group(2, "dark"), sight) for sight in SIMULATED) > 80


def drawn_lines(picture: KaplanMeierPicture) -> list[tuple[str, float, str]]:
    """Colour, width and marker of each group as drawn, in the order of the picture."""
    axes = draw_kaplan_meier(picture).axes[0]
    found = []
    for index in range(len(picture.groups)):
        colour = group(picture.slot(index), "light")
        mine = [line for line in axes.lines if line.get_color() == colour and line.get_linestyle() == "-"]
        (width,) = {line.get_linewidth() for line in mine} - {1.3}
        marks = {str(line.get_marker()) for line in axes.lines if line.get_markeredgecolor() == colour} - {"None"}
        found.append((colour, float(width), "".join(sorted(marks))))
    return found


@pytest.mark.parametrize("count", [3, 4, 5, 6])
def test_from_three_groups_on_no_two_rest_on_colour_alone(make: Callable[..., KaplanMeierPicture], count: int) -> None:
    picture = make(11, count)
    lines = drawn_lines(picture)
    assert len({marker for _, _, marker in lines}) == count
    assert all(marker for _, _, marker in lines)
    assert len({width for _, width, _ in lines}) == 2
    shown = "".join(text.get_text() for text in draw_kaplan_meier(picture).texts).replace(" ", "")
    assert all(group.label.replace("*", "").replace(" ", "") in shown for group in picture.groups)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_lines_of_one_width_stay_apart_for_every_sight(make: Callable[..., KaplanMeierPicture], mode: Mode) -> None:
    order = sorted(zip((width for _, width, _ in drawn_lines(make(11, 6))), range(1, 7), strict=True))
    for _, slots in groupby(order, key=lambda pair: pair[0]):
        for (_, one), (_, other) in combinations(slots, 2):
            for sight in (None, *SIMULATED):
                assert difference(group(one, mode), group(other, mode), sight) > 23, (one, other, sight)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_no_two_groups_look_the_same_to_anybody(mode: Mode) -> None:
    for one, other in combinations(range(1, 7), 2):
        assert difference(group(one, mode), group(other, mode)) > 30
        for sight in SIMULATED:
            assert difference(group(one, mode), group(other, mode), sight) > 11, (one, other, sight)


def test_six_hues_alone_would_not_do() -> None:
    """Why widths and markers are there: in grey print some of the six cannot be told apart."""
    greys = sorted(lightness(group(slot, "light")) for slot in range(1, 7))
    assert min(np.diff(greys)) < 3


def test_dots_keep_their_difference_in_grey_print() -> None:
    assert lightness(PALETTE["paper"].light) - max(lightness(group(slot, "light")) for slot in range(1, 7)) > 40


# ---- words on tinted grounds


STAMP = "rebuilt from published aggregates, not patient records: one of many cohorts with the printed medians and P"


@pytest.mark.parametrize("seed", range(12))
def test_words_have_4_5_to_1_on_whatever_lies_under_them(
    make: Callable[..., KaplanMeierPicture], faint_words: Callable[[Figure], dict[str, float]], paint: str, seed: int
) -> None:
    """Bands tint the paper, several of them strongly; each dot under each word is looked at."""
    picture = make(seed, 1 + seed % 6, japanese=seed % 2 == 1, stamp=STAMP, table=seed % 3 == 0)
    assert [faint_words(draw_kaplan_meier(picture, width_inches=width)) for width in (7.2, 3.7)] == [{}, {}]


def test_the_look_at_dots_sees_a_word_on_a_band(
    study: KaplanMeierPicture, faint_words: Callable[[Figure], dict[str, float]]
) -> None:
    figure = draw_kaplan_meier(study)
    for text in figure.texts:
        if text.get_text() == "All other patients":
            text.set_color(PALETTE["group-2"].light)
    # Lines need 3 to 1 only, and their orange has 3.87 to 1 on paper.
    assert faint_words(figure) == {"All other patients": pytest.approx(3.87, abs=0.1)}
