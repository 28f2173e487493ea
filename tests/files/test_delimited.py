"""Text files in every dress that spreadsheets, registries and hospitals give them: one and the same table."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from cohortstats.errors import DataError
from cohortstats.files import TextTable, read_table
from cohortstats.files.read import scan_table
from cohortstats.study import DataTable

NAMES = ["症例", "年齢", "備考"]
ROWS = [[f"{number:03d}", str(40 + number), "a, b" if number % 3 else "NA"] for number in range(1, 41)]


def options(**keys: object) -> DataTable:
    fields = {"name": "patients", "file": "cases.csv", "id": "", "rows": "one per patient", **keys}
    return DataTable(**fields)  # type: ignore[arg-type]


def read(folder: Path, content: bytes, name: str = "cases.csv", **keys: object) -> TextTable:
    path = folder / name
    path.write_bytes(content)
    return read_table(path, options(**keys))


def codes(folder: Path, content: bytes, **keys: object) -> list[str]:
    """Codes of everything that was found, in order."""
    path = folder / "cases.csv"
    path.write_bytes(content)
    try:
        return [problem.code for problem in scan_table(path, options(**keys)).problems]
    except DataError as error:
        return [problem.code for problem in error.problems]


def written(delimiter: str, newline: str, quoted: bool) -> str:
    lines = []
    for row in [NAMES, *ROWS]:
        cells = [f'"{cell}"' if quoted or delimiter in cell else cell for cell in row]
        lines.append(delimiter.join(cells))
    return newline.join(lines) + newline


ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "cp932": b"",
    "utf-16": b"",
}
MATRIX = list(
    itertools.product(ENCODINGS, {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}.items(), [",", ";", "\t", "|"], [True, False])
)


@pytest.mark.parametrize(("encoding", "newline", "delimiter", "quoted"), MATRIX)
def test_every_dress_gives_one_table(
    tmp_path: Path, encoding: str, newline: tuple[str, str], delimiter: str, quoted: bool
) -> None:
    table = read(tmp_path, written(delimiter, newline[1], quoted).encode(encoding))
    assert table.columns == tuple(NAMES)
    assert [list(row) for row in zip(*(table.cells[name] for name in NAMES), strict=True)] == ROWS
    assert table.rows.tolist() == list(range(2, 42))
    assert (table.source.encoding, table.source.newline, table.source.delimiter) == (encoding, newline[0], delimiter)
    assert table.problems == ()


def test_nothing_is_taken_for_missing_or_for_a_number(tmp_path: Path) -> None:
    table = read(tmp_path, b"id,x\n001,None\n002,NA\n003,null\n004,1e3\n")
    assert table.cells["id"].tolist() == ["001", "002", "003", "004"]
    assert table.cells["x"].tolist() == ["None", "NA", "null", "1e3"]


def test_the_line_of_a_record_is_the_line_on_which_it_starts(tmp_path: Path) -> None:
    table = read(tmp_path, b'id,note\n1,"two\nlines"\n2,x\n')
    assert table.rows.tolist() == [2, 4]
    assert table.cells["note"].tolist() == ["two\nlines", "x"]
    assert table.source.newline == "LF"


def test_a_line_end_inside_quotes_belongs_to_the_cell(tmp_path: Path) -> None:
    assert read(tmp_path, b'id,note\r\n1,"two\nlines"\r\n').source.newline == "CRLF"
    assert read(tmp_path, b"id,note\r\n1,a\n2,b\r").source.newline == "mixed"


def test_a_line_that_names_the_delimiter_is_obeyed(tmp_path: Path) -> None:
    table = read(tmp_path, b"sep=;\r\nid;x\r\n1;1,5\r\n")
    assert table.cells["x"].tolist() == ["1,5"]
    assert table.rows.tolist() == [3]


def test_comments_stand_above_the_header_only(tmp_path: Path) -> None:
    table = read(tmp_path, b"#a\n#b\nid,x\n1,2\n#3,4\n", comment="#")
    assert table.cells["id"].tolist() == ["1", "#3"]
    assert table.rows.tolist() == [4, 5]


def test_a_declared_header_skips_what_stands_above(tmp_path: Path) -> None:
    table = read(tmp_path, b"A title\n\nid,x\n1,2\n", header=3)
    assert table.columns == ("id", "x")
    assert table.rows.tolist() == [4]


def test_blanks_split_only_where_quotes_prove_it(tmp_path: Path) -> None:
    table = read(tmp_path, b'id stage\n1 "Stage IV"\n2 Recurrent\n')
    assert table.source.delimiter == " "
    assert table.cells["stage"].tolist() == ["Stage IV", "Recurrent"]
    assert read(tmp_path, b"first name\na b\n").columns == ("first name",)


def test_extra_empty_fields_are_dropped_and_counted(tmp_path: Path) -> None:
    # 63 names over 64 fields: plain pandas shifts every column by one without a word.
    table = read(tmp_path, b"a,b\n1,2,\n3,4,\n5,6\n")
    assert table.cells["a"].tolist() == ["1", "3", "5"]
    assert table.source.n_fields_dropped == 2


def test_empty_records_are_dropped_at_the_end_and_told_inside(tmp_path: Path) -> None:
    table = read(tmp_path, b"a,b\n1,2\n,\n\n3,4\n,\n\n")
    assert table.cells["a"].tolist() == ["1", "3"]
    assert [(problem.code, problem.row) for problem in table.problems] == [("row-empty", 3), ("row-empty", 4)]


def test_a_file_read_as_cp932_by_chance_is_told(tmp_path: Path) -> None:
    # The byte of µ in cp1252 is a half-width katakana in cp932.
    content = "id,Conc(copies/µL)\n1,2\n".encode("cp1252")
    assert codes(tmp_path, content) == ["encoding-doubtful"]
    assert read(tmp_path, content, encoding="cp1252").columns == ("id", "Conc(copies/µL)")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file-empty"),
        (b" \n\n", "file-empty"),
        (b"id,x\n", "file-empty"),
        (b"id,x\n1,\x002\n", "nul-byte"),
        (b"id,x\n1,\xff\xfd\x81\n", "encoding-unknown"),
        (b"a,b;c,d;e\n1,2;3,4;5\n", "delimiter-unclear"),
        (b'id,x\n1,"open\n2,b\n', "quote-open"),
        (b'id,x\n1,"a"b\n', "quote-stray"),
        (b"id,x\n1,2,3\n4,5\n6,7\n", "row-ragged"),
        (b"id,x\n1\n4,5\n6,7\n", "row-ragged"),
        (b"id,,x\n1,2,3\n", "column-unnamed"),
        (b"id,x,x\n1,2,3\n", "column-duplicate"),
        ("id,ＥＲ,ER\n1,2,3\n".encode(), "column-duplicate"),
        (b"A title\nid,x,y\n1,2,3\n2,3,4\n", "header-unclear"),
    ],
)
def test_what_cannot_be_read_has_its_code(tmp_path: Path, content: bytes, code: str) -> None:
    assert codes(tmp_path, content) == [code]


def test_a_title_is_refused_with_the_row_of_the_names(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_bytes(b"A title,,\n\nid,x,y\n1,2,3\n")
    with pytest.raises(DataError) as error:
        read_table(path)
    assert error.value.problems[0].mend == "Set header = 3."


def test_a_missing_file_lists_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text("id\n1\n")
    with pytest.raises(DataError) as error:
        read_table(tmp_path / "patient.csv")
    assert error.value.missing_file
    assert str(error.value) == (
        "error   patient.csv: patient.csv is not there. Files beside the study: patients.csv. Did you mean patients.csv?"
    )


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"HEADER RECORD*******LIBRARY HEADER", "SAS transport"),
        (b"$FL2@(#) SPSS", "SPSS"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"\x1f\x8b\x08\x00", "gzip"),
    ],
)
def test_the_first_bytes_name_the_format(tmp_path: Path, head: bytes, kind: str) -> None:
    path = tmp_path / "cases.csv"
    path.write_bytes(head)
    with pytest.raises(DataError, match=kind) as error:
        read_table(path)
    assert error.value.problems[0].code == "format-unsupported"
