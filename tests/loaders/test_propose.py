"""The first study file: guessed with evidence, and good enough to run at once."""

from __future__ import annotations

import datetime as dt
import json
import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import cohortstats as cs
from cohortstats.cli import main
from cohortstats.loaders.guess import guess_column
from cohortstats.loaders.propose import propose, template_study, template_table
from cohortstats.report.start import start_study


def proposed(folder: Path, text: str, name: str = "cases.csv") -> dict[str, Any]:
    (folder / name).write_text(text, encoding="utf-8")
    study = propose(folder / name).study
    (folder / "study.toml").write_text(study, encoding="utf-8")
    cs.Study.read(folder)
    return tomllib.loads(study)


def columns(folder: Path, text: str) -> dict[str, Any]:
    found: dict[str, Any] = proposed(folder, text)["columns"]["patients"]
    return found


def test_the_id_is_the_first_full_column_without_repeats(tmp_path: Path) -> None:
    study = proposed(tmp_path, "site,id,age\nA,7,60\nA,8,61\n")
    assert study["data"]["patients"]["id"] == "id"
    assert study["study"]["n"] == 2


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["62", "７１", "不明"], "number"),
        (["2016/3/4", "H28.3.4", "NA"], "date"),
        (["20160304", "20160305"], "date"),
        (["12345678", "87654321"], "number"),
        (["+", "-", "+"], "yes/no"),
        (["あり", "なし"], "yes/no"),
        (["1", "0", "0"], "yes/no"),
        (["M", "F", "M"], "yes/no"),
        (["I", "II", "III", "I"], "ordered"),
        (["PR", "SD", "NE"], "ordered"),
        ([f"word {number}" for number in range(12)], "category"),
        ([f"word {number}" for number in range(30)], "text"),
        (["", " "], "text"),
    ],
)
def test_types(cells: list[str], kind: str) -> None:
    assert guess_column(cells, range(2, len(cells) + 2)).type == kind


def test_what_fails_is_a_code_or_a_question() -> None:
    cells = [str(40 + number) for number in range(40)] + ["不明", "62歳", "9999"]
    guess = guess_column(cells, range(2, 45))
    assert guess.type == "number"
    assert guess.missing == ("不明",)
    assert guess.questions == (
        "'62歳' (row 43) is no number: correct it, or add it to missing",
        "'9999' occurs 1 times: is it a code for missing?",
    )


def test_a_dash_can_be_missing_in_one_column_and_no_in_another(tmp_path: Path) -> None:
    study = proposed(tmp_path, "id,ER,age\n1,+,60\n2,-,-\n3,+,61\n")
    assert study["study"]["missing"] == [""]
    assert study["columns"]["patients"]["age"]["missing"] == ["-"]
    assert study["columns"]["patients"]["er"]["no"] == ["-"]


def test_the_order_of_day_and_month_is_seen_or_asked(tmp_path: Path) -> None:
    found = columns(tmp_path, "id,a,b,c\n1,3/14/2016,14/3/2016,3/4/2016\n2,3/4/2016,3/4/2016,4/4/2016\n")
    assert found["a"]["date_order"] == "mdy"
    assert found["b"]["date_order"] == "dmy"
    assert found["c"]["type"] == "text"
    text = (tmp_path / "study.toml").read_text(encoding="utf-8")
    assert "# ? is 3/4/2016 month or day first?" in text


def test_recist_words_come_in_their_order(tmp_path: Path) -> None:
    study = proposed(tmp_path, "id,best\n1,PD\n2,CR\n3,SD\n4,NE\n")
    assert study["columns"]["patients"]["best"]["order"] == ["CR", "PR", "SD", "PD"]
    assert study["study"]["missing"] == ["", "NE"]
    assert study["response"][0]["variable"] == "best"


def test_names_are_made_for_expressions_and_cells_cannot_leave_a_comment(tmp_path: Path) -> None:
    text = 'id,Tumour size (mm),missing,"a ""quoted"" name"\n1,12,yes,"x\n[study]"\n2,13,no,y\n3,14,no,z\n'
    found = columns(tmp_path, text)
    assert list(found) == ["tumour_size_mm", "x_missing", "a_quoted_name"]
    assert found["tumour_size_mm"]["from"] == "Tumour size (mm)"
    assert cs.load_cohort(tmp_path).n == 3


