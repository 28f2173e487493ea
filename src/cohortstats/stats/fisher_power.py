"""Power of Fisher's exact test of two groups: what these numbers of patients could have shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlog1py, xlogy

from cohortstats.stats.counts import check_whole_numbers
from cohortstats.stats.doors import check_fraction, number_text, refuse
from cohortstats.stats.roots import crossing
from cohortstats.stats.two_binomials import TwoBinomials, check_tables

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DetectableRate", "detectable_rate", "fisher_power"]

STEPS = 200  # of the search for the first rate with enough power


class DetectableRate(float):
    """Result of `detectable_rate`: a float with the power that it attains and, when it is nan, the reason.

    ``power`` at nan is the power at a rate of 1, the most that these numbers of patients can have.
    """

    __slots__ = ("base_rate", "method", "power", "reason", "totals")

    power: float
    reason: str
    method: str
    base_rate: float
    totals: tuple[int, int]

    def __new__(
        cls, rate: float, *, power: float, reason: str, method: str, base_rate: float, totals: tuple[int, int]
    ) -> DetectableRate:
        """A float whose further fields are set once."""
        made = super().__new__(cls, rate)
        fields = {"power": power, "reason": reason, "method": method, "base_rate": base_rate, "totals": totals}
        for name, value in fields.items():
            object.__setattr__(made, name, value)
        return made

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a DetectableRate cannot be changed; '{name}' was set when it was made.")

    def __reduce__(self) -> tuple[Callable[..., DetectableRate], tuple[float, dict[str, object]]]:
        """What pickle and copy make it from."""
        return _made_from, (float(self), {name: getattr(self, name) for name in self.__slots__})

    def to_frame(self) -> pd.DataFrame:
        """One row: base_rate, detectable_rate, power, method, reason."""
        import pandas as pd

        columns = {"base_rate": self.base_rate, "detectable_rate": float(self), "power": self.power}
        return pd.DataFrame([{**columns, "method": self.method, "reason": self.reason}])


def _made_from(rate: float, fields: dict[str, Any]) -> DetectableRate:
    return DetectableRate(rate, **fields)


def fisher_power(rates: Sequence[float], totals: Sequence[int], alpha: float = 0.05) -> float:
    """Probability that Fisher's two-sided test of two groups has p < alpha, given the true rates.

    Parameters
    ----------
    rates
        True rates of the first and the second group, from 0 to 1.
    totals
        Patients in the first and the second group.
    alpha
        Between 0 and 1.

    Returns
    -------
    float
        Σ over all tables of binomial · binomial · [p < alpha], rejections on both sides counted. Whether p < alpha is
        decided on rationals. At equal rates this is the size of the test, at most alpha.

    Raises
    ------
    InputError
        Other than two rates or totals, rates outside [0, 1], totals that are no counts, more than a million tables.

    Notes
    -----
    Power at the rates that were observed says nothing that p does not; it is for rates laid down beforehand. R:
    ``exact2x2::power2x2`` counts rejections on one side only: .11772 for the example.

    Examples
    --------
    >>> float(f"{fisher_power(rates=(0.176, 0.353), totals=(17, 17)):.10f}")
    0.1187281071
    """
    problems = [] if len(rates) == 2 else [f"fisher_power compares 2 groups; there are {len(rates)} rates."]
    problems += _check_rates("rates", rates) + _check_totals("fisher_power", totals)
    refuse(problems + check_fraction("alpha", alpha, "0.05"))
    n1, n2 = (int(total) for total in totals)
    region = _rejected(n1, n2, Fraction(str(alpha)))
    return _power(region, float(rates[0]), float(rates[1]))


def detectable_rate(rate: float, totals: Sequence[int], power: float = 0.8, alpha: float = 0.05) -> DetectableRate:
    """Smallest rate of the second group above that of the first which Fisher's two-sided test finds with this power.

    Parameters
    ----------
    rate
        True rate of the first group, from 0 to 1.
    totals
        Patients in the first and the second group.
    power
        Wanted probability of p < alpha, between 0 and 1.
    alpha
        Between 0 and 1.

    Returns
    -------
    DetectableRate
        A float; ``.power`` is what it attains. nan with ``.reason`` ``not attainable`` when the power is short even at
        a rate of 1 in the second group, which ``.power`` then is.

    Raises
    ------
    InputError
        Rates or levels out of range, totals that are no counts, more than a million tables.

    Notes
    -----
    Solved on the power of `fisher_power`, to the last bit. R: ``uniroot`` on ``exact2x2::power2x2(..., strict=TRUE)``,
    which counts rejections on both sides.

    Examples
    --------
    >>> found = detectable_rate(3 / 17, (17, 17))
    >>> float(f"{found:.8f}"), float(f"{found.power:.6f}")
    (0.6791155, 0.8)
    >>> none = detectable_rate(2 / 14, (14, 2))
    >>> float(none), none.reason, float(f"{none.power:.6f}")
    (nan, 'not attainable', 0.385144)
    """
    problems = _check_rates("rate", (rate,)) + _check_totals("detectable_rate", totals)
    refuse(problems + check_fraction("power", power, "0.8") + check_fraction("alpha", alpha, "0.05"))
    n1, n2 = (int(total) for total in totals)
    region, base = _rejected(n1, n2, Fraction(str(alpha))), float(rate)
    # Power may fall before it rises, so the first stretch that reaches the wanted power is found before its end is.
    steps = np.linspace(base, 1, STEPS + 1).tolist()
    found, reason = math.nan, "not attainable"
    for low, high in zip([base, *steps], steps, strict=False):
        if base < high and _power(region, base, high) >= power:
            found, reason = _least(region, base, power, low, high), ""
            break
    return DetectableRate(
        found,
        power=_power(region, base, 1.0 if reason else found),
        reason=reason,
        method=f"fisher two-sided minlike, alpha {number_text(alpha)}, power {number_text(power)}",
        base_rate=base,
        totals=(n1, n2),
    )


def _least(region: NDArray[np.bool_], base: float, power: float, low: float, high: float) -> float:
    """Smallest rate in (low, high] whose power, as computed, is at least the wanted one."""
    rate = crossing(lambda second: power - _power(region, base, second), low, high)
    while _power(region, base, rate) < power:  # the crossing is within one float of it
        rate = math.nextafter(rate, 2.0)
    return rate


@lru_cache(maxsize=16)
def _rejected(n1: int, n2: int, alpha: Fraction) -> NDArray[np.bool_]:
    """Tables with p < alpha: rows of events in the first group, columns of events in the second."""
    tables = TwoBinomials.of(n1, n2)
    rejected = tables.by_groups(tables.fisher_region(alpha, "two-sided", strict=True))
    rejected.flags.writeable = False
    return rejected


def _power(region: NDArray[np.bool_], rate1: float, rate2: float) -> float:
    first, second = (_binomial(n - 1, rate) for n, rate in zip(region.shape, (rate1, rate2), strict=True))
    return float(first @ (region @ second))


def _binomial(n: int, rate: float) -> NDArray[np.float64]:
    """P(X = x) for x from 0 to n."""
    x = np.arange(n + 1)
    logs = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    return np.asarray(np.exp(logs + xlogy(x, rate) + xlog1py(n - x, -rate)))


def _check_rates(name: str, rates: Sequence[float]) -> list[str]:
    return [
        f"{name} {'holds' if name == 'rates' else 'is'} {number_text(float(rate))}"
        f"{f' (position {position})' if name == 'rates' else ''}; give a fraction, such as 0.35."
        for position, rate in enumerate(rates, 1)
        if not 0 <= rate <= 1
    ]


def _check_totals(name: str, totals: Sequence[int]) -> list[str]:
    if len(totals) != 2:
        return [f"{name} compares 2 groups; there are {len(totals)} totals."]
    problems = check_whole_numbers("totals", ((f"position {i}", total) for i, total in enumerate(totals, 1)))
    return problems or check_tables(name, (int(totals[0]), int(totals[1])))
