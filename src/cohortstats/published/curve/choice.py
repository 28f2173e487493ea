"""Which method a curve gets, and why; then its patients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cohortstats.published.curve.at_risk import RiskTable
from cohortstats.published.curve.clicks import Clicks
from cohortstats.published.curve.columns import Faults
from cohortstats.published.curve.guyot import Rebuilt, rebuild_guyot
from cohortstats.published.curve.lattice import InfeasibleError, Lattice
from cohortstats.published.curve.levels import MOST_SIGMA_N, Spread, find_spread, hinted_grid, sigma_of_digits
from cohortstats.published.curve.placing import place_patients
from cohortstats.published.curve.refine import refine_path
from cohortstats.published.curve.repairs import Curve
from cohortstats.published.curve.steps import Steps, find_steps

__all__ = ["METHODS", "CurveMethod", "Method", "Outcome", "rebuild_arm"]

CurveMethod = Literal["auto", "guyot", "lattice"]
METHODS = ("auto", "guyot", "lattice")
MOST_STATES = 20_000_000  # steps times patients
FEW_DECIMALS = 3
FIT_DECIMALS = 4
MANY_PATIENTS = 100


class Method(str):
    """The method used, ``lattice`` or ``guyot``, with the reason for it.

    Parameters
    ----------
    name
        The method.
    reason
        Why, in words.

    Examples
    --------
    >>> method = Method("lattice", "levels to 4 decimals, σ·n = 0.008")
    >>> method == "lattice", method.reason
    (True, 'levels to 4 decimals, σ·n = 0.008')
    """

    reason: str
    __slots__ = ("reason",)

    def __new__(cls, name: str, reason: str) -> Method:
        self = super().__new__(cls, name)
        self.reason = reason
        return self


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """Patients of an arm, how they were found, and what that is known by."""

    rebuilt: Rebuilt
    method: Method
    sigma: float
    lattice: Lattice | None = None

    @property
    def steps(self) -> Steps:
        """The problem that the lattice solved."""
        assert self.lattice is not None, "only the lattice looks at steps"
        return self.lattice.steps


def rebuild_arm(
    curve: Curve,
    risk: RiskTable,
    *,
    digits: int,
    n_events: int | None,
    marks: NDArray[np.float64] | None,
    method: CurveMethod,
    sigma: float | None,
    clicks: Clicks,
    found: Faults,
) -> Outcome | None:
    """Patients of one arm; None after a fault, which is then noted.

    Parameters
    ----------
    curve, risk
        Mended and checked.
    digits
        Decimals of the levels.
    n_events, marks
        Total of events and times of censor marks, when known.
    method
        ``auto`` takes the lattice when σ·n is at most 0.15, the steps are located and whole numbers give the levels.
    sigma
        Spread of a level, when known.
    clicks, found
        The source, and what takes the faults.
    """
    n = int(risk.n[0])
    if method == "guyot":
        return _by_guyot(curve, risk, n_events, marks, Method("guyot", "as asked"), math.nan)
    steps = find_steps(curve, risk, marks)
    spread = _spread_that_fits(curve, steps, digits, sigma)
    words = f"{spread.source}, σ·n = {spread.sigma * n:.2g}"
    located = spread.kind == "given" or curve.located or (spread.kind == "digits" and digits >= FEW_DECIMALS)
    located |= spread.sigma <= sigma_of_digits(10.0**-FIT_DECIMALS)
    if method == "auto" and not (located and spread.sigma * n <= MOST_SIGMA_N):
        why = words if spread.sigma * n > MOST_SIGMA_N else f"{words}; steps are not located"
        return _by_guyot(curve, risk, n_events, marks, Method("guyot", why), spread.sigma)
    if steps.number * n > MOST_STATES:
        if method == "auto":
            why = f"{steps.number} steps of {n} patients are too many for the lattice"
            return _by_guyot(curve, risk, n_events, marks, Method("guyot", why), spread.sigma)
        message = f"{steps.number} steps of {n} patients are too many for the lattice."
        clicks.tell(found, "curve-infeasible", message, "Use method guyot.")
        return None
    try:
        lattice = Lattice.solve(steps, spread.sigma)
        if method == "auto" and _scatters(lattice):
            why = "levels scatter more than their digits say"
            return _by_guyot(curve, risk, n_events, marks, *_read_from_picture(curve, n, digits, spread, why))
        path = lattice.best() if n_events is None else lattice.with_events(n_events)
    except InfeasibleError as fault:
        why = _levels_at_fault(steps, spread, digits) if method == "auto" else ""
        if why:
            return _by_guyot(curve, risk, n_events, marks, *_read_from_picture(curve, n, digits, spread, why))
        if fault.tick is not None and fault.tick > 0:
            risk.tell(found, "curve-infeasible", fault.message)
        else:
            clicks.tell(found, "curve-infeasible", fault.message)
        return None
    path = refine_path(lattice, path)
    chosen = Method("lattice", words if method == "auto" else f"as asked; {words}")
    rebuilt = place_patients(steps, path, marks)
    return Outcome(rebuilt=rebuilt, method=chosen, sigma=spread.sigma, lattice=lattice)


def _by_guyot(
    curve: Curve,
    risk: RiskTable,
    n_events: int | None,
    marks: NDArray[np.float64] | None,
    method: Method,
    sigma: float,
) -> Outcome:
    rebuilt = rebuild_guyot(curve, risk, n_events, marks)
    return Outcome(rebuilt=rebuilt, method=method, sigma=sigma)


def _read_from_picture(curve: Curve, n: int, digits: int, spread: Spread, why: str) -> tuple[Method, float]:
    """The reason for Guyot's method where levels are no whole numbers of patients: pixels, if they show."""
    pixel = hinted_grid(np.unique(curve.survival[curve.clicked]), 10.0**-digits)
    if pixel * n / 2 > MOST_SIGMA_N:
        return Method("guyot", f"clicks on a grid of {pixel:.2g}, σ·n = {pixel * n / 2:.2g}"), pixel / 2
    return Method("guyot", f"{spread.source}, σ·n = {spread.sigma * n:.2g}; {why}"), spread.sigma


