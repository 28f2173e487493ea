"""Results as files: ``results.csv``, ``results.json``, ``agreement.csv``, ``methods.md``."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cohortstats.analysis.results import RESULT_COLUMNS, Analysis, CurvePoint, Result
from cohortstats.cohort import Cohort
from cohortstats.study import Study
from cohortstats.tables.language import join_sentences
from cohortstats.tables.numbers import STYLES
from cohortstats.tables.table import visible
from cohortstats.tables.writers.csv import guard_text, rows_to_csv
from cohortstats.tables.writers.markdown import label_markdown

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "curve_csv",
    "frame_csv",
    "frame_records",
    "methods_markdown",
    "results_csv",
    "results_json",
    "writes_curve",
]


# What is done to get a number that no method needs to be named for.
PLAIN_METHODS = {"count": "count of patients", "percentage": "share of n"}


def results_csv(study: Study, analyses: Sequence[Analysis], beside: Sequence[Result] = ()) -> str:
    """One number a row, in the columns of the contract; empty is not applicable, ``nan`` undefined.

    ``beside`` are results that stand in no table of an exhibit.
    """
    records = [record for analysis in analyses for record in analysis.records]
    rows: list[Sequence[object]] = [RESULT_COLUMNS]
    rows += [[_csv_value(value) for value in record.row_values(study.id)] for record in (*records, *beside)]
    return rows_to_csv(rows)


def _csv_value(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    return guard_text(visible(value)) if isinstance(value, str) else value


def results_json(cohort: Cohort, analyses: Sequence[Analysis], beside: Sequence[Result] = ()) -> str:
    """The same numbers with their address, method, origin and their text in every style."""
    study = cohort.study
    records = [record for analysis in analyses for record in analysis.records]
    content = {
        "cohortstats": 1,
        "study": study.id,
        "synthetic": study.synthetic,
        "conventions": study.conventions.describe(),
        "alpha": study.alpha,
        "results": [_json_record(study, record) for record in (*records, *beside)],
        "guards": [
            {"exhibit": analysis.id, "row": guard.row, "guard": guard.name, "text": guard.text}
            for analysis in analyses
            for guard in analysis.guards
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _json_record(study: Study, record: Result) -> dict[str, object]:
    fields = dict(zip(RESULT_COLUMNS, record.row_values(study.id), strict=True))
    # JSON has no nan and no infinity: they are words, as in the CSV.
    entry: dict[str, object] = {"id": record.address}
    entry |= {
        name: repr(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in fields.items()
        if value is not None and value != ""
    }
    entry["group"] = record.group
    if not record.withheld or record.shown_as:
        entry["text"] = {style: record.text(style) for style in STYLES}
    hidden = record.withheld and not record.shown_as
    entry["origin"] = "withheld" if hidden else record.origin
    if not record.withheld:
        entry["n"] = record.n
    entry["method"] = record.method or PLAIN_METHODS.get(record.format, "of the values")
    return entry


def writes_curve(study: Study, analysis: Analysis) -> bool:
    """Whether the steps of an exhibit's curves are written: only when the study file asks for them."""
    return study.report.privacy.curve_csv and bool(analysis.curve)


def curve_csv(points: Sequence[CurvePoint]) -> str:
    """Every step of the curves of an exhibit: shares at full precision, an undefined limit ``nan``."""
    rows: list[Sequence[object]] = [("group", "time", "n_at_risk", "survival", "ci_lower", "ci_upper")]
    rows += [
        (
            guard_text(visible(point.group)),
            repr(point.time),
            point.n_at_risk,
            repr(point.survival),
            repr(point.ci_lower),
            repr(point.ci_upper),
        )
        for point in points
    ]
    return rows_to_csv(rows)


def frame_records(analysis: Analysis) -> list[dict[str, object]]:
    """The exhibit's frame as records for ``show --json``."""
    return [
        {
            name: repr(value) if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in line.items()
            if value is not None
        }
        for line in analysis.lines()
    ]


def frame_csv(frame: pd.DataFrame) -> str:
    """A frame of texts, such as the ledger; printed values stay the strings that were printed."""
    rows = [list(frame.columns), *([guard_text(str(value)) for value in row] for row in frame.itertuples(index=False))]
    return rows_to_csv(rows)


def methods_markdown(heading: str, sentences: Sequence[str], lang: str) -> str:
    """The methods paragraph under its heading."""
    return f"## {heading}\n\n{join_sentences(map(label_markdown, sentences), lang)}\n"
