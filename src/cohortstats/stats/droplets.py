"""Concentrations from droplet counts: k positive of N accepted droplets, with four intervals.

A droplet is negative when it holds no copy, so with λ copies a droplet on average the negative fraction is exp(−λ) and
λ = −ln(1 − k/N). Limits of the positive fraction go through the same formula. Near k = N the positive fraction has no
digits left, so every limit is carried as a pair: the fraction and what it lacks to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainccinv, betaincinv, gammainc, gammaincc

from cohortstats.stats.doors import check_choice, check_fraction, number_text
from cohortstats.stats.droplet_door import DropletDoor, Floats, Numbers, Texts, as_asked
from cohortstats.stats.results import RichResult, normal_quantile

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CONCENTRATION_METHODS",
    "MIN_ACCEPTED",
    "NO_CALL",
    "ConcentrationMethod",
    "DropletConcentration",
    "check_vendor_level",
    "copies_of",
    "copies_per_ml_plasma",
    "copies_per_ul_sample",
    "count_flags",
    "droplet_concentration",
    "expected_positives",
    "grid_limits",
    "join_flags",
    "saturation_limit",
    "vendor_limits",
]

Pair = tuple[Floats, Floats]
ConcentrationMethod = Literal["quantasoft", "exact", "wilson", "jeffreys"]

VENDOR_Z = 1.96  # not 1.959964: the exports print their limits to eight digits
FEW = 100  # droplets on either side below which the vendor's software goes by the grid
STEP = 1000  # points of that grid in one droplet
NO_CALL, MIN_ACCEPTED, NEARLY_FULL, MANY_COPIES = 1_000, 10_000, 10, 5


# ------------------------------------------------------------------------------------------------ flags of counts


def count_flags(
    positives: Floats, accepted: Floats, min_accepted: float = MIN_ACCEPTED
) -> dict[str, NDArray[np.bool_]]:
    """Which wells are ``no-call``, ``saturated``, ``near-saturated``, ``high`` or ``low``, by their counts alone."""
    negatives = accepted - positives
    return {
        "no-call": np.asarray(accepted < NO_CALL),
        "saturated": np.asarray(negatives == 0),
        "near-saturated": np.asarray((negatives > 0) & (negatives < NEARLY_FULL)),
        "high": np.asarray(negatives < accepted * np.exp(-MANY_COPIES)),
        "low": np.asarray(accepted < min_accepted),
    }


def join_flags(flags: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.str_]:
    """The names of the flags that are set, joined by ``;`` in the order of the mapping.

    Examples
    --------
    >>> join_flags({"low": np.array([True, False, True]), "merged": np.array([True, False, False])}).tolist()
    ['low;merged', '', 'low']
    """
    names = list(flags)
    codes = sum(np.asarray(mask).astype(np.int64) << bit for bit, mask in enumerate(flags.values()))
    present, place = np.unique(codes, return_inverse=True)
    texts = [";".join(name for bit, name in enumerate(names) if code >> bit & 1) for code in present.tolist()]
    return np.array(texts, dtype=np.str_)[place].reshape(np.shape(codes))


# ------------------------------------------------------------------------------------------------ limits of a fraction
# Each rule gives the lower limit as (p, 1 − p) and the upper one likewise.


def _exact(k: Floats, n: Floats, ci_level: float) -> tuple[Pair, Pair]:
    return _beta_limits(k, n - k + 1, k + 1, n - k, ci_level)


def _jeffreys(k: Floats, n: Floats, ci_level: float) -> tuple[Pair, Pair]:
    a, b = k + 0.5, n - k + 0.5
    return _beta_limits(a, b, a, b, ci_level)


def _beta_limits(a1: Floats, b1: Floats, a2: Floats, b2: Floats, ci_level: float) -> tuple[Pair, Pair]:
    """Quantiles of two Beta distributions; what they lack to 1 are the quantiles with a and b exchanged."""
    tail = (1 - ci_level) / 2
    a1, b2 = np.maximum(a1, 0.5), np.maximum(b2, 0.5)  # 0 at k = 0 and k = N, where the caller sets the limit
    p_lower, lacks_lower = betaincinv(a1, b1, tail), betainccinv(b1, a1, tail)
    p_upper, lacks_upper = betainccinv(a2, b2, tail), betaincinv(b2, a2, tail)
    return (np.asarray(p_lower), np.asarray(lacks_lower)), (np.asarray(p_upper), np.asarray(lacks_upper))


def _wilson(k: Floats, n: Floats, ci_level: float) -> tuple[Pair, Pair]:
    z = normal_quantile(ci_level)

    def limits(x: Floats) -> Pair:
        """The two limits multiply to p²/(1 + z²/n), so the lower one never comes from a difference."""
        p, scale = x / n, 1 + z * z / n
        upper = (p + z * z / (2 * n) + z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / scale
        return p * p / scale / upper, upper

    (lower, upper), (lacks_upper, lacks_lower) = limits(k), limits(n - k)
    return (lower, lacks_lower), (upper, lacks_upper)


@cache
def grid_limits(count: int) -> tuple[float, float]:
    """The vendor's 95 % limits of a small droplet count, taken as a Poisson count.

    The highest-density interval of the Gamma(count + 1, 1) distribution on a grid of 0.001: the lower limit runs down
    from the count, the upper one is the smallest grid point whose density is not above that at the lower one, and the
    first pair that holds a mass of 0.95 is taken. The mass only grows on the way down, so bisection finds that pair.

    Examples
    --------
    >>> grid_limits(0), grid_limits(1), grid_limits(90)
    ((0.0, 2.996), (0.042, 4.776), (72.649, 109.916))
    """

    def first(holds: Callable[[int], bool], start: int) -> int:
        """Smallest whole number from ``start`` on for which a rising condition holds."""
        step = 1
        while not holds(start + step):
            step *= 2
        low, high = start - 1, start + step
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if holds(middle) else (middle, high)
        return high

    def mass(lower: int, upper: int) -> float:
        # From the side that is small, so that nothing is lost in 1 − small.
        return 1.0 - float(gammaincc(count + 1, upper / STEP)) - float(gammainc(count + 1, lower / STEP))

    top = count * STEP
    if not count:
        return 0.0, first(lambda upper: mass(0, upper) >= 0.95, 1) / STEP

    def partner(lower: int) -> int:
        """Smallest grid point above the count whose density is not above that at ``lower``."""
        # count·ln(u/l) ≤ u − l: the logarithm of the ratio of the densities, without the large terms.
        return first(lambda u: count * np.log1p((u - lower) / lower) <= (u - lower) / STEP, top)

    below = first(lambda down: top - down <= 0 or mass(top - down, partner(top - down)) >= 0.95, 0)
    return (top - below) / STEP, partner(top - below) / STEP


def _quantasoft(k: Floats, n: Floats, _: float) -> tuple[Pair, Pair]:
    p, q = k / n, (n - k) / n
    half = VENDOR_Z * np.sqrt(p * q / n)
    lower, lacks_lower, upper, lacks_upper = p - half, q + half, p + half, q - half
    fewer = np.minimum(k, n - k)
    few = fewer < FEW
    if few.any():
        counts, place = np.unique(fewer[few].astype(np.int64), return_inverse=True)
        table = np.array([grid_limits(int(count)) for count in counts.tolist()])[place.reshape(-1)]
        # In a well of a few droplets the upper grid limit can be more than there are.
        least, most = table[:, 0] / n[few], np.minimum(table[:, 1] / n[few], 1)
        positive_side = (k <= n - k)[few]
        lower[few] = np.where(positive_side, least, 1 - most)
        lacks_lower[few] = np.where(positive_side, 1 - least, most)
        upper[few] = np.where(positive_side, most, 1 - least)
        lacks_upper[few] = np.where(positive_side, 1 - most, least)
    return (lower, lacks_lower), (upper, lacks_upper)


CONCENTRATION_METHODS: dict[str, Callable[[Floats, Floats, float], tuple[Pair, Pair]]] = {
    "quantasoft": _quantasoft,
    "exact": _exact,
    "wilson": _wilson,
    "jeffreys": _jeffreys,
}


def _copies(p: Floats, lacks: Floats) -> Floats:
    """−ln(1 − p) from whichever of p and 1 − p is small."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(p < 0.5, -np.log1p(-np.minimum(p, 0.5)), -np.log(lacks)) + 0.0)  # no minus zero


