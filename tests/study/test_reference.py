"""The reference page is that of the declarations."""

from __future__ import annotations

from pathlib import Path

from cohortstats.study.reference import study_reference

ROOT = Path(__file__).parents[2]


def test_page_is_current() -> None:
    committed = (ROOT / "docs" / "study-file.md").read_text(encoding="utf-8")
    assert committed == study_reference(), "run make docs"
