"""Notebooks run, say what they should, and equal their paired script."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def script_cells(path: Path) -> list[tuple[str, str]]:
    """Cells of a py:percent script: kind and source."""
    body = path.read_text(encoding="utf-8").split("# ---\n", 2)[-1]
    cells = []
    for part in re.split(r"^# %%", body, flags=re.MULTILINE)[1:]:
        head, _, source = part.partition("\n")
        if "[markdown]" in head:
            source = "\n".join(line.removeprefix("#").removeprefix(" ") for line in source.strip().splitlines())
            cells.append(("markdown", source))
        else:
            cells.append(("code", source.strip()))
    return cells


def notebook_cells(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_pair_is_equal_and_outputs_are_stripped(path: Path) -> None:
    cells = notebook_cells(path)
    assert [(cell["cell_type"], "".join(cell["source"])) for cell in cells] == script_cells(path.with_suffix(".py"))
    assert len(cells) <= 12
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)


def run_cells(path: Path) -> dict[str, Any]:
    """Names after running the code cells, as a kernel would leave them."""
    names: dict[str, Any] = {}
    for kind, source in script_cells(path):
        if kind == "code":
            exec(compile(source, path.name, "exec"), names)
    return names


def test_reproduce_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_cells(ROOT / "notebooks" / "01_reproduce.py")
    results = names["table4"].results
    p = results[results.statistic == "p_value"].p_value.tolist()
    # Sakai et al. 2018, Table 4: 1, 0.438, 0.438, 1, 0.462, 1, 0.245, 0.05 as exact fractions.
    exact = [1, Fraction(13007, 29667), Fraction(13007, 29667), 1, Fraction(4569, 9889), 1, Fraction(89, 364)]
    assert p == [float(value) for value in [*exact, Fraction(1, 20)]]
    assert names["fisher"].p_exact == Fraction(1, 20)
    assert not names["fisher"].significant(0.05)
    medians = names["figure1"].to_frame().set_index("group")["median"]
    assert (medians["yes"], medians["no"]) == (56.5, 318.0)
    assert names["ledger"].counts["agrees"] == 158


def test_new_cohort_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_cells(ROOT / "notebooks" / "02_new_cohort.py")
    assert [(row, code) for row, code in zip(names["problems"].row, names["problems"].code, strict=True)] == [
        (9, "out-of-range"),
        (7, "number-inequality"),
    ]
    assert names["cohort"].values("age")["002"] == 61  # ６１
    assert names["cohort"].values("her2_ratio")["006"] == 1  # <1
    moved = (names["before"] == "yes") & (names["after"] == "no")
    assert list(moved.index[moved]) == ["007"]  # 1.3 lies between 1.25 and 2.0
    assert (tmp_path / "results" / "report.html").is_file()


def outputs_in_a_kernel(name: str, folder: Path) -> list[Any]:
    nbclient = pytest.importorskip("nbclient", reason="extra 'notebook' is not installed")
    nbformat = pytest.importorskip("nbformat", reason="extra 'notebook' is not installed")
    pytest.importorskip("ipykernel", reason="extra 'notebook' is not installed")
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_new_cohort_notebook_in_a_kernel(tmp_path: Path) -> None:
    outputs = outputs_in_a_kernel("02_new_cohort.ipynb", tmp_path)
    text = "\n".join(str(output.get("data", {}).get("text/plain", "")) for output in outputs)
    assert "'520' is outside 18 to 110." in text
    assert "224 (181–NR)" in text  # R: survfit, group er = +, conf.type = "log"


def test_reproduce_notebook_in_a_kernel(tmp_path: Path) -> None:
    outputs = outputs_in_a_kernel("01_reproduce.ipynb", tmp_path)
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert {"text/html", "text/plain", "text/markdown", "image/svg+xml", "image/png"} <= kinds
    text = "\n".join(str(output.get("data", {}).get("text/plain", "")) for output in outputs)
    assert "162 values: 158 agree" in text
    assert "56.5 (36-NA)" in text
