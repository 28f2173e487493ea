"""Three hundred files, each with one planted fault: it is named with its code and its place, and nothing else is
blamed but what follows from it.

The unspoilt study passes without a word. Every case is made by rule from one seed, so a failure can be run again.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.cli import main

N = 40
STUDY = """cohortstats = 1
[study]
id = "generated"
title = "Generated"
n = 40
conventions = "r"
missing = ["", "NE"]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[data.ctdna]
file = "ctdna.csv"
id = "id"
rows = "one per patient"
[columns.patients]
age = { type = "number", unit = "years", range = [18, 110], label = "Age" }
arm = { order = ["A", "B"], label = "Arm" }
dead = { type = "yes/no" }
best = { order = ["CR", "PR", "SD", "PD"], label = "Best response" }
start = { type = "date" }
end = { type = "date" }
[columns.ctdna]
ratio = { type = "number", label = "Ratio" }
[derive]
old = { when = "age >= 65", label = "Old" }
amplified = { when = "ratio > 1.25", label = "Amplified" }
[endpoints.resistance]
kind = "binary"
when = "best == 'PD'"
unknown = "not an event"
[endpoints.os]
kind = "time to event"
start = "start"
event = "end"
unknown = "exclude"
[[association]]
id = "table1"
title = "Table"
outcome = "resistance"
rows = ["old", "arm"]
"""
COLUMNS = ("id", "age", "arm", "dead", "best", "start", "end")
Rows = list[list[str]]


def good() -> Rows:
    rng = random.Random(2018)
    rows = []
    for patient in range(1, N + 1):
        day = f"2016-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        later = f"2017-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        best = rng.choice(["CR", "PR", "SD", "PD"])
        rows.append(
            [f"P{patient:02d}", str(rng.randint(30, 80)), rng.choice("AB"), rng.choice(["yes", "no"]), best, day, later]
        )
    return rows


def second() -> Rows:
    rng = random.Random(7)
    return [[f"P{patient:02d}", f"{rng.uniform(0.8, 2.5):.2f}"] for patient in range(1, N + 1)]


def text(columns: tuple[str, ...], rows: Rows, *, delimiter: str = ",", newline: str = "\n") -> str:
    return newline.join(delimiter.join(cells) for cells in [list(columns), *rows]) + newline


class Case:
    """A study with one fault: its files, the code expected, the row, and codes that may follow from it."""

    def __init__(self, code: str, row: int | None = None, also: tuple[str, ...] = ()) -> None:
        self.code, self.row, self.also = code, row, also
        self.study = STUDY
        self.patients: bytes = text(COLUMNS, good()).encode()
        self.ctdna: bytes = text(("id", "ratio"), second()).encode()

    def files(self) -> dict[str, bytes]:
        return {"patients.csv": self.patients, "ctdna.csv": self.ctdna}

    def write(self, folder: Path) -> Path:
        (folder / "study.toml").write_text(self.study, encoding="utf-8")
        for name, content in self.files().items():
            (folder / name).write_bytes(content)
        return folder


def with_cell(column: str, place: int, value: str, code: str, *, also: tuple[str, ...] = ()) -> Case:
    case = Case(code, place + 2, also)
    rows = good()
    rows[place][COLUMNS.index(column)] = value
    case.patients = text(COLUMNS, rows).encode()
    return case


Make = Callable[[random.Random], Iterator[Case]]


def encodings(rng: random.Random) -> Iterator[Case]:
    """Bytes that are in no encoding, and NUL bytes."""
    lines = Case("").patients.split(b"\n")
    for k in range(25):
        place = rng.randint(1, N)
        if k % 2:
            case = Case("nul-byte", place + 1, also=("number-invalid", "encoding-unknown"))
            broken = lines[place].replace(b",", b"\x00,", 1)
        else:
            case = Case("encoding-unknown")
            # 0x81 is no lead byte of UTF-8, and 0x81 0x20 is no pair of cp932.
            broken = lines[place].replace(b",", b"\x81 \xff,", 1)
        case.patients = b"\n".join([*lines[:place], broken, *lines[place + 1 :]])
        yield case


def shapes(rng: random.Random) -> Iterator[Case]:
    """A field too many or too few, a quote that never closes, a delimiter that nobody can tell."""
    for k in range(25):
        place = rng.randint(0, N - 2)
        rows = good()
        if k % 3 == 0:
            case = Case("row-ragged", place + 2)
            rows[place].append("extra")
        elif k % 3 == 1:
            case = Case("row-ragged", place + 2)
            del rows[place][rng.randint(1, 5)]
        else:
            case = Case("quote-open", place + 2)
            rows[place][1] = '"' + rows[place][1]
        case.patients = text(COLUMNS, rows).encode()
        yield case


def headers(rng: random.Random) -> Iterator[Case]:
    for k in range(25):
        names = list(COLUMNS)
        place = rng.randint(1, 6)
        if k % 3 == 0:
            case = Case("column-duplicate", also=("column-missing",))
            names[place] = names[place - 1]
        elif k % 3 == 1:
            case = Case("column-missing")
            names[place] = names[place] + rng.choice(["x", "_2", " of patient"])
        else:
            case = Case("column-unnamed", also=("column-missing",))
            names[place] = ""
        case.patients = text(tuple(names), good()).encode()
        yield case


def ids(rng: random.Random) -> Iterator[Case]:
    for k in range(25):
        place = rng.randint(1, N - 1)
        if k % 3 == 0:
            yield with_cell("id", place, "", "id-missing", also=("n-mismatch", "id-orphan"))
        elif k % 3 == 1:
            yield with_cell("id", place, good()[place - 1][0], "id-duplicate", also=("n-mismatch", "id-orphan"))
        else:
            # Full-width digits: the same id to the eye of a program that folds.
            twin = good()[place - 1][0].translate(str.maketrans("0123456789", "０１２３４５６７８９"))
            yield with_cell("id", place, twin, "id-near-duplicate", also=("n-mismatch", "id-orphan", "id-duplicate"))


def numbers(rng: random.Random) -> Iterator[Case]:
    spoilt = [
        ("6O", "number-invalid"), ("sixty", "number-invalid"), ("6.1.2", "number-invalid"), ("1/2", "number-invalid"),
        ("inf", "number-invalid"), ("nan", "number-invalid"), ("1_0", "number-invalid"), ("0x20", "number-invalid"),
        ('"6,1"', "number-comma"), ('"1,234"', "number-comma"), ("<60", "number-inequality"), ("≥60", "number-inequality"),
        ("60以上", "number-inequality"), ("60-70", "number-range"), ("60〜70", "number-range"), ("60%", "number-unit"),
        ("60 kg", "unit-mismatch"), ("60a", "number-invalid"), ("600", "out-of-range"), ("-60", "out-of-range"),
        ("17", "out-of-range"), ("NA", "number-invalid"), ("不明", "number-invalid"), ("9999", "out-of-range"), ("?", "number-invalid"),
    ]  # fmt: skip
    for cell, code in spoilt:
        yield with_cell("age", rng.randint(0, N - 1), cell, code)


def dates(rng: random.Random) -> Iterator[Case]:
    spoilt = [
        ("2016/13/4", "date-invalid"), ("2015-02-29", "date-invalid"), ("2016-04-31", "date-invalid"), ("yesterday", "date-invalid"),
        ("16/3/4", "date-invalid"), ("2016-3", "date-partial"), ("2016", "date-partial"), ("2016年3月", "date-partial"),
        ("3/4/2016", "date-order"), ("13/4/2016", "date-order"), ("4.3.2016", "date-order"), ("42433", "date-serial"),
        ("42433.5", "date-serial"), ("H0.1.1", "date-invalid"), ("H28.13.1", "date-invalid"), ("M1.1.1", "date-invalid"),
        ("1899-12-31", "out-of-range"), ("2300-01-01", "out-of-range"), ("2016-03-04T25:00", "date-invalid"), ("2016--03-04", "date-invalid"),
        ("20161304", "date-invalid"), ("04XXX2016", "date-invalid"), ("NA", "date-invalid"), ("未検", "date-invalid"), ("2016-03-04-05", "date-invalid"),
    ]  # fmt: skip
    for cell, code in spoilt:
        yield with_cell("start", rng.randint(0, N - 1), cell, code)


def levels(rng: random.Random) -> Iterator[Case]:
    dead = ["1", "2", "Y", "alive", "dead", "○", "true?", "oui", "0.5", "NA", "-", "+"]
    best = ["pR", "CR ?", "iUPD", "Progress", "NA", "PRR", "S D", "P", "C R", "0", "1", "NR", "CR/PR"]
    for cell in dead:
        yield with_cell("dead", rng.randint(0, N - 1), cell, "yes-no-invalid")
    for cell in best:
        yield with_cell("best", rng.randint(0, N - 1), cell, "level-unknown")


def joins(rng: random.Random) -> Iterator[Case]:
    for k in range(25):
        rows = second()
        place = rng.randint(0, N - 1)
        if k % 3 == 0:
            case = Case("id-orphan", place + 2)
            rows[place][0] = f"X{place}"
        elif k % 3 == 1:
            place = max(place, 1)
            case = Case("id-duplicate", place + 2)
            rows[place][0] = rows[place - 1][0]
        else:
            case = Case("id-orphan")
            case.study = STUDY.replace('file = "ctdna.csv"', 'file = "ctdna.csv"\njoin = "required"')
            case.row = place + 2  # the row of the patient in the first table
            del rows[place]
        case.ctdna = text(("id", "ratio"), rows).encode()
        yield case


def study_files(rng: random.Random) -> Iterator[Case]:
    changes = [
        ('title = "Generated"', 'titel = "Generated"', "key-unknown"),
        ('conventions = "r"', "", "key-missing"),
        ('conventions = "r"', 'conventions = "rr"', "key-type"),
        ("n = 40", 'n = "forty"', "key-type"),
        ("n = 40", "n = 41", "n-mismatch"),
        ("cohortstats = 1", "cohortstats = 2", "version-unknown"),
        ("cohortstats = 1", "", "key-missing"),
        ('file = "patients.csv"', "", "key-missing"),
        ('rows = "one per patient"', 'rows = "one"', "key-type"),
        ("[columns.ctdna]", "[columns.ctdnaa]", "key-unknown"),
        ('type = "number", unit', 'type = "numbr", unit', "key-type"),
        ("range = [18, 110]", "range = [110, 18]", "key-conflict"),
        ("range = [18, 110]", "order = [18, 110]", "key-type"),
        ('dead = { type = "yes/no" }', 'dead = { type = "yes/no", range = [0, 1] }', "key-conflict"),
        ('kind = "binary"', 'kind = "binry"', "key-type"),
        ('unknown = "not an event"', "", "key-missing"),
        ('unknown = "not an event"', 'unknown = "ignore"', "key-type"),
        ('rows = ["old", "arm"]', 'rows = ["old", "armm"]', "expression-name"),
        ('rows = ["old", "arm"]', 'rows = ["old", "age"]', "expression-type"),
        ('rows = ["old", "arm"]', 'rows = "old"', "key-type"),
        ('outcome = "resistance"', 'outcome = "os"', "expression-name"),
        ("[[association]]", "[[asociation]]", "key-unknown"),
        ('id = "table1"', 'id = "table 1/2"', "key-type"),
        ("[derive]", "[derive", "toml-invalid"),
        ('order = ["A", "B"]', 'order = ["A", "B", "A"]', "key-conflict"),
    ]  # fmt: skip
    del rng
    for old, new, code in changes:
        case = Case(
            code, also=("level-unknown", "key-missing", "key-unknown", "column-missing", "key-type", "expression-name")
        )
        assert old in STUDY
        case.study = STUDY.replace(old, new, 1)
        yield case


def expressions(rng: random.Random) -> Iterator[Case]:
    spoilt = [
        ("age >", "expression-syntax"), ("age > > 5", "expression-syntax"), ("(age > 5", "expression-syntax"), ("age > 5)", "expression-syntax"),
        ("age = 5", "expression-syntax"), ("'PD", "expression-syntax"), ("age > 5 and", "expression-syntax"), ("in ['CR']", "expression-syntax"),
        ("agee > 5", "expression-name"), ("Best response == 'PD'", "expression-syntax"), ("nothing", "expression-name"), ("foo(age) > 5", "expression-name"),
        ("age > '5'", "expression-type"), ("age and dead", "expression-type"), ("age", "expression-type"), ("best + 1 > 2", "expression-type"),
        ("start > 5", "expression-type"), ("dead > 1", "expression-type"), ("not age", "expression-type"), ("1 < age < 9", "expression-chain"),
        ("best == 'XX'", "level-unknown"), ("best <= 'pd'", "level-unknown"), ("old", "expression-cycle"), ("not old", "expression-cycle"), ("max() > 1", "expression-syntax"),
    ]  # fmt: skip
    del rng
    for expression, code in spoilt:
        case = Case(code, also=("expression-syntax", "expression-type", "expression-name"))
        case.study = STUDY.replace("age >= 65", expression)
        yield case


# ---------------------------------------------------------------------------------------------------------------------
# Exports of droplet digital PCR
# ---------------------------------------------------------------------------------------------------------------------

PLATE_STUDY = """cohortstats = 1
[study]
id = "plates"
title = "Plates"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[data.wells]
kind = "ddpcr"
file = "plate.csv"
id = "sample"
rows = "many per patient"
[columns.patients]
arm = { order = ["A", "B"] }
[ctdna.amplified]
kind = "ratio"
target = "Consensus_FAM"
reference = "WTspecific_HEX"
threshold = "> 1.25"
"""
EXPORT = Path(__file__).parents[1] / "ctdna" / "data" / "quantasoft_old_TypeAssay_small.csv"


class PlateCase(Case):
    """Five patients and an export of their wells: a real one, spoilt in one place."""

    def __init__(self, code: str, row: int | None = None, also: tuple[str, ...] = ()) -> None:
        super().__init__(code, row, also)
        self.study = PLATE_STUDY
        self.patients = b"id,arm\nDean,A\nDave,B\nMike,A\nEmily,B\nMary,A\n"
        self.table = list(csv.reader(io.StringIO(EXPORT.read_text(encoding="utf-8"), newline="")))

    def at(self, column: str) -> int:
        return self.table[0].index(column)

    def files(self) -> dict[str, bytes]:
        buffer = io.StringIO(newline="")
        csv.writer(buffer, lineterminator="\n").writerows(self.table)
        return {"patients.csv": self.patients, "plate.csv": buffer.getvalue().encode()}


COUNTED = ("Positives", "Negatives", "AcceptedDroplets", "Ch1+Ch2+", "Ch1+Ch2-", "Ch1-Ch2+", "Ch1-Ch2-")


def droplets(rng: random.Random) -> Iterator[Case]:
    """One number changed, a column lost or shifted, a row twice."""
    for column in COUNTED:
        case = PlateCase("ddpcr-counts", rng.randint(2, 11), also=("ddpcr-recompute",))
        cells = case.table[(case.row or 0) - 1]
        cells[case.at(column)] = str(int(cells[case.at(column)]) + rng.randint(1, 900))
        yield case
    for factor in (10, 0.1, 2, 1.1):
        case = PlateCase("ddpcr-recompute", rng.randint(2, 11))
        cells = case.table[(case.row or 0) - 1]
        cells[case.at("Concentration")] = f"{float(cells[case.at('Concentration')]) * factor:.3g}"
        yield case
    for lost in ("Well", "Assay", "AcceptedDroplets"):
        case = PlateCase("ddpcr-format")
        place = case.at(lost)
        case.table = [cells[:place] + cells[place + 1 :] for cells in case.table]
        yield case
    for _ in range(4):
        # A cell too many in front: the row ends where the names end, and its numbers are in the wrong columns.
        case = PlateCase("number-invalid", rng.randint(2, 11), also=("ddpcr-counts", "number-not-integer"))
        case.table[(case.row or 0) - 1].insert(case.at(rng.choice(["Status", "Positives", "Negatives"])), "x")
        yield case
    for _ in range(2):
        case = PlateCase("ddpcr-duplicate", 12)
        case.table.append(list(case.table[rng.randint(1, 10)]))
        yield case
    for text_, code in (("1_901", "number-invalid"), ("1,901", "number-comma"), ("1O5", "number-invalid")):
        case = PlateCase(code, rng.randint(2, 11), also=("ddpcr-counts",))
        case.table[(case.row or 0) - 1][case.at("Positives")] = text_
        yield case
    case = PlateCase("ddpcr-format", 4)
    case.table[3][0] = "Z99"
    yield case
    case = PlateCase("id-orphan", 2)
    case.table[1][case.at("Sample")] = case.table[6][case.at("Sample")] = "Deen"
    yield case


# ---------------------------------------------------------------------------------------------------------------------
# Visits and endpoints
# ---------------------------------------------------------------------------------------------------------------------

VISIT_STUDY = """cohortstats = 1
[study]
id = "visits"
title = "Visits"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[data.visits]
file = "visits.csv"
id = "id"
rows = "many per patient"
order = "date"
[columns.patients]
start = { type = "date" }
last = { type = "date" }
death = { type = "date" }
dead = { type = "yes/no" }
months = { type = "number" }
entry = { type = "number" }
[columns.visits]
date = { type = "date" }
response = { }
[derive.best]
rule = "best response"
table = "visits"
response = "response"
start = "start"
min_sd = 35
[endpoints.os]
kind = "time to event"
start = "start"
events = [ { date = "death", status = "dead", reason = "death" } ]
censors = [ { date = "last", reason = "last seen" } ]
unknown = "exclude"
[endpoints.os_months]
kind = "time to event"
time = "months"
event = "dead"
entry = "entry"
unit = "months"
unknown = "exclude"
"""
PATIENT_COLUMNS = ("id", "start", "last", "death", "dead", "months", "entry")
VISIT_COLUMNS = ("id", "date", "response")
FIRST = date(2016, 1, 4)


class VisitCase(Case):
    """Forty patients with three scans each; every second has died."""

    def __init__(self, code: str, row: int | None = None, also: tuple[str, ...] = ()) -> None:
        super().__init__(code, row, also)
        self.study = VISIT_STUDY
        rng = random.Random(42)
        self.rows: Rows = []
        self.visits: Rows = []
        for patient in range(N):
            start = FIRST + timedelta(days=rng.randint(0, 400))
            days = rng.randint(150, 900)
            last, died = start + timedelta(days=days), patient % 2 == 0
            seen = [str(last), str(last) if died else "", "yes" if died else "no", f"{days / 30.4375:.2f}", "0.5"]
            self.rows.append([f"P{patient + 1:02d}", str(start), *seen])
            for visit, response in enumerate(["SD", rng.choice(["PR", "SD"]), "PD"], start=1):
                self.visits.append([f"P{patient + 1:02d}", str(start + timedelta(days=42 * visit)), response])

    def files(self) -> dict[str, bytes]:
        visits = (
            text(VISIT_COLUMNS, self.visits)
            if self.visits[0][3:] == []
            else text((*VISIT_COLUMNS, "reader"), self.visits)
        )
        return {"patients.csv": text(PATIENT_COLUMNS, self.rows).encode(), "visits.csv": visits.encode()}


def visits(rng: random.Random) -> Iterator[Case]:
    """Responses that are none, dates in the wrong order, times and events that cannot be."""
    for word in ("iUPD", "iCPD", "iSD", "iCR", "iPR"):
        case = VisitCase("response-irecist", rng.randint(2, 121))
        case.visits[(case.row or 0) - 2][2] = word
        yield case
    for word in ("Partial", "pd?", "R", "MR"):
        case = VisitCase("response-unknown", rng.randint(2, 121))
        case.visits[(case.row or 0) - 2][2] = word
        yield case
    for place in (0, 2):
        patient = rng.randint(0, N - 1)
        case = VisitCase("visit-before-start", 3 * patient + place + 2)
        case.visits[(case.row or 0) - 2][1] = str(date.fromisoformat(case.rows[patient][1]) - timedelta(days=7))
        yield case
    for word in ("CR", "SD"):
        patient = rng.randint(0, N - 1)
        case = VisitCase("visit-duplicate", 3 * N + 2)
        case.visits.append([*case.visits[3 * patient + 2][:2], word])
        yield case
    case = VisitCase("readers-many")
    case.study = VISIT_STUDY.replace("response = { }", "response = { }\nreader = { }")
    case.visits = [[*cells, "ABC"[number % 3]] for number, cells in enumerate(case.visits)]
    yield case
    for _ in range(2):
        patient = rng.randint(0, N - 1)
        case = VisitCase("time-negative", patient + 2)
        case.rows[patient][5], case.rows[patient][6] = f"-{rng.randint(1, 9)}", ""
        yield case
    for _ in range(2):
        patient = rng.randint(0, N - 1)
        case = VisitCase("entry-after-time", patient + 2)
        case.rows[patient][6] = "99"
        yield case
    for _ in range(2):
        patient = 2 * rng.randint(0, N // 2 - 1)
        case = VisitCase("date-before-start", patient + 2)
        case.rows[patient][3] = str(date.fromisoformat(case.rows[patient][1]) - timedelta(days=30))
        yield case
    # Events coded 1 and 2: as yes/no they are neither, as numbers they cannot be told apart.
    case = VisitCase("yes-no-invalid", 2)
    case.rows = [[*cells[:4], "2" if cells[4] == "yes" else "1", *cells[5:]] for cells in case.rows]
    yield case
    case = VisitCase("event-coding", also=("expression-type",))
    case.study = VISIT_STUDY.replace('dead = { type = "yes/no" }', 'dead = { type = "number" }')
    case.study = case.study.replace(', status = "dead"', "")
    case.rows = [[*cells[:4], "2" if cells[4] == "yes" else "1", *cells[5:]] for cells in case.rows]
    yield case
    case = VisitCase("key-missing")
    case.study = VISIT_STUDY.replace("min_sd = 35\n", "")
    yield case
    case = VisitCase("key-missing")
    case.study = VISIT_STUDY.replace('order = "date"\n', "")
    yield case
    case = VisitCase("key-type")
    case.study = VISIT_STUDY.replace('rule = "best response"', 'rule = "best answer"')
    yield case


FAMILIES: dict[str, Make] = {
    make.__name__: make for make in (encodings, shapes, headers, ids, numbers, dates, levels, joins, study_files, expressions, droplets, visits)
}  # fmt: skip
CASES = [
    pytest.param(case, id=f"{name}-{k}")
    for name, make in FAMILIES.items()
    for k, case in enumerate(make(random.Random(len(name))))
]


def test_there_are_300() -> None:
    assert len(CASES) == 300
    assert {name: sum(case.id.startswith(f"{name}-") for case in CASES) for name in FAMILIES} == dict.fromkeys(
        FAMILIES, 25
    )


@pytest.mark.parametrize(("kind", "n"), [(Case, N), (PlateCase, 5), (VisitCase, N)])
def test_the_controls(tmp_path: Path, kind: type[Case], n: int) -> None:
    cohort = cs.load_cohort(kind("").write(tmp_path))
    assert (cohort.n, cohort.problems) == (n, ())


@pytest.mark.parametrize("case", CASES)
def test_the_planted_fault_is_named(case: Case, tmp_path: Path) -> None:
    folder = case.write(tmp_path)
    with pytest.raises(cs.DataError) as caught:
        cs.load_cohort(folder)
    errors = [problem for problem in caught.value.problems if problem.level == "error"]
    told = [(problem.code, problem.row) for problem in errors]
    assert case.code in {code for code, _ in told}, told
    if case.row is not None and "\n" not in case.code:
        assert (case.code, case.row) in told, (case.row, told)
    assert {code for code, _ in told} <= {case.code, *case.also}, told
    for problem in caught.value.problems:
        assert problem.message
        assert "Traceback" not in problem.message


@pytest.mark.parametrize("family", FAMILIES)
def test_the_command_line_writes_nothing(family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = next(FAMILIES[family](random.Random(len(family))))
    folder = case.write(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main(["report", str(folder), "-o", str(tmp_path / "out")]) == 3
    assert sorted(tmp_path.iterdir()) == before
    out = capsys.readouterr()
    assert "error   " in out.err
    assert "Traceback" not in out.err
