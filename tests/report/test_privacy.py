"""Small cells, curve data, patient ids: what must not leave, looked for in everything that is written."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import cohortstats as cs
from cohortstats.analysis.count_system import CountSystem
from cohortstats.figures.picture import KaplanMeierPicture
from cohortstats.report.write import make_report

K = 5
STAGES, RECEPTORS, RESPONSES = ("I", "II", "IV"), ("yes", "no", ""), ("CR", "PR", "SD", "PD", "NE")

STUDY = """cohortstats = 1
[study]
id = "cells"
title = "Small cells"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
stage = { order = ["I", "II", "IV"] }
hr = { type = "yes/no" }
resp = { order = ["CR", "PR", "SD", "PD", "NE"], unknown = ["NE"] }
days = { type = "number", unit = "days" }
died = { type = "yes/no" }
[derive]
late = { when = "stage == 'IV'" }
[endpoints.resistant]
kind = "binary"
when = "resp == 'PD'"
unknown = "not an event"
[endpoints.os]
kind = "time to event"
time = "days"
event = "died"
unit = "days"
unknown = "exclude"
[[flow]]
id = "flow1"
title = "Flow"
steps = [ { when = "hr", label = "HR positive" } ]
[[characteristics]]
id = "table1"
title = "By stage"
by = "stage"
rows = ["hr", "resp", "days", { label = "Any", any = ["late", "died"] }]
[[response]]
id = "table2"
title = "Response"
variable = "resp"
sums = { "CR + PR" = ["CR", "PR"] }
[[association]]
id = "table4"
title = "Resistance"
outcome = "resistant"
rows = ["stage", "hr", "late"]
[[time_to_event]]
id = "figure1"
title = "Survival"
endpoint = "os"
groups = "stage"
at = [200]
[[regression]]
id = "table6"
title = "Cox"
endpoint = "os"
covariates = ["stage", "hr"]
allow_few_events = true
[[missingness]]
id = "table5"
title = "Missing"
variables = ["hr", "resp"]
outcome = "resistant"
[report]
formats = ["html", "docx", "latex", "md", "csv"]
figures = ["svg", "pdf"]
privacy = { min_cell = 5 }
"""


def random_patients(seed: int, n: int) -> list[tuple[str, str, str, int, str]]:
    draw = np.random.default_rng(seed)
    return [
        (
            str(draw.choice(STAGES, p=[0.2, 0.3, 0.5])),
            str(draw.choice(RECEPTORS, p=[0.55, 0.4, 0.05])),
            str(draw.choice(RESPONSES, p=[0.1, 0.3, 0.3, 0.22, 0.08])),
            int(draw.integers(10, 900)),
            str(draw.choice(["yes", "no"], p=[0.7, 0.3])),
        )
        for _ in range(n)
    ]


def write_study(folder: Path, patients: list[tuple[str, str, str, int, str]], study: str = STUDY) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [",".join(map(str, (f"P{place}", *patient))) for place, patient in enumerate(patients)]
    (folder / "patients.csv").write_text("\n".join(["id,stage,hr,resp,days,died", *lines]) + "\n")
    (folder / "study.toml").write_text(study)
    return folder


def rows_of(report: cs.Report) -> list[dict[str, str]]:
    text = report.files["results.csv"].decode().removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text)))


# ---------------------------------------------------------------------------------------------------------------------
# An attacker who knows every number that is printed, and what it counts
# ---------------------------------------------------------------------------------------------------------------------

# A patient to the attacker: stage, receptor, response, died. Times are in no count of the tables.
CELLS = [(s, h, r, d) for s in STAGES for h in RECEPTORS for r in RESPONSES for d in ("yes", "no")]
Cell = tuple[str, str, str, str]
Which = Callable[[Cell], bool]


def condition(variable: str, level: str) -> Which | None:
    """What a name of the results says of a patient."""
    levels = {"CR + PR": ("CR", "PR")}.get(level, (level,))
    return {
        "stage": lambda c: c[0] in levels,
        "hr": lambda c: c[1] == ("" if level == "missing" else level),
        "resp": lambda c: c[2] in levels,
        "late": lambda c: (c[0] == "IV") == (level == "yes"),
        "died": lambda c: c[3] == level,
    }.get(variable)


def counted(row: dict[str, str]) -> tuple[Which | None, Which | None]:
    """Patients that a row counts, and those behind it (column n); None where a row is no count."""
    exhibit, name, group, statistic = (row[key] for key in ("exhibit", "row", "group", "statistic"))
    variable, _, level = name.partition("/")

    def both(*given: Which | None) -> Which:
        return lambda c: all(one(c) for one in given if one is not None)

    everybody: Which = lambda c: True  # noqa: E731
    if exhibit == "table1":
        column = None if group == "all" else condition("stage", group)
        known = (lambda c: c[1] != "") if variable == "hr" else None
        if not level:
            return None, both(column, known)
        of = both(column) if level == "missing" else both(column, known)
        return (both(column, condition(variable, level)) if statistic == "n" else None), of
    if exhibit == "table2":
        return (everybody if name == "all" else condition(variable, level)) if statistic in (
            "n",
            "total",
        ) else None, None
    if exhibit == "table4" and group:
        part = None if name == "all" else condition(name, group)
        resistant = condition("resp", "PD")
        return {"total": both(part), "n": both(part, resistant)}.get(statistic), both(part)
    if exhibit == "figure1" and group:
        part = condition("stage", group)
        count = {"n": part, "events": both(part, condition("died", "yes"))}.get(statistic)
        return count, None if statistic.startswith("survival") else part
    if exhibit == "table6":
        receptor = (lambda c: c[1] != "") if group == "multivariable" or variable == "hr" else None
        part = both(receptor, condition(variable, level) if level else None)
        return {"n": part, "n_events": both(part, condition("died", "yes"))}.get(statistic), None
    if exhibit == "table5" and name != "pattern":
        lacking: Which = (lambda c: c[1] == "") if name == "hr" else (lambda c: c[2] == "NE")
        if statistic == "n_known":
            return (lambda c: not lacking(c)), None
        if statistic == "n_missing":
            return lacking, None
        if statistic == "n_missing_outcome":
            here: Which = lambda c: (c[2] == "PD") == (group == "yes")  # noqa: E731
            return both(here, lacking), here
    return None, None


class Attacker:
    """The tables that are possible given everything that is printed."""

    def __init__(self, report: cs.Report, patients: list[tuple[str, str, str, int, str]]) -> None:
        self.n = len(patients)
        self.truth = np.array([sum((p[0], p[1], p[2], p[4]) == cell for p in patients) for cell in CELLS])
        self.matrix: list[np.ndarray] = [np.ones(len(CELLS))]
        self.low, self.high = [float(self.n)], [float(self.n)]
        self.small: list[tuple[str, np.ndarray]] = []
        self.n_second = 0
        for row in rows_of(report):
            count, behind = counted(row)
            address = "/".join(row[key] for key in ("exhibit", "row", "group", "statistic"))
            if count is not None:
                vector = np.array([float(count(cell)) for cell in CELLS])
                true = int(vector @ self.truth)
                if row["value"] not in ("", "nan"):
                    assert int(float(row["value"])) == true, f"{address} does not count what the attacker thinks"
                    assert true == 0 or true >= K, f"{address} is printed"
                    self.know(vector, true, true)
                elif row["reason"] == f"fewer than {K}":
                    assert 0 < true < K, address
                    self.know(vector, 1, K - 1)
                    self.small.append((address, vector))
                else:
                    assert row["reason"].startswith("not shown"), address
                    self.n_second += 1
                    # The attacker has heard that such a number is not small.
                    self.know(vector, K if true >= K else 0, self.n)
                    if 0 < true < K:
                        self.small.append((address, vector))
            if behind is not None and row["n"]:
                vector = np.array([float(behind(cell)) for cell in CELLS])
                assert int(row["n"]) == int(vector @ self.truth), f"n of {address}"
                self.know(vector, int(row["n"]), int(row["n"]))

    def know(self, vector: np.ndarray, low: float, high: float) -> None:
        self.matrix.append(vector)
        self.low.append(low)
        self.high.append(high)

    def range(self, vector: np.ndarray) -> tuple[int, int]:
        from scipy.optimize import Bounds, LinearConstraint, milp

        rules = LinearConstraint(np.array(self.matrix), self.low, self.high)
        found = []
        for sign in (1, -1):
            solved = milp(
                sign * vector, integrality=np.ones(len(CELLS), dtype=int), bounds=Bounds(0, self.n), constraints=rules
            )
            assert solved.x is not None
            found.append(int(np.rint(vector @ solved.x)))
        return found[0], found[1]


@pytest.mark.parametrize("seed", range(8))
def test_no_small_count_can_be_worked_out(seed: int, tmp_path: Path) -> None:
    """The attacker is another model than the one that hides: whole tables of patients, not sums of margins."""
    patients = random_patients(seed, 30 + 4 * seed)
    light = STUDY.replace('formats = ["html", "docx", "latex", "md", "csv"]', 'formats = ["csv"]').replace(
        'figures = ["svg", "pdf"]', "figures = []"
    )
    cohort = cs.load_cohort(write_study(tmp_path / "s", patients, light))
    attacker = Attacker(make_report(cohort), patients)
    assert attacker.small, "nothing is small"
    assert attacker.n_second, "no second count was hidden"
    for address, vector in attacker.small:
        low, high = attacker.range(vector)
        assert low < high, f"{address} must be {low}"


# ---------------------------------------------------------------------------------------------------------------------
# The smallest further count
# ---------------------------------------------------------------------------------------------------------------------


def one_way(counts: dict[str, int], k: int = K) -> CountSystem:
    system = CountSystem(k=k, most=sum(counts.values()))
    whole = system.add("all", sum(counts.values()), fixed=True)
    system.relate(whole, [system.add(name, n, shown=True, sensitive=True) for name, n in counts.items()])
    system.suppress()
    return system


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        # By hand: a single small count is had from the rest; the smallest other one goes, too.
        ({"a": 20, "b": 11, "c": 3}, {"b": "second", "c": "small"}),
        # 3 + 2 = 5 may be 1 + 4, 2 + 3, ...: two small counts hide each other.
        ({"a": 20, "b": 3, "c": 2}, {"b": "small", "c": "small"}),
        # 4 + 4 = 8 can only be 4 + 4 when both are below 5: a third one must go.
        ({"a": 20, "b": 4, "c": 4}, {"a": "second", "b": "small", "c": "small"}),
        # 1 + 1 = 2 can only be 1 + 1.
        ({"a": 20, "b": 9, "c": 1, "d": 1}, {"b": "second", "c": "small", "d": "small"}),
        # Nothing is small: nothing is hidden; 0 is no small count.
        ({"a": 20, "b": 5, "c": 0}, {}),
        # A 0 hides nothing.
        ({"a": 20, "b": 4, "c": 0}, {"a": "second", "b": "small"}),
        # 5 + 1 = 6, with the 5 known to be 5 or more: the small one would be 1, so it does not even say that it is small.
        ({"a": 5, "b": 1}, {"a": "open", "b": "open"}),
    ],
)
def test_which_counts_are_hidden(counts: dict[str, int], hidden: dict[str, str]) -> None:
    system = one_way(counts)
    assert {name: system.hidden(name) for name in counts if system.hidden(name)} == hidden
    for name, n in counts.items():
        if 0 < n < K:
            low, high = system.bounds(name)
            assert low < high


def test_a_two_way_table_hides_a_rectangle() -> None:
    """Rows and columns with totals: one small count needs three more, by hand the corners of a rectangle."""
    table = [[3, 20, 30], [10, 40, 50], [60, 70, 80]]
    system = CountSystem(k=K, most=1000)
    for i, row in enumerate(table):
        total = system.add(("row", i), sum(row), fixed=True)
        system.relate(total, [system.add((i, j), n, shown=True, sensitive=True) for j, n in enumerate(row)])
    for j in range(3):
        column = [row[j] for row in table]
        system.relate(system.add(("column", j), sum(column), fixed=True), [system.places[i, j] for i in range(3)])
    system.suppress()
    assert sorted(key for key in system.places if system.hidden(key)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    # The least sum of hidden counts: 20 + 10 + 40; the other rectangles hide 90, 150 and more.


def test_an_unprinted_rest_is_protected() -> None:
    """Of 40 patients 38 have it: that 2 have not is told by the 38."""
    system = CountSystem(k=K, most=40)
    yes = system.add("yes", 38, shown=True, sensitive=True)
    no = system.add("no", 2, sensitive=True)
    system.relate(system.add("all", 40, fixed=True), [yes, no])
    system.suppress()
    assert (system.hidden("yes"), system.hidden("no")) == ("second", "")


# ---------------------------------------------------------------------------------------------------------------------
# What is written
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> tuple[cs.Report, cs.Report]:
    """The same study with and without small cells."""
    folder = write_study(tmp_path_factory.mktemp("cells") / "s", random_patients(11, 46))
    hidden = make_report(cs.load_cohort(folder))
    write_study(folder, random_patients(11, 46), STUDY.replace("min_cell = 5", "min_cell = 0"))
    return hidden, make_report(cs.load_cohort(folder))


def word_text(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return re.sub(r"<[^>]+>", " ", archive.read("word/document.xml").decode()).replace("&lt;", "<")


def test_every_writer_hides_the_same_cells(cells: tuple[cs.Report, cs.Report]) -> None:
    hidden, open_ = cells
    changed = 0
    for now, before in zip(hidden.analyses, open_.analyses, strict=True):
        for line, old in zip(now.table.strings()[1:], before.table.strings()[1:], strict=True):
            for cell, was in zip(line, old, strict=True):
                changed += cell != was
                count, told = was.partition(" (")[0], ("unknown (<5)" in cell or "–NR)" in cell)
                assert cell in (was, count, "<5", "—") or told
        frame = now.to_frame()
        assert len(frame) == len(now.lines())
    assert changed > 20
    assert "<5" in word_text(hidden.files["report.docx"])
    assert "&lt;5" in hidden.files["report.html"].decode()
    assert "\\<5" in hidden.files["tables/table2.md"].decode() or "&lt;5" in hidden.files["tables/table2.md"].decode()
    assert "<5" in hidden.files["tables/table2.csv"].decode()
    assert "5" in hidden.files["tables/table2.tex"].decode()


def test_no_small_count_is_in_results(cells: tuple[cs.Report, cs.Report]) -> None:
    hidden, open_ = cells
    counts = {
        "n",
        "total",
        "events",
        "n_events",
        "n_known",
        "n_missing",
        "n_out",
        "n_missing_outcome",
        "n_missing_reason",
    }
    small_before = [row for row in rows_of(open_) if row["statistic"] in counts and 0 < float(row["value"]) < K]
    assert len(small_before) > 10
    for row in rows_of(hidden):
        assert not row["n"] or int(row["n"]) == 0 or int(row["n"]) >= K, row
        if row["statistic"] in counts and row["value"] != "nan":
            assert float(row["value"]) == 0 or float(row["value"]) >= K, row
    by_address = {tuple(row[key] for key in ("exhibit", "row", "group", "statistic")): row for row in rows_of(hidden)}
    for row in small_before:
        found = by_address[tuple(row[key] for key in ("exhibit", "row", "group", "statistic"))]
        assert (found["value"], found["ci_lower"]) == ("nan", "")
        assert found["reason"].startswith(("fewer than 5", "not shown"))


def test_results_json_says_what_is_printed(cells: tuple[cs.Report, cs.Report]) -> None:
    content = json.loads(cells[0].files["results.json"])
    small = [entry for entry in content["results"] if entry.get("reason") == "fewer than 5"]
    assert small
    assert {text for entry in small for text in entry["text"].values()} == {"<5"}
    percents = {(e["exhibit"], e["row"], e["group"]): e for e in content["results"] if e["statistic"] == "percent"}
    for entry in small:
        percent = percents.get((entry["exhibit"], entry["row"], entry["group"]))
        assert percent is None or percent["text"] == dict.fromkeys(percent["text"], "—")
    assert not [guard for guard in content["guards"] if guard["guard"] in ("unknown outcome", "thin tail")]


def test_percentages_limits_and_p_go_with_their_counts(cells: tuple[cs.Report, cs.Report]) -> None:
    rows = rows_of(cells[0])
    # Whatever a comparison is made of is hidden as soon as one of its counts is.
    for name in ("stage", "hr", "late"):
        own = [row for row in rows if row["exhibit"] == "table4" and row["row"] == name]
        touched = any(row["value"] == "nan" for row in own if row["statistic"] in ("n", "total"))
        (p,) = [row for row in own if row["statistic"] == "p_value"]
        assert (p["p_value"] == "nan") == touched


def test_notes_methods_and_manifest_count_nobody(cells: tuple[cs.Report, cs.Report]) -> None:
    hidden, open_ = cells
    n = sum(response == "NE" for _, _, response, _, _ in random_patients(11, 46))
    words = {2: "Two", 3: "Three", 4: "Four", 5: "Five"}
    assert any(f"unknown for {n} patients" in note for note in open_.notes)
    assert any("unknown for some patients" in note for note in hidden.notes)
    assert f"{words[n]} patients with unknown outcome" in " ".join(open_.methods)
    assert "Some patients with unknown outcome" in " ".join(hidden.methods)
    assert "rows" in json.loads(open_.files["manifest.json"])["inputs"]["patients.csv"]
    assert "rows" not in json.loads(hidden.files["manifest.json"])["inputs"]["patients.csv"]


def test_one_exhibit_alone_hides_what_all_of_them_hide(cells: tuple[cs.Report, cs.Report]) -> None:
    from cohortstats.report.plan import make_exhibit

    hidden = cells[0]
    for analysis in hidden.analyses:
        alone = make_exhibit(hidden.cohort, analysis.entry).table
        assert (alone.strings(), alone.footnotes) == (analysis.table.strings(), analysis.table.footnotes)


def test_the_same_cells_are_hidden_in_every_process(tmp_path: Path) -> None:
    """Hashes of texts differ from process to process; what is hidden does not."""
    folder = write_study(tmp_path / "s", random_patients(3, 50))
    for name, seed, zone in (("a", "1", "Asia/Tokyo"), ("b", "77", "America/Lima")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
        arguments = [sys.executable, "-m", "cohortstats", "report", str(folder), "-o", str(tmp_path / name)]
        done = subprocess.run(arguments, check=True, capture_output=True, text=True, env=environment)
        # The solver is a program of its own: nothing of it may get into what is printed.
        assert all(line.startswith(str(tmp_path)) for line in done.stdout.splitlines())
        assert done.stderr == ""
    first, second = (
        {path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in "ab"
    )
    assert first == second


@pytest.mark.parametrize("value", [-1, 1, 2])
def test_a_threshold_that_hides_nothing_is_refused(value: int, tmp_path: Path) -> None:
    folder = write_study(tmp_path, random_patients(1, 20), STUDY.replace("min_cell = 5", f"min_cell = {value}"))
    with pytest.raises(cs.DataError) as caught:
        cs.Study.read(folder)
    assert f"[report] privacy: min_cell must be 0, or 3 or more, not {value}." in str(caught.value)


def test_lines_of_patients_are_not_shown(tmp_path: Path) -> None:
    listing = '[[listing]]\nid = "table7"\ntitle = "Deaths"\npopulation = "died"\ncolumns = ["stage", "days"]\n[report]'
    folder = write_study(tmp_path, random_patients(1, 40), STUDY.replace("[report]", listing))
    report = make_report(cs.load_cohort(folder))
    table = next(analysis for analysis in report.analyses if analysis.id == "table7")
    assert not table.records
    assert not table.table.groups
    assert table.table.footnotes == (
        "Not shown: it has one line a patient, and counts of fewer than 5 patients are hidden.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Curves
# ---------------------------------------------------------------------------------------------------------------------

CURVE = """cohortstats = 1
[study]
id = "curve"
title = "Curve"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
stage = { order = ["I", "IV"] }
days = { type = "number", unit = "days" }
died = { type = "yes/no" }
[endpoints.os]
kind = "time to event"
time = "days"
event = "died"
unit = "days"
unknown = "exclude"
[[time_to_event]]
id = "figure1"
title = "Survival"
endpoint = "os"
groups = "stage"
ticks = 100
at = [150, 950]
[report]
formats = ["html", "csv"]
figures = ["svg"]
privacy = { min_cell = MIN, curve_csv = CURVES }
"""


def curve_study(folder: Path, *, minimum: int, curves: bool) -> cs.Report:
    """Twelve in stage I, all dead at 100, 200, ... 1200; ten in stage IV, dead at 50, 150, ... 450 and censored at 950."""
    first = [("I", 100 * i, "yes") for i in range(1, 13)]
    second = [("IV", 50 + 100 * i, "yes") for i in range(5)] + [("IV", 950, "no")] * 5
    lines = [f"P{place},{stage},{days},{died}" for place, (stage, days, died) in enumerate(first + second)]
    folder.mkdir()
    (folder / "patients.csv").write_text("\n".join(["id,stage,days,died", *lines]) + "\n")
    study = CURVE.replace("MIN", str(minimum)).replace("CURVES", "true" if curves else "false")
    (folder / "study.toml").write_text(study)
    return make_report(cs.load_cohort(folder))


def test_curves_end_where_few_are_at_risk(tmp_path: Path) -> None:
    """At 800 days 5 of the 12 are at risk, at 900 days 4: the curve of stage I ends at 800; stage IV keeps its 5."""
    analysis = curve_study(tmp_path / "s", minimum=5, curves=False).analyses[0]
    picture = analysis.picture
    assert isinstance(picture, KaplanMeierPicture)
    assert {group.name: (group.end, max(group.times)) for group in picture.groups} == {
        "I": (800, 800),
        "IV": (950, 950),
    }
    assert picture.x_max == 950
    risk = picture.risk_table
    assert risk is not None
    at_risk = dict(zip(risk.ticks, risk.rows[0][0], strict=True))
    assert (at_risk[0], at_risk[800], at_risk[900]) == (12, 5, "<5")
    for rows in risk.rows:
        for column in zip(*rows, strict=True):
            assert sum(isinstance(n, str) for n in column) != 1, "one hidden number of three is had from the other two"
            assert all(isinstance(n, str) or n == 0 or n >= 5 for n in column)
    frame = analysis.to_frame().set_index("group")
    # S(t) of stage I is one half between 600 and 700: 650; its upper limit is beyond 800 days.
    assert frame.loc["I", "median"] == 650
    assert np.isnan(frame.loc["I", "median_ci_upper"])
    assert np.isnan(frame.loc["I", "survival_950"])
    assert frame.loc["IV", "survival_950"] == pytest.approx(50)


def test_without_small_cells_the_curve_is_whole(tmp_path: Path) -> None:
    analysis = curve_study(tmp_path / "s", minimum=0, curves=False).analyses[0]
    assert isinstance(analysis.picture, KaplanMeierPicture)
    assert analysis.picture.x_max == 1200
    # R: survfit(Surv(100 * 1:12, rep(1, 12)) ~ 1, conf.type = "log"): median 650, limits 400 and NA.
    assert analysis.to_frame().set_index("group").loc["I", "median"] == 650


def test_curve_data_are_written_only_when_asked_for(tmp_path: Path) -> None:
    assert "tables/figure1_curve.csv" not in curve_study(tmp_path / "a", minimum=0, curves=False).files
    report = curve_study(tmp_path / "b", minimum=0, curves=True)
    rows = list(csv.DictReader(io.StringIO(report.files["tables/figure1_curve.csv"].decode().removeprefix("\ufeff"))))
    assert list(rows[0]) == ["group", "time", "n_at_risk", "survival", "ci_lower", "ci_upper"]
    first = [row for row in rows if row["group"] == "I"]
    assert [(float(row["time"]), int(row["n_at_risk"])) for row in first] == [(100.0 * i, 13 - i) for i in range(1, 13)]
    assert [float(row["survival"]) for row in first] == pytest.approx([(12 - i) / 12 for i in range(1, 13)], abs=1e-12)
    page = report.files["report.html"].decode()
    assert 'href="tables/figure1_curve.csv"' in page
    assert "tables/figure1_curve.csv" in json.loads(report.files["manifest.json"])["outputs"]


def test_curve_data_end_with_the_curve(tmp_path: Path) -> None:
    report = curve_study(tmp_path / "s", minimum=5, curves=True)
    rows = list(csv.DictReader(io.StringIO(report.files["tables/figure1_curve.csv"].decode().removeprefix("\ufeff"))))
    assert rows
    assert all(int(row["n_at_risk"]) >= 5 for row in rows)
    assert max(float(row["time"]) for row in rows if row["group"] == "I") == 800


# ---------------------------------------------------------------------------------------------------------------------
# Ids
# ---------------------------------------------------------------------------------------------------------------------


def texts_of(files: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Every file, archives unpacked and streams of a PDF inflated."""
    import zlib

    for name, content in files.items():
        yield name, content
        if name.endswith(".docx"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for part in archive.namelist():
                    yield f"{name}/{part}", archive.read(part)
        if name.endswith(".pdf"):
            for stream in re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
                try:
                    yield f"{name} stream", zlib.decompress(stream)
                except zlib.error:
                    continue


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def test_planted_ids_are_in_no_file(tmp_path: Path) -> None:
    """Ids in every table of the example, also in the order of swimmer and waterfall, are in nothing that is written."""
    from openpyxl import load_workbook

    folder = tmp_path / "study"
    shutil.copytree(cs.shipped_study("example"), folder)
    planted = re.compile(r"架空(\d{3})")
    book = load_workbook(next(folder.glob("*.xlsx")))
    replaced = 0
    for cell in (cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row):
        if isinstance(cell.value, str) and planted.search(cell.value):
            cell.value = planted.sub(r"ZQX\1", cell.value)
            replaced += 1
    book.save(next(folder.glob("*.xlsx")))
    for path in folder.glob("*.csv"):
        content = path.read_bytes()
        encoding = next(name for name in ("utf-8", "cp932") if _decodes(content, name))
        text, n = planted.subn(r"ZQX\1", content.decode(encoding))
        text, samples = re.subn(r"\bPL-(\d{3})", r"ZQX-PL\1", text)
        replaced += n + samples
        path.write_bytes(text.encode(encoding))
    study = cs.Study.read(folder)
    cohort = cs.load_cohort(study)
    assert replaced >= 50
    assert all(patient.startswith("ZQX") for patient in cohort.ids)
    report = cs.write_report(study, tmp_path / "out", formats=["html", "docx", "latex", "md", "csv"])
    for name, content in texts_of(report.files):
        assert b"ZQX" not in content, name
        assert "ZQX".encode("utf-16-be") not in content, name
    if (reader := shutil.which("pdftotext")) is not None:
        for path in (tmp_path / "out").rglob("*.pdf"):
            text = subprocess.run([reader, str(path), "-"], capture_output=True, check=True).stdout
            assert b"ZQX" not in text, path.name
