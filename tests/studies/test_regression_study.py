"""A regression from a study file to the page: an invented cohort, numbers as R's coxph, what `check` says of mistakes."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import math
import os
import random
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

import cohortstats as cs
from cohortstats.cli import main

STUDY = """
cohortstats = 1
[study]
id = "invented"
title = "Ninety invented patients"
n = 90
conventions = "r"
alpha = 0.05
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
age = { type = "number", unit = "years", label = "Age" }
receptor = { type = "yes/no", yes = ["positive"], no = ["negative"], labels = ["Positive", "Negative"], label = "Hormone receptor status" }
lines = { order = ["0-1", "2", "3 or more"], labels = ["0–1", "2", "3 or more"], label = "Prior lines of chemotherapy" }
treatment = { order = ["T-DM1", "Other"], label = "Treatment" }
days = { type = "number", unit = "days" }
event = { type = "yes/no" }
[derive.fast]
when = "event and days < 100"
[endpoints.pfs]
kind = "time to event"
time = "days"
event = "event"
unit = "days"
unknown = "exclude"
text = "days from the first dose to progression or death"
label = "Progression-free survival"
[endpoints.progressed]
kind = "binary"
when = "event"
unknown = "exclude"
"""
EXHIBIT = """
[[regression]]
id = "cox"
title = "Hazard ratios of progression or death"
endpoint = "pfs"
covariates = ["age", "receptor", "lines", "treatment"]
per = { age = 10 }
reference = { treatment = "Other" }
"""


def patients(seed: int = 20, n: int = 90) -> str:
    """Times in whole weeks, so that there are ties; three patients without a covariate."""
    dice = random.Random(seed)
    rows = ["id,age,receptor,lines,treatment,days,event"]
    for number in range(1, n + 1):
        age = dice.randint(34, 79)
        receptor = dice.random() < 0.55
        prior = dice.choice(["0-1", "0-1", "2", "3 or more"])
        arm = dice.choice(["T-DM1", "Other"])
        effect = {"0-1": 0.0, "2": 0.4, "3 or more": 0.9}[prior]
        hazard = 0.004 * math.exp(0.2 * (age - 55) / 10 - 0.5 * receptor + effect - 0.3 * (arm == "T-DM1"))
        time, leave = dice.expovariate(hazard), dice.uniform(60, 700)
        days, event = math.ceil(min(time, leave) / 7) * 7, time <= leave
        known_age = "" if number in (7, 31) else age
        known_receptor = "" if number == 50 else "positive" if receptor else "negative"
        rows.append(f"P{number:03},{known_age},{known_receptor},{prior},{arm},{days},{'yes' if event else 'no'}")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("invented")
    (folder / "study.toml").write_text(STUDY + EXHIBIT, encoding="utf-8")
    (folder / "patients.csv").write_text(patients(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def report(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> cs.Report:
    return cs.write_report(folder, tmp_path_factory.mktemp("reports") / "invented")


# R 4.2.2, survival 3.5-3, on this file: coxph(Surv(days, event) ~ ..., ties = "efron",
# control = coxph.control(eps = 1e-14, iter.max = 100)) with age / 10 and relevelled factors; summary(): ratio, lower,
# upper, z, P. One covariate each, then all four together.
RATIOS = {
    ("age", "univariable"): (1.32959456381471, 1.08946461458539, 1.62265178736291, 2.80309980182072, 0.00506140042342),
    ("receptor/yes", "univariable"): (1.053683184034, 0.624237791038, 1.778566226293, 0.195772694818, 0.844788082871),
    ("lines/2", "univariable"): (1.638521392476338, 0.920370718139931, 2.917033648167861, 1.677989379839849, 0.093349172289697),
    ("lines/3 or more", "univariable"): (3.221994117841994, 1.687249142657253, 6.152764184582104, 3.544837345131854, 0.000392855433074),
    ("treatment/T-DM1", "univariable"): (0.51082018915796, 0.30961054217403, 0.84279192762338, -2.6294689558778, 0.00855183395798),
    ("age", "multivariable"): (1.38890240784, 1.12856549281, 1.70929371029, 3.10201970729, 1.92205162359e-03),
    ("receptor/yes", "multivariable"): (1.16244594925, 0.683815919946, 1.97608822126, 0.556031296630, 0.578189460090),
    ("lines/2", "multivariable"): (1.83288432550, 1.00020347712, 3.35878151546, 1.96062235594, 0.0499230925111),
    ("lines/3 or more", "multivariable"): (3.89997226993, 1.97809541800, 7.68910517049, 3.92945444081, 8.51388050776e-05),
    ("treatment/T-DM1", "multivariable"): (0.619282753420, 0.368168629677, 1.04167247769, -1.80608445027, 0.0709051493267),
}  # fmt: skip
# n, events, likelihood ratio and P; cox.zph(fit)$table["GLOBAL", ]: chi-square and P.
MODELS = {
    ("age", "univariable"): (88, 62, 7.86591427546006, 0.00503753486091, 0.0463811281624, 0.8294844842931),
    ("receptor", "univariable"): (89, 61, 0.0385085419821, 0.8444255031587, 0.568662636012, 0.450790839101),
    ("lines", "univariable"): (90, 62, 11.5077996380586, 0.00317039269876, 0.769671458532, 0.680562423512),
    ("treatment", "univariable"): (90, 62, 6.88631966333213, 0.00868579175977, 1.347297530228, 0.245751122382),
    ("pfs", "multivariable"): (87, 61, 25.8878786557, 9.38165595617e-05, 1.82886575609805, 0.87228154463564),
}  # fmt: skip
# b' V^-1 b of the two coefficients of lines, with coef() and vcov() of the fits: chi-square, P (pchisq, df 2).
OVERALL = {"univariable": (12.62950472757731, 0.00180941378149953), "multivariable": (15.4974941676, 4.31282563118e-04)}


def results(report: cs.Report) -> dict[tuple[str, str, str], cs.Result]:
    analysis = next(analysis for analysis in report.analyses if analysis.id == "cox")
    return {(record.row, record.group, record.statistic): record for record in analysis.records}


def test_ratios_equal_r(report: cs.Report) -> None:
    found = results(report)
    assert {key[:2] for key in found if key[2] == "hazard_ratio"} == set(RATIOS)
    for (row, group), (ratio, lower, upper, z, p) in RATIOS.items():
        record, test = found[row, group, "hazard_ratio"], found[row, group, "p_value"]
        assert record.value == pytest.approx(ratio, rel=1e-9)
        assert record.ci_lower == pytest.approx(lower, rel=1e-9)
        assert record.ci_upper == pytest.approx(upper, rel=1e-9)
        assert test.value == pytest.approx(z, rel=1e-9)
        assert test.p_value == pytest.approx(p, rel=1e-9)
        assert record.method.startswith("Cox model, Efron ties")


def test_models_equal_r(report: cs.Report) -> None:
    found = results(report)
    for (row, group), (n, events, ratio, ratio_p, zph, zph_p) in MODELS.items():
        assert found[row, group, "n"].value == n
        assert found[row, group, "n_events"].value == events
        assert found[row, group, "likelihood_ratio"].value == pytest.approx(ratio, rel=1e-9)
        assert found[row, group, "likelihood_ratio"].p_value == pytest.approx(ratio_p, rel=1e-9)
        assert found[row, group, "proportionality"].value == pytest.approx(zph, rel=1e-7)
        assert found[row, group, "proportionality"].p_value == pytest.approx(zph_p, rel=1e-7)
    for group, (statistic, p) in OVERALL.items():
        assert found["lines", group, "p_value"].value == pytest.approx(statistic, rel=1e-9)
        assert found["lines", group, "p_value"].p_value == pytest.approx(p, rel=1e-9)
    assert found["pfs", "multivariable", "events_per_parameter"].value == 61 / 5


def test_table_and_methods_in_words(report: cs.Report) -> None:
    analysis = report.analyses[0]
    lines = {line[0]: line[1:] for line in analysis.table.strings()}
    assert analysis.table.number == "Table 1"
    assert lines["Age, per 10 years"] == ["88", "62", "1.33 (1.09–1.62)", "0.0051", "1.39 (1.13–1.71)", "0.0019"]
    assert lines["Other"] == ["40", "33", "1 (reference)", "", "1 (reference)", ""]
    # A limit that is not 1 does not print as 1.00 beside a P below 0.05.
    assert lines["2"][4:] == ["1.83 (1.0002–3.36)", "0.0499"]
    methods = report.files["methods.md"].decode()
    for part in (
        "estimated by Cox regression with Efron ties and Wald confidence limits and P values",
        "age, per 10 years; hormone receptor status (reference: Negative)",
        "Each was fitted alone. Fitted together: age, per 10 years; hormone receptor status",
        "The multivariable model had 12.2 events per parameter.",
        "Proportional hazards were tested",
        "P values of 8 hazard ratios of Table 1 were not adjusted",
        "survival 2",
    ):
        assert part in methods, part
    assert "Firth" not in methods


def test_results_csv_has_the_columns_of_every_exhibit(report: cs.Report) -> None:
    rows = list(csv.DictReader(io.StringIO(report.files["results.csv"].decode().removeprefix("\ufeff"))))
    assert list(rows[0])[:5] == ["study", "exhibit", "row", "group", "statistic"]
    ratio = next(
        row for row in rows if (row["row"], row["group"], row["statistic"]) == ("age", "univariable", "hazard_ratio")
    )
    assert float(ratio["value"]) == pytest.approx(RATIOS["age", "univariable"][0], rel=1e-9)
    assert ratio["ci_level"] == "0.95"
    assert ratio["n"] == "88"
    content = json.loads(report.files["results.json"])
    assert any(
        entry["statistic"] == "hazard_ratio" and entry["text"]["default"] == "1.33" for entry in content["results"]
    )


def test_two_runs_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    program = "import cohortstats as cs, sys; cs.write_report(sys.argv[1], sys.argv[2])"
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-W", "error", "-c", program, str(folder), str(tmp_path / seed)],
            check=True,
            capture_output=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        )
    one, two = (json.loads((tmp_path / seed / "manifest.json").read_text(encoding="utf-8")) for seed in ("1", "2"))
    assert one == two
    assert {"figures/cox.svg", "figures/cox.pdf", "figures/cox.png", "tables/cox.csv"} <= set(one["outputs"])


# ---- the page


def page_tests() -> ModuleType:
    """The parser of the tests of the page."""
    spec = importlib.util.spec_from_file_location("page_tests", Path(__file__).parents[1] / "report" / "test_page.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_structure_of_the_page(report: cs.Report) -> None:
    html = report.files["report.html"].decode()
    page = page_tests().parse(html)
    assert not page.unbalanced and not page.open
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert html.count("<caption>") == len(page.all("table"))
    assert all(attributes.get("scope") in {"col", "row", "rowgroup"} for attributes in page.all("th"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for svg in page.all("svg"):
        named = (svg["aria-labelledby"] or "").split()
        assert svg["role"] == "img"
        assert set(named) <= set(ids)
    addresses = {
        record.address for record in report.analyses[0].records if record.statistic in ("hazard_ratio", "p_value")
    }
    shown = {attributes.get("data-result") for attributes in page.all("td")}
    assert addresses <= shown


def test_the_forest_plot_stands_under_its_table_with_its_numbers(report: cs.Report) -> None:
    html = report.files["report.html"].decode()
    section = html[html.index('<section id="cox"') : html.index('<section id="methods"')]
    assert section.index("<table") < section.index("<figure")
    assert "<b>Forest plot of Table 1.</b>" in section
    description = re.search(r"<desc[^>]*>([^<]*)</desc>", section)
    assert description
    assert "Age, per 10 years, Univariable: 1.33 (1.09–1.62)" in description.group(1)
    details = section[section.index("<details>") :]
    assert details.count("<tr") == 1 + len(RATIOS)
    assert "1.3" in details


def test_a_regression_with_the_id_of_a_figure_is_a_figure(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text(patients(), encoding="utf-8")
    text = STUDY + EXHIBIT.replace('"cox"', '"figure2"')
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    html = cs.write_report(tmp_path, tmp_path / "report", formats=["html"]).files["report.html"].decode()
    section = html[html.index('<section id="figure2"') : html.index('<section id="methods"')]
    assert section.index("<figure") < section.index('<table class="exhibit')
    assert "<b>Figure 2.</b> Hazard ratios of progression or death." in section


def test_show_prints_the_table_and_its_records(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(folder), "cox"]) == 0
    shown = capsys.readouterr().out
    assert "Age, per 10 years" in shown
    assert "1.33 (1.09–1.62)" in shown
    assert main(["show", str(folder), "cox", "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    age = next(record for record in records if (record["row"], record["group"]) == ("age", "univariable"))
    assert age["hazard_ratio"] == pytest.approx(RATIOS["age", "univariable"][0], rel=1e-9)


# ---- mistakes


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {'"receptor", "lines"': '"recptor", "lines"'},
            "[[regression]] covariates: recptor is no column or derived name. Did you mean receptor?",
        ),
        (
            {'endpoint = "pfs"': 'endpoint = "progressed"'},
            "[[regression]] endpoint: progressed is a binary endpoint, a time to event endpoint is needed. "
            "Endpoints: pfs.",
        ),
        (
            {'treatment = "Other"': 'treatment = "Othr"'},
            "[[regression]] reference: 'Othr' is not among 'T-DM1', 'Other'. Did you mean 'Other'?",
        ),
        ({"per = { age = 10 }": "per = { lines = 10 }"}, "[[regression]] per: lines is ordered, a number is needed."),
        ({"per = { age = 10 }": "per = { age = 0 }"}, "[[regression]] per: the step of age must be above 0, not 0."),
        (
            {"per = { age = 10 }": 'multivariable = ["age", "fast"]'},
            "[[regression]] multivariable: fast is not among the covariates of the exhibit.",
        ),
        (
            {"per = { age = 10 }": 'strata = "lines"\npenalty = "firth"'},
            "[[regression]] penalty and strata exclude each other: Firth's estimate has no strata here.",
        ),
        (
            {"per = { age = 10 }": 'strata = "lines"'},
            "[[regression]] strata: lines is a covariate too; a stratum has no hazard ratio.",
        ),
        (
            {'covariates = ["age", ': 'covariates = ["age", "age", '},
            "[[regression]] covariates names age twice.",
        ),
        (
            {'covariates = ["age", ': 'covariates = ["fast", "age", '},
            "[[regression]] fast uses what happened after the start of time: days, event. "
            'Set formed = "after outcome" in [derive.fast], or "at baseline" if it was known then.',
        ),
        (
            {"per = { age = 10 }": 'ties = "effron"'},
            '[[regression]] ties must be "breslow", "efron" or "exact", not "effron". Did you mean "efron"?',
        ),
    ],
)  # fmt: skip
def test_mistakes_in_the_study_file_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, str], sentence: str
) -> None:
    text = STUDY + EXHIBIT
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    (tmp_path / "patients.csv").write_text(patients(), encoding="utf-8")
    assert main(["check", str(tmp_path), "--json"]) == 3
    problems = json.loads(capsys.readouterr().out)["problems"]
    told = [f"{problem['message']} {problem['mend']}".strip() for problem in problems if problem["level"] == "error"]
    assert sentence in told


def test_few_events_cost_no_report(tmp_path: Path) -> None:
    text = STUDY + EXHIBIT.replace("per = {", 'population = "days <= 28"\nper = {')
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    (tmp_path / "patients.csv").write_text(patients(), encoding="utf-8")
    report = cs.write_report(tmp_path, tmp_path / "report")
    table = report.analyses[0].table
    assert (
        "a 11 events for 5 parameters; at most 1 is supported. Not fitted with fewer than 5 events per parameter."
        in table.footnotes
    )
    assert "Prior lines of chemotherapy: 11 events for 2 parameters; at most 1 is supported." in table.footnotes
    assert "figures/cox.svg" in report.files
    content = json.loads(report.files["results.json"])
    assert {guard["guard"] for guard in content["guards"]} == {"few events", "comparisons"}
    assert "Without an estimate: multivariable model." in report.files["methods.md"].decode()


def test_an_outcome_based_group_is_declared_and_said(tmp_path: Path) -> None:
    text = STUDY.replace(
        'when = "event and days < 100"', 'when = "event and days < 100"\nformed = "after outcome"\nlabel = "Fast"'
    )
    text += EXHIBIT.replace('covariates = ["age", ', 'covariates = ["fast", "age", ')
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    (tmp_path / "patients.csv").write_text(patients(), encoding="utf-8")
    cohort = cs.load_cohort(tmp_path)
    analysis = cs.regression(cohort, cohort.study.exhibit("cox"))
    assert (
        "Fast: The grouping was formed after the outcome was known; its P value is descriptive."
        in analysis.table.footnotes
    )


def test_a_covariate_known_only_later_is_refused_or_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who had surgery had to live until then."""
    rows = ["id,start,surgery,end,seen"]
    rows += [
        f"P{n:02},2020-01-01,{'2020-03-01' if n % 2 else ''},2020-{4 + n % 8:02}-{1 + n:02},2021-01-01"
        for n in range(24)
    ]
    (tmp_path / "patients.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    dates = "\n".join(f'{name} = {{ type = "date" }}' for name in ("start", "surgery", "end", "seen"))
    head = STUDY[: STUDY.index("[columns.patients]")].replace("n = 90", "n = 24")
    text = f"""{head}[columns.patients]
{dates}
[derive.operated]
when = "surgery is not missing"
label = "Operated"
formed = "at baseline"
[endpoints.pfs]
kind = "time to event"
start = "start"
event = "end"
censor = "seen"
unknown = "exclude"
[[regression]]
id = "cox"
title = "T"
endpoint = "pfs"
covariates = ["operated"]
models = ["univariable"]
"""
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    assert main(["check", str(tmp_path)]) == 3
    assert "Patients had to survive to be in this group." in capsys.readouterr().out
    (tmp_path / "study.toml").write_text(text + "allow_immortal = true\n", encoding="utf-8")
    cohort = cs.load_cohort(tmp_path)
    analysis = cs.regression(cohort, cohort.study.exhibit("cox"))
    assert [(guard.name, guard.row) for guard in analysis.guards] == [("immortal time", "operated")]
    assert any(
        note.startswith("Operated: Patients had to survive to be in this group.") for note in analysis.table.footnotes
    )


def test_univariable_and_multivariable_models_of_a_published_kind(tmp_path: Path) -> None:
    """Progression by earlier treatment, adjusted for what was chosen beforehand, stratified, with exact ties."""
    text = STUDY + EXHIBIT.replace(
        "per = { age = 10 }",
        'per = { age = 5 }\nmultivariable = ["treatment", "age"]\nties = "exact"\nproportionality = false\n'
        'labels = { treatment = "Drug" }',
    )
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    (tmp_path / "patients.csv").write_text(patients(), encoding="utf-8")
    cohort = cs.load_cohort(tmp_path)
    analysis = cs.regression(cohort, cohort.study.exhibit("cox"))
    lines = {line[0]: line[1:] for line in analysis.table.strings()}
    assert lines["Drug"] == ["", "", "", "", "", ""]
    assert lines["2"][4:] == ["", ""]
    assert analysis.table.footnotes[0] == "Cox regression, exact ties; Wald confidence limits and P."
    assert not [record for record in analysis.records if record.statistic == "proportionality"]
