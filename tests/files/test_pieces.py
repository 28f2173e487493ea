"""Large texts are read by the piece: where a piece ends changes nothing."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from cohortstats.errors import DataError
from cohortstats.files import delimited, read_table
from cohortstats.files.read import scan_table
from cohortstats.study import DataTable

CELLS = [["id", "note", "x"], ["A", 'says "no"', "1"], ["B", "two\nlines", ""], ["Ｃ", "a, b", "3"], ["D", "", "4"]]


def text(newline: str, quoting: int) -> bytes:
    buffer = io.StringIO(newline="")
    rows = [[cell.replace("\n", newline) for cell in row] for row in CELLS]
    csv.writer(buffer, lineterminator=newline, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return buffer.getvalue().encode()


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 20, 1000])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_any_piece_gives_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, newline: str, quoting: int
) -> None:
    monkeypatch.setattr(delimited, "_PIECE", piece)
    (tmp_path / "t.csv").write_bytes(text(newline, quoting))
    table = read_table(tmp_path / "t.csv")
    rows = [list(row) for row in zip(*(table.cells[name] for name in CELLS[0]), strict=True)]
    assert [[cell.replace(newline, "\n") for cell in row] for row in rows] == CELLS[1:]
    # The second record has a line end inside, so that the third stands one line further down.
    assert table.rows.tolist() == [2, 3, 5, 6]


@pytest.mark.parametrize("piece", [1, 5, 1000])
def test_any_piece_names_the_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(delimited, "_PIECE", piece)
    (tmp_path / "t.csv").write_bytes(text("\n", csv.QUOTE_ALL) + b'"E","x"\n"F","open,"1"\n')
    options = DataTable(name="t", file="t.csv", id="id", rows="one per patient")
    try:
        problems = scan_table(tmp_path / "t.csv", options).problems
    except DataError as error:
        problems = error.problems
    assert ("row-ragged", 7) in [(problem.code, problem.row) for problem in problems]
    assert [problem.row for problem in problems if problem.code.startswith("quote-")] == [8]
