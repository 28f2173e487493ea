"""Rules of the house that no type checker sees."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cohortstats as cs

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "cohortstats"
MODULES = sorted(SOURCE.rglob("*.py"))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def modules_after(code: str) -> set[str]:
    """Top-level packages loaded by a fresh interpreter that runs ``code``."""
    script = f"{code}\nimport sys\nprint(' '.join(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split("\n")[-2].split())


def test_help_loads_neither_numpy_nor_pandas() -> None:
    loaded = modules_after("import cohortstats.cli as c\ntry:\n    c.main(['--help'])\nexcept SystemExit:\n    pass")
    assert not loaded & {"numpy", "pandas", "scipy", "matplotlib", "jinja2", "lifelines", "statsmodels", "openpyxl"}


def test_import_is_light() -> None:
    assert not modules_after("import cohortstats") & {"scipy", "matplotlib", "pandas", "lifelines", "statsmodels"}


def test_report_uses_no_pyplot_and_no_second_engine() -> None:
    code = "import cohortstats as cs, sys\ncs.reproduce()\nassert 'matplotlib.pyplot' not in sys.modules"
    assert not modules_after(code) & {"lifelines", "statsmodels", "sksurv"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_forbidden_calls(path: Path) -> None:
    tree = ast.parse(text_of(path))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__"}
    if path.parent.name != "cli":
        assert "print" not in called
    # printed/cells.py asks on exact fractions how a paper may have rounded; it writes no number.
    if path not in {SOURCE / "tables" / "numbers.py", SOURCE / "printed" / "cells.py"}:
        assert "round" not in called, "tables/numbers.py is the only rounding in the package"
    imported = {
        alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    } | {(node.module or "").partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & {"pickle", "socket", "urllib", "requests", "http", "random", "time"}
    if path.name != "second_engine.py":  # which asks another program, and loads it when it does
        assert "scipy.stats" not in text_of(path), "scipy.special is enough, and loads at once"
    assert not re.search(r"1(\.0)? ?- ?[\w.]*cdf\(", text_of(path)), "use sf"


WRITES = [path for path in MODULES if path.relative_to(SOURCE).parts[0] in {"tables", "analysis", "report"}]


@pytest.mark.parametrize("path", WRITES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_numbers_are_written_in_one_place(path: Path) -> None:
    # Elsewhere a format may stand in a message, which shows what the user typed, or in the coordinates of a drawing.
    assert path == SOURCE / "tables" / "numbers.py" or not re.search(r":[+,]?\.\d+[fge%]\}", text_of(path))


def public_functions() -> list[str]:
    return [name for name in cs.__all__ if inspect.isfunction(getattr(cs, name))]


def test_every_public_name_is_listed_and_loads() -> None:
    for name in cs.__all__:
        assert getattr(cs, name) is not None
    assert sorted(cs.__all__) == sorted(set(cs.__all__))


@pytest.mark.parametrize("name", public_functions())
def test_public_functions_are_documented(name: str) -> None:
    doc = inspect.getdoc(getattr(cs, name)) or ""
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert re.search(rf"^{section}\n-+", doc, re.MULTILINE), f"{name} lacks {section}"
    assert ">>>" in doc


@pytest.mark.parametrize("name", [name for name in cs.__all__ if inspect.isclass(getattr(cs, name))])
def test_public_classes_are_documented(name: str) -> None:
    doc = inspect.getdoc(getattr(cs, name)) or ""
    assert re.search(r"^Examples\n-+\n>>>", doc, re.MULTILINE), f"{name} lacks an example"


STATISTICS = [name for name in public_functions() if getattr(cs, name).__module__.startswith("cohortstats.stats")]
EXHIBITS = ["association", "characteristics", "listing", "measurements", "response", "time_to_event"]


@pytest.mark.parametrize("name", [*STATISTICS, *EXHIBITS])
def test_statistics_name_formula_and_equivalent(name: str) -> None:
    doc = inspect.getdoc(getattr(cs, name)) or ""
    assert re.search(r"^Notes\n-+", doc, re.MULTILINE), f"{name} lacks Notes"
    assert re.search(r"\bR\b", doc), f"{name} names no R equivalent"


def tracked_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_index_address_and_no_machine_path() -> None:
    addresses = re.compile(
        rb"https?://[^\s\"']*(?:" + b"|".join([b"py" + b"pi", b"python" + b"hosted", b"npm" + b"js"]) + rb")"
    )
    places = re.compile(rb"(?:^|[\s\"'(=])/(?:tmp|root|home|work)/\w")
    for path in tracked_files():
        if path.suffix in {".png", ".pdf", ".xlsx", ".gz"}:
            continue
        content = path.read_bytes()
        assert not addresses.search(content), path
        assert not places.search(content), path
