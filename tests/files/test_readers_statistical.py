"""SAS and SPSS: zeros, dates by their format, labels, and missing codes that are honoured and told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from cohortstats.errors import DataError
from cohortstats.files import TextTable, read_table
from cohortstats.study import DataTable


def options(file: str, **keys: Any) -> DataTable:
    return DataTable(name="patients", file=file, **{"id": "id", "rows": "one per patient", **keys})


def told(table: TextTable) -> list[tuple[str, str, str]]:
    return [(problem.level, problem.code, problem.message) for problem in table.problems]


# ---------------------------------------------------------------------------------------------------------------------
# SAS
# ---------------------------------------------------------------------------------------------------------------------


def test_zeros_of_a_transport_file_are_zeros(shared: Callable[[str], Path]) -> None:
    # pandas.read_sas returns 5.4e-79 for these and finds none; CNSR 0 is an event.
    table = read_table(shared("data/adam/cdiscpilot_adtte.xpt"))
    assert (table.cells["CNSR"] == "0").sum() == 152
    assert (table.cells["CNSR"] == "1").sum() == 102
    assert len(table) == 254


def test_dates_come_by_their_format_and_labels_are_kept(shared: Callable[[str], Path]) -> None:
    table = read_table(shared("data/adam/cdiscpilot_adtte.xpt"))
    assert table.cells["STARTDT"][0] == "2014-01-02"  # stored as 19725, the days since 1960
    assert table.labels["AVAL"] == "Analysis Value"
    days = [
        (dt.date.fromisoformat(end) - dt.date.fromisoformat(start)).days + 1
        for start, end in zip(table.cells["STARTDT"], table.cells["ADT"], strict=True)
    ]
    assert [str(day) for day in days] == table.cells["AVAL"].tolist()


@pytest.mark.parametrize("version", [5, 8])
def test_special_missing_values_are_counted(tmp_path: Path, version: int) -> None:
    path = tmp_path / "cases.xpt"
    frame = pd.DataFrame({"id": list("abcdef"), "weight": [np.nan, np.nan, np.nan, np.nan, 0.0, 65.5], "n": range(6)})
    pyreadstat.write_xport(frame, path, file_format_version=version)
    content = path.read_bytes()
    dot = b"." + bytes(7)
    assert content.count(dot) == 4
    for letter in (b"A", b"Z", b"A"):  # what SAS writes for .A and .Z
        content = content.replace(dot, letter + bytes(7), 1)
    path.write_bytes(content)
    table = read_table(path)
    assert table.cells["weight"].tolist() == ["", "", "", "", "0", "65.5"]
    assert told(table) == [
        ("warning", "missing-in-file", "The file marks 3 cells of weight as missing: '.A' 2, '.Z' 1.")
    ]


def test_a_sas_data_set() -> None:
    # Written by haven 2.5 of R from these very values: tests/oracles/make_sas.R.
    table = read_table(Path(__file__).parents[1] / "oracles" / "cases.sas7bdat.gz")
    assert {name: cells.tolist() for name, cells in table.cells.items()} == {
        "id": ["001", "002", "003", "004", "005"],
        "weight": ["65.5", "", "", "0", ""],
        "start": ["2016-03-04", "2016-03-05", "", "1959-12-31", "2015-02-28"],
        "seen": ["2016-03-04 10:30:00", "2016-03-05", "", "1960-01-01", "2015-02-28 23:59:59"],
        "note": ["不明", "a, b", "", "x", "é"],
    }
    assert told(table) == [
        ("warning", "missing-in-file", "The file marks 2 cells of weight as missing: '.A' 1, '.Z' 1.")
    ]
    assert table.labels == {"weight": "Weight, kg"}
    assert (table.source.kind, table.source.encoding, table.source.compression) == ("sas7bdat", "UTF-8", "gzip")


def test_ids_stored_as_numbers_are_told(tmp_path: Path) -> None:
    path = tmp_path / "cases.xpt"
    pyreadstat.write_xport(pd.DataFrame({"id": [1, 2], "x": [1, 2]}), path)
    table = read_table(path, options("cases.xpt"))
    assert table.cells["id"].tolist() == ["1", "2"]
    assert [problem.code for problem in table.problems] == ["id-numeric"]


# ---------------------------------------------------------------------------------------------------------------------
# SPSS
# ---------------------------------------------------------------------------------------------------------------------

SPSS = pd.DataFrame(
    {
        "id": ["001", "002", "003", "004", "005", "006"],
        "sex": [1.0, 2.0, 2.0, 1.0, 9.0, np.nan],
        "age": [62.0, 71.0, 999.0, 55.0, 998.0, 60.5],
        "pain": [0.0, 3.0, 10.0, 5.0, 7.0, 2.0],
        "start": [dt.date(2016, 3, 4)] * 6,
    }
)
LABELS = {"sex": {1.0: "男性", 2.0: "女性", 9.0: "unknown"}, "pain": {0.0: "none", 10.0: "worst"}}
MISSING: dict[str, Any] = {"sex": [9.0], "age": [{"lo": 998.0, "hi": 999.0}]}


def write(path: Path, frame: pd.DataFrame = SPSS, **more: Any) -> Path:
    given = {"variable_value_labels": LABELS, "missing_ranges": MISSING, **more}
    pyreadstat.write_sav(frame, path, column_labels={"age": "年齢"}, **given)
    return path


def test_value_labels_are_the_cells(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "cases.sav"))
    assert table.cells["sex"].tolist() == ["男性", "女性", "女性", "男性", "", ""]
    assert table.cells["start"].tolist() == ["2016-03-04"] * 6
    assert table.labels["age"] == "年齢"


def test_codes_are_the_cells_when_the_study_says_so(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "cases.sav"), options("cases.sav", labels=False))
    assert table.cells["sex"].tolist() == ["1", "2", "2", "1", "", ""]
    assert table.cells["pain"].tolist() == ["0", "3", "10", "5", "7", "2"]


def test_the_files_own_missing_codes_are_honoured_and_told(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "cases.sav"))
    assert table.cells["age"].tolist() == ["62", "71", "", "55", "", "60.5"]
    marked = [problem for problem in table.problems if problem.code == "missing-in-file"]
    assert [problem.message for problem in marked] == [
        "The file marks 1 cell of sex as missing: '9' 1.",
        "The file marks 2 cells of age as missing: '998' 1, '999' 1.",
    ]
    assert {problem.level for problem in marked} == {"warning"}


def test_a_scale_of_which_the_ends_have_labels_keeps_its_numbers(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "cases.sav"))
    assert table.cells["pain"].tolist() == ["0", "3", "10", "5", "7", "2"]
    assert ("warning", "label-missing", "Only 2 of 6 values of pain have a label. The values are read.") in told(table)


def test_a_value_without_a_label_among_labelled_ones_is_an_error(tmp_path: Path) -> None:
    frame = SPSS.assign(sex=[1.0, 2.0, 3.0, 1.0, 9.0, np.nan])
    with pytest.raises(DataError) as error:
        read_table(write(tmp_path / "cases.sav", frame))
    faults = [problem for problem in error.value.problems if problem.level == "error"]
    assert [str(fault) for fault in faults] == [
        "error   cases.sav row 3, sex: No label for '3'. Label it in SPSS, or set labels = false."
    ]


def test_labels_of_text_and_of_missing_codes_only(tmp_path: Path) -> None:
    frame = SPSS.assign(arm=["a", "b", "a", "b", "a", "x"])
    labels = {"arm": {"a": "T-DM1", "b": "control"}, "age": {998.0: "refused", 999.0: "unknown"}}
    path = write(tmp_path / "cases.sav", frame, variable_value_labels=labels, missing_ranges=MISSING | {"arm": ["x"]})
    table = read_table(path)
    assert table.cells["arm"].tolist() == ["T-DM1", "control", "T-DM1", "control", "T-DM1", ""]
    assert table.cells["age"].tolist()[0] == "62"


# ---------------------------------------------------------------------------------------------------------------------
# Damage
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"), [("cases.sav", "SPSS file"), ("cases.xpt", "SAS transport file"), ("x.sas7bdat", "SAS data set")]
)
def test_a_cut_file_is_told_as_such(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    if name.endswith("sav"):
        write(path)
    elif name.endswith("xpt"):
        pyreadstat.write_xport(SPSS, path)
    else:
        path.write_bytes(bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c") + bytes(4000))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match=f"is a damaged {kind}") as error:
        read_table(path)
    assert [problem.code for problem in error.value.problems] == ["format-unsupported"]


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
@pytest.mark.parametrize("name", ["cases.sav", "cases.xpt"])
def test_no_row_of_a_cut_file_is_lost_in_silence(tmp_path: Path, name: str, share: float) -> None:
    # pyreadstat gives 329 of the 500 rows of a transport file that is cut at seven tenths.
    path = tmp_path / name
    frame = pd.DataFrame({"id": [f"P{number:05d}" for number in range(500)], "x": np.arange(500) / 7})
    pyreadstat.write_sav(frame, path) if name.endswith("sav") else pyreadstat.write_xport(frame, path)
    assert len(read_table(path)) == 500
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError) as error:
        read_table(path)
    assert [problem.code for problem in error.value.problems] == ["format-unsupported"]


def test_a_transport_file_cut_between_its_records_is_told(tmp_path: Path) -> None:
    path = tmp_path / "cases.xpt"
    frame = pd.DataFrame({"id": [f"P{number:05d}" for number in range(500)], "x": np.arange(500) / 7})
    pyreadstat.write_xport(frame, path)
    content = path.read_bytes()
    path.write_bytes(content[: 80 * (len(content) // 120)])
    with pytest.raises(DataError, match="ends in the middle of a record"):
        read_table(path)
