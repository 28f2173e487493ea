"""The documentation: its code prints what stands beside it, and the site builds with every public name and no dead link."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest

import cohortstats as cs
from cohortstats.study.sections import EXHIBITS

ROOT = Path(__file__).parents[1]


def _examples() -> ModuleType:
    spec = importlib.util.spec_from_file_location("examples", ROOT / "docs" / "examples.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXAMPLES = _examples()


@pytest.mark.parametrize("page", EXAMPLES.PAGES)
def test_code_prints_what_stands_beside_it(page: str, tmp_path: Path) -> None:
    written = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert "```" in written
    assert EXAMPLES.rewritten(page, tmp_path) == written, "run make docs"


def test_no_page_has_a_block_that_nobody_runs() -> None:
    for path in (ROOT / "docs").glob("*.md"):
        if path.name not in EXAMPLES.PAGES:
            assert not re.search(r"```(?:python|console)", path.read_text(encoding="utf-8")), path.name


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pages of the site by name. Strict: a name that is not found, or a link that leads nowhere, stops it."""
    if importlib.util.find_spec("material") is None or importlib.util.find_spec("mkdocstrings") is None:
        pytest.skip("extra 'docs' is not installed")
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (folder / "worker.js").is_file()
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.html")}


def ids_of(page: str) -> set[str]:
    return set(map(unescape, re.findall(r'\bid="([^"]*)"', page)))


def test_every_public_name_is_in_the_reference(site: dict[str, str]) -> None:
    documented = set().union(*(ids_of(text) for name, text in site.items() if name.startswith("functions-")))
    for name in cs.__all__:
        if name == "__version__":
            continue
        value = getattr(cs, name)
        homes = {f"cohortstats.{cs._HOME.get(name, 'errors')}.{name}", f"{value.__module__}.{name}"}
        assert homes & documented, name
        assert f">{name}</code></a>" in site["reference.html"], name
    assert cs.__version__ in site["reference.html"]


def test_every_link_inside_the_site_leads_somewhere(site: dict[str, str]) -> None:
    checked = 0
    for name, text in site.items():
        if name == "404.html":  # its links begin at the root of a server
            continue
        for target in map(unescape, re.findall(r'<a [^>]*?href="([^"]*)"', text)):
            if re.match(r"[a-z]+:", target):
                continue
            page, _, place = target.partition("#")
            assert (page or name) in site, f"{name}: {target}"
            assert not place or unquote(place) in ids_of(site[page or name]), f"{name}: {target}"
            checked += 1
    assert checked > 1000


def test_nothing_is_fetched_from_elsewhere(site: dict[str, str]) -> None:
    for name, text in site.items():
        sources = re.findall(r'<(?:script|img|iframe|source)[^>]*\bsrc="([^"]*)"|<link[^>]*\bhref="([^"]*)"', text)
        assert not [source for pair in sources for source in pair if re.match(r"(?:[a-z]+:)?//", source)], name
        assert "@import" not in text


def test_every_exhibit_has_its_section_and_what_it_prints() -> None:
    page = (ROOT / "docs" / "exhibits.md").read_text(encoding="utf-8")
    for name in EXHIBITS:
        [section] = re.findall(rf"^## `\[\[{name}\]\]`.*?(?=^## )", page, flags=re.DOTALL | re.MULTILINE)
        assert f"[[{name}]]" in re.findall(r"```toml\n(.*?)```", section, flags=re.DOTALL)[0]
        assert re.search(r"```console\n\$ cohortstats show howto \w+\n.+?```", section, flags=re.DOTALL)
