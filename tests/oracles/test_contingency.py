"""What R printed for every table and every family of P values, beside ours. The answers are files: no R is needed.

P values of 2x2 tables are also computed here once more, table by table on rationals, and must be equal to ours. Where R
is wrong the table stands in `R_FAULTS` with the right answer beside R's. Two faults touch every table:

- the odds ratio of ``fisher.test`` and its limits come from ``uniroot`` on (0, 1), of the ratio or of its inverse, with
  a tolerance of 1.2e-4: compared there, so 11966 is R's print of 13560.885;
- with one possible table R prints an odds ratio of 0; there is none.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cohortstats.stats.chi_square import chi_square
from cohortstats.stats.counts import CountTable, proportion_ci
from cohortstats.stats.exact import attainable_p, fisher_exact, fisher_exact_rxc
from cohortstats.stats.multiplicity import adjust_p

HERE = Path(__file__).parent
Cells = tuple[int, int, int, int]  # x1, n1, x2, n2

# fisher.test counts a table as tied when its weight is within a relative 1e-7 of the observed one. Table; R; right, by
# rationals.
R_FAULTS: dict[Cells, tuple[float, float]] = {
    (157, 314, 44, 78): (0.375766453391, 0.315193878617),
    (51, 69, 174, 255): (0.461481006824, 0.381888913851),
    (135, 172, 443, 617): (0.0974000752235, 0.0806278571521),
    (311, 351, 176, 231): (0.000134639990179, 9.24478726479e-05),
    (153, 235, 233, 378): (0.438885408159, 0.391478211012),
    (236, 331, 198, 236): (0.000596627947414, 0.000436097467051),
    (133, 183, 225, 335): (0.232506569003, 0.198039191171),
    (38, 144, 20, 60): (0.394444976196, 0.313618075484),
    (10, 32, 226, 360): (0.00103093019607, 0.00062504126709),
    (317, 368, 71, 80): (0.71693006042, 0.592472958762),
    (157, 354, 36, 117): (0.0124328980867, 0.00949657826882),
}


@cache
def answers(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / f"{name}.csv.gz", float_precision="round_trip", na_values=["refused"])


def two_by_two(x1: int, n1: int, x2: int, n2: int) -> CountTable:
    return CountTable(groups=("1", "2"), events=(x1, x2), totals=(n1, n2))


def cells_of(row: object) -> Cells:
    return tuple(int(getattr(row, name)) for name in ("x1", "n1", "x2", "n2"))  # type: ignore[return-value]


def weights(n1: int, n2: int, k: int) -> dict[int, int]:
    """C(n1, x) C(n2, k − x) for every x, by the definition."""
    return {x: math.comb(n1, x) * math.comb(n2, k - x) for x in range(max(0, k - n2), min(n1, k) + 1)}


def test_kinds_are_many() -> None:
    kinds = answers("fisher")["kind"].value_counts()
    assert kinds.drop("near_tie").sum() == 2_000
    assert len(kinds) == 9
    assert kinds.drop("near_tie").min() >= 100
    assert kinds["near_tie"] == len(R_FAULTS)
    assert len(answers("freeman_halton")) == len(answers("p_adjust")) == 200


def test_fisher_is_the_rational_of_the_definition() -> None:
    for row in answers("fisher").query("n1 + n2 <= 130").itertuples():
        x1, n1, x2, n2 = cells_of(row)
        all_weights, total = weights(n1, n2, x1 + x2), math.comb(n1 + n2, x1 + x2)
        observed = all_weights[x1]
        right = {
            "two-sided": sum(w for w in all_weights.values() if w <= observed),
            "less": sum(w for x, w in all_weights.items() if x <= x1),
            "greater": sum(w for x, w in all_weights.items() if x >= x1),
        }
        counts = two_by_two(x1, n1, x2, n2)
        for side, extreme in right.items():
            assert fisher_exact(counts, alternative=side).p_exact == Fraction(extreme, total), (row, side)  # type: ignore[arg-type]
        every = {sum(v for v in all_weights.values() if v <= w) for w in all_weights.values()}
        assert attainable_p(counts) == tuple(Fraction(extreme, total) for extreme in sorted(every))
        assert fisher_exact(counts).min_attainable_exact == Fraction(min(every), total)


def test_fisher() -> None:
    for row in answers("fisher").itertuples():
        cells = cells_of(row)
        counts = two_by_two(*cells)
        both = fisher_exact(counts)
        sides = (("less", row.p_less), ("greater", row.p_greater))
        for side, p in sides:
            assert fisher_exact(counts, alternative=side).p_value == pytest.approx(p, rel=1e-9), (row, side)
        if cells not in R_FAULTS:
            assert both.p_value == pytest.approx(row.p_two_sided, rel=1e-9), row
        if both.reason == "variance is zero":  # R prints an odds ratio of 0
            assert math.isnan(both.odds_ratio)
            assert row.odds_ratio == 0
            continue
        for name in ("odds_ratio", "ci_lower", "ci_upper"):
            ours, printed = getattr(both, name), getattr(row, name)
            small = (ours, printed) if printed <= 1 else (1 / ours, 1 / printed)
            assert small[0] == pytest.approx(small[1], rel=1e-4, abs=2.5e-4), (row, name)


@pytest.mark.parametrize("cells", R_FAULTS)
def test_faults_near_ties_of_fisher(cells: Cells) -> None:
    theirs, right = R_FAULTS[cells]
    found = fisher_exact(two_by_two(*cells))
    x1, n1, x2, n2 = cells
    all_weights = weights(n1, n2, x1 + x2)
    assert found.p_exact == Fraction(
        sum(w for w in all_weights.values() if w <= all_weights[x1]), sum(all_weights.values())
    )
    assert found.p_value == pytest.approx(right, rel=1e-11)
    assert theirs > right * 1.05
    printed = answers("fisher").query("x1 == @x1 and n1 == @n1 and x2 == @x2 and n2 == @n2")["p_two_sided"]
    assert printed.tolist() == pytest.approx([theirs], rel=1e-11)


def test_chi_square() -> None:
    undefined = 0
    for row in answers("fisher").itertuples():
        counts = two_by_two(*cells_of(row))
        for correction, statistic, p in (("none", row.pearson, row.p_pearson), ("yates", row.yates, row.p_yates)):
            ours = chi_square(counts, correction=correction)  # type: ignore[arg-type]
            if math.isnan(statistic):  # R prints NaN, or refuses a table of zeros
                undefined += 1
                assert ours.reason == "variance is zero"
                assert math.isnan(ours.statistic)
                assert math.isnan(ours.p_value)
                continue
            # R adds and subtracts expected counts, so a statistic of 0 may be 1e-28 there.
            assert ours.statistic == pytest.approx(statistic, rel=1e-10, abs=1e-13), row
            assert ours.p_value == pytest.approx(p, rel=1e-9, abs=1e-300 if statistic > 1e-12 else 1e-6), row
    assert undefined > 150


@pytest.mark.parametrize(
    ("method", "column"), [("wilson", "wilson"), ("clopper-pearson", "clopper"), ("jeffreys", "jeffreys")]
)
def test_proportions(method: str, column: str) -> None:
    for row in answers("fisher").itertuples():
        ours = proportion_ci(row.x, row.n, method=method)  # type: ignore[arg-type]
        lower, upper = getattr(row, f"{column}_lower"), getattr(row, f"{column}_upper")
        if method == "jeffreys":  # qbeta knows nothing of the ends, where the limit is 0 or 1
            lower, upper = (0.0 if row.x == 0 else lower), (1.0 if row.x == row.n else upper)
        assert ours.ci_lower == pytest.approx(lower, rel=1e-10, abs=1e-14)
        assert ours.ci_upper == pytest.approx(upper, rel=1e-10, abs=1e-14)


def test_freeman_halton() -> None:
    for row in answers("freeman_halton").itertuples():
        matrix = np.array(row.cells.split(), dtype=int).reshape(row.rows, -1)
        if not math.isnan(row.p_value):  # R refuses when zeros leave a single row or column
            assert fisher_exact_rxc(matrix).p_value == pytest.approx(row.p_value, rel=1e-9), matrix


def numbers(text: str) -> np.ndarray:
    return np.array([math.nan if word == "NA" else float(word) for word in str(text).split()])


@pytest.mark.parametrize("method", ["bonferroni", "holm", "hochberg", "hommel", "BH", "BY"])
def test_adjusted_p(method: str) -> None:
    for row in answers("p_adjust").to_dict("records"):
        ours = adjust_p(numbers(row["p"]).tolist(), method=method)  # type: ignore[arg-type]
        np.testing.assert_allclose(ours, numbers(row[method]), rtol=1e-13)
