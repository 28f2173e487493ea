"""Patients printed one by one: their cells, and whether each is one of its column."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence

from cohortstats.errors import DataError, Problem
from cohortstats.expressions import resolve
from cohortstats.printed import Printed

__all__ = ["check_given", "given_cells"]


def check_given(printed: Printed, given: Mapping[str, Sequence[str]]) -> None:
    """Every cell of the given patients that is none of its column.

    Raises
    ------
    DataError
        With all of them.
    """
    problems = []
    for name, cells in given.items():
        known = resolve(name, printed.kinds)
        if known is None or known in printed.define:
            continue
        kind = printed.kinds[known]
        for row, text in enumerate(cells, start=2):
            code = message = ""
            if not text or kind.kind == "text":
                continue
            if kind.kind == "number":
                if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text) and known in printed.columns:
                    code, message = "number-invalid", f"'{text}' is not a number."
            elif text not in kind.level_names:
                code, message = "level-unknown", f"'{text}' is not among the levels {', '.join(kind.level_names)}."
            if code:
                file = printed.given.file if printed.given else ""
                problems.append(Problem(code=code, file=file, row=row, column=name, value=text, message=message))
    if problems:
        raise DataError(problems)


def given_cells(printed: Printed) -> dict[str, list[str]]:
    """Column -> one text a patient of those printed one by one."""
    if printed.given is None:
        return {}
    with printed.given.path.open(encoding="utf-8-sig", newline="") as stream:
        records = [record for record in csv.reader(stream) if any(cell.strip() for cell in record)]
    header, *rows = records or [[]]
    return {
        name.strip(): [row[place].strip() if place < len(row) else "" for row in rows]
        for place, name in enumerate(header)
    }
