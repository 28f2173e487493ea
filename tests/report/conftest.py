"""The report of the shipped study, made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> cs.Report:
    return cs.write_report(cs.shipped_study("sakai2018"), tmp_path_factory.mktemp("reports") / "sakai2018")


@pytest.fixture
def study_copy(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the shipped study with texts replaced: ``copy(patients={"old": "new"})``."""

    def copy(**changes: dict[str, str]) -> Path:
        folder = tmp_path / "study"
        shutil.copytree(cs.shipped_study("sakai2018"), folder)
        for stem, replacements in changes.items():
            path = next(folder.glob(f"{stem}.*"))
            text = path.read_text(encoding="utf-8")
            for old, new in replacements.items():
                assert old in text, f"{old!r} is not in {path.name}"
                text = text.replace(old, new, 1)
            path.write_text(text, encoding="utf-8")
        return folder

    return copy
