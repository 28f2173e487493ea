"""What results have in common: read-only arrays, one-row frames, the normal quantile of a level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_row", "normal_quantile", "read_only"]


def read_only(values: object, dtype: type = np.float64) -> NDArray[Any]:
    """Copy that nobody can change: a frozen result would otherwise hold a door open."""
    array: NDArray[Any] = np.array(values, dtype=dtype)
    array.flags.writeable = False
    return array


def normal_quantile(ci_level: float) -> float:
    """z with P(|Z| <= z) = ci_level; 1.959964 at 0.95."""
    return float(-ndtri((1 - ci_level) / 2))


def as_row(result: object, columns: Sequence[str]) -> pd.DataFrame:
    """Frame of one row with the named fields of a result."""
    import pandas as pd

    return pd.DataFrame([{name: getattr(result, name) for name in columns}])
