"""Limit of blank and limit of detection of droplet counts, and what a rule of so many droplets is worth.

False droplets in wells without target are a Poisson count. Few blanks say little about its mean, so the upper limit
of that mean is what the rules go by.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import gammainc, gammaincc, gammainccinv, ndtr, ndtri

from cohortstats.errors import CohortStatsWarning
from cohortstats.stats.doors import check_choice, check_fraction, number_text
from cohortstats.stats.droplet_door import DropletDoor, Floats, Numbers, as_asked
from cohortstats.stats.results import RichResult, as_row

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BlankLimit",
    "DetectionLimit",
    "LimitOfBlank",
    "blanks_needed",
    "chance_of_exceeding",
    "false_positive_chance",
    "limit_of_blank",
    "limit_of_blank_ep17",
    "limit_of_detection",
    "tumor_fraction_needed",
]

GUIDELINE_Z = 1.645  # as EP17 writes the 95 % point of the normal distribution


# ------------------------------------------------------------------------------------------------ Poisson counts


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LimitOfBlank(RichResult):
    """Result of `limit_of_blank`.

    ``droplets`` is the limit of blank: a sample is positive with more than that. ``from_mean`` is the same taken from
    the mean of the blanks instead of its upper limit, which few blanks cannot support.
    """

    droplets: int
    from_mean: int
    blanks: int
    false_positives: int
    mean: float
    mean_upper: float
    level: float
    method: str

    def false_positive_chance(self, droplets: int) -> float:
        """Chance that a well without target has at least so many droplets, at the upper limit of the mean."""
        return float(false_positive_chance(droplets, self.mean_upper))

    def to_frame(self) -> pd.DataFrame:
        """One row: blanks, false_positives, mean, mean_upper, droplets, from_mean, level, method."""
        names = ("blanks", "false_positives", "mean", "mean_upper", "droplets", "from_mean", "level", "method")
        return as_row(self, names)


def limit_of_blank(false_positives: int, blanks: int, *, level: float = 0.95) -> LimitOfBlank:
    """Most droplets that a well without target has with probability ``level``, from blank wells.

    Parameters
    ----------
    false_positives
        Positive droplets in all blanks together, K.
    blanks
        Number of blank wells, B.
    level
        Between 0 and 1; used for the upper limit of the mean and for the limit itself.

    Returns
    -------
    LimitOfBlank
        μ has the upper limit χ²(level; 2K + 2)/(2B); ``droplets`` is the smallest c with P(Poisson(μ) ≤ c) ≥ level.

    Raises
    ------
    InputError
        Counts that are no counts, no blank, a level outside (0, 1).

    Notes
    -----
    R: ``mu <- qchisq(0.95, 2*K + 2) / (2*B); qpois(0.95, mu)``. CLSI EP17-A2, with the Poisson distribution of rare
    droplets for the normal one. The wells must resemble the samples in droplets and in DNA.

    Examples
    --------
    >>> healthy = limit_of_blank(0, 10)
    >>> healthy.droplets, round(healthy.mean_upper, 6), round(healthy.false_positive_chance(2), 5)
    (1, 0.299573, 0.03684)
    >>> limit_of_blank(0, 59).droplets, limit_of_blank(0, 58).droplets
    (0, 1)
    """
    door = DropletDoor()
    door.whole("false_positives", false_positives, "droplets", single=True)
    door.whole("blanks", blanks, "wells", least=1, single=True)
    door.check(check_fraction("level", level, "0.95"))
    door.close()
    upper = float(gammainccinv(false_positives + 1, 1 - level)) / blanks
    mean = false_positives / blanks
    return LimitOfBlank(
        droplets=_poisson_quantile(upper, level),
        from_mean=_poisson_quantile(mean, level),
        blanks=int(blanks),
        false_positives=int(false_positives),
        mean=mean,
        mean_upper=upper,
        level=level,
        method="Poisson, upper limit of the mean",
    )


def _poisson_quantile(mean: float, level: float) -> int:
    """Smallest c with P(Poisson(mean) ≤ c) ≥ level."""
    return _smallest(lambda c: float(gammaincc(c + 1, mean)) >= level)


def _smallest(holds: Callable[[int], bool], start: int = 0) -> int:
    """Smallest whole number from ``start`` on for which a condition holds that, once it holds, goes on to hold."""
    step = 1
    while not holds(start + step - 1):
        step *= 2
    low, high = start + step // 2 - 1, start + step - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def false_positive_chance(droplets: object, mean: object) -> Numbers:
    """Chance that a well without target is called positive by a rule of at least so many droplets.

    Parameters
    ----------
    droplets
        Droplets that the rule asks for.
    mean
        False droplets a well on average, or their upper limit.

    Returns
    -------
    float or array
        P(Poisson(mean) ≥ droplets).

    Raises
    ------
    InputError
        Droplets that are no count, a mean below 0.

    Notes
    -----
    R: ``ppois(k - 1, mu, lower.tail = FALSE)``.

    Examples
    --------
    >>> [round(100 * chance, 3) for chance in false_positive_chance([1, 2, 3], 0.299573227).tolist()]
    [25.887, 3.684, 0.359]
    """
    door = DropletDoor()
    k = door.whole("droplets", droplets, "droplets")
    mu = door.at_least_zero("mean", mean, "numbers of droplets")
    door.close()
    chance: Numbers = as_asked(np.where(k == 0, 1.0, gammainc(np.maximum(k, 1), mu)))
    return chance


def blanks_needed(droplets: int = 1, *, level: float = 0.95) -> int:
    """Blanks, none of them with a false droplet, that support a rule of at least so many droplets.

    Parameters
    ----------
    droplets
        Droplets that the rule asks for, 1 or more.
    level
        Between 0 and 1.

    Returns
    -------
    int
        Smallest number of blanks whose limit of blank is below ``droplets``.

    Raises
    ------
    InputError
        Droplets that are no count or 0, a level outside (0, 1).

    Notes
    -----
    R: ``B <- 1:1000; min(B[ppois(k - 1, -log(0.05) / B) >= 0.95])``.

    Examples
    --------
    >>> blanks_needed(1), blanks_needed(2)
    (59, 9)
    """
    door = DropletDoor()
    door.whole("droplets", droplets, "droplets", least=1, single=True)
    door.check(check_fraction("level", level, "0.95"))
    door.close()
    upper = -math.log(1 - level)  # of one blank; that of B blanks is 1/B of it
    return _smallest(lambda blanks: float(gammaincc(droplets, upper / blanks)) >= level, start=1)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DetectionLimit(RichResult):
    """Result of `limit_of_detection`: expected positive droplets that are found with probability ``level``."""

    droplets: float
    limit_of_blank: int
    level: float
    method: str

    def copies_per_well(
        self, accepted: object, *, droplet_volume_nl: object = 0.85, reaction_volume_ul: object = 20
    ) -> Numbers:
        """The limit in copies of the whole reaction: droplets · W/(N v), for N accepted droplets.

        Examples
        --------
        >>> round(limit_of_detection(1).copies_per_well(14000, droplet_volume_nl=0.91), 6)
        7.447197
        """
        door = DropletDoor()
        (n,) = door.droplets({}, accepted)
        v = door.above_zero("droplet_volume_nl", droplet_volume_nl, "0.85")
        reaction = door.above_zero("reaction_volume_ul", reaction_volume_ul, "20")
        door.close()
        copies: Numbers = as_asked(self.droplets * 1000 * reaction / (n * v))
        return copies

    def fraction_of(self, analysed_copies: object) -> Numbers:
        """The limit as a fraction of the copies that were analysed; ∞ when there were none.

        Examples
        --------
        >>> round(limit_of_detection(1).fraction_of(436.982), 6)
        0.010856
        """
        door = DropletDoor()
        copies = door.at_least_zero("analysed_copies", analysed_copies, "numbers of copies")
        door.close()
        with np.errstate(divide="ignore"):
            fraction: Numbers = as_asked(self.droplets / copies)
        return fraction

    def to_frame(self) -> pd.DataFrame:
        """One row: limit_of_blank, droplets, level, method."""
        return as_row(self, ("limit_of_blank", "droplets", "level", "method"))


def limit_of_detection(limit_of_blank: int, *, level: float = 0.95) -> DetectionLimit:
    """Expected droplets that exceed a limit of blank with probability ``level``.

    Parameters
    ----------
    limit_of_blank
        Most droplets that still count as blank.
    level
        Between 0 and 1.

    Returns
    -------
    DetectionLimit
        The L with P(Poisson(L) ≤ limit of blank) = 1 − level.

    Raises
    ------
    InputError
        A limit of blank that is no count, a level outside (0, 1).

    Notes
    -----
    R: ``qgamma(0.95, lob + 1)``. CLSI EP17-A2, with the Poisson distribution for the normal one.

    Examples
    --------
    >>> [round(limit_of_detection(lob).droplets, 6) for lob in range(3)]
    [2.995732, 4.743865, 6.295794]
    """
    door = DropletDoor()
    door.whole("limit_of_blank", limit_of_blank, "droplets", single=True)
    door.check(check_fraction("level", level, "0.95"))
    door.close()
    droplets = float(gammainccinv(limit_of_blank + 1, 1 - level))
    return DetectionLimit(droplets=droplets, limit_of_blank=int(limit_of_blank), level=level, method="Poisson")


# ------------------------------------------------------------------------------------------------ EP17


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class BlankLimit(RichResult):
    """Result of `limit_of_blank_ep17`: a limit of blank on the scale of the measurements.

    ``factor`` is the multiple of the standard deviation (nan with ``rank``), ``rank`` the place in the sorted blanks
    (nan with ``parametric``), ``zeros`` the number of blanks that are 0.
    """

    limit: float
    blanks: int
    zeros: int
    mean: float
    std_dev: float
    factor: float
    rank: float
    level: float
    method: str
    reason: str

    def to_frame(self) -> pd.DataFrame:
        """One row: blanks, zeros, mean, std_dev, factor, rank, limit, level, method, reason."""
        names = ("blanks", "zeros", "mean", "std_dev", "factor", "rank", "limit", "level", "method", "reason")
        return as_row(self, names)


def limit_of_blank_ep17(
    blanks: object,
    *,
    method: Literal["parametric", "rank"] = "parametric",
    level: float = 0.95,
    quantile: Literal["guideline", "exact"] = "guideline",
    blank_samples: int = 1,
) -> BlankLimit:
    """Limit of blank of measurements, such as copies per well, as the EP17 guideline computes it.

    Parameters
    ----------
    blanks
        Measurements of blank wells, two or more.
    method
        ``parametric``: mean + cp·SD, cp = z/(1 − 1/(4(B − S))) for B results of S blank samples. ``rank``: the value
        at rank ½ + level·B of the sorted blanks, between two ranks on the straight line.
    level
        Between 0 and 1.
    quantile
        ``guideline`` takes z = 1.645 as printed (level 0.95 only), ``exact`` the normal quantile, 1.644854.
    blank_samples
        Different blank samples, S.

    Returns
    -------
    BlankLimit
        With ``rank`` and fewer than 10 blanks the rank is beyond the last one: nan, reason ``not attainable``.

    Raises
    ------
    InputError
        Fewer than two blanks or no more than blank samples, values missing or below 0, an unknown method, a level
        outside (0, 1).

    Warns
    -----
    CohortStatsWarning
        ``parametric`` with more than half of the blanks at 0: these are no normal values, and with all of them at 0 the
        SD and the limit are 0. Use `limit_of_blank` on the droplets.

    Notes
    -----
    R: ``mean(x) + 1.645 / (1 - 1/(4*(length(x) - 1))) * sd(x)``; ``quantile(x, 0.95, type = 5)`` for the rank. CLSI
    EP17-A2, Evaluation of Detection Capability for Clinical Laboratory Measurement Procedures.

    Examples
    --------
    >>> by_rank = limit_of_blank_ep17([0, 0, 1.6, 0, 0, 1.5, 0, 3.1, 0, 0], method="rank")
    >>> by_rank.rank, by_rank.limit
    (10.0, 3.1)
    >>> limit = limit_of_blank_ep17([0.2, 0.4, 1.6, 0, 0, 1.5, 0.1, 3.1, 0, 0.8])
    >>> round(limit.factor, 3), limit.zeros
    (1.692, 3)
    """
    door = DropletDoor()
    values = np.atleast_1d(door.at_least_zero("blanks", blanks, "measurements"))
    door.check(check_choice("method", method, ("parametric", "rank")))
    door.check(check_choice("quantile", quantile, ("guideline", "exact")))
    door.check(check_fraction("level", level, "0.95"))
    door.whole("blank_samples", blank_samples, "samples", least=1, single=True)
    if quantile == "guideline" and method == "parametric" and level != 0.95:
        door.check([f"the guideline's 1.645 is for level 0.95, not {number_text(level)}; take quantile 'exact'."])
    if not door.problems and values.size <= blank_samples:
        door.check([f"blanks has {values.size} value{'' if values.size == 1 else 's'}; give more than blank samples."])
    door.close()
    size, zeros = values.size, int((values == 0).sum())
    mean, std_dev = float(values.mean()), float(values.std(ddof=1))
    factor = rank = math.nan
    if method == "parametric":
        z = GUIDELINE_Z if quantile == "guideline" else float(ndtri(level))
        factor = z / (1 - 1 / (4 * (size - blank_samples)))
        limit = mean + factor * std_dev
        if 2 * zeros > size:
            warnings.warn(
                f"{zeros} of {size} blanks are 0, so mean and standard deviation do not describe them; "
                "use limit_of_blank on the droplets.",
                CohortStatsWarning,
                stacklevel=2,
            )
    else:
        rank = 0.5 + level * size
        limit = float(np.interp(rank, np.arange(1, size + 1), np.sort(values))) if rank <= size else math.nan
    return BlankLimit(
        limit=limit,
        blanks=size,
        zeros=zeros,
        mean=mean,
        std_dev=std_dev,
        factor=factor,
        rank=rank,
        level=level,
        method=f"EP17 {method}" + (f", z {quantile}" if method == "parametric" else ""),
        reason="not attainable" if math.isnan(limit) else "",
    )


# ------------------------------------------------------------------------------------------------ two cautions


def tumor_fraction_needed(ratio: object, tumor_copies: object, *, normal_copies: float = 2) -> Numbers:
    """Fraction of tumor DNA in the plasma that a ratio needs when each tumor genome has so many copies.

    Parameters
    ----------
    ratio
        Copy-number ratio of the plasma, such as a cut-off.
    tumor_copies
        Copies of the target in a tumor genome, CN.
    normal_copies
        Copies of the target, and of the reference, in a normal genome.

    Returns
    -------
    float or array
        f = 2(R − 1)/(CN − 2) with 2 normal copies; nan where no fraction from 0 to 1 gives the ratio.

    Raises
    ------
    InputError
        Ratios or copies below 0.

    Notes
    -----
    A plasma with the fraction f has f·CN + (1 − f)·2 copies of the target to 2 of the reference. Below the needed
    fraction, "not amplified" may be "little tumor DNA". R: ``2 * (R - 1) / (CN - 2)``.

    Examples
    --------
    >>> [round(fraction, 4) for fraction in tumor_fraction_needed(1.25, [6, 10, 20]).tolist()]
    [0.125, 0.0625, 0.0278]
    """
    door = DropletDoor()
    r = door.at_least_zero("ratio", ratio, "ratios")
    copies = door.at_least_zero("tumor_copies", tumor_copies, "numbers of copies")
    door.above_zero("normal_copies", normal_copies, "2", single=True)
    door.close()
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = normal_copies * (r - 1) / (copies - normal_copies)
        needed: Numbers = as_asked(np.where((fraction >= 0) & (fraction <= 1), fraction + 0.0, np.nan))
    return needed


def chance_of_exceeding(
    threshold: object,
    *,
    reference_copies_per_well: object,
    accepted: object,
    droplet_volume_nl: object = 0.85,
    reaction_volume_ul: object = 20,
) -> Numbers:
    """Chance that a sample with a true ratio of 1 shows a ratio above a cut-off.

    Parameters
    ----------
    threshold
        Cut-off of the ratio, above 0.
    reference_copies_per_well
        Copies of the reference in the reaction, above 0.
    accepted
        Accepted droplets.
    droplet_volume_nl, reaction_volume_ul
        Volumes of a droplet and of the reaction.

    Returns
    -------
    float or array
        P = 1 − Φ(ln(threshold)/se), se² = 2(e^λ − 1)/(N λ²), λ the copies a droplet.

    Raises
    ------
    InputError
        Counts that are no counts, cut-offs, copies or volumes not above 0.

    Notes
    -----
    The standard error is that of ``log-delta`` in `copy_ratio` with as many target as reference copies. R:
    ``pnorm(log(1.25) / sqrt(2 * expm1(l) / (N * l^2)), lower.tail = FALSE)``.

    Examples
    --------
    >>> chance = chance_of_exceeding(1.25, reference_copies_per_well=[100, 300], accepted=14000, droplet_volume_nl=0.91)
    >>> [round(100 * value, 1) for value in chance.tolist()]
    [10.4, 1.5]
    """
    door = DropletDoor()
    cutoff = door.above_zero("threshold", threshold, "1.25")
    copies = door.above_zero("reference_copies_per_well", reference_copies_per_well, "100")
    (n,) = door.droplets({}, accepted)
    v = door.above_zero("droplet_volume_nl", droplet_volume_nl, "0.85")
    reaction = door.above_zero("reaction_volume_ul", reaction_volume_ul, "20")
    door.close()
    per_droplet: Floats = np.asarray(copies / reaction * v / 1000)
    std_error = np.sqrt(2 * np.expm1(per_droplet) / n) / per_droplet
    chance: Numbers = as_asked(ndtr(-np.log(cutoff) / std_error))
    return chance
