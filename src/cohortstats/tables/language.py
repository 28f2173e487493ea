"""The words of a report: one catalogue a language, equal keys in all of them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files

__all__ = ["LANGUAGES", "Words", "join_sentences", "sentence_values", "words"]

LANGUAGES = ("en", "ja")

Words = Callable[..., str]


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """All sentences of one language."""
    text = (files("cohortstats.tables") / "catalogues" / f"{lang}.toml").read_text(encoding="utf-8")
    return {key: str(value) for key, value in tomllib.loads(text).items()}


def join_sentences(sentences: Iterable[str], lang: str) -> str:
    """Sentences one behind the other; Japanese has no blank between them."""
    return ("" if lang == "ja" else " ").join(sentences)


@cache
def words(lang: str) -> Words:
    """A function from key and values to a sentence.

    A key may have the variant ``<key>_one``, which is used when ``n`` is 1.

    Examples
    --------
    >>> words("en")("patients_n", n=34), words("en")("patients_n", n=1)
    ('34 patients', '1 patient')
    """
    sentences = catalogue(lang)

    def say(key: str, **values: object) -> str:
        # Words of a study file ("log-log", "not an event") are parts of keys as they stand.
        key = key.replace("-", "_").replace(" ", "_")
        singular = f"{key}_one"
        chosen = singular if values.get("n") == 1 and singular in sentences else key
        # One pass: a label with braces is data, not a format.
        return re.sub(r"\{(\w+)\}", lambda gap: str(values[gap.group(1)]), sentences[chosen])

    return say


@cache
def _pattern(lang: str, key: str) -> re.Pattern[str] | None:
    sentence = catalogue(lang).get(key)
    if sentence is None:
        return None
    pieces = re.split(r"\{(\w+)\}", sentence)
    # A gap that comes twice holds the same words twice.
    seen: set[str] = set()
    parts = []
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            parts.append(re.escape(piece))
        else:
            parts.append(f"(?P={piece})" if piece in seen else f"(?P<{piece}>.*?)")
            seen.add(piece)
    return re.compile("".join(parts), re.DOTALL)


def sentence_values(lang: str, key: str, text: str) -> dict[str, str] | None:
    """What stands in the gaps of a sentence that was said with a key; None when it is another sentence.

    Without a key, any sentence of the catalogue that has no gaps and tells of no single one (``KEY_one``) will do.

    Examples
    --------
    >>> sentence_values("en", "response_missing", "18 patients without a response are not counted.")
    {'n': '18'}
    >>> sentence_values("en", "response_missing", "Another sentence.") is None
    True
    """
    if not key:
        return {} if text in _without_gaps(lang) else None
    pattern = _pattern(lang, key.replace("-", "_").replace(" ", "_"))
    found = pattern.fullmatch(text) if pattern is not None else None
    return found.groupdict() if found is not None else None


@cache
def _without_gaps(lang: str) -> frozenset[str]:
    return frozenset(text for key, text in catalogue(lang).items() if "{" not in text and not key.endswith("_one"))