def copies_of(k: Floats, n: Floats) -> Floats:
    """Copies a droplet, −ln(1 − k/N); ∞ when every droplet is positive."""
    return _copies(k / n, (n - k) / n)


def _limits(method: str, k: Floats, n: Floats, ci_level: float) -> Pair:
    """Limits of the copies a droplet; both counts are arrays of one shape."""
    lower, upper = CONCENTRATION_METHODS[method](k, n, ci_level)
    return np.where(k == 0, 0.0, _copies(*lower)), np.where(k == n, np.inf, _copies(*upper))


def vendor_limits(positives: Floats, accepted: Floats) -> Pair:
    """Limits of the copies a droplet by the rule ``quantasoft``, for counts that were checked."""
    k, n = np.broadcast_arrays(positives, accepted)
    lower, upper = _limits("quantasoft", np.atleast_1d(k), np.atleast_1d(n), 0.95)
    return lower.reshape(k.shape), upper.reshape(k.shape)


# ------------------------------------------------------------------------------------------------ concentration


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DropletConcentration(RichResult):
    """Result of `droplet_concentration`: plain numbers for one well, arrays for a column of wells.

    ``copies_per_droplet`` is λ; ``analysed_copies`` = λN is what was counted, out of ``copies_per_well`` in the whole
    reaction, and the counting error belongs to it. ``at_least`` is the one-sided limit in copies/µL that stands for a
    saturated well, nan elsewhere. ``flags`` are joined by ``;``; ``reason`` is ``saturated`` or empty.
    """

    copies_per_ul: Numbers
    ci_lower: Numbers
    ci_upper: Numbers
    copies_per_well: Numbers
    copies_per_droplet: Numbers
    analysed_copies: Numbers
    at_least: Numbers
    positives: Numbers
    accepted: Numbers
    droplet_volume_nl: Numbers
    reaction_volume_ul: float
    ci_level: float
    method: str
    flags: Texts
    reason: Texts

    def to_frame(self) -> pd.DataFrame:
        """One row a well: positives, accepted, droplet_volume_nl, copies_per_ul, ci_lower, ci_upper, ..., reason."""
        import pandas as pd

        columns = {name: np.atleast_1d(getattr(self, name)) for name in COLUMNS}
        size = np.size(self.copies_per_ul)
        return pd.DataFrame({name: np.broadcast_to(column, (size,)).copy() for name, column in columns.items()})


