"""Notes on the data: in the language of the page, by the names that its readers know; the terminal has English."""

from __future__ import annotations

import csv
import re
import shutil
from html import unescape
from pathlib import Path

import openpyxl
import pytest

import cohortstats as cs


def notes_of(page: str) -> list[str]:
    [block] = re.findall(r'<aside class="notes".*?</aside>', page, flags=re.DOTALL)
    return [unescape(re.sub(r"<[^>]*>", "", item)) for item in re.findall(r"<li>(.*?)</li>", block, flags=re.DOTALL)]


def page_of(study: Path, folder: Path, **options: str) -> str:
    cs.write_report(study, folder, formats=["html"], **options)  # type: ignore[arg-type]
    return (folder / "report.html").read_text(encoding="utf-8")


def text_of(page: str) -> str:
    """What is read on the page, up to the list of all results, whose methods are names in the file of results."""
    bare = re.sub(r"<(style|script).*?</\1>", "", page, flags=re.DOTALL)
    bare = re.sub(r"</?(?:em|b|i|sub|sup|span|text|tspan|small)\b[^>]*>", "", bare)
    return unescape(re.sub(r"<[^>]*>", "\n", bare)).partition("すべての結果（全桁")[0]


@pytest.fixture(scope="module")
def japanese(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of(cs.shipped_study("example"), tmp_path_factory.mktemp("notes") / "example")


def test_empty_columns_are_told_in_the_language_of_the_page(japanese: str) -> None:
    folder = cs.shipped_study("example")
    # Counted in the files as they came.
    sheet = openpyxl.load_workbook(folder / "症例一覧.xlsx")["症例一覧"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    column = rows[0].index("HER2 FISH")
    patients = [row for row in rows[1:] if row[0]]
    empty = sum(not row[column] for row in patients)
    with (folder / "治療歴.csv").open(encoding="utf-8-sig", newline="") as stream:
        regimens = list(csv.DictReader(stream))
    open_ended = sum(not line["PD日"] for line in regimens)

    notes = notes_of(japanese)
    assert f"HER2 FISH：{len(patients)}例中{empty}例に値がない。" in notes
    # A column without a label is called as in the file.
    assert f"PD日：{len(regimens)}件の記録中{open_ended}件に値がない。" in notes
    assert not any(re.search(r"[a-z]+_[a-z]+", note) for note in notes), "names of the study file are no words"


def test_the_terminal_keeps_english() -> None:
    messages = [problem.message for problem in cs.load_cohort(cs.shipped_study("example")).problems]
    assert messages
    assert all(message.isascii() for message in messages)
    assert any(re.fullmatch(r"\d+ of \d+ rows have no her2_fish\.", message) for message in messages)


def test_no_english_sentence_stands_on_a_japanese_page(japanese: str) -> None:
    """Two small words in a row are English prose; labels, drugs and programs of the example have none."""
    assert re.findall(r"\b[a-z]{2,} [a-z]{2,}\b", text_of(japanese)) == []


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        # Table 3 of Sakai et al. 2018 has 16 of the 34 patients; Figure 1 shows those 16.
        ("en", ": no value for 18 of 34 patients; Figure 1 uses 16."),
        ("ja", "：34例中18例に値がない（図1は16例）。"),
    ],
)
def test_patients_left_for_a_curve_are_told(lang: str, told: str, tmp_path: Path) -> None:
    page = page_of(cs.shipped_study("sakai2018"), tmp_path / lang, lang=lang)
    assert any(note.endswith(told) for note in notes_of(page))


def test_hidden_cells_hide_these_counts(tmp_path: Path) -> None:
    folder = tmp_path / "example"
    shutil.copytree(cs.shipped_study("example"), folder)
    path = folder / "study.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "privacy = { min_cell = 5 }\n", encoding="utf-8")
    assert "に値がない" not in page_of(folder, tmp_path / "out")
