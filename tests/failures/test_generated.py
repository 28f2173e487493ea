"""Two hundred and fifty files, each with one planted fault: it is named with its code and its place, and nothing else is
blamed but what follows from it.

The unspoilt study passes without a word. Every case is made by rule from one seed, so a failure can be run again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
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

    def write(self, folder: Path) -> Path:
        (folder / "study.toml").write_text(self.study, encoding="utf-8")
        (folder / "patients.csv").write_bytes(self.patients)
        (folder / "ctdna.csv").write_bytes(self.ctdna)
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


FAMILIES: dict[str, Make] = {
    make.__name__: make for make in (encodings, shapes, headers, ids, numbers, dates, levels, joins, study_files, expressions)
}  # fmt: skip
CASES = [
    pytest.param(case, id=f"{name}-{k}")
    for name, make in FAMILIES.items()
    for k, case in enumerate(make(random.Random(len(name))))
]


def test_there_are_250() -> None:
    assert len(CASES) == 250


def test_the_control(tmp_path: Path) -> None:
    cohort = cs.load_cohort(Case("").write(tmp_path))
    assert (cohort.n, cohort.problems) == (N, ())


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
