"""Several files as one table, packed files, real files, and files that are damaged or something else."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyreadstat
import pytest
import xlwt
from hypothesis import given, settings
from hypothesis import strategies as st

import cohortstats as cs
from cohortstats.cli import main
from cohortstats.cohort import Source
from cohortstats.errors import DataError
from cohortstats.files import delimited, read_table
from cohortstats.files.read import scan_source, scan_table
from cohortstats.files.table import Findings
from cohortstats.report.manifest import input_hashes
from cohortstats.study import DataTable


def options(**keys: Any) -> DataTable:
    return DataTable(**{"name": "patients", "id": "id", "rows": "one per patient", **keys})


# ---------------------------------------------------------------------------------------------------------------------
# Lists and patterns
# ---------------------------------------------------------------------------------------------------------------------


def sites(folder: Path) -> None:
    (folder / "site_b.csv").write_text("id,age\nB1,50\nB2,51\n")
    (folder / "site_a.csv").write_bytes("age;id;メモ\r\n60;A1;不明\r\n".encode("cp932"))
    book = openpyxl.Workbook()
    for row in (["id", "age"], ["C1", 70]):
        book.active.append(row)
    book.save(folder / "site_c.xlsx")


def test_a_pattern_takes_files_by_name_and_columns_by_name(tmp_path: Path) -> None:
    sites(tmp_path)
    table = scan_source(tmp_path, options(file="site_*"))
    assert table.cells["id"].tolist() == ["A1", "B1", "B2", "C1"]
    assert table.cells["age"].tolist() == ["60", "50", "51", "70"]
    assert table.cells["メモ"].tolist() == ["不明", "", "", ""]
    assert [table.where(place) for place in (0, 2, 3)] == [
        {"file": "site_a.csv", "sheet": "", "row": 2},
        {"file": "site_b.csv", "sheet": "", "row": 3},
        {"file": "site_c.xlsx", "sheet": "Sheet", "row": 2},
    ]
    assert (table.place_of("site_b.csv", 3), table.place_of("site_b.csv", 9)) == (2, None)
    assert dict(table.absent) == {"メモ": ("site_b.csv", "site_c.xlsx")}
    assert [part.kind for part in table.source.parts] == ["csv", "csv", "xlsx"]
    assert (table.source.n_rows, table.source.epoch, table.source.kind) == (4, 0, "several")


def test_a_list_keeps_its_order_and_takes_no_file_twice(tmp_path: Path) -> None:
    sites(tmp_path)
    table = scan_source(tmp_path, options(file=("site_b.csv", "site_*.csv")))
    assert table.cells["id"].tolist() == ["B1", "B2", "A1"]


def test_a_file_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "cases [1].csv").write_text("id,x\na,1\n")
    assert scan_source(tmp_path, options(file="cases [1].csv")).cells["id"].tolist() == ["a"]


def test_what_is_not_there_is_told_for_every_name(tmp_path: Path) -> None:
    sites(tmp_path)
    with pytest.raises(DataError) as error:
        scan_source(tmp_path, options(file=("site_d.csv", "plate*.csv", "site_b.csv")))
    assert [problem.code for problem in error.value.problems] == ["file-missing", "file-missing"]
    assert error.value.missing_file
    assert "No file matches plate*.csv. Files beside the study: site_a.csv" in str(error.value)


def test_a_link_that_leaves_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "study"
    inside.mkdir()
    (tmp_path / "secret.csv").write_text("id,x\na,1\n")
    (inside / "site_1.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(DataError) as error:
        scan_source(inside, options(file="site_*.csv"))
    assert [problem.code for problem in error.value.problems] == ["file-outside"]


STUDY = """cohortstats = 1
[study]
id = "sites"
title = "Sites"
conventions = "r"
missing = [""]
[data.patients]
file = {file}
id = "id"
rows = "one per patient"
[columns.patients]
age = {{ type = "number" }}
"""


def study(folder: Path, file: str = '"site_*"', more: str = "") -> Path:
    (folder / "study.toml").write_text(STUDY.format(file=file) + more, encoding="utf-8")
    return folder


def test_problems_name_the_file_of_the_row(tmp_path: Path) -> None:
    sites(tmp_path)
    (tmp_path / "site_b.csv").write_text("id,age\nB1,5o\nB2,51\n")
    book = openpyxl.load_workbook(tmp_path / "site_c.xlsx")
    book.active.append(["A1", 71])
    book.save(tmp_path / "site_c.xlsx")
    with pytest.raises(DataError) as error:
        cs.load_cohort(study(tmp_path))
    assert [(p.code, p.file, p.row, p.patient) for p in error.value.problems] == [
        ("number-invalid", "site_b.csv", 2, "B1"),
        ("id-duplicate", "site_c.xlsx", 3, "A1"),
    ]
    assert "rows 2 of site_a.csv, 3 of site_c.xlsx" in str(error.value)


def test_each_file_needs_the_columns_that_the_study_names(tmp_path: Path) -> None:
    sites(tmp_path)
    with pytest.raises(DataError) as error:
        cs.load_cohort(study(tmp_path, more='note = { from = "メモ", type = "text" }\n'))
    assert [(p.code, p.message) for p in error.value.problems] == [
        ("column-missing", "column 'メモ' is not in site_b.csv."),
        ("column-missing", "column 'メモ' is not in site_c.xlsx."),
    ]


def test_the_manifest_has_every_file(tmp_path: Path) -> None:
    sites(tmp_path)
    cohort = cs.load_cohort(study(tmp_path))
    hashes = input_hashes(cohort)
    assert list(hashes) == ["study.toml", "site_a.csv", "site_b.csv", "site_c.xlsx"]
    assert [hashes[name]["rows"] for name in list(hashes)[1:]] == [1, 2, 1]


# ---------------------------------------------------------------------------------------------------------------------
# Packed files
# ---------------------------------------------------------------------------------------------------------------------


def test_a_packed_file_is_read_as_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv.gz"
    path.write_bytes(gzip.compress("id,x\na,1\n".encode("utf-16")))
    table = read_table(path)
    assert table.cells["x"].tolist() == ["1"]
    assert (table.source.kind, table.source.encoding, table.source.compression) == ("csv", "utf-16", "gzip")
    assert table.source.n_bytes == path.stat().st_size


# ---------------------------------------------------------------------------------------------------------------------
# The quick way through a text and the one that names faults give the same table
# ---------------------------------------------------------------------------------------------------------------------

CELLS = st.text(alphabet="ab 1,;\"'\n\t年", max_size=6)


@settings(max_examples=300, deadline=None)
@given(
    st.integers(2, 4).flatmap(
        lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=8)
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_both_ways_through_a_text_agree(rows: list[list[str]], newline: str, quoting: Any) -> None:
    width = len(rows[0])
    records = []
    for row in [[f"c{place}" for place in range(width)], *rows]:
        out = io.StringIO()
        csv.writer(out, quoting=quoting).writerow(row)
        records.append(out.getvalue().removesuffix("\r\n"))
    content = newline.join([*records, ""]).encode()

    def read() -> Any:
        found = Findings(file="cases.csv")
        try:
            table = delimited.read_delimited(
                content, options(file="cases.csv", delimiter=","), Source(table="", file="cases.csv", kind=""), found
            )
        except DataError as error:
            return [str(problem) for problem in error.problems]
        cells = {name: column.tolist() for name, column in table.cells.items()}
        return cells, table.rows.tolist(), table.source, [str(problem) for problem in table.problems]

    quick = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_even_columns", lambda *_: None)
        assert quick == read()


# ---------------------------------------------------------------------------------------------------------------------
# Real files
# ---------------------------------------------------------------------------------------------------------------------

# Rows and columns as counted by hand with a reader that takes LF, CRLF and CR.
REAL = {
    "clinical/ANSWERS_Rdatasets_R.csv": (20, 16),
    "clinical/ANSWERS_pancreatic_R.csv": (6, 16),
    "clinical/Rdatasets_asaur_gastricXelox.csv": (48, 3),
    "clinical/Rdatasets_asaur_pancreatic.csv": (41, 5),
    "clinical/Rdatasets_asaur_pancreatic2.csv": (41, 5),
    "clinical/Rdatasets_survival_cancer.csv": (228, 11),
    "clinical/Rdatasets_survival_colon.csv": (1858, 17),
    "clinical/Rdatasets_survival_gbsg.csv": (686, 12),
    "clinical/Rdatasets_survival_ovarian.csv": (26, 7),
    "clinical/Rdatasets_survival_rotterdam.csv": (2982, 16),
    "clinical/Rdatasets_survival_veteran.csv": (137, 9),
    "clinical/kaggle_brca_BREAST.dlm": (334, 16),
    "clinical/lifelines_gbsg2.csv": (686, 10),
    "clinical/tcga_brca_pancan_data_clinical_patient.txt": (1084, 38),
    "adam/cdiscpilot_adsl.xpt": (254, 48),
    "adam/cdiscpilot_adtte.xpt": (254, 26),
    "adam/cdiscpilot_dm.xpt": (306, 25),
    "adam/pharmaverseadam_adrs_onco.csv.gz": (3694, 75),
    "adam/pharmaverseadam_adsl.csv": (306, 51),
    "adam/pharmaverseadam_adtte_onco.csv": (512, 20),
    "adam/pharmaversesdtm_dm.csv": (306, 28),
    "adam/pharmaversesdtm_ds.csv": (850, 13),
    "adam/pharmaversesdtm_rs_onco_recist.csv": (66, 14),
    "adam/pharmaversesdtm_tr_onco_recist.csv": (546, 19),
    "adam/pharmaversesdtm_tu_onco_recist.csv": (75, 16),
    "km/kmdata_TH3RESA_2A.csv": (602, 3),
    "km/kmdata_MARIANNEa_2A.csv": (732, 3),
    "km/kmdata_key_dev.csv": (5, 29),
    "ddpcr/ddpcrclust_CRonly_FFPE_Blood_G01_Amplitude.csv": (13224, 2),
    "ddpcr/definetherain_Alb_10e0_E10_Amplitude.csv": (12408, 2),
    "ddpcr/quantasoft_v174_TargetType_test.csv": (4, 63),
    "ddpcr/qxmanager_1x_quant.csv": (12, 73),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_have_their_rows(shared: Callable[[str], Path], name: str) -> None:
    path = shared(f"data/{name}")
    table = read_table(path, options(file=path.name, comment="#" if "tcga" in name else ""))
    assert (len(table), len(table.columns)) == REAL[name]
    assert table.problems == ()


def test_real_files_in_their_dress(shared: Callable[[str], Path]) -> None:
    droplets = read_table(shared("data/ddpcr/ddpcrclust_CRonly_FFPE_Blood_G01_Amplitude.csv"))
    assert droplets.source.newline == "CR"
    # Four rows of 63, 64, 64 and 63 fields under 63 names: two empty fields too many.
    assert read_table(shared("data/ddpcr/quantasoft_v174_TargetType_test.csv")).source.n_fields_dropped == 2
    breast = read_table(shared("data/clinical/kaggle_brca_BREAST.dlm"))
    assert breast.source.delimiter == " "
    path = shared("data/clinical/tcga_brca_pancan_data_clinical_patient.txt")
    tcga = read_table(path, options(file=path.name, comment="#"))
    assert tcga.rows[0] == 6
    assert tcga.source.delimiter == "\t"


# ---------------------------------------------------------------------------------------------------------------------
# Files that are damaged, or something else: a sentence, exit 3 or 4, no traceback
# ---------------------------------------------------------------------------------------------------------------------


def _xlsx(rows: int = 40) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["id", "age"])
    for number in range(rows):
        book.active.append([f"P{number}", 40 + number])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _xls(rows: int = 40) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    for row, values in enumerate([("id", "age"), *((f"P{number}", 40 + number) for number in range(rows))]):
        for place, value in enumerate(values):
            sheet.write(row, place, value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _without(content: bytes, part: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if name != part:
                new.writestr(name, old.read(name))
    return out.getvalue()


def _flipped(content: bytes) -> bytes:
    """A workbook of which a byte of the packed sheet was changed on its way."""
    place = content.index(b"xl/worksheets/sheet1.xml") + 60
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def _packed(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return out.getvalue()


# The head of a workbook that Excel 2003 wrote under a password: a FILEPASS record behind the first.
def _xls_with_password() -> bytes:
    content = bytearray(_xls())
    start = content.index(bytes.fromhex("0908100000060500"))  # BOF of the workbook stream, BIFF8
    following = start + 20
    content[following : following + 2] = bytes.fromhex("2f00")
    return bytes(content)


HTML = b"<html><head><meta charset='utf-8'></head><body><table><tr><td>id</td></tr></table></body></html>"
XML = (
    b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
    b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>'
)
SAVE = "Save it as xlsx or csv."
DAMAGED: dict[str, tuple[str, Callable[[], bytes], str, str]] = {
    "cut workbook": (
        "cases.xlsx",
        lambda: _xlsx()[:3000],
        "format-unsupported",
        "cases.xlsx is a damaged workbook. Open it in Excel and save it again.",
    ),
    "byte changed": (
        "cases.xlsx",
        lambda: _flipped(_xlsx()),
        "format-unsupported",
        "cases.xlsx is a damaged workbook. Open it in Excel and save it again.",
    ),
    "sheet lost": (
        "cases.xlsx",
        lambda: _without(_xlsx(), "xl/worksheets/sheet1.xml"),
        "format-unsupported",
        "cases.xlsx is a damaged workbook. Open it in Excel and save it again.",
    ),
    "password": (
        "cases.xlsx",
        lambda: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(500) + "EncryptedPackage".encode("utf-16-le"),
        "file-encrypted",
        "cases.xlsx is protected by a password. Save an open copy.",
    ),
    "old workbook with a password": (
        "cases.xls",
        _xls_with_password,
        "file-encrypted",
        "cases.xls is protected by a password. Save an open copy.",
    ),
    "cut old workbook": (
        "cases.xls",
        lambda: _xls()[:1500],
        "format-unsupported",
        "cases.xls is a damaged old workbook (.xls). Open it in Excel and save it again.",
    ),
    "web page": (
        "cases.xls",
        lambda: HTML,
        "format-unsupported",
        "cases.xls is a web page saved as .xls. Open it in Excel and save it as xlsx.",
    ),
    "web page with a mark": (
        "cases.xls",
        lambda: b"\xef\xbb\xbf\r\n<TABLE border=1>",
        "format-unsupported",
        "cases.xls is a web page saved as .xls. Open it in Excel and save it as xlsx.",
    ),
    "web page in UTF-16": (
        "cases.xls",
        lambda: HTML.decode().encode("utf-16"),
        "format-unsupported",
        "cases.xls is a web page saved as .xls. Open it in Excel and save it as xlsx.",
    ),
    "XML spreadsheet": (
        "cases.xls",
        lambda: XML,
        "format-unsupported",
        "cases.xls is an XML spreadsheet saved as .xls. Open it in Excel and save it as xlsx.",
    ),
    "binary workbook": (
        "cases.xlsb",
        lambda: _packed(xl__workbook_dot_bin=b"x"),
        "format-unsupported",
        f"cases.xlsb is a binary workbook (.xlsb). {SAVE}",
    ),
    "OpenDocument": (
        "cases.ods",
        lambda: _packed(mimetype=b"application/vnd.oasis.opendocument.spreadsheet", content_dot_xml=b"<x/>"),
        "format-unsupported",
        f"cases.ods is an OpenDocument file. {SAVE}",
    ),
    "Word": (
        "cases.xlsx",
        lambda: _packed(word__document_dot_xml=b"<x/>"),
        "format-unsupported",
        f"cases.xlsx is a Word document. {SAVE}",
    ),
    "Feather": (
        "cases.feather",
        lambda: b"ARROW1\x00\x00" + bytes(100),
        "format-unsupported",
        f"cases.feather is a Feather file. {SAVE}",
    ),
    "PDF": ("cases.csv", lambda: b"%PDF-1.7 " + bytes(100), "format-unsupported", f"cases.csv is a PDF file. {SAVE}"),
    "database": (
        "cases.csv",
        lambda: b"SQLite format 3\x00" + bytes(100),
        "format-unsupported",
        "cases.csv is a SQLite database. Ask it with database and sql.",
    ),
    "cut archive": (
        "cases.csv.gz",
        lambda: gzip.compress(b"id,age\n" + b"P1,50\n" * 999)[:40],
        "format-unsupported",
        "cases.csv.gz is a damaged gzip archive. Pack it again, or give it unpacked.",
    ),
    "head of a SPSS file lost": (
        "cases.sav",
        lambda: bytes(200) + b"\x01\x02\xff\xfe\xf0" * 40,
        "format-unsupported",
        "cases.sav is called an SPSS file, but does not begin like one. "
        "It is damaged or another format; save it again, or as csv.",
    ),
    "nothing": (
        "cases.csv",
        lambda: b"",
        "file-empty",
        "cases.csv has no rows. Check that the right file was saved.",
    ),
}


def _no_traceback(captured: str) -> bool:
    return "Traceback" not in captured and "unexpected failure" not in captured


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files_have_their_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    name, make, code, sentence = DAMAGED[case]
    (tmp_path / name).write_bytes(make())
    study(tmp_path, f'"{name}"')
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(["check", str(tmp_path), "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert [(problem["code"], f"{problem['message']} {problem['mend']}") for problem in said["problems"]] == [
        (code, sentence)
    ]
    assert main(["check", str(tmp_path)]) == 3
    shown = capsys.readouterr()
    assert sentence in shown.out
    assert _no_traceback(shown.out + shown.err)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["cases.xlsx", "cases.xls", "cases.sav", "cases.xpt", "cases.parquet"])
def test_a_file_that_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    study(tmp_path, f'"{name}"')
    assert main(["check", str(tmp_path)]) == 4
    shown = capsys.readouterr()
    assert f"{name} is not there." in shown.out
    assert _no_traceback(shown.out + shown.err)


def test_the_controls_are_read(tmp_path: Path) -> None:
    for name, content in (("cases.xlsx", _xlsx()), ("cases.xls", _xls())):
        (tmp_path / name).write_bytes(content)
        assert len(read_table(tmp_path / name)) == 40


@pytest.mark.parametrize("place", range(0, 100, 7))
def test_bytes_changed_at_random_are_never_a_traceback(tmp_path: Path, place: int) -> None:
    frame = pd.DataFrame({"id": [f"P{n}" for n in range(50)], "x": [n / 7 for n in range(50)]})
    pyreadstat.write_sav(frame, tmp_path / "a.sav")
    pyreadstat.write_xport(frame, tmp_path / "a.xpt")
    (tmp_path / "a.xls").write_bytes(_xls())
    (tmp_path / "a.xlsx").write_bytes(_xlsx())
    for path in sorted(tmp_path.iterdir()):
        content = bytearray(path.read_bytes())
        for step in range(8):
            at = (place * 7919 + step * 104729) % len(content)
            content[at] ^= 0x5A
        path.write_bytes(bytes(content))
        try:
            scan_table(path, options(file=path.name))
        except DataError as error:
            assert error.problems  # a sentence, whichever


@pytest.mark.parametrize(
    ("module", "name", "content", "hint"),
    [
        ("xlrd", "cases.xls", lambda: _xls(), "pip install 'cohortstats[xls]'"),
        ("pyreadstat", "cases.sav", lambda: b"$FL2" + bytes(200), "pip install pyreadstat"),
        ("duckdb", "cases.parquet", lambda: b"PAR1" + bytes(200), "pip install duckdb"),
    ],
)
def test_a_reader_that_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str, content: Callable[[], bytes], hint: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / name).write_bytes(content())
    with pytest.raises(DataError) as error:
        read_table(tmp_path / name)
    assert [problem.code for problem in error.value.problems] == ["reader-missing"]
    assert hint in error.value.problems[0].message


def test_a_text_study_loads_no_reader_of_other_files() -> None:
    code = (
        "import sys, cohortstats.cli as c, cohortstats as cs\n"
        "c.main(['check', str(cs.shipped_study('sakai2018'))])\n"
        "print(' '.join(sorted(set(sys.modules) & {'duckdb', 'pyreadstat', 'xlrd', 'narwhals'})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