MESSY = [
    ["T-DM1投与症例一覧（架空）"],
    ["症例番号", "年齢", "病期", "ER", "前治療レジメン数", "ER(%)", "T-DM1開始日", "最良効果", "PD確認日", "最終評価日", "備考"],
    ["架空1", 48, "再発", "−", "1", "5%", 41775, "PR", "2014年12月28日", dt.date(2014, 12, 28), "架空"],
    ["架空2", "７７", "Stage IV", "陽性", "3", 0, dt.date(2014, 5, 19), "PD", "H26.7.22", dt.date(2014, 7, 22), None],
    ["架空3", 50, "再発", "+", "2", 70, "2014/7/30", "PR", None, dt.date(2015, 1, 22), None],
    ["架空4", "不明", "再発", "陰性", "５以上", 10, dt.date(2015, 2, 5), "NE", "2016/7/25", dt.date(2016, 7, 25), None],
]  # fmt: skip


def messy(folder: Path) -> Path:
    book = openpyxl.Workbook()
    for row in MESSY:
        book.active.append(row)
    book.active.merge_cells("A1:K1")
    book.active["G4"].number_format = "yyyy/mm/dd"
    book.save(folder / "症例一覧.xlsx")
    return folder / "症例一覧.xlsx"


def test_the_messy_workbook_runs_at_once(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(propose(messy(tmp_path)).study, encoding="utf-8")
    cohort = cs.load_cohort(tmp_path)
    assert cohort.n == 4
    kinds = {name: cohort.variable(name).kind for name in ("年齢", "病期", "er", "er_2", "T_DM1開始日", "PD確認日")}
    assert kinds == {
        "年齢": "number",
        "病期": "yes/no",
        "er": "yes/no",
        "er_2": "number",
        "T_DM1開始日": "date",
        "PD確認日": "date",
    }
    assert cohort.variable("前治療レジメン数").levels == ("1", "2", "3", "５以上")
    assert cohort.variable("er_2").unit == "percent"
    assert str(cohort["T_DM1開始日"].iloc[0])[:10] == "2014-05-16"  # day 41775 of the count from 1900
    assert [exhibit.id for exhibit in cohort.study.exhibits] == ["table1", "table2"]


def test_suggested_endpoints_work_when_the_signs_are_taken_away(tmp_path: Path) -> None:
    text = propose(messy(tmp_path)).study
    head, mark, rest = text.partition("# [endpoints.resistance]")
    lines = [line.removeprefix("# ") for line in (mark + rest).splitlines()]
    (tmp_path / "study.toml").write_text(head + "\n".join(lines), encoding="utf-8")
    cohort = cs.load_cohort(tmp_path)
    assert cohort.endpoint("resistance")["event"].sum() == 1
    assert cohort.endpoint("ttp")["event"].tolist() == [True, True, False, True]


def test_the_shipped_tables(tmp_path: Path) -> None:
    """Each is proposed; all that check finds is that of a cell below 1 % it is not said what it counts as."""
    tables = [path for path in cs.shipped_study("example").iterdir() if path.suffix in (".csv", ".xlsx")]
    tables += [cs.shipped_study("sakai2018") / name for name in ("patients.csv", "ctdna.csv")]
    for number, table in enumerate(tables):
        start_study(tmp_path / str(number), table=table)
        try:
            cs.load_cohort(tmp_path / str(number))
        except cs.DataError as error:
            assert {problem.code for problem in error.problems if problem.level == "error"} == {"number-inequality"}
            path = tmp_path / str(number) / "study.toml"
            text = path.read_text(encoding="utf-8")
            assert "is a limit: add beyond" in text
            path.write_text(text.replace('unit = "percent"', 'unit = "percent", beyond = "half"'), encoding="utf-8")
            cs.load_cohort(path.parent)


# ---------------------------------------------------------------------------------------------------------------------
# Exports of droplet digital PCR, visits, titles
# ---------------------------------------------------------------------------------------------------------------------

PLATES = Path(__file__).parents[1] / "ctdna" / "data"


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("quantasoft_old_TypeAssay_small.csv", ["Dean", "Dave", "Mike", "Emily", "Mary"]),
        ("quantasoft_v174_TargetType_test.csv", ["a1", "b2"]),
        ("qxmanager_1x_quant.csv", ["SMN2 Control 2 copies", "SMN2 Control 4 copies"]),
    ],
)
def test_an_export_is_a_table_of_wells(tmp_path: Path, name: str, samples: list[str]) -> None:
    start_study(tmp_path / "study", table=PLATES / name)
    text = (tmp_path / "study" / "study.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["data"]["wells"] == {
        "kind": "ddpcr",
        "file": name,
        "id": "sample",
        "rows": "many per patient",
    }
    assert "# ? is each sample a patient?" in text
    assert list(cs.load_cohort(tmp_path / "study").ids) == samples


