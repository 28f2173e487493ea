"""Italics, cleaning and breaking of labels."""

from __future__ import annotations

import pytest

from cohortstats.figures.words import clean, plain, runs_of, wrap


def count(text: str, italic: bool) -> float:
    return float(len(text))


def lines(label: str, width: float, **more: int) -> list[str]:
    return ["".join(run.text for run in line) for line in wrap(label, width, count, **more)]


@pytest.mark.parametrize(
    ("label", "italic"),
    [
        ("*HER2*", ["HER2"]),
        ("a *b* c *d e* f", ["b", "d e"]),
        ("3 * 4 * 5", []),
        ("**", []),
        ("*open", []),
        ("a*b", []),
    ],
)
def test_only_starred_words_are_italic(label: str, italic: list[str]) -> None:
    assert [run.text for run in runs_of(label) if run.italic] == italic
    if not italic:
        assert plain(label) == label


def test_clean_drops_controls_and_joins_spaces() -> None:
    assert clean("a\tb\r\nc\u202ed\x00\ud800") == "a b cd"
    assert len(clean("x" * 10_000)) < 2100


def test_lines_break_at_spaces() -> None:
    assert lines("ER/PR positive and *HER2* not amplified", 16) == ["ER/PR positive", "and HER2 not", "amplified"]


def test_japanese_breaks_between_characters_but_not_before_a_full_stop() -> None:
    assert lines("患者記録ではありません。", 11) == ["患者記録ではありませ", "ん。"]
    assert lines("増幅（なし）", 3) == ["増幅", "（な", "し）"]


def test_a_word_longer_than_a_line_is_cut() -> None:
    assert lines("abcdefgh", 3) == ["abc", "def", "gh"]


def test_too_many_lines_end_in_an_ellipsis() -> None:
    assert lines("one two three four five", 5, max_lines=2) == ["one", "two…"]


def test_nothing_is_lost_by_breaking() -> None:
    label = "Hormone receptor positive, *HER2* not amplified in plasma"
    for width in range(8, 60):
        assert "".join(lines(label, width, max_lines=20)).replace(" ", "") == plain(label).replace(" ", "")
