"""The words of a report: one catalogue a language, equal keys in all of them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files

__all__ = ["LANGUAGES", "Words", "join_sentences", "words"]

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
