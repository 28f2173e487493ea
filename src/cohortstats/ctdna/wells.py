"""Wells of one sample become one: droplets are pooled, and what the wells say of each other is kept.

The mean of the concentrations of several wells is not the concentration of their droplets taken together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from cohortstats.ctdna.quality import add_flags, unusable_wells
from cohortstats.stats.doors import check_choice, check_fraction
from cohortstats.stats.droplet_door import DropletDoor, Floats
from cohortstats.stats.droplets import (
    CONCENTRATION_METHODS,
    MIN_ACCEPTED,
    ConcentrationMethod,
    DropletConcentration,
    check_vendor_level,
    droplet_concentration,
)
from cohortstats.stats.results import RichResult, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DISPERSION_ALPHA", "TOTAL_Z", "PooledWells", "between_wells", "pool_wells"]

DISPERSION_ALPHA = 0.01  # of the two-cell χ²: one of 100 samples with nothing wrong is flagged
TOTAL_Z = 1.96  # the vendor's


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PooledWells(RichResult):
    """Result of `pool_wells`.

    ``concentration`` is that of all droplets together. ``dispersion`` is Σ(k − E)²/E over the wells, ``two_cells`` the
    same over positive and negative droplets, both with ``df`` degrees of freedom. ``total_lower`` and ``total_upper``
    are the concentration ± the larger of the Poisson half width and that of the wells. ``flags`` adds ``dispersion``
    to those of the pooled droplets; ``reason`` says why a dispersion is nan.
    """

    concentration: DropletConcentration
    well_copies_per_ul: Floats
    n_wells: int
    dispersion: float
    dispersion_p: float
    two_cells: float
    two_cells_p: float
    df: int
    std_dev: float
    poisson_half_width: float
    wells_half_width: float
    total_half_width: float
    total_lower: float
    total_upper: float
    flags: str
    reason: str

    def to_frame(self) -> pd.DataFrame:
        """One row: the columns of the concentration, then n_wells, dispersion, ..., total_upper, flags, reason."""
        return self.concentration.to_frame().assign(**{name: getattr(self, name) for name in _POOLED})


_POOLED = (
    *("n_wells", "dispersion", "dispersion_p", "two_cells", "two_cells_p", "df", "std_dev", "poisson_half_width"),
    *("wells_half_width", "total_half_width", "total_lower", "total_upper", "flags", "reason"),
)


def pool_wells(
    positives: object,
    accepted: object,
    *,
    droplet_volume_nl: float = 0.85,
    method: ConcentrationMethod = "quantasoft",
    ci_level: float = 0.95,
    reaction_volume_ul: float = 20,
    min_accepted: int = MIN_ACCEPTED,
    dispersion_alpha: float = DISPERSION_ALPHA,
    names: Sequence[str] = (),
) -> PooledWells:
    """Concentration of several wells of one sample, target, volume, dilution and threshold.

    Parameters
    ----------
    positives, accepted
        Whole numbers of droplets, one value a well.
    droplet_volume_nl, method, ci_level, reaction_volume_ul, min_accepted
        As in `droplet_concentration`; ``min_accepted`` is for the droplets of all wells.
    dispersion_alpha
        p of the two-cell dispersion below which the wells are flagged ``dispersion``.
    names
        Names of the wells, for messages.

    Returns
    -------
    PooledWells
        λ = −ln(1 − Σk/ΣN). With one well the dispersion is nan and the total error is the Poisson one; without a
        positive or a negative droplet the dispersion is nan, reason ``variance is zero``.

    Raises
    ------
    InputError
        Counts that are no counts, more positives than accepted droplets, and with two wells or more a well without a
        call (fewer than 1000 droplets) or without a negative droplet.

    Notes
    -----
    E = N·Σk/ΣN for each well. The half width of the wells is 1.96·SD/sqrt(m) of the m concentrations, and the total
    error is the larger of it and the Poisson half width, as in the vendor's manual (Bio-Rad, QuantaSoft). R:
    ``chisq.test(cbind(k, N - k), correct = FALSE)`` for the two-cell dispersion.

    Examples
    --------
    >>> pooled = pool_wells([120, 180, 150], [15000, 15200, 14800])
    >>> round(pooled.concentration.copies_per_ul, 6), round(pooled.two_cells, 4), round(pooled.two_cells_p, 5)
    (11.823925, 11.2979, 0.00352)
    >>> round(pooled.poisson_half_width, 6), round(pooled.total_half_width, 6), pooled.flags
    (1.09248, 2.588381, 'dispersion')
    """
    door = DropletDoor()
    door.check(check_choice("method", method, CONCENTRATION_METHODS))
    door.check(check_fraction("ci_level", ci_level, "0.95") or check_vendor_level(method, ci_level))
    door.check(check_fraction("dispersion_alpha", dispersion_alpha, "0.01"))
    k, n = (np.atleast_1d(counts) for counts in door.droplets({"positives": positives}, accepted))
    if not k.size:
        door.check(["there are no wells."])
    if not door.problems and k.size > 1:
        shown = names or [f"well {number}" for number in range(1, k.size + 1)]
        door.check(unusable_wells(shown, *np.broadcast_arrays(k, n)))
    door.above_zero("droplet_volume_nl", droplet_volume_nl, "0.85", single=True)
    door.close()
    k, n = np.broadcast_arrays(k, n)
    pooled = droplet_concentration(
        int(k.sum()),
        int(n.sum()),
        droplet_volume_nl=droplet_volume_nl,
        method=method,
        ci_level=ci_level,
        reaction_volume_ul=reaction_volume_ul,
        min_accepted=min_accepted,
    )
    wells = np.atleast_1d(np.asarray(droplet_concentration(k, n, droplet_volume_nl=droplet_volume_nl).copies_per_ul))
    between = between_wells(k, n, wells, np.zeros(k.size, dtype=np.int64), 1)
    one, two, spread = (float(values[0]) for values in between)
    df = k.size - 1
    poisson = float(np.asarray(pooled.ci_upper) - np.asarray(pooled.ci_lower)) / 2
    by_wells = TOTAL_Z * spread / np.sqrt(k.size)
    total = float(np.fmax(poisson, by_wells))
    two_p = float(chdtrc(df, two)) if df else np.nan
    return PooledWells(
        concentration=pooled,
        well_copies_per_ul=read_only(wells),
        n_wells=k.size,
        dispersion=one,
        dispersion_p=float(chdtrc(df, one)) if df else np.nan,
        two_cells=two,
        two_cells_p=two_p,
        df=df,
        std_dev=spread,
        poisson_half_width=poisson,
        wells_half_width=float(by_wells),
        total_half_width=total,
        total_lower=float(pooled.copies_per_ul - total),
        total_upper=float(pooled.copies_per_ul + total),
        flags=str(add_flags(pooled.flags, "dispersion" if two_p < dispersion_alpha else "")),
        reason="variance is zero" if df and k.sum() in (0, n.sum()) else "",
    )


def between_wells(
    k: Floats, n: Floats, copies: Floats, group: NDArray[np.int64], groups: int
) -> tuple[Floats, Floats, Floats]:
    """Dispersion of the positives, of positives and negatives, and the SD of the concentrations, by group of wells."""

    def total(values: Floats) -> Floats:
        return np.asarray(np.bincount(group, weights=values, minlength=groups), dtype=np.float64)

    wells = np.bincount(group, minlength=groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = total(k) / total(n)
        expected = n * rate[group]
        one = total((k - expected) ** 2 / expected)
        two = one / (1 - rate)  # Σ(k − E)²/E + Σ(k − E)²/(N − E), well by well
        mean = total(copies) / wells
        spread = np.sqrt(total((copies - mean[group]) ** 2) / (wells - 1))
    single = wells < 2
    flat = single | (rate == 0) | (rate == 1)
    return np.where(flat, np.nan, one), np.where(flat, np.nan, two), np.where(single, np.nan, spread)
