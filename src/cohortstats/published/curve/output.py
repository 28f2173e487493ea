"""Rebuilt patients as a file that says what they are."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from cohortstats.published.provenance import as_json, check_target, digest, provenance_path, write_whole
from cohortstats.tables.writers.csv import guard_text
from cohortstats.version import __version__

if TYPE_CHECKING:
    from cohortstats.published.curve.reconstruct import Reconstruction

__all__ = ["write_reconstruction"]


def write_reconstruction(rebuilt: Reconstruction, path: Path, sources: tuple[Path, ...] = ()) -> tuple[Path, Path]:
    """Write ``time,event[,arm]``, and beside it the label, the digest of the table and of its sources, the figures.

    Parameters
    ----------
    rebuilt
        What is written.
    path
        The CSV file.
    sources
        Files that it was rebuilt from.

    Returns
    -------
    tuple
        The table and the file beside it.
    """
    check_target(path, rebuilt.label, sources)
    content = _table(rebuilt)
    read = [{"file": source.name, "sha256": digest(source.read_bytes())} for source in sources]
    beside = provenance_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {
        "label": rebuilt.label,
        "table": {"file": path.name, "sha256": digest(content)},
        "sources": read,
        "seed": rebuilt.seed,
        "cohortstats": __version__,
        "reconstruction": rebuilt.as_dict(),
    }
    write_whole(beside, as_json(facts))
    write_whole(path, content)
    return path, beside


def _table(rebuilt: Reconstruction) -> bytes:
    buffer = io.StringIO()
    frame = rebuilt.patients
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(frame.columns)
    columns = [map(repr, frame["time"].tolist()), frame["event"].tolist()]
    if "arm" in frame:
        columns.append(guard_text(str(arm)) for arm in frame["arm"])
    writer.writerows(zip(*columns, strict=True))
    return buffer.getvalue().encode("utf-8")