def _spread_that_fits(curve: Curve, steps: Steps, digits: int, sigma: float | None) -> Spread:
    """The spread of the levels; a frame of numbers has lost its zeros, so few digits may be exact all the same."""
    spread = find_spread(curve, steps.n, digits, sigma)
    fine = sigma_of_digits(10.0**-FIT_DECIMALS)
    if spread.kind != "digits" or spread.sigma <= fine or fine * steps.n > MOST_SIGMA_N:
        return spread
    if curve.unit > 0 or steps.number * steps.n > MOST_STATES or not steps.number:
        return spread
    try:
        Lattice.solve(steps.without_numbers(), fine)
    except InfeasibleError:
        return spread
    return Spread(sigma=fine, source=f"levels that {steps.n} patients give to 4 decimals", kind="digits")


def _scatters(lattice: Lattice) -> bool:
    """Whether the residuals are larger than rounding to the digits makes them, which is at most √6 σ each."""
    number = lattice.steps.number
    return number >= 5 and lattice.best_cost > number * min(1 + 5 / math.sqrt(number), 6.0)


def _levels_at_fault(steps: Steps, spread: Spread, digits: int) -> str:
    """Why the levels are to blame that there is no path, or an empty text: then it is a number that cannot be."""
    if spread.kind == "given":
        return ""
    try:
        free = Lattice.solve(steps.without_numbers(), spread.sigma)
    except InfeasibleError:
        return "no whole numbers of patients give these levels"
    if _scatters(free):
        return "levels scatter more than their digits say"
    # Levels of few digits may be whole numbers of many patients by chance, as those of a picture 500 pixels high.
    exact = spread.sigma <= sigma_of_digits(10.0**-FIT_DECIMALS) and (digits > FEW_DECIMALS or steps.n < MANY_PATIENTS)
    coarse = spread.kind == "pixels" or (digits <= FEW_DECIMALS and not exact)
    return "numbers at risk do not fit levels of so few digits" if coarse else ""
