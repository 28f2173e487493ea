"""Delimited text: encoding, line ends, delimiter and quotes are found out and named, never assumed."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cohortstats.cohort import Source
from cohortstats.files.table import Cells, Findings, TextTable, check_names
from cohortstats.study import DataTable

__all__ = ["decode_text", "name_newline", "read_delimited", "split_records"]

_DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blank"}
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_PROBE = 50  # records on which a delimiter must split evenly
_CHUNK = 5_000  # records that are read at a time
_SHARED = 4_000  # different texts of a column up to which equal ones are made one object
_PIECE = 2_000_000  # signs that are split at a time
_LINE_END = re.compile(r"\r\n|\r|\n")
_HALF_WIDTH_KATAKANA = re.compile("[\uff61-\uff9f]")
_KANA_OR_KANJI = re.compile("[\u3041-\u30fa\u4e00-\u9fff]")
# Bytes that no Japanese text has, and that the codec lets through all the same.
_NOT_CP932 = re.compile("[\x80\xa0\uf8f0-\uf8f3]")
_QUOTED_BLANKS = re.compile(r'(?:^|.* )"[^"]* [^"]*"(?: .*|$)')


def read_delimited(content: bytes, options: DataTable, source: Source, found: Findings) -> TextTable:
    """Cells of a delimited text file.

    Parameters
    ----------
    content
        The file.
    options
        ``encoding``, ``delimiter``, ``comment`` and ``header`` of the study file.
    source
        Facts known so far.
    found
        Takes the problems.
    """
    text, encoding = decode_text(content, options, found)
    if not text.strip():
        raise found.stop("file-empty", f"{found.file} has no rows.", "Check that the right file was saved.")
    if "\x00" in text:
        row = len(text[: text.index("\x00")].splitlines()) or 1
        raise found.stop(
            "nul-byte", f"{found.file} has a NUL byte at row {row}.", "Save the file again as CSV.", row=row
        )
    body, first_row, declared = _skip_preamble(text, options)
    delimiter = options.delimiter or declared or _find_delimiter(body, found)
    even = _even_columns(body, delimiter, first_row)
    if even is not None and not _is_title(even.names, [column[0] for column in even.columns]):
        source = replace(
            source, encoding=encoding, newline=name_newline(text, delimiter), delimiter=delimiter, kind="csv"
        )
        return _tabulate_even(even, first_row, source, found)
    records, rows = split_records(body, delimiter, first_row, found)
    if not records:
        message = f"{found.file} has no row {options.header}."
        raise found.stop("file-empty", message, "Correct header.", key="header")
    source = replace(source, encoding=encoding, newline=name_newline(text, delimiter), delimiter=delimiter, kind="csv")
    return _tabulate(records, rows, source, options, found)


def decode_text(content: bytes, options: DataTable, found: Findings) -> tuple[str, str]:
    """Text of a file and its encoding: by the byte-order mark, as declared, else UTF-16, UTF-8 or cp932."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return _decode_as(content, encoding, found), encoding
    if options.encoding:
        return _decode_as(content, options.encoding, found), options.encoding
    head = content[:4096]
    even, odd = head[0::2], head[1::2]
    if len(head) >= 4 and odd.count(0) > 0.5 * len(odd) > even.count(0):
        return _decode_as(content, "utf-16-le", found), "utf-16-le"
    if len(head) >= 4 and even.count(0) > 0.5 * len(even) > odd.count(0):
        return _decode_as(content, "utf-16-be", found), "utf-16-be"
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        _refuse_two_encodings(content, found)
    try:
        text = content.decode("cp932")
    except UnicodeDecodeError:
        text = ""
    if not text or _NOT_CP932.search(text):
        message = f"{found.file} is neither UTF-8, UTF-16 nor cp932."
        raise found.stop("encoding-unknown", message, "Declare encoding.", key="encoding")
    # Most cp1252 bytes are valid cp932: µ arrives as a half-width katakana. Japanese text has other letters beside.
    if _HALF_WIDTH_KATAKANA.search(text) and not _KANA_OR_KANJI.search(text):
        message = f"{found.file} was read as cp932 but looks like another encoding."
        found.warn("encoding-doubtful", message, 'Declare encoding, for instance "cp1252".', key="encoding")
    return text, "cp932"


