"""``checklist.csv``: items of REMARK and STROBE as the run answers them."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.report.checklist import checklist_csv, checklist_items
from cohortstats.report.write import with_options

ROOT = Path(__file__).parents[2]
STUDIES = ("sakai2018", "example", "sepher2020")
REMARK = [str(number) for number in range(1, 21)]
STROBE = "1a 1b 2 3 4 5 6a 6b 7 8 9 10 11 12a 12b 12c 12d 12e 13a 13b 13c 14a 14b 14c 15 16a 16b 16c 17 18 19 20 21 22".split()
# Items on which a run cannot say anything.
FOR_AUTHORS = {
    "REMARK": {"1", "3", "4", "19", "20"},
    "STROBE": {"1a", "1b", "2", "3", "11", "18", "19", "20", "21", "22"},
}

Items = dict[tuple[str, str], tuple[str, tuple[str, ...]]]


def items_of(cohort: cs.Cohort, analyses: tuple[cs.Analysis, ...]) -> Items:
    return {(one.guideline, one.item): (one.status, one.evidence) for one in checklist_items(cohort, analyses)}


@pytest.fixture(scope="module")
def made() -> Callable[[str], tuple[cs.Cohort, tuple[cs.Analysis, ...]]]:
    known: dict[str, tuple[cs.Cohort, tuple[cs.Analysis, ...]]] = {}

    def load(study: str) -> tuple[cs.Cohort, tuple[cs.Analysis, ...]]:
        if study not in known:
            cohort = cs.load_cohort(cs.Study.read(ROOT / "data" / "raw" / study))
            known[study] = cohort, cs.make_exhibits(cohort)
        return known[study]

    return load


def test_the_file_of_a_report(report: cs.Report) -> None:
    text = report.files["checklist.csv"].decode()
    assert text.startswith("\ufeffguideline,item,topic,status,evidence\r\n")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["item"] for row in rows if row["guideline"] == "REMARK"] == REMARK
    assert [row["item"] for row in rows if row["guideline"] == "STROBE"] == STROBE
    assert {row["status"] for row in rows} <= {"met", "partly", "missing", "n/a", "author"}
    assert all(row["topic"] for row in rows)
    assert "checklist.csv" in report.files["manifest.json"].decode()


@pytest.mark.parametrize("study", STUDIES)
def test_evidence_is_an_exhibit_or_a_key_of_the_study_file(made, study: str) -> None:
    cohort, analyses = made(study)
    known = {analysis.id for analysis in analyses} | set(cohort.study.lines)
    for (guideline, item), (status, evidence) in items_of(cohort, analyses).items():
        assert set(evidence) <= known, (guideline, item)
        assert bool(evidence) == (status in ("met", "partly")), (guideline, item, status)
        assert (status == "author") == (item in FOR_AUTHORS[guideline]), (guideline, item)


def test_the_shipped_study(made) -> None:
    """By hand: what the paper's analyses, as declared, answer of each item."""
    items = items_of(*made("sakai2018"))
    assert items["REMARK", "5"] == ("partly", ("table3",))  # measured values, but no assay is declared
    assert items["REMARK", "6"] == ("partly", ("study.period",))  # no cut-off date, no follow-up
    assert items["REMARK", "7"] == ("met", ("endpoints.primary_resistance.text", "endpoints.ttp.text"))
    assert items["REMARK", "8"] == ("met", ("association.table4.rows", "time_to_event.figure1.groups"))
    assert items["REMARK", "9"] == ("met", ("table4",))  # the sizes of Figure 1 are withheld
    assert items["REMARK", "12"] == ("partly", ("table4",))  # no flow
    assert items["REMARK", "15"] == ("met", ("table4", "figure1"))
    assert items["REMARK", "16"] == ("missing", ())  # no regression
    assert items["STROBE", "13c"] == ("missing", ())
    assert items["STROBE", "14c"] == ("missing", ())
    assert items["STROBE", "16c"] == ("met", ("table4",))  # risk differences are absolute


def test_flow_assays_and_dates_of_the_example(made) -> None:
    items = items_of(*made("example"))
    assert items["REMARK", "2"][0] == "met"
    assert items["REMARK", "5"] == ("met", ("ctdna.her2_ratio", "ctdna.e545k", "table3"))
    assert items["REMARK", "12"] == ("met", ("figure1", "table4", "figure2"))
    assert items["STROBE", "12d"] == ("met", ("endpoints.ttp.censors", "endpoints.ttp.gaps"))
    assert items["STROBE", "13b"] == ("met", ("figure1",))
    assert items["STROBE", "14b"] == ("met", ("table5",))


def test_regressions_and_follow_up(made) -> None:
    items = items_of(*made("sepher2020"))
    curves = ("os_by_pertuzumab", "pfs_by_pertuzumab", "pfs_by_line", "os_from_tdm1_by_pertuzumab")
    models = ("cox_os", "cox_pfs", "cox_pfs_all")
    assert items["STROBE", "14c"] == ("met", curves)
    assert items["STROBE", "16a"][0] == "met"
    assert set(items["STROBE", "16a"][1]) == {*models, *curves}
    assert items["STROBE", "12a"] == ("met", ("study.conventions", *models, "regression.cox_pfs_all.strata"))
    assert items["REMARK", "14"] == ("n/a", ())  # no marker was measured


def test_a_status_follows_from_what_ran(made) -> None:
    cohort, analyses = made("sepher2020")
    silent = tuple(
        dataclasses.replace(a, records=tuple(r for r in a.records if r.statistic != "follow_up")) for a in analyses
    )
    assert items_of(cohort, silent)["STROBE", "14c"] == ("missing", ())
    without_models = tuple(a for a in analyses if not a.id.startswith("cox"))
    items = items_of(cohort, without_models)
    assert items["STROBE", "16a"][0] == "partly"
    assert items["STROBE", "12a"] == ("partly", ("study.conventions",))
    assert items["REMARK", "18"] == ("missing", ())
    assert items_of(cohort, ())["STROBE", "15"] == ("missing", ())


def test_an_endpoint_without_a_definition_and_a_cut_off_without_a_source(made) -> None:
    cohort, analyses = made("sakai2018")
    study = cohort.study
    endpoints = dict(study.endpoints)
    endpoints["ttp"] = dataclasses.replace(endpoints["ttp"], text="")
    derive = {**study.derive, "her2_amplified": dataclasses.replace(study.derive["her2_amplified"], cutoff="")}
    changed = dataclasses.replace(cohort, study=dataclasses.replace(study, endpoints=endpoints, derive=derive))
    items = items_of(changed, analyses)
    assert items["REMARK", "7"] == ("partly", ("endpoints.primary_resistance.text",))
    assert items["REMARK", "11"] == ("partly", ("derive.pik3ca_mutated.cutoff",))


def test_topics_in_both_languages(made) -> None:
    cohort, analyses = made("sakai2018")
    english = [one.topic for one in checklist_items(cohort, analyses)]
    japanese_study = with_options(cohort.study, lang="ja")
    japanese = [one.topic for one in checklist_items(dataclasses.replace(cohort, study=japanese_study), analyses)]
    assert len(english) == len(japanese) == len(REMARK) + len(STROBE)
    assert all(topic.isascii() for topic in english)
    assert not any(topic.isascii() for topic in japanese)
    text = checklist_csv(checklist_items(cohort, analyses))
    assert text.count("\r\n") == 1 + len(english)
