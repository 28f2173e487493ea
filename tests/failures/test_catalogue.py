"""Every code of a problem, each with a study that has it.

Codes are stable: a study's own checks may ask for them. A code that is new, or renamed, is missed here.
"""

from __future__ import annotations

import ast
import csv
import io
import math
import re
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pyreadstat
import pytest
import xlwt
from openpyxl.styles import Font

import cohortstats as cs

SOURCE = Path(cs.__file__).parent
Make = Callable[[Path], object]

STUDY = """
cohortstats = 1
[study]
id = "small"
title = "Small"
n = 3
conventions = "r"
missing = [""]
[data.patients]
file = "cases.csv"
id = "id"
rows = "one per patient"
[columns.patients]
age = { type = "number", unit = "years", range = [18, 110] }
dead = { type = "yes/no" }
best = { order = ["CR", "PR", "PD"] }
start = { type = "date" }
end = { type = "date" }
[endpoints.os]
kind = "time to event"
start = "start"
event = "end"
unknown = "exclude"
"""
GOOD = """id,age,dead,best,start,end
P1,60,yes,CR,2016/3/4,2016/5/4
P2,61,no,PR,2016/3/5,2016/5/5
P3,62,yes,PD,2016/3/6,2016/5/6
"""


def write(folder: Path, study: str = STUDY, **tables: str | bytes) -> None:
    """Keys are names of CSV files without their suffix."""
    (folder / "study.toml").write_text(study, encoding="utf-8")
    for name, content in ({"cases": GOOD} | tables).items():
        data = content.encode() if isinstance(content, str) else content
        (folder / f"{name}.csv").write_bytes(data)


def cell(old: str, new: str, study: str = STUDY) -> Make:
    """The table with one piece replaced."""
    assert old in GOOD
    return lambda folder: write(folder, study, cases=GOOD.replace(old, new, 1))


def key(old: str, new: str) -> Make:
    """The study file with one piece replaced."""
    assert old in STUDY
    return lambda folder: write(folder, STUDY.replace(old, new, 1))


def more(text: str, cases: str = GOOD) -> Make:
    """The study file with more at its end."""
    return lambda folder: write(folder, STUDY + text, cases=cases)


def raw(content: bytes) -> Make:
    return lambda folder: write(folder, cases=content)


def named(name: str, make: Callable[[Path], object], study: str = STUDY) -> Make:
    """Another file than a CSV file, written by ``make``."""

    def case(folder: Path) -> None:
        write(folder, study.replace("cases.csv", name))
        make(folder / name)

    return case


def workbook(change: Callable[[openpyxl.Workbook], object], keys: str = "") -> Make:
    def make(path: Path) -> None:
        book = openpyxl.Workbook()
        for line in GOOD.splitlines():
            book.active.append(line.split(","))
        change(book)
        book.save(path)

    return named("cases.xlsx", make, STUDY.replace('id = "id"', f'id = "id"\n{keys}'))


def assign(place: str, value: object) -> Callable[[openpyxl.Workbook], object]:
    return lambda book: book.active.__setitem__(place, value)


def second_sheet(book: openpyxl.Workbook) -> None:
    book.create_sheet("More").append(["id", "x"])


def percent(book: openpyxl.Workbook) -> None:
    book.active["B2"] = 0.6
    book.active["B2"].number_format = "0%"


def struck(book: openpyxl.Workbook) -> None:
    book.active["B2"].font = Font(strike=True)


def hide(book: openpyxl.Workbook) -> None:
    book.active.row_dimensions[2].hidden = True


def numeric_ids(book: openpyxl.Workbook) -> None:
    for row in (2, 3, 4):
        book.active.cell(row, 1, row)


def spss(frame: pd.DataFrame, **keys: object) -> Callable[[Path], object]:
    return lambda path: pyreadstat.write_sav(frame, path, **keys)


FRAME = pd.read_csv(io.StringIO(GOOD))
CODED = FRAME.assign(best=[1.0, 2.0, 3.0])


