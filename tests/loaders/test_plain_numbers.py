"""Plain numbers are read all at once; what comes of it is what comes of reading them one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cohortstats.loaders import values
from cohortstats.loaders.values import type_column
from cohortstats.study import Column

PLAIN = ["62", " 62 ", "６３", "-3", "+4", "1e3", "12.50", "0.1", "", "NA", "1E-5", "007"]


def both(cells: list[str], monkeypatch: pytest.MonkeyPatch, **keys: Any) -> list[tuple[Any, ...]]:
    """Data, missing, faults and notes: read quickly where that is possible, and one by one."""
    column = Column(name="x", table="patients", type="number", **keys)
    found = []
    for _ in range(2):
        typed = type_column(np.array(cells, dtype=object), column, ["", "NA"])
        data = np.nan_to_num(typed.values.data, nan=-99.0).tolist()
        found.append((data, typed.values.missing.tolist(), typed.values.unit, typed.faults, typed.notes))
        monkeypatch.setattr(values, "_plain_numbers", lambda *_: None)
    return found


@pytest.mark.parametrize(
    ("cells", "keys"),
    [
        (PLAIN, {}),
        (PLAIN, {"unit": "years", "range": (-10, 2000)}),
        (PLAIN, {"range": (0, 100)}),
        (PLAIN, {"range": (0, 100), "range_action": "warn"}),
        (PLAIN, {"missing": ("62",)}),
        ([*PLAIN, "6O"], {}),
        ([*PLAIN, "<1"], {"beyond": "half"}),
        ([*PLAIN, "1e999"], {}),
        ([*PLAIN, "nan", "inf"], {}),
        (["18a", "18"], {"footnotes": ("a",)}),
        (["1,5", "2"], {"decimal": ","}),
        (["", "NA"], {}),
    ],
)
def test_quick_and_slow_agree(cells: list[str], keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    quick, slow = both(cells, monkeypatch, **keys)
    assert quick == slow


def test_the_quick_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("plain numbers are read one by one")

    monkeypatch.setattr(values, "_reader", refuse)
    column = Column(name="x", table="patients", type="number", unit="mm", range=(0, 100))
    typed = type_column(np.array(["1", "2.5", "", "1"], dtype=object), column, [""])
    assert typed.values.data.tolist()[:2] == [1.0, 2.5]
    assert typed.values.missing.tolist() == [False, False, True, False]
