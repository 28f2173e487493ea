"""Cohorts that show that an end of a range is reached, each checked by code that knows nothing of the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cohortstats.printed import Printed
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.evaluate import broken_rules, evaluate
from cohortstats.published.provenance import DEFAULT_LABEL

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Asked", "Witness", "check_cells", "witness_of"]

Asked = tuple[str, str, int]
"""An expression, among whom, and for how many it is yes."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Witness:
    """One cohort for which every statement holds; it is no record of patients.

    Parameters
    ----------
    cells
        Column -> one text a patient; of a numeric column, one number that the print allows.
    label
        What everything made from it must carry.
    """

    cells: Mapping[str, Sequence[str]]
    label: str

    def to_frame(self) -> pd.DataFrame:
        """One row a patient."""
        import pandas as pd

        return pd.DataFrame({name: list(column) for name, column in self.cells.items()}, dtype=object)

    def __repr__(self) -> str:
        return f"Witness({len(next(iter(self.cells.values()), ()))} patients, {self.label})"


def witness_of(model: CohortModel, asked: Iterable[Asked], *, time_limit: float | None = None) -> Witness | None:
    """A cohort of the model in which some counts are as asked, checked; None when there is none.

    Raises
    ------
    InputError
        When the solver stopped before it knew.
    """
    asked = [(expression, among, count) for expression, among, count in asked]
    for expression, among, count in asked:
        model = model.where(expression, count, among)
    solution = model.solve(1, gap=1.0, time_limit=time_limit)
    if solution is None:
        return None
    cells = {name: list(column) for name, column in solution.cells.items()}
    for name, places in solution.regions.items():
        column = model.encoder.column(name)
        cells[name] = ["" if place < 0 else column.levels[place] for place in places]
    for name, known in model.encoder.given.items():
        # A number that is printed of a patient stays as it is printed.
        if name in cells:
            cells[name][: len(known)] = known
    check_cells(model, cells, asked)
    return Witness(cells=cells, label=model.printed.synthetic or DEFAULT_LABEL)


def check_cells(model: CohortModel, cells: Mapping[str, Sequence[str]], asked: Iterable[Asked] = ()) -> None:
    """Evaluate every count and rule of the model on a cohort, by the language of expressions alone.

    Raises
    ------
    RuntimeError
        When one of them fails: a fault of this program, not of the file.
    """
    printed: Printed = model.printed
    held = [unit for unit in model.units if unit.address not in model.readings]
    ids = {
        statement.id
        for unit in held
        for statement in unit.statements
        if statement.kind in ("count", "rule") and statement.id not in model.not_modelled
    }
    values = [value for value in printed.values if value.id in ids and value.source != "survival"]
    wrong = [check.id for check in evaluate(printed, cells, values) if check.verdict != "agrees"]
    wrong += list(broken_rules(printed, cells, ids & {unit.address for unit in held}))
    for expression, among, count in asked:
        if count_on(printed, cells, expression, among) != count:
            wrong.append(expression or "the number of patients")
    if wrong:
        raise RuntimeError(f"a witness breaks {', '.join(wrong[:5])}; this is an internal error.")


def count_on(printed: Printed, cells: Mapping[str, Sequence[str]], expression: str, among: str = "") -> int:
    """Patients of a cohort for whom an expression is yes."""
    from cohortstats.published.model.evaluate import patients_of

    return int((patients_of(printed, expression, cells) & patients_of(printed, among, cells)).sum())
