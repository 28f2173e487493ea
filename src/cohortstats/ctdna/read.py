"""Exports of droplet digital PCR become one frame: a row for each well and target."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.ctdna.cells import Paths, list_files, read_numbers, read_well_cells
from cohortstats.ctdna.checks import (
    check_controls,
    check_counts,
    check_duplicates,
    check_limits,
    check_printed,
    check_volume,
    check_wells,
)
from cohortstats.ctdna.clusters import count_clusters
from cohortstats.ctdna.formats import (
    GENERATIONS,
    Generation,
    find_fields,
    find_generation,
    plain_well,
    reason_against,
    wells_in,
)
from cohortstats.ctdna.volume import fit_volume, print_half_width
from cohortstats.errors import DataError, InputError, Problem
from cohortstats.files.folding import fold
from cohortstats.files.table import Findings, TextTable
from cohortstats.stats.doors import number_text
from cohortstats.stats.droplets import MIN_ACCEPTED, NO_CALL, droplet_concentration

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "DropletExport", "DropletFile", "read_ddpcr", "scan_ddpcr"]

Floats = NDArray[np.float64]

COLUMNS = (
    *("well", "sample", "target", "channel", "status", "positives", "accepted"),
    *("copies_per_ul", "ci_lower", "ci_upper", "copies_per_well", "role", "negatives", "threshold", "dye"),
    *("computed_copies_per_ul", "computed_ci_lower", "computed_ci_upper", "volume_nl", "saturated", "merged_from"),
    *("pos_pos", "pos_neg", "neg_pos", "neg_neg", "sample_2", "sample_3", "sample_4", "software", "file", "row"),
)
_COUNTS = ("positives", "negatives", "accepted", "pos_pos", "pos_neg", "neg_pos", "neg_neg")
_PRINTED = ("copies_per_ul", "ci_lower", "ci_upper", "copies_per_well")
_TEXTS = ("sample", "sample_2", "sample_3", "sample_4", "target", "status", "dye")
_REACTION_UL = 20.0  # the column itself says that its copies are those of 20 µL

_DYES = {"fam": 1, "evagreen": 1, "hex": 2, "vic": 2, "cy5": 3, "cy55": 4, "rox": 5, "atto590": 6}
_TYPE = re.compile(r"(?:ch([1-9]))?([a-z]*)")
_ROLES = {
    "": "unknown",
    "unknown": "unknown",
    "unk": "unknown",
    "reference": "reference",
    "ref": "reference",
    "ntc": "ntc",
    "blank": "blank",
    "negctrl": "blank",
    "negativecontrol": "blank",
    "negative": "blank",
    "posctrl": "positive control",
    "positivecontrol": "positive control",
    "positive": "positive control",
}
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class DropletFile:
    """One export: what it was found to be, and every column that it has.

    Parameters
    ----------
    format, software
        Generation of the table and the program that writes it.
    volume_nl, volume_origin
        Droplet volume used, nan when there was nothing to compute; ``"prints"``, ``"printed limits"``, ``"declared"``
        or ``"not needed"``.
    table
        The cells as text under the names of the file, among them the 68 % limits and amplitudes, which are not used.
    """

    format: str
    software: str
    volume_nl: float
    volume_origin: str
    table: TextTable


@dataclass(frozen=True, slots=True, kw_only=True)
class DropletExport:
    """Wells of one or several exports.

    Parameters
    ----------
    frame
        One row for each well and target, see :func:`read_ddpcr`.
    files
        How each file was read.
    problems
        Everything found in them; with an error among them the frame is not to be used.
    """

    frame: pd.DataFrame
    files: tuple[DropletFile, ...]
    problems: tuple[Problem, ...]


def read_ddpcr(path: Paths, *, volume_nl: float | None = None, sheet: str = "", encoding: str = "") -> pd.DataFrame:
    """Read exports of QuantaSoft or QX Manager, CSV or Excel.

    Parameters
    ----------
    path
        A file, a folder, a pattern such as ``"plates/*.csv"``, or a list of these.
    volume_nl
        Volume of a droplet. Without it, the one of 0.85 and 0.91 nL that reproduces every printed concentration.
    sheet
        Sheet of a workbook, when several hold wells.
    encoding
        Encoding of a text file that is neither UTF-8, UTF-16 nor cp932.

    Returns
    -------
    pandas.DataFrame
        One row for each well and target, wells from A01 to H12, then channels. ``copies_per_ul``, ``ci_lower``,
        ``ci_upper`` and ``copies_per_well`` are the printed numbers, and computed ones where the export has no such
        column. ``computed_copies_per_ul`` and its limits come from the counts. Without a call copies are missing, with
        every droplet positive they are infinite. ``attrs`` holds ``files`` (format, software, volume, encoding of
        each) and ``problems`` (the warnings).

    Raises
    ------
    DataError
        With every problem of every file: no known export, counts that contradict each other, a print that is not that
        of its counts, no volume that fits, a well and target twice.
    InputError
        If ``path`` is no path or ``volume_nl`` is not above 0.

    Notes
    -----
    Columns are found by name, after removing blanks, case, the dots of R and the micro sign. A print agrees with its
    counts within half of its last digit, 1e-7 for exports with full precision. A reference target keeps its role in a
    positive or negative control well, so that ratios find it; in a well without template every target is ``ntc``.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "plate.csv"
    >>> _ = path.write_text("Well,Target,Concentration,Positives,AcceptedDroplets\\nA01,E545K,141,1901,15820\\n")
    >>> wells = read_ddpcr(path)
    >>> wells[["well", "target", "copies_per_ul", "copies_per_well", "volume_nl"]].values.tolist()
    [['A01', 'E545K', 141.0, 2820.0, 0.91]]
    >>> round(float(wells["computed_copies_per_ul"][0]), 5)
    140.68148
    """
    export = scan_ddpcr(path, volume_nl=volume_nl, sheet=sheet, encoding=encoding)
    if any(problem.level == "error" for problem in export.problems):
        raise DataError(export.problems, missing_file=all(p.code == "file-missing" for p in export.problems))
    return export.frame


def scan_ddpcr(
    path: Paths,
    *,
    volume_nl: float | None = None,
    sheet: str = "",
    encoding: str = "",
    table: str = "",
    min_accepted: int = MIN_ACCEPTED,
    ntc: Sequence[str] = (),
    ntc_max: int = 0,
) -> DropletExport:
    """As :func:`read_ddpcr`, with every column of the files and every problem; raises for wrong arguments only.

    Parameters
    ----------
    path, volume_nl, sheet, encoding
        As for :func:`read_ddpcr`.
    table
        Name of the table in the study file, for the keys of problems.
    min_accepted
        Accepted droplets below which a well is named.
    ntc, ntc_max
        Samples without a template, and positive droplets in them that are let pass.
    """
    if volume_nl is not None and not (isinstance(volume_nl, int | float) and 0 < volume_nl < np.inf):
        shown = number_text(volume_nl) if isinstance(volume_nl, int | float) else repr(volume_nl)
        raise InputError(f"volume_nl is {shown}; give a volume above 0, such as 0.85.")
    try:
        paths = list_files(path, amplitudes=False)
    except DataError as error:
        return DropletExport(frame=_frame([]), files=(), problems=error.problems)
    problems: list[Problem] = []
    files: list[DropletFile] = []
    frames: list[pd.DataFrame] = []
    contents: dict[str, str] = {}
    for file in paths:
        found = Findings(file=file.name, table=table)
        try:
            droplet_file, frame = _read_file(file, volume_nl, sheet, encoding, min_accepted, found)
        except DataError as error:
            problems += [*error.problems, *(problem for problem in found.problems if problem not in error.problems)]
            continue
        twin = contents.setdefault(droplet_file.table.source.sha256, file.name)
        if len(contents) <= len(files):
            message = f"{file.name} has the same content as {twin}."
            found.add("ddpcr-duplicate", message, "Name each file once.")
        files.append(droplet_file)
        frames.append(frame)
        key = f"data.{table}.ntc" if table else ""
        problems += [*found.problems, *check_controls(frame, names=ntc, ntc_max=ntc_max, study_key=key)]
    frame = _frame(frames)
    frame.attrs = {
        "files": [
            {
                "file": file.table.source.file,
                "format": file.format,
                "software": file.software,
                "volume_nl": file.volume_nl,
                "volume_origin": file.volume_origin,
                "encoding": file.table.source.encoding,
                "sheet": file.table.source.sheet,
            }
            for file in files
        ],
        "problems": [problem.as_dict() for problem in problems],
    }
    return DropletExport(frame=frame, files=tuple(files), problems=tuple(problems))


def _frame(frames: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    if len(frames) == 1:
        return frames[0]
    if frames:
        return pd.concat(frames, ignore_index=True)
    return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})


def _read_file(
    path: Path, volume_nl: float | None, sheet: str, encoding: str, min_accepted: int, found: Findings
) -> tuple[DropletFile, pd.DataFrame]:
    table = read_well_cells(path, sheet=sheet, encoding=encoding, found=found)
    generation = find_generation(table.columns)
    if generation is None:
        message = f"{path.name} is not a known export: {reason_against(table.columns)}."
        mend = "Give the table that QuantaSoft or QX Manager exports, or a part of it with its column names."
        raise found.stop("ddpcr-format", message, mend)
    columns = find_fields(table.columns)
    rows, printed = _read_rows(table, generation, columns, found)
    bad = check_counts(rows, columns, found)
    _settle_calls(rows, printed)
    check_duplicates(rows, found)
    check_wells(rows, found, min_accepted=min_accepted)
    usable = rows["counted"] & ~bad & ~rows["no_call"]
    at_one = _concentrations(rows, usable, 1.0)
    numbers = {field: rows[field] for field in _PRINTED if field in printed}
    evidence = [
        (np.where(rows["saturated"], np.nan, at_one[field]), numbers[field], _half_widths(printed[field]))
        for field in ("copies_per_ul", "ci_lower", "ci_upper")
        if field in numbers
    ]
    if "copies_per_ul" not in numbers and "copies_per_well" in numbers:
        copies = (
            numbers["copies_per_well"] / _REACTION_UL,
            _half_widths(printed["copies_per_well"], _REACTION_UL) / _REACTION_UL,
        )
        evidence.insert(0, (np.where(rows["saturated"], np.nan, at_one["copies_per_ul"]), *copies))
    fit = fit_volume(evidence)
    check_volume(fit, volume_nl, found, needed=bool(usable.any()))
    volume = fit.volume_nl if volume_nl is None else float(volume_nl)
    origin = "declared" if volume_nl is not None else fit.origin if usable.any() else "not needed"
    # A declared volume is for what is computed; whether a print is that of its counts is asked with the volume of the
    # program that printed it.
    own = fit.volume_nl if np.isfinite(fit.volume_nl) else volume
    compared = ~rows["saturated"]
    check_printed(rows, printed, np.where(compared, at_one["copies_per_ul"] / own, np.nan), columns, found)
    limits = {field: np.where(compared, at_one[field] / own, np.nan) for field in ("ci_lower", "ci_upper")}
    check_limits(rows, printed, limits, found)
    computed = _concentrations(rows, usable & np.isfinite(volume), volume)
    droplet_file = DropletFile(
        format=generation.name, software=generation.software, volume_nl=volume, volume_origin=origin, table=table
    )
    return droplet_file, _assemble(rows, printed, computed, droplet_file)


def _read_rows(
    table: TextTable, generation: Generation, columns: Mapping[str, str], found: Findings
) -> tuple[dict[str, NDArray[Any]], dict[str, list[str]]]:
    """Field -> one value a row, and what the file prints of concentrations, cells as text."""
    n_rows = len(table)
    place = np.arange(n_rows)
    rows: dict[str, NDArray[Any]] = {}
    printed: dict[str, list[str]] = {}
    no_call = np.zeros(n_rows, dtype=bool)
    if generation is GENERATIONS[0]:
        counted = count_clusters(table, found)
        place = counted.pop("place").astype(np.int64)
        no_call = counted.pop("unclassified").astype(bool)
        for field in _COUNTS:
            rows[field] = counted.pop(field).astype(np.float64)
        rows |= counted
    else:
        decimal = _decimal_comma(table, columns)
        for field in _COUNTS:
            rows[field] = (
                read_numbers(table, columns[field], found, whole=True) if field in columns else np.full(n_rows, np.nan)
            )
        for field in _PRINTED:
            if field in columns:
                rows[field] = read_numbers(table, columns[field], found, decimal=decimal, infinite=True)
                printed[field] = [cell.strip().replace(decimal or ",", ".") for cell in table.cells[columns[field]]]
        for name in printed.values():
            no_call |= np.array([fold(cell).casefold().replace(" ", "") == "nocall" for cell in name], dtype=bool)
        if "threshold" in columns:
            rows["threshold"] = read_numbers(table, columns["threshold"], found, decimal=decimal)
    n_rows = len(place)
    for field in ("threshold", *_PRINTED):
        rows.setdefault(field, np.full(n_rows, np.nan))
    for field in _TEXTS:
        if field not in rows:
            cells = table.cells[columns[field]] if field in columns else np.full(len(table), "", dtype=object)
            rows[field] = np.array([cell.strip() for cell in cells[place]], dtype=object)
    rows["row"] = table.rows[place]
    rows["well"] = np.array(
        [
            _well(cell, int(row), columns["well"], found)
            for cell, row in zip(table.cells[columns["well"]][place], rows["row"], strict=True)
        ],
        dtype=object,
    )
    rows["merged_from"] = _merges(rows["well"], _cells(table, columns, "merged_from", place))
    rows["no_call"] = no_call
    types = _cells(table, columns, "target_type", place)
    samples = _cells(table, columns, "sample_type", place)
    rows["role"], type_channels = _roles(types, samples, rows["row"], columns, found)
    if "channel" not in rows:
        rows["channel"] = _channels(rows["well"], rows["target"], rows["dye"], type_channels)
    return rows, printed


def _cells(table: TextTable, columns: Mapping[str, str], field: str, place: NDArray[np.int64]) -> list[str]:
    if field not in columns:
        return [""] * len(place)
    return [str(cell).strip() for cell in table.cells[columns[field]][place]]


def _decimal_comma(table: TextTable, columns: Mapping[str, str]) -> str:
    """``","`` when the numbers of the file are written with it: a delimiter other than the comma, and no full stop."""
    if table.source.delimiter == ",":
        return ""
    cells = [
        str(cell) for field in (*_PRINTED, "threshold") if field in columns for cell in table.cells[columns[field]]
    ]
    commas = any(_DECIMAL_COMMA.fullmatch(cell.strip()) for cell in cells)
    return "," if commas and not any("." in cell for cell in cells) else ""


def _well(cell: str, row: int, column: str, found: Findings) -> str:
    well = plain_well(cell)
    if not well:
        message = f"'{cell}' is not a well."
        found.add("ddpcr-format", message, "Write it as A01.", row=row, column=column, value=cell)
        return fold(cell)
    return well


def _merges(wells: NDArray[Any], written: list[str]) -> NDArray[Any]:
    """Wells that a row was merged from, joined by commas; the vendor names a merge M01 and on."""
    merged = []
    for well, text in zip(wells, written, strict=True):
        merged.append(",".join(wells_in(text)) or text or ("unnamed wells" if well.startswith("M") else ""))
    return np.array(merged, dtype=object)


def _roles(
    types: list[str], samples: list[str], row_numbers: NDArray[np.int64], columns: Mapping[str, str], found: Findings
) -> tuple[NDArray[Any], list[int]]:
    """Role of each row and the channel that its target type names, 0 for none."""
    roles, channels = [], []
    for of_target, of_sample, row in zip(types, samples, row_numbers, strict=True):
        match = _TYPE.fullmatch(_plain(of_target))
        words = (("target_type", match[2] if match else "?", of_target), ("sample_type", _plain(of_sample), of_sample))
        for field, word, text in words:
            if word not in _ROLES:
                message = f"'{text}' is not a type that is known; the row is read as unknown."
                found.warn("ddpcr-format", message, "", row=int(row), column=columns[field], value=text)
        target, sample = (_ROLES.get(word, "unknown") for _, word, _ in words)
        # A well without template has none for any target; in other controls a reference stays one.
        role = target
        if sample == "ntc" or (target == "unknown" and sample in {"blank", "positive control"}):
            role = sample
        roles.append(role)
        channels.append(int(match[1]) if match and match[1] else 0)
    return np.array(roles, dtype=object), channels


def _plain(text: str) -> str:
    return re.sub(r"[\s_.-]", "", fold(text).casefold())


def _channels(wells: NDArray[Any], targets: NDArray[Any], dyes: NDArray[Any], named: list[int]) -> NDArray[Any]:
    """Channel by target type, else by dye, else by the place of the target among those of its well."""
    channels = []
    order: dict[str, dict[str, int]] = {}
    for well, target, dye, channel in zip(wells, targets, dyes, named, strict=True):
        here = order.setdefault(well, {})
        position = here.setdefault(target, len(here) + 1)
        numbers = [str(_DYES[word]) for word in map(_plain, re.split(r"[,;/+|]", dye)) if word in _DYES]
        channels.append(f"ch{channel or '+ch'.join(numbers) or position}")
    return np.array(channels, dtype=object)


def _settle_calls(rows: dict[str, NDArray[Any]], printed: Mapping[str, list[str]]) -> None:
    """Fill one of positives and negatives from the other; no call means missing, no negative droplet means infinite."""
    positives, negatives, accepted = rows["positives"], rows["negatives"], rows["accepted"]
    rows["positives"] = positives = np.where(np.isnan(positives), accepted - negatives, positives)
    rows["negatives"] = np.where(np.isnan(negatives), accepted - positives, negatives)
    rows["counted"] = np.isfinite(positives) & np.isfinite(accepted)
    with np.errstate(invalid="ignore"):
        rows["no_call"] = rows["no_call"] | (accepted < NO_CALL)
        rows["saturated"] = rows["counted"] & ~rows["no_call"] & (positives == accepted)
    for field in _PRINTED:
        rows[field] = np.where(rows["no_call"], np.nan, rows[field])
        if field in printed and field != "ci_lower":
            rows[field] = np.where(rows["saturated"], np.inf, rows[field])


def _half_widths(printed: list[str], per_ul: float = 1) -> Floats:
    return np.array([print_half_width(text, per_ul=per_ul) for text in printed], dtype=np.float64)


def _concentrations(rows: Mapping[str, NDArray[Any]], usable: NDArray[np.bool_], volume_nl: float) -> dict[str, Floats]:
    computed = {field: np.full(len(usable), np.nan) for field in ("copies_per_ul", "ci_lower", "ci_upper")}
    if usable.any():
        wells = droplet_concentration(rows["positives"][usable], rows["accepted"][usable], droplet_volume_nl=volume_nl)
        computed["copies_per_ul"][usable] = wells.copies_per_ul
        computed["ci_lower"][usable] = wells.ci_lower
        computed["ci_upper"][usable] = wells.ci_upper
    return computed


def _assemble(
    rows: Mapping[str, NDArray[Any]],
    printed: Mapping[str, list[str]],
    computed: Mapping[str, Floats],
    file: DropletFile,
) -> pd.DataFrame:
    import pandas as pd

    data: dict[str, Any] = dict(rows)
    for field, values in computed.items():
        data[f"computed_{field}"] = values
        # Without a column of prints the computed number stands in; an empty cell of such a column stays empty.
        data[field] = rows[field] if field in printed else values
    if "copies_per_well" not in printed:
        data["copies_per_well"] = _REACTION_UL * data["copies_per_ul"]
    saturated = rows["saturated"]
    lower = data["ci_lower"]
    data["ci_lower"] = np.where(saturated & np.isnan(lower), computed["ci_lower"], lower)
    for field in _COUNTS:
        counts = data[field]
        whole = np.isfinite(counts) & (counts == np.floor(counts)) & (np.abs(counts) < 2**53)
        data[field] = pd.array(np.where(whole, counts, 0.0).astype(np.int64), dtype="Int64")
        data[field][~whole] = pd.NA
    data |= {"volume_nl": file.volume_nl, "software": file.software, "file": file.table.source.file}
    frame = pd.DataFrame({name: data[name] for name in COLUMNS}, index=range(len(saturated)))
    numbers = np.array([int(re.sub(r"\D.*", "", channel[2:]) or 0) for channel in rows["channel"]], dtype=np.int64)
    order = np.lexsort([rows["row"], numbers, rows["well"].astype(str)])
    return frame.iloc[order].reset_index(drop=True)
