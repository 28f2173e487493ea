"""What other readers of a SAS transport file pass over: special missing values (``.A``), more tables, a cut end."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass

__all__ = ["is_cut", "n_members", "special_missing"]

_RECORD, _DESCRIPTION = 80, 140  # bytes
_NAMESTR, _OBSERVATIONS = b"HEADER RECORD*******NAMESTR", b"HEADER RECORD*******OBS"
_LONG_NAMESTR, _LONG_OBSERVATIONS = b"HEADER RECORD*******NAMSTV8", b"HEADER RECORD*******OBSV8"
_LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_")


def is_cut(content: bytes) -> bool:
    """Whether a transport file ends in the middle of a record; other readers stop there without a word.

    The file is made of records of 80 bytes, and after the last observation only blanks fill the last of them.

    Parameters
    ----------
    content
        A transport file of version 5 or 8.
    """
    if len(content) % _RECORD:
        return True
    layout = _layout(content)
    if layout is None:
        return False
    rest = len(layout.body) % layout.size
    return rest > 0 and layout.body[-rest:].strip() != b""


def n_members(content: bytes) -> int:
    """How many data sets a transport file holds."""
    return content.count(b"HEADER RECORD*******MEMBER") + content.count(b"HEADER RECORD*******MEMBV8")


def special_missing(content: bytes) -> dict[str, dict[str, int]]:
    """Column -> special missing value -> how often it occurs, in the first member of the file.

    A numeric field holds its first byte ``.``, ``A`` to ``Z`` or ``_`` and then nothing but zeros when it is missing.

    Parameters
    ----------
    content
        A transport file of version 5 or 8. What does not look like one has no special values.
    """
    layout = _layout(content)
    if layout is None:
        return {}
    counts: dict[str, dict[str, int]] = {}
    for name, position, length in layout.numbers:
        heads = layout.body[position :: layout.size]
        if not _LETTERS.intersection(heads):
            continue
        found: Counter[str] = Counter()
        rest = bytes(length - 1)
        for row, head in enumerate(heads):
            at = row * layout.size + position
            if head in _LETTERS and layout.body[at + 1 : at + length] == rest and at + length <= len(layout.body):
                found[f".{chr(head)}"] += 1
        if found:
            counts[name] = dict(found)
    return counts


@dataclass(frozen=True, slots=True)
class _Layout:
    """Observations of the first member: their bytes, the size of one, and name, position and length of each number."""

    body: bytes
    size: int
    numbers: tuple[tuple[str, int, int], ...]


def _layout(content: bytes) -> _Layout | None:
    long = content.find(_LONG_NAMESTR) >= 0
    start = content.find(_LONG_NAMESTR if long else _NAMESTR)
    data = content.find(_LONG_OBSERVATIONS if long else _OBSERVATIONS, start + 1)
    if start < 0 or data < 0:
        return None
    try:
        n_variables = int(content[start + 48 : start + 58])
    except ValueError:
        return None
    numbers: list[tuple[str, int, int]] = []
    size = 0
    for number in range(n_variables):
        at = start + _RECORD + number * _DESCRIPTION
        if at + _DESCRIPTION > data:
            return None
        kind, _, length = struct.unpack_from(">hhh", content, at)
        position = struct.unpack_from(">i", content, at + 84)[0]
        size = max(size, position + length)
        if kind == 1:
            raw = content[at + 88 : at + 120] if long else content[at + 8 : at + 16]
            name = (raw.rstrip(b" \x00") or content[at + 8 : at + 16]).decode("latin-1").strip()
            numbers.append((name, position, length))
    if size <= 0:
        return None
    first = data + _RECORD
    last = content.find(b"HEADER RECORD*******MEMBER", first)
    body = content[first : last if last >= 0 else len(content)]
    return _Layout(body=body, size=size, numbers=tuple(numbers))