COLUMNS = (
    *("positives", "accepted", "droplet_volume_nl", "copies_per_ul", "ci_lower", "ci_upper", "copies_per_well"),
    *("copies_per_droplet", "analysed_copies", "at_least", "ci_level", "method", "flags", "reason"),
)


def droplet_concentration(
    positives: object,
    accepted: object,
    *,
    droplet_volume_nl: object = 0.85,
    method: ConcentrationMethod = "quantasoft",
    ci_level: float = 0.95,
    reaction_volume_ul: float = 20,
    min_accepted: int = MIN_ACCEPTED,
) -> DropletConcentration:
    """Copies per µL of reaction from k positive of N accepted droplets, 1000 λ/v with λ = −ln(1 − k/N).

    Parameters
    ----------
    positives, accepted
        Whole numbers of droplets with 0 ≤ positives ≤ accepted and accepted ≥ 1: one number each, or one value a well.
    droplet_volume_nl
        Volume of a droplet, v: 0.85 in QuantaSoft 1.7 and QX Manager, 0.91 in the first QuantaSoft.
    method
        Interval of the positive fraction p, carried through −ln(1 − p).

        ``quantasoft``: the vendor's own. p ± 1.96·sqrt(p(1 − p)/N) with 100 or more positives and as many negatives;
        with fewer on one side, the highest-density interval of that side's Poisson count on a grid of 0.001, see
        `grid_limits`. ``exact``: Clopper-Pearson. ``wilson``: score. ``jeffreys``: Beta(k + ½, N − k + ½). Always 0 to
        something at k = 0, something to ∞ at k = N.
    ci_level
        Between 0 and 1; ``quantasoft`` knows 0.95 only.
    reaction_volume_ul
        Volume of the reaction that ``copies_per_well`` is for.
    min_accepted
        Wells with fewer droplets are flagged ``low``, not dropped.

    Returns
    -------
    DropletConcentration
        Floats for single numbers, arrays for columns. A saturated well (k = N) has ∞ with its lower limit, reason
        ``saturated``; report it as at least ``at_least``.

    Raises
    ------
    InputError
        Counts that are no counts, more positives than accepted droplets, volumes not above 0, an unknown method, a
        level outside (0, 1).

    Notes
    -----
    The 1.96 of ``quantasoft`` is the vendor's constant, not the normal quantile 1.959964 that the other methods use:
    full-precision exports of QX Manager agree with it to 8e-8. Flags: ``no-call`` below 1000 accepted droplets,
    ``saturated``, ``near-saturated`` with 1 to 9 negatives, ``high`` above 5 copies a droplet, ``low``.

    R: ``-log1p(-binom.test(k, N)$conf.int) * 1000 / v`` for ``exact``, ``prop.test(k, N, correct=FALSE)`` for
    ``wilson``, ``qbeta`` for ``jeffreys``, ``qgamma(0.95, 1)`` beside the grid limit of no droplet. Dube, Qin and
    Ramakrishnan 2008, PLoS ONE 3:e2876; Bio-Rad, Droplet Digital PCR Applications Guide; Clopper and Pearson 1934,
    Biometrika 26:404; Brown, Cai and DasGupta 2001, Statistical Science 16:101.

    Examples
    --------
    >>> well = droplet_concentration(318, 14000, droplet_volume_nl=0.91)
    >>> round(well.copies_per_ul, 5), round(well.ci_lower, 5), round(well.ci_upper, 5), round(well.copies_per_well, 4)
    (25.2486, 22.47693, 28.02728, 504.9721)
    >>> droplet_concentration([0, 7, 15000], 15050, method="exact").flags.tolist()
    ['', '', 'high']
    >>> full = droplet_concentration(15000, 15000)
    >>> full.copies_per_ul, round(full.at_least, 2), full.reason
    (inf, 10022.02, 'saturated')
    """
    door = DropletDoor()
    door.check(check_choice("method", method, CONCENTRATION_METHODS))
    door.check(check_fraction("ci_level", ci_level, "0.95") or check_vendor_level(method, ci_level))
    k, n = door.droplets({"positives": positives}, accepted)
    v = door.above_zero("droplet_volume_nl", droplet_volume_nl, "0.85")
    door.above_zero("reaction_volume_ul", reaction_volume_ul, "20", single=True)
    door.whole("min_accepted", min_accepted, "droplets", single=True)
    door.close()
    k, n, v = (np.asarray(column) for column in np.broadcast_arrays(k, n, v))
    lower, upper = _limits(method, np.atleast_1d(k), np.atleast_1d(n), ci_level)
    copies, per_ul = copies_of(k, n), 1000 / v
    at_least = np.where(k == n, _at_least(n, ci_level) * per_ul, np.nan)
    return DropletConcentration(
        copies_per_ul=as_asked(copies * per_ul),
        ci_lower=as_asked(lower.reshape(k.shape) * per_ul),
        ci_upper=as_asked(upper.reshape(k.shape) * per_ul),
        copies_per_well=as_asked(copies * per_ul * reaction_volume_ul),
        copies_per_droplet=as_asked(copies),
        analysed_copies=as_asked(copies * n),
        at_least=as_asked(at_least),
        positives=as_asked(k.astype(np.int64)),
        accepted=as_asked(n.astype(np.int64)),
        droplet_volume_nl=as_asked(v),
        reaction_volume_ul=float(reaction_volume_ul),
        ci_level=ci_level,
        method=method,
        flags=as_asked(join_flags(count_flags(k, n, min_accepted))),
        reason=as_asked(np.where(k == n, "saturated", "")),
    )