def parquet(query: str) -> Make:
    return named("cases.parquet", lambda path: duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)"))


NESTED = "SELECT 'P' || n AS id, 60 AS age, 'yes' AS dead, [1, 2] AS best, DATE '2016-03-04' AS start, DATE '2016-05-04' AS \"end\" FROM range(3) t(n)"
ZONED = "SELECT 'P' || n AS id, 60 AS age, 'yes' AS dead, 'CR' AS best, TIMESTAMPTZ '2016-03-04 00:30:00+09' AS start, DATE '2016-05-04' AS \"end\" FROM range(3) t(n)"


def database(sql: str, keys: str = 'database = "cases.db"') -> Make:
    def case(folder: Path) -> None:
        with sqlite3.connect(folder / "cases.db") as connection:
            FRAME.to_sql("cases", connection, index=False)
        write(folder, STUDY.replace('file = "cases.csv"', f"sql = '''{sql}'''\n{keys}"))

    return case


def manuscript(folder: Path) -> None:
    """A text to be held against the report, which is cut off."""
    from cohortstats.report.manuscript.word import read_word

    (folder / "paper.docx").write_bytes(b"PK\x03\x04")
    read_word(folder / "paper.docx")


def too_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)  # sparse: no byte is written


LATER = '\n[data.more]\nfile = "more.csv"\nid = "id"\nrows = "one per patient"\n[columns.more]\nsize = { type = "number" }\n'
MANY = LATER.replace("one per patient", 'many per patient"\norder = "size')


def beside(table: str, study: str = LATER, change: Callable[[str], str] = str) -> Make:
    """A second table."""
    return lambda folder: write(folder, change(STUDY.replace("[endpoints.os]", f"{study}[endpoints.os]")), more=table)


FIGURE = '\n[[time_to_event]]\nid = "figure1"\ntitle = "Figure"\nendpoint = "os"\ngroups = "GROUPS"\n'
TIMES = STUDY.replace('start = "start"\nevent = "end"', 'time = "age"\nevent = "dead"')
TIMES = TIMES.replace(', unit = "years", range = [18, 110]', "")
EVENTS = 'events = [ { date = "end", status = "dead", reason = "death" } ]\ncensors = [ { date = "start", reason = "start" } ]'
STOPPED = """
events = [ { date = "end", reason = "death" } ]
censors = [ { date = "scan", reason = "last scan" } ]
stops = [ { date = "stop", reason = "new therapy", at = "last assessment" } ]
"""
STOPS = STUDY.replace('event = "end"', STOPPED).replace(
    "end = { type", 'scan = { type = "date" }\nstop = { type = "date" }\nend = { type'
)
STOPS_CASES = """id,age,dead,best,start,scan,stop,end
P1,60,yes,CR,2016/3/4,2016/6/4,2016/5/4,
P2,61,no,PR,2016/3/5,2016/4/5,,2016/5/5
P3,62,yes,PD,2016/3/6,2016/4/6,,2016/5/6
"""

# ---- visits, lines --------------------------------------------------------------------------------------------------

VISITS = """
[data.visits]
file = "visits.csv"
id = "id"
rows = "many per patient"
order = "date"
[columns.visits]
date = { type = "date" }
response = { }
[derive.bor]
rule = "best response"
table = "visits"
response = "response"
start = "start"
min_sd = 35
"""
SEEN = """id,date,response
P1,2016-04-15,SD
P1,2016-05-27,PD
P2,2016-04-15,PR
"""


def visits(change: Callable[[str], str] = str, study: Callable[[str], str] = str) -> Make:
    return lambda folder: write(folder, STUDY + study(VISITS), visits=change(SEEN))


