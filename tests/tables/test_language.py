"""The catalogues of both languages hold the same sentences with the same gaps."""

from __future__ import annotations

import re

from cohortstats.tables.language import LANGUAGES, catalogue, words


def gaps(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_keys_and_gaps_are_equal() -> None:
    english = catalogue("en")
    for lang in LANGUAGES:
        other = catalogue(lang)
        assert set(other) == set(english)
        assert {key: gaps(text) for key, text in other.items()} == {key: gaps(text) for key, text in english.items()}


def test_every_singular_has_its_plural() -> None:
    assert all(key.removesuffix("_one") in catalogue("en") for key in catalogue("en") if key.endswith("_one"))


def test_values_with_braces_are_data() -> None:
    assert words("en")("note_empty_uses", exhibit="{n}", n="{exhibit}") == "; {n} uses {exhibit}"
