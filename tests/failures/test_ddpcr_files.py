"""Exports of droplet digital PCR with one fault each: its code at its row; and the control, which has none."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.ctdna.read import scan_ddpcr

DATA = Path(__file__).parents[1] / "ctdna" / "data"
OLD, QX = "quantasoft_old_TypeAssay_small.csv", "qxmanager_1x_quant.csv"
Table = list[list[str]]


def table_of(name: str) -> Table:
    return list(csv.reader(io.StringIO((DATA / name).read_text(encoding="utf-8"), newline="")))


def write(folder: Path, table: Table) -> Path:
    path = folder / "plate.csv"
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(table)
    path.write_text(buffer.getvalue(), encoding="utf-8")
    return path


def errors(path: Path) -> list[tuple[str, int | None]]:
    with pytest.raises(cs.DataError) as error:
        cs.read_ddpcr(path)
    return [(problem.code, problem.row) for problem in error.value.problems if problem.level == "error"]


def lines(path: Path) -> list[str]:
    with pytest.raises(cs.DataError) as error:
        cs.read_ddpcr(path)
    return str(error.value).splitlines()


@pytest.mark.parametrize("name", [OLD, QX])
def test_the_control(tmp_path: Path, name: str) -> None:
    assert scan_ddpcr(write(tmp_path, table_of(name))).problems == ()


COUNTS = {
    OLD: ["Positives", "Negatives", "AcceptedDroplets", "Ch1+Ch2+", "Ch1+Ch2-", "Ch1-Ch2+", "Ch1-Ch2-"],
    QX: ["Positives", "Negatives", "Accepted Droplets", "Ch1+Ch2+", "Ch1+Ch2-", "Ch1-Ch2+", "Ch1-Ch2-"],
}
ROWS = {OLD: 10, QX: 12}


@pytest.mark.parametrize(("name", "column"), [(name, column) for name in COUNTS for column in COUNTS[name]])
def test_one_count_changed_by_one(tmp_path: Path, name: str, column: str) -> None:
    for place in range(1, ROWS[name] + 1):
        table = table_of(name)
        at = table[0].index(column)
        table[place][at] = str(int(table[place][at]) + 1)
        assert ("ddpcr-counts", place + 1) in errors(write(tmp_path, table))


def changed(text: str) -> str:
    """The same number with another third digit."""
    places = [place for place, sign in enumerate(text) if sign.isdigit()]
    first = next(i for i, place in enumerate(places) if text[place] != "0")
    place = places[first + 2]
    return f"{text[:place]}{(int(text[place]) + 3) % 10}{text[place + 1 :]}"


@pytest.mark.parametrize(("name", "column"), [(OLD, "Concentration"), (QX, "Conc(copies/µL)"), (QX, "Copies/20µLWell")])
def test_one_print_changed(tmp_path: Path, name: str, column: str) -> None:
    for place in range(1, ROWS[name] + 1):
        table = table_of(name)
        at = table[0].index(column)
        table[place][at] = changed(table[place][at])
        assert ("ddpcr-recompute", place + 1) in errors(write(tmp_path, table))


def test_sentences(tmp_path: Path) -> None:
    table = table_of(OLD)
    table[1][table[0].index("Concentration")] = "151"
    assert lines(write(tmp_path, table)) == [
        "error   plate.csv row 2, Concentration: Printed 151, counts give 140.681 in well A01, Consensus_FAM. "
        "Export the file again; one number was changed."
    ]
    table = table_of(OLD)
    table[1][table[0].index("Positives")] = "1902"
    assert lines(write(tmp_path, table)) == [
        "error   plate.csv row 2, AcceptedDroplets: Positives 1902 + negatives 13919 ≠ accepted 15820 "
        "in well A01, Consensus_FAM. Export the file again."
    ]


@pytest.mark.parametrize("lost", range(20))
@pytest.mark.parametrize("name", [OLD, QX])
def test_one_row_shifted_by_a_cell(tmp_path: Path, name: str, lost: int) -> None:
    table = table_of(name)
    for place in (1, 7):
        spoilt = [list(record) for record in table]
        del spoilt[place][lost]
        assert place + 1 in [row for _, row in errors(write(tmp_path, spoilt))]
        spoilt[place].insert(lost, "")
        spoilt[place].insert(lost, "x")
        assert place + 1 in [row for _, row in errors(write(tmp_path, spoilt))]


@pytest.mark.parametrize("lost", range(20))
@pytest.mark.parametrize("name", [OLD, QX])
def test_every_row_shifted_under_the_header(tmp_path: Path, name: str, lost: int) -> None:
    table = table_of(name)
    del table[0][lost]
    assert errors(write(tmp_path, table))


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["Well"], "no row names Well"),
        (["Assay"], "no column names the targets"),
        (["AcceptedDroplets"], "no column holds accepted droplets"),
        (["Positives", "Negatives", "Concentration"], "no column holds positives, negatives or a concentration"),
    ],
)
def test_a_column_that_is_needed_is_lost(tmp_path: Path, names: list[str], reason: str) -> None:
    table = table_of(OLD)
    places = [place for place, name in enumerate(table[0]) if name not in names]
    part = [[record[place] for place in places if place < len(record)] for record in table]
    found = lines(write(tmp_path, part))
    assert len(found) == 1
    assert found[0].startswith(f"error   plate.csv: plate.csv is not a known export: {reason}.")


@pytest.mark.parametrize("name", ["Positives", "Negatives", "Status", "Ch1+Ch2-", "Concentration"])
def test_a_column_that_others_replace_is_lost(tmp_path: Path, name: str) -> None:
    table = table_of(OLD)
    whole = cs.read_ddpcr(write(tmp_path, table))
    at = table[0].index(name)
    part = [[cell for place, cell in enumerate(record) if place != at] for record in table]
    wells = scan_ddpcr(write(tmp_path, part), volume_nl=0.91).frame
    assert wells["computed_copies_per_ul"].tolist() == whole["computed_copies_per_ul"].tolist()
    assert wells["positives"].tolist() == whole["positives"].tolist()


def test_a_row_twice(tmp_path: Path) -> None:
    table = table_of(OLD)
    assert lines(write(tmp_path, [*table, table[3]])) == [
        "error   plate.csv row 12: Well C01, Consensus_FAM is there twice. Delete one of the rows."
    ]


def test_a_file_twice(tmp_path: Path) -> None:
    first = write(tmp_path, table_of(OLD))
    second = first.with_name("copy.csv")
    second.write_bytes(first.read_bytes())
    with pytest.raises(cs.DataError) as error:
        cs.read_ddpcr([first, second])
    assert str(error.value) == "error   copy.csv: copy.csv has the same content as plate.csv. Name each file once."


def test_two_targets_of_a_well_with_different_droplets(tmp_path: Path) -> None:
    table = table_of(OLD)
    row = table[6]  # the second target of A01
    for name, count in (("Negatives", "13843"), ("AcceptedDroplets", "15821"), ("Ch1-Ch2-", "13839")):
        row[table[0].index(name)] = count
    assert lines(write(tmp_path, table)) == [
        "error   plate.csv row 7, AcceptedDroplets: Well A01 has 15820 accepted droplets for Consensus_FAM, "
        "15821 for WTspecific_HEX. Export the file again."
    ]


def test_more_positives_than_droplets(tmp_path: Path) -> None:
    path = tmp_path / "plate.csv"
    path.write_text("Well,Target,Positives,Accepted\nA01,HER2,14001,14000\nB01,HER2,-1,14000\nC01,HER2,2.5,14000\n")
    with pytest.raises(cs.DataError) as error:
        cs.read_ddpcr(path, volume_nl=0.85)
    assert [(problem.code, problem.row, problem.message) for problem in error.value.problems] == [
        ("number-not-integer", 4, "'2.5' is not whole."),
        ("ddpcr-counts", 3, "-1 droplets in well B01, HER2."),
        ("ddpcr-counts", 2, "Positives 14001 exceed accepted 14000 in well A01, HER2."),
    ]


def test_what_is_no_well_and_no_number(tmp_path: Path) -> None:
    table = table_of(OLD)
    table[1][0] = "Z01"
    table[2][table[0].index("Positives")] = "1_638"
    table[3][table[0].index("Concentration")] = "1O4"
    found = errors(write(tmp_path, table))
    assert {("ddpcr-format", 2), ("number-invalid", 3), ("number-invalid", 4)} <= set(found)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file-empty"),
        (b"Well,Target,Positives,Accepted\n", "file-empty"),
        (b"id,age\n1,2\n", "ddpcr-format"),
        (b"Well,Target,Positives,Accepted\nA01,HER2,1,140\x0000\n", "nul-byte"),
        (b'Well,Target,Positives,Accepted\nA01,"HER2,1,14000\n', "quote-open"),
        (b"Well,Target,Positives,Accepted,Positives\nA01,HER2,1,14000,1\n", "column-duplicate"),
        (b"Well,Target,Positives,Accepted\nA01,\xfd\xff,1,14000\n", "encoding-unknown"),
        (b"%PDF-1.4 Well,Target\n", "format-unsupported"),
        (b"PK\x03\x04 no workbook", "format-unsupported"),
        (b"Ch1 Amplitude,Ch2 Amplitude\n1,2\n", "ddpcr-format"),
    ],
)
def test_files_that_are_no_export(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "plate.csv"
    path.write_bytes(content)
    assert code in [found for found, _ in errors(path)]


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "plate1.csv").write_text("x", encoding="utf-8")
    with pytest.raises(cs.DataError) as error:
        cs.read_ddpcr(tmp_path / "plate.csv")
    assert error.value.missing_file
    assert [problem.code for problem in error.value.problems] == ["file-missing"]
    with pytest.raises(cs.DataError, match="holds no exports"):
        cs.read_ddpcr(str(tmp_path / "*.xlsx"))


@pytest.mark.parametrize("path", [[], 3, [None]])
def test_what_is_no_path(path: object) -> None:
    with pytest.raises(cs.InputError, match="give a file"):
        cs.read_ddpcr(path)  # type: ignore[arg-type]


def test_faults_of_all_files_come_together(tmp_path: Path, capsys: Callable[..., object]) -> None:
    one = table_of(OLD)
    one[1][one[0].index("Positives")] = "1902"
    first = write(tmp_path, one).rename(tmp_path / "one.csv")
    two = table_of(QX)
    two[4][two[0].index("Conc(copies/µL)")] = "1"
    second = write(tmp_path, two)
    with pytest.raises(cs.DataError) as error:
        cs.read_ddpcr([first, second, tmp_path / "gone.csv"])
    found = {(problem.code, problem.file) for problem in error.value.problems}
    assert found == {("ddpcr-counts", "one.csv"), ("ddpcr-recompute", "plate.csv"), ("file-missing", "gone.csv")}


def test_a_count_that_no_plate_holds(tmp_path: Path) -> None:
    path = tmp_path / "plate.csv"
    path.write_text("Well,Target,Positives,Accepted\nA01,HER2,1,1e25\nB01,HER2,9e99,14000\n", encoding="utf-8")
    assert {("ddpcr-counts", 2), ("ddpcr-counts", 3)} <= set(errors(path))


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ("Ch1 Amplitude,Ch2 Amplitude,Cluster\n1,2,1\n3,4,1000\n", 3),
        ("Ch1 Amplitude,Ch2 Amplitude,Cluster\n1,2,1\n3,inf,1\n", 3),
        ("Ch1Amplitude,Ch2Amplitude,1,2,\n1,2,0,0,\n3,4,0,x,\n", 3),
    ],
)
def test_an_amplitude_or_a_cluster_that_is_none(tmp_path: Path, content: str, row: int) -> None:
    path = tmp_path / "plate_A01_Amplitude.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(cs.DataError) as error:
        cs.read_amplitudes(path)
    assert [(problem.code, problem.row) for problem in error.value.problems] == [("number-invalid", row)]
