"""What a rebuilt table is: its label, where it came from, what was chosen and what does not hold.

A rebuilt table must never be taken for patients. Its CSV stays a plain table, so that every program reads it; the label
stands in the file beside it, with the digest of the table, and on the first line of the table when asked for.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cohortstats.errors import InputError

__all__ = ["DEFAULT_LABEL", "as_json", "check_target", "digest", "provenance_path", "write_whole"]

DEFAULT_LABEL = "rebuilt from published aggregates, not patient records"


def digest(content: bytes) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def provenance_path(path: Path) -> Path:
    """``name.provenance.json`` beside a table.

    Examples
    --------
    >>> provenance_path(Path("out/cohort.csv")).as_posix()
    'out/cohort.provenance.json'
    """
    return path.with_name(f"{path.stem}.provenance.json")


def check_target(path: Path, label: str, sources: Iterable[Path] = ()) -> None:
    """Refuse to write over a file that is not a rebuilt one, or that a study reads.

    Parameters
    ----------
    path
        The table that would be written.
    label
        The label of what is written now.
    sources
        Files that the rebuilding itself reads.

    Raises
    ------
    InputError
        When the file is there and no earlier rebuilding wrote it as it stands, or a study file beside it names it.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file such as {path / 'rebuilt.csv'}.")
    for target in (path, provenance_path(path)):
        if not target.exists():
            continue
        if any(target.resolve() == source.resolve() for source in sources):
            raise InputError(f"{target.name} is what the table is rebuilt from; name another file.")
        study = _study_that_reads(target)
        if study is not None:
            raise InputError(f"{target.name} is a data file of {study}; a rebuilt table is never written over it.")
    if path.exists() and not _is_labelled(path, label):
        raise InputError(
            f"{path.name} is there and is no rebuilt table (no label, or changed since). Name another file."
        )
    beside = provenance_path(path)
    if beside.exists() and _provenance(beside) is None:
        raise InputError(f"{beside.name} is there and does not describe a rebuilt table. Name another file.")


def _provenance(path: Path) -> Mapping[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get("label") and content.get("table") else None


def _is_labelled(path: Path, label: str) -> bool:
    content = path.read_bytes()
    first = content[:2000].decode("utf-8", errors="replace").splitlines()[:1]
    if first and first[0].startswith("#") and label in first[0]:
        return True
    known = _provenance(provenance_path(path))
    return known is not None and known["table"].get("sha256") == digest(content)


def _study_that_reads(target: Path) -> str | None:
    """Name of a study file, in the folder of a file or one above it, that reads the file."""
    wanted = target.resolve()
    for folder in (target.resolve().parent, *target.resolve().parents[1:3]):
        for study in sorted(folder.glob("*.toml")):
            try:
                content = tomllib.loads(study.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if not any(key in content for key in ("cohortstats", "cohortstats_published")):
                continue
            if any((folder / name).resolve() == wanted for name in _file_names(content)):
                return study.name
    return None


def _file_names(part: object) -> Iterable[str]:
    """Every text of a study file; those that are no file names do no harm."""
    if isinstance(part, str):
        if "\n" not in part and "\x00" not in part and len(part) < 250:
            yield part
    elif isinstance(part, Mapping):
        for inner in part.values():
            yield from _file_names(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _file_names(inner)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one step: whoever looks sees the old one or the new one."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def as_json(content: Mapping[str, Any]) -> bytes:
    """JSON with one key a line, the same bytes for the same content."""
    return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")