def test_a_suggested_ratio_works(tmp_path: Path) -> None:
    start_study(tmp_path / "study", table=PLATES / "quantasoft_old_TypeAssay_small.csv")
    path = tmp_path / "study" / "study.toml"
    head, mark, rest = path.read_text(encoding="utf-8").partition("# [ctdna.consensus_fam]")
    lines = [line.removeprefix("# ") for line in (mark + rest).splitlines()[:5]]
    path.write_text(head + "\n".join(lines), encoding="utf-8")
    ratio = cs.load_cohort(path.parent)["consensus_fam"]
    # Well A01: 1,901 and 1,978 of 15,820 droplets.
    assert ratio["Dean"] == pytest.approx(math.log1p(-1901 / 15820) / math.log1p(-1978 / 15820), rel=1e-12)


def test_water_and_donors_are_told_from_patients(tmp_path: Path) -> None:
    lines = ["Well,Sample,Target,Concentration,Positives,Negatives,AcceptedDroplets"]
    for well, sample, k in (("A01", "P1", 300), ("A02", "P2", 0), ("A03", "healthy 1", 0), ("A04", "H2O", 0)):
        for target, count in (("HER2", k), ("EFTUD2", k)):
            copies = -1000 * math.log1p(-count / 14000) / 0.91 + 0.0
            lines.append(f"{well},{sample},{target},{copies:.12g},{count},{14000 - count},14000")
    (tmp_path / "plate.csv").write_text("\n".join(lines), encoding="utf-8")
    start_study(tmp_path / "study", table=tmp_path / "plate.csv")
    text = (tmp_path / "study" / "study.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["data"]["wells"]["ntc"] == ["H2O"]
    assert "# ? healthy 1: by their names no patients" in text
    assert cs.load_cohort(tmp_path / "study").ids == ("P1", "P2", "healthy 1")


def test_the_best_of_many_visits_is_suggested(tmp_path: Path) -> None:
    rows = [("a", "SD", 45, "x"), ("a", "PD", 90, "x"), ("b", "PR", 45, "x"), ("b", "CR", 90, "x")]
    rows += [("c", "PD", 45, "x"), ("c", "PD", 45, "y")]
    days = [
        f"{name},2016-01-01,{dt.date(2016, 1, 1) + dt.timedelta(day)},{word},{who}" for name, word, day, who in rows
    ]
    text = "patient,start,date,response,reader\n" + "\n".join(days) + "\n"
    study, _ = made(tmp_path, text)
    assert study["data"]["records"]["order"] == "date"
    path = tmp_path / "study" / "study.toml"
    head, mark, rest = path.read_text(encoding="utf-8").partition("# [derive.best_response]")
    lines = [line.removeprefix("# ") for line in (mark + rest).splitlines()[:8]]
    path.write_text(head + "\n".join(lines), encoding="utf-8")
    assert cs.load_cohort(path.parent).levels("best_response").tolist() == ["SD", "CR", "PD"]


def test_lines_above_the_names_are_passed_over(tmp_path: Path) -> None:
    study, _ = made(tmp_path, "report,2016\nby,me\nid,age,arm\n1,60,A\n2,61,B\n3,62,C\n")
    assert study["data"]["patients"]["header"] == 3
    assert list(study["columns"]["patients"]) == ["age", "arm"]
    assert cs.load_cohort(tmp_path / "study").n == 3


def test_names_without_rows_are_no_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,age\n", encoding="utf-8")
    with pytest.raises(cs.DataError, match="has no rows"):
        propose(tmp_path / "t.csv")


# ---------------------------------------------------------------------------------------------------------------------
# Tables of others: init, then check
# ---------------------------------------------------------------------------------------------------------------------

# File -> patients, and what check must say beside warnings: code and rows. Rows and columns are those of the sources;
# two rows a patient in colon, 8 patients with tumours, dates such as 2014-02 that lack their day.
OTHERS: dict[str, tuple[int, tuple[tuple[str, int], ...]]] = {
    "clinical/ANSWERS_Rdatasets_R.csv": (20, ()),
    "clinical/ANSWERS_pancreatic_R.csv": (6, ()),
    "clinical/Rdatasets_asaur_gastricXelox.csv": (48, ()),
    "clinical/Rdatasets_asaur_pancreatic.csv": (41, ()),
    "clinical/Rdatasets_asaur_pancreatic2.csv": (41, ()),
    "clinical/Rdatasets_survival_cancer.csv": (228, ()),
    "clinical/Rdatasets_survival_colon.csv": (929, ()),
    "clinical/Rdatasets_survival_gbsg.csv": (686, ()),
    "clinical/Rdatasets_survival_ovarian.csv": (26, ()),
    "clinical/Rdatasets_survival_rotterdam.csv": (2982, ()),
    "clinical/Rdatasets_survival_veteran.csv": (137, ()),
    "clinical/kaggle_brca_BREAST.dlm": (334, ()),
    "clinical/lifelines_gbsg2.csv": (686, ()),
    "clinical/tcga_brca_pancan_data_clinical_patient.txt": (1084, ()),
    "adam/cdiscpilot_adsl.xpt": (254, ()),
    "adam/cdiscpilot_adtte.xpt": (254, ()),
    "adam/cdiscpilot_dm.xpt": (306, ()),
    "adam/pharmaverseadam_adrs_onco.csv.gz": (306, (("date-partial", 13),)),
    "adam/pharmaverseadam_adsl.csv": (306, ()),
    "adam/pharmaverseadam_adtte_onco.csv": (254, ()),
    "adam/pharmaversesdtm_dm.csv": (306, ()),
    "adam/pharmaversesdtm_ds.csv": (306, ()),
    "adam/pharmaversesdtm_rs_onco_recist.csv": (8, tuple(("date-partial", row) for row in (5, 6, 7))),
    "adam/pharmaversesdtm_tr_onco_recist.csv": (8, tuple(("date-partial", row) for row in range(50, 62))),
    "adam/pharmaversesdtm_tu_onco_recist.csv": (8, ()),
}


@pytest.mark.parametrize("name", OTHERS)
def test_init_then_check(
    shared: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    n, errors = OTHERS[name]
    assert main(["init", str(tmp_path / "study"), "--from", str(shared(f"data/{name}"))]) == 0
    capsys.readouterr()
    assert main(["check", str(tmp_path / "study"), "--json"]) == (3 if errors else 0)
    told = json.loads(capsys.readouterr().out)
    assert tuple((each["code"], each["row"]) for each in told["problems"] if each["level"] == "error") == errors
    assert told["n_patients"] == (None if errors else n)
    text = (tmp_path / "study" / "study.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["study"]["n"] == n
    assert ("lacks its day" in text) == bool(errors)
    # What a profile may be is said where it is chosen.
    conventions = next(line for line in text.splitlines() if line.startswith("conventions"))
    assert all(f'"{profile}"' in conventions for profile in ("r", "ezr", "sas", "lifelines"))


def started(shared: Callable[[str], Path], folder: Path, name: str) -> dict[str, Any]:
    """The proposal for a file, its tables beside it, read as TOML."""
    start_study(folder / "study", table=shared(f"data/{name}"))
    return tomllib.loads((folder / "study" / "study.toml").read_text(encoding="utf-8"))


def kinds(study: dict[str, Any], table: str = "patients") -> dict[str, str]:
    return {name: "ordered" if "order" in keys else keys["type"] for name, keys in study["columns"][table].items()}


# By hand, from the sources' own descriptions.
TYPES: dict[str, dict[str, str]] = {
    "clinical/Rdatasets_asaur_pancreatic.csv": {
        "stage": "yes/no",
        "onstudy": "date",
        "progression": "date",
        "death": "date",
    },
    "clinical/Rdatasets_survival_cancer.csv": {
        "time": "number",
        "status": "yes/no",
        "age": "number",
        "sex": "yes/no",
        "ph_ecog": "number",
        "wt_loss": "number",
    },
    "clinical/Rdatasets_survival_rotterdam.csv": {
        "pid": "text",
        "size": "ordered",
        "nodes": "number",
        "recur": "yes/no",
        "death": "yes/no",
    },
    "clinical/kaggle_brca_BREAST.dlm": {
        "age": "number",
        "tumour_stage": "ordered",
        "her2_status": "yes/no",
        "date_of_surgery": "date",
        "date_of_last_visit": "date",
        "patient_status": "yes/no",
    },
    "clinical/lifelines_gbsg2.csv": {
        "horth": "yes/no",
        "tgrade": "ordered",
        "tsize": "number",
        "cens": "yes/no",
    },
    "clinical/tcga_brca_pancan_data_clinical_patient.txt": {
        "subtype": "ordered",
        "other_patient_id": "text",
        "ajcc_pathologic_tumor_stage": "category",
        "form_completion_date": "text",
        "os_status": "yes/no",
        "os_months": "number",
    },
    "adam/cdiscpilot_adtte.xpt": {
        "studyid": "category",
        "siteid": "text",
        "trtsdt": "date",
        "agegr1": "ordered",
        "aval": "number",
        "event": "yes/no",
    },
    "adam/pharmaverseadam_adsl.csv": {
        "subjid": "text",
        "sex": "yes/no",
        "arm": "ordered",
        "randdt": "date",
        "dthdt": "date",
        "rficdtc": "text",
    },
}


@pytest.mark.parametrize("name", TYPES)
def test_types_of_known_columns(shared: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    found = kinds(started(shared, tmp_path, name))
    assert {column: found[column] for column in TYPES[name]} == TYPES[name]


def test_what_is_an_event_in_known_tables(shared: Callable[[str], Path], tmp_path: Path) -> None:
    wanted = {
        # survival::cancer counts 1 = censored, 2 = dead; ADaM counts CNSR 1 = censored; cBioPortal writes both.
        "clinical/Rdatasets_survival_cancer.csv": ("status", ["2"], ["1"]),
        "adam/cdiscpilot_adtte.xpt": ("event", ["0"], ["1"]),
        "clinical/tcga_brca_pancan_data_clinical_patient.txt": ("os_status", ["1:DECEASED"], ["0:LIVING"]),
        "clinical/kaggle_brca_BREAST.dlm": ("patient_status", ["Dead"], ["Alive"]),
        "clinical/Rdatasets_survival_veteran.csv": ("status", ["1"], ["0"]),
    }
    for number, (name, (column, yes, no)) in enumerate(wanted.items()):
        found = started(shared, tmp_path / str(number), name)["columns"]["patients"][column]
        assert (found["yes"], found["no"]) == (yes, no), name


def test_a_status_of_1_and_2_is_a_question_and_cnsr_is_explained(shared: Callable[[str], Path], tmp_path: Path) -> None:
    started(shared, tmp_path / "a", "clinical/Rdatasets_survival_cancer.csv")
    text = (tmp_path / "a" / "study" / "study.toml").read_text(encoding="utf-8")
    assert "# ? '2' is taken as the event and '1' as censored: is that right?\nstatus = " in text
    started(shared, tmp_path / "b", "adam/cdiscpilot_adtte.xpt")
    text = (tmp_path / "b" / "study" / "study.toml").read_text(encoding="utf-8")
    assert "# 0 152, 1 102; the event is CNSR 0, anything else is censored\nevent = " in text


def test_many_rows_a_patient(shared: Callable[[str], Path], tmp_path: Path) -> None:
    study = started(shared, tmp_path, "adam/pharmaversesdtm_rs_onco_recist.csv")
    assert study["data"]["patients"] == {"file": "patients.csv", "id": "USUBJID", "rows": "one per patient"}
    assert study["data"]["records"] == {
        "file": "pharmaversesdtm_rs_onco_recist.csv",
        "id": "USUBJID",
        "rows": "many per patient",
        "order": "rsdtc",
    }
    assert kinds(study, "records")["rsstresc"] == "ordered"
    made = (tmp_path / "study" / "patients.csv").read_text(encoding="utf-8").splitlines()
    assert made[0] == "USUBJID,DOMAIN,STUDYID,RSTESTCD,RSTEST"
    assert len(made) == 1 + 8
    # The only trouble left is three dates without a day; with a day for them the study loads.
    path = tmp_path / "study" / "study.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"RSDTC", type = "date"', '"RSDTC", type = "date", impute = "last"'),
        encoding="utf-8",
    )
    cohort = cs.load_cohort(path.parent)
    assert (cohort.n, len(cohort.tables["records"].rows)) == (8, 66)


def taken_up(folder: Path) -> cs.Cohort:
    """The cohort when every suggested endpoint is taken up."""
    path = folder / "study" / "study.toml"
    head, mark, rest = path.read_text(encoding="utf-8").partition(
        "# Endpoints. Take away the # of what the study needs"
    )
    first, *lines = (mark + rest).splitlines()
    upto = lines.index("")
    path.write_text(
        "\n".join([head + first, *(line.removeprefix("# ") for line in lines[:upto]), *lines[upto:]]), encoding="utf-8"
    )
    return cs.load_cohort(path.parent)


@pytest.mark.parametrize(
    ("name", "endpoints"),
    [
        # n with a time, events: published or printed in the sources; colon and cancer as in R's survival package.
        ("clinical/Rdatasets_asaur_gastricXelox.csv", {"ttp": (48, 32)}),
        ("clinical/Rdatasets_asaur_pancreatic.csv", {"pfs": (41, 41), "os": (41, 41)}),
        ("clinical/Rdatasets_asaur_pancreatic2.csv", {"time_to_pfs": (41, 41), "time_to_os": (41, 41)}),
        ("clinical/Rdatasets_survival_cancer.csv", {"ttp": (228, 165)}),
        ("clinical/Rdatasets_survival_colon.csv", {"etype_1": (929, 468), "etype_2": (929, 452)}),
        ("clinical/Rdatasets_survival_gbsg.csv", {"rfs": (686, 299)}),
        ("clinical/Rdatasets_survival_rotterdam.csv", {"time_to_recur": (2982, 1518), "time_to_death": (2982, 1272)}),
        ("clinical/tcga_brca_pancan_data_clinical_patient.txt", {"os": (1084, 151), "pfs": (1082, 145)}),
        ("adam/cdiscpilot_adtte.xpt", {"ttp": (254, 152)}),
        ("adam/pharmaverseadam_adtte_onco.csv", {"os": (254, 3), "pfs": (254, 6), "rsd": (4, 1)}),
    ],
)
def test_suggested_endpoints_count_as_their_sources(
    shared: Callable[[str], Path], tmp_path: Path, name: str, endpoints: dict[str, tuple[int, int]]
) -> None:
    started(shared, tmp_path, name)
    cohort = taken_up(tmp_path)
    for endpoint, (n, n_events) in endpoints.items():
        frame = cohort.endpoint(endpoint)
        known = frame["time"].notna()
        assert (int(known.sum()), int(frame.loc[known, "event"].sum())) == (n, n_events), endpoint


# ---------------------------------------------------------------------------------------------------------------------
# Which column is the patient
# ---------------------------------------------------------------------------------------------------------------------


def made(folder: Path, text: str) -> tuple[dict[str, Any], str]:
    (folder / "t.csv").write_text(text, encoding="utf-8")
    start_study(folder / "study", table=folder / "t.csv")
    written = (folder / "study" / "study.toml").read_text(encoding="utf-8")
    return tomllib.loads(written), written


def test_a_day_without_repeat_is_not_the_patient(tmp_path: Path) -> None:
    study, text = made(tmp_path, "patient,sex,day,response\na,F,1,SD\na,F,42,PD\nb,M,2,PR\nb,M,43,PD\n")
    assert study["data"]["patients"]["id"] == "patient"
    assert study["data"]["records"]["order"] == "day"
    assert list(study["columns"]["patients"]) == ["sex"]
    assert "# patient names 2 patients in 4 rows" in text
    assert cs.load_cohort(tmp_path / "study").n == 2


def test_one_id_twice_is_a_slip_and_told(tmp_path: Path) -> None:
    rows = "".join(f"P{number:02d},{30 + number % 40}\n" for number in range(39)) + "P05,50\n"
    study, text = made(tmp_path, "patient_id,age\n" + rows)
    assert study["data"]["patients"] == {"file": "t.csv", "id": "patient_id", "rows": "one per patient"}
    assert "# ? patient_id names the patient, but not every row has its own: correct the file" in text
    with pytest.raises(cs.DataError) as error:
        cs.load_cohort(tmp_path / "study")
    assert [(problem.code, problem.row) for problem in error.value.problems] == [("id-duplicate", 41)]


def test_rows_are_numbered_where_nothing_names_the_patient(tmp_path: Path) -> None:
    study, text = made(tmp_path, "arm,time\nA,5\nB,5\nA,6\nA,6\n")
    assert study["data"]["patients"] == {"file": "t_numbered.csv", "id": "row", "rows": "one per patient"}
    assert "# ? no column names the patient: is every row another one?" in text
    assert (tmp_path / "study" / "t_numbered.csv").read_text(encoding="utf-8").startswith("row,arm,time\n2,A,5\n")
    assert cs.load_cohort(tmp_path / "study").ids == ("2", "3", "4", "5")


def test_records_that_nothing_sorts(tmp_path: Path) -> None:
    study, text = made(tmp_path, "patient,drug\na,x\na,y\nb,x\nb,z\n")
    assert "records" not in study["data"]
    assert "# ? no date and no number sorts the rows of a patient" in text
    assert cs.load_cohort(tmp_path / "study").n == 2


def test_a_table_called_patients_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text("patient,day\na,1\na,2\nb,1\nb,3\n", encoding="utf-8")
    start_study(tmp_path / "study", table=tmp_path / "patients.csv")
    cohort = cs.load_cohort(tmp_path / "study")
    assert [source.file for source in cohort.sources] == ["one_row_each_patients.csv", "patients.csv"]


@pytest.mark.parametrize(
    ("cells", "name", "kind", "question"),
    [
        (["007", "012", "100"], "chart", "text", ""),
        (["701", "702", "710"], "SITEID", "text", ""),
        (["4", "9", "12"], "thyroid", "number", ""),
        (["<1", *(str(n) for n in range(40))], "crp", "number", "is a limit: add beyond"),
        (["○", "", ""], "ascites", "yes/no", "does an empty cell mean no?"),
        (["1/13/14", "2/3/15", "4/5/16"], "seen", "text", "a year of two digits"),
        (["2014-02", *(f"2014-03-{n:02d}" for n in range(1, 31))], "seen", "date", "lacks its day"),
        (["Not Hispanic", "Hispanic"], "ethnic", "yes/no", "'Hispanic' is taken as yes"),
        (["1", "0"], "censored", "yes/no", "is 1 the event, or is it censoring?"),
        (["1", "1"], "status", "yes/no", "had everybody the event?"),
        (["IIA", "IIA"], "stage", "category", ""),
    ],
)
def test_what_names_and_signs_tell(cells: list[str], name: str, kind: str, question: str) -> None:
    guess = guess_column(cells, range(2, len(cells) + 2), name=name)
    assert guess.type == kind
    assert bool(guess.questions) == bool(question)
    assert question in " ".join(guess.questions)


def test_the_yes_of_two_words_denies_nothing() -> None:
    guess = guess_column(["Not Hispanic", "Hispanic"], [2, 3])
    assert (guess.yes, guess.no) == (("Hispanic",), ("Not Hispanic",))


def test_the_template_runs(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(template_study(), encoding="utf-8")
    (tmp_path / "patients.csv").write_text(template_table(), encoding="utf-8")
    cohort = cs.load_cohort(tmp_path)
    assert cohort.n == 3
    assert cohort.problems == ()
    assert "INVENTED" in template_study()
    assert len(cs.write_report(cohort.study, tmp_path / "out").analyses) == 4


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,x\n1,2,3\n4,5\n", encoding="utf-8")
    assert "# ? a.csv row 2: Row 2 has 3 fields" in propose(tmp_path / "a.csv").study
    (tmp_path / "b.csv").write_bytes(b"")
    with pytest.raises(cs.DataError, match="has no rows"):
        propose(tmp_path / "b.csv")


def test_a_few_decimals_with_a_limit_were_measured(tmp_path: Path) -> None:
    """Seven cells are enough to tell a ratio from levels such as 0, 1, 2 and 5以上."""
    text = "id,ratio,lines\n" + "".join(
        f"{place},{ratio},{lines}\n"
        for place, (ratio, lines) in enumerate(
            zip(["1.1", "2.6", "0.9", "1.0", "<1", "1.3", "3.1"], ["0", "1", "2", "5以上", "1", "0", "2"], strict=True)
        )
    )
    found = proposed(tmp_path, text)["columns"]["patients"]
    assert found["ratio"] == {"type": "number"}
    assert found["lines"]["order"] == ["0", "1", "2", "5以上"]