REGIMENS = """
[data.regimens]
file = "regimens.csv"
id = "id"
rows = "many per patient"
order = "first"
[columns.regimens]
first = { type = "date" }
final = { type = "date" }
drugs = { type = "text" }
intent = { order = ["adjuvant", "palliative"] }
[derive.lines]
rule = "lines of therapy"
table = "regimens"
drugs = "drugs"
end = "final"
intent = "intent"
intents = ["palliative"]
metastatic = "start"
index = "T-DM1"
"""
GIVEN = """id,first,final,drugs,intent
P1,2016-04-01,2016-06-01,PTX+H,palliative
P1,2016-07-01,2016-08-01,CAP,palliative
P1,2016-09-01,2016-12-01,T-DM1,palliative
"""


def regimens(old: str, new: str) -> Make:
    assert old in GIVEN
    return lambda folder: write(folder, STUDY + REGIMENS, regimens=GIVEN.replace(old, new, 1))


# ---- droplets -------------------------------------------------------------------------------------------------------

PLATES = """
[data.wells]
kind = "ddpcr"
file = "plate.csv"
id = "sample"
rows = "many per patient"
ntc = ["H2O"]
[ctdna.her2]
kind = "ratio"
target = "HER2"
reference = "EFTUD2"
threshold = "> 1.25"
"""
COUNT = """
[ctdna.e545k]
kind = "count"
target = "HER2"
wild_type = "EFTUD2"
blanks = "healthy"
lod_vaf = 0.01
"""
HEADER = ["Well", "Sample", "Target", "TargetType", "Concentration", "Positives", "Negatives", "AcceptedDroplets"]
HEADER += ["Threshold", "MergedWells"]
Well = tuple[str, str, int, int, int]


