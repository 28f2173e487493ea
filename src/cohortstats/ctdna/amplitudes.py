"""Amplitudes of single droplets, one file a well."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.ctdna.cells import Paths, list_files, read_amplitude_cells, read_numbers
from cohortstats.ctdna.formats import find_channels, fold_header
from cohortstats.errors import DataError, Problem
from cohortstats.files.folding import fold
from cohortstats.files.table import Findings, TextTable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_amplitudes"]

_WELL_IN_NAME = re.compile(r"(?:^|_)([A-P])(0[1-9]|1[0-9]|2[0-4])_Amplitude\.[A-Za-z]+$", re.IGNORECASE)
_STATES = frozenset({"0", "1", "u", ""})
# What QuantaSoft numbers its clusters by: negative for both, first only, both, second only.
_MOST_CLUSTERS = 99  # other programs number more than the vendor's four
_CLUSTERS = {"00": 1, "10": 2, "11": 3, "01": 4}


def read_amplitudes(path: Paths) -> pd.DataFrame:
    """Read the amplitudes of single droplets as QuantaSoft or QX Manager exports them.

    Parameters
    ----------
    path
        A file such as ``plate_A01_Amplitude.csv``, a folder, a pattern, or a list of these.

    Returns
    -------
    pandas.DataFrame
        One row a droplet: ``well`` (from the name of the file), ``droplet`` (its place in the file, from 1), ``ch1``,
        ``ch2`` (missing where the file has none) and ``cluster``: 1 negative for both, 2 positive for the first only,
        3 for both, 4 for the second only. QX Manager writes the two targets apart; they are put together in the
        same numbers. A droplet without a cluster, or with an unclassified target, has none. ``attrs["problems"]``
        holds the warnings.

    Raises
    ------
    DataError
        With every problem of every file: no amplitudes, cells that are no numbers, ragged rows.
    InputError
        If ``path`` is no path.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "plate_A01_Amplitude.csv"
    >>> _ = path.write_text("Ch1Amplitude,Ch2Amplitude,1,2,\\n2382.14,6258.282,0,1,\\n9197.797,6078.402,1,1,\\n")
    >>> read_amplitudes(path).values.tolist()
    [['A01', 1, 2382.14, 6258.282, 4], ['A01', 2, 9197.797, 6078.402, 3]]
    """
    import pandas as pd

    problems: list[Problem] = []
    frames: list[pd.DataFrame] = []
    wells: dict[str, str] = {}
    for file in list_files(path, amplitudes=True):
        found = Findings(file=file.name)
        try:
            frame = _read_file(file, found)
        except DataError as error:
            problems += [*error.problems, *(problem for problem in found.problems if problem not in error.problems)]
            continue
        well = str(frame["well"].iloc[0]) if len(frame) else ""
        if well and wells.setdefault(f"{file.parent}/{_plate(file)}/{well}", file.name) != file.name:
            found.add("ddpcr-duplicate", f"Well {well} is there twice.", "Name each file once.", value=well)
        frames.append(frame)
        problems += found.problems
    if any(problem.level == "error" for problem in problems):
        raise DataError(problems, missing_file=all(problem.code == "file-missing" for problem in problems))
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    frame.attrs = {"problems": [problem.as_dict() for problem in problems]}
    return frame


def _plate(file: Path) -> str:
    return _WELL_IN_NAME.sub("", file.name)


def _read_file(path: Path, found: Findings) -> pd.DataFrame:
    import pandas as pd

    table = read_amplitude_cells(path, found)
    channels = find_channels(table.columns)
    name = _WELL_IN_NAME.search(path.name)
    if name is None:
        message = f"The name of {path.name} holds no well."
        found.warn("ddpcr-format", message, "Keep the name that the software gives, such as plate_A01_Amplitude.csv.")
    well = name[1].upper() + name[2] if name else ""
    amplitudes = {f"ch{number}": read_numbers(table, column, found) for number, column in channels.items()}
    n_droplets = len(table)
    for channel in ("ch1", "ch2"):
        amplitudes.setdefault(channel, np.full(n_droplets, np.nan))
    clusters, given = _clusters(table, channels, found)
    columns: dict[str, Any] = {
        "well": np.full(n_droplets, well, dtype=object),
        "droplet": np.arange(1, n_droplets + 1, dtype=np.int64),
        "ch1": amplitudes.pop("ch1"),
        "ch2": amplitudes.pop("ch2"),
        "cluster": pd.array(clusters, dtype="Int64"),
    }
    columns["cluster"][~given] = pd.NA
    return pd.DataFrame(columns | dict(sorted(amplitudes.items())))


def _clusters(
    table: TextTable, channels: dict[int, str], found: Findings
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Cluster of each droplet, and whether it has one."""
    n_droplets = len(table)
    numbered = next((column for column in table.columns if fold_header(column) == "cluster"), None)
    if numbered is not None:
        numbers = read_numbers(table, numbered, found, whole=True)
        given = np.isfinite(numbers)
        for place in np.flatnonzero(given & ((numbers < 0) | (numbers > _MOST_CLUSTERS))).tolist():
            cell = str(table.cells[numbered][place])
            row = int(table.rows[place])
            found.add(
                "number-invalid", f"'{cell}' is no cluster.", "Correct the cell.", row=row, column=numbered, value=cell
            )
            given[place] = False
        return np.where(given, numbers, 0).astype(np.int64), given
    targets = [column for column in table.columns if column not in channels.values()]
    states = []
    for target in targets:
        cells = table.cells[target]
        kinds = {cell: fold(cell).casefold() for cell in dict.fromkeys(cells.tolist())}
        for cell in [cell for cell, kind in kinds.items() if kind not in _STATES]:
            message = f"'{cell}' is neither 0, 1 nor u."
            row = int(table.rows[np.flatnonzero(cells == cell)[0]])
            found.add("number-invalid", message, "Correct the cell.", row=row, column=target, value=cell)
        states.append(np.array([kinds[cell] for cell in cells], dtype=object))
    if len(states) != 2:
        if len(states) > 2:
            message = f"{found.file} has {len(states)} targets; clusters are numbered for two."
            found.warn("ddpcr-format", message, "Its droplets have amplitudes but no cluster.")
        return np.zeros(n_droplets, dtype=np.int64), np.zeros(n_droplets, dtype=bool)
    both = states[0] + states[1]
    clusters = np.array([_CLUSTERS.get(pair, 0) for pair in both], dtype=np.int64)
    n_unclassified = int(np.count_nonzero(np.char.find(both.astype(str), "u") >= 0)) if n_droplets else 0
    if n_unclassified:
        what = "droplet is" if n_unclassified == 1 else "droplets are"
        found.warn("ddpcr-no-call", f"{n_unclassified} {what} unclassified.", "They have no cluster.")
    return clusters, clusters > 0
