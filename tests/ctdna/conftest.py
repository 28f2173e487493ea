"""Exports written as the vendor's software writes them, from counts alone."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"
HEADERS = {
    "old": "quantasoft_old_TypeAssay_small.csv",
    "1.7.4": "quantasoft_v174_TargetType_test.csv",
    "qx": "qxmanager_1x_quant.csv",
}
VOLUMES = {"old": 0.91, "1.7.4": 0.85, "qx": 0.85}

# (well, sample, target, channel, type, positives, accepted)
Row = tuple[str, str, str, int, str, int, int]


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the exports that travel with the tests."""
    return DATA


def header(generation: str) -> list[str]:
    return next(csv.reader(io.StringIO((DATA / HEADERS[generation]).read_text(encoding="utf-8"))))


def three_figures(value: float) -> str:
    shown = float(f"{value:.3g}")
    return f"{shown:.0f}" if shown == int(shown) else repr(shown)


def cells_of(row: Row, generation: str, volume: float) -> dict[str, str]:
    """Cells of one row under the names of the generation, from the counts by -ln(1 - k/N)."""
    well, sample, target, channel, kind, positives, accepted = row
    if accepted < 1000:
        concentration = copies = "No Call"
    elif positives == accepted:
        concentration, copies = "1000000", "20000000"
    else:
        exact = -1000 * math.log1p(-positives / accepted) / volume
        concentration = f"{exact:.12g}" if generation == "qx" else three_figures(exact)
        copies = f"{20 * float(concentration):.12g}"
    cells = {"Well": well, "Positives": str(positives), "Negatives": str(accepted - positives), "Status": "OK"}
    if generation == "old":
        cells |= {"Sample": sample, "Assay": target, "TypeAssay": f"Ch{channel}{kind}", "Concentration": concentration}
        cells |= {"AcceptedDroplets": str(accepted)}
    elif generation == "1.7.4":
        cells |= {"Sample": sample, "Target": target, "TargetType": f"Ch{channel}{kind}"}
        cells |= {"Concentration": concentration, "CopiesPer20uLWell": copies, "AcceptedDroplets": str(accepted)}
    else:
        cells |= {"Sample description 1": sample, "Target": target, "DyeName(s)": {1: "FAM", 2: "HEX"}[channel]}
        cells |= {
            "SampleType": "NTC" if kind == "NTC" else "Unknown",
            "TargetType": "Unknown" if kind == "NTC" else kind,
        }
        cells |= {"Conc(copies/µL)": concentration, "Copies/20µLWell": copies, "Accepted Droplets": str(accepted)}
    return cells


Maker = Callable[..., list[list[str]]]


@pytest.fixture(scope="session")
def make_export() -> Maker:
    """Table of an export: the header, then a record for each row of counts."""

    def make(
        rows: Sequence[Row],
        generation: str = "1.7.4",
        *,
        volume: float | None = None,
        extra: dict[int, dict[str, str]] | None = None,
    ) -> list[list[str]]:
        names = header(generation)
        records = []
        for place, row in enumerate(rows):
            cells = cells_of(row, generation, volume or VOLUMES[generation]) | (extra or {}).get(place, {})
            assert set(cells) <= set(names)
            records.append([cells.get(name, "") for name in names])
        return [names, *records]

    return make


@pytest.fixture(scope="session")
def write_csv() -> Callable[..., Path]:
    """Write a table as a text file."""

    def write(
        path: Path,
        table: Sequence[Sequence[str]],
        *,
        encoding: str = "utf-8",
        newline: str = "\n",
        delimiter: str = ",",
        quoted: bool = False,
    ) -> Path:
        buffer = io.StringIO(newline="")
        quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
        csv.writer(buffer, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows(table)
        path.write_bytes(buffer.getvalue().encode(encoding))
        return path

    return write
