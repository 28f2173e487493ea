"""The reference page of the study file, made from the same declarations that the reader checks."""

from __future__ import annotations

from collections.abc import Iterator

from cohortstats.schema import describe
from cohortstats.study.ctdna_sections import ASSAYS
from cohortstats.study.rules import RULES, ProgressionDate
from cohortstats.study.sections import (
    EXHIBITS,
    AnyRow,
    Assessments,
    BinaryEndpoint,
    CensorDate,
    Check,
    Column,
    DataTable,
    Derived,
    EventDate,
    FlowStage,
    Privacy,
    ReportOptions,
    StopDate,
    StudySection,
    SwimmerMarks,
    TimeToEventEndpoint,
    VariableRow,
    VisitGaps,
)

__all__ = ["study_reference"]

SECTIONS: tuple[tuple[str, type], ...] = (
    ("[study]", StudySection),
    ("[data.NAME]", DataTable),
    ("[columns.TABLE.NAME]", Column),
    *((f"[ctdna.NAME], kind {name}", cls) for name, cls in ASSAYS.items()),
    ("[derive.NAME]", Derived),
    *((f'[derive.NAME], rule = "{name}"', cls) for name, cls in RULES.items()),
    ("progression of [derive.NAME] with lines of therapy", ProgressionDate),
    ("[endpoints.NAME], kind binary", BinaryEndpoint),
    ("[endpoints.NAME], kind time to event", TimeToEventEndpoint),
    ("an entry of events of [endpoints.NAME]", EventDate),
    ("an entry of censors of [endpoints.NAME]", CensorDate),
    ("an entry of stops of [endpoints.NAME]", StopDate),
    ("gaps of [endpoints.NAME]", VisitGaps),
    ("assessments of [endpoints.NAME]", Assessments),
    ("[[check]]", Check),
    *((f"[[{name}]]", cls) for name, cls in EXHIBITS.items()),
    ("a row of [[characteristics]]: one variable", VariableRow),
    ("a row of [[characteristics]]: several yes/no variables", AnyRow),
    ("an entry of marks of [[swimmer]]", SwimmerMarks),
    ("an entry of steps of [[flow]]", FlowStage),
    ("[report]", ReportOptions),
    ("privacy of [report]", Privacy),
)


def study_reference() -> str:
    """Every section and key of ``study.toml`` with type, default and meaning, as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# The study file, key by key"
    yield ""
    yield "Made from the declarations in `src/cohortstats/study/` by `make docs`; do not edit it by hand."
    for heading, cls in SECTIONS:
        yield ""
        yield f"## `{heading}`"
        yield ""
        yield "| key | type | default | meaning |"
        yield "| --- | --- | --- | --- |"
        for row in describe(cls):
            cells = (f"`{row.key}`", row.type, row.default, row.meaning)
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
