"""The reference page of the study file, made from the same declarations that the reader checks."""

from __future__ import annotations

from collections.abc import Iterator

from cohortstats.schema import describe
from cohortstats.study.sections import (
    EXHIBITS,
    AnyRow,
    BinaryEndpoint,
    Check,
    Column,
    DataTable,
    Derived,
    Privacy,
    ReportOptions,
    StudySection,
    TimeToEventEndpoint,
    VariableRow,
)

__all__ = ["study_reference"]

SECTIONS: tuple[tuple[str, type], ...] = (
    ("[study]", StudySection),
    ("[data.NAME]", DataTable),
    ("[columns.TABLE.NAME]", Column),
    ("[derive.NAME]", Derived),
    ("[endpoints.NAME], kind binary", BinaryEndpoint),
    ("[endpoints.NAME], kind time to event", TimeToEventEndpoint),
    ("[[check]]", Check),
    *((f"[[{name}]]", cls) for name, cls in EXHIBITS.items()),
    ("a row of [[characteristics]]: one variable", VariableRow),
    ("a row of [[characteristics]]: several yes/no variables", AnyRow),
    ("[report]", ReportOptions),
    ("privacy of [report]", Privacy),
)


def study_reference() -> str:
    """Every section and key of ``study.toml`` with type, default and meaning, as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# The study file, key by key"
    yield ""
    yield "Made from the declarations in `src/cohortstats/study/sections.py` by `make docs`; do not edit it by hand."
    for heading, cls in SECTIONS:
        yield ""
        yield f"## `{heading}`"
        yield ""
        yield "| key | type | default | meaning |"
        yield "| --- | --- | --- | --- |"
        for row in describe(cls):
            cells = (f"`{row.key}`", row.type, row.default, row.meaning)
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
