"""A new cohort without touching code: only a study file. Answers are R's (survival 3.5-3), in the file named below."""

from __future__ import annotations

import csv
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs

HERE = Path(__file__).parent
DATA = "data/clinical/Rdatasets_asaur_pancreatic.csv"
ANSWERS = "data/clinical/ANSWERS_pancreatic_R.csv"
# Label in the answers file -> exhibit.
EXHIBITS = {"PFS": "pfs_by_stage", "OS": "os_by_stage", "TTP": "ttp_by_stage"}
# median (log-log 95 % limits), n, events: R survfit, conf.type = "log-log".
OVERALL = {
    "pfs_all": (119, 61, 157, 41, 41),
    "os_all": (192, 143, 258, 41, 41),
    "ttp_all": (137, 64, 224, 41, 26),
    "pfs_at_cutoff_all": (138, 57, 180, 29, 21),
}


@pytest.fixture(scope="module")
def cohort(shared: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> cs.Cohort:
    folder = tmp_path_factory.mktemp("pancreatic")
    shutil.copy(HERE / "pancreatic" / "study.toml", folder)
    shutil.copy(shared(DATA), folder)
    return cs.load_cohort(folder)


def numbers(cohort: cs.Cohort, exhibit: str) -> dict[tuple[str, str], cs.Result]:
    analysis = cs.make_exhibit(cohort, cohort.study.exhibit(exhibit))
    return {(record.group, record.statistic): record for record in analysis.records}


def same(ours: object, theirs: str) -> bool:
    if theirs == "NA":
        return isinstance(ours, float) and math.isnan(ours)
    return float(ours) == float(theirs)  # type: ignore[arg-type]


def test_medians_and_log_rank_equal_r(cohort: cs.Cohort, shared: Callable[[str], Path]) -> None:
    with shared(ANSWERS).open(encoding="utf-8") as file:
        answers = list(csv.DictReader(file))
    assert len(answers) == 6
    for answer in answers:
        exhibit = next(EXHIBITS[word] for word in answer["lab"].split() if word in EXHIBITS)
        found = numbers(cohort, exhibit)
        group = answer["level"]
        assert found[group, "n"].value == int(answer["n"])
        assert found[group, "events"].value == int(answer["events"])
        median = found[group, "median"]
        assert same(median.value, answer["median"])
        assert same(median.ci_lower, answer["lo_loglog"])
        assert same(median.ci_upper, answer["hi_loglog"])
        test = found["", "p_value"]
        assert test.value == pytest.approx(float(answer["logrank_chisq"]), rel=1e-10)
        assert test.p_value == pytest.approx(float(answer["logrank_p"]), rel=1e-10)


@pytest.mark.parametrize("exhibit", OVERALL)
def test_one_curve_for_all(cohort: cs.Cohort, exhibit: str) -> None:
    median, lower, upper, n, events = OVERALL[exhibit]
    found = numbers(cohort, exhibit)
    assert (found["all", "n"].value, found["all", "events"].value) == (n, events)
    record = found["all", "median"]
    assert (record.value, record.ci_lower, record.ci_upper) == (median, lower, upper)


def test_times_are_days_between_dates(cohort: cs.Cohort) -> None:
    # Sums of times: 7,321 days for PFS and TTP, 10,471 for OS; 4,480 at the cut-off, when 12 had not started.
    assert cohort.endpoint("pfs")["time"].sum() == 7321
    assert cohort.endpoint("ttp")["time"].sum() == 7321
    assert cohort.endpoint("os")["time"].sum() == 10471
    at_cutoff = cohort.endpoint("pfs_at_cutoff")
    assert at_cutoff["time"].sum() == 4480
    assert (at_cutoff["reason"] == "start after cut-off").sum() == 12


def test_day_one_adds_a_day_and_nothing_else(cohort: cs.Cohort) -> None:
    plain, shifted = numbers(cohort, "ttp_by_stage"), numbers(cohort, "ttp_day_one_by_stage")
    assert shifted["LA", "median"].value == 319
    assert shifted["M", "median"].ci_upper == 141
    assert shifted["", "p_value"].p_value == plain["", "p_value"].p_value


def test_the_whole_report(cohort: cs.Cohort, tmp_path: Path) -> None:
    report = cs.write_report(cohort.study, tmp_path / "report")
    assert len(report.analyses) == 9
    assert not report.agreement.items
    assert "agreement.csv" not in report.files
