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
IN_DAYS = "data/clinical/Rdatasets_asaur_pancreatic2.csv"
ANSWERS = "data/clinical/ANSWERS_pancreatic_R.csv"
# Label in the answers file -> exhibit.
EXHIBITS = {"PFS": "pfs_by_stage", "OS": "os_by_stage", "TTP": "ttp_by_stage"}
# median (log-log 95 % limits), n, events: R survfit, conf.type = "log-log".
OVERALL = {
    "pfs_all": (119, 61, 157, 41, 41),
    "os_all": (192, 143, 258, 41, 41),
    "ttp_all": (137, 64, 224, 41, 26),
    "pfs_at_cutoff_all": (138, 57, 180, 29, 21),
    "ttp_at_cutoff_all": (140, 63, 318, 29, 15),
    "os_at_cutoff_all": (202, 157, 350, 29, 19),
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
    assert cohort.endpoint("ttp_at_cutoff")["time"].sum() == 4480
    assert cohort.endpoint("os_at_cutoff")["time"].sum() == 6011


def test_declared_events_are_the_short_form(cohort: cs.Cohort) -> None:
    for short, declared in (("pfs", "pfs_declared"), ("ttp", "ttp_declared")):
        one, other = cohort.endpoint(short), cohort.endpoint(declared)
        assert (one["time"] == other["time"]).all()
        assert (one["event"] == other["event"]).all()
    reasons = cohort.endpoint("pfs_declared")["reason"].value_counts().to_dict()
    assert reasons == {"progression": 26, "death": 15}
    assert cohort.endpoint("ttp_declared")["reason"].value_counts().to_dict() == {"progression": 26, "death": 15}


def test_the_same_patients_in_days(cohort: cs.Cohort, shared: Callable[[str], Path]) -> None:
    # The other file of the data set has progression-free and overall survival of the same 41 patients in days.
    with shared(IN_DAYS).open(encoding="utf-8") as file:
        rows = {row["rownames"]: row for row in csv.DictReader(file)}
    assert len(rows) == 41
    for endpoint, column in (("pfs_declared", "pfs"), ("os", "os")):
        times = cohort.endpoint(endpoint)["time"]
        assert {str(patient): int(time) for patient, time in times.items()} == {
            patient: int(row[column]) for patient, row in rows.items()
        }


def test_a_month_is_a_twelfth_of_a_year(cohort: cs.Cohort) -> None:
    # The median of 119 days.
    median = numbers(cohort, "pfs_months_all")["all", "median"].value
    assert median == pytest.approx(119 / 30.4375, rel=1e-15)
    assert round(float(median), 4) == 3.9097  # type: ignore[arg-type]


def test_deaths_without_progression_are_printed(cohort: cs.Cohort) -> None:
    analysis = cs.make_exhibit(cohort, cohort.study.exhibit("ttp_with_deaths"))
    # R: survfit(Surv(time, cause) ~ 1), cause with the levels censored, event, death.
    expected = {
        "cumulative_incidence": (0.390, 0.537, 0.610),
        "cumulative_incidence_death": (0.122, 0.195, 0.244),
    }
    found = {record.statistic: record for record in analysis.records}
    for statistic, shares in expected.items():
        for time, share in zip((119, 180, 365), shares, strict=True):
            assert round(float(found[f"{statistic}_{time}"].value) / 100, 3) == share  # type: ignore[arg-type]
    (guard,) = [guard for guard in analysis.guards if guard.name == "deaths"]
    assert guard.text == (
        "15 patients died without the event and were censored at death. Cumulative incidence with death competing: "
        "at 119 days 39.0% with the event, 12.2% dead without it; at 180 days 53.7% with the event, 19.5% dead without "
        "it; at 365 days 61.0% with the event, 24.4% dead without it."
    )
    assert [guard.text for guard in analysis.guards if guard.name == "reasons"] == [
        "Events: 26 progression.",
        "Censored: 15 death.",
    ]


def test_who_started_after_the_cut_off_is_counted(cohort: cs.Cohort) -> None:
    analysis = cs.make_exhibit(cohort, cohort.study.exhibit("os_at_cutoff_all"))
    assert [guard.text for guard in analysis.guards if guard.name == "start after cut-off"] == [
        "12 patients who started after the data cut-off are not in the analysis."
    ]


def test_the_day_of_death_competes(cohort: cs.Cohort) -> None:
    # Of 29 who had started by the cut-off, 21 had progressed or died, 15 of them progressed.
    frame = cohort.endpoint("ttp_at_cutoff").dropna(subset="time")
    assert frame["cause"].value_counts().to_dict() == {"event": 15, "censored": 8, "death": 6}


def test_day_one_adds_a_day_and_nothing_else(cohort: cs.Cohort) -> None:
    plain, shifted = numbers(cohort, "ttp_by_stage"), numbers(cohort, "ttp_day_one_by_stage")
    assert shifted["LA", "median"].value == 319
    assert shifted["M", "median"].ci_upper == 141
    assert shifted["", "p_value"].p_value == plain["", "p_value"].p_value


def test_the_whole_report(cohort: cs.Cohort, tmp_path: Path) -> None:
    report = cs.write_report(cohort.study, tmp_path / "report")
    assert len(report.analyses) == 13
    assert not report.agreement.items
    assert "agreement.csv" not in report.files
