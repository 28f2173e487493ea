"""Special missing values (``.A`` to ``.Z``, ``._``) of a SAS transport file, which other readers merge with ``.``."""

from __future__ import annotations

import struct
from collections import Counter

__all__ = ["special_missing"]

_RECORD = 80
_NAMESTR, _OBSERVATIONS = b"HEADER RECORD*******NAMESTR", b"HEADER RECORD*******OBS"
_LONG_NAMESTR, _LONG_OBSERVATIONS = b"HEADER RECORD*******NAMSTV8", b"HEADER RECORD*******OBSV8"
_LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_")


def special_missing(content: bytes) -> dict[str, dict[str, int]]:
    """Column -> special missing value -> how often it occurs, in the first member of the file.

    A numeric field holds its first byte ``.``, ``A`` to ``Z`` or ``_`` and then nothing but zeros when it is missing.

    Parameters
    ----------
    content
        A transport file of version 5 or 8. What does not look like one has no special values.
    """
    long = content.find(_LONG_NAMESTR) >= 0
    start = content.find(_LONG_NAMESTR if long else _NAMESTR)
    data = content.find(_LONG_OBSERVATIONS if long else _OBSERVATIONS, start + 1)
    if start < 0 or data < 0:
        return {}
    try:
        n_variables = int(content[start + 54 : start + 58] if not long else content[start + 48 : start + 58])
    except ValueError:
        return {}
    size = 140
    fields: list[tuple[str, int, int]] = []
    end = 0
    for number in range(n_variables):
        at = start + _RECORD + number * size
        if at + size > data:
            return {}
        kind, _, length = struct.unpack_from(">hhh", content, at)
        position = struct.unpack_from(">i", content, at + 84)[0]
        end = max(end, position + length)
        if kind == 1:
            raw = content[at + 88 : at + 120] if long else content[at + 8 : at + 16]
            name = (raw.rstrip(b" \x00") or content[at + 8 : at + 16]).decode("latin-1").strip()
            fields.append((name, position, length))
    if end <= 0:
        return {}
    first = data + _RECORD
    last = content.find(b"HEADER RECORD*******MEMBER", first)
    body = content[first : last if last >= 0 else len(content)]
    counts: dict[str, dict[str, int]] = {}
    for name, position, length in fields:
        heads = body[position::end]
        if not _LETTERS.intersection(heads):
            continue
        found: Counter[str] = Counter()
        rest = bytes(length - 1)
        for row, head in enumerate(heads):
            at = row * end + position
            if head in _LETTERS and body[at + 1 : at + length] == rest and at + length <= len(body):
                found[f".{chr(head)}"] += 1
        if found:
            counts[name] = dict(found)
    return counts
