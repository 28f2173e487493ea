"""Which reader reads which manuscript."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from cohortstats.errors import DataError, InputError, Problem, did_you_mean
from cohortstats.report.manuscript.latex import included_files, read_latex
from cohortstats.report.manuscript.markdown import read_markdown
from cohortstats.report.manuscript.passages import Manuscript, Passage, PastedTable
from cohortstats.report.manuscript.word import read_word

__all__ = ["read_manuscript"]

_LINES = {
    ".tex": read_latex,
    ".ltx": read_latex,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_markdown,
}


def read_manuscript(path: Path) -> Manuscript:
    """Read a ``.docx``, ``.tex`` or ``.md`` file.

    Raises
    ------
    InputError
        For a file of another kind.
    DataError
        When the file is missing or damaged.
    """
    kind = path.suffix.lower()
    if kind != ".docx" and kind not in _LINES:
        raise InputError(f"{path.name} is no .docx, .tex or .md file. Save the manuscript as one of them.")
    if not path.is_file():
        raise DataError([_missing(path)], missing_file=True)
    if kind == ".docx":
        return read_word(path)
    parts = list(_LINES[kind](_text(path)).parts)
    if kind in (".tex", ".ltx"):
        parts += [part for name in _included(path, [path]) for part in _read_included(path.parent, name)]
    return Manuscript(parts=tuple(parts))


def _text(path: Path) -> str:
    content = path.read_bytes()
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    problem = Problem(
        code="encoding-unknown",
        file=path.name,
        message="Its text is neither UTF-8 nor cp932.",
        mend="Save it as UTF-8.",
    )
    raise DataError([problem])


def _included(path: Path, seen: list[Path]) -> Iterator[Path]:
    r"""Files that ``\input`` and ``\include`` name, as far as they lie in the folder of the manuscript."""
    folder = seen[0].parent.resolve()
    for name in included_files(_text(path)):
        found = next((p for p in (seen[0].parent / name, seen[0].parent / f"{name}.tex") if p.is_file()), None)
        if found is not None and found not in seen and found.resolve().is_relative_to(folder):
            seen.append(found)
            yield found
            yield from _included(found, seen)


def _read_included(folder: Path, path: Path) -> Sequence[Passage | PastedTable]:
    return read_latex(_text(path), name=path.relative_to(folder).as_posix()).parts


def _missing(path: Path) -> Problem:
    beside = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
    near = did_you_mean(path.name, beside)
    mend = f"Did you mean {near}?" if near else ""
    return Problem(code="file-missing", file=path.name, message=f"{path.name} is not there.", mend=mend)
