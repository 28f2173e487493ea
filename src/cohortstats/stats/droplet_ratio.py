"""Ratios of two targets in the same droplets: copy number, fractional abundance, linked targets.

With λ = −ln(1 − k/N) of each target, R = λt/λr, and var λ = (e^λ − 1)/N by the delta method from the binomial count.
Two targets of one well share their droplets, so their counts can be correlated: when the double-positive droplets are
given, so is the covariance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from cohortstats.stats.doors import check_choice, check_fraction, number_text
from cohortstats.stats.droplet_door import DropletDoor, Floats, Numbers, Texts, as_asked
from cohortstats.stats.droplets import check_vendor_level, copies_of, vendor_limits
from cohortstats.stats.results import RichResult, normal_quantile

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RATIO_METHODS", "CopyRatio", "LinkedCopies", "RatioMethod", "copy_ratio", "linked_copies", "printed_ratio"]

RatioMethod = Literal["log-delta", "fieller", "quantasoft"]
RATIO_METHODS = ("log-delta", "fieller", "quantasoft")
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CopyRatio(RichResult):
    """Result of `copy_ratio`: plain numbers for one well, arrays for a column of wells.

    ``fractional_abundance`` is the target in percent of target and reference, ``cnv`` the copy number; each has its
    limits. ``std_error_log`` is the standard error of ln R, ``covariance`` that of the two λ. ``reason`` says why a
    limit is nan, infinite or below 0.
    """

    ratio: Numbers
    ci_lower: Numbers
    ci_upper: Numbers
    fractional_abundance: Numbers
    fractional_abundance_lower: Numbers
    fractional_abundance_upper: Numbers
    cnv: Numbers
    cnv_lower: Numbers
    cnv_upper: Numbers
    std_error_log: Numbers
    covariance: Numbers
    target_copies_per_droplet: Numbers
    reference_copies_per_droplet: Numbers
    target_positives: Numbers
    reference_positives: Numbers
    accepted: Numbers
    ci_level: float
    method: str
    reason: Texts

    @property
    def estimate(self) -> Numbers:
        """The ratio."""
        return self.ratio

    def chance_above(self, threshold: float) -> Numbers:
        """Φ((ln R − ln threshold)/se): how much of the log-normal distribution of R lies above a cut-off.

        Examples
        --------
        >>> table = printed_ratio(1.23, 204, accepted=14000, droplet_volume_nl=0.91)
        >>> round(table.chance_above(1.25), 4)
        0.4458
        """
        door = DropletDoor()
        cutoff = door.above_zero("threshold", threshold, "1.25", single=True)
        door.close()
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.log(np.asarray(self.ratio) / cutoff) / np.asarray(self.std_error_log)
        chance: Numbers = as_asked(ndtr(distance))
        return chance

    def to_frame(self) -> pd.DataFrame:
        """One row a well: the counts, ratio, ci_lower, ci_upper, fractional_abundance, ..., method, reason."""
        import pandas as pd

        columns = {name: np.atleast_1d(getattr(self, name)) for name in COLUMNS}
        size = np.size(self.ratio)
        return pd.DataFrame({name: np.broadcast_to(column, (size,)).copy() for name, column in columns.items()})


COLUMNS = (
    *("target_positives", "reference_positives", "accepted", "ratio", "ci_lower", "ci_upper"),
    *("fractional_abundance", "fractional_abundance_lower", "fractional_abundance_upper"),
    *("cnv", "cnv_lower", "cnv_upper", "std_error_log", "ci_level", "method", "reason"),
)


def _covariance(kt: Floats, kr: Floats, both: Floats, n: Floats) -> tuple[Floats, Floats]:
    """cov(λt, λr) and ln(qtr/(qt qr)), from the negative fractions q."""
    qt, qr, qtr = (n - kt) / n, (n - kr) / n, (n - kt - kr + both) / n
    return (qtr - qt * qr) / (n * qt * qr), np.log(qtr / (qt * qr))


def copy_ratio(
    target_positives: object,
    reference_positives: object,
    accepted: object,
    *,
    method: RatioMethod = "log-delta",
    ci_level: float = 0.95,
    double_positives: object = None,
    reference_accepted: object = None,
    reference_copies: float = 2,
) -> CopyRatio:
    """Copies of a target over copies of a reference, R = λt/λr, with an interval.

    Parameters
    ----------
    target_positives, reference_positives
        Whole numbers of droplets: one number each, or one value a well. A double-positive droplet counts in both.
    accepted
        Accepted droplets of the well.
    method
        ``log-delta``: R·exp(±z·se), se² = vt/λt² + vr/λr² − 2 cov/(λt λr), v = (e^λ − 1)/N.
        ``fieller``: all R with (λt − R λr)² ≤ z² var(λt − R λr), a lower limit below 0 set to 0.
        ``quantasoft``, the vendor's: R ± R·sqrt(wt² + wr²), w half the width of the vendor's interval of the
        concentration over the concentration; symmetric, and not clipped at 0.
    ci_level
        Between 0 and 1; ``quantasoft`` knows 0.95 only.
    double_positives
        Droplets positive for both. They give the covariance of linked targets, which narrows the interval of
        ``log-delta`` and ``fieller``; without them it is taken as 0. The vendor's interval ignores it.
    reference_accepted
        Accepted droplets of the reference when it was measured in another well.
    reference_copies
        Copies of the reference in a genome, which ``cnv`` is R times.

    Returns
    -------
    CopyRatio
        Floats for single numbers, arrays for columns. Reasons: ``saturated`` (no negative droplet of either: all
        nan), ``reference-zero`` (all nan), ``ratio-zero`` (R = 0, limits nan), ``ratio-unbounded`` (``fieller`` with a
        reference that is not different from 0: upper limit ∞), ``ci-below-zero`` (``quantasoft``).

    Raises
    ------
    InputError
        Counts that are no counts, more positives than accepted droplets, double positives that do not fit the two, an
        unknown method, a level outside (0, 1).

    Notes
    -----
    Fractional abundance is 100 λt/(λt + λr); its limits are 100·l/(1 + l) of the limits l of R, and with
    ``quantasoft`` ± 100·h/(1 + R)², h the half width of R. z is the normal quantile, 1.959964; the vendor's is 1.96.

    R: ``exp(log(Rhat) + c(-1, 1) * qnorm(0.975) * sqrt(expm1(lt)/(N*lt^2) + expm1(lr)/(N*lr^2)))``. Dube, Qin and
    Ramakrishnan 2008, PLoS ONE 3:e2876; Fieller 1954, Journal of the Royal Statistical Society B 16:175; Bio-Rad,
    Droplet Digital PCR Applications Guide.

    Examples
    --------
    >>> her2 = copy_ratio(461, 318, 14000)
    >>> round(her2.ratio, 6), round(her2.ci_lower, 6), round(her2.ci_upper, 6)
    (1.457285, 1.263261, 1.681109)
    >>> vendor = copy_ratio(461, 318, 14000, method="quantasoft")
    >>> round(vendor.ci_lower, 6), round(vendor.fractional_abundance, 4), round(vendor.cnv, 4)
    (1.249066, 59.3047, 2.9146)
    >>> copy_ratio([10, 0, 5], [0, 200, 3], 14000, method="fieller").reason.tolist()
    ['reference-zero', 'ratio-zero', 'ratio-unbounded']
    """
    door = DropletDoor()
    door.check(check_choice("method", method, RATIO_METHODS))
    door.check(check_fraction("ci_level", ci_level, "0.95") or check_vendor_level(method, ci_level))
    apart, linked = reference_accepted is not None, double_positives is not None
    if apart and linked:
        door.check(["double_positives are counted in one well; give them without reference_accepted."])
        linked = False
    counts = {"target_positives": target_positives, "reference_positives": reference_positives}
    if apart:
        kt, n = door.droplets({"target_positives": target_positives}, accepted)
        of_reference = {"reference_positives": reference_positives}
        kr, nr = door.droplets(of_reference, reference_accepted, accepted_name="reference_accepted")
    else:
        kt, kr, n = door.droplets(counts, accepted)
        nr = n
    both = door.whole("double_positives", double_positives, "droplets") if linked else np.array(0.0)
    door.above_zero("reference_copies", reference_copies, "2", single=True)
    if linked:
        _check_double(door, kt, kr, both, n)
    door.close()
    kt, kr, n, nr, both = (np.asarray(column) for column in np.broadcast_arrays(kt, kr, n, nr, both))
    full = (kt == n) | (kr == nr)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = _Parts(
            target=copies_of(kt, n),
            reference=copies_of(kr, nr),
            target_variance=kt / (n * (n - kt)),  # (e^λ − 1)/N without a difference
            reference_variance=kr / (nr * (nr - kr)),
            covariance=_covariance(kt, kr, both, n)[0] if linked else np.zeros(n.shape),
        )
        if method == "quantasoft":
            widths = [_relative_width(kt, n, parts.target), _relative_width(kr, nr, parts.reference)]
            limits = _vendor(parts, np.hypot(*widths))
        else:
            limits = _of_variances(parts, method, ci_level)
    named = f"{method}, linked" if linked and method != "quantasoft" else method
    whole = (as_asked(column.astype(np.int64)) for column in (kt, kr, n))
    return _made(parts, limits, full, named, ci_level, reference_copies, *whole)


def _check_double(door: DropletDoor, kt: Floats, kr: Floats, both: Floats, n: Floats) -> None:
    try:
        kt, kr, both, n = np.broadcast_arrays(kt, kr, both, n)
    except ValueError:  # columns of two lengths; the door says so
        return
    least, most = np.maximum(kt + kr - n, 0), np.minimum(kt, kr)
    where = np.flatnonzero((both < least) | (both > most))
    if where.size:
        row = where[0]
        value, low, high = (number_text(float(np.atleast_1d(x)[row])) for x in (both, least, most))
        place = f" at position {row + 1}" if kt.ndim else ""
        door.check([f"double_positives is {value}{place}; the positives of the two targets allow {low} to {high}."])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Parts:
    """Copies a droplet of target and reference, their variances and covariance."""

    target: Floats
    reference: Floats
    target_variance: Floats
    reference_variance: Floats
    covariance: Floats

    @property
    def ratio(self) -> Floats:
        return np.asarray(self.target / self.reference)

    @property
    def std_error_log(self) -> Floats:
        t, r = self.target, self.reference
        square = self.target_variance / t**2 + self.reference_variance / r**2 - 2 * self.covariance / (t * r)
        return np.asarray(np.sqrt(np.where(square < 0, 0, square)))  # rounding, of targets that are always together


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Limits:
    """Limits of the ratio and of the fractional abundance, with the two reasons that they can give."""

    lower: Floats
    upper: Floats
    abundance_lower: Floats
    abundance_upper: Floats
    below_zero: Mask
    unbounded: Mask


def _of_variances(parts: _Parts, method: str, ci_level: float) -> _Limits:
    """Limits of ``log-delta`` and ``fieller``."""
    z = normal_quantile(ci_level)
    none = np.zeros(parts.ratio.shape, dtype=bool)
    if method == "fieller":
        lower, upper, unbounded = _fieller(parts, z)
    else:
        reach = np.exp(z * parts.std_error_log)
        lower, upper, unbounded = parts.ratio / reach, parts.ratio * reach, none
    share = [np.where(np.isinf(limit), 100.0, 100 * limit / (1 + limit)) for limit in (lower, upper)]
    return _Limits(
        lower=lower,
        upper=upper,
        abundance_lower=share[0],
        abundance_upper=share[1],
        below_zero=none,
        unbounded=unbounded,
    )


def _fieller(parts: _Parts, z: float) -> tuple[Floats, Floats, Mask]:
    """Every R with (λt − R λr)² ≤ z² var(λt − R λr), and where that set has no upper end."""
    a = parts.reference**2 - z * z * parts.reference_variance
    b = parts.target * parts.reference - z * z * parts.covariance
    c = parts.target**2 - z * z * parts.target_variance
    # Both roots in the form that does not cancel: b + root is above 0 wherever a root is used.
    far = b + np.sqrt(np.maximum(b * b - a * c, 0))
    unbounded = a <= 0
    return np.where(c > 0, c / far, 0.0), np.where(unbounded, np.inf, far / a), unbounded


def _relative_width(k: Floats, n: Floats, copies: Floats) -> Floats:
    lower, upper = vendor_limits(k, n)
    return np.asarray((upper - lower) / 2 / copies)


def _vendor(parts: _Parts, width: Floats) -> _Limits:
    ratio, half = parts.ratio, parts.ratio * width
    share, half_share = 100 * ratio / (1 + ratio), 100 * half / (1 + ratio) ** 2
    return _Limits(
        lower=ratio - half,
        upper=ratio + half,
        abundance_lower=share - half_share,
        abundance_upper=share + half_share,
        below_zero=ratio - half < 0,
        unbounded=np.zeros(ratio.shape, dtype=bool),
    )


def _made(
    parts: _Parts,
    limits: _Limits,
    full: Mask,
    method: str,
    ci_level: float,
    reference_copies: float,
    target_positives: Numbers,
    reference_positives: Numbers,
    accepted: Numbers,
) -> CopyRatio:
    """The result, with nan where there is nothing to say and the reason beside it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(full | (parts.reference == 0), np.nan, parts.ratio)
        share = 100 * ratio / (1 + ratio)
        std_error = parts.std_error_log
    empty = full | (parts.reference == 0) | (parts.target == 0)
    cases = {
        "saturated": full,
        "reference-zero": parts.reference == 0,
        "ratio-zero": parts.target == 0,
        "ratio-unbounded": limits.unbounded,
        "ci-below-zero": limits.below_zero,
    }

    def limit(values: Floats) -> Numbers:
        shown: Numbers = as_asked(np.where(empty, np.nan, values))
        return shown

    return CopyRatio(
        ratio=as_asked(ratio),
        ci_lower=limit(limits.lower),
        ci_upper=limit(limits.upper),
        fractional_abundance=as_asked(share),
        fractional_abundance_lower=limit(limits.abundance_lower),
        fractional_abundance_upper=limit(limits.abundance_upper),
        cnv=as_asked(reference_copies * ratio),
        cnv_lower=limit(reference_copies * limits.lower),
        cnv_upper=limit(reference_copies * limits.upper),
        std_error_log=limit(std_error),
        covariance=as_asked(np.where(full, np.nan, parts.covariance)),
        target_copies_per_droplet=as_asked(parts.target),
        reference_copies_per_droplet=as_asked(parts.reference),
        target_positives=target_positives,
        reference_positives=reference_positives,
        accepted=accepted,
        ci_level=ci_level,
        method=method,
        reason=as_asked(np.select(list(cases.values()), list(cases), default="")),
    )