def _refuse_two_encodings(content: bytes, found: Findings) -> None:
    """Lines of Japanese in UTF-8 among lines that are none: cp932 would read most of them, as other letters."""
    ours: list[int] = []
    others: list[int] = []
    for row, line in enumerate(re.split(rb"\r\n|\n|\r", content), start=1):
        if line.isascii():
            continue
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            others.append(row)
        else:
            ours += [row] if _KANA_OR_KANJI.search(text) else []
    if ours and others:
        first, second = ours[0], others[0]
        message = f"{found.file} is in two encodings: row {first} is UTF-8, row {second} is not."
        row = first if len(ours) < len(others) else second
        raise found.stop("encoding-unknown", message, "Save it again in one.", key="encoding", row=row)


def _decode_as(content: bytes, encoding: str, found: Findings) -> str:
    try:
        return content.decode(encoding)
    except LookupError:
        message = f"{encoding} is no encoding that Python knows."
        raise found.stop("encoding-unknown", message, "Correct encoding.", key="encoding") from None
    except UnicodeError as error:
        place = f": byte {error.start} does not fit" if isinstance(error, UnicodeDecodeError) else ""
        message = f"{found.file} cannot be read as {encoding}{place}."
        raise found.stop(
            "encoding-unknown", message, "Correct encoding, or save the file again.", key="encoding"
        ) from None


def _skip_preamble(text: str, options: DataTable) -> tuple[str, int, str]:
    """Text from the header on, the line on which it starts, and the delimiter of a ``sep=`` line."""
    lines = _lines(text)
    delimiter = ""
    left = options.header - 1
    start, row = 0, 1
    for line in lines:
        if row == 1 and re.fullmatch(r"sep=.\s*", line, re.IGNORECASE | re.DOTALL):
            delimiter = line[4]
        elif options.comment and line.startswith(options.comment):
            pass
        elif left > 0:
            left -= 1
        else:
            break
        start += len(line)
        row += 1
    return text[start:], row, delimiter


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends, by the piece: a whole text in ``io.StringIO`` takes four bytes a sign."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + _PIECE)
        end = len(text) if end < 0 else end + 1
        yield from io.StringIO(text[start:end], newline="")
        start = end


def _probe(body: str, delimiter: str) -> list[int]:
    """Number of fields of each of the first records, blank ones aside."""
    widths: list[int] = []
    try:
        for record in csv.reader(_lines(body), delimiter=delimiter):
            if any(record):
                widths.append(len(record))
            if len(widths) == _PROBE:
                break
    except csv.Error:
        return widths
    return widths


def _find_delimiter(body: str, found: Findings) -> str:
    widths = {delimiter: _probe(body, delimiter) for delimiter in _DELIMITERS}
    even = [delimiter for delimiter, counts in widths.items() if counts and counts[0] > 1 and len(set(counts)) == 1]
    if len(even) > 1:
        a, b = (_NAMES[delimiter] for delimiter in even[:2])
        message = f"{found.file}: {a} and {b} both split it evenly."
        raise found.stop("delimiter-unclear", message, "Declare delimiter.", key="delimiter")
    if even:
        return even[0]
    if _blanks_are_proved(body):
        return " "
    # No delimiter splits every record evenly: take the one that splits most records as it splits the most usual one,
    # and let the records that differ be reported one by one.
    scores = {}
    for delimiter, counts in widths.items():
        wide = [count for count in counts if count > 1]
        if len(wide) > 0.5 * len(counts):
            scores[delimiter] = max(map(wide.count, set(wide)))
    if not scores:
        if any(max(counts, default=1) > 1 for counts in widths.values()):
            message = f"{found.file}: no comma, semicolon, tab or bar splits it evenly."
            raise found.stop("delimiter-unclear", message, "Declare delimiter, or header.", key="delimiter")
        return ","
    best = [delimiter for delimiter, score in scores.items() if score == max(scores.values())]
    if len(best) > 1:
        a, b = (_NAMES[delimiter] for delimiter in best[:2])
        message = f"{found.file}: {a} and {b} both split it, neither evenly."
        raise found.stop("delimiter-unclear", message, "Declare delimiter.", key="delimiter")
    return best[0]


def _blanks_are_proved(body: str) -> bool:
    """Whether blanks split evenly because a cell that holds a blank is quoted."""
    counts = _probe(body, " ")
    quoted = any(_QUOTED_BLANKS.fullmatch(line) for line in body[:20_000].splitlines())
    return quoted and bool(counts) and counts[0] > 1 and len(set(counts)) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Even:
    """A text whose records all have as many fields as the header, none of them empty throughout."""

    names: list[str]
    columns: list[Cells]
    rows: npt.NDArray[np.int64]