def check_vendor_level(method: str, ci_level: float) -> list[str]:
    """Refuse another level for the vendor's rule, whose constants are those of 95 %."""
    if method != "quantasoft" or ci_level == 0.95 or not 0 < ci_level < 1:
        return []
    return [f"method 'quantasoft' has a ci_level of 0.95 only, not {number_text(ci_level)}; choose another method."]


def _at_least(n: Floats, ci_level: float) -> Floats:
    return np.asarray(-np.log(-np.expm1(np.log(1 - ci_level) / n)))


def saturation_limit(accepted: object, *, droplet_volume_nl: object = 0.85, ci_level: float = 0.95) -> Numbers:
    """Copies per µL that a well with every droplet positive holds at least.

    Parameters
    ----------
    accepted
        Accepted droplets, all of them positive.
    droplet_volume_nl
        Volume of a droplet.
    ci_level
        One-sided, between 0 and 1.

    Returns
    -------
    float or array
        1000 λ/v, λ = −ln(1 − (1 − ci_level)^(1/N)): with that many copies a droplet, all N are positive with
        probability 1 − ci_level.

    Raises
    ------
    InputError
        Counts that are no counts, volumes not above 0, a level outside (0, 1).

    Notes
    -----
    R: ``-log(-expm1(log(0.05) / N)) * 1000 / v``. The vendor writes 1000000 instead.

    Examples
    --------
    >>> round(saturation_limit(15000), 5)
    10022.01957
    """
    door = DropletDoor()
    door.check(check_fraction("ci_level", ci_level, "0.95"))
    (n,) = door.droplets({}, accepted)
    v = door.above_zero("droplet_volume_nl", droplet_volume_nl, "0.85")
    door.close()
    limit: Numbers = as_asked(_at_least(n, ci_level) * 1000 / v)
    return limit


# ------------------------------------------------------------------------------------------------ volumes


