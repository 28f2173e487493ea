"""A Spark session gives the tables that the arrays give."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.engines.columns import open_table
from cohortstats.engines.fragments import joined, sql
from cohortstats.engines.where import expression_as_sql

N = 120


def cohort() -> pd.DataFrame:
    random = np.random.default_rng(20180101)
    return pd.DataFrame(
        {
            "days": random.integers(0, 40, N),
            "years": random.choice([0.3, 0.1 + 0.2, 0.7, 1.1 * 3, 3.3, 0.0], N),
            "died": random.random(N) < 0.6,
            "arm": random.choice(["B", "a", "é", "年"], N),
            "a`b; 50% {} ?": random.choice([10, 9, 2], N),
            "age": np.where(random.random(N) < 0.2, np.nan, random.integers(30, 90, N)),
            "seen": [dt.date(2016, 2, 27) + dt.timedelta(days=int(day)) for day in random.integers(0, 5, N)],
        }
    )


FRAME = cohort()
SITE = "a`b; 50% {} ?"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spark") / "cohort.parquet"
    with duckdb.connect() as connection:
        connection.register("frame", FRAME)
        connection.execute(f"COPY (SELECT * REPLACE (CAST(seen AS DATE) AS seen) FROM frame) TO '{path}'")
    return path


@pytest.fixture(scope="module")
def session(spark: Any, files: Path) -> Any:
    spark.read.parquet(str(files)).createOrReplaceTempView("cohort")
    return spark


def same(one: cs.EventTable, two: cs.EventTable) -> bool:
    names = ("stratum", "group", "time", "n_at_risk", "n_event", "n_censored")
    return one.groups == two.groups and all(getattr(one, n).tobytes() == getattr(two, n).tobytes() for n in names)


def test_events(session: Any) -> None:
    made = cs.EventTable.from_sql(session, table="cohort", time="days", event="died", group=SITE, strata="arm")
    assert same(made, cs.EventTable.from_arrays(FRAME["days"], FRAME["died"], FRAME[SITE], FRAME["arm"]))
    made = cs.EventTable.from_sql(session, table="cohort", time="years", event="died", group="arm", where="age >= 60")
    old = FRAME[FRAME["age"] >= 60]
    assert same(made, cs.EventTable.from_arrays(old["years"], old["died"], old["arm"]))


def test_counts_of_a_file(session: Any, files: Path) -> None:
    made = cs.CountTable.from_sql(session, table=files, outcome="died and age is not missing", group="arm")
    assert made.groups == ("B", "a", "é", "年")
    for arm, events, total in zip(made.groups, made.events, made.totals, strict=True):
        mine = FRAME[FRAME["arm"] == arm]
        assert (events, total) == (int((mine["died"] & mine["age"].notna()).sum()), len(mine))
    with pytest.raises(cs.InputError, match=r"^Spark reads all\.csv without names of columns"):
        cs.CountTable.from_sql(session, table="all.csv", outcome="died")


def test_column_summary(session: Any) -> None:
    asked: dict[str, Any] = {"levels": ["arm", "seen", SITE], "numbers": ["age", "years"], "by": "died"}
    made = cs.ColumnSummary.from_sql(session, table="cohort", **asked)
    known = cs.ColumnSummary.from_frame(FRAME, **asked)
    pd.testing.assert_frame_equal(made.to_frame(), known.to_frame(), rtol=0, atol=0)


def test_faults(session: Any) -> None:
    with pytest.raises(cs.InputError) as told:
        cs.EventTable.from_sql(session, table="cohort", time="dayz", event="arm", where="sex == 'F'")
    assert list(told.value.problems) == [
        "cohort has no column 'dayz'; did you mean 'days'?",
        "where: cohort has no column 'sex'.",
    ]
    missing = int(FRAME["age"].isna().sum())
    with pytest.raises(cs.InputError) as told:
        cs.EventTable.from_sql(session, table="cohort", time="age", event="arm")
    first, second = told.value.problems
    assert first == f"time is missing in {missing} rows; exclude or complete these patients first."
    assert second.startswith("event holds text ('")
    assert second.endswith("'); give booleans or 0/1.")
    with pytest.raises(cs.InputError, match=r"^Spark did not answer: "):
        cs.CountTable.from_sql(session, table="x`; DROP VIEW cohort; --", outcome="died")


TRUTHS: list[tuple[str, bool | None]] = [  # by the rules of strong Kleene logic and by hand
    ("not (days >= 0 and missing > 1)", None),
    ("known_max(1, coalesce(missing, 2)) == 2", True),
    ("max(1, 0 / 0) == 1", None),
    ("days('2016-03-01', '2016-03-04') == 3", True),
    ("years('2000-02-29', '2018-02-28') == 17", True),
    ("years('2000-02-29', '2018-03-01') == 18", True),
    ("year(seen + 300) == 2016", True),
    ("if(1 / 0 > 1, yes, no)", None),
    ("1e308 * 10 > 1", None),
    ("count_yes(yes, no, 1 < 2) == 2", True),
    ("'PR' in ['PR', \"a'b\"] and 2 not in []", True),
    ("mean(1, 2) == 1.5 and known_sum(1, 0.5) == 1.5 and abs(-2) == 2", True),
]


def test_expressions(session: Any) -> None:
    table = open_table(session, "cohort")
    every = [expression_as_sql(text, table, want="yes/no") for text, _ in TRUTHS]
    named = [sql(f"{{}} AS c{place}", part) for place, part in enumerate(every)]
    answers = table.engine.rows(sql("SELECT {} FROM {} LIMIT 1", joined(", ", named), table.source))[0]
    assert list(zip([text for text, _ in TRUTHS], answers, strict=True)) == TRUTHS
