"""Counts by level and quantiles of numbers: by hand, and the same from every engine as from a frame."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs

TYPES = {"arm": "text", "stage": "text", "er": "boolean", "seen": "date", "lines": "integer", "ratio": "real"}


def cohort(n: int = 300) -> dict[str, list[Any]]:
    random = np.random.default_rng(20180101)

    def gaps(values: Any, share: float) -> list[Any]:
        return [None if gone else value for value, gone in zip(values, random.random(n) < share, strict=True)]

    return {
        "arm": random.choice(["T-DM1", "b", "B"], n, p=[0.6, 0.3, 0.1]).tolist(),
        "stage": gaps(random.choice(["IV", "iv", "III", "年"], n).tolist(), 0.1),
        "er": gaps((random.random(n) < 0.4).tolist(), 0.2),
        "seen": gaps([dt.date(2016, 3, int(day)) for day in random.integers(1, 4, n)], 0.1),
        "lines": gaps(random.integers(0, 6, n).tolist(), 0.05),
        "ratio": gaps(np.where(random.random(n) < 0.02, np.inf, random.lognormal(0, 1, n)).tolist(), 0.3),
    }


CELLS = cohort()
FRAME = pd.DataFrame({name: pd.Series(CELLS[name], dtype=object) for name in TYPES}).astype(
    {"lines": "Int64", "ratio": "float64"}
)


@pytest.mark.parametrize("quartiles", [7, 2])
@pytest.mark.parametrize("by", [None, "arm"])
def test_an_engine_gives_the_frame_of_pandas(by: str | None, quartiles: Any, engine: str, load: Any) -> None:
    connection = load(CELLS, TYPES)
    frame = FRAME
    if engine == "sqlite":  # which has neither yes and no nor dates
        frame = FRAME.assign(er=FRAME["er"].map({True: 1, False: 0}), seen=FRAME["seen"].astype("string"))
    asked: dict[str, Any] = {"levels": ["stage", "er", "seen"], "numbers": ["lines", "ratio"], "by": by}
    known = cs.ColumnSummary.from_frame(frame, **asked, quartiles=quartiles)
    made = cs.ColumnSummary.from_sql(connection, table="cohort", **asked, quartiles=quartiles)
    assert made.groups == known.groups == (("all",) if by is None else ("B", "T-DM1", "b"))
    levels = {row.level for row in made.rows if row.variable == "er"}
    assert levels == ({"0", "1"} if engine == "sqlite" else {"False", "True"})
    pd.testing.assert_frame_equal(made.to_frame(), known.to_frame(), rtol=0, atol=0)


def test_numbers_by_hand() -> None:
    # R: quantile(c(4,5,8,10,12,15,18,21,24,31), c(.25,.5,.75), type = 7) is 8.5, 13.5, 20.25; type = 2: 8, 13.5, 21.
    frame = pd.DataFrame(
        {
            "x": [31, 4, 5, 8, 10, np.nan, 12, 15, 18, 21, 24],
            "s": pd.Categorical(list("aabbbaabbba"), ["b", "a", "c"]),
        }
    )
    rows = cs.ColumnSummary.from_frame(frame, levels=["s"], numbers=["x"]).rows
    assert [(row.level, row.n, row.total) for row in rows[:3]] == [("b", 6, 11), ("a", 5, 11), ("c", 0, 11)]
    assert (rows[3].n, rows[3].n_missing, rows[3].min, rows[3].max) == (10, 1, 4, 31)
    assert (rows[3].q1, rows[3].median, rows[3].q3) == (8.5, 13.5, 20.25)
    [row] = cs.ColumnSummary.from_frame(frame, numbers=["x"], quartiles=2).rows
    assert (row.q1, row.median, row.q3) == (8, 13.5, 21)


def test_only_those_that_count(load: Any) -> None:
    connection = load(CELLS, TYPES)
    made = cs.ColumnSummary.from_sql(
        connection, table="cohort", levels=["stage"], numbers=["lines"], where="arm != 'B' and lines >= 2"
    )
    inside = FRAME[(FRAME["arm"] != "B") & (FRAME["lines"] >= 2).fillna(False)]
    known = cs.ColumnSummary.from_frame(inside, levels=["stage"], numbers=["lines"])
    pd.testing.assert_frame_equal(made.to_frame(), known.to_frame(), rtol=0, atol=0)


def test_faults_together(load: Any) -> None:
    connection = load(CELLS, TYPES)
    with pytest.raises(cs.InputError) as told:
        cs.ColumnSummary.from_sql(
            connection, table="cohort", levels=["stag"], numbers=["stage", "er"], by="armm", where="ratio"
        )
    assert list(told.value.problems) == [
        "cohort has no column 'stag'; did you mean 'stage'?",
        "cohort has no column 'armm'; did you mean 'arm'?",
        "stage holds no numbers (text); name it in levels.",
        "er holds no numbers (yes/no); name it in levels.",
        "where: 'ratio' gives a number, yes or no is needed.",
    ]
    missing = sum(stage is None for stage in CELLS["stage"])
    with pytest.raises(
        cs.InputError, match=f"^by is missing in {missing} rows; exclude or complete these patients first"
    ):
        cs.ColumnSummary.from_sql(connection, table="cohort", numbers=["lines"], by="stage")


def test_a_frame_is_refused_in_the_same_words() -> None:
    with pytest.raises(cs.InputError) as told:
        cs.ColumnSummary.from_frame(FRAME, levels=["stag"], numbers=["stage"], by="er", quartiles=3)  # type: ignore[arg-type]
    assert told.value.problems[0] == "quartiles is 3; give 2 or 7."
    assert "the frame has no column 'stag'." in told.value.problems
    assert "stage holds no numbers (text); name it in levels." in told.value.problems
    assert told.value.problems[-1].startswith("by is missing at positions ")
