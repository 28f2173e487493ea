"""One door to every kind of file: what it is is told by its content, and by its name only where that is silent."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cohortstats.cohort import Source
from cohortstats.errors import DataError, Problem, did_you_mean
from cohortstats.files.delimited import read_delimited
from cohortstats.files.folding import fold_name
from cohortstats.files.table import Cells, Findings, TextTable
from cohortstats.study import DataTable

__all__ = ["list_paths", "read_table", "scan_source", "scan_table"]

_GIB = 1 << 30
_SAVE = "Save it as xlsx or csv."
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_PARQUET = b"PAR1"
# First bytes of what the libraries of SAS and SPSS read.
_STATISTICAL = (
    (b"HEADER RECORD*******LIB", "xpt"),
    (bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c"), "sas7bdat"),
    (b"$FL2", "sav"),
    (b"$FL3", "sav"),
)
# First bytes of formats that people do send; each is named so that the advice fits.
_REFUSED = (
    (b"%PDF", "a PDF file"),
    (b"ARROW1", "a Feather file"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"<stata_dta>", "a Stata file"),
    (b"{\\rtf", "a rich-text document"),
    (b"RDX", "an R workspace"),
    (b"X\n\x00\x00\x00", "an R object"),
    (b"\x09\x00\x04\x00", "a workbook of Excel 2"),
    (b"\x09\x02\x06\x00", "a workbook of Excel 3"),
    (b"\x09\x04\x06\x00", "a workbook of Excel 4"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_DATABASES = frozenset({"a SQLite database", "a DuckDB database"})
_MARKUP = re.compile(r"\s*<(!doctype html|html|head|body|table|meta|div|\?xml|!--)", re.IGNORECASE)
# What a name promises; asked when the content is neither text nor any of the above.
_SUFFIXES = {
    ".xlsx": "a workbook",
    ".xlsm": "a workbook",
    ".xls": "a workbook",
    ".xpt": "a SAS transport file",
    ".sas7bdat": "a SAS data set",
    ".sav": "an SPSS file",
    ".zsav": "an SPSS file",
    ".parquet": "a Parquet file",
    ".feather": "a Feather file",
    ".dta": "a Stata file",
    ".gz": "a gzip archive",
}
_PATTERN = re.compile(r"[*?\[]")


def read_table(path: str | Path, options: DataTable | None = None) -> TextTable:
    """Read a file into text cells: CSV, Excel, SAS transport, SAS data set, SPSS or Parquet.

    Parameters
    ----------
    path
        The file; it may be packed with gzip.
    options
        A ``[data.NAME]`` section; without it, the header is in row 1.

    Returns
    -------
    TextTable
        Columns of text. Its ``problems`` hold warnings only.

    Raises
    ------
    DataError
        With every problem found in the file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "cases.csv"
    >>> _ = path.write_bytes("症例;年齢\\r\\n001;62\\r\\n".encode("cp932"))
    >>> table = read_table(path)
    >>> table.cells["症例"].tolist(), table.source.encoding, table.source.delimiter, table.source.newline
    (['001'], 'cp932', ';', 'CRLF')
    """
    path = Path(path)
    table = scan_table(path, options or DataTable(name=path.stem, file=path.name, id="", rows="one per patient"))
    if any(problem.level == "error" for problem in table.problems):
        raise DataError(table.problems)
    return table


def scan_source(folder: Path, options: DataTable, connections: Mapping[str, Any] | None = None) -> TextTable:
    """The table of a ``[data.NAME]`` section: a file, several put together, or the answer of a database.

    Parameters
    ----------
    folder
        Folder of the study file.
    options
        The section.
    connections
        Name -> an open DB-API or DuckDB connection.

    Returns
    -------
    TextTable
        Errors that leave a table are in its ``problems``.

    Raises
    ------
    DataError
        With every problem found, when there is no table.
    """
    if options.sql:
        from cohortstats.files.sql import read_sql

        found = Findings(file=options.database or f"connection {options.connection}", table=options.name)
        if options.database and not (folder / options.database).is_file():
            raise _missing(folder / options.database, found, key="database")
        return read_sql(folder, options, connections or {}, found)
    paths, problems = list_paths(folder, options)
    tables: list[TextTable] = []
    for path in paths:
        try:
            tables.append(scan_table(path, options))
        except DataError as error:
            problems += error.problems
    if problems:
        problems += [problem for table in tables for problem in table.problems]
        missing = all(problem.code == "file-missing" for problem in problems if problem.level == "error")
        raise DataError(problems, missing_file=missing)
    return tables[0] if len(tables) == 1 else _together(tables, options)


def scan_table(path: Path, options: DataTable) -> TextTable:
    """As :func:`read_table`, but errors that leave a table are in ``problems`` and do not stop."""
    found = Findings(file=path.name, table=options.name)
    if not path.is_file():
        raise _missing(path, found)
    size = path.stat().st_size
    if size > _GIB:
        raise found.stop("file-too-large", f"{path.name} has {size / _GIB:.1f} GiB, the limit is 1.")
    content = path.read_bytes()
    source = Source(
        table=options.name,
        file=path.name,
        kind="",
        sha256=hashlib.sha256(content).hexdigest(),
        n_bytes=len(content),
    )
    if not content.strip():
        raise found.stop("file-empty", f"{path.name} has no rows.", "Check that the right file was saved.")
    if content.startswith(_GZIP):
        content, source = _unpack(content, found), replace(source, compression="gzip")
    return _read(path, content, options, source, found)


def _read(path: Path, content: bytes, options: DataTable, source: Source, found: Findings) -> TextTable:
    """The reader that the first bytes ask for; each is imported when a file needs it."""
    if content.startswith(_ZIP):
        _check_archive(content, found)
        from cohortstats.files.workbook import read_workbook

        return read_workbook(content, options, source, found)
    if content.startswith(_OLE):
        _check_compound(content, found)
        from cohortstats.files.legacy_excel import read_legacy_workbook

        return read_legacy_workbook(content, options, source, found)
    for mark, kind in _STATISTICAL:
        if content.startswith(mark):
            from cohortstats.files.statistical import read_statistical

            return read_statistical(content, kind, options, source, found)
    if content.startswith(_PARQUET) and not source.compression:
        from cohortstats.files.parquet import read_parquet

        return read_parquet(path, options, source, found)
    refuse_others(path, content, found)
    return read_delimited(content, options, source, found)


# ---------------------------------------------------------------------------------------------------------------------
# Which files
# ---------------------------------------------------------------------------------------------------------------------


def list_paths(folder: Path, options: DataTable) -> tuple[list[Path], list[Problem]]:
    """Files of a section in its order; those of a pattern by name, and none twice."""
    paths: dict[Path, None] = {}
    problems: list[Problem] = []
    for name in options.files:
        path = folder / name
        if path.is_file() or not _PATTERN.search(name):
            paths.setdefault(path)
            continue
        found = Findings(file=name, table=options.name)
        matches = sorted(match for match in _matches(folder, name) if match.is_file())
        if not matches:
            listed = ", ".join(_beside(folder)[:20]) or "none"
            message = f"No file matches {name}. Files beside the study: {listed}."
            found.add("file-missing", message, "Correct file, or put the files there.", key="file")
        for match in matches:
            if not match.resolve().is_relative_to(folder.resolve()) and ".." not in name:
                message = f"{match.name} leaves the study folder."
                found.add("file-outside", message, "Move it, or name it in file.", key="file")
            paths.setdefault(match)
        problems += found.problems
    return list(paths), problems


def _matches(folder: Path, pattern: str) -> list[Path]:
    path = Path(pattern)
    base, rest = (Path(path.anchor), str(path.relative_to(path.anchor))) if path.is_absolute() else (folder, pattern)
    try:
        return list(base.glob(rest))
    except (ValueError, NotImplementedError):  # "**x" is no pattern
        return []


def _beside(folder: Path) -> list[str]:
    beside = sorted(item.name for item in folder.glob("*") if item.is_file()) if folder.is_dir() else []
    return [name for name in beside if not name.endswith((".toml", ".md", ".py"))]


def _missing(path: Path, found: Findings, key: str = "file") -> DataError:
    tables = _beside(path.parent)
    near = did_you_mean(path.name, tables)
    listed = ", ".join(tables[:20]) or "none"
    mend = f"Did you mean {near}?" if near else f"Correct {key}, or put the file there."
    message = f"{path.name} is not there. Files beside the study: {listed}."
    found.add("file-missing", message, mend, key=key)
    return DataError(found.problems, missing_file=True)


def _together(tables: Sequence[TextTable], options: DataTable) -> TextTable:
    """The rows of several files one below the other; columns are matched by name, wherever they stand."""
    names: dict[str, str] = {}
    for table in tables:
        for column in table.columns:
            names.setdefault(fold_name(column), column)
    cells: dict[str, Cells] = {}
    absent: dict[str, tuple[str, ...]] = {}
    for name in names.values():
        parts: list[Cells] = []
        for table in tables:
            here = table.find(name)
            parts.append(np.full(len(table), "", dtype=object) if here is None else table.cells[here])
            if here is None:
                absent[name] = (*absent.get(name, ()), table.source.file)
        cells[name] = np.concatenate(parts)
    lengths = [len(table) for table in tables]
    starts = [sum(lengths[:place]) for place in range(len(tables))]
    spoilt = {
        (start + row, names[fold_name(column)])
        for start, table in zip(starts, tables, strict=True)
        for row, column in table.spoilt
    }
    sources = tuple(table.source for table in tables)
    files = [source.file for source in sources]
    return TextTable(
        columns=tuple(cells),
        cells=cells,
        rows=np.concatenate([table.rows for table in tables]),
        source=Source(
            table=options.name,
            file=", ".join(files) if len(files) < 4 else f"{files[0]} and {len(files) - 1} more files",
            kind=_common([source.kind for source in sources], "several"),
            sheet=_common([source.sheet for source in sources], ""),
            # Two day counts in one column would be a guess: dates must then be dates, not numbers.
            epoch=_common([source.epoch for source in sources], 0),
            n_rows=sum(lengths),
            n_columns=len(cells),
            n_bytes=sum(source.n_bytes for source in sources),
            parts=sources,
        ),
        problems=tuple(problem for table in tables for problem in table.problems),
        spoilt=frozenset(spoilt),
        n_hidden_skipped=sum(table.n_hidden_skipped for table in tables),
        labels={name: label for table in reversed(tables) for name, label in table.labels.items()},
        starts=tuple(starts),
        absent=absent,
    )


def _common(values: Sequence[Any], otherwise: Any) -> Any:
    return values[0] if len(set(values)) == 1 else otherwise


# ---------------------------------------------------------------------------------------------------------------------
# What a file is
# ---------------------------------------------------------------------------------------------------------------------


def _unpack(content: bytes, found: Findings) -> bytes:
    """The one file in a gzip archive, if it is whole and not too large."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            inner = file.read(_GIB + 1)
    except (OSError, EOFError, zlib.error):
        message = f"{found.file} is a damaged gzip archive."
        raise found.stop("format-unsupported", message, "Pack it again, or give it unpacked.") from None
    if len(inner) > _GIB:
        raise found.stop("file-too-large", f"{found.file} unpacks to more than 1 GiB, the limit is 1.")
    if not inner.strip():
        raise found.stop("file-empty", f"{found.file} has no rows.", "Check that the right file was saved.")
    return inner


