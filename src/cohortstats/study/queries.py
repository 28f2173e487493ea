"""What a query of a study file may be: one SELECT, without a password or an address in it."""

from __future__ import annotations

import re

__all__ = ["holds_secret", "is_one_select"]

_SKIP = re.compile(
    r"""--[^\n]*|/\*(?!!).*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$""",
    re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z_]\w*")
# Inside one SELECT only these change something or send rows elsewhere; a column of such a name is written in quotes.
_CHANGES = frozenset({"delete", "insert", "into", "merge", "truncate", "update", "upsert"})
_SECRET = re.compile(
    r"[a-z][a-z0-9+.-]*://|\b(password|passwd|pwd|passphrase|secret|token|api_?key|access_?key)\b\s*=\s*['\"\w]",
    re.IGNORECASE,
)


def is_one_select(sql: str) -> bool:
    """Whether a text is one SELECT, or WITH … SELECT, and nothing else.

    Examples
    --------
    >>> is_one_select("WITH a AS (SELECT 1 AS id) SELECT id FROM a;"), is_one_select("SELECT 'drop; it' AS x")
    (True, True)
    >>> is_one_select("SELECT 1; DROP TABLE a"), is_one_select("WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a")
    (False, False)
    """
    if "\\'" in sql:
        return False  # some databases read \' as a quote inside a text, some as its end
    bare = _SKIP.sub(" x ", sql).strip()
    if re.search(r"['\"`]|/\*", bare):
        return False  # a quote or comment that never closes
    bare = bare.rstrip("; \t\r\n")
    leading = re.sub(r"^(?:x\s+|\()+", "", bare)
    words = [word.lower() for word in _WORD.findall(leading)]
    return bool(words) and ";" not in bare and words[0] in ("select", "with") and not _CHANGES & set(words)


def holds_secret(text: str) -> bool:
    """Whether a text holds a password, a key or an address.

    Examples
    --------
    >>> holds_secret("postgresql://me:pw@host/db"), holds_secret("host=db password=pw"), holds_secret("hospital")
    (True, True, False)
    """
    return _SECRET.search(text) is not None
