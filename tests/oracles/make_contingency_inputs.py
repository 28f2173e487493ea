"""Inputs of the R oracle of counts: 2x2 tables, r x c tables, families of P values. One seed, the same bytes each run."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SEED = 20180413

Rng = np.random.Generator
Table = tuple[int, int, int, int]  # x1, n1, x2, n2


def of_totals(rng: Rng, n1: int, n2: int) -> Table:
    return int(rng.integers(0, n1 + 1)), n1, int(rng.integers(0, n2 + 1)), n2


def small(rng: Rng) -> Table:
    return of_totals(rng, *rng.integers(1, 13, 2).tolist())


def usual(rng: Rng) -> Table:
    return of_totals(rng, *rng.integers(5, 61, 2).tolist())


def equal_groups(rng: Rng) -> Table:
    n = int(rng.integers(1, 41))
    return of_totals(rng, n, n)


def uneven_groups(rng: Rng) -> Table:
    return of_totals(rng, int(rng.integers(1, 6)), int(rng.integers(20, 400)))


def zero_cell(rng: Rng) -> Table:
    x1, n1, x2, n2 = usual(rng)
    return [(0, n1, x2, n2), (n1, n1, x2, n2), (x1, n1, 0, n2), (x1, n1, n2, n2)][rng.integers(4)]


def empty_margin(rng: Rng) -> Table:
    x1, n1, x2, n2 = usual(rng)
    return [(0, n1, 0, n2), (n1, n1, n2, n2), (0, 0, x2, n2), (x1, n1, 0, 0), (0, 0, 0, 0)][rng.integers(5)]


def rates_near(rng: Rng, largest: int) -> Table:
    """Two groups whose rates differ by about two standard errors: P values from 1 down to about 1e-6."""
    n1, n2 = rng.integers(largest // 10, largest + 1, 2).tolist()
    rate = rng.uniform(0.05, 0.95)
    other = np.clip(rate + rng.normal(0, 2 * np.sqrt(rate * (1 - rate) * (1 / n1 + 1 / n2))), 0, 1)
    return int(rng.binomial(n1, rate)), n1, int(rng.binomial(n2, other)), n2


def hundreds(rng: Rng) -> Table:
    return rates_near(rng, 500)


def thousands(rng: Rng) -> Table:
    return rates_near(rng, 4_000)


KINDS: tuple[tuple[Callable[[Rng], Table], int], ...] = (
    (small, 400), (usual, 400), (equal_groups, 300), (uneven_groups, 150), (zero_cell, 250), (empty_margin, 100),
    (hundreds, 300), (thousands, 100),
)  # fmt: skip

# Two tables of one set of margins whose weights differ by a relative 1e-8 to 1e-7; the less likely one.
NEAR_TIES: tuple[Table, ...] = (
    (157, 314, 44, 78), (51, 69, 174, 255), (135, 172, 443, 617), (311, 351, 176, 231), (153, 235, 233, 378),
    (236, 331, 198, 236), (133, 183, 225, 335), (38, 144, 20, 60), (10, 32, 226, 360), (317, 368, 71, 80),
    (157, 354, 36, 117),
)  # fmt: skip


def matrix(rng: Rng) -> tuple[int, list[int]]:
    """Rows, and cells row by row; patients enough for ties, few enough for R's exact test."""
    rows, columns = rng.integers(2, 5, 2).tolist()
    n = int(rng.integers(6, 41 if rows * columns < 12 else 29))
    chances = np.outer(rng.dirichlet(np.full(rows, 3.0)), rng.dirichlet(np.full(columns, 3.0))).ravel()
    return rows, rng.multinomial(n, chances).tolist()


def family(rng: Rng) -> np.ndarray:
    """P values with ties, with 0 and 1 among them, and with gaps in every fourth family."""
    m = int(rng.integers(1, 41))
    p = rng.choice([rng.random(m), rng.beta(0.3, 2, m), np.round(rng.random(m), 1)], axis=0)
    if rng.random() < 0.25:
        p[rng.random(m) < 0.2] = np.nan
    return p


def write(name: str, header: str, lines: list[str]) -> None:
    text = "\n".join([header, *lines]) + "\n"
    (HERE / name).write_bytes(gzip.compress(text.encode(), mtime=0))


def main() -> None:
    rng = np.random.default_rng(SEED)
    tables = [(kind.__name__, *kind(rng)) for kind, number in KINDS for _ in range(number)]
    tables += [("near_tie", *table) for table in NEAR_TIES]
    write("tables.csv.gz", "kind,x1,n1,x2,n2", [",".join(map(str, table)) for table in tables])
    lines = []
    for number in range(1, 201):
        rows, cells = matrix(rng)
        lines.append(f"{number},{rows},{' '.join(map(str, cells))}")
    write("matrices.csv.gz", "matrix,rows,cells", lines)
    families = [family(rng) for _ in range(200)]
    text = [" ".join("NA" if np.isnan(p) else f"{p:.15g}" for p in one) for one in families]
    write("families.csv.gz", "family,p", [f"{number},{values}" for number, values in enumerate(text, 1)])


if __name__ == "__main__":
    main()
