"""Mixed integer programs through ``scipy.optimize.milp``; what it returns is never trusted without a check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cohortstats.published.model.encode import Row

__all__ = ["Answer", "Program"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a solver found.

    Parameters
    ----------
    status
        ``optimal``, ``infeasible`` or ``stopped``.
    values
        0 or 1 (or a whole number) a variable; None without a solution.
    objective
        Value of the objective at the solution.
    bound
        Proven bound of the objective.
    """

    status: str
    values: npt.NDArray[np.int64] | None
    objective: float
    bound: float


@dataclass(slots=True)
class Program:
    """Variables, rows and an objective to be minimised."""

    n_variables: int
    rows: list[Row]
    upper: dict[int, float]

    @classmethod
    def of(cls, n_variables: int, rows: Iterable[Row]) -> Program:
        return cls(n_variables, list(rows), {})

    def variable(self, upper: float = 1) -> int:
        """A new whole variable from 0 to ``upper``."""
        self.n_variables += 1
        if upper != 1:
            self.upper[self.n_variables - 1] = upper
        return self.n_variables - 1

    def copy(self) -> Program:
        return Program(self.n_variables, list(self.rows), dict(self.upper))

    def solve(
        self,
        objective: Mapping[int, float] | None = None,
        *,
        time_limit: float | None = None,
        gap: float = 0.0,
    ) -> Answer:
        """Minimise an objective; without one, any solution will do.

        Notes
        -----
        An end of a row that is open is infinite: with large finite ends HiGHS has returned solutions that are not
        optimal as optimal. A solution is rounded to whole numbers and every row is evaluated again.
        """
        for row in self.rows:
            if not row.variables and not row.lower <= 0 <= row.upper:
                return Answer(status="infeasible", values=None, objective=np.nan, bound=np.nan)
        used = sorted({variable for row in self.rows for variable in row.variables} | set(objective or ()))
        place = {variable: i for i, variable in enumerate(used)}
        rows = [row for row in self.rows if row.variables]
        values = np.zeros(self.n_variables, dtype=np.int64)
        if not used:
            return Answer(status="optimal", values=values, objective=0.0, bound=0.0)
        cost = np.zeros(len(used))
        for variable, weight in (objective or {}).items():
            cost[place[variable]] = weight
        answer = _milp(cost, rows, place, self._uppers(used), time_limit, gap)
        if answer.values is None:
            return answer
        values[used] = answer.values
        if not _holds(rows, values):
            raise RuntimeError("the solver returned a solution that breaks a row; this is an internal error.")
        total = float(cost @ answer.values)
        return Answer(status=answer.status, values=values, objective=total, bound=answer.bound)

    def _uppers(self, used: Sequence[int]) -> npt.NDArray[np.float64]:
        return np.array([self.upper.get(variable, 1.0) for variable in used])


def _milp(
    cost: npt.NDArray[np.float64],
    rows: Sequence[Row],
    place: Mapping[int, int],
    upper: npt.NDArray[np.float64],
    time_limit: float | None,
    gap: float,
) -> Answer:
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    lengths = [len(row.variables) for row in rows]
    columns = [place[variable] for row in rows for variable in row.variables]
    coefficients = np.array([c for row in rows for c in row.coefficients], dtype=np.float64)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    constraints = []
    if rows:
        matrix = csr_array((coefficients, np.array(columns, dtype=np.int64), starts), shape=(len(rows), len(upper)))
        low = np.array([row.lower for row in rows], dtype=np.float64)
        high = np.array([row.upper for row in rows], dtype=np.float64)
        constraints = [LinearConstraint(matrix, low, high)]  # type: ignore[arg-type]
    options: dict[str, float | bool] = {"mip_rel_gap": gap}
    if time_limit is not None:
        options["time_limit"] = time_limit
    result = milp(
        cost,
        constraints=constraints,
        integrality=np.ones(len(upper), dtype=np.int64),
        bounds=Bounds(np.zeros(len(upper)), upper),
        options=options,  # type: ignore[arg-type]
    )
    status = {0: "optimal", 1: "stopped", 2: "infeasible"}.get(int(result.status), "stopped")
    if result.x is None:
        bound = result.mip_dual_bound
        return Answer(status=status, values=None, objective=np.nan, bound=np.nan if bound is None else float(bound))
    whole = np.rint(result.x).astype(np.int64)
    bound = result.mip_dual_bound
    objective = float(cost @ whole)
    return Answer(status=status, values=whole, objective=objective, bound=objective if bound is None else float(bound))


def _holds(rows: Sequence[Row], values: npt.NDArray[np.int64]) -> bool:
    """Whether whole values satisfy every row, in whole numbers."""
    return all(
        row.lower <= sum(c * int(values[v]) for v, c in zip(row.variables, row.coefficients, strict=True)) <= row.upper
        for row in rows
    )
