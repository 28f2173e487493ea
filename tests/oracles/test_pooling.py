"""metafor's pooling of every generated set of studies beside ours. No R is needed to run this.

metafor was told to search further than it does by default, where tau² is right to about 1e-5.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cohortstats.stats.pooling import PooledEffect, pool_effects

HERE = Path(__file__).parent
METHODS = {"FE": "fixed", "DL": "dersimonian-laird", "PM": "paule-mandel", "REML": "reml"}
TESTS = {"z": "normal", "knha": "hartung-knapp"}


@cache
def answers(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / f"{name}.csv.gz", float_precision="round_trip")


@cache
def studies() -> dict[int, pd.DataFrame]:
    return dict(iter(answers("pooling_studies").groupby("set")))


def ours(row: pd.Series) -> PooledEffect:
    frame = studies()[row["set"]]
    return pool_effects(
        frame["estimate"], frame["std_error"], method=METHODS[row["method"]], interval=TESTS[row["test"]]
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("test", TESTS)
def test_estimates_limits_and_p_values_are_those_of_metafor(method: str, test: str) -> None:
    rows = answers("pooling").query("method == @method and test == @test")
    assert len(rows) > 50
    # Q of equal numbers of digits; where tau² is found by a search, both are right to about its tolerance.
    digits = 1e-9 if method in ("FE", "DL") else 2e-6
    for _, row in rows.iterrows():
        found = ours(row)
        for name in ("estimate", "ci_lower", "ci_upper", "p_value", "q", "q_p"):
            assert getattr(found, name) == pytest.approx(row[name], rel=digits, abs=digits), (row["set"], name)
        for name in ("prediction_lower", "prediction_upper"):
            assert getattr(found, name) == pytest.approx(row[name], rel=digits, abs=digits, nan_ok=True)
        assert found.tau2 == pytest.approx(row["tau2"], rel=digits, abs=digits), row["set"]
        assert found.weights[0] == pytest.approx(row["weight_first"], rel=digits, abs=digits)


def test_restricted_likelihood_is_nowhere_below_that_of_metafor() -> None:
    for _, row in answers("pooling").query("method == 'REML' and test == 'z'").iterrows():
        frame = studies()[row["set"]]
        y, s = frame["estimate"].to_numpy(), frame["std_error"].to_numpy()

        def likelihood(tau2: float, y: np.ndarray = y, s: np.ndarray = s) -> float:
            w = 1 / (s * s + tau2)
            mean = (w * y).sum() / w.sum()
            return -0.5 * float(np.log(s * s + tau2).sum() + np.log(w.sum()) + (w * (y - mean) ** 2).sum())

        assert likelihood(ours(row).tau2) >= likelihood(row["tau2"]) - 1e-10
