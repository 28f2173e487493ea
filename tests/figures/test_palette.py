"""Colours as the page prints them, and legible by WCAG 2."""

from __future__ import annotations

import pytest

from cohortstats.figures.palette import LINE_ROLES, PALETTE, TEXT_ROLES, contrast, css_variables, put_hex_back

PRINTED = {
    "ink": (17.76, 15.57),
    "ink-2": (9.96, 11.01),
    "muted": (4.99, 6.71),
    "link": (6.03, 8.17),
    "group-1": (11.11, 9.44),
    "group-2": (3.87, 6.74),
    "group-2-text": (5.24, 8.16),
    "agrees": (6.54, 9.80),
    "last-digit": (5.93, 9.84),
    "differs": (7.32, 8.17),
}


@pytest.mark.parametrize("role", PRINTED)
def test_contrast_on_paper_as_printed(role: str) -> None:
    paper = PALETTE["paper"]
    found = [contrast(colour, ground) for colour, ground in zip(PALETTE[role], paper, strict=True)]
    assert found == pytest.approx(PRINTED[role], abs=0.0051)


def test_muted_on_wash_as_printed() -> None:
    assert contrast(PALETTE["muted"].light, PALETTE["wash"].light) == pytest.approx(4.65, abs=0.0051)


@pytest.mark.parametrize("role", TEXT_ROLES)
def test_words_have_4_5_to_1_on_paper_and_on_wash(role: str) -> None:
    for ground in ("paper", "wash"):
        assert all(contrast(ink, on) >= 4.5 for ink, on in zip(PALETTE[role], PALETTE[ground], strict=True))


@pytest.mark.parametrize("role", LINE_ROLES)
def test_lines_have_3_to_1_on_paper(role: str) -> None:
    assert all(contrast(ink, on) >= 3 for ink, on in zip(PALETTE[role], PALETTE["paper"], strict=True))


def test_colours_that_are_not_allowed_for_lines_fail_the_same_test() -> None:
    found = [contrast(colour, "#ffffff") for colour in ("#E7B800", "#00BFC4", "#ff7f0e")]
    assert found == pytest.approx([1.87, 2.27, 2.53], abs=0.0051)


def test_every_role_can_be_told_from_its_light_colour() -> None:
    words = [shade.light for role, shade in PALETTE.items() if role.endswith("-text")]
    others = [shade.light for role, shade in PALETTE.items() if not role.endswith("-text")]
    assert len(set(words)) == len(words)
    assert len(set(others)) == len(others)


def test_variables_and_back() -> None:
    assert len(css_variables("light").splitlines()) == len(PALETTE)
    every = " ".join(f"var(--{role})" for role in PALETTE)
    assert put_hex_back(every, "dark").split() == [shade.dark for shade in PALETTE.values()]