def copies_per_ul_sample(
    copies_per_ul: object, *, reaction_ul: object, template_ul: object, dilution: object
) -> Numbers:
    """Copies per µL of what was pipetted into the reaction, c·W·D/t.

    Parameters
    ----------
    copies_per_ul
        Concentration in the reaction, c, or one of its limits.
    reaction_ul, template_ul
        Volume of the reaction, W, and of the template in it, t.
    dilution
        Times the template was diluted before, D; 1 if it was not.

    Returns
    -------
    float or array
        Copies per µL.

    Raises
    ------
    InputError
        Concentrations below 0, volumes or a dilution not above 0.

    Notes
    -----
    R: ``c * W * D / t``. None of the volumes has a default: nothing in an export tells them.

    Examples
    --------
    >>> copies_per_ul_sample(8, reaction_ul=25, template_ul=10, dilution=1)
    20.0
    """
    door = DropletDoor()
    c = door.at_least_zero("copies_per_ul", copies_per_ul, "concentrations")
    reaction = door.above_zero("reaction_ul", reaction_ul, "20")
    template = door.above_zero("template_ul", template_ul, "8")
    diluted = door.above_zero("dilution", dilution, "1")
    door.close()
    copies: Numbers = as_asked(c * reaction * diluted / template)
    return copies


def copies_per_ml_plasma(
    copies_per_ul: object,
    *,
    reaction_ul: object,
    template_ul: object,
    elution_ul: object,
    plasma_ml: object,
    dilution: object,
) -> Numbers:
    """Copies per mL of plasma from copies per µL of reaction, c·W·D·(E/t)/P.

    Parameters
    ----------
    copies_per_ul
        Concentration in the reaction, c, or one of its limits.
    reaction_ul, template_ul
        Volume of the reaction, W, and of the template in it, t.
    elution_ul
        Volume that the DNA was eluted in, E.
    plasma_ml
        Plasma that the DNA came from, P.
    dilution
        Times the eluate was diluted before, D; 1 if it was not.

    Returns
    -------
    float or array
        Copies per mL.

    Raises
    ------
    InputError
        Concentrations below 0, volumes or a dilution not above 0.

    Notes
    -----
    R: ``c * W * D * (E / t) / P``. None of the volumes has a default: nothing in an export tells them.

    Examples
    --------
    >>> copies_per_ml_plasma(0.25, reaction_ul=20, template_ul=8, elution_ul=50, plasma_ml=2, dilution=1)
    15.625
    """
    door = DropletDoor()
    c = door.at_least_zero("copies_per_ul", copies_per_ul, "concentrations")
    reaction = door.above_zero("reaction_ul", reaction_ul, "20")
    template = door.above_zero("template_ul", template_ul, "8")
    elution = door.above_zero("elution_ul", elution_ul, "50")
    plasma = door.above_zero("plasma_ml", plasma_ml, "2")
    diluted = door.above_zero("dilution", dilution, "1")
    door.close()
    copies: Numbers = as_asked(c * reaction * diluted * (elution / template) / plasma)
    return copies


def expected_positives(
    copies_per_well: object, accepted: object, *, droplet_volume_nl: float = 0.85, reaction_volume_ul: float = 20
) -> Numbers:
    """Positive droplets to be expected from a printed number of copies, N(1 − exp(−λ)).

    Parameters
    ----------
    copies_per_well
        Copies in the whole reaction.
    accepted
        Accepted droplets, assumed where a paper prints copies only.
    droplet_volume_nl, reaction_volume_ul
        Volumes of a droplet and of the reaction.

    Returns
    -------
    float or array
        A mean, not a whole number: the copies were printed to two or three digits.

    Raises
    ------
    InputError
        Copies below 0, counts that are no counts, volumes not above 0.

    Notes
    -----
    R: ``-N * expm1(-copies / W * v / 1000)``. Exports print 20 times the rounded concentration, so a number of copies
    is known to ±10 units of the last printed digit of the concentration.

    Examples
    --------
    >>> round(expected_positives(18, 14000, droplet_volume_nl=0.91), 3)
    11.461
    """
    door = DropletDoor()
    copies = door.at_least_zero("copies_per_well", copies_per_well, "numbers of copies")
    (n,) = door.droplets({}, accepted)
    v = door.above_zero("droplet_volume_nl", droplet_volume_nl, "0.85")
    reaction = door.above_zero("reaction_volume_ul", reaction_volume_ul, "20")
    door.close()
    expected: Numbers = as_asked(-n * np.expm1(-copies / reaction * v / 1000) + 0.0)
    return expected
