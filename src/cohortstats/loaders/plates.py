"""A first study file for an export of droplet digital PCR: samples stand for patients until a person says better."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cohortstats.ctdna.formats import reason_against
from cohortstats.ctdna.quality import without_template
from cohortstats.ctdna.read import DropletExport, scan_ddpcr
from cohortstats.errors import DataError
from cohortstats.files.table import TextTable

__all__ = ["is_export", "plate_sections", "read_plate"]

_WATER = re.compile(r"h2o|water|dw|ntc|no.?template|水|陰性(?:対照|コントロール)", re.IGNORECASE)
_CONTROL = re.compile(r"control|blank|healthy|donor|normal|健常|対照|コントロール", re.IGNORECASE)


def is_export(table: TextTable) -> bool:
    """Whether the columns of a table are those of an export of wells."""
    return not reason_against(table.columns)


def read_plate(path: Path, sheet: str = "") -> DropletExport | None:
    """The wells of an export; None when it is none, or too damaged to propose anything from."""
    try:
        export = scan_ddpcr(path, sheet=sheet)
    except DataError:
        return None
    return None if any(problem.level == "error" for problem in export.problems) else export


def plate_sections(path: Path, export: DropletExport, made: str) -> tuple[str, bytes, int]:
    """Sections of a study file, the table of samples that they name as ``made``, and how many samples there are."""
    frame = export.frame
    named = frame["sample"].fillna("").astype(str)
    water = sorted(set(named[without_template(frame) | named.map(_is_water)]) - {""})
    controls = set(named[frame["role"].eq("positive control").to_numpy(dtype=bool)])
    all_samples = [name for name in dict.fromkeys(named) if name and name not in water]
    samples = [name for name in all_samples if name not in controls] or all_samples
    doubtful = [name for name in samples if _CONTROL.search(name)]
    wells = frame[["file", "well"]].drop_duplicates()
    software = export.files[0].software
    lines = [
        f"# {path.name}: export of {software}, {len(wells)} wells, {len(frame)} rows" if software else f"# {path.name}",
        f"# {made} is written from it: one row for each of its {len(samples)} samples.",
        "# ? is each sample a patient? If not, put your own table of patients here, and add map = a table with the",
        "#   columns sample (or well) and the id of the patients to [data.wells]",
        "[data.patients]",
        f"file = {_quote(made)}",
        'id   = "sample"',
        'rows = "one per patient"',
        "",
        "[data.wells]",
        'kind = "ddpcr"',
        f"file = {_quote(path.name)}",
        'id   = "sample"',
        'rows = "many per patient"',
    ]
    if water:
        lines.append(f"ntc  = {_list(water)}  # samples without a template")
    if doubtful:
        lines.append(f"# ? {', '.join(doubtful)}: by their names no patients; name them in ntc, or as blanks below")
    lines += ["", "[columns.patients]", "", *_assays(frame, doubtful)]
    return "\n".join(lines), _table(samples), len(samples)


def _is_water(name: str) -> bool:
    return bool(_WATER.fullmatch(name.strip()))


def _assays(frame: pd.DataFrame, doubtful: Sequence[str]) -> list[str]:
    """The two forms of an assay, with targets that share their wells."""
    counts = frame["target"].astype(str).value_counts(sort=False)
    targets = list(counts.index)
    reference = set(frame.loc[frame["role"].eq("reference").to_numpy(dtype=bool), "target"].astype(str))
    pairs: list[tuple[str, str]] = []
    for target in targets:
        wells = frame.loc[frame["target"].eq(target).to_numpy(dtype=bool), ["file", "well"]]
        same = frame.merge(wells.drop_duplicates(), on=["file", "well"])["target"].astype(str)
        others = [name for name in dict.fromkeys(same) if name != target]
        first = next((name for name in others if name in reference), others[0] if others else "")
        if first and target not in reference and (first, target) not in pairs:
            pairs.append((target, first))
    lines = ["# Targets and their rows: " + ", ".join(f"{target} {counts[target]}" for target in targets)]
    lines.append("# Assays. Take away the # of what the study needs, and correct it.")
    blanks = _list(doubtful) if doubtful else '["NAME OF THE BLANKS"]'
    for number, (target, other) in enumerate(pairs or [(targets[0], "REFERENCE")], start=1):
        plain = re.sub(r"\W+", "_", target).strip("_").lower()
        name = plain if plain.isascii() and plain[:1].isalpha() else f"assay_{number}"
        lines += [
            f"# [ctdna.{name}]                     # copies of a target for each of the reference",
            '# kind      = "ratio"',
            f"# target    = {_quote(target)}",
            f"# reference = {_quote(other)}",
            '# threshold = "> 1.25"              # side and cut-off: those of the study',
            f"# [ctdna.{name}_droplets]            # or droplets of a mutation, against the limit of blank",
            '# kind      = "count"',
            f"# target    = {_quote(target)}",
            f"# wild_type = {_quote(other)}",
            f"# blanks    = {blanks}",
            "# lod_vaf   = 0.01                  # fraction that a negative sample must have been able to show",
        ]
    return [*lines, ""]


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_quote, texts))}]"


def _table(samples: Sequence[str]) -> bytes:
    return pd.DataFrame({"sample": list(samples)}).to_csv(index=False, lineterminator="\n").encode()
