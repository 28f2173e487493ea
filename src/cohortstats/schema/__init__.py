"""How a TOML file becomes frozen values: one declaration a key, and every check made from it.

A section of a file is a frozen dataclass; a key is a field declared with :func:`key`, which gives its meaning, its
default and what it refers to. The reader, the messages, the nearest spellings and the reference page are all made
from these fields, so a key cannot be read and yet be undocumented.
"""

from cohortstats.schema.declare import KeyRow, describe, each_key, key
from cohortstats.schema.document import Document, Problems, missing_file, read_document
from cohortstats.schema.lines import join_key, key_lines
from cohortstats.schema.section import read_section

__all__ = [
    "Document",
    "KeyRow",
    "Problems",
    "describe",
    "each_key",
    "join_key",
    "key",
    "key_lines",
    "missing_file",
    "read_document",
    "read_section",
]
