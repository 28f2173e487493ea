"""Sets of studies to pool: two to twelve log ratios with standard errors, alike, scattered and with outliers."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SEED = 20180907
SETS = 60


def main() -> None:
    rng = np.random.default_rng(SEED)
    lines = ["set,estimate,std_error"]
    for number in range(1, SETS + 1):
        k = int(rng.integers(2, 13))
        errors = np.exp(rng.uniform(-3.0, -0.3, k))
        between = float(rng.choice([0.0, 0.05, 0.2, 0.6]))
        estimates = rng.normal(-0.3, np.sqrt(errors**2 + between**2))
        if number % 7 == 0:
            estimates[0] += 2.0  # an outlier, often with several minima of the restricted likelihood near each other
        # As a study prints them; the digits that are written are the numbers that both programs read.
        lines += [f"{number},{y:.4f},{s:.4f}" for y, s in zip(estimates, errors, strict=True)]
    with (HERE / "pooling_studies.csv.gz").open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed:
        packed.write(("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