def export(wells: list[Well], *, volume: float = 0.91, threshold: str = "", merged: str = "") -> str:
    """Well, sample, droplets of HER2 and EFTUD2, accepted; concentrations are printed in full, -1000 ln(1 - k/N)/v."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER)
    for number, (well, sample, *counts, n) in enumerate(wells):
        for target, k in zip(("HER2", "EFTUD2"), counts, strict=True):
            printed = (
                "No Call" if n < 1000 else "1000000" if k >= n else f"{-1000 * math.log1p(-k / n) / volume + 0.0:.12g}"
            )
            cut = threshold if number % 2 else "3000"
            writer.writerow([well, sample, target, "Unknown", printed, k, n - k, n, cut, merged if number == 2 else ""])
    return buffer.getvalue()


WELLS: list[Well] = [("A01", "P1", 461, 318, 14000), ("A02", "P2", 157, 127, 14000), ("H12", "H2O", 0, 0, 14000)]


def plate(
    wells: list[Well] = WELLS,
    change: Callable[[str], str] = str,
    study: Callable[[str], str] = str,
    threshold: str = "3000",
    merged: str = "",
    **tables: str,
) -> Make:
    text = change(export(wells, threshold=threshold, merged=merged))
    return lambda folder: write(folder, STUDY + study(PLATES), plate=text, **tables)


def two_plates(folder: Path) -> None:
    one, two = export([("A01", "P1", 300, 200, 14000)]), export([("A01", "P1", 300, 200, 14000)], volume=0.85)
    study = STUDY + PLATES.replace('"plate.csv"', '["one.csv", "two.csv"]')
    write(folder, study, one=one, two=two)


TWO = [("A01", "P1", 300, 200, 14000), ("A02", "P1", 310, 210, 14000)]


def mapped(study: str) -> str:
    return study.replace('id = "sample"', 'id = "id"\nmap = "map.csv"')


def contradiction(folder: Path) -> None:
    """A file of printed values whose two tables exclude each other."""
    rows = [f'[[table]]\nid = "t{n}"\n[[table.block]]\nvariable = "sex"\ncells = [["yes", "{n}"]]' for n in (1, 2)]
    head = 'cohortstats_published = 1\n[paper]\nid = "p"\n[cohort]\nn = "3"\n[columns]\nsex = {}\n'
    (folder / "published.toml").write_text(head + "\n".join(rows), encoding="utf-8")
    cs.rebuild(folder / "published.toml")


def clicked(clicks: str) -> Make:
    """A clicked curve of seven patients, of which whole numbers must give every level."""

    def case(folder: Path) -> None:
        (folder / "curve.csv").write_text(clicks, encoding="utf-8")
        cs.reconstruct_curve(folder / "curve.csv", n=7, method="lattice")

    return case


# ---------------------------------------------------------------------------------------------------------------------
# Code -> a study that has it
# ---------------------------------------------------------------------------------------------------------------------

CASES: dict[str, Make] = {
    # print
    "print-conflict": contradiction,
    # files
    "file-missing": lambda folder: (write(folder), (folder / "cases.csv").unlink()),
    "file-empty": raw(b""),
    "file-too-large": lambda folder: (write(folder), too_large(folder / "cases.csv")),
    "file-encrypted": raw(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(500) + "EncryptedPackage".encode("utf-16-le")),
    "file-outside": key('file = "cases.csv"', 'file = "../cases.csv"'),
    "file-unreadable": manuscript,
    "format-unsupported": raw(b"%PDF-1.4 "),
    "format-nested": parquet(NESTED),
    "reader-missing": named("cases.xls", lambda path: _old_workbook(path)),
    "encoding-unknown": raw(GOOD.encode().replace(b"P1", b"\xfd\xff")),
    "encoding-doubtful": raw(GOOD.encode().replace(b",age", b",\xb5L,age").replace(b"\nP", b"\nP", 1).replace(b"P1", b"P1,").replace(b"P2", b"P2,").replace(b"P3", b"P3,")),
    "nul-byte": cell("P2", "P\x002"),
    "delimiter-unclear": raw(b"a,b;c,d;e\n1,2;3,4;5\n"),
    "quote-open": cell("P3,62", 'P3,"62'),
    "quote-stray": cell("P3,62", 'P3,"62"x'),
    "row-ragged": cell("61,no", "61,no,no"),
    "row-empty": cell("\nP3", "\n\nP3"),
    "row-total": cell("P3,", "Total,"),
    "header-unclear": cell("id,", "Our cases\nid,"),
    "column-unnamed": cell("dead,best", ",best"),
    "column-duplicate": cell("dead,best", "best,best"),
    "column-missing": cell("best", "bset"),
    "sheet-unclear": workbook(second_sheet),
    "sheet-missing": workbook(second_sheet, 'sheet = "Other"'),
    "formula-uncached": workbook(assign("B2", "=30+30")),
    "cell-error": workbook(assign("B2", "#DIV/0!")),
    "cell-merged": workbook(lambda book: book.active.merge_cells("B2:B3")),
    "cell-struck": workbook(struck),
    "rows-hidden": workbook(hide),
    "percent-format": workbook(percent),
    "id-numeric": workbook(numeric_ids),
    "label-missing": named("cases.sav", spss(CODED, variable_value_labels={"best": {1.0: "CR", 2.0: "PR"}})),
    "missing-in-file": named("cases.sav", spss(CODED, missing_ranges={"age": [61]}), STUDY),
    "sql-not-select": database("DELETE FROM cases"),
    "sql-secret": database("SELECT * FROM cases", 'connection = "postgresql://me:secret@host/cases"'),
    "sql-invalid": database("SELECT nothing FROM nowhere"),
    "connection-missing": database("SELECT * FROM cases", 'connection = "hospital"'),
    "timezone": parquet(ZONED),
    # ids and joins
    "id-missing": cell("P3,", ","),
    "id-duplicate": cell("P3,", "P2,"),
    "id-near-duplicate": cell("P3,", "p2,"),
    "id-orphan": beside("id,size\nP1,3\nP9,4\n"),
    "row-duplicate": beside("id,size\nP1,3\nP1,3\n", MANY),
    "n-mismatch": key("n = 3", "n = 4"),
    # values
    "number-invalid": cell("60", "6O"),
    "number-comma": cell("60", '"6,000"'),
    "number-unit": cell("60", "60%"),
    "number-inequality": cell("60", ">=60"),
    "number-range": cell("60", "60-65"),
    "number-not-integer": lambda folder: write(folder, STUDY.replace('"number"', '"integer"'), cases=GOOD.replace("60", "60.5")),
    "unit-mismatch": cell("60", "60 kg"),
    "out-of-range": cell("60", "600"),
    "date-invalid": cell("2016/3/4", "2016/13/4"),
    "date-order": cell("2016/3/4", "3/4/2016"),
    "date-serial": cell("2016/3/4", "42433"),
    "date-partial": cell("2016/3/4", "2016/3"),
    "era-overrun": cell("2016/5/6", "H31.5.1"),
    "time-dropped": cell("2016/5/6", "2016-05-06T10:30"),
    "impute-decides": visits(
        lambda seen: seen.replace("P1,2016-04-15", "P1,2016-04").replace("2016-05-27", "2016-04-20"),
        lambda study: study.replace('date = { type = "date" }', 'date = { type = "date", impute = "first" }'),
    ),
    "yes-no-invalid": cell("yes", "2"),
    "level-unknown": cell("CR", "cr"),
    "levels-many": lambda folder: write(
        folder, STUDY.replace("n = 3\n", "").replace('order = ["CR", "PR", "PD"]', ""),
        cases=GOOD + "".join(f"Q{n},60,no,word {n},2016/3/4,2016/5/4\n" for n in range(30)),
    ),
    "value-unused": key('order = ["CR", "PR", "PD"]', 'order = ["CR", "PR", "PD"], values = { "MR" = "PR" }'),
    "column-constant": more(FIGURE.replace("GROUPS", "dead"), GOOD.replace("no", "yes")),
    "missing-many": lambda folder: write(folder, cases=GOOD.replace("60", "").replace("61", "")),
    "check-failed": more("[[check]]\nwhen = \"age > 60\"\n"),
    # study file
    "toml-invalid": key("[study]", "[study"),
    "version-unknown": key("cohortstats = 1", "cohortstats = 2"),
    "key-unknown": key("title", "titel"),
    "key-missing": key('title = "Small"\n', ""),
    "key-type": key("n = 3", 'n = "three"'),
    "key-conflict": key("[18, 110]", "[110, 18]"),
    "expression-syntax": more("[derive]\nold = { when = \"age >\" }\n"),
    "expression-name": more("[derive]\nold = { when = \"agee > 5\" }\n"),
    "expression-type": more("[derive]\nold = { when = \"age > 'x'\" }\n"),
    "expression-chain": more("[derive]\nold = { when = \"1 < age < 9\" }\n"),
    "expression-cycle": more("[derive]\nold = { when = \"not old\" }\n"),
    "expression-many": beside("id,size\nP1,3\nP1,4\n", MANY, lambda study: study + "[derive]\nbig = { when = \"size > 3\" }\n"),
    "division-by-zero": more("[derive]\nodd = { value = \"age / (age - 60)\" }\n"),
    "confirm-differs": more("[endpoints.bad]\nkind = \"binary\"\nwhen = \"best == 'PD'\"\nunknown = \"exclude\"\nconfirm = \"dead\"\n"),
    # endpoints and comparisons
    "date-before-start": cell("2016/5/5", "2016/3/1"),
    "event-date-missing": lambda folder: write(folder, STUDY.replace('event = "end"', EVENTS), cases=GOOD.replace("2016/5/4", "")),
    "event-coding": lambda folder: write(
        folder, TIMES.replace('dead = { type = "yes/no" }', 'dead = { type = "number" }'),
        cases=GOOD.replace("yes", "2").replace("no", "1"),
    ),
    "time-negative": lambda folder: write(folder, TIMES, cases=GOOD.replace("60", "-60")),
    "entry-after-time": lambda folder: write(
        folder, TIMES.replace('event = "dead"', 'event = "dead"\nentry = "entry"').replace("dead = {", "entry = { type = \"number\" }\ndead = {"),
        cases=GOOD.replace("age,", "age,entry,").replace("60,", "60,99,").replace("61,", "61,1,").replace("62,", "62,1,"),
    ),
    "assessment-unclear": lambda folder: write(folder, STOPS, cases=STOPS_CASES),
    "formed-undeclared": more("[derive]\nlate = { when = \"end > start\" }\n" + FIGURE.replace("GROUPS", "late")),
    "immortal-time": lambda folder: write(
        folder,
        STUDY.replace("end = { type", "drug = { type = \"date\" }\nend = { type")
        + "[derive]\nlate = { when = \"drug is not missing\", formed = \"at baseline\" }\n" + FIGURE.replace("GROUPS", "late"),
        cases="id,age,dead,best,start,drug,end\nP1,60,yes,CR,2016/3/4,2016/4/4,2016/5/4\n"
        "P2,61,no,PR,2016/3/5,,2016/5/5\nP3,62,yes,PD,2016/3/6,,2016/5/6\n",
    ),
    "cutoff-this-data": more("[derive]\nold = { when = \"age > 60\", cutoff = \"this data\" }\n" + FIGURE.replace("GROUPS", "old")),
    # responses at visits
    "response-unknown": visits(lambda seen: seen.replace("PR", "Partial")),
    "response-irecist": visits(lambda seen: seen.replace("PD", "iUPD")),
    "response-order": visits(lambda seen: seen.replace("SD", "CR").replace("PD", "PR")),
    "readers-many": visits(
        lambda seen: seen.replace("response", "response,reader").replace("SD", "SD,a").replace("PD", "PD,b").replace("PR", "PR,a"),
        lambda study: study.replace("response = { }", "response = { }\nreader = { }"),
    ),
    "visit-duplicate": visits(lambda seen: seen.replace("2016-05-27", "2016-04-15")),
    "visit-before-start": visits(lambda seen: seen.replace("P2,2016-04-15", "P2,2016-02-15")),
    "visit-date-missing": visits(lambda seen: seen.replace("P2,2016-04-15", "P2,")),
    # lines of therapy
    "drugs-invalid": regimens("PTX+H", "PTX++H"),
    "lines-overlap": regimens("2016-07-01", "2016-05-01"),
    "lines-gap": regimens(
        "P1,2016-07-01,2016-08-01,CAP,palliative\nP1,2016-09-01,2016-12-01",
        "P1,2017-07-01,2017-08-01,PTX+H,palliative\nP1,2017-09-01,2017-12-01",
    ),
    "lines-intent": regimens("palliative", "adjuvant"),
    "lines-index-early": regimens("P1,2016-04-01,2016-06-01,PTX+H", "P1,2015-04-01,2015-06-01,T-DM1"),
    # droplets
    "ddpcr-format": lambda folder: write(folder, STUDY + PLATES, plate="id,value\nP1,3\n"),
    "ddpcr-counts": plate(change=lambda text: text.replace(",461,13539,", ",461,13538,")),
    "ddpcr-recompute": plate(change=lambda text: re.sub(r"(HER2,Unknown,)[0-9.]+", r"\g<1>99", text, count=1)),
    "ddpcr-duplicate": plate(change=lambda text: text + text.splitlines()[1] + "\n"),
    "ddpcr-volume": two_plates,
    "ddpcr-threshold": plate(TWO, threshold="3100"),
    "ddpcr-merged": plate([*TWO, ("M01", "P1", 610, 410, 28000)], merged="A01,A02"),
    "ddpcr-no-call": plate([("A01", "P1", 300, 200, 14000), ("A02", "P2", 9, 4, 900)]),
    "ddpcr-saturated": plate([("A01", "P1", 14000, 200, 14000)]),
    "ddpcr-low": plate([("A01", "P1", 300, 200, 9000)]),
    "ddpcr-ntc": plate([*WELLS[:2], ("H12", "H2O", 5, 0, 14000)]),
    "ddpcr-dispersion": plate([("A01", "P1", 120, 110, 15000), ("A02", "P1", 180, 112, 15200), ("A03", "P1", 150, 108, 14800)]),
    "ddpcr-target": plate(study=lambda text: text.replace('"EFTUD2"', '"RPP30"')),
    "ddpcr-blanks": plate(study=lambda text: text + COUNT),
    "ddpcr-linked": plate(study=lambda text: text + "linked = true\n"),
    "ddpcr-samples": plate(
        [("A01", "S1", 300, 200, 14000), ("A02", "S2", 310, 210, 14000)], study=mapped, map="sample,id\nS1,P1\nS2,P1\n"
    ),
    "ddpcr-map": plate(
        [("A01", "S1", 300, 200, 14000)], study=mapped, map="sample,id\nS1,P1\nS1,P2\n"
    ),
    "curve-rises": clicked("time,survival\n0,1\n5,0.52\n9,0.58\n"),
    "curve-infeasible": clicked("time,survival\n0,1\n5,0.7341\n9,0.5\n"),
}  # fmt: skip


def _old_workbook(path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    for row, line in enumerate(GOOD.splitlines()):
        for place, text in enumerate(line.split(",")):
            sheet.write(row, place, text)
    book.save(str(path))


def told(folder: Path) -> set[str]:
    """Codes of a study, errors and warnings."""
    try:
        return {problem.code for problem in cs.load_cohort(folder).problems}
    except cs.DataError as error:
        return {problem.code for problem in error.problems}


def test_the_control(tmp_path: Path) -> None:
    write(
        tmp_path, STUDY + VISITS + REGIMENS + PLATES, visits=SEEN, regimens=GIVEN, plate=export(WELLS, threshold="3000")
    )
    cohort = cs.load_cohort(tmp_path)
    assert (cohort.n, cohort.problems) == (3, ())


@pytest.mark.parametrize("code", CASES)
def test_each_code_has_a_study(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if code == "reader-missing":
        monkeypatch.setitem(sys.modules, "xlrd", None)
    try:
        CASES[code](tmp_path)
        found = told(tmp_path)
    except cs.DataError as error:  # of a file that is no table of a study
        found = {problem.code for problem in error.problems}
    assert code in found


# ---------------------------------------------------------------------------------------------------------------------
# What the source can say
# ---------------------------------------------------------------------------------------------------------------------

# Functions and classes that a code is handed to, as one of the first two arguments or as code.
_HANDED = {"Fault", "Problem", "ExpressionFault", "_id_problem", "_problem", "_tell_cells", "add", "fault", "mixed"}
_HANDED |= {"patient", "problem", "record", "stop", "study", "syntax_error", "tell", "warn"}
_CODE = re.compile("[a-z]+(-[a-z]+)+|timezone")
_KINDS_OF_LINES = {"overlap", "gap", "intent", "index-early"}  # lines-…, made of two parts


def _texts(node: ast.AST | None) -> set[str]:
    return {
        each.value
        for each in (ast.walk(node) if node is not None else ())
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and _CODE.fullmatch(each.value)
    }


def _codes(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            handed = node.args[:2] if name in _HANDED else []
            handed += [word.value for word in node.keywords if word.arg == "code"]
            for each in handed:
                found |= _texts(each) if isinstance(each, (ast.Constant, ast.IfExp)) else set()
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= _texts(node.value) if any(getattr(target, "id", "") == "code" for target in targets) else set()
        elif isinstance(node, ast.FunctionDef):
            named = [*node.args.args[len(node.args.args) - len(node.args.defaults) :], *node.args.kwonlyargs]
            for argument, default in zip(named, [*node.args.defaults, *node.args.kw_defaults], strict=True):
                found |= _texts(default) if argument.arg == "code" else set()
    return found


def test_every_code_of_the_source_is_here() -> None:
    found = {f"lines-{kind}" for kind in _KINDS_OF_LINES}
    for path in SOURCE.rglob("*.py"):
        if path.parent.name not in ("stats", "figures", "tables"):
            found |= _codes(ast.parse(path.read_text(encoding="utf-8")))
    assert found == set(CASES)
