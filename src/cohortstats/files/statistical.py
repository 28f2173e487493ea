"""Files of SAS and SPSS: dates by their format, labels as the file has them, missing codes honoured and told."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cohortstats.cohort import Source
from cohortstats.files.native import column_of, same_column, tabulate, text_of
from cohortstats.files.table import Cells, Findings, TextTable
from cohortstats.files.transport import is_cut, n_members, special_missing
from cohortstats.study import DataTable

__all__ = ["read_statistical"]

_NAMES = {"xpt": "SAS transport file", "sas7bdat": "SAS data set", "sav": "SPSS file"}


def read_statistical(content: bytes, kind: str, options: DataTable, source: Source, found: Findings) -> TextTable:
    """Cells of a SAS transport file, a SAS data set or an SPSS file.

    Parameters
    ----------
    content
        The file.
    kind
        ``"xpt"``, ``"sas7bdat"`` or ``"sav"``.
    options
        ``encoding`` and ``labels`` of the study file.
    source
        Facts known so far.
    found
        Takes the problems.
    """
    try:
        import pyreadstat
    except ImportError:
        message = f"Reading a {_NAMES[kind]} needs pip install pyreadstat: {found.file}."
        raise found.stop("reader-missing", message, "Install it, or save the file as csv.") from None
    read: Any = {"xpt": pyreadstat.read_xport, "sas7bdat": pyreadstat.read_sas7bdat, "sav": pyreadstat.read_sav}[kind]
    more = {} if kind == "xpt" else {"user_missing": True}
    try:
        raw, facts = read(io.BytesIO(content), output_format="dict", encoding=options.encoding or None, **more)
    # The library has one error for itself, and those of Python for text and dates that do not fit.
    except Exception as error:
        text = str(error)
        if isinstance(error, UnicodeError) or "convert string" in text or "encoding" in text:
            message = f"{found.file} has text that does not fit its encoding."
            raise found.stop("encoding-unknown", message, "Declare encoding.", key="encoding") from None
        message = f"{found.file} is a damaged {_NAMES[kind]}."
        raise found.stop("format-unsupported", message, "Save it again, or as csv.") from error
    if kind == "xpt" and is_cut(content):
        message = f"{found.file} ends in the middle of a record."
        raise found.stop("format-unsupported", message, "It was not copied to its end; copy it again.")
    if kind == "xpt" and n_members(content) > 1:
        message = f"{found.file} holds {n_members(content)} data sets."
        raise found.stop("format-unsupported", message, "Save each in a file of its own.")
    names = list(facts.column_names)
    spoilt: set[tuple[int, str]] = set()
    special = special_missing(content) if kind == "xpt" else {}
    columns: list[Cells] = []
    for name in names:
        values = list(raw[name])
        if kind == "sav":
            values, marked = _without_marked(values, facts.missing_ranges.get(name, ()))
            _tell_marked(name, marked, found)
            labels = facts.variable_value_labels.get(name, {}) if options.labels else {}
            values = _labelled(name, values, labels, facts.missing_ranges.get(name, ()), spoilt, found)
        else:
            letters = set(facts.missing_user_values.get(name, ()))
            marked = Counter(value for value in values if isinstance(value, str) and value in letters)
            values = [None if isinstance(value, str) and value in letters else value for value in values]
            _tell_marked(name, {f".{letter}": n for letter, n in marked.items()} or special.get(name, {}), found)
        numbers = any(type(value) is float for value in values)
        if numbers and same_column(name, options.id):
            message = "Ids are stored as numbers; leading zeros may be lost."
            found.warn("id-numeric", message, "Store ids as text.", column=name, key="id")
        columns.append(column_of(values))
    labels = {name: label for name, label in facts.column_names_to_labels.items() if label}
    source = replace(source, kind=kind, encoding=(facts.file_encoding or "") if kind != "xpt" else options.encoding)
    return tabulate(names, columns, source, found, labels=labels, spoilt=frozenset(spoilt))


def _tell_marked(name: str, marked: Mapping[str, int], found: Findings) -> None:
    if not marked:
        return
    n = sum(marked.values())
    listed = ", ".join(f"'{value}' {count}" for value, count in sorted(marked.items()))
    message = f"The file marks {n} {'cell' if n == 1 else 'cells'} of {name} as missing: {listed}."
    found.warn("missing-in-file", message, "They are read as empty cells.", column=name)


def _in(value: Any, ranges: Sequence[Mapping[str, Any]]) -> bool:
    try:
        return any(part["lo"] <= value <= part["hi"] for part in ranges)
    except TypeError:  # a text against a number
        return False


def _without_marked(values: list[Any], ranges: Sequence[Mapping[str, Any]]) -> tuple[list[Any], Counter[str]]:
    if not ranges:
        return values, Counter()
    marked = Counter(text_of(value) for value in values if value is not None and _in(value, ranges))
    return [None if value is not None and _in(value, ranges) else value for value in values], marked


def _labelled(
    name: str,
    values: list[Any],
    labels: Mapping[Any, str],
    ranges: Sequence[Mapping[str, Any]],
    spoilt: set[tuple[int, str]],
    found: Findings,
) -> list[Any]:
    """Labels for values; where only a few values have one, such as the ends of a scale, the numbers stay."""
    known = {value: label for value, label in labels.items() if not _in(value, ranges)}
    if not known:
        return values
    occurring = {value for value in values if not _empty(value)}
    bare = sorted(occurring - set(known))
    if bare and 2 * len(bare) > len(occurring):
        message = f"Only {len(occurring) - len(bare)} of {len(occurring)} values of {name} have a label."
        found.warn("label-missing", f"{message} The values are read.", "", column=name, key="labels")
        return values
    cells: list[Any] = []
    for place, value in enumerate(values):
        if value in known or _empty(value):
            cells.append(known.get(value))
            continue
        spoilt.add((place, name))
        shown = text_of(value)
        mend = "Label it in SPSS, or set labels = false."
        message = f"No label for '{shown}'."
        found.add("label-missing", message, mend, row=place + 1, column=name, value=shown, key="labels")
        cells.append(shown)
    return cells


def _empty(value: Any) -> bool:
    return value is None or value == "" or value != value