def _even_columns(body: str, delimiter: str, first_row: int) -> _Even | None:
    """The columns of a text without a fault, read by the chunk; None sends it to the reader that names faults.

    Records become columns while they are warm, and equal cells of a column one object: this is what makes large files
    quick to read.
    """
    chunks = _quoted_chunks(body, delimiter) if '"' in body else _plain_chunks(body, delimiter)
    most = sum(_line_ends(body).values()) + 1
    names: list[str] = []
    columns: list[Cells] = []
    memos: list[dict[str, str] | None] = []
    lines: list[npt.NDArray[np.int64]] = []
    n_rows = 0
    try:
        for header, cells, at in chunks:
            if not names:
                names = [name.strip() for name in header]
                if not all(names):
                    return None
                columns = [np.empty(most, dtype=object) for _ in names]
                memos = [{} for _ in names]
            here = slice(n_rows, n_rows + len(at))
            for place, column in enumerate(cells):
                memo = memos[place]
                columns[place][here] = column if memo is None else list(map(memo.setdefault, column, column))
                if memo is not None and len(memo) > _SHARED:
                    memos[place] = None  # too few texts come twice to be worth the search
            lines.append(at)
            n_rows += len(at)
    except (csv.Error, _UnevenError):
        return None
    if not n_rows:
        return None
    columns = [column[:n_rows].copy() if n_rows < most // 2 else column[:n_rows] for column in columns]
    rows = np.concatenate(lines)
    blank = np.array([not cell or cell.isspace() for cell in columns[0]], dtype=bool)
    if any(not any(column[row].strip() for column in columns) for row in np.flatnonzero(blank)):
        return None
    return _Even(names=names, columns=columns, rows=rows + first_row)


_Chunk = tuple[list[str], list[Sequence[str]], npt.NDArray[np.int64]]


class _UnevenError(Exception):
    """A record that differs from the header in its number of fields."""


def _plain_chunks(body: str, delimiter: str) -> Iterator[_Chunk]:
    """Text without quotes: the sign between fields is all there is to see."""
    if "\r" in body:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    body = body.rstrip("\n")
    end = body.find("\n")
    if end < 0:
        return
    header = body[:end].split(delimiter)
    width, start, row = len(header), end + 1, 1
    if width < 2:
        raise _UnevenError
    while start <= len(body):
        end = body.find("\n", start + _PIECE)
        end = len(body) if end < 0 else end
        records = body[start:end].split("\n")
        if {record.count(delimiter) for record in records} != {width - 1}:
            raise _UnevenError
        cells = delimiter.join(records).split(delimiter)
        yield header, [cells[place::width] for place in range(width)], np.arange(row, row + len(records))
        start, row = end + 1, row + len(records)


def _quoted_chunks(body: str, delimiter: str) -> Iterator[_Chunk]:
    reader = csv.reader(_lines(body.rstrip("\r\n")), delimiter=delimiter, strict=True)
    header = next(reader, [])
    width, row = len(header), reader.line_num
    if width < 2:
        raise _UnevenError
    while records := list(itertools.islice(reader, _CHUNK)):
        if set(map(len, records)) != {width}:
            raise _UnevenError
        if reader.line_num - row == len(records):
            rows = np.arange(row, row + len(records))
        else:
            # A record may run over several lines; it stands where it starts.
            spans = [1 + sum(len(_LINE_END.findall(cell)) for cell in record) for record in records]
            rows = row + np.cumsum([0, *spans[:-1]])
        row = reader.line_num
        yield header, list(zip(*records, strict=True)), rows


def _tabulate_even(even: _Even, row: int, source: Source, found: Findings) -> TextTable:
    check_names(even.names, [True] * len(even.names), found, row)
    cells: dict[str, Cells] = {}
    for name, column in zip(even.names, even.columns, strict=True):
        cells.setdefault(name, column)
    return TextTable(
        columns=tuple(cells),
        cells=cells,
        rows=even.rows,
        source=replace(source, n_rows=len(even.rows), n_columns=len(even.names)),
        problems=tuple(found.problems),
    )


def split_records(body: str, delimiter: str, first_row: int, found: Findings) -> tuple[list[list[str]], list[int]]:
    """Cells of each record, and the line on which it starts; what is wrong with a quote ends the reading."""
    records: list[list[str]] = []
    rows: list[int] = []
    reader = csv.reader(_lines(body), delimiter=delimiter, strict=True)
    memo: dict[str, str] = {}
    share = memo.setdefault
    row = first_row
    try:
        for record in reader:
            # Equal texts become one object: a table of categories then needs a pointer a cell.
            records.append(list(map(share, record, record)))
            rows.append(row)
            row = first_row + reader.line_num
            if len(memo) > _SHARED:
                memo.clear()
    except csv.Error as error:
        if "expected after" in str(error):
            found.add(
                "quote-stray",
                f"Text follows a closing quote in row {row}.",
                "Double the quotes inside the cell.",
                row=row,
            )
        else:
            message = f"A quote opened at row {row} never closes."
            found.add("quote-open", message, "Close it, or delete it.", row=row)
    return records, rows


def name_newline(text: str, delimiter: str) -> str:
    """``"LF"``, ``"CRLF"``, ``"CR"`` or ``"mixed"``: what ends the records of a text."""
    counts = _line_ends(text)
    if '"' in text and sum(map(bool, counts.values())) > 1:
        # Line ends inside quotes belong to the cell.
        quoted = rf'(^|[{re.escape(delimiter)}\r\n])"(?:[^"]|"")*"'
        counts = _line_ends(re.sub(quoted, r"\1", text))
    kinds = [name for name, count in counts.items() if count]
    return kinds[0] if len(kinds) == 1 else "mixed" if kinds else "LF"


def _line_ends(text: str) -> dict[str, int]:
    pairs = text.count("\r\n")
    return {"CRLF": pairs, "LF": text.count("\n") - pairs, "CR": text.count("\r") - pairs}


def _tabulate(
    records: list[list[str]], rows: list[int], source: Source, options: DataTable, found: Findings
) -> TextTable:
    names = [name.strip() for name in records[0]]
    width = len(names)
    while width and not names[width - 1]:
        width -= 1
    body, body_rows = records[1:], rows[1:]
    _refuse_title(names, body, body_rows, rows[0], options, found)
    while body and not any(cell.strip() for cell in body[-1]):
        body.pop()
        body_rows.pop()
    full, full_rows, n_dropped = _even(body, body_rows, width, len(names), found)
    if not full and not any(problem.level == "error" for problem in found.problems):
        raise found.stop("file-empty", f"{found.file} has no rows.", "Check that the right file was saved.")
    names = names[:width]
    check_names(names, [True] * width, found, rows[0])
    columns = [np.array(column, dtype=object) for column in zip(*full, strict=True)] or [
        np.array([], dtype=object)
    ] * width
    cells: dict[str, Cells] = {}
    for name, column in zip(names, columns, strict=True):
        if name:
            cells.setdefault(name, column)
    source = replace(source, n_rows=len(full), n_columns=len(names), n_fields_dropped=n_dropped)
    return TextTable(
        columns=tuple(cells),
        cells=cells,
        rows=np.array(full_rows, dtype=np.int64),
        source=source,
        problems=tuple(found.problems),
    )


def _refuse_title(
    names: Sequence[str], body: list[list[str]], body_rows: list[int], row: int, options: DataTable, found: Findings
) -> None:
    for record, record_row in zip(body[:5], body_rows, strict=False):
        if not any(cell.strip() for cell in record):
            continue
        if _is_title(names, record):
            message = f"Row {row} of {found.file} looks like a title."
            header = options.header + record_row - row
            raise found.stop("header-unclear", message, f"Set header = {header}.", row=row, key="header")
        return


def _is_title(names: Sequence[str], record: Sequence[str]) -> bool:
    """Whether the row of the names has fewer than half as many cells filled as the record below it."""
    return sum(bool(name) for name in names) < 0.5 * sum(bool(cell.strip()) for cell in record)


def _even(
    body: list[list[str]], rows: list[int], width: int, written: int, found: Findings
) -> tuple[list[list[str]], list[int], int]:
    """Records of exactly ``width`` fields; what differs is dropped and said."""
    full: list[list[str]] = []
    full_rows: list[int] = []
    n_dropped = 0
    for record, row in zip(body, rows, strict=True):
        if len(record) != width:
            if not any(cell.strip() for cell in record):
                found.warn("row-empty", f"Row {row} is empty.", "Delete it.", row=row)
                continue
            extra = record[width:]
            if len(record) < width or any(cell.strip() for cell in extra):
                if width < len(record) <= written:
                    place = width + 1 + next(i for i, cell in enumerate(extra) if cell.strip())
                    found.add("column-unnamed", f"Column {place} has no name.", "Name it, or empty it.", row=row)
                else:
                    message = f"Row {row} has {len(record)} fields, the header {width}."
                    found.add("row-ragged", message, "Correct the row; quote cells that hold the delimiter.", row=row)
                continue
            n_dropped += len(extra)
            record = record[:width]
        elif not any(record) or not any(cell.strip() for cell in record):
            found.warn("row-empty", f"Row {row} is empty.", "Delete it.", row=row)
            continue
        full.append(record)
        full_rows.append(row)
    return full, full_rows, n_dropped
