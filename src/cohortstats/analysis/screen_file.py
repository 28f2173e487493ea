"""A screen written while it runs: what was done survives a kill, and the same call goes on from there."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cohortstats.analysis.screen import ScreenPlan, adjusted
from cohortstats.errors import InputError
from cohortstats.tables.writers.csv import guard_text

__all__ = ["part_path", "plan_hash", "write_screen"]

SUFFIXES = (".csv", ".parquet")
WHOLE = ("n", "n_marker", "events_marker", "n_other", "events_other")
WORDS = ("by", "marker", "level", "effect", "method", "reason")
LINES = 10_000  # written at a time when the file is put together
FORMAT = 1  # of the unfinished file


def part_path(path: Path) -> Path:
    """The unfinished file beside the finished one."""
    return path.with_name(f"{path.name}.part")


def plan_hash(plan: ScreenPlan) -> str:
    """Hash of everything that the results are a function of, but for the adjustment, which comes last."""
    digest = hashlib.sha256(json.dumps([FORMAT, plan.names, plan.method, repr(plan.ci_level), plan.by]).encode())
    digest.update(json.dumps([plan.markers.names, plan.markers.levels]).encode())
    digest.update(np.ascontiguousarray(plan.markers.codes).data)
    for part in plan.parts:
        digest.update(part.name.encode())
        for values in (part.rows, part.outcome, part.time, part.strata):
            digest.update(b"-" if values is None else np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def write_screen(
    plan: ScreenPlan,
    path: str | Path,
    *,
    at_once: int = 1_000,
    watch: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    told: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write the results of a screen, some markers at a time, and the adjusted P at the end.

    Rows go to ``FILE.part`` as they are made. A call with the same data and options goes on behind the last whole row
    of it; any other starts anew. The finished file takes its name in one step.

    Parameters
    ----------
    plan
        What to test.
    path
        A ``.csv`` or ``.parquet`` file.
    at_once
        Markers tested before their rows are written.
    watch
        Wraps the steps, to show how far they are.
    told
        Takes a sentence about what was found unfinished.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise InputError(f"a screen is written to .csv or .parquet; {path.name} is neither.")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent.as_posix()} to write {path.name} to.")
    part, head = part_path(path), json.dumps({"screen": plan_hash(plan), "columns": plan.names})
    done = _rows_done(part, head)
    if done is None:
        if part.exists():
            told(f"{part.name} is of other data or options; the screen starts anew.")
        part.write_text(head + "\n", encoding="utf-8")
    elif done:
        told(f"{done:,} of {plan.n_rows:,} rows are in {part.name} already; the screen goes on from there.")
    with part.open("a", encoding="utf-8", newline="\n") as file:
        for block in watch(_Steps(plan, done or 0, at_once)):
            lists = [block[name].tolist() for name in plan.names]
            file.write("".join(json.dumps(row) + "\n" for row in zip(*lists, strict=True)))
            file.flush()
            os.fsync(file.fileno())
    unfinished = path.with_name(f"{path.name}.tmp")
    try:
        (_write_csv if path.suffix == ".csv" else _write_parquet)(plan, part, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    part.unlink()
    return path


class _Steps:
    """Blocks still to be made, with their number, which a progress bar needs."""

    def __init__(self, plan: ScreenPlan, done: int, at_once: int) -> None:
        self._plan, self._done, self._at_once = plan, done, at_once

    def __len__(self) -> int:
        m = len(self._plan.markers.names)
        left = [max(0, m - max(0, self._done - place * m)) for place in range(len(self._plan.parts))]
        return sum(-(-rows // self._at_once) for rows in left)

    def __iter__(self) -> Iterator[Any]:
        return self._plan.blocks(self._done, self._at_once)


def _rows_done(part: Path, head: str) -> int | None:
    """Whole rows of an unfinished file with this head, behind which it is cut off; None without such a file."""
    if not part.is_file():
        return None
    with part.open("r+b") as file:
        if file.readline() != f"{head}\n".encode():
            return None
        rows, end = 0, file.tell()
        for line in file:
            with contextlib.suppress(ValueError):
                if line.endswith(b"\n") and isinstance(json.loads(line), list):
                    rows, end = rows + 1, end + len(line)
                    continue
            break
        file.truncate(end)
    return rows


def _rows(plan: ScreenPlan, part: Path) -> Iterator[list[Any]]:
    """Rows with the adjusted P behind P; only P is held for all rows."""
    with part.open(encoding="utf-8") as file:
        next(file)
        at = plan.names.index("p_value")
        p_value = np.array([json.loads(line)[at] for line in file])
    together = adjusted({"p_value": p_value}, plan)["p_adjusted"].tolist()
    with part.open(encoding="utf-8") as file:
        next(file)
        for line, value in zip(file, together, strict=True):
            row = json.loads(line)
            yield [*row[: at + 1], value, *row[at + 1 :]]


def _columns(plan: ScreenPlan) -> list[str]:
    at = plan.names.index("p_value") + 1
    return [*plan.names[:at], "p_adjusted", *plan.names[at:]]


def _cell(value: Any, *, guard: bool) -> str:
    if isinstance(value, float):
        return repr(value)
    return guard_text(str(value)) if guard else str(value)


def _write_csv(plan: ScreenPlan, part: Path, path: Path, *, guard: bool = True) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_columns(plan))
        writer.writerows([_cell(value, guard=guard) for value in row] for row in _rows(plan, part))


def _write_parquet(plan: ScreenPlan, part: Path, path: Path) -> None:
    import duckdb

    plain = path.with_name(f"{path.name}.csv")
    kinds = {name: "BIGINT" if name in WHOLE else "VARCHAR" if name in WORDS else "DOUBLE" for name in _columns(plan)}
    try:
        _write_csv(plan, part, plain, guard=False)
        with duckdb.connect() as connection:
            table = connection.read_csv(
                str(plain), header=True, columns=kinds, delimiter=",", quotechar='"', escapechar='"', na_values=["\0"]
            )
            table.write_parquet(str(path))
    finally:
        plain.unlink(missing_ok=True)


def finite_records(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """One record a row; numbers that JSON does not have stand as words, ``nan`` and ``inf``."""
    lists = {name: values.tolist() for name, values in columns.items()}
    return [
        {
            name: repr(value) if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in zip(lists, row, strict=True)
        }
        for row in zip(*lists.values(), strict=True)
    ]
