"""The first study file: guessed with evidence, and good enough to run at once."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

import cohortstats as cs
from cohortstats.loaders import propose_study, template_study, template_table
from cohortstats.loaders.guess import guess_column


def proposed(folder: Path, text: str, name: str = "cases.csv") -> dict[str, Any]:
    (folder / name).write_text(text, encoding="utf-8")
    study = propose_study(folder / name)
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


def test_the_messy_workbook_runs_at_once(tmp_path: Path) -> None:
    shutil.copy(cs.shipped_study("example") / "症例一覧.xlsx", tmp_path)
    text = propose_study(tmp_path / "症例一覧.xlsx")
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    cohort = cs.load_cohort(tmp_path)
    assert cohort.n == 52
    assert cohort.variable("T_DM1開始日").kind == "date"
    assert cohort.variable("前治療レジメン数").levels == ("0", "1", "2", "3", "４", "5以上")
    assert [exhibit.id for exhibit in cohort.study.exhibits] == ["table1", "table2"]


def test_suggested_endpoints_work_when_the_signs_are_taken_away(tmp_path: Path) -> None:
    shutil.copy(cs.shipped_study("example") / "症例一覧.xlsx", tmp_path)
    text = propose_study(tmp_path / "症例一覧.xlsx")
    head, mark, rest = text.partition("# [endpoints.resistance]")
    lines = [line.removeprefix("# ") for line in (mark + rest).splitlines()]
    (tmp_path / "study.toml").write_text(head + "\n".join(lines), encoding="utf-8")
    cohort = cs.load_cohort(tmp_path)
    assert cohort.endpoint("resistance")["event"].sum() == 8
    assert cohort.endpoint("ttp")["event"].sum() == 35


@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("Rdatasets_asaur_pancreatic.csv", 41),
        ("Rdatasets_survival_cancer.csv", 228),
        ("kaggle_brca_BREAST.dlm", 334),
        ("tcga_brca_pancan_data_clinical_patient.txt", 1084),
    ],
)
def test_tables_of_others_run_at_once(shared: Any, tmp_path: Path, name: str, n: int) -> None:
    shutil.copy(shared(f"data/clinical/{name}"), tmp_path)
    (tmp_path / "study.toml").write_text(propose_study(tmp_path / name), encoding="utf-8")
    assert cs.load_cohort(tmp_path).n == n


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
    assert "# ? a.csv row 2: Row 2 has 3 fields" in propose_study(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_bytes(b"")
    with pytest.raises(cs.DataError, match="has no rows"):
        propose_study(tmp_path / "b.csv")