# ------------------------------------------------------------------------------------------------ printed ratios


def printed_ratio(
    ratio: object,
    reference_copies_per_well: object,
    *,
    accepted: object,
    droplet_volume_nl: float = 0.85,
    reaction_volume_ul: float = 20,
    method: Literal["log-delta", "fieller"] = "log-delta",
    ci_level: float = 0.95,
    reference_copies: float = 2,
) -> CopyRatio:
    """Interval that a printed ratio would have had with an assumed number of droplets.

    Parameters
    ----------
    ratio
        Printed ratios, above 0.
    reference_copies_per_well
        Copies of the reference in the reaction, above 0.
    accepted
        Accepted droplets, assumed.
    droplet_volume_nl, reaction_volume_ul
        Volumes of a droplet and of the reaction.
    method, ci_level, reference_copies
        As in `copy_ratio`; the vendor's interval needs counts.

    Returns
    -------
    CopyRatio
        Its positives are the expected ones, N(1 − e^−λ), not whole numbers; ``method`` says that they were assumed.

    Raises
    ------
    InputError
        Ratios, copies or volumes not above 0, counts that are no counts, an unknown method, a level outside (0, 1).

    Notes
    -----
    λr = copies · v/(1000 W), λt = R λr, then as `copy_ratio`. R: the same line with ``expm1(R * lr)``. A teaching
    value: it says how wide the interval of a paper that prints no droplets must have been, not what was measured.

    Examples
    --------
    >>> table = printed_ratio(1.11, 832, accepted=14000, droplet_volume_nl=0.91)
    >>> round(table.ci_lower, 6), round(table.ci_upper, 6)
    (0.985901, 1.24972)
    """
    door = DropletDoor()
    door.check(check_choice("method", method, RATIO_METHODS[:2]))
    door.check(check_fraction("ci_level", ci_level, "0.95"))
    read = door.above_zero("ratio", ratio, "1.25")
    copies = door.above_zero("reference_copies_per_well", reference_copies_per_well, "500")
    (n,) = door.droplets({}, accepted)
    v = door.above_zero("droplet_volume_nl", droplet_volume_nl, "0.85")
    reaction = door.above_zero("reaction_volume_ul", reaction_volume_ul, "20")
    door.above_zero("reference_copies", reference_copies, "2", single=True)
    door.close()
    read, copies, n, v, reaction = (np.asarray(a) for a in np.broadcast_arrays(read, copies, n, v, reaction))
    lr = copies / reaction * v / 1000
    lt = read * lr
    parts = _Parts(
        target=lt,
        reference=lr,
        target_variance=np.expm1(lt) / n,
        reference_variance=np.expm1(lr) / n,
        covariance=np.zeros(n.shape),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        limits = _of_variances(parts, method, ci_level)
    kt, kr = as_asked(-n * np.expm1(-lt)), as_asked(-n * np.expm1(-lr))
    full, named = np.zeros(n.shape, dtype=bool), f"{method}, droplets assumed"
    return _made(parts, limits, full, named, ci_level, reference_copies, kt, kr, as_asked(n.astype(np.int64)))


# ------------------------------------------------------------------------------------------------ linked targets


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LinkedCopies(RichResult):
    """Result of `linked_copies`: plain numbers for one well, arrays for a column of wells.

    ``raw_copies_per_ul`` is the estimate before negative values are set to 0 in ``copies_per_ul``.
    """

    copies_per_ul: Numbers
    raw_copies_per_ul: Numbers
    covariance: Numbers
    reason: Texts

    def to_frame(self) -> pd.DataFrame:
        """One row a well: copies_per_ul, raw_copies_per_ul, covariance, reason."""
        import pandas as pd

        names = ("copies_per_ul", "raw_copies_per_ul", "covariance", "reason")
        return pd.DataFrame({name: np.atleast_1d(getattr(self, name)) for name in names})


def linked_copies(
    target_positives: object,
    reference_positives: object,
    double_positives: object,
    accepted: object,
    *,
    droplet_volume_nl: object = 0.85,
) -> LinkedCopies:
    """Copies per µL of molecules that carry both targets, 1000 ln(qtr/(qt qr))/v, at least 0.

    Parameters
    ----------
    target_positives, reference_positives, double_positives
        Droplets positive for the one, the other and both; the double-positive ones count in each of the first two.
    accepted
        Accepted droplets of the well.
    droplet_volume_nl
        Volume of a droplet, v.

    Returns
    -------
    LinkedCopies
        q are the fractions negative for the target, the reference, and both. nan with reason ``saturated`` without a
        negative droplet of the target or of the reference.

    Raises
    ------
    InputError
        Counts that are no counts, more positives than accepted droplets, double positives that do not fit the two.

    Notes
    -----
    Independent targets have qtr = qt qr; more double negatives than that are molecules in one piece. The covariance
    is (qtr − qt qr)/(N qt qr). R: ``log(qtr / (qt * qr)) * 1000 / v``. QX Manager prints it as copies/µL of linked
    molecules.

    Examples
    --------
    >>> smn2 = linked_copies(10940, 11037, 5944, 20486)
    >>> round(smn2.copies_per_ul, 6), float(f"{smn2.covariance:.4e}")
    (13.280727, 5.5416e-07)
    """
    door = DropletDoor()
    counts = {"target_positives": target_positives, "reference_positives": reference_positives}
    kt, kr, n = door.droplets(counts, accepted)
    both = door.whole("double_positives", double_positives, "droplets")
    v = door.above_zero("droplet_volume_nl", droplet_volume_nl, "0.85")
    _check_double(door, kt, kr, both, n)
    door.close()
    kt, kr, n, both, v = (np.asarray(a) for a in np.broadcast_arrays(kt, kr, n, both, v))
    full = (kt == n) | (kr == n)
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance, excess = _covariance(kt, kr, both, n)
    raw = np.where(full, np.nan, excess * 1000 / v)  # −∞ without a double-negative droplet
    return LinkedCopies(
        copies_per_ul=as_asked(np.maximum(raw, 0)),
        raw_copies_per_ul=as_asked(raw),
        covariance=as_asked(np.where(full, np.nan, covariance)),
        reason=as_asked(np.where(full, "saturated", "")),
    )
