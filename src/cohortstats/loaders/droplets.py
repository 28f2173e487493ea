"""Exports of droplets to a table of wells, each with its patient; wells of nobody are counted and set aside."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.cohort import FlowStep, Source
from cohortstats.ctdna.quality import read_counts, without_template
from cohortstats.ctdna.read import COLUMNS, DropletExport, scan_ddpcr
from cohortstats.errors import DataError, Problem
from cohortstats.expressions import Values
from cohortstats.files.read import list_paths
from cohortstats.files.table import TextTable
from cohortstats.loaders.droplet_table import DropletTable
from cohortstats.loaders.sample_map import SampleMap, read_map
from cohortstats.study import DataTable, Study

__all__ = ["read_droplets"]

Mask = npt.NDArray[np.bool_]

_FIELDS = tuple(name for name in COLUMNS if name != "row")
_TEXTS = frozenset(
    {"well", "sample", "target", "channel", "status", "role", "dye", "merged_from", "software", "file"}
    | {"sample_2", "sample_3", "sample_4"}
)


def read_droplets(study: Study, table: DataTable) -> DropletTable:
    """The wells of a ``[data.NAME]`` section with ``kind = "ddpcr"``.

    Parameters
    ----------
    study
        The protocol; its ``[ctdna]`` says which samples are blanks.
    table
        The section.

    Raises
    ------
    DataError
        With every problem found, when an export or the map cannot be read.
    """
    paths, problems = list_paths(study.folder, table)
    problems += _same_names(study, table, paths)
    found: SampleMap | None = None
    if table.map:
        try:
            found = read_map(study, table, tuple(path.name for path in paths))
        except DataError as error:
            problems += error.problems
    export = (
        scan_ddpcr(
            list(paths),
            volume_nl=table.volume_nl,
            sheet=table.sheet,
            encoding=table.encoding,
            table=table.name,
            min_accepted=table.min_accepted,
            ntc=table.ntc,
            ntc_max=table.ntc_max,
        )
        if paths
        else None
    )
    if export is None or problems or len(export.files) < len(paths):
        problems += export.problems if export is not None else ()
        problems += found.problems if found is not None else ()
        errors = [problem for problem in problems if problem.level == "error"]
        raise DataError(problems, missing_file=all(problem.code == "file-missing" for problem in errors))
    return _Reading(study, table, export, found).table()


def _same_names(study: Study, table: DataTable, paths: Sequence[Path]) -> list[Problem]:
    """Exports of one name in several folders: the file that a well names must be one."""
    names = [path.name for path in paths]
    return [
        study.problem(
            f"data.{table.name}.file",
            "key-conflict",
            f"[data.{table.name}] file: {names.count(name)} exports are called {name}.",
            "Give each a name of its own.",
        )
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]


class _Reading:
    """Exports on their way to a table."""

    def __init__(self, study: Study, table: DataTable, export: DropletExport, found: SampleMap | None) -> None:
        self.study = study
        self.declared = table
        self.export = export
        self.map = found
        self.frame = export.frame.copy(deep=False)
        self.frame.attrs = {}  # what was said of the files; pandas would copy it with every column
        self.problems: list[Problem] = list(export.problems)
        self.steps: list[FlowStep] = []
        self.files = _named([file.table.source.file for file in export.files])

    def table(self) -> DropletTable:
        frame = self.frame
        self.step(f"rows of {self.files}", len(frame), 0)
        left = np.ones(len(frame), dtype=bool)
        bare = frame["sample"].eq("").to_numpy(dtype=bool)
        unread = np.isnan(read_counts(frame, "accepted"))
        positive = self.same_well(frame["role"].eq("positive control").to_numpy(dtype=bool))
        by_well = self.map is not None and self.map.by_well
        nobody = self.controls() | (positive & bare & (not by_well))
        left = self.leave(left, nobody, f"rows of {self.files} that are controls or blanks")
        at = np.full(len(frame), -1, dtype=np.int64)
        if not by_well:
            left = self.leave(left, bare & unread, f"rows of {self.files} without a sample and without droplets")
            self.tell_nameless(left & bare)
            left &= ~bare
        if self.map is None:
            frame = frame.assign(patient=frame["sample"], specimen=frame["sample"], point=np.nan)
        else:
            at = self.map.find(frame)
            absent = at < 0
            left = self.leave(left, absent & positive, f"rows of {self.files} that are positive controls")
            if by_well:
                why = f"rows of {self.files} without droplets, whose well is not in {self.map.file}"
                left = self.leave(left, absent & unread, why)
            self.problems += self.map.check(frame, at, left)
            left = self.orphans(left, left & absent)
            frame = self.map.attached(frame, at)
            left &= frame["patient"].ne("").to_numpy(dtype=bool)
        frame.loc[~left, ["patient", "specimen"]] = ""
        kept = np.flatnonzero(left).astype(np.int64)
        values = {name: _typed(frame[name].iloc[kept], name) for name in _FIELDS}
        if self.map is not None:
            values |= self.map.order_of(at[kept])
        return DropletTable(
            table=self.declared,
            text=self.text(frame.iloc[kept]),
            id_column=self.declared.id,
            ids=tuple(frame["patient"].iloc[kept]),
            values=values,
            sources={name: name for name in values},
            spoilt={},
            problems=tuple(self.problems),
            wells=frame,
            kept=kept,
            controls=positive[kept],
            steps=tuple(self.steps),
            whole=not any(problem.level == "error" for problem in self.problems),
        )

    # ---- which rows are whose

    def controls(self) -> Mask:
        """Rows of wells that are no patient's: without a template, or of samples that give a limit."""
        assays = [assay for assay in self.study.ctdna.values() if assay.table == self.declared.name]
        blanks = [name for assay in assays for name in assay.blank_samples]
        names = self.frame["sample"].isin(blanks).to_numpy(dtype=bool)
        return np.asarray(without_template(self.frame, self.declared.ntc) | names)

    def same_well(self, rows: Mask) -> Mask:
        """All rows of the wells that have a marked one."""
        wells = pd.MultiIndex.from_frame(self.frame[["file", "well"]])
        return np.asarray(wells.isin(wells[rows]), dtype=bool)

    def tell_nameless(self, rows: Mask) -> None:
        """Each well that has droplets and no sample."""
        for _, part in self.frame[rows].groupby(["file", "well"], sort=False):
            first = part.iloc[0]
            self.problems.append(
                Problem(
                    code="id-missing",
                    message=f"Well {first['well']} has no sample.",
                    mend="Name it in the export, or give a map that names wells.",
                    file=first["file"],
                    row=int(first["row"]),
                    column="sample",
                    study_key=f"data.{self.declared.name}.id",
                )
            )

    def orphans(self, left: Mask, unknown: Mask) -> Mask:
        """Samples that the map does not have: errors, or left out and counted."""
        assert self.map is not None
        key = f"data.{self.declared.name}.map"
        if not unknown.any():
            return left
        if self.declared.orphans == "drop":
            message = f"{_rows(int(unknown.sum()))} whose sample is not in {self.map.file} left out."
            problem = Problem(level="warning", code="id-orphan", message=message, file=self.files, study_key=key)
            self.problems.append(problem)
            return self.leave(left, unknown, f"rows of {self.files} whose sample is not in {self.map.file}")
        for _, part in self.frame[unknown].groupby(["file", self.map.matched], sort=False):
            first = part.iloc[0]
            named = first[self.map.matched]
            mend = f'Add it to {self.map.file}, name it in ntc, or set orphans = "drop".'
            if self.map.by_well:
                mend = f'Add it to {self.map.file}, or set orphans = "drop".'
            self.problems.append(
                Problem(
                    code="id-orphan",
                    message=f"'{named}' of {first['file']} is not in {self.map.file}.",
                    mend=mend,
                    file=first["file"],
                    row=int(first["row"]),
                    column=self.map.matched,
                    value=named,
                    study_key=key,
                )
            )
        return left & ~unknown

    def leave(self, left: Mask, out: Mask, reason: str) -> Mask:
        """What is left without some rows, which the flow counts."""
        out = out & left
        if out.any():
            self.step(reason, int(left.sum()), int(out.sum()))
        return left & ~out

    def step(self, reason: str, n_before: int, n_out: int) -> None:
        self.steps.append(
            FlowStep(
                step=self.declared.name,
                reason=reason,
                n_before=n_before,
                n_out=n_out,
                n_missing=0,
                n_after=n_before - n_out,
            )
        )

    # ---- the table

    def text(self, frame: pd.DataFrame) -> TextTable:
        """The rows of patients as text, with the file of each."""
        parts = [
            dataclasses.replace(
                file.table.source,
                table=self.declared.name,
                format=file.format,
                volume_nl=0.0 if np.isnan(file.volume_nl) else file.volume_nl,
                volume_origin=file.volume_origin,
            )
            for file in self.export.files
        ]
        lengths = [int(frame["file"].eq(part.file).sum()) for part in parts]
        starts = tuple(sum(lengths[:place]) for place in range(len(parts))) if len(parts) > 1 else ()
        maps = () if self.map is None else (self.map.source,)
        source = (
            parts[0]
            if len(parts) == 1 and not maps
            else Source(
                table=self.declared.name,
                file=self.files,
                kind=parts[0].kind if len({part.kind for part in parts}) == 1 else "several",
                sheet=parts[0].sheet if len(parts) == 1 else "",
                n_rows=len(self.frame),
                n_columns=len(_FIELDS),
                n_bytes=sum(part.n_bytes for part in parts),
                parts=(*parts, *maps),
            )
        )
        cells = {
            name: np.array(["" if pd.isna(cell) else str(cell) for cell in frame[name]], object) for name in _FIELDS
        }
        return TextTable(
            columns=_FIELDS,
            cells=cells,
            rows=frame["row"].to_numpy(dtype=np.int64),
            source=source,
            starts=starts,
        )


def _named(files: Sequence[str]) -> str:
    return ", ".join(files) if len(files) < 4 else f"{files[0]} and {len(files) - 1} more files"


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n} rows"


def _typed(column: pd.Series[Any], name: str) -> Values:
    """A column of the export as the expressions have it."""
    if name in _TEXTS:
        texts = column.to_numpy(dtype=object)
        return Values(kind="text", data=texts, missing=np.array([text == "" for text in texts], dtype=bool))
    if name == "saturated":
        return Values(kind="yes/no", data=column.to_numpy(dtype=bool), missing=np.zeros(len(column), dtype=bool))
    numbers = column.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    return Values(kind="number", data=numbers, missing=np.isnan(numbers))
