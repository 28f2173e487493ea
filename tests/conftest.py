"""Files that are not shipped: found beside the checkout or where COHORTSTATS_SHARED says, else their tests are skipped."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("COHORTSTATS_SHARED") or Path(__file__).parents[2] / "shared")


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Path of a file that is not shipped, such as ``data/clinical/x.csv``."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.is_file():
            pytest.skip(f"{name} is not here; set COHORTSTATS_SHARED to the folder that holds it")
        return path

    return find