def _check_archive(content: bytes, found: Findings) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            unpacked = sum(item.file_size for item in archive.infolist())
            kind = archive.read("mimetype").decode("ascii", "replace") if "mimetype" in names else ""
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError):
        message = f"{found.file} is a damaged workbook."
        raise found.stop("format-unsupported", message, "Open it in Excel and save it again.") from None
    if unpacked > _GIB:
        raise found.stop("file-too-large", f"{found.file} unpacks to {unpacked / _GIB:.1f} GiB, the limit is 1.")
    if "xl/workbook.bin" in names:
        raise found.stop("format-unsupported", f"{found.file} is a binary workbook (.xlsb).", _SAVE)
    if "opendocument" in kind:
        raise found.stop("format-unsupported", f"{found.file} is an OpenDocument file.", _SAVE)
    if any(name.startswith("word/") for name in names):
        raise found.stop("format-unsupported", f"{found.file} is a Word document.", _SAVE)
    if not any(name.startswith("xl/") for name in names):
        raise found.stop("format-unsupported", f"{found.file} is a zip archive, not a workbook.", _SAVE)


def _check_compound(content: bytes, found: Findings) -> None:
    """Old Office files share their first bytes; the names of their streams tell them apart."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise found.stop("file-encrypted", f"{found.file} is protected by a password.", "Save an open copy.")
    if "WordDocument".encode("utf-16-le") in content:
        raise found.stop("format-unsupported", f"{found.file} is a Word document.", _SAVE)


def refuse_others(path: Path, content: bytes, found: Findings) -> None:
    for mark, kind in _REFUSED:
        if content.startswith(mark):
            _refuse(kind, found)
    if content[8:12] == b"DUCK":
        _refuse("a DuckDB database", found)
    if content.startswith(_PARQUET):
        _refuse("a Parquet file inside a gzip archive", found)
    head = content[:2000]
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1", "replace")
    text = text.removeprefix("ï»¿")
    if _MARKUP.match(text):
        spreadsheet = "urn:schemas-microsoft-com:office:spreadsheet" in text
        kind = "an XML spreadsheet" if spreadsheet else "an XML file" if text.lstrip()[:5] == "<?xml" else "a web page"
        saved = f" saved as {path.suffix}" if path.suffix.lower() in _SUFFIXES else ""
        message = f"{found.file} is {kind}{saved}."
        raise found.stop("format-unsupported", message, "Open it in Excel and save it as xlsx.")
    promised = _SUFFIXES.get(path.suffix.lower(), "")
    if promised and path.suffix.lower() != ".gz" and _is_binary(head):
        message = f"{found.file} is called {promised}, but does not begin like one."
        raise found.stop("format-unsupported", message, "It is damaged or another format; save it again, or as csv.")


def _refuse(kind: str, found: Findings) -> None:
    mend = "Ask it with database and sql." if kind in _DATABASES else _SAVE
    raise found.stop("format-unsupported", f"{found.file} is {kind}.", mend)


def _is_binary(head: bytes) -> bool:
    """Whether bytes are no text in any encoding that is tried."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return False
    half = max(len(head) // 2, 1)
    zeros = max(head[0::2].count(0), head[1::2].count(0))
    utf_16 = zeros > 0.5 * half and min(head[0::2].count(0), head[1::2].count(0)) == 0
    return b"\x00" in head and not utf_16
