"""One door to every kind of file: what it is is told by its content, not by its name."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

from cohortstats.cohort import Source
from cohortstats.errors import DataError, did_you_mean
from cohortstats.loaders.delimited import read_delimited
from cohortstats.loaders.table import Findings, TextTable
from cohortstats.study import DataTable

__all__ = ["read_table", "scan_table"]

_GIB = 1 << 30
# First bytes of formats that people do send; each is named so that the advice fits.
_SIGNATURES = (
    (b"HEADER RECORD*******LIBRARY", "a SAS transport file"),
    (b"$FL2", "an SPSS file"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"ARROW1", "a Feather file"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c"), "a SAS data set"),
)
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def read_table(path: str | Path, options: DataTable | None = None) -> TextTable:
    """Read a CSV or Excel file into text cells.

    Parameters
    ----------
    path
        The file.
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


def scan_table(path: Path, options: DataTable) -> TextTable:
    """As :func:`read_table`, but errors that leave a table are in ``problems`` and do not stop."""
    found = Findings(file=path.name, table=options.name)
    if not path.is_file():
        raise _missing(path, found)
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
    if content.startswith(b"PK\x03\x04"):
        _check_archive(content, found)
        from cohortstats.loaders.workbook import read_workbook

        return read_workbook(content, options, source, found)
    _refuse_others(content, found)
    if len(content) > _GIB:
        raise found.stop("file-too-large", f"{path.name} has {len(content) / _GIB:.1f} GiB, the limit is 1.")
    return read_delimited(content, options, source, found)


def _missing(path: Path, found: Findings) -> DataError:
    beside = sorted(item.name for item in path.parent.glob("*") if item.is_file()) if path.parent.is_dir() else []
    tables = [name for name in beside if not name.endswith((".toml", ".md", ".py"))]
    near = did_you_mean(path.name, tables)
    listed = ", ".join(tables[:20]) or "none"
    mend = f"Did you mean {near}?" if near else "Correct file, or put the file there."
    message = f"{path.name} is not there. Files beside the study: {listed}."
    found.add("file-missing", message, mend, key="file")
    return DataError(found.problems, missing_file=True)


def _check_archive(content: bytes, found: Findings) -> None:
    save = "Save it as xlsx or csv."
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
        raise found.stop("format-unsupported", f"{found.file} is a binary workbook (.xlsb).", save)
    if "opendocument" in kind:
        raise found.stop("format-unsupported", f"{found.file} is an OpenDocument file.", save)
    if not any(name.startswith("xl/") for name in names):
        raise found.stop("format-unsupported", f"{found.file} is a zip archive, not a workbook.", save)


def _refuse_others(content: bytes, found: Findings) -> None:
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            message = f"{found.file} is protected by a password."
            raise found.stop("file-encrypted", message, "Save an open copy.")
        message = f"{found.file} is an old workbook (.xls)."
        raise found.stop("format-unsupported", message, "Save it as xlsx or csv.")
    for mark, kind in _SIGNATURES:
        if content.startswith(mark):
            raise found.stop("format-unsupported", f"{found.file} is {kind}.", "Save it as xlsx or csv.")
