"""Every table of others is read with the rows and columns that its manifest names, and with its known oddities."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from cohortstats.files import TextTable, read_table
from cohortstats.study import DataTable

Shared = Callable[[str], Path]
MANIFEST = "data/MANIFEST.md"
# What a study file must declare for them; the blank that parts kaggle_brca_BREAST.dlm is proved by its quotes.
DECLARED = {"clinical/tcga_brca_pancan_data_clinical_patient.txt": {"comment": "#"}}
FOLDERS = ("clinical", "adam", "km")


def read(shared: Shared, name: str) -> TextTable:
    path = shared(f"data/{name}")
    options = DataTable(name="t", file=path.name, id="", rows="one per patient", **DECLARED.get(name, {}))
    return read_table(path, options)


def expand(name: str) -> list[str]:
    """``a_{b,c}.csv`` -> ``a_b.csv``, ``a_c.csv``."""
    found = re.fullmatch(r"(.*)\{(.*)\}(.*)", name)
    return [f"{found[1]}{part}{found[3]}" for part in found[2].split(",")] if found else [name]


def listed(shared: Shared) -> dict[str, tuple[int, int]]:
    """File -> rows and columns, as the table of the manifest writes them."""
    found: dict[str, tuple[int, int]] = {}
    for line in shared(MANIFEST).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 6 or not cells[1].startswith("`"):
            continue
        names = [name for quoted in re.findall("`([^`]+)`", cells[1]) for name in expand(quoted)]
        sizes = [
            (int(rows.replace(",", "")), int(columns))
            for rows, columns in re.findall(r"([0-9,]*[0-9]) × ([0-9]+)", cells[4])
        ]
        sizes *= len(names) if len(sizes) == 1 else 1
        found |= dict(zip(names, sizes, strict=True)) if names[0].startswith(FOLDERS) else {}
    return found


def test_the_manifest_lists_every_file(shared: Shared) -> None:
    folder = shared(MANIFEST).parent
    files = {f"{name}/{path.name}" for name in FOLDERS for path in (folder / name).iterdir()}
    assert files == set(listed(shared))


@pytest.mark.parametrize("folder", FOLDERS)
def test_rows_and_columns(shared: Shared, folder: str) -> None:
    wanted = {name: size for name, size in listed(shared).items() if name.startswith(f"{folder}/")}
    assert len(wanted) == {"clinical": 14, "adam": 11, "km": 10}[folder]
    found = {}
    for name in wanted:
        table = read(shared, name)
        assert table.problems == (), name
        found[name] = (len(table), len(table.columns))
    assert found == wanted


def test_zeros_of_a_transport_file(shared: Shared) -> None:
    # A popular reader gives 5.397605e-79 for each of the 152 zeros, and the days since 1960 for the dates.
    table = read(shared, "adam/cdiscpilot_adtte.xpt")
    assert Counter(table.cells["CNSR"]) == {"0": 152, "1": 102}
    for column in ("STARTDT", "ADT", "TRTSDT"):
        assert {dt.date.fromisoformat(cell).year for cell in table.cells[column]} <= {2012, 2013, 2014, 2015}


def test_times_of_zero_and_empty_times_are_two_things(shared: Shared) -> None:
    table = read(shared, "clinical/tcga_brca_pancan_data_clinical_patient.txt")
    months = Counter(table.cells["PFS_MONTHS"])
    assert (sum(float(cell) == 0 for cell in table.cells["PFS_MONTHS"] if cell), months[""]) == (13, 2)
    assert table.rows[0] == 6  # four lines of remarks, the names, then the first patient
    assert Counter(table.cells["OS_STATUS"]).keys() == {"0:LIVING", "1:DECEASED"}


def test_a_hash_inside_a_row_is_data(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("#about\n#more\nid\tnote\nA\tx\n#B\ty # z\n", encoding="utf-8")
    table = read_table(path, DataTable(name="t", file="t.txt", id="id", rows="one per patient", comment="#"))
    assert table.cells["id"].tolist() == ["A", "#B"]
    assert table.cells["note"].tolist() == ["x", "y # z"]


def test_blanks_part_the_cells_and_empty_ones_stay_empty(shared: Shared) -> None:
    table = read(shared, "clinical/kaggle_brca_BREAST.dlm")
    assert table.source.delimiter == " "
    assert sum(not cell for cell in table.cells["Date_of_Last_Visit"]) == 17
    assert sum(not cell for cell in table.cells["Patient_Status"]) == 13
    assert table.cells["Date_of_Surgery"][0] == "15JAN2017"
    assert table.cells["Histology"][0] == "Infiltrating Ductal Carcinoma"


def test_codes_for_missing_stay_text(shared: Shared) -> None:
    # A dot in 15 of 41, NA elsewhere: what is missing is for the study file to say.
    table = read(shared, "clinical/Rdatasets_asaur_pancreatic.csv")
    assert sum(cell == "." for cell in table.cells["progression"]) == 15
    table = read(shared, "adam/pharmaverseadam_adsl.csv")
    assert sum(cell != "NA" for cell in table.cells["DTHDT"]) == 3
    assert sum(cell != "NA" for cell in table.cells["RANDDT"]) == 254


def test_levels_are_not_read_as_numbers(shared: Shared) -> None:
    table = read(shared, "clinical/Rdatasets_survival_rotterdam.csv")
    assert set(table.cells["size"]) == {"<=20", "20-50", ">50"}
    table = read(shared, "clinical/Rdatasets_survival_colon.csv")
    assert Counter(Counter(table.cells["id"]).values()) == {2: 929}


def test_partial_dates_and_readers_of_responses(shared: Shared) -> None:
    table = read(shared, "adam/pharmaversesdtm_rs_onco_recist.csv")
    assert len(set(table.cells["USUBJID"])) == 8
    assert Counter(table.cells["RSDTC"])["2014-02"] == 3
    assert {*zip(table.cells["RSEVAL"], table.cells["RSEVALID"], strict=True)} == {
        ("INVESTIGATOR", "NA"),
        ("INDEPENDENT ASSESSOR", "RADIOLOGIST 1"),
        ("INDEPENDENT ASSESSOR", "RADIOLOGIST 2"),
    }
    table = read(shared, "adam/pharmaverseadam_adrs_onco.csv.gz")
    assert len(set(table.cells["PARAMCD"])) == 13
    flagged = [day for day, flag in zip(table.cells["ADT"], table.cells["ADTF"], strict=True) if flag == "D"]
    assert flagged == ["2014-02-28"]
    assert table.source.compression == "gzip"


def test_times_of_the_analysis_file_are_its_dates(shared: Shared) -> None:
    table = read(shared, "adam/pharmaverseadam_adtte_onco.csv")
    days = [
        (dt.date.fromisoformat(end) - dt.date.fromisoformat(start)).days + 1
        for start, end in zip(table.cells["STARTDT"], table.cells["ADT"], strict=True)
    ]
    assert [float(cell) for cell in table.cells["AVAL"]] == days
    assert len(days) == 512


def test_one_trial_in_two_dresses(shared: Shared) -> None:
    words, codes = read(shared, "clinical/lifelines_gbsg2.csv"), read(shared, "clinical/Rdatasets_survival_gbsg.csv")
    same = {"age": "age", "tsize": "size", "pnodes": "nodes", "progrec": "pgr", "estrec": "er", "time": "rfstime"}
    hormones, grades = {"yes": "1", "no": "0"}, {"I": "1", "II": "2", "III": "3"}
    here = Counter(
        zip(
            *(words.cells[name] for name in same),
            (hormones[cell] for cell in words.cells["horTh"]),
            (grades[cell] for cell in words.cells["tgrade"]),
            words.cells["cens"],
            strict=True,
        )
    )
    there = Counter(zip(*(codes.cells[name] for name in (*same.values(), "hormon", "grade", "status")), strict=True))
    assert here == there
