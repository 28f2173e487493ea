"""LaTeX: every sign prints as itself, nothing is a command, and what is written compiles."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohortstats.tables.table import Cell, Column, Row, RowGroup, Table
from cohortstats.tables.writers.latex import latex_document, write_latex
from cohortstats.tables.writers.latex_text import escape_latex, label_latex, needs_lualatex

HOSTILE = r"\input{/etc/passwd} \write18{ls} % & # $x^2_i$ {a} ~ ^^5c [b] *"


def table_of(*labels: str, columns: int = 1, rows: int = 1, **fields: object) -> Table:
    values = tuple(Column(label=f"Group {place}", note="n (%)") for place in range(columns))
    counts = tuple(Cell(value=(place + 1, 34), format="count (percent)", mark="a") for place in range(columns))
    groups = tuple(
        RowGroup(
            rows=(
                Row(kind="variable", cells=(Cell(value=label), *(Cell() for _ in values))),
                *(
                    Row(kind="level", indent=1, cells=(Cell(value=f"[{label}] level {line}"), *counts))
                    for line in range(rows)
                ),
            )
        )
        for label in labels
    )
    given: dict[str, object] = {
        "id": "table9",
        "number": "Table 9",
        "caption": "Caption: " + labels[0],
        "columns": (Column(label="Characteristic", align="left", kind="stub"), *values),
        "groups": groups,
        "footnotes": ("a Note: " + labels[0],),
        "style": "lancet",
    }
    return Table(**{**given, **fields})  # type: ignore[arg-type]


def compiled(folder: Path, program: str, *tables: Table) -> str:
    """Text of the pages; fails on an error of TeX."""
    for needed in (program, "pdftotext"):
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} is not on this machine")
    (folder / "tables").mkdir()
    for table in tables:
        (folder / "tables" / f"{table.id}.tex").write_text(write_latex(table), encoding="utf-8")
    (folder / "tables.tex").write_text(latex_document(tables), encoding="utf-8")
    command = [program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "tables.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    output = run.stdout.decode(errors="replace")
    if run.returncode and re.search(r"! LaTeX Error: File `[^']+' not found", output):
        pytest.skip("a package of LaTeX is not on this machine")
    assert run.returncode == 0, output[-2000:]
    pages = subprocess.run(["pdftotext", "-layout", "tables.pdf", "-"], cwd=folder, capture_output=True, check=True)
    return unicodedata.normalize("NFKC", pages.stdout.decode())


# ---------------------------------------------------------------------------------------------------------------------
# Signs
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sign", "written"),
    [
        ("\\", r"\textbackslash{}"),
        ("&", r"\&"),
        ("%", r"\%"),
        ("$", r"\$"),
        ("#", r"\#"),
        ("_", r"\_"),
        ("{", r"\{"),
        ("}", r"\}"),
        ("~", r"\textasciitilde{}"),
        ("^", r"\textasciicircum{}"),
        ("−", r"\ensuremath{-}"),
        ("≥", r"\ensuremath{\geq}"),
        ("α", r"\ensuremath{\alpha}"),
        ("Δ", r"\ensuremath{\Delta}"),
        ("Β", r"\ensuremath{\mathrm{B}}"),
        ("0·05", r"0\ensuremath{\cdot}05"),
        ("1–2", r"1\textendash{}2"),
        ("†", r"\textdagger{}"),
        ("--", "-{}-"),
        ("''", "'{}'"),
        ("é", "é"),
        ("e\u0301", "é"),
        ("\u00a0", "~"),
    ],
)
def test_signs(sign: str, written: str) -> None:
    assert escape_latex(sign) == written


def test_italics_and_nothing_else_are_markup() -> None:
    assert label_latex("*HER2* & *PIK3CA*") == r"\textit{HER2} \& \textit{PIK3CA}"
    assert label_latex("5 * 3") == "5 {*} 3"
    assert label_latex(r"*\input{x}*") == r"\textit{\textbackslash{}input\{x\}}"


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_no_text_holds_a_command_of_its_own(text: str) -> None:
    """What is left of an escaped text without our own commands has no sign that TeX reads."""
    ours = re.compile(
        r"\\(text[a-zA-Z]+\*?|ensuremath|quad|enspace|mbox|quotedblbase|guille[a-z]+|allowbreak)(?=[{])|\\,"
    )
    inside = re.compile(r"\{(\\[a-zA-Z]+|\\mathrm\{[A-Z]\}|[-\[\]*o+0-9]|\{\}\^\{(\\prime)+\}|)\}")
    left = re.sub(r"\\textsuperscript\{\\ensuremath\{-\}\}", "", escape_latex(text))
    left = re.sub(r"\\[&%$#_{}]", "", left)
    left = inside.sub("", ours.sub("", left))
    without = left.replace("~", "") if "\u00a0" in text else left
    assert not set(without) & set("\\&%$#_{}~^"), escape_latex(text)


def test_letters_that_pdflatex_does_not_print_ask_for_lualatex() -> None:
    assert "LuaLaTeX" in write_latex(table_of("年齢"))
    assert "LuaLaTeX" not in write_latex(table_of("Age ≥ 65, IFN-γ, naïve, ½, 10 µL, R² †"))
    assert needs_lualatex("Ж")
    assert not needs_lualatex("Łódź, Škoda, Đ")


# ---------------------------------------------------------------------------------------------------------------------
# Layout
# ---------------------------------------------------------------------------------------------------------------------


def test_a_table_of_booktabs() -> None:
    text = write_latex(table_of("Age"))
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 1
    assert r"\begin{threeparttable}" in text
    assert r"\caption{Caption: Age}\label{tab:table9}" in text
    assert r"\item a Note: Age" in text
    assert r"1 (3)\tnote{a}" in text
    assert r"\hline" not in text
    assert "|" not in text


def test_a_table_of_another_name_keeps_it() -> None:
    text = write_latex(table_of("Age", number="Figure 1"))
    assert r"\caption*{Figure 1. Caption: Age}" in text
    assert r"\label" not in text
    assert r"\setcounter" not in latex_document([table_of("Age", number="Figure 1")])
    assert r"\setcounter{table}{8}\input" in latex_document([table_of("Age")]).replace("\n", "")


def test_wide_and_long_tables_find_room() -> None:
    wide = write_latex(table_of("Age", columns=12))
    assert r"\begin{landscape}" in wide
    assert "longtable" not in wide.partition("\n\\")[2]
    long = write_latex(table_of("Age", rows=80))
    assert r"\begin{longtable}" in long
    assert r"\endfirsthead" in long
    assert r"\tnote" not in long, "its marks need the notes of threeparttable"
    assert "Wider than a page" in write_latex(table_of("Age", columns=40))
    named = write_latex(table_of("A label that is far too long for the column of names of any table " * 3, columns=5))
    assert r"\raggedright" in named
    assert r"\begin{landscape}" not in named


# ---------------------------------------------------------------------------------------------------------------------
# TeX
# ---------------------------------------------------------------------------------------------------------------------


def test_pdflatex_prints_what_is_written(tmp_path: Path) -> None:
    labels = [
        HOSTILE,
        "quotes: \"a\" ''b'' `c` --d-- <e> |f| <<g>> ?` !`",
        "−6 ≥ 5 ≤ 4 ± 3 × 2 ≠ 1 ≈ 0 → ∞ √ ° µ ² ½ † ‡ § ¶ • … “q” ‘r’ – — € ™ ®",
        "αβγδεζηθικλμνξοπρστυφχψω ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ",
        "naïve Łódź Škoda garçon Ångström Đuro ẞ".replace("ẞ", "ß"),
        "x" * 10_000,
    ]
    tables = [
        table_of(*labels),
        table_of("turned", columns=12, id="turned", number="Table 10"),
        table_of("broken", rows=80, id="broken", number="Table 11"),
        table_of("both", columns=11, rows=60, id="both", number="Table 12"),
        table_of("figure", id="figure1", number="Figure 1"),
    ]
    pages = compiled(tmp_path, "pdflatex", *tables)
    words = " ".join(pages.split())
    assert r"\input{/etc/passwd} \write18{ls} % & # $x^2_i$ {a} ~ ^^5c [b] *" in words
    assert "root:" not in pages
    assert "''b''" in words.replace("’", "'")
    assert "--d--" in words
    assert "Ångström" in words
    for number in ("Table 9.", "Table 10.", "Table 11.", "Table 12.", "Figure 1."):
        assert number in words
    assert "x" * 20 in words


def test_lualatex_prints_japanese(tmp_path: Path) -> None:
    table = table_of("年齢（歳）", HOSTILE, number="表9", lang="ja", caption="患者背景")
    words = "".join(compiled(tmp_path, "lualatex", table).split())
    assert "患者背景" in words
    assert "年齢(歳)" in words  # compatibility forms are read as ASCII
    assert "表9" in words
    assert r"\input{/etc/passwd}" in words
    assert "root:" not in words
